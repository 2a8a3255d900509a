"""The induction probe: does the model look up what followed the last time?"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal

from genstudio import families
from genstudio.snapshots.attention import Induction
from genstudio.tasks.ablate import ProbeInduction
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Flow, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.induction import RepeatedLossView, ScoresView
from genstudio.ui.widgets import LabeledSlider, button, plain_label

_SAID = (
    "A random sequence, repeated once. Induction heads find the earlier occurrence and copy what followed (Olsson et "
    "al. 2022). Your text is not used."
)
STRONG = 0.4
TASK = "copy"
"""The dataset on which a small model learns induction heads within two minutes."""


class InductionPage(Page):
    """Scores of all heads and the loss by place, for texts drawn by chance. `train_wanted(dataset, family)` where the model has
    no such head, and the person wants to see one appear."""

    train_wanted = Signal(str, str)

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_induction", "Induction")
        self.scores, self.losses = ScoresView(), RepeatedLossView()
        self.seed = LabeledSlider("Seed", 0, 100, 0, whole=True, name="induction_seed")
        self.period = LabeledSlider("Tokens", 2, 64, 64, whole=True, name="induction_period")
        self.period.setToolTip("Number of distinct tokens in the repeated sequence: at most half the context")
        self.start = button("Run the probe", "induction_run", "play", does=self._run)
        self.summary = plain_label(wrap=True, name="induction_said")
        self.train = button(
            "Train Copy", "induction_train", "play", "Train a small model to copy: induction heads appear within two minutes",
            lambda: self.train_wanted.emit(TASK, _teacher()),
        )  # fmt: skip
        self.train.hide()
        self._at: ModelRef | None = None
        vbox(
            plain_label(_SAID, role="quiet", wrap=True), self.period, self.seed, (self.scores, 3), (self.losses, 3),
            self.summary, Flow(self.start, self.train), into=self,
        )  # fmt: skip
        for slider in (self.period, self.seed):
            slider.set_label_width(56)
        for view in (self.scores, self.losses):
            view.failed.connect(self.failed)
        for setting in (self.period, self.seed):
            setting.changed.connect(lambda _: self._run())

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        if model != self._at:
            self._at = model
            self._run()

    def busy_changed(self) -> None:
        self.start.setEnabled(not self.busy("induction"))

    def _run(self) -> None:
        if self._at is not None:
            task = ProbeInduction(self._at, int(self.period.value()), seed=int(self.seed.value()))
            self.ask("induction", task, on_result=self._show)

    def _show(self, found: Induction) -> None:
        self.scores.show_snapshot(found)
        self.losses.show_snapshot(found)
        self.summary.setText(conclusion(found))
        self.train.setVisible(bool(found.scores.max() < STRONG and _teacher()))


def _teacher() -> str:
    """The family, by name, with a preset for the task and models that this page can look into; empty where there is none."""
    fitting = (
        family.name for family in families.all_families()
        if {"Writes", "Traces"} <= {*family.abilities} and any(preset.data == TASK for preset in family.presets)
    )  # fmt: skip
    return next(fitting, "")


def conclusion(found: Induction) -> str:
    """What was found, in words and numbers: heads with a score of 0.4 and more are named."""
    first, again = (float(part.mean()) for part in (found.losses[: found.period - 1], found.losses[found.period :]))
    strong = [(layer, head) for layer, head in np.argwhere(found.scores >= STRONG)]
    named = ", ".join(f"{layer + 1}.{head + 1}" for layer, head in strong)
    none = f"This model has no induction head: no score reaches {STRONG}. Train Copy to watch one appear."
    heads = f"Induction heads: {named}." if strong else none
    return (
        f"{heads} {found.period} tokens: {first:.2f} nats per token the first time, {again:.2f} the second "
        f"({again - first:+.2f}). Step {found.step:,}."
    )
