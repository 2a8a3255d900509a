"""What goes wrong where a generator is trained against a discriminator, as rules about numbers of the training. Numpy only.

A family that names its settings and numbers as GAN does can use them; advice about a setting that it lacks is left out.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.events import Snapshot
from genstudio.families.rules import advice, lower, number
from genstudio.snapshots.samples import Pictures, Plane
from genstudio.training.doctor import (
    EVERY,
    Finding,
    Rule,
    Window,
    autocorrelation,
    effective_number,
    median_distance,
    squared_distances,
    straightened,
)

SAMPLES = 128
"""Fakes, and real samples, that are compared with each other at a time."""


class Observer:
    """Numbers of what a GAN shows: fakes of the same noise at every step, and real samples.

    `diversity`: effective number of different fakes over that of as many real samples; `identical`: share of fakes that
    have another one nearer than a tenth of the usual distance between a real sample and its nearest other; `reached`, of
    points: share of real ones with a fake nearer than a quarter of the usual distance of two real ones; `near`: the same of
    fakes with a real one near; `motion`: root mean square way of a fake in EVERY steps, over the usual distance of two real
    samples; `drift_0` and `drift_1`: the mean of the fakes, in the same unit, along two fixed axes; of pictures two random
    ones, lengthened so that they stand for all.
    """

    def __init__(self) -> None:
        self._real: NDArray[np.float32] | None = None
        self._scale = self._near = 0.0
        self._different: dict[int, float] = {}
        self._axes = np.zeros((0, 2))
        self._before: tuple[int, NDArray[np.float32]] | None = None

    def __call__(self, snapshot: Snapshot) -> dict[str, float]:
        if isinstance(snapshot, Plane) and snapshot.channel == "plane":
            if self._real is None and len(snapshot.real) >= 8:
                self._meet(snapshot.real[:SAMPLES])
            return self._compare(snapshot.step, snapshot.fake[:SAMPLES])
        if isinstance(snapshot, Pictures) and snapshot.channel == "real":
            self._meet(snapshot.pixels[:SAMPLES])
        elif isinstance(snapshot, Pictures) and snapshot.channel == "fixed_raw":
            return self._compare(snapshot.step, snapshot.pixels[:SAMPLES])
        return {}

    def _meet(self, real: NDArray[Any]) -> None:
        self._real = flat = _flat(real)
        self._scale = max(median_distance(flat), 1e-9)
        apart = squared_distances(flat, flat)
        np.fill_diagonal(apart, np.inf)
        self._near = float(np.sqrt(np.median(apart.min(1))))
        self._different = {}
        self._axes = np.random.default_rng(0).standard_normal((flat.shape[1], 2)) if flat.shape[1] > 2 else np.eye(2)
        self._axes /= np.linalg.norm(self._axes, axis=0) * math.sqrt(2 / flat.shape[1])

    def _compare(self, step: int, fake: NDArray[Any]) -> dict[str, float]:
        if self._real is None or len(fake) < 8:
            return {}
        flat, scale = _flat(fake), self._scale
        count = min(len(flat), len(self._real))
        if count not in self._different:
            self._different[count] = effective_number(squared_distances(self._real[:count], self._real[:count]), scale / 4)
        others = squared_distances(flat, flat)
        various = effective_number(others[:count, :count], scale / 4) / self._different[count]
        np.fill_diagonal(others, np.inf)
        drift = flat.mean(0) @ self._axes / scale
        found = {
            "diversity": various,
            "identical": float((others.min(1) < (self._near / 10) ** 2).mean()),
            "drift_0": float(drift[0]),
            "drift_1": float(drift[1]),
        }
        if flat.shape[1] == 2:
            close = squared_distances(self._real, flat) < (scale / 4) ** 2
            found["reached"], found["near"] = float(close.any(1).mean()), float(close.any(0).mean())
        if self._before is not None and step > self._before[0] and self._before[1].shape == flat.shape:
            way = math.sqrt(np.square(flat - self._before[1]).sum(1).mean()) / scale
            found["motion"] = way * EVERY / (step - self._before[0])
        self._before = step, flat
        return found


def _flat(samples: NDArray[Any]) -> NDArray[np.float32]:
    return samples.reshape(len(samples), -1).astype(np.float32)


WARM = 300
"""First steps in which no network can be expected to have learnt anything."""
START = 600
"""The first step at which a rule that looks at fakes may hold."""
LONG = 400
"""Steps that a rule looks back."""
REACHED, NEAR, DIVERSE, ALIKE, MOVES = 0.6, 0.05, 0.25, 0.5, 0.05
SURE, FOOLED = 0.9, 0.9
FLAT, SMALL = 0.05, 1e-4
RESTLESS, SWING, SWING_PICTURES, STEADY = 0.25, 0.22, 0.45, 0.5
COPIED = 0.8
DEAD = 0.7


def collapse(window: Window) -> Finding | None:
    """Points: fewer than REACHED of the real ones have a fake near, while at least NEAR of the fakes have a real one near and
    they are not more various than the real ones, for else they have not come to the data at all; or they are one spot, of a
    variety below DIVERSE, that moves by more than MOVES in EVERY steps and meets the data now and then only. Pictures: an
    effective number of different fakes below DIVERSE of that of real ones, or more than ALIKE near-identical."""
    diversity, identical = window.mean("diversity", WARM), window.mean("identical", WARM)
    reached = window.mean("reached", WARM)
    if window.step < START or math.isnan(diversity):
        return None
    if math.isnan(reached):
        if diversity >= DIVERSE and identical <= ALIKE:
            return None
        evidence = {"variety of the fakes relative to real samples": diversity,
            "share of near-duplicate fakes": identical}
        words = f"The fakes are nearly identical: they have {diversity:.0%} of the variety of the real pictures."
    else:
        spot = diversity < DIVERSE and window.mean("motion", WARM) > MOVES
        if reached >= REACHED or diversity >= 1.5 or not (spot or window.mean("near", WARM) >= NEAR):
            return None
        evidence = {"share of real points with a fake nearby": reached, "variety of the fakes relative to real "
            "samples": diversity}
        words = f"The fakes cover only part of the data: {reached:.0%} of real points have a fake nearby."
    return Finding(words, evidence, advice(
        window,
        ("Update both networks equally often", {"g_updates": 1}),
        ("Smooth the discriminator: raise the R1 penalty", {"r1": _more(window, "r1", 3, 0.1)}),
        ("Set Adam's beta 1 to 0", {"beta1": 0.0}),
        ("Start a new run with packing 2, so that lack of variety gives fakes away",
            {"pack": max(2, int(number(window, "pack")))}),
        ("Start a new run with minibatch deviation, which gives lack of variety away", {"deviation": True}),
    ))  # fmt: skip


def discriminator_wins(window: Window) -> Finding | None:
    """Both accuracies above SURE, on average over LONG steps."""
    if not _both_learn(window):
        return None
    real, fake = window.mean("accuracy_real", LONG), window.mean("accuracy_fake", LONG)
    if not min(real, fake) > SURE:
        return None
    evidence = {"accuracy on real samples": real, "accuracy on fakes": fake}
    return Finding(
        f"The discriminator classifies {(real + fake) / 2:.0%} of the samples correctly, so the generator gets hardly "
        "any useful signal.",
        evidence,
        advice(
            window,
            ("Lower the discriminator's learning rate", {"d_rate": lower(window, "d_rate", 4)}),
            ("Update the discriminator once per step", {"d_updates": 1}),
            ("Raise the generator's learning rate", {"g_rate": _least(window, "g_rate", 2e-4)}),
            ("Penalise a steep discriminator: raise the R1 penalty", {"r1": _more(window, "r1", 3, 0.1)}),
            ("Add noise to the discriminator's input", {"noise": _more(window, "noise", 2, 0.1)}),
        ),
    )


def generator_wins(window: Window) -> Finding | None:
    """In more than FOOLED of the last LONG steps the fakes score higher than the real samples."""
    real, fake = window.recent("d_real", LONG), window.recent("d_fake", LONG)
    if not _both_learn(window) or not len(real) or len(real) != len(fake):
        return None
    share = float((fake > real).mean())
    if share <= FOOLED:
        return None
    evidence = {"share of steps with D(G(z)) above D(x)": share, "D(x)": float(real.mean()), "D(G(z))": float(fake.mean())}
    return Finding(
        "The discriminator scores fakes higher than real samples, so the generator cannot learn from it.",
        evidence,
        advice(
            window,
            ("Raise the discriminator's learning rate", {"d_rate": _least(window, "d_rate", 1e-3)}),
            ("Lower the generator's learning rate", {"g_rate": lower(window, "g_rate", 4)}),
            ("Update both networks equally often", {"g_updates": 1}),
            ("Update the discriminator twice per step", {"d_updates": max(2, int(number(window, "d_updates")))}),
        ),
    )


def vanishing_gradient(window: Window) -> Finding | None:
    """Both accuracies above SURE over LONG steps, while the slope of the generator's loss at the scores of its fakes is below
    FLAT, or the norm of its gradient below SMALL."""
    if not _both_learn(window):
        return None
    right = min(window.mean("accuracy_real", LONG), window.mean("accuracy_fake", LONG))
    norms, fake = window.recent("gradient_norm_g", LONG), window.mean("d_fake", LONG)
    if not right > SURE or not len(norms):
        return None
    loss = window.settings.get("loss")
    slope = fake if loss == "minimax" else 1 - fake if loss == "nonsaturating" else 1.0
    norm = float(np.median(norms))
    if slope >= FLAT and norm >= SMALL:
        return None
    evidence = {"accuracy of the discriminator": right, "slope of the generator's loss": slope, "its gradient's norm": norm}
    return Finding(
        "The discriminator is so confident that the generator's loss is flat: its gradient is almost zero.",
        evidence,
        advice(
            window,
            ("Use the non-saturating loss, which stays steep there", {"loss": "nonsaturating"}),
            ("Update the discriminator once per step", {"d_updates": 1}),
            ("Penalise a steep discriminator: raise the R1 penalty", {"r1": _more(window, "r1", 3, 0.1)}),
            ("Add noise to the discriminator's input", {"noise": _more(window, "noise", 2, 0.1)}),
        ),
    )


def oscillation(window: Window) -> Finding | None:
    """Over LONG steps the mean of the fakes swings about its straight way by more than SWING of the usual distance of two real
    samples (SWING_PICTURES for pictures), and fakes of the same noise move by more than RESTLESS of it in EVERY steps, in the
    second half no less than STEADY of the first."""
    if window.step < START or not _both_learn(window):
        return None
    motion = window.recent("motion", LONG)
    if len(motion) < 8:
        return None
    first, second = (float(half.mean()) for half in np.array_split(motion, 2))
    swing = math.hypot(*(_swing(window, name) for name in ("drift_0", "drift_1")))
    most = SWING if len(window.all("reached")[0]) else SWING_PICTURES
    if not (motion.mean() > RESTLESS and second > STEADY * first and swing > most):
        return None
    evidence = {
        "swing of the fakes' mean, relative to the typical distance between real samples": swing,
        f"movement of a fake in {EVERY} steps, in the same unit": float(motion.mean()),
        "lowest autocorrelation (-1: reverses direction)": float(autocorrelation(window.recent("drift_0", LONG)).min()),
    }
    return Finding(
        f"The fakes do not settle: as a group they swing by {swing:.0%} of the typical distance between real samples.",
        evidence,
        advice(
            window,
            ("Set Adam's beta 1 to 0", {"beta1": 0.0}),
            ("Lower the learning rate", {"d_rate": lower(window, "d_rate", 4), "g_rate": lower(window, "g_rate", 4)}),
            ("Raise the R1 penalty, which damps the oscillation", {"r1": _more(window, "r1", 3, 0.1)}),
            ("Update both networks equally often", {"g_updates": 1}),
            ("Use the generator EMA", {"ema": max(number(window, "ema"), 0.995)}),
        ),
    )


def not_finite(window: Window) -> Finding | None:
    """A loss or a gradient is infinite or not a number; asked by the training when it ends because of that."""
    norms = {"gradient norm of the generator": "gradient_norm_g", "gradient norm of the discriminator": "gradient_norm_d"}
    last = {title: window.last(name) for title, name in norms.items()}
    return Finding(
        "A loss or a gradient is no longer finite, so the training stopped; the last good weights are safe.",
        {title: value for title, value in last.items() if not math.isnan(value)},
        advice(
            window,
            ("Continue with a lower learning rate", {"d_rate": lower(window, "d_rate", 10),
                "g_rate": lower(window, "g_rate", 10)}),
            ("Use a bounded loss", {"loss": "nonsaturating"}),
        ),
    )


def memorising(window: Window) -> Finding | None:
    """Fakes are nearer to their nearest training pictures than COPIED of what pictures are that were held back."""
    ratio = window.last("nearest_ratio")
    if not ratio < COPIED or window.step < WARM:
        return None
    return Finding(
        f"The fakes are copies: their nearest training pictures are {1 - ratio:.0%} closer than those of held-out "
        "real pictures.",
        {"nearest distance relative to held-out pictures": ratio},
        advice(
            window,
            ("Add noise to the discriminator's input", {"noise": _more(window, "noise", 2, 0.1)}),
            ("Raise the R1 penalty", {"r1": _more(window, "r1", 3, 0.1)}),
            ("Update the discriminator once per step", {"d_updates": 1}),
            ("Add pictures: this helps most", {}),
        ),
    )


def dead_channels(window: Window) -> Finding | None:
    """More than DEAD of the units of a network are never active, for none of the samples that were tried."""
    shares = {name: window.last(f"dead_{name}") for name in ("generator", "discriminator")}
    worst = max(shares, key=lambda name: -1.0 if math.isnan(shares[name]) else shares[name])
    if not shares[worst] > DEAD:
        return None
    rate = "g_rate" if worst == "generator" else "d_rate"
    return Finding(
        f"{shares[worst]:.0%} of the {worst}'s units are never active: they pass no signal and rarely recover.",
        {f"share of dead units, {name}": share for name, share in shares.items() if not math.isnan(share)},
        advice(
            window,
            (f"Start a new run with a lower rate for the {worst}", {}),
            ("Lower the learning rate from here", {rate: lower(window, rate, 10)}),
        ),
    )


RULES = (
    Rule("collapse", "Mode collapse",
         f"Points: over {WARM} steps fewer than {REACHED:.0%} of the real points have a fake nearby, while at least "
         f"{NEAR:.0%} of the fakes have a real point nearby, or all fakes form one cluster that wanders. Pictures: "
         "the fakes have "
         f"less than {DIVERSE:.0%} of the variety of the real ones, or more than {ALIKE:.0%} are near-duplicates.",
         collapse, 100),
    Rule("discriminator_wins", "The discriminator wins",
         f"Over {LONG} steps it classifies more than {SURE:.0%} of the real samples and of the fakes correctly.",
         discriminator_wins, 100),
    Rule("generator_wins", "The generator wins",
         f"In more than {FOOLED:.0%} of the last {LONG} steps, fakes score higher than real samples.",
         generator_wins, 100),
    Rule("vanishing_gradient", "Vanishing gradient",
         f"Over {LONG} steps the discriminator is right more than {SURE:.0%} of the time, while the slope of the generator's "
         f"loss at its fakes is below {FLAT:g} or the norm of its gradient below {SMALL:g}.", vanishing_gradient, 0),
    Rule("oscillation", "Oscillation",
         f"Over {LONG} steps the mean of the fakes swings by more than {SWING:.0%} of the typical distance between "
         "two real samples "
         f"({SWING_PICTURES:.0%} for pictures), and each fake moves by more than {RESTLESS:.0%} of it every {EVERY} steps.",
         oscillation, 60),
    Rule("not_finite", "Not a number", "A loss or a gradient is infinite or not a number.", lambda _: None,
         severity="error"),
    Rule("memorising", "Memorisation (overfitting)",
         f"The nearest training picture of a fake is nearer than {COPIED:.0%} of the same distance for held-out "
         "pictures (median).", memorising),
    Rule("dead_channels", "Dead units",
         f"More than {DEAD:.0%} of the units of a network are inactive for every sample tested.",
         dead_channels),
)  # fmt: skip


def _swing(window: Window, name: str) -> float:
    """The standard deviation about a straight line over LONG steps."""
    values = window.recent(name, LONG)
    return math.sqrt(float(np.square(straightened(values)).mean())) if len(values) >= 8 else 0.0


def _both_learn(window: Window) -> bool:
    """Whether both networks have learnt all through the steps that are looked at."""
    before = number(window, "pretrain_discriminator") + number(window, "pretrain_generator")
    return window.settings.get("trained", "both") == "both" and window.step > before + LONG


def _more(window: Window, name: str, times: float, least: float) -> float:
    return float(f"{max(number(window, name) * times, least):.4g}")


def _least(window: Window, name: str, least: float) -> float:
    return min(_more(window, name, 4, least), 1.0)
