"""Loss at equal wall time: nanoGPT's documented CPU recipe against our default preset, on Shakespeare.

The recipe (karpathy/nanoGPT, README, "I only have a macbook") is written out here and in `families/gpt/plain.py`: 4 layers,
4 heads, 128, context 64, batch 12, learned positions, LayerNorm, GELU, tied embeddings, no biases,
no dropout, AdamW 1e-3 to 1e-4 along a cosine after 5% of warm-up, betas 0.9 and 0.99, weight decay 0.1, clipping 1.
Its schedule is stretched to the time given. Both are scored on every validation character once by the same function.
Only training counts as time.

    python tests/bench/bench_recipe.py [SECONDS] [SEEDS] [key=value of our settings ...]
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.data.learnable.tokens import TextData
from genstudio.data.shelf import find_dataset, open_dataset
from genstudio.data.work import finished
from genstudio.families.gpt import FAMILY, GPTConfig
from genstudio.families.gpt.learner import GPTLearner
from genstudio.families.gpt.model import GPTModel
from genstudio.families.gpt.plain import CONTEXT, plain


@torch.no_grad()
def exact(model: nn.Module, validation: np.ndarray, context: int = CONTEXT) -> float:
    """Nats a token over all but the first: windows move by half a context, and the second half of each counts."""
    ids, half, nats = torch.from_numpy(validation.astype(np.int64)), context // 2, 0.0
    starts = torch.arange(0, len(ids) - context, half)
    for part in starts.split(64):
        pieces = ids[part[:, None] + torch.arange(context + 1)]
        losses = F.cross_entropy(model(pieces[:, :-1]).transpose(1, 2), pieces[:, 1:], reduction="none").double()
        nats += float(losses[:, half:].sum()) + (float(losses[0, :half].sum()) if part[0] == 0 else 0.0)
    reached = int(starts[-1]) + context
    rest = ids[len(ids) - 1 - context :]
    last: Tensor = F.cross_entropy(model(rest[None, :-1])[0], rest[1:], reduction="none").double()
    left = len(ids) - 1 - reached
    nats += float(last[len(last) - left :].sum())
    return nats / (len(ids) - 1)


def recipe(data: TextData, seed: int, seconds: float) -> tuple[float, int]:
    """Loss and steps of nanoGPT's recipe after so many seconds."""
    model, step = plain(data.train, seed)

    def rate(progress: float) -> float:
        if progress < 0.05:
            return 1e-3 * max(progress, 1e-3) / 0.05
        return 1e-4 + 9e-4 * 0.5 * (1 + math.cos(math.pi * (progress - 0.05) / 0.95))

    steps = timed(lambda number, progress: step(rate(progress)), seconds)
    return exact(model, data.validation), steps


def ours(data: TextData, config: GPTConfig, seed: int, seconds: float) -> tuple[float, int]:
    """Loss and steps of our settings after so many seconds."""
    learner = GPTLearner(GPTModel(config, data, "cpu", seed), seed)
    steps = timed(lambda number, progress: learner.training_step(learner.batch(number), number, progress), seconds)
    *_, scored = learner.model.evaluate(exact=True)
    loss = exact(learner.transformer, data.validation, config.context)
    assert abs(scored.loss - loss) < 1e-4, "our evaluation disagrees with the bench's"
    return loss, steps


def timed(step: Callable[[int, float], object], seconds: float) -> int:
    """Call `step(number, progress)` until the time is over; how often that was."""
    began, number = time.monotonic(), 0
    while (progress := (time.monotonic() - began) / seconds) < 1:
        number += 1
        step(number, progress)
    return number


def measure(seconds: float = 120, seeds: int = 3, assignments: Sequence[str] = ()) -> float:
    """Prints a table; returns how many nats our mean is below the recipe's."""
    config = GPTConfig().override(assignments)
    data = finished(FAMILY.prepare(config, open_dataset(find_dataset("shakespeare"))))  # type: ignore[arg-type]
    theirs, mine = [], []
    print(
        f"{seconds:g} s each\n{'seed':>4}{'nanoGPT recipe':>17}{'steps':>7}{'ours':>9}{'steps':>7}{'gain':>8}",
        flush=True,
    )
    for seed in range(seeds):
        a, b = recipe(data, seed, seconds), ours(data, config, seed, seconds)
        theirs.append(a[0])
        mine.append(b[0])
        print(f"{seed:4}{a[0]:17.4f}{a[1]:7}{b[0]:9.4f}{b[1]:7}{a[0] - b[0]:8.4f}", flush=True)
    gain = statistics.mean(theirs) - statistics.mean(mine)
    print(
        f"mean{statistics.mean(theirs):17.4f}{'':7}{statistics.mean(mine):9.4f}{'':7}{gain:8.4f}   worst {max(mine):.4f}"
    )
    return gain


@pytest.mark.bench
@pytest.mark.timeout(1800)
def test_the_default_preset_beats_the_recipe_at_equal_time() -> None:
    assert measure() >= 0.22


if __name__ == "__main__":
    numbers = [argument for argument in sys.argv[1:] if "=" not in argument]
    measure(
        float(numbers[0]) if numbers else 120,
        int(numbers[1]) if len(numbers) > 1 else 3,
        [argument for argument in sys.argv[1:] if "=" in argument],
    )
