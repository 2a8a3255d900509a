"""The GAN tab in the real window: from Start over live changes, going back and slow motion to stopping and resuming."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gan_window import SMALL, begin, change, pictures, points, steps, stop
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QWidget

from genstudio.data import shelf
from genstudio.events import Frame
from genstudio.families.gan.stages import TITLES
from genstudio.runs import Run
from genstudio.snapshots.samples import Plane
from genstudio.tasks.train import Train
from genstudio.ui.train.tab import TrainingTab
from genstudio.ui.window import MainWindow
from helpers import LONG, TINY, answer, run_task
from real_window import opened, press

PICTURES = {**SMALL, "latent": 8, "conditional": True}


def test_points_from_start_over_a_change_and_back_to_resuming(window: MainWindow, qtbot: Any) -> None:
    tab = begin(qtbot, window, "gaussian-ring", SMALL)
    live = tab.panel.live
    seen = points(tab.panel).view.snapshot
    assert len(seen.real) and tab.panel.looked_at() is tab.panel.pane("plane")
    assert steps(tab)[:3].tolist() == [1, 2, 3]

    qtbot.waitUntil(lambda: len(steps(tab, "divergence", "js_divergence")) > 0, timeout=LONG)
    change(qtbot, tab, "d_rate", 0.0002)
    changed_at = int(live.log.item(0).text().removeprefix("Step ").split(":")[0].replace(",", ""))
    qtbot.waitUntil(lambda: steps(tab)[-1] > changed_at + 20, timeout=LONG)
    rates = tab.panel.charts.views["rates"].points("rate_d")
    assert rates[1][rates[0] > changed_at].max() <= 0.0002 < rates[1][rates[0] <= changed_at].max()
    assert changed_at in Run.open(tab.run_path).info.checkpoints
    assert any(mark.kind == "changed" and mark.step == changed_at for mark in tab.panel.charts.views["modes"]._marks)

    press(qtbot, tab, "live_back")
    qtbot.waitUntil(lambda: live.values()["d_rate"] == 0.001, timeout=LONG)
    assert live.rows["d_rate"].value() == 0.001
    qtbot.waitUntil(lambda: steps(tab)[-1] > changed_at + 5, timeout=LONG)
    assert steps(tab).tolist() == list(range(1, len(steps(tab)) + 1))
    stop(qtbot, tab)
    stopped_at = Run.open(tab.run_path).info.step
    assert stopped_at == int(steps(tab)[-1])

    press(qtbot, tab, "gan_pause")
    qtbot.waitUntil(lambda: len(steps(tab)) and steps(tab)[-1] > stopped_at + 10, timeout=LONG)
    assert steps(tab).tolist() == list(range(1, len(steps(tab)) + 1))
    stop(qtbot, tab)


def test_pictures_are_shown_looked_at_closely_and_resumed_from_the_list(window: MainWindow, qtbot: Any) -> None:
    tab = begin(qtbot, window, "digits8", PICTURES)
    assert tab.panel.looked_at() is tab.panel.pane("fixed")
    real = shelf.open_dataset(shelf.find_dataset("digits8")).pixels
    page = pictures(tab.panel)
    assert (real[None] == page.beside.snapshot.pixels[:5, None]).all((2, 3, 4)).any(1).all()
    samples = page.samples
    qtbot.waitUntil(lambda: samples.snapshot is not None, timeout=LONG)
    assert samples.label(3) == "3"
    columns = samples._grid(samples.rect().toRectF()).columns
    assert columns == 10

    samples.setFocus()
    samples.choose(3)
    qtbot.keyClick(samples, Qt.Key.Key_Return)
    page = tab.panel.sample
    qtbot.waitUntil(lambda: page.found is not None and page.found.index == 3, timeout=LONG)
    found = page.found
    assert found is not None and found.features is not None
    assert found.label_name == "3" and len(found.latent) == 8 and 0 <= found.score <= 1
    gap = np.sqrt(np.square(real.astype(np.float64) - found.sample).mean((1, 2, 3)))
    assert found.plain.distances[0] == pytest.approx(gap[found.plain.indices[0]], rel=1e-4)
    assert (real[found.features.indices] == found.features.samples).all()
    assert f"{found.plain.distances[0]:.4g}"[:3] in page.verdict.text()

    stop(qtbot, tab)
    path, end = tab.run_path, Run.open(tab.run_path).info.step
    window.tabs.setCurrentWidget(window.runs)
    qtbot.waitUntil(lambda: any(str(run.folder) == path for run in window.runs.model.runs), timeout=LONG)
    window.runs.table.selectRow(0)
    qtbot.waitUntil(window.runs.resume.isEnabled, timeout=LONG)
    press(qtbot, window.runs, "resume_run")
    qtbot.waitUntil(lambda: window.tabs.currentWidget() is tab, timeout=LONG)
    qtbot.waitUntil(lambda: len(steps(tab)) and steps(tab)[-1] > end + 5, timeout=LONG)
    assert steps(tab).tolist() == list(range(1, len(steps(tab)) + 1))
    stop(qtbot, tab)


def test_slow_motion_walks_through_every_stage_and_runs_on(window: MainWindow, qtbot: Any) -> None:
    tab = begin(qtbot, window, "gaussian-ring", {**SMALL, "d_updates": 2})
    slow, panel = tab.panel.slow, tab.panel
    panel.side.setCurrentWidget(slow)
    heights = panel.upright.sizes()
    press(qtbot, tab, "slow_on")
    assert panel.upright.sizes()[0] > heights[0], "room for the diagram"
    walked: list[tuple[int, int]] = []
    for _ in range(13):
        qtbot.waitUntil(lambda: slow.stage is not None and not slow._awaited, timeout=LONG)
        stage = slow.stage
        assert stage is not None
        walked.append((stage.number, stage.update))
        assert slow.formula.text() == stage.formula
        assert all(f"{name} = " in slow.numbers.text() for name, _ in stage.values)
        assert slow.diagram.stage is stage
        press(qtbot, tab, "slow_next")
    once = [(number, 1) for number in range(1, 6)] + [(number, 2) for number in range(1, 6)] + [(6, 1), (7, 1), (8, 1)]
    first = walked.index((1, 1))
    assert (walked + walked)[first : first + 13] == once
    assert tab.state == "paused" and len(TITLES) == 8

    qtbot.waitUntil(lambda: not slow._awaited, timeout=LONG)
    press(qtbot, tab, "slow_iteration")
    qtbot.waitUntil(lambda: slow.stage is not None and slow.stage.last, timeout=LONG)
    before = len(steps(tab))
    press(qtbot, tab, "gan_pause")
    qtbot.waitUntil(lambda: len(steps(tab)) > before + 20 and tab.state == "running", timeout=LONG)
    assert not slow.active and steps(tab).tolist() == list(range(1, len(steps(tab)) + 1))
    assert panel.upright.sizes() == heights
    stop(qtbot, tab)


def test_a_gpt_and_a_gan_train_at_once(window: MainWindow, qtbot: Any) -> None:
    gan = begin(qtbot, window, "gaussian-ring", SMALL)
    gpt = window.transformer
    window.tabs.setCurrentWidget(gpt)
    gpt.setup.choose_data("names")
    gpt.setup.form.set_values(TINY)
    gpt.setup.set_plan(1_000_000, None)
    qtbot.mouseClick(gpt.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(gpt.panel.charts.views["loss"].points("train_loss")[0]) > 20, timeout=LONG)
    before = gan._progress.step
    qtbot.waitUntil(lambda: gan._progress.step > before + 20, timeout=LONG)
    assert "GPT" in window.doing.text() and "GAN" in window.doing.text()
    for tab in (gpt, gan):
        tab.stop_training()
        qtbot.waitUntil(lambda tab=tab: tab.state == "stopped", timeout=LONG)
    assert {Run.open(tab.run_path).info.family for tab in (gpt, gan)} == {"gpt", "gan"}


def test_the_setup_comes_back_at_the_next_start(window: MainWindow, qtbot: Any, qapp: Any) -> None:
    window.gan.setup.choose_data("moons")
    window.gan.setup.form.set_values({"width": 40, "loss": "hinge"})
    window.close()
    with opened(qtbot, ("gan",)) as again:
        qtbot.waitUntil(lambda: again.gan.setup.data.currentData() == "moons", timeout=LONG)
        assert again.gan.setup.values()["width"] == 40 and again.gan.setup.values()["loss"] == "hinge"


def choose(qtbot: Any, tab: Any, name: str) -> None:
    """As a person does it: open the list, go to the dataset, press Enter."""
    data = tab.setup.data
    data.showPopup()
    data.view().setCurrentIndex(data.model().index(data.findData(name), 0))
    qtbot.keyClick(data.view(), Qt.Key.Key_Return)
    assert data.currentData() == name


def only_data_that_a_gan_can_learn_is_offered(window: MainWindow) -> None:
    ids = {window.gan.setup.data.itemData(i) for i in range(window.gan.setup.data.count())}
    kinds = {info.kind for info in shelf.list_datasets() if info.id in ids}
    assert kinds == {"points", "images"} and "shakespeare" not in ids


def a_lesson_stays_on_other_data_of_its_kind(window: MainWindow, qtbot: Any) -> None:
    tab = window.gan
    tab.setup.preset.choose("collapse")
    choose(qtbot, tab, "moons")
    assert tab.preset().name == "collapse"
    choose(qtbot, tab, "digits8")
    assert tab.preset().name == "digits"


def pictures_of_ones_own_are_trained_on_with_settings_for_pictures(window: MainWindow) -> None:
    window.train_on("digits8")
    assert window.tabs.currentWidget() is window.gan
    assert window.gan.preset().name == "digits" and window.gan.setup.data.currentData() == "digits8"


def a_lesson_names_its_data_and_its_cure(window: MainWindow, qtbot: Any) -> None:
    tab = window.gan
    lesson = next(preset for preset in tab.setup.family.presets if preset.cure and preset.data)
    assert not tab.cure.isVisible() or tab.preset() is lesson
    tab.setup.preset.choose(lesson.name)
    assert tab.cure.isVisible() and tab.setup.data.currentData() == lesson.data
    assert any(tab.setup.values()[name] != value for name, value in lesson.cure.items())
    press(qtbot, tab, "apply_cure")
    assert all(tab.setup.values()[name] == value for name, value in lesson.cure.items())
    assert tab.cure.text() == "Fix applied" and not tab.cure.isEnabled()
    tab._used = tab.config_type.parse(tab.setup.values()).model_dump()
    tab._show_cure()
    assert not tab.cure.isVisible(), "the run has it"
    tab._used = {}
    tab.setup.form.set_values({next(iter(lesson.cure)): 7})
    assert tab.cure.isVisible() and tab.cure.isEnabled() and tab.cure.text() == "Apply the fix"


def settings_follow_the_data_that_a_person_chooses(window: MainWindow, qtbot: Any) -> None:
    tab = window.gan
    for name, preset in (
        ("digits8", "digits"), ("moons", "plane"), ("icons32", "icons"), ("gaussian-ring", "ring-live"),
    ):  # fmt: skip
        choose(qtbot, tab, name)
        assert (tab.preset().name, tab.setup.data.currentData()) == (preset, name) and not tab.setup.edited()
    tab.setup.form.set_values({"width": 40})
    choose(qtbot, tab, "digits8")
    assert tab.setup.values()["width"] == 40 and tab.preset().name == "ring-live"


def what_cannot_be_learnt_from_is_said_before_the_first_step(window: MainWindow, qtbot: Any) -> None:
    tab = window.gan
    for data, values, field, words in (
        ("gaussian-ring", {"conditional": True}, "conditional", "no classes"),
        ("icons32", {"conditional": True}, "conditional", "not all of these pictures have a label"),
        ("gaussian-ring", {"conditional": False, "network": "dcgan"}, "network", "points"),
        ("digits8", {"network": "mlp", "batch": 4000}, "batch", "more than"),
    ):
        tab.setup.choose_data(data)
        tab.setup.form.set_values({**SMALL, **values})
        assert words not in tab.setup.form.rows[field].problem.text()
        press(qtbot, tab, "gan_start")
        qtbot.waitUntil(lambda field=field, words=words: words in tab.setup.form.rows[field].problem.text(), timeout=LONG)
        assert window.banners.shown and tab.state == "idle" and not tab.run_path and tab.start.isEnabled()
        while window.banners.dismiss_newest():
            pass


def everything_that_can_be_used_has_a_name_of_its_own(window: MainWindow, qtbot: Any) -> None:
    panel = window.gan.panel
    window.gan.stack.setCurrentWidget(panel)
    for page in range(panel.side.count()):
        panel.side.setCurrentIndex(page)
        for widget in panel.side.currentWidget().findChildren(QWidget):
            if isinstance(widget, (QAbstractButton, QComboBox, QAbstractSpinBox)) and widget.isVisibleTo(panel):
                assert widget.objectName(), widget
                assert widget.accessibleName() or getattr(widget, "text", str)(), widget.objectName()
    assert panel.minimumSizeHint().width() < 900


def a_further_page_can_be_added_in_the_middle_and_beside(window: MainWindow) -> None:
    panel = window.gan.panel
    assert [panel.pages.tabText(index) for index in range(panel.pages.count())] == ["Training", "Explore", "Model"]
    panel.pages.addTab(QWidget(), "Later")
    panel.side.addTab(QWidget(), "Later")
    assert panel.pages.count() == 4 and panel.side.tabText(panel.side.count() - 1) == "Later"


def toggles_by_keyboard_hide_their_layer(window: MainWindow, qtbot: Any) -> None:
    panel = window.gan.panel
    plane = Plane("plane", 1, *(np.zeros((4, 2), np.float32),) * 2, (-1, 1, -1, 1), np.zeros((2, 2)), True,
                  np.zeros((4, 2)), np.zeros((3, 3, 2)))  # fmt: skip
    panel.show_frame(Frame(snapshots=(plane,)))
    window.gan.stack.setCurrentWidget(panel)
    page = points(panel)
    for name, box in page.layers.items():
        box.setFocus()
        qtbot.keyClick(box, Qt.Key.Key_Space)
        assert not page.view.layer(name)


def a_drawing_becomes_what_is_trained_on(window: MainWindow, qtbot: Any) -> None:
    press(qtbot, window.gan, "draw_distribution")
    assert window.tabs.currentWidget() is window.datasets
    drawing = window.datasets.draw_points
    drawing.canvas.setFocus()
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Right, Qt.Key.Key_Space):
        qtbot.keyClick(drawing.canvas, key)
    drawing.name.setText("Two dabs")
    qtbot.mouseClick(drawing.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.tabs.currentWidget() is window.gan, timeout=LONG)
    assert window.gan.setup.data.currentText() == "Two dabs"


def test_what_is_chosen_before_a_training(window: MainWindow, qtbot: Any) -> None:
    """One window for all that begins no training; what comes later changes more of it."""
    only_data_that_a_gan_can_learn_is_offered(window)
    a_lesson_stays_on_other_data_of_its_kind(window, qtbot)
    pictures_of_ones_own_are_trained_on_with_settings_for_pictures(window)
    a_lesson_names_its_data_and_its_cure(window, qtbot)
    window.gan.setup.preset.choose("ring-live")
    settings_follow_the_data_that_a_person_chooses(window, qtbot)
    what_cannot_be_learnt_from_is_said_before_the_first_step(window, qtbot)
    everything_that_can_be_used_has_a_name_of_its_own(window, qtbot)
    toggles_by_keyboard_hide_their_layer(window, qtbot)
    a_further_page_can_be_added_in_the_middle_and_beside(window)
    a_drawing_becomes_what_is_trained_on(window, qtbot)


def what_is_not_seen_is_not_drawn(window: MainWindow, qtbot: Any, tab: TrainingTab) -> None:
    drawn: list[str] = []
    figures = {"plane": points(tab.panel).view, "charts": tab.panel.pane("scores").view}
    for name, figure in figures.items():
        paint = figure.paint_figure
        figure.paint_figure = lambda *a, name=name, paint=paint: (drawn.append(name), paint(*a))  # type: ignore[method-assign]
    qtbot.waitUntil(lambda: "plane" in drawn, timeout=LONG)
    assert "charts" not in drawn
    window.tabs.setCurrentWidget(window.runs)
    drawn.clear()
    at = tab._progress.step
    qtbot.waitUntil(lambda: tab._progress.step > at + 50, timeout=LONG)
    assert not drawn


def a_live_value_that_is_wrong_is_said_at_its_field_and_not_sent(window: MainWindow, qtbot: Any, tab: TrainingTab) -> None:
    sent: list[Any] = []
    tab.panel.live.changed.connect(sent.append)
    tab.panel.live.rows["g_rate"].set_value(5)
    qtbot.waitUntil(lambda: "outside" in tab.panel.live.rows["g_rate"].problem.text(), timeout=LONG)
    assert not sent and tab.panel.live.values()["g_rate"] == 0.001
    change(qtbot, tab, "g_rate", 0.0005)
    assert sent == [{"g_rate": 0.0005}] and not tab.panel.live.rows["g_rate"].problem.text()


def a_real_point_is_not_looked_at_as_if_it_were_a_sample(window: MainWindow, qtbot: Any, tab: TrainingTab) -> None:
    points(tab.panel).picked.emit(0)
    assert not tab.panel.sample._job
    shown = points(tab.panel).view.snapshot
    assert shown is not None
    points(tab.panel).picked.emit(len(shown.real) + 2)
    qtbot.waitUntil(lambda: tab.panel.sample.found is not None, timeout=LONG)
    found = tab.panel.sample.found
    assert found is not None and found.index == 2 and found.sample.shape == (2,) and len(found.latent) == 2
    assert found.features is None and f"{found.sample[0]:.3g}" in tab.panel.sample.words.text()


def training_only_one_network_leaves_the_other(window: MainWindow, qtbot: Any, tab: TrainingTab) -> None:
    tab.panel.side.setCurrentWidget(tab.panel.slow)
    tab.panel.slow.train.setCurrentText("Only the discriminator")
    qtbot.waitUntil(lambda: tab.panel.live.values()["trained"] == "discriminator", timeout=LONG)
    at = tab._progress.step
    qtbot.waitUntil(lambda: steps(tab)[-1] > at + 30, timeout=LONG)
    assert steps(tab, name="g_loss")[-1] <= at + 1
    tab.panel.slow.train.setCurrentText("Train both")
    qtbot.waitUntil(lambda: steps(tab, name="g_loss")[-1] > at + 30, timeout=LONG)


def test_a_training_while_it_is_watched_and_changed(window: MainWindow, qtbot: Any) -> None:
    """One training for all that only looks at it or steers it; at its end, what is shown is of the last frame."""
    last: dict[str, Any] = {}

    def keep(_name: str, frame: Frame) -> None:
        last.update({snapshot.channel: snapshot for snapshot in frame.snapshots})
        last.update(frame.series)

    window.engine.framed.connect(keep)
    tab = begin(qtbot, window, "gaussian-ring", SMALL)
    what_is_not_seen_is_not_drawn(window, qtbot, tab)
    window.tabs.setCurrentWidget(tab)
    a_live_value_that_is_wrong_is_said_at_its_field_and_not_sent(window, qtbot, tab)
    a_real_point_is_not_looked_at_as_if_it_were_a_sample(window, qtbot, tab)
    training_only_one_network_leaves_the_other(window, qtbot, tab)
    stop(qtbot, tab)
    charts = tab.panel.charts
    assert points(tab.panel).view.snapshot is last["plane"]
    assert tab.panel.pane("scores").view.snapshot is last["scores"]
    for chart, name in (("losses", "g_loss"), ("opinions", "d_real"), ("accuracy", "accuracy_fake")):
        shown = charts.views[chart].points(name)
        assert shown[0][-1] == last[name].steps[-1] and shown[1][-1] == last[name].values[-1]


def test_a_run_opens_in_the_tab_of_its_family(window: MainWindow, qtbot: Any, tmp_path: Any) -> None:
    other = tmp_path / "elsewhere"
    task = Train("gan", "gaussian-ring", SMALL, steps=25, runs_folder=other)
    path = answer(run_task(task), "run")
    window.tabs.setCurrentWidget(window.runs)
    window.open_run(path)
    qtbot.waitUntil(lambda: window.tabs.currentWidget() is window.gan, timeout=LONG)
    qtbot.waitUntil(lambda: len(steps(window.gan)) == 25, timeout=LONG)
    assert window.gan.setup.values()["width"] == 16 and window.gan.panel.live.values()["width"] == 16
    assert window.gan.state == "stopped"


def test_the_cure_can_be_given_while_the_lesson_runs(window: MainWindow, qtbot: Any) -> None:
    tab = window.gan
    lesson = next(preset for preset in tab.setup.family.presets if preset.cure and preset.data == "gaussian-ring")
    tab.setup.preset.choose(lesson.name)
    begin(qtbot, window, "gaussian-ring", SMALL)
    live = {setting.name for setting in tab.config_type.settings() if setting.live}
    press(qtbot, tab, "apply_cure")
    wanted = {name: value for name, value in lesson.cure.items() if name in live}
    qtbot.waitUntil(lambda: wanted.items() <= tab.panel.live.values().items(), timeout=LONG)
    stop(qtbot, tab)
