"""A sound file resynthesised by a vocoder from its own mel spectrogram."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genstudio.data.importing.clips import read_file
from genstudio.data.work import Work
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Vocodes
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import Frames, frames_of

LONGEST = 120
"""Seconds of a file that is resynthesised at most."""
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
        real = yield from frames_of(_samples(Path(self.path), form.rate), "Reading the sound")
        yield Frame(progress=Progress("Resynthesising"))
        mels = model.mels_of(real)
        made = model.vocode(mels, learnt=self.learnt)
        again = model.mels_of(made)
        return Resynthesis(real, made, form.rate, float(np.abs(again - mels[:, : again.shape[1]]).mean()), opened.step)


def _samples(path: Path, rate: int) -> Work[Array]:
    parts: list[Array] = []
    work = read_file(path, rate, _PIECE, parts.append)
    for done in work:
        if sum(map(len, parts)) > LONGEST * rate:
            work.close()
            break
        yield done
    samples = np.concatenate(parts) if parts else np.zeros(0, np.int16)
    if len(samples) > LONGEST * rate:
        raise DataError(f"'{path.name}' is longer than {LONGEST} seconds.", "Cut a part out of it with a sound editor.", path)
    if len(samples) < rate // 20:
        raise DataError(f"'{path.name}' holds less than 50 ms of sound.", "Choose another file.", path)
    return samples
