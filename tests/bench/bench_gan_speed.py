"""Iterations a second of the 28x28 preset against a plain PyTorch loop of the same networks.

python tests/bench/bench_gan_speed.py prints both, taken in turns; at least 1.1 times the plain loop is wanted. Processor
time of one thread, so that others at work on the computer count as little as can be; the median of the rounds' ratios.
"""

from __future__ import annotations

import pytest
import torch

from genstudio.data.work import finished
from genstudio.evaluation.figures import table
from genstudio.families.gan.bench import built, measure
from genstudio.families.gan.plain import Plain

WANTED = 1.1


@pytest.mark.bench
def test_it_is_faster_than_the_plain_loop() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        figures = finished(measure())
    finally:
        torch.set_num_threads(before)
    print("\n".join(table(figures)))
    assert figures[0].ratio is not None and figures[0].ratio >= WANTED


@pytest.mark.bench
def test_both_loops_compute_the_same() -> None:
    """From the same weights, noise and pictures: the same losses, and the same weights after a step."""
    learner = built()
    plain = Plain(learner)
    drawn, real = learner.config.batch, learner.batch(1)[0][0]
    random = torch.Generator().manual_seed(learner.seed * 1_000_003 + 1)
    noise = [torch.randn(drawn, learner.config.latent, generator=random) for _ in range(2)]
    values = learner.training_step(learner.batch(1), 1, 0.0)
    losses = plain.step(real, noise)
    assert losses == pytest.approx((float(values["d_loss"]), float(values["g_loss"])), rel=1e-4)
    for ours, theirs in ((learner.generator, plain.generator), (learner.discriminator, plain.discriminator)):
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert (mine - other).abs().mean() < 1e-5


if __name__ == "__main__":
    test_both_loops_compute_the_same()
    test_it_is_faster_than_the_plain_loop()
