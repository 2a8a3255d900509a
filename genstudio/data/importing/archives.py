"""Zip and tar archives that somebody else made: read, never unpacked; one bad member refuses the whole archive."""

from __future__ import annotations

import contextlib
import lzma
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from genstudio.data.importing import streams
from genstudio.data.importing.names import decoded
from genstudio.data.reading import opened
from genstudio.errors import DataError

MOST_BYTES = 4_000_000_000
MOST_MEMBERS = 200_000
LARGEST_MEMBER = 1 << 28
_DIRECTORY = 1 << 26
_LONG_NAME = 1 << 16
_FREE = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_DAMAGE = (
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, struct.error, zlib.error,
    lzma.LZMAError, KeyError, IndexError,
)  # fmt: skip
_DRIVE = re.compile(r"[A-Za-z]:")
_HINT = "The whole archive is refused. If you trust it, unpack it yourself and import the folder."
Member = tuple[float, str, bytes]
_UTF8 = 0x800


def is_archive(beginning: bytes, name: str) -> bool:
    """Whether a file that begins so and has this name is a zip or tar archive."""
    lower = name.lower()
    tar = lower.endswith((".tar", ".tgz", ".tbz2", ".txz")) or ".tar." in lower
    packed = streams.packing(beginning) != "" and tar
    zipped = beginning[:4] in (b"PK\3\4", b"PK\5\6") and not lower.endswith(".npz")
    return zipped or packed or beginning[257:262] == b"ustar" or (tar and not zipped)


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[Member]:
    """Fraction read, name and content of each file of an archive that is `wanted`, in order of the archive.

    Every member is checked, wanted or not. Raises DataError that names the member for paths that lead outside, links,
    devices, encryption, names that occur twice or differ in case only, more than 200,000 members, 4 GB or 200 to 1.
    """
    for done, name, content in _all_members(path, wanted):
        if content is not None:
            yield done, name, content


def names(path: Path) -> Iterator[tuple[float, str]]:
    """Fraction read and name of each file of an archive, in its order; every member is checked. Raises DataError."""
    for done, name, _ in _all_members(path, lambda _: False):
        yield done, name


def _all_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[float, str, bytes | None]]:
    """Every file of an archive; the content is None where it is not wanted."""
    with opened(path) as file:
        start = file.read(4)
        file.seek(0)
        if start in (b"PK\3\4", b"PK\5\6"):
            yield from _zip_members(file, path, wanted)
        else:
            yield from _tar_members(file, path, wanted)


def plain_name(name: str) -> str:
    """A name with `/` between its parts, and no empty ones."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


class Names:
    """Names seen so far; each must lead inside and be another one, on every system."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add(self, name: str, folder: bool) -> str:
        """The name with `/` between its parts."""
        if len(self._files) + len(self._folders) >= MOST_MEMBERS:
            raise refused(self._path, name, f"exceeds the limit of {MOST_MEMBERS:,} members")
        plain = name.replace("\\", "/")
        parts = [part for part in plain.split("/") if part not in ("", ".")]
        if plain.startswith("/") or _DRIVE.match(plain) or ".." in parts:
            raise refused(self._path, name, "points outside the archive")
        if not parts and not folder:
            raise refused(self._path, name, "has no name")
        if len(plain) > 1000 or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in plain):
            raise refused(self._path, name, "has an invalid file name")
        keys = [unicodedata.normalize("NFC", part).casefold() for part in parts]
        whole = "/".join(keys)
        above = {"/".join(keys[:depth]) for depth in range(1, len(keys))}
        clash = above & self._files or (whole in self._files) or (not folder and whole in self._folders)
        if clash:
            raise refused(self._path, name, "occurs twice, or differs from another only in case")
        self._folders |= above
        (self._folders if folder else self._files).add(whole)
        return plain_name(name)


def refused(path: Path, name: str, why: str) -> DataError:
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:200])
    return DataError(f"The member '{shown}' of {path.name} {why}.", _HINT, path)


def checked_zip(file: IO[bytes], path: Path) -> zipfile.ZipFile:
    """The zip archive in an open file, every entry of its directory checked. Raises DataError."""
    _check_directory(file, path)
    try:
        packed = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error, IndexError):
        raise DataError("This zip archive is damaged.", "Get a new copy from its source.", path) from None
    checked, total = Names(path), 0
    for entry, name in named(packed):
        checked.add(name, entry.filename.endswith("/"))
        mode = stat.S_IFMT(entry.external_attr >> 16)
        if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise refused(path, entry.filename, "is a link or a device")
        if entry.flag_bits & 0x41:
            raise refused(path, entry.filename, "is encrypted")
        if entry.compress_type not in _METHODS:
            raise refused(path, entry.filename, "uses an unknown compression method")
        total += entry.file_size
        if total > MOST_BYTES:
            raise refused(path, entry.filename, f"unpacks to more than {MOST_BYTES / 1e9:.0f} GB")
        if entry.file_size > _FREE and entry.file_size > streams.RATIO * max(1, entry.compress_size):
            raise refused(path, entry.filename, f"unpacks to more than {streams.RATIO} times its size")
    _check_overlap(packed, path)
    return packed


def named(packed: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, str]]:
    """Every entry of a zip archive with its name, in the encoding that fits the names of all where none is said.

    `zipfile` reads such a name as CP437, which keeps all bytes.
    """
    entries = packed.infolist()
    unsaid = [entry for entry in entries if not entry.flag_bits & _UTF8]
    found = decoded([entry.orig_filename.encode("cp437") for entry in unsaid])
    by_entry = {id(entry): name for entry, name in zip(unsaid, found, strict=True)}
    return [(entry, by_entry.get(id(entry), entry.orig_filename)) for entry in entries]


@contextlib.contextmanager
def member(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> Iterator[IO[bytes]]:
    """The content of a checked entry. Raises DataError in the block for one that is damaged."""
    try:
        with packed.open(entry) as file:
            yield file
    except _DAMAGE as error:
        raise refused(path, entry.filename, f"is damaged ({str(error)[:60] or type(error).__name__})") from None


def _zip_members(
    file: IO[bytes], path: Path, wanted: Callable[[str], bool]
) -> Iterator[tuple[float, str, bytes | None]]:
    packed = checked_zip(file, path)
    entries = [(entry, plain_name(name)) for entry, name in named(packed) if not entry.filename.endswith("/")]
    total = max(1, sum(entry.file_size for entry, _ in entries))
    done = 0
    for entry, name in entries:
        done += entry.file_size
        if not wanted(name):
            yield done / total, name, None
            continue
        if entry.file_size > LARGEST_MEMBER:
            raise refused(path, name, f"is larger than {LARGEST_MEMBER >> 20} MB")
        with member(packed, entry, path) as content_file:
            content = content_file.read(entry.file_size + 1)
        if len(content) != entry.file_size:
            raise refused(path, name, "does not have the size given in the directory")
        yield done / total, name, content


def _check_directory(file: IO[bytes], path: Path) -> None:
    """The directory at the end is small enough to be read, before anything reads it."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(max(0, size - 65_557))
    tail = file.read(65_557)
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) - place < 22:
        raise DataError("This zip archive ends too early.", "Get a new copy from its source.", path)
    count, length = struct.unpack_from("<HI", tail, place + 10)
    large = tail.rfind(b"PK\6\6", 0, place)
    if (count == 0xFFFF or length == 0xFFFFFFFF) and large >= 0 and len(tail) - large >= 56:
        count, length = struct.unpack_from("<QQ", tail, large + 32)
    if count > MOST_MEMBERS or length > _DIRECTORY:
        raise DataError(
            f"This archive has more than {MOST_MEMBERS:,} members.", "Split it, or unpack it and import parts.", path
        )
    file.seek(0)


def _check_overlap(packed: zipfile.ZipFile, path: Path) -> None:
    behind = -1
    for entry in sorted(packed.infolist(), key=lambda entry: entry.header_offset):
        if entry.header_offset < behind:
            raise refused(path, entry.filename, "shares its bytes with another member, as in a zip bomb")
        behind = entry.header_offset + 30 + entry.compress_size


def _tar_members(
    file: IO[bytes], path: Path, wanted: Callable[[str], bool]
) -> Iterator[tuple[float, str, bytes | None]]:
    file.seek(0, 2)
    size = max(1, file.tell())
    file.seek(0)
    stream = streams.unpacked(file, path, MOST_BYTES + (1 << 24))
    names, long_name, empty, first = Names(path), "", 0, True
    while empty < 2:
        block = _taken(stream, 512, path, first)
        if not block or not block.strip(b"\0"):
            empty = empty + 1 if block else 2
            continue
        empty, first = 0, False
        name, length, kind = _tar_header(block, path)
        name, long_name = long_name or name, ""
        if kind in (b"L", b"x", b"g", b"X"):
            long_name = _long_name(stream, kind, length, name, path)
            continue
        folder = kind == b"5" or (kind in (b"0", b"\0") and name.endswith("/"))
        if kind not in (b"0", b"\0", b"7", b"5"):
            raise refused(path, name, "is a link or a device")
        plain = names.add(name, folder)
        if length > MOST_BYTES or (folder and length):
            raise refused(path, name, f"unpacks to more than {MOST_BYTES / 1e9:.0f} GB")
        take = not folder and wanted(plain)
        if take and length > LARGEST_MEMBER:
            raise refused(path, name, f"is larger than {LARGEST_MEMBER >> 20} MB")
        content = _taken(stream, length, path) if take else _skipped(stream, length, path)
        _skipped(stream, -length % 512, path)
        if not folder:
            yield min(1.0, stream.consumed / size), plain, content if take else None
    if isinstance(stream, streams.Unpacked):
        _drain(stream)


def _drain(stream: streams.Unpacked) -> None:
    """Read to the end, where gzip, bzip2 and xz keep a sum of what they packed."""
    while stream.read(_FREE):
        pass


def _tar_header(block: bytes, path: Path) -> tuple[str, int, bytes]:
    """Name, size and kind of a member. Raises DataError for a header whose sum is wrong."""
    damaged = DataError("This tar archive is damaged.", "Get a new copy from its source.", path)
    try:
        told = _octal(block[148:156])
        length = _octal(block[124:136])
    except ValueError:
        raise damaged from None
    if told != sum(block[:148]) + 8 * 32 + sum(block[156:]) or length < 0:
        raise damaged
    name = block[:100].split(b"\0")[0]
    prefix = block[345:500].split(b"\0")[0] if block[257:262] == b"ustar" and block[262:264] != b" \0" else b""
    whole = prefix + b"/" + name if prefix else name
    return whole.decode("utf-8", "replace"), length, block[156:157]


def _octal(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    return int(field.split(b"\0")[0].strip() or b"0", 8)


def _long_name(stream: streams.Plain | streams.Unpacked, kind: bytes, length: int, name: str, path: Path) -> str:
    """The name that an extra header gives to the next member; empty where it says nothing of it."""
    if length > _LONG_NAME:
        raise refused(path, name, "has an oversized header")
    raw = _taken(stream, length, path)
    _skipped(stream, -length % 512, path)
    if kind == b"L":
        return raw.split(b"\0")[0].decode("utf-8", "replace")
    found = ""
    while raw:
        head, _, _ = raw.partition(b" ")
        size = int(head) if head.isdigit() and len(head) < 7 else 0
        record = raw[len(head) + 1 : size].removesuffix(b"\n")
        key, _, value = record.partition(b"=")
        if not 0 < size <= len(raw) or not key:
            raise refused(path, name, "has a damaged header")
        if key in (b"size", b"linkpath") or key.startswith(b"GNU.sparse"):
            raise refused(path, name, "is a link, a sparse file or one of unknown size")
        if key == b"path" and kind != b"g":
            found = value.decode("utf-8", "replace")
        raw = raw[size:]
    return found


def _taken(stream: streams.Plain | streams.Unpacked, count: int, path: Path, first: bool = False) -> bytes:
    content = stream.read(count)
    if len(content) < count and (content or first):
        raise DataError("This tar archive ends too early.", "Get a new copy from its source.", path)
    return content


def _skipped(stream: streams.Plain | streams.Unpacked, count: int, path: Path) -> bytes:
    while count > 0:
        piece = stream.read(min(count, _FREE))
        if not piece:
            raise DataError("This tar archive ends too early.", "Get a new copy from its source.", path)
        count -= len(piece)
    return b""
