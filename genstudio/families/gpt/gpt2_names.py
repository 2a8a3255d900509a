"""The names that GPT-2 style folders give the weights."""

from __future__ import annotations

from collections.abc import Iterator

from genstudio.families.gpt.config import GPTConfig


def names(config: GPTConfig) -> Iterator[tuple[str, str, bool, bool]]:
    """(our name, theirs, whether theirs is transposed, whether it is a bias that we may lack)"""
    yield "tokens.weight", "wte.weight", False, False
    yield "positions.weight", "wpe.weight", False, False
    parts = (
        ("attention_norm", "ln_1", False),
        ("attention.qkv", "attn.c_attn", True),
        ("attention.out", "attn.c_proj", True),
        ("feed_forward_norm", "ln_2", False),
        ("feed_forward.up", "mlp.c_fc", True),
        ("feed_forward.down", "mlp.c_proj", True),
    )
    for layer in range(config.layers):
        for ours, theirs, transposed in parts:
            yield f"blocks.{layer}.{ours}.weight", f"h.{layer}.{theirs}.weight", transposed, False
            yield f"blocks.{layer}.{ours}.bias", f"h.{layer}.{theirs}.bias", False, True
    yield "last_norm.weight", "ln_f.weight", False, False
    yield "last_norm.bias", "ln_f.bias", False, True
