"""Words for the kinds of datasets."""

from __future__ import annotations

KIND_WORDS = {
    "text": "Text", "pairs": "Pairs", "labelled": "Labelled texts",
    "images": "Pictures", "points": "Points", "tasks": "Toy task", "regions": "Genomes",
}
COUNTED = {
    "text": "characters", "pairs": "pairs", "labelled": "texts",
    "images": "pictures", "points": "points", "tasks": "examples", "regions": "regions",
}
