"""The number of parameters in the form is that of the model that is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt

from genstudio.tasks.models import ModelRef, Models
from genstudio.ui.window import MainWindow
from helpers import TINY, usually

LONG = 120_000


@usually("data, markers", [("names", "none"), ("names", "lines"), ("addition", "none")])
def test_the_form_says_as_many_parameters_as_the_run_has(
    open_window: Callable[..., MainWindow], qtbot: Any, data: str, markers: str
) -> None:
    window = open_window("transformer")
    tab = window.transformer
    window.tabs.setCurrentWidget(tab)
    tab.setup.choose_data(data)
    tab.setup.form.set_values(TINY | {"markers": markers, "context": 14})
    qtbot.waitUntil(lambda: "parameters" in tab.cost.text(), timeout=LONG)
    said = int(tab.cost.text().split()[0].replace(",", ""))
    tab.setup.set_plan(3, None)
    qtbot.mouseClick(tab.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.state == "stopped" and tab.info is not None, timeout=LONG)
    model = Models().get(ModelRef(tab.run_path)).model.transformer
    assert said == sum(weight.numel() for weight in model.parameters())
