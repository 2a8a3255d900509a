"""A preset is chosen among cards: what it is in a line, and what it costs on this computer, measured once they are looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gan_window import SMALL
from PySide6.QtCore import QObject, Qt
from pytestqt.qtbot import QtBot

from genstudio import families
from genstudio.tasks.estimate import EstimateTime
from genstudio.ui.engine import Engine
from genstudio.ui.train import estimate
from genstudio.ui.train.estimate import TimeEstimate, about
from genstudio.ui.train.preset_cards import CUSTOM, PresetCards, cost_of, in_a_line


@pytest.mark.parametrize("family", families.all_families(), ids=lambda family: family.name)
def test_each_card_says_what_is_known_of_its_preset(qtbot: QtBot, family: Any) -> None:
    box = PresetCards()
    qtbot.addWidget(box)
    box.show_presets(family.presets)
    assert box.names() == [*(one.name for one in family.presets), CUSTOM] and box.name == family.presets[0].name
    box.show_costs({one.name: cost_of(one, None) for one in family.presets})
    assert all(box.costs()[one.name] for one in family.presets) and not box.costs()[CUSTOM]
    box.show_costs({one.name: cost_of(one, 0.5) for one in family.presets})
    for one in family.presets:
        wanted = "until you stop it" if one.endless else about(one.seconds or one.steps * 0.5)
        assert box.costs()[one.name].removeprefix("about ") == wanted
    for place, one in enumerate(family.presets):
        line = in_a_line(one.expect, lambda words: len(words) <= 56)
        assert one.expect.startswith(line) and 6 <= len(line) <= 62, f"{one.name}: begin with a clause that fits on a card"
        said = box.item(place).data(11)  # what a screen reader says
        assert all(words in said for words in (one.title, box.costs()[one.name]))
    box.resize(340, 300)
    box.show()
    with qtbot.waitSignal(box.chosen) as caught:
        qtbot.keyClick(box, Qt.Key.Key_Down)
    assert caught.args == [box.name] == [family.presets[1].name]
    tall = [box.visualItemRect(box.item(row)).height() for row in (0, 1)]
    assert tall[1] >= tall[0], "only the card that is chosen says everything"
    box.choose("no such preset")
    assert box.name == family.presets[1].name


def test_what_others_cost_is_measured_after_what_is_set_up(
    qtbot: QtBot, qapp: Any, monkeypatch: pytest.MonkeyPatch, _no_estimates: None
) -> None:
    monkeypatch.setattr(estimate, "WAIT_MS", 10)
    engine, owner, order = Engine(), QObject(), list[str]()
    first, other = (EstimateTime("gan", data, SMALL) for data in ("moons", "gaussian-ring"))
    timed = TimeEstimate(engine, lambda: first, lambda: True, owner)
    timed.changed.connect(lambda: order.append("first" if timed.seconds(other) is None else "other"))
    try:
        timed.want((other,))
        assert timed.seconds() is None
        qtbot.waitUntil(lambda: timed.seconds(other) is not None)
        assert (timed.seconds() or 0) > 0 and order == ["first", "other"]
        kept = json.loads(json.dumps(timed.remembered()))
        later = TimeEstimate(engine, lambda: first, lambda: True, owner)
        later.restore(kept)
        later.want((other,))
        assert later.seconds(other) == timed.seconds(other), "not measured at each start"
        assert later._next() == first, "but what is set up is: the computer may be busier now"
        for elsewhere in ({"another computer": next(iter(kept.values()))}, {next(iter(kept)): 3}, None, "damaged"):
            later.restore(elsewhere)
            assert later.seconds(other) is None
    finally:
        engine.close()
