"""Rows of numbers with a class from tables of one's own: what becomes of gaps, and what is refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genstudio.data import shelf
from genstudio.data.checks import check
from genstudio.data.datasets import RowDataset
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.sources import import_any, inspect
from genstudio.data.learnable.rows import prepared
from genstudio.data.split import SplitSettings
from genstudio.data.work import finished
from genstudio.errors import DataError

TABLE = """length,width,colour,species
5.1,3.5,1.0,setosa
4.9,,1.2,setosa
6.3,3.3,2.5,virginica
5.8,NaN,1.9,virginica
7.1,3.0,2.1,virginica
5.0,3.4,1.5,setosa
6.5,3.0,2.2,
"""
ROWS = ImportOptions(kind="rows")


def imported(folder: Path, text: str, options: ImportOptions = ROWS) -> RowDataset:
    path = folder / "mine.csv"
    path.write_text(text, "utf-8")
    dataset = shelf.open_dataset(finished(import_any([path], options)))
    assert isinstance(dataset, RowDataset)
    return dataset


def test_gaps_are_left_out_and_counted_and_what_lacks_a_class_is_not_trained_on(tmp_path: Path) -> None:
    dataset = imported(tmp_path, TABLE)
    assert dataset.columns == ("length", "width", "colour") and dataset.classes == ("setosa", "virginica")
    expected = [[5.1, 3.5, 1], [6.3, 3.3, 2.5], [7.1, 3, 2.1], [5, 3.4, 1.5], [6.5, 3, 2.2]]
    assert dataset.rows == pytest.approx(np.float32(expected))
    assert dataset.labels.tolist() == [0, 1, 1, 0, -1] and dataset.named[-1] == ""
    notes = " ".join(dataset.info.details["notes"])
    assert "2 of 7; the first is row 2" in notes and "not trained on: 1" in notes
    data = finished(prepared(dataset, SplitSettings("random", 0.1), True, lambda _: ()))
    assert len(data.train) == 4 and not len(data.held)  # too few to keep any
    assert data.inside(data.real).std(0) == pytest.approx(1, abs=1e-5)
    assert "every row has a class" in {finding.rule for finding in finished(check(dataset))}


def test_a_table_of_numbers_and_a_class_is_seen_as_such(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(TABLE, "utf-8")
    found = finished(inspect([path]))
    assert (found.kind, found.suggested.columns) == ("rows", ("length", "width", "colour", "species"))
    other = imported(tmp_path, "a;b;c\n1,5;2;x\n2,5;3;y\n", ImportOptions(kind="rows", columns=("b", "c")))
    assert other.rows.tolist() == [[2], [3]] and other.columns == ("b",)
    decimals = imported(tmp_path, "a;b;class\n1,5;2;x\n2,5;3;y\n")
    assert decimals.rows.tolist() == [[1.5, 2], [2.5, 3]]


@pytest.mark.parametrize(
    ("text", "columns", "words"),
    [
        ("a,b,label\n1,2,x\n", (), "at least two rows of numbers; here is one"),
        ("a,b,label\n1,2,x\n3,4,x\n", (), "at least two classes; in 'label' there is 'x'"),
        ("a,b,label\n1,2,\n3,4,\n", (), "in 'label' there is none"),
        ("a,b,label\n1,2,x\n3,oops,y\n", ("a", "b", "label"), "Row 2 has 'oops' in the column 'b'"),
        ("a,b\nx,y\nz,w\n", (), "made of columns of numbers and, last, the column of the class"),
        ("a,label\nNaN,x\n,y\n", ("a", "label"), "here are none"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(tmp_path: Path, text: str, columns: tuple[str, ...], words: str) -> None:
    with pytest.raises(DataError) as error:
        imported(tmp_path, text, ImportOptions(kind="rows", columns=columns, header=True))
    assert words in error.value.message and error.value.hint
    assert not [info for info in shelf.list_datasets() if info.origin == "imported"]


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    info = imported(tmp_path, TABLE).info
    info.path.write_bytes(info.path.read_bytes().replace(b"5.0", b"9.0"))
    with pytest.raises(DataError, match="has changed"):
        shelf.open_dataset(info)
