"""Tasks about the runs on the disk. They read and write files, so the window does not."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genstudio import families, paths, runs
from genstudio.data import shelf
from genstudio.errors import GenstudioError, RunError
from genstudio.events import Array, Frame, Notice, Progress, Series, Snapshot
from genstudio.runs import Run, RunInfo, metrics_log, trash
from genstudio.runs.info import hint
from genstudio.snapshots.samples import Pictures
from genstudio.tasks import live
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames, Quiet

Listed = tuple[RunInfo, ...]


@dataclass(frozen=True)
class ListRuns(Quiet):
    """The runs of a folder, the newest first."""

    folder: Path | None = None

    def run(self, models: Models) -> Frames[Listed]:
        yield Frame()
        return tuple(runs.list_runs(self.folder or paths.runs()))


@dataclass(frozen=True)
class ListIncluded(Quiet):
    """The trained models that ship."""

    def run(self, models: Models) -> Frames[Listed]:
        yield Frame()
        return runs.list_included()


@dataclass(frozen=True)
class CopyIncluded:
    """Make an ordinary run of a model that ships, to train it further; its optimisers start from scratch. Returns its folder."""

    path: str

    def run(self, models: Models) -> Frames[str]:
        from genstudio.tasks.models import opened_at
        from genstudio.tasks.train import fitting
        from genstudio.training import checkpoint

        yield Frame(progress=Progress("Copying the model"))
        source = Run.open(self.path)
        info, step = source.info, checkpoint.resolve(source, "last")
        family, _ = live.settings_of(source)
        fitting(family, str(info.dataset.get("id")))
        model = opened_at(source, step)
        with runs.create(
            paths.runs(),
            family=info.family,
            name=info.name,
            config=model.config.model_dump(),
            dataset=info.dataset,
            seed=info.seed,
            device=info.device,
            plan=info.plan,
            kept=source.kept(),
            measures=info.measures,
        ) as run:
            for series in source.history():
                run.log(series, info.elapsed)
            checkpoint.save(run, step, family.learner(model, info.seed), {"elapsed": info.elapsed})
            yield Frame(progress=Progress("Copied", 1.0))
            return str(run.folder)


@dataclass(frozen=True)
class ReadRun:
    """A run as it was shown: all its numbers in slices, its notices, and the newest snapshot of each channel.

    Settings as they stand after every change, and all diagnoses, are said as a training says them.
    """

    path: str

    def run(self, models: Models) -> Frames[None]:
        run = Run.open(self.path)
        info = run.info
        for series in run.history():
            yield Frame(series=series, progress=Progress("Reading the curves"))
        wrong = (Notice(info.step, "warning", f"{info.reason} {hint(info)}"),) if info.reason else ()
        yield Frame(notices=(*run.notices(), *wrong))
        with contextlib.suppress(RunError):
            yield Frame(settings=live.settings(run, info.step).model_dump())
        yield Frame(diagnoses=tuple(run.diagnoses()))
        for channel in run.snapshot_channels():
            steps = run.snapshot_steps(channel)
            with contextlib.suppress(RunError):
                yield Frame(snapshots=tuple(run.load_snapshot(channel, step) for step in steps[-1:]))


@dataclass(frozen=True, eq=False)
class Past:
    """What a run has behind it: its numbers by name, the training time in `seconds` (n,) after each of its `steps` (n,), and the
    newest snapshot of each channel."""

    series: Mapping[str, Series]
    steps: Array
    seconds: Array
    snapshots: tuple[Snapshot, ...]


@dataclass(frozen=True)
class ReadPast:
    """All numbers of a run, with the training time at which each was measured."""

    path: str

    def run(self, models: Models) -> Frames[Past]:
        run, parts = Run.open(self.path), dict[str, list[Series]]()
        for series in run.history():
            for name, one in series.items():
                parts.setdefault(name, []).append(one)
            yield Frame(progress=Progress("Reading the curves"))
        whole = {
            name: Series(np.concatenate([one.steps for one in some]), np.concatenate([one.values for one in some]))
            for name, some in parts.items()
        }
        times = [(np.zeros(1, np.int64), np.zeros(1)), *metrics_log.times(run.folder / "metrics.jsonl")]
        steps, seconds = (np.concatenate(column) for column in zip(*times, strict=True))
        shown = []
        for channel in run.snapshot_channels():
            with contextlib.suppress(RunError):
                shown += [run.load_snapshot(channel, step) for step in run.snapshot_steps(channel)[-1:]]
            yield Frame(progress=Progress("Reading the curves"))
        return Past(whole, steps, seconds, tuple(shown))


@dataclass(frozen=True)
class DescribeRun(Quiet):
    """What a run folder says of itself now: see `RunInfo`."""

    path: str

    def run(self, models: Models) -> Frames[RunInfo]:
        yield Frame()
        return Run.open(self.path).info


@dataclass(frozen=True)
class RenameRun:
    path: str
    name: str

    def run(self, models: Models) -> Frames[Listed]:
        runs.rename(Run.open(self.path), self.name)
        return (yield from ListRuns(Path(self.path).parent).run(models))


@dataclass(frozen=True)
class MarkRun(Quiet):
    """Give a run a star or take it away, or other notes; None leaves them as they are."""

    path: str
    star: bool | None = None
    notes: str | None = None

    def run(self, models: Models) -> Frames[RunInfo]:
        yield Frame()
        run = Run.open(self.path)
        if self.star is not None:
            runs.set_star(run, self.star)
        if self.notes is not None:
            runs.set_notes(run, self.notes)
        return run.info


@dataclass(frozen=True)
class TrashRuns:
    """Move runs to the trash; returns where they are there. The first that cannot be moved ends it: see `trash.put`."""

    paths: tuple[str, ...]

    def run(self, models: Models) -> Frames[tuple[str, ...]]:
        moved = []
        for path in self.paths:
            models.forget(path)
            moved.append(str(trash.put(Run(Path(path)))))
            yield Frame(progress=Progress("Deleting", len(moved) / len(self.paths)))
        return tuple(moved)


@dataclass(frozen=True)
class RestoreRuns:
    """Move runs of the trash back among the others; returns where they are now."""

    places: tuple[str, ...]

    def run(self, models: Models) -> Frames[tuple[str, ...]]:
        back = []
        for place in self.places:
            back.append(str(trash.restore(Path(place))))
            yield Frame(progress=Progress("Restoring", len(back) / len(self.places)))
        return tuple(back)


@dataclass(frozen=True)
class ListTrash(Quiet):
    """The runs in the trash, newest first."""

    folder: Path | None = None

    def run(self, models: Models) -> Frames[Listed]:
        yield Frame()
        return tuple(trash.listed(self.folder or paths.runs()))


@dataclass(frozen=True)
class EmptyTrash:
    """Remove everything in the trash from the disk; returns how many runs that were."""

    folder: Path | None = None

    def run(self, models: Models) -> Frames[int]:
        places = [info.folder for info in trash.listed(self.folder or paths.runs())]
        for count, place in enumerate(places, 1):
            trash.remove([place])
            yield Frame(progress=Progress("Emptying the trash", count / len(places)))
        return len(places)


@dataclass(frozen=True, slots=True, eq=False)
class RunNumbers:
    """Every number of a run: `series` by name, the training time in seconds (n,) at `timed` steps (n,), the tokens or samples
    (`item`) of one step, 0 where that is not known, and the bytes of its folder."""

    series: Mapping[str, Series]
    timed: Array
    seconds: Array
    items: int = 0
    item: str = ""
    bytes: int = 0

    def time_of(self, steps: Array) -> Array:
        """Training time in seconds (n,) at these steps (n,), between those that were logged."""
        if not len(self.timed):
            return np.zeros(len(steps))
        known = np.concatenate([[0], self.timed]), np.concatenate([[0.0], self.seconds])
        return np.interp(steps, *known)


@dataclass(frozen=True)
class ReadNumbers(Quiet):
    """The numbers of a run, for curves beside those of others."""

    path: str

    def run(self, models: Models) -> Frames[RunNumbers]:
        run = Run.open(self.path)
        parts: dict[str, list[Series]] = {}
        for some in run.history():
            for name, series in some.items():
                parts.setdefault(name, []).append(series)
            yield Frame()
        steps, seconds = [np.zeros(0, np.int64)], [np.zeros(0)]
        for at, time in metrics_log.times(run.folder / "metrics.jsonl"):
            steps.append(at)
            seconds.append(time)
            yield Frame()
        timed, place = np.unique(np.concatenate(steps), return_index=True)
        items, item = _items(run.info)
        size = yield from _size(run.folder)
        joined = {name: _joined(series) for name, series in parts.items()}
        return RunNumbers(joined, timed, np.maximum.accumulate(np.concatenate(seconds)[place]), items, item, size)


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """A run in a row of a list: its main curve at most `GLANCE` points (n, 2) from 0 to 1, y upwards, the newest pictures
    (n, h, w, c) uint8 where it makes some, the bytes of its folder, and the last value of every number that is a floor."""

    curve: Array
    pictures: Array | None
    bytes: int
    floors: Mapping[str, float]


GLANCE = 64


@dataclass(frozen=True)
class ReadGlance(Quiet):
    """What a list shows of a run."""

    path: str

    def run(self, models: Models) -> Frames[Glance]:
        run = Run.open(self.path)
        family = families.find(run.info.family)
        if family is None:
            return Glance(np.zeros((0, 2)), None, (yield from _size(run.folder)), {})
        board = family.dashboard
        main, wanted = board.main_lines(), {name for chart in board.charts for name in chart.floors}
        parts: dict[str, list[Series]] = {}
        for some in run.history():
            for name in some.keys() & {*main, *wanted}:
                parts.setdefault(name, []).append(some[name])
            yield Frame()
        found = {name: _joined(series) for name, series in parts.items()}
        line = next((found[name] for name in main if name in found and len(found[name]) > 1), None)
        pictures = None
        for channel in board.looks():
            steps = run.snapshot_steps(channel)
            yield Frame()
            if steps:
                with contextlib.suppress(RunError):
                    shown = run.load_snapshot(channel, steps[-1])
                    pictures = shown.pixels[:16] if isinstance(shown, Pictures) else None
                break
        size = yield from _size(run.folder)
        floors = {name: float(found[name].values[-1]) for name in wanted & found.keys()}
        return Glance(outline(line) if line is not None else np.zeros((0, 2)), pictures, size, floors)


@dataclass(frozen=True)
class ReadLast(Quiet):
    """The newest snapshots of a run of these channels."""

    path: str
    channels: tuple[str, ...]

    def run(self, models: Models) -> Frames[tuple[Snapshot, ...]]:
        run, found = Run.open(self.path), []
        for channel in self.channels:
            yield Frame()
            with contextlib.suppress(RunError):
                found += [run.load_snapshot(channel, step) for step in run.snapshot_steps(channel)[-1:]]
        return tuple(found)


def outline(line: Series) -> Array:
    """A line as points (n <= GLANCE, 2) from 0 to 1: the mean of each part of its steps that has values; empty where it has
    fewer than two finite ones. What is far above the rest, like the first loss, is cut."""
    sound = np.isfinite(line.values)
    steps, values = line.steps[sound].astype(float), line.values[sound]
    if len(values) < 2 or steps[-1] <= steps[0]:
        return np.zeros((0, 2))
    x = (steps - steps[0]) / (steps[-1] - steps[0])
    part = np.minimum((x * GLANCE).astype(np.int64), GLANCE - 1)
    counts = np.bincount(part, minlength=GLANCE)
    some = counts > 0
    y = np.bincount(part, values, GLANCE)[some] / counts[some]
    low, high = y.min(), min(y.max(), np.quantile(y, 0.9) + 0.2 * float(np.ptp(y)))
    scaled = np.clip((y - low) / (high - low), 0, 1) if high > low else np.full(len(y), 0.5)
    return np.column_stack([np.bincount(part, x, GLANCE)[some] / counts[some], scaled])


def _joined(parts: list[Series]) -> Series:
    """Parts one after the other, ascending; of a step that is there twice, what was logged last."""
    steps = np.concatenate([part.steps for part in parts])
    values = np.concatenate([part.values for part in parts])
    if len(steps) > 1 and (steps[1:] <= steps[:-1]).any():
        _, last = np.unique(steps[::-1], return_index=True)
        place = len(steps) - 1 - last
        steps, values = steps[place], values[place]
    return Series(steps, values)


def _items(info: RunInfo) -> tuple[int, str]:
    """How much one step reads, where the dataset is still there to say it."""
    family = families.find(info.family)
    with contextlib.suppress(GenstudioError):
        if family is not None and info.dataset.get("id"):
            data = shelf.find_dataset(str(info.dataset["id"]), family.data_kinds)
            cost = family.cost(family.config.parse(info.config), data, _SOME_TOKENS)
            return cost.items, cost.item
    return 0, ""


_SOME_TOKENS = 256
"""A size of vocabulary: how many tokens a step reads does not depend on it."""


def _size(folder: Path) -> Frames[int]:
    """Bytes of all files in a folder."""
    total, waiting = 0, [folder]
    while waiting:
        yield Frame()
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total
