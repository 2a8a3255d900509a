"""Settings of pictures with what they do to a few of them at once, and another dataset made that way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QLineEdit, QWidget

from genstudio.data.images import PictureSettings
from genstudio.data.preview import PictureLook
from genstudio.data.shelf import DatasetInfo
from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.datasets.importing import PictureForm
from genstudio.ui.layouts import hbox, named, single_shot, vbox
from genstudio.ui.views.picture_grid import picture
from genstudio.ui.views.view import Figure
from genstudio.ui.widgets import button, plain_label


class BeforeAfter(Figure):
    """Pictures side by side: what they are made from above, what is made of them below, mirror images at the end."""

    def __init__(self) -> None:
        super().__init__("Effect of the settings", "before_after")
        self._pairs: Sequence[tuple[Array, Array]] = ()
        self._flip = False

    def show_pairs(self, pairs: Sequence[tuple[Array, Array]], *, flip: bool) -> None:
        self._pairs, self._flip = pairs, flip
        if pairs:
            (h, w, c), (a, b, d) = pairs[0][0].shape, pairs[0][1].shape
            self.setAccessibleDescription(f"the first picture changes from {w} x {h} x {c} to {b} x {a} x {d}")
        self.redraw()

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look = theme.current()
        rows = 3 if self._flip else 2
        room = area.adjusted(12, 8, -12, -8)
        tall = room.height() / rows
        side = min(tall - 26, 112.0)
        count = min(len(self._pairs), max(1, int(room.width() // (side + 8))))
        painter.setFont(theme.font(theme.SMALL))
        for row, words in enumerate(("Original", "Result", "Added mirrored copies")[:rows]):
            top = room.top() + row * tall
            painter.setPen(look.color("quiet"))
            painter.drawText(QRectF(room.left(), top, room.width() - 32, 20), Qt.AlignmentFlag.AlignVCenter, words)
            for place, (before, after) in enumerate(self._pairs[:count]):
                shown = before if row == 0 else after if row == 1 else np.ascontiguousarray(after[:, ::-1])
                box = QRectF(room.left() + place * (side + 8), top + 22, side, side)
                self._draw(painter, shown, box)

    def _draw(self, painter: QPainter, pixels: Array, box: QRectF) -> None:
        image = picture(pixels)
        size = image.size().toSizeF().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, image.width() > size.width())
        painter.drawImage(QRectF(box.left(), box.top(), size.width(), size.height()), image)


class PreparePage(QWidget):
    """`try_wanted(PictureSettings)` when there is an effect to work out; `duplicate_wanted(name, PictureSettings)`."""

    try_wanted = Signal(object)
    duplicate_wanted = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("prepare_page")
        self.form = PictureForm("prepare")
        self.effect = BeforeAfter()
        self.said = plain_label(role="quiet", wrap=True, name="prepare_said")
        self.name = named(QLineEdit(), "prepare_name", "Name of the new dataset")
        self.name.setMaxLength(120)
        self.duplicate = button("Duplicate with these settings", "prepare_duplicate", "copy")
        self._timer = single_shot(self, 80)
        side = QWidget()
        theme.fix_width(side, 244)
        vbox(
            self.form, self.said, 8, plain_label("Name of the copy", role="quiet"), self.name, self.duplicate, None,
            into=side,
        )  # fmt: skip
        self.effect.setMinimumWidth(120)
        hbox(side, (self.effect, 1), into=self, margins=(0, 12, 0, 0), spacing=12)
        self.form.changed.connect(self._timer.start)
        self._timer.timeout.connect(self._ask)
        self.duplicate.clicked.connect(lambda: self.duplicate_wanted.emit(self.name.text(), self.form.settings()))

    def show_look(self, info: DatasetInfo, _look: PictureLook) -> None:
        self.name.setText(f"{info.title} (copy)"[:120])
        self.form.show_settings(PictureSettings.of(info.details.get("picture") or {}))
        self.form.offer_scale(bool(info.details.get("scale")) and info.details.get("originals") == "encoded")
        self.effect.show_pairs((), flip=False)
        if self.isVisible():
            self._ask()

    def show_pairs(self, settings: PictureSettings, pairs: Sequence[tuple[Array, Array]]) -> None:
        """What was worked out, if nothing was changed since."""
        if settings == self.form.settings():
            self.effect.show_pairs(pairs, flip=settings.flip)
            if pairs:
                h, w, c = pairs[0][1].shape
                self.said.setText(f"Each becomes {w} x {h}, {'grey' if c == 1 else 'colour'}: {h * w * c:,} numbers.")

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._ask()

    def _ask(self) -> None:
        self.try_wanted.emit(self.form.settings())
