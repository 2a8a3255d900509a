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
from genstudio.tasks.prompt import Prompt, encode, text_of
from genstudio.tasks.task import Frames, Quiet


@dataclass(frozen=True, slots=True)
class Fill(Quiet):
    """What fits into each [MASK] of a text, the `count` most probable tokens, by the tokens on both sides of it.

    Of a text that is longer than the model sees, the part around its gaps is
    read. Raises RunError for a model that fills no gaps, DataError where the gaps are too far apart to be seen together.
    """

    model: ModelRef
    prompt: Prompt
    count: int = 10

    def run(self, models: Models) -> Frames[Filled]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, FillsIn)
        from genstudio.inspection.filling import filled

        found = encode(opened.tokenizer, (text_of(self.prompt),))
        ids = around_gaps(opened, found.ids)
        shown = filled(opened.model, ids, "filled", opened.step, count=self.count)
        return replace(shown, weights=opened.words, unknown=found.unknown)


@dataclass(frozen=True, slots=True)
class ReplaceTokens(Quiet):
    """A text with other tokens in some places: (position as in `Filled`, id) each; a gap where the id is that of the mask."""

    model: ModelRef
    prompt: Prompt
    places: tuple[tuple[int, int], ...]

    def run(self, models: Models) -> Frames[str]:
        yield from ()
        tokenizer, text = models.open(self.model, FillsIn).model.tokenizer, text_of(self.prompt)
        starts = tokenizer.starts(text)
        for position, token in sorted(self.places, reverse=True):
            place = position - 1  # the first token is [CLS], which stands nowhere in the text
            if not 0 <= place < len(starts) - 1:
                continue
            start, end = int(starts[place]), int(starts[place + 1])
            put = tokenizer.decode([token])
            if token == tokenizer.mask:
                put = f" {put}" if text[start] == " " and tokenizer.absorbs_space else put
            elif not start:
                put = put.lstrip(" ")
            text = text[:start] + put + text[end:]
        return text


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
