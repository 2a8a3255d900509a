"""Milestones of a training: each is told once, at its step, with what proves it; and a loss in other units."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from genstudio.events import Frame, Notice, Series
from genstudio.families.gpt.dashboard import DASHBOARD
from genstudio.families.igpt import dashboard as igpt
from genstudio.families.vit import dashboard as vit
from genstudio.snapshots.text import Text
from genstudio.ui.train.charts import RunCharts
from genstudio.ui.train.milestones import Milestones
from genstudio.ui.train.units import units

LINES = {"uniform": 4.2, "unigram": 3.3, "kneser_ney": 1.5, "characters_per_token": 2.0}
WORDS = frozenset({"the", "and", "noble"})


def measured(step: int, loss: float, text: str = "") -> Frame:
    shown = (Text("sample", step, "ROMEO:", text),) if text else ()
    return Frame(series={"val_loss": Series(np.array([step]), np.array([loss]))}, snapshots=shown)


def told(notices: list[Notice]) -> list[tuple[int, str]]:
    return [(notice.step, notice.text.split(".")[0].removesuffix(", estimated")) for notice in notices]


@pytest.mark.parametrize("references_first", [True, False])
def test_each_milestone_is_told_once_at_its_step_with_a_sample(references_first: bool) -> None:
    milestones = Milestones(DASHBOARD)
    found: list[Notice] = []
    if references_first:
        found += milestones.show_references(LINES) + milestones.show_words(WORDS)
    frames = [measured(0, 4.1, "the"), measured(10, 3.4, "xqthez thq"), measured(20, 3.2, "Qe The\nmif"), measured(30, 3.4),
              measured(40, 1.4, "and noble")]  # fmt: skip
    for frame in frames:
        found += milestones.show_frame(frame)
    if not references_first:
        found += milestones.show_references(LINES) + milestones.show_words(WORDS)
    assert sorted(told(found)) == [(20, "Beats letter frequencies"), (20, "First real word: The"), (40, "Beats Kneser-Ney")]
    assert all(' it writes "' in notice.text for notice in found)
    assert all((", estimated." in notice.text) is notice.text.startswith("Beats") for notice in found)
    assert milestones.show_frame(measured(50, 1.3, "the and")) == [], "once is enough"
    milestones.clear()
    assert milestones.show_references(LINES) == [] and milestones.show_frame(measured(0, 4.1)) == []


def test_a_word_inside_another_and_a_loss_above_its_line_are_none() -> None:
    milestones = Milestones(DASHBOARD)
    milestones.show_references(LINES)
    milestones.show_words(WORDS)
    assert milestones.show_frame(measured(10, 3.3, "othello bathes handy")) == []


def test_an_accuracy_rises_above_its_line_and_a_floor_is_measured_with_the_run() -> None:
    rising = Milestones(vit.DASHBOARD)
    rising.show_references({"knn_accuracy": 0.9, "logistic_accuracy": 0.95})

    def accuracy(step: int, value: float) -> list[tuple[int, str]]:
        return told(rising.show_frame(Frame(series={"accuracy": Series(np.array([step]), np.array([value]))})))

    assert accuracy(10, 0.5) == [] and accuracy(20, 0.9) == [], "to be level is not to beat"
    assert accuracy(30, 0.93) == [(30, "Beats k nearest neighbours")] and accuracy(40, 0.94) == []
    assert accuracy(50, 0.97) == [(50, "Beats logistic regression")]
    falling = Milestones(igpt.DASHBOARD)
    floor = {"zlib_bits_per_pixel": Series(np.array([0]), np.array([2.5]))}
    assert falling.show_frame(measured(0, 3.0)) == [] and falling.show_frame(Frame(series=floor)) == []
    assert told(falling.show_frame(measured(60, 2.4))) == [(60, "Beats zlib")]
    assert "estimated" not in "".join(notice.text for notice in falling._reached.values()), "it was measured on all of them"
    assert Milestones(DASHBOARD).reads and not rising.reads, "words are looked for where text is written"


@pytest.mark.parametrize("exact_first", [True, False])
@pytest.mark.parametrize(("exact", "now"), [
    (1.3, [(20, "Beats letter frequencies"), (40, "Beats Kneser-Ney")]),  # confirmed
    (1.6, [(20, "Beats letter frequencies")]),  # the sample flattered the model
    (3.4, []),
])  # fmt: skip
def test_what_all_held_out_data_say_confirms_a_milestone_or_withdraws_it(
    qtbot: QtBot, qapp: Any, exact: float, now: list[tuple[int, str]], exact_first: bool
) -> None:
    charts = RunCharts(DASHBOARD)
    qtbot.addWidget(charts)
    charts.show_references(LINES)
    if exact_first:
        charts.show_exact(40, {"val_loss": exact})
    for step, loss in ((10, 3.4), (20, 3.2), (40, 1.4)):
        charts.show_frame(measured(step, loss))
    marks = charts.views["loss"]._marks
    if not exact_first:
        assert [(mark.step, mark.text) for mark in marks] == [
            (20, "Beats letter frequencies, estimated."), (40, "Beats Kneser-Ney, estimated."),
        ]  # fmt: skip
        charts.show_exact(40, {"val_loss": exact})
    for view in charts.views.values():
        assert sorted(told([Notice(mark.step, mark.kind, mark.text) for mark in view._marks])) == now
    assert not any("estimated" in mark.text for mark in charts.views["loss"]._marks)
    charts.show_frame(measured(60, 1.2))
    told_later = [mark.text for mark in charts.views["loss"]._marks if mark.step == 60]
    assert told_later == {1.3: [], 1.6: ["Beats Kneser-Ney, estimated."]}.get(
        exact, ["Beats letter frequencies, estimated.", "Beats Kneser-Ney, estimated."]
    )


def test_a_milestone_that_only_all_held_out_data_show_and_one_that_was_lost_again() -> None:
    milestones = Milestones(DASHBOARD)
    milestones.show_references(LINES)
    assert told(milestones.show_frame(measured(10, 1.4))) == [(10, "Beats letter frequencies"), (10, "Beats Kneser-Ney")]
    milestones.show_frame(measured(20, 1.7))
    found = milestones.show_exact(20, {"val_loss": 1.6})
    assert [notice.text.split(".")[0] for notice in found] == ["Beats letter frequencies"]
    assert milestones._reached["kneser_ney"].text == "Beats Kneser-Ney, estimated.", "it may have been better before"
    milestones.clear()
    milestones.show_references(LINES)
    milestones.show_frame(measured(10, 1.51))
    assert told(milestones.show_exact(30, {"val_loss": 1.49}))[-1] == (30, "Beats Kneser-Ney")


def test_a_loss_can_be_read_as_bits_per_character_and_as_perplexity(qtbot: QtBot, qapp: Any) -> None:
    charts = RunCharts(DASHBOARD)
    qtbot.addWidget(charts)
    charts.show_settings({"tokenizer": "bpe"})
    charts.show_references(LINES)
    charts.show_frame(measured(0, 4.0))
    charts.flush()
    view = charts.views["loss"]
    bits = 2 * math.log(2)
    expected = {"nats": (4.0, 3.3), "bits": (4.0 / bits, 3.3 / bits), "perplexity": (math.exp(4), math.exp(3.3))}
    for name, (value, line) in expected.items():
        charts.count_in("loss", name)
        assert view.points("val_loss")[1].tolist() == [pytest.approx(value)]
        assert view._references["unigram"].value == pytest.approx(line)
        assert view.unit == units("nats per token", LINES)[name].title
    charts.show_frame(measured(10, 2.0))
    charts.flush()
    assert view.points("val_loss")[1].tolist() == pytest.approx([math.exp(4), math.exp(2)])
    charts.count_in("loss", "nats")
    assert view.points("val_loss")[1].tolist() == pytest.approx([4.0, 2.0])
    assert units("nats per token", {})["bits"].title == "bits per token"


def test_in_a_small_chart_the_legend_stays_and_no_card_lies_on_the_curves(qtbot: QtBot, qapp: Any) -> None:
    charts = RunCharts(DASHBOARD)
    qtbot.addWidget(charts)
    view = charts.views["loss"]
    view.setParent(None)
    qtbot.addWidget(view)
    view.resize(190, 140)
    view.show()
    for name in ("train_loss", "val_loss"):
        view.append(name, np.arange(10), np.linspace(4, 2, 10))
    view.image()
    assert view.legend.isVisible()
    view.set_crosshair(3)
    assert not view.bubble.isVisible() and view._unit.text() == "step 3"
    view.set_crosshair(None)
    assert view._unit.text() == view.unit
    view.resize(700, 400)
    view.image()
    view.set_crosshair(3)
    assert view.bubble.isVisible() and view._unit.text() == view.unit
    view.setParent(None)
