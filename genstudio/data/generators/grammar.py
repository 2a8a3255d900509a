"""English-Spanish sentences from a template grammar: endless, right, and learnable in a minute.

The Spanish agrees in gender and number, puts adjectives behind their nouns, spells out numbers, and contracts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from genstudio.config import Config, setting
from genstudio.data.datasets import PairDataset
from genstudio.data.generators import lexicon, numerals
from genstudio.data.generators.chance import Chance
from genstudio.data.generators.lexicon import Adjective, Gender, Noun
from genstudio.data.info import DatasetInfo
from genstudio.errors import DataError

_TRIES = 30

Pair = tuple[str, str]


class GrammarSettings(Config):
    count: int = setting(8_000, "Different pairs", low=1, high=50_000, logarithmic=True)
    seed: int = setting(0, "Another seed writes other pairs", low=0, high=2**31 - 1)


def english_spanish(settings: GrammarSettings, info: DatasetInfo) -> PairDataset:
    """Noun phrases and short sentences, no two alike."""
    chance = Chance(settings.seed)
    found: dict[str, str] = {}
    for _ in range(_TRIES * settings.count):
        english, spanish = chance.pick(TEMPLATES)(chance)
        found.setdefault(english, spanish)
        if len(found) == settings.count:
            return PairDataset(info, tuple(found), tuple(found.values()), ("English", "Spanish"))
    raise DataError(f"The grammar has not {settings.count:,} different pairs.", f"Ask for {len(found) // 2:,}.")


@dataclass(frozen=True)
class Phrase:
    """A noun with an adjective or without, and whether there are several."""

    noun: Noun
    adjective: Adjective | None
    plural: bool

    @property
    def gender(self) -> Gender:
        return self.noun.gender

    def english(self) -> str:
        noun = self.noun.in_english(self.plural)
        return f"{self.adjective.english} {noun}" if self.adjective else noun

    def spanish(self) -> str:
        noun = self.noun.in_spanish(self.plural)
        return f"{noun} {self.adjective.in_spanish(self.gender, self.plural)}" if self.adjective else noun

    def definite(self) -> Pair:
        return f"the {self.english()}", f"{self.article('el', 'la', 'los', 'las')} {self.spanish()}"

    def indefinite(self) -> Pair:
        english = self.english()
        article = "some" if self.plural else lexicon.indefinite_english(english)
        return f"{article} {english}", f"{self.article('un', 'una', 'unos', 'unas')} {self.spanish()}"

    def article(self, single_m: str, single_f: str, plural_m: str, plural_f: str) -> str:
        if self.plural:
            return plural_f if self.gender == "f" else plural_m
        return single_f if self.gender == "f" and not self.noun.stressed_a else single_m


def any_noun(chance: Chance) -> Noun:
    return chance.pick(chance.pick((lexicon.THINGS, lexicon.THINGS, lexicon.ANIMALS, lexicon.PEOPLE)))


def somebody(chance: Chance) -> Noun:
    return chance.pick(chance.pick((lexicon.ANIMALS, lexicon.PEOPLE)))


def fitting(chance: Chance, noun: Noun) -> Adjective:
    """A lasting quality that the noun can have."""
    return chance.pick(lexicon.CHARACTERS if noun in lexicon.PEOPLE else lexicon.LASTING)


def phrase(chance: Chance, noun: Noun) -> Phrase:
    adjective = fitting(chance, noun) if chance.below(2) else None
    return Phrase(noun, adjective, bool(chance.below(2)))


def determined(chance: Chance, noun: Noun) -> Pair:
    """A phrase behind an article, a possessive or a demonstrative."""
    return chance.pick((_definite, _definite, _indefinite, _possessed, _shown))(chance, noun)


def _definite(chance: Chance, noun: Noun) -> Pair:
    return phrase(chance, noun).definite()


def _indefinite(chance: Chance, noun: Noun) -> Pair:
    return phrase(chance, noun).indefinite()


def _possessed(chance: Chance, noun: Noun) -> Pair:
    if noun in lexicon.PEOPLE:
        return _definite(chance, noun)
    found = phrase(chance, noun)
    english, spanish = chance.pick(lexicon.POSSESSIVES)
    agreeing = Adjective(english, spanish).in_spanish(found.gender, found.plural)
    return f"{english} {found.english()}", f"{agreeing} {found.spanish()}"


def _shown(chance: Chance, noun: Noun) -> Pair:
    found = phrase(chance, noun)
    single, several, spanish = chance.pick(lexicon.DEMONSTRATIVES)
    agreeing = (
        (spanish[:-1] + ("os" if found.plural else "e"))
        if found.gender == "m"
        else (spanish[:-1] + ("as" if found.plural else "a"))
    )
    return f"{several if found.plural else single} {found.english()}", f"{agreeing} {found.spanish()}"


def words(chance: Chance) -> Pair:
    return determined(chance, any_noun(chance))


def quality(chance: Chance) -> Pair:
    """What something is (ser), or how somebody is (estar)."""
    passing = bool(chance.below(2))
    noun = somebody(chance) if passing else any_noun(chance)
    subject = Phrase(noun, None, bool(chance.below(2)))
    adjective = chance.pick(lexicon.PASSING) if passing else fitting(chance, noun)
    verb = ("están" if subject.plural else "está") if passing else ("son" if subject.plural else "es")
    english, spanish = subject.definite()
    agreeing = adjective.in_spanish(subject.gender, subject.plural)
    return sentence(
        f"{english} {'are' if subject.plural else 'is'} {adjective.english}", f"{spanish} {verb} {agreeing}"
    )


def action(chance: Chance) -> Pair:
    """Somebody does something with a thing."""
    verb, (who, subject, person) = chance.pick(lexicon.VERBS), chance.pick(lexicon.SUBJECTS)
    english, spanish = determined(chance, chance.pick(lexicon.THINGS))
    does = verb.english_third if person == 2 else verb.english
    return sentence(f"{who} {does} {english}", f"{subject}{verb.spanish[person]} {spanish}")


def liking(chance: Chance) -> Pair:
    """What is liked is the subject in Spanish: me gusta, me gustan."""
    liked = phrase(chance, chance.pick(lexicon.THINGS))
    who, whom = chance.pick((("I", "me"), ("you", "te"), ("we", "nos")))
    english, spanish = liked.definite()
    return sentence(f"{who} like {english}", f"{whom} {'gustan' if liked.plural else 'gusta'} {spanish}")


def counting(chance: Chance) -> Pair:
    number, noun = 1 + chance.below(chance.pick((12, 99, 999))), any_noun(chance)
    if noun.stressed_a and number % 10 == 1:
        number += 1  # un or una before such a noun is a matter of taste
    counted = Phrase(noun, fitting(chance, noun) if chance.below(3) == 0 else None, number > 1)
    there = "is" if number == 1 else "are"
    spanish = numerals.spanish(number, counted.gender)
    return sentence(
        f"there {there} {numerals.english(number)} {counted.english()}", f"hay {spanish} {counted.spanish()}"
    )


def place(chance: Chance) -> Pair:
    """Where somebody is: de and el become del."""
    who = Phrase(somebody(chance), None, bool(chance.below(2)))
    where = Phrase(chance.pick([noun for noun in lexicon.THINGS if noun.place]), None, False)
    (english, spanish), (there_english, there_spanish) = who.definite(), where.definite()
    near_english, near_spanish = chance.pick(lexicon.PLACES)
    behind = f"{near_spanish} {there_spanish}".replace(" de el ", " del ")
    verb = ("are", "están") if who.plural else ("is", "está")
    return sentence(f"{english} {verb[0]} {near_english} {there_english}", f"{spanish} {verb[1]} {behind}")


def date(chance: Chance) -> Pair:
    (day_english, day_spanish), (month_english, month_spanish, days) = (
        chance.pick(lexicon.WEEKDAYS),
        chance.pick(lexicon.MONTHS),
    )
    number = 1 + chance.below(days)
    ordinal = "primero" if number == 1 else numerals.spanish(number)
    return sentence(
        f"today is {day_english}, the {numerals.english_ordinal(number)} of {month_english}",
        f"hoy es {day_spanish}, {ordinal} de {month_spanish}",
    )


def sentence(english: str, spanish: str) -> Pair:
    return f"{english[0].upper()}{english[1:]}.", f"{spanish[0].upper()}{spanish[1:]}."


TEMPLATES: tuple[Callable[[Chance], Pair], ...] = (
    words, words, quality, action, action, action, liking, counting, place, date,
)  # fmt: skip
