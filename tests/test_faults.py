"""A whole session with each system call failing, and the process dying at each: what was acknowledged stays."""

from __future__ import annotations

import errno
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import faults
import numpy as np
import pytest
import tiny
import torch

from genstudio import runs, storage
from genstudio.errors import GenstudioError, StorageError
from genstudio.events import Notice, Series
from genstudio.runs import Run
from genstudio.snapshots.text import Text
from genstudio.training import checkpoint, manifest
from helpers import usually

HERE = Path(__file__).parent
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def verified(run: Run, acknowledged: int) -> str:
    """What is wrong with a run after a fault, seen by its next writer; empty when nothing that was acknowledged is lost."""
    run.release()
    with Run.open(run.folder) as run:
        learner, expected = tiny.TinyLearner(initial=9), tiny.TinyLearner()
        if not checkpoint.steps(run):
            return "" if not acknowledged else "no checkpoint"
        state = checkpoint.load(run, "last", learner)
        step = int(state["step"])
        expected.train(1, step)
        found = []
        if step < acknowledged:
            found.append(f"step {step} instead of {acknowledged}")
        if state["warnings"]:
            found.append(f"a damaged checkpoint in its place: {state['warnings']}")
        if not tiny.equal(learner.everything(), expected.everything()):
            found.append("other weights")
        logged = {int(s) for part in run.history() for s in part["train_loss"].steps} if acknowledged else set()
        if not set(range(1, acknowledged + 1)) <= logged:
            found.append(f"numbers up to {max(logged, default=0)}")
        for folder in (run.folder, run.folder / "checkpoints"):
            found += [f"a stray {path.name}" for path in folder.iterdir() if path.name.startswith(".")]
        return "; ".join(found)


def advance(run: Run, learner: tiny.TinyLearner, step: int, save: Callable[..., object] = checkpoint.save) -> None:
    """One step, all its records, and a checkpoint."""
    learner.train(step, step)
    run.log({"train_loss": Series(np.array([step]), np.array([0.5]))}, float(step))
    run.record(Text("sample", step, "a", "b"))
    save(run, step, learner, {"elapsed": float(step)}, maximum=3)
    run.notice(Notice(step, "saved", "Saved"))


def careless(*arguments: object, **options: object) -> None:
    """The broken twin of `checkpoint.save`: the right files, written where they will stay."""
    real, storage.StagedFolder = storage.StagedFolder, InPlace  # type: ignore[misc,assignment]
    try:
        checkpoint.save(*arguments, **options)  # type: ignore[arg-type]
    finally:
        storage.StagedFolder = real  # type: ignore[misc]


class InPlace(storage.StagedFolder):
    def __enter__(self) -> InPlace:
        self.place.mkdir(exist_ok=True)
        self._stage = self.place
        return self

    def commit(self, *, replace: bool = True) -> bool:
        return True

    def __exit__(self, *_: object) -> None:
        return


def session(
    folder: Path, save: Callable[..., object] = checkpoint.save
) -> tuple[Callable[[], None], Callable[[], Run], list[int]]:
    """Work to repeat under faults, the run it is at, and the last acknowledged step."""
    run = tiny.new_run(folder).acquire()
    learner = tiny.TinyLearner()
    advance(run, learner, 1)
    acknowledged = [1]
    current = [run]

    def work() -> None:
        current[0].release()
        with Run.open(run.folder).acquire() as again:
            current[0] = again
            fresh = tiny.TinyLearner(initial=4)
            step = int(checkpoint.load(again, "last", fresh)["step"])
            checkpoint.rewind(again, step)
            advance(again, fresh, step + 1)
            acknowledged[0] = step + 1

    return work, lambda: current[0], acknowledged


@usually(
    ("mode", "code"),
    [("once", errno.EIO), ("once", errno.ENOSPC), ("ever", errno.EIO), ("ever", errno.ENOSPC), ("short", errno.ENOSPC)],
)
def test_a_session_survives_every_failing_call(tmp_path: Path, mode: faults.Mode, code: int) -> None:
    work, run, acknowledged = session(tmp_path)
    tried = 0
    for k, call, raised in faults.every_call(work, mode, code):
        tried += 1
        assert raised is None or isinstance(raised, StorageError), (k, call, raised)
        if (mode, code) == ("once", errno.EIO):
            assert raised is None, f"one passing fault of {call} ({k}) must be absorbed"
        assert verified(run(), acknowledged[0]) == "", (k, call)
    assert tried > 30
    work()
    assert verified(run(), acknowledged[0]) == ""


def test_after_the_disk_has_room_again_the_result_is_the_same(tmp_path: Path) -> None:
    learner = tiny.TinyLearner()
    with tiny.new_run(tmp_path) as run:
        for step in range(1, 6):
            learner.train(step, step)
            with faults.failing(step * 3, "ever", errno.ENOSPC), pytest.raises(StorageError, match="disk is full"):
                checkpoint.save(run, step, learner, {})
            checkpoint.save(run, step, learner, {})
        back, whole = tiny.TinyLearner(initial=3), tiny.TinyLearner()
        whole.train(1, 5)
        assert checkpoint.load(run, "last", back)["step"] == 5
    assert tiny.equal(back.everything(), whole.everything())


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_folder_that_only_reads_is_refused_before_the_first_step(tmp_path: Path, code: int) -> None:
    run = tiny.new_run(tmp_path)
    with faults.failing(1, "ever", code), pytest.raises(StorageError, match=r"read|written") as caught:
        run.acquire()
    assert caught.value.hint
    assert not run.writing


def test_a_run_deleted_under_the_writer_is_told(tmp_path: Path) -> None:
    run = tiny.new_run(tmp_path)
    learner = tiny.TinyLearner()
    with run:
        advance(run, learner, 1)
        shutil.rmtree(run.folder)
        with pytest.raises(GenstudioError, match="gone"):
            advance(run, learner, 2)
    assert runs.list_runs(tmp_path) == []


def die_at_every_call(folder: Path, careful: bool) -> None:
    """In a process of its own: forks a child per call, which dies there, and prints what each left behind."""
    torch.set_num_threads(1)
    os.fsync = lambda descriptor: None
    base = tiny.new_run(folder).acquire()
    learner = tiny.TinyLearner()
    for step in (1, 2, 3):
        advance(base, learner, step)
    base.release()
    reports, k, code = [], 0, 137
    while code == 137:
        k += 1 if careful else 3
        run = Run.open(shutil.copytree(base.folder, folder / f"copy-{k}"))
        save = checkpoint.save if careful else careless
        code = dying(k, lambda run=run, save=save: advance(run.acquire(), learner, 4, save))  # type: ignore[misc]
        reports.append(verified(run, 3 if code else 4))
        shutil.rmtree(run.folder)
    print(json.dumps([code, reports]))


def die_while_recovering(folder: Path) -> None:
    """In a process of its own: what dies at any call of a save dies again at any call of what follows it."""
    torch.set_num_threads(1)
    os.fsync = lambda descriptor: None
    base = tiny.new_run(folder).acquire()
    learner = tiny.TinyLearner()
    for step in (1, 2, 3):
        advance(base, learner, step)
    base.release()
    found, k, first = [], 0, 137
    while first == 137:
        k += 1
        dead = shutil.copytree(base.folder, folder / f"dead-{k}")
        first = dying(k, lambda dead=dead: again(dead, learner))  # type: ignore[misc]
        j, second = 0, 137
        while second == 137:
            j += 1
            run = Run.open(shutil.copytree(dead, folder / f"copy-{k}-{j}"))
            second = dying(j, lambda run=run: recover(run))  # type: ignore[misc]
            found.append(verified(run, 3))
            shutil.rmtree(run.folder)
    print(json.dumps([first, found]))


def again(folder: Path, learner: tiny.TinyLearner) -> None:
    """Saves step 3 once more, so that an acknowledged checkpoint is replaced."""
    with Run.open(folder) as run:
        checkpoint.save(run, 3, learner, {"elapsed": 3.0})


def recover(run: Run) -> None:
    with run:
        checkpoint.rewind(run, int(checkpoint.load(run, "last", tiny.TinyLearner())["step"]))


def dying(k: int, work: Callable[[], None]) -> int:
    """The exit code of a child that does the work and dies at its k-th call: 137, or 0 where it makes fewer."""
    child = os.fork()
    if not child:
        with faults.failing(k, "exit"):
            work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_at_random(folder: Path, count: int) -> None:
    """In a process of its own: kills a child that saves without end, and prints what each left behind."""
    torch.set_num_threads(1)
    chosen, reports = random.Random(0), []
    for index in range(count):
        run = tiny.new_run(folder, name=f"run {index}")
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            learner = tiny.TinyLearner()
            with run:
                for step in range(1, 10_000):
                    advance(run, learner, step)
                    os.write(writer, step.to_bytes(4, "little"))
        os.read(reader, 4)
        select.select([], [], [], chosen.uniform(0, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(writer)
        said = b"\x01\0\0\0"
        while more := os.read(reader, 4096):
            said = more
        os.close(reader)
        reports.append(verified(run, int.from_bytes(said[-4:], "little")))
        shutil.rmtree(run.folder)
    print(json.dumps([0, reports]))


def reports(call: str) -> tuple[int, list[str]]:
    places = [str(HERE), str(HERE.parent)]
    code = f"import sys; sys.path[:0] = {places!r}; from pathlib import Path; import test_faults; test_faults.{call}"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    last, found = json.loads(done.stdout)
    return last, found


@forks
@pytest.mark.thorough
def test_a_death_at_any_call_loses_nothing_acknowledged(tmp_path: Path) -> None:
    code, found = reports(f"die_at_every_call(Path({str(tmp_path)!r}), True)")
    assert code == 0
    assert len(found) > 30
    assert [report for report in found if report] == []


@forks
@pytest.mark.thorough
def test_a_death_within_a_careless_save_is_caught(tmp_path: Path) -> None:
    _, found = reports(f"die_at_every_call(Path({str(tmp_path)!r}), False)")
    assert [report for report in found if "damaged" in report] != []


@forks
@pytest.mark.slow
def test_a_death_while_recovering_from_a_death_loses_nothing(tmp_path: Path) -> None:
    code, found = reports(f"die_while_recovering(Path({str(tmp_path)!r}))")
    assert code == 0
    assert len(found) > 200
    assert [report for report in found if report] == []


@forks
@pytest.mark.slow
def test_200_kills_at_random_lose_nothing_acknowledged(tmp_path: Path) -> None:
    _, found = reports(f"kill_at_random(Path({str(tmp_path)!r}), 200)")
    assert len(found) == 200
    assert [report for report in found if report] == []


def test_every_checkpoint_file_is_in_its_manifest(tmp_path: Path) -> None:
    with tiny.new_run(tmp_path) as run:
        advance(run, tiny.TinyLearner(), 1)
        names = {path.name for path in checkpoint.checkpoint_dir(run, 1).iterdir()}
    assert names == {*manifest.FILES, "manifest.json"}
