"""A sound file resynthesised by a vocoder from its own mel spectrogram: all of it, or its beginning to compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from genstudio.data.audio.samples import to_mu_law
from genstudio.data.importing.clips import read_file
from genstudio.data.learnable.audio import AudioData
from genstudio.data.work import Work
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Vocodes
from genstudio.runs import Run
from genstudio.snapshots.sound import Sound, Track
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.task import Frames, frames_of

LONGEST, COMPARED = 120, 10
"""Seconds of a file that is resynthesised at most, and of which the beginning is compared."""
_PIECE = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Resynthesis(Frozen):
    """Samples `real` (T,) int16 of a file, `rate` of which make a second, and what was `made` (T',) of their mels alone by the
    weights of `step`: T' is T but for less than a hop. `mel_error` is the mean distance of both log-mels."""

    real: Array
    made: Array
    rate: int
    mel_error: float
    step: int


@dataclass(frozen=True)
class Resynthesise:
    """The sound in a file at the rate of the model, channels mixed to one, to mels and back: by what was `learnt`, or by
    Griffin-Lim. Raises DataError for what is no sound, or longer than two minutes."""

    model: ModelRef
    path: str
    learnt: bool = True

    def run(self, models: Models) -> Frames[Resynthesis]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Vocodes)
        model = opened.model
        form = model.mel_form
        real = yield from frames_of(samples_of(Path(self.path), form.rate, LONGEST), "Reading the sound")
        if len(real) > LONGEST * form.rate:
            name = Path(self.path).name
            raise DataError(f"'{name}' is longer than {LONGEST} seconds.", "Cut a part out of it with a sound editor.", self.path)
        yield Frame(progress=Progress("Resynthesising"))
        made, _, error = _remade(model, model.mels_of(real), self.learnt)
        return Resynthesis(real, made, form.rate, error, opened.step)


@dataclass(frozen=True, slots=True, eq=False)
class ComparedSound(Frozen):
    """`shown` has the beginning of a file as it is, by Griffin-Lim and by the generator, whose samples are `made` (T,) int16. The
    mean distances of their log-mels from the real ones are `mel_errors`, in this order. `cut`: the file goes on."""

    shown: Sound
    made: Array
    mel_errors: tuple[float, float]
    cut: bool
    weights: str


@dataclass(frozen=True)
class CompareSound:
    """The first seconds of the sound in a file, or without one of a held-out `clip`, and what Griffin-Lim and the generator make
    of their mels. Raises as `Resynthesise` does, but for the length; DataError where the training data is gone."""

    model: ModelRef
    path: str
    clip: int = 0

    def run(self, models: Models) -> Frames[ComparedSound]:
        from genstudio.nn.spectrogram import mel_edges

        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Vocodes)
        model = opened.model
        form = model.mel_form
        wanted = Wanted(self.model.run, self.path, self.clip)
        read, name, words = yield from heard_of(opened, wanted, form.rate, COMPARED)
        real = read[: COMPARED * form.rate]
        mels = model.mels_of(real)
        tracks, errors = [Track(name, "real", to_mu_law(real), mels, transcript=words)], list[float]()
        made = real
        for version, learnt in (("Griffin-Lim", False), ("generator", True)):
            yield Frame(progress=Progress("Resynthesising"))
            made, again, error = _remade(model, mels, learnt)
            errors.append(error)
            tracks.append(Track(name, version, to_mu_law(made), again))
        shown = Sound("resynthesised", opened.step, tuple(tracks), form.rate, form.hop, mel_edges(form.rate, form.bands))
        return ComparedSound(shown, made, (errors[0], errors[1]), len(read) > len(real), opened.words)


def _remade(model: Vocodes, mels: Array, learnt: bool) -> tuple[Array, Array, float]:
    """Samples made of log-mels (bands, N), the log-mels of those, and the mean distance of both."""
    made = model.vocode(mels, learnt=learnt)
    again = model.mels_of(made)
    return made, again, float(np.abs(again - mels[:, : again.shape[1]]).mean())


class Wanted(NamedTuple):
    """A sound to listen to: the file at `path`, or, where that is empty, a held-out clip of the data of a run, the `clip`-th,
    counted round."""

    run: str
    path: str
    clip: int


def heard_of(opened: Opened[Any], wanted: Wanted, rate: int, seconds: float) -> Frames[tuple[Array, str, str]]:
    """Samples (T,) int16 of what is wanted, its name, and what is known to be spoken in it. Raises DataError."""
    if wanted.path:
        path = Path(wanted.path)
        return (yield from frames_of(samples_of(path, rate, seconds), "Reading the sound")), path.name, ""
    full = yield from opened.with_data(Run.open(wanted.run))
    data = full.data
    if not isinstance(data, AudioData) or not len(data.held):
        raise DataError("This model has no held-out clips.", "Open a sound file.")
    clip = int(data.held[wanted.clip % len(data.held)])
    return data.clip(clip), f"Held-out clip {clip + 1}", data.written[clip] if clip < len(data.written) else ""


def samples_of(path: Path, rate: int, seconds: float) -> Work[Array]:
    """The sound of a file (T,) int16 at `rate` samples per second; of a longer one its first `seconds` and some more. Raises
    DataError for what is no sound, or hardly any."""
    parts: list[Array] = []
    work = read_file(path, rate, min(_PIECE, seconds), parts.append)
    for done in work:
        if sum(map(len, parts)) > seconds * rate:
            work.close()
            break
        yield done
    samples = np.concatenate(parts) if parts else np.zeros(0, np.int16)
    if len(samples) < rate // 20:
        raise DataError(f"'{path.name}' holds less than 50 ms of sound.", "Choose another file.", path)
    return samples
