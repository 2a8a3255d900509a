"""Statistics of real and simulated genomes: each panel has room for what it shows, in a low figure too."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QRectF

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
