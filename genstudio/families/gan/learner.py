"""Training of a GAN: one iteration, the generator's average, live settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from genstudio.events import Snapshot
from genstudio.families.gan.batches import draw
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.model import GANModel
from genstudio.families.gan.showing import Viewer
from genstudio.families.gan.stages import PATHS, TITLES, formula
from genstudio.nn.ema import update_ema
from genstudio.nn.modes import evaluating
from genstudio.snapshots.step_stage import StepStage
from genstudio.training import adversarial
from genstudio.training.learner import Tick, Values
from genstudio.training.optim import Adam, schedule
from genstudio.training.updates import Updates

Batch = tuple[Tensor, Tensor | None]
_ONE_THREAD = 256
"""Neurons of a layer up to which more threads only wait for each other: 150 iterations a second became 13 with two."""


class GANLearner:
    """Trains a generator against its discriminator with two Adams. Everything random in step s is drawn from `seed` and s."""

    def __init__(self, model: GANModel, seed: int) -> None:
        self.model, self.seed = model, seed
        self.generator, self.discriminator = model.generator, model.discriminator
        config, points = model.config, model.data.shape.kind == "points"
        self._weights: dict[str, list[Tensor]] = {
            name: list(module.parameters()) for name, module in model.modules.items()
        }
        self._norms = [m for m in self.generator.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
        self.generator.train(bool(self._norms))  # nothing else has a mode, and changing it for each look takes time
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            name: Adam(self._weights[name], 1e-3, (config.beta1, config.beta2)) for name in ("generator", "discriminator")
        }
        self.updates = Updates((self.generator, self.discriminator), self.optimizers)
        self.evaluate_every, self.tokens_per_step, self.preview_every = config.evaluate_every, 0, 0.15
        self.threads = 1 if points and config.width <= _ONE_THREAD else None
        self.criterion = "js_divergence" if points else "frechet_distance"
        self.step, self.progress = 0, 0.0
        self.view = Viewer(model)
        self._random = torch.Generator(model.device)
        self._stages: list[tuple[Snapshot, StepStage]] | None = None

    @property
    def config(self) -> GANConfig:
        return self.model.config

    def batch(self, step: int) -> Batch:
        """Real samples (d_updates, batch, ...) of a step, and their classes when conditional. Raises DataError."""
        data = self.model.data
        chosen = draw(self.config, data, self.seed, step)
        samples = self.model.inside(data.real[chosen.reshape(-1)]).unflatten(0, chosen.shape)
        if not self.config.conditional or data.labels is None:
            return samples, None
        return samples, self.model.labels(data.labels[chosen])

    def training_step(self, batch: Batch, step: int, progress: float) -> Values:
        """One iteration (Goodfellow et al. 2014, algorithm 1): updates of the discriminator, then of the generator.

        A gradient that is not finite changes nothing but is reported.
        """
        self.step, self.progress = step, progress
        self._random.manual_seed((self.seed * 1_000_003 + step) % 2**63)
        rates = self._set_rates()
        real, labels = batch
        y = None
        values: Values = {}
        for update, x in enumerate(real, 1):
            y = None if labels is None else labels[update - 1]
            values = {**values, **self.discriminator_step(x, y, update)}
        for update in range(1, self.config.g_updates + 1):
            values = {**values, **self.generator_step(real[-1], y, update)}
        return {**values, **rates}

    def discriminator_step(self, x: Tensor, y: Tensor | None, update: int) -> Values:
        """Tell real samples x (B, ...) of classes y (B,) from as many fakes."""
        config, (learns, _), of = self.config, self.config.learning(self.step), (update, self.config.d_updates)
        z = self.model.latents(len(x), self._random)
        self._stage(1, of, x, y)
        fake = self._fakes(z, y)
        self._stage(2, of, x, y, fake)
        noisy = self._with_noise(torch.cat([x, fake]))
        self.set_spectral_update(learns)
        with torch.set_grad_enabled(learns):
            logits = self.discriminator(noisy, None if y is None else torch.cat([y, y]))
        opinions = adversarial.opinions(config.loss, logits.detach().view(2, -1), config.bounded)
        values: dict[str, Tensor | float] = {**opinions}
        self._stage(3, of, x, y, fake, {"D(x)": values["d_real"], "D(G(z))": values["d_fake"]})
        if not learns:
            return values

        loss = self._d_loss(*logits.chunk(2))
        for penalty in self._penalties(noisy[: len(x)], noisy[len(x) :], y, update):
            loss = loss + penalty
        loss.backward()
        self.set_spectral_update(False)
        values["d_loss"] = loss.detach()
        values["gradient_norm_d"] = norm = self.updates.clip("discriminator")
        self._stage(4, of, x, y, fake, {"L_D": values["d_loss"], "|grad L_D|": norm})
        self.updates.apply(norm, "discriminator")
        if config.loss == "wasserstein":
            self._clip_weights()
        self._stage(5, of, x, y, fake, {"|grad L_D|": norm})
        return values

    def generator_step(self, x: Tensor, y: Tensor | None, update: int) -> Values:
        """Make fakes, as many as there are real samples x, that the discriminator takes for real."""
        config, (_, learns), of = self.config, self.config.learning(self.step), (update, self.config.g_updates)
        z = self.model.latents(len(x), self._random)
        with self.updates.frozen("discriminator"):  # its gradients would be computed and thrown away
            fake = self.generator(z, y) if learns else self._fakes(z, y)
            logits = self.discriminator(self._with_noise(fake), y)
            self._stage(6, of, x, y, fake, {"D(G(z))": adversarial.opinion(logits.detach(), config.bounded).mean()})
            if not learns:
                return {}
            loss = adversarial.weighted(adversarial.generator_loss(config.loss, logits), config.generator_weight)
            loss.backward()
        norm = self.updates.clip("generator")
        self._stage(7, of, x, y, fake, {"L_G": loss.detach(), "|grad L_G|": norm})
        self.updates.apply(norm, "generator")
        self._update_average()
        self._stage(8, of, x, y, fake, {"|grad L_G|": norm})
        return {"g_loss": loss.detach(), "gradient_norm_g": norm}

    def _d_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Of logits (B / pack,) each."""
        config = self.config
        loss = adversarial.weighted(adversarial.real_loss(config.loss, real, config.smoothing), config.real_weight)
        return loss + adversarial.weighted(adversarial.fake_loss(config.loss, fake), config.fake_weight)

    def _penalties(self, x: Tensor, fake: Tensor, y: Tensor | None, update: int) -> Iterator[Tensor]:
        """R1, R2, and the penalty of WGAN-GP, without which its critic knows no bound."""
        config = self.config

        def critic(samples: Tensor) -> Tensor:
            return self.discriminator(samples, y)

        lazy = adversarial.lazily((self.step - 1) * config.d_updates + update, config.penalty_every)
        if lazy and config.r1:
            yield lazy * adversarial.zero_centred(critic, x, config.r1)
        if lazy and config.r2:
            yield lazy * adversarial.zero_centred(critic, fake, config.r2)
        if config.loss == "wasserstein_gp" and config.gradient_penalty:
            packs = torch.rand(len(x) // config.pack, generator=self._random, device=x.device)
            shares = packs.repeat_interleave(config.pack)
            yield adversarial.one_centred(critic, x, fake, config.gradient_penalty, shares)

    @torch.no_grad()
    def _fakes(self, z: Tensor, y: Tensor | None) -> Tensor:
        """Fakes of the generator as it trains, without a trace in it."""
        for module in self._norms:
            module.track_running_stats = False
        made: Tensor = self.generator(z, y)
        for module in self._norms:
            module.track_running_stats = True
        return made

    def _with_noise(self, samples: Tensor) -> Tensor:
        """Samples with the noise that fades in the course of the training."""
        config = self.config
        if not config.noise or self.progress >= config.noise_until:
            return samples
        deviation = config.noise * (1 - self.progress / config.noise_until)
        return samples + deviation * torch.empty_like(samples).normal_(generator=self._random)

    def _set_rates(self) -> dict[str, float]:
        config = self.config
        factor = schedule(config.schedule, self.progress, 1, hold=config.hold)
        rates = {"generator": config.g_rate * factor, "discriminator": config.d_rate * factor}
        self.updates.set_rates(rates, betas=(config.beta1, config.beta2))
        return {"rate_g": rates["generator"], "rate_d": rates["discriminator"]}

    def set_spectral_update(self, on: bool) -> None:
        """Spectral norm takes its power step in updates of the discriminator only."""
        if self.config.spectral_norm:
            self.discriminator.train(on)

    @torch.no_grad()
    def _clip_weights(self) -> None:
        torch._foreach_clamp_min_(self._weights["discriminator"], -self.config.clip)
        torch._foreach_clamp_max_(self._weights["discriminator"], self.config.clip)

    def _update_average(self) -> None:
        update_ema(self._weights["average"], self._weights["generator"], self.config.ema, self.step)
        if self._norms:
            for mine, theirs in zip(self.model.average.buffers(), self.generator.buffers(), strict=True):
                mine.copy_(theirs)

    def change(self, values: Mapping[str, object]) -> None:
        """Other settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def opening(self, step: int) -> Iterator[Snapshot]:
        """What can be shown before the first step of a training; see `showing`."""
        yield from self.view.opening(step)

    def preview(self) -> Iterator[Snapshot | Tick]:
        """What the generator makes and what the discriminator makes of it; see `showing`."""
        with evaluating(self.generator):
            shown = list(self.view.preview(self.step))
        yield from shown

    def in_stages(self, batch: Batch, step: int, progress: float) -> tuple[Values, list[tuple[Snapshot, ...]]]:
        """One iteration, with a picture of it after each of its numbered stages, and the same in words and numbers."""
        self._stages = []
        try:
            values, stages = self.training_step(batch, step, progress), self._stages
        finally:
            self._stages = None
        *before, (shown, stage) = stages
        return values, [*before, (shown, replace(stage, last=True))]

    def _stage(
        self, number: int, of: tuple[int, int], real: Tensor, labels: Tensor | None, fake: Tensor | None = None,
        values: Values | None = None,
    ) -> None:  # fmt: skip
        """Where a step is, noted while somebody watches."""
        if self._stages is None:
            return
        numbers = tuple((name, float(value)) for name, value in (values or {}).items())
        words = TITLES[number - 1], formula(self.config, number), numbers, PATHS[number - 1]
        shown = self.view.stage(self.step, real, labels, None if fake is None else fake.detach())
        self._stages.append((shown, StepStage("stage", self.step, number, *words, *of)))
