"""What there is to see of an opened dataset, worked out in slices: everything a preview draws, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from genstudio.data.audio import measures as clips
from genstudio.data.population.history import Truth
from genstudio.data.population.pictures import pictured, windows
from genstudio.data.population.statistics import DISTANCES, SUMMARY, described, measured
from genstudio.data.text import TextStatistics, statistics
from genstudio.data.tokenizers import chunks
from genstudio.data.work import Work, scaled
from genstudio.events import Array, Frozen, frozen

THUMB = 64
"""Pixels; larger pictures are averaged down to it for the grid."""
MOST_MATCHES = 100_000

_NEWLINE = 10
_PICTURES_AT_ONCE = 2_000
_ROWS_AT_ONCE = 50_000
_SEARCHED_AT_ONCE = 1 << 22
_BINS = 40
_ALIGNMENTS, _SITES = 60, 36


@dataclass(frozen=True, slots=True, eq=False)
class Histogram(Frozen):
    """Numbers in bins: `edges` (k + 1,) ascending, `counts` (k,)."""

    edges: Array
    counts: Array


@dataclass(frozen=True, slots=True, eq=False)
class TextLook:
    """A text in figures; `line_lengths` in characters."""

    statistics: TextStatistics
    line_lengths: Histogram


@dataclass(frozen=True, slots=True, eq=False)
class PictureLook:
    """Pictures in figures. `pixels` (n, h, w, c) and `thumbs` (n, at most THUMB, same, c) uint8, read-only.

    `sizes` are those of the originals with their counts, the most frequent first; `brightness` counts all pixel values
    in 32 bins; `grey` says that no pixel has a hue, however many channels are stored.
    """

    pixels: Array
    thumbs: Array
    labels: Array | None
    classes: tuple[str, ...]
    captions: Sequence[str] | None
    names: Sequence[str] | None
    attributes: Mapping[str, Array]
    per_class: tuple[tuple[str, int], ...]
    per_attribute: tuple[tuple[str, int], ...]
    sizes: tuple[tuple[str, int], ...]
    brightness: Histogram
    grey: bool


@dataclass(frozen=True, slots=True, eq=False)
class PairLook:
    """Two columns, with the lengths of each in characters and of right over left; where the right one is a class, how many
    texts each class has."""

    left: Sequence[str]
    right: Sequence[str]
    names: tuple[str, str]
    left_lengths: Histogram
    right_lengths: Histogram
    ratios: Histogram
    mean_ratio: float
    per_class: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RowLook(PairLook):
    """Rows of numbers in words, with their classes; `points` (n, 2) are their first two columns, called `axes`, where they have
    as many, else None, and `labels` (n,) index `classes`, -1 where a row has none."""

    points: Array | None = None
    labels: Array | None = None
    axes: tuple[str, str] = ("", "")
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PointLook:
    """Points (n, 2), the centres (k, 2) and the spread they were made with, where those are known."""

    points: Array
    centres: Array | None
    sigma: float | None
    mean: tuple[float, float]
    spread: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Matches(Frozen):
    """Where a needle is: `positions` (at most MOST_MATCHES,), `count` of all."""

    needle: str
    positions: Array = field(default_factory=lambda: np.empty(0, np.int64))
    count: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class RegionLook(Frozen):
    """Regions in figures: `pixels` (n, h, w, 3) uint8, the first of them as alignments; `measures` by name as
    `population.statistics.described` gives them, `names` those of its means, `distances` those of its linkage."""

    regions: int
    haplotypes: int
    length: float
    pixels: Array
    measures: Mapping[str, Array]
    names: tuple[str, ...]
    distances: tuple[float, ...]
    truth: Truth | None


@dataclass(frozen=True, slots=True, eq=False)
class AudioLook(Frozen):
    """Clips in figures, each of (n,): see `audio.measures.Measures`. `per_phone` are seconds of each sound, where
    they are known."""

    rate: int
    seconds: Array
    loudness: Array
    peak: Array
    silent: Array
    clipped: Array
    transcripts: Sequence[str] | None
    names: Sequence[str] | None
    durations: Histogram
    levels: Histogram
    per_phone: tuple[tuple[str, float], ...] = ()


Preview = TextLook | PictureLook | PairLook | RowLook | PointLook | RegionLook | AudioLook


def preview(dataset: Any) -> Work[Preview]:
    """What there is to see of a dataset as `shelf.open_dataset` gives it. Yields the fraction done."""
    kind = dataset.info.kind
    if kind == "text":
        return (yield from _text(dataset.text))
    if kind == "images":
        return (yield from _pictures(dataset))
    if kind == "points":
        return _points(dataset)
    if kind == "regions":
        return (yield from _regions(dataset))
    if kind == "audio":
        return (yield from _clips(dataset))
    if kind == "labelled":
        found = yield from _pairs(dataset.texts, dataset.named, ("Text", "Label"))
        counts = np.bincount(dataset.labels[dataset.labels >= 0], minlength=len(dataset.classes)).tolist()
        return replace(found, per_class=tuple(zip(dataset.classes, counts, strict=True)))
    if kind == "rows":
        return (yield from _rows(dataset))
    if kind == "tasks":
        return (yield from _pairs(dataset.questions, dataset.answers, ("Question", "Answer")))
    return (yield from _pairs(dataset.left, dataset.right, dataset.names))


def reading(text: str, position: int, characters: int = 8_000) -> tuple[int, str]:
    """(start, stretch of the text) around a position, from the beginning of a line where one is near."""
    start = max(0, min(position - characters // 4, len(text) - characters))
    line = text.rfind("\n", max(0, start - 400), start) + 1
    start = line if line and start else start
    return start, text[start : start + characters]


def search(text: str, needle: str, *, match_case: bool = False, loose: bool = False) -> Work[Matches]:
    """Every place of a needle, left to right and not overlapping; `loose`: any whitespace is like any other.

    Yields the fraction done.
    """
    if not needle.strip() if loose else not needle:
        return Matches(needle)
    wanted = r"\s+".join(map(re.escape, needle.split())) if loose else re.escape(needle)
    pattern = re.compile(wanted, 0 if match_case else re.IGNORECASE)
    found: list[int] = []
    count, position = 0, 0
    while position < len(text):
        stop = min(len(text), position + _SEARCHED_AT_ONCE)
        for match in pattern.finditer(text, position, min(len(text), stop + len(needle) - 1)):
            count += 1
            if len(found) < MOST_MATCHES:
                found.append(match.start())
            stop = max(stop, match.end())
        position = stop
        yield position / len(text)
    return Matches(needle, np.array(found, np.int64), count)


def search_rows(columns: Sequence[Sequence[str]], needle: str) -> Work[Matches]:
    """Rows of which any column has the needle, whatever its case. Yields the fraction done."""
    wanted, found = needle.casefold(), []
    total = len(columns[0]) if columns else 0
    for first in range(0, total, _ROWS_AT_ONCE):
        rows = range(first, min(total, first + _ROWS_AT_ONCE))
        found += [row for row in rows if any(wanted in column[row].casefold() for column in columns)]
        yield rows.stop / total
    return Matches(needle, np.array(found, np.int64), len(found))


def histogram(values: Array, bins: int = _BINS, *, whole: bool = True) -> Histogram:
    """Counts in equal bins up to the 99.5th percentile; the last bin holds the rest. `whole`: edges between integers.

    >>> histogram(np.array([1, 1, 2, 3]), 3).counts.tolist()
    [2, 1, 1]
    """
    if not len(values):
        return Histogram(np.array([0.0, 1.0]), np.zeros(1, np.int64))
    low, high = float(values.min()), float(np.quantile(values, 0.995))
    if whole:
        width = max(1, -(-int(high - low + 1) // bins))
        count = max(1, -(-int(high - low + 1) // width))
        edges = low - 0.5 + width * np.arange(count + 1)
    else:
        high = high if high > low else low + 1.0
        edges = np.linspace(low, high, bins + 1)
    counts, _ = np.histogram(np.clip(values, edges[0], np.nextafter(edges[-1], -np.inf)), edges)
    return Histogram(edges, counts)


def _text(text: str) -> Work[TextLook]:
    found = yield from scaled(statistics(text), 0.0, 0.8)
    lengths, last = [np.empty(0, np.int64)], -1
    for position, codes in chunks(text):
        ends = np.flatnonzero(codes == _NEWLINE) + position
        if len(ends):
            lengths.append(np.diff(ends, prepend=last) - 1)
            last = int(ends[-1])
        yield 0.8 + 0.2 * (position + len(codes)) / len(text)
    if last + 1 < len(text):
        lengths.append(np.array([len(text) - last - 1]))
    return TextLook(found, histogram(np.concatenate(lengths)))


def _pictures(dataset: Any) -> Work[PictureLook]:
    pixels = dataset.pixels
    n, h, w, c = pixels.shape
    step = max(1, -(-max(h, w) // THUMB))
    thumbs = pixels if step == 1 else np.empty((n, h // step, w // step, c), np.uint8)
    values = np.zeros(32, np.int64)
    grey = True
    for first in range(0, n, _PICTURES_AT_ONCE):
        part = pixels[first : first + _PICTURES_AT_ONCE]
        values += np.bincount((part >> 3).ravel(), minlength=32)
        if grey and c == 3:
            grey = bool((part[..., 0] == part[..., 1]).all() and (part[..., 1] == part[..., 2]).all())
        if step > 1:
            square = part[:, : h // step * step, : w // step * step]
            blocks = square.reshape(len(part), h // step, step, w // step, step, c)
            thumbs[first : first + len(part)] = blocks.mean((2, 4)).round()
        yield min(1.0, (first + len(part)) / n)
    labels, classes = dataset.labels, tuple(dataset.classes)
    counts = np.bincount(labels[labels >= 0], minlength=len(classes)) if labels is not None else np.empty(0, np.int64)
    return PictureLook(
        pixels=pixels,
        thumbs=frozen(thumbs),
        labels=labels,
        classes=classes,
        captions=dataset.captions,
        names=dataset.names,
        attributes=dataset.attributes,
        per_class=tuple((classes[i] if i < len(classes) else str(i), int(k)) for i, k in enumerate(counts)),
        per_attribute=_per_attribute(dataset.attributes),
        sizes=_sizes(dataset.info.details.get("sizes"), (w, h), n),
        brightness=Histogram(np.linspace(0, 256, 33), values),
        grey=grey,
    )


def _per_attribute(attributes: Mapping[str, Array]) -> tuple[tuple[str, int], ...]:
    """How many pictures have each attribute that is a yes or no, and each value of those that are words."""
    found: Counter[str] = Counter()
    for name, values in attributes.items():
        words = name.replace("_", " ")
        if values.ndim == 1 and values.dtype.kind in "biuf":
            found[words] = int((values > 0).sum())
        elif values.ndim == 1:
            kinds, counts = np.unique(values, return_counts=True)
            found.update({f"{words}: {kind}": int(count) for kind, count in zip(kinds, counts, strict=True) if kind})
    return tuple(found.most_common(200))


def _sizes(said: Any, size: tuple[int, int], n: int) -> tuple[tuple[str, int], ...]:
    """Sizes of the originals: what the import wrote down, or the one size that all have."""
    pairs: Iterable[Any] = said.items() if isinstance(said, dict) else said if isinstance(said, list) else ()
    found: Counter[str] = Counter()
    for item in pairs:
        if isinstance(item, (list, tuple)) and len(item) in (2, 3) and all(isinstance(x, (int, str)) for x in item):
            name = f"{item[0]} x {item[1]}" if len(item) == 3 else str(item[0])
            found[name] += int(item[-1]) if str(item[-1]).isdigit() else 0
    return tuple(found.most_common()) or ((f"{size[0]} x {size[1]}", n),)


def _lengths(column: Sequence[str]) -> Work[Array]:
    out = np.empty(len(column), np.int64)
    for first in range(0, len(column), _ROWS_AT_ONCE):
        part = column[first : first + _ROWS_AT_ONCE]
        out[first : first + len(part)] = [len(text) for text in part]
        yield (first + len(part)) / len(column)
    return out


def _pairs(left: Sequence[str], right: Sequence[str], names: tuple[str, str]) -> Work[PairLook]:
    of_left = yield from _lengths(left)
    of_right = yield from _lengths(right)
    ratios = of_right / np.maximum(of_left, 1)
    return PairLook(
        left, right, (names[0], names[1]), histogram(of_left), histogram(of_right), histogram(ratios, whole=False),
        float(of_right.sum() / max(1, of_left.sum())),
    )  # fmt: skip


def _rows(dataset: Any) -> Work[RowLook]:
    found = yield from _pairs(dataset.texts, dataset.named, ("Row", "Class"))
    columns, classes = dataset.columns, dataset.classes
    counts = np.bincount(dataset.labels[dataset.labels >= 0], minlength=len(classes)).tolist()
    points = frozen(dataset.rows[:, :2].copy()) if len(columns) > 1 else None
    return RowLook(
        **{each.name: getattr(found, each.name) for each in fields(found) if each.name != "per_class"},
        per_class=tuple(zip(classes, counts, strict=True)), points=points, labels=dataset.labels,
        axes=(columns[0], columns[1]) if len(columns) > 1 else ("", ""), classes=classes,
    )  # fmt: skip


def _points(dataset: Any) -> PointLook:
    points = dataset.points
    mean, spread = points.mean(0), points.std(0)
    return PointLook(
        points, dataset.centres, dataset.sigma, (float(mean[0]), float(mean[1])), (float(spread[0]), float(spread[1]))
    )


def _regions(dataset: Any) -> Work[RegionLook]:
    regions = dataset.regions
    few = regions.of(np.arange(min(_ALIGNMENTS, len(regions))))
    pixels = pictured(*windows(few, _SITES))
    found = yield from measured(regions)
    return RegionLook(
        len(regions), regions.haplotypes, regions.length, pixels, described(found), SUMMARY, DISTANCES, dataset.truth
    )


def _clips(dataset: Any) -> Work[AudioLook]:
    found = yield from clips.measured(dataset)
    lasting: Counter[str] = Counter()
    for first, behind, which in ([] if dataset.segments is None else dataset.segments.tolist()):
        lasting[dataset.phones[which]] += behind - first
    return AudioLook(
        dataset.rate, found.seconds, found.loudness, found.peak, found.silent, found.clipped, dataset.transcripts, dataset.names,
        histogram(found.seconds, whole=False), histogram(found.loudness, whole=False),
        tuple((name, many / dataset.rate) for name, many in lasting.most_common()),
    )  # fmt: skip
