"""Pictures with captions: shapes whose caption names all that was chosen for them, and the faces that ship, described."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genstudio.config import Config, setting
from genstudio.data.datasets import ImageDataset
from genstudio.data.generators.chance import Chance
from genstudio.data.info import DatasetInfo

SHAPES = ("circle", "square", "triangle", "heart")
COLOURS = ("red", "yellow", "green", "blue", "purple", "white")
SIZES = ("small", "large")
PLACES = (
    "at the top left", "at the top", "at the top right", "on the left", "in the middle", "on the right",
    "at the bottom left", "at the bottom", "at the bottom right",
)  # fmt: skip
PIXELS = 24
_RGB = np.array(
    [[235, 60, 50], [250, 215, 50], [60, 190, 80], [70, 120, 250], [185, 80, 220], [245, 245, 245]], np.int64
)
_RADII = (3.2, 5.3)
_MOVES, _SHADES, _FINE = 3, 5, 4
POSSIBLE = len(SHAPES) * len(COLOURS) * len(SIZES) * len(PLACES) * _MOVES * _MOVES * _SHADES
UNSEEN = "unseen"
"""The attribute that marks the combinations of colour and shape that are kept from training."""

_HAIR = {
    "#009bbd": "blue", "#bd1700": "red", "#28150a": "black", "#a78961": "blond", "#cab188": "blond", "#603a14": "brown",
    "#83623b": "brown", "#611c17": "brown", "#612616": "brown", "#603015": "brown", "#91cb15": "green",
}  # fmt: skip
_CLOTHES = {
    "#d11141": "red", "#ae0001": "red", "#ff6f69": "pink", "#44c585": "green", "#00b159": "green", "#88d8b0": "green",
    "#ffc425": "yellow", "#ffd969": "yellow", "#ffeead": "white", "#428bca": "blue", "#5bc0de": "blue", "#03396c": "blue",
}  # fmt: skip
_BEHIND = {"#ffdfbf": "orange", "#ffd5dc": "pink", "#d1d4f9": "lavender", "#c0aede": "purple", "#b6e3f4": "blue"}


class CaptionedShapeSettings(Config):
    count: int = setting(6000, "Number of distinct pictures", low=200, high=POSSIBLE, logarithmic=True)
    named: Literal["all", "some"] = setting(
        "all", "What captions name: all of size, colour, shape and place; or colour and shape, and each of the others half of "
        "the time, as people do"
    )
    seed: int = setting(0, "A different seed draws different pictures", low=0, high=2**31 - 1)


class CaptionedFaceSettings(Config):
    count: int = setting(10_000, "How many of the faces to take", low=200, high=10_000, logarithmic=True)
    seed: int = setting(0, "Another seed takes them in another order", low=0, high=2**31 - 1)


def captioned_shapes(settings: CaptionedShapeSettings, info: DatasetInfo) -> ImageDataset:
    """One shape on black in each, 24x24, no two alike; `unseen` marks four of the 24 combinations of colour and shape."""
    chance = Chance(settings.seed)
    drawn = chance.order(POSSIBLE)[: settings.count]
    sizes = (len(SHAPES), len(COLOURS), len(SIZES), len(PLACES), _MOVES, _MOVES, _SHADES)
    shape, colour, size, place, right, down, shade = np.unravel_index(drawn, sizes)
    left_out = chance.integers(4, settings.count) if settings.named == "some" else np.zeros(settings.count, np.int64)
    x = PIXELS // 4 * (1 + place % 3) + right - 1
    y = PIXELS // 4 * (1 + place // 3) + down - 1
    pixels = np.zeros((settings.count, PIXELS, PIXELS, 3), np.uint8)
    sprites = _sprites()
    half = sprites.shape[-1] // 2
    room = np.zeros((PIXELS + 2 * half, PIXELS + 2 * half), np.int64)
    for i in range(settings.count):
        room[:] = 0
        room[y[i] : y[i] + 2 * half, x[i] : x[i] + 2 * half] = sprites[shape[i], size[i]]
        light = _RGB[colour[i]] * (3 * _SHADES + shade[i]) // (4 * _SHADES - 1)
        pixels[i] = (room[half:-half, half:-half, None] * light + 127) // 255
    captions = tuple(
        " ".join(word for word in ("a", "" if cut & 1 else SIZES[s], COLOURS[c], SHAPES[f], "" if cut & 2 else PLACES[p]) if word)
        for f, c, s, p, cut in zip(*(part.tolist() for part in (shape, colour, size, place, left_out)), strict=True)
    )
    attributes = {
        "colour": np.array(COLOURS)[colour], "size": np.array(SIZES)[size], "place": np.array(PLACES)[place],
        UNSEEN: shape == colour,
    }  # fmt: skip
    return ImageDataset(info, pixels, shape.astype(np.int64), SHAPES, captions, attributes)


def captioned_faces(settings: CaptionedFaceSettings, info: DatasetInfo) -> ImageDataset:
    """The faces that ship, each described by the choices that made it."""
    from genstudio.data import shelf

    faces = shelf.open_dataset(shelf.find_dataset("pixel-faces"))
    assert isinstance(faces, ImageDataset)
    order = Chance(settings.seed).order(len(faces.pixels))[: settings.count]
    said = {name: values[order].tolist() for name, values in faces.attributes.items()}
    captions = tuple(_described({name: values[i] for name, values in said.items()}) for i in range(settings.count))
    return ImageDataset(info, faces.pixels[order], None, (), captions)


def _described(face: dict[str, str]) -> str:
    """
    >>> _described({"mouth": "sad03", "hair": "long20", "hair_colour": "#28150a", "beard": "none", "glasses": "dark02",
    ...     "hat": "none", "clothing_colour": "#ffc425", "background": "#b6e3f4"})
    'a sad face with long black hair, sunglasses, yellow clothes and a blue background'
    """
    parts = [f"{face['hair'].rstrip('0123456789')} {_HAIR[face['hair_colour']]} hair"]
    parts += ["a beard"] if face["beard"] != "none" else []
    if face["glasses"] != "none":
        parts.append("sunglasses" if face["glasses"].startswith("dark") else "glasses")
    parts += ["a hat"] if face["hat"] != "none" else []
    parts.append(f"{_CLOTHES[face['clothing_colour']]} clothes")
    behind = _BEHIND[face["background"]]
    article = "an" if behind[0] in "aeiou" else "a"
    return f"a {face['mouth'].rstrip('0123456789')} face with {', '.join(parts)} and {article} {behind} background"


def _sprites() -> NDArray[np.int64]:
    """(shapes, sizes, 12, 12) brightness 0 to 255: how much of each pixel the shape covers, of 16 samples."""
    side = 12
    line = (np.arange(side * _FINE) + 0.5) / _FINE - side / 2
    v, u = np.meshgrid(line, line, indexing="ij")
    made = []
    for radius in _RADII:
        a, b = u / radius, v / radius
        heart = (a * 1.15) ** 2 + (0.2 - b * 1.15) ** 2 - 1
        made.append([
            a**2 + b**2 < 1,
            np.maximum(np.abs(a), np.abs(b)) < 0.88,
            (b < 0.8) & (b > 2 * np.abs(a) - 1.0),
            heart**3 < (a * 1.15) ** 2 * (0.2 - b * 1.15) ** 3,
        ])  # fmt: skip
    inside = np.array(made).swapaxes(0, 1)
    covered = inside.reshape(len(SHAPES), len(SIZES), side, _FINE, side, _FINE).sum(axis=(3, 5))
    return (covered * 255 + _FINE**2 // 2) // _FINE**2
