"""Small things several tests need: a text, a tiny model's settings, running a task to its end."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.events import Frame
from genstudio.runs import Run
from genstudio.tasks.live import settings_of
from genstudio.tasks.models import Models, dataset_of
from genstudio.tasks.task import Frames, Task

R = TypeVar("R")
LONG = 120_000  # milliseconds after which a wait gives up; a guard against hanging, never a measurement


def usually(
    names: str | tuple[str, ...], cases: Iterable[Any], count: int = 1, usual: Callable[[Any], bool] | None = None, **more: Any
) -> pytest.MarkDecorator:
    """Parametrize with cases of which only the first `count`, or those that are `usual`, are run every time; the others are
    `thorough`."""
    several = not isinstance(names, str) or "," in names
    rows = [
        pytest.param(
            *(case if several else (case,)),
            marks=() if (number < count if usual is None else usual(case)) else pytest.mark.thorough,
        )
        for number, case in enumerate(cases)
    ]
    return pytest.mark.parametrize(names, rows, **more)


TINY: dict[str, Any] = {
    "layers": 2, "heads": 2, "d_model": 16, "context": 8, "batch": 4, "evaluate_every": 10, "dropout": 0.1,
}  # fmt: skip


def words(count: int = 3_000, seed: int = 0) -> str:
    """A text with something to learn in it."""
    rng = random.Random(seed)
    return " ".join(rng.choice(["the", "cat", "sat", "on", "a", "mat", "and", "ran"]) for _ in range(count)) + "\n"


def text_file(folder: Path, text: str | None = None, name: str = "words.txt") -> Path:
    path = folder / name
    path.write_text(words() if text is None else text, encoding="utf-8")
    return path


def run_task(task: Any, models: Models | None = None) -> list[Frame]:
    """Every frame of a task."""
    return list(task.run(models or Models()))


def result(task: Task[R], models: Models | None = None) -> R:
    """What a task returns."""
    return returned(task.run(models or Models()))[1]


def prepared(run: str) -> Any:
    """The data that a run was trained on, as its family prepares it."""
    opened = Run.open(run)
    family, config = settings_of(opened)
    return finished(family.prepare(config, shelf.open_dataset(dataset_of(opened)), opened.kept()))


def returned(work: Frames[R]) -> tuple[list[Frame], R]:
    """Every frame of running work, and what it returns."""
    frames = []
    while True:
        try:
            frames.append(next(work))
        except StopIteration as end:
            value: R = end.value
            return frames, value


def answer(frames: Iterable[Frame], name: str) -> Any:
    """What frames last say of their `run`, `settings`, `back` or `diagnoses`."""
    found = [value for frame in frames if (value := getattr(frame, name)) not in (None, "", ())]
    assert found, f"no '{name}'"
    return found[-1]


def curve(frames: Iterable[Frame], name: str) -> tuple[list[int], list[float]]:
    """Steps and values of a number over all frames."""
    parts = [f.series[name] for f in frames if name in f.series]
    steps = np.concatenate([p.steps for p in parts]) if parts else np.empty(0)
    values = np.concatenate([p.values for p in parts]) if parts else np.empty(0)
    return [int(s) for s in steps], [float(v) for v in values]


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, by relative name."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def until_trained(job: Any) -> list[Frame]:
    """Frames up to the next that holds a step."""
    frames = []
    for frame in job:
        frames.append(frame)
        if "train_loss" in frame.series:
            return frames
    raise AssertionError("it ended before the next step")
