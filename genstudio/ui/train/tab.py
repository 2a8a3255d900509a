"""A room to train in: set up on the left, one run on the right, and every button between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QPushButton,
    QSplitter,
    QWidget,
)

from genstudio import families
from genstudio.config import Config, Values
from genstudio.errors import ConfigError, Failure
from genstudio.events import Frame, Progress
from genstudio.families import AnyFamily
from genstudio.families.dashboard import EXPLORE, standing
from genstudio.runs.plan import ENDLESS
from genstudio.training.changes import Change, Extend, SaveNow, ShowNow
from genstudio.ui import theme
from genstudio.ui.asking import Asking
from genstudio.ui.engine import Engine
from genstudio.ui.explorers import ExplorerBar, SetUp
from genstudio.ui.layouts import Stack, hbox, named, single_shot, vbox
from genstudio.ui.numbers import duration
from genstudio.ui.remember import State
from genstudio.ui.runs.wording import in_a_sentence
from genstudio.ui.train.buttons import RunButtons
from genstudio.ui.train.cost import Costs
from genstudio.ui.train.estimate import TimeEstimate, in_words, without_end
from genstudio.ui.train.preset_cards import cost_of
from genstudio.ui.train.setup import LONGEST, SetupColumn
from genstudio.ui.train.steering import Steering
from genstudio.ui.train.strip import RunStrip, chips_of, headline
from genstudio.ui.train.summary import RunSummary, how_it_ended
from genstudio.ui.views.model_drawing import ModelDrawing
from genstudio.ui.widgets import EmptyState, button, plain_label, restyle

if TYPE_CHECKING:
    from genstudio.data.info import DatasetInfo
    from genstudio.runs import RunInfo
    from genstudio.tasks.estimate import EstimateTime
    from genstudio.tasks.train import Resume, Train
    from genstudio.ui.train.panel import RunPanel
    from genstudio.ui.train.race import RacePage

STATES = {
    "idle": "Ready",
    "starting": "Starting",
    "running": "Training",
    "paused": "Paused",
    "stopping": "Saving",
    "stopped": "Stopped",
    "finished": "Finished",
}

_OPENING = "Opening the run…"
_BOTH, _LOW, _FLAT = 1060, 600, 570
"""Width in which the settings and a run have room side by side, and heights of a window below which the words about a run that
ended take one line, and nothing is stacked beside its charts or its stage; in pixels of the usual text size."""
_IDLE_MS = 3000
_NAMED = 3
"""Settings that the note about resuming names; it stands where the settings themselves need the room."""


class TrainingTab(QWidget):
    """Trains one model at a time, of the families of a room. `failed(Failure)`, `run_changed(path)` and `working(text)` tell
    the window; `write_wanted(path)`: to use the model of a run, `look_wanted(path)`:
    to look inside it, `compare_wanted(path)`: to see it among others; `draw_wanted()`: to draw a distribution.
    """

    failed = Signal(object)
    run_changed = Signal(str)
    working = Signal(str)
    file_wanted = Signal()
    checks_wanted = Signal()
    draw_wanted = Signal()
    write_wanted = Signal(str)
    look_wanted = Signal(str)
    compare_wanted = Signal(str)

    def __init__(self, engine: Engine, room: str) -> None:
        """Raises ValueError for a room that no family is in."""
        super().__init__()
        found = families.in_room(room)
        if not found:
            raise ValueError(f"no family is in the room '{room}'")
        self.room, self.prefix = room, "" if room == "transformer" else f"{room}_"
        self.setObjectName(f"{room}_tab")
        self._engine = engine
        self._asking = Asking(engine)
        self._used: Values = {}
        self._parts: dict[tuple[str, str], str] = {}
        self._data = self._kind = ""
        self._job = ""
        self._then: Callable[[], None] | None = None
        self.state = "idle"
        self.run_path = ""
        self.info: RunInfo | None = None
        self._progress = Progress()
        self._speed = self._preparing = self._name = ""
        self._lines: Mapping[str, float] = {}
        self._measuring = ""
        self._texts: dict[str, Any] = {}
        self._told, self._idle = single_shot(self, 500), single_shot(self, _IDLE_MS)
        self._idle.timeout.connect(self._measure_when_idle)
        self._plan: tuple[int | None, float | None] = (None, None)
        self.setup = SetupColumn(found)
        self._panels: dict[str, RunPanel] = {}
        self.costs = Costs(engine, self.setup, self)
        self.cost = plain_label(role="quiet", wrap=True, name=f"{self.prefix}cost")
        self.estimate = TimeEstimate(engine, self._question, lambda: self.isVisible() and not self.busy, self)
        self.checks = named(QPushButton(), f"{self.prefix}checks_summary")
        self.checks.setProperty("flat", True)
        self.checks.hide()
        self.buttons = RunButtons(self.prefix)
        self.start, self.pause, self.stop = self.buttons.start, self.buttons.pause, self.buttons.stop
        self.save, self.extend = self.buttons.save, self.buttons.extend
        self.compete = button(
            "Race…", f"{self.prefix}race_open", "pairs", "Train several models that differ in one setting, side by side",
            self.open_race,
        )
        self._race: RacePage | None = None
        self.drawing = ModelDrawing(f"{self.prefix}drawing")
        self.empty = EmptyState(
            "play", self.setup.family.dashboard.welcome, "Start now", f"{self.prefix}first_run", self.drawing
        )
        self.steering = Steering(self)
        self.strip = RunStrip(self.prefix, self.buttons)
        self.summary = RunSummary(f"{room}_summary")
        self._following = self._racing = self._opening = False
        self._lay_out(room)
        self._connect()
        self._show_family()
        self._show_state()

    @property
    def family(self) -> AnyFamily:
        """The family that is set up, or whose run is shown."""
        return self.setup.family

    @property
    def panel(self) -> RunPanel:
        """Where a run of the family is shown; built when first asked for, which is after the window has been painted."""
        if self.family.name not in self._panels:
            from genstudio.ui.train.panel import RunPanel

            panel = self._panels[self.family.name] = RunPanel(self._engine, self.family, self.prefix)
            self.stack.addWidget(panel)
            panel.failed.connect(self.failed)
            panel.pages.currentChanged.connect(lambda _: self._page_turned())
            self.steering.connect_panel(panel)
            panel.set_texts(self._texts)
            self._show_data()
            self._fit_height()
        return self._panels[self.family.name]

    @property
    def has_panel(self) -> bool:
        return self.family.name in self._panels

    @property
    def race(self) -> RacePage:
        """Where several trainings race; built when first asked for."""
        if self._race is None:
            from genstudio.ui.train.race import RacePage

            race = self._race = RacePage(self._engine, self.setup, self.prefix)
            self.stack.addWidget(race)
            race.failed.connect(self.failed)
            race.working.connect(self.working)
            race.changed.connect(self._race_changed)
            race.closed.connect(self._leave_race)
            race.open_wanted.connect(self.open_run)
        return self._race

    def open_race(self) -> None:
        """Set up a race, or go back to the one that runs."""
        if not self.busy:
            self.race.watch = self.panel.texts()
            self.race.begin()
            self._racing = True
        self._show_state()

    def show_race(self, infos: Sequence[RunInfo]) -> None:
        """Show runs of the disk that raced; those that were stopped can be resumed there."""
        if self.busy:
            return
        self.close_run()
        self.choose_family(infos[0].family)
        self.setup.choose_data(str(infos[0].dataset.get("id", "")))
        self.race.watch = self.panel.texts()
        self.race.show_runs(infos)
        self._racing = True
        self._show_state()

    def _race_changed(self) -> None:
        self._show_state()
        self.run_changed.emit(self.run_path)

    def _leave_race(self) -> None:
        self._racing = False
        self._show_state()

    def choose_family(self, name: str) -> None:
        """Set up a model of another family of the room. The run that was shown is closed: it can be opened again in Runs."""
        if name == self.family.name or self.busy:
            return
        self.close_run()
        self.working.emit(STATES["idle"])  # what was said of the family before no longer holds
        self.setup.set_family(name)
        self._follow_data()
        self._show_family()
        self._set_state("idle")
        self.run_changed.emit("")

    def set_datasets(self, infos: Iterable[DatasetInfo]) -> None:
        """What there is to train on."""
        self.setup.set_datasets(infos)
        self._name_run()
        self._show_data()
        self.show_cost()

    def remembered(self) -> State:
        """What comes back at the next start."""
        texts = self._texts | (self.panel.texts() if self.has_panel else {})
        return texts | self.setup.state() | {"speeds": self.estimate.remembered()}

    def restore(self, state: State) -> None:
        """Bring back what `remembered` gave: the set-up, and the texts that are followed."""
        self.estimate.restore(state.get("speeds"))
        self.setup.restore(state)
        self._texts = {name: text for name, text in state.items() if isinstance(text, str)}
        self._show_family()

    def splitters(self) -> dict[str, QSplitter]:
        """Those that are there, by the names under which their places are remembered."""
        found = {self.room: self.splitter}
        for name, panel in self._panels.items():
            alone = self.setup.model.count() == 1 or name == self.room  # as it once was: places of that time still hold
            key = self.prefix if alone else f"{self.prefix}{name}_"
            # versions before left charts beside a stage too little, and kept that whether or not somebody had chosen it
            beside = "beside" if panel.staged else "column"
            found[f"{key}watch"] = panel.splitter
            if panel.upright.count() > 1:
                found[f"{key}{beside}"] = panel.upright
        return found

    @property
    def busy(self) -> bool:
        """Whether a training is at work or waits."""
        return self.state not in ("idle", "stopped") or (self._race is not None and self._race.running)

    @property
    def finished(self) -> bool:
        """Whether the run that is shown has nothing left of its plan."""
        if self.state != "stopped" or not self.run_path:
            return False
        return self.info.state == "finished" if self.info is not None else (self._progress.done or 0.0) >= 1.0

    @property
    def step(self) -> int:
        """How far the run that is shown has come."""
        return self._progress.step

    def began_as(self, preset: str) -> bool:
        """Whether the run that is shown has the settings of a preset of its family."""
        found = next((one for one in self.family.presets if one.name == preset), None)
        every = [] if found is None or not self._used else [self.config_type.parse(given).model_dump() for given in found.every]
        return any(all(self._used.get(name) == value for name, value in whole.items()) for whole in every)

    @property
    def live_path(self) -> str:
        """The run whose model is in training now, or nothing."""
        return self.run_path if self.state in ("running", "paused") else ""

    @property
    def live_paths(self) -> tuple[str, ...]:
        """The same with those of a race."""
        return (self.live_path, *(self._race.live if self._race is not None else ()))

    def start_training(self) -> None:
        """A new run from the settings as they stand; problems are shown at their fields instead."""
        from genstudio.tasks.train import Train

        if self.busy:
            return
        self.setup.show_problems(())
        try:
            values, seed = self.setup.parsed()
        except ConfigError as error:
            self.setup.show_problems(error.problems)
            self.setup.go_to(error.problems[0])
            return
        if self.setup.data.currentData() is None:
            return
        steps, seconds = self.setup.plan()
        task = Train(
            family=self.setup.family.name,
            data=self.setup.data.currentData(),
            config=values,
            steps=steps,
            seconds=seconds,
            seed=seed,
            device=self.setup.device.currentText(),
            name=self.setup.name.text().strip(),
            watch=self.panel.texts(),
        )
        self.close_run()
        self.explorers.choose("")
        self._plan = (steps, seconds)
        self._used, self._data, self._name = values, task.data, task.name
        self._kind = self.setup.kind
        self._begin(task)
        self._show_run(task.data, values)

    def toggle_pause(self) -> None:
        if self.has_panel and self.panel.slowed:
            self.panel.slow.leave()
        elif self.state == "running":
            self._engine.pause(self._job)
            self._set_state("paused")
            self.adjust(ShowNow())
        elif self.state == "paused":
            self._engine.resume(self._job)
            self._set_state("running")
        elif self.state == "stopped" and self.run_path and not self.finished:
            self.resume_run(self.run_path)

    def stop_training(self) -> None:
        if self._job:
            self._engine.stop(self._job)
            self._set_state("stopping")

    def runs(self, name: str) -> bool:
        """Whether this task of the engine is the training of this tab."""
        return bool(name) and (name == self._job or (self._race is not None and self._race.owns(name)))

    def cancel_task(self, name: str) -> bool:
        """Stop this task of the engine, if it is the training of this tab."""
        if self._race is not None:
            self._race.cancel(name)
        if name == self._job:
            self.stop_training()
        return self.runs(name)

    def save_now(self) -> None:
        self.adjust(SaveNow())

    def adjust(self, change: Change) -> None:
        """Ask the training for a change, if there is one."""
        if self._job:
            self._engine.adjust(self._job, change)

    def extend_by(self, *, share: float = 0.0, steps: int = 0, seconds: float = 0.0) -> None:
        """Plan for more: a share of the plan, or steps, or seconds. A stopped run goes on at once."""
        planned_steps, planned_seconds = self._plan
        if planned_steps == ENDLESS:
            return
        if planned_steps is not None:
            plan: tuple[int | None, float | None] = (planned_steps + steps + int(planned_steps * share), None)
        else:
            plan = (None, (planned_seconds or 0.0) * (1 + share) + seconds)
        if (plan[0] or plan[1] or 0) > LONGEST:
            self.failed.emit(Failure("ConfigError", "A training cannot be planned longer than this.",
                "Nothing was changed."))
            return
        self._plan = plan
        if self._job:
            self.adjust(Extend(*plan))
        elif self.run_path:
            self.resume_run(self.run_path, *plan)

    def train_on(self, name: str) -> None:
        """Set up a new training on a dataset. The run that was shown is closed: it can be opened again in Runs."""
        if self.busy:
            title = self.setup.data.itemText(self.setup.data.findData(name)) or name
            message = f"A training is running, so '{title}' was not selected."
            self.failed.emit(Failure("RunBusyError", message, "Stop it, then press Train on this again."))
            return
        self.close_run()
        self.setup.choose_data(name)
        self._follow_data()
        self._set_state("idle")
        self.run_changed.emit("")

    def close_run(self) -> None:
        """Show no run any more, nor a race that has ended."""
        self._racing = self._racing and self.busy
        self._asking.drop("run", "described", "references", "words", "exact")
        self._then = None
        for panel in self._panels.values():
            panel.clear()
        self._lines, self._measuring = {}, ""
        self.run_path, self.info, self._progress = "", None, Progress()
        self._used, self._data, self._kind = {}, "", ""
        self._show_data()

    def resume_run(
        self,
        path: str,
        steps: int | None = None,
        seconds: float | None = None,
        values: Values | None = None,
    ) -> None:
        """Continue a run, with these `values` of settings that may change in the form; its curves are read back first when
        it is not the one shown."""
        from genstudio.tasks.train import Resume

        if self.busy:
            return
        if path != self.run_path:
            self.open_run(path, lambda: self.resume_run(path, steps, seconds, values))
            return
        if "run" in self._asking:
            self._then = lambda: self.resume_run(path, steps, seconds, values)
            return
        if values:
            self.setup.form.set_values(dict(values))
        changes, _ = self.edits()
        try:
            self.config_type.parse({**self._used, **changes})
        except ConfigError as error:
            if changes:
                self.setup.go_to(error.problems[0])
                return
        self._begin(Resume(path, steps, seconds, changes=changes, watch=self.panel.texts()))

    def edits(self) -> tuple[Values, tuple[str, ...]]:
        """How the form differs from the run that is shown: values that the run can take over when it is resumed, and
        labels of what only a new run can have."""
        rows = self.setup.form.rows
        values = {n: v for n, v in self.setup.values().items() if n in self._used and v != self._used[n]}
        live = {name: value for name, value in values.items() if rows[name].setting.live}
        fixed = [rows[name].setting.label for name in values if name not in live]
        if self._used and self.setup.data.currentData() != self._data:
            fixed.insert(0, "Dataset")
        return live, tuple(fixed)

    def open_run(self, path: str, then: Callable[[], None] | None = None, *, fill_form: bool = True) -> None:
        """Show a run of the disk as it was, with its settings in the form unless that is to stay as it is."""
        from genstudio.tasks.runs import DescribeRun, ReadRun

        if self.busy:
            return
        self.close_run()
        self.run_path, self._then, self._opening = path, then, True
        self._name = ""
        self._name_run()

        def ended(failure: Failure | None) -> None:
            self._opening = False
            self.panel.charts.settle()
            if failure is not None:
                self.failed.emit(failure)
                self.close_run()
                self._set_state("idle")
            elif self._then is not None:
                self._then()
            elif self.info is not None:
                self.show_summary()
                self._idle.start()  # a new training may have come before the exact loss was measured

        def described(failure: Failure | None) -> None:
            if failure is not None:
                ended(failure)
            else:
                self._asking.ask("run", ReadRun(path), lambda frame: self._on_read(frame, fill_form), ended)

        self._set_state("stopped")
        self._asking.ask(
            "run", DescribeRun(path), None, described, on_result=lambda info: self._opened(info, fill_form)
        )

    def _begin(self, task: Train | Resume) -> None:
        self._speed, self._preparing, self.info = "", "", None
        self._measuring = ""
        self._asking.drop("run", "described", "exact")
        self.setup.show_settings(False)
        self.show_setup(False)
        self._set_state("starting")
        self._job = self._engine.start(task, self._on_frame, self._on_end)

    def _on_frame(self, frame: Frame) -> None:
        if frame.run:
            self.run_path, self._preparing = frame.run, ""
            self._set_state("running")
            self.run_changed.emit(self.run_path)
        if frame.settings is not None:
            self._use(frame.settings)
        self.panel.show_frame(frame)
        speed = self.family.dashboard.speed
        if (rates := frame.series.get(speed.name)) is not None:
            self._speed = speed.rate(float(rates.values[-1]))
        if frame.progress is not None:
            if frame.progress.text == "Training":
                self._progress, self._preparing = frame.progress, ""
            else:
                done = "" if frame.progress.done is None else f" {frame.progress.done:.0%}"
                self._preparing = f"{frame.progress.text}{done}…"
            if self.state == "paused" or not self._told.isActive():
                self._headline()
                self._told.start()

    def _on_read(self, frame: Frame, fill_form: bool) -> None:
        self.panel.show_frame(frame)
        if frame.settings is not None:
            self._use(frame.settings, fill_form)

    def _use(self, values: Values, fill_form: bool = True) -> None:
        """The settings of the run as they stand now, changes among them: the form shows them unless it is to stay."""
        self._used = dict(values)
        if fill_form:
            self.setup.form.set_values(values)
        self._say_edits()
        self._show_cure()
        self.show_cost()
        self._name_run()

    def _say_edits(self) -> None:
        """Say what Resume does with what was edited, before it is pressed."""
        live, fixed = self.edits() if self.state == "stopped" and self.run_path else ({}, ())
        if not (live or fixed):
            self.setup.say("")
            return
        from genstudio.data.importing.report import listed

        labels = [self.setup.form.rows[name].setting.label for name in live]
        parts = [f"Resume uses the new value of {listed(labels, _NAMED)}."] if live else []
        if fixed:
            parts.append(f"Resume keeps what the run has for {listed(fixed, _NAMED)}; Start new uses what is set here.")
        self.setup.say(" ".join(parts))

    def _opened(self, info: RunInfo, fill_form: bool) -> None:
        self._opening = False
        if info.family in self.setup.families:
            if info.family != self.family.name:
                self.working.emit(STATES["idle"])  # what was said of the family before no longer holds
            self.setup.set_family(info.family)
            self._show_family()
        _ = self.panel
        self._data, self._kind = (str(info.dataset.get(key, "")) for key in ("id", "kind"))
        steps = info.plan.get("steps")
        self._plan = (None if steps is None else int(steps), info.plan.get("seconds"))
        if fill_form:
            self.setup.set_values(dict(info.config))
            self.setup.choose_data(self._data)
            if any(self._plan):
                self.setup.set_plan(*self._plan)
        self._use(info.config, fill_form)
        self._progress = Progress("Stopped", step=info.step or 0, total=None if self._plan[0] == ENDLESS else self._plan[0])
        self._speed = ""
        self._show_run(self._data, info.config)
        self._described(info)
        self._show_exact()

    def _described(self, info: RunInfo) -> None:
        """What the folder of the run says, once it is not in training: the same that the list of runs shows."""
        if self.state == "stopped" and str(info.folder) == self.run_path:
            self.info, self._name = info, info.name
            self._offer()
            self._show_state()
            self._name_run()
            self._headline()

    def _on_end(self, failure: Failure | None) -> None:
        from genstudio.tasks.runs import DescribeRun

        self._job = ""
        if failure is not None:
            self.setup.show_problems(failure.problems)
            if failure.problems and not self.run_path:  # named as the form does, and shown there
                words = "; ".join(self.setup.words(problem).rstrip(".") for problem in failure.problems)
                failure = replace(failure, message=f"{words}.")
                self.setup.go_to(failure.problems[0])
            self.failed.emit(failure)
        self._set_state("stopped" if self.run_path else "idle")
        if self.run_path:
            self._asking.ask("described", DescribeRun(self.run_path), on_result=self._ended)
        self.run_changed.emit(self.run_path)

    def _ended(self, info: RunInfo) -> None:
        self._described(info)
        self._measure(info)

    def _measure(self, info: RunInfo) -> None:
        """Have what the last validation estimated measured on all held-out data: the reference lines that it is compared with
        are exact. It continues in the background; the run says it from then on."""
        from genstudio.tasks.evaluate import MeasureEnd

        if info.exact or not self._estimates(info) or not info.step:
            return

        def heard(frame: Frame) -> None:
            if frame.progress is not None:
                done = "" if frame.progress.done is None else f" {frame.progress.done:.0%}"
                self._measuring = f"{frame.progress.text}…{done}"
                self.show_summary()

        def over(_failure: Failure | None) -> None:
            self._measuring = ""
            self.show_summary()

        def found(values: Mapping[str, float]) -> None:
            if values and self.info is not None:
                self.info = replace(self.info, exact=values)
                self._show_exact()
                self.run_changed.emit(self.run_path)

        self._asking.ask("exact", MeasureEnd(str(info.folder), info.step), heard, over, on_result=found)

    def _measure_when_idle(self) -> None:
        """Nobody waits for it: it begins once there is nothing else to do, as long as the same run is shown."""
        if self.info is None or self.state != "stopped":
            return
        if self._engine.running:
            self._idle.start()
        else:
            self._measure(self.info)

    def _show_exact(self) -> None:
        """Milestones that an estimate reached stand or fall by what was measured."""
        if self.info is not None and self.info.exact:
            self.panel.charts.show_exact(self.info.step, self.info.exact)

    def _estimates(self, info: RunInfo) -> bool:
        """Whether the validation of a run is an estimate that stands beside exact lines."""
        return self.family.dashboard.references is not None and "val_loss" in info.losses and "Evaluates" in self.abilities

    def on_halted(self, name: str) -> None:
        if name == self._job:
            self._set_state("paused")
        elif self._race is not None:
            self._race.on_halted(name)

    def _set_state(self, state: str) -> None:
        self.state = state
        if self.has_panel:
            self.panel.flush()
        self._show_state()
        self.show_cost()
        self._show_cure()
        self._headline()

    def _position(self) -> Progress:
        """Where the training stands, as the headline says it."""
        staged = self.has_panel and self.panel.slowed and self.panel.slow.stage is not None
        return replace(self._progress, step=self.panel.slow.step) if staged else self._progress

    def _headline(self) -> None:
        if self._opening:  # of the one before nothing holds
            self.strip.tell(_OPENING)
            self.working.emit(_OPENING)
            return
        if self._preparing and self.state in ("starting", "running"):
            self.strip.tell(self._preparing)
            self.working.emit(self._preparing)
            return
        state = "finished" if self.finished else self.state
        if state in ("stopped", "finished") and self.info is not None:  # where the card is shown, that says it
            self.strip.tell("" if self.summary.isVisibleTo(self) else how_it_ended(self.info))
        elif state in ("running", "paused", "stopping", "stopped", "finished"):
            self.strip.tell(headline(self._position(), STATES[state], self._speed))
        elif self.state == "starting":
            self.strip.tell("Starting…")
        left = (
            f", {duration(self._progress.remaining)} left"
            if self._progress.remaining and self.state == "running"
            else ""
        )
        step = f", step {self._position().step:,}" if self.run_path else ""
        self.working.emit(f"{STATES[state]}{step}{left}")

    def _show_state(self) -> None:
        ended = self.state == "stopped" and bool(self.run_path)
        self.buttons.show_state(self.state, ended=ended, finished=self.finished, endless=self._plan[0] == ENDLESS)
        self.setup.freeze(self.busy)
        self._say_edits()
        shown = self.state != "idle" or bool(self.run_path)
        if self._racing and self._race is not None:
            self.stack.setCurrentWidget(self._race)
        else:
            self.stack.setCurrentWidget(self.panel if shown and not self._cramped() else self.empty)
        if self.has_panel and shown and not self._racing:
            self._show_pages()
            self.panel.pages.tabBar().setVisible(self.explorers.isHidden())  # one row of tabs for both
        else:
            self.explorers.set_titles(("Training",), 0)
        if (explorer := self.explorers.page) is not None:
            self.stack.setCurrentWidget(explorer)
        self.compete.setEnabled(self.state in ("idle", "stopped"))
        self.buttons.setEnabled(not self._racing)
        self.start.setEnabled(self.start.isEnabled() and not self._racing)
        self.strip.setVisible(shown and not self._racing)
        self.strip.settings.setText("Settings" if self.busy else "New run")
        self._show_column()
        self.summary.stand_aside(self._aside)
        self.show_summary()
        if self.has_panel:
            self.panel.set_run("" if self._opening else self.run_path, self.state)  # it may be of another family

    def show_setup(self, on: bool) -> None:
        """Show what is set up beside a run, or give it the whole width; before a training it is always there."""
        self.strip.settings.setChecked(on)

    def reveal(self, widget: QWidget) -> None:
        """Show what is set up, or the run whose room it takes, whichever has this widget; of a run, the training where an
        explorer is in front of it."""
        if self.has_panel and self.panel.isAncestorOf(widget):
            self.explorers.choose("")
        if not self.busy and self.left.isAncestorOf(widget) and self.left.isHidden():
            self.show_setup(True)
        elif self.has_panel and self.panel.isAncestorOf(widget) and self._cramped():
            self.show_setup(False)

    def _setup_toggled(self, on: bool) -> None:
        """Beside a training there is nothing to set up: the settings that it has are shown at once."""
        self.setup.show_settings(on and self.busy)
        self._show_state()

    def toggle_settings(self) -> None:
        """Open the drawer with every setting, or close it."""
        shown = self.setup.settings_shown and self.left.isVisible()
        if not self.strip.isHidden() and (not shown or self.busy):
            self.show_setup(not shown)
        self.setup.show_settings(not shown)

    def present(self, on: bool) -> None:
        """Leave away what is not looked at in front of a class, or show it again."""
        self.buttons.spare(on)

    def _cramped(self) -> bool:
        """Whether a new run is set up where its settings and the run before have no room side by side: then the model that is
        set up is drawn in place of the run."""
        return not self.busy and self.strip.settings.isChecked() and self.width() < theme.scaled(_BOTH)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_height()
        if not self._racing and self.run_path and self._cramped() != (self.stack.currentWidget() is self.empty):
            self._show_state()

    def _fit_height(self) -> None:
        height = self.window().height()
        self.summary.set_low(height < theme.scaled(_LOW))
        if self.has_panel and self.isVisible():  # before, nobody knows how high the window will be
            self.panel.set_low(height < theme.scaled(_FLAT))

    def _show_column(self) -> None:
        run = not self.strip.isHidden()
        racing = self._racing and self.busy
        self.left.setVisible(self.strip.settings.isChecked() if run else not racing)
        if run:
            self.strip.place(self.cure)
        else:
            self.column.insertWidget(1, self.cure)

    def _name_run(self) -> None:
        """What the run is called, and its settings as chips."""
        data = self.setup.data.itemText(self.setup.data.findData(self._data)) if self._data else ""
        name = self.info.name if self.info is not None else self._name or data
        presets = [one for one in self.family.presets if not one.sizes or one.seconds == self._plan[1]]
        chips = [data, *chips_of(self.config_type, self._used, presets, self._data)]
        self.strip.say_run(name, [chip for chip in chips if chip not in ("", name)])

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit_height()
        self.estimate.ask()

    def _question(self) -> EstimateTime | None:
        """What is to be timed: a training as it is set up now."""
        data = self.setup.data.currentData()
        if data is None or self.setup.problems():
            return None
        from genstudio.tasks.estimate import EstimateTime

        device = self.setup.device.currentText()
        return EstimateTime(self.setup.family.name, str(data), self.setup.values(), device)

    def _sized(self) -> tuple[dict[str, Values], list[EstimateTime]]:
        """The settings of each preset of a given time, as this computer can train them, by its name; and what is to be timed to
        know more. Without a dataset nothing can be timed."""
        family, chosen = self.setup.family, self.setup.data.currentData()
        device = self.setup.device.currentText()
        fitted: dict[str, Values] = {}
        wanted: list[EstimateTime] = []

        def task(size: Values) -> EstimateTime:
            from genstudio.tasks.estimate import EstimateTime

            return EstimateTime(family.name, str(chosen), family.config.parse(size).model_dump(), device)

        for preset in family.presets:
            if preset.sizes and chosen is not None:
                fitted[preset.name], unknown = preset.fitted(lambda size: self.estimate.seconds(task(size)))
                wanted += [] if unknown is None else [task(unknown)]
        return fitted, wanted

    def _of_presets(self) -> dict[str, EstimateTime]:
        """What is to be timed of each preset that takes a number of steps, by its name: on the data that it is meant for, where
        that is there."""
        family, chosen = self.setup.family, self.setup.data.currentData()
        device = self.setup.device.currentText()
        found: dict[str, EstimateTime] = {}
        for preset in family.presets:
            data = preset.data if preset.data in self.setup.infos else chosen
            if preset.steps is not None and not preset.endless and data is not None:
                from genstudio.tasks.estimate import EstimateTime

                values = family.config.parse(preset.values).model_dump()
                found[preset.name] = EstimateTime(family.name, str(data), values, device)
        return found

    def _show_preset_costs(self) -> None:
        timed = self._of_presets()
        if not self.busy and not self.run_path:
            self.setup.show_sizes(self._sized()[0])
        measured = {name: self.estimate.seconds(task) for name, task in timed.items()}
        self.setup.preset.show_costs({one.name: cost_of(one, measured.get(one.name)) for one in self.setup.family.presets})

    def _estimated(self) -> None:
        """What is measured may say which size comes next."""
        self._presets_seen() if self.setup.preset.isVisible() else self._show_preset_costs()

    def _presets_seen(self) -> None:
        """What presets cost is measured once somebody looks at them."""
        self._show_preset_costs()
        self.estimate.want((*self._of_presets().values(), *self._sized()[1]))

    def _show_pages(self) -> None:
        """The pages of the training among the explorers, and which of them is in front."""
        pages = self.panel.pages
        self.explorers.set_titles([pages.tabText(index) for index in range(pages.count())], pages.currentIndex())

    def _turn_page(self, index: int) -> None:
        """To a page of the training, chosen among the explorers."""
        if self.has_panel:
            self.panel.pages.setCurrentIndex(index)

    def _page_turned(self) -> None:
        """The summary belongs to the page of the training; elsewhere the headline says how that ended."""
        if not self.explorers.current:
            self._show_pages()
        self.summary.stand_aside(self._aside)
        self._headline()

    @property
    def _aside(self) -> bool:
        """Whether something else than the training is looked at."""
        return self._racing or bool(self.explorers.current) or (self.has_panel and self.panel.pages.currentIndex() > 0)

    def _explored(self) -> SetUp:
        """What an explorer may begin with."""
        live, data = self.state in ("running", "paused"), str(self.setup.data.currentData() or "")
        values = {} if self.setup.problems() else self.setup.values()
        run = "" if self._opening else self.run_path
        return SetUp(run, live, self.family.name, data, values, int(self.setup.seed.value()))

    def show_summary(self) -> None:
        """Say how the run that is shown ended, if it has."""
        info = self.info if self.state == "stopped" else None
        self._fit_height()
        if info is not None and info.step > 0:
            self.summary.say(how_it_ended(info), self._result(info), endless=self._plan[0] == ENDLESS)
        else:
            self.summary.say("", "")

    def show_cost(self) -> None:
        """Bring the line with the costs up to date."""
        config = self.setup.family.config
        if problems := self.setup.problems():
            self.cost.setText(f"Before a training can start: {self.setup.words(problems[0])}.")
        else:
            parsed, per_step = config.parse(self.setup.values()), self.estimate.seconds()
            # the headline says how long a training that runs still takes
            times = [] if per_step is None or self.busy else [in_words(per_step, *self.setup.plan(), self.costs.faster(parsed))]
            endless = not self.busy and self.setup.plan()[0] == ENDLESS
            undone = without_end(config, parsed.model_dump()) if endless else ""
            self.cost.setText("\n".join(filter(None, [self.costs.words(parsed), *times, undone])))
            if (drawn := self.costs.drawing(parsed)) is not None:
                self.drawing.show_drawing(drawn)
                if self.has_panel and self.setup.values() == self._used:
                    self.panel.model.show_drawing(drawn)
        restyle(self.cost, "problem", bool(problems))
        restyle(self.cost, "quiet", not problems)

    def preset(self) -> families.Preset | None:
        """The preset that is chosen."""
        return self.setup.chosen()

    def _result(self, info: RunInfo) -> str:
        """How good the model of a run that ended is, in a sentence, and on how much of the held-out data that rests."""
        board = self.family.dashboard
        if board.said is not None:
            if not self._estimates(info):
                return board.said(info, self._lines)
            steps = {name: info.result_step(name) for name in info.losses}
            said = board.said(replace(info, losses=info.results, measured=steps), self._lines)
            sampled = self._measuring or "Estimated from a sample."
            rests = "Measured on all held-out data." if info.exact else sampled
            return f"{said} {rests}" if said else ""
        found = standing(board, info, self._lines, self.panel.charts.floors if self.has_panel else {})
        return "" if found is None else in_a_sentence(found, info)

    def _show_run(self, data: str, values: Values) -> None:
        """The panel for a run on this dataset, with what its numbers are compared with."""
        from genstudio.tasks.evaluate import FrequentWords, ReadReferences

        self._show_data()
        self.panel.show_settings(dict(values))
        self._lines = {}
        if self.family.dashboard.references is not None:
            task = ReadReferences(self.family.name, data, values)
            self._asking.ask("references", task, on_result=self._show_references)
        if self.panel.charts.milestones.reads and self.panel.kind == "text":
            self._asking.ask("words", FrequentWords(data), on_result=self.panel.charts.show_words)

    def _show_references(self, lines: Mapping[str, float]) -> None:
        self._lines = lines
        self.panel.charts.show_references(lines)
        self.show_summary()

    def _show_family(self) -> None:
        """What follows from the family that is set up."""
        self.explorers.set_explorers(self.family.dashboard.explorers)
        self._show_data()
        self._offer()
        self._show_cure()
        self.show_cost()

    @property
    def abilities(self) -> tuple[str, ...]:
        """What the model of this run can do, by its settings where these are known."""
        ours = self.info is not None and self.info.family == self.family.name
        return self.family.has(self.info.config) if ours and self.info is not None else self.family.abilities

    def _offer(self) -> None:
        self.summary.offer(self.abilities, explore=EXPLORE in self.family.dashboard.tools)

    def _show_cure(self) -> None:
        """The fix of a lesson: offered while it fails, said to be set up once it is, and gone where the run has it."""
        preset = self.preset()
        cure = {} if preset is None else preset.cure
        if self.state in ("running", "paused"):
            live = {setting.name for setting in self.config_type.settings() if setting.live}
            left = {name for name in cure.keys() & live if self._used.get(name) != cure[name]}
        else:
            left = {name for name, value in cure.items() if self.setup.values().get(name) != value}
        has_it = bool(self._used) and all(self._used.get(name) == value for name, value in cure.items())
        self.cure.setVisible(bool(cure) and not has_it)
        self.cure.setEnabled(bool(left))
        self.cure.setText("Apply the fix" if left else "Fix applied")

    def _preset_chosen(self) -> None:
        preset = self.preset()
        if preset is not None and preset.data in self.setup.infos and not self._following:
            self.setup.choose_data(preset.data)
        self._show_cure()

    def _show_data(self) -> None:
        """What belongs to the data of the run that is shown or, without one, to those that are set up."""
        first = self.setup.family.presets[0].data
        title = "" if self.setup.info is None or self.setup.info.id == first else self.setup.info.title
        self.empty.set_sentence(f"Ready to train on {title}. Press Start." if title else self.setup.family.dashboard.welcome)
        if not self.has_panel:
            return
        listed = self.setup.infos.get(self._data)
        kind = self._kind if listed is None else self.family.kind_of(listed)  # runs of older versions do not say it
        self.panel.set_kind(kind if kind in self.family.data_kinds else self.setup.kind)

    def _follow_data(self) -> None:
        """Settings that fit the dataset, unless some were changed by hand; a lesson is kept on other data of its kind."""
        info, preset, preset_for = self.setup.info, self.preset(), self.family.preset_for
        if info is None or preset is None or preset_for is None or self.setup.edited() or self.busy:
            return
        meant = self.setup.infos.get(preset.data)
        if preset.cure and meant is not None and meant.kind == info.kind:
            return
        self._following = True
        self.setup.preset.choose(preset_for(info, preset.name))
        self._following = False

    def hold(self) -> None:
        """Pause a training that runs, without a look at the model as it is: it goes on by stages."""
        if self.state == "running":
            self._engine.pause(self._job)
            self._set_state("paused")

    def advance(self) -> None:
        """One more frame of a training that is paused."""
        self._engine.advance(self._job)

    def run_on(self) -> None:
        """Resume a training that is paused."""
        if self.state == "paused":
            self._engine.resume(self._job)
            self._set_state("running")

    def show_checks(self, words: str) -> None:
        """What the checks of the chosen dataset found, in a few words; a click shows them all."""
        self.checks.setText(f"Data: {words}")
        self.checks.setAccessibleName(f"Checks of the dataset: {words}. Show them")
        self.checks.setVisible(bool(words))
        serious = words[:1].isdigit() and "problem" in words
        theme.set_icon(self.checks, "error" if serious else "warning" if "warning" in words else "check")

    def _ask_parts(self) -> None:
        """Which parts of the chosen datasets the settings can name, where there are such settings."""
        values = self.setup.values()
        for setting in self.config_type.settings():
            if not setting.part:
                continue
            from genstudio.data import shelf
            from genstudio.tasks.datasets import ReadParts

            data = self.setup.data.currentData() if setting.part == "data" else values.get(setting.part)
            chosen = shelf.named(self.setup.infos.values(), str(data or self.setup.data.currentData() or ""))
            place = self.family.name, setting.name
            if chosen is None or self._parts.get(place) == chosen.id:
                continue
            self._parts[place] = chosen.id
            show = partial(self.setup.form.set_names, setting.name)
            self._asking.ask(f"parts {setting.name}", ReadParts(chosen.id, setting.part == "attributes"), on_result=show)

    def _connect(self) -> None:
        self.setup.changed.connect(self._ask_parts)
        self.setup.changed.connect(self.explorers.refresh)
        self.explorers.chosen.connect(self._show_state)
        self.explorers.turned.connect(self._turn_page)
        self.explorers.failed.connect(self.failed)
        self.checks.clicked.connect(self.checks_wanted)
        self.start.clicked.connect(self.start_training)
        self.pause.clicked.connect(self.toggle_pause)
        self.stop.clicked.connect(self.stop_training)
        self.save.clicked.connect(self.save_now)
        self.buttons.extend_wanted.connect(lambda much: self.extend_by(**much))
        self.setup.changed.connect(self.show_cost)
        self.setup.changed.connect(self._say_edits)
        self.setup.changed.connect(lambda: self._race.set_up.fill() if self._racing and self._race is not None else None)
        self.setup.changed.connect(self.estimate.ask)
        self.estimate.changed.connect(self.show_cost)
        self.estimate.changed.connect(self._estimated)
        self.setup.preset.seen.connect(self._presets_seen)
        self.costs.changed.connect(self.show_cost)
        self.setup.changed.connect(self._show_cure)
        self.setup.family_chosen.connect(self.choose_family)
        self.setup.draw_wanted.connect(self.draw_wanted)
        self.setup.preset.chosen.connect(lambda _: self._preset_chosen())
        self.setup.settings_closed.connect(lambda: self.show_setup(self.strip.settings.isChecked() and not self.busy))
        self.setup.data.currentIndexChanged.connect(lambda _: self._show_data())
        self.setup.data.activated.connect(lambda _: self._follow_data())
        self.setup.file_wanted.connect(self.file_wanted)
        self.empty.triggered.connect(self.start_training)
        self.summary.extend_wanted.connect(lambda: self.extend_by(share=1.0))
        self.summary.write_wanted.connect(lambda: self.write_wanted.emit(self.run_path))
        self.summary.look_wanted.connect(lambda: self.look_wanted.emit(self.run_path))
        self.summary.explore_wanted.connect(lambda: self.panel.turn_page())
        self.summary.compare_wanted.connect(lambda: self.compare_wanted.emit(self.run_path))
        self.summary.dismiss.clicked.connect(self._headline)
        self.strip.settings.toggled.connect(self._setup_toggled)
        self._engine.advanced.connect(self.steering.advanced)
        self._engine.halted.connect(lambda name, _reason: self.on_halted(name))
        self._told.timeout.connect(self._headline)

    def _lay_out(self, name: str) -> None:
        self.left = named(QWidget(), "left_column")
        self.left.setMinimumWidth(300)
        self.column = vbox(
            (self.setup, 1), self.cost, self.checks, hbox((self.start, 1), self.compete), into=self.left, margins=(0, 0, 8, 0)
        )
        self.stack = Stack()
        self.stack.addWidget(self.empty)
        self.explorers = ExplorerBar(self._engine, self.stack, self._explored, self.prefix)
        self.splitter = named(QSplitter(Qt.Orientation.Horizontal), f"{name}_splitter")
        self.splitter.setChildrenCollapsible(False)
        right = QWidget()
        vbox(self.explorers, self.summary, (self.stack, 1), into=right, spacing=4)
        self.splitter.addWidget(self.left)
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([372, 908])
        vbox(self.strip, (self.splitter, 1), into=self, margins=(12, 8, 12, 8), spacing=8)

    @property
    def cure(self) -> QPushButton:
        """The button that applies the fix of a lesson."""
        return self.steering.cure

    @property
    def config_type(self) -> type[Config]:
        return self.setup.family.config

    @property
    def folder(self) -> Path | None:
        return Path(self.run_path) if self.run_path else None

