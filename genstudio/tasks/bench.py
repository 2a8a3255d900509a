"""How fast the program is on this computer: figures, each against a reference in the same run and against what limits it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from genstudio import families
from genstudio.data.images import PictureSettings
from genstudio.data.importing import bare, pool
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.sources import import_any
from genstudio.data.work import Work, in_thread, scaled
from genstudio.evaluation.figures import Figure
from genstudio.events import Frame, Progress
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames

PICTURES = 2000


@dataclass(frozen=True)
class Bench:
    """Measure what families say of themselves, and the import of `pictures` PNG files; about two minutes on two cores.

    Nothing is kept. Returns the figures.
    """

    pictures: int = PICTURES

    def run(self, models: Models) -> Frames[tuple[Figure, ...]]:
        works: list[tuple[str, Work[tuple[Figure, ...]]]] = [
            (family.short, family.bench()) for family in families.all_families() if family.bench is not None
        ]
        works.append(("import", imported(self.pictures)))
        found: list[Figure] = []
        for place, (name, work) in enumerate(works):
            part = scaled(work, place / len(works), (place + 1) / len(works))
            found += yield from _told(part, f"Measuring: {name}")
        return tuple(found)


def _told(work: Work[tuple[Figure, ...]], words: str) -> Generator[Frame, None, tuple[Figure, ...]]:
    while True:
        try:
            yield Frame(progress=Progress(words, next(work)))
        except StopIteration as end:
            figures: tuple[Figure, ...] = end.value
            return figures


def imported(count: int) -> Work[tuple[Figure, ...]]:
    """The import of so many small PNG files, which checks each of them, against a bare loop of Pillow in as many processes."""
    with tempfile.TemporaryDirectory(prefix="genstudio-bench-") as place:
        folder, home = Path(place) / "pictures", os.environ.get("GENSTUDIO_HOME")
        yield from in_thread(lambda: bare.pictures(folder, count, bare.SIDE))
        paths, began = sorted(folder.rglob("*.png")), time.monotonic()
        made = yield from in_thread(lambda: bare.shared(paths, pool.workers(count)))
        least, began = time.monotonic() - began, time.monotonic()
        assert len(made) == count
        os.environ["GENSTUDIO_HOME"] = place
        try:
            yield from import_any([folder], ImportOptions(pictures=PictureSettings(bare.SIDE)))
        finally:
            if home is None:
                del os.environ["GENSTUDIO_HOME"]
            else:
                os.environ["GENSTUDIO_HOME"] = home
        taken = time.monotonic() - began
    return (Figure("Import of 32x32 PNG", "pictures/s", count / taken, "bare Pillow loop", count / least, least / taken),)
