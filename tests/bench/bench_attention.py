"""How long attention of 12 x 12 heads at 1,024 tokens takes to open, and how long a frame takes while it is scrolled.

The model is untrained, of GPT-2's shape. Processor times hold on a busy machine too. `--quick` is a smaller one that only
shows that the bench runs.
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

    from genstudio.data.learnable.tokens import TextData
    from genstudio.data.tokenizers import CharTokenizer
    from genstudio.families.gpt.config import GPTConfig
    from genstudio.families.gpt.model import GPTModel
    from genstudio.tasks.models import Opened

    values = {"layers": layers, "heads": heads, "d_model": d_model, "context": context, "positions": "learned",
              "norm": "layernorm", "bias": True, "activation": "gelu_tanh", "qk_norm": False}  # fmt: skip
    tokenizer = CharTokenizer.of("".join(chr(65 + i) for i in range(64)))
    none = np.empty(0, np.uint16)
    torch.manual_seed(0)
    gpt = GPTModel(GPTConfig.parse(values), TextData(tokenizer, none, none, 0, "", ""), "cpu", 0)
    with torch.no_grad():
        for block in gpt.transformer.typed_blocks():
            block.attention.qkv.weight.mul_(3)
    return Opened(gpt, 0, "GPT-2 shape", "gpt")


def floor(model: Any, tokens: int) -> float:
    """Processor seconds of the bare matrix products and fused attention that the queries and keys of all layers need."""
    import torch
    import torch.nn.functional as F

    blocks, arch = model.typed_blocks(), model.architecture
    x, hidden = torch.randn(tokens, arch.d_model), torch.randn(tokens, arch.d_ff)
    q = torch.randn(1, arch.heads, tokens, arch.d_head)
    began = time.process_time()
    with torch.no_grad():
        for index, block in enumerate(blocks):
            F.linear(x, block.attention.qkv.weight)
            if index + 1 < len(blocks):
                F.scaled_dot_product_attention(q, q, q, is_causal=True)
                F.linear(x, block.attention.out.weight)
                F.linear(x, block.feed_forward.up.weight)
                F.linear(hidden, block.feed_forward.down.weight)
    return time.process_time() - began


def opening(opened: Any, text: str) -> dict[str, float]:
    """Seconds until the first layer is seen, and until all are; processor seconds are sums over all threads."""
    from genstudio.tasks.inside import LookAtAttention, LookAtMap, Which
    from genstudio.tasks.models import ModelRef, Models

    models, ref = Models(), ModelRef("bench", "live")
    models.training[str(Path("bench").resolve())] = opened
    best: dict[str, float] = {}
    for _ in range(3):
        opened.step += 1  # as weights that have moved on: nothing of the round before is used again
        bare = floor(opened.model.transformer, len(text))
        began, cpu, stages, longest = time.perf_counter(), time.process_time(), list[tuple[float, float]](), 0.0
        before, heads = began, None
        for frame in LookAtAttention(ref, (text,)).run(models):
            longest, before = max(longest, time.perf_counter() - before), time.perf_counter()
            if frame.snapshots:
                heads = frame.snapshots[0]
                stages.append((before - began, time.process_time() - cpu))
        assert heads is not None
        middle = time.perf_counter()
        list(LookAtMap(ref, (text,), Which(0, 1), heads.looked).run(models))
        after = time.perf_counter()
        list(LookAtAttention(ref, (text,)).run(models))
        found = {
            "first_tiles_s": stages[0][0],
            "first_tiles_processor_s": stages[0][1],
            "all_tiles_s": stages[-1][0],
            "all_tiles_processor_s": stages[-1][1],
            "floor_processor_s": bare,
            "all_tiles_of_floor": stages[-1][1] / bare,
            "summing_up_s": heads.seconds[1],
            "map_s": after - middle,
            "again_s": time.perf_counter() - after,
            "longest_between_frames_s": longest,
        }
        best = {name: min(value, best.get(name, value)) for name, value in found.items()}
    return best


def scrolling(tokens: int, heads: tuple[int, int]) -> dict[str, float]:
    """Processor milliseconds of a frame while a map is dragged, zoomed and put on the screen, and of painting all thumbnails."""
    from PySide6.QtWidgets import QApplication

    from genstudio.snapshots.attention import HeadMap, Heads
    from genstudio.tasks.inside import Which
    from genstudio.ui import theme
    from genstudio.ui.views.head_map import HeadMapView
    from genstudio.ui.views.heads import HeadsView

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app, "light")
    rng = np.random.default_rng(0)
    raw = np.tril(rng.random((tokens, tokens)) ** 8)
    weights = (raw / raw.sum(-1, keepdims=True)).astype(np.float16)
    pieces = tuple(chr(97 + i % 26) * (1 + i % 5) for i in range(tokens))
    view = HeadMapView()
    view.resize(1000, 900)
    view.show()
    view.show_text(pieces, True)

    def timed(act: Any) -> float:
        began = time.thread_time()
        act()
        view.repaint()
        return 1000 * (time.thread_time() - began)

    def fresh() -> None:
        view.show_map(HeadMap("map", 0, "map", Which(0, 0), 0, 0, 1, weights.copy(), 1.0, 0.0, 0.0, 1))
        view._redraw()

    app.processEvents()
    shown = [timed(fresh) for _ in range(10)]
    dragged = [timed(lambda i=i: view.move_to(3 * i % tokens, 2 * i % tokens, tokens / 3)) for i in range(300)]
    zoomed = [timed(lambda i=i: view.move_to(20, 20, tokens * 0.99**i)) for i in range(300)]
    layers, count = heads
    small = rng.random((layers, count, 64, 64)).astype(np.float16)
    overview = HeadsView()
    overview.resize(700, 700)
    overview.show()
    app.processEvents()
    labels = (("mixed",) * count,) * layers
    numbers = np.full((layers, count, 5), 0.1, np.float32)
    began = time.thread_time()
    overview.show_snapshot(Heads("heads", 0, pieces, 0, small, 16, numbers, labels, True, 0.0, 0.0, 1, (0.0, 0.0), layers))
    overview._redraw()
    overview.repaint()
    thumbnails = 1000 * (time.thread_time() - began)
    return {
        "new_map_ms": float(np.median(shown)),
        "dragged_median_ms": float(np.median(dragged)),
        "dragged_p99_ms": float(np.quantile(dragged, 0.99)),
        "zoomed_median_ms": float(np.median(zoomed)),
        "zoomed_p99_ms": float(np.quantile(zoomed, 0.99)),
        "thumbnails_ms": thumbnails,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    layers, d_model, heads, tokens = (2, 48, 3, 128) if quick else (12, 768, 12, 1024)
    text = "".join(chr(65 + i % 64) for i in np.random.default_rng(0).integers(0, 64, tokens))
    found = {"scrolling": scrolling(tokens, (layers, heads))}
    found["opening"] = opening(model_of(layers, d_model, heads, tokens), text)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
