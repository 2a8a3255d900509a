"""Translating in the Playground: a source is typed, the translation is written into the document, and pages show why."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from translator import trained

from genstudio.inspection.ablation import Ablation
from genstudio.runs import RunInfo
from genstudio.sampling.segments import Written
from genstudio.tasks.models import ModelRef
from genstudio.tasks.translate import TranslationInside
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.library import Library
from genstudio.ui.playground.length_page import LengthPage
from genstudio.ui.playground.pages import PAGES, lack
from genstudio.ui.playground.translate_page import TranslatePage
from genstudio.ui.playground.translate_source import BEAM
from genstudio.ui.tabs.playground import PlaygroundTab
from genstudio.ui.views.translation_lines import SOURCE, TARGET, TranslationLinesView
from helpers import LONG
from real_window import hover

WEIGHTS = np.array([[0.7, 0.2, 0.1], [0.0, 0.02, 0.98]], np.float32)


@pytest.fixture
def lines(qtbot: Any) -> TranslationLinesView:
    view = TranslationLinesView()
    qtbot.addWidget(view)
    view.resize(420, 300)
    view.show_weights(("the", "cat", "</s>"), ("gato", "</s>"), WEIGHTS)
    view.show()
    view.image()
    return view


def test_a_word_says_what_it_looks_at_and_what_looks_at_it(lines: TranslationLinesView, qtbot: Any) -> None:
    hover(qtbot, lines, lines.boxes(TARGET)[0].center().toPoint(), lambda: lines.hover == (TARGET, 0))
    assert "'gato' looks at 'the' 0.70, 'cat' 0.20" in lines.accessibleDescription()
    hover(qtbot, lines, lines.boxes(SOURCE)[2].center().toPoint(), lambda: lines.hover == (SOURCE, 2))
    assert "'</s>' is looked at by '</s>' 0.98, 'gato' 0.10" in lines.accessibleDescription()
    assert [row[-1] for row in lines.table()[1]] == pytest.approx(WEIGHTS.ravel().tolist())


def test_a_word_is_kept_by_a_click_and_walked_by_keys(lines: TranslationLinesView, qtbot: Any) -> None:
    with qtbot.waitSignal(lines.chosen) as caught:
        qtbot.mouseClick(lines, Qt.MouseButton.LeftButton, pos=lines.boxes(TARGET)[1].center().toPoint())
    assert caught.args == [TARGET, 1] and lines.kept == (TARGET, 1)
    lines.rest_on(None)
    assert "'</s>' looks at" in lines.accessibleDescription()
    qtbot.keyClick(lines, Qt.Key.Key_Right)
    assert lines.hover == (TARGET, 0)
    qtbot.keyClick(lines, Qt.Key.Key_Up)
    assert lines.hover == (SOURCE, 0)
    qtbot.keyClick(lines, Qt.Key.Key_Return)
    assert lines.kept == (SOURCE, 0)


def test_only_lines_of_the_word_are_drawn(lines: TranslationLinesView) -> None:
    """The middle of the line from 'gato' to 'the' is coloured while 'gato' is rested on, and not while '</s>' is."""
    above, below = lines.boxes(SOURCE)[0], lines.boxes(TARGET)[0]
    middle = (above.center() + below.center()) / 2

    def ink() -> int:
        image, blank = lines.image(), lines.image().pixelColor(2, lines.height() // 2 + 20)
        near = [image.pixelColor(round(middle.x()) + x, round(middle.y())) for x in range(-4, 5)]
        return sum(color != blank for color in near)

    lines.rest_on((TARGET, 0))
    with_it = ink()
    lines.rest_on((TARGET, 1))
    assert with_it > 0 and ink() == 0


def test_a_model_without_attention_says_so(lines: TranslationLinesView) -> None:
    lines.show_weights(("a",), ("b",), np.empty((0, 0)))
    lines.image()
    assert "no attention" in lines.accessibleDescription()
    lines.rest_on((TARGET, 0))
    assert "no attention" in lines.accessibleDescription()


def test_layers_and_heads_are_chosen_or_averaged(engine: Engine, qtbot: Any) -> None:
    page = TranslatePage(engine)
    qtbot.addWidget(page)
    weights = np.random.default_rng(0).dirichlet(np.ones(3), (2, 4, 2)).astype(np.float32)
    states = np.zeros((3, 5), np.float32), np.ones((2, 5), np.float32)
    page.show_inside(TranslationInside("translation", 3, ("a", "b", "c"), ("x", "y"), weights, *states, "it"))
    np.testing.assert_allclose(page.weights(), weights.mean((0, 1)), rtol=1e-6)
    assert page.map.describe(1, 0).startswith("mean of all layers, all heads: 'y'")
    page.layer.setCurrentIndex(2)
    np.testing.assert_allclose(page.weights(), weights[1].mean(0), rtol=1e-6)
    page.head.setCurrentIndex(3)
    np.testing.assert_array_equal(page.weights(), weights[1, 2])
    page.layer.activated.emit(2)
    np.testing.assert_array_equal(page.lines.weights, weights[1, 2])
    assert page.map.describe(1, 0).startswith("layer 2 head 3: 'y'")
    assert (page.map.layer, page.map.head) == (1, 2) and "2 layers of 4 heads" in page.note.text()
    page.map.choose(0, 1)
    assert (page.layer.currentIndex(), page.head.currentIndex()) == (1, 2)
    none = np.empty((0, 0, 2, 3), np.float32)
    page.show_inside(TranslationInside("translation", 3, ("a", "b", "c"), ("x", "y"), none, *states, "it"))
    assert page.weights().shape == (0, 0) and not page.tabs.isTabEnabled(1) and "no attention" in page.note.text()
    assert page.states["encoder"].matrix.values.shape == (5, 3)  # type: ignore[union-attr]


@pytest.fixture
def tab(engine: Engine, qtbot: Any, tmp_path: Path) -> Iterator[PlaygroundTab]:
    run = trained(tmp_path, 30, "one")
    trained(tmp_path, 2, "other", architecture="rnn")
    tab = PlaygroundTab(engine, Library(engine))
    qtbot.addWidget(tab)
    tab.resize(1240, 620)
    tab.show()
    qtbot.waitUntil(lambda: tab.choice.model.count() == 2, timeout=LONG)
    tab.choose(run)
    yield tab


def info(tab: PlaygroundTab) -> RunInfo:
    found = tab.choice.info()
    assert found is not None
    return found


def test_from_a_source_to_a_branch_of_its_translation(tab: PlaygroundTab, qtbot: Any) -> None:
    failures: list[Any] = []
    tab.failed.connect(failures.append)
    row = tab.source
    qtbot.waitUntil(lambda: bool(row.text), timeout=LONG)
    assert row.isVisible() and "reference: " in row.note.text()
    greyed = [entry.title for entry in PAGES if lack(info(tab).family, entry.title)]
    assert {"Fill the gap", "Word map", "Explore"} <= set(greyed)
    assert not {"Next token", "Beam search", "Score", "Translate", "By length"} & set(greyed)

    row.edit.setText("old cat sees")
    qtbot.keyClick(row.edit, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(tab.document.text()) and not tab.writer.writing, timeout=LONG)
    text = tab.document.text()
    (segment,) = [segment for _, segment in tab.document.document.tree.spans]
    assert isinstance(segment, Written) and segment.made.options.greedy and row.text == "old cat sees"
    place = tab.document.document.tree.token_at(0)
    assert place is not None
    tab.document.alternative_wanted.emit(place, 1)
    qtbot.waitUntil(lambda: len(tab.document.document.tree.root.children) == 2, timeout=LONG)
    assert tab.document.text() != text

    tab.inspectors.open("Translate")
    page: Any = tab.page("Translate")
    qtbot.waitUntil(lambda: page.found is not None and len(page.found.target) == 2, timeout=LONG)
    assert page.found.source[:3] == ("old", "␣cat", "␣sees") and page.lines.weights.shape == (2, 4)
    tab.inspectors.open("Next token")
    following: Any = tab.page("Next token")
    qtbot.waitUntil(lambda: following.view.snapshot is not None, timeout=LONG)

    row.method.setCurrentText(BEAM)
    row.translate.click()
    beam: Any = tab.page("Beam search")
    qtbot.waitUntil(lambda: beam.found is not None and beam.found.finished, timeout=LONG)
    assert tab.inspectors.current is beam and beam.found.texts[0]

    for title, shown in (
        ("Attention", lambda page: page.heads.snapshot), ("Logit lens", lambda page: page.view.snapshot),
        ("Layers", lambda page: page.panel.view.snapshot), ("Anatomy", lambda page: page.diagram.snapshot),
        ("Saliency", lambda page: page._shown), ("Knock out", lambda page: page._shown),
    ):  # fmt: skip
        tab.inspectors.open(title)
        looked: Any = tab.inspectors.current
        assert looked.title == title
        qtbot.waitUntil(lambda looked=looked, shown=shown: shown(looked) is not None, timeout=LONG)
    saliency: Any = tab.page("Saliency")
    tab.inspectors.open("Saliency")
    assert saliency._shown.tokens[0] == "<bos>" and tab.inspectors.side.isVisible()
    tab.inspectors.side.setCurrentText("Encoder")
    qtbot.waitUntil(lambda: saliency._shown.tokens == ("old", "␣cat", "␣sees"), timeout=LONG)
    tab.inspectors.open("Knock out")
    off: Any = tab.page("Knock out")
    qtbot.waitUntil(lambda: off._shown.source[:3] == ("old", "␣cat", "␣sees"), timeout=LONG)
    qtbot.waitUntil(lambda: not off.causal.isEnabled(), timeout=LONG)
    off.show_switches(Ablation(heads=frozenset({(0, 0)}), tokens=frozenset({1})))
    qtbot.waitUntil(lambda: bool(off._shown.off), timeout=LONG)
    tab.inspectors.open("Anatomy")
    diagram: Any = tab.page("Anatomy")
    qtbot.waitUntil(lambda: diagram.diagram.snapshot.tokens[:2] == ("old", "␣cat"), timeout=LONG)
    tab.inspectors.open("Layers")
    layers: Any = tab.page("Layers")
    qtbot.waitUntil(lambda: layers.panel.view.snapshot.activations.names[-1] == "encoder output", timeout=LONG)
    tab.inspectors.open("Induction")
    assert "encoder predicts no token" in tab.inspectors.one_side.text() and tab.inspectors.one_side.isVisible()
    assert not tab.inspectors.side.isVisible()
    tab.inspectors.side.setCurrentText("Decoder")
    tab.inspectors.open("Knock out")
    assert not tab.inspectors.one_side.isVisible()
    qtbot.waitUntil(lambda: not off._shown.source and not off._shown.off, timeout=LONG)
    qtbot.waitUntil(lambda: not off.switches and off.causal.isEnabled(), timeout=LONG)
    tab.inspectors.open("Compare two")
    compare: Any = tab.page("Compare two")
    qtbot.waitUntil(lambda: compare.other.model.count() == 2, timeout=LONG)
    compare.start()
    qtbot.waitUntil(lambda: len(compare._written) == 2 and not compare.busy("write"), timeout=LONG)
    assert compare._written["a"].chosen is not None and compare.names["b"].text().startswith("B: other")
    assert compare._sampling.options.greedy and not following._sampling.options.greedy
    row.method.setCurrentText("Sampler")
    assert not compare._sampling.options.greedy

    other = next(run for run in (tab.choice.model.itemData(i) for i in range(2)) if run != info(tab).folder and "other" in run)
    tab.choose(other)
    rail = {item.text(): item for item in map(tab.inspectors.rail.item, range(tab.inspectors.rail.count()))}
    assert not rail["Attention"].flags() & Qt.ItemFlag.ItemIsEnabled and rail["Score"].flags() & Qt.ItemFlag.ItemIsEnabled
    saliency._shown = None
    tab.inspectors.open("Saliency")
    qtbot.waitUntil(lambda: saliency._shown is not None and saliency._shown.tokens[0] == "<bos>", timeout=LONG)
    tab.inspectors.side.setCurrentText("Encoder")
    qtbot.waitUntil(lambda: saliency._shown.of_source, timeout=LONG)
    assert not failures


def test_a_source_that_cannot_be_translated_is_said_at_its_line(tab: PlaygroundTab, qtbot: Any) -> None:
    failures: list[Any] = []
    tab.failed.connect(failures.append)
    row = tab.source
    qtbot.waitUntil(lambda: bool(row.text), timeout=LONG)
    row.edit.setText("жжж")
    qtbot.waitUntil(lambda: "None of these characters" in row.note.text(), timeout=LONG)
    row.edit.setText("red sun жжж")
    qtbot.waitUntil(lambda: "not in the vocabulary: ж" in row.note.text(), timeout=LONG)
    row.edit.setText("cat " * 40)
    qtbot.waitUntil(lambda: "at most" in row.note.text(), timeout=LONG)
    assert not row.text and not row.translate.isEnabled()
    tab.page("Translate")
    tab.inspectors.open("Translate")
    row.edit.setText("red sun")
    qtbot.waitUntil(lambda: row.text == "red sun", timeout=LONG)
    assert row.translate.isEnabled() and not failures


def test_runs_are_measured_and_drawn_by_length(tab: PlaygroundTab, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: bool(tab.source.text), timeout=LONG)
    tab.inspectors.open("By length")
    page = tab.page("By length")
    assert isinstance(page, LengthPage)
    qtbot.waitUntil(page.run_all.isEnabled, timeout=LONG)
    assert page.table.rowCount() == 2 and page.table.item(0, 4).text() == "not measured"
    page.run_all.click()
    qtbot.waitUntil(lambda: len(page.reports) == 2 and not page.busy("measure"), timeout=LONG)
    for run, report in page.reports.items():
        lengths, values = page.quality.points(run)
        assert lengths.tolist() == [row["low"] for row in report.rows] == [3]
        assert values.tolist() == [row["exact_match"] for row in report.rows]
        assert page.speed.points(run)[1].tolist() == [row["sentences_per_second"] for row in report.rows]
    colors = {page.group(run): page.color(run) for run in page.ticked()}
    assert colors == {"transformer": theme.CYCLE[0], "rnn": theme.CYCLE[2]}  # as in a race of all three
    again = dataclasses.replace(page._runs[0], folder=Path("again"))
    assert page._older((*page._runs, again)) == {"again"}  # one line of each colour
    assert not page.run_all.isEnabled()
    page.table.item(1, 0).setCheckState(Qt.CheckState.Unchecked)
    assert len(page.ticked()) == 1
    with pytest.raises(KeyError):
        page.quality.points(str(page._runs[1].folder))
    assert tab.reference() == ModelRef(str(info(tab).folder), "last", source=tab.source.text)
