"""Every room and page fits the smallest window that is promised and small screens at large scales: no word cut, no control
outside; and text can be enlarged."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import family_cases
import pytest
from every_screen import Walk, cut, faults, settle
from PySide6.QtCore import Qt

from genstudio import families, paths
from genstudio.families.drawing import Chain, Part
from genstudio.tasks.train import Train
from genstudio.ui import theme
from genstudio.ui.train import tab
from genstudio.ui.views import model_drawing
from genstudio.ui.window import MainWindow
from helpers import LONG, run_task

SCREENS = ("960x592", "1280x720", "1366x768@1.25", "1366x768@1.5", "3840x2160@2")
"""Pixels and scale: the smallest window that is promised, and screens that people have. Of each a title bar is left away."""
HARDEST = "1366x768@1.5"
LOW = ((960, 560), (910, 480))
"""The smallest window that is promised, and what the hardest of the screens leaves to one."""
FINISHED = ("gpt", "seq2seq", "gan", "tts")
"""Families of which one has a large chart over others, one a stage, and one a tall stage."""
WALK = Path(__file__).parents[1] / "every_screen.py"


@pytest.mark.thorough
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "screen", [screen if screen == HARDEST else pytest.param(screen, marks=pytest.mark.slow) for screen in SCREENS]
)
def test_every_room_and_page_fits(screen: str) -> None:
    """In a process of its own, because a scale is chosen once for each."""
    some = ["--without", "lessons", "dialogs"] if screen == HARDEST else []
    walk = subprocess.run(
        [sys.executable, str(WALK), "--faults", "--screen", screen, *some], capture_output=True, text=True, timeout=590
    )
    assert (walk.returncode, walk.stdout) == (0, ""), walk.stdout + walk.stderr


def test_the_check_of_what_fits_and_large_text(open_window: Callable[..., MainWindow]) -> None:
    window = open_window("runs", "transformer")
    the_check_can_fail(window)
    zoomed_and_presented(window)


def the_check_can_fail(window: MainWindow) -> None:
    window.resize(1280, 692)
    window.tabs.show_room("runs")
    settle(window)
    assert faults(window, window) == []
    label, button = window.status.device, window.runs.open
    words, before = label.text(), button.minimumSize()
    label.setFixedWidth(10)
    button.setText("Open this run and everything that belongs to it")
    button.setMaximumWidth(40)
    settle(window)
    assert any("label cut" in fault for fault in cut(window)) and any("button cut" in fault for fault in cut(window))
    label.setMinimumWidth(0)
    label.setMaximumWidth(16_777_215)
    button.setText("Open")
    button.setMaximumWidth(16_777_215)
    assert (label.text(), button.minimumSize()) == (words, before)
    window.runs.setMinimumWidth(1400)
    settle(window)
    found = faults(window, window)
    assert any("scrolls across" in fault for fault in found) and any("outside" in fault for fault in found)
    window.runs.setMinimumWidth(0)
    settle(window)
    assert faults(window, window) == []


def zoomed_and_presented(window: MainWindow) -> None:
    """Text can be larger, and a presentation leaves away what a class does not need."""
    window.resize(1280, 692)
    window.tabs.show_room("transformer")
    title = window.transformer.start
    usual, heights = title.fontMetrics().height(), theme.current().quiet
    window.look.larger(1)
    assert theme.zoom() == 1.1 and title.fontMetrics().height() > usual
    assert window.menuBar().fontInfo().pixelSize() == title.fontInfo().pixelSize()
    window.look.usual_size()
    assert theme.zoom() == 1.0 and title.fontMetrics().height() == usual
    window.look.present()
    assert theme.zoom() == 1.5 and title.fontMetrics().height() >= 1.4 * usual and window.isFullScreen()
    look = theme.current()
    assert not window.menuBar().isVisible() and not window.statusBar().isVisible()
    assert look.quiet != heights and theme.contrast(look.quiet, look.panel) > 7
    window.resize(1280, 720)
    window.transformer.open_race()
    settle(window)
    assert [fault for fault in cut(window) if "too low" in fault] == [], "the words of a race scroll where they have no room"
    window.transformer._leave_race()
    assert window.look.leave() and not window.look.leave()
    assert window.menuBar().isVisible() and window.statusBar().isVisible() and not window.isFullScreen()
    assert theme.zoom() == 1.0 and title.fontMetrics().height() == usual and theme.current().quiet == heights
    assert window.windowState() == Qt.WindowState.WindowNoState
    window.look.present()
    window.close()
    assert theme.zoom() == 1.0 and theme.current().quiet == heights, "a window that is closed presents nothing more"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of each of these families."""
    home = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(home))
        for name in FINISHED:
            family, values = families.get(name), family_cases.SMALL[name][0]
            run_task(Train(name, family_cases.data_for(family, home, values), values, steps=2, name=name))
        return paths.runs()


def test_finished_runs_fit_where_there_is_least_height(
    finished: Path, open_window: Callable[..., MainWindow], qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished, paths.runs())
    window = open_window("transformer")
    window.setMinimumSize(0, 0)
    qtbot.waitUntil(lambda: len(window.library.runs) == len(FINISHED), timeout=LONG)
    stacked: dict[str, list[str]] = {}
    for run in window.library.runs:
        page = window.links.trainer(families.get(run.family).room)
        page.choose_family(run.family)
        page.setup.form.set_values(run.config)  # as it may be already
        window.open_run(str(run.folder))
        qtbot.waitUntil(page.summary.isVisible, timeout=LONG)
        qtbot.waitUntil(lambda panel=page.panel: bool(panel.model.drawing), timeout=LONG)
        for size in LOW:
            window.resize(*size)
            for name, _ in Walk(window, lambda: settle(window)).tabs(run.family, page.panel):
                assert faults(window, window) == [], (name, size)
        with monkeypatch.context() as patch:
            patch.setattr(tab, "_FLAT", 0)
            page.show_summary()
            settle(window)
            stacked[run.family] = faults(window, window)
    assert sum(any("scrolls down" in fault for fault in found) for found in stacked.values()) > 1, stacked


def test_lines_in_a_low_box_of_a_drawing_never_lie_over_each_other(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[float, float]] = []

    def write(_painter: Any, room: Any, y: float, *_: Any, **__: Any) -> float:
        lines.append((room.left(), y))
        return y + model_drawing._line()

    monkeypatch.setattr(model_drawing, "_write", write)
    shown = model_drawing.ModelDrawing("drawing")
    qtbot.addWidget(shown)
    part = Part("Generator", "3 layers of 64", 8_600)
    shown.show_drawing((Chain((Part("Noise z", "2 numbers"), part), "Generator"), Chain((part, Part("Real?")), "Discriminator")))
    most = 0
    for height in range(120, 420, 12):
        lines.clear()
        shown.resize(500, height)
        shown.grab()
        most = max(most, len(lines))
        for (left, above), (right, below) in itertools.pairwise(sorted(lines)):
            assert left != right or below - above >= model_drawing._line() - 3, height
    assert most == 10, "all is said where there is room"
