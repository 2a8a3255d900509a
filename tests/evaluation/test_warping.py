"""How unlike two spectrograms are at any pace, against a plain table; letters that are skipped or repeated."""

from __future__ import annotations

import numpy as np
import pytest

from genstudio.evaluation.speaking import covered, edits, going_back, nearest_text, warped_error


def plain(made: np.ndarray, real: np.ndarray) -> float:
    """The table of the textbook, cell after cell."""
    apart = np.abs(made[:, None] - real[None]).mean(-1)
    best = np.full((len(made) + 1, len(real) + 1), np.inf)
    steps = np.zeros_like(best)
    best[0, 0] = 0
    for i in range(len(made)):
        for j in range(len(real)):
            before = min((best[a, b], steps[a, b]) for a, b in ((i, j), (i, j + 1), (i + 1, j)))
            best[i + 1, j + 1], steps[i + 1, j + 1] = before[0] + apart[i, j], before[1] + 1
    return float(best[-1, -1] / steps[-1, -1])


def test_warping_is_that_of_the_table() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        made, real = (rng.normal(size=(rng.integers(1, 9), 3)) for _ in range(2))
        assert abs(warped_error(made, real) - plain(made, real)) < 1e-12


def test_pace_costs_nothing_and_other_words_do() -> None:
    rng = np.random.default_rng(1)
    real = rng.normal(size=(30, 5))
    slow = np.repeat(real, 2, 0)
    assert warped_error(slow, real) == 0 and warped_error(real, real) == 0
    assert warped_error(real[::-1], real) > 0.3
    assert warped_error(real + 1, real) <= 1 + 1e-9
    with pytest.raises(ValueError, match="no frames"):
        warped_error(real[:0], real)


def test_letters_that_are_skipped_or_repeated_are_counted() -> None:
    straight = np.repeat(np.eye(10), 3, 0)
    assert covered(straight) == 1 and going_back(straight) == 0
    skipping = np.delete(np.eye(10), [3, 4], 0)
    assert covered(skipping) == 0.8 and going_back(skipping) == 0
    repeating = np.eye(10)[[0, 1, 2, 3, 4, 5, 2, 3, 4, 5, 6, 7, 8, 9]]
    assert covered(repeating) == 1 and going_back(repeating) == 1 / 13
    assert going_back(straight[:1]) == 0


def test_the_nearest_text_has_the_fewest_edits() -> None:
    assert edits("", "abc") == 3 and edits("abc", "") == 3 and edits("kitten", "sitting") == 3 and edits([1, 2], [1, 2]) == 0
    assert nearest_text("one two", ["two one", "one", "one tw", "one two three"]) == 2
    assert nearest_text("a", ["b", "c"]) == 0
