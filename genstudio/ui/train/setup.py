"""The left column of a training tab: which model, which data, which preset and how long; every setting is in a drawer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from genstudio.config import Values
from genstudio.data.info import DatasetInfo
from genstudio.errors import ConfigError, Problem
from genstudio.families import AnyFamily, Preset, preset_called
from genstudio.runs.plan import ENDLESS
from genstudio.ui import theme
from genstudio.ui.layouts import Choice, Stack, hbox, named, vbox
from genstudio.ui.numbers import FloatEdit
from genstudio.ui.remember import State
from genstudio.ui.train.drawer import OPEN_KEYS, SettingsDrawer
from genstudio.ui.train.form import ConfigForm, in_words
from genstudio.ui.train.preset_cards import CUSTOM, PresetCards
from genstudio.ui.widgets import icon_button, plain_label, restyle, tooltip, with_keys

LONGEST = 10**9
"""Of a plan, in its unit."""
UNTIL_STOPPED = "until I stop"
UNITS = {"minutes": 60.0, "seconds": 1.0, "steps": 0.0, UNTIL_STOPPED: 0.0}


class SetupColumn(QWidget):
    """What a new run will be, of one of the families: a page with what matters, and a drawer over it with every setting.

    `changed()` when any of it changes; `family_chosen(name)` when the person wants another one; `file_wanted()` to open a
    file, `draw_wanted()` to draw points; `settings_closed()` when the person closed the drawer.
    """

    changed = Signal()
    family_chosen = Signal(str)
    file_wanted = Signal()
    draw_wanted = Signal()
    settings_closed = Signal()

    def __init__(self, families: Sequence[AnyFamily]) -> None:
        super().__init__()
        self.setObjectName("setup_column")
        self.families = {family.name: family for family in families}
        self.family = families[0]
        self.infos: dict[str, DatasetInfo] = {}
        self._every: tuple[DatasetInfo, ...] = ()
        self._wanted = ""
        self.model = _choice("model_choice", "Model")
        for family in families:
            self.model.addItem(family.title, family.name)
        self.data = _choice("dataset_choice", "Dataset")
        self.open_file = icon_button("open", "open_text", "Open a file as a dataset")
        self.draw = icon_button("pencil", "draw_distribution", "Draw your own points")
        self.preset = PresetCards()
        self.settings = named(QPushButton(), "open_settings", "Settings")
        self.settings.setToolTip(tooltip(with_keys("Every setting of the model", OPEN_KEYS)))
        theme.set_icon(self.settings, "settings")
        self.length = named(FloatEdit(low=0.01, high=LONGEST), "plan_length", "How long to train")
        self.unit = _choice("plan_unit", "Unit of the length")
        self.unit.addItems(list(UNITS))
        self.seed = named(FloatEdit(low=0, high=2**31 - 1, whole=True), "seed", "Seed")
        self.seed.set_value(0)
        self.device = _choice("device_choice", "Device")
        self.device.addItems(["auto", "cpu", "cuda", "mps"])
        self.name = named(QLineEdit(), "run_name", "Name of the run")
        self.name.setPlaceholderText("(default: dataset name)")
        self.name.setMaxLength(80)
        self._edits = {"length": self.length, "seed": self.seed}
        self._wrong = {name: plain_label(role="problem", wrap=True, name=f"{name}_problem") for name in self._edits}
        self._forms = {self.family.name: ConfigForm(self.family.config)}
        self.form = self._forms[self.family.name]
        self.general = plain_label(role="problem", wrap=True, name="setup_problems")
        self.general.hide()
        self.note = plain_label(role="quiet", wrap=True, name="setup_note")
        self.note.hide()
        self._offered = {name: _choice(f"{name}_choice", label) for name, label in _offered(families).items()}
        self._lay_out()
        self._applying = False
        self._sized: dict[str, Values] = {}
        self._fill()
        self._apply_preset()
        self.preset.chosen.connect(self._apply_preset)
        self.form.changed.connect(self._edited)
        self.settings.clicked.connect(lambda: self.show_settings(True))
        self.drawer.closed.connect(self._close_settings)
        self.model.activated.connect(lambda _: self.family_chosen.emit(self.model.currentData()))
        self.open_file.clicked.connect(self.file_wanted)
        self.draw.clicked.connect(self.draw_wanted)
        self.data.activated.connect(lambda _: self.choose_data(self.data.currentData()))
        for offered, box in self._offered.items():
            box.activated.connect(partial(self._choose_offered, offered, box))
        for signal in (
            self.data.currentIndexChanged,
            self.unit.currentIndexChanged,
            self.length.changed,
            self.seed.changed,
        ):
            signal.connect(self._set)
        self._set()

    def set_family(self, name: str) -> None:
        """Set up a model of another family: with its form as it was left, and the datasets that it learns from."""
        self.model.setCurrentIndex(self.model.findData(name))
        if name == self.family.name:
            return
        self.family = self.families[name]
        fresh = name not in self._forms
        if fresh:
            form = self._forms[name] = ConfigForm(self.family.config)
            form.changed.connect(self._edited)
        self.form = self._forms[name]
        self.drawer.show_form(self.form)
        self._fill()
        if fresh:
            self._apply_preset()
        else:
            self.set_values(self.values())
        self.set_datasets(self._every)

    def set_datasets(self, infos: Iterable[DatasetInfo]) -> None:
        """Fill the list with those that the family learns from; what is chosen, or was at the last time, stays. Else it is
        what the preset is meant for."""
        chosen, preset = self._wanted or self.data.currentData(), self.chosen()
        self._every = tuple(infos)
        self.infos = {info.id: info for info in self._every if self.family.takes(info)}
        with QSignalBlocker(self.data):
            self.data.clear()
            for info in self.infos.values():
                self.data.addItem(info.title, info.id)
        awaited = "" if chosen in self.infos else self._wanted
        self.choose_data(chosen if chosen in self.infos or preset is None else preset.data)
        self._wanted = awaited

    @property
    def info(self) -> DatasetInfo | None:
        """The dataset that is chosen, if it is listed."""
        return self.infos.get(str(self.data.currentData()))

    @property
    def kind(self) -> str:
        """The kind of the dataset that is chosen."""
        return self.family.data_kinds[0] if self.info is None else self.family.kind_of(self.info)

    def choose_data(self, name: str | None) -> None:
        self._wanted = ""
        index = self.data.findData(name) if name else -1
        self.data.setCurrentIndex(max(index, 0))
        self._say_changes()
        self.changed.emit()

    @property
    def settings_shown(self) -> bool:
        """Whether the drawer is open."""
        return self._pages.currentWidget() is self.drawer

    def show_settings(self, on: bool, *, search: bool = True) -> None:
        """Open the drawer, with the cursor in its search field unless that is not wanted, or close it."""
        held = (self.drawer if self.settings_shown else self._page).isAncestorOf(self.focusWidget() or self)
        self._pages.setCurrentWidget(self.drawer if on else self._page)
        if on and search:
            self.drawer.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.drawer.search.selectAll()
        elif not on and held:
            self.settings.setFocus(Qt.FocusReason.OtherFocusReason)

    def reveal(self, widget: QWidget) -> None:
        """Show the page or the drawer, whichever has this widget."""
        if self.drawer.isAncestorOf(widget) or self._page.isAncestorOf(widget):
            self.show_settings(self.drawer.isAncestorOf(widget), search=False)

    def freeze(self, on: bool) -> None:
        """While a training runs its settings can be read and searched, and not changed."""
        self._page.setEnabled(not on)
        self.drawer.freeze(on)

    def _close_settings(self) -> None:
        self.show_settings(False)
        self.settings_closed.emit()

    def values(self) -> Values:
        return self.form.values()

    def problems(self) -> tuple[Problem, ...]:
        """Everything that stands in the way of a training, each with its field."""
        own = ((name, edit.problem()) for name, edit in self._edits.items() if not edit.isHidden())
        found = (
            *(Problem(name, words) for name, words in own if words),
            *self.family.config.problems(self.values()),
        )
        return found or self.misfits()

    def misfits(self) -> tuple[Problem, ...]:
        """Why settings that are sound by themselves cannot be trained on the dataset, as far as its description tells."""
        config = self.family.config
        if self.info is None or self.family.misfits is None or config.problems(self.values()):
            return ()
        return tuple(self.family.misfits(config.parse(self.values()), self.info))

    def parsed(self) -> tuple[Values, int]:
        """Settings and seed of the training as they stand. Raises ConfigError with every problem there is."""
        if problems := self.problems():
            raise ConfigError(problems)
        return self.family.config.parse(self.values()).model_dump(), int(self.seed.value())

    def words(self, problem: Problem) -> str:
        """The problem with the name of its field as the form shows it."""
        form = {name: row.setting.label for name, row in self.form.rows.items()}
        names = {"length": "Train for", "seed": "Seed", "data": "Dataset", **form}
        return f"{names[problem.field]}: {problem.message}" if problem.field in names else str(problem)

    def go_to(self, problem: Problem) -> None:
        """Put the cursor into the field that has this problem."""
        edit = self._edits.get(problem.field)
        if edit is not None:
            self.reveal(edit)
            edit.setFocus()
        elif problem.field in self.form.rows:
            self.show_settings(True, search=False)
            self.drawer.search.clear()
            self.form.go_to(problem.field)

    def plan(self) -> tuple[int | None, float | None]:
        """(steps, seconds), one of them None. Raises ConfigError where the length is not a number in range."""
        if self.unit.currentText() == UNTIL_STOPPED:
            return ENDLESS, None
        if words := self.length.problem():
            raise ConfigError([Problem("length", words)])
        length, scale = self.length.value(), UNITS[self.unit.currentText()]
        return (None, float(length) * scale) if scale else (int(length), None)

    def set_plan(self, steps: int | None, seconds: float | None) -> None:
        if steps == ENDLESS:
            self.unit.setCurrentText(UNTIL_STOPPED)
            return
        unit, length = "steps", steps or seconds or 60.0
        if steps is None:
            unit = "minutes" if 60 <= length <= LONGEST else "seconds"
            length = length / 60 if unit == "minutes" else length
        self.unit.setCurrentText(unit)
        self.length.set_value(length)

    def set_values(self, values: Values) -> None:
        """Settings of a run that is opened: the preset they equal is named, or Custom."""
        name = next((p.name for p in self.family.presets if self._equals(p, values)), CUSTOM)
        self.preset.choose(name)
        self.form.set_values(values)

    def show_sizes(self, sizes: Mapping[str, Values]) -> None:
        """Settings of presets of a given time, by their names, as this computer can train them; what was changed stays."""
        before, self._sized = self._sized, dict(sizes)
        preset = self.chosen()
        if preset is not None and before.get(preset.name) != self._sized.get(preset.name):
            own = {name: row.value() for name, row in self.form.rows.items() if row.is_changed}
            self._applying = True
            self._show_preset(preset, own)
            self._applying = False
            self._say_changes()
            self.changed.emit()

    def chosen(self) -> Preset | None:
        """The preset that is named; None for Custom."""
        return next((p for p in self.family.presets if p.name == self.preset.name), None)

    def edited(self) -> bool:
        """Whether the settings are other than those of the preset that is named."""
        preset = self.chosen()
        return preset is None or not self._equals(preset, self.values())

    def show_problems(self, problems: Iterable[Problem]) -> None:
        """At their fields in the form; what has no field there, in words below."""
        listed = [p for p in problems if p.field not in self._edits]  # theirs is shown as long as it lasts
        self.form.show_problems(p for p in listed if p.field in self.form.rows)
        other = [self.words(p) for p in listed if p.field not in self.form.rows]
        self.general.setText("\n".join(other))
        self.general.setVisible(bool(other))

    def say(self, words: str) -> None:
        """A note about the settings as they stand; empty for none."""
        self.note.setText(words)
        self.note.setVisible(bool(words))

    def state(self) -> State:
        """What comes back at the next start."""
        return {
            "family": self.family.name,
            "data": self.data.currentData() or self._wanted,
            "preset": self.preset.name,
            "plan": None if any(p.field == "length" for p in self.problems()) else self.plan(),
            "seed": None if self.seed.problem() else self.seed.value(),
            "device": self.device.currentText(),
            "values": self.values(),
        }

    def restore(self, state: State) -> None:
        """Bring back what `state` gave, the dataset once it is listed; anything that no longer fits is left as it is."""
        if state.get("family") in self.families:
            self.set_family(str(state["family"]))
        self._wanted = str(state.get("data") or "")
        name = str(state.get("preset"))
        preset = preset_called(self.family.presets, name)
        self.preset.choose(name if preset is None else preset.name)
        values = state.get("values")
        if isinstance(values, dict) and not self.family.config.problems(values):
            self.form.set_values(values)
        match state.get("plan"):
            case [int() as steps, None]:
                self.set_plan(steps, None)
            case [None, int() | float() as seconds]:
                self.set_plan(None, seconds)
        seed = state.get("seed")
        self.seed.set_value(seed if isinstance(seed, int) else 0)
        self.device.setCurrentText(str(state.get("device") or "auto"))

    def _fill(self) -> None:
        """The presets of the family."""
        self.preset.show_presets(self.family.presets)
        self.draw.setVisible(not {"points", "rows"}.isdisjoint(self.family.data_kinds))

    def _apply_preset(self, _name: str = "") -> None:
        preset = self.chosen()
        if preset is None:
            self.changed.emit()
            return
        self._applying = True
        self._show_preset(preset)
        self.set_plan(ENDLESS if preset.endless else preset.steps, preset.seconds)
        self._applying = False
        self._say_changes()
        self.changed.emit()

    def _show_preset(self, preset: Preset, own: Values | None = None) -> None:
        """Its settings in the form, of the size that this computer can train, with `own` ones in place of some."""
        values = self.family.config.parse(self._sized.get(preset.name, preset.values)).model_dump()
        self.form.set_base(values)
        self.form.set_values({**values, **(own or {})})

    def _equals(self, preset: Preset, values: Values) -> bool:
        every = (self.family.config.parse(given).model_dump() for given in preset.every)
        return any(all(whole.get(name) == value for name, value in values.items()) for whole in every)

    def _choose_offered(self, name: str, box: QComboBox, place: int) -> None:
        """A setting that is offered beside the preset was chosen there."""
        self.form.set_values({name: box.itemData(place)})

    def _show_offered(self) -> None:
        """What the preset offers to choose, as it is set."""
        preset = self.chosen()
        for name, box in self._offered.items():
            values = preset.offers.get(name, ()) if preset is not None and name in self.form.rows else ()
            self._top.setRowVisible(box, bool(values))
            if not values:
                continue
            setting, now = self.form.rows[name].setting, self.form.rows[name].value()
            box.clear()
            for value in dict.fromkeys((*values, now)):
                box.addItem(setting.words(value), value)
            box.setCurrentIndex(box.findData(now))
            box.setToolTip(tooltip(in_words(setting, setting.help)))

    def _set(self, *_: object) -> None:
        """Something beside the form was set."""
        steps = not UNITS[self.unit.currentText()]
        self.length.setVisible(self.unit.currentText() != UNTIL_STOPPED)
        with QSignalBlocker(self.length):
            self.length.set_whole(steps, 1 if steps else 0.01)
        for name, edit in self._edits.items():
            words = "" if edit.isHidden() else edit.problem()
            self._wrong[name].setText(words)
            if name == "length":
                self._top.setRowVisible(self._wrong[name], bool(words))  # a row that is hidden leaves no gap
            else:
                self._wrong[name].setVisible(bool(words))
            restyle(edit, "problem", bool(words))
            edit.setAccessibleDescription(words)
        self._say_changes()
        self.changed.emit()

    def _edited(self) -> None:
        self.general.hide()
        self._say_changes()
        if not self._applying:
            self.changed.emit()

    def _say_changes(self) -> None:
        """On the button that opens the drawer, whether something in there is changed or wrong."""
        self._show_offered()
        self.form.show_misfits(self.misfits())
        changed, wrong = len(self.form.changes()), sum(problem.field != "length" for problem in self.problems())
        parts = [f"{wrong} error{'s' * (wrong > 1)}"] * bool(wrong) + [f"{changed} changed"] * bool(changed)
        words = "  ·  ".join(["Settings", ", ".join(parts)] if parts else ["Settings"])
        self.settings.setText(words)
        self.settings.setAccessibleName(words)
        self.drawer.show_changes()

    def _lay_out(self) -> None:
        for edit in (self.length, self.seed):
            edit.setMinimumWidth(64)
        self.unit.setMinimumWidth(112)
        self.device.setMinimumWidth(96)
        self._page = QWidget()
        rows = self._top = QFormLayout(self._page)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(8)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow("Model", self.model)
        if len(self.families) < 2:
            rows.setRowVisible(self.model, False)
        rows.addRow("Dataset", _row(self.data, self.open_file, self.draw))
        rows.addRow(self.preset)
        rows.addRow("Train for", _row(self.length, self.unit))
        rows.addRow("", self._wrong["length"])
        for box in self._offered.values():
            rows.addRow(box.accessibleName(), box)
            rows.setRowVisible(box, False)
        rows.addRow(self.settings)
        name = _labelled("Name", self.name)
        seed = _labelled("Seed", self.seed, plain_label("on"), self.device, below=self._wrong["seed"])
        heading = plain_label("This run", role="group", name="group_run")
        own = ((name, "name of this run"), (seed, "seed of this run device cpu cuda mps gpu"))
        self.drawer = SettingsDrawer(((heading, " ".join(about for _, about in own)), *own))
        self.drawer.show_form(self.form)
        self._pages = Stack()
        self._pages.addWidget(self._page)
        self._pages.addWidget(self.drawer)
        vbox((self._pages, 1), self.note, self.general, into=self)


def _offered(families: Iterable[AnyFamily]) -> dict[str, str]:
    """The settings that presets offer to choose beside them, with their labels."""
    return {
        setting.name: setting.label
        for family in families
        for setting in family.config.settings()
        if any(setting.name in preset.offers for preset in family.presets)
    }


def _choice(name: str, label: str) -> QComboBox:
    box = named(Choice(), name, label)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(3)
    return box


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for index, widget in enumerate(widgets):
        row.addWidget(widget, 0 if index else 1)
    return row


def _labelled(words: str, first: QWidget, *rest: QWidget, below: QWidget | None = None) -> QWidget:
    """A row of the drawer: a name, what it names, and maybe a line below."""
    label, part = QLabel(words), QWidget()
    label.setMinimumWidth(theme.scaled(44))
    label.setBuddy(first)
    row = hbox(label, (first, 1), *rest)
    vbox(row, *([below] if below is not None else []), into=part, spacing=2)
    return part
