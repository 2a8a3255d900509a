"""Noise to samples and back as tasks: stages in order, the same noise for every way, clear refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genstudio.cli import main
from genstudio.errors import DataError, RunError
from genstudio.events import Series
from genstudio.families.diffusion.doctor import EXTREME, LAG, doctor
from genstudio.runs import Run
from genstudio.snapshots.samples import Pictures
from genstudio.tasks.denoise import NoiseAndBack, SampleWays, WalkFromNoise, WalkToNoise
from genstudio.tasks.latent import FindSpace, FindWays
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.sample import Sample
from genstudio.tasks.train import Train
from helpers import result

POINTS = {"width": 16, "layers": 1, "batch": 32, "noise_steps": 50, "sampling_steps": 4}
PICTURES = {"network": "unet", "channels": 8, "batch": 16, "sampling_steps": 4, "conditional": True, "objective": "v"}


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    return ModelRef(result(Train("diffusion", "moons", POINTS, steps=3, runs_folder=tmp_path_factory.mktemp("runs"))))


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    return ModelRef(result(Train("diffusion", "digits8", PICTURES, steps=3, runs_folder=tmp_path_factory.mktemp("runs"))))


def test_the_real_pictures_belong_to_the_run_though_no_preview_shows_them_again(digits: ModelRef) -> None:
    run = Run.open(digits.run)
    assert run.snapshot_steps("real") == [0]
    shown = run.load_snapshot("real", 0)
    assert isinstance(shown, Pictures) and len(shown.pixels) == 64


def test_a_walk_goes_from_noise_to_the_samples_that_the_sampler_makes(points: ModelRef) -> None:
    walk = result(WalkFromNoise(points, 20, seed=1, sampler={"sampler": "heun", "steps": 5}))
    assert walk.noisy.shape == walk.noise.shape == walk.clean.shape == (6, 20, 2) and walk.turn == 0
    assert (np.diff(walk.levels) < 0).all() and walk.levels[-1] == 0 and walk.extent is not None
    made = result(Sample(points, 20, 1, sampler={"sampler": "heun", "steps": 5}))
    assert np.array_equal(walk.noisy[-1], made.samples)
    there = result(WalkToNoise(points, 20, seed=1))
    assert (np.diff(there.levels) > 0).all() and there.turn == len(there.levels) == 21
    assert np.abs(there.noisy[0] - there.clean[0]).max() == 0 and np.abs(there.noisy[-1] - walk.noisy[0]).max() < 0.1


def test_a_picture_of_ones_own_gets_noise_and_loses_it_again(digits: ModelRef, tmp_path: Path) -> None:
    path = tmp_path / "own.png"
    Image.fromarray(np.full((20, 30), 200, np.uint8)).save(path)
    walk = result(NoiseAndBack(digits, 3, label=2, path=str(path), share=0.5))
    assert walk.noisy.shape[1:] == (3, 8, 8, 1) and (walk.noisy[0] == 200).all() and walk.turn == 5
    assert (np.diff(walk.levels[:6]) > 0).all() and (np.diff(walk.levels[5:]) < 0).all() and walk.levels[-1] == 0
    assert (walk.noisy[-1][0] != walk.noisy[-1][1]).any(), "each way is from other noise"
    for wrong in (0.0, 1.5):
        with pytest.raises(DataError):
            result(NoiseAndBack(digits, 4, path=str(path), share=wrong))


def test_ways_stand_side_by_side_from_the_same_noise(digits: ModelRef) -> None:
    ways = tuple({"sampler": name, "steps": 3} for name in ("ddim", "heun", "ddpm"))
    made = result(SampleWays(digits, 4, 7, 1, ways=ways))
    assert made.samples.shape == (3, 4, 8, 8, 1) and len(made.seconds) == 3 and made.labels.tolist() == [1] * 4
    assert np.array_equal(made.samples[0], result(Sample(digits, 4, 7, 1, sampler=ways[0])).samples)
    found = result(FindWays(digits))
    assert found.sampler.steps == 4 and found.classes == tuple("0123456789") and found.extent is None


def test_real_samples_of_a_class_are_noised_and_one_that_is_missing_is_refused(digits: ModelRef) -> None:
    walk = result(WalkToNoise(digits, 5, label=3))
    assert walk.labels is not None and walk.labels.tolist() == [3] * 5
    with pytest.raises(DataError, match="class"):
        result(WalkToNoise(digits, 5, label=11))


def test_sampling_in_several_ways_shows_its_progress_and_can_be_stopped(digits: ModelRef, monkeypatch: Any) -> None:
    monkeypatch.setattr("genstudio.tasks.sample.SLICE", 0.0)
    monkeypatch.setattr("genstudio.tasks.denoise.SLICE", 0.0)
    job = SampleWays(digits, 4, ways=({"steps": 4}, {"steps": 8})).run(Models())
    shown = [frame.progress for frame in job if frame.progress is not None]
    done = [progress.done for progress in shown]
    assert len(done) > 12 and done == sorted(done) and done[-1] == 1 and "2 of 2" in shown[-1].text
    walk = WalkFromNoise(digits, 4, sampler={"steps": 50}).run(Models())
    assert next(walk).progress is not None
    walk.close()
    assert next(walk, None) is None


def test_noise_of_a_random_sampler_is_explored_with_one_that_is_not(tmp_path: Path, points: ModelRef) -> None:
    values = POINTS | {"sampler": "ddpm", "objective": "v"}
    random = ModelRef(result(Train("diffusion", "moons", values, steps=1, runs_folder=tmp_path)))
    assert result(FindSpace(random)).sampler == {"sampler": "ddim", "eta": 0.0} and not result(FindSpace(points)).sampler
    near = np.zeros((2, 2), np.float32)
    near[1] = 1e-3
    one, other = result(Sample(random, latents=near, sampler={"sampler": "ddim", "eta": 0.0})).samples
    assert np.abs(one - other).max() < 0.1


def test_the_command_samples_as_it_is_asked_and_refuses_what_cannot_be(
    points: ModelRef, digits: ModelRef, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "a.npz"
    run = ["sample", digits.run, "--count", "2", "--sampler", "ddim", "--steps", "3", "--eta", "0.5", "--guidance", "2"]
    assert main([*run, "--class", "3", "--seed", "4", "--out", str(out)]) == 0
    with np.load(out) as made:
        assert made["pixels"].shape == (2, 8, 8, 1) and made["labels"].tolist() == [3, 3]
    wrong = (["--class", "12"], ["--steps", "0"], ["--eta", "2"])
    for options in wrong:
        assert main([*run, *options, "--out", str(tmp_path / "b.npz")]) == 2
    assert main(["sample", points.run, "--class", "1", "--out", str(tmp_path / "b.npz")]) == 2
    assert "not conditional" in capsys.readouterr().err


def test_a_sampler_is_no_use_to_a_model_that_removes_no_noise(tmp_path: Path) -> None:
    run = result(Train("gaussian", "moons", {}, steps=1, runs_folder=tmp_path))
    with pytest.raises(RunError, match="step by step"):
        result(Sample(ModelRef(run), 2, sampler={"steps": 3}))


def seen(values: dict[str, float], settings: dict[str, Any], step: int = 400) -> set[str]:
    """What the doctor finds in numbers made for it."""
    at = np.array([step], np.int64)
    watching = doctor()
    pictures = [
        Pictures(channel, step, np.full((10, 8, 8, 1), 255 if values[channel] else 128, np.uint8))
        for channel in ("real", "samples")
    ]
    found: list[Any] = []
    for _ in range(3):
        numbers = {name: Series(at, np.array([value])) for name, value in values.items() if "loss" in name}
        found += watching.see(numbers, pictures, settings)
    return {one.name for one in found}


def test_the_doctor_sees_a_lagging_average_strong_guidance_and_a_loss_at_the_variance() -> None:
    fine = {"val_loss": 0.3, "raw_loss": 0.29, "simple_loss": 1.0, "known_loss": 0.3, "real": 0.0, "samples": 0.0}
    settings = {"ema": 0.9999, "guidance": 6.0}
    assert not seen(fine, settings)
    assert seen(fine | {"val_loss": 0.3 * LAG}, settings) == {"slow_average"}
    assert EXTREME < 1 and seen(fine | {"samples": 1.0}, settings) == {"strong_guidance"}
    assert not seen(fine | {"samples": 1.0}, settings | {"guidance": 1.0})
    assert "plateau" in seen(fine | {"val_loss": 1.0, "raw_loss": 1.0, "known_loss": 1.0}, settings)
