"""What it takes from a slider to the bars, with the vocabulary of GPT-2."""

from __future__ import annotations

import time

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from genstudio.sampling.choose import SamplingOptions
from genstudio.snapshots.text import NextTokens
from genstudio.ui.views.next_tokens import NextTokensView

VOCABULARY = 50_257
FRAME_MS = 16.0


@pytest.mark.bench
def test_the_bars_follow_the_sliders_within_a_frame(qtbot: QtBot) -> None:
    view = NextTokensView()
    qtbot.addWidget(view)
    view.resize(560, 480)
    view.show()
    qtbot.waitExposed(view)
    logits = np.random.default_rng(0).normal(size=VOCABULARY).astype(np.float32) * 3
    pieces = tuple(f"t{index}" for index in range(VOCABULARY))
    view.show_snapshot(NextTokens("next", 1, logits, pieces, seen=tuple(range(64))))
    view.grab()
    took = []
    for index in range(60):
        options = SamplingOptions(0.3 + index / 60, 50 * (index % 2), 0.95, False, 0.01 * (index % 3), 1.1)
        began = time.perf_counter()
        view.set_options(options)
        view.grab()
        took.append(1000 * (time.perf_counter() - began))
    print(f"slider to bars, {VOCABULARY:,} tokens: median {np.median(took):.1f} ms, worst {max(took):.1f} ms")
    assert np.median(took) < FRAME_MS
