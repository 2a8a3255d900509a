"""Clips of sound as a model learns them: split, cut into pieces or padded whole, transcripts as tokens. No torch."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.audio.samples import resampled, to_int16, to_wave
from genstudio.data.audio.stored import HIGHEST_RATE, LOWEST_RATE
from genstudio.data.datasets import AudioDataset
from genstudio.data.learnable.pairs import Sentences
from genstudio.data.split import SplitSettings, split_items
from genstudio.data.tokenizers import CharTokenizer, Tokenizer, tokenizer_from_json
from genstudio.data.work import Work, scaled
from genstudio.errors import DataError

Integers = NDArray[np.int64]
Waves = NDArray[np.float32]
_TOGETHER = 200
"""Transcripts that are encoded between two chances for others."""
_RESAMPLED = 1 << 18
"""Samples that are resampled between two chances for others."""
_PAUSE = re.compile(r"[\s\-\u2010-\u2015/_]+")
_SILENT = re.compile(r"[^\w' ]|_")


@dataclass(frozen=True, eq=False)
class AudioData:
    """Clips of one channel and one `rate`: clip i is `samples[offsets[i] : offsets[i + 1]]` int16. `train` and `held` are numbers
    of clips. `texts[i]` are the tokens of what is spoken in it, where there is a `tokenizer`; `written` is the same in words.
    `segments` (m, 3) are stretches of `samples` with their phone, where these are known."""

    samples: NDArray[np.int16]
    offsets: Integers
    rate: int
    train: Integers
    held: Integers
    phones: tuple[str, ...] = ()
    segments: Integers | None = None
    tokenizer: Tokenizer | None = None
    texts: Sentences | None = None
    written: tuple[str, ...] = ()
    dataset_id: str = ""
    source: str = ""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Integers:
        """(n,) samples in each clip."""
        return np.diff(self.offsets)

    def clip(self, index: int) -> NDArray[np.int16]:
        """The samples of a clip."""
        return self.samples[self.offsets[index] : self.offsets[index + 1]]

    def segments_of(self, index: int) -> Integers:
        """(k, 3) the stretches of a clip, counted from its beginning; none where phones are not known."""
        if self.segments is None:
            return np.zeros((0, 3), np.int64)
        start, stop = int(self.offsets[index]), int(self.offsets[index + 1])
        own = self.segments[(self.segments[:, 0] >= start) & (self.segments[:, 1] <= stop)]
        return own - np.array([start, start, 0])

    def cut(self, clips: Integers, starts: Integers, length: int) -> Waves:
        """`length` samples of each of these clips (B,) from `starts` (B,) on, in [-1, 1]: (B, length); silence behind the end of
        a clip."""
        at = self.offsets[clips][:, None] + starts[:, None] + np.arange(length)
        inside = at < self.offsets[clips + 1][:, None]
        found = self.samples[np.where(inside, at, 0)] if len(self.samples) else np.zeros(at.shape, np.int16)
        return to_wave(np.where(inside, found, 0))

    def whole(self, clips: Integers) -> tuple[Waves, Integers]:
        """These clips (B,) padded with silence to the longest, (B, T) in [-1, 1], and how many samples each has (B,)."""
        lengths = self.lengths[clips]
        return self.cut(clips, np.zeros(len(clips), np.int64), int(lengths.max(initial=0))), lengths

    def phones_at(self, index: int, places: Integers) -> Integers:
        """The phone that sounds at samples (k,) of a clip, -1 where none is known: (k,)"""
        found = np.full(len(places), -1, np.int64)
        for first, behind, phone in self.segments_of(index).tolist():
            found[(places >= first) & (places < behind)] = phone
        return found


def prepare(
    dataset: AudioDataset, split: SplitSettings, *, rate: int = 0, transcripts: bool = False, base: Tokenizer | None = None,
    wording: Callable[[str], str] | None = None,
) -> Work[AudioData]:  # fmt: skip
    """Clips, some of them held out, at `rate` samples per second (0: as they are). With `transcripts` only clips that have
    one, as `wording` writes it (`plain` unless said), in the tokens of `base`, or in the characters that occur in the training
    part. Raises DataError for fewer than two clips, or where nothing is known of what is spoken."""
    info, wording = dataset.info, wording or plain
    if rate and rate != dataset.rate:
        dataset = yield from scaled(at_rate(dataset, rate), 0.0, 0.8)
    if not transcripts:
        yield 0.9
        if len(dataset.lengths) < 2:
            raise DataError(
                f"'{info.title}' has only one clip; one is needed to learn from and another to test.",
                "Import more clips, or cut the recording into pieces.", info.place,
            )  # fmt: skip
        train, held = split_items(len(dataset.lengths), split)
        return _data(dataset, train, held)
    said = tuple(wording(text) for text in dataset.transcripts or [""] * len(dataset.lengths))
    known = np.flatnonzero([bool(text) for text in said])
    if len(known) < 2:
        raise DataError(
            f"'{info.title}' does not say what is spoken in it: {'one clip has' if len(known) else 'no clip has'} a transcript.",
            "Choose a dataset with transcripts, or import the clips with a CSV or with a .txt beside each file.", info.place,
        )  # fmt: skip
    train, held = split_items(len(known), split)
    train, held = known[train], known[held]
    tokenizer = base or CharTokenizer.of("".join(said[i] for i in train.tolist()))
    parts = []
    for number, text in enumerate(said):
        parts.append(tokenizer.encode_lossy(text)[0])
        if number % _TOGETHER == 0:
            yield 0.8 + 0.2 * number / len(said)
    return _data(dataset, train, held, tokenizer, Sentences.of(parts, np.int32), said)


def _data(
    dataset: AudioDataset, train: Integers, held: Integers, tokenizer: Tokenizer | None = None, texts: Sentences | None = None,
    written: tuple[str, ...] = (),
) -> AudioData:  # fmt: skip
    info = dataset.info
    return AudioData(
        dataset.samples, dataset.offsets, dataset.rate, train, held, dataset.phones, dataset.segments, tokenizer, texts, written,
        info.id, info.sha256,
    )


def at_rate(dataset: AudioDataset, rate: int) -> Work[AudioDataset]:
    """The same clips with another number of samples per second; yields the fraction done."""
    clips, since = list[NDArray[np.int16]](), 0
    for index in range(len(dataset.lengths)):
        clip = dataset.clip(index)
        clips.append(to_int16(resampled(to_wave(clip), dataset.rate, rate)))
        since += len(clip)
        if since > _RESAMPLED:
            since = 0
            yield index / len(dataset.lengths)
    offsets = np.cumsum([0, *map(len, clips)]).astype(np.int64)
    segments = dataset.segments
    if segments is not None:
        which = np.searchsorted(dataset.offsets, segments[:, 0], side="right") - 1
        ends = np.rint((segments[:, :2] - dataset.offsets[which][:, None]) * (rate / dataset.rate)).astype(np.int64)
        ends = np.minimum(ends, np.diff(offsets)[which][:, None]) + offsets[which][:, None]
        segments = np.concatenate([ends, segments[:, 2:]], 1)
    return replace(dataset, samples=np.concatenate(clips), offsets=offsets, rate=rate, segments=segments)


def plain(text: str) -> str:
    """A transcript as it is heard: in lower case, letters, digits and apostrophes alone, words apart by one space.

    >>> plain("Press 'One', please - now!")
    'press one please now'
    """
    words = _SILENT.sub("", _PAUSE.sub(" ", unicodedata.normalize("NFC", text).replace("\u2019", "'").lower())).split()
    return " ".join(word for word in (each.strip("'") for each in words) if word)


def draw(data: AudioData, length: int, count: int, seed: int, step: int, examples: int = 0) -> tuple[Integers, Integers]:
    """Clips (count,) of the training part, of the first `examples` ones where not 0, and where in each a piece of `length`
    samples begins (count,): the longer a clip, the oftener it is drawn. Depends on data, seed and step alone.

    Raises DataError where there is nothing to train on."""
    chosen = data.train[: examples or None]
    if not len(chosen):
        raise DataError("There is nothing to train on.", "Open a dataset.")
    places = np.cumsum(np.maximum(data.lengths[chosen] - length, 0) + length)
    drawn = _rng(seed, step).integers(0, places[-1], count)
    which = np.searchsorted(places, drawn, side="right")
    clips = chosen[which]
    room = np.maximum(data.lengths[clips] - length, 0)
    return clips, (drawn - np.concatenate([[0], places[:-1]])[which]) % (room + 1)


def draw_clips(data: AudioData, count: int, seed: int, step: int, examples: int = 0) -> Integers:
    """Whole clips (count,) of the training part, of the first `examples` ones where not 0, each as likely as another. Depends on
    data, seed and step alone. Raises DataError."""
    chosen = data.train[: examples or None]
    if not len(chosen):
        raise DataError("There is nothing to train on.", "Open a dataset.")
    return chosen[_rng(seed, step).integers(0, len(chosen), count)]


def metadata(data: AudioData) -> dict[str, Any]:
    """What a run holds to be opened without its dataset."""
    found: dict[str, Any] = {"data.json": {"rate": data.rate, "phones": list(data.phones)}}
    return found if data.tokenizer is None else {**found, "tokenizer.json": data.tokenizer.to_json()}


def from_metadata(kept: Mapping[str, Any]) -> AudioData:
    """Data without content, enough to hear or to speak with. Raises DataError for anything but what `metadata` gave."""
    try:
        said = kept["data.json"]
        rate, phones = said["rate"], said["phones"]
        if type(rate) is not int or not LOWEST_RATE <= rate <= HIGHEST_RATE or not isinstance(phones, list):
            raise ValueError("rate")
        tokenizer = tokenizer_from_json(kept["tokenizer.json"]) if "tokenizer.json" in kept else None
        nothing = np.zeros(0, np.int64)
        return AudioData(
            np.zeros(0, np.int16), np.zeros(1, np.int64), rate, nothing, nothing, tuple(map(str, phones)), tokenizer=tokenizer
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError("data.json of this run is damaged.", "Copy it from a backup.") from error


def _rng(seed: int, step: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed % 2**64, step]))
