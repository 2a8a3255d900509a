"""Pictures that a text means, texts that a picture shows, and classes that somebody types: by a model that matches both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from genstudio.data.learnable.captions import CaptionData
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Matches
from genstudio.runs import Run
from genstudio.tasks.encode import decoded
from genstudio.tasks.illustrate import known_part
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.task import Frames, Quiet

Among = Literal["held-out", "all"]
MOST, MOST_CLASSES = 500, 40
PLACE = "{}"
"""Stands for the class in a sentence of zero-shot classes."""
SENTENCES = 80
"""As many as Radford et al. 2021 took for the classes of ImageNet (3.1.4)."""
_ROWS, _SEED = 250, 20_210_226


@dataclass(frozen=True, slots=True, eq=False)
class Found(Frozen):
    """The best of `searched` pictures, or of their captions, the best first: `places` (k,) in the data, `pixels` (k, h, w, c)
    uint8 with their `captions`, and the `cosines` (k,) with what was asked for; `shares` (k,) are the softmax of all cosines over
    the temperature. `query` is the text, or the caption of the picture `sample` where it has one; `unknown` is what of the text
    the vocabulary lacks; `place` is where the picture whose caption was asked for came, 0 where there is none."""

    query: str
    places: Array
    pixels: Array
    captions: tuple[str, ...]
    cosines: Array
    shares: Array
    searched: int
    step: int
    weights: str
    unknown: tuple[str, ...] = ()
    sample: Array | None = None
    place: int = 0

    @property
    def chance(self) -> float:
        """How probable it is that a picture drawn at random comes first."""
        return 1 / max(self.searched, 1)


@dataclass(frozen=True)
class SearchText(Quiet):
    """Returns the `count` pictures of the run's data that are nearest to a text. Raises DataError for a text that is empty, too
    long or has nothing that the model knows, and where the data are gone."""

    model: ModelRef
    text: str
    count: int = 24
    among: Among = "held-out"

    def run(self, models: Models) -> Frames[Found]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Matches)
        unknown = known_part(opened.model, self.text)
        model, chosen, vectors = yield from _searched(models, opened, self.model, self.among)
        cosines = vectors @ model.embed_texts([self.text])[0]
        own = [place for place, at in enumerate(chosen.tolist()) if model.data.captions[at] == self.text.strip()]
        return _found(model, opened, self.text.strip(), chosen, cosines, self.count, unknown=unknown, own=own)


@dataclass(frozen=True)
class SearchPicture(Quiet):
    """Returns the `count` captions of the run's data that are nearest to a picture, each once: that of a file, or where `path` is
    empty the one at `number` among those that are searched. Raises DataError for a file that is no picture."""

    model: ModelRef
    path: str = ""
    number: int = 0
    count: int = 24
    among: Among = "held-out"

    def run(self, models: Models) -> Frames[Found]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Matches)
        shape = opened.model.data.shape
        sample = None
        if self.path:
            sample = yield from decoded(Path(self.path), (shape.width, shape.height), shape.channels)
        model = yield from _with_data(opened, self.model)
        chosen = _chosen(model, self.among)
        said = ""
        if sample is None:
            at = int(chosen[self.number % len(chosen)])
            sample, said = model.data.real[at], model.data.captions[at]
        _, first = np.unique([model.data.captions[at] for at in chosen.tolist()], return_index=True)
        chosen = chosen[np.sort(first)]
        texts = []
        for start in range(0, len(chosen), _ROWS):
            texts.append(model.embed_texts([model.data.captions[at] for at in chosen[start : start + _ROWS].tolist()]))
            yield Frame(progress=Progress("Reading captions", start / len(chosen)))
        cosines = np.concatenate(texts) @ model.embed_pictures(sample[None])[0]
        own = [place for place, at in enumerate(chosen.tolist()) if said and model.data.captions[at] == said]
        return _found(model, opened, said, chosen, cosines, self.count, sample=sample, own=own)


@dataclass(frozen=True, slots=True, eq=False)
class ZeroShot(Frozen):
    """Probabilities (n, classes) of `classes` that somebody typed for n pictures, `pixels` (n, h, w, c) uint8 with their
    `captions`, by `weights` of `step`; `unknown` is what of the classes the vocabulary lacks. In the `sentences`
    {} stood for each class."""

    classes: tuple[str, ...]
    probabilities: Array
    pixels: Array
    captions: tuple[str, ...]
    step: int
    weights: str
    unknown: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()

    @property
    def named(self) -> Array:
        """The class of each picture (n,) by its number."""
        return np.asarray(self.probabilities.argmax(1), np.int64)


@dataclass(frozen=True)
class SuggestClasses(Quiet):
    """Returns classes to begin with: words by which captions of the run's data differ, see `usual_classes`."""

    model: ModelRef

    def run(self, models: Models) -> Frames[tuple[str, ...]]:
        yield Frame(progress=Progress("Opening the model"))
        model = yield from _with_data(models.open(self.model, Matches), self.model)
        return usual_classes(tuple(model.data.captions))


def usual_classes(captions: tuple[str, ...]) -> tuple[str, ...]:
    """The words that stand in one place of all captions, where three to eight share it about evenly: of more such places the
    last one, which in a sentence is nearest to the noun. Nothing where captions have no such place.

    >>> usual_classes(("a small heart", "a large heart", "a small circle", "a large circle", "a small square", "a large square"))
    ('circle', 'heart', 'square')
    """
    sentences = [caption.split() for caption in dict.fromkeys(captions)]
    found: tuple[str, ...] = ()
    for place in range(min(map(len, sentences), default=0)):
        column = [sentence[place] for sentence in sentences]
        words = sorted({*column})
        if 3 <= len(words) <= 8 and min(map(column.count, words)) >= 0.5 * len(column) / len(words):
            found = tuple(words)
    return found


@dataclass(frozen=True)
class NameClasses(Quiet):
    """Returns which of these classes each of some held-out pictures belongs to, by the cosine of the picture with the sentence
    `template` of each class, in which {} stands for it (Radford et al. 2021, 3.1.2): no class was ever trained. Without a
    template captions of training pictures that name one of the classes are the sentences, and their mean vector stands for each
    class (3.1.4): what a text tower makes of a sentence shorter than any that it read says little. The picture of a file instead
    where there is a `path`. Raises DataError for fewer than two classes, or ones that the model does not know."""

    model: ModelRef
    classes: tuple[str, ...]
    template: str = ""
    path: str = ""
    count: int = 64

    def run(self, models: Models) -> Frames[ZeroShot]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Matches)
        classes = tuple(dict.fromkeys(name.strip() for name in self.classes if name.strip()))
        if not 2 <= len(classes) <= MOST_CLASSES:
            raise DataError(
                f"{len(classes)} classes cannot be compared.", f"Type 2 to {MOST_CLASSES} different classes, separated by "
                                                                 "commas."
            )
        if self.template and PLACE not in self.template:
            raise DataError(f"The sentence '{self.template[:40]}' has no {PLACE}.", f"{PLACE} stands for the class.")
        unknown = [word for name in classes for word in known_part(opened.model, name)]
        model = opened.model
        if not self.path or not self.template:
            model = yield from _with_data(opened, self.model)
        if self.path:
            shape = model.data.shape
            pixels = (yield from decoded(Path(self.path), (shape.width, shape.height), shape.channels))[None]
            captions: tuple[str, ...] = ("",)
        else:
            some = _chosen(model, "held-out")[: self.count]
            pixels, captions = model.data.real[some], tuple(model.data.captions[at] for at in some.tolist())
        sentences = (self.template,) if self.template else naming(model.data, classes)
        vectors = []
        for name in classes:
            found = model.embed_texts([sentence.replace(PLACE, name) for sentence in sentences]).mean(0)
            vectors.append(found / max(float(np.linalg.norm(found)), 1e-12))
            yield Frame(progress=Progress("Reading sentences", len(vectors) / len(classes)))
        logits = model.embed_pictures(pixels) @ np.stack(vectors).T / model.temperature
        return ZeroShot(
            classes, softmax(logits), pixels, captions, opened.step, opened.words, tuple(dict.fromkeys(unknown)), sentences
        )


def naming(data: CaptionData, classes: Sequence[str]) -> tuple[str, ...]:
    """Captions of training pictures that name one of these classes, with {} in its place, each once: at most SENTENCES; that of
    one word where there are none."""
    names = re.compile("|".join(rf"\b{re.escape(name.lower())}\b" for name in sorted(classes, key=len, reverse=True)))
    found: dict[str, None] = {}
    for at in np.random.default_rng(_SEED).permutation(data.train).tolist():
        caption = " ".join(data.captions[at].lower().split())
        if PLACE not in caption and len(names.findall(caption)) == 1:
            found[names.sub(PLACE, caption)] = None
        if len(found) == SENTENCES:
            break
    return tuple(found) or (f"a {PLACE}",)


def softmax(logits: Array) -> Array:
    """Over the last axis."""
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(-1, keepdims=True), np.float32)


def _with_data(opened: Opened[Matches], ref: ModelRef) -> Frames[Matches]:
    """The model with the data of its run. Raises DataError where these are gone."""
    model: Matches = yield from opened.with_data(Run.open(ref.run))
    return model


def _chosen(model: Matches, among: Among) -> Array:
    """The pictures that are searched, by their numbers."""
    data = model.data
    return np.sort(np.concatenate([data.held, data.unseen])) if among == "held-out" else np.arange(len(data.real))


def _searched(models: Models, opened: Opened[Matches], ref: ModelRef, among: Among) -> Frames[tuple[Matches, Array, Array]]:
    """The model with its data, the pictures that are searched and their vectors, which are kept for the next text."""
    model = yield from _with_data(opened, ref)
    chosen, key = _chosen(model, among), (ref.run, opened.step, among)
    if models.vectors is None or models.vectors[0] != key:
        parts = []
        for start in range(0, len(chosen), _ROWS):
            parts.append(model.embed_pictures(model.data.real[chosen[start : start + _ROWS]]))
            yield Frame(progress=Progress("Reading pictures", start / len(chosen)))
        models.vectors = key, np.concatenate(parts)
    return model, chosen, models.vectors[1]


def _found(
    model: Matches, opened: Opened[Matches], query: str, chosen: Array, cosines: Array, count: int, *, own: list[int],
    unknown: tuple[str, ...] = (), sample: Array | None = None,
) -> Found:  # fmt: skip
    if not 1 <= count <= MOST:
        raise DataError(f"{count} is not a number of results.", f"Ask for 1 to {MOST}.")
    best = np.argsort(-cosines, kind="stable")
    places = chosen[best[:count]]
    where = min((int(np.flatnonzero(best == one)[0]) + 1 for one in own), default=0)
    return Found(
        query, places, model.data.real[places], tuple(model.data.captions[at] for at in places.tolist()),
        cosines[best[:count]].astype(np.float32), softmax(cosines / model.temperature)[best[:count]], len(chosen), opened.step,
        opened.words, unknown, sample, where,
    )  # fmt: skip
