"""Figures of speed: what was measured, against a reference in the same run, and against a bound. No torch here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """How fast something is, `value` in `unit`.

    `reference` is what it is compared with, as fast as `reference_value` in the same unit; `ratio` says how many times as fast
    it is, the median over rounds that both were timed in. `bound` is what limits it, and `share` how much of that is reached,
    in [0, 1]. `note` says why something was not measured; then there are no numbers.
    """

    name: str
    unit: str = ""
    value: float | None = None
    reference: str = ""
    reference_value: float | None = None
    ratio: float | None = None
    bound: str = ""
    bound_value: float | None = None
    share: float | None = None
    note: str = ""


def table(figures: tuple[Figure, ...]) -> list[str]:
    """A line of text for each figure below a heading, in columns.

    >>> for line in table((Figure("Step", "tokens/s", 1234.5, "plain loop", 1000, 1.2345, "GEMM", 2469, 0.5),
    ...                    Figure("GPU", note="none here"))):
    ...     print(line)
    figure  measured        reference         ratio  bound       share
    Step    1,234 tokens/s  plain loop 1,000  1.23x  GEMM 2,469    50%
    GPU     not measured: none here
    """
    heading = ("figure", "measured", "reference", "ratio", "bound", "share")
    rows = [
        (
            one.name,
            f"{number(one.value)} {one.unit}".strip(),
            f"{one.reference} {number(one.reference_value)}".strip(),
            "" if one.ratio is None else f"{one.ratio:.2f}x",
            f"{one.bound} {number(one.bound_value)}".strip(),
            "" if one.share is None else f"{one.share:.0%}",
        )
        for one in figures
        if not one.note
    ]
    wide = [max(len(row[column]) for row in (heading, *rows)) for column in range(len(heading))]
    wide[0] = max(wide[0], *(len(one.name) for one in figures))
    right = {3, 5}

    def line(row: tuple[str, ...]) -> str:
        cells = (cell.rjust(wide[at]) if at in right else cell.ljust(wide[at]) for at, cell in enumerate(row))
        return "  ".join(cells).rstrip()

    lines, timed = [line(heading)], iter(rows)
    for one in figures:
        lines.append(f"{one.name.ljust(wide[0])}  not measured: {one.note}" if one.note else line(next(timed)))
    return lines


def number(value: float | None) -> str:
    """A number with three digits or more, none for None.

    >>> [number(value) for value in (123456.7, 23.456, 0.04567, None)]
    ['123,457', '23.5', '0.0457', '']
    """
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
