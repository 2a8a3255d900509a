"""The tokenizer bench: choose, learn, cancel, look, compare, save and open, with the real engine."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from genstudio import paths
from genstudio.data import shelf
from genstudio.data.tokenizers import BPETokenizer, ByteTokenizer, CharTokenizer, WordTokenizer
from genstudio.data.work import finished
from genstudio.ui.engine import Engine
from genstudio.ui.tabs.tokenizer_bench import EXAMPLE, KINDS, TokenizerBench
from helpers import LONG, text_file, words


@pytest.fixture
def bench(qtbot: Any, tmp_path: Path) -> Iterator[TokenizerBench]:
    engine = Engine()
    bench = TokenizerBench(engine)
    qtbot.addWidget(bench)
    bench.resize(700, 560)
    bench.show()
    bench.set_dataset(finished(shelf.import_text(text_file(tmp_path, words(4_000)))))
    yield bench
    engine.close()


def choose(bench: TokenizerBench, kind: str) -> None:
    bench.kind.setCurrentIndex([name for _, name in KINDS].index(kind))


def until_made(qtbot: Any, bench: TokenizerBench, kind: type) -> None:
    qtbot.waitUntil(lambda: isinstance(bench.tokenizer, kind), timeout=LONG)


def type_text(qtbot: Any, bench: TokenizerBench, text: str) -> None:
    bench.typed.setPlainText(text)
    qtbot.waitUntil(lambda: bench.tokens.shown is not None and bench.tokens.shown.characters == len(text), timeout=LONG)


def test_characters_and_bytes_need_no_asking(bench: TokenizerBench, qtbot: Any) -> None:
    until_made(qtbot, bench, CharTokenizer)
    type_text(qtbot, bench, "the cat, 漢")
    assert "2 not in the vocabulary" in bench.facts.text() and "does not restore" in bench.facts.text()
    choose(bench, "byte")
    until_made(qtbot, bench, ByteTokenizer)
    type_text(qtbot, bench, "the 漢")
    assert bench.facts.text().startswith("7 tokens for 5 characters") and "restores the text exactly" in bench.facts.text()
    assert not bench.make.isVisible() and not bench.vocabulary.isVisible()


def test_byte_pairs_are_learnt_when_asked_and_seen_in_the_dataset(bench: TokenizerBench, qtbot: Any) -> None:
    choose(bench, "bpe")
    assert bench.tokenizer is None and bench.make.isEnabled() and not bench.save.isEnabled()
    bench.vocabulary.set_value(280)
    qtbot.mouseClick(bench.make, Qt.MouseButton.LeftButton)
    until_made(qtbot, bench, BPETokenizer)
    assert bench.tokenizer is not None and bench.tokenizer.size <= 280
    bench.pages.setCurrentWidget(bench.dataset_page)
    qtbot.waitUntil(lambda: bench.dataset_tokens.shown is not None, timeout=LONG)
    assert bench.dataset_tokens.lines > 10 and "restores the text exactly" in bench.dataset_facts.text()
    bench.ids.setChecked(True)
    bench.grab()


def test_a_vocabulary_that_cannot_be_is_said_at_once(bench: TokenizerBench, qtbot: Any) -> None:
    choose(bench, "bpe")
    bench.vocabulary.set_value(100)
    assert "256 bytes" in bench.problem.text() and bench.problem.isVisible() and not bench.make.isEnabled()
    choose(bench, "word")
    assert not bench.problem.isVisible() and bench.make.isEnabled()
    bench.least.set_value("many")
    assert "whole number" in bench.problem.text()
    bench.learn()
    assert "make" not in bench._jobs
    bench.least.set_value(1)
    bench.learn()
    until_made(qtbot, bench, WordTokenizer)


@pytest.mark.parametrize("what", ["learn", "compare"])
def test_cancelling_leaves_nothing(what: str, bench: TokenizerBench, qtbot: Any, tmp_path: Path) -> None:
    until_made(qtbot, bench, CharTokenizer)
    bench.set_dataset(finished(shelf.import_text(text_file(tmp_path, words(400_000), "long.txt"))))
    choose(bench, "bpe")
    bench.vocabulary.set_value(3_000)
    bench.pages.setCurrentIndex(2)
    qtbot.waitUntil(bench.compare.isEnabled, timeout=LONG)
    qtbot.mouseClick(bench.make if what == "learn" else bench.compare, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(multiprocessing.active_children()), timeout=LONG)
    assert bench.cancel.isVisible() and bench.progress.isVisible()
    qtbot.mouseClick(bench.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not bench._engine.running, timeout=LONG)
    assert not multiprocessing.active_children()
    assert not bench.cancel.isVisible() and bench.make.isEnabled() and bench.tokenizer is None
    kept = [place.read_text()[:4000] for place in (paths.cache() / "tokenizers").glob("*")]
    assert not any('"BPE"' in text for text in kept)


def test_sizes_are_compared_in_a_chart_and_a_table(bench: TokenizerBench, qtbot: Any) -> None:
    until_made(qtbot, bench, CharTokenizer)
    qtbot.waitUntil(bench.compare.isEnabled, timeout=LONG)
    bench.set_model({"layers": 2})
    bench.pages.setCurrentIndex(2)
    qtbot.mouseClick(bench.compare, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bench.table.rowCount() >= 4 and "compare" not in bench._jobs, timeout=LONG)
    cells = [[bench.table.item(y, x).text() for x in range(4)] for y in range(bench.table.rowCount())]  # type: ignore[union-attr]
    assert [row[0] for row in cells][:3] == ["characters", "bytes", "words"]
    assert cells[0][2] == "1.000" and all(int(row[3].replace(",", "")) > 1000 for row in cells)
    header, rows = bench.chart.table()
    assert len(header) == 5 and len(list(rows)) == len(cells)
    bench.grab()


def test_saved_and_opened_through_the_window(bench: TokenizerBench, qtbot: Any, tmp_path: Path) -> None:
    choose(bench, "bpe")
    bench.vocabulary.set_value(270)
    bench.learn()
    until_made(qtbot, bench, BPETokenizer)
    learnt, place = bench.tokenizer, tmp_path / "tokenizer.json"
    bench.save_to(str(place))
    qtbot.waitUntil(place.is_file, timeout=LONG)
    choose(bench, "byte")
    until_made(qtbot, bench, ByteTokenizer)
    bench.open_from(str(place))
    until_made(qtbot, bench, BPETokenizer)
    assert bench.tokenizer == learnt and bench.status.text().endswith("from a file")
    place.write_text("{}")
    with qtbot.waitSignal(bench.failed, timeout=LONG) as told:
        bench.open_from(str(place))
    assert told.args[0].kind == "DataError" and bench.tokenizer == learnt


def test_merges_begin_with_the_lecture_and_go_on_with_the_persons_text(bench: TokenizerBench, qtbot: Any) -> None:
    bench.pages.setCurrentIndex(3)
    qtbot.waitUntil(lambda: bench.merges.merges is not None, timeout=LONG)
    assert bench.merge_text.text() == EXAMPLE and bench.merges.slider.maximum() == 3
    bench.merges.slider.setValue(3)
    assert bench.merges.letters_after.text() == "XdXac"
    bench.merge_text.setText("abab abab")
    qtbot.waitUntil(lambda: bench.merges.merges.text == "abab abab", timeout=LONG)
    bench.apart.setChecked(True)
    qtbot.waitUntil(lambda: "b a" not in "".join(bench.merges.merges.pieces[-1:]), timeout=LONG)
    qtbot.mouseClick(bench.from_data, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(bench.merges.merges.text) == 2_000, timeout=LONG)
    qtbot.mouseClick(bench.example, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bench.merges.merges.text == EXAMPLE, timeout=LONG)


def test_another_dataset_drops_what_was_learnt(bench: TokenizerBench, qtbot: Any) -> None:
    choose(bench, "word")
    bench.learn()
    until_made(qtbot, bench, WordTokenizer)
    bench.set_dataset(shelf.find_dataset("shakespeare"))
    assert bench.tokenizer is None and bench.tokens.shown is None
    bench.set_dataset(None)
    assert not bench.make.isEnabled() and not bench.compare.isEnabled()
    assert bench.merges.merges is not None or "merges" in bench._jobs
