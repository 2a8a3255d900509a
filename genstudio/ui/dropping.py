"""What was dropped on the window: runs, models of other programs, and files that may become data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QUrl


@dataclass(slots=True)
class Dropped:
    """Paths by what they are, and whether there were links, which are no files of this computer."""

    runs: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    links: bool = False


def sorted_out(urls: Iterable[QUrl]) -> Dropped:
    """Each by what it is: a folder with run.json is a run, another one with config.json is a model."""
    found = Dropped()
    for url in urls:
        file = Path(url.toLocalFile())
        if not url.isLocalFile():
            found.links = True
        elif (file / "run.json").is_file():
            found.runs.append(str(file))
        elif (file / "config.json").is_file():
            found.models.append(str(file))
        else:
            found.data.append(str(file))
    return found
