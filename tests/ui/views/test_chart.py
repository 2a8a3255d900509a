"""Ticks, words and labels of charts."""

from __future__ import annotations

import doctest
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF
from pytestqt.qtbot import QtBot

from genstudio.ui import numbers
from genstudio.ui.views import chart
from genstudio.ui.views.curves import CurvesView, Line


def test_examples_in_the_words() -> None:
    for module in (chart, numbers):
        assert doctest.testmod(module).failed == 0


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9), st.integers(2, 10))
def test_ticks_are_inside_even_and_few(low: float, span: float, about: int) -> None:
    high = low + span
    if high <= low or span < 1e-9 * abs(low):
        return
    found = chart.ticks(low, high, about)
    slack = 1e-6 * (abs(low) + abs(high))
    assert all(low - slack <= tick <= high + slack for tick in found)
    assert len(found) <= about + 2


def test_log_ticks_are_powers_of_ten() -> None:
    assert chart.log_ticks(0.001, 100, 6) == [0.001, 0.01, 0.1, 1, 10, 100]
    assert len(chart.log_ticks(2.1, 2.9, 4)) >= 2


@given(st.lists(st.floats(0, 100), min_size=1, max_size=5))
def test_spread_labels_do_not_overlap_and_keep_their_order(wanted: list[float]) -> None:
    placed = chart.spread(wanted, 15, 0, 100)
    ordered = sorted(placed)
    assert all(b - a >= 15 - 1e-6 for a, b in pairwise(ordered))
    assert sorted(range(len(wanted)), key=lambda i: (wanted[i], i)) == sorted(
        range(len(wanted)), key=lambda i: placed[i]
    )


def test_a_label_goes_where_no_curve_is() -> None:
    left, right = QRectF(0, 0, 50, 15), QRectF(100, 0, 50, 15)
    curve = np.stack([np.arange(0, 60.0), np.full(60, 7.0)], axis=1)
    room = QRectF(0, 0, 200, 100)
    assert chart.place([left, right], [], curve, room) == right
    assert chart.place([left, right], [right], curve, room) == left
    pushed = chart.place([left], [left], curve, room)
    assert pushed is not None and not pushed.intersects(left) and room.contains(pushed)
    assert chart.place([left], [left], curve, QRectF(0, 0, 200, 29)) is None, "it would leave the room"


@pytest.mark.parametrize("log", [False, True])
def test_the_box_goes_there_and_back(qtbot: QtBot, log: bool) -> None:
    view = CurvesView("Loss", "", [Line("a", "a")], log=log)
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    view.append("a", np.array([0, 500, 1000]), np.array([0.01, 10, 1]))
    view.image()
    area = view.box.area()
    values = np.array([view.box.bent(value) for value in (0.01, 10.0, 1.0)])
    at = view.box.pixels(np.array([0, 500, 1000]), values)
    for (x, y), step, value in zip(at.tolist(), (0, 500, 1000), values, strict=True):
        there = view.box.mapSceneToView(QPointF(x, y))
        assert abs(there.x() - step) < 1e-6 and abs(there.y() - value) < 1e-9
        assert area.adjusted(-1, -1, 1, 1).contains(QPointF(x, y))
    assert abs(values[2] - (0 if log else 1)) < 1e-12


def test_an_axis_says_its_ticks_in_words(qtbot: QtBot) -> None:
    view = CurvesView("Loss", "", [Line("a", "a")], log=True)
    qtbot.addWidget(view)
    view.resize(640, 320)
    view.show()
    view.append("a", np.array([0, 1_000_000]), np.array([0.01, 10]))
    view.image()
    side, under = view._axes
    ((_, bent),) = side.tickValues(-2.0, 1.0, 170)
    assert side.tickStrings(bent, 1.0, 1.0) == ["0.01", "0.1", "1", "10"]
    assert bent == [-2, -1, 0, 1]
    ((_, steps),) = under.tickValues(0, 1_000_000, 100)
    words = under.tickStrings(steps, 1.0, 1.0)
    assert sum(under.metrics.horizontalAdvance(word) for word in words[1:]) < 100 and len(words) >= 2
