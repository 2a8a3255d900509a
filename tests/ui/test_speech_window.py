"""A model of speech in the real window, walked once: units that are found, seen, pointed at and played, and a run that starts
from them and writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from test_words_and_gaps import train

from genstudio.data import shelf
from genstudio.data.audio.samples import to_mu_law
from genstudio.data.audio.written import wav_of
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.transcribe import Transcribe
from genstudio.ui.sound import SoundPlayer
from genstudio.ui.views.listening import unit_name, unit_sound
from genstudio.ui.window import MainWindow
from helpers import LONG, prepared, result

SMALL = {"layers": 1, "heads": 2, "d_model": 16, "batch": 4, "entries": 4, "evaluate_every": 10, "warmup": 0}


def test_from_hidden_sounds_to_letters(
    open_window: Callable[..., MainWindow], qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(SoundPlayer, "silent", True)
    window = open_window("transformer", "playground")
    window.tabs.setCurrentWidget(window.transformer)
    tab = train(qtbot, window, "speech", "vowels", SMALL, 20)
    panel = tab.panel
    assert len(panel.charts.views["purity"].points("phone_purity")[0]) and panel.charts.views["errors"].isHidden()
    page = panel.pane("listening").view
    look, shown = page.view.look, page.view.snapshot
    assert look is not None and len(look.units) and page.clip.count() == 3 and page.said.isHidden()
    spot = page.view.mark_at(QPointF(page.view.width() / 2, page.view.height() / 2))
    assert spot is not None
    page.view.rest_on(spot)
    _, lines, _ = page.view.card(spot)
    unit = look.units[page.view.frame_at(spot)]
    assert (None, "unit", unit_name(unit.tolist())) in lines and page.view.phone_at(spot) in shown.phones
    page.view.take(spot)
    qtbot.waitUntil(lambda: page.view.at is not None and page.view.at >= spot - 0.1, timeout=LONG)
    page.play_unit.click()
    assert len(unit_sound(shown, unit)) >= shown.hop and page.player.playing
    page.player.close()
    matrix = panel.pane("phones").view
    assert matrix.snapshot.columns and matrix.mark_at(matrix.cell(1, 0).center()) == (1, 0)
    assert f"unit {matrix.snapshot.columns[0]}" == matrix.card((1, 0))[2]
    units = tab.run_path

    tab = train(qtbot, window, "speech", "spoken-digits", {**SMALL, "task": "transcribe", "start": units, "beams": 1}, 20)
    panel = tab.panel
    page = panel.pane("listening").view
    assert page.view.look.spoken and page.said.text().startswith("heard: ")
    assert not page.said.isHidden() and page.play_unit.isHidden() and panel.charts.views["purity"].isHidden()
    assert len(panel.charts.views["errors"].points("cer")[0])
    page.player.close()
    run = tab.run_path
    qtbot.waitUntil(lambda: tab.summary.look.text() == "Transcribe with it", timeout=LONG)

    clip: Any = shelf.open_dataset(shelf.find_dataset("spoken-digits"))
    (tmp_path / "digits.wav").write_bytes(wav_of(clip.clip(0), clip.rate))
    window.tabs.show_room("playground")
    window.playground.choose(run)
    window.playground.inspectors.open("Transcribe")
    shows = window.playground.page("Transcribe")
    shows.show_file(str(tmp_path / "digits.wav"))
    qtbot.waitUntil(lambda: shows.view.shown is not None, timeout=LONG)
    true = result(Transcribe(ModelRef(run), (str(tmp_path / "digits.wav"),)), Models()).files[0]
    sound, (track,) = shows.view.shown, shows.view.shown.tracks
    assert np.array_equal(track.codes, to_mu_law(clip.clip(0))) and track.transcript == true.text
    written = [(round(start * clip.rate), letter.replace(" ", "\u2423")) for letter, start, _ in true.letters]
    assert [(first, sound.units[which]) for first, _, which in track.segments.tolist()] == written
    assert (true.text or "Nothing was recognised") in shows.outcome.text()
    qtbot.mouseClick(shows.held, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "; spoken is '" in shows.outcome.text(), timeout=LONG)
    data = prepared(run)
    held = int(data.held[1 % len(data.held)])
    assert np.array_equal(shows.view.shown.tracks[0].codes, to_mu_law(data.clip(held)))
    assert f"spoken is '{data.written[held]}'" in shows.outcome.text()
