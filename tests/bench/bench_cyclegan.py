"""How near CycleGANs come to the true partners of shapes in two colours, whole and without parts of their loss, over seeds.

python tests/bench/bench_cyclegan.py [--seeds 0 1 2] [--steps 1000] [--only NAME ...]

Trivial baselines: the picture as it is, and the mean picture of the other colour. Errors are mean absolute differences of pixels,
0 to 1, over held-out pictures.
"""

from __future__ import annotations

import argparse
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
)  # fmt: skip


def trained(values: dict[str, Any], seed: int, steps: int) -> tuple[dict[str, float], float]:
    """What an evaluation says after a training, and its seconds of this process."""
    family = families.get("cyclegan")
    config = family.config.parse(values)
    data = finished(family.prepare(config, shelf.open_dataset(shelf.find_dataset("coloured-shapes"))))
    learner: CycleGANLearner = family.learner(family.model(config, data, "cpu", seed), seed)  # type: ignore[assignment]
    began = time.process_time()
    for step in range(1, steps + 1):
        torch.manual_seed((seed * 1_000_003 + step) % 2**32)
        learner.training_step(learner.batch(step), step, (step - 1) / steps)
    spent = time.process_time() - began
    *_, scored = learner.model.evaluate(exact=False)
    return dict(scored.values), spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--only", nargs="+", default=list(VARIANTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.only:
        for seed in options.seeds:
            found, spent = trained(VARIANTS[name], seed, options.steps)
            numbers = ", ".join(f"{each} {found[each]:.4f}" for each in NAMES)
            print(f"{name}, seed {seed}, {options.steps} steps, {spent:.0f} s of CPU: {numbers}", flush=True)


if __name__ == "__main__":
    main()
