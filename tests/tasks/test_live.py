"""A training that is steered: changed while it runs, gone back on, watched by stages; the numbers stay the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from genstudio import families
from genstudio.events import Frame
from genstudio.runs import Run
from genstudio.snapshots.samples import Plane
from genstudio.snapshots.step_stage import StepStage
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.train import Resume, Train
from genstudio.training import checkpoint
from genstudio.training.changes import GoBack, Pace, SaveNow, SetLive
from helpers import answer, curve, usually

SMALL: dict[str, Any] = {"width": 8, "layers": 2, "batch": 8, "evaluate_every": 1000, "r1": 0.1, "penalty_every": 2}


PICTURES: dict[str, Any] = {"data": "digits8", "network": "dcgan", "channels": 4, "norm": "batch", "latent": 4}
EVERY_KIND = usually(
    "kind", [{}, {**PICTURES, "conditional": True, "spectral_norm": True, "pack": 2}, PICTURES], 2,
    ids=["points", "classes", "pictures"],
)  # fmt: skip


@pytest.fixture
def train(tmp_path: Path) -> Any:
    def start(
        steps: int = 60, name: str = "run", stop_after: int | None = None, data: str = "gaussian-ring", **values: Any
    ) -> Any:
        folder, config = tmp_path / "runs", SMALL | values
        task = Train("gan", data, config, steps=steps, stop_after=stop_after, runs_folder=folder, name=name)
        return task.run(Models())

    return start


def folder_of(frames: list[Frame]) -> Run:
    return Run.open(answer(frames, "run"))


def at_least(job: Any, step: int) -> list[Frame]:
    found = []
    for frame in job:
        found.append(frame)
        if frame.progress is not None and frame.progress.step >= step:
            break
    return found


def state(run: Run, step: int) -> dict[str, Any]:
    opened = Models().get(ModelRef(str(run.folder), step))
    learner = families.get("gan").learner(opened.model, 0)
    checkpoint.load(run, step, learner)
    weights = {f"{n}.{k}": v for n, part in learner.model.modules.items() for k, v in part.state_dict().items()}
    moments = {
        f"{n}.{i}.{k}": v
        for n, o in learner.optimizers.items()
        for i, one in o.state_dict()["state"].items()
        for k, v in one.items()
    }
    return weights | moments


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def stages(frames: list[Frame]) -> list[StepStage]:
    return [s for f in frames for s in f.snapshots if isinstance(s, StepStage)]


@EVERY_KIND
def test_a_run_resumed_after_a_live_change_equals_one_that_was_never_stopped(train: Any, kind: dict[str, Any]) -> None:
    job = train(60, **kind)
    frames = at_least(job, 5)
    values = {"g_rate": 0.003, "loss": "hinge", "d_updates": 2}
    frames.append(job.adjust(SetLive(values)))
    frames += list(job)
    run = folder_of(frames)
    (change,) = run.changes()
    assert dict(change.values) == values and change.saved and change.step in checkpoint.steps(run)
    notice = next(n for n in run.notices() if n.kind == "changed")
    assert notice.step == change.step and "Generator's rate: 0.001 → 0.003" in notice.text and "hinge" in notice.text
    whole, numbers = state(run, 60), curve(frames, "g_loss")
    with run:
        checkpoint.rewind(run, change.step)
    assert run.changes() == (change,)
    again = list(Resume(str(run.folder)).run(Models()))
    assert same(whole, state(run, 60))
    steps, losses = curve(again, "g_loss")
    assert steps[0] == change.step + 1 and losses == numbers[1][-len(losses) :]
    with run:
        checkpoint.rewind(run, change.step)
        run.set_changes(())
    list(Resume(str(run.folder)).run(Models()))
    assert not same(whole, state(run, 60))


@EVERY_KIND
def test_a_run_stopped_while_its_rates_and_noise_fall_goes_on_to_the_bit(train: Any, kind: dict[str, Any]) -> None:
    values = {"hold": 0.3, "noise": 0.2, "noise_until": 0.9, **kind}
    whole, cut = list(train(30, "whole", **values)), list(train(30, "cut", 17, **values))
    run = folder_of(cut)
    assert run.info.step == 17
    rest = list(Resume(str(run.folder)).run(Models()))
    assert same(state(run, 30), state(folder_of(whole), 30))
    steps, losses = curve(whole, "d_loss")
    assert steps == list(range(1, 31)) and losses == curve(cut, "d_loss")[1] + curve(rest, "d_loss")[1]
    rates = curve(whole, "rate_g")[1]
    assert rates[8] > rates[17] > rates[29] > 0


def test_going_back_restores_weights_moments_settings_and_log(train: Any) -> None:
    job = train(400)
    frames = at_least(job, 5)
    frames.append(job.adjust(SetLive({"d_rate": 0.01})))
    run = folder_of(frames)
    (change,) = run.changes()
    saved = state(run, change.step)
    frames += at_least(job, change.step + 5)
    frames.append(job.adjust(Pace(values={"trained": "generator"})))
    assert len(run.changes()) == 2
    frames += at_least(job, change.step + 10)
    back = job.adjust(GoBack())
    learner = job.session.learner
    assert answer([back], "back") == change.step and answer([back], "settings")["d_rate"] == 0.001
    assert back.progress is not None and back.progress.step == change.step and run.changes() == ()
    assert same(saved, state(run, change.step)) and learner.config.trained == "both"
    for name, part in learner.model.modules.items():
        assert all(torch.equal(v, saved[f"{name}.{k}"]) for k, v in part.state_dict().items())
    assert run.info.step <= change.step and run.notices()[-1].text.startswith("Back at step")
    after = at_least(job, change.step + 3)
    assert curve(after, "d_loss")[0][0] == change.step + 1
    again = job.adjust(GoBack())
    assert "no change" in again.notices[0].text
    job.close()


def test_a_change_that_cannot_be_is_said_and_the_training_goes_on(train: Any) -> None:
    job = train()
    at_least(job, 2)
    for values, words in (
        ({"width": 16}, "Width cannot change"),
        ({"d_rate": 5.0}, "d_rate: 5.0 is outside"),
        ({"nonsense": 1}, "there is no setting 'nonsense'"),
    ):
        frame = job.adjust(SetLive(values))
        assert [n.kind for n in frame.notices] == ["warning"] and words in frame.notices[0].text
    rest = list(job)
    assert rest[-1].progress is not None and rest[-1].progress.step == 60


def test_stages_add_up_to_the_step_and_each_is_a_frame(train: Any) -> None:
    job = train(30, "fast", d_updates=2)
    fast = folder_of(list(job))
    slow_job = train(30, "slow", d_updates=2)
    frames = [next(slow_job)]
    while not frames[-1].run:
        frames.append(next(slow_job))
    slow_job.adjust(Pace("stages"))
    begun = False
    while len(stages(frames)) < 40:
        frames.append(next(slow_job))
        told = stages([frames[-1]])
        begun = begun or bool(told)
        assert len(told) == int(begun)
        assert not told or any(isinstance(s, Plane) for s in frames[-1].snapshots)
    numbers = [(s.number, s.update) for s in stages(frames)]
    one = [(n, u) for u in (1, 2) for n in range(1, 6)] + [(6, 1), (7, 1), (8, 1)]
    assert numbers[:13] == one == numbers[13:26]
    slow_job.adjust(Pace("steps"))
    frames += list(slow_job)
    assert same(state(fast, 30), state(folder_of(frames), 30))
    assert curve(frames, "d_loss")[0] == list(range(1, 31))


@pytest.mark.parametrize("how", ["close", "save", "change"])
def test_half_a_step_is_never_kept(train: Any, how: str) -> None:
    job = train(30)
    frames = at_least(job, 3)
    job.adjust(Pace("stages"))
    for frame in job:
        frames.append(frame)
        if stages([frame]) and stages([frame])[0].number == 5:
            break
    step = frames[-1].progress.step  # type: ignore[union-attr]
    run = folder_of(frames)
    if how == "close":
        job.close()
    else:
        job.adjust(SaveNow() if how == "save" else SetLive({"g_rate": 0.002}))
        assert step in checkpoint.steps(run)
    kept = state(run, step)
    if how != "close":
        frame = next(job)
        assert stages([frame])[0].number == 1
        job.close()
    reference = list(train(30, "reference", step))
    assert same(kept, state(folder_of(reference), step))


def test_two_trainings_in_turns_each_compute_with_their_own_threads(train: Any, tmp_path: Path) -> None:
    """Points with one thread, whoever comes between; and the numbers are those of a training that is alone."""
    alone = list(train(12, "alone"))
    before, used = torch.get_num_threads(), set()
    torch.set_num_threads(2)
    try:
        text = {"layers": 1, "heads": 1, "d_model": 8, "context": 8, "batch": 2}
        other = Train("gpt", "names", text, steps=12, runs_folder=tmp_path / "runs", name="text").run(Models())
        job, mixed = train(12, "mixed"), []
        learner: Any = None
        for frame in job:
            mixed.append(frame)
            next(other, None)
            assert torch.get_num_threads() == 2
            if learner is None and job.session is not None:
                learner, step = job.session.learner, job.session.learner.training_step
                learner.training_step = lambda *a, step=step: (used.add(torch.get_num_threads()), step(*a))[1]
        other.close()
    finally:
        torch.set_num_threads(before)
    assert used == {1}
    assert curve(mixed, "d_loss") == curve(alone, "d_loss")
