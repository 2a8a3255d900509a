"""Maps of codes and bars of a training: what is drawn where, and what their tables say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genstudio.snapshots import codec
from genstudio.snapshots.samples import Bars, Codes
from genstudio.ui.views.codes import BarsView, CodesView

POINTS = np.array([[0, 0], [1, 2], [-2, 0.5]], np.float32)
CODES = Codes("codes", 7, POINTS, (2, 0), 5, np.array([1, 0, -1]), ("a", "b"))
BARS = Bars("kl_by_number", 7, np.array([1.5, 0.001], np.float32), ("1", "2"), ("", "collapsed"), "nats")


def test_a_map_of_codes_is_centred_on_the_noise_and_named_by_its_numbers(qtbot: Any) -> None:
    view = CodesView("Map", "map")
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show_snapshot(CODES)
    assert list(view.table()[1]) == [(0, 0, "b"), (1, 2, "a"), (-2, 0.5, "")]
    assert "number 3 across and 1 up of 5" in view.accessibleDescription()
    ((x, y),) = view.pixels(np.zeros((1, 2)))
    assert view.place(view._plot(view.rect().toRectF()).center()) == pytest.approx((0, 0), abs=1e-9)
    assert view.grab().toImage().pixelColor(round(x), round(y)) != view.grab().toImage().pixelColor(round(x) + 60, round(y) + 60)
    view.clear()
    assert not list(view.table()[1])


def test_bars_say_which_number_collapsed(qtbot: Any) -> None:
    view = BarsView("KL", "kl")
    qtbot.addWidget(view)
    view.show_snapshot(BARS)
    assert [bar.name for bar in view.bars] == ["1", "2 collapsed"] and "1.5" in view.accessibleDescription()
    assert view.note == "step 7, nats"


@pytest.mark.parametrize("shown", [CODES, BARS], ids=["codes", "bars"])
def test_a_run_keeps_them(shown: Any) -> None:
    back = codec.load(shown.channel, shown.step, codec.dump(shown))
    for name in ("points", "labels", "axes", "classes", "values", "names", "notes", "unit"):
        mine, theirs = getattr(shown, name, None), getattr(back, name, None)
        assert np.array_equal(mine, theirs) if isinstance(mine, np.ndarray) else mine == theirs
