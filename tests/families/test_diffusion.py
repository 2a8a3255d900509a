"""Diffusion models and flows: small trained ones, and twins of them that are broken on purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from latents import learner, measured, pictures, points, train

from genstudio.data.datasets import ImageDataset, PointDataset
from genstudio.errors import ConfigError, DataError
from genstudio.families import denoiser as learning
from genstudio.families.abilities import Denoised
from genstudio.families.diffusion import FAMILY, DiffusionConfig
from genstudio.families.diffusion.networks import ClassDenoiser
from genstudio.families.diffusion.targets import shared
from genstudio.sampling.diffusion import CLEAN, Sampler
from genstudio.snapshots.samples import Bars, Pictures, Plane
from genstudio.training.learner import Tick

SMALL = {"width": 32, "layers": 2, "batch": 128, "learning_rate": 5e-3, "noise_steps": 100, "sampling_steps": 10, "ema": 0.98}
UNET = {"network": "unet", "channels": 8, "batch": 32, "learning_rate": 3e-3, "objective": "v", "sampling_steps": 5}


@pytest.fixture(scope="module")
def plane() -> Any:
    """The ring, learnt a little."""
    trained = learner("diffusion", points(600), **SMALL)
    train(trained, 250)
    return trained


@pytest.fixture(scope="module")
def by_class() -> Any:
    """A U-Net for pictures of two classes: light above, or light below."""
    trained = learner("diffusion", pictures(200), conditional=True, ema=0.98, **UNET)
    train(trained, 100)
    return trained


def finished(steps: Any) -> Denoised:
    *_, made = steps
    assert isinstance(made, Denoised)
    return made


def apart(trained: Any) -> float:
    """Energy distance over that of real points."""
    found = measured(trained.model)
    return found["energy_distance"] / found["energy_distance_real"]


def test_points_come_to_the_data_and_with_an_ema_that_is_never_updated_they_do_not(
    plane: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = learner("diffusion", points(600), **SMALL)
    with monkeypatch.context() as broken:
        broken.setattr(learning, "update_ema", lambda *_: None)
        train(stale, 5)
    newest, average = stale.model.network.state_dict(), stale.model.average.state_dict()
    assert any((newest[name] != average[name]).any() for name in newest)
    stale.model.network.load_state_dict(plane.model.network.state_dict())
    assert apart(plane) < 12 < apart(stale)


def test_an_evaluation_says_what_knowing_nothing_and_what_real_points_reach(plane: Any) -> None:
    found = measured(plane.model, exact=True)
    assert found["val_loss"] < 0.8 * found["simple_loss"] and found["simple_loss"] == 1
    assert 0 < found["energy_distance_real"] < found["energy_distance"]
    for objective in ("x0", "v", "flow"):
        fresh = learner("diffusion", points(600), **SMALL | {"objective": objective})
        untrained = measured(fresh.model)
        # the network begins at zero, and standardised points have the mean zero
        assert untrained["val_loss"] == pytest.approx(untrained["simple_loss"], rel=0.1)


def test_what_is_seen_while_it_learns(plane: Any, by_class: Any) -> None:
    found = [s for s in plane.preview() if not isinstance(s, Tick)]
    shown: dict[str, Any] = {snapshot.channel: snapshot for snapshot in found}
    assert set(shown) == {"plane", "paths", "score_80", "score_50", "score_20", "loss_by_level"}
    assert isinstance(shown["loss_by_level"], Bars) and len(shown["loss_by_level"].values) == 10
    walked = shown["paths"]
    assert isinstance(walked, Plane) and walked.paths.shape == (60, 11, 2)
    assert all(s.sound() for s in found if isinstance(s, Plane))
    assert walked.paths[:, -1] == pytest.approx(walked.fake, abs=0.01)
    assert walked.paths[:, 0] == pytest.approx(plane.model.data.outside(plane.model.fixed[0][:60]), abs=0.01)
    seen: dict[str, Any] = {s.channel: s for s in by_class.preview() if not isinstance(s, Tick)}
    assert set(seen) == {"samples", "expected", "loss_by_level"} and isinstance(seen["samples"], Pictures)
    assert {s.channel for s in by_class.opening(0)} == {"real"}


def test_the_score_of_points_is_that_of_the_data_and_of_a_network_that_is_not_told_the_time_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of one Gaussian of mean 0 and deviation 1 inside, it is known: -x at every level, so s^2 times it is -s^2 x."""
    rng, told = np.random.default_rng(0), ClassDenoiser.forward
    cloud = PointDataset(points(10).info, rng.normal([3.0, -1.0], 0.5, (2000, 2)).astype(np.float32))
    places = rng.normal([3.0, -1.0], 0.4, (50, 2)).astype(np.float32)

    def error() -> float:
        trained = learner("diffusion", cloud, **SMALL | {"width": 16, "layers": 1, "learning_rate": 0.02, "objective": "x0"})
        train(trained, 200)
        model, away = trained.model, []
        for share in (0.2, 0.5, 0.9):
            wanted = -(model.level(share).noise ** 2) * (places - model.data.mean)
            away.append(np.abs(model.score(places, share) - wanted).max() / np.abs(wanted).max())
        return max(away)

    right = error()
    monkeypatch.setattr(ClassDenoiser, "forward", lambda self, x, time, condition: told(self, x, time * 0, condition))
    wrong = error()
    assert right < 0.35 and wrong > 2 * right, (right, wrong)


def test_guidance_0_ignores_the_class_1_is_the_conditional_model_and_more_exaggerates(by_class: Any) -> None:
    model = by_class.model
    noise, labels = model.noise(8, 0), np.arange(8) % 2
    none = np.full(8, -1)
    x, level = torch.from_numpy(noise).view(8, 1, 8, 8), model.levels.level(500)

    def output(guidance: float, asked: Any) -> torch.Tensor:
        with torch.no_grad():
            return model.sampling(Sampler(guidance=guidance)).predict(x, level, torch.from_numpy(asked))[0]

    def made(guidance: float, asked: Any) -> Any:
        return finished(model.sampling(Sampler("ddim", 5, guidance=guidance)).sample(noise, asked)).samples

    assert torch.equal(output(0.0, labels), output(0.0, none)) and torch.equal(output(0.0, labels), output(0.0, 1 - labels))
    assert np.array_equal(made(0.0, labels), made(1.0, none))
    with torch.no_grad():
        told = model.average(x, torch.tensor([level.time]), model.average.condition(torch.from_numpy(labels), 1))
        without = model.average(x, torch.tensor([level.time]), model.average.condition(None, 1))
        wanted = without + 2.5 * (told - without)
        clean = level.signal * x - level.noise * wanted
        found = model.sampling(Sampler(guidance=2.5)).predict(x, level, torch.from_numpy(labels))[1]
        assert torch.allclose(found, clean.clamp(-1, 1), atol=1e-5)
        conditional = model.predict(x, level, torch.from_numpy(labels))[1]
        assert torch.equal(conditional, (level.signal * x - level.noise * told).clamp(-1, 1))
    assert not np.array_equal(made(1.0, labels), made(1.0, 1 - labels))


def test_shared_targets_are_those_of_single_samples_on_average_with_less_randomness() -> None:
    """Products with a function of the noisy sample: the same mean over many batches, and a twin that shares evenly has not."""
    torch.manual_seed(0)
    even = torch.full((32, 32), 1 / 32)
    moments: dict[str, list[torch.Tensor]] = {"own": [], "shared": [], "even": []}
    for _ in range(1500):
        x, noise = torch.randn(32, 2) * torch.tensor([0.2, 1.0]) + torch.randint(0, 2, (32, 1)) * 2 - 1, torch.randn(32, 2)
        spread = torch.rand(32, 1) * 0.99 + 0.005
        signal = (1 - spread**2).sqrt()
        mixed = signal * x + spread * noise
        clean, expected = shared(x, noise, signal, spread)
        assert torch.allclose(signal * clean + spread * expected, mixed, atol=1e-5)
        for name, one in (("own", x), ("shared", clean), ("even", even @ x)):
            moments[name].append((one * (3 * mixed).sin()).mean(0))
    own, together, wrong = (torch.stack(moments[name]) for name in moments)

    def apart(other: torch.Tensor) -> float:
        found = other - own
        return float((found.mean(0).abs() / (found.std(0) / len(found) ** 0.5)).max())

    assert apart(together) < 4 < 10 < apart(wrong)
    assert (together.std(0) < own.std(0)).all()


def test_shared_targets_keep_to_the_class_that_the_network_is_told() -> None:
    x, noise = torch.tensor([[1.0], [-1.0], [1.1]]), torch.zeros(3, 1)
    signal, spread = torch.full((3, 1), 0.1), torch.ones(3, 1)
    told, labels = torch.tensor([0, 1, -1]), torch.tensor([0, 1, 0])
    clean, _ = shared(x, noise, signal, spread, (told < 0)[:, None] | (told[:, None] == labels))
    assert 1.0 < clean[0] < 1.1 and clean[1] == -1 and 0.2 < clean[2] < 0.6
    trained = learner("diffusion", pictures(40), conditional=True, shared_targets=True, **UNET)
    assert np.isfinite(list(train(trained, 2).values())).all()


def test_pictures_are_measured_while_they_are_trained_where_that_costs_a_tenth(by_class: Any) -> None:
    model = by_class.model
    assert not {"frechet_distance", "agreement"} & measured(model.sampling(Sampler("ddpm", 4000))).keys()
    frequent = learner("diffusion", pictures(400), conditional=True, evaluate_every=1000, **UNET)
    found = measured(frequent.model)
    assert {"frechet_distance", "frechet_distance_floor", "coverage", "agreement", "nearest_ratio"} <= found.keys()
    assert not {"frechet_distance"} & measured(learner("diffusion", pictures(400), evaluate_every=10, **UNET).model).keys()


def lighter(samples: Any) -> Any:
    return samples[:, :4].mean((1, 2, 3)) > samples[:, 4:].mean((1, 2, 3))


def test_a_class_can_be_asked_for_and_not_where_the_condition_is_always_dropped(
    by_class: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = learner("diffusion", pictures(40), conditional=True, **UNET | {"class_dropout": 1.0})
    before = deaf.model.network.classes.weight.detach().clone()
    train(deaf, 3)
    changed = (deaf.model.network.classes.weight != before).any(1).tolist()
    assert changed == [False, False, True], "a class that is always hidden is learnt"
    right, known = [], ClassDenoiser.condition
    for _ in range(2):
        asked = np.arange(40) % 2
        samples = finished(by_class.model.sample(by_class.model.noise(40, 1), asked)).samples
        right.append((lighter(samples) == (asked == 0)).mean())
        monkeypatch.setattr(ClassDenoiser, "condition", lambda self, _labels, count: known(self, None, count))
    assert right[0] >= 0.9 and right[1] < 0.8, right


def test_samples_depend_on_their_noise_alone_and_random_samplers_repeat(plane: Any) -> None:
    model, noise = plane.model, plane.model.noise(20, 3)
    for sampler in (Sampler("ddpm", 10), Sampler("ddim", 10, eta=0.5), Sampler("heun", 5)):
        one, two = (finished(model.sampling(sampler).sample(noise)).samples for _ in range(2))
        assert np.array_equal(one, two)
    steps = [*model.sampling(Sampler("ddim", 7)).sample(noise)]
    assert [round(step.done * 7) for step in steps] == [1, 2, 3, 4, 5, 6, 7]
    assert [step.before for step in steps[1:]] == [step.after for step in steps[:-1]] and steps[-1].after == 0
    assert np.array_equal(steps[-1].samples, steps[-1].clean)


def test_noise_is_found_again_and_a_sample_walks_back_from_a_little_noise(plane: Any) -> None:
    exact = plane.model.sampling(Sampler("heun", 50))
    noise = exact.noise(50, 5)
    made = finished(exact.sample(noise)).samples
    assert np.median(np.abs(exact.encode(made) - noise)) < 0.1
    assert np.median(np.linalg.norm(exact.reconstruct(made) - made, axis=1)) < 0.05
    little, much = (finished(exact.restore(made, exact.noise(50, 6), share, None)).samples for share in (0.05, 0.9))
    moved = [np.median(np.linalg.norm(one - made, axis=1)) for one in (little, much)]
    assert moved[0] < 0.3 < moved[1]
    clean = exact.noised(made, noise, 0.0, None)
    assert np.allclose(clean.samples, made, atol=1e-5) and exact.level(0.0) == CLEAN
    whole = exact.noised(made, noise, 1.0, None)
    assert np.allclose(whole.samples, exact.data.outside(noise), atol=0.05)


@pytest.mark.parametrize("values", [{"halvings": 0, "patch": 2, "attention": False}, {"blocks": 2, "conditional": True}])
@pytest.mark.parametrize("size", [(8, 8), (7, 10)])
def test_a_unet_costs_what_is_said_and_takes_any_size(values: dict[str, Any], size: tuple[int, int]) -> None:
    whole = pictures(60, 10)
    data = ImageDataset(whole.info, whole.pixels[:, : size[0], : size[1]].copy(), whole.labels, whole.classes)
    trained = learner("diffusion", data, **UNET | values)
    built = sum(p.numel() for module in trained.model.modules.values() for p in module.parameters())
    details = {"height": size[0], "width": size[1], "channels": 1, "classes": list(data.classes)}
    info = replace(whole.info, details=details)
    assert FAMILY.cost(trained.model.config, info, 0).parameters == built
    made = finished(trained.model.sample(trained.model.noise(3, 0), np.zeros(3, np.int64)))
    assert made.samples.shape == (3, *size, 1)
    before = [p.clone() for p in trained.model.network.parameters()]
    train(trained, 2)
    assert any((a != b).any() for a, b in zip(before, trained.model.network.parameters(), strict=True))


def test_what_cannot_be_learnt_is_said_before_the_first_step() -> None:
    def refused(data: Any, **values: Any) -> str:
        with pytest.raises((ConfigError, DataError)) as caught:
            learner("diffusion", data, **values)
        return str(caught.value)

    assert "a U-Net needs pictures" in refused(points(), network="unet")
    assert "choose 2 or fewer" in refused(pictures(40), network="unet", halvings=3)
    assert "choose 1 or fewer" in refused(pictures(40), network="unet", halvings=2, patch=2)
    assert "choose 4 or smaller" in refused(pictures(40), network="unet", halvings=0, patch=5)
    assert "one picture" in refused(pictures(1))
    assert "class" in refused(points(), conditional=True)
    some = pictures(40)
    lacking = ImageDataset(some.info, some.pixels, some.labels, (*some.classes, "left"))
    assert "no training sample has the class 'left'" in refused(lacking, conditional=True)
    assert DiffusionConfig.problems({"conditional": True, "class_dropout": 0.0, "guidance": 2.0})[0].field == "guidance"
    assert not DiffusionConfig.problems({"conditional": True, "class_dropout": 0.0})


def test_a_sampler_that_there_is_not_is_refused(plane: Any) -> None:
    for wrong in (Sampler("euler"), Sampler(steps=0), Sampler(eta=1.5), Sampler(guidance=-1.0), Sampler(variance="x")):
        with pytest.raises(DataError):
            plane.model.sampling(wrong)
