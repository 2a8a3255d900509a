"""The Playground with a trained tiny model: write, branch, walk, compare, score; and every number that is shown."""

from __future__ import annotations

import math
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from at_random import NOTICED, Controls, answer_dialogs
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from read_back import drawn

from genstudio import paths
from genstudio.runs import list_runs
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.document_files import as_json
from genstudio.sampling.segments import Written
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.prompt import text_of
from genstudio.tasks.train import Train
from genstudio.ui.engine import Engine
from genstudio.ui.library import Library
from genstudio.ui.playground import work_page
from genstudio.ui.playground.about import about
from genstudio.ui.playground.pages import PAGES, lack
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.tabs.playground import PlaygroundTab
from genstudio.ui.views.soft_breaks import plain
from genstudio.ui.views.view import token_text
from helpers import LONG, TINY, run_task, text_file

EVERY = {entry.title for entry in PAGES if entry.group in ("Choose", "Text") and not lack("gpt", entry.title)}
"""The others are used at random beside this."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one trained model."""
    home = tmp_path_factory.mktemp("writing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(home))
        run_task(Train("gpt", str(text_file(home)), TINY, steps=30, seed=0))
    return home


@pytest.fixture
def tab(trained: Path, qtbot: QtBot, tmp_path: Path) -> Iterator[PlaygroundTab]:
    """A tab with one trained model, seen at the smallest size of the window."""
    shutil.copytree(trained, tmp_path / "home")
    text_file(tmp_path)
    engine = Engine()
    tab = PlaygroundTab(engine, Library(engine))
    qtbot.addWidget(tab)
    tab.problems: list[Any] = []  # type: ignore[misc]
    tab.failed.connect(tab.problems.append)
    tab.resize(1280, 640)
    tab.show()
    qtbot.waitExposed(tab)
    tab.show_runs(tuple(list_runs(paths.runs())))
    tab.sampler.length.set_value(20)
    yield tab
    engine.close()


@pytest.fixture
def model(tab: PlaygroundTab) -> Callable[[list[int]], np.ndarray[Any, Any]]:
    """Probabilities (V,) after ids, by a way of its own: the bare model, and a softmax in numpy."""
    import torch

    ref = tab.reference()
    assert ref is not None
    gpt = Models().get(ref).model

    def probabilities(ids: list[int]) -> np.ndarray[Any, Any]:
        gpt.transformer.eval()
        with torch.no_grad():
            logits = gpt.transformer(torch.tensor([ids[-gpt.transformer.context :]]))[0, -1].double().numpy()
        weights = np.exp(logits - logits.max())
        return np.asarray(weights / weights.sum())

    probabilities.tokenizer = gpt.data.tokenizer  # type: ignore[attr-defined]
    return probabilities


def until(qtbot: QtBot, condition: Callable[[], object]) -> None:
    qtbot.waitUntil(lambda: bool(condition()), timeout=LONG)


def write(tab: PlaygroundTab, qtbot: QtBot, text: str = "the cat ") -> None:
    tab.document.set_text(text)
    tab.start_writing()
    until(qtbot, lambda: not tab.writer.writing)


def written(tab: PlaygroundTab) -> Written:
    found = [s for s in tab.document.document.tree.segments() if isinstance(s, Written)]
    return found[-1]


def press(tab: PlaygroundTab, qtbot: QtBot, name: str) -> None:
    found = tab.findChild(QPushButton, name)
    assert found is not None, name
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)


def test_write_branch_by_mouse_and_keys_undo_and_walk(tab: Any, qtbot: QtBot) -> None:
    tab.document.set_text("the cat ")
    press(tab, qtbot, "generate")
    until(qtbot, lambda: not tab.writer.writing)
    first = tab.document.text()
    assert len(written(tab).tokens) == 20 and tab.status.text().startswith("20 tokens, weights of step 30")
    tab.document.open_card(12)
    assert tab.document.card.isVisible()
    row = tab.document.card.row_box(2).center().toPoint()
    name = tab.document.card.rows()[2][1]
    qtbot.mouseClick(tab.document.card, Qt.MouseButton.LeftButton, pos=row)
    until(qtbot, lambda: len(tab.document.text()) == 13)
    assert tab.document.text()[:12] == first[:12] and name in (tab.document.text()[12], "␣", "⏎")
    tab.document.open_here()
    qtbot.keyClick(tab.document.editor, Qt.Key.Key_Down)
    qtbot.keyClick(tab.document.editor, Qt.Key.Key_Return)
    until(qtbot, lambda: len(tab.document.document.tree.root.children or ()) >= 2)
    ends = len([n for n, _ in tab.document.document.tree.nodes() if not n.children])
    assert ends >= 2
    tab.document.walk(-1)
    until(qtbot, tab.writer.tree.isVisible)
    while tab.document.document.can_undo:
        qtbot.keyClick(tab.document.editor, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert tab.document.text() == ""
    assert tab.problems == []


def test_after_a_branch_the_pages_are_about_the_place_behind_it(tab: Any, qtbot: QtBot) -> None:
    """Whichever token is clicked, and whichever of its alternatives then, also one that is the last letter of the text."""
    write(tab, qtbot)
    whole, page = tab.document.text(), tab.page("Next token")
    last = token_text(whole[-1])
    same = 0
    for at in (8, 13):
        tab.document.open_card(at)
        names = [name for _, name, _, _ in tab.document.card.rows()]
        same += last in names
        for row in {0, names.index(last) if last in names else 1}:
            tab.document.set_caret(at)
            tab.document.open_card(at)
            box = tab.document.card.row_box(row).center().toPoint()
            qtbot.mouseClick(tab.document.card, Qt.MouseButton.LeftButton, pos=box)
            until(qtbot, lambda at=at: len(tab.document.text()) == at + 1 and not tab.writer.busy("text"))
            assert tab.document.caret() == at + 1 == len(tab.document.text())
            tab.document.undo()
            assert tab.document.text() == whole
    assert same, "an alternative that ends as the text does was among them"
    tab.document.open_card(10)
    alternative = tab.document.card.row_box(1).center().toPoint()
    qtbot.mouseClick(tab.document.card, Qt.MouseButton.LeftButton, pos=alternative)
    until(qtbot, lambda: len(tab.document.text()) == 11 and not tab._delay.isActive() and not page._jobs)
    assert text_of(page._prompt) == tab.document.text()
    assert "".join(page.view.snapshot.prompt_pieces).endswith(tab.document.text()[-3:])
    assert tab.problems == []


def test_the_same_seed_writes_the_same_and_again_another(tab: Any, qtbot: QtBot) -> None:
    write(tab, qtbot)
    first = tab.document.text()
    write(tab, qtbot)
    assert tab.document.text() == first
    press(tab, qtbot, "generate_again")
    until(qtbot, lambda: not tab.writer.writing)
    assert tab.document.text() != first and tab.document.text().startswith("the cat ")
    assert len(tab.document.document.tree.root.children) == 2


def test_stopping_in_the_middle_keeps_what_came(tab: Any, qtbot: QtBot) -> None:
    tab.sampler.length.set_value(5000)
    tab.document.set_text("a")
    tab.start_writing()
    until(qtbot, lambda: len(tab.document.text()) > 20)
    press(tab, qtbot, "stop_writing")
    kept = tab.document.text()
    until(qtbot, lambda: not tab.writer.busy("write"))
    assert tab.document.text() == kept and len(kept) < 5000
    tab.document.undo()
    assert tab.document.text() == "a"


def test_typing_stops_the_writing(tab: Any, qtbot: QtBot) -> None:
    tab.sampler.length.set_value(5000)
    tab.document.set_text("a")
    tab.start_writing()
    until(qtbot, lambda: len(tab.document.text()) > 20)
    qtbot.keyClicks(tab.document.editor, "!")
    assert not tab.writer.writing and tab.document.text().endswith("!")


def test_the_numbers_of_every_written_token_are_the_models(tab: Any, qtbot: QtBot, model: Any) -> None:
    tab.sampler.temperature.set_value(0.7)
    tab.sampler.top_p.set_value(0.9)
    write(tab, qtbot, "a ")
    ids = [int(i) for i in model.tokenizer.encode_lossy("a ")[0]]
    begin = len("a ")
    for index, token in enumerate(written(tab).tokens.ids.tolist()):
        if len(ids) > TINY["context"]:
            break
        tab.document.open_card(begin + index)
        facts, rows = dict(tab.document.card.facts()), tab.document.card.rows()
        own = model(ids)
        scaled = own ** (1 / 0.7)
        order = np.argsort(-scaled, kind="stable")
        kept = order[: int(np.searchsorted(np.cumsum(scaled[order]), 0.9 * scaled.sum())) + 1]
        drawn = np.zeros(len(own))
        drawn[kept] = scaled[kept] / scaled[kept].sum()
        assert float(facts["sampled with p ="]) == pytest.approx(drawn[token], abs=6e-5)
        assert float(facts["model's probability"]) == pytest.approx(own[token], abs=6e-5)
        assert float(facts["log-probability"].split()[0]) == pytest.approx(math.log(own[token]), rel=2e-3)
        assert float(facts["surprise"].split()[0]) == pytest.approx(-math.log2(own[token]), rel=2e-3, abs=1e-3)
        assert int(facts["rank"]) == 1 + int((own > own[token]).sum())
        entropy = -(own * np.log2(own)).sum()
        assert float(facts["entropy here"].split()[0]) == pytest.approx(entropy, rel=2e-3)
        for other, _, before, after in rows:
            assert before == pytest.approx(own[other], abs=1e-6) and after == pytest.approx(drawn[other], abs=1e-6)
        ids.append(token)
    assert index > 4


def test_the_next_tokens_are_the_models_and_follow_the_sampler_at_once(tab: Any, qtbot: QtBot, model: Any) -> None:
    tab.document.set_text("the c")
    page = tab.page("Next token")
    until(qtbot, lambda: page.view.snapshot is not None and len(page.view.snapshot.prompt_pieces) == 5)
    own = model([int(i) for i in model.tokenizer.encode_lossy("the c")[0]])
    shown = {row[0]: row[2:] for row in page.view.table()[1]}
    assert all(shown[i][0] == pytest.approx(own[i], abs=1e-6) for i in range(len(own)))
    entropy = -(own * np.log2(own)).sum()
    assert f"entropy {entropy:.2f} bits" in page.view.notes()[0]
    tab.sampler.top_k.slider.setValue(3)
    assert page.view.survivors() == 3
    drawn(page.view)
    tail = 1 - sum(own[i] for i in page.view.shown())
    assert f"other tokens: {max(tail, 0.0):.1%}" in page.view.notes()[1]
    top = int(own.argmax())
    page.choose(top)
    until(qtbot, lambda: len(tab.document.text()) == 6)
    assert written(tab).tokens.ids.tolist() == [top]
    assert np.exp(written(tab).tokens.logprobs[0]) == pytest.approx(own[top], abs=1e-6)


def test_continuations_are_what_each_seed_writes_alone(tab: Any, qtbot: QtBot) -> None:
    write(tab, qtbot)
    alone = tab.document.text()[len("the cat ") :]
    tab.document.set_caret(len("the cat "))
    tab.inspectors.open("Continuations")
    page = tab.page("Continuations")
    page.look_at(tab.reference(), tab.prompt())
    press(tab, qtbot, "page_continuations_start")
    until(qtbot, lambda: all(c.writing is not None and c.writing.finished for c in page.cards[:4]))
    assert page.cards[0].writing.text == alone
    bits = -page.cards[1].writing.chosen.logprobs.mean() / math.log(2)
    assert f"{bits:.3f}" in page.cards[1].words.text()
    press(tab, qtbot, "take_1")
    assert tab.document.text() == "the cat " + page.cards[1].writing.text
    assert len(tab.document.document.tree.root.children) == 2


def test_the_beam_search_shows_the_models_scores_and_is_taken(tab: Any, qtbot: QtBot, model: Any) -> None:
    tab.document.set_text("the ")
    tab.inspectors.open("Beam search")
    page = tab.page("Beam search")
    page.length.setValue(4)
    page.look_at(tab.reference(), tab.prompt())
    press(tab, qtbot, "page_beam_start")
    until(qtbot, lambda: page.found is not None and page.found.finished)
    text = page.found.texts[0]
    start = [int(i) for i in model.tokenizer.encode_lossy("the ")[0]]
    ids = [int(i) for i in model.tokenizer.encode_lossy(text)[0]]
    nats = sum(math.log(model(start + ids[:k])[token]) for k, token in enumerate(ids))
    assert float(page.table.item(0, 0).text()) == pytest.approx(nats, rel=2e-3)
    assert float(page.table.item(0, 1).text()) == pytest.approx(-nats / len(ids), rel=2e-3)
    assert len(page.tree.table()[1].__iter__().__next__()) == 8
    drawn(page.tree)
    press(tab, qtbot, "beam_take")
    until(qtbot, lambda: tab.document.text() == "the " + text)
    taken = written(tab)
    assert taken.tokens.ids.tolist() == ids and taken.made.method == "beam search, 4 beams"
    for k, token in enumerate(ids):
        own = model(start + ids[:k])
        assert math.exp(taken.tokens.logprobs[k]) == pytest.approx(own[token], rel=1e-3)
        assert taken.tokens.ranks[k] == 1 + int((own > own[token]).sum())
        assert taken.tokens.entropies[k] == pytest.approx(-(own * np.log(own)).sum(), rel=1e-3)
        top = taken.tokens.alternatives[k].tolist()
        assert taken.tokens.before[k] == pytest.approx(own[top], abs=1e-6) and own[top[0]] == own.max()
    assert all(span.ground is not None for span in tab.document.spans(4, 4 + len(text)))


def test_the_score_is_the_models(tab: Any, qtbot: QtBot, model: Any) -> None:
    tab.inspectors.open("Score")
    page = tab.page("Score")
    page.look_at(tab.reference(), tab.prompt())
    page.text.setPlainText("the mat")
    press(tab, qtbot, "page_score_start")
    until(qtbot, lambda: page.scored is not None)
    ids = [int(i) for i in model.tokenizer.encode_lossy("the mat")[0]]
    nats = [-math.log(model(ids[:k])[ids[k]]) for k in range(1, len(ids))]
    shown = page.headline.text().split()
    assert float(shown[1]) == pytest.approx(math.exp(np.mean(nats)), rel=2e-3)
    assert float(shown[3]) == pytest.approx(sum(nats) / math.log(2) / 6, rel=2e-3)
    worst = int(np.argmax(nats)) + 1
    assert page.scored.worst[0] == worst
    assert float(page.table.item(0, 1).text()) == pytest.approx(max(nats) / math.log(2), rel=2e-3)
    page.table.setCurrentCell(0, 0)
    assert page.strip.chosen == worst and page.shown.chosen == worst
    strip = [row[3] for row in page.strip.table()[1]]
    assert strip[1:] == pytest.approx([n / math.log(2) for n in nats], abs=1e-5)


def test_the_cost_of_int8_is_shown(tab: Any, qtbot: QtBot, model: Any) -> None:
    tab.inspectors.open("Score")
    page = tab.page("Score")
    page.look_at(tab.reference(), tab.prompt())
    page.text.setPlainText("the mat")
    press(tab, qtbot, "score_precision")
    until(qtbot, lambda: "tokens/s" in page.costs.text())
    words = page.costs.text().replace(",", "").replace(")", "").replace("(", "").split()
    ids = [int(i) for i in model.tokenizer.encode_lossy("the mat")[0]]
    nats = [-math.log(model(ids[:k])[ids[k]]) for k in range(1, len(ids))]
    exact, eight, more = (float(words[i]) for i in (4, 6, 7))
    assert exact == pytest.approx(np.mean(nats), abs=2e-4) and 0 < abs(eight - exact) < 0.2
    assert more == pytest.approx(eight - exact, abs=2e-4) and float(words[10]) > 0 and float(words[12]) > 0
    assert tab.problems == []


def test_everything_works_with_a_model_in_training_and_while_it_is_paused(tab: Any, qtbot: QtBot) -> None:
    engine, places, losses = tab.writer._engine, [], []

    def heard(frame: Any) -> None:
        losses.extend(name for name in frame.series if name == "train_loss")
        places.extend([frame.run] if frame.run else [])

    job = engine.start(Train("gpt", str(paths.home().parent / "words.txt"), TINY, steps=10**6, seed=1), heard)
    until(qtbot, lambda: len(losses) > 5)
    tab.set_live(frozenset(places))
    tab.show_runs(tuple(list_runs(paths.runs())))
    tab.choose(places[0])
    assert tab.reference() == ModelRef(places[0], "live")
    steps = {}
    for state in ("running", "paused"):
        if state == "paused":
            engine.pause(job)
        tab.document.set_text("the cat ")
        tab.sampler.length.set_value(8)
        tab.start_writing()
        until(qtbot, lambda: not tab.writer.writing)
        parts = [s for s in tab.document.document.tree.segments() if isinstance(s, Written)]
        assert sum(len(part.tokens) for part in parts) == 8
        assert f"weights of step {parts[-1].made.step:,}" in tab.status.text()
        seen = [part.made.step for part in parts]
        for title in ("Next token", "Score", "Beam search"):
            tab.inspectors.open(title)
            page = tab.page(title)
            page._rests_until = 0.0  # after the looks at the text while it was written
            page.look_at(tab.reference(), ("the cat ",))
            if title == "Beam search":
                page.length.setValue(3)
            elif title == "Score":
                page.text.setPlainText("the mat")
            getattr(page, "run", page.busy_changed)()
            until(qtbot, lambda page=page: not page.busy("work") and not page.busy("next"))
            found = {"Next token": lambda p: p.view.snapshot, "Score": lambda p: p.scored}.get(title, lambda p: p.found)(page)
            assert f"(in training), weights of step {found.step:,}" in page.note.text()
            seen.append(found.step)
        steps[state] = seen
    assert steps["running"] == sorted(steps["running"]) and steps["running"][-1] > steps["running"][0] > 0
    assert len(set(steps["paused"])) == 1 and steps["paused"][0] >= steps["running"][-1]
    engine.stop(job)
    until(qtbot, lambda: job not in engine.running)
    assert tab.problems == []


def test_the_grid_is_filled_and_taken_by_key(tab: Any, qtbot: QtBot) -> None:
    tab.document.set_text("a ")
    tab.inspectors.open("Grid")
    page = tab.page("Grid")
    page.length.setValue(5)
    page.look_at(tab.reference(), tab.prompt())
    press(tab, qtbot, "page_grid_start")
    until(qtbot, lambda: page.grid is not None and all(cell.finished for cell in page.grid.cells))
    text = page.table.item(2, 1).text()
    page.table.item(2, 1).setText("a word " * 60)
    page._fit()
    assert page.table.rowHeight(2) >= page.table.sizeHintForRow(2) > page.table.rowHeight(1)
    page.table.item(2, 1).setText(text)
    assert len(text) == 5 and "20 of 20" in page.note.text()
    tab.sampler.temperature.set_value(page.grid.temperatures[2])
    tab.sampler.top_p.set_value(page.grid.top_ps[1])
    tab.sampler.length.set_value(5)
    page.table.setCurrentCell(2, 1)
    qtbot.keyClick(page.table, Qt.Key.Key_Return)
    assert tab.document.text() == "a " + text
    write(tab, qtbot, "a ")
    assert tab.document.text() == "a " + text


def test_the_tab_is_used_with_keys_alone(tab: Any, qtbot: QtBot) -> None:
    tab.document.editor.setFocus()
    qtbot.keyClicks(tab.document.editor, "the cat ")
    until(qtbot, lambda: tab.document.marks is not None)
    qtbot.keyClick(tab.writer.generate, Qt.Key.Key_Space)
    until(qtbot, lambda: len(tab.document.text()) > 20 and not tab.writer.writing)
    seen = set()
    for _ in range(40):
        qtbot.keyClick(tab.inspectors.rail, Qt.Key.Key_Down)
        item = tab.inspectors.rail.currentItem()
        seen.add(item.text())
        if seen >= EVERY:
            break
    assert EVERY - {"Next token"} <= seen
    tab.wide.click()
    assert not tab.writer.isVisible()
    tab.wide.click()
    assert tab.writer.isVisible()
    tab.sampler.fold.set_opened(True)
    reached, widget = set(), tab.document.editor
    for _ in range(4000):
        widget = widget.nextInFocusChain()
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible():
            reached.add(widget.objectName())
    assert {"generate", "model_choice", "page_rail", "stop_text", "fresh_seed", "document_menu"} <= reached


def test_the_document_is_exported_and_comes_back(tab: Any, qtbot: QtBot, tmp_path: Path) -> None:
    write(tab, qtbot)
    tab.writer.write(12)
    until(qtbot, lambda: not tab.writer.writing)
    text, place = tab.document.text(), tmp_path / "mine.json"
    tab.writer.files.export(str(place))
    until(qtbot, place.exists)
    before = tab.document.document.tree
    tab.document.set_text("other")
    tab.writer.files.open(str(place))
    until(qtbot, lambda: tab.document.text() == text)
    after = tab.document.document.tree
    assert [n.text for n, _ in after.nodes()] == [n.text for n, _ in before.nodes()]
    assert tab.problems == []


class Person:
    """Somebody who does whatever can be done, and some of what cannot. `done`: which kinds of actions."""

    def __init__(self, tab: Any, seed: int) -> None:
        self.tab, self.rng = tab, random.Random(seed)
        self.controls = Controls(self.rng)
        self.done: set[str] = set()
        self.opened: set[str] = set()

    def act(self) -> None:
        """One action with whatever a person, or a fault, could give it; what should leave the text alone does so."""
        changes, harmless = self._changes(), self._harmless()
        name = self.rng.choice([*changes, *harmless])
        self.done.add(name)
        before = "" if name in changes else serialised(self.tab)
        (changes | harmless)[name]()
        kept = name in changes or serialised(self.tab) == before
        assert kept, f"'{name}' changed the text"

    def _changes(self) -> dict[str, Callable[[], object]]:
        tab, rng = self.tab, self.rng
        keys = [node.id for node, _ in tab.document.document.tree.nodes()]
        long = rng.choice(["x", "word " * 12, "word " * 12 + "\n"]) * rng.choice([1, 10, 16_000])
        return {
            "set text": lambda: tab.document.set_text(rng.choice(["", "the cat", "é☃", long])),
            "write": tab.start_writing,
            "stop": tab.stop_writing,
            "write here": tab.writer.write_here,
            "write again": tab.writer.write_again,
            "take from the card": lambda: tab.document.card.take(),
            "undo": tab.document.undo,
            "redo": tab.document.redo,
            "switch": lambda: tab.document.switch(rng.choice(keys)),
            "walk": lambda: tab.document.walk(rng.choice([-1, 1])),
            "name": lambda: tab.document.rename(rng.choice(keys), rng.choice(["", "name", "x" * 10_000])),
            "remove": lambda: tab.document.remove(rng.choice(keys)),
            "take a continuation": lambda: tab.page("Continuations").take(rng.randint(0, 7)),
            "take a beam": lambda: tab.page("Beam search").take(),
            "take from the grid": lambda: tab.page("Grid").take(rng.randint(-1, 6), rng.randint(0, 3)),
            "press": lambda: self.controls.use(tab),
        }

    def _harmless(self) -> dict[str, Callable[[], object]]:
        tab, rng = self.tab, self.rng
        title = rng.choice(sorted(EVERY - self.opened) or sorted(EVERY))
        page, at = tab.page(title), rng.randint(-3, len(tab.document.text()) + 3)
        run = rng.choice([tab.reference(), tab.reference(), ModelRef("no such run"), None])

        def open_page() -> None:
            tab.inspectors.open(title)
            self.opened.add(title)

        return {
            "move the caret": lambda: tab.document.set_caret(at),
            "open the card": lambda: tab.document.open_card(at),
            "move in the card": lambda: tab.document.card.move_row(rng.randint(-9, 9)),
            "to the fork": tab.document.to_fork,
            "open a page": open_page,
            "look": lambda: page.look_at(run, tab.prompt()),
            "sample": lambda: page.show_sampling(self._sampling()),
            "run": lambda: getattr(page, "run", lambda: None)(),
            "greedy": lambda: tab.sampler.greedy.toggle(),
            "temperature": lambda: tab.sampler.temperature.set_value(rng.choice([0.05, 1e-6, 5.0])),
            "length": lambda: tab.sampler.length.set_value(rng.choice([1, 3, 5000])),
            "stop text": lambda: tab.sampler.stop_text.setText(rng.choice(["", "t", "\\n", "x" * 300])),
            "float32": lambda: tab.choice.int8.setChecked(False),
            "score": lambda: tab.page("Score").choose(rng.randint(-1, 40)),
            "score the document": lambda: tab.page("Score").use_document() if len(tab.document.text()) < 1000 else None,
            "ask for the token": lambda: tab.page("Next token").choose(rng.randint(0, 8)),
            "point": lambda: tab.page("Next token").view.mouseMoveEvent(_move(rng)),
        }

    def _sampling(self) -> Sampling:
        rng = self.rng
        bad = SamplingOptions(
            rng.choice([0, 1e-6, 0.8, 100.0, math.nan, -1.0]),
            rng.choice([0, 3, 10**9, -5]),
            rng.choice([1.0, 0.5, 0.0, math.nan]),
            rng.random() < 0.2,
            rng.choice([0.0, 0.3, 2.0]),
            rng.choice([1.0, 1.3, 0.0]),
        )
        return Sampling(bad, rng.choice([0, 3, 20, 10**9, -1]), rng.choice([0, 7, -3]), ("",) * rng.randint(0, 1))


def serialised(tab: Any) -> str:
    """The document with its branches as its file holds it."""
    return "".join(as_json(tab.document.document.tree))


def _move(rng: random.Random) -> Any:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    at = QPointF(rng.randint(0, 600), rng.randint(-50, 900))
    none = Qt.MouseButton.NoButton
    return QMouseEvent(QEvent.Type.MouseMove, at, at, none, none, Qt.KeyboardModifier.NoModifier)


def use_at_random(person: Person, qtbot: QtBot, count: int) -> None:
    """A message for what cannot be done, never a fault; the editor always shows the document, and undo leads back."""
    tab = person.tab
    start = tab.document.document.tree
    for done in range(count):
        person.act()
        if done % 4 == 3:
            qtbot.wait(1)
        if done % 100 == 99:
            editor = tab.document.editor.document()
            shown, _ = plain(editor, 0, editor.characterCount() - 1)
            assert shown == tab.document._text and len(shown) == len(tab.document.text())
        if done == count * 3 // 4:
            shutil.rmtree(paths.runs())
    tab.stop_writing()
    for title in EVERY - {"Next token"}:
        tab.page(title).cancel("work")
    until(qtbot, lambda: not [n for n in tab.writer._engine.running if not n.startswith("SaveDocument")])
    faults = [failure for failure in tab.problems if not failure.expected]
    assert not faults, faults[0]
    while tab.document.document.undo():
        pass
    assert tab.document.document.tree.text == start.text
    assert person.opened == EVERY and person.done == {*person._changes(), *person._harmless()}


@pytest.fixture
def person(tab: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Person:
    person = Person(tab, 1)
    answer_dialogs(monkeypatch, person.rng, tmp_path)
    return person


class TestRandomUse:
    """Nothing but messages comes of it."""

    pytestmark = NOTICED

    def test_random_use(self, person: Person, qtbot: QtBot) -> None:
        use_at_random(person, qtbot, 300)

    @pytest.mark.slow
    @pytest.mark.timeout(3000)
    def test_ten_thousand_random_uses(self, person: Person, qtbot: QtBot) -> None:
        person.rng.seed(2)
        use_at_random(person, qtbot, 10_000)
        assert person.controls.used == person.controls.met

    def test_the_random_use_notices_a_text_that_changed(self, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(person.tab.document, "to_fork", lambda: person.tab.document.set_text("lost"))
        with pytest.raises(AssertionError, match="to the fork"):
            for _ in range(1000):
                person.act()


def test_pages_begin_by_themselves_once_what_they_show_has_rested(
    tab: Any, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_page, "REST_MS", 20)
    tab.document.set_text("the cat sat")
    tab.inspectors.open("Continuations")
    page = tab.page("Continuations")
    assert page.asked is None
    until(qtbot, lambda: page.asked is not None and not page.busy("work"))
    assert text_of(page.asked[1]) == "the cat sat" and all(len(c.writing.pieces) for c in page.cards if c.isVisible())
    asked = page.asked
    tab._look()
    qtbot.wait(60)
    assert page.asked is asked, "nothing changed, and it was done again"
    tab.document.set_text("§§§")
    until(qtbot, lambda: page.asked is not asked and not page.busy("work"))
    assert tab.problems == [] and "vocabulary" in page.note.text()
    tab.document.set_text("the mat")
    tab.inspectors.open("Score")
    score = tab.page("Score")
    until(qtbot, lambda: score.scored is not None and not score.busy("work"))
    assert score.text.toPlainText() == score.scored.text == "the mat"


def test_the_bars_move_while_a_text_is_written(tab: Any, qtbot: QtBot) -> None:
    tab.document.set_text("the cat sat on ")
    page = tab.page("Next token")
    until(qtbot, lambda: page.view.snapshot is not None)
    seen, show = [], page.view.show_snapshot
    page.view.show_snapshot = lambda found: (seen.append((tab.writer.writing, len(found.prompt_pieces))), show(found))
    tab.sampler.length.set_value(3000)
    tab.start_writing()
    until(qtbot, lambda: sum(writing for writing, _ in seen) >= 3 or not tab.writer.writing)
    tab.stop_writing()
    assert sum(writing for writing, _ in seen) >= 3


def test_a_page_that_needs_the_width_has_it_unless_the_person_chose_otherwise(tab: Any) -> None:
    tab.inspectors.open("Grid")
    assert not tab.writer.isVisible()
    tab.inspectors.open("Score")
    assert tab.writer.isVisible()
    tab.inspectors.open("Grid")
    tab.wide.click()
    assert tab.writer.isVisible()
    tab.inspectors.open("Score")
    tab.inspectors.open("Grid")
    assert tab.writer.isVisible() and tab.remembered()["wide"] is False


def test_every_page_answers_a_question_and_has_something_to_try(tab: Any) -> None:
    rail, questions = tab.inspectors.rail, []
    for row in range(rail.count()):
        item = rail.item(row)
        if item.text() not in tab.inspectors.titles():
            questions.append(item.text())
            continue
        known = about(item.text())
        assert known.question == questions[-1] and known.line.endswith(".")
        assert len(re.findall(r"[.?](?= |$)", known.suggestion)) == 3, item.text()
    assert len(questions) == len(set(questions)) and all(question.endswith("?") for question in questions)
    assert about("unheard of", "Its group").question == "Its group"
    tab.inspectors.hint.click()
    assert tab.inspectors.suggestion.isVisible() and tab.inspectors.suggestion.text() == about("Next token").suggestion


def test_the_sampler_is_one_line_that_opens(tab: Any) -> None:
    assert not tab.sampler.temperature.isVisible() and not tab.sampler.fold.opened
    tab.sampler.restore({"temperature": 1.25, "length": 20})
    line = tab.sampler.fold._button.text()
    assert "T 1.25" in line and "20 tokens" in line and "top-k" not in line
    tab.sampler.restore({"top_k": 7})
    assert "top-k 7" in tab.sampler.fold._button.text()
    tab.sampler.fold.set_opened(True)
    assert tab.sampler.temperature.isVisible() and tab.remembered()["opened"] is True
