"""One contract for every family: what the form, the runs, the engine and the playground rely on."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from genstudio import families
from genstudio.data import shelf
from genstudio.data.slices import finished
from genstudio.errors import ConfigError
from genstudio.families import Family
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.train import Train
from genstudio.training.frames import frames
from genstudio.training.learner import Tick
from genstudio.training.loop import Plan, Stopwatch, fit
from helpers import TINY, answer, text_file, words

TEXT = words().replace(" cat", "\ncat")
GAN = {"width": 16, "layers": 2, "batch": 16, "evaluate_every": 10}
CODER = {"width": 16, "layers": 1, "batch": 16, "evaluate_every": 10}
SMALL: Mapping[str, Mapping[str, Any]] = {
    "gpt": TINY, "gan": GAN, "gaussian": {"ridge": 0.01}, "autoencoder": CODER, "vae": CODER
}  # fmt: skip
OTHER: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "gan": (
        {},
        {"pack": 2, "loss": "wasserstein_gp", "latent": 3},
        {"network": "residual", "spectral_norm": True, "norm": "batch"},
    ),
    "gaussian": ({}, {"covariance": "diagonal"}),
    "autoencoder": ({"code": 1}, {"network": "linear", "code": 2, "l2": 0.01, "noise": 0.1}),
    "vae": ({}, {"network": "linear", "code": 1, "noise": "fixed", "kl_warmup": 5}),
}
EVERY = pytest.mark.parametrize("family", families.all_families(), ids=lambda family: family.name)
TOKENS: tuple[Mapping[str, Any], ...] = (
    {"tokenizer": "char"},
    {"tokenizer": "byte"},
    {"tokenizer": "word", "vocabulary": 20},
    {"tokenizer": "bpe", "vocabulary": 280},
    {"tokenizer": "bpe", "vocabulary": 280, "markers": "lines"},
)
CASES = [
    (family, {**SMALL[family.name], **tokens})
    for family in families.all_families()
    for tokens in (TOKENS if "tokenizer" in family.config.model_fields else OTHER[family.name])
]
EVERY_DATA = pytest.mark.parametrize(
    ("family", "values"), CASES, ids=lambda v: v.name if isinstance(v, Family) else "-".join(map(str, v.values()))[-16:]
)


def dataset_of(family: Family[Any, Any], folder: Path) -> str:
    return str(text_file(folder, TEXT)) if "text" in family.data_kinds else "gaussian-ring"


def size_of(family: Family[Any, Any], learner: Any, folder: Path) -> tuple[Any, int]:
    """What the cost depends on: the dataset, and the size of the vocabulary where there is one."""
    return shelf.find_dataset(dataset_of(family, folder)), getattr(getattr(learner.model.data, "tokenizer", None), "size", 0)


def build(family: Family[Any, Any], values: Mapping[str, Any], folder: Path, seed: int = 0) -> Any:
    config = family.config.parse(values)
    dataset = shelf.open_dataset(shelf.find_dataset(dataset_of(family, folder)))
    return family.learner(family.model(config, finished(family.prepare(config, dataset)), "cpu", seed), seed)


def weights(learner: Any) -> dict[str, torch.Tensor]:
    modules = getattr(learner, "model", learner).modules
    return {f"{part}.{name}": t.clone() for part, m in modules.items() for name, t in m.state_dict().items()}


def moments(learner: Any) -> list[torch.Tensor]:
    found = [o.state_dict()["state"] for o in learner.optimizers.values()]
    return [
        t.clone() for states in found for one in states.values() for t in one.values() if isinstance(t, torch.Tensor)
    ]


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if a is None or isinstance(a, float):
        return a == b
    return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))


def step(learner: Any, number: int) -> Mapping[str, Any]:
    torch.manual_seed(number)
    return dict(learner.training_step(learner.batch(number), number, 0.0))


def test_every_named_family_is_here() -> None:
    assert tuple(family.name for family in families.all_families()) == families.NAMES == tuple(SMALL)
    with pytest.raises(KeyError):
        families.get("os")


@EVERY
def test_every_setting_is_explained_and_survives_text_and_json(family: Family[Any, Any]) -> None:
    config = family.config()
    for setting in family.config.settings():
        assert setting.help and setting.label and setting.group
        if setting.kind in ("int", "float"):
            assert setting.low is not None and setting.high is not None
            assert setting.low <= setting.default <= setting.high
    assert family.config.parse(json.loads(config.to_json())) == config
    assert config.override([f"{name}={value}" for name, value in config.model_dump().items()]) == config


@EVERY
def test_every_setting_refuses_what_is_out_of_its_range(family: Family[Any, Any]) -> None:
    for setting in family.config.settings():
        wrong: list[Any] = {"choice": ["no such word"], "bool": ["perhaps"]}.get(setting.kind, [])
        if setting.kind in ("int", "float"):
            assert setting.low is not None and setting.high is not None
            wrong = [setting.low - 1, setting.high + 1, "many", float("nan")]
        for value in wrong:
            problems = family.config.problems({setting.name: value})
            assert [p.field for p in problems if p.field == setting.name], (setting.name, value)


@EVERY
def test_all_problems_come_at_once_and_a_wrong_name_suggests_the_near_one(family: Family[Any, Any]) -> None:
    numbers = [s for s in family.config.settings() if s.kind in ("int", "float")][:3]
    found = family.config.problems({s.name: (s.high or 0) + 1 for s in numbers} | {f"{numbers[0].name}x": 1})
    assert {s.name for s in numbers} <= {p.field for p in found}
    assert any(f"did you mean '{numbers[0].name}'" in p.message for p in found)
    with pytest.raises(ConfigError):
        family.config().override(["nothing"])


@EVERY
def test_every_preset_can_be_used_and_says_what_to_expect(family: Family[Any, Any]) -> None:
    assert family.presets
    for preset in family.presets:
        family.config.parse(preset.values)
        assert preset.expect and preset.title and (preset.steps or preset.seconds)
        family.config.parse({**preset.values, **preset.cure})
        assert (bool(preset.cure) == bool(preset.cure_text) and preset.cure.items() - preset.values.items()) or not preset.cure
        assert not preset.data or shelf.find_dataset(preset.data).kind in family.data_kinds


@EVERY_DATA
def test_the_estimate_counts_what_is_built(family: Family[Any, Any], values: Mapping[str, Any], tmp_path: Path) -> None:
    learner = build(family, values, tmp_path)
    built = sum(p.numel() for part in learner.model.modules.values() for p in part.parameters())
    assert family.cost(learner.model.config, *size_of(family, learner, tmp_path)).parameters == built


@EVERY_DATA
def test_a_step_is_a_function_of_seed_and_number(
    family: Family[Any, Any], values: Mapping[str, Any], tmp_path: Path
) -> None:
    one, two, other = (build(family, values, tmp_path, seed) for seed in (5, 5, 6))
    assert equal(weights(one), weights(two)) and (not one.optimizers or not equal(weights(one), weights(other)))
    assert equal(one.batch(3), two.batch(3))
    if one.optimizers:  # what is fitted in one step reads everything in each
        assert not equal(one.batch(3), one.batch(4)) and not equal(one.batch(3), other.batch(3))
    for number in (1, 2, 3):
        assert equal(step(one, number), step(two, number))
    assert equal(weights(one), weights(two))


@EVERY_DATA
def test_training_changes_weights_and_the_loss_falls(
    family: Family[Any, Any], values: Mapping[str, Any], tmp_path: Path
) -> None:
    learner = build(family, values, tmp_path)
    before = weights(learner)
    told = [step(learner, number) for number in range(1, 61)]
    losses = [float(values.get("train_loss", values.get("d_loss"))) for values in told]
    assert not equal(before, weights(learner))
    assert sum(losses[-10:]) < sum(losses[:10]) or not learner.optimizers


@EVERY_DATA
def test_looking_and_scoring_change_nothing(
    family: Family[Any, Any], values: Mapping[str, Any], tmp_path: Path
) -> None:
    learner = build(family, values, tmp_path)
    step(learner, 1)
    before, inside = weights(learner), moments(learner)
    modes = {name: m.training for part in learner.model.modules.values() for name, m in part.named_modules()}
    shown = [event for event in learner.preview() if not isinstance(event, Tick)]
    scores = [list(learner.model.evaluate(exact=exact))[-1] for exact in (False, True, True)]
    assert shown and all(b"torch" not in pickle.dumps(snapshot) for snapshot in shown)
    assert scores[1] == scores[2] and scores[0].values.keys() <= scores[1].values.keys()
    assert equal(before, weights(learner)) and equal(inside, moments(learner))
    assert modes == {name: m.training for part in learner.model.modules.values() for name, m in part.named_modules()}


@EVERY_DATA
def test_its_frames_are_plain_data(family: Family[Any, Any], values: Mapping[str, Any], tmp_path: Path) -> None:
    learner, watch = build(family, values, tmp_path), Stopwatch()
    found = list(frames(watch.over(fit(learner, Plan(steps=12), watch, evaluate_every=5))))
    assert found
    for frame in found:
        back = pickle.loads(pickle.dumps(frame))
        assert back.series.keys() == frame.series.keys()
        assert all(not series.values.flags.writeable for series in frame.series.values())


@EVERY_DATA
def test_a_run_opens_without_its_dataset_as_the_same_model(
    family: Family[Any, Any], values: Mapping[str, Any], tmp_path: Path
) -> None:
    models = Models()
    task = Train(family.name, dataset_of(family, tmp_path), values, steps=15, runs_folder=tmp_path / "runs")
    job = task.run(models)
    found = []
    for frame in job:
        found.append(frame)
        if models.training:
            live = next(iter(models.training.values())).model
    folder = answer(found, "run")
    for info in shelf.list_datasets():
        if info.origin == "imported":
            shelf.delete_dataset(info)
    opened = Models().get(ModelRef(folder))
    assert opened.step == 15
    assert equal(weights(opened.model), weights(live))
    assert family.metadata(opened.model.data) == family.metadata(live.data)
