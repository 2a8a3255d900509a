"""The training loop of a GAN as tutorials write it: the reference that ours is measured against."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from genstudio.families.gan.learner import GANLearner


class Plain:
    """The same networks with the default memory layout and Adam, probabilities and their cross-entropy, and nothing frozen."""

    def __init__(self, learner: GANLearner) -> None:
        self.generator, self.discriminator = (
            copy.deepcopy(network).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
            for network in (learner.generator, learner.discriminator)
        )
        self.latent, self.batch = learner.config.latent, learner.config.batch
        pixels = torch.from_numpy(learner.model.data.real[learner.model.data.train].copy()).permute(0, 3, 1, 2)
        self.real = (pixels.float() / 127.5 - 1).contiguous()
        self.d_adam = torch.optim.Adam(self.discriminator.parameters(), learner.config.d_rate, (0.0, 0.99))
        self.g_adam = torch.optim.Adam(self.generator.parameters(), learner.config.g_rate, (0.0, 0.99))

    def step(self, real: Tensor | None = None, noise: list[Tensor] | None = None) -> tuple[float, float]:
        """One iteration with `real` (B, C, H, W) and two times `noise` (B, latent), drawn where not given; both losses."""
        if real is None:
            real = self.real[torch.randint(0, len(self.real), (self.batch,))]
        first, second = noise or (torch.randn(self.batch, self.latent) for _ in range(2))
        ones, zeros = torch.ones(self.batch), torch.zeros(self.batch)
        fake = self.generator(first)
        self.d_adam.zero_grad()
        d_loss = self._cross(self.discriminator(real), ones) + self._cross(self.discriminator(fake.detach()), zeros)
        d_loss.backward()
        self.d_adam.step()
        self.g_adam.zero_grad()
        fake = self.generator(second)
        g_loss = self._cross(self.discriminator(fake), ones)
        g_loss.backward()
        self.g_adam.step()
        return d_loss.item(), g_loss.item()

    def _cross(self, scores: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(scores.sigmoid(), target)
