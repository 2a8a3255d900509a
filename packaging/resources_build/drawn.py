"""Pictures that Qt draws: pixel-art faces from SVG, icons from a font."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resources_build.packed import Pictures, hash_order
from resources_build.sources import Files, unpack

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

FACES = 10_000
SPARE = 500
"""Faces drawn beyond those wanted, to replace any that come out alike."""
BACKGROUNDS = ("b6e3f4", "c0aede", "d1d4f9", "ffd5dc", "ffdfbf")
PARTS = ("accessories", "beard", "clothing", "eyes", "glasses", "hair", "hat", "mouth")
COLOURED = ("accessories", "clothing", "eyes", "glasses", "hair", "hat", "mouth")

FONT = "qtawesome/fonts/materialdesignicons6-webfont-6.9.96.ttf"
CHARMAP = "qtawesome/fonts/materialdesignicons6-webfont-charmap-6.9.96.json"
ICON = 32


def pixel_faces(files: Files) -> Pictures:
    """Different faces of 16x16, with the 17 choices that made each."""
    seen: dict[bytes, dict[str, str]] = {}
    for svg, words in _svg_faces(files):
        seen.setdefault(_drawn_svg(svg), words)
    kept = list(seen.items())[:FACES]
    if len(kept) < FACES:
        sys.exit(f"Only {len(kept)} different faces came out: nothing was built.")
    pixels = np.frombuffer(b"".join(raw for raw, _ in kept), np.uint8).reshape(-1, 16, 16, 3)
    attributes = {name: [words[name] for _, words in kept] for name in kept[0][1]}
    return Pictures(pixels, attributes=attributes)


def _svg_faces(files: Files) -> Iterator[tuple[str, dict[str, str]]]:
    with tempfile.TemporaryDirectory() as name:
        unpack(files, "@dicebear/", Path(name) / "node_modules")
        shutil.copy(Path(__file__).with_name("faces.mjs"), name)
        command = [shutil.which("node") or "node", "faces.mjs", str(FACES + SPARE), *BACKGROUNDS]
        done = subprocess.run(command, cwd=name, capture_output=True, check=True)
    for line in done.stdout.decode("utf-8").splitlines():
        face = json.loads(line)
        yield face["svg"], face_words(face["words"])


def face_words(extra: dict[str, str]) -> dict[str, str]:
    """The 17 attributes of a face; `none` for a part that it does not have and for that part's colour."""
    words = {part: extra.get(part, "none") for part in PARTS}
    words |= {f"{part}_colour": extra[f"{part}Color"] if part in extra else "none" for part in COLOURED}
    words |= {"skin_colour": extra["skinColor"], "background": extra["primaryBackgroundColor"]}
    return dict(sorted(words.items()))


def _drawn_svg(svg: str) -> bytes:
    """16 x 16 x 3 bytes, row by row."""
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    image = QImage(16, 16, QImage.Format.Format_RGB888)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    QSvgRenderer(svg.encode("utf-8")).render(painter)
    painter.end()
    return _bytes(image, 16 * 3)


def icons32(files: Files) -> Pictures:
    """White icons on black in 16 levels of grey, captioned with their names."""
    names = {int(code, 16): name for name, code in sorted(json.loads(files[CHARMAP]).items())}
    pixels = _drawn_icons(files[FONT], sorted(names))
    captions = [names[code].replace("-", " ") for code in sorted(names)]
    order = [i for i in hash_order([caption.encode() for caption in captions]) if pixels[i].any()]
    return Pictures(pixels[order], captions=[captions[i] for i in order])


def _drawn_icons(font: bytes, codes: list[int]) -> NDArray[np.uint8]:
    """The outline of each glyph, filled: the same on every system, since no hinting is involved."""
    from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QRawFont

    application = QGuiApplication.instance() or QGuiApplication([])
    face = QRawFont(font, ICON)
    drawn = np.zeros((len(codes), ICON, ICON, 1), np.uint8)
    for i, code in enumerate(codes):
        path = face.pathForGlyph(face.glyphIndexesForString(chr(code))[0])
        path.translate(0, face.ascent())
        image = QImage(ICON, ICON, QImage.Format.Format_Grayscale8)
        image.fill(0)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(path, QColor("white"))
        painter.end()
        drawn[i] = np.frombuffer(_bytes(image, ICON), np.uint8).reshape(ICON, ICON, 1)
    del application
    return (drawn.astype(np.int64) * 15 + 127) // 255 * 17


def _bytes(image: object, row: int) -> bytes:
    """The pixels of a picture whose rows hold `row` bytes, without what pads them."""
    from PySide6.QtGui import QImage

    assert isinstance(image, QImage)
    raw, line = bytes(image.constBits()), image.bytesPerLine()
    return b"".join(raw[i * line : i * line + row] for i in range(image.height()))
