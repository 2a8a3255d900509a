"""What was worked out from a dataset: found again whole, never damaged, never too much, gone with its dataset."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genstudio import paths, storage
from genstudio.data import derived, shelf
from genstudio.data.work import finished
from genstudio.errors import StorageError

A, B = "a" * 64, "b" * 64
LARGE = 1 << 20


def kept() -> list[Path]:
    return sorted((paths.cache() / "things").glob("*"))


def test_what_was_kept_is_found_by_its_kind_dataset_and_key_only() -> None:
    assert derived.read("things", A, "one") is None
    derived.keep("things", A, "one", b"1", LARGE)
    derived.keep("things", A, "two", b"2", LARGE)
    derived.keep("things", B, "one", b"3", LARGE)
    assert [derived.read("things", *of) for of in ((A, "one"), (A, "two"), (B, "one"))] == [b"1", b"2", b"3"]
    assert derived.read("others", A, "one") is None and derived.read("things", B, "two") is None
    derived.keep("things", A, "one", b"1", LARGE)
    assert len(kept()) == 3


@pytest.mark.parametrize("damage", [b"", b"1", b"another"])
def test_a_damaged_one_is_not_there_and_makes_room(damage: bytes) -> None:
    derived.keep("things", A, "one", b"what it was", LARGE)
    kept()[0].write_bytes(damage)
    assert derived.read("things", A, "one") is None and not kept()


def test_the_one_asked_for_longest_ago_goes_when_there_is_too_much() -> None:
    for number, key in enumerate("abc"):
        derived.keep("things", A, key, key.encode() * 10, 30)
        os.utime(max(kept(), key=lambda path: path.stat().st_mtime), (number, number))
    assert len(kept()) == 3 and derived.read("things", A, "a") is not None
    derived.keep("things", A, "d", b"d" * 10, 30)
    assert [key for key in "abcd" if derived.read("things", A, key)] == ["a", "c", "d"]


def test_a_disk_that_takes_nothing_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: object, **_more: object) -> None:
        raise StorageError("The disk is full.", "", None)

    monkeypatch.setattr(storage, "write_atomic", full)
    derived.keep("things", A, "one", b"1", LARGE)
    assert derived.read("things", A, "one") is None


def test_deleting_a_dataset_deletes_what_was_worked_out_from_it(tmp_path: Path) -> None:
    place = tmp_path / "words.txt"
    place.write_text("some words\n")
    info = finished(shelf.import_text(place))
    derived.keep("things", info.sha256, "one", b"1", LARGE)
    derived.keep("things", B, "one", b"2", LARGE)
    shelf.delete_dataset(info)
    assert derived.read("things", info.sha256, "one") is None and derived.read("things", B, "one") == b"2"
