"""Iterations a second of the 28x28 preset against a plain PyTorch loop of the same networks.

python tests/bench/bench_gan_speed.py prints both, taken in turns; at least 1.1 times the plain loop is wanted.
"""

from __future__ import annotations

import copy
import statistics
import time
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from genstudio import families
from genstudio.data import shelf
from genstudio.data.slices import finished

WANTED, ROUNDS, STEPS = 1.1, 5, 12


def built() -> Any:
    family: Any = families.get("gan")
    preset = next(p for p in family.presets if p.name == "mnist")
    plain = {"r1": 0.0, "conditional": False, "condition": "embedding", "ema": 0.0}
    config = family.config.parse({**preset.values, **plain})
    data = finished(family.prepare(config, shelf.open_dataset(shelf.find_dataset("mnist10k"))))
    return family.learner(config, data, "cpu", 0)


class Plain:
    """What a tutorial does: default memory layout and Adam, probabilities and their cross-entropy, no freezing."""

    def __init__(self, learner: Any) -> None:
        self.generator = copy.deepcopy(learner.generator).to(memory_format=torch.contiguous_format)
        self.discriminator = copy.deepcopy(learner.discriminator).to(memory_format=torch.contiguous_format)
        self.latent, self.batch = learner.config.latent, learner.config.batch
        pixels = torch.from_numpy(learner.data.real[learner.data.train].copy()).permute(0, 3, 1, 2)
        self.real = (pixels.float() / 127.5 - 1).contiguous()
        self.d_adam = torch.optim.Adam(self.discriminator.parameters(), 1e-3, (0.0, 0.99))
        self.g_adam = torch.optim.Adam(self.generator.parameters(), 1e-3, (0.0, 0.99))

    def step(self) -> tuple[float, float]:
        real = self.real[torch.randint(0, len(self.real), (self.batch,))]
        ones, zeros = torch.ones(self.batch), torch.zeros(self.batch)
        fake = self.generator(torch.randn(self.batch, self.latent))
        self.d_adam.zero_grad()
        d_loss = self._cross(self.discriminator(real), ones) + self._cross(self.discriminator(fake.detach()), zeros)
        d_loss.backward()
        self.d_adam.step()
        self.g_adam.zero_grad()
        fake = self.generator(torch.randn(self.batch, self.latent))
        g_loss = self._cross(self.discriminator(fake), ones)
        g_loss.backward()
        self.g_adam.step()
        return d_loss.item(), g_loss.item()

    def _cross(self, scores: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(scores.sigmoid(), target)


def measure() -> tuple[float, float]:
    """Median iterations a second: ours, the plain loop's."""
    learner = built()
    plain = Plain(learner)
    number = 0
    rates: tuple[list[float], list[float]] = ([], [])
    for turn in range(ROUNDS + 1):
        began = time.monotonic()
        for _ in range(STEPS):
            number += 1
            values = learner.training_step(learner.batch(number), number, 0.0)
            float(values["d_loss"]), float(values["g_loss"])
        half = time.monotonic()
        for _ in range(STEPS):
            plain.step()
        end = time.monotonic()
        if turn:
            rates[0].append(STEPS / (half - began))
            rates[1].append(STEPS / (end - half))
    return statistics.median(rates[0]), statistics.median(rates[1])


@pytest.mark.bench
def test_it_is_faster_than_the_plain_loop() -> None:
    ours, plain = measure()
    print(f"ours {ours:.1f}, plain loop {plain:.1f} iterations/s: {ours / plain:.2f}x, {torch.get_num_threads()} threads")
    assert ours >= WANTED * plain


if __name__ == "__main__":
    test_it_is_faster_than_the_plain_loop()
