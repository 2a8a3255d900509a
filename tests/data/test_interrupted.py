"""Imports that are cancelled anywhere, or find the disk full anywhere: what was there stays, and nothing else is left."""

from __future__ import annotations

import contextlib
import errno
import io
import multiprocessing
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genstudio import paths
from genstudio.data import shelf, store
from genstudio.data.images import PictureSettings
from genstudio.data.importing.copies import duplicate
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.pictures import import_array
from genstudio.data.importing.rows import import_points
from genstudio.data.importing.sources import import_any
from genstudio.data.work import Work, finished
from genstudio.errors import StorageError
from helpers import files, usually, words

Work = Callable[[Path], Work[Any]]


def png(seed: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)).save(out, "PNG")
    return out.getvalue()


def text(place: Path) -> Work[Any]:
    (place / "mine.txt").write_text(words(40_000), encoding="utf-8")
    return import_any([place / "mine.txt"])


def table(place: Path) -> Work[Any]:
    rows = "".join(f"{i};{i * i} words\n" for i in range(20_000))
    (place / "mine.csv").write_text("a;b\n" + rows, encoding="utf-8")
    return import_any([place / "mine.csv"])


def folder(place: Path) -> Work[Any]:
    (place / "p").mkdir()
    for number in range(150):
        (place / "p" / f"{number}.png").write_bytes(png(number))
    return import_any([place / "p"])


def zipped(place: Path) -> Work[Any]:
    with zipfile.ZipFile(place / "mine.zip", "w") as archive:
        for number in range(150):
            archive.writestr(f"c{number % 2}/{number}.png", png(number))
    return import_any([place / "mine.zip"])


def tarred(place: Path) -> Work[Any]:
    with tarfile.open(place / "mine.tar.gz", "w:gz") as archive:
        for number in range(150):
            member = tarfile.TarInfo(f"{number}.png")
            member.size = len(png(number))
            archive.addfile(member, io.BytesIO(png(number)))
    return import_any([place / "mine.tar.gz"])


def array(place: Path) -> Work[Any]:
    np.save(place / "mine.npy", np.random.default_rng(0).integers(0, 256, (1500, 8, 8), np.uint8))
    return import_any([place / "mine.npy"], ImportOptions(pictures=PictureSettings(16)))


def drawn(place: Path) -> Work[Any]:
    return import_array(np.random.default_rng(0).integers(0, 256, (900, 8, 8, 1), np.uint8), "Drawn", "drawn")


def points(place: Path) -> Work[Any]:
    return import_points(np.random.default_rng(0).normal(size=(5_000, 2)).astype(np.float32), "Drawn")


def copied(place: Path) -> Work[Any]:
    return duplicate(shelf.find_dataset("digits8"), pictures_as=PictureSettings(16))


def remade(place: Path) -> Work[Any]:
    return duplicate(shelf.find_dataset("moons"), made_with={"noise": 0.3})


JOBS: list[Work] = [text, table, folder, zipped, tarred, array, drawn, points, copied, remade]


@pytest.fixture
def before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A shelf with something on it that has to stay as it is."""
    monkeypatch.setattr("genstudio.storage.sync_file", lambda descriptor: None)
    monkeypatch.setattr("genstudio.storage.sync_folder", lambda folder: None)
    (tmp_path / "first.txt").write_text(words(100), encoding="utf-8")
    finished(import_any([tmp_path / "first.txt"]))
    (tmp_path / "first.txt").unlink()
    return files(paths.datasets())


@contextlib.contextmanager
def full_after(room: int) -> Iterator[None]:
    """A disk that takes so many more bytes of a dataset."""
    left, real = [room], store.writing

    @contextlib.contextmanager
    def writing(path: Path) -> Iterator[Any]:
        with real(path) as file:
            write = file.write

            class Narrow:
                def __getattr__(self, name: str) -> Any:
                    return getattr(file, name)

                def write(self, data: Any) -> int:
                    left[0] -= len(data)
                    if left[0] < 0:
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    return int(write(data))

            yield Narrow()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "writing", writing)
        yield


@usually("job", [job for job in JOBS if job is not remade], 3, ids=lambda job: job.__name__)
def test_a_full_disk_leaves_what_was_there(job: Work, before: dict[str, bytes], tmp_path: Path) -> None:
    work = job(tmp_path)
    given, made = files(tmp_path), finished(work)
    whole = sum(path.stat().st_size for path in made.path.parent.iterdir() if path.name != "dataset.json")
    shelf.delete_dataset(made)
    for number, room in enumerate((0, 100, whole // 3, whole - 1)):
        place = tmp_path / f"again{number}"
        place.mkdir()
        with full_after(room), pytest.raises(StorageError, match="full") as error:
            finished(job(place))
        assert error.value.hint and files(paths.datasets()) == before, room
        assert not multiprocessing.active_children()
    assert {name: content for name, content in files(tmp_path).items() if name in given} == given


@usually("job", JOBS, 3, ids=lambda job: job.__name__)
def test_cancelling_anywhere_leaves_what_was_there(job: Work, before: dict[str, bytes], tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    work, slices = job(whole), 0
    with contextlib.suppress(StopIteration):
        while True:
            next(work)
            slices += 1
    for info in shelf.list_datasets():
        if info.mine and info.title != "first":
            shelf.delete_dataset(info)
    assert slices >= 1 and files(paths.datasets()) == before
    for number, stop in enumerate(sorted({1, 2, slices // 2, slices - 1} - {0})):
        place = tmp_path / f"again{number}"
        place.mkdir()
        work = job(place)
        given = files(place)
        for _ in range(min(stop, slices)):
            if next(work, None) is None:
                break
        work.close()
        left = files(paths.datasets())
        done = [info for info in shelf.list_datasets() if info.mine and info.title != "first"]
        for info in done:
            shelf.delete_dataset(info)
        assert done or left == before, (stop, slices)
        assert files(place) == given and not multiprocessing.active_children()
    assert files(paths.datasets()) == before
