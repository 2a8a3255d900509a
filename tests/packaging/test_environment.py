"""What run.py and test.py decide before anything is installed."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> object:
    """Import a script of packaging/ as it imports its neighbours; none stays behind."""
    monkeypatch.syspath_prepend(str(PACKAGING))

    def module(name: str) -> ModuleType:
        monkeypatch.delitem(sys.modules, name, raising=False)
        found = importlib.import_module(name)
        monkeypatch.setitem(sys.modules, name, found)
        return found

    return module


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout whose .venv was made by hand and holds no stamp."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / ".venv")], check=True)
    return root


@pytest.fixture
def made(load, project, monkeypatch):  # type: ignore[no-untyped-def]
    """An Environment that writes down what it would have done instead of calling venv and pip."""
    environment = load("environment").Environment(project)
    environment.done = []
    monkeypatch.setattr(environment, "works", lambda: True)
    monkeypatch.setattr(environment, "_make", lambda: environment.done.append("make"))
    monkeypatch.setattr(environment, "_install", lambda extras: environment.done.append(extras))
    return environment


def test_the_second_start_installs_nothing(made) -> None:  # type: ignore[no-untyped-def]
    assert made.ready() == made.python
    assert made.done == [[]]
    made.ready()
    assert made.done == [[]]
    made.ready("test")
    assert made.done == [[], ["test"]]
    made.ready()
    made.ready("test")
    assert made.done == [[], ["test"]]


def test_a_changed_declaration_installs_again_with_what_was_there(made) -> None:  # type: ignore[no-untyped-def]
    made.ready("test")
    (made.root / "pyproject.toml").write_text("[project]\nname = 'y'\n")
    made.ready()
    assert made.done == [["test"], ["test"]]


def test_a_moved_checkout_installs_again(load, made, tmp_path) -> None:  # type: ignore[no-untyped-def]
    made.ready()
    moved = tmp_path / "elsewhere"
    made.root.rename(moved)
    assert load("environment").Environment(moved).installed() == set()


def test_another_interpreter_behind_the_same_name_is_noticed(made, tmp_path) -> None:  # type: ignore[no-untyped-def]
    made.ready()
    if os.name == "nt":
        pytest.skip("this system copies the interpreter")
    other = tmp_path / "python-of-next-year"
    other.write_text("not the same file")
    made.python.unlink()
    made.python.symlink_to(other)
    assert made.installed() == set()


def test_an_interrupted_installation_is_done_again(made, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    def interrupted(extras: list[str]) -> None:
        raise KeyboardInterrupt

    made.ready()
    with monkeypatch.context() as patch:
        patch.setattr(made, "_install", interrupted)
        with pytest.raises(KeyboardInterrupt):
            made.ready("test")
    made.ready()
    assert made.done == [[], []]


@pytest.mark.parametrize("stamp", [b"", b"{}", b"[]", b"null", b'{"key": 1, "extras": [""]}', b"\xff"])
def test_a_damaged_stamp_is_no_stamp(made, stamp) -> None:  # type: ignore[no-untyped-def]
    made.stamp.write_bytes(stamp)
    made.ready()
    assert made.done == [[]]
    assert json.loads(made.stamp.read_text())["extras"] == [""]


def test_broken_environments_do_not_work(load, project) -> None:  # type: ignore[no-untyped-def]
    module = load("environment")
    environment = module.Environment(project)
    assert not environment.works(), "one without pip was taken for good"
    environment.python.unlink()
    assert not environment.works(), "one without interpreter was taken for good"
    shutil.rmtree(environment.venv)
    assert not environment.works(), "none at all was taken for good"
    environment.venv.mkdir()
    assert not environment.works(), "an empty folder was taken for good"


def test_an_environment_of_an_upgraded_python_does_not_work(load, project, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    environment = load("environment").Environment(project)
    answer = f"{sys.version_info[0]} {sys.version_info[1]} True\n"
    done = subprocess.CompletedProcess([], 0, answer, "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert environment.works()
    settings = environment.venv / "pyvenv.cfg"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}."
    settings.write_text(settings.read_text().replace(f"version = {version}", "version = 3.9."))
    assert not environment.works()


@pytest.mark.parametrize(("version", "good"), [((3, 10), False), ((3, 11), True), ((3, 14), True), ((3, 15), False)])
def test_a_wrong_python_gets_one_sentence(load, version, good) -> None:  # type: ignore[no-untyped-def]
    problem = load("environment").python_problem(version, "/somewhere/python")
    assert (problem == "") == good
    if problem:
        assert f"{version[0]}.{version[1]} (/somewhere/python)" in problem
        assert "3.11 to 3.14" in problem
        assert "\n" not in problem


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("WARNING: Retrying after connection broken by 'NewConnectionError'", "network"),
        ("ERROR: No matching distribution found for torch", "network"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("error: metadata-generation-failed", "last words"),
    ],
)
def test_what_pip_says_becomes_a_sentence(load, said, wanted) -> None:  # type: ignore[no-untyped-def]
    assert wanted in load("environment").install_problem(said)


@pytest.mark.parametrize(
    ("arguments", "window"),
    [
        ([], True),
        (["--offscreen"], True),
        (["train", "gpt", "--data", "names"], False),
        (["runs", "--json"], False),
        (["--help"], False),
        (["--version"], False),
        (["--offscreen", "runs"], False),
        (["no-such-command"], False),
    ],
)
def test_only_the_window_needs_a_display(load, arguments, window) -> None:  # type: ignore[no-untyped-def]
    assert load("run").opens_window(arguments) == window


def test_no_command_of_the_program_needs_a_display(load) -> None:  # type: ignore[no-untyped-def]
    from genstudio import cli

    parser, opens_window = cli._parser(), load("run").opens_window
    commands = next(action.choices for action in parser._actions if isinstance(action.choices, dict))
    assert len(commands) >= 15
    for name in commands:
        assert not opens_window([name]) and not opens_window(["--offscreen", name, "x"])
    for arguments in ([], ["--offscreen"]):
        assert opens_window(arguments) and parser.parse_args(arguments).command is cli._window


@pytest.mark.parametrize(
    ("offscreen", "platform", "environment", "lacks"),
    [
        (False, "linux", {}, True),
        (False, "linux", {"DISPLAY": ""}, True),
        (True, "linux", {}, False),
        (False, "linux", {"DISPLAY": ":0"}, False),
        (False, "linux", {"WAYLAND_DISPLAY": "wayland-0"}, False),
        (False, "linux", {"QT_QPA_PLATFORM": "offscreen"}, False),
        (False, "darwin", {}, False),
        (False, "win32", {}, False),
    ],
)
def test_where_a_window_can_appear(load, offscreen, platform, environment, lacks) -> None:  # type: ignore[no-untyped-def]
    assert load("run").lacks_display(offscreen, platform, environment) == lacks


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
def test_no_display_is_one_sentence_that_names_the_ways_out() -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run([sys.executable, str(PACKAGING / "run.py")], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    for way in ("--offscreen", "xvfb-run", "train gpt"):
        assert way in done.stderr
