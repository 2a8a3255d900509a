"""What the plane of a GAN is drawn of: colours of opinions, density of the generator, lines, arrows, dots."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPixmap

from genstudio.events import Array, frozen
from genstudio.ui import theme
from genstudio.ui.views.picture_grid import packed

_FINE = 8


def onward(points: Array, index: int, way: tuple[int, int], middle: Array) -> int:
    """The nearest of points (n, 2) on the way from one of them, within 45 degrees; itself where there is none. From -1:
    the one next to the middle."""
    if index < 0:
        return int(np.square(points - middle).sum(1).argmin())
    shift = points.astype(np.float64) - points[index]
    along, aside = shift @ np.array(way), np.abs(shift @ np.array(way[::-1]))
    there = (along > 0) & (aside <= along)
    return int(np.where(there, np.square(shift).sum(1), np.inf).argmin()) if there.any() else index


def opinions() -> Array:
    """256 colours (256, 3) uint8 from orange (fake) over the panel to blue (real), for the theme."""
    return _opinions(theme.current())


@lru_cache(maxsize=4)
def _opinions(look: theme.Theme) -> Array:
    ends = ("#E0851B", look.panel, "#2B7FBD") if not look.dark else ("#C8741A", look.panel, "#2F86C8")
    points = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in ends], np.float64)
    at = np.linspace(-1, 1, 256)
    strength = np.abs(at)[:, None] ** 0.9 * 0.85
    far = np.where(at[:, None] < 0, points[0], points[2])
    return frozen((points[1] * (1 - strength) + far * strength).round().astype(np.uint8))


def image(colors: Array) -> QImage:
    """Colours (h, w, 3) uint8 as a picture."""
    rows = np.ascontiguousarray(packed(colors[None])[0])
    return QImage(rows.data, rows.shape[1], rows.shape[0], rows.strides[0], QImage.Format.Format_RGB32).copy()


def density(mesh: Array, wide: int, high: int) -> NDArray[np.uint8]:
    """How dense a grid (k, k, 2) of equal probabilities lies in each pixel (high, wide), 0 to 255 on a logarithmic scale.

    255 is where the densest tenth of it lies, 1 is a 128th of that, 0 is nothing. Every cell counts as 64 even places.
    """
    steps = (np.arange((len(mesh) - 1) * _FINE) + 0.5) / _FINE
    weights = np.maximum(1 - np.abs(steps[:, None] - np.arange(len(mesh))), 0).astype(np.float32)
    x, y = ((weights @ mesh[..., axis].astype(np.float32) @ weights.T).ravel() for axis in (0, 1))
    inside = (x >= -1) & (x < wide + 1) & (y >= -1) & (y < high + 1)
    rows, columns = (y[inside] + 1).astype(np.int32), (x[inside] + 1).astype(np.int32)
    if not len(rows):
        return np.zeros((high, wide), np.uint8)
    counts: Array = np.bincount(rows * (wide + 2) + columns, minlength=(wide + 2) * (high + 2))
    counts = counts.reshape(high + 2, wide + 2)
    counts = counts[:-2] + counts[1:-1] + counts[2:]
    counts = counts[:, :-2] + counts[:, 1:-1] + counts[:, 2:]
    some = slice(None, None, _FINE)
    top = np.quantile(counts[np.clip(rows[some] - 1, 0, high - 1), np.clip(columns[some] - 1, 0, wide - 1)], 0.9)
    levels = 255 + 254 / 7 * np.log2(np.maximum(counts, 1e-9) / max(top, 1))
    return np.where(counts > 0, np.clip(levels, 1, 255), 0).astype(np.uint8)


@lru_cache(maxsize=4)
def washes(color: int) -> Array:
    """256 strengths of a colour (256,) uint32, premultiplied: from clear to half opaque."""
    alphas = 0.55 * np.arange(256) / 255
    full = QColor(color)
    parts = np.array([255, full.red(), full.green(), full.blue()])
    channels = (alphas[:, None] * parts).round().astype(np.uint32)
    return frozen((channels << np.array([24, 16, 8, 0], np.uint32)).sum(1, dtype=np.uint32))


def strokes(lines: Array) -> QPainterPath:
    """Lines (n, m, 2) through m points each, as one path."""
    connect = np.ones(lines.shape[:2], np.int32)
    connect[:, -1] = 0
    flat = lines.reshape(-1, 2)
    path: QPainterPath = pg.arrayToQPath(flat[:, 0], flat[:, 1], connect.ravel(), finiteCheck=False)
    return path


def arrows(starts: Array, vectors: Array, head: float = 4.0) -> QPainterPath:
    """Arrows from (n, 2) along (n, 2), in pixels, as one path; those that are shorter than a head have none."""
    ends = starts + vectors
    lengths = np.hypot(*vectors.T)
    along = vectors / np.maximum(lengths, 1e-9)[:, None]
    aside = along[:, ::-1] * [-1, 1]
    left, right = ends - head * (along - 0.6 * aside), ends - head * (along + 0.6 * aside)
    path = strokes(np.stack([starts, ends], 1))
    path.addPath(strokes(np.stack([left, ends, right], 1)[lengths > head]))
    return path


@lru_cache(maxsize=32)
def dot(color: str, rim: str, size: float, ratio: float) -> QPixmap:
    """A dot of `size` pixels with a rim: stamping it takes a fifth of the time of drawing it."""
    side = size + 4
    drawn = QPixmap(round(side * ratio), round(side * ratio))
    drawn.setDevicePixelRatio(ratio)
    drawn.fill(Qt.GlobalColor.transparent)
    with QPainter(drawn) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(rim), 1))
        painter.setBrush(QColor(color))
        painter.drawEllipse(QPointF(side / 2, side / 2), size / 2 + 0.5, size / 2 + 0.5)
    return drawn
