"""Slow motion: an iteration of a GAN stage by stage, in numbers, in words and on the way that the data takes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget

from genstudio.snapshots.step_stage import StepStage
from genstudio.training.changes import Pace
from genstudio.ui import theme
from genstudio.ui.gan.diagram import StageDiagram
from genstudio.ui.layouts import Flow, choice, named, paired, single_shot, vbox
from genstudio.ui.parts import scrolled
from genstudio.ui.views.chart import value_text
from genstudio.ui.widgets import LabeledSlider, button, plain_label, restyle, tooltip

TRAINED = {"Train both": "both", "Only the discriminator": "discriminator", "Only the generator": "generator"}


class SlowMotion(QWidget):
    """Asks for one stage at a time: `stage_wanted()`; `pace_wanted(Pace)` when the way of moving changes.

    `left()` when slow motion ends and the training may run on. `titles` are those of the stages.
    """

    pace_wanted = Signal(object)
    stage_wanted = Signal()
    left = Signal()

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__()
        self.setObjectName("slow_motion")
        self.stage: StepStage | None = None
        self.step = 0
        self._awaited = False
        self._to_end = False
        self.turn_on = button("Slow motion", "slow_on", "pause", "Slow motion: stop after each stage of an iteration")
        self.turn_on.setCheckable(True)
        self.next = button("Next stage", "slow_next", "chevron-right", does=self.next_stage)
        self.iteration = button(
            "Whole iteration", "slow_iteration", "resume", "Run to the end of this iteration", self.run_on
        )
        self.play = button("Play slowly", "slow_play", "play")
        self.play.setCheckable(True)
        self.speed = LabeledSlider("Seconds per stage", 0.1, 4.0, 1.0, logarithmic=True, name="slow_speed")
        self.train = choice("slow_train", "Networks to train", *TRAINED)
        self.diagram = StageDiagram()
        self.steps = [plain_label(f"{i}  {title}", wrap=True, name=f"stage_{i}") for i, title in enumerate(titles, 1)]
        self.formula = named(QLabel(), "stage_formula")
        self.formula.setTextFormat(Qt.TextFormat.PlainText)
        self.formula.setWordWrap(True)
        self.formula.setFont(theme.mono(theme.SMALL))
        self.formula.setMinimumHeight(3 * self.formula.fontMetrics().lineSpacing())
        self.formula.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.numbers = plain_label(wrap=True, name="stage_values")
        self.where = plain_label(role="group", name="stage_step")
        self._timer = single_shot(self)
        self._timer.timeout.connect(self.next_stage)
        self.turn_on.setToolTip(tooltip("Stop after each stage of an iteration (Shift+F9)"))
        self.next.setToolTip(tooltip("Go to the next stage (F9)"))
        self._lay_out()
        self.turn_on.toggled.connect(self._turned)
        self.play.toggled.connect(self._played)
        self.train.currentIndexChanged.connect(lambda _: self.pace_wanted.emit(self.pace()))
        self.set_live(False)

    @property
    def awaiting(self) -> bool:
        """Whether a stage was asked for that has not come."""
        return self._awaited

    @property
    def active(self) -> bool:
        return self.turn_on.isChecked()

    def pace(self) -> Pace:
        """How the training is to move now."""
        return Pace("stages" if self.active else "steps", {"trained": TRAINED[self.train.currentText()]})

    def set_live(self, live: bool) -> None:
        """Whether there is a training to slow down."""
        self._live = live
        if not live:
            self._timer.stop()
            for switch in (self.turn_on, self.play):
                with QSignalBlocker(switch):
                    switch.setChecked(False)
            self._awaited = self._to_end = False
            self.show_stage(None)
        self._enable()

    def show_stage(self, stage: StepStage | None) -> None:
        """What has just happened."""
        self.stage, self.step = stage, 0 if stage is None else stage.step
        self._awaited = False
        self.diagram.show_stage(stage)
        for number, label in enumerate(self.steps, 1):
            restyle(label, "quiet", stage is not None and number != stage.number)
            label.setFont(theme.font(theme.SMALL, bold=stage is not None and number == stage.number))
        if stage is None:
            for label in (self.formula, self.numbers, self.where):
                label.setText("")
            return
        update = f", update {stage.update} of {stage.updates}" if stage.updates > 1 else ""
        self.where.setText(f"Step {stage.step:,}, stage {stage.number} of {len(self.steps)}{update}")
        self.formula.setText(stage.formula)
        values = "   ·   ".join(f"{name} = {value_text(value)}" for name, value in stage.values)
        self.numbers.setText(values)
        self._to_end = self._to_end and not stage.last
        if self._to_end:
            self.next_stage()
        if self.play.isChecked():
            self._timer.start(round(1000 * self.speed.value()))
        self._enable()

    def next_stage(self) -> None:
        """Ask for the next stage, unless one is on its way."""
        if self.active and not self._awaited:
            self._awaited = True
            self.stage_wanted.emit()

    def run_on(self) -> None:
        """Go on to the end of this iteration."""
        self._to_end = True
        self.next_stage()

    def leave(self) -> None:
        """Back to full speed."""
        self.turn_on.setChecked(False)

    def _turned(self, on: bool) -> None:
        self.pace_wanted.emit(self.pace())
        if on:
            self.next_stage()
        else:
            self.play.setChecked(False)
            self._timer.stop()
            self._awaited = self._to_end = False
            self.show_stage(None)
            self.left.emit()
        self._enable()

    def _played(self, on: bool) -> None:
        self._timer.stop()
        if on:
            self.next_stage()

    def _enable(self) -> None:
        self.turn_on.setEnabled(self._live)
        self.train.setEnabled(self._live)
        for widget in (self.next, self.iteration, self.play, self.speed):
            widget.setEnabled(self._live and self.active)

    def _lay_out(self) -> None:
        inside = QWidget()
        layout = vbox(
            Flow(self.turn_on, self.play, self.next, self.iteration, paired(plain_label("Learning", role="quiet"), self.train)),
            self.speed, self.where, self.diagram, self.formula, self.numbers, vbox(*self.steps, spacing=2), into=inside,
            margins=(0, 8, 8, 0),
        )  # fmt: skip
        layout.addStretch()
        vbox(scrolled(inside, "slow_scroll"), into=self, spacing=None)
