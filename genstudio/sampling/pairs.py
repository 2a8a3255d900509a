"""Many sources translated at once, each step with the likeliest token."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.nn.cache import Cache
from genstudio.nn.encoder_decoder import EncoderDecoder, Memory
from genstudio.nn.modes import evaluating

_TOGETHER = 8
"""Tokens written between two chances for others."""


class GreedyBatch:
    """Targets of sources (B, S), token by token: `step` writes a few more, until all are `done`.

    A class and not a generator: no mode of torch is open between two of its steps.
    """

    def __init__(
        self, network: nn.Module, source: NDArray[np.int64], padding: NDArray[np.bool_], begin: int, end: int, limit: int
    ) -> None:
        """`network` is an EncoderDecoder, `padding` (B, S) is True where a source has no token; a target ends behind the
        token `end`, or with `limit` tokens."""
        self._network, self._end, self._limit = network, end, limit
        self._device = next(network.parameters()).device
        self._memory, self._cache = self._read(torch.from_numpy(source), torch.from_numpy(padding))
        self._ids = torch.full((len(source), 1), begin, device=self._device)
        self._ended = torch.zeros(len(source), dtype=torch.bool, device=self._device)
        self._made: list[Tensor] = []

    @property
    def done(self) -> bool:
        return len(self._made) >= self._limit or bool(self._ended.all())

    @property
    def targets(self) -> list[list[int]]:
        """What was written for each source, without an end marker."""
        if not self._made:
            return [[] for _ in range(len(self._ids))]
        rows = torch.cat(self._made, 1).tolist()
        return [row[: row.index(self._end)] if self._end in row else row for row in rows]

    @torch.inference_mode()
    def step(self) -> None:
        """A few more tokens of each target."""
        pair: EncoderDecoder = self._network  # type: ignore[assignment]
        with evaluating(self._network):
            for _ in range(_TOGETHER):
                if self.done:
                    return
                self._ids = pair.decode(self._ids, self._memory, self._cache, True).argmax(-1)
                self._made.append(self._ids)
                self._ended = self._ended | (self._ids[:, 0] == self._end)

    @torch.inference_mode()
    def _read(self, source: Tensor, padding: Tensor) -> tuple[Memory, Cache]:
        pair: EncoderDecoder = self._network  # type: ignore[assignment]
        with evaluating(self._network):
            memory = pair.remembered(pair.encode(source.to(self._device), padding.to(self._device)))
            return memory, pair.new_cache(len(source))
