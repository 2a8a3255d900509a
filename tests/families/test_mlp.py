"""The dense network: what it learns, how its lessons fail and are cured, and that the doctor says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio import families
from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError
from genstudio.inspection.depth import network_of
from genstudio.nn.by_hand import backward, forward, losses, targets_of
from genstudio.snapshots.network import NetworkState
from genstudio.tasks.models import Models
from genstudio.tasks.train import Train
from helpers import curve, usually

FAMILY = families.get("mlp")
PRESETS = {preset.name: preset for preset in FAMILY.presets}
LESSONS = {"same-weights": "symmetric", "too-large": "saturated", "squared-error": "slow_when_wrong"}


def trained(folder: Path, values: Any, data: str, steps: int) -> tuple[float, set[str]]:
    """Held-out accuracy at the end, and what the doctor found."""
    task = Train("mlp", data, values, steps=steps, runs_folder=folder / "runs")
    frames = list(task.run(Models()))
    found = {diagnosis.name for frame in frames for diagnosis in frame.diagnoses}
    return curve(frames, "accuracy")[1][-1], found


def learner(data: str, values: Any = None, seed: int = 0) -> Any:
    config = FAMILY.config.parse(values or {})
    dataset = shelf.open_dataset(shelf.find_dataset(data, FAMILY.data_kinds))
    return FAMILY.learner(FAMILY.model(config, finished(FAMILY.prepare(config, dataset)), "cpu", seed), seed)


@pytest.mark.thorough
@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_fails_the_doctor_says_why_and_the_cure_helps(tmp_path: Path, name: str) -> None:
    preset = PRESETS[name]
    assert preset.steps is not None
    accuracy, found = trained(tmp_path, preset.values, preset.data, preset.steps)
    cured, after = trained(tmp_path, {**preset.values, **preset.cure}, preset.data, preset.steps)
    assert accuracy <= 0.91 and LESSONS[name] in found
    assert cured >= accuracy + 0.05 and LESSONS[name] not in after


@pytest.mark.thorough
@usually("name", ("points", "rings", "digits", "spirals", "xor"), usual=lambda name: name == "points")
def test_a_preset_reaches_what_it_promises(tmp_path: Path, name: str) -> None:
    preset = PRESETS[name]
    assert preset.steps is not None
    accuracy, found = trained(tmp_path, preset.values, preset.data, preset.steps)
    assert accuracy >= (0.96 if name == "digits" else 1.0)
    assert not found & {*LESSONS.values(), "diverged", "plateau"}


@pytest.mark.parametrize("values", [{}, {"loss": "squared_error", "activation": "gelu"}], ids=str)
def test_the_snapshot_holds_the_very_numbers_of_the_step(values: Any) -> None:
    """Slopes of a batch are those of its mean loss; the twin that sums over it is not."""
    one = learner("class-moons", {"width": 3, "layers": 2, "batch": 16, **values})
    one.training_step(one.batch(1), 1, 0.0)
    state = next(event for event in one.preview() if isinstance(event, NetworkState))
    network, rows = network_of(state), one.batch(1).numpy()
    data = one.model.data
    inputs, targets = data.inside(data.real[rows]), targets_of(data.labels[rows], 1)
    back = backward(network, forward(network, inputs), targets)
    mine = np.concatenate([weights.ravel() for weights in back.weights])
    assert mine == pytest.approx(state.weight_slopes, abs=1e-6)
    assert not np.allclose(mine * len(rows), state.weight_slopes, atol=1e-4)
    (score,) = one.model.evaluate(exact=True)
    held = data.held
    passed = forward(network, data.inside(data.real[held]))
    wanted = targets_of(data.labels[held], 1)
    assert score.result["loss"] == pytest.approx(losses(network, passed, wanted).mean(), abs=1e-6)
    assert score.result["accuracy"] == pytest.approx(float(((passed.outputs > 0.5) == wanted).mean()))
    assert score.result["split"] == "held out" and score.result["count"] == len(held)


def test_what_nothing_can_be_learned_from_is_refused_in_words() -> None:
    config = FAMILY.config.parse({})
    for name, words in (("emoji32", ""), ("pixel-faces", "has no classes")):
        dataset = shelf.open_dataset(shelf.find_dataset(name, FAMILY.data_kinds))
        if not words:
            assert len(finished(FAMILY.prepare(config, dataset)).shape.classes) > 2
            continue
        with pytest.raises(DataError, match=words):
            finished(FAMILY.prepare(config, dataset))
    with pytest.raises(ConfigError, match="not a list of whole numbers"):
        FAMILY.config.parse({"widths": "8, many"})
    with pytest.raises(ConfigError, match="there are only"):
        finished(FAMILY.prepare(FAMILY.config.parse({"batch": 100}), shelf.open_dataset(shelf.find_dataset("xor", ("rows",)))))
