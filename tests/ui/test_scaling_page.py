"""The page on compute, parameters and tokens: what it says of the best sizes, of a smaller model, and of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QApplication
from read_back import placed

from genstudio import families
from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.evaluation.scaling import DISPUTE, LAWS
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.explorers import EXPLORERS, SetUp
from genstudio.ui.layouts import Scrolling
from genstudio.ui.train.scaling import ScalingPage, power, said
from helpers import LONG, TINY, text_file


@pytest.fixture
def page(qtbot: Any, qapp: Any) -> Any:
    engine = Engine()
    page = ScalingPage(engine)
    qtbot.addWidget(page)
    page.show()
    yield page
    engine.close()


def test_every_number_is_that_of_the_fits_and_of_the_set_up(page: ScalingPage, qtbot: Any, tmp_path: Path) -> None:
    path = text_file(tmp_path)
    page.show_set_up(SetUp(family="gpt", data=str(path), values=TINY))
    qtbot.waitUntil(lambda: page.own is not None, timeout=LONG)
    assert page.own is not None
    config = families.get("gpt").config.parse(TINY)
    info = shelf.find_dataset(str(path))
    data = finished(families.get("gpt").prepare(config, shelf.open_dataset(info)))
    cost = families.get("gpt").cost(config, info, data.tokenizer.size)
    assert (page.own.parameters, page.own.tokens, page.own.per_step) == (cost.parameters, len(data.train), cost.items)
    assert page.compute.value() == pytest.approx(6.0 * cost.parameters * len(data.train), rel=0.01)
    assert page.mine.text() == said(page.own, LAWS[-1]) and f"{cost.parameters:,} parameters" in page.mine.text()

    page.compute.set_value(5.76e23)
    page.compute.changed.emit(5.76e23)
    shown = [[cell.text() for cell in row] for row in page.best.cells]
    assert [row[3] for row in shown] == ["92.6", "59.1", "18.4"] and shown[2][1:3] == ["72.2 billion", "1.33 trillion"]
    assert shown[2][4] == "1.974"
    for chosen, law in enumerate(LAWS):
        page.law.setCurrentIndex(chosen)
        best = law.optimum(5.76e23)
        half = law.tokens_to_reach(best.loss, best.parameters / 2)
        words = [cell.text() for cell in page.longer.cells[1]]
        cost_of_it = f"{half / 2 / best.tokens:.2f} times"
        assert words == ["1/2 of it", power(best.parameters / 2), power(half), cost_of_it, "0.500 times"]
        assert str(law.alpha) in page.source.text() and law.title in page.source.text()
    _, rows = page.figure.table()
    assert min(row[-1] for row in rows) == pytest.approx(LAWS[-1].optimum(5.76e23).loss, abs=1e-3)
    assert "600,000" in DISPUTE and "scaling" in EXPLORERS and "scaling" in families.get("gpt").dashboard.explorers


def test_what_is_no_text_is_left_out(page: ScalingPage, qtbot: Any) -> None:
    for family, data in (("gpt", "copy"), ("mlp", "moons")):
        page.show_set_up(SetUp(family=family, data=data, values={}))
        qtbot.waitUntil(lambda: not page._job, timeout=LONG)
        assert "scaling" in families.get(family).dashboard.explorers
    assert page.own is None and "Set up a language model" in page.mine.text()


def test_the_tables_are_whole_beside_the_figure_and_below_it(page: ScalingPage) -> None:
    for size, beside in ((868, 540), True), ((540, 430), False), ((1500, 900), True):
        page.resize(*size)
        QApplication.processEvents()
        assert (page._parts.orientation() == Qt.Orientation.Horizontal) == beside
        assert page.findChild(Scrolling, "scaling_words").horizontalScrollBar().maximum() == 0
        assert min(page._parts.sizes()) > 120
        metrics = QFontMetricsF(theme.font(theme.SMALL, tabular=True))
        legend = [(start, words) for start, words in placed(page.figure) if "lowest" in words]
        assert len(legend) == len(LAWS)
        assert all(start.x() + metrics.horizontalAdvance(words) < page.figure.width() for start, words in legend)
