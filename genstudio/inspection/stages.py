"""What all stages of the anatomy of a transformer are made with: their shapes, names and numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.inspection.trace import Trace
from genstudio.nn.transformer import Stack
from genstudio.snapshots.layers import Stage

MOST = 256
"""Columns of a vocabulary that are shown at most."""

Floats = NDArray[Any]


class StageMaker:
    """One layer and head (from 0) of what a pass `seen` gave; `plain` is the pass with nothing off.

    `pieces` gives ids as tokens that can be seen. `temperature` divides the logits. `source` are the tokens that a decoder
    with cross-attention has read.
    """

    def __init__(
        self,
        model: Stack,
        seen: Trace,
        plain: Trace,
        pieces: Callable[[Floats], Sequence[str]],
        *,
        layer: int,
        head: int,
        temperature: float,
        scaled: bool,
        causal: bool,
        source: Sequence[str] = (),
    ) -> None:
        self.model, self.architecture, self.block = model, model.architecture, model.typed_blocks()[layer]
        self.seen, self.plain, self.at = seen, plain, seen.layers[layer]
        self.plain_at = plain.layers[layer]
        self.tokens, self.pieces, self.source = tuple(pieces(seen.ids)), pieces, tuple(source)
        self.layer, self.head, self.temperature, self.scaled, self.causal = layer, head, temperature, scaled, causal
        self.part = f"Layer {layer + 1} of {self.architecture.layers}, head {head + 1} of {self.architecture.heads}"

    def _stage(
        self, key: str, title: str, op: str, formula: str, axes: Sequence[str], says: str, values: Any, **more: Any
    ) -> Stage:
        sizes = ", ".join(str(self._size(letter)) for letter in axes)
        shape, part = f"({', '.join(axes)}) = ({sizes})", more.pop("part", self.part)
        more.setdefault("rows", self.tokens)
        return Stage(key, part, title, op, formula, shape, says, np.array(values, np.float32), **more)

    def _size(self, letter: str) -> int:
        arch = self.architecture
        return {
            "T": len(self.tokens),
            "S": len(self.source),
            "V": self.architecture.vocabulary,
            "C": arch.d_model,
            "D": arch.d_head,
            "I": arch.heads * arch.d_head,
            "F": arch.d_ff,
            "D/2": arch.d_head // 2,
        }[letter]

    def _norm(self, key: str, values: Floats, sentence: str, source: str, part: str | None = None) -> Stage:
        formula = {"rmsnorm": "x / rms(x) · g", "layernorm": "(x − mean) / deviation · g"}[self.architecture.norm]
        biased = self.architecture.norm == "layernorm" and self.architecture.bias
        return self._stage(
            key, "norm", "norm", formula + (" + b" if biased else ""), "TC", sentence, values, sources=(source,),
            part=part or self.part,
        )  # fmt: skip

    def _stream_key(self, layer: int) -> str:
        added = self.architecture.positions in ("learned", "sinusoidal")
        return f"stream_{layer}" if layer or added else "embedded"

    def _columns(self, wanted: Floats) -> Floats:
        """All of a small vocabulary, else the `wanted` ones."""
        size = self.architecture.vocabulary
        return np.arange(size) if size <= MOST else wanted

    def _named(self, ids: Floats) -> tuple[str, ...]:
        return tuple(self.pieces(np.asarray(ids, np.int32)))

    def _numpy(self, tensor: Any) -> Floats:
        return np.asarray(tensor.detach().float().cpu().numpy())

    def _numbers(self, values: Floats) -> Floats:
        return np.asarray(values, np.float64)
