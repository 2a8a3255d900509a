"""Combo boxes: the list shows each of its rows whole, and says with a scroll bar that there are more."""

import ast
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QComboBox, QWidget

import genstudio
from genstudio.ui import theme
from genstudio.ui.layouts import Choice, vbox


@pytest.fixture
def opened(qtbot):
    """A box of a class with so many rows, in a window with the style sheet, with its list open."""

    windows = []  # qtbot keeps no reference

    def make(kind, rows):
        window, box = QWidget(), kind()
        box.addItems([f"row {number}" for number in range(rows)])
        vbox(box, None, into=window)
        window.resize(400, 700)
        qtbot.addWidget(window)
        windows.append(window)
        theme.apply(QApplication.instance(), "light")
        theme.dress(window)
        window.show()
        qtbot.waitExposed(window)
        box.showPopup()
        QApplication.processEvents()
        return box

    return make


def _cut(box):
    """Rows that are neither whole in the list nor reached by a scroll bar."""
    view = box.view()
    if view.verticalScrollBar().isVisible():
        return []
    rows = [view.visualRect(box.model().index(row, 0)) for row in range(box.count())]
    return [number for number, row in enumerate(rows) if row.top() < 0 or row.bottom() >= view.viewport().height()]


@pytest.mark.parametrize("rows", [1, 2, 9, 14, 16, 17, 60])
def test_each_row_of_the_list_is_whole_or_can_be_scrolled_to(opened, rows):
    box = opened(Choice, rows)
    assert _cut(box) == []
    assert box.view().verticalScrollBar().isVisible() == (rows > 16)
    box.hidePopup()


def test_a_plain_box_hides_rows(opened):
    """The twin: its list of 60 rows ends in an arrow instead of a scroll bar."""
    box = opened(QComboBox, 60)
    assert _cut(box)
    box.hidePopup()


def test_the_program_makes_no_plain_box():
    texts = {path.name: path.read_text("utf-8") for path in Path(genstudio.__file__).parent.rglob("*.py")}
    found = [
        (name, node) for name, text in texts.items() if "QComboBox" in text for node in ast.walk(ast.parse(text))
    ]
    made = [
        f"{name}:{node.lineno}"
        for name, node in found
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "QComboBox"
    ]
    kinds = [
        node.name
        for _, node in found
        if isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Name) and base.id == "QComboBox" for base in node.bases)
    ]
    assert made == [] and kinds == ["Choice"]


@pytest.mark.parametrize(("text", "same"), [("GAN", True), ("", True), ("GAN (generative adversarial network)", False)])
def test_what_does_not_fit_ends_in_an_ellipsis_and_nothing_else_looks_different(opened, text, same):
    """A plain box ends in half a letter."""
    drawn = []
    for kind in (Choice, QComboBox):
        box = opened(kind, 3)
        box.hidePopup()
        box.setItemText(0, text)
        box.setFixedWidth(150)
        box.clearFocus()
        QApplication.processEvents()
        drawn.append(box.grab().toImage())
    assert (drawn[0] == drawn[1]) is same
