"""Checks of pairs, toy tasks and points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genstudio.data.checks import languages, similar
from genstudio.data.checks.finding import Finding, many, repeated, share, shown
from genstudio.data.datasets import PointDataset
from genstudio.data.split import SplitSettings, split_items
from genstudio.data.tokenizers import code_points
from genstudio.data.work import Work, scaled

_FEW = 1000
_RATIO = 3.0
_LONG = 15
_SAMPLE = 20_000


def check_pairs(
    left: Sequence[str],
    right: Sequence[str],
    names: tuple[str, str],
    split: SplitSettings,
    context: int | None,
    natural: bool,
) -> Work[tuple[Finding, ...]]:
    """Everything that can be said of pairs; `natural` ones are sentences, others questions with answers."""
    found, count = [], len(left)
    if count < (_FEW if natural else 100):
        found.append(Finding(
            f"at least {_FEW if natural else 100:,} pairs", "warning", f"There are {count:,} pairs.", count, (),
            "Add more pairs.",
        ))  # fmt: skip
    lengths = np.array([[len(a.strip()), len(b.strip())] for a, b in zip(left, right, strict=True)], np.int64).reshape(
        -1, 2
    )
    yield 0.1
    found += _empty(left, right, names)
    if natural:
        found += _ratios(left, right, lengths)
    if context is not None and (long := np.flatnonzero(lengths.max(axis=1) > context)).size:
        found.append(Finding(
            f"no side longer than {context:,} characters", "info",
            f"{many(len(long), 'pair is', 'pairs are')} longer than the context.",
            len(long), shown([max(left[i], right[i], key=len) for i in long[:5].tolist()], long[:5].tolist()),
            "Choose a longer context, or tokens of several characters.",
        ))  # fmt: skip
    yield 0.2
    again = similar.repeats(list(zip(left, right, strict=True)))
    if again and natural:
        found.append(Finding(
            "no duplicate pairs", "warning" if len(again) > 0.01 * count else "info",
            f"{len(again):,} of {count:,} pairs are duplicates.", len(again),
            shown([f"{left[two]} | {right[two]}" for _, two in again], [two for _, two in again]),
            "Remove the duplicates.",
        ))  # fmt: skip
    found += _conflicts(left, right, natural)
    found += _leak(left, right, split)
    yield 0.4
    if natural:
        found += yield from _near(left)
        for side, texts in zip(names, (left, right), strict=True):
            found += yield from _languages(texts, side)
    return tuple(found)


def check_points(dataset: PointDataset) -> Work[tuple[Finding, ...]]:
    """Everything that can be said of points."""
    points, found = dataset.points, []
    if len(points) < 500:
        found.append(Finding(
            "at least 500 points", "warning", f"There are {len(points):,} points.", len(points), (), "Draw more points.",
        ))  # fmt: skip
    bad = int(np.count_nonzero(~np.isfinite(points).all(axis=1)))
    if bad:
        found.append(
            Finding("finite numbers", "error", f"{bad:,} points are not finite numbers.", bad, (), "Remove them.")
        )
        return tuple(found)
    yield 0.3
    same = len(points) - len(np.unique(points, axis=0))
    if same > 0.01 * len(points):
        found.append(Finding(
            "no duplicate points", "info", f"{same:,} of {len(points):,} points are duplicates.", same, (),
            "Add a little noise, if the points were rounded.",
        ))  # fmt: skip
    yield 0.6
    middle = np.median(points, axis=0)
    spread = np.median(np.abs(points - middle), axis=0)
    if spread.min() == 0:
        found.append(Finding(
            "points vary in both directions", "warning", "At least half of the points share a coordinate.",
            len(points) // 2, (), "Check the columns.",
        ))  # fmt: skip
        return tuple(found)
    far = np.flatnonzero((np.abs(points - middle) > 15 * spread).any(axis=1))
    if len(far):
        found.append(Finding(
            "no point more than 15 spreads from the centre", "warning", f"{len(far):,} points are far from all "
            "others.", len(far),
            shown([f"({points[i, 0]:g}, {points[i, 1]:g})" for i in far[:5].tolist()], far[:5].tolist()),
            "Check or remove them.",
        ))  # fmt: skip
    if spread.max() > 20 * spread.min():
        found.append(Finding(
            "both directions of similar scale", "info",
            f"One coordinate spreads {spread.max() / spread.min():.0f} times as far as the other.", len(points), (),
            "Rescale the larger one, so that the model learns both.",
        ))  # fmt: skip
    return tuple(found)


def _empty(left: Sequence[str], right: Sequence[str], names: tuple[str, str]) -> list[Finding]:
    found = []
    empty = [i for i, (a, b) in enumerate(zip(left, right, strict=True)) if not a.strip() or not b.strip()]
    if empty:
        found.append(Finding(
            "no side is empty", "warning", f"{many(len(empty), 'pair has', 'pairs have')} an empty side.", len(empty),
            shown([f"{i + 1}: {left[i]} | {right[i]}" for i in empty[:5]], empty), "Fill these cells, or remove the rows.",
        ))  # fmt: skip
    same = [i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a == b and len(a) >= _LONG]
    if same:
        found.append(Finding(
            "the sides differ", "warning" if len(same) > 0.02 * len(left) else "info",
            f"{many(len(same), 'pair has', 'pairs have')} the same text on both sides ({names[0]} and {names[1]}).", len(same),
            shown([left[i] for i in same[:5]], same), "Remove them, or check the columns.",
        ))  # fmt: skip
    return found


def _ratios(left: Sequence[str], right: Sequence[str], lengths: np.ndarray) -> list[Finding]:
    """Lengths far from the ratio that the pairs have as a rule."""
    both = np.flatnonzero((lengths.min(axis=1) > 0) & (lengths.max(axis=1) >= _LONG))
    if len(both) < 10:
        return []
    ratios = np.log(lengths[both, 0] / lengths[both, 1])
    usual = float(np.median(ratios))
    odd = both[np.abs(ratios - usual) > np.log(_RATIO)]
    if not len(odd):
        return []
    return [Finding(
        f"a length ratio within {_RATIO:g} times the usual", "warning" if len(odd) > 0.01 * len(left) else "info",
        f"{len(odd):,} pairs have sides of very different length (usual: {np.exp(usual):.2f} to 1): they may be "
        "mismatched.", len(odd),
        shown([f"{left[i]} | {right[i]}" for i in odd[:5].tolist()], odd[:5].tolist()), "Check or remove them.",
    )]  # fmt: skip


def _conflicts(left: Sequence[str], right: Sequence[str], natural: bool) -> list[Finding]:
    answers: dict[str, str] = {}
    other = [i for i, (a, b) in enumerate(zip(left, right, strict=True)) if answers.setdefault(a, b) != b]
    if not other or (natural and len(other) < 0.01 * len(left)):
        return []
    return [Finding(
        "one answer per question", "info" if natural else "error",
        f"{len(other):,} pairs give a different answer to the same question.", len(other),
        shown([f"{left[i]} | {answers[left[i]]} / {right[i]}" for i in other[:5]], other),
        "Keep one, unless several answers are correct.",
    )]  # fmt: skip


def _leak(left: Sequence[str], right: Sequence[str], split: SplitSettings) -> list[Finding]:
    if len(left) < 2 or split.how == "file":
        return []
    train, validation = split_items(len(left), split)
    known = {left[i] for i in train.tolist()}
    both = [i for i in validation.tolist() if left[i] in known]
    if not both:
        return []
    return [Finding(
        "no question in both training and validation", "warning" if len(both) > 0.01 * len(validation) else "info",
        f"{len(both):,} of {len(validation):,} validation pairs ({share(len(both), len(validation))}) have the same "
        "question as a training pair.", len(both), shown([f"{left[i]} | {right[i]}" for i in both[:5]], both),
        "Remove the repeated pairs.",
    )]  # fmt: skip


def _near(texts: Sequence[str]) -> Work[list[Finding]]:
    chosen = [place for place, text in enumerate(texts[:_SAMPLE]) if len(text) >= 40]
    some = [texts[place] for place in chosen]
    stops = np.cumsum([len(text) + 1 for text in some], dtype=np.int64) - 1
    starts = stops - np.array([len(text) for text in some], np.int64)
    near = yield from scaled(similar.near_texts(code_points("\n".join(some)), starts, stops), 0.4, 0.8)
    if not near:
        return []
    return [Finding(
        "sentences differ by more than a quarter", "warning" if len(near) > 0.05 * len(some) else "info",
        repeated(len(near), len(some), "long sentences", "near-"), len(near),
        shown([some[two] for _, two in near], [chosen[two] for _, two in near]), "Keep one of each.",
    )]  # fmt: skip


def _languages(texts: Sequence[str], side: str) -> Work[list[Finding]]:
    step = max(1, len(texts) // _SAMPLE)
    some = texts[::step]
    usual, strange = yield from languages.strangers(some)
    if len(strange) < max(2, 0.002 * len(some)):
        return []
    return [Finding(
        "one language per side", "warning" if len(strange) > 0.02 * len(some) else "info",
        f"{len(strange):,} of {len(some):,} texts in '{side}' do not look like {usual}.", len(strange),
        shown([f"{name}: {some[place]}" for place, name in strange], [place * step for place, _ in strange]),
        "Check whether columns or lines are swapped.",
    )]  # fmt: skip
