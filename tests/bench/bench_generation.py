"""Writing with the KV cache: against reading everything again, a bare loop, and what the memory can give.

python tests/bench/bench_generation.py [TOKENS]
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from genstudio.data.work import finished
from genstudio.evaluation.timing import clock, in_turns, reading, typical
from genstudio.families.gpt.bench import CLASSIC, LARGE, build, one_token, writers
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPT
from genstudio.sampling.choose import SamplingOptions, distribution
from genstudio.sampling.reader import Reader
from genstudio.sampling.text import stream
from genstudio.tasks.evaluate import Evaluate
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.train import Train
from genstudio.tasks.write import Generate
from helpers import answer, result, run_task


class Uncached:
    """The same model without a cache."""

    def __init__(self, model: GPT) -> None:
        self.model, self.context = model, model.context

    def __call__(self, ids: torch.Tensor, cache: None = None, last: bool = False) -> torch.Tensor:
        return self.model(ids, None, last)

    def new_cache(self, batch: int = 1) -> None:
        return None


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
    rows = [
        ("12 layers, 768", LARGE, 50_257),
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


class Only(Models):
    """Models of which there is one, that was never trained."""

    def __init__(self, model: GPT) -> None:
        super().__init__()
        size = model.vocabulary
        pieces = tuple(map(str, range(size)))
        tokenizer = SimpleNamespace(
            size=size,
            begin=None,
            end=None,
            encode_lossy=lambda text: (np.arange(len(text), dtype=np.int32), ()),
            decode=lambda ids: "".join(pieces[i] for i in ids),
            pieces=lambda ids: tuple(pieces[i] for i in np.asarray(ids).tolist()),
        )

        def known(stack: Any) -> Any:
            return SimpleNamespace(
                config=None, data=None, modules={"model": stack}, device=torch.device("cpu"), tokenizer=tokenizer,
                context=model.context, language_model=stack, transformer=stack, with_transformer=known, layers=None,
            )  # fmt: skip

        self.only: Opened[Any] = Opened(known(model), 0, "never trained", "gpt")

    def get(self, ref: ModelRef) -> Opened[Any]:
        return self.only.int8() if ref.precision == "int8" else self.only


def latency(values: dict[str, Any], vocabulary: int, tokens: int = 100, rounds: int = 8) -> tuple[float, float]:
    """Milliseconds for each token of a bare loop and of the task Generate: the best of several rounds in turns."""
    model = build(values, vocabulary)
    models = Only(model)
    bare, ours = list[float](), list[float]()
    for _ in range(rounds):
        cache, ids = model.new_cache(), torch.arange(16)[None]
        began = clock()
        for _ in range(tokens):
            ids = one_token(model, ids, cache)
        bare.append(clock() - began)
        models.only._readers = None
        task = Generate(ModelRef(""), ("0123456789abcdef",), tokens, SamplingOptions(0.8, 40, 0.95))
        began = clock()
        frames = list(task.run(models))
        ours.append(clock() - began)
        assert len(frames[-1].snapshots[0].chosen) == tokens  # type: ignore[attr-defined]
    return min(bare) / tokens * 1e3, min(ours) / tokens * 1e3


@pytest.mark.bench
@pytest.mark.parametrize(
    ("name", "values"),
    [("4 layers, 128, classic", {"context": 512, **CLASSIC}), ("4 layers, 128, default", {"context": 512})],
)
def test_a_token_costs_little_more_than_in_a_bare_loop(name: str, values: dict[str, Any]) -> None:
    bare, ours = latency(values, 65)
    print(f"{name}: bare {bare:.2f} ms, generated {ours:.2f} ms a token, {ours / bare:.2f} x")
    assert ours <= 1.3 * bare


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_a_large_model_is_as_fast_as_its_memory() -> None:
    """`as made` is the bare loop with the weights as training leaves them, and int8 is told against both."""
    ways, count = writers()
    times = finished(in_turns({**ways, **reading(count)}, rounds=45))
    middle = {name: 1e3 * typical(times, name) for name in times}
    bound = min(middle["sum"], middle["dot"])
    said = ", ".join(f"{name} {value:.1f} ms ({bound / value:.0%})" for name, value in middle.items())
    print(f"12 layers, 768, {4e-6 * count / bound:.1f} GB/s: {said}")
    for name in ("float32", "as made"):
        print(f"int8 is {middle[name] / middle['int8']:.2f} x as fast as {name}")
    assert bound / middle["float32"] >= 0.75
    assert middle["float32"] <= 1.3 * middle["bare"]
    assert middle["float32"] / middle["int8"] >= 2


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_eight_bits_change_the_loss_little(tmp_path: Path) -> None:
    task = Train("gpt", "shakespeare", GPTConfig().model_dump(), steps=300, runs_folder=tmp_path)
    run = answer(run_task(task), "run")
    losses = [result(Evaluate(ModelRef(run, "last", precision)))["loss_nats"] for precision in ("float32", "int8")]
    print(f"validation loss {losses[0]:.4f} in float32, {losses[1]:.4f} in int8: {losses[1] - losses[0]:+.4f} nats")
    assert abs(losses[1] - losses[0]) < 0.02


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_branching_back_costs_what_is_new() -> None:
    model = build(LARGE, 50_257)
    ids = np.random.default_rng(0).integers(0, 50_257, 700).tolist()
    reader = Reader(model)
    times = []
    for text in (ids, [*ids[:200], 1, 2, 3], ids[:203]):
        began = clock()
        (Reader(model) if text == ids[:203] else reader).logits(text)
        times.append(clock() - began)
    whole, branch, anew = times
    print(f"reading 700 tokens {whole:.2f} s; 3 new ones, 500 tokens back, {branch:.3f} s, where all 203 take {anew:.2f} s")
    assert branch < 0.15 * anew


@pytest.mark.bench
def test_the_bars_follow_a_slider_in_one_frame() -> None:
    rng = np.random.default_rng(0)
    logits = (3 * rng.normal(size=50_257)).astype(np.float32)
    seen = rng.integers(0, 50_257, 1024)
    for options in (
        SamplingOptions(),
        SamplingOptions(0.8, top_k=50),
        SamplingOptions(0.8, top_p=0.95),
        SamplingOptions(3.0, top_p=0.99),
        SamplingOptions(0.8, 200, 0.95, min_p=0.01, repetition_penalty=1.2),
    ):
        times = []
        for _ in range(40):
            began = clock()
            distribution(logits, options, seen)
            times.append(clock() - began)
        print(f"{statistics.median(times) * 1e3:6.2f} ms  {options}")
        assert statistics.median(times) < 0.008


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:]))
