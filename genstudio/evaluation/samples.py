"""How good made points or pictures are, each number beside what real samples would reach; at bounded cost."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genstudio.data.learnable.samples import SampleData
from genstudio.data.work import Work, mapped, scaled
from genstudio.evaluation import distances, features, plane
from genstudio.events import Progress
from genstudio.training.learner import Measured

PREPARING = "Preparing: training the feature encoder (once per dataset)"
SEED = 1_000_003
_POINTS, _PICTURES, _MANY_PICTURES = 10_000, 500, 2000
_ROWS, _NEAREST, _AMONG = 100, 200, 5000
Measuring = Generator[Measured, None, dict[str, float]]


class Reference:
    """The real samples of a dataset, of which a model was trained on the first `examples` (0: all): what is compared with.

    The encoder of pictures and what is measured of real ones are worked out once; `cache` is the folder that keeps the first.
    """

    def __init__(self, data: SampleData, device: torch.device, cache: Path | None = None, examples: int = 0) -> None:
        self.data, self.device, self.cache = data, device, cache
        self.used = data.train[: examples or None]
        self.features: Any = None
        self._encoder: features.Encoder | None = None
        self._known: dict[int, dict[str, Any]] = {}
        self._energy: dict[int, distances.EnergyDistance] = {}

    def count(self, exact: bool) -> int:
        """How many made samples are compared; 0 where there are too few real ones."""
        if not len(self.data.real):
            return 0
        if self.data.shape.kind == "points":
            return _POINTS if exact else plane.SAMPLES
        count = min(_MANY_PICTURES if exact else _PICTURES, len(self.data.train) // 2)
        return count if count > 2 * distances.NEAREST else 0

    def points(self, made: NDArray[Any]) -> dict[str, float]:
        """Of made points (n, 2), in the units of the dataset: see `plane`."""
        data, rng = self.data, np.random.default_rng(SEED)
        real = data.outside(data.real[rng.integers(0, len(data.real), len(made))])
        values = plane.divergences(real, made, data.extent)
        if data.centres is not None and data.sigma:
            values |= plane.mixture_scores(made, data.centres, data.sigma)
        return values

    def energy(self, made: NDArray[Any]) -> Measuring:
        """`energy_distance` of made points (n, 2), in the units of the dataset, to as many real ones, and `energy_distance_real`:
        what as many other real points reach."""
        if len(made) not in self._energy:
            real = self.data.outside(self.data.real)
            self._energy[len(made)] = distances.EnergyDistance(real, len(made), SEED)
        distance, floor = yield from _passed(self._energy[len(made)].of(made), 0.5, 1.0)
        return {"energy_distance": distance, "energy_distance_real": floor}

    def asked(self, count: int) -> NDArray[np.int64]:
        """Classes (count,) as frequent as in the training samples, which must have some."""
        assert self.data.labels is not None
        return self.data.labels[np.random.default_rng(SEED + 1).choice(self.data.train, count)]

    def pictures(self, made: Tensor, labels: NDArray[np.int64] | None) -> Measuring:
        """Of made pictures (n, c, h, w) in [-1, 1], and the classes (n,) that were asked for.

        `frechet_distance`, `kernel_distance`, `density` and `coverage` on the features of the encoder, against as many
        training pictures, each with a `_floor`: the same of other real pictures; `nearest_ratio`, the median distance of
        made pictures to their nearest training picture over that of pictures that were held back, well below 1 when
        pictures are copied; `agreement`, the share in which the encoder sees the class that was asked for, and
        `agreement_real`, the share in which it is right of pictures it never saw.
        """
        reference = yield from self._reference(len(made))
        encoded, seen = [], []
        for first in range(0, len(made), _ROWS):
            found, classes = features.encode(reference["encoder"], made[first : first + _ROWS])
            encoded.append(found)
            seen.append(classes)
            yield Measured(done=0.5 + 0.3 * first / len(made))
        values = _compared(reference["one"], np.concatenate(encoded)) | reference["floors"]
        if labels is not None:
            values["agreement"] = float((np.concatenate(seen) == labels).mean())
        yield Measured(done=0.9)
        closest = np.median(distances.nearest(made[:_NEAREST].flatten(1).cpu().numpy(), reference["pixels"])[1])
        values["nearest_ratio"] = float(closest / max(reference["apart"], 1e-9))
        return values

    def encoder(self) -> Work[features.Encoder]:
        """The network whose features are compared; it may have to be trained."""
        if self._encoder is None:
            self._encoder = yield from features.trained(self.data, self.device, self.cache)
        return self._encoder

    def neighbours(self, picture: NDArray[np.uint8], count: int) -> Work[dict[str, Any]]:
        """Indices (count,) of the training pictures nearest to `picture` (h, w, c) and their distances, by `nearest_pixels`,
        root mean square from 0 to 255, and by `nearest_features` of the encoder. Yields the fraction done."""
        encoder = yield from scaled(self.encoder(), 0.0, 0.5)
        used = self.used
        if self.features is None:
            self.features, _ = yield from scaled(features.encode_all(encoder, self.data.real[used]), 0.5, 0.9)
        mine, _ = features.encode(encoder, features.pictures(picture[None], self.device))
        apart: dict[str, list[NDArray[np.float64]]] = {"nearest_pixels": [], "nearest_features": []}
        for first in range(0, len(used), _AMONG):
            part = self.data.real[used[first : first + _AMONG]].astype(np.float32) - picture.astype(np.float32)
            apart["nearest_pixels"].append(np.sqrt(np.square(part).mean((1, 2, 3))))
            apart["nearest_features"].append(np.sqrt(np.square(self.features[first : first + _AMONG] - mine).mean(1)))
            yield 0.9
        found = {}
        for name, parts in apart.items():
            gaps = np.concatenate(parts)
            order = np.argsort(gaps, kind="stable")[:count]
            found[name] = (used[order], gaps[order])
        return found

    def _reference(self, count: int) -> Generator[Measured, None, dict[str, Any]]:
        """The encoder and what real pictures say, worked out once for a number of pictures."""
        data = self.data
        encoder = yield from _passed(self.encoder(), 0.0, 0.4, PREPARING)
        if count in self._known:
            return self._known[count]
        order = np.random.default_rng(SEED).permutation(data.train)
        one, _ = yield from _passed(features.encode_all(encoder, data.real[order[:count]]), 0.4, 0.45)
        other, _ = yield from _passed(features.encode_all(encoder, data.real[order[count : 2 * count]]), 0.45, 0.5)
        floors = {f"{name}_floor": value for name, value in _compared(one, other).items()}
        if data.labels is not None and len(data.held):
            _, seen = yield from _passed(features.encode_all(encoder, data.real[data.held]), 0.5, 0.5)
            floors["agreement_real"] = float((seen == data.labels[data.held]).mean())
        pixels = self._flat(np.random.default_rng(SEED).permutation(self.used)[:_AMONG])
        apart = np.median(distances.nearest(self._flat(data.held[:_NEAREST]), pixels)[1]) if len(data.held) else 1.0
        self._known[count] = {"encoder": encoder, "one": one, "floors": floors, "pixels": pixels, "apart": float(apart)}
        return self._known[count]

    def _flat(self, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.data.real[chosen].reshape(len(chosen), -1).astype(np.float32) / np.float32(127.5) - np.float32(1)


def _compared(real: Any, fake: Any) -> dict[str, float]:
    density, coverage = distances.density_and_coverage(real, fake)
    return {
        "frechet_distance": distances.frechet(real, fake),
        "kernel_distance": distances.kernel_distance(real, fake),
        "density": density,
        "coverage": coverage,
    }


def _passed(work: Work[Any], start: float, stop: float, preparing: str = "") -> Generator[Measured, None, Any]:
    def measured(done: float) -> Measured:
        return Measured(done=start + (stop - start) * done, preparing=Progress(preparing, done) if preparing else None)

    return mapped(work, measured)
