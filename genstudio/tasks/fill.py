"""Gaps of a text, filled in by a model that reads from both sides."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genstudio.errors import DataError
from genstudio.events import Frame, Progress
from genstudio.families.abilities import FillsIn
from genstudio.snapshots.filled import Filled
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.prompt import Prompt, encode
from genstudio.tasks.task import Frames


@dataclass(frozen=True, slots=True)
class Fill:
    """What fits into each [MASK] of a text, the `count` most probable tokens, by the tokens on both sides of it.

    `prompt` may hold tokens as they were cut before. Of a text that is longer than the model sees, the part around its gaps is
    read. Raises RunError for a model that fills no gaps, DataError where the gaps are too far apart to be seen together.
    """

    model: ModelRef
    prompt: Prompt
    count: int = 10

    def run(self, models: Models) -> Frames[Filled]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, FillsIn)
        from genstudio.inspection.filling import filled

        found = encode(opened.tokenizer, self.prompt)
        ids = around_gaps(opened, found.ids)
        shown = filled(opened.model, ids, "filled", opened.step, count=self.count)
        return replace(shown, weights=opened.words, unknown=found.unknown)


def around_gaps(opened: Opened[FillsIn], ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """At most as many ids as the model sees, with all gaps among them, the beginning marker first. Raises DataError."""
    model = opened.model
    context = model.context
    if len(ids) <= context:
        return ids
    gaps = np.flatnonzero(ids == model.mask_id)
    first, last = (int(gaps[0]), int(gaps[-1])) if len(gaps) else (1, 1)
    room = context - 1
    if last - first >= room:
        raise DataError(
            f"The gaps are {last - first:,} tokens apart, and the model sees {context:,} at once.",
            "Fill them one after the other.",
        )
    start = int(np.clip((first + last - room) // 2, 1, len(ids) - room))
    return np.concatenate([ids[:1], ids[start : start + room]])
