"""Checks of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.checks import similar
from genstudio.data.checks.captions import check_captions
from genstudio.data.checks.finding import Example, Finding, many, repeated, share, shown
from genstudio.data.datasets import ImageDataset
from genstudio.data.split import SplitSettings, split_items
from genstudio.data.work import Work, scaled

_FEW = 200
_DIM = 64
_FEW_OF_CLASS = 10
_IMBALANCE = 4


def check_images(dataset: ImageDataset, parameters: int | None, split: SplitSettings) -> Work[tuple[Finding, ...]]:
    """Everything that can be said of pictures before training; yields the fraction done."""
    found = [*_amounts(dataset, parameters), *_classes(dataset), *_imported(dataset), *_notes(dataset)]
    yield 0.0
    found += check_captions(dataset, split)
    pixels = dataset.pixels
    constant: list[int] = []
    levels = np.zeros(256, np.int64)
    for start in range(0, len(pixels), 256):
        levels += np.bincount(pixels[start : start + 256].reshape(-1), minlength=256)
        part = pixels[start : start + 256].reshape(len(pixels[start : start + 256]), -1)
        constant += (np.flatnonzero(part.max(axis=1) == part.min(axis=1)) + start).tolist()
        yield 0.2 * min(1.0, (start + 256) / len(pixels))
    found += _brightness(levels, len(pixels))
    if constant:
        found.append(Finding(
            "no single-colour pictures", "warning", f"{many(len(constant), 'picture has', 'pictures have')} only one "
            "colour.",
            len(constant),
            _named(dataset, constant), "Remove them.",
        ))  # fmt: skip
    keys = yield from scaled(similar.picture_keys(pixels), 0.2, 0.4)
    again = similar.repeats(keys)
    if again:
        found.append(Finding(
            "no duplicate pictures", "warning" if len(again) > 0.01 * len(keys) else "info",
            repeated(len(again), len(keys), "pictures"), len(again),
            _named(dataset, [two for _, two in again]), "Remove the duplicates.",
        ))  # fmt: skip
    found += _leak(dataset, keys, split)
    near = yield from scaled(similar.near_pictures(pixels, keys), 0.4, 1.0)
    if near:
        found.append(Finding(
            "no near-duplicate pictures", "info" if len(near) < 0.02 * len(keys) else "warning",
            repeated(len(near), len(keys), "pictures", "near-"), len(near),
            _named(dataset, [two for _, two in near]), "Keep one of each, unless they are intended.",
        ))  # fmt: skip
    return tuple(found)


def _amounts(dataset: ImageDataset, parameters: int | None) -> list[Finding]:
    found, count = [], len(dataset.pixels)
    if count < _FEW:
        found.append(Finding(
            f"at least {_FEW} pictures", "error" if count < 2 else "warning",
            f"There are {count:,} pictures: a model will memorise them.", count, (), "Add more pictures.",
        ))  # fmt: skip
    if parameters is not None and parameters > 2 * dataset.pixels.size:
        found.append(Finding(
            "at most two parameters per pixel", "warning",
            f"The model has {parameters:,} parameters for {dataset.pixels.size:,} pixel values in total.", count, (),
            "Use a smaller model or more pictures.",
        ))  # fmt: skip
    return found


def _classes(dataset: ImageDataset) -> list[Finding]:
    if dataset.labels is None or not dataset.classes:
        return []
    found = []
    labels = dataset.labels
    unknown = np.flatnonzero(labels < 0)
    counts = np.bincount(labels[labels >= 0], minlength=len(dataset.classes))
    order = np.argsort(counts, kind="stable").tolist()
    listed = [f"{dataset.classes[place]}: {counts[place]:,}" for place in order]
    firsts = [int(np.argmax(labels == place)) if counts[place] else None for place in order]
    if len(unknown):
        found.append(Finding(
            "every picture has a class", "warning", f"{many(len(unknown), 'picture has', 'pictures have')} no class.",
            len(unknown), _named(dataset, unknown.tolist()), "Move them into the class folders.",
        ))  # fmt: skip
    if len(dataset.classes) < 2:
        found.append(Finding(
            "at least two classes", "info", "There is only one class.", 1, shown(listed, firsts),
            "A classifier needs at least two.",
        ))  # fmt: skip
    few = int(np.count_nonzero(counts < _FEW_OF_CLASS))
    if few:
        found.append(Finding(
            f"at least {_FEW_OF_CLASS} pictures per class", "warning",
            f"{few:,} of {len(counts):,} classes have fewer than {_FEW_OF_CLASS} pictures.", few, shown(listed, firsts),
            "Add pictures to these classes, or leave them out.",
        ))  # fmt: skip
    elif counts.max() > _IMBALANCE * counts.min():
        found.append(Finding(
            f"no class more than {_IMBALANCE} times as large as another", "warning",
            f"The classes are unbalanced, with {counts.min():,} to {counts.max():,} pictures.",
            int(np.count_nonzero(counts * _IMBALANCE < counts.max())),
            shown([*listed[:3], *listed[-2:]], [*firsts[:3], *firsts[-2:]]),
            "Add pictures to the small classes, or remove some from the large ones.",
        ))  # fmt: skip
    return found


def _imported(dataset: ImageDataset) -> list[Finding]:
    """What the import has noted: broken files, and sizes."""
    found = []
    details = dataset.info.details
    broken, sizes = _list(details.get("broken")), _list(details.get("sizes"))
    if broken:
        count = details.get("broken_count")
        count = count if type(count) is int else len(broken)
        names = [" ".join(map(str, entry)) for entry in broken if isinstance(entry, list)]
        found.append(Finding(
            "every file can be read", "info",
            f"{many(count, 'file', 'files')} could not be read and {'was' if count == 1 else 'were'} skipped.", count,
            shown(names), "Fix or remove these files, and import the pictures again.",
        ))  # fmt: skip
    told = [
        entry for entry in sizes if isinstance(entry, list) and len(entry) == 3 and all(type(n) is int for n in entry)
    ]
    high, wide = dataset.pixels.shape[1:3]
    if len(told) > 1:
        found.append(Finding(
            "pictures of one size", "info",
            f"The pictures had {len(told)}{' or more' if len(told) >= 50 else ''} sizes; all were resized to {wide} x "
            f"{high}.", sum(entry[2] for entry in told),
            shown([f"{w} x {h}: {n:,}" for w, h, n in told]), "To choose the size and fit yourself, duplicate the "
            "dataset.",
        ))  # fmt: skip
    small = sum(entry[2] for entry in told if entry[0] < wide / 2 or entry[1] < high / 2)
    if small:
        found.append(Finding(
            "no picture is enlarged more than twice", "warning",
            f"{many(small, 'picture is', 'pictures are')} less than half as large as {wide} x {high} and will look "
            "blurry.", small, (),
            "Choose a smaller size, or remove the small pictures.",
        ))  # fmt: skip
    return found


def _brightness(levels: NDArray[np.int64], count: int) -> list[Finding]:
    """Whether nearly all pixels are dark, or bright, by how many there are of each value."""
    found = []
    for word, extreme, side, order in (("black", "brightest", "less", levels), ("white", "darkest", "more", levels[::-1])):
        last = int(np.flatnonzero(order)[-1])
        nearly = int(np.searchsorted(np.cumsum(order), 0.999 * order.sum()))
        if last < _DIM:
            said = f"the {extreme} pixel is {last if word == 'black' else 255 - last} of 255"
        elif nearly < _DIM // 2:
            said = f"999 of 1,000 pixels are {nearly if word == 'black' else 255 - nearly} of 255 or {side}"
        else:
            continue
        found.append(Finding(
            f"pictures are not nearly {word}", "warning", f"The pictures are nearly {word}: {said}.", count, (),
            "Import them again with the actual range of their values, such as 0..16.",
        ))  # fmt: skip
    return found


def _notes(dataset: ImageDataset) -> list[Finding]:
    """What the import decided or left out, in its own words."""
    return [
        Finding("decisions made by the import", "info", note, len(dataset.pixels), (), "Import again if this is not "
            "what you want.")
        for note in _list(dataset.info.details.get("notes"))
        if isinstance(note, str) and note
    ]


def _leak(dataset: ImageDataset, keys: list[bytes], split: SplitSettings) -> list[Finding]:
    if len(keys) < 2:
        return []
    train, validation = split_items(len(keys), split, dataset.names)
    known = {keys[place] for place in train.tolist()}
    both = [place for place in validation.tolist() if keys[place] in known]
    if not both:
        return []
    return [Finding(
        "no picture in both training and validation", "warning",
        f"{len(both):,} of {len(validation):,} validation pictures ({share(len(both), len(validation))}) also occur "
        "in the training part.", len(both), _named(dataset, both), "Remove the duplicates.",
    )]  # fmt: skip


def _named(dataset: ImageDataset, places: list[int]) -> tuple[Example, ...]:
    return shown([dataset.names[place] if dataset.names else f"picture {place + 1}" for place in places[:5]], places)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
