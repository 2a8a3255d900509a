"""A text, spoken: its spectrogram as it grows, and the sound of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genstudio import families, runs
from genstudio.data.audio.samples import to_int16, to_mu_law
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import MelForm, Speaks, Utterance, Vocodes
from genstudio.runs import RunInfo
from genstudio.snapshots.sound import Sound, Track
from genstudio.tasks.models import ModelRef, Models
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
    """What was said: `shown` has one track, whose samples are `samples` (T,) int16 before they were rounded to mu-law. `said` is
    the text as it was read, `unknown` the characters of it that were left out. `complete`: it came to its end. `weights` say
    which model, `made_by` what turned the spectrogram into sound."""

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
    """What a model can be asked to say: by how many `voices`, whether it is `paced`, and an `example` in its own words.
    `vocoders` are the runs beside it that can make the sound of such spectrograms, as name and folder."""

    voices: int
    paced: bool
    example: str
    vocoders: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ReadSpeaker(Quiet):
    """Who speaks with a model. Raises RunError for a model that cannot speak."""

    model: ModelRef

    def run(self, models: Models) -> Frames[Speaker]:
        yield Frame(progress=Progress("Opening the model"))
        model = models.open(self.model, Speaks).model
        beside = runs.list_runs(Path(self.model.run).parent)
        fitting = tuple((info.name, str(info.folder)) for info in beside if _fits(info, model.mel))
        return Speaker(model.voices, model.paced, model.example, fitting)


def _fits(info: RunInfo, mel: Mapping[str, int]) -> bool:
    """Whether a run is a vocoder for such spectrograms, as far as its settings say; its rate is known when it is opened."""
    family = families.find(info.family)
    if family is None or "Vocodes" not in family.has(info.config) or not info.step:
        return False
    return all(info.config.get(name) == mel[name] for name in ("window", "hop", "bands"))


@dataclass(frozen=True)
class Speak:
    """Speak a text by one of the model's voices, `speed` times as fast as usual; the run in the folder `vocoder` makes the sound,
    Griffin-Lim where it is empty. What has been said so far is in the frames, on the channel `spoken`.

    Raises DataError for a text that is empty, too long or has nothing known in it, for a voice that there is not, for a speed
    that the model has not, and for a vocoder of other spectrograms; RunError for a model that cannot speak.
    """

    model: ModelRef
    text: str
    voice: int = 0
    speed: float = 1.0
    seed: int = 0
    vocoder: str = ""

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
        samples, made_by = heard(models, model, made, self.vocoder)
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


def heard(models: Models, model: Speaks, made: Utterance, vocoder: str = "") -> tuple[Array, str]:
    """Samples (T,) int16 of a spectrogram, and what made them: the vocoder of a run, or Griffin-Lim where none is named. Raises
    RunError for a run that is no vocoder; DataError for one that was trained on other spectrograms."""
    from genstudio.nn.spectrogram import wave_of

    mel = model.mel
    if vocoder:
        opened = models.open(ModelRef(vocoder), Vocodes)
        wanted, form = MelForm(**mel), opened.model.mel_form
        if form != wanted:
            raise DataError(
                f"'{opened.title}' makes sound from spectrograms with {_said(form)}; this model makes them with {_said(wanted)}.",
                "Train a vocoder with the same rate, window, hop and bands.",
            )  # fmt: skip
        mels = np.ascontiguousarray(made.mels.T if len(made.mels) > 1 else made.mels.T.repeat(2, 1))
        return opened.model.vocode(mels), opened.title
    wave = wave_of(np.ascontiguousarray(made.mels.T), mel["rate"], mel["window"], mel["hop"], _PHASES)
    return to_int16(wave), "Griffin-Lim"


def _said(form: MelForm) -> str:
    return f"{form.rate:,} samples per second, windows of {form.window}, a hop of {form.hop} and {form.bands} bands"


