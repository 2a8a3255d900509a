"""Weights kept along the way: few, spread, whole, and only ever an extra."""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import faults
import pytest
import tiny
import torch

from genstudio.errors import CheckpointError, RunError
from genstudio.runs import Run
from genstudio.runs import weight_history as files
from genstudio.training import checkpoint
from genstudio.training import weights as kept_weights


def walked(run: Run, steps: int, seconds: float = 1.0, every: int = 1) -> dict[int, list[torch.Tensor]]:
    """Train with a recorder; the weights of every step."""
    learner = tiny.TinyLearner()
    recorder, found = kept_weights.WeightRecorder(run, learner, 0.0), {}
    for step in range(steps + 1):
        if step:
            learner.train(step, step)
        found[step] = weights(learner)
        if step % every == 0:
            assert recorder.keep_if_due(step, step * seconds) == []
    return found


def weights(learner: tiny.TinyLearner) -> list[torch.Tensor]:
    return [tensor.clone() for part in learner.model.modules.values() for tensor in part.state_dict().values()]


def test_the_budget_holds_for_models_of_any_size() -> None:
    for size in (1, 10**5, 10**7, 5 * 10**7, 64 * 10**6, 65 * 10**6, 10**9, 10**12):
        room = files.room(size)
        assert room * size <= files.BUDGET
        assert room == 0 or files.MINIMUM <= room <= files.MAXIMUM


def test_the_weights_of_a_step_come_back_bitwise(run: Run) -> None:
    found = walked(run, 60)
    assert kept_weights.steps(run) == run.weights.steps()
    assert 0 in kept_weights.steps(run)
    assert 8 <= len(kept_weights.steps(run)) <= files.MAXIMUM
    for step in kept_weights.steps(run):
        learner = tiny.TinyLearner(initial=9)
        kept_weights.load(run, step, learner.model.modules)
        assert tiny.equal(weights(learner), found[step])


def test_keeping_changes_nothing_in_the_learner(run: Run) -> None:
    alone = tiny.TinyLearner()
    alone.train(1, 30)
    assert tiny.equal(walked(run, 30)[30], weights(alone))


def test_it_takes_a_fiftieth_of_the_time(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, learner = [0.0], tiny.TinyLearner()

    def slow(self: files.WeightHistory, step: int, data: bytes) -> list[int]:
        clock[0] += 0.2
        kept.append(step)
        return kept

    kept: list[int] = []
    monkeypatch.setattr(kept_weights.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(files.WeightHistory, "add", slow)
    recorder = kept_weights.WeightRecorder(run, learner, 0.0)
    for step in range(2_000):
        recorder.keep_if_due(step, step * 0.1)
    assert 5 < len(kept) <= 1 + 2_000 * 0.1 / 50 / 0.2
    before = len(kept)
    for step in range(2_000, 4_000):
        recorder.keep_if_due(step, step * 0.1, saving=8.0)
    assert len(kept) == before, "checkpoints have taken the whole share"


def test_going_back_takes_what_came_after(run: Run) -> None:
    walked(run, 40)
    last = [step for step in run.weights.steps() if step <= 20][-1]
    run.truncate(20)
    assert run.weights.steps()[-1] == last
    learner = tiny.TinyLearner()
    recorder = kept_weights.WeightRecorder(run, learner, 0.0)
    for step in (*range(30), *range(10, 60)):
        if step == 10:
            run.weights.cut(10)
        recorder.keep_if_due(step, 1000.0 + step)
    assert max(run.weights.steps()) > 40


def test_damage_is_said_and_nothing_is_loaded(run: Run) -> None:
    walked(run, 20)
    step = run.weights.steps()[3]
    place = next(run.weights.folder.glob(f"{step:08d}-*"))
    whole = place.read_bytes()
    chosen = random.Random(0)
    learner = tiny.TinyLearner(initial=5)
    before = weights(learner)
    damages = [whole[:at] for at in (0, 1, 7, 100, len(whole) - 1)] + [whole + b"\0", b"\0" * len(whole)]
    for at in chosen.sample(range(len(whole)), 200):
        damages.append(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    for damage in damages:
        place.write_bytes(damage)
        with pytest.raises(RunError, match="damaged"):
            kept_weights.load(run, step, learner.model.modules)
    place.unlink()
    with pytest.raises(RunError, match="no longer exist"):
        kept_weights.load(run, step, learner.model.modules)
    place.mkdir()
    with pytest.raises(RunError, match="damaged"):
        kept_weights.load(run, step, learner.model.modules)
    assert tiny.equal(weights(learner), before)


def test_files_of_another_run_or_another_model_are_refused(run: Run, tmp_path: Path) -> None:
    walked(run, 10)
    with tiny.new_run(tmp_path, name="other") as other:
        other.weights.folder.mkdir()
        for path in run.weights.folder.iterdir():
            (other.weights.folder / path.name).write_bytes(path.read_bytes())
        with pytest.raises(RunError, match="another run"):
            kept_weights.load(other, run.weights.steps()[0], tiny.TinyLearner().model.modules)
    with pytest.raises(CheckpointError, match="shape"):
        kept_weights.load(run, run.weights.steps()[0], tiny.TinyLearner(width=9).model.modules)


def test_a_checkpoint_is_taken_before_what_was_kept_and_mended_by_it(run: Run) -> None:
    found = walked(run, 10)
    step = run.weights.steps()[-1]
    learner = tiny.TinyLearner()
    learner.train(1, step)
    checkpoint.save(run, step, learner, {})
    assert kept_weights.resolve(run, step) == step
    assert kept_weights.resolve(run, "last") == step
    (checkpoint.checkpoint_dir(run, step) / "model.safetensors").write_bytes(b"x")
    run.release()
    back = tiny.TinyLearner(initial=3)
    kept_weights.load(run, step, back.model.modules)
    assert tiny.equal(weights(back), found[step])
    with pytest.raises(CheckpointError, match="no checkpoint of step 999"):
        kept_weights.resolve(run, 999)


def test_weights_that_are_not_finite_are_not_kept(run: Run) -> None:
    learner = tiny.TinyLearner()
    model: Any = learner.model.modules["model"]
    with torch.no_grad():
        model.first.bias[0] = float("nan")
    assert kept_weights.WeightRecorder(run, learner, 0.0).keep_if_due(0, 0.0) == []
    assert run.weights.steps() == []


@pytest.mark.parametrize(("mode", "code"), [("once", errno.EIO), ("ever", errno.ENOSPC), ("short", errno.ENOSPC)])
def test_no_failing_call_stops_the_training_or_leaves_half_a_file(run: Run, mode: faults.Mode, code: int) -> None:
    learner, step = tiny.TinyLearner(), itertools.count(1)
    told: list[Any] = []

    def work() -> None:
        told[:] = kept_weights.WeightRecorder(run, learner, 0.0).keep_if_due(2 ** next(step), 100.0)

    for k, call, raised in faults.every_call(work, mode, code):
        assert raised is None, (k, call)
        assert bool(told) == (mode != "once"), (k, call)
        for at in run.weights.steps():
            back = tiny.TinyLearner(initial=4)
            kept_weights.load(run, at, back.model.modules)
            assert tiny.equal(weights(back), weights(learner))
        run.release()
        run.acquire()
        assert not list(run.weights.folder.glob(".*"))
    assert told == []
    assert run.weights.steps()


def test_a_full_disk_is_told_once_and_ends_the_keeping(run: Run) -> None:
    recorder = kept_weights.WeightRecorder(run, tiny.TinyLearner(), 0.0)
    with faults.failing(1, "ever", errno.ENOSPC):
        told = [recorder.keep_if_due(step, 100.0 * step) for step in range(5)]
    assert [len(some) for some in told] == [1, 0, 0, 0, 0]
    assert told[0][0].kind == "warning"
    assert "disk is full" in told[0][0].text


def die_at_every_call(folder: Path) -> None:
    """In a process of its own: forks a child per call, which dies there, and prints what each left behind."""
    os.fsync = lambda descriptor: None
    base = tiny.new_run(folder)
    with base:
        found = walked(base, 60)
    reports, before, code, k = [], base.weights.steps(), 137, 0
    while code == 137:
        k += 1
        child = os.fork()
        if not child:
            learner = tiny.TinyLearner()
            learner.train(1, 60)
            with faults.failing(k, "exit"):
                kept_weights.WeightRecorder(Run.open(base.folder).acquire(), learner, 0.0).keep_if_due(1000, 9.0)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with Run.open(base.folder) as run:
            reports.append(wrong(run, before, found))
            run.weights.cut(999)
            before = run.weights.steps()
    print(json.dumps(reports))


def wrong(run: Run, before: list[int], found: dict[int, list[torch.Tensor]]) -> str:
    """What a death spoiled: all but the one that is thinned out must be there, whole, and nothing else."""
    kept = run.weights.steps()
    if not (set(kept) - {1000} <= set(before) <= {*kept, *before[1:-1]} and len(kept) >= len(before) - 1):
        return f"kept {kept} of {before}"
    for step in kept:
        learner = tiny.TinyLearner(initial=2)
        kept_weights.load(run, step, learner.model.modules)
        if not tiny.equal(weights(learner), found[min(step, 60)]):
            return f"other weights at step {step}"
    return " ".join(path.name for path in run.weights.folder.glob(".*"))


@pytest.mark.thorough
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_death_while_writing_loses_nothing_kept_and_counts_no_half_file(tmp_path: Path) -> None:
    here = Path(__file__).parent
    places = [str(here), str(here.parent)]
    code = f"import sys; sys.path[:0] = {places!r}; from pathlib import Path; import test_weights as t; "
    code += f"t.die_at_every_call(Path({str(tmp_path)!r}))"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) > 6
    assert not [report for report in found if report]
