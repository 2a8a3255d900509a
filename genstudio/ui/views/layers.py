"""Activations, gradients and weights of every layer, as ridges or as a strip of colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QComboBox, QWidget

from genstudio.events import Array
from genstudio.snapshots.layers import Distributions, LayerStatistics
from genstudio.ui import theme
from genstudio.ui.layouts import Choice, hbox, named, vbox
from genstudio.ui.views.anatomy import ROLES
from genstudio.ui.views.chart import tick_text, value_text
from genstudio.ui.views.heat import heat_image
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import CENTRE, RIGHT, Lines, SnapshotFigure, Table, paint_empty, paint_title, polyline

Quantity = Literal["activations", "gradients", "weights"]
Style = Literal["ridges", "colours"]

_TOP, _BOTTOM, _COLUMN = 48.0, 36.0, 60.0
_ROLE = {
    "attention": "attention", "W_QKV": "attention", "W_O": "attention", "hidden": "mlp", "MLP": "mlp", "W_up": "mlp",
    "W_down": "mlp", "stream": "stream", "embedded": "input", "embedding": "input", "positions": "weight",
}  # fmt: skip
_NARROW = 340.0


def role_of(name: str) -> str:
    """Which colour the row of this name has."""
    last = name.split()[-1]
    return _ROLE.get(last, "output")


def extra_of(shown: LayerStatistics, quantity: Quantity) -> tuple[str, Array]:
    """The heading and the values of the last column; NaN where there is none."""
    if quantity == "weights":
        return ("update" if np.isfinite(shown.updates).any() else ""), shown.updates
    rows = np.full(len(shown.activations.names), np.nan)
    if quantity == "activations" and np.isfinite(shown.dead).any():
        hidden = [row for row, name in enumerate(shown.activations.names) if name.endswith(" hidden")]
        rows[hidden] = shown.dead
        return "dead units", rows
    return "", rows


class LayersView(SnapshotFigure[LayerStatistics], PointedFigure[tuple[int, int]]):
    """One row for each layer's part: how its values are spread, their root mean square, dead units and updates.

    A mark is a row and a bin of it; -1 for none of its bins.
    """

    def __init__(self) -> None:
        super().__init__("Layers", "layers")
        self.quantity: Quantity = "activations"
        self.style_shown: Style = "ridges"

    def choose(self, quantity: Quantity, style: Style) -> None:
        """Show another quantity, or in another way."""
        self.quantity, self.style_shown, self.hover = quantity, style, None
        self.redraw()

    def prepare(self, snapshot: LayerStatistics) -> None:
        self.hover = None
        self.setAccessibleDescription(f"{self.quantity} of {len(snapshot.weights.names)} weights, step {snapshot.step:,}")

    def distributions(self) -> Distributions | None:
        """What is shown now."""
        return None if self.snapshot is None else getattr(self.snapshot, self.quantity)

    def table(self) -> Table:
        shown = self.distributions()
        if shown is None or self.snapshot is None:
            return (), ()
        heading, extra = extra_of(self.snapshot, self.quantity)
        extra = extra if len(extra) == len(shown.names) else np.full(len(shown.names), np.nan)
        bins = [f"{low:.4g} to {high:.4g}" for low, high in zip(shown.edges[:-1], shown.edges[1:], strict=True)]
        rows = zip(shown.names, shown.rms, shown.norms, shown.sizes, extra, shown.counts, strict=True)
        header = ("name", "root mean square", "norm", "values", heading or "-", *bins)
        return header, ((row[0], *map(float, row[1:5]), *row[5].tolist()) for row in rows)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.distributions()
        if shown is None or self.snapshot is None:
            paint_title(painter, self.title, "", area)
            why = "Waiting for the next preview" if self.snapshot is None else "Gradients need a text of two tokens or more"
            paint_empty(painter, area, why)
            return
        loss = "" if np.isnan(self.snapshot.loss) else f", loss {value_text(self.snapshot.loss)}"
        note = f"step {self.snapshot.step:,}   {self.snapshot.tokens:,} tokens{loss}"
        paint_title(painter, self.quantity.capitalize(), note, area)
        heading, extra = extra_of(self.snapshot, self.quantity)
        heading = heading if area.width() >= _NARROW else ""
        strip = self._strip(area)
        self._paint_axis(painter, strip, shown)
        if self.style_shown == "ridges":
            self._paint_ridges(painter, strip, shown)
        else:
            shares = shown.counts / np.maximum(shown.counts.max(1, keepdims=True), 1)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.drawImage(strip, heat_image(np.sqrt(shares), "magnitude", 1.0))
        self._paint_columns(painter, strip, shown, heading, extra)

    def _strip(self, area: QRectF) -> QRectF:
        shown = self.distributions()
        metrics = QFontMetricsF(theme.font(theme.SMALL))
        names = max(metrics.horizontalAdvance(name) for name in shown.names) if shown else 0
        more = self.snapshot is not None and bool(extra_of(self.snapshot, self.quantity)[0])
        columns = 2 if more and area.width() >= _NARROW else 1
        return area.adjusted(names + 34, _TOP, -columns * _COLUMN - 24, -_BOTTOM)

    def _row(self, strip: QRectF, index: int, count: int) -> QRectF:
        high = strip.height() / count
        return QRectF(strip.left(), strip.top() + index * high, strip.width(), high)

    def _paint_axis(self, painter: QPainter, strip: QRectF, shown: Distributions) -> None:
        look = theme.current()
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        low, high = float(shown.edges[0]), float(shown.edges[-1])
        marks = list(range(int(low), int(high) + 1, 2))
        if len(marks) * 44 > strip.width():
            marks = [int(low), int((low + high) / 2), int(high)]
        for mark in marks:
            x = strip.left() + (mark - low) / (high - low) * strip.width()
            painter.setPen(QPen(look.color("grid"), 1))
            painter.drawLine(QPointF(x, strip.top()), QPointF(x, strip.bottom()))
            painter.setPen(look.color("quiet"))
            text = f"1e{mark}" if shown.decades else str(mark)
            painter.drawText(QRectF(x - 30, strip.bottom() + 2, 60, 15), CENTRE, text)
        words = "magnitude" if shown.decades else "× RMS" if strip.width() < 240 else "multiples of the root mean square"
        words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(strip.width()))
        painter.drawText(QRectF(strip.left(), strip.bottom() + 17, strip.width(), 16), CENTRE, words)

    def _paint_ridges(self, painter: QPainter, strip: QRectF, shown: Distributions) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        count, bins = shown.counts.shape
        x = np.repeat(np.linspace(strip.left(), strip.right(), bins + 1), 2)[1:-1]
        for index, counts in enumerate(shown.counts):
            row = self._row(strip, index, count)
            room = row.height() * (1.0 if count < 3 else 1.25) - 1
            heights = np.repeat(counts / max(int(counts.max()), 1) * room, 2)
            y = row.bottom() - heights
            color = QColor(theme.visible(ROLES[role_of(shown.names[index])]))
            painter.setPen(QPen(color, 1))
            color.setAlphaF(0.45)
            painter.setBrush(color)
            ends = np.array([strip.right(), strip.left()]), np.array([row.bottom(), row.bottom()])
            y = np.maximum(y, strip.top() - 4)
            painter.drawPolygon(polyline(np.concatenate([x, ends[0]]), np.concatenate([y, ends[1]])))

    def _paint_columns(self, painter: QPainter, strip: QRectF, shown: Distributions, heading: str, extra: Array) -> None:
        look = theme.current()
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics = painter.fontMetrics()
        painter.setPen(look.color("quiet"))
        painter.drawText(QRectF(strip.right() + 4, strip.top() - 18, _COLUMN - 6, 16), RIGHT, "RMS")
        painter.drawText(QRectF(strip.right() + _COLUMN, strip.top() - 18, _COLUMN + 14, 16), RIGHT, heading)
        count = len(shown.names)
        every = max(1, -int(-(metrics.height() - 2) // (strip.height() / count)))
        for index in range(0, count, every):
            row = self._row(strip, index, count)
            middle = row.center().y()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.visible(ROLES[role_of(shown.names[index])])))
            painter.drawEllipse(QPointF(14, middle), 3, 3)
            painter.setPen(look.color("text"))
            name = QRectF(22, middle - 9, strip.left() - 30, 18)
            painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, shown.names[index])
            painter.setPen(look.color("text"))
            number = QRectF(strip.right() + 4, middle - 9, _COLUMN - 6, 18)
            painter.drawText(number, RIGHT, value_text(float(shown.rms[index])))
            if heading and np.isfinite(extra[index]):
                text = f"{extra[index]:.1%}" if heading == "dead units" else tick_text(float(f"{extra[index]:.2g}"))
                painter.drawText(QRectF(strip.right() + _COLUMN, middle - 9, _COLUMN + 14, 18), RIGHT, text)

    def row_at(self, y: float) -> int:
        """The row under a height of this widget, or -1."""
        shown, strip = self.distributions(), self._strip(QRectF(self.rect()))
        if shown is None or not strip.top() <= y < strip.bottom():
            return -1
        return int((y - strip.top()) / strip.height() * len(shown.names))

    def mark_at(self, point: QPointF) -> tuple[int, int] | None:
        shown, strip, row = self.distributions(), self._strip(QRectF(self.rect())), self.row_at(point.y())
        if shown is None or row < 0:
            return None
        share = (point.x() - strip.left()) / strip.width()
        return row, int(share * shown.counts.shape[1]) if 0 <= share < 1 else -1

    def beside(self, mark: tuple[int, int] | None, right: int, down: int) -> tuple[int, int] | None:
        shown = self.distributions()
        if shown is None or mark is None:
            return None if shown is None else (0, -1)
        rows, bins = shown.counts.shape
        return moved(mark[0], down, rows), moved(mark[1] + 1, right, bins + 1) - 1

    def card(self, mark: tuple[int, int]) -> tuple[QPointF, Lines, str]:
        (row, place), shown = mark, self.distributions()
        assert shown is not None and self.snapshot is not None
        lines: list[tuple[QColor | None, str, str]] = [
            (None, "root mean square", value_text(float(shown.rms[row]))),
            (None, "norm", value_text(float(shown.norms[row]))),
            (None, "values", f"{int(shown.sizes[row]):,}"),
        ]
        heading, extra = extra_of(self.snapshot, self.quantity)
        if heading and np.isfinite(extra[row]):
            says = "units that are 0 at every token" if heading == "dead units" else "one update ÷ weights"
            lines.append((None, says, f"{extra[row]:.2%}" if heading == "dead units" else value_text(float(extra[row]))))
        strip, (rows, bins) = self._strip(QRectF(self.rect())), shown.counts.shape
        if place >= 0:
            ends = (f"1e{edge:.2f}" if shown.decades else f"{edge:.2f}" for edge in shown.edges[place : place + 2])
            share = shown.counts[row, place] / max(int(shown.counts[row].sum()), 1)
            lines.append((None, " to ".join(ends), f"{share:.2%}"))
        x = strip.left() + (place + 0.5) / bins * strip.width()
        return QPointF(x, self._row(strip, row, rows).center().y()), lines, shown.names[row]

    def paint_hover(self, painter: QPainter) -> None:
        shown = self.distributions()
        if self.hover is not None and shown is not None:
            row = self._row(self._strip(QRectF(self.rect())), self.hover[0], len(shown.names))
            painter.fillRect(row, theme.current().color("accent", 0.14))
        super().paint_hover(painter)


class LayersPanel(QWidget):
    """The view with its two choices."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("layers_panel")
        self.view = LayersView()
        self.quantity = self._choice("layers_quantity", "Quantity", ("activations", "gradients", "weights"))
        self.style_choice = self._choice("layers_style", "Drawn as", ("ridges", "colours"))
        vbox(hbox((self.quantity, 1), (self.style_choice, 1)), (self.view, 1), into=self, margins=(0, 8, 0, 0))
        for box in (self.quantity, self.style_choice):
            box.currentIndexChanged.connect(lambda _: self._choose())

    def show_snapshot(self, snapshot: LayerStatistics) -> None:
        """Replace what is shown."""
        self.view.show_snapshot(snapshot)

    def clear(self) -> None:
        """Forget what was shown."""
        self.view.clear()

    def _choose(self) -> None:
        self.view.choose(self.quantity.currentData(), self.style_choice.currentData())

    def _choice(self, name: str, label: str, values: Sequence[str]) -> QComboBox:
        box = named(Choice(), name, label)
        for value in values:
            box.addItem(value.capitalize(), value)
        return box
