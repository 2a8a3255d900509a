"""A training that others hold up says so; nothing is claimed that was not measured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gans import SMALL

from genstudio.events import Progress
from genstudio.tasks.models import Models
from genstudio.tasks.train import Train
from genstudio.training.changes import SetLive
from genstudio.training.slowdown import Slowdown, Usage, usage
from helpers import LONG

OTHERS = "another program is using the processor"


class Machine:
    """A training on two processors, whose speed and neighbours a test sets."""

    def __init__(self, known: bool = True) -> None:
        self.clock = self.busy = self.own = self.elapsed = 0.0
        self.step, self.known = 0, known
        self.slowdown = Slowdown(lambda: Usage(self.busy, 2 * self.clock, self.own, self.clock, self.known), 2)

    def run(self, seconds: float, speed: float, others: float = 0.0, own: float = 1.9) -> list[str]:
        """Frames of a tenth of a second; `others` and `own` are in processors."""
        said = []
        for _ in range(round(seconds * 10)):
            self.wait(0.1, others, own)
            self.elapsed += 0.1
            self.step += round(speed / 10)
            said.append(self.slowdown.see(self.step, self.elapsed))
        return said

    def wait(self, seconds: float, others: float = 0.0, own: float = 0.0) -> None:
        """Time in which nothing is trained."""
        self.clock += seconds
        self.own += own * seconds
        self.busy += min(own + others, 2.0) * seconds


def test_it_says_so_after_seconds_and_until_the_speed_is_back() -> None:
    machine = Machine()
    assert set(machine.run(10, 100)) == {""}
    held = machine.run(6, 30, others=1.2, own=0.8)
    assert held[9] == "" and set(held[25:]) == {OTHERS}
    assert set(machine.run(6, 40, others=1.2, own=0.8)) == {OTHERS}, "it does not flicker at the limit"
    assert machine.run(6, 90)[-1] == ""


@pytest.mark.parametrize(
    ("speed", "others", "own", "said"),
    [
        (30, 1.2, 0.8, OTHERS),
        (40, 1.2, 0.8, ""),
        (30, 0.0, 1.9, ""),
        (30, 0.6, 0.4, ""),
        (30, 0.2, 1.8, ""),
    ],
    ids=["held up", "not by two thirds", "slow by itself", "much is idle", "others do little"],
)
def test_what_is_said_follows_from_what_is_measured(speed: float, others: float, own: float, said: str) -> None:
    machine = Machine()
    machine.run(10, 100)
    assert machine.run(8, speed, others, own)[-1] == said


def test_where_the_system_does_not_tell_it_says_perhaps() -> None:
    machine = Machine(known=False)
    machine.run(10, 100)
    assert machine.run(8, 30, others=1.2, own=0.8)[-1].endswith("another program may be using the processor")


def test_a_pause_an_evaluation_and_a_change_of_settings_are_no_slowdown() -> None:
    machine = Machine()
    machine.run(10, 100)
    machine.wait(60, others=2.0)
    assert set(machine.run(4, 100)) == {""}
    assert set(machine.run(20, 0, others=1.5)) == {""}, "no step is made while it evaluates"
    assert set(machine.run(4, 100)) == {""}
    machine.slowdown.restart()
    assert set(machine.run(20, 20, others=1.2)) == {""}, "slow from the beginning is its speed"


def test_a_training_tells_it_and_forgets_when_settings_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restarts: list[Slowdown] = []
    monkeypatch.setattr(Slowdown, "see", lambda self, step, elapsed: f"held up at {step}")
    monkeypatch.setattr(Slowdown, "restart", lambda self: restarts.append(self))
    task = Train("gan", "gaussian-ring", SMALL, steps=300, runs_folder=tmp_path)
    job = task.run(Models())
    told = [next(frame for frame in job if frame.series).progress]
    began = len(restarts)
    job.adjust(SetLive({"g_rate": 0.002}))
    told += [frame.progress for frame in job if frame.series]
    assert began == 1 and len(restarts) == 2
    assert all(progress is not None and progress.note == f"held up at {progress.step}" for progress in told)


def test_the_headline_says_it_while_it_trains_only() -> None:
    from genstudio.ui.train.strip import headline

    progress = Progress("Training", 0.5, 10, 20, 5.0, OTHERS)
    assert headline(progress, "Training", "9 steps/s").endswith(f"9 steps/s   ·   {OTHERS}")
    assert OTHERS not in headline(progress, "Paused", "9 steps/s")
    assert headline(Progress("Training", 0.5, 10), "Training", "9 steps/s").endswith("9 steps/s")


@pytest.fixture
def neighbours() -> Iterator[None]:
    """As many busy processes as there are processors."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    yield
    for process in running:
        process.kill()
        process.wait()


@pytest.mark.skipif(sys.platform not in ("linux", "win32"), reason="this system does not tell how busy it is")
def test_busy_neighbours_are_measured(neighbours: None) -> None:
    began = time.monotonic()
    while time.monotonic() - began < LONG / 1000:
        before = usage()
        while time.monotonic() - before.clock < 1.0:
            pass
        now = usage()
        assert now.known and now.total > before.total
        if Slowdown()._by_others(before, now):
            return
    raise AssertionError("busy neighbours were never seen")
