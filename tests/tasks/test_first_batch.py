"""What a person is shown as the first batch is what the first step of a training is fed, to the last token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data import shelf
from genstudio.data.batches import PictureBatch, PointBatch
from genstudio.errors import ConfigError, DataError
from genstudio.families.gpt.learner import GPTLearner
from genstudio.tasks.first_batch import FirstBatch
from genstudio.tasks.train import Train
from helpers import TINY, result, run_task, text_file

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
    shown = result(FirstBatch(data, config, seed=7))
    run_task(Train("gpt", data, config, steps=2, seed=7))
    (first, (inputs, targets)), (second, (others, _)) = fed
    assert (first, second) == (1, 2)
    assert np.array_equal(shown.inputs, inputs.numpy()) and np.array_equal(shown.targets, targets.numpy())
    assert not np.array_equal(shown.inputs, others.numpy()), "every batch is the same: the test could not fail"
    assert np.array_equal(shown.inputs[..., 1:], shown.targets[..., :-1])
    assert set(np.unique(shown.inputs)) <= set(shown.pieces)
    assert shown.causal == config.get("mask", True)


GAN: dict[str, Any] = {"network": "mlp", "batch": 16, "latent": 4, "width": 16, "layers": 1, "d_updates": 2}
GANS: list[Any] = [
    ("gaussian-ring", {}),
    ("moons", {"batch": 7}),
    ("digits8", {}),
    ("digits8", {"conditional": True}),
    pytest.param("emoji32", {"network": "dcgan", "channels": 8}, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("data", "change"), GANS, ids=str)
def test_points_and_pictures_shown_are_those_fed(
    data: str, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit: the same samples, the same normalisation, in the range that the batch says."""
    from genstudio.families.gan.learner import GANLearner

    fed: list[Any] = []
    step = GANLearner.training_step

    def watched(self: GANLearner, batch: Any, number: int, progress: float) -> Any:
        fed.append([None if part is None else part.clone() for part in batch])
        return step(self, batch, number, progress)

    monkeypatch.setattr(GANLearner, "training_step", watched)
    config = GAN | change
    shown = result(FirstBatch(data, config, "gan", seed=7))
    run_task(Train("gan", data, config, steps=2, seed=7))
    (real, labels), (others, _) = fed[:2]
    if isinstance(shown, PointBatch):
        found, other = shown.points, others[0].numpy()
        assert np.array_equal(found, real[0].numpy())
        points = shelf.open_dataset(shelf.find_dataset(data)).points  # type: ignore[union-attr]
        back = found * np.array(shown.scale) + np.array(shown.mean)
        assert np.abs(points[None] - back[:, None]).max(axis=2).min(axis=1).max() < 1e-5
    else:
        assert isinstance(shown, PictureBatch)
        found, other = shown.pixels, others[0].permute(0, 2, 3, 1).numpy()
        assert np.array_equal(found, real[0].permute(0, 2, 3, 1).numpy())
        assert shown.low <= found.min() < found.max() <= shown.high
        assert (shown.labels is None) == (labels is None)
        assert labels is None or np.array_equal(shown.labels, labels[0].numpy())
    assert not np.array_equal(found, other), "every batch is the same: the test could not fail"


def test_another_seed_shows_another_batch(tmp_path: Path) -> None:
    data = str(text_file(tmp_path))
    a, b = (result(FirstBatch(data, TINY, seed=seed)) for seed in (0, 1))
    assert not np.array_equal(a.inputs, b.inputs)


def test_the_batch_says_which_token_is_unknown(tmp_path: Path) -> None:
    config = TINY | {"tokenizer": "word", "vocabulary": 12, "min_count": 1}
    lines = "\n".join(f"line {i} has {i * i} and some words of its own" for i in range(300))
    shown = result(FirstBatch(str(text_file(tmp_path, lines)), config))
    assert shown.unknown == 0 and shown.pieces[0] == "<unk>" and (shown.inputs == 0).any()
    assert result(FirstBatch(str(text_file(tmp_path)), TINY)).unknown is None


def test_what_cannot_be_trained_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be trained on"):
        run_task(FirstBatch("digits8", TINY, "gpt"))
    with pytest.raises(DataError, match="cannot be trained on"):
        run_task(FirstBatch("verses-en-es", GAN, "gan"))
    with pytest.raises(ConfigError):
        run_task(FirstBatch(str(text_file(tmp_path)), TINY | {"heads": 3}))
