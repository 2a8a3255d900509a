"""How a training ended, in words, and what can be done next."""

from __future__ import annotations

import math
from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from genstudio.runs import RunInfo
from genstudio.ui.numbers import duration
from genstudio.ui.widgets import button, plain_label

LINES = {"uniform": "uniform", "unigram": "unigram", "kneser_ney": "Kneser-Ney 6"}
"""Reference lines by their names in the numbers, the weakest first: what they are called on screen."""
RESULTS = {"val_loss": "validation", "js_divergence": "JS divergence", "frechet_distance": "Fréchet distance"}
"""The number that says how good a model is, by its name in the run: its word."""


class RunSummary(QFrame):
    """A few sentences about a run that ended. `write_wanted()` to use its model, `extend_wanted()` to train it longer."""

    write_wanted = Signal()
    extend_wanted = Signal()

    def __init__(self, name: str, *, writes: bool) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("panel", True)
        self.words = plain_label(wrap=True, name=f"{name}_words")
        self.write = button("Write with it", f"{name}_write", "write", "Write with this model in the Playground")
        self.write.setVisible(writes)
        self.extend = button("Train longer", f"{name}_extend", "play", "Train for as long again")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(8)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.write)
        layout.addWidget(self.extend)
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
        return f"Finished in {duration(info.elapsed)}, after {info.step:,} steps."
    plan = plan_words(info.plan)
    return f"Stopped at step {info.step:,}" + (f" of {plan}" if plan else "") + f", after {duration(info.elapsed)}."


def text_result(info: RunInfo, kind: str, references: Mapping[str, float]) -> str:
    """The validation loss of a model of text as perplexity and in bits per character, and against each reference line.

    `kind` is that of its tokens. Bits per character need `characters_per_token` among the references.
    """
    loss = info.losses.get("val_loss")
    if loss is None or not math.isfinite(loss):
        return ""
    step = info.measured.get("val_loss", info.step)
    when = "" if step == info.step else f" (step {step:,})"
    unit = {"char": "character", "byte": "byte"}.get(kind, "token")
    words = [f"Validation {loss:.3f} nats per {unit}{when} = perplexity {math.exp(min(loss, 700)):,.3g}"]
    if ratio := references.get("characters_per_token"):
        words.append(f"{loss / math.log(2) / ratio:.2f} bits per character")
    return ", ".join(words) + _against(loss, references) + "."


def _against(loss: float, references: Mapping[str, float]) -> str:
    """Which reference lines a loss beats, and by how much it misses the others."""
    known = [(words, references[name]) for name, words in LINES.items() if name in references]
    beaten = [f"{words} ({value:.3f})" for words, value in known if loss < value]
    ahead = [f"{words} ({value:.3f}) is {loss - value:.3f} ahead" for words, value in known if loss >= value]
    parts = ["better than " + " and ".join(beaten)] if beaten else []
    return "".join(f"; {part}" for part in parts + ahead)


def result(info: RunInfo) -> tuple[str, float] | None:
    """What was measured last, by the first of RESULTS that the run has: in words, and the number. None before that.

    The words name the step where the run went further since.
    """
    for name, word in RESULTS.items():
        if name in info.losses:
            value, step = info.losses[name], info.measured.get(name, info.step)
            return f"{word} {value:.4f}" + ("" if step == info.step else f" (step {step:,})"), value
    return None
