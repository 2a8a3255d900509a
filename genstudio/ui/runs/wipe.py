"""Two figures of the same kind in one place, with a line between them that can be moved."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

from genstudio.families.dashboard import Pane
from genstudio.snapshots.samples import Pictures, Plane
from genstudio.ui import theme
from genstudio.ui.layouts import named, vbox
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.views.plane import PlaneView

Shown = Pictures | Plane
_TICKS = 1000


class _Curtain(QWidget):
    """The first picture left of the line, the second right of it. `moved(share)` when a person drags the line."""

    moved = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.share = 0.5
        self.sides: tuple[tuple[Pane, Shown], ...] = ()
        self._images: tuple[QImage, ...] = ()
        theme.changed.connect(self._recolour)

    def show_sides(self, sides: tuple[tuple[Pane, Shown], ...]) -> None:
        self.sides, self._images = sides, ()
        self.update()

    def set_share(self, share: float) -> None:
        self.share = share
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if len(self.sides) != 2:
            return
        if not self._images:
            self._images = tuple(self._image(pane, shown) for pane, shown in self.sides)
        x = self.share * self.width()
        ratio = self.devicePixelRatioF()
        with QPainter(self) as painter:
            for image, left, right in zip(self._images, (0.0, x), (x, float(self.width())), strict=True):
                target = QRectF(left, 0, right - left, self.height())
                painter.drawImage(target, image, QRectF(left * ratio, 0, (right - left) * ratio, self.height() * ratio))
            painter.setPen(QPen(theme.current().color("accent"), 2))
            painter.drawLine(round(x), 0, round(x), self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._images = ()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.moved.emit(min(max(event.position().x() / max(self.width(), 1), 0.0), 1.0))

    def _image(self, pane: Pane, shown: Shown) -> QImage:
        figure: PicturesView | PlaneView
        if isinstance(shown, Pictures):
            figure = PicturesView(pane.title, "wiped_pictures", score=pane.score)
            figure.show_snapshot(shown)
        else:
            figure = PlaneView(pane)
            figure.show_snapshot(shown)
        figure.resize(self.size())
        image = figure.image()
        figure.deleteLater()
        return image

    def _recolour(self, _theme: object) -> None:
        self._images = ()
        self.update()


class Wipe(QWidget):
    """Two pictures or two planes, and a slider that moves the line between them."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("runs_wipe")
        self.curtain = named(_Curtain(), "runs_wiped", "Left of the line the first run, right of it the second")
        self.slider = named(QSlider(Qt.Orientation.Horizontal), "runs_wipe_slider", "Line between the two runs")
        self.slider.setRange(0, _TICKS)
        self.slider.setValue(_TICKS // 2)
        self.slider.setPageStep(_TICKS // 10)
        self.slider.setSingleStep(_TICKS // 50)
        vbox((self.curtain, 1), self.slider, into=self, spacing=4)
        self.slider.valueChanged.connect(lambda value: self.curtain.set_share(value / _TICKS))
        self.curtain.moved.connect(lambda share: self.slider.setValue(round(share * _TICKS)))

    def show_sides(self, one: tuple[Pane, Shown], other: tuple[Pane, Shown]) -> None:
        """Show these two."""
        self.curtain.show_sides((one, other))
