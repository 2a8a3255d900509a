"""Recurrent networks that read one sequence and write another, with and without attention.

The cells are torch's own GRU (Cho et al. 2014) and LSTM (Hochreiter & Schmidhuber 1997).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from genstudio.nn.attention import attention_weights
from genstudio.nn.cache import Cache, KeyValues
from genstudio.nn.encoder_decoder import Bound, Memory

Cell = Literal["gru", "lstm"]
Score = Literal["none", "dot", "additive"]


def recurrent(cell: Cell, inputs: int, hidden: int, layers: int, dropout: float, both_ways: bool = False) -> nn.GRU | nn.LSTM:
    """torch's layers of a cell: (B, T, inputs) -> (B, T, hidden), twice as wide where it reads both ways."""
    kind = nn.GRU if cell == "gru" else nn.LSTM
    dropout = dropout if layers > 1 else 0.0  # torch drops out between layers, and warns where there is one
    return kind(inputs, hidden, layers, batch_first=True, dropout=dropout, bidirectional=both_ways)


class SequenceEncoder(nn.Module):
    """Reads a source token by token, from one end or from both (Bahdanau et al. 2015, 3.2)."""

    def __init__(
        self, vocabulary: int, size: int, hidden: int, layers: int, cell: Cell, both_ways: bool, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, size)
        self.layers, self.dropout = layers, dropout
        self.cells = recurrent(cell, size, hidden, layers, dropout, both_ways)
        self.width = hidden * (2 if both_ways else 1)

    def forward(self, ids: Tensor, padding: Tensor | None = None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """ids (B, S), padding (B, S) -> a state for each token (B, S, width), and the last states of all layers
        (layers, B, width): one of a GRU, two of an LSTM. Nothing is read behind the end of a source."""
        x = F.dropout(self.tokens(ids), self.dropout, self.training)
        if padding is None:
            states, last = self.cells(x)
        else:
            # an empty source has one token for the cells, which nobody may attend to
            lengths = (~padding).sum(1).clamp_(min=1).cpu()
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            states, last = self.cells(packed)
            states, _ = pad_packed_sequence(states, batch_first=True, total_length=ids.shape[1])
        every = last if isinstance(last, tuple) else (last,)
        return states, tuple(self._joined(state) for state in every)

    def _joined(self, state: Tensor) -> Tensor:
        """(layers x directions, B, H) -> (layers, B, directions x H)"""
        return state.unflatten(0, (self.layers, -1)).transpose(1, 2).flatten(2)


class CrossScores(nn.Module):
    """Attention of decoder states to encoder states, one head: the score is a scaled product (Luong et al. 2015, 3.1,
    "general") or a small network, v tanh(W q + U k) (Bahdanau et al. 2015, A.1.2)."""

    def __init__(self, score: Score, size: int, width: int) -> None:
        super().__init__()
        self.score = score
        self.key = nn.Linear(width, size, bias=False)
        self.query = nn.Linear(size, size, bias=False) if score == "additive" else None
        self.energy = nn.Linear(size, 1, bias=False) if score == "additive" else None

    def forward(self, queries: Tensor, states: Tensor, padding: Tensor | None) -> Tensor:
        """queries (B, T, C), states (B, S, W), padding (B, S) -> weights (B, T, S)"""
        keys = self.key(states)
        hidden = None if padding is None else padding[:, None]
        if self.query is None or self.energy is None:
            return attention_weights(queries, keys, None if hidden is None else ~hidden)
        scores = self.energy(torch.tanh(self.query(queries)[:, :, None] + keys[:, None]))[..., 0]
        if hidden is None:
            return cast("Tensor", scores.softmax(-1))
        masked = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
        return masked.softmax(-1).masked_fill(hidden, 0.0)


class RecurrentPair(nn.Module):
    """A recurrent encoder and decoder: the decoder begins with what the encoder's last state became, and knows no more of
    the source without attention (Sutskever et al. 2014); with it, each state is joined by a mixture of the encoder's
    states (Luong et al. 2015, 3)."""

    def __init__(
        self,
        source: int,
        target: int,
        size: int,
        layers: int,
        context: int,
        *,
        cell: Cell = "gru",
        score: Score = "none",
        both_ways: bool = True,
        dropout: float = 0.0,
        shared: bool = False,
        tied: bool = False,
    ) -> None:
        """`source` and `target` are the sizes of the vocabularies, `size` that of embeddings and states."""
        super().__init__()
        self.context, self.layers, self.size, self.dropout = context, layers, size, dropout
        self.encoder = SequenceEncoder(source, size, size, layers, cell, both_ways, dropout)
        self.tokens = nn.Embedding(target, size)
        self.bridges = nn.ModuleList(nn.Linear(self.encoder.width, size) for _ in range(1 if cell == "gru" else 2))
        self.cells = recurrent(cell, size, size, layers, dropout)
        self.scores = CrossScores(score, size, self.encoder.width) if score != "none" else None
        self.join = nn.Linear(self.encoder.width + size, size) if score != "none" else None
        self.head = nn.Linear(size, target, bias=False)
        self._initialise(tied)
        if shared:
            self.encoder.tokens.weight = self.tokens.weight

    def forward(self, source: Tensor, padding: Tensor | None, ids: Tensor) -> Tensor:
        """source (B, S), its padding, ids (B, T) -> logits (B, T, V)"""
        return self.decode(ids, self.encode(source, padding))

    def encode(self, source: Tensor, padding: Tensor | None = None) -> Memory:
        states, last = self.encoder(source, padding)
        # a GRU's state lies in [-1, 1], and so does the first of an LSTM's two
        begin = [bridge(state) for bridge, state in zip(self.bridges, last, strict=True)]
        return Memory(states, padding, start=(torch.tanh(begin[0]), *begin[1:]))

    def remembered(self, memory: Memory) -> Memory:
        return memory

    def decode(self, ids: Tensor, memory: Memory, cache: Cache | None = None, last: bool = False) -> Tensor:
        hidden = self._states(ids, memory, cache)
        return cast("Tensor", self.head(self._joined(hidden[:, -1:] if last else hidden, memory)))

    def new_cache(self, batch: int = 1) -> Cache:
        """The states of all layers after each token: a layer of the network is a head of the cache, a GRU's values are not
        used."""
        return Cache([KeyValues(batch, self.layers, self.context, self.size, self.head.weight)])

    def hidden(self, ids: Tensor, memory: Memory) -> Tensor:
        return self._joined(self._states(ids, memory, None), memory)

    @torch.no_grad()
    def cross_attention(self, source: Tensor, ids: Tensor) -> Tensor:
        if self.scores is None:
            return torch.zeros(0, 0, len(ids), len(source))
        memory = self.encode(source[None])
        return self.scores(self._states(ids[None], memory, None), memory.states, None)[None]

    @property
    def embeddings(self) -> tuple[nn.Embedding, nn.Embedding]:
        return self.encoder.tokens, self.tokens

    def bind(self, source: Tensor) -> Bound:
        return Bound(self, source)

    def matrices(self) -> Iterator[tuple[Tensor, int]]:
        """None: its optimiser is AdamW for all."""
        yield from ()

    def _states(self, ids: Tensor, memory: Memory, cache: Cache | None) -> Tensor:
        """The top layer's states after each of ids (B, T): (B, T, C)."""
        x = F.dropout(self.tokens(ids), self.dropout, self.training)
        start = tuple(state.expand(-1, len(ids), -1).contiguous() for state in memory.start)
        if cache is None:
            return cast("Tensor", self.cells(x, self._state(start))[0])
        (kept,) = cache.layers
        found = []
        for place in range(ids.shape[1]):
            if kept.length:
                every = (kept.keys, kept.values)[: len(start)]
                start = tuple(part[:, :, kept.length - 1].transpose(0, 1).contiguous() for part in every)
            out, state = self.cells(x[:, place : place + 1], self._state(start))
            after = [part.transpose(0, 1)[:, :, None] for part in (state if isinstance(state, tuple) else (state, state))]
            kept.append(after[0], after[1])
            found.append(out)
        return torch.cat(found, 1)

    def _state(self, parts: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, Tensor]:
        return parts[0] if len(parts) == 1 else (parts[0], parts[1])

    def _joined(self, hidden: Tensor, memory: Memory) -> Tensor:
        """Decoder states (B, T, C) with what they look at in the memory."""
        if self.scores is not None and self.join is not None:
            rows = len(hidden)
            states = memory.states.expand(rows, -1, -1)
            padding = None if memory.padding is None else memory.padding.expand(rows, -1)
            context = self.scores(hidden, states, padding) @ states
            hidden = torch.tanh(self.join(torch.cat([context, hidden], -1)))
        return F.dropout(hidden, self.dropout, self.training)

    @torch.no_grad()
    def _initialise(self, tied: bool) -> None:
        """Cells as torch begins with; an untied head is zero, so that an untrained model gives every token the same
        probability."""
        for embedding in (self.encoder.tokens, self.tokens):
            embedding.weight.normal_(0.0, 1 / math.sqrt(self.size) if tied else 0.1)
        if tied:
            self.head.weight = self.tokens.weight
        else:
            self.head.weight.zero_()
