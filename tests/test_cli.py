"""The command line as scripts see it: words, output, exit codes, signals."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from genstudio import cli
from genstudio.runs import Run
from helpers import LONG, TINY, files, text_file, usually

SETTINGS = [f"{name}={value}" for name, value in TINY.items()]


def genstudio(*arguments: object) -> int:
    """Run one command in this process."""
    try:
        return cli.main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return int(stop.code or 0)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home with a run of 25 steps, and the last line that `train` printed."""
    place, said = tmp_path_factory.mktemp("cli"), io.StringIO()
    options = ["--set", *SETTINGS, "--steps", 25, "--name", "Ünï cödé"]
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setenv("GENSTUDIO_HOME", str(place))
        assert genstudio("train", "gpt", "--data", text_file(place), *options) == 0
    return place, said.getvalue().splitlines()[-1]


@pytest.fixture
def trained(home: tuple[Path, str], tmp_path: Path) -> str:
    """The folder of that run, in a home of this test."""
    place, folder = home
    shutil.copytree(place, tmp_path / "home")
    return str(tmp_path / "home" / Path(folder).relative_to(place))


def test_train_prints_the_run_folder_last(trained: str, tmp_path: Path) -> None:
    info = Run.open(trained).info
    assert (info.name, info.step, info.state) == ("Ünï cödé", 25, "finished")
    assert Path(trained).parent == tmp_path / "home" / "runs"


def test_runs_dir_moves_the_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "elsewhere"
    options = ["--set", *SETTINGS, "--steps", 3, "--runs", place, "--quiet"]
    assert genstudio("train", "gpt", "--data", text_file(tmp_path), *options) == 0
    out, err = capsys.readouterr()
    assert Path(out.strip()).parent == place and err == ""
    assert genstudio("runs", "--json", "--runs", place) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(run["step"], run["family"], run["state"]) for run in listed] == [(3, "gpt", "finished")]
    assert genstudio("train", "gan", "--data", "gaussian-ring", "--set", "width=8", *options[-5:]) == 0
    capsys.readouterr()
    assert genstudio("runs", "--runs", place) == 0
    gan, gpt = sorted(capsys.readouterr().out.splitlines(), key=lambda line: "gpt" in line)  # of one second, perhaps
    assert re.search(r"JS divergence \d+\.\d{4} ", gan) and re.search(r"validation \d+\.\d{4} ", gpt)


def test_stop_after_and_resume_are_exact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = text_file(tmp_path)
    genstudio("train", "gpt", "--data", data, "--set", *SETTINGS, "--steps", 20, "--seed", 3)
    whole = capsys.readouterr().out.splitlines()[-1]
    genstudio("train", "gpt", "--data", data, "--set", *SETTINGS, "--steps", 20, "--seed", 3, "--stop-after", 7)
    cut = capsys.readouterr().out.splitlines()[-1]
    assert Run.open(cut).info.step == 7
    assert genstudio("resume", cut) == 0
    for name in ("model.safetensors", "optimizer.safetensors"):
        same = [files(Path(folder) / "checkpoints" / "00000020")[name] for folder in (whole, cut)]
        assert same[0] == same[1]
    assert genstudio("resume", Path(cut).name, "--steps", 30) == 0
    assert Run.open(cut).info.step == 30


def test_resume_with_another_setting(trained: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(Path(trained))
    for bad, words in (
        ("lerning_rate=0.1", "did you mean 'learning_rate'"),
        ("learning_rate=fast", "not a number"),
        ("layers=3", "cannot change while the model trains"),
        ("learning_rate", "key=value"),
    ):
        assert genstudio("resume", trained, "--steps", 30, "--set", bad) == 2
        assert words in capsys.readouterr().err
    for option, value in (("--seconds", "-1"), ("--seconds", "nan"), ("--seconds", "inf"), ("--steps", "-3"), ("--steps", 24)):
        assert genstudio("resume", trained, option, value) == 2
        assert capsys.readouterr().err.startswith(f"genstudio: {option[2:]}: ")
    assert {k: v for k, v in files(Path(trained)).items() if k != "lock"} == {k: v for k, v in before.items() if k != "lock"}
    assert genstudio("resume", trained, "--steps", 30, "--set", "learning_rate=0.001", "clip=0.5") == 0
    assert "Learning rate: 0.004 → 0.001; Gradient clipping: 1 → 0.5" in capsys.readouterr().err
    assert Run.open(trained).info.step == 30


def test_a_loss_that_is_no_number_names_the_command_that_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from genstudio.families.gpt.learner import GPTLearner

    monkeypatch.setattr(GPTLearner, "training_step", lambda *_: {"train_loss": float("nan")})
    assert genstudio("train", "gpt", "--data", text_file(tmp_path), "--set", *SETTINGS, "--steps", 5, "--quiet") == 2
    err = capsys.readouterr().err
    assert "--set learning_rate=0.001 muon_rate=0.005" in err and "genstudio resume 2" in err


def test_evaluate_says_exact_numbers(trained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert genstudio("evaluate", trained, "--json") == 0
    scores = json.loads(capsys.readouterr().out)
    assert {"loss_nats", "bits_per_char", "tokens"} <= scores.keys()
    assert scores["bits_per_char"] == pytest.approx(scores["loss_nats"] / 0.6931471805599453)
    assert genstudio("evaluate", trained, "--checkpoint", 25, "--data", text_file(tmp_path), "--json") == 0
    assert json.loads(capsys.readouterr().out)["tokens"] > scores["tokens"]
    assert genstudio("evaluate", trained, "--checkpoint", "best") == 0
    assert re.search(r"loss nats +\d+\.\d{4}\nbits per char +\d+\.\d{4}\ntokens +[\d,]+\n", capsys.readouterr().out)


def test_generate_is_deterministic(trained: str, capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for seed in (1, 1, 2):
        assert genstudio("generate", trained, "--prompt", "the ", "--tokens", 30, "--top-k", 5, "--seed", seed) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]
    assert texts[0].startswith("the ") and len(texts[0]) == 4 + 30 + 1
    assert genstudio("generate", trained, "--prompt", "the Ω", "--tokens", 3, "--greedy") == 0
    assert "'Ω'" in capsys.readouterr().err


def test_lists(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert genstudio("families", "--json") == 0
    known = {family["name"]: family for family in json.loads(capsys.readouterr().out)}
    assert {s["name"] for s in known["gpt"]["settings"]} >= {"layers", "learning_rate"}
    assert known["gpt"]["data"] == ["text", "tasks"] and known["gan"]["data"] == ["points", "images"]
    assert all(setting["help"] for family in known.values() for setting in family["settings"])
    assert genstudio("import", text_file(tmp_path, name="mine.txt"), "--name", "My words") == 0
    capsys.readouterr()
    assert genstudio("datasets", "--json") == 0
    listed = {item["title"]: item["origin"] for item in json.loads(capsys.readouterr().out)}
    assert listed.items() >= {"Shakespeare": "ships", "Names": "ships", "My words": "imported"}.items()
    assert genstudio("runs") == 0
    assert "no runs" in capsys.readouterr().out


def test_import_of_a_table_and_of_pictures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from PIL import Image

    table = tmp_path / "pairs.csv"
    table.write_bytes("Englisch;Deutsch;Nr\r\nsize;Größe;1\r\n".encode("cp1252"))
    assert genstudio("import", table, "--column", "Englisch", "--column", "Deutsch") == 2
    assert "cp1252" in capsys.readouterr().err
    chosen = ("--column", "Englisch", "--column", "Deutsch", "--encoding", "cp1252", "--name", "Words")
    assert genstudio("import", table, *chosen) == 0
    assert capsys.readouterr().out.startswith("words-")
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (20 + number, 10), (number, 90, 200)).save(folder / f"{number}.png")
    (folder / "bad.png").write_bytes(b"no picture")
    assert genstudio("import", folder, "--size", 8, "--fit", "pad", "--grey") == 0
    out, err = capsys.readouterr()
    assert out.startswith("photos-") and "skipped: bad.png" in err
    assert genstudio("datasets", "--json") == 0
    listed = {item["title"]: item for item in json.loads(capsys.readouterr().out)}
    assert (listed["Words"]["kind"], listed["Words"]["count"]) == ("pairs", 1)
    assert listed["photos"]["details"]["picture"] == {
        "size": 8,
        "fit": "pad",
        "grey": True,
        "flip": False,
        "scale": "auto",
    }
    assert genstudio("import", folder, "--size", 99999) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "gpt", "--data", "shakespear"], "did you mean 'shakespeare'"),
        (["train", "gpt", "--data", "shakespeare", "--set", "head=3"], "did you mean 'heads'"),
        (["train", "gpt", "--data", "shakespeare", "--set", "heads=3"], "3 heads"),
        (["train", "gpt", "--data", "shakespeare", "--set", "heads"], "key=value"),
        (["train", "gpt", "--data", "shakespeare", "--set", "activation=rellu"], "did you mean 'relu'"),
        (["train", "gtp", "--data", "shakespeare"], "gtp"),
        (["train", "gpt"], "--data"),
        (["train", "gpt", "--data", "missing.txt"], "missing.txt"),
        (["train", "gpt", "--data", "shakespeare", "--preset", "none"], "preset"),
        (["train", "gpt", "--data", "shakespeare", "--steps", "0"], "steps"),
        (["train", "gpt", "--data", "shakespeare", "--seconds", "-1"], "seconds"),
        (["train", "gpt", "--data", "shakespeare", "--steps", "3", "--seconds", "3"], "not allowed with"),
        (["resume", "nothing"], "nothing"),
        (["evaluate", "nothing", "--checkpoint", "best"], "nothing"),
        (["generate", "nothing"], "nothing"),
        (["import", "nothing.txt"], "nothing.txt"),
        (["fly"], "fly"),
    ],
)
def test_what_a_person_can_get_wrong_is_one_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert genstudio(*arguments) == 2
    out, err = capsys.readouterr()
    assert "genstudio: " in err and words.lower() in err.lower()
    assert "Traceback" not in err and out == ""


@pytest.mark.parametrize(
    "options", [["--checkpoint", "first"], ["--tokens", "0"], ["--temperature", "-1"], ["--top-p", "2"]]
)
def test_generate_names_what_is_wrong(trained: str, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert genstudio("generate", trained, *options) == 2
    assert capsys.readouterr().err.startswith("genstudio: ")


def test_an_unreadable_home_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("GENSTUDIO_HOME", str(tmp_path / "file" / "home"))
    assert genstudio("train", "gpt", "--data", "names", "--set", *SETTINGS, "--steps", 2) == 2
    assert capsys.readouterr().err.startswith("genstudio: ")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
@usually("numbers", [["SIGHUP", "SIGHUP", "SIGTERM"], ["SIGINT"], ["SIGTERM"]])
def test_a_signal_saves_and_exits_well(tmp_path: Path, numbers: list[str]) -> None:
    command = [
        sys.executable,
        "-m",
        "genstudio",
        "train",
        "gpt",
        "--data",
        str(text_file(tmp_path)),
        "--set",
        *SETTINGS,
    ]
    environment: dict[str, Any] = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        [*command, "--steps", "1000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    root = Path(environment["GENSTUDIO_HOME"]) / "runs"
    while child.poll() is None and not any("train_loss" in log.read_text() for log in root.glob("*/metrics.jsonl")):
        time.sleep(0.02)
    for name in numbers:  # a terminal that is closed sends more than one
        child.send_signal(getattr(signal, name))
    out, err = child.communicate(timeout=LONG / 1000)
    assert child.returncode == 0, err
    info = Run.open(out.splitlines()[-1]).info
    assert info.checkpoints[-1] == info.step > 0
    assert "Traceback" not in err
