"""One iteration of a GAN as a picture: who hands what to whom, and which part of the way is walked now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPolygonF

from genstudio.snapshots.step_stage import StepStage
from genstudio.ui import theme
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.view import Figure, Table, paint_title, write_quietly

PLACES: Mapping[str, tuple[int, int, str, str]] = {
    "noise": (0, 2, "noise", "z"),
    "generator": (1, 2, "generator", "G"),
    "fake": (2, 2, "fakes", "G(z)"),
    "data": (2, 0, "real", "x"),
    "discriminator": (2, 1, "discriminator", "D"),
    "scores": (3, 1, "opinions", "D(·)"),
    "d_loss": (3, 0, "D's loss", "L_D"),
    "g_loss": (3, 2, "G's loss", "L_G"),
}
"""Column and row of each part, its name and its sign."""
EDGES = (
    ("noise", "generator"), ("generator", "fake"), ("fake", "discriminator"), ("data", "discriminator"),
    ("discriminator", "scores"), ("scores", "d_loss"), ("scores", "g_loss"),
    ("d_loss", "discriminator"), ("g_loss", "discriminator"), ("discriminator", "fake"), ("fake", "generator"),
)  # fmt: skip
FORWARD = frozenset(EDGES[:7])
_BACKWARD = {
    4: (("d_loss", "discriminator"),),
    5: (("d_loss", "discriminator"),),
    7: (("g_loss", "discriminator"), ("discriminator", "fake"), ("fake", "generator")),
    8: (("fake", "generator"),),
}
_UPDATED = {5: "discriminator", 8: "generator"}
_COLORS = {
    "generator": theme.GREEN, "fake": theme.GREEN, "noise": theme.GREEN, "g_loss": theme.GREEN,
    "data": theme.BLUE, "discriminator": theme.VERMILION, "scores": theme.VERMILION, "d_loss": theme.VERMILION,
}  # fmt: skip


class StageDiagram(Figure):
    """The parts of a GAN with the way that data and gradients take; `show_stage` lights the part walked now."""

    def __init__(self) -> None:
        super().__init__("One iteration", "stage_diagram")
        self.stage: StepStage | None = None
        self.setMinimumHeight(214)

    def show_stage(self, stage: StepStage | None) -> None:
        self.stage = stage
        words = "no stage" if stage is None else f"stage {stage.number}: {stage.title}; {', '.join(stage.path)}"
        self.setAccessibleDescription(words)
        self.redraw()

    def lit_edges(self) -> frozenset[tuple[str, str]]:
        """The ways that data or a gradient takes in this stage."""
        if self.stage is None:
            return frozenset()
        path, back = set(self.stage.path), _BACKWARD.get(self.stage.number, ())
        ahead = () if self.stage.number in (5, 8) else (edge for edge in FORWARD if set(edge) <= path)
        return frozenset(ahead if self.stage.number in (1, 2, 3, 6) else _losses(ahead)) | frozenset(back)

    def table(self) -> Table:
        rows = () if self.stage is None else [(self.stage.number, name, value) for name, value in self.stage.values]
        return ("stage", "quantity", "value"), rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        stage = self.stage
        note = "" if stage is None else f"stage {stage.number}, update {stage.update} of {stage.updates}"
        paint_title(painter, self.title, note, area)
        room = area.adjusted(12, 36, -12, -30)
        lit = self.lit_edges()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        boxes = {name: self._box(name, room) for name in PLACES}
        for edge in EDGES:
            if edge in FORWARD or edge in lit:
                self._edge(painter, boxes, edge, edge in lit)
        for name, box in boxes.items():
            self._node(painter, name, box)
        write_quietly(painter)
        words = (
            "solid: data   ·   dashed: gradient" if self.stage is not None else "Turn on slow motion to step through "
            "an iteration"
        )
        painter.drawText(
            area.adjusted(12, 0, -12, -9), Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, words
        )

    def _box(self, name: str, room: QRectF) -> QRectF:
        column, row, _, _ = PLACES[name]
        wide, high = min(room.width() / 4.9, 120.0), min(room.height() / 4, 46.0)
        left = room.left() + column * (room.width() - wide) / 3
        return QRectF(left, room.top() + row * (room.height() - high) / 2, wide, high)

    def _node(self, painter: QPainter, name: str, box: QRectF) -> None:
        look, stage = theme.current(), self.stage
        lit = stage is not None and name in stage.path
        updated = stage is not None and _UPDATED.get(stage.number) == name
        color = look.color(theme.visible(_COLORS[name]))
        painter.setPen(QPen(color if lit else look.color("border"), 2.5 if updated else 1.5))
        fill = look.color(theme.visible(_COLORS[name]), 0.85 if updated else 0.16 if lit else 0.0)
        painter.setBrush(look.color("panel"))
        painter.drawRoundedRect(box, 6, 6)
        painter.setBrush(fill)
        painter.drawRoundedRect(box, 6, 6)
        _, _, word, sign = PLACES[name]
        ink = look.color("panel") if updated else look.color("text" if lit or stage is None else "quiet")
        painter.setPen(ink)
        painter.setFont(theme.font(theme.NORMAL, bold=True))
        half = box.height() / 2
        painter.drawText(box.adjusted(0, 2, 0, -half + 2), Qt.AlignmentFlag.AlignCenter, self._sign(name, sign))
        painter.setFont(theme.font(theme.SMALL - 2))
        word = "updated" if updated else word
        if painter.fontMetrics().horizontalAdvance(word) < box.width() - 4:
            painter.drawText(box.adjusted(0, half - 2, 0, -2), Qt.AlignmentFlag.AlignCenter, word)

    def _sign(self, name: str, sign: str) -> str:
        """The sign, with its number where this stage has one."""
        values = dict(self.stage.values) if self.stage is not None else {}
        wanted = {"d_loss": "L_D", "g_loss": "L_G"}.get(name, "")
        return value_text(values[wanted]) if wanted in values else sign

    def _edge(self, painter: QPainter, boxes: Mapping[str, QRectF], edge: tuple[str, str], lit: bool) -> None:
        look, back = theme.current(), edge not in FORWARD
        start, end = _ends(boxes[edge[0]], boxes[edge[1]])
        if back:
            shift = QPointF(0, 9) if abs(start.y() - end.y()) < abs(start.x() - end.x()) else QPointF(11, 0)
            start, end = start + shift, end + shift
        color = look.color(theme.visible(_COLORS[edge[0]])) if lit else look.color("border")
        pen = QPen(color, 2.5 if lit else 1.2, Qt.PenStyle.DashLine if back else Qt.PenStyle.SolidLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawLine(start, end)
        along = np.array([end.x() - start.x(), end.y() - start.y()])
        along = along / max(float(np.hypot(*along)), 1e-9)
        aside, tip = along[::-1] * [-1, 1], np.array([end.x(), end.y()])
        size = 8 if lit else 6
        corners = [tip, tip - size * (along - 0.5 * aside), tip - size * (along + 0.5 * aside)]
        head = QPainterPath()
        head.addPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
        painter.fillPath(head, color)


def _losses(edges: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of the ways forward, those that end in a loss."""
    return [edge for edge in edges if edge[1].endswith("_loss")]


def _ends(first: QRectF, second: QRectF) -> tuple[QPointF, QPointF]:
    """Where a line between two boxes leaves the first and meets the second."""
    return _meet(first, second.center()), _meet(second, first.center())


def _meet(box: QRectF, towards: QPointF) -> QPointF:
    center = box.center()
    dx, dy = towards.x() - center.x(), towards.y() - center.y()
    share = min(
        (box.width() / 2 + 2) / max(abs(dx), 1e-9),
        (box.height() / 2 + 2) / max(abs(dy), 1e-9),
    )
    return QPointF(center.x() + dx * share, center.y() + dy * share)
