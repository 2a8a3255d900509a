"""Word vectors (Mikolov et al. 2013): two tables, their losses, and the model that a checkpoint of them is opened as."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.tokenizers import Tokenizer
from genstudio.evaluation.analogies import accuracy
from genstudio.families.abilities import Embeddings
from genstudio.families.word2vec.batches import Windows, keep_shares, noise, of_validation
from genstudio.families.word2vec.config import Word2VecConfig
from genstudio.families.word2vec.data import WordData
from genstudio.training.learner import Measured

_SAMPLED = 2_048
_SCORES = 2_000_000
"""Scores of a word with all others that an evaluation computes between two chances for others."""


class WordVectors(nn.Module):
    """`words` (V, d), the vectors that are used afterwards, and `near` (V, d), those of words in their role as neighbours."""

    def __init__(self, tokens: int, dimension: int) -> None:
        super().__init__()
        self.words = nn.Parameter((torch.rand(tokens, dimension) - 0.5) / dimension)
        self.near = nn.Parameter(torch.zeros(tokens, dimension))

    def mean_near(self, near: Tensor) -> Tensor:
        """Ids (B, N), -1 where there is none -> the mean of their vectors (B, d), 0 where there are none"""
        there = (near >= 0).unsqueeze(-1)
        total = (F.embedding(near.clamp(min=0), self.words) * there).sum(1)
        return total / there.sum(1).clamp(min=1)

    def true_scores(self, vectors: Tensor, row: Tensor, wanted: Tensor) -> Tensor:
        """Vectors (B, d), the row of each prediction and the word wanted (P,) -> their scalar products (P,)"""
        # einsum and bmm take three times as long: their backward pass multiplies thousands of tiny matrices
        return (vectors.index_select(0, row) * F.embedding(wanted, self.near)).sum(-1)

    def negative_sampling(self, vectors: Tensor, row: Tensor, wanted: Tensor, negatives: Tensor, count: int) -> Tensor:
        """Vectors (B, d), the row of each prediction and the word wanted (P,), random words (K,) -> nats of all predictions
        together: Mikolov et al. 2013b, equation 4.

        The `count` random words of each prediction stand for the mean over those K, which all share: the same in expectation,
        in a fifth of the time (Ji et al. 2016).
        """
        noise = F.softplus(vectors @ F.embedding(negatives, self.near).T).mean(1)  # (B,)
        return F.softplus(-self.true_scores(vectors, row, wanted)).sum() + count * noise.index_select(0, row).sum()

    def expected_negative_sampling(self, vectors: Tensor, share: Tensor, count: int) -> Tensor:
        """Vectors (B, d), the probability of each word as a negative (V,) -> the mean of what `count` negatives cost (B,)"""
        return count * (F.softplus(vectors @ self.near.T) @ share)


class Word2VecModel:
    """The vectors of `data`'s words."""

    def __init__(self, config: Word2VecConfig, data: WordData, device: str, seed: int) -> None:
        self.config, self.device = config, torch.device(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.table = WordVectors(data.tokenizer.size, config.dimension)
        self.table.to(self.device)
        self.modules: Mapping[str, nn.Module] = {"vectors": self.table}
        self._take(data)

    def _take(self, data: WordData) -> None:
        self.data = data
        self.noise = noise(data.counts, self.config.noise_power)
        kept = data.counts * keep_shares(data.counts, self.config.subsampling)
        self.frequency = (kept + (data.counts > 0)) / (kept + (data.counts > 0)).sum()
        order = np.argsort(-data.counts, kind="stable")
        self.ids = order[data.counts[order] > 0]
        self.words = tuple(data.tokenizer.decode([number]) for number in self.ids.tolist())

    @property
    def tokenizer(self) -> Tokenizer:
        return self.data.tokenizer

    def on(self, data: WordData) -> Word2VecModel:
        """The same vectors with another text, in the words of this one."""
        other = copy.copy(self)
        other._take(dataclasses.replace(data, tokenizer=self.tokenizer, counts=self.data.counts))
        return other

    def embeddings(self) -> Embeddings:
        """Every word that occurs, the most frequent first, and its vector."""
        return Embeddings(self.words, self.table.words.detach()[torch.from_numpy(self.ids)].float().cpu().numpy())

    def predict(self, vectors: Tensor, row: Tensor, wanted: Tensor) -> Tensor:
        """Vectors (B, d), the row of each prediction and the word wanted (P,) -> nats (P,) among all words"""
        # by row and not by prediction: a word has several near it, and all are asked for with the same scores
        logs = (vectors @ self.table.near.T + self.outside).log_softmax(1)
        return -logs.flatten().index_select(0, row * logs.shape[1] + wanted)

    def inputs(self, found: Windows) -> tuple[Tensor, Tensor, Tensor]:
        """What predicts, one row for each vector: words (B,) or words near (B, N); of each prediction its row (P,) and the word
        that is to be predicted (P,)."""
        if self.config.architecture == "skip-gram":
            row, near = found.pairs
            return self.tensor(found.centres), self.tensor(row), self.tensor(near)
        some = np.flatnonzero((found.near >= 0).any(1))
        return self.tensor(found.near[some]), torch.arange(len(some), device=self.device), self.tensor(found.centres[some])

    def vectors(self, inputs: Tensor) -> Tensor:
        """What predicts, as vectors (B, d)."""
        return F.embedding(inputs, self.table.words) if inputs.ndim == 1 else self.table.mean_near(inputs)

    def tensor(self, ids: NDArray[np.int64]) -> Tensor:
        """Ids on the model's device."""
        return torch.from_numpy(ids).to(self.device)

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """The loss on the validation part in nats per prediction, with the mean over all random words in place of some that are
        drawn; that of the best model that knows how frequent each word is and nothing else; how often, for some of the
        predictions, a word that is near scores above a random word, and that of the same simple model; and how many of the known
        analogies come out right. A fixed sample of words unless `exact`."""
        if not len(self.data.validation):
            return
        found = of_validation(self.config, self.data, None if exact else _SAMPLED)
        rows = max(1, _SCORES // self.tokenizer.size)
        sums, count = _Sums(), len(found.centres)
        for first in range(0, count, rows):
            part = slice(first, first + rows)
            sums = self._scored(Windows(found.centres[part], found.near[part]), sums)
            yield Measured({}, min(1.0, (first + rows) / count) * 0.9)
        values = {} if not sums.predictions else {
            "val_loss": sums.nats / sums.predictions, "baseline_loss": sums.baseline / sums.predictions,
            "told_apart": sums.above / sums.ranked, "baseline_told_apart": sums.baseline_above / sums.ranked,
        }  # fmt: skip
        words, vectors = self.embeddings()
        right, asked = accuracy(words, vectors, self.data.questions)
        if asked:
            values |= {"analogy_accuracy": right}
        yield Scores(values, 1.0, predictions=sums.predictions, questions=asked)

    @torch.no_grad()
    def _scored(self, found: Windows, before: _Sums) -> _Sums:
        """The sums with those of some more words."""
        inputs, row, wanted = self.inputs(found)
        if not len(row):
            return before
        vectors, frequency = self.vectors(inputs), torch.from_numpy(self.frequency).float().to(self.device)
        share = torch.from_numpy(self.noise).float().to(self.device)
        some = slice(None, None, max(1, len(row) // len(inputs)))  # about one per row: their scores are V numbers each
        ranks = (vectors @ self.table.near.T)[row[some]], wanted[some]
        above = told_apart(*ranks, share), told_apart(frequency.expand(len(ranks[1]), -1), ranks[1], share)
        if self.config.objective == "softmax":
            nats = self.predict(vectors, row, wanted)
            baseline = -frequency.log()
        else:
            count = self.config.negatives
            nats = F.softplus(-self.table.true_scores(vectors, row, wanted))
            nats += self.table.expected_negative_sampling(vectors, share, count).index_select(0, row)
            baseline = unigram_negative_sampling(frequency, share, count)
        return _Sums(
            before.nats + float(nats.double().sum()), before.baseline + float(baseline[wanted].double().sum()),
            before.predictions + len(row), before.above + float(above[0].double().sum()),
            before.baseline_above + float(above[1].double().sum()), before.ranked + len(ranks[1]),
        )  # fmt: skip

    @property
    def outside(self) -> Tensor:
        """(V,) what is added to the scores of a softmax: tokens that have no vector are no answer."""
        return torch.from_numpy(np.where(self.data.counts > 0, 0.0, -1e9)).float().to(self.device)


@dataclass(frozen=True, slots=True)
class _Sums:
    nats: float = 0.0
    baseline: float = 0.0
    predictions: int = 0
    above: float = 0.0
    baseline_above: float = 0.0
    ranked: int = 0


@dataclass(frozen=True, slots=True)
class Scores(Measured):
    """What was measured, over how many predictions and questions."""

    predictions: int = 0
    questions: int = 0

    @property
    def result(self) -> Mapping[str, float]:
        if not self.predictions:
            return {}
        names = {"val_loss": "loss_nats", "baseline_loss": "baseline_nats"}
        found = {names.get(name, name): value for name, value in self.values.items()}
        return {**found, "predictions": self.predictions, "questions": self.questions}


def told_apart(scores: Tensor, wanted: Tensor, share: Tensor) -> Tensor:
    """Scores (P, V) of all words, the word wanted (P,), the probability of each as a random word (V,) -> how often the wanted one
    scores above a random word (P,); a tie counts half."""
    own = scores.gather(1, wanted[:, None])
    return ((scores < own) + 0.5 * (scores == own)) @ share


def unigram_negative_sampling(frequency: Tensor, share: Tensor, count: int) -> Tensor:
    """(V,) nats of negative sampling for each true word, with the best scores that do not depend on the word they are near:
    log(p / (k q)) for a word of frequency p that is drawn as a negative with probability q (Levy & Goldberg 2014)."""
    odds = torch.where(share > 0, frequency / (count * share).clamp(min=1e-30), torch.ones_like(share))
    negatives = count * (share * torch.log1p(odds)).sum()
    return torch.log1p(1 / odds) + negatives
