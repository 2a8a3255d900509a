"""Samples and next tokens."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from genstudio.sampling.choose import SamplingOptions, distribution
from genstudio.snapshots.text import NextTokens, Text
from genstudio.ui.views.next_tokens import NextTokensView, softmax
from genstudio.ui.views.samples import SamplesView
from genstudio.ui.views.view import token_text


@pytest.fixture
def samples(qtbot: QtBot) -> SamplesView:
    view = SamplesView()
    qtbot.addWidget(view)
    view.show()
    for step in (0, 100, 200):
        view.show_snapshot(Text("sample", step, "ROMEO:", f" text <b>{step}</b>"))
    return view


def test_the_newest_is_shown_as_plain_text(samples: SamplesView) -> None:
    assert samples.text.toPlainText() == "ROMEO: text <b>200</b>"
    assert "step 200" in samples.label.text()


def test_the_prompt_is_tinted(samples: SamplesView) -> None:
    marks = samples.text.extraSelections()
    assert [mark.cursor.selectedText() for mark in marks] == ["ROMEO:"]


def test_what_was_left_out_of_the_prompt_is_said(samples: SamplesView) -> None:
    samples.show_snapshot(Text("sample", 300, ":", "abc", "ROME"))
    assert samples.label.text() == "step 300 · ignored in the prompt, not in the vocabulary: R O M E"


def test_samples_that_came_while_hidden_are_there(qtbot: QtBot) -> None:
    view = SamplesView()
    qtbot.addWidget(view)
    for step in range(10):
        view.show_snapshot(Text("sample", step, "", str(step)))
    assert view.text.toPlainText() == ""
    view.show()
    assert view.text.toPlainText() == "9"


@pytest.fixture
def bars(qtbot: QtBot) -> NextTokensView:
    view = NextTokensView()
    qtbot.addWidget(view)
    view.resize(320, 300)
    view.show()
    logits = np.log(np.array([0.5, 0.25, 0.125, 0.125], np.float32))
    view.show_snapshot(NextTokens("next", 1, logits, ("a", " ", "\n", "d")))
    return view


def test_entropy_and_survivors(bars: NextTokensView) -> None:
    assert bars.entropy() == pytest.approx(1.75, abs=1e-5) and bars.survivors() == 4
    bars.set_options(SamplingOptions(top_k=2))
    assert bars.survivors() == 2
    assert bars.after.tolist() == pytest.approx([2 / 3, 1 / 3, 0, 0], abs=1e-6)
    assert bars.before.tolist() == pytest.approx([0.5, 0.25, 0.125, 0.125], abs=1e-6)
    bars.set_options(SamplingOptions(greedy=True))
    assert bars.entropy() == 0.0 and bars.survivors() == 1


def test_a_cut_token_looks_different(bars: NextTokensView) -> None:
    before = bars.image()
    bars.set_options(SamplingOptions(top_k=1))
    assert bars.image() != before


def test_numbers_that_are_not_finite_are_said(bars: NextTokensView) -> None:
    bars.show_snapshot(NextTokens("next", 2, np.array([np.nan, 1.0], np.float32), ("a", "b")))
    assert bars.image().width() > 0 and bars.survivors() == 0


def test_the_models_own_opinion_is_the_samplers_without_options() -> None:
    logits = np.random.default_rng(0).normal(size=100)
    logits[3] = -np.inf
    np.testing.assert_allclose(softmax(logits), distribution(logits, SamplingOptions()), rtol=1e-12)


VISIBLE = [(" ", "␣"), ("\n", "⏎"), (" the", "␣the"), ("a b", "a b"), ("\x1b", "\\x1b"), ("", "∅")]


@pytest.mark.parametrize(("piece", "seen"), VISIBLE)
def test_tokens_can_be_seen(piece: str, seen: str) -> None:
    assert token_text(piece) == seen
