"""Arrays that somebody else wrote: NPY, NPZ and IDX, read without numpy's pickle and with limits set before memory is."""

from __future__ import annotations

import math
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.importing import streams
from genstudio.data.reading import opened
from genstudio.errors import DataError

Array = NDArray[Any]

LARGEST = 4_000_000_000
SUFFIXES = (".npy", ".npz")
_HEADER = re.compile(
    rb"\s*\{\s*'descr'\s*:\s*'([<>|=][a-zA-Z]\d{0,6})'\s*,\s*'fortran_order'\s*:\s*(True|False)\s*,"
    rb"\s*'shape'\s*:\s*\(([\d,\s]*)\)\s*,?\s*\}\s*"
)
_NUMBERS = re.compile(r"[<>|=]([uif][1248]|b1)")
_WORDS = re.compile(r"[<>|=]U\d{1,6}")
_PIECE = 1 << 24
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """The first 128 bytes of an NPY file of this content, whatever the numbers in it."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({''.join(f'{n}, ' for n in shape)}), }}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text.encode("ascii").ljust(117) + b"\n"


def read_npy(path: Path) -> Array:
    """The array in an NPY file. Raises DataError for pickled objects, damage, and what is larger than 4 GB."""
    with opened(path) as file:
        return _npy(file, path, path.name)


class ObjectsError(DataError):
    """An array that holds Python objects, which only running code could read."""


def read_npz(path: Path, unread: dict[str, str] | None = None) -> Mapping[str, Array]:
    """The arrays in an NPZ file by name. Raises DataError as above, and for any trick of the archive.

    Where `unread` is given, arrays of Python objects are left unread and named there, with the reason.
    """
    from genstudio.data.importing import archives

    found: dict[str, Array] = {}
    with opened(path) as file:
        packed = archives.checked_zip(file, path)
        left = LARGEST
        for entry in packed.infolist():
            if entry.filename.endswith(".npy"):
                name = entry.filename.removesuffix(".npy")
                try:
                    with archives.member(packed, entry, path) as member:
                        found[name] = _npy(member, path, entry.filename, left)
                except ObjectsError:
                    if unread is None:
                        raise
                    unread[name] = "contains Python objects, which could run code"
                    continue
                left -= found[name].nbytes
    return found


def read_idx(path: Path) -> Array:
    """The array in an IDX file, packed by gzip or not. Raises DataError."""
    with opened(path) as file:
        stream = streams.unpacked(file, path, LARGEST + 1024)
        start = stream.read(4)
        if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _IDX_TYPES or not start[3]:
            raise DataError("This is not an IDX file.", "Choose a file such as train-images-idx3-ubyte.", path)
        if start[3] > 4:
            raise DataError(
                f"This is an IDX file of {start[3]} dimensions.",
                "Pictures have 3 or 4 and labels have 1: get a new copy of the file.",
                path,
            )
        sizes = stream.read(4 * start[3])
        if len(sizes) < 4 * start[3]:
            raise _cut(path, path.name)
        shape = struct.unpack(f">{start[3]}I", sizes)
        return _content(stream, np.dtype(_IDX_TYPES[start[2]]), shape, False, path, path.name, LARGEST)


def is_idx(beginning: bytes, name: str) -> bool:
    """Whether a file that begins so and has this name is IDX (packed ones are known by their name)."""
    named = re.search(r"idx\d|ubyte", name.lower()) is not None
    plain = len(beginning) >= 4 and beginning[:2] == b"\0\0" and beginning[2] in _IDX_TYPES
    return (plain and (named or 1 <= beginning[3] <= 4)) or (named and beginning[:2] == b"\x1f\x8b")


def _npy(file: IO[bytes], path: Path, name: str, most: int = LARGEST) -> Array:
    start = _bytes(file, 8, path, name)
    if start[:6] != b"\x93NUMPY" or start[6] not in (1, 2, 3):
        raise DataError(f"'{name}' is not a NumPy array.", "Save it again with numpy.save.", path)
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(_bytes(file, width, path, name), "little")
    if length > 1 << 16:
        raise DataError(f"The header of '{name}' is too long.", "Save it again with numpy.save.", path)
    described = _bytes(file, length, path, name)
    match = _HEADER.fullmatch(described)
    if match is None:
        plain = b"'fortran_order'" in described and (b"'|O'" in described or b"[(" in described)
        if plain:
            raise ObjectsError(
                f"'{name}' contains Python objects or records, which could run code.",
                "Save plain numbers with numpy.save.",
                path,
            )
        raise DataError(f"'{name}' has a damaged header.", "Save plain numbers with numpy.save.", path)
    kind = match[1].decode("ascii")
    if kind.lstrip("<>|=").startswith("O"):
        raise ObjectsError(
            f"'{name}' contains Python objects, which could run code, and is refused.",
            "Save plain numbers with numpy.save.",
            path,
        )
    if not _NUMBERS.fullmatch(kind) and not _WORDS.fullmatch(kind):
        raise DataError(f"'{name}' contains values of type '{kind}'.", "Save plain numbers with numpy.save.", path)
    sizes = [part.strip() for part in match[3].split(b",") if part.strip()]
    if len(sizes) > 8 or any(len(part) > 12 for part in sizes):
        raise DataError(f"'{name}' has an impossible shape.", "Save it again with numpy.save.", path)
    try:
        dtype, shape = np.dtype(kind), tuple(int(part) for part in sizes)
    except (TypeError, ValueError):
        raise DataError(f"'{name}' has a damaged header.", "Save it again.", path) from None
    return _content(file, dtype, shape, match[2] == b"True", path, name, most)


def _content(
    file: Any, dtype: np.dtype[Any], shape: tuple[int, ...], turned: bool, path: Path, name: str, most: int
) -> Array:
    """Memory grows with what is really there, never with what the description claims."""
    size = math.prod(shape) * dtype.itemsize
    if size > most or (size == 0 and max(shape, default=0) > 1 << 32):
        raise DataError(f"'{name}' would take {size / 1e9:,.1f} GB.", f"At most {most / 1e9:.1f} GB can be read.", path)
    raw = bytearray()
    while len(raw) < size:
        piece = _some(file, min(_PIECE, size - len(raw)), path, name)
        if not piece:
            raise _cut(path, name)
        raw += piece
    try:
        array = np.frombuffer(raw, dtype).reshape(shape, order="F" if turned else "C")
    except ValueError:
        raise DataError(f"'{name}' has an impossible shape.", "Save it again.", path) from None
    if dtype.kind == "U" and array.size and int(array.view(f"{dtype.byteorder}u4").max(initial=0)) > 0x10FFFF:
        raise DataError(f"'{name}' contains values that are not characters.", "Save it again.", path)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _bytes(file: Any, count: int, path: Path, name: str) -> bytes:
    found = _some(file, count, path, name)
    if len(found) < count:
        raise _cut(path, name)
    return found


def _some(file: Any, count: int, path: Path, name: str) -> bytes:
    try:
        return bytes(file.read(count))
    except (OSError, EOFError, zipfile.BadZipFile, *streams.ERRORS):
        raise DataError(f"'{name}' is damaged.", "Get a new copy of the file from its source.", path) from None


def _cut(path: Path, name: str) -> DataError:
    return DataError(f"'{name}' ends too early.", "Get a new copy of the file from its source.", path)
