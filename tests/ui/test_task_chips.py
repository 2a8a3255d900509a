"""Work in the background is seen in the status bar: a chip for each task, with its progress and a way to stop it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gan_window import SMALL, begin
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication

from genstudio import tasks
from genstudio.events import Frame, Progress
from genstudio.tasks.models import Models
from genstudio.tasks.preview import Look
from genstudio.tasks.train import Train
from genstudio.ui import task_chips
from genstudio.ui.task_chips import TASKS, TaskChip, title_of
from genstudio.ui.window import MainWindow
from helpers import LONG, TINY, answer, run_task, text_file


@dataclass(frozen=True)
class Import:
    """Never ends by itself, and says how far it is."""

    share: float = 0.25

    def run(self, models: Models) -> Iterator[Frame]:
        while True:
            time.sleep(0.001)
            yield Frame(progress=Progress("Reading pictures", self.share))


@pytest.fixture
def calm(window: MainWindow, qtbot: Any) -> None:
    """The datasets are read and checked."""
    qtbot.waitUntil(lambda: not window.engine.running and not window.datasets._recheck.isActive(), timeout=LONG)
    assert not window.chips.chips


def chip(window: MainWindow, qtbot: Any, name: str) -> TaskChip:
    def there() -> bool:
        return any(found.isVisible() for found in window.chips.findChildren(TaskChip, name))

    qtbot.waitUntil(there, timeout=LONG)
    return next(found for found in window.chips.findChildren(TaskChip, name) if found.isVisible())


def test_every_task_that_a_person_may_start_has_a_name_and_a_place() -> None:
    found = set()
    for module in pkgutil.iter_modules(tasks.__path__):
        content = importlib.import_module(f"genstudio.tasks.{module.name}")
        for name, kind in vars(content).items():
            mine = inspect.isclass(kind) and kind.__module__ == content.__name__ and inspect.isfunction(vars(kind).get("run"))
            if mine and name != "Task" and getattr(kind, "quiet", False) is not True:
                found.add(name)
    assert found and found - TASKS.keys() == set()
    tabs = {"", "datasets", "transformer", "playground", "gan", "runs"}
    assert {tab for _, tab in TASKS.values()} <= tabs and all(title for title, _ in TASKS.values())


@pytest.mark.usefixtures("calm")
def test_a_task_is_shown_with_its_progress_found_and_stopped(window: MainWindow, qtbot: Any) -> None:
    page = window.tabs.height()
    name = window.engine.start(Import())  # type: ignore[arg-type]
    shown = chip(window, qtbot, "task_import")
    QApplication.processEvents()
    assert window.tabs.height() == page, "a chip that comes takes no height from the page"
    qtbot.waitUntil(lambda: "25%" in shown.show_.text(), timeout=LONG)
    assert "Reading pictures" in shown.show_.accessibleName() and shown.cancel.accessibleName() == "Stop: Import"
    shown.show_.setFocus()
    assert QApplication.focusWidget() is shown.show_ or not window.isActiveWindow()
    qtbot.keyClick(shown.show_, Qt.Key.Key_Space)
    assert window.tabs.currentWidget() is window.datasets
    qtbot.keyClick(shown.cancel, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: name not in window.engine.running and not window.chips.chips, timeout=LONG)


@pytest.mark.usefixtures("calm")
def test_names_of_chips_are_unique_and_a_crowd_is_counted(window: MainWindow, qtbot: Any) -> None:
    started = [window.engine.start(Import()) for _ in range(6)]  # type: ignore[arg-type]
    qtbot.waitUntil(lambda: len(window.chips.chips) == 6, timeout=LONG)
    names = [shown.objectName() for shown in window.chips.chips.values()]
    assert len(set(names)) == 6 and names[0] == "task_import"
    assert sum(shown.isVisible() for shown in window.chips.chips.values()) == 4
    assert window.chips.more.text() == "2 more" and window.chips.more.isVisible()
    for name in started[:3]:
        window.engine.stop(name)
    qtbot.waitUntil(lambda: len(window.chips.chips) == 3 and not window.chips.more.isVisible(), timeout=LONG)
    for name in started[3:]:
        window.engine.stop(name)
    qtbot.waitUntil(lambda: not window.engine.running, timeout=LONG)


@pytest.mark.usefixtures("calm")
def test_what_is_brief_gets_no_chip(window: MainWindow, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_chips, "WAIT_MS", 10**8)
    shown: list[int] = []
    window.engine.changed.connect(lambda: shown.append(len(window.chips.chips)))
    window.datasets.check()
    window.datasets._start("look", Look(window.datasets.current or ""))
    qtbot.waitUntil(lambda: not window.engine.running, timeout=LONG)
    assert shown and not any(shown)


@pytest.mark.usefixtures("calm")
def test_a_training_is_stopped_by_its_chip_as_by_its_button(window: MainWindow, qtbot: Any) -> None:
    tab = begin(qtbot, window, "gaussian-ring", SMALL)
    shown = chip(window, qtbot, "task_gan_training")
    window.tabs.setCurrentWidget(window.runs)
    qtbot.mouseClick(shown.show_, Qt.MouseButton.LeftButton)
    assert window.tabs.currentWidget() is tab
    tab.toggle_pause()
    qtbot.waitUntil(lambda: "paused" in shown.show_.text(), timeout=LONG)
    qtbot.mouseClick(shown.cancel, Qt.MouseButton.LeftButton)
    assert tab.state == "stopping"
    qtbot.waitUntil(lambda: tab.state == "stopped" and not window.chips.chips, timeout=LONG)


@pytest.mark.usefixtures("calm")
def test_what_another_one_ends_is_said(window: MainWindow, qtbot: Any) -> None:
    datasets = window.datasets
    datasets._start("import", Import())
    chip(window, qtbot, "task_import")
    datasets._start("import", Import(0.5))
    assert window.statusBar().currentMessage() == "Import was stopped: another one was started."
    qtbot.waitUntil(lambda: "50%" in chip(window, qtbot, "task_import").show_.text(), timeout=LONG)
    shown = chip(window, qtbot, "task_import")
    qtbot.mouseClick(shown.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.engine.running, timeout=LONG)


@pytest.mark.usefixtures("calm")
def test_what_starts_by_itself_is_replaced_without_a_word(window: MainWindow, qtbot: Any) -> None:
    window.datasets._start("look", Import())
    chip(window, qtbot, "task_import")
    window.datasets._start("look", Look(window.datasets.current or ""))
    assert not window.statusBar().currentMessage()
    qtbot.waitUntil(lambda: not window.engine.running, timeout=LONG)


@pytest.fixture
def written(tmp_path: Path) -> str:
    data = str(text_file(tmp_path))
    return str(answer(run_task(Train("gpt", data, TINY, steps=12)), "run"))


def test_a_grid_goes_on_when_its_page_is_left(written: str, window: MainWindow, qtbot: Any) -> None:
    play = window.playground
    window.tabs.setCurrentWidget(play)
    qtbot.waitUntil(lambda: play.reference() is not None, timeout=LONG)
    play.document.set_text("the cat")
    play.sampler.length.set_value(40)
    grid = play.page("Grid")
    play.inspectors.open("Grid")
    grid.length.setValue(20)
    qtbot.waitUntil(grid.start.isEnabled, timeout=LONG)
    qtbot.mouseClick(grid.start, Qt.MouseButton.LeftButton)
    started = next(name for name in window.engine.running if name.startswith("SamplingGrid"))
    play.inspectors.open("Continuations")
    play.show_task(started)
    assert play.inspectors.rail.currentItem().text() == "Grid"
    play.inspectors.open("Continuations")
    press = play.page("Continuations").findChild(QAbstractButton, "page_continuations_start")
    qtbot.mouseClick(press, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: started not in window.engine.running, timeout=LONG)
    assert grid.grid is not None and all(cell.finished for cell in grid.grid.cells)


def test_a_training_is_named_by_its_family() -> None:
    assert [title_of(Train(family, "x")) for family in ("gpt", "gan")] == ["GPT training", "GAN training"]
