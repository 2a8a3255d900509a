"""Pictures with the classes that a model learns to name: those of a dataset, or those that an attribute gives."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import ImageDataset
from genstudio.data.learnable.samples import SampleData, Shape
from genstudio.data.split import SplitSettings, split_items
from genstudio.errors import ConfigError, DataError, Problem

_MOST, _NUMBER = 100, re.compile(r"^([^\W\d_]+)\d+$")


@dataclass(frozen=True, eq=False)
class Classes:
    """`labels` (n,) int64 index `names`, -1 where unknown."""

    labels: NDArray[np.int64]
    names: tuple[str, ...]


def attributes(dataset: ImageDataset) -> dict[str, Classes]:
    """The classes that each attribute gives by its name: its values without their numbers (`short01` is `short`), where these
    are at least two; else its values; else whether there is something or `none`."""
    found: dict[str, Classes] = {}
    for name, values in dataset.attributes.items():
        if values.ndim != 1 or values.dtype.kind not in "US":
            continue
        stems = np.array([_NUMBER.sub(r"\1", word) for word in values.tolist()])
        if set(stems.tolist()) == {"none", "variant"}:
            stems = np.where(stems == "none", f"without {name}", f"with {name}")
        for each in (stems, values):
            names, labels = np.unique(each, return_inverse=True)
            if 1 < len(names) <= _MOST:
                found[name] = Classes(labels.reshape(-1).astype(np.int64), tuple(names.tolist()))
                break
    return found


def classes_of(dataset: ImageDataset, attribute: str = "") -> Classes | None:
    """The classes of a dataset, or of one of its attributes; None where it has none and no attribute is named. Raises
    ConfigError at `target` for an attribute that it does not have."""
    if not attribute:
        return None if dataset.labels is None else Classes(dataset.labels, dataset.classes)
    known = attributes(dataset)
    if attribute not in known:
        listed = ", ".join(known)
        said = f"it has {listed}" if known else "it has none, so leave this empty"
        raise ConfigError([Problem("target", f"'{dataset.info.title}' has no attribute '{attribute}'; {said}")])
    return known[attribute]


def with_classes(dataset: ImageDataset, split: SplitSettings, attribute: str = "", *, needed: bool = True) -> SampleData:
    """Pictures with the class of each (-1: unknown), some kept from training. Where classes are `needed`, pictures without one
    are in neither part: what is kept is the same whether they are or not.

    Raises DataError for fewer than two different pictures, and for no classes or one where they are needed; ConfigError, see
    `classes_of`.
    """
    info, pixels = dataset.info, dataset.pixels
    n, height, width, channels = pixels.shape
    if n < 2:
        raise DataError(f"'{info.title}' has only one picture.", "A model needs hundreds: add more pictures.", info.place)
    if (pixels == pixels[:1]).all():
        raise DataError(f"All {n:,} pictures of '{info.title}' are the same.", "Choose another dataset.", info.place)
    found = classes_of(dataset, attribute.strip())
    train, held = split_items(n, split)
    if needed:
        found = _told_apart(dataset, found)
        train, held = (part[found.labels[part] >= 0] for part in (train, held))
        if not len(train) or not len(held):
            raise DataError(
                f"Too few pictures of '{info.title}' have a class: none is left to {'train' if not len(train) else 'test'} with.",
                "Give more pictures a class: a folder for each class.", info.place,
            )  # fmt: skip
    shape = Shape("images", height, width, channels, () if found is None else found.names)
    empty, labels = np.zeros(2, np.float32), None if found is None else found.labels
    return SampleData(shape, pixels, labels, train, held, empty, 1.0, (0.0, 1.0, 0.0, 1.0), source=info.sha256)


def _told_apart(dataset: ImageDataset, found: Classes | None) -> Classes:
    """The same classes, which are at least two. Raises DataError."""
    info = dataset.info
    if found is None:
        known = ", ".join(attributes(dataset))
        hint = f"Choose one of its attributes as the classes: {known}." if known else (
            "Choose a dataset with classes, such as a folder with a folder for each class; or a task that needs none, masked or "
            "views."
        )  # fmt: skip
        raise DataError(f"The pictures of '{info.title}' have no classes, and a classifier learns to name them.", hint,
                        info.place)
    different = np.unique(found.labels[found.labels >= 0])
    if len(different) < 2:
        only = f"the class '{found.names[int(different[0])]}'" if len(different) else "no class"
        raise DataError(
            f"All pictures of '{info.title}' have {only}: there is nothing to tell apart.",
            "Choose pictures of at least two classes: a folder for each class.", info.place,
        )  # fmt: skip
    return found
