"""Pictures: the grid with one of them large, and figures of all."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QComboBox, QGridLayout, QSlider, QWidget

from genstudio.data.preview import Matches, PictureLook
from genstudio.data.shelf import DatasetInfo
from genstudio.ui import theme
from genstudio.ui.datasets.finder import Finder
from genstudio.ui.layouts import choice, hbox, named, vbox
from genstudio.ui.views.bars import NamedBars
from genstudio.ui.views.histograms import HistogramView
from genstudio.ui.views.picture_grid import PictureGrid, picture
from genstudio.ui.views.view import Figure
from genstudio.ui.widgets import icon_button, plain_label


class LargePicture(Figure):
    """One picture as large as fits, every stored pixel a square."""

    def __init__(self) -> None:
        super().__init__("Picture", "large_picture")
        self._picture = picture(np.zeros((1, 1, 1), np.uint8))

    def show_pixels(self, pixels: np.ndarray) -> None:
        self._picture = picture(pixels)
        self.redraw()

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        room = area.adjusted(8, 30, -8, -8)
        size = self._picture.size().toSizeF().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        at = QRectF(
            room.center().x() - size.width() / 2, room.center().y() - size.height() / 2, size.width(), size.height()
        )
        smooth = self._picture.width() > size.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(at, self._picture)


class PicturesPage(QWidget):
    """The grid; a click shows one large with all that is known of it. `find_wanted(needle, match_case)`."""

    find_wanted = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("pictures_page")
        self.grid = PictureGrid()
        self.classes: QComboBox = choice("picture_class", "Only pictures of this class")
        self.finder = Finder("picture", "Find in names and captions")
        self.finder.previous.hide()
        self.finder.next.hide()
        self.zoom = named(QSlider(Qt.Orientation.Horizontal), "picture_zoom", "Display size of the pictures")
        self.zoom.setRange(20, 160)
        self.zoom.setValue(self.grid.cell())
        self.zoom.setFixedWidth(110)
        self.counted = plain_label(role="quiet", name="picture_counted")
        self.counted.setFont(theme.font(theme.SMALL, tabular=True))
        self.large = LargePicture()
        self.caption = plain_label(role="heading", wrap=True, name="picture_caption")
        self.caption.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.said = plain_label(wrap=True, name="picture_details")
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.close_large = icon_button("close", "picture_close", "Close the large picture")
        self._look: PictureLook | None = None
        self._found: np.ndarray | None = None
        self._lay_out()
        self.grid.opened.connect(self.enlarge)
        self.grid.resized.connect(self._show_zoom)
        self.zoom.valueChanged.connect(self.grid.set_cell)
        self.classes.currentIndexChanged.connect(lambda _: self._filter())
        self.finder.wanted.connect(self._find)
        self.close_large.clicked.connect(self.side.hide)

    def show_look(self, info: DatasetInfo, look: PictureLook) -> None:
        self._look, self._found = look, None
        self.side.hide()
        self.finder.clear()
        self.finder.setVisible(look.captions is not None or look.names is not None)
        with QSignalBlocker(self.classes):
            self.classes.clear()
            self.classes.addItem("All classes")
            self.classes.addItems([f"{name} ({count:,})" for name, count in look.per_class])
            self.classes.setVisible(bool(look.per_class))
            self.classes.setMinimumWidth(theme.scaled(124))
        larger = min(max(2 * look.thumbs.shape[1], 40), 72)
        self.grid.set_cell(larger)
        self.grid.show_pictures(look.thumbs, look.labels, look.classes, look.names, look.captions)
        self._count()
        if info.details.get("captions") is True:  # a picture without its caption would be half of what there is to see
            self.enlarge(0)

    def show_matches(self, matches: Matches) -> None:
        """Only the pictures that were found."""
        if matches.needle == self.finder.field.text():
            self.finder.matches = matches
            self.finder.said.setText(f"{matches.count:,}" if matches.count else "not found")
            self._found = matches.positions
            self._filter()

    def go_to(self, index: int) -> None:
        """Show this picture."""
        self.finder.clear()
        self.classes.setCurrentIndex(0)
        self._found = None
        self._filter()
        self.grid.choose_index(index)
        self.enlarge(index)

    def enlarge(self, index: int) -> None:
        """Show one picture large, with its caption, name, class and size."""
        look = self._look
        if look is None:
            return
        self.large.show_pixels(look.pixels[index])
        caption = look.captions[index] if look.captions is not None else ""
        self.caption.setText(caption or "No caption")
        self.caption.setVisible(look.captions is not None)
        self.said.setText("\n".join(self.details(index)))
        self.side.show()

    def details(self, index: int) -> list[str]:
        """All that is known of a picture besides its caption, a line each."""
        look = self._look
        if look is None:
            return []
        _, h, w, c = look.pixels.shape
        lines = [f"Picture {index + 1:,} of {len(look.pixels):,}", f"{w} x {h}, {'colour' if c == 3 else 'grey'}"]
        if look.labels is not None and look.labels[index] >= 0:
            label = int(look.labels[index])
            lines.append(f"Class: {look.classes[label] if label < len(look.classes) else label}")
        if look.names is not None:
            lines.append(f"File: {look.names[index]}")
        for name, values in look.attributes.items():
            value, words = values[index], name.replace("_", " ")
            if np.ndim(value) == 0 and values.dtype.kind in "biuf":
                lines += [f"{words}: {value:g}" if values.dtype.kind == "f" else words] if value > 0 else []
            elif np.ndim(value) == 0 and str(value):
                lines.append(f"{words}: {value}")
        return lines

    def _find(self, needle: str, match_case: bool) -> None:
        if needle:
            self.find_wanted.emit(needle, match_case)
        else:
            self._found = None
            self._filter()

    def _filter(self) -> None:
        look = self._look
        if look is None:
            return
        order = np.arange(len(look.pixels)) if self._found is None else self._found
        chosen = self.classes.currentIndex() - 1
        if chosen >= 0 and look.labels is not None:
            order = order[look.labels[order] == chosen]
        self.grid.show_order(order)
        self._count()

    def _count(self) -> None:
        self.counted.setText(f"{self.grid.count():,} pictures")

    def _show_zoom(self, cell: int) -> None:
        with QSignalBlocker(self.zoom):
            self.zoom.setValue(cell)

    def _lay_out(self) -> None:
        self.classes.setMinimumWidth(120)
        self.classes.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        head = hbox(self.classes, self.finder, None, self.counted, self.zoom)
        head.setStretch(1, 2)
        self.side = named(QWidget(), "picture_side")
        self.side.setFixedWidth(232)
        beside = vbox(hbox(plain_label("Picture", role="heading"), None, self.close_large), into=self.side, spacing=6)
        self.large.setFixedHeight(232)
        beside.addWidget(self.large)
        beside.addWidget(self.caption)
        beside.addWidget(self.said)
        beside.addStretch(1)
        self.side.hide()
        inside = hbox(self.grid, self.side, spacing=10)
        inside.setStretch(0, 1)
        vbox(head, (inside, 1), into=self, margins=(0, 10, 0, 0))


class PictureFigures(QWidget):
    """Classes, sizes of the originals, brightness and colour mode."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("picture_figures")
        self.classes, self.sizes, self.attributes = (
            NamedBars(title, name, "count", "{:,}".format, (color, color), summed=True)
            for title, name, color in (
                ("Pictures of each class", "class_bars", theme.BLUE), ("Sizes", "size_bars", theme.SKY),
                ("Attributes", "attribute_bars", theme.GREEN),
            )
        )  # fmt: skip
        self.brightness = HistogramView("Pixel brightness", "brightness", "0: black, 255: white")
        self.summary = plain_label(role="quiet", wrap=True, name="picture_summary")
        self._grid = grid = QGridLayout(self)
        grid.setContentsMargins(0, 12, 0, 0)
        grid.setSpacing(8)
        grid.addWidget(self.summary, 0, 0, 1, 2)
        grid.addWidget(self.classes, 1, 0, 2, 1)
        grid.addWidget(self.attributes, 1, 0, 2, 1)
        grid.addWidget(self.sizes, 1, 1)
        grid.addWidget(self.brightness, 2, 1)
        for chart in (self.classes, self.attributes, self.sizes, self.brightness):
            chart.setMinimumWidth(150)
        for of in (0, 1):
            grid.setColumnStretch(of, 1)
            grid.setRowStretch(of + 1, 1)

    def show_look(self, _info: DatasetInfo, look: PictureLook) -> None:
        n, h, w, c = look.pixels.shape
        stored = "grey" if c == 1 else "colour, although all are grey" if look.grey else "colour"
        self.summary.setText(
            f"{n:,} pictures of {w} x {h} pixels, stored in {stored}: {n * h * w * c / 1e6:,.1f} MB of values."
        )
        self.classes.show_bars(sorted(look.per_class, key=lambda bar: -bar[1]), f"{len(look.per_class)} classes")
        self.attributes.show_bars(look.per_attribute, f"{len(look.attributes)} attributes of each")
        self.classes.setVisible(bool(look.per_class))
        self.attributes.setVisible(bool(look.per_attribute) and not look.per_class)
        self.sizes.show_bars(look.sizes, f"{len(look.sizes)} of the originals" if len(look.sizes) > 1 else "")
        several = len(look.sizes) > 1
        self.sizes.setVisible(several)
        self._grid.addWidget(self.brightness, 1 + several, 1, 2 - several, 1)
        self.brightness.show_histograms({"": look.brightness})
