from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from genstudio.data.work import finished
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.learner import GPTLearner
from genstudio.families.gpt.model import GPTModel
from genstudio.inspection.statistics import distributions, layer_statistics, named_weights
from genstudio.snapshots.layers import LayerStatistics
from genstudio.training.learner import Metrics
from genstudio.training.loop import Plan, Stopwatch, fit
from helpers import TINY


@pytest.fixture
def build(text_data: Any) -> Any:
    def made(**changes: Any) -> GPTLearner:
        return GPTLearner(GPTModel(GPTConfig.parse(TINY | changes), text_data, "cpu", 3), 3)

    return made


def looked(learner: GPTLearner, ids: Any = None) -> LayerStatistics:
    return finished(learner.layers() if ids is None else learner.model.layers(ids))


def test_counts_are_of_every_value_and_the_numbers_are_those_of_numpy(build: Any) -> None:
    learner = build(activation="relu")
    seen = looked(learner)
    for made in (seen.activations, seen.weights, seen.gradients):
        assert made is not None
        assert (made.counts.sum(1) == made.sizes).all()
    for (name, weight), norm, counts in zip(
        named_weights(learner.transformer), seen.weights.norms, seen.weights.counts, strict=True
    ):
        value = weight.detach().numpy().astype(np.float64)
        assert norm == pytest.approx(np.sqrt((value**2).sum()), rel=1e-5), name
        rms = np.sqrt((value**2).mean())
        share = (np.abs(value / rms) < 1).mean() if rms else 1.0
        inside = counts[np.abs((seen.weights.edges[1:] + seen.weights.edges[:-1]) / 2) < 1].sum()
        assert inside == pytest.approx(share * value.size, abs=2)


def test_long_tensors_are_counted_evenly_and_outliers_in_the_outer_bins() -> None:
    values = torch.cat([torch.full((50_000,), 0.5), torch.tensor([1e6, -1e6])])
    made = finished(distributions(["x"], [values]))
    assert made.sizes.tolist() == [50_002]
    assert 4_000 < made.counts.sum() <= 8192
    few = finished(distributions(["x"], [torch.tensor([1.0, -1.0, 100.0, -100.0, *[1.0] * 96])]))
    assert few.counts[0, 0] == few.counts[0, -1] == 1


def test_magnitudes_of_gradients_are_decades_and_zeros_are_in_the_first(build: Any) -> None:
    made = finished(distributions(["x"], [torch.tensor([0.0, 1e-3, -1e-3, 10.0, 1e9])], decades=True))
    low, high = made.edges[:-1], made.edges[1:]
    assert made.counts[0, 0] == 1 and made.counts[0, -1] == 1
    assert made.counts[0][(low <= -3 + 1e-6) & (high >= -3 - 1e-6)].sum() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tied": True, "bias": True, "norm": "layernorm"},
        {"positions": "learned", "norm_place": "post"},
        {"positions": "sinusoidal", "tied": True, "activation": "swiglu"},
    ],
)
@pytest.mark.parametrize("rows", [1e12, 1.0])
def test_gradients_are_those_of_backward(
    build: Any, changes: Any, rows: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genstudio.inspection.statistics._SLICE", rows)
    learner = build(dropout=0.0, **changes)
    with torch.no_grad():
        learner.transformer.head.weight.normal_(0, 0.3, generator=torch.Generator().manual_seed(0))
    ids = torch.as_tensor(learner.model.data.train[:9].astype(np.int64))[None]
    seen = finished(layer_statistics(learner.transformer, ids[:, :-1], ids[:, 1:]))
    loss = learner.transformer.loss(ids[:, :-1], ids[:, 1:])
    loss.backward()
    assert seen.loss == pytest.approx(float(loss.detach()), rel=1e-6)
    assert seen.gradients is not None
    for (name, weight), norm in zip(named_weights(learner.transformer), seen.gradients.norms, strict=True):
        assert weight.grad is not None
        assert norm == pytest.approx(float(weight.grad.norm()), rel=1e-5, abs=1e-12), name


@pytest.mark.parametrize("activation", ["relu", "relu2", "gelu", "swiglu"])
def test_dead_units_are_those_that_no_token_wakes(build: Any, activation: str) -> None:
    learner = build(activation=activation, bias=True)
    up = learner.transformer.blocks[1].feed_forward.up
    with torch.no_grad():
        up.weight[:5] = 0.0
        up.bias[:5] = -1.0
        up.bias[5:] = 100.0
    dead = looked(learner).dead
    if activation in ("relu", "relu2"):
        assert dead[1] == pytest.approx(5 / 64)
        assert dead[0] < 0.2
    else:
        assert np.isnan(dead).all()


def test_one_token_has_no_gradients(build: Any) -> None:
    seen = looked(build(), np.array([1]))
    assert seen.gradients is None
    assert np.isnan(seen.loss)
    assert seen.tokens == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"tied": True},
        {"positions": "learned", "norm_place": "post", "norm": "layernorm"},
        {"positions": "none", "qk_norm": False, "activation": "swiglu"},
        {"optimizer": "adamw", "accumulation": 2},
    ],
)
def test_looking_changes_nothing_in_the_training(build: Any, changes: dict[str, Any]) -> None:
    watched, plain = build(**changes), build(**changes)
    for step in range(1, 6):
        for learner, looks in ((watched, True), (plain, False)):
            if looks:
                looked(learner)
                assert all(p.grad is None for p in learner.transformer.parameters())
                assert learner.transformer.training
            torch.manual_seed(step)
            learner.training_step(learner.batch(step), step, step / 10)
    for mine, other in zip(watched.transformer.parameters(), plain.transformer.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_the_update_that_is_shown_is_the_one_that_was_made(build: Any) -> None:
    learner = build(optimizer="adamw")
    assert np.isnan(looked(learner).updates).all()
    for step in (1, 2):
        before = {name: weight.detach().clone() for name, weight in named_weights(learner.transformer)}
        learner.training_step(learner.batch(step), step, 0.1)
        if step == 1:
            first = {name: (w.detach() - before[name]).norm() / before[name].norm() for name, w in
                     named_weights(learner.transformer) if float(before[name].norm())}  # fmt: skip
    shown = dict(zip(looked(learner).weights.names, learner.model.update_sizes.tolist(), strict=True))
    for name, ratio in first.items():
        assert shown[name] == pytest.approx(float(ratio), rel=1e-5)


def test_it_comes_with_the_previews_of_a_training(build: Any) -> None:
    learner = build()
    events = list(islice(fit(learner, Plan(steps=3), Stopwatch(), preview_every=0.0), 2_000))
    assert next(e.step for e in events if isinstance(e, LayerStatistics)) == 0
    assert sum(isinstance(e, Metrics) and "train_loss" in e.values for e in events) == 3
