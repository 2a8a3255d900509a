"""Pictures and texts that belong together: how alike each is to each, and where both lie in one plane."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPen

from genstudio.events import Array
from genstudio.snapshots.matching import Meeting, Similarity
from genstudio.ui import theme
from genstudio.ui.views.picture_grid import picture
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import (
    NO_DATA,
    RIGHT,
    Lines,
    SnapshotFigure,
    Table,
    paint_empty,
    paint_title,
    write_quietly,
)

_TOP, _EDGE, _LEAST_TEXT, _MOST_WORDS = 34.0, 12.0, 10.0, 0.42
_THUMB = 18.0


class SimilarityView(SnapshotFigure[Similarity], PointedFigure[tuple[int, int]]):
    """A row for each text, a column for each picture; the darker, the larger their cosine or other score. What belongs together
    is on the diagonal, in another colour. Point at a cell, or use the arrow keys, for both and their score."""

    def __init__(self, title: str = "Similarity", name: str = "similarity") -> None:
        super().__init__(title, name)
        self._pictures: list[QImage] = []

    def prepare(self, snapshot: Similarity) -> None:
        self.hover = None
        self._pictures = _images(snapshot.pixels)
        n = len(snapshot.texts)
        right = int((snapshot.cosines.argmax(1) == np.arange(n)).sum())
        self.setAccessibleDescription(f"{right} of {n} texts are nearest to their own picture")

    def table(self) -> Table:
        if self.snapshot is None:
            return (), ()
        shown = self.snapshot
        rows = zip(shown.texts, shown.cosines.tolist(), strict=True)
        return ("text", *(f"picture {n + 1}" for n in range(len(shown.texts)))), ((text, *row) for text, row in rows)

    def cell(self, row: int, column: int) -> QRectF:
        """Where a cell is drawn; row -1 are the pictures."""
        size = 1 if self.snapshot is None else len(self.snapshot.texts)
        left = self._words() + _EDGE
        side = max(2.0, min((self.width() - left - _EDGE) / size, (self.height() - _TOP - _EDGE) / (size + 1.2), 40.0))
        return QRectF(left + column * side, _TOP + (row + 1.2) * side, side, side)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.snapshot
        n = 0 if shown is None else len(shown.texts)
        note = "" if shown is None else f"step {shown.step:,}  ·  {shown.score} of each held-out caption with each picture"
        paint_title(painter, self.title, note, area)
        if shown is None or not n:
            paint_empty(painter, area, NO_DATA)
            return
        look, metrics = theme.current(), QFontMetricsF(theme.font(theme.SMALL))
        write_quietly(painter)
        best = shown.cosines.argmax(1)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for column in range(n):
            painter.drawImage(self.cell(-1, column).adjusted(0.5, 0, -0.5, -1).translated(0, -0.1 * self.cell(0, 0).height()),
                              self._pictures[column])  # fmt: skip
        for row, text in enumerate(shown.texts):
            place = self.cell(row, 0)
            if place.height() >= _LEAST_TEXT:
                painter.setPen(look.color("text"))
                words = metrics.elidedText(text, Qt.TextElideMode.ElideRight, self._words() - 4)
                painter.drawText(QRectF(_EDGE, place.top(), self._words() - 4, place.height()), RIGHT, words)
            for column in range(n):
                box = self.cell(row, column).adjusted(0.5, 0.5, -0.5, -0.5)
                hue = theme.BLUE if row == column else theme.ORANGE
                painter.fillRect(box, look.color("raised"))
                painter.fillRect(box, look.color(theme.visible(hue), min(1.0, max(0.0, float(shown.cosines[row, column])))))
            painter.setPen(QPen(look.color("text"), 1.4))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.cell(row, int(best[row])).adjusted(1, 1, -1, -1))

    def mark_at(self, point: QPointF) -> tuple[int, int] | None:
        if self.snapshot is None:
            return None
        first, size = self.cell(0, 0), len(self.snapshot.texts)
        column, row = int((point.x() - first.left()) // first.width()), int((point.y() - first.top()) // first.height())
        return (row, column) if 0 <= row < size and 0 <= column < size else None

    def beside(self, mark: tuple[int, int] | None, right: int, down: int) -> tuple[int, int] | None:
        if self.snapshot is None:
            return None
        size = len(self.snapshot.texts)
        return (0, 0) if mark is None else (moved(mark[0], down, size), moved(mark[1], right, size))

    def card(self, mark: tuple[int, int]) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        row, column = mark
        shown = self.snapshot
        place = int((shown.cosines[row] > shown.cosines[row, column]).sum()) + 1
        lines: Lines = [(None, "picture of", shown.texts[column]), (None, shown.score, f"{shown.cosines[row, column]:.3f}"),
                        (None, "place", f"{place} of {len(shown.texts)}")]  # fmt: skip
        return self.cell(row, column).center(), lines, shown.texts[row]

    def _words(self) -> float:
        """Pixels for the texts."""
        if self.snapshot is None or not self.snapshot.texts:
            return 0.0
        metrics = QFontMetricsF(theme.font(theme.SMALL))
        return min(max(metrics.horizontalAdvance(text) for text in self.snapshot.texts) + 8, _MOST_WORDS * self.width())


class MeetingView(SnapshotFigure[Meeting], PointedFigure[int]):
    """Pictures where their vectors lie, and a dot for each caption, joined to its picture: the shorter the lines, the nearer what
    belongs together. Point at a picture or a dot for its caption."""

    def __init__(self, title: str = "Where both meet", name: str = "meeting") -> None:
        super().__init__(title, name)
        self._pictures: list[QImage] = []

    def prepare(self, snapshot: Meeting) -> None:
        self.hover = None
        self._pictures = _images(snapshot.pixels)
        self.setAccessibleDescription(f"{len(snapshot.texts)} pictures and their captions, along the two directions in which "
            "they differ most")  # fmt: skip

    def table(self) -> Table:
        if self.snapshot is None:
            return (), ()
        shown = self.snapshot
        rows = zip(shown.texts, shown.pictures.tolist(), shown.captions.tolist(), strict=True)
        return ("caption", "picture x", "picture y", "caption x", "caption y"), ((text, *p, *c) for text, p, c in rows)

    def places(self) -> tuple[Array, Array]:
        """Pixels of the pictures and of the captions, (n, 2) each."""
        assert self.snapshot is not None
        both = np.concatenate([self.snapshot.pictures, self.snapshot.captions]).astype(np.float64)
        low, high = both.min(0), both.max(0)
        room = np.array([self.width() - 2 * _EDGE - _THUMB, self.height() - _TOP - 2 * _EDGE - _THUMB])
        scale = np.min(room / np.maximum(high - low, 1e-9))
        middle = np.array([self.width() / 2, (self.height() + _TOP) / 2])
        at = (both - (low + high) / 2) * (scale, -scale) + middle
        return at[: len(at) // 2], at[len(at) // 2 :]

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.snapshot
        explained = "" if shown is None or not shown.explained else f"  ·  {sum(shown.explained):.0%} of all differences"
        note = "" if shown is None else f"step {shown.step:,}  ·  a dot for each caption, joined to its picture{explained}"
        paint_title(painter, self.title, note, area)
        if shown is None or not shown.texts:
            paint_empty(painter, area, NO_DATA)
            return
        pictures, captions = self.places()
        look = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(look.color("quiet"), 1))
        for a, b in zip(pictures, captions, strict=True):
            painter.drawLine(QPointF(*a), QPointF(*b))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for at, image in zip(pictures, self._pictures, strict=True):
            box = QRectF(0, 0, _THUMB, _THUMB)
            box.moveCenter(QPointF(*at))
            painter.drawImage(box, image)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.color(theme.visible(theme.ORANGE)))
        for at in captions:
            painter.drawEllipse(QPointF(*at), 3.5, 3.5)

    def mark_at(self, point: QPointF) -> int | None:
        if self.snapshot is None or not self.snapshot.texts:
            return None
        far = np.minimum(*(np.hypot(*(each - (point.x(), point.y())).T) for each in self.places()))
        return int(far.argmin()) if far.min() < _THUMB else None

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        if self.snapshot is None or not self.snapshot.texts:
            return None
        return 0 if mark is None else moved(mark, right + down, len(self.snapshot.texts))

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        pictures, captions = self.places()
        lines: Lines = [(None, "apart", f"{np.hypot(*(self.snapshot.pictures[mark] - self.snapshot.captions[mark])):.3f}")]
        return QPointF(*((pictures[mark] + captions[mark]) / 2)), lines, self.snapshot.texts[mark]


def _images(pixels: Array) -> list[QImage]:
    return [picture(one) for one in pixels]
