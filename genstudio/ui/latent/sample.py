"""One sample looked at closely: larger, with its noise, its score, and the training samples it is nearest to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QMouseEvent, QPainter
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QWidget

from genstudio.errors import Failure
from genstudio.events import Array, Frame
from genstudio.families.dashboard import Pane
from genstudio.snapshots.samples import Pictures
from genstudio.tasks.inspect_sample import InspectSample, SampleReport, SaveSample, Shown
from genstudio.tasks.models import ModelRef
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import hbox, vbox
from genstudio.ui.parts import scrolled
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.picture_grid import picture
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.views.view import Figure, Table, bubble, paint_title
from genstudio.ui.widgets import EmptyState, button, plain_label

_EMPTY = "Click a sample, or press Enter on it, to see it larger, with {}."


class SampleFigure(Figure):
    """One picture as large as fits, every pixel a square; of a point, where it lies in words."""

    def __init__(self) -> None:
        super().__init__("Sample", "sample_figure")
        self.pixels: Array | None = None
        self.note = ""
        self.setFixedHeight(196)

    def show_pixels(self, pixels: Array | None, note: str) -> None:
        self.pixels, self.note = pixels, note
        self.setAccessibleDescription(note)
        self.redraw()

    def table(self) -> Table:
        if self.pixels is None:
            return (), ()
        colors = ("grey",) if self.pixels.shape[2] == 1 else ("red", "green", "blue")
        return ("row", "column", *colors), (
            (y, x, *values) for y, line in enumerate(self.pixels.tolist()) for x, values in enumerate(line)
        )

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, self.note, area)
        if self.pixels is None:
            return
        drawn, room = picture(self.pixels), area.adjusted(12, 32, -12, -12)
        size = drawn.size().toSizeF().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        corner = room.center() - QPointF(size.width() / 2, size.height() / 2)
        painter.drawImage(QRectF(corner, size), drawn)


def _judged(found: SampleReport, pane: Pane) -> str:
    """Where a point lies, and what the model of its step thinks of the sample, in the words of its pane."""
    points = found.features is None
    x, y = found.sample.tolist() if points else (0.0, 0.0)
    place = f"{pane.made.capitalize()} {found.index + 1} at ({x:.3g}, {y:.3g}). " if points else ""
    if found.score is None:
        return f"{place}Step {found.step:,}."
    meaning = pane.meaning or (", ".join(pane.ends) if found.bounded else "higher = more real")
    return f"{place}{pane.score} at step {found.step:,}: {value_text(found.score)} ({meaning})."


class LatentBars(Figure):
    """The numbers of a latent (n,) as bars to both sides of zero."""

    def __init__(self) -> None:
        super().__init__("Noise z", "latent_bars")
        self.latent: Array = np.zeros(0, np.float32)
        self._hover: QPointF | None = None
        self.setMouseTracking(True)
        self.setFixedHeight(112)

    def show_latent(self, latent: Array) -> None:
        self.latent = latent
        norm = float(np.linalg.norm(latent))
        self.setAccessibleDescription(f"{len(latent)} numbers, length {value_text(norm)}")
        self.redraw()

    def table(self) -> Table:
        return ("index", "value"), enumerate(self.latent.tolist(), 1)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look, count = theme.current(), len(self.latent)
        norm = value_text(float(np.linalg.norm(self.latent)))
        paint_title(painter, self.title, f"{count} numbers, length {norm}" if count else "", area)
        if not count:
            return
        plot = self._plot(area)
        most = max(float(np.abs(self.latent).max()), 1e-9)
        middle, wide = plot.center().y(), plot.width() / count
        painter.setPen(look.color("line"))
        painter.drawLine(QPointF(plot.left(), middle), QPointF(plot.right(), middle))
        painter.setPen(Qt.PenStyle.NoPen)
        for index, value in enumerate(self.latent.tolist()):
            painter.setBrush(QColor(theme.visible(theme.BLUE if value >= 0 else theme.ORANGE)))
            high = plot.height() / 2 * value / most
            left = plot.left() + index * wide
            painter.drawRect(QRectF(left, middle - max(high, 0), max(min(wide - 1, 28), 1), abs(high)))

    def paint_hover(self, painter: QPainter) -> None:
        if self._hover is None or not len(self.latent):
            return
        plot = self._plot(QRectF(self.rect()))
        index = int((self._hover.x() - plot.left()) / plot.width() * len(self.latent))
        if plot.contains(self._hover) and 0 <= index < len(self.latent):
            words = [(None, f"z {index + 1}", value_text(float(self.latent[index])))]
            bubble(painter, self._hover, words, QRectF(self.rect()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = event.position()
        self.update()

    def _plot(self, area: QRectF) -> QRectF:
        return area.adjusted(12, 34, -12, -10)


class SamplePage(QWidget):
    """Looks at one sample of the run that is shown. `failed(Failure)` if that or saving a figure went wrong;
    `again_wanted(index)`: look at this one as it is shown by now. `judges`: the model says how real it finds a sample; `noise`:
    it makes samples from noise."""

    failed = Signal(object)
    again_wanted = Signal(int)

    def __init__(self, engine: Engine, *, judges: bool, noise: bool) -> None:
        super().__init__()
        self.setObjectName("sample_page")
        beside = ["the noise it was generated from, "] * noise + ["how real the model judges it, "] * judges
        self._empty = _EMPTY.format("".join(beside) + "and " * bool(beside) + "the nearest training samples")
        self._pane = Pane((), "")
        self._engine = engine
        self._job = ""
        self._next: InspectSample | None = None
        self._asked: InspectSample | None = None
        self.found: SampleReport | None = None
        self.picture, self.latent = SampleFigure(), LatentBars()
        self.words = plain_label(wrap=True, name="sample_words")
        self.plain = PicturesView("Nearest by pixels", "nearest_plain", dated=False)
        self.features = PicturesView("Nearest by features", "nearest_features", "encoder trained here", dated=False)
        self.verdict = plain_label(role="quiet", wrap=True, name="sample_verdict")
        self.again = button("Refresh", "sample_again", "refresh", "Inspect this sample as it is shown now",
            self.refresh)
        self.copy = button("Copy", "sample_copy", "copy", "Copy the picture", self._copy)
        self.save = button(
            "Save", "sample_save", "save", "Save this sample: the picture, or the picture with its noise", self._choose
        )
        self.saved = plain_label(role="quiet", wrap=True, name="sample_saved")
        self.saved.hide()
        for nearest in (self.plain, self.features):
            nearest.setFixedHeight(128)
        self.empty = EmptyState("search", self._empty, "", "sample_empty")
        self._lay_out()
        for figure in (self.picture, self.latent, self.plain, self.features):
            figure.failed.connect(self.failed)

    def look(self, run: str, index: int, live: bool, shown: Shown, pane: Pane) -> None:
        """Look at the sample of this number as it is shown in a pane, of the model in training or of a run on the disk."""
        self._pane = pane
        self._ask(InspectSample(ModelRef(run, "live" if live else "last"), index, shown=shown))

    def refresh(self) -> None:
        """Look at the same one again: the model has learned since."""
        if self._asked is not None:
            self.again_wanted.emit(self._asked.index)

    def clear(self) -> None:
        """Forget what was looked at."""
        self.explain(self._empty)

    def explain(self, words: str) -> None:
        """Say why there is no sample to look at."""
        self.found = self._asked = self._next = None
        self.empty.set_sentence(words)
        self.stack.setCurrentIndex(0)

    def _ask(self, task: InspectSample) -> None:
        self._asked = task
        if self._job:
            self._next = task
        else:
            self._job = self._engine.start(task, on_end=self._on_end, on_result=self._on_result)

    def _on_result(self, found: SampleReport) -> None:
        if self._asked is not None:
            self._show(found)

    def _on_end(self, failure: Failure | None) -> None:
        self._job = ""
        if failure is not None:
            self.failed.emit(failure)
        if self._next is not None:
            task, self._next = self._next, None
            self._ask(task)

    def _show(self, found: SampleReport) -> None:
        self.found = found
        self.saved.hide()
        self.stack.setCurrentIndex(1)
        points = found.features is None
        self.picture.setVisible(not points)
        self.copy.setVisible(not points)
        self.plain.setVisible(not points)
        self.features.setVisible(not points)
        title = f"{found.index + 1}" + (f", {found.label_name}" if found.label_name else "")
        self.picture.show_pixels(None if points else found.sample, f"{title}, step {found.step:,}")
        self.latent.setVisible(bool(len(found.latent)))
        self.latent.show_latent(found.latent)
        self.words.setText(_judged(found, self._pane))
        nearest = float(found.plain.distances[0])
        what = "point" if points else "picture"
        unit = "" if points else " grey levels"
        copied = nearest < 0.5 * found.typical
        self.verdict.setText(
            f"The nearest of {found.searched:,} training {what}s is {value_text(nearest)}{unit} away; the typical "
            f"distance between real {what}s is {value_text(found.typical)}."
            + (" That is close: it may be memorised." if copied and not points else "")
            + self._by_features(found)
        )
        if found.features is not None:
            self.plain.show_snapshot(Pictures("plain", found.step, found.plain.samples, None, (), None))
            self.features.show_snapshot(Pictures("features", found.step, found.features.samples, None, (), None))

    @staticmethod
    def _by_features(found: SampleReport) -> str:
        if found.features is None:
            return ""
        return (
            f" By features of an encoder trained here on the same pictures, {value_text(found.features.distances[0])}; "
            f"typically {value_text(found.typical_features)}."
        )

    def write(self, out: str) -> None:
        """Save the sample that is shown, as the suffix says."""
        if self.found is not None:
            self._engine.start(SaveSample(self.found, out), self._wrote, self._on_written)

    def _wrote(self, frame: Frame) -> None:
        if frame.progress is not None:
            self.saved.setText(frame.progress.text)
            self.saved.show()

    def _on_written(self, failure: Failure | None) -> None:
        if failure is not None:
            self.saved.hide()
            self.failed.emit(failure)

    def _choose(self) -> None:
        if self.found is None:
            return
        kinds = ["Picture (*.png)"] * (self.found.features is not None) + ["With its noise (*.npz)"]
        suffix = kinds[0][-5:-1]
        name = f"sample-{self.found.index + 1}-step-{self.found.step}{suffix}"
        chosen, kind = QFileDialog.getSaveFileName(self, "Save this sample", name, ";;".join(kinds))
        if chosen:
            self.write(chosen if Path(chosen).suffix else chosen + kind[-5:-1])

    def _copy(self) -> None:
        if self.found is not None and self.found.features is not None:
            QGuiApplication.clipboard().setImage(picture(self.found.sample))

    def _lay_out(self) -> None:
        inside = QWidget()
        layout = vbox(
            hbox(self.again, self.copy, self.save, None), self.saved, self.picture, self.words, self.latent, self.plain,
            self.features, self.verdict, into=inside, margins=(0, 8, 8, 0),
        )  # fmt: skip
        layout.addStretch()
        self.stack = QStackedWidget()
        self.stack.addWidget(scrolled(self.empty, "sample_empty_scroll"))
        self.stack.addWidget(scrolled(inside, "sample_scroll"))
        vbox(self.stack, into=self, spacing=None)
