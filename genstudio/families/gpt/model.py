"""The decoder-only transformer (Radford et al. 2019)."""

from __future__ import annotations

from genstudio.families.gpt.config import GPTConfig
from genstudio.nn.transformer import Architecture, Transformer


class GPT(Transformer):
    """The transformer of these settings, for a vocabulary of so many tokens."""

    def __init__(self, config: GPTConfig, vocabulary: int) -> None:
        super().__init__(
            Architecture(
                vocabulary=vocabulary,
                context=config.context,
                layers=config.layers,
                heads=config.heads,
                d_model=config.d_model,
                d_head=config.head_size,
                d_ff=config.ff_width,
                activation=config.activation,
                positions=config.positions,
                position_base=config.position_base,
                norm=config.norm,
                norm_place=config.norm_place,
                causal=config.mask,
                qk_norm=config.qk_norm,
                bias=config.bias,
                tied=config.tied,
                dropout=config.dropout,
            )
        )
