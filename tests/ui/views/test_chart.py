"""Ticks, words and labels of charts."""

from __future__ import annotations

import doctest
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRectF

from genstudio.ui import numbers
from genstudio.ui.views import chart


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
    assert chart.place([left, right], [], curve) == right
    assert chart.place([left, right], [right], curve) == left
    pushed = chart.place([left], [left], curve)
    assert not pushed.intersects(left)


def test_scale_goes_there_and_back() -> None:
    scale = chart.Scale(QRectF(40, 10, 300, 200), 0, 1000, 0.01, 10, log=True)
    assert scale.step(float(scale.x(250))) == 250
    assert abs(float(scale.y(0.01)) - 210) < 1e-9 and abs(float(scale.y(10)) - 10) < 1e-9
