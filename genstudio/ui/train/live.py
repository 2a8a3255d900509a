"""Settings that may change while a model trains: each change is saved before, marked on the charts, and can be undone."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QListWidget, QVBoxLayout, QWidget

from genstudio.config import Config, Values
from genstudio.events import Frame
from genstudio.ui import theme
from genstudio.ui.layouts import hbox, single_shot, vbox
from genstudio.ui.parts import scrolled
from genstudio.ui.train.form import SettingRow
from genstudio.ui.widgets import CollapsibleSection, button, plain_label, tooltip

_WAIT_MS = 500
_COLUMN, _NUMBER = 310, 92
"""Pixels of a column with a label on one line, and of the field of a number in it."""
_SAYS = {
    True: "Changes apply from the next step. A checkpoint is saved first, so you can undo.",
    False: "These settings can be changed while a model trains.",
}


class _Rows(QWidget):
    """Settings below each other, or in two columns where there is room: beside a stage that leaves the charts their height."""

    def __init__(self, rows: Sequence[SettingRow]) -> None:
        super().__init__()
        self._rows = rows
        self._placed: tuple[int, list[SettingRow]] = (0, [])
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 8, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(4)
        for row in rows:
            row.setParent(self)
        self.arrange()

    def arrange(self) -> None:
        """Put those that have an effect into their places, from left to right."""
        columns = 2 if self.width() >= theme.scaled(2 * _COLUMN) else 1
        shown = [row for row in self._rows if not row.isHidden()]
        if (columns, shown) == self._placed:
            return
        self._placed = columns, shown
        for row in self._rows:
            self._grid.removeWidget(row)
            if not isinstance(row.editor, QComboBox | QCheckBox):
                row.editor.setFixedWidth(theme.scaled(_NUMBER))
        for place, row in enumerate(shown):
            self._grid.addWidget(row, place // columns, place % columns, Qt.AlignmentFlag.AlignTop)
        for column in range(2):
            self._grid.setColumnStretch(column, int(column < columns))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arrange()


class LiveHandles(QWidget):
    """`changed(values)` with the settings that were changed, once the person pauses; `back_wanted()` to undo the last."""

    changed = Signal(object)
    back_wanted = Signal()

    def __init__(self, config_type: type[Config], first: Sequence[str] = ()) -> None:
        """`first` are the settings that are seen at once; the others, where there are some, under "More controls"."""
        super().__init__()
        self.setObjectName("live_handles")
        self._type = config_type
        self._values: Values = config_type().model_dump()
        self._changes = 0
        settings = {setting.name: setting for setting in config_type.settings() if setting.live}
        self.rows = {name: SettingRow(setting) for name, setting in settings.items()}
        self._wanted: set[str] = set()
        self._quiet = False
        self._timer = single_shot(self, _WAIT_MS)
        self._timer.timeout.connect(self._send)
        self.log = QListWidget()
        self.back = button("Go back", "live_back", "undo", "Undo the last change", self.back_wanted.emit)
        self.back.setToolTip(tooltip("Undo the last change: weights, charts and settings go back to before it (F4)"))
        self.said = plain_label(role="quiet", wrap=True, name="live_said")
        self._columns: list[_Rows] = []
        self._lay_out(first)
        for name, line in self.rows.items():
            line.changed.connect(lambda _, name=name: self._edited(name))
        self.set_live(False)

    def set_values(self, values: Values) -> None:
        """The settings of the run that is shown, with no change made yet."""
        self._changes = 0
        self.log.clear()
        self._show({**self._type().model_dump(), **values}, base=True)
        self._enable()

    def values(self) -> Values:
        """All settings of the run, as they stand."""
        return dict(self._values)

    def show_frame(self, frame: Frame) -> None:
        """What the training says of its settings: the changes that took effect, and how they stand now."""
        made = [notice for notice in frame.notices if notice.kind == "changed"]
        if frame.back is not None:
            self._changes = max(self._changes - 1, 0)
        elif frame.settings is not None or frame.progress is None:
            self._changes += len(made)
        for notice in made:
            self.log.insertItem(0, f"Step {notice.step:,}: {notice.text}")
        if frame.settings is not None:
            self._show(frame.settings)
            refused = [notice.text for notice in frame.notices if notice.kind == "warning"]
            self.said.setText(" ".join(refused) or _SAYS[self._live])
        self._enable()

    def set_live(self, live: bool) -> None:
        """Whether there is a training to change."""
        self._live = live
        for line in self.rows.values():
            line.setEnabled(live)
        self.said.setText(_SAYS[live])
        self._enable()

    def _edited(self, name: str) -> None:
        if not self._quiet:
            self._wanted.add(name)
            self._timer.start()

    def _send(self) -> None:
        found = {name: self.rows[name].value() for name in sorted(self._wanted)}
        found = {name: value for name, value in found.items() if value != self._values.get(name)}
        problems = {p.field: p.message for p in self._type.problems({**self._values, **found})}
        for name, line in self.rows.items():
            line.show_problem(problems.get(name, ""))
        self._applies()
        self._wanted.clear()
        if not found or problems or not self._live:
            self._wanted.update(found if problems else ())
            return
        self.changed.emit(found)

    def _show(self, values: Values, base: bool = False) -> None:
        if base:
            self._timer.stop()
            self._wanted.clear()
        self._quiet = True
        self._values = dict(values)
        for name, line in self.rows.items():
            if base:
                line.base = values[name]
            if name not in self._wanted:
                line.set_value(values[name])
                line.show_problem("")
        self._quiet = False
        self._applies()

    def _applies(self) -> None:
        now = {**self._values, **{name: line.value() for name, line in self.rows.items()}}
        for line in self.rows.values():
            line.setVisible(line.setting.applies(now))
            line.compare()
        for columns in self._columns:
            columns.arrange()

    def _enable(self) -> None:
        self.back.setEnabled(self._live and self._changes > 0)
        self.log.setVisible(self.log.count() > 0)

    def _lay_out(self, first: Sequence[str]) -> None:
        self.log.setObjectName("live_log")
        self.log.setAccessibleName("Changes made while training")
        self.log.setMaximumHeight(120)
        self.log.setWordWrap(True)
        rest = [name for name in self.rows if name not in first]
        parts = [[self.rows[name] for name in names if name in self.rows] for names in (first, rest)]
        self._columns = [_Rows(rows) for rows in parts]
        more, hidden, inside = CollapsibleSection("More controls", name="live_more"), QVBoxLayout(), QVBoxLayout()
        for layout in (inside, hidden):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(4)
        hidden.addWidget(self._columns[1])
        more.set_content(hidden)
        if not rest:  # shown without a parent, it would be a window for a moment
            more.hide()
        inside.addWidget(self._columns[0])
        inside.addWidget(more)
        inside.addStretch(1)
        holder = QWidget()
        holder.setLayout(inside)
        vbox(
            hbox((self.said, 1), self.back), (scrolled(holder, "live_scroll"), 1), self.log, into=self, margins=(0, 8, 0, 0),
            spacing=4,
        )
