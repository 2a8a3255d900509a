"""Sound of which everything is known: tones, vowels with their phones, and spoken digits with their words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genstudio.config import Config, setting
from genstudio.data.audio.samples import to_int16
from genstudio.data.datasets import AudioDataset
from genstudio.data.generators.chance import Chance, settled
from genstudio.data.generators.voice import PHONES, RATE, SILENCE, Said, spoken
from genstudio.data.info import DatasetInfo

TONES = ("tone", "rising", "falling")
VOWELS = ("iy", "eh", "aa", "ao", "uw")
DIGITS = {
    "zero": "z ih r ow", "one": "w ah n", "two": "t uw", "three": "th r iy", "four": "f ao r", "five": "f ay v",
    "six": "s ih k s", "seven": "s eh v ah n", "eight": "ey t", "nine": "n ay n",
}  # fmt: skip
"""Words with their phones."""
_LOWEST, _HIGHEST = 150.0, 3_200.0
_LOUD = 0.6
_NOISE = 1 << 16


class ToneSettings(Config):
    """Tones and chirps."""

    count: int = setting(300, "How many clips to make", low=10, high=5_000, logarithmic=True)
    noise: float = setting(0.003, "Level of the white noise behind them, where 1 is as loud as possible", low=0.0, high=0.2)
    seed: int = setting(0, "A different seed draws other tones", low=0, high=2**31 - 1)


class VoiceSettings(Config):
    """A voice, and how much it says."""

    count: int = setting(300, "How many clips to make", low=10, high=5_000, logarithmic=True)
    most: int = setting(
        5, "Maximum number of vowels or words per clip; there are at least two", low=2, high=8, label="Longest clip"
    )
    voices: int = setting(
        8, "How many voices speak: each has its own pitch and size of the vocal tract", low=1, high=100, logarithmic=True
    )
    noise: float = setting(0.003, "Level of the white noise behind them, where 1 is as loud as possible", low=0.0, high=0.2)
    seed: int = setting(0, "A different seed draws other clips and voices", low=0, high=2**31 - 1)


def tones(settings: ToneSettings, info: DatasetInfo) -> AudioDataset:
    """Steady tones, and chirps that rise or fall at an even rate; `start_hz` and `end_hz` are known."""
    rng, many = Chance(settings.seed), settings.count
    seconds = np.round(0.4 + 0.8 * rng.uniform(many), 3)
    kinds = rng.integers(3, many)
    ends = _LOWEST * (_HIGHEST / _LOWEST) ** np.sort(rng.uniform(2 * many).reshape(many, 2), 1)
    low, high = np.round(ends, 1).T
    first = np.where(kinds == 2, high, low)
    last = np.where(kinds == 0, first, np.where(kinds == 2, low, high))
    levels = 0.3 + 0.6 * rng.uniform(many)
    waves = []
    for place in range(many):
        at = np.arange(round(RATE * float(seconds[place]))) / RATE
        rate = (last[place] - first[place]) / seconds[place]
        edge = np.minimum(1.0, np.minimum(at, at[-1] - at) / 0.01)
        waves.append(levels[place] * edge * np.sin(2 * np.pi * (first[place] * at + rate * at * at / 2)))
    return _dataset(
        info, [settled(wave).astype(np.float64) for wave in waves], settings.noise, rng,
        attributes={"sort": np.array(TONES)[kinds], "start_hz": first, "end_hz": last},
    )  # fmt: skip


def vowels(settings: VoiceSettings, info: DatasetInfo) -> AudioDataset:
    """Vowels one after the other, with silence at both ends; which one sounds at each moment is known."""
    rng = Chance(settings.seed)
    voices = _Voices(settings.voices, rng)
    clips = []
    for _ in range(settings.count):
        said: list[tuple[str, float | None]] = [(SILENCE, _between(rng, 40, 120))]
        for _ in range(2 + rng.below(settings.most - 1)):
            others = [vowel for vowel in VOWELS if vowel != said[-1][0]]
            said.append((rng.pick(others), _between(rng, 110, 280)))
        clips.append(voices.speak([*said, (SILENCE, _between(rng, 40, 120))], rng))
    return _spoken(clips, settings, info, rng, voices)


def digits(settings: VoiceSettings, info: DatasetInfo) -> AudioDataset:
    """Digits as words, with a transcript and their phones."""
    rng = Chance(settings.seed)
    voices = _Voices(settings.voices, rng)
    clips, texts = [], []
    for _ in range(settings.count):
        words = [rng.pick(tuple(DIGITS)) for _ in range(2 + rng.below(settings.most - 1))]
        said: list[tuple[str, float | None]] = [(SILENCE, _between(rng, 40, 120))]
        for word in words:
            said += [(phone, None) for phone in DIGITS[word].split()]
            said.append((SILENCE, _between(rng, 30, 90)))
        texts.append(" ".join(words))
        clips.append(voices.speak(said, rng))
    return _spoken(clips, settings, info, rng, voices, tuple(texts))


class _Voices:
    """People: a pitch and a size of the vocal tract each, and who spoke so far."""

    def __init__(self, count: int, rng: Chance) -> None:
        self._people = [(90.0 + 120.0 * rng.below(1000) / 1000, 1.08 - 0.22 * rng.below(1000) / 1000) for _ in range(count)]
        self.who: list[int] = []

    def speak(self, phones: Sequence[tuple[str, float | None]], rng: Chance) -> Said:
        self.who.append(rng.below(len(self._people)))
        pitch, tract = self._people[self.who[-1]]
        raised = pitch * _between(rng, 90, 115) / 100
        return Said(phones, (raised, raised * _between(rng, 80, 100) / 100), tract, _between(rng, 85, 120) / 100)


def _between(rng: Chance, low: int, high: int) -> float:
    return float(low + rng.below(high - low + 1))


def _spoken(
    clips: Sequence[Said], settings: VoiceSettings, info: DatasetInfo, rng: Chance, voices: _Voices,
    texts: tuple[str, ...] | None = None,
) -> AudioDataset:  # fmt: skip
    waves, said = spoken(clips, 2 * Chance(settings.seed + 1).uniform(_NOISE) - 1)
    names = tuple(name for name in PHONES if any(name == one[2] for segments in said for one in segments))
    starts = np.concatenate([[0], np.cumsum([len(wave) for wave in waves])])
    segments = np.array([
        (start + first, start + last, names.index(name))
        for start, own in zip(starts.tolist(), said, strict=False) for first, last, name in own
    ], np.int64)  # fmt: skip
    levels = _LOUD * (0.7 + 0.6 * rng.uniform(len(waves)))
    loud = [wave * level for wave, level in zip(waves, levels.tolist(), strict=True)]
    voice = {"voice": np.array(voices.who, np.int64)}
    return _dataset(info, loud, settings.noise, rng, texts, names, segments, voice)


def _dataset(
    info: DatasetInfo, waves: Sequence[NDArray[np.float64]], noise: float, rng: Chance, texts: tuple[str, ...] | None = None,
    phones: tuple[str, ...] = (), segments: NDArray[np.int64] | None = None, attributes: dict[str, NDArray] | None = None,
) -> AudioDataset:  # fmt: skip
    hiss = noise * (2 * rng.uniform(max(map(len, waves)) + len(waves)) - 1)
    samples = np.concatenate([to_int16(wave + hiss[place : place + len(wave)]) for place, wave in enumerate(waves)])
    offsets = np.concatenate([[0], np.cumsum([len(wave) for wave in waves])]).astype(np.int64)
    return AudioDataset(info, samples, offsets, RATE, texts, phones, segments, attributes or {})
