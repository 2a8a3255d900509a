"""Training of a GPT: batches, one update, and things to look at."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from genstudio.data.tokenizers import continuation
from genstudio.events import Snapshot
from genstudio.families.gpt.batches import draw
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPTModel, Ids
from genstudio.inspection.statistics import evenly, named_weights
from genstudio.inspection.trace import attention
from genstudio.nn.transformer import Transformer
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.text import stream
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.layers import LayerStatistics
from genstudio.snapshots.text import Text
from genstudio.training.learner import Tick, Values
from genstudio.training.optim import Muon, adamw, schedule
from genstudio.training.updates import Updates

_TICK = 0.02  # seconds of work between two chances for others
_WRITE, _WRITE_SEED = 120, 0
_PROBE = 64
_PROBE_TOKENS = 512
_COMPARED, _MEASURED_EVERY = 2048, 16
_EARLY_STEPS = frozenset((5, 10, 20, 40, 70, 100))


class GPTLearner:
    """Trains a GPT. Each preview continues `prompt`, and looks at `probe`."""

    def __init__(self, model: GPTModel, seed: int) -> None:
        config = model.config
        self.model, self.seed = model, seed
        self.transformer = model.transformer.train(config.dropout > 0)
        self.optimizers: Mapping[str, torch.optim.Optimizer] = _optimizers(config, self.transformer)
        self.updates = Updates([self.transformer], self.optimizers)
        self.evaluate_every, self.evaluate_early = config.evaluate_every, _EARLY_STEPS
        self.tokens_per_step = config.accumulation * config.batch * config.context
        self.preview_every, self.criterion = 1.0, "val_loss"
        self.threads: int | None = None
        self.step = 0
        self._measuring = False
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
        rate = self._set_rates(step, progress)
        with self._measured(step):
            norm = self.updates.step(clip=self.config.clip)
        return {"train_loss": loss, "gradient_norm": norm, "learning_rate": rate}

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
        self._measuring = True
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

    def _set_rates(self, step: int, progress: float) -> float:
        """Returns the learning rate of this step."""
        config = self.config
        factor = schedule(
            config.schedule, progress, step, warmup=config.warmup, hold=config.hold, final=config.final_rate
        )
        rates = {"adamw": config.learning_rate, "muon": config.muon_rate}
        self.updates.set_rates({name: rates[name] * factor for name in self.optimizers})
        return config.learning_rate * factor

    @contextmanager
    def _measured(self, step: int) -> Iterator[None]:
        """Notes how far an update moves some entries of every weight, where somebody will look."""
        if not self._measuring and step % _MEASURED_EVERY:
            yield
            return
        before = self._compared()
        yield
        pairs = zip(before, self._compared(), strict=True)
        self.model.update_sizes = torch.stack([(new - old).norm() / old.norm() for old, new in pairs])
        self._measuring = False

    def _compared(self) -> list[Tensor]:
        return [evenly(weight.detach(), _COMPARED).float().clone() for _, weight in named_weights(self.transformer)]


def _optimizers(config: GPTConfig, model: Transformer) -> dict[str, torch.optim.Optimizer]:
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
