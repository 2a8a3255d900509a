"""A text in coloured tokens. Only what is seen is painted, so a text of a million tokens scrolls as a short one does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QFont,
    QFontMetricsF,
    QGuiApplication,
    QHelpEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QMenu, QToolTip

from genstudio.data.token_text import TokenText
from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.view import write_quietly
from genstudio.ui.widgets import tooltip

GROUNDS = {
    "light": ("#DCE8F8", "#FBE9C8", "#D5EFE4", "#F4DFEA"),
    "dark": ("#22395C", "#4D3D16", "#174436", "#4A2C40"),
}
"""Behind the tokens, one after the other: told apart by hue and by lightness, with the theme's text on them."""

_PAD = 3
_GAP = 2
_MOST = 4000


def lines_of(widths: Array, breaks: Array, room: int) -> Array:
    """Where lines begin when tokens of `widths` (n,) are put side by side in `room` pixels: (lines,) indices, ascending.

    A line ends behind each token that `breaks` (n,), and before one that does not fit; one that never fits has its own.
    """
    if not len(widths):
        return np.empty(0, np.int64)
    ends = np.concatenate([[0], np.cumsum(widths)])
    first = np.unique(np.concatenate([[0], np.flatnonzero(breaks) + 1]))
    first = first[first < len(widths)]
    last = np.append(first[1:], len(widths))
    long = ends[last] - ends[first] > room
    start, stop, more = first[long], last[long], [first]
    while len(start):
        start = np.maximum(np.searchsorted(ends, ends[start] + room, "right") - 1, start + 1)
        start, stop = start[start < stop], stop[start < stop]
        more.append(start)
    return np.sort(np.concatenate(more))


class TokensView(QAbstractScrollArea):
    """Shows the tokens of a text: `show_tokens(TokenText)`; each token's id in a tooltip, and under it where asked."""

    def __init__(self, name: str = "tokens", label: str = "The text in tokens") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(label)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.shown: TokenText | None = None
        self.empty = ""
        self._marked: Array = np.empty(0, bool)
        self._ids_shown = False
        self._starts: Array = np.empty(0, np.int64)
        self._left: Array = np.zeros(1, np.int64)
        self._widths: list[float] = []
        self._row = self.row_height()
        theme.changed.connect(self._recolour)

    def show_tokens(self, shown: TokenText | None, marked: Array | None = None) -> None:
        """Show these tokens instead; those `marked` (n,) stand out."""
        self.shown = shown
        count = 0 if shown is None else len(shown.ids)
        self._marked = np.zeros(count, bool) if marked is None else marked
        self.setAccessibleDescription(self._summary())
        self._arrange()
        self.verticalScrollBar().setValue(0)

    def show_ids(self, wanted: bool) -> None:
        """Whether each token's id is written under it."""
        self._ids_shown = wanted
        self._arrange()

    def token_at(self, x: float, y: float) -> int | None:
        """The number of the token at a place of the viewport."""
        line = int((y + self.verticalScrollBar().value() - _PAD) // self.row_height())
        if self.shown is None or y < 0 or not 0 <= line < len(self._starts):
            return None
        start, stop = self._bounds(line)
        place = int(np.searchsorted(self._left[start : stop + 1], self._left[start] + x - _PAD, "right")) - 1
        return start + place if 0 <= place < stop - start else None

    def middle_of(self, token: int) -> QPointF:
        """The middle of a token, by its number from 0, in pixels of the viewport."""
        line = int(np.searchsorted(self._starts, token, "right")) - 1
        start, _ = self._bounds(line)
        both = float(self._left[token] + self._left[token + 1] - 2 * self._left[start])
        return QPointF(_PAD + both / 2, _PAD + (line + 0.5) * self.row_height() - self.verticalScrollBar().value())

    def hint(self, token: int) -> str:
        """What is known of a token, by its number from 0."""
        assert self.shown is not None
        kind = int(self.shown.index[token])
        piece, index = self.shown.pieces[kind], int(self.shown.ids[token])
        place = f"token {token + 1:,} of {len(self.shown.ids):,}"
        if self.shown.unknown[kind]:
            told = "it is skipped" if index < 0 else f"it becomes <unk>, id {index}"
            return f"'{piece}' is not in the vocabulary: {told}\n{place}"
        return f"'{piece}'   id {index:,}\n{place}"

    def row_height(self) -> int:
        """Pixels from line to line."""
        height = QFontMetricsF(self._font()).height() + 2 * _PAD + 2
        return int(height + (QFontMetricsF(self._small()).height() - 1 if self._ids_shown else 0))

    def visible_lines(self) -> tuple[int, int]:
        """First line that is seen, and the one behind the last."""
        top, row = self.verticalScrollBar().value() - _PAD, self.row_height()
        first = max(0, top // row)
        return first, min(len(self._starts), (top + self.viewport().height()) // row + 1)

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self._starts)

    def paintEvent(self, _event: QPaintEvent) -> None:
        look = theme.current()
        with QPainter(self.viewport()) as painter:
            painter.fillRect(self.viewport().rect(), look.color("panel"))
            if self.shown is None or not len(self.shown.ids):
                write_quietly(painter)
                area = QRectF(self.viewport().rect()).adjusted(12, 12, -12, -12)
                painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.empty)
                return
            for line in range(*self.visible_lines()):
                self._paint_line(painter, line, look, self.shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            token = self.token_at(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), tooltip(self.hint(token)) if token is not None else "", self)
            return True
        return super().viewportEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        for words, name, text in (
            ("Copy tokens", "copy_tokens", lambda: "|".join(self._pieces())),
            ("Copy ids", "copy_ids", lambda: " ".join(map(str, self.shown.ids.tolist())) if self.shown else ""),
        ):
            action = QAction(words, menu)
            action.setObjectName(name)
            action.triggered.connect(lambda _=False, text=text: QGuiApplication.clipboard().setText(text()))
            menu.addAction(action)
        menu.popup(event.globalPos())

    def sizeHint(self) -> QSize:
        return QSize(480, 160)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.row_height() + 2 * _PAD + 4)

    def _paint_line(self, painter: QPainter, line: int, look: theme.Theme, shown: TokenText) -> None:
        start, stop = self._bounds(line)
        top = _PAD + line * self._row - self.verticalScrollBar().value()
        mono, small = QFontMetricsF(self._font()), QFontMetricsF(self._small())
        height = mono.height() + 2
        baseline = top + 2 + mono.ascent()
        grounds = [look.color(color) for color in GROUNDS[look.name]]
        text, error = look.color("text"), look.color("error")
        kinds = shown.index[start:stop].tolist()
        lefts = (self._left[start : stop + 1] - self._left[start] + _PAD).tolist()
        painter.setPen(text)
        painter.setFont(self._font())
        for place, kind in enumerate(kinds[:_MOST]):
            left, width = lefts[place], lefts[place + 1] - lefts[place] - _GAP
            at = QPointF(left + (width - self._widths[kind]) / 2, baseline)
            unknown, marked = shown.unknown[kind], self._marked[start + place]
            if not (unknown or marked):
                painter.fillRect(QRectF(left, top + 1, width, height), grounds[(start + place) % len(grounds)])
                painter.drawText(at, shown.pieces[kind])
                continue
            box = QRectF(left, top + 1, width, height)
            painter.fillRect(box, look.color("error_back") if unknown else grounds[(start + place) % len(grounds)])
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if unknown:
                painter.setPen(QPen(error, 1, Qt.PenStyle.DashLine))
                painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
            if marked:
                painter.setPen(QPen(look.color("accent"), 2))
                painter.drawRect(box.adjusted(1, 1, -1, -1))
            painter.setPen(error if unknown else text)
            painter.drawText(at, shown.pieces[kind])
            painter.setPen(text)
        if self._ids_shown:
            painter.setFont(self._small())
            painter.setPen(look.color("quiet"))
            for place, index in enumerate(shown.ids[start:stop].tolist()[:_MOST]):
                words = str(index)
                middle = (lefts[place] + lefts[place + 1] - _GAP) / 2
                at = QPointF(middle - small.horizontalAdvance(words) / 2, top + 1 + height + small.ascent())
                painter.drawText(at, words)

    def _bounds(self, line: int) -> tuple[int, int]:
        behind = self._starts[line + 1] if line + 1 < len(self._starts) else len(self._left) - 1
        return int(self._starts[line]), int(behind)

    def _arrange(self) -> None:
        shown, self._row = self.shown, self.row_height()
        if shown is None:
            self._starts, self._left = np.empty(0, np.int64), np.zeros(1, np.int64)
        else:
            cell = QFontMetricsF(self._font()).horizontalAdvance("0")
            self._widths = (shown.cells * cell).tolist()
            widths = np.ceil(np.maximum(shown.cells, 1) * cell).astype(np.int64)[shown.index]
            if self._ids_shown and len(widths):
                digit = QFontMetricsF(self._small()).horizontalAdvance("0")
                digits = np.floor(np.log10(np.maximum(np.abs(shown.ids), 1))).astype(np.int64) + 1 + (shown.ids < 0)
                widths = np.maximum(widths, np.ceil(digits * digit).astype(np.int64))
            widths = widths + 2 * _PAD + _GAP
            self._left = np.concatenate([[0], np.cumsum(widths)])
            self._starts = lines_of(widths, shown.breaks[shown.index], self.viewport().width() - 2 * _PAD)
        bar = self.verticalScrollBar()
        height = len(self._starts) * self.row_height() + 2 * _PAD
        bar.setRange(0, max(0, height - self.viewport().height()))
        bar.setPageStep(max(self.viewport().height() - self.row_height(), 1))
        bar.setSingleStep(self.row_height())
        self.viewport().update()

    def _pieces(self) -> Sequence[str]:
        return [] if self.shown is None else [self.shown.pieces[kind] for kind in self.shown.index.tolist()]

    def _summary(self) -> str:
        if self.shown is None:
            return ""
        first = "|".join(self.shown.pieces[kind] for kind in self.shown.index[:40].tolist())
        return f"{len(self.shown.ids):,} tokens: {first}"

    def _font(self) -> QFont:
        return theme.mono(theme.NORMAL)

    def _small(self) -> QFont:
        return theme.font(10, tabular=True)

    def _recolour(self, _theme: object) -> None:
        self._arrange()
