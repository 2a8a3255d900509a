"""Sound as a file."""

from __future__ import annotations

import io
import wave

import numpy as np
from numpy.typing import NDArray


def wav_of(samples: NDArray[np.int16], rate: int) -> bytes:
    """A WAV file of 16-bit samples (T,) of one channel."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()
