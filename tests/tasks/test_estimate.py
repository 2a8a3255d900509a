"""The time that a training would take, from a few steps that are thrown away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genstudio import paths
from genstudio.errors import ConfigError
from genstudio.tasks import estimate
from genstudio.tasks.estimate import STEPPING, EstimateTime, FitPreset
from genstudio.tasks.models import Models
from helpers import TINY, result, text_file

GAN: dict[str, Any] = {"width": 16, "layers": 2, "batch": 16}


@pytest.mark.parametrize(("family", "data", "values"), [("gpt", "", TINY), ("gan", "gaussian-ring", GAN)])
def test_an_estimate_is_a_time_and_leaves_nothing(tmp_path: Path, family: str, data: str, values: dict[str, Any]) -> None:
    models = Models()
    seconds = result(EstimateTime(family, data or str(text_file(tmp_path)), values), models)
    assert 0 < seconds < 10
    assert not models.training and not (paths.runs().exists() and list(paths.runs().iterdir()))


def cost(batch: int, accumulation: int, layers: int) -> float:
    """Seconds of a step."""
    return accumulation * layers * (0.01 + 1e-3 * batch)


class Slow:
    """A learner whose clock runs by the size of its batch, and by a part that every batch costs."""

    threads = None

    def __init__(self, config: Any, clock: list[float]) -> None:
        self.config, self.clock = config, clock

    def batch(self, step: int) -> int:
        return step

    def training_step(self, _batch: int, step: int, _progress: float) -> dict[str, float]:
        factor = 100 if step == 1 else 1  # what only the first step pays must not be counted
        self.clock[0] += factor * cost(self.config.batch, self.config.accumulation, self.config.layers)
        return {"loss": 1.0}


@pytest.mark.parametrize(
    ("batch", "accumulation", "layers"), [(4, 1, 2), (8, 1, 2), (100, 1, 2), (100, 3, 2), (4000, 1, 10), (8, 256, 40)]
)
def test_the_time_of_a_step_is_that_of_the_whole_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int, accumulation: int, layers: int
) -> None:
    clock, longest = [0.0], [0.0]

    def monotonic() -> float:
        return clock[0]

    def made(config: Any, *_: Any) -> Slow:
        longest[0] = max(longest[0], cost(config.batch, config.accumulation, config.layers))
        return Slow(config, clock)

    family = estimate.Train("gpt", "", {}).parsed()[0]
    monkeypatch.setattr(type(family), "model", property(lambda self: made), raising=False)
    monkeypatch.setattr(type(family), "learner", property(lambda self: lambda model, seed: model), raising=False)
    monkeypatch.setattr(estimate.time, "monotonic", monotonic)
    values = {**TINY, "batch": batch, "accumulation": accumulation, "layers": layers}
    seconds = result(EstimateTime("gpt", str(text_file(tmp_path)), values))
    assert seconds == pytest.approx(cost(batch, accumulation, layers) / STEPPING, rel=0.01)
    assert longest[0] <= max(estimate._LONG * estimate._GROWTH, cost(8, 1, layers)) + 1e-9


def test_data_that_takes_long_to_prepare_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "_PREPARING", 0.0)
    assert result(EstimateTime("gpt", str(text_file(tmp_path)), TINY)) is None


def test_what_cannot_be_trained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        result(EstimateTime("gan", "gaussian-ring", {**GAN, "conditional": True}))


@pytest.mark.parametrize(("power", "width"), [(1e9, 128), (1e11, 192), (1e12, 256), (1e15, 384)])
def test_a_preset_of_a_given_time_takes_the_largest_model_that_makes_its_steps(
    monkeypatch: pytest.MonkeyPatch, power: float, width: int
) -> None:
    """A computer of so many floating-point operations per second; nothing is timed beyond the first size that is too slow."""
    timed = []

    def run(task: EstimateTime, _models: Models) -> Any:
        family, config = estimate.Train(task.family, task.data, task.config).parsed()
        timed.append(config.model_dump()["d_model"])
        return family.cost(config, family, 65).flops_per_step / power
        yield

    monkeypatch.setattr(EstimateTime, "run", run)
    values = result(FitPreset("gpt", "shakespeare", "ten-minutes"))
    assert values["d_model"] == width and values["counts"] == "gate"
    assert timed == [128, 192, 256, 384][: len(timed)] and len(timed) == min([128, 192, 256, 384].index(width) + 2, 4)


def test_a_preset_whose_sizes_cannot_be_timed_is_that_of_an_ordinary_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "_PREPARING", 0.0)
    assert result(FitPreset("gpt", "shakespeare", "ten-minutes"))["d_model"] == 192
