"""A race: trainings that differ in one setting alone, each given the same, watched side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import family_cases
import numpy as np
import pytest

from genstudio import families
from genstudio.config import Config, setting
from genstudio.data import shelf
from genstudio.errors import ConfigError
from genstudio.events import Frame, Progress, Series
from genstudio.families import Family
from genstudio.families.dashboard import Measure
from genstudio.runs import Run
from genstudio.tasks.runs import Past
from genstudio.tasks.train import Train
from genstudio.ui.engine import Engine
from genstudio.ui.library import Library
from genstudio.ui.tabs.runs import RunsTab
from genstudio.ui.train.race import SEED, RaceSetup, Record, lines_of, racers, verdict
from genstudio.ui.train.setup import SetupColumn
from genstudio.ui.train.tab import TrainingTab
from helpers import LONG, answer, run_task, text_file


class Some(Config):
    """Settings."""

    heads: int = setting(2, "Heads", low=1, high=8)
    width: int = setting(8, "Width", low=1, high=99)
    bias: bool = setting(False, "Bias")

    def rules(self) -> Any:
        from genstudio.errors import Problem

        if self.width % self.heads:
            yield Problem("width", f"{self.heads} heads cannot share {self.width}")


def test_racers_differ_in_one_setting_alone() -> None:
    base = {"heads": 2, "width": 12, "bias": True}
    found = racers(Some, base, 5, "heads", ["1", " 2", "4", ""])
    assert [racer.label for racer in found] == ["1", "2", "4"]
    assert [racer.values for racer in found] == [{**base, "heads": n} for n in (1, 2, 4)]
    assert {racer.seed for racer in found} == {5}
    seeds = racers(Some, base, 5, SEED, ["0", "7"])
    assert [(racer.label, racer.values, racer.seed) for racer in seeds] == [("seed 0", base, 0), ("seed 7", base, 7)]
    assert [racer.label for racer in racers(Some, base, 0, "bias", ["true", "false"])] == ["on", "off"]


@pytest.mark.parametrize(
    ("name", "texts", "said"),
    [
        ("heads", ["2"], "from 2 to 6"),
        ("heads", list("12345678"), "from 2 to 6"),
        ("heads", ["2", "2"], "twice"),
        ("heads", ["2", "two"], "two: "),
        ("heads", ["2", "5"], "5: 5 heads cannot share 8"),
        ("heads", ["2", "9"], "9: 9 is outside 1 to 8"),
        ("heads", [], "from 2 to 6"),
        (SEED, ["1", "-1"], "not a seed"),
        (SEED, ["1", "2147483648"], "not a seed"),
        (SEED, ["1", "01"], "twice"),
    ],
)
def test_what_cannot_race_is_said(name: str, texts: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        racers(Some, {}, 0, name, texts)


def frame(step: int, elapsed: float, steps: list[int], values: list[float]) -> Frame:
    series = {"loss": Series(np.array(steps, np.int64), np.array(values))}
    return Frame(series=series, progress=Progress("Training", 0.1, step, elapsed=elapsed))


def test_each_step_has_the_training_time_at_which_it_was_done() -> None:
    record = Record()
    for one in (frame(4, 1.0, [1, 2, 3, 4], [4, 3, 2, 1]), Frame(), frame(6, 3.0, [5, 6], [1, 0.5])):
        record.add(one)
    steps, values = record.points("loss", by_time=False)
    assert steps.tolist() == [1, 2, 3, 4, 5, 6] and values.tolist() == [4, 3, 2, 1, 1, 0.5]
    times, _ = record.points("loss", by_time=True)
    np.testing.assert_allclose(times / 1e6, [0.25, 0.5, 0.75, 1.0, 2.0, 3.0], atol=1e-5)
    assert record.last("loss") == 0.5 and record.last("other") is None
    assert len(record.points("other", by_time=True)[0]) == 0


def test_times_are_ascending_where_many_steps_take_no_time() -> None:
    record = Record()
    record.add(frame(5000, 1e-6, list(range(1, 5001)), [0.0] * 5000))
    times, _ = record.points("loss", by_time=True)
    assert len(times) == 5000 and (np.diff(times) > 0).all()


def test_what_a_run_has_behind_it_is_recalled_and_cut_where_it_continues() -> None:
    record = Record()
    series = {"loss": Series(np.array([1, 2, 3, 4]), np.array([4.0, 3, 2, 1]))}
    record.recall(Past(series, np.array([0, 2, 4]), np.array([0.0, 1.0, 5.0]), ()))
    times, values = record.points("loss", by_time=True)
    np.testing.assert_allclose(times / 1e6, [0.5, 1.0, 3.0, 5.0], atol=1e-5)
    assert values.tolist() == [4, 3, 2, 1] and record.progress.step == 4
    assert not record.cut(4) and record.cut(3)
    record.add(frame(5, 6.0, [4, 5], [9, 8]))
    steps, values = record.points("loss", by_time=False)
    assert steps.tolist() == [1, 2, 3, 4, 5] and values.tolist() == [4, 3, 2, 9, 8] and record.last("loss") == 8
    assert record.cut(0) and record.last("loss") is None and len(record.points("loss", by_time=True)[0]) == 0


def records(*values: float | None) -> list[Record]:
    made = []
    for value in values:
        made.append(Record())
        if value is not None:
            made[-1].add(frame(1, 1.0, [1], [value]))
    return made


def test_who_is_ahead() -> None:
    higher, lower = Measure("loss", "exact match", "higher"), Measure("loss", "loss", "lower")
    labels = ["rnn", "attention", "transformer"]
    assert verdict([higher], labels, records(0.5, 0.75, 1.0)) == (
        "transformer is ahead: exact match 1, against 0.75 (attention) and 0.5 (rnn)."
    )
    assert verdict([lower], labels, records(0.5, 0.75, 1.0)).startswith("rnn is ahead: loss 0.5, against 0.75 (attention)")
    assert verdict([higher], labels, records(1.0, 0.5, 1.0)) == (
        "rnn and transformer are level: exact match 1, against 0.5 (attention)."
    )
    assert verdict([higher], labels, records(0.5, None, 1.0)) == ""
    assert verdict([higher], labels, records(0.5, float("nan"), 1.0)) == ""
    assert verdict([], labels, records(0.5, 0.1, 1.0)) == ""


def test_the_first_line_is_the_one_that_counts() -> None:
    for family in families.all_families():
        kind = family.data_kinds[0]
        lines = [line.name for _, line in lines_of(family.dashboard, kind)]
        shown = {measure.name for measure in family.dashboard.result} & set(lines)
        assert lines and (not shown or lines[0] in shown)


@pytest.fixture
def engine(qtbot: Any, qapp: Any) -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


def test_a_race_from_its_button_to_its_runs(toy: Family[Any, Any], engine: Engine, qtbot: Any) -> None:
    tab = TrainingTab(engine, "basics")
    failures: list[Any] = []
    tab.failed.connect(failures.append)
    qtbot.addWidget(tab)
    tab.set_datasets(shelf.list_datasets())
    tab.resize(1280, 640)
    tab.show()
    tab.choose_family(toy.name)
    tab.setup.set_plan(12, None)
    tab.compete.click()
    page = tab.race
    assert tab.stack.currentWidget() is page and not tab.start.isEnabled()

    page.set_up.what.setCurrentIndex(page.set_up.what.findData("rate"))
    assert page.set_up.texts() == ["0.05", " 0.1", " 0.2"] and page.set_up.start.isEnabled()
    page.set_up.values.setText("0.05; 2")
    assert "2 is outside" in page.set_up.problem.text() and not page.set_up.start.isEnabled()
    page.set_up.values.setText("0.05; 0.4")
    assert "2 trainings of 12 steps each" in page.set_up.note.text()
    page.set_up.start.click()
    assert tab.busy and page.running and not tab.setup.preset.isEnabled() and not page.leave.isEnabled()
    assert all(tab.runs(lane.job) for lane in page.lanes)
    qtbot.waitUntil(lambda: not page.running, timeout=LONG)

    assert [lane.state for lane in page.lanes] == ["finished", "finished"] and not failures and not tab.busy
    for lane, rate in zip(page.lanes, (0.05, 0.4), strict=True):
        info = Run.open(lane.run).info
        assert info.config == {"rate": rate} and info.step == 12 and info.name.endswith(lane.racer.label)
        steps, values = lane.record.points("train_loss", by_time=False)
        assert steps.tolist() == list(range(1, 13)) and lane.pane is not None and lane.pane.view.view.snapshot is not None
        chart = page.charts[0]
        assert np.array_equal(chart.points(str(page.lanes.index(lane)))[1], values)
    page.axis.setCurrentIndex(1)
    page.axis.activated.emit(1)
    assert page.charts[0].points("1")[0].tolist() == list(range(1, 13))

    run = page.lanes[1].run
    page.lanes[1].open.click()
    qtbot.waitUntil(lambda: tab.info is not None and tab.run_path == run, timeout=LONG)
    assert tab.stack.currentWidget() is tab.panel and not page.lanes


def test_a_race_is_paused_and_stopped_as_one(toy: Family[Any, Any], engine: Engine, qtbot: Any) -> None:
    tab = TrainingTab(engine, "basics")
    qtbot.addWidget(tab)
    tab.set_datasets(shelf.list_datasets())
    tab.show()
    tab.choose_family(toy.name)
    tab.setup.set_plan(None, 600.0)
    tab.open_race()
    page = tab.race
    page.set_up.what.setCurrentIndex(page.set_up.what.findData(SEED))
    page.set_up.start.click()
    qtbot.waitUntil(lambda: len(page.live) == 3 and all(lane.record.progress.step > 3 for lane in page.lanes), timeout=LONG)
    assert set(page.live) <= set(tab.live_paths)
    page.pause.click()
    assert {lane.state for lane in page.lanes} == {"paused"} and page.pause.text() == "Resume"
    page.pause.click()
    assert {lane.state for lane in page.lanes} == {"training"}
    assert tab.cancel_task(page.lanes[0].job)
    qtbot.waitUntil(lambda: page.lanes[0].state == "stopped", timeout=LONG)
    assert page.running and page.lanes[1].at_work
    page.stop.click()
    qtbot.waitUntil(lambda: not page.running, timeout=LONG)
    infos = [Run.open(lane.run).info for lane in page.lanes]
    assert [info.seed for info in infos] == [0, 1, 2] and len({info.race["id"] for info in infos}) == 1
    assert [info.race["label"] for info in infos] == ["seed 0", "seed 1", "seed 2"]
    assert page.pause.isEnabled() and page.pause.text() == "Resume"
    page.leave.click()
    assert tab.stack.currentWidget() is tab.empty and tab.start.isEnabled()

    runs = RunsTab(engine, Library(engine))  # as after another start of the program
    qtbot.addWidget(runs)
    runs.show()
    qtbot.waitUntil(lambda: len(runs.model.runs) == 3, timeout=LONG)
    runs.search.setText(f"race {infos[0].race['id']}")
    assert runs._sorted.rowCount() == 3
    runs.search.setText("race of nobody")
    assert runs._sorted.rowCount() == 0
    runs.select()
    assert runs.buttons["show_race"].isHidden(), "it takes no room where nothing raced"
    runs.select(str(infos[1].folder))
    assert runs.buttons["show_race"].isVisible()
    with qtbot.waitSignal(runs.race_wanted) as caught:
        runs.trigger("show_race")
    tab.show_race(caught.args[0])
    assert [lane.run for lane in page.lanes] == [str(info.folder) for info in infos] and not page.running
    steps = [info.step for info in infos]
    qtbot.waitUntil(lambda: [lane.record.progress.step for lane in page.lanes] == steps, timeout=LONG)
    first = page._lines[0][1].name
    assert len(page.charts[0].points("2")[0]) == len(page.lanes[2].record.points(first, by_time=True)[0]) > 0
    page.pause.click()
    assert page.running
    qtbot.waitUntil(
        lambda: all(lane.record.progress.step > step + 3 for lane, step in zip(page.lanes, steps, strict=True)), timeout=LONG
    )
    page.stop.click()
    qtbot.waitUntil(lambda: not page.running, timeout=LONG)
    for lane, step in zip(page.lanes, steps, strict=True):
        assert Run.open(lane.run).info.step > step
        known, times = (lane.record.points("train_loss", by_time)[0] for by_time in (False, True))
        assert known.tolist() == list(range(1, len(known) + 1)) and (np.diff(times) > 0).all()


def test_fine_tuned_and_from_scratch_race_with_the_size_of_the_run(tmp_path: Any, qtbot: Any) -> None:
    setup = SetupColumn([families.get("bert")])
    qtbot.addWidget(setup)
    race = RaceSetup(setup, "")
    qtbot.addWidget(race)
    race.begin()
    assert race.name != "start"  # there is no run to start from
    values = {**family_cases.SMALL["bert"][0], "tokenizer": "char"}
    begun = str(answer(run_task(Train("bert", str(text_file(tmp_path)), values, steps=2, name="before")), "run"))
    setup.preset.choose("classes")
    race.begin()
    race.what.setCurrentIndex(race.what.findData("start"))
    assert [box.text() for box in race.boxes] == ["from scratch", "before"] and all(box.isChecked() for box in race.boxes)
    scratch, tuned = race.entries()
    assert (scratch.label, scratch.values["start"]) == ("from scratch", "") and tuned.label == "before"
    assert tuned.values["start"] == Run.open(begun).id
    assert scratch.values["d_model"] == tuned.values["d_model"] == values["d_model"] != setup.values()["d_model"]
    assert scratch.values["task"] == "classify" and not race.problem.text()
    race.boxes[1].setChecked(False)
    assert "from 2 to 6 values" in race.problem.text()
