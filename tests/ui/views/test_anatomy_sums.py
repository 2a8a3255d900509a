"""A number of the anatomy is written as the sum that it is, and only where the sum gives it."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genstudio import paths
from genstudio.runs import list_runs
from genstudio.snapshots.layers import Anatomy, Stage
from genstudio.tasks.anatomy import Dissect
from genstudio.tasks.models import ModelRef
from genstudio.tasks.train import Train
from genstudio.ui.views.anatomy_sums import sum_of
from helpers import TINY, result, run_task, text_file


@pytest.fixture
def stages(tmp_path: Path) -> dict[str, Stage]:
    run_task(Train("gpt", str(text_file(tmp_path)), TINY, steps=4, seed=0))
    (run,) = list_runs(paths.runs())
    found = result(Dissect(ModelRef(str(run.folder)), ("the cat",), 0, 0, 8, 1.0, True, True))
    assert isinstance(found, Anatomy)
    return {stage.key: stage for stage in found.stages}


def worth(words: str) -> float:
    """What the written sum comes to."""
    left = re.sub(r" \(\d+ more\)", "", words.rpartition(" = ")[0]).partition(" = ")
    text = (left[2] or left[0]).replace("·", "*").replace("√", "math.sqrt(")
    return float(eval(text + ")" * text.count("math.sqrt("), {"math": math}))  # noqa: S307 - of this test's own making


def test_every_sum_that_is_written_gives_the_number_that_is_shown(stages: dict[str, Stage]) -> None:
    written = set()
    for stage in stages.values():
        for row, column in np.ndindex(stage.values.shape):
            if (found := sum_of(stages, stage, row, column)) is not None:
                written.add(stage.key)
                shown = float(stage.values[row, column])
                assert worth(found.words) == pytest.approx(shown, abs=0.01 + 0.06 * abs(shown)), (stage.key, found.words)
                assert set(found.lit) <= set(stage.sources)
    assert {"products", "scores", "weights", "mixed"} <= written and any(key.startswith("stream") for key in written)


def test_row_and_column_are_those_that_the_number_is_made_of(stages: dict[str, Stage]) -> None:
    products, mixed = stages["products"], stages["mixed"]
    found = sum_of(stages, products, 3, 1)
    assert found is not None and found.lit == {products.sources[0]: (3, None), products.sources[1]: (1, None)}
    found = sum_of(stages, mixed, 3, 2)
    assert found is not None and found.lit == {"weights": (3, None), "V": (None, 2)}


def test_a_number_that_is_not_its_sum_has_none(stages: dict[str, Stage]) -> None:
    for key in ("products", "weights", "mixed", "scores"):
        wrong = replace(stages[key], values=stages[key].values + 0.5)
        assert sum_of(stages, wrong, 3, 1) is None, key
    masked = stages["masked"]
    assert np.isnan(masked.values[0, 3]) and sum_of(stages, masked, 0, 3) is None
    assert sum_of({}, stages["products"], 3, 1) is None
