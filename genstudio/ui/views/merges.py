"""The merge stepper: byte-pair encoding one merge at a time, with the text before and after it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from genstudio.data.merges import Merges, Step
from genstudio.data.token_text import TokenText, cells_of
from genstudio.data.tokenizers import printable
from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.layouts import named, vbox
from genstudio.ui.views.tokens import TokensView
from genstudio.ui.widgets import ElidedLabel, icon_button, plain_label

_TIES = 6


class MergesView(QWidget):
    """Shows `Merges`; the slider chooses how many of them were made."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("merges")
        self.merges: Merges | None = None
        self.slider = named(QSlider(Qt.Orientation.Horizontal), "merge_slider", "Number of merges")
        self.slider.setRange(0, 0)
        self.back = icon_button("minus", "merge_back", "Undo one merge")
        self.on = icon_button("plus", "merge_on", "Perform one more merge")
        self.place = plain_label(role="quiet", name="merge_place")
        self.pair = plain_label(role="heading", wrap=True, name="merge_pair")
        self.ties = plain_label(role="quiet", wrap=True, name="merge_ties")
        self.letters_before, self.letters_after = ElidedLabel(), ElidedLabel()
        self.before = TokensView("merge_before", "The text before this merge")
        self.after = TokensView("merge_after", "The text after this merge")
        self._lay_out()
        self.slider.valueChanged.connect(self._show)
        self.back.clicked.connect(lambda: self.slider.setValue(self.slider.value() - 1))
        self.on.clicked.connect(lambda: self.slider.setValue(self.slider.value() + 1))
        self._show(0)

    def show_merges(self, merges: Merges) -> None:
        """Step through these merges instead, from before the first."""
        self.merges = merges
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, len(merges.steps))
            self.slider.setPageStep(max(1, len(merges.steps) // 10))
            self.slider.setValue(0)
        self._show(0)

    def _show(self, number: int) -> None:
        merges = self.merges
        count = len(merges.steps) if merges is not None else 0
        self.back.setEnabled(number > 0)
        self.on.setEnabled(number < count)
        self.slider.setEnabled(count > 0)
        self.place.setText(f"merge {number:,} of {count:,}" if count else "")
        if merges is None:
            return
        step = merges.steps[number - 1] if number else None
        self._tell(merges, step)
        earlier = merges.state(max(number - 1, 0))
        self.before.show_tokens(token_text(merges, earlier), None if step is None else pairs_in(earlier, step.pair))
        self.letters_before.setText(merges.written(max(number - 1, 0)))
        later = None if step is None else merges.state(number)
        self.after.empty = "Move the slider to perform the first merge" if count else "No pair occurs twice"
        self.after.show_tokens(
            None if later is None else token_text(merges, later),
            None if later is None or step is None else (later == step.new)[later >= 0],
        )
        self.letters_after.setText("" if later is None else merges.written(number))

    def _tell(self, merges: Merges, step: Step | None) -> None:
        if step is None:
            self.pair.setText(f"{len(merges.text):,} characters, {len(set(merges.text)):,} distinct ones")
            self.ties.setText("Each merge replaces the most frequent pair of adjacent tokens with a new token.")
            return
        first, second = (_quoted(merges.pieces[symbol]) for symbol in step.pair)
        whole, name = _quoted(merges.pieces[step.new]), merges.names[step.new]
        self.pair.setText(f"{first} + {second} occurs {step.count:,} times: merge into {whole} ({name})")
        if not step.ties:
            self.ties.setText("No other pair is as frequent.")
            return
        others = ", ".join(f"{_quoted(merges.pieces[a])} {_quoted(merges.pieces[b])}" for a, b in step.ties[:_TIES])
        more = f" and {len(step.ties) - _TIES:,} more" if len(step.ties) > _TIES else ""
        self.ties.setText(f"Tied with {others}{more}; ties go to the older tokens.")

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        for widget, stretch in ((self.back, 0), (self.slider, 1), (self.on, 0), (self.place, 0)):
            row.addWidget(widget, stretch)
        layout = vbox(row, self.pair, self.ties, into=self, spacing=6)
        for words, letters, view, name in (
            ("Before", self.letters_before, self.before, "before"),
            ("After", self.letters_after, self.after, "after"),
        ):
            letters.setObjectName(f"letters_{name}")
            letters.setAccessibleName(f"{words}, one letter per token")
            letters.setFont(theme.mono(theme.LARGE))
            head = QHBoxLayout()
            head.setSpacing(12)
            label = plain_label(words, role="heading")
            label.setMinimumWidth(48)
            head.addWidget(label)
            head.addWidget(letters, 1)
            layout.addLayout(head)
            layout.addWidget(view, 1)


def token_text(merges: Merges, symbols: Array) -> TokenText:
    """Symbols (n,) of merges as tokens, without the gaps between words."""
    ids = symbols[symbols >= 0]
    kinds, index = np.unique(ids, return_inverse=True)
    texts = [merges.pieces[kind] for kind in kinds.tolist()]
    pieces = tuple("".join(map(printable, text)) for text in texts)
    return TokenText(
        ids=ids,
        index=index.astype(np.int64),
        pieces=pieces,
        cells=np.array([cells_of(piece) for piece in pieces], np.int64),
        breaks=np.array([text.endswith("\n") for text in texts], bool),
        unknown=np.zeros(len(pieces), bool),
        characters=len(merges.text),
        returns=True,
    )


def pairs_in(symbols: Array, pair: tuple[int, int]) -> Array:
    """Which of the symbols, without the gaps, a merge of this pair takes from the left: (n,) bool."""
    marked = np.zeros(len(symbols), bool)
    for place in np.flatnonzero((symbols[:-1] == pair[0]) & (symbols[1:] == pair[1])).tolist():
        if not (pair[0] == pair[1] and marked[place]):
            marked[place : place + 2] = True
    return np.asarray(marked[symbols >= 0])


def _quoted(text: str) -> str:
    return f"'{''.join(map(printable, text))}'"
