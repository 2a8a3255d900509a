"""Models that make pictures of texts, told a text; and pictures between two others."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genstudio.config import Values
from genstudio.data.learnable.captions import knows
from genstudio.data.tokenizers.special import SpecialTokenizer
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Illustrates, Matches, Samples
from genstudio.runs import Run
from genstudio.tasks.encode import decoded
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.task import Frames

LONGEST = 4000
"""Characters of a text."""
_SLICE = 0.03


def known_part(model: Illustrates | Matches, text: str) -> tuple[str, ...]:
    """What of a text the vocabulary lacks. Raises DataError for one that is empty or too long, or has nothing known."""
    if not text.strip():
        raise DataError("The text is empty.", "Type one.")
    if len(text) > LONGEST:
        raise DataError(f"The text has {len(text):,} characters, more than {LONGEST:,}.", "Type a shorter one.")
    ids, unknown = model.read_text(text)
    if not knows(_words(model), ids):
        raise DataError(
            f"None of '{text.strip()[:40]}' is in this model's vocabulary.", "Use words of the captions that it was trained on."
        )
    return unknown


def _words(model: Illustrates | Matches) -> SpecialTokenizer:
    return model.words if isinstance(model, Illustrates) else model.data.tokenizer


@dataclass(frozen=True, slots=True)
class Text:
    """A text that pictures are made of, with or without the prior; None: as the run is set."""

    text: str
    prior: bool | None = None


def told(opened: Opened[Samples], text: Text | None) -> Opened[Samples]:
    """The model that makes pictures of a text, itself where there is none. Raises RunError for one that reads no texts; DataError
    for a text that it cannot read."""
    if text is None:
        return opened
    model = opened.able(Illustrates).model
    known_part(model, text.text)
    if text.prior is not None and not model.has_prior:
        raise DataError("This model has no prior: its decoder is given the vectors of texts.", "Choose a model that has one.")
    return Opened(model.made_of(model.of_texts([text.text], text.prior)), opened.step, opened.title, opened.family, opened.live)


@dataclass(frozen=True, slots=True, eq=False)
class Blended(Frozen):
    """Pictures between two: `pixels` (n, h, w, c) uint8 of vectors from that of `first` to that of `second` (h, w, c), at
    `shares` (n,) of the angle between them; `cosine` is that of the two vectors. All were made of the same noise."""

    pixels: Array
    first: Array
    second: Array
    shares: Array
    cosine: float
    step: int


@dataclass(frozen=True)
class BlendPictures:
    """Returns `count` pictures between two: those in files, or where a path is empty the held-out one of that number. The vectors
    between lie on the arc from one to the other (Ramesh et al. 2022, 3.2). Raises DataError for a file that is no picture, and
    for a model whose decoder is told no vectors of pictures."""

    model: ModelRef
    first: str | int = 0
    second: str | int = 1
    count: int = 7
    seed: int = 0
    sampler: Values | None = None

    def run(self, models: Models) -> Frames[Blended]:
        from genstudio.tasks.sample import sampling

        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Illustrates)
        if not opened.model.has_prior:
            raise DataError(
                "The decoder of this model is given the vectors of texts, not of pictures.", "Choose one whose condition is the "
                "picture."
            )
        model = sampling(opened, self.sampler or {})
        assert isinstance(model, Illustrates)
        first = yield from self._picture(opened, self.first)
        second = yield from self._picture(opened, self.second)
        one, other = model.of_pictures(np.stack([first, second]))
        shares = np.linspace(0, 1, self.count)
        noise = np.repeat(model.noise(1, self.seed), self.count, 0)
        made, began = None, time.monotonic()
        for made in model.made_of(arc(one, other, shares)).sample(noise, None, model.variants[0]):
            if time.monotonic() - began > _SLICE:
                yield Frame(progress=Progress("Sampling", made.done))
                began = time.monotonic()
        assert made is not None
        return Blended(made.samples, first, second, shares, float(one @ other), opened.step)

    def _picture(self, opened: Opened[Illustrates], which: str | int) -> Frames[Array]:
        if isinstance(which, str):
            shape = opened.model.data.shape
            return (yield from decoded(Path(which), (shape.width, shape.height), shape.channels))
        known: Illustrates = yield from opened.with_data(Run.open(self.model.run))
        data = known.data
        among = data.held if len(data.held) else data.train
        return np.asarray(data.real[np.random.default_rng(0).permutation(among)[which % len(among)]])


def arc(first: Array, second: Array, shares: Array) -> Array:
    """Vectors (n, d) of length 1 on the great circle from one to another (d,), at shares (n,) of the angle; of opposite ones
    there is no such circle, so they are joined straight."""
    angle = float(np.arccos(np.clip(first @ second, -1, 1)))
    if np.sin(angle) < 1e-6:
        mixed = (1 - shares[:, None]) * first + shares[:, None] * second
    else:
        mixed = (np.sin((1 - shares[:, None]) * angle) * first + np.sin(shares[:, None] * angle) * second) / np.sin(angle)
    return np.asarray(mixed, np.float32)
