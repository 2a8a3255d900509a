"""How a training ended, in words, and what can be done next."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from genstudio.runs import RunInfo
from genstudio.ui.layouts import hbox
from genstudio.ui.numbers import duration
from genstudio.ui.widgets import button, plain_label


class RunSummary(QFrame):
    """A few sentences about a run that ended. `write_wanted()` to use its model, `extend_wanted()` to train it longer."""

    write_wanted = Signal()
    extend_wanted = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("panel", True)
        self.words = plain_label(wrap=True, name=f"{name}_words")
        self.write = button("Write with it", f"{name}_write", "write", "Write with this model in the Playground")
        self.extend = button("Train longer", f"{name}_extend", "play", "Train for twice as long")
        hbox((self.words, 1), self.write, self.extend, into=self, margins=(8, 4, 8, 4))
        self.write.clicked.connect(self.write_wanted)
        self.extend.clicked.connect(self.extend_wanted)
        self.hide()

    def say(self, words: str) -> None:
        """Show this; nothing hides the summary."""
        self.words.setText(words)
        self.setVisible(bool(words))


def plan_words(plan: Mapping[str, float]) -> str:
    """How long a run is planned to be: "1,500 steps", "about 2 minutes"; empty where there is no plan.

    >>> [plan_words(plan) for plan in ({"steps": 1500}, {"seconds": 60}, {"seconds": 150}, {"seconds": 7.5}, {})]
    ['1,500 steps', 'about 1 minute', 'about 2.5 minutes', '7.5 seconds', '']
    """
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
