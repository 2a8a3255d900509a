"""A sample looked at closely: its numbers are those of the model and of the data it was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genstudio.data import shelf
from genstudio.errors import DataError, RunError
from genstudio.evaluation.features import encode, pictures
from genstudio.families.gan import FAMILY as GAN
from genstudio.tasks.inspect_sample import InspectSample, SampleReport, SaveSample
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.train import Train
from helpers import TINY, answer, result, run_task, text_file

SMALL: dict[str, Any] = {"width": 16, "layers": 2, "batch": 16, "evaluate_every": 1000}


def _result(work: Any) -> Any:
    """What sliced work returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def looked(tmp_path: Path, data: str, index: int, **values: Any) -> tuple[SampleReport, Any]:
    run = answer(run_task(Train("gan", data, {**SMALL, **values}, steps=5, runs_folder=tmp_path)), "run")
    models = Models()
    found = result(InspectSample(ModelRef(run), index), models)
    return found, models.get(ModelRef(run))


def test_a_saved_model_is_compared_with_its_dataset(tmp_path: Path) -> None:
    found, opened = looked(tmp_path, "digits8", 3, latent=8, conditional=True, pack=2)
    real = shelf.open_dataset(shelf.find_dataset("digits8")).pixels
    gaps = np.sqrt(np.square(real.astype(np.float64) - found.sample).mean((1, 2, 3)))
    assert np.allclose(found.plain.distances, gaps[found.plain.indices], rtol=1e-5)
    assert (np.diff(found.plain.distances) >= 0).all()
    train = GAN.prepare(opened.model.config, shelf.open_dataset(shelf.find_dataset("digits8")))
    trained = _result(train).train.tolist()
    assert found.searched == len(trained) < len(real)
    assert np.allclose(found.plain.distances, np.sort(gaps[trained])[:6], rtol=1e-5)
    assert found.features is not None and len(set(found.features.indices.tolist())) == 6
    assert (real[found.features.indices] == found.features.samples).all()
    encoder, device = _result(opened._filled.reference.encoder()), opened.model.device
    told, _ = encode(encoder, pictures(real[trained], device))
    own, _ = encode(encoder, pictures(found.sample[None], device))
    apart = np.sort(np.sqrt(np.square(told - own).mean(1)))
    assert np.allclose(found.features.distances, apart[:6], rtol=1e-4)
    assert 0 < found.typical_features < np.median(np.sqrt(np.square(told - told[0]).mean(1)))
    assert np.array_equal(found.latent, opened.model.fixed[0][3]) and found.label_name == "3"


def test_a_real_picture_would_be_its_own_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from genstudio.families.gan.model import GANModel

    real = shelf.open_dataset(shelf.find_dataset("digits8")).pixels

    def copied(self: Any, latents: Any, labels: Any, variant: str = "") -> Any:
        return self.inside(np.repeat(real[40:41], len(latents), 0))

    monkeypatch.setattr(GANModel, "made", copied)
    found, _ = looked(tmp_path, "digits8", 0, latent=8)
    assert found.plain.distances[0] == 0 and found.plain.indices[0] == 40
    assert found.features is not None and found.features.indices[0] == 40
    assert found.features.distances[0] == pytest.approx(0, abs=1e-5)
    assert found.typical > 10
    assert torch.is_grad_enabled()


def test_a_sample_is_saved_as_it_is(tmp_path: Path) -> None:
    found, _ = looked(tmp_path, "digits8", 3, latent=8, conditional=True)
    run_task(SaveSample(found, str(tmp_path / "sample.png")))
    with Image.open(tmp_path / "sample.png") as saved:
        assert np.array_equal(np.asarray(saved), found.sample[:, :, 0])
    run_task(SaveSample(found, str(tmp_path / "sample.npz")))
    with np.load(tmp_path / "sample.npz") as arrays:
        assert np.array_equal(arrays["pixels"][0], found.sample) and np.array_equal(arrays["latents"][0], found.latent)
        assert arrays["labels"].tolist() == [3] and arrays["scores"][0] == found.score
    with pytest.raises(DataError, match="no known file type"):
        run_task(SaveSample(found, str(tmp_path / "sample.txt")))


def test_points_are_told_in_the_units_of_the_dataset(tmp_path: Path) -> None:
    found, opened = looked(tmp_path, "gaussian-ring", 7)
    points = shelf.open_dataset(shelf.find_dataset("gaussian-ring")).points
    made = opened.model.outside(opened.model.made(opened.model.fixed[0][7:8], None))[0]
    assert np.allclose(found.sample, made) and found.features is None
    assert found.plain.distances[0] == pytest.approx(np.linalg.norm(points - made, axis=1).min(), rel=1e-4)
    assert np.abs(points - found.plain.samples[0]).max(1).min() < 1e-5


def test_what_has_no_samples_is_refused(tmp_path: Path) -> None:
    run = answer(run_task(Train("gpt", str(text_file(tmp_path)), TINY, steps=3, runs_folder=tmp_path)), "run")
    with pytest.raises(RunError, match="cannot generate samples; it can read text, write text"):
        run_task(InspectSample(ModelRef(run), 0))
