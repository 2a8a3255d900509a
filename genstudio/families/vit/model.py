"""The model that a checkpoint of a ViT is opened as: names classes, fills in patches, is looked into, and is measured."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Generator, Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.learnable.samples import SampleData
from genstudio.data.work import mapped
from genstudio.evaluation import classifiers
from genstudio.events import Array
from genstudio.families import start
from genstudio.families.abilities import LatentSpec
from genstudio.families.samples import Form
from genstudio.families.vit import networks
from genstudio.families.vit.baselines import baselines
from genstudio.families.vit.config import ViTConfig, patches_of
from genstudio.families.vit.data import ViTData, noise
from genstudio.nn.modes import evaluating
from genstudio.nn.patches import patchify, rollout, unpatchify
from genstudio.snapshots.patches import PatchLook
from genstudio.training.learner import Measured

_SAMPLED, _PROBED, _ROWS = 1000, (1000, 500), 128
"""Held-out pictures that are scored during a training, and pictures that a probe is then fitted to and tested on."""
_EVALUATION = 7
"""What hides patches of an evaluation: the same ones every time."""
_FLAT = 0.01
"""Added to the variance of a patch, so that one without strokes stays as it is."""
HIDDEN = -1
"""In an order of patches: what stands here is hidden."""


class ViTModel:
    """An encoder of patches, and what its task puts behind it. Pictures outside are (n, h, w, c) uint8, inside (n, c, h, w) in
    [-1, 1]."""

    def __init__(self, config: ViTConfig, data: ViTData, device: str, seed: int) -> None:
        """Raises CheckpointError where the run that is started from cannot be read."""
        self.config, self.data, self.device = config, data, torch.device(device)
        self.patches, self.seed = patches_of(config, data.shape), seed
        shape, self.latent = data.shape, LatentSpec(config.d_model)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = networks.encoder(config, shape.channels, self.patches)
            self.head = networks.Head(config.d_model, len(shape.classes)) if config.task == "classify" else None
            masked, views = config.task == "masked", config.task == "views"
            taught = views and config.objective == "distilled"
            self.decoder = networks.decoder(config, shape.channels, self.patches) if masked else None
            self.projector = networks.Projector(config.d_model, taught) if views else None
        self.teacher = copy.deepcopy(self.encoder).requires_grad_(False) if taught else None
        self.teacher_projector = copy.deepcopy(self.projector).requires_grad_(False) if taught and self.projector else None
        further = {
            "classifier": self.head, "decoder": self.decoder, "projector": self.projector, "teacher": self.teacher,
            "teacher_projector": self.teacher_projector,
        }  # fmt: skip
        self.modules: Mapping[str, nn.Module] = {
            "encoder": self.encoder, **{name: module for name, module in further.items() if module is not None}
        }  # fmt: skip
        if data.started is not None:
            weights = data.started.weights()
            start.take(weights, self.modules)
            if self.teacher is not None:
                self.teacher.load_state_dict(self.encoder.state_dict())
        for module in self.modules.values():
            module.to(self.device).eval()
        self._take(data)

    def on(self, data: SampleData) -> ViTModel:
        """The same modules with other data."""
        other = copy.copy(self)
        values = {each.name: getattr(data, each.name) for each in dataclasses.fields(SampleData)}
        other._take(data if isinstance(data, ViTData) else ViTData(**values))
        return other

    def _take(self, data: ViTData) -> None:
        self.data, self.form = data, Form(data, self.device)
        self._untrained: dict[bool, float] = {}

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it tells apart; none where it was not trained to."""
        return self.data.shape.classes if self.head is not None else ()

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        shape = self.data.shape
        return shape.height // self.config.patch, shape.width // self.config.patch

    @property
    def fills(self) -> bool:
        """Whether it was trained to fill in hidden patches."""
        return self.decoder is not None

    def inside(self, samples: Array) -> Tensor:
        """Pictures (n, h, w, c) uint8 -> (n, c, h, w) in [-1, 1]"""
        return self.form.inside(samples).mul_(2).sub_(1)

    def stored(self, chosen: Array) -> Tensor:
        """The same of pictures of the data by their indices (n,)."""
        return self.form.stored(chosen).mul_(2).sub_(1)

    @torch.no_grad()
    def probabilities(self, inputs: Array) -> Array:
        """Pictures (n, h, w, c) uint8 -> probability of each class (n, classes) float32"""
        if not len(inputs):
            return np.zeros((0, len(self.classes)), np.float32)
        return np.concatenate([
            self.scores(self.inside(inputs[first : first + _ROWS])).softmax(-1).cpu().numpy()
            for first in range(0, len(inputs), _ROWS)
        ])  # fmt: skip

    @torch.no_grad()
    def scores(self, pictures: Tensor) -> Tensor:
        """pictures (n, c, h, w) -> logits of the classes (n, classes)"""
        assert self.head is not None
        with evaluating(self.encoder):
            found: Tensor = self.head(self.encoder.pooled(self.encoder(pictures))).float()
            return found

    @torch.no_grad()
    def encode(self, samples: Array) -> Array:
        """Pictures (n, h, w, c) uint8 -> what they are read from (n, d_model) float32"""
        return np.concatenate([self._features(self.inside(samples[i : i + _ROWS])) for i in range(0, len(samples), _ROWS)])

    @torch.no_grad()
    def _features(self, pictures: Tensor) -> NDArray[np.float32]:
        with evaluating(self.encoder):
            return self.encoder.pooled(self.encoder(pictures)).float().cpu().numpy()

    @torch.no_grad()
    def fill(self, pictures: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (n, c, h, w), of which the encoder reads the `kept` patches (n, k) -> the pictures that the decoder makes, the
        kept patches as they are; and the squared error of each hidden patch (n, N), NaN where nothing was hidden."""
        shape, hidden = self.data.shape, networks.others(kept, self.patches)
        with evaluating(self.encoder):
            made = self.predicted(pictures, kept)
        true, (wanted, mean, scale) = patchify(pictures, self.config.patch), self.targets(pictures)
        errors = (made - wanted).square().mean(-1).masked_fill(~hidden, torch.nan)
        whole = torch.where(hidden[..., None], made * scale + mean, true)
        return unpatchify(whole, self.config.patch, shape.height, shape.width), errors

    def targets(self, pictures: Tensor) -> tuple[Tensor, Tensor | float, Tensor | float]:
        """What is to be predicted of all patches (n, N, numbers) of pictures (n, c, h, w), and the mean and the scale of each
        (n, N, 1) where they are normalised (He et al. 2022, 4.1), else 0 and 1."""
        true = patchify(pictures, self.config.patch)
        if not self.config.normalised:
            return true, 0.0, 1.0
        mean, scale = true.mean(-1, keepdim=True), (true.var(-1, keepdim=True, correction=0) + _FLAT).sqrt()
        return (true - mean) / scale, mean, scale

    def predicted(self, pictures: Tensor, kept: Tensor) -> Tensor:
        """The pixels of all patches (n, N, numbers) from the kept ones (n, k) of pictures (n, c, h, w)."""
        assert self.decoder is not None
        seen = self.encoder(pictures, kept)[:, self.encoder.special :]
        found: Tensor = self.decoder(seen, kept)
        return found

    @torch.no_grad()
    def look(self, sample: Array, order: Array, dropped: Array, label: int = -1) -> PatchLook:
        """What it makes of a picture (h, w, c) uint8 whose patches stand in another `order` (N,), HIDDEN ones covered with grey,
        and `dropped` ones (N,) not read at all. See `abilities.LooksAtPatches`."""
        config, shape = self.config, self.data.shape
        picture = self.inside(sample[None])
        cut = patchify(picture, config.patch)
        places = torch.from_numpy(np.where(order == HIDDEN, np.arange(len(order)), order)).to(self.device)
        cut = cut[:, places]
        whole = unpatchify(cut, config.patch, shape.height, shape.width)
        covered = torch.from_numpy(order == HIDDEN).to(self.device)
        cut = torch.where(covered[None, :, None], torch.zeros_like(cut), cut)
        shown = unpatchify(cut, config.patch, shape.height, shape.width)
        hidden = covered.cpu().numpy() if self.fills else np.zeros(len(order), bool)
        seen = np.flatnonzero(~(dropped.astype(bool) | hidden))
        if not len(seen):
            raise ValueError("at least one patch must be seen")
        kept = torch.from_numpy(seen).to(self.device)[None]
        with evaluating(self.encoder):
            vectors, weights = self.encoder.attention(shown, None if len(seen) == self.patches else kept)
            told = None if self.head is None else self.head(self.encoder.pooled(vectors)).float().softmax(-1)[0]
        weights = weights[:, 0].float()
        filled = None
        if self.decoder is not None and len(seen) < self.patches:
            filled = self.form.outside((self.fill(whole, kept)[0] + 1) / 2)[0]
        return PatchLook(
            self.form.outside((shown + 1) / 2)[0], seen, weights.cpu().numpy(), rollout(weights).cpu().numpy(),
            None if told is None else told.cpu().numpy(), filled, label,
        )  # fmt: skip

    def kept(self, count: int) -> Tensor:
        """Which patches of the first `count` pictures of an evaluation are seen: the same ones every time."""
        rng = noise(_EVALUATION, 0)
        return torch.from_numpy(networks.random_kept(rng, count, self.patches, self.config.mask_share)).to(self.device)

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """How well it names classes, `accuracy` and `val_loss`; or fills in patches, `val_loss`; or recognises views. Of models
        that were trained without classes, where there are some, `probe_accuracy`: that of a logistic regression on its vectors,
        beside `untrained_probe_accuracy`, the same before any training. When it is to be `exact`, what needs no neural network
        is beside it. Yields nothing without data."""
        held = self.data.held
        if not len(held):
            return
        if not exact:
            held = np.random.default_rng(_EVALUATION).permutation(held)[:_SAMPLED]
        if self.head is not None:
            yield from self._evaluate_classes(held, exact)
        else:
            yield from self._evaluate_without(held, exact)

    def _evaluate_classes(self, held: Array, exact: bool) -> Iterator[Measured]:
        assert self.data.labels is not None
        nats, right = 0.0, 0
        for first in range(0, len(held), _ROWS):
            part = held[first : first + _ROWS]
            scores, wanted = self.scores(self.stored(part)), torch.from_numpy(self.data.labels[part]).to(self.device)
            nats += float(F.cross_entropy(scores, wanted, reduction="sum"))
            right += int((scores.argmax(-1) == wanted).sum())
            yield Measured(done=(0.3 if exact else 1.0) * first / len(held))
        values = {"val_loss": nats / len(held), "accuracy": right / len(held)}
        if not exact:
            yield Measured(values)
            return
        beside = yield from mapped(baselines(self.config, self.data), lambda done: Measured(done=0.3 + 0.7 * done))
        yield Measured(values, answer={**values, **beside, "held_out_count": float(len(held))})

    def _evaluate_without(self, held: Array, exact: bool) -> Iterator[Measured]:
        values = yield from self._loss_without(held)
        if self.data.labels is not None:
            probed = yield from self._probe(exact)
            values |= probed
        answer = dict(values)
        if exact:
            answer["held_out_count"] = float(len(held))
        yield Measured(values, answer=answer)

    def _loss_without(self, held: Array) -> Generator[Measured, None, dict[str, float]]:
        """The loss of a task without classes on held-out pictures."""
        if self.decoder is None:
            return (yield from self._views(held))
        kept, total, simple = self.kept(len(held)), 0.0, 0.0
        mean = self.targets(self.stored(self.data.train[:_SAMPLED]))[0].mean(0)
        for first in range(0, len(held), _ROWS):
            part = held[first : first + _ROWS]
            some = kept[first : first + _ROWS]
            pictures = self.stored(part)
            total += float(self.fill(pictures, some)[1].nanmean(1).sum())
            off = (self.targets(pictures)[0] - mean).square().mean(-1)
            simple += float(off.masked_fill(~networks.others(some, self.patches), torch.nan).nanmean(1).sum())
            yield Measured(done=0.4 * first / len(held))
        return {"val_loss": total / len(held), "mean_picture_loss": simple / len(held)}

    @torch.no_grad()
    def _views(self, held: Array) -> Generator[Measured, None, dict[str, float]]:
        """The loss over batches of held-out pictures, how often the nearest view is the partner, and the spread of vectors."""
        size = min(self.config.batch, len(held))
        losses, found, spread = [], [], []
        for number, first in enumerate(range(0, max(len(held) - size, 0) + 1, size)):
            pictures = self.stored(held[first : first + size])
            rng = noise(_EVALUATION, number + 1)
            with evaluating(self.encoder):
                loss, more = self.compare(*(networks.varied(pictures, self.config, rng) for _ in range(2)))
            losses.append(float(loss))
            found.append(float(more["partner_found"]))
            spread.append(float(more["spread"]))
            yield Measured(done=0.4 * first / len(held))
        return {"val_loss": float(np.mean(losses)), "partner_found": float(np.mean(found)), "spread": float(np.mean(spread))}

    def compare(self, one: Tensor, other: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Two views (n, c, h, w) of the same pictures -> the loss, a scalar; `partner_found`, the share in which the nearest
        other view is the partner; and `spread`, the deviation of the vectors times the root of their size: 1 where they
        point everywhere, 0 where all are the same."""
        config, encoder = self.config, self.encoder
        assert self.projector is not None
        pooled = encoder.pooled(encoder(torch.cat([one, other])))
        vectors = self.projector(pooled).float()
        first, second = vectors.chunk(2)
        contrast, partner = networks.contrastive(first, second, config.temperature)
        spread = vectors.detach().std(0).mean() * vectors.shape[1] ** 0.5
        more = {"partner_found": partner.detach(), "spread": spread}
        if self.teacher is None or self.teacher_projector is None:
            return contrast, more
        with torch.no_grad():
            theirs = self.teacher_projector
            told = theirs.answers(theirs(self.teacher.pooled(self.teacher(torch.cat([one, other]))))).float()
            wanted = networks.shares(told, config.teacher_temperature, config.balanced)
        first, second = self.projector.answers(vectors).chunk(2)
        third, fourth = wanted.chunk(2)
        crossed = ((first, fourth), (second, third))
        loss = torch.stack([networks.distilled(mine, theirs_, config.temperature) for mine, theirs_ in crossed]).mean()
        return loss, more

    @torch.no_grad()
    def partners(self, one: Tensor, other: Tensor) -> tuple[Array, Array]:
        """Of views (n, c, h, w) and other views of the same pictures: for each the number of the other view that is nearest (n,),
        and the cosine between them (n,)."""
        assert self.projector is not None
        with evaluating(self.encoder):
            first, second = (self.projector(self.encoder.pooled(self.encoder(part))).float() for part in (one, other))
        best = (first @ second.T).max(1)
        return best.indices.cpu().numpy(), best.values.cpu().numpy()

    def _probe(self, exact: bool) -> Generator[Measured, None, dict[str, float]]:
        """`probe_accuracy` of this encoder and of an untrained one."""
        found = yield from self._probed(self, exact, 0.4)
        if exact not in self._untrained:
            fresh = ViTModel(self.config, dataclasses.replace(self.data, started=None), str(self.device), self.seed + 1)
            self._untrained[exact] = yield from self._probed(fresh, exact, 0.7)
        return {"probe_accuracy": found, "untrained_probe_accuracy": self._untrained[exact]}

    def _probed(self, model: ViTModel, exact: bool, begin: float) -> Generator[Measured, None, float]:
        data = self.data
        assert data.labels is not None
        rng, features, labels = np.random.default_rng(_EVALUATION), [], []
        for part, most in zip((data.train[: self.config.examples or None], data.held), _PROBED, strict=True):
            known = part[data.labels[part] >= 0]
            known = known if exact else rng.permutation(known)[:most]
            rows = []
            for first in range(0, len(known), _ROWS):
                rows.append(model._features(model.stored(known[first : first + _ROWS])))
                yield Measured(done=begin + 0.1 * first / len(known))
            features.append(np.concatenate(rows) if rows else np.zeros((0, self.latent.size), np.float32))
            labels.append(data.labels[known])
        if not len(labels[0]) or not len(labels[1]):
            return 0.0
        mean, scale = features[0].mean(0), features[0].std(0) + 1e-6
        fit, test = ((part - mean) / scale for part in features)
        rule = yield from mapped(
            classifiers.logistic(fit, labels[0], len(data.shape.classes)), lambda done: Measured(done=begin + 0.1 + 0.2 * done)
        )
        return rule.accuracy(test, labels[1])


__all__ = ["HIDDEN", "ViTModel"]
