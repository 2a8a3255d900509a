"""One contract for every family, by abilities: what the form, the runs, the engine, the commands and the window rely on."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from family_cases import SMALL, Values, cases, data_for

from genstudio import families
from genstudio.cli import main
from genstudio.data import shelf
from genstudio.data.audio.written import wav_of
from genstudio.data.batches import PictureBatch, PointBatch, RowBatch, SoundBatch, TokenBatch
from genstudio.data.work import finished
from genstudio.errors import ConfigError
from genstudio.families import Family
from genstudio.families.abilities import (
    ABILITIES,
    Encodes,
    Evaluates,
    Judges,
    Model,
    Reads,
    Reconstructs,
    Samples,
    able,
)
from genstudio.families.vocoder.data import tested as clips_to_measure
from genstudio.runs import Run
from genstudio.snapshots.activity import Activity
from genstudio.tasks import estimate
from genstudio.tasks.first_batch import FirstBatch
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.train import Train
from genstudio.training.activity import parts, preview
from genstudio.training.learner import Learner, Tick
from helpers import answer, curve, result, usually

EVERY = pytest.mark.parametrize("family", families.all_families(), ids=lambda family: family.name)
EVERY_DATA = usually(
    ("family", "values"),
    cases(),
    usual=lambda case: case[1] in SMALL.get(case[0].name, ({},))[:1],
    ids=lambda v: v.name if isinstance(v, Family) else "-".join(map(str, v.values()))[-16:],
)
AnyFamily = Family[Any, Any]


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exact measure takes fewer points, pictures and clips; what tests how good it is takes all."""
    monkeypatch.setattr("genstudio.evaluation.samples._POINTS", 1000)
    monkeypatch.setattr("genstudio.evaluation.plane.SAMPLES", 500)
    monkeypatch.setattr("genstudio.evaluation.samples._MANY_PICTURES", 200)
    monkeypatch.setattr("genstudio.evaluation.samples._PICTURES", 100)
    monkeypatch.setattr("genstudio.families.denoiser._HELD", 200)
    monkeypatch.setattr("genstudio.families.simulator.model._JUDGED", 20)
    monkeypatch.setattr("genstudio.families.simulator.model._EXACT", 40)
    for name in ("_EXACT", "_TEXTS"):
        monkeypatch.setattr(f"genstudio.families.unclip.model.{name}", 40)
    monkeypatch.setattr("genstudio.families.vocoder.measuring.tested", lambda data, most: clips_to_measure(data, min(most, 2)))


_STEPS = 40


def build(family: AnyFamily, values: Values, folder: Path, seed: int = 0) -> Learner:
    config = family.config.parse(values)
    dataset = shelf.open_dataset(shelf.find_dataset(data_for(family, folder, values), family.data_kinds))
    return family.learner(family.model(config, finished(family.prepare(config, dataset)), "cpu", seed), seed)


def weights(model: Model) -> dict[str, torch.Tensor]:
    return {f"{part}.{name}": t.clone() for part, m in model.modules.items() for name, t in m.state_dict().items()}


def modes(model: Model) -> dict[str, bool]:
    return {f"{part}.{name}": m.training for part, whole in model.modules.items() for name, m in whole.named_modules()}


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


@EVERY_DATA
def test_what_is_drawn_is_filled_with_what_its_modules_put_out(family: AnyFamily, values: Values, tmp_path: Path) -> None:
    learner = build(family, values, tmp_path)
    step(learner, 1)
    shown = [snapshot for snapshot in preview(learner) if isinstance(snapshot, Activity)]
    hooks = [m._forward_hooks for whole in learner.model.modules.values() for m in whole.modules()]
    assert not any(hooks), "nobody looks any longer"
    if family.drawing is None or not shown:
        return
    filled = shown[-1]
    assert filled.sound() and np.isfinite(filled.values).all() and (filled.rms >= 0).all()
    config = family.config.parse(values)
    info = shelf.find_dataset(data_for(family, tmp_path, values), family.data_kinds)
    named = {part.module for chain in family.drawing(config, info, 30) for part in chain.parts} - {""}
    assert any(name == one or name.startswith(f"{one}.") for one in named for name in filled.names)
    assert named <= {path for path, _ in parts(learner.model.modules)}, "a module that the model does not have"


def test_every_named_family_is_here_and_tried_with_small_settings() -> None:
    assert {family.name: family.room for family in families.all_families()} == families.NAMES
    assert set(families.NAMES) <= set(SMALL)
    with pytest.raises(KeyError):
        families.get("os")


@EVERY
def test_every_setting_is_explained_and_survives_text_and_json(family: AnyFamily) -> None:
    config = family.config()
    for setting in family.config.settings():
        assert setting.help and setting.label and setting.group
        if setting.kind in ("int", "float"):
            assert setting.low is not None and setting.high is not None
            assert setting.low <= setting.default <= setting.high
    assert family.config.parse(json.loads(config.to_json())) == config
    assert config.override([f"{name}={value}" for name, value in config.model_dump().items()]) == config


@EVERY
def test_every_setting_refuses_what_is_out_of_its_range(family: AnyFamily) -> None:
    for setting in family.config.settings():
        wrong: list[Any] = {"choice": ["no such word"], "bool": ["perhaps"]}.get(setting.kind, [])
        if setting.kind in ("int", "float"):
            assert setting.low is not None and setting.high is not None
            wrong = [setting.low - 1, setting.high + 1, "many", float("nan")]
        for value in wrong:
            problems = family.config.problems({setting.name: value})
            assert [p.field for p in problems if p.field == setting.name], (setting.name, value)


@EVERY
def test_all_problems_come_at_once_and_a_wrong_name_suggests_the_near_one(family: AnyFamily) -> None:
    numbers = [s for s in family.config.settings() if s.kind in ("int", "float")][:3]
    found = family.config.problems({s.name: (s.high or 0) + 1 for s in numbers} | {f"{numbers[0].name}x": 1})
    assert {s.name for s in numbers} <= {p.field for p in found}
    assert any(f"did you mean '{numbers[0].name}'" in p.message for p in found)
    with pytest.raises(ConfigError):
        family.config().override(["nothing"])


@EVERY
def test_every_preset_can_be_used_and_says_what_to_expect(family: AnyFamily) -> None:
    assert family.presets
    for preset in family.presets:
        family.config.parse(preset.values)
        assert preset.expect and preset.title and (preset.steps or preset.seconds)
        family.config.parse({**preset.values, **preset.cure})
        assert (bool(preset.cure) == bool(preset.cure_text) and preset.cure.items() - preset.values.items()) or not preset.cure
        assert not preset.data or family.takes(shelf.find_dataset(preset.data))


@EVERY_DATA
def test_the_cost_counts_what_is_built(family: AnyFamily, values: Values, tmp_path: Path) -> None:
    model = build(family, values, tmp_path).model
    built = sum(p.numel() for part in model.modules.values() for p in part.parameters())
    tokens = model.tokenizer.size if isinstance(model, Reads) else 0
    info = shelf.find_dataset(data_for(family, tmp_path, values), family.data_kinds)
    assert family.cost(model.config, info, tokens).parameters == built


@EVERY_DATA
def test_a_step_is_a_function_of_seed_and_number(family: AnyFamily, values: Values, tmp_path: Path) -> None:
    one, two, other = (build(family, values, tmp_path, seed) for seed in (5, 5, 6))
    assert equal(weights(one.model), weights(two.model)) and equal(one.batch(3), two.batch(3))
    if one.optimizers:  # what is fitted in one step begins with no weights, and reads everything
        assert not equal(weights(one.model), weights(other.model))
        assert not equal(one.batch(3), one.batch(4)) and not equal(one.batch(3), other.batch(3))
    for number in (1, 2, 3):
        assert equal(step(one, number), step(two, number))
    assert equal(weights(one.model), weights(two.model))


@EVERY_DATA
def test_looking_and_scoring_change_nothing(family: AnyFamily, values: Values, tmp_path: Path) -> None:
    learner = build(family, values, tmp_path)
    step(learner, 1)
    before, inside, mode = weights(learner.model), moments(learner), modes(learner.model)
    shown = [event for event in learner.preview() if not isinstance(event, Tick)]
    assert shown and all(b"torch" not in pickle.dumps(snapshot) for snapshot in shown)
    if isinstance(learner.model, Evaluates):
        scores = [list(learner.model.evaluate(exact=exact))[-1] for exact in (False, True, True)]
        assert scores[1] == scores[2] and scores[0].values.keys() <= scores[1].values.keys() and scores[1].result
    assert equal(before, weights(learner.model)) and equal(inside, moments(learner)) and mode == modes(learner.model)


@EVERY_DATA
def test_it_learns_in_frames_of_plain_data_and_its_run_opens_without_its_dataset_as_the_same_model(
    family: AnyFamily, values: Values, tmp_path: Path
) -> None:
    models, untrained = Models(), build(family, values, tmp_path)
    seldom = {**values, "evaluate_every": _STEPS // 2} if "evaluate_every" in values else values
    task = Train(family.name, data_for(family, tmp_path, values), seldom, steps=_STEPS, runs_folder=tmp_path / "runs")
    found = []
    for frame in task.run(models):
        found.append(frame)
        if models.training:
            live = next(iter(models.training.values())).model
    back = pickle.loads(pickle.dumps(found))
    assert [frame.series.keys() for frame in back] == [frame.series.keys() for frame in found]
    assert all(not series.values.flags.writeable for frame in found for series in frame.series.values())
    assert not equal(weights(untrained.model), weights(live))
    losses = [values for name in sorted(set().union(*(frame.series for frame in found))) if "loss" in name
              for _, values in [curve(found, name)] if len(values) == _STEPS]
    # of networks that play against each other, not each loss falls; what is fitted in one step has none
    assert any(sum(loss[-10:]) < sum(loss[:10]) for loss in losses) or not untrained.optimizers
    folder = answer(found, "run")
    for info in shelf.list_datasets():
        if info.origin == "imported":
            shelf.delete_dataset(info)
    opened = Models().get(ModelRef(folder))
    assert opened.step == _STEPS and able(opened.model) == able(live) == family.has(values)
    assert equal(weights(opened.model), weights(live))
    assert family.metadata(opened.model.data) == family.metadata(live.data)


@EVERY_DATA
def test_abilities_are_what_they_are_called(family: AnyFamily, values: Values, tmp_path: Path) -> None:
    """Those that are declared are there; what they make has the shapes and types that all who use them rely on."""
    learner = build(family, values, tmp_path)
    model = learner.model
    step(learner, 1)
    before = weights(model)
    assert set(family.abilities) <= set(ABILITIES) and able(model) == family.has(values)
    if isinstance(model, Samples):
        assert_samples(model)
    if isinstance(model, Encodes):
        real = model.data.real[:3]
        found = model.encode(model.data.outside(real) if model.data.shape.kind == "points" else real)
        assert found.shape == (3, model.latent.size) and np.isfinite(found).all()
    if isinstance(model, Evaluates):
        other = model.on(model.data)
        assert other is not model and all(other.modules[name] is module for name, module in model.modules.items())
    assert equal(before, weights(model))


def assert_samples(model: Samples) -> None:
    noise = model.noise(5, 3)
    assert noise.shape == (5, model.latent.size) and noise.dtype == np.float32 and np.array_equal(noise, model.noise(5, 3))
    assert not np.array_equal(noise, model.noise(5, 4))
    labels = np.arange(5) % len(model.classes) if model.classes else None
    latents, classes = model.fixed
    assert latents.shape[1] == model.latent.size and (classes is None) == (not model.classes)
    shape = (5, 2) if model.data.shape.kind == "points" else (5, *model.data.real.shape[1:])
    for variant in model.variants:
        (*_, one), (*_, again) = (model.sample(noise, labels, variant) for _ in range(2))
        assert one.samples.shape == shape and np.array_equal(one.samples, again.samples)
        assert one.samples.dtype == (np.float32 if len(shape) == 2 else np.uint8)
        assert one.scores is None or one.scores.shape == (5,)
        weight = model.first_weight(variant)
        assert weight is None or weight.shape[1] == model.latent.size
    if isinstance(model, Reconstructs):
        back = model.reconstruct(one.samples)
        assert back.shape == shape and back.dtype == one.samples.dtype
    if isinstance(model, Judges):
        scores = model.judge(one.samples, labels)
        assert scores.shape == (5,) and np.isfinite(scores).all()
        assert not model.bounded or (scores.min() >= 0 and scores.max() <= 1)


@EVERY
def test_its_first_batch_and_its_pace_are_known_before_it_is_trained(
    family: AnyFamily, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "_SECONDS", 0.01)
    values, data = SMALL[family.name][0], data_for(family, tmp_path)
    kinds = TokenBatch | PictureBatch | PointBatch | RowBatch | SoundBatch
    assert isinstance(result(FirstBatch(data, values, family.name)), kinds)
    assert (result(estimate.EstimateTime(family.name, data, values)) or 0) > 0


COMMANDS = {
    "evaluate {run} --json": "Evaluates",
    "sample {run} --count 4 --out {tmp}/made.npz": "Samples",
    "translate {run} --count 4 --out {tmp}/turned": "TranslatesPictures",
    "generate {run} --tokens 4": "Writes",
    "score {run} {text}": "Writes",
    "fill {run} --text th[MASK]": "FillsIn",
    "search {run} --text red": "Matches",
    "vocode {run} {wav} --out {tmp}/made.wav": "Vocodes",
    "neighbours {run} the": "Embeds",
    "analogy {run} the cat sat --json": "Embeds",
    "attention {run} --prompt the --out {tmp}/attention.npz": "Traces",
    "speak {run} --text the --out {tmp}/said.wav": "Speaks",
}
"""What a command needs of a model."""


def walk(family: AnyFamily, values: Values, folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Train, go on and ask every command for a model of a family; what it cannot do is refused in a sentence."""
    sets = [f"{name}={value}" for name, value in values.items()]
    data, text = data_for(family, folder, values), folder / "a text.txt"
    text.write_text("the cat", "utf-8")
    wav = folder / "tone.wav"
    wav.write_bytes(wav_of((9_000 * np.sin(np.arange(8_000) / 5)).astype(np.int16), 16_000))

    def said(command: str, code: int = 0) -> str:
        capsys.readouterr()
        parts = command.split(" ")
        assert main([part.format(run=run, tmp=folder, text=text, wav=wav) for part in parts]) == code, command
        out, err = capsys.readouterr()
        return out if code == 0 else err

    assert main(["train", family.name, "--data", data, "--steps", "6", "--quiet", *(["--set", *sets] if sets else [])]) == 0
    run = capsys.readouterr().out.strip()
    said("resume {run} --steps 9 --quiet")
    for command, ability in COMMANDS.items():
        if ability in family.abilities:
            said(command)
        else:
            assert f"cannot {ABILITIES[ability][1]}; it can " in said(command, 2), command
    said("timeline {run} --frames 2 --size 64 --out {tmp}/a.gif")
    if family.export is None:
        assert "cannot be exported; it can " in said("export {run} --out {tmp}/exported", 2)
    else:
        said("export {run} --out {tmp}/exported")
    assert Path(run).name in said("runs")
    (told,) = (one for one in json.loads(said("families --json")) if one["name"] == family.name)
    assert told["abilities"] == list(family.abilities) and told["room"] == family.room
    assert told["measures"] or not family.dashboard.result
    if "Samples" in family.abilities:
        with np.load(folder / "made.npz") as arrays:
            assert len(arrays["samples"]) == 4
    if "Evaluates" in family.abilities:
        assert json.loads(said("evaluate {run} --json"))["step"] == 9
    return Run.open(run)


@EVERY
def test_every_command_works_or_says_what_the_model_can_do_instead(
    family: AnyFamily, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = walk(family, SMALL[family.name][0], tmp_path, capsys)
    assert run.info.step == 9 and run.info.family == family.name


def test_a_family_is_one_folder(toy: AnyFamily, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One folder and one word: from these come training, checkpoints, measures, samples, and every command."""
    run = walk(toy, {"rate": 0.2}, tmp_path, capsys)
    assert run.info.losses["js_divergence"] > 0 and run.snapshot_steps("plane")
    learner = build(toy, {}, tmp_path)
    assert able(learner.model) == toy.abilities
    assert_samples(learner.model)  # type: ignore[arg-type]
