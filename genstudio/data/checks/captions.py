"""Checks of the captions of pictures."""

from __future__ import annotations

from collections import Counter

import numpy as np

from genstudio.data.checks.finding import Finding, many, shown
from genstudio.data.datasets import ImageDataset
from genstudio.data.split import SplitSettings, split_items

LONG = 64
"""Words of a caption beyond which a small model of text reads the beginning only."""
_FEW = 200
_SHARED = 0.05


def check_captions(dataset: ImageDataset, split: SplitSettings) -> list[Finding]:
    """What is worth knowing of captions before pictures and texts are learned together; nothing where there are none."""
    captions = dataset.captions
    if captions is None:
        return []
    found = list[Finding]()
    bare = [place for place, text in enumerate(captions) if not text.strip()]
    said = [text for text in captions if text.strip()]
    if bare:
        found.append(Finding(
            "every picture has a caption", "warning" if len(bare) < len(captions) else "error",
            f"{many(len(bare), 'picture has', 'pictures have')} no caption and will not be used where captions are learned "
            "from.", len(bare), shown([f"picture {place + 1}" for place in bare[:5]], bare[:5]),
            "Write their captions, or remove the pictures.",
        ))  # fmt: skip
    if 0 < len(said) < _FEW:
        found.append(Finding(
            f"at least {_FEW} captions", "warning",
            f"There are {len(said):,} captions: a model will memorise which belongs to which picture.", len(said), (),
            "Add pictures with captions.",
        ))  # fmt: skip
    long = [place for place, text in enumerate(captions) if len(text.split()) > LONG]
    if long:
        longest = max(len(captions[place].split()) for place in long)
        found.append(Finding(
            f"no caption longer than {LONG} words", "warning",
            f"{many(len(long), 'caption has', 'captions have')} more than {LONG} words, up to {longest:,}: a model "
            "reads only as much of the beginning as fits its context.", len(long),
            shown([captions[i] for i in long[:5]], long[:5]),
            "Shorten them, with what matters most first, or choose a longer context.",
        ))  # fmt: skip
    counts = Counter(said)
    shared = sum(count for count in counts.values() if count > 1)
    if shared > _SHARED * len(captions):
        text, most = counts.most_common(1)[0]
        found.append(Finding(
            "captions tell pictures apart", "info" if len(counts) > 20 else "warning",
            f"{shared:,} of {len(said):,} pictures share their caption with another one ({len(counts):,} different captions): "
            "a text cannot say which of them it means.", shared, shown([f"{text} ({most:,} times)"], [captions.index(text)]),
            "Say in the captions what sets pictures apart, unless it does not matter.",
        ))  # fmt: skip
    return found + _same_in_both(dataset, split)


def _same_in_both(dataset: ImageDataset, split: SplitSettings) -> list[Finding]:
    """Pictures that are in both parts with one caption: what is tested was trained on."""
    captions, pixels = dataset.captions or (), dataset.pixels
    if len(captions) < 2 or split.how == "file":
        return []
    train, held = split_items(len(captions), split)
    known = {(pixels[place].tobytes(), captions[place]) for place in train.tolist()}
    both = [place for place in held.tolist() if captions[place] and (pixels[place].tobytes(), captions[place]) in known]
    if not both:
        return []
    return [Finding(
        "no captioned picture in both training and validation", "warning" if len(both) > 0.01 * len(held) else "info",
        f"{len(both):,} of {len(held):,} validation pictures occur in the training part with the same caption: finding them "
        "proves nothing.", len(both), shown([captions[i] for i in both[:5]], np.array(both[:5]).tolist()),
        "Remove the duplicates.",
    )]  # fmt: skip
