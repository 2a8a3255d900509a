"""Scrolling through 100,000 pictures: how long the grid takes to paint a frame while the page moves in every way."""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import pytest

COUNT = 100_000
LIMIT_MS = 16.0


def frames(width: int, height: int, cell: int, side: int, channels: int) -> dict[str, float]:
    """Milliseconds of painting for the wheel, dragging the bar, and jumps to anywhere; sizes in pixels."""
    from PySide6.QtWidgets import QApplication

    from genstudio.ui import theme
    from genstudio.ui.views.picture_grid import PictureGrid

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app, "light")
    rng = np.random.default_rng(0)
    taken: list[float] = []

    class Timed(PictureGrid):
        def paintEvent(self, event: object) -> None:
            began = time.perf_counter()
            super().paintEvent(event)  # type: ignore[arg-type]
            taken.append(1000 * (time.perf_counter() - began))

    grid = Timed()
    grid.resize(width, height)
    grid.set_cell(cell)
    grid.show_pictures(rng.integers(0, 256, (COUNT, side, side, channels), np.uint8))
    grid.show()
    while not taken:
        app.processEvents()
    bar = grid.verticalScrollBar()
    ways = {
        "wheel": range(0, 120 * 400, 120),
        "bar": range(0, bar.maximum(), bar.maximum() // 400),
        "jumps": rng.integers(0, bar.maximum(), 400).tolist(),
    }
    out: dict[str, float] = {}
    everything: list[float] = []
    for name, places in ways.items():
        taken.clear()
        for place in places:
            bar.setValue(min(int(place), bar.maximum()))
            app.processEvents()
        assert len(taken) > 300, "the grid was not painted"
        out[name] = median(taken)
        everything += taken
    out["p99"] = float(np.quantile(everything, 0.99))
    grid.close()
    return out


@pytest.mark.bench
@pytest.mark.timeout(1200)
def test_every_frame_of_the_grid_is_in_time() -> None:
    worst = 0.0
    print(f"\n{'window':>11} {'cell':>5} {'picture':>9} {'wheel':>7} {'bar':>7} {'jumps':>7} {'p99':>7}")
    for width, height in ((720, 520), (1400, 860), (1900, 1000)):
        for cell, side, channels in ((56, 28, 1), (64, 32, 3), (24, 16, 3), (128, 64, 3)):
            found = frames(width, height, cell, side, channels)
            worst = max(worst, found["p99"])
            times = " ".join(f"{found[name]:5.1f}ms" for name in ("wheel", "bar", "jumps", "p99"))
            print(f"{width:>5} x {height:<4} {cell:>4} {side:>3} x {side} x{channels} {times}")
    assert worst <= LIMIT_MS
