"""Which encoding a text has, by what its bytes allow and what they would say."""

from __future__ import annotations

import codecs
import itertools
import unicodedata
from collections.abc import Mapping

from genstudio.errors import DataError

SAMPLE = 1 << 16

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
TITLES: Mapping[str, str] = {
    "utf-8": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16 (little-endian)", "utf-16-be": "UTF-16 (big-endian)",
    "utf-32": "UTF-32", "cp1252": "Windows-1252 (Western Europe)", "iso8859-1": "Latin-1", "iso8859-15": "Latin-9",
    "cp1250": "Windows-1250 (Central Europe)", "cp1251": "Windows-1251 (Cyrillic)", "koi8-r": "KOI8-R (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)", "cp1254": "Windows-1254 (Turkish)", "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)", "shift_jis": "Shift JIS (Japanese)", "euc_jp": "EUC-JP (Japanese)",
    "gb18030": "GB 18030 (Chinese)", "big5": "Big5 (Chinese)", "euc_kr": "EUC-KR (Korean)", "cp437": "DOS (437)",
    "cp850": "DOS (850)", "mac-roman": "Mac Roman", "ascii": "ASCII",
}  # fmt: skip
"""Every encoding that can be chosen, by the name Python gives it."""

_SCRIPTS: Mapping[str, tuple[tuple[int, int], ...]] = {
    "shift_jis": ((0x3040, 0x30FF), (0x4E00, 0x9FFF)), "euc_jp": ((0x3040, 0x30FF), (0x4E00, 0x9FFF)),
    "euc_kr": ((0xAC00, 0xD7A3),), "gb18030": ((0x4E00, 0x9FFF),), "big5": ((0x4E00, 0x9FFF),),
    "cp1251": ((0x410, 0x44F),), "koi8-r": ((0x410, 0x44F),), "cp1253": ((0x386, 0x3CE),),
}  # fmt: skip
_PUNCTUATION = "–—‘’“”„…«»°§·•€£©®™×  、。，！？「」『』（）：；・ー"


class EncodingError(DataError):
    """A text that is not in the encoding it was read with; `likely` is the encoding it probably has."""

    likely: str = ""


def canonical(name: str) -> str:
    """The name this module uses for an encoding. Raises DataError for one that cannot be chosen."""
    try:
        found = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        found = ""
    if found not in TITLES:
        known = ", ".join(TITLES)
        raise DataError(f"There is no text encoding '{name.strip()[:40]}' to choose.", f"There are: {known}.")
    return found


def candidates(sample: bytes) -> tuple[str, ...]:
    """The encodings a text that begins with `sample` may have, the likely one first; empty for what is no text."""
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return (name,) if _decoded(sample, name) is not None else ()
    if b"\0" in sample:
        return tuple(name for name in _wide(sample) if _decoded(sample, name) is not None)
    if _decoded(sample, "utf-8") is not None:
        return ("utf-8",)
    scored: list[tuple[float, int, str]] = []
    for name in ("cp1252", "shift_jis", "euc_jp", "euc_kr", "gb18030", "big5", "cp1251", "koi8-r", "cp1253", "cp1250"):
        text = _decoded(sample, name)
        if text is not None:
            scored.append((-_plausible(text, name), len(scored), name))
    found = tuple(name for _, _, name in sorted(scored))
    return (*found, "iso8859-1")


def likely(sample: bytes) -> str:
    """The first of `candidates`, or nothing."""
    return next(iter(candidates(sample)), "")


def refusal(sentence: str, sample: bytes, path: object) -> EncodingError:
    """The error for a text that is not UTF-8, with the encoding to try."""
    found = likely(sample)
    hint = "Open it in a text editor and save it as UTF-8."
    if found and found != "utf-8":
        hint = f"It looks like {TITLES[found]}: choose the encoding {found}, or save it as UTF-8."
    error = EncodingError(sentence, hint, str(path))
    error.likely = found
    return error


def _wide(sample: bytes) -> tuple[str, ...]:
    """UTF-16 without a mark has its zeros at even or at odd places."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(sample) < 16 or max(even, odd) < 0.2 * len(sample) / 2 or min(even, odd) > 0.05 * len(sample) / 2:
        return ()
    return ("utf-16-be",) if even > odd else ("utf-16-le",)


def _decoded(sample: bytes, name: str) -> str | None:
    """The text, whose last character may be cut; None where the bytes do not fit."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(sample)
    except (UnicodeDecodeError, UnicodeError):
        return None
    return text if not any(unicodedata.category(letter) == "Cc" for letter in set(text) - set("\t\n\r\f\x1a")) else None


def _plausible(text: str, name: str) -> float:
    """From -1 to 1: how much what is not ASCII looks like writing of the encoding's script."""
    high = [letter for letter in text[:20_000] if letter > "\x7f" and letter not in _PUNCTUATION]
    if not high:
        return 0.5 if name == "cp1252" else 0.0
    ranges = _SCRIPTS.get(name)
    if ranges is None:
        letters = [letter for letter in high if unicodedata.category(letter)[0] == "L"]
        lower = sum(letter.islower() for letter in letters)
        dense = len(high) / max(1, sum(letter.isalpha() for letter in text[:20_000]))
        return (lower + 0.5 * (len(letters) - lower)) / len(high) - (
            0.8 * dense if name == "cp1252" else 0.9 * dense + 0.05
        )
    inside = sum(any(low <= ord(letter) <= top for low, top in ranges) for letter in high) / len(high)
    if name in ("cp1251", "koi8-r", "cp1253"):
        runs = sum(a > "\x7f" and b > "\x7f" and b.islower() for a, b in itertools.pairwise(text[:20_000]))
        return inside * min(1.0, runs / len(high)) - 0.1
    if name in ("shift_jis", "euc_jp"):
        kana = sum(0x3040 <= ord(letter) <= 0x30FF for letter in high) / len(high)
        return inside + (0.2 if kana > 0.2 else -0.4)
    spaced = name != "euc_kr" and text.count(" ") > 0.08 * len(high)
    return inside - (0.4 if spaced else 0.0) - (0.2 if name == "big5" else 0.1)
