"""What pictures and texts are learned from, checked before the first step, and which of them a step looks at. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import PictureBatch
from genstudio.data.datasets import ImageDataset
from genstudio.data.learnable import batches
from genstudio.data.learnable.captions import CaptionData, prepare_captions, shuffled
from genstudio.data.tokenizers import tokenizer_from_json
from genstudio.data.vocabulary import TokenSettings
from genstudio.data.work import Work
from genstudio.errors import ConfigError
from genstudio.families import towers
from genstudio.families.imagetext.config import ImageTextConfig

Integers = NDArray[np.int64]


def prepare(config: ImageTextConfig, dataset: ImageDataset, kept: Mapping[str, Any] | None = None) -> Work[CaptionData]:
    """Split and encode; the tokens are those that a run `kept`. Raises DataError and ConfigError for what cannot be learned."""
    known = None if kept is None else tokenizer_from_json(kept.get("tokenizer.json"))
    data = yield from prepare_captions(
        dataset, config.context, TokenSettings.of(config.model_dump()), config.split, hold_out=config.hold_out, tokenizer=known
    )
    if found := list(towers.problems(config, data.shape)):
        raise ConfigError(found)
    return data


def draw(config: ImageTextConfig, data: CaptionData, seed: int, step: int) -> tuple[Integers, Integers]:
    """Indices of training pictures (batch,), and of the pictures whose captions they get (batch,): their own, unless captions are
    shuffled. Depends on settings, seed and step alone. Raises DataError."""
    chosen = batches.draw(data, (config.batch,), seed, step, config.examples)
    return chosen, told(config, data, chosen)


def told(config: ImageTextConfig, data: CaptionData, chosen: Integers) -> Integers:
    """The pictures whose captions these pictures (n,) are given in training."""
    return shuffled(data)[chosen] if config.shuffled else chosen


def texts(config: ImageTextConfig, data: CaptionData, captions: Integers, seed: int, step: int) -> Integers:
    """The ids (batch, T) of the captions of these pictures (batch,) as a step reads them: without the words that are left out.
    Depends on settings, seed and step alone."""
    ids = data.padded(captions)
    if not config.word_dropout:
        return ids
    rng = np.random.Generator(np.random.Philox(key=[seed % 2**64, (1 << 41) + step]))
    left_out = (ids < data.tokenizer.base.size) & (rng.random(ids.shape) < config.word_dropout)
    left_out &= rng.random((len(ids), 1)) < 0.5  # what all words say together is learned from those that stay whole
    ids[left_out] = data.tokenizer.pad
    return np.take_along_axis(ids, (ids == data.tokenizer.pad).argsort(1, kind="stable"), 1)


def shown(config: ImageTextConfig, data: CaptionData, seed: int, step: int) -> PictureBatch:
    """The pictures of a step with the captions that they are given."""
    chosen, captions = draw(config, data, seed, step)
    pixels = data.real[chosen].astype(np.float32) / np.float32(127.5) - np.float32(1)
    if config.word_dropout:
        said = tuple(data.tokenizer.decode(ids).strip() for ids in texts(config, data, captions, seed, step))
    else:
        said = tuple(data.captions[place] for place in captions.tolist())
    return PictureBatch(pixels, low=-1.0, captions=said)
