"""Pictures that need no drawing program: digits, clothes, and emoji cut from a sheet."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resources_build.packed import Pictures, hash_order
from resources_build.parallel import spoken
from resources_build.sources import Files

DIGITS = tuple("0123456789")
CLOTHES = (
    "T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
FASHION = "usr/share/datasets/fashion-mnist/t10k-{}-ubyte.gz"
CELL = 34
"""An emoji of 32 pixels and its border of 1."""


def digits8(files: Files) -> Pictures:
    """8x8 counts of 0 to 16 as brightness."""
    table = np.loadtxt(
        io.BytesIO(gzip.decompress(files["sklearn/datasets/data/digits.csv.gz"])), delimiter=",", dtype=np.int64
    )
    pixels = (table[:, :64] * 255 + 8) // 16
    return Pictures(pixels.astype(np.uint8).reshape(-1, 8, 8, 1), table[:, 64].tolist(), DIGITS)


def mnist10k(files: Files) -> Pictures:
    """The package sorts its pictures by digit; here any stretch holds all of them."""
    by_digit = [_mnist_digit(files[f"mnist/src/digits/{digit}.json"]) for digit in DIGITS]
    labels = [digit for digit, pixels in enumerate(by_digit) for _ in pixels]
    return _shuffled(np.concatenate(by_digit), labels, DIGITS)


def _mnist_digit(raw: bytes) -> NDArray[np.uint8]:
    values = np.array(json.loads(raw)["data"])
    return np.rint(values * 255).astype(np.uint8).reshape(-1, 28, 28, 1)


def fashion10k(files: Files) -> Pictures:
    images, labels = (gzip.decompress(files[FASHION.format(name)]) for name in ("images-idx3", "labels-idx1"))
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28, 1)
    return Pictures(pixels, list(labels[8:]), CLOTHES)


def emoji32(files: Files) -> Pictures:
    """Emoji on white with their category and English name; without flags and without other tones of skin."""
    entries = json.loads(files["emoji-datasource-google/emoji.json"])
    wanted = [e for e in entries if e["has_img_google"] and e["category"] != "Flags"]
    wanted.sort(key=lambda entry: entry["sort_order"])
    sheet = Image.open(io.BytesIO(files["emoji-datasource-google/img/google/sheets-clean/32.png"])).convert("RGBA")
    white = Image.alpha_composite(Image.new("RGBA", sheet.size, "white"), sheet).convert("RGB")
    whole = np.asarray(white)
    pixels = np.stack([_cell(whole, entry["sheet_x"], entry["sheet_y"]) for entry in wanted])
    names = spoken(files, "en")
    captions = [names.get(_sign(e["unified"]), e["name"].lower()) for e in wanted]
    classes = sorted({e["category"] for e in wanted})
    labels = [classes.index(e["category"]) for e in wanted]
    return _shuffled(pixels, labels, classes, captions)


def _cell(sheet: NDArray[np.uint8], column: int, row: int) -> NDArray[np.uint8]:
    top, left = row * CELL + 1, column * CELL + 1
    return sheet[top : top + 32, left : left + 32]


def _sign(unified: str) -> str:
    """The emoji itself, without the marks that ask for a coloured form."""
    return "".join(chr(int(code, 16)) for code in unified.split("-") if code != "FE0F")


def _shuffled(
    pixels: NDArray[np.uint8], labels: Sequence[int], classes: Sequence[str], captions: Sequence[str] | None = None
) -> Pictures:
    order = hash_order([picture.tobytes() for picture in pixels])
    words = None if captions is None else [captions[i] for i in order]
    return Pictures(pixels[order], [labels[i] for i in order], classes, words)
