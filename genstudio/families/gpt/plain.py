"""A GPT and its training as small scripts write them: the reference that ours is measured against.

It follows nanoGPT (Karpathy 2022), its CPU recipe: 4 layers, 4 heads, 128, context 64, batch 12, learned positions, LayerNorm,
GELU, tied embeddings, no biases; fused attention, torch's default AdamW, one list of slices per batch, `.item()` at every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

LAYERS, HEADS, WIDTH, CONTEXT, BATCH, VOCABULARY = 4, 4, 128, 64, 12, 65
SAME: Mapping[str, Any] = {
    "activation": "gelu", "positions": "learned", "norm": "layernorm", "qk_norm": False, "tied": True,
    "optimizer": "adamw", "learning_rate": 1e-3, "beta2": 0.99, "weight_decay": 0.1,
}  # fmt: skip
"""The same model and optimiser as settings of ours."""


class PlainBlock(nn.Module):
    """Attention and a feed-forward layer, each with its norm before it."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH, bias=False), nn.LayerNorm(WIDTH, bias=False)
        self.c_attn, self.c_proj = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)"""
        B, T, C = x.shape
        q, k, v = (
            t.view(B, T, HEADS, C // HEADS).transpose(1, 2) for t in self.c_attn(self.ln_1(x)).split(WIDTH, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))
        down: Tensor = self.down(F.gelu(self.up(self.ln_2(x))))
        return x + down


class PlainGPT(nn.Module):
    """The model for `vocabulary` tokens."""

    def __init__(self, vocabulary: int = VOCABULARY) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList(PlainBlock() for _ in range(LAYERS))
        self.ln_f, self.head = nn.LayerNorm(WIDTH, bias=False), nn.Linear(WIDTH, vocabulary, bias=False)
        for name, p in self.named_parameters():
            if p.ndim == 2:
                residual = name.endswith(("c_proj.weight", "down.weight"))
                nn.init.normal_(p, std=0.02 / (2 * LAYERS) ** 0.5 if residual else 0.02)
        self.head.weight = self.wte.weight

    def forward(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> logits (B, T, vocabulary)"""
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.ln_f(x))
        return logits


def plain(train: np.ndarray[Any, Any], seed: int = 0, vocabulary: int = VOCABULARY) -> tuple[PlainGPT, Callable[[float], float]]:
    """A model, and a function that trains it for one step on `train` (n,) at a learning rate and returns the loss."""
    torch.manual_seed(seed)
    model = PlainGPT(vocabulary)
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    rest = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))

    def step(rate: float) -> float:
        for group in optimizer.param_groups:
            group["lr"] = rate
        starts = torch.randint(len(train) - CONTEXT, (BATCH,))
        x = torch.stack([torch.from_numpy(train[i : i + CONTEXT].astype(np.int64)) for i in starts])
        y = torch.stack([torch.from_numpy(train[i + 1 : i + 1 + CONTEXT].astype(np.int64)) for i in starts])
        logits = model(x)
        loss = F.cross_entropy(logits.view(-1, vocabulary), y.view(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return model, step
