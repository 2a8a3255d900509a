"""Small language models for tests of writing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genstudio.nn.cache import Cache, KeyValues
from genstudio.nn.positions import rotary
from genstudio.nn.transformer import Block


class Language(nn.Module):
    """Two rotary blocks with large random weights: every token's logits differ clearly. `read` counts what it computes."""

    def __init__(
        self, context: int, vocabulary: int = 31, cached: bool = True, dropout: float = 0.0, seed: int = 0
    ) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.context, self.cached, self.read = context, cached, 0
        self.tokens, self.head = nn.Embedding(vocabulary, 16), nn.Linear(16, vocabulary)
        self.blocks = nn.ModuleList(
            Block(16, 2, 8, context, 32, qk_norm=True, norm_kind="rmsnorm", dropout=dropout) for _ in range(2)
        )
        self.turn = rotary(context, 8)
        for p in self.parameters():
            nn.init.normal_(p, std=0.4)

    def forward(self, ids: Tensor, cache: Cache | None = None, last: bool = False) -> Tensor:
        past = cache.length if cache else 0
        x, turn = self.tokens(ids), self.turn[past : past + ids.shape[1]]
        self.read += ids.shape[1]
        for index, block in enumerate(self.blocks):
            x = block(x, turn, cache.layers[index] if cache else None)
        return self.head(x[:, -1:] if last else x)

    def new_cache(self, batch: int = 1) -> Cache | None:
        like = self.tokens.weight
        return Cache([KeyValues(batch, 2, self.context, 8, like) for _ in self.blocks]) if self.cached else None
