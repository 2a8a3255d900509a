"""How fast a DCGAN is trained on this computer, against a plain loop and against what limits it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from genstudio.data import shelf
from genstudio.data.work import Work, finished
from genstudio.evaluation.figures import Figure
from genstudio.evaluation.timing import in_turns, products, ratio, typical
from genstudio.families import gan
from genstudio.families.gan.plain import Plain

if TYPE_CHECKING:
    from genstudio.families.gan.learner import GANLearner

_ROWS, _INPUTS, _OUTPUTS = 4096, 512, 512
"""A product as large as those that convolutions become."""


def built(device: str = "cpu") -> GANLearner:
    """The 28x28 preset, without what a plain loop has not."""
    family = gan.FAMILY
    preset = next(p for p in family.presets if p.name == "mnist")
    bare = {"r1": 0.0, "conditional": False, "condition": "embedding", "ema": 0.0}
    config = family.config.parse({**preset.values, **bare})
    data = finished(family.prepare(config, shelf.open_dataset(shelf.find_dataset(preset.data or "mnist10k"))))
    learner: GANLearner = family.learner(family.model(config, data, device, 0), 0)  # type: ignore[assignment]
    return learner


def stepping(learner: GANLearner) -> Callable[[], tuple[float, float]]:
    """A function that makes one iteration of ours, and returns both losses."""
    number = 0

    def run() -> tuple[float, float]:
        nonlocal number
        number += 1
        values = learner.training_step(learner.batch(number), number, 0.0)
        return float(values["d_loss"]), float(values["g_loss"])

    return run


def measure() -> Work[tuple[Figure, ...]]:
    """Iterations of a 28x28 DCGAN in pictures per second, and on a CUDA GPU, where there is one. Yields the fraction done."""
    learner = built()
    count, work = learner.config.batch, products([(_ROWS, _INPUTS, _OUTPUTS)])
    times = yield from in_turns({"ours": stepping(learner), "plain": Plain(learner).step, "products": work}, seconds=12.0)
    operations = gan.FAMILY.cost(learner.config, shelf.find_dataset("mnist10k"), 0).flops_per_step
    bound = 6 * _ROWS * _INPUTS * _OUTPUTS / typical(times, "products") / operations * count
    ours = count / typical(times, "ours")
    figure = Figure(
        "Training step, DCGAN 28x28", "images/s", ours, "plain loop", count / typical(times, "plain"),
        ratio(times, "ours", "plain"), "matrix products", bound, ours / bound,
    )  # fmt: skip
    name = "Training step, DCGAN 28x28, on the GPU"
    if not torch.cuda.is_available():
        return figure, Figure(name, note="this computer has no CUDA GPU that PyTorch can use")
    fast = yield from in_turns({"ours": stepping(built("cuda"))}, rounds=50)
    rate = count / typical(fast, "ours")
    return figure, Figure(name, "images/s", rate, "on the CPU", ours, rate / ours)
