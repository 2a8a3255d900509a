"""What the commands are made of, and what several of them ask for."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from genstudio import paths


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        self.exit(2, f"genstudio: {message}\nTry '{self.prog} --help'.\n")


class Commands:
    """Adds commands to a parser."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._all = parser.add_subparsers(metavar="COMMAND", parser_class=Parser)

    def add(self, name: str, does: Callable[[argparse.Namespace], Any], text: str) -> argparse.ArgumentParser:
        """A command that calls `does` with its options; `text` is one line of help."""
        sub = self._all.add_parser(name, help=text, description=text)
        sub.add_argument("--runs", metavar="DIR", help="the folder of runs (default: under GENSTUDIO_HOME)")
        sub.set_defaults(command=does)
        return sub


def add_model(parser: argparse.ArgumentParser) -> None:
    """The run and the checkpoint that `reference` reads."""
    parser.add_argument("run", metavar="RUN", help="a run's folder, id or name")
    parser.add_argument("--checkpoint", default="last", metavar="last|best|STEP")


def add_precision(parser: argparse.ArgumentParser) -> None:
    """How a model computes; `reference` reads it too."""
    parser.add_argument("--precision", choices=("float32", "int8"), default="float32", help="int8: faster, slightly "
        "less accurate")


def find_run(options: argparse.Namespace) -> Any:
    """The run that is asked for. Raises RunError."""
    from genstudio import runs

    return runs.find(options.runs or paths.runs(), options.run)


def reference(options: argparse.Namespace) -> Any:
    """The model that is asked for. Raises RunError or CheckpointError."""
    from genstudio.tasks.models import ModelRef
    from genstudio.training.checkpoint import which

    precision: Any = getattr(options, "precision", "float32")
    return ModelRef(str(find_run(options).folder), which(options.checkpoint), precision)


def plain(value: Any) -> Any:
    """A dataclass as what JSON can hold."""
    return json.loads(json.dumps(asdict(value), default=str))
