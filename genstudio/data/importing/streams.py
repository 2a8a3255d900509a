"""Packed files as streams whose memory, size and ratio have limits."""

from __future__ import annotations

import bz2
import lzma
import zlib
from pathlib import Path
from typing import IO, Any

from genstudio.errors import DataError

RATIO = 200
_FREE = 1 << 20
_PIECE = 1 << 18
_MEMORY = 1 << 28
ERRORS = (zlib.error, lzma.LZMAError, EOFError, ValueError)


def packing(beginning: bytes) -> str:
    """`gz`, `bz2`, `xz`, or nothing, by the first bytes of a file."""
    for mark, name in ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "xz")):
        if beginning.startswith(mark):
            return name
    return ""


class Unpacked:
    """What a packed file holds, read forward. Raises DataError for damage, and beyond `most` bytes or 200 to 1."""

    def __init__(self, file: IO[bytes], path: Path, kind: str, most: int) -> None:
        self._file, self._path, self._kind, self._most = file, path, kind, most
        self._engine: Any = _engine(kind)
        self._rest = b""
        self._held = b""
        self.consumed = self.given = 0
        self._ended = False

    def read(self, count: int) -> bytes:
        """`count` bytes, fewer only at the end."""
        pieces = [self._held[:count]]
        self._held = self._held[count:]
        found = len(pieces[0])
        while found < count and (piece := self._more(min(_PIECE, count - found))):
            pieces.append(piece)
            found += len(piece)
        whole = b"".join(pieces)
        self._held = whole[count:] + self._held
        return whole[:count]

    def _more(self, most: int) -> bytes:
        while not self._ended:
            try:
                piece = self._step(most)
            except ERRORS:
                raise DataError(
                    "This compressed file is damaged.", "Get a new copy from its source.", self._path
                ) from None
            if piece is None:
                return b""
            if piece:
                self.given += len(piece)
                self._check()
                return piece
        return b""

    def _step(self, most: int) -> bytes | None:
        """Some bytes, none yet, or None at the end."""
        if self._engine.eof:
            rest = self._engine.unused_data + (b"" if self._rest else self._fill())
            if not rest.strip(b"\0"):
                self._ended = True
                return None
            self._engine, self._rest = _engine(self._kind), rest
        wants = not self._rest if self._kind == "gz" else self._engine.needs_input
        if wants and not self._rest:
            self._rest = self._fill()
            if not self._rest:
                raise EOFError
        given, self._rest = self._rest, b""
        piece: bytes = self._engine.decompress(given, most)
        if self._kind == "gz":
            self._rest = self._engine.unconsumed_tail
        return piece

    def _fill(self) -> bytes:
        raw = self._file.read(_PIECE)
        self.consumed += len(raw)
        return raw

    def _check(self) -> None:
        if self.given > self._most:
            raise DataError(
                f"Unpacked, this file is larger than {self._most / 1e9:.1f} GB.", "Unpack it yourself.", self._path
            )
        if self.given > _FREE and self.given > RATIO * max(1, self.consumed):
            raise DataError(
                f"This file unpacks to more than {RATIO} times its size, as a zip bomb would.",
                "Unpack it yourself if you trust it.",
                self._path,
            )


class Plain:
    """A file that is not packed, with the same limits."""

    def __init__(self, file: IO[bytes], path: Path, most: int) -> None:
        self._file, self._path, self._most = file, path, most
        self.consumed = self.given = 0

    def read(self, count: int) -> bytes:
        raw = self._file.read(count)
        self.given = self.consumed = self.consumed + len(raw)
        if self.given > self._most:
            raise DataError(f"This file is larger than {self._most / 1e9:.1f} GB.", "Split it.", self._path)
        return raw


def unpacked(file: IO[bytes], path: Path, most: int) -> Plain | Unpacked:
    """The content of a file that may be packed by gzip, bzip2 or xz."""
    kind = packing(file.read(6))
    file.seek(0)
    return Unpacked(file, path, kind, most) if kind else Plain(file, path, most)


def _engine(kind: str) -> Any:
    if kind == "gz":
        return zlib.decompressobj(31)
    return bz2.BZ2Decompressor() if kind == "bz2" else lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
