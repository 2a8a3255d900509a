"""The form holds exactly what it was given, says problems at their field, and resets what was changed."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QWidget
from pytestqt.qtbot import QtBot

from genstudio import families
from genstudio.config import Config, Setting, number_text, setting
from genstudio.errors import Problem
from genstudio.families.gpt.config import GPTConfig
from genstudio.training import steering
from genstudio.ui.numbers import FloatEdit, read_number, stepped
from genstudio.ui.train.form import ConfigForm, in_words


@pytest.fixture
def form(qtbot: QtBot) -> ConfigForm:
    made = ConfigForm(GPTConfig)
    qtbot.addWidget(made)
    made.show()
    return made


def one(found: Setting) -> st.SearchStrategy[Any]:
    if found.kind == "bool":
        return st.booleans()
    if found.kind == "choice":
        return st.sampled_from(found.choices)
    if found.kind == "text":
        return st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=("Cc",)))
    if found.kind == "int":
        return st.integers(int(found.low or 0), int(found.high or 2**40))
    return st.floats(found.low if found.low is not None else -1e9, found.high if found.high is not None else 1e9)


CONFIGS = st.fixed_dictionaries({found.name: one(found) for found in GPTConfig.settings()})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=CONFIGS)
def test_values_in_are_values_out(form: ConfigForm, values: dict[str, Any]) -> None:
    form.set_values(values)
    assert form.values() == values
    assert {n: type(v) for n, v in form.values().items()} == {n: type(v) for n, v in values.items()}
    assert form.problems() == GPTConfig.problems(values)


@pytest.mark.parametrize("family", families.NAMES)
def test_choices_are_said_in_words_and_keep_their_value(family: str, qtbot: QtBot) -> None:
    """In the form, and as chips, live changes and differences of runs say it: all ask `Setting.words`."""
    config = families.get(family).config
    form = ConfigForm(config)
    qtbot.addWidget(form)
    for row in (row for row in form.rows.values() if row.setting.kind == "choice"):
        said = [row.setting.words(value) for value in row.setting.choices]
        assert len(set(said)) == len(said) and not any("_" in words for words in said)
        assert isinstance(row.editor, QComboBox)
        for value, words in zip(row.setting.choices, said, strict=True):
            row.set_value(value)
            assert (row.value(), row.editor.currentText()) == (value, words)
            row.compare()
            assert f"{row.setting.name}={value}" in row.editor.toolTip()
        assert not any(f"{value}:" in row.help.text() for value in row.setting.choices if "_" in value)
    differing = {one.name: one.choices[-1] for one in config.settings() if one.kind == "choice" and one.live}
    if differing:
        values = {**config().model_dump(), **differing}
        if not config.problems(values):
            assert "_" not in steering.words(config(), values)


def test_what_is_typed_is_what_is_read(form: ConfigForm, qtbot: QtBot) -> None:
    editor = form.rows["learning_rate"].editor
    for typed, value in (
        ("3e-4", 3e-4),
        ("1e-7", 1e-7),
        ("0,5", 0.5),
        ("0.0010000000000000002", 0.0010000000000000002),
    ):
        editor.selectAll()
        with qtbot.waitSignal(form.changed) as caught:
            qtbot.keyClicks(editor, typed)
        assert form.values()["learning_rate"] == value
        assert caught.args is not None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"heads": 5}, "heads"),
        ({"dropout": 0.95}, "dropout"),
        ({"layers": "many"}, "layers"),
        ({"learning_rate": ""}, "learning_rate"),
    ],
)
def test_a_problem_appears_at_its_field_and_goes_again(form: ConfigForm, changes: dict[str, Any], field: str) -> None:
    form.set_values(changes)
    wrong = [name for name, row in form.rows.items() if not row.problem.isHidden()]
    assert wrong == [field]
    assert form.rows[field].problem.text() == form.problems()[0].message
    assert form.rows[field].editor.property("problem") is True
    form.set_values(GPTConfig().model_dump())
    assert form.rows[field].problem.isHidden() and not form.problems()


def test_problems_from_elsewhere_are_shown_until_something_changes(form: ConfigForm) -> None:
    form.show_problems([Problem("batch", "too large for the memory"), Problem("", "no data chosen")])
    assert form.rows["batch"].problem.text() == "too large for the memory"
    assert form.general.text() == "no data chosen"
    form.set_values({"batch": 4})
    assert form.rows["batch"].problem.isHidden() and form.general.isHidden()


def test_a_hidden_problem_opens_its_section(form: ConfigForm) -> None:
    assert not form.more.opened
    form.set_values({"dropout": 0.95})
    assert form.more.opened


def test_the_dot_compares_with_the_preset_and_goes_back_to_it(form: ConfigForm, qtbot: QtBot) -> None:
    row = form.rows["layers"]
    assert not row.reset.isVisible()
    form.set_base({"layers": 6})
    form.set_values({"layers": 8})
    assert row.reset.isVisible()
    qtbot.mouseClick(row.reset, Qt.MouseButton.LeftButton)
    assert form.values()["layers"] == 6 and not row.reset.isVisible()
    form.set_values({"layers": 4})
    form.reset()
    assert form.values()["layers"] == 6


def test_settings_without_effect_are_grey_and_say_why(form: ConfigForm) -> None:
    assert form.rows["muon_rate"].editor.isEnabled()
    form.set_values({"optimizer": "adamw"})
    row = form.rows["muon_rate"]
    assert not row.editor.isEnabled()
    assert "Optimizer: Muon" in row.editor.toolTip()
    assert "muon_rate" in form.values()


def test_locked_settings_say_why(form: ConfigForm) -> None:
    form.set_locked(["layers"], "Fixed while this run goes on.")
    assert not form.rows["layers"].editor.isEnabled() and "Fixed while" in form.rows["layers"].editor.toolTip()
    form.set_locked([], "")
    assert form.rows["layers"].editor.isEnabled()


def test_changed_comes_once_for_many_values(form: ConfigForm, qtbot: QtBot) -> None:
    seen: list[object] = []
    form.changed.connect(seen.append)
    form.set_values({"layers": 2, "heads": 2, "d_model": 64})
    assert len(seen) == 1 and seen[0] == form.values()
    form.set_values({"layers": 2})
    assert len(seen) == 1


@pytest.mark.parametrize("name", ["layers", "activation"])
def test_the_wheel_changes_only_what_has_the_focus(form: ConfigForm, qtbot: QtBot, name: str) -> None:
    form.more.set_opened(True)
    before = form.values()
    editor = form.rows[name].editor
    form.rows["heads"].editor.setFocus()
    wheel = QWheelEvent(
        QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(editor, wheel)
    assert form.values() == before


def test_a_filter_leaves_what_matches(form: ConfigForm) -> None:
    assert form.filter("rotary")
    shown = {name for name, row in form.rows.items() if not row.isHidden()}
    assert "position_base" in shown and "layers" not in shown
    assert form.more.opened
    assert form.filter("rotary nonsense"), "the most of the words, where none has all of them"
    assert {name for name, row in form.rows.items() if not row.isHidden()} == shown
    assert not form.filter("xyzzy") and form.more.isHidden()
    assert form.filter("") and not form.more.opened and not form.more.isHidden()
    assert all(not row.isHidden() for row in form.rows.values())


def test_every_editor_has_a_name_and_help(form: ConfigForm) -> None:
    for found in GPTConfig.settings():
        editor = form.findChild(QWidget, f"setting_{found.name}")
        assert editor is not None and editor.accessibleName() == found.label
        assert in_words(found, found.help.rstrip(".")) in editor.accessibleDescription()
        assert in_words(found, found.source) in form.rows[found.name].help.text()


class Hostile(Config):
    """Words that would be markup."""

    name: str = setting("<b>bold</b>", "<img src=x> & more", label="<i>Name</i>", main=True)
    kind: Literal["<u>a</u>", "b"] = setting("b", "choose", group="<h1>Group</h1>")
    size: int = setting(2**40, "a large whole number", low=0)


def test_words_are_never_markup(qtbot: QtBot) -> None:
    form = ConfigForm(Hostile)
    qtbot.addWidget(form)
    form.set_values({"name": "<script>"})
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in form.findChildren(QLabel))
    assert "&lt;img" in form.rows["name"].editor.toolTip()
    assert form.values() == {"name": "<script>", "kind": "b", "size": 2**40}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_its_text(value: float) -> None:
    assert read_number(number_text(value)) == value


@given(st.integers(-(10**15), 10**15), st.sampled_from([",", " ", "\u00a0", "\u202f", "'", "\u2019"]))
def test_a_whole_number_is_read_however_its_digits_are_grouped(value: int, mark: str) -> None:
    assert read_number(f" {value:,} ".replace(",", mark), whole=True) == value


@given(st.decimals(-999, 999, places=2))
def test_a_comma_that_groups_nothing_is_a_decimal_one(value: Decimal) -> None:
    assert read_number(str(value).replace(".", ",")) == float(value)


@given(st.integers(1, 999), st.integers(0, 999))
def test_what_could_be_two_numbers_is_none(before: int, after: int) -> None:
    assert read_number(f"{before},{after:03}") == f"{before},{after:03}"
    assert read_number(f"0,{after:03}") == after / 1000
    assert read_number(f"{before},{after:03},000") == (1000 * before + after) * 1000


@given(st.text(), st.booleans())
def test_any_text_gives_a_finite_number_or_itself(text: str, whole: bool) -> None:
    found = read_number(text, whole=whole)
    assert found == text.strip() if isinstance(found, str) else isinstance(found, int) or math.isfinite(found)


@pytest.mark.parametrize(
    ("value", "whole", "words"),
    [
        (3, True, ""),
        (0, True, "0 is below 1"),
        (10**400, True, "1" + "0" * 400 + " is above 10"),
        (math.nan, False, "nan is not a number"),
        ("", True, "a number is missing"),
        ("abc", True, "'abc' is not a whole number"),
        ("1,125", False, "'1,125' is ambiguous: write 1125 or 1.125"),
        ("1,12x", False, "'1,12x' is not a number"),
    ],
)
def test_a_field_says_what_is_wrong_with_its_number(qtbot: QtBot, value: Any, whole: bool, words: str) -> None:
    edit = FloatEdit(low=1, high=10, whole=whole)
    qtbot.addWidget(edit)
    edit.set_value(value)
    assert edit.problem() == words


@pytest.mark.parametrize(
    ("value", "steps", "logarithmic", "whole", "expected"),
    [
        (0.004, 1, True, False, 0.005),
        (0.004, -1, True, False, 0.002),
        (1e-7, 1, True, False, 2e-7),
        (0.98, 1, False, False, 0.99),
        (0.1, 2, False, False, 0.12),
        (0.999, 1, False, False, 1.0),
        (12, 1, True, True, 24),
        (12, -1, True, True, 6),
    ],
)
def test_steps_are_tidy(value: float, steps: int, logarithmic: bool, whole: bool, expected: float) -> None:
    assert stepped(value, steps, logarithmic=logarithmic, whole=whole) == expected


def test_stepping_stops_at_the_ends(qtbot: QtBot) -> None:
    edit = FloatEdit(low=0, high=0.9)
    qtbot.addWidget(edit)
    edit.set_value(0.895)
    edit.stepBy(10)
    assert edit.value() == 0.9
    assert not edit.stepEnabled() & FloatEdit.StepEnabledFlag.StepUpEnabled
    edit.set_value(5.0)
    assert edit.value() == 5.0
