"""The Python environment in .venv: made, mended and filled when needed, and otherwise left alone.

Standard library only, and no syntax newer than the Python that may be told that it is too old.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 14)
_OFFLINE = (
    "connection broken",
    "could not find a version that satisfies",
    "failed to establish a new connection",
    "max retries exceeded",
    "name resolution",
    "network is unreachable",
    "no matching distribution",
    "getaddrinfo failed",
    "proxyerror",
    "timed out",
)


class SetupError(Exception):
    """The environment cannot be made; the text says why and what to do."""


def python_problem(version: tuple[int, int], executable: str = "") -> str:
    """One sentence if this version of Python does not do, else nothing."""
    if OLDEST <= version <= NEWEST:
        return ""
    wanted = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
    others = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    found = next((name for name in others if shutil.which(name)), "")
    hint = f"start it with {found} instead" if found else "install one of these and start it with that"
    return f"Python {wanted} is needed, and this is {version[0]}.{version[1]} ({executable}): {hint}."


def python_of(venv: Path) -> Path:
    """The interpreter of an environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


class Environment:
    """The environment of one checkout, with a stamp inside that says what it was made for."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.python = python_of(self.venv)
        self.stamp = self.venv / "genstudio-stamp.json"

    def key(self) -> str:
        """What the stamp depends on: the project's declaration, the place, and the interpreter's own file."""
        binary = self.python.resolve()
        state = binary.stat()
        parts = [
            (self.root / "pyproject.toml").read_bytes().decode("utf-8"),
            (self.venv / "pyvenv.cfg").read_bytes().decode("utf-8"),
            str(self.venv),
            str(binary),
            f"{state.st_size} {state.st_mtime_ns}",
        ]
        return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()

    def installed(self) -> set[str]:
        """The extras this environment was filled with for this very project and place; raises nothing.

        The empty name stands for the program itself. Empty where the environment is missing, half made or stale.
        """
        try:
            kept = json.loads(self.stamp.read_bytes())
            return set(kept["extras"]) if kept["key"] == self.key() else set()
        except (OSError, ValueError, KeyError, TypeError):
            return set()

    def works(self) -> bool:
        """Whether its interpreter starts, has pip, is of a supported version and of the one it was made with."""
        script = "import pip, sys; print(sys.version_info[0], sys.version_info[1], sys.prefix != sys.base_prefix)"
        try:
            made = (self.venv / "pyvenv.cfg").read_text("utf-8").splitlines()
            done = subprocess.run([str(self.python), "-c", script], capture_output=True, text=True, timeout=60)
            major, minor, separate = done.stdout.split()
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return False
        values = [line.partition("=")[2].strip() for line in made if line.startswith("version")]
        same = any(value.startswith(f"{major}.{minor}.") or value == f"{major}.{minor}" for value in values)
        return done.returncode == 0 and separate == "True" and same and OLDEST <= (int(major), int(minor)) <= NEWEST

    def ready(self, extra: str = "") -> Path:
        """The interpreter to use, after whatever was missing was made. Raises SetupError."""
        if {"", extra} <= self.installed():
            return self.python
        if not self.works():
            self._make()
        extras = self._kept_extras() | {extra, ""}
        self.stamp.unlink(missing_ok=True)
        self._install(sorted(extras - {""}))
        staged = self.stamp.with_suffix(".part")
        staged.write_text(json.dumps({"key": self.key(), "extras": sorted(extras)}), "utf-8")
        os.replace(staged, self.stamp)
        return self.python

    def _kept_extras(self) -> set[str]:
        try:
            return {str(extra) for extra in json.loads(self.stamp.read_bytes())["extras"]}
        except (OSError, ValueError, KeyError, TypeError):
            return set()

    def _make(self) -> None:
        problem = python_problem(sys.version_info[:2], sys.executable)
        if problem:
            raise SetupError(problem)
        if importlib.util.find_spec("ensurepip") is None:
            package = f"python3.{sys.version_info[1]}-venv"
            raise SetupError(
                f"This Python cannot make environments; on Debian or Ubuntu: sudo apt-get install {package}"
            )
        if self.venv.is_symlink() or (self.venv.exists() and not self.venv.is_dir()):
            raise SetupError(f"{self.venv} is in the way: move it elsewhere.")
        again = self.venv.exists() and any(self.venv.iterdir())
        print(f"{'Mending' if again else 'Making'} the Python environment in {self.venv}", file=sys.stderr)
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(self.venv)], capture_output=True, text=True)
        if made.returncode:
            reason = (made.stderr or made.stdout).strip()
            raise SetupError(f"The environment in {self.venv} could not be made:\n{reason}")

    def _install(self, extras: list[str]) -> None:
        print("Installing what is missing; the first time this takes minutes", file=sys.stderr)
        wanted = f"{self.root}[{','.join(extras)}]" if extras else str(self.root)
        command = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        process = subprocess.Popen(
            [*command, "--editable", wanted],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            cwd=str(self.root),
        )
        said = []
        assert process.stderr is not None
        for line in process.stderr:
            sys.stderr.write(line)
            said.append(line)
        if process.wait():
            raise SetupError(install_problem("".join(said)))


def install_problem(said: str) -> str:
    """A sentence for what pip said when it failed."""
    if any(sign in said.lower() for sign in _OFFLINE):
        return (
            "The packages could not be fetched: is there a network? (A proxy is set with HTTPS_PROXY, a mirror with "
            "PIP_INDEX_URL.) Start again when there is; what was fetched is kept."
        )
    if "no space left" in said.lower():
        return "The disk is full: the packages need about 2 GB. Free some space and start again."
    return "pip could not install the packages; its last words are above. Start again when that is mended."


def hand_over(command: list[str]) -> int:  # noqa: RET503 - exec does not return
    """Become another program where the system can do that, else run it; its exit status."""
    if os.name == "nt":
        return subprocess.run(command).returncode
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)
