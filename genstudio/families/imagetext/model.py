"""Two towers that read pictures and texts into one space (Radford et al. 2021), as they are used and measured."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from genstudio.data.learnable import captions
from genstudio.data.learnable.captions import CaptionData
from genstudio.data.tokenizers.special import SpecialTokenizer
from genstudio.evaluation import retrieval
from genstudio.evaluation.features import pictures as as_pictures
from genstudio.events import Array
from genstudio.families import towers
from genstudio.families.imagetext.config import ImageTextConfig
from genstudio.families.imagetext.data import told
from genstudio.nn.modes import evaluating
from genstudio.nn.towers import Temperature, contrastive_loss
from genstudio.training.learner import Measured

_ROWS, _HELD = 250, 1000
_SEED = 20_210_226


class ImageText:
    """A tower of pictures, one of texts, and the temperature that their cosines are divided by."""

    def __init__(self, config: ImageTextConfig, data: CaptionData, device: str, seed: int) -> None:
        self.config, self.data, self.device = config, data, torch.device(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.pictures, self.texts = towers.build(config, data)
        self.match = Temperature(config.temperature, config.learn_temperature)
        self.modules: Mapping[str, nn.Module] = {"pictures": self.pictures, "texts": self.texts, "match": self.match}
        for module in self.modules.values():
            module.to(self.device)

    def on(self, data: CaptionData) -> ImageText:
        """The same towers with other pictures and captions, in the tokens of these."""
        other = copy.copy(self)
        other.data = dataclasses.replace(data, tokenizer=self.data.tokenizer)
        return other

    @property
    def tokenizer(self) -> SpecialTokenizer:
        return self.data.tokenizer

    @property
    def temperature(self) -> float:
        """What cosines are divided by."""
        return float(self.match.now())

    def read_text(self, text: str) -> tuple[Array, tuple[str, ...]]:
        """The ids of a text as it is read, and what the vocabulary lacks of it."""
        return captions.encode(self.data.tokenizer, text, self.config.context)

    def embed_texts(self, texts: Sequence[str]) -> Array:
        """Texts (n) -> vectors of length 1 (n, embedding) float32"""
        ids = captions.padded(self.data.tokenizer, [self.read_text(text)[0] for text in texts])
        return self._vectors(self.texts, [torch.from_numpy(ids[n : n + _ROWS]) for n in range(0, len(ids), _ROWS)])

    def embed_pictures(self, pixels: Array) -> Array:
        """Pictures (n, h, w, c) uint8 of the size that the model reads -> vectors of length 1 (n, embedding) float32"""
        parts = [as_pictures(pixels[n : n + _ROWS], self.device) for n in range(0, len(pixels), _ROWS)]
        return self._vectors(self.pictures, parts)

    def embed_captions(self, chosen: Array) -> Array:
        """The captions of pictures of the data (n,) -> vectors of length 1 (n, embedding) float32"""
        parts = [torch.from_numpy(self.data.padded(chosen[n : n + _ROWS])) for n in range(0, len(chosen), _ROWS)]
        return self._vectors(self.texts, parts)

    @torch.no_grad()
    def _vectors(self, tower: nn.Module, parts: Sequence[Tensor]) -> Array:
        with evaluating(tower):
            found = [tower(part.to(self.device)).float().cpu().numpy() for part in parts]
        return np.concatenate(found) if found else np.zeros((0, self.config.embedding), np.float32)

    def loss(self, pixels: Tensor, ids: Tensor, alike: Tensor) -> Tensor:
        """Of pictures (B, C, H, W) in [-1, 1] and ids (B, T) of their captions; those with one number in `alike` (B,) belong
        together."""
        return contrastive_loss(self.match(self.pictures(pixels) @ self.texts(ids).T), alike)

    def inside(self, chosen: Array) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures of the data (n,), and the captions that training gives them, as the towers read them."""
        data = self.data
        of = told(self.config, data, chosen)
        ids, alike = torch.from_numpy(data.padded(of)), torch.from_numpy(data.alike[of])
        return as_pictures(data.real[chosen], self.device), ids.to(self.device), alike.to(self.device)

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """Of held-out pictures: `val_loss` in batches as in training, `simple_loss` where everything is alike, `known_loss` the
        first of training pictures; among `candidates` with different captions the shares that come first or among the first ten,
        `recall_at_1_text` of texts that find their picture, `recall_at_1_image` of pictures that find their text, and `chance`;
        with `unseen_` before them those of combinations that training never saw, among as many. Yields nothing without data."""
        data = self.data
        if not len(data.train) or len(data.held) < 2:
            return
        count = min(self.config.batch, len(data.held))
        values = {"val_loss": self._loss_of(data.held, count), "known_loss": self._loss_of(self._used, count)}
        values["simple_loss"] = math.log(count)
        yield Measured(done=0.3)
        found = [self._recalls(pool, pool) for pool in retrieval.pools(data, data.held, retrieval.POOLS if exact else 1)]
        values |= {name: float(np.mean([one[name] for one in found])) for name in found[0]}
        candidates = len(retrieval.pools(data, data.held, 1)[0])
        values |= {"chance": 1 / candidates, "chance_10": min(1.0, 10 / candidates)}
        yield Measured(done=0.7)
        if len(data.unseen):
            (wanted,) = retrieval.pools(data, data.unseen, 1)
            among = retrieval.with_others(data, wanted, data.held)
            values |= {**self._recalls(wanted, among, "unseen_"), "unseen_chance": 1 / len(among)}
        values["temperature"] = self.temperature
        counted = {"candidates": candidates, "pools": len(found), "held_out_count": len(data.held)} if exact else {}
        yield Measured(values, answer={**values, **counted} if exact else None)

    @property
    def _used(self) -> Array:
        return self.data.train[: self.config.examples or None]

    @torch.no_grad()
    def _loss_of(self, among: Array, count: int) -> float:
        """The mean loss of batches of `count` of these pictures."""
        order = np.random.default_rng(_SEED).permutation(among)[:_HELD]
        parts = [order[n : n + count] for n in range(0, max(len(order) - count, 0) + 1, count)]
        with evaluating(self.pictures), evaluating(self.texts):
            return float(np.mean([float(self.loss(*self.inside(part))) for part in parts]))

    def _recalls(self, wanted: Array, candidates: Array, prefix: str = "") -> Mapping[str, float]:
        """Of pictures and texts that are wanted (n,) and the first of the candidates (m,)."""
        pixels, texts = self.embed_pictures(self.data.real[candidates]), self.embed_captions(candidates)
        scores, n = texts @ pixels.T, len(wanted)
        return retrieval.recalls(scores[:n], scores.T[:n], prefix)
