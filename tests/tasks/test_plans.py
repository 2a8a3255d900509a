"""What a training is asked for is checked before anything is written: lengths, seeds, and settings that change."""

from __future__ import annotations

import json
import math
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genstudio import runs
from genstudio.errors import ConfigError
from genstudio.runs import Run
from genstudio.runs import plan as plans
from genstudio.tasks.models import Models
from genstudio.tasks.runs import ReadRun
from genstudio.tasks.train import Resume, Train
from genstudio.training import checkpoint
from genstudio.training.changes import Extend, SetLive
from helpers import answer, curve, files, run_task, text_file, until_trained

SMALL: dict[str, Any] = {"layers": 1, "heads": 1, "d_model": 8, "context": 8, "batch": 2, "warmup": 0}
BAD_STEPS = st.one_of(
    st.integers(max_value=0), st.integers(min_value=10**12 + 1, max_value=10**400),
    st.floats().filter(lambda x: not x.is_integer() or not 1 <= x <= 10**12), st.text(max_size=3), st.booleans(),
)  # fmt: skip
BAD_SECONDS = st.one_of(
    st.integers(max_value=0), st.integers(min_value=10**9 + 1, max_value=10**400), st.text(max_size=3), st.booleans(),
    st.floats(max_value=0.0), st.floats(min_value=1e9, exclude_min=True), st.just(math.nan),
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run of 12 planned steps that was stopped after 8. Nobody writes it; `run` is a copy."""
    place = tmp_path_factory.mktemp("plans")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place / "home"))
        task = Train("gpt", "names", SMALL, steps=12, stop_after=8, runs_folder=place / "runs")
        yield Path(answer(run_task(task), "run"))


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Run:
    return Run.open(shutil.copytree(made, tmp_path / "runs" / made.name))


def spoil(run: Run, plan: Any) -> None:
    path = run.folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"plan": plan}))


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.tuples(st.just("steps"), BAD_STEPS), st.tuples(st.just("seconds"), BAD_SECONDS)))
def test_no_bad_number_reaches_a_run(made: Path, asked: tuple[str, Any]) -> None:
    unit, value = asked
    before = files(made)
    for task in (
        Resume(str(made), **{unit: value}),
        Train("gpt", "names", SMALL, runs_folder=made.parent, **{unit: value}),
    ):
        with pytest.raises(ConfigError) as caught:
            run_task(task)
        assert [problem.field for problem in caught.value.problems] == [unit]
        assert len(str(caught.value)) < 200
    assert files(made) == before and len(runs.list_runs(made.parent)) == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"stop_after": 0}, "stop_after"), ({"stop_after": -1}, "stop_after"), ({"seed": -1}, "seed"), ({"seed": 1 << 70}, "seed")],
)
def test_other_numbers_are_checked_too(run: Run, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run_task(Train("gpt", "names", SMALL, runs_folder=run.folder.parent, steps=3, **wrong))
    assert [problem.field for problem in caught.value.problems] == [field]
    assert len(runs.list_runs(run.folder.parent)) == 1


def test_a_file_is_not_imported_for_a_training_that_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        run_task(Train("gpt", str(text_file(tmp_path)), SMALL, steps=-3))
    assert not (tmp_path / "home" / "datasets").exists()


@pytest.mark.parametrize("asked", [{"steps": 7}, {"seconds": 1e-3}])
def test_a_plan_is_never_less_than_what_is_done(run: Run, asked: dict[str, Any]) -> None:
    before = files(run.folder)
    with pytest.raises(ConfigError, match="already done"):
        run_task(Resume(str(run.folder), **asked))
    after = files(run.folder)
    after.pop("lock", None)
    assert after == {name: data for name, data in before.items() if name != "lock"}
    run_task(Resume(str(run.folder), steps=8))
    assert (run.info.plan, run.info.step, run.info.state) == ({"steps": 8}, 8, "finished")


def test_extending_to_less_than_is_done_changes_nothing_and_says_so(tmp_path: Path) -> None:
    job = Train("gpt", "names", SMALL, steps=5_000, runs_folder=tmp_path / "runs").run(Models())
    run = Run.open(answer(until_trained(job), "run"))
    while next(job).progress.step < 3:
        pass
    for wrong in (Extend(steps=-4), Extend(seconds=math.nan), Extend(steps=1), Extend()):
        frame = job.adjust(wrong)
        assert frame is not None and [notice.kind for notice in frame.notices] == ["warning"]
        assert run.info.plan == {"steps": 5_000}
    job.close()


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(
        st.builds(lambda v: {"steps": v}, BAD_STEPS.filter(lambda v: v == v)),
        st.builds(lambda v: {"seconds": v}, BAD_SECONDS),
        st.sampled_from([None, [], "long", {}, {"epochs": 3}, {"steps": None}]),
    )
)
def test_a_run_whose_plan_is_bad_opens_and_says_so(made: Path, plan: Any) -> None:
    path = made / "run.json"
    before = path.read_bytes()
    try:
        path.write_text(json.dumps(json.loads(before) | {"plan": plan}))
        (info,) = runs.list_runs(made.parent)
        assert (info.state, info.usable, info.plan, info.step) == ("stopped", True, {}, 8)
        assert "planned length" in info.reason and len(info.reason) < 200
        Run.open(made)
    finally:
        path.write_bytes(before)


def test_resuming_a_run_whose_plan_is_bad_repairs_it(run: Run) -> None:
    spoil(run, {"seconds": -1.0})
    shown = [notice.text for frame in run_task(ReadRun(str(run.folder))) for notice in frame.notices]
    assert any("planned length in run.json is invalid" in text for text in shown)
    frames = run_task(Resume(str(run.folder), stop_after=1))
    assert any("12 steps of the checkpoint" in notice.text for frame in frames for notice in frame.notices)
    assert (run.info.plan, run.info.reason, run.info.step) == ({"steps": 12}, "", 9)
    spoil(run, {"steps": math.nan})
    run_task(Resume(str(run.folder), steps=10))
    assert (run.info.plan, run.info.reason, run.info.state) == ({"steps": 10}, "", "finished")


def test_the_newest_plan_holds_even_when_no_checkpoint_knows_it(run: Run) -> None:
    with run:
        run.set_plan({"steps": 10})
    run_task(Resume(str(run.folder)))
    assert (run.info.step, run.info.state) == (10, "finished")


def test_plans_are_said_and_read_back() -> None:
    rng = random.Random(4)
    for _ in range(200):
        steps, seconds = rng.randint(1, 10**12), rng.uniform(0.001, 1e9)
        assert plans.read(plans.parse(steps, None)) == ({"steps": steps}, "")
        assert plans.read(plans.parse(None, seconds)) == ({"seconds": seconds}, "")
    said = [plans.words(plan) for plan in ({"steps": 12_000}, {"steps": 1}, {"seconds": 2.5})]
    assert said == ["12,000 steps", "1 step", "2.5 seconds"]


def test_a_gpt_resumes_with_another_learning_rate(run: Run) -> None:
    frames = run_task(Resume(str(run.folder), changes={"learning_rate": "1e-4", "schedule": "constant"}))
    assert set(curve(frames, "learning_rate")[1]) == {1e-4}
    (change,) = run.changes()
    assert (change.step, change.saved, dict(change.values)) == (8, True, {"learning_rate": 1e-4, "schedule": "constant"})
    (notice,) = [notice for notice in run.notices() if notice.kind == "changed"]
    assert notice.step == 8 and "Learning rate: 0.004 → 0.0001" in notice.text
    assert answer(frames, "settings")["learning_rate"] == 1e-4
    assert answer(run_task(ReadRun(str(run.folder))), "settings")["learning_rate"] == 1e-4
    assert run.info.config["learning_rate"] == 4e-3


def test_a_change_on_resume_is_exact(run: Run, tmp_path: Path) -> None:
    """Stopped between, gone back to the checkpoint of the change, or changed while it trains: the weights are the same."""
    values = {"learning_rate": 1e-3, "muon_rate": 0.005, "clip": 0.5, "hold": 0.1, "final_rate": 0.5}
    other, steered = (Run.open(shutil.copytree(run.folder, tmp_path / name)) for name in ("cut", "steered"))
    run_task(Resume(str(run.folder), changes=values))
    whole = files(run.folder / "checkpoints" / f"{12:08d}")
    run_task(Resume(str(other.folder), stop_after=2, changes=values))
    run_task(Resume(str(other.folder)))
    assert files(other.folder / "checkpoints" / f"{12:08d}")["model.safetensors"] == whole["model.safetensors"]
    with run:
        checkpoint.rewind(run, 8)
    run_task(Resume(str(run.folder)))
    again = files(run.folder / "checkpoints" / f"{12:08d}")
    job = Resume(str(steered.folder)).run(Models())
    job.adjust(SetLive(values))
    list(job)
    live = files(steered.folder / "checkpoints" / f"{12:08d}")
    with run:
        checkpoint.rewind(run, 8)
        run.set_changes(())
    run_task(Resume(str(run.folder)))
    without = files(run.folder / "checkpoints" / f"{12:08d}")
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert whole[name] == again[name] == live[name]
        assert whole[name] != without[name]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layers": 2}, "Layers cannot change while the model trains"),
        ({"learning_rate": -1}, "outside"),
        ({"learning_rate": math.nan}, "learning_rate"),
        ({"lerning_rate": 0.1}, "did you mean 'learning_rate'"),
    ],
)
def test_a_change_that_cannot_be_is_refused_before_anything_is_written(
    run: Run, changes: dict[str, Any], words: str
) -> None:
    before = files(run.folder)
    with pytest.raises(ConfigError, match=words) as caught:
        run_task(Resume(str(run.folder), changes=changes))
    assert [problem.field for problem in caught.value.problems] == list(changes)
    assert files(run.folder) == before


def test_settings_as_they_stand_are_no_change(run: Run) -> None:
    config = dict(run.info.config)
    run_task(Resume(str(run.folder), stop_after=1, changes=config))
    assert run.changes() == ()
    run_task(Resume(str(run.folder), stop_after=1, changes=config | {"clip": 0.5}))
    assert [dict(change.values) for change in run.changes()] == [{"clip": 0.5}]
