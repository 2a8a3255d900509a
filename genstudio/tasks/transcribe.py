"""What is spoken in sound files, written by a model that was trained to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genstudio.data.audio.samples import to_mu_law, to_wave
from genstudio.data.importing.clips import read_file
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Heard, Transcribes
from genstudio.snapshots.sound import Sound, Track
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import Frames, Quiet, frames_of
from genstudio.tasks.vocode import Wanted, heard_of

_WINDOW, _BANDS, _NAMED = 0.064, 40, 0.12
"""Seconds of a window of the spectrogram that is shown, its mel bands, and seconds that a letter has room for its name."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard in a file: its `text`, `seconds`, and when each letter is said: (letter, first second, last second).
    `parts` it was read in, because it is longer than the model reads at once; `rate` is what the file had before it was
    resampled; `notes` are sentences about it."""

    path: str
    text: str
    seconds: float
    letters: tuple[tuple[str, float, float], ...]
    logprob: float
    parts: int
    rate: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcripts:
    """Of each file, by `weights` of `step`."""

    files: tuple[Transcript, ...]
    step: int
    weights: str


@dataclass(frozen=True)
class Transcribe(Quiet):
    """What is spoken in each file, with `beams` beginnings kept in the search (0: as the run is set). Files of another rate are
    resampled, channels mixed to one. Raises RunError for a model that writes no letters, DataError for a file that is no
    sound."""

    model: ModelRef
    paths: tuple[str, ...]
    beams: int = 0

    def run(self, models: Models) -> Frames[Transcripts]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Transcribes)
        if not self.paths:
            raise DataError("There is no sound to transcribe.", "Name a file.")
        found = list[Transcript]()
        for path in self.paths:
            found.append((yield from frames_of(_transcribed(opened.model, path, self.beams), f"Listening to {Path(path).name}")))
        return Transcripts(tuple(found), opened.step, opened.words)


@dataclass(frozen=True, slots=True, eq=False)
class ShownTranscript(Frozen):
    """`shown` has one track, the beginning of a file with its letters as segments; `text` is what they say, `spoken` what is
    known to be said. `cut`: the file goes on."""

    shown: Sound
    text: str
    cut: bool
    weights: str
    spoken: str = ""


@dataclass(frozen=True)
class ShowTranscript(Quiet):
    """What is spoken at the beginning of a file, or without one in a held-out `clip`, as far as the model reads at once, to be
    seen and heard. Raises as `Transcribe` does; DataError where the training data is gone."""

    model: ModelRef
    path: str
    clip: int = 0

    def run(self, models: Models) -> Frames[ShownTranscript]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Transcribes)
        model, wanted = opened.model, Wanted(self.model.run, self.path, self.clip)
        read, name, spoken = yield from heard_of(opened, wanted, model.rate, model.longest / model.rate)
        samples = read[: model.longest]
        yield Frame(progress=Progress("Listening"))
        heard = model.transcribe(to_wave(samples))
        shown = shown_with(samples, model.rate, heard, name, opened.step)
        return ShownTranscript(shown, heard.text, len(read) > len(samples), opened.words, spoken)


def shown_with(samples: Array, rate: int, heard: Heard, name: str, step: int) -> Sound:
    """Samples with what was heard of them, each letter where it is said."""
    import torch

    from genstudio.nn import spectrogram

    size = 1 << round(math.log2(_WINDOW * rate))
    hop = size // 4
    with torch.inference_mode():
        filters = spectrogram.mel_filters(rate, size, _BANDS)
        mels = spectrogram.log_mel(torch.from_numpy(to_wave(samples)), filters, size, hop).numpy()
    letters = tuple(dict.fromkeys(heard.letters))
    starts, ends = np.rint(heard.spans * heard.hop * rate).astype(np.int64).T
    room = np.minimum(np.append(starts[1:], len(samples)), np.maximum(ends, starts + round(_NAMED * rate)))
    which = np.array([letters.index(letter) for letter in heard.letters], np.int64)
    segments = np.stack([starts, np.minimum(room, len(samples)), which], 1)
    track = Track(name, "heard", to_mu_law(samples), mels, segments[segments[:, 0] < segments[:, 1]], transcript=heard.text)
    return Sound("heard", step, (track,), rate, hop, spectrogram.mel_edges(rate, _BANDS), tuple(map(_visible, letters)))


def _visible(letter: str) -> str:
    return "\u2423" if letter == " " else letter


def _transcribed(model: Transcribes, path: str, beams: int) -> Any:
    parts: list[Heard] = []
    starts: list[float] = []
    total = 0

    def heard(piece: np.ndarray[Any, Any]) -> None:
        nonlocal total
        starts.append(total / model.rate)
        total += len(piece)
        parts.append(model.transcribe(to_wave(piece), beams))

    what = yield from read_file(Path(path), model.rate, model.longest / model.rate, heard)
    if not total:
        raise DataError(f"'{Path(path).name}' holds no sound that is long enough to hear.", "Choose another file.", Path(path))
    letters = tuple(
        (letter, start + float(first) * part.hop, start + float(behind) * part.hop)
        for start, part in zip(starts, parts, strict=True)
        for letter, (first, behind) in zip(part.letters, part.spans.tolist(), strict=True)
    )
    notes = []
    if what["rate"] != model.rate:
        notes.append(f"resampled from {what['rate']:,} to {model.rate:,} samples per second")
    if what.get("short"):
        notes.append("incomplete, and read as far as it goes")
    if len(parts) > 1:
        notes.append(f"read in {len(parts)} parts of up to {model.longest / model.rate:g} s: words where they meet may be wrong")
    text = " ".join(part.text for part in parts if part.text)
    return Transcript(
        path, text, total / model.rate, letters, sum(part.logprob for part in parts), len(parts), int(what["rate"]), tuple(notes)
    )
