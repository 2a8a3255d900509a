"""Words for the kinds of datasets; rows and choices as other parts of the window know them."""

from __future__ import annotations

from genstudio.ui.layouts import choice as choice
from genstudio.ui.layouts import hbox

KIND_WORDS = {"text": "Text", "pairs": "Pairs", "images": "Pictures", "points": "Points", "tasks": "Toy task"}
COUNTED = {"text": "characters", "pairs": "pairs", "images": "pictures", "points": "points", "tasks": "examples"}
row = hbox
