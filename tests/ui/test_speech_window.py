"""A model of speech in the real window, walked once: units that are found, seen, pointed at and played, and a run that starts
from them and writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QPointF
from test_words_and_gaps import train

from genstudio.ui.sound import SoundPlayer
from genstudio.ui.views.listening import unit_name, unit_sound
from genstudio.ui.window import MainWindow
from helpers import LONG

SMALL = {"layers": 1, "heads": 2, "d_model": 16, "batch": 4, "entries": 4, "evaluate_every": 10, "warmup": 0}


def test_from_hidden_sounds_to_letters(
    open_window: Callable[..., MainWindow], qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SoundPlayer, "silent", True)
    window = open_window("transformer")
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
