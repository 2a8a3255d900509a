"""Clips of sound on the shelf."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from genstudio.data import npz, store
from genstudio.data.audio import stored
from genstudio.data.datasets import AudioDataset
from genstudio.data.importing.texts import intact
from genstudio.data.info import DatasetInfo, clean_title
from genstudio.data.work import Work


def put_clips(
    dataset: AudioDataset, name: str, source: str, notes: Sequence[str] = (), more: dict[str, object] | None = None,
    anew: bool = False,
) -> Work[DatasetInfo]:  # fmt: skip
    """Clips on the shelf; `more` is kept beside what their card says of them. Raises DataError, StorageError."""
    title, raw = clean_title(name), npz.packed(stored.arrays_of(dataset), compress=False)
    yield 0.95
    details = {**stored.facts(dataset), **(more or {}), **({"notes": list(notes)} if notes else {})}
    with store.staging() as folder:
        with store.writing(folder / "clips.npz") as file:
            file.write(raw)
        return store.put(
            folder, "audio", title, size=len(raw), sha256=hashlib.sha256(raw).hexdigest(), count=len(dataset.lengths),
            source=clean_title(source), details=details, intact=intact, anew=anew,
        )  # fmt: skip
