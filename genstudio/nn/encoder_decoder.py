"""Two sequences: an encoder reads the source into a memory, a decoder writes the target and looks at the memory."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from genstudio.nn.cache import Cache
from genstudio.nn.modes import evaluating
from genstudio.nn.transformer import Architecture, Encoder, Transformer, watching


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What an encoder made of sources (B, S): `states` (B, S, C) of their tokens, `padding` (B, S), True where there is no
    token. `layers` are the keys and values (B, H, S, D) that each block of a transformer's decoder reads, `start` the
    states (L, B, C) that a recurrent decoder begins with."""

    states: Tensor
    padding: Tensor | None = None
    layers: tuple[tuple[Tensor, Tensor], ...] = ()
    start: tuple[Tensor, ...] = ()


class EncoderDecoder(Protocol):
    """What translation needs of a network, whatever it is made of."""

    context: int

    @property
    def embeddings(self) -> tuple[nn.Embedding, nn.Embedding]:
        """Those of source and target: two modules, though their weights may be the same."""

    def encode(self, source: Tensor, padding: Tensor | None = None) -> Memory:
        """source (B, S), padding (B, S), True where there is no token -> what the decoder reads"""

    def remembered(self, memory: Memory) -> Memory:
        """The same with all that is computed once for the tokens that follow."""

    def decode(self, ids: Tensor, memory: Memory, cache: Cache | None = None, last: bool = False) -> Tensor:
        """ids (B, T) after what is in the cache -> logits (B, T, V), or (B, 1, V) of the last alone. A memory of one row
        serves all rows of ids."""

    def new_cache(self, batch: int = 1) -> Cache:
        """Room for `context` target tokens."""

    def hidden(self, ids: Tensor, memory: Memory) -> Tensor:
        """ids (B, T) -> the decoder's last vectors before the output layer (B, T, C)"""

    def cross_attention(self, source: Tensor, ids: Tensor) -> Tensor:
        """Weights of each target position over the tokens of one source: source (S,), ids (T,) -> (layers, heads, T, S)"""

    def bind(self, source: Tensor) -> nn.Module:
        """A language model over target tokens that has read source (S,): what writes, searches and scores texts can use it."""

    def matrices(self) -> Iterator[tuple[Tensor, int]]:
        """The weight matrices inside, each with how many independent matrices are stacked in its rows."""


class TransformerPair(nn.Module):
    """An encoder without and a decoder with a look-ahead mask, joined by cross-attention (Vaswani et al. 2017)."""

    def __init__(self, source: Architecture, target: Architecture, shared: bool = False) -> None:
        """`source` and `target` are the two stacks; `shared`: one token embedding for both, whose vocabularies are equal."""
        super().__init__()
        self.encoder = Encoder(dataclasses.replace(source, causal=False, cross=False, tied=False))
        self.decoder = Transformer(dataclasses.replace(target, causal=True, cross=True))
        self.context = target.context
        if shared:
            self.encoder.tokens.weight = self.decoder.tokens.weight

    def forward(self, source: Tensor, padding: Tensor | None, ids: Tensor) -> Tensor:
        """source (B, S), its padding, ids (B, T) -> logits (B, T, V). What stands behind the end of a target is seen by
        nothing before it, so it needs no padding."""
        return self.decode(ids, self.encode(source, padding))

    def encode(self, source: Tensor, padding: Tensor | None = None) -> Memory:
        return Memory(self.encoder(source, padding), padding)

    def remembered(self, memory: Memory) -> Memory:
        """The same with the keys and values of every block, so that they are computed once for all tokens that follow."""
        blocks = [block.cross for block in self.decoder.typed_blocks()]
        layers = tuple(cross.remember(memory.states) for cross in blocks if cross is not None)
        return dataclasses.replace(memory, layers=layers)

    def decode(self, ids: Tensor, memory: Memory, cache: Cache | None = None, last: bool = False) -> Tensor:
        read = memory.layers or memory.states
        return self.decoder(ids, cache, last, None, read, memory.padding)

    def new_cache(self, batch: int = 1) -> Cache:
        cache = self.decoder.new_cache(batch)
        assert cache is not None
        return cache

    def hidden(self, ids: Tensor, memory: Memory) -> Tensor:
        return self.decoder.hidden(ids, memory=memory.layers or memory.states, memory_padding=memory.padding)

    @torch.no_grad()
    def cross_attention(self, source: Tensor, ids: Tensor) -> Tensor:
        layers = [block.cross for block in self.decoder.typed_blocks()]
        with watching([layer for layer in layers if layer is not None]) as watched:
            self.hidden(ids[None], self.encode(source[None]))
        return torch.cat(watched)

    @property
    def embeddings(self) -> tuple[nn.Embedding, nn.Embedding]:
        return self.encoder.tokens, self.decoder.tokens

    @torch.no_grad()
    def bind(self, source: Tensor) -> Transformer:
        """The decoder with its blocks' `memory` in place, see `reading`."""
        with evaluating(self):
            return reading(self.decoder, self.encode(source[None]).states[0])

    def matrices(self) -> Iterator[tuple[Tensor, int]]:
        yield from self.encoder.matrices()
        yield from self.decoder.matrices()


@torch.no_grad()
def reading(decoder: Transformer, states: Tensor) -> Transformer:
    """A decoder with cross-attention once it has read states (S, C), in the `memory` of its blocks: all that is known of a
    decoder-only transformer can be asked of it. Its parameters are those of `decoder`."""
    shared = {id(tensor): tensor for tensor in (*decoder.parameters(), *decoder.buffers())}
    made = copy.deepcopy(decoder, shared).eval()
    for block in made.typed_blocks():
        block.memory = None if block.cross is None else block.cross.remember(states[None])
    return made


class Bound(nn.Module):
    """A network of any kind that has read one source."""

    def __init__(self, network: nn.Module, source: Tensor) -> None:
        """`network` is an EncoderDecoder, source (S,) ids."""
        super().__init__()
        self.network = network
        pair: EncoderDecoder = network  # type: ignore[assignment]
        self._pair, self.context = (pair,), pair.context  # in a tuple: the network is registered once
        with torch.no_grad(), evaluating(network):
            self.memory = pair.remembered(pair.encode(source[None]))

    def forward(self, ids: Tensor, cache: Cache | None = None, last: bool = False) -> Tensor:
        """ids (B, T), which follow the tokens in the cache -> logits (B, T, V), or (B, 1, V) of the last alone."""
        return self._pair[0].decode(ids, self.memory, cache, last)

    def new_cache(self, batch: int = 1) -> Cache | None:
        """Room for a whole target."""
        return self._pair[0].new_cache(batch)


@contextmanager
def embedded(embeddings: Sequence[nn.Embedding]) -> Iterator[list[Tensor]]:
    """The vectors (B, T, C) that each of these embeddings gives in a forward pass, in their order, once that has been made:
    leaves that gradients reach."""
    read: list[Tensor] = [torch.empty(0)] * len(embeddings)

    def leaf(place: int, vectors: Tensor) -> Tensor:
        read[place] = vectors.detach().requires_grad_()
        return read[place]

    hooks = [
        embedding.register_forward_hook(lambda _module, _given, vectors, place=place: leaf(place, vectors))
        for place, embedding in enumerate(embeddings)
    ]
    try:
        yield read
    finally:
        for hook in hooks:
            hook.remove()
