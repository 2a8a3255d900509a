"""Pictures over time as a file: an animation (GIF), a video (MP4) or a sheet (PNG), written frame by frame."""

from __future__ import annotations

import importlib.util
import io
import itertools
import struct
import tempfile
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genstudio import storage
from genstudio.data.work import mapped
from genstudio.errors import DataError, StorageError
from genstudio.events import Frame, Progress, Snapshot
from genstudio.runs import Run
from genstudio.tasks.drawn import drawn
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames
from genstudio.tasks.timeline import board_of, moment, timeline

if TYPE_CHECKING:
    from PIL import Image

KINDS = {".gif": "Animation", ".mp4": "Video", ".png": "Sheet of pictures"}
_REST = 15
_SHEET = 12


@dataclass(frozen=True)
class ExportTimeline:
    """Write what a run showed: `channel` (the first that it has where empty), at most `frames` of its steps evenly, each
    `size` pixels wide, `rate` a second. The suffix of `out` says what it becomes. Returns the file's name.

    Raises RunError, DataError for what cannot be shown or written so, StorageError.
    """

    path: str
    out: str
    channel: str = ""
    frames: int = 200
    rate: float = 10.0
    size: int = 480

    def run(self, models: Models) -> Frames[str]:
        check(self.out, self.rate, self.size, self.frames)
        run = Run.open(self.path)
        there = timeline(run).channels
        looks_at = [name for name in board_of(run).looks() if there.get(name)]
        channel = self.channel or next(iter(looks_at), "")
        steps = there.get(channel, ())
        if channel not in looks_at:
            known = ", ".join(looks_at)
            where = f" on '{self.channel}'" if self.channel and known else ""
            hint = f"Available: {known}." if known else "Choose a run that was trained longer."
            raise DataError(f"This run has no snapshots{where}.", hint)
        most = min(self.frames, _SHEET) if Path(self.out).suffix.lower() == ".png" else self.frames
        chosen = spread(steps, most)
        shown = (found for step in chosen for found in moment(run, step, (channel,)).snapshots)
        last = next((found for step in reversed(chosen) for found in moment(run, step, (channel,)).snapshots), None)
        return (yield from write(self.out, looks(shown), len(chosen), self.rate, self.size, last))


@dataclass(frozen=True)
class ExportShown:
    """Write these snapshots, each with its caption, as a film or a sheet; see ExportTimeline."""

    shown: tuple[tuple[Snapshot, str], ...]
    out: str
    rate: float = 10.0
    size: int = 480

    def run(self, models: Models) -> Frames[str]:
        check(self.out, self.rate, self.size, len(self.shown))
        last = self.shown[-1][0] if self.shown else None
        return (yield from write(self.out, self.shown, len(self.shown), self.rate, self.size, last))


def videos() -> bool:
    """Whether the library that writes MP4 is there."""
    return importlib.util.find_spec("imageio_ffmpeg") is not None


def check(out: str, rate: float, size: int, frames: int) -> None:
    """Raises DataError or StorageError for what cannot be written, before any work."""
    path = Path(out)
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise DataError(f"'{path.name}' has no known file type.", "Use a name that ends in .gif, .mp4 or .png.", path)
    if kind == ".mp4" and not videos():
        raise DataError(
            "Videos need a package that is not installed.", "Install it with 'pip install imageio-ffmpeg', or export "
            "a .gif."
        )
    if not path.parent.is_dir():
        raise StorageError(f"The folder {path.parent} does not exist.", "Choose another place.", path)
    for what, value, low, high in (("frame rate", rate, 0.1, 50), ("width", size, 32, 2000),
        ("number of frames", frames, 1, 2000)):
        if not low <= value <= high:
            raise DataError(f"{value:g} is not a valid {what}.", f"Choose {low:g} to {high:,g}.")


def spread(steps: tuple[int, ...], most: int) -> tuple[int, ...]:
    """At most `most` of the steps, evenly, the first and the last among them; the last alone for one."""
    if len(steps) <= most:
        return steps
    places = np.linspace(0, len(steps) - 1, most).round().astype(int) if most > 1 else [len(steps) - 1]
    return tuple(steps[place] for place in places)


def looks(shown: Iterable[Snapshot]) -> Iterable[tuple[Snapshot, str]]:
    """These snapshots with their step as a caption."""
    return ((one, f"step {one.step:,}") for one in shown)


def write(
    out: str, shown: Iterable[tuple[Snapshot, str]], count: int, rate: float, size: int, last: Snapshot | None
) -> Frames[str]:
    """Write the file, which appears under its name once it is whole; returns its name. All frames are as large as that of the
    `last` snapshot: a player cuts off what reaches beyond the first one, and a model that grows shows more and more."""
    path = Path(out)
    kind = path.suffix.lower()
    tile = size if kind != ".png" else max(32, size // 2)
    frame_size = None if last is None else drawn(last, tile, "step").size
    pictures = (_framed(drawn(one, tile, caption), frame_size) for one, caption in shown)
    makers = {".gif": _gif, ".mp4": _video, ".png": _sheet}
    done = itertools.count(1)

    def frame(_made: None) -> Frame:
        return Frame(progress=Progress(f"Writing {path.name}", min(1.0, next(done) / max(count, 1))))

    data = yield from mapped(makers[kind](pictures, rate), frame)
    storage.write_atomic(path, data)
    yield Frame(progress=Progress(f"Wrote {path.name}", 1.0))
    return str(path)


def _framed(picture: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    """The picture on white paper of this size, made smaller where it is larger."""
    from PIL import Image

    if size is None or picture.size == size:
        return picture
    picture.thumbnail(size)
    paper = Image.new(picture.mode, size, 255 if picture.mode == "L" else (255, 255, 255))
    paper.paste(picture, (0, 0))
    return paper


def _gif(pictures: Iterable[Image.Image], rate: float) -> Generator[None, None, bytes]:
    """An endless GIF, its last frame held longer. Every frame has a palette of its own; grey ones lose nothing.

    Blocks as in the GIF89a specification, section 18 onwards; Pillow packs the frames, so that none waits for another.
    """
    from PIL import GifImagePlugin, Image

    file, pause, last = io.BytesIO(), max(2, round(100 / rate)) * 10, None

    def add(picture: Image.Image, milliseconds: int) -> None:
        for block in GifImagePlugin.getdata(picture, (0, 0), duration=milliseconds, include_color_table=True):
            file.write(block)

    for picture in pictures:
        reduced = picture.convert("P") if picture.mode == "L" else picture.quantize(256, dither=Image.Dither.NONE)
        if last is None:
            file.write(b"GIF89a" + struct.pack("<HHBBB", *reduced.size, 0x70, 0, 0))
            file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
        else:
            add(last, pause)
        last = reduced
        yield
    if last is None:
        raise DataError("There is nothing to write.", "Train the model a little first.")
    add(last, pause + _REST * 100)
    file.write(b";")
    return file.getvalue()


def _video(pictures: Iterable[Image.Image], rate: float) -> Generator[None, None, bytes]:
    """H.264 in MP4 that every player plays; the last frame is held longer."""
    import imageio_ffmpeg

    with tempfile.TemporaryDirectory(prefix="genstudio-") as folder:
        path, raw = Path(folder) / "film.mp4", b""
        sink: Any = None
        try:
            for picture in pictures:
                color = picture.convert("RGB")
                if sink is None:
                    sink = imageio_ffmpeg.write_frames(
                        str(path), color.size, fps=rate, codec="libx264", quality=8, macro_block_size=2
                    )
                    sink.send(None)
                raw = color.tobytes()
                sink.send(raw)
                yield
            for _ in range(round(rate * _REST / 10) if sink is not None else 0):
                sink.send(raw)
        except OSError as error:
            raise StorageError(f"The video could not be written: {error.strerror or error}.",
                "Export a .gif instead.") from error
        finally:
            if sink is not None:
                sink.close()
        if not path.is_file():
            raise DataError("There is nothing to write.", "Train the model a little first.")
        return path.read_bytes()


def _sheet(pictures: Iterable[Image.Image], _rate: float) -> Generator[None, None, bytes]:
    """All pictures on one, four in a row at most."""
    from PIL import Image

    tiles = []
    for picture in pictures:
        tiles.append(picture)
        yield
    if not tiles:
        raise DataError("There is nothing to write.", "Train the model a little first.")
    columns = min(4, len(tiles))
    wide, high = max(tile.width for tile in tiles), max(tile.height for tile in tiles)
    white = 255 if tiles[0].mode == "L" else (255, 255, 255)
    paper = Image.new(tiles[0].mode, (columns * wide, -(-len(tiles) // columns) * high), white)
    for index, tile in enumerate(tiles):
        paper.paste(tile, (index % columns * wide, index // columns * high))
    file = io.BytesIO()
    paper.save(file, "PNG")
    return file.getvalue()
