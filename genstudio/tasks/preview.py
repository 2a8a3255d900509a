"""Tasks that show what is in a dataset: they read it once and keep it open for the next question about it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from genstudio.data import generators, preview, shelf
from genstudio.data.images import PictureSettings
from genstudio.errors import DataError
from genstudio.events import Answer, Frame, Progress
from genstudio.tasks.models import Models
from genstudio.tasks.task import sliced

Frames = Generator[Frame, None, None]


def _answer(channel: str, value: Any) -> Frame:
    return Frame(snapshots=(Answer(channel, 0, value),))


@dataclass(frozen=True)
class Look:
    """Figures of a dataset, its content to be drawn, and for a text its beginning. Answers `look`: (info, preview)."""

    data: str

    def run(self, models: Models) -> Frames:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Reading"))
        dataset = models.dataset(info)
        found = yield from sliced(preview.preview(dataset), "Reading")
        yield _answer("look", (info, found))
        if info.kind == "text":
            yield _answer("reading", (info.id, *preview.reading(dataset.text, 0)))


@dataclass(frozen=True)
class ReadText:
    """A stretch of a text around a position, or around a random one. Answers `reading`: (id, start, text)."""

    data: str
    position: int = 0
    seed: int | None = None

    def run(self, models: Models) -> Frames:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Reading"))
        text = models.dataset(info).text
        position = self.position
        if self.seed is not None:
            position = int(np.random.default_rng(self.seed).integers(max(1, len(text))))
        yield _answer("reading", (info.id, *preview.reading(text, position)))


@dataclass(frozen=True)
class Find:
    """Where a needle is in a text, or in which pairs, examples, names or captions. Answers `matches`: (id, Matches).

    `loose`: any white space stands for any other, in a text.
    """

    data: str
    needle: str
    match_case: bool = False
    loose: bool = False

    def run(self, models: Models) -> Frames:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Searching"))
        dataset = models.dataset(info)
        if info.kind == "text":
            work = preview.search(dataset.text, self.needle, match_case=self.match_case, loose=self.loose)
        else:
            columns = _columns(dataset)
            if not columns:
                raise DataError("There is nothing to search in: these have no words.", "", info.path)
            work = preview.search_rows(columns, self.needle)
        found = yield from sliced(work, "Searching")
        yield _answer("matches", (info.id, found))


@dataclass(frozen=True)
class TryPictures:
    """A few pictures as other settings would make them. Answers `tried`: (id, settings, ((before, after), ...))."""

    data: str
    settings: PictureSettings = field(default_factory=PictureSettings)

    def run(self, models: Models) -> Frames:
        from genstudio.data.trial import try_pictures

        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Trying the settings"))
        yield _answer("tried", (info.id, self.settings, tuple(try_pictures(models.dataset(info), self.settings))))


@dataclass(frozen=True)
class TryGenerated:
    """What a dataset made from a seed would be with other settings, at most `most` of it.

    Answers `made`: (id, settings, preview, beginning of a text).
    """

    data: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    most: int = 5_000

    def run(self, models: Models) -> Frames:
        info = shelf.find_dataset(self.data)
        maker = generators.of(info)
        if maker is None:
            raise DataError(f"'{info.title}' is not made from a seed.", "Choose another dataset.", info.path)
        wanted = maker.details(self.settings)
        yield Frame(progress=Progress("Making a few"))
        few = wanted | {"settings": wanted["settings"] | {"count": min(wanted["settings"]["count"], self.most)}}
        dataset = generators.make(replace(info, details=few))
        found = yield from sliced(preview.preview(dataset), "Looking at a few")
        yield _answer("made", (info.id, self.settings, found, getattr(dataset, "text", "")[:2000]))


def _columns(dataset: Any) -> list[Any]:
    names = {"pairs": ("left", "right"), "tasks": ("questions", "answers"), "images": ("captions", "names")}
    found = [getattr(dataset, name) for name in names.get(dataset.info.kind, ())]
    return [column for column in found if column is not None]
