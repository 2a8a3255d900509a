"""What removes noise step by step, whatever it is told beside how noisy a sample is: shared by the families that do."""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.data.learnable.samples import SampleData
from genstudio.events import Snapshot
from genstudio.families.abilities import Denoised
from genstudio.families.coder import CoderLearner
from genstudio.families.denoising import CONDITION, FREQUENCIES, Noising
from genstudio.families.samples import ROWS, Array, OnSamples, noise_of
from genstudio.nn.ema import update_ema
from genstudio.nn.positions import time_features
from genstudio.sampling import diffusion
from genstudio.sampling.diffusion import CLEAN, Flow, Level, Sampler, Schedule, Step
from genstudio.snapshots.samples import Bars
from genstudio.training.learner import Measured, Tick, Values

BINS = 10
"""Noise levels that the loss is told apart by."""
_SEED = 20_200_619
_HELD = 1000
_FEWEST = 100


class Denoiser(nn.Module):
    """Noisy samples (B, ...), the time (B,) of their noise, and a condition, to what is predicted (B, ...).

    The condition is a vector (B, CONDITION) of whatever is asked for, or none. A kind of it sets `body`, and says what
    `condition` is.
    """

    body: nn.Module

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(FREQUENCIES, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION))

    def condition(self, asked: Tensor | None, count: int) -> Tensor | None:
        """The vectors (count, CONDITION) of what is asked for (count, ...); None where the network is asked for nothing."""
        return None

    def forward(self, x: Tensor, time: Tensor, condition: Tensor | None) -> Tensor:
        """x (B, 2) or (B, C, H, W), time (B,) in [0, 1] or one for all (1,), condition likewise -> like x"""
        told = self.time(time_features(time, FREQUENCIES))
        return self.body(x, F.silu(told if condition is None else told + condition))


class NoiseModel(OnSamples):
    """A network that predicts what is noise in a noisy sample, and the moving average of its weights, which samples.

    Inside, points are standardised and pixels lie in [-1, 1]; a latent is pure noise, one number for each of a sample. What can
    be asked for is a tensor with a row for each sample; `conditional` says whether anything can. A family makes it of labels in
    `_given` and of stored samples in `_asked_of`, and ends its `__init__` with `_take`.
    """

    variants = ("average", "network")
    config: Noising
    network: Denoiser
    average: Denoiser
    levels: Schedule | Flow
    modules: Mapping[str, nn.Module]
    _asked: Sampler | None = None

    def _take(self, data: SampleData) -> None:
        super()._take(data)
        self._variance: float | None = None

    @property
    def conditional(self) -> bool:
        return bool(self.classes)

    def _given(self, labels: Array | None) -> Tensor | None:
        """What these labels (n,) ask for, -1 for nothing."""
        return None if labels is None or not self.classes else torch.from_numpy(np.array(labels)).to(self.device)

    def _asked_of(self, chosen: Array) -> Tensor | None:
        """What would be asked for to get these samples of the data (n,)."""
        return self.form.labels(chosen) if self.classes else None

    def _nothing(self, asked: Tensor) -> Tensor:
        """What asks for nothing, in the form of `asked`."""
        return torch.full_like(asked, -1)

    @property
    def sampler(self) -> Sampler:
        return self._asked or self.config.usual_sampler

    def sampling(self, sampler: Sampler) -> Self:
        sampler.check()
        other = copy.copy(self)
        other._asked = sampler
        return other

    def first_weight(self, variant: str) -> Array | None:
        """None: the noise passes the network once per step."""
        return None

    def to_model(self, samples: Tensor) -> Tensor:
        """Samples in the form of `Form` as the network reads them."""
        return samples if self.form.points else samples * 2 - 1

    def outside(self, x: Tensor) -> Array:
        """What the network reads, as samples are outside."""
        return self.form.outside(x if self.form.points else (x + 1) / 2)

    def _errors(self, network: Denoiser, x: Tensor, noise: Tensor, share: Tensor, labels: Tensor | None) -> Tensor:
        """Squared errors (B,), means over the numbers of a sample, at shares (B,) in [0, 1) of the way to pure noise."""
        signal, spread, time = self._at(share, x.ndim)
        made: Tensor = network(signal * x + spread * noise, time, network.condition(labels, len(x)))
        return self._squared(made, x, noise, signal, spread)

    def _squared(self, made: Tensor, clean: Tensor, noise: Tensor, signal: Tensor, spread: Tensor) -> Tensor:
        wanted = diffusion.target(self.config.objective, clean, noise, signal, spread)
        return (made - wanted).square().flatten(1).mean(1)

    def _at(self, share: Tensor, ndim: int) -> tuple[Tensor, Tensor, Tensor]:
        """Signal and noise (B, 1, ...) and time (B,) of shares (B,)."""
        if isinstance(self.levels, diffusion.Flow):
            signal, spread, time = 1 - share, share, share
        else:
            steps = len(self.levels)
            t = (share * steps).long().clamp_(max=steps - 1)
            abar = torch.from_numpy(self.levels.abar.astype(np.float32)).to(share.device)[t]
            signal, spread, time = abar.sqrt(), (1 - abar).sqrt(), (t + 1).float() / steps
        shape = (-1, *[1] * (ndim - 1))
        return signal.view(shape), spread.view(shape), time

    def level(self, share: float) -> Level:
        """The noise level at a share in [0, 1] of the way to pure noise; at 0 it is CLEAN."""
        if isinstance(self.levels, diffusion.Flow):
            return self.levels.level(share)
        t = round(share * len(self.levels)) - 1
        return self.levels.level(t) if t >= 0 else CLEAN

    def predict(self, x: Tensor, level: Level, labels: Tensor | None, variant: str = "average") -> tuple[Tensor, Tensor]:
        """The noise and the clean sample in x (B, ...), guided as the sampler says; classes (B,), -1 for none. The clean sample
        is kept where samples can be: at high noise it is far from certain."""
        network, guidance = self.modules[variant], self.sampler.guidance
        assert isinstance(network, Denoiser)
        if not self.conditional or labels is None or guidance == 0:
            output = self._output(network, x, level, None)
        elif guidance == 1:
            output = self._output(network, x, level, labels)
        else:  # both in one pass
            both = self._output(network, torch.cat([x, x]), level, torch.cat([self._nothing(labels), labels]))
            without, told = both.chunk(2)
            output = without + guidance * (told - without)
        noise, clean = diffusion.predicted(self.config.objective, output, x, level.signal, level.noise)
        kept = torch.minimum(torch.maximum(clean, self._low), self._high)
        if level.noise and not torch.equal(kept, clean):
            noise = (x - level.signal * kept) / level.noise
        return noise, kept

    def _output(self, network: Denoiser, x: Tensor, level: Level, labels: Tensor | None) -> Tensor:
        time = torch.full((1,), level.time, device=x.device)  # the same for all: what is told of it is worked out once
        output: Tensor = network(x, time, network.condition(labels, 1))
        return output

    @property
    def _low(self) -> Tensor:
        return self._corner(0)

    @property
    def _high(self) -> Tensor:
        return self._corner(1)

    def _corner(self, which: int) -> Tensor:
        """Between which numbers samples lie: the extent of the points, or black and white."""
        if not self.form.points:
            return torch.tensor(2.0 * which - 1, device=self.device)
        x, y = self.data.extent[which], self.data.extent[2 + which]
        return torch.from_numpy(self.data.inside(np.array([x, y], np.float32))).to(self.device)

    @torch.no_grad()
    def sample(self, latents: Array, labels: Array | None = None, variant: str = "average") -> Iterator[Denoised]:
        """A step of the sampler each. Classes (n,), -1 for none; where none are given they take turns."""
        levels = self.levels.levels(self.sampler.steps)
        x = self._shaped(latents) * levels[0].noise
        yield from self._walk(x, levels, self._labels(labels, len(latents)), variant, noise_of(latents))

    def _walk(
        self, x: Tensor, levels: Sequence[Level], labels: Tensor | None, variant: str, random: torch.Generator
    ) -> Iterator[Denoised]:
        def draw(like: Tensor) -> Tensor:
            return torch.randn(like.shape, generator=random).to(like.device)

        steps = diffusion.sample(x, levels, lambda x, level: self.predict(x, level, labels, variant), self.sampler, draw)
        for number, step in enumerate(steps, 1):
            yield self._told(step, number / (len(levels) - 1))

    def _told(self, step: Step, done: float) -> Denoised:
        return Denoised(
            self.outside(step.after), None, done, self.outside(step.x), self._noise_outside(step.noise), self.outside(step.clean),
            step.level.noise, step.to.noise,
        )  # fmt: skip

    def _noise_outside(self, noise: Tensor) -> Array:
        """Noise as it can be seen: of points in the units of the dataset, of pixels three deviations from black to white."""
        if self.form.points:
            return (noise.cpu().numpy() * np.float32(self.data.scale)).astype(np.float32)
        return self.form.outside(0.5 + noise / 6)

    @torch.no_grad()
    def encode(self, samples: Array, labels: Array | None = None) -> Array:
        """The noise that a deterministic sampler would make these of (n, latent), found by walking its way back (Song et al.
        2021)."""
        x, asked = self.to_model(self.form.inside(samples)), self._given(labels)
        for step in self._back(x, asked):
            x = step.after
        latents: Array = x.flatten(1).cpu().numpy()
        return latents

    @torch.no_grad()
    def reconstruct(self, samples: Array, labels: Array | None = None) -> Array:
        """To their noise and back."""
        deterministic = self.sampling(Sampler("heun", self.sampler.steps, guidance=self.sampler.guidance))
        latents, asked = deterministic.encode(samples, labels), np.full(len(samples), -1) if labels is None else labels
        *_, made = deterministic.sample(latents, asked)
        return made.samples

    def _back(self, x: Tensor, labels: Tensor | None) -> Iterator[Step]:
        levels = self.levels.levels(self.sampler.steps)
        return diffusion.invert(x, levels, lambda x, level: self.predict(x, level, labels))

    @torch.no_grad()
    def noised(self, samples: Array, latents: Array, share: float, labels: Array | None) -> Denoised:
        level = self.level(share)
        x = level.signal * self.to_model(self.form.inside(samples)) + level.noise * self._shaped(latents)
        noise, clean = self.predict(x, level, self._given(labels)) if level.noise else (torch.zeros_like(x), x)
        return Denoised(
            self.outside(x), None, share, self.outside(x), self._noise_outside(noise), self.outside(clean), level.noise,
            level.noise,
        )

    @torch.no_grad()
    def restore(self, samples: Array, latents: Array, share: float, labels: Array | None) -> Iterator[Denoised]:
        start = self.level(share)
        rest = [level for level in self.levels.levels(self.sampler.steps) if level.noise < start.noise]
        x = start.signal * self.to_model(self.form.inside(samples)) + start.noise * self._shaped(latents)
        if rest:
            yield from self._walk(x, [start, *rest], self._given(labels), "average", noise_of(latents))

    @torch.no_grad()
    def score(self, places: Array, share: float) -> Array:
        level = self.level(max(share, 1e-3))
        x = self.form.inside(places)
        _, clean = self.predict(x, level, None)
        found: Array = ((level.signal * clean - x) * self.data.scale).cpu().numpy()
        return found

    def _shaped(self, latents: Array) -> Tensor:
        flat = torch.from_numpy(np.require(latents, np.float32, ["C", "W"])).to(self.device)
        return self.form.shaped(flat)

    def _labels(self, labels: Array | None, count: int) -> Tensor | None:
        if labels is None and self.classes:
            labels = np.arange(count) % len(self.classes)
        return self._given(labels)

    def _trained(self, x: Tensor, asked: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What the network makes of samples x (B, ...) at noise levels spread evenly over them, with the noise that was drawn,
        and signal and noise of the levels (B, 1, ...)."""
        share = (torch.arange(len(x), device=x.device) + torch.rand(len(x), device=x.device)) / len(x)
        noise, (signal, spread, time) = torch.randn_like(x), self._at(share, x.ndim)
        made = self.network(signal * x + spread * noise, time, self.network.condition(asked, len(x)))
        return made, noise, signal, spread

    def losses(self) -> Generator[Measured, None, dict[str, float]]:
        """`val_loss` of the EMA for samples that are kept from training, with fixed noise at even levels, and `raw_loss` of the
        weights in training; `known_loss`, the first of samples that were trained on; `simple_loss` of a network that always
        predicts the mean."""
        held = self.data.held if len(self.data.held) else self.data.train
        values = {"val_loss": float(self._by_level(held).mean())}
        yield Measured(done=0.1)
        values["raw_loss"] = float(self._by_level(held, self.network).mean())
        values["known_loss"] = float(self._by_level(self.reference.used).mean())
        values["simple_loss"] = float(self._simple().mean())
        yield Measured(done=0.2)
        return values

    def loss_by_level(self, step: int) -> Bars:
        """The loss of held-out samples at noise levels from little to much."""
        found = self._by_level(self.data.held if len(self.data.held) else self.data.train)
        names = tuple(f"{100 * index // BINS}-{100 * (index + 1) // BINS}%" for index in range(BINS))
        return Bars("loss_by_level", step, found.astype(np.float32), names)

    def _affordable(self) -> int:
        """How many pictures can be sampled at a tenth of what was computed for the training since the last evaluation, where a
        step of training costs three passes of the network; 0 where these are too few to say anything."""
        computed = 3 * self.config.evaluate_every * self.config.batch
        count = computed // (10 * self.sampler.passes(self.conditional))
        return count if count >= _FEWEST else 0

    @torch.no_grad()
    def _by_level(self, chosen: Array, network: Denoiser | None = None) -> Array:
        """The mean loss (BINS,) of stored samples at noise levels from little to much; of the EMA, or another network."""
        chosen = np.resize(np.random.default_rng(_SEED).permutation(chosen), _HELD // BINS * BINS)
        random, errors = torch.Generator().manual_seed(_SEED), []
        shares = (torch.arange(len(chosen)) + torch.rand(len(chosen), generator=random)) / len(chosen)
        for first in range(0, len(chosen), ROWS):
            part = slice(first, first + ROWS)
            x = self.to_model(self.form.stored(chosen[part]))
            noise = torch.randn(x.shape, generator=random).to(self.device)
            asked = self._asked_of(chosen[part])
            errors.append(self._errors(network or self.average, x, noise, shares[part].to(self.device), asked))
        found: Array = torch.cat(errors).view(BINS, -1).mean(1).cpu().numpy()
        return found

    def _simple(self) -> Array:
        """The loss (BINS,) of always predicting the mean of the training samples."""
        if self._variance is None:
            x = self.to_model(self.form.stored(self.data.train[:ROWS])).flatten(1)
            self._variance = float(x.var(0, correction=0).mean())
        signal, spread, _ = self._at((torch.arange(BINS) + 0.5) / BINS, 1)
        a, s = signal.double().numpy() ** 2, spread.double().numpy() ** 2
        known = {"noise": np.ones(BINS), "x0": np.full(BINS, self._variance), "v": a + s * self._variance}
        return np.asarray(known.get(self.config.objective, np.full(BINS, 1 + self._variance)))


class EmaLearner(CoderLearner):
    """A network, its Adam, and the moving average of its weights, by which it is measured."""

    preview_every = 0.5
    evaluate_early = (50,)  # what is measured of pictures takes as long as that

    def __init__(self, model: Any, seed: int) -> None:
        super().__init__(model, seed)
        self._newest, self._average = (list(module.parameters()) for module in (model.network, model.average))

    def training_step(self, batch: Any, step: int, progress: float) -> Values:
        """One update of the network, and of its average. A gradient that is not finite changes nothing but is reported."""
        values = super().training_step(batch, step, progress)
        update_ema(self._average, self._newest, self.model.config.ema, step)
        return values

    def preview(self) -> Iterator[Snapshot | Tick]:
        yield from self.model.preview(self.step)
