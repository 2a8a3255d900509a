"""Figures made of pyqtgraph's items: what they share with painted figures, and the few items that it lacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPicture, QResizeEvent, QShowEvent
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsItem,
    QGraphicsScene,
    QGraphicsSimpleTextItem,
    QGraphicsTextItem,
    QStyleOptionGraphicsItem,
    QWidget,
)

from genstudio.ui import theme
from genstudio.ui.views.view import Figure, bubble, bubble_box

_INSET = 3

# every item here has a scene; without this, leaving the program walks through all objects that torch brought
pg.setConfigOptions(exitCleanup=False, mouseRateLimit=0, useOpenGL=False)


class _View(pg.GraphicsView):
    """Knows what its last painting cost, in milliseconds."""

    cost_ms = 0.0

    def paintEvent(self, event: QPaintEvent) -> None:
        began = time.perf_counter()
        super().paintEvent(event)
        self.cost_ms = 1000 * (time.perf_counter() - began)


class SceneFigure(Figure):
    """A Figure whose picture is a scene of items. Sub-classes say `draw`, which brings the items up to date.

    `unclipped` while it draws for a file that knows no clipping (SVG): nothing may lie outside its box then.
    """

    def __init__(self, title: str, name: str = "") -> None:
        super().__init__(title, name)
        self.view = _View(self, background=theme.current().panel)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setViewportUpdateMode(pg.GraphicsView.ViewportUpdateMode.BoundingRectViewportUpdate)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.view.viewport().setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.scene = self.view.scene()
        self.unclipped = False
        self._text_zoom = theme.zoom()
        self.bubble = Bubble(self)
        self.scene.addItem(self.bubble)
        self.menu_button.raise_()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def draw(self) -> None:
        """Bring the items up to date."""
        raise NotImplementedError

    def recolour(self) -> None:
        """Give the items the colours of the theme."""

    def hovering(self) -> Sequence[QGraphicsItem]:
        """The items that follow the pointer, and are no part of a saved picture."""
        return [self.bubble]

    def room(self) -> QRectF:
        """The part of the scene that is seen, in pixels."""
        return QRectF(0, 0, self.width() - 2 * _INSET, self.height() - 2 * _INSET)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        self.unclipped = isinstance(painter.device(), QSvgGenerator)
        self.draw()
        hidden = [item for item in self.hovering() if item.isVisible()]
        exported = [item for item in self.scene.items() if hasattr(item, "setExportMode")]
        try:
            for item in hidden:
                item.hide()
            for item in exported:
                item.setExportMode(True, {"antialias": item.opts.get("antialias", True)} if _has_opts(item) else {})
            target = area.adjusted(_INSET, _INSET, -_INSET, -_INSET)
            self.scene.render(painter, target, self.room(), Qt.AspectRatioMode.IgnoreAspectRatio)
        finally:
            for item in exported:
                item.setExportMode(False)
            for item in hidden:
                item.show()
            self.unclipped = False

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            self._paint_card(painter)
            self._paint_focus(painter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.view.setGeometry(self.rect().adjusted(_INSET, _INSET, -_INSET, -_INSET))
        self._redraw()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._redraw()

    def _redraw(self) -> None:
        if self.isVisible():
            began = time.perf_counter()
            self.drawn()
            self.draw()
            self.scene.prepareForPaint()  # what it changes would be painted once more
            self.cost_ms = 1000 * (time.perf_counter() - began) + self.view.cost_ms

    def _rescale(self, ratio: float) -> None:
        """Text of another size: all of it was made in that of before."""
        for item in self.scene.items():
            if isinstance(item, QGraphicsSimpleTextItem | QGraphicsTextItem) and item.font().pixelSize() > 0:
                font = item.font()
                font.setPixelSize(max(round(font.pixelSize() * ratio), 1))
                item.setFont(font)

    def _recolour(self, _theme: object) -> None:
        self.view.setBackground(theme.current().panel)
        if self._text_zoom != theme.zoom():
            self._rescale(theme.zoom() / self._text_zoom)
            self._text_zoom = theme.zoom()
        self.recolour()
        self.update()
        self.redraw()


class Painted(QGraphicsItem):
    """An item that a function paints, in pixels of the scene: once for each `paint_into`, not at every exposure."""

    def __init__(self, paint: Callable[[QPainter], None], z: float = 0) -> None:
        super().__init__()
        self._paint = paint
        self._area, self._picture = QRectF(), QPicture()
        self.setZValue(z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def paint_into(self, area: QRectF) -> None:
        """Paint again, here. An error comes back to the caller; in `paint` it would end the process."""
        picture = QPicture()
        with QPainter(picture) as painter:
            self._paint(painter)
        if area != self._area:
            self.prepareGeometryChange()
        self._area, self._picture = QRectF(area), picture
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(self._area)

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        self._picture.play(painter)


class Bubble(Painted):
    """The card beside the pointer."""

    def __init__(self, figure: SceneFigure) -> None:
        super().__init__(self._paint_bubble, 100)
        self._figure = figure
        self._shown: tuple[Any, ...] | None = None
        self.hide()

    def say(self, at: QPointF, lines: Sequence[tuple[QColor | None, str, str]], title: str = "") -> None:
        """Show lines of (colour of the dot or None, name, value) beside a point."""
        self._shown = at, lines, self._figure.room(), title
        self.paint_into(bubble_box(*self._shown).adjusted(-2, -2, 2, 2))
        self.show()

    def _paint_bubble(self, painter: QPainter) -> None:
        if self._shown is not None:
            bubble(painter, *self._shown)


def words(scene: QGraphicsScene, font: QFont, text: str = "") -> QGraphicsSimpleTextItem:
    """A line of text in the scene."""
    item = QGraphicsSimpleTextItem(text)
    item.setFont(font)
    scene.addItem(item)
    return item


def _has_opts(item: QGraphicsItem) -> bool:
    return isinstance(getattr(item, "opts", None), dict)
