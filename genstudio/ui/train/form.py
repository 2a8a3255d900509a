"""A form made of a Config's declaration: nothing about a setting is said twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QGridLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from genstudio.config import Config, Setting, Values, number_text
from genstudio.errors import Problem
from genstudio.ui import theme
from genstudio.ui.layouts import Choice, named, vbox
from genstudio.ui.numbers import FloatEdit
from genstudio.ui.runs.wording import names_of
from genstudio.ui.widgets import CollapsibleSection, icon_button, plain_label, restyle, tooltip

_EDITOR_WIDTH = 120


_LISTED = 420
"""Pixels of a list of names, at most."""


class _NameChoice(Choice):
    """A value by its name: one of those there are, listed when it is opened, or what is typed; `empty` says what none means.
    `names` gives the names by their values."""

    def __init__(self, names: Callable[[], Mapping[str, str]], empty: str) -> None:
        super().__init__()
        self.names = names
        self._known: Mapping[str, str] = {}
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumContentsLength(6)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        edit = self.lineEdit()
        assert edit is not None
        edit.setPlaceholderText(empty)

    def value(self) -> str:
        """The value of the name that is shown; what was typed where it is no name."""
        text = self.currentText()
        return next((value for value, name in self._known.items() if name == text), text)

    def show_value(self, value: str) -> None:
        """Show a value by its name; one without a name as it is."""
        if value and value not in self._known:
            self._known = self.names()
        self.setCurrentText(self._known.get(value, value))

    def showPopup(self) -> None:
        value = self.value()
        with QSignalBlocker(self):
            self._known = self.names()
            self.clear()
            self.addItem("")
            self.addItems(list(self._known.values()))
            self.show_value(value)
        view = self.view()  # as wide as names that are told apart by their ends
        view.setMinimumWidth(min(view.sizeHintForColumn(0) + 40, theme.scaled(_LISTED)))
        super().showPopup()


def _runs_of(families: str) -> dict[str, str]:
    """What runs and included models that can be started from are called, of one of these families, by their ids."""
    from genstudio.runs import list_models

    wanted = families.split("|")
    return names_of([info for info in list_models() if info.family in wanted and info.usable])


def _datasets_of(kind: str) -> dict[str, str]:
    """The datasets of a kind by what they are called, or by their ids where two are called the same."""
    from genstudio.data import shelf

    known = shelf.list_datasets()
    often = Counter(info.title.casefold() for info in known)
    return _as_they_are(info.title if often[info.title.casefold()] == 1 else info.id for info in known if info.kind == kind)


def _as_they_are(values: Iterable[str]) -> dict[str, str]:
    """Values that are their own names."""
    return {value: value for value in values}


class _PathEdit(QLineEdit):
    """The path of a file, with a sign in it that opens a dialog; a file can be dropped on it."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self._setting = setting
        self.setPlaceholderText("choose a file")
        browse = self.addAction(theme.icon("open"), QLineEdit.ActionPosition.TrailingPosition)
        browse.setObjectName(f"browse_{setting.name}")
        browse.setText(f"Choose a file: {setting.label}")
        browse.setToolTip(browse.text())
        theme.set_icon(browse, "open")
        browse.triggered.connect(self._browse)

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, self._setting.label, "", self._setting.file)
        if path:
            self.setText(path)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.setText(event.mimeData().urls()[0].toLocalFile())
        event.acceptProposedAction()


class SettingRow(QWidget):
    """One setting: name, editor, a dot that resets it, and lines for its help and its problem."""

    changed = Signal(str)

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self.base: Any = setting.default
        self.setObjectName(f"row_{setting.name}")
        choices = " ".join(f"{choice} {setting.words(choice)}" for choice in setting.choices)
        self.about = f"{setting.name} {setting.label} {setting.help} {setting.group} {choices}".lower()
        self.editor = named(_editor(setting), f"setting_{setting.name}", setting.label)
        self.editor.setAccessibleDescription(_help(setting))
        self.label = plain_label(setting.label, wrap=True, name=f"label_{setting.name}")
        self.label.setBuddy(self.editor)
        self.reset = icon_button("dot", f"reset_{setting.name}", "")
        self.info = icon_button("info", f"help_{setting.name}", f"What {setting.label} does")
        self.info.setCheckable(True)
        theme.set_icon(self.info, "info", "quiet")
        theme.set_icon(self.reset, "dot", "accent")
        self._said, self._tip = _help(setting), ""
        self._lay_out()
        self.editor.installEventFilter(self)
        self.reset.clicked.connect(lambda: self.set_value(self.base))
        self.info.toggled.connect(lambda _: self._show_help())
        self._connect()
        self.set_value(setting.default)
        self.compare()

    @cached_property
    def help(self) -> QLabel:
        """Its help, below the editor. This and the next are made when first shown: few of some fifty rows ever are."""
        return self._line(self._said, "quiet", f"help_text_{self.setting.name}", 2)

    @cached_property
    def problem(self) -> QLabel:
        """What stands in the way of this setting."""
        return self._line("", "problem", f"problem_{self.setting.name}", 1)

    def value(self) -> Any:
        """What the editor holds; text where it is not a number."""
        if isinstance(self.editor, QCheckBox):
            return self.editor.isChecked()
        if isinstance(self.editor, _NameChoice):
            return self.editor.value()
        if isinstance(self.editor, QComboBox):
            return self.editor.currentData()
        return self.editor.text() if isinstance(self.editor, QLineEdit) else self.editor.value()

    def set_value(self, value: Any) -> None:
        """Show a value; `changed` follows if it differs."""
        if isinstance(self.editor, QCheckBox):
            self.editor.setChecked(bool(value))
        elif isinstance(self.editor, _NameChoice):
            self.editor.show_value(str(value))
        elif isinstance(self.editor, QComboBox):
            if (place := self.editor.findData(value)) >= 0:
                self.editor.setCurrentIndex(place)
        elif isinstance(self.editor, QLineEdit):
            self.editor.setText(str(value))
        else:
            self.editor.set_value(value)

    @property
    def is_changed(self) -> bool:
        return bool(self.value() != self.base)

    def compare(self) -> None:
        """Show the dot if the value differs from the base."""
        room = self.reset.sizePolicy()
        room.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(room)
        self.reset.setVisible(self.is_changed)
        words = f"Changed; back to {self.setting.words(self.base)}"
        self.reset.setToolTip(tooltip(words))
        self.reset.setAccessibleName(f"{self.setting.label}: {words}")
        self._say()

    def show_problem(self, message: str) -> None:
        if message or "problem" in vars(self):
            self.problem.setText(message)
            self.problem.setVisible(bool(message))
        restyle(self.editor, "problem", bool(message))
        self.editor.setAccessibleDescription(f"{message}. {_help(self.setting)}" if message else _help(self.setting))

    def show_applies(self, applies: bool, reason: str) -> None:
        """Grey the row while the setting has no effect, and say why."""
        self.editor.setEnabled(applies)
        self.label.setEnabled(applies)
        self._said = _help(self.setting) if applies else f"{reason}\n{_help(self.setting)}"
        if "help" in vars(self):
            self.help.setText(self._said)
        self._say()

    def _say(self) -> None:
        """The tooltip: what the setting does, and a choice as the command line takes it."""
        words = self._said
        if self.setting.kind == "choice":
            words += f"\nOn the command line: {self.setting.name}={self.value()}"
        if words != self._tip:
            self._tip = words
            for widget in (self.label, self.editor):
                widget.setToolTip(tooltip(words))

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self._show_help(focused=event.type() == QEvent.Type.FocusIn)
        return False

    def _show_help(self, focused: bool | None = None) -> None:
        seen = self.info.isChecked() or (self.editor.hasFocus() if focused is None else focused)
        if seen or "help" in vars(self):
            self.help.setVisible(seen)

    def _line(self, text: str, role: str, name: str, place: int) -> QLabel:
        label = plain_label(text, role=role, wrap=True, name=name)
        self._grid.addWidget(label, place, 0, 1, 4)
        label.hide()
        return label

    def _lay_out(self) -> None:
        self._grid = grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(2)
        grid.addWidget(self.label, 0, 0)
        grid.addWidget(self.editor, 0, 1)
        grid.addWidget(self.reset, 0, 2)
        grid.addWidget(self.info, 0, 3)
        grid.setColumnStretch(0, 1)
        self.editor.setFixedWidth(_EDITOR_WIDTH + 48 * isinstance(self.editor, QComboBox))
        for button in (self.reset, self.info):
            button.setFixedSize(22, 24)
        self.info.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _connect(self) -> None:
        name = self.setting.name
        if isinstance(self.editor, QCheckBox):
            self.editor.toggled.connect(lambda _: self.changed.emit(name))
        elif isinstance(self.editor, QComboBox):
            self.editor.currentTextChanged.connect(lambda _: self.changed.emit(name))
        elif isinstance(self.editor, QLineEdit):
            self.editor.textChanged.connect(lambda _: self.changed.emit(name))
        else:
            self.editor.changed.connect(lambda _: self.changed.emit(name))


class ConfigForm(QWidget):
    """All settings of a Config type: the main ones open, the rest under "More" where there are main ones; `filter` leaves
    those that are looked for."""

    changed = Signal(object)

    def __init__(self, config_type: type[Config]) -> None:
        super().__init__()
        self.setObjectName("config_form")
        self.config_type = config_type
        self.rows = {setting.name: SettingRow(setting) for setting in config_type.settings()}
        self._quiet = self._filtered = self._opened = False
        self._extra: tuple[Problem, ...] = ()
        self._misfits: tuple[Problem, ...] = ()
        self._locked: Mapping[str, str] = {}
        self._headers: dict[QWidget, list[SettingRow]] = {}
        self.more = CollapsibleSection("More settings", name="form_more")
        self.general = plain_label(role="problem", wrap=True, name="form_problems")
        layout = vbox(self.general, into=self, spacing=4)
        every = list(self.rows.values())
        self._more = [row for row in every if not row.setting.main] if any(row.setting.main for row in every) else []
        self._fill(layout, [row for row in every if row not in self._more])
        layout.addWidget(self.more)
        layout.addStretch(1)
        inside = QVBoxLayout()
        inside.setSpacing(4)
        self._fill(inside, self._more)
        self.more.set_content(inside)
        self._update()
        for row in self.rows.values():
            row.changed.connect(lambda _: self._changed())

    def values(self) -> Values:
        """Every setting as it stands, wrong ones included."""
        return {name: row.value() for name, row in self.rows.items()}

    def set_values(self, values: Values) -> None:
        """Show these values; names that are missing stay, unknown ones are ignored. `changed` comes once."""
        before = self.values()
        self._quiet = True
        for name in values.keys() & self.rows.keys():
            self.rows[name].set_value(values[name])
        self._quiet = False
        if self.values() != before:
            self._changed()

    def set_base(self, values: Values) -> None:
        """What the dots compare with and reset to: a preset, or the declared defaults where it is silent."""
        for name, row in self.rows.items():
            row.base = values.get(name, row.setting.default)
        self._update()

    def reset(self) -> None:
        """Back to the base."""
        self.set_values({name: row.base for name, row in self.rows.items()})

    def changes(self) -> tuple[str, ...]:
        """Labels of the settings that differ from the base."""
        return tuple(row.setting.label for row in self.rows.values() if row.is_changed)

    def filter(self, text: str) -> bool:
        """Show only the settings whose name, label, help or group has the most of these words, wherever they are; whether any
        has one. Without a word all are there, and "More" is as it was."""
        words = text.lower().split()
        if words and not self._filtered:
            self._opened = self.more.opened
        held = {name: sum(word in row.about for word in words) for name, row in self.rows.items()}
        most = max(max(held.values(), default=0), min(len(words), 1))
        for name, row in self.rows.items():
            row.setVisible(not words or held[name] == most)
        for header, rows in self._headers.items():
            header.setVisible(any(not row.isHidden() for row in rows))
        found = [row for row in self.rows.values() if not row.isHidden()]
        if words or self._filtered:
            self.more.set_opened(any(row in self._more for row in found) if words else self._opened)
        self.more.setVisible(any(row in self._more for row in found))
        self._filtered = bool(words)
        return bool(found)

    def go_to(self, name: str = "") -> None:
        """Put the cursor into a setting, wherever it is; without a name into the first that is shown."""
        found = [row for row in self.rows.values() if row.setting.name == name or (not name and not row.isHidden())]
        if found:
            self.more.set_opened(self.more.opened or found[0] in self._more)
            found[0].editor.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def problems(self) -> tuple[Problem, ...]:
        """What stands in the way now."""
        return self.config_type.problems(self.values())

    def show_problems(self, problems: Iterable[Problem]) -> None:
        """Say these at their fields, beside what the form itself finds, until a setting changes."""
        self._extra = tuple(problems)
        self._update()

    def show_misfits(self, problems: Iterable[Problem]) -> None:
        """Say at their fields why the settings do not fit the dataset, as long as that is so; what has no field here is said
        elsewhere."""
        found = tuple(problem for problem in problems if problem.field in self.rows)
        if found != self._misfits:
            self._misfits = found
            self._update()

    def set_names(self, name: str, names: Sequence[str]) -> None:
        """What can be chosen for a setting that names a part of a dataset."""
        editor = self.rows[name].editor
        assert isinstance(editor, _NameChoice)
        editor.names = lambda: _as_they_are(names)

    def set_locked(self, names: Iterable[str], reason: str) -> None:
        """Grey these settings and say why; all others are free."""
        self._locked = dict.fromkeys(names, reason)
        self._update()

    def _fill(self, layout: QVBoxLayout, rows: list[SettingRow]) -> None:
        groups = dict.fromkeys(row.setting.group for row in rows)
        for group in groups:
            members = [row for row in rows if row.setting.group == group]
            if group:
                header = plain_label(group, role="group", name=f"group_{group.lower()}")
                header.setContentsMargins(0, 8, 0, 0)
                layout.addWidget(header)
                self._headers[header] = self._headers.get(header, []) + members
            for row in members:
                layout.addWidget(row)

    def _changed(self) -> None:
        if not self._quiet:
            self._extra = ()
            self._update()
            self.changed.emit(self.values())

    def _update(self) -> None:
        values = self.values()
        messages: dict[str, str] = {}
        for problem in (*self.config_type.problems(values), *self._misfits, *self._extra):
            field = problem.field if problem.field in self.rows else ""
            messages[field] = "\n".join(dict.fromkeys([*messages.get(field, "").split("\n"), problem.message])).strip()
        self.general.setText(messages.get("", ""))
        self.general.setVisible("" in messages)
        for name, row in self.rows.items():
            row.show_problem(messages.get(name, ""))
            reason = self._locked.get(name, "") or _reason(row.setting, self.rows)
            row.show_applies(row.setting.applies(values) and name not in self._locked, reason)
            row.compare()
        self._note(self._more, messages)

    def _note(self, rows: list[SettingRow], messages: Mapping[str, str]) -> None:
        wrong = sum(row.setting.name in messages for row in rows)
        changed = sum(row.is_changed for row in rows)
        if wrong:
            self.more.set_opened(True)
        parts = [f"{wrong} error{'s' * (wrong > 1)}"] * bool(wrong) + [f"{changed} changed"] * bool(changed)
        self.more.set_note(", ".join(parts))
        self.more.setVisible(bool(rows) and (not self._filtered or any(not row.isHidden() for row in rows)))


def _editor(setting: Setting) -> QCheckBox | QComboBox | QLineEdit | FloatEdit:
    if setting.kind == "bool":
        return QCheckBox()
    if setting.kind == "choice":
        box = Choice()
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for place, choice in enumerate(setting.choices):
            box.addItem(setting.words(choice), choice)
            box.setItemData(place, f"{setting.name}={choice}", Qt.ItemDataRole.ToolTipRole)
        box.setMinimumContentsLength(6)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        return box
    if setting.run:
        return _NameChoice(lambda: _runs_of(setting.run), setting.empty or "from scratch")
    if setting.dataset:
        return _NameChoice(lambda: _datasets_of(setting.dataset), "none")
    if setting.part:
        return _NameChoice(dict, "by itself")
    if setting.kind == "text":
        return _PathEdit(setting) if setting.file else QLineEdit()
    whole = setting.kind == "int"
    unit = 0.0
    if whole:
        low = setting.low or 0
        unit = low if low >= 2 and (setting.high or 0) >= 64 * low else 1
    return FloatEdit(low=setting.low, high=setting.high, logarithmic=setting.logarithmic, whole=whole, unit=unit)


def _help(setting: Setting) -> str:
    parts = [in_words(setting, setting.help.rstrip(".")) + "."]
    if setting.low is not None and setting.high is not None:
        parts.append(f"{number_text(setting.low)} to {number_text(setting.high)}.")
    if setting.source:
        parts.append(f"Source: {in_words(setting, setting.source)}.")
    return " ".join(parts)


def in_words(setting: Setting, text: str) -> str:
    """What is said of a setting, with its choices called as they are in its list: "least_squares: Mao", "least squares: Mao"."""
    for choice in setting.choices:
        end = r"\b" if "_" in choice else "(?=:)"
        text = re.sub(rf"\b{re.escape(choice)}{end}", setting.words(choice), text)
    return text


def _reason(setting: Setting, rows: Mapping[str, SettingRow]) -> str:
    parts = []
    for part in setting.when.split("&"):
        name, _, wanted = part.partition("=")
        label, words = (rows[name].setting.label, rows[name].setting.words) if name in rows else (name, str)
        values = [{"True": "on", "False": "off"}.get(value) or words(value) for value in wanted.split("|")]
        parts.append(f"{label}: {' or '.join(values)}")
    return f"Has an effect only with {', and '.join(parts)}."
