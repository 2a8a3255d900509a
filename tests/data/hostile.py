"""Archives as an attacker makes them: each refused whole, or holding nothing but pictures."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable

from PIL import Image

NAMES = [
    "../x.png", "a/../../x.png", "/etc/x.png", "C:/x.png", "c:x.png", "..\\x.png", "\\\\host\\x.png", "a/..", "..",
    "a/b/../../../x.png", "C:\\x.png", "x\n.png", "x\x07.png", "y" * 1001 + ".png", "./../x.png", "//x.png",
]  # fmt: skip


def png(seed: int = 0, size: int = 8) -> bytes:
    rng = random.Random(seed)
    out = io.BytesIO()
    Image.frombytes("RGB", (size, size), rng.randbytes(3 * size * size)).save(out, "PNG")
    return out.getvalue()


def good(name: str) -> list[tuple[str, bytes]]:
    return [(f"good{number}.png", png(number)) for number in range(3)]


def zipped(members: list[tuple[str, bytes]], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", packing) as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            entry = zipfile.ZipInfo("x")
            entry.filename = name
            entry.compress_type = packing
            archive.writestr(entry, content)
    return out.getvalue()


def tarred(members: list[tarfile.TarInfo | tuple[str, bytes]], form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                entry = tarfile.TarInfo(member[0])
                entry.size = len(member[1])
                archive.addfile(entry, io.BytesIO(member[1]))
    return out.getvalue()


def special(kind: bytes, name: str = "x.png", link: str = "../../etc/passwd") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = kind
    entry.linkname = link
    return entry


def zip_link(link: str = "/etc/passwd", mode: int = 0o120777) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("good.png", png())
        entry = zipfile.ZipInfo("link.png")
        entry.create_system = 3
        entry.external_attr = mode << 16
        archive.writestr(entry, link)
    return out.getvalue()


def encrypted() -> bytes:
    raw = bytearray(zipped([("x.png", png())]))
    raw[6] |= 1
    raw[raw.rfind(b"PK\1\2") + 8] |= 1
    return bytes(raw)


def overlapping() -> bytes:
    """Two entries of the directory that share one body."""
    raw = zipped([("a.png", png(1)), ("b.png", png(2))], zipfile.ZIP_STORED)
    second = raw.rfind(b"PK\1\2")
    changed = bytearray(raw)
    struct.pack_into("<I", changed, second + 42, 0)
    return bytes(changed)


def claims(count: int) -> bytes:
    """An end of directory that speaks of so many members."""
    raw = bytearray(zipped([("a.png", png(1))]))
    place = raw.rfind(b"PK\5\6")
    struct.pack_into("<HH", raw, place + 8, min(count, 0xFFFF), min(count, 0xFFFF))
    struct.pack_into("<I", raw, place + 12, 0x7FFFFFFF)
    return bytes(raw)


def crafted(seed: int) -> tuple[str, bytes]:
    """A file name and the content of one hostile archive."""
    rng = random.Random(seed)
    bad = rng.choice(NAMES)
    before = good("")[: rng.randint(0, 3)]
    links = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
    bomb = bytes(rng.randint(3, 6) << 20)
    makers: list[Callable[[], tuple[str, bytes]]] = [
        lambda: ("x.zip", zipped([*before, (bad, png())])),
        lambda: ("x.tar", tarred([*before, (bad, png())], rng.choice([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))),
        lambda: ("x.tar.gz", gzip.compress(tarred([*before, (bad, png())]))),
        lambda: ("x.tar.bz2", bz2.compress(tarred([*before, special(rng.choice(links))]))),
        lambda: ("x.tar.xz", lzma.compress(tarred([*before, special(rng.choice(links), "a/b.png")]))),
        lambda: ("x.tar", tarred([special(tarfile.SYMTYPE, "out", ".."), ("out/x.png", png())])),
        lambda: ("x.zip", zip_link(mode=rng.choice([0o120777, 0o020666, 0o060666, 0o010666]))),
        lambda: ("x.zip", encrypted()),
        lambda: ("x.zip", overlapping()),
        lambda: ("x.zip", claims(rng.choice([0xFFFF, 60_000]))),
        lambda: ("x.zip", zipped([*before, ("bomb.png", bomb)])),
        lambda: ("x.tar.gz", gzip.compress(tarred([("bomb.png", bomb)]))),
        lambda: ("x.tar.xz", lzma.compress(tarred([("bomb.png", bomb)]))),
        lambda: ("x.zip", zipped([("a.png", png(1)), ("A.png", png(2))])),
        lambda: ("x.tar", tarred([("ä.png", png(1)), ("a\u0308.PNG", png(2))])),
        lambda: ("x.zip", zipped([("a.png", png(1)), ("a.png", png(2))])),
        lambda: ("x.zip", zipped([("a", png(1)), ("a/b.png", png(2))])),
        lambda: ("x.zip", zipped([*before, ("x.png", png())])[: -rng.randint(1, 60)]),
        lambda: ("x.tar", tarred([*before, ("x.png", png())])[: rng.randint(1, 700)]),
        lambda: ("x.tar.gz", gzip.compress(tarred([("x.png", png())]))[: -rng.randint(9, 60)]),
    ]
    return makers[seed % len(makers)]()
