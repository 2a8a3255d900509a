"""How many clicks it takes: from the start to a model trained on one's own text, and to the attention of one head."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QWidget

from genstudio.ui.window import MainWindow
from helpers import LONG, TINY, text_file

Open = Callable[..., MainWindow]


class Mouse:
    """A hand on the mouse, which counts: it clicks only what a person sees, where nothing lies over it."""

    def __init__(self, qtbot: Any, window: MainWindow) -> None:
        self._qtbot, self._window, self.clicks = qtbot, window, 0

    def click(self, widget: Any, at: QPoint | None = None) -> None:
        at = widget.rect().center() if at is None else at
        name = widget.objectName()
        self._qtbot.waitUntil(lambda: widget.isVisible() and widget.isEnabled(), timeout=LONG)
        place = widget.mapTo(self._window, at)
        assert self._window.rect().contains(place) and widget.visibleRegion().contains(at), f"{name} is cut off"
        over: Any = self._window.childAt(place)
        assert over is widget or widget.isAncestorOf(over), f"{over.objectName()} lies over {name}"
        QTest.mouseClick(over, Qt.MouseButton.LeftButton, pos=over.mapFrom(self._window, place))
        self.clicks += 1

    def press(self, name: str) -> None:
        """The only visible control of this name."""
        found = [widget for widget in self._window.findChildren(QWidget, name) if widget.isVisible()]
        assert len(found) == 1, f"{len(found)} of {name}"
        self.click(found[0])

    def room(self, title: str) -> None:
        bar = self._window.tabs.tabBar()
        place = next(place for place in range(bar.count()) if bar.tabText(place) == title)
        self.click(bar, bar.tabRect(place).center())


def chosen(window: Any, mine: Path, qtbot: Any, monkeypatch: Any) -> Mouse:
    """The mouse, once it has chosen a file of one's own in Lessons, and the file can be imported."""
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_, **__: ([str(mine)], ""))
    window.show_lessons()
    mouse = Mouse(qtbot, window)
    mouse.press("start_own")
    qtbot.waitUntil(window.datasets.importing.start.isEnabled, timeout=LONG)
    return mouse


def test_from_the_start_to_a_model_of_ones_own_text(
    open_window: Open, qtbot: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    """With one more for the dialog of the system, where a file is opened by a double click; a text that is dropped on the window
    takes as many."""
    window, mine = open_window("lessons", "datasets", "transformer"), text_file(tmp_path)
    mouse = chosen(window, mine, qtbot, monkeypatch)
    mouse.press("import_start")
    tab = window.transformer
    qtbot.waitUntil(lambda: window.tabs.currentWidget() is tab, timeout=LONG)
    assert mine.stem in tab.setup.data.currentText()
    tab.setup.form.set_values({**TINY, "context": 16})  # a model that this test has time for, where a person waits two minutes
    tab.setup.set_plan(8, None)
    mouse.press("start")
    qtbot.waitUntil(lambda: tab.summary.isVisible(), timeout=LONG)
    assert mouse.clicks + 1 <= 4
    run = tab.info
    assert run is not None and run.step == 8 and mine.stem in run.dataset["title"] and not window.banners.shown


def test_who_goes_elsewhere_while_a_file_is_imported_stays_there(
    open_window: Open, qtbot: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    window, mine = open_window("lessons", "datasets", "transformer"), text_file(tmp_path)
    mouse = chosen(window, mine, qtbot, monkeypatch)
    before = {info.id for info in window.library.datasets}
    mouse.press("import_start")
    window.show_lessons()
    qtbot.waitUntil(lambda: len({info.id for info in window.library.datasets} - before) == 1, timeout=LONG)
    assert window.tabs.currentWidget() is window.lessons
    assert mine.stem not in window.transformer.setup.data.currentText()


def test_to_the_attention_of_one_head(real_models: None, open_window: Open, qtbot: Any) -> None:
    window = open_window("lessons", "playground")
    window.show_lessons()
    mouse = Mouse(qtbot, window)
    mouse.room("Playground")
    tab = window.playground
    qtbot.waitUntil(lambda: tab.reference() is not None, timeout=LONG)
    rail = tab.inspectors.rail
    item = next(rail.item(row) for row in range(rail.count()) if rail.item(row).text() == "Attention")
    mouse.click(rail.viewport(), rail.visualItemRect(item).center())
    page: Any = tab.page("Attention")
    qtbot.waitUntil(lambda: page.heads.snapshot is not None and page.map.snapshot is not None, timeout=LONG)
    before = page.map.snapshot
    mouse.click(page.heads, page.heads.cell(2, 1).center().toPoint())
    qtbot.waitUntil(lambda: page.map.snapshot is not before and not page.busy("map"), timeout=LONG)
    assert mouse.clicks <= 3
    assert (page.which().layer, page.which().head) == (2, 1) and page.map.isVisible()
    assert abs(page.map.snapshot.weights.sum(-1) - 1).max() < 1e-3, "each row is where one token looks"
