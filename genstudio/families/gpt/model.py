"""The decoder-only transformer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.families.gpt.config import GPTConfig
from genstudio.nn.cache import Cache, KeyValues
from genstudio.nn.norm import norm
from genstudio.nn.positions import rotary, sinusoidal
from genstudio.nn.transformer import Block


class GPT(nn.Module):
    """Token embedding, positions, blocks, and a linear layer to logits over the vocabulary (Radford et al. 2019)."""

    turn: Tensor
    waves: Tensor

    def __init__(self, config: GPTConfig, vocabulary: int) -> None:
        super().__init__()
        d_model, d_head, context = config.d_model, config.head_size, config.context
        self.config, self.vocabulary, self.context = config, vocabulary, context
        self.tokens = nn.Embedding(vocabulary, d_model)
        self.positions = nn.Embedding(context, d_model) if config.positions == "learned" else None
        self.blocks = nn.ModuleList(
            Block(
                d_model,
                config.heads,
                d_head,
                context,
                config.ff_width,
                activation=config.activation,
                norm_kind=config.norm,
                norm_place=config.norm_place,
                causal=config.mask,
                qk_norm=config.qk_norm,
                bias=config.bias,
                dropout=config.dropout,
            )
            for _ in range(config.layers)
        )
        self.last_norm = norm(config.norm, d_model, config.bias) if config.norm_place == "pre" else nn.Identity()
        self.head = nn.Linear(d_model, vocabulary, bias=False)
        if config.positions == "rotary":
            self.register_buffer("turn", rotary(context, d_head, config.position_base), persistent=False)
        elif config.positions == "sinusoidal":
            self.register_buffer("waves", sinusoidal(context, d_model, config.position_base), persistent=False)
        self._initialise(config)

    def forward(self, ids: Tensor, cache: Cache | None = None, last: bool = False) -> Tensor:
        """ids (B, T), which follow the tokens in the cache -> logits (B, T, V), or (B, 1, V) of the last alone."""
        x, turn = self.embed(ids, 0 if cache is None else cache.length)
        if self.training and self.config.dropout:
            x = F.dropout(x, self.config.dropout)
        for index, block in enumerate(self.blocks):
            x = block(x, turn, None if cache is None else cache.layers[index])
        if last:
            x = x[:, -1:]
        return self.head(self.last_norm(x))

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean negative log-likelihood in nats of targets (B, T) after ids (B, T)."""
        return F.cross_entropy(self(ids).flatten(0, 1).float(), targets.flatten())

    def new_cache(self, batch: int = 1) -> Cache | None:
        """Room for `context` tokens; None without the look-ahead mask, where every new token changes all before it."""
        if not self.config.mask:
            return None
        heads, d_head, like = self.config.heads, self.config.head_size, self.tokens.weight
        return Cache([KeyValues(batch, heads, self.context, d_head, like) for _ in self.blocks])

    @torch.no_grad()
    def attention(self, ids: Tensor) -> Tensor:
        """Attention weights of ids (T,): (layers, heads, T, T), row = query."""
        watched: list[Tensor] = []
        layers = [block.attention for block in self.typed_blocks()]
        for layer in layers:
            layer.watched = watched
        try:
            self(ids[None])
        finally:
            for layer in layers:
                layer.watched = None
        return torch.cat(watched)

    def matrices(self) -> Iterator[tuple[Tensor, int]]:
        """The weight matrices of the blocks, each with how many independent matrices are stacked in its rows."""
        for block in self.typed_blocks():
            yield block.attention.qkv.weight, 3
            yield block.attention.out.weight, 1
            yield block.feed_forward.up.weight, 2 if self.config.activation == "swiglu" else 1
            yield block.feed_forward.down.weight, 1

    def typed_blocks(self) -> list[Block]:
        """The blocks in order."""
        return cast("list[Block]", list(self.blocks))

    def embed(self, ids: Tensor, past: int = 0) -> tuple[Tensor, Tensor | None]:
        """ids (B, T) after `past` others -> the stream before the first block (B, T, C), and the turn of the positions
        (T, D/2) where they are rotary."""
        x = self.tokens(ids)
        end = past + ids.shape[1]
        if self.positions is not None:
            x = x + self.positions.weight[past:end]
        elif self.config.positions == "sinusoidal":
            x = x * math.sqrt(x.shape[-1]) + self.waves[past:end]
        return x, self.turn[past:end] if self.config.positions == "rotary" else None

    @torch.no_grad()
    def _initialise(self, config: GPTConfig) -> None:
        """Radford et al. 2019, 2.3: small normal weights, smaller where a residual branch ends; an untied head is zero,
        so that an untrained model gives every token the same probability."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                module.weight.normal_(0.0, 0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.zero_()
        for block in self.typed_blocks():
            block.attention.out.weight.mul_(1 / math.sqrt(2 * config.layers))
            block.feed_forward.down.weight.mul_(1 / math.sqrt(2 * config.layers))
        if not config.tied:
            self.head.weight.zero_()
            return
        # Where its own vector is most of what the last norm sees, a token would foretell itself.
        if config.norm_place == "post" or config.positions == "sinusoidal":
            self.tokens.weight.mul_(min(1.0, 50 / config.d_model))
        self.head.weight = self.tokens.weight
