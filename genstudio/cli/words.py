"""neighbours, analogy."""

from __future__ import annotations

import argparse
import json

from genstudio.cli.parser import Commands, add_model, reference
from genstudio.cli.progress import result
from genstudio.errors import GenstudioError
from genstudio.tasks.words import WordsNear


def add(commands: Commands) -> None:
    """Commands that ask a model for the vectors of its words."""
    near = commands.add("neighbours", _neighbours, "the words that a model places nearest to a word")
    add_model(near)
    near.add_argument("word", metavar="WORD")
    analogy = commands.add("analogy", _analogy, "the words nearest to A - B + C: 'king man woman' asks for queen")
    add_model(analogy)
    for name in "abc":
        analogy.add_argument(name, metavar=name.upper())
    for command in (near, analogy):
        command.add_argument("--count", type=int, default=10, metavar="N")
        command.add_argument("--json", action="store_true")


def _neighbours(options: argparse.Namespace) -> None:
    from genstudio.tasks.words import FindNeighbours

    found = result(FindNeighbours(reference(options), options.word, _count(options)), quiet=options.json or None)
    _tell(options, found, {"word": found.question[0]})


def _analogy(options: argparse.Namespace) -> None:
    from genstudio.tasks.words import SolveAnalogy

    task = SolveAnalogy(reference(options), options.a, options.b, options.c, _count(options))
    found = result(task, quiet=options.json or None)
    _tell(options, found, dict(zip("abc", found.question, strict=True)))


def _count(options: argparse.Namespace) -> int:
    if options.count < 1:
        raise GenstudioError(f"{options.count} words are too few.", "Ask for 1 or more with --count.")
    return int(options.count)


def _tell(options: argparse.Namespace, found: WordsNear, asked: dict[str, str]) -> None:
    if options.json:
        near = [{"word": word, "cosine": cosine} for word, cosine in found.found]
        print(json.dumps({**asked, "neighbours": near, "step": found.step}))
        return
    for word, cosine in found.found:
        print(f"{cosine:+.3f}  {word}")
