"""The settings of a dataset that is made from a seed, what they would make, and another dataset made that way."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QStackedWidget,
    QTableView,
    QWidget,
)

from genstudio.config import Values
from genstudio.data import generators
from genstudio.data.preview import AudioLook, PairLook, PictureLook, PointLook, Preview, RegionLook
from genstudio.data.shelf import DatasetInfo
from genstudio.snapshots.sound import Clip
from genstudio.tasks.preview import Looked
from genstudio.ui import theme
from genstudio.ui.datasets.parts import COUNTED
from genstudio.ui.datasets.row_pages import RowsModel, plain_table
from genstudio.ui.datasets.sound_pages import ClipsPage
from genstudio.ui.layouts import hbox, named, single_shot, vbox
from genstudio.ui.train.form import ConfigForm
from genstudio.ui.views.picture_grid import PictureGrid
from genstudio.ui.views.scatter import ScatterView
from genstudio.ui.widgets import button, plain_label


class MakePage(QWidget):
    """`try_wanted(values)` when there is an effect to work out; `duplicate_wanted(name, values)`."""

    try_wanted = Signal(object)
    duplicate_wanted = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("make_page")
        self.form: ConfigForm | None = None
        self._info: DatasetInfo | None = None
        self.said = plain_label(role="quiet", wrap=True, name="make_said")
        self.name = named(QLineEdit(), "make_name", "Name of the new dataset")
        self.name.setMaxLength(120)
        self.duplicate = button("Duplicate with these settings", "make_duplicate", "copy")
        self.scatter = ScatterView("Points with these settings", "make_scatter")
        self.grid = PictureGrid()
        self.grid.setObjectName("make_grid")
        self.model = RowsModel()
        self.table: QTableView = plain_table("make_table", "Examples with these settings", self.model)
        self.text = named(QPlainTextEdit(), "make_text", "The text with these settings")
        self.text.setReadOnly(True)
        self.text.setFont(theme.mono())
        self.shown = QStackedWidget()
        for widget in (self.scatter, self.grid, self.table, self.text):
            self.shown.addWidget(widget)
        self.made_clips: tuple[Clip, ...] = ()
        self._timer = single_shot(self, 120)
        self._lay_out()
        self._timer.timeout.connect(self._ask)
        self.duplicate.clicked.connect(self._duplicate)

    def show_look(self, info: DatasetInfo, _look: Preview) -> None:
        """The settings that this dataset was made with."""
        maker = generators.of(info)
        if maker is None:
            return
        if self._info is None or self._info.id != info.id:
            self._info = info
            values = maker.settings.parse(info.details.get("settings") or {}).model_dump()
            self.form = ConfigForm(maker.settings)
            self.form.set_base(values)
            self.form.set_values(values)
            self.form.changed.connect(lambda _: self._changed())
            self._scroll.setWidget(self.form)
            self.name.setText(f"{info.title} (copy)"[:120])
            self._changed()

    @cached_property
    def clips(self) -> ClipsPage:
        """Where sound is seen and heard; built when there is some."""
        page = ClipsPage("make_")
        page.clip_wanted.connect(lambda index: page.show_clip(self.made_clips[index]))
        self.shown.addWidget(page)
        return page

    def values(self) -> Values:
        return self.form.values() if self.form is not None else {}

    def show_made(self, values: Values, made: Looked) -> None:
        """What was made, if nothing was changed since."""
        if values != self.values() or self._info is None:
            return
        look = made.preview
        if isinstance(look, PointLook):
            self.scatter.show_points(look.points, look.centres, look.sigma)
            self.shown.setCurrentWidget(self.scatter)
            count = len(look.points)
        elif isinstance(look, PictureLook):
            self.grid.show_pictures(look.pixels, look.labels, look.classes)
            self.shown.setCurrentWidget(self.grid)
            count = len(look.pixels)
        elif isinstance(look, RegionLook):
            self.grid.show_pictures(look.pixels, None, ())
            self.shown.setCurrentWidget(self.grid)
            count = look.regions
        elif isinstance(look, PairLook):
            self.model.show_columns(look.left, look.right, look.names)
            self.shown.setCurrentWidget(self.table)
            count = len(look.left)
        elif isinstance(look, AudioLook):
            self.made_clips = made.clips
            self.clips.show_look(self._info, look)
            self.shown.setCurrentWidget(self.clips)
            count = len(look.seconds)
        else:
            self.text.setPlainText(made.beginning)
            self.shown.setCurrentWidget(self.text)
            count = look.statistics.characters
        wanted, unit = int(np.asarray(values["count"])), COUNTED[self._info.kind]
        few = f"A sample of {count:,} {unit}; the dataset will have {wanted:,}." if count < wanted else ""
        self.said.setText(few or f"{count:,} {unit}: everything the dataset will contain.")

    def show_problem(self, words: str) -> None:
        self.said.setText(words)

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._ask()

    def _changed(self) -> None:
        fine = self.form is not None and not self.form.problems()
        self.duplicate.setEnabled(fine)
        if fine:
            self._timer.start()

    def _ask(self) -> None:
        if self.isVisible() and self.form is not None and not self.form.problems():
            self.try_wanted.emit(self.values())

    def _duplicate(self) -> None:
        if self.form is not None and not self.form.problems():
            self.duplicate_wanted.emit(self.name.text(), self.values())

    def _lay_out(self) -> None:
        self._scroll = named(QScrollArea(), "make_scroll", "Settings")
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setMinimumHeight(40)  # rather than that the words below it are cut in a low window
        side = QWidget()
        theme.fix_width(side, 276)
        vbox(
            (self._scroll, 1), self.said, plain_label("Name of the copy", role="quiet"), self.name, self.duplicate,
            into=side,
        )  # fmt: skip
        self.shown.setMinimumWidth(96)
        hbox(side, (self.shown, 1), into=self, margins=(0, 12, 0, 0), spacing=12)
