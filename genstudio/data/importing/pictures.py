"""Pictures of files, folders and archives on the shelf, with what they were made from."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import stat
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from genstudio import storage
from genstudio.data import store
from genstudio.data.images import PictureSettings
from genstudio.data.importing import archives, arrays, decode, listing, pool, scale
from genstudio.data.importing.options import Attempt
from genstudio.data.importing.stored import Item, content_hash
from genstudio.data.importing.texts import intact
from genstudio.data.info import DatasetInfo, clean_title
from genstudio.data.work import Work
from genstudio.errors import DataError

DEFAULT_SIZE = 64
_KEPT_SIZE = 256
_SAMPLE = 64
_BATCH_BYTES = 16 << 20
_LISTED = 200


@dataclass
class _Sheet:
    """What has been written so far."""

    pixels: IO[bytes]
    originals: IO[bytes]
    digest: Any = field(default_factory=hashlib.sha256)
    names: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    channels: list[int] = field(default_factory=list)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[str, str]] = field(default_factory=list)
    spreads: dict[int, scale.Spread] = field(default_factory=dict)

    def add(self, item: Item, found: decode.Decoded | str) -> None:
        if isinstance(found, str):
            self.broken.append((listing.printable(item.name), found))
            return
        pixels, own, mode, spread = found
        if spread is not None:
            self.spreads[len(self.names)] = spread
        raw = np.ascontiguousarray(pixels).tobytes()
        self.pixels.write(raw)
        self.digest.update(raw)
        self.originals.write(item.raw)
        self.lengths.append(len(item.raw))
        self.names.append(item.name)
        self.labels.append(item.label)
        self.channels.append(pixels.shape[2])
        self.sizes[own] += 1
        self.modes[mode] += 1


def folder_items(root: Path, files: Sequence[Path]) -> Iterator[Item]:
    """The content of these files; each is opened once and what is opened has to be an ordinary file."""
    for number, path in enumerate(files, 1):
        raw, fault = _content(path)
        yield Item(number / len(files), listing.names_below(root, (path,))[0], raw, fault)


def archive_items(path: Path, names: Collection[str]) -> Iterator[Item]:
    """These members of an archive. Raises DataError for a hostile one."""
    for done, name, raw in archives.members(path, names.__contains__):
        yield Item(done, name, raw)


def import_pictures(
    items: Iterator[Item],
    settings: PictureSettings,
    name: str,
    source: str,
    *,
    expected: int = 0,
    skip_broken: bool = False,
    classes: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    captions: Mapping[str, str] | None = None,
    duplicate: bool = False,
) -> Work[DatasetInfo]:
    """Decode pictures, make them one size, and put them on the shelf beside what they were made from.

    Folders of the names become classes, unless `classes` are given for the items' labels. Broken pictures are left out
    and listed in `details["broken"]`; more than one in a hundred (and more than ten, or half) of them stop the import
    unless `skip_broken`. `notes` say what was left out before, `captions` are those of pictures by their names. Yields
    the fraction done. Raises DataError, StorageError; then, or when closed, nothing is left.
    """
    title = clean_title(name)
    with store.staging() as folder:
        with store.writing(folder / "originals.bin") as originals, store.writing(folder / "pixels.npy") as pixels:
            pixels.write(bytes(128))
            sheet = _Sheet(pixels, originals)
            size = yield from _fill(sheet, items, settings, expected)
            _refuse_broken(sheet, skip_broken, source)
            shape = (len(sheet.names), size[1], size[0], max(sheet.channels))
            pixels.seek(0)
            pixels.write(arrays.header("|u1", shape))
        whole = scale.joined(sheet.spreads.values())
        limits = settings.limits or (whole.limits() if sheet.spreads else scale.BYTES)
        again = [place for place, spread in sheet.spreads.items() if not settings.limits and spread.limits() != limits]
        if again or min(sheet.channels) != shape[3]:
            others = _decoded_again(folder, again, sheet.lengths, decode_settings(settings, size, limits))
            with contextlib.closing(others):
                sheet.digest = yield from _rewritten(folder, shape, sheet.channels, others)
        grouped = listing.grouped(sheet.names)
        labels, found = (sheet.labels, tuple(classes)) if classes is not None else (grouped.labels, grouped.classes)
        said = [captions.get(name, "") for name in sheet.names] if captions else None
        index = _Index(sheet.names, labels if found else None, found, said, sheet.lengths)
        details = _details(sheet, settings, shape, found)
        details |= captioned(said)
        if sheet.spreads or settings.limits:
            details["scale"] = list(limits)
        details["notes"] = [note for note in (*notes, scale.sentence(whole, limits)) if note]
        return _finish(folder, title, source, sheet.digest.hexdigest(), shape, index, details, duplicate)


def import_array(
    pixels: NDArray[np.uint8],
    name: str,
    source: str,
    settings: PictureSettings | None = None,
    *,
    labels: NDArray[np.int64] | None = None,
    classes: Sequence[str] = (),
    captions: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    details: Mapping[str, Any] | None = None,
    duplicate: bool = False,
) -> Work[DatasetInfo]:
    """Pictures that are pixels already, (n, h, w, c) uint8, such as drawn digits; `details` are kept beside those of
    the settings. Raises DataError, StorageError."""
    title, settings = clean_title(name), settings or PictureSettings()
    if pixels.ndim != 4 or pixels.shape[3] not in (1, 3) or not len(pixels) or not pixels.size:
        raise DataError(f"These are not pictures: {pixels.shape}.", "Give arrays of (n, height, width, 1 or 3).")
    if labels is not None and (len(labels) != len(pixels) or labels.min() < -1 or labels.max() >= len(classes)):
        raise DataError(
            f"The labels do not match: {len(labels):,} labels from {labels.min()} to {labels.max()} for "
            f"{len(pixels):,} "
            f"pictures of {len(classes)} classes.",
            "Give one label per picture, starting at 0.",
        )
    high, wide = pixels.shape[1:3]
    target = (settings.size, settings.size) if settings.size else (wide, high)
    same = target == (wide, high) and not (settings.grey and pixels.shape[3] == 3)
    shape = (len(pixels), target[1], target[0], 1 if settings.grey else pixels.shape[3])
    with store.staging() as folder:
        digest = hashlib.sha256()
        with store.writing(folder / "pixels.npy") as file:
            file.write(arrays.header("|u1", shape))
            for start in range(0, len(pixels), 256):
                part = pixels[start : start + 256]
                made = part if same else np.stack([_turned(picture, target, settings) for picture in part])
                raw = np.ascontiguousarray(made).tobytes()
                digest.update(raw)
                file.write(raw)
                yield min(0.95, start / len(pixels))
        if not same:
            with store.writing(folder / "originals.bin") as file:
                file.write(arrays.header("|u1", pixels.shape))
                for start in range(0, len(pixels), 256):
                    file.write(np.ascontiguousarray(pixels[start : start + 256]).tobytes())
        index = _Index(
            list(names) if names is not None else None,
            None if labels is None else labels.tolist(), tuple(classes), captions,
        )  # fmt: skip
        details = {
            **(details or {}), "picture": settings.to_json(), "width": shape[2], "height": shape[1], "channels": shape[3],
            "classes": list(classes)[:1000], "sizes": [[wide, high, len(pixels)]],
            "originals": "pixels" if same else "array", **captioned(captions),
        }  # fmt: skip
        return _finish(folder, title, source, digest.hexdigest(), shape, index, details, duplicate)


def captioned(captions: Sequence[str] | None) -> dict[str, bool]:
    """What the card of pictures says of captions, where at least two have one."""
    return {"captions": True} if captions is not None and sum(map(bool, captions)) > 1 else {}


@dataclass(frozen=True)
class _Index:
    """What is attributes of each picture beside its pixels."""

    names: list[str] | None
    labels: list[int] | None
    classes: tuple[str, ...]
    captions: Sequence[str] | None = None
    lengths: list[int] = field(default_factory=list)

    def words(self) -> str:
        return json.dumps({"classes": self.classes, "captions": self.captions, "names": self.names})

    def packed(self) -> bytes:
        out = io.BytesIO()
        arrays_ = {
            "words": np.frombuffer(self.words().encode("utf-8"), np.uint8),
            "lengths": np.array(self.lengths, np.int64),
        }
        if self.labels is not None:
            arrays_["labels"] = np.array(self.labels, np.int64)
        np.savez(out, **arrays_)  # type: ignore[arg-type]
        return out.getvalue()


def _finish(
    folder: Path, title: str, source: str, digest: str, shape: tuple[int, ...], index: _Index, details: dict[str, Any],
    duplicate: bool,
) -> DatasetInfo:  # fmt: skip
    with store.writing(folder / "index.npz") as file:
        file.write(index.packed())
    sha256 = content_hash(digest, shape, index.labels, index.words())
    flipped = PictureSettings.of(details["picture"]).flip
    sha256 = hashlib.sha256(f"{sha256} flipped".encode()).hexdigest() if flipped else sha256
    return store.put(
        folder, "images", title, size=int(np.prod(shape)), sha256=sha256, count=shape[0] * (1 + flipped),
        source=clean_title(source), details=details, intact=intact, duplicate=duplicate,
    )  # fmt: skip


def _fill(sheet: _Sheet, items: Iterator[Item], settings: PictureSettings, expected: int) -> Work[tuple[int, int]]:
    """Decode everything into the sheet; returns the (width, height) of all."""
    batches = _batches(sheet, items)
    first = next(batches, [])
    if not first:
        _refuse_broken(sheet, False, "this source")
    size = _size(first, settings)
    workers = pool.workers(max(expected, len(first)))
    done = 0.0
    how = decode_settings(settings, size, settings.limits)
    with pool.Decoders[list[Item]](workers, *how) as decoders:
        given = ((batch, [item.raw for item in batch]) for batch in _chain(first, batches))
        for answer in decoders.run(given):
            if answer is not None:
                for item, found in zip(answer[0], answer[2], strict=True):
                    sheet.add(item, found)
                done = answer[0][-1].done
            yield min(done, 0.98)
    return size


def attempt(items: Sequence[Item], settings: PictureSettings) -> Work[Attempt | None]:
    """These pictures as an import with these settings would make them, without those that cannot be read."""
    if not items:
        return None
    how = decode_settings(settings, _size(items, settings), settings.limits)
    made: list[tuple[str, NDArray[np.uint8]]] = []
    with pool.Decoders[None](1, *how) as decoders:
        for answer in decoders.run([(None, [item.raw for item in items])]):
            if answer is not None:
                found = zip(items, answer[2], strict=True)
                made = [(listing.printable(item.name), one.pixels) for item, one in found if isinstance(one, decode.Decoded)]
            yield 0.5
    if not made:
        return None
    channels = max(pixels.shape[2] for _, pixels in made)
    alike = [np.repeat(pixels, channels, 2) if pixels.shape[2] < channels else pixels for _, pixels in made]
    return Attempt(np.stack(alike), tuple(name for name, _ in made))


def _batches(sheet: _Sheet, items: Iterator[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    held = 0
    for item in items:
        if item.fault:
            sheet.broken.append((listing.printable(item.name), item.fault))
            continue
        batch.append(item)
        held += len(item.raw)
        if len(batch) == _SAMPLE or held > _BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _chain(first: list[Item], rest: Iterator[list[Item]]) -> Iterator[list[Item]]:
    if first:
        yield first
    yield from rest


def _size(first: Sequence[Item], settings: PictureSettings) -> tuple[int, int]:
    """The size asked for, or the one that the first pictures share, if it is small, or 64 x 64."""
    if settings.size:
        return settings.size, settings.size
    sizes = {size for item in first if (size := decode.measure(item.raw)) is not None}
    common = next(iter(sizes), (DEFAULT_SIZE, DEFAULT_SIZE))
    return common if len(sizes) == 1 and max(common) <= _KEPT_SIZE else (DEFAULT_SIZE, DEFAULT_SIZE)


def _refuse_broken(sheet: _Sheet, skip: bool, source: str) -> None:
    broken, good = len(sheet.broken), len(sheet.names)
    if not broken and not good:
        raise DataError(f"There are no pictures in {source}.", "Known file extensions are "
            f"{', '.join(listing.SUFFIXES)}.")
    if good and (skip or broken <= max(min(10, good), (good + broken) // 100)):
        return
    listed = "; ".join(f"{name} {why}" for name, why in sheet.broken[:20])
    more = f"; and {broken - 20} more" if broken > 20 else ""
    raise DataError(
        f"{broken:,} of {good + broken:,} pictures cannot be used: {listed}{more}.",
        "Remove or replace them, or turn on the option to skip unreadable pictures."
        if good
        else "Choose other pictures.",
    )


def decode_settings(
    settings: PictureSettings, size: tuple[int, int], limits: scale.Limits | None
) -> tuple[tuple[int, int], str, bool, scale.Limits | None, bool]:
    """What `decode.decode` takes behind a picture; limits that a person chose hold for pictures of 8 bits too."""
    return size, settings.fit, settings.grey, limits, settings.limits is not None


def _decoded_again(
    folder: Path, places: Sequence[int], lengths: Sequence[int], how: tuple[Any, ...]
) -> Generator[tuple[int, NDArray[np.uint8]] | None]:
    """The pictures at these places once more, with the scale of the whole set; None now and then while waiting."""
    starts = np.concatenate([[0], np.cumsum(lengths)]).tolist()

    def batches(file: IO[bytes]) -> Iterator[tuple[Sequence[int], list[bytes]]]:
        for start in range(0, len(places), 8):
            some, raw = places[start : start + 8], []
            for place in some:
                file.seek(starts[place])
                raw.append(file.read(lengths[place]))
            yield some, raw

    with (
        storage.translated(folder),
        (folder / "originals.bin").open("rb") as file,
        pool.Decoders[Sequence[int]](pool.workers(len(places)) if places else 0, *how) as decoders,
    ):
        for answer in decoders.run(batches(file)):
            if answer is None:
                yield None
                continue
            for place, found in zip(answer[0], answer[2], strict=True):
                if isinstance(found, str):
                    raise DataError(f"Picture {place + 1:,} could be decoded the first time but not the second: it "
                        f"{found}.", "Try again.")
                yield place, found.pixels


def _rewritten(
    folder: Path,
    shape: tuple[int, ...],
    channels: Sequence[int],
    others: Iterator[tuple[int, NDArray[np.uint8]] | None],
) -> Work[Any]:
    """All pixels once more, `others` in place of some, and grey ones among coloured with three equal channels; returns
    the digest."""
    digest = hashlib.sha256()
    area = shape[1] * shape[2]
    before = folder / "before.npy"
    none = np.zeros(0, np.uint8)
    place, pixels = -1, none
    with storage.translated(folder):
        (folder / "pixels.npy").rename(before)
        with before.open("rb") as given, store.writing(folder / "pixels.npy") as file:
            given.seek(128)
            file.write(arrays.header("|u1", shape))
            for number, count in enumerate(channels):
                raw = given.read(area * count)
                while place < number:
                    if (other := next(others, (len(channels), none))) is None:
                        yield 0.98
                    else:
                        place, pixels = other
                if place == number:
                    raw = np.ascontiguousarray(pixels).tobytes()
                if count != shape[3]:
                    raw = np.repeat(np.frombuffer(raw, np.uint8), 3).tobytes()
                digest.update(raw)
                file.write(raw)
                if number % 256 == 0:
                    yield 0.98
        before.unlink()
    return digest


def _details(
    sheet: _Sheet, settings: PictureSettings, shape: tuple[int, ...], classes: Sequence[str]
) -> dict[str, Any]:
    return {
        "picture": replace(settings, size=settings.size or (shape[1] if shape[1] == shape[2] else 0)).to_json(),
        "width": shape[2], "height": shape[1], "channels": shape[3], "classes": list(classes)[:1000],
        "sizes": [[*size, count] for size, count in sheet.sizes.most_common(50)],
        "modes": dict(sheet.modes.most_common(20)),
        "broken": [list(entry) for entry in sheet.broken[:_LISTED]], "broken_count": len(sheet.broken),
        "originals": "encoded",
    }  # fmt: skip


def _turned(pixels: NDArray[np.uint8], size: tuple[int, int], settings: PictureSettings) -> NDArray[np.uint8]:
    """(h, w, c) -> (size, size, c) by the settings."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))
    if settings.grey:
        picture = picture.convert("L")
    made = np.asarray(picture if picture.size == size else decode.fitted(picture, size, settings.fit), np.uint8)
    return made[:, :, None] if made.ndim == 2 else made


def _content(path: Path) -> tuple[bytes, str]:
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return b"", "is not an ordinary file"
            if status.st_size > archives.LARGEST_MEMBER:
                return b"", f"is larger than {archives.LARGEST_MEMBER >> 20} MB"
            raw = file.read(archives.LARGEST_MEMBER + 1)
    except (OSError, ValueError) as error:
        return b"", f"cannot be read ({getattr(error, 'strerror', None) or error})"
    return (raw, "") if raw else (b"", "is empty")
