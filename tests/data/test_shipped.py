"""Shipped pairs and pictures: read whole, or refused in words."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data import shelf, shipped
from genstudio.data.datasets import ImageDataset, PairDataset
from genstudio.data.info import DatasetInfo
from genstudio.errors import DataError

GOOD = {
    "pixels": np.zeros((4, 2, 2, 3), np.uint8),
    "labels": np.array([0, 1, 1, 0], np.uint8),
    "classes": np.array(["a", "b"]),
    "captions": np.array(["w", "x", "y", "z"]),
    "attribute_size": np.array(["s", "m", "l", "s"]),
}


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., DatasetInfo]:
    def write(**changes: Any) -> DatasetInfo:
        arrays = {name: array for name, array in {**GOOD, **changes}.items() if array is not None}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return written(tmp_path / "x.npz", "images", buffer.getvalue(), buffer.getvalue())

    return write


def written(path: Path, kind: Any, raw: bytes, content: bytes) -> DatasetInfo:
    path.write_bytes(raw)
    return DatasetInfo("x", "It", kind, "ships", path, len(content), hashlib.sha256(content).hexdigest())


def table(path: Path, text: bytes) -> DatasetInfo:
    return written(path / "x.tsv.gz", "pairs", gzip.compress(text), text)


def test_pictures_come_with_everything_that_is_known(pictures: Callable[..., DatasetInfo]) -> None:
    found = shipped.read(pictures())
    assert isinstance(found, ImageDataset)
    assert found.labels is not None and found.labels.dtype == np.int64 and found.labels.tolist() == [0, 1, 1, 0]
    assert (found.classes, found.captions) == (("a", "b"), ("w", "x", "y", "z"))
    assert list(found.attributes) == ["size"]
    assert not found.pixels.flags.writeable
    bare = shipped.read(pictures(labels=None, classes=None, captions=None, attribute_size=None))
    assert isinstance(bare, ImageDataset)
    assert (bare.labels, bare.classes, bare.captions, dict(bare.attributes)) == (None, (), None, {})


@pytest.mark.parametrize(
    "changes",
    [
        {"pixels": None},
        {"pixels": np.zeros((4, 2, 2, 3), np.float32)},
        {"pixels": np.zeros((4, 2, 2), np.uint8)},
        {"pixels": np.zeros((4, 2, 2, 2), np.uint8)},
        {"labels": np.array([0, 1, 2, 0])},
        {"labels": np.array([0, 1, -1, 0])},
        {"labels": np.array([0, 1])},
        {"labels": np.array([0.0, 1, 1, 0])},
        {"captions": np.array(["w"])},
        {"attribute_size": np.array(["s"])},
        {"classes": None},
    ],
)
def test_pictures_that_do_not_fit_together_are_refused(pictures: Callable[..., DatasetInfo], changes: Any) -> None:
    with pytest.raises(DataError, match="damaged"):
        shipped.read(pictures(**changes))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    buffer = io.BytesIO()
    np.savez(buffer, pixels=GOOD["pixels"], captions=np.array([Trap()] * 4, dtype=object))
    with pytest.raises(DataError, match="damaged"):
        shipped.read(written(tmp_path / "x.npz", "images", buffer.getvalue(), buffer.getvalue()))
    assert not (tmp_path / "sprung").exists()


def test_a_file_that_unpacks_to_too_much_is_refused(
    pictures: Callable[..., DatasetInfo], monkeypatch: pytest.MonkeyPatch
) -> None:
    info = pictures(pixels=np.zeros((4, 64, 64, 3), np.uint8))
    monkeypatch.setattr(shipped, "LARGEST", 20_000)
    with pytest.raises(DataError, match="damaged"):
        shipped.read(info)


def test_pairs(tmp_path: Path) -> None:
    found = shipped.read(table(tmp_path, "English\tSpanish\none\tuno\ntwo words\tdos\u2028x\n".encode()))
    assert isinstance(found, PairDataset)
    assert found.names == ("English", "Spanish")
    assert (found.left, found.right) == (("one", "two words"), ("uno", "dos\u2028x"))


@pytest.mark.parametrize("text", [b"one\n", b"a\tb\nc\n", b"a\tb\nc\td\te\n", b"\xff\t\n", b"a\tb\n\nc\td\n"])
def test_tables_that_are_none_are_refused(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(DataError, match="damaged"):
        shipped.read(table(tmp_path, text))


@pytest.mark.parametrize("name", ["verses-en-es", "digits8"])
def test_every_damage_to_a_shipped_file_is_noticed(tmp_path: Path, name: str) -> None:
    info = shelf.find_dataset(name)
    raw = info.path.read_bytes()
    copy = replace(info, path=tmp_path / info.path.name)
    rng = random.Random(0)
    for _ in range(60):
        place = rng.randrange(20, len(raw) - 8)
        damaged = rng.choice([raw[:place], raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :], raw[place:], b""])
        copy.path.write_bytes(damaged)
        with pytest.raises(DataError, match=info.title) as error:
            shipped.read(copy)
        assert error.value.path == copy.path and "Reinstall" in error.value.hint
    shutil.copy(info.path, copy.path)
    assert shipped.read(copy)


def test_what_is_gone_or_no_file_is_told(tmp_path: Path) -> None:
    info = replace(shelf.find_dataset("digits8"), path=tmp_path / "absent.npz")
    with pytest.raises(DataError, match="is gone"):
        shipped.read(info)
    with pytest.raises(DataError, match="cannot be read"):
        shipped.read(replace(info, path=tmp_path))
    with pytest.raises(DataError, match="this version cannot read"):
        shipped.read(replace(info, kind="points"))
