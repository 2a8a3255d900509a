"""Milestones of a training, in words: a loss that falls below a reference line, the first real word that is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from genstudio.events import Frame, Notice
from genstudio.families.dashboard import Dashboard, Reference
from genstudio.snapshots.text import Text

_WORD = re.compile(r"(?<![^\W\d_])[^\W\d_]{3,}(?![^\W\d_])")
_PROOF = 60
"""Characters of a sample that prove a milestone."""
_KEPT = 200
"""The first samples of a run, among which a milestone finds its evidence."""


class Milestones:
    """Finds each milestone of a run once, from its frames; `words` are words that the text of the run often has.

    Where the validation is a sample, a loss that falls below a line is said to be estimated, until it is known of the last step
    what all held-out data say: that confirms the milestone, or withdraws it.
    """

    def __init__(self, board: Dashboard) -> None:
        self._bars = [
            (line.name, reference)
            for chart in board.charts
            for line in chart.lines
            if line.role == "validation"
            for reference in (
                *(reference for reference in chart.references if reference.beaten),
                *(Reference(name, "", beaten=words) for name, words in chart.beaten.items()),
            )
        ]
        self.reads = any("sample" in pane.channels for pane in board.panes)
        """Whether the text of a run matters, because the first real word is looked for."""
        self._sampled = board.references is not None
        self._floors = {name for chart in board.charts for name in chart.beaten}
        self.words: frozenset[str] = frozenset()
        self._known: Mapping[str, float] = {}
        self._measured: dict[str, list[tuple[int, float]]] = {name: [] for name, _ in self._bars}
        self._samples: list[Text] = []
        self._reached: dict[str, Notice] = {}
        self._end, self._exact = -1, dict[str, float]()
        self._withdrawn: list[Notice] = []

    def clear(self) -> None:
        """Another run."""
        self.words, self._known = frozenset(), {}
        self._samples.clear()
        self._reached.clear()
        self._withdrawn.clear()
        self._end, self._exact = -1, {}
        for measured in self._measured.values():
            measured.clear()

    def show_references(self, values: Mapping[str, float]) -> list[Notice]:
        """The values of the reference lines, and what is known to be reached with them."""
        self._known = {**self._known, **values}
        return list(self._found())

    def show_words(self, words: frozenset[str]) -> list[Notice]:
        """Words of the text, and what is known to be reached with them."""
        self.words = words
        return list(self._found())

    def show_exact(self, step: int, values: Mapping[str, float]) -> list[Notice]:
        """What was measured on all held-out data at a step, the last one, and what is known to be reached with it."""
        self._end, self._exact = step, dict(values)
        return list(self._found())

    def withdrawn(self) -> list[Notice]:
        """Milestones that no longer hold as they were told, since the last call."""
        gone, self._withdrawn = self._withdrawn, []
        return gone

    def show_frame(self, frame: Frame) -> list[Notice]:
        """What is reached with this frame."""
        fresh = [snapshot for snapshot in frame.snapshots if isinstance(snapshot, Text)]
        measured = frame.series.keys() & self._measured.keys()
        floors = frame.series.keys() & self._floors
        self._known = {**self._known, **{name: float(frame.series[name].values[-1]) for name in floors}}
        for name in measured:
            series = frame.series[name]
            self._measured[name] += zip(series.steps.tolist(), series.values.tolist(), strict=True)
        self._samples += fresh[: _KEPT - len(self._samples)]
        if frame.back is not None:
            self._samples = [sample for sample in self._samples if sample.step <= frame.back]
            self._measured = {n: [m for m in all_ if m[0] <= frame.back] for n, all_ in self._measured.items()}
            self._reached = {name: notice for name, notice in self._reached.items() if notice.step <= frame.back}
            if self._end > frame.back:
                self._end, self._exact = -1, {}
        return list(self._found()) if fresh or measured else []

    def _found(self) -> Iterator[Notice]:
        for name, bar in self._bars:
            value = self._known.get(bar.name) if bar.value is None else bar.value
            before = self._reached.get(bar.name)
            if value is None or (before is not None and name not in self._exact):
                continue
            now = self._passed(name, bar, value)
            if now == before:
                continue
            if before is not None:
                self._withdrawn.append(self._reached.pop(bar.name))
            if now is not None:
                self._reached[bar.name] = now
                yield now
        if not self.words or "first word" in self._reached:
            return
        for sample in self._samples:
            word = next((word for word in _WORD.findall(sample.text) if word.lower() in self.words), None)
            if word is not None and sample.step > 0:
                told = self._reached["first word"] = Notice(
                    sample.step, "milestone", f"First real word: {word}.{_quoted(sample)}"
                )
                yield told
                return

    def _passed(self, name: str, bar: Reference, value: float) -> Notice | None:
        """Where a line was passed for the first time, so far as that is known."""
        measured, end, exact = self._measured[name], self._end, self._exact.get(name)
        sign = -1 if bar.above else 1
        passing = [step for step, found in measured if sign * found < sign * value]
        proved = exact is not None and sign * exact < sign * value
        last = max((step for step, _ in measured if step <= end), default=None)
        if exact is not None and not proved and last in passing:  # the sample flatters the model
            passing = [step for step in passing if step > end]
        step = min([*passing, *([end] if proved else [])], default=None)
        if step is None:
            return None
        if proved:
            words = f"{bar.beaten}." + (f" All held-out data confirm it at step {end:,}." if step < end else "")
        else:
            words = f"{bar.beaten}{', estimated' if self._sampled else ''}."
        near = min(self._samples, key=lambda sample: abs(sample.step - step), default=None)
        return Notice(step, "milestone", words + _quoted(near))


def _quoted(sample: Text | None) -> str:
    """A sample as evidence, in a sentence."""
    words = "" if sample is None else " ".join(sample.text.split())
    if sample is None or not words:
        return ""
    return f' At step {sample.step:,} it writes "{words[:_PROOF]}{"…" * (len(words) > _PROOF)}"'
