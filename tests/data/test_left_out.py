"""What folders and archives hold beside pictures: left out and named; and names of archives in any encoding."""

from __future__ import annotations

import os
import random
import struct
import tarfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hostile import NAMES, png, tarred, zipped

from genstudio.data import shelf
from genstudio.data.datasets import ImageDataset
from genstudio.data.images import PictureSettings
from genstudio.data.importing import archives, listing, names, pool
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.sources import import_any, inspect
from genstudio.data.work import finished
from genstudio.errors import DataError


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are decoded in this process: starting others takes longer than what the tests look at."""

    def none(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(pool, "_Child", none)


def put(folder: Path, content: bytes, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def opened(source: Path, **options: Any) -> ImageDataset:
    dataset = shelf.open_dataset(finished(import_any([source], ImportOptions(**options))))
    assert isinstance(dataset, ImageDataset)
    return dataset


def notes(dataset: ImageDataset) -> str:
    return " ".join(dataset.info.details["notes"])


WORDS = ["cats", "Käse", "10", "9", "猫", "a b", "train-set", "x"]


@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
@pytest.mark.parametrize("seed", range(8))
def test_class_folders_with_strays(seed: int, form: str, tmp_path: Path) -> None:
    """Random trees below random folders, with a split or without one: classes stay while fewer than one in five lie
    above them, and what lies above is named."""
    rng = random.Random(seed)
    classes = rng.sample(WORDS, rng.randint(2, 5))
    above = rng.choice(["", "data/", "data/mine/"])
    splits = rng.choice([[""], ["train/", "test/"], ["train/", "val/", "test/"]])
    inside = [
        f"{above}{split}{name}/{rng.choice(['', 'sub/'])}{number}.png"
        for split in splits for name in classes for number in range(rng.randint(2, 4))
    ]  # fmt: skip
    many = rng.choice([0, 1, (len(inside) - 1) // 4, len(inside) // 3 + 1])
    strays = [f"{rng.choice(['', above])}stray{number}.png" for number in range(many)]
    content = {name: png(number, 8) for number, name in enumerate([*inside, *strays])}
    if form == "folder":
        source = tmp_path / "mine"
        for name, raw in content.items():
            put(source, raw, name)
    else:
        source = put(tmp_path, (zipped if form == "zip" else tarred)(list(content.items())), f"mine.{form}")  # type: ignore[operator]
    dataset = opened(source)
    assert dataset.names is not None
    if 5 * many >= len(content):
        assert dataset.labels is None and dataset.classes == () and len(dataset.pixels) == len(content)
        assert f"not used as classes, because {many} of the pictures are outside of them" in notes(dataset)
        return
    assert set(dataset.classes) == set(classes) and sorted(dataset.names) == sorted(inside)
    assert dataset.labels is not None
    for name, label in zip(dataset.names, dataset.labels.tolist(), strict=True):
        assert name.removeprefix(above).split("/")[splits != [""]] == dataset.classes[label]
    assert ("above the class folders ignored" in notes(dataset)) == bool(strays)
    assert not strays or any(stray in notes(dataset) for stray in strays)
    found = finished(inspect([source]))
    assert (found.classes, found.files) == (dataset.classes, len(inside))
    assert notes(dataset) in " ".join(found.problems)


@pytest.mark.parametrize("seed", range(5))
def test_folders_of_a_nas_are_left_out(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    used = rng.sample(["@eaDir", "@Recycle", "#recycle", "$RECYCLE.BIN", "#snapshot", "lost+found", "@tmp"], 3)
    wanted = []
    for name in ("cats", "dogs"):
        for number in range(3):
            wanted.append(f"{name}/{number}.png")
            put(tmp_path / "p", png(len(wanted)), wanted[-1])
            put(tmp_path / "p", png(90), f"{name}/{rng.choice(used)}/{number}.png/THUMB_M.jpg")
    for folder in (*used, ".thumbnails", "__MACOSX"):
        put(tmp_path / "p", png(91), f"{folder}/x.png")
    put(tmp_path / "p", b"x", "cats/Thumbs.db")
    everything = [(path.relative_to(tmp_path / "p").as_posix(), path.read_bytes())
                  for path in (tmp_path / "p").rglob("*") if path.is_file()]  # fmt: skip
    for source in (tmp_path / "p", put(tmp_path, zipped(everything), "p.zip")):
        dataset = opened(source)
        assert sorted(dataset.names or ()) == wanted and dataset.classes == ("cats", "dogs")
        assert all(folder in notes(dataset) for folder in used) and "Thumbs" not in notes(dataset)


@pytest.mark.parametrize(("pictures", "captions", "others", "kept"), [
    (3, 3, 1, "images"), (5, 5, 0, "images"), (4, 2, 2, "images"), (4, 0, 3, "images"), (2, 2, 9, "text"), (1, 0, 4, "text"),
])  # fmt: skip
def test_captions_do_not_hide_the_pictures(
    pictures: int, captions: int, others: int, kept: str, tmp_path: Path
) -> None:
    for number in range(pictures):
        put(tmp_path / "p", png(number), f"{number}.png")
    for number in range(captions):
        put(tmp_path / "p", f"a photo {number}\n".encode(), f"{number}.txt")
    for number in range(others):
        put(tmp_path / "p", f"free {number}\n".encode(), f"LICENSE{number}.txt")
    info = finished(import_any([tmp_path / "p"]))
    assert info.kind == kept
    said = " ".join(info.details["notes"])
    assert ("captioned" in info.kinds) == (kept == "images" and captions > 1)
    if kept == "text":
        assert ("0.png" if pictures == 1 else f"{pictures} files ending in .png") in said
    else:
        assert info.count == pictures and ("Captions: the text file beside each picture." in said) == (captions > 1)
        assert others == 0 or ("LICENSE0.txt" if others == 1 else f"{others} files ending in .txt") in said


def test_files_that_were_left_out_are_counted_by_their_endings(tmp_path: Path) -> None:
    for name, many in (("png", 3), ("heic", 20), ("svg", 2), ("json", 1)):
        for number in range(many):
            put(tmp_path / "p", png(number) if name == "png" else b"x", f"{name}{number}.{name.upper()}")
    put(tmp_path / "p", b"x", "README")
    said = notes(opened(tmp_path / "p"))
    assert "20 files ending in .heic, 2 files ending in .svg, " in said and "README" in said and "json0.JSON" in said
    assert "Save HEIC and SVG as PNG or JPEG to use them." in said
    assert said in " ".join(finished(inspect([tmp_path / "p"])).problems)
    for path in (tmp_path / "p").glob("*.PNG"):
        path.unlink()
    with pytest.raises(DataError, match=r"contains no texts or pictures, but 20 files ending in \.heic") as error:
        opened(tmp_path / "p")
    assert "Save HEIC and SVG as PNG" in error.value.hint


def test_a_folder_whose_listing_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        put(tmp_path / "p", png(number), f"good/{number}.png")
        put(tmp_path / "p", png(number + 9), f"bad/{number}.png")
    real = os.scandir

    class Breaking:
        def __init__(self, folder: Path) -> None:
            self.entries = real(folder)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            self.entries.close()

        def __iter__(self) -> Any:
            yield next(self.entries)
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", lambda folder: (Breaking if Path(folder).name == "bad" else real)(folder))
    found = opened(tmp_path / "p")
    assert len(found.pixels) == 4 and "1 folder is skipped, unreadable: bad." in notes(found)
    with pytest.raises(DataError, match="bad cannot be read: Permission denied"):
        opened(tmp_path / "p" / "bad")


@pytest.mark.parametrize(
    ("name", "members", "match"),
    [
        ("essay.docx", ["[Content_Types].xml", "word/document.xml", "word/media/image1.png"], "is a Word file"),
        ("book.epub", ["mimetype", "OEBPS/ch1.xhtml", "OEBPS/cover.png"], "is an EPUB book"),
        ("note.odt", ["mimetype", "content.xml", "Pictures/1.png"], "OpenDocument"),
        ("talk.pptx", ["ppt/presentation.xml", "ppt/media/image1.png"], "is a PowerPoint file"),
        ("sums.xlsx", ["xl/workbook.xml", "xl/media/image1.png"], "is an Excel file"),
        ("texts.zip", ["a/1.txt", "a/2.txt"], r"no pictures in texts.zip, but it holds 2 files ending in \.txt"),
        ("one.zip", ["a/story.txt"], r"but it holds story.txt"),
        ("empty.zip", [], r"no pictures in empty.zip\."),
    ],
)
def test_archives_that_are_no_pictures_say_what_they_are(
    name: str, members: list[str], match: str, tmp_path: Path
) -> None:
    path = put(tmp_path, zipped([(member, png()) for member in members]), name)
    for work in (import_any([path]), inspect([path])):
        with pytest.raises(DataError, match=match) as error:
            finished(work)
        assert "unpack it and import the folder" in error.value.hint
    assert [info for info in shelf.list_datasets() if info.origin == "imported"] == []


def raw_zip(members: list[tuple[bytes, bytes]], flag: int = 0) -> bytes:
    """A zip archive whose names are these bytes, whatever they mean."""
    out, directory = bytearray(), bytearray()
    for name, content in members:
        rest = struct.pack("<IIIHH", zlib.crc32(content), len(content), len(content), len(name), 0)
        directory += struct.pack("<IHHHHHH", 0x02014B50, 20, 20, flag, 0, 0, 33) + rest
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + name
        out += struct.pack("<IHHHHH", 0x04034B50, 20, flag, 0, 0, 33) + rest + name + content
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(members), len(members), len(directory), len(out), 0)
    return bytes(out + directory + end)


LANGUAGES = {
    "cp437": "Käse Bäume Äpfel Straße Größe Hühner Öl Tür Grün Mädchen café élève forêt français garçon niño España Möwe",
    "cp1252": "Käse Bäume Straße Größe Hühner Tür Mädchen café élève forêt garçon niño señal pingüino œuvre ação blåbær ål",
    "cp932": "猫 犬 ソース ソファ 車 飛行機 りんご みかん 写真 画像 東京 予定表 表示 能力 学校 さくら テスト 十字 貼り付け 構成",
    "gbk": "汽车 飞机 苹果 向日葵 房子 文件夹 训练 测试 新建文件夹 照片 北京 上海 天空 中国 玫瑰 蒲公英 郁金香 雏菊",
    "euc_kr": "고양이 강아지 사과 자동차 사람 나무 비행기 학교 바다 사진 새폴더 한국 서울 훈련 테스트 장미 해바라기 물고기",
    "cp866": "кошка собака машина дерево Москва фото рисунок яблоко птица рыба Новая папка",
    "utf-8": "Käse 猫 犬 고양이 кошка 汽车 Straße Größe ソース ação",
}


@pytest.mark.parametrize("encoding", LANGUAGES)
def test_names_of_an_archive_in_one_encoding(encoding: str, tmp_path: Path) -> None:
    """Random folders of words of a language; a byte 0x5C inside of a character is no separator."""
    words, wrong = LANGUAGES[encoding].split(), 0
    for seed in range(100):
        rng = random.Random(seed)
        classes = rng.sample(words, 4)
        members = [f"{name}/{number}.png" for name in classes for number in range(2)]
        found = names.decoded([name.encode(encoding) for name in members])
        wrong += found != members
        assert len({name.split("/")[0] for name in found}) == 4 and all(name.count("/") == 1 for name in found)
        assert encoding in ("cp437", "cp1252") or all("\\" not in name for name in found)
    assert wrong <= 2
    members = [f"{name}/{number}.png" for name in words[:4] for number in range(2)]
    raw = raw_zip([(name.encode(encoding), png(number)) for number, name in enumerate(members)])
    dataset = opened(put(tmp_path, raw, "x.zip"))
    assert set(dataset.classes) == set(words[:4]) and sorted(dataset.names or ()) == sorted(members)


def test_any_bytes_are_names(tmp_path: Path) -> None:
    """Whatever they are, an archive gives every member its own name, or refuses it whole."""
    for seed in range(300):
        rng = random.Random(seed)
        raw = [bytes(rng.randrange(1, 256) for _ in range(rng.randint(1, 9))) + b".png" for _ in range(4)]
        path = put(tmp_path, raw_zip([(name, png(number)) for number, name in enumerate(raw)]), "x.zip")
        try:
            found = [name for _, name, _ in archives.members(path, lambda _: True)]
        except DataError:
            continue
        assert len(set(found)) == len(set(raw)) == 4
        assert not any(name.startswith("/") or ".." in name.split("/") or "\\" in name for name in found)


@pytest.mark.parametrize("encoding", LANGUAGES)
@pytest.mark.parametrize("flag", [0, 0x800])
def test_hostile_names_in_any_encoding(encoding: str, flag: int, tmp_path: Path) -> None:
    """Beside names of a language and with them in their path; the flag says UTF-8, true or not."""
    words = LANGUAGES[encoding].split()
    for number, hostile in enumerate(NAMES):
        rng = random.Random(number)
        near = [f"{rng.choice(words)}/{place}.png" for place in range(3)]
        for name in (hostile, f"{words[0]}/../../{hostile}", f"../{words[1]}.png", f"..\\{words[1]}.png"):
            raw = raw_zip([(one.encode(encoding), png(place)) for place, one in enumerate([*near, name])], flag)
            path = put(tmp_path, raw, "x.zip")
            with pytest.raises(DataError):
                finished(import_any([path]))
            with pytest.raises(DataError):
                list(archives.members(path, lambda _: True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.zip"]


def test_members_of_a_tar_are_read_once_each(tmp_path: Path) -> None:
    members = [(f"{'ab'[number % 2]}/{number}.png", png(number)) for number in range(8)]
    path = put(tmp_path, tarred([*members, ("note.txt", b"x")], tarfile.PAX_FORMAT), "x.tar")
    assert [name for _, name in archives.names(path)] == [*(name for name, _ in members), "note.txt"]
    left = listing.LeftOut()
    assert finished(listing.archive_names(path, left)) == ([name for name, _ in members], [], [])
    assert left.notes() == ["Files ignored: note.txt."]
    assert len(opened(path, pictures=PictureSettings(8)).pixels) == 8
