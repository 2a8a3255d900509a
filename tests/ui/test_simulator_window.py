"""A simulator of evolution in the real window: a search is watched, stopped and measured; a hidden history is guessed by hand."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from gan_window import change, stop
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget

from genstudio.data.population.statistics import SUMMARY
from genstudio.tasks.datasets import DuplicateDataset
from genstudio.tasks.evaluate import Evaluate
from genstudio.tasks.models import ModelRef
from genstudio.ui.window import MainWindow
from helpers import LONG, result
from real_window import press

SMALL = {
    "history": "bottleneck", "known": "T_end=500, duration=300", "haplotypes": 6, "snps": 12, "channels": 2, "dense": 4,
    "batch": 6, "updates": 1, "regions": 4, "proposals": 2, "good_enough": 0.5, "pretraining": 4, "tries": 1, "retraining": 1,
    "evaluate_every": 10,
}  # fmt: skip
MADE = {
    "history": "bottleneck", "parameters": "N=3000, N_bottleneck=150, T_end=500, duration=300", "count": 24, "haplotypes": 8,
    "length": 6000,
}  # fmt: skip


def test_a_search_is_watched_stopped_and_measured_and_its_history_is_guessed(window: MainWindow, qtbot: Any) -> None:
    info = result(DuplicateDataset("hidden-history", "Hidden bottleneck", made_with=MADE))
    window.library.refresh_datasets()
    tab = window.gan
    tab.choose_family("simulator")
    qtbot.waitUntil(lambda: tab.setup.data.findText(info.title, Qt.MatchFlag.MatchContains) >= 0, timeout=LONG)
    tab.setup.choose_data(info.id)
    tab.setup.form.set_values({**SMALL, "known": "T_end=500, length=3"})
    tab.setup.set_plan(1_000_000, None)
    row = tab.setup.form.rows["known"]
    qtbot.waitUntil(lambda: "no parameter length" in row.problem.text(), timeout=LONG)
    press(qtbot, tab, "gan_start")
    assert tab.state == "idle"
    tab.setup.form.set_values(SMALL)
    press(qtbot, tab, "gan_start")
    panel = tab.panel
    views = panel.charts.views

    def points(chart: str, name: str) -> np.ndarray:
        return np.asarray(views[chart].points(name)[1])

    qtbot.waitUntil(lambda: len(points("apart", "statistics_apart")) > 0 and len(points("acceptance", "acceptance")) > 2,
                    timeout=LONG)  # fmt: skip
    alignments, statistics, proposals = (panel.pane(channel) for channel in ("alignments", "statistics", "proposals"))
    for pane in (proposals, statistics):
        place = next(index for index in range(panel.side.count()) if panel.side.widget(index).isAncestorOf(pane))
        click(qtbot, panel.side.tabBar(), panel.side.tabBar().tabRect(place).center())
        qtbot.waitUntil(lambda pane=pane: pane.view is not None and pane.isVisible(), timeout=LONG)
    shown = alignments.view
    assert shown.samples.snapshot.step > 0
    assert shown.samples.snapshot.pixels.shape[1:] == shown.beside.snapshot.pixels.shape[1:]
    assert not any(name.startswith("true_") for name in views["sizes"]._references), "the history is hidden"
    change(qtbot, tab, "reveal", True)
    qtbot.waitUntil(lambda: "true_N" in views["sizes"]._references, timeout=LONG)
    assert views["sizes"]._references["true_N"].value == 3000
    stop(qtbot, tab)

    assert len(set(points("sizes", "N").tolist())) > 1 and set(points("times", "T_end").round(3)) == {500.0}
    said = result(Evaluate(ModelRef(panel.run)))
    truth = {"model": "bottleneck", "N": 3000, "N_bottleneck": 150, "T_end": 500, "duration": 300}
    assert said["truth"] == truth and [said["parameters"][name] for name in ("T_end", "duration")] == pytest.approx([500, 300])
    seen = statistics.view.snapshot
    real = [said["statistics"][name]["real"] for name in ("segregating_sites", "pi", "tajimas_d", "haplotypes", "mean_gap")]
    assert seen.names == SUMMARY and seen.real.means == pytest.approx(real), "what an evaluation compares with"
    qtbot.waitUntil(lambda: tab.summary.isVisible() and "elative error" in tab.summary.words.text(), timeout=LONG)
    found = re.search(r"error ([\d.,]+)", tab.summary.words.text())
    assert found and float(found[1].replace(",", "")) == pytest.approx(points("error", "relative_error")[-1], rel=0.006)

    window.tabs.show_room("datasets")
    room = window.datasets
    room.choose(info.id)
    page, bar = room.preview.history, room.preview.tabs.tabBar()
    qtbot.waitUntil(lambda: "N_bottleneck" in page.fields, timeout=LONG)
    place = next(index for index in range(bar.count()) if bar.tabText(index) == "History")
    click(qtbot, bar, bar.tabRect(place).center())
    assert page.isVisible() and not any(one.text() for one in page.answers.values()) and "hidden" in page.said.text()
    field = page.fields["N"]
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "4500")
    press(qtbot, page, "history_reveal")
    assert page.answers["N"].text() == "3,000   (50% off)" and page.answers["T_end"].text() == "500   (100% off)"
    true, guessed = [3000, 150, 500, 300], [4500, 700, 1000, 500]
    median = np.median([abs(guess / value - 1) for guess, value in zip(guessed, true, strict=True)])
    assert f"is {median:.0%}" in page.result.text()


def click(qtbot: Any, widget: QWidget, place: QPoint) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place)
