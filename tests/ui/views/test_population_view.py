"""Statistics of real and simulated genomes: each panel has room for what it shows, in a low figure too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFontMetricsF
from read_back import placed

from genstudio.snapshots.population import Measures, Population
from genstudio.ui import theme
from genstudio.ui.views.population import PopulationView


@pytest.mark.parametrize(("width", "height", "rows"), [(460, 140, 1), (660, 190, 2), (900, 400, 2)])
def test_no_panel_is_too_low_to_draw_in(qtbot: Any, qapp: Any, width: int, height: int, rows: int) -> None:
    view = PopulationView()
    qtbot.addWidget(view)
    view.resize(width, height)
    panels = [view.panel(index) for index in range(4)]
    assert len({panel.top() for panel in panels}) == rows
    assert all(panel.height() >= 60 and QRectF(view.rect()).contains(panel) for panel in panels)
    assert not any(one.intersects(other) for one in panels for other in panels if one is not other)


@pytest.mark.parametrize("width", (430, 660, 900))
def test_no_mean_is_written_over_another(qtbot: Any, qapp: Any, width: int) -> None:
    def measures(*means: float) -> Measures:
        some = np.array([3.0, 2.0, 1.0])
        return Measures(np.array(means), np.full(len(means), 0.01), some, 0.1 * some, some, 0.1 * some, some, 0.1 * some)

    names = ("Segregating sites", "Tajima's D", "Base pairs to next")
    shown = Population(
        channel="statistics", step=7, names=names, distances=(500.0, 2000.0, 6000.0), real=measures(140, 0.0194, 354),
        simulated=measures(137, 0.00821, 354.02),
    )  # fmt: skip
    view = PopulationView()
    qtbot.addWidget(view)
    view.resize(width, 240)
    view.show_snapshot(shown)
    box, rows = view.panel(3), {}
    for middle, words in placed(view)[-3 * 4 :]:
        rows.setdefault(round(middle.y()), []).append((2 * middle.x() - box.left(), words))
    metrics = QFontMetricsF(theme.font(theme.SMALL, tabular=True))
    assert len(rows) == 3
    for (_, name), *numbers in rows.values():
        free = box.left() + metrics.horizontalAdvance(name)
        assert len(numbers) == 3 and name
        for end, words in numbers:
            assert free < end - metrics.horizontalAdvance(words) and end <= box.right() + 0.01
            free = end
