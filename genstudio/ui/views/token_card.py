"""The card of a written token: what the model thought of it, and what else it could have been."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.tree import Place
from genstudio.ui import theme
from genstudio.ui.views.chart import percent, value_text
from genstudio.ui.views.view import RIGHT, token_text, write_quietly

_WIDTH, _ROW, _EDGE = 392, 22, 12
_NAME, _BAR = 96, 120
_OPENS = QKeySequence("Alt+Return").toString(QKeySequence.SequenceFormat.NativeText)


class TokenCard(QWidget):
    """Shown beside a token. `taken(Place, choice)`: an alternative was chosen; `left()`: the pointer has gone."""

    taken = Signal(object, int)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("token_card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, False)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.place: Place | None = None
        self.row = -1
        self.hide()

    def show_token(self, place: Place, box: QRect, keyboard: bool = False) -> None:
        """Show a token beside its `box` in the parent's coordinates."""
        self.place = place
        self.row = 0 if keyboard else -1
        self.setFixedSize(self.sizeHint())
        parent = self.parentWidget()
        room = parent.rect() if parent is not None else QRect(0, 0, 10_000, 10_000)
        below = box.bottom() + 4
        fits = below + self.height() <= room.bottom()
        y = below if fits else max(room.top() + 4, box.top() - 4 - self.height())
        x = min(max(room.left() + 4, box.left() - 16), room.right() - 4 - self.width())
        self.move(QPoint(x, y))
        self.setAccessibleName(self.words())
        if keyboard:
            self._announce(self.words())
        self.show()
        self.raise_()
        self.update()

    def facts(self) -> Sequence[tuple[str, str]]:
        """The numbers of the token as they are shown: name and value."""
        if self.place is None:
            return ()
        tokens, i = self.place.segment.tokens, self.place.token
        logprob, entropy = float(tokens.logprobs[i]), float(tokens.entropies[i])
        return (
            ("sampled with p =", f"{float(tokens.probabilities[i]):.4f}"),
            ("model's probability", f"{math.exp(logprob):.4f}"),
            ("log-probability", f"{value_text(logprob)} nats"),
            ("surprise", f"{value_text(-logprob / math.log(2) + 0.0)} bits"),
            ("rank", f"{int(tokens.ranks[i]):,}" if tokens.ranks[i] else "not recorded"),
            ("entropy here", f"{value_text(entropy / math.log(2))} bits" if entropy == entropy else "not recorded"),
        )

    def rows(self) -> Sequence[tuple[int, str, float, float]]:
        """The alternatives: id, visible form, probability before and after the sampler."""
        if self.place is None:
            return ()
        tokens, i = self.place.segment.tokens, self.place.token
        return tuple(
            (int(token), token_text(tokens.names.get(int(token), "?")), float(before), float(after))
            for token, before, after in zip(tokens.alternatives[i], tokens.before[i], tokens.after[i], strict=True)
        )

    def made(self) -> str:
        """Who wrote it, and how."""
        if self.place is None:
            return ""
        made = self.place.segment.made
        return f"{made.model}   ·   {made.method or sampler_words(made.options, made.seed)}"

    def words(self) -> str:
        """The card for those who do not see it."""
        if self.place is None:
            return ""
        facts = ", ".join(f"{name} {value}" for name, value in self.facts())
        return f"Token {self._title()}: {facts}"

    def move_row(self, by: int) -> None:
        """Choose another alternative."""
        count = len(self.rows())
        if count:
            self.row = min(max(self.row + by, 0), count - 1)
            _, name, before, after = self.rows()[self.row]
            self.setAccessibleDescription(f"{name}: {before:.4f} before the sampler, {after:.4f} after")
            self._announce(self.accessibleDescription())
            self.update()

    def _announce(self, words: str) -> None:
        """Say it to those who do not see it: the text keeps the focus."""
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words))

    def take(self) -> None:
        """Go on with the alternative that is chosen."""
        if self.place is not None and self.row >= 0:
            self.taken.emit(self.place, self.row)

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, round(self._top() + len(self.rows()) * _ROW + 63))

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            self._paint(painter, theme.current())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        row = int((event.position().y() - self._top()) // _ROW)
        row = row if 0 <= row < len(self.rows()) else -1
        self.setCursor(Qt.CursorShape.PointingHandCursor if row >= 0 else Qt.CursorShape.ArrowCursor)
        if row != self.row:
            self.row = row
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.mouseMoveEvent(event)
        self.take()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.left.emit()

    def row_box(self, row: int) -> QRectF:
        """Where an alternative is on the card."""
        return QRectF(4, self._top() + row * _ROW, self.width() - 8, _ROW)

    def _top(self) -> float:
        return 36.0 + 3 * 18 + 30

    def _title(self) -> str:
        if self.place is None:
            return ""
        tokens, i = self.place.segment.tokens, self.place.token
        return f"'{token_text(tokens.pieces[i])}'   id {int(tokens.ids[i]):,}"

    def _paint(self, painter: QPainter, look: theme.Theme) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(look.color("border"), 1))
        painter.setBrush(look.color("panel"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        painter.setFont(theme.mono(theme.NORMAL + 1))
        painter.setPen(look.color("text"))
        painter.drawText(QPointF(_EDGE, 24), self._title())
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        self._paint_facts(painter, look)
        top = self._top()
        painter.setPen(look.color("quiet"))
        painter.drawText(QPointF(_EDGE, top - 8), "Click an alternative to branch")
        right = RIGHT
        painter.drawText(QRectF(self.width() - 76 - 64, top - 22, 64, 20), right, "model")
        painter.drawText(QRectF(self.width() - 72, top - 22, 60, 20), right, "sampler")
        self._paint_rows(painter, look)
        bottom = top + len(self.rows()) * _ROW + 6
        write_quietly(painter)
        metrics = painter.fontMetrics()
        words = metrics.elidedText(self.made(), Qt.TextElideMode.ElideRight, self.width() - 2 * _EDGE)
        painter.drawText(QPointF(_EDGE, bottom + 12), words)
        painter.drawText(QPointF(_EDGE, bottom + 29), "← → other tokens, ↑ ↓ choose, Enter branches")
        painter.drawText(QPointF(_EDGE, bottom + 46), f"{_OPENS} opens this card, Esc closes it")

    def _paint_facts(self, painter: QPainter, look: theme.Theme) -> None:
        column = (self.width() - 2 * _EDGE + 16) / 2
        for index, (name, value) in enumerate(self.facts()):
            x, y = _EDGE + (index % 2) * column, 50 + (index // 2) * 18
            painter.setPen(look.color("quiet"))
            painter.drawText(QPointF(x, y), name)
            painter.setPen(look.color("text"))
            painter.drawText(
                QRectF(x, y - 14, column - 16, 18), RIGHT, value
            )

    def _paint_rows(self, painter: QPainter, look: theme.Theme) -> None:
        rows = self.rows()
        largest = max((max(before, after) for _, _, before, after in rows), default=1.0) or 1.0
        own = None if self.place is None else int(self.place.segment.tokens.ids[self.place.token])
        right = RIGHT
        for index, (token, name, before, after) in enumerate(rows):
            box = self.row_box(index)
            if index == self.row:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(look.color("accent_soft"))
                painter.drawRoundedRect(box, 5, 5)
            color = look.color("text" if after > 0 else "disabled")
            painter.setFont(theme.mono())
            painter.setPen(look.color("accent") if token == own else color)
            shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, _NAME)
            painter.drawText(QPointF(_EDGE, box.center().y() + 5), ("● " if token == own else "  ") + shown)
            left = _EDGE + _NAME + 24
            fill = QRectF(left, box.top() + 6, _BAR * after / largest, _ROW - 12)
            painter.fillRect(fill, look.color("accent"))
            painter.setPen(QPen(color, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(left, box.top() + 4.5, max(1.0, _BAR * before / largest), _ROW - 9))
            painter.setFont(theme.font(theme.SMALL, tabular=True))
            painter.setPen(color)
            painter.drawText(QRectF(self.width() - 140, box.top(), 64, _ROW), right, percent(before))
            painter.drawText(
                QRectF(self.width() - 72, box.top(), 60, _ROW), right, percent(after) if after > 0 else "cut"
            )


def sampler_words(options: SamplingOptions, seed: int) -> str:
    """A sampler in a few words: only what limits or changes anything."""
    if options.greedy or not options.temperature:
        return "greedy"
    parts = [f"T {options.temperature:.3g}"]
    for words, value, neutral in (
        ("top-k", options.top_k, 0),
        ("top-p", options.top_p, 1.0),
        ("min-p", options.min_p, 0.0),
        ("repetition", options.repetition_penalty, 1.0),
    ):
        if value != neutral:
            parts.append(f"{words} {value:.3g}")
    return ", ".join([*parts, f"seed {seed}"])
