"""What goes wrong with a diffusion model, as rules about numbers of its training. Numpy only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from genstudio.events import Diagnosis, Snapshot
from genstudio.families import denoising_rules
from genstudio.families.rules import START, advice, not_finite, number
from genstudio.snapshots.samples import Pictures
from genstudio.training.doctor import Doctor, Finding, Rule, Window

LAG, STRONG, EXTREME = 1.15, 2.0, 0.15
_DARK, _LIGHT = 8, 247


def observe(snapshot: Snapshot) -> Mapping[str, float]:
    """The share of nearly black or white pixels, `extreme_real` and `extreme_made`."""
    if not isinstance(snapshot, Pictures) or snapshot.channel not in ("real", "samples"):
        return {}
    share = float(((snapshot.pixels <= _DARK) | (snapshot.pixels >= _LIGHT)).mean())
    return {"extreme_real" if snapshot.channel == "real" else "extreme_made": share}


def slow_average(window: Window) -> Finding | None:
    """The average of the weights is worse than the weights: it still remembers too much of the beginning."""
    average, raw = window.last("val_loss"), window.last("raw_loss")
    if window.measured("raw_loss") < START or math.isnan(average + raw) or not average > LAG * raw:
        return None
    ema = number(window, "ema")
    return Finding(
        f"The EMA of the weights lags behind: its held-out loss is {average:.4g}, that of the weights in training {raw:.4g}.",
        {"loss of the EMA": average, "loss of the weights in training": raw, "EMA": ema},
        advice(window, ("Lower the decay rate of the EMA", {"ema": float(f"{max(0.0, 1 - 4 * (1 - ema)):.5g}")})),
    )


def strong_guidance(window: Window) -> Finding | None:
    """Guidance drives pixels to black and white."""
    guidance, made, real = number(window, "guidance"), window.last("extreme_made"), window.last("extreme_real")
    if window.step < START or guidance < STRONG or math.isnan(made + real) or not made > real + EXTREME:
        return None
    return Finding(
        f"Guidance is too strong: {made:.0%} of the generated pixels are black or white, of the real ones {real:.0%}.",
        {"extreme pixels, generated": made, "extreme pixels, real": real, "guidance": guidance},
        advice(window, ("Halve the guidance", {"guidance": float(f"{guidance / 2:.3g}")}),
               ("Use the conditional model as it is", {"guidance": 1.0})),
    )  # fmt: skip


RULES = (
    *denoising_rules.RULES,
    Rule("slow_average", "EMA too slow",
         f"After {START} steps the held-out loss of the EMA is more than {LAG - 1:.0%} above that of the weights in training.",
         slow_average),
    Rule("strong_guidance", "Guidance too strong",
         f"After {START} steps, with a guidance of {STRONG:g} or more, the share of black and white pixels is more than "
         f"{EXTREME:.0%} above that of real pictures.", strong_guidance),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches a diffusion model; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, observe, told, broken=not_finite)
