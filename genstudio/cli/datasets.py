"""datasets, download, import."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from genstudio.cli.parser import Commands, plain
from genstudio.cli.progress import result


def add(commands: Commands) -> None:
    """Commands of the dataset shelf."""
    commands.add("datasets", _datasets, "list the datasets").add_argument("--json", action="store_true")

    download = commands.add("download", _download, "download a dataset from the catalogue")
    download.add_argument("name", metavar="NAME", nargs="?", help="see --list")
    download.add_argument("--list", action="store_true", help="show what can be downloaded, with sizes")
    download.add_argument("--json", action="store_true", help="machine-readable output")

    imported = commands.add("import", _import, "import texts, a table, pictures, sound, an archive or arrays")
    imported.add_argument("path", metavar="PATH", nargs="+", help="a file, several of one kind, or a folder")
    imported.add_argument("--name", metavar="NAME")
    imported.add_argument("--kind", choices=("text", "pairs", "labelled", "images", "points", "rows", "regions", "audio"),
        help="needed where a file could be read as several kinds")
    imported.add_argument(
        "--column", action="append", default=[], metavar="NAME",
        help="column of a table: one makes a text, two make pairs, or "
        "with --kind labelled a text and its class, with --kind rows numbers and, last, their class"
    )
    imported.add_argument(
        "--encoding", metavar="NAME",
        help="encoding, such as cp1252; auto: detect it for each file; utf-8: replace invalid bytes",
    )  # fmt: skip
    imported.add_argument(
        "--delimiter", metavar="C", help="column separator of a table; 'tab'; 'none': each line is one cell"
    )
    imported.add_argument(
        "--header", action=argparse.BooleanOptionalAction, help="whether the first row of a table holds the column names"
    )
    imported.add_argument("--decimal", choices=("point", "comma"), help="decimal separator of a table")
    imported.add_argument("--size", type=int, default=0, metavar="N", help="resize pictures to N x N pixels")
    imported.add_argument("--fit", choices=("crop", "pad", "stretch"), default="crop",
        help="how pictures are made square")
    imported.add_argument("--grey", action="store_true", help="convert pictures to greyscale")
    imported.add_argument(
        "--scale", default="auto", metavar="LOW..HIGH", help="the values that stand for black and white, such as "
        "--scale=-1..1"
    )
    imported.add_argument("--rate", type=int, default=0, metavar="N", help="samples per second of sound; 0: the most common rate")
    imported.add_argument("--longest", type=float, default=15.0, metavar="S", help="cut sound into clips of at most S seconds")
    imported.add_argument("--trim", action="store_true", help="trim silence at both ends of each clip")
    imported.add_argument("--skip-broken", action="store_true", help="skip unreadable pictures and sound, no matter how much")


def _datasets(options: argparse.Namespace) -> None:
    from genstudio.data import shelf

    found = shelf.list_datasets()
    if options.json:
        print(json.dumps([plain(info) for info in found]))
        return
    for info in found:
        print(f"{info.id:24}  {info.origin:9}  {info.bytes / 1e6:8.2f} MB  {info.title}  ({info.licence})")


def _download(options: argparse.Namespace) -> None:
    from genstudio.data import catalogue
    from genstudio.tasks.download import Download

    if options.json:
        print(json.dumps([{"bytes": offer.bytes, **asdict(offer)} for offer in catalogue.OFFERS]))
    elif options.list or not options.name:
        for offer in catalogue.OFFERS:
            print(f"{offer.name:18}  {offer.bytes / 1e6:8.2f} MB  {offer.title}  ({offer.licence})")
        for place in catalogue.ELSEWHERE:
            print(f"not offered: {place.title}, {place.why}; open {place.page} yourself", file=sys.stderr)
    else:
        info = result(Download(options.name))
        print(f"{info.id}: {info.title}, {info.bytes / 1e6:.2f} MB")


def _import(options: argparse.Namespace) -> None:
    from genstudio.data.audio.settings import SoundSettings
    from genstudio.data.images import PictureSettings
    from genstudio.data.importing import report
    from genstudio.data.importing.options import ImportOptions
    from genstudio.tasks.datasets import Import

    chosen = ImportOptions(
        name=options.name,
        kind=options.kind,
        encoding=options.encoding,
        columns=tuple(options.column),
        delimiter={"tab": "\t", "\\t": "\t"}.get(options.delimiter, options.delimiter),
        header=options.header,
        decimal={"point": ".", "comma": ",", None: None}[options.decimal],
        pictures=PictureSettings(options.size, options.fit, options.grey, scale=options.scale),
        sound=SoundSettings(options.rate, options.longest, options.trim),
        skip_broken=options.skip_broken,
    )
    info = result(Import(tuple(options.path), chosen))
    for name, why in info.details.get("broken", ()):
        print(f"genstudio: skipped: {name} {why}", file=sys.stderr)
    print(f"{info.id}: {info.title}, {info.bytes / 1e6:.2f} MB")
    for line in report.lines(info):
        print(f"  {line}")
