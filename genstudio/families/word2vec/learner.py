"""Training of word vectors: batches, one update, and things to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genstudio.data.projection import nearest, principal
from genstudio.events import Snapshot
from genstudio.families.word2vec.batches import draw, draw_noise
from genstudio.families.word2vec.config import SHARED, Word2VecConfig
from genstudio.families.word2vec.model import Word2VecModel
from genstudio.snapshots.layers import EmbeddingMap
from genstudio.snapshots.samples import Bars
from genstudio.training.learner import EARLY, Tick, Values
from genstudio.training.optim import Adam, schedule
from genstudio.training.updates import Updates

_MAPPED, _NEAREST = 400, 12
_NEGATIVES = 1
"""Tells the random numbers of negatives from those of a batch of the same step."""


class Word2VecLearner:
    """Trains word vectors. Each preview maps the most frequent words and names the neighbours of `probe`."""

    evaluate_early = EARLY
    preview_every, criterion = 0.5, "val_loss"
    threads: int | None = 1
    tokens_per_step: int

    def __init__(self, model: Word2VecModel, seed: int) -> None:
        config = model.config
        self.model, self.seed, self.step = model, seed, 0
        adam = Adam(model.table.parameters(), config.learning_rate, (config.beta1, config.beta2))
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"adam": adam}
        self.updates = Updates([model.table], self.optimizers)
        self.evaluate_every, self.tokens_per_step = config.evaluate_every, config.batch
        self.probe = model.data.questions[0][0] if model.data.questions else ""

    @property
    def config(self) -> Word2VecConfig:
        return self.model.config

    def batch(self, step: int) -> tuple[Tensor, ...]:
        """What predicts, the row of each prediction, what is to be predicted, and random words; depends on seed and step
        alone. Raises DataError when there is no text to train on."""
        config, model = self.config, self.model
        inputs, row, wanted = model.inputs(draw(config, model.data, self.seed, step))
        if config.objective == "softmax":
            return inputs, row, wanted
        rng = np.random.Generator(np.random.Philox(key=[self.seed % 2**64, step + (_NEGATIVES << 62)]))
        return inputs, row, wanted, model.tensor(draw_noise(model.noise, rng, (min(SHARED, len(model.noise)),)))

    def training_step(self, batch: tuple[Tensor, ...], step: int, progress: float) -> Values:
        """One update by the mean over all predictions. A gradient that is not finite changes nothing but is reported."""
        self.step, config = step, self.config
        inputs, row, wanted, *negatives = batch
        vectors = self.model.vectors(inputs)
        if negatives:
            nats = self.model.table.negative_sampling(vectors, row, wanted, negatives[0], config.negatives)
        else:
            nats = self.model.predict(vectors, row, wanted).sum()
        loss = nats / max(len(row), 1)
        loss.backward()
        factor = schedule(
            config.schedule, progress, step, warmup=config.warmup, hold=config.hold, final=config.final_rate
        )
        rate = config.learning_rate * factor
        self.updates.set_rates({"adam": rate}, betas=(config.beta1, config.beta2))
        return {"train_loss": loss.detach(), "gradient_norm": self.updates.step(clip=config.clip), "learning_rate": rate}

    def change(self, values: Mapping[str, Any]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def watch(self, values: Mapping[str, str]) -> None:
        """Name the neighbours of another `word`, from the next preview on."""
        self.probe = values.get("word", self.probe)

    def preview(self) -> Iterator[Snapshot | Tick]:
        """The most frequent words along the two directions in which they differ most (channel `map`), and the words nearest to
        `probe` with their cosines (channel `neighbours`)."""
        words, vectors = self.model.embeddings()
        some = vectors[:_MAPPED]
        points, shares = principal(some)
        yield EmbeddingMap(
            "map", self.step, "words", points.astype(np.float32), words[:_MAPPED], np.arange(len(some)), len(words),
            tuple(float(share) for share in shares),
            note=f"the {_MAPPED} most frequent of {len(words):,} words" if len(words) > _MAPPED else "",
        )  # fmt: skip
        yield Tick()
        yield self._neighbours(words, vectors)

    def _neighbours(self, words: tuple[str, ...], vectors: Any) -> Bars:
        """Of the probe; of the most frequent word where nothing is asked for, none of an unknown word."""
        probe = self.probe.strip()
        if self.config.lower_case and probe not in words:
            probe = probe.lower()
        place = words.index(probe) if probe in words else 0 if not probe else -1
        near = nearest(vectors, place, _NEAREST) if place >= 0 else []
        unit = f"cosine to '{words[place]}'" if place >= 0 else f"'{probe[:40]}' is not among the {len(words):,} words"
        values = np.array([cosine for _, cosine in near], np.float32)
        return Bars("neighbours", self.step, values, tuple(words[index] for index, _ in near), (), unit)
