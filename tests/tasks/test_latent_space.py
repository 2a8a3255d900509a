"""The latent explorer's numbers against an independent forward pass, and its directions against a plain PCA."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from genstudio.errors import DataError, RunError
from genstudio.runs import Run
from genstudio.tasks.latent import FindSpace
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.sample import Sample
from genstudio.tasks.train import Resume, Train
from helpers import TINY, answer, result, run_task, text_file

SMALL = {"width": 12, "layers": 2, "batch": 16, "evaluate_every": 1000}
RNG = np.random.default_rng(0)



def trained(folder: Path, data: str, **values: object) -> ModelRef:
    task = Train("gan", data, {**SMALL, **values}, steps=8, runs_folder=folder)
    return ModelRef(answer(run_task(task), "run"))


def weights(ref: ModelRef) -> dict[str, np.ndarray]:
    folder = Run.open(ref.run).folder / "checkpoints"
    found: dict[str, np.ndarray] = {}
    for path in sorted(folder.rglob("*.safetensors")):
        found |= load_file(path)
    return found


def by_hand(found: dict[str, np.ndarray], part: str, latents: np.ndarray, label: int | None) -> np.ndarray:
    """The dense generator, layer by layer."""
    x = latents.astype(np.float64)
    if label is not None:
        told = found[f"{part}.embedding.weight"][label].astype(np.float64)
        x = np.concatenate([x, np.repeat(told[None], len(x), 0)], 1)
    layers = sorted({int(name.split(".")[2]) for name in found if name.startswith(f"{part}.body.")})
    for place, layer in enumerate(layers):
        x = x @ found[f"{part}.body.{layer}.weight"].T.astype(np.float64) + found[f"{part}.body.{layer}.bias"]
        x = np.maximum(x, 0) if place < len(layers) - 1 else x
    return x


@pytest.mark.parametrize("raw", [False, True])
def test_a_picture_is_what_the_generator_makes_of_the_latent(tmp_path: Path, raw: bool) -> None:
    ref = trained(tmp_path, "digits8", latent=6, conditional=True)
    latents = RNG.normal(size=(5, 6)).astype(np.float32)
    made = result(Sample(ref, label=3, variant="generator" if raw else "", latents=latents))
    assert made.pixels is not None
    want = np.tanh(by_hand(weights(ref), "generator" if raw else "average", latents, 3)) * 127.5 + 127.5
    assert np.abs(made.pixels.reshape(5, -1) - want).max() <= 0.51
    other = np.tanh(by_hand(weights(ref), "average" if raw else "generator", latents, 3)) * 127.5 + 127.5
    assert np.abs(made.pixels.reshape(5, -1) - other).max() > 0.51


def test_every_class_of_one_latent(tmp_path: Path) -> None:
    ref = trained(tmp_path, "digits8", latent=6, conditional=True)
    one = RNG.normal(size=(1, 6)).astype(np.float32)
    made = result(Sample(ref, latents=np.repeat(one, 10, 0)))
    assert made.pixels is not None and made.labels is not None and made.labels.tolist() == list(range(10))
    for label in range(10):
        want = np.tanh(by_hand(weights(ref), "average", one, label)) * 127.5 + 127.5
        assert np.abs(made.pixels[label].ravel() - want[0]).max() <= 0.51


def test_the_directions_are_those_of_the_first_layer(tmp_path: Path) -> None:
    """Against a PCA of the features themselves, with latents of its own."""
    ref = trained(tmp_path, "digits8", latent=5, conditional=True)
    space = result(FindSpace(ref))
    assert space.size == 5 and space.kind == "normal" and len(space.classes) == 10 and space.extent is None
    first = weights(ref)["average.body.0.weight"][:, :5].astype(np.float64)
    features = np.random.default_rng(9).normal(size=(20_000, 5)) @ first.T
    _, strengths, axes = np.linalg.svd(features - features.mean(0), full_matrices=False)
    assert space.shares == pytest.approx((strengths**2 / (strengths**2).sum())[:5], abs=0.03)
    moved = first @ space.directions[0]
    assert abs(moved / np.linalg.norm(moved) @ axes[0]) > 0.97
    moves = np.linalg.norm(first @ space.directions.T.astype(np.float64), axis=0)
    assert moves[0] == max(moves)


def test_the_space_of_points_knows_where_they_lie(tmp_path: Path) -> None:
    ref = trained(tmp_path, "gaussian-ring", latent=2, latent_kind="uniform")
    space = result(FindSpace(ref, "generator"))
    assert space.kind == "uniform" and space.reach == 1.0 and space.classes == ()
    assert space.extent is not None and space.extent[0] < 0 < space.extent[1]
    assert space.directions @ space.directions.T == pytest.approx(np.eye(2), abs=0.3)


def test_a_saved_step_is_another_model(tmp_path: Path) -> None:
    ref = trained(tmp_path, "gaussian-ring")
    models = Models()
    latents = RNG.normal(size=(4, 2)).astype(np.float32)
    run_task(Resume(ref.run, steps=12))
    first = result(Sample(ModelRef(ref.run, 8), latents=latents), models)
    last = result(Sample(ref, latents=latents), models)
    assert np.abs(first.points - last.points).max() > 1e-4


@pytest.mark.parametrize("latents", [np.zeros((2, 3)), np.zeros(2), np.full((1, 2), np.nan), np.zeros((0, 2))])
def test_latents_of_another_shape_are_refused(tmp_path: Path, latents: np.ndarray) -> None:
    ref = trained(tmp_path, "gaussian-ring")
    with pytest.raises(DataError, match="latents"):
        run_task(Sample(ref, latents=latents))


def test_a_model_that_writes_has_no_noise(tmp_path: Path) -> None:
    task = Train("gpt", str(text_file(tmp_path)), TINY, steps=1, runs_folder=tmp_path)
    with pytest.raises(RunError, match="cannot generate samples; it can read text"):
        run_task(FindSpace(ModelRef(answer(run_task(task), "run"))))
