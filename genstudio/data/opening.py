"""Opening a dataset of the shelf: its content, checked against what the shelf knows of it."""

from __future__ import annotations

from genstudio.data.datasets import Dataset, TextDataset
from genstudio.data.info import DatasetInfo, content, damaged
from genstudio.errors import DataError


def open_dataset(info: DatasetInfo) -> Dataset:
    """Read a dataset whole. Raises DataError where its file is missing or no longer the one that was put there."""
    if info.details.get("generator") is not None and info.origin != "imported":
        from genstudio.data import generators

        return generators.make(info)
    if info.kind == "text":
        return _open_text(info)
    if info.origin == "ships":
        from genstudio.data import shipped

        return shipped.read(info)
    from genstudio.data.importing.stored import read

    return read(info)


def open_text(info: DatasetInfo) -> TextDataset:
    """The same for a text. Raises DataError for a dataset of another kind."""
    dataset = open_dataset(info) if info.kind == "text" else None
    if not isinstance(dataset, TextDataset):
        raise DataError(f"'{info.title}' is not a text.", "Choose a text.", info.place)
    return dataset


def _open_text(info: DatasetInfo) -> TextDataset:
    try:
        return TextDataset(info, content(info).decode("utf-8"))
    except UnicodeDecodeError:
        raise damaged(info) from None
