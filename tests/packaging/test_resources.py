"""The data that ships: as the manifest says, and built as it should be."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import itertools
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MANIFEST = json.loads((ROOT / "resources" / "MANIFEST.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_resources", ROOT / "packaging" / "build_resources.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["build_resources"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("item", MANIFEST["items"], ids=lambda item: item["id"])
def test_every_file_is_the_one_in_the_manifest(item: dict[str, Any], build: ModuleType) -> None:
    raw = (ROOT / "resources" / item["file"]).read_bytes()
    text = gzip.decompress(raw)
    assert (len(raw), hashlib.sha256(raw).hexdigest()) == (item["bytes"], item["sha256"])
    assert (len(text), hashlib.sha256(text).hexdigest()) == (item["text_bytes"], item["text_sha256"])
    for name in item["licence_files"]:
        assert len((ROOT / "resources" / name).read_text("utf-8")) > 300
    declared = next(declared for declared in build.ITEMS if declared.id == item["id"])
    described = build.describe(declared, text.decode("utf-8"), raw)
    assert described == item, "the manifest is not what the script would write"


def test_the_manifest_names_no_machine() -> None:
    for path in (ROOT / "resources").rglob("*"):
        if path.suffix in (".json", ".txt"):
            assert not re.search(r"/(home|root|tmp|work|opt|Users)/|pypi\.|://", path.read_text("utf-8")), path


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
    assert build.play_speeches(markdown) == [
        ["First Lord:", "One-two,  and", "three.", "Four."],
        ["LADY:", "Well--so be it."],
    ]


def test_names_are_unique_and_not_in_alphabetical_order(build: ModuleType) -> None:
    tables = {
        "names-0.3.0/names/dist.female.first": b"MARY  2.6 2.6 1\nANNA 1 3 2\nLEE 1 4 3\n",
        "names-0.3.0/names/dist.male.first": b"LEE  3.3 3.3 1\nZED 1 4 2\n",
    }
    found = build.names(tables).splitlines()
    assert sorted(found) == ["anna", "lee", "mary", "zed"]
    shipped = gzip.decompress((ROOT / "resources/data/names.txt.gz").read_bytes()).decode("ascii").splitlines()
    assert len(set(shipped)) == len(shipped) > 5000
    ascending = sum(a < b for a, b in itertools.pairwise(shipped)) / len(shipped)
    assert 0.45 < ascending < 0.55


def test_packing_depends_on_the_text_only(build: ModuleType) -> None:
    packed = build.packed("some text")
    assert packed == build.packed("some text")
    assert packed[4:10] == b"\0\0\0\0\x02\xff", "time or system is in the header"
    assert gzip.decompress(packed) == b"some text"


def test_a_package_of_another_hash_is_refused(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    source = build.ITEMS[1].source

    def download(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        assert command[-1] == "names==0.3.0"
        (tmp_path / source.file).write_bytes(b"something else")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(build.subprocess, "run", download)
    with pytest.raises(SystemExit, match="nothing was built"):
        build.fetch(source, tmp_path)


def test_a_wheel_holds_every_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    found = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in ROOT.glob("genstudio/**/*.py")}
    assert set(settings["packages"]) == found | {"genstudio.resources"}
    assert settings["package-dir"] == {"genstudio.resources": "resources"}
