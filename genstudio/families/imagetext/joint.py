"""Which pictures and texts two streams read in a step, and what of them is masked; and what a text alone tells. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import PictureBatch
from genstudio.data.learnable import batches
from genstudio.data.learnable.captions import CaptionData
from genstudio.data.tokenizers.special import SpecialTokenizer
from genstudio.families.imagetext.config import ImageTextConfig
from genstudio.families.imagetext.data import told

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
_TRIES = 8


class Drawn(NamedTuple):
    """Pictures of the data (B,), and those whose captions they are given (B,). Of the first half words are masked, True in
    `masked` (B, T), and patches, True in `hidden` (B, N); of the other half, whose half has the caption of another picture, it is
    asked whether both belong `together` (B,). `ids` (B, T) are read, `targets` (B, T) stood there."""

    pictures: Integers
    captions: Integers
    ids: Integers
    targets: Integers
    masked: Booleans
    hidden: Booleans
    together: Booleans

    @property
    def asked(self) -> Booleans:
        """(B,): those of which it is asked whether they belong together."""
        return np.arange(len(self.pictures)) >= len(self.pictures) // 2


def draw(config: ImageTextConfig, data: CaptionData, seed: int, step: int) -> Drawn:
    """The batch of a step; depends on settings, seed and step alone. Raises DataError."""
    chosen = batches.draw(data, (config.batch,), seed, step, config.examples)
    rng = np.random.Generator(np.random.Philox(key=[seed % 2**64, (1 << 40) + step]))
    return pairs(config, data, chosen, data.train[: config.examples or None], rng)


def pairs(
    config: ImageTextConfig, data: CaptionData, chosen: Integers, among: Integers, rng: np.random.Generator
) -> Drawn:
    """These pictures (B,) with their captions, or with those of others of `among`, and what is masked of them."""
    half = len(chosen) // 2
    own = told(config, data, chosen)
    captions = own.copy()
    swapped = slice(half + (len(chosen) - half) // 2, None)
    captions[swapped] = others(data, own[swapped], told(config, data, among), rng)
    targets = data.padded(captions)
    masked = mask(data.tokenizer, targets, config.mask_share, rng)
    masked[half:] = False
    ids = np.where(masked, data.tokenizer.mask, targets)
    hidden = hide(len(chosen), patches(config, data), config.hide_share, rng)
    hidden[half:] = False
    return Drawn(chosen, captions, ids, targets, masked, hidden, data.alike[own] == data.alike[captions])


def others(data: CaptionData, own: Integers, among: Integers, rng: np.random.Generator) -> Integers:
    """Pictures (n,) of `among` with other captions than `own` (n,), where a few draws find some."""
    found = rng.choice(among, len(own))
    for _ in range(_TRIES):
        same = data.alike[found] == data.alike[own]
        found[same] = rng.choice(among, int(same.sum()))
    return found


def mask(tokenizer: SpecialTokenizer, ids: Integers, share: float, rng: np.random.Generator) -> Booleans:
    """Which of ids (n, T) are masked: this share of the words of each text that the vocabulary has, and at least one; of a text
    with none of these, of whatever it has."""
    real = ids < tokenizer.base.size
    if tokenizer.unknown is not None:
        known = real & (ids != tokenizer.unknown)
        real = np.where(known.any(1, keepdims=True), known, real)
    order = np.where(real, rng.random(ids.shape), 2.0).argsort(1).argsort(1)
    wanted = np.maximum(np.round(share * real.sum(1)), 1)
    return np.asarray(real & (order < wanted[:, None]))


def hide(count: int, size: int, share: float, rng: np.random.Generator) -> Booleans:
    """Which patches of `count` pictures are masked (count, size): this share of them, not all."""
    order = rng.random((count, size)).argsort(1).argsort(1)
    return np.asarray(order < min(round(share * size), size - 1))


def patches(config: ImageTextConfig, data: CaptionData) -> int:
    """Into how many patches a picture is cut."""
    return (data.shape.height // config.patch) * (data.shape.width // config.patch)


class TextOnly:
    """The word that stood most often between the same neighbours, one before and two behind, in captions of training pictures;
    where these were never seen, between the nearest two, or at that place: what can be said of a masked word without a
    picture."""

    def __init__(self, data: CaptionData) -> None:
        self._size, self._pad = data.tokenizer.size, data.tokenizer.pad
        ids = data.padded(data.train)
        rows, places = np.nonzero(ids < data.tokenizer.base.size)
        words = ids[rows, places]
        self._best = [self._most_frequent(keys, words) for keys in self._keys(ids, rows, places)]
        counts = np.bincount(words, minlength=self._size)
        self._most = int(counts.argmax())
        shares = counts[counts > 0] / counts.sum()
        self.entropy = float(-(shares * np.log(shares)).sum())
        """Of the frequencies of words, in nats."""

    def guess(self, ids: Integers, places: Integers) -> Integers:
        """The word (n,) at one place (n,) of each of ids (n, T)."""
        found = np.full(len(ids), self._most, np.int64)
        for best, keys in reversed(list(zip(self._best, self._keys(ids, np.arange(len(ids)), places), strict=True))):
            found = np.array([best.get(key, word) for key, word in zip(keys.tolist(), found.tolist(), strict=True)], np.int64)
        return found

    def _keys(self, ids: Integers, rows: Integers, places: Integers) -> Iterator[Integers]:
        """A number for what is known of each place (n,) of ids (m, T), the most telling first."""
        there = np.pad(ids, ((0, 0), (0, 2)), constant_values=self._pad)
        near = there[rows, places - 1] * self._size + there[rows, places + 1]
        yield from (near * self._size + there[rows, places + 2], near, places)

    def _most_frequent(self, keys: Integers, words: Integers) -> dict[int, int]:
        found, counts = np.unique(np.stack([keys, words]), axis=1, return_counts=True)
        order = counts.argsort(kind="stable")  # the most frequent comes last, and stays
        return dict(zip(found[0, order].tolist(), found[1, order].tolist(), strict=True))


def shown(config: ImageTextConfig, data: CaptionData, seed: int, step: int) -> PictureBatch:
    """The pictures of a step as they are read, masked patches grey, with the captions that they are given."""
    drawn, patch = draw(config, data, seed, step), config.patch
    pixels = data.real[drawn.pictures].astype(np.float32) / np.float32(127.5) - np.float32(1)
    columns = data.shape.width // patch
    grid = drawn.hidden.reshape(len(pixels), -1, columns).repeat(patch, 1).repeat(patch, 2)
    said = tuple(
        data.tokenizer.decode(ids).strip() + ("" if both else " (of another picture)")
        for ids, both in zip(drawn.ids, drawn.together.tolist(), strict=True)
    )
    return PictureBatch(np.where(grid[..., None], np.float32(0), pixels), low=-1.0, captions=said)
