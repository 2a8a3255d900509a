"""Writing with the KV cache against reading everything again for each token.

python tests/bench/bench_generation.py [TOKENS]
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import pytest
import torch

from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPT
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.text import stream

CLASSIC = {"activation": "gelu", "positions": "learned", "norm": "layernorm", "qk_norm": False, "tied": True}


class Uncached:
    """The same model without a cache."""

    def __init__(self, model: GPT) -> None:
        self.model, self.context = model, model.context

    def __call__(self, ids: torch.Tensor, cache: None = None, last: bool = False) -> torch.Tensor:
        return self.model(ids, None, last)

    def new_cache(self, batch: int = 1) -> None:
        return None


def build(values: dict[str, Any], vocabulary: int) -> GPT:
    torch.manual_seed(0)
    model = GPT(GPTConfig.parse(values), vocabulary).eval()
    torch.nn.init.normal_(model.head.weight, std=0.02)
    return model


def write(model: Any, tokens: int) -> tuple[list[int], list[float]]:
    """Greedy tokens after 16 others, and the seconds each took."""
    ids, times, began = [], [], time.perf_counter()
    for choice in stream(model, range(16), SamplingOptions(greedy=True), 0, tokens):
        ids.append(choice.id)
        times.append(time.perf_counter() - began)
        began = time.perf_counter()
    return ids, times


def measure(tokens: int = 200) -> float:
    """Prints a table; returns the speed-up of the 12-layer model."""
    large = {"layers": 12, "heads": 12, "d_model": 768, "context": 1024, **CLASSIC}
    rows = [
        ("12 layers, 768", large, 50_257),
        ("4 layers, 128, classic", {"context": 512, **CLASSIC}, 65),
        ("4 layers, 128, default", {"context": 512}, 65),
    ]
    ratio = 0.0
    print(f"{'':26}{'cached ms':>10}{'uncached ms':>13}{'speed-up':>10}  same tokens")
    for name, values, vocabulary in rows:
        model = build(values, vocabulary)
        write(model, 3)
        fast, fast_times = write(model, tokens)
        slow, slow_times = write(Uncached(model), tokens)
        speedup = sum(slow_times) / sum(fast_times)
        ratio = ratio or speedup
        print(
            f"{name:26}{statistics.median(fast_times) * 1e3:10.2f}{statistics.median(slow_times) * 1e3:13.2f}"
            f"{speedup:10.1f}  {'yes' if fast == slow else 'NO'}"
        )
        assert fast == slow
    return ratio


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_the_cache_is_five_times_as_fast_and_writes_the_same() -> None:
    assert measure() >= 5


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:]))
