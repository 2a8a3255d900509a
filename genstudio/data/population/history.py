"""Histories of a population: models with few parameters, and what each says of sizes over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.errors import DataError

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a history depends on: its `name` in the field, what it `says`, its range and unit. `usual` is a value in
    between. It is searched on a logarithmic scale where `log`."""

    name: str
    says: str
    low: float
    high: float
    usual: float
    unit: str = "individuals"
    log: bool = True

    def inside(self, share: Array | float) -> Array:
        """Shares in [0, 1] of the range -> values; NaN and what lies outside is clipped."""
        share = np.clip(share, 0.0, 1.0)
        if self.log:
            return np.asarray(self.low * np.exp(share * math.log(self.high / self.low)))
        return np.asarray(self.low + share * (self.high - self.low))

    def share(self, value: float) -> float:
        """Where a value lies in the range, in [0, 1]."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def words(self, value: float) -> str:
        """The value as people write it."""
        if self.unit in ("individuals", "generations"):
            return f"{value:,.0f}"
        return f"{value:.3g}"


@dataclass(frozen=True, eq=False)
class Epochs:
    """Sizes over time, counted back from now, of B populations of one model in E epochs and D demes.

    `starts` (B, E) generations ago, the first 0; `sizes` (B, E, D) diploid individuals where an epoch begins; `growth`
    (B, E, D) per generation, forward in time, so that going back the size shrinks by exp(-growth * time); `migration` (B, E, D)
    the share of a deme per generation that came from the other. From epoch `joined` on both demes are one; E where they
    never are.
    """

    starts: Array
    sizes: Array
    growth: Array
    migration: Array
    joined: int

    @property
    def demes(self) -> int:
        return int(self.sizes.shape[2])


@dataclass(frozen=True, slots=True)
class Truth:
    """The history that made haplotypes: the name of its model, and its parameters. `hidden`: a person wants to guess first."""

    model: str
    values: Mapping[str, float]
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """A kind of history with its parameters. `demes` are how many populations the haplotypes come from, in equal parts."""

    name: str
    title: str
    says: str
    parameters: tuple[Parameter, ...]
    demes: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.parameters)

    def epochs(self, values: Array) -> Epochs:
        """Parameters (B, P) in their order -> sizes over time."""
        return _EPOCHS[self.name](np.asarray(values, np.float64))

    def usual(self) -> Array:
        """A value for each parameter (P,)."""
        return np.array([parameter.usual for parameter in self.parameters])

    def chosen(self, values: Mapping[str, float]) -> Array:
        """Values by name -> (P,), the usual ones where none is named. Raises DataError for unknown names and impossible
        values."""
        found = self.usual()
        for name, value in values.items():
            if name not in self.names:
                raise DataError(f"The model '{self.title}' has no parameter {name}.", f"Available: {', '.join(self.names)}.")
            parameter = self.parameters[self.names.index(name)]
            if not parameter.low <= value <= parameter.high:
                raise DataError(
                    f"{name} = {value:g} is outside {parameter.low:g} to {parameter.high:g} {parameter.unit}.",
                    "Choose a value inside this range.",
                )
            found[self.names.index(name)] = value
        return found


_N = "diploid individuals"
_AGO = "generations ago"
CONSTANT = Model("constant", "Constant size", "The population always had the same size.", (
    Parameter("N", f"Size, in {_N}", 1_000, 40_000, 10_000),
))
BOTTLENECK = Model("bottleneck", "Bottleneck", "A large population that was small for a while.", (
    Parameter("N", f"Size before and after, in {_N}", 2_000, 40_000, 10_000),
    Parameter("N_bottleneck", f"Size during the bottleneck, in {_N}", 100, 5_000, 700),
    Parameter("T_end", f"When the bottleneck ended, in {_AGO}", 100, 5_000, 1_000, "generations"),
    Parameter("duration", "How long it lasted, in generations", 100, 2_000, 500, "generations"),
))
EXPONENTIAL = Model("exponential", "Exponential growth", "A constant population that began to grow.", (
    Parameter("N_anc", f"Size before the growth, in {_N}", 1_000, 40_000, 8_000),
    Parameter("T_growth", f"When the growth began, in {_AGO}", 100, 4_000, 800, "generations"),
    Parameter("growth", "Growth per generation; below zero it shrinks", -0.002, 0.01, 0.004, "per generation", log=False),
))
THREE_EPOCHS = Model("three_epochs", "Three epochs", "Two changes of size, at any time.", (
    Parameter("N_anc", f"First size, in {_N}", 1_000, 40_000, 8_000),
    Parameter("N_mid", f"Second size, in {_N}", 200, 40_000, 2_000),
    Parameter("N_now", f"Size today, in {_N}", 1_000, 100_000, 25_000),
    Parameter("T_1", f"When the second size ended, in {_AGO}", 100, 2_000, 500, "generations"),
    Parameter("T_2", "How long it had lasted, in generations", 100, 8_000, 1_500, "generations"),
))
ISOLATION = Model("isolation", "Isolation with migration",
    "A population split in two, which still exchange migrants. Half of the haplotypes come from each.", (
    Parameter("N1", f"Size of the first population, in {_N}", 1_000, 40_000, 9_000),
    Parameter("N2", f"Size of the second, in {_N}", 1_000, 40_000, 5_000),
    Parameter("N_anc", f"Size before the split, in {_N}", 1_000, 40_000, 12_000),
    Parameter("T_split", f"When they split, in {_AGO}", 200, 10_000, 2_000, "generations"),
    Parameter("mig", "Share of migrants per generation, in each direction", 1e-6, 1e-3, 5e-5, "per generation"),
), demes=2)  # fmt: skip
ISOLATION_TWO_RATES = Model("isolation_two_rates", "Isolation with migration, two rates",
    "A population split in two, which exchange migrants, more in one direction than in the other (Hey & Nielsen 2004). Half of "
    "the haplotypes come from each.", (
    ISOLATION.parameters[0], replace(ISOLATION.parameters[1], usual=2_000), *ISOLATION.parameters[2:4],
    Parameter("mig_1", "Share of the first population per generation that comes from the second", 1e-6, 1e-3, 5e-4,
              "per generation"),
    Parameter("mig_2", "Share of the second population per generation that comes from the first", 1e-6, 1e-3, 5e-6,
              "per generation"),
), demes=2)  # fmt: skip
MODELS: Mapping[str, Model] = {
    model.name: model for model in (CONSTANT, BOTTLENECK, EXPONENTIAL, ISOLATION, THREE_EPOCHS, ISOLATION_TWO_RATES)
}


def model_of(name: str) -> Model:
    """The model of this name. Raises DataError."""
    if name not in MODELS:
        raise DataError(f"There is no model of history '{name}'.", f"Available: {', '.join(MODELS)}.")
    return MODELS[name]


def _in_one(starts: Sequence[Array], sizes: Sequence[Array], growth: Sequence[Array] | None = None) -> Epochs:
    """One deme, of which each epoch gives its start and size (B,)."""
    count = len(starts[0])
    rates = np.zeros((count, len(starts), 1)) if growth is None else np.stack(growth, 1)[..., None]
    return Epochs(np.stack(starts, 1), np.stack(sizes, 1)[..., None], rates, np.zeros((count, len(starts), 1)), len(starts))


def _constant(v: Array) -> Epochs:
    return _in_one([np.zeros(len(v))], [v[:, 0]])


def _bottleneck(v: Array) -> Epochs:
    return _in_one([np.zeros(len(v)), v[:, 2], v[:, 2] + v[:, 3]], [v[:, 0], v[:, 1], v[:, 0]])


def _exponential(v: Array) -> Epochs:
    none, now = np.zeros(len(v)), v[:, 0] * np.exp(v[:, 2] * v[:, 1])
    return _in_one([none, v[:, 1]], [now, v[:, 0]], [v[:, 2], none])


def _three_epochs(v: Array) -> Epochs:
    return _in_one([np.zeros(len(v)), v[:, 3], v[:, 3] + v[:, 4]], [v[:, 2], v[:, 1], v[:, 0]])


def _isolation(v: Array) -> Epochs:
    """Of one rate of migration, or of two."""
    starts = np.stack([np.zeros(len(v)), v[:, 3]], 1)
    sizes = np.stack([v[:, [0, 1]], v[:, [2, 2]]], 1)
    rates = v[:, [4, -1]]
    migration = np.stack([rates, np.zeros_like(rates)], 1)
    return Epochs(starts, sizes, np.zeros_like(sizes), migration, 1)


_EPOCHS: Mapping[str, Callable[[Array], Epochs]] = {
    "constant": _constant, "bottleneck": _bottleneck, "exponential": _exponential, "isolation": _isolation,
    "isolation_two_rates": _isolation, "three_epochs": _three_epochs,
}  # fmt: skip


def values_of(text: str) -> dict[str, float]:
    """ "N=12000, T_end=800" -> values by name. Raises DataError."""
    found: dict[str, float] = {}
    for part in text.replace(";", ",").split(","):
        if not part.strip():
            continue
        name, _, value = (piece.strip() for piece in part.partition("="))
        try:
            found[name] = float(value.replace("_", ""))
        except ValueError:
            raise DataError(f"'{part.strip()}' does not have the form name=value.", "Write, for example, N=12000.") from None
        if not math.isfinite(found[name]):
            raise DataError(f"'{part.strip()}' is not a finite number.", "Write, for example, N=12000.")
    return found
