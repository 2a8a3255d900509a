"""search: pictures by a text, captions by a picture."""

from __future__ import annotations

import argparse
import json

from genstudio.cli.parser import Commands, add_model, reference
from genstudio.cli.progress import result
from genstudio.errors import DataError
from genstudio.tasks.search import Among


def add(commands: Commands) -> None:
    """Commands that use a model that matches texts with pictures."""
    search = commands.add("search", _search, "find the pictures that a text means, or the captions that fit a picture")
    add_model(search)
    search.add_argument("--text", metavar="T", help="what the pictures should show")
    search.add_argument("--picture", metavar="F", help="a file, whose captions are searched for")
    search.add_argument("--count", type=int, default=10, metavar="N", help="how many of the best")
    search.add_argument("--all", action="store_true", help="search the training pictures too, not only those that were held out")
    search.add_argument("--json", action="store_true")


def _search(options: argparse.Namespace) -> None:
    from genstudio.tasks.search import SearchPicture, SearchText

    if bool(options.text) == bool(options.picture):
        raise DataError("Search needs either a text or a picture.", "Give --text or --picture, and not both.")
    among: Among = "all" if options.all else "held-out"
    ref = reference(options)
    if options.text:
        found = result(SearchText(ref, options.text, options.count, among))
    else:
        found = result(SearchPicture(ref, options.picture, count=options.count, among=among))
    rows = list(zip(found.places.tolist(), found.captions, found.cosines.tolist(), found.shares.tolist(), strict=True))
    if options.json:
        said = [{"picture": at, "caption": text, "cosine": cosine, "probability": share} for at, text, cosine, share in rows]
        print(json.dumps({
            "query": found.query, "searched": found.searched, "chance": found.chance, "unknown": list(found.unknown),
            "step": found.step, "found": said,
        }))  # fmt: skip
        return
    if found.unknown:
        print(f"Not in the vocabulary: {', '.join(found.unknown)}")
    print(f"{'cosine':>7} {'share':>7}  picture  caption   (of {found.searched:,}; chance {found.chance:.2%})")
    for at, text, cosine, share in rows:
        print(f"{cosine:7.3f} {share:7.1%}  {at + 1:7,}  {text}")
