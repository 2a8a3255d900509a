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
_CONTROLS = bytes(value for value in range(0x20) if value not in b"\t\n\r\f\x1b") + b"\x7f"
_MOST_CONTROLS = 0.05
_SAVE = "Open it with the program it belongs to and save it as plain text."
_FORMATS = (
    (b"{\\rtf", "an RTF document, whose text is mixed with formatting codes", _SAVE),
    (b"%PDF-", "a PDF document", "Save or copy its text to a plain text file."),
    (b"\xd0\xcf\x11\xe0", "a document of an old version of Office", _SAVE),
    (b"SQLite format 3\0", "an SQLite database", "Export a table of it as CSV."),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard", "Unpack it first."),
    (b"7z\xbc\xaf\x27\x1c", "compressed with 7-Zip", "Unpack it first."),
    (b"Rar!\x1a\x07", "compressed with RAR", "Unpack it first."),
    (b"ARROW1\0\0", "an Arrow file", "Save the table as Parquet or CSV."),
    (b"\x89HDF", "an HDF5 file", "Save its contents as CSV, NPY or text."),
    (b"\x7fELF", "a program, not text", "Choose a text file."),
    (b"MZ\x90\0", "a program, not text", "Choose a text file."),
)
_PUNCTUATION = "–—‘’“”„…«»°§·•€£©®™×  、。，！？「」『』（）：；・ー"


def canonical(name: str) -> str:
    """The name this module uses for an encoding. Raises DataError for one that cannot be chosen."""
    try:
        found = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        found = ""
    if found not in TITLES:
        known = ", ".join(TITLES)
        raise DataError(f"Unknown text encoding '{name.strip()[:40]}'.", f"Available: {known}.")
    return found


def candidates(sample: bytes) -> tuple[str, ...]:
    """The encodings that bytes which are no UTF-8 may have, the likely one first; empty for what is no text."""
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return (name,) if _decoded(sample, name) is not None else ()
    if b"\0" in sample:
        return tuple(name for name in _wide(sample) if _decoded(sample, name) is not None)
    if len(sample.translate(None, _CONTROLS)) < (1 - _MOST_CONTROLS) * len(sample):
        return ()
    scored: list[tuple[float, int, str]] = []
    for name in ("cp1252", "shift_jis", "euc_jp", "euc_kr", "gb18030", "big5", "cp1251", "koi8-r", "cp1253", "cp1250"):
        text = _decoded(sample, name)
        if text is not None:
            scored.append((-_plausible(text, name), len(scored), name))
    found = tuple(name for _, _, name in sorted(scored))
    return (*found, "iso8859-1")


def is_wide(start: bytes) -> bool:
    """Whether a file that begins so is UTF-16 or UTF-32."""
    marked = any(start.startswith(mark) for mark, name in _BOMS if name != "utf-8")
    return marked or (b"\0" in start and bool(_wide(start)))


def what_it_is(start: bytes) -> tuple[str, str]:
    """What a file that begins so is, and what to do with it; two empty texts for what may be a text."""
    for mark, words, hint in _FORMATS:
        if start.startswith(mark):
            return words, hint
    return "", ""


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
    # C1 controls stand where Windows code pages have letters: nobody writes them in an encoding that is not Unicode.
    strange = "\0" in text or (not name.startswith("utf") and any("\x80" <= letter <= "\x9f" for letter in set(text)))
    controls = sum(text.count(chr(code)) for code in _CONTROLS)
    return None if strange or controls > _MOST_CONTROLS * len(text) else text


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
