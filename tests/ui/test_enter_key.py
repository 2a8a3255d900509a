"""Enter presses what has the focus, a row of the runs opens by every way there is, and nothing prepared is dropped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QPushButton, QToolButton, QWidget

from genstudio.tasks.train import Train
from genstudio.ui.playground.pages import PAGES
from genstudio.ui.window import MainWindow
from helpers import TINY, answer, run_task, text_file

LONG = 120_000
Open = Callable[..., MainWindow]


def test_enter_presses_every_button_that_can_have_the_focus(
    open_window: Open, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window()
    window.activateWindow()
    pressed: list[QAbstractButton] = []
    silent, tried = [], set()
    monkeypatch.setattr(QAbstractButton, "click", lambda self: pressed.append(self))
    for index in range(window.tabs.count()):
        window.tabs.setCurrentIndex(index)
        titles = [entry.title for entry in PAGES] if window.tabs.widget(index) is window.playground else [""]
        for title in titles:
            window.playground.inspectors.open(title)
            for button in usable(window.tabs.widget(index)):
                button.setFocus(Qt.FocusReason.TabFocusReason)
                if QApplication.focusWidget() is not button:
                    continue
                tried.add(button.objectName())
                qtbot.keyClick(button, Qt.Key.Key_Return)
                qtbot.keyClick(button, Qt.Key.Key_Enter)
                if pressed != [button, button]:
                    silent.append(button.objectName())
                pressed.clear()
    assert not silent
    assert {"start", "gan_start", "import_data", "train_on_this", "import_model"} <= tried and len(tried) > 30


def usable(page: QWidget) -> list[QAbstractButton]:
    return [
        button
        for button in page.findChildren(QAbstractButton)
        if isinstance(button, QPushButton | QToolButton)
        and button.isVisible()
        and button.isEnabled()
        and button.objectName()
        and not button.objectName().startswith("qt_")
    ]


def test_enter_imports_what_was_prepared_and_another_file_does_not_replace_it_unasked(
    open_window: Open, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("datasets")
    page = window.datasets.importing
    window.import_files([str(text_file(tmp_path, name="first.txt"))])
    qtbot.waitUntil(page.start.isVisible, timeout=LONG)
    page.name.setText("My first")
    asked: list[str] = []
    monkeypatch.setattr("PySide6.QtWidgets.QMessageBox.exec", lambda self: asked.append(self.text()))
    clicked = {"button": lambda box: box.buttons()[0]}
    monkeypatch.setattr("PySide6.QtWidgets.QMessageBox.clickedButton", lambda self: clicked["button"](self))
    second = str(text_file(tmp_path, name="second.txt"))
    window.import_files([second])
    assert asked == ["'My first' is not imported yet."]
    window.show_import()
    assert page.prepared and page.name.text() == "My first" and page.title.text() == "first.txt"
    assert QApplication.focusWidget() is page.start
    qtbot.keyClick(page.start, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: (window.datasets.current or "").startswith("my-first"), timeout=LONG)

    window.import_files([second])
    qtbot.waitUntil(page.start.isVisible, timeout=LONG)
    clicked["button"] = lambda box: next(b for b in box.buttons() if b.text() == "Discard")
    window.import_files([str(text_file(tmp_path, name="third.txt"))])
    qtbot.waitUntil(lambda: page.prepared and page.title.text() == "third.txt", timeout=LONG)
    qtbot.mouseClick(page.cancel, Qt.MouseButton.LeftButton)
    window.import_files([second])
    assert len(asked) == 2, "what was cancelled is not prepared any more"


def test_a_run_opens_by_enter_and_by_a_double_click_on_every_column(
    open_window: Open, qtbot: Any, qtlog: Any, tmp_path: Path
) -> None:
    data = str(text_file(tmp_path))
    folders = [answer(run_task(Train("gpt", data, TINY, steps=6, name=f"run {n}")), "run") for n in range(2)]
    window = open_window("runs")
    tab, table = window.runs, window.runs.table
    wanted: list[str] = []
    tab.open_wanted.disconnect()
    tab.open_wanted.connect(wanted.append)
    window.tabs.setCurrentWidget(tab)
    qtbot.waitUntil(lambda: len(tab.model.runs) == 2, timeout=LONG)
    for column in range(tab.model.columnCount()):
        at = table.visualRect(table.model().index(1, column)).center()
        double_click(qtbot, table.viewport(), at)
        assert table.findChild(QLineEdit) is None, "a double click edits nothing"
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        table.selectRow(0)
        table.setFocus()
        qtbot.keyClick(table, key)
    shown = [str(tab.model.runs[tab._sorted.mapToSource(table.model().index(row, 0)).row()].folder) for row in (0, 1)]
    assert sorted(shown) == sorted(map(str, folders))
    assert wanted == [shown[1]] * tab.model.columnCount() + [shown[0]] * 2

    table.setCurrentIndex(table.model().index(0, 4))
    qtbot.keyClick(table, Qt.Key.Key_F2)
    tab.rename.click()
    assert not [record.message for record in qtlog.records if "edit" in record.message], "it is being renamed already"
    editor = table.findChild(QLineEdit)
    editor.setText("renamed")
    tab.model.glances.arrived.emit((tab.model.runs[0].folder, 0, ""))
    tab.model.dataChanged.emit(tab.model.index(0, 0), tab.model.index(1, tab.model.columnCount() - 1))
    assert editor.text() == "renamed", "what is read of a run meanwhile does not fill the field again"
    answer(run_task(Train("gpt", data, TINY, steps=6, name="run 2")), "run")
    with qtbot.waitSignal(window.library.runs_changed, timeout=LONG):
        window.library.refresh_runs()
    assert len(window.library.runs) == 3 and table.findChild(QLineEdit) is editor, "nor does a new run close it"
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "renamed" in [run.name for run in tab.model.runs], timeout=LONG)
    assert len(tab.model.runs) == 3
    assert len(wanted) == tab.model.columnCount() + 2, "Enter ends the renaming and opens nothing"


def double_click(qtbot: Any, widget: QWidget, at: QPoint) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseDClick(widget, Qt.MouseButton.LeftButton, pos=at)
