"""Text to picture: pictures of two colours in two places, what keeps a model from following a text, and what it refuses."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from family_cases import SMALL, reader_run
from gans import info
from latents import train

from genstudio import families, paths
from genstudio.cli import main
from genstudio.data.datasets import ImageDataset
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError
from genstudio.evaluation import features, illustrations
from genstudio.families.unclip import FAMILY, UnclipConfig
from genstudio.families.unclip.data import FILE, find_reader
from genstudio.families.unclip.doctor import deaf, prior_off
from genstudio.families.unclip.model import Unclip, UnclipLearner
from genstudio.runs import Run
from genstudio.tasks.illustrate import BlendPictures, Text, arc
from genstudio.tasks.models import ModelRef
from genstudio.tasks.sample import Sample
from genstudio.tasks.train import Train
from genstudio.training.doctor import Window
from helpers import answer, result, run_task

COLOURS, SIDES = ("red", "blue"), ("left", "right")
TOWERS: Mapping[str, Any] = {
    "channels": 8, "layers": 1, "heads": 2, "d_model": 16, "embedding": 16, "batch": 32, "warmup": 0, "hold_out": False,
}
VALUES: Mapping[str, Any] = {
    "channels": 8, "patch": 2, "prior_width": 32, "prior_layers": 1, "batch": 32, "learning_rate": 5e-3, "sampling_steps": 6,
    "ema": 0.95, "guidance": 1.0,
}
_STEPS = 120


@functools.cache
def dataset() -> ImageDataset:
    """A block on black, 8x8, in one of two colours at one of two sides, of some brightness."""
    rng = np.random.default_rng(0)
    colour, side = rng.integers(0, 2, 240), rng.integers(0, 2, 240)
    pixels = np.zeros((240, 8, 8, 3), np.uint8)
    for i in range(240):
        pixels[i, 2:6, 4 * side[i] : 4 * side[i] + 4, 2 * colour[i]] = rng.integers(160, 256)
    said = tuple(f"a {COLOURS[c]} block on the {SIDES[s]}" for c, s in zip(colour.tolist(), side.tolist(), strict=True))
    found = np.array(SIDES)[side]
    return ImageDataset(info("images"), pixels, colour, COLOURS, said, {"side": found})


@functools.cache
def clip() -> Any:
    """Two towers that have learnt the dataset."""
    family = families.get("imagetext")
    config = family.config.parse(TOWERS)
    model = family.model(config, finished(family.prepare(config, dataset())), "cpu", 0)
    train(family.learner(model, 0), 60)
    return model


def kept() -> dict[str, Any]:
    reader = {"settings": clip().config.model_dump(), "name": "towers", "prompts": []}
    return {**families.get("imagetext").metadata(clip().data), FILE: reader}


def begun(seed: int = 0, **values: Any) -> UnclipLearner:
    config = UnclipConfig.parse({**VALUES, **values})
    model = Unclip(config, finished(FAMILY.prepare(config, dataset(), kept())), "cpu", seed)
    for name in ("pictures", "texts"):
        model.modules[name].load_state_dict(clip().modules[name].state_dict())
    return UnclipLearner(model, seed)


@functools.cache
def trained(**values: Any) -> Unclip:
    learner = begun(**values)
    train(learner, _STEPS)
    return learner.unclip


def follows(model: Unclip, prior: bool | None = None) -> float:
    """In which share of pictures of each text the brightest colour and side are those of the text; half and half is a quarter."""
    right = []
    for c, colour in enumerate(COLOURS):
        for s, side in enumerate(SIDES):
            told = model.made_of(model.of_texts([f"a {colour} block on the {side}"], prior))
            *_, made = told.sample(model.noise(12, 7))
            light = made.samples.astype(float)
            blue = light[..., 2].sum((1, 2)) > light[..., 0].sum((1, 2))
            rightmost = light[:, :, 4:].sum((1, 2, 3)) > light[:, :, :4].sum((1, 2, 3))
            right += ((blue == c) & (rightmost == s)).tolist()
    return float(np.mean(right))


@pytest.mark.thorough
def test_pictures_follow_the_text_through_the_prior_and_told_the_text_alone() -> None:
    assert follows(trained()) >= 0.9
    assert follows(trained(condition="text")) >= 0.9


@pytest.mark.thorough
@pytest.mark.parametrize("broken", [{"shuffled": True}, {"condition_dropout": 1.0}], ids=["shuffled", "always hidden"])
def test_shuffled_captions_and_a_condition_that_is_always_hidden_fall_to_chance(broken: dict[str, Any]) -> None:
    assert follows(trained(**broken)) < 0.6


def test_guidance_0_is_the_model_without_a_condition_and_1_the_conditional_one_exactly() -> None:
    model = trained()
    asked = torch.from_numpy(model.of_texts(["a red block on the left", "a blue block on the right"]))
    x, level = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)), model.level(0.6)
    time = torch.full((1,), level.time)

    def made(guidance: float) -> torch.Tensor:
        from dataclasses import replace

        with torch.no_grad():
            return model.sampling(replace(model.sampler, guidance=guidance)).predict(x, level, asked)[1]

    with torch.no_grad():
        without, told = (model.average(x, time, model.average.condition(c, 1)).clamp(-1, 1) for c in (None, asked))
    assert torch.equal(made(0.0), without) and torch.equal(made(1.0), told)
    assert not torch.allclose(made(0.0), made(1.0), atol=1e-3) and not torch.allclose(made(3.0), made(1.0), atol=1e-3)


def test_the_towers_stay_as_they_are_and_the_prior_comes_nearer_to_pictures_than_texts_are() -> None:
    model = trained()
    for name in ("pictures", "texts"):
        theirs = clip().modules[name].state_dict()
        assert all(torch.equal(tensor, theirs[key]) for key, tensor in model.modules[name].state_dict().items())
    *_, last = model.evaluate(exact=True)
    found = last.values
    assert found["prior_cosine"] > found["text_cosine"] and found["val_loss"] < 0.5 * found["simple_loss"]
    assert found["recall_at_1"] > 2 * found["chance"] and found["recall_at_1_real"] > 2 * found["chance"]
    assert {"agreement", "agreement_class", "agreement_side", "agreement_chance", "agreement_real"} <= set(found)
    assert found["agreement_chance"] == pytest.approx(0.25, abs=0.15)
    shuffled = trained(shuffled=True)
    *_, last = shuffled.evaluate()
    assert last.values["prior_cosine"] < found["prior_cosine"] - 0.05


def test_the_classifier_sees_what_pictures_show_and_not_what_they_were_meant_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_STEPS", 160)
    data = trained().data
    some = data.held

    def seen(made: np.ndarray) -> Mapping[str, float]:
        *_, last = _ended(illustrations.agreement(data, data.factors, some, made, torch.device("cpu")))
        return last

    real, mirrored = seen(data.real[some]), seen(np.ascontiguousarray(data.real[some][:, :, ::-1]))
    assert real["agreement"] == real["agreement_real"] > 0.9
    assert mirrored["agreement_side"] < 0.1 and mirrored["agreement_class"] > 0.9 and mirrored["agreement"] < 0.1


def _ended(work: Any) -> list[Any]:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return [end.value]


def test_vectors_between_two_lie_on_the_arc_and_begin_and_end_with_them() -> None:
    one, other = np.eye(4)[:2]
    found = arc(one, other, np.linspace(0, 1, 5))
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-6)
    assert found[0] == pytest.approx(one) and found[-1] == pytest.approx(other, abs=1e-6)
    assert (found @ one)[2] == pytest.approx(np.cos(np.pi / 4))


def test_what_goes_wrong_is_told_and_what_goes_right_is_not() -> None:
    def window(settings: Mapping[str, Any], **values: float) -> Window:
        from genstudio.events import Series

        found = Window()
        found.settings = UnclipConfig.parse(settings).model_dump()
        steps = np.arange(1, 900)
        found.add({name: Series(steps, np.full(len(steps), value)) for name, value in values.items()})
        return found

    cosines = {"text_cosine": 0.8, "prior_cosine": 0.95}
    told = prior_off(window({"prior": False}, **cosines))
    assert told is not None and told.advice[0].values == {"prior": True}
    assert prior_off(window({}, **cosines)) is None
    assert prior_off(window({"prior": False}, text_cosine=0.9, prior_cosine=0.9)) is None
    told = deaf(window({"shuffled": True}, agreement=0.05, agreement_chance=0.04))
    assert told is not None and told.advice[0].values == {"shuffled": False}
    assert deaf(window({}, agreement=0.95, agreement_chance=0.04)) is None


def test_a_run_opens_alone_and_makes_pictures_of_what_is_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader = reader_run()
    values = SMALL["unclip"][0]
    run = answer(run_task(Train("unclip", "captioned-shapes", {**values, "reader": "towers"}, steps=2)), "run")
    said = json.loads((Path(run) / FILE).read_text())
    assert said["name"] == "towers" and len(said["prompts"]) == 8
    shutil.rmtree(reader)
    ref = ModelRef(run)
    one, again, other = (result(Sample(ref, 3, text=Text(t))).samples for t in ("a red heart", "a red heart", "a blue square"))
    assert one.shape == (3, 24, 24, 3) and np.array_equal(one, again) and not np.array_equal(one, other)
    between = result(BlendPictures(ref, 0, 1, count=3))
    assert between.pixels.shape == (3, 24, 24, 3) and -1 <= between.cosine <= 1

    def refused(*words: str) -> str:
        capsys.readouterr()
        assert main(["sample", run, "--count", "2", "--out", str(tmp_path / "out.npz"), *words]) == 2
        return capsys.readouterr().err

    assert "The text is empty" in refused("--text", " ")
    assert "None of 'xylophone' is in this model's vocabulary" in refused("--text", "xylophone")
    assert "--text or --class" in refused("--text", "red", "--class", "1")
    assert "Give a text" in refused("--no-prior")
    assert main(["sample", run, "--count", "2", "--out", str(tmp_path / "out.npz"), "--text", "a red heart", "--no-prior"]) == 0
    with pytest.raises(ConfigError):
        find_reader("towers", "")


def test_it_reads_with_the_model_that_ships_until_there_is_a_run_of_ones_own(real_models: None) -> None:
    assert find_reader("", "captioned-shapes").run.info.id == find_reader("shapes-clip", "").run.info.id == "shapes-clip"
    with pytest.raises(ConfigError, match="no CLIP run was trained on these pictures"):
        find_reader("", "captioned-faces")
    own = reader_run()
    assert find_reader("", "captioned-shapes").run.folder == own


def test_what_cannot_be_read_with_is_said_before_the_first_step(tmp_path: Path) -> None:
    def refused(name: str, data: str = "captioned-shapes", **values: Any) -> str:
        with pytest.raises(ConfigError) as found:
            run_task(Train("unclip", data, {**SMALL["unclip"][0], "reader": name, **values}, steps=2))
        assert found.value.problems[0].field == "reader" or values
        return found.value.problems[0].message

    assert "no CLIP run was trained on these pictures" in refused("")
    reader = reader_run()
    assert "'towers'" in refused("", data="captioned-faces")
    assert "reads pictures of 24 x 24 pixels" in refused("towers", data="captioned-faces")
    run = Run.open(reader)
    said = json.loads((reader / "run.json").read_text())
    other = paths.runs() / "other"
    shutil.copytree(run.folder, other)
    streams = {**said, "name": "other", "config": {**said["config"], "architecture": "two-stream"}}
    (other / "run.json").write_text(json.dumps(streams))
    assert "neither has a vector of its own" in refused("other")
    (other / "run.json").write_text(json.dumps({**said, "name": "other", "family": "vit"}))
    assert "is a run of vit" in refused("other")
    assert "cannot be halved" in refused("towers", halvings=4, patch=8)
    assert UnclipConfig.problems({"condition_dropout": 0.0, "guidance": 2.0})[0].field == "guidance"
    with pytest.raises(DataError, match="no prior"):
        from genstudio.tasks.illustrate import told
        from genstudio.tasks.models import Opened

        told(Opened(trained(condition="text"), 1, "t", "unclip"), Text("red", True))
