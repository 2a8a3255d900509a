"""A race: several trainings that differ in one setting, started together and watched side by side."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QStackedWidget,
    QWidget,
)

from genstudio.config import Config, Setting, Values, applies, number_text, value_words
from genstudio.errors import ConfigError, Failure, Problem
from genstudio.events import Array, Frame, Progress, Snapshot
from genstudio.families.dashboard import SIDE, STAGE, Chart, Dashboard, Line, Measure, Pane, fitting
from genstudio.runs import RunInfo, list_models
from genstudio.tasks.evaluate import ReadReferences
from genstudio.tasks.runs import Past, ReadPast
from genstudio.tasks.train import Resume, Train
from genstudio.ui import theme
from genstudio.ui.asking import Asking
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import choice, hbox, named, single_shot, splitter, vbox
from genstudio.ui.numbers import duration
from genstudio.ui.parts import scrolled
from genstudio.ui.runs.wording import names_of
from genstudio.ui.train.panes import PaneView, PlanePage
from genstudio.ui.train.setup import SetupColumn
from genstudio.ui.train.summary import plan_words
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.curves import CurvesView
from genstudio.ui.widgets import ElidedLabel, button, plain_label, primary_button

MAXIMUM = len(theme.CYCLE)
"""Racers, each with a colour of its own."""
SEED = "seed"
_SEED_HELP = "The start value of the random numbers: how much of a difference is chance."
_MICRO = 1_000_000
_FLUSH_MS = 250
_LANE = 272
_STEPS, _TIME = "by step", "by training time"


@dataclass(frozen=True, slots=True)
class Racer:
    """One of the trainings: what its value is called, its settings, and its seed."""

    label: str
    values: Values
    seed: int


def racers(
    config: type[Config], values: Values, seed: int, name: str, texts: Sequence[str],
    labels: Mapping[str, str] = {},
) -> tuple[Racer, ...]:  # fmt: skip
    """A racer for each text of a value of the setting `name` (or of SEED), all else as in `values`. A text that has one of the
    `labels` is called that, and counts though it be empty.

    Raises ConfigError: of fewer than two, of more than MAXIMUM, of two that are equal, and of what a value makes impossible,
    each problem with the value that it is about.
    """
    wanted = [text.strip() for text in texts if text.strip() or text in labels]
    if not 2 <= len(wanted) <= MAXIMUM:
        raise ConfigError([Problem(name, f"a race needs from 2 to {MAXIMUM} values, here there are {len(wanted)}")])
    base, found, problems = config.parse(values), list[Racer](), list[Problem]()
    words = next((one.words for one in config.settings() if one.name == name), value_words)
    for text in wanted:
        try:
            if name == SEED:
                if not (text.isdecimal() and int(text) < 2**31):
                    raise ConfigError([Problem(name, f"'{text}' is not a seed: use a whole number from 0 to {2**31 - 1:,}")])
                racer = Racer(f"seed {int(text)}", base.model_dump(), int(text))
            else:
                changed = base.override([f"{name}={text}"]).model_dump()
                racer = Racer(labels.get(text) or words(changed[name]), changed, seed)
        except ConfigError as error:
            problems += [Problem(problem.field, f"{text}: {problem.message}") for problem in error.problems]
            continue
        if any((racer.values, racer.seed) == (other.values, other.seed) for other in found):
            problems.append(Problem(name, f"{text} is there twice"))
        found.append(racer)
    if problems:
        raise ConfigError(problems)
    return tuple(found)


@dataclass(slots=True)
class Record:
    """The numbers of one racer: by name its steps (n,), the training time of each in microseconds (n,), and values (n,)."""

    progress: Progress = field(default_factory=Progress)
    _columns: dict[str, list[tuple[Array, Array, Array]]] = field(default_factory=dict)
    _before: tuple[int, float] = (0, 0.0)

    def add(self, frame: Frame) -> None:
        """What a frame brings; the time of each step lies between those of its frame and the one before."""
        told = frame.progress
        if told is not None and told.elapsed:
            self.progress = told
        (step, elapsed), now = self._before, self.progress
        span = max(now.step - step, 1)
        for name, series in frame.series.items():
            share = np.clip((series.steps - step) / span, 0.0, 1.0)
            times = ((elapsed + share * max(now.elapsed - elapsed, 0.0)) * _MICRO).astype(np.int64)
            self._columns.setdefault(name, []).append((series.steps, times, series.values))
        self._before = (now.step, now.elapsed)

    def cut(self, step: int) -> bool:
        """Forget what came after a step: a training continues from there. Returns whether there was anything."""
        later = self._before[0] > step
        for name, parts in self._columns.items() if later else ():
            kept = [(part[0] <= step, part) for part in parts]
            self._columns[name] = [tuple(column[here] for column in part) for here, part in kept]  # type: ignore[misc]
        if later:
            self._before = step, self.progress.elapsed if self.progress.step <= step else 0.0
        return later

    def recall(self, past: Past) -> None:
        """What a run has behind it, before any frame of it came."""
        last = int(past.steps[-1]), float(past.seconds[-1])
        for name, series in past.series.items():
            times = (np.interp(series.steps, past.steps, past.seconds) * _MICRO).astype(np.int64)
            self._columns[name] = [(series.steps, times, series.values)]
        self.progress, self._before = Progress(step=last[0], elapsed=last[1]), last

    def points(self, name: str, by_time: bool) -> tuple[Array, Array]:
        """Steps or microseconds (n,), each later than the one before, and values (n,)."""
        parts = self._columns.get(name)
        if not parts:
            return np.empty(0, np.int64), np.empty(0)
        whole = [np.concatenate(column) for column in zip(*parts, strict=True)]
        if len(parts) > 1:
            self._columns[name] = [(whole[0], whole[1], whole[2])]
        if not by_time:
            return whole[0], whole[2]
        order = np.arange(len(whole[1]))
        return np.maximum.accumulate(whole[1] - order) + order, whole[2]

    def last(self, name: str) -> float | None:
        """The newest value of this name."""
        parts = [part for part in self._columns.get(name, ()) if len(part[2])]
        return float(parts[-1][2][-1]) if parts else None


def verdict(measures: Sequence[Measure], labels: Sequence[str], records: Sequence[Record]) -> str:
    """Who is ahead, by the first measure that all racers have: "transformer is ahead: exact match 0.91, against 0.52 (rnn)"."""
    for measure in measures:
        values = [record.last(measure.name) for record in records]
        known = [value for value in values if value is not None]
        if not measure.better or len(known) < len(values) or not known or not np.isfinite(known).all():
            continue
        order = sorted(range(len(known)), key=lambda i: known[i], reverse=measure.better == "higher")
        best = [i for i in order if known[i] == known[order[0]]]
        others = [f"{value_text(known[i])} ({labels[i]})" for i in order if i not in best]
        who = f"{labels[best[0]]} is ahead" if len(best) == 1 else f"{_and([labels[i] for i in best])} are level"
        against = f", against {_and(others)}" if others else ""
        return f"{who}: {measure.words} {value_text(known[order[0]])}{against}."
    return ""


def _and(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def lines_of(board: Dashboard, kind: str) -> list[tuple[Chart, Line]]:
    """Every line of the charts for a kind of data: first the one that says how good a model is."""
    every = [(chart, line) for chart in fitting(board.charts, kind) for line in chart.lines]
    result = [measure.name for measure in board.result]
    return sorted(every, key=lambda pair: result.index(pair[1].name) if pair[1].name in result else len(result))


class RaceSetup(QFrame):
    """What differs, and in which values. `started()`, `closed()`."""

    started = Signal()
    closed = Signal()

    def __init__(self, setup: SetupColumn, prefix: str) -> None:
        super().__init__()
        self.setObjectName(f"{prefix}race_setup")
        self._setup = setup
        self._listed = "", 0
        self._known: list[RunInfo] = []
        self.what = choice(f"{prefix}race_setting", "The setting that differs")
        self.choices = QWidget()
        self._grid = QGridLayout(self.choices)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self.boxes: list[QCheckBox] = []
        self.values = named(QLineEdit(), f"{prefix}race_values", "Values, separated by semicolons")
        self.values.setPlaceholderText("values, separated by semicolons: 0.001; 0.01")
        self.help = plain_label(role="quiet", wrap=True, name=f"{prefix}race_help")
        self.note = plain_label(role="quiet", wrap=True, name=f"{prefix}race_note")
        self.problem = plain_label(role="problem", wrap=True, name=f"{prefix}race_problem")
        self.start = primary_button("Start race", f"{prefix}race_start", "play")
        self.back = button("Close", f"{prefix}race_close", "close", "Close the race", self.closed.emit)
        self._lay_out()
        self.what.currentIndexChanged.connect(lambda _: self._choose())
        self.values.textChanged.connect(lambda _: self.check())
        self.start.clicked.connect(lambda _=False: self.started.emit())

    def begin(self) -> None:
        """Look which runs there are, which takes a moment where there are many, and fill the page."""
        self._known = list_models()
        self.fill()

    def fill(self) -> None:
        """The settings of the family that is set up: the one that is usually raced first, then choices."""
        family = self._setup.family
        settings = [one for one in family.config.settings() if one.kind != "text" or _runs(self._known, one)]
        if (family.name, len(settings)) != self._listed:
            self._listed = family.name, len(settings)
            usual = family.dashboard.race
            settings.sort(key=lambda one: (one.name != usual, one.kind != "choice", not one.main))
            self.what.blockSignals(True)
            self.what.clear()
            for one in settings:
                self.what.addItem(one.label, one.name)
            self.what.addItem("Seed", SEED)
            self.what.blockSignals(False)
        self._choose()

    @property
    def name(self) -> str:
        """The setting that differs."""
        return str(self.what.currentData())

    @property
    def group(self) -> str:
        """The group of that setting."""
        setting = self._setting()
        return "" if setting is None else setting.group

    def entries(self) -> tuple[Racer, ...]:
        """Who races. Raises ConfigError.

        Where one starts from a run, all have the size and the tokens of that run, also the one that starts from scratch.
        """
        (values, seed), family, setting = self._setup.parsed(), self._setup.family, self._setting()
        texts = self.texts()
        if setting is not None and setting.run and family.resolve is not None and any(texts):
            start = family.config.parse({**values, self.name: next(filter(None, texts))})
            values = {**family.resolve(start).model_dump(), self.name: values[self.name]}
        labels = {str(box.property("value")): box.text() for box in self.boxes} if setting is not None and setting.run else {}
        return racers(family.config, values, seed, self.name, texts, labels)

    def texts(self) -> list[str]:
        """The values that are chosen."""
        if self.boxes:
            return [str(box.property("value")) for box in self.boxes if box.isChecked()]
        return self.values.text().split(";")

    def check(self) -> None:
        """Say what will be raced, or why it cannot be."""
        try:
            count, plan = len(self.entries()), self._setup.plan()
        except ConfigError as error:
            self.problem.setText("\n".join(f"{problem.message}." for problem in error.problems))
            self.note.setText("")
        else:
            self.problem.setText("")
            steps, seconds = plan
            each = plan_words({"steps": steps} if steps is not None else {"seconds": seconds or 0.0})
            whole = "" if seconds is None else f", {duration(count * seconds)} in all"
            self.note.setText(
                f"{count} trainings of {each} each{whole}. They take turns, and only the time that each has had counts. "
                "Dataset, length, seed and all other settings are as set up at the left."
            )
        self.problem.setVisible(bool(self.problem.text()))
        self.start.setEnabled(not self.problem.text() and self._setup.data.currentData() is not None)

    def _setting(self) -> Setting | None:
        return next((one for one in self._setup.family.config.settings() if one.name == self.name), None)

    def _choose(self) -> None:
        setting = self._setting()
        self.help.setText(_SEED_HELP if setting is None else setting.help)
        options: tuple[str, ...] = () if setting is None else setting.choices
        words = {"true": "on", "false": "off"} | {option: setting.words(option) for option in options if setting is not None}
        if setting is not None and setting.run:
            chosen = str(self._setup.values().get(setting.name) or "")
            known = _runs(self._known, setting, chosen, str(self._setup.data.currentData()))
            words = {"": setting.empty or "from scratch", **known}
            options = tuple(words)
        if setting is not None and setting.kind == "bool":
            options = ("true", "false")
        for box in self.boxes:
            box.deleteLater()
        self.boxes = [self._box(option, words.get(option, option), index, len(options)) for index, option in enumerate(options)]
        self.choices.setVisible(bool(options))
        self.values.setVisible(not options)
        if not options:
            self.values.setText("; ".join(self._usual(setting)))
        self.check()

    def _box(self, option: str, words: str, index: int, count: int) -> QCheckBox:
        setting = self._setting()
        box = named(QCheckBox(words), f"race_value_{option}", words)
        box.setProperty("value", option)
        box.setChecked(index < (MAXIMUM if count <= MAXIMUM and not (setting and setting.run) else 2))
        box.toggled.connect(lambda _: self.check())
        self._grid.addWidget(box, index // 3, index % 3)
        return box

    def _usual(self, setting: Setting | None) -> list[str]:
        """Values to begin with: what is set up now, and a fifth or a half of it and its like."""
        if setting is None:
            return ["0", "1", "2"]
        now = self._setup.values().get(setting.name)
        if not isinstance(now, int | float):
            return []
        factors = (0.2, 1.0, 5.0) if setting.logarithmic else (0.5, 1.0, 2.0)
        around = [float(f"{now * factor:.3g}") for factor in factors] if now else [0.0, 0.5 if setting.kind == "float" else 1.0]
        if setting.kind == "int":
            around = [float(round(value)) for value in around]
        low = -np.inf if setting.low is None else setting.low
        high = np.inf if setting.high is None else setting.high
        inside = dict.fromkeys(value for value in around if low <= value <= high)
        return [number_text(int(value) if setting.kind == "int" else value) for value in inside]

    def _lay_out(self) -> None:
        self.setProperty("panel", True)
        title = plain_label("Race", role="title")
        says = plain_label(
            "Several models of the same kind that differ in one setting train together on one dataset: their curves on one "
            "chart, what they make side by side.",
            role="quiet", wrap=True,
        )  # fmt: skip
        label = plain_label("What differs")
        label.setBuddy(self.what)
        row = hbox(label, self.what, None)
        vbox(
            title, says, 8, row, self.help, self.choices, self.values, self.note, self.problem,
            hbox(self.start, self.back, None), None, into=self, margins=(16, 16, 16, 16),
        )  # fmt: skip


def _runs(known: Sequence[RunInfo], setting: Setting, chosen: str = "", data: str = "") -> dict[str, str]:
    """The names of some runs that a setting can name, by their ids, the newest first: before them the one that is `chosen`, and
    behind them those that started from another run, or learned from this dataset."""
    wanted = setting.run.split("|")
    found = [info for info in known if info.family in wanted and info.usable]
    found.sort(key=lambda info: (
        chosen not in (info.id, info.name), bool(info.config.get(setting.name)), info.dataset.get("id") == data
    ))  # fmt: skip
    return names_of(found[: MAXIMUM - 1])


class Lane(QFrame):
    """One racer: its name and numbers over what it makes. `open_wanted(path)` to look at its run alone."""

    open_wanted = Signal(str)
    failed = Signal(object)

    def __init__(self, racer: Racer, color: str, measures: Sequence[Measure], number: int) -> None:
        super().__init__()
        self.setObjectName(f"race_lane_{number}")
        self.setAccessibleName(racer.label)
        self.racer, self.color, self.record = racer, color, Record()
        self.run, self.state, self.job = "", "starting", ""
        self._measures = measures
        self._newest: dict[str, Snapshot] = {}
        self.pane: PaneView | None = None
        self.name = plain_label()
        self.name.setFont(theme.font(theme.NORMAL, bold=True))
        self.numbers = named(ElidedLabel(), f"race_numbers_{number}", f"{racer.label}: step and measures")
        self.numbers.setFont(theme.font(theme.SMALL, tabular=True))
        self.numbers.setProperty("quiet", True)
        self.open = button("Open", f"race_open_{number}", "", f"Open the run of {racer.label} alone", self._open)
        self.open.setEnabled(False)
        self._place = QStackedWidget()
        vbox(hbox((self.name, 1), self.open), self.numbers, (self._place, 1), into=self, margins=(4, 4, 4, 4), spacing=4)
        theme.changed.connect(self._recolour)
        self._recolour()
        self.say()

    def show_pane(self, pane: Pane | None) -> None:
        """Show this of what it makes."""
        if self.pane is not None:
            self._place.removeWidget(self.pane)
            self.pane.deleteLater()
        self.pane = None if pane is None else PaneView(pane)
        if self.pane is not None:
            self.pane.failed.connect(self.failed)
            self.pane.built.connect(self._narrow)
            self._place.addWidget(self.pane)
            for snapshot in self._newest.values():
                self._show(snapshot)

    def show_frame(self, frame: Frame) -> bool:
        """Numbers are kept; the newest picture of each channel is shown. Returns whether numbers that were there are no more: a
        training went back, or continues from a checkpoint before them."""
        if frame.run:
            self.run, self.state = frame.run, "training"
        at = frame.progress.step if frame.run and frame.progress is not None else frame.back
        gone = at is not None and self.record.cut(at)
        self.record.add(frame)
        self._show_all(frame.snapshots)
        return gone

    def show_past(self, past: Past) -> None:
        """The numbers and pictures of a run of the disk."""
        self.record.recall(past)
        self._show_all(past.snapshots)
        self.say()

    def _show_all(self, snapshots: Sequence[Snapshot]) -> None:
        for snapshot in snapshots:
            self._newest[snapshot.channel] = snapshot
            self._show(snapshot)

    def set_state(self, state: str) -> None:
        """starting, training, paused, saving, finished, stopped or failed."""
        self.state = state
        self.open.setEnabled(bool(self.run) and state in ("finished", "stopped", "failed"))
        self.say()

    @property
    def at_work(self) -> bool:
        return self.state in ("starting", "training", "paused", "saving")

    def say(self) -> None:
        """Bring the numbers up to date."""
        now = self.record.progress
        parts = [self.state] if self.state != "training" or not now.elapsed else []
        if now.elapsed:
            parts += [f"step {now.step:,}", duration(now.elapsed)]
        for measure in self._measures:
            if (value := self.record.last(measure.name)) is not None:
                parts.append(f"{measure.words} {value_text(value)}")
        self.numbers.setText("  ·  ".join(parts))

    def _show(self, snapshot: Snapshot) -> None:
        if self.pane is not None and self.pane.takes(snapshot.channel):
            self.pane.show_snapshot(snapshot)

    def _narrow(self) -> None:
        """A lane has no room for the boxes of layers."""
        for view in self.findChildren(PlanePage):
            view.switches.hide()

    def _recolour(self, _theme: object = None) -> None:
        self.name.setText(f"● {self.racer.label}")
        self.name.setStyleSheet(f"color: {theme.visible(self.color)}")

    def _open(self) -> None:
        if self.run:
            self.open_wanted.emit(self.run)


class RacePage(QStackedWidget):
    """Set up a race, then watch it; one that was stopped, or that ended with the program, can be resumed.

    `failed(Failure)`; `changed()` when a run begins or ends; `closed()`; `working(text)`; `open_wanted(path)` to look at one of
    the runs alone.
    """

    failed = Signal(object)
    changed = Signal()
    closed = Signal()
    working = Signal(str)
    open_wanted = Signal(str)

    def __init__(self, engine: Engine, setup: SetupColumn, prefix: str = "") -> None:
        super().__init__()
        self.setObjectName(f"{prefix}race")
        self._engine, self._setup, self._prefix = engine, setup, prefix
        self.set_up = RaceSetup(setup, prefix)
        self.lanes: list[Lane] = []
        self.charts: list[CurvesView] = []
        self.watch: Mapping[str, str] = {}
        self._lines: list[tuple[Chart, Line]] = []
        self._references: Mapping[str, float] = {}
        self._asking = Asking(engine)
        self._board = setup.family.dashboard
        self.title = named(ElidedLabel(), f"{prefix}race_title")
        self.title.setProperty("heading", True)
        self.headline = named(ElidedLabel(), f"{prefix}race_headline", "Who is ahead")
        self.pause = button("Pause", f"{prefix}race_pause", "pause", "Pause all", self.toggle_pause)
        self.stop = button("Stop", f"{prefix}race_stop", "stop", "Stop all and save them", self.stop_all)
        self.again = button("Another race", f"{prefix}race_again", "refresh", "Set up another race", self.begin)
        self.leave = button("Close", f"{prefix}race_leave", "close", "Close the race; its runs stay in Runs", self.close_race)
        self.which = [choice(f"{prefix}race_line_{i}", f"What chart {i + 1} shows") for i in range(2)]
        self.axis = choice(f"{prefix}race_axis", "What the curves are drawn over", _TIME, _STEPS)
        self.shown = choice(f"{prefix}race_shown", "What of each model is shown")
        self._flush = single_shot(self, _FLUSH_MS)
        self._lay_out()
        self._flush.timeout.connect(self._draw)
        self.set_up.started.connect(self.start)
        self.set_up.closed.connect(self.closed)
        for box in (*self.which, self.axis):
            box.activated.connect(lambda _: self._build_charts())
        self.shown.activated.connect(lambda _: self._show_panes())

    @property
    def running(self) -> bool:
        """Whether a training of the race is at work or waits."""
        return any(lane.at_work for lane in self.lanes)

    @property
    def resumable(self) -> bool:
        """Whether some of it was stopped before its end."""
        return not self.running and any(lane.state == "stopped" and lane.run for lane in self.lanes)

    @property
    def live(self) -> tuple[str, ...]:
        """The runs that are in training now."""
        return tuple(lane.run for lane in self.lanes if lane.run and lane.state in ("training", "paused"))

    def owns(self, name: str) -> bool:
        """Whether a task of the engine is one of the race."""
        return any(lane.job == name for lane in self.lanes)

    def cancel(self, name: str) -> None:
        """Stop one of the trainings."""
        for lane in self.lanes:
            if lane.job == name and lane.at_work:
                lane.set_state("saving")
                self._engine.stop(name)

    def begin(self) -> None:
        """Show what can be set up."""
        if not self.running:
            self.set_up.begin()
            self.setCurrentIndex(0)

    def start(self) -> None:
        """Start all of them. What stands in the way is said where it was set up."""
        if self.running or self._setup.data.currentData() is None:
            return
        try:
            entries, (steps, seconds) = self.set_up.entries(), self._setup.plan()
        except ConfigError:
            self.set_up.check()
            return
        self._clear()
        family, title = self._setup.family, self._setup.data.currentText()
        self._line_up(entries, self.set_up.name)
        given, race = self._setup.name.text().strip() or title, secrets.token_hex(8)
        for place, lane in enumerate(self.lanes):
            task = Train(
                family=family.name, data=self._setup.data.currentData(), config=lane.racer.values, steps=steps,
                seconds=seconds, seed=lane.racer.seed, device=self._setup.device.currentText(),
                name=f"{given}, {lane.racer.label}"[:80], watch=self.watch,
                race={"id": race, "setting": self.set_up.name, "label": lane.racer.label, "place": place},
            )  # fmt: skip
            self._begin(lane, task)
        self._state()
        self.changed.emit()

    def show_runs(self, infos: Sequence[RunInfo]) -> None:
        """Runs of one race as they were; the family and the dataset are set up already."""
        if self.running:
            return
        self._clear()
        some = infos[:MAXIMUM]
        self._line_up(
            [Racer(str(info.race["label"]), info.config, info.seed) for info in some], str(some[0].race["setting"])
        )
        for lane, info in zip(self.lanes, some, strict=True):
            lane.run = str(info.folder)
            lane.set_state("finished" if info.state == "finished" else "stopped")
            self._engine.start(ReadPast(lane.run), None, self._read, on_result=partial(self._show_past, lane))
        self._state()

    def _show_past(self, lane: Lane, past: Past) -> None:
        if lane in self.lanes and not lane.at_work:
            lane.show_past(past)
            self._draw()

    def _read(self, failure: Failure | None) -> None:
        if failure is not None:
            self.failed.emit(failure)

    def _line_up(self, entries: Sequence[Racer], name: str) -> None:
        """A lane for each, which differ in the setting `name`, and charts that are empty yet."""
        family, info, title = self._setup.family, self._setup.info, self._setup.data.currentText()
        setting = next((one for one in family.config.settings() if one.name == name), None)
        differs, group = ("seed", "") if setting is None else (setting.label.lower(), setting.group)
        self._board = family.dashboard
        self.title.setText(f"Race: {differs}, on {title}")
        measures = self._board.summary or self._board.result
        for number, racer in enumerate(entries):
            lane = Lane(racer, theme.CYCLE[number], measures, number)
            lane.setMinimumWidth(_LANE)
            lane.open_wanted.connect(self._open)
            lane.failed.connect(self.failed)
            self.lanes.append(lane)
            self._row.addWidget(lane, 1)
        self._fill("" if info is None else info.kind)
        self._refer(entries[0].values, group)
        self.setCurrentIndex(1)

    def _begin(self, lane: Lane, task: Train | Resume) -> None:
        lane.set_state("starting")
        lane.job = self._engine.start(
            task, partial(self._came, lane), partial(self._ended, lane), on_result=partial(self._finished, lane)
        )

    def _refer(self, values: Values, group: str) -> None:
        """Ask what the curves are compared with, where it is the same for all: what tokens are is a setting of the data."""
        self._references = {}
        if self._board.references is not None and group != "Data" and self._setup.data.currentData() is not None:
            task = ReadReferences(self._setup.family.name, self._setup.data.currentData(), values)
            self._asking.ask("references", task, on_result=self._show_references)

    def _show_references(self, found: Mapping[str, float]) -> None:
        self._references = found
        for chart, box in zip(self.charts, self.which, strict=True):
            self._show_reference(chart, self._lines[max(box.currentIndex(), 0)][0])

    def _show_reference(self, view: CurvesView, spec: Chart) -> None:
        for line in spec.references:
            value = self._references.get(line.name) if line.value is None else line.value
            if value is not None and all(applies(line.when, lane.racer.values) for lane in self.lanes):
                view.set_reference(line.name, value, line.words.format(value), line.short.format(value))

    def toggle_pause(self) -> None:
        """All pause, or all continue, those that were stopped too."""
        if self.resumable:
            for lane in self.lanes:
                if lane.state == "stopped" and lane.run:
                    self._begin(lane, Resume(lane.run, watch=self.watch))
            self._state()
            self.changed.emit()
            return
        pausing = any(lane.state in ("starting", "training") for lane in self.lanes)
        for lane in self.lanes:
            if pausing and lane.state in ("starting", "training"):
                self._engine.pause(lane.job)
                lane.set_state("paused")
            elif not pausing and lane.state == "paused":
                self._engine.resume(lane.job)
                lane.set_state("training" if lane.run else "starting")
        self._state()

    def stop_all(self) -> None:
        """Stop and save all that are at work."""
        for lane in self.lanes:
            self.cancel(lane.job)
        self._state()

    def close_race(self) -> None:
        """Leave the page; what has been trained stays in Runs."""
        if not self.running:
            self._clear()
            self.closed.emit()

    def on_halted(self, name: str) -> None:
        """A training waits until a person has acted."""
        for lane in self.lanes:
            if lane.job == name:
                lane.set_state("paused")
                self._state()

    def _open(self, path: str) -> None:
        if not self.running:
            self.close_race()
            self.open_wanted.emit(path)

    def _came(self, lane: Lane, frame: Frame) -> None:
        fresh = bool(frame.run)
        if lane.show_frame(frame):
            self._build_charts()
        if fresh:
            self.changed.emit()
        if not self._flush.isActive():
            self._flush.start()

    def _finished(self, lane: Lane, _path: str) -> None:
        lane.set_state("finished")

    def _ended(self, lane: Lane, failure: Failure | None) -> None:
        if failure is not None:
            lane.set_state("failed")
            self.failed.emit(failure)
        elif lane.state != "finished":
            lane.set_state("stopped")
        self._draw()
        self._state()
        self.changed.emit()

    def _state(self) -> None:
        running = self.running
        waiting = running and not any(lane.state in ("starting", "training", "saving") for lane in self.lanes)
        waiting = waiting or self.resumable
        self.pause.setEnabled(running or waiting)
        self.pause.setText("Resume" if waiting else "Pause")
        self.pause.setAccessibleName("Resume all" if waiting else "Pause all")
        theme.set_icon(self.pause, "play" if waiting else "pause")
        self.stop.setEnabled(running)
        self.again.setEnabled(not running)
        self.leave.setEnabled(not running)
        for lane in self.lanes:
            lane.open.setEnabled(not running and bool(lane.run))
        self._say()

    def _say(self) -> None:
        """Who is ahead, and how long all of it takes still."""
        said = verdict(self._board.result, [lane.racer.label for lane in self.lanes], [lane.record for lane in self.lanes])
        left = sum(lane.record.progress.remaining or 0.0 for lane in self.lanes if lane.state == "training")
        words = [said] if said else []
        if left and self.running:
            words.insert(0, f"{duration(left)} left")
        self.headline.setText("  ·  ".join(words) or ("Starting…" if self.running else ""))
        if self.lanes:
            done = sum(not lane.at_work for lane in self.lanes)
            count = len(self.lanes)
            self.working.emit(f"Race of {count}" + (f", {done} done" if self.running else " ended"))

    def _draw(self) -> None:
        """Hand the numbers that have come to the charts and the lanes."""
        by_time = self.axis.currentText() == _TIME
        for chart, box in zip(self.charts, self.which, strict=True):
            _, line = self._lines[max(box.currentIndex(), 0)]
            for number, lane in enumerate(self.lanes):
                at, values = lane.record.points(line.name, by_time)
                known = len(chart.points(str(number))[0])
                if len(at) > known:
                    chart.append(str(number), at[known:], values[known:])
        for lane in self.lanes:
            lane.say()
        self._say()

    def _fill(self, kind: str) -> None:
        """What can be chosen of the family, and the first charts and panes."""
        self._lines = lines_of(self._board, kind)
        training = next((i for i, (_, line) in enumerate(self._lines) if line.role == "training" and i), 1)
        for box, first in zip(self.which, (0, training), strict=True):
            box.clear()
            for chart, line in self._lines:
                box.addItem(chart.title if len(chart.lines) == 1 else f"{chart.title}: {line.label}")
            box.setCurrentIndex(min(first, len(self._lines) - 1))
            box.setVisible(bool(self._lines))
        panes = [pane for pane in fitting(self._board.panes, kind) if pane.place in (STAGE, SIDE)]
        panes = panes or list(fitting(self._board.panes, kind))
        self.shown.clear()
        for pane in panes:
            self.shown.addItem(pane.title, pane)
        self.shown.setVisible(len(panes) > 1)
        self._build_charts()
        self._show_panes()

    def _build_charts(self) -> None:
        for old in self.charts:
            self._charts.removeWidget(old)
            old.deleteLater()
        self.charts = []
        for number, box in enumerate(self.which):
            if not self._lines:
                return
            spec, line = self._lines[max(box.currentIndex(), 0)]
            rows = [Line(str(i), lane.racer.label, lane.color, line.smooth) for i, lane in enumerate(self.lanes)]
            title = spec.title if len(spec.lines) == 1 else f"{spec.title}, {line.label}"
            by_time = self.axis.currentText() == _TIME
            view = CurvesView(title, spec.unit, rows, log=spec.log, name=f"{self._prefix}race_chart_{number}")
            view.set_axis(scale=_MICRO if by_time else 1)
            view.failed.connect(self.failed)
            self._show_reference(view, spec)
            self.charts.append(view)
            self._charts.addWidget(view, 1)
        self._draw()

    def _show_panes(self) -> None:
        pane = self.shown.currentData()
        for lane in self.lanes:
            lane.show_pane(pane)

    def _clear(self) -> None:
        self._flush.stop()
        for lane in self.lanes:
            self._row.removeWidget(lane)
            lane.deleteLater()
        self.lanes = []

    def _lay_out(self) -> None:
        holder = QWidget()
        self._charts = QHBoxLayout()
        self._charts.setSpacing(8)
        upper = QWidget()
        vbox(hbox(*self.which, self.axis, None), (self._charts, 1), into=upper)
        lanes = QWidget()
        self._row = hbox(into=lanes, spacing=8)
        scroll = named(QScrollArea(), f"{self._prefix}race_lanes")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(lanes)
        lower = QWidget()
        label = plain_label("Side by side", role="quiet")
        label.setBuddy(self.shown)
        vbox(hbox(label, self.shown, None), (scroll, 1), into=lower)
        split = splitter(f"{self._prefix}race_splitter", (upper, 1), (lower, 1), sizes=(260, 320))
        top = hbox((self.title, 1), self.pause, self.stop, self.again, self.leave)
        vbox(top, self.headline, (split, 1), into=holder, spacing=4)
        self.addWidget(scrolled(self.set_up, f"{self._prefix}race_setup_scroll"))
        self.addWidget(holder)
