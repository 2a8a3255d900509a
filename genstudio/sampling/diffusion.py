"""Noise schedules and samplers of diffusion models and flows, whatever the network: plain arithmetic on x, no torch.

A noisy sample is x = a x0 + s e, with noise e ~ N(0, 1), `signal` a and `noise` s. Diffusion (Ho et al. 2020) has a^2 = abar_t
and s^2 = 1 - abar_t; flow matching (Lipman et al. 2023) has a = 1 - t and s = t. The samplers know only a and s and serve both.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from genstudio.errors import DataError
from genstudio.events import Array

Objective = Literal["noise", "x0", "v", "flow"]
SAMPLERS = ("ddim", "heun", "ddpm")
VARIANCES = ("posterior", "beta")
MOST_STEPS = 4000
_OFFSET, _LARGEST_BETA = 0.008, 0.999


class Level(NamedTuple):
    """How noisy a sample is, and the `time` in [0, 1] that the network is told: 0 is clean, 1 all noise."""

    signal: float
    noise: float
    time: float


CLEAN = Level(1.0, 0.0, 0.0)
Denoise = Callable[[Any, Level], tuple[Any, Any]]
"""(x, level) -> the predicted noise e and the predicted clean sample x0."""


class Step(NamedTuple):
    """One step: `x` at `level` with the `noise` and the `clean` sample predicted there, and `after`, what x becomes at `to`."""

    x: Any
    level: Level
    noise: Any
    clean: Any
    after: Any
    to: Level


@dataclass(frozen=True, slots=True)
class Sampler:
    """How to sample: `steps` from noise to a sample, `eta` of DDIM between 0 (deterministic) and 1 (as random as DDPM), the
    `variance` of DDPM, and `guidance`: 0 ignores the class, 1 is the conditional model, more exaggerates the class."""

    sampler: str = "ddim"
    steps: int = 50
    eta: float = 0.0
    guidance: float = 1.0
    variance: str = "posterior"

    @property
    def deterministic(self) -> bool:
        """Whether a sample depends on where it starts alone, so that noise nearby makes samples nearby."""
        return self.sampler == "heun" or (self.sampler == "ddim" and not self.eta)

    def passes(self, conditional: bool) -> int:
        """How often the network computes each sample on its way."""
        return self.steps * (2 if self.sampler == "heun" else 1) * (2 if conditional and self.guidance not in (0, 1) else 1)

    def check(self) -> None:
        """Raises DataError for what no sampler can do."""
        if self.sampler not in SAMPLERS:
            raise DataError(f"Unknown sampler '{self.sampler}'.", f"Available: {', '.join(SAMPLERS)}.")
        if self.variance not in VARIANCES:
            raise DataError(f"Unknown variance '{self.variance}'.", f"Available: {', '.join(VARIANCES)}.")
        if not 1 <= self.steps <= MOST_STEPS:
            raise DataError(f"{self.steps} is not a valid number of steps.", f"Choose 1 to {MOST_STEPS:,}.")
        if not 0 <= self.eta <= 1:
            raise DataError(f"eta cannot be {self.eta:g}.", "Choose 0 (deterministic) to 1 (as random as DDPM).")
        if not (math.isfinite(self.guidance) and 0 <= self.guidance <= 100):
            raise DataError(f"A guidance of {self.guidance:g} is not possible.", "Choose 0 to 100.")


class Schedule:
    """The noise levels of a diffusion process: `abar` (T,) float64, the share of the signal's variance that is left; `words` say
    which it is."""

    def __init__(self, betas: Array, words: str = "") -> None:
        self.words = words
        self.abar: Array = np.cumprod(1 - np.asarray(betas, np.float64))
        self.abar.flags.writeable = False

    def __len__(self) -> int:
        return len(self.abar)

    def level(self, t: int) -> Level:
        """Of a step from 0 to T - 1."""
        abar = float(self.abar[t])
        return Level(math.sqrt(abar), math.sqrt(1 - abar), (t + 1) / len(self.abar))

    def levels(self, steps: int) -> tuple[Level, ...]:
        """Those that a sampler visits, round(linspace(T - 1, 0, steps)) without repetitions, and CLEAN."""
        visited = np.round(np.linspace(len(self) - 1, 0, min(steps, len(self)))).astype(np.int64).tolist()
        return (*(self.level(t) for t in dict.fromkeys(visited)), CLEAN)


class Flow:
    """Straight paths from data to noise (Lipman et al. 2023; Liu et al. 2023): a = 1 - t, s = t."""

    words = "flow matching"

    @staticmethod
    def level(t: float) -> Level:
        return Level(1 - t, t, t)

    def levels(self, steps: int) -> tuple[Level, ...]:
        """The squares of evenly spaced numbers from 1 to 0, which are closest where there is little noise: evenly spaced times
        end with a step longer than fine detail is wide, and shrink narrow modes to less than half of their width."""
        return tuple(self.level(float(t)) for t in np.linspace(1, 0, steps + 1) ** 2)


def linear_schedule(steps: int) -> Schedule:
    """beta from 1e-4 to 0.02 over 1,000 steps (Ho et al. 2020, 4), scaled to other numbers of steps by 1000 / T."""
    scale = 1000 / steps
    return Schedule(np.minimum(np.linspace(1e-4 * scale, 0.02 * scale, steps), _LARGEST_BETA), f"linear, {steps:,} steps")


def cosine_schedule(steps: int) -> Schedule:
    """abar = cos^2((t / T + 0.008) / 1.008 pi / 2), beta at most 0.999 (Nichol & Dhariwal 2021, 3.2)."""

    def signal(t: Array) -> Array:
        return np.asarray(np.cos((t / steps + _OFFSET) / (1 + _OFFSET) * math.pi / 2) ** 2)

    at = np.arange(steps + 1, dtype=np.float64)
    return Schedule(np.minimum(1 - signal(at[1:]) / signal(at[:-1]), _LARGEST_BETA), f"cosine, {steps:,} steps")


def target(objective: Objective, clean: Any, noise: Any, a: Any, s: Any) -> Any:
    """What the network learns to predict: the noise, the sample, v = a e - s x0 (Salimans & Ho 2022), or the velocity of the flow
    e - x0 (Lipman et al. 2023)."""
    if objective == "noise":
        return noise
    if objective == "x0":
        return clean
    return a * noise - s * clean if objective == "v" else noise - clean


def predicted(objective: Objective, output: Any, x: Any, a: Any, s: Any) -> tuple[Any, Any]:
    """The noise and the clean sample that follow from the network's output at x = a x0 + s e."""
    if objective == "noise":
        return output, (x - s * output) / a
    if objective == "x0":
        return (x - a * output) / s, output
    if objective == "v":
        square = a * a + s * s
        return (s * x + a * output) / square, (a * x - s * output) / square
    return (x + a * output) / (a + s), (x - s * output) / (a + s)


def posterior(level: Level, to: Level) -> tuple[float, float, float, float]:
    """q(x_s | x_t, x0) for a level t and a less noisy one s: weight of x_t, weight of x0, variance beta-tilde, and beta (Ho et
    al. 2020, eq. 7, between any two levels)."""
    ratio = level.signal / to.signal
    beta = max(level.noise**2 - (ratio * to.noise) ** 2, 0.0)
    share = (to.noise / level.noise) ** 2
    return ratio * share, to.signal * beta / level.noise**2, beta * share, beta


def sample(
    x: Any, levels: Sequence[Level], denoise: Denoise, settings: Sampler, draw: Callable[[Any], Any]
) -> Iterator[Step]:
    """Walk x from the first level to the last, a step per pair of levels. `draw(x)` is standard normal noise like x."""
    for level, to in itertools.pairwise(levels):
        noise, clean = denoise(x, level)
        if settings.sampler == "ddpm":
            after, spread = _ancestral(x, level, to, clean, settings.variance)
        elif settings.sampler == "ddim" or not to.noise:
            after, spread = _implicit(level, to, noise, clean, settings.eta if settings.sampler == "ddim" else 0.0)
        else:  # Heun's method (Karras et al. 2022, algorithm 1): two looks per step, but one at the last
            after, spread = _trapezoid(x, level, to, noise, clean, denoise), 0.0
        if spread:
            after = after + spread * draw(x)
        yield Step(x, level, noise, clean, after, to)
        x = after


def invert(x: Any, levels: Sequence[Level], denoise: Denoise) -> Iterator[Step]:
    """The way back of a deterministic sampler: from the last level, which is clean, to the first, by Heun's method (Song et al.
    2021, 4.3). At the clean level, of which a network knows nothing, it is asked about the next one."""
    ways = list(reversed(levels))

    def known(at: Any, level: Level) -> tuple[Any, Any]:
        return denoise(at, level if level.noise else ways[1])

    for level, to in itertools.pairwise(ways):
        noise, clean = known(x, level)
        after = _trapezoid(x, level, to, noise, clean, known)
        yield Step(x, level, noise, clean, after, to)
        x = after


def gaussian_moments(levels: Sequence[Level], settings: Sampler, mean: float, deviation: float) -> tuple[float, float]:
    """Mean and deviation of what a sampler makes of noise with a perfect network, which knows that the data are N(mean,
    deviation^2): without training and without randomness.

    What is walked is a sum over independent noises: x[0] is its mean, every other number what it has of one of them.
    """

    def perfect(x: Array, level: Level) -> tuple[Array, Array]:
        a, s = level.signal, level.noise
        centred = x.copy()
        centred[0] -= a * mean
        variance = a * a * deviation**2 + s * s
        clean = a * deviation**2 * centred / variance
        clean[0] += mean
        return s * centred / variance, clean

    fresh = iter(np.eye(len(levels) + 1)[1:])
    x = next(fresh)
    for step in sample(x, levels, perfect, settings, lambda _: next(fresh)):
        x = step.after
    return float(x[0]), float(np.linalg.norm(x[1:]))


def _ancestral(x: Any, level: Level, to: Level, clean: Any, variance: str) -> tuple[Any, float]:
    """Mean, and deviation of fresh noise, of a step of DDPM (Ho et al. 2020, algorithm 2); the last step adds no noise."""
    of_x, of_clean, tilde, beta = posterior(level, to)
    square = (beta if variance == "beta" else tilde) if to.noise else 0.0
    return of_x * x + of_clean * clean, math.sqrt(square)


def _implicit(level: Level, to: Level, noise: Any, clean: Any, eta: float) -> tuple[Any, float]:
    """The same of DDIM (Song et al. 2021, eq. 12): with eta = 0 it follows the probability flow in steps of Euler's method."""
    spread = eta * math.sqrt(posterior(level, to)[2])
    return to.signal * clean + math.sqrt(max(to.noise**2 - spread**2, 0.0)) * noise, spread


def _trapezoid(x: Any, level: Level, to: Level, noise: Any, clean: Any, denoise: Denoise) -> Any:
    """The flow is dx = x0(x) da + e(x) ds: its mean over both ends of the step."""
    da, ds = to.signal - level.signal, to.noise - level.noise
    ahead, end = denoise(x + da * clean + ds * noise, to)
    return x + da * (clean + end) / 2 + ds * (noise + ahead) / 2
