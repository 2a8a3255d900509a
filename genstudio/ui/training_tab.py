"""What all tabs that train share: set up on the left, one run on the right, and every button between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from genstudio.config import Config
from genstudio.data.importing.report import listed
from genstudio.errors import ConfigError, Failure
from genstudio.events import Frame, Progress
from genstudio.families import Family
from genstudio.families.dashboard import result
from genstudio.runs import RunInfo
from genstudio.tasks.estimate import EstimateTime
from genstudio.tasks.runs import DescribeRun, ReadRun
from genstudio.tasks.train import Resume, Train
from genstudio.training.changes import Change, Extend, SaveNow
from genstudio.ui import theme
from genstudio.ui.asking import Asking
from genstudio.ui.engine import Engine
from genstudio.ui.estimate import TimeEstimate, in_words
from genstudio.ui.numbers import duration
from genstudio.ui.run_summary import RunSummary, how_it_ended
from genstudio.ui.setup import LONGEST, SetupColumn
from genstudio.ui.widgets import ElidedLabel, EmptyState, button, plain_label, primary_button, restyle

STATES = {
    "idle": "Ready",
    "starting": "Starting",
    "running": "Training",
    "paused": "Paused",
    "stopping": "Saving",
    "stopped": "Stopped",
    "finished": "Finished",
}

_NAMED = 3
"""Settings that the note about resuming names; it stands where the settings themselves need the room."""


class Panel(Protocol):
    """Where a run is shown, live or read back."""

    headline: ElidedLabel

    def clear(self) -> None:
        """Forget the run that was shown."""

    def show_frame(self, frame: Frame) -> None:
        """Everything in the frame to where it belongs."""

    def flush(self) -> None:
        """Hand the numbers that wait to their charts."""


class TrainingTab(QWidget):
    """Trains one model of a family at a time. `failed(Failure)`, `run_changed(path)` and `working(text)` tell the window.

    `write_wanted(path)`: to use the model of a run. Sub-classes say `make_panel`, `costs` and `speed`, and may add to
    `watched`, `result_words`, `run_began`, `run_opened`, `state_shown`.
    """

    failed = Signal(object)
    run_changed = Signal(str)
    working = Signal(str)
    file_wanted = Signal()
    checks_wanted = Signal()
    write_wanted = Signal(str)

    def __init__(self, engine: Engine, family: Family[Any, Any], name: str, welcome: str) -> None:
        super().__init__()
        self.setObjectName(f"{name}_tab")
        self._engine = engine
        self._asking = Asking(engine)
        self._used: dict[str, Any] = {}
        self._data = ""
        self._job = ""
        self._then: Callable[[], None] | None = None
        self.state = "idle"
        self.run_path = ""
        self.info: RunInfo | None = None
        self._progress = Progress()
        self._speed = self._preparing = ""
        self._told = QTimer(self)
        self._told.setSingleShot(True)
        self._told.setInterval(500)
        self._plan: tuple[int | None, float | None] = (None, None)
        self.setup = SetupColumn(family)
        self._panel: Any = None
        self.cost = plain_label(role="quiet", wrap=True, name="cost")
        self.estimate = TimeEstimate(engine, self._question, lambda: self.isVisible() and not self.busy, self)
        self.checks = QPushButton()
        self.checks.setObjectName("checks_summary")
        self.checks.setProperty("flat", True)
        self.checks.hide()
        self.start = primary_button("Start", "start", "play")
        self.pause = button("Pause", "pause", "pause")
        self.stop = button("Stop", "stop", "stop")
        self.save = button("Save now", "save_now", "save")
        self.extend = button("Extend", "extend", "extend")
        self.empty = EmptyState("play", welcome, "Start now", "first_run")
        self.summary = RunSummary(f"{name}_summary", writes="text" in family.data_kinds)
        self._lay_out(name)
        self._connect()
        self._show_state()

    def make_panel(self) -> Any:
        """A Panel, which is also a widget; built when first asked for."""
        raise NotImplementedError

    def costs(self, config: Config) -> str:
        """What a run with these settings costs, in a line."""
        raise NotImplementedError

    def faster(self, config: Config) -> tuple[tuple[str, float], ...]:
        """What would train faster: in words, with the share of the cost of a step that it takes."""
        return ()

    def speed(self, frame: Frame) -> str:
        """How fast it goes, where the frame tells."""
        raise NotImplementedError

    def watched(self) -> dict[str, str]:
        """Texts that are watched while it trains, by the names of the learner."""
        return {}

    def result_words(self, info: RunInfo) -> str:
        """How good the model of a run that ended is, in a sentence."""
        found = result(self.setup.family.dashboard.result, info)
        return f"{found[0]}." if found is not None else ""

    def run_began(self, task: Train) -> None:
        """A new run is being made."""

    def run_opened(self, info: RunInfo) -> None:
        """A run of the disk is shown."""

    def state_shown(self) -> None:
        """The state has changed; buttons may follow."""

    def position(self) -> Progress:
        """Where the training stands, as the headline says it."""
        return self._progress

    @property
    def panel(self) -> Any:
        """Where a run is shown; built when first asked for, which is after the window has been painted."""
        if self._panel is None:
            self._panel = self.make_panel()
            self.stack.addWidget(self._panel)
        return self._panel

    @property
    def has_panel(self) -> bool:
        return self._panel is not None

    @property
    def busy(self) -> bool:
        """Whether a training is at work or waits."""
        return self.state not in ("idle", "stopped")

    @property
    def finished(self) -> bool:
        """Whether the run that is shown has nothing left of its plan."""
        if self.state != "stopped" or not self.run_path:
            return False
        return self.info.state == "finished" if self.info is not None else (self._progress.done or 0.0) >= 1.0

    @property
    def live_path(self) -> str:
        """The run whose model is in training now, or nothing."""
        return self.run_path if self.state in ("running", "paused") else ""

    def start_training(self) -> None:
        """A new run from the settings as they stand; problems are shown at their fields instead."""
        if self.busy:
            return
        self.setup.show_problems(())
        try:
            values, seed = self.setup.parsed()
        except ConfigError as error:
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
            watch=self.watched(),
        )
        self.close_run()
        self._plan = (steps, seconds)
        self._used, self._data = values, task.data
        self._begin(task)
        self.run_began(task)

    def toggle_pause(self) -> None:
        if self.state == "running":
            self._engine.pause(self._job)
            self._set_state("paused")
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
        return bool(name) and name == self._job

    def cancel_task(self, name: str) -> bool:
        """Stop this task of the engine, if it is the training of this tab."""
        if self.runs(name):
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
        if planned_steps is not None:
            plan: tuple[int | None, float | None] = (planned_steps + steps + int(planned_steps * share), None)
        else:
            plan = (None, (planned_seconds or 0.0) * (1 + share) + seconds)
        if (plan[0] or plan[1] or 0) > LONGEST:
            self.failed.emit(Failure("ConfigError", "A plan cannot be longer than this.", "Nothing was changed."))
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
            message = f"A training is running, so '{title}' was not chosen."
            self.failed.emit(Failure("RunBusyError", message, "Stop it, then press Train on this again."))
            return
        self.close_run()
        self.setup.choose_data(name)
        self.empty.set_sentence(f"Ready to train on {self.setup.data.currentText()}. Press Start.")
        self._set_state("idle")
        self.run_changed.emit("")

    def close_run(self) -> None:
        """Show no run any more."""
        self._asking.drop("run", "described")
        self._then = None
        if self._panel is not None:
            self._panel.clear()
        self.run_path, self.info, self._progress = "", None, Progress()
        self._used, self._data = {}, ""

    def resume_run(
        self,
        path: str,
        steps: int | None = None,
        seconds: float | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """Continue a run, with these `values` of settings that may change in the form; its curves are read back first when
        it is not the one shown."""
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
        self._begin(Resume(path, steps, seconds, changes=changes, watch=self.watched()))

    def edits(self) -> tuple[dict[str, Any], tuple[str, ...]]:
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
        if self.busy:
            return
        self.close_run()
        _ = self.panel
        self.run_path, self._then = path, then

        def ended(failure: Failure | None) -> None:
            if failure is not None:
                self.failed.emit(failure)
                self.close_run()
                self._set_state("idle")
            elif self._then is not None:
                self._then()

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
        self._asking.drop("run", "described")
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
        self._speed = self.speed(frame) or self._speed
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

    def _use(self, values: Mapping[str, Any], fill_form: bool = True) -> None:
        """The settings of the run as they stand now, changes among them: the form shows them unless it is to stay."""
        self._used = dict(values)
        if fill_form:
            self.setup.form.set_values(values)
        self._say_edits()

    def _say_edits(self) -> None:
        """Say what Resume does with what was edited, before it is pressed."""
        live, fixed = self.edits() if self.state == "stopped" and self.run_path else ({}, ())
        labels = [self.setup.form.rows[name].setting.label for name in live]
        parts = [f"Resume uses the new value of {listed(labels, _NAMED)}."] if live else []
        if fixed:
            parts.append(f"Resume keeps what the run has for {listed(fixed, _NAMED)}; Start new uses what is set here.")
        self.setup.say(" ".join(parts))

    def _opened(self, info: RunInfo, fill_form: bool) -> None:
        self._data = str(info.dataset.get("id", ""))
        steps = info.plan.get("steps")
        self._plan = (None if steps is None else int(steps), info.plan.get("seconds"))
        if fill_form:
            self.setup.set_values(dict(info.config))
            self.setup.choose_data(self._data)
            if any(self._plan):
                self.setup.set_plan(*self._plan)
        self._use(info.config, fill_form)
        self._progress = Progress("Stopped", step=info.step or 0, total=self._plan[0])
        self._speed = ""
        self.run_opened(info)
        self._described(info)

    def _described(self, info: RunInfo) -> None:
        """What the folder of the run says, once it is not in training: the same that the list of runs shows."""
        if self.state == "stopped" and str(info.folder) == self.run_path:
            self.info = info
            self._show_state()
            self._headline()

    def _on_end(self, failure: Failure | None) -> None:
        self._job = ""
        if failure is not None:
            self.setup.show_problems(failure.problems)
            self.failed.emit(failure)
        self._set_state("stopped" if self.run_path else "idle")
        if self.run_path:
            self._asking.ask("described", DescribeRun(self.run_path), on_result=self._described)
        self.run_changed.emit(self.run_path)

    def on_halted(self, name: str) -> None:
        if name == self._job:
            self._set_state("paused")

    def _set_state(self, state: str) -> None:
        self.state = state
        if self._panel is not None:
            self._panel.flush()
        self._show_state()
        self.show_cost()
        self._headline()

    def _headline(self) -> None:
        if self._preparing and self.state in ("starting", "running"):
            self.panel.headline.setText(self._preparing)
            self.working.emit(self._preparing)
            return
        state = "finished" if self.finished else self.state
        if state in ("stopped", "finished") and self.info is not None:
            self.panel.headline.setText(f"{self.info.name}   ·   {how_it_ended(self.info)}")
        elif state in ("running", "paused", "stopping", "stopped", "finished"):
            self.panel.headline.setText(headline(self.position(), STATES[state], self._speed))
        elif self.state == "starting":
            self.panel.headline.setText("Starting…")
        left = (
            f", {duration(self._progress.remaining)} left"
            if self._progress.remaining and self.state == "running"
            else ""
        )
        step = f", step {self.position().step:,}" if self.run_path else ""
        self.working.emit(f"{STATES[state]}{step}{left}")

    def _show_state(self) -> None:
        free, live = not self.busy, self.state in ("running", "paused")
        ended = self.state == "stopped" and bool(self.run_path)
        resumable = ended and not self.finished
        self.start.setEnabled(free)
        self.start.setText("Start new" if ended else "Start")
        for widget, icon, first in ((self.start, "play", not resumable), (self.pause, "pause", resumable)):
            restyle(widget, "primary", first)
            theme.set_icon(widget, icon, "on_accent" if first else "text")
        self.pause.setEnabled(live or resumable)
        going_on = self.state == "paused" or ended
        self.pause.setText("Resume" if going_on else "Pause")
        self.pause.setAccessibleName(self.pause.text())
        theme.set_icon(self.pause, "play" if going_on else "pause", "on_accent" if resumable else "text")
        self.pause.setToolTip("The plan is done. Press Extend to train longer." if self.finished else "")
        self.stop.setEnabled(live or self.state == "starting")
        self.save.setEnabled(live)
        self.extend.setEnabled(live or ended)
        self.setup.setEnabled(free)
        self._say_edits()
        self.stack.setCurrentIndex(0 if self.state == "idle" and not self.run_path else 1)
        self.show_summary()
        self.state_shown()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.estimate.ask()

    def _question(self) -> EstimateTime | None:
        """What is to be timed: a training as it is set up now."""
        data = self.setup.data.currentData()
        if data is None or self.setup.problems():
            return None
        device = self.setup.device.currentText()
        return EstimateTime(self.setup.family.name, str(data), self.setup.values(), device)

    def show_summary(self) -> None:
        """Say how the run that is shown ended, if it has."""
        info = self.info if self.state == "stopped" else None
        if info is not None and info.step > 0:
            self.summary.say(f"{how_it_ended(info)} {self.result_words(info)}".strip())
        else:
            self.summary.say("")

    def show_cost(self) -> None:
        """Bring the line with the costs up to date."""
        config = self.setup.family.config
        if problems := self.setup.problems():
            self.cost.setText(f"Before a training can start: {self.setup.words(problems[0])}.")
        else:
            parsed, per_step = config.parse(self.setup.values()), self.estimate.seconds()
            # the headline says how long a training that runs still takes
            times = [] if per_step is None or self.busy else [in_words(per_step, *self.setup.plan(), self.faster(parsed))]
            self.cost.setText("\n".join([self.costs(parsed), *times]))
        restyle(self.cost, "problem", bool(problems))
        restyle(self.cost, "quiet", not problems)

    def show_checks(self, words: str) -> None:
        """What the checks of the chosen dataset found, in a few words; a click shows them all."""
        self.checks.setText(f"Data: {words}")
        self.checks.setAccessibleName(f"Checks of the dataset: {words}. Show them")
        self.checks.setVisible(bool(words))
        serious = words[:1].isdigit() and "problem" in words
        theme.set_icon(self.checks, "error" if serious else "warning" if "warning" in words else "check")

    def _connect(self) -> None:
        self.checks.clicked.connect(self.checks_wanted)
        self.start.clicked.connect(self.start_training)
        self.pause.clicked.connect(self.toggle_pause)
        self.stop.clicked.connect(self.stop_training)
        self.save.clicked.connect(self.save_now)
        self.setup.changed.connect(self.show_cost)
        self.setup.changed.connect(self._say_edits)
        self.setup.changed.connect(self.estimate.ask)
        self.estimate.changed.connect(self.show_cost)
        self.setup.file_wanted.connect(self.file_wanted)
        self.empty.triggered.connect(self.start_training)
        self.summary.extend_wanted.connect(lambda: self.extend_by(share=1.0))
        self.summary.write_wanted.connect(lambda: self.write_wanted.emit(self.run_path))
        self._engine.halted.connect(lambda name, _reason: self.on_halted(name))
        self._told.timeout.connect(self._headline)

    def _lay_out(self, name: str) -> None:
        self.extend.setAccessibleName("Train longer than planned")
        self.extend.setMenu(self._extend_menu())
        buttons = QGridLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.start, 0, 0, 1, 2)
        buttons.addWidget(self.pause, 1, 0)
        buttons.addWidget(self.stop, 1, 1)
        buttons.addWidget(self.save, 2, 0)
        buttons.addWidget(self.extend, 2, 1)
        left = QWidget()
        left.setObjectName("left_column")
        left.setMinimumWidth(336)
        self.column = QVBoxLayout(left)
        self.column.setContentsMargins(0, 0, 8, 0)
        self.column.setSpacing(8)
        self.column.addWidget(self.setup, 1)
        self.column.addWidget(self.cost)
        self.column.addWidget(self.checks)
        self.column.addLayout(buttons)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setObjectName(f"{name}_splitter")
        self.splitter.setChildrenCollapsible(False)
        right = QWidget()
        shown = QVBoxLayout(right)
        shown.setContentsMargins(0, 0, 0, 0)
        shown.setSpacing(4)
        shown.addWidget(self.summary)
        shown.addWidget(self.stack, 1)
        self.splitter.addWidget(left)
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([348, 932])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.splitter)

    def _extend_menu(self) -> QMenu:
        menu = QMenu(self)
        for text, much in (
            ("As long again", {"share": 1.0}),
            ("Half as long again", {"share": 0.5}),
            ("1,000 steps or 1 minute more", {"steps": 1000, "seconds": 60.0}),
            ("10,000 steps or 10 minutes more", {"steps": 10_000, "seconds": 600.0}),
        ):
            action = QAction(text, menu)
            action.setObjectName(f"extend_{text.split()[0].lower()}")
            action.triggered.connect(lambda _=False, much=much: self.extend_by(**much))
            menu.addAction(action)
        return menu

    @property
    def config_type(self) -> type[Config]:
        return self.setup.family.config

    @property
    def folder(self) -> Path | None:
        return Path(self.run_path) if self.run_path else None


def headline(progress: Progress, state: str, speed: str = "") -> str:
    """One line over the charts: state, step, time left, speed."""
    total = f" of {progress.total:,}" if progress.total else ""
    parts = [state, f"step {progress.step:,}{total}"]
    if progress.remaining is not None and state == "Training":
        parts.append(f"{duration(progress.remaining)} left")
    held_up = progress.note if state == "Training" else ""
    return "   ·   ".join([*parts, *filter(None, (speed, held_up))])
