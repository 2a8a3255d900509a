"""What the model would say next."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Signal

from genstudio.events import Array
from genstudio.sampling.choose import most_probable
from genstudio.sampling.record import ALTERNATIVES
from genstudio.sampling.segments import Made, Written
from genstudio.snapshots.text import Chosen, NextTokens
from genstudio.tasks.document import TextOf
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt, Tokens
from genstudio.tasks.write import NextTokensOf
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import named, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.views.next_tokens import NextTokensView
from genstudio.ui.widgets import ElidedLabel

_BYTES = 4
"""A character has at most so many bytes: no more tokens before one decide what text it completes."""


class NextTokenPage(Page):
    """Bars before and after the sampler; a click on one goes on with that token: `take_wanted(Prompt, segments)`."""

    take_wanted = Signal(object, object)
    follows_writing = True

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_next_token", "Next token")
        self.view = NextTokensView()
        self.note = named(ElidedLabel(), "next_token_note", "Model and weights used")
        self._sampling = Sampling()
        self._looked: tuple[ModelRef, Prompt] | None = None
        vbox(self.note, (self.view, 1), into=self, spacing=4)
        self.view.failed.connect(self.failed)
        self.view.chosen.connect(self.choose)

    def show_sampling(self, sampling: Sampling) -> None:
        """The sampler was moved: no model is asked."""
        self._sampling = sampling
        self.view.set_options(sampling.options)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.ask("next", NextTokensOf(model, prompt), on_result=lambda found: self._show(model, prompt, found))

    def choose(self, token: int) -> None:
        """Go on with this token."""
        if self._looked is None or self.view.snapshot is None or token not in self.view.shown():
            return
        (model, prompt), shown = self._looked, self.view.snapshot
        last = prompt[-1] if prompt else ""
        before = last.ids[-_BYTES:] if isinstance(last, Tokens) else ()
        after = self.view.after

        def take(text: str) -> None:
            made = Made(model.run, "chosen by you", shown.step, self._sampling.options, self._sampling.seed)
            self.take_wanted.emit(prompt, (Written((text,), _chosen(shown, after, token), made),))

        self.ask("text", TextOf(model, (*before, token)), on_result=take)

    def _show(self, model: ModelRef, prompt: Prompt, found: NextTokens) -> None:
        self._looked = (model, prompt)
        self.view.show_snapshot(found)
        count = len(found.prompt_pieces)
        self.note.setText(f"{found.weights}  ·  at the cursor, {count:,} token{'s' * (count != 1)} of context")


def _chosen(shown: NextTokens, after: Array, token: int) -> Chosen:
    """What the model and the sampler thought of a token that a person chose."""
    values = shown.logits.astype(np.float64)
    values -= values.max()
    logprobs = values - math.log(np.exp(values).sum())
    before = np.exp(logprobs)
    top = most_probable(shown.logits, ALTERNATIVES)
    possible = before > 0
    higher = int(np.count_nonzero(shown.logits > shown.logits[token]))
    tied = int(np.count_nonzero(shown.logits[:token] == shown.logits[token]))
    return Chosen(
        np.array([token], np.int32),
        (shown.pieces[token],),
        after[[token]].astype(np.float64),
        logprobs[[token]],
        np.array([1 + higher + tied], np.int32),
        np.array([-(before[possible] * logprobs[possible]).sum()]),
        top[None].astype(np.int32),
        before[top][None],
        after[top][None],
        {int(i): shown.pieces[i] for i in (token, *top.tolist())},
    )
