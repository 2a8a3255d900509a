"""Numbers in words, English and Spanish, from 1 to 999."""

from __future__ import annotations

from genstudio.data.generators.lexicon import Gender

_ENGLISH = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_ENGLISH_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_SPANISH = (
    "cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce", "trece",
    "catorce", "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve", "veinte", "veintiuno", "veintidós",
    "veintitrés", "veinticuatro", "veinticinco", "veintiséis", "veintisiete", "veintiocho", "veintinueve",
)  # fmt: skip
_SPANISH_TENS = ("", "", "", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa")
_SPANISH_HUNDREDS = (
    "", "ciento", "doscientos", "trescientos", "cuatrocientos", "quinientos", "seiscientos", "setecientos",
    "ochocientos", "novecientos",
)  # fmt: skip


def english(number: int) -> str:
    """1 .. 999 in words, as in `two hundred and thirty-one`."""
    hundreds, rest = divmod(number, 100)
    parts = [f"{_ENGLISH[hundreds]} hundred"] if hundreds else []
    if rest:
        tens, units = divmod(rest, 10)
        small = _ENGLISH[rest] if rest < 20 else _ENGLISH_TENS[tens] + (f"-{_ENGLISH[units]}" if units else "")
        parts.append(small)
    return " and ".join(parts)


def english_ordinal(number: int) -> str:
    """1 .. 31 as in `twenty-first`."""
    before, dash, last = english(number).rpartition("-")
    if last.endswith("y"):
        return f"{before}{dash}{last[:-1]}ieth"
    return f"{before}{dash}{_ORDINALS.get(last, last + 'th')}"


def spanish(number: int, gender: Gender | None = None) -> str:
    """1 .. 999 in words; before a noun of `gender` one and the hundreds agree: `treinta y un`, `doscientas una`."""
    hundreds, rest = divmod(number, 100)
    parts = []
    if hundreds:
        word = _SPANISH_HUNDREDS[hundreds]
        parts.append("cien" if number == 100 else word[:-2] + "as" if gender == "f" and hundreds > 1 else word)
    if rest:
        tens, units = divmod(rest, 10)
        word = _SPANISH[rest] if rest < 30 else _SPANISH_TENS[tens] + (f" y {_SPANISH[units]}" if units else "")
        parts.append(_agreeing(word, gender))
    return " ".join(parts)


def _agreeing(word: str, gender: Gender | None) -> str:
    """`uno` at the end becomes un or una before a noun; `veintiún` has an accent."""
    if gender is None or not word.endswith("uno"):
        return word
    if gender == "f":
        return word[:-1] + "a"
    return "veintiún" if word == "veintiuno" else word[:-1]
