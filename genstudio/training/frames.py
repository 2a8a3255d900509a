"""From a fast stream of events to at most 20 frames a second: every number kept, of each picture only the newest."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from genstudio.errors import TrainingError
from genstudio.events import Frame, Notice, Progress, Series, Snapshot
from genstudio.training.learner import Cut, Metrics, Tick
from genstudio.training.loop import Event


def frames(events: Iterable[Event], seconds: float = 0.05) -> Generator[Frame, None, None]:
    """One Frame per slice of `seconds`, and up to each Cut; closing it closes `events`. On the CPU no step follows a bad
    one.

    Raises TrainingError at the first step whose numbers are not finite; the numbers before it are delivered first.
    """
    metrics: list[Metrics] = []
    newest: dict[str, Snapshot] = {}
    notices: list[Notice] = []
    progress: Progress | None = None
    due = time.monotonic() + seconds
    stream = iter(events)
    while True:
        try:
            event = next(stream)
        except StopIteration:
            break
        except Exception:
            yield from _flush(metrics, newest, notices, progress)
            raise
        if isinstance(event, Metrics):
            event = Metrics(event.step, {name: _at_once(value) for name, value in event.values.items()})
            metrics.append(event)
        elif isinstance(event, Snapshot):
            newest[event.channel] = event
        elif isinstance(event, Notice):
            notices.append(event)
        elif isinstance(event, Cut):
            newest |= {snapshot.channel: snapshot for snapshot in event.snapshots}
        progress = event.progress if isinstance(event, Tick) else None
        if time.monotonic() >= due or isinstance(event, Cut) or _is_bad(event):
            yield from _flush(metrics, newest, notices, progress)
            metrics, newest, notices = [], {}, []
            due = time.monotonic() + seconds
    if metrics or newest or notices:
        yield from _flush(metrics, newest, notices, progress)


def _at_once(value: Tensor | float) -> Tensor | float:
    """The number itself where it costs nothing to know; a GPU is asked once a frame."""
    return value if isinstance(value, Tensor) and value.device.type != "cpu" else float(value)


def _is_bad(event: Event) -> bool:
    """Whether a step's numbers are known, and not finite."""
    if not isinstance(event, Metrics):
        return False
    return not all(isinstance(value, Tensor) or math.isfinite(value) for value in event.values.values())


def _flush(
    metrics: list[Metrics], newest: dict[str, Snapshot], notices: list[Notice], progress: Progress | None
) -> Iterator[Frame]:
    series = read(metrics)
    bad = first_not_finite(series)
    if bad is not None:
        series = {name: _before(s, bad) for name, s in series.items()}
    kept = {name: s for name, s in series.items() if len(s)}
    yield Frame(series=kept, snapshots=tuple(newest.values()), notices=tuple(notices), progress=progress)
    if bad is not None:
        raise TrainingError(
            f"The loss or its gradient is no longer a finite number at step {bad}.",
            "The weights of the previous step are kept. Resume with a lower learning rate or with gradient clipping.",
        )


def read(metrics: list[Metrics]) -> dict[str, Series]:
    """Columns of everything in `metrics`; all tensors are read from their device in one go per name."""
    columns: dict[str, tuple[list[int], list[Tensor | float]]] = {}
    for item in metrics:
        for name, value in item.values.items():
            steps, values = columns.setdefault(name, ([], []))
            steps.append(item.step)
            values.append(value)
    return {name: Series(np.array(steps, np.int64), _numbers(values)) for name, (steps, values) in columns.items()}


def _numbers(values: list[Tensor | float]) -> np.ndarray:
    if isinstance(values[0], Tensor):
        return torch.stack([torch.as_tensor(value) for value in values]).double().cpu().numpy()
    return np.array(values, np.float64)


def first_not_finite(series: dict[str, Series]) -> int | None:
    """The earliest step at which any number is NaN or infinite."""
    steps = [int(s.steps[~np.isfinite(s.values)][0]) for s in series.values() if not np.isfinite(s.values).all()]
    return min(steps, default=None)


def _before(series: Series, step: int) -> Series:
    keep = series.steps < step
    return Series(series.steps[keep].copy(), series.values[keep].copy())
