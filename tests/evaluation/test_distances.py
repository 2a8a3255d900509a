"""What is measured of a GAN: by definition, and so that a measure that is broken on purpose is caught."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gans import SMALL, learner, pictures, points, same
from numpy.typing import NDArray

from genstudio import paths
from genstudio.data.datasets import ImageDataset
from genstudio.data.learnable.samples import SampleData
from genstudio.data.work import finished
from genstudio.evaluation import distances, features, plane
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.data import prepare
from genstudio.families.gan.learner import GANLearner

Floats = NDArray[np.float64]
Distance = Callable[[Floats, Floats], float]
RNG = np.random.default_rng(0)


def test_the_numbers_of_a_mixture() -> None:
    centres = np.array([[0.0, 0.0], [10.0, 0.0]])
    perfect = centres[RNG.integers(0, 2, 40_000)] + RNG.normal(size=(40_000, 2))
    scores = plane.mixture_scores(perfect, centres, 1.0)
    assert scores["high_quality"] == pytest.approx(plane.CEILING, abs=0.003)
    assert scores["modes"] == 2 and scores["reverse_kl"] < 1e-3 and scores["width_ratio"] == pytest.approx(1, abs=0.03)
    one = plane.mixture_scores(perfect[:500] * 0, centres, 1.0)
    assert one["modes"] == 1 and one["reverse_kl"] == pytest.approx(math.log(2)) and one["least_share"] == 0
    assert one["width_ratio"] == 0 and plane.mixture_scores(perfect + 100, centres, 1.0)["modes"] == 0
    near = plane.divergences(perfect[:5000], perfect[5000:10_000], (-4, 14, -9, 9))
    far = plane.divergences(perfect[:5000], perfect[:5000] + 5, (-4, 14, -9, 9))
    assert near["js_divergence"] < 0.1 < 0.4 < far["js_divergence"] <= math.log(2) + 1e-12
    assert near["kl_divergence"] < far["kl_divergence"]


def test_a_perfect_generator_has_its_ceiling() -> None:
    assert pytest.approx(0.98889, abs=1e-5) == plane.CEILING


def clouds() -> list[tuple[Floats, Floats]]:
    """Pairs of features: of full rank, with fewer samples than numbers, and nearly in one line."""
    rng = np.random.default_rng(1)
    mix = rng.normal(size=(6, 6))
    thin = rng.normal(size=(60, 1)) @ rng.normal(size=(1, 8)) + 1e-3 * rng.normal(size=(60, 8))
    return [
        (rng.normal(size=(50, 6)), rng.normal(size=(40, 6)) @ mix * 1.3 + 0.2),
        (rng.normal(size=(20, 32)), rng.normal(size=(15, 32)) * 0.7 - 0.1),
        (thin, rng.normal(size=(70, 8))),
    ]


def nuclear(one: Floats, other: Floats) -> float:
    """The Frechet distance by another way: with S = A A', tr (S S')^(1/2) is the sum of the singular values of A' B."""
    a, b = ((x - x.mean(0)).T / math.sqrt(len(x) - 1) for x in (one, other))
    gap = ((one.mean(0) - other.mean(0)) ** 2).sum()
    return float(gap + (a**2).sum() + (b**2).sum() - 2 * np.linalg.norm(a.T @ b, "nuc"))


def root(x: Floats) -> Floats:
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False))
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def commuting(one: Floats, other: Floats) -> float:
    """A twin that takes the root of each covariance by itself."""
    gap = ((one.mean(0) - other.mean(0)) ** 2).sum()
    return float(gap + ((root(one) - root(other)) ** 2).sum())


def centred(one: Floats, other: Floats) -> float:
    """A twin that forgets the means."""
    return distances.frechet(one - one.mean(0), other - other.mean(0))


@pytest.mark.parametrize(("found", "right"), [(distances.frechet, True), (commuting, False), (centred, False)])
def test_the_frechet_distance_is_that_of_the_singular_values(found: Distance, right: bool) -> None:
    assert all(found(x, y) == pytest.approx(nuclear(x, y), rel=1e-6) for x, y in clouds()) == right


def test_the_frechet_distance_of_gaussians_is_its_closed_form() -> None:
    drawn = RNG.normal(size=(300, 3))
    white = np.linalg.qr(drawn - drawn.mean(0))[0] * math.sqrt(299)
    s, t, apart = np.array([1.0, 2.0, 0.5]), np.array([0.5, 1.0, 2.0]), np.array([1.0, -2.0, 0.5])
    assert distances.frechet(white * s, white * t + apart) == pytest.approx((apart**2 + (s - t) ** 2).sum(), rel=1e-9)
    for one, _ in clouds():
        assert distances.frechet(one, one) == pytest.approx(0, abs=1e-6)


def cubic(x: Floats, y: Floats) -> float:
    return float((x @ y / len(x) + 1) ** 3)


def pairs(one: Floats, other: Floats) -> float:
    """Binkowski et al. 2018, equation 4, sample by sample."""
    xx = np.mean([cubic(x, y) for i, x in enumerate(one) for j, y in enumerate(one) if i != j])
    yy = np.mean([cubic(x, y) for i, x in enumerate(other) for j, y in enumerate(other) if i != j])
    return float(xx + yy - 2 * np.mean([cubic(x, y) for x in one for y in other]))


def biased(one: Floats, other: Floats) -> float:
    """A twin that compares each sample with itself too."""
    means = [((x @ y.T / one.shape[1] + 1) ** 3).mean() for x, y in ((one, one), (other, other), (one, other))]
    return float(means[0] + means[1] - 2 * means[2])


@pytest.mark.parametrize(("found", "right"), [(distances.kernel_distance, True), (biased, False)])
def test_the_kernel_distance_is_its_definition_and_has_no_bias(found: Distance, right: bool) -> None:
    assert all(found(x, y) == pytest.approx(pairs(x, y), rel=1e-9) for x, y in clouds()) == right
    rng = np.random.default_rng(2)
    alike = [found(rng.normal(size=(30, 4)), rng.normal(size=(30, 4))) for _ in range(200)]
    assert (abs(np.mean(alike)) < 3 * np.std(alike) / math.sqrt(len(alike))) == right


def one_by_one(real: Floats, fake: Floats, k: int = 5, rank: int = 0) -> tuple[float, float]:
    """Naeem et al. 2020, equations 4 and 5; `rank` counts neighbours in a wrong way."""
    inside = np.zeros((len(real), len(fake)), bool)
    for i, x in enumerate(real):
        radius = sorted(np.linalg.norm(x - y) for j, y in enumerate(real) if j != i)[k - 1 + rank]
        inside[i] = [np.linalg.norm(x - y) < radius for y in fake]
    return float(inside.sum() / (k * len(fake))), float(inside.any(1).mean())


def from_the_fakes(real: Floats, fake: Floats) -> tuple[float, float]:
    """A twin that takes the radii from the fakes."""
    return distances.density_and_coverage(fake, real)


def one_less(real: Floats, fake: Floats) -> tuple[float, float]:
    """A twin that takes a sample for its own first neighbour."""
    return one_by_one(real, fake, rank=-1)


@pytest.mark.parametrize(
    ("found", "right"), [(distances.density_and_coverage, True), (from_the_fakes, False), (one_less, False)]
)
def test_density_and_coverage_are_counted_as_by_hand(found: Any, right: bool) -> None:
    assert all(found(x, y) == pytest.approx(one_by_one(x, y)) for x, y in clouds()) == right
    rng = np.random.default_rng(3)
    alike = np.mean([found(rng.normal(size=(80, 3)), rng.normal(size=(80, 3))) for _ in range(20)], 0)
    assert alike[1] > 0.85 or not right
    far, _ = clouds()[0]
    assert distances.density_and_coverage(far, far + 100) == (0, 0)


def test_nearest_are_the_nearest_in_order() -> None:
    one, other = clouds()[0]
    chosen, apart = distances.nearest(other[:3], one, 4)
    for index, sample in enumerate(other[:3]):
        plain = np.linalg.norm(one - sample, axis=1)
        assert chosen[index].tolist() == plain.argsort()[:4].tolist()
        assert apart[index] == pytest.approx(np.sort(plain)[:4])


def test_an_untrained_generator_of_points_is_told_from_the_data_and_the_data_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A measure that compared real samples with real ones would call it perfect."""
    trained = learner(points(2000))

    def told_apart() -> bool:
        values = list(trained.model.evaluate())[-1].values
        return values["js_divergence"] > 0.3 and values["high_quality"] < 0.6

    assert told_apart()
    made = trained.model.made

    def real(latents: Any, labels: Any, variant: str = "average") -> Any:
        return made(latents, labels, variant) if variant == "generator" else torch.from_numpy(data.real[: len(latents)])

    data = trained.model.data
    monkeypatch.setattr(trained.model, "made", real)
    assert not told_apart()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder that is trained for a moment: light above or below is learnt soon."""
    monkeypatch.setattr(features, "_STEPS", 60)


def measured(of: GANLearner) -> Any:
    return list(of.model.evaluate())[-1].values


def of_class(data: SampleData, asked: Any) -> Any:
    """A real picture of each class that is asked for."""
    assert data.labels is not None
    found = [data.train[data.labels[data.train] == label] for label in range(2)]
    chosen = [found[int(label)][index % len(found[int(label)])] for index, label in enumerate(asked)]
    return features.pictures(data.real[chosen], torch.device("cpu"))


def test_fakes_are_told_from_pictures_and_pictures_are_not(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A measure that compared real pictures with real ones would call an untrained generator perfect."""
    trained = learner(pictures(400), conditional=True)

    def told_apart(values: Any) -> bool:
        far = values["frechet_distance"] > 5 * values["frechet_distance_floor"]
        return bool(far and values["kernel_distance"] > 5 * abs(values["kernel_distance_floor"]) and values["coverage"] < 0.2)

    values = measured(trained)
    assert told_apart(values) and values["coverage_floor"] > 0.8 and values["nearest_ratio"] > 1

    made = trained.model.made

    def real(latents: Any, labels: Any, variant: str = "average") -> Any:
        return made(latents, labels, variant) if variant == "generator" else of_class(trained.model.data, labels)

    monkeypatch.setattr(trained.model, "made", real)
    values = measured(trained)
    assert not told_apart(values) and values["nearest_ratio"] == 0 and values["agreement"] > 0.95


@pytest.mark.parametrize("broken", [False, True])
def test_classes_that_come_as_asked_agree_and_shuffled_ones_do_not(
    quick: None, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    trained = learner(pictures(400), conditional=True)
    random, made = np.random.default_rng(4), trained.model.made

    def make(latents: Any, labels: Any, variant: str = "average") -> Any:
        asked = random.permutation(labels) if broken else labels
        return made(latents, labels, variant) if variant == "generator" else of_class(trained.model.data, asked)

    monkeypatch.setattr(trained.model, "made", make)
    values = measured(trained)
    assert values["agreement_real"] > 0.95 and (values["agreement"] > 0.95) != broken


def test_pictures_are_measured_beside_a_floor_with_an_encoder_that_is_kept(quick: None, tmp_path: Path) -> None:
    trained = learner(pictures(400), conditional=True)
    trained.model.reference.cache = tmp_path
    *ticks, last = trained.model.evaluate()
    assert len(ticks) > 10 and not any(tick.values for tick in ticks)
    values = last.values
    for name in ("frechet_distance", "kernel_distance", "density", "coverage"):
        assert f"{name}_floor" in values
    assert values["agreement_real"] == 1.0
    again = learner(pictures(400), conditional=True)
    again.model.reference.cache = tmp_path
    assert len(list(again.model.evaluate())) < len(ticks) and measured(again) == values
    (tmp_path / "encoder.safetensors").write_bytes(b"no encoder")
    third = learner(pictures(400), conditional=True)
    third.model.reference.cache = tmp_path
    assert measured(third) == values


def test_another_run_on_the_same_pictures_takes_the_encoder_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """On others it trains its own: of other labels, or with a class less, or where the one that was kept is damaged."""
    trainings: list[int] = []
    train_one = features._train

    def counted(judge: features.Encoder, data: SampleData, *more: Any) -> Any:
        trainings.append(len(data.real))
        return train_one(judge, data, *more)

    monkeypatch.setattr(features, "_train", counted)
    monkeypatch.setattr(features, "_STEPS", 5)
    dataset = pictures(100)

    def of(given: ImageDataset) -> dict[str, torch.Tensor]:
        data = finished(prepare(GANConfig.parse(SMALL), given))
        return finished(features.trained(data, torch.device("cpu"), None)).state_dict()

    first = of(dataset)
    assert same(of(dataset), first) and len(trainings) == 1
    assert dataset.labels is not None
    assert not same(of(replace(dataset, labels=1 - dataset.labels)), first)
    of(replace(dataset, labels=None))
    of(replace(dataset, pixels=dataset.pixels + 1))
    assert len(trainings) == 4
    for kept in (paths.cache() / "encoders").iterdir():
        kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert same(of(dataset), first) and len(trainings) == 5


def energy(real: np.ndarray, made: np.ndarray) -> tuple[float, float]:
    work = distances.EnergyDistance(real, len(made), 0).of(made)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def test_the_energy_distance_is_that_of_its_formula_and_knows_its_floor() -> None:
    here, there = np.zeros((80, 2)), np.tile([3.0, 4.0], (40, 1))
    assert energy(here, there) == pytest.approx((10.0, 0.0))  # 2 E|X - Y|, and nothing within either
    rng = np.random.default_rng(0)
    real, same, moved = rng.standard_normal((5000, 2)), rng.standard_normal((400, 2)), rng.standard_normal((400, 2)) + 0.5
    found, floor = energy(real, same)
    assert floor > 0 and 0.3 * floor < found < 3 * floor
    assert energy(real, moved)[0] > 20 * floor
