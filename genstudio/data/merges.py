"""Byte-pair encoding step by step, for people to follow: every pair is counted again for every merge."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count as counting
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from genstudio.data.work import Work

Integers = NDArray[np.int64]

LONGEST = 20_000
"""Characters that are stepped through at most: all states are kept."""

_BASE = 1 << 31
_APART = -1
_WORDS = re.compile(r" ?\w+| ?[^\w\s]+|\s+")


@dataclass(frozen=True, eq=False)
class Step:
    """One merge: symbols `pair` became `new`. `count`: how often the pair stood there; `ties` are the other pairs that
    stood there as often. `after` is what the merge leaves."""

    pair: tuple[int, int]
    new: int
    count: int
    ties: tuple[tuple[int, int], ...]
    after: Integers


def merge_steps(symbols: Integers, weights: Integers) -> Iterator[Step]:
    """Merge the most frequent pair of neighbours again and again (Gage 1994; Sennrich et al. 2016), while one occurs twice.

    `symbols` (n,) are numbers from 0, and -1 between words, across which nothing is merged; `weights` (n,) say how often
    the word around each symbol occurs. A pair counts at every place, overlapping ones too, as in the library
    `tokenizers`; it is replaced from the left. Among equally frequent pairs the one of the oldest symbols is taken.
    """
    new = int(symbols.max(initial=-1)) + 1
    while len(symbols) > 1:
        inside = (symbols[:-1] >= 0) & (symbols[1:] >= 0)
        keys, inverse = np.unique(symbols[:-1][inside] * _BASE + symbols[1:][inside], return_inverse=True)
        counts = np.bincount(inverse, weights=weights[:-1][inside], minlength=len(keys)).astype(np.int64)
        if not len(keys) or (most := int(counts.max())) < 2:
            return
        best = [divmod(int(key), _BASE) for key in keys[counts == most]]
        symbols, weights = _replaced(symbols, weights, best[0], new)
        yield Step(best[0], new, most, tuple(best[1:]), symbols)
        new += 1


def _replaced(symbols: Integers, weights: Integers, pair: tuple[int, int], new: int) -> tuple[Integers, Integers]:
    places = np.flatnonzero((symbols[:-1] == pair[0]) & (symbols[1:] == pair[1]))
    if pair[0] == pair[1]:
        first = np.concatenate([[True], np.diff(places) != 1])
        run = np.arange(len(places)) - np.maximum.accumulate(np.where(first, np.arange(len(places)), 0))
        places = places[run % 2 == 0]
    merged = symbols.copy()
    merged[places] = new
    return np.delete(merged, places + 1), np.delete(weights, places + 1)


@dataclass(frozen=True, eq=False)
class Merges:
    """All merges of a short text. `pieces` and `names` by symbol: what it stands for, and one letter for it, as on a
    blackboard; `before` is the text before the first merge."""

    text: str
    pieces: tuple[str, ...]
    names: tuple[str, ...]
    before: Integers
    steps: tuple[Step, ...]

    def state(self, number: int) -> Integers:
        """Symbols (n,) after so many merges, -1 between words."""
        return self.before if number == 0 else self.steps[number - 1].after

    def written(self, number: int) -> str:
        """The text after so many merges, with one letter for each symbol."""
        return "".join(self.names[symbol] for symbol in self.state(number).tolist() if symbol != _APART)


def follow_merges(text: str, apart: bool, most: int = 200) -> Work[Merges]:
    """The first merges of a text, over its characters; with `apart`, none crosses from word to word, as in training.

    At most `LONGEST` characters are looked at. Yields the fraction done.
    """
    text = text[:LONGEST]
    letters = sorted(set(text))
    index = {letter: place for place, letter in enumerate(letters)}
    numbers: list[int] = []
    for word in _WORDS.findall(text) if apart else [text]:
        numbers += [*([_APART] if numbers else []), *(index[letter] for letter in word)]
    before = np.array(numbers, np.int64)
    steps: list[Step] = []
    for step in islice(merge_steps(before, np.ones(len(before), np.int64)), most):
        steps.append(step)
        yield len(steps) / most
    pieces = list(letters)
    for step in steps:
        pieces.append(pieces[step.pair[0]] + pieces[step.pair[1]])
    return Merges(text, tuple(pieces), (*letters, *_names(set(letters), len(steps))), before, tuple(steps))


def _names(taken: set[str], wanted: int) -> Sequence[str]:
    """Letters that the text does not use: Z, Y, X and so on, then Greek and Cyrillic ones, then numbers."""
    alphabets = [range(0x5A, 0x40, -1), [c for c in range(0x3A9, 0x390, -1) if c != 0x3A2], range(0x42F, 0x40F, -1)]
    letters = (chr(code) for alphabet in alphabets for code in alphabet if chr(code) not in taken)
    numbers = (f"⟨{number}⟩" for number in counting(1))
    return list(islice((name for names in (letters, numbers) for name in names), wanted))
