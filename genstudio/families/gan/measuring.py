"""Fidelity and diversity of a generator, at bounded cost, each number beside what real samples would reach."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from genstudio.data.slices import scaled
from genstudio.evaluation import distances, features, plane
from genstudio.events import Progress
from genstudio.families.gan.units import dead_units
from genstudio.training.learner import Measured

if TYPE_CHECKING:
    from genstudio.families.gan.learner import GANLearner

PREPARING = "Preparing: training the feature encoder (once per dataset)"
_SEED = 1_000_003
_MANY_POINTS = 10_000
_PICTURES, _MANY_PICTURES = 500, 2000
_ROWS = 100
_NEAREST, _AMONG = 200, 5000


def measure(learner: GANLearner, exact: bool) -> Iterator[Measured]:
    """Numbers of the generator's average, of noise that is the same at every step. Yields nothing without data.

    Points: see `plane`. Pictures: `frechet_distance`, `kernel_distance`, `density` and `coverage` on the features of the
    encoder, against as many training pictures, each with a `_floor`: the same of other real pictures; `nearest_ratio`,
    the median distance of fakes to their nearest training picture over that of pictures that were held back, well
    below 1 when pictures are copied; `agreement`, the share in which the encoder sees the class that was asked for, and
    `agreement_real`, the share in which it is right of pictures it never saw. Of all kinds, see `units.dead_units`.
    """
    if not len(learner.data.real):
        return
    if learner.data.shape.kind == "points":
        yield _points(learner, _MANY_POINTS if exact else plane.SAMPLES)
    else:
        yield from _pictures(learner, exact)


def _points(learner: GANLearner, count: int) -> Measured:
    data = learner.data
    fake = data.outside(learner.make(learner.noise(count, _SEED)).cpu().numpy())
    rng = np.random.default_rng(_SEED)
    real = data.outside(data.real[rng.integers(0, len(data.real), count)])
    values = plane.divergences(real, fake, data.extent)
    if data.centres is not None and data.sigma:
        values |= plane.mixture_scores(fake, data.centres, data.sigma)
    return Measured(values | dead_units(learner))


def _pictures(learner: GANLearner, exact: bool) -> Iterator[Measured]:
    half = len(learner.data.train) // 2
    count = min(_MANY_PICTURES if exact else _PICTURES, half)
    if count <= 2 * distances.NEAREST:
        yield Measured(dead_units(learner))
        return
    reference = yield from known(learner, count)
    judge = reference["encoder"]
    fake, labels = yield from _faked(learner, count)
    encoded, seen = [], []
    for first in range(0, count, _ROWS):
        found, classes = features.encode(judge, fake[first : first + _ROWS])
        encoded.append(found)
        seen.append(classes)
        yield Measured(done=0.5 + 0.3 * first / count)
    values = _compared(reference["one"], np.concatenate(encoded)) | reference["floors"]
    if labels is not None:
        values["agreement"] = float((np.concatenate(seen) == labels).mean())
    yield Measured(done=0.9)
    flat = fake[:_NEAREST].flatten(1).cpu().numpy()
    closest = np.median(distances.nearest(flat, reference["pixels"])[1])
    values["nearest_ratio"] = float(closest / max(reference["apart"], 1e-9))
    yield Measured(values | dead_units(learner))


def known(learner: GANLearner, count: int) -> Generator[Measured, None, dict[str, Any]]:
    """The encoder and what real pictures say, worked out once for a learner."""
    data = learner.data
    if learner.encoder is None:
        work = features.trained(data, learner.device, learner.cache)
        learner.encoder = yield from _passed(work, 0.0, 0.4, PREPARING)
    if count in learner.known:
        return learner.known[count]
    order = np.random.default_rng(_SEED).permutation(data.train)
    one, _ = yield from _passed(features.encode_all(learner.encoder, data.real[order[:count]]), 0.4, 0.45)
    other, _ = yield from _passed(features.encode_all(learner.encoder, data.real[order[count : 2 * count]]), 0.45, 0.5)
    floors = {f"{name}_floor": value for name, value in _compared(one, other).items()}
    if data.labels is not None and len(data.held):
        _, seen = yield from _passed(features.encode_all(learner.encoder, data.real[data.held]), 0.5, 0.5)
        floors["agreement_real"] = float((seen == data.labels[data.held]).mean())
    pixels = _flat(learner, np.random.default_rng(_SEED).permutation(_used(learner))[:_AMONG])
    apart = np.median(distances.nearest(_flat(learner, data.held[:_NEAREST]), pixels)[1]) if len(data.held) else 1.0
    learner.known[count] = {"encoder": learner.encoder, "one": one, "floors": floors, "pixels": pixels, "apart": float(apart)}
    return learner.known[count]


def neighbours(learner: GANLearner, picture: NDArray[np.uint8], count: int) -> Generator[float, None, dict[str, Any]]:
    """Indices (count,) of the training pictures nearest to `picture` (h, w, c) and their distances, by `nearest_pixels`,
    root mean square from 0 to 255, and by `nearest_features` of the run's encoder. Yields the fraction done."""
    data = learner.data
    if learner.encoder is None:
        learner.encoder = yield from scaled(features.trained(data, learner.device, learner.cache), 0.0, 0.5)
    used = _used(learner)
    if learner.features is None:
        work = features.encode_all(learner.encoder, data.real[used])
        learner.features, _ = yield from scaled(work, 0.5, 0.9)
    mine, _ = features.encode(learner.encoder, features.pictures(picture[None], learner.device))
    apart: dict[str, list[NDArray[np.float64]]] = {"nearest_pixels": [], "nearest_features": []}
    for first in range(0, len(used), _AMONG):
        part = data.real[used[first : first + _AMONG]].astype(np.float32) - picture.astype(np.float32)
        apart["nearest_pixels"].append(np.sqrt(np.square(part).mean((1, 2, 3))))
        apart["nearest_features"].append(np.sqrt(np.square(learner.features[first : first + _AMONG] - mine).mean(1)))
        yield 0.9
    found = {}
    for name, parts in apart.items():
        distances = np.concatenate(parts)
        order = np.argsort(distances, kind="stable")[:count]
        found[name] = (used[order], distances[order])
    return found


def _used(learner: GANLearner) -> NDArray[np.int64]:
    """Indices of the samples that are trained on: all of the training split, or the first `examples` of it."""
    return learner.data.train[: learner.config.examples or None]


def _compared(real: Any, fake: Any) -> dict[str, float]:
    density, coverage = distances.density_and_coverage(real, fake)
    return {
        "frechet_distance": distances.frechet(real, fake),
        "kernel_distance": distances.kernel_distance(real, fake),
        "density": density,
        "coverage": coverage,
    }


def _faked(learner: GANLearner, count: int) -> Generator[Measured, None, tuple[torch.Tensor, NDArray[np.int64] | None]]:
    """Fakes of fixed noise; conditional ones of classes as frequent as in the training pictures."""
    data, labels = learner.data, None
    noise = learner.noise(count, _SEED)
    if learner.config.conditional and data.labels is not None:
        labels = data.labels[np.random.default_rng(_SEED + 1).choice(data.train, count)]
    asked = None if labels is None else torch.from_numpy(labels).to(learner.device)
    made = []
    for first in range(0, count, _ROWS):
        part = slice(first, first + _ROWS)
        made.append(learner.make(noise[part], None if asked is None else asked[part]))
        yield Measured(done=0.5)
    return torch.cat(made), labels


def _flat(learner: GANLearner, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
    return learner.data.real[chosen].reshape(len(chosen), -1).astype(np.float32) / np.float32(127.5) - np.float32(1)


def _passed(
    work: Generator[float, None, Any], start: float, stop: float, preparing: str = ""
) -> Generator[Measured, None, Any]:
    while True:
        try:
            done = next(work)
        except StopIteration as end:
            return end.value
        yield Measured(done=start + (stop - start) * done, preparing=Progress(preparing, done) if preparing else None)
