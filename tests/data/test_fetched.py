"""From the catalogue to the shelf, with small datasets of every form on a server of our own."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from webserver import File, Server

from genstudio import cli, paths
from genstudio.data import catalogue, fetched, shelf, web
from genstudio.data.catalogue import Offer, Part
from genstudio.data.datasets import ImageDataset, PairDataset, TextDataset
from genstudio.data.download import Patience
from genstudio.data.fetched import obtain
from genstudio.data.work import finished
from genstudio.errors import DataError, StorageError
from genstudio.tasks.download import Download
from genstudio.tasks.models import Models
from helpers import LONG, returned

QUICK = Patience(timeout=LONG / 1000, pause=0.0)
PICTURES = np.random.default_rng(0).integers(0, 256, (30, 28, 28), np.uint8)
LABELS = (np.arange(30) % 10).astype(np.uint8)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    web._opener.cache_clear()
    server = Server()
    yield server
    server.close()


@pytest.fixture
def offered(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Offer]:
    """An offer of the real catalogue whose parts have other content and come from our own server."""

    def make(name: str, *contents: bytes, **changes: Any) -> Offer:
        parts = []
        for part, content in zip(catalogue.CATALOGUE[name].parts, contents, strict=True):
            server.files[f"/{part.name}"] = File(content)
            digest = hashlib.sha256(content).hexdigest()
            parts.append(Part(part.name, (server.url(f"/{part.name}"),), len(content), digest))
        found = replace(catalogue.CATALOGUE[name], parts=tuple(parts), **changes)
        monkeypatch.setattr(fetched, "CATALOGUE", {**catalogue.CATALOGUE, name: found})
        return found

    return make


def idx(array: Any) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return gzip.compress(header + array.tobytes())


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def nothing_left() -> bool:
    kept = paths.cache() / "downloads"
    shelved = paths.datasets()
    return not any(kept.iterdir()) and (not shelved.exists() or not any(shelved.iterdir()))


def only_the_download_is_left(name: str, message: str) -> bool:
    """Whether the files of the download and nothing else are there, which the message says."""
    folder = paths.cache() / "downloads" / name
    shelved = paths.datasets()
    parts = {part.name for part in catalogue.CATALOGUE[name].parts}
    whole = {path.name for path in folder.iterdir()} == parts
    return whole and "kept" in message and (not shelved.exists() or not any(shelved.iterdir()))


def test_a_text_is_downloaded_and_says_where_it_is_from(offered: Callable[..., Offer]) -> None:
    chosen = offered("tiny-shakespeare", b"First Citizen:\nSpeak.\n" * 100)
    info = finished(obtain(chosen, QUICK))
    assert (info.title, info.licence, info.source) == ("Tiny Shakespeare", "Public domain", chosen.page)
    assert shelf.find_dataset("Tiny Shakespeare") == info
    dataset = shelf.open_dataset(info)
    assert isinstance(dataset, TextDataset)
    assert dataset.text.startswith("First Citizen:")
    assert not any((paths.cache() / "downloads").iterdir()), "the download was kept beside its import"
    assert finished(obtain(chosen, QUICK)).id == info.id


def test_pairs(offered: Callable[..., Offer]) -> None:
    english, german = b"A dog runs.\nTwo men.\n" * 20, "Ein Hund läuft.\nZwei Männer.\n".encode() * 20
    info = finished(obtain(offered("multi30k-en-de", gzip.compress(english), gzip.compress(german)), QUICK))
    dataset = shelf.open_dataset(info)
    assert isinstance(dataset, PairDataset)
    assert dataset.names == ("en", "de")
    assert (dataset.left[1], dataset.right[1]) == ("Two men.", "Zwei Männer.")


def test_idx(offered: Callable[..., Offer]) -> None:
    info = finished(obtain(offered("fashion-mnist", idx(PICTURES), idx(LABELS)), QUICK))
    dataset = shelf.open_dataset(info)
    assert isinstance(dataset, ImageDataset)
    assert np.array_equal(dataset.pixels[..., 0], PICTURES)
    assert dataset.labels is not None and dataset.labels.tolist() == LABELS.tolist()
    assert dataset.classes[9] == "ankle boot"


@pytest.mark.parametrize("labels", [LABELS[:-1], LABELS + 5])
def test_labels_that_do_not_fit_are_refused(offered: Callable[..., Offer], labels: Any) -> None:
    with pytest.raises(DataError, match="does not have the expected content") as error:
        finished(obtain(offered("mnist", idx(PICTURES), idx(labels)), QUICK))
    assert only_the_download_is_left("mnist", str(error.value))


def test_members_of_a_zip_and_no_others(offered: Callable[..., Offer]) -> None:
    content = zipped({"wikitext-2-raw/wiki.train.raw": b"train\n" * 50, "wikitext-2-raw/wiki.valid.raw": b"valid\n" * 9,
                      "wikitext-2-raw/wiki.test.raw": b"test\n" * 9, "../../evil.txt": b"evil"})  # fmt: skip
    info = finished(obtain(offered("wikitext-2", content), QUICK))
    dataset = shelf.open_dataset(info)
    assert isinstance(dataset, TextDataset)
    assert dataset.text.startswith("train\n") and dataset.text.rstrip().endswith("test")
    assert "evil" not in dataset.text
    assert [Path(name).stem for name, _, _ in info.details["files"]] == [
        "1-wiki.train.raw",
        "2-wiki.valid.raw",
        "3-wiki.test.raw",
    ]


def test_cifar(offered: Callable[..., Offer]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (50, 32, 32, 3), np.uint8)
    records = [bytes([i % 10]) + picture.transpose(2, 0, 1).tobytes() for i, picture in enumerate(pixels)]
    members = {
        f"cifar-10-batches-bin/data_batch_{i + 1}.bin": b"".join(records[i * 10 : i * 10 + 10]) for i in range(5)
    }
    info = finished(obtain(offered("cifar-10", tarred({"cifar-10-batches-bin/readme.html": b"hi", **members})), QUICK))
    dataset = shelf.open_dataset(info)
    assert isinstance(dataset, ImageDataset)
    assert np.array_equal(dataset.pixels, pixels)
    assert dataset.labels is not None and dataset.labels[13] == 3
    assert dataset.classes[3] == "cat"


def test_the_fine_labels_of_cifar_100(offered: Callable[..., Offer]) -> None:
    picture = bytes(range(256)) * 12
    content = tarred({"cifar-100-binary/train.bin": bytes([7, 42]) + picture + bytes([1, 99]) + picture})
    dataset = shelf.open_dataset(finished(obtain(offered("cifar-100", content), QUICK)))
    assert isinstance(dataset, ImageDataset)
    assert dataset.labels is not None and [dataset.classes[i] for i in dataset.labels] == ["leopard", "worm"]


def test_an_archive_of_pictures_with_folders_as_classes(offered: Callable[..., Offer]) -> None:
    members = {}
    for name in ("Greek", "Latin"):
        for i in range(4):
            buffer = io.BytesIO()
            Image.new("L", (20, 20), 60 * i).save(buffer, "PNG")
            members[f"images_background/{name}/letter{i % 2}/{i}.png"] = buffer.getvalue()
    dataset = shelf.open_dataset(finished(obtain(offered("omniglot", zipped(members)), QUICK)))
    assert isinstance(dataset, ImageDataset)
    assert len(dataset.pixels) == 8
    assert len(dataset.classes) >= 2


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("text8", [b"no zip at all"]),
        ("text8", [zipped({"other": b"x"})]),
        ("cifar-10", [b"no archive at all"]),
        ("cifar-10", [tarred({"cifar-10-batches-bin/data_batch_1.bin": b"x" * 3073})]),
        ("cifar-100", [tarred({"cifar-100-binary/train.bin": b"x" * 100})]),
        ("multi30k-en-de", [b"not packed", gzip.compress(b"x")]),
        ("mnist", [gzip.compress(b"no idx"), idx(LABELS)]),
        ("mnist", [idx(PICTURES)[:-50], idx(LABELS)]),
    ],
)
def test_what_does_not_unpack_is_refused_and_only_the_download_stays(
    offered: Callable[..., Offer], name: str, contents: list[bytes]
) -> None:
    with pytest.raises(DataError) as error:
        finished(obtain(offered(name, *contents), QUICK))
    assert only_the_download_is_left(name, str(error.value))


def test_what_unpacks_to_too_much_is_refused(offered: Callable[..., Offer]) -> None:
    chosen = offered("text8", zipped({"text8": b"a" * 50_000}), unpacked=40_000)
    with pytest.raises(DataError, match="more than expected"):
        finished(obtain(chosen, QUICK))
    assert only_the_download_is_left("text8", "kept")


def test_an_import_that_failed_goes_on_without_the_network(
    offered: Callable[..., Offer], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full while unpacking: what was downloaded stays, nothing else, and the next try needs no server."""
    chosen = offered("mnist", idx(PICTURES), idx(LABELS))

    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(fetched, "_copied", full)
        with pytest.raises(StorageError, match="full") as error:
            finished(obtain(chosen, QUICK))
    assert only_the_download_is_left("mnist", str(error.value))
    server.files.clear()
    info = finished(obtain(chosen, QUICK))
    assert info.count == 30 and not any((paths.cache() / "downloads").iterdir())


def test_closing_at_any_moment_leaves_nothing(offered: Callable[..., Offer]) -> None:
    chosen = offered("mnist", idx(PICTURES), idx(LABELS))
    slices = 0
    for _ in obtain(chosen, QUICK):
        slices += 1
    for info in shelf.list_datasets():
        if info.origin == "imported":
            shelf.delete_dataset(info)
    for stop in range(1, slices + 1):
        work = obtain(chosen, QUICK)
        for _ in range(stop):
            if next(work, None) is None:
                break
        work.close()
        if any(info.origin == "imported" for info in shelf.list_datasets()):
            break
        assert nothing_left()
    assert stop > 2


def test_what_was_forgotten_long_ago_is_swept(offered: Callable[..., Offer]) -> None:
    old, new = (paths.cache() / "downloads" / name for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    finished(obtain(offered("makemore-names", b"emma\nolivia\n"), QUICK))
    assert not old.exists() and new.exists()


def test_the_task_answers_with_the_dataset(offered: Callable[..., Offer]) -> None:
    offered("makemore-names", b"emma\nolivia\n")
    frames, info = returned(Download("makemore-names", QUICK).run(Models()))
    assert info == shelf.find_dataset("Names of makemore")
    told = [frame.progress for frame in frames if frame.progress is not None]
    assert "Names of makemore" in told[0].text and told[-1].done == 1.0


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(DataError, match="no 'nothing'") as error:
        next(Download("nothing").run(Models()))
    assert "tiny-shakespeare" in error.value.hint


def test_the_command_line(offered: Callable[..., Offer], capsys: pytest.CaptureFixture[str]) -> None:
    offered("makemore-names", b"emma\nolivia\n")
    assert cli.main(["download", "makemore-names"]) == 0
    assert "Names of makemore" in capsys.readouterr().out
    assert cli.main(["download", "--list"]) == 0
    told = capsys.readouterr()
    assert "cifar-10" in told.out and "TinyStories" in told.err
    assert cli.main(["download", "nothing"]) == 2
    assert cli.main(["download", "--json"]) == 0


def test_the_catalogue_offers_only_what_can_be_checked() -> None:
    assert len(catalogue.CATALOGUE) == len(catalogue.OFFERS)
    for offer in catalogue.OFFERS:
        assert offer.title and offer.licence and offer.description and offer.page.startswith("http")
        assert re.fullmatch(r"[a-z0-9-]+", offer.name)
        for part in offer.parts:
            assert re.fullmatch(r"[0-9a-f]{64}", part.sha256)
            assert part.bytes > 0 and part.urls
            assert all(url.startswith(("http://", "https://")) for url in part.urls)
            assert re.fullmatch(r"[A-Za-z0-9.-]+", part.name)
        if offer.form in ("zip", "cifar"):
            assert offer.members
        if offer.form in ("zip", "cifar", "gzip", "idx"):
            assert offer.unpacked > 0
    assert len(catalogue.CATALOGUE["cifar-100"].classes) == 100
    taken = {info.title for info in shelf.list_datasets()}
    assert not taken & {offer.title for offer in catalogue.OFFERS}
