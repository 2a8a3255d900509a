"""Exact loss of a model over a whole validation split, and the reference lines it is compared with."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genstudio import families, paths, runs, storage
from genstudio.config import Values
from genstudio.data import shelf
from genstudio.data.learnable.tokens import all_validation
from genstudio.errors import DataError, RunError, StorageError
from genstudio.events import Frame, Progress
from genstudio.families.abilities import Evaluates, Writes
from genstudio.runs import Run
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.task import Frames, frames_of

_WORD = re.compile(r"[^\W\d_]{3,}")
_BEGINNING, _PIECE = 2_000_000, 100_000
_TRIED = 5.0
"""Seconds of a measurement after which it is known how long all of it takes."""


@dataclass(frozen=True)
class Evaluate:
    """How good a model is on all of the data that was kept from it, in the numbers of its family; with `data`, on all of that
    text instead."""

    model: ModelRef
    data: str | None = None

    def run(self, models: Models) -> Frames[dict[str, Any]]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Evaluates)
        model = yield from self._with_data(opened)
        scored = None
        for scored in model.evaluate(exact=True):
            yield Frame(progress=Progress("Scoring", scored.done))
        if scored is None or not scored.result:
            raise DataError("There is too little data for an evaluation.", "Use more data.")
        yield Frame(progress=Progress("Scored", 1.0))
        return {**scored.result, "step": opened.step}

    def _with_data(self, opened: Opened[Evaluates]) -> Frames[Evaluates]:
        if self.data is None:
            return (yield from opened.with_data(Run.open(self.model.run)))
        if not isinstance(opened.model, Writes):
            raise DataError(f"'{opened.title}' can only be evaluated on the data it was trained on.", "Omit --data.")
        dataset = shelf.open_text(shelf.find_dataset(self.data))
        return opened.model.on((yield from frames_of(all_validation(dataset, opened.model.tokenizer), "Preparing the text")))


@dataclass(frozen=True)
class MeasureEnd:
    """What the validation of a run logs, by the names of its metrics, measured on all of the held-out data instead of a sample:
    of its checkpoint of `step`, the last one.

    Empty where that would take more than `seconds` of this thread's time, which is known once some of it is done. Once measured,
    the run says it: see `RunInfo.exact`. Raises CheckpointError, DataError.
    """

    run_folder: str
    step: int
    seconds: float = 300.0

    def run(self, models: Models) -> Frames[Mapping[str, float]]:
        yield Frame()
        from genstudio.training.checkpoint import checkpoint_dir  # the window names this task before torch is there

        run = Run.open(self.run_folder)
        info = run.info
        if info.exact or info.step != self.step or not (checkpoint_dir(run, self.step) / "manifest.json").is_file():
            return info.exact if info.step == self.step else {}
        opened = models.open(ModelRef(self.run_folder, self.step), Evaluates)
        model = yield from opened.with_data(run)
        found, spent, began = dict[str, float](), 0.0, time.thread_time()
        for scored in model.evaluate(exact=True):
            spent += time.thread_time() - began
            if spent > _TRIED and spent > self.seconds * scored.done:
                return {}
            found = {name: float(value) for name, value in scored.values.items()}
            yield Frame(progress=Progress("Measuring on all held-out data", scored.done))
            began = time.thread_time()
        with contextlib.suppress(RunError, StorageError):  # of a model that ships, or on a disk that is full: known until closed
            runs.set_exact(run, self.step, found)
        return found


@dataclass(frozen=True)
class FrequentWords:
    """The words of three letters and more that a text has most often, in lower case: `most` of them, of its beginning."""

    data: str
    most: int = 2000

    def run(self, models: Models) -> Frames[frozenset[str]]:
        text = shelf.open_text(shelf.find_dataset(self.data, ("text",))).text[:_BEGINNING]
        counted: Counter[str] = Counter()
        for start in range(0, len(text), _PIECE):
            counted.update(word.lower() for word in _WORD.findall(text[start : start + _PIECE]))
            yield Frame(progress=Progress("Counting words", start / len(text)))
        return frozenset(word for word, count in counted.most_common(self.most) if count > 1)


@dataclass(frozen=True)
class ReadReferences:
    """What the charts of a family compare a run on this dataset with: values by name, see `Dashboard.references`.

    Once known, they are read from the cache. With `known`, nothing is worked out: empty where they are not in the cache, and
    the dataset is not looked for where its `sha256` is given with its id.
    """

    family: str
    data: str
    config: Values = field(default_factory=dict)
    known: bool = False
    sha256: str = ""

    @property
    def quiet(self) -> bool:
        return self.known

    def run(self, models: Models) -> Frames[Mapping[str, float]]:
        yield Frame()
        family = families.get(self.family)
        if family.dashboard.references is None:
            return {}
        config = family.config.parse(self.config)
        info = None if self.known and self.sha256 else shelf.find_dataset(self.data, family.data_kinds)
        data = (self.data, self.sha256) if info is None else (info.id, info.sha256)
        said = json.dumps([_REFERENCES, self.family, *data, config.model_dump()], sort_keys=True)
        place = paths.cache() / "references" / f"{hashlib.sha256(said.encode()).hexdigest()[:32]}.json"
        stored = _read_cache(place)
        if stored is not None or self.known or info is None:
            return stored or {}
        found = yield from frames_of(family.dashboard.references(config, info), "Preparing the reference lines")
        with contextlib.suppress(StorageError):  # worked out again the next time
            storage.make_folder(place.parent)
            storage.write_atomic(place, json.dumps(dict(found)).encode(), sync=False)
        return found


_REFERENCES = 1
"""Raise this when the references of any family are worked out in another way."""


def _read_cache(place: Path) -> dict[str, float] | None:
    try:
        found = json.loads(place.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    sound = isinstance(found, dict) and all(isinstance(value, int | float) for value in found.values())
    return {name: float(value) for name, value in found.items()} if sound else None
