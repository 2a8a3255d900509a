"""CycleGANs: what they can learn from, what they make smaller, that they resume, and twins of them that are broken on purpose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gans import info, pictures
from PIL import Image

from genstudio.cli import main
from genstudio.data import shelf
from genstudio.data.datasets import ImageDataset
from genstudio.data.generators import shapes
from genstudio.data.learnable.sides import A, B, SideData, from_sides, parts
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError
from genstudio.evaluation import features
from genstudio.events import Series
from genstudio.families import cyclegan
from genstudio.families.cyclegan.config import CycleGANConfig
from genstudio.families.cyclegan.doctor import doctor
from genstudio.families.cyclegan.learner import CycleGANLearner
from genstudio.families.cyclegan.model import CycleGAN, Pool
from genstudio.runs import Run
from genstudio.snapshots.samples import Pictures
from genstudio.tasks.datasets import ReadParts
from genstudio.tasks.inspect_sample import InspectSample, Shown
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.translate_pictures import TranslateHeldOut, TranslatePicture
from genstudio.training import weights
from helpers import result

SMALL = {"channels": 4, "blocks": 1, "batch": 4, "pool": 3, "evaluate_every": 10}
CLI = [f"{name}={value}" for name, value in SMALL.items()]


def coloured(count: int = 60) -> ImageDataset:
    return shapes.coloured_shapes(shapes.ColouredSettings(count=count), info("images"))


def learner(data: SideData | None = None, seed: int = 0, **values: Any) -> CycleGANLearner:
    config = CycleGANConfig.parse({**SMALL, **values})
    return CycleGANLearner(CycleGAN(config, data or from_sides(coloured(), None), "cpu", seed), seed)


def test_shapes_in_two_colours_are_unpaired_and_their_partners_are_the_same_in_the_other_colour() -> None:
    found = coloured(200)
    assert found.partners is not None and found.labels is not None
    orange, blue = ((found.pixels if side == A else found.partners)[found.labels == A] for side in (A, B))
    light = [pixels.astype(float).sum(3) / shapes._COLOURS[side].sum() for side, pixels in ((A, orange), (B, blue))]
    assert np.abs(light[0] - light[1]).max() < 0.01 and np.abs(orange.astype(int) - blue).max() > 100
    masks = [{mask.tobytes() for mask in found.pixels[found.labels == side].max(3) > 60} for side in (A, B)]
    assert len(masks[A] & masks[B]) < 5  # 100 of each: what a coarse mask has in common is chance


def test_sets_are_classes_attributes_or_datasets() -> None:
    faces = shelf.open_dataset(shelf.find_dataset("pixel-faces"))
    assert isinstance(faces, ImageDataset)
    names = parts(faces)
    assert {"with glasses", "without glasses", "mouth=happy", "mouth=sad", "hair=short"} <= set(names)
    assert (names["with glasses"] ^ names["without glasses"]).all()
    assert (faces.attributes["glasses"][names["without glasses"]] == "none").all()
    data = from_sides(faces, None, "without glasses", "with glasses")
    assert data.sides == ("without glasses", "with glasses") and len(data.real) == len(faces.pixels) and data.partners is None
    up = from_sides(pictures(60), None)
    assert up.sides == ("up", "down") and not set(up.train) & set(up.held) and len(up.of(up.held, A)) == 3
    two = from_sides(pictures(60), pictures(20, labels=False))
    assert two.sides == ("Made", "Made") and len(two.of(two.train, B)) == 18 and two.second["id"] == "made"
    assert result(ReadParts("digits8"))[:3] == ("0", "1", "2")


BAD: list[tuple[str, Callable[[], Any], str]] = [
    ("a class that is missing", lambda: from_sides(pictures(), None, "up", "sideways"), "no class 'sideways'; it has up, down"),
    ("one class twice", lambda: from_sides(pictures(), None, "up", "up"), "both sets are 'up'"),
    ("no classes", lambda: from_sides(pictures(labels=False), None), "choose a second dataset"),
    ("two sizes", lambda: from_sides(pictures(), pictures(size=12)), "12 x 12 pixels, those of 'Made' 8 x 8"),
    ("grey and colour", lambda: from_sides(pictures(), pictures(channels=3)), "import 'Made' again in grey"),
    ("one picture", lambda: from_sides(pictures(), pictures(count=1, labels=False)), "only one picture"),
    ("sizes that cannot be halved", lambda: prepared(pictures(size=10), halvings=2), "cannot be halved 2 times"),
    ("a dataset that is missing", lambda: cyclegan.resolve(CycleGANConfig(data_b="nowhere")), "There is no dataset 'nowhere'"),
    ("a dataset of texts", lambda: cyclegan.resolve(CycleGANConfig(data_b="names")), "not pictures"),
]


def prepared(dataset: ImageDataset, **values: Any) -> SideData:
    return finished(cyclegan.FAMILY.prepare(CycleGANConfig.parse(values), dataset))  # type: ignore[no-any-return]


@pytest.mark.parametrize(("what", "does", "says"), BAD, ids=[what for what, _, _ in BAD])
def test_what_it_cannot_learn_from_is_said_before_the_first_step(what: str, does: Callable[[], Any], says: str) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        does()
    assert says in str(caught.value)


def test_the_generators_make_smaller_what_the_paper_says_and_with_the_cycle_weights_swapped_they_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = learner(cycle=3.0, cycle_back=7.0, generator_weight=2.0)
    a, b = one.batch(1)

    def turned(x: torch.Tensor, side: int) -> torch.Tensor:
        return x + 0.5 if side == B else x * 0.25

    monkeypatch.setattr(one.model, "turned", turned)
    made_b, made_a = turned(a, B), turned(b, A)
    there, back = (0.25 * (a + 0.5) - a).abs().mean(), (0.25 * b + 0.5 - b).abs().mean()
    liked = [0.5 * (one.model.discriminator(s)(x) - 1).square().mean() for s, x in ((A, made_a), (B, made_b))]
    wanted = 2 * (liked[A] + liked[B]) + 3 * there + 7 * back
    loss, told = one.objective(a, b, made_a, made_b)
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5) and abs(float(there) - float(back)) > 0.01
    assert float(told["cycle_loss"]) == pytest.approx(float(there + back), rel=1e-5)
    one.change({"cycle": 7.0, "cycle_back": 3.0})  # the broken twin
    assert abs((one.objective(a, b, made_a, made_b)[0] - wanted).item()) > 0.01


def test_each_weight_has_its_effect_and_only_where_it_should() -> None:
    def moved(**values: float) -> dict[str, torch.Tensor]:
        one = learner(**values)
        for number in (1, 2):
            one.training_step(one.batch(number), number, 0.0)
        generators = ((part, one.model.modules[part]) for part in ("to_b", "to_a"))
        return {name: p.detach().clone() for part, module in generators for name, p in module.named_parameters(part)}

    whole = moved()
    for name in ("cycle", "cycle_back", "identity", "generator_weight"):
        assert any(not torch.equal(whole[key], value) for key, value in moved(**{name: 0.0}).items()), name


def test_the_pool_gives_earlier_fakes_and_keeps_what_is_new() -> None:
    pool, random = Pool(4, 1, 2, 2), torch.Generator().manual_seed(0)
    first = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 2, 2)
    given = pool.exchanged((first, -first), random)
    assert all(torch.equal(x, y) for x, y in zip(given, (first, -first), strict=True)) and int(pool.count) == 4
    later = first + 10
    a, b = pool.exchanged((later, -later), random)
    old = {float(x[0, 0, 0]) for x in a} | {float(x[0, 0, 0]) for x in pool.pictures[A]}
    assert old == {0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0} and (a < 10).any() and (b > -10).any()
    assert Pool(0, 1, 2, 2).exchanged((later, -later), random)[0] is later


def test_a_run_goes_on_bitwise_with_its_pool_and_with_both_of_its_datasets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [tmp_path / name for name in ("round things", "square things")]
    rng = np.random.default_rng(0)
    for light, folder in zip((60, 200), folders, strict=True):
        folder.mkdir()
        for number in range(20):
            pixels = rng.integers(light - 40, light + 40, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    data = ["--data", str(folders[0]), "--data-b", str(folders[1])]
    started = ["train", "cyclegan", *data, "--set", *CLI, "--steps", "8", "--quiet"]
    kept = []
    for more in ((), ("--stop-after", "5")):
        assert main([*started, *more]) == 0
        run = capsys.readouterr().out.strip()
        if more:
            assert main(["resume", run, "--quiet"]) == 0
            capsys.readouterr()
        kept.append(Run.open(run))
    models = [Models().get(ModelRef(str(run.folder))).model for run in kept]
    for part, module in models[0].modules.items():
        for name, tensor in module.state_dict().items():
            assert torch.equal(tensor, models[1].modules[part].state_dict()[name]), (part, name)
    assert int(models[0].modules["pool"].count) == 3
    assert kept[0].info.config["data_b"].startswith("square-things") and models[0].data.sides == ("round things", "square things")
    assert main(["train", "gan", "--data", "digits8", "--data-b", "digits8"]) == 2
    assert "learns from one dataset" in capsys.readouterr().err


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home, and a run of a few steps in it on shapes in two colours."""
    place = tmp_path_factory.mktemp("cyclegan")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place))
        patch.setattr(features, "_STEPS", 3)
        assert main(["train", "cyclegan", "--data", "coloured-shapes", "--set", *CLI, "--steps", "6", "--quiet"]) == 0
    (run,) = (place / "runs").iterdir()
    return place, str(run)


def test_pictures_are_translated_and_compared(
    home: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GENSTUDIO_HOME", str(home[0]))
    reference, own = ModelRef(home[1]), tmp_path / "own.png"
    Image.fromarray(np.full((40, 30, 3), 200, np.uint8)).save(own)
    found = result(TranslatePicture(reference, str(own), "orange"))
    assert found.originals.shape == found.made.shape == found.back.shape == (1, 16, 16, 3) and found.towards == A
    assert (found.originals == 200).all() and found.sides == ("orange", "blue")
    held = result(TranslateHeldOut(reference, "B", 5))
    assert held.made.shape == (5, 16, 16, 3) and held.partners is not None and held.errors.shape == (5,)
    assert main(["translate", home[1], "--picture", str(own), "--out", str(tmp_path / "made.png")]) == 0
    with Image.open(tmp_path / "made.png") as made:
        assert made.size == (16, 16)
    assert main(["translate", home[1], "--count", "2", "--to", "a", "--out", str(tmp_path / "folder")]) == 0
    names = {f"0000{n}_{what}.png" for n in (0, 1) for what in ("original", "translation", "back", "partner")}
    assert {path.name for path in (tmp_path / "folder").iterdir()} == names
    assert main(["translate", home[1], "--to", "green", "--out", str(tmp_path / "other")]) == 2
    assert "Choose A (orange) or B (blue)" in capsys.readouterr().err
    models = Models()
    run = Run.open(home[1])
    cycles = run.load_snapshot("cycles", run.snapshot_steps("cycles")[-1])
    assert isinstance(cycles, Pictures) and cycles.classes[:4] == ("orange", "→ blue", "true partner", "→ orange")
    shown = Shown(cycles.step, cycles.pixels[8].copy(), 1, 0.1)
    looked = result(InspectSample(reference, 8, shown=shown), models)
    assert looked.plain.samples.shape[1:] == (16, 16, 3) and not len(looked.latent) and looked.features is not None
    assert weights.resolve(run, "last") == 6


def test_an_evaluation_reports_the_trivial_baselines_beside_the_errors() -> None:
    one = learner()
    *_, scored = one.model.evaluate(exact=False)
    found = scored.values
    data = one.model.data
    assert data.partners is not None
    apart = [np.abs(data.real[c].astype(float) - data.partners[c]).mean() / 255 for c in (data.of(data.held, s) for s in (A, B))]
    assert found["partner_error_identity"] == pytest.approx(np.mean(apart), abs=1e-3)
    assert min(found[name] for name in ("partner_error", "cycle_error", "identity_error", "change")) > 0
    assert found["partner_error_mean"] > 0 and found["pair_error"] > found["cycle_error_mean"] > 0


WELL = {"change": 0.08, "pair_error": 0.1, "agreement": 0.95, "agreement_real": 1.0, "cycle_error": 0.01, "partner_error": 0.02,
        "partner_error_mean": 0.08}  # fmt: skip
ILL: list[tuple[str, dict[str, float], str]] = [
    ("identity_collapse", {"change": 0.01, "agreement": 0.1}, "only 10% of the translations look like the other set"),
    ("permutation", {"cycle_error": 0.09}, "differs 90% as much as another picture"),
    ("permutation", {"partner_error": 0.1}, "permuted"),
]


@pytest.mark.parametrize(("name", "numbers", "says"), [("", {}, ""), *ILL])
def test_each_illness_is_told_with_something_to_try_and_a_healthy_run_is_left_alone(
    name: str, numbers: dict[str, float], says: str
) -> None:
    at, settings = np.array([600], np.int64), CycleGANConfig(cycle=0.0).model_dump()
    told = doctor().see({key: Series(at, np.array([value])) for key, value in (WELL | numbers).items()}, (), settings)
    assert [found.name for found in told] == ([name] if name else [])
    for found in told:
        assert says in found.sentence and found.evidence
        assert found.advice and all(advice.text and advice.values.keys() <= settings.keys() for advice in found.advice)


@pytest.mark.slow
def test_shapes_find_their_partners_and_without_cycle_and_identity_they_lose_them() -> None:
    errors = []
    for off in ({}, {"cycle": 0.0, "cycle_back": 0.0, "identity": 0.0}):
        one = learner(from_sides(coloured(4000), None), channels=16, blocks=2, batch=8, pool=50, **off)
        for step in range(1, 1001):
            torch.manual_seed(step)
            one.training_step(one.batch(step), step, (step - 1) / 1000)
        *_, scored = one.model.evaluate(exact=False)
        errors.append(scored.values)
    whole, without = errors
    assert whole["partner_error"] < 0.5 * min(whole["partner_error_identity"], whole["partner_error_mean"])
    assert without["cycle_error"] > 2 * whole["cycle_error"] and without["partner_error"] > 1.5 * whole["partner_error"]
