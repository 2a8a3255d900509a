"""The Runs room: a list that says how good each run is, and what several have in common. One window for all that is seen."""

from __future__ import annotations

import dataclasses
import math
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import some_runs
from PySide6.QtCore import QPersistentModelIndex, QPoint, Qt
from PySide6.QtWidgets import QLabel, QTableView

from genstudio import families, paths
from genstudio.events import Series
from genstudio.families import dashboard
from genstudio.families.dashboard import standing
from genstudio.runs import Run, RunInfo, trash
from genstudio.tasks.runs import GLANCE, Glance, ReadGlance, ReadNumbers, RunNumbers, outline
from genstudio.ui import theme
from genstudio.ui.runs import overlay
from genstudio.ui.runs.actions import ACTIONS, form_problem
from genstudio.ui.runs.leaderboard import BITS, ranking, results
from genstudio.ui.runs.model import Column, RunsModel, Sifted
from genstudio.ui.runs.painting import RunPainter, shares
from genstudio.ui.runs.side_by_side import looks, matching
from genstudio.ui.runs.wording import NOTHING, compare, differences, display_name, in_a_sentence
from helpers import LONG, result
from real_window import fits, opened


def info_of(family: str, values: dict[str, Any], **changes: Any) -> RunInfo:
    config = families.get(family).config.parse(values).model_dump()
    said = {"dataset": {"id": "d", "title": "Data"}, "config": config, "family": family, "name": "Data", "state": "stopped"}
    return RunInfo("id", **({"folder": Path("folder")} | said | changes))


LENGTHS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=300)


def test_a_letter_typed_asks_no_cell_of_five_hundred_runs(qapp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [info_of("gpt", {"layers": 1 + at % 6}, folder=Path(str(at)), name=f"run {at % 50}", step=at) for at in range(500)]
    model = RunsModel(None)  # type: ignore[arg-type] - nothing is read
    shown = Sifted(model)
    model.show_runs(tuple(made))
    shown.sort(Column.STEP, Qt.SortOrder.DescendingOrder)
    assert [shown.index(row, Column.STEP).data() for row in range(3)] == ["499", "498", "497"]
    kept, lost = (QPersistentModelIndex(shown.index(row, Column.NAME)) for row in (4, 2))  # runs 45 and 47
    asked: list[int] = []
    for name in ("cell", "rowCount"):
        real = getattr(model, name)
        monkeypatch.setattr(model, name, lambda *args, real=real: asked.append(1) or real(*args))
    began = time.thread_time()
    for words in ("r", "ru", "run", "run 4", "run 45"):
        shown.sift(words, "", "")
    took = time.thread_time() - began
    assert not asked and took < 0.25, f"{len(asked)} cells, {1000 * took / 5:.0f} ms per letter"
    assert shown.rowCount() == 10 and kept.row() == 0 and not lost.isValid()
    assert shown.index(0, Column.STEP).data() == "495" and asked, "the counter sees what a view asks"


def test_a_cell_is_painted_again_only_when_it_looks_different(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [info_of("gpt", {}, folder=Path(str(at)), name=f"run {at}", state="damaged") for at in range(6)]
    model = RunsModel(None)  # type: ignore[arg-type] - nothing is read
    shown, table = Sifted(model), QTableView()
    qtbot.addWidget(table)
    model.show_runs(tuple(made))
    table.setModel(shown)
    table.setItemDelegate(painter := RunPainter(shown, table))
    table.setColumnWidth(Column.NAME, 240)
    table.resize(900, 400)
    painted: list[int] = []
    real = painter._cell
    monkeypatch.setattr(painter, "_cell", lambda *args: painted.append(args[2]) or real(*args))
    pictures = [table.grab().toImage()]
    columns = len(painted) // 6
    assert len(painted) == 6 * columns > 12
    pictures.append(table.grab().toImage())
    assert len(painted) == 6 * columns and pictures[0] == pictures[1], "as before"
    model.show_runs((dataclasses.replace(made[0], name="another"), *made[1:]))
    pictures.append(table.grab().toImage())
    assert painted[6 * columns :] == [0] * columns and pictures[2] != pictures[0], "its row alone"
    table.selectRow(3)
    assert table.grab().toImage() != pictures[2] and set(painted[7 * columns :]) == {3}
    theme.changed.emit(theme.current())
    table.grab()
    assert len(painted) == 14 * columns, "in another theme all look different"


@given(LENGTHS, st.integers(1, 50), st.floats(0, 3))
def test_an_outline_keeps_ends_order_and_direction(values: list[float], every: int, jitter: float) -> None:
    steps = np.arange(1, len(values) + 1) * every
    drawn = outline(Series(steps, np.array(values)))
    assert len(drawn) <= GLANCE and np.all((drawn >= 0) & (drawn <= 1)) and np.all(np.diff(drawn[:, 0]) > 0)
    rising = outline(Series(steps, np.sort(np.array(values))))
    assert np.all(np.diff(rising[:, 1]) >= 0)
    broken = np.array([*values, np.nan, np.inf])
    assert np.array_equal(outline(Series(np.arange(1, len(broken) + 1) * every, broken)), drawn)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_a_diff_shows_exactly_what_differs_in_the_words_of_the_form(seed: int) -> None:
    rng = random.Random(seed)
    family = families.get("gpt")
    names = {one.name: one for one in family.config.settings() if one.kind in ("int", "choice", "bool") and not one.when}
    base = family.config().model_dump()
    changed = {}
    for name in rng.sample(sorted(names), 4):
        one = names[name]
        options = [choice for choice in one.choices if choice != base[name]] if one.choices else [not base[name]]
        value = rng.choice(options) if one.kind != "int" else base[name] + 1
        if not family.config.problems(base | changed | {name: value}):
            changed[name] = value
    one, other = info_of("gpt", base), info_of("gpt", base | changed, seed=1)
    rows = {row.label: row for row in compare([one, other])}
    values = family.config.parse(base | changed).model_dump()
    for setting in family.config.settings():
        row = rows[setting.label]
        both = setting.applies(base) and setting.applies(values)
        assert not both or row.differs == (setting.name in changed), setting.name
        assert both or NOTHING in row.values
    assert rows["Seed"].differs and not rows["Dataset"].differs
    assert not any(row.differs for row in compare([one, one])), "a run differs from itself in nothing"


def test_a_run_is_named_by_its_dataset_and_what_differs_from_the_nearest_preset() -> None:
    for family in families.all_families():
        for preset in family.presets:
            info = info_of(family.name, dict(preset.values), dataset={"id": preset.data, "title": "Data"})
            assert differences(info) == () and display_name(info) == "Data"
    assert display_name(info_of("gpt", {"layers": 6})) == "Data, Layers 6"
    assert display_name(info_of("gpt", {"layers": 6}, name="mine")) == "mine"
    assert differences(info_of("gpt", {}, config={"layers": "many"})) == ()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_curves_over_any_axis_keep_their_values_and_their_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = np.cumsum(rng.integers(1, 9, 40))
    timed = np.sort(rng.choice(steps, 12, replace=False))
    numbers = RunNumbers({"x": Series(steps, rng.normal(size=40))}, timed, np.cumsum(rng.uniform(0, 2, 12)), 32, "token")
    for axis in overlay.AXES:
        at, values = overlay.points(numbers, "x", axis)
        assert np.all(np.diff(at) > 0) and np.array_equal(values, numbers.series["x"].values)
    at, _ = overlay.points(numbers, "x", overlay.TIME)
    inside = np.isin(steps, timed)
    assert np.allclose(at[inside] / overlay.MICRO, numbers.seconds, atol=1e-4)
    assert np.array_equal(overlay.points(numbers, "x", overlay.ITEMS)[0], 32 * steps)
    assert overlay.axes([numbers, RunNumbers({}, timed, timed * 1.0)]) == (overlay.STEP, overlay.TIME)


def test_a_form_that_a_model_cannot_be_written_in_says_why() -> None:
    for family, words in (("gpt", ""), ("gan", "transformers has no model like GAN")):
        run = info_of(family, {}, checkpoints=(5,))
        assert form_problem([run], "hf").startswith(words) and bool(form_problem([run], "hf")) == bool(words)
        assert not form_problem([run], "safetensors") and form_problem([run, run], "hf") == "Select one run."


def test_names_on_one_chart_are_never_the_same() -> None:
    same = [info_of("gpt", {}), info_of("gpt", {}), info_of("gpt", {}, seed=3), info_of("gpt", {"layers": 6})]
    assert overlay.labels(same) == ("Data, seed 0 (1)", "Data, seed 0 (2)", "Data, seed 3", "Data, Layers 6")


@pytest.mark.parametrize(("value", "words", "filled"), [
    (1.6, "better than unigram (3); Kneser-Ney 6 (1.500) is 0.1 ahead", (0.5, 0.8)),
    (1.2, "better than unigram (3) and Kneser-Ney 6 (1.500)", (0.8, 1.0)),
    (4.0, "unigram (3) is 1 ahead; Kneser-Ney 6 (1.500) is 2.500 ahead", (0.0, 0.1)),
])  # fmt: skip
def test_a_result_is_said_and_drawn_beside_its_references(value: float, words: str, filled: tuple[float, float]) -> None:
    board = families.get("gpt").dashboard
    info = info_of("gpt", {}, losses={"val_loss": value})
    found = standing(board, info, {"unigram": 3.0, "kneser_ney": 1.5}, {})
    assert found is not None and found.nearest == ("Kneser-Ney 6", 1.5) and found.unit == "nats per character"
    assert in_a_sentence(found, info).partition(": ")[2] == f"{words}."
    share, mark = shares(found)
    assert filled[0] <= share <= filled[1] and (share > mark) == (value < 1.5)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.booleans())
def test_a_ranking_goes_from_the_best_on_and_equal_runs_share_a_rank(numbers: list[int], higher: bool) -> None:
    runs = [(info_of("gpt", {}, created=str(at)), float(value)) for at, value in enumerate(numbers)]
    rows = ranking(runs, {"line": 2.5}, higher=higher)
    values = [row.value for row in rows]
    assert values == sorted(values, reverse=higher) and len(rows) == len(runs) + 1
    for row in rows:
        better = sum((value > row.value) if higher else (value < row.value) for _, value in runs)
        assert row.rank == (0 if row.run is None else better + 1)


def test_a_result_is_as_exact_as_it_is_known_and_says_where_it_is_estimated() -> None:
    board = families.get("gpt").dashboard
    sampled = info_of("gpt", {}, losses={"val_loss": 1.6})
    exact = info_of("gpt", {}, losses={"val_loss": 1.5}, exact={"val_loss": 1.7})
    rows = ranking([(info, results(info, None, {})[BITS, ""]) for info in (sampled, exact)], {}, higher=False)
    assert [row.run for row in rows] == [sampled, exact], "the one that seemed the best is not"
    assert [row.words.endswith(", estimated") for row in rows] == [True, False]
    found = [(standing(board, info, {}, {}), info) for info in (sampled, exact)]
    assert [in_a_sentence(one, info) for one, info in found if one is not None] == [
        "Validation 1.600 (nats per character, estimated from a sample).", "Validation 1.700 (nats per character).",
    ]  # fmt: skip
    assert dashboard.result(board.result, exact) == ("validation 1.7000", 1.7)
    pictures = info_of("gan", {}, losses={"frechet_distance": 3.0})
    assert not ranking([(pictures, 3.0)], {}, higher=False)[0].estimated, "it is compared with nothing that is exact"
    shown = standing(families.get("gan").dashboard, pictures, {}, {"frechet_distance_floor": 1.0})
    assert shown is not None and in_a_sentence(shown, pictures).startswith("Fréchet distance 3 (own encoder): real against real")


def test_losses_of_different_tokens_are_compared_in_bits_per_character_only() -> None:
    board = families.get("gpt").dashboard
    of = {}
    for tokenizer, known in (("char", {}), ("bpe", {"characters_per_token": 3.0}), ("bpe", {})):
        info = info_of("gpt", {"tokenizer": tokenizer}, losses={"val_loss": 3 * math.log(2)})
        of[tokenizer, len(known)] = results(info, standing(board, info, known, {}), known)
    assert of["char", 0] == {(BITS, ""): pytest.approx(3.0)} and of["bpe", 1] == {(BITS, ""): pytest.approx(1.0)}
    assert of["bpe", 0] == {}, "nobody knows how long its tokens are"


def test_what_is_read_of_a_run(tmp_path: Path) -> None:
    made = some_runs(tmp_path)
    glance: Glance = result(ReadGlance(str(made["digits"].folder)))
    assert glance.pictures is not None and glance.pictures.shape == (16, 8, 8, 1)
    assert glance.floors["frechet_distance_floor"] == 4.0 and len(glance.curve) > 5
    files = [path for path in made["digits"].folder.rglob("*") if path.is_file()]
    assert glance.bytes == sum(path.stat().st_size for path in files)
    numbers: RunNumbers = result(ReadNumbers(str(made["deep"].folder)))
    assert len(numbers.series["val_loss"]) == 5 and numbers.item == "token"
    assert numbers.items == made["deep"].info.config["batch"] * made["deep"].info.config["context"]
    assert numbers.time_of(np.array([100]))[0] == pytest.approx(5.0)
    family = families.get("gan").dashboard
    shown = [made[name].load_snapshot("plane", 100) for name in ("ring", "other ring")]
    one, other = (looks(made[name].info, [made_]) for name, made_ in zip(("ring", "other ring"), shown, strict=True))
    assert one[0][0].title == family.panes[0].title and matching(other, one[0]) is other[0]
    assert matching(looks(made["digits"].info, [made["digits"].load_snapshot("fixed", 100)]), one[0]) is None


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Run]:
    return some_runs(paths.runs())


@pytest.fixture
def window(made: dict[str, Run], qtbot: Any, qapp: Any) -> Iterator[Any]:
    with opened(qtbot, ("runs",)) as window:
        window.tabs.show_room("runs")
        qtbot.waitUntil(lambda: window.runs.model.rowCount() == len(made), timeout=LONG)
        yield window


def choose(tab: Any, qtbot: Any, *some: Run) -> None:
    tab.select(*(str(run.folder) for run in some))
    qtbot.waitUntil(lambda: {info.folder for info in tab.selection} == {run.folder for run in some}, timeout=LONG)


def words_in(widget: Any) -> str:
    return " ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def test_a_walk_through_the_room(window: Any, made: dict[str, Run], qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = window.runs
    assert fits(window) and tab.selected is not None, "the newest run is chosen at first"
    find_and_sift(tab, qtbot)
    notes_star_and_name(window, made, qtbot)
    curves(tab, made, qtbot)
    settings_and_samples(tab, made, qtbot)
    leaderboard(tab, made, qtbot)
    what_cannot_be_done_says_why(tab, made, qtbot)
    to_the_trash_and_back(window, made, qtbot)
    like_another(window, made, qtbot)


def find_and_sift(tab: Any, qtbot: Any) -> None:
    tab.search.setText("layers ShakeSpeare")
    assert tab._sorted.rowCount() == 1 and "1 of 7" in tab.count.text()
    tab.search.setText("no such thing")
    assert tab.none.isVisible()
    tab.search.clear()
    tab.family.setCurrentIndex(tab.family.findData("gan"))
    assert tab._sorted.rowCount() == 3
    tab.data.setCurrentIndex(tab.data.findData("digits8"))
    assert tab._sorted.rowCount() == 1
    tab.family.setCurrentIndex(0)
    tab.data.setCurrentIndex(0)
    for column in Column:
        for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
            tab.table.sortByColumn(column, order)
            keys = [tab._sorted.index(row, column).data(Qt.ItemDataRole.UserRole) for row in range(7)]
            qtbot.waitUntil(lambda: not tab.model.glances.busy, timeout=LONG)
            assert column == Column.SIZE or keys == sorted(keys, reverse=order == Qt.SortOrder.DescendingOrder)
    tab.table.sortByColumn(Column.CREATED, Qt.SortOrder.DescendingOrder)


def notes_star_and_name(window: Any, made: dict[str, Run], qtbot: Any) -> None:
    tab, run = window.runs, made["usual"]
    choose(tab, qtbot, run)
    qtbot.waitUntil(lambda: tab.details._path == str(run.folder), timeout=LONG)
    tab.details.notes.setPlainText("the good one")
    choose(tab, qtbot, made["stopped"])
    qtbot.waitUntil(lambda: run.info.notes == "the good one", timeout=LONG)
    assert made["stopped"].info.notes == "", "notes never go to the run that was chosen next"
    choose(tab, qtbot, run)
    qtbot.waitUntil(lambda: tab.details.notes.toPlainText() == "the good one", timeout=LONG)
    tab.trigger("star_run")
    qtbot.waitUntil(lambda: run.info.star and tab.selected.star, timeout=LONG)
    tab.stars.setChecked(True)
    assert tab._sorted.rowCount() == 1
    tab.stars.setChecked(False)
    tab.model.setData(tab.model.index(tab.model.row_of(str(run.folder)), Column.NAME), "better")
    qtbot.waitUntil(lambda: run.info.name == "better" and tab.selected.name == "better", timeout=LONG)
    qtbot.waitUntil(lambda: "better" in words_in(tab.details) and "Finished in 0:01" in words_in(tab.details), timeout=LONG)


def curves(tab: Any, made: dict[str, Run], qtbot: Any) -> None:
    some = made["usual"], made["deep"], made["stopped"]
    choose(tab, qtbot, *some)
    qtbot.waitUntil(lambda: tab.pages.currentWidget() is tab.curves, timeout=LONG)
    qtbot.waitUntil(lambda: tab.curves.chart is not None and len(tab.curves.chart._curves) == 3, timeout=LONG)
    assert tab.curves.measure.currentData() == "val_loss"
    by_folder = {info.folder: str(at) for at, info in enumerate(tab.selection)}
    for run in some:
        drawn = tab.curves.chart.points(by_folder[run.folder])
        numbers: RunNumbers = result(ReadNumbers(str(run.folder)))
        assert np.array_equal(drawn[0], numbers.series["val_loss"].steps)
        assert np.array_equal(drawn[1], numbers.series["val_loss"].values)
    tab.curves.axis.setCurrentIndex(tab.curves.axis.findData(overlay.TIME))
    tab.curves.axis.activated.emit(0)
    qtbot.waitUntil(lambda: len(tab.curves.chart._curves) == 3, timeout=LONG)
    ends = {run: tab.curves.chart.points(by_folder[run.folder])[0][-1] / overlay.MICRO for run in some[:2]}
    assert ends[made["usual"]] == pytest.approx(1.0) and ends[made["deep"]] == pytest.approx(5.0)
    choose(tab, qtbot, made["usual"], made["ring"])
    qtbot.waitUntil(lambda: tab.curves.measure.currentData() == overlay.OWN and len(tab.curves.chart._curves) == 2, timeout=LONG)
    for at, info in enumerate(tab.selection):  # of two families, each by what it says how good it is, in its own colour
        numbers, own = result(ReadNumbers(str(info.folder))), families.get(info.family).dashboard.result
        first = next(one.name for one in own if one.name in numbers.series)
        assert np.array_equal(tab.curves.chart.points(str(at))[1], numbers.series[first].values), info.family
    assert "no measure" not in tab.curves.note.text()


def settings_and_samples(tab: Any, made: dict[str, Run], qtbot: Any) -> None:
    choose(tab, qtbot, made["usual"], made["deep"])
    tab.pages.setCurrentWidget(tab.settings)
    table = tab.settings.table
    qtbot.waitUntil(lambda: table.rowCount() == 1 and table.columnCount() == 3, timeout=LONG)
    assert {table.item(0, column).text() for column in range(3)} == {"Layers", "4", "6"}
    tab.settings.every.setChecked(True)
    assert table.rowCount() > 20
    tab.pages.setCurrentWidget(tab.samples)
    qtbot.waitUntil(lambda: len(tab.samples.views) == 2, timeout=LONG)
    assert {view.view.snapshot.text for view in tab.samples.views} == {" what light is this?", " wh lt s"}
    assert not tab.samples.wiped.isVisible(), "texts cannot be laid over each other"
    choose(tab, qtbot, made["digits"], made["vae"])
    qtbot.waitUntil(lambda: tab.samples.wiped.isVisible(), timeout=LONG)
    tab.samples.wiped.setChecked(True)
    curtain = tab.samples.wipe.curtain
    qtbot.waitUntil(curtain.isVisible, timeout=LONG)
    tab.samples.wipe.slider.setValue(1000)
    left = curtain.grab().toImage()
    tab.samples.wipe.slider.setValue(0)
    right = curtain.grab().toImage()
    assert left != right
    qtbot.mouseClick(curtain, Qt.MouseButton.LeftButton, pos=QPoint(curtain.width() // 2, 40))
    middle = curtain.grab().toImage()
    x = curtain.width() // 4
    rows = range(0, curtain.height(), 3)
    assert all(middle.pixel(x, y) == left.pixel(x, y) and middle.pixel(3 * x, y) == right.pixel(3 * x, y) for y in rows)
    tab.samples.wiped.setChecked(False)


def leaderboard(tab: Any, made: dict[str, Run], qtbot: Any) -> None:
    choose(tab, qtbot, made["deep"])
    tab.pages.setCurrentWidget(tab.board)
    qtbot.waitUntil(lambda: len([place for place in tab.board.places if place.run]) == 3, timeout=LONG)
    best = next(place for place in tab.board.places if place.run)
    assert best.run.folder == made["usual"].folder and tab.board.measure.currentText() == BITS.capitalize()
    choose(tab, qtbot, made["ring"])
    qtbot.waitUntil(lambda: tab.board.data.currentData() == "gaussian-ring", timeout=LONG)
    assert [place.run.folder for place in tab.board.places] == [made[name].folder for name in ("ring", "other ring")]


def what_cannot_be_done_says_why(tab: Any, made: dict[str, Run], qtbot: Any) -> None:
    choose(tab, qtbot, made["ring"])
    assert not tab.export.isEnabled() and "has no checkpoint yet" in tab.export.toolTip()
    assert not tab.resume.isEnabled() and "finished" in tab.resume.toolTip()
    menu = tab.context_menu()
    entries = {entry.text(): entry for entry in menu.actions()}
    assert list(entries) == [action.words for action in ACTIONS]
    assert not entries["Export"].isEnabled() and "has no checkpoint yet" in entries["Export"].toolTip()
    menu.close()
    with made["stopped"]:
        tab._library.refresh_runs()
        choose(tab, qtbot, made["stopped"])
        qtbot.waitUntil(lambda: tab.selected.state == "running", timeout=LONG)
        qtbot.waitUntil(lambda: not tab.delete.isEnabled() and "in training" in tab.delete.toolTip(), timeout=LONG)
        tab.trigger("delete_run")
    tab._library.refresh_runs()
    qtbot.waitUntil(lambda: tab.selected.state == "stopped", timeout=LONG)
    assert made["stopped"].folder.is_dir()


def to_the_trash_and_back(window: Any, made: dict[str, Run], qtbot: Any) -> None:
    tab, two = window.runs, (made["stopped"], made["vae"])
    (two[0].folder / "run.json").write_text("{")
    tab._library.refresh_runs()
    choose(tab, qtbot, *two)
    tab.table.setFocus()
    tab.trigger("delete_run")
    qtbot.waitUntil(lambda: tab.model.rowCount() == 5 and not any(run.folder.exists() for run in two), timeout=LONG)
    assert len(trash.listed(paths.runs())) == 2
    tab._fill_trash(tuple(trash.listed(paths.runs())))
    assert [entry.isEnabled() for entry in tab.trash_menu.actions()][:1] == [True]
    tab.undo_delete()
    qtbot.waitUntil(lambda: tab.model.rowCount() == 7, timeout=LONG)
    qtbot.waitUntil(lambda: {info.folder for info in tab.selection} == {run.folder for run in two}, timeout=LONG)
    assert {info.state for info in tab.selection} == {"damaged", "finished"}


def like_another(window: Any, made: dict[str, Run], qtbot: Any) -> None:
    tab = window.runs
    choose(tab, qtbot, made["deep"])
    tab.trigger("duplicate_run")
    qtbot.waitUntil(lambda: window.tabs.key() == "transformer", timeout=LONG)
    setup = window.transformer.setup
    assert setup.values()["layers"] == 6 and setup.data.currentData() == "shakespeare" and setup.plan() == (100, None)
    assert not window.transformer.run_path and window.transformer.start.isEnabled()


def test_a_side_file_of_a_reference_that_is_damaged_is_worked_out_again(tmp_path: Path) -> None:
    from genstudio.tasks.evaluate import ReadReferences

    asked = ReadReferences("gan", "gaussian-ring", {})
    assert result(ReadReferences("gan", "gaussian-ring", {}, known=True)) == {}
    found = result(asked)
    assert found and result(ReadReferences("gan", "gaussian-ring", {}, known=True)) == found
    (place,) = (paths.cache() / "references").iterdir()
    for damage in (b"", b"[1]", b'{"modes": "eight"}', os.urandom(40)):
        place.write_bytes(damage)
        assert result(ReadReferences("gan", "gaussian-ring", {}, known=True)) == {}
        assert result(asked) == found
