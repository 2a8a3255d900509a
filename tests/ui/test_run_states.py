"""A training from its beginning to its end and after the program was closed: every part of the window says the same."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_runs import made_run, pictures
from PySide6.QtWidgets import QLabel

from genstudio import paths
from genstudio.families.dashboard import result
from genstudio.families.gpt.dashboard import DASHBOARD
from genstudio.runs import Run, RunInfo
from genstudio.tasks.train import Train
from genstudio.ui.train.summary import RunSummary, how_it_ended, plan_words
from genstudio.ui.window import MainWindow
from helpers import TINY, answer, run_task, text_file
from real_window import fits, press

LONG = 120_000
Open = Callable[..., MainWindow]
FOREVER = 1_000_000


def begin(qtbot: Any, window: MainWindow, steps: int, data: str = "names") -> Any:
    tab = window.transformer
    window.tabs.setCurrentWidget(tab)
    tab.setup.choose_data(data)
    tab.setup.form.set_values(TINY | {"evaluate_every": 1000})
    tab.setup.set_plan(steps, None)
    press(qtbot, window, "start")
    qtbot.waitUntil(lambda: tab.state in ("running", "stopped"), timeout=LONG)
    return tab


def ended(qtbot: Any, tab: Any) -> Any:
    qtbot.waitUntil(lambda: tab.state == "stopped" and tab.info is not None, timeout=LONG)
    return tab.info


def trained(qtbot: Any, tab: Any) -> int:
    return int(max(tab.panel.charts.views["loss"].points("train_loss")[0], default=0))


def listed(qtbot: Any, window: MainWindow, path: str) -> Any:
    """The run as the Runs tab lists it."""
    found: list[Any] = []

    def there() -> bool:
        found[:] = [run for run in window.runs.model.runs if str(run.folder) == path]
        return bool(found) and found[0].state in ("stopped", "finished")

    window.library.refresh_runs()
    qtbot.waitUntil(there, timeout=LONG)
    return found[0]


def test_a_training_that_ends_and_one_that_is_stopped_say_so_everywhere(open_window: Open, qtbot: Any) -> None:
    window = open_window("transformer", "playground")
    tab = begin(qtbot, window, 12)
    info = ended(qtbot, tab)
    qtbot.waitUntil(lambda: "Kneser-Ney" in tab.summary.words.text(), timeout=LONG)
    qtbot.waitUntil(lambda: "all held-out data" in tab.summary.words.text(), timeout=LONG)
    words = tab.summary.words.text()
    loss = tab.panel.charts.views["loss"].points("val_loss")[1][-1]
    assert tab.strip.name.text() == info.name
    assert tab.summary.ended.text().startswith("Finished in") and "after 12 steps" in tab.summary.ended.text()
    assert tab.summary.isVisible() and tab.summary.write.isVisible() and fits(window)
    assert not tab.pause.isEnabled(), "nothing is left to resume"
    tab.toggle_pause()
    assert tab.state == "stopped"
    run = listed(qtbot, window, tab.run_path)
    exact = result(DASHBOARD.result, run)[1]  # of all held-out data, where the chart has a part of them
    assert run.state == info.state == "finished" and exact == pytest.approx(loss, abs=0.01)
    assert f"{exact:.3f} nats per character" in words and f"perplexity {math.exp(exact):,.3g}" in words
    assert f"{exact / math.log(2):.2f} bits per character" in words
    window.runs.table.selectRow(0)
    assert window.runs.open.isEnabled() and not window.runs.resume.isEnabled()

    press(qtbot, window, "transformer_summary_dismiss")
    assert not tab.summary.isVisible() and tab.strip.headline.text() == how_it_ended(info)
    press(qtbot, window, "transformer_summary_write")
    assert window.tabs.currentWidget() is window.playground
    qtbot.waitUntil(lambda: window.playground.reference() is not None, timeout=LONG)
    assert window.playground.reference().run == tab.run_path

    window.tabs.setCurrentWidget(tab)
    press(qtbot, window, "transformer_summary_extend")
    qtbot.waitUntil(lambda: tab.info is not None and tab.info.step == 24, timeout=LONG)
    assert "after 24 steps" in tab.summary.ended.text()
    tab.extend_by(steps=FOREVER)
    qtbot.waitUntil(lambda: trained(qtbot, tab) > 30, timeout=LONG)
    assert not tab.summary.isVisible()
    press(qtbot, window, "stop")
    info = ended(qtbot, tab)
    assert info.state == listed(qtbot, window, tab.run_path).state == "stopped"
    assert f"Stopped at step {info.step:,} of {24 + FOREVER:,} steps" in tab.summary.ended.text()
    assert tab.pause.isEnabled() and tab.pause.text() == "Resume" and tab.pause.property("primary")
    assert f"step {info.step:,}" in window.doing.text() and trained(qtbot, tab) == info.step


def test_the_step_of_a_pause_is_one_everywhere(open_window: Open, qtbot: Any) -> None:
    window = open_window("transformer", "playground")
    tab = begin(qtbot, window, FOREVER)
    for _ in range(3):
        at = trained(qtbot, tab)
        qtbot.waitUntil(lambda at=at: trained(qtbot, tab) > at + 5, timeout=LONG)
        press(qtbot, window, "pause")
        window.tabs.setCurrentWidget(window.playground)
        qtbot.waitUntil(lambda: window.playground.reference() is not None, timeout=LONG)
        assert window.playground.reference().which == "live"
        window.playground.sampler.length.set_value(3)
        said = window.playground.status.text()
        press(qtbot, window, "generate")
        qtbot.waitUntil(lambda said=said: "step" in window.playground.status.text() != said, timeout=LONG)
        qtbot.waitUntil(lambda: not window.playground.writer.writing, timeout=LONG)
        written = int(re.search(r"step ([\d,]+)", window.playground.status.text())[1].replace(",", ""))
        assert f"step {written:,} of" in tab.strip.headline.text() and "Paused" in tab.strip.headline.text()
        assert window.doing.text() == f"GPT: Paused, step {written:,}", "in another room, the model is named"
        tab.panel.flush()
        assert trained(qtbot, tab) == written
        window.tabs.setCurrentWidget(tab)
        press(qtbot, window, "pause")
    press(qtbot, window, "stop")
    ended(qtbot, tab)


def test_the_playground_follows_a_run_that_begins_until_the_person_chooses(
    open_window: Open, qtbot: Any, tmp_path: Path
) -> None:
    older = str(answer(run_task(Train("gpt", str(text_file(tmp_path)), TINY, steps=6, name="older")), "run"))
    window = open_window("transformer", "playground")
    play = window.playground
    qtbot.waitUntil(lambda: play.reference() is not None and play.reference().run == older, timeout=LONG)
    tab = begin(qtbot, window, FOREVER)
    qtbot.waitUntil(lambda: play.reference().run == tab.run_path, timeout=LONG)
    assert play.reference().which == "live" and "in training" in play.status.text()
    assert play.choice.model.currentText().startswith("in training: ")
    play.choice.model.setCurrentIndex(play.choice.model.findData(older))
    play.choice.model.activated.emit(play.choice.model.currentIndex())
    assert "in training" not in play.status.text()
    at = trained(qtbot, tab)
    qtbot.waitUntil(lambda: trained(qtbot, tab) > at + 20, timeout=LONG)
    window.library.refresh_runs()
    qtbot.waitUntil(lambda: not window.library.reading, timeout=LONG)
    assert play.reference().run == older, "the choice of the person stays"
    press(qtbot, window, "stop")
    ended(qtbot, tab)
    assert play.reference().run == older
    assert "in training" not in play.choice.model.itemText(play.choice.model.findData(tab.run_path))


def test_a_model_is_no_longer_said_to_be_in_training_once_that_has_ended(open_window: Open, qtbot: Any) -> None:
    window = open_window("transformer", "playground")
    tab = begin(qtbot, window, FOREVER)
    qtbot.waitUntil(lambda: "in training" in window.playground.status.text(), timeout=LONG)
    press(qtbot, window, "stop")
    ended(qtbot, tab)
    qtbot.waitUntil(lambda: "in training" not in window.playground.status.text(), timeout=LONG)


def test_a_run_closed_in_the_middle_is_offered_at_the_next_start(open_window: Open, qtbot: Any) -> None:
    window = open_window("transformer", "playground")
    tab = begin(qtbot, window, FOREVER)
    qtbot.waitUntil(lambda: trained(qtbot, tab) > 10, timeout=LONG)
    tab.setup.name.setText("")
    window.close()
    path = tab.run_path
    step = Run.open(path).info.step

    again = open_window("transformer", "playground")
    tab = again.transformer
    info = ended(qtbot, tab)
    assert tab.run_path == path and info.step == step
    assert tab.summary.ended.text() == how_it_ended(info) and tab.strip.name.text() == info.name
    assert tab.pause.text() == "Resume" and tab.pause.isEnabled() and tab.pause.property("primary")
    assert tab.setup.values()["layers"] == TINY["layers"]
    qtbot.waitUntil(lambda: "run" not in tab._asking and trained(qtbot, tab) == step, timeout=LONG)
    again.tabs.setCurrentWidget(tab)
    press(qtbot, again, "pause")
    qtbot.waitUntil(lambda: trained(qtbot, tab) > step + 10, timeout=LONG)
    press(qtbot, again, "stop")
    ended(qtbot, tab)


def test_train_on_this_begins_with_an_empty_right_side(open_window: Open, qtbot: Any) -> None:
    window = open_window("transformer", "playground")
    tab = begin(qtbot, window, 8)
    ended(qtbot, tab)
    first = tab.run_path
    window.train_on("shakespeare")
    assert (tab.state, tab.run_path, tab.stack.currentWidget()) == ("idle", "", tab.empty)
    assert not tab.pause.isEnabled() and not tab.extend.isEnabled() and not tab.summary.isVisible()
    assert "Shakespeare" in tab.empty._words.text() and tab.setup.data.currentData() == "shakespeare"
    tab = begin(qtbot, window, FOREVER)
    failures: list[Any] = []
    tab.failed.connect(failures.append)
    window.train_on("shakespeare")
    assert tab.setup.data.currentData() == "names" and "A training is running" in failures[0].message
    press(qtbot, window, "stop")
    ended(qtbot, tab)
    assert tab.run_path != first


@pytest.mark.parametrize("loss", [1.2, 2.0, 4.5])
def test_the_words_of_a_result_put_it_among_its_references(loss: float) -> None:
    losses, config = {"val_loss": loss}, {"tokenizer": "bpe"}
    info = RunInfo("id", Path(), "name", losses=losses, measured={"val_loss": 70}, step=83, config=config)
    lines = {"uniform": 4.159, "unigram": 3.3, "kneser_ney": 1.514, "characters_per_token": 2.0}
    words = DASHBOARD.said(info, lines)
    assert f"Validation {loss:.3f} nats per token (step 70) = perplexity {math.exp(loss):.3g}" in words
    assert f"{loss / math.log(2) / 2:.2f} bits per character" in words
    for label, value in (("uniform", 4.159), ("unigram", 3.3), ("Kneser-Ney 6", 1.514)):
        if loss < value:
            assert f"{label} ({value:.3f})" in words and f"{label} ({value:.3f}) is" not in words
        else:
            assert f"{label} ({value:.3f}) is {loss - value:.3f} ahead" in words
    assert ("better than" in words) == (loss < 4.159)
    info = replace(info, measured={"val_loss": 83})
    assert "(step" not in DASHBOARD.said(info, {}) and result(DASHBOARD.result, info) == (f"validation {loss:.4f}", loss)
    info.losses.clear()
    assert DASHBOARD.said(info, lines) == "" and result(DASHBOARD.result, info) is None


def test_a_summary_that_was_hidden_stays_so_until_another_training_ends(qtbot: Any, qapp: Any) -> None:
    summary = RunSummary("summary")
    qtbot.addWidget(summary)
    summary.say("Finished in 0:10, after 12 steps.", "Validation 1.5.")
    assert summary.isVisible()
    summary.dismiss.click()
    summary.say("Finished in 0:10, after 12 steps.", "Validation 1.49. Measured on all held-out data.")
    assert not summary.isVisible()
    summary.say("", "")
    summary.say("Finished in 0:10, after 12 steps.", "Validation 1.5.")
    assert summary.isVisible(), "the same words of another training"


def test_a_plan_in_words() -> None:
    assert [plan_words(plan) for plan in ({"steps": 1}, {"seconds": 120}, {"seconds": 60}, {})] == [
        "1 step", "about 2 minutes", "about 1 minute", "",
    ]  # fmt: skip


@pytest.mark.parametrize(("said", "at_once"), [("images", "images"), ("", "points"), ("nonsense", "points"), ("text", "points")])
def test_a_run_is_shown_by_the_kind_of_its_data_even_before_the_datasets_are_listed(
    window: MainWindow, qtbot: Any, said: str, at_once: str
) -> None:
    tab, listed = window.gan, tuple(window.gan.setup.infos.values())
    tab.set_datasets(())
    run = made_run(
        paths.runs(), "gan", data="digits8", title="Digits 8x8", kind=said, curves={"g_loss": ([1, 2], [1.0, 0.9])},
        shown=(pictures(1), pictures(2)),
    )
    tab.open_run(str(run.folder))
    qtbot.waitUntil(lambda: tab.info is not None, timeout=LONG)
    assert tab.panel.kind == tab.panel.charts.kind == at_once
    tab.set_datasets(listed)
    assert tab.panel.kind == tab.panel.charts.kind == "images"
    tab.setup.choose_data("gaussian-ring")  # for the next run: what is shown stays
    assert tab.panel.kind == "images"
    tab.train_on("gaussian-ring")
    assert tab.panel.kind == "points"


def test_an_empty_page_names_the_data_that_start_would_train_on(window: MainWindow) -> None:
    tab = window.gan
    assert tab.empty.findChild(QLabel, "gan_first_run_sentence").text() == tab.family.dashboard.welcome
    tab.setup.choose_data("moons")
    assert "Ready to train on Two moons" in tab.empty.findChild(QLabel, "gan_first_run_sentence").text()
    tab.setup.choose_data("gaussian-ring")
    assert tab.empty.findChild(QLabel, "gan_first_run_sentence").text() == tab.family.dashboard.welcome
