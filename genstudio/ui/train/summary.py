"""How a training ended, in words, and what can be done next."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame

from genstudio.runs import RunInfo
from genstudio.runs.plan import is_endless
from genstudio.ui import theme
from genstudio.ui.layouts import Flow, hbox, named, vbox
from genstudio.ui.numbers import duration
from genstudio.ui.widgets import ElidedLabel, button, icon_button, plain_label

_MARGINS, _LOW_MARGINS = (12, 6, 6, 6), (12, 1, 6, 1)
_LOOKS = {
    "Traces": "Look inside", "LooksAtPatches": "Look inside", "Translates": "Translate with it", "Embeds": "Explore its words",
    "Matches": "Search with it", "Grounds": "Ask about pictures",
    "Speaks": "Speak with it", "Transcribes": "Transcribe with it", "Vocodes": "Resynthesise with it",
}
"""What the button to the Playground says, by the first of these abilities that a model has."""


class RunSummary(QFrame):
    """A card about a run that ended: how long it took, how good its model is, and what to do next.

    `write_wanted()`: write with the model, `look_wanted()`: look inside it, `explore_wanted()`: its latent space,
    `extend_wanted()`: train it for as long again, `compare_wanted()`: see it in the list of runs.
    """

    write_wanted = Signal()
    look_wanted = Signal()
    explore_wanted = Signal()
    extend_wanted = Signal()
    compare_wanted = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("panel", True)
        self.ended = plain_label(wrap=True, name=f"{name}_ended")
        self.ended.setFont(theme.font(theme.NORMAL, bold=True))
        self.words = plain_label(wrap=True, name=f"{name}_words")
        self.line = named(ElidedLabel(), f"{name}_line", "How it ended")
        self.line.hide()
        self.write = button("Write with it", f"{name}_write", "write", "Write with this model in the Playground")
        self.look = button("Look inside", f"{name}_look", "search", "See how this model works, in the Playground")
        self.explore = button("Explore", f"{name}_explore", "points", "Explore the latent space of this model")
        self.extend = button("Train longer", f"{name}_extend", "play", "Train for twice as long")
        self.compare = button("Compare in Runs", f"{name}_compare", "runs", "Show this run among the others")
        self.dismiss = icon_button("close", f"{name}_dismiss", "Hide this summary")
        actions = (self.write, self.look, self.explore, self.extend, self.compare)
        self._actions = Flow(*actions, spacing=6)
        above = hbox((self.ended, 1), (self.line, 1), (self._actions, 0), (self.dismiss, 0, Qt.AlignmentFlag.AlignTop))
        self._column = vbox(above, self.words, into=self, margins=_MARGINS, spacing=2)  # a line of words: charts need height
        for pressed, signal in zip(
            actions,
            (self.write_wanted, self.look_wanted, self.explore_wanted, self.extend_wanted, self.compare_wanted),
            strict=True,
        ):
            pressed.clicked.connect(signal)
        self._wanted = self._aside = self._low = False
        self.dismiss.clicked.connect(self._dismissed)
        self.hide()

    def offer(self, abilities: Collection[str], *, explore: bool) -> None:
        """Show the next steps that a model with these abilities allows; whether its latent space can be explored."""
        self.write.setVisible("Writes" in abilities)
        looks = next((words for ability, words in _LOOKS.items() if ability in abilities), "")
        self.look.setText(looks)
        self.look.setVisible(bool(looks))
        self.explore.setVisible(explore)
        self._actions.updateGeometry()

    def say(self, ended: str, result: str, *, endless: bool = False) -> None:
        """Show how it ended and how good it is; nothing hides the card. An `endless` training is resumed, not extended."""
        before = self.ended.text()
        self.ended.setText(ended)
        self.words.setText(result)
        self.line.setText(f"{ended} {result}".strip())
        self._lay_low()
        self.extend.setVisible(not endless)
        self._actions.updateGeometry()
        if before != ended:  # a result that is measured better meanwhile does not bring back a card that was hidden
            self._wanted = bool(ended)
        self.setVisible(self._wanted and not self._aside)

    def stand_aside(self, on: bool) -> None:
        """Leave the room to another page, or come back."""
        self._aside = on
        self.setVisible(self._wanted and not self._aside)

    def set_low(self, low: bool) -> None:
        """Say it in one line, where there is little height: charts need it."""
        if low != self._low:
            self._low = low
            self._column.setContentsMargins(*(_LOW_MARGINS if low else _MARGINS))
            self._lay_low()

    def _lay_low(self) -> None:
        self.line.setVisible(self._low)
        self.ended.setVisible(not self._low)
        self.words.setVisible(not self._low and bool(self.words.text()))
        self._actions.setVisible(not self._low)  # the strip, the tabs and the menu have the same

    def _dismissed(self) -> None:
        self._wanted = False
        self.hide()


def plan_words(plan: Mapping[str, float]) -> str:
    """How long a run is planned to be: "1,500 steps", "about 2 minutes"; empty where there is no plan.

    >>> [plan_words(plan) for plan in ({"steps": 1500}, {"seconds": 60}, {"seconds": 150}, {"seconds": 7.5}, {})]
    ['1,500 steps', 'about 1 minute', 'about 2.5 minutes', '7.5 seconds', '']
    """
    if is_endless(plan):
        return ""
    if "steps" in plan:
        return f"{int(plan['steps']):,} step{'' if plan['steps'] == 1 else 's'}"
    seconds = plan.get("seconds", 0.0)
    if seconds >= 60:
        return f"about {seconds / 60:.3g} minute{'' if seconds == 60 else 's'}"
    return f"{seconds:g} seconds" if seconds else ""


def how_it_ended(info: RunInfo) -> str:
    """A run that is not in training, in a sentence; the word for its state is that of the list of runs."""
    if info.state == "finished":
        return f"Finished in {duration(info.elapsed)}, after {info.step:,} step{'' if info.step == 1 else 's'}."
    plan = plan_words(info.plan)
    return f"Stopped at step {info.step:,}" + (f" of {plan}" if plan else "") + f", after {duration(info.elapsed)}."
