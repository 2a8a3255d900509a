"""Settings of the Word2Vec family that belong together."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

PRESETS = (
    Preset(
        "analogies",
        "Kings and queens in half a minute",
        "Skip-gram on the text with planted analogies: 267 words. King - man + woman is queen within seconds, and all 540 known "
        "analogies come out right before the half minute is over.",
        seconds=30,
        data="analogies",
    ),
    Preset(
        "shakespeare",
        "Shakespeare's words in two minutes",
        "Skip-gram on the included Shakespeare: the vectors of 3,100 words, in small steps, because larger ones memorise a text "
        "of this size. Near 'father' come son, husband and child, near 'king' the numbers and names of kings; the loss ends at "
        "about 2.63 nats where word frequencies alone reach 2.67. For analogies the text is too small.",
        {"within_lines": False, "split": "random", "learning_rate": 1e-3, "batch": 1024},
        seconds=120,
        data="shakespeare",
    ),
    Preset(
        "cbow",
        "CBOW: guess the word in the middle",
        "The mean of the words around a gap predicts the word in it: one prediction for each word instead of one for each pair, "
        "so it reads a text faster. On the planted analogies, as good as skip-gram after half a minute.",
        {"architecture": "cbow", "batch": 1024},
        seconds=30,
        data="analogies",
    ),
    Preset(
        "softmax",
        "Full softmax: name the word among all",
        "What negative sampling approximates: every step scores all words of the vocabulary. With 267 words that is cheap, and "
        "all analogies come out right; the larger the vocabulary, the slower a step.",
        {"objective": "softmax", "vocabulary": 2_000},
        seconds=30,
        data="analogies",
    ),
    Preset(
        "narrow",
        "A window of one word",
        "A lesson in what the window is for. The model sees only the two words beside each word, and those are 'the', 'of' or "
        "'with': the loss falls well below word frequencies alone, but nine of ten analogies are wrong.",
        {"window": 1, "subsampling": 1.0},
        seconds=30,
        data="analogies",
        cure={"window": 10},
        cure_text="A window of one word sees how words are put together: all nouns look alike. What a word is about "
        "stands farther "
        "away: 'crown' and 'his' are in the sentence of 'king', not beside it. With ten words on both sides all analogies come "
        "out right within half a minute.",
    ),
)


def preset_for(info: DatasetInfo, now: str) -> str:
    """The one made for the dataset; that for prose for any other text."""
    return made_for(PRESETS, info, now, "shakespeare")
