"""What a million logged steps cost to write and to read back, in processor time: other programs may be busy."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import tiny

from genstudio.events import Series
from genstudio.runs import metrics_log

STEPS = 1_000_000
NAMES = ("train_loss", "learning_rate", "gradient_norm")


def written(path: Path, per_line: int) -> tuple[float, float]:
    """Processor seconds to make all lines, and bytes per step."""
    numbers = np.random.default_rng(0).random((len(NAMES), STEPS)).astype(np.float32).astype(np.float64)
    began = time.process_time()
    with path.open("wb") as file:
        for start in range(0, STEPS, per_line):
            steps = np.arange(start + 1, start + per_line + 1)
            series = {
                name: Series(steps, row[start : start + per_line].copy())
                for name, row in zip(NAMES, numbers, strict=True)
            }
            file.write(metrics_log.metric_lines(series, start / 1000))
    return time.process_time() - began, path.stat().st_size / STEPS


@pytest.mark.bench
@pytest.mark.timeout(600)
@pytest.mark.parametrize("per_line", [1, 25])
def test_a_million_steps_open_in_three_seconds(tmp_path: Path, per_line: int) -> None:
    run = tiny.new_run(tmp_path)
    writing, size = written(run.folder / "metrics.jsonl", per_line)
    slices, count, last = [], 0, 0
    began = before = time.process_time()
    for part in run.history():
        now = time.process_time()
        slices.append(now - before)
        count += len(part["train_loss"])
        last = int(part["train_loss"].steps[-1])
        before = time.process_time()
    reading = time.process_time() - began
    print(
        f"\n{'steps a line':>14} {'bytes a step':>14} {'write us/step':>14} {'read cpu s':>11} {'slice p50 ms':>14} {'max ms':>8}"
    )
    print(
        f"{per_line:>14} {size:>14.1f} {writing / STEPS * 1e6:>14.2f} {reading:>11.2f} "
        f"{np.median(slices) * 1e3:>14.2f} {max(slices) * 1e3:>8.2f}"
    )
    assert (count, last) == (STEPS, STEPS)
    assert reading < 3
