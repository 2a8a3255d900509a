"""Text to speech in the real window: trained and watched, then a text is typed, spoken, heard and saved."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np

from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.speak import Speak
from genstudio.ui.playground.pages import PAGES
from genstudio.ui.sound import SoundPlayer
from helpers import LONG, result

SMALL = {"d_model": 16, "convolutions": 1, "batch": 4, "longest": 2.0, "voices": 1, "evaluate_every": 10}


def test_a_voice_is_trained_and_then_says_what_is_typed(
    open_window: Any, qtbot: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(SoundPlayer, "silent", True)
    window = open_window("transformer", "playground")
    window.links.train_on("telephone-voice", "tts")
    tab = window.links.trainer("transformer")
    tab.setup.form.set_values(SMALL)
    tab.setup.set_plan(10, None)
    tab.start.click()
    qtbot.waitUntil(lambda: bool(tab.run_path) and tab.state == "stopped", timeout=LONG)
    pane = tab.panel.pane("spoken")
    qtbot.waitUntil(lambda: pane.view is not None and pane.view.shown is not None, timeout=LONG)
    qtbot.waitUntil(lambda: len(pane.view.shown.tracks) == 2, timeout=LONG)
    assert [track.version for track in pane.view.shown.tracks] == ["recorded", "spoken"]
    assert pane.view.shown.tracks[1].alignment is not None and all(len(track.codes) for track in pane.view.shown.tracks)
    qtbot.waitUntil(lambda: tab.summary.look.text() == "Speak with it", timeout=LONG)
    qtbot.waitUntil(lambda: "dB from the recordings" in tab.summary.words.text(), timeout=LONG)
    assert "nan" not in tab.summary.words.text()

    run = tab.run_path
    window.tabs.show_room("playground")
    window.playground.choose(run)
    lacking = next(entry for entry in PAGES if entry.title == "Next token").lack(window.playground.choice.abilities())
    assert "can speak a text" in lacking
    window.playground.inspectors.open("Speak")
    page = window.playground.page("Speak")
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    assert page.text.text() == page.speaker.example == page.found.said
    assert page.speed.isEnabled() and not page.voice.isVisible()
    page.text.setText("thank you")
    qtbot.waitUntil(lambda: page.found.said == "thank you", timeout=LONG)
    true = result(Speak(ModelRef(run), "thank you"), Models())
    assert np.array_equal(page.found.samples, true.samples) and len(true.samples) > 100
    assert f"{len(true.samples) / true.shown.rate:.2f} s" in page.outcome.text() and "Griffin-Lim" in page.outcome.text()
    shown = page.view.shown.tracks[0]
    assert np.array_equal(shown.mels, true.shown.tracks[0].mels) and shown.symbols[1] == "t"
    page.speed.setValue(2.0)
    qtbot.waitUntil(lambda: len(page.found.samples) < len(true.samples), timeout=LONG)

    page.start.click()
    qtbot.waitUntil(lambda: page.view.player.playing or bool(page.view.player.why_not), timeout=LONG)
    page.view.player.stop()
    page.save_as(str(tmp_path / "said.wav"))
    with wave.open(str(tmp_path / "said.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        assert np.array_equal(np.frombuffer(file.readframes(file.getnframes()), "<i2"), page.found.samples)
    page.text.setText("€€€")
    qtbot.waitUntil(lambda: "Nothing of '€€€' can be spoken" in page.outcome.text(), timeout=LONG)
