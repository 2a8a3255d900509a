"""One run on the screen, live or read back: what the dashboard of its family declares."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from genstudio.config import Values, applies
from genstudio.events import Frame, Snapshot
from genstudio.families import AnyFamily
from genstudio.families.dashboard import (
    COMPLETE,
    DENOISE,
    DOCTOR,
    EXPLORE,
    GROW,
    LIVE,
    SAMPLE,
    SIDE,
    SLOW_MOTION,
    STAGE,
    TIMELINE,
    TRANSLATE,
    Pane,
    fitting,
)
from genstudio.snapshots.activity import Activity
from genstudio.snapshots.step_stage import StepStage
from genstudio.tasks.timeline import TimelineEntry
from genstudio.ui.engine import Engine
from genstudio.ui.gan.grow import GrowPage
from genstudio.ui.gan.slow import SlowMotion
from genstudio.ui.gan.translate import TranslatePage
from genstudio.ui.latent.complete import CompletePage
from genstudio.ui.latent.denoise import DenoisePage
from genstudio.ui.latent.explore import ExplorePage
from genstudio.ui.latent.sample import SamplePage
from genstudio.ui.layouts import Tabs, named, splitter, vbox
from genstudio.ui.tab_order import follow_the_eye
from genstudio.ui.train.charts import RunCharts
from genstudio.ui.train.diagnoses import DoctorPage
from genstudio.ui.train.live import LiveHandles
from genstudio.ui.train.panes import PaneView, with_field
from genstudio.ui.train.timeline import TimeMachine
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.model_drawing import ModelDrawing
from genstudio.ui.widgets import named_tabs, plain_label

_SLOWED = 0.76
"""Share of the height beside the stage that slow motion takes: its diagram is looked at, and the charts hardly move."""
_FILLED = (
    "Step {step:,}. Each row shows numbers that a module put out for one sample: blue is negative, orange positive. The number "
    "beside it is their root mean square (RMS): where it grows or shrinks from row to row, so do the signals."
)


class RunPanel(QWidget):
    """Shows the frames of one run. `watched(texts)` when other texts are to be followed, by their names for the learner;
    `failed(Failure)`.

    `pages` is the tab widget over all of it. On its first page `stage` has the whole height, with `side` over `charts` at its
    right; without a stage `charts` have it, and the first pane of the side for a kind of data stands over the others.
    `live`, `doctor`, `time`, `slow`, `explore` and `sample` are there where the family names the tool.
    """

    watched = Signal(object)
    failed = Signal(object)
    live: LiveHandles
    doctor: DoctorPage
    time: TimeMachine
    slow: SlowMotion
    explore: ExplorePage
    sample: SamplePage

    def __init__(self, engine: Engine, family: AnyFamily, prefix: str = "") -> None:
        super().__init__()
        self.setObjectName(f"{prefix}panel")
        self.family, self.board = family, family.dashboard
        self.tools = frozenset(self.board.tools) - (frozenset() if family.doctor else {DOCTOR})
        self.kind, self.run, self._live = "", "", False
        self._turned = False  # from the page Live to another, because nothing trains
        self._settings: Values = {}
        self._heights: list[int] = []
        self._shares: list[int] = []
        self._low = False
        self.panes = [PaneView(pane) for pane in self.board.panes]
        self.fields: dict[str, QLineEdit] = {}
        self._holders = {id(pane): self._held(pane) for pane in self.panes}
        beside: dict[str, list[QWidget]] = {}
        for pane in self.panes:
            if pane.pane.place not in (STAGE, SIDE):
                beside.setdefault(pane.pane.place, []).append(pane)
        self.charts = RunCharts(self.board, f"{prefix}charts", beside)
        self.stage = _tabs(f"{prefix}stage", "Views")
        self.pages = _tabs(f"{prefix}pages", "What is shown")
        self.side = _tabs(f"{prefix}side", "Actions")
        self.model = ModelDrawing(f"{prefix}model")
        self.model_note = plain_label(role="quiet", wrap=True, name=f"{prefix}model_note")
        self._make_tools(engine)
        self._lay_out(prefix)
        self._connect()
        self._sent = self.texts()

    def pane(self, channel: str) -> PaneView:
        """The pane that shows a channel. Raises StopIteration where there is none."""
        return next(pane for pane in self.panes if pane.takes(channel))

    def texts(self) -> dict[str, str]:
        """The texts that are followed, by their names for the learner."""
        return {name: field.text() for name, field in self.fields.items()}

    def set_texts(self, texts: Mapping[str, Any]) -> None:
        """Follow these texts; what is empty or no text is left out."""
        for name, field in self.fields.items():
            if isinstance(text := texts.get(name), str) and text:
                field.setText(text)
        self._sent = self.texts()

    def set_kind(self, kind: str) -> None:
        """Show what belongs to data of this kind."""
        self.kind = kind
        shown = self._fitting(kind)
        for tabs in (self.stage, self.side):
            for pane in self.panes:
                if (index := tabs.indexOf(self._holders[id(pane)])) >= 0:
                    tabs.setTabVisible(index, pane.pane in shown)
        for pane in self._over:
            self._holders[id(pane)].setVisible(pane.pane in shown)
        if self._low and not self.staged:
            place, over = self.side.indexOf(self._stacked), [pane.pane for pane in self._over if pane.pane in shown]
            self.side.setTabText(place, over[0].title if over else "")
            self.side.setTabVisible(place, bool(over))
        self.stage.tabBar().setVisible(sum(pane.place == STAGE for pane in shown) > 1)
        self.charts.set_kind(kind)

    def _fitting(self, kind: str) -> list[Pane]:
        """The panes that are for a kind of data, and for which the settings leave something to show."""
        return [pane for pane in fitting(self.board.panes, kind) if applies(pane.when, self._settings)]

    def set_run(self, path: str, state: str) -> None:
        """The run that is shown, and the state of its training, as a word of the tab's."""
        self.run, self._live = path, state in ("running", "paused")
        if LIVE in self.tools:
            self.live.set_live(self._live)
            self._choose_side()
        if SLOW_MOTION in self.tools:
            self.slow.set_live(self._live)
            if not self._live:
                self._make_room(False)
        if DOCTOR in self.tools:
            self.doctor.set_state(state)
        if TIMELINE in self.tools:
            self.time.set_run(path, self._live)
        if EXPLORE in self.tools:
            self.explore.set_run(path, self._live)
        if DENOISE in self.tools:
            self.denoise.set_run(path, self._live)
        if TRANSLATE in self.tools:
            self.translate.set_run(path, self._live)
        if GROW in self.tools:
            self.grow.set_run(path, self._live)
        if COMPLETE in self.tools:
            self.complete.set_run(path, self._live)

    def set_low(self, low: bool) -> None:
        """Where there is little height, nothing is stacked beside: the charts below the tabs, or what stands over these, is the
        first of them."""
        if low == self._low:
            return
        self._low = low
        self.charts.set_low(low)
        if low:
            self._shares = self.upright.sizes()
            self.side.insertTab(0, self._stacked, "Charts")
            self.side.setCurrentIndex(0)
        else:
            self.side.removeTab(self.side.indexOf(self._stacked))
            self.upright.insertWidget(1 if self.staged else 0, self._stacked)
            self._stacked.setVisible(self.staged or bool(self._over))
            self.upright.setSizes(self._shares)
        self.side.setVisible(self.side.count() > 0)
        self.set_kind(self.kind)
        follow_the_eye(self)

    def _make_room(self, slowed: bool) -> None:
        """More height for slow motion, and what was there before once it is over."""
        if slowed:
            self._heights = self.upright.sizes()
            whole = sum(self._heights)
            self.upright.setSizes([round(_SLOWED * whole), round((1 - _SLOWED) * whole)])
        elif self._heights:
            self.upright.setSizes(self._heights)
            self._heights = []

    def _choose_side(self) -> None:
        """Without a training there is nothing to change: show what can be done with what is there, until it trains again."""
        after = self.sample if SAMPLE in self.tools else self.doctor if DOCTOR in self.tools else None
        here = self.side.currentWidget()
        if after is not None and here is (after if self._live else self.live) and self._turned is self._live and self.run:
            self._turned = not self._live
            self.side.setCurrentWidget(self.live if self._live else after)

    def show_settings(self, values: Values) -> None:
        """The settings that a run begins with."""
        self.charts.show_settings(values)
        self._settings = values
        self.set_kind(self.kind)
        for pane in self.panes:
            said = pane.pane.field
            line = self.fields[said.name].parentWidget() if said is not None and said.name in self.fields else None
            if said is not None and line is not None:
                line.setVisible(applies(said.when, values))
        if LIVE in self.tools:
            self.live.set_values(values)

    def clear(self) -> None:
        """Forget the run that was shown."""
        self.charts.clear()
        self.model.show_snapshot(None)
        self.model_note.clear()
        for pane in self.panes:
            pane.clear()
        if SLOW_MOTION in self.tools:
            self.slow.show_stage(None)
        if SAMPLE in self.tools:
            self.sample.clear()
        if DOCTOR in self.tools:
            self.doctor.clear()
        if TIMELINE in self.tools:
            self.time.clear()

    def show_frame(self, frame: Frame) -> None:
        """Everything in the frame to where it belongs."""
        if TIMELINE in self.tools:
            frame = self.time.passing(frame)
        self.charts.show_frame(frame)
        if frame.settings is not None:
            self.charts.show_settings(frame.settings)
        if LIVE in self.tools:
            self.live.show_frame(frame)
        if DOCTOR in self.tools:
            self.doctor.show_frame(frame)
        if frame.back is not None:
            self.charts.forget_after(frame.back)
        stages = [snapshot for snapshot in frame.snapshots if isinstance(snapshot, StepStage)]
        if stages and self.slowed:
            self.slow.show_stage(stages[-1])
        for snapshot in frame.snapshots:
            self._show(snapshot, fixed=not stages)

    def show_moment(self, moment: TimelineEntry) -> None:
        """Everything that is looked at, as it was."""
        fixed = not (self.slowed and self.slow.stage is not None and self.time.following)
        for snapshot in moment.snapshots:
            self._show(snapshot, fixed)
        for pane in self.panes:
            pane.redraw()
        if self.time.step is not None and not moment.damaged:
            self._tell(self.time.step)

    @property
    def staged(self) -> bool:
        """Whether something stands on a stage of the full height, with the charts beside it."""
        return any(pane.place == STAGE for pane in self.board.panes)

    @property
    def slowed(self) -> bool:
        """Whether a step is walked through in stages."""
        return SLOW_MOTION in self.tools and self.slow.active

    def turn_page(self) -> None:
        """From the training to the explorer and back."""
        self.pages.setCurrentIndex((self.pages.currentIndex() + 1) % self.pages.count())

    def flush(self) -> None:
        """Hand the numbers that wait to their charts."""
        self.charts.flush()

    def looked_at(self) -> PaneView | None:
        """The pane that is in front: on the stage, else beside."""
        fitted = [pane for pane in self.panes if pane.pane in self._fitting(self.kind)]
        for place, tabs in ((STAGE, self.stage), (SIDE, self.side)):
            placed = [pane for pane in fitted if pane.pane.place == place]
            front = [pane for pane in placed if self._holders[id(pane)] is tabs.currentWidget()]
            if placed:
                return (front or placed)[0]
        return None

    def _show(self, snapshot: Snapshot, fixed: bool) -> None:
        if isinstance(snapshot, Activity):
            self.model.show_snapshot(snapshot)
            self.model_note.setText(_FILLED.format(step=snapshot.step))
        for pane in self.panes:
            if pane.takes(snapshot.channel):
                pane.show_snapshot(snapshot, fixed or snapshot.channel != pane.pane.staged)

    def _picked(self, pane: PaneView, index: int) -> None:
        """Look closer at a sample as it is shown, with the step and the score that belong to it."""
        if SAMPLE not in self.tools:
            return
        self.side.setCurrentWidget(self.sample)
        if index < pane.real:
            self.sample.explain(f"This is a real point from the dataset. Click a {pane.pane.made} to inspect it.")
        else:
            self._look_closer(pane, index - pane.real)

    def _look_closer(self, pane: PaneView | None, number: int) -> None:
        shown = None if pane is None else pane.shown(number)
        if pane is not None and shown is not None and self.run:
            self.sample.look(self.run, number, self._live, shown, pane.pane)

    def _edited(self) -> None:
        if (texts := self.texts()) != self._sent:
            self._sent = texts
            self.watched.emit(texts)

    def _cursor_moved(self, step: int | None) -> None:
        self.charts.set_cursor(step)
        self._tell(step)

    def _tell(self, step: int | None) -> None:
        """The numbers of a step under the slider."""
        values = {} if step is None else self.charts.values_at(step)
        self.time.tell("   ".join(f"{name.replace('_', ' ')} {value_text(value)}" for name, value in values.items()))

    def _diagnosed(self, holding: int) -> None:
        self.side.setTabText(self.side.indexOf(self.doctor), f"Doctor ({holding})" if holding else "Doctor")

    def _held(self, pane: PaneView) -> QWidget:
        holder, field = with_field(pane)
        if field is not None and pane.pane.field is not None:
            self.fields[pane.pane.field.name] = field
            field.editingFinished.connect(self._edited)
        return holder

    def _make_tools(self, engine: Engine) -> None:
        config, board = self.family.config, self.board
        if LIVE in self.tools:
            self.live = LiveHandles(config, board.handles)
        if SLOW_MOTION in self.tools:
            self.slow = SlowMotion(board.stages)
        if SAMPLE in self.tools:
            abilities = self.family.abilities
            self.sample = SamplePage(engine, judges="Judges" in abilities, noise="Samples" in abilities)
        if DOCTOR in self.tools:
            rules = () if self.family.doctor is None else self.family.doctor((), None).rules
            self.doctor = DoctorPage(config, [(rule.title, rule.says) for rule in rules])
        if TIMELINE in self.tools:
            self.time = TimeMachine(engine, board.channels())
        if EXPLORE in self.tools:
            self.explore = ExplorePage(engine)
        if DENOISE in self.tools:
            self.denoise = DenoisePage(engine)
        if TRANSLATE in self.tools:
            self.translate = TranslatePage(engine)
        if GROW in self.tools:
            self.grow = GrowPage(engine)
        if COMPLETE in self.tools:
            self.complete = CompletePage(engine)

    def _connect(self) -> None:
        for pane in self.panes:
            pane.failed.connect(self.failed)
            pane.built.connect(lambda: follow_the_eye(self))
            pane.picked.connect(partial(self._picked, pane))
        self.charts.failed.connect(self.failed)
        if SAMPLE in self.tools:
            self.sample.failed.connect(self.failed)
            self.sample.again_wanted.connect(lambda number: self._look_closer(self.looked_at(), number))
        if EXPLORE in self.tools:
            self.explore.failed.connect(self.failed)
        if DENOISE in self.tools:
            self.denoise.failed.connect(self.failed)
        if TRANSLATE in self.tools:
            self.translate.failed.connect(self.failed)
        if GROW in self.tools:
            self.grow.failed.connect(self.failed)
        if COMPLETE in self.tools:
            self.complete.failed.connect(self.failed)
        if SLOW_MOTION in self.tools:
            self.slow.diagram.failed.connect(self.failed)
        if DOCTOR in self.tools:
            self.doctor.changed.connect(self._diagnosed)
        if TIMELINE in self.tools:
            self._connect_time(self.time)

    def _connect_time(self, time: TimeMachine) -> None:
        time.failed.connect(self.failed)
        time.channel = lambda: "" if (pane := self.looked_at()) is None else pane.channel
        time.moment_shown.connect(self.show_moment)
        time.cursor_moved.connect(self._cursor_moved)
        self.charts.filled.connect(lambda: self._tell(time.step))
        self.charts.step_chosen.connect(time.go_to)
        if DOCTOR in self.tools:
            self.doctor.step_wanted.connect(time.go_to)
        if SLOW_MOTION in self.tools:
            self.slow.turn_on.toggled.connect(lambda _: time.follow())
            self.slow.turn_on.toggled.connect(self._make_room)
            self.slow.stage_wanted.connect(time.follow)

    def _first(self, beside: list[PaneView]) -> list[PaneView]:
        """Of the panes of the side, the first one for each kind of data."""
        found: dict[int, PaneView] = {}
        for kind in self.family.data_kinds:
            shown = fitting(self.board.panes, kind)
            first = next((pane for pane in beside if pane.pane in shown), None)
            if first is not None:
                found[id(first)] = first
        return list(found.values())

    def _lay_out(self, prefix: str) -> None:
        staged = self.staged
        beside = [pane for pane in self.panes if pane.pane.place == SIDE]
        first = self._over = [] if staged else self._first(beside)
        for pane in self.panes:
            if pane.pane.place == STAGE:
                self.stage.addTab(self._holders[id(pane)], pane.pane.title)
            elif pane.pane.place == SIDE and pane not in first:
                self.side.addTab(self._holders[id(pane)], pane.pane.title)
        for tool, name, title in (
            (LIVE, "live", "Live"), (SLOW_MOTION, "slow", "Slow motion"), (SAMPLE, "sample", "Sample"),
            (DOCTOR, "doctor", "Doctor"),
        ):  # fmt: skip
            if tool in self.tools:
                self.side.addTab(getattr(self, name), title)
        time = [self.time] if TIMELINE in self.tools else []
        self.above = _column(*((self.stage, *time) if staged else (self.charts, *time)))
        self._stacked = self.charts if staged else _column(*(self._holders[id(pane)] for pane in first))
        over, under = (self.side, self.charts) if staged else (self._stacked, self.side)
        share = (210, 320) if not staged else (280, 220) if any(pane.pane.tall for pane in beside) else (250, 250)
        grow = (1, 2) if staged else (3, 2)  # in a high window, beside a stage, it is the charts that can use more height
        self.upright = splitter(f"{prefix}upright_splitter", (over, grow[0]), (under, grow[1]), sizes=share)
        over.setVisible(staged or bool(first))
        self.side.setVisible(self.side.count() > 0)
        self.side.setMinimumWidth(280)
        self.side.setUsesScrollButtons(False)
        self.side.tabBar().setProperty("dense", True)  # all are seen where there is least room
        self.splitter = splitter(
            f"{prefix}run_splitter", (self.above, 1), (self.upright, 1), sizes=(580, 670) if staged else (700, 520), down=False
        )
        self.pages.addTab(self.splitter, "Training")
        if EXPLORE in self.tools:
            self.pages.addTab(self.explore, "Explore")
        if DENOISE in self.tools:
            self.pages.addTab(self.denoise, "Noise to samples")
        if TRANSLATE in self.tools:
            self.pages.addTab(self.translate, "Translate pictures")
        if GROW in self.tools:
            self.pages.addTab(self.grow, "Growth")
        if COMPLETE in self.tools:
            self.pages.addTab(self.complete, "Complete")
        inside = QWidget()
        vbox(self.model_note, (self.model, 1), into=inside, spacing=4)
        self.pages.addTab(inside, "Model")
        self.set_kind(self.family.data_kinds[0])
        vbox((self.pages, 1), into=self, spacing=4)


def _column(*widgets: QWidget) -> QWidget:
    """The first with all the room that the others leave."""
    holder = QWidget()
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for index, widget in enumerate(widgets):
        layout.addWidget(widget, 0 if index else 1)
    return holder


def _tabs(name: str, says: str) -> Tabs:
    tabs = named(Tabs(), name)
    named_tabs(tabs, says)
    tabs.setTabBarAutoHide(True)
    return tabs
