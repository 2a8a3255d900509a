"""Train and Resume: from a dataset and settings to a run folder that grows."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from genstudio import families, paths, runs
from genstudio.config import Config
from genstudio.data import shelf
from genstudio.errors import ConfigError, DataError, DeviceError, Problem, StorageError, TrainingError
from genstudio.events import Diagnosis, Frame, Notice, Progress, Series, Snapshot
from genstudio.families.abilities import Writes
from genstudio.runs import Run
from genstudio.runs import plan as plans
from genstudio.snapshots.step_stage import StepStage
from genstudio.tasks import live
from genstudio.tasks.live import settings_of
from genstudio.tasks.models import Models, Opened, dataset_of, keep_beside
from genstudio.tasks.task import sliced
from genstudio.training.changes import Change, Extend, GoBack, Pace, SaveNow, SetLive, ShowNow, Watch
from genstudio.training.learner import Opens, Watches
from genstudio.training.slowdown import Slowdown


@dataclass(frozen=True)
class Train:
    """Train a new run of a family on a dataset (a name on the shelf or a path).

    Everything that is asked for is checked before anything is written. Raises ConfigError, DataError, DeviceError,
    StorageError.
    """

    family: str
    data: str
    config: Mapping[str, Any] = field(default_factory=dict)
    steps: int | None = None
    seconds: float | None = None
    stop_after: int | None = None
    seed: int = 0
    device: str = "auto"
    runs_folder: Path | None = None
    name: str = ""
    watch: Mapping[str, str] = field(default_factory=dict)

    def run(self, models: Models) -> Training:
        return Training(self, models)

    def parsed(self) -> tuple[families.Family[Any, Any], Config]:
        """The family and its config. Raises ConfigError."""
        try:
            family = families.get(self.family)
        except KeyError:
            known = ", ".join(families.NAMES)
            raise ConfigError([Problem("family", f"there is no family '{self.family}'; there is {known}")]) from None
        return family, family.config.parse(self.config)

    def plan(self, family: families.Family[Any, Any], config: Config) -> dict[str, float]:
        """The planned length: what is asked for, else that of the preset. Raises ConfigError, which names the field of
        every number that cannot be."""
        problems = [*_problems(self)]
        if not 0 <= self.seed < 1 << 63:
            problems.append(Problem("seed", f"{self.seed} is outside 0 to 2**63 - 1"))
        if problems:
            raise ConfigError(problems)
        if plan := plans.parse(self.steps, self.seconds):
            return plan
        same = [p for p in family.presets if family.config.parse(p.values) == config]
        chosen = same[0] if same else family.presets[0]
        return plans.parse(chosen.steps, chosen.seconds)


@dataclass(frozen=True)
class Resume:
    """Go on with a run from its newest sound checkpoint.

    `steps` or `seconds` change the plan to that many in all, which must not be less than what is done. `changes` are
    settings and their values from the next step on; those that differ must be `live` ones, and are recorded in the run
    like a `SetLive`. Everything that is asked for is checked before anything is written. Raises ConfigError, with the
    field of each problem; RunError, CheckpointError, DataError, DeviceError, StorageError.
    """

    run_path: str
    steps: int | None = None
    seconds: float | None = None
    stop_after: int | None = None
    device: str | None = None
    watch: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)

    def run(self, models: Models) -> Training:
        return Training(self, models)

    def check(self, run: Run) -> None:
        """Raises ConfigError for what cannot be asked of this run; RunError."""
        from genstudio.training import checkpoint

        if problems := list(_problems(self)):
            raise ConfigError(problems)
        live.changed(live.settings(run, max(checkpoint.steps(run), default=0)), self.changes)


def _problems(task: Train | Resume) -> Iterator[Problem]:
    """What is wrong with the numbers that both tasks have."""
    for unit in ("steps", "seconds"):
        value = getattr(task, unit)
        if value is not None and (wrong := plans.problem(unit, value)):
            yield Problem(unit, wrong)
    if task.stop_after is not None and task.stop_after < 1:
        yield Problem("stop_after", f"{task.stop_after} is too few, stop after at least 1 step")


class Training(Generator[Frame, None, str]):
    """A job that trains; it returns the folder of its run. Between two frames it can be adjusted; closing it saves."""

    def __init__(self, task: Train | Resume, models: Models) -> None:
        self._task = task
        self._models = models
        self._watched = dict(task.watch)
        self._learner: Any = None
        self._plan: Any = None
        self._run: Run | None = None
        self._info: Any = None
        self._notices: list[Notice] = []
        self._newest: dict[str, Snapshot] = {}
        self._rate = _Rate()
        self._slowdown, self._held_up = Slowdown(), ""
        self._doctor: Any = None
        self._told: list[Diagnosis] = []
        self._stream: Any = None
        self._early: list[SetLive | GoBack | Pace] = []
        self._between = self._again = False
        self._frames = self._work()

    def send(self, value: None) -> Frame:
        from genstudio.training.device import threads

        with threads(None if self._learner is None else self._learner.threads):
            return next(self._frames)

    def throw(self, *error: Any) -> Frame:
        return self._frames.throw(*error)

    def adjust(self, change: Change) -> Frame | None:
        """Take a change into account, between two frames and so between two steps; a frame tells what came of it."""
        if isinstance(change, SaveNow):
            return self._save_now()
        if isinstance(change, ShowNow):
            return self._show_now()
        if isinstance(change, Watch):
            self._watched |= change.values
            self._show()
        elif isinstance(change, Extend) and self._run is not None:
            return self._extended(self._run, change)
        elif isinstance(change, SetLive | GoBack | Pace):
            if self._run is not None:
                return self._steered(change)
            self._early.append(change)
        return None

    def _extended(self, run: Run, change: Extend) -> Frame:
        step = self._saver.step
        try:
            plan = plans.parse(change.steps, change.seconds)
            plans.check_longer(plan, step, self._watch.elapsed)
            run.set_plan(plan)
        except (ConfigError, StorageError) as error:
            self._notices.append(Notice(step, "warning", f"Nothing was changed. {error.message}"))
        else:
            self._plan.steps, self._plan.seconds = plan.get("steps"), plan.get("seconds")
            self._notices.append(Notice(step, "changed", f"Planned for {plans.words(plan)} in all"))
        return Frame(notices=tuple(self._notices_out()), progress=self._progress())

    def _steered(self, change: SetLive | GoBack | Pace) -> Frame:
        """Change settings, go back, or move by stages; what cannot be done is said in a notice."""
        try:
            if isinstance(change, SetLive):
                self._set_live(change.values)
            elif isinstance(change, Pace):
                self._set_pace(change)
            else:
                return self._go_back()
        except StorageError as error:
            self._notices.append(Notice(self._saver.step, "warning", f"Nothing was changed. {error}"))
        return Frame(settings=self._settings(), notices=tuple(self._notices_out()), progress=self._progress())

    def _settings(self) -> dict[str, Any]:
        """The settings as they stand."""
        return dict(self._learner.model.config.model_dump())

    def _set_live(self, values: Mapping[str, Any], *, save: bool = True) -> None:
        assert self._run is not None
        try:
            values = live.changed(self._learner.model.config, values)
        except ConfigError as error:
            self._notices.append(Notice(self._saver.step, "warning", f"Nothing was changed: {error.message}"))
            return
        if values:
            self._slowdown.restart()
            self._to_boundary()
            if save:
                self._notices += self._saver.save_if_changed()
            self._notices.append(live.record(self._run, self._learner, self._saver.step, values, saved=save))

    def _set_pace(self, pace: Pace) -> None:
        self._plan.by_stages = pace.by == "stages"
        self._slowdown.restart()
        names = tuple(self._learner.optimizers)
        if "trained" in type(self._learner.model.config).model_fields:
            trained = pace.train[0] if len(pace.train) == 1 and pace.train[0] in names else "both"
            self._set_live({"trained": trained}, save=False)

    def _go_back(self) -> Frame:
        """To the checkpoint before the last live change: weights, moments and settings of then."""
        from genstudio.training import checkpoint

        run, saver = self._run, self._saver
        assert run is not None
        changes, index = run.changes(), live.last_saved(run)
        if index is None or changes[index].step not in checkpoint.steps(run):
            self._notices.append(Notice(saver.step, "warning", "There is no change to go back behind."))
            return Frame(notices=tuple(self._notices_out()), progress=self._progress())
        step = changes[index].step
        undone = live.said(self._learner.model.config, dict.fromkeys(changes[index].values) | self._before(changes[:index]))
        if self._stream is not None:
            self._stream.close()
        self._between = False
        state = checkpoint.load(run, step, self._learner)
        checkpoint.rewind(run, step)
        run.set_changes(changes[:index])
        live.restore(run, self._learner, step)
        self._watch.total = float(state.get("elapsed", 0.0))
        saver.back(step, state.get("best"))
        self._rate = _Rate(step)
        self._slowdown.restart()
        self._newest.clear()
        if self._doctor is not None:
            self._doctor.back(step)
        self._opened.step, self._again = step, True
        self._notices.append(Notice(step, "changed", f"Back at step {step:,}. {undone}".rstrip()))
        notices = tuple(self._notices_out())
        return Frame(back=step, settings=self._settings(), notices=notices, progress=self._progress())

    def _before(self, changes: tuple[Any, ...]) -> dict[str, Any]:
        assert self._run is not None
        values = settings_of(self._run)[1].model_dump()
        for change in changes:
            values |= change.values
        return values

    def _to_boundary(self) -> None:
        """Half a step is undone, to be begun again: weights are saved and settings changed between steps only."""
        if self._between:
            self._stream.close()
            self._between, self._again = False, True

    def _opening(self) -> tuple[Snapshot, ...]:
        """What a learner can show before its first step."""
        return tuple(self._learner.opening(self._start)) if isinstance(self._learner, Opens) else ()

    def _show_now(self) -> Frame | None:
        from genstudio.training.device import threads

        if self._run is None or self._between:
            return None
        with threads(None if self._learner is None else self._learner.threads):
            shown = [replace(s, step=self._saver.step) for s in self._learner.preview() if isinstance(s, Snapshot)]
        self._newest |= {snapshot.channel: snapshot for snapshot in shown}
        return Frame(snapshots=tuple(shown), progress=self._progress())

    def _save_now(self) -> Frame | None:
        if self._run is None:
            return None
        try:
            self._to_boundary()
            self._notices += self._saver.save_if_changed()
        except StorageError as error:
            return Frame(halt=f"Paused at step {self._saver.step:,}, nothing is lost. {error}")
        return Frame(notices=tuple(self._notices_out()), progress=self._progress())

    def _show(self) -> None:
        if isinstance(self._learner, Watches):
            self._learner.watch(self._watched)

    def _work(self) -> Generator[Frame, None, str]:
        yield Frame(progress=Progress("Loading the engine"))
        from genstudio.training.device import out_of_memory

        run = self._run = yield from self._begin()
        saver = self._saver
        models_key = str(run.folder.resolve())
        opened = Opened(self._learner.model, self._start, f"{run.info.name} (in training)", run.info.family, live=True)
        self._models.training[models_key] = self._opened = opened
        try:
            yield Frame(
                run=str(run.folder),
                settings=self._settings(),
                snapshots=self._opening(),
                notices=tuple(self._notices_out()),
                progress=self._progress(),
            )
            for change in self._early:
                yield self._steered(change)
            yield from self._advance(opened)
            return str(run.folder)
        except KeyboardInterrupt:
            saver.back(saver.step, None)  # somewhere within a step: the checkpoints before are what is sound
            raise
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            raise DeviceError(
                f"There was not enough memory at step {saver.step + 1}.",
                "Take a smaller batch (and more gradient accumulation), a shorter context or a smaller model. "
                "The steps before are kept.",
            ) from error
        finally:
            del self._models.training[models_key]
            try:
                for snapshot in self._newest.values():
                    run.record(snapshot, always=True)
                saver.save_if_changed()
            finally:
                run.release()

    def _begin(self) -> Generator[Frame, None, Run]:
        """Open or make the run, lock it, build its learner: everything that can be refused before step 1."""
        from genstudio.training.device import choose
        from genstudio.training.loop import Plan, Stopwatch

        task = self._task
        if isinstance(task, Train):
            family, config = task.parsed()
            self._plan = Plan.of(task.plan(family, config))
            device = choose(task.device)
            data = yield from self._data(family, config, task.data)
            learner = self._build(family, config, data, device, task.seed)
            run = _create(task, family, config, data, self._info, device, self._plan)
            run.acquire()
            self._start, state = 0, {}
        else:
            run = Run.open(task.run_path)
            task.check(run)
            with contextlib.ExitStack() as undo:
                undo.callback(run.acquire().release)
                family, config, learner, state = yield from self._reopen(run, task)
                undo.pop_all()
        self._learner = learner
        keep_beside(learner.model, run)
        self._watch = Stopwatch(float(state.get("elapsed", 0.0)))
        self._saver = _Saver(run, learner, self._plan, self._watch, self._start, state.get("best"))
        self._rate = _Rate(self._start)
        if family.doctor is not None:
            self._doctor = family.doctor(run.diagnoses())
            self._doctor.back(self._start)
        self._show()
        return run

    def _reopen(self, run: Run, task: Resume) -> Generator[Frame, None, Any]:
        from genstudio.training import checkpoint
        from genstudio.training.device import choose

        family, config = settings_of(run)
        device = choose(task.device or "auto")
        data = yield from self._data(family, config, run=run)
        learner = self._build(family, config, data, device, run.info.seed)
        state = checkpoint.load(run, "last", learner)
        before = [step for step in checkpoint.steps(run) if step < state["step"]]
        while task.changes and state.get("stuck"):
            stuck = int(state["step"])
            if before:
                state = checkpoint.load(run, before.pop(), learner)
            else:  # the weights of step 0 follow from the seed alone
                learner, state = self._build(family, config, data, device, run.info.seed), {"step": 0}
            text = f"The step after {stuck:,} is not finite whatever the settings are: continuing from step {state['step']:,}"
            self._notices.append(Notice(int(state["step"]), "warning", text))
        self._start = int(state["step"])
        self._set_plan(run, state)
        checkpoint.rewind(run, self._start)
        live.restore(run, learner, self._start)
        self._notices += [Notice(self._start, "warning", text) for text in state.get("warnings", [])]
        self._notices.append(Notice(self._start, "info", f"Resumed at step {self._start:,}"))
        if values := live.changed(learner.model.config, task.changes):
            self._notices.append(live.record(run, learner, self._start, values, saved=True))
        return family, config, learner, state

    def _set_plan(self, run: Run, state: Mapping[str, Any]) -> None:
        """The length that is asked for, or that of run.json, or that of the checkpoint where run.json has none that can be
        used. Raises ConfigError before anything is written."""
        from genstudio.training.loop import Plan

        info, asked = run.info, plans.parse(self._task.steps, self._task.seconds)
        plan = asked or info.plan or plans.read(state.get("plan"))[0]
        if not plan:
            raise ConfigError([Problem("", f"{info.reason.rstrip('.')}; give it a new length in steps or seconds")])
        if asked:
            plans.check_longer(plan, self._start, float(state.get("elapsed", 0.0)))
        elif info.reason:
            text = f"{info.reason} The {plans.words(plan)} of the checkpoint are used instead."
            self._notices.append(Notice(self._start, "warning", text))
        if plan != info.plan:
            run.set_plan(plan)
        self._plan = Plan.of(plan)

    def _data(self, family: Any, config: Any, name: str = "", run: Run | None = None) -> Generator[Frame, None, Any]:
        """The data of a new run, or of one that goes on."""
        yield Frame(progress=Progress("Reading the dataset"))
        info = self._info = fitting(family, name if run is None else dataset_of(run).id)
        kept = () if run is None else (run.kept(),)
        return (yield from sliced(family.prepare(config, shelf.open_dataset(info), *kept), "Preparing the data"))

    def _build(self, family: Any, config: Any, data: Any, device: str, seed: int) -> Any:
        from genstudio.training.device import out_of_memory

        try:
            return family.learner(family.model(config, data, device, seed), seed)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            raise DeviceError(
                "There is not enough memory for a model of this size.", "Take a smaller model or a smaller batch."
            ) from error

    def _advance(self, opened: Opened) -> Generator[Frame, None, None]:
        saver = self._saver
        end = None if self._task.stop_after is None else self._start + self._task.stop_after
        self._notices += saver.keep_weights()
        while True:
            self._again = False
            yield from self._fitted(opened, None if end is None else end - saver.step)
            if not self._again:
                break
        self._notices += saver.save_if_changed()
        over = self._plan.over(saver.step, self._watch.elapsed)
        text = f"Finished after {saver.step:,} steps" if over else f"Stopped at step {saver.step:,}, as asked"
        self._notices.append(Notice(saver.step, "done", text))
        yield Frame(notices=tuple(self._notices_out()), progress=self._progress())

    def _fitted(self, opened: Opened, stop_after: int | None) -> Generator[Frame, None, None]:
        """Frames of the training from where it stands, until its end or until somebody has steered it elsewhere."""
        from genstudio.training.frames import frames
        from genstudio.training.loop import fit

        saver, learner = self._saver, self._learner
        events = fit(
            learner,
            self._plan,
            self._watch,
            start=saver.step,
            stop_after=stop_after,
            evaluate_every=learner.evaluate_every,
            preview_every=learner.preview_every,
        )
        with contextlib.closing(events), contextlib.closing(frames(self._watch.over(events))) as stream:
            self._stream = _Closing(stream, events)
            try:
                for frame in stream:
                    opened.step = saver.step = max([saver.step, *(int(s.steps[-1]) for s in frame.series.values())])
                    stages = [s for s in frame.snapshots if isinstance(s, StepStage)]
                    self._between = bool(stages) and not stages[-1].last
                    yield from self._kept(frame)
            except TrainingError:
                saver.stuck = True
                if self._doctor is not None:
                    self._told += self._doctor.not_finite(saver.step)
                    yield from self._kept(Frame())
                raise

    def _kept(self, frame: Frame) -> Generator[Frame, None, None]:
        """The frame, once it is on the disk; when it cannot be written, halt and try again when resumed."""
        run, saver = self._run, self._saver
        assert run is not None
        saver.saw(frame)
        if self._doctor is not None:
            self._told += self._doctor.see(frame.series, frame.snapshots, self._learner.model.config.model_dump())
        extra = self._rate.over(frame, self._watch.elapsed, self._learner.tokens_per_step)
        self._held_up = self._slowdown.see(saver.step, self._watch.elapsed)
        series = dict(frame.series) | extra
        written = False
        while True:
            try:
                if not written:
                    run.log(series, self._watch.elapsed)
                    for snapshot in frame.snapshots:
                        if snapshot.channel != "moment":  # what a step has on its way is not what it ends with
                            run.record(snapshot)
                            self._newest[snapshot.channel] = snapshot
                    for told in self._told:
                        run.diagnose(told)
                    written = True
                if saver.due() and not self._between:
                    self._notices += saver.save_if_changed()
                self._notices += saver.keep_weights()
                break
            except StorageError as error:
                yield Frame(halt=f"Paused at step {saver.step:,}, nothing is lost. {error}")
        progress = frame.progress or self._progress()
        diagnoses = self._told_out()
        yield Frame(series, frame.snapshots, tuple(self._notices_out()), progress, diagnoses=diagnoses)

    def _told_out(self) -> tuple[Diagnosis, ...]:
        """What the doctor has told since the last frame, also as marks on the time axis."""
        told, self._told = tuple(self._told), []
        self._notices += [
            Notice(found.step, "warning", f"{found.title}. {found.sentence}") for found in told if found.until is None
        ]
        return told

    def _notices_out(self) -> list[Notice]:
        out, self._notices = self._notices, []
        for notice in out:
            if self._run is not None:
                self._run.notice(notice)
        return out

    def _progress(self) -> Progress:
        elapsed, plan, saver = self._watch.elapsed, self._plan, self._saver
        done = plan.progress(saver.step, elapsed)
        if plan.steps is not None:
            remaining = (plan.steps - saver.step) / self._rate.steps_per_second if self._rate.steps_per_second else None
        else:
            remaining = max((plan.seconds or 0.0) - elapsed, 0.0)
        return Progress("Training", done, saver.step, plan.steps, remaining, self._held_up)


@dataclass(frozen=True)
class _Closing:
    """Frames and what they are made of, to be ended together."""

    stream: Any
    events: Any

    def close(self) -> None:
        self.stream.close()
        self.events.close()


class _Rate:
    """Steps, and tokens where there are any, per second over the last two seconds of training."""

    def __init__(self, step: int = 0) -> None:
        self.step = step
        self.steps_per_second = 0.0
        self._seen: deque[tuple[float, int]] = deque()

    def over(self, frame: Frame, elapsed: float, tokens_per_step: int) -> dict[str, Series]:
        """The speed as series, when the frame holds steps."""
        newest = max((int(series.steps[-1]) for series in frame.series.values()), default=0)
        if newest <= self.step:
            return {}
        self.step = newest
        self._seen.append((elapsed, self.step))
        while len(self._seen) > 2 and elapsed - self._seen[0][0] > 2.0:
            self._seen.popleft()
        began, before = self._seen[0]
        if (span := elapsed - began) <= 0:
            return {}
        self.steps_per_second = (self.step - before) / span
        rates = {"steps_per_second": self.steps_per_second}
        if tokens_per_step:
            rates["tokens_per_second"] = self.steps_per_second * tokens_per_step
        return {name: Series(np.array([self.step], np.int64), np.array([rate])) for name, rate in rates.items()}


class _Saver:
    """Decides when a checkpoint is due, and writes it: at most a fiftieth of the time, and never the same step twice."""

    def __init__(self, run: Run, learner: Any, plan: Any, watch: Any, start: int, best: Any) -> None:
        self.step = start
        self._run, self._learner, self._plan, self._watch = run, learner, plan, watch
        self._saved = start if start else -1
        self._saved_at = watch.elapsed
        self._cost = self._spent = 0.0
        self._keeper = _keeper(run, learner, watch.elapsed)
        self.stuck = False
        self._best: list[Any] = list(best) if best else [None, None]
        self._loss: float | None = None
        self._better = False

    def saw(self, frame: Frame) -> None:
        if (losses := frame.series.get(self._learner.criterion)) is not None:
            self._loss = float(losses.values[-1])
            least = int(np.argmin(losses.values))
            if self._best[0] is None or losses.values[least] < self._best[0]:
                self._best = [float(losses.values[least]), int(losses.steps[least])]
                self._better = True

    def back(self, step: int, best: Any) -> None:
        """The model is again that of a step that is saved."""
        self.step = self._saved = step
        self._saved_at, self._better, self._loss = self._watch.elapsed, False, None
        self._best = list(best) if best else [None, None]

    def due(self) -> bool:
        since = self._watch.elapsed - self._saved_at
        return since >= max(30.0, 50 * self._cost) or (self._better and since >= max(10.0, 50 * self._cost))

    def save_if_changed(self) -> list[Notice]:
        """Write a checkpoint unless this very step is saved. Raises StorageError, TrainingError."""
        if self.step == self._saved and not self.stuck:
            return []
        from genstudio.training import checkpoint

        began = time.monotonic()
        state = {
            "elapsed": self._watch.elapsed,
            "plan": self._plan.total,
            "best": self._best,
            "stuck": self.stuck,
        }
        spare = [change.step for change in self._run.changes() if change.saved]
        checkpoint.save(self._run, self.step, self._learner, state, loss=self._loss, spare=spare[-3:])
        self._cost = time.monotonic() - began
        self._spent += self._cost
        self._saved, self._saved_at, self._better = self.step, self._watch.elapsed, False
        return [Notice(self.step, "saved", f"Saved at step {self.step:,}")]

    def keep_weights(self) -> list[Notice]:
        """Keep the weights of this step for a replay, where that is due and cheap."""
        return self._keeper.keep_if_due(self.step, self._watch.elapsed, self._spent) if self._keeper else []


def _keeper(run: Run, learner: Any, elapsed: float) -> Any:
    """What keeps weights along the way: of models that continue a prompt, for nothing else is replayed."""
    if not isinstance(learner.model, Writes):
        return None
    from genstudio.training.weights import WeightRecorder

    return WeightRecorder(run, learner, elapsed)


def fitting(family: families.Family[Any, Any], name: str) -> shelf.DatasetInfo:
    """The dataset, or the file, of this name. Raises DataError where the family learns from other kinds of data."""
    info = shelf.find_dataset(name, family.data_kinds)
    if info.kind not in family.data_kinds:
        wanted = " or ".join(family.data_kinds)
        raise DataError(
            f"{family.title} cannot be trained on '{info.title}': it learns from {wanted}, and these are {info.kind}.",
            "Choose another dataset.",
            info.path,
        )
    return info


def _create(
    task: Train, family: Any, config: Config, data: Any, info: shelf.DatasetInfo, device: str, plan: Any
) -> Run:
    return runs.create(
        task.runs_folder or paths.runs(),
        family=family.name,
        name=task.name or info.title,
        config=config.model_dump(),
        dataset={"id": info.id, "title": info.title, "hash": info.sha256},
        seed=task.seed,
        device=device,
        plan=plan.total,
        kept=family.metadata(data),
        measures=[measure.name for measure in family.dashboard.result],
    )
