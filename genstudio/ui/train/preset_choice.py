"""The box that chooses a preset: its list has a card for each, with what to expect of it and what it costs on this computer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QComboBox, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from genstudio.families import Preset
from genstudio.ui import theme
from genstudio.ui.layouts import Choice, named
from genstudio.ui.train.estimate import about
from genstudio.ui.widgets import tooltip

CUSTOM = "custom"
_LINE, _COST = Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2
_WIDE, _PAD = 460, 8
Index = QModelIndex | QPersistentModelIndex


class _Card(QStyledItemDelegate):
    """Title and cost in a row, the line below."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        tall = QFontMetrics(theme.font(theme.NORMAL)).height() + QFontMetrics(theme.font(theme.SMALL)).height()
        return QSize(theme.scaled(_WIDE), tall + 2 * _PAD)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        look = theme.current()
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.fillRect(rect, look.color("panel"))
        if chosen:
            painter.fillRect(rect, look.color("accent", 0.14))
        room = rect.adjusted(_PAD + 2, _PAD - 1, -_PAD - 2, -_PAD + 1)
        title, small = theme.font(theme.NORMAL, bold=True), theme.font(theme.SMALL)
        cost = str(index.data(_COST) or "")
        painter.setPen(look.color("text"))
        painter.setFont(small)
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, cost)
        left = room.width() - QFontMetrics(small).horizontalAdvance(cost) - 12
        painter.setFont(title)
        words = QFontMetrics(title).elidedText(str(index.data()), Qt.TextElideMode.ElideRight, left)
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, words)
        painter.setFont(small)
        painter.setPen(look.color("text" if chosen else "quiet"))
        line = QFontMetrics(small).elidedText(str(index.data(_LINE) or ""), Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, line)
        painter.restore()


class PresetChoice(Choice):
    """The presets of a family, and Custom. `opened()` when its cards are about to be seen."""

    opened = Signal()

    def __init__(self) -> None:
        super().__init__()
        named(self, "preset_choice", "Preset")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(3)
        self.setMaxVisibleItems(12)  # a card takes two lines
        self.setItemDelegate(_Card(self))
        self.view().setMinimumWidth(theme.scaled(_WIDE))

    def show_presets(self, presets: Sequence[Preset]) -> None:
        """List these."""
        self.clear()
        for preset in presets:
            self.addItem(preset.title, preset.name)
            self._describe(self.count() - 1, first_sentence(preset.expect), preset.expect)
        self.addItem("Custom", CUSTOM)
        self._describe(self.count() - 1, "Your own settings.", "")

    def show_costs(self, costs: Mapping[str, str]) -> None:
        """What presets cost, in words by their names."""
        for place in range(self.count()):
            cost, line = costs.get(str(self.itemData(place)), ""), str(self.itemData(place, _LINE))
            if cost != self.itemData(place, _COST):
                self.setItemData(place, cost, _COST)
                said = f"{self.itemText(place)}. {line} {cost}".strip()
                self.setItemData(place, said, Qt.ItemDataRole.AccessibleTextRole)

    def costs(self) -> dict[str, str]:
        """What is said of the cost of each preset, by its name."""
        return {str(self.itemData(place)): str(self.itemData(place, _COST) or "") for place in range(self.count())}

    def showPopup(self) -> None:
        self.opened.emit()
        super().showPopup()

    def _describe(self, place: int, line: str, whole: str) -> None:
        self.setItemData(place, line, _LINE)
        self.setItemData(place, tooltip(whole), Qt.ItemDataRole.ToolTipRole)


def first_sentence(words: str) -> str:
    """The first sentence of a text.

    >>> first_sentence("Takes 1.5 minutes. Then it stops.")
    'Takes 1.5 minutes.'
    """
    found, stop, _ = words.partition(". ")
    return found + stop.strip()


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
