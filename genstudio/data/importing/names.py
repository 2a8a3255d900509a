"""The encoding of names in a zip archive that does not say it: one for all names of the archive."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

_ASCII = 5.0
_MIXED = 5.0
_SYLLABLES = frozenset(
    "이다는을의가에고하지기도로사한은자인리들해어나서를그아있대시수라스부정일전과장원구동만주제보상성마게조비공여면음선국니양안신소"
    "산물경위개생연차우바적화방모진세터관무유내울중학교미강호트명문거당오데심각날꽃새말람건집분간배계식품실남북반금요토월회강영재더파"
    "진폴번역법입출력현민체결증표설발린살려르본점행행험저업년때속단두네것할될된며으훈련테임크드프타"
)
_ACCENTED = frozenset("äöüßéèêëàâçùûôîïñáíóúåæøãõìòÄÖÜÉÈÀÇÑÅØÆÁÍÓÚ")


def decoded(names: Sequence[bytes]) -> list[str]:
    """These names as text. UTF-8 where all of them are, or else the encoding in which they are cheapest to write.

    Each encoding has a code of its own: few bits for what is common in the languages it is used for, more for what is
    rare. CP437, which the format prescribes, decodes anything.
    """
    fits = [(name, found) for name in ("utf-8", *_COSTS) if (found := _strict(names, name)) is not None]
    if fits[0][0] == "utf-8":
        return fits[0][1]
    return min(fits, key=lambda fit: sum(_bits(text, fit[0]) for text in fit[1]))[1]


def _strict(names: Sequence[bytes], codec: str) -> list[str] | None:
    try:
        return [name.decode(codec) for name in names]
    except UnicodeDecodeError:
        return None


def _bits(text: str, codec: str) -> float:
    cost, bits, before = _COSTS[codec], 0.0, ""
    apart = cost is not _latin
    for letter in text:
        plain = letter < "\x80"
        bits += _ASCII if plain else cost(letter, letter.encode(codec), before >= "\x80")
        if apart and before and plain != (before < "\x80") and min(letter, before).isalpha():
            bits += _MIXED
        before = letter
    return bits


def _latin(letter: str, _: bytes, after: bool) -> float:
    """Accented letters stand between plain ones."""
    common = letter in _ACCENTED
    return (6 if common else 10 if unicodedata.category(letter)[0] == "L" else 14) + 2.5 * after


def _cyrillic(letter: str, _: bytes, after: bool) -> float:
    if not "А" <= letter <= "ё":
        return 14
    return (5 if letter >= "а" else 7) + 3 * (not after)


def _japanese(letter: str, raw: bytes, _: bool) -> float:
    if "\u3041" <= letter <= "\u30ff":
        return 7
    if len(raw) == 1:
        return 12
    return 10.5 if 0x88 <= raw[0] <= 0x97 else 12 if raw[0] == 0x81 else 16


def _chinese(_: str, raw: bytes, __: bool) -> float:
    if raw[-1] < 0xA1:
        return 18
    return 10.5 if 0xB0 <= raw[0] <= 0xD7 else 15


def _traditional(_: str, raw: bytes, __: bool) -> float:
    return 11 if 0xA4 <= raw[0] <= 0xC6 else 16


def _korean(letter: str, raw: bytes, __: bool) -> float:
    if letter in _SYLLABLES:
        return 8.5
    return 12 if 0xB0 <= raw[0] <= 0xC8 and raw[-1] >= 0xA1 else 17


_COSTS: dict[str, Callable[[str, bytes, bool], float]] = {
    "cp437": _latin, "cp1252": _latin, "cp932": _japanese, "gbk": _chinese, "cp949": _korean, "big5": _traditional,
    "cp866": _cyrillic, "cp1251": _cyrillic,
}  # fmt: skip
