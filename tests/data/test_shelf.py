"""The shelf: import, reading back, renaming, deleting, and files that somebody else made or damaged."""

from __future__ import annotations

import errno
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults import every_call
from hypothesis import given
from hypothesis import strategies as st

from genstudio import paths
from genstudio.data import info as info_module
from genstudio.data import reading
from genstudio.data.importing.copies import duplicate
from genstudio.data.info import read_card
from genstudio.data.shelf import (
    DatasetInfo,
    delete_dataset,
    find_dataset,
    import_text,
    list_datasets,
    open_dataset,
    rename_dataset,
)
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError, StorageError

SHIPPED = [
    "shakespeare", "names", "verses-en-es", "emoji-names", "digits8", "mnist10k", "fashion10k", "pixel-faces", "icons32",
    "emoji32", "popgen-bottleneck", "telephone-voice",
    "toy-en-es", "emoji-categories", "emoji-languages", "name-initials",
    "known-entropy", "analogies", "shapes", "coloured-shapes", "captioned-shapes", "captioned-faces",
    "gaussian-ring", "gaussian-grid", "moons", "spirals", "swiss-roll",
    "rings", "xor", "class-moons", "class-rings", "class-spirals", "copy", "reverse", "sort", "addition",
    "hidden-history", "dyck", "tones", "vowels", "spoken-digits",
]  # fmt: skip
TEXTS = ["shakespeare", "names"]


def put(folder: Path, content: bytes | str, name: str = "my book.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def on_disk() -> list[str]:
    return sorted(entry.name for entry in paths.datasets().iterdir()) if paths.datasets().is_dir() else []


def test_what_ships_can_be_found_and_read() -> None:
    assert [info.id for info in list_datasets()] == SHIPPED
    for name in (*TEXTS, "Shakespeare", "NAMES"):
        info = find_dataset(name)
        assert len(open_dataset(info).text.encode()) == info.bytes
        assert info.licence and info.source and info.description


def test_an_import_can_be_found_by_id_title_and_path(tmp_path: Path) -> None:
    path = put(tmp_path, "hello wörld\n")
    info = finished(import_text(path))
    assert (info.title, info.origin, info.source) == ("my book", "imported", "my book.txt")
    assert list_datasets()[-1] == info
    assert find_dataset(info.id) == find_dataset("My Book") == find_dataset(str(path)) == info
    assert open_dataset(info).text == "hello wörld\n"
    assert on_disk() == [info.id]


def test_a_path_is_imported_on_first_use(tmp_path: Path) -> None:
    info = find_dataset(str(put(tmp_path, "some text")))
    assert open_dataset(info).text == "some text"
    assert [found.id for found in list_datasets()] == [*SHIPPED, info.id]


@pytest.mark.parametrize("block", [1, 2, 3, 1 << 20])
def test_marks_and_line_ends_are_made_plain_wherever_the_file_is_cut(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_BLOCK", block)
    raw = b"\xef\xbb\xbfone\r\ntwo\rthree\n\r\n" + "ü🙂\ufeff\r".encode()
    path = put(tmp_path, raw)
    info = finished(import_text(path, "plain"))
    assert open_dataset(info).text == "one\ntwo\nthree\n\nü🙂\ufeff\n"
    assert path.read_bytes() == raw, "the original was changed"


def test_the_same_content_gives_the_same_entry(tmp_path: Path) -> None:
    first = finished(import_text(put(tmp_path, "a\nb\n")))
    assert finished(import_text(put(tmp_path, "a\r\nb\r\n", "other.txt"), "Other")).id == first.id
    assert finished(import_text(put(tmp_path, "a\nc\n"))) != first
    assert len(on_disk()) == 2


def test_a_damaged_copy_is_mended_by_importing_again(tmp_path: Path) -> None:
    path = put(tmp_path, "a\nb\n")
    info = finished(import_text(path))
    info.path.write_text("a\nX\n")
    with pytest.raises(DataError, match="has changed"):
        open_dataset(info)
    assert finished(import_text(path)) == info
    assert open_dataset(info).text == "a\nb\n"
    assert on_disk() == [info.id]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"abc\xff", r"byte 3 \(0xff\)"),
        (b"\xef\xbb\xbfab\xc3", r"byte 5 \(0xc3\)"),
        (b"ab\xed\xa0\x80", "byte 2"),
        (b"ab\x00cd", "byte 2 is zero"),
        (b"\x89PNG\r\n\x1a\n\0\0", "binary"),
        ("hello".encode("utf-16"), "UTF-16"),
        (b"\xe9t\xe9", "byte 0"),
    ],
)
@pytest.mark.parametrize("block", [1, 2, 1 << 20])
def test_what_is_no_text_is_refused_and_leaves_nothing(
    tmp_path: Path, content: bytes, message: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if block < 9 and message in ("UTF-16", "binary"):
        message = "binary|UTF-16|UTF-8"
    monkeypatch.setattr(reading, "_BLOCK", block)
    path = put(tmp_path, content)
    with pytest.raises(DataError, match=message) as error:
        finished(import_text(path))
    assert error.value.path == path
    assert error.value.hint
    assert on_disk() == []


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="folder"):
        finished(import_text(tmp_path))
    with pytest.raises(DataError, match="no file"):
        finished(import_text(tmp_path / "absent.txt"))
    for wild in ("~nobody-of-this-name/x.txt", "a\0b.txt", "x" * 5000 + ".txt", ""):
        with pytest.raises(DataError):
            finished(import_text(wild))
        with pytest.raises(DataError):
            find_dataset(wild)
    assert on_disk() == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = put(tmp_path, "text")
    path.chmod(0)
    with pytest.raises(DataError, match="may not be read"):
        finished(import_text(path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_does_not_make_it_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="ordinary"):
        finished(import_text(tmp_path / "pipe"))


def test_a_closed_import_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_BLOCK", 10)
    work = import_text(put(tmp_path, "text " * 50))
    done = [next(work) for _ in range(5)]
    assert done == sorted(done)
    assert len(on_disk()) == 1
    work.close()
    assert on_disk() == []
    assert [info.id for info in list_datasets()] == SHIPPED


def test_what_a_dead_import_left_is_swept_after_a_while(tmp_path: Path) -> None:
    stale = paths.datasets() / ".import-dead"
    fresh = paths.datasets() / ".import-other"
    for folder in (stale, fresh):
        folder.mkdir(parents=True)
        (folder / "text.txt").write_text("half")
    os.utime(stale, (0, 0))
    assert [info.id for info in list_datasets()] == SHIPPED
    info = finished(import_text(put(tmp_path, "text")))
    assert on_disk() == [".import-other", info.id]


@pytest.mark.parametrize("mode", ["once", "ever"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses_any_call_is_told_and_nothing_is_half_there(tmp_path: Path, mode: Any, code: int) -> None:
    path = put(tmp_path, "some text\n" * 20)

    def work() -> None:
        for info in list_datasets():
            if info.origin == "imported":
                delete_dataset(info)
        finished(import_text(path))

    work()
    refused = 0
    for _, _, error in every_call(work, mode, code):
        assert error is None or isinstance(error, StorageError), error
        refused += error is not None
        for info in list_datasets():
            if info.origin == "imported":
                open_dataset(info)
    assert refused > 3
    work()
    assert [name for name in on_disk() if not name.startswith(".")] == [list_datasets()[-1].id]


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        finished(import_text(put(tmp_path, "text")))
    assert on_disk() == []


def test_rename_and_delete(tmp_path: Path) -> None:
    path = put(tmp_path, "text")
    info = finished(import_text(path))
    renamed = rename_dataset(info, "  A <b>new</b>\nname ")
    assert (renamed.title, renamed.id) == ("A <b>new</b> name", info.id)
    assert list_datasets()[-1] == renamed == find_dataset(info.id)
    with pytest.raises(DataError, match="needs a name"):
        rename_dataset(info, " \n ")
    delete_dataset(info)
    assert [found.id for found in list_datasets()] == SHIPPED
    assert on_disk() == []
    assert path.read_text() == "text"
    with pytest.raises(DataError, match="deleted"):
        delete_dataset(info)
    with pytest.raises(DataError, match="is gone"):
        open_dataset(info)
    for ships in list_datasets():
        with pytest.raises(DataError, match="is included with"):
            delete_dataset(ships)
        with pytest.raises(DataError, match="is included with"):
            rename_dataset(ships, "mine")


@pytest.mark.parametrize(
    ("wanted", "near"), [("shakspeare", "shakespeare"), ("name", "names"), ("", ""), ("zzz", "Available: ")]
)
def test_an_unknown_name_suggests_the_near_one(wanted: str, near: str) -> None:
    with pytest.raises(DataError, match="no dataset") as error:
        find_dataset(wanted)
    assert near in error.value.hint


CARD: dict[str, Any] = {
    "format": 1, "id": "book-1", "kind": "text", "bytes": 4, "sha256": "0" * 64, "title": "Book",
    "licence": "", "source": "", "description": "",
}  # fmt: skip


def make_card(content: Any) -> None:
    folder = paths.datasets() / "book-1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "text.txt").write_text("text")
    (folder / "dataset.json").write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def test_the_card_of_the_next_test_is_good() -> None:
    make_card(CARD)
    assert list_datasets()[-1].title == "Book"


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"format": True},
        {"format": "1"},
        {"id": "../../etc"},
        {"id": "other"},
        {"kind": "program"},
        {"bytes": -1},
        {"bytes": 1.5},
        {"bytes": None},
        {"sha256": "xyz"},
        {"title": "two\nlines"},
        {"title": ""},
        {"title": 7},
        {"title": "x" * 10**6},
        {"licence": "\ud800"},
        {"source": ["a"]},
    ],
)
def test_a_card_with_one_wrong_entry_is_left_out(change: dict[str, Any]) -> None:
    make_card({**CARD, **change})
    assert [info.id for info in list_datasets()] == SHIPPED


def test_a_card_that_asks_for_too_much_memory_is_refused() -> None:
    make_card({**CARD, "bytes": 10**15})
    with pytest.raises(DataError, match="has changed"):
        open_dataset(list_datasets()[-1])


@pytest.mark.parametrize("raw", [b"", b"[" * 100_000, b"9" * 5000, b"\xff\xfe", b"null", b"[]", b'{"format": 1}'])
def test_a_card_that_is_no_card_is_left_out(raw: bytes) -> None:
    make_card(raw)
    assert [info.id for info in list_datasets()] == SHIPPED


@pytest.mark.parametrize("damage", ["absent", "short", "changed", "packed"])
def test_a_shipped_file_that_is_missing_or_changed_is_told(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = paths.resources()
    copy = tmp_path / "resources"
    (copy / "data").mkdir(parents=True)
    (copy / "MANIFEST.json").write_bytes((source / "MANIFEST.json").read_bytes())
    raw = (source / "data" / "names.txt.gz").read_bytes()
    changed = {"short": raw[:-100], "changed": raw[:3000] + b"x" + raw[3001:], "packed": b"not packed"}
    if damage in changed:
        (copy / "data" / "names.txt.gz").write_bytes(changed[damage])
    monkeypatch.setattr(paths, "resources", lambda: copy)
    with pytest.raises(DataError, match="Names"):
        open_dataset(find_dataset("names"))


def test_without_resources_the_shelf_is_only_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "resources", lambda: tmp_path / "none")
    assert list_datasets() == []


def mutated(seed: int) -> bytes:
    """A text file with some bytes changed, inserted, removed or repeated."""
    rng = random.Random(seed)
    raw = bytearray("To be, or not to be — that is the question:\r\nünïcode 🙂\n".encode() * rng.randint(1, 5))
    for _ in range(rng.randint(0, 4)):
        place = rng.randrange(len(raw) + 1)
        piece = rng.choice(
            [b"\0", b"\xff", b"\xc3", b"\r", b"\xef\xbb\xbf", b"\xed\xa0\x80", bytes([rng.randrange(256)])]
        )
        action = rng.randrange(3)
        raw[place : place + (action != 0) * rng.randint(0, 9)] = b"" if action == 1 else piece
    return bytes(raw)


def test_hundreds_of_damaged_files_are_accepted_whole_or_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genstudio.storage.sync_file", lambda descriptor: None)
    monkeypatch.setattr("genstudio.storage.sync_folder", lambda folder: None)
    accepted = 0
    for seed in range(400):
        monkeypatch.setattr(reading, "_BLOCK", random.Random(seed).choice([1, 2, 5, 64, 1 << 20]))
        raw = mutated(seed)
        path = put(tmp_path, raw)
        try:
            info = finished(import_text(path))
        except DataError as error:
            assert error.hint and error.path == path
            continue
        accepted += 1
        text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        assert open_dataset(info).text == text
        delete_dataset(info)
    assert 50 < accepted < 350
    assert on_disk() == []


@given(st.text(max_size=300))
def test_every_title_becomes_a_safe_folder_name(title: str) -> None:
    try:
        clean = info_module.clean_title(title)
    except DataError:
        return
    assert info_module.clean_title(clean) == clean
    assert clean.isprintable()
    assert info_module.ID.fullmatch(f"{info_module.slug(clean)}-12345678")


def test_an_entry_says_what_it_is(tmp_path: Path) -> None:
    info = finished(import_text(put(tmp_path, "é")))
    assert isinstance(info, DatasetInfo)
    assert (info.bytes, info.kind) == (2, "text")
    assert sys.getsizeof(info.id) < 200


@pytest.mark.parametrize(
    ("name", "settings"),
    [("gaussian-ring", {"modes": 5, "sigma": 0.2}), ("shapes", {"count": 30}), ("sort", {"seed": 9}),
     ("toy-en-es", {"count": 50}), ("known-entropy", {"count": 5_000})],
)  # fmt: skip
def test_what_is_made_from_a_seed_can_be_made_otherwise(name: str, settings: dict[str, Any]) -> None:
    """Another recipe on the person's shelf, which is renamed and deleted like any other; the first stays."""
    first = find_dataset(name)
    made = finished(duplicate(first, name="Mine", made_with=settings))
    assert made.mine and not first.mine and made.id != first.id and find_dataset("Mine") == made
    assert made.details["settings"] == first.details["settings"] | settings
    assert made.count == made.details["settings"]["count"] and made.description == first.description
    dataset: Any = open_dataset(made)
    content = next(
        getattr(dataset, n) for n in ("points", "pixels", "left", "questions", "text") if hasattr(dataset, n)
    )
    assert len(content) == made.count
    again: Any = open_dataset(read_card(made.path.parent))
    other = next(getattr(again, n) for n in ("points", "pixels", "left", "questions", "text") if hasattr(again, n))
    assert np.array_equal(content, other) if isinstance(content, np.ndarray) else content == other
    assert rename_dataset(made, "Ours").title == "Ours"
    delete_dataset(find_dataset("Ours"))
    assert find_dataset(name) == first and not any(info.mine for info in list_datasets())


def test_settings_that_cannot_be_make_nothing() -> None:
    with pytest.raises(ConfigError, match="modes"):
        finished(duplicate(find_dataset("gaussian-ring"), made_with={"modes": 0}))
    with pytest.raises(DataError, match="not generated from a seed"):
        finished(duplicate(find_dataset("shakespeare"), made_with={}))
    work = duplicate(find_dataset("moons"), made_with={"noise": 0.2})
    next(work)
    work.close()
    assert on_disk() == []
