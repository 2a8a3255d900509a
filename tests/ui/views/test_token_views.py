"""Coloured tokens and the merge stepper: laid out, painted only where seen, every step as the lecture has it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from genstudio.data.merges import follow_merges
from genstudio.data.token_text import tokens_of
from genstudio.data.tokenizers import ByteTokenizer, CharTokenizer, WordTokenizer
from genstudio.data.work import finished
from genstudio.ui import theme
from genstudio.ui.views.merges import MergesView
from genstudio.ui.views.tokens import GROUNDS, TokensView, lines_of

LONG = "it was the best of times, it was the worst of times\n" * 20_000


@given(st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=80), st.integers(5, 90))
def test_lines_are_filled_as_a_person_would(tokens: list[tuple[int, bool]], room: int) -> None:
    starts, used = [0] if tokens else [], 0
    for place, (width, _) in enumerate(tokens):
        if place and (tokens[place - 1][1] or used + width > room):
            starts.append(place)
            used = 0
        used += width
    widths, breaks = np.array([w for w, _ in tokens], np.int64), np.array([b for _, b in tokens], bool)
    assert lines_of(widths, breaks, room).tolist() == starts


@pytest.fixture
def view(qtbot: Any) -> TokensView:
    view = TokensView()
    qtbot.addWidget(view)
    view.resize(600, 300)
    view.show()
    return view


def test_every_colour_is_readable_in_both_looks() -> None:
    for look in (theme.LIGHT, theme.DARK):
        for ground in (*GROUNDS[look.name], look.panel):
            assert theme.contrast(look.text, ground) >= 4.5
            assert theme.contrast(look.quiet, look.panel) >= 4.5
        assert theme.contrast(look.error, look.error_back) >= 4.5
        neighbours = zip(GROUNDS[look.name], (*GROUNDS[look.name][1:], GROUNDS[look.name][0]), strict=True)
        assert all(a != b for a, b in neighbours)


def test_tokens_are_told_by_place_id_and_what_is_lacking(view: TokensView) -> None:
    view.show_tokens(finished(tokens_of(WordTokenizer.of("the cat sat\nthe", 20), "the cat flew\nthe sat")))
    assert view.lines == 2
    told = [view.hint(token) for token in range(len(view.shown.ids))]  # type: ignore[union-attr]
    assert told[0].startswith("'the'   id ") and "token 1 of 7" in told[0]
    assert "'flew' is not in the vocabulary: it becomes <unk>" in told[3]
    for token in range(7):
        middle = view.middle_of(token)
        assert view.token_at(middle.x(), middle.y()) == token
    assert view.token_at(5, 280) is None
    view.show_tokens(finished(tokens_of(CharTokenizer.of("abc"), "abz")))
    assert "it is skipped" in view.hint(2)
    assert "3 tokens" in view.accessibleDescription()


def test_ids_under_the_tokens_make_room_for_themselves(view: TokensView) -> None:
    view.show_tokens(finished(tokens_of(ByteTokenizer(), "abc " * 100)))
    lines, height = view.lines, view.row_height()
    view.show_ids(True)
    assert view.row_height() > height and view.lines >= lines
    view.grab()


def test_a_million_tokens_paint_only_what_is_seen(view: TokensView, monkeypatch: pytest.MonkeyPatch) -> None:
    view.show_tokens(finished(tokens_of(ByteTokenizer(), LONG)))
    assert view.lines > 20_000
    painted = []
    drawn = QPainter.drawText
    monkeypatch.setattr(QPainter, "drawText", lambda self, *a: painted.append(1) or drawn(self, *a))
    bar = view.verticalScrollBar()
    for value in np.linspace(0, bar.maximum(), 10).astype(int).tolist():
        painted.clear()
        bar.setValue(value)
        view.grab()
        first, last = view.visible_lines()
        assert 0 < len(painted) < 60 * (last - first + 1) < 2_000
    assert view.visible_lines()[1] == view.lines


@pytest.mark.bench
def test_scrolling_a_million_tokens(view: TokensView) -> None:
    shown = finished(tokens_of(ByteTokenizer(), LONG))
    began = time.perf_counter()
    view.show_tokens(shown)
    laid = time.perf_counter() - began
    bar, times = view.verticalScrollBar(), []
    for value in np.linspace(0, bar.maximum(), 200).astype(int).tolist():
        bar.setValue(value)
        began = time.perf_counter()
        view.viewport().repaint()
        times.append(time.perf_counter() - began)
    ms = 1e3 * np.percentile(times, [50, 99])
    print(f"\n{len(shown.ids):,} tokens: laid out in {1e3 * laid:.0f} ms, frame p50 {ms[0]:.1f} p99 {ms[1]:.1f} ms")
    assert ms[1] < 50


@pytest.fixture
def stepper(qtbot: Any) -> MergesView:
    stepper = MergesView()
    qtbot.addWidget(stepper)
    stepper.resize(600, 400)
    stepper.show()
    stepper.show_merges(finished(follow_merges("aaabdaaabac", apart=False)))
    return stepper


STEPS = [
    ("'a' + 'a' occurs 4 times: merge into 'aa' (Z)", "No other", "aaabdaaabac", "ZabdZabac"),
    ("'a' + 'b' occurs 2 times: merge into 'ab' (Y)", "Tied with 'aa' 'a'", "ZabdZabac", "ZYdZYac"),
    ("'aa' + 'ab' occurs 2 times: merge into 'aaab' (X)", "No other", "ZYdZYac", "XdXac"),
]
MARKED = [([0, 1, 5, 6], [0, 4]), ([1, 2, 5, 6], [1, 4]), ([0, 1, 3, 4], [0, 2])]


def test_the_stepper_shows_every_step_of_the_lecture(stepper: MergesView, qtbot: Any) -> None:
    assert stepper.slider.maximum() == 3 and stepper.slider.value() == 0
    assert not stepper.back.isEnabled() and stepper.letters_before.text() == "aaabdaaabac"
    for number, (pair, ties, before, after) in enumerate(STEPS, 1):
        qtbot.mouseClick(stepper.on, Qt.MouseButton.LeftButton)
        assert stepper.slider.value() == number and stepper.place.text() == f"merge {number} of 3"
        assert stepper.pair.text() == pair and stepper.ties.text().startswith(ties)
        assert (stepper.letters_before.text(), stepper.letters_after.text()) == (before, after)
        marks = [np.flatnonzero(view._marked).tolist() for view in (stepper.before, stepper.after)]
        assert tuple(marks) == MARKED[number - 1]
        stepper.grab()
    assert not stepper.on.isEnabled()
    qtbot.keyClick(stepper.slider, Qt.Key.Key_Home)
    assert stepper.letters_before.text() == "aaabdaaabac" and stepper.after.shown is None


def test_a_text_without_pairs_says_so(stepper: MergesView) -> None:
    stepper.show_merges(finished(follow_merges("abc", apart=False)))
    assert not stepper.slider.isEnabled() and stepper.after.empty == "No pair occurs twice"
    stepper.show_merges(finished(follow_merges("", apart=True)))
    stepper.grab()
