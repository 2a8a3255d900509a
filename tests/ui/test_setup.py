"""What a new training will be: nothing that is typed reaches it unread, and what cannot be used is said at its field."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import family_cases
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from genstudio import families
from genstudio.data import shelf
from genstudio.errors import ConfigError
from genstudio.runs import Run
from genstudio.tasks.train import Train
from genstudio.ui.train.setup import LONGEST, SetupColumn
from genstudio.ui.train.strip import chips_of
from helpers import answer, run_task, text_file

HOSTILE = (
    "",
    " ",
    "abc",
    "-1",
    "0",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "9" * 5000,
    "5,00,0",
    "²",
    "1/2",
    "0x10",
    "\n",
    "٣x",
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def setup(qtbot: QtBot) -> SetupColumn:
    made = SetupColumn([families.get("gpt")])
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.mark.parametrize(
    ("typed", "unit", "plan"),
    [
        ("5,000", "steps", (5000, None)),
        ("5000", "steps", (5000, None)),
        ("1,000,000", "steps", (1_000_000, None)),
        ("2 000", "steps", (2000, None)),
        ("0,5", "minutes", (None, 30.0)),
        ("1.5", "minutes", (None, 90.0)),
        ("90", "seconds", (None, 90.0)),
    ],
)
def test_the_length_means_what_was_typed(setup: SetupColumn, typed: str, unit: str, plan: tuple[Any, Any]) -> None:
    setup.unit.setCurrentText(unit)
    setup.length.lineEdit().setText(typed)
    assert setup.plan() == plan and not setup.problems()


@pytest.mark.parametrize("typed", ["5.5", "0.5", "1.125", "5,5"])
def test_half_a_step_is_refused_and_half_a_minute_is_not(setup: SetupColumn, typed: str) -> None:
    setup.unit.setCurrentText("steps")
    setup.length.lineEdit().setText(typed)
    assert [p.field for p in setup.problems()] == ["length"]
    setup.unit.setCurrentText("minutes")
    assert not setup.problems()


@pytest.mark.parametrize("field", ["length", "seed"])
@pytest.mark.parametrize("unit", ["steps", "minutes"])
def test_what_is_no_number_is_said_at_its_field(setup: SetupColumn, field: str, unit: str) -> None:
    for typed in HOSTILE:
        is_said_at_its_field(setup, field, unit, typed)


def is_said_at_its_field(setup: SetupColumn, field: str, unit: str, typed: str) -> None:
    setup.unit.setCurrentText(unit)
    getattr(setup, field).lineEdit().setText(typed)
    wrong = setup._wrong[field]
    if (field, typed) == ("seed", "0"):
        assert not setup.problems() and wrong.isHidden()
        return
    assert [p.field for p in setup.problems()] == [field], typed
    assert not wrong.isHidden() and wrong.text() and getattr(setup, field).property("problem")
    setup.go_to(setup.problems()[0])
    assert wrong.isVisible() and setup.settings_shown == (field == "seed")
    assert ("1 error" in setup.settings.text()) == (field == "seed"), "what is hidden in the drawer is said outside"
    with pytest.raises(ConfigError):
        setup.parsed()
    setup.restore(setup.state())
    getattr(setup, field).set_value(7)
    assert not setup.problems() and wrong.isHidden()


def test_the_drawer_finds_a_setting_marks_what_differs_and_resets_it(setup: SetupColumn, qtbot: QtBot) -> None:
    drawer = setup.drawer
    assert setup.preset.isVisible() and not drawer.isVisible() and setup.settings.text() == "Settings"
    qtbot.mouseClick(setup.settings, Qt.MouseButton.LeftButton)
    assert drawer.isVisible() and not setup.preset.isVisible() and not drawer.reset.isEnabled()
    qtbot.waitUntil(lambda: setup.focusWidget() is drawer.search)
    qtbot.keyClicks(drawer.search, "overfitting")  # a word of its help, not of its name
    dropout = setup.form.rows["dropout"]
    assert dropout.isVisible() and not setup.form.rows["layers"].isVisible() and not setup.seed.isVisible()
    dropout.set_value(0.5)
    assert dropout.reset.isVisible() and drawer.reset.isEnabled() and setup.settings.text().endswith("1 changed")
    qtbot.keyClick(drawer.search, Qt.Key.Key_Return)
    assert setup.focusWidget() is dropout.editor or dropout.editor.isAncestorOf(setup.focusWidget())
    qtbot.mouseClick(drawer.reset, Qt.MouseButton.LeftButton)
    assert not dropout.is_changed and setup.settings.text() == "Settings"
    drawer.search.setText("xyzzy")
    assert drawer.none.isVisible()
    qtbot.keyClick(drawer.search, Qt.Key.Key_Escape)
    assert not drawer.search.text() and setup.seed.isVisible() and setup.form.rows["layers"].isVisible()
    with qtbot.waitSignal(setup.settings_closed):
        qtbot.keyClick(drawer.search, Qt.Key.Key_Escape)
    assert setup.preset.isVisible() and not drawer.isVisible()


def test_a_running_training_freezes_what_is_set_and_not_the_search(setup: SetupColumn, qtbot: QtBot) -> None:
    setup.freeze(True)
    setup.show_settings(True)
    setup.drawer.search.setText("heads")
    assert setup.drawer.search.isEnabled() and setup.form.rows["heads"].isVisible()
    assert not any(part.isEnabled() for part in (setup.preset, setup.form.rows["heads"].editor, setup.seed, setup.drawer.reset))
    setup.freeze(False)
    assert setup.preset.isEnabled() and setup.form.rows["heads"].editor.isEnabled()


def test_a_plan_without_end_is_refused(setup: SetupColumn) -> None:
    for value in (float("inf"), float("nan"), 10**400, 2 * LONGEST):
        setup.set_plan(None, value)
        with pytest.raises(ConfigError):
            setup.plan()


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("data", "preset", "plan", "seed", "device", "values"), JUNK)))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_remembered_may_be_anything(setup: SetupColumn, state: dict[str, Any]) -> None:
    setup.restore(state)
    setup.state()


def test_a_run_is_named_by_no_preset_for_other_data() -> None:
    family = families.get("gpt")
    preset = next(one for one in family.presets if one.data == "shakespeare")
    values = family.config.parse(preset.values).model_dump()
    first = {data: chips_of(family.config, values, family.presets, data)[0] for data in ("shakespeare", "my-diary", "")}
    assert first["shakespeare"] == first[""] == preset.title
    assert first["my-diary"] in {one.title for one in family.presets if not one.data}


def test_a_preset_of_a_given_time_takes_the_size_of_this_computer_and_keeps_what_a_person_changed(setup: SetupColumn) -> None:
    preset = next(one for one in setup.family.presets if one.name == "minute")
    large = {**preset.values, **preset.sizes[-1].values}
    assert not any(box.isVisible() for box in setup._offered.values())
    setup.preset.choose("minute")
    assert setup._offered["counts"].isVisible() and setup._offered["counts"].currentData() == setup.values()["counts"] == "gate"
    setup.form.set_values({"heads": 2})
    setup.show_sizes({"minute": large})
    shown = [setup.values()[name] for name in ("d_model", "context", "heads")]
    assert shown == [384, 256, 2]
    assert setup.edited() and setup.plan() == (None, 60.0)
    setup.form.reset()
    assert not setup.edited() and setup.values()["d_model"] == 384, "any of its sizes is the preset"
    none = setup._offered["counts"].findData("none")
    setup._offered["counts"].setCurrentIndex(none)
    setup._offered["counts"].activated.emit(none)
    assert setup.values()["counts"] == "none" and setup.settings.text().endswith("1 changed")
    setup.preset.choose("nanogpt")
    assert not any(box.isVisible() for box in setup._offered.values())
    setup.set_values(setup.family.config.parse(large).model_dump())
    assert setup.preset.name == "minute", "a run of another computer's size is named by it"
    setup.restore({"preset": "larger"})
    assert setup.preset.name == "ten-minutes", "a name of an older version"


def test_labelled_texts_of_one_class_and_a_text_without_labels_are_refused_before_the_start(qtbot: QtBot) -> None:
    made = SetupColumn([families.get("bert")])
    qtbot.addWidget(made)
    labelled, text = (shelf.find_dataset(name) for name in ("emoji-categories", "shakespeare"))
    alike = dataclasses.replace(labelled, id="alike", details={**labelled.details, "classes": ["animal"]})
    made.set_datasets([labelled, text, alike])
    made.form.set_values({"task": "classify", "tokenizer": "char"})
    for name, field in (("emoji-categories", None), ("shakespeare", "task"), ("alike", "data")):
        made.choose_data(name)
        assert [problem.field for problem in made.problems()] == ([field] if field else [])
    with pytest.raises(ConfigError, match="nothing to tell apart"):
        made.parsed()
    made.form.set_values({"task": "pretrain"})
    assert not made.problems()


@pytest.mark.parametrize(
    ("family", "data", "values", "field", "words"),
    [
        ("diffusion", "digits8", {"network": "unet", "halvings": 4}, "halvings", "cannot be halved 4 times"),
        ("vae", "moons", {"network": "conv"}, "network", "conv needs pictures"),
        ("cyclegan", "digits8", {"halvings": 4}, "halvings", "cannot be halved 4 times"),
        ("bert", "names", {"task": "classify"}, "task", "has no labels to learn"),
    ],
)
def test_what_does_not_fit_the_dataset_is_said_at_its_setting_as_long_as_that_is_so(
    qtbot: QtBot, family: str, data: str, values: dict[str, Any], field: str, words: str
) -> None:
    made = SetupColumn([families.get(family)])
    qtbot.addWidget(made)
    made.set_datasets(shelf.list_datasets())
    made.choose_data(data)
    row = made.form.rows[field]
    before = made.values()
    assert "problem" not in vars(row) or not row.problem.text()
    made.form.set_values(values)
    assert words in row.problem.text() and [problem.field for problem in made.problems()] == [field]
    made.form.set_values(before)
    assert not row.problem.text() and not made.problems()


def test_a_run_to_start_from_is_chosen_by_what_it_is_called(qtbot: QtBot, tmp_path: Path) -> None:
    """Where two are called the same, the minute they began or their ids tell them apart; the setting holds the id."""
    values = {**family_cases.SMALL["bert"][0], "tokenizer": "char"}
    text = str(text_file(tmp_path))
    ids = [
        Run.open(str(answer(run_task(Train("bert", text, values, steps=1, name=name)), "run"))).id
        for name in ("the first", "twice", "twice")
    ]
    made = SetupColumn([families.get("bert")])
    qtbot.addWidget(made)
    row = made.form.rows["start"]
    row.set_value(ids[0])
    assert row.editor.currentText() == "the first" and made.values()["start"] == ids[0]
    row.editor.showPopup()
    shown = [row.editor.itemText(place) for place in range(row.editor.count())]
    row.editor.hidePopup()
    assert len(set(shown)) == len(shown) and {"", "the first"} <= set(shown) and "twice" not in shown
    chosen = set()
    for words in shown[1:]:
        row.editor.setCurrentText(words)
        chosen.add(made.values()["start"])
    assert chosen == set(ids)
    row.editor.setCurrentText("somewhere/else")
    assert made.values()["start"] == "somewhere/else"
