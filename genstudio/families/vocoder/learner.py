"""Training of a vocoder: the discriminators, then the generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from genstudio.events import Snapshot
from genstudio.families.vocoder.config import VocoderConfig
from genstudio.families.vocoder.data import pieces
from genstudio.families.vocoder.model import VocoderModel
from genstudio.families.vocoder.showing import Viewer
from genstudio.nn.vocoder import Judged, feature_distance
from genstudio.training import adversarial
from genstudio.training.learner import EARLY, Tick, Values
from genstudio.training.optim import Adam, schedule
from genstudio.training.updates import Updates


class VocoderLearner:
    """Trains a generator of sound against its discriminators, with an Adam for each. All that is random in step s is drawn from
    `seed` and s."""

    tokens_per_step, preview_every = 0, 2.0
    criterion = "mel_error"
    evaluate_early = EARLY

    def __init__(self, model: VocoderModel, seed: int) -> None:
        self.model, self.seed, config = model, seed, model.config
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            name: Adam(module.parameters(), 1e-3, (config.beta1, config.beta2)) for name, module in model.modules.items()
        }
        self.updates = Updates(model.modules.values(), self.optimizers)
        self.evaluate_every = config.evaluate_every
        self.threads: int | None = None
        self.step = 0
        self._view: Viewer | None = None

    @property
    def config(self) -> VocoderConfig:
        return self.model.config

    @property
    def view(self) -> Viewer:
        self._view = self._view or Viewer(self.model)
        return self._view

    def batch(self, step: int) -> Tensor:
        """Pieces of sound (batch, segment * hop) in [-1, 1] of a step. Raises DataError."""
        return torch.from_numpy(pieces(self.config, self.model.data, self.seed, step)).to(self.model.device)

    def training_step(self, batch: Tensor, step: int, progress: float) -> Values:
        """One update of the discriminators, then one of the generator. A gradient that is not finite changes nothing but is
        reported."""
        self.step = step
        config = self.config
        factor = schedule(config.schedule, progress, 1, hold=config.hold)
        rates = {"generator": config.g_rate * factor, "discriminators": config.d_rate * factor}
        self.updates.set_rates(rates, betas=(config.beta1, config.beta2))
        mels = self.model.mels(batch)
        made: Tensor = self.model.generator(mels, (self.seed * 1_000_003 + step) * 211)
        values: Values = {}
        if joined := step > config.join:
            values = self.discriminator_step(batch, made.detach())
        with self.updates.frozen("discriminators"):  # their gradients would be computed and thrown away
            loss, told = self.objective(batch, mels, made, joined)
            loss.backward()
        norm = self.updates.step("generator", clip=config.clip)
        return {
            **values, **told, "gradient_norm_g": norm, "rate_g": rates["generator"], "rate_d": rates["discriminators"],
        }  # fmt: skip

    def objective(self, wave: Tensor, mels: Tensor, made: Tensor, joined: bool = True) -> tuple[Tensor, Values]:
        """What the generator makes smaller (Kong et al. 2020, equation 8): a scalar, and its parts without their weights."""
        config = self.config
        near = self._part(config.mel, lambda: F.l1_loss(self.model.mels(made), mels))
        if not joined:
            return config.mel * near, {"mel_loss": near.detach()}
        with torch.no_grad():
            real: Judged = self.model.discriminators(wave)
        with torch.set_grad_enabled(config.adversarial > 0 or config.feature > 0):
            scores, features = self.model.discriminators(made)
        liked = torch.stack([adversarial.generator_loss(config.loss, each) for each in scores]).sum()
        alike = feature_distance(real[1], features)
        parts = ((config.adversarial, liked), (config.feature, alike), (config.mel, near))
        loss = torch.stack([weight * part for weight, part in parts if weight]).sum() if any(w for w, _ in parts) else 0 * near
        return loss, {"mel_loss": near.detach(), "g_loss": liked.detach(), "feature_loss": alike.detach()}

    def _part(self, weight: float, loss: Callable[[], Tensor]) -> Tensor:
        """A part of the loss; what has no weight is worked out all the same, for its number, but leaves no trace."""
        with torch.set_grad_enabled(weight > 0):
            return loss()

    def discriminator_step(self, wave: Tensor, made: Tensor) -> Values:
        """Tell pieces of real sound (B, T) from as many made ones."""
        kind = self.config.loss
        scores, _ = self.model.discriminators(torch.cat([wave, made]))
        loss = torch.zeros((), device=self.model.device)
        real, fake = zip(*(each.chunk(2) for each in scores), strict=True)
        for theirs, ours in zip(real, fake, strict=True):
            loss = loss + adversarial.real_loss(kind, theirs) + adversarial.fake_loss(kind, ours)
        loss.backward()
        norm = self.updates.step("discriminators", clip=self.config.clip)
        both = torch.stack([torch.cat([each.detach().flatten() for each in some]) for some in (real, fake)])
        return {**adversarial.opinions(kind, both, False), "d_loss": loss.detach(), "gradient_norm_d": norm}

    def change(self, values: Mapping[str, object]) -> None:
        """Other settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def opening(self, step: int) -> Iterator[Snapshot]:
        """What stays the same; see `showing`."""
        yield from (shown for shown in self.view.opening(step) if isinstance(shown, Snapshot))

    def preview(self) -> Iterator[Snapshot | Tick]:
        """What the generator makes of held-out clips; see `showing`."""
        yield from self.view.preview(self.step)
