"""What two models expect next: a pair of bars for each of their likeliest tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from genstudio.tasks.compare import Paired
from genstudio.ui import theme
from genstudio.ui.views.bars import paint_title
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import Lines, SnapshotFigure, token_text

_ROW, _TOP = 30.0, 60.0
COLORS = (theme.BLUE, theme.ORANGE)


class TwoBarsView(SnapshotFigure[Paired], PointedFigure[int]):
    """Two bars a token, A above B; where a vocabulary lacks the token, it is said in the place of its bar."""

    def __init__(self) -> None:
        super().__init__("Next token")
        self.setObjectName("two_bars")

    def prepare(self, snapshot: Paired) -> None:
        self.hover = None
        self.setAccessibleDescription(self.summary())

    def summary(self) -> str:
        """The numbers of both distributions, in words."""
        if self.snapshot is None:
            return ""
        said = self.snapshot
        words = (
            f"entropy A {said.entropy_a:.2f}, B {said.entropy_b:.2f} bits  ·  Jensen-Shannon {said.divergence:.3f} bits"
        )
        return words if said.shared else f"{words}  ·  different tokens: compared by their text"

    def table(self) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        if self.snapshot is None:
            return (), ()
        said = self.snapshot
        return ("token", "A", "B", "B - A"), zip(
            said.pieces, said.a.tolist(), said.b.tolist(), (said.b - said.a).tolist(), strict=True
        )

    def row(self, index: int) -> QRectF:
        """Where a pair is drawn."""
        return QRectF(12, _TOP + index * _ROW, self.width() - 24, _ROW)

    def rows(self) -> int:
        """How many pairs there is room for."""
        count = 0 if self.snapshot is None else len(self.snapshot.pieces)
        return min(count, max(0, int((self.height() - _TOP - 8) / _ROW)))

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, "", area)
        look = theme.current()
        self._paint_legend(painter, area)
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        painter.setPen(look.color("quiet"))
        if self.snapshot is None:
            middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(area.adjusted(12, 24, -12, -8), int(middle), "Choose a second model to compare with")
            return
        metrics = painter.fontMetrics()
        summary = metrics.elidedText(self.summary(), Qt.TextElideMode.ElideRight, int(area.width() - 24))
        painter.drawText(QPointF(12, 44), summary)
        for index in range(self.rows()):
            self._paint_row(painter, index)

    def mark_at(self, point: QPointF) -> int | None:
        row = int((point.y() - _TOP) // _ROW)
        return row if self.snapshot is not None and 0 <= row < self.rows() else None

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        count = 0 if self.snapshot is None else self.rows()
        return None if not count else 0 if mark is None else moved(mark, down, count)

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        said = self.snapshot
        values = float(said.a[mark]), float(said.b[mark])
        lines: list[tuple[QColor | None, str, str]] = [
            (QColor(theme.visible(color)), name, "no such token" if np.isnan(value) else f"{value:.5f}")
            for color, name, value in zip(COLORS, "AB", values, strict=True)
        ]
        if not np.isnan(values).any():
            lines.append((None, "B - A", f"{values[1] - values[0]:+.5f}"))
        at = QPointF(0.45 * self.width(), self.row(mark).center().y())
        return at, lines, f"'{token_text(said.pieces[mark])}'"

    def _paint_legend(self, painter: QPainter, area: QRectF) -> None:
        painter.setFont(theme.font(theme.SMALL))
        x = area.right() - 40
        for color, name in ((COLORS[1], "B"), (COLORS[0], "A")):
            x -= painter.fontMetrics().horizontalAdvance(name)
            painter.setPen(theme.current().color("quiet"))
            painter.drawText(QPointF(x, 21), name)
            painter.fillRect(QRectF(x - 16, 11, 10, 10), QColor(theme.visible(color)))
            x -= 28

    def _paint_row(self, painter: QPainter, index: int) -> None:
        assert self.snapshot is not None
        look, row, said = theme.current(), self.row(index), self.snapshot
        painter.setFont(theme.mono())
        metrics = painter.fontMetrics()
        left = row.left() + min(112, max(metrics.horizontalAdvance(token_text(piece)) for piece in said.pieces)) + 8
        word = metrics.elidedText(token_text(said.pieces[index]), Qt.TextElideMode.ElideRight, 112)
        painter.setPen(look.color("text"))
        where = QRectF(row.left(), row.top(), left - 8 - row.left(), row.height())
        painter.drawText(where, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, word)
        largest = max(float(np.nanmax([said.a[: self.rows()], said.b[: self.rows()]])), 1e-12)
        room = row.right() - left - 56
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        for place, (color, values) in enumerate(zip(COLORS, (said.a, said.b), strict=True)):
            value, top = float(values[index]), row.top() + 2 + place * 13
            if np.isnan(value):
                painter.setPen(look.color("quiet"))
                painter.drawText(QRectF(left, top, room, 13), Qt.AlignmentFlag.AlignVCenter, "not in its vocabulary")
                continue
            bar = QRectF(left, top + 1, max(room * value / largest, 1.0), 11)
            painter.fillRect(bar, QColor(theme.visible(color)))
            painter.setPen(look.color("quiet"))
            painter.drawText(
                QRectF(bar.right() + 6, top, 56, 13), Qt.AlignmentFlag.AlignVCenter, f"{100 * value:.2f} %"
            )
