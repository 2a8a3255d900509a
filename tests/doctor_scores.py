"""How often a doctor is right about recorded runs, and the broken twins that must be caught."""

from __future__ import annotations

import importlib
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from unittest.mock import patch

import numpy as np
from doctor_runs import ILLNESSES, Recording, labels, spoken

from genstudio.families.gan.doctor import RULES, doctor
from genstudio.training.doctor import Doctor, Finding, Rule, Window

rules = importlib.import_module("genstudio.families.adversarial_rules")
THRESHOLDS = ("REACHED", "NEAR", "DIVERSE", "ALIKE", "SURE", "FOOLED", "FLAT", "SMALL", "RESTLESS", "SWING", "SWING_PICTURES",
              "COPIED", "DEAD")  # fmt: skip
RECALL, FALSE_ALARMS = 0.90, 0.05
Row = tuple[int, int, int, int]
"""Found, ill of it, told without it, known to be free of it."""
Make = Callable[[], Doctor]


def told_of(run: Recording, make: Make = doctor) -> frozenset[str]:
    """The names of all that is told of a run."""
    return frozenset(found.name for found in spoken(run, make))


Told = Sequence[frozenset[str]]
"""What is told of each run."""


def scores(runs: Sequence[Recording], words: Told, *, shuffled: bool = False) -> dict[str, Row]:
    """A row for each illness. `shuffled` gives each run the labels of another one, as a broken twin."""
    table: dict[str, Row] = dict.fromkeys(ILLNESSES, (0, 0, 0, 0))
    others = np.random.default_rng(0).permutation(len(runs)) if shuffled else range(len(runs))
    for told, other in zip(words, others, strict=True):
        ill, free = labels(runs[other])
        for name in ILLNESSES:
            hit, all_ill, false, all_free = table[name]
            table[name] = (
                hit + (name in ill & told), all_ill + (name in ill), false + (name in free & told), all_free + (name in free)
            )  # fmt: skip
    return table


def alarmed(runs: Sequence[Recording], words: Told) -> tuple[int, int]:
    """How many of the runs that are free of everything the doctor says anything of, and how many there are."""
    well = [told for run, told in zip(runs, words, strict=True) if len(labels(run)[1]) == len(ILLNESSES)]
    return sum(map(bool, well)), len(well)


def passes(runs: Sequence[Recording], make: Make = doctor, *, shuffled: bool = False) -> bool:
    """Whether RECALL of all illnesses are found, and at most FALSE_ALARMS of the healthy runs are called ill.

    Of each illness at least half is found: a rule that never speaks does not hide behind the others.
    """
    told = [told_of(run, make) for run in runs]
    table = scores(runs, told, shuffled=shuffled)
    hits, ills, falses, frees = total(table)
    false, well = alarmed(runs, told)
    return (
        hits >= RECALL * ills
        and all(2 * hit >= ill for hit, ill, _, _ in table.values())
        and falses <= FALSE_ALARMS * frees
        and false <= FALSE_ALARMS * well
    )


def total(table: Mapping[str, Row]) -> Row:
    hits, ills, falses, frees = (sum(row[i] for row in table.values()) for i in range(4))
    return hits, ills, falses, frees


def wilson(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share, Wilson 1927."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, count / of
    middle, width = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, (middle - width) / (1 + z * z / of)), min(1.0, (middle + width) / (1 + z * z / of))


def twins(runs: Sequence[Recording]) -> dict[str, bool]:
    """Whether doctors and tables pass that are broken: none may."""

    def judged(judge: Callable[[Rule], Callable[[Window], Finding | None]]) -> Make:
        return lambda: Doctor([replace(rule, judge=judge(rule), lasting=0) for rule in RULES])

    def odd(rule: Rule, window: Window) -> Finding | None:
        return Finding("It may be so.", {}) if zlib.crc32(f"{rule.name}{window.step}".encode()) % 5 == 0 else None

    found = {
        "that never speaks": passes(runs, lambda: Doctor(())),
        "that always speaks": passes(runs, judged(lambda _: lambda _: Finding("It is so.", {}))),
        "that speaks at random": passes(runs, judged(lambda rule: partial(odd, rule))),
        "beside labels of other runs": passes(runs, shuffled=True),
    }
    for factor in (0.1, 10):
        off = {name: factor * getattr(rules, name) for name in THRESHOLDS}
        with patch.multiple(rules, **off):
            found[f"whose thresholds are off by {factor:g}"] = passes(runs)
    return found
