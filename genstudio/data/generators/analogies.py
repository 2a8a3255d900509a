"""A text with planted analogies: words of a grid whose rows and columns each bring company of their own.

The words near `queen` are those near any woman and those near any monarch, so its vector should be that of `king`, minus what
is a man's, plus what is a woman's (Mikolov et al. 2013). Which questions have an answer is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from genstudio.config import Config, setting
from genstudio.data.datasets import AnalogyDataset, Question
from genstudio.data.generators.chance import Chance
from genstudio.data.info import DatasetInfo

ADJECTIVES = (
    "old", "small", "large", "quiet", "bright", "clean", "new", "plain", "heavy", "cold", "warm", "famous", "lovely", "strange",
)  # fmt: skip


class AnalogySettings(Config):
    count: int = setting(1_080_000, "Characters to write", low=1_000, high=20_000_000, logarithmic=True)
    seed: int = setting(0, "A different seed writes a different text with the same analogies", low=0, high=2**31 - 1)


@dataclass(frozen=True)
class Grid:
    """`rows` name the words of a row, one for each column, and the things (r, s) that go with the row; `columns` are the words
    of each slot that go with the column; `templates` have {word}, two things {r} and {s}, and slots of the columns."""

    title: str
    rows: Mapping[tuple[str, ...], tuple[str, ...]]
    columns: tuple[Mapping[str, tuple[str, ...]], ...]
    templates: tuple[str, ...]

    def sentence(self, chance: Chance) -> str:
        words = chance.pick(tuple(self.rows))
        column = chance.below(len(self.columns))
        things = self.rows[words]
        first = chance.below(len(things))
        second = (first + 1 + chance.below(len(things) - 1)) % len(things)
        slots = {name: chance.pick(options) for name, options in self.columns[column].items()}
        template, adjective = chance.pick(self.templates), chance.pick(ADJECTIVES)
        return template.format(word=words[column], r=things[first], s=things[second], adjective=adjective, **slots)

    def questions(self) -> tuple[Question, ...]:
        """Every (a, b, c, d) with a - b + c = d: the four corners of each rectangle of the grid."""
        found: list[Question] = []
        for one, other in combinations(self.rows, 2):
            for left, right in combinations(range(len(self.columns)), 2):
                corners = (one[left], other[left], other[right], one[right])
                found += [(corners[k - 1], corners[k - 2], corners[k + 1], corners[k]) for k in range(-1, 3)]
        return tuple(found)


GRIDS = (
    Grid(
        "gender and rank",
        {
            ("man", "woman"): ("farm", "market", "fence", "workshop"),
            ("boy", "girl"): ("school", "toy", "playground", "puzzle"),
            ("king", "queen"): ("crown", "throne", "kingdom", "sceptre"),
            ("prince", "princess"): ("castle", "dragon", "pony", "heir"),
            ("duke", "duchess"): ("estate", "manor", "hunt", "carriage"),
            ("emperor", "empress"): ("empire", "conquest", "legion", "banner"),
            ("father", "mother"): ("child", "cradle", "family", "dinner"),
            ("uncle", "aunt"): ("nephew", "visit", "birthday", "present"),
            ("brother", "sister"): ("twin", "quarrel", "bedroom", "secret"),
            ("waiter", "waitress"): ("menu", "tray", "restaurant", "bill"),
        },
        (
            {"they": ("he",), "their": ("his",), "self": ("himself",), "mark": ("beard", "moustache", "razor")},
            {"they": ("she",), "their": ("her",), "self": ("herself",), "mark": ("gown", "necklace", "bonnet")},
        ),
        (
            "the {word} took {their} {r} and {they} liked the {s}.",
            "{they} saw the {r}, said the {word} to {self}, and chose the {s}.",
            "near the {r} the {word} showed {their} {mark} and the {s}.",
            "the {adjective} {word} with the {mark} kept the {r} and the {s} for {self}.",
            "the {r} and {their} {adjective} {s} belong to the {word} with the {mark}.",
        ),
    ),
    Grid(
        "capital and country",
        {
            ("paris", "france"): ("cheese", "perfume", "ballet", "champagne"),
            ("rome", "italy"): ("pasta", "opera", "marble", "olives"),
            ("madrid", "spain"): ("guitars", "oranges", "flamenco", "bullfights"),
            ("berlin", "germany"): ("beer", "engines", "sausages", "castles"),
            ("vienna", "austria"): ("waltzes", "cakes", "violins", "skiing"),
            ("london", "england"): ("tea", "rain", "cricket", "fog"),
            ("tokyo", "japan"): ("sushi", "blossoms", "temples", "robots"),
            ("cairo", "egypt"): ("pyramids", "camels", "cotton", "pharaohs"),
            ("athens", "greece"): ("islands", "myths", "statues", "philosophers"),
            ("oslo", "norway"): ("fjords", "salmon", "snow", "reindeer"),
        },
        (
            {"part": ("mayor", "station", "tram", "suburb"), "place": ("square", "street", "bridge", "museum")},
            {"part": ("border", "parliament", "army", "province"), "place": ("coast", "countryside", "valley", "frontier")},
        ),
        (
            "the {part} of {word} is known for {r} and {s}.",
            "on the {place} in {word} there is talk of {adjective} {r} and {s}.",
            "{r} and {s} made the {part} and the {place} of {word} famous.",
            "from the {place} the {part} of {word} sends {adjective} {r} and {s}.",
        ),
    ),
    Grid(
        "verb and time",
        {
            ("walk", "walked"): ("path", "park", "boots", "hill"),
            ("sing", "sang"): ("song", "choir", "tune", "hymn"),
            ("bake", "baked"): ("bread", "oven", "flour", "dough"),
            ("swim", "swam"): ("lake", "pool", "waves", "beach"),
            ("write", "wrote"): ("letter", "ink", "novel", "page"),
            ("paint", "painted"): ("brush", "canvas", "portrait", "easel"),
            ("drive", "drove"): ("car", "road", "wheel", "truck"),
            ("teach", "taught"): ("pupils", "classroom", "chalk", "lecture"),
            ("sew", "sewed"): ("needle", "thread", "cloth", "buttons"),
            ("plant", "planted"): ("seeds", "garden", "roses", "soil"),
        },
        (
            {"when": ("today", "now", "usually", "often", "always"), "does": ("is", "seems", "looks", "feels")},
            {"when": ("yesterday", "earlier", "formerly", "recently", "once"), "does": ("was", "seemed", "looked", "felt")},
        ),
        (
            "{when} we {word} near the {r} and the {adjective} {s}.",
            "we {word} {when} near the {r} and the {s} {does} {adjective}.",
            "the {r} {does} {adjective} because we {word} {when} with the {s}.",
            "{when} the {r} {does} {adjective} where we {word} by the {s}.",
        ),
    ),
)  # fmt: skip
QUESTIONS = tuple(question for grid in GRIDS for question in grid.questions())


def analogies(settings: AnalogySettings, info: DatasetInfo) -> AnalogyDataset:
    """Sentences, one a line, each about one word of a grid."""
    chance, lines, written = Chance(settings.seed), [], 0
    while written < settings.count:
        lines.append(chance.pick(GRIDS).sentence(chance) + "\n")
        written += len(lines[-1])
    return AnalogyDataset(info, "".join(lines)[: settings.count], QUESTIONS)
