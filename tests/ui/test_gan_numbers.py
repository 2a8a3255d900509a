"""A sample has one D value and one step, wherever they are shown: on the picture, in the panel, in the headline."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from gan_window import SMALL, begin, steps, stop

from genstudio.events import Advice, Diagnosis, Frame
from genstudio.tasks.inspect_sample import SampleReport
from genstudio.ui.train.panes import PaneView, PicturesPage
from genstudio.ui.train.tab import TrainingTab
from genstudio.ui.views.chart import value_text
from genstudio.ui.window import MainWindow
from helpers import LONG, usually
from real_window import press

PICTURES = {**SMALL, "latent": 8, "conditional": True}


SETS = [("gaussian-ring", SMALL), ("digits8", PICTURES)]


def looked_at(tab: TrainingTab) -> PaneView:
    found = tab.panel.looked_at()
    assert found is not None
    return found


def score(tab: TrainingTab, index: int) -> str:
    """The D value that pointing at a fake shows now."""
    view = looked_at(tab).view
    if isinstance(view, PicturesPage):
        return view.samples.describe(index).split("D ")[1]
    shown = view.view.snapshot
    return value_text(float(shown.scores[len(shown.real) + index]))


def picked(qtbot: Any, tab: TrainingTab, index: int) -> SampleReport:
    """What the panel shows after a click on a fake."""
    pane, page = looked_at(tab), tab.panel.sample
    before = page.found
    pane.picked.emit(pane.real + index)
    qtbot.waitUntil(lambda: page.found is not None and page.found is not before, timeout=LONG)
    found = page.found
    assert found is not None and found.index == index
    assert f"at step {found.step:,}: {value_text(found.score)} " in page.words.text()
    assert tab.panel.side.currentWidget() is page and page.picture.isVisible() == (len(found.sample.shape) == 3)
    return found


def said_step(text: str) -> int:
    found = re.search(r"[sS]tep ([\d,]+)", text)
    assert found is not None, text
    return int(found[1].replace(",", ""))


@usually(("data", "values"), SETS)
def test_panel_and_picture_agree_while_training_paused_and_later(
    window: MainWindow, qtbot: Any, data: str, values: dict[str, Any]
) -> None:
    tab = begin(qtbot, window, data, values)
    rng = np.random.default_rng(5)
    qtbot.waitUntil(lambda: looked_at(tab).shown(0) is not None, timeout=LONG)
    for index in rng.integers(0, 40, 2).tolist():
        seen = looked_at(tab).shown(index)
        told = score(tab, index)
        found = picked(qtbot, tab, index)
        assert (found.step, value_text(found.score)) == (seen.step, told)
        assert np.array_equal(found.sample, seen.sample) and len(found.latent) == tab.setup.values()["latent"]

    press(qtbot, tab, "gan_pause")
    qtbot.waitUntil(lambda: window.engine.running.get(tab._job) == "paused", timeout=LONG)
    picked(qtbot, tab, 0)  # an answer of the engine, before which all frames of the steps until it paused have come
    qtbot.waitUntil(lambda: looked_at(tab).shown(0).step == tab._progress.step == steps(tab)[-1], timeout=LONG)
    qtbot.waitUntil(lambda: said_step(tab.strip.headline.text()) == looked_at(tab).shown(0).step, timeout=LONG)
    index = int(rng.integers(0, 40))
    told = score(tab, index)
    found = picked(qtbot, tab, index)
    assert (found.step, value_text(found.score)) == (tab._progress.step, told)

    qtbot.waitUntil(lambda: len(tab.panel.time.steps) > 1, timeout=LONG)
    tab.panel.time.to_first()
    first = tab.panel.time.steps[0]
    qtbot.waitUntil(lambda: looked_at(tab).shown(0).step == first, timeout=LONG)
    told = score(tab, index)
    found = picked(qtbot, tab, index)
    assert (found.step, value_text(found.score)) == (first, told)
    press(qtbot, tab, "sample_again")
    stop(qtbot, tab)


@usually(("data", "values"), SETS[::-1])
def test_a_sample_of_slow_motion_is_that_of_its_stage(
    window: MainWindow, qtbot: Any, data: str, values: dict[str, Any]
) -> None:
    tab = begin(qtbot, window, data, values)
    slow, stage = tab.panel.slow, looked_at(tab)
    tab.panel.side.setCurrentWidget(slow)
    press(qtbot, tab, "slow_on")

    def settled() -> bool:
        return slow.stage is not None and not slow._awaited and said_step(tab.strip.headline.text()) == slow.step

    for _ in range(20):
        qtbot.waitUntil(settled, timeout=LONG)
        assert said_step(slow.where.text()) == slow.step
        assert slow.step - 1 <= tab._progress.step <= slow.step
        if slow.stage is not None and slow.stage.number == 3:
            break
        slow.next_stage()
    for index in (0, 11):
        seen, told = stage.shown(index), score(tab, index)
        found = picked(qtbot, tab, index)
        assert (found.step, value_text(found.score)) == (slow.step, told)
        assert np.array_equal(found.sample, seen.sample)
        assert not len(found.latent) and not tab.panel.sample.latent.isVisible()
    press(qtbot, tab, "gan_pause")
    qtbot.waitUntil(
        lambda: tab.state == "running" and stage.shown(0) is not None and stage.shown(0).fixed, timeout=LONG
    )
    assert len(picked(qtbot, tab, 0).latent)
    stop(qtbot, tab)


def test_a_click_on_a_real_point_is_answered(window: MainWindow, qtbot: Any) -> None:
    tab = begin(qtbot, window, "gaussian-ring", SMALL)
    picked(qtbot, tab, 3)
    looked_at(tab).picked.emit(0)
    page = tab.panel.sample
    assert page.found is None and "real point" in page.empty._words.text() and page.empty.isVisible()
    stop(qtbot, tab)


def test_trying_a_fix_is_answered_in_every_state(window: MainWindow, qtbot: Any) -> None:
    tab = window.gan
    tab.setup.choose_data("gaussian-ring")
    tab.setup.form.set_values(SMALL)
    tab.setup.set_plan(30, None)
    press(qtbot, tab, "gan_start")
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)
    doctor, path = tab.panel.doctor, tab.run_path
    tab.panel.side.setCurrentWidget(doctor)
    told = Diagnosis(
        "discriminator_wins", "The discriminator wins", 20, "It tells 99% right.", "More than 93%.", {"accuracy": 0.99},
        (Advice("Learn more slowly", {"d_rate": 1e-4}), Advice("Take packing", {"pack": 2})),
    )  # fmt: skip
    doctor.show_frame(Frame(diagnoses=(told,)))
    press(qtbot, tab, "advice_0")
    assert tab.state == "stopped" and tab.setup.values()["d_rate"] == 1e-4
    assert "reached the end" in doctor.reaction.text() and "Start new" in doctor.reaction.text()
    assert doctor.reaction.isVisible()
    press(qtbot, tab, "advice_1")
    assert tab.setup.values()["pack"] == 2 and doctor.reaction.text().startswith("Set up for a new run")

    tab.extend_by(steps=1_000_000)
    qtbot.waitUntil(lambda: tab.state == "running" and tab._progress.step > 40, timeout=LONG)
    press(qtbot, tab, "advice_0")
    assert "from the next step on" in doctor.reaction.text()
    qtbot.waitUntil(lambda: tab.panel.live.values()["d_rate"] == 1e-4, timeout=LONG)
    stop(qtbot, tab)
    at = tab._progress.step
    press(qtbot, tab, "advice_0")
    assert "resumes" in doctor.reaction.text()
    qtbot.waitUntil(lambda: tab.state == "running" and tab._progress.step > at, timeout=LONG)
    assert tab.run_path == path
    stop(qtbot, tab)
