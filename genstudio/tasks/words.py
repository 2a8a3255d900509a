"""Tasks about the vectors of words: what lies near a word, analogies, and how similar words are to each other."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genstudio.data.projection import nearest
from genstudio.errors import DataError
from genstudio.evaluation.analogies import three_cos_add, unit_rows
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Embeddings, Embeds
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import Frames, Quiet

MOST_WORDS = 60


@dataclass(frozen=True, slots=True)
class WordsNear:
    """A question in words, with the weights of `step`, and the words nearest to its answer with their cosines, nearest first."""

    question: tuple[str, ...]
    found: tuple[tuple[str, float], ...]
    step: int


@dataclass(frozen=True)
class FindNeighbours(Quiet):
    """The words whose vectors point most the same way as that of `word`. Raises DataError for an unknown word."""

    model: ModelRef
    word: str
    count: int = 10

    def run(self, models: Models) -> Frames[WordsNear]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Embeds)
        table = opened.model.embeddings()
        (place,) = places(table.words, (self.word,))
        found = nearest(table.vectors, place, self.count)
        return WordsNear((table.words[place],), tuple((table.words[i], cosine) for i, cosine in found), opened.step)


@dataclass(frozen=True)
class SolveAnalogy(Quiet):
    """The words nearest to a - b + c, without these three (3CosAdd). Raises DataError for an unknown word."""

    model: ModelRef
    a: str
    b: str
    c: str
    count: int = 10

    def run(self, models: Models) -> Frames[WordsNear]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Embeds)
        table = opened.model.embeddings()
        corners = places(table.words, (self.a, self.b, self.c))
        (cosines,) = three_cos_add(unit_rows(table.vectors), np.array([corners]))
        best = np.argsort(-cosines, kind="stable")[: self.count]
        found = tuple((table.words[i], float(cosines[i])) for i in best.tolist() if np.isfinite(cosines[i]))
        return WordsNear(tuple(table.words[place] for place in corners), found, opened.step)


@dataclass(frozen=True, slots=True, eq=False)
class Similarities(Frozen):
    """Cosines (n, n) of each two of these words, with the weights of `step`; `unknown` were asked for and have no vector."""

    cosines: Array
    words: tuple[str, ...]
    step: int
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class CompareWords(Quiet):
    """How similar words are to each other, the first MOST_WORDS that are known. Raises DataError where none is."""

    model: ModelRef
    words: tuple[str, ...]

    def run(self, models: Models) -> Frames[Similarities]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Embeds)
        table = opened.model.embeddings()
        asked = [(word, find(table.words, word)) for word in self.words]
        known = list(dict.fromkeys(place for _, place in asked if place is not None))[:MOST_WORDS]
        if not known:
            places(table.words, self.words[:1] or ("",))
        units = unit_rows(table.vectors[known])
        cosines = np.asarray(units @ units.T, np.float32)
        unknown = tuple(word for word, place in asked if place is None)
        return Similarities(cosines, tuple(table.words[place] for place in known), opened.step, unknown)


@dataclass(frozen=True)
class UsualWords(Quiet):
    """The most frequent words of a model."""

    model: ModelRef
    count: int = 12

    def run(self, models: Models) -> Frames[tuple[str, ...]]:
        yield Frame(progress=Progress("Opening the model"))
        table: Embeddings = models.open(self.model, Embeds).model.embeddings()
        return table.words[: self.count]


def find(known: Sequence[str], word: str) -> int | None:
    """The place of a word as it is written, or else in lower case; None where it has no vector."""
    for form in (word.strip(), word.strip().lower()):
        if form in known:
            return known.index(form)
    return None


def places(known: Sequence[str], asked: Sequence[str]) -> list[int]:
    """Where words stand in a vocabulary. Raises DataError for the first that it lacks, with those that look like it."""
    found = []
    for word in asked:
        place = find(known, word)
        if place is None:
            close = difflib.get_close_matches(word.strip().lower(), known, 5, 0.6)
            hint = f"Close to it: {', '.join(close)}." if close else f"The most frequent are: {', '.join(known[:8])}."
            raise DataError(f"'{word.strip()[:40]}' is not among the {len(known):,} words of this model.", hint)
        found.append(place)
    return found
