"""A ViT on pictures with classes: what it learns, what it does not see, what it refuses, and what stands beside it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from genstudio.cli import main
from genstudio.data import shelf
from genstudio.data.datasets import ImageDataset
from genstudio.data.learnable.classes import attributes, with_classes
from genstudio.data.split import SplitSettings
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError, RunError
from genstudio.events import Series
from genstudio.families.vit import FAMILY, ViTConfig
from genstudio.families.vit import networks as net
from genstudio.families.vit.config import patch_problem
from genstudio.families.vit.data import ViTData, draw
from genstudio.families.vit.learner import ViTLearner, confusion
from genstudio.families.vit.model import HIDDEN, ViTModel
from genstudio.nn.patches import patchify, unpatchify
from genstudio.snapshots import codec
from genstudio.snapshots.patches import PatchAttention
from genstudio.tasks.classify import Classify, ClassifyPictures
from genstudio.tasks.datasets import ReadParts
from genstudio.tasks.models import ModelRef
from genstudio.tasks.train import Train
from helpers import answer, result, run_task

SMALL: dict[str, Any] = {"patch": 2, "layers": 2, "d_model": 32, "heads": 4, "warmup": 0}


def dataset(name: str = "digits8") -> ImageDataset:
    found = shelf.open_dataset(shelf.find_dataset(name, ("images",)))
    assert isinstance(found, ImageDataset)
    return found


def learner(values: dict[str, Any], pictures: ImageDataset | None = None, seed: int = 0) -> ViTLearner:
    config = ViTConfig.parse({**SMALL, **values})
    data = finished(FAMILY.prepare(config, pictures or dataset()))
    made = FAMILY.learner(FAMILY.model(config, data, "cpu", seed), seed)
    assert isinstance(made, ViTLearner)
    return made


def trained(one: ViTLearner, steps: int) -> ViTLearner:
    for step in range(1, steps + 1):
        torch.manual_seed(step)
        one.training_step(one.batch(step), step, (step - 1) / steps)
    return one


def score(one: ViTLearner, **how: Any) -> dict[str, float]:
    *_, last = one.model.evaluate(**how)
    return dict(last.result)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ViTLearner]:
    """A ViT that names digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(tmp_path_factory.mktemp("home")))
        torch.set_num_threads(1)
        yield trained(learner({}), 150)


def made(pixels: np.ndarray, labels: np.ndarray | None, classes: tuple[str, ...] = ("low", "high"), **more: Any) -> ImageDataset:
    info = dataclasses.replace(shelf.find_dataset("digits8", ("images",)), title="Made", sha256="0" * 64)
    return ImageDataset(info, pixels, labels, classes if labels is not None else (), **more)


def places(count: int = 400) -> ImageDataset:
    """One bright patch each, in the upper or the lower half: nothing but its place tells the classes apart."""
    rng = np.random.default_rng(0)
    at = rng.integers(0, 16, count)
    cut = np.zeros((count, 16, 4), np.float32)
    cut[np.arange(count), at] = rng.uniform(120, 255, (count, 4))
    pixels = unpatchify(torch.from_numpy(cut), 2, 8, 8).permute(0, 2, 3, 1).numpy().astype(np.uint8)
    return made(np.ascontiguousarray(pixels), (at >= 8).astype(np.int64))


@pytest.mark.thorough
def test_it_names_held_out_digits_and_a_model_of_shuffled_labels_does_not(digits: ViTLearner) -> None:
    fresh = learner({})
    assert score(fresh)["val_loss"] == pytest.approx(math.log(10), rel=1e-5)
    assert score(digits)["accuracy"] > 0.9
    real = dataset()
    assert real.labels is not None
    shuffled = dataclasses.replace(real, labels=np.random.default_rng(0).permutation(real.labels))
    twin = trained(learner({}, shuffled), 40)
    twin.model = twin.model.on(digits.model.data)
    assert score(twin)["accuracy"] < 0.35


def test_no_held_out_picture_is_ever_drawn() -> None:
    one = learner({})
    data, config = one.model.data, one.config

    def drawn(of: ViTData) -> set[int]:
        return {int(i) for step in range(1, 200) for i in draw(config, of, 0, step).reshape(-1)}

    held = set(data.held.tolist())
    assert len(held) == 360 and not held & drawn(data)
    leaking = dataclasses.replace(data, train=np.concatenate([data.train, data.held]))
    assert held & drawn(leaking)  # the broken twin


def test_what_needs_no_network_stands_beside_it_on_the_same_split(digits: ViTLearner) -> None:
    exact = score(digits, exact=True)
    assert exact["knn_accuracy"] > 0.97 > exact["mean_picture_accuracy"] > 0.85 and exact["logistic_accuracy"] > 0.94
    assert exact["most_frequent_accuracy"] < 0.2 and exact["held_out_count"] == 360
    assert exact == score(digits, exact=True)  # kept, and the same
    assert digits.model.config.split == SplitSettings("random", 0.2, 0)
    references = finished(FAMILY.dashboard.references(digits.config, shelf.find_dataset("digits8")))  # type: ignore[misc]
    assert references["knn_accuracy"] == exact["knn_accuracy"] and references["uniform"] == pytest.approx(math.log(10))


def test_places_are_told_apart_with_positions_and_without_they_are_not() -> None:
    with_, without = (trained(learner({"positions": one, "shift": 0.0, "rotation": 0.0, "zoom": 0.0}, places()), 60)
                      for one in ("learned", "none"))  # fmt: skip
    assert score(with_)["accuracy"] > 0.95
    assert 0.3 < score(without)["accuracy"] < 0.7


def test_attention_is_that_of_what_was_read_and_the_answer_moves_when_patches_are_hidden(digits: ViTLearner) -> None:
    model = digits.model
    index = int(model.data.held[0])
    sample, order, nothing = model.data.real[index], np.arange(16), np.zeros(16, bool)
    look = model.look(sample, order, nothing, 3)
    assert look.sound() and np.array_equal(look.picture, sample) and look.weights.shape == (2, 4, 16, 16)
    assert np.allclose(look.weights.sum(-1), 1, atol=1e-5) and np.allclose(look.rollout.sum(-1), 1, atol=1e-5)
    assert look.probabilities is not None and np.allclose(look.probabilities, model.probabilities(sample[None])[0], atol=1e-5)
    less = nothing.copy()
    less[:8] = True
    some = model.look(sample, order, less)
    assert some.seen.tolist() == list(range(8, 16)) and some.weights.shape == (2, 4, 8, 8)
    other = sample.copy()
    other[:4] = 255 - other[:4]
    again = model.look(other, order, less)
    assert some.probabilities is not None and np.array_equal(some.probabilities, again.probabilities)  # it was not read
    assert np.abs(some.probabilities - look.probabilities).max() > 0.01
    covered = model.look(sample, np.where(less, HIDDEN, order), nothing)
    assert (covered.picture[:4] == 128).all() and (covered.picture[4:] == sample[4:]).all() and len(covered.seen) == 16
    turned = model.look(sample, order[::-1].copy(), nothing)
    assert np.array_equal(turned.picture[:2, :2], sample[6:, 6:])
    with pytest.raises(ValueError, match="at least one patch"):
        model.look(sample, order, ~nothing)


def test_what_it_shows_can_be_kept_and_the_confusions_have_their_pictures(digits: ViTLearner) -> None:
    shown = {one.channel: one for one in digits.preview() if hasattr(one, "channel")}
    assert set(shown) == {"real", "named", "confusion", "patches"}
    looks, cells = shown["patches"], shown["confusion"]
    assert isinstance(looks, PatchAttention) and len(looks.looks) == 6
    for one in shown.values():
        back = codec.load(one.channel, one.step, codec.dump(one))
        assert type(back) is type(one) and back.sound()
    assert cells.counts.sum() == 360 and cells.accuracy > 0.9
    tiny = confusion(1, np.arange(40, dtype=np.uint8).reshape(10, 2, 2, 1), np.array([0] * 8 + [1] * 2),
                     np.array([0] * 7 + [1] + [1, 0]), ("a", "b"))  # fmt: skip
    assert tiny.counts.tolist() == [[7, 1], [1, 1]]
    assert len(tiny.examples(0, 0)) == 3 and tiny.examples(0, 1).ravel().tolist() == [28, 29, 30, 31]
    assert len(dataclasses.replace(tiny, pixels=None, cells=None).examples(0, 1)) == 0


def test_variations_move_pictures_and_nothing_varies_where_nothing_may() -> None:
    still = {"shift": 0.0, "rotation": 0.0, "zoom": 0.0}
    pictures = torch.rand(5, 1, 8, 12) * 2 - 1
    rng = lambda: np.random.default_rng(1)  # noqa: E731
    assert torch.equal(net.varied(pictures, ViTConfig.parse(still), rng()), pictures)
    half = ViTConfig.parse({**still, "flip": True})
    mirrored = [torch.allclose(a, b.flip(-1), atol=1e-5) or torch.allclose(a, b, atol=1e-5)
                for a, b in zip(net.varied(pictures, half, rng()), pictures, strict=True)]  # fmt: skip
    assert all(mirrored)
    strong = net.varied(pictures, ViTConfig.parse({"shift": 0.3, "rotation": 90.0, "zoom": 0.5, "contrast": 0.5}), rng())
    assert strong.shape == pictures.shape and strong.abs().max() <= 1 and (strong - pictures).abs().mean() > 0.1


@pytest.mark.parametrize(
    ("values", "pictures", "says"),
    [
        ({"patch": 3}, None, "patches of 3 pixels do not fill 8 x 8; these do: 1, 2, 4, 8"),
        ({"target": "hair"}, None, "has no attribute 'hair'; it has none"),
        ({"patch": 1, "d_model": 30}, None, "30"),
    ],
)
def test_settings_that_do_not_fit_the_pictures_are_refused_at_their_field(values: Any, pictures: Any, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        learner(values, pictures)
    assert says in " ".join(problem.message for problem in error.value.problems)


def test_pictures_without_classes_or_of_one_class_are_refused_before_the_first_step() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (30, 8, 8, 1), dtype=np.uint8)
    with pytest.raises(DataError, match="have no classes") as error:
        learner({}, made(pixels, None))
    assert "masked or views" in error.value.hint
    with pytest.raises(DataError, match="have no classes") as error:
        learner({}, made(pixels, None, attributes={"hat": np.array(["none", "variant01"] * 15)}))
    assert "hat" in error.value.hint
    with pytest.raises(DataError, match="have the class 'low'"):
        learner({}, made(pixels, np.zeros(30, np.int64)))
    with pytest.raises(DataError, match="have no class: there"):
        learner({}, made(pixels, np.full(30, -1)))
    with pytest.raises(DataError, match="Too few pictures"):
        learner({}, made(pixels, np.where(np.arange(30) == 29, 1, np.where(np.arange(30) == 28, 0, -1))))
    with pytest.raises(DataError, match="are the same"):
        learner({}, made(np.zeros((30, 8, 8, 1), np.uint8), np.arange(30) % 2))
    with pytest.raises(ConfigError, match="too many for attention"):
        learner({"patch": 1}, made(rng.integers(0, 255, (4, 64, 64, 1), dtype=np.uint8), np.array([0, 1, 0, 1])))
    assert patch_problem(ViTConfig(patch=4), 28, 12) is None


def test_pictures_without_a_class_are_in_neither_part_and_the_split_is_that_of_all() -> None:
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(200) < 0.3, -1, rng.integers(0, 2, 200))
    pictures = made(rng.integers(0, 255, (200, 8, 8, 1), dtype=np.uint8), labels)
    split = SplitSettings("random", 0.2, 0)
    known, everything = with_classes(pictures, split), with_classes(pictures, split, needed=False)
    assert len(everything.train) + len(everything.held) == 200 and (labels[known.train] >= 0).all()
    assert set(known.held) < set(everything.held) and set(known.train) < set(everything.train)


@pytest.mark.thorough
def test_the_classes_of_an_attribute_are_its_values_without_their_numbers() -> None:
    faces = dataset("pixel-faces")
    known = attributes(faces)
    assert known["mouth"].names == ("happy", "sad") and known["glasses"].names == ("dark", "light", "none")
    assert known["hat"].names == ("with hat", "without hat") and len(known["hair_colour"].names) == 11
    assert result(ReadParts("pixel-faces", True)) == tuple(known) and result(ReadParts("digits8", True)) == ()
    one = learner({"patch": 4, "target": "mouth"}, faces)
    assert one.model.classes == ("happy", "sad")
    trained(one, 2)


def test_a_folder_with_a_folder_for_each_class_is_trained_on_and_its_pictures_are_classified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for name, tint in (("red", 0), ("blue", 2)):
        (tmp_path / "own" / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(0, 90, (12, 12, 3), dtype=np.uint8)
            pixels[..., tint] += 120
            Image.fromarray(pixels).save(tmp_path / "own" / name / f"{number}.png")
    sets = ["patch=4", "layers=1", "heads=2", "d_model=16", "batch=8", "warmup=0"]
    assert main(["train", "vit", "--data", str(tmp_path / "own"), "--steps", "40", "--quiet", "--set", *sets]) == 0
    run = capsys.readouterr().out.strip()
    files = [str(tmp_path / "own" / name / "3.png") for name in ("red", "blue")]
    assert main(["classify", run, *files, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["step"] == 40 and [one["class"] for one in said["pictures"]] == ["red", "blue"]
    assert sum(said["pictures"][0]["classes"].values()) == pytest.approx(1, abs=1e-5)
    assert main(["classify", run, files[0]]) == 0 and "red" in capsys.readouterr().out
    assert main(["evaluate", run, "--json"]) == 0
    assert {"accuracy", "knn_accuracy", "logistic_accuracy"} <= json.loads(capsys.readouterr().out).keys()
    for words, says in ((["--text", "a cat"], "cannot name the class of a text"), ([], "a picture, or a text"),
                        ([str(tmp_path / "gone.png")], "cannot be read"),
                        ([files[0], "--text", "a"], "either pictures")):  # fmt: skip
        assert main(["classify", run, *words]) == 2
        assert says in capsys.readouterr().err
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(DataError, match="broken"):
        result(ClassifyPictures(ModelRef(run), (str(tmp_path / "broken.png"),)))
    with pytest.raises(RunError, match="cannot name the class of a text"):
        result(Classify(ModelRef(run), ("x",)))


def test_the_doctor_names_a_bag_of_patches_a_plateau_and_a_collapse() -> None:
    def told(settings: dict[str, Any], **values: float) -> set[str]:
        one = learner({})
        doctor = FAMILY.doctor((), one.model.data)  # type: ignore[misc]
        found = set()
        for step in range(0, 1000, 100):
            at = np.arange(step + 1, step + 101)
            series = {name: Series(at, np.full(100, value)) for name, value in values.items()}
            found |= {each.name for each in doctor.see(series, (), {**ViTConfig().model_dump(), **settings})}
        return found

    assert told({}, train_loss=2.3, val_loss=2.3, gradient_norm=1.0) == {"plateau"}
    assert told({"positions": "none"}, train_loss=0.6, val_loss=0.7, gradient_norm=1.0) == {"bag"}
    assert told({"task": "views"}, train_loss=1.0, spread=0.01, gradient_norm=1.0) == {"collapsed"}
    assert told({}, train_loss=0.05, val_loss=0.6, gradient_norm=1.0) == {"memorising"}
    assert not told({}, train_loss=0.2, val_loss=0.25, gradient_norm=1.0)


def test_a_run_from_a_run_has_its_size_and_split_and_names_classes(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    values = {**SMALL, "task": "masked", "decoder_width": 16, "split_seed": 3, "evaluate_every": 1000}
    before = answer(run_task(Train("vit", "digits8", values, steps=6, name="before", runs_folder=home)), "run")
    with pytest.raises(ConfigError, match="head alone needs"):
        ViTConfig.parse({"trained": "head"})
    frames = run_task(Train("vit", "digits8", {"start": before, "trained": "head", "learning_rate": 0.02}, steps=20,
                            runs_folder=home))  # fmt: skip
    found = answer(frames, "run")
    from genstudio.tasks.models import Models

    models = Models()
    one, start = (models.get(ModelRef(run)).model for run in (found, before))
    assert isinstance(one, ViTModel) and isinstance(start, ViTModel)
    assert one.config.d_model == 32 and one.config.split_seed == 3 and one.classes and not start.classes
    for name, weight in start.encoder.state_dict().items():
        assert torch.equal(weight, one.encoder.state_dict()[name])  # only the head was trained
    assert one.head is not None and one.head.weight.abs().max() > 0
    with pytest.raises(RunError, match="was not trained to name classes"):
        result(ClassifyPictures(ModelRef(before), ("x.png",)), models)


def test_hidden_patches_never_reach_the_encoder() -> None:
    one = learner({"task": "masked", "decoder_width": 16, "dropout": 0.0})
    batch = one.batch(1)
    assert batch.kept is not None
    pictures, kept = batch.pictures[0], batch.kept[0]
    hidden = net.others(kept, 16)
    assert (hidden.sum(1) == 16 - kept.shape[1]).all() and kept.shape[1] == 6
    cut = patchify(pictures, 2)
    other = unpatchify(torch.where(hidden[..., None], -cut, cut), 2, 8, 8)
    with torch.no_grad():
        assert torch.equal(one.model.predicted(pictures, kept), one.model.predicted(other, kept))
        leaks = one.model.encoder(pictures)[:, :6]  # the broken twin
        assert not torch.equal(one.model.decoder(leaks, kept), one.model.decoder(one.model.encoder(other)[:, :6], kept))  # type: ignore[misc]


def test_normalised_patches_are_filled_in_with_their_own_brightness_and_contrast(monkeypatch: pytest.MonkeyPatch) -> None:
    one = learner({"task": "masked", "patch": 4, "decoder_width": 16, "normalised": True})
    batch, model = one.batch(1), one.model
    assert batch.kept is not None
    pictures, kept = batch.pictures[0], batch.kept[0]
    wanted, mean, scale = model.targets(pictures)
    true, hidden = patchify(pictures, 4), net.others(kept, 4)
    assert wanted.mean(-1).abs().max() < 1e-5 and torch.allclose(wanted * scale + mean, true, atol=1e-5)
    assert 0.9 < wanted.var(-1, correction=0)[true.var(-1) > 0.3].mean() <= 1
    monkeypatch.setattr(model, "predicted", lambda pictures, kept: model.targets(pictures)[0])
    filled, errors = model.fill(pictures, kept)
    assert torch.allclose(filled, pictures, atol=1e-5) and errors[hidden].abs().max() < 1e-9
    monkeypatch.setattr(model, "predicted", lambda pictures, kept: patchify(pictures, 4))  # the broken twin: plain pixels
    assert model.fill(pictures, kept)[1][hidden].mean() > 0.01 and not torch.allclose(model.fill(pictures, kept)[0], pictures)


def test_a_balanced_teacher_names_every_direction_equally_often_and_another_may_name_one_alone() -> None:
    torch.manual_seed(0)
    scores = 0.2 * torch.randn(64, 8) + torch.tensor([1.0] + [0.0] * 7)
    even, plain = net.shares(scores, 0.1, True, 50), net.shares(scores, 0.1, False)
    assert torch.allclose(even.sum(1), torch.ones(64)) and torch.allclose(even.mean(0), torch.full((8,), 1 / 8), atol=1e-3)
    assert plain.mean(0)[0] > 0.9  # the broken twin: without it, one answer for all pictures is right
    views = torch.eye(8)
    loss, found = net.contrastive(views, views, 0.5)
    assert found == 1 and loss == pytest.approx(math.log(math.exp(2) + 14) - 2, abs=1e-5)
    _, mixed = net.contrastive(views, views.flip(0), 0.5)
    assert mixed == 0
