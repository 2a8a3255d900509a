"""The shelf: every dataset there is, in groups, with its kind, size and licence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from genstudio.data.shelf import DatasetInfo
from genstudio.ui import theme
from genstudio.ui.datasets.parts import COUNTED, KIND_WORDS
from genstudio.ui.layouts import named, vbox
from genstudio.ui.numbers import size_text

ENTRY = Qt.ItemDataRole.UserRole
GROUPS = {
    "imported": "Yours", "ships": "Included", "generated": "Generated from a seed", "catalogue": "Available for "
    "download",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line of the shelf. `key` is a dataset's id, or `catalogue:` and the name of a download."""

    key: str
    title: str
    kind: str
    group: str
    second: str
    words: str


def entry_of(info: DatasetInfo) -> Entry:
    """The line of a dataset."""
    counted = f"{info.count:,} {COUNTED[info.kind]}" if info.count else ""
    kind = "" if counted and KIND_WORDS[info.kind].split()[0].casefold() == COUNTED[info.kind] else KIND_WORDS[info.kind]
    much = size_text(info.bytes) if info.bytes else ""
    parts = [kind, counted or much, info.licence]
    words = f"{info.title} {info.description} {info.source} {KIND_WORDS[info.kind]}"
    group = "imported" if info.mine else info.origin
    return Entry(info.id, info.title, info.kind, group, "  ·  ".join(p for p in parts if p), words.casefold())


def catalogue_entry(name: str, item: Any) -> Entry:
    """The line of something that can be downloaded."""
    parts = [KIND_WORDS.get(item.kind, item.kind), size_text(item.bytes), item.licence]
    words = f"{item.title} {item.description} {item.kind}".casefold()
    return Entry(f"catalogue:{name}", item.title, item.kind, "catalogue", "  ·  ".join(p for p in parts if p), words)


class ShelfList(QWidget):
    """`chosen(key)` when another line is chosen; `keys()` in order; `current` is the key of the chosen one, or None."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("shelf_panel")
        self.search = named(QLineEdit(), "shelf_search", "Find a dataset")
        self.search.setPlaceholderText("Find a dataset")
        self.search.setClearButtonEnabled(True)
        self.list = named(QListWidget(), "shelf", "Datasets")
        self.list.setItemDelegate(_Lines(self.list))
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        vbox(self.search, (self.list, 1), into=self)
        self.search.textChanged.connect(self._filter)
        self.list.currentItemChanged.connect(lambda item, _before: self._choose(item))

    @property
    def current(self) -> str | None:
        item = self.list.currentItem()
        entry = item.data(ENTRY) if item is not None else None
        return entry.key if isinstance(entry, Entry) else None

    def keys(self) -> list[str]:
        entries = (self.list.item(i).data(ENTRY) for i in range(self.list.count()))
        return [entry.key for entry in entries if isinstance(entry, Entry)]

    def show_entries(self, entries: Iterable[Entry], wanted: str | None) -> None:
        """Fill the shelf and choose `wanted`, else what was chosen before, else the first dataset."""
        listed = list(entries)
        before = self.current
        with QSignalBlocker(self.list):
            self.list.clear()
            for group, title in GROUPS.items():
                members = [entry for entry in listed if entry.group == group]
                if members:
                    header = QListWidgetItem(title)
                    header.setFlags(Qt.ItemFlag.NoItemFlags)
                    self.list.addItem(header)
                for entry in members:
                    item = QListWidgetItem(entry.title)
                    item.setData(ENTRY, entry)
                    item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.title}, {entry.second}")
                    item.setToolTip(f"{entry.title}\n{entry.second}")
                    self.list.addItem(item)
        self._filter(self.search.text())
        keys = self.keys()
        pick = next((key for key in (wanted, before, "shakespeare", *keys) if key in keys), None)
        if pick is not None:
            self.choose(pick)

    def choose(self, key: str) -> bool:
        """Choose this line; False where there is none."""
        for i in range(self.list.count()):
            entry = self.list.item(i).data(ENTRY)
            if isinstance(entry, Entry) and entry.key == key:
                self.list.setCurrentRow(i)
                self.list.scrollToItem(self.list.item(i))
                return True
        return False

    def _choose(self, item: QListWidgetItem | None) -> None:
        entry = item.data(ENTRY) if item is not None else None
        if isinstance(entry, Entry):
            self.chosen.emit(entry.key)

    def _filter(self, text: str) -> None:
        wanted = text.casefold().split()
        header, shown = None, 0
        for i in range(self.list.count()):
            item = self.list.item(i)
            entry = item.data(ENTRY)
            if not isinstance(entry, Entry):
                if header is not None:
                    header.setHidden(not shown)
                header, shown = item, 0
            else:
                fits = all(word in entry.words for word in wanted)
                item.setHidden(not fits)
                shown += fits
        if header is not None:
            header.setHidden(not shown)


class _Lines(QStyledItemDelegate):
    """Two lines for a dataset with the icon of its kind, one quiet line for a group."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, theme.scaled(46 if isinstance(index.data(ENTRY), Entry) else 32))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry, look = index.data(ENTRY), theme.current()
        box: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if not isinstance(entry, Entry):
            painter.setFont(theme.font(theme.SMALL, bold=True))
            painter.setPen(look.color("quiet"))
            painter.drawText(box.adjusted(10, 8, -8, 0), Qt.AlignmentFlag.AlignVCenter, str(index.data()))
            painter.restore()
            return
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("accent_soft" if chosen else "raised"))
            painter.drawRoundedRect(box.adjusted(4, 1, -4, -1), 6, 6)
        icon = "download" if entry.group == "catalogue" else entry.kind
        theme.icon(icon, "accent" if chosen else "quiet").paint(painter, QRect(box.left() + 13, box.center().y() - 9, 20, 20))
        room = box.adjusted(44, 6, -10, -6)
        half = room.height() // 2
        for words, font, role, top in (
            (entry.title, theme.font(theme.NORMAL, bold=chosen), "text", room.top()),
            (entry.second, theme.font(theme.SMALL, tabular=True), "quiet", room.top() + half),
        ):
            painter.setFont(font)
            painter.setPen(look.color(role))
            line = QRect(room.left(), top, room.width(), half)
            shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, line.width())
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()
