"""One sample looked at closely: its noise, what the discriminator thinks of it, and what in the data is nearest to it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from genstudio import families
from genstudio.data import shelf
from genstudio.errors import RunError
from genstudio.events import Answer, Array, Frame, Progress, frozen
from genstudio.runs import Run
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import sliced

_PIXELS, _JUDGED = 2048, 128


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The training samples next to one: their `indices` (k,) in the dataset, nearest first, their `distances` (k,), and
    the samples themselves, `pixels` (k, h, w, c) uint8 or points (k, 2)."""

    indices: Array
    distances: Array
    samples: Array

    def __post_init__(self) -> None:
        for array in (self.indices, self.distances, self.samples):
            frozen(array)


@dataclass(frozen=True, slots=True, eq=False)
class Closer:
    """A sample of the fixed noise: `sample` (h, w, c) uint8 or (2,), made of `latent` (n,), of class `label` (-1: none).

    `score` is the discriminator's opinion, a probability where `bounded`. `plain` are the nearest by root mean square
    difference of pixels (0 to 255) or by distance; `features` by the discriminator's last hidden layer, None for points.
    `typical` is the median of the distances between real samples and their nearest other one, for comparison.
    """

    index: int
    step: int
    sample: Array
    latent: Array
    label: int
    label_name: str
    score: float
    bounded: bool
    plain: Nearest
    features: Nearest | None
    typical: float
    searched: int

    def __post_init__(self) -> None:
        frozen(self.sample)
        frozen(self.latent)


@dataclass(frozen=True)
class LookCloser:
    """Answers `closer`: a Closer. `raw` for the generator as it trains, else its average."""

    model: ModelRef
    index: int
    raw: bool = False
    count: int = 6

    def run(self, models: Models) -> Generator[Frame, None, None]:
        yield Frame(progress=Progress("Looking closer"))
        opened = models.get(self.model)
        learner = opened.learner
        if not hasattr(learner, "view") or not 0 <= self.index < len(learner.view.noise):
            raise RunError("There is no such sample.", "Choose a sample of a GAN.")
        step, view, data = opened.step, learner.view, learner.data
        if not len(data.real):
            dataset = models.dataset(shelf.find_dataset(str(Run.open(self.model.run).info.dataset.get("id", ""))))
            data = yield from sliced(
                families.get(opened.family).prepare(learner.config, dataset), "Reading the dataset"
            )
        real, chosen = data.real, data.train
        noise = view.noise[self.index : self.index + 1]
        labels = None if view.labels is None else view.labels[self.index : self.index + 1]
        made = learner.make(noise, labels, raw=self.raw)
        score = float(view.opinions(learner.discriminator, made, labels)[0])
        features = None
        if data.shape.kind == "images":
            from genstudio.families.gan.showing import as_pixels

            sample = as_pixels(made)[0]
            gap = yield from _distances(sample.astype(np.float32).ravel(), real, chosen)
            plain = _nearest(gap, chosen, real, self.count)
            own = _features(learner, made, labels)[0]
            gap = yield from _feature_distances(learner, own, labels, real, chosen)
            features = _nearest(gap, chosen, real, self.count)
        else:
            sample = data.outside(made[0].cpu().numpy())
            gap = np.linalg.norm(data.outside(real[chosen]) - sample, axis=1)
            near = _nearest(gap, chosen, real, self.count)
            plain = Nearest(near.indices.copy(), near.distances.copy(), data.outside(near.samples))
        typical = yield from _typical(data, real, chosen)
        label = -1 if labels is None else int(labels[0])
        name = data.shape.classes[label] if 0 <= label < len(data.shape.classes) else ""
        found = Closer(
            self.index, step, sample, noise[0].cpu().numpy().copy(), label, name, score, learner.config.bounded, plain,
            features, typical, len(chosen),
        )  # fmt: skip
        yield Frame(snapshots=(Answer("closer", step, found),))


def _nearest(gap: Array, chosen: Array, real: Array, count: int) -> Nearest:
    best = np.argsort(gap, kind="stable")[:count]
    return Nearest(chosen[best], gap[best].astype(np.float64), real[chosen[best]].copy())


def _distances(sample: Array, real: Array, chosen: Array) -> Generator[Frame, None, Array]:
    """Root mean square difference (n,) of a sample's numbers to those of each chosen real one."""
    parts = []
    for first in range(0, len(chosen), _PIXELS):
        some = real[chosen[first : first + _PIXELS]].reshape(-1, sample.size).astype(np.float32)
        parts.append(np.sqrt(np.square(some - sample).mean(1)))
        yield Frame(progress=Progress("Comparing pixels", first / len(chosen)))
    return np.concatenate(parts)


def _feature_distances(
    learner: Any, own: Any, labels: Any, real: Array, chosen: Array
) -> Generator[Frame, None, Array]:
    """Distance (n,) of a sample's features to those of each chosen real one, all judged as of the sample's class."""
    parts = []
    for first in range(0, len(chosen), _JUDGED):
        some = learner.samples(real[chosen[first : first + _JUDGED]])
        told = None if labels is None else labels.expand(len(some))
        parts.append((_features(learner, some, told) - own).square().sum(1).sqrt().cpu().numpy())
        yield Frame(progress=Progress("Comparing features", first / len(chosen)))
    return np.concatenate(parts)


def _features(learner: Any, samples: Any, labels: Any) -> Any:
    """What the discriminator's last hidden layer holds of each sample (n, d); a pack is of the same sample."""
    import torch

    judge, pack = learner.discriminator, learner.config.pack
    with torch.no_grad():
        told = None if labels is None else labels.repeat_interleave(pack)
        features = judge.body(judge._packed(samples.repeat_interleave(pack, 0), told))
    return features.float()


def _typical(data: Any, real: Array, chosen: Array, count: int = 24) -> Generator[Frame, None, float]:
    """The median distance of some real samples to their nearest other one."""
    found = []
    for index in chosen[np.linspace(0, len(chosen) - 1, min(count, len(chosen))).astype(np.int64)]:
        others = chosen[chosen != index]
        if data.shape.kind == "images":
            gap = yield from _distances(real[index].astype(np.float32).ravel(), real, others)
        else:
            gap = np.linalg.norm(data.outside(real[others]) - data.outside(real[index]), axis=1)
            yield Frame(progress=Progress("Comparing points"))
        found.append(float(gap.min()) if len(gap) else 0.0)
    return float(np.median(found)) if found else 0.0
