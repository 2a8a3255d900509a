"""Gaussians against independent closed forms, and against twins that are broken on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from latents import learner, measured, pictures, points, train
from safetensors.torch import load
from torch.distributions import MultivariateNormal

from genstudio import families
from genstudio.errors import DataError
from genstudio.evaluation.subspaces import principal, principal_angles
from genstudio.events import Series
from genstudio.families.gaussian.doctor import doctor
from genstudio.families.gaussian.model import GaussianModel
from genstudio.snapshots.samples import Pictures, Plane

RIDGE = 0.01


def covariance(kind: str, rank: int, samples: np.ndarray) -> np.ndarray:
    """What the closed forms say, by way of an SVD of the samples."""
    centred = samples - samples.mean(0)
    numbers = samples.shape[1]
    if kind == "diagonal":
        return np.diag(centred.var(0) + RIDGE)
    _, strengths, rows = np.linalg.svd(centred / np.sqrt(len(centred)), full_matrices=True)
    values = np.zeros(numbers)
    values[: len(strengths)] = strengths**2
    if kind == "low_rank":
        values[rank:] = values[rank:].mean()
    return rows.T @ np.diag(values + RIDGE) @ rows


def reference(model: GaussianModel, samples: torch.Tensor, labels: np.ndarray | None) -> np.ndarray:
    """log p(x) of samples (n, D) in the model's units, by torch's multivariate normal."""
    config, data = model.config, model.data
    fitted = model.form.stored(data.train).flatten(1).numpy()
    classes = [np.ones(len(fitted), bool)] if labels is None else [labels[data.train] == k for k in range(2)]
    found = []
    for mine in classes:
        own = fitted[mine]
        normal = MultivariateNormal(
            torch.from_numpy(own.mean(0)), torch.from_numpy(covariance(config.covariance, config.rank, own))
        )
        found.append(normal.log_prob(samples) + float(np.log(mine.mean())))
    return torch.stack(found).logsumexp(0).numpy()


@pytest.mark.parametrize("kind", ["diagonal", "full", "low_rank"])
@pytest.mark.parametrize("data", [points, pictures], ids=["points", "pictures"])
def test_the_log_likelihood_is_that_of_an_independent_formula(kind: str, data: Callable[[], Any]) -> None:
    fitted = learner("gaussian", data(), covariance=kind, rank=1 if data is points else 5, ridge=RIDGE)
    train(fitted, 1)
    model = fitted.model
    held = model.form.stored(model.data.held).flatten(1)
    wanted = reference(model, held, model.data.labels) - (2 * np.log(model.data.scale) if data is points else 0)
    found = measured(model)
    assert found["log_likelihood_nats"] == pytest.approx(wanted.mean(), abs=1e-6) == -found["val_loss"]
    seen = data().points if data is points else data().pixels
    assert model.judge(seen[model.data.held], None) == pytest.approx(wanted, abs=1e-5)
    model.gaussians.rest *= 1.1
    model.gaussians.variances[:, 0] *= 1.1
    assert measured(model)["log_likelihood_nats"] != pytest.approx(wanted.mean(), abs=1e-3)


def test_points_are_judged_in_the_units_of_the_dataset() -> None:
    """Their density is that of the dataset's own mean and covariance, not of standardised numbers."""
    fitted, raw = learner("gaussian", points(), ridge=0.0), points().points.astype(np.float64)
    train(fitted, 1)
    own = raw[fitted.model.data.train]
    normal = MultivariateNormal(torch.from_numpy(own.mean(0)), torch.from_numpy(np.cov(own.T, bias=True)))
    wanted = normal.log_prob(torch.from_numpy(raw)).numpy()
    assert fitted.model.judge(raw.astype(np.float32), None) == pytest.approx(wanted, abs=1e-4)
    fitted.model.form.nats = 0.0
    assert fitted.model.judge(raw.astype(np.float32), None) != pytest.approx(wanted, abs=1e-2)


@pytest.mark.parametrize("kind", ["diagonal", "full", "low_rank"])
def test_samples_have_the_mean_and_covariance_that_were_fitted(kind: str) -> None:
    fitted = learner("gaussian", points(), covariance=kind, rank=1, ridge=RIDGE)
    train(fitted, 1)
    model, count = fitted.model, 40_000
    own = model.form.stored(model.data.train).numpy()
    (made,) = model.sample(model.noise(count, 3), None, "model")
    drawn = model.data.inside(made.samples).astype(np.float64)
    wanted = covariance(kind, 1, own)
    error = 5 * np.sqrt(np.outer(np.diag(wanted), np.diag(wanted)) * 2 / count)
    assert (np.abs(np.cov(drawn.T) - wanted) < error).all()
    assert np.abs(drawn.mean(0) - own.mean(0)).max() < 5 * np.sqrt(wanted.max() / count)
    if kind == "low_rank":
        (flat,) = model.sample(model.noise(200, 3), None, "mean")
        assert np.linalg.matrix_rank(flat.samples - flat.samples.mean(0), tol=1e-3) == 1


def test_the_rule_of_bayes_tells_classes_apart_and_shuffled_labels_tell_nothing() -> None:
    right, wrong = pictures(200), pictures(200)
    object.__setattr__(wrong, "labels", np.random.default_rng(0).permutation(wrong.labels))
    told = []
    for data in (right, wrong):
        fitted = learner("gaussian", data, covariance="diagonal", ridge=RIDGE)
        train(fitted, 1)
        told.append(measured(fitted.model)["accuracy"])
    assert told[0] == 1.0 and told[1] < 0.8


def test_its_pictures_are_what_was_fitted() -> None:
    fitted = learner("gaussian", pictures(), covariance="low_rank", rank=3, ridge=RIDGE)
    train(fitted, 1)
    shown = {snapshot.channel: snapshot for snapshot in fitted.preview()}
    assert set(shown) == {"samples", "means", "directions", "decisions"}
    assert all(isinstance(snapshot, Pictures) for snapshot in shown.values())
    data = fitted.model.data
    mean = data.real[data.train][data.labels[data.train] == 1].mean(0)
    assert np.abs(shown["means"].pixels[1] - mean).max() <= 0.51
    middle = (shown["directions"].pixels[0].astype(float) + shown["directions"].pixels[2]) / 2
    assert np.abs(middle - shown["means"].pixels[0].astype(float)).max() <= 1.5
    (plane,) = learner("gaussian", points()).preview()
    assert isinstance(plane, Plane) and plane.mesh is not None


def test_the_doctor_sees_more_directions_than_samples_and_nothing_in_a_sound_fit() -> None:
    told = []
    for values in ({"examples": 40, "ridge": 1e-6}, {"covariance": "low_rank", "rank": 2, "ridge": RIDGE}):
        fitted, watching = learner("gaussian", pictures(400), **values), doctor()
        series = {}
        for step in (0, 1):
            numbers = measured(fitted.model) if not step else train(fitted, 1) | measured(fitted.model)
            at = np.array([step], np.int64)
            series = {name: Series(at, np.array([value])) for name, value in numbers.items()}
            found = watching.see(series, (), fitted.model.config.model_dump())
        told.append([diagnosis.name for diagnosis in found])
    assert told == [["overfitting"], []]


def test_principal_directions_and_angles() -> None:
    random = torch.Generator().manual_seed(0)
    samples = torch.randn(50, 6, generator=random, dtype=torch.float64) * torch.tensor([5, 4, 3, 2, 1, 0.1])
    centred = samples - samples.mean(0)
    values, found = principal(centred, 3)
    _, strengths, rows = torch.linalg.svd(centred, full_matrices=False)
    assert torch.allclose(values, strengths[:3] ** 2 / 50) and torch.allclose((found @ rows[:3].T).abs(), torch.eye(3).double())
    assert principal_angles(found, found.flip(0)).max() < 1e-6
    turned = torch.stack([found[0], found[1], found[2] * np.cos(0.01) + rows[4] * np.sin(0.01)])
    assert principal_angles(found, turned)[-1].item() == pytest.approx(np.degrees(0.01), abs=1e-9)
    assert principal_angles(found[:1], rows[4:5]).item() == pytest.approx(90, abs=1e-6)


def test_exported_weights_are_those_of_the_model_and_say_what_they_are_for() -> None:
    fitted = learner("gaussian", points(), ridge=RIDGE)
    train(fitted, 1)
    files = families.get("gaussian").export(fitted.model, "safetensors", 1)  # type: ignore[misc]
    said, weights = json.loads(files["config.json"]), load(files["model.safetensors"])
    assert said["config"]["ridge"] == RIDGE and said["data"]["scale"] == fitted.model.data.scale
    assert torch.equal(weights["gaussians.mean"], fitted.model.gaussians.mean)
    with pytest.raises(DataError, match="safetensors"):
        families.get("gaussian").export(fitted.model, "hf", 1)  # type: ignore[misc]
