"""The first batch of a training with the settings as they stand now."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from genstudio.data.batches import Batch, PictureBatch, PointBatch, RowBatch, SoundBatch, TokenBatch
from genstudio.events import Array
from genstudio.ui.datasets.row_pages import RowsModel, plain_table
from genstudio.ui.layouts import hbox
from genstudio.ui.views.batch import MOST_ITEMS, BatchView
from genstudio.ui.views.picture_grid import PictureGrid
from genstudio.ui.views.scatter import ScatterView
from genstudio.ui.views.waves import MOST_WAVES, WavesView
from genstudio.ui.widgets import button, plain_label


class BatchPage(QWidget):
    """`wanted()` when it is seen or asked to work the batch out again."""

    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("batch_page")
        self.batch: Batch | None = None
        self.view = BatchView()
        self.grid = PictureGrid()
        self.grid.setObjectName("batch_grid")
        self.scatter = ScatterView("The points of the first batch", "batch_scatter")
        self.shown = QStackedWidget()
        self.rows = RowsModel()
        self.row_table = plain_table("batch_rows", "The rows of the first batch", self.rows)
        self.waves = WavesView("The sound of the first batch", "batch_waves")
        for widget in (self.view, self.grid, self.scatter, self.row_table, self.waves):
            self.shown.addWidget(widget)
        self.said = plain_label(role="quiet", wrap=True, name="batch_said")
        self.pointed = plain_label(role="quiet", wrap=True, name="batch_pointed")
        self.again = button("Again", "batch_again", "refresh", "Build the first batch again", self.wanted.emit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 10, 0, 0)
        layout.setSpacing(8)
        head = hbox(self.said, self.again)
        head.setStretch(0, 1)
        layout.addLayout(head)
        layout.addWidget(self.shown, 1)
        layout.addWidget(self.pointed)
        self.grid.opened.connect(self._point)
        self.grid.set_cell(96)

    def clear(self, words: str = "") -> None:
        self.batch = None
        self.view.show_batch(None)
        self.grid.show_pictures(np.empty((0, 1, 1, 1), np.uint8))
        self.scatter.show_points(np.empty((0, 2), np.float32))
        self.waves.clear()
        self.said.setText(words)
        self.pointed.setText("")

    def show_batch(self, batch: Batch) -> None:
        self.batch = batch
        if isinstance(batch, TokenBatch):
            self.said.setText(of_tokens(batch))
            self.view.show_batch(batch)
            self.shown.setCurrentWidget(self.view)
        elif isinstance(batch, PictureBatch):
            self.said.setText(of_pictures(batch))
            self.pointed.setText("Click a picture to see its values.")
            self.grid.show_pictures(seen(batch), batch.labels, batch.classes)
            self.shown.setCurrentWidget(self.grid)
        elif isinstance(batch, RowBatch):
            self.said.setText(of_rows(batch))
            self.rows.show_columns(
                [", ".join(f"{name} {value:.4g}" for name, value in zip(batch.columns, row, strict=True))
                 for row in batch.inputs.tolist()],
                [batch.classes[label] for label in batch.labels.tolist()], ("Inputs as the network reads them", "Class"),
            )  # fmt: skip
            self.shown.setCurrentWidget(self.row_table)
        elif isinstance(batch, SoundBatch):
            self.said.setText(of_sound(batch))
            self.waves.show_snapshot(batch)
            self.shown.setCurrentWidget(self.waves)
        else:
            self.said.setText(of_points(batch))
            self.scatter.show_points(batch.points)
            self.shown.setCurrentWidget(self.scatter)

    def _point(self, index: int) -> None:
        """The numbers of one picture: how they spread, and the row through its middle."""
        if not isinstance(self.batch, PictureBatch):
            return
        pixels = self.batch.pixels[index]
        middle = "  ".join(f"{value:+.3f}" for value in pixels[len(pixels) // 2, :, 0][:24].tolist())
        more = " …" if pixels.shape[1] > 24 else ""
        self.pointed.setText(
            f"{self.grid.describe(index).capitalize()}: {figures(pixels)}. Its middle row"
            f"{', red' if pixels.shape[2] == 3 else ''}:  {middle}{more}"
        )


def of_tokens(batch: TokenBatch) -> str:
    """What a batch of tokens is, in words."""
    if batch.says:
        return batch.says
    accumulation, rows, T = batch.inputs.shape
    more = f", the first {MOST_ITEMS} shown" if accumulation * rows > MOST_ITEMS else ""
    times = f" in {accumulation} parts" if accumulation > 1 else ""
    mask = "each position sees itself and everything before it" if batch.causal else "every position sees all others"
    lost = "" if batch.unknown is None else f" {int((batch.inputs == batch.unknown).sum()):,} of the tokens are <unk>."
    lower = "The target row is the input shifted by one."
    if batch.chosen is not None:
        lower = f"The target row has the tokens to predict, {batch.chosen.mean():.0%} of all: most are hidden in the input."
    return (
        f"Step 1 with the settings of the Transformer tab: {accumulation * rows} pieces of {T} tokens{times}{more}; "
        f"{mask}. {lower}{lost}"
    )


def of_pictures(batch: PictureBatch) -> str:
    """What a batch of pictures is, in words."""
    n, high, wide, channels = batch.pixels.shape
    colour = "grey" if channels == 1 else "colour"
    told = ", with their classes" if batch.labels is not None else ", without their classes"
    return (
        f"Step 1 with the settings of the GAN tab: {n} real pictures of {wide} x {high} {colour} pixels{told}. "
        f"As numbers, black is {batch.low:g} and white is {batch.high:g}; here: {figures(batch.pixels)}."
    )


def of_points(batch: PointBatch) -> str:
    """What a batch of points is, in words."""
    (x, y), (wide, high) = batch.mean, batch.scale
    return (
        f"Step 1 with the settings of the GAN tab: {len(batch.points)} real points, each minus the mean "
        f"({x:.3g}, {y:.3g}) and over the spread "
        f"{f'{wide:.3g}' if wide == high else f'({wide:.3g}, {high:.3g})'}; here: {figures(batch.points)}."
    )


def of_rows(batch: RowBatch) -> str:
    """What a batch of rows is, in words."""
    return (
        f"Step 1 with the settings of the Basics tab: {len(batch.inputs)} rows of {len(batch.columns)} numbers, each column "
        f"scaled as in training, with their classes; here: {figures(batch.inputs)}."
    )


def of_sound(batch: SoundBatch) -> str:
    """What a batch of sound is, in words."""
    n = len(batch.waves)
    more = f", the first {MOST_WAVES} shown" if n > MOST_WAVES else ""
    seconds = batch.lengths / batch.rate
    long = f"{seconds.min():.2f} s" if seconds.min() == seconds.max() else f"{seconds.min():.2f} to {seconds.max():.2f} s"
    hidden = "" if batch.hidden is None else f" {batch.hidden.mean():.0%} of the frames are hidden: the grey parts."
    told = " with their transcripts" if any(batch.texts) else ""
    return (
        f"Step 1 with the settings of the family's tab: {n} pieces of sound{told}{more}, {long} each, {batch.rate:,} samples per "
        f"second.{hidden} As numbers: {figures(batch.waves)}."
    )


def figures(values: Array) -> str:
    """How numbers spread, in words."""
    return (
        f"{values.min():+.3f} to {values.max():+.3f}, mean {values.mean():+.3f}, standard deviation {values.std():.3f}"
    )


def seen(batch: PictureBatch) -> Array:
    """The pictures as a screen shows them, (n, h, w, c) uint8: `low` is black, `high` is white."""
    share = (batch.pixels - np.float32(batch.low)) / np.float32(batch.high - batch.low)
    return np.clip(np.rint(255 * share), 0, 255).astype(np.uint8)
