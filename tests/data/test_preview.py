"""What a preview says of a dataset, against plain counting."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from genstudio.data import preview, shelf
from genstudio.data.work import finished

KINDS = {"text": "shakespeare", "pairs": "verses-en-es", "images": "emoji32", "points": "gaussian-ring", "tasks": "sort"}


@pytest.mark.parametrize("loose", [False, True])
@pytest.mark.parametrize("match_case", [False, True])
def test_search_finds_what_a_plain_search_finds(match_case: bool, loose: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "_SEARCHED_AT_ONCE", 7)
    text = "To be, or not\nto  be: that is the question. TO BE!" * 40
    for needle in ("to be", "TO", "b", "question. TO", "nowhere", "."):
        wanted = r"\s+".join(map(re.escape, needle.split())) if loose else re.escape(needle)
        expected = [m.start() for m in re.finditer(wanted, text, 0 if match_case else re.IGNORECASE)]
        found = finished(preview.search(text, needle, match_case=match_case, loose=loose))
        assert found.count == len(expected) and found.positions.tolist() == expected


def test_a_histogram_counts_everything_once() -> None:
    rng = np.random.default_rng(0)
    for values in (rng.integers(0, 9, 500), rng.integers(0, 5000, 3000), np.array([3]), np.array([1, 1, 10_000_000])):
        found = preview.histogram(values)
        assert found.counts.sum() == len(values)
        inside = values <= found.edges[-2]
        assert (found.counts[:-1] == np.histogram(values[inside], found.edges[:-1])[0]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_that_ships_can_be_shown(kind: str) -> None:
    dataset: Any = shelf.open_dataset(shelf.find_dataset(KINDS[kind]))
    look: Any = finished(preview.preview(dataset))
    if kind == "images":
        assert look.pixels is dataset.pixels and look.brightness.counts.sum() == dataset.pixels.size
        assert sum(count for _, count in look.per_class) == (dataset.labels >= 0).sum()
    elif kind == "points":
        assert look.points is dataset.points and look.centres is dataset.centres
    elif kind == "text":
        assert look.line_lengths.counts.sum() == look.statistics.lines
    else:
        left, right = (dataset.left, dataset.right) if kind == "pairs" else (dataset.questions, dataset.answers)
        assert look.left_lengths.counts.sum() == len(left) and look.right_lengths.counts.sum() == len(right)
        assert look.mean_ratio == pytest.approx(sum(map(len, right)) / sum(map(len, left)))


def test_large_pictures_are_averaged_for_the_grid() -> None:
    pixels = np.zeros((3, 130, 128, 3), np.uint8)
    pixels[:, ::2] = 255
    info = SimpleNamespace(kind="images", details={"sizes": [[130, 128, 3]]})
    dataset = SimpleNamespace(
        info=info, pixels=pixels, labels=None, classes=(), captions=None, names=None, attributes={}
    )
    look: Any = finished(preview.preview(dataset))
    assert look.thumbs.shape == (3, 43, 42, 3)
    assert abs(float(look.thumbs.mean()) - 127.5) < 3 and look.grey
    assert look.sizes == (("130 x 128", 3),)
