"""What all views share: they draw only while seen, and every figure can be copied, saved and read as numbers."""

from __future__ import annotations

import csv
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar, cast

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QContextMenuEvent,
    QFontMetricsF,
    QGuiApplication,
    QImage,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QPicture,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QFileDialog, QMenu, QToolButton, QWidget
from shiboken6 import VoidPtr

from genstudio.errors import Failure, StorageError
from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.layouts import single_shot
from genstudio.ui.widgets import icon_button

S = TypeVar("S")

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE = Qt.AlignmentFlag.AlignCenter
NO_DATA = "No data yet"
"""Said before a training has come to its first step, and while a run is being read."""
NO_TEXT = "Waiting for a model and some text"
"""Said of a page of the Playground until a model has looked at a text: while it is being read, too."""
Table: TypeAlias = tuple[Sequence[str], Iterable[Sequence[Any]]]
"""The names of columns, and rows."""
_REDRAW_MS = 50
_SLICE = 4096


class View(QWidget, Generic[S]):
    """Shows one kind of snapshot. The newest is remembered, and drawn only while the view is visible."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshot: S | None = None
        self._missed = False

    def show_snapshot(self, snapshot: S) -> None:
        """Replace what is shown."""
        self.snapshot = snapshot
        if self.isVisible():
            self.draw(snapshot)
        else:
            self._missed = True

    def draw(self, snapshot: S) -> None:
        """Put the snapshot on the screen; for the sub-class to say."""
        raise NotImplementedError

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._missed and self.snapshot is not None:
            self._missed = False
            self.draw(self.snapshot)


class Figure(QWidget):
    """A picture that a painter makes: redrawn at most 20 times a second, and only while seen.

    Sub-classes say `paint_figure` and, where there are numbers, `table`. The menu (button, right click or menu key)
    copies, saves and resets. `failed` carries a Failure if a file could not be written.
    """

    failed = Signal(object)
    live_share = 0.01
    slowest_ms = 1000
    _hover: Any = None
    """What the pointer rests on, where a sub-class follows it."""

    def __init__(self, title: str, name: str = "") -> None:
        super().__init__()
        self.title = title
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._cache: QPixmap | None = None
        self._drawn_at = 0.0
        self.cost_ms = 0.0
        self._timer = single_shot(self)
        self._writing: Iterator[None] = iter(())
        self._writer = QTimer(self)
        self._writer.timeout.connect(self._write_on)
        self.menu = QMenu(self)
        self.menu_button = icon_button("menu", "figure_menu", f"{title}: copy, save, options")
        self.menu_button.setParent(self)
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu_button.setMenu(self.menu)
        self.menu_button.setFixedSize(24, 24)
        self._fill_menu()
        self._timer.timeout.connect(self._redraw)
        theme.changed.connect(self._recolour)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        """Draw everything that a saved picture should hold into this area."""
        raise NotImplementedError

    def paint_hover(self, painter: QPainter) -> None:
        """Draw what follows the pointer, over the figure; not part of a saved picture."""

    def table(self) -> Table:
        """The figure's numbers: column names and rows. Rows are read when the figure may show something else already: they
        hold what was shown."""
        return (), ()

    def clear(self) -> None:
        """Forget what was shown."""
        self.redraw()

    def reset_zoom(self) -> None:
        """Show everything again."""

    def redraw(self, live: bool = False) -> None:
        """Draw again soon; calls that come close together cost one drawing, and none while hidden.

        What comes from a training (`live`) is drawn as often as it takes `live_share` of a core, and every `slowest_ms`
        at least: a training on the same cores pays for every drawing.
        """
        if self.isVisible():
            pause = min(max(_REDRAW_MS, self.cost_ms / self.live_share), self.slowest_ms) if live else _REDRAW_MS
            left = max(0, round(pause - (time.monotonic() - self._drawn_at) * 1000))
            if not self._timer.isActive() or self._timer.remainingTime() > left:
                self._timer.start(left)
        else:
            self._cache = None

    def draw_now(self) -> None:
        """Draw at once what waits to be drawn, if anything does."""
        if self._timer.isActive():
            self._timer.stop()
            self._redraw()
            self.repaint()

    def drawn(self) -> None:
        """Count the time to the next drawing from now."""
        self._drawn_at = time.monotonic()

    def image(self) -> QImage:
        """The figure as a picture at the screen's resolution."""
        ratio = self.devicePixelRatioF()
        picture = QImage(self.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        picture.setDevicePixelRatio(ratio)
        picture.fill(theme.current().color("panel"))
        with QPainter(picture) as painter:
            self.paint_figure(painter, QRectF(self.rect()))
        return picture

    def save(self, path: Path) -> None:
        """Write the figure as PNG, SVG or CSV by the file's suffix. Raises StorageError."""
        kind = path.suffix.lower()
        try:
            if kind == ".csv":
                for _ in self._save_csv(path):
                    pass
            elif kind == ".svg":
                self._save_svg(path)
            elif not self.image().save(str(path)):
                raise OSError("the image could not be written")
        except OSError as error:
            raise _unsaved(error, path) from error

    def copy_image(self) -> None:
        QGuiApplication.clipboard().setImage(self.image())

    def paintEvent(self, _event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._cache is None or self._cache.size() != self.size() * ratio:
            began = time.thread_time()
            self._cache = QPixmap(self.size() * ratio)
            self._cache.setDevicePixelRatio(ratio)
            self._cache.fill(theme.current().color("window"))
            with QPainter(self._cache) as painter:  # left open by an error, it would end the process
                self._paint_card(painter)
                self.paint_figure(painter, QRectF(self.rect()))
            self.drawn()
            took = 1000 * (time.thread_time() - began)
            self.cost_ms += (took - self.cost_ms) * (0.2 if self.cost_ms else 1.0)  # some clocks are coarse
        with QPainter(self) as painter:
            painter.drawPixmap(0, 0, self._cache)
            self.paint_hover(painter)
            self._paint_focus(painter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.menu_button.move(self.width() - self.menu_button.width() - 4, 4)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if self._hover is not None:
            self._hover = None
            self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu.popup(event.globalPos())

    def sizeHint(self) -> QSize:
        return QSize(480, 240)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 100)

    def _paint_card(self, painter: QPainter) -> None:
        look = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(look.color("line"), 1))
        painter.setBrush(look.color("panel"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)

    def _paint_focus(self, painter: QPainter) -> None:
        """A frame around the figure that the keys go to."""
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.current().color("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)

    def _redraw(self) -> None:
        self._cache = None
        self.update()

    def _recolour(self, _theme: object) -> None:
        self._redraw()

    def _action(self, text: str, name: str, run: Callable[[], object], shortcut: QKeySequence | str = "") -> QAction:
        action = QAction(text, self)
        action.setObjectName(name)
        if shortcut:
            action.setShortcut(shortcut)
        action.triggered.connect(lambda _checked=False: run())
        self.menu.addAction(action)
        return action

    def _fill_menu(self) -> None:
        self._action("Copy image", "figure_copy", self.copy_image)
        self._action("Save as PNG…", "figure_png", lambda: self._ask("PNG picture (*.png)", ".png"))
        self._action("Save as SVG…", "figure_svg", lambda: self._ask("SVG drawing (*.svg)", ".svg"))
        self._action("Save numbers as CSV…", "figure_csv", lambda: self._ask("Table (*.csv)", ".csv"))
        self.menu.addSeparator()
        self._action("Reset zoom", "figure_reset", self.reset_zoom)

    def _ask(self, kinds: str, suffix: str) -> None:
        name = "".join(letter if letter.isalnum() else "_" for letter in self.title.lower()) + suffix
        chosen, _ = QFileDialog.getSaveFileName(self, "Save figure", name, kinds)
        if not chosen:
            return
        path = Path(chosen)
        path = path if path.suffix else path.with_suffix(suffix)
        if path.suffix.lower() == ".csv":
            self._writing = self._save_csv(path)
            self._writer.start()
        else:
            self._attempt(lambda: self.save(path))

    def _write_on(self) -> None:
        """One slice of the table, so that a million rows never hold up the window."""
        if not self._attempt(lambda: next(self._writing)):
            self._writer.stop()

    def _attempt(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except StopIteration:
            return False
        except StorageError as error:
            self.failed.emit(Failure.of(error))
            return False
        return True

    def _save_csv(self, path: Path) -> Iterator[None]:
        """Write the table in slices of some milliseconds; the file appears under its name once it is whole."""
        header, rows = self.table()
        numbers, part = iter(rows), path.with_name(f"{path.name}.part")
        try:
            with part.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(header)
                while some := list(itertools.islice(numbers, _SLICE)):
                    writer.writerows(some)
                    yield
            part.replace(path)
        except OSError as error:
            raise _unsaved(error, path) from error
        finally:
            part.unlink(missing_ok=True)

    def _save_svg(self, path: Path) -> None:
        path.touch()
        drawing = QSvgGenerator()
        drawing.setFileName(str(path))
        drawing.setResolution(QPicture().logicalDpiX())  # otherwise the parts that were recorded have another size
        drawing.setSize(self.size())
        drawing.setViewBox(self.rect())
        drawing.setTitle(self.title)
        with QPainter(drawing) as painter:
            painter.fillRect(self.rect(), theme.current().color("panel"))
            self.paint_figure(painter, QRectF(self.rect()))


def _unsaved(error: OSError, path: Path) -> StorageError:
    return StorageError(f"The figure was not saved: {error.strerror or error}.", "Choose another place.", path)


class SnapshotFigure(Figure, Generic[S]):
    """A Figure of one kind of snapshot: `show_snapshot` remembers, drawing happens only while seen."""

    def __init__(self, title: str, name: str = "") -> None:
        super().__init__(title, name)
        self.snapshot: S | None = None

    def show_snapshot(self, snapshot: S) -> None:
        """Replace what is shown."""
        self.snapshot = snapshot
        self.prepare(snapshot)
        self.redraw()

    def clear(self) -> None:
        self.snapshot = None
        super().clear()

    def prepare(self, snapshot: S) -> None:
        """Forget what was worked out of the snapshot before; cheap, for it runs while hidden too."""


def paint_title(painter: QPainter, title: str, note: str, area: QRectF) -> None:
    """The figure's name at its top left, a quiet note after it."""
    look = theme.current()
    painter.setFont(theme.font(theme.NORMAL, bold=True))
    painter.setPen(look.color("text"))
    at = QPointF(area.left() + 12, area.top() + 21)
    painter.drawText(at, title)
    if note:
        width = painter.fontMetrics().horizontalAdvance(title)
        write_quietly(painter)
        room = area.width() - width - 66
        words = painter.fontMetrics().elidedText(note, Qt.TextElideMode.ElideRight, int(max(room, 0)))
        painter.drawText(at + QPointF(width + 10, 0), words)


def write_quietly(painter: QPainter) -> None:
    """What is written next is small and quiet."""
    painter.setFont(theme.font(theme.SMALL, tabular=True))
    painter.setPen(theme.current().color("quiet"))


def paint_empty(painter: QPainter, area: QRectF, words: str) -> None:
    """Quiet words in the middle of a figure that has nothing to show yet."""
    write_quietly(painter)
    painter.drawText(area.adjusted(12, 24, -12, -8), CENTRE | Qt.TextFlag.TextWordWrap, words)


def most_probable(probabilities: Array, most: int) -> Array:
    """Indices of the largest of probabilities (V,), at most so many, from the largest on; of equals, the first."""
    most = min(len(probabilities), most)
    top = np.argpartition(-probabilities, most - 1)[:most] if most else np.empty(0, np.int64)
    return np.asarray(top[np.lexsort((top, -probabilities[top]))])


_VISIBLE = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍", "": "∅"}


def token_text(piece: str) -> str:
    """A token as it can be seen: spaces, line ends and control characters have a sign."""
    if piece in _VISIBLE:
        return _VISIBLE[piece]
    shown = "".join(_VISIBLE.get(letter, letter) if letter != " " else letter for letter in piece)
    shown = f"␣{shown[1:]}" if shown.startswith(" ") else shown
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in shown)


def polyline(x: Array, y: Array) -> QPolygonF:
    """Points (n,) and (n,) in pixels as a polygon, without a Python object per point."""
    line = QPolygonF()
    if len(x):
        line.resize(len(x))
        memory: Any = cast(Any, VoidPtr)(line.data(), len(x) * 16, True)
        points = np.frombuffer(memory, dtype=np.float64).reshape(-1, 2)
        points[:, 0], points[:, 1] = x, y
    return line


Lines = Sequence[tuple[QColor | None, str, str]]


def bubble_box(at: QPointF, lines: Lines, area: QRectF, title: str = "") -> QRectF:
    """Where `bubble` paints its card."""
    metrics = QFontMetricsF(theme.font(theme.SMALL, tabular=True))
    dot = 12 if any(color is not None for color, _, _ in lines) else 0
    names = max((metrics.horizontalAdvance(name) for _, name, _ in lines), default=0)
    values = max((metrics.horizontalAdvance(value) for _, _, value in lines), default=0)
    width = max(dot + names + (12 if names and values else 0) + values, metrics.horizontalAdvance(title)) + 16
    height = (metrics.height() + 1) * (len(lines) + bool(title)) + 10
    x = at.x() + 12 if at.x() + 12 + width <= area.right() else at.x() - 12 - width
    y = min(max(at.y() - height / 2, area.top() + 2), area.bottom() - height - 2)
    return QRectF(max(x, area.left() + 2), y, width, height)


def bubble(painter: QPainter, at: QPointF, lines: Lines, area: QRectF, title: str = "") -> None:
    """A small card beside a point: a title, then lines of (colour of the dot or None, name, value), kept inside `area`."""
    look = theme.current()
    painter.setFont(theme.font(theme.SMALL, tabular=True))
    metrics = QFontMetricsF(painter.font())
    dot, row = 12 if any(color is not None for color, _, _ in lines) else 0, metrics.height() + 1
    box = bubble_box(at, lines, area, title)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(look.color("border"))
    painter.setBrush(look.color("panel", 0.96))
    painter.drawRoundedRect(box, 6, 6)
    baseline = box.top() + 5 + metrics.ascent()
    if title:
        painter.setPen(look.color("quiet"))
        painter.drawText(QPointF(box.left() + 8, baseline), title)
        baseline += row
    for color, name, value in lines:
        if color is not None:
            painter.setPen(QColor(0, 0, 0, 0))
            painter.setBrush(color)
            painter.drawEllipse(QPointF(box.left() + 12, baseline - metrics.ascent() / 2 + 1), 3.5, 3.5)
        painter.setPen(look.color("quiet"))
        painter.drawText(QPointF(box.left() + 8 + dot, baseline), name)
        painter.setPen(look.color("text"))
        painter.drawText(QPointF(box.right() - 8 - metrics.horizontalAdvance(value), baseline), value)
        baseline += row
