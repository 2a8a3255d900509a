"""Datasets that were opened, of each kind; their arrays are read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genstudio.data.info import DatasetInfo
from genstudio.data.population.coalescent import Regions
from genstudio.data.population.history import Truth

Question: TypeAlias = tuple[str, str, str, str]
"""An analogy with its answer: a - b + c = d, king - man + woman = queen."""


@dataclass(frozen=True)
class TextDataset:
    """A dataset that was read: line ends are LF, no byte-order mark."""

    info: DatasetInfo
    text: str


@dataclass(frozen=True)
class AnalogyDataset(TextDataset):
    """A text in which analogies are known to hold."""

    questions: tuple[Question, ...]


@dataclass(frozen=True, eq=False)
class PairDataset:
    """Sentences and their translations, for one: `left[i]` and `right[i]` belong together, `names` are those of the sides."""

    info: DatasetInfo
    left: tuple[str, ...]
    right: tuple[str, ...]
    names: tuple[str, str]


@dataclass(frozen=True, eq=False)
class LabelledDataset:
    """Texts with a class each: `labels` (n,) int64 index `classes`, -1 where a text has none."""

    info: DatasetInfo
    texts: tuple[str, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        self.labels.setflags(write=False)

    @property
    def named(self) -> tuple[str, ...]:
        """The class of every text in words, empty where it has none."""
        words = (*self.classes, "")
        return tuple(words[label] for label in self.labels.tolist())


@dataclass(frozen=True, eq=False)
class TaskDataset:
    """A toy task: `answers[i]` is the right answer to `questions[i]`."""

    info: DatasetInfo
    questions: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class PointDataset:
    """`points` (n, 2) float32, read-only. `centres` (k, 2) and their common `sigma` where the distribution is known."""

    info: DatasetInfo
    points: NDArray[np.float32]
    centres: NDArray[np.float32] | None = None
    sigma: float | None = None

    def __post_init__(self) -> None:
        for array in (self.points, self.centres):
            if array is not None:
                array.setflags(write=False)


@dataclass(frozen=True, eq=False)
class RowDataset:
    """Rows of numbers with a class each: `rows` (n, d) float32 under the names of `columns` (d,), read-only; `labels` (n,) int64
    index `classes`, -1 where a row has none."""

    info: DatasetInfo
    rows: NDArray[np.float32]
    labels: NDArray[np.int64]
    columns: tuple[str, ...]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for array in (self.rows, self.labels):
            array.setflags(write=False)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every row in words: its columns with their numbers."""
        return tuple(
            ", ".join(f"{name} {value:.4g}" for name, value in zip(self.columns, row, strict=True)) for row in self.rows.tolist()
        )

    @property
    def named(self) -> tuple[str, ...]:
        """The class of every row in words, empty where it has none."""
        words = (*self.classes, "")
        return tuple(words[label] for label in self.labels.tolist())


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """`pixels` (n, h, w, c) uint8 read-only, c 1 or 3. `labels` (n,) int64 index `classes`, -1 where unknown.

    `attributes` maps a name to (n, ...) values; `names` are those of the files the pictures came from. `partners` are what the
    pictures would be in the other of two sets, like `pixels`, where that is known.
    """

    info: DatasetInfo
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    captions: tuple[str, ...] | None = None
    attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    names: tuple[str, ...] | None = None
    partners: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        for array in (self.pixels, self.labels, self.partners, *self.attributes.values()):
            if array is not None:
                array.setflags(write=False)


@dataclass(frozen=True, eq=False)
class RegionDataset:
    """Haplotypes of regions of a genome; `mutation` and `recombination` are rates per base pair and generation, `demes` how many
    populations the haplotypes come from, in equal parts. `truth` is the history that made them, None where nobody knows it."""

    info: DatasetInfo
    regions: Regions
    mutation: float
    recombination: float
    demes: int = 1
    truth: Truth | None = None

    def __post_init__(self) -> None:
        for array in (self.regions.genotypes, self.regions.positions, self.regions.offsets):
            array.setflags(write=False)


@dataclass(frozen=True, eq=False)
class AudioDataset:
    """Clips of sound of one channel: `samples` (N,) int16 of all of them, clip i from `offsets[i]` to `offsets[i + 1]`, of which
    `rate` make a second. `transcripts` say what is spoken, "" where nobody knows. `segments` (m, 3) int64 are stretches of
    `samples` with what sounds there, where that is known: first, behind the last, index into `phones`. `attributes` maps a name
    to (n,) values; `names` are those of the files the clips came from."""

    info: DatasetInfo
    samples: NDArray[np.int16]
    offsets: NDArray[np.int64]
    rate: int
    transcripts: tuple[str, ...] | None = None
    phones: tuple[str, ...] = ()
    segments: NDArray[np.int64] | None = None
    attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for array in (self.samples, self.offsets, self.segments, *self.attributes.values()):
            if array is not None:
                array.setflags(write=False)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(n,) how many samples each clip has."""
        return np.diff(self.offsets)

    def clip(self, index: int) -> NDArray[np.int16]:
        """The samples of a clip."""
        return self.samples[self.offsets[index] : self.offsets[index + 1]]

    def segments_of(self, index: int) -> NDArray[np.int64]:
        """(k, 3) the stretches of a clip, counted from its beginning."""
        if self.segments is None:
            return np.zeros((0, 3), np.int64)
        start, stop = self.offsets[index], self.offsets[index + 1]
        own = self.segments[(self.segments[:, 0] >= start) & (self.segments[:, 1] <= stop)]
        return own - [int(start), int(start), 0]


Dataset: TypeAlias = (
    TextDataset | PairDataset | LabelledDataset | ImageDataset | PointDataset | RowDataset | TaskDataset | RegionDataset
    | AudioDataset
)
