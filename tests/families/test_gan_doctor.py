"""Each rule of the GAN's doctor on numbers made for it, beside a healthy twin; dead units counted; real runs, ill and well."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from doctor_runs import Case, Recording, cases, kept, labels, spoken
from doctor_scores import passes, scores, told_of, total, twins, wilson

from genstudio import families
from genstudio.data import shelf
from genstudio.errors import TrainingError
from genstudio.events import Diagnosis, Frame, Series
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.doctor import RULES, Observer, doctor
from genstudio.families.gan.units import dead_units
from genstudio.runs import Run
from genstudio.snapshots.samples import Pictures, Plane
from genstudio.tasks.models import Models
from genstudio.tasks.runs import ReadRun
from genstudio.tasks.train import Train
from genstudio.training.doctor import EVERY
from helpers import answer, run_task

STEPS = 1000
HEALTHY: dict[str, Any] = {
    "accuracy_real": 0.6, "accuracy_fake": 0.6, "d_real": 0.52, "d_fake": 0.48, "gradient_norm_g": 0.5, "gradient_norm_d": 0.5,
}  # fmt: skip
LOOKED: dict[str, Any] = {
    "diversity": 1.0, "identical": 0.02, "reached": 0.97, "near": 0.9, "motion": 0.08, "drift_0": 0.0, "drift_1": 0.0,
}  # fmt: skip
PICTURED = {name: value for name, value in LOOKED.items() if name not in ("reached", "near")}
MEASURED = {"nearest_ratio": 1.0, "dead_generator": 0.1, "dead_discriminator": 0.1}
LOST = {"reached": 0.25, "diversity": 0.4}
RIGHT = {"accuracy_real": 0.99, "accuracy_fake": 0.98}
ILL: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("collapse", {}, LOST, {}),
    ("discriminator_wins", RIGHT, {}, {}),
    ("generator_wins", {"accuracy_fake": 0.02, "d_real": 0.6, "d_fake": 0.95}, {}, {}),
    ("vanishing_gradient", RIGHT | {"d_fake": 0.002, "d_real": 0.99}, {}, {"loss": "minimax"}),
    ("vanishing_gradient", RIGHT | {"gradient_norm_g": 1e-6}, {}, {"loss": "hinge"}),
    ("oscillation", {}, {"motion": 0.6, "drift_0": lambda at: 0.6 * np.sin(at / 30)}, {}),
    ("memorising", {}, {}, {"nearest_ratio": 0.1}),
    ("dead_channels", {}, {}, {"dead_discriminator": 0.95}),
]


def watched(
    numbers: Mapping[str, Any], looks: Mapping[str, Any], settings: Mapping[str, Any] | None = None, steps: int = STEPS
) -> list[Diagnosis]:
    """What is told of a run whose numbers are these at every step, or a function of it."""
    settings = settings or {}
    measured = {name: settings[name] for name in MEASURED if name in settings}
    config = GANConfig().model_dump() | {name: value for name, value in settings.items() if name not in MEASURED}
    one, told = doctor(), []
    for first in range(1, steps, EVERY):
        at = np.arange(first, first + EVERY)
        parts = {name: Series(at, at * 0.0 + (value(at) if callable(value) else value)) for name, value in numbers.items()}
        now = at[-1:].copy()
        seen = dict(looks) | (measured if first > 400 else {})
        parts |= {n: Series(now, now * 0.0 + (v(now) if callable(v) else v)) for n, v in seen.items()}
        told += one.see(parts, (), config)
    return [found for found in told if found.until is None]


@pytest.mark.parametrize(("name", "numbers", "looks", "settings"), ILL)
def test_each_illness_is_told_in_words_with_numbers_and_something_to_try(
    name: str, numbers: dict[str, Any], looks: dict[str, Any], settings: dict[str, Any]
) -> None:
    told = watched(HEALTHY | numbers, LOOKED | looks, MEASURED | settings)
    found = {one.name: one for one in told}
    assert len(told) == len(found) and set(found) <= {name, "discriminator_wins"}
    one = found[name]
    assert one.sentence.endswith(".") and one.rule.endswith(".") and one.evidence and one.advice
    live = {setting.name for setting in GANConfig.settings() if setting.live}
    assert any(advice.values and set(advice.values) <= live for advice in one.advice)
    settings_now = GANConfig().model_dump() | {k: v for k, v in settings.items() if k not in MEASURED}
    for advice in one.advice:
        assert not GANConfig.problems(settings_now | dict(advice.values))
        assert not advice.values or any(settings_now[key] != value for key, value in advice.values.items())


def test_nothing_is_told_of_a_healthy_run() -> None:
    assert watched(HEALTHY, LOOKED, MEASURED) == []
    assert watched(HEALTHY, PICTURED, MEASURED) == []


@pytest.mark.parametrize(("name", "numbers", "looks", "settings"), ILL[:6])
def test_an_illness_that_is_young_or_passes_is_not_told(
    name: str, numbers: dict[str, Any], looks: dict[str, Any], settings: dict[str, Any]
) -> None:
    assert name not in {one.name for one in watched(HEALTHY | numbers, LOOKED | looks, MEASURED | settings, steps=250)}

    def early(ill: Any, well: float) -> Any:
        return lambda at: np.where(at < 150, ill(at) if callable(ill) else ill, well)

    passing = {key: early(value, HEALTHY[key]) for key, value in numbers.items()}
    looked = {key: early(value, LOOKED[key]) for key, value in looks.items()}
    assert watched(HEALTHY | passing, LOOKED | looked, MEASURED | settings) == []


def test_pictures_collapse_by_their_variety_or_by_their_twins() -> None:
    assert [d.name for d in watched(HEALTHY, PICTURED | {"diversity": 0.05})] == ["collapse"]
    assert [d.name for d in watched(HEALTHY, PICTURED | {"identical": 0.9})] == ["collapse"]
    assert watched(HEALTHY, PICTURED | {"diversity": 0.6}) == []


def test_a_generator_that_never_came_to_the_data_is_not_called_collapsed() -> None:
    assert "collapse" not in {d.name for d in watched(HEALTHY, LOOKED | LOST | {"near": 0.0})}


def test_a_spot_that_wanders_between_the_modes_has_collapsed_and_one_that_stands_still_has_not() -> None:
    spot = {"reached": 0.02, "near": 0.03, "diversity": 0.14}
    assert [d.name for d in watched(HEALTHY, LOOKED | spot | {"motion": 0.3})] == ["collapse"]
    assert watched(HEALTHY, LOOKED | spot | {"motion": 0.001}) == []
    assert watched(HEALTHY, LOOKED | spot | {"motion": 0.3, "diversity": 0.9}) == []


def test_fakes_above_the_real_samples_now_and_then_are_no_win() -> None:
    assert watched(HEALTHY | {"d_fake": lambda at: 0.52 + 0.1 * np.sin(at)}, LOOKED) == []


def test_a_network_that_does_not_learn_on_purpose_is_nobodys_win() -> None:
    assert watched(HEALTHY | RIGHT, LOOKED, {"trained": "discriminator"}) == []
    assert watched(HEALTHY | RIGHT, LOOKED, {"pretrain_discriminator": 900}) == []


def test_motion_that_dies_down_is_no_oscillation() -> None:
    swing = {"drift_0": lambda at: 0.6 * np.sin(at / 30) * np.exp(-at / 250)}
    assert watched(HEALTHY, LOOKED | swing | {"motion": lambda at: 1.2 * np.exp(-at / 250)}) == []
    assert watched(HEALTHY, LOOKED | {"motion": 0.6}) == []
    assert watched(HEALTHY, LOOKED | {"motion": 0.6, "drift_0": lambda at: at / 100}) == []


def plane(fake: np.ndarray, step: int = 0) -> Plane:
    rng = np.random.default_rng(0)
    real = rng.standard_normal((400, 2)) * 0.02 + circle(rng.integers(0, 8, 400))
    empty = np.zeros((0, 2))
    return Plane("plane", step, real, fake, (-1.5, 1.5, -1.5, 1.5), np.zeros((4, 4)), True, empty)


def circle(modes: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(modes * np.pi / 4), np.sin(modes * np.pi / 4)], 1)


def ring(modes: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return circle(rng.integers(0, modes, 400)) + rng.standard_normal((400, 2)) * 0.02


def test_what_is_observed_of_points_is_about_modes_and_motion() -> None:
    observe = Observer()
    whole = observe(plane(ring(8), 20))
    assert whole["reached"] == 1 and whole["near"] == 1 and whole["diversity"] == pytest.approx(1, abs=0.15)
    assert "motion" not in whole
    still = observe(plane(ring(8), 40))
    assert still["motion"] == 0
    two = observe(plane(ring(2), 60))
    assert two["reached"] < 0.45 and two["diversity"] < 0.45 and two["motion"] > 0.4
    slower = observe(plane(ring(8), 100))
    assert slower["motion"] == pytest.approx(two["motion"] / 2)
    point = observe(plane(np.full((400, 2), 0.5), 120))
    assert point["identical"] == 1 and point["diversity"] < 0.2 and two["identical"] < 0.5


def test_what_is_observed_of_pictures_needs_the_real_ones_first() -> None:
    rng = np.random.default_rng(0)
    real, fake = (rng.integers(0, 256, (64, 8, 8, 1)).astype(np.uint8) for _ in range(2))
    observe = Observer()
    assert observe(Pictures("fixed_raw", 0, fake)) == {}
    assert observe(Pictures("real", 0, real)) == {}
    found = observe(Pictures("fixed_raw", 20, fake))
    assert found["diversity"] == pytest.approx(1, abs=0.05) and found["identical"] == 0 and "reached" not in found
    twins = observe(Pictures("fixed_raw", 40, np.repeat(fake[:4], 16, 0)))
    assert twins["identical"] == 1 and twins["diversity"] == pytest.approx(4 / 64, abs=0.02)
    assert observe(Pictures("fixed", 60, fake)) == {}


def learner(values: Mapping[str, Any], data: str = "gaussian-ring") -> Any:
    family = families.get("gan")
    config = family.config.parse(values)
    work = family.prepare(config, shelf.open_dataset(shelf.find_dataset(data)))
    while True:
        try:
            next(work)
        except StopIteration as end:
            return family.learner(family.model(config, end.value, "cpu", 0), 0)


@pytest.mark.parametrize("network", ["mlp", "residual", "dcgan"])
def test_dead_units_are_counted_of_every_kind_of_network(network: str) -> None:
    picture = {"conditional": True, "latent": 8} if network != "mlp" else {}
    one = learner({"network": network, "width": 16, "channels": 4, "pack": 2, "batch": 16, **picture},
                  "gaussian-ring" if network == "mlp" else "digits8")  # fmt: skip
    before = dead_units(one.model)
    assert 0 <= before["dead_generator"] < 0.4 and 0 <= before["dead_discriminator"] < 0.4
    with torch.no_grad():
        for name, part in one.generator.body.named_parameters():
            if name.endswith("bias"):
                part.fill_(-1e4)
    after = dead_units(one.model)
    assert after["dead_generator"] > 0.6 and after["dead_discriminator"] < 0.4
    assert not any(module._forward_hooks for module in one.generator.modules())


COLLAPSING = {
    "width": 32, "layers": 2, "batch": 32, "r1": 0.0, "ema": 0.0, "schedule": "constant", "g_updates": 5, "g_rate": 3e-3,
    "d_rate": 2e-4, "beta1": 0.5, "evaluate_every": 100_000,
}  # fmt: skip


@pytest.mark.thorough
def test_a_real_collapse_is_told_kept_and_shown_again_and_a_healthy_run_is_left_alone() -> None:
    frames = run_task(Train("gan", "gaussian-ring", COLLAPSING, steps=2000))  # it is told after some 800, as fast as one looks
    path = answer(frames, "run")
    told = [d for f in frames for d in f.diagnoses]
    assert "collapse" in {d.name for d in told}
    kept = Run.open(path).diagnoses()
    assert {(d.name, d.step) for d in kept} == {(d.name, d.step) for d in told}
    assert answer(run_task(ReadRun(path)), "diagnoses") == tuple(kept)
    marks = [n for n in Run.open(path).notices() if n.kind == "warning"]
    assert {n.text for n in marks} >= {f"{d.title}. {d.sentence}" for d in told if d.until is None}

    well = {**COLLAPSING, "g_updates": 1, "r1": 0.1, "d_rate": 1e-3, "g_rate": 1e-3, "beta1": 0.0, "schedule": "linear"}
    frames = run_task(Train("gan", "moons", well, steps=800))
    assert Run.open(answer(frames, "run")).diagnoses() == []


def test_numbers_that_are_not_finite_are_told_with_the_failure() -> None:
    wild = {"width": 64, "layers": 8, "batch": 16, "loss": "wasserstein", "clip": 10.0, "d_rate": 1.0, "g_rate": 1.0, "r1": 0.0}
    frames: list[Frame] = []
    job = Train("gan", "gaussian-ring", wild, steps=2000).run(Models())
    with pytest.raises(TrainingError):
        for frame in job:
            frames.append(frame)
    run = Run.open(answer(frames, "run"))
    (found,) = [d for d in run.diagnoses() if d.name == "not_finite"]
    assert found.severity == "error" and all(math.isfinite(v) for v in found.evidence.values())
    first = next(advice for advice in found.advice if set(advice.values) == {"d_rate", "g_rate"})
    assert first.values["d_rate"] < wild["d_rate"]  # type: ignore[operator]
    job.close()


def test_every_rule_is_named_once_and_told_with_its_thresholds() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES) == 8
    assert all(rule.says.endswith(".") and rule.title for rule in RULES)


def recording(name: str, ill: tuple[str, ...], numbers: Mapping[str, Any], fakes: Any, settings: Mapping[str, Any]) -> Recording:
    """A run of STEPS steps whose numbers are these; `fakes(step)` are its points."""
    at = np.arange(1, STEPS + 1)
    rare = np.arange(250, STEPS + 1, 250)
    measured = MEASURED | {"js_divergence": 0.1} | {key: value for key, value in settings.items() if key in MEASURED}
    series = {key: Series(at, np.full(STEPS, float(value))) for key, value in (HEALTHY | numbers).items()}
    series |= {key: Series(rare, np.full(len(rare), float(value))) for key, value in measured.items()}
    looks = np.arange(20, STEPS + 1, 20)
    config = GANConfig().model_dump() | {key: value for key, value in settings.items() if key not in MEASURED}
    shown = np.stack([fakes(int(step)) for step in looks])
    broke = 700 if "not_finite" in ill else None
    extent, case = (-1.5, 1.5, -1.5, 1.5), Case(name, "", {}, ill, STEPS)
    return Recording(case, 0, config, series, looks, shown, ring(8, 2), extent, None, broke)


def made_up() -> list[Recording]:
    """Runs ill of one thing each, twice, and as many that are well."""

    def well(step: int) -> np.ndarray:
        return ring(8) + np.random.default_rng(step).standard_normal((400, 2)) * 0.02

    def lost(step: int) -> np.ndarray:
        return ring(2, step % 3)

    def round_and_round(step: int) -> np.ndarray:
        return 0.2 * ring(8) + circle(np.array([step / 40]))

    runs = []
    for turn in range(2):
        for name, numbers, _, settings in ILL:
            both = (name, "discriminator_wins") if name == "vanishing_gradient" else (name,)
            fakes = {"collapse": lost, "oscillation": round_and_round}.get(name, well)
            runs.append(recording(f"{name} {turn}", both, numbers, fakes, settings))
            runs.append(recording(f"well {name} {turn}", (), {"d_real": 0.5 + 0.02 * turn}, well, {}))
        runs.append(recording(f"broken {turn}", ("not_finite",), {}, well, {}))
    return runs


def test_the_doctor_is_right_about_made_up_runs_and_every_broken_twin_is_not() -> None:
    runs = made_up()
    assert all(len(labels(run)[1]) == len(RULES) for run in runs if not run.case.ill)
    assert passes(runs)
    hits, ills, falses, frees = total(scores(runs, [told_of(run) for run in runs]))
    assert hits >= 0.9 * ills > 15 and falses == 0 and frees > 100
    found = twins(runs)
    assert len(found) == 6 and not any(found.values()), found


def test_intervals_of_shares_are_those_of_wilson() -> None:
    assert wilson(0, 0) == (0, 1)
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-3)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=1e-3)


def test_a_recording_is_kept_once_and_shows_what_the_training_showed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("short", "gaussian-ring", {"width": 8, "layers": 1, "batch": 8, "evaluate_every": 20}, steps=40)
    first = kept(case, 3, tmp_path)
    monkeypatch.setattr("doctor_runs.record", lambda *_: pytest.fail("made again"))
    again = kept(case, 3, tmp_path)
    assert again.settings == first.settings and np.array_equal(again.fakes, first.fakes) and again.looks.tolist() == [20, 40]
    parts = again.parts
    steps = np.concatenate([series["g_loss"].steps for series, _ in parts])
    assert steps.tolist() == list(range(1, 41)) and isinstance(parts[0][1][0], Plane)
    one = learner(case.values)
    assert np.allclose(first.real, one.model.outside(one.model.inside(one.model.real))) and spoken(again) == []
    assert len({(run.name, run.data) for run in cases()}) == len(cases()) >= 40
