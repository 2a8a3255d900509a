"""What a person is shown as the first batch is what the first step of a training is fed, to the last token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.errors import ConfigError, DataError
from genstudio.families.gpt.learner import GPTLearner
from genstudio.tasks.first_batch import FirstBatch
from genstudio.tasks.train import Train
from helpers import TINY, answer, run_task, text_file

CHANGES: list[dict[str, Any]] = [
    {},
    {"accumulation": 3},
    {"markers": "lines"},
    {"tokenizer": "byte"},
    {"split": "random", "split_seed": 5, "validation_share": 0.3},
    {"mask": False},
]


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The batches that trainings were fed."""
    seen: list[Any] = []
    step = GPTLearner.training_step

    def watched(self: GPTLearner, batch: Any, number: int, progress: float) -> Any:
        seen.append((number, [part.clone() for part in batch]))
        return step(self, batch, number, progress)

    monkeypatch.setattr(GPTLearner, "training_step", watched)
    yield seen


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_the_batch_shown_is_the_batch_fed(change: dict[str, Any], fed: list[Any], tmp_path: Path) -> None:
    lines = "\n".join(f"line {i} has {i * i} and some words of its own" for i in range(300))
    data, config = str(text_file(tmp_path, lines)), TINY | change
    _, shown = answer(run_task(FirstBatch(data, config, seed=7)), "first_batch")
    run_task(Train("gpt", data, config, steps=2, seed=7))
    (first, (inputs, targets)), (second, (others, _)) = fed
    assert (first, second) == (1, 2)
    assert np.array_equal(shown.inputs, inputs.numpy()) and np.array_equal(shown.targets, targets.numpy())
    assert not np.array_equal(shown.inputs, others.numpy()), "every batch is the same: the test could not fail"
    assert np.array_equal(shown.inputs[..., 1:], shown.targets[..., :-1])
    assert set(np.unique(shown.inputs)) <= set(shown.pieces)
    assert shown.causal == config.get("mask", True)


def test_another_seed_shows_another_batch(tmp_path: Path) -> None:
    data = str(text_file(tmp_path))
    a, b = (answer(run_task(FirstBatch(data, TINY, seed=seed)), "first_batch")[1] for seed in (0, 1))
    assert not np.array_equal(a.inputs, b.inputs)


def test_what_cannot_be_trained_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be trained on"):
        run_task(FirstBatch("digits8", TINY))
    with pytest.raises(ConfigError):
        run_task(FirstBatch(str(text_file(tmp_path)), TINY | {"heads": 3}))
