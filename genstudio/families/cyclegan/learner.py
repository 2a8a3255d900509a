"""Training of a CycleGAN: both generators together, then both discriminators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from genstudio.data.learnable.sides import A, B
from genstudio.events import Snapshot
from genstudio.families.cyclegan.config import CycleGANConfig
from genstudio.families.cyclegan.data import draw
from genstudio.families.cyclegan.model import CycleGAN
from genstudio.families.cyclegan.showing import Viewer
from genstudio.training import adversarial
from genstudio.training.learner import Tick, Values
from genstudio.training.optim import Adam, schedule
from genstudio.training.updates import Updates

Batch = tuple[Tensor, Tensor]
_PARTS = {"generators": ("to_b", "to_a"), "discriminators": ("judge_a", "judge_b")}


class CycleGANLearner:
    """Trains two generators against two discriminators, with an Adam for each pair. All that is random in step s is drawn from
    `seed` and s."""

    tokens_per_step, preview_every = 0, 0.5

    def __init__(self, model: CycleGAN, seed: int) -> None:
        self.model, self.seed, config = model, seed, model.config
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            name: Adam([p for part in parts for p in model.modules[part].parameters()], 1e-3, (config.beta1, config.beta2))
            for name, parts in _PARTS.items()
        }
        self.updates = Updates([model.modules[part] for parts in _PARTS.values() for part in parts], self.optimizers)
        self.evaluate_every = config.evaluate_every
        self.criterion = "partner_error" if model.data.partners is not None else "frechet_distance"
        self.threads: int | None = None
        self.step, self.view = 0, Viewer(model)
        self._random = torch.Generator()

    @property
    def config(self) -> CycleGANConfig:
        return self.model.config

    def batch(self, step: int) -> Batch:
        """Pictures (batch, C, H, W) of A and of B of a step. Raises DataError."""
        chosen = draw(self.config, self.model.data, self.seed, step)
        a, b = (self.model.inside(self.model.data.real[one]) for one in chosen)
        return a, b

    def training_step(self, batch: Batch, step: int, progress: float) -> Values:
        """One update of the generators, then one of the discriminators. A gradient that is not finite changes nothing but is
        reported."""
        self.step = step
        self._random.manual_seed((self.seed * 1_000_003 + step) % 2**63)
        config = self.config
        factor = schedule(config.schedule, progress, 1, hold=config.hold)
        rates = {"generators": config.g_rate * factor, "discriminators": config.d_rate * factor}
        self.updates.set_rates(rates, betas=(config.beta1, config.beta2))
        fakes, values = self.generator_step(*batch)
        told = self.discriminator_step(batch, self.model.pool.exchanged(fakes, self._random))
        return {**values, **told, "rate_g": rates["generators"], "rate_d": rates["discriminators"]}

    def generator_step(self, a: Tensor, b: Tensor) -> tuple[tuple[Tensor, Tensor], Values]:
        """What becomes of both, and how it is liked: (fakes of A, fakes of B), numbers."""
        with self.updates.frozen("discriminators"):  # their gradients would be computed and thrown away
            made_b, same_b = self._turned(a, b, B)
            made_a, same_a = self._turned(b, a, A)
            loss, values = self.objective(a, b, made_a, made_b)
            if same_a is not None and same_b is not None:
                same = F.l1_loss(same_a, a) + F.l1_loss(same_b, b)
                loss, values = loss + self.config.identity * same, {**values, "identity_loss": same.detach()}
            loss.backward()
        norm = self.updates.step("generators")
        return (made_a.detach(), made_b.detach()), {**values, "gradient_norm_g": norm}

    def _turned(self, foreign: Tensor, own: Tensor, side: int) -> tuple[Tensor, Tensor | None]:
        """Pictures of the other set as such of a set; and where the identity loss counts, its own, in the same pass."""
        if not self.config.identity:
            return self.model.turned(foreign, side), None
        made, same = self.model.turned(torch.cat([foreign, own]), side).chunk(2)
        return made, same

    def objective(self, a: Tensor, b: Tensor, made_a: Tensor, made_b: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """What the generators make smaller but for the identity loss (Zhu et al. 2017, 3): a scalar, and its parts without their
        weights."""
        config, turned = self.config, self.model.turned
        liked = self._liked(made_a, A) + self._liked(made_b, B)
        there = self._part(config.cycle, lambda: F.l1_loss(turned(made_b, A), a))
        back = self._part(config.cycle_back, lambda: F.l1_loss(turned(made_a, B), b))
        loss = config.generator_weight * liked + config.cycle * there + config.cycle_back * back
        return loss, {"cycle_loss": (there + back).detach(), "g_loss": liked.detach()}

    def _part(self, weight: float, loss: Callable[[], Tensor]) -> Tensor:
        """A part of the loss; what has no weight is worked out all the same, for its number, but leaves no trace."""
        with torch.set_grad_enabled(weight > 0):
            return loss()

    def _liked(self, made: Tensor, side: int) -> Tensor:
        return adversarial.generator_loss(self.config.loss, self.model.discriminator(side)(made))

    def discriminator_step(self, real: Batch, fakes: tuple[Tensor, Tensor]) -> Values:
        """Tell the real pictures of each set from as many fakes."""
        config, told = self.config, list[dict[str, Tensor]]()
        loss = torch.zeros((), device=self.model.device)
        for side in (A, B):
            judge = self.model.discriminator(side)
            logits = judge(torch.cat([real[side], fakes[side]]))
            seen, made = logits.chunk(2)
            mine = adversarial.real_loss(config.loss, seen) + adversarial.fake_loss(config.loss, made)
            if config.r1:
                mine = mine + adversarial.zero_centred(judge, real[side], config.r1)
            loss = loss + mine
            told.append(adversarial.opinions(config.loss, logits.detach().view(2, -1), config.bounded))
        loss.backward()
        norm = self.updates.step("discriminators")
        means = {name: (told[A][name] + told[B][name]) / 2 for name in told[A]}
        return {**means, "d_loss": loss.detach(), "gradient_norm_d": norm}

    def change(self, values: Mapping[str, object]) -> None:
        """Other settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def opening(self, step: int) -> Iterator[Snapshot]:
        yield from self.view.preview(step)

    def preview(self) -> Iterator[Snapshot | Tick]:
        """Held-out pictures there and back; see `showing`."""
        yield from self.view.preview(self.step)
