"""What an import says of itself: facts, decisions, and what was left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genstudio.data import shelf
from genstudio.data.importing import report
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.pictures import import_array
from genstudio.data.importing.sources import import_any
from genstudio.data.info import DatasetInfo
from genstudio.data.work import finished


def imported(folder: Path, content: str, name: str, title: str | None = None) -> DatasetInfo:
    (folder / name).write_text(content, encoding="utf-8")
    return finished(import_any([folder / name], ImportOptions(name=title)))


def test_facts_come_before_notes(tmp_path: Path) -> None:
    pairs = report.lines(imported(tmp_path, "en;de\nyes indeed;ja\nno no;nein\n", "pairs.csv"))
    assert pairs[0] == "Pairs: 2."
    assert "'en', 'de'" in pairs[1] and "first row contains their names" in pairs[1] and "semicolons" in pairs[1]
    pixels = np.zeros((4, 8, 8, 1), np.uint8)
    labels = np.array([0, 1, 0, 1])
    pictures = finished(import_array(pixels, "Two", "drawn", labels=labels, classes=("cat", "dog")))
    assert report.lines(pictures) == ("Pictures: 4, 8 x 8 pixels, grey.", "Classes: 2 ('cat', 'dog').")


def test_the_same_content_under_another_name_is_said_and_not_renamed(tmp_path: Path) -> None:
    first = imported(tmp_path, "the same words\n", "one.txt", "first")
    assert report.notes(first) == ()
    second = imported(tmp_path, "the same words\n", "two.txt", "second")
    assert second.id == first.id and second.title == "first"
    assert any("same content exists" in note and "'first'" in note for note in report.notes(second))
    assert report.notes(shelf.find_dataset(first.id)) == ()


@pytest.mark.parametrize("notes", [None, 3, {"a": 1}, [1, None, ""], "words"])
def test_notes_of_a_card_that_was_tampered_with_are_ignored(tmp_path: Path, notes: object) -> None:
    info = imported(tmp_path, "words\n", "one.txt")
    strange = DatasetInfo(
        info.id, info.title, "text", "imported", info.path, 6, info.sha256,
        details={"notes": notes, "broken_count": "x", "classes": 5, "columns": {"a": 1}, "files": "x", "encoding": []},
    )  # fmt: skip
    assert report.notes(strange) == () and report.lines(strange)
