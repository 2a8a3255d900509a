"""How good translations are, by the length of their source."""

from __future__ import annotations

from typing import TypedDict


class LengthRow(TypedDict):
    """Sentences whose source has `low` to `high` tokens: how many they are (`count`), the shares of right tokens and of
    translations without an error, BLEU and chrF from 0 to 100, and how many were translated in a second."""

    low: int
    high: int
    count: int
    token_accuracy: float
    exact_match: float
    bleu: float
    chrf: float
    sentences_per_second: float
