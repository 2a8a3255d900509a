"""The branches of the document as a small tree."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from genstudio.sampling.tree import Node, Tree
from genstudio.ui import theme
from genstudio.ui.views.view import token_text
from genstudio.ui.widgets import tooltip, with_keys

_KEY = Qt.ItemDataRole.UserRole
_SHOWN = 48
_MOST = 2000


class BranchTree(QTreeWidget):
    """Every branch with its name or its first words, and how many tokens models wrote in it; what is shown is bold.

    A click or Enter shows a branch, a double click or F2 renames it, Delete takes it away: `switched(id)`,
    `renamed(id, name)`, `removed(id)`.
    """

    switched = Signal(int)
    renamed = Signal(int, str)
    removed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("branch_tree")
        self.setAccessibleName("Branches of the document")
        self.setToolTip(
            tooltip(
                with_keys("Click or Enter: show a branch. F2: rename it. Delete: delete it. Next branch", "Ctrl+B")
                + with_keys(", previous branch", "Ctrl+Shift+B")
                + with_keys(", branch point", "Ctrl+J")
            )
        )
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.setIndentation(14)
        self.setUniformRowHeights(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self._tree: Tree | None = None
        self.itemClicked.connect(lambda item, _column: self._switch(item))
        self.itemChanged.connect(self._changed)
        self.installEventFilter(self)

    def show_tree(self, tree: Tree) -> None:
        """Replace what is shown; at most some thousand branches are listed."""
        if tree is self._tree:
            return
        self._tree = tree
        with QSignalBlocker(self):
            scrolled = self.verticalScrollBar().value()
            self.clear()
            shown = {node.id for node in tree.path}
            items: dict[int, QTreeWidgetItem] = {}
            for node, parent in tree.nodes():
                if len(items) >= _MOST:
                    break
                item = self._item(node, node.id in shown)
                items[node.id] = item
                if parent is None:
                    self.addTopLevelItem(item)
                else:
                    items[parent.id].addChild(item)
            self.expandAll()
            end = items.get(tree.path[-1].id)
            if end is not None:
                self.setCurrentItem(end)
            self.verticalScrollBar().setValue(scrolled)
            if end is not None:
                self.scrollToItem(end)

    @property
    def naming(self) -> bool:
        """Whether a name is being typed."""
        return self.state() == QAbstractItemView.State.EditingState

    def sizeHint(self) -> QSize:
        return QSize(240, 96)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 56)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            item = self.currentItem()
            if item is not None and not self.naming and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._switch(item)
                return True
            if item is not None and not self.naming and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
                self.removed.emit(int(item.data(0, _KEY)))
                return True
        return super().eventFilter(watched, event)

    def _switch(self, item: QTreeWidgetItem) -> None:
        self.switched.emit(int(item.data(0, _KEY)))

    def _changed(self, item: QTreeWidgetItem, column: int) -> None:
        if column == 0:
            self.renamed.emit(int(item.data(0, _KEY)), item.text(0).strip()[:200])

    def _item(self, node: Node, shown: bool) -> QTreeWidgetItem:
        count = f"{node.tokens:,}" if node.tokens else ""
        item = QTreeWidgetItem([label(node), count])
        item.setData(0, _KEY, node.id)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        item.setFont(0, theme.font(theme.SMALL, bold=shown))
        item.setFont(1, theme.font(theme.SMALL, tabular=True))
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        words = f"{node.tokens:,} tokens generated in this part, {node.length:,} characters"
        item.setToolTip(0, words)
        item.setToolTip(1, words)
        return item


def label(node: Node) -> str:
    """The name of a branch, else its first words."""
    if node.name:
        return node.name
    text = "".join(token_text(letter) if letter != " " else letter for letter in _beginning(node))
    return text if text.strip() else "(empty)" if not node.length else "␣"


def _beginning(node: Node) -> str:
    text = ""
    for segment in node.segments:
        text += segment.text[: _SHOWN + 1 - len(text)]
        if len(text) > _SHOWN:
            return text[:_SHOWN] + "…"
    return text
