"""One word in many sentences: the vector that a model has of it in each of them, as a map."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import LabelledDataset, TextDataset
from genstudio.data.projection import nearest, principal
from genstudio.data.work import finished
from genstudio.errors import DataError
from genstudio.events import Frame, Progress
from genstudio.families.abilities import FillsIn, Traces
from genstudio.runs import Run
from genstudio.snapshots.layers import EmbeddingMap
from genstudio.tasks.models import ModelRef, Models, Opened, dataset_of
from genstudio.tasks.prompt import Prompt, text_of
from genstudio.tasks.task import Frames, Quiet

_AROUND = 160
"""Characters on each side of a word that are read at most."""
_SAID = 28
"""Characters on each side of it that are shown."""


@dataclass(frozen=True)
class Contexts:
    """A map of the vectors of one word, and for each place the (place, cosine) of those nearest to it."""

    map: EmbeddingMap
    near: tuple[tuple[tuple[int, float], ...], ...]
    mine: int


@dataclass(frozen=True, slots=True)
class OneWord(Quiet):
    """A word wherever it stands in the document and in the dataset of the run, at most `most` times: its vector there at the
    depth `layer`, from 0, the mean over its tokens; -1: the last depth.

    Raises DataError where the word is in neither, RunError for a model that cannot be looked into.
    """

    model: ModelRef
    prompt: Prompt
    word: str
    layer: int = -1
    most: int = 150

    def run(self, models: Models) -> Frames[Contexts]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Traces)
        if not isinstance(opened.model, FillsIn):
            raise opened.refusal("read a word from both sides")
        depth = opened.model.transformer.architecture.layers
        layer = depth if self.layer < 0 else min(self.layer, depth)
        places = list(self._places(text_of(self.prompt)))
        mine = len(places)
        text = self._dataset(models)
        others = list(self._places(text))
        step = max(1, -(-len(others) // max(self.most - mine, 1)))
        places += others[::step][: max(self.most - mine, 0)]
        if not places:
            raise DataError(
                f"'{self.word}' is neither in the text nor in the dataset of this run.",
                "Type a sentence with it, or another word.",
            )
        rows: list[NDArray[np.float32]] = []
        for number, (before, word, after) in enumerate(places):
            rows.append(_vector(opened, before, word, after, layer))
            if number % 8 == 7:
                yield Frame(progress=Progress("Reading the sentences", number / len(places)))
        vectors = np.stack(rows)
        points, shares = principal(vectors) if len(vectors) > 2 else (vectors[:, :2], np.zeros(2))
        names = tuple(
            f"{before[-_SAID:]}[{word}]{after[:_SAID]}".replace("\n", " ") for before, word, after in places
        )
        near = tuple(tuple(nearest(vectors, at, min(6, len(vectors) - 1))) for at in range(len(vectors)))
        shown = EmbeddingMap(
            "contexts", opened.step, "hidden", np.ascontiguousarray(points, np.float32), names, np.arange(len(names)),
            len(others) + mine, explained=tuple(float(share) for share in shares), layer=layer, layers=depth,
        )  # fmt: skip
        return Contexts(shown, near, mine)

    def _places(self, text: str) -> Iterator[tuple[str, str, str]]:
        """What is before the word, the word as it is written, and what is behind it."""
        if not self.word.strip():
            return
        for found in re.finditer(rf"(?<!\w){re.escape(self.word.strip())}(?!\w)", text, re.IGNORECASE):
            before, after = text[max(0, found.start() - _AROUND) : found.start()], text[found.end() : found.end() + _AROUND]
            yield before, found[0], after

    def _dataset(self, models: Models) -> str:
        """The text of the run's dataset; empty where it is gone."""
        try:
            dataset = models.dataset(dataset_of(Run.open(self.model.run)))
        except DataError:
            return ""
        if isinstance(dataset, LabelledDataset):
            return "\n".join(dataset.texts)
        return dataset.text if isinstance(dataset, TextDataset) else ""


def _vector(opened: Opened[Traces], before: str, word: str, after: str, layer: int) -> NDArray[np.float32]:
    """(C,) mean over the tokens of a word, in the middle of as much text as the model sees."""
    from genstudio.inspection.trace import trace

    model = opened.model
    assert isinstance(model, FillsIn)
    tokenizer, text = model.tokenizer, before + word + after
    ids, starts = tokenizer.encode_lossy(text)[0], tokenizer.starts(text)
    inside = np.flatnonzero((starts[1:] > len(before)) & (starts[:-1] < len(before) + len(word)))
    inside = inside if len(inside) else np.array([min(int(np.searchsorted(starts, len(before))), len(ids) - 1)])
    room = model.context - 1
    first = int(np.clip((inside[0] + inside[-1] - room) // 2, 0, max(len(ids) - room, 0)))
    read = np.concatenate([[tokenizer.begin], ids[first : first + room]])
    residual = finished(trace(model.transformer, read, ("residual",)))["residual"]
    places = [at for at in (inside - first + 1).tolist() if at < len(read)]
    return np.asarray(residual[layer][places].mean(0), np.float32)


