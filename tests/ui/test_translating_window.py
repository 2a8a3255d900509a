"""A translator from the first click to its charts, in the real window: trained, raced, and looked into in the Playground."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from genstudio.snapshots.translation import Translations
from genstudio.ui.playground.translate_source import GREEDY
from genstudio.ui.window import MainWindow
from helpers import LONG

SMALL = {
    "layers": 1, "heads": 2, "d_model": 16, "context": 24, "batch": 16, "tokenizer": "word", "min_count": 1, "evaluate_every": 50,
}  # fmt: skip


@pytest.mark.slow
def test_a_translator_is_trained_raced_asked_and_looked_into(open_window: Callable[..., MainWindow], qtbot: Any) -> None:
    window = open_window("transformer", "playground")

    def done(met: Callable[[], Any]) -> None:
        qtbot.waitUntil(lambda: bool(met()), timeout=LONG)

    tab = window.links.trainer("transformer")
    window.tabs.show_room("transformer")
    tab.choose_family("seq2seq")
    tab.setup.choose_data("toy-en-es")
    tab.setup.set_values({**tab.setup.values(), **SMALL})
    tab.setup.set_plan(150, None)
    tab.start.click()
    done(lambda: tab.info is not None and tab.finished)
    path = tab.run_path
    seen = [pane.view.figure.snapshot for pane in tab.panel.panes if pane.takes("translations") and pane.view is not None]
    assert isinstance(seen[0], Translations) and len(seen[0].sentences) == 8
    done(lambda: "unigram" in tab.panel.charts.views["loss"]._references)

    tab.setup.set_plan(6, None)
    tab.open_race()
    race = tab.race
    assert race.set_up.name == "architecture" and len(race.set_up.entries()) == 3
    race.set_up.start.click()
    done(lambda: race.lanes and not race.running)
    assert [lane.state for lane in race.lanes] == ["finished"] * 3
    race.which[0].setCurrentIndex(next(i for i, (chart, _) in enumerate(race._lines) if chart.name == "loss"))
    race.which[0].activated.emit(0)
    done(lambda: {"uniform", "unigram"} <= set(race.charts[0]._references))
    race.close_race()

    window.tabs.show_room("playground")
    play = window.playground
    done(lambda: play.choice.model.findData(path) >= 0)
    play.choose(path)
    play.source.edit.setText("the old cats")
    done(lambda: play.source.text == "the old cats")
    play.source.method.setCurrentText(GREEDY)
    play.source.translate.click()
    done(lambda: not play.writer.writing and play.document.text())
    play.inspectors.open("Attention")
    page: Any = play.inspectors.current
    done(lambda: page.title == "Attention" and page.heads.snapshot is not None)
    play.inspectors.open("Translate")
    lines: Any = play.inspectors.current
    done(lambda: lines.found is not None and len(lines.found.source) == 4 and lines.found.weights.shape[:2] == (1, 2))
    assert not window.banners.shown
