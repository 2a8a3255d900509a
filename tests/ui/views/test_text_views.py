"""Samples, next tokens and the document."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from genstudio.events import NextTokens, Text, Writing
from genstudio.sampling.choose import SamplingOptions, distribution
from genstudio.ui import theme
from genstudio.ui.views.next_tokens import NextTokensView, softmax
from genstudio.ui.views.samples import SamplesView
from genstudio.ui.views.view import token_text
from genstudio.ui.views.writing import DocumentView, tint


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


def test_going_back_stays_there_and_returns(samples: SamplesView, qtbot: QtBot) -> None:
    samples.slider.setValue(0)
    assert samples.text.toPlainText().endswith("<b>0</b>")
    samples.show_snapshot(Text("sample", 300, "ROMEO:", " newest"))
    assert samples.text.toPlainText().endswith("<b>0</b>")
    assert samples.steps() == (0, 100, 200, 300)
    qtbot.mouseClick(samples.newest, Qt.MouseButton.LeftButton)
    assert samples.text.toPlainText().endswith("newest")
    samples.show_snapshot(Text("sample", 400, "ROMEO:", " later"))
    assert samples.text.toPlainText().endswith("later")
    samples.go_to(150)
    assert samples.text.toPlainText().endswith("<b>100</b>")


def test_the_prompt_is_tinted(samples: SamplesView) -> None:
    marks = samples.text.extraSelections()
    assert [mark.cursor.selectedText() for mark in marks] == ["ROMEO:"]


def test_samples_that_came_while_hidden_are_there(qtbot: QtBot) -> None:
    view = SamplesView()
    qtbot.addWidget(view)
    for step in range(10):
        view.show_snapshot(Text("sample", step, "", str(step)))
    assert view.text.toPlainText() == ""
    view.show()
    assert view.text.toPlainText() == "9" and len(view.steps()) == 10


def test_very_many_samples_are_thinned_but_the_ends_stay(qtbot: QtBot) -> None:
    view = SamplesView()
    qtbot.addWidget(view)
    for step in range(5000):
        view.show_snapshot(Text("sample", step, "", str(step)))
    assert len(view.steps()) <= 2001 and view.steps()[0] == 0 and view.steps()[-1] == 4999
    view.clear()
    assert view.steps() == ()


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


@pytest.fixture
def document(qtbot: QtBot, qapp: QApplication) -> DocumentView:
    theme.apply(qapp, "light")
    view = DocumentView()
    qtbot.addWidget(view)
    view.show()
    view.set_prompt("ROMEO:")
    return view


def writing(text: str, probability: float = 0.3) -> Writing:
    return Writing("w", 1, "ROMEO:", tuple(text), np.full(len(text), probability))


def everything(view: DocumentView) -> str:
    return view.editor.toPlainText()


def test_the_continuation_grows_after_the_prompt(document: DocumentView) -> None:
    document.begin_writing()
    for end in (1, 5, 5, 9):
        document.show_writing(writing("\nO, what!"[:end]))
    assert everything(document) == "ROMEO:\nO, what!"
    assert document.prompt() == "ROMEO:"


def test_writing_again_replaces_the_continuation(document: DocumentView) -> None:
    document.begin_writing()
    document.show_writing(writing(" first"))
    document.begin_writing()
    document.show_writing(writing(" second"))
    assert everything(document) == "ROMEO: second"
    document.clear_writing()
    assert everything(document) == "ROMEO:"


def test_one_undo_takes_the_whole_continuation_away(document: DocumentView) -> None:
    document.begin_writing()
    for end in range(1, 12):
        document.show_writing(writing(" many steps"[:end]))
    document.editor.undo()
    assert everything(document) == "ROMEO:" and document.prompt() == "ROMEO:"


def test_redo_brings_the_continuation_back_as_the_models(document: DocumentView, qtbot: QtBot) -> None:
    document.begin_writing()
    for end in (3, 6):
        document.show_writing(writing(" hello"[:end]))
    tinted = formats(document)
    document.editor.undo()
    assert formats(document) == []
    document.editor.redo()
    assert everything(document) == "ROMEO: hello" and document.prompt() == "ROMEO:"
    assert formats(document) == tinted != []
    assert document.hint_at(7).startswith("'h'")
    document.editor.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClick(document.editor, Qt.Key.Key_Backspace)
    assert document.prompt() == "ROMEO: hell"
    document.editor.undo()
    assert everything(document) == "ROMEO: hello" and document.prompt() == "ROMEO:"
    assert formats(document) == tinted


def test_typing_what_the_model_wrote_makes_it_the_persons(document: DocumentView, qtbot: QtBot) -> None:
    document.begin_writing()
    document.show_writing(writing(" hello"))
    document.editor.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClick(document.editor, Qt.Key.Key_Backspace)
    qtbot.keyClicks(document.editor, "o")
    assert document.prompt() == "ROMEO: hello" and formats(document) == []
    document.begin_writing()
    document.show_writing(writing(" you"))
    document.editor.undo()
    qtbot.keyClicks(document.editor, " you")
    assert document.prompt().endswith(" you") and formats(document) == []


def test_editing_the_continuation_makes_it_the_persons(document: DocumentView, qtbot: QtBot) -> None:
    document.begin_writing()
    document.show_writing(writing(" hello"))
    document.editor.moveCursor(QTextCursor.MoveOperation.End)
    with qtbot.waitSignal(document.prompt_changed) as caught:
        qtbot.keyClicks(document.editor, "!")
    assert caught.args == ["ROMEO: hello!"] and document.prompt() == "ROMEO: hello!"
    document.show_writing(writing(" hello again"))
    assert everything(document) == "ROMEO: hello!"


def test_editing_the_prompt_keeps_the_continuation_apart(document: DocumentView, qtbot: QtBot) -> None:
    document.begin_writing()
    document.show_writing(writing(" hello"))
    document.editor.moveCursor(QTextCursor.MoveOperation.Start)
    qtbot.keyClicks(document.editor, "My ")
    assert document.prompt() == "My ROMEO:"
    document.show_writing(writing(" hello you"))
    assert everything(document) == "My ROMEO: hello you"


def test_the_persons_cursor_stays_before_the_continuation(document: DocumentView, qtbot: QtBot) -> None:
    document.editor.moveCursor(QTextCursor.MoveOperation.End)
    document.begin_writing()
    document.show_writing(writing(" hello"))
    assert document.editor.textCursor().position() == len("ROMEO:")


def formats(view: DocumentView, block: int = 0) -> list[tuple[int, int]]:
    found = view.editor.document().findBlockByNumber(block).layout().formats()
    return [(piece.start, piece.length) for piece in found]


def test_tints_and_hints_lie_on_the_right_tokens(document: DocumentView) -> None:
    document.begin_writing()
    document.show_writing(Writing("w", 1, "", (" a", "b\n", "c"), np.array([0.9, 0.9, 0.001])))
    assert formats(document, 0) == [(6, 3)] and formats(document, 1) == [(0, 1)]
    assert document.hint_at(6) == "'␣a'  probability 0.900, surprise 0.2 bits"
    assert document.hint_at(10).startswith("'c'  probability 0.001")
    assert document.hint_at(2) == ""


def test_unknown_characters_are_underlined_beyond_the_basic_plane_too(document: DocumentView) -> None:
    document.set_prompt("a😀é\nñ")
    document.set_unknown((1, 2, 4))
    assert formats(document, 0) == [(1, 1), (3, 1)] or formats(document, 0) == [(1, 2), (3, 1)]
    assert formats(document, 1) == [(0, 1)]
    assert document.hint_at(3) == "The model does not know 'é'; it is left out."
    assert document.prompt() == "a😀é\nñ"
    assert everything(document) == "a😀é\nñ"


def test_a_prompt_with_odd_spaces_survives(document: DocumentView) -> None:
    document.set_prompt("a\u00a0b\tc  d")
    assert document.prompt() == "a\u00a0b\tc  d"


def test_writing_while_hidden_is_there_when_shown(qtbot: QtBot) -> None:
    view = DocumentView()
    qtbot.addWidget(view)
    view.set_prompt("x")
    view.begin_writing()
    view.show_writing(writing("abc"))
    view.show_writing(writing("abcdef"))
    view.show()
    assert everything(view) == "xabcdef"


def test_asking_for_the_prompt_changes_nothing(document: DocumentView, qtbot: QtBot) -> None:
    seen: list[str] = []
    document.prompt_changed.connect(seen.append)
    document.begin_writing()
    document.show_writing(writing(" hello"))
    document.set_unknown((0,))
    theme.changed.emit(theme.current())
    document.clear_writing()
    assert seen == []
    document.set_prompt("new")
    assert seen == ["new"]


def test_tints_go_from_likely_to_unlikely() -> None:
    assert [tint(p) for p in (1.0, 0.5, 0.3, 0.1, 0.02, 0.001, float("nan"))] == [0, 0, 1, 2, 3, 4, 4]
