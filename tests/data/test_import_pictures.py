"""Import of pictures, archives and arrays: photo folders, hostile archives, and thousands of damaged files."""

from __future__ import annotations

import contextlib
import gzip
import io
import multiprocessing
import os
import random
import struct
import sys
import time
import zipfile
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hostile import crafted, png, special, tarred, zipped
from numpy.typing import NDArray
from PIL import Image

from genstudio import paths
from genstudio.data import shelf
from genstudio.data.datasets import ImageDataset
from genstudio.data.images import PictureSettings
from genstudio.data.importing import archives, arrays, decode, listing, pictures, pool, shapes, streams
from genstudio.data.importing.copies import duplicate
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.sources import import_any, inspect
from genstudio.data.work import finished
from genstudio.errors import DataError


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are decoded in this process: starting others takes longer than what the tests look at."""

    def none(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(pool, "_Child", none)


def put(folder: Path, content: bytes, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def encoded(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def random_picture(seed: int, width: int = 12, height: int = 9, mode: str = "RGB") -> Image.Image:
    rng = np.random.default_rng(seed)
    shape = (height, width) if mode == "L" else (height, width, len(mode))
    return Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8), mode=None)


def opened(*sources: Path, settings: PictureSettings | None = None, **options: Any) -> ImageDataset:
    chosen = ImportOptions(pictures=settings or PictureSettings(), **options)
    dataset = shelf.open_dataset(finished(import_any(sources, chosen)))
    assert isinstance(dataset, ImageDataset)
    return dataset


def on_disk() -> list[str]:
    return sorted(entry.name for entry in paths.datasets().iterdir()) if paths.datasets().is_dir() else []


def photos(folder: Path, count: int = 40) -> None:
    for number in range(count):
        put(
            folder,
            encoded(random_picture(number, 20 + number % 3, 20)),
            f"{'cat' if number % 2 else 'dog'}/{number}.png",
        )


def test_a_photo_folder_with_a_few_broken_files(tmp_path: Path) -> None:
    """In real child processes, as the program does it."""
    folder = tmp_path / "photos"
    photos(folder)
    put(folder, encoded(random_picture(1))[:60], "cat/cut.png")
    put(folder, b"", "cat/empty.jpg")
    put(folder, b"<svg><image href='file:///etc/passwd'/></svg>", "dog/drawing.png")
    put(folder, b"notes", "notes.txt")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = finished(inspect([folder]))
    assert (found.kind, found.files, found.classes, len(found.sizes)) == ("images", 43, ("cat", "dog"), 4)
    dataset = opened(folder, settings=PictureSettings(16))
    assert dataset.pixels.shape == (40, 16, 16, 3) and not dataset.pixels.flags.writeable
    assert dataset.classes == ("cat", "dog") and dataset.labels is not None
    assert dataset.labels.tolist() == [0] * 20 + [1] * 20
    assert dataset.names is not None and dataset.names[:2] == ("cat/1.png", "cat/3.png")
    broken = dict(dataset.info.details["broken"])
    assert set(broken) == {"cat/cut.png", "cat/empty.jpg", "dog/drawing.png"}
    assert dataset.info.details["broken_count"] == 3 and broken["cat/empty.jpg"] == "is empty"
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_pictures_of_numbers_are_decoded_twice_in_real_children(tmp_path: Path) -> None:
    """Each file alone would have another scale than all together, and the children say so."""
    values = np.arange(64, dtype=np.uint16).reshape(8, 8)
    for number, factor in enumerate((1, 16, 65, 1000)):
        put(tmp_path / "p", encoded(Image.fromarray(values * np.uint16(factor))), f"{number}.png")
    dataset = opened(tmp_path / "p")
    wanted = values * np.array([1, 16, 65, 1000])[:, None, None] * 255 / 65535
    assert np.abs(dataset.pixels[..., 0] - wanted).max() <= 0.51 and dataset.info.details["scale"] == [0, 65535]


def test_too_many_broken_files_stop_the_import_with_their_names(tmp_path: Path, here: None) -> None:
    photos(tmp_path / "p", 12)
    for number in range(11):
        put(tmp_path / "p", b"broken", f"cat/bad{number}.png")
    with pytest.raises(DataError, match=r"11 of 23 .*cat/bad0.png is not a picture"):
        opened(tmp_path / "p")
    assert on_disk() == []
    assert len(opened(tmp_path / "p", skip_broken=True).pixels) == 12
    with pytest.raises(DataError, match="1 of 1"):
        opened(put(tmp_path, b"broken", "only.png"), skip_broken=True)


def expected(picture: Image.Image) -> NDArray[np.uint8]:
    pixels = np.asarray(picture, np.uint8)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def test_every_kind_of_picture_becomes_grey_or_colour() -> None:
    colour, grey = random_picture(0), random_picture(1, mode="L")
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    deep = Image.fromarray(np.full((4, 4), 257 * 100, np.uint16))
    cases: list[tuple[bytes, NDArray[np.uint8]]] = [
        (encoded(colour), expected(colour)),
        (encoded(grey), expected(grey)),
        (encoded(colour, "BMP"), expected(colour)),
        (encoded(colour, "WEBP", lossless=True), expected(colour)),
        (encoded(colour, "TIFF"), expected(colour)),
        (encoded(grey, "PPM"), expected(grey)),
        (encoded(colour.quantize(256)), expected(colour.quantize(256).convert("RGB"))),
        (encoded(colour.convert("CMYK"), "TIFF"), expected(colour.convert("CMYK").convert("RGB"))),
        (encoded(clear), np.full((4, 4, 3), 255, np.uint8)),
        (encoded(deep), np.full((4, 4, 1), 100, np.uint8)),
        (encoded(grey.convert("1")), expected(grey.convert("1").convert("L"))),
        (encoded(colour, "GIF", save_all=True, append_images=[colour.transpose(Image.Transpose.ROTATE_180)]), None),
    ]  # type: ignore[list-item]
    for raw, wanted in cases:
        pixels, own, _, _ = decode.decode(raw, None, "crop", False)
        assert pixels.shape[:2] == own[::-1]
        if wanted is not None:
            assert np.array_equal(pixels, wanted)
    assert decode.decode(encoded(colour), None, "crop", True)[0].shape == (9, 12, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_a_turned_photo_stands_upright(orientation: int, form: str) -> None:
    """The picture that a viewer shows for each EXIF orientation: what undoes the turn of the sensor."""
    upright = random_picture(0, 12, 8)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    stored = upright
    if orientation > 1:
        inverse = {0: 0, 1: 1, 2: 4, 3: 3, 4: 2, 5: 5, 6: 6}[undo[orientation]]
        stored = upright.transpose(Image.Transpose(inverse))
    exif = Image.Exif()
    exif[0x0112] = orientation
    raw = encoded(stored, form, exif=exif, **({"lossless": True} if form == "WEBP" else {}))
    pixels, own, _, _ = decode.decode(raw, None, "crop", False)
    assert np.array_equal(pixels, np.asarray(upright)) and own == (12, 8)
    assert decode.measure(raw) == (12, 8)


def test_crop_pad_and_stretch() -> None:
    pixels = np.zeros((10, 20, 3), np.uint8)
    pixels[:, 5:15] = 255
    raw = encoded(Image.fromarray(pixels))
    crop, pad, stretch = (decode.decode(raw, (10, 10), fit, False)[0] for fit in ("crop", "pad", "stretch"))
    assert (crop == 255).all()
    assert (pad[:2] == 0).all() and (pad[8:] == 0).all() and pad[5, 5, 0] == 255 and pad[5, 0, 0] < 5
    assert stretch[0, 5, 0] == 255 and stretch[0, 0, 0] < 5


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, as bombs do."""
    raw = bytearray(encoded(Image.new("RGB", (1, 1))))
    struct.pack_into(">II", raw, 16, width, height)
    import zlib

    struct.pack_into(">I", raw, 29, zlib.crc32(raw[12:29]))
    return bytes(raw)


@pytest.mark.parametrize("size", [(10_001, 10_000), (1_000_000, 101), (2**31 - 1, 2**31 - 1), (60_000, 60_000)])
def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(decode.BrokenPictureError, match="at most 100 megapixels"):
        decode.decode(bomb(*size), (16, 16), "crop", False)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK", "1"])
@pytest.mark.parametrize("seed", range(3))
def test_a_large_picture_is_reduced_band_by_band(mode: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pixel is the mean of the area it stands for, in pictures whose size no band fits."""
    monkeypatch.setattr(decode, "_BAND", 2000)
    rng = np.random.default_rng(seed)
    high, wide = rng.integers(300, 600, 2).tolist()
    y, x = np.mgrid[:high, :wide] / max(high, wide)
    smooth = np.stack([127 + 120 * np.sin(3 * x * a + 2 * y * b) for a, b in rng.normal(size=(3, 2))], axis=2)
    picture = Image.fromarray(smooth.astype(np.uint8))
    if mode == "RGBA":
        picture.putalpha(Image.fromarray((255 * (x > 0.3)).astype(np.uint8)))
    picture = picture.quantize(256) if mode == "P" else picture.convert(mode)
    shown = picture
    if mode == "RGBA":
        shown = Image.new("RGB", picture.size, "white")
        shown.paste(picture, mask=picture.getchannel("A"))
    whole = np.asarray(shown.convert("L" if mode in ("L", "1") else "RGB"), np.float64)
    raw = encoded(picture, "TIFF" if mode == "CMYK" else "PNG")
    pixels, own, _, _ = decode.decode(raw, (8, 8), "stretch", False)
    assert own == (wide, high)
    rows, columns = np.arange(high) * 8 // high, np.arange(wide) * 8 // wide
    means = np.zeros((8, 8, *whole.shape[2:]))
    for row, column in np.ndindex(8, 8):
        means[row, column] = whole[rows == row][:, columns == column].mean(axis=(0, 1))
    away = np.abs(pixels.reshape(means.shape) - means)
    assert away.mean() < (12 if mode == "1" else 3) and (mode in ("RGBA", "1") or away.max() < 12)


def test_a_scan_of_24_megapixels_is_made_small(tmp_path: Path) -> None:
    """In a real child, in the memory and the time it has."""
    scan = Image.new("RGB", (6000, 4000), (200, 180, 160))
    scan.paste((0, 0, 0), (0, 2000, 6000, 4000))
    for form in ("PNG", "TIFF"):
        put(
            tmp_path / "p",
            encoded(scan, form, **({"compression": "tiff_deflate"} if form == "TIFF" else {})),
            f"a.{form}",
        )
    pixels = opened(tmp_path / "p", settings=PictureSettings(64, "stretch")).pixels
    assert pixels.shape == (2, 64, 64, 3)
    assert (pixels[:, :30] == [200, 180, 160]).all() and (pixels[:, 34:] == 0).all()


def test_a_large_photo_is_decoded_small() -> None:
    raw = encoded(Image.new("RGB", (6000, 4000), (10, 200, 30)), "JPEG")
    pixels, own, _, _ = decode.decode(raw, (32, 32), "crop", False)
    assert own == (6000, 4000) and np.abs(pixels.astype(int) - [10, 200, 30]).max() < 4


def test_grey_among_coloured_pictures_gets_three_channels(tmp_path: Path, here: None) -> None:
    grey, colour = random_picture(1, 8, 8, "L"), random_picture(2, 8, 8)
    for name, picture in (("a", grey), ("b", colour), ("c", grey)):
        put(tmp_path / "p", encoded(picture), f"{name}.png")
    dataset = opened(tmp_path / "p")
    assert dataset.pixels.shape == (3, 8, 8, 3) and dataset.labels is None
    assert np.array_equal(dataset.pixels[0], np.repeat(expected(grey), 3, axis=2))
    assert np.array_equal(dataset.pixels[1], expected(colour))
    assert opened(tmp_path / "p", settings=PictureSettings(grey=True)).pixels.shape == (3, 8, 8, 1)


def test_pictures_can_be_made_anew_without_their_folder(tmp_path: Path, here: None) -> None:
    folder = tmp_path / "p"
    photos(folder, 10)
    first = opened(folder, settings=PictureSettings(4))
    sharp = opened(folder, settings=PictureSettings(20, "pad"))
    for path in folder.rglob("*.png"):
        path.unlink()
    copy = shelf.open_dataset(finished(duplicate(first.info, pictures_as=PictureSettings(20, "pad"))))
    assert isinstance(copy, ImageDataset) and np.array_equal(copy.pixels, sharp.pixels)
    assert (copy.classes, copy.names) == (sharp.classes, sharp.names) and np.array_equal(copy.labels, sharp.labels)
    flipped = shelf.open_dataset(finished(duplicate(copy.info, pictures_as=PictureSettings(20, "pad", flip=True))))
    assert isinstance(flipped, ImageDataset) and flipped.info.count == len(flipped.pixels) == 20
    assert np.array_equal(flipped.pixels[::2], copy.pixels)
    assert np.array_equal(flipped.pixels[1::2], copy.pixels[:, :, ::-1])
    assert flipped.info.sha256 != copy.info.sha256
    again = shelf.open_dataset(finished(duplicate(flipped.info, pictures_as=PictureSettings(20, "pad"))))
    assert isinstance(again, ImageDataset) and np.array_equal(again.pixels, copy.pixels)
    shipped = shelf.open_dataset(finished(duplicate(shelf.find_dataset("digits8"), pictures_as=PictureSettings(16))))
    assert isinstance(shipped, ImageDataset) and shipped.pixels.shape == (1797, 16, 16, 1)


def test_drawn_digits(here: None) -> None:
    drawn = np.zeros((4, 28, 28, 1), np.uint8)
    drawn[:, 10:20, 14] = 255
    info = finished(pictures.import_array(drawn, "Mine", "drawn", labels=np.array([1, 1, 0, 1]), classes=("0", "1")))
    dataset = shelf.open_dataset(info)
    assert isinstance(dataset, ImageDataset) and np.array_equal(dataset.pixels, drawn)
    assert info.details["classes"] == ["0", "1"]
    for labels in ([0, 1], [0, 1, 2, 1], [0, 0, 0, -2]):
        with pytest.raises(DataError, match="labels do not match"):
            finished(pictures.import_array(drawn, "x", "drawn", labels=np.array(labels), classes=("0", "1")))


@pytest.mark.parametrize("damage", ["pixels", "index", "originals"])
def test_changed_pictures_are_told(tmp_path: Path, here: None, damage: str) -> None:
    photos(tmp_path / "p", 4)
    info = opened(tmp_path / "p").info
    name = {"pixels": "pixels.npy", "index": "index.npz", "originals": "originals.bin"}[damage]
    path = info.path.with_name(name)
    raw = path.read_bytes()
    for changed in (raw[:200] + bytes([raw[200] ^ 1]) + raw[201:], raw[:-7], b""):
        path.write_bytes(changed)
        with pytest.raises(DataError):
            if damage == "originals":
                finished(duplicate(info, pictures_as=PictureSettings(5), name="x"))
                if len(changed) == len(raw):
                    raise DataError("a changed original is noticed where it can no longer be decoded")
            else:
                shelf.open_dataset(info)
    path.unlink()
    with pytest.raises(DataError, match="gone"):
        shelf.open_dataset(info) if damage != "originals" else finished(duplicate(info))


@pytest.mark.parametrize("form", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_archives_give_what_the_folder_gives(tmp_path: Path, here: None, form: str) -> None:
    import shutil

    photos(tmp_path / "p", 12)
    folder = opened(tmp_path / "p", settings=PictureSettings(8))
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), form, tmp_path / "p"))
    assert finished(inspect([packed])).form == "archive"
    dataset = opened(packed, settings=PictureSettings(8))
    order = np.argsort(dataset.names or ())
    assert np.array_equal(dataset.pixels[order], folder.pixels[np.argsort(folder.names or ())])
    assert dataset.classes == folder.classes


def refuse_all(tmp_path: Path, seeds: range) -> None:
    outside = put(tmp_path, b"precious", "outside.png")
    for seed in seeds:
        name, raw = crafted(seed)
        path = put(tmp_path / "in", raw, name)
        with pytest.raises(DataError) as error:
            finished(import_any([path]))
        assert error.value.hint and error.value.path == path, seed
        assert on_disk() == []
        files = {found.relative_to(tmp_path).as_posix() for found in tmp_path.rglob("*") if found.is_file()}
        assert files == {"outside.png", f"in/{name}"}, seed
        path.unlink()
    assert outside.read_bytes() == b"precious"


def test_a_hundred_hostile_archives_are_refused_whole(tmp_path: Path, here: None) -> None:
    refuse_all(tmp_path, range(100))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_thousand_hostile_archives_are_refused_whole(tmp_path: Path, here: None) -> None:
    refuse_all(tmp_path, range(2000))


def test_the_member_is_named(tmp_path: Path, here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for raw, name, match in (
        (zipped([("good.png", png()), ("a/../../x.png", png())]), "x.zip", r"'a/../../x.png' of x.zip points outside"),
        (tarred([special(b"2", "link.png")]), "x.tar", "'link.png' of x.tar is a link"),
        (zipped([("b.png", png()), ("B.PNG", png())]), "x.zip", "'B.PNG' .* only in case"),
    ):
        with pytest.raises(DataError, match=match):
            finished(import_any([put(tmp_path, raw, name)]))
    monkeypatch.setattr(archives, "MOST_MEMBERS", 5)
    for raw, name in (
        (zipped([(f"{i}.png", png()) for i in range(6)]), "x.zip"),
        (tarred([(f"{i}.png", png()) for i in range(6)]), "y.tar"),
    ):
        with pytest.raises(DataError, match=r"more than 5 members|exceeds the limit of 5"):
            finished(import_any([put(tmp_path, raw, name)]))


def test_an_archive_without_pictures_says_so(tmp_path: Path, here: None) -> None:
    for name, raw in (
        ("x.zip", zipped([("a.txt", b"text")])),
        ("x.zip", zipped([])),
        ("x.tar", tarred([("b.exe", b"x")])),
    ):
        with pytest.raises(DataError, match="no pictures"):
            finished(import_any([put(tmp_path, raw, name)]))


def test_streams_read_what_was_packed(tmp_path: Path) -> None:
    raw = random.Random(0).randbytes(700_000) + b"end"
    for content in (gzip.compress(raw), gzip.compress(raw[:5]) + gzip.compress(raw[5:]) + bytes(512)):
        with put(tmp_path, content, "x.gz").open("rb") as file:
            stream, pieces = streams.unpacked(file, tmp_path / "x.gz", 1 << 30), [b"x"]
            while pieces[-1]:
                pieces.append(stream.read(9999))
            assert b"".join(pieces[1:]) == raw


def test_idx_with_labels_beside_it(tmp_path: Path, here: None) -> None:
    values = np.random.default_rng(0).integers(0, 256, (30, 7, 5), dtype=np.uint8)
    labels = np.arange(30, dtype=np.uint8) % 4
    raw = b"\0\0\x08\x03" + struct.pack(">III", 30, 7, 5) + values.tobytes()
    told = b"\0\0\x08\x01" + struct.pack(">I", 30) + labels.tobytes()
    put(tmp_path, gzip.compress(told), "train-labels-idx1-ubyte.gz")
    path = put(tmp_path, gzip.compress(raw), "train-images-idx3-ubyte.gz")
    found = finished(inspect([path]))
    assert (found.form, found.classes) == ("idx", ("0", "1", "2", "3"))
    dataset = opened(path)
    assert np.array_equal(dataset.pixels[..., 0], values) and np.array_equal(dataset.labels, labels)
    with pytest.raises(DataError, match="labels, not pictures"):
        opened(put(tmp_path, told, "y-idx1-ubyte"))
    for cut in (3, 10, 100, len(raw) - 1):
        with pytest.raises(DataError):
            opened(put(tmp_path, raw[:cut], "z-idx3-ubyte"))
    for dimensions in (5, 9, 200):
        with pytest.raises(DataError, match=f"an IDX file of {dimensions} dimensions"):
            opened(put(tmp_path, raw[:3] + bytes([dimensions]) + raw[4:], "z-idx3-ubyte"))


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"hevc"])
def test_a_heic_picture_is_named(tmp_path: Path, brand: bytes) -> None:
    with pytest.raises(DataError, match="is a HEIC picture") as error:
        finished(inspect([put(tmp_path, b"\0\0\0\x18ftyp" + brand + bytes(50), "a.HEIC")]))
    assert "JPEG" in error.value.hint


@pytest.mark.skipif("AVIF" not in decode.FORMATS, reason="this Pillow reads no AVIF")
def test_avif_beside_png(tmp_path: Path, here: None) -> None:
    for number in range(4):
        raw = encoded(Image.new("RGB", (16, 16), (40 * number, 200, 9)), "AVIF" if number else "PNG")
        put(tmp_path / "p", raw, f"{number}.{'avif' if number else 'png'}")
    pixels = opened(tmp_path / "p").pixels.astype(int)
    assert np.abs(pixels - [[[[40 * number, 200, 9]]] for number in range(4)]).max() < 6
    assert len(opened(put(tmp_path, raw, "without_its_ending")).pixels) == 1


@pytest.mark.parametrize(
    ("values", "shape", "first"),
    [
        (np.full((4, 64), 0.5), (4, 8, 8, 1), 128),
        (np.full((4, 8, 6), -1.0), (4, 8, 6, 1), 0),
        (np.full((4, 8, 6, 3), 200, np.int64), (4, 8, 6, 3), 200),
        (np.full((4, 3, 8, 6), 1.0, np.float32), (4, 8, 6, 3), 255),
        (np.full((4, 8, 6, 4), 200, np.uint8), (4, 8, 6, 3), 212),
        (np.full((4, 8, 6), 25700, np.uint16), (4, 8, 6, 1), 100),
        (np.ones((4, 8, 6), bool), (4, 8, 6, 1), 255),
        (np.asfortranarray(np.full((4, 8, 6), 70, ">i4")), (4, 8, 6, 1), 70),
        (np.full((8, 6, 3), 200, np.uint8), (1, 8, 6, 3), 200),
        (np.full((8, 6, 1), 200, np.uint8), (1, 8, 6, 1), 200),
    ],
)
def test_arrays_of_any_numbers(tmp_path: Path, here: None, values: Any, shape: Any, first: int) -> None:
    np.save(tmp_path / "x.npy", values)
    pixels = opened(tmp_path / "x.npy").pixels
    assert pixels.shape == shape and pixels.flat[0] == first
    np.savez_compressed(tmp_path / "x.npz", images=values, labels=np.array(["b", "a", "b", "b"]))
    if len(pixels) == 4:
        dataset = opened(tmp_path / "x.npz")
        assert dataset.classes == ("a", "b") and dataset.labels is not None and dataset.labels.tolist() == [1, 0, 1, 1]


def test_arrays_that_could_run_code_or_lie_are_refused(tmp_path: Path) -> None:
    values = np.zeros((4, 8, 8), np.uint8)
    np.save(tmp_path / "object.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "object.npz", pixels=np.array([{"a": 1}], dtype=object), labels=[0, 1])
    np.save(tmp_path / "record.npy", np.zeros(4, [("a", "i4")]))
    put(tmp_path, arrays.header("|u1", (10**9, 28, 28)), "large.npy")
    put(tmp_path, arrays.header("|u1", (40, 28, 28)) + b"x", "cut.npy")
    put(tmp_path, b"\x93NUMPY\x01\x00\x76\x00" + b"[" * 118, "deep.npy")
    np.save(tmp_path / "strange.npy", np.full((4, 8, 8), np.nan))
    np.save(tmp_path / "shape.npy", np.zeros((4, 7)))
    np.save(tmp_path / "table.npy", np.zeros((150, 16)))
    np.savez(tmp_path / "labels.npz", pixels=values, labels=[0, 1, -1, 2])
    np.savez(tmp_path / "fewer.npz", pixels=values, labels=[0, 1])
    np.savez(tmp_path / "half.npz", pixels=values, labels=[0, 1, 0.5, np.nan])
    wanted = {
        "object.npy": "run code", "object.npz": "run code", "record.npy": "run code", "large.npy": "784.0 GB",
        "cut.npy": "too early", "deep.npy": "damaged", "strange.npy": "infinite", "shape.npy": "no pictures",
        "table.npy": "no pictures",
        "labels.npz": "1 of 4 labels are negative", "fewer.npz": "4 pictures and labels", "half.npz": "whole numbers",
    }  # fmt: skip
    for name, match in wanted.items():
        with pytest.raises(DataError, match=match):
            finished(import_any([tmp_path / name]))
    assert on_disk() == []
    assert shapes.shaped(values)[0].shape == (4, 8, 8, 1)


def test_closing_an_import_of_pictures_leaves_no_file_and_no_process(tmp_path: Path) -> None:
    import multiprocessing

    photos(tmp_path / "p", 150)
    for steps in (1, 3, 6):
        work = import_any([tmp_path / "p"])
        while not on_disk():
            next(work)
        for _ in range(steps):
            next(work)
        assert len(on_disk()) == 1
        work.close()
        assert on_disk() == [] and not multiprocessing.active_children()


def test_a_decoder_that_dies_or_hangs_costs_one_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    raw = [png(number) for number in range(5)]
    with pool.Decoders[int](1, (8, 8), "crop", False) as decoders:
        children = decoders._children
        assert len(children) == 1
        work = decoders.run((number, raw) for number in range(6))
        answers = []
        while not answers:
            answers += [answer for answer in [next(work)] if answer]
        os.kill(children[0].process.pid or 0, signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        answers += [answer for answer in work if answer]
    assert [tag for tag, _, _ in answers] == list(range(6))
    assert all(not isinstance(result, str) for _, _, results in answers for result in results)
    monkeypatch.setattr(pool, "SECONDS", 0.0)
    monkeypatch.setattr(pool, "_START", 20.0)
    child = pool._started()
    assert child is not None
    assert pool._alone(child, png(0, 200), ((8, 8), "crop", False)) is None
    child.close()


def test_a_child_that_decodes_says_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch may take as long as its pictures need, but no child may be silent, or stall by signs of life alone."""
    ours, theirs = multiprocessing.Pipe()
    clock = iter(range(0, 100, 2))
    monkeypatch.setattr(decode.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setitem(sys.modules, "resource", None)
    raw = [png(number) for number in range(3)]
    theirs.send_bytes(decode.request(raw, (8, 8), "crop", False))
    theirs.close()
    answers: list[bytes] = []

    class Pipe:
        recv_bytes = ours.recv_bytes
        send_bytes = answers.append

    decode.serve(Pipe(), 0)
    assert answers[:4] == [b"ready", *[decode.ALIVE] * 3] and len(decode.results(answers[4])) == 3
    monkeypatch.undo()
    ours, theirs = multiprocessing.Pipe()
    decoders, job = pool.Decoders[int](0, (8, 8), "crop", False), pool._Job(0, raw[:1])
    child: Any = SimpleNamespace(pipe=ours, close=ours.close)
    job.child = child
    decoders._children.append(child)
    theirs.send_bytes(decode.ALIVE)
    decoders._wait(deque([job]))
    assert job.results is None and job.due > time.monotonic()
    monkeypatch.setattr(pool, "_Child", Mock(side_effect=OSError))
    theirs.send_bytes(decode.ALIVE)
    decoders._wait(deque([job]))
    assert job.results is not None and len(job.results) == 1 and decoders._children == []


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="this system has no links")
def test_links_and_what_is_no_file_are_left_out(tmp_path: Path, here: None) -> None:
    photos(tmp_path / "p", 4)
    secret = put(tmp_path, png(9), "secret.png")
    (tmp_path / "p" / "cat" / "link.png").symlink_to(secret)
    assert len(opened(tmp_path / "p").pixels) == 4
    assert pictures._content(tmp_path / "p" / "cat" / "link.png")[1].startswith("cannot be read")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        assert pictures._content(tmp_path / "pipe.png")[1] == "is not an ordinary file"


def samples() -> list[tuple[str, bytes]]:
    colour, grey = random_picture(0), random_picture(1, mode="L")
    values = np.random.default_rng(0).integers(0, 256, (6, 7, 5), dtype=np.uint8)
    array = io.BytesIO()
    np.savez_compressed(array, pixels=values, labels=np.arange(6))
    return [
        ("x.png", encoded(colour)), ("x.png", encoded(colour.quantize(8))), ("x.jpg", encoded(colour, "JPEG")),
        ("x.gif", encoded(colour, "GIF")), ("x.bmp", encoded(colour, "BMP")), ("x.webp", encoded(colour, "WEBP")),
        ("x.ppm", encoded(grey, "PPM")), ("x.tif", encoded(colour, "TIFF")),
        ("x-idx3-ubyte", b"\0\0\x08\x03" + struct.pack(">III", *values.shape) + values.tobytes()),
        ("x.npy", arrays.header("|u1", values.shape) + values.tobytes()), ("x.npz", array.getvalue()),
        ("x.zip", zipped([("a/b.png", png(1)), ("c/d.png", png(2))], zipfile.ZIP_STORED)),
        ("x.tar", tarred([("a/b.png", png(1)), ("c/d.png", png(2))])),
    ]  # fmt: skip


def mutated(raw: bytes, rng: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(data) + 1) if rng.random() < 0.5 else rng.randrange(min(len(data), 64) + 1)
        action = rng.randrange(4)
        if action == 0:
            data[place : place + rng.randint(1, 9)] = b""
        elif action == 1:
            data[place:place] = rng.randbytes(rng.randint(1, 5))
        elif action == 2:
            data[place : place + 4] = rng.choice(
                [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", rng.randbytes(4)]
            )
        elif place < len(data):
            data[place] ^= 1 << rng.randrange(8)
    return bytes(data) or b"x"


def survive(tmp_path: Path, seeds: range, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    monkeypatch.setattr("genstudio.storage.sync_file", lambda descriptor: None)
    monkeypatch.setattr("genstudio.storage.sync_folder", lambda folder: None)
    given, accepted, refused = samples(), 0, 0
    for seed in seeds:
        name, raw = given[seed % len(given)]
        path = put(tmp_path, mutated(raw, random.Random(seed)), name)
        try:
            info = finished(import_any([path], ImportOptions(pictures=PictureSettings(8))))
            shelf.open_dataset(info)
            shelf.delete_dataset(info)
            accepted += 1
        except DataError as error:
            assert error.message and error.hint, seed
            refused += 1
        assert on_disk() == [], seed
        assert [found.name for found in tmp_path.iterdir() if found.name != "home"] == [name], seed
        path.unlink()
    return accepted, refused


def test_hundreds_of_damaged_pictures_arrays_and_archives(
    tmp_path: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted, refused = survive(tmp_path, range(390), monkeypatch)
    assert accepted > 40 and refused > 100


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_damaged_pictures_arrays_and_archives(
    tmp_path: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted, refused = survive(tmp_path, range(1000, 11_000), monkeypatch)
    assert accepted > 1000 and refused > 2000


def test_a_folder_of_many_files_is_looked_at_in_slices(tmp_path: Path, here: None) -> None:
    """No slice is more than a small part of the work, whatever it is made of: listing, sorting, names, sizes, classes."""
    for number in range(6_000):
        place = tmp_path / "p" / f"c{number % 3}" / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    (tmp_path / "p" / "c1" / "1.png").write_bytes(png())
    work, slices = inspect([tmp_path / "p"]), 0
    while True:
        try:
            next(work)
            slices += 1
        except StopIteration as end:
            found = end.value
            break
    assert found.sentence.startswith("6,000 pictures in 3 folders") and found.classes == ("c0", "c1", "c2")
    assert slices > 6_000 / 500


def test_a_folder_is_read_in_the_order_a_person_counts(tmp_path: Path, here: None) -> None:
    for name in ("b/10.png", "b/9.png", "a/1.txt", "a/2.PNG", ".hidden/3.png", "b/.4.png", "c10/1.png", "c9/1.png"):
        (tmp_path / "p" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / name).touch()
    (tmp_path / "outside.png").touch()
    with contextlib.suppress(OSError, NotImplementedError):
        (tmp_path / "p" / "link.png").symlink_to(tmp_path / "outside.png")
    found, written = finished(listing.folder_files(tmp_path / "p", listing.SUFFIXES, (".txt",)))
    names = listing.names_below(tmp_path / "p", found)
    assert names == ["a/2.PNG", "b/9.png", "b/10.png", "c9/1.png", "c10/1.png"]
    assert listing.names_below(tmp_path / "p", [*written, tmp_path / "outside.png"]) == ["a/1.txt", "outside.png"]
    with pytest.raises(DataError, match="cannot be read"):
        finished(listing.folder_files(tmp_path / "nothing", listing.SUFFIXES))
