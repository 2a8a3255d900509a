"""The small widgets: what they say is what they were given."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from genstudio.errors import Failure
from genstudio.ui.layouts import Flow, Tabs, hbox, vbox
from genstudio.ui.tab_order import follow_the_eye
from genstudio.ui.widgets import (
    Banner,
    CollapsibleSection,
    ElidedLabel,
    EmptyState,
    LabeledSlider,
    plain_label,
    tooltip,
)


def test_a_banner_says_all_and_goes(qtbot: QtBot) -> None:
    action = QAction("Retry")
    banner = Banner.of(Failure("X", "what <b>happened</b>", "what next", "/a/file", details="the trace"), [action])
    qtbot.addWidget(banner)
    banner.show()
    words = " ".join(label.text() for label in banner.findChildren(QLabel))
    assert "what <b>happened</b>" in words and "what next" in words and "/a/file" in words
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in banner.findChildren(QLabel) if label.text())
    with qtbot.waitSignal(action.triggered):
        qtbot.mouseClick(banner.findChild(QPushButton, "banner_action"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(banner.findChild(QPushButton, "banner_copy_details"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "the trace"
    with qtbot.waitSignal(banner.dismissed):
        qtbot.mouseClick(banner.findChild(QToolButton, "banner_dismiss"), Qt.MouseButton.LeftButton)
    assert not banner.isVisible()


@pytest.mark.parametrize(
    ("slider", "values"),
    [
        (("Temperature", 0.05, 5.0, 0.8, True, False), (0.05, 0.1, 0.8, 5.0)),
        (("Top-k", 0, 100, 0, False, True), (0, 1, 37, 100)),
        (("Top-p", 0.01, 1.0, 1.0, False, False), (0.01, 0.95, 1.0)),
    ],
)
def test_a_slider_keeps_exact_values(qtbot: QtBot, slider: tuple[Any, ...], values: tuple[float, ...]) -> None:
    name, low, high, value, logarithmic, whole = slider
    widget = LabeledSlider(name, low, high, value, logarithmic=logarithmic, whole=whole)
    qtbot.addWidget(widget)
    seen: list[float] = []
    widget.changed.connect(seen.append)
    assert widget.value() == value
    for wanted in values:
        widget.set_value(wanted)
        assert widget.value() == wanted and widget.editor.value() == wanted
    assert seen == []
    ticks = widget.slider.maximum()
    widget.slider.setValue(0)
    widget.slider.setValue(ticks)
    assert seen[0] == pytest.approx(low) and seen[-1] == pytest.approx(high)
    widget.editor.set_value(values[1])
    assert widget.value() == values[1] and seen[-1] == values[1]
    widget.editor.set_value(high * 10)
    assert widget.value() == values[1]


def test_a_section_opens_and_closes(qtbot: QtBot) -> None:
    section = CollapsibleSection("More")
    inside = QVBoxLayout()
    label = plain_label("within")
    inside.addWidget(label)
    section.set_content(inside)
    qtbot.addWidget(section)
    section.show()
    assert not label.isVisible()
    with qtbot.waitSignal(section.toggled):
        section.set_opened(True)
    assert label.isVisible()
    section.set_note("2 changed")
    assert "2 changed" in section.findChild(QToolButton).text()


def test_a_long_name_is_cut_and_can_be_read(qtbot: QtBot) -> None:
    label = ElidedLabel("a <b>very</b> long name\nof a run " * 20)
    qtbot.addWidget(label)
    label.resize(100, 20)
    label.show()
    assert "\n" not in label.text() and "&lt;b&gt;" in label.toolTip()
    label.setText("short")
    assert label.toolTip() == ""


def test_an_empty_place_says_what_to_do(qtbot: QtBot) -> None:
    empty = EmptyState("runs", "Nothing yet.", "Train")
    qtbot.addWidget(empty)
    with qtbot.waitSignal(empty.triggered):
        empty.findChild(QPushButton).click()


def test_tooltips_are_never_markup() -> None:
    assert tooltip("a < b & c") == "<p style='white-space: pre-wrap; margin: 0'>a &lt; b &amp; c</p>"
    assert tooltip("") == ""


def test_a_row_that_wraps_has_room_for_all_its_rows(qtbot: QtBot) -> None:
    """In a column too, where a part that stretches would take what the second row needs; and one middle line for a row."""
    parts = [QPushButton(f"A button {number}") for number in range(3)]
    low = QLineEdit()
    low.setFixedSize(60, 20)
    row, below, page = Flow(*parts, low), QPlainTextEdit(), QWidget()
    vbox(row, (below, 1), into=page)
    qtbot.addWidget(page)
    page.resize(parts[0].sizeHint().width() + 70, 300)
    page.show()
    qtbot.waitExposed(page)
    assert len({part.y() for part in parts}) == 3
    assert row.height() == row.heightForWidth(row.width()) >= parts[-1].geometry().bottom()
    assert parts[0].y() == 0 and below.y() > row.geometry().bottom()
    assert abs(low.geometry().center().y() - parts[-1].geometry().center().y()) <= 1 and low.y() > parts[-1].y()
    page.hide()
    parts[0].hide()
    page.show()
    assert parts[1].y() == 0, "what was hidden while nobody saw it leaves no gap"
    page.hide()
    parts[0].show()
    page.show()
    assert parts[0].y() == 0 and parts[1].y() > 0


@pytest.mark.parametrize("pages", [1, 2])
def test_tab_passes_pages_whose_bar_is_hidden_and_stops_at_one_that_is_seen(qtbot: Any, pages: int) -> None:
    window, before, tabs = QWidget(), QPushButton("before"), Tabs()
    tabs.setTabBarAutoHide(True)
    inside = [QPushButton(str(number)) for number in range(pages)]
    for button in inside:
        tabs.addTab(button, button.text())
    vbox(before, tabs, into=window)
    qtbot.addWidget(window)
    follow_the_eye(window)
    window.show()
    window.activateWindow()
    before.setFocus()
    met = []
    for _ in range(3):
        met.append(window.focusWidget())
        qtbot.keyClick(met[-1], Qt.Key.Key_Tab)
    assert met == [before, inside[0], before] if pages == 1 else [before, tabs.tabBar(), inside[0]]


class Counted(QLabel):
    """Counts how often it is painted."""

    count = 0

    def paintEvent(self, event: QPaintEvent) -> None:
        self.count += 1
        super().paintEvent(event)


def in_tabs(qtbot: Any, tabs: QTabWidget, said: QLabel) -> tuple[Counted, QWidget]:
    """Something that stands below a label on a page of tabs, that are on a page of tabs."""
    below, page = Counted("below"), QWidget()
    vbox(said, below, into=page)
    tabs.addTab(page, "page")
    tabs.addTab(QWidget(), "other")
    outer = type(tabs)()
    outer.addTab(tabs, "tabs")
    qtbot.addWidget(outer)
    outer.show()
    qtbot.waitExposed(outer)
    said.setText("the first")
    QApplication.processEvents()
    below.count = 0
    return below, outer


@pytest.mark.parametrize("label", [ElidedLabel, QLabel])
def test_other_words_on_a_page_paint_nothing_else_of_it(qtbot: Any, label: type[QLabel]) -> None:
    for kind in (Tabs, QTabWidget):
        said = label("first")
        below, _outer = in_tabs(qtbot, kind(), said)
        for number in range(5):
            said.setText(f"step {number}")
            QApplication.processEvents()
        assert said.text() == "step 4" and not said.isHidden()
        assert (below.count < 2) == (kind is Tabs or label is ElidedLabel)  # once where the window was not painted yet


def test_tabs_follow_a_bar_that_grows_and_a_page_that_needs_more(qtbot: Any) -> None:
    tabs, said = Tabs(), QLabel("first")
    below, _outer = in_tabs(qtbot, tabs, said)
    bar, page = tabs.tabBar().height(), below.mapTo(tabs, below.rect().topLeft()).y()
    tabs.tabBar().setStyleSheet("QTabBar::tab { padding: 20px }")
    QApplication.processEvents()
    assert tabs.tabBar().height() > bar and below.mapTo(tabs, below.rect().topLeft()).y() > page
    tabs.tabBar().hide()
    QApplication.processEvents()
    assert below.mapTo(tabs, below.rect().topLeft()).y() < page
    least = tabs.window().minimumSizeHint().height()
    said.setMinimumHeight(500)
    QApplication.processEvents()
    assert tabs.window().minimumSizeHint().height() >= max(500, least)


@pytest.mark.parametrize("kind", [Tabs, QTabWidget])
def test_a_tab_hidden_out_of_sight_leaves_no_gap(kind: type[QTabWidget], qtbot: Any) -> None:
    tabs = kind()
    qtbot.addWidget(tabs)
    for name in ("Loss", "Quality", "Variety", "Gradients"):
        tabs.addTab(QWidget(), name)
    tabs.resize(600, 200)
    tabs.show()
    tabs.hide()
    for index in range(4):
        tabs.setTabVisible(index, index != 2)
    tabs.show()
    bar = tabs.tabBar()
    assert (bar.tabRect(3).left() == bar.tabRect(1).right() + 1) == (kind is Tabs), "Qt's own needs no help any more"


def test_a_label_that_follows_its_words_asks_for_their_room(qtbot: Any) -> None:
    label, beside, row = ElidedLabel("short"), QLabel("beside"), QWidget()
    label.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    hbox(label, beside, None, into=row)
    qtbot.addWidget(row)
    row.resize(600, 40)
    row.show()
    before = label.width()
    label.setText("much longer than before")
    QApplication.processEvents()
    assert label.width() > before and label.text() == "much longer than before"
