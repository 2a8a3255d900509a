"""Training of a GPT: batches, one update, and things to look at."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Generator, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from genstudio.data.tokenizers import continuation
from genstudio.events import Snapshot
from genstudio.families.gpt.batches import draw
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPTModel, Ids
from genstudio.families.stack_training import Stepper
from genstudio.inspection.trace import attention
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.text import stream
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.layers import LayerStatistics
from genstudio.snapshots.text import Text
from genstudio.training.learner import Tick, Values

_TICK = 0.02  # seconds of work between two chances for others
_WRITE, _WRITE_SEED = 120, 0
_PROBE = 64
_PROBE_TOKENS = 512
_EARLY_STEPS = frozenset((5, 10, 20, 40, 70, 100))


class GPTLearner:
    """Trains a GPT. Each preview continues `prompt`, and looks at `probe`."""

    def __init__(self, model: GPTModel, seed: int) -> None:
        config = model.config
        self.model, self.seed = model, seed
        self.transformer = model.transformer.train(config.dropout > 0)
        self.stepper = Stepper(config, self.transformer)
        self.optimizers: Mapping[str, torch.optim.Optimizer] = self.stepper.optimizers
        self.evaluate_every, self.evaluate_early = config.evaluate_every, _EARLY_STEPS
        self.tokens_per_step = config.accumulation * config.batch * config.context
        self.preview_every, self.criterion = 1.0, "val_loss"
        self.threads: int | None = None
        self.step = 0
        self.prompt, self.probe = "\n", "To be, or not to be, that is the question"

    @property
    def config(self) -> GPTConfig:
        return self.model.config

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of a step, (accumulation, batch, T) int64 each; depends on seed and step alone.

        Raises DataError when the data has no text to train on.
        """
        pieces = self.model.tensor(draw(self.config, self.model.data, self.seed, step))
        return pieces[..., :-1], pieces[..., 1:]

    def training_step(self, batch: tuple[Tensor, Tensor], step: int, progress: float) -> Values:
        """One update with inputs and targets (accumulation, batch, T). A gradient that is not finite changes nothing but is
        reported."""
        self.step = step
        inputs, targets = batch
        losses = [self._backward(x, y, len(inputs)) for x, y in zip(inputs, targets, strict=True)]
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).sum()
        moved = self.stepper.step(self.config, step, progress)
        self.model.update_sizes = self.stepper.sizes
        return {"train_loss": loss, **moved}

    def change(self, values: Mapping[str, object]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def watch(self, values: Mapping[str, str]) -> None:
        """Continue another `prompt`, look at another `probe`, from the next preview on."""
        self.prompt, self.probe = values.get("prompt", self.prompt), values.get("probe", self.probe)

    def preview(self) -> Iterator[Snapshot | Tick]:
        """A text that the model writes after `prompt` (channel `sample`), its attention to `probe`, and its layers."""
        due = time.monotonic() + _TICK
        tokenizer = self.model.tokenizer
        ids = self._encode(self.prompt)
        written: list[int] = []
        for choice in stream(self.transformer, ids, SamplingOptions(temperature=0.8), _WRITE_SEED, _WRITE):
            written.append(choice.id)
            if time.monotonic() >= due:
                yield Tick()
                due = time.monotonic() + _TICK
        yield Text("sample", self.step, self.prompt, continuation(tokenizer, written))
        probe = self._encode(self.probe)[: min(_PROBE, self.model.context)]
        yield Attention("attention", self.step, tokenizer.pieces(probe), attention(self.transformer, probe))
        if len(self.model.data.train) > self.model.context:
            yield (yield from self.layers())

    def layers(self) -> Generator[Tick, None, LayerStatistics]:
        """Activations, weights and gradients of every layer for a part of a batch that is never trained on. The update that
        follows is measured, as is every 16th, for the next time."""
        rows = max(1, min(self.config.batch, _PROBE_TOKENS // self.model.context))
        pieces = self.model.tensor(draw(self.config, self.model.data, self.seed, 0)[0, :rows])
        self.stepper.measure_next = True
        found = yield from self.model.statistics(pieces[:, :-1], pieces[:, 1:])
        return dataclasses.replace(found, step=self.step)

    def _encode(self, text: str) -> Ids:
        """Ids of what the vocabulary has of a text; of something to start from when that is nothing."""
        tokenizer = self.model.tokenizer
        ids, _ = tokenizer.encode_lossy(text)
        begin = [] if tokenizer.begin is None else [tokenizer.begin]
        return np.concatenate([np.array(begin or ([] if len(ids) else [0]), np.int32), ids])

    def _backward(self, inputs: Tensor, targets: Tensor, share: int) -> Tensor:
        with self.model.autocast():
            loss = self.transformer.loss(inputs, targets) / share
        loss.backward()
        return loss.detach()
