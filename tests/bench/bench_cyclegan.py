"""How near CycleGANs come to the true partners of shapes in two colours, whole and without parts of their loss, over seeds.

python tests/bench/bench_cyclegan.py [--seeds 0 1 2] [--steps 1000] [--only NAME ...]
python tests/bench/bench_cyclegan.py --preset digits faces   presets to their end, on their own data

Trivial baselines: the picture as it is, and the mean picture of the other colour. Errors are mean absolute differences of pixels,
0 to 1, over held-out pictures.

Measured after 1,000 steps (47 to 81 s of one thread), seeds 0, 1 and 2, to the true partner, where leaving pictures as they are
has 0.0892 and the mean picture 0.0756: whole 0.0157, 0.0146 and 0.0129; without the cycle loss alone 0.0282, 0.0310 and 0.0387,
with cycle errors of 0.0344 to 0.0555 instead of 0.006; without cycle and identity 0.0385 (seed 0). MNIST, 3 to 8, by the usual
settings: after 250 steps (44 s) pictures are left as they are; with those of the preset, after 600 steps (90 s, or 186 s on a
busier machine with measuring), seeds 0, 1 and 2, the classifier takes 0.919, 0.970 and 0.988 for the other digit (real: 1.0),
with cycle errors of 0.054, 0.062 and 0.062, where another picture of the set has 0.149, and Frechet distances of 12 and 23 (floor
2.4) with seeds 1 and 2.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import torch

from genstudio import families
from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.families.cyclegan.learner import CycleGANLearner

VARIANTS: dict[str, dict[str, Any]] = {
    "whole": {},
    "no cycle": {"cycle": 0.0, "cycle_back": 0.0},
    "no identity": {"identity": 0.0},
    "neither": {"cycle": 0.0, "cycle_back": 0.0, "identity": 0.0},
    "cycle 10, identity 5": {"cycle": 10.0, "cycle_back": 10.0, "identity": 5.0},
}
NAMES = (
    "partner_error", "partner_error_identity", "partner_error_mean", "cycle_error", "identity_error", "pair_error", "agreement",
    "agreement_real", "frechet_distance", "frechet_distance_floor",
)  # fmt: skip


def trained(values: dict[str, Any], seed: int, steps: int, name: str = "coloured-shapes") -> tuple[dict[str, float], float]:
    """What an evaluation says after a training on a dataset, and its seconds of this process."""
    family = families.get("cyclegan")
    config = family.config.parse(values)
    data = finished(family.prepare(config, shelf.open_dataset(shelf.find_dataset(name))))
    learner: CycleGANLearner = family.learner(family.model(config, data, "cpu", seed), seed)  # type: ignore[assignment]
    began = time.process_time()
    for step in range(1, steps + 1):
        torch.manual_seed((seed * 1_000_003 + step) % 2**32)
        learner.training_step(learner.batch(step), step, (step - 1) / steps)
    spent = time.process_time() - began
    *_, scored = learner.model.evaluate(exact=False)
    return dict(scored.values), spent


def told(found: dict[str, float]) -> str:
    return ", ".join(f"{each} {found[each]:.4f}" for each in NAMES if each in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=list(VARIANTS))
    parser.add_argument("--preset", nargs="+", default=[], help="presets on their own data, in place of the variants of shapes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    presets = {preset.name: preset for preset in families.get("cyclegan").presets}
    cases = [(name, dict(presets[name].values), presets[name].steps or 0, presets[name].data or "") for name in options.preset]
    for name, values, steps, data in cases or [(name, VARIANTS[name], 1000, "coloured-shapes") for name in options.only]:
        scores = []
        for seed in options.seeds:
            found, spent = trained(values, seed, options.steps or steps, data)
            scores.append(found)
            print(f"{name}, seed {seed}, {options.steps or steps} steps, {spent:.0f} s of CPU: {told(found)}", flush=True)
        means = {each: statistics.mean(found[each] for found in scores) for each in scores[0]}
        print(f"{name}, mean of {len(scores)} seeds: {told(means)}", flush=True)


if __name__ == "__main__":
    main()
