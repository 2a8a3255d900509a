"""Writing: one token after the other, each read by the model before the next is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genstudio.sampling.choose import SamplingOptions, distribution, not_finite, pick
from genstudio.sampling.reader import Ids, LanguageModel, Logits, Reader

__all__ = ["Choice", "LanguageModel", "Logits", "stream", "together", "writing"]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A token that was written: its `id`, the `probabilities` (V,) it was drawn with, and the raw `logits` (V,), float32
    unless the model computes in float64."""

    id: int
    probabilities: NDArray[np.float64]
    logits: Logits

    @property
    def probability(self) -> float:
        """What the sampler gave the token."""
        return float(self.probabilities[self.id])


def stream(
    model: LanguageModel,
    ids: Ids,
    options: SamplingOptions,
    seed: int,
    length: int,
    stop: int | None = None,
    slide: int | None = None,
) -> Iterator[Choice]:
    """Continue `ids` (at least one) by up to `length` tokens; ends behind the token `stop`.

    The model sees the last `context` tokens at most. When the context is full, the oldest `slide` tokens are dropped
    and the rest is read again, because positions count from the window's start; `slide` is max(1, context // 8)
    unless told. With 1, the model always sees as much as it can, at the price of reading it all for every token.
    The same seed writes the same text. Raises ConfigError for impossible options, ValueError for no ids.
    """
    return (choice for choice in writing(Reader(model), ids, options, seed, length, stop, slide) if choice is not None)


def writing(
    reader: Reader,
    ids: Ids,
    options: SamplingOptions,
    seed: int,
    length: int,
    stop: int | None = None,
    slide: int | None = None,
) -> Iterator[Choice | None]:
    """The same with a reader, which may have read the beginning before. Gives None between slices of reading.

    Raises TrainingError where the model's numbers are not finite.
    """
    options.check()
    if not len(ids):
        raise ValueError("there must be at least one token to continue")
    context = reader.model.context
    slide = min(max(1, context // 8 if slide is None else slide), context)
    window = [int(i) for i in ids[-context:]]
    return _writing(reader, window, options, np.random.default_rng(seed), length, stop, slide)


def together(
    reader: Reader,
    ids: Ids,
    options: Sequence[SamplingOptions],
    seed: int,
    length: int,
    stop: int | None = None,
) -> Iterator[list[tuple[int, Choice]] | None]:
    """Continue `ids` once for each of the options, all with the same seed and all in one batch: what `writing` does for each
    alone, up to the rounding of larger matrices. Gives a token (index, choice) of each that has not ended; None between
    slices of reading.

    Raises ConfigError for impossible options, ValueError for no ids, TrainingError where numbers are not finite.
    """
    for one in options:
        one.check()
    if not len(ids):
        raise ValueError("there must be at least one token to continue")
    context = reader.model.context
    work = reader.reading(begin := [int(i) for i in ids[-context:]])
    while True:
        try:
            next(work)
        except StopIteration as end:
            logits = np.repeat(end.value[None], len(options), 0)
            break
        yield None
    beams, windows = reader.beams(), [list(begin) for _ in options]
    rngs = [np.random.default_rng(seed) for _ in options]
    open_ones, rows = list(range(len(options))), [0] * len(options)
    for place in range(length):
        if place:
            if len(windows[open_ones[0]]) > context:
                for at in open_ones:
                    del windows[at][: max(1, context // 8)]
            logits = beams.add(rows, [windows[at] for at in open_ones])
        found = [(at, _next(row, options[at], windows[at], rngs[at])) for at, row in zip(open_ones, logits, strict=True)]
        yield found
        goes_on = [row for row, (_, choice) in enumerate(found) if choice.id != stop]
        rows = goes_on if place else [0] * len(goes_on)
        open_ones = [open_ones[row] for row in goes_on]
        if not open_ones:
            return


def _next(logits: Logits, options: SamplingOptions, window: list[int], rng: np.random.Generator) -> Choice:
    """Choose what follows a window, and put it there."""
    try:
        probabilities = distribution(logits, options, window)
    except ValueError:
        raise not_finite() from None
    chosen = pick(probabilities, rng)
    window.append(chosen)
    return Choice(chosen, probabilities, logits)


def _writing(
    reader: Reader,
    window: list[int],
    options: SamplingOptions,
    rng: np.random.Generator,
    length: int,
    stop: int | None,
    slide: int,
) -> Iterator[Choice | None]:
    chosen = -1
    for _ in range(length):
        if chosen < 0 or len(window) > reader.model.context:
            if len(window) > reader.model.context:
                del window[:slide]
            work = reader.reading(window)
            while True:
                try:
                    next(work)
                except StopIteration as end:
                    logits = end.value
                    break
                yield None
        else:
            logits = reader.add(chosen)
        choice = _next(logits, options, window, rng)
        chosen = choice.id
        yield choice
        if chosen == stop:
            return
