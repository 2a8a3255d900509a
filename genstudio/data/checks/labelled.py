"""Checks of labelled texts."""

from __future__ import annotations

import numpy as np

from genstudio.data.checks import similar
from genstudio.data.checks.finding import Finding, many, shown
from genstudio.data.datasets import LabelledDataset
from genstudio.data.split import SplitSettings, split_items
from genstudio.data.work import Work

_FEW, _RARE, _UNEVEN = 200, 5, 0.9


def check_labelled(dataset: LabelledDataset, split: SplitSettings, context: int | None) -> Work[tuple[Finding, ...]]:
    """Everything that can be said of labelled texts."""
    texts, labels, found = dataset.texts, dataset.labels, []
    count, counts = len(texts), np.bincount(labels[labels >= 0], minlength=len(dataset.classes))
    if count < _FEW:
        found.append(Finding(f"at least {_FEW} texts", "warning", f"There are {count:,} texts.", count, (), "Add more texts."))
    if (counts > 0).sum() < 2:
        found.append(Finding(
            "at least two classes", "error", "All texts have the same class: there is nothing to tell apart.", count, (),
            "Choose another column for the label.",
        ))  # fmt: skip
    none = np.flatnonzero(labels < 0)
    if len(none):
        found.append(Finding(
            "every text has a label", "warning" if len(none) < 0.5 * count else "error",
            f"{len(none):,} of {count:,} texts have no label; they are not used to train a classifier.", len(none),
            shown([texts[i] for i in none[:5].tolist()], none[:5].tolist()), "Fill in the labels, or remove the rows.",
        ))  # fmt: skip
    rare = [name for name, of in zip(dataset.classes, counts.tolist(), strict=True) if 0 < of < _RARE]
    if rare:
        found.append(Finding(
            f"at least {_RARE} texts per class", "warning",
            f"{many(len(rare), 'class has', 'classes have')} fewer than {_RARE} texts, for example {', '.join(rare[:3])}.",
            len(rare), (), "Merge them, or add more texts.",
        ))  # fmt: skip
    if counts.sum() and counts.max() > _UNEVEN * counts.sum():
        found.append(Finding(
            f"no class with more than {_UNEVEN:.0%}", "warning",
            f"{counts.max() / counts.sum():.0%} of the texts are of the class '{dataset.classes[int(counts.argmax())]}': "
            "naming it every time would be right just as often.", int(counts.max()), (), "Compare accuracy with that, or "
            "balance the classes.",
        ))  # fmt: skip
    yield 0.3
    again = similar.repeats(list(zip(texts, dataset.named, strict=True)))
    if again:
        found.append(Finding(
            "no duplicates", "warning" if len(again) > 0.01 * count else "info",
            f"{len(again):,} of {count:,} texts occur before with the same label.", len(again),
            shown([texts[two] for _, two in again[:5]], [two for _, two in again[:5]]), "Remove the duplicates.",
        ))  # fmt: skip
    first: dict[str, int] = {}
    other = [i for i, text in enumerate(texts) if labels[first.setdefault(text, i)] != labels[i]]
    if other:
        found.append(Finding(
            "one label per text", "warning", f"{len(other):,} texts occur before with another label.", len(other),
            shown([texts[i] for i in other[:5]], other[:5]), "Keep one of the labels.",
        ))  # fmt: skip
    yield 0.6
    if count > 1 and split.how != "file":
        train, held = split_items(count, split)
        known = {texts[i] for i in train.tolist()}
        leaked = [i for i in held.tolist() if texts[i] in known]
        if leaked:
            found.append(Finding(
                "no validation text in training", "warning" if len(leaked) > 0.01 * len(held) else "info",
                f"{len(leaked):,} of {len(held):,} validation texts are training texts too.", len(leaked),
                shown([texts[i] for i in leaked[:5]], leaked[:5]), "Remove the duplicates.",
            ))  # fmt: skip
    long = [i for i, text in enumerate(texts) if context is not None and len(text) > context]
    if long:
        found.append(Finding(
            f"no text longer than {context:,} characters", "info",
            f"{many(len(long), 'text is', 'texts are')} longer than the context: with characters as tokens, the rest is unread.",
            len(long), shown([texts[i] for i in long[:5]], long[:5]), "Choose a longer context, or tokens of several characters.",
        ))  # fmt: skip
    yield 1.0
    return tuple(found)
