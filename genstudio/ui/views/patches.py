"""Where the patches of pictures look: attention laid over them, for a patch that is pointed at."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPen
from PySide6.QtWidgets import QWidget

from genstudio.events import Array
from genstudio.snapshots.grounding import WordLook, WordLooks
from genstudio.snapshots.patches import PatchAttention, PatchLook
from genstudio.ui import theme
from genstudio.ui.layouts import choice, hbox, paired, vbox
from genstudio.ui.views.chart import percent
from genstudio.ui.views.picture_grid import picture
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import LEFT, Lines, SnapshotFigure, Table, paint_empty, paint_title, write_quietly
from genstudio.ui.widgets import ElidedLabel, plain_label, tooltip

ROLLOUT, MEAN = -1, -1
_HEAD, _EDGE, _GAP, _WORDS = 30.0, 12.0, 10.0, 18.0
_STRONG = 0.8
_HEADS = "Mean of the heads"
Mark = tuple[int, int]
"""A picture and one of its patches, both from 0."""
C = TypeVar("C", PatchAttention, WordLooks)
M = TypeVar("M")


def attended(look: PatchLook, patch: int, layer: int, head: int) -> Array:
    """How much each patch of a picture is looked at, (N,), 0 for what was not read: by `patch`; or, where that was not read
    either (-1), by the class token, or by all patches on average. Of rollout where `layer` is ROLLOUT, of the mean over the heads
    where `head` is MEAN."""
    if layer == ROLLOUT:
        rows = look.rollout
    else:
        rows = look.weights[layer].mean(0) if head == MEAN else look.weights[layer, head]
    place = np.flatnonzero(look.seen == patch)
    special = look.special
    if len(place):
        row = rows[special + int(place[0])]
    else:
        row = rows[0] if special else rows.mean(0)
    found = np.zeros(int(look.seen.max()) + 1, np.float32)
    found[look.seen] = row[special:]
    return found


def tile(area: QRectF, count: int, index: int, below: float, size: tuple[int, int]) -> QRectF:
    """Where a picture of this size (width, height) is drawn, the one of this number of `count` side by side in an area, with so
    many pixels `below` each."""
    room = area.adjusted(_EDGE, _HEAD, -_EDGE, -_EDGE)

    def side(columns: int) -> float:
        rows = -(-count // columns)
        return min((room.width() - _GAP * (columns - 1)) / columns, (room.height() - _GAP * (rows - 1)) / rows - below)

    columns = max(range(1, count + 1), key=side)
    wide, high = size
    square, rows = max(side(columns), 8.0), -(-count // columns)
    left = room.left() + (room.width() - columns * square - (columns - 1) * _GAP) / 2
    top = room.top() + (room.height() - rows * (square + below) - (rows - 1) * _GAP) / 2
    x = left + index % columns * (square + _GAP)
    y = top + index // columns * (square + below + _GAP)
    scale = square / max(high, wide)
    return QRectF(x + (square - wide * scale) / 2, y + (square - high * scale) / 2, wide * scale, high * scale)


def part_of(whole: QRectF, rows: int, columns: int, patch: int) -> QRectF:
    """Where a patch of a picture that is drawn in `whole` lies."""
    wide, high = whole.width() / columns, whole.height() / rows
    return QRectF(whole.left() + patch % columns * wide, whole.top() + patch // columns * high, wide, high)


def patch_at(whole: QRectF, rows: int, columns: int, point: QPointF) -> int:
    """The patch of a picture that is drawn in `whole` under a point within."""
    column = min(int((point.x() - whole.left()) / whole.width() * columns), columns - 1)
    row = min(int((point.y() - whole.top()) / whole.height() * rows), rows - 1)
    return row * columns + column


def overlay(shares: Array, rows: int, columns: int) -> QImage:
    """A pixel for each patch, the more opaque the larger its share (n,) beside the others; those behind the last have none."""
    levels = np.zeros(rows * columns, np.float32)
    levels[: len(shares)] = shares / max(float(shares.max()), 1e-9)
    color = theme.current().color(theme.visible(theme.ORANGE))
    alpha = (255 * _STRONG * levels).astype(np.uint32)
    packed = np.ascontiguousarray((alpha << 24) | np.uint32(color.rgb() & 0xFFFFFF)).reshape(rows, columns)
    return QImage(packed.data, columns, rows, 4 * columns, QImage.Format.Format_ARGB32).copy()


class PatchFigure(SnapshotFigure[C], PointedFigure[M]):
    """Pictures that are cut into patches, over which lies what belongs to the mark under the pointer."""

    def __init__(self, title: str, name: str) -> None:
        super().__init__(title, name)
        self._pictures: list[QImage] = []

    def grid(self, look: PatchLook | WordLook) -> tuple[int, int]:
        """Rows and columns of the patches of a picture."""
        assert self.snapshot is not None
        height, width = look.picture.shape[:2]
        return height // self.snapshot.patch, width // self.snapshot.patch

    def rest_on(self, mark: M | None) -> None:
        if mark != self.hover:
            super().rest_on(mark)
            self.redraw()


class PatchView(PatchFigure[PatchAttention, Mark]):
    """Pictures with their patches tinted by how much the patch under the pointer looks at each; without one, the class token, or
    the mean over all patches. Point at a patch, or use the arrow keys. `taken(picture, patch)` when one was clicked, Enter or
    Space."""

    taken = Signal(int, int)
    empty = "Waiting for the model to be read"

    def __init__(self, title: str = "Attention", name: str = "patch_attention") -> None:
        super().__init__(title, name)
        self.layer, self.head, self.tint = ROLLOUT, MEAN, True

    def prepare(self, snapshot: PatchAttention) -> None:
        self._pictures = []
        if self.hover is not None and self.hover[0] >= len(snapshot.looks):
            self.hover = None
        self.setAccessibleDescription("; ".join(self.words(look) or "a picture" for look in snapshot.looks))

    def choose(self, layer: int, head: int, tint: bool = True) -> None:
        """Lay this layer (ROLLOUT: all) and head (MEAN: all) over the pictures, or nothing."""
        self.layer, self.head, self.tint = layer, head, tint
        self.redraw()

    def words(self, look: PatchLook) -> str:
        """What a picture was named, and what it is."""
        assert self.snapshot is not None
        classes = self.snapshot.classes
        true = classes[look.label] if look.label >= 0 else ""
        if look.probabilities is None:
            return true
        best = int(look.probabilities.argmax())
        sure = percent(float(look.probabilities[best]))
        right = "" if not true else " ✓" if best == look.label else f", true: {true}"
        return f"{classes[best]} {sure}{right}"

    def box(self, index: int) -> QRectF:
        """Where a picture is drawn."""
        assert self.snapshot is not None
        high, wide = self.snapshot.looks[index].picture.shape[:2]
        return tile(QRectF(self.rect()), len(self.snapshot.looks), index, _WORDS, (wide, high))

    def patch_box(self, mark: Mark) -> QRectF:
        """Where a patch is drawn."""
        assert self.snapshot is not None
        return part_of(self.box(mark[0]), *self.grid(self.snapshot.looks[mark[0]]), mark[1])

    def table(self) -> Table:
        shown = self.snapshot
        if shown is None:
            return (), ()
        header = ("picture", "row", "column", "weight")
        rows = [
            (number + 1, place // self.grid(look)[1] + 1, place % self.grid(look)[1] + 1, float(value))
            for number, look in enumerate(shown.looks) for place, value in enumerate(self._shares(number))
        ]  # fmt: skip
        return header, rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.snapshot
        note = "" if shown is None else self._note(shown)
        paint_title(painter, self.title, note, area)
        if shown is None:
            paint_empty(painter, area, self.empty)
            return
        if not self._pictures:
            self._pictures = [picture(look.picture) for look in shown.looks]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for index, look in enumerate(shown.looks):
            whole = self.box(index)
            painter.drawImage(whole, self._pictures[index])
            if self.tint:
                painter.drawImage(whole, overlay(self._shares(index), *self.grid(look)))
            self._paint_missing(painter, index, look)
            write_quietly(painter)
            wrong = look.probabilities is not None and look.label >= 0 and int(look.probabilities.argmax()) != look.label
            if wrong:
                painter.setPen(theme.current().color(theme.visible(theme.VERMILION)))
            words = painter.fontMetrics().elidedText(self.words(look), Qt.TextElideMode.ElideRight, int(whole.width()) + 8)
            painter.drawText(QRectF(whole.left(), whole.bottom() + 1, whole.width() + 8, _WORDS), LEFT, words)

    def paint_hover(self, painter: QPainter) -> None:
        if self.hover is None or self.snapshot is None:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.current().color("accent"), 2))
        painter.drawRect(self.patch_box(self.hover))
        super().paint_hover(painter)

    def mark_at(self, point: QPointF) -> Mark | None:
        for index in range(0 if self.snapshot is None else len(self.snapshot.looks)):
            assert self.snapshot is not None
            whole = self.box(index)
            if whole.contains(point):
                return index, patch_at(whole, *self.grid(self.snapshot.looks[index]), point)
        return None

    def beside(self, mark: Mark | None, right: int, down: int) -> Mark | None:
        if self.snapshot is None:
            return None
        if mark is None:
            return 0, 0
        index, patch = mark
        rows, columns = self.grid(self.snapshot.looks[index])
        row, column = divmod(patch, columns)
        over = column + right
        if abs(right) == 1 and not 0 <= over < columns and 0 <= index + right < len(self.snapshot.looks):
            index += right
            rows, columns = self.grid(self.snapshot.looks[index])
            return index, min(row, rows - 1) * columns + (0 if right > 0 else columns - 1)
        return index, moved(row, down, rows) * columns + moved(column, right, columns)

    def card(self, mark: Mark) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        index, patch = mark
        look = self.snapshot.looks[index]
        columns = self.grid(look)[1]
        title = f"row {patch // columns + 1}, column {patch % columns + 1}"
        if patch not in look.seen:
            return self.patch_box(mark).center(), [(None, "not read", "")], title
        shares = attended(look, patch, self.layer, self.head)
        best = int(shares.argmax())
        where = "itself" if best == patch else f"row {best // columns + 1}, column {best % columns + 1}"
        lines: Lines = [(None, "looks most at", where), (None, "share", percent(float(shares[best])))]
        if best != patch:
            lines = [*lines, (None, "at itself", percent(float(shares[patch])))]
        return self.patch_box(mark).center(), lines, title

    def take(self, mark: Mark) -> None:
        self.taken.emit(*mark)

    def _shares(self, index: int) -> Array:
        assert self.snapshot is not None
        patch = self.hover[1] if self.hover is not None and self.hover[0] == index else -1
        return attended(self.snapshot.looks[index], patch, self.layer, self.head)

    def _paint_missing(self, painter: QPainter, index: int, look: PatchLook) -> None:
        """What was not read is crossed out."""
        rows, columns = self.grid(look)
        painter.setPen(QPen(theme.current().color("quiet"), 1))
        for patch in sorted(set(range(rows * columns)) - set(look.seen.tolist())):
            box = self.patch_box((index, patch))
            painter.fillRect(box, theme.current().color("panel", 0.85))
            painter.drawLine(box.topLeft(), box.bottomRight())
            painter.drawLine(box.topRight(), box.bottomLeft())

    def _note(self, shown: PatchAttention) -> str:
        who = "class token" if shown.looks[0].special else "mean over all patches"
        where = "a patch" if self.hover is not None else f"the {who}"
        what = "rollout over all layers" if self.layer == ROLLOUT else f"layer {self.layer + 1}"
        if self.layer != ROLLOUT:
            what += ", mean over the heads" if self.head == MEAN else f", head {self.head + 1}"
        return f"step {shown.step:,}: where {where} looks, {what}" if self.tint else f"step {shown.step:,}"


class LayeredPage(QWidget):
    """A figure of attention, and which layer and head of it is shown; the first choices are all layers and all heads."""

    def __init__(self, view: Any, name: str, every: str, says: str, hint: str) -> None:
        """`view` has `choose(layer, head)`, -1 for all; `every` is what all layers together are called, `says` how."""
        super().__init__()
        self.setObjectName(f"{name}_page")
        self.view, self._every = view, every
        self.layer = choice(f"{name}_layer", "Which layer", every)
        self.layer.setToolTip(tooltip(says))
        self.head = choice(f"{name}_head", "Which head", _HEADS)
        self.head.setToolTip(tooltip("One head of the layer, or the mean over its heads"))
        self.hint = ElidedLabel(hint)
        self.hint.setProperty("quiet", True)
        top = hbox(paired(plain_label("Layer", role="quiet"), self.layer), paired(plain_label("Head", role="quiet"), self.head),
                   (self.hint, 1))  # fmt: skip
        vbox(top, (self.view, 1), into=self, spacing=4)
        self.layer.currentIndexChanged.connect(lambda _: self._choose())
        self.head.currentIndexChanged.connect(lambda _: self._choose())
        self._choose()

    def show_snapshot(self, snapshot: Any) -> None:
        """Replace what is shown: `looks` with `weights` (layers, heads, ...)."""
        layers, heads = snapshot.looks[0].weights.shape[:2]
        fill(self.layer, [self._every, *(f"Layer {number + 1}" for number in range(layers))])
        fill(self.head, [_HEADS, *(f"Head {number + 1}" for number in range(heads))])
        self.view.show_snapshot(snapshot)
        self._choose()

    def clear(self) -> None:
        """Show nothing."""
        self.view.clear()

    def _choose(self) -> None:
        self.head.setEnabled(self.layer.currentIndex() > 0)
        self.view.choose(self.layer.currentIndex() - 1, self.head.currentIndex() - 1)


class PatchPage(LayeredPage):
    """Pictures with their attention, and what of it is laid over them."""

    def __init__(self, title: str = "Attention", name: str = "patch_attention") -> None:
        super().__init__(
            PatchView(title, name), name, "Rollout, all layers", "Attention of one layer; or rollout, which follows it through "
            "all layers and counts half of each as the residual connection (Abnar & Zuidema 2020)",
            "Point at a patch to see where it looks",
        )  # fmt: skip


def fill(box: Any, names: list[str]) -> None:
    """These names to choose among; what was chosen stays."""
    if [box.itemText(i) for i in range(box.count())] != names:
        at = box.currentIndex()
        box.blockSignals(True)
        box.clear()
        box.addItems(names)
        box.setCurrentIndex(min(max(at, 0), len(names) - 1))
        box.blockSignals(False)
