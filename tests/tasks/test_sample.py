"""Samples of a trained GAN, what is measured of it, and its nearest training pictures; by task and by command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.cli import main
from genstudio.data import shelf
from genstudio.data.split import SplitSettings, split_items
from genstudio.data.work import finished
from genstudio.errors import DataError, RunError
from genstudio.families.abilities import Samples
from genstudio.runs import Run
from genstudio.tasks.evaluate import Evaluate
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.sample import Sample
from genstudio.tasks.train import Train
from helpers import TINY, answer, result, run_task, text_file

POINTS = {"width": 8, "layers": 2, "batch": 8, "evaluate_every": 1000}
DIGITS = POINTS | {"conditional": True, "network": "mlp"}


def trained(folder: Path, data: str = "gaussian-ring", **values: Any) -> str:
    task = Train("gan", data, (DIGITS if data == "digits8" else POINTS) | values, steps=3, runs_folder=folder)
    return str(answer(run_task(task), "run"))


def test_samples_depend_on_seed_and_class_and_latents_come_back(tmp_path: Path) -> None:
    ref = ModelRef(trained(tmp_path, "digits8"))
    one, again = (result(Sample(ref, 20, 5)) for _ in range(2))
    assert one.pixels.shape == (20, 8, 8, 1) and np.array_equal(one.pixels, again.pixels)
    assert one.labels.tolist() == [*range(10)] * 2 and len(one.scores) == 20
    asked = result(Sample(ref, label=3, latents=one.latents))
    assert (asked.labels == 3).all() and np.array_equal(asked.pixels[3], one.pixels[3])
    assert not np.array_equal(asked.pixels[4], one.pixels[4])
    for wrong in (Sample(ref, 0), Sample(ref, label=10), Sample(ref, latents=np.zeros((2, 9)))):
        with pytest.raises(DataError):
            run_task(wrong)


def test_nearest_pictures_find_a_training_picture_itself(tmp_path: Path) -> None:
    ref = ModelRef(trained(tmp_path, "digits8"))
    real = shelf.open_dataset(shelf.find_dataset("digits8"))
    train, _ = split_items(len(real.pixels), SplitSettings("random", 0.1))
    reading: Any = Models().open(ref, Samples).with_data(Run.open(ref.run))
    model = finished(reading)
    by = finished(model.reference.neighbours(real.pixels[train[7]], 4))
    assert set(by) == {"nearest_pixels", "nearest_features"}
    for chosen, apart in by.values():
        assert np.array_equal(model.data.real[chosen[0]], real.pixels[train[7]])
        assert apart[0] == pytest.approx(0, abs=1e-4) and (np.diff(apart) >= 0).all()


def test_a_gan_of_points_is_measured_and_a_model_that_writes_makes_no_samples(tmp_path: Path) -> None:
    scores = result(Evaluate(ModelRef(trained(tmp_path))))
    assert {"modes", "high_quality", "reverse_kl", "js_divergence", "step"} <= set(scores)
    task = Train("gpt", str(text_file(tmp_path)), TINY, steps=2, runs_folder=tmp_path)
    with pytest.raises(RunError, match="cannot generate samples; it can read text, write text"):
        run_task(Sample(ModelRef(str(answer(run_task(task), "run")))))


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--set", *(f"{name}={value}" for name, value in DIGITS.items()), "--quiet", "--runs", str(tmp_path)]
    assert main(["train", "gan", "--data", "digits8", "--steps", "2", *small]) == 0
    run = capsys.readouterr().out.strip()
    arrays, folder = tmp_path / "made.npz", tmp_path / "made"
    assert main(["sample", run, "--count", "12", "--seed", "3", "--class", "7", "--out", str(arrays)]) == 0
    with np.load(arrays) as found:
        assert found["pixels"].shape == (12, 8, 8, 1) and (found["labels"] == 7).all()
    assert main(["sample", run, "--count", "3", "--out", str(folder)]) == 0
    assert sorted(p.name for p in folder.iterdir()) == [f"0000{i}_class{i}.png" for i in range(3)]
    capsys.readouterr()
    assert main(["evaluate", run, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {"frechet_distance", "frechet_distance_floor", "kernel_distance", "density", "coverage", "agreement"} <= set(said)
    assert {"kernel_distance_floor", "density_floor", "coverage_floor", "agreement_real"} <= set(said)
    assert main(["evaluate", run]) == 0
    first = capsys.readouterr().out.splitlines()[0].split()
    found, floor = (f"{said[name]:.4f}" for name in ("frechet_distance", "frechet_distance_floor"))
    assert first == ["frechet", "distance", found, "real:", floor]


WRONG: list[tuple[str, str]] = [
    ("sample {digits} --out {tmp}", "already exists"),
    ("sample {digits} --out {tmp}/a.png", "cannot be written as .png"),
    ("sample {digits} --out {tmp}/none/a.npz", "does not exist"),
    ("sample {digits} --count 0 --out {tmp}/a.npz", "Ask for 1 to 1,000,000"),
    ("sample {digits} --class x --out {tmp}/a.npz", "Available: 0, 1, 2"),
    ("sample {digits} --class 10 --out {tmp}/a.npz", "Choose 0 to 9"),
    ("sample {digits} --checkpoint 17 --out {tmp}/a.npz", "Available: 3"),
    ("sample {ring} --out {tmp}/new", "Points are not pictures"),
    ("sample {ring} --class 1 --out {tmp}/a.npz", "not conditional"),
    ("sample {tmp}/none --out {tmp}/a.npz", "There is no run"),
    ("evaluate {ring} --data names", "the data it was trained on"),
    ("evaluate {ring} --precision int8", "Choose float32"),
    ("timeline {ring} --channel fixed --out {tmp}/a.gif", "on 'fixed'. Available: plane"),
    ("timeline {ring} --out {tmp}/a.doc", "Use a name that ends in .gif, .mp4 or .png"),
    ("timeline {ring} --out {tmp}/none/a.gif", "does not exist"),
    ("timeline {ring} --frames 0 --out {tmp}/a.gif", "0 is not a valid number of frames"),
    ("timeline {ring} --rate nan --out {tmp}/a.gif", "nan is not a valid frame rate"),
    ("timeline {text} --out {tmp}/a.gif --channel fixed", "Available: sample, attention, layers"),
]


def test_what_a_person_can_get_wrong_is_a_sentence_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs of points, pictures and text, and every command that uses a generator with something wrong."""
    runs = tmp_path / "runs"
    text = answer(run_task(Train("gpt", str(text_file(tmp_path)), TINY, steps=2, runs_folder=runs)), "run")
    named = {"ring": trained(runs), "digits": trained(runs, "digits8"), "text": str(text), "tmp": str(tmp_path)}
    before = sorted(tmp_path.iterdir())
    for command, words in WRONG:
        capsys.readouterr()
        assert main([part.format(**named) for part in command.split()]) == 2, command
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert said.startswith("genstudio: ") and words in said, (command, said)
    assert sorted(tmp_path.iterdir()) == before
