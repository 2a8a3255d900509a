"""Keys and values of tokens that were read before, so that each new token is computed once."""

from __future__ import annotations

import torch
from torch import Tensor


class KeyValues:
    """Room for the keys and values of one layer: (B, H, room, D) each, filled from the left."""

    def __init__(self, batch: int, heads: int, room: int, d_head: int, like: Tensor) -> None:
        shape = (batch, heads, room, d_head)
        self.keys = torch.zeros(shape, dtype=like.dtype, device=like.device)
        self.values = torch.zeros(shape, dtype=like.dtype, device=like.device)
        self.length = 0

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add keys and values (B, H, T, D) of new tokens; all so far are returned, (B, H, length, D) views.

        Raises ValueError when there is no room for them.
        """
        end = self.length + keys.shape[2]
        if end > self.keys.shape[2]:
            raise ValueError(f"the cache has room for {self.keys.shape[2]} tokens, not for {end}")
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


class Cache:
    """The KeyValues of all layers."""

    def __init__(self, layers: list[KeyValues]) -> None:
        self.layers = layers

    @property
    def length(self) -> int:
        """Tokens read so far; they are the same for every layer between two forward passes."""
        return self.layers[0].length

    def clear(self) -> None:
        """Forget everything, keep the room."""
        for layer in self.layers:
            layer.length = 0
