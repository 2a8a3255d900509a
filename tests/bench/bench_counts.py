"""What counts add to a network: exact loss of the whole validation split, of each part and of their mixtures, per seed.

    python tests/bench/bench_counts.py --seconds 60 --seeds 1 2 3
    python tests/bench/bench_counts.py --steps 1000 --seeds 1 2 3 --data shakespeare --set d_model=192

One training per seed and line; it takes what is asked for and some 10 s for counting and scoring. Seconds are those of a run
on this machine, all that happens after Start included (counting, fitting the gate, a validation estimate every 100 steps).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping

import numpy as np
import torch

from genstudio import families
from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.families.gpt.learner import FIT_TOKENS, GPTLearner
from genstudio.families.gpt.model import GPTModel
from genstudio.families.mixture import Gate
from genstudio.training.learner import Scored

COLUMNS = ("network", "counts", "half", "mix", "gate", "share")


def losses(data: str, values: Mapping[str, str], seed: int, steps: int, seconds: float) -> tuple[dict[str, float], int, float]:
    """Nats per token by `COLUMNS`, steps made, and CPU seconds of the training."""
    family = families.get("gpt")
    config = family.config.parse({**values, "counts": "gate"})
    began, spent = time.monotonic(), time.process_time()
    prepared = finished(family.prepare(config, shelf.open_dataset(shelf.find_dataset(data)), None))
    learner = GPTLearner(GPTModel(config, prepared, "cpu", seed), seed)
    model, done = learner.model, 0
    while done < steps if steps else time.monotonic() - began < seconds:
        progress = done / steps if steps else (time.monotonic() - began) / seconds
        done += 1
        torch.default_generator.manual_seed((seed * 1_000_003 + done) % 2**32)
        learner.training_step(learner.batch(done), done, min(progress, 1.0))
        if done % 100 == 0:
            for _ in model.evaluate():
                pass
    model.fit_gate(FIT_TOKENS)
    spent = time.process_time() - spent
    gate = exact(model)
    assert model.mixture is not None
    model.mixture.gate = Gate(0)
    half = exact(model)
    model.fit_gate(FIT_TOKENS)
    mix = exact(model)
    parts = {name: value / gate.tokens for name, value in gate.parts.items()}
    return {**parts, "half": half.loss, "mix": mix.loss, "gate": gate.loss}, done, spent


def exact(model: GPTModel) -> Scored:
    """The sums over the whole validation split."""
    *_, found = model.evaluate(exact=True)
    assert isinstance(found, Scored)
    return found


def main() -> None:
    """Print a row per seed, and their mean and standard deviation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="shakespeare")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--set", nargs="*", default=[], metavar="key=value")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    values = dict(pair.split("=", 1) for pair in asked.set)
    print(f"{asked.data}, {asked.threads} threads, {values or 'default settings'}; nats per token, all of the validation split")
    print("seed   steps  CPU s  " + "  ".join(f"{name:>8}" for name in COLUMNS), flush=True)
    rows = []
    for seed in asked.seeds:
        found, steps, spent = losses(asked.data, values, seed, asked.steps, asked.seconds)
        rows.append([found[name] for name in COLUMNS])
        print(f"{seed:4}  {steps:6}  {spent:5.0f}  " + "  ".join(f"{value:8.4f}" for value in rows[-1]), flush=True)
    for name, values_ in (("mean", np.mean(rows, 0)), ("std", np.std(rows, 0, ddof=1) if len(rows) > 1 else None)):
        if values_ is not None:
            print(f"{name:>4}  {'':6}  {'':5}  " + "  ".join(f"{value:8.4f}" for value in values_))


if __name__ == "__main__":
    main()
