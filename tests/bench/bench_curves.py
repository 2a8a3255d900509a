"""Milliseconds of one redraw of the loss chart, and of opening a long log: run with -m bench -s."""

from __future__ import annotations

import statistics
import time

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from genstudio.ui.views.curves import CurvesView, Line

pytestmark = pytest.mark.bench


def filled(qtbot: QtBot, count: int) -> tuple[CurvesView, float]:
    """A shown chart of `count` noisy points with smoothing and reference lines; and the seconds of filling it."""
    lines = Line("train_loss", "training", "training", True), Line("val_loss", "validation", "validation")
    chart = CurvesView("Loss", "nats", lines)
    qtbot.addWidget(chart)
    chart.resize(900, 400)
    with qtbot.waitExposed(chart):
        chart.show()
    steps = np.arange(1, count + 1)
    loss = 1.45 + 2.7 * np.exp(-((steps / 60) ** 0.6)) + np.random.default_rng(0).normal(0, 0.06, count)
    began = time.perf_counter()
    chart.append("train_loss", steps, loss)
    chart.append("val_loss", steps[::100], loss[::100])
    took = time.perf_counter() - began
    chart.set_reference("unigram", 3.32, "unigram 3.32")
    chart.set_reference("kn", 1.5165, "Kneser-Ney 1.517")
    return chart, took


def test_redraw(qtbot: QtBot) -> None:
    print(f"\n{'points':>10} {'fill s':>8} {'ms/frame median':>16} {'worst':>7} {'CPU median':>11}")
    for count in (1_000, 10_000, 100_000, 1_000_000):
        chart, fill = filled(qtbot, count)
        frames, busy = [], []
        for index in range(40):
            chart.append("train_loss", np.array([count + 1 + index]), np.array([1.5]))
            began, worked = time.perf_counter(), time.thread_time()
            chart._redraw()
            chart.view.viewport().repaint()
            frames.append((time.perf_counter() - began) * 1000)
            busy.append((time.thread_time() - worked) * 1000)
        print(f"{count:>10,} {fill:>8.3f} {statistics.median(frames):>16.2f} {max(frames):>7.2f}", end="")
        print(f" {statistics.median(busy):>11.2f}")
