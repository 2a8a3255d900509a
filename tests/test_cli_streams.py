"""Standard output and standard error that are closed, full, or in an encoding that lacks letters."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from genstudio import cli, paths, runs
from genstudio.cli import streams

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell")
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


def shell(redirection: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The real program with its streams redirected."""
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "genstudio", *arguments]
    return subprocess.run(command, capture_output=True, env={**os.environ, **environment}, check=False)


@POSIX
@pytest.mark.parametrize("command", [["families"], ["datasets", "--json"]])
def test_output_that_is_closed_is_one_sentence(command: list[str]) -> None:
    done = shell(">&-", *command)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"genstudio: Standard output is closed. Redirect it elsewhere and try again.\n"


@FULL
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [["families"], ["datasets", "--json"], ["--help"]])
def test_output_that_is_full_is_one_sentence(command: list[str], unbuffered: str) -> None:
    done = shell(">/dev/full", *command, PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 2
    assert done.stderr == (
        b"genstudio: Standard output cannot be written: No space left on device. Redirect it elsewhere and try again.\n"
    )


@FULL
@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
def test_errors_that_nobody_can_read_change_nothing(redirection: str) -> None:
    assert shell(redirection, "resume", "nothing-like-this").returncode == 2
    done = shell(redirection, "families")
    assert done.returncode == 0 and b"gpt" in done.stdout


@POSIX
def test_a_reader_that_leaves_is_no_error() -> None:
    done = shell("| head -n 1", "families")
    assert (done.returncode, done.stderr) == (0, b"") and done.stdout.count(b"\n") == 1


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}],
    ids=["cp1252", "ascii", "C"],
)
@POSIX
def test_text_comes_out_with_replacements(environment: dict[str, str]) -> None:
    runs.create(
        paths.runs(), family="gpt", name="Straße Ω 猫", config={}, dataset={}, seed=0, device="cpu",
        plan={"steps": 1}, kept={},
    )  # fmt: skip
    done = shell("", "runs", **environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Straße Ω 猫".encode(environment.get("PYTHONIOENCODING", "ascii"), "replace") in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "utf-16-le", "shift-jis"])
def test_any_text_can_be_written_in_any_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(encoding)
    for _ in range(200):
        text = "".join(chr(rng.choice([rng.randrange(128), rng.randrange(0xE000, 0x110000), 0xD800])) for _ in range(20))
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, newline=""))
        with streams.guarded() as out:
            print(text, end="")
            out.flush()
        assert raw.getvalue() == text.encode(encoding, "replace")


def test_bytes_of_a_file_name_come_out_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    name = b"caf\xe9-\xff".decode("utf-8", "surrogateescape")
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8", newline=""))
    with streams.guarded() as out:
        print(name, end="")
        out.flush()
    assert raw.getvalue() == b"caf\xe9-\xff"


def test_a_stream_that_is_gone_is_known_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "text.txt"
    file.write_text("some words\n" * 40)
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(["import", str(file)]) == 2
    assert not (tmp_path / "home").exists()
