"""One sample looked at closely: its noise, its score by a discriminator, and what in the data is nearest to it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genstudio import storage
from genstudio.errors import DataError, RunError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Judges, Samples, TranslatesPictures
from genstudio.runs import Run
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.sample import variant
from genstudio.tasks.task import Frames, frames_of

_VALUES = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Nearest(Frozen):
    """The training samples next to one: their `indices` (k,) in the dataset, nearest first, their `distances` (k,), and
    the samples themselves, `pixels` (k, h, w, c) uint8 or points (k, 2)."""

    indices: Array
    distances: Array
    samples: Array


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A sample as a snapshot of `step` showed it: `sample` (h, w, c) uint8 or (2,), its class `label` (-1: none), the
    discriminator's `score` of then (None: not kept), and whether it was made of the fixed noise."""

    step: int
    sample: Array
    label: int
    score: float | None
    fixed: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class SampleReport(Frozen):
    """A sample: `sample` (h, w, c) uint8 or (2,), made of `latent` (n,), which is empty where the noise was not kept, of
    class `label` (-1: none).

    `score` is the discriminator's output, a probability where `bounded`; None where it was not kept. `plain` are the
    nearest by root mean square difference of pixels (0 to 255) or by distance; `features` by that of the features of the
    run's encoder, which was trained on the same pictures, None for points. `typical` and `typical_features` are the
    medians of such distances between real samples and their nearest other one, for comparison.
    """

    index: int
    step: int
    sample: Array
    latent: Array
    label: int
    label_name: str
    score: float | None
    bounded: bool
    plain: Nearest
    features: Nearest | None
    typical: float
    typical_features: float
    searched: int


@dataclass(frozen=True)
class InspectSample:
    """Returns a SampleReport of a sample of the fixed noise, as `variant` makes it.

    With `shown` that very sample is looked at, with the score it had, whatever the model has learnt since.
    """

    model: ModelRef
    index: int
    variant: str = ""
    count: int = 6
    shown: Shown | None = None

    def run(self, models: Models) -> Frames[SampleReport]:
        yield Frame(progress=Progress("Inspecting the head"))
        opened = models.get(self.model)
        if not isinstance(opened.model, TranslatesPictures) or self.shown is None:
            opened = opened.able(Samples)
        model = opened.model
        latents = model.fixed[0] if isinstance(model, Samples) else np.zeros((0, 0), np.float32)
        fixed = isinstance(model, Samples) and (self.shown is None or self.shown.fixed)
        if self.index < 0 or (fixed and self.index >= len(latents)):
            raise RunError("This sample does not exist.", "Choose one of the samples shown.")
        known: Any = yield from opened.with_data(Run.open(self.model.run))
        data, real, chosen = known.data, known.data.real, known.data.train
        shown = self.shown
        if shown is None:
            assert isinstance(model, Samples)
            shown = yield from self._made(model, opened.step)
        sample, label = shown.sample, shown.label
        features, typical_features = None, 0.0
        if data.shape.kind == "images":
            reference = known.reference
            found = yield from frames_of(reference.neighbours(sample, self.count), "Comparing with the training pictures")
            plain, features = (
                Nearest(indices.copy(), apart.astype(np.float64), real[indices].copy())
                for indices, apart in (found["nearest_pixels"], found["nearest_features"])
            )
            typical = yield from _typical(real[chosen])
            typical_features = yield from _typical(reference.features)
        else:
            places = data.outside(real[chosen])
            gap = np.linalg.norm(places - sample, axis=1)
            best = np.argsort(gap, kind="stable")[: self.count]
            plain = Nearest(chosen[best], gap[best].astype(np.float64), places[best].copy())
            typical = (yield from _typical(places)) * 2**0.5
        name = data.shape.classes[label] if 0 <= label < len(data.shape.classes) else ""
        latent = latents[self.index].copy() if fixed and shown.fixed else np.zeros(0, np.float32)
        bounded = isinstance(model, Judges) and model.bounded
        return SampleReport(
            self.index, shown.step, sample, latent, label, name, shown.score, bounded, plain,
            features, typical, typical_features, len(chosen),
        )  # fmt: skip

    def _made(self, model: Samples, step: int) -> Frames[Shown]:
        """The sample as the model makes it now."""
        one = slice(self.index, self.index + 1)
        latents, labels = model.fixed
        asked = None if labels is None else labels[one]
        made = None
        for made in model.sample(latents[one], asked, variant(model, self.variant)):
            yield Frame(progress=Progress("Sampling", made.done))
        assert made is not None
        score = None if made.scores is None else float(made.scores[0])
        return Shown(step, made.samples[0], -1 if asked is None else int(asked[0]), score)


@dataclass(frozen=True)
class SaveSample:
    """Write a sample: the picture as it is (.png), or with its noise, class and score as arrays (.npz), named as by the
    command `sample`; returns the file's name. Raises DataError, StorageError."""

    found: SampleReport
    out: str

    def run(self, models: Models) -> Frames[str]:
        path, found, file = Path(self.out), self.found, io.BytesIO()
        yield Frame(progress=Progress(f"Writing {path.name}"))
        if path.suffix.lower() == ".png" and found.features is not None:
            from PIL import Image

            Image.fromarray(found.sample.squeeze(2) if found.sample.shape[2] == 1 else found.sample).save(file, "PNG")
        elif path.suffix.lower() == ".npz":
            name = "points" if found.features is None else "pixels"
            arrays: dict[str, Any] = {"samples": found.sample[None], name: found.sample[None]}
            arrays |= {"latents": found.latent[None]} if len(found.latent) else {}
            arrays |= {"scores": np.array([found.score])} if found.score is not None else {}
            arrays |= {"labels": np.array([found.label])} if found.label >= 0 else {}
            np.savez_compressed(file, **arrays)
        else:
            kinds = ".npz" if found.features is None else ".png or .npz"
            raise DataError(f"'{path.name}' has no known file type.", f"Use a name that ends in {kinds}.", path)
        storage.write_atomic(path, file.getvalue())
        yield Frame(progress=Progress(f"Wrote {path.name}", 1.0))
        return str(path)


def _typical(real: Array, count: int = 24) -> Frames[float]:
    """The median root mean square difference of some real samples (n, ...) to their nearest other one."""
    found, rows, done = [], max(_VALUES // real[0].size, 1), 0
    for index in np.linspace(0, len(real) - 1, min(count, len(real))).astype(np.int64):
        nearest = np.inf
        for first in range(0, len(real), rows):
            part = real[first : first + rows].astype(np.float32)
            apart = (part - real[index].astype(np.float32)).reshape(len(part), -1)
            gap = np.square(apart).mean(1)
            if first <= index < first + rows:
                gap[index - first] = np.inf
            nearest = min(nearest, float(gap.min()))
            done += apart.size
            if done >= _VALUES:  # each frame waits for one of a training: many small ones would take seconds
                done = 0
                yield Frame(progress=Progress("Comparing real samples", index / len(real)))
        found.append(nearest**0.5 if np.isfinite(nearest) else 0.0)
    return float(np.median(found))
