"""Training of a GAN: one iteration in stages, the generator's average, live settings, things to look at."""

from __future__ import annotations

import copy
from collections.abc import Generator as Steps
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genstudio.data.learnable.samples import SampleData
from genstudio.evaluation.features import Encoder
from genstudio.events import Snapshot
from genstudio.families.gan import losses, showing
from genstudio.families.gan.batches import draw
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.measuring import measure, neighbours
from genstudio.families.gan.networks import Discriminator, Generator, build
from genstudio.families.gan.stages import PATHS, TITLES, formula
from genstudio.nn.modes import evaluating
from genstudio.snapshots.step_stage import StepStage
from genstudio.training.learner import Measured, Tick
from genstudio.training.optim import Adam, schedule
from genstudio.training.updates import Updates

Values = Mapping[str, Tensor | float]
_ONE_THREAD = 256
"""Neurons of a layer up to which more threads only wait for each other: 150 iterations a second became 13 with two."""


@dataclass(slots=True, eq=False)
class Moment:
    """An iteration after one of its stages: the samples at hand, and the numbers that belong to its formula."""

    number: int
    real: Tensor
    labels: Tensor | None
    fake: Tensor | None = None
    values: Values | None = None
    update: int = 1
    updates: int = 1
    last: bool = False


class GANLearner:
    """A generator, its discriminator, and the generator's moving average; two Adams.

    `config` may be replaced between two steps by `change`. Everything random in step s is drawn from `seed` and s.
    `cache` is the folder that keeps the `encoder` of pictures; `known` is what was measured of real ones.
    """

    def __init__(self, config: GANConfig, data: SampleData, device: str, seed: int) -> None:
        self.config, self.data, self.device, self.seed = config, data, torch.device(device), seed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator, self.discriminator = build(config, data.shape)
        for network in (self.generator, self.discriminator):
            network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.discriminator.eval()
        self.parts: Mapping[str, nn.Module] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
        }
        self._weights: dict[str, list[Tensor]] = {name: list(part.parameters()) for name, part in self.parts.items()}
        self._norms = [m for m in self.generator.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
        self.generator.train(bool(self._norms))  # nothing else has a mode, and changing it for each look takes time
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            name: Adam(self._weights[name], 1e-3, (config.beta1, config.beta2))
            for name in ("generator", "discriminator")
        }
        self.updates = Updates((self.generator, self.discriminator), self.optimizers)
        self.evaluate_every = config.evaluate_every
        self.tokens_per_step = 0
        self.threads = 1 if data.shape.kind == "points" and config.width <= _ONE_THREAD else None
        self.preview_every = 0.15
        self.criterion = "js_divergence" if data.shape.kind == "points" else "frechet_distance"
        self.step = 0
        self.cache: Path | None = None
        self.encoder: Encoder | None = None
        self.known: dict[int, dict[str, Any]] = {}
        self.features: Any = None
        self.filled: GANLearner | None = None
        self._random = torch.Generator(self.device)
        self.view = showing.Viewer(config, data, self.device)

    def batch(self, step: int) -> tuple[Tensor, Tensor | None]:
        """Real samples (d_updates, batch, ...) of a step, and their classes when conditional. Raises DataError."""
        chosen = draw(self.config, self.data, self.seed, step)
        real = self.data.real[chosen.reshape(-1)]
        samples = self.samples(real).unflatten(0, chosen.shape)
        if not self.config.conditional or self.data.labels is None:
            return samples, None
        return samples, torch.from_numpy(self.data.labels[chosen]).to(self.device)

    def samples(self, real: Any) -> Tensor:
        """Stored samples as the networks see them: points (n, 2), or pictures (n, c, h, w) in [-1, 1]."""
        return showing.tensor(self.data.shape, real, self.device)

    def training_step(self, batch: Any, step: int, progress: float) -> Values:
        """All stages of an iteration in one go. A gradient that is not finite changes nothing but is reported."""
        moments = self.stages(batch, step, progress)
        while True:
            try:
                next(moments)
            except StopIteration as end:
                values: Values = end.value
                return values

    def stages(self, batch: Any, step: int, progress: float) -> Steps[Moment, None, Values]:
        """One iteration, stopping after each of its numbered stages; returns the numbers of the step."""
        self.step = step
        self._random.manual_seed((self.seed * 1_000_003 + step) % 2**63)
        d_learns, g_learns = self.config.learning(step)
        rates = self._set_rates(progress)
        values: dict[str, Tensor | float] = {}
        real, labels = batch
        for update in range(len(real)):
            y = None if labels is None else labels[update]
            at = (update + 1, len(real))
            yield from self._judge(real[update], y, d_learns, progress, at, values)
        for update in range(self.config.g_updates):
            at = (update + 1, self.config.g_updates)
            yield from self._forge(real[-1], y, g_learns, progress, at, values)
        return values | rates

    def _judge(
        self, x: Tensor, y: Tensor | None, learns: bool, progress: float, at: tuple[int, int], values: dict[str, Any]
    ) -> Steps[Moment, None, None]:
        """One update of the discriminator: stages 1 to 5."""
        config = self.config
        latent = self._latent(len(x))
        yield Moment(1, x, y, update=at[0], updates=at[1])
        fake = self._fakes(latent, y)
        yield Moment(2, x, y, fake, update=at[0], updates=at[1])
        seen = self._noisy(torch.cat([x, fake]), progress)
        both = None if y is None else torch.cat([y, y])
        self._teach(learns)
        with torch.set_grad_enabled(learns):
            scores = self.discriminator(seen, both)
        r, f = scores.chunk(2)
        values |= self._opinions(scores.detach().view(2, -1))
        yield Moment(3, x, y, fake, {"D(x)": values["d_real"], "D(G(z))": values["d_fake"]}, *at)
        if not learns:
            return
        loss = losses.weighted(losses.real_loss(config.loss, r, config.smoothing), config.real_weight)
        loss = loss + losses.weighted(losses.fake_loss(config.loss, f), config.fake_weight)
        count = (self.step - 1) * at[1] + at[0]
        # lazy regularisation (Karras et al. 2020): at each k-th update only, k times as hard, so its mean stays
        lazy = config.penalty_every if count % config.penalty_every == 0 else 0
        for penalty in self._penalties(seen[: len(x)], seen[len(x) :], y, lazy):
            loss = loss + penalty
        loss.backward()
        values["d_loss"] = loss.detach()
        values["gradient_norm_d"] = norm = self.updates.clip("discriminator")
        self._teach(False)
        yield Moment(4, x, y, fake, {"L_D": values["d_loss"], "|grad L_D|": norm}, *at)
        self.updates.apply(norm, "discriminator")
        if config.loss == "wasserstein":
            self._clip()
        yield Moment(5, x, y, fake, {"|grad L_D|": norm}, *at)

    def _forge(
        self, x: Tensor, y: Tensor | None, learns: bool, progress: float, at: tuple[int, int], values: dict[str, Any]
    ) -> Steps[Moment, None, None]:
        """One update of the generator: stages 6 to 8. The discriminator's weights are frozen meanwhile."""
        config = self.config
        latent = self._latent(len(x))
        self._freeze(True)
        try:
            fake = self.generator(latent, y) if learns else self._fakes(latent, y)
            scores = self.discriminator(self._noisy(fake, progress), y)
            opinion = self._opinion(scores.detach())
            ends = at[0] == at[1]
            yield Moment(6, x, y, fake.detach(), {"D(G(z))": opinion}, *at, ends and not learns)
            if not learns:
                return
            loss = losses.weighted(losses.generator_loss(config.loss, scores), config.generator_weight)
            loss.backward()
            values["g_loss"] = loss.detach()
            values["gradient_norm_g"] = norm = self.updates.clip("generator")
            yield Moment(7, x, y, fake.detach(), {"L_G": values["g_loss"], "|grad L_G|": norm}, *at)
        finally:
            self._freeze(False)
        self.updates.apply(norm, "generator")
        self._follow()
        yield Moment(8, x, y, fake.detach(), {"|grad L_G|": norm}, *at, ends)

    def _penalties(self, x: Tensor, fake: Tensor, y: Tensor | None, lazy: int) -> Iterator[Tensor]:
        """R1 and R2 as hard as `lazy` says, and the penalty of WGAN-GP, without which its critic knows no bound."""
        config = self.config

        def judge(samples: Tensor) -> Tensor:
            return self.discriminator(samples, y)

        if lazy and config.r1:
            yield lazy * losses.zero_centred(judge, x, config.r1)
        if lazy and config.r2:
            yield lazy * losses.zero_centred(judge, fake, config.r2)
        if config.loss == "wasserstein_gp" and config.gradient_penalty:
            packs = torch.rand(len(x) // config.pack, generator=self._random, device=self.device)
            shares = packs.repeat_interleave(config.pack)
            yield losses.one_centred(judge, x, fake, config.gradient_penalty, shares)

    def _opinion(self, scores: Tensor) -> Tensor:
        return (scores.sigmoid() if self.config.bounded else scores).mean()

    def _opinions(self, scores: Tensor) -> dict[str, Tensor]:
        """Of scores (2, n), real ones first: mean opinions, and how many are right."""
        opinions = (scores.sigmoid() if self.config.bounded else scores).mean(1).unbind()
        right = losses.accuracy(self.config.loss, scores)
        return dict(zip(("d_real", "d_fake", "accuracy_real", "accuracy_fake"), (*opinions, *right), strict=True))

    def _latent(self, count: int) -> Tensor:
        return latent(self.config, count, self._random)

    @torch.no_grad()
    def _fakes(self, noise: Tensor, y: Tensor | None) -> Tensor:
        """Fakes of the generator as it trains, without a trace in it."""
        for module in self._norms:
            module.track_running_stats = False
        made = self.generator(noise, y)
        for module in self._norms:
            module.track_running_stats = True
        return made

    def _noisy(self, samples: Tensor, progress: float) -> Tensor:
        config = self.config
        if not config.noise or progress >= config.noise_until:
            return samples
        deviation = config.noise * (1 - progress / config.noise_until)
        drawn = torch.empty_like(samples).normal_(generator=self._random)
        return samples + deviation * drawn

    def _set_rates(self, progress: float) -> dict[str, float]:
        config = self.config
        factor = schedule(config.schedule, progress, 1, hold=config.hold)
        rates = {"generator": config.g_rate * factor, "discriminator": config.d_rate * factor}
        self.updates.set_rates(rates, betas=(config.beta1, config.beta2))
        return {"rate_g": rates["generator"], "rate_d": rates["discriminator"]}

    def _teach(self, on: bool) -> None:
        """Spectral norm takes its power step in updates of the discriminator only."""
        if self.config.spectral_norm:
            self.discriminator.train(on)

    def _freeze(self, on: bool) -> None:
        for p in self._weights["discriminator"]:
            p.requires_grad_(not on)

    @torch.no_grad()
    def _clip(self) -> None:
        torch._foreach_clamp_min_(self._weights["discriminator"], -self.config.clip)
        torch._foreach_clamp_max_(self._weights["discriminator"], self.config.clip)

    @torch.no_grad()
    def _follow(self) -> None:
        """The average moves towards the generator by 1 - ema, and by more in the first steps: (1 + s) / (10 + s)."""
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step)) if self.config.ema else 0.0
        torch._foreach_lerp_(self._weights["average"], self._weights["generator"], 1 - decay)
        if self._norms:
            for mine, theirs in zip(self.average.buffers(), self.generator.buffers(), strict=True):
                mine.copy_(theirs)

    def change(self, values: Mapping[str, Any]) -> None:
        """Other settings from the next step on. Raises ConfigError."""
        self.config = type(self.config).parse({**self.config.model_dump(), **values})
        self.view.config = self.config

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """Fidelity and diversity of the generator's average, of fixed noise: the last one is the result."""
        yield from measure(self, exact)

    def opening(self, step: int) -> Iterator[Snapshot]:
        """What can be shown before the first step of a training; see `showing`."""
        yield from self.view.opening(step)

    def preview(self) -> Iterator[Snapshot | Tick]:
        """What the generator makes and what the discriminator thinks of it; see `showing`."""
        with evaluating(self.generator):
            shown = list(self.view.preview(self.generator, self.average, self.discriminator, self.step))
        yield from shown

    def stage(self, moment: Moment) -> tuple[Snapshot, ...]:
        """A picture of this moment, and a StepStage: the same in words and numbers."""
        number = moment.number
        values = tuple((name, float(value)) for name, value in (moment.values or {}).items())
        told = StepStage(
            "stage", self.step, number, TITLES[number - 1], formula(self.config, number), values, PATHS[number - 1],
            moment.update, moment.updates, moment.last,
        )  # fmt: skip
        with evaluating(self.generator):
            snapshot = self.view.moment(
                self.generator, self.discriminator, self.step, moment.real, moment.labels, moment.fake
            )
        return snapshot, told

    @torch.no_grad()
    def make(self, noise: Tensor, labels: Tensor | None = None, *, raw: bool = False) -> Tensor:
        """Samples of noise (n, latent) by the average, or by the raw generator, as it is used and not as it trains."""
        network: Generator = self.generator if raw else self.average
        with evaluating(network):
            return network(noise, labels)

    def sampled(self, noise: Any, labels: Any = None, *, raw: bool = False) -> tuple[Any, Any]:
        """Samples of noise (n, latent) as they are stored, points (n, 2) or pictures (n, h, w, c) uint8, and scores (n,).

        Points are in the units of the dataset.
        """
        told = None if labels is None else torch.from_numpy(labels).to(self.device)
        made = self.make(torch.from_numpy(noise).to(self.device), told, raw=raw)
        scores = self.view.opinions(self.discriminator, made, told)
        if self.data.shape.kind == "points":
            return self.data.outside(made.cpu().numpy()), scores
        return showing.as_pixels(made), scores

    def neighbours(self, picture: Any, count: int) -> Steps[float, None, dict[str, tuple[Any, Any]]]:
        """Indices and distances of the training pictures nearest to a picture (h, w, c) uint8; yields the fraction done."""
        return neighbours(self, picture, count)

    def on(self, data: SampleData) -> GANLearner:
        """The same networks with other data, for measuring them."""
        other = copy.copy(self)
        other.data, other.known, other.encoder, other.features = data, {}, None, None
        return other

    def noise(self, count: int, seed: int) -> Tensor:
        """Latents (count, latent) that depend on count and seed alone."""
        return latent(self.config, count, torch.Generator(self.device).manual_seed(seed % 2**63))


def latent(config: GANConfig, count: int, random: torch.Generator) -> Tensor:
    """Noise (count, latent) of the chosen distribution."""
    if config.latent_kind == "uniform":
        return torch.rand(count, config.latent, generator=random, device=random.device) * 2 - 1
    return torch.randn(count, config.latent, generator=random, device=random.device)


__all__ = ["Discriminator", "GANLearner", "Moment", "latent"]
