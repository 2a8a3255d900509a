"""Clips as a model of speech learns from them, and what of them a step looks at. No torch: the same code shows a person the
batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import SoundBatch
from genstudio.data.datasets import AudioDataset
from genstudio.data.learnable import audio
from genstudio.data.learnable.audio import AudioData, Integers, Waves
from genstudio.data.tokenizers import CharTokenizer
from genstudio.data.work import Work
from genstudio.errors import DataError
from genstudio.families.speech.config import LETTERS, SpeechConfig
from genstudio.families.start import Start, find

Booleans = NDArray[np.bool_]
_EVALUATION = 0x73706F6B
"""A key of random numbers that no training has: what is hidden in an evaluation is the same every time."""
_MASKS, _LEAST = 1 << 50, 2


@dataclass(frozen=True, eq=False)
class SpeechData(AudioData):
    """Clips; `started` is the run whose weights a new model begins with."""

    started: Start | None = None


class Drawn(NamedTuple):
    """Pieces or clips as a step sees them: `waves` (B, T) in [-1, 1], of which `lengths` (B,) samples are no padding; the
    `frames` (B,) that there are in each, those that are `hidden` (B, N), and of the n hidden ones, in order, which others they
    are to be told from (n, K); the `clips` (B,) that they come from; by how many samples what units are made of is shifted
    (B,)."""

    waves: Waves
    lengths: Integers
    frames: Integers
    hidden: Booleans
    distractors: Integers
    clips: Integers
    shifts: Integers

    @property
    def padding(self) -> Booleans:
        """(B, N): True where there is no sound."""
        return np.arange(self.hidden.shape[1]) >= self.frames[:, None]


def prepare(config: SpeechConfig, dataset: AudioDataset, kept: Mapping[str, Any] | None = None) -> Work[SpeechData]:
    """Split and resample; for a task with transcripts those that can be said in their clips alone. Raises DataError,
    ConfigError."""
    started = find(config.start, ("speech",)) if config.start and kept is None else None
    transcripts = config.task == "transcribe"
    base = None
    if transcripts:
        told = audio.from_metadata(kept) if kept is not None else None
        base = told.tokenizer if told is not None else alphabet(dataset)
    found = yield from audio.prepare(dataset, config.split, rate=config.rate, transcripts=transcripts, base=base)
    data = SpeechData(**{each.name: getattr(found, each.name) for each in fields(found)}, started=started)
    return _usable(config, data)


def alphabet(dataset: AudioDataset) -> CharTokenizer:
    """The letters of English, the apostrophe and the space, and what else occurs in the transcripts."""
    further = sorted({letter for text in dataset.transcripts or () for letter in audio.plain(text)} - set(LETTERS))
    return CharTokenizer(LETTERS + "".join(further))


def _usable(config: SpeechConfig, data: SpeechData) -> SpeechData:
    """Without clips that are too short for a frame, or for what is said in them. Raises DataError where too few are left."""
    frames = np.array([config.frames(int(length)) for length in np.minimum(data.lengths, config.most_samples)])
    fits = frames >= _LEAST
    if data.texts is not None:
        needed = np.array([needs(data.texts[i]) for i in range(len(data))])
        fits &= (frames >= needed) & (data.lengths <= config.most_samples)
    train, held = (part[fits[part]] for part in (data.train, data.held))
    if not len(train) or not len(held):
        what = "for their transcripts, or longer than is read at once" if data.texts is not None else "for the "
        "frames of this model"
        raise DataError(
            f"The clips are too short {what}: {len(train):,} are left to train and {len(held):,} to validate.",
            "Choose another dataset, smaller strides, or a longer longest clip.",
        )
    return SpeechData(**{**{each.name: getattr(data, each.name) for each in fields(data)}, "train": train, "held": held})


def needs(ids: NDArray[np.integer[Any]]) -> int:
    """Frames that a text needs at least: one for each token, and one for the blank between two that are the same.

    >>> needs(np.array([3, 3, 1]))
    4
    """
    return len(ids) + int((ids[1:] == ids[:-1]).sum())


def from_metadata(_config: SpeechConfig, kept: Mapping[str, Any]) -> SpeechData:
    """Data without content from what `audio.metadata` gave: enough to transcribe. Raises DataError."""
    found = audio.from_metadata(kept)
    return SpeechData(**{each.name: getattr(found, each.name) for each in fields(found)})


def draw(config: SpeechConfig, data: SpeechData, seed: int, step: int) -> tuple[Drawn, ...]:
    """What a step looks at, once for each of its parts; depends on settings, seed and step alone. Raises DataError."""
    return tuple(_draw(config, data, seed, step * config.accumulation + part) for part in range(config.accumulation))


def _draw(config: SpeechConfig, data: SpeechData, seed: int, number: int) -> Drawn:
    rng = _rng(seed, _MASKS + number)
    if config.task == "transcribe":
        clips = audio.draw_clips(data, config.batch, seed, number, config.examples)
        return whole(config, data, clips, rng, config.augment)
    clips, starts = audio.draw(data, config.samples, config.batch, seed, number, config.examples)
    lengths = np.minimum(data.lengths[clips] - starts, config.samples)
    drawn = _masked(config, data.cut(clips, starts, config.samples), lengths, clips, rng, config.mask_share)
    most = round(config.jitter * config.rate / 1000)
    return drawn._replace(shifts=rng.integers(0, most + 1, len(clips)))


def held_out(config: SpeechConfig, data: SpeechData, clips: Integers) -> Drawn:
    """Clips (B,) as they are measured: whole, with the same frames hidden every time; none where they are transcribed."""
    share = config.mask_share if config.task == "pretrain" else 0.0
    return whole(config, data, clips, _rng(_EVALUATION, int(clips[0]) if len(clips) else 0), share)


def whole(config: SpeechConfig, data: SpeechData, clips: Integers, rng: np.random.Generator, share: float = 0.0) -> Drawn:
    """Clips (B,), as far as they are read at once, with such a share of their frames hidden."""
    lengths = np.minimum(data.lengths[clips], config.most_samples)
    waves = data.cut(clips, np.zeros(len(clips), np.int64), max(int(lengths.max(initial=0)), config.field))
    return _masked(config, waves, lengths, clips, rng, share)


def _masked(
    config: SpeechConfig, waves: Waves, lengths: Integers, clips: Integers, rng: np.random.Generator, share: float
) -> Drawn:
    frames = np.array([config.frames(int(length)) for length in lengths], np.int64)
    hidden = spans(rng, frames, config.frames(waves.shape[1]), share, config.mask_span)
    least = _LEAST if config.task == "pretrain" else 0
    if least and share:
        for row in np.flatnonzero(hidden.sum(1) < least).tolist():
            hidden[row, rng.permutation(int(frames[row]))[:least]] = True
    among = others(rng, hidden, config.distractors) if least else np.zeros((0, 0), np.int64)
    return Drawn(waves, lengths, frames, hidden, among, clips, np.zeros(len(clips), np.int64))


def spans(rng: np.random.Generator, frames: Integers, most: int, share: float, span: int) -> Booleans:
    """Which frames of rows with so many `frames` (B,) are hidden: (B, most), stretches of `span` that begin anywhere and may
    overlap, so many that about such a `share` is hidden."""
    hidden = np.zeros((len(frames), most), bool)
    if share <= 0:
        return hidden
    begins = 1 - (1 - share) ** (1 / span)  # a frame is seen where none of the last `span` frames begins a stretch
    starts = rng.random((len(frames), most + span - 1)) < begins
    for shift in range(span):
        hidden |= starts[:, shift : shift + most]
    return hidden & (np.arange(most) < frames[:, None])


def others(rng: np.random.Generator, hidden: Booleans, count: int) -> Integers:
    """For each of n hidden frames, in order, `count` others of the same row, drawn evenly and perhaps more than once, by their
    numbers among the n: (n, count)"""
    sizes = hidden.sum(1)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    many = np.repeat(sizes, sizes)
    place = np.arange(len(many)) - first
    drawn = (rng.random((len(many), count)) * np.maximum(many - 1, 1)[:, None]).astype(np.int64)
    drawn += drawn >= place[:, None]
    return first[:, None] + np.minimum(drawn, many[:, None] - 1)


def shown(config: SpeechConfig, data: SpeechData, seed: int, step: int) -> SoundBatch:
    """The batch of a step."""
    parts = draw(config, data, seed, step)
    longest = max(part.waves.shape[1] for part in parts)
    waves = np.concatenate([np.pad(part.waves, ((0, 0), (0, longest - part.waves.shape[1]))) for part in parts])
    most = max(part.hidden.shape[1] for part in parts)
    hidden = np.concatenate([np.pad(part.hidden, ((0, 0), (0, most - part.hidden.shape[1]))) for part in parts])
    lengths, clips = (np.concatenate([getattr(part, name) for part in parts]) for name in ("lengths", "clips"))
    texts = tuple(data.written[clip] for clip in clips.tolist()) if data.texts is not None else ()
    return SoundBatch(waves, lengths, data.rate, texts, hidden if hidden.any() else None, config.hop)


def _rng(seed: int, key: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed % 2**64, key]))
