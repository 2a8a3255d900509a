"""Training of two streams: masked words, masked patches, and whether picture and text belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from genstudio.data.learnable.captions import padded
from genstudio.evaluation import retrieval
from genstudio.events import Array, Snapshot
from genstudio.families.imagetext import joint
from genstudio.families.imagetext.adam import Adam
from genstudio.families.imagetext.config import ImageTextConfig
from genstudio.families.imagetext.two_stream import Batch, TwoStream
from genstudio.snapshots.grounding import WordLooks
from genstudio.snapshots.matching import Similarity
from genstudio.snapshots.samples import Pictures
from genstudio.training.learner import Tick, Values

_LOOKS, _MATCHED, _FILLED = 6, 12, 24
_SEED = 20_190_806


class TwoStreamLearner:
    """Both streams and their Adam. Each preview fills in words and patches of some held-out pictures, and says which captions
    belong to which."""

    tokens_per_step, preview_every, criterion = 0, 1.0, "val_loss"

    def __init__(self, model: TwoStream, seed: int) -> None:
        self.model, self.seed, self.step = model, seed, 0
        self.adam = Adam(model.config, model.modules)
        self.optimizers: Mapping[str, torch.optim.Optimizer] = self.adam.optimizers
        self.evaluate_every = model.config.evaluate_every
        self.threads: int | None = None
        self.text = ""

    @property
    def config(self) -> ImageTextConfig:
        return self.model.config

    def batch(self, step: int) -> Batch:
        """See `joint.draw`. Raises DataError."""
        return self.model.inside(joint.draw(self.config, self.model.data, self.seed, step))

    def training_step(self, batch: Batch, step: int, progress: float) -> Values:
        """One update. A gradient that is not finite changes nothing but is reported."""
        self.step, config = step, self.config
        if config.shift:
            down, right = (int(n) for n in torch.randint(-config.shift, config.shift + 1, (2,)))
            batch = batch._replace(pixels=batch.pixels.roll((down, right), (2, 3)))
        parts = self.model.losses(batch)
        loss = torch.stack(list(parts.values())).sum()
        loss.backward()
        moved = self.adam.step(config, step, progress)
        return {"train_loss": loss.detach(), **{name: part.detach() for name, part in parts.items()}, **moved}

    def change(self, values: Mapping[str, Any]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def watch(self, values: Mapping[str, str]) -> None:
        """Lay another `question`, with [MASK] for what is asked, beside the first pictures, from the next preview on."""
        self.text = values.get("question", self.text)

    def preview(self) -> Iterator[Snapshot | Tick]:
        """`words`: some held-out pictures with their captions, in each of which a word is masked, and where words look; `real`,
        `seen` and `filled`: pictures with their masked patches as the model makes them; `similarity`: how probable it finds that
        each caption belongs to each picture."""
        data = self.model.data
        if not len(data.held):
            return
        (pool,) = retrieval.pools(data, data.held, 1)
        yield self._words(pool[:_LOOKS])
        yield Tick()
        yield from self._filled(pool[:_FILLED])
        yield Tick()
        yield self._similarity(pool[:_MATCHED])

    def _words(self, some: Array) -> Snapshot:
        model, data = self.model, self.model.data
        ids, places, _ = model.masked_words(some)
        own = data.padded(some)
        nothing, looks = np.zeros(joint.patches(self.config, data), bool), []
        asked = model.read_text(self.text)[0] if data.tokenizer.mask in model.read_text(self.text)[0] else None
        for row, (at, place) in enumerate(zip(some.tolist(), places.tolist(), strict=True)):
            if asked is not None:
                looks.append(model.look_together(data.real[at], asked, nothing))
                continue
            real = ids[row][ids[row] != data.tokenizer.pad][1:]
            looks.append(model.look_together(data.real[at], real, nothing, data.tokenizer.pieces(own[row, place : place + 1])))
        return WordLooks("words", self.step, tuple(looks), self.config.patch)

    def _filled(self, some: Array) -> Iterator[Snapshot]:
        model, data, patch = self.model, self.model.data, self.config.patch
        pixels, names = data.real[some], np.arange(len(some))
        said = tuple(data.captions[at] for at in some.tolist())
        yield Pictures("real", self.step, pixels, names, said)
        if not self.config.hide_share:
            return
        hidden = joint.hide(len(some), joint.patches(self.config, data), self.config.hide_share, np.random.default_rng(_SEED))
        made, errors = model.fill_patches(pixels, data.padded(some), hidden)
        grid = hidden.reshape(len(some), *model.grid).repeat(patch, 1).repeat(patch, 2)
        yield Pictures("seen", self.step, np.where(grid[..., None], np.uint8(128), pixels), names, said, errors)
        yield Pictures("filled", self.step, made, names, said, errors)

    def _similarity(self, some: Array) -> Snapshot:
        model, data, n = self.model, self.model.data, len(some)
        texts = [model.read_text(data.captions[at])[0] for at in some.tolist()]
        ids = padded(data.tokenizer, [text for text in texts for _ in range(n)])
        found = model.belonging(np.concatenate([data.real[some]] * n), ids).reshape(n, n)
        said = tuple(data.captions[at] for at in some.tolist())
        return Similarity("similarity", self.step, found, data.real[some], said, "probability")
