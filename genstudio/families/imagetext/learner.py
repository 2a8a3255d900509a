"""Training of two towers: a batch of pictures and captions, each told apart from all others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genstudio.data.learnable.captions import knows
from genstudio.data.projection import principal
from genstudio.evaluation import retrieval
from genstudio.events import Snapshot
from genstudio.families.imagetext.adam import Adam
from genstudio.families.imagetext.config import ImageTextConfig
from genstudio.families.imagetext.data import draw, texts
from genstudio.families.imagetext.model import ImageText
from genstudio.snapshots.matching import Meeting, Similarity
from genstudio.snapshots.samples import Pictures
from genstudio.training.learner import Tick, Values

_SHOWN, _MAPPED, _FOUND, _SEARCHED = 24, 60, 12, 1000
Batch = tuple[Tensor, Tensor, Tensor]


class ImageTextLearner:
    """Both towers and their Adam. Each preview compares some held-out pictures with their captions, and searches for `text`."""

    tokens_per_step, preview_every, criterion = 0, 1.0, "val_loss"

    def __init__(self, model: ImageText, seed: int) -> None:
        self.model, self.seed, self.step = model, seed, 0
        self.adam = Adam(model.config, model.modules)
        self.optimizers: Mapping[str, torch.optim.Optimizer] = self.adam.optimizers
        self.evaluate_every = model.config.evaluate_every
        self.threads: int | None = None
        self.text = "a red heart"

    @property
    def config(self) -> ImageTextConfig:
        return self.model.config

    def batch(self, step: int) -> Batch:
        """Pictures (batch, C, H, W), ids of captions (batch, T) and numbers that equal captions share (batch,). Raises
        DataError."""
        model = self.model
        chosen, captions = draw(self.config, model.data, self.seed, step)
        pixels, _, alike = model.inside(chosen)
        ids = texts(self.config, model.data, captions, self.seed, step)
        return pixels, torch.from_numpy(ids).to(model.device), alike

    def training_step(self, batch: Batch, step: int, progress: float) -> Values:
        """One update. A gradient that is not finite changes nothing but is reported."""
        self.step, config, (pixels, ids, alike) = step, self.config, batch
        if config.shift:
            down, right = (int(n) for n in torch.randint(-config.shift, config.shift + 1, (2,)))
            pixels = pixels.roll((down, right), (2, 3))
        loss = self.model.loss(pixels, ids, alike)
        loss.backward()
        moved = self.adam.step(config, step, progress)
        return {"train_loss": loss.detach(), "temperature": self.model.match.now(), **moved}

    def change(self, values: Mapping[str, Any]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def watch(self, values: Mapping[str, str]) -> None:
        """Search for another `text`, from the next preview on."""
        self.text = values.get("text", self.text)

    def preview(self) -> Iterator[Snapshot | Tick]:
        """`similarity`: the cosines of some held-out pictures and captions; `meeting`: both in one plane, along the directions in
        which they differ most; `found`: the held-out pictures nearest to `text`, the best first."""
        model, data = self.model, self.model.data
        if not len(data.held):
            return
        (pool,) = retrieval.pools(data, data.held, 1)
        some = pool[:_MAPPED]
        pictures, texts = model.embed_pictures(data.real[some]), model.embed_captions(some)
        n = min(_SHOWN, len(some))
        said = tuple(data.captions[place] for place in some.tolist())
        yield Similarity("similarity", self.step, (texts[:n] @ pictures[:n].T).astype(np.float32), data.real[some[:n]], said[:n])
        yield Tick()
        points, shares = principal(np.concatenate([pictures, texts]))
        points = points.astype(np.float32)
        explained = tuple(float(share) for share in shares)
        yield Meeting("meeting", self.step, points[: len(some)], points[len(some) :], data.real[some], said, explained)
        yield Tick()
        yield self._found()

    def _found(self) -> Pictures:
        data, model = self.model.data, self.model
        among = data.held[:_SEARCHED]
        ids, _ = model.read_text(self.text)
        text = self.text if knows(data.tokenizer, ids) else data.captions[int(data.held[0])]
        cosines = model.embed_pictures(data.real[among]) @ model.embed_texts([text])[0]
        best = np.argsort(-cosines, kind="stable")[:_FOUND]
        captions = tuple(data.captions[at] for at in among[best].tolist())
        return Pictures(
            "found", self.step, data.real[among[best]], np.arange(len(best)), captions, cosines[best].astype(np.float32)
        )
