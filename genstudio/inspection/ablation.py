"""What of a transformer is switched off, to see what it is for. No torch here: the window says it too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ablation:
    """Parts of a transformer that are off; layers, heads and positions count from 0, ones that do not exist do nothing.

    heads: (layer, head); what the head mixed is zero before W_O. layers: the residual stream passes unchanged.
    mlps: layers whose feed-forward part adds nothing. tokens: positions that nobody but themselves may attend to.
    scaled: scores are divided by sqrt(d_k). causal: the look-ahead mask, in a model that has one.
    """

    heads: frozenset[tuple[int, int]] = frozenset()
    layers: frozenset[int] = frozenset()
    mlps: frozenset[int] = frozenset()
    tokens: frozenset[int] = frozenset()
    scaled: bool = True
    causal: bool = True

    def __bool__(self) -> bool:
        """Whether anything is off."""
        return self != Ablation()

    def heads_of(self, layer: int) -> list[int]:
        """The heads of a layer that are off."""
        return sorted(head for at, head in self.heads if at == layer)


NOTHING_ABLATED = Ablation()
