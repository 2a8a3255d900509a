"""Sound files to samples. Runs in a child process: whatever a file does to its decoder ends there.

It imports as little as possible, because a child starts with it. Files are read piece by piece, so that memory grows with the
longest clip and not with the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from genstudio.data.audio.measures import QUIET, levels
from genstudio.data.audio.samples import Resampler, to_int16
from genstudio.data.audio.stored import HIGHEST_RATE, LOWEST_RATE

PIECE, DONE, BROKEN, RATE = b"c", b"f", b"x", b"h"
"""What a child says: a piece of a clip (samples), the end of a file (JSON), why a file cannot be used, what a file is (JSON)."""
_MEMORY = 2 << 30
_FRAMES, _CHANNELS = 16_384, 32
_LEAST = 0.02
"""Seconds of a piece below which it is not worth keeping."""
_EDGE = 3
"""Frames of 20 ms that trimming leaves at either end."""
_WHOLE = 0.98
_STRANGERS: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", "is an MP4, M4A or MOV file (video or AAC sound), which may be protected"),
    (0, b"\x1aE\xdf\xa3", "is a Matroska or WebM file (video)"),
    (0, b"0&\xb2u", "is a Windows Media file (WMA or WMV), which may be protected"),
    (0, b"FORM", "is an AIFF file"),
    (8, b"AVI ", "is an AVI file (video)"),
    (0, b"\x00\x00\x01\xba", "is an MPEG video"),
    (0, b"#!AMR", "is an AMR file"),
    (0, b"%PDF", "is a PDF file"),
    (0, b"PK\x03\x04", "is a zip archive"),
)
_SAVE = "; save it as WAV or FLAC with a sound editor such as Audacity"


class BrokenSoundError(Exception):
    """Why a file cannot be used, in words."""


def what_it_is(start: bytes) -> str:
    """wav, flac, vorbis or mp3, by the first 64 bytes of a file whatever its name; else BrokenSoundError in words."""
    if start[:4] in (b"RIFF", b"RIFX", b"RF64") and start[8:12] == b"WAVE":
        return "wav"
    if start[:4] == b"fLaC":
        return "flac"
    if start[:4] == b"OggS":
        if b"OpusHead" in start:
            raise BrokenSoundError(f"is an Opus file{_SAVE}")
        if b"\x01vorbis" not in start:
            raise BrokenSoundError(f"is an Ogg file without Vorbis sound{_SAVE}")
        return "vorbis"
    for place, mark, words in _STRANGERS:
        if start[place : place + len(mark)] == mark:
            raise BrokenSoundError(f"{words}{_SAVE}")
    if start[:3] == b"ID3" or (len(start) > 1 and start[0] == 0xFF and start[1] & 0xE6 in (0xE2, 0xE4, 0xE6)):
        return "mp3"
    raise BrokenSoundError("is empty" if not start else "is not a WAV, FLAC, Ogg Vorbis or MP3 file, whatever its name says")


def described(path: Path) -> dict[str, Any]:
    """Format, rate, channels, frames and seconds by the beginning of a file. Raises BrokenSoundError."""
    import miniaudio

    try:
        with path.open("rb") as file:
            start = file.read(64)
        kind = what_it_is(start)
        info = getattr(miniaudio, f"{kind}_get_file_info")(str(path))
    except OSError as error:
        raise BrokenSoundError(f"cannot be read ({error.strerror})") from None
    except miniaudio.MiniaudioError:
        raise BrokenSoundError("is damaged: its header cannot be read") from None
    rate, channels, frames = int(info.sample_rate), int(info.nchannels), int(info.num_frames)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise BrokenSoundError(f"has {rate:,} samples per second; {LOWEST_RATE:,} to {HIGHEST_RATE:,} can be read")
    if not 1 <= channels <= _CHANNELS:
        raise BrokenSoundError(f"has {channels} channels; at most {_CHANNELS} can be read")
    said = 8 + int.from_bytes(start[4:8], "little") if start[:4] == b"RIFF" and start[4:8] not in (b"\0" * 4, b"\xff" * 4) else 0
    return {"format": kind, "rate": rate, "channels": channels, "frames": frames, "cut": said > path.stat().st_size + 1}


def pieces(path: Path, what: dict[str, Any], rate: int, longest: float, trim: bool) -> Iterator[np.ndarray[Any, Any]]:
    """The file as clips of int16 of one channel, none longer than `longest` seconds; `what` is told how much was `decoded`.
    Raises BrokenSoundError."""
    import miniaudio

    channels, most = what["channels"], max(1, round(longest * rate))
    resampler, held, decoded = Resampler(what["rate"], rate), np.zeros(0, np.int16), 0
    try:
        stream = miniaudio.stream_file(str(path), miniaudio.SampleFormat.FLOAT32, channels, what["rate"], _FRAMES)
        for block in stream:
            frames = np.frombuffer(block, np.float32).reshape(-1, channels)
            decoded += len(frames)
            mixed = np.nan_to_num(frames.mean(1, dtype=np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
            held = np.concatenate([held, to_int16(resampler.push(np.clip(mixed, -8, 8)))])
            while len(held) >= most:
                yield _trimmed(held[:most], rate) if trim else held[:most]
                held = held[most:]
    except (miniaudio.MiniaudioError, ValueError):
        if not decoded:
            raise BrokenSoundError("is damaged: nothing in it can be decoded") from None
    held = np.concatenate([held, to_int16(resampler.finish())])
    if len(held):
        yield _trimmed(held, rate) if trim else held
    what["decoded"] = decoded
    if not decoded:
        raise BrokenSoundError("contains no sound: it is zero seconds long")
    if what["cut"] or decoded < _WHOLE * what["frames"]:
        what["short"] = True


def serve(connection: Connection) -> None:
    """The life of a child: reads requests, JSON of a path with rate, longest and trim; a rate of 0 asks only what a file is."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except (ImportError, OSError, ValueError):
        pass
    while True:
        try:
            _answer(json.loads(connection.recv_bytes()), connection.send_bytes)
        except (EOFError, OSError):
            return


def _answer(wanted: dict[str, Any], say: Callable[[bytes], object]) -> None:
    try:
        path = Path(wanted["path"])
        what = described(path)
        if not wanted["rate"]:
            say(RATE + json.dumps(what).encode())
            return
        least = round(_LEAST * wanted["rate"])
        for piece in pieces(path, what, wanted["rate"], wanted["longest"], wanted["trim"]):
            if len(piece) >= least:
                say(PIECE + piece.astype("<i2").tobytes())
        say(DONE + json.dumps(what).encode())
    except BrokenSoundError as error:
        say(BROKEN + str(error).encode())
    except MemoryError:
        say(BROKEN + b"needs too much memory")
    except ImportError:
        say(BROKEN + b"cannot be read here: the package miniaudio is not installed")


def _trimmed(samples: np.ndarray[Any, Any], rate: int) -> np.ndarray[Any, Any]:
    """Without the silence at both ends; nothing where all is silence."""
    loud = np.flatnonzero(levels(samples, rate) > QUIET)
    width = max(1, rate // 50)
    return samples[max(0, loud[0] - _EDGE) * width : (loud[-1] + 1 + _EDGE) * width] if len(loud) else samples[:0]
