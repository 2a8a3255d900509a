"""Steps of the same training with our waiting of OpenMP threads against the library's default, idle and beside two busy
processes, in turns of a few seconds each: what else the machine does meets both.

python tests/bench/bench_beside_load.py [ROUNDS]       not on Windows, which cannot halt a process
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SPAN, SETTLING, BUSY = 3.0, 0.5, 2
NAMES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")
WAYS = ("ours", "default")


def child(way: str, log: Path) -> None:
    """Train for as long as it is let, and write down when which step was reached."""
    if way == "default":
        import torch  # noqa: F401 - before the package, so that its setting comes too late
    from genstudio.tasks.models import Models
    from genstudio.tasks.train import Train

    with log.open("a", buffering=1) as out:
        for frame in Train("gpt", "shakespeare", steps=10**6).run(Models()):
            if "train_loss" in frame.series:
                out.write(f"{time.monotonic()} {frame.series['train_loss'].steps[-1]}\n")


class Halted:
    """A training in a process of its own, which goes on only while it is measured."""

    def __init__(self, way: str, home: Path) -> None:
        home.mkdir()
        self._log = home / "log"
        self._log.touch()
        kept = {name: value for name, value in os.environ.items() if name not in (*NAMES, "OMP_NUM_THREADS")}
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--child", way, str(self._log)],
            env=kept | {"GENSTUDIO_HOME": str(home)},
        )
        began = time.monotonic()
        while len(self._rows()) < 3:
            assert self.process.poll() is None and time.monotonic() - began < 300, "the training never began"
            time.sleep(0.2)
        self.process.send_signal(signal.SIGSTOP)

    def _rows(self) -> list[tuple[float, int]]:
        parts = [line.split() for line in self._log.read_text().splitlines()]
        return [(float(row[0]), int(row[1])) for row in parts if len(row) == 2]

    def turn(self) -> float:
        """Steps per second over one turn, without its beginning."""
        self.process.send_signal(signal.SIGCONT)
        time.sleep(SETTLING + SPAN)
        self.process.send_signal(signal.SIGSTOP)
        rows = [row for row in self._rows() if row[0] > time.monotonic() - SPAN - 0.1]
        return (rows[-1][1] - rows[0][1]) / (rows[-1][0] - rows[0][0]) if len(rows) > 1 else 0.0

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Other programs that never rest."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def measure(rounds: int, place: Path) -> dict[str, float]:
    """Speed of ours by that of the default, idle and loaded: the ratio of the medians over all rounds."""
    trainings = {way: Halted(way, place / way) for way in WAYS}
    ratios = {}
    try:
        for load in (0, BUSY):
            speeds: dict[str, list[float]] = {way: [] for way in WAYS}
            with busy(load):
                for turn in range(rounds):
                    for way in WAYS if turn % 2 else WAYS[::-1]:
                        speeds[way].append(trainings[way].turn())
            middle = {way: statistics.median(found) for way, found in speeds.items()}
            name = f"beside {load} busy processes" if load else "idle"
            ratios[name] = middle["ours"] / max(middle["default"], 1e-9)
            print(
                f"{name:28} ours {middle['ours']:6.1f}  default {middle['default']:6.1f} steps/s  {ratios[name]:.2f}x",
                flush=True,
            )
    finally:
        for training in trainings.values():
            training.close()
    return ratios


@pytest.mark.bench
@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be halted there")
def test_a_short_spin_costs_nothing_alone_and_helps_beside_others(tmp_path: Path) -> None:
    ratios = measure(8, tmp_path)
    assert ratios["idle"] >= 0.97
    assert ratios[f"beside {BUSY} busy processes"] >= 1.4


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        with tempfile.TemporaryDirectory() as home:
            measure(int(sys.argv[1]) if len(sys.argv) > 1 else 8, Path(home))
