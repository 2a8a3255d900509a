"""What a vocoder can learn from, checked before the first step. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import SoundBatch
from genstudio.data.datasets import AudioDataset
from genstudio.data.learnable import audio
from genstudio.data.learnable.audio import AudioData
from genstudio.data.work import Work
from genstudio.errors import DataError
from genstudio.families.settings import rate_of
from genstudio.families.vocoder.config import VocoderConfig

_SEED = 20_201_012


def prepare(config: VocoderConfig, dataset: AudioDataset, _kept: Mapping[str, Any] | None = None) -> Work[AudioData]:
    """The data of a run. Raises DataError for what no vocoder can learn from, saying what would do."""
    info = dataset.info
    data = yield from audio.prepare(dataset, config.split, rate=rate_of(config.rate))
    if not np.any(data.samples):
        raise DataError(f"'{info.title}' is silent throughout.", "Choose another dataset.", info.place)
    return replace(data, written=dataset.transcripts or ())


def pieces(config: VocoderConfig, data: AudioData, seed: int, step: int) -> NDArray[np.float32]:
    """Pieces of sound (batch, segment * hop) in [-1, 1] of a step; silence behind the end of what is shorter. Depends on
    settings, seed and step alone. Raises DataError."""
    clips, starts = audio.draw(data, config.samples, config.batch, seed, step, config.examples)
    return data.cut(clips, starts, config.samples)


def shown(config: VocoderConfig, data: AudioData, seed: int, step: int) -> SoundBatch:
    """The pieces of a step as a person looks at them."""
    waves = pieces(config, data, seed, step)
    return SoundBatch(waves, np.full(len(waves), waves.shape[1], np.int64), data.rate)


def tested(data: AudioData, most: int) -> NDArray[np.int64]:
    """At most so many held-out clips in a fixed order."""
    return np.random.default_rng(_SEED).permutation(data.held)[:most]
