"""What the README names exists: commands, options, pages, buttons, presets, datasets, and the files of a run."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from genstudio.cli import _parser
from genstudio.data import shelf
from genstudio.tasks.train import Train
from genstudio.ui.playground.pages import PAGES
from helpers import TINY, answer, run_task, text_file

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
SOURCE = "".join(path.read_text("utf-8") for path in sorted((ROOT / "genstudio").rglob("*.py")))


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    table = re.findall(r"^\|(.*)\|$", README[README.index(f"## {heading}\n") :].partition("\n## ")[0], re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in table[2:]]


def test_every_command_is_described_with_options_it_has() -> None:
    commands = next(a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    described = set()
    for line in re.findall(r"^    (?:genstudio|python3 packaging/run\.py) +(\w.*?)(?: # .*)?$", README, re.MULTILINE):
        names = re.match(r"[\w-]+(?: \| [\w-]+)*", line).group().split(" | ")  # type: ignore[union-attr]
        described.update(names)
        for option in re.findall(r"--[\w-]+", line):
            assert option in commands[names[0]]._option_string_actions, line
    assert described == set(commands)


def test_the_pages_of_the_playground_are_those_of_the_window() -> None:
    named = [name.strip() for row in rows("The Playground") for name in row[0].split(",")]
    assert sorted(named, key=str.lower) == sorted((page.title for page in PAGES), key=str.lower)


def test_what_ships_is_listed_and_nothing_else() -> None:
    shipped = [info for info in shelf.list_datasets() if info.origin == "ships"]
    assert sorted(row[0] for row in rows("Where the data comes from")) == sorted(info.title for info in shipped)
    for info in shipped:
        assert f"{info.count:,}" in README or info.kind == "text", info.title


@pytest.mark.parametrize("phrase", sorted(set(re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", README))))
def test_what_is_named_in_the_window_is_there(phrase: str) -> None:
    assert f'"{phrase}' in SOURCE.replace('"&', '"')


def test_a_run_folder_holds_what_is_described(tmp_path: Path) -> None:
    frames = run_task(Train("gpt", str(text_file(tmp_path)), TINY, steps=12))
    described = README[README.index("## A run is a folder") :].partition("\n\n")[2].partition("\n\n")[0]
    held = {path.name for path in Path(answer(frames, "run")).iterdir()}
    assert {name for name in held if not re.search(rf"(?m)(^    |  ){re.escape(name)}\b", described)} == set()
