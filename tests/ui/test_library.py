"""The lists of runs and datasets keep up with what happens to them, and every list of the window shows the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot
from tiny import new_run

from genstudio import paths
from genstudio.errors import Failure
from genstudio.ui.engine import Engine
from genstudio.ui.library import Library
from genstudio.ui.playground.model_choice import ModelChoice
from genstudio.ui.playground.pages import shown
from genstudio.ui.tabs.runs import RunsTab
from helpers import LONG


@pytest.fixture
def engine(qapp: object) -> Iterator[Engine]:
    made = Engine()
    yield made
    made.close()


@pytest.fixture
def library(engine: Engine) -> Library:
    return Library(engine)


def test_a_run_made_while_runs_are_listed_is_listed_too(library: Library, qtbot: QtBot) -> None:
    seen: list[int] = []

    def made_too_late(runs: tuple[object, ...]) -> None:
        seen.append(len(runs))
        if not runs:
            new_run(paths.runs())
            library.refresh_runs()

    library.runs_changed.connect(made_too_late)
    library.refresh_runs()
    qtbot.waitUntil(lambda: seen[-1:] == [1] and not library.reading, timeout=LONG)
    assert seen == [0, 1]
    run = library.runs[0]
    assert library.run(str(run.folder)) is run and library.run("elsewhere") is None


def test_many_changes_while_runs_are_listed_need_one_more_listing(library: Library, qtbot: QtBot) -> None:
    seen: list[object] = []
    library.runs_changed.connect(seen.append)
    for _ in range(5):
        library.refresh_runs()
    qtbot.waitUntil(lambda: not library.reading, timeout=LONG)
    assert len(seen) == 2


def test_a_list_that_cannot_be_read_says_so_and_is_read_again_later(library: Library, qtbot: QtBot) -> None:
    failures: list[Failure] = []
    library.failed.connect(failures.append)
    paths.runs().parent.mkdir(parents=True, exist_ok=True)
    paths.runs().write_text("no folder")
    library.refresh_runs()
    qtbot.waitUntil(lambda: not library.reading, timeout=LONG)
    assert len(failures) == 1 and "cannot be listed" in failures[0].message
    paths.runs().unlink()
    new_run(paths.runs())
    library.refresh_runs()
    qtbot.waitUntil(lambda: len(library.runs) == 1, timeout=LONG)


def test_every_list_shows_the_same_runs_and_which_are_in_training(
    engine: Engine, library: Library, qtbot: QtBot
) -> None:
    table, choice = RunsTab(engine, library), ModelChoice(shown)
    qtbot.addWidget(table)
    qtbot.addWidget(choice)
    library.runs_changed.connect(choice.show_runs)
    library.live_changed.connect(choice.set_live)
    run = str(new_run(paths.runs()).folder)
    library.set_live(["", run])
    library.refresh_runs()
    qtbot.waitUntil(lambda: len(table.model.runs) == 1, timeout=LONG)
    assert library.live == {run} and choice.reference() is not None and choice.reference().which == "live"
    library.set_live([""])
    assert choice.checkpoint.count() == 0, "it has no checkpoint yet"


def test_datasets_are_listed_with_what_was_imported(library: Library, qtbot: QtBot) -> None:
    library.refresh_datasets()
    qtbot.waitUntil(lambda: bool(library.datasets), timeout=LONG)
    shipped = library.dataset("shakespeare")
    assert shipped is not None and shipped.kind == "text" and library.dataset("nothing") is None
