"""A transformer on pixels: its palette against k-means, its likelihood against a plain loop, its completions, its baselines."""

from __future__ import annotations

import dataclasses
import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from genstudio import families
from genstudio.cli import main
from genstudio.data import shelf
from genstudio.data.datasets import ImageDataset
from genstudio.data.learnable.pixels import PixelData, prepare_pixels, reduced
from genstudio.data.palette import learn_palette, nearest
from genstudio.data.split import SplitSettings
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError
from genstudio.evaluation.pixels import histogram_bits, zlib_bits
from genstudio.families.igpt.model import IGPTModel
from genstudio.nn.transformer import Transformer
from genstudio.sampling.choose import SamplingOptions

SMALL = {"layers": 2, "heads": 2, "d_model": 32, "batch": 16, "colours": 4}
GREEDY = SamplingOptions(temperature=0)


def striped(count: int = 120, seed: int = 0) -> ImageDataset:
    """Pictures (6, 6) whose colour depends on the row and on whether the first pixel is dark: each is one of two, with noise."""
    rng = np.random.default_rng(seed)
    rows = np.array([0, 255, 0, 170, 85, 0], np.uint8)
    base = np.repeat(rows[:, None], 6, 1)
    pixels = np.where(rng.integers(0, 2, count)[:, None, None] == 0, base, base.T)
    noisy = rng.random(pixels.shape) < 0.03
    pixels = np.where(noisy, rng.choice(rows, pixels.shape), pixels).astype(np.uint8)
    info = dataclasses.replace(shelf.find_dataset("digits8", ("images",)), title="stripes")
    return ImageDataset(info, pixels[..., None])


def prepared(dataset: ImageDataset, **more: Any) -> PixelData:
    return finished(prepare_pixels(dataset, more.get("colours", 4), more.get("size", 0), SplitSettings("random", 0.2)))


def trained(data: PixelData, steps: int, **values: Any) -> IGPTModel:
    family = families.get("igpt")
    config = family.config.parse({**SMALL, **values})
    learner: Any = family.learner(family.model(config, data, "cpu", 0), 0)
    for step in range(1, steps + 1):
        torch.manual_seed(step)
        learner.training_step(learner.batch(step), step, (step - 1) / max(steps, 1))
    return learner.model  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def data() -> PixelData:
    return prepared(striped())


@pytest.fixture(scope="module")
def model(data: PixelData) -> IGPTModel:
    return trained(data, 60)


def bits_of(model: IGPTModel, data: PixelData) -> float:
    *_, scored = model.on(data).evaluate(exact=True)
    return scored.result["bits_per_pixel"]


def inertia(values: Any, palette: Any) -> float:
    return float(np.square(values[:, None].astype(float) - palette[None].astype(float)).sum(-1).min(1).sum())


@pytest.mark.parametrize("channels", [1, 3])
def test_the_palette_is_that_of_k_means(channels: int) -> None:
    """As good as the best of twenty runs of Lloyd's algorithm by hand, from random pixels; colours are means."""
    rng = np.random.default_rng(3)
    centres = rng.integers(30, 226, (5, channels))
    pixels = (centres[rng.integers(0, 5, 600)] + rng.normal(0, 9, (600, channels))).clip(0, 255).astype(np.uint8)
    palette = finished(learn_palette(pixels.reshape(6, 10, 10, channels), 5))
    best = np.inf
    for _ in range(20):
        by_hand = pixels[rng.choice(600, 5, replace=False)].astype(float)
        for _ in range(50):
            own = np.square(pixels[:, None] - by_hand[None]).sum(-1).argmin(1)
            by_hand = np.stack([pixels[own == k].mean(0) if (own == k).any() else by_hand[k] for k in range(5)])
        best = min(best, inertia(pixels, by_hand))
    assert inertia(pixels, palette) <= best * 1.01
    ids = finished(nearest(pixels, palette))
    assert (ids == np.square(pixels[:, None].astype(int) - palette[None].astype(int)).sum(-1).argmin(1)).all()
    for number in range(5):
        assert np.abs(pixels[ids == number].mean(0) - palette[number]).max() < 2.5
    assert inertia(pixels, palette[:4]) > best * 1.5, "a palette that lacks a colour is told apart"


def test_few_colours_are_kept_as_they_are() -> None:
    pixels = np.array([[[[0]], [[200]], [[10]]]], np.uint8)
    assert finished(learn_palette(pixels, 3)).tolist() == [[0], [10], [200]]
    assert len(finished(learn_palette(pixels, 2))) == 2


def test_smaller_pictures_are_the_means_of_their_parts() -> None:
    pixels = np.arange(2 * 4 * 6, dtype=np.uint8).reshape(2, 4, 6, 1)
    small = finished(reduced(pixels, 3))
    assert small.shape == (2, 2, 3, 1)
    assert np.abs(small[..., 0] - pixels[..., 0].reshape(2, 2, 2, 3, 2).mean((2, 4))).max() <= 0.5
    assert finished(reduced(pixels, 6)) is pixels and finished(reduced(pixels, 0)) is pixels


def test_the_likelihood_is_that_of_the_gpts_core_in_reading_order(model: IGPTModel, data: PixelData) -> None:
    """Equivalence 28: a plain `Transformer` with these weights, one pixel after the other, nats over ln 2."""
    plain = Transformer(model.transformer.architecture)
    plain.load_state_dict(model.transformer.state_dict())
    held, nats = data.held, 0.0
    with torch.no_grad():
        for index in held.tolist():
            picture = data.real[index]
            line = [model.colours]
            for row in range(6):
                for column in range(6):
                    (colour,) = np.flatnonzero((data.palette == picture[row, column]).all(-1))
                    line.append(int(colour))
            logits = plain.eval()(torch.tensor(line[:-1])[None])[0, :, : model.colours]
            nats -= float(logits.double().log_softmax(-1)[torch.arange(36), torch.tensor(line[1:])].sum())
    assert bits_of(model, data) == pytest.approx(nats / math.log(2) / (36 * len(held)), abs=1e-6)
    found = model.predictions(data.real[held[:3]])
    assert found.sum(-1) == pytest.approx(1, abs=1e-5) and found.shape == (3, 6, 6, 4)


def test_it_beats_both_baselines_and_needs_positions_to(model: IGPTModel, data: PixelData) -> None:
    *_, scored = model.evaluate(exact=True)
    said = scored.result
    assert said["bits_per_pixel"] < 0.8 * min(said["histogram_bits_per_pixel"], said["zlib_bits_per_pixel"])
    assert bits_of(trained(data, 60, positions="none"), data) > 1.3 * said["bits_per_pixel"], "positions dropped"


def test_baselines_are_those_of_the_split(data: PixelData) -> None:
    train, held = data.ids[data.train], data.ids[data.held]
    shares = (np.bincount(train.ravel(), minlength=4) + 1) / (train.size + 4)
    nats = [
        -math.log(((train[:, at] == line[at]).sum() + shares[line[at]]) / (len(train) + 1)) for line in held for at in range(36)
    ]
    assert histogram_bits(train, held, 4) == pytest.approx(np.mean(nats) / math.log(2), rel=1e-12)
    bits = finished(zlib_bits(train, held))
    packer = zlib.compressobj(9, zdict=train.tobytes())
    assert bits == 8 * len(packer.compress(held.tobytes()) + packer.flush()) / held.size
    assert bits <= 8 * len(zlib.compress(held.tobytes(), 9)) / held.size, "what was seen before helps, or it is not honest"


def leaks(data: PixelData) -> bool:
    """Whether a held-out picture is among those that are trained on, or counted."""
    return bool(set(data.train.tolist()) & set(data.held.tolist()))


def test_held_out_pictures_are_never_trained_on(data: PixelData) -> None:
    family = families.get("igpt")
    config = family.config.parse(SMALL)
    from genstudio.families.igpt.data import draw

    drawn = {index for step in range(1, 60) for index in draw(config, data, 0, step).ravel().tolist()}
    assert drawn <= set(data.train.tolist()) and not drawn & set(data.held.tolist()) and not leaks(data)
    peeking = dataclasses.replace(data, train=np.arange(len(data.real)))
    assert leaks(peeking) and {i for s in range(1, 60) for i in draw(config, peeking, 0, s).ravel()} & set(data.held.tolist())
    other = striped()
    changed = other.pixels.copy()
    changed[data.held] = 255 - changed[data.held]
    again = prepared(dataclasses.replace(other, pixels=changed))
    assert np.array_equal(again.palette, data.palette), "the palette is learnt from the training part alone"


def test_what_is_given_stays_and_temperature_0_repeats(model: IGPTModel, data: PixelData) -> None:
    picture = data.real[data.held[0]]
    keep = np.zeros((6, 6), bool)
    keep[:3] = True
    keep[5, 2] = True
    many = np.repeat(picture[None], 4, 0)
    (*_, one), (*_, other) = (model.complete(many, keep, model.noise(4, seed), GREEDY) for seed in (0, 1))
    assert np.array_equal(one.samples, other.samples) and (one.samples == one.samples[:1]).all()
    (*_, free) = model.complete(many, keep, model.noise(4, 0), SamplingOptions(temperature=3.0))
    assert (free.samples[:, keep] == picture[keep]).all() and (free.samples != free.samples[:1]).any()
    (*_, same) = model.complete(many, keep, model.noise(4, 0), SamplingOptions(temperature=3.0))
    assert np.array_equal(free.samples, same.samples)
    (*_, top) = model.complete(many, keep, model.noise(4, 0), SamplingOptions(temperature=3.0, top_k=1))
    assert np.array_equal(top.samples, one.samples)
    steps = [made.done for made in model.complete(many, keep, model.noise(4, 0), GREEDY)]
    assert steps == [(18 + at) / 36 for at in range(19)], "one pixel after the other, behind what is given"


def test_the_cache_gives_what_reading_everything_again_gives(model: IGPTModel, data: PixelData) -> None:
    picture = data.real[data.held[1]]
    keep = np.zeros((6, 6), bool)
    keep[:2] = True
    (*_, made) = model.complete(picture[None], keep, model.noise(1, 0), GREEDY)
    line = [model.colours, *finished(data.tokens(picture[None]))[0][:12].tolist()]
    bits = []
    with torch.no_grad():
        for _ in range(24):
            logits = model.transformer(torch.tensor(line)[None])[0, -1].double()
            line.append(int(logits.argmax()))
            bits.append(-float(logits.log_softmax(-1)[line[-1]]) / math.log(2))
    assert np.array_equal(made.samples[0], data.pictures(np.array(line[1:])))
    assert made.bits[0].ravel()[12:] == pytest.approx(bits, abs=1e-4)


def test_a_pixel_looks_only_at_those_before_it(model: IGPTModel, data: PixelData) -> None:
    picture = data.real[data.held[0]]
    found = model.attention(picture, 20)
    assert found.shape == (2, 2, 6, 6) and np.isnan(found.reshape(2, 2, 36)[..., 20:]).all()
    seen = found.reshape(4, 36)[:, :20]
    assert (seen >= 0).all() and (seen.sum(1) <= 1 + 1e-5).all() and seen.sum() > 0.5
    changed = picture.copy()
    changed[4:] = 255
    assert np.allclose(model.predictions(picture[None])[:, :4], model.predictions(changed[None])[:, :4], atol=1e-6)


def test_what_it_cannot_learn_from_is_said(tmp_path: Path, data: PixelData, model: IGPTModel) -> None:
    large = ImageDataset(striped().info, np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3)).astype(np.uint8))
    with pytest.raises(ConfigError, match="64 x 48 pixels, and each pixel is a token: choose a picture size of at most 32"):
        prepared(large)
    assert prepared(large, size=8).shape.height == 6
    faint = np.zeros((40, 8, 8, 1), np.uint8)
    faint[0, 0, 0] = 1
    with pytest.raises(DataError, match="the same"):
        prepared(ImageDataset(striped().info, faint), size=2)
    with pytest.raises(DataError, match="8 x 6 pixels, and this model reads 6 x 6"):
        list(model.complete(np.zeros((1, 6, 8, 1), np.uint8), np.ones((6, 6), bool), model.noise(1, 0), GREEDY))
    with pytest.raises(ConfigError, match="500 is more than the 108 training pictures"):
        finished(families.get("igpt").prepare(families.get("igpt").config.parse({"batch": 500}), striped()))


def test_the_commands_complete_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sets = [f"{name}={value}" for name, value in {**SMALL, "size": 6}.items()]
    assert main(["train", "igpt", "--data", "digits8", "--steps", "3", "--quiet", "--set", *sets]) == 0
    run = capsys.readouterr().out.strip()
    assert main(["evaluate", run, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {"bits_per_pixel", "histogram_bits_per_pixel", "zlib_bits_per_pixel"} <= said.keys() and said["held_out_count"] == 180
    out = tmp_path / "made.npz"
    assert main(["sample", run, "--keep", "half", "--count", "3", "--out", str(out)]) == 0
    with np.load(out) as arrays:
        assert arrays["samples"].shape == (3, 6, 6, 1) and arrays["keep"].sum() == 18
        assert (arrays["samples"][:, :3] == arrays["given"][:3]).all()
    Image.fromarray(np.full((20, 30), 90, np.uint8)).save(own := tmp_path / "own.png")
    folder = str(tmp_path / "folder")
    assert main(["sample", run, "--prompt", str(own), "--temperature", "0", "--count", "2", "--out", folder]) == 0
    assert len(list((tmp_path / "folder").glob("*.png"))) == 2
    capsys.readouterr()
    assert main(["sample", run, "--prompt", str(tmp_path / "none.png"), "--out", str(tmp_path / "other")]) == 2
    assert "none.png" in capsys.readouterr().err
    assert main(["sample", run, "--top-p", "2", "--out", str(tmp_path / "other")]) == 2
    assert "top_p" in capsys.readouterr().err
