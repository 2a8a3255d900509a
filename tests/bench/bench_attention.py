"""How long attention of 12 x 12 heads at 1,024 tokens takes to open, and how long a frame takes while it is scrolled.

The model is untrained, of GPT-2's shape. `--quick` is a smaller one that only shows that the bench runs.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np


def model_of(layers: int, d_model: int, heads: int, context: int) -> Any:
    import torch

    from genstudio.data.text import TextData
    from genstudio.data.tokenizers import CharTokenizer
    from genstudio.families.gpt.config import GPTConfig
    from genstudio.families.gpt.learner import GPTLearner
    from genstudio.tasks.models import Opened

    values = {"layers": layers, "heads": heads, "d_model": d_model, "context": context, "positions": "learned",
              "norm": "layernorm", "bias": True, "activation": "gelu_tanh", "qk_norm": False}  # fmt: skip
    tokenizer = CharTokenizer.of("".join(chr(65 + i) for i in range(64)))
    none = np.empty(0, np.uint16)
    torch.manual_seed(0)
    learner = GPTLearner(GPTConfig.parse(values), TextData(tokenizer, none, none, 0, "", ""), "cpu", 0)
    with torch.no_grad():
        for block in learner.model.typed_blocks():
            block.attention.qkv.weight.mul_(3)
    return Opened(learner, 0, "GPT-2 shape", "gpt")


def opening(opened: Any, text: str) -> dict[str, float]:
    from genstudio.tasks.inside import LookAtAttention, LookAtMap, Which
    from genstudio.tasks.models import ModelRef, Models

    models, ref = Models(), ModelRef("bench", "live")
    models.training[str(Path("bench").resolve())] = opened
    best: dict[str, float] = {}
    for _ in range(3):
        began, longest, heads = time.perf_counter(), 0.0, None
        before = began
        for frame in LookAtAttention(ref, (text,)).run(models):
            longest, before = max(longest, time.perf_counter() - before), time.perf_counter()
            heads = frame.snapshots[0] if frame.snapshots else None
        assert heads is not None
        middle = time.perf_counter()
        list(LookAtMap(ref, (text,), Which(5, 7), heads.looked).run(models))
        found = {
            "whole_s": time.perf_counter() - began,
            "forward_s": heads.seconds[0],
            "beyond_forward_s": time.perf_counter() - began - heads.seconds[0],
            "overview_s": heads.seconds[1],
            "map_s": time.perf_counter() - middle,
            "longest_between_frames_s": longest,
        }
        best = {name: min(value, best.get(name, value)) for name, value in found.items()}
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    layers, d_model, heads, tokens = (2, 48, 3, 128) if quick else (12, 768, 12, 1024)
    text = "".join(chr(65 + i % 64) for i in np.random.default_rng(0).integers(0, 64, tokens))
    print(json.dumps(opening(model_of(layers, d_model, heads, tokens), text), indent=1))


if __name__ == "__main__":
    main()
