"""Clips as arrays of a file, and back; the file may come from other people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.audio.samples import from_mu_law, to_mu_law
from genstudio.data.info import DatasetInfo, damaged

if TYPE_CHECKING:
    from genstudio.data.datasets import AudioDataset

LOWEST_RATE, HIGHEST_RATE = 2_000, 192_000
MOST_SAMPLES = 1 << 27
"""Of one dataset: 2.3 hours at 16 kHz, 256 MB."""


def arrays_of(dataset: AudioDataset, *, mu_law: bool = False) -> dict[str, NDArray[Any]]:
    """What a file holds: all samples, 16 bits or 8 by mu-law, how many each clip has, and what is known of them."""
    words = {"transcripts": dataset.transcripts, "names": dataset.names, "phones": dataset.phones}
    found = {
        "samples": to_mu_law(dataset.samples) if mu_law else dataset.samples.astype("<i2"),
        "lengths": dataset.lengths.astype("<u4"),
        "rate": np.array([dataset.rate], "<u4"),
        "words": np.frombuffer(json.dumps(words, ensure_ascii=False).encode("utf-8"), np.uint8),
    }
    if dataset.segments is not None:
        found["segments"] = dataset.segments.astype("<i8")
    return found


def facts(dataset: AudioDataset) -> dict[str, Any]:
    """What a dataset's card says of clips."""
    return {"rate": dataset.rate, "seconds": round(len(dataset.samples) / dataset.rate, 2), **spoken(dataset)}


def spoken(dataset: AudioDataset) -> dict[str, bool]:
    """Whether transcripts are known of at least two clips."""
    return {"transcripts": True} if sum(map(bool, dataset.transcripts or ())) > 1 else {}


def opened(info: DatasetInfo, arrays: Mapping[str, NDArray[Any]]) -> AudioDataset:
    """The dataset whose file holds these arrays. Raises DataError."""
    try:
        return _opened(info, arrays)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise damaged(info) from None


def _opened(info: DatasetInfo, arrays: Mapping[str, NDArray[Any]]) -> AudioDataset:
    from genstudio.data.datasets import AudioDataset

    samples, lengths = np.asarray(arrays["samples"]), np.asarray(arrays["lengths"])
    if samples.ndim != 1 or lengths.ndim != 1 or lengths.dtype.kind != "u" or len(samples) > MOST_SAMPLES:
        raise ValueError("arrays of another kind")
    if samples.dtype == np.uint8:
        samples = from_mu_law(samples)
    elif samples.dtype != np.dtype("<i2"):
        raise ValueError("samples of another type")
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    rate = int(np.asarray(arrays["rate"]).reshape(1)[0])
    if not len(lengths) or not lengths.all() or offsets[-1] != len(samples) or not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError("sizes that do not fit")
    words = json.loads(np.asarray(arrays["words"]).tobytes().decode("utf-8"))
    phones = _strings(words["phones"])
    transcripts, names = (None if words[name] is None else _strings(words[name]) for name in ("transcripts", "names"))
    if any(texts is not None and len(texts) != len(lengths) for texts in (transcripts, names)):
        raise ValueError("words that do not fit")
    segments = arrays.get("segments")
    if segments is not None:
        segments = np.asarray(segments)
        fits = segments.dtype == np.dtype("<i8") and segments.ndim == 2 and segments.shape[1] == 3
        if not fits or (len(segments) and not _inside(segments, len(samples), len(phones))):
            raise ValueError("segments that do not fit")
    return AudioDataset(info, samples.astype(np.int16), offsets, rate, transcripts, phones, segments, names=names)


def _strings(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("not words")
    return tuple(values)


def _inside(segments: NDArray[Any], samples: int, phones: int) -> bool:
    first, behind, which = segments.T
    places = first.min() >= 0 and (first < behind).all() and behind.max() <= samples
    return bool(places and 0 <= which.min() <= which.max() < phones)
