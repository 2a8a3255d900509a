"""The folder where everything is kept cannot be used: the program says so, and how to move it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtWidgets import QMessageBox

from genstudio.errors import StorageError
from genstudio.ui import app

PROGRAM = """
import sys
from PySide6.QtCore import QTimer
from genstudio.ui import app, window

class Window(window.MainWindow):
    def begin(self):
        for banner in self.banners.shown:
            print(banner.property("text"))
        app.QApplication.exit(0)

app.MainWindow = Window
sys.exit(app.run(["genstudio"]))
"""


def program(*command: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GENSTUDIO_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)


def test_a_window_that_nobody_sees_says_it_and_ends(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.write_text("x")
    done = program("-m", "genstudio", "--offscreen", home=home)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"genstudio: genstudio keeps everything in {home}, which cannot be used. ")
    assert "GENSTUDIO_HOME" in done.stderr and done.stderr.count("\n") == 1
    assert home.read_text() == "x"


@pytest.mark.parametrize("kind", ["a file", "below a file", "cannot be written"])
def test_a_dialog_says_it_first(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: Any
) -> None:
    home = tmp_path / "place"
    if kind == "cannot be written":
        home.mkdir()
        monkeypatch.setattr(app.storage, "check_writable", _refused)
    else:
        home.write_text("x")
        home = home if kind == "a file" else home / "below"
    monkeypatch.setenv("GENSTUDIO_HOME", str(home))
    shown = []
    monkeypatch.setattr(QMessageBox, "exec", lambda box: shown.append((box.text(), box.informativeText())))
    with pytest.raises(StorageError, match="GENSTUDIO_HOME"):
        app.make_home(SimpleNamespace(platformName=lambda: "xcb"))  # type: ignore[arg-type]
    ((text, hint),) = shown
    assert str(home) in text and "GENSTUDIO_HOME" in hint
    with pytest.raises(StorageError):
        app.make_home(SimpleNamespace(platformName=lambda: "offscreen"))  # type: ignore[arg-type]
    assert len(shown) == 1


def _refused(folder: Path) -> None:
    raise StorageError(f"The folder {folder} is write-protected.", "Change its permissions.", folder)


def test_a_file_of_the_program_that_cannot_be_written_is_named_in_the_window(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("crash.log", "window.ini"):
        (home / name).mkdir(parents=True)
    done = program("-c", PROGRAM, home=home)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert f"{home / 'crash.log'} cannot be written" in done.stdout
    assert f"{home / 'window.ini'} cannot be written" in done.stdout
    assert program("-c", PROGRAM, home=tmp_path / "other").stdout == ""
