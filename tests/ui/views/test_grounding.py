"""Words under pictures: all of them are seen where there is room below the pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from genstudio.snapshots.grounding import WordLook, WordLooks
from genstudio.ui.views.grounding import WordView

WORDS = ("[CLS]", "a", "large", "purple", "triangle", "at", "the", "bottom", "right", "corner")


def looks(count: int) -> WordLooks:
    weights = np.full((1, 1, len(WORDS), 4), 0.25, np.float16)
    look = WordLook(np.zeros((8, 8, 3), np.uint8), WORDS, weights, np.zeros(4, bool))
    return WordLooks("words", 3, (look,) * count, 4)


def test_every_word_is_seen_where_the_pictures_are_no_smaller_for_it(qtbot: Any, qapp: Any) -> None:
    view = WordView()
    qtbot.addWidget(view)
    view.resize(620, 320)
    view.show_snapshot(looks(6))
    assert view._lines() > 3, "three lines are too few for these words"
    for index in range(6):
        boxes, picture = view.word_boxes(index), view.box(index)
        assert not any(box.isEmpty() for box in boxes)
        assert all(picture.bottom() < box.top() and box.bottom() <= 320 for box in boxes)
    wide = view.box(0).width()
    view.resize(620, 190)
    assert view._lines() == 3 and any(box.isEmpty() for box in view.word_boxes(0)), "pictures come before words"
    assert view.box(0).width() <= wide
