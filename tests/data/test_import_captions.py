"""Pictures with captions from a folder: a table beside them, or a text file beside each, hostile until checked."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genstudio.data import checks, shelf
from genstudio.data.datasets import ImageDataset
from genstudio.data.importing.copies import duplicate
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.sources import import_any, inspect
from genstudio.data.work import finished
from genstudio.errors import DataError


def picture(number: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (number, 2 * number % 256, 200)).save(out, "PNG")
    return out.getvalue()


def folder(root: Path, count: int, below: str = "") -> Path:
    (root / "p" / below).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (root / "p" / below / f"cat{number}.png").write_bytes(picture(number))
    return root / "p"


def opened(root: Path, **options: object) -> ImageDataset:
    dataset = shelf.open_dataset(finished(import_any([root], ImportOptions(**options))))  # type: ignore[arg-type]
    assert isinstance(dataset, ImageDataset)
    return dataset


def notes(dataset: ImageDataset) -> str:
    return " ".join(dataset.info.details["notes"])


@pytest.mark.parametrize("header", ["file_name,caption", "caption;image", "id\tcaption"])
def test_a_table_beside_the_pictures_names_their_captions(header: str, tmp_path: Path) -> None:
    root, mark = folder(tmp_path, 12, "in"), header[len(header.split(";")[0].split("\t")[0].split(",")[0])]
    names = ["in/cat{}.png", "CAT{}.PNG", ".\\in\\cat{}.png", "cat{}"]
    rows = [(names[n % 4].format(n), f"number {n}, a cat") for n in range(12)]
    swapped = header.startswith("caption")
    lines = [mark.join((f'"{b}"', a) if swapped else (a, f'"{b}"')) for a, b in rows]
    (root / "captions.tsv" if mark == "\t" else root / "captions.csv").write_text("\n".join([header, *lines]) + "\n", "utf-8")
    said = finished(inspect([root]))
    assert "with captions in captions." in said.sentence
    dataset = opened(root)
    assert dataset.captions == tuple(f"number {n}, a cat" for n in range(12)) and dataset.info.kinds == ("images", "captioned")
    assert "Captions: column 'caption' of captions." in notes(dataset)
    copy = shelf.open_dataset(finished(duplicate(dataset.info)))
    assert copy.captions == dataset.captions and copy.info.kinds == dataset.info.kinds  # type: ignore[union-attr]


def test_a_text_file_beside_each_picture_is_its_caption(tmp_path: Path) -> None:
    root = folder(tmp_path, 6)
    for number in range(4):
        (root / f"cat{number}.txt").write_text(f"cat\n  number {number}\t!\n", "utf-16" if number == 3 else "utf-8")
    (root / "cat4.txt").write_bytes(b" \n")
    (root / "cat5.txt").write_bytes(bytes(range(256)) * 4)
    dataset = opened(root)
    assert dataset.captions == (*(f"cat number {n} !" for n in range(4)), "", "")
    assert "1 text files beside pictures could not be read: 'cat5.txt'." in notes(dataset)
    assert "1 text files beside pictures are empty: 'cat4.txt'." in notes(dataset)
    assert "2 pictures have no caption: 'cat4.png', 'cat5.png'. They are not used" in notes(dataset)


def zipped(root: Path) -> Path:
    with zipfile.ZipFile(root.with_suffix(".zip"), "w") as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                archive.write(path, f"inside/{path.relative_to(root).as_posix()}")
    return root.with_suffix(".zip")


def test_captions_in_an_archive_are_those_of_its_folder(tmp_path: Path) -> None:
    """A table, or a text file beside each; what is neither is left out, and one text alone is no caption."""
    root = folder(tmp_path, 12)
    (root / "about.txt").write_text("where they are from", "utf-8")
    (root / "cat0.txt").write_text("a cat", "utf-8")
    plain = opened(zipped(root))
    assert plain.captions is None and "named like the pictures ignored" in notes(plain)
    for number in range(12):
        (root / f"cat{number}.txt").write_text(f"cat {number}", "utf-8")
    beside = opened(zipped(root))
    by_name = dict(zip(beside.names or (), beside.captions or (), strict=True))
    assert by_name == {f"inside/cat{n}.png": f"cat {n}" for n in range(12)}
    assert "12 with a caption beside" in finished(inspect([zipped(root)])).sentence and "about.txt" in notes(beside)
    (root / "all.csv").write_text("file,caption\n" + "".join(f"cat{n}.png,number {n}\n" for n in range(12)), "utf-8")
    table = opened(zipped(root))
    by_name = dict(zip(table.names or (), table.captions or (), strict=True))
    assert by_name == {f"inside/cat{n}.png": f"number {n}" for n in range(12)}
    assert "with captions in all.csv" in finished(inspect([zipped(root)])).sentence
    assert "Captions: column 'caption' of all.csv" in notes(table)
    (root / "all.csv").write_text("file,caption\n" + "".join(f"dog{n}.png,number {n}\n" for n in range(12)), "utf-8")
    with pytest.raises(DataError, match=r"12 of 12 rows of all\.csv name pictures that are not in the folder"):
        opened(zipped(root))


def test_a_table_that_lies_is_answered_in_words(tmp_path: Path) -> None:
    root = folder(tmp_path, 20)
    rows = [f"cat{n}.png,cat number {n}" for n in range(18)]
    rows += ["cat3.png,another one", "gone.png,a dog", "cat18.png,", "cat19.png," + "very " * 600 + "long"]
    (root / "notes.csv").write_text("file,caption\n" + "\n".join(rows) + "\n", "utf-8")
    dataset = opened(root)
    said = notes(dataset)
    assert "1 row of notes.csv names a picture that is not there and was ignored: 'gone.png'." in said
    assert "1 picture has more than one caption in notes.csv; the first was kept: 'cat3.png'." in said
    assert "1 caption in notes.csv is empty: 'cat18.png'." in said and "1 picture has no caption" in said
    assert "1 captions are longer than 2,000 characters and were cut: 'cat19.png'." in said
    assert dataset.captions is not None and dataset.captions[3] == "cat number 3" and len(dataset.captions[19]) == 2000
    found = {one.rule: one for one in finished(checks.check(dataset))}
    assert found["every picture has a caption"].count == 1 and found["at least 200 captions"].level == "warning"
    assert "1 caption has more than 64 words, up to 400" in found["no caption longer than 64 words"].sentence


def test_a_table_of_other_pictures_is_refused_unless_they_are_to_be_skipped(tmp_path: Path) -> None:
    root = folder(tmp_path, 4)
    rows = [f"dog{n}.png,a dog" for n in range(30)] + [f"cat{n}.png,a cat {n}" for n in range(4)]
    (root / "captions.csv").write_text("file,caption\n" + "\n".join(rows[::-1]) + "\n", "utf-8")
    refused = r"30 of 34 rows of captions.csv name pictures that are not in the folder: 'dog29.png'"
    with pytest.raises(DataError, match=refused) as error:
        opened(root)
    assert "skip unreadable pictures" in error.value.hint and not [i for i in shelf.list_datasets() if i.origin == "imported"]
    dataset = opened(root, skip_broken=True)
    assert dataset.captions == tuple(f"a cat {n}" for n in range(4)) and "30 rows of captions.csv name pictures" in notes(dataset)


@pytest.mark.parametrize("content", [b"\x00\x01\x02" * 50, b"", b"x,y\n1,2\n", b'"open\n' * 20])
def test_a_table_of_something_else_leaves_the_pictures_as_they_are(content: bytes, tmp_path: Path) -> None:
    root = folder(tmp_path, 3)
    (root / "table.csv").write_bytes(content)
    dataset = opened(root)
    assert dataset.captions is None and dataset.info.kinds == ("images",) and "Files ignored: table.csv" in notes(dataset)


def test_pictures_in_both_parts_with_one_caption_are_found() -> None:
    """Test pictures in training: a leak that would make any retrieval look good."""
    dataset = shelf.open_dataset(shelf.find_dataset("captioned-shapes"))
    assert isinstance(dataset, ImageDataset) and dataset.captions is not None
    few = ImageDataset(dataset.info, dataset.pixels[:300], None, (), dataset.captions[:300])
    rule = "no captioned picture in both training and validation"
    assert rule not in {one.rule for one in finished(checks.check(few))}
    again = ImageDataset(dataset.info, np.tile(dataset.pixels[:150], (2, 1, 1, 1)), None, (), dataset.captions[:150] * 2)
    (found,) = [one for one in finished(checks.check(again)) if one.rule == rule]
    assert found.level == "warning" and found.count == 30
