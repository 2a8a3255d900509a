"""Which encoding a text has: by its bytes alone, whatever characters are in it, and for each file on its own."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from genstudio.data import reading, shelf
from genstudio.data.importing import report
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.sources import import_any, inspect
from genstudio.data.reading import judge
from genstudio.data.work import finished
from genstudio.errors import DataError

LETTERS = "abc déf ßü — Ωλ жю 漢字かな 한글 🙂\n"
CONTROLS = [chr(code) for code in (*range(1, 9), 11, *range(14, 32), 127, *range(0x80, 0xA0))]


def put(folder: Path, content: bytes, name: str = "x.txt") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def opened(*sources: Path, **options: Any) -> Any:
    return shelf.open_dataset(finished(import_any(sources, ImportOptions(**options))))


@pytest.mark.parametrize("seed", range(40))
def test_no_control_character_makes_utf8_another_encoding(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(reading, "_BLOCK", rng.choice([1, 7, 64, 1 << 20]))
    text = "".join(rng.choices(LETTERS, k=200)) + "ß"
    for _ in range(rng.randint(1, 20)):
        at = rng.randrange(1, len(text))
        text = text[:at] + rng.choice(CONTROLS) + text[at:]
    path = put(tmp_path, text.encode())
    found = finished(inspect([path]))
    assert (found.encoding, found.problems, found.blocked) == ("utf-8", (), "")
    assert opened(path).text == opened(path, encoding=found.encoding).text == text


@pytest.mark.parametrize("seed", range(40))
def test_broken_bytes_are_counted_placed_and_replaced(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(reading, "_BLOCK", rng.choice([1, 5, 100, 1 << 20]))
    letters = rng.choices(LETTERS, k=300) + ["ß"] * 20
    many = rng.randint(1, 9)
    for place in rng.sample(range(1, len(letters)), many):
        letters[place] = "\0"  # stands for a byte that no UTF-8 holds
    raw = "".join(letters).encode().replace(b"\0", b"\xff")
    path = put(tmp_path, raw)
    found = finished(judge(path))
    assert (found.encoding, found.broken, found.offset) == ("utf-8", many, raw.index(b"\xff"))
    assert found.line == raw[: found.offset].count(b"\n") + 1
    with pytest.raises(DataError, match=rf"x.txt is UTF-8 with {many} broken byte.* line {found.line}\."):
        opened(path)
    kept = opened(path, encoding="utf-8")
    assert kept.text == "".join(letters).replace("\0", "\ufffd")
    assert any(f"line {found.line}" in note for note in report.notes(kept.info))


def test_each_file_of_a_folder_has_its_own_encoding(tmp_path: Path) -> None:
    german = "Grüße und schöne Wörter für heute\n"
    for number in range(12):
        put(tmp_path, german.encode(), f"texts/f{number:02}.txt")
    put(tmp_path, german.encode("cp1252"), "texts/f05.txt")
    folder = tmp_path / "texts"
    with pytest.raises(DataError, match=r"f05\.txt is not UTF-8"):
        opened(folder)
    for encoding in ("cp1252", "auto"):
        found = opened(folder, encoding=encoding, name=encoding)
        assert found.text == german * 12
    assert "f05.txt" in " ".join(report.notes(found.info)) and "11 files are UTF-8" in " ".join(
        report.notes(found.info)
    )
    offered = finished(inspect([folder]))
    assert offered.suggested.encoding == "auto" and any("f05.txt" in problem for problem in offered.problems)
    put(tmp_path, "Привет, как дела? Всё хорошо, спасибо.\n".encode("cp1251"), "texts/f06.txt")
    assert "Привет, как дела?" in opened(folder, encoding="auto").text


@pytest.mark.parametrize("control", ["\x0b", "\x1b[31m", "\x7f"])
def test_a_control_character_hides_no_code_page(tmp_path: Path, control: str) -> None:
    text = ("Größe und Schärfe: déjà vu, garçon " + control + "\n") * 5
    assert finished(judge(put(tmp_path, text.encode("cp1252")))).encoding == "cp1252"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (rb"{\rtf1\ansi Hello \'e4}", "RTF document"), (b"%PDF-1.7\n%\xe2\xe3", "PDF document"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "7-Zip"), (b"SQLite format 3\0rest", "SQLite"), (b"words \0 and more", "binary"),
        (bytes(random.Random(1).choices(range(1, 256), k=4000)), "binary"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_called_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    path = put(tmp_path, content)
    with pytest.raises(DataError, match=words):
        opened(path)
    found = finished(inspect([path]))
    assert words in found.blocked and not found.problems
    assert finished(inspect([put(tmp_path, b"", "empty.txt")])).blocked == "empty.txt is empty."


def test_files_of_a_folder_that_are_no_texts_are_said_to_stay_out(tmp_path: Path) -> None:
    for name in ("one.txt", "two.txt", "essay.docx", "empty.txt"):
        put(tmp_path, b"" if name == "empty.txt" else b"words of " + name.encode() + b"\n", f"folder/{name}")
    info = opened(tmp_path / "folder").info
    said = " ".join(report.notes(info))
    assert ".docx" in said and "1 file is empty" in said
    assert any(".docx" in problem for problem in finished(inspect([tmp_path / "folder"])).problems)
