"""Settings of the progressive family that belong together: some to succeed with, one to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

_DIGITS: dict[str, Any] = {"channels": 16, "evaluate_every": 200}

PRESETS = (
    Preset(
        "digits",
        "Digits 8x8",
        "From 4 x 4 to 8 x 8 pixels, the smallest growth there is: half a minute on one idle core. First light and dark spots "
        "in the right places, then strokes as the second size fades in. Train it longer for digits that can be read.",
        _DIGITS,
        steps=600,
        data="digits8",
    ),
    Preset(
        "classes",
        "Digits, choose the class",
        "The same, with both networks told the class: each column is a digit, and with 4 x 4 pixels they already differ. Half a "
        "minute on one idle core, after which a separately trained classifier sees the requested digit in 99% of the "
        "pictures. Under 'Growth', see at which size each digit becomes what it is.",
        _DIGITS | {"conditional": True},
        steps=600,
        data="digits8",
    ),
    Preset(
        "faces",
        "Faces, 4 to 8 to 16 pixels",
        "Colours of skin, hair and background come with 4 x 4, heads with 8 x 8, eyes and glasses with 16 x 16. Just after a "
        "size has faded in, the pictures are worse than before; they recover within a few hundred steps. About four minutes on "
        "one idle core.",
        {},
        steps=1500,
        data="pixel-faces",
    ),
    Preset(
        "shapes",
        "Shapes",
        "One white shape on black, 32 x 32 pixels, so four sizes: the small ones decide where it is and how large, the full one "
        "whether it is a square, an ellipse or a heart. About five minutes on one idle core.",
        {"channels": 8},
        steps=1500,
        data="shapes",
    ),
    Preset(
        "any",
        "Any pictures",
        "Squares of 8, 16, 32, 64 or 128 pixels, such as a folder of your own. The small sizes cost little, so you soon see "
        "whether it learns; the full size takes most of the time. Each doubling takes three to four times as long.",
        {"largest": 96},
        steps=3000,
    ),
    Preset(
        "from-the-start",
        "Full size from the start",
        "The same networks without growth, to compare with: all layers are trained at once. On pictures as small as 16x16 that "
        "is better, or as good: of faces the Fréchet distance after a minute on one core was 32, and 77 with growth; of digits "
        "three seeds each came out alike. Of shapes of 32x32 pixels growth was ahead with one seed, 10 against 27, and "
        "behind with another, 31 against 25. Race… with 'Grow from 4 x 4' on and off shows both side by side.",
        {"grow": False},
        steps=1000,
        data="pixel-faces",
    ),
    Preset(
        "unsettled",
        "Lesson: a size that never settles",
        "Rates ten times as large with strong momentum, no R1 penalty, and layers that are switched on at once instead of faded "
        "in: all fakes are nearly alike, change from preview to preview, and never come to rest. The Fréchet distance "
        "ends at 144.",
        _DIGITS | {"d_rate": 0.02, "g_rate": 0.02, "beta1": 0.9, "r1": 0.0, "fade": 0.0, "full_share": 0.8},
        steps=900,
        data="digits8",
        cure={"d_rate": 2e-3, "g_rate": 2e-3, "beta1": 0.0, "r1": 0.1, "fade": 0.5},
        cure_text="At lower rates without momentum, with a penalty on the discriminator's slope and a fade-in, the second size "
        "settles within a few hundred steps, and the Fréchet distance ends at 6.",
    ),
)


def preset_for(info: DatasetInfo, now: str = "") -> str:
    """Name of the preset to begin with on a dataset: one made for it, the one of `now` first; else any pictures."""
    return made_for(PRESETS, info, now, "any")
