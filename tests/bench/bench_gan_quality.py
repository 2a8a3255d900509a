"""How well the presets do what they say: modes of mixtures in the plane, digits that are asked for. Takes minutes.

python tests/bench/bench_gan_quality.py [ring grid digits mnist] [--seeds 0 1 2 ...] [--threads 1]; one line a seed, then
the thresholds. Under pytest: -m bench, with the ring and two seeds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

import pytest
import torch

from genstudio import families
from genstudio.data import shelf
from genstudio.data.work import finished

CASES = {"ring": ("gaussian-ring", 8), "grid": ("gaussian-grid", 25), "digits": ("digits8", 0), "mnist": ("mnist10k", 0)}
WIDTHS = {"ring": 0.7, "grid": 0.6}
LIMITS = {"ring": 120.0, "grid": 180.0, "digits": 300.0, "mnist": 300.0}


def clock() -> float:
    """Seconds. With one thread, the time that other programs take is not counted."""
    return time.process_time() if torch.get_num_threads() == 1 else time.monotonic()


def trained(name: str, seed: int) -> dict[str, float]:
    """A preset trained to its end; what was measured exactly, with `seconds` of training."""
    family: Any = families.get("gan")
    preset = next(p for p in family.presets if p.name == name)
    config = family.config.parse(preset.values)
    data = finished(family.prepare(config, shelf.open_dataset(shelf.find_dataset(CASES[name][0]))))
    learner = family.learner(family.model(config, data, "cpu", seed), seed)
    steps, began = preset.steps or 1, clock()
    for step in range(1, steps + 1):
        learner.training_step(learner.batch(step), step, (step - 1) / steps)
    seconds = clock() - began
    exact = not CASES[name][1]  # mixtures: 2,500 samples, the protocol of PacGAN
    *_, measured = learner.model.evaluate(exact=exact)
    return {**measured.values, "seconds": seconds}


def line(name: str, seed: int, values: dict[str, float]) -> str:
    shown = (
        ("modes", "high_quality", "reverse_kl", "least_share", "width_ratio", "js_divergence")
        if CASES[name][1]
        else ("agreement", "agreement_real", "coverage", "coverage_floor", "density", "frechet_distance", "nearest_ratio")
    )
    numbers = "  ".join(f"{key} {values[key]:.4f}" for key in shown)
    return f"{name:8} seed {seed:3}  {values['seconds']:6.1f} s  {numbers}"


def failures(name: str, found: list[dict[str, float]]) -> list[str]:
    """Thresholds that are missed."""
    missed = [f"{v['seconds']:.0f} s is too long" for v in found if v["seconds"] > LIMITS[name]]
    if modes := CASES[name][1]:
        whole = [v for v in found if v["modes"] == modes and v["least_share"] >= 0.2]
        if len(whole) < 0.9 * len(found):
            missed.append(f"all modes at 20% of their fair share in {len(whole)} of {len(found)} seeds")
        quality = statistics.mean(v["high_quality"] for v in found)
        if not 0.96 <= quality <= 0.995:
            missed.append(f"a high-quality share of {quality:.2%}")
        if (reverse := statistics.mean(v["reverse_kl"] for v in found)) > 0.04:
            missed.append(f"a reverse KL of {reverse:.3f}")
        if not WIDTHS[name] <= (width := statistics.mean(v["width_ratio"] for v in found)) <= 1.3:
            missed.append(f"{width:.2f} of the true width in the worst mode")
        return missed
    for v in found:
        if v["agreement"] < 0.95 or v["coverage"] < 0.8 * v["coverage_floor"] or v["agreement_real"] < 0.98:
            missed.append(f"agreement {v['agreement']:.3f} (classifier {v['agreement_real']:.3f}), coverage {v['coverage']:.3f}")
    return missed


@pytest.mark.bench
def test_the_ring_is_covered() -> None:
    torch.set_num_threads(1)
    found = [trained("ring", seed) for seed in (0, 1)]
    for seed, values in enumerate(found):
        print(line("ring", seed, values))
    assert failures("ring", found) == []


def test_thresholds_notice_what_is_wrong() -> None:
    good = {"modes": 8.0, "least_share": 0.8, "high_quality": 0.98, "reverse_kl": 0.01, "width_ratio": 0.8, "seconds": 50.0}
    assert failures("ring", [good] * 10) == [] and failures("ring", [good] * 9 + [good | {"modes": 7.0}]) == []
    for wrong in ({"modes": 7.0}, {"least_share": 0.1}, {"high_quality": 0.9}, {"reverse_kl": 0.1}, {"width_ratio": 0.6},
                  {"width_ratio": 1.4}, {"seconds": 130.0}):  # fmt: skip
        assert failures("ring", [good | wrong] * 10)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=["ring", "grid"])
    parser.add_argument("--seeds", type=int, nargs="*", default=list(range(10)))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    bad = 0
    for name in options.names:
        found = []
        for seed in options.seeds:
            found.append(trained(name, seed))
            print(line(name, seed, found[-1]), flush=True)
        missed = failures(name, found)
        bad += len(missed)
        print(f"{name:8} {'; '.join(missed) or 'all thresholds are met'}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
