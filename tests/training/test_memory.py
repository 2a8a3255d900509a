"""How much memory is free, on each system: from what it says, faked where this is another one."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from genstudio.training import device, memory

MEMINFO = "MemTotal:       16303512 kB\nMemFree:          812345 kB\nMemAvailable:    9000000 kB\nBuffers: 1 kB\n"
VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10000.
Pages active:                            400000.
Pages inactive:                           30000.
Pages speculative:                         2000.
Pages wired down:                        150000.
"""


def test_this_computer_says_a_number_that_can_be() -> None:
    found = memory.available()
    assert found is not None and 10 << 20 < found < 1 << 46
    assert device.free_bytes("cpu") is not None


def test_what_linux_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "read_text", lambda *_: MEMINFO)
    assert memory.available() == 9_000_000 * 1024


def test_what_macos_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def run(command: list[str], **_options: Any) -> Any:
        asked.append(command)
        return SimpleNamespace(stdout=VM_STAT)

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", run)
    assert memory.available() == 42_000 * 16384 == device.free_bytes("mps")
    assert asked[0] == ["/usr/bin/vm_stat"]


@pytest.mark.parametrize("answers", [True, False])
def test_what_windows_says(monkeypatch: pytest.MonkeyPatch, answers: bool) -> None:
    def fill(place: Any) -> int:
        status = place._obj
        assert status.length == ctypes.sizeof(memory.MemoryStatus) == 64
        status.total, status.free, status.free_page = 16 << 30, 5 << 30, 7 << 30
        return int(answers)

    monkeypatch.setattr(sys, "platform", "win32")
    windll = SimpleNamespace(kernel32=SimpleNamespace(GlobalMemoryStatusEx=fill))
    monkeypatch.setattr(ctypes, "windll", windll, raising=False)
    assert memory.available() == (5 << 30 if answers else None)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_system_that_says_nothing_is_no_error(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    def fails(*_given: Any, **_more: Any) -> None:
        raise OSError("no such thing")

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "read_text", fails)
    monkeypatch.setattr(subprocess, "run", fails)
    assert memory.available() is None
    assert memory.of_meminfo("MemTotal: 1 kB") is None and memory.of_vm_stat("Pages active: 3.") is None
