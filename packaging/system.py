"""The system libraries that Qt needs on Linux: found missing in milliseconds, installed where that is allowed."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Dict, Tuple  # noqa: UP035 - a Python that is too old must get as far as to be told so

Packages = Dict[str, Tuple[str, ...]]  # noqa: UP006

WIDGETS: Packages = {
    "libEGL.so.1": ("libegl1",),
    "libGL.so.1": ("libgl1",),
    "libglib-2.0.so.0": ("libglib2.0-0t64", "libglib2.0-0"),
    "libgthread-2.0.so.0": ("libglib2.0-0t64", "libglib2.0-0"),
    "libdbus-1.so.3": ("libdbus-1-3",),
    "libfontconfig.so.1": ("libfontconfig1",),
    "libxkbcommon.so.0": ("libxkbcommon0",),
}
X11: Packages = {
    "libX11-xcb.so.1": ("libx11-xcb1",),
    "libxcb-cursor.so.0": ("libxcb-cursor0",),
    "libxcb-icccm.so.4": ("libxcb-icccm4",),
    "libxcb-image.so.0": ("libxcb-image0",),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1",),
    "libxcb-randr.so.0": ("libxcb-randr0",),
    "libxcb-render-util.so.0": ("libxcb-render-util0",),
    "libxcb-shape.so.0": ("libxcb-shape0",),
    "libxcb-xkb.so.1": ("libxcb-xkb1",),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0",),
}
WAYLAND: Packages = {
    "libwayland-cursor.so.0": ("libwayland-cursor0",),
    "libwayland-egl.so.1": ("libwayland-egl1",),
}
PROGRAMS: Packages = {"Xvfb": ("xvfb",), "xauth": ("xauth",)}


def missing(libraries: Iterable[str]) -> list[str]:
    """Those that the system's loader does not find."""
    return [name for name in libraries if not _loads(name)]


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def wanted_for_window(offscreen: bool, environment: dict[str, str]) -> Packages:
    """Libraries of a window: soname -> Debian packages, of which the first that exists; none but on Linux."""
    if not sys.platform.startswith("linux"):
        return {}
    wanted: Packages = dict(WIDGETS)
    if offscreen or environment.get("QT_QPA_PLATFORM", "").partition(":")[0] in ("offscreen", "minimal"):
        return wanted
    return {**wanted, **(WAYLAND if environment.get("WAYLAND_DISPLAY") else X11)}


def provide(wanted: Packages, programs: Packages | None = None) -> str:
    """Install what is missing of libraries and programs, if this may be done; what a person has to do otherwise."""
    programs = programs or {}
    lacking = missing(wanted) + [name for name in programs if not shutil.which(name)]
    if not lacking:
        return ""
    choices = {name: {**wanted, **programs}[name] for name in lacking}
    if not shutil.which("apt-get"):
        return f"Qt needs {', '.join(lacking)}: install the packages of your system that hold them."
    root = _as_root()
    if root is not None:
        print(f"Installing for Qt: {', '.join(lacking)}", file=sys.stderr)
        if _apt([*root, "apt-get", "-qq", "update"]) and _apt([*root, *_install_command(choices)]):
            lacking = missing(wanted) + [name for name in programs if not shutil.which(name)]
    if not lacking:
        return ""
    packages = " ".join(_install_command({name: choices[name] for name in lacking if name in choices}))
    return (
        f"Qt needs {', '.join(lacking)}, which this system lacks. Install them with:\n"
        f"  sudo apt-get update && sudo {packages}"
    )


def _install_command(choices: Packages) -> list[str]:
    packages = sorted({_available(names) for names in choices.values()})
    return ["apt-get", "install", "-y", "--no-install-recommends", *packages]


def _available(names: tuple[str, ...]) -> str:
    """The first of these packages that the system's lists know; the last if none."""
    for name in names[:-1]:
        found = subprocess.run(["apt-cache", "show", "--no-all-versions", name], capture_output=True)
        if found.returncode == 0 and found.stdout.strip():
            return name
    return names[-1]


def _as_root() -> list[str] | None:
    """What to put before a command to run it as root without asking; None where that cannot be done."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def _apt(command: list[str]) -> bool:
    settings = ["-o", "DPkg::Lock::Timeout=60", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]
    place = command.index("apt-get") + 1
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive"]
    full = [*command[: place - 1], *quiet, "apt-get", *settings, *command[place:]]
    done = subprocess.run(full, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr.strip() or done.stdout.strip(), file=sys.stderr)
    return done.returncode == 0


def tried_recently(note: Path, now: float, pause: float = 86_400.0) -> bool:
    """Whether an optional installation failed within `pause` seconds, so that not every start tries again."""
    try:
        return 0 <= now - note.stat().st_mtime < pause
    except OSError:
        return False
