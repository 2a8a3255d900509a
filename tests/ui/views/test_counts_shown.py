"""What counts give to a prediction is seen: beside the network's bars, and as the tint of a text."""

from __future__ import annotations

from typing import Any

import numpy as np

from genstudio.snapshots.text import NextTokens
from genstudio.ui import theme
from genstudio.ui.views.next_tokens import NextTokensView
from genstudio.ui.views.tinted import TintedText
from genstudio.ui.views.writing import TINTS


def test_both_parts_stand_below_the_bar_of_a_token(qtbot: Any) -> None:
    network, counts, share = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.8, 0.1]), 0.25
    whole = (1 - share) * network + share * counts
    view = NextTokensView()
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show_snapshot(NextTokens("next", 1, np.log(whole), ("a", "b", "c"), parts=(network, counts, share)))
    view.show()
    view.grab()
    assert [part[2] for part in view.bars[0].parts] == ["55.0%", "70.0%", "10.0%"]
    assert "75%" in view.notes()[1] and "25%" in view.notes()[1]
    said = {name: value for _, name, value in view.card(1)[1]}
    assert said["the counts alone"] == "0.8000" and said["of the model's, from counts"] == f"{0.25 * 0.8 / 0.35:.0%}"

    view.show_snapshot(NextTokens("next", 1, np.log(whole), ("a", "b", "c")))
    view.table()  # worked out now, not when it is drawn next
    assert all(len(bar.parts) == 1 for bar in view.bars) and "counts" not in " ".join(view.notes())


def test_a_text_is_tinted_by_the_share_of_the_counts(qtbot: Any) -> None:
    text = TintedText("tokens", "A text")
    qtbot.addWidget(text)
    text.show_tokens("abc", [0.9, 0.9, float("nan")], counts=[0.05, 0.95, float("nan")], by_counts=True)
    grounds = [mark.format.background().color().name().upper() for mark in text.extraSelections()]
    tints = TINTS[theme.current().name]
    assert grounds == [tints[0], tints[4]] and "95% of it from counts" in text.hint(1) and "counts" not in text.hint(2)
    text.show_tokens("abc", [0.9, 0.9, float("nan")], counts=[0.05, 0.95, float("nan")])
    assert [mark.format.background().color().name().upper() for mark in text.extraSelections()] == [tints[0]]
