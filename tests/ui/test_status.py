"""The status bar says what the room in front is doing, and of the others only what trains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from genstudio.ui.engine import Engine
from genstudio.ui.status import StatusBar


@pytest.fixture
def engine(qapp: object) -> Iterator[Engine]:
    running = Engine()
    yield running
    running.close()


def test_the_room_in_front_is_said_first_and_of_the_others_only_what_trains(qtbot: Any, engine: Engine) -> None:
    here = ["gan"]
    bar = StatusBar(engine, lambda: here[0])
    qtbot.addWidget(bar)
    bar.say("transformer", "GPT", "Training, step 12", busy=True)
    bar.say("latent", "VAE", "Stopped, step 900", busy=False)
    bar.say("gan", "GAN", "Finished, step 6,000", busy=False)
    assert bar.doing.text() == "GAN: Finished, step 6,000 · GPT: Training, step 12"
    here[0] = "runs"
    bar.show_place()
    assert bar.doing.text() == "GPT: Training, step 12", "a room without a model says only what trains elsewhere"
    bar.say("transformer", "GPT", "Stopped, step 40", busy=False)
    assert bar.doing.text() == "Ready"
    here[0] = "transformer"
    bar.show_place()
    assert bar.doing.text() == "Stopped, step 40", "alone, a room needs no name"
    bar.resize(120, 24)
    bar.show()
    assert "step 40" in bar.doing.toolTip(), "what is cut is told on hover"
