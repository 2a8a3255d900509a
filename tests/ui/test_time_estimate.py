"""The setup says what a training takes on this computer, for one's own data too."""

from __future__ import annotations

import re
from typing import Any

import pytest
from gan_window import SMALL, begin

from genstudio import families
from genstudio.runs.plan import ENDLESS
from genstudio.ui.train import estimate
from genstudio.ui.train.estimate import about, in_words, without_end
from genstudio.ui.train.tab import TrainingTab
from genstudio.ui.window import MainWindow
from helpers import LONG, TINY, usually


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch, _no_estimates: None) -> None:
    monkeypatch.setattr(estimate, "WAIT_MS", 50)


def told(tab: TrainingTab) -> str:
    lines = [line for line in tab.cost.text().split("\n") if "on this computer" in line]
    return lines[0] if lines else ""


@usually(("name", "data", "values"), [("transformer", "names", TINY), ("gan", "moons", SMALL)])
def test_each_family_says_its_time_and_remembers_it(
    window: MainWindow, qtbot: Any, name: str, data: str, values: dict[str, Any]
) -> None:
    tab = getattr(window, name)
    window.tabs.setCurrentWidget(tab)
    tab.setup.choose_data(data)
    tab.setup.form.set_values(values)
    tab.setup.set_plan(5000, None)
    qtbot.waitUntil(lambda: "5,000 steps" in told(tab), timeout=LONG)
    per_step = tab.estimate.seconds()
    assert about(5000 * per_step) in told(tab)
    tab.setup.set_plan(None, 120.0)
    steps = re.search(r"about ([\d,]+) steps in 2 min", told(tab))
    assert steps is not None and int(steps[1].replace(",", "")) == round(120 / per_step)
    tab.setup.form.set_values({"batch": 12})
    assert not told(tab)
    qtbot.waitUntil(lambda: bool(told(tab)), timeout=LONG)
    other = tab.estimate.seconds()
    tab.setup.form.set_values({"batch": values["batch"]})
    assert tab.estimate.seconds() == per_step != other and told(tab)
    assert not tab.run_path and not list(window.runs.model.runs)
    tab.start_training()
    assert tab.busy and not told(tab)
    tab.stop_training()
    qtbot.waitUntil(lambda: not tab.busy, timeout=LONG)


def test_nothing_is_timed_while_a_training_runs(window: MainWindow, qtbot: Any) -> None:
    started: list[str] = []
    window.engine.changed.connect(lambda: started.extend(type(t).__name__ for t in window.engine.tasks.values()))
    tab = begin(qtbot, window, "gaussian-ring", SMALL)
    qtbot.waitUntil(lambda: "EstimateTime" not in (type(t).__name__ for t in window.engine.tasks.values()), timeout=LONG)
    started.clear()
    window.tabs.setCurrentWidget(window.transformer)
    window.transformer.setup.form.set_values(TINY)
    at = tab._progress.step
    qtbot.waitUntil(lambda: tab._progress.step > at + 200, timeout=LONG)
    assert "EstimateTime" not in started
    tab.stop_training()
    qtbot.waitUntil(lambda: "on this computer" in window.transformer.cost.text(), timeout=LONG)


@pytest.mark.parametrize("seconds", [1e-6, 0.3, 59.4, 61, 299, 3599, 3601, 7000, 9600, 172_799, 4e5, 1e9])
def test_times_in_words_are_about_right(seconds: float) -> None:
    units = {"s": 1, "second": 1, "min": 60, "h": 3600, "days": 86_400}
    words = about(seconds).replace("a second", "1 second").split()
    read = sum(float(number) * units[unit] for number, unit in zip(words[::2], words[1::2], strict=True))
    assert read == pytest.approx(seconds, rel=0.1, abs=1)


def test_what_is_faster_is_offered_where_it_takes_hours() -> None:
    way = (("pictures of 32 x 32", 0.25),)
    assert in_words(3.2, 3000, None, way) == (
        "About 2 h 40 min on this computer (3,000 steps at 3.2 s per step). Faster, estimated: pictures of 32 x 32: about 40 min."
    )
    assert "Faster" not in in_words(0.1, 3000, None, way) and "Faster" not in in_words(3.2, None, 60.0, way)
    assert "Faster" not in in_words(3.2, 3000, None, (("other", 0.9),))


def test_what_follows_the_plan_is_said_where_there_is_no_end(window: MainWindow, qtbot: Any) -> None:
    tab = window.transformer
    assert tab.setup.values()["schedule"] != "constant"
    assert "Without an end" not in tab.cost.text()
    tab.setup.set_plan(ENDLESS, None)
    assert "Without an end, the learning rate stays at its full value." in tab.cost.text()
    tab.setup.form.set_values({"schedule": "constant"})
    assert "Without an end" not in tab.cost.text()
    search, growth = families.get("simulator").config, families.get("progressive").config
    assert "first temperature" in without_end(search, search().model_dump())
    assert "first size" in without_end(growth, {**growth().model_dump(), "growth": "plan"})
    assert "first size" not in without_end(growth, {**growth().model_dump(), "growth": "steps"})
