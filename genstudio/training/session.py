"""One training from Start to Stop: advanced frame by frame, recorded, saved, and steered between two frames."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from genstudio.config import Config, Values
from genstudio.errors import ConfigError, DeviceError, StorageError, TrainingError
from genstudio.events import Diagnosis, Frame, Notice, Progress, Snapshot
from genstudio.runs import Run
from genstudio.runs import plan as plans
from genstudio.runs.run import Change as Changed
from genstudio.snapshots.step_stage import StepStage
from genstudio.training import checkpoint, steering
from genstudio.training.activity import preview
from genstudio.training.changes import Change, Extend, GoBack, Pace, SaveNow, SetLive, ShowNow, Watch
from genstudio.training.device import out_of_memory, threads
from genstudio.training.doctor import Doctor
from genstudio.training.frames import frames
from genstudio.training.learner import Learner, Opens, Steers, StopsEarly, Watches
from genstudio.training.loop import Plan, Stopwatch, fit
from genstudio.training.rate import Rate
from genstudio.training.recorder import Recorder
from genstudio.training.saver import Saver
from genstudio.training.slowdown import Slowdown


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a training begins with. What can be refused was refused before.

    `run` is acquired, and released when the training ends; `config` are the settings that it began with, and `changes` those
    to change before the next step. `state` is what a checkpoint says, whose weights and moments the learner has; empty for
    a new run. `stop_after` is a number of steps after which it stops, whatever the plan is. `keeps_weights` along the way,
    for a replay. `saves_memory` says in words what to take where memory runs out.
    """

    run: Run
    learner: Learner
    plan: Plan
    config: Config
    state: checkpoint.State = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    changes: Values = field(default_factory=dict)
    watch: Mapping[str, str] = field(default_factory=dict)
    stop_after: int | None = None
    doctor: Callable[[Iterable[Diagnosis]], Doctor] | None = None
    keeps_weights: bool = False
    saves_memory: tuple[str, ...] = ("a smaller batch", "a smaller model")


class Session(Generator[Frame, None, None]):
    """Frames of a training; between two of them it can be adjusted, and closing it saves. It knows no family.

    `learner` and `step` are the model as it stands.
    """

    def __init__(self, setup: Setup) -> None:
        self.learner, self.run, self._plan = setup.learner, setup.run, setup.plan
        self._setup, state = setup, setup.state
        start = int(state.get("step", 0))
        self._watch = Stopwatch(float(state.get("elapsed", 0.0)))
        self._recorder = Recorder(setup.run)
        self._saver = Saver(
            self._recorder, setup.learner, setup.plan, self._watch, start, state.get("best"),
            keeps_weights=setup.keeps_weights,
        )  # fmt: skip
        self._rate, self._slowdown, self._held_up = Rate(start), Slowdown(), ""
        self._doctor: Doctor | None = None
        self._end: Callable[[], None] = lambda: None
        self._between = self._again = False
        self._frames = self._work()

    @property
    def step(self) -> int:
        return self._saver.step

    def send(self, value: None) -> Frame:
        # per frame: torch has one number of threads for the whole process, and other tasks take their turns between
        with threads(self.learner.threads):
            return next(self._frames)

    def throw(self, *error: Any) -> Frame:
        return self._frames.throw(*error)

    def adjust(self, change: Change) -> Frame | None:
        """Take a change into account, between two frames and so between two steps; a frame tells what came of it."""
        try:
            match change:
                case SaveNow():
                    return self._save_now()
                case ShowNow():
                    return self._show_now()
                case Watch():
                    self._show(change.values)
                    return None
                case Extend():
                    self._extend(change)
                case SetLive():
                    self._set_live(change.values)
                case Pace():
                    self._plan.by_stages = change.by == "stages"
                    self._slowdown.restart()
                    self._set_live(change.values, save=False)
                case GoBack():
                    return self._go_back()
        except (ConfigError, StorageError) as error:
            said = error.message if isinstance(error, ConfigError) else str(error)
            self._recorder.tell(self.step, "warning", f"Nothing was changed. {said}")
        return replace(self._frame(), settings=None if isinstance(change, Extend) else self._settings())

    def _frame(self) -> Frame:
        """What was told since the last frame, and how far it is."""
        notices, diagnoses = self._recorder.take()
        return Frame(notices=notices, diagnoses=diagnoses, progress=self._progress())

    def _settings(self) -> Values:
        return self.learner.model.config.model_dump()

    def _work(self) -> Generator[Frame, None, None]:
        setup = self._setup
        try:
            self._begin()
            opening = tuple(self.learner.opening(self.step)) if isinstance(self.learner, Opens) else ()
            self._recorder.remember(opening)  # real pictures that no preview shows again belong to the run as well
            yield replace(self._frame(), run=str(self.run.folder), settings=self._settings(), snapshots=opening)
            yield from self._advance(None if setup.stop_after is None else self.step + setup.stop_after)
        except KeyboardInterrupt:
            self._saver.back(self.step, None)  # somewhere within a step: the checkpoints before are what is sound
            raise
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            raise DeviceError(
                f"There was not enough memory at step {self.step + 1}.",
                f"Choose {_either(setup.saves_memory)}. All previous steps are kept.",
            ) from error
        finally:
            try:
                self._saver.save_if_changed()
                self._recorder.write_last()
            finally:
                self.run.release()

    def _begin(self) -> None:
        """Make the run's folder, and the learner's settings, those of the step that it goes on from."""
        setup = self._setup
        if self._plan.total != setup.run.info.plan:
            self._recorder.write(self.run.set_plan, self._plan.total)
        if setup.state:
            self._recorder.write(checkpoint.rewind, self.run, self.step)
            self._restore()
        for notice in setup.notices:
            self._recorder.tell(notice.step, notice.kind, notice.text)
        if values := steering.changed(self.learner.model.config, setup.changes):
            self._change(values, saved=True)
        if setup.doctor is not None:
            self._doctor = setup.doctor(self.run.diagnoses())
            self._doctor.back(self.step)
        self._show(setup.watch)

    def _restore(self) -> None:
        """Give the learner the settings that held after its step."""
        config = steering.settings(self.run, self._setup.config, self.step)
        if self.learner.model.config != config and isinstance(self.learner, Steers):
            self.learner.change(config.model_dump())

    def _advance(self, end: int | None) -> Generator[Frame, None, None]:
        self._saver.keep_weights()
        while True:
            self._again = False
            yield from self._fitted(None if end is None else end - self.step)
            if not self._again:
                break
        if (early := self._better_before()) is not None:
            yield self._stop_early(early)
            return
        self._saver.save_if_changed()
        over = self._plan.over(self.step, self._watch.elapsed)
        steps = "1 step" if self.step == 1 else f"{self.step:,} steps"
        text = f"Finished after {steps}" if over else f"Stopped at step {self.step:,}, as requested"
        self._recorder.tell(self.step, "done", text)
        yield self._frame()

    def _fitted(self, stop_after: int | None) -> Generator[Frame, None, None]:
        """Frames of the training from where it stands, until its end or until somebody has steered it elsewhere."""
        learner, saver = self.learner, self._saver
        with contextlib.ExitStack() as stack:
            events = fit(
                learner,
                self._plan,
                self._watch,
                start=self.step,
                stop_after=stop_after,
                evaluate_every=learner.evaluate_every,
                preview_every=learner.preview_every,
            )
            stack.callback(events.close)
            stream = frames(self._watch.over(events))
            stack.callback(stream.close)
            self._end = stack.close
            try:
                for frame in stream:
                    saver.step = max([saver.step, *(int(series.steps[-1]) for series in frame.series.values())])
                    stages = [snapshot for snapshot in frame.snapshots if isinstance(snapshot, StepStage)]
                    self._between = bool(stages) and not stages[-1].last
                    yield from self._recorded(frame)
                    if not self._between and self._better_before() is not None:
                        return
                if self._doctor is not None and (found := self._doctor.see({}, (), self._settings(), ended=True)):
                    self._recorder.diagnose(found)
                    yield from self._recorded(Frame())
            except TrainingError:
                saver.stuck = True
                if self._doctor is not None:
                    self._recorder.diagnose(self._doctor.not_finite(self.step))
                    yield from self._recorded(Frame())
                raise

    def _better_before(self) -> int | None:
        """The step of the checkpoint to end at, where the criterion has become worse for longer than the learner's patience."""
        patience = self.learner.patience if isinstance(self.learner, StopsEarly) else 0.0
        if not patience or self._saver.worse_for() < patience:
            return None
        best = checkpoint.best_step(self.run)
        return best if best is not None and best < self.step else None

    def _stop_early(self, best: int) -> Frame:
        """End at this checkpoint: what came after it was worse."""
        at = self.step
        self._return_to(best, [change for change in self.run.changes() if change.step <= best])
        self._recorder.tell(best, "done", f"Stopped early at step {at:,}: the validation loss had risen. Back at the best "
            f"checkpoint, step {best:,}")
        return replace(self._frame(), back=best, settings=self._settings())

    def _recorded(self, frame: Frame) -> Generator[Frame, None, None]:
        """The frame, once it is on the disk; what cannot be written halts the training, and is tried again after that."""
        elapsed = self._watch.elapsed
        self._saver.saw(frame.series)
        for notice in frame.notices:
            self._recorder.tell(notice.step, notice.kind, notice.text)
        if self._doctor is not None:
            self._recorder.diagnose(self._doctor.see(frame.series, frame.snapshots, self._settings()))
        series = {**frame.series, **self._rate.over(frame, elapsed, self.learner.tokens_per_step)}
        self._held_up = self._slowdown.see(self.step, elapsed)
        step, left = self.step, [*self._recorder.parts(series, elapsed, frame.snapshots), self._save_if_due]
        while left:
            try:
                left[0]()
                left.pop(0)
            except StorageError as error:
                yield Frame(halt=self._halted(error))
                if self.step < step:  # the training went back meanwhile: these steps never were
                    return
        self._saver.keep_weights()
        told = self._frame()
        yield replace(told, series=series, snapshots=frame.snapshots, progress=frame.progress or told.progress)

    def _save_if_due(self) -> None:
        if self._saver.due() and not self._between:
            self._saver.save_if_changed()

    def _halted(self, error: StorageError) -> str:
        return f"Paused at step {self.step:,}; nothing is lost. {error}"

    def _progress(self) -> Progress:
        elapsed, plan, speed = self._watch.elapsed, self._plan, self._rate.steps_per_second
        if plans.is_endless(plan.total):
            return Progress("Training", None, self.step, None, None, self._held_up)
        done = plan.progress(self.step, elapsed)
        if plan.steps is None:
            remaining: float | None = max((plan.seconds or 0.0) - elapsed, 0.0)
        else:
            remaining = (plan.steps - self.step) / speed if speed else None
        return Progress("Training", done, self.step, plan.steps, remaining, self._held_up, elapsed)

    def _to_boundary(self) -> None:
        """Half a step is undone, to be begun again: weights are saved and settings changed between steps only."""
        if self._between:
            self._end()
            self._between, self._again = False, True

    def _show(self, values: Mapping[str, str]) -> None:
        if isinstance(self.learner, Watches):
            self.learner.watch(values)

    def _show_now(self) -> Frame | None:
        if self._between:
            return None
        with threads(self.learner.threads):
            shown = [replace(s, step=self.step) for s in preview(self.learner) if isinstance(s, Snapshot)]
        self._recorder.remember(shown)
        return Frame(snapshots=tuple(shown), progress=self._progress())

    def _save_now(self) -> Frame:
        try:
            self._to_boundary()
            self._saver.save_if_changed()
        except StorageError as error:
            return Frame(halt=self._halted(error))
        return self._frame()

    def _extend(self, change: Extend) -> None:
        """Another length. Raises ConfigError, StorageError."""
        plan = plans.parse(change.steps, change.seconds)
        plans.check_longer(plan, self.step, self._watch.elapsed)
        self._recorder.write(self.run.set_plan, plan)
        asked = Plan.of(plan)
        self._plan.steps, self._plan.seconds = asked.steps, asked.seconds
        planned = "Trains until it is stopped" if plans.is_endless(plan) else f"Planned for {plans.words(plan)} in all"
        self._recorder.tell(self.step, "changed", planned)

    def _set_live(self, values: Values, *, save: bool = True) -> None:
        """Other settings from the next step on; a checkpoint is taken before where they `save`. Raises ConfigError,
        StorageError."""
        if different := steering.changed(self.learner.model.config, values):
            self._slowdown.restart()
            self._to_boundary()
            if save:
                self._saver.save_if_changed()
            self._change(different, saved=save)

    def _change(self, values: Values, *, saved: bool) -> None:
        """Record these changes, then make them. Raises StorageError; then nothing has changed."""
        text = steering.words(self.learner.model.config, values)
        self._recorder.write(self.run.set_changes, [*self.run.changes(), Changed(self.step, values, saved)])
        if isinstance(self.learner, Steers):
            self.learner.change(values)
        self._recorder.tell(self.step, "changed", text)

    def _go_back(self) -> Frame:
        """To the checkpoint before the last live change: weights, moments and settings of then."""
        changes = self.run.changes()
        index = steering.last_saved(changes)
        if index is None or changes[index].step not in checkpoint.steps(self.run):
            self._recorder.tell(self.step, "warning", "There is no change to undo.")
            return self._frame()
        step, earlier = changes[index].step, changes[:index]
        before = steering.after(self._setup.config, earlier).model_dump()
        undone = steering.words(self.learner.model.config, before)
        self._end()
        self._return_to(step, earlier)
        self._between, self._again = False, True
        self._recorder.tell(step, "changed", f"Back at step {step:,}. {undone}".rstrip())
        return replace(self._frame(), back=step, settings=self._settings())

    def _return_to(self, step: int, changes: Sequence[Changed]) -> None:
        """The model, the settings and the record of a step that is saved, with the changes until then. Raises StorageError,
        CheckpointError."""
        state = checkpoint.load(self.run, step, self.learner)
        self._recorder.write(checkpoint.rewind, self.run, step)
        self._recorder.write(self.run.set_changes, changes)
        self._recorder.forget()
        self._watch.total = float(state.get("elapsed", 0.0))
        self._saver.back(step, state.get("best"))
        self._restore()
        self._rate = Rate(step)
        self._slowdown.restart()
        if self._doctor is not None:
            self._doctor.back(step)


def _either(ways: tuple[str, ...]) -> str:
    """The ways in words, joined by "or"."""
    return " or ".join([", ".join(ways[:-1]), ways[-1]] if len(ways) > 1 else ways)
