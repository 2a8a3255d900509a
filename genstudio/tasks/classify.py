"""Questions to a model: which class a text or a picture belongs to, and whether one sentence follows another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genstudio.data.datasets import LabelledDataset, TextDataset
from genstudio.data.learnable.samples import SampleData
from genstudio.errors import DataError, RunError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Classifies, Follows, Reads
from genstudio.runs import Run
from genstudio.tasks.encode import decoded
from genstudio.tasks.models import ModelRef, Models, Opened, dataset_of
from genstudio.tasks.task import Frames, Quiet

_LINES, _OTHERS = 2, 3
"""Lines of a passage of an example, and passages beside the one that really follows."""


@dataclass(frozen=True, slots=True, eq=False)
class Classified(Frozen):
    """Probabilities (n, classes) of the `classes` of `texts` (n), by `weights` of `step`; `unknown` is what of them
    the vocabulary lacks."""

    probabilities: Array
    classes: tuple[str, ...]
    texts: tuple[str, ...]
    step: int
    weights: str
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Classify(Quiet):
    """The class of each text. Raises RunError for a model that was not trained to name classes, DataError for a text that is
    empty or has nothing that the model knows."""

    model: ModelRef
    texts: tuple[str, ...]

    def run(self, models: Models) -> Frames[Classified]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Classifies)
        model = opened.model
        if not isinstance(model, Reads):
            raise opened.refusal("name the class of a text")
        if not model.classes:
            raise _untrained(opened, "labelled texts")
        unknown = _unknown(opened.able(Reads), self.texts)
        return Classified(model.probabilities(self.texts), model.classes, self.texts, opened.step, opened.words, unknown)


@dataclass(frozen=True, slots=True, eq=False)
class ClassifiedPictures(Frozen):
    """Probabilities (n, classes) of the `classes` of `pixels` (n, h, w, c) uint8 as the model read them, which are in the files
    `paths` (n), by `weights` of `step`."""

    probabilities: Array
    classes: tuple[str, ...]
    pixels: Array
    paths: tuple[str, ...]
    step: int
    weights: str


@dataclass(frozen=True)
class ClassifyPictures(Quiet):
    """The class of the picture in each file, cut and scaled to the size of those that the model learned from. Raises RunError for
    a model that names no classes of pictures, DataError for a file that is no picture."""

    model: ModelRef
    paths: tuple[str, ...]

    def run(self, models: Models) -> Frames[ClassifiedPictures]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Classifies)
        model = opened.model
        if isinstance(model, Reads) or not isinstance(model.data, SampleData) or model.data.shape.kind != "images":
            raise opened.refusal("name the class of a picture")
        shape = model.data.shape
        if not model.classes:
            raise _untrained(opened, "pictures with classes")
        if not self.paths:
            raise DataError("There is no picture to classify.", "Name a file.")
        pixels = list[Array]()
        for path in self.paths:
            pixels.append((yield from decoded(Path(path), (shape.width, shape.height), shape.channels)))
        found = np.stack(pixels)
        return ClassifiedPictures(model.probabilities(found), model.classes, found, self.paths, opened.step, opened.words)


@dataclass(frozen=True, slots=True, eq=False)
class Followed(Frozen):
    """Probabilities (n,) that each of `seconds` (n) follows `first`, by `weights` of `step`; `unknown` is what of them
    the vocabulary lacks."""

    probabilities: Array
    first: str
    seconds: tuple[str, ...]
    step: int
    weights: str
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScoreNext(Quiet):
    """How probable it is that each sentence follows the first. Raises RunError for a model that was not trained to tell that,
    DataError for a sentence that is empty or has nothing that the model knows."""

    model: ModelRef
    first: str
    seconds: tuple[str, ...]

    def run(self, models: Models) -> Frames[Followed]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Follows)
        if not opened.model.knows_order:
            raise RunError(
                f"'{opened.title}' was trained without next-sentence prediction.",
                "Train one with it: the preset 'With next-sentence prediction', or the setting nsp.",
            )
        unknown = _unknown(opened.able(Reads), (self.first, *self.seconds))
        scores = opened.model.following(self.first, self.seconds)
        return Followed(scores, self.first, self.seconds, opened.step, opened.words, unknown)


@dataclass(frozen=True)
class DrawPassages(Quiet):
    """A passage of the text that a run was trained on, the one that follows it, and some from elsewhere, in an order that
    `seed` draws: (first, seconds, which of them follows). Raises DataError where the text is gone or too short."""

    model: ModelRef
    seed: int = 0

    def run(self, models: Models) -> Frames[tuple[str, tuple[str, ...], int]]:
        yield from ()
        dataset = models.dataset(dataset_of(Run.open(self.model.run)))
        text = "\n".join(dataset.texts) if isinstance(dataset, LabelledDataset) else ""
        lines = [line for line in (dataset.text if isinstance(dataset, TextDataset) else text).splitlines() if line.strip()]
        if len(lines) < 4 * _LINES * (_OTHERS + 2):
            raise DataError(f"'{dataset.info.title}' has too few lines for an example.", "Type the sentences.")
        rng = np.random.default_rng(self.seed)
        starts = rng.choice(len(lines) // _LINES - 1, _OTHERS + 1, replace=False) * _LINES
        first, *passages = ("\n".join(lines[at : at + _LINES]) for at in (starts[0], starts[0] + _LINES, *starts[1:]))
        order = rng.permutation(len(passages)).tolist()
        return first, tuple(passages[at] for at in order), order.index(0)


def _untrained(opened: Opened[Classifies], what: str) -> RunError:
    hint = f"Fine-tune it on {what}: the task 'classify', with this run to start from."
    return RunError(f"'{opened.title}' was not trained to name classes.", hint)


def _unknown(opened: Opened[Reads], texts: tuple[str, ...]) -> tuple[str, ...]:
    """Words or letters of some texts that the model lacks. Raises DataError for one that is empty or has nothing known."""
    if not texts or not all(text.strip() for text in texts):
        raise DataError("There is no text to read.", "Type one.")
    missing = list[str]()
    for text in texts:
        ids, places = opened.tokenizer.encode_lossy(text)
        if not (ids != getattr(opened.tokenizer, "unknown", None)).any():
            raise DataError(
                f"None of '{text[:40]}' is in this model's vocabulary.", "Type a text like those that it was trained on."
            )
        gone = set(places)
        marked = "".join(letter if place in gone else "\n" for place, letter in enumerate(text))
        missing += [part.strip() for part in marked.split("\n") if part.strip()]
    return tuple(dict.fromkeys(missing))
