"""Byte-pair encoding step by step: the lecture's example, the library's merges, and a twin that must be caught."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudio.data.merges import LONGEST, Step, follow_merges, merge_steps
from genstudio.data.shelf import find_dataset, open_text
from genstudio.data.work import finished

LECTURE = "aaabdaaabac"


def test_the_lecture_step_by_step() -> None:
    merges = finished(follow_merges(LECTURE, apart=False))
    told = [
        (merges.pieces[s.pair[0]], merges.pieces[s.pair[1]], merges.names[s.new], s.count, len(s.ties))
        for s in merges.steps
    ]
    assert told == [("a", "a", "Z", 4, 0), ("a", "b", "Y", 2, 1), ("aa", "ab", "X", 2, 0)]
    assert [merges.written(n) for n in range(4)] == [LECTURE, "ZabdZabac", "ZYdZYac", "XdXac"]
    (tie,) = merges.steps[1].ties
    assert [merges.pieces[symbol] for symbol in tie] == ["aa", "a"]


def by_hand(symbols: list[int]) -> list[tuple[tuple[int, int], int]]:
    """The same in plain Python."""
    found, new = [], max(symbols, default=-1) + 1
    while True:
        pairs = Counter(p for p in pairwise(symbols) if min(p) >= 0)
        if not pairs or max(pairs.values()) < 2:
            return found
        pair = min(pairs, key=lambda p: (-pairs[p], p))
        found.append((pair, pairs[pair]))
        merged, place = [], 0
        while place < len(symbols):
            hit = tuple(symbols[place : place + 2]) == pair
            merged.append(new if hit else symbols[place])
            place += 2 if hit else 1
        symbols, new = merged, new + 1


@given(st.lists(st.integers(-1, 2), max_size=60))
def test_every_step_is_what_plain_counting_gives(symbols: list[int]) -> None:
    array = np.array(symbols, np.int64)
    steps = list(merge_steps(array, np.ones(len(array), np.int64)))
    assert [(s.pair, s.count) for s in steps] == by_hand(symbols)


@given(st.text("ab c\n", max_size=80), st.booleans())
def test_the_text_stays_the_same_through_all_merges(text: str, apart: bool) -> None:
    merges = finished(follow_merges(text, apart))
    for number in range(len(merges.steps) + 1):
        assert "".join(merges.pieces[s] for s in merges.state(number).tolist() if s >= 0) == text
    if apart:
        assert not any(" " in piece[1:].strip(" \n") for piece in merges.pieces)


def test_names_are_letters_that_the_text_does_not_use() -> None:
    merges = finished(follow_merges("ZYZYZY abab cdcd efef" * 3, apart=False))
    assert merges.names[len(set("ZYZYZY abab cdcd efef"))] == "X"
    assert len(set(merges.names)) == len(merges.names) == len(merges.pieces)


def test_a_long_text_is_cut_and_progress_is_told() -> None:
    work = follow_merges("ab " * 20_000, apart=False, most=5)
    assert list(work) == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert len(finished(follow_merges("ab " * 20_000, apart=False, most=5)).text) == LONGEST


def words_of_library(text: str) -> tuple[Counter[str], list[tuple[str, str]]]:
    """Words as the library cuts them, in its letters, and the merges it learns from them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    engine = Tokenizer(models.BPE())
    engine.pre_tokenizer = level
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=len(alphabet) + 540, show_progress=False, initial_alphabet=alphabet)
    engine.train_from_iterator([text], trainer)
    merges = json.loads(engine.to_str())["model"]["merges"]
    return Counter(word for word, _ in level.pre_tokenize_str(text)), [tuple(pair) for pair in merges]


def differences(counts: Counter[str], merges: list[tuple[str, str]]) -> tuple[int, int, int]:
    """Merges that are no most frequent pair; steps with ties; and the first of those. Follows the given merges."""
    letters = sorted({letter for word in counts for letter in word})
    pieces: list[str] = list(letters)
    number = {letter: place for place, letter in enumerate(letters)}
    symbols = np.array([s for word in counts for s in (*(number[letter] for letter in word), -1)], np.int64)
    weights = np.array([n for word, n in counts.items() for _ in range(len(word) + 1)], np.int64)
    wrong = tied = 0
    first = -1
    for place, wanted in enumerate(merges):
        step: Step = next(merge_steps(symbols, weights))
        best = {(pieces[a], pieces[b]): (a, b) for a, b in (step.pair, *step.ties)}
        wrong += wanted not in best
        tied += len(best) > 1
        first = place if first < 0 and len(best) > 1 else first
        a, b = best.get(wanted, step.pair)
        symbols, weights = _follow(symbols, weights, (a, b), len(pieces))
        pieces.append(pieces[a] + pieces[b])
    return wrong, tied, first


def _follow(symbols: Any, weights: Any, pair: tuple[int, int], new: int) -> tuple[Any, Any]:
    from genstudio.data.merges import _replaced

    return _replaced(symbols, weights, pair, new)


@pytest.fixture(scope="module")
def shakespeare() -> str:
    return open_text(find_dataset("shakespeare")).text[:200_000]


def test_the_library_takes_a_most_frequent_pair_at_every_merge(shakespeare: str) -> None:
    counts, merges = words_of_library(shakespeare)
    wrong, tied, first = differences(counts, merges)
    assert len(merges) == 540 and wrong == 0
    assert tied > 10 and first > 10


def test_merges_in_another_order_are_caught(shakespeare: str) -> None:
    counts, merges = words_of_library(shakespeare[:20_000])
    assert differences(counts, merges[:60])[0] == 0
    assert differences(counts, [*merges[5:60], *merges[:5]])[0] > 0
