"""Clips of a real voice with what it says, from the announcements of a telephone exchange."""

from __future__ import annotations

import gzip
import io
import re
import wave
from pathlib import Path

import numpy as np

from genstudio.data.audio.measures import QUIET, levels
from genstudio.data.datasets import AudioDataset
from genstudio.data.info import DatasetInfo
from resources_build.packed import Sound, hash_order
from resources_build.sources import Files

COUNT, RATE = 120, 8_000
_SHORTEST, _LONGEST = 0.9, 3.4
"""Seconds."""
_WORDS = re.compile(r"[A-Za-z][A-Za-z' ,.?!-]*")
_EDGE = 5
"""Frames of 20 ms of silence that are kept at either end."""


def telephone_voice(files: Files) -> Sound:
    """Short sentences without numbers in digits, each once, in an order that has nothing to do with them."""
    listed = gzip.decompress(files["usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"]).decode("utf-8")
    found: dict[str, tuple[str, np.ndarray]] = {}
    for line in listed.splitlines():
        name, _, words = line.partition(": ")
        words = " ".join(words.split())
        raw = files.get(f"usr/share/asterisk/sounds/en_US_f_Allison/{name.strip()}.wav")
        if raw is None or not _WORDS.fullmatch(words) or words.lower() in found:
            continue
        samples = _trimmed(_samples(raw))
        if _SHORTEST <= len(samples) / RATE <= _LONGEST and len(words.split()) > 1:
            found[words.lower()] = words, samples
    keys = sorted(found)
    chosen = [found[keys[place]] for place in hash_order([key.encode() for key in keys])][:COUNT]
    if len(chosen) < COUNT:
        raise ValueError(f"only {len(chosen)} clips")
    offsets = np.cumsum([0, *(len(samples) for _, samples in chosen)]).astype(np.int64)
    info = DatasetInfo("telephone-voice", "A telephone voice", "audio", "ships", Path("x"), 0, "")
    return Sound(AudioDataset(info, np.concatenate([s for _, s in chosen]), offsets, RATE, tuple(w for w, _ in chosen)))


def _samples(raw: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(raw)) as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
            raise ValueError("not 16 bits of one channel at 8 kHz")
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def _trimmed(samples: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(levels(samples, RATE) > QUIET)
    if not len(loud):
        return samples[:0]
    width = RATE // 50
    return samples[max(0, loud[0] - _EDGE) * width : (loud[-1] + 1 + _EDGE) * width]
