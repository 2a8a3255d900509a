"""Training of a ViT: batches of varied pictures, one update, and things to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.events import Array, Snapshot
from genstudio.families.samples import PICTURES, pictures
from genstudio.families.stack_training import Stepper
from genstudio.families.vit import networks
from genstudio.families.vit.config import ViTConfig
from genstudio.families.vit.data import draw, noise
from genstudio.families.vit.model import ViTModel
from genstudio.nn.ema import update_ema
from genstudio.nn.patches import patchify, unpatchify
from genstudio.snapshots.confusion import Confusion
from genstudio.snapshots.patches import PatchAttention
from genstudio.training.learner import EARLY, Tick, Values

_CONFUSED, _WRONG, _RIGHT, _LOOKS, _WEIGHTS = 500, 8, 3, 6, 600_000
"""Pictures whose classes are counted; of each cell so many are kept; pictures that attention is shown over, and how many of its
numbers are kept at most."""
_SEED = 20_260_714


class Batch(NamedTuple):
    """Pictures (accumulation, batch, c, h, w); and of these their classes (accumulation, batch), which patches are kept
    (accumulation, batch, n), or another view."""

    pictures: Tensor
    labels: Tensor | None = None
    kept: Tensor | None = None
    other: Tensor | None = None


class ViTLearner:
    """Trains a ViT by its task. Everything random in step s is drawn from `seed` and s."""

    tokens_per_step, criterion = 0, "val_loss"

    def __init__(self, model: ViTModel, seed: int) -> None:
        config = model.config
        self.model, self.seed, self.step = model, seed, 0
        frozen = config.task == "classify" and config.trained == "head"
        trained = {name: module for name, module in model.modules.items() if not name.startswith("teacher")}
        for module in trained.values():
            module.train(config.dropout > 0 and not frozen)
        model.encoder.requires_grad_(not frozen)
        further = [module for name, module in trained.items() if name != "encoder"]
        self.stepper = Stepper(config, model.encoder, further, config.apart)
        self.optimizers: Mapping[str, torch.optim.Optimizer] = self.stepper.optimizers
        self.evaluate_every, self.evaluate_early = config.evaluate_every, EARLY
        self.preview_every = 0.5
        self.threads: int | None = None
        pairs = ((model.teacher, model.encoder), (model.teacher_projector, model.projector))
        self._averages = [(_weights(slow), _weights(fast)) for slow, fast in pairs if slow is not None and fast is not None]
        among = model.data.held if len(model.data.held) else model.data.train
        self._shown = np.random.default_rng(_SEED).permutation(among)

    @property
    def config(self) -> ViTConfig:
        return self.model.config

    def batch(self, step: int) -> Batch:
        """What a step learns from; depends on seed and step alone. Raises DataError when there is nothing to train on."""
        model, config = self.model, self.config
        chosen = draw(config, model.data, self.seed, step)
        rng, shape = noise(self.seed, step), chosen.shape
        flat = model.stored(chosen.reshape(-1))
        if config.task == "masked":
            kept = torch.from_numpy(networks.random_kept(rng, len(flat), model.patches, config.mask_share)).to(model.device)
            return Batch(_cut(networks.varied(flat, config, rng), shape), kept=_cut(kept, shape))
        if config.task == "views":
            one, other = (networks.varied(flat, config, rng) for _ in range(2))
            return Batch(_cut(one, shape), other=_cut(other, shape))
        assert model.data.labels is not None
        labels = torch.from_numpy(model.data.labels[chosen]).to(model.device)
        return Batch(_cut(networks.varied(flat, config, rng), shape), labels)

    def training_step(self, batch: Batch, step: int, progress: float) -> Values:
        """One update. A gradient that is not finite changes nothing but is reported."""
        self.step = step
        parts = [self._backward(Batch(*(None if part is None else part[i] for part in batch)))  # type: ignore[arg-type]
                 for i in range(len(batch.pictures))]  # fmt: skip
        values = {name: torch.stack([part[name] for part in parts]).sum() for name in parts[0]}
        moved = self.stepper.step(self.config, step, progress)
        for slow, fast in self._averages:
            update_ema(slow, fast, self.config.teacher_decay, step)
        return {**values, **moved}

    def _backward(self, batch: Batch) -> dict[str, Tensor]:
        """The numbers of one part of a step, after its gradients were added."""
        model, config = self.model, self.config
        share = 1 / config.accumulation
        found: dict[str, Tensor] = {}
        if batch.kept is not None:
            made = model.predicted(batch.pictures, batch.kept)
            off = (made - model.targets(batch.pictures)[0]).square().mean(-1)
            loss = off[networks.others(batch.kept, model.patches)].mean()
        elif batch.other is not None:
            loss, more = model.compare(batch.pictures, batch.other)
            found = {name: value * share for name, value in more.items()}
        else:
            assert model.head is not None and batch.labels is not None
            with torch.set_grad_enabled(config.trained == "all"):
                vectors = model.encoder.pooled(model.encoder(batch.pictures))
            scores = model.head(vectors).float()
            loss = F.cross_entropy(scores, batch.labels, label_smoothing=config.label_smoothing)
            found["train_accuracy"] = (scores.argmax(-1) == batch.labels).float().mean() * share
        (loss * share).backward()
        return {"train_loss": loss.detach() * share, **found}

    def change(self, values: Mapping[str, Any]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def opening(self, step: int) -> Iterator[Snapshot]:
        """The real pictures, before anything is learned."""
        if len(self._shown) and self.config.task != "views":
            yield self._real(step)

    def preview(self) -> Iterator[Snapshot | Tick]:
        """The pictures that are held out with what becomes of them, by the task; and where the patches of some look."""
        if not len(self._shown):
            return
        if self.config.task == "classify":
            yield from self._show_classes()
        elif self.config.task == "masked":
            yield from self._show_filled()
        else:
            yield from self._show_views()
        yield Tick()
        yield from self._show_attention()

    def _real(self, step: int) -> Snapshot:
        chosen = self._shown[:PICTURES]
        return pictures("real", step, self.model.data, self.model.data.real[chosen], self._labels(chosen))

    def _labels(self, chosen: Array) -> Array | None:
        labels = self.model.data.labels
        return None if labels is None else labels[chosen]

    def _show_classes(self) -> Iterator[Snapshot | Tick]:
        """Channels `named`, pictures with the class that they were given and its probability, `real`, and `confusion`."""
        model, data = self.model, self.model.data
        assert data.labels is not None
        chosen, told = self._shown[:_CONFUSED], list[Array]()
        for first in range(0, len(chosen), PICTURES):
            told.append(model.probabilities(data.real[chosen[first : first + PICTURES]]))
            if not first:
                yield self._real(self.step)
                few = chosen[: len(told[0])]
                yield pictures("named", self.step, data, data.real[few], told[0].argmax(1), told[0].max(1))
            yield Tick()
        yield confusion(self.step, data.real[chosen], data.labels[chosen], np.concatenate(told).argmax(1), data.shape.classes)

    def _show_filled(self) -> Iterator[Snapshot | Tick]:
        """Channels `filled`, pictures with their hidden patches as the model makes them, `seen`, what the encoder reads of them,
        and `real`; scores are mean squared errors of the hidden patches."""
        model, data, chosen = self.model, self.model.data, self._shown[:PICTURES]
        whole = model.stored(chosen)
        kept = model.kept(len(chosen))
        made, errors = model.fill(whole, kept)
        hidden = networks.others(kept, model.patches)[..., None]
        patch, shape = self.config.patch, data.shape
        seen = unpatchify(patchify(whole, patch).masked_fill(hidden, 0.0), patch, shape.height, shape.width)
        scores = errors.nanmean(1).cpu().numpy()
        yield self._real(self.step)
        for channel, pixels in (("seen", seen), ("filled", made)):
            yield pictures(channel, self.step, data, model.form.outside((pixels + 1) / 2), self._labels(chosen), scores)

    def _show_views(self) -> Iterator[Snapshot | Tick]:
        """Channels `views` and `nearest`: one view of each picture, and beside it that of all second views which is nearest;
        scores are cosines."""
        model, data, chosen = self.model, self.model.data, self._shown[:PICTURES]
        rng = noise(_SEED, 0)
        one, other = (networks.varied(model.stored(chosen), self.config, rng) for _ in range(2))
        near, scores = model.partners(one, other)
        labels = self._labels(chosen)
        yield pictures("views", self.step, data, model.form.outside((one + 1) / 2), labels)
        made = model.form.outside((other + 1) / 2)[near]
        yield pictures("nearest", self.step, data, made, None if labels is None else labels[near], scores)

    def _show_attention(self) -> Iterator[Snapshot | Tick]:
        """Channel `patches`: where the patches of a few pictures look."""
        model, data, config = self.model, self.model.data, self.config
        tokens = model.patches + model.encoder.special
        count = max(1, min(_LOOKS, _WEIGHTS // (config.layers * config.heads * tokens * tokens)))
        looks = []
        for index in self._shown[:count].tolist():
            nothing = np.zeros(model.patches, bool)
            look = model.look(data.real[index], np.arange(model.patches), nothing, self._label(index))
            looks.append(look)
            yield Tick()
        yield PatchAttention("patches", self.step, tuple(looks), config.patch, data.shape.classes)

    def _label(self, index: int) -> int:
        labels = self.model.data.labels
        return -1 if labels is None else int(labels[index])


def confusion(step: int, pixels: Array, wanted: Array, named: Array, classes: tuple[str, ...]) -> Confusion:
    """How often each class (n,) was named for which, with some pictures (n, h, w, c) of each cell."""
    size = len(classes)
    counts = np.zeros((size, size), np.int64)
    np.add.at(counts, (wanted, named), 1)
    taken: dict[tuple[int, int], int] = {}
    kept = []
    for place, cell in enumerate(zip(wanted.tolist(), named.tolist(), strict=True)):
        taken[cell] = taken.get(cell, 0) + 1
        if taken[cell] <= (_RIGHT if cell[0] == cell[1] else _WRONG):
            kept.append(place)
    cells = np.stack([wanted[kept], named[kept]], 1).astype(np.int64)
    return Confusion("confusion", step, counts, classes, pixels[kept].copy(), cells)


def _weights(module: nn.Module) -> Sequence[Tensor]:
    return list(module.parameters())


def _cut(flat: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The first axis (accumulation batch) as two."""
    return flat.unflatten(0, shape)
