"""One training from Start to Stop around a learner of no family: what is written, by whom, and what steering leaves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from torch import Tensor

from genstudio.config import Config, setting
from genstudio.errors import DeviceError, StorageError
from genstudio.events import Frame
from genstudio.runs import Run
from genstudio.training import checkpoint
from genstudio.training.changes import Change, Extend, GoBack, SaveNow, SetLive, Watch
from genstudio.training.loop import Plan
from genstudio.training.session import Session, Setup
from helpers import answer, curve, files


class TinyConfig(Config):
    rate: float = setting(0.01, "Learning rate", low=0.0, high=1.0, live=True)
    width: int = setting(8, "Size of the layers", low=1, high=64)


class Steered(tiny.TinyLearner):
    """With what a session asks of a learner, live settings, and texts to watch."""

    tokens_per_step, evaluate_every, preview_every, criterion, threads = 0, 10, 1e9, "val_loss", 1

    def __init__(self) -> None:
        super().__init__()
        self.model.config = TinyConfig()  # type: ignore[assignment]
        self.texts: dict[str, str] = {}
        self.fails: dict[int, Exception] = {}

    def training_step(self, batch: Tensor, step: int, progress: float) -> Mapping[str, Tensor | float]:
        if error := self.fails.pop(step, None):
            raise error
        return {**super().training_step(batch, step, 1 - self.model.config.rate / 0.01), "step": step}

    def change(self, values: Mapping[str, Any]) -> None:
        self.model.config = TinyConfig.parse({**self.model.config.model_dump(), **values})

    def watch(self, values: Mapping[str, str]) -> None:
        self.texts |= values


def session(run: Run, steps: int = 30, **more: Any) -> Session:
    run.set_plan({"steps": steps})
    return Session(Setup(run=run.acquire(), learner=Steered(), plan=Plan(steps), config=TinyConfig(), **more))


def at_least(work: Session, step: int) -> list[Frame]:
    frames = []
    while work.step < step:
        frames.append(next(work))
    return frames


@pytest.fixture(autouse=True)
def _a_frame_per_step(monkeypatch: pytest.MonkeyPatch) -> None:
    from genstudio.training import session as module

    make = module.frames
    monkeypatch.setattr(module, "frames", lambda events: make(events, seconds=0.0))


def logged(run: Run) -> list[int]:
    return [int(step) for part in run.history() if "step" in part for step in part["step"].steps]


def test_it_trains_records_and_saves_a_learner_of_no_family(run: Run) -> None:
    work = session(run, watch={"prompt": "a"})
    frames = list(work)
    assert answer(frames, "run") == str(run.folder) and answer(frames, "settings") == TinyConfig().model_dump()
    assert curve(frames, "step")[0] == list(range(1, 31)) == logged(run)
    assert run.info.checkpoints[-1] == 30 and not run.writing
    assert frames[-1].notices[-1].text == "Finished after 30 steps"
    assert work.learner.texts == {"prompt": "a"}  # type: ignore[attr-defined]


def test_of_several_processes_only_the_first_writes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steered(work: Session) -> list[Tensor]:
        at_least(work, 5)
        for change in (SetLive({"rate": 0.02}), SaveNow(), Extend(steps=20)):
            work.adjust(change)
        at_least(work, 12)
        work.close()
        return work.learner.everything()  # type: ignore[attr-defined]

    with tiny.new_run(tmp_path / "other") as other:
        alone = steered(session(other))
        assert other.info.step >= 12 and other.changes() and other.info.checkpoints
    monkeypatch.setenv("RANK", "1")
    run.set_plan({"steps": 30})
    work, before = session(run), files(run.folder)
    following = steered(work)
    assert {**files(run.folder), "lock": b""} == {**before, "lock": b""}
    assert tiny.equal(alone, following)


def test_a_frame_that_meets_a_full_disk_is_written_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    work = session(run)
    fails = {"log": iter([False] * 5 + [True, True] + [False] * 99), "record": iter([False, True] + [False] * 99)}
    for name, failing in fails.items():
        real = getattr(Run, name)

        def full(self: Run, *some: Any, real: Any = real, failing: Any = failing, **more: Any) -> Any:
            if next(failing):
                raise StorageError("The disk is full.", "")
            return real(self, *some, **more)

        monkeypatch.setattr(Run, name, full)
    frames = list(work)
    assert sum(bool(frame.halt) for frame in frames) >= 2
    assert logged(run) == list(range(1, 31))


def test_what_could_not_be_written_is_not_once_the_training_went_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    work = session(run)
    at_least(work, 6)
    assert answer([frame for frame in [work.adjust(SetLive({"rate": 0.5}))] if frame], "settings")["rate"] == 0.5
    (change,) = run.changes()
    at_least(work, change.step + 3)
    log, full = Run.log, [True]

    def refused(self: Run, *some: Any) -> None:
        if full:
            raise StorageError("The disk is full.", "")
        log(self, *some)

    monkeypatch.setattr(Run, "log", refused)
    frame = next(work)
    assert frame.halt and "nothing is lost" in frame.halt
    full.clear()
    back = work.adjust(GoBack())
    assert back is not None and back.back == change.step and back.settings == TinyConfig().model_dump()
    rest = list(work)
    assert curve(rest, "step")[0] == list(range(change.step + 1, 31))
    assert logged(run) == list(range(1, 31)) and run.changes() == ()
    whole = Steered()
    for step in range(1, 31):
        torch.manual_seed((whole.seed * 1_000_003 + step) % 2**32)
        whole.training_step(whole.batch(step), step, 0.0)
    assert tiny.equal(work.learner.everything(), whole.everything())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (SetLive({"width": 9}), "cannot change while the model trains"),
        (SetLive({"rate": 7.0}), "outside"),
        (Extend(steps=1), "are already done"),
        (Extend(), "give a number of steps or of seconds"),
        (GoBack(), "no change to undo"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(run: Run, change: Change, words: str) -> None:
    work = session(run)
    at_least(work, 4)
    frame = work.adjust(change)
    assert frame is not None and [notice.kind for notice in frame.notices] == ["warning"] and words in frame.notices[0].text
    assert (run.changes(), run.info.plan, checkpoint.steps(run)) == ((), {"steps": 30}, [])
    assert work.adjust(Watch({"probe": "b"})) is None
    assert curve(list(work), "step")[0] == list(range(5, 31))


def test_memory_that_runs_out_is_said_in_the_words_of_the_family(run: Run) -> None:
    work = session(run, saves_memory=("a smaller batch", "fewer layers", "a shorter text"))
    work.learner.fails[7] = RuntimeError("CUDA out of memory")  # type: ignore[attr-defined]
    with pytest.raises(DeviceError, match="step 7") as caught:
        list(work)
    assert "Choose a smaller batch, fewer layers or a shorter text. All previous steps are kept." in str(caught.value)
    assert run.info.checkpoints == (6,) and not run.writing
