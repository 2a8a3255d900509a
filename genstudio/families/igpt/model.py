"""The transformer that reads pictures pixel by pixel (Chen et al. 2020), and the model that a checkpoint of one is opened as."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.learnable.pixels import PixelData
from genstudio.data.learnable.samples import SampleData
from genstudio.data.work import finished
from genstudio.errors import DataError
from genstudio.evaluation.pixels import histogram_bits, zlib_bits
from genstudio.events import Array
from genstudio.families.abilities import Completed, LatentSpec, Made
from genstudio.families.igpt.config import IGPTConfig
from genstudio.families.samples import OnSamples
from genstudio.families.stack_training import architecture_for
from genstudio.nn.cache import Cache
from genstudio.nn.modes import evaluating
from genstudio.nn.transformer import Architecture, Transformer
from genstudio.sampling.choose import SamplingOptions, softmax
from genstudio.sampling.pixels import OPEN, grow
from genstudio.training.learner import Measured

UNMADE = 96
"""The grey of pixels that are not there yet."""
_SAMPLED_BATCHES = 10
_SLICE = {"cpu": 5e8}
_SLICE_ELSEWHERE = 1e11
"""Floating-point operations of evaluation between two chances for others: fixed, not timed, so that the sums of two
evaluations are equal to the last bit."""
_SEED, _SHOWN, _SHOWN_PIXELS = 20_200_617, (9, 36), 4096


class PixelTransformer(Transformer):
    """A decoder-only transformer over the colours of a palette, and one token more, with which every picture begins: it has no
    logit, for it is never predicted."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__(arch)
        self.begin = arch.vocabulary - 1

    def forward(self, ids: Tensor, cache: Cache | None = None, last: bool = False, *others: object) -> Tensor:
        """ids (B, T), which follow those in the cache -> logits of the colours (B, T, K), or (B, 1, K) of the last alone."""
        return super().forward(ids, cache, last)[..., : self.begin]


class IGPTModel(OnSamples):
    """Makes pictures pixel by pixel, completes such as are begun, and says how surprising each pixel of one is.

    The latent of a picture is a uniform number for each pixel, which says where in the distribution of its colour it falls:
    the same numbers make the same picture.
    """

    variants = ("model",)
    classes: tuple[str, ...] = ()

    def __init__(self, config: IGPTConfig, data: PixelData, device: str, seed: int) -> None:
        self.config, self.device = config, torch.device(device)
        self.colours = len(data.palette)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.transformer = PixelTransformer(architecture_for(config, self.colours + 1, data.pixels, causal=True))
        self.transformer.to(self.device).eval()
        self.modules: Mapping[str, nn.Module] = {"model": self.transformer}
        self.latent = LatentSpec(data.pixels, "uniform")
        self._weights = sum(p.numel() for p in self.transformer.parameters())
        self._take(data)

    def _take(self, data: SampleData) -> None:
        assert isinstance(data, PixelData)
        super()._take(data)
        self.pixels, self._baselines = data, dict[str, float]()

    @property
    def palette(self) -> NDArray[np.uint8]:
        """The colours (k, c)."""
        return self.pixels.palette

    @property
    def fixed(self) -> tuple[Array, Array | None]:
        least, most = _SHOWN
        return self.noise(min(max(_SHOWN_PIXELS // self.latent.size, least), most), _SEED), None

    def noise(self, count: int, seed: int) -> Array:
        return np.random.default_rng(seed).uniform(-1, 1, (count, self.latent.size)).astype(np.float32)

    def sample(self, latents: Array, labels: Array | None, variant: str) -> Iterator[Made]:
        """Pictures of nothing but their latents, a row of pixels at a time."""
        shape = self.data.shape
        nothing = np.zeros((len(latents), shape.height, shape.width, shape.channels), np.uint8)
        yield from self.complete(nothing, np.zeros((shape.height, shape.width), bool), latents, SamplingOptions())

    def complete(self, pictures: Array, keep: Array, latents: Array, options: SamplingOptions) -> Iterator[Completed]:
        """Raises DataError for pictures of another size, ConfigError for impossible options, TrainingError where the model's
        numbers are not finite."""
        shape, whole = self.data.shape, self.latent.size
        if not len(pictures):
            raise DataError("There is no picture to complete.", "Ask for 1 or more.")
        if keep.shape != (shape.height, shape.width):
            raise DataError("What is kept has another size than the pictures.", f"Choose among {shape.width} x {shape.height} "
                "pixels.")
        ids = finished(self.pixels.tokens(pictures))
        given = np.where(keep.reshape(-1).astype(bool), ids.astype(np.int64), OPEN)
        uniforms = np.clip((latents.astype(np.float64) + 1) / 2, 0.0, np.nextafter(1.0, 0.0))
        for growth in grow(self.transformer, self.colours, given, uniforms, options):
            made = self.pixels.pictures(np.maximum(growth.ids, 0))
            made[:, (growth.ids[0] == OPEN).reshape(keep.shape)] = UNMADE
            yield Completed(made, None, growth.done / whole, bits=growth.bits.reshape(len(made), *keep.shape).copy())

    @torch.no_grad()
    def attention(self, picture: Array, at: int) -> NDArray[np.float32]:
        """Attention while pixel `at` of a picture (h, w, c) is predicted: (layers, heads, h, w), NaN where it cannot look yet.
        What a row lacks to 1 goes to the token with which every picture begins."""
        shape, ids = self.data.shape, finished(self.pixels.tokens(picture[None]))
        with evaluating(self.transformer):
            found = self.transformer.attention(self._inputs(ids)[0])[:, :, at].float().cpu().numpy()
        seen = np.full((*found.shape[:2], self.latent.size), np.nan, np.float32)
        seen[..., :at] = found[..., 1 : at + 1]
        return seen.reshape(*found.shape[:2], shape.height, shape.width)

    @torch.no_grad()
    def predictions(self, pictures: Array) -> NDArray[np.float32]:
        """Pictures (n, h, w, c) uint8 -> the probabilities of all colours at each pixel, given those before it: (n, h, w, k)"""
        shape, parts = self.data.shape, []
        for first in range(0, len(pictures), self._rows):
            ids = finished(self.pixels.tokens(pictures[first : first + self._rows]))
            with evaluating(self.transformer):
                parts.append(softmax(self.transformer(self._inputs(ids)).float().cpu().numpy()).astype(np.float32))
        return np.concatenate(parts).reshape(-1, shape.height, shape.width, self.colours)

    def first_weight(self, variant: str) -> None:
        """There is none: no layer sees the latent."""

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """Bits per pixel of held-out pictures: of all of them when `exact`, else of some batches, evenly spaced.
        Beside it what two models without a network need of all of them: see `evaluation.pixels`."""
        data = self.pixels
        if not len(data.held):
            return
        held = data.held
        if not exact:
            count = _SAMPLED_BATCHES * self.config.batch
            held = held[np.unique(np.linspace(0, len(held) - 1, min(count, len(held))).round().astype(np.int64))]
        bits, pixels = 0.0, 0
        for first in range(0, len(held), self._rows):
            ids = data.ids[held[first : first + self._rows]]
            bits += self._bits(ids)
            pixels += ids.size
            yield Measured(done=0.9 * first / len(held))
        if not self._baselines:
            train = data.ids[self.reference.used]
            self._baselines["histogram_bits_per_pixel"] = histogram_bits(train, data.ids[data.held], self.colours)
            work = zlib_bits(train, data.ids[data.held])
            while True:
                try:
                    next(work)
                except StopIteration as end:
                    self._baselines["zlib_bits_per_pixel"] = end.value
                    break
                yield Measured(done=0.95)
        found = bits / pixels
        counts = {"held_out_count": float(len(held)), "colours": float(self.colours), "palette_error": data.loss}
        yield Measured({"val_loss": found, **self._baselines}, answer={"bits_per_pixel": found, **self._baselines, **counts})

    @property
    def _rows(self) -> int:
        """Pictures that go through the network together."""
        return max(1, int(_SLICE.get(self.device.type, _SLICE_ELSEWHERE) / (self.latent.size * 2 * self._weights)))

    def inputs_and_targets(self, ids: Array) -> tuple[Tensor, Tensor]:
        """Pictures by their colours (..., T) -> what is read (..., T), the beginning token first, and what is predicted of it"""
        targets = torch.from_numpy(ids.astype(np.int64))
        inputs = torch.cat([torch.full_like(targets[..., :1], self.colours), targets[..., :-1]], -1)
        return inputs.to(self.device, non_blocking=True), targets.to(self.device, non_blocking=True)

    def _inputs(self, ids: Array) -> Tensor:
        return self.inputs_and_targets(ids)[0]

    @torch.no_grad()
    def _bits(self, ids: Array) -> float:
        """Sum over all pixels of pictures (n, T)."""
        inputs, targets = self.inputs_and_targets(ids)
        with evaluating(self.transformer):
            logits = self.transformer(inputs)
        nats = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none")
        return float(nats.cpu().double().sum()) / math.log(2)  # an Apple GPU has no float64
