"""Tables against an independent reading: delimiters, quotation marks, names, numbers, ragged rows, packed files."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data import shelf
from genstudio.data.importing import numbers, report, tables
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.sources import import_any, inspect
from genstudio.data.work import finished
from genstudio.errors import DataError

WORDS = "Straße maison Hund chat été river green nine say went, and; over | under it's café 12 3.5".split(" ")  # noqa: SIM905 - words, not a list


def put(folder: Path, content: bytes | str, name: str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def opened(*sources: Path, **options: Any) -> Any:
    return shelf.open_dataset(finished(import_any(sources, ImportOptions(**options))))


def read(path: Path, **choices: Any) -> tuple[tables.Layout, list[tuple[str, ...]]]:
    layout = finished(tables.look(path, tables.Choices(**choices)))
    return layout, [row for _, row in tables.rows(path, layout, layout.columns)]


@pytest.mark.parametrize("seed", range(60))
def test_what_a_csv_writer_wrote_is_read_back(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    delimiter, width = rng.choice(",;\t|"), rng.randint(2, 5)

    def cell() -> str:
        text = " ".join(rng.choices(WORDS, k=rng.randint(1, 6)))
        mark = rng.choice(["", "", "", '"', "\n", delimiter, ' "so" ', '""'])
        at = rng.randrange(len(text) + 1)
        return text[:at] + mark + text[at:]

    table = [tuple(cell().strip() or "x" for _ in range(width)) for _ in range(rng.randint(6, 30))]
    out = io.StringIO()
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=rng.choice(["\n", "\r\n"]))
    writer.writerow([f"name_{place}" for place in range(width)])
    writer.writerows(table)
    layout, found = read(put(tmp_path, out.getvalue(), "x.csv"))
    assert (layout.delimiter, layout.header, len(layout.columns)) == (delimiter, True, width)
    assert found == table


@pytest.mark.parametrize("seed", range(60))
def test_quotation_marks_of_a_tab_separated_text_are_text(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)

    def cell() -> str:
        words = rng.choices(WORDS, k=rng.randint(1, 6))
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            place = rng.randrange(len(words))
            words[place] = rng.choice(['"{}', '{}"', '"{}"', '{}""', '"{}."']).format(words[place])
        return " ".join(words)

    rows = [f"{cell()}\t{cell()}" for _ in range(rng.randint(4, 40))]
    rows[0] = f"No mark here\t{cell()}"
    rows[1] = f'"{cell()}\tand none'
    _, found = read(put(tmp_path, rng.choice(["\n", "\r\n"]).join(rows), "x.tsv"), header=False)
    assert found == [tuple(row.split("\t")) for row in rows]


def test_a_tab_separated_table_that_proves_its_quotation_marks_is_read_with_them(tmp_path: Path) -> None:
    quoted = '"text"\t"other"\n"one\ttab"\t"a ""mark"""\n"two\nlines"\t"x"\n'
    assert read(put(tmp_path, quoted, "x.tsv"), header=True)[1] == [("one\ttab", 'a "mark"'), ("two\nlines", "x")]


@pytest.mark.parametrize("seed", range(40))
def test_numbers_of_any_habit_are_the_same_points(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    decimal, thousands, delimiter = rng.choice([
        (".", ",", ","), (",", ".", ";"), (".", "", ";"), (",", "", "\t"), (".", ",", "\t"), (",", "", ";"), (",", " ", ";"),
    ])  # fmt: skip

    def written(value: float) -> str:
        text = f"{value:,.2f}".replace(",", "t").replace(".", decimal).replace("t", thousands)
        return f'"{text}"' if delimiter in text else text

    points = np.array([[rng.uniform(-5e4, 5e4), rng.uniform(-3, 3)] for _ in range(rng.randint(4, 30))]).round(2)
    lines = [delimiter.join(map(written, row)) for row in points.tolist()]
    path = put(tmp_path, "\n".join([f"x{delimiter}y", *lines]), "x.csv")
    found = opened(path)
    assert np.allclose(found.points, points.astype(np.float32))
    assert f"decimal {numbers.MARKS[decimal]}" in " ".join(report.lines(found.info))


def test_a_decimal_mark_can_be_chosen(tmp_path: Path) -> None:
    path = put(tmp_path, "x;y\n1,234;5,678\n2,345;6,789\n", "x.csv")
    assert opened(path).points.tolist() == np.float32([[1.234, 5.678], [2.345, 6.789]]).tolist()
    assert opened(path, decimal=".").points[0].tolist() == [1234, 5678]
    comma = put(tmp_path, 'x,y\n"1,234","5,678"\n"2,345","6,789"\n', "c.csv")
    assert opened(comma).points[0].tolist() == [1234, 5678]
    assert opened(comma, decimal=",").points[0].tolist() == np.float32([1.234, 5.678]).tolist()


@pytest.mark.parametrize("seed", range(30))
def test_rows_with_too_many_cells_are_left_out_and_counted(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    rows = [f"words {n},{rng.choice('ab')}" for n in range(rng.randint(20, 60))]
    longer = sorted(rng.sample(range(len(rows)), rng.randint(1, len(rows) // 10)))
    for place in longer:
        rows[place] = "one, two," + rows[place]
    empty = rng.choice([place for place in range(len(rows)) if place not in longer])
    rows[empty] += ",,"
    path = put(tmp_path, "\n".join(["text,label", *rows]), "x.csv")
    text = opened(path, columns=("text",))
    assert text.text.splitlines() == [r.split(",")[0] for place, r in enumerate(rows) if place not in longer]
    said = " ".join(report.notes(text.info))
    assert f"line {longer[0] + 2} has 4 cells" in said and f"{len(longer)} row" in said


def test_too_many_ragged_rows_are_refused_with_the_line(tmp_path: Path) -> None:
    rows = ["text,label", *(f"Well, {n},b" for n in range(5)), *(f"fine {n},b" for n in range(9))]
    path = put(tmp_path, "\n".join(rows), "x.csv")
    with pytest.raises(DataError, match=r"Line 2 has 3 cells, the names are 2; 5 of 14"):
        opened(path, columns=("text",), header=True, delimiter=",")
    assert opened(path, delimiter="none", header=True).text.splitlines() == rows[1:]


@pytest.mark.parametrize(
    ("content", "header"),
    [
        ("emma\nolivia\nava\n", False), ("hello,hola\ncat,gato\n", False), ("no,nein\nyes,ja\n", False),
        ("name\nemma\nava\n", True), ("English,German\nhello,hallo\n", True), ("word,count\nhello,3\ncat,1\n", True),
        ("first_name,last_name\nemma,stone\n", True), ("emma,stone,text\nava,text,text\n", False),
        ("topic\nThis is a long sentence.\nAnd this one is long too.\n", True),
    ],
)  # fmt: skip
def test_a_first_row_is_names_only_where_something_says_so(tmp_path: Path, content: str, header: bool) -> None:
    path = put(tmp_path, content, "x.csv")
    assert read(path)[0].header == header
    assert len(read(path, header=False)[1]) == len(read(path, header=True)[1]) + 1 == content.count("\n")


def test_json_in_other_shapes(tmp_path: Path) -> None:
    pretty = put(tmp_path, json.dumps({"version": 1, "data": [{"text": "eins"}, {"text": "zwei"}]}, indent=2), "p.json")
    found = opened(pretty)
    assert found.text == "eins\nzwei\n"
    assert any("2 entries of its list 'data'" in note and "1 other value" in note for note in report.notes(found.info))
    two = put(tmp_path, json.dumps({"a": [{"x": "1"}], "b": [{"x": "2"}]}, indent=1), "two.json")
    with pytest.raises(DataError, match=r"one object, not a list, and holds 2 lists: 'a' \(1 entries\)"):
        opened(two)
    late = put(tmp_path, "\n".join([json.dumps({"id": n}) for n in range(1500)] + ['{"text": "late"}']), "late.jsonl")
    assert opened(late, columns=("text",)).text == "late\n"
    with pytest.raises(DataError, match="no column 'nowhere'"):
        opened(late, columns=("nowhere",))
    with pytest.raises(DataError, match="Line 3 is not JSON"):
        opened(put(tmp_path, '{\n "a": [\n  oops\n ]\n}', "broken.json"))


def test_chat_messages_are_said_to_be_stored_as_json(tmp_path: Path) -> None:
    line = json.dumps({"id": "a", "messages": [{"role": "user", "content": "Hi"}]})
    path = put(tmp_path, f"{line}\n{line}\n", "chat.jsonl")
    assert any(
        "chat messages" in note and "JSON" in note for note in report.notes(opened(path, columns=("messages",)).info)
    )
    assert finished(inspect([path])).suggested.columns == ("id",)


@pytest.mark.parametrize("name", ["x.txt.gz", "x.csv.gz", "x.jsonl.gz"])
def test_packed_texts_and_tables_are_read(tmp_path: Path, name: str) -> None:
    plain = {"x.txt.gz": "one\ntwo\n", "x.csv.gz": "name\none\ntwo\n", "x.jsonl.gz": '{"t": "one"}\n{"t": "two"}\n'}[
        name
    ]
    path = put(tmp_path, gzip.compress(plain.encode()), name)
    assert opened(path).text == "one\ntwo\n"
    assert not finished(inspect([path])).blocked
    with pytest.raises(DataError, match="damaged"):
        opened(put(tmp_path, gzip.compress(plain.encode() * 50)[:-9], name))


def test_a_kind_that_is_asked_for_is_given_or_refused(tmp_path: Path) -> None:
    text = put(tmp_path, "Go.\tVa !\nRun!\tCours !\nI'm.\tJe suis.\n", "fra.txt")
    assert opened(text, kind="pairs").right == ("Va !", "Cours !", "Je suis.")
    with pytest.raises(DataError, match="not images"):
        opened(text, kind="images")
    with pytest.raises(DataError, match="do not contain two numbers"):
        opened(text, kind="points")
    wide = put(tmp_path, "a\tb\tc\n1\tx\ty\n", "x.tsv")
    with pytest.raises(DataError, match="made from 2 columns, but 1 was chosen"):
        opened(wide, kind="pairs", columns=("a",))


def test_nothing_to_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "words\n", "words.txt")
    monkeypatch.chdir(tmp_path)
    for sources in ([""], [" "], [], ["words.txt", ""]):
        with pytest.raises(DataError, match="nothing to import"):
            finished(import_any(sources))


def test_a_table_of_words_is_offered_as_one_text_and_of_numbers_as_points(tmp_path: Path) -> None:
    words = finished(
        inspect([put(tmp_path, "word,meaning\ncat,a small animal that purrs\ndog,one that barks\n", "w.csv")])
    )
    assert (words.suggested.kind, words.suggested.columns) == ("text", ("meaning",))
    points = finished(inspect([put(tmp_path, "x,y\n1,2\n3,4\n", "p.csv")]))
    assert (points.suggested.kind, points.suggested.columns) == ("points", ("x", "y"))
