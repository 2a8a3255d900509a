"""Settings of the iGPT family that belong together: some to succeed with, one to fail with and to repair."""

from __future__ import annotations

from genstudio.families.family import Preset

PRESETS = (
    Preset(
        "digits",
        "Digits, pixel by pixel",
        "8x8 digits as 64 tokens of 17 grey levels. Half a minute gives strokes that join into digits, at about 1.8 bits per "
        "pixel; how often each level occurs at each pixel needs 2.43, zlib 3.06.",
        seconds=30,
        data="digits8",
    ),
    Preset(
        "faces",
        "Pixel-art faces",
        "16x16 faces in 32 colours, 256 tokens each. Five minutes of one core reached 0.23 to 0.35 bits per pixel in three "
        "seeds, after 460 to 830 steps; zlib needs 1.56. Give it the upper half of a face under Complete, and compare what it "
        "makes of hair, mouth and clothes.",
        seconds=300,
        data="pixel-faces",
    ),
    Preset(
        "mnist",
        "MNIST at 14 x 14",
        "Digits reduced to 14x14 pixels in 16 grey levels, five minutes: below 0.9 bits per pixel, where zlib needs 1.67. At "
        "28x28 each picture has four times as many tokens: set the picture size to 28 and take an hour.",
        {"size": 14, "colours": 16},
        seconds=300,
        data="mnist10k",
    ),
    Preset(
        "pictures",
        "Any small pictures",
        "Your own pictures, reduced to at most 16 pixels a side and 32 colours, in five minutes. Hundreds are needed, and they "
        "should resemble each other. The dashed lines show what counting colours reaches.",
        {"size": 16},
        seconds=300,
    ),
    Preset(
        "unordered",
        "Lesson: no positions",
        "Without positions a pixel knows which colours came before it, but hardly in which order. After 240 steps it needs 2.3 "
        "bits per pixel where a model with positions needs 1.8, and the strokes of its digits do not join.",
        {"positions": "none"},
        steps=240,
        data="digits8",
        cure={"positions": "rotary"},
        cure_text="Rotary positions tell every pixel how far back another one lies: the pixel above is always a whole row away.",
    ),
)
