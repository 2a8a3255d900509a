"""Numbers of any kind as pictures: one scale for a whole set, said and chosen, against pixels worked out here."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from genstudio.cli import main
from genstudio.data import shelf
from genstudio.data.checks import check
from genstudio.data.datasets import ImageDataset
from genstudio.data.images import PictureSettings
from genstudio.data.importing import decode, pool, scale, shapes
from genstudio.data.importing.copies import duplicate
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.scale import Spread
from genstudio.data.importing.sources import import_any, inspect
from genstudio.data.info import read_card
from genstudio.data.work import finished
from genstudio.errors import DataError

Values = NDArray[Any]


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are decoded in this process: starting others takes longer than what the tests look at."""

    def none(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(pool, "_Child", none)


def opened(*sources: Path, **settings: Any) -> ImageDataset:
    chosen = ImportOptions(pictures=PictureSettings(**settings))
    dataset = shelf.open_dataset(finished(import_any(sources, chosen)))
    assert isinstance(dataset, ImageDataset)
    return dataset


def notes(dataset: ImageDataset) -> str:
    return " ".join(dataset.info.details["notes"])


def pixels(values: Values) -> NDArray[np.uint8]:
    plain = shapes.shaped(values)[0]
    return scale.to_bytes(plain, scale.Spread.of(plain).limits())


def drawn(rng: np.random.Generator, count: int = 6, high: int = 9, wide: int = 11) -> NDArray[np.float64]:
    """Grey pictures from 0 to 1, each with a darkest and a brightest pixel of its own; one reaches 0, one 1."""
    picture = rng.random((count, high, wide)) * rng.uniform(0.3, 1, (count, 1, 1))
    picture[0, 0, 0], picture[-1, -1, -1] = 0, 1
    return picture


def whole(top: int, dtype: str) -> Any:
    return lambda grey, rng: (np.round(grey * top).astype(dtype), np.round(grey * top) / top)


def between(low: float, high: float, dtype: str) -> Any:
    return lambda grey, rng: ((low + grey * (high - low)).astype(dtype), grey)


def with_hair(low: float, high: float, hair: float, dtype: str = "f4") -> Any:
    def made(grey: Values, rng: np.random.Generator) -> tuple[Values, Values]:
        values = (low + grey * (high - low)).astype(dtype)
        place = tuple(rng.integers(0, size) for size in grey.shape)
        values[place] = low + hair if hair < 0 else high + hair
        wanted = grey.copy()
        wanted[place] = hair > 0
        return values, wanted

    return made


KINDS = {
    "float 0..1": between(0, 1, "f4"), "double 0..1": between(0, 1, "f8"), "half 0..1": between(0, 1, "f2"),
    "-1..1": between(-1, 1, "f4"), "float 0..255": between(0, 255, "f8"), "whole float": whole(255, "f4"),
    "8 bits": whole(255, "u1"), "8 bits in int64": whole(255, "i8"), "16 levels": whole(16, "f8"),
    "16 levels in bytes": whole(16, "u1"), "mask": whole(1, "u1"), "mask in int32": whole(1, "i4"),
    "10 bits": whole(1023, "u2"), "12 bits": whole(4095, "u2"), "12 bits in int32": whole(4095, "i4"),
    "14 bits": whole(16383, "u2"), "16 bits": whole(65535, "u2"), "16 bits in float": between(0, 65535, "f4"),
    "own top": whole(3_000_000, "i4"), "signed": whole(-1, "i2"), "own range": between(-3.5, 7.25, "f4"),
    "own top of floats": between(0, 2.5, "f4"), "a hair above 1": with_hair(0, 1, 1e-7), "above 1": with_hair(0, 1, 0.005),
    "a hair below 0": with_hair(0, 1, -1e-7), "below 0": with_hair(0, 1, -0.005), "above, -1..1": with_hair(-1, 1, 0.005),
    "below -1": with_hair(-1, 1, -1e-6), "above 255": with_hair(0, 255, 0.4), "above 65535": with_hair(0, 65535, 3.0),
}  # fmt: skip
KINDS["signed"] = lambda grey, rng: (np.round(grey * 4000 - 1000).astype("i2"), np.round(grey * 4000) / 4000)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_arrays_have_one_scale(kind: str, seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    values, wanted = KINDS[kind](drawn(rng), rng)
    np.save(tmp_path / "x.npy", values)
    dataset = opened(tmp_path / "x.npy")
    away = np.abs(dataset.pixels[..., 0] - 255 * wanted)
    assert away.max() <= 1, (kind, dataset.info.details)
    kept = dataset.info.details["scale"] == [0, 255]
    assert ("are scaled to 0..255" in notes(dataset)) != kept
    found = finished(inspect([tmp_path / "x.npy"]))
    assert list(found.problems) == dataset.info.details["notes"]


def picture_file(folder: Path, name: str, values: Values) -> None:
    folder.mkdir(exist_ok=True)
    Image.fromarray(values).save(folder / name)


def of_files() -> list[tuple[str, str]]:
    """Kinds whose numbers a TIFF can hold, and a PNG."""
    found = []
    for kind, make in KINDS.items():
        dtype = make(np.zeros((1, 1, 1)), np.random.default_rng(0))[0].dtype
        found += [(kind, ".tif")] if dtype in (np.float32, np.int32, np.uint16) else []
        found += [(kind, ".png")] if dtype == np.uint16 else []
    return found


@pytest.mark.parametrize(("kind", "ending"), of_files())
def test_files_of_numbers_have_one_scale(kind: str, ending: str, tmp_path: Path) -> None:
    """Whatever range each file has for itself, between grey and coloured files of 8 bits, which stay as they are."""
    rng = np.random.default_rng(len(kind))
    values, wanted = KINDS[kind](drawn(rng, 5), rng)
    for number, picture in enumerate(values):
        picture_file(tmp_path / "p", f"{2 * number}{ending}", picture)
    colour = rng.integers(0, 256, (9, 11, 3), dtype=np.uint8)
    picture_file(tmp_path / "p", "1.png", colour[..., 0])
    grey = opened(tmp_path / "p")
    assert np.abs(grey.pixels[[0, 2, 3, 4, 5], ..., 0] - 255 * wanted).max() <= 1, grey.info.details
    assert np.array_equal(grey.pixels[1, ..., 0], colour[..., 0]) and grey.pixels.shape == (6, 9, 11, 1)
    picture_file(tmp_path / "p", "3.png", colour)
    mixed = opened(tmp_path / "p")
    assert np.array_equal(mixed.pixels[3], colour)
    assert np.array_equal(mixed.pixels[[0, 1, 2, 4, 5, 6]], np.repeat(grey.pixels, 3, axis=3))
    assert ("are scaled to 0..255" in notes(mixed)) != (mixed.info.details["scale"] == [0, 255])
    copy = finished(duplicate(mixed.info, name="again"))
    assert np.array_equal(shelf.open_dataset(copy).pixels, mixed.pixels)  # type: ignore[union-attr]


def test_one_value_in_ten_thousand_does_not_decide() -> None:
    """A broken pixel among values from 0 to 1 is cut; among few values it is taken for meant."""
    rng = np.random.default_rng(0)
    values = rng.random((40, 16, 16))
    values[3, 4, 5] = 800
    assert Spread.of(values).limits() == (0, 1)
    assert np.abs(pixels(values)[..., 0] - 255 * np.minimum(values, 1)).max() <= 1
    values[3, 4, 5] = -800
    assert Spread.of(values).limits() == (0, 1)
    assert Spread.of(values[:4]).limits() == (-800, values[:4].max())
    dark = np.zeros((40, 16, 16))
    dark[3, 4, 5] = 200
    assert Spread.of(dark).limits() == (0, 255)


def test_what_lies_outside_is_said(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((40, 16, 16))
    values[3, 4, 5] = 800
    np.save(tmp_path / "x.npy", values)
    assert notes(opened(tmp_path / "x.npy")).endswith(f"range from {values.min():g} to 800; those outside become black or white.")
    odd = np.linspace(0, 1, 99, dtype=np.float32).reshape(9, 11)
    odd[0, 0] = np.nan
    odd[0, 1] = np.inf
    picture_file(tmp_path / "p", "1.tif", odd)
    dataset = opened(tmp_path / "p")
    assert "2 values are infinite or not numbers" in notes(dataset)
    assert dataset.pixels[0, 0, :2, 0].tolist() == [0, 255]
    assert np.abs(dataset.pixels[0, 1:, :, 0] - 255 * odd[1:]).max() <= 1


@pytest.mark.parametrize("seed", range(6))
def test_a_scale_can_be_chosen(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    low, width = float(rng.integers(-50, 50)), float(rng.integers(1, 300))
    values = rng.integers(0, 256, (4, 9, 11), dtype=np.uint8)
    wanted = np.clip((values.astype(float) - low) / width, 0, 1) * 255
    np.save(tmp_path / "x.npy", values)
    for number, picture in enumerate(values):
        picture_file(tmp_path / "p", f"{number}.png", picture)
        picture_file(tmp_path / "q", f"{number}.tif", picture.astype(np.int32))
    for source in (tmp_path / "x.npy", tmp_path / "p", tmp_path / "q"):
        dataset = opened(source, scale=f"{low:g}..{low + width:g}")
        assert np.abs(dataset.pixels[..., 0] - wanted).max() <= 1
        assert dataset.info.details["scale"] == [low, low + width]
        assert PictureSettings.of(dataset.info.details["picture"]).scale == f"{low:g}..{low + width:g}"


def test_a_scale_is_chosen_in_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.random.default_rng(0).uniform(-0.9, 0.9, (4, 9, 11))
    np.save(tmp_path / "x.npy", values)
    assert main(["import", str(tmp_path / "x.npy"), "--scale=-0.9..0.9"]) == 0
    (info,) = [info for info in shelf.list_datasets() if info.origin == "imported"]
    pixels = shelf.open_dataset(info).pixels  # type: ignore[union-attr]
    assert np.abs(pixels[..., 0] - 255 * (values + 0.9) / 1.8).max() <= 1
    assert "Values -0.9 to 0.9 are scaled to 0..255." in "".join(capsys.readouterr())
    assert main(["import", str(tmp_path / "x.npy"), "--scale", "dark"]) == 2
    assert "'dark' is not a range of pixel values" in capsys.readouterr().err


@pytest.mark.parametrize("scale", ["", "1", "1..0", "0..0", "a..b", "0..1..2", "nan..1", "0-1"])
def test_what_is_no_scale_is_refused(scale: str) -> None:
    with pytest.raises(DataError, match="is not a range of pixel values"):
        PictureSettings(scale=scale)


@pytest.mark.parametrize("dtype", ["u1", "f4"])
@pytest.mark.parametrize("first", [False, True])
def test_transparent_arrays_look_like_their_files(dtype: str, first: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clear = rng.integers(0, 256, (5, 9, 11, 4), dtype=np.uint8)
    clear[..., 3] = rng.choice([0, 255, 128, 7], (5, 9, 11))
    for number, picture in enumerate(clear):
        picture_file(tmp_path / "p", f"{number}.png", picture)
    values = clear if dtype == "u1" else clear.astype(dtype) / 255
    np.save(tmp_path / "x.npy", np.moveaxis(values, 3, 1) if first else values)
    files, array = opened(tmp_path / "p").pixels, opened(tmp_path / "x.npy").pixels
    assert np.abs(files.astype(int) - array).max() <= 1
    alpha = clear[..., 3:] / 255
    assert np.abs(array - (clear[..., :3] * alpha + 255 * (1 - alpha))).max() <= 1


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("side", [8, 17, 32])
def test_rows_of_coloured_pictures_in_either_order(seed: int, side: int) -> None:
    """Smooth coloured shapes with noise, and pictures that are noise in one colour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    pictures = np.zeros((12, side, side, 3))
    for picture in pictures:
        for colour in rng.uniform(0, 255, (3, 3)):
            left, top, size = rng.uniform(0, 0.7), rng.uniform(0, 0.7), rng.uniform(0.2, 0.8)
            picture[(x > left) & (x < left + size) & (y > top) & (y < top + size)] = colour
    pictures += rng.normal(0, 12, pictures.shape)
    if seed % 4 == 0:
        pictures = rng.uniform(0, 255, (12, side, side, 1)) * rng.uniform(0.2, 1, 3)
    truth = np.clip(pictures, 0, 255).astype(np.uint8)
    assert np.array_equal(pixels(truth.reshape(12, -1)), truth)
    assert np.array_equal(pixels(truth.transpose(0, 3, 1, 2).reshape(12, -1)), truth)


def test_the_order_of_rows_is_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.random((9, 3, 16, 16)), axis=3).reshape(9, -1)
    np.save(tmp_path / "x.npy", values / values.max())
    assert "Each row was read channel by channel" in notes(opened(tmp_path / "x.npy"))


LABELS = np.arange(10) % 3


@pytest.mark.parametrize(
    ("names", "kept", "left"),
    [
        (("train_images", "train_labels", "val_images", "val_labels"), True, "'val_images'"),
        (("x_train", "y_train", "x_test", "y_test"), True, "'y_test'"),
        (("X", "Y"), True, ""),
        (("imgs", "targets"), True, ""),
        (("arr_0", "arr_1"), True, ""),
        (("train_x", "train_y", "test_x", "test_y"), True, "'test_x'"),
        (("images", "class_id"), True, ""),
        (("images", "weights"), False, "'weights' (10"),
    ],
)
@pytest.mark.parametrize("column", [False, True])
def test_labels_are_found_by_their_names(
    names: tuple[str, ...], kept: bool, left: str, column: bool, tmp_path: Path
) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (10, 8, 8), dtype=np.uint8)
    labels = LABELS[:, None] if column else LABELS
    parts = [pictures, labels, pictures[:4], labels[:4]]
    np.savez(tmp_path / "x.npz", **dict(zip(names, parts, strict=False)), note=np.array({"a": 1}, dtype=object))  # type: ignore[arg-type]
    dataset = opened(tmp_path / "x.npz")
    assert np.array_equal(dataset.pixels[..., 0], pictures)
    assert (dataset.labels is not None) == kept and (not kept or np.array_equal(dataset.labels, LABELS))  # type: ignore[arg-type]
    assert "'note' is not read: it contains Python objects" in notes(dataset)
    assert left in notes(dataset) and bool(left) == ("ignored: " in notes(dataset))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_pictures_and_labels_in_two_files(turned: bool, ending: str, tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (10, 8, 8), dtype=np.uint8)
    files = [tmp_path / f"imgs{ending}", tmp_path / f"labels{ending}"]
    for path, array in zip(files, (pictures, LABELS), strict=True):
        np.save(path, array) if ending == ".npy" else np.savez(path, array)
    dataset = opened(*(reversed(files) if turned else files))
    assert np.array_equal(dataset.pixels[..., 0], pictures) and np.array_equal(dataset.labels, LABELS)  # type: ignore[arg-type]


@pytest.mark.parametrize(("top", "nearly"), [(13, "black"), (63, "black"), (64, ""), (255, "")])
def test_nearly_black_pictures_are_told(top: int, nearly: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(4):
        picture = rng.integers(0, top + 1, (16, 16), dtype=np.uint8)
        picture[0, 0] = top
        picture_file(tmp_path / "dark", f"{number}.png", picture)
        picture_file(tmp_path / "light", f"{number}.png", 255 - picture)
    for folder, light in (("dark", False), ("light", True)):
        findings = {finding.rule: finding for finding in finished(check(opened(tmp_path / folder)))}
        word = "white" if light else "black"
        rule = f"pictures are not nearly {word}"
        assert (rule in findings) == bool(nearly)
        if nearly:
            limit = f"the darkest pixel is {255 - top} of 255" if light else f"the brightest pixel is {top} of 255"
            assert limit in findings[rule].sentence and findings[rule].level == "warning"


def test_one_bright_pixel_does_not_hide_a_black_set(tmp_path: Path) -> None:
    for number in range(4):
        picture = np.random.default_rng(number).integers(0, 9, (40, 40), dtype=np.uint8)
        picture[0, 0] = 255
        picture_file(tmp_path / "p", f"{number}.png", picture)
    findings = [finding for finding in finished(check(opened(tmp_path / "p"))) if "nearly black" in finding.rule]
    assert len(findings) == 1 and "999 of 1,000 pixels are 8 of 255 or less" in findings[0].sentence


def test_the_scale_is_said_in_the_checks(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(5 * 99, dtype=np.uint16).reshape(5, 9, 11) * 8)
    findings = finished(check(opened(tmp_path / "x.npy")))
    assert any("Values 0 to 4095 are scaled to 0..255." in finding.sentence for finding in findings)


def test_a_dataset_of_the_version_before_opens(tmp_path: Path) -> None:
    """Without a scale in its settings or its details: the pixels stay, and a copy decides the scale of the whole set."""
    grey = drawn(np.random.default_rng(0)).astype(np.float32)
    for number, picture in enumerate(grey):
        picture_file(tmp_path / "p", f"{number}.tif", picture)
    before = opened(tmp_path / "p")
    path = before.info.path.with_name("dataset.json")
    card = json.loads(path.read_text())
    del card["details"]["scale"], card["details"]["notes"], card["details"]["picture"]["scale"]
    path.write_text(json.dumps(card))
    info = read_card(path.parent)
    assert np.array_equal(shelf.open_dataset(info).pixels, before.pixels)  # type: ignore[union-attr]
    copy = finished(duplicate(info, name="again"))
    assert np.array_equal(shelf.open_dataset(copy).pixels, before.pixels)  # type: ignore[union-attr]


def test_a_child_sends_a_spread_that_is_checked() -> None:
    out = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 60).save(out, "PNG")
    found = decode.decode_many([out.getvalue()], (8, 8), "crop", False)
    answer = decode._answer(found)
    assert decode.results(answer)[0].spread == Spread.of(np.arange(64) * 60)  # type: ignore[union-attr]
    for old, new in ((b"3780.0", b"NaN   "), (b"true", b"1234"), (b"[64,", b"[-4,"), (b"[64,", b"[{},")):
        assert answer.count(old) == 1
        with pytest.raises((ValueError, LookupError, TypeError)):
            decode.results(answer.replace(old, new))
