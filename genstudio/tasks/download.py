"""Downloading a dataset of the catalogue, on request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudio.events import Frame, Progress
from genstudio.storage import size_text
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames

if TYPE_CHECKING:
    from genstudio.data.download import Patience
    from genstudio.data.shelf import DatasetInfo

_EVERY = 0.1


@dataclass(frozen=True)
class Download:
    """Fetch a dataset of the catalogue by name and put it on the shelf."""

    name: str
    patience: Patience | None = None

    def run(self, models: Models) -> Frames[DatasetInfo]:
        from genstudio.data.fetched import obtain, offer

        chosen = offer(self.name)
        text = f"Downloading {chosen.title} ({size_text(chosen.bytes)})"
        yield Frame(progress=Progress(text, 0.0))
        began, due = time.monotonic(), 0.0
        work = obtain(chosen, self.patience)
        while True:
            try:
                done = next(work)
            except StopIteration as end:
                yield Frame(progress=Progress(text, 1.0))
                fetched: DatasetInfo = end.value
                return fetched
            now = time.monotonic()
            left = (now - began) * (1 - done) / done if done > 0.01 else None
            yield Frame(progress=Progress(text, done, remaining=left)) if now >= due else Frame()
            due = now + _EVERY if now >= due else due
