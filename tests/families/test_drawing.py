"""What is drawn of a model has exactly the parameters that it costs, and every family draws one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from genstudio import families
from genstudio.data import shelf
from genstudio.families.drawing import Chain, Part, parameters
from genstudio.snapshots.activity import Activity
from genstudio.ui.views.model_drawing import ModelDrawing


@pytest.mark.parametrize("family", families.all_families(), ids=lambda family: family.name)
def test_the_parts_have_the_parameters_of_the_whole(family: Any) -> None:
    for preset in family.presets:
        info = shelf.find_dataset(preset.data or family.usual_data or "digits8", family.data_kinds)
        config = family.config.parse(preset.values)
        drawing = family.drawing(config, info, 65)
        assert parameters(drawing) == family.cost(config, info, 65).parameters, preset.name
        for part in (part for chain in drawing for part in chain.parts if part.inside):
            assert sum(inner.total for inner in part.inside) == part.parameters


def test_a_deeper_model_is_drawn_as_one(qtbot: QtBot, qapp: Any) -> None:
    gpt = families.get("gpt")
    info = shelf.find_dataset("shakespeare", ("text",))
    view = ModelDrawing("drawing")
    qtbot.addWidget(view)
    view.resize(800, 300)
    view.show()
    images = []
    for layers in (2, 6):
        view.show_drawing(gpt.drawing(gpt.config.parse({"layers": layers}), info, 65))
        assert f"Block × {layers}" in view.accessibleDescription()
        images.append(view.grab().toImage())
    assert images[0] != images[1]
    assert view._lines_below() is None, "there is room beside each other"
    view.resize(500, 420)
    assert view._lines_below() == 2, "below each other, with all that is inside"
    view.resize(500, 250)
    assert view._lines_below() == 0, "titles at least"
    view.resize(500, 120)
    assert view._lines_below() is None, "too low for that"
    view.show_drawing((Chain((Part("Data"), Part("A model", "", 5), Part("Output"))),))
    assert "A model, 5 parameters" in view.accessibleDescription()


def test_what_modules_put_out_fills_the_boxes(qtbot: QtBot, qapp: Any) -> None:
    view = ModelDrawing("drawing")
    qtbot.addWidget(view)
    view.resize(900, 400)
    view.show()
    body, other = Part("Generator", "", 5, module="net.body"), Part("Output", "", 2, module="net.bodyguard")
    view.show_drawing((Chain((Part("Data"), body, other)),))
    empty = view.grab().toImage()
    values, sizes = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4), np.array([4, 4, 2])
    view.show_snapshot(
        Activity("activity", 7, ("net.body.0", "net.body.1", "net.body"), ("Linear", "ReLU", "Sequential"), values, sizes,
                 np.array([1.0, 0.0, np.inf]))
    )  # fmt: skip
    assert view.rows(body) == [0, 1], "the innermost ones, not what holds them"
    assert view.rows(other) == [], "a name that only begins alike is another module"
    filled = view.grab().toImage()
    assert filled != empty
    view.show_snapshot(None)
    assert view.grab().toImage() == empty
