"""Autoencoders against PCA, and against a twin that is broken on purpose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from latents import learner, measured, pictures, points, spread, train

from genstudio.data import shelf
from genstudio.events import Series
from genstudio.families.autoencoder.doctor import doctor
from genstudio.snapshots.samples import Codes, Pictures, Plane

LINEAR = {"network": "linear", "batch": 512, "learning_rate": 0.02, "hold": 0.2}
TINY = {"width": 16, "layers": 1, "batch": 16, "code": 3}


@pytest.fixture(scope="module")
def small() -> Any:
    trained = learner("autoencoder", pictures(), **TINY)
    train(trained, 150)
    return trained


def against_pca(trained: Any) -> tuple[float, float]:
    """The largest principal angle in degrees, and the error on what was trained on over that of PCA."""
    model = trained.model
    flat = model.form.stored(model.data.train).flatten(1).double()
    best = float((model.pca().copy(flat) - flat).square().mean())
    return measured(model)["principal_angle_degrees"], model._error(model.data.train) / best


@pytest.mark.thorough
def test_a_linear_one_finds_the_plane_of_pca_and_one_whose_encoder_stands_still_does_not() -> None:
    whole = learner("autoencoder", spread(), code=2, **LINEAR)
    train(whole, 500)
    angle, error = against_pca(whole)
    assert angle < 1 and error < 1.01
    half = learner("autoencoder", spread(), code=2, **LINEAR)
    half.model.encoder.requires_grad_(False)
    train(half, 500)
    angle, error = against_pca(half)
    assert angle > 5 and error > 1.05


@pytest.mark.thorough
def test_with_l2_its_singular_vectors_are_principal_axes() -> None:
    trained = learner("autoencoder", spread(), code=2, l2=0.02, **LINEAR)
    train(trained, 900)
    assert measured(trained.model)["axis_cosine"] > 0.999
    assert measured(trained.model)["principal_angle_degrees"] < 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("code", [2, 8, 16])
def test_digits_linear(code: int, seed: int) -> None:
    digits: Any = shelf.open_dataset(shelf.find_dataset("digits8"))
    plain = learner("autoencoder", digits, seed, **LINEAR | {"code": code, "batch": 2048, "learning_rate": 0.01})
    train(plain, 1500)
    angle, error = against_pca(plain)
    assert angle < 1 and error < 1.001
    axes = learner("autoencoder", digits, seed, **LINEAR | {"code": code, "batch": 2048, "learning_rate": 0.01, "l2": 0.02})
    train(axes, 3000)
    assert measured(axes.model)["axis_cosine"] > 0.999


def test_latents_are_codes_in_other_coordinates(small: Any) -> None:
    model, seen = small.model, pictures().pixels[:20]
    latents = model.encode(seen)
    (made,) = model.sample(latents, None, "model")
    assert np.abs(made.samples.astype(int) - model.reconstruct(seen).astype(int)).max() <= 1
    spread = model.encode(pictures().pixels)
    assert np.abs(spread.mean(0)).max() < 0.3 and np.abs(spread.std(0) - 1).max() < 0.3
    assert np.abs(np.corrcoef(spread.T) - np.eye(3)).max() < 0.3


def test_noise_is_on_what_is_seen_and_not_on_what_is_to_be_made() -> None:
    trained = learner("autoencoder", pictures(), noise=5.0, **TINY)
    x, _ = trained.batch(1)
    torch.manual_seed(0)
    _, values = trained.model.loss(x, None, 1)
    torch.manual_seed(0)
    noise = 5 * torch.randn_like(x)
    with torch.no_grad():
        right, unblurred, other = (
            float((trained.model.copy(seen) - wanted).square().mean())
            for seen, wanted in ((x + noise, x), (x, x), (x + noise, x + noise))
        )
    assert float(values["train_loss"]) == pytest.approx(right)
    assert all(float(values["train_loss"]) != pytest.approx(wrong, rel=1e-3) for wrong in (unblurred, other))


def test_what_is_seen_while_it_learns(small: Any) -> None:
    shown = {snapshot.channel: snapshot for snapshot in small.preview()}
    assert set(shown) == {"codes", "real", "reconstructions", "errors", "pca", "samples"}
    codes = shown["codes"]
    assert isinstance(codes, Codes) and codes.size == 3 and len(codes.points) == len(codes.labels)
    real, copies, errors = (shown[name].pixels.astype(int) for name in ("real", "reconstructions", "errors"))
    assert np.abs(np.abs(copies - real) - errors).max() <= 1
    mine, pca = shown["reconstructions"], shown["pca"]
    assert isinstance(mine, Pictures) and isinstance(pca, Pictures) and mine.scores is not None and pca.scores is not None
    assert mine.scores == pytest.approx(np.square((copies - real) / 255).mean((1, 2, 3)), abs=1e-3)
    flat = learner("autoencoder", points(), code=2, **{k: v for k, v in TINY.items() if k != "code"})
    plane = next(s for s in flat.preview() if isinstance(s, Plane))
    assert plane.mesh is not None and plane.arrows == pytest.approx((plane.real - plane.fake)[:200], abs=1e-5)


@pytest.mark.parametrize("values", [{"network": "conv", "channels": 4}, {"network": "linear"}])
def test_every_network_reads_and_makes_pictures(values: dict[str, Any]) -> None:
    trained = learner("autoencoder", pictures(), **TINY | values)
    before = measured(trained.model)["val_loss"]
    train(trained, 40)
    assert measured(trained.model)["val_loss"] < before
    assert trained.model.reconstruct(pictures().pixels[:3]).shape == (3, 8, 8, 1)


def seen_by(watching: Any, numbers: dict[int, dict[str, float]], settings: dict[str, Any]) -> set[str]:
    """The diagnoses of these numbers by step."""
    told = set()
    for step, values in numbers.items():
        at = np.array([step], np.int64)
        series = {name: Series(at, np.array([value])) for name, value in values.items()}
        told |= {found.name for found in watching.see(series, (), settings)}
    return told


def test_the_doctor_sees_memorisation() -> None:
    told = []
    for values in ({"examples": 6, "width": 64, "batch": 8, "learning_rate": 5e-3}, {}):
        trained = learner("autoencoder", pictures(), **TINY | values)
        trained_on = {}
        for step in range(100, 401, 100):
            train(trained, 100)
            trained_on[step] = measured(trained.model)
        told.append(seen_by(doctor(), trained_on, trained.model.config.model_dump()))
    assert "memorising" in told[0] and not told[1]


def test_the_doctor_sees_a_mean_and_steps_that_are_too_large() -> None:
    idle = learner("autoencoder", pictures(), learning_rate=1e-7, **TINY)
    assert seen_by(doctor(), {400: measured(idle.model)}, {}) == {"plateau"}
    rising = {step: {"train_loss": 1.0 if step < 150 else 5.0 if step > 250 else 0.1} for step in range(1, 400)}
    assert "diverged" in seen_by(doctor(), rising, {"learning_rate": 0.1})
    worse = {step: {"val_loss": loss} for step, loss in enumerate((1.0, 0.2, 0.3, 0.4, 0.5), 1)}
    assert seen_by(doctor(), {100 * step: values for step, values in worse.items()}, {}) == {"overfitting"}
