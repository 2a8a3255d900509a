"""The command line: the same tasks as the window. Scripts depend on its words, its output and its exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from genstudio import __version__
from genstudio.cli import datasets, models, samples, training, writing
from genstudio.cli.parser import Commands, Parser
from genstudio.errors import GenstudioError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 2 when a person has to change something."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.runs:
        options.runs = Path(options.runs).expanduser()
    try:
        return int(options.command(options) or 0)
    except GenstudioError as error:
        print(f"genstudio: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("genstudio: interrupted.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="genstudio", description="Train and explore generative models on your own data.")
    parser.add_argument("--version", action="version", version=f"genstudio {__version__}")
    parser.add_argument("--offscreen", action="store_true", help="open the window where nobody sees it (for tests)")
    parser.set_defaults(command=_window, runs=None)
    commands = Commands(parser)
    for topic in (training, writing, samples, models, datasets):
        topic.add(commands)
    return parser


def _window(options: argparse.Namespace) -> int:
    if options.offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from genstudio.ui.app import run

    return run()
