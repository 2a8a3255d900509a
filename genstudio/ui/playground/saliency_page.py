"""Which tokens of the text moved a prediction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PySide6.QtWidgets import QPushButton

from genstudio.errors import Failure
from genstudio.snapshots.attention import Saliency
from genstudio.tasks.lens import Explain
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Choice, Flow, named, paired, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.bars import NamedBars
from genstudio.ui.views.chart import percent
from genstudio.ui.views.token_strip import TokenStrip
from genstudio.ui.views.view import token_text
from genstudio.ui.widgets import button, plain_label

METHODS = {"Leave one token out": "leave one out", "Gradient × input": "gradient"}
CAVEATS = {
    "leave one out": "Each token is removed in turn: how much does the log-probability of the prediction fall? "
    "The tokens before it move one place closer. It does not show what a different token would do.",
    "gradient": "Gradient times input: how much the log-probability would change, to first order, if a token's "
    "embedding were scaled. It does not show what a different token would do. Gradients are near zero where the model "
    "is certain or a norm follows the embedding.",
}
GAP_CAVEAT = (
    "Each token in turn is hidden behind a mask: how much does the log-probability of what fills the gap fall? It does not show "
    "what a different token would do."
)
SOURCE_CAVEAT = (
    "Each token of the source is removed in turn, and the shorter source is read again: how much does the log-probability of the "
    "next target token fall? Move the cursor in the translation to explain another one."
)
_STRONGEST = 30


def influence(nats: float) -> str:
    """An influence in nats with its sign; one that would be rounded to nothing is said to be small, not nothing.

    >>> [influence(nats) for nats in (1.2345, -0.25, 0.0004, -0.0004, 0.0)]
    ['+1.234', '-0.250', '< 0.001', '> -0.001', '0']
    """
    if nats == 0:
        return "0"
    if abs(nats) < 0.001:
        return "< 0.001" if nats > 0 else "> -0.001"
    return f"{nats:+.3f}"


class SaliencyPage(Page):
    """A strip of the text's tokens; a click on one explains the prediction of that token instead of the next."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_saliency", "Saliency")
        self.strip = TokenStrip("Influence of each token", "saliency_strip", "nats")
        self.strongest = NamedBars("Strongest tokens", "saliency_strongest", "nats", influence, (theme.ORANGE, theme.BLUE))
        self.target = named(Choice(), "saliency_target", "Prediction to explain")
        self.method = named(Choice(), "saliency_method", "How the influence of a token is measured")
        self.method.addItems([*METHODS])
        self.next: QPushButton = button("The next token", "saliency_next", does=self._explain_next)
        self.summary = plain_label(wrap=True, name="saliency_said")
        self._looked_at: tuple[ModelRef, Prompt] | None = None
        self._position: int | None = None
        self._shown: Saliency | None = None
        self.caveat = plain_label(CAVEATS["leave one out"], role="quiet", wrap=True, name="saliency_caveat")
        self.target.setMinimumWidth(120)
        head = Flow(paired(plain_label("Explain"), self.target), self.next, paired(plain_label("by"), self.method))
        vbox(head, (self.strip, 3), (self.strongest, 6), self.summary, self.caveat, into=self)
        for view in (self.strip, self.strongest):
            view.failed.connect(self.failed)
        self.strip.picked.connect(self._explain)
        self.target.activated.connect(self._explain_target)
        self.method.currentIndexChanged.connect(lambda _: self._method_changed())

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        if (model, prompt) != self._looked_at:
            self._position = None
        self._looked_at = model, prompt
        self._ask()

    def explained(self, kind: str, failure: Failure) -> bool:
        """That there is nothing to explain yet, such as a gap, is said where the explanation would be."""
        unread = failure.kind == "DataError"
        if unread:
            self._shown = None
            self.strip.show_tokens((), np.zeros(0), (), "")
            self.strongest.show_bars((), "")
            self.summary.setText(f"{failure.message} {failure.hint}")
        return unread

    def _ask(self, target: int | None = None) -> None:
        if self._looked_at is not None:
            method: Any = METHODS[self.method.currentText()]
            self.ask("saliency", Explain(*self._looked_at, self._position, target, method), on_result=self._show_saliency)

    def _method_changed(self) -> None:
        """The same prediction by the other method."""
        next_one = self._shown is not None and self._position is None
        self._ask(self._shown.target if self._shown is not None and next_one else None)

    def _explain(self, position: int) -> None:
        of_source = self._shown is not None and self._shown.of_source
        if position > 0 and not of_source:
            self._position = position
            self._ask()

    def _explain_next(self) -> None:
        self._position = None
        self._explain_target(-1)

    def _explain_target(self, index: int) -> None:
        self._position = None
        self._ask(self.target.itemData(index))

    def _show_saliency(self, found: Saliency) -> None:
        self._shown = found
        left_out = SOURCE_CAVEAT if found.of_source else GAP_CAVEAT if found.both else CAVEATS["leave one out"]
        self.caveat.setText(left_out if found.method == "leave one out" else CAVEATS[found.method])
        values = np.zeros(len(found.tokens))
        highest = float(np.abs(found.score).max())
        values[: len(found.score)] = found.score / highest if highest and math.isfinite(highest) else 0.0
        words = [f"{score:+.4f} nats" for score in found.score]
        words += ["explained prediction" if len(words) == found.position else "after it"] * (len(found.tokens) - len(words))
        self.strip.title = "Influence of each source token" if found.of_source else "Influence of each token"
        if found.both:
            words[found.position] = "the gap that is explained"
        self.next.setText("The first gap" if found.both else "The next token")
        note = f"strongest {highest:.3g} nats  ·  orange raises, blue lowers"
        self.strip.show_tokens(found.tokens, values, words, note)
        self.strip.mark(found.position if found.position < len(found.tokens) else None)
        strongest = np.argsort(-np.abs(found.score), kind="stable")[:_STRONGEST]
        named = ((f"{token_text(found.tokens[at])} {at + 1}", float(found.score[at])) for at in strongest.tolist())
        self.strongest.show_bars(named, "with their positions, in nats: how much each raised or lowered the "
            "log-probability")
        self.target.clear()
        for token, piece, chance in found.choices:
            self.target.addItem(f"'{token_text(piece)}'  {percent(chance)}", token)
        place = [token for token, _, _ in found.choices]
        if found.target not in place:
            chance = math.exp(found.logprob)
            self.target.addItem(f"'{token_text(found.target_piece)}'  {percent(chance)}", found.target)
        self.target.setCurrentIndex(self.target.findData(found.target))
        following = "as the next target token" if found.of_source else "as the next token"
        where = following if found.position == len(found.tokens) else f"as token {found.position + 1}"
        where = f"in the gap at token {found.position + 1}" if found.both else where
        self.summary.setText(
            f"Explained: '{token_text(found.target_piece)}' {where}, probability {percent(math.exp(found.logprob))}. "
            + (f"The scores add up to {float(found.score.sum()):+.3f} nats. " if found.method == "gradient" else "")
            + f"Step {found.step:,}."
        )
