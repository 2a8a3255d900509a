"""The data that ships: as the manifest says, and built as it should be."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import io
import itertools
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from genstudio.data import generators, shelf
from genstudio.data.datasets import ImageDataset, PairDataset

ROOT = Path(__file__).parents[2]
MANIFEST = json.loads((ROOT / "resources" / "MANIFEST.json").read_text("utf-8"))
FILES = [item for item in MANIFEST["items"] if "file" in item]


@pytest.fixture(scope="module")
def build() -> ModuleType:
    sys.path.insert(0, str(ROOT / "packaging"))
    try:
        return importlib.import_module("build_resources")
    finally:
        sys.path.remove(str(ROOT / "packaging"))


def opened(name: str) -> Any:
    return shelf.open_dataset(shelf.find_dataset(name))


def content(item: dict[str, Any]) -> Any:
    """What is in a shipped file, as the build script holds it."""
    packed = importlib.import_module("resources_build.packed")
    raw = (ROOT / "resources" / item["file"]).read_bytes()
    if item["kind"] == "text":
        return packed.Text(gzip.decompress(raw).decode("utf-8"))
    dataset = opened(item["id"])
    if item["kind"] == "pairs":
        return packed.Pairs(dataset.names, list(zip(dataset.left, dataset.right, strict=True)))
    if item["kind"] == "regions":
        return packed.Genomes(dataset.regions, dataset.mutation, dataset.recombination, dataset.truth)
    if item["kind"] == "audio":
        return packed.Sound(dataset)
    labels = None if dataset.labels is None else dataset.labels.tolist()
    attributes = {name: values.tolist() for name, values in dataset.attributes.items()}
    return packed.Pictures(dataset.pixels, labels, dataset.classes, dataset.captions, attributes)


@pytest.mark.parametrize("item", FILES, ids=lambda item: item["id"])
def test_every_file_is_the_one_in_the_manifest(item: dict[str, Any], build: ModuleType) -> None:
    raw = (ROOT / "resources" / item["file"]).read_bytes()
    assert (len(raw), hashlib.sha256(raw).hexdigest()) == (item["bytes"], item["sha256"])
    if item["kind"] not in ("images", "regions", "audio"):
        text = gzip.decompress(raw)
        assert (len(text), hashlib.sha256(text).hexdigest()) == (item["text_bytes"], item["text_sha256"])
    for name in item["licence_files"]:
        assert len((ROOT / "resources" / name).read_text("utf-8")) > 300
    declared = next(declared for declared in build.ITEMS if declared.id == item["id"])
    described = build.describe(declared, content(item), raw)
    assert described == item, "the manifest is not what the script would write"


def test_the_manifest_is_what_the_script_would_write(build: ModuleType) -> None:
    assert build.manifest(FILES) == (ROOT / "resources" / "MANIFEST.json").read_bytes()
    assert [item["id"] for item in FILES] == [item.id for item in build.ITEMS]
    assert [item["id"] for item in MANIFEST["items"] if "file" not in item] == list(generators.GENERATORS)


def test_what_ships_is_small_and_nothing_lies_about() -> None:
    found = sorted(path.name for path in (ROOT / "resources" / "data").iterdir())
    assert found == sorted(Path(item["file"]).name for item in FILES)
    assert sum(item["bytes"] for item in FILES) < 14_200_000
    used = {name for item in FILES for name in item["licence_files"]}
    assert used == {f"LICENSES/{path.name}" for path in (ROOT / "resources" / "LICENSES").iterdir()}


def test_the_manifest_names_no_machine() -> None:
    for path in (ROOT / "resources").rglob("*"):
        if path.suffix in (".json", ".txt"):
            web = "" if path.parent.name == "LICENSES" else "|://"
            assert not re.search(rf"/(home|root|tmp|work|opt|Users)/|pypi\.{web}", path.read_text("utf-8")), path


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("digits8", (1797, 8, 8, 1), 10),
        ("mnist10k", (10_000, 28, 28, 1), 10),
        ("fashion10k", (10_000, 28, 28, 1), 10),
        ("pixel-faces", (10_000, 16, 16, 3), 0),
        ("icons32", (7367, 32, 32, 1), 0),
        ("emoji32", (1641, 32, 32, 3), 9),
    ],
)
def test_pictures_are_as_many_and_as_large_as_they_should_be(name: str, shape: tuple[int, ...], classes: int) -> None:
    found = opened(name)
    assert isinstance(found, ImageDataset)
    assert found.pixels.shape == shape
    assert len(found.classes) == classes
    assert not found.pixels.flags.writeable
    assert found.pixels.max() == 255
    assert found.pixels.std(axis=0).max() > 40, "all pictures are alike"
    if found.labels is not None:
        assert set(found.labels.tolist()) == set(range(classes))


def test_mnist_is_the_known_beginning_of_the_known_set() -> None:
    found = opened("mnist10k")
    assert np.bincount(found.labels).tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert len({picture.tobytes() for picture in found.pixels}) == 10_000
    tenths = [np.bincount(part, minlength=10).min() for part in np.array_split(found.labels, 10)]
    assert min(tenths) > 50, "a stretch lacks a digit"


def test_fashion_mnist_is_the_upstream_test_set_to_the_byte() -> None:
    found = opened("fashion10k")
    header = np.array([0x803, 10_000, 28, 28], ">u4").tobytes()
    upstream = "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    assert hashlib.sha256(header + found.pixels.tobytes()).hexdigest() == upstream
    labels = np.array([0x801, 10_000], ">u4").tobytes() + found.labels.astype(np.uint8).tobytes()
    upstream = "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    assert hashlib.sha256(labels).hexdigest() == upstream


def test_faces_are_different_and_their_words_are_true_of_them() -> None:
    found = opened("pixel-faces")
    assert len({face.tobytes() for face in found.pixels}) == 10_000
    words = found.attributes
    assert len(words) == 17
    for i in range(0, 10_000, 50):
        behind = "#" + found.pixels[i, 0, 0].tobytes().hex()
        assert behind == words["background"][i]
    for part in ("accessories", "glasses", "hat"):
        assert ((words[part] == "none") == (words[f"{part}_colour"] == "none")).all()
    worn = words["hat"] != "none"
    assert 0.02 < worn.mean() < 0.08
    same = [i for i in np.flatnonzero(worn) if words["hat_colour"][i].lstrip("#") in colours(found.pixels[i])]
    assert len(same) > 0.95 * worn.sum(), "hats are not in the colour they are said to be"
    shuffled = np.roll(words["hat_colour"][worn], 1)
    wrong = [
        i
        for i, colour in zip(np.flatnonzero(worn), shuffled, strict=True)
        if colour.lstrip("#") in colours(found.pixels[i])
    ]
    assert len(wrong) < 0.5 * worn.sum()


def colours(picture: Any) -> set[str]:
    return {pixel.tobytes().hex() for pixel in picture.reshape(-1, 3)}


def test_captions_name_what_is_seen() -> None:
    emoji, icons = opened("emoji32"), opened("icons32")
    assert len(set(icons.captions)) == 7367
    assert {"heart", "account box outline"} <= set(icons.captions)
    place = emoji.captions.index("green apple")
    red, green, _ = emoji.pixels[place].reshape(-1, 3).astype(float).mean(axis=0)
    assert green > red
    assert emoji.classes[emoji.labels[place]] == "Food & Drink"
    square = emoji.pixels[emoji.captions.index("red square")][16, 16].astype(int)
    assert square[0] > square[1] + 100 and square[0] > square[2] + 100
    filled, empty = (icons.pixels[icons.captions.index(name)].mean() for name in ("square", "square outline"))
    assert filled > 1.5 * empty


def test_verses_are_short_aligned_and_not_in_order() -> None:
    found = opened("verses-en-es")
    assert isinstance(found, PairDataset)
    assert found.names == ("English", "Spanish")
    pairs = dict(zip(found.left, found.right, strict=True))
    assert len(set(zip(found.left, found.right, strict=True))) == len(found.left) > 14_000
    for left, right in pairs.items():
        assert max(len(left), len(right)) <= 120
        assert 0.5 <= len(left) / len(right) <= 2
        assert not set("<>&¶") & set(left + right)
    assert pairs["Jesus wept."] == "Y lloró Jesús."
    named = [(left, right) for left, right in pairs.items() if "Moses" in left]
    assert sum("Moisés" in right for _, right in named) > 0.9 * len(named), "verses are not aligned"
    shifted = sum("Moisés" in found.right[i - 1] for i, left in enumerate(found.left) if "Moses" in left)
    assert shifted < 0.1 * len(named)


def test_emoji_names_ask_for_their_language() -> None:
    found = opened("emoji-names")
    pairs = dict(zip(found.left, found.right, strict=True))
    assert pairs["de: grinning face"] == "grinsendes Gesicht"
    assert pairs["es: dragon"] == "dragón"
    assert len({left.split(": ")[0] for left in found.left}) == 16
    assert len({left.split(": ")[0] for left in found.left[-3000:]}) == 16


def test_shakespeare_has_the_form_of_the_known_corpus() -> None:
    text = gzip.decompress((ROOT / "resources/data/shakespeare.txt.gz").read_bytes()).decode("utf-8")
    assert text.startswith("First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n")
    assert text.endswith("Thou let'st thy fortune sleep--die, rather; wink'st\nWhiles thou art waking.\n")
    assert not set(text) & set("[]_*#\\3\r\t")
    assert "\n\n\n" not in text
    assert not re.search(r"^(Exit|Exeunt|Enter|Re-enter)\b", text, re.MULTILINE)
    assert all(re.match(r"[A-Z][^\n]*:\n[^\n]", speech) for speech in text.split("\n\n"))


def test_speeches_lose_headings_and_stage_directions(build: ModuleType) -> None:
    markdown = (
        "# Play\n\n## ACT I\n\n_Enter a LORD, with\nothers_\n\n**First Lord**  \nOne\\-two, _\\[Aside]_ and  \nthree.\n\n"
        "_Exit_\n\nFour.\n\n_Burthen _\\[within_\n\n**LADY**  \n_\\[Sings]_  \nWell\\--so \\[be] it.\n\n**MUTE**\n\n_Dies_\n"
    )
    assert texts(build).play_speeches(markdown) == [
        ["First Lord:", "One-two,  and", "three.", "Four."],
        ["LADY:", "Well--so be it."],
    ]


def test_names_are_unique_and_not_in_alphabetical_order(build: ModuleType) -> None:
    tables = {
        "names-0.3.0/names/dist.female.first": b"MARY  2.6 2.6 1\nANNA 1 3 2\nLEE 1 4 3\n",
        "names-0.3.0/names/dist.male.first": b"LEE  3.3 3.3 1\nZED 1 4 2\n",
    }
    found = texts(build).names(tables).text.splitlines()
    assert sorted(found) == ["anna", "lee", "mary", "zed"]
    shipped = gzip.decompress((ROOT / "resources/data/names.txt.gz").read_bytes()).decode("ascii").splitlines()
    assert len(set(shipped)) == len(shipped) > 5000
    ascending = sum(a < b for a, b in itertools.pairwise(shipped)) / len(shipped)
    assert 0.45 < ascending < 0.55


def texts(build: ModuleType) -> ModuleType:
    return importlib.import_module("resources_build.texts")


def test_packing_depends_on_the_content_only(build: ModuleType) -> None:
    packed = importlib.import_module("resources_build.packed")
    text = packed.Text("some text").packed()
    assert text[4:10] == b"\0\0\0\0\x02\xff", "time or system is in the header"
    assert gzip.decompress(text) == b"some text"
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    pictures = packed.Pictures(pixels, [1, 0], ("a", "ü"), ("one", "two"), {"size": ("big", "small")})
    assert pictures.packed() == pictures.packed()
    assert b"\x21\x00" in pictures.packed()[:16], "the time is not 1980"
    with np.load(io.BytesIO(pictures.packed()), allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["attribute_size", "captions", "classes", "labels", "pixels"]
        assert arrays["classes"].tolist() == ["a", "ü"]
    other = packed.Pictures(pixels, [1, 0], ("a", "ü"), ("one", "two"), {"size": ("big", "large")})
    assert other.content() != pictures.content()


@pytest.mark.parametrize("row", [("a\tb", "c"), ("a", ""), ("a\n", "b"), (" a", "b"), ("a", "b\u2028c")])
def test_a_row_that_would_not_come_back_is_refused(build: ModuleType, row: tuple[str, str]) -> None:
    packed = importlib.import_module("resources_build.packed")
    with pytest.raises(ValueError, match="not a row"):
        packed.Pairs(("left", "right"), [row]).table()


def test_verses_lose_notes_titles_and_tags(build: ModuleType) -> None:
    parallel = importlib.import_module("resources_build.parallel")
    marked = (
        "<title>A Psalm</title>In the<note>or: when\nGod</note>beginning, <w lemma='x'>God</w> <transChange>made"
        "</transChange> <q who='J'>all</q> , &amp; more <title type='x'>End</title>."
    )
    assert parallel.plain(marked) == "In the beginning, God made all, & more."


def test_a_face_without_glasses_has_no_colour_of_glasses(build: ModuleType) -> None:
    drawn = importlib.import_module("resources_build.drawn")
    extra = {f"{part}Color": "#123456" for part in drawn.COLOURED}
    extra |= {"skinColor": "#aaaaaa", "primaryBackgroundColor": "#bbbbbb", "hair": "long01"}
    words = drawn.face_words(extra)
    assert len(words) == 17
    assert (words["glasses"], words["glasses_colour"]) == ("none", "none")
    assert (words["hair"], words["hair_colour"]) == ("long01", "#123456")


def test_a_package_of_another_hash_is_refused(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = importlib.import_module("resources_build.sources")
    source = build.ITEMS[1].sources[0]

    def download(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        assert command[-1] == "names==0.3.0"
        (tmp_path / source.file).write_bytes(b"something else")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(sources.subprocess, "run", download)
    with pytest.raises(SystemExit, match="nothing was built"):
        sources.fetch(source, tmp_path)


def test_a_debian_package_is_read_without_its_tools(build: ModuleType, tmp_path: Path) -> None:
    sources = importlib.import_module("resources_build.sources")
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:xz") as archive:
        member = tarfile.TarInfo("./usr/share/it.txt")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"hello"))
    members = [(b"debian-binary", b"2.0"), (b"control.tar.xz", b"odd"), (b"data.tar.xz", inner.getvalue())]
    raw = b"!<arch>\n" + b"".join(
        name.ljust(16) + b"0".ljust(32) + str(len(body)).encode().ljust(10) + b"`\n" + body + b"\n" * (len(body) % 2)
        for name, body in members
    )
    (tmp_path / "it.deb").write_bytes(raw)
    source = sources.Source("it", "1", "it.deb", hashlib.sha256(raw).hexdigest(), "apt")
    assert sources.fetch(source, tmp_path) == {"usr/share/it.txt": b"hello"}


def test_unpacking_stays_in_its_folder(build: ModuleType, tmp_path: Path) -> None:
    sources = importlib.import_module("resources_build.sources")
    with pytest.raises(SystemExit, match="nothing was built"):
        sources.unpack({"a/../../outside": b"x"}, "a/", tmp_path / "in")
    assert not (tmp_path / "outside").exists()


def test_a_wheel_holds_every_package_and_what_ships() -> None:
    script = (
        "import json, os, setuptools.dist\n"
        "project = setuptools.dist.Distribution({'script_name': 'setup.py'})\n"
        "project.parse_config_files()\n"
        "project.set_defaults()\n"
        "build = project.get_command_obj('build_py')\n"
        "build.ensure_finalized()\n"
        "print(json.dumps([project.packages, [f for f in build.get_outputs() if not f.endswith('.py')]]))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    packages, shipped = json.loads(done.stdout.splitlines()[-1])
    found = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in ROOT.glob("genstudio/**/*.py")}
    assert set(packages) == found
    own = {path.relative_to(ROOT).as_posix() for path in (ROOT / "resources").rglob("*") if path.is_file()}
    assert {path.partition("genstudio/")[2] for path in shipped} == own
