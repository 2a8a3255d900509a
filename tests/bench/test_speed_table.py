"""The table of `genstudio bench`, with what is wanted of each figure; it prints the table also where it passes.

    python3 packaging/test.py -m bench
"""

from __future__ import annotations

import pytest

from genstudio.evaluation.figures import table
from genstudio.tasks.bench import Bench
from helpers import result

WANTED = {"Training step, 4x128, AdamW": 1.05, "Writing, 12x768, int8": 1.8, "Training step, DCGAN 28x28": 1.1}
"""How many times as fast as its reference each of these is at least."""


@pytest.mark.bench
def test_every_figure_beats_its_reference(capsys: pytest.CaptureFixture[str]) -> None:
    figures = result(Bench())
    with capsys.disabled():
        print("", *table(figures), sep="\n")
    slow = {one.name: one.ratio for one in figures if one.name in WANTED and (one.ratio or 0) < WANTED[one.name]}
    assert not slow and WANTED.keys() <= {one.name for one in figures}
