"""Reading text files that somebody else made."""

from __future__ import annotations

import codecs
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from genstudio.data.importing import encodings
from genstudio.errors import DataError

_BLOCK = 1 << 20
_BOM = "\ufeff"


def normalised(path: Path, encoding: str | None = None) -> Iterator[tuple[float, bytes]]:
    """Fraction read and the next piece, as UTF-8, of a text file without byte-order mark and with LF line ends.

    Without `encoding` the file has to be UTF-8. Raises DataError for what cannot be read or is no text; for bytes that
    do not fit it names the offset of the first and the encoding the file probably has.
    """
    codec = "utf-8" if encoding is None else encodings.canonical(encoding)
    wide = codec.startswith(("utf-16", "utf-32"))
    decoder = codecs.getincrementaldecoder(codec)()
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    consumed, first = 0, True
    with opened(path) as file:
        size = max(os.fstat(file.fileno()).st_size, 1)
        while True:
            block = _read(file, path)
            if not wide:
                _refuse_binary(block, consumed, path)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                offset = max(0, consumed - (len(error.object) - len(block)) + error.start)
                raise _misfit(path, file, codec, offset, error.object[error.start]) from None
            if wide and "\0" in text:
                raise DataError("This is a binary file, not text.", "Choose a text file, or another encoding.", path)
            consumed += len(block)
            if first and text:
                text, first = text.removeprefix(_BOM), False
            piece = newlines.decode(text, final=not block).encode("utf-8")
            if piece:
                yield min(1.0, consumed / size), piece
            if not block:
                return


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


def beginning(path: Path, most: int = encodings.SAMPLE) -> bytes:
    """The first bytes of a file. Raises DataError."""
    with opened(path) as file:
        return _read(file, path, most)


def _misfit(path: Path, file: IO[bytes], codec: str, offset: int, byte: int) -> DataError:
    """The error for a byte that does not fit, judged by what stands around it."""
    title = encodings.TITLES[codec]
    sentence = f"The file is not {title}: byte {offset} (0x{byte:02x}) fits no character."
    if codec != "utf-8":
        return DataError(sentence, "Choose another encoding, or save the file as UTF-8.", path)
    file.seek(max(0, offset - encodings.SAMPLE // 2))
    return encodings.refusal(sentence, _read(file, path, encodings.SAMPLE), path)


def _read(file: IO[bytes], path: Path, most: int | None = None) -> bytes:
    try:
        return file.read(_BLOCK if most is None else most)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}.", "Copy the file elsewhere and try again.", path
        ) from None


def _refuse_binary(block: bytes, consumed: int, path: Path) -> None:
    wide = encodings.likely(block[: encodings.SAMPLE]) if not consumed and b"\0" in block else ""
    if wide or (not consumed and block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise encodings.refusal("The file is UTF-16 or UTF-32, not UTF-8.", block[: encodings.SAMPLE], path)
    place = block.find(b"\0")
    if place >= 0:
        raise DataError(
            f"This is a binary file, not text: byte {consumed + place} is zero.",
            "Choose a text file. If it is text, it may be UTF-16: choose that encoding, or save it as UTF-8.",
            path,
        )
