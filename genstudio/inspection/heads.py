"""What attention heads look at: rows of weights from queries and keys, and what can be said of a head in few numbers."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from genstudio.inspection.ablation import Ablation
from genstudio.nn.attention import attention_weights

PREVIOUS, FIRST, ITSELF, ENTROPY, EVENNESS = range(5)
"""Columns of the descriptors: shares of attention on three places; entropy of a row in nats, and as a share of the
entropy of an even spread over the same tokens. Each is a mean over rows."""
MOSTLY, OFTEN, EVENLY = 0.5, 0.25, 0.9
_PLACES = ("the previous token", "the first token", "itself")


def seen(
    switches: Ablation, causal: bool, first: int, last: int, keys: int, device: torch.device | str = "cpu"
) -> Tensor | None:
    """Which keys the positions first .. last-1 may attend to: (last - first, keys) boolean, or None for all of them."""
    masked, hidden = causal and switches.causal, sorted(at for at in switches.tokens if 0 <= at < keys)
    if not masked and not hidden:
        return None
    rows, columns = torch.arange(first, last, device=device)[:, None], torch.arange(keys, device=device)
    mask = columns <= rows if masked else torch.ones(last - first, keys, dtype=torch.bool, device=device)
    if hidden:
        mask[:, hidden] = False
        mask |= columns == rows
    return mask


def score_rows(q: Tensor, k: Tensor, first: int, last: int, switches: Ablation, causal: bool) -> Tensor:
    """Scores of the queries first .. last-1, far below all others where they are masked: q, k (H, T, D) ->
    (H, last - first, S). S is `last` where nothing later can be seen, else T."""
    keys = last if causal and switches.causal else k.shape[1]
    scale = 1 / math.sqrt(q.shape[-1]) if switches.scaled else 1.0
    allowed = seen(switches, causal, first, last, keys, q.device)
    columns = k[:, :keys].transpose(1, 2)
    if allowed is None:
        return torch.bmm(q[:, first:last] * scale, columns)
    # every query sees itself, so exp of this is exactly 0; unlike -inf, it stays a number when 0 is multiplied with it
    masked = torch.zeros(allowed.shape, dtype=q.dtype, device=q.device).masked_fill_(~allowed, -1e30)
    return torch.baddbmm(masked, q[:, first:last], columns, alpha=scale)


def weight_rows(q: Tensor, k: Tensor, first: int, last: int, switches: Ablation, causal: bool) -> Tensor:
    """Attention weights of the queries first .. last-1 to all keys: q, k (H, T, D) -> (H, last - first, T)."""
    scale = 1 / math.sqrt(q.shape[-1]) if switches.scaled else 1.0
    return attention_weights(q[:, first:last], k, seen(switches, causal, first, last, k.shape[1], q.device), scale)


class Summary:
    """A layer's heads in few numbers, gathered from blocks of rows, from the first to the last.

    `small` (H, s, s) is the largest weight of each patch of `patch` x `patch`; `row_error` the largest distance of a row's
    sum from 1, `leak` the largest weight that a mask forbids.
    """

    def __init__(self, heads: int, tokens: int, side: int) -> None:
        self.patch = -(-tokens // max(side, 1))
        self.size = -(-tokens // self.patch)
        self.tokens = tokens
        self.small = torch.zeros(heads, self.size, self.size)
        self.row_error = self.leak = 0.0
        self._sums = torch.zeros(heads, 5, dtype=torch.float64)

    def add(self, scores: Tensor, first: int, allowed: Tensor | None) -> None:
        """Masked scores (H, R, S) of the rows from `first` on, a multiple of `patch`, to the keys that any of them sees;
        allowed (R, S) or None for all."""
        weights = scores.softmax(-1)
        short = -scores.shape[1] % self.patch, -scores.shape[2] % self.patch
        padded = F.pad(weights, (0, short[1], 0, short[0])) if any(short) else weights
        patches = padded.unflatten(1, (-1, self.patch)).unflatten(3, (-1, self.patch)).amax(2).amax(-1)
        at = first // self.patch
        self.small[:, at : at + patches.shape[1], : patches.shape[2]] = patches.float().cpu()
        self.row_error = max(self.row_error, float((weights.sum(-1) - 1).abs().max()))
        if allowed is not None:
            self.leak = max(self.leak, float(weights.amax(0).masked_fill(allowed, 0.0).max()))
        self._describe(scores, weights, first, allowed)

    def descriptors(self) -> NDArray[np.float32]:
        """(H, 5) means over the rows from the third on, where the three places differ; NaN for fewer tokens."""
        rows = self.tokens - 2
        return (self._sums / rows if rows > 0 else self._sums * math.nan).float().numpy()

    def _describe(self, scores: Tensor, weights: Tensor, first: int, allowed: Tensor | None) -> None:
        start = max(0, 2 - first)
        if start >= weights.shape[1]:
            return
        rows = torch.arange(start, weights.shape[1], device=weights.device)
        # -sum w log w = log sum exp s - sum w s, and the first follows from the largest: no logarithm of every weight
        highest = scores.amax(-1) - weights.amax(-1).log()
        entropy = (highest - (weights * scores).sum(-1)).clamp_(min=0)[:, start:]
        count = torch.full((len(rows),), weights.shape[2]) if allowed is None else allowed[start:].sum(-1)
        even = count.to(weights.device, weights.dtype).log().clamp(min=1e-9)
        parts = (
            weights[:, rows, rows + first - 1], weights[:, rows, 0], weights[:, rows, rows + first],
            entropy, entropy / even,
        )  # fmt: skip
        self._sums += torch.stack([part.double().sum(-1).cpu() for part in parts], -1)


def label(descriptor: NDArray[np.floating]) -> str:
    """A head in words. The place with the largest share decides where that is at least a half ("attends to ...") or a
    quarter ("often attends to ..."); else the evenness of its rows: "attends evenly" from 0.9,
    "attends to few tokens" below
    a half, "mixed" between."""
    if not np.isfinite(descriptor).all():
        return "too short to classify"
    best = int(np.argmax(descriptor[:3]))
    if descriptor[best] >= OFTEN:
        return f"{'attends' if descriptor[best] >= MOSTLY else 'often attends'} to {_PLACES[best]}"
    if descriptor[EVENNESS] >= EVENLY:
        return "attends evenly"
    return "attends to few tokens" if descriptor[EVENNESS] < 0.5 else "mixed"


def prefix_matching(weights: Tensor, period: int, start: int) -> Tensor:
    """How much heads look at what followed the same token the last time (Olsson et al. 2022): the mean weight that a
    query i of the repetition gives to the key i - period + 1. weights (H, T, T), the first copy from `start` -> (H,)."""
    queries = torch.arange(start + period, weights.shape[1], device=weights.device)
    return weights[:, queries, queries - period + 1].mean(-1)


def heaviest(weights: Tensor, mass: float) -> Tensor:
    """The weights (..., T) of the fewest tokens that together reach this share of their row; the others are 0."""
    if mass >= 1:
        return weights
    ordered, order = weights.sort(stable=True, dim=-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    kept = (before < mass * weights.sum(-1, keepdim=True)) & (ordered > 0)
    return torch.zeros_like(weights).scatter(-1, order, ordered * kept)
