"""The shipped forms, as bytes that depend on the content only."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data import npz
from genstudio.data.audio import stored as clips
from genstudio.data.datasets import AudioDataset
from genstudio.data.population import stored
from genstudio.data.population.coalescent import Regions
from genstudio.data.population.history import Truth


@dataclass(frozen=True)
class Text:
    text: str

    suffix = "txt.gz"
    kind = "text"

    def content(self) -> tuple[int, str]:
        """Bytes and SHA-256 of what is in the file, however it is packed."""
        raw = self.text.encode("utf-8")
        return len(raw), hashlib.sha256(raw).hexdigest()

    def packed(self) -> bytes:
        return gzipped(self.text)

    def facts(self) -> dict[str, Any]:
        return {"count": len(self.text)}


@dataclass(frozen=True)
class Pairs:
    """Rows of two texts, and what the two columns are called."""

    names: tuple[str, str]
    rows: Sequence[tuple[str, str]]

    suffix = "tsv.gz"
    kind = "pairs"

    def table(self) -> str:
        """Two columns with a tab between them, the names in the first line."""
        for row in (self.names, *self.rows):
            if any(
                not cell or cell != cell.strip() or set(cell) & set("\t\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029")
                for cell in row
            ):
                raise ValueError(f"not a row of a table: {row}")
        return "".join(f"{left}\t{right}\n" for left, right in (self.names, *self.rows))

    def content(self) -> tuple[int, str]:
        return Text(self.table()).content()

    def packed(self) -> bytes:
        return gzipped(self.table())

    def facts(self) -> dict[str, Any]:
        longest = [max(len(row[side]) for row in self.rows) for side in (0, 1)]
        return {"count": len(self.rows), "details": {"columns": list(self.names), "longest": longest}}


@dataclass(frozen=True, eq=False)
class Pictures:
    """`pixels` (n, h, w, c) uint8; `labels` (n,) index `classes`; `attributes` are (n,) words."""

    pixels: NDArray[np.uint8]
    labels: Sequence[int] | None = None
    classes: Sequence[str] = ()
    captions: Sequence[str] | None = None
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    suffix = "npz"
    kind = "images"

    def arrays(self) -> dict[str, NDArray[Any]]:
        found: dict[str, NDArray[Any]] = {"pixels": np.ascontiguousarray(self.pixels, np.uint8)}
        if self.labels is not None:
            found |= {"labels": np.array(self.labels, np.uint8), "classes": _words(self.classes)}
        if self.captions is not None:
            found["captions"] = _words(self.captions)
        return found | {f"attribute_{name}": _words(values) for name, values in self.attributes.items()}

    def content(self) -> tuple[int, str]:
        """Bytes of all arrays, and their SHA-256."""
        return npz.digest(self.arrays())

    def packed(self) -> bytes:
        return npz.packed(self.arrays())

    def facts(self) -> dict[str, Any]:
        count, height, width, channels = self.pixels.shape
        details: dict[str, Any] = {"height": height, "width": width, "channels": channels}
        if self.labels is not None:
            counted = Counter(self.labels)
            details["classes"] = list(self.classes)
            details["class_counts"] = [counted[i] for i in range(len(self.classes))]
        if self.captions is not None:
            details["captions"] = True
        if self.attributes:
            details["attributes"] = {name: len(set(values)) for name, values in self.attributes.items()}
        return {"count": count, "details": details}


@dataclass(frozen=True, eq=False)
class Genomes:
    """Regions of a population whose history is known."""

    regions: Regions
    mutation: float
    recombination: float
    truth: Truth

    suffix = "npz"
    kind = "regions"

    def content(self) -> tuple[int, str]:
        """Bytes of all arrays, and their SHA-256."""
        return npz.digest(stored.arrays_of(self.regions))

    def packed(self) -> bytes:
        return stored.packed(self.regions)

    def facts(self) -> dict[str, Any]:
        details = stored.facts(self.regions, self.mutation, self.recombination, 1, self.truth)
        return {"count": len(self.regions), "details": details}


@dataclass(frozen=True, eq=False)
class Sound:
    """Clips with transcripts, 8 bits a sample by mu-law."""

    dataset: AudioDataset

    suffix = "npz"
    kind = "audio"

    def content(self) -> tuple[int, str]:
        """Bytes of all arrays, and their SHA-256."""
        return npz.digest(clips.arrays_of(self.dataset, mu_law=True))

    def packed(self) -> bytes:
        return npz.packed(clips.arrays_of(self.dataset, mu_law=True))

    def facts(self) -> dict[str, Any]:
        return {"count": len(self.dataset.lengths), "details": clips.facts(self.dataset)}


Content = Text | Pairs | Pictures | Genomes | Sound


def gzipped(text: str) -> bytes:
    """gzip without time, name and system, so that the same text gives the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(text.encode("utf-8"))
    return buffer.getvalue()


def hash_order(keys: Sequence[bytes]) -> list[int]:
    """An order that has nothing to do with the content: by SHA-256, so that any stretch is like the rest."""
    return sorted(range(len(keys)), key=lambda i: hashlib.sha256(keys[i]).digest())


def _words(values: Sequence[str]) -> NDArray[Any]:
    found = np.array(list(values), dtype=np.str_)
    return found.astype(found.dtype.newbyteorder("<"))
