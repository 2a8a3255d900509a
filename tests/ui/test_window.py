"""The real window from the first start to the second: train, pause, write, resume, stop, reopen, go on exactly."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDropEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from genstudio.events import Frame
from genstudio.runs import Run, trash
from genstudio.snapshots.attention import Attention
from genstudio.tasks.train import Train
from genstudio.ui.window import MainWindow
from helpers import LONG, TINY, answer, files, run_task, text_file
from real_window import fits, press

SMALL = {"layers": 2, "heads": 2, "d_model": 32, "context": 32, "batch": 8, "evaluate_every": 20}


def import_found(qtbot: Any, window: MainWindow) -> None:
    """Press Import once it is said what was found."""
    qtbot.waitUntil(window.datasets.importing.start.isVisible, timeout=LONG)
    press(qtbot, window, "import_start")


def state(window: MainWindow) -> str:
    return window.transformer.state


def steps(window: MainWindow, name: str = "train_loss") -> np.ndarray:
    return window.transformer.panel.charts.views["loss"].points(name)[0]


def weights(folder: Path, step: int) -> dict[str, bytes]:
    found = files(folder / "checkpoints" / f"{step:08d}")
    return {name: data for name, data in found.items() if name.endswith(".safetensors")}


def test_train_pause_write_resume_stop_reopen_and_go_on(
    open_window: Callable[..., MainWindow], qtbot: Any, tmp_path: Path
) -> None:
    window = open_window("transformer", "playground")
    tab, play = window.transformer, window.playground
    tab.setup.choose_data("names")
    tab.setup.form.set_values(SMALL)
    tab.setup.set_plan(100_000, None)
    window.tabs.setCurrentWidget(tab)

    press(qtbot, window, "start")
    qtbot.waitUntil(lambda: len(steps(window)) > 40 and len(steps(window, "val_loss")) > 2, timeout=LONG)
    assert steps(window)[:3].tolist() == [1, 2, 3]
    qtbot.waitUntil(lambda: tab.panel.pane("sample").view is not None, timeout=LONG)
    losses = tab.panel.charts.views["loss"].points("train_loss")[1]
    assert losses[-10:].mean() < losses[:10].mean()

    press(qtbot, window, "pause")
    qtbot.waitUntil(lambda: window.engine.running.get(tab._job) == "paused", timeout=LONG)
    press(qtbot, window, "save_now")
    qtbot.waitUntil(lambda: Run.open(tab.run_path).info.checkpoints[-1:] == (len(steps(window)),), timeout=LONG)
    paused_at = len(steps(window))

    window.tabs.setCurrentWidget(play)
    qtbot.waitUntil(lambda: play.reference() is not None and play.reference().which == "live", timeout=LONG)
    play.document.set_text("mar")
    play.sampler.length.set_value(30)
    press(qtbot, window, "generate")
    qtbot.waitUntil(lambda: play.status.text().endswith("length limit reached"), timeout=LONG)
    qtbot.waitUntil(lambda: play.page("Next token").view.snapshot is not None, timeout=LONG)
    written = play.document.text()
    assert written.startswith("mar") and len(play.document.prompt(play.reference().run)[1].ids) == 30
    assert len(steps(window)) == paused_at

    window.tabs.setCurrentWidget(tab)
    press(qtbot, window, "pause")
    qtbot.waitUntil(lambda: len(steps(window)) > paused_at + 20, timeout=LONG)
    press(qtbot, window, "stop")
    qtbot.waitUntil(lambda: state(window) == "stopped", timeout=LONG)
    folder = Path(tab.run_path)
    stopped_at = Run.open(folder).info.step
    assert stopped_at == int(steps(window)[-1]) == Run.open(folder).info.checkpoints[-1]
    window.close()

    again = open_window("transformer", "playground")
    qtbot.waitUntil(lambda: again.playground.document.text() == written, timeout=LONG)
    assert again.transformer.setup.values() == tab.setup.values()
    again.tabs.setCurrentWidget(again.runs)
    qtbot.waitUntil(lambda: bool(again.runs.model.runs), timeout=LONG)
    again.runs.table.selectRow(0)
    press(qtbot, again, "resume_run")
    qtbot.waitUntil(lambda: len(steps(again)) > stopped_at + 20, timeout=LONG)
    assert steps(again).tolist() == list(range(1, len(steps(again)) + 1))
    press(qtbot, again, "stop")
    qtbot.waitUntil(lambda: state(again) == "stopped", timeout=LONG)
    end = Run.open(folder).info.step

    config = Run.open(folder).info.config
    whole = Train("gpt", "names", config, steps=100_000, stop_after=end, runs_folder=tmp_path / "alone")
    alone = Path(answer(run_task(whole), "run"))
    assert weights(folder, end) == weights(alone, end)


def test_problems_are_at_their_fields_before_anything_starts(open_window: Callable[..., MainWindow], qtbot: Any) -> None:
    window = open_window("transformer")
    window.transformer.setup.form.set_values({"heads": 3})
    press(qtbot, window, "start")
    assert state(window) == "idle"
    assert "3 heads" in window.transformer.setup.form.rows["heads"].problem.text()


def test_what_cannot_be_used_shows_a_banner_and_the_window_goes_on(
    open_window: Callable[..., MainWindow], qtbot: Any, tmp_path: Path
) -> None:
    window = open_window("datasets")
    bad = tmp_path / "picture.txt"
    bad.write_bytes(b"\x89PNG\x00\x00\x01" * 100)
    window.import_files([str(bad)])
    qtbot.waitUntil(lambda: bool(window.banners.shown), timeout=LONG)
    assert "picture.txt" in window.banners.shown[0].accessibleName()
    window.import_files([str(text_file(tmp_path))])
    import_found(qtbot, window)
    qtbot.waitUntil(lambda: (window.datasets.current or "").startswith("words"), timeout=LONG)


def test_a_figure_that_cannot_be_saved_shows_a_banner(
    open_window: Callable[..., MainWindow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("transformer")
    panel, play = window.transformer.panel, window.playground
    panel.show_frame(Frame(snapshots=(Attention("attention", 1, ("a",), np.ones((1, 1, 1, 1), np.float32)),)))
    figures = panel.charts.views["loss"], panel.pane("attention").view
    for index, figure in enumerate((*figures, play.page("Next token").view)):
        place = str(tmp_path / "no such folder" / f"{index}.svg")
        monkeypatch.setattr("PySide6.QtWidgets.QFileDialog.getSaveFileName", lambda *_, place=place: (place, ""))
        figure.findChild(QAction, "figure_svg").trigger()
        said = window.banners.shown[0].accessibleName()
        assert "not saved" in said and f"{index}.svg" in said


def test_a_dropped_text_becomes_a_dataset_that_can_be_trained_on(
    open_window: Callable[..., MainWindow], qtbot: Any, tmp_path: Path
) -> None:
    window = open_window("datasets")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(text_file(tmp_path, name="mine.txt")))])
    left = Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, Qt.KeyboardModifier.NoModifier))
    import_found(qtbot, window)
    qtbot.waitUntil(lambda: (window.datasets.current or "").startswith("mine"), timeout=LONG)
    qtbot.waitUntil(lambda: window.datasets.figures["Vocabulary"].text().startswith("1"), timeout=LONG)
    press(qtbot, window, "train_on_this")
    window.transformer.setup.form.set_values(TINY)
    window.transformer.setup.set_plan(20, None)
    press(qtbot, window, "start")
    qtbot.waitUntil(lambda: state(window) == "stopped", timeout=LONG)
    assert steps(window)[-1] == 20


def test_extending_a_finished_run_goes_on(open_window: Callable[..., MainWindow], qtbot: Any) -> None:
    window = open_window("transformer")
    window.transformer.setup.choose_data("names")
    window.transformer.setup.form.set_values(TINY)
    window.transformer.setup.set_plan(15, None)
    press(qtbot, window, "start")
    qtbot.waitUntil(lambda: state(window) == "stopped", timeout=LONG)
    window.transformer.extend_by(share=1.0)
    qtbot.waitUntil(lambda: len(steps(window)) and steps(window)[-1] == 30 and state(window) == "stopped", timeout=LONG)


def test_closing_while_training_saves(open_window: Callable[..., MainWindow], qtbot: Any) -> None:
    window = open_window("transformer")
    window.transformer.setup.choose_data("names")
    window.transformer.setup.form.set_values(TINY)
    window.transformer.setup.set_plan(1_000_000, None)
    press(qtbot, window, "start")
    qtbot.waitUntil(lambda: len(steps(window)) > 30, timeout=LONG)
    window.close()
    info = Run.open(window.transformer.run_path).info
    assert info.state == "stopped"
    assert info.checkpoints[-1] == info.step >= 30


def test_runs_can_be_renamed_and_deleted_even_when_damaged(
    open_window: Callable[..., MainWindow], qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = answer(run_task(Train("gpt", str(text_file(tmp_path)), TINY, steps=12, name="first")), "run")
    window = open_window("runs")
    window.tabs.setCurrentWidget(window.runs)
    model = window.runs.model
    qtbot.waitUntil(lambda: len(model.runs) == 1, timeout=LONG)
    model.setData(model.index(0, 0), "<b>better</b>\nname")
    qtbot.waitUntil(lambda: model.runs[0].name.startswith("<b>better</b>"), timeout=LONG)
    (Path(folder) / "run.json").write_text("{")
    qtbot.waitUntil(lambda: (window.library.refresh_runs(), model.runs[0].state == "damaged")[1])
    assert model.data(model.index(0, 5)) == "run.json cannot be read."
    window.runs.table.selectRow(0)
    press(qtbot, window, "delete_run")
    qtbot.waitUntil(lambda: not model.runs, timeout=LONG)
    assert not Path(folder).exists()
    window.runs.undo_delete()
    qtbot.waitUntil(lambda: (window.library.refresh_runs(), [run.state for run in model.runs] == ["damaged"])[1], timeout=LONG)
    assert Path(folder).exists()
    press(qtbot, window, "delete_run")
    qtbot.waitUntil(lambda: not model.runs, timeout=LONG)
    monkeypatch.setattr("PySide6.QtWidgets.QMessageBox.exec", lambda self: 0)
    monkeypatch.setattr("PySide6.QtWidgets.QMessageBox.clickedButton", lambda self: self.buttons()[-1])
    window.runs.empty_trash(1)
    qtbot.waitUntil(lambda: not list(trash.folder(Path(folder).parent).iterdir()), timeout=LONG)


def test_everything_that_can_be_used_has_names(open_window: Callable[..., MainWindow]) -> None:
    window = open_window()
    buttons = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox)
    usable = (*buttons, QAbstractSlider, QPlainTextEdit, QTextEdit, QAbstractItemView)
    nameless, named = [], 0
    for drawer, index in itertools.product((False, True), range(window.tabs.count())):
        window.tabs.setCurrentIndex(index)
        if drawer and (tab := window.links.trainers().get(window.tabs.key())) is not None:
            tab.setup.show_settings(True)
        for widget in window.tabs.widget(index).findChildren(QWidget):
            if not isinstance(widget, usable) or not widget.isVisibleTo(window) or inside_another(widget):
                continue
            named += 1
            if not widget.objectName() or not (widget.accessibleName() or getattr(widget, "text", str)()):
                nameless.append((type(widget).__name__, widget.objectName(), widget.parent().objectName()))
    assert not nameless and named > 220


def inside_another(widget: QWidget) -> bool:
    """Qt's own parts of a combo box, spin box, list or area that scrolls."""
    parent = widget.parentWidget()
    if widget.objectName().startswith("qt_") or (parent is not None and parent.objectName().endswith("container")):
        return True
    while parent is not None:
        if isinstance(parent, (QComboBox, QAbstractSpinBox, QAbstractItemView, QLineEdit)):
            return True
        parent = parent.parentWidget()
    return False


def test_every_tab_fits_the_smallest_window(open_window: Callable[..., MainWindow]) -> None:
    window = open_window()
    for index in range(window.tabs.count()):
        window.tabs.setCurrentIndex(index)
        assert fits(window), window.tabs.tabText(index)
