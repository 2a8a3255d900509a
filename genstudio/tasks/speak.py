"""A text, spoken: its spectrogram as it grows, and the sound of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from genstudio.data.audio.samples import to_int16, to_mu_law
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Speaks, Utterance
from genstudio.snapshots.sound import Sound, Track
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.task import Frames, Quiet

LONGEST = 4000
"""Characters of a text that is looked at at all."""
SLOWEST, FASTEST = 0.25, 4.0
CHANNEL = "spoken"
_SLICE = 0.05
_PHASES = 60
"""Steps of Griffin-Lim."""


@dataclass(frozen=True, slots=True, eq=False)
class Spoken(Frozen):
    """What was said: `shown` has one track, whose samples are `samples` (T,) int16 before they were rounded to mu-law.
    `said` is the
    text as it was read, `unknown` the characters of it that were left out. `complete`: it came to its end. `weights` say which
    model, `made_by` what turned the spectrogram into sound."""

    shown: Sound
    samples: Array
    said: str
    unknown: tuple[str, ...]
    complete: bool
    diagonality: float
    weights: str
    made_by: str


@dataclass(frozen=True, slots=True)
class Speaker:
    """What a model can be asked to say: by how many `voices`, whether it is `paced`, and an `example` in its own words."""

    voices: int
    paced: bool
    example: str


@dataclass(frozen=True)
class ReadSpeaker(Quiet):
    """Who speaks with a model. Raises RunError for a model that cannot speak."""

    model: ModelRef

    def run(self, models: Models) -> Frames[Speaker]:
        yield Frame(progress=Progress("Opening the model"))
        model = models.open(self.model, Speaks).model
        return Speaker(model.voices, model.paced, model.example)


@dataclass(frozen=True)
class Speak:
    """Speak a text by one of the model's voices, `speed` times as fast as usual; what has been said so far is in the frames, on
    the channel `spoken`. Raises DataError for a text that is empty, too long or has nothing known in it, for a voice that
    there is not, and for a speed that the model has not; RunError for a model that cannot speak."""

    model: ModelRef
    text: str
    voice: int = 0
    speed: float = 1.0
    seed: int = 0

    def run(self, models: Models) -> Frames[Spoken]:
        from genstudio.nn.alignment import diagonality
        from genstudio.nn.spectrogram import mel_edges

        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Speaks)
        model = opened.model
        letters, said, unknown = read(model, self.text)
        self._check(model)
        rate, bands = model.mel["rate"], model.mel["bands"]
        edges = mel_edges(rate, bands)

        def sound(made: Utterance, codes: Array) -> Sound:
            track = Track(
                "Speech", "spoken", codes, np.ascontiguousarray(made.mels.T), alignment=made.alignment, symbols=made.letters,
                transcript=said,
            )  # fmt: skip
            return Sound(CHANNEL, opened.step, (track,), rate, model.mel["hop"], edges)

        made, silent, began = None, np.zeros(0, np.uint8), time.monotonic()
        for made in model.speak(letters, self.voice, self.speed, self.seed):
            if time.monotonic() - began > _SLICE:
                yield Frame(snapshots=(sound(made, silent),), progress=Progress("Speaking", made.done))
                began = time.monotonic()
        assert made is not None
        yield Frame(snapshots=(sound(made, silent),), progress=Progress("Making the sound"))
        samples, made_by = heard(opened, made)
        whole = sound(made, to_mu_law(samples))
        return Spoken(whole, samples, said, unknown, made.complete, diagonality(made.alignment.T), opened.words, made_by)

    def _check(self, model: Speaks) -> None:
        if not 0 <= self.voice < model.voices:
            count = "one voice" if model.voices == 1 else f"{model.voices} voices"
            raise DataError(f"There is no voice {self.voice + 1}: this model has {count}.", f"Choose 1 to {model.voices}.")
        if not SLOWEST <= self.speed <= FASTEST:
            raise DataError(f"A speed of {self.speed:g} is too far from 1.", f"Choose {SLOWEST:g} to {FASTEST:g}.")
        if self.speed != 1 and not model.paced:
            raise DataError(
                "This model speaks at its own pace: it makes frame after frame, and nobody tells it how long a letter lasts.",
                "Choose a speed of 1, or a model of durations.",
            )


def read(model: Speaks, text: str) -> tuple[Array, str, tuple[str, ...]]:
    """The letters of a text, the same as a text, and the characters of it that the model never heard. Raises DataError."""
    if not text.strip():
        raise DataError("The text is empty.", "Type what should be said.")
    if len(text) > LONGEST:
        raise DataError(f"The text has {len(text):,} characters, more than {LONGEST:,}.", "Give a shorter one.")
    letters, unknown = model.read_text(text)
    ids = letters[1:-1]
    if not len(ids):
        raise DataError(
            f"Nothing of '{text.strip()[:40]}' can be spoken: the recordings that it learned from have none of these characters.",
            "Use words of the transcripts, with numbers written out.",
        )  # fmt: skip
    if len(ids) > model.longest_text:
        raise DataError(
            f"The text has {len(ids):,} letters, and this model speaks {model.longest_text} at once.", "Give one sentence "
            "after the other."
        )
    return letters, model.tokenizer.decode(ids), unknown


def heard(opened: Opened[Speaks], made: Utterance) -> tuple[Array, str]:
    """Samples (T,) int16 of a spectrogram, and what made them."""
    from genstudio.nn.spectrogram import wave_of

    mel = opened.model.mel
    wave = wave_of(np.ascontiguousarray(made.mels.T), mel["rate"], mel["window"], mel["hop"], _PHASES)
    return to_int16(wave), "Griffin-Lim"


