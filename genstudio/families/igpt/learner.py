"""Training of a transformer on pixels: batches, one update, and pictures to look at."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from genstudio.events import Array, Snapshot
from genstudio.families.igpt.config import IGPTConfig
from genstudio.families.igpt.data import draw
from genstudio.families.igpt.model import UNMADE, IGPTModel
from genstudio.families.samples import pictures
from genstudio.families.stack_training import Stepper
from genstudio.sampling.choose import SamplingOptions
from genstudio.snapshots.samples import Growing, Pictures
from genstudio.training.learner import EARLY, Tick, Values

_TICK = 0.02  # seconds of work between two chances for others
_COMPLETED = 16
"""Held-out pictures that are completed at every preview, at most."""


class IGPTLearner:
    """Trains a model of pixels. Everything random in step s is drawn from `seed` and s."""

    preview_every, criterion = 1.0, "val_loss"

    def __init__(self, model: IGPTModel, seed: int) -> None:
        config = model.config
        self.model, self.seed = model, seed
        self.transformer = model.transformer.train(config.dropout > 0)
        self.stepper = Stepper(config, self.transformer)
        self.optimizers: Mapping[str, torch.optim.Optimizer] = self.stepper.optimizers
        self.evaluate_every, self.evaluate_early = config.evaluate_every, EARLY
        self.tokens_per_step = config.accumulation * config.batch * model.latent.size
        self.threads: int | None = None
        self.step = 0

    @property
    def config(self) -> IGPTConfig:
        return self.model.config

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """What is read and what is predicted in a step, (accumulation, batch, T) int64 each. Raises DataError."""
        return self.model.inputs_and_targets(self.model.pixels.ids[draw(self.config, self.model.pixels, self.seed, step)])

    def training_step(self, batch: tuple[Tensor, Tensor], step: int, progress: float) -> Values:
        """One update; the loss in bits per pixel. A gradient that is not finite changes nothing but is reported."""
        self.step = step
        inputs, targets = batch
        losses = [self._backward(x, y, len(inputs)) for x, y in zip(inputs, targets, strict=True)]
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).sum()
        return {"train_loss": loss / math.log(2), **self.stepper.step(self.config, step, progress)}

    def change(self, values: Mapping[str, object]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def opening(self, step: int) -> Iterator[Snapshot]:
        """The real pictures, and the upper halves that will be completed, before anything was learnt."""
        if len(self.model.data.real):
            yield self.model.shown.real(self.model.data, step)
            yield self._pictures("originals", self._chosen())

    def preview(self) -> Iterator[Snapshot | Tick]:
        """Pictures that grow pixel by pixel, of fixed numbers (`samples`) and from the upper halves of held-out ones
        (`completions`); how many bits each pixel of these takes (`bits`); and where each head looks in the first of them while
        its middle pixel is predicted (`attention`)."""
        model, data = self.model, self.model.pixels
        latents, chosen = model.fixed[0], self._chosen()
        yield from self._grown("samples", np.zeros((len(latents), *data.real.shape[1:]), np.uint8), 0, latents)
        if not len(chosen):
            return
        real = data.real[chosen]
        yield from self._grown("completions", real, data.shape.height // 2, model.noise(len(chosen), 1))
        found = model.predictions(real)
        yield Tick()
        ids = data.ids[chosen].reshape(found.shape[:3])
        bits = -np.log2(np.maximum(np.take_along_axis(found, ids[..., None].astype(np.int64), -1)[..., 0], 1e-12))
        most = max(float(np.log2(max(model.colours, 2))), 1e-9)
        yield self._pictures("bits", (bits / most * 255).clip(0, 255).astype(np.uint8)[..., None], bits.mean((1, 2)))
        yield self._attention(real[0])

    def _grown(self, channel: str, given: Array, rows: int, latents: Array) -> Iterator[Snapshot | Tick]:
        """Pictures with their first rows given, as often as somebody can look at them on the way."""
        keep = np.zeros(given.shape[1:3], bool)
        keep[:rows] = True
        due, made = time.monotonic() + _TICK, None
        for made in self.model.complete(given, keep, latents, SamplingOptions()):
            if made.done < 1 and time.monotonic() >= due:
                yield Growing(channel, self.step, made.samples)
                yield Tick()
                due = time.monotonic() + _TICK
        assert made is not None
        yield self._pictures(channel, made.samples, made.bits.mean((1, 2)))

    def _attention(self, picture: Array) -> Pictures:
        """A picture per head, a row per layer: bright where it looks, the pixels that it cannot see yet in grey."""
        shape = self.model.data.shape
        found = self.model.attention(picture, (shape.height // 2) * shape.width + shape.width // 2)
        layers, heads = found.shape[:2]
        most = np.maximum(np.nanmax(found, axis=(2, 3), keepdims=True), 1e-9)
        shade = np.where(np.isnan(found), UNMADE, np.sqrt(np.nan_to_num(found) / most) * 255).astype(np.uint8)
        labels = np.repeat(np.arange(layers), heads)
        names = tuple(f"layer {number + 1}" for number in range(layers))
        return Pictures("attention", self.step, shade.reshape(-1, *shade.shape[2:], 1), labels if layers > 1 else None, names)

    def _chosen(self) -> Array:
        """Held-out pictures that are completed: their indices."""
        least = min(_COMPLETED, len(self.model.fixed[0]))
        return self.model.shown.chosen[:least] if len(self.model.data.held) else np.zeros(0, np.int64)

    def _pictures(self, channel: str, shown: Array, scores: Array | None = None) -> Pictures:
        """Pictures (n, h, w, c), or those of the data with these indices (n,), each with its mean bits per pixel."""
        pixels = self.model.data.real[shown] if shown.ndim == 1 else shown
        return pictures(channel, self.step, self.model.data, pixels, None, scores)

    def _backward(self, inputs: Tensor, targets: Tensor, share: int) -> Tensor:
        loss = self.transformer.loss(inputs, targets) / share
        loss.backward()
        return loss.detach()
