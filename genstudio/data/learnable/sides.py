"""Two sets of pictures that a model learns to turn into each other: two datasets, or two parts of one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import ImageDataset
from genstudio.data.learnable import samples
from genstudio.data.learnable.samples import SampleData, Shape
from genstudio.data.split import SplitSettings, split_items
from genstudio.errors import ConfigError, DataError, Problem

A, B = 0, 1
_NONE, _MOST_VALUES, _LEAST = "none", 60, 4
_HELD = SplitSettings("random", 0.1)


@dataclass(frozen=True, eq=False)
class SideData(SampleData):
    """The pictures of both sets behind each other; the class of each, in `labels`, is its set: A (0) or B (1), which are named
    in `shape.classes`. `partners` (n, h, w, c) uint8 are what the pictures would be in the other set, where that is known.
    `second` says which dataset B is from: id, hash and title, empty where that is the one of A.
    """

    partners: NDArray[np.uint8] | None = None
    second: Mapping[str, str] = field(default_factory=dict)

    def of(self, chosen: NDArray[np.int64], side: int) -> NDArray[np.int64]:
        """Those of the chosen pictures (n,) that belong to a set."""
        return chosen if self.labels is None or not len(chosen) else chosen[self.labels[chosen] == side]

    @property
    def sides(self) -> tuple[str, str]:
        """The names of both sets."""
        first, second = self.shape.classes
        return first, second


def parts(dataset: ImageDataset) -> dict[str, NDArray[np.bool_]]:
    """By name, which pictures (n,) a set may be made of: the classes; `with glasses` and `without glasses` where an attribute
    may be missing; `hair=short` for every value, or what comes before its number."""
    found: dict[str, NDArray[np.bool_]] = {}
    if dataset.labels is not None:
        found |= {name: dataset.labels == number for number, name in enumerate(dataset.classes)}
    for name, values in dataset.attributes.items():
        if values.ndim != 1 or values.dtype.kind not in "US":
            continue
        words = values.tolist()
        if _NONE in words:
            missing = values == _NONE
            found |= {f"with {name}": ~missing, f"without {name}": missing}
        stems = np.array([re.sub(r"(?<=[^\W\d_])\d+$", "", word) for word in words])
        for each in (stems, values):
            different = np.unique(each)
            if 1 < len(different) <= _MOST_VALUES:
                found |= {f"{name}={value}": each == value for value in different.tolist() if value != _NONE}
    return {name: mask for name, mask in found.items() if mask.sum() >= _LEAST}


def from_sides(
    first: ImageDataset, second: ImageDataset | None, from_: str = "", to: str = "", examples: int = 0
) -> SideData:
    """Pictures of `first` for A and of `second` for B, or of two parts of `first` where there is no second one; `from_` and
    `to` name the parts (see `parts`; empty: all pictures, or the first two classes). A tenth of each set is held back; the
    first `examples` of the others are used (0: all).

    Raises ConfigError with the setting of each problem, DataError for sets of too few or equal pictures.
    """
    other = first if second is None else second
    if second is None and not (from_ and to):
        found = list(parts(first))
        if not from_:
            from_ = next((name for name in found if name != to), "")
        if not to:
            to = next((name for name in found if name != from_), "")
        if not (from_ and to):
            raise ConfigError([Problem("data_b", f"'{first.info.title}' does not have two classes; choose a second dataset")])
    problems = [*_fit(first, other)]
    if second is None and from_ == to:
        problems.append(Problem("to", f"both sets are '{to}'; choose another class"))
    masks = []
    for name, dataset, wanted in (("from_", first, from_), ("to", other, to)):
        known = {"": np.ones(len(dataset.pixels), bool)} if not wanted else parts(dataset)
        if wanted not in known:
            problems.append(Problem(name, _unknown(wanted, dataset, tuple(known))))
        masks.append(known.get(wanted))
    if problems:
        raise ConfigError(problems)
    in_a, in_b = masks
    assert in_a is not None and in_b is not None
    if second is None:
        in_a, in_b = in_a & ~in_b, in_b & ~in_a
    named = from_ or first.info.title, to or other.info.title
    chosen = [_few(first, np.flatnonzero(in_a), named[A]), _few(other, np.flatnonzero(in_b), named[B])]
    counts = [len(one) for one in chosen]
    train, held = [], []
    for count, start in zip(counts, (0, counts[0]), strict=True):
        known_train, known_held = split_items(count, _HELD)
        train.append(start + known_train[: examples or None])
        held.append(start + known_held)
    pixels = np.concatenate([first.pixels[chosen[A]], other.pixels[chosen[B]]])
    partners = None
    if first.partners is not None and other.partners is not None and first.info.sha256 == other.info.sha256:
        partners = np.concatenate([first.partners[chosen[A]], other.partners[chosen[B]]])
    source = hashlib.sha256("\n".join((first.info.sha256, other.info.sha256, from_, to)).encode()).hexdigest()
    said = {} if second is None else {"id": other.info.id, "hash": other.info.sha256, "title": other.info.title}
    _, height, width, channels = pixels.shape
    return SideData(
        Shape("images", height, width, channels, named), pixels, np.repeat(np.array([A, B], np.int64), counts),
        np.concatenate(train), np.concatenate(held), np.zeros(2, np.float32), 1.0, (0.0, 1.0, 0.0, 1.0), source=source,
        partners=partners, second=said,
    )  # fmt: skip


def metadata(data: SideData) -> dict[str, Any]:
    """What a run holds to be opened without its datasets."""
    said = samples.metadata(data)
    return {"data.json": {**said["data.json"], "second": dict(data.second), "partners": data.partners is not None}}


def from_metadata(kept: Mapping[str, Any]) -> SideData:
    """Data without content, enough to turn pictures. Raises DataError for anything but what `metadata` gave."""
    plain = samples.from_metadata(kept)
    if plain.shape.kind != "images" or len(plain.shape.classes) != 2:
        raise DataError("data.json of this run is damaged.", "Copy it from a backup.")
    none = np.zeros((0, *plain.real.shape[1:]), np.uint8) if kept["data.json"].get("partners") else None
    return SideData(**{each.name: getattr(plain, each.name) for each in fields(plain)}, partners=none, second=second_of(kept))


def second_of(kept: Mapping[str, Any]) -> Mapping[str, str]:
    """Which dataset the set B of a run is from: id, hash and title; empty where there is only one."""
    said = kept.get("data.json", {}).get("second") or {}
    return {name: str(said.get(name, "")) for name in ("id", "hash", "title")} if isinstance(said, dict) and said else {}


def _fit(first: ImageDataset, other: ImageDataset) -> list[Problem]:
    """What keeps the pictures of two datasets from being turned into each other."""
    (high, wide, channels), (high_b, wide_b, channels_b) = first.pixels.shape[1:], other.pixels.shape[1:]
    names = f"'{first.info.title}'", f"'{other.info.title}'"
    found = []
    if (high, wide) != (high_b, wide_b):
        found.append(Problem("data_b", f"the pictures of {names[1]} have {wide_b} x {high_b} pixels, those of {names[0]} "
            f"{wide} x {high}; import one of them again in the size of the other"))  # fmt: skip
    if channels != channels_b:
        grey, colour = names if channels == 1 else names[::-1]
        said = f"the pictures of {grey} are grey and those of {colour} in colour; import {colour} again in grey"
        found.append(Problem("data_b", said))
    return found


def _unknown(wanted: str, dataset: ImageDataset, known: tuple[str, ...]) -> str:
    few = [name for name in (*dataset.classes, wanted) if name == wanted]
    if len(few) > 1:
        return f"the class '{wanted}' of '{dataset.info.title}' has fewer than {_LEAST} pictures; choose another one"
    if not known:
        return f"'{dataset.info.title}' has no classes, so there is no '{wanted}'; leave this empty"
    listed = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    return f"'{dataset.info.title}' has no class '{wanted}'; it has {listed}"


def _few(dataset: ImageDataset, chosen: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    """The chosen pictures. Raises DataError where they are too few, or all the same."""
    count = len(chosen)
    if count < _LEAST:
        has = "only one picture" if count == 1 else f"only {count} pictures" if count else "no pictures"
        hint = "Each of the two sets needs dozens at least: add pictures."
        raise DataError(f"The set '{name}' has {has}.", hint, dataset.info.place)
    if (dataset.pixels[chosen] == dataset.pixels[chosen[:1]]).all():
        raise DataError(f"All {count:,} pictures of the set '{name}' are the same.", "Choose another set.", dataset.info.place)
    return chosen
