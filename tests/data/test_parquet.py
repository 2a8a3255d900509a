"""Parquet files as pairs, texts and points, and as anybody may have made or damaged them."""

from __future__ import annotations

import importlib
import random
from pathlib import Path
from typing import Any

import pytest

from genstudio import paths
from genstudio.data import shelf
from genstudio.data.importing import parquet as reader
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.sources import import_any, inspect
from genstudio.data.work import finished
from genstudio.errors import DataError


def on_disk() -> list[Path]:
    return list(paths.datasets().iterdir()) if paths.datasets().is_dir() else []


@pytest.fixture
def pa() -> Any:
    return pytest.importorskip("pyarrow")


def written(pa: Any, folder: Path, columns: dict[str, Any], name: str = "table.parquet", **options: Any) -> Path:
    importlib.import_module("pyarrow.parquet").write_table(pa.table(columns), folder / name, **options)
    return folder / name


def test_two_columns_become_pairs_and_numbers_points(pa: Any, tmp_path: Path) -> None:
    left, right = [f"word {i} ünï" for i in range(3_000)], [f"palabra\n{i}" for i in range(3_000)]
    path = written(pa, tmp_path, {"en": left, "es": right, "n": list(range(3_000))}, row_group_size=500)
    found = finished(inspect([path]))
    assert (found.form, found.columns, found.numeric) == ("table", ("en", "es", "n"), ("n",))
    info = finished(import_any([path], ImportOptions(columns=("en", "es"))))
    dataset: Any = shelf.open_dataset(info)
    assert (dataset.names, info.count) == (("en", "es"), 3_000)
    assert (dataset.left[7], dataset.right[7]) == (left[7], right[7])
    points = written(pa, tmp_path, {"x": [0.5, -1.0, 2.25], "y": [1, 2, 3]}, "xy.parquet")
    made: Any = shelf.open_dataset(finished(import_any([points])))
    assert made.points.tolist() == [[0.5, 1.0], [-1.0, 2.0], [2.25, 3.0]]


def test_one_column_becomes_a_text(pa: Any, tmp_path: Path) -> None:
    path = written(pa, tmp_path, {"text": ["first", None, "third 漢"]})
    assert "first" in shelf.open_text(finished(import_any([path]))).text


def test_nested_binary_and_empty_cells_are_text(pa: Any, tmp_path: Path) -> None:
    columns = {
        "list": [[1, 2], None, []], "struct": [{"a": "b"}, None, {"a": "ü"}], "bytes": [b"ab", b"\xff", None],
        "words": pa.array(["x", "y", "x"]).dictionary_encode(),
    }  # fmt: skip
    path = written(pa, tmp_path, columns)
    for chosen in (("list", "words"), ("struct", "words"), ("bytes", "words")):
        info = finished(import_any([path], ImportOptions(columns=chosen)))
        dataset: Any = shelf.open_dataset(info)
        assert dataset.right == ("x", "y", "x")
    assert next(iter(reader.rows(path, ("list", "bytes"))))[1] == ("[1, 2]", "ab")
    assert list(reader.rows(path, ("struct",)))[2][1] == ('{"a": "ü"}',)


def test_a_long_table_is_read_in_slices_and_leaves_nothing_when_closed(pa: Any, tmp_path: Path) -> None:
    path = written(pa, tmp_path, {"a": [f"left {i}" for i in range(50_000)], "b": ["right"] * 50_000})
    slices = sum(1 for _ in import_any([path], ImportOptions(name="whole")))
    assert slices > 5
    for info in shelf.list_datasets():
        if info.mine:
            shelf.delete_dataset(info)
    for steps in (1, 2, slices // 2, slices - 1):
        work = import_any([path])
        for _ in range(steps):
            next(work)
        work.close()
        assert on_disk() == []


@pytest.mark.parametrize("columns", [{"a": []}, {}])
def test_a_table_without_rows_or_columns_is_refused(pa: Any, columns: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        finished(import_any([written(pa, tmp_path, columns)]))
    assert error.value.hint and on_disk() == []


def test_damaged_files_are_refused_by_name(pa: Any, tmp_path: Path) -> None:
    whole = written(pa, tmp_path, {"a": ["x" * 40] * 900, "b": ["y"] * 900}).read_bytes()
    damaged = {
        "truncated": whole[: len(whole) // 2],
        "no end": whole[:-4],
        "only magic": b"PAR1",
        "two magics": b"PAR1PAR1",
        "huge footer": whole[:-8] + b"\xff\xff\xff\x7fPAR1",
        "zeros": whole[:4] + bytes(len(whole) - 8) + whole[-4:],
    }
    for name, raw in damaged.items():
        path = tmp_path / f"{name}.parquet"
        path.write_bytes(raw)
        for work in (inspect([path]), import_any([path])):
            with pytest.raises(DataError) as error:
                finished(work)  # type: ignore[misc]
            assert error.value.path == path and error.value.hint, name
        assert on_disk() == []


def test_a_file_that_is_only_called_parquet_is_a_text(pa: Any, tmp_path: Path) -> None:
    path = tmp_path / "notes.parquet"
    path.write_text("these are\nnotes\n")
    assert finished(inspect([path])).kind == "text"


def test_mutated_files_are_read_or_refused(pa: Any, tmp_path: Path) -> None:
    whole = written(pa, tmp_path, {"a": [f"cell {i}" for i in range(200)], "b": ["y"] * 200}).read_bytes()
    refused = 0
    for seed in range(300):
        rng, data = random.Random(seed), bytearray(whole)
        for _ in range(rng.randint(1, 5)):
            place = rng.randrange(4, len(data) - 4) if seed % 2 else rng.randrange(len(data) - 300, len(data) - 4)
            data[place] = rng.randrange(256)
        path = tmp_path / "mutated.parquet"
        path.write_bytes(bytes(data))
        try:
            info = finished(import_any([path]))
            shelf.open_dataset(info)
            shelf.delete_dataset(info)
        except DataError as error:
            assert error.message and error.hint
            refused += 1
        assert on_disk() == []
    assert 30 < refused < 300


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    path = tmp_path / "table.parquet"
    path.write_bytes(b"PAR1" + bytes(40) + b"PAR1")
    monkeypatch.setattr(reader.importlib, "import_module", missing)
    for work in (inspect([path]), import_any([path])):
        with pytest.raises(DataError, match="pyarrow") as error:
            finished(work)  # type: ignore[misc]
        assert "genstudio[parquet]" in error.value.hint and error.value.path == path
