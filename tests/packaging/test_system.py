"""Finding and installing what Qt needs of the system, without installing anything."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
ABSENT = {"libno-such-library.so.7": ("libno-such-new", "libno-such-old")}


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(PACKAGING))
    monkeypatch.delitem(sys.modules, "system", raising=False)
    import system as module  # type: ignore[import-not-found]

    monkeypatch.setitem(sys.modules, "system", module)
    return module


@pytest.fixture
def calls(system: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Every command that would have been run; apt-get is there and apt-cache knows only the old name."""
    made: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[Any]:
        made.append([str(word) for word in command])
        fails = command[0] == "sudo" or command[-1] == "libno-such-new"
        return subprocess.CompletedProcess(command, 1 if fails else 0, b"Package: x", b"")

    monkeypatch.setattr(system.subprocess, "run", run)
    monkeypatch.setattr(system.shutil, "which", lambda name: f"/usr/bin/{name}")
    return made


def test_nothing_is_run_where_nothing_is_missing(system: ModuleType, calls: list[list[str]]) -> None:
    assert system.provide({}, {"python3": ("python3",)}) == ""
    assert calls == []


def test_root_installs_the_package_that_exists(
    system: ModuleType, calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system.os, "geteuid", lambda: 0, raising=False)
    request = system.provide(ABSENT)
    installs = [call for call in calls if "install" in call]
    assert [call[-1] for call in installs] == ["libno-such-old"]
    assert "--no-install-recommends" in installs[0] and "-y" in installs[0]
    assert any("update" in call for call in calls)
    assert "libno-such-library.so.7" in request, "it is still missing, and that has to be said"


def test_who_may_not_install_is_given_the_one_command(
    system: ModuleType, calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000, raising=False)
    request = system.provide(ABSENT)
    assert not [call for call in calls if "install" in call]
    assert "sudo apt-get update && sudo apt-get install -y --no-install-recommends libno-such-old" in request


def test_other_systems_are_told_the_libraries(system: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system.shutil, "which", lambda name: None)
    assert "libno-such-library.so.7" in system.provide(ABSENT)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
def test_a_window_wants_the_libraries_of_its_display(system: ModuleType) -> None:
    hidden = system.wanted_for_window(True, {})
    assert set(hidden) == set(system.WIDGETS) == set(system.wanted_for_window(False, {"QT_QPA_PLATFORM": "offscreen"}))
    assert set(system.wanted_for_window(False, {"DISPLAY": ":0"})) == {*system.WIDGETS, *system.X11}
    assert set(system.wanted_for_window(False, {"WAYLAND_DISPLAY": "w"})) == {*system.WIDGETS, *system.WAYLAND}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
def test_looking_finds_what_is_there(system: ModuleType) -> None:
    assert system.missing(["libc.so.6", *ABSENT]) == list(ABSENT)


def test_a_failed_optional_installation_is_not_tried_at_every_start(system: ModuleType, tmp_path: Path) -> None:
    note = tmp_path / "note"
    assert not system.tried_recently(note, time.time())
    note.touch()
    assert system.tried_recently(note, time.time() + 60)
    assert not system.tried_recently(note, time.time() + 100_000)
