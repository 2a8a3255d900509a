"""Tasks that show what is in a dataset: they read it once and keep it open for the next question about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from genstudio.config import Values
from genstudio.data import generators, preview, shelf
from genstudio.data.images import PictureSettings
from genstudio.data.preview import AudioLook, Matches, Preview
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Progress
from genstudio.snapshots.sound import Clip
from genstudio.tasks.clip import clip_of
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames, frames_of

_CLIPS = 24
"""Of a dataset of sound that is tried."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What there is to see of a dataset, the beginning of a text, and clips of sound where few were asked for."""

    preview: Preview
    beginning: str = ""
    clips: tuple[Clip, ...] = ()


@dataclass(frozen=True)
class Look:
    """Figures of a dataset, its content to be drawn, and for a text its beginning."""

    data: str

    def run(self, models: Models) -> Frames[Looked]:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Reading"))
        dataset = models.dataset(info)
        found = yield from frames_of(preview.preview(dataset), "Reading")
        return Looked(found, preview.reading(dataset.text, 0)[1] if info.kind == "text" else "")


@dataclass(frozen=True)
class ReadText:
    """A stretch of a text around a position, or around a random one: (start, text)."""

    data: str
    position: int = 0
    seed: int | None = None

    def run(self, models: Models) -> Frames[tuple[int, str]]:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Reading"))
        text = models.dataset(info).text
        position = self.position
        if self.seed is not None:
            position = int(np.random.default_rng(self.seed).integers(max(1, len(text))))
        return preview.reading(text, position)


@dataclass(frozen=True)
class Find:
    """Where a needle is in a text, or in which pairs, examples, names or captions.

    `loose`: any whitespace stands for any other, in a text.
    """

    data: str
    needle: str
    match_case: bool = False
    loose: bool = False

    def run(self, models: Models) -> Frames[Matches]:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Searching"))
        dataset = models.dataset(info)
        if info.kind == "text":
            work = preview.search(dataset.text, self.needle, match_case=self.match_case, loose=self.loose)
        else:
            columns = _columns(dataset)
            if not columns:
                raise DataError("There is nothing to search: this dataset contains no text.", "", info.place)
            work = preview.search_rows(columns, self.needle)
        return (yield from frames_of(work, "Searching"))


@dataclass(frozen=True)
class TryPictures:
    """A few pictures as other settings would make them: before and after."""

    data: str
    settings: PictureSettings = field(default_factory=PictureSettings)

    def run(self, models: Models) -> Frames[tuple[tuple[Array, Array], ...]]:
        from genstudio.data.trial import try_pictures

        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Applying the settings"))
        return tuple(try_pictures(models.dataset(info), self.settings))


@dataclass(frozen=True)
class TryGenerated:
    """What a dataset made from a seed would be with other settings, at most `most` of it; of sound, a few clips as they are
    seen and heard."""

    data: str
    settings: Values = field(default_factory=dict)
    most: int = 5_000

    def run(self, models: Models) -> Frames[Looked]:
        info = shelf.find_dataset(self.data)
        maker = generators.of(info)
        if maker is None:
            raise DataError(f"'{info.title}' is not generated from a seed.", "Choose another dataset.", info.place)
        wanted = maker.details(self.settings)
        yield Frame(progress=Progress("Generating examples"))
        most = min(self.most, _CLIPS) if info.kind == "audio" else self.most
        few = wanted | {"settings": wanted["settings"] | {"count": min(wanted["settings"]["count"], most)}}
        dataset = generators.make(replace(info, details=few))
        found = yield from frames_of(preview.preview(dataset), "Reading examples")
        clips = []
        for place in range(len(found.seconds) if isinstance(found, AudioLook) else 0):
            clips.append(clip_of(dataset, place))
            yield Frame(progress=Progress("Reading examples"))
        return Looked(found, getattr(dataset, "text", "")[:2000], tuple(clips))


def _columns(dataset: Any) -> list[Any]:
    names = {
        "pairs": ("left", "right"), "labelled": ("texts", "named"), "rows": ("texts", "named"), "tasks": ("questions", "answers"),
        "images": ("captions", "names"),
    }  # fmt: skip
    found = [getattr(dataset, name) for name in names.get(dataset.info.kind, ())]
    return [column for column in found if column is not None]
