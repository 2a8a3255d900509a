"""Iterations a second in the window against headless, in turns of two seconds: what else the machine does meets both.

python tests/bench/bench_gan_turns.py [ROUNDS]       not on Windows, which cannot halt a process
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from bench_gan_window import RUNS, opened, started

SPAN, SETTLING = 2.0, 0.4


def child(mode: str, run: str, log: Path) -> None:
    """Train for as long as it is let, and write down when which step was reached."""
    data, config = RUNS[run]
    with log.open("a", buffering=1) as out:

        def saw(_name: str, frame: Any) -> None:
            if "d_loss" in frame.series:
                out.write(f"{time.monotonic()} {frame.series['d_loss'].steps[-1]}\n")

        if mode == "window":

            def begin(window: Any) -> None:
                started(window, data, config)
                window.engine.framed.connect(saw)

            opened(begin)
            return
        from genstudio.tasks.models import Models
        from genstudio.tasks.train import Train

        for frame in Train("gan", data, config, seconds=3600).run(Models()):
            saw("", frame)


class Halted:
    """A training in a process of its own, which goes on only while it is measured."""

    def __init__(self, mode: str, run: str, home: Path) -> None:
        self._log = home / "log"
        self._log.touch()
        environment = {**os.environ, "GENSTUDIO_HOME": str(home)}
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--child", mode, run, str(self._log)],
            env=environment, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while len(self._rows()) < 40:
            if self.process.poll() is not None:
                raise RuntimeError(f"the training in the {mode} has ended")
            time.sleep(0.1)
        self.process.send_signal(signal.SIGSTOP)

    def _rows(self) -> list[tuple[float, int]]:
        lines = self._log.read_text().splitlines()[-10_000:]
        return [(float(at), int(step)) for at, step in (line.split() for line in lines if line.count(" ") == 1)]

    def steps_per_second(self) -> float:
        """Of one turn, without its beginning."""
        self.process.send_signal(signal.SIGCONT)
        time.sleep(SETTLING)
        began = time.monotonic()
        time.sleep(SPAN)
        self.process.send_signal(signal.SIGSTOP)
        rows = [(at, step) for at, step in self._rows() if at >= began]
        return (rows[-1][1] - rows[0][1]) / (rows[-1][0] - rows[0][0])


def ratio(run: str, rounds: int) -> float:
    """Prints a line; the window's steps a second over those without it, each over all rounds."""
    with tempfile.TemporaryDirectory() as folder:
        turns: dict[str, Halted] = {}
        found: dict[str, list[float]] = {"headless": [], "window": []}
        try:
            for mode in found:
                (home := Path(folder, mode)).mkdir()
                turns[mode] = Halted(mode, run, home)
            for turn in range(rounds):
                for mode in sorted(found, reverse=bool(turn % 2)):
                    found[mode].append(turns[mode].steps_per_second())
        finally:
            for halted in turns.values():
                halted.process.kill()
                halted.process.wait()
    each = [shown / alone for shown, alone in zip(found["window"], found["headless"], strict=True)]
    low, middle, high = statistics.quantiles(each, n=4)
    whole = sum(found["window"]) / sum(found["headless"])
    print(
        f"{run:14} headless {statistics.median(found['headless']):6.1f}/s, window {statistics.median(found['window']):6.1f}/s: "
        f"{whole:.1%} (each {middle:.1%}, half of them {low:.1%} to {high:.1%})",
        flush=True,
    )
    return whole


@pytest.mark.bench
@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be halted here")
def test_the_window_costs_a_training_little() -> None:
    assert ratio("DCGAN 28x28", 30) >= 0.95


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--child"]:
        child(arguments[1], arguments[2], Path(arguments[3]))
    else:
        for name in RUNS:
            ratio(name, int(arguments[0]) if arguments else 16)
