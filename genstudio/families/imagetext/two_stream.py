"""Two streams that read a picture and a text together (Lu et al. 2019), as they are used and measured."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.data.learnable import captions
from genstudio.data.learnable.captions import CaptionData
from genstudio.data.tokenizers.special import SpecialTokenizer
from genstudio.evaluation.features import pictures as as_pictures
from genstudio.evaluation.features import pixels_of
from genstudio.events import Array
from genstudio.families.imagetext import joint
from genstudio.families.imagetext.config import ImageTextConfig
from genstudio.families.imagetext.joint import Drawn, TextOnly
from genstudio.families.stack_training import architecture
from genstudio.nn.modes import evaluating
from genstudio.nn.patches import patchify, unpatchify
from genstudio.nn.two_streams import TwoStreams
from genstudio.snapshots.filled import Gap
from genstudio.snapshots.grounding import WordLook
from genstudio.training.learner import Measured

_ROWS, _QUICK, _HELD, _CANDIDATES = 250, 250, 1000, 10
_SEED = 20_190_806


class Batch(NamedTuple):
    """`joint.Drawn` as tensors: `pixels` (B, C, H, W) in [-1, 1], and `asked` (B,)."""

    pixels: Tensor
    ids: Tensor
    targets: Tensor
    masked: Tensor
    hidden: Tensor
    together: Tensor
    asked: Tensor


class TwoStream:
    """Words and patches that look at each other: fills in what is masked of both, and says whether they belong together."""

    def __init__(self, config: ImageTextConfig, data: CaptionData, device: str, seed: int) -> None:
        self.config, self.data, self.device = config, data, torch.device(device)
        shape, tokenizer = data.shape, data.tokenizer
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.streams = TwoStreams(
                architecture(config.of_texts(), tokenizer.size, causal=False),
                architecture(config.of_patches(shape, 1), 0, causal=False), config.joint_layers, shape.channels, config.patch,
                tokenizer.pad,
            )  # fmt: skip
        self.modules: Mapping[str, nn.Module] = {"streams": self.streams.to(self.device)}
        self._text_only: TextOnly | None = None

    def on(self, data: CaptionData) -> TwoStream:
        """The same streams with other pictures and captions, in the tokens of these."""
        other = copy.copy(self)
        other.data, other._text_only = dataclasses.replace(data, tokenizer=self.data.tokenizer), None
        return other

    @property
    def tokenizer(self) -> SpecialTokenizer:
        return self.data.tokenizer

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.data.shape.height // self.config.patch, self.data.shape.width // self.config.patch

    @property
    def text_only(self) -> TextOnly:
        """What can be said of a masked word without a picture."""
        if self._text_only is None:
            self._text_only = TextOnly(self.data)
        return self._text_only

    def read_text(self, text: str) -> tuple[Array, tuple[str, ...]]:
        """The ids of a text as it is read, [MASK] for what is to be filled in, and what the vocabulary lacks of it."""
        return captions.encode(self.data.tokenizer, text, self.config.context, gaps=True)

    def belongs(self, pixels: Array, texts: Sequence[str]) -> Array:
        """Pictures (n, h, w, c) uint8 of the size that the model reads and n texts -> the probability (n,) float32 that each
        text belongs to its picture"""
        return self.belonging(pixels, captions.padded(self.data.tokenizer, [self.read_text(text)[0] for text in texts]))

    @torch.no_grad()
    def belonging(self, pixels: Array, ids: Array) -> Array:
        """The same for ids (n, T) of texts, padded behind [CLS]."""
        found = [np.zeros(0, np.float32)]
        with evaluating(self.streams):
            for n in range(0, len(pixels), _ROWS):
                read = self.streams(as_pictures(pixels[n : n + _ROWS], self.device), self._ids(ids[n : n + _ROWS]))
                found.append(self.streams.matches(read).float().sigmoid().cpu().numpy())
        return np.concatenate(found)

    @torch.no_grad()
    def look_together(self, sample: Array, ids: Array, hidden: Array, truth: tuple[str, ...] = ()) -> WordLook:
        """What it makes of a picture (h, w, c) uint8, of which the patches that are True in `hidden` (N,) are masked, and a text
        of ids (T,), as `read_text` gives it; `truth` is what stood in its gaps, if known. See `abilities.Grounds`."""
        tokenizer, streams = self.data.tokenizer, self.streams
        read = captions.padded(tokenizer, [ids])
        masked = torch.from_numpy(hidden)[None].to(self.device)
        pixels = as_pictures(sample[None], self.device)
        with evaluating(streams):
            both, weights = streams.attention(pixels, self._ids(read), masked)
            match = float(streams.matches(both).float().sigmoid())
            words = streams.word_head(both.words[0]).float()[:, : tokenizer.base.size].softmax(-1).cpu().numpy()
            made = streams.pixels(both)
        patch, shape = self.config.patch, self.data.shape
        cut = patchify(pixels, patch)
        grey = unpatchify(torch.where(masked[..., None], torch.zeros_like(cut), cut), patch, shape.height, shape.width)
        whole = unpatchify(torch.where(masked[..., None], made, cut), patch, shape.height, shape.width)
        return WordLook(
            pixels_of(grey)[0], tokenizer.pieces(read[0]), weights[..., 1:].float().cpu().numpy(), hidden.astype(bool),
            tuple(self._gap(place, words[place]) for place in np.flatnonzero(read[0] == tokenizer.mask).tolist()), truth, match,
            pixels_of(whole)[0] if hidden.any() else None,
        )  # fmt: skip

    def _gap(self, place: int, probabilities: Array) -> Gap:
        best = np.argsort(-probabilities, kind="stable")[:_CANDIDATES]
        return Gap(place, best, self.data.tokenizer.pieces(best), probabilities[best])

    def fill_patches(self, sample: Array, ids: Array, hidden: Array) -> tuple[Array, Array]:
        """Pictures (n, h, w, c) uint8 whose `hidden` patches (n, N) are masked, and ids (n, T) of their captions -> the pictures
        with these as the model makes them, and the mean squared error of each (n,), of numbers from -1 to 1."""
        pixels = as_pictures(sample, self.device)
        made, cut = self._patches(pixels, ids, hidden), patchify(pixels, self.config.patch)
        masked = torch.from_numpy(hidden).to(self.device)
        off = (made - cut).square().mean(-1).masked_fill(~masked, torch.nan).nanmean(1)
        whole = torch.where(masked[..., None], made, cut)
        shape = self.data.shape
        return pixels_of(unpatchify(whole, self.config.patch, shape.height, shape.width)), off.cpu().numpy()

    @torch.no_grad()
    def _patches(self, pixels: Tensor, ids: Array, hidden: Array) -> Tensor:
        with evaluating(self.streams):
            read = self.streams(pixels, self._ids(ids), torch.from_numpy(hidden).to(self.device))
            return self.streams.pixels(read).float()

    def inside(self, drawn: Drawn) -> Batch:
        """Pictures and texts of the data as the streams read them."""
        rest = (torch.from_numpy(part).to(self.device) for part in (*drawn[2:], drawn.asked))
        return Batch(as_pictures(self.data.real[drawn.pictures], self.device), *rest)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """`word_loss`, of the masked words, and `match_loss`, both in nats, and `patch_loss`, the squared error of the masked
        patches; without what is not asked."""
        streams, found = self.streams, dict[str, Tensor]()
        read = streams(batch.pixels, batch.ids, batch.hidden)
        found["word_loss"] = F.cross_entropy(streams.word_head(read.words[batch.masked]).float(), batch.targets[batch.masked])
        if self.config.hide_share and bool(batch.hidden.any()):
            true = patchify(batch.pixels, self.config.patch)[batch.hidden]
            found["patch_loss"] = (streams.patch_head(read.patches[:, 1:][batch.hidden]) - true).square().mean()
        logits = streams.matches(read)[batch.asked].float()
        found["match_loss"] = F.binary_cross_entropy_with_logits(logits, batch.together[batch.asked].to(logits.dtype))
        return found

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """Of held-out pictures: `word_accuracy` of one masked word each; `other_picture_accuracy`, the same beside another
        picture, and `text_only_accuracy`, of the word that is most frequent between the same neighbours; `match_accuracy` of own
        and other captions, beside `match_chance`; `patch_error` of masked patches, beside `mean_patch_error`; with `unseen_`
        before them those of combinations that training never saw. `val_loss` and `known_loss` are losses as in training, of
        held-out and of training pictures, `simple_loss` that of knowing frequencies alone. Yields nothing without data."""
        data = self.data
        if not len(data.train) or len(data.held) < 4:
            return
        most = _HELD if exact else _QUICK
        values = {"val_loss": self._loss_of(data.held), "known_loss": self._loss_of(data.train[: self.config.examples or None])}
        yield Measured(done=0.2)
        some = np.random.default_rng(_SEED).permutation(data.held)[:most]
        values |= self._words(some)
        yield Measured(done=0.5)
        values |= self._matches(some)
        yield Measured(done=0.7)
        values |= self._errors(some)
        values["simple_loss"] = math.log(2) + self.text_only.entropy + values.get("mean_patch_error", 0.0)
        yield Measured(done=0.8)
        if len(data.unseen):
            rest = np.random.default_rng(_SEED).permutation(data.unseen)[:most]
            further = self._words(rest) | self._matches(rest)
            values |= {f"unseen_{name}": further[name] for name in ("word_accuracy", "match_accuracy")}
        yield Measured(values, answer={**values, "held_out_count": len(data.held)} if exact else None)

    def masked_words(self, some: Array) -> tuple[Array, Array, Array]:
        """The captions of pictures of the data (n,) with one word masked in each, always the same one: ids (n, T), the places of
        the masks (n,) and what stood there (n,)."""
        ids = self.data.padded(some)
        there = joint.mask(self.data.tokenizer, ids, 0.0, np.random.default_rng(_SEED))
        places = there.argmax(1)
        return np.where(there, self.data.tokenizer.mask, ids), places, ids[np.arange(len(ids)), places]

    @torch.no_grad()
    def guess(self, pixels: Array, ids: Array, places: Array) -> Array:
        """Pictures (n, h, w, c) uint8 and ids (n, T) with a mask at one place (n,) each -> the most probable word there (n,)"""
        found = [np.zeros(0, np.int64)]
        with evaluating(self.streams):
            for n in range(0, len(ids), _ROWS):
                read = self.streams(as_pictures(pixels[n : n + _ROWS], self.device), self._ids(ids[n : n + _ROWS]))
                at = read.words[torch.arange(len(read.words)), torch.from_numpy(places[n : n + _ROWS])]
                found.append(self.streams.word_head(at)[:, : self.data.tokenizer.base.size].argmax(-1).cpu().numpy())
        return np.concatenate(found)

    def _words(self, some: Array) -> dict[str, float]:
        ids, places, true = self.masked_words(some)
        pixels = self.data.real[some]
        guesses = {
            "word_accuracy": self.guess(pixels, ids, places),
            "other_picture_accuracy": self.guess(self.data.real[self._others(some)], ids, places),
            "text_only_accuracy": self.text_only.guess(ids, places),
        }  # fmt: skip
        return {name: float((guess == true).mean()) for name, guess in guesses.items()}

    def _others(self, some: Array) -> Array:
        """Pictures with other captions, always the same ones."""
        return joint.others(self.data, some, some, np.random.default_rng(_SEED))

    def _matches(self, some: Array) -> dict[str, float]:
        pixels, right = self.data.real[some], []
        for of, together in ((some, True), (self._others(some), False)):
            right.append((self.belonging(pixels, self.data.padded(of)) > 0.5) == together)
        return {"match_accuracy": float(np.mean(right)), "match_chance": 0.5}

    def _errors(self, some: Array) -> dict[str, float]:
        config, data = self.config, self.data
        if not config.hide_share:
            return {}
        hidden = joint.hide(len(some), joint.patches(config, data), config.hide_share, np.random.default_rng(_SEED))
        if not hidden.any():
            return {}
        mean = patchify(as_pictures(data.real[data.train[:_HELD]], self.device), config.patch).mean(0)
        masked, off, simple = torch.from_numpy(hidden).to(self.device), [], []
        for n in range(0, len(some), _ROWS):
            part, here = some[n : n + _ROWS], masked[n : n + _ROWS]
            pixels = as_pictures(data.real[part], self.device)
            true = patchify(pixels, config.patch)
            made = self._patches(pixels, data.padded(part), hidden[n : n + _ROWS])
            off.append((made - true).square().mean(-1)[here])
            simple.append((mean - true).square().mean(-1)[here])
        return {"patch_error": float(torch.cat(off).mean()), "mean_patch_error": float(torch.cat(simple).mean())}

    @torch.no_grad()
    def _loss_of(self, among: Array) -> float:
        """The mean loss of batches of these pictures, masked as in training but always in the same way."""
        rng = np.random.default_rng(_SEED)
        order, size = rng.permutation(among)[:_QUICK], min(self.config.batch, len(among))
        total = []
        with evaluating(self.streams):
            for n in range(0, max(len(order) - size, 0) + 1, size):
                drawn = joint.pairs(self.config, self.data, order[n : n + size], among, rng)
                total.append(sum(float(part) for part in self.losses(self.inside(drawn)).values()))
        return float(np.mean(total))

    def _ids(self, ids: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(ids)).to(self.device)

