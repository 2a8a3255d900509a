"""Encoded pictures to pixels. Runs in a child process: whatever a picture does to its decoder ends there.

It imports as little as possible, because a child starts with it.
"""

from __future__ import annotations

import io
import json
import struct
import time
import warnings
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError, features

from genstudio.data.importing.scale import BYTES, Limits, Spread, joined, to_bytes

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "PPM", "TIFF", *(("AVIF",) if features.check("avif") else ()))
LARGEST = 100_000_000
"""The most pixels that are decoded, of a JPEG after its own reduction."""
_BAND = 1 << 22
ALIVE = b"alive"
"""What a child says now and then while it decodes a batch that takes long."""
_ORIENTATION = 0x0112
_TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,), 3: (Image.Transpose.ROTATE_180,), 4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,), 6: (Image.Transpose.ROTATE_270,), 7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}  # fmt: skip

_ERRORS = (
    OSError, ValueError, SyntaxError, TypeError, LookupError, AttributeError, ArithmeticError, EOFError, RuntimeError,
    AssertionError, MemoryError, Image.DecompressionBombError, struct.error, zlib.error,
)  # fmt: skip


_TOO_LARGE = f"at most {LARGEST // 1_000_000} megapixels can be decoded"
_UPRIGHT = ("TIFF",)
"""Formats that Pillow turns upright by itself."""


class BrokenPictureError(Exception):
    """Why a picture cannot be used, in words."""


class Decoded(NamedTuple):
    """Pixels (h, w, 1 or 3), the picture's own (width, height) and its mode; `spread` where it holds numbers of more
    than 8 bits."""

    pixels: NDArray[np.uint8]
    size: tuple[int, int]
    mode: str
    spread: Spread | None


def decode(
    raw: bytes,
    size: tuple[int, int] | None,
    fit: str,
    grey: bool,
    scale: Limits | None = None,
    scale_bytes: bool = False,
) -> Decoded:
    """`size` is the (width, height) to make of the picture, None to keep its own. One channel where it is grey, or
    `grey`. The first frame of an animation, upright, on white where it is transparent.

    `scale` are the values that become black and white where a picture holds numbers of more than 8 bits, None to decide
    it by this picture alone; `scale_bytes` where it holds for all pictures. Raises BrokenPictureError.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(raw), formats=FORMATS)
            own, mode = image.size, image.mode
            if image.format in ("JPEG", "MPO") and size is not None:
                image.draft(None, _least(own, size, fit))
            _refuse_bomb(image)
            image.load()
            own = image.size if image.format in _UPRIGHT else own
            orientation = 1 if image.format in _UPRIGHT else _orientation(image)
            spread = _spread(image) if _holds_numbers(image) else None
            limits = BYTES if spread is None and not scale_bytes else scale or (spread.limits() if spread else BYTES)
            picture = _reduced(image, size, grey, limits)
            for turn in _TURNS.get(orientation, ()):
                picture = picture.transpose(turn)
        except BrokenPictureError:
            raise
        except Image.DecompressionBombError:
            raise BrokenPictureError(_TOO_LARGE) from None
        except UnidentifiedImageError:
            raise BrokenPictureError("is not a picture of a known format, or its header is damaged") from None
        except MemoryError:
            raise BrokenPictureError("needs too much memory") from None
        except _ERRORS as error:
            raise BrokenPictureError(f"is damaged ({_short(error)})") from None
    if orientation in (5, 6, 7, 8):
        own = own[::-1]
    if size is not None and picture.size != size:
        picture = fitted(picture, size, fit)
    pixels = np.asarray(picture, np.uint8)
    return Decoded(pixels[:, :, None] if pixels.ndim == 2 else pixels, own, mode, spread)


def decode_many(
    pictures: list[bytes],
    size: tuple[int, int] | None,
    fit: str,
    grey: bool,
    scale: Limits | None = None,
    scale_bytes: bool = False,
) -> list[Decoded | str]:
    """The same for many; a sentence in place of a broken one."""
    found: list[Decoded | str] = []
    for raw in pictures:
        try:
            found.append(decode(raw, size, fit, grey, scale, scale_bytes))
        except BrokenPictureError as error:
            found.append(str(error))
    return found


def megapixels(raw: bytes) -> float:
    """How large a picture claims to be, at most the largest that is decoded."""
    width, height = measure(raw) or (0, 0)
    return min(width * height, LARGEST) / 1e6


def measure(raw: bytes) -> tuple[int, int] | None:
    """(width, height) by the beginning of a picture, as it is seen; None where that does not say."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(raw), formats=FORMATS)
            turned = image.format not in _UPRIGHT and _orientation(image) in (5, 6, 7, 8)
            return image.size[::-1] if turned else image.size
        except _ERRORS:
            return None


def holds_numbers(raw: bytes) -> bool:
    """Whether the beginning of a picture says that it holds numbers of more than 8 bits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _holds_numbers(Image.open(io.BytesIO(raw), formats=FORMATS))
        except _ERRORS:
            return False


def fitted(picture: Image.Image, size: tuple[int, int], fit: str) -> Image.Image:
    """The picture as (width, height) `size`: cut, between black bars, or stretched."""
    width, height = picture.size
    if fit == "stretch":
        return _resized(picture, size, (0.0, 0.0, float(width), float(height)))
    if fit == "pad":
        scale = min(size[0] / width, size[1] / height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        ground = Image.new(picture.mode, size)
        small = _resized(picture, inner, (0.0, 0.0, float(width), float(height)))
        ground.paste(small, ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
        return ground
    scale = max(size[0] / width, size[1] / height)
    wide, high = min(width, size[0] / scale), min(height, size[1] / scale)
    left, top = (width - wide) / 2, (height - high) / 2
    return _resized(picture, size, (left, top, left + wide, top + high))


def _resized(picture: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]) -> Image.Image:
    return picture.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)


def _least(own: tuple[int, int], size: tuple[int, int], fit: str) -> tuple[int, int]:
    """What a JPEG has to be decoded to at least: twice the final size, for either orientation."""
    longest = 2 * max(size)
    if fit == "stretch":
        return longest, longest
    scale = longest / max(1, max(own) if fit == "pad" else min(own))
    return max(1, round(own[0] * scale)), max(1, round(own[1] * scale))


def _refuse_bomb(image: Image.Image) -> None:
    if image.width * image.height > LARGEST:
        raise BrokenPictureError(f"has {image.width} x {image.height} pixels; {_TOO_LARGE}")


def _reduced(image: Image.Image, size: tuple[int, int] | None, grey: bool, limits: Limits) -> Image.Image:
    """The picture in mode L or RGB; a large one at not less than four times its final size.

    A large picture is converted band by band, so that no second picture of its full size is held.
    """
    factor = 1 if size is None else min(image.size) // (4 * max(size))
    if factor < 2 or image.width * image.height <= _BAND:
        return _plain(image, grey, limits)
    bands = [_plain(band, grey, limits).reduce(factor) for band in _bands(image, factor)]
    whole = Image.new(bands[0].mode, (bands[0].width, sum(band.height for band in bands)))
    for place, band in enumerate(bands):
        whole.paste(band, (0, place * bands[0].height))
    return whole


def _bands(image: Image.Image, factor: int = 1) -> Iterator[Image.Image]:
    """Parts of the picture from top to bottom, each a multiple of `factor` rows but the last."""
    rows = factor * max(1, _BAND // (image.width * factor))
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(image.height, top + rows)))


def _spread(image: Image.Image) -> Spread:
    return joined(Spread.of(np.asarray(band)) for band in _bands(image))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except _ERRORS:
        return 1


def _holds_numbers(image: Image.Image) -> bool:
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _plain(image: Image.Image, grey: bool, limits: Limits) -> Image.Image:
    """The picture in mode L or RGB."""
    if _holds_numbers(image):
        return Image.fromarray(to_bytes(np.asarray(image), limits))
    if limits != BYTES:
        image = _plain(image, grey, BYTES)
        return image.point(to_bytes(np.arange(256), limits).tolist() * len(image.getbands()))
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        colour = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        ground.alpha_composite(colour)
        return ground.convert("L" if grey or image.mode in ("L", "LA", "La", "1") else "RGB")
    if image.mode == "P":
        image = image.convert("RGB")
    return image.convert("L" if grey or image.mode in ("1", "L") else "RGB")


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return (text or type(error).__name__)[:80]


def serve(pipe: Any, memory: int) -> None:
    """Decode what comes through the pipe until it closes. The life of a child process."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    except (ImportError, OSError, ValueError):
        memory = 0
    try:
        pipe.send_bytes(b"ready")
    except OSError:
        return
    while True:
        try:
            head, body = unframed(pipe.recv_bytes())
            settings: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in head["settings"].items()
            }
            found: list[Decoded | str] = []
            said = time.monotonic()
            for raw in _split(body, head["lengths"]):
                found += decode_many([raw], **settings)
                if time.monotonic() - said > 1:
                    pipe.send_bytes(ALIVE)
                    said = time.monotonic()
            pipe.send_bytes(_answer(found))
        except (EOFError, OSError):
            return


def framed(head: dict[str, Any], parts: list[bytes]) -> bytes:
    """A message between two processes: plain JSON and bytes, so that nobody unpickles what a decoder sent."""
    told = json.dumps(head).encode("utf-8")
    return b"".join((struct.pack("<I", len(told)), told, *parts))


def unframed(message: bytes) -> tuple[dict[str, Any], memoryview]:
    """What `framed` was given, its parts in one."""
    (length,) = struct.unpack_from("<I", message)
    head: dict[str, Any] = json.loads(message[4 : 4 + length])
    return head, memoryview(message)[4 + length :]


def request(
    pictures: list[bytes],
    size: tuple[int, int] | None,
    fit: str,
    grey: bool,
    scale: Limits | None = None,
    scale_bytes: bool = False,
) -> bytes:
    """The message that asks a child for these pictures."""
    settings = {"size": size, "fit": fit, "grey": grey, "scale": scale, "scale_bytes": scale_bytes}
    return framed({"lengths": list(map(len, pictures)), "settings": settings}, pictures)


def results(message: bytes) -> list[Decoded | str]:
    """What a child answered. Raises ValueError, LookupError or TypeError for anything else."""
    head, body = unframed(message)
    found: list[Decoded | str] = []
    place = 0
    for entry in head["found"]:
        if isinstance(entry, str):
            found.append(entry)
            continue
        high, wide, channels, own_width, own_height, mode, spread = entry
        pixels = np.frombuffer(body, np.uint8, high * wide * channels, place).reshape(high, wide, channels)
        place += pixels.size
        known = None if spread is None else Spread.checked(spread)
        found.append(Decoded(pixels, (int(own_width), int(own_height)), str(mode), known))
    return found


def _answer(found: list[Decoded | str]) -> bytes:
    told = [
        one if isinstance(one, str) else [*one.pixels.shape, *one.size, one.mode, one.spread and one.spread.fields()]
        for one in found
    ]
    parts = [np.ascontiguousarray(one.pixels).tobytes() for one in found if not isinstance(one, str)]
    return framed({"found": told}, parts)


def _split(body: memoryview, lengths: list[int]) -> list[bytes]:
    parts, place = [], 0
    for length in lengths:
        parts.append(bytes(body[place : place + length]))
        place += length
    return parts
