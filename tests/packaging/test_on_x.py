"""The real window on a real X server, where there is one to start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import LONG

PROGRAM = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from genstudio.ui.window import MainWindow

app = QApplication(["genstudio"])
window = MainWindow()
window.show()

def look():
    picture = window.grab().toImage()
    colours = {picture.pixel(x, y) for x in range(0, picture.width(), 7) for y in range(0, picture.height(), 7)}
    if window.windowHandle().isExposed() and picture.width() > 600 and len(colours) > 5:
        print(app.platformName())
        window.close()

timer = QTimer()
timer.timeout.connect(look)
timer.start(100)
sys.exit(app.exec())
"""


@pytest.fixture
def display() -> Iterator[str]:
    """The name of a display of an X server of our own."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed")
    reading, writing = os.pipe()
    command = [server, "-displayfd", str(writing), "-screen", "0", "1280x720x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    try:
        if not number:
            pytest.skip("Xvfb does not start here")
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(LONG / 1000)


def test_the_window_shows_on_x(display: str, tmp_path: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parents[2] / "packaging"))
    try:
        import system  # type: ignore[import-not-found]
    finally:
        sys.path.pop(0)
    if lacking := system.missing({**system.WIDGETS, **system.X11}):
        pytest.skip(f"this system lacks {', '.join(lacking)}")
    environment = {name: value for name, value in os.environ.items() if name != "WAYLAND_DISPLAY"}
    environment |= {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "GENSTUDIO_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=LONG / 1000, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "xcb"), done.stderr
