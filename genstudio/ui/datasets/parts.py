"""Words for the kinds of datasets."""

from __future__ import annotations

KIND_WORDS = {
    "text": "Text", "pairs": "Pairs", "labelled": "Labelled texts",
    "images": "Pictures", "points": "Points", "rows": "Rows with classes", "tasks": "Toy task", "regions": "Genomes",
    "audio": "Sound",
}
COUNTED = {
    "text": "characters", "pairs": "pairs", "labelled": "texts",
    "images": "pictures", "points": "points", "rows": "rows", "tasks": "examples", "regions": "regions",
    "audio": "clips",
}
