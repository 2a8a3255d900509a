"""How tests use the GAN tab: press its buttons, begin and stop a training, change a setting of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from genstudio.ui.train.panel import RunPanel
from genstudio.ui.train.tab import TrainingTab
from genstudio.ui.window import MainWindow
from helpers import LONG
from real_window import press

SMALL = {"width": 16, "layers": 2, "batch": 16, "evaluate_every": 20, "d_rate": 0.001, "g_rate": 0.001}


def begin(qtbot: Any, window: MainWindow, data: str, values: dict[str, Any]) -> TrainingTab:
    tab = window.gan
    tab.setup.choose_data(data)
    tab.setup.form.set_values(values)
    tab.setup.set_plan(1_000_000, None)
    press(qtbot, tab, "gan_start")
    qtbot.waitUntil(lambda: len(steps(tab)) > 30, timeout=LONG)
    return tab


def steps(tab: TrainingTab, chart: str = "losses", name: str = "d_loss") -> np.ndarray:
    return tab.panel.charts.views[chart].points(name)[0]


def points(panel: RunPanel) -> Any:
    """The page with the plane."""
    return panel.pane("plane").view


def pictures(panel: RunPanel) -> Any:
    """The page with the pictures."""
    return panel.pane("fixed").view


def stop(qtbot: Any, tab: TrainingTab) -> None:
    press(qtbot, tab, "gan_stop")
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)


def change(qtbot: Any, tab: TrainingTab, name: str, value: Any) -> None:
    """Type a value into a live handle, and wait until the training has taken it."""
    row = tab.panel.live.rows[name]
    row.set_value(value)
    qtbot.waitUntil(lambda: tab.panel.live.values()[name] == value, timeout=LONG)
