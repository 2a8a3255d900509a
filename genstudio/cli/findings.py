"""What the doctor of a training tells, in lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from genstudio.events import Diagnosis

if TYPE_CHECKING:
    from genstudio.runs import Run


def lines(told: Diagnosis) -> list[str]:
    """What is wrong, what it was seen by, and what to try with `--set`; one line where it is over."""
    if told.until is not None:
        return [f"Step {told.until:,}: resolved: {told.title}, detected at step {told.step:,}."]
    found = [f"Step {told.step:,}: {told.title}. {told.sentence}"]
    if told.evidence:
        found.append("  Evidence: " + "; ".join(f"{name} {value:.3g}" for name, value in told.evidence.items()) + ".")
    for advice in told.advice:
        values = " ".join(f"{name}={value}" for name, value in advice.values.items())
        found.append(f"  Try: {advice.text}." + (f"  --set {values}" if values else ""))
    return found


def of_run(run: Run, step: int) -> list[Diagnosis]:
    """What the doctor had told of a run by a step, as far as it was known then."""
    early = (told for told in run.diagnoses() if told.step <= step)
    return [told if told.until is None or told.until <= step else replace(told, until=None) for told in early]


def record(told: Iterable[Diagnosis]) -> list[str]:
    """A line for each: what it was, and from when to when."""
    return [f"{one.title}: step {one.step:,}" + ("" if one.until is None else f" to {one.until:,}") for one in told]
