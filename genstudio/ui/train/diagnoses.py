"""What the doctor says of a run: in words, with its evidence, and with what to try a click away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from genstudio.config import Config, Values, value_words
from genstudio.events import Diagnosis, Frame
from genstudio.ui.layouts import hbox, vbox
from genstudio.ui.parts import scrolled
from genstudio.ui.views.chart import value_text
from genstudio.ui.widgets import button, plain_label, restyle


class DoctorPage(QWidget):
    """The diagnoses of a run, the newest first; those that are over are kept below, quietly.

    `advice_wanted(values)`: apply these settings. `step_wanted(step)`: look at the run at that step. `changed(open)`: how
    many diagnoses hold now. `rules` are the checks, each with its title and how it is detected; they are listed while there
    is no diagnosis.
    """

    advice_wanted = Signal(object)
    step_wanted = Signal(int)
    changed = Signal(int)

    def __init__(self, config_type: type[Config], rules: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._passed = f"All {len(rules)} checks pass"
        self._empty = (
            f"{self._passed}.\n\nIf one fails, you will see here what went wrong, the evidence, and what to try."
        )
        self.setObjectName("doctor_page")
        self.setAccessibleName("Doctor")
        settings = config_type.settings()
        self._live = {setting.name for setting in settings if setting.live}
        self._labels = {setting.name: setting.label for setting in settings}
        self._told: dict[tuple[str, int], Diagnosis] = {}
        self.state = "idle"
        self.said = plain_label(self._empty, role="quiet", wrap=True, name="doctor_said")
        self.said.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.reaction = plain_label(wrap=True, name="doctor_reaction")
        self.reaction.hide()
        self.cards: list[DiagnosisCard] = []
        inside, self.checks = QWidget(), QWidget()
        listed = (
            part for title, says in rules
            for part in (plain_label(f"\N{CHECK MARK} {title}", role="group"), plain_label(says, role="quiet", wrap=True), 4)
        )  # fmt: skip
        vbox(*listed, into=self.checks, spacing=2)
        self._column = vbox(self.checks, None, into=inside, margins=(0, 0, 8, 0))
        vbox(self.said, self.reaction, (scrolled(inside, "doctor_scroll"), 1), into=self, margins=(0, 8, 0, 0))

    def clear(self) -> None:
        """Forget the run that was shown."""
        self.react("")
        if self._told:
            self._told.clear()
            self._show()

    def show_frame(self, frame: Frame) -> None:
        """What is told, what is over, and what never was because the training went back."""
        before = dict(self._told)
        self._told.update({(told.name, told.step): told for told in frame.diagnoses})
        if frame.back is not None:
            self._told = {key: told for key, told in self._told.items() if told.step <= frame.back}
        if before != self._told:
            self._show()

    def react(self, words: str) -> None:
        """Say what came of an advice that was taken."""
        self.reaction.setText(words)
        self.reaction.setVisible(bool(words))

    def set_state(self, state: str) -> None:
        """Whether a training goes on (`running`, `paused`), could go on (`stopped`), or neither."""
        self.state = state
        for card in self.cards:
            card.set_state(state)

    @property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """What is shown, from above: what holds now first, then the newest first."""
        return tuple(sorted(self._told.values(), key=lambda told: (told.until is not None, -told.step, told.name)))

    def _show(self) -> None:
        for card in self.cards:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = [DiagnosisCard(told, self._live, self._labels) for told in self.diagnoses]
        for index, card in enumerate(self.cards):
            card.set_state(self.state)
            card.advice_wanted.connect(self.advice_wanted)
            card.step_wanted.connect(self.step_wanted)
            self._column.insertWidget(index, card)
        self.checks.setVisible(not self._told)
        holding = sum(told.until is None for told in self._told.values())
        self.said.setText(
            self._empty if not self._told else f"{holding} problem{'s' * (holding > 1)} detected." if holding
            else f"{self._passed} now."
        )  # fmt: skip
        self.changed.emit(holding)


class DiagnosisCard(QFrame):
    """One diagnosis: title and steps, sentence, evidence, advice, and the rule."""

    advice_wanted = Signal(object)
    step_wanted = Signal(int)

    def __init__(self, told: Diagnosis, live: set[str], labels: Mapping[str, str]) -> None:
        super().__init__()
        self.diagnosis = told
        self.setObjectName(f"diagnosis_{told.name}")
        self.setAccessibleName(f"{told.title}. {told.sentence}")
        over = told.until is not None
        restyle(self, "banner", "info" if over else told.severity)
        title = plain_label(told.title, role="group", wrap=True, name="diagnosis_title")
        when = f"Step {told.step:,}" + (f" to {told.until:,}" if told.until is not None else "")
        go = button(when, "diagnosis_step", "", f"Look at the run at step {told.step:,}", self._go)
        go.setProperty("flat", True)
        numbers = "\n".join(f"{name}: {value_text(value)}" for name, value in told.evidence.items())
        layout = vbox(
            hbox(title, None, go), plain_label(told.sentence, wrap=True, name="diagnosis_sentence"),
            plain_label("Evidence", role="group"),
            plain_label(numbers, role="quiet", wrap=True, name="diagnosis_evidence"), into=self,
            margins=(12, 8, 12, 8), spacing=4,
        )  # fmt: skip
        self.tries: list[tuple[QPushButton, bool]] = []
        if told.advice and not over:
            layout.addWidget(plain_label("What to try", role="group"))
            for index, advice in enumerate(told.advice):
                layout.addLayout(self._line(index, advice.text, advice.values, live, labels))
        layout.addWidget(plain_label("How it is detected", role="group"))
        layout.addWidget(plain_label(told.rule, role="quiet", wrap=True, name="diagnosis_rule"))

    def set_state(self, state: str) -> None:
        """Which advice can be taken now."""
        for press, live in self.tries:
            press.setEnabled(state in ("running", "paused", "stopped") if live else state in ("idle", "stopped"))

    def _line(self, index: int, text: str, values: Values, live: set[str], labels: Mapping[str, str]) -> Any:
        words = plain_label(text + ".", wrap=True, name=f"advice_{index}_text")
        if not values:
            return hbox(words)
        said = ", ".join(f"{labels.get(name, name)} {value_words(value)}" for name, value in values.items())
        changes = set(values) <= live
        press = button(
            "Try" if changes else "Set up", f"advice_{index}",
            says=f"{said}: {'change it now' if changes else 'for a new run'}",
            does=lambda: self.advice_wanted.emit(dict(values)),
        )  # fmt: skip
        press.setToolTip(press.accessibleName())
        press.setFixedWidth(72)
        self.tries.append((press, changes))
        line = hbox(words, press)
        line.setStretch(0, 1)
        return line

    def _go(self) -> None:
        self.step_wanted.emit(self.diagnosis.step)
