"""The map of vectors while its points move."""

from __future__ import annotations

import dataclasses

import numpy as np
from pytestqt.qtbot import QtBot

from genstudio.snapshots.layers import EmbeddingMap
from genstudio.ui.views.embedding import EmbeddingView


def test_axes_that_flip_or_change_places_lie_as_they_did_before(qtbot: QtBot) -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 2)).astype(np.float32)
    points -= points.mean(0)
    names = tuple(f"w{n}" for n in range(50))
    first = EmbeddingMap("map", 1, "words", points, names, np.arange(50), 50, (0.5, 0.3))
    view = EmbeddingView()
    qtbot.addWidget(view)
    view.show_snapshot(first)
    for order, signs, shares in (([0, 1], (-1, 1), (0.5, 0.3)), ([1, 0], (1, -1), (0.41, 0.4)), ([0, 1], (1, 1), (0.5, 0.3))):
        moved = (points + rng.normal(scale=0.05, size=points.shape))[:, order] * np.array(signs)
        view.show_snapshot(dataclasses.replace(first, step=2, points=moved.astype(np.float32), explained=shares))
        assert view.snapshot is not None and np.abs(view.snapshot.points - points).max() < 0.5
        assert view.snapshot.explained == (shares if order == [0, 1] else shares[::-1])
    other = dataclasses.replace(first, points=-points, names=tuple(reversed(names)))  # other words: nothing to lie like
    view.show_snapshot(other)
    assert view.snapshot is other
