"""Where things are: shipped resources, and the folder that holds all state."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs


def resources() -> Path:
    """The folder of what ships with the program: editable, installed or frozen."""
    bundled = getattr(sys, "_MEIPASS", None)
    here = Path(__file__).resolve().parent
    candidates = [Path(bundled) / "resources"] if bundled else []
    candidates += [here / "resources", here.parent / "resources"]
    return next((path for path in candidates if (path / "MANIFEST.json").is_file()), candidates[0])


def models() -> Path:
    """The folder of the trained models that ship: each a run that nobody writes."""
    return resources() / "models"


def expanded(path: Path | str) -> Path:
    """The path with the person's home in place of `~`."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def home() -> Path:
    """All state: GENSTUDIO_HOME, or the system's place for a program's data."""
    chosen = os.environ.get("GENSTUDIO_HOME")
    return expanded(chosen) if chosen else Path(platformdirs.user_data_dir("genstudio", appauthor=False))


def runs() -> Path:
    return home() / "runs"


def datasets() -> Path:
    return home() / "datasets"


def cache() -> Path:
    return home() / "cache"


def settings_file() -> Path:
    return home() / "window.ini"
