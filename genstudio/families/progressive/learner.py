"""Training of networks that grow: how far they are, then an update of each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from genstudio.events import Snapshot
from genstudio.families.progressive.config import ProgressiveConfig
from genstudio.families.progressive.data import draw
from genstudio.families.progressive.model import SHOWN, ProgressiveModel
from genstudio.families.progressive.showing import Viewer
from genstudio.nn.ema import update_ema
from genstudio.nn.growing import shrunk
from genstudio.training import adversarial
from genstudio.training.learner import Tick, Values
from genstudio.training.optim import Adam, schedule
from genstudio.training.updates import Updates

Batch = tuple[Tensor, Tensor | None]
_DRIFT = 1e-3
"""Weight of the squared scores of a Wasserstein critic, which have no other bound (Karras et al. 2018, A.1)."""


class ProgressiveLearner:
    """Trains a generator against its discriminator, with an Adam for each, while both grow. Everything random in step s is drawn
    from `seed` and s."""

    tokens_per_step, preview_every = 0, 0.3
    criterion = "frechet_distance"

    def __init__(self, model: ProgressiveModel, seed: int) -> None:
        self.model, self.seed = model, seed
        self.generator, self.discriminator, self.growth = model.generator, model.discriminator, model.growth
        betas = model.config.beta1, model.config.beta2
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            name: Adam(model.modules[name].parameters(), 1e-3, betas) for name in ("generator", "discriminator")
        }
        self.updates = Updates((self.generator, self.discriminator), self.optimizers)
        self._weights, self._average = list(self.generator.parameters()), list(model.average.parameters())
        self.evaluate_every = model.config.evaluate_every
        self.threads: int | None = None
        self.step, self.view = 0, Viewer(model)
        self._random = torch.Generator(model.device)
        self._seconds = 0.0
        self._marks: list[str] = []

    @property
    def config(self) -> ProgressiveConfig:
        return self.model.config

    def batch(self, step: int) -> Batch:
        """Real pictures (batch, C, H, W) of a step, at full size, and their classes (batch,) when conditional. Raises
        DataError."""
        data = self.model.data
        chosen = draw(self.config, data, self.seed, step)
        return self.model.inside(data.real[chosen]), self.model.asked(None if data.labels is None else data.labels[chosen])

    def training_step(self, batch: Batch, step: int, progress: float) -> Values:
        """One update of the discriminator, then one of the generator, at the size that has been reached. A gradient that is not
        finite changes nothing but is reported."""
        began = time.monotonic()
        self.step = step
        self._random.manual_seed((self.seed * 1_000_003 + step) % 2**63)
        self._grow(progress)
        config, fade = self.config, self.growth.fade
        factor = schedule(config.schedule, progress, 1, hold=config.hold)
        rates = {"generator": config.g_rate * factor, "discriminator": config.d_rate * factor}
        self.updates.set_rates(rates, betas=(config.beta1, config.beta2))
        real, labels = batch
        values = self.discriminator_step(shrunk(real, self.model.size, fade), labels)
        values = {**values, **self.generator_step(len(real), labels), "size": float(self.model.size), "fade": fade}
        self._seconds = time.monotonic() - began
        return {**values, "rate_g": rates["generator"], "rate_d": rates["discriminator"]}

    def _grow(self, progress: float) -> None:
        left, (latents, labels) = self.growth.stage, self.model.fixed
        if self.growth.advance(self.config, progress, self._seconds):
            smaller = self.model.grown_to(self.model.sizes[left], 1.0)
            kept = smaller.outside(smaller.made(latents[:SHOWN], "average", None if labels is None else labels[:SHOWN]))
            self.growth.rows[left].copy_(torch.from_numpy(kept))
            self._marks.append(f"{self.model.size} x {self.model.size} fades in.")

    def marks(self) -> tuple[str, ...]:
        """What happened in the last steps that the time axis should say, in sentences; each is told once."""
        marks, self._marks = tuple(self._marks), []
        return marks

    def discriminator_step(self, x: Tensor, labels: Tensor | None = None) -> Values:
        """Tell real pictures x (B, C, S, S) of the size that is trained, of these classes, from as many fakes."""
        config = self.config

        def judge(pictures: Tensor) -> Tensor:
            return self._judge(pictures, labels)

        with torch.no_grad():
            fake = self._fakes(len(x), labels)
        real = judge(x)
        if self.discriminator.deviation is not None:
            self.discriminator.deviation.remember()
        made = judge(fake)
        loss = adversarial.real_loss(config.loss, real) + adversarial.fake_loss(config.loss, made)
        if times := adversarial.lazily(self.step, config.penalty_every) * bool(config.r1):
            loss = loss + times * adversarial.zero_centred(judge, x, config.r1)
        if config.loss == "wasserstein_gp":
            shares = torch.rand(len(x), generator=self._random, device=x.device)
            loss = loss + adversarial.one_centred(judge, x, fake, config.gradient_penalty, shares)
            loss = loss + _DRIFT * real.square().mean()
        loss.backward()
        norm = self.updates.step("discriminator")
        told = adversarial.opinions(config.loss, torch.stack([real, made]).detach(), config.bounded)
        return {**told, "d_loss": loss.detach(), "gradient_norm_d": norm}

    def generator_step(self, count: int, labels: Tensor | None = None) -> Values:
        """Make `count` fakes, of these classes, that the discriminator takes for real."""
        with self.updates.frozen("discriminator"):  # its gradients would be computed and thrown away
            loss = adversarial.generator_loss(self.config.loss, self._judge(self._fakes(count, labels), labels))
            loss.backward()
        norm = self.updates.step("generator")
        update_ema(self._average, self._weights, self.config.ema, self.step)
        return {"g_loss": loss.detach(), "gradient_norm_g": norm}

    def _fakes(self, count: int, labels: Tensor | None) -> Tensor:
        z = torch.randn(count, self.config.latent, generator=self._random, device=self.model.device)
        made: Tensor = self.generator(z, self.growth.stage, self.growth.fade, labels)
        return made

    def _judge(self, pictures: Tensor, labels: Tensor | None) -> Tensor:
        logits: Tensor = self.discriminator(pictures, self.growth.stage, self.growth.fade, labels)
        return logits

    def change(self, values: Mapping[str, object]) -> None:
        """Other settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def opening(self, step: int) -> Iterator[Snapshot]:
        """What can be shown before the first step of a training; see `showing`."""
        yield from self.view.opening(step)

    def preview(self) -> Iterator[Snapshot | Tick]:
        """What the generator makes at this size, what smaller ones made, and what the discriminator says; see `showing`."""
        yield from self.view.preview(self.step)
