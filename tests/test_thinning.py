"""One policy for all that is kept over time: few, spread, the first and the last, and never what must stay."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from genstudio.runs.thinning import is_due, position, superfluous

STEPS = st.lists(st.integers(0, 10**7), unique=True, max_size=300).map(sorted)


@given(STEPS, st.integers(2, 24), st.data())
def test_what_stays_is_few_and_holds_the_first_the_last_and_what_is_safe(
    steps: list[int], maximum: int, data: st.DataObject
) -> None:
    safe = data.draw(st.sets(st.sampled_from(steps), max_size=30)) if steps else set()
    dropped = superfluous(steps, maximum, [*safe, 10**8])
    assert len(set(dropped)) == len(dropped) and set(dropped) <= set(steps)
    stays = [step for step in steps if step not in dropped]
    must = safe | {*steps[:1], *steps[-1:]}
    assert must <= set(stays)
    assert len(stays) == min(len(steps), max(maximum, len(must)))


@given(STEPS, st.integers(4, 24))
def test_thinning_as_it_grows_is_bounded_at_every_step(steps: list[int], maximum: int) -> None:
    kept: list[int] = []
    for step in steps:
        kept.append(step)
        gone = superfluous(kept, maximum)
        assert len(gone) <= 1
        kept = [at for at in kept if at not in gone]
        assert len(kept) <= maximum
        assert (kept[0], kept[-1]) == (steps[0], step)


@given(st.lists(st.integers(1, 400), min_size=2, max_size=200), st.integers(12, 200))
def test_what_is_kept_of_any_beat_is_spread_over_the_whole(gaps: list[int], maximum: int) -> None:
    steps = [0, *itertools.accumulate(gaps)]
    kept: list[int] = []
    for step in steps:
        if is_due(kept, step, maximum):
            kept.append(step)
            for gone in superfluous(kept, maximum):
                kept.remove(gone)
    end = steps[-1]
    places, there = ([position(step, end) for step in some] for some in (kept, steps))
    widest = max(b - a for a, b in itertools.pairwise(there))
    assert max((b - a for a, b in itertools.pairwise([*places, 1.0])), default=0) <= 4 / maximum + 2 * widest


def test_a_long_run_is_spread_and_its_beginning_is_dense() -> None:
    kept: list[int] = []
    for step in range(50_001):
        if is_due(kept, step, 24):
            kept.append(step)
            for gone in superfluous(kept, 24):
                kept.remove(gone)
    at = [position(step, 50_000) for step in kept]
    assert len(kept) > 24 * 0.7
    assert max(b - a for a, b in itertools.pairwise(at)) < 4 / 24
    assert sum(step <= 500 for step in kept) >= 6, "most is learned early"
