"""Steps a second of our training step against a plain eager loop of the same model.

The reference is written the way small training scripts usually are: fused attention, torch's default AdamW, one list
of slices a batch, `.item()` every step. Rounds of both alternate, so that a busy machine slows both.

    python tests/bench/bench_training.py [ROUNDS] [STEPS]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.data.learnable.tokens import TextData
from genstudio.data.tokenizers import CharTokenizer
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.learner import GPTLearner
from genstudio.families.gpt.model import GPTModel

LAYERS, HEADS, WIDTH, CONTEXT, BATCH, VOCABULARY = 4, 4, 128, 64, 12, 65
SAME = {
    "activation": "gelu", "positions": "learned", "norm": "layernorm", "qk_norm": False, "tied": True,
    "optimizer": "adamw", "learning_rate": 1e-3, "beta2": 0.99, "weight_decay": 0.1,
}  # fmt: skip


class PlainBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH, bias=False), nn.LayerNorm(WIDTH, bias=False)
        self.c_attn, self.c_proj = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        q, k, v = (
            t.view(B, T, HEADS, C // HEADS).transpose(1, 2) for t in self.c_attn(self.ln_1(x)).split(WIDTH, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))
        return x + self.down(F.gelu(self.up(self.ln_2(x))))


class PlainGPT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList(PlainBlock() for _ in range(LAYERS))
        self.ln_f, self.head = nn.LayerNorm(WIDTH, bias=False), nn.Linear(WIDTH, VOCABULARY, bias=False)
        for name, p in self.named_parameters():
            if p.ndim == 2:
                residual = name.endswith(("c_proj.weight", "down.weight"))
                nn.init.normal_(p, std=0.02 / (2 * LAYERS) ** 0.5 if residual else 0.02)
        self.head.weight = self.wte.weight

    def forward(self, ids: Tensor) -> Tensor:
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln_f(x))


def plain(train: np.ndarray[Any, Any], seed: int = 0) -> tuple[PlainGPT, Callable[[float], None]]:
    """The reference: a model, and a function that trains it for one step at a learning rate."""
    torch.manual_seed(seed)
    model = PlainGPT()
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    rest = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))

    def step(rate: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = rate
        starts = torch.randint(len(train) - CONTEXT, (BATCH,))
        x = torch.stack([torch.from_numpy(train[i : i + CONTEXT].astype(np.int64)) for i in starts])
        y = torch.stack([torch.from_numpy(train[i + 1 : i + 1 + CONTEXT].astype(np.int64)) for i in starts])
        logits = model(x)
        loss = F.cross_entropy(logits.view(-1, VOCABULARY), y.view(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()

    return model, step


def ours(data: TextData, values: dict[str, Any]) -> Callable[[int], None]:
    learner = GPTLearner(GPTModel(GPTConfig.parse(values), data, "cpu", 0), 0)

    def step(number: int) -> None:
        learner.training_step(learner.batch(number), number, 0.0)

    return step


@dataclass
class Contender:
    name: str
    step: Callable[[int], None]
    times: list[float]


def measure(rounds: int = 40, steps: int = 4) -> dict[str, float]:
    """Median speed of each contender against the plain loop's of the same round."""
    alphabet = "".join(map(chr, range(33, 33 + VOCABULARY)))
    ids = np.random.default_rng(0).integers(0, VOCABULARY, 1_000_000).astype(np.uint16)
    data = TextData(CharTokenizer(alphabet), ids, ids[:1000], 999, "random", "")
    _, reference_step = plain(ids)
    contenders = [
        Contender("plain loop", lambda _: reference_step(1e-3), []),
        Contender("same model, AdamW", ours(data, SAME), []),
        Contender("default preset with AdamW", ours(data, {"optimizer": "adamw"}), []),
        Contender("default preset (Muon)", ours(data, {}), []),
    ]
    number = 0
    for _ in range(rounds + 1):
        for contender in contenders:
            began = time.perf_counter()
            for _ in range(steps):
                number += 1
                contender.step(number)
            contender.times.append((time.perf_counter() - began) / steps)
    reference = contenders[0].times[1:]
    ratios = {}
    print(f"{'':28}{'ms a step':>12}{'tokens/s':>12}{'speed':>9}")
    for contender in contenders:
        times = contender.times[1:]
        middle = statistics.median(times)
        ratios[contender.name] = statistics.median(r / t for r, t in zip(reference, times, strict=True))
        print(f"{contender.name:28}{middle * 1e3:12.1f}{BATCH * CONTEXT / middle:12,.0f}{ratios[contender.name]:9.2f}")
    return ratios


@pytest.mark.bench
def test_our_step_is_faster_than_a_plain_loop() -> None:
    assert measure()["same model, AdamW"] >= 1.05


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:]))
