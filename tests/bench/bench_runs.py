"""How late the interface is while the Runs room opens with 500 runs and ten of them are selected."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from made_runs import made_run
from PySide6.QtCore import QItemSelectionModel, QTimer

from genstudio import paths
from genstudio.events import Series
from helpers import LONG
from real_window import opened

pytestmark = pytest.mark.slow
RUNS, STEPS = 500, 2000


class Lateness:
    """Milliseconds that a timer of 2 ms comes late."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._last = time.perf_counter()
        self.timer = QTimer()
        self.timer.setInterval(2)
        self.timer.timeout.connect(self._tick)
        self.timer.start()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late.append(1000 * (now - self._last) - 2)
        self._last = now

    def take(self) -> str:
        found, self.late = np.array(self.late), []
        return f"p50 {np.median(found):.1f}, p99 {np.quantile(found, 0.99):.1f}, most {found.max():.1f} ms of {len(found)}"


def test_five_hundred_runs(qtbot: Any, qapp: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    steps = np.arange(1, STEPS + 1)
    for number in range(RUNS):
        run = made_run(paths.runs(), name=f"run {number}", values={"layers": 1 + number % 6}, seed=number)
        with run:
            loss = 1.5 + 2.5 * np.exp(-steps / 400) + rng.normal(0, 0.03, STEPS)
            for first in range(0, STEPS, 50):
                part = slice(first, first + 50)
                run.log({"train_loss": Series(steps[part], loss[part])}, 0.01 * steps[part][-1])
                run.log({"val_loss": Series(steps[part][-1:], loss[part][-1:])}, 0.01 * steps[part][-1])
    with opened(qtbot, ("runs",)) as window:
        late, said = Lateness(), []
        began = time.perf_counter()
        window.tabs.show_room("runs")
        tab = window.runs
        qtbot.waitUntil(lambda: tab.model.rowCount() == RUNS, timeout=LONG)
        listed = time.perf_counter() - began
        qtbot.waitUntil(lambda: not tab.model.glances.busy and not tab.model.references.busy, timeout=LONG)
        said.append(f"open: listed in {listed:.2f} s, rows read in {time.perf_counter() - began:.2f} s, {late.take()}")
        bar = tab.table.verticalScrollBar()
        for place in np.linspace(0, bar.maximum(), 60):
            bar.setValue(int(place))
            qtbot.wait(16)
        said.append(f"scroll: {late.take()}")
        tab.pages.setCurrentWidget(tab.curves)
        flag = QItemSelectionModel.SelectionFlag
        began = time.perf_counter()
        for row in range(10):
            tab.table.selectionModel().select(tab._sorted.index(row * 7, 0), flag.Select | flag.Rows)
        qtbot.waitUntil(lambda: tab.curves.chart is not None and len(tab.curves.chart._curves) >= 10, timeout=LONG)
        said.append(f"ten curves: {time.perf_counter() - began:.2f} s, {late.take()}")
        for words in ("layers 3", "run 4", ""):
            tab.search.setText(words)
            qtbot.wait(100)
        said.append(f"search: {late.take()}")
        late.timer.stop()
    with capsys.disabled():
        print("", *said, sep="\n")
    assert tab.model.rowCount() == RUNS
