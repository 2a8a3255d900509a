"""A picture of one's own through a model that encodes and makes it again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genstudio.errors import DataError, GenstudioError
from genstudio.families.abilities import Encodes, Reconstructs
from genstudio.tasks.encode import EncodePicture
from genstudio.tasks.latent import FindSpace
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.train import Train
from helpers import result


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("runs")
    return result(Train("vae", "digits8", {"width": 16, "layers": 1, "batch": 16}, steps=3, runs_folder=folder))


def test_a_picture_is_cut_to_size_encoded_and_made_again(run: str, tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 255, (30, 50, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    found = result(EncodePicture(ModelRef(run), str(tmp_path / "photo.png")))
    assert found.sample.shape == found.copy.shape == (8, 8, 1)
    model = Models().open(ModelRef(run), Encodes).model
    assert isinstance(model, Reconstructs)
    assert (found.copy == model.reconstruct(found.sample[None])[0]).all()
    assert found.latent == pytest.approx(model.encode(found.sample[None])[0], abs=1e-6)
    gap = found.sample.astype(float) - found.copy
    assert found.error == pytest.approx(np.sqrt((gap**2).mean())) and found.step == 3
    assert result(FindSpace(ModelRef(run))).copies


def test_what_is_no_picture_or_no_such_model_is_refused(run: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(DataError, match=r"'bad.png' is"):
        result(EncodePicture(ModelRef(run), str(bad)))
    with pytest.raises(DataError, match="cannot be read"):
        result(EncodePicture(ModelRef(run), str(tmp_path / "none.png")))
    gan = result(Train("gan", "gaussian-ring", {"width": 8}, steps=2, runs_folder=tmp_path))
    with pytest.raises(GenstudioError, match="generate samples"):
        result(EncodePicture(ModelRef(gan), str(bad)))
    assert not result(FindSpace(ModelRef(gan))).copies
