"""The list of runs keeps up with what happens to the runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot
from tiny import new_run

from genstudio import paths
from genstudio.ui.engine import Engine
from genstudio.ui.tabs.runs import RunsTab
from helpers import LONG


@pytest.fixture
def tab(qtbot: QtBot) -> Iterator[RunsTab]:
    engine = Engine()
    made = RunsTab(engine)
    qtbot.addWidget(made)
    yield made
    engine.close()


def test_a_run_made_while_runs_are_listed_is_listed_too(tab: RunsTab, qtbot: QtBot) -> None:
    seen: list[int] = []

    def made_too_late(runs: tuple[object, ...]) -> None:
        seen.append(len(runs))
        if not runs:
            new_run(paths.runs())
            tab.refresh()

    tab.listed.connect(made_too_late)
    tab.refresh()
    qtbot.waitUntil(lambda: seen[-1:] == [1] and not tab._listing, timeout=LONG)
    assert seen == [0, 1]


def test_many_changes_while_runs_are_listed_need_one_more_listing(tab: RunsTab, qtbot: QtBot) -> None:
    seen: list[object] = []
    tab.listed.connect(seen.append)
    for _ in range(5):
        tab.refresh()
    qtbot.waitUntil(lambda: not tab._listing, timeout=LONG)
    assert len(seen) == 2
