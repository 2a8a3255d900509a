"""Every key of the program on one page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from genstudio.ui import theme
from genstudio.ui.layouts import named, vbox

Keys = Sequence[tuple[str, str]]

PLACES: tuple[tuple[str, Keys], ...] = (
    ("Everywhere", (
        ("Tab, Shift+Tab", "Go to the next or previous control (to put a Tab into a text, paste it)"),
        ("Space, Enter", "Press the focused button"),
        ("← → ↑ ↓", "Move a slider, change a number, choose from a list"),
    )),
    ("The text of the Playground", (
        ("← →", "With a card open: the previous or next token"),
        ("↑ ↓, Enter", "Choose an alternative on the card and branch there"),
        ("Esc", "Close the card"),
    )),
    ("The branches of the text", (
        ("Enter", "Show a branch"), ("F2", "Rename it"), ("Delete", "Delete it (undo restores it)"),
    )),
    ("Pictures", (
        ("← → ↑ ↓", "Move between marks: bars, cells, heads, stages, points; the card describes each"),
        ("Home, End", "First or last mark"),
        ("Enter, Space", "Activate the mark: choose, freeze, switch off or branch"),
        ("Shift+← → ↑ ↓, +, -", "Pan and zoom a map"),
        ("Esc", "Release"),
        ("Menu, or Tab and Space", "Copy, save as PNG, SVG or CSV"),
    )),
    ("Inspection pages", (
        ("K", "Knock out: switch the chosen part off or on"),
        ("N, P", "Embedding map: next or previous token found"),
        ("F3, Shift+F3", "Anatomy: next or previous stage"),
        ("Page Up, Page Down", "Anatomy: previous or next stage"),
    )),
)  # fmt: skip
"""What keys do in one place only; keys of the menus are read from the menus."""


def menu_keys(menus: Iterable[QAction]) -> list[tuple[str, Keys]]:
    """The title of each menu, and of its actions that have keys: the keys in this system's signs, and the words."""
    found = []
    for entry in menus:
        actions = entry.menu().actions() if entry.menu() is not None else []  # type: ignore[attr-defined]
        native = QKeySequence.SequenceFormat.NativeText
        keys = [(a.shortcut().toString(native), a.text().replace("&&", "&")) for a in actions if not a.shortcut().isEmpty()]
        found.append((f"{entry.text().replace('&', '')} menu", keys))
    return [(title, keys) for title, keys in found if keys]


class KeysDialog(QDialog):
    """Stays open beside the window while the keys are tried."""

    def __init__(self, parent: QWidget, menus: Iterable[QAction]) -> None:
        super().__init__(parent)
        self.setObjectName("keys_dialog")
        self.setWindowTitle("Keyboard shortcuts")
        self.list = named(QTreeWidget(), "keys_list", "Keyboard shortcuts")
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setIndentation(0)
        self.list.setWordWrap(True)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        vbox(self.list, into=self, margins=(12, 12, 12, 12), spacing=None)
        self.resize(720, 560)
        for title, keys in (*menu_keys(menus), *PLACES):
            self._add(title, keys)
        self.list.expandAll()

    def _add(self, title: str, keys: Keys) -> None:
        heading = QTreeWidgetItem([title])
        heading.setFont(0, theme.font(theme.NORMAL, bold=True))
        heading.setFirstColumnSpanned(True)
        self.list.addTopLevelItem(heading)
        for key, words in keys:
            item = QTreeWidgetItem(heading, [key, words])
            item.setForeground(0, theme.current().color("accent"))
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
