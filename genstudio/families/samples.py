"""What models of points and pictures have in common: how samples get in and out, what is fixed, and a look at them."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import Any, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genstudio.data.learnable.samples import SampleData
from genstudio.evaluation import features
from genstudio.evaluation.samples import SEED, Reference
from genstudio.families.abilities import LatentSpec, Made
from genstudio.snapshots.samples import Codes, Histograms, Pictures, Plane
from genstudio.training.learner import Measured

Array = NDArray[Any]
GRID, MESH, POINTS, PICTURES, ARROWS, MAPPED = 40, 20, 400, 64, 200, 1000
ROWS = 500
"""Samples that go through a network together when it is not trained."""
_SEED, _EACH, _BINS = 20_140_610, 8, 20


class Form:
    """The form in which a model reads samples of some data: points (n, 2), standardised; pictures (n, c, h, w) in [0, 1]."""

    def __init__(self, data: SampleData, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self.data, self.device, self.dtype = data, device, dtype
        self.points = data.shape.kind == "points"
        self.nats = 2 * float(np.log(data.scale)) if self.points else 0.0
        """What a log-density of these numbers is larger by than one in the units of the dataset, in nats."""

    def stored(self, chosen: Array) -> Tensor:
        """Samples of the data by their indices (n,)."""
        return self._tensor(self.data.real[chosen])

    def labels(self, chosen: Array) -> Tensor | None:
        """Their classes (n,), where all are known."""
        return None if self.data.labels is None else torch.from_numpy(self.data.labels[chosen]).to(self.device)

    def inside(self, samples: Array) -> Tensor:
        """Samples as they are outside: points in the units of the dataset, pictures (n, h, w, c) uint8."""
        return self._tensor(self.data.inside(samples) if self.points else samples)

    def outside(self, made: Tensor) -> Array:
        """The same way back; pixels beyond black and white are cut off."""
        if self.points:
            return self.data.outside(made.detach().float().cpu().numpy())
        pixels = made.detach().mul(255).round_().clamp_(0, 255).to(torch.uint8)
        return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).cpu().numpy())

    def shaped(self, flat: Tensor) -> Tensor:
        """(n, numbers) as samples."""
        shape = self.data.shape
        return flat if self.points else flat.view(-1, shape.channels, shape.height, shape.width)

    def _tensor(self, samples: Array) -> Tensor:
        tensor = torch.from_numpy(np.require(samples, requirements=["C", "W"])).to(self.device)
        return tensor.to(self.dtype) if self.points else tensor.permute(0, 3, 1, 2).to(self.dtype).div_(255)


def noise(count: int, size: int, seed: int) -> NDArray[np.float32]:
    """Standard normal latents (count, size) that depend on these numbers alone."""
    return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)


def noise_of(latents: Array) -> torch.Generator:
    """Randomness that depends on the latents alone, for the part of a sample that they leave open."""
    return torch.Generator().manual_seed(zlib.crc32(np.ascontiguousarray(latents, np.float32).tobytes()))


class Fixed:
    """What is looked at in every preview: real samples, kept from training where there are such; noise, and classes that take
    turns."""

    def __init__(self, data: SampleData, latent: int, classes: int) -> None:
        points = data.shape.kind == "points"
        among = data.held if len(data.held) else data.train
        order = np.random.default_rng(_SEED).permutation(among)
        self.chosen, self.mapped = order[: POINTS if points else PICTURES], order[:MAPPED]
        each = min(PICTURES // max(classes, 1), _EACH)  # a column for each class, no longer than can be seen whole
        made = POINTS if points else classes * each if 0 < classes <= PICTURES else PICTURES
        self.noise = noise(made, latent, _SEED)
        self.labels = np.arange(made) % classes if classes else None

    def real(self, data: SampleData, step: int) -> Pictures:
        """The real pictures, on channel `real`."""
        return pictures("real", step, data, data.real[self.chosen], self.real_labels(data))

    def real_labels(self, data: SampleData) -> Array | None:
        """Their classes."""
        return None if data.labels is None or not len(data.labels) else data.labels[self.chosen]


class OnSamples:
    """What models of points or pictures hold of their data, which can be exchanged. A model ends its `__init__` with `_take`."""

    dtype = torch.float32
    """Of the samples that it reads."""
    config: Any
    device: torch.device
    latent: LatentSpec
    classes: tuple[str, ...]

    def on(self, data: SampleData) -> Self:
        """The same modules with other data."""
        other = copy.copy(self)
        other._take(data)
        return other

    def _take(self, data: SampleData) -> None:
        self.data, self.form = data, Form(data, self.device, self.dtype)
        self.reference = Reference(data, self.device, examples=self.config.examples)
        self.shown = Fixed(data, self.latent.size, len(self.classes))

    @property
    def fixed(self) -> tuple[Array, Array | None]:
        """Latents of the samples that are shown at every step, and their classes."""
        return self.shown.noise, self.shown.labels

    def noise(self, count: int, seed: int) -> Array:
        """Latents (count, latent) that depend on count and seed alone."""
        return noise(count, self.latent.size, seed)


def pictures(
    channel: str, step: int, data: SampleData, pixels: Array, labels: Array | None = None, scores: Array | None = None
) -> Pictures:
    """Pictures (n, h, w, c) uint8, with classes where they have some; a snapshot freezes what it holds, so it gets copies."""
    return Pictures(channel, step, pixels.copy(), None if labels is None else labels.copy(), data.shape.classes, scores)


def copies(step: int, data: SampleData, form: Form, shown: Fixed, x: Tensor, made: Tensor) -> Iterator[Pictures]:
    """The real pictures x (B, C, H, W), on channel `reconstructions` what a model makes of them, on `errors` how far that is
    off; scores are mean squared errors."""
    labels, scores = shown.real_labels(data), (made - x).square().flatten(1).mean(1).cpu().numpy()
    yield shown.real(data, step)
    yield pictures("reconstructions", step, data, form.outside(made), labels, scores)
    yield pictures("errors", step, data, form.outside((made - x).abs()), labels, scores)


def warped_grid(model: SampleModel, variant: str) -> Array | None:
    """Where a model puts `even_grid`, (MESH, MESH, 2); None where its latents are not two."""
    if model.latent.size != 2:
        return None
    *_, made = model.sample(even_grid(), None, variant)
    return made.samples.reshape(MESH, MESH, 2)


def codes(step: int, data: SampleData, chosen: Array, latents: Array, axes: tuple[int, int] = (0, 1)) -> Codes:
    """The latents (n, size) of stored samples, seen along two of their numbers."""
    size = latents.shape[1]
    axes = axes if size > 1 else (0, 0)
    labels = None if data.labels is None or not len(data.labels) else data.labels[chosen]
    return Codes("codes", step, latents[:, list(axes)].astype(np.float32), axes, size, labels, data.shape.classes)


def compared(
    model: SampleModel, exact: bool, energy: bool = False, pictures: int = 0
) -> Generator[Measured, None, dict[str, float]]:
    """Samples of fixed noise against real ones: see `Reference`. All that it takes where it is to be `exact`, then also
    `held_out_count`, how many samples were kept from training; else at most so many `pictures`, for an encoder may have to be
    trained. Of points the `energy` distance too."""
    reference, points = model.reference, model.form.points
    counted = {"held_out_count": float(len(model.form.data.held))} if exact else {}
    count = reference.count(exact) if exact or points else min(reference.count(exact), pictures)
    if not count:
        return counted
    labels, latents = reference.asked(count) if model.classes else None, model.noise(count, SEED)
    made = []
    for first in range(0, count, ROWS):
        part = slice(first, first + ROWS)
        asked = None if labels is None else labels[part]
        one = None
        for one in model.sample(latents[part], asked, model.variants[0]):
            yield Measured(done=0.5 * (first + ROWS * one.done) / (count + ROWS))
        assert one is not None
        made.append(one.samples)
    if points:
        places = np.concatenate(made)
        distance = (yield from reference.energy(places)) if energy else {}
        return counted | distance | reference.points(places)
    found = yield from reference.pictures(features.pictures(np.concatenate(made), model.device), labels)
    return counted | found


class SampleModel(Protocol):
    """What `compared` and `warped_grid` need of a model."""

    device: torch.device
    form: Form
    reference: Reference
    latent: LatentSpec

    @property
    def variants(self) -> tuple[str, ...]: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    def noise(self, count: int, seed: int) -> Array: ...

    def sample(self, latents: Array, labels: Array | None, variant: str) -> Iterator[Made]: ...


def plane(
    step: int, data: SampleData, real: Array, made: Array, field: Callable[[Array], Array], mesh: Array | None = None,
    arrows: Array | None = None,
) -> Plane:  # fmt: skip
    """Real and made points in the units of the dataset, over `field(places (n, 2)) -> (n,)` in [0, 1]."""
    found = field(places(data).astype(np.float32)).reshape(GRID, GRID).astype(np.float32)
    return Plane("plane", step, real, made, data.extent, found, True, arrows, mesh)


def places(data: SampleData) -> NDArray[np.float64]:
    """The middles of GRID x GRID cells that fill the extent of points, rows from its bottom up: (GRID^2, 2)."""
    x0, x1, y0, y1 = data.extent
    x, y = np.meshgrid(*(low + (high - low) * (np.arange(GRID) + 0.5) / GRID for low, high in ((x0, x1), (y0, y1))))
    return np.stack([x, y], -1).reshape(-1, 2)


def density_field(data: SampleData, log_density: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """p / (p + u) of a density p and the even density u over the extent: how sure one is that a point is of the model and was
    not dropped anywhere."""
    x0, x1, y0, y1 = data.extent
    even = -float(np.log((x1 - x0) * (y1 - y0)))
    return lambda places: 1 / (1 + np.exp(np.clip(even - log_density(places), -50, 50)))


def even_grid(kind: str = "normal") -> NDArray[np.float32]:
    """A square grid of quantiles of two latents, standard normal or uniform in [-1, 1], (MESH^2, 2): every cell is as likely."""
    shares = torch.linspace(0.02, 0.98, MESH, dtype=torch.float64)
    line = shares * 2 - 1 if kind == "uniform" else torch.special.ndtri(shares)
    first, second = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([first, second], -1).reshape(-1, 2).float().numpy()


def opinions(step: int, real: Array, fake: Array, bounded: bool) -> Histograms:
    """How often a discriminator says what of real samples (n,) and of fakes (m,): over all that it can say where that is
    `bounded`, a probability, else over what it says."""
    low, high = 0.0, 1.0
    if not bounded:
        both = np.concatenate([real, fake])
        low, high = float(both.min()), float(both.max())
        if low == high:
            low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    return Histograms("scores", step, edges, {"D(x)": np.histogram(real, edges)[0], "D(G(z))": np.histogram(fake, edges)[0]})
