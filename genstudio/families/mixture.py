"""A network and counts that predict together: their probabilities are mixed, in shares that a gate gives for each token."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.evaluation.ngram import Expected, KneserNey
from genstudio.nn.cache import Cache, TextCache
from genstudio.nn.modes import evaluating
from genstudio.nn.transformer import Transformer
from genstudio.sampling.reader import Parts

FEATURES = 8
"""How many numbers beside the hidden state a gate looks at, see `features`."""

_PRIOR, _PRIOR_OF_ONE = 4.0, 0.1
"""Precision of the prior around zero of a gate's weights, and of the weight of its 1: how many tokens it takes to believe that a
feature tells anything."""
_HIDDEN = 0.1
"""Scale of the hidden state beside the features: its many numbers are believed later than those few."""
_STEPS, _ENOUGH, _LEAST = 30, 1e-5, 1e-30


class Gate(nn.Module):
    """The share of the counts for a token: the logistic function of a weighted sum of 1, of `features` and of the hidden state of
    the network, which has `width` numbers; with width 0 one share for all tokens. It is fitted in closed steps, not by gradients.
    """

    weights: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.looks = width > 0
        self.register_buffer("weights", torch.zeros(1 + (FEATURES + width) * self.looks))

    def shares(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Features (n, F) -> (n,) in (0, 1)"""
        return _logistic(self._design(columns) @ self.weights.double().cpu().numpy())

    @torch.no_grad()
    def fit(self, columns: NDArray[Any], network: NDArray[Any], counts: NDArray[Any]) -> None:
        """Take the shares that make tokens most probable to which the `network` and the `counts` give these probabilities (n,),
        where features (n, F) were seen. The tokens must be new to both.

        Expectation maximisation (Dempster et al. 1977) with one Newton step of a logistic regression in each round, and a normal
        prior around a share of one half.
        """
        design = self._design(columns)
        weights = self.weights.double().cpu().numpy()
        prior = np.full(design.shape[1], _PRIOR)
        prior[0] = _PRIOR_OF_ONE
        best, least = weights, self._cost(design, weights, prior, network, counts)
        for _ in range(_STEPS):
            share = _logistic(design @ weights)
            mine = share * counts / np.maximum(share * counts + (1 - share) * network, _LEAST)
            slope = design.T @ (mine - share) - prior * weights
            curve = (design * (share * (1 - share))[:, None]).T @ design + np.diag(prior)
            weights = weights + np.linalg.solve(curve, slope)
            cost = self._cost(design, weights, prior, network, counts)
            better = least - cost
            if better > 0:
                best, least = weights, cost
            if better < _ENOUGH * len(design):
                break
        self.weights.copy_(torch.from_numpy(best))

    def _design(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        ones = np.ones((len(columns), 1))
        return np.hstack([ones, columns]) if self.looks else ones

    @staticmethod
    def _cost(
        design: NDArray[np.float64], weights: NDArray[np.float64], prior: NDArray[np.float64], network: NDArray[Any],
        counts: NDArray[Any],
    ) -> float:  # fmt: skip
        share = _logistic(design @ weights)
        nats = -np.log(np.maximum(share * counts + (1 - share) * network, _LEAST)).sum()
        return float(nats + 0.5 * (prior * weights**2).sum())


def features(network: NDArray[Any], expected: Expected, hidden: NDArray[Any]) -> NDArray[np.float64]:
    """What says whom to trust, of n tokens: log-probabilities (n, V) of the network, what the counts expect, and the hidden state
    (n, d) -> (n, FEATURES + d), each around 1 or less: the length of the context that the counts found, how often and with how
    many different tokens it was continued, the entropies and the highest probabilities of both, how much the two overlap
    (Bhattacharyya 1943), and the hidden state."""
    V = network.shape[1]
    scale = max(np.log(V), 1.0)
    mine, theirs = np.exp(network), expected.probabilities
    columns = [
        expected.depth / 6,
        np.log1p(expected.times) / 6,
        np.log1p(expected.distinct) / 3,
        -np.einsum("nv,nv->n", mine, np.maximum(network, -80.0)) / scale,
        -np.einsum("nv,nv->n", theirs, np.log(np.maximum(theirs, _LEAST))) / scale,
        mine.max(1),
        theirs.max(1),
        np.sqrt(mine * theirs).sum(1),
    ]
    return np.hstack([np.stack(columns, 1), hidden * _HIDDEN]).astype(np.float64)


class Mixture(nn.Module):
    """A causal transformer whose predictions are mixed with those of counts. Its logits are log-probabilities. It is used, not
    trained: its parts are trained and fitted by themselves."""

    def __init__(self, network: Transformer, counts: KneserNey, gate: Gate) -> None:
        super().__init__()
        self.network, self.counts, self.gate = network, counts, gate
        self.training = False  # its own mode alone: that of the network stays what it is

    @property
    def context(self) -> int:
        return self.network.context

    def new_cache(self, batch: int = 1) -> TextCache | None:
        """Room for a context."""
        cache = self.network.new_cache(batch)
        return None if cache is None else TextCache(cache.layers, torch.zeros((batch, self.context), dtype=torch.int64))

    def forward(self, ids: Tensor, cache: Cache | None = None, last: bool = False) -> Tensor:
        """ids (B, T) -> log-probabilities (B, T, V), or (B, 1, V) of the last alone"""
        return self.parts(ids, cache, last).whole

    @torch.no_grad()
    def parts(self, ids: Tensor, cache: Cache | None = None, last: bool = False) -> Parts:
        """The same with what it is mixed of."""
        expected = self.expected(ids, cache, last)
        with evaluating(self.network):
            hidden = self.network.hidden(ids, cache, last)
            logits = self.network.head(hidden)
        network = (logits if logits.dtype == torch.float64 else logits.float()).log_softmax(-1)
        rows = network.flatten(0, 1).cpu().numpy()
        looked = features(rows, expected, hidden.flatten(0, 1).float().cpu().numpy())
        share = self.gate.shares(looked).astype(rows.dtype)[:, None]
        with np.errstate(under="ignore"):
            whole = np.log((1 - share) * np.exp(rows) + share * expected.probabilities)
        shape, device = network.shape, network.device
        counts = torch.from_numpy(np.log(expected.probabilities)).to(device, network.dtype)
        return Parts(
            torch.from_numpy(whole).to(device).view(shape), network, counts.view(shape),
            torch.from_numpy(share).to(device).view(shape[:2]),
        )  # fmt: skip

    def expected(self, ids: Tensor, cache: Cache | None = None, last: bool = False) -> Expected:
        """What the counts expect after each of ids (B, T), or after the last of each row."""
        text, new = ids.cpu(), ids.shape[1]
        if isinstance(cache, TextCache):
            before = cache.length
            cache.ids[:, before : before + new] = text
            text = cache.ids[:, max(0, before - self.counts.reach) : before + new]
        if last:
            return self.counts.after(text[:, -self.counts.reach :].numpy(), last=True)
        found = self.counts.after(text.numpy())
        fresh = np.arange(text.shape[1]) >= text.shape[1] - new
        return found if new == text.shape[1] else found.only(np.tile(fresh, len(text)))


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """In (0, 1), also where the sum is large: no part is ever left out."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))))
