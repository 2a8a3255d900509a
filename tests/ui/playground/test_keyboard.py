"""The whole Playground with the keyboard alone, in the real window."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QKeySequence
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QSlider,
    QTabBar,
    QTableWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from genstudio.tasks.train import Train
from genstudio.ui import theme
from genstudio.ui.playground.pages import PAGES
from genstudio.ui.shortcuts import KeysDialog
from genstudio.ui.views.view import Figure
from genstudio.ui.window import MainWindow
from helpers import LONG, TINY, run_task, text_file
from real_window import opened

Key, Mod = Qt.Key, Qt.KeyboardModifier
MOST = 90
TEXT_KEYS = {
    "linux": "Ctrl+A Ctrl+C Ctrl+D Ctrl+E Ctrl+K Ctrl+U Ctrl+V Ctrl+X Ctrl+Y Ctrl+Z Ctrl+Left Ctrl+Right Ctrl+Home "
    "Ctrl+End Ctrl+Backspace Ctrl+Del Ctrl+Shift+Left Ctrl+Shift+Right Ctrl+Shift+Home Ctrl+Shift+End",
    "windows": "Alt+Backspace Alt+Shift+Backspace Ctrl+Ins Shift+Ins Shift+Del Alt+F4 Alt+Space",
    "mac": "Alt+Left Alt+Right Alt+Up Alt+Down Alt+PgUp Alt+PgDown Alt+Backspace Alt+Del Ctrl+Left Ctrl+Right Ctrl+Up "
    "Ctrl+Down Ctrl+Shift+Up Ctrl+Shift+Down Ctrl+H Ctrl+M Ctrl+W Ctrl+Space Ctrl+Tab",
}
"""What a text, or the system, does with keys: from the tables of Qt's standard keys."""


class Hands:
    """Two hands on the keyboard of a window, and no mouse."""

    def __init__(self, qtbot: QtBot, window: MainWindow) -> None:
        self.qtbot, self.window, self.tab = qtbot, window, window.playground

    @property
    def at(self) -> Any:
        """The widget that the keys go to."""
        found = QApplication.focusWidget()
        assert found is not None, "the focus is lost"
        return found

    def press(self, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
        held = Mod.NoModifier
        for modifier in modifiers:
            held |= modifier
        self.qtbot.keyClick(self.at, key, held)

    def type(self, text: str) -> None:
        self.qtbot.keyClicks(self.at, text)

    def until(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=LONG)

    def go_to(self, name: str) -> Any:
        """Press Tab until the keys go to the widget of this name."""
        for _ in range(MOST):
            if self.at.objectName() == name:
                return self.at
            self.press(Key.Key_Tab)
        raise AssertionError(f"Tab does not reach {name}")

    def round(self) -> list[QWidget]:
        """Every widget that Tab visits until it comes back."""
        visited = [self.at]
        for _ in range(MOST):
            self.press(Key.Key_Tab)
            if self.at is visited[0]:
                return visited
            assert self.at not in visited, f"Tab is caught at {self.at.objectName()}"
            visited.append(self.at)
        raise AssertionError("Tab does not come back")

    def open(self, title: str) -> Any:
        """A page, from the list; it has answered."""
        self.press(Key.Key_L, Mod.ControlModifier, Mod.ShiftModifier)
        assert self.at is self.tab.inspectors.rail
        self.press(Key.Key_Home)
        assert self.at.currentItem().text() == PAGES[0].title
        while self.at.currentItem().text() != title:
            before = self.at.currentRow()
            self.press(Key.Key_Down)
            assert self.at.currentRow() > before, title
        page = self.tab.page(title)
        self.rest(page)
        return page

    def rest(self, page: Any) -> None:
        """Wait until a page has what it asked for."""
        self.until(lambda: page._model is not None and not page._jobs and not page._waiting)
        page.repaint()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two models."""
    home = tmp_path_factory.mktemp("keyboard")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(home))
        for seed in (0, 1):
            settings = TINY | {"context": 16}
            run_task(Train("gpt", str(text_file(home)), settings, steps=12, seed=seed, name=f"model {seed}"))
    return home


@pytest.fixture
def hands(qtbot: QtBot, qapp: Any, trained: Path, tmp_path: Path) -> Iterator[Hands]:
    shutil.copytree(trained, tmp_path / "home")
    with opened(qtbot, ("playground",)) as window:
        qtbot.waitUntil(lambda: window.playground.choice.model.count() == 2, timeout=LONG)
        window.activateWindow()
        qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=LONG)
        window.tabs.tabBar().setFocus()
        window.playground.sampler.fold.set_opened(True)
        hands = Hands(qtbot, window)
        hands.press(Key.Key_4, Mod.ControlModifier)
        assert window.tabs.currentWidget() is window.playground
        yield hands


def write(hands: Hands) -> None:
    hands.press(Key.Key_L, Mod.ControlModifier)
    hands.press(Key.Key_End, Mod.ControlModifier)
    hands.type("the cat ")
    hands.until(hands.tab.writer.generate.isEnabled)
    hands.press(Key.Key_G, Mod.ControlModifier)
    hands.until(lambda: not hands.tab.writer.writing)


def shorten(hands: Hands, length: str) -> None:
    hands.go_to("length_value")
    hands.press(Key.Key_A, Mod.ControlModifier)
    hands.type(length)
    hands.press(Key.Key_Return)
    assert hands.tab.sampler.length.value() == float(length)


def test_the_document_with_keys_alone(hands: Hands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tab, control, shift = hands.tab, Mod.ControlModifier, Mod.ShiftModifier
    before = hands.go_to("model_choice").currentText()
    hands.press(Key.Key_Down)
    assert tab.choice.model.currentText() != before
    hands.go_to("document_text")
    shorten(hands, "5000")
    hands.press(Key.Key_L, control)
    hands.type("the cat ")
    hands.until(tab.writer.generate.isEnabled)
    hands.press(Key.Key_G, control)
    hands.until(lambda: len(tab.document.text()) > 12)
    hands.press(Key.Key_G, control, shift)
    assert not tab.writer.writing
    stopped = tab.document.text()
    assert 12 < len(stopped) < 5000
    while tab.document.text() != "the cat ":
        hands.press(Key.Key_Z, control)
    hands.press(Key.Key_Z, control, shift)
    assert len(tab.document.text()) > 8
    hands.press(Key.Key_Z, control)
    shorten(hands, "12")
    hands.press(Key.Key_L, control)
    hands.press(Key.Key_G, control)
    hands.until(lambda: not tab.writer.writing)
    first = tab.document.text()
    assert len(first) == 20
    hands.press(Key.Key_Return, Mod.AltModifier)
    card = tab.document.card
    assert card.isVisible() and card.row == 0
    place = card.place
    assert place is not None and "sampled with p =" in card.accessibleName()
    for _ in range(4):
        hands.press(Key.Key_Left)
    assert card.isVisible() and card.place.start == place.start - 4 == tab.document.caret()
    hands.press(Key.Key_Right)
    assert card.place.start == place.start - 3
    hands.press(Key.Key_Down)
    hands.press(Key.Key_Down)
    assert card.row == 2 and "before the sampler" in card.accessibleDescription()
    hands.press(Key.Key_Return)
    hands.until(lambda: tab.document.text() != first)
    branched = tab.document.text()
    assert branched[: place.start - 3] == first[: place.start - 3]
    hands.press(Key.Key_B, control)
    assert tab.document.text() == first
    hands.press(Key.Key_B, control, shift)
    assert tab.document.text() == branched
    hands.press(Key.Key_J, control)
    assert tab.document.caret() < len(branched)
    hands.until(tab.writer.tree.isVisible)
    hands.until(lambda: not tab.writer._listing.isActive())
    hands.go_to("branch_tree")
    hands.press(Key.Key_F2)
    assert tab.writer.tree.naming
    hands.press(Key.Key_A, control)
    hands.type("mine")
    hands.press(Key.Key_Return)
    hands.until(lambda: "mine" in [node.name for node, _ in tab.document.document.tree.nodes()])
    place_of_file = tmp_path / "kept.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(place_of_file), "(*.json)"))
    hands.press(Key.Key_S, control, shift)
    hands.until(place_of_file.exists)
    hands.press(Key.Key_L, control)
    assert hands.at is tab.document.editor


def test_every_control_of_the_sampler_with_keys_alone(hands: Hands) -> None:
    sampler = hands.tab.sampler
    for name in ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "length"):
        line = next(part for part in vars(sampler).values() if getattr(part, "objectName", str)() == name)
        for end, key in (("slider", Key.Key_Right), ("value", Key.Key_Up), ("slider", Key.Key_Left)):
            hands.go_to(f"{name}_{end}")
            before = line.value()
            hands.press(key)
            if line.value() == before:
                hands.press({Key.Key_Up: Key.Key_Down, Key.Key_Right: Key.Key_Left}.get(key, Key.Key_Right))
            assert line.value() != before, (name, end)
    for name in ("greedy", "fresh_seed"):
        box = hands.go_to(name)
        hands.press(Key.Key_Space)
        assert box.isChecked()
        hands.press(Key.Key_Space)
        assert not box.isChecked()
    hands.go_to("stop_text")
    hands.type("x")
    hands.go_to("sampling_seed")
    hands.press(Key.Key_Up)
    assert sampler.sampling().stop_texts == ("x",) and sampler.sampling().seed == 1


def usable(window: QWidget) -> list[QWidget]:
    """What a person could use now; the line in a number's box belongs to the box."""
    return [
        widget
        for widget in window.findChildren(QWidget)
        if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.focusProxy() is None and not isinstance(widget.parentWidget(), QAbstractSpinBox)
    ]  # fmt: skip


def check_round(hands: Hands) -> list[QWidget]:
    """Tab reaches all that can be used, and all of it has a name."""
    hands.press(Key.Key_L, Mod.ControlModifier)
    visited = hands.round()
    missed = [widget.objectName() for widget in usable(hands.window) if widget not in visited]
    assert not missed, missed
    nameless = [f"{type(w).__name__} {w.objectName()}" for w in visited if not w.accessibleName() or not w.objectName()]
    assert not nameless, nameless
    pointed = [
        figure.objectName()
        for figure in hands.window.findChildren(Figure)
        if figure.isVisible() and figure.hasMouseTracking() and figure not in visited
    ]
    assert not pointed, f"for the pointer alone: {pointed}"
    return visited


def framed(figure: QWidget) -> bool:
    """Whether there is a frame in the accent's colour around it."""
    picture = figure.grab().toImage()
    edge = picture.pixelColor(picture.width() // 2, 1)
    accent = QColor(theme.current().accent)
    return all(abs(a - b) < 40 for a, b in zip(edge.getRgb()[:3], accent.getRgb()[:3], strict=True))


def work(hands: Hands, widget: Any) -> None:
    """Use what has the focus, with its keys, and leave it as it was."""
    if isinstance(widget, QComboBox):
        there, back = Key.Key_Down, Key.Key_Up
        if widget.count() > 1 and widget.currentIndex() + 1 < widget.count():
            before = widget.currentIndex()
            hands.press(there)
            assert widget.currentIndex() == before + 1, widget.objectName()
            hands.press(back)
    elif isinstance(widget, QCheckBox):
        before = widget.isChecked()
        hands.press(Key.Key_Space)
        assert widget.isChecked() != before
        hands.press(Key.Key_Space)
    elif isinstance(widget, QSlider | QAbstractSpinBox):
        for key in (Key.Key_Up, Key.Key_Down):
            hands.press(key)
    elif isinstance(widget, QTableWidget) and widget.rowCount() > 1:
        hands.press(Key.Key_Home)
        hands.press(Key.Key_Down)
        assert widget.currentRow() >= 0
    elif isinstance(widget, Figure):
        assert framed(widget), f"no frame around {widget.objectName()}"
        said = set()
        for key in (Key.Key_Right, Key.Key_Down, Key.Key_Down, Key.Key_Left, Key.Key_Up, Key.Key_Right):
            hands.press(key)
            said.add(widget.accessibleDescription())
        assert len(said) > 1 or widget.objectName() == "replay_loss", f"{widget.objectName()} says only {said}"


@pytest.mark.timeout(1800)
def test_every_page_with_keys_alone(hands: Hands, qapp: Any) -> None:
    shorten(hands, "12")
    write(hands)
    for title in (entry.title for entry in PAGES if "Writes" in entry.needs):
        page = hands.open(title)
        for name in (f"{page.objectName()}_start", "score_document", "compare_write", "replay_start"):
            if (found := page.findChild(QWidget, name)) is not None and found.isEnabled() and found.isVisible():
                hands.go_to(name)
                hands.press(Key.Key_Space)
                hands.rest(page)
        bars = [bar for bar in page.findChildren(QTabBar) if bar.isVisible()]
        for turn in range(max([1, *(bar.count() for bar in bars)])):
            if turn:
                hands.go_to(bars[0].objectName())
                while hands.at is not bars[0]:
                    hands.press(Key.Key_Tab)
                    hands.go_to(bars[0].objectName())
                hands.press(Key.Key_Right)
                hands.rest(page)
            for widget in check_round(hands):
                if page.isAncestorOf(widget) and widget.isVisible() and widget.isEnabled():
                    widget.setFocus(Qt.FocusReason.TabFocusReason)
                    work(hands, widget)
                    hands.rest(page)
        hands.press(Key.Key_L, Mod.ControlModifier)
        assert hands.at is hands.tab.document.editor
    theme.apply(qapp, "dark")
    hands.open("Next token")
    hands.go_to("next_tokens")
    assert framed(hands.at)
    hands.press(Key.Key_Tab)
    assert not framed(hands.tab.page("Next token").view)
    theme.apply(qapp, "light")


def test_the_keys_are_listed_and_collide_with_nothing(hands: Hands) -> None:
    hands.press(Key.Key_F1)
    dialog = hands.window.findChild(KeysDialog)
    assert dialog is not None and dialog.isVisible()
    listed = {
        item.child(row).text(0)
        for index in range(dialog.list.topLevelItemCount())
        if (item := dialog.list.topLevelItem(index)) is not None
        for row in range(item.childCount())
    }
    given = [
        action.shortcut()
        for menu in hands.window.menuBar().actions()
        for action in menu.menu().actions()  # type: ignore[attr-defined]
        if not action.shortcut().isEmpty()
    ]
    dialog.close()  # it stays in front as long as it is wanted
    keys = [keys.toString() for keys in given]
    assert len(set(keys)) == len(keys) > 20
    assert {keys.toString(QKeySequence.SequenceFormat.NativeText) for keys in given} <= listed
    for system, taken in TEXT_KEYS.items():
        assert not set(keys) & set(taken.split()), system
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    told = {QKeySequence(found).toString() for found in re.findall(r"`((?:Ctrl|Shift|Alt)\+[^`]+|F\d+)`", readme)}
    assert told <= set(keys), told - set(keys)
