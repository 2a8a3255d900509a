"""From noise to samples and back, stage by stage; and the same noise sampled in several ways."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from genstudio.config import Values
from genstudio.data.work import mapped
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Denoised, Denoises, Made, Samples
from genstudio.runs import Run
from genstudio.tasks.encode import decoded
from genstudio.tasks.illustrate import Text, told
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.sample import SLICE, Sample, sampling
from genstudio.tasks.task import Frames

_STAGES = 21
"""Noise levels at which noise is added."""


@dataclass(frozen=True, slots=True, eq=False)
class NoiseWalk(Frozen):
    """Samples on their way: at each of k stages `noisy` (k, n, ...) ones, and the `noise` and the `clean` samples that the
    network predicts there. `levels` (k,) are shares of noise s in a x0 + s e; from stage `turn` on noise is taken away.
    `extent` is where points lie, None for pictures; `labels` (n,) are their classes."""

    noisy: Array
    noise: Array
    clean: Array
    levels: Array
    turn: int
    step: int
    extent: tuple[float, float, float, float] | None
    labels: Array | None = None
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Denoising:
    """What all of them are asked for: `count` samples of noise that depends on `seed` alone, of the class `label` (None: they
    take turns), or of what a `text` says; `sampler` are settings of `sampling.diffusion.Sampler` by name, other than the usual
    ones."""

    model: ModelRef
    count: int
    seed: int = 0
    label: int | None = None
    sampler: Values = field(default_factory=dict, hash=False)
    text: Text | None = None


@dataclass(frozen=True)
class WalkFromNoise(_Denoising):
    """Returns a NoiseWalk from noise to samples."""

    def run(self, models: Models) -> Frames[NoiseWalk]:
        opened = told(models.open(self.model, Samples), self.text)
        model = sampling(opened, self.sampler)
        labels = asked(model, self.count, self.label) if self.text is None else None
        steps = yield from _walked(model.sample(model.noise(self.count, self.seed), labels, model.variants[0]))
        return _joined([], steps, model, opened.step, labels)


@dataclass(frozen=True)
class WalkToNoise(_Denoising):
    """Returns a NoiseWalk of real samples, to which more and more of the same noise is added. Raises DataError."""

    def run(self, models: Models) -> Frames[NoiseWalk]:
        yield Frame(progress=Progress("Opening the data"))
        opened = models.open(self.model, Denoises)
        known = yield from opened.with_data(Run.open(self.model.run))
        model, data = sampling(opened, self.sampler), known.data
        among = data.held if len(data.held) else data.train
        if self.label is not None and data.labels is not None:
            among = among[data.labels[among] == self.label]
        chosen = np.random.default_rng(self.seed).permutation(among)[: self.count]
        if not len(chosen):
            raise DataError("No held-out sample has this class.", "Choose another class.")
        real = data.outside(data.real[chosen]) if data.shape.kind == "points" else data.real[chosen]
        labels = None if data.labels is None or not model.classes else data.labels[chosen]
        stages: list[Denoised] = []
        for share in np.linspace(0, 1, _STAGES).tolist():
            stages.append(model.noised(real, model.noise(len(real), self.seed), share, labels))
            yield Frame(progress=Progress("Adding noise", share))
        return _joined(stages, [], model, opened.step, labels)


@dataclass(frozen=True)
class NoiseAndBack(_Denoising):
    """Returns a NoiseWalk of the picture in the file `path`: noise is added up to a `share` of the way, and removed again in
    `count` ways, each from other noise. Raises DataError."""

    path: str = field(kw_only=True)
    share: float = field(kw_only=True)

    def run(self, models: Models) -> Frames[NoiseWalk]:
        yield Frame(progress=Progress("Opening the picture"))
        opened = models.open(self.model, Denoises)
        model, shape = sampling(opened, self.sampler), opened.model.data.shape
        if shape.kind != "images":
            raise DataError("This model was trained on points, not on pictures.", "Choose a model of pictures.")
        if not 0 < self.share <= 1:
            raise DataError(f"Noise cannot be added up to {self.share:g} of the way.", "Choose more than 0, and at most 1.")
        picture = yield from decoded(Path(self.path), (shape.width, shape.height), shape.channels)
        pictures, latents = np.repeat(picture[None], self.count, 0), model.noise(self.count, self.seed)
        labels = None if not model.classes else np.full(self.count, -1 if self.label is None else self.label)
        there = [model.noised(pictures, latents, share, labels) for share in np.linspace(0, self.share, 6).tolist()]
        back = yield from _walked(model.restore(pictures, latents, self.share, labels))
        return _joined(there[:-1] if back else there, back, model, opened.step, None)


@dataclass(frozen=True, slots=True, eq=False)
class SampledWays(Frozen):
    """What came of the same noise: `samples` (w, n, ...), a way each, and the `seconds` (w,) that it took."""

    samples: Array
    seconds: tuple[float, ...]
    step: int
    extent: tuple[float, float, float, float] | None
    labels: Array | None = None
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SampleWays(_Denoising):
    """Returns SampledWays of the same noise in each of these `ways`: settings of `sampling.diffusion.Sampler` by name, on top
    of those of `sampler`."""

    ways: tuple[Values, ...] = field(kw_only=True, hash=False)

    def run(self, models: Models) -> Frames[SampledWays]:
        made, seconds = [], []
        for number, way in enumerate(self.ways):
            began = time.monotonic()
            task = Sample(self.model, self.count, self.seed, self.label, sampler={**self.sampler, **way}, text=self.text)
            made.append((yield from mapped(task.run(models), partial(_among, number, len(self.ways)))))
            seconds.append(time.monotonic() - began)
        first = made[0]
        data = models.open(self.model, Denoises).model.data
        return SampledWays(
            np.stack([one.samples for one in made]), tuple(seconds), first.step,
            data.extent if data.shape.kind == "points" else None, first.labels, first.classes,
        )  # fmt: skip


def _among(number: int, ways: int, frame: Frame) -> Frame:
    """The progress of one of several ways as that of all of them."""
    done = 0.0 if frame.progress is None else frame.progress.done or 0.0
    return Frame(progress=Progress(f"Sampling {number + 1} of {ways}", (number + done) / ways))


def asked(model: Denoises, count: int, label: int | None) -> Array | None:
    """Classes (count,): the one that is asked for, else they take turns."""
    if not model.classes:
        return None
    return np.arange(count) % len(model.classes) if label is None else np.full(count, label, np.int64)


def _walked(steps: Iterator[Made]) -> Frames[list[Denoised]]:
    """The steps of a walk; others take their turn now and then, not after each of many short ones."""
    found: list[Denoised] = []
    began = time.monotonic()
    for step in steps:
        assert isinstance(step, Denoised)
        found.append(step)
        if time.monotonic() - began > SLICE:
            yield Frame(progress=Progress("Removing noise", step.done))
            began = time.monotonic()
    return found


def _joined(
    there: Iterable[Denoised], back: list[Denoised], model: Denoises, step: int, labels: Array | None
) -> NoiseWalk:
    """Stages at which noise was added, then the starts of steps that remove it and where the last of them led."""
    forward = list(there)
    stages = [(one.start, one.noise, one.clean, one.before) for one in (*forward, *back)]
    if back:
        last = back[-1]
        stages.append((last.samples, last.noise, last.clean, last.after))
    noisy, noise, clean, levels = (np.stack([stage[index] for stage in stages]) for index in range(4))
    points, classes = model.data.shape.kind == "points", model.data.shape.classes
    return NoiseWalk(
        noisy, noise, clean, levels, len(forward), step, model.data.extent if points else None, labels, classes
    )
