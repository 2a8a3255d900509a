"""Import of texts and tables: encodings, spreadsheets, parallel files, and thousands of damaged files."""

from __future__ import annotations

import errno
import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio import paths
from genstudio.data import reading, shelf
from genstudio.data.importing import encodings, rows, tables
from genstudio.data.importing.copies import duplicate
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.sources import columns, import_any, inspect
from genstudio.data.work import finished
from genstudio.errors import DataError, StorageError


def put(folder: Path, content: bytes | str, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def opened(*sources: Path, **options: Any) -> Any:
    return shelf.open_dataset(finished(import_any(sources, ImportOptions(**options))))


def on_disk() -> list[str]:
    return sorted(entry.name for entry in paths.datasets().iterdir()) if paths.datasets().is_dir() else []


WRITTEN = {
    "cp1252": "Größe und Schärfe: „schön“ – déjà vu, garçon\n",
    "cp1251": "Привет, как дела? Всё хорошо, спасибо.\n",
    "koi8-r": "Привет, как дела? Всё хорошо, спасибо.\n",
    "cp1253": "Καλημέρα τι κάνεις σήμερα, όλα καλά\n",
    "shift_jis": "これは日本語のテキストです。今日は天気がいい。\n",
    "euc_jp": "これは日本語のテキストです。今日は天気がいい。\n",
    "gb18030": "这是一个中文文本，今天天气很好。\n",
    "euc_kr": "안녕하세요 오늘 날씨가 좋습니다\n",
    "utf-16": "Wide ünïcode 🙂\n",
    "utf-16-le": "Wide text without a mark\n",
    "utf-16-be": "Wide text without a mark\n",
    "utf-32": "Wider\n",
}


@pytest.mark.parametrize("encoding", WRITTEN)
def test_a_wrong_encoding_is_told_with_the_likely_one_which_then_works(tmp_path: Path, encoding: str) -> None:
    text = WRITTEN[encoding] * 3
    path = put(tmp_path, text.encode(encoding), "diary.txt")
    with pytest.raises(DataError) as error:
        opened(path)
    assert encoding in error.value.hint and error.value.path == path
    found = finished(inspect([path]))
    assert found.encoding == encoding and found.problems and found.suggested.encoding == encoding
    assert opened(path, encoding=found.encoding).text == text
    assert len(on_disk()) == 1


@pytest.mark.parametrize("name", ["rot13", "base64", "unicode_escape", "zip", "idna", "no-such", "", "utf-7"])
def test_only_encodings_of_text_can_be_chosen(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="Unknown text encoding"):
        opened(put(tmp_path, "text", "a.txt"), encoding=name)


def test_several_files_become_one_text_that_knows_where_each_is(tmp_path: Path) -> None:
    put(tmp_path, "two\r\n", "diary/2.txt")
    put(tmp_path, "ten", "diary/10.txt")
    put(tmp_path, "", "diary/empty.txt")
    put(tmp_path, b"\x89PNG", "diary/.hidden.txt")
    put(tmp_path, "ünder\n", "diary/deep/er.md")
    put(tmp_path, "no text", "diary/program.exe")
    dataset = opened(tmp_path / "diary")
    assert dataset.text == "two\nten\nünder\n"
    assert dataset.info.details["files"] == [["2.txt", 0, 4], ["10.txt", 4, 8], ["deep/er.md", 8, 14]]
    assert (dataset.info.count, dataset.info.title) == (14, "diary")
    both = opened(tmp_path / "diary/10.txt", tmp_path / "diary/2.txt")
    assert both.text == "ten\ntwo\n"


def test_a_pasted_text_leaves_no_file_behind() -> None:
    info = finished(import_any("pasted words, with ünïcode\r\n"))
    assert shelf.open_text(info).text == "pasted words, with ünïcode\n"
    assert not list(paths.cache().glob("pasted*"))
    for bad in ("", "  \n", "\ud800"):
        with pytest.raises(DataError):
            finished(import_any(bad))
    assert not list(paths.cache().glob("pasted*"))


SPREADSHEET = (
    "\ufeffEnglisch;Deutsch;Nr\r\n"
    '"Hello, you";"Hallo\r\ndu";1\r\n'
    '"She said ""no""";Sie sagte: nein; 2\r\n'
    ";;\r\n"
    "Only one;;3\r\n"
)


def test_a_table_of_a_spreadsheet_program(tmp_path: Path) -> None:
    path = put(tmp_path, SPREADSHEET, "Mappe 1.csv")
    found = columns(path)
    assert (found.columns, found.delimiter, found.header, found.numeric) == (
        ("Englisch", "Deutsch", "Nr"), ";", True, ("Nr",),
    )  # fmt: skip
    assert found.rows[0] == ("Hello, you", "Hallo\ndu", "1")
    with pytest.raises(DataError, match="3: 'Englisch'"):
        opened(path)
    pairs = opened(path, columns=("Englisch", "Deutsch"))
    assert pairs.left == ("Hello, you", 'She said "no"', "Only one")
    assert pairs.right == ("Hallo\ndu", "Sie sagte: nein", "")
    assert pairs.names == ("Englisch", "Deutsch") and pairs.info.count == 3
    assert opened(path, columns=("Deutsch",)).text == "Hallo\ndu\nSie sagte: nein\n"
    with pytest.raises(DataError, match="no column 'French'"):
        opened(path, columns=("French",))
    latin = put(tmp_path, SPREADSHEET.replace("Hallo", "Grüße").removeprefix("\ufeff").encode("cp1252"), "latin.csv")
    assert columns(latin).encoding == "cp1252"
    assert opened(latin, columns=("Deutsch",), encoding="cp1252").text.startswith("Grüße")


@pytest.mark.parametrize(
    ("content", "name", "delimiter", "names"),
    [
        ("a\tb, c\n1\t2, 3\n", "x.tsv", "\t", ("a", "b, c")),
        ("sep=|\nword|text\nx|y\n", "x.csv", "|", ("word", "text")),
        ("Hello there.,Hallo du.\nYes.,Ja.\n", "x.csv", ",", ("column 1", "column 2")),
        ("1,2\n3,4\n", "x.csv", ",", ("column 1", "column 2")),
        ("name,name\nlonger cell,other cell\n", "x.csv", ",", ("column 1", "column 2")),
        ("one line\nand another\n", "x.csv", ",", ("column 1",)),
    ],
)
def test_delimiter_and_header_are_found_out(
    tmp_path: Path, content: str, name: str, delimiter: str, names: tuple[str, ...]
) -> None:
    found = columns(put(tmp_path, content, name))
    assert (found.delimiter, found.columns) == (delimiter, names)


def test_json_lines(tmp_path: Path) -> None:
    lines = ['{"en": "yes", "de": "ja", "n": 1}', "", '{"en": "no\\nno", "extra": [1, {"a": null}]}']
    path = put(tmp_path, "\n".join(lines), "x.jsonl")
    assert columns(path).columns == ("en", "de", "n", "extra")
    pairs = opened(path, columns=("en", "de"))
    assert (pairs.left, pairs.right) == (("yes", "no\nno"), ("ja", ""))
    assert opened(path, columns=("extra",)).text == '[1, {"a": null}]\n'
    whole = put(tmp_path, json.dumps([{"en": "a", "de": "b"}]), "x.json")
    assert opened(whole).left == ("a",)
    for bad, match in (
        ("{", "Line 1"), ("[1]", "no named values"), ('{"a": "\\ud800"}', "surrogate"), ("[" * 100_000, "nested"),
        ('{"a": 1}\nnull', "Line 2"), ("", "empty"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=match):
            opened(put(tmp_path, bad, "bad.jsonl"))
    assert len(on_disk()) == 3


def test_two_files_whose_lines_belong_together(tmp_path: Path) -> None:
    left, right = put(tmp_path, "one\ntwo\n", "train.en"), put(tmp_path, "eins\nzwei", "train.de")
    pairs = opened(left, right)
    assert (pairs.left, pairs.right, pairs.names) == (("one", "two"), ("eins", "zwei"), ("en", "de"))
    assert opened(left, right, kind="text").text == "one\ntwo\neins\nzwei\n"
    longer = put(tmp_path, "eins\nzwei\ndrei\nvier\n", "other.txt")
    with pytest.raises(DataError, match=r"train.en has 2, other.txt 4"):
        opened(left, longer, kind="pairs")


def test_two_columns_of_numbers_are_points(tmp_path: Path) -> None:
    path = put(tmp_path, "x;y\n1,5;2\n-3;4e1\n", "points.csv")
    assert np.array_equal(opened(path).points, np.array([[1.5, 2], [-3, 40]], np.float32))
    bad = put(tmp_path, "x,y\n1,2\n3,\nnan,1\n5,inf\n", "bad.csv")
    with pytest.raises(DataError, match=r"3 of 4 rows .*row 2 has '3', ''"):
        opened(bad, kind="points")
    for shape in ((1, 2), (5, 3), (0, 2)):
        with pytest.raises(DataError):
            finished(rows.import_points(np.zeros(shape)))
    with pytest.raises(DataError, match="infinite"):
        finished(rows.import_points(np.array([[0, 1], [np.nan, 2]])))


def test_an_endless_quotation_or_line_stops_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_FIELD", 1000)
    with pytest.raises(DataError, match="quotation mark may be missing"):
        opened(put(tmp_path, 'a,b\n"' + "x,y\n" * 1000, "x.csv"))
    monkeypatch.setattr(reading, "_LINE", 1000)
    with pytest.raises(DataError, match="longer than 64 MB"):
        opened(put(tmp_path, "y" * 5000, "x.csv"))
    assert on_disk() == []


def test_duplicates_and_swapped_sides(tmp_path: Path) -> None:
    pairs = opened(put(tmp_path, "en,de\nyes indeed,ja\n", "x.csv"))
    turned = shelf.open_dataset(finished(duplicate(pairs.info, swap=True)))
    assert (turned.left, turned.names, turned.info.title) == (("ja",), ("de", "en"), "x (copy)")
    same = finished(duplicate(pairs.info, name="x"))
    assert same.id != pairs.info.id and len(on_disk()) == 3
    text = shelf.find_dataset("names")
    copy = finished(duplicate(text, name="My names"))
    assert (copy.origin, copy.sha256) == ("imported", text.sha256)
    assert shelf.open_text(copy).text == shelf.open_text(text).text
    points = finished(rows.import_points(np.eye(2)))
    assert np.array_equal(shelf.open_dataset(finished(duplicate(points))).points, np.eye(2))


@pytest.mark.parametrize("damage", ["absent", "longer", "changed"])
def test_a_changed_copy_is_told(tmp_path: Path, damage: str) -> None:
    infos = [opened(put(tmp_path, "en,de\nyes indeed,ja\n", "x.csv")).info, finished(rows.import_points(np.eye(2)))]
    for info in infos:
        raw = info.path.read_bytes()
        if damage == "absent":
            info.path.unlink()
        else:
            info.path.write_bytes(raw + b"\n" if damage == "longer" else raw[:-5] + b"x" + raw[-4:])
        with pytest.raises(DataError, match=r"gone|changed") as error:
            shelf.open_dataset(info)
        assert "import it again" in error.value.hint


def test_closing_an_import_at_any_time_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_BATCH", 3)
    monkeypatch.setattr(reading, "_BLOCK", 64)
    path = put(tmp_path, "en,de\n" + "yes,ja\n" * 50, "x.csv")
    for steps in range(1, 12):
        work = import_any([path])
        for _ in range(steps):
            next(work)
        work.close()
        assert on_disk() == []


@pytest.mark.parametrize("name", ["fsync", "replace", "mkdir"])
def test_a_full_disk_during_any_import_is_told_and_the_half_import_disappears(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources: list[Any] = [[put(tmp_path, "en,de\nyes,ja\n", "x.csv")], [put(tmp_path, "x,y\n1,2\n3,4\n", "p.csv")]]

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    paths.datasets().mkdir(parents=True)
    with monkeypatch.context() as disk:
        disk.setattr(os, name, full)
        for source in [*sources, "a pasted text"]:
            with pytest.raises(StorageError, match="disk is full"):
                finished(import_any(source))
    assert on_disk() == []


def mutated(raw: bytes, seed: int) -> bytes:
    rng = random.Random(seed)
    data = bytearray(raw)
    for _ in range(rng.randint(1, 5)):
        place = rng.randrange(len(data) + 1)
        piece = rng.choice(
            [b"\0", b"\xff", b"\xc3", b"\r", b'"', b";", b"\t", b"\n", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"{", b"}",
             b"\\ud800", bytes([rng.randrange(256)]), data[place : place + 9]]
        )  # fmt: skip
        action = rng.randrange(3)
        data[place : place + (action != 0) * rng.randint(0, 9)] = b"" if action == 1 else piece
    return bytes(data)


def survive(tmp_path: Path, seeds: range, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Numbers of accepted and refused files; anything but a dataset or a DataError fails."""
    monkeypatch.setattr("genstudio.storage.sync_file", lambda descriptor: None)
    monkeypatch.setattr("genstudio.storage.sync_folder", lambda folder: None)
    samples = [
        ("x.csv", SPREADSHEET.encode()),
        ("x.tsv", b"a\tb\n1\t2\n3\t4\n"),
        ("x.jsonl", b'{"a": "x", "b": "y"}\n{"a": 1, "b": [2]}\n'),
        ("x.txt", "To be, or not to be — 🙂\r\n".encode()),
        ("x.txt", "Größe, Schärfe\r\n".encode("utf-16")),
    ]
    accepted = refused = 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("outside*")}
    for seed in seeds:
        name, raw = samples[seed % len(samples)]
        path = put(tmp_path, mutated(raw, seed), name)
        kept = path.read_bytes()
        try:
            found = finished(inspect([path]))
            chosen = found.columns[:2] if found.form == "table" else ()
            info = finished(import_any([path], ImportOptions(columns=chosen, encoding=found.suggested.encoding)))
            shelf.open_dataset(info)
            shelf.delete_dataset(info)
            accepted += 1
        except DataError as error:
            assert error.message and error.hint
            refused += 1
        assert path.read_bytes() == kept
        assert on_disk() == []
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("outside*")}
    return accepted, refused


def test_hundreds_of_damaged_tables_and_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted, refused = survive(tmp_path, range(400), monkeypatch)
    assert accepted > 80 and refused > 40


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_thousand_damaged_tables_and_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted, refused = survive(tmp_path, range(1000, 11_000), monkeypatch)
    assert accepted > 2000 and refused > 1000


def test_every_encoding_that_can_be_chosen_exists() -> None:
    assert all(encodings.canonical(name) == name for name in encodings.TITLES)
    assert encodings.canonical("Windows-1252") == "cp1252"
