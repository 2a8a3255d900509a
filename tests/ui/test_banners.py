"""Messages over the page of the window: they take no room from it, one is seen at a time, and Esc closes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QDialog, QLabel, QLineEdit, QWidget

from genstudio import paths
from genstudio.errors import Failure
from genstudio.events import Frame
from genstudio.ui.window import MainWindow
from real_window import shown

LONG_PATH = "/" + "folder/" * 60 + "file.txt"


@pytest.fixture
def bare(qapp: Any) -> Iterator[MainWindow]:
    """A window before the rest of it is built: there the banners are the same."""
    window = shown()
    yield window
    window.close()
    window.deleteLater()


def sizes(window: MainWindow) -> tuple[Any, ...]:
    window.grab()
    return window.size(), window.minimumSizeHint(), window.minimumSize()


def fits(window: MainWindow) -> bool:
    """Whether every visible part of every banner lies within the window."""
    parts = [part for banner in window.banners.shown for part in (banner, *banner.findChildren(QWidget))]
    across = [(p.mapTo(window, QPoint(0, 0)).x(), p.width()) for p in parts if p.isVisible()]
    return all(left >= 0 and left + width <= window.width() for left, width in across)


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_banners_change_neither_the_size_of_the_window_nor_its_smallest(
    bare: MainWindow, qtbot: Any, size: tuple[int, int]
) -> None:
    bare.resize(*size)
    before, height = sizes(bare), bare.tabs.height()
    bare.show_banner("A note.", next_step="Nothing to do.")
    bare.show_banner("many words " * 400, "warning")
    bare.show_failure(Failure("X", f"{LONG_PATH} is damaged.", "Restore it. " * 30, LONG_PATH, details="trace\n" * 99))
    assert sizes(bare) == before and fits(bare)
    assert bare.tabs.height() == height, "the page keeps its room"
    assert [banner.isVisible() for banner in bare.banners.shown] == [True, False, False]
    details = bare.banners.shown[0].findChild(QAbstractButton, "banner_show_details")
    details.click()
    assert sizes(bare) == before and fits(bare)
    for left in (2, 1, 0):
        qtbot.keyClick(bare, Qt.Key.Key_Escape)
        assert len(bare.banners.shown) == left and sizes(bare) == before
    assert bare.tabs.height() == height


def test_a_short_banner_is_shown_whole(bare: MainWindow) -> None:
    bare.show_failure(Failure("X", "It did not work.", "Try again."))
    bare.grab()
    banner = bare.banners.shown[0]
    assert banner.height() >= banner.sizeHint().height()
    for label in banner.findChildren(QLabel):
        assert label.visibleRegion().boundingRect().size() == label.size()


def test_esc_closes_the_newest_banner_wherever_the_focus_is(bare: MainWindow, qtbot: Any) -> None:
    fields = [w for w in bare.transformer.setup.findChildren(QWidget) if w.focusPolicy() & Qt.FocusPolicy.StrongFocus]
    kinds = {type(field): field for field in fields if field.isVisible() and field.isEnabled()}
    assert len(kinds) > 3
    for field in kinds.values():
        bare.show_banner("older")
        bare.show_banner("newer")
        field.setFocus()
        qtbot.keyClick(field, Qt.Key.Key_Escape)
        assert [banner.property("text") for banner in bare.banners.shown] == ["older"], field


def test_the_same_text_is_shown_once_and_no_more_than_five_wait(bare: MainWindow) -> None:
    for text in ("one", "two", "three", "four", "five", "six", "two"):
        bare.show_banner(text)
    assert [banner.property("text") for banner in bare.banners.shown] == ["two", "six", "five", "four", "three"]
    assert "4 more messages" in bare.findChild(QLabel, "banner_more").text()


def test_a_note_leaves_by_itself_and_an_error_stays(bare: MainWindow) -> None:
    bare.show_failure(Failure("X", "It did not work.", "Try again."))
    bare.banners._time_out()
    assert len(bare.banners.shown) == 1
    bare.show_banner("A note.")
    bare.banners._time_out()
    assert [banner.objectName() for banner in bare.banners.shown] == ["banner_error"]


def test_the_help_menu_opens_dialogs_with_paths_to_copy_and_open(
    bare: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    paths.runs().mkdir(parents=True, exist_ok=True)
    bare.findChild(QAction, "action_where_everything_is_kept").trigger()
    dialog = bare.findChild(QDialog, "help_dialog")
    places = {edit.text() for edit in dialog.findChildren(QLineEdit) if edit.isReadOnly()}
    assert dialog.isVisible() and not bare.banners.shown
    assert places == {str(place) for place in (paths.home(), paths.runs(), paths.datasets(), paths.cache())}
    dialog.findChild(QAbstractButton, "copy_imported_datasets").click()
    assert QGuiApplication.clipboard().text() == str(paths.datasets())
    dialog.findChild(QAbstractButton, "open_runs").click()
    assert opened == [str(paths.runs())]
    dialog.close()


def test_about_is_a_dialog(bare: MainWindow) -> None:
    bare.findChild(QAction, "action_about_genstudio").trigger()
    dialog = bare.findChild(QDialog, "help_dialog")
    assert "genstudio" in dialog.windowTitle() and not bare.banners.shown
    dialog.close()


def test_a_message_leaves_when_what_it_speaks_of_is_over(bare: MainWindow) -> None:
    """Not when work that was there before, or work of another kind, goes well; nor on frames before a training began."""

    def said() -> set[str]:
        return {str(banner.property("text")) for banner in bare.banners.shown}

    def fail(kind: str, message: str) -> None:
        bare.engine.ending = kind
        bare.show_failure(Failure("X", message))
        bare.engine.ending = ""

    def end(name: str, kind: str, failure: Failure | None = None) -> None:
        bare.engine.running.pop(name, None)
        bare.engine.ending = kind
        bare.engine.ended.emit(name, failure)
        bare.engine.ending = ""

    bare.engine.running |= {"old": "running", "waits": "paused"}
    fail("Train", "It could not be started.")
    fail("ReadRun", "It could not be read.")
    bare.engine.halted.emit("waits", "The disk is full.")
    bare.show_failure(Failure("RunBusyError", "A training is running."))
    bare.show_failure(Failure("X", "By itself."))
    everything = said()
    assert len(everything) == 5
    end("old", "ReadRun")
    end("new", "ReadRun", Failure("X", "again"))
    bare.engine.framed.emit("more", Frame())
    bare.engine.framed.emit("waits", Frame())
    assert said() == everything
    end("another", "ReadRun")
    assert said() == everything - {"It could not be read."}
    bare.engine.running["more"] = bare.engine.running["waits"] = "running"
    bare.engine.framed.emit("waits", Frame())
    assert said() == {"It could not be started.", "A training is running.", "By itself."}
    bare.engine.framed.emit("more", Frame(run="/runs/one"))
    assert said() == {"A training is running.", "By itself."}
    end("more", "Resume")
    assert said() == {"By itself."}
    assert set(bare.banners._about) == set(bare.banners.shown)
    bare.engine.running.clear()
