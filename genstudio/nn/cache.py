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

    def copy(self, other: KeyValues) -> None:
        """Take over what `other`, of the same shape, holds."""
        self.length = other.length
        self.keys[:, :, : self.length] = other.keys[:, :, : self.length]
        self.values[:, :, : self.length] = other.values[:, :, : self.length]

    def rows(self, rows: Tensor) -> KeyValues:
        """Another with these rows of the batch, (n,) int64, in this order; one may come several times."""
        _, heads, room, d_head = self.keys.shape
        other = KeyValues(len(rows), heads, room, d_head, self.keys)
        other.length = self.length
        other.keys[:, :, : self.length] = self.keys[rows, :, : self.length]
        other.values[:, :, : self.length] = self.values[rows, :, : self.length]
        return other


class Cache:
    """The KeyValues of all layers."""

    def __init__(self, layers: list[KeyValues]) -> None:
        self.layers = layers

    @property
    def length(self) -> int:
        """Tokens read so far; they are the same for every layer between two forward passes."""
        return self.layers[0].length

    @property
    def shortest(self) -> int:
        """Tokens that every layer has read, also where a forward pass has failed half-way."""
        return min(layer.length for layer in self.layers)

    @property
    def bytes(self) -> int:
        """Memory of the room."""
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in self.layers)

    def clear(self) -> None:
        """Forget everything, keep the room."""
        self.truncate(0)

    def truncate(self, length: int) -> None:
        """Forget all but the first `length` tokens, keep the room."""
        for layer in self.layers:
            layer.length = min(layer.length, length)

    def copy(self, other: Cache) -> None:
        """Take over what another cache with as much room holds."""
        for layer, theirs in zip(self.layers, other.layers, strict=True):
            layer.copy(theirs)

    def rows(self, rows: Tensor) -> Cache:
        """Another with these rows of the batch, (n,) int64, in this order; one may come several times."""
        return Cache([layer.rows(rows) for layer in self.layers])


class TextCache(Cache):
    """The KeyValues of all layers, and the `ids` (B, room) of the tokens in them."""

    def __init__(self, layers: list[KeyValues], ids: Tensor) -> None:
        super().__init__(layers)
        self.ids = ids

    def copy(self, other: Cache) -> None:
        assert isinstance(other, TextCache)
        super().copy(other)
        self.ids.copy_(other.ids)

    def rows(self, rows: Tensor) -> TextCache:
        return TextCache(super().rows(rows).layers, self.ids[rows.to(self.ids.device)])
