"""The GAN tab without a mouse: everything has a name, Tab follows the eye, and keys open a sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gan_window import SMALL, pictures
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTabBar, QTabWidget, QWidget

from genstudio.tasks.train import Train
from genstudio.ui.window import MainWindow
from helpers import LONG, answer, run_task

EYE = (
    "gan_pause", "gan_extend", "gan_settings", "dataset_choice", "open_text", "draw_distribution", "preset_choice",
    "plan_length", "open_settings", "gan_start", "What is shown", "which_fixed", "pictures_fixed", "pictures_real", "time_play",
    "time_slider", "time_speed", "time_export", "Actions", "Charts", "chart_losses", "chart_opinions",
)  # fmt: skip
"""Names of widgets, and of the bars of tabs what they say."""


def walk(tab: QWidget) -> list[QWidget]:
    """What the Tab key comes by, in its order."""
    found, widget = [], tab.nextInFocusChain()
    while widget is not tab:
        usable = widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.isEnabled()
        if usable and tab.isAncestorOf(widget) and not isinstance(widget, QTabWidget):
            found.append(widget)
        widget = widget.nextInFocusChain()
    return found


def test_a_run_is_walked_through_by_keys_alone(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    values = {**SMALL, "latent": 8, "conditional": True, "evaluate_every": 1000}
    run = answer(run_task(Train("gan", "digits8", values, steps=80, stop_after=60, runs_folder=tmp_path)), "run")
    window.open_run(run)
    tab = window.gan
    qtbot.waitUntil(lambda: tab.run_path == run and tab.panel.pane("fixed").view is not None, timeout=LONG)
    qtbot.waitUntil(lambda: len(tab.panel.time.steps) > 1, timeout=LONG)
    panel = tab.panel
    assert tab.setup.preset.name == "custom" and tab.setup.plan() == (80, None)

    tab.strip.settings.setChecked(True)  # a run has the whole width until its settings are asked for
    qtbot.waitUntil(lambda: tab.setup.isVisible(), timeout=LONG)
    names = [w.accessibleName() if isinstance(w, QTabBar) else w.objectName() for w in walk(tab)]
    places = [names.index(name) for name in EYE]
    assert places == sorted(places), [name for name in names if name in EYE]
    for page in range(panel.side.count()):
        panel.side.setCurrentIndex(page)
        _all_named(panel)
    panel.side.setCurrentIndex(0)

    samples = pictures(panel).samples
    samples.setFocus()
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Return):
        qtbot.keyClick(samples, key)
    qtbot.waitUntil(lambda: panel.sample.found is not None, timeout=LONG)
    assert panel.sample.found.index == 11 and panel.side.currentWidget() is panel.sample
    _all_named(panel)

    panel.turn_page()
    page = panel.explore
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    _all_named(panel)
    at = page.latent()
    qtbot.keyClick(page.pad, Qt.Key.Key_Left)
    assert (page.latent() != at).any()
    qtbot.waitUntil(lambda: bool((page.found.latents[0] == page.latent()).all()), timeout=LONG)


def _all_named(panel: QWidget) -> None:
    for widget in walk(panel):
        inner = widget.objectName() == "qt_spinbox_lineedit"
        assert inner or widget.objectName(), widget
        assert inner or widget.accessibleName() or getattr(widget, "text", str)(), widget.objectName()
