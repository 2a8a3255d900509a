"""The doctor: watches the numbers of a training, and says in words what goes wrong and what to try. Numpy only."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.events import Advice, Diagnosis, Series, Snapshot

EVERY, ASK = 40, 100
"""Steps between two snapshots that are observed, and between two judgements: no more often, however fast the training."""
KEEP, SPARSE = 2000, 64
"""Steps that are remembered of a number, and values of one that comes less often."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule sees now: a sentence, the numbers behind it, and what to try."""

    sentence: str
    evidence: Mapping[str, float]
    advice: tuple[Advice, ...] = ()


class Window:
    """The last KEEP steps of every number (at least its last SPARSE values), the settings that hold now, and numbers that are
    `known` beforehand."""

    def __init__(self, known: Mapping[str, float] | None = None) -> None:
        self._known = known or {}
        self.step = 0
        self.settings: Mapping[str, Any] = {}
        self._parts: dict[str, deque[Series]] = {}
        self._joined: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}

    def add(self, series: Mapping[str, Series]) -> None:
        """Further numbers; steps of one name ascend."""
        for name, values in series.items():
            if len(values):
                parts = self._parts.setdefault(name, deque())
                parts.append(values)
                self._joined.pop(name, None)
                self.step = max(self.step, int(values.steps[-1]))
                while parts[0].steps[-1] <= self.step - KEEP and len(parts) > SPARSE:
                    parts.popleft()

    def forget(self) -> None:
        """All numbers, as when the training goes on from somewhere else."""
        self._parts.clear()
        self._joined.clear()

    def all(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Steps (n,) and values (n,) that are remembered of a number."""
        if name not in self._joined:
            parts = self._parts.get(name)
            if not parts:
                return np.zeros(0, np.int64), np.zeros(0)
            steps, values = (np.concatenate([getattr(part, which) for part in parts]) for which in ("steps", "values"))
            kept = steps > self.step - KEEP
            kept[-SPARSE:] = True
            steps, values = steps[kept], values[kept]
            self._parts[name] = deque([Series(steps, values)])
            self._joined[name] = steps, values
        return self._joined[name]

    def recent(self, name: str, steps: int) -> NDArray[np.float64]:
        """Values (n,) of the last `steps` steps; empty where the number has not been known for so long."""
        at, values = self.all(name)
        first = self.step - steps
        if not len(at) or at[0] > first + max(EVERY, steps // 4):
            return np.zeros(0)
        return values[at > first]

    def mean(self, name: str, steps: int) -> float:
        """Mean over the last `steps` steps, NaN where the number has not been known for so long."""
        values = self.recent(name, steps)
        return float(values.mean()) if len(values) else float("nan")

    def last(self, name: str) -> float:
        """The newest value, or what is known beforehand; NaN where there is none."""
        values = self.all(name)[1]
        return float(values[-1]) if len(values) else self._known.get(name, float("nan"))

    def measured(self, name: str) -> int:
        """The step of the newest value, 0 where there is none."""
        steps = self.all(name)[0]
        return int(steps[-1]) if len(steps) else 0

    def beside(self, name: str, other: str) -> float:
        """The value that a number had when `other` was last measured; NaN where it is not remembered."""
        (at, values), (measured, _) = self.all(name), self.all(other)
        known = int(np.searchsorted(at, measured[-1], "right")) if len(measured) else 0
        return float(values[known - 1]) if known else float("nan")


@dataclass(frozen=True)
class Rule:
    """One thing that can go wrong: `says` is the rule in words, with its thresholds; `judge` gives a Finding while it holds.

    It is told once it has held for `lasting` steps without a break, and is over once it has not held for `calm` steps.
    """

    name: str
    title: str
    says: str
    judge: Callable[[Window], Finding | None]
    lasting: int = 0
    calm: int = 200
    severity: str = "warning"


@dataclass
class _State:
    """Since when a rule has held, or not held, without a break; and what was told."""

    since: int | None = None
    quiet: int | None = None
    told: Diagnosis | None = None


class Doctor:
    """Asks rules about a window of numbers, and tells each finding once until it has been over.

    `observe(snapshot)` turns what is looked at into further numbers. `told` are diagnoses of the run so far: those that
    are not over go on, and are not told again. `broken` says what to do about numbers that are not finite. The cost is
    bounded: rules are asked once in `every` steps, and of a channel one snapshot in EVERY steps is observed. `known` are
    numbers of the data.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        observe: Callable[[Snapshot], Mapping[str, float]] | None = None,
        told: Iterable[Diagnosis] = (),
        broken: Callable[[Window], Finding | None] | None = None,
        every: int = ASK,
        known: Mapping[str, float] | None = None,
    ) -> None:
        self.rules = tuple(rules)
        self._observe, self._broken, self._every = observe, broken, every
        self._window = Window(known)
        self._states = {rule.name: _State() for rule in self.rules}
        self._seen: dict[str, int] = {}
        self._asked = 0
        for diagnosis in told:
            if diagnosis.name in self._states and diagnosis.until is None:
                self._states[diagnosis.name].told = diagnosis

    @property
    def open(self) -> tuple[Diagnosis, ...]:
        """What has been told and is not over."""
        return tuple(state.told for state in self._states.values() if state.told is not None)

    def see(
        self, series: Mapping[str, Series], snapshots: Iterable[Snapshot], settings: Mapping[str, Any], *, ended: bool = False
    ) -> list[Diagnosis]:
        """What is new after these numbers: diagnoses that are told now, and others, with `until`, that are over. Once the
        training has `ended`, rules are asked whatever the step: what was measured last came after they were."""
        window = self._window
        window.settings = settings
        window.add(series)
        for snapshot in snapshots:
            self._look(snapshot)
        if window.step < self._asked + self._every and not ended:
            return []
        self._asked = window.step
        return [found for rule in self.rules if (found := self._ask(rule)) is not None]

    def back(self, step: int) -> None:
        """The training goes on from after `step`: what came later never was."""
        self._window.forget()
        self._window.step = self._asked = step
        self._seen.clear()
        for state in self._states.values():
            state.since = state.quiet = None
            if state.told is not None and state.told.step > step:
                state.told = None

    def not_finite(self, step: int) -> list[Diagnosis]:
        """The training ends because its numbers are not finite: told at once, as the rule `not_finite`."""
        rule = next((rule for rule in self.rules if rule.name == "not_finite"), None)
        finding = None if self._broken is None else self._broken(self._window)
        return [] if rule is None or finding is None else [self._tell(rule, finding, step)]

    def _look(self, snapshot: Snapshot) -> None:
        before = self._seen.get(snapshot.channel)
        if self._observe is None or (before is not None and snapshot.step < before + EVERY):
            return
        numbers = self._observe(snapshot)
        if numbers:
            self._seen[snapshot.channel] = snapshot.step
            at = np.array([snapshot.step], np.int64)
            self._window.add({name: Series(at, np.array([value])) for name, value in numbers.items()})

    def _ask(self, rule: Rule) -> Diagnosis | None:
        state, step = self._states[rule.name], self._window.step
        finding = rule.judge(self._window)
        if finding is None:
            state.since = None
            state.quiet = step if state.quiet is None else state.quiet
            if state.told is not None and step - state.quiet >= rule.calm:
                over, state.told = replace(state.told, until=step), None
                return over
            return None
        state.quiet = None
        state.since = step if state.since is None else state.since
        if state.told is None and step - state.since >= rule.lasting:
            return self._tell(rule, finding, step)
        return None

    def _tell(self, rule: Rule, finding: Finding, step: int) -> Diagnosis:
        evidence = {name: value for name, value in finding.evidence.items() if np.isfinite(value)}
        told = Diagnosis(
            rule.name, rule.title, step, finding.sentence, rule.says, evidence, finding.advice, rule.severity
        )
        self._states[rule.name].told = told
        return told


def effective_number(squares: NDArray[np.floating], width: float) -> float:
    """How many clearly different ones there are among n samples, from 1 to n, of their squared distances (n, n).

    The Vendi score of order 2 (Friedman & Dieng 2023; Pasarkar & Dieng 2024): 1 over the sum of the squared eigenvalues of
    the kernel exp(-|x - y|^2 / 2 width^2) / n, which is 1 over the mean of the squared kernel.
    """
    return 1 / float(np.exp(squares / -(max(width, 1e-12) ** 2)).mean())


def median_distance(samples: NDArray[np.floating]) -> float:
    """The median distance between two different ones of samples (n, d)."""
    squares = squared_distances(samples, samples)
    return float(np.sqrt(np.median(squares[np.triu_indices(len(samples), 1)]))) if len(samples) > 1 else 0.0


def squared_distances(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.floating]:
    """Of every row of (n, d) to every row of (m, d): (n, m)."""
    middle = one.mean(0)
    one, other = one - middle, other - middle
    squares = np.square(one).sum(1)[:, None] + np.square(other).sum(1) - 2 * one @ other.T
    return np.maximum(squares, 0, out=squares)


def straightened(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Evenly spaced values (n,) less the straight line that fits them best."""
    at = np.arange(len(values), dtype=np.float64) - (len(values) - 1) / 2
    rest = np.asarray(values - values.mean(), np.float64)
    return rest - at * (at @ rest / max(float(at @ at), 1e-12))


def autocorrelation(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Of evenly spaced values (n,), without their straight trend, at lags 0 to n / 2: 1 at lag 0, 0 where they are all alike."""
    rest = straightened(values)
    power = float(np.square(rest).mean())
    if power <= 1e-24:
        return np.zeros(len(values) // 2 + 1)
    return np.array([float((rest[lag:] * rest[: len(rest) - lag]).mean()) / power for lag in range(len(values) // 2 + 1)])


__all__ = ["Advice", "Diagnosis", "Doctor", "Finding", "Rule", "Window"]
