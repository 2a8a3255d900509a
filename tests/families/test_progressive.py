"""Networks that grow: what fading in means, the layers of Karras et al. 2018, when they grow; and broken twins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gans import pictures
from PIL import Image
from torch import Tensor

from genstudio.cli import main
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError, GenstudioError
from genstudio.evaluation import features
from genstudio.events import Series
from genstudio.families.progressive import FAMILY
from genstudio.families.progressive.config import ProgressiveConfig
from genstudio.families.progressive.doctor import doctor
from genstudio.families.progressive.growth import Growth
from genstudio.families.progressive.learner import ProgressiveLearner
from genstudio.families.progressive.model import ProgressiveModel
from genstudio.nn import growing
from genstudio.nn.growing import (
    Equalised,
    GrowingDiscriminator,
    GrowingGenerator,
    MinibatchDeviation,
    doubled,
    halved,
    pixel_norm,
    shrunk,
)
from genstudio.nn.sizes import maps_of, sizes_to
from genstudio.runs import Run
from genstudio.snapshots.samples import Pictures
from genstudio.tasks.grow import ShowFading, stage_of
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.sample import Sample
from genstudio.training.optim import Adam
from helpers import result

SMALL = {"channels": 4, "largest": 8, "latent": 6, "batch": 8, "growth": "steps", "stage_steps": 10, "evaluate_every": 1000}
CLI = [f"{name}={value}" for name, value in SMALL.items()]
MAPS = (8, 8, 4)


def learner(seed: int = 0, size: int = 16, count: int = 60, classes: int = 2, **values: Any) -> ProgressiveLearner:
    config, dataset = ProgressiveConfig.parse({**SMALL, **values}), pictures(count, size)
    if classes == 1:
        dataset = replace(dataset, labels=np.zeros(count, np.int64))
    data = finished(FAMILY.prepare(config, dataset))
    return ProgressiveLearner(ProgressiveModel(config, data, "cpu", seed), seed)


def train(one: ProgressiveLearner, first: int, last: int, of: int = 100) -> None:
    for step in range(first, last + 1):
        torch.manual_seed(step)
        one.training_step(one.batch(step), step, (step - 1) / of)


def networks() -> tuple[GrowingGenerator, GrowingDiscriminator]:
    torch.manual_seed(0)
    return GrowingGenerator(6, MAPS, 1), GrowingDiscriminator(MAPS, 1)


def alone(generator: GrowingGenerator, z: Tensor) -> Tensor:
    """The network of the full size, written down without anything of the sizes before."""
    x = growing.rectified(generator.begin(pixel_norm(z)).unflatten(1, (-1, 4, 4)), True)
    x = growing.rectified(generator.first(x), True)
    for block in generator.blocks:
        x = block(doubled(x))
    made: Tensor = generator.outputs[-1](x)
    return made


def fades_right(generator: GrowingGenerator, discriminator: GrowingDiscriminator) -> bool:
    """Whether a fade of 0 is the smaller network and one of 1 the larger one without a skip, bitwise, and what lies between is
    mixed in that proportion."""
    z, real = torch.randn(5, 6), torch.randn(5, 1, 16, 16)
    smaller = torch.equal(generator(z, 2, 0.0), doubled(generator(z, 1)))
    larger = torch.equal(generator(z, 2, 1.0), alone(generator, z))
    judged = torch.equal(discriminator(real, 2, 0.0), discriminator(halved(real), 1))
    mixed = torch.allclose(generator(z, 2, 0.25), 0.75 * generator(z, 2, 0.0) + 0.25 * generator(z, 2, 1.0), atol=1e-6)
    seen = torch.equal(shrunk(real, 16, 0.0), doubled(halved(real))) and torch.equal(shrunk(real, 8), halved(real))
    return smaller and larger and judged and mixed and seen


def test_a_fade_of_0_is_the_smaller_network_and_of_1_the_larger_without_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fades_right(*networks())
    right = torch.lerp
    monkeypatch.setattr(growing.torch, "lerp", lambda start, end, weight: right(start, end, 1 - weight))
    assert not fades_right(*networks())  # the broken twin: an inverted fade


def test_with_an_inverted_fade_a_growing_model_forgets_what_it_has_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    def jump() -> float:
        """How far the pictures move where the next size begins, as a share of what lies between two of them."""
        one = learner()
        train(one, 1, 9)
        noise = one.model.fixed[0]
        before = one.model.outside(one.model.made(noise, "generator")).astype(float)
        one._grow(0.1)
        assert one.model.size == 8
        after = one.model.outside(one.model.made(noise, "generator")).astype(float)
        return float(np.abs(after - before).mean() / before.std(0).mean())

    assert jump() == 0
    right = torch.lerp
    monkeypatch.setattr(growing.torch, "lerp", lambda start, end, weight: right(start, end, 1 - weight))
    assert jump() > 0.5


def paces(equalised: bool) -> tuple[list[float], list[float]]:
    """Of layers of unlike fan-in: the deviation of the weights that are stored, and by how much of themselves those that are used
    change in one step of Adam."""
    torch.manual_seed(1)
    layers = [Equalised(4, 64, 3, equalised=equalised), Equalised(512, 64, equalised=equalised)]
    stored, moved = [], []
    for layer in layers:
        stored.append(float(layer.weight.detach().std()))
        used = layer.effective.detach().clone()
        deviation = growing._GAIN / np.sqrt(layer.weight[0].numel())
        assert float(used.std()) == pytest.approx(deviation, rel=0.05)  # of He et al. 2015, either way
        optimizer = Adam(layer.parameters(), 1e-3, (0.0, 0.99))
        layer(torch.randn(8, *((4, 6, 6) if used.ndim == 4 else (512,)))).square().sum().backward()
        optimizer.update()
        moved.append(float((layer.effective.detach() - used).norm() / used.norm()))
    return stored, moved


def test_equalised_layers_have_weights_of_deviation_1_and_learn_at_one_pace() -> None:
    stored, moved = paces(equalised=True)
    assert stored == pytest.approx([1.0, 1.0], rel=0.05) and moved[0] == pytest.approx(moved[1], rel=0.1)
    stored, moved = paces(equalised=False)  # the broken twin
    assert max(stored) < 0.5 and max(moved) / min(moved) > 2


def test_what_passes_an_equalised_layer_keeps_its_scale() -> None:
    torch.manual_seed(0)
    convolution, linear = Equalised(32, 64, 3, gain=1.0), Equalised(300, 64, gain=1.0)
    with torch.no_grad():
        assert float(convolution(torch.randn(8, 32, 12, 12))[..., 1:-1, 1:-1].std()) == pytest.approx(1, rel=0.1)
        assert float(linear(torch.randn(99, 300)).std()) == pytest.approx(1, rel=0.1)


def test_pixel_norm_gives_every_place_a_mean_square_of_1() -> None:
    x = torch.randn(3, 16, 5, 5) * torch.rand(3, 1, 5, 5) * 100
    assert torch.allclose(pixel_norm(x).square().mean(1), torch.ones(3, 5, 5), atol=1e-4)
    made = learner().model.generator.first
    assert made.scale < 1  # it follows a layer that is scaled
    one, other = learner(), learner(pixel_norm=False)
    z = torch.randn(4, 6)
    assert torch.allclose(one.generator(z, 0), one.generator(7 * z, 0), atol=1e-5)
    assert not torch.allclose(other.generator(z, 0), other.generator(7 * z, 0), atol=1e-2)


def gives_away(discriminator: GrowingDiscriminator) -> bool:
    """Whether the score of a picture depends on how much it differs from the others of its batch."""
    torch.manual_seed(3)
    real = torch.randn(6, 1, 16, 16)
    same = real[:1].expand(6, -1, -1, -1)
    return bool((discriminator(real, 2)[0] - discriminator(same, 2)[0]).abs() > 1e-5)


def test_minibatch_deviation_is_0_for_equal_pictures_and_gives_lack_of_variety_away(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = MinibatchDeviation()
    equal = torch.randn(1, 4, 3, 3).expand(5, -1, -1, -1)
    assert float(layer.measure(equal)) == pytest.approx(0, abs=1e-3)
    assert layer(equal).shape == (5, 5, 3, 3)
    assert float(layer.measure(torch.randn(4000, 4, 3, 3))) == pytest.approx(1, rel=0.02)
    layer.remember()
    layer.eval()
    assert float(layer.measure(equal)) == float(layer.usual) > 0.9
    assert gives_away(networks()[1])
    torch.manual_seed(0)
    assert not gives_away(GrowingDiscriminator(MAPS, 1, deviation=False))  # left out
    monkeypatch.setattr(MinibatchDeviation, "measure", lambda self, x: torch.zeros(()))
    assert not gives_away(networks()[1])  # always zero


def grown(config: Mapping[str, Any], steps: int, of: int = 100, seconds: float = 0.0, sizes: int = 3) -> list[tuple[int, float]]:
    growth, config = Growth(sizes, (1, 16, 16, 1), True), ProgressiveConfig.parse(config)
    found = []
    for step in range(1, steps + 1):
        growth.advance(config, (step - 1) / of, seconds)
        found.append((growth.stage, round(growth.fade, 6)))
    return found


def test_it_grows_by_steps_by_the_clock_or_with_the_plan() -> None:
    by_steps = grown({"growth": "steps", "stage_steps": 10, "fade": 0.5}, 40)
    assert by_steps[8] == (0, 1.0) and by_steps[9] == (1, 0.0) and by_steps[12] == (1, 0.6) and by_steps[14] == (1, 1.0)
    assert by_steps[19] == (2, 0.0) and by_steps[24] == by_steps[-1] == (2, 1.0)
    assert grown({"growth": "clock", "stage_seconds": 5.0, "fade": 0.5}, 40, seconds=0.5) == by_steps
    assert grown({"growth": "plan", "full_share": 0.5, "fade": 0.5}, 100)[23:27:2] == [(0, 1.0), (1, 0.0)]
    planned = grown({"growth": "plan", "full_share": 0.5, "fade": 0.5}, 100)
    assert planned[51] == (2, 0.0) and planned[70] == (2, 1.0)
    assert set(grown({"grow": False}, 5)) == {(0, 1.0)} and Growth(3, (1, 16, 16, 1), False).stage == 2
    assert grown({"growth": "steps", "stage_steps": 10, "fade": 0.0}, 40)[9:11] == [(1, 0.0), (1, 1.0)]
    assert grown({"growth": "steps", "stage_steps": 10, "fade": 1.0}, 40)[20] == (2, 0.0)


def test_the_growth_can_be_held_and_moved_on_and_a_longer_plan_never_makes_it_smaller() -> None:
    growth, config = Growth(3, (1, 16, 16, 1), True), ProgressiveConfig(growth="steps", stage_steps=10)
    held = config.model_copy(update={"hold_size": True})
    for step in range(30):
        assert not growth.advance(held, step / 100, 0.0)
    assert growth.stage == 0
    assert growth.advance(held.model_copy(update={"advance_size": 1}), 0.3, 0.0) and (growth.stage, growth.fade) == (1, 0.0)
    growth.advance(held.model_copy(update={"advance_size": 1}), 0.31, 0.0)
    assert (growth.stage, growth.fade) == (1, 0.0)  # once only, and it is held still
    growth.advance(held.model_copy(update={"advance_size": 2}), 0.32, 0.0)
    assert (growth.stage, growth.fade) == (1, 1.0)  # a fade-in is completed
    planned, growth = ProgressiveConfig(growth="plan", full_share=0.5), Growth(3, (1, 16, 16, 1), True)
    for step in range(45):
        growth.advance(planned, step / 100, 0.0)
    now = growth.stage, growth.fade
    assert now[0] == 1
    growth.advance(planned, 0.2, 0.0)  # it was made twice as long
    assert (growth.stage, growth.fade) == now
    growth.advance(planned, 0.25, 0.0)
    assert growth.settled > 0 or growth.fade > now[1] or growth.stage > now[0]


def test_sizes_and_maps_follow_each_other() -> None:
    assert sizes_to(16) == (4, 8, 16) and sizes_to(4) == (4,) and sizes_to(12) == sizes_to(20) == ()
    assert maps_of(4, 16, 64) == (64, 64, 32, 16)


BAD: list[tuple[str, Callable[[], Any], str]] = [
    ("a size between", lambda: learner(size=12), "12 x 12 pixels cannot be reached by doubling 4 x 4: squares of 8, 16, 32, 64"),
    ("what to take", lambda: learner(size=28), "import them again in a size of 32"),
    ("one picture", lambda: learner(count=1), "only one picture"),
    ("a tiny set", lambda: learner(count=5, batch=32), "32 is more than the 4 training pictures; choose fewer"),
    ("few of them used", lambda: learner(examples=4), "8 is more than the 4 training pictures; choose fewer"),
]


@pytest.mark.parametrize(("what", "does", "says"), BAD, ids=[what for what, _, _ in BAD])
def test_what_it_cannot_learn_from_is_said_before_the_first_step(what: str, does: Callable[[], Any], says: str) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        does()
    assert says in str(caught.value)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A home with two runs of 14 steps that end in the middle of a fade-in: in one go, and stopped at 12 in the same."""
    place = tmp_path_factory.mktemp("progressive")
    folder = place / "noisy squares"
    folder.mkdir()
    for number in range(40):
        pixels = np.random.default_rng(number).integers(0, 255, (16, 16, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place))
        patch.setattr(features, "_STEPS", 3)
        begin = ["train", "progressive", "--data", str(folder), "--set", *CLI, "--steps", "14", "--quiet"]
        assert main([*begin, "--name", "whole"]) == 0
        assert main([*begin, "--name", "parts", "--stop-after", "12"]) == 0
        (parts,) = (place / "runs").glob("*_parts")
        assert Models().get(ModelRef(str(parts))).model.grown == (8, pytest.approx(0.4))
        assert main(["resume", str(parts), "--quiet"]) == 0
    return place, [str(next((place / "runs").glob(f"*_{name}"))) for name in ("whole", "parts")]


def test_a_run_goes_on_bitwise_in_the_middle_of_a_fade_in(home: tuple[Path, list[str]]) -> None:
    models = [Models().get(ModelRef(run)).model for run in home[1]]
    assert models[0].grown == (8, pytest.approx(0.8))
    for part, module in models[0].modules.items():
        for name, tensor in module.state_dict().items():
            assert torch.equal(tensor, models[1].modules[part].state_dict()[name]), (part, name)
    notices = [[n.text for n in Run.open(run).notices() if n.kind == "milestone"] for run in home[1]]
    assert notices[0] == notices[1] == ["8 x 8 fades in."]


def test_every_size_is_kept_in_a_row_and_can_be_sampled(
    home: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GENSTUDIO_HOME", str(home[0]))
    run = Run.open(home[1][0])
    shown = run.load_snapshot("sizes", run.snapshot_steps("sizes")[-1])
    assert isinstance(shown, Pictures) and shown.classes == ("4 x 4", "8 x 8 at 80%", "real")
    assert len(shown.pixels) == 24 and shown.pixels.shape[1:] == (16, 16, 3)
    blocks = shown.pixels[:8].reshape(8, 4, 4, 4, 4, 3)
    assert (blocks == blocks[:, :, :1, :, :1]).all()  # 4 x 4 pixels, each as large as 4 x 4
    reference = ModelRef(str(run.folder))
    small = result(Sample(reference, 3, grown=(4, 1.0))).samples
    faded = result(Sample(reference, 3, grown=(8, 0.0))).samples
    assert (small == faded).all() and (result(Sample(reference, 3)).samples != small).any()
    assert main(["sample", str(run.folder), "--size", "8", "--fade", "0", "--out", str(tmp_path / "made.npz")]) == 0
    for size, fade, says in (("5", "1", "no pictures of 5 pixels. Available: 4, 8, 16"), ("8", "2", "not a share")):
        assert main(["sample", str(run.folder), "--size", size, "--fade", fade, "--out", str(tmp_path / "n.npz")]) == 2
        assert says in " ".join(capsys.readouterr().err.split())


def test_the_slider_over_all_sizes_shows_both_and_what_is_mixed_of_them(home: tuple[Path, list[str]]) -> None:
    reference, models = ModelRef(home[1][0]), Models()
    found = result(ShowFading(reference, 4, 1), models)
    assert found.at == found.reached == pytest.approx(0.8) and found.sizes == (4, 8, 16) and found.step == 14
    mixed = 0.2 * found.before.astype(float) + 0.8 * found.after
    whole = (found.before % 255 != 0) & (found.after % 255 != 0)  # the others were cut off at black or white
    assert whole.mean() > 0.3 and np.abs(mixed - found.mixed)[whole].max() <= 1.01
    first = result(ShowFading(reference, 4, 1, at=0.0), models)
    assert (first.mixed == found.before).all() and stage_of(0.0) == (0, 1.0) and stage_of(1.25) == (2, 0.25)


def test_one_that_does_not_grow_has_one_row_and_the_full_size_at_once() -> None:
    one = learner(grow=False)
    train(one, 1, 2)
    shown = {snapshot.channel: snapshot for snapshot in one.preview()}
    assert shown["sizes"].classes == ("16 x 16", "real") and one.model.grown == (16, 1.0) and one.marks() == ()
    same = torch.equal(one.generator.begin.weight, learner(1, grow=True).generator.begin.weight)
    assert not same and [p.shape for p in one.generator.parameters()] == [p.shape for p in learner().generator.parameters()]


def test_the_real_pictures_are_shown_again_where_they_are_seen_otherwise() -> None:
    one = learner(stage_steps=4)
    counts = []
    for step in range(1, 8):
        train(one, step, step)
        counts.append(sum(snapshot.channel == "real" for snapshot in one.preview()))
    assert counts == [1, 0, 0, 1, 1, 1, 0]  # at the first look, and as the next size fades in


def series(numbers: Mapping[str, Any], step: int) -> dict[str, Series]:
    steps = np.arange(1, step + 1, dtype=np.int64)
    return {
        name: Series(steps, np.broadcast_to(np.asarray(value(steps) if callable(value) else value, float), steps.shape).copy())
        for name, value in numbers.items()
    }


WELL: dict[str, Any] = {
    "size": lambda steps: np.where(steps > 300, 8, 4), "fade": lambda steps: np.clip((steps - 300) / 200, 0.01, 1),
    "accuracy_real": 0.6, "accuracy_fake": 0.6, "d_real": 0.55, "d_fake": 0.45, "gradient_norm_g": 0.1, "gradient_norm_d": 0.1,
    "motion": lambda steps: 0.3 * np.exp(-steps / 500),
}  # fmt: skip
ILL: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("unsettled", {"motion": 0.5}, {}, "8 x 8 does not settle"),
    ("stays_small", {"size": 4, "fade": 1.0}, {}, "are still 4 x 4"),
]


@pytest.mark.parametrize(("name", "numbers", "settings", "says"), [("", {}, {}, ""), *ILL])
def test_each_illness_is_told_with_something_to_try_and_a_healthy_run_is_left_alone(
    name: str, numbers: dict[str, Any], settings: dict[str, Any], says: str
) -> None:
    now = ProgressiveConfig(**settings).model_dump()
    watch, found = doctor(), []
    whole = series(WELL | numbers, 3400)
    for first in range(0, 3400, 100):
        now_seen = slice(first, first + 100)
        part = {key: Series(one.steps[now_seen].copy(), one.values[now_seen].copy()) for key, one in whole.items()}
        found += watch.see(part, (), now)
    assert [one.name for one in found] == ([name] if name else [])
    for one in found:
        assert says in one.sentence and one.evidence
        assert one.advice and all(advice.text and advice.values.keys() <= now.keys() for advice in one.advice)


def heeds_its_class(one: ProgressiveLearner) -> bool:
    """Whether noise becomes another picture, and a picture gets another score, for another class, at every size."""
    model, noise = one.model, one.model.noise(4, 1)
    labels = np.zeros(4, np.int64)
    heeded = []
    for size in model.sizes:
        grown = model.grown_to(size, 1.0)
        made, other = grown.made(noise, "generator", labels), grown.made(noise, "generator", labels + 1)
        scores = grown.d_score(made, labels), grown.d_score(made, labels + 1)
        heeded.append(not torch.equal(made, other) and bool(np.abs(scores[0] - scores[1]).max() > 1e-6))
    return all(heeded)


def test_every_size_heeds_the_class_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    one = learner(conditional=True)
    train(one, 1, 25)
    assert one.model.size == 16 and heeds_its_class(one)
    shown = {snapshot.channel: snapshot for snapshot in one.preview()}
    assert shown["fixed"].arrangement[1] == "columns" and shown["real"].labels is not None
    generator, discriminator = one.generator, one.discriminator
    noise, labels = torch.randn(4, 6), torch.tensor([0, 1, 0, 1])
    assert torch.equal(generator(noise, 2, 0.0, labels), doubled(generator(noise, 1, 1.0, labels)))
    real = torch.randn(4, 1, 16, 16)
    assert torch.equal(discriminator(real, 2, 0.0, labels), discriminator(halved(real), 1, 1.0, labels))
    right = torch.nn.Embedding.forward
    monkeypatch.setattr(torch.nn.Embedding, "forward", lambda self, x: right(self, torch.zeros_like(x)))
    assert not heeds_its_class(one)  # the broken twin: one class for all
    with pytest.raises(ConfigError, match="have the same class"):
        learner(conditional=True, classes=1)


def test_a_model_that_has_one_size_says_so(home: tuple[Path, list[str]]) -> None:
    one = learner()
    with pytest.raises(GenstudioError):
        result(ShowFading(ModelRef(str(home[0] / "runs" / "nothing"))))
    assert one.model.grown_to(4, 1.0).size == 4 and one.model.size == 4
