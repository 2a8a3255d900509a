"""Steps a second of our training step against a plain eager loop of the same model, and against its matrix products alone.

The reference (`families/gpt/plain.py`) is written the way small training scripts usually are. Rounds of all alternate, so that
a busy machine slows all.

    python tests/bench/bench_training.py [SECONDS]
"""

from __future__ import annotations

import sys

import pytest

from genstudio.data.work import finished
from genstudio.evaluation.figures import table
from genstudio.families.gpt.bench import steps_per_second


def measure(seconds: float = 30.0) -> float:
    """Prints a table; returns how many times as fast as the plain loop the same model is."""
    figures = finished(steps_per_second(seconds))
    print("\n".join(table(figures)))
    ratio = figures[0].ratio
    assert ratio is not None
    return ratio


@pytest.mark.bench
def test_our_step_is_faster_than_a_plain_loop() -> None:
    assert measure() >= 1.05


if __name__ == "__main__":
    measure(*map(float, sys.argv[1:]))
