"""The decoder-only transformer (Radford et al. 2019), and the model that a checkpoint of one is opened as."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.learnable.questions import QuestionData
from genstudio.data.learnable.tokens import TextData
from genstudio.data.tokenizers import Tokenizer
from genstudio.errors import DeviceError
from genstudio.evaluation.questions import AnswerScore
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.counted import CountedText
from genstudio.families.mixture import Gate, Mixture, features
from genstudio.families.stack_training import architecture
from genstudio.families.start import StartedText
from genstudio.inspection.statistics import layer_statistics
from genstudio.nn.modes import evaluating
from genstudio.nn.transformer import Transformer
from genstudio.snapshots.layers import LayerStatistics
from genstudio.training.learner import Scored, Tick

Ids = NDArray[np.integer[Any]]

_SAMPLED_BATCHES = 10
_SAMPLED_QUESTIONS = 256
_SLICE = {"cpu": 5e8}
_SLICE_ELSEWHERE = 1e11
"""Floating-point operations of evaluation between two chances for others: fixed, not timed, so that the sums of two
evaluations are equal to the last bit."""


class GPT(Transformer):
    """The transformer of these settings, for a vocabulary of so many tokens."""

    def __init__(self, config: GPTConfig, vocabulary: int) -> None:
        super().__init__(architecture(config, vocabulary, causal=config.mask))


class GPTModel:
    """A GPT with its tokenizer: writes, is looked into, and is scored.

    `update_sizes` are what the last measured update of each of `named_weights` was, relative to the weight.
    """

    def __init__(self, config: GPTConfig, data: TextData, device: str, seed: int) -> None:
        """Raises DeviceError for bfloat16 anywhere but on CUDA."""
        if config.precision == "bfloat16" and not device.startswith("cuda"):
            raise DeviceError(f"bfloat16 needs a CUDA GPU, and this model runs on '{device}'.", "Choose float32.")
        self.config, self.data, self.device = config, data, torch.device(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.transformer: Transformer = GPT(config, data.tokenizer.size)
        if isinstance(data, StartedText) and data.vectors is not None:
            data.vectors.copy_to(self.transformer.tokens.weight)
        self.transformer.to(self.device).eval()
        self.modules: Mapping[str, nn.Module] = {"model": self.transformer}
        self.mixture: Mixture | None = None
        if isinstance(data, CountedText) and data.counts is not None:
            gate = Gate(config.d_model if config.counts == "gate" else 0)
            self.mixture = Mixture(self.transformer, data.counts, gate)
            self.modules = {"model": self.transformer, "gate": gate}
        self.update_sizes: Tensor | None = None
        self._weights = sum(p.numel() for p in self.transformer.parameters())

    @property
    def tokenizer(self) -> Tokenizer:
        return self.data.tokenizer

    @property
    def context(self) -> int:
        return self.transformer.context

    @property
    def language_model(self) -> Transformer | Mixture:
        """The transformer, mixed with the counts where there are any."""
        return self.transformer if self.mixture is None else self.mixture

    def with_transformer(self, stack: Transformer) -> GPTModel:
        """The same with another stack."""
        other = copy.copy(self)
        other.transformer, other.modules = stack, {**self.modules, "model": stack}
        if self.mixture is not None:
            other.mixture = Mixture(stack, self.mixture.counts, self.mixture.gate)
        other.device = next(stack.parameters()).device
        return other

    def on(self, data: TextData) -> GPTModel:
        """The same with another text, in its own tokens."""
        other = copy.copy(self)
        other.data = dataclasses.replace(data, tokenizer=self.tokenizer)
        return other

    def evaluate(self, exact: bool = False) -> Iterator[Scored | AnswerScore]:
        """Running sums over validation tokens, each scored at most once; the last one is the result.

        Windows of one context move by half of it, so that every token has at least half a context before it where
        there is one. All windows when `exact`, else evenly spaced ones with about ten times the tokens of a
        batch. Yields nothing when there is no text to validate on. Of questions, the answers are scored.
        """
        if isinstance(self.data, QuestionData):
            yield from self._evaluate_answers(self.data, exact)
            return
        data, context = self.data, self.context
        if len(data.validation) < 2:
            return
        starts, skipped = windows(len(data.validation), context)
        if not exact:
            fresh = max(1, context // 2)
            count = math.ceil(_SAMPLED_BATCHES * self.config.batch * context / fresh)
            chosen = np.unique(np.linspace(0, len(starts) - 1, min(count, len(starts))).round().astype(np.int64))
            starts, skipped = starts[chosen], skipped[chosen]
        per_row = context * 2 * self._weights
        rows = max(1, int(_SLICE.get(self.device.type, _SLICE_ELSEWHERE) / per_row))
        nats, tokens, parts = 0.0, 0, dict[str, float]()
        for first in range(0, len(starts), rows):
            part = slice(first, first + rows)
            sums, scored = self._score(starts[part], skipped[part])
            nats, tokens = nats + sums.pop("whole"), tokens + scored
            parts = {name: parts.get(name, 0.0) + more for name, more in sums.items()}
            characters = round(data.validation_characters * tokens / max(1, len(data.validation) - 1))
            done = min(1.0, (first + rows) / len(starts))
            yield Scored(nats, tokens, characters, done, data.validation_unknown, parts)

    def fit_gate(self, most: int) -> None:
        """Fit the share of the counts, where there are any, on at most so many tokens that were held back from the training."""
        data, mixture = self.data, self.mixture
        if mixture is None or not isinstance(data, CountedText) or data.held is None:
            return
        ids, T = data.held.ids, min(self.context, len(data.held.ids) - 1)
        starts, skipped = windows(len(ids), T)
        count = max(1, most // max(1, T // 2))
        some = np.unique(np.linspace(0, len(starts) - 1, min(count, len(starts))).round().astype(np.int64))
        pieces = ids[starts[some, None] + np.arange(T + 1)].astype(np.int64)
        wanted = (np.arange(T) >= skipped[some, None]).reshape(-1)
        expected = data.held.counts.after(pieces[:, :-1]).only(wanted)
        with torch.no_grad(), evaluating(self.transformer), self.autocast():
            hidden = self.transformer.hidden(self.tensor(pieces[:, :-1])).flatten(0, 1)
            hidden = hidden[torch.from_numpy(wanted).to(hidden.device)]
            network = self.transformer.head(hidden).float().log_softmax(-1).cpu().numpy()
        targets = pieces[:, 1:].reshape(-1)[wanted]
        rows = np.arange(len(targets))
        if np.isfinite(network).all():
            mine, theirs = np.exp(network[rows, targets]), expected.probabilities[rows, targets]
            looked = features(network, expected, hidden.float().cpu().numpy())
            mixture.gate.fit(looked, mine, theirs)

    def answer(self, asked: Sequence[Ids], limit: int) -> Generator[Tick, None, list[list[int]]]:
        """The tokens that greedily follow each of these beginnings (T,), up to the end marker or `limit` tokens, and no further
        than the context."""
        end = self.tokenizer.end
        made: list[list[int]] = [[] for _ in asked]
        going = [row for row, ids in enumerate(asked) if len(ids) <= self.context]
        while going:
            lines = [np.concatenate([asked[row], np.array(made[row], np.int64)]) for row in going]
            ids = np.zeros((len(lines), max(map(len, lines))), np.int64)
            for place, line in enumerate(lines):
                ids[place, : len(line)] = line
            chosen = self._next(ids, [len(line) - 1 for line in lines])
            for row, token in zip(going, chosen, strict=True):
                if token != end:
                    made[row].append(token)
            ended = {row for row, token in zip(going, chosen, strict=True) if token == end}
            going = [
                row for row in going
                if row not in ended and len(made[row]) < limit and len(asked[row]) + len(made[row]) <= self.context
            ]  # fmt: skip
            yield Tick()
        return made

    def layers(self, ids: Ids) -> Generator[Tick, None, LayerStatistics]:
        """Activations, weights and gradients of every layer for ids (T,). Gradients need two tokens."""
        pieces = self.tensor(np.asarray(ids)[None])
        return self.statistics(pieces[:, :-1], pieces[:, 1:]) if pieces.shape[1] > 1 else self.statistics(pieces, None)

    def statistics(self, inputs: Tensor, targets: Tensor | None) -> Generator[Tick, None, LayerStatistics]:
        """The same for inputs and targets (B, T)."""
        sizes = None if self.update_sizes is None else self.update_sizes.double().cpu().numpy()
        return layer_statistics(self.transformer, inputs, targets, sizes, self.autocast)

    def tensor(self, ids: Ids) -> Tensor:
        """Ids of any shape on the model's device."""
        return torch.from_numpy(ids.astype(np.int64)).to(self.device, non_blocking=True)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """What a forward pass computes in."""
        if self.config.precision == "bfloat16":
            return torch.autocast("cuda", torch.bfloat16)
        return contextlib.nullcontext()

    def _evaluate_answers(self, data: QuestionData, exact: bool) -> Iterator[AnswerScore]:
        """Held-out questions, in the order of their lengths; all of them when `exact`, else a few hundred."""
        count = len(data.held)
        rows = np.arange(count)
        if not exact and count:
            rows = np.unique(np.linspace(0, count - 1, min(count, _SAMPLED_QUESTIONS)).astype(np.int64))
        rows = rows[np.argsort(data.held.lines.lengths[rows], kind="stable")]
        longest = int(data.held.lines.lengths.max(initial=1))
        some = max(1, int(_SLICE.get(self.device.type, _SLICE_ELSEWHERE) / (longest * 2 * self._weights)))
        found = AnswerScore()
        for first in range(0, len(rows), some):
            nats, tokens, right = self._score_answers(data, rows[first : first + some])
            asked = min(first + some, len(rows))
            found = AnswerScore(found.nats + nats, found.tokens + tokens, asked, found.right + right, asked / len(rows))
            yield found

    @torch.no_grad()
    def _score_answers(self, data: QuestionData, rows: Ids) -> tuple[float, int, int]:
        """Sum of nats and number of the tokens of the answers to these questions, and how many answers are right.

        Greedy decoding gives the right answer exactly where each of its tokens is the most probable one after the right ones
        before it: so one pass says it.
        """
        assert data.tokenizer.end is not None
        ids, _, answer = data.held.padded(rows, data.tokenizer.end)
        pieces, wanted = self.tensor(ids), torch.from_numpy(answer[:, 1:]).to(self.device)
        with evaluating(self.transformer), self.autocast():
            logits = self.transformer(pieces[:, :-1])
        targets = pieces[:, 1:]
        nats = F.cross_entropy(logits[wanted].float(), targets[wanted], reduction="none")
        right = ((logits.argmax(-1) == targets) | ~wanted).all(-1)
        return float(nats.cpu().double().sum()), int(wanted.sum()), int(right.sum())

    @torch.no_grad()
    def _next(self, ids: Ids, last: list[int]) -> list[int]:
        """The most probable token after the token at place `last` of each row of ids (n, T)."""
        with evaluating(self.transformer), self.autocast():
            logits = self.transformer(self.tensor(ids))
        found: list[int] = logits[torch.arange(len(last)), torch.tensor(last)].argmax(-1).tolist()
        return found

    @torch.no_grad()
    def _score(self, starts: Ids, skipped: Ids) -> tuple[dict[str, float], int]:
        """Sums of nats of the `whole` and of the parts of a mixture, and tokens scored, of the windows at `starts` without their
        first `skipped` targets."""
        T = min(self.context, len(self.data.validation) - 1)
        pieces = self.tensor(self.data.validation[starts[:, None] + np.arange(T + 1)])
        wanted = torch.from_numpy(np.arange(T) >= skipped[:, None]).to(self.device)
        targets = pieces[:, 1:][wanted]
        if self.mixture is not None:
            with self.autocast():
                found = self.mixture.parts(pieces[:, :-1])
            said = {"whole": found.whole, "network": found.network, "counts": found.counts}
            sums = {name: _nats(logprobs[wanted], targets) for name, logprobs in said.items()}
            return {**sums, "share": float(found.share[wanted].cpu().double().sum())}, len(targets)
        with evaluating(self.transformer), self.autocast():
            logits = self.transformer(pieces[:, :-1])
        return {"whole": _nats(logits[wanted], targets)}, len(targets)


def _nats(logits: Tensor, targets: Tensor) -> float:
    nats = F.cross_entropy(logits.float(), targets, reduction="none")
    return float(nats.cpu().double().sum())  # an Apple GPU has no float64


def windows(tokens: int, context: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where windows start so that each of `tokens` but the first is a target once: starts, and targets to skip in each.

    A window at s holds tokens s .. s + context, the first of them as input only.
    """
    last = max(0, tokens - 1 - context)
    starts = np.append(np.arange(0, last, max(1, context // 2)), last).astype(np.int64)
    reached = np.append(0, starts[:-1] + min(context, tokens - 1))
    return starts, reached - starts
