"""Settings that may change while a model trains: each change is saved before, marked on the charts, and can be undone."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QListWidget, QVBoxLayout, QWidget

from genstudio.config import Config, Values
from genstudio.events import Frame
from genstudio.ui.layouts import hbox, single_shot, vbox
from genstudio.ui.parts import scrolled
from genstudio.ui.train.form import SettingRow
from genstudio.ui.widgets import CollapsibleSection, button, plain_label, tooltip

_WAIT_MS = 500
_SAYS = {
    True: "Changes apply from the next step. A checkpoint is saved first, so you can undo.",
    False: "These settings can be changed while a model trains.",
}


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

    def _enable(self) -> None:
        self.back.setEnabled(self._live and self._changes > 0)
        self.log.setVisible(self.log.count() > 0)

    def _lay_out(self, first: Sequence[str]) -> None:
        self.log.setObjectName("live_log")
        self.log.setAccessibleName("Changes made while training")
        self.log.setMaximumHeight(120)
        self.log.setWordWrap(True)
        more = CollapsibleSection("More controls", name="live_more")
        inside, hidden = QVBoxLayout(), QVBoxLayout()
        for layout in (inside, hidden):
            layout.setContentsMargins(0, 0, 8, 0)
            layout.setSpacing(4)
        rest = [name for name in self.rows if name not in first]
        for name in (*(n for n in first if n in self.rows), *rest):
            (inside if name in first else hidden).addWidget(self.rows[name])
        more.set_content(hidden)
        if not rest:  # shown without a parent, it would be a window for a moment
            more.hide()
        inside.addWidget(more)
        inside.addStretch(1)
        holder = QWidget()
        holder.setLayout(inside)
        layout = vbox(
            self.said, (scrolled(holder, "live_scroll"), 1), self.log, hbox(self.back, None), into=self,
            margins=(0, 8, 0, 0),
        )  # fmt: skip
