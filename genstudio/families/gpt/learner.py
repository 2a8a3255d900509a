"""Training of a GPT: batches, one update, exact evaluation, and things to look at."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.learnable.tokens import TextData
from genstudio.data.tokenizers import continuation
from genstudio.errors import DeviceError
from genstudio.events import Snapshot
from genstudio.families.gpt.batches import draw
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPT
from genstudio.inspection.statistics import evenly, layer_statistics, named_weights
from genstudio.nn.modes import evaluating
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.text import stream
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.layers import LayerStatistics
from genstudio.snapshots.text import Text
from genstudio.training.learner import Scored, Tick
from genstudio.training.optim import Muon, adamw, schedule
from genstudio.training.updates import Updates

Ids = NDArray[np.integer[Any]]

_TICK = 0.02  # seconds of work between two chances for others
_WRITE, _WRITE_SEED = 120, 0
_PROBE = 64
_PROBE_TOKENS = 512
_COMPARED, _MEASURED_EVERY = 2048, 16
_SAMPLED_BATCHES = 10
_EARLY_STEPS = frozenset((5, 10, 20, 40, 70, 100))
_SLICE = {"cpu": 5e8}
_SLICE_ELSEWHERE = 1e11
"""Floating-point operations of evaluation between two chances for others: fixed, not timed, so that the sums of two
evaluations are equal to the last bit."""


class GPTLearner:
    """A GPT and its optimisers. `prompt` is continued and `probe` is looked at in each preview."""

    def __init__(self, config: GPTConfig, data: TextData, device: str, seed: int) -> None:
        """Raises DeviceError for bfloat16 anywhere but on CUDA."""
        if config.precision == "bfloat16" and not device.startswith("cuda"):
            raise DeviceError(f"bfloat16 needs a CUDA GPU, and this model is for '{device}'.", "Choose float32.")
        self.config, self.data, self.device, self.seed = config, data, torch.device(device), seed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = GPT(config, data.tokenizer.size)
        self.model.to(self.device).train(config.dropout > 0)
        self.parts: Mapping[str, nn.Module] = {"model": self.model}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = _optimizers(config, self.model)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.evaluate_every, self.evaluate_early = config.evaluate_every, _EARLY_STEPS
        self.tokens_per_step = config.accumulation * config.batch * config.context
        self.preview_every, self.criterion = 1.0, "val_loss"
        self.step = 0
        self.updates = Updates([self.model], self.optimizers)
        self._updates: Tensor | None = None
        self._measuring = False
        self.prompt = "\n"
        self.probe = "To be, or not to be, that is the question"

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of a step, (accumulation, batch, T) int64 each; depends on seed and step alone.

        Raises DataError when the data has no text to train on.
        """
        pieces = self._tensor(draw(self.config, self.data, self.seed, step))
        return pieces[..., :-1], pieces[..., 1:]

    def training_step(self, batch: Any, step: int, progress: float) -> Mapping[str, Tensor | float]:
        """One update. A gradient that is not finite changes nothing but is reported."""
        self.step = step
        inputs, targets = batch
        losses = [self._backward(x, y, len(inputs)) for x, y in zip(inputs, targets, strict=True)]
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).sum()
        factor = self._set_rates(step, progress)
        before = self._compared() if self._measuring or step % _MEASURED_EVERY == 0 else []
        norm = self.updates.step(clip=self.config.clip)
        if before:
            self._measure(before)
        return {"train_loss": loss, "gradient_norm": norm, "learning_rate": self.config.learning_rate * factor}

    def watch(self, values: Mapping[str, str]) -> None:
        """Other texts as `prompt` and `probe` of the previews."""
        self.prompt, self.probe = values.get("prompt", self.prompt), values.get("probe", self.probe)

    def change(self, values: Mapping[str, Any]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.config = type(self.config).parse({**self.config.model_dump(), **values})

    def evaluate(self, exact: bool = False, share: float = 1.0) -> Iterator[Scored]:
        """Running sums over validation tokens, each scored at most once; the last one is the result.

        Windows of one context move by half of it, so that every token has at least half a context before it where
        there is one. All windows when `exact`, else a `share` of evenly spaced ones with about ten times the tokens of a
        batch.
        Yields nothing when there is no text to validate on.
        """
        if len(self.data.validation) < 2:
            return
        starts, skipped = windows(len(self.data.validation), self.model.context)
        if not exact:
            fresh = max(1, self.model.context // 2)
            count = max(1, math.ceil(share * _SAMPLED_BATCHES * self.config.batch * self.model.context / fresh))
            chosen = np.unique(np.linspace(0, len(starts) - 1, min(count, len(starts))).round().astype(np.int64))
            starts, skipped = starts[chosen], skipped[chosen]
        nats, tokens, rows = 0.0, 0, self._rows()
        for first in range(0, len(starts), rows):
            part = slice(first, first + rows)
            more, scored = self._score(starts[part], skipped[part])
            nats, tokens = nats + more, tokens + scored
            yield Scored(nats, tokens, self._characters(tokens), min(1.0, (first + rows) / len(starts)))

    def preview(self) -> Iterator[Snapshot | Tick]:
        """A text that the model writes after `prompt` (channel `sample`), and its attention to `probe`."""
        due = time.monotonic() + _TICK
        ids = self._encode(self.prompt)
        written: list[int] = []
        for choice in stream(self.model, ids, SamplingOptions(temperature=0.8), _WRITE_SEED, _WRITE):
            written.append(choice.id)
            if time.monotonic() >= due:
                yield Tick()
                due = time.monotonic() + _TICK
        yield Text("sample", self.step, self.prompt, continuation(self.data.tokenizer, written))
        probe = self._encode(self.probe)[: min(_PROBE, self.model.context)]
        weights = self.attention(probe)
        yield Attention("attention", self.step, self.data.tokenizer.pieces(probe), weights)
        if len(self.data.train) > self.model.context:
            yield (yield from self.layers())

    def layers(self, ids: Ids | None = None) -> Generator[Tick, None, LayerStatistics]:
        """Activations, weights and gradients of every layer for ids (T,), or for a part of a batch that is never trained
        on. The update that follows is measured, as is every 16th, for the next time.

        Gradients need two tokens. Nothing in the learner's training changes.
        """
        if ids is None:
            rows = max(1, min(self.config.batch, _PROBE_TOKENS // self.model.context))
            pieces = self._tensor(draw(self.config, self.data, self.seed, 0)[0, :rows])
        else:
            pieces = self._tensor(np.asarray(ids)[None])
        inputs, targets = (pieces[:, :-1], pieces[:, 1:]) if pieces.shape[1] > 1 else (pieces, None)
        updates = None if self._updates is None else self._updates.double().cpu().numpy()
        self._measuring = True
        found = yield from layer_statistics(self.model, inputs, targets, updates, self._autocast)
        return dataclasses.replace(found, step=self.step)

    def on(self, data: TextData) -> GPTLearner:
        """The same model with other data, for scoring it."""
        other = copy.copy(self)
        other.data = data
        return other

    def _encode(self, text: str) -> Ids:
        """Ids of what the vocabulary has of a text; of something to start from when that is nothing."""
        tokenizer = self.data.tokenizer
        ids, _ = tokenizer.encode_lossy(text)
        begin = [] if tokenizer.begin is None else [tokenizer.begin]
        return np.concatenate([np.array(begin or ([] if len(ids) else [0]), np.int32), ids])

    def _tensor(self, ids: Ids) -> Tensor:
        return torch.from_numpy(ids.astype(np.int64)).to(self.device, non_blocking=True)

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.config.precision == "bfloat16":
            return torch.autocast("cuda", torch.bfloat16)
        return contextlib.nullcontext()

    def _backward(self, inputs: Tensor, targets: Tensor, share: int) -> Tensor:
        with self._autocast():
            loss = self.model.loss(inputs, targets) / share
        loss.backward()
        return loss.detach()

    def _set_rates(self, step: int, progress: float) -> float:
        config = self.config
        factor = schedule(
            config.schedule, progress, step, warmup=config.warmup, hold=config.hold, final=config.final_rate
        )
        rates = {"adamw": config.learning_rate, "muon": config.muon_rate}
        self.updates.set_rates({name: rates[name] * factor for name in self.optimizers})
        return factor

    def _compared(self) -> list[Tensor]:
        """Copies of some entries of every weight."""
        return [evenly(weight.detach(), _COMPARED).float().clone() for _, weight in named_weights(self.model)]

    def _measure(self, before: list[Tensor]) -> None:
        pairs = zip(before, self._compared(), strict=True)
        self._updates = torch.stack([(new - old).norm() / old.norm() for old, new in pairs])
        self._measuring = False

    def _rows(self) -> int:
        per_row = self.model.context * 2 * sum(p.numel() for p in self.parameters)
        return max(1, int(_SLICE.get(self.device.type, _SLICE_ELSEWHERE) / per_row))

    @torch.no_grad()
    def _score(self, starts: Ids, skipped: Ids) -> tuple[float, int]:
        """Sum of nats, and tokens scored, of the windows at `starts` without their first `skipped` targets."""
        T = min(self.model.context, len(self.data.validation) - 1)
        pieces = self._tensor(self.data.validation[starts[:, None] + np.arange(T + 1)])
        wanted = torch.from_numpy(np.arange(T) >= skipped[:, None]).to(self.device)
        with evaluating(self.model), self._autocast():
            logits = self.model(pieces[:, :-1])
        nats = F.cross_entropy(logits[wanted].float(), pieces[:, 1:][wanted], reduction="none")
        return float(nats.cpu().double().sum()), int(wanted.sum())  # an Apple GPU has no float64

    @torch.no_grad()
    def attention(self, ids: Ids) -> NDArray[np.float32]:
        """Weights (layers, heads, T, T) over ids (T,), row = query; changes nothing in the model."""
        with evaluating(self.model):
            return self.model.attention(self._tensor(ids)).float().cpu().numpy()

    def _characters(self, tokens: int) -> int:
        return round(self.data.validation_characters * tokens / max(1, len(self.data.validation) - 1))


def windows(tokens: int, context: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where windows start so that each of `tokens` but the first is a target once: starts, and targets to skip in each.

    A window at s holds tokens s .. s + context, the first of them as input only.
    """
    last = max(0, tokens - 1 - context)
    starts = np.append(np.arange(0, last, max(1, context // 2)), last).astype(np.int64)
    reached = np.append(0, starts[:-1] + min(context, tokens - 1))
    return starts, reached - starts


def _optimizers(config: GPTConfig, model: GPT) -> dict[str, torch.optim.Optimizer]:
    betas = (config.beta1, config.beta2)
    if config.optimizer == "adamw":
        rest = list(model.parameters())
    else:
        matrices = list(model.matrices())
        theirs = {id(p) for p, _ in matrices}
        rest = [p for p in model.parameters() if id(p) not in theirs]
    everything: dict[str, torch.optim.Optimizer] = {
        "adamw": adamw(rest, rate=config.learning_rate, betas=betas, weight_decay=config.weight_decay)
    }
    if config.optimizer == "muon":
        groups = [
            {"params": [p for p, n in matrices if n == parts], "parts": parts}
            for parts in sorted({n for _, n in matrices})
        ]
        everything["muon"] = Muon(groups, lr=config.muon_rate, weight_decay=config.weight_decay)
    return everything
