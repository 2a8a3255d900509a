"""Clips as a model of speech learns them: letters of their transcripts, mel spectrograms, and whose voice it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genstudio.data.audio.samples import to_wave
from genstudio.data.batches import SoundBatch
from genstudio.data.datasets import AudioDataset
from genstudio.data.learnable import audio
from genstudio.data.learnable.audio import AudioData
from genstudio.data.tokenizers import Ids, Tokenizer
from genstudio.data.work import Work, scaled
from genstudio.errors import ConfigError, DataError, Problem
from genstudio.evaluation.speaking import PER_NEPER
from genstudio.events import Array
from genstudio.families.settings import rate_of
from genstudio.families.tts.config import MARKERS, TTSConfig

MOST_LETTERS = 300
"""Characters of a text that is spoken at once, with a marker at either end."""
_TOGETHER = 16
_LEAST = 1e-3


@dataclass(frozen=True, eq=False)
class Voices:
    """Whose voice each clip is (n,) int64, from 0 on, and how many there are."""

    of: NDArray[np.int64]
    count: int


@dataclass(frozen=True, eq=False)
class SpokenData:
    """`mels[i]` (T, bands) float32 are those of clip i of `sound`, minus `mean` (bands,) and divided by `deviation`, none where
    the clip is not used. `train` and `held` are numbers of clips; `lasting` is how many frames a letter has on average,
    `left_out` how many clips with a transcript are too long, or too fast for their text; `example` is one of the transcripts."""

    sound: AudioData
    mels: tuple[Array, ...]
    voices: Voices
    mean: Array
    deviation: float
    lasting: float
    train: NDArray[np.int64]
    held: NDArray[np.int64]
    left_out: int = 0
    example: str = ""

    @property
    def tokenizer(self) -> Tokenizer:
        assert self.sound.tokenizer is not None
        return self.sound.tokenizer

    @property
    def vocabulary(self) -> int:
        """Letters, and the markers."""
        return self.tokenizer.size + MARKERS

    @cached_property
    def longest(self) -> int:
        """Frames of the longest clip."""
        return max((len(self.mels[index]) for index in (*self.train, *self.held)), default=0)

    def letters(self, index: int) -> NDArray[np.int64]:
        """What is spoken in a clip (S,), between its markers."""
        assert self.sound.texts is not None
        return self.marked(self.sound.texts[index])

    def marked(self, ids: Ids) -> NDArray[np.int64]:
        """The letters of a text between their markers."""
        size = self.tokenizer.size
        return np.concatenate([[size], np.asarray(ids, np.int64), [size + 1]])

    def pieces(self, letters: Array) -> tuple[str, ...]:
        """Letters as they are shown."""
        return ("⊢", *self.tokenizer.pieces(np.asarray(letters[1:-1])), "⊣")

    def text_of(self, index: int) -> str:
        return self.sound.written[index]

    def logarithms(self, mels: Array) -> Array:
        """Frames (T, bands) as the network makes them -> natural logarithms of mel magnitudes."""
        return np.asarray(mels * self.deviation + self.mean, np.float32)


class ClipBatch(NamedTuple):
    """Padded clips: `letters` (B, S) int64 with their `padding`, True where there is none; `frames` (B, T, bands) float32, T a
    multiple of `together`, with `lengths` (B,); `voices` (B,)."""

    letters: NDArray[np.int64]
    padding: NDArray[np.bool_]
    frames: NDArray[np.float32]
    lengths: NDArray[np.int64]
    voices: NDArray[np.int64]


def prepare(config: TTSConfig, dataset: AudioDataset, kept: Mapping[str, Any] | None = None) -> Work[SpokenData]:
    """The data of a run, in the letters that it kept where there are such. Raises DataError or ConfigError for what
    nothing can be learnt from, saying what would do."""
    base = audio.from_metadata(kept).tokenizer if kept is not None else None
    work = audio.prepare(dataset, config.split, rate=rate_of(config.rate), transcripts=True, base=base)
    sound = yield from scaled(work, 0.0, 0.3)
    assert sound.texts is not None
    voices = _voices(config, dataset)
    most = min(round(config.longest * sound.rate), MOST_SECONDS * sound.rate)
    fits = np.array([
        length <= most and len(text) + MARKERS <= min(MOST_LETTERS, 1 + length // config.hop)
        for length, text in zip(sound.lengths.tolist(), map(sound.texts.__getitem__, range(len(sound))), strict=True)
    ], bool)  # fmt: skip
    train, held = (part[fits[part]] for part in (sound.train, sound.held))
    if len(train) < 2:
        raise DataError(
            f"Of '{dataset.info.title}' too few clips are at most {config.longest:g} seconds long and have a transcript.",
            "Allow longer clips (the setting longest), or import them cut into sentences.", dataset.info.place,
        )  # fmt: skip
    mels = yield from scaled(_spectrograms(config, sound, np.concatenate([train, held])), 0.3, 1.0)
    if kept is None:
        every = np.concatenate([mels[index] for index in train.tolist()])
        mean, deviation = every.mean(0, dtype=np.float64).astype(np.float32), max(float(every.std(dtype=np.float64)), _LEAST)
        frames = sum(len(mels[index]) for index in train.tolist())
        lasting = frames / sum(len(sound.texts[index]) + MARKERS for index in train.tolist())
    else:
        known = from_metadata(config, kept)
        mean, deviation, lasting = known.mean, known.deviation, known.lasting
    mels = tuple(((mel - mean) / deviation if len(mel) else mel).astype(np.float32) for mel in mels)
    left_out = len(sound.train) + len(sound.held) - len(train) - len(held)
    example = sound.written[int((held if len(held) else train)[0])]
    return SpokenData(sound, mels, voices, mean, deviation, lasting, train, held, left_out, example)


MOST_SECONDS = 30


def _voices(config: TTSConfig, dataset: AudioDataset) -> Voices:
    known = dataset.attributes.get("voice")
    if known is None or config.voices == 1:
        return Voices(np.zeros(len(dataset.lengths), np.int64), 1)
    names, which = np.unique(known, return_inverse=True)
    if len(names) > config.voices:
        raise ConfigError([Problem("voices", f"the dataset has {len(names)} voices: take that many, or 1 for all as one")])
    return Voices(which.astype(np.int64), len(names))


def _spectrograms(config: TTSConfig, sound: AudioData, clips: NDArray[np.int64]) -> Work[tuple[Array, ...]]:
    """Logarithmic mels (T, bands) of these clips; none of the others."""
    import torch

    from genstudio.nn import spectrogram

    filters = spectrogram.mel_filters(sound.rate, config.window, config.bands)
    found = [np.zeros((0, config.bands), np.float32)] * len(sound)
    for done, index in enumerate(clips.tolist()):
        with torch.inference_mode():
            wave = torch.from_numpy(to_wave(sound.clip(index)))
            found[index] = spectrogram.log_mel(wave, filters, config.window, config.hop).T.contiguous().numpy()
        if done % _TOGETHER == 0:
            yield done / len(clips)
    return tuple(found)


def metadata(data: SpokenData) -> dict[str, Any]:
    """What a run holds to speak without its dataset."""
    said = {"mean": data.mean.tolist(), "deviation": data.deviation, "lasting": data.lasting, "voices": data.voices.count,
            "example": data.example}  # fmt: skip
    return {**audio.metadata(data.sound), "mel.json": said}


def from_metadata(_config: TTSConfig, kept: Mapping[str, Any]) -> SpokenData:
    """Data without content. Raises DataError for anything but what `metadata` gave."""
    sound = audio.from_metadata(kept)
    try:
        said = kept["mel.json"]
        mean = np.asarray(said["mean"], np.float32)
        deviation, lasting, voices = float(said["deviation"]), float(said["lasting"]), int(said["voices"])
        example = str(said.get("example", ""))[:MOST_LETTERS]
        if mean.ndim != 1 or not np.isfinite([*mean, deviation, lasting]).all() or deviation <= 0 or voices < 1:
            raise ValueError("numbers")
        if sound.tokenizer is None:
            raise ValueError("letters")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError("mel.json of this run is damaged.", "Copy it from a backup.") from error
    nothing = np.zeros(0, np.int64)
    return SpokenData(sound, (), Voices(nothing, voices), mean, deviation, lasting, nothing, nothing, example=example)


def mean_error(data: SpokenData) -> float:
    """The mean distance of held-out frames from the mean spectrum of the training part, in dB; NaN where nothing is held out."""
    if not len(data.held):
        return math.nan
    return float(np.mean([np.abs(data.mels[index]).mean() for index in data.held.tolist()])) * data.deviation * PER_NEPER


def on_other(data: SpokenData, own: SpokenData) -> SpokenData:
    """Other clips, scaled as those that a model learnt from are."""
    mels = tuple(
        ((mel * data.deviation + data.mean - own.mean) / own.deviation if len(mel) else mel).astype(np.float32)
        for mel in data.mels
    )
    return replace(data, mels=mels, mean=own.mean, deviation=own.deviation, lasting=own.lasting)


def draw(config: TTSConfig, data: SpokenData, seed: int, step: int) -> NDArray[np.int64]:
    """Training clips (batch,) of a step; depends on settings, seed and step alone."""
    return audio.draw_clips(replace(data.sound, train=data.train), config.batch, seed, step, config.examples)


def padded(data: SpokenData, clips: NDArray[np.int64], together: int = 1) -> ClipBatch:
    """These clips side by side."""
    letters, mels = [data.letters(index) for index in clips.tolist()], [data.mels[index] for index in clips.tolist()]
    lengths = np.array(list(map(len, mels)), np.int64)
    longest = -(-int(lengths.max()) // together) * together
    ids = np.zeros((len(clips), max(map(len, letters))), np.int64)
    padding, frames = np.ones(ids.shape, bool), np.zeros((len(clips), longest, mels[0].shape[1]), np.float32)
    for row, (text, mel) in enumerate(zip(letters, mels, strict=True)):
        ids[row, : len(text)], padding[row, : len(text)], frames[row, : len(mel)] = text, False, mel
    return ClipBatch(ids, padding, frames, lengths, data.voices.of[clips])


def shown(config: TTSConfig, data: SpokenData, seed: int, step: int) -> SoundBatch:
    """The clips of a step with what is spoken in them."""
    clips = draw(config, data, seed, step)
    waves, lengths = data.sound.whole(clips)
    return SoundBatch(waves, lengths, data.sound.rate, tuple(data.text_of(index) for index in clips.tolist()))
