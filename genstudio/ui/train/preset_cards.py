"""The presets of a family as cards in a list, with what to expect of each and what it costs on this computer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPen, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from genstudio.families import Preset
from genstudio.ui import theme
from genstudio.ui.layouts import named
from genstudio.ui.train.estimate import about
from genstudio.ui.widgets import tooltip

CUSTOM = "custom"
_NAME, _WHOLE, _COST = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2
_ACROSS, _DOWN, _GAP = 10, 6, 3
_FEWEST, _USUAL = 2, 6
_SAID = 60
"""Letters of the line that a screen reader says of a card."""
Index = QModelIndex | QPersistentModelIndex
_WRAP = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)


class _Card(QStyledItemDelegate):
    """Title and cost in a row, a line below; of the card that is chosen, all that there is to say."""

    def __init__(self, cards: PresetCards) -> None:
        super().__init__(cards)
        self._cards = cards

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        small, wide = QFontMetrics(theme.font(theme.SMALL)), self._cards.viewport().width()
        below = small.height()
        if index.row() == self._cards.currentRow():
            inner = QRect(0, 0, max(wide - 2 * _ACROSS, 40), 10_000)
            below = small.boundingRect(inner, _WRAP, str(index.data(_WHOLE))).height()
        return QSize(wide, QFontMetrics(theme.font(theme.NORMAL)).height() + below + 2 * _DOWN + _GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        look, chosen = theme.current(), index.row() == self._cards.currentRow()
        enabled, state = self._cards.isEnabled(), option.state
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if chosen:
            painter.setPen(QPen(look.color("accent" if enabled else "border"), 1))
            painter.setBrush(look.color("accent_soft" if enabled else "window"))
            painter.drawRoundedRect(QRectF(rect).adjusted(2.5, 1.5, -2.5, -1.5), 6, 6)
        elif enabled and state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("raised"))
            painter.drawRoundedRect(QRectF(rect).adjusted(2.5, 1.5, -2.5, -1.5), 6, 6)
        room = rect.adjusted(_ACROSS, _DOWN, -_ACROSS, -_DOWN)
        title, small = theme.font(theme.NORMAL, bold=True), theme.font(theme.SMALL)
        cost = str(index.data(_COST) or "")
        painter.setPen(look.color("text" if enabled else "disabled"))
        painter.setFont(small)
        painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop), cost)
        left = room.width() - QFontMetrics(small).horizontalAdvance(cost) - 12
        painter.setFont(title)
        words = QFontMetrics(title).elidedText(str(index.data()), Qt.TextElideMode.ElideRight, left)
        painter.drawText(room, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop), words)
        painter.setFont(small)
        painter.setPen(look.color(("text" if chosen else "quiet") if enabled else "disabled"))
        below, whole = room.adjusted(0, QFontMetrics(title).height() + _GAP, 0, 0), str(index.data(_WHOLE))
        if not chosen:
            metrics, wide = QFontMetrics(small), below.width()
            line = in_a_line(whole, lambda words: metrics.horizontalAdvance(words) <= wide)
            whole = metrics.elidedText(line, Qt.TextElideMode.ElideRight, wide)
        painter.drawText(below, _WRAP, whole)
        painter.restore()


class PresetCards(QListWidget):
    """The presets of a family, and Custom; one of them is chosen. `chosen(name)` when another one is; `seen()` when the
    cards come into sight, which is the time to find out what they cost."""

    chosen = Signal(str)
    seen = Signal()

    def __init__(self) -> None:
        super().__init__()
        named(self, "preset_choice", "Preset")
        self.setMouseTracking(True)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setItemDelegate(_Card(self))
        self.currentRowChanged.connect(self._choose)

    @property
    def name(self) -> str:
        """The name of the preset that is chosen, or CUSTOM."""
        item = self.currentItem()
        return CUSTOM if item is None else str(item.data(_NAME))

    def names(self) -> list[str]:
        """Of all cards, from top to bottom."""
        return [str(self.item(row).data(_NAME)) for row in range(self.count())]

    def choose(self, name: str) -> None:
        """Choose a preset; one that is not there is left alone."""
        if name in (names := self.names()):
            self.setCurrentRow(names.index(name))

    def show_presets(self, presets: Sequence[Preset]) -> None:
        """List these, the first one chosen, without a signal."""
        with QSignalBlocker(self):
            self.clear()
            for preset in presets:
                self._add(preset.title, preset.name, preset.expect)
            self._add("Custom", CUSTOM, "Your own settings.")
            self.setCurrentRow(0)
        self.scrollToTop()

    def show_costs(self, costs: Mapping[str, str]) -> None:
        """What presets cost, in words by their names."""
        for row in range(self.count()):
            item = self.item(row)
            cost = costs.get(str(item.data(_NAME)), "")
            if cost != item.data(_COST):
                item.setData(_COST, cost)
                said = f"{item.text()}. {in_a_line(str(item.data(_WHOLE)), lambda words: len(words) < _SAID)} {cost}".strip()
                item.setData(Qt.ItemDataRole.AccessibleTextRole, said)

    def costs(self) -> dict[str, str]:
        """What is said of the cost of each preset, by its name."""
        return {str(self.item(row).data(_NAME)): str(self.item(row).data(_COST) or "") for row in range(self.count())}

    def minimumSizeHint(self) -> QSize:
        return QSize(120, _FEWEST * self._tall() + 2)

    def sizeHint(self) -> QSize:
        return QSize(280, _USUAL * self._tall() + 2)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.seen.emit()

    def _tall(self) -> int:
        lines = QFontMetrics(theme.font(theme.NORMAL)).height() + QFontMetrics(theme.font(theme.SMALL)).height()
        return lines + 2 * _DOWN + _GAP

    def _add(self, title: str, name: str, whole: str) -> None:
        item = QListWidgetItem(title, self)
        item.setData(_NAME, name)
        item.setData(_WHOLE, whole)
        item.setToolTip(tooltip(whole))

    def _choose(self, _row: int) -> None:
        self.doItemsLayout()  # the card that is chosen is taller than the others
        self.scrollToItem(self.currentItem())
        self.chosen.emit(self.name)


def in_a_line(words: str, fits: Callable[[str], bool]) -> str:
    """As many clauses of the first sentence as fit into a line, at least one, without the stop at their end.

    >>> words = "Skip-gram (Mikolov et al. 2013) on Shakespeare: 3,100 words, in small steps. Then more."
    >>> [in_a_line(words, lambda line: len(line) <= most) for most in (100, 60, 50, 9)]
    ['Skip-gram (Mikolov et al. 2013) on Shakespeare: 3,100 words, in small steps',\
 'Skip-gram (Mikolov et al. 2013) on Shakespeare: 3,100 words', 'Skip-gram (Mikolov et al. 2013) on Shakespeare',\
 'Skip-gram (Mikolov et al. 2013) on Shakespeare']
    """
    sentence = re.split(r"(?<=\.)(?<! al\.)\s", words)[0]
    clauses = re.split(r"(?<=[:;,])\s", sentence)
    lines = [" ".join(clauses[:count]).rstrip(":;,.") for count in range(len(clauses), 0, -1)]
    return next(filter(fits, lines), lines[-1])


def cost_of(preset: Preset, per_step: float | None) -> str:
    """What a preset takes on this computer, of which a step takes so many seconds, where that was measured.

    >>> plans = {"seconds": 120}, {"steps": 3000}, {"steps": 9, "endless": True}
    >>> [cost_of(Preset("a", "A", "", **plan), 0.02) for plan in plans]
    ['2 min', 'about 1 min', 'until you stop it']
    >>> cost_of(Preset("a", "A", "", steps=3000), None)
    '3,000 steps'
    """
    if preset.endless:
        return "until you stop it"
    if preset.steps is None:
        return about(preset.seconds or 0.0)
    if per_step is not None:
        return f"about {about(preset.steps * per_step)}"
    return f"{preset.steps:,} step{'s' * (preset.steps != 1)}"
