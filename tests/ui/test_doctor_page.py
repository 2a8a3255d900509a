"""The doctor's page: empty, with cards, going back, advice a click away; and in the window, from an ill run to its cure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QPushButton

from genstudio.events import Advice, Diagnosis, Frame, Notice, Series
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.dashboard import DASHBOARD
from genstudio.runs import Run
from genstudio.ui import theme
from genstudio.ui.train.charts import RunCharts
from genstudio.ui.train.diagnoses import DoctorPage
from genstudio.ui.window import MainWindow
from helpers import LONG

WINS = Diagnosis(
    "discriminator_wins", "The discriminator wins", 500, "It tells 99% right.", "More than 93%.", {"accuracy": 0.99},
    (Advice("Learn more slowly", {"d_rate": 1e-4}), Advice("Take packing", {"pack": 2}), Advice("Add data")),
)  # fmt: skip
LOST = Diagnosis("collapse", "Mode collapse", 700, "The fakes are alike.", "Fewer than 60%.", {"reached": 0.2})


def say(page: DoctorPage, *told: Diagnosis) -> None:
    page.show_frame(Frame(diagnoses=told))


@pytest.fixture
def page(qtbot: Any, qapp: Any) -> DoctorPage:
    theme.apply(qapp, "light")
    page = DoctorPage(GANConfig, [(f"Failure {number}", "How it is detected.") for number in range(8)])
    qtbot.addWidget(page)
    page.resize(304, 600)
    page.show()
    return page


def test_an_empty_page_says_that_all_checks_pass(page: DoctorPage) -> None:
    assert page.said.text().startswith("All 8 checks pass.") and not page.cards
    assert page.checks.isVisible() and any("Failure 7" in label.text() for label in page.checks.findChildren(QLabel))
    say(page, WINS)
    assert not page.checks.isVisible()
    page.clear()
    assert page.checks.isVisible()


def test_what_holds_is_above_what_is_over_and_going_back_takes_it_away(page: DoctorPage, qtbot: Any) -> None:
    said: list[int] = []
    page.changed.connect(said.append)
    say(page, WINS)
    say(page, LOST)
    assert [card.diagnosis.name for card in page.cards] == ["collapse", "discriminator_wins"]
    texts = [label.text() for label in page.cards[1].findChildren(QLabel)]
    assert "It tells 99% right." in texts and "accuracy: 0.99" in texts and "More than 93%." in texts
    over = Diagnosis(**{name: getattr(LOST, name) for name in LOST.__slots__} | {"until": 900})
    say(page, over)
    assert [card.diagnosis.name for card in page.cards] == ["discriminator_wins", "collapse"]
    assert page.said.text() == "1 problem detected." and "Step 700 to 900" in [
        b.text() for b in page.cards[1].findChildren(QPushButton)
    ]
    page.show_frame(Frame(back=600))
    assert [card.diagnosis.name for card in page.cards] == ["discriminator_wins"]
    page.clear()
    assert not page.cards and said == [1, 2, 1, 1, 0]


def test_a_finding_is_named_on_every_chart_at_its_step_and_a_click_there_goes_to_it(qtbot: Any, qapp: Any) -> None:
    theme.apply(qapp, "light")
    charts = RunCharts(DASHBOARD)
    qtbot.addWidget(charts)
    charts.resize(900, 200)
    charts.show()
    steps = np.arange(1, 1001)
    numbers = {name: Series(steps, np.sin(steps / 50.0)) for name in ("g_loss", "d_loss", "d_real", "d_fake")}
    told = [Notice(700, "warning", f"{one.title}. {one.sentence}") for one in (LOST, WINS)]
    long = Notice(300, "warning", "Nothing was changed because of something that takes long to say.")
    charts.show_frame(Frame(series=numbers, notices=(*told, long)))
    charts.flush()
    chosen: list[int] = []
    charts.step_chosen.connect(chosen.append)
    for name in ("losses", "opinions"):
        view = charts.views[name]
        qtbot.waitUntil(lambda view=view: any(label.isVisible() for label in view._notes.labels))
        (label,) = [label for label in view._notes.labels if label.isVisible()]
        assert label.text() == "Mode collapse +1"
        area = view.box.area()
        assert area.contains(label.sceneBoundingRect()) and len(view._notes.dots.data) == 3
        place = view.box.pixels(np.array([700.0]), np.zeros(1))[0, 0]
        qtbot.mouseClick(view.view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(round(place), round(area.bottom()) - 4))
    qtbot.waitUntil(lambda: len(chosen) == 2)
    assert all(abs(step - 700) < 12 for step in chosen)


def test_advice_is_a_click_away_when_it_can_be_taken(page: DoctorPage, qtbot: Any) -> None:
    say(page, WINS)
    wanted: list[Any] = []
    page.advice_wanted.connect(wanted.append)
    live, later = (page.findChild(QPushButton, f"advice_{index}") for index in (0, 1))
    assert live is not None and later is not None and page.findChild(QPushButton, "advice_2") is None
    assert "Discriminator's rate 0.0001" in live.accessibleName() and (live.text(), later.text()) == ("Try", "Set up")
    states = {"idle": (False, True), "running": (True, False), "stopped": (True, True), "starting": (False, False)}
    for state, can in states.items():
        page.set_state(state)
        assert (live.isEnabled(), later.isEnabled()) == can
    page.set_state("running")
    qtbot.mouseClick(live, Qt.MouseButton.LeftButton)
    page.set_state("stopped")
    qtbot.mouseClick(later, Qt.MouseButton.LeftButton)
    steps: list[int] = []
    page.step_wanted.connect(steps.append)
    go = page.findChild(QPushButton, "diagnosis_step")
    assert go is not None
    qtbot.mouseClick(go, Qt.MouseButton.LeftButton)
    assert wanted == [{"d_rate": 1e-4}, {"pack": 2}] and steps == [500]


def test_an_ill_run_is_told_cured_by_a_click_and_opened_again(window: MainWindow, qtbot: Any) -> None:
    tab = window.gan
    tab.setup.choose_data("gaussian-ring")
    tab.setup.form.set_values({"width": 16, "layers": 2, "batch": 16, "g_rate": 1e-6, "evaluate_every": 5000})
    tab.setup.set_plan(1_000_000, None)
    tab.start_training()
    page = tab.panel.doctor
    qtbot.waitUntil(lambda: bool(page.cards), timeout=LONG)
    assert page.cards[0].diagnosis.name == "discriminator_wins"
    side = tab.panel.side
    assert side.tabText(side.indexOf(page)).startswith("Doctor (")
    side.setCurrentWidget(page)
    advice = next(a for a in page.cards[0].diagnosis.advice if "g_rate" in a.values)
    press = page.cards[0].findChild(QPushButton, f"advice_{page.cards[0].diagnosis.advice.index(advice)}")
    assert press is not None and press.isEnabled()
    qtbot.mouseClick(press, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.panel.live.values()["g_rate"] == advice.values["g_rate"], timeout=LONG)
    tab.stop_training()
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)
    kept = Run.open(tab.run_path).diagnoses()
    assert kept[0].name == "discriminator_wins"
    path = tab.run_path
    tab.panel.clear()
    assert not page.cards
    tab.run_path = ""
    window.open_run(path)
    qtbot.waitUntil(lambda: len(page.cards) == len(kept), timeout=LONG)
    tab.steering.take_advice({"pack": 2, "batch": 32})
    assert (tab.setup.values()["pack"], tab.setup.values()["batch"]) == (2, 32) and tab.state == "stopped"
    tab.steering.take_advice({"g_rate": 5e-4})
    qtbot.waitUntil(lambda: len(Run.open(path).changes()) == 2, timeout=LONG)
    tab.stop_training()
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)
