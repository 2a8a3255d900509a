"""The command line: the same tasks as the window. Scripts depend on its words, its output and its exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from genstudio import __version__, paths
from genstudio.cli import datasets, models, samples, search, sound, streams, training, vocoding, words, writing
from genstudio.cli.parser import Commands, Parser
from genstudio.errors import GenstudioError, StorageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 2 when a person has to change something."""
    with streams.guarded() as out:
        try:
            code = _run(arguments)
            out.flush()
        except GenstudioError as error:
            if isinstance(error, streams.OutputError):
                out.discard()
            print(f"genstudio: {error}{_moved(error)}", file=sys.stderr)
            code = 2
        except BrokenPipeError:
            out.discard()
            code = 0
        except KeyboardInterrupt:
            print("genstudio: interrupted.", file=sys.stderr)
            code = 130
        sys.stderr.flush()
    return code


def _moved(error: GenstudioError) -> str:
    """How to move the folder of everything, where that is what could not be written."""
    if not isinstance(error, StorageError) or error.path is None or not error.path.is_relative_to(paths.home()):
        return ""
    return f" Everything is kept in {paths.home()}; the variable GENSTUDIO_HOME names another folder."


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as stop:  # a text was asked for, or there is a mistake, which has been said
        return int(stop.code or 0)
    if options.runs:
        options.runs = paths.expanded(options.runs)
    if options.command is not _window:
        sys.stdout.write("")  # where it is closed, better known before the work
    return int(options.command(options) or 0)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="genstudio", description="Train and explore generative models on your own data.")
    parser.add_argument("--version", action="version", version=f"genstudio {__version__}")
    parser.add_argument("--offscreen", action="store_true", help="open the window off screen (for tests)")
    parser.set_defaults(command=_window, runs=None)
    commands = Commands(parser)
    for topic in (training, writing, words, search, samples, sound, vocoding, models, datasets):
        topic.add(commands)
    return parser


def _window(options: argparse.Namespace) -> int:
    if options.offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from genstudio.ui.app import run

    return run()
