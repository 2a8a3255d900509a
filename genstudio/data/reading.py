"""Reading text files that somebody else made: one judgement of their encoding, for every way to import them."""

from __future__ import annotations

import codecs
import io
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from genstudio.data.importing import encodings, streams
from genstudio.data.work import Work, finished
from genstudio.errors import DataError

LARGEST_UNPACKED = 4 << 30
AUTO = "auto"
"""Stands for: each file in the encoding that it most likely has."""

_BLOCK = 1 << 20
_LINE = 1 << 26
_BOM = "\ufeff"
_ESCAPED = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\0-\x7f\udc80-\udcff]")


@dataclass(frozen=True)
class Decoding:
    """How the bytes of a file are to be read.

    `encoding` is the likely one, empty for what is no text; `fits` are all that may be, the likely one first. `broken`
    bytes are no UTF-8 in a file that is UTF-8 otherwise; the first byte that is none is at `offset`, in line `line` from
    1. `why` and `hint` say what is in the way of reading it as UTF-8 and what to do, empty where nothing is.
    """

    encoding: str
    fits: tuple[str, ...] = ()
    broken: int = 0
    offset: int = 0
    line: int = 0
    why: str = ""
    hint: str = ""

    @property
    def sentence(self) -> str:
        """What is in the way, and how the file is read where nothing else is chosen."""
        if not self.why or not self.encoding:
            return self.why
        if self.broken:
            return f"{self.why} {'It becomes' if self.broken == 1 else 'They become'} '\ufffd'."
        return f"{self.why} It looks like {encodings.TITLES[self.encoding]}."

    @property
    def clean(self) -> bool:
        """Whether it is UTF-8 without fault."""
        return self.encoding == "utf-8" and not self.broken

    def refusal(self, path: Path) -> DataError:
        """The error for reading the file as faultless UTF-8."""
        return DataError(f"{path.name} {self.why}", self.hint, path)


def judge(path: Path) -> Work[Decoding]:
    """What encoding a file has, by all of its bytes; yields the fraction done.

    What is valid UTF-8 is UTF-8, whatever control characters are in it. What is not is UTF-8 with broken bytes where at
    least twice as many characters beyond ASCII are whole. Raises DataError for what cannot be read.
    """
    decoder, consumed = codecs.getincrementaldecoder("utf-8")(), 0
    for done, block in _blocks(path):
        if not consumed:
            if (words := encodings.what_it_is(block[:16]))[0]:
                return Decoding("", why=f"is {words[0]}.", hint=words[1])
            if encodings.is_wide(block[: encodings.SAMPLE]):
                return _wide(block[: encodings.SAMPLE])
        if (place := block.find(b"\0")) >= 0:
            return Decoding(
                "", why=f"is a binary file, not text: byte {consumed + place:,} is zero.", hint="Choose a text file."
            )
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            offset = max(0, consumed - (len(error.object) - len(block)) + error.start)
            return (yield from _faulty(path, offset, error.object[error.start]))
        consumed += len(block)
        yield 0.9 * done
    return Decoding("utf-8", ("utf-8",))


def normalised(path: Path, encoding: str | None = None) -> Iterator[tuple[float, bytes]]:
    """Fraction read and the next piece, as UTF-8, of a text file without byte-order mark and with LF line ends.

    A file packed by gzip, bzip2 or xz is unpacked. Without `encoding` the file has to be UTF-8 without fault; with
    "utf-8" each broken byte becomes U+FFFD, for a file that `judge` found to be UTF-8. Raises DataError for what cannot be read
    or is no text, with the encoding the file probably has.
    """
    codec = "utf-8" if encoding is None else encodings.canonical(encoding)
    wide = codec.startswith(("utf-16", "utf-32"))
    decoder = codecs.getincrementaldecoder(codec)("replace" if encoding == "utf-8" else "strict")
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    first = True
    for done, block in _blocks(path):
        if not wide and (b"\0" in block or (first and _is_no_text(block))):
            raise finished(judge(path)).refusal(path)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            if encoding is None:
                raise finished(judge(path)).refusal(path) from None
            raise DataError(
                f"{path.name} is not {encodings.TITLES[codec]}: byte 0x{error.object[error.start]:02x} does not "
                "encode a character.",
                "Choose another encoding, or save the file as UTF-8.",
                path,
            ) from None
        if wide and "\0" in text:
            raise DataError(f"{path.name} is a binary file, not text.", "Choose a text file.", path)
        if first and text:
            text, first = text.removeprefix(_BOM), False
        piece = newlines.decode(text, final=not block).encode("utf-8")
        if piece:
            yield done, piece


def lines(path: Path, encoding: str | None = None) -> Iterator[tuple[float, str]]:
    """Fraction read and each line with its line end. Raises DataError, also for a line of more than 64 MB."""
    rest: list[bytes] = []
    held, done = 0, 0.0
    for done, piece in normalised(path, encoding):
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            yield done, b"".join((*rest, piece[start : end + 1])).decode("utf-8")
            rest, held, start = [], 0, end + 1
        if start < len(piece):
            rest.append(piece[start:])
            held += len(piece) - start
        if held > _LINE:
            raise DataError("A line of this file is longer than 64 MB.", "Import it as a text, not as a table.", path)
    if rest:
        yield done, b"".join(rest).decode("utf-8")


def opened(path: Path) -> IO[bytes]:
    """The file, open for reading. Raises DataError for folders, pipes and what may not be read."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise DataError("This is a folder, not a text file.", "Choose a file in it.", path)
        if not stat.S_ISREG(mode):
            raise DataError("This is not an ordinary file.", "Choose a text file.", path)
        return path.open("rb")
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.", "Check its name and folder.", path) from None
    except PermissionError:
        raise DataError(f"{path} may not be read.", "Change its permissions, or copy it elsewhere.", path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read: {reason}.", "Check its name and folder.", path) from None


def beginning(path: Path, most: int = encodings.SAMPLE, *, unpack: bool = False) -> bytes:
    """The first bytes of a file, or with `unpack` of what is packed in it. Raises DataError."""
    with opened(path) as file:
        source = streams.unpacked(file, path, LARGEST_UNPACKED) if unpack else file
        return _read(source, path, most)


def _blocks(path: Path) -> Iterator[tuple[float, bytes]]:
    """Fraction read and the next block of a file, unpacked where it is packed; the last block is empty."""
    with opened(path) as file:
        size = max(os.fstat(file.fileno()).st_size, 1)
        packed = streams.packing(_read(file, path, 6))
        file.seek(0)
        stream = streams.Unpacked(file, path, packed, LARGEST_UNPACKED) if packed else file
        while True:
            block = _read(stream, path, _BLOCK)
            yield min(1.0, file.tell() / size), block
            if not block:
                return


def _read(file: IO[bytes] | streams.Plain | streams.Unpacked, path: Path, most: int) -> bytes:
    try:
        return file.read(most)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}.", "Copy the file elsewhere and try again.", path
        ) from None


def _is_no_text(block: bytes) -> bool:
    return bool(encodings.what_it_is(block[:16])[0]) or encodings.is_wide(block[: encodings.SAMPLE])


def _wide(sample: bytes) -> Decoding:
    fits = encodings.candidates(sample)
    if not fits:
        return Decoding("", why="is a binary file, not text.", hint="Choose a text file.")
    return Decoding(fits[0], fits, why="is UTF-16 or UTF-32, not UTF-8.", hint=_choose(fits[0]))


def _choose(name: str) -> str:
    return f"It looks like {encodings.TITLES[name]}: choose the encoding {name}, or save it as UTF-8."


def _faulty(path: Path, offset: int, byte: int) -> Work[Decoding]:
    """The judgement of a file whose byte at `offset` is the first that is no UTF-8."""
    whole = broken = line = 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for done, block in _blocks(path):
        text = decoder.decode(block, final=not block)
        found = _ESCAPED.search(text)
        if not broken:
            line += text.count("\n", 0, found.start() if found else len(text))
        broken += len(_ESCAPED.findall(text)) if found else 0
        whole += len(_BEYOND_ASCII.findall(text))
        if b"\0" in block:
            return Decoding("", why="is a binary file, not text.", hint="Choose a text file.")
        yield 0.9 + 0.1 * done
    fits = encodings.candidates(_around(path, offset))
    where = f"byte {offset:,} (0x{byte:02x}), in line {line + 1:,}, does not encode a character."
    if whole >= 2 * broken:
        many = f"{broken:,} broken byte{'s' * (broken > 1)}"
        why = f"is UTF-8 with {many}, {'the first ' if broken > 1 else ''}in line {line + 1:,}."
        hint = "Choose the encoding utf-8 to read it with '\ufffd' in their place, or repair the file."
        return Decoding("utf-8", ("utf-8", *fits), broken, offset, line + 1, why, hint)
    if not fits:
        return Decoding("", (), 0, offset, line + 1, "is a binary file, not text.", "Choose a text file.")
    return Decoding(fits[0], fits, 0, offset, line + 1, f"is not UTF-8: {where}", _choose(fits[0]))


def _around(path: Path, offset: int) -> bytes:
    """Up to SAMPLE bytes with the one at `offset` in their middle, from the beginning of a line where one is near."""
    start, seen, kept = max(0, offset - encodings.SAMPLE // 2), 0, b""
    for _, block in _blocks(path):
        kept += block[max(0, start - seen) :]
        seen += len(block)
        if len(kept) >= encodings.SAMPLE:
            break
    kept = kept[: encodings.SAMPLE]
    line = kept.find(b"\n", 0, encodings.SAMPLE // 2) + 1 if start else 0
    return kept[line:]
