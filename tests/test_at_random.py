"""A fault anywhere fails the tests of random use."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FAULTY = """
import threading
from PySide6.QtCore import QTimer, qWarning
from at_random import NOTICED

pytestmark = NOTICED

class Bad:
    def __del__(self):
        1 / 0

def test_in_a_slot(qtbot):
    QTimer.singleShot(0, lambda: 1 / 0)
    qtbot.wait(20)

def test_in_a_thread():
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()

def test_that_python_cannot_raise():
    Bad()

def test_of_qt(qtbot):
    qWarning("QPainter::begin: Paint device returned engine == 0")

def test_without_a_fault(qtbot):
    qtbot.wait(1)
"""


def test_a_fault_anywhere_fails_a_test(tmp_path: Path) -> None:
    test, root = tmp_path / "test_faulty.py", Path(__file__).parents[1]
    test.write_text(FAULTY, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", str(test), "-q", "-p", "no:cacheprovider", "-c", str(root / "pyproject.toml")]
    said = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False).stdout
    failed = re.findall(r"^FAILED .*::test_(\w+)", said, re.MULTILINE)
    assert failed == ["in_a_slot", "in_a_thread", "that_python_cannot_raise", "of_qt"] and "1 passed" in said, said
