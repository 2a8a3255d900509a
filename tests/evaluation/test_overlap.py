"""BLEU and chrF against the numbers that sacrebleu 2.6.0 gave for the same pairs; by hand where that is quick."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from pairs_at_random import pairs

from genstudio.evaluation.overlap import bleu, chrf, words_13a

THEIRS = json.loads((Path(__file__).parent / "sacrebleu.json").read_text("utf-8"))
"""Made by `BLEU().corpus_score` and `CHRF().corpus_score`, with the signatures that stand in it."""
MADE, WANTED = zip(*pairs(), strict=True)


def test_each_pair_alone_ten_corpora_and_all_of_them_are_what_sacrebleu_says() -> None:
    for size, key in ((1, "one"), (50, "fifty"), (500, "all")):
        ours = [
            (bleu(MADE[at : at + size], WANTED[at : at + size]), chrf(MADE[at : at + size], WANTED[at : at + size]))
            for at in range(0, 500, size)
        ]
        theirs = [THEIRS[key]] if key == "all" else THEIRS[key]
        for mine, other in zip(ours, theirs, strict=True):
            assert mine == pytest.approx(other, abs=1e-9)


def test_a_perfect_translation_has_all_points_and_an_empty_one_none() -> None:
    some = [text for text in WANTED if len(text.split()) > 4]
    assert bleu(some, some) == pytest.approx(100) and chrf(some, some) == pytest.approx(100)
    assert bleu([""] * len(some), some) == chrf([""] * len(some), some) == 0


def test_bleu_by_hand() -> None:
    """Four of five words, two of four pairs, none of the longer ones; and one word too few."""
    made, wanted = ["a b c x y"], ["a b z c x w"]
    precisions = [4 / 5, 2 / 4, 1 / (2 * 3), 1 / (4 * 2)]
    expected = 100 * math.exp(1 - 6 / 5) * math.prod(precisions) ** 0.25
    assert bleu(made, wanted) == pytest.approx(expected)


def test_signs_stand_alone_and_numbers_stay_whole() -> None:
    assert words_13a('He said, "1,000.5 (about) 3-4."') == [
        "He", "said", ",", '"', "1,000.5", "(", "about", ")", "3", "-", "4", ".", '"',
    ]  # fmt: skip
