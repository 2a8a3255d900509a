"""The document on the screen: what is typed and what is shown are always the document's text."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QTextCursor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from genstudio.sampling.segments import Made, Written
from genstudio.snapshots.text import Chosen, Writing
from genstudio.tasks.document import Marks
from genstudio.tasks.prompt import Tokens
from genstudio.ui import theme
from genstudio.ui.views import soft_breaks
from genstudio.ui.views.editor import across_line
from genstudio.ui.views.positions import Change, Positions, difference, shown
from genstudio.ui.views.soft_breaks import LONGEST, plain
from genstudio.ui.views.writing import DocumentView, tint, tints
from real_window import hover

MADE = Made("runs/one", "one, step 10", 10)


def writing(*texts: str, finished: bool = False, cut: bool = False, chance: float = 0.3) -> Writing:
    """A continuation with two alternatives for each token."""
    n = len(texts)
    table = np.stack([np.arange(n), np.arange(n) + 100], axis=1).astype(np.int32)
    chances = np.full(n, chance)
    both = np.stack([chances, 1 - chances], axis=1)
    names = {int(i): f"t{i}" for i in table.ravel()}
    chosen = Chosen(
        table[:, 0], tuple(f"t{i}" for i in range(n)), chances, np.log(chances), np.ones(n, np.int32),
        np.full(n, 1.25), table, both, both**2, names,
    )  # fmt: skip
    return Writing("writing:0", 10, "", texts, chances, finished, "length limit reached" if finished else "", chosen,
        cut)


@pytest.fixture
def view(qtbot: QtBot, qapp: QApplication) -> DocumentView:
    theme.apply(qapp, "light")
    view = DocumentView()
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.show()
    qtbot.waitExposed(view)
    view.set_text("ROMEO:")
    return view


def wrote(view: DocumentView, *texts: str, at: int | None = None, chance: float = 0.3) -> None:
    view.begin_writing(at)
    view.show_writing(writing(*texts, chance=chance), MADE)
    view.end_writing()


def is_in_step(view: DocumentView) -> None:
    """The editor shows the document, letter for letter; breaks that are not in the text are where the view takes them."""
    text, breaks = plain(view.editor.document(), 0, view.editor.document().characterCount() - 1)
    assert text == shown(view.text()) and breaks.tolist() == view._positions.breaks.tolist()
    assert view._positions.length == view.editor.document().characterCount() - 1


def test_the_continuation_grows_and_is_undone_in_one_step(view: DocumentView) -> None:
    view.begin_writing()
    for end in (1, 3, 3, 5):
        view.show_writing(writing(*[" O", ",", " wh", "at", "!"][:end]), MADE)
        is_in_step(view)
    assert view.text() == "ROMEO: O, what!"
    assert view.prompt(MADE.run) == ("ROMEO:", Tokens((0, 1, 2, 3, 4), " O, what!"))
    view.undo()
    assert view.text() == "ROMEO:"
    view.redo()
    assert view.text() == "ROMEO: O, what!" and view.legend.isVisible()


def test_a_cut_token_is_typed_text(view: DocumentView) -> None:
    view.begin_writing()
    view.show_writing(writing(" a", "b", finished=True, cut=True), MADE)
    assert view.prompt(MADE.run) == ("ROMEO:", Tokens((0,), " a"), "b")


def test_typing_into_written_text_branches_and_branches_are_walked(view: DocumentView, qtbot: QtBot) -> None:
    wrote(view, " hello", " you")
    with qtbot.waitSignal(view.edited):
        view.set_caret(9)
        qtbot.keyClicks(view.editor, "X")
    assert view.text() == "ROMEO: heXllo you"
    is_in_step(view)
    view.walk(-1)
    assert view.text() == "ROMEO: hello you" and view.prompt(MADE.run)[1] == Tokens((0, 1), " hello you")
    is_in_step(view)
    view.walk(1)
    assert view.text() == "ROMEO: heXllo you"
    view.to_fork()
    assert view.caret() == 6
    for _ in range(3):
        qtbot.keyClick(view.editor, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert view.text() == ""


@pytest.mark.parametrize("longest", [LONGEST, 12])
def test_random_use_of_the_editor_stays_in_step(
    view: DocumentView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, longest: int
) -> None:
    shorten(monkeypatch, longest)
    rng = random.Random(5)
    keys = [Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Home, Qt.Key.Key_End]
    for _ in range(400):
        kind = rng.choice(["type", "type", "key", "erase", "select", "write", "undo", "redo", "walk", "paste", "new"])
        if kind == "type":
            qtbot.keyClicks(view.editor, rng.choice(["a", "b c", "x"]))
        elif kind == "key":
            qtbot.keyClick(view.editor, rng.choice(keys))
        elif kind == "erase":
            qtbot.keyClick(view.editor, rng.choice([Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_Return]))
        elif kind == "select":
            for _ in range(rng.randint(1, 5)):
                qtbot.keyClick(view.editor, rng.choice(keys), Qt.KeyboardModifier.ShiftModifier)
        elif kind == "write":
            pieces = [rng.choice([" x", "y\n", "", "😀", "\r", "é"]) for _ in range(rng.randint(1, 5))]
            wrote(view, *pieces, at=rng.choice([None, view.caret()]))
        elif kind == "paste":
            view.editor.insertPlainText(rng.choice(["one\ntwo", "é", "😀", "a\tb\n", ""]))
        elif kind == "new" and rng.random() < 0.1:
            view.set_text("😀 again\r\n")
        else:
            {"undo": view.undo, "redo": view.redo, "walk": lambda: view.walk(1)}.get(kind, view.undo)()
        is_in_step(view)
    view.grab()


def shorten(monkeypatch: pytest.MonkeyPatch, longest: int) -> None:
    """Let paragraphs be broken that are not long."""
    monkeypatch.setattr(soft_breaks, "LONGEST", longest)
    monkeypatch.setattr(soft_breaks, "_SIZE", longest // 2)
    monkeypatch.setattr(soft_breaks, "_LEAST", longest // 3)
    monkeypatch.setattr("genstudio.ui.views.editor.LONGEST", longest)


@pytest.mark.parametrize("seed", range(4))
def test_keys_do_in_a_broken_paragraph_what_they_do_in_any(
    view: DocumentView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    shorten(monkeypatch, 12)
    rng = random.Random(seed)
    view.set_text("One long line without an end, 😀 and more of the same.")
    cut = 0
    for _ in range(150):
        view.set_caret(rng.randint(0, len(view.text())))
        for _ in range(rng.choice([0, 0, 3])):
            qtbot.keyClick(view.editor, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
        chosen, before = view.editor.textCursor(), view.text()
        a, b = (view._positions.characters(u) for u in (chosen.selectionStart(), chosen.selectionEnd()))
        kind = rng.choice(["type", "type", "enter", "back", "delete", "paste", "cut"])
        if kind == "type":
            qtbot.keyClicks(view.editor, "q")
            expected = before[:a] + "q" + before[b:]
        elif kind == "enter":
            qtbot.keyClick(view.editor, Qt.Key.Key_Return)
            expected = before[:a] + "\n" + before[b:]
        elif kind == "paste":
            data = QMimeData()
            data.setText(rng.choice(["abc", "a word or two that is long", "x" * 40, "a\nb"]))
            view.editor.insertFromMimeData(data)
            expected = before[:a] + data.text() + before[b:]
        elif kind == "cut":
            assert view.editor.createMimeDataFromSelection().text() == before[a:b]
            expected = before
        else:
            at = a - 1 if kind == "back" and a == b else a
            to = b + 1 if kind == "delete" and a == b else b
            qtbot.keyClick(view.editor, Qt.Key.Key_Backspace if kind == "back" else Qt.Key.Key_Delete)
            expected = before[: max(at, 0)] + before[to:]
        assert view.text() == expected, kind
        if rng.random() < 0.7:
            view._settle()
        is_in_step(view)
        cut += len(view._positions.breaks)
    assert cut > 150
    view._settle()
    lines = [view.editor.document().findBlockByNumber(i).length() for i in range(view.editor.blockCount())]
    assert max(lines) <= 2 * 12


def test_tints_lie_on_every_written_token_and_nowhere_else(view: DocumentView) -> None:
    view.set_text("a😀")
    view.begin_writing()
    view.show_writing(writing(" b", "😀c\n", "", "d", chance=0.9), MADE)
    painted = {unit for span in view.spans(0, 99) if span.ground is not None for unit in range(span.start, span.stop)}
    assert painted == set(range(3, 3 + 2 + 4 + 1))
    assert sorted(set(view.boundaries(0, 99))) == [3, 5, 9, 10]
    wrote(view, "e", "f", chance=0.001)
    colors = {span.ground.name() for span in view.spans(0, 12) if span.ground is not None}
    assert len(colors) == 2


def test_unknown_characters_are_said_with_what_happens_to_them(view: DocumentView) -> None:
    view.set_text("a😀é")
    marks = Marks(np.array([0]), np.array([5]), {5: "a"}, np.array([1, 2]), "", 1, 64, 10)
    view.set_marks(marks)
    waves = [(span.start, span.stop) for span in view.spans(0, 9) if span.wavy]
    assert waves == [(1, 3), (3, 4)]
    assert "2 unknown: skipped" in view.count.text() and "1 token" in view.count.text()
    assert "skips it" in view.hint_at(1) and "id 5" in view.hint_at(0)
    view.set_marks(Marks(marks.starts, marks.ids, marks.names, marks.unknown, "<unk>", 9, 4, 10))
    assert "read as <unk>" in view.count.text() and "sees the last 4" in view.count.text()
    view.set_caret(0)
    view.editor.insertPlainText("xy")
    assert [(s.start, s.stop) for s in view.spans(0, 9) if s.wavy] == [(3, 5), (5, 6)]


def test_the_card_shows_the_numbers_and_offers_the_alternatives(view: DocumentView, qtbot: QtBot) -> None:
    wrote(view, " a", " b")
    assert view.open_card(7)
    facts = dict(view.card.facts())
    assert facts["sampled with p ="] == "0.3000" and facts["model's probability"] == "0.3000" and facts["rank"] == "1"
    assert facts["log-probability"].startswith("-1.204") and facts["surprise"].startswith("1.737")
    assert [row[:2] for row in view.card.rows()] == [(0, "t0"), (100, "t100")]
    assert view.card.rows()[1][2:] == pytest.approx((0.7, 0.49))
    view.card.grab()
    box = view.card.row_box(1).center().toPoint()
    with qtbot.waitSignal(view.alternative_wanted) as caught:
        qtbot.mouseClick(view.card, Qt.MouseButton.LeftButton, pos=box)
    assert caught.args[0].token == 0 and caught.args[1] == 1
    assert not view.card.isVisible()


def test_the_card_is_reached_by_keys_alone(view: DocumentView, qtbot: QtBot) -> None:
    wrote(view, " a", " b")
    view.editor.moveCursor(QTextCursor.MoveOperation.End)
    view.open_here()
    assert view.card.isVisible() and view.card.place is not None and view.card.place.token == 1
    qtbot.keyClick(view.editor, Qt.Key.Key_Escape)
    assert not view.card.isVisible()
    view.open_here()
    qtbot.keyClick(view.editor, Qt.Key.Key_Down)
    with qtbot.waitSignal(view.alternative_wanted) as caught:
        qtbot.keyClick(view.editor, Qt.Key.Key_Return)
    assert caught.args[1] == 1 and view.text() == "ROMEO: a b"


def test_hovering_opens_the_card(view: DocumentView, qtbot: QtBot) -> None:
    wrote(view, " abc")
    box = view.editor.box_of(8).center().toPoint()
    assert view.editor.unit_at(box) == 8
    assert view.editor.unit_at(QPoint(box.x() + 300, box.y())) == -1
    hover(qtbot, view.editor.viewport(), box, view.card.isVisible)


@pytest.mark.parametrize("line", ["It was a large document, and each line was like the other.\n", "one line "])
def test_large_documents_stay_usable(view: DocumentView, qtbot: QtBot, line: str) -> None:
    import time

    view.set_text(line * (1_010_000 // len(line)))
    view.editor.moveCursor(QTextCursor.MoveOperation.End)
    times = []
    for letter in "typing":
        began = time.thread_time()
        qtbot.keyClicks(view.editor, letter)
        view.editor.viewport().repaint()
        times.append(time.thread_time() - began)
    assert sorted(times)[2] < 0.05
    assert view.text().endswith("typing") and len(view.text()) > 1_000_000
    is_in_step(view)


@pytest.mark.parametrize("text", ["", "abc", "a😀b", "😀😀", "é\ud800x"])
def test_positions_go_both_ways(text: str) -> None:
    positions = Positions(text)
    for at in range(len(text) + 1):
        assert positions.units(at) == len(text[:at].encode("utf-16-le", "surrogatepass")) // 2
        assert positions.characters(positions.units(at)) == at


@pytest.mark.parametrize("text", ["plain word ", "naïve é☃ wörd ", "日本 x", "so\u00adft e\u0301 fi ", "fl \u200b x"])
@pytest.mark.parametrize("share", [1.0, 1.3])
def test_ticks_stand_where_the_layout_has_the_letters(qtbot: QtBot, text: str, share: float) -> None:
    view = DocumentView()
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    view.set_text(text * 20)
    block = view.editor.document().firstBlock()
    width = share * QFontMetricsF(view.editor.font()).horizontalAdvance("x")
    assert width > 0 and block.layout().lineCount() > 1
    for index in range(block.layout().lineCount()):
        line = block.layout().lineAt(index)
        places = np.arange(line.textStart(), line.textStart() + line.textLength())
        exact = across_line(line, block.text(), places, 0.0)
        assert np.abs(across_line(line, block.text(), places, width) - exact).max() < 1.0


def test_changes_move_places_as_if_all_was_read_again() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        text = "".join(rng.choice(list("aé😀"), 20))
        positions, change, old = Positions(text), None, np.arange(20)
        now = [*range(20)]
        for _ in range(4):
            start, end = sorted(int(i) for i in rng.integers(0, len(text) + 1, 2))
            fresh = "😀b"[: int(rng.integers(0, 3))]
            text = text[:start] + fresh + text[end:]
            now[start:end] = [-1] * len(fresh)
            stop = start + len(fresh)
            positions = positions.replaced(start, end, fresh, positions.breaks)
            change = Change(start, end, stop) if change is None else change.then(start, end, stop)
            whole = Positions(text)
            every = np.arange(len(text) + 1)
            assert positions.length == whole.length
            assert positions.all_units(every).tolist() == [whole.units(int(i)) for i in every]
            found = change.between(old, 0, len(text)).tolist()
            outside = [i for i, was in enumerate(now) if was >= 0 and not change.start <= i < change.stop]
            assert found == outside and [change.before(i) for i in outside] == [now[i] for i in outside]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [("", "", (0, 0, 0)), ("abc", "abc", (3, 3, 3)), ("abc", "abXc", (2, 2, 3)), ("aaa", "aa", (2, 3, 2)),
     ("abc", "", (0, 3, 0)), ("", "x", (0, 0, 1)), ("abab", "ab", (2, 4, 2)), ("xay", "xby", (1, 2, 2))],
)  # fmt: skip
def test_differences(old: str, new: str, expected: tuple[int, int, int]) -> None:
    assert difference(old, new) == expected


def test_tints_go_from_likely_to_unlikely() -> None:
    chances = np.array([1.0, 0.5, 0.3, 0.1, 0.02, 0.001, np.nan])
    assert [tint(p) for p in chances] == tints(np.log(chances)).tolist() == [0, 0, 1, 2, 3, 4, 4]


def test_every_branch_is_kept(view: DocumentView) -> None:
    wrote(view, " one")
    wrote(view, " two", at=6)
    found = [segment.text for node, _ in view.document.tree.nodes() for segment in node.segments
             if isinstance(segment, Written)]  # fmt: skip
    assert sorted(found) == [" one", " two"]


def stale(view: DocumentView) -> bool:
    """Whether the screen shows something else than a fresh painting does."""
    QApplication.processEvents()
    there = view.screen().grabWindow(view.winId()).toImage().convertToFormat(QImage.Format.Format_RGB32)
    return bool(there != view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32))


def changed_at_random(view: DocumentView, seed: int, count: int = 12) -> bool:
    """Whether the screen was behind after one of so many changes of the document."""
    rng = random.Random(seed)
    view.set_text("\n".join("one two three" * rng.randrange(4) for _ in range(9)))
    view.set_marks(Marks(np.arange(40), np.zeros(40, np.int64), {0: "a"}, np.array([3, 30]), "", 40, 25, 1))
    found = stale(view)
    for _ in range(count):
        kind, at = rng.randrange(5), rng.randrange(view.document.tree.length + 1)
        if kind == 0:
            wrote(view, *(rng.choice([" a", "b", "\n", " wide word"]) for _ in range(6)), chance=rng.choice([0.6, 0.3, 0.001]))
        elif kind == 1:
            wrote(view, " branch", "\n", "ed", at=at, chance=0.02)
        elif kind == 2:
            view.set_caret(at)
            view.editor.insertPlainText(rng.choice(["x", "\n", "many words " * 20]))
        elif kind == 3:
            view.undo()
        elif view.marks is not None:
            view.set_marks(replace(view.marks, context=rng.choice([5, 12, 40])))
        found = stale(view) or found
    return found


def test_what_has_changed_is_painted_again(view: DocumentView, monkeypatch: pytest.MonkeyPatch) -> None:
    view.editor.setCursorWidth(0)  # it blinks
    assert not any(changed_at_random(view, seed) for seed in range(3))
    monkeypatch.setattr(type(view.editor), "update_from", lambda *_: None)  # Qt paints what it knows of: not what is tinted
    assert any(changed_at_random(view, seed) for seed in range(3))


def test_text_before_the_context_is_dimmed(view: DocumentView) -> None:
    view.set_text("abcdefghij")
    before = view.editor.grab().toImage()
    all_seen = Marks(np.arange(10), np.zeros(10, np.int64), {0: "a"}, np.empty(0, np.int64), "", 10, 10, 1)
    view.set_marks(all_seen)
    assert view.unseen() == 0
    ticked = view.editor.grab().toImage()
    view.set_marks(replace(all_seen, context=4))
    assert view.unseen() == 6
    dimmed, width = view.editor.grab().toImage(), view.editor.fontMetrics().horizontalAdvance("abcdefghij") / 10
    left = view.editor.cursorRect(QTextCursor(view.editor.document())).left()

    def ink(image: QImage, first: int, last: int) -> int:
        """How dark the letters from one place to another are, all together."""
        columns = range(round(left + first * width), round(left + last * width))
        return sum(255 - image.pixelColor(x, y).lightness() for x in columns for y in range(image.height() // 3))

    assert ink(dimmed, 0, 6) < 0.6 * ink(ticked, 0, 6) and ink(dimmed, 7, 10) == ink(ticked, 7, 10) > 0
    assert ink(before, 0, 10) > 0
    view.set_caret(0)
    view.editor.insertPlainText("xy")
    assert view.unseen() == 8
