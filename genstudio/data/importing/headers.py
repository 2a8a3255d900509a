"""Whether the first row of a table holds the names of its columns, and names that can be told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from genstudio.data.importing.numbers import is_number

USUAL = frozenset(
    """abstract answer answers article artist author authors body caption category chapter class code comment comments
    content contents context count country data date definition description dialog dialogue document end english entry
    example file first_name firstname frequency gender genre german headline id idx index input instruction instructions
    item items key keywords label labels lang language last_name lastname left lemma line lines lyrics meaning message
    messages name names no nr number output paragraph path phrase poem pos post prompt prompts quote quotes question
    questions rating recipe reference response review reviews right score section sentence sentences sentiment sex source
    speaker split start story string subject summary surname synopsis tag tags target term text texts time timestamp title
    token tokens topic translation type url user value verse word words x y year z
    arabic bengali chinese czech danish deutsch dutch englisch english espanol español estonian finnish francais français
    französisch french german greek hebrew hindi hungarian indonesian italian italiano japanese korean latin latvian
    lithuanian norwegian persian polish portuguese romanian russian slovak spanisch spanish swedish thai turkish ukrainian
    urdu vietnamese welsh ar bg bn ca cs cy da de el en es et eu fa fi fr ga he hi hr hu id is it ja ko la lt lv nl no pl
    pt ro ru sk sl sr sv th tr uk ur vi zh eng deu ger fra fre spa ita por rus jpn kor zho nld swe dan fin pol ces tur
    src tgt titel frage antwort wörter satz datum""".split()  # noqa: SIM905 - a list of that many strings hides the words
)
"""Words that stand at the top of columns, and languages with their codes."""

_LONGEST = 40
_CODED = re.compile(r"[a-zà-ÿ]+(?:_[a-zà-ÿ0-9]+)+|[a-z]+[A-Z][A-Za-z]*")
_ENDS = ".!?,;:…。！？"


def found(first: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the first of these rows holds names: short, different ones, and something that sets it off from the rest.

    That is a column of numbers below it, words that usually name columns (all of them in up to two columns, half of them
    in more) and do not occur below, names written as programs do (first_name), or much longer cells below. Where nothing
    does, the row is data: nothing is lost then.
    """
    top, body = [cell.strip() for cell in first[0]], first[1:]
    if len(top) != width or len({cell.casefold() for cell in top}) != width or not body:
        return False
    if not all(0 < len(cell) <= _LONGEST and not is_number(cell) and cell[-1] not in _ENDS for cell in top):
        return False
    below = [[row[i].strip() for row in body if i < len(row) and row[i].strip()] for i in range(width)]
    if any(name in column for name, column in zip(top, below, strict=True)):
        return False
    if any(column and all(map(is_number, column)) for column in below):
        return True
    if 2 * sum(name.casefold() in USUAL for name in top) >= (width if width > 2 else 2 * width):
        return True
    if all(map(_CODED.fullmatch, top)) and not any(_CODED.fullmatch(cell) for column in below for cell in column):
        return True
    usual = sorted(sum(map(len, row)) for row in body)[len(body) // 2]
    spaced = sum(" " in cell for column in below for cell in column) > 0.5 * sum(map(len, below))
    return spaced and max(len(cell.split()) for cell in top) <= 2 and sum(map(len, top)) < 0.5 * usual


def unique(names: Sequence[str]) -> tuple[str, ...]:
    """Names on one line, none empty, none twice."""
    taken: list[str] = []
    for place, name in enumerate(names, 1):
        plain = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:80] or f"column {place}"
        tried, again = plain, 1
        while tried in taken:
            again += 1
            tried = f"{plain} ({again})"
        taken.append(tried)
    return tuple(taken)
