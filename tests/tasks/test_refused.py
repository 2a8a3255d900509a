"""What a GAN cannot be trained on: one sentence by task and by command, before the first step and without a run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genstudio import families, paths
from genstudio.cli import main
from genstudio.data import shelf
from genstudio.errors import GenstudioError
from genstudio.tasks.first_batch import FirstBatch
from genstudio.tasks.train import Train
from genstudio.training import device
from helpers import answer, result, run_task

RNG = np.random.default_rng(0)


def light(*shape: int) -> Any:
    return RNG.integers(0, 256, shape).astype(np.uint8)


def arrays(**named: Any) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        np.savez(folder / "given.npz", **named)
        return str(folder / "given.npz")

    return write


def files(*sizes: tuple[int, int]) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / "given").mkdir()
        for number, (height, width) in enumerate(sizes):
            Image.fromarray(light(height, width)).save(folder / "given" / f"{number}.png")
        return str(folder / "given")

    return write


def named(name: str) -> Callable[[Path], str]:
    return lambda _folder: name


BAD = np.array([[0, 1], [np.nan, 2]] * 30, np.float32)
GREY = np.full((60, 8, 8), 0.5, np.float32)
GREY[3, 1, 1] = np.inf
CASES: dict[str, tuple[Callable[[Path], str], dict[str, Any], str]] = {
    "one picture": (files((16, 16)), {}, "has only one picture"),
    "one picture of an array": (arrays(pixels=light(1, 16, 16)), {}, "has only one picture"),
    "one class": (arrays(pixels=light(60, 8, 8), labels=np.zeros(60, int)), {"conditional": True}, "have the same class"),
    "fewer than a batch": (arrays(pixels=light(20, 8, 8)), {}, "128 is more than the 18 training samples"),
    "constant": (arrays(pixels=np.full((60, 8, 8), 7, np.uint8)), {}, "are the same"),
    "pixels that are no numbers": (arrays(images=GREY), {}, "1 pixels? (is|are) infinite or not number"),
    "points that are no numbers": (arrays(points=BAD), {}, "points are infinite or not numbers"),
    "a size that cannot be": (arrays(pixels=light(60, 30, 30)), {"network": "dcgan"}, "cannot make 30 x 30 pixels"),
    "sizes that differ, in one array": (arrays(pixels=np.array([light(8, 8), {}], object)), {}, "Python objects"),
    "no labels": (arrays(pixels=light(60, 8, 8)), {"conditional": True}, "have a label"),
    "no pictures": (arrays(pixels=light(0, 8, 8)), {}, "contains no pictures"),
    "a text": (named("shakespeare"), {}, "needs points or pictures, and this dataset holds text"),
    "pairs": (named("toy-en-es"), {}, "this dataset holds pairs of texts"),
    "nothing": (named("nothing.npz"), {}, "There is no file"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_said_in_a_sentence_before_the_first_step(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, values, words = CASES[name]
    data = make(tmp_path)
    with pytest.raises(GenstudioError, match=words) as refused:
        run_task(Train("gan", data, values, steps=2))
    assert refused.value.hint
    assigned = ["--set", *(f"{key}={value}" for key, value in values.items())] if values else []
    assert main(["train", "gan", "--data", data, *assigned, "--steps", "2"]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said == f"genstudio: {refused.value}" or refused.value.message in said
    assert not paths.runs().exists() or not any(paths.runs().iterdir())


def test_pictures_of_several_sizes_become_squares_of_one(tmp_path: Path) -> None:
    data = files(*((8 + 4 * (i % 2), 8 + 2 * (i % 3)) for i in range(20)))(tmp_path)
    batch = result(FirstBatch(data, {"batch": 4}, "gan"))
    (info,) = [info for info in shelf.list_datasets() if info.origin == "imported"]
    assert batch.pixels.shape == (4, 64, 64, 1) and info.details["width"] == 64


@pytest.mark.parametrize("free", [30_000_000, 300_000])
def test_too_little_memory_says_what_fits_and_that_does(
    free: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(device, "free_bytes", lambda _device: free)
    train = ["train", "gan", "--data", "gaussian-ring", "--steps", "1", "--quiet", "--set", "layers=2"]
    assert main([*train, "width=512", "batch=4096"]) == 2
    said = capsys.readouterr().err
    assert re.search(r"needs about [1-9]\d* MB of memory, and \d+ [kM]B are free\. What fits: a batch of \d+", said)
    found = re.search(r"a batch of (\d+)(?: and width (\d+))?\.", said)
    assert found is not None and (found[2] is None) == (free > 10_000_000)
    assert main([*train, f"width={found[2] or 512}", f"batch={found[1]}"]) == 0
    with pytest.raises(GenstudioError, match="memory") as refused:
        monkeypatch.setattr(device, "free_bytes", lambda _device: 100)
        run_task(Train("gan", "gaussian-ring", {}, steps=1))
    assert "close other programs" in refused.value.hint


def test_a_file_of_pictures_is_trained_on_by_its_path(tmp_path: Path) -> None:
    data = arrays(pixels=light(20, 8, 8), labels=np.arange(20) % 2)(tmp_path)
    values = {"batch": 4, "width": 4, "layers": 1, "conditional": True}
    frames = run_task(Train("gan", data, values, steps=1))
    assert answer(frames, "run") and len([i for i in shelf.list_datasets() if i.origin == "imported"]) == 1


@pytest.mark.parametrize("family", ["progressive", "cyclegan", "diffusion"])
def test_every_family_of_pictures_says_what_fits(
    family: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As much is free as half of the batch needs, which is said; with it the training begins."""
    config = families.get(family).config.parse({"batch": 32, "channels": 8})
    needed = families.get(family).cost(config, shelf.find_dataset("digits8"), 0).bytes
    monkeypatch.setattr(device, "free_bytes", lambda _device: int(needed) + 1)
    train = ["train", family, "--data", "digits8", "--steps", "1", "--quiet", "--set", "channels=8", "evaluate_every=1000"]
    assert main([*train, "batch=64"]) == 2
    found = re.search(r"of memory, and .* are free\. What fits: a batch of 32\.", " ".join(capsys.readouterr().err.split()))
    assert found is not None
    assert main([*train, "batch=32"]) == 0
