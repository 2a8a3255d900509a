"""How fast a GPT is trained and writes on this computer, against plain loops and against what limits it."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from genstudio.data import shelf
from genstudio.data.datasets import TextDataset
from genstudio.data.learnable.tokens import TextData, prepare_text
from genstudio.data.tokenizers import CharTokenizer
from genstudio.data.work import Work, finished, scaled
from genstudio.evaluation.figures import Figure
from genstudio.evaluation.timing import clock, in_turns, products, ratio, reading, typical
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.learner import GPTLearner
from genstudio.families.gpt.model import GPT, GPTModel
from genstudio.families.gpt.plain import BATCH, CONTEXT, LAYERS, SAME, VOCABULARY, WIDTH, plain
from genstudio.families.stack import cost
from genstudio.nn.int8 import quantised
from genstudio.nn.layout import lay_out_for_writing
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.text import stream

CLASSIC = {"activation": "gelu", "positions": "learned", "norm": "layernorm", "qk_norm": False, "tied": True}
LARGE: dict[str, Any] = {"layers": 12, "heads": 12, "d_model": 768, "context": 1024, **CLASSIC}
"""The shape of GPT-2 with 124 million parameters."""
GPU: dict[str, Any] = {"layers": 6, "heads": 6, "d_model": 384, "context": 256, "batch": 64, "precision": "bfloat16"}
LOSS = 2.4
_SEEN, _AT_MOST = 20, 45.0
"""Steps that a loss is the mean of, and seconds that each may take to come down to it."""


def measure() -> Work[tuple[Figure, ...]]:
    """The figures, in about a minute and a half on two cores. Yields the fraction done."""
    steps = yield from scaled(steps_per_second(15.0), 0.0, 0.2)
    loss = yield from scaled(seconds_to_loss(), 0.2, 0.6)
    written = yield from scaled(tokens_written(), 0.6, 0.95)
    gpu = yield from scaled(on_gpu(), 0.95, 1.0)
    return (*steps, loss, *written, *gpu)


def random_text(vocabulary: int = VOCABULARY) -> TextData:
    """A million random characters: how fast a step is does not depend on them."""
    ids = np.random.default_rng(0).integers(0, vocabulary, 1_000_000).astype(np.uint16)
    return TextData(CharTokenizer("".join(map(chr, range(33, 33 + vocabulary)))), ids, ids[:1000], 999, "random", "")


def stepping(data: TextData, values: dict[str, Any], device: str = "cpu") -> Callable[[], Tensor | float]:
    """A function that makes one step of ours with these settings, and returns the loss."""
    learner = GPTLearner(GPTModel(GPTConfig.parse(values), data, device, 0), 0)
    step = 0

    def run() -> Tensor | float:
        nonlocal step
        step += 1
        return learner.training_step(learner.batch(step), step, 0.0)["train_loss"]

    return run


def linears(rows: int = BATCH * CONTEXT) -> list[tuple[int, int, int]]:
    """Rows, inputs and outputs of the linear layers of the reference model."""
    block = [(rows, WIDTH, 3 * WIDTH), (rows, WIDTH, WIDTH), (rows, WIDTH, 4 * WIDTH), (rows, 4 * WIDTH, WIDTH)]
    return [*block * LAYERS, (rows, WIDTH, VOCABULARY)]


def steps_per_second(seconds: float) -> Work[tuple[Figure, ...]]:
    """A training step of the reference model, and of the default settings, against a plain eager loop and the products of its
    matrices alone."""
    data = random_text()
    _, reference = plain(data.train)
    contenders: dict[str, Callable[[], object]] = {
        "plain": lambda: reference(1e-3),
        "same": stepping(data, dict(SAME)),
        "default": stepping(data, {}),
        "products": products(linears()),
    }
    times = yield from in_turns(contenders, seconds=seconds, rounds=5, repeat=4)
    tokens = BATCH * CONTEXT
    plain_rate, bound = tokens / typical(times, "plain"), tokens / typical(times, "products")
    return tuple(
        Figure(
            title, "tokens/s", tokens / typical(times, name), "plain eager loop", plain_rate, ratio(times, name, "plain"),
            "matrix products", bound, ratio(times, name, "products"),
        )
        for name, title in (("same", "Training step, 4x128, AdamW"), ("default", "Training step, default settings"))
    )


def seconds_to_loss(loss: float = LOSS) -> Work[Figure]:
    """How soon the default settings come down to a loss on Shakespeare, against the plain loop with nanoGPT's rate: the mean of
    batches that are new, each in its own time."""
    text = shelf.open_dataset(shelf.find_dataset("shakespeare"))
    assert isinstance(text, TextDataset)
    data = finished(prepare_text(text, "none", CONTEXT))
    _, reference = plain(data.train, vocabulary=data.tokenizer.size)
    runs = {"plain": lambda: reference(1e-3), "ours": stepping(data, {"schedule": "constant"})}
    taken: dict[str, float] = {}
    for place, (name, step) in enumerate(runs.items()):
        seen, spent = deque[float](maxlen=_SEEN), 0.0
        while len(seen) < _SEEN or sum(seen) / _SEEN > loss:
            began = clock()
            seen.append(float(step()))
            spent += clock() - began
            if spent > _AT_MOST:
                return Figure(f"Seconds to a loss of {loss:g}", note=f"more than {_AT_MOST:g} s on this computer")
            yield (place + min(spent / _AT_MOST, 1.0)) / len(runs)
        taken[name] = spent
    return Figure(
        f"Seconds to a loss of {loss:g}", "s", taken["ours"], "plain loop at 1e-3", taken["plain"], taken["plain"] / taken["ours"]
    )


def build(values: dict[str, Any], vocabulary: int) -> GPT:
    """A model that was never trained, whose output is not all equal."""
    torch.manual_seed(0)
    model = GPT(GPTConfig.parse(values), vocabulary).eval()
    nn.init.normal_(model.head.weight, std=0.02)
    return model


@torch.inference_mode()
def one_token(model: GPT, ids: Tensor, cache: Any) -> Tensor:
    """The next token (1, 1) after `ids` (1, T), in a bare loop."""
    return model(ids, cache, True)[0, -1].argmax()[None, None]


def writers() -> tuple[dict[str, Callable[[], object]], int]:
    """Ways of writing the next token with the large model, ours in both precisions and bare loops, each a function that writes
    one; and how many weights it has."""
    made = build(LARGE, 50_257)
    model, small = copy.deepcopy(made), quantised(made)
    lay_out_for_writing(model)
    options = SamplingOptions(greedy=True)

    def ours(some: Any) -> Callable[[], object]:
        choices: Iterator[object] = iter(())

        def run() -> object:
            nonlocal choices
            if (choice := next(choices, None)) is None:
                choices = stream(some, range(16), options, 0, 200)
                choice = next(choices)
            return choice

        return run

    def bare(some: GPT) -> Callable[[], object]:
        cache, ids = some.new_cache(), torch.arange(16)[None]

        def run() -> object:
            nonlocal ids
            ids = one_token(some, ids, cache)
            return ids

        return run

    ways = {"float32": ours(model), "int8": ours(small), "bare": bare(model), "as made": bare(made)}
    return ways, sum(p.numel() for p in model.parameters())


def tokens_written() -> Work[tuple[Figure, ...]]:
    """Writing with a model of 124 million parameters, against a bare loop and the time that reading its weights takes: for each
    token, every weight is fetched once. `int8` against our float32."""
    yield 0.0
    ways, count = writers()
    yield 0.3
    times = yield from scaled(in_turns({**ways, **reading(count)}, rounds=24), 0.3, 1.0)
    bound = min(typical(times, "sum"), typical(times, "dot"))
    float32 = typical(times, "float32")
    return (
        Figure(
            "Writing, 12x768, float32", "tokens/s", 1 / float32, "bare loop", 1 / typical(times, "bare"),
            ratio(times, "float32", "bare"), "memory", 1 / bound, bound / float32,
        ),
        Figure(
            "Writing, 12x768, int8", "tokens/s", 1 / typical(times, "int8"), "float32", 1 / float32,
            ratio(times, "int8", "float32"),
        ),
    )  # fmt: skip


def on_gpu() -> Work[tuple[Figure, ...]]:
    """Tokens per second of nanoGPT's larger model on a CUDA GPU, and the share that its floating-point operations are of what
    large bfloat16 products reach there (MFU)."""
    name = "Training step, 6x384, on the GPU"
    yield 0.0
    if not torch.cuda.is_available():
        return (Figure(name, note="this computer has no CUDA GPU that PyTorch can use"),)
    step, large = stepping(random_text(), GPU, "cuda"), torch.randn(8192, 8192, dtype=torch.bfloat16, device="cuda")

    def whole(work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            work()
            torch.cuda.synchronize()

        return run

    contenders = {"ours": whole(lambda: [step() for _ in range(10)]), "product": whole(lambda: large @ large)}
    times = yield from in_turns(contenders, rounds=10)
    spent = cost(GPTConfig.parse(GPU), VOCABULARY)
    rate, peak = 10 / typical(times, "ours"), 2 * 8192**3 / typical(times, "product")
    bound = peak / spent.flops_per_step * spent.items
    return (
        Figure(name, "tokens/s", rate * spent.items, bound="bfloat16 products", bound_value=bound,
               share=rate * spent.items / bound),
    )  # fmt: skip
