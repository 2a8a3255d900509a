"""What diffusion reaches on points and digits in a number of steps, and what a step costs beside a plain loop.

    python tests/bench/bench_diffusion.py points [moons gaussian-ring swiss-roll] --steps 20000 --seeds 0 1 2 3 4
    python tests/bench/bench_diffusion.py digits --steps 2000 --seeds 0
    python tests/bench/bench_diffusion.py step

Goals: the energy distance of 10,000 points at most 1.5 times that of real points in 3 minutes; a separately trained classifier
agrees with the class of at least 97% of digits in 5 minutes; a step within 1.15 times a plain loop. Seconds are the processor's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from genstudio import families
from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.families.diffusion.presets import PRESETS

FAMILY = families.get("diffusion")
VALUES = {preset.name: preset.values for preset in PRESETS}


def learner(data: str, seed: int, values: dict[str, Any]) -> Any:
    config = FAMILY.config.parse(values)
    prepared = finished(FAMILY.prepare(config, shelf.open_dataset(shelf.find_dataset(data))))
    return FAMILY.learner(FAMILY.model(config, prepared, "cpu", seed), seed)


def train(trained: Any, steps: int) -> float:
    began = time.process_time()
    for step in range(1, steps + 1):
        torch.manual_seed((trained.seed * 1_000_003 + step) % 2**32)
        trained.training_step(trained.batch(step), step, (step - 1) / steps)
    return time.process_time() - began


def points(names: list[str], steps: int, seeds: list[int]) -> None:
    for name in names:
        for seed in seeds:
            trained = learner(name, seed, dict(VALUES["plane"]))
            seconds = train(trained, steps)
            found = [*trained.model.evaluate(exact=True)][-1].values
            ratio = found["energy_distance"] / found["energy_distance_real"]
            print(f"{name} seed {seed}: {ratio:.2f} x real ({found['energy_distance']:.2e}), {seconds:.0f} s", flush=True)


def digits(steps: int, seeds: list[int]) -> None:
    for seed in seeds:
        trained = learner("digits8", seed, dict(VALUES["digits"]))
        seconds = train(trained, steps)
        found = [*trained.model.evaluate(exact=True)][-1].values
        shown = ", ".join(f"{name} {found[name]:.4f}" for name in found if name.startswith(("agreement", "frechet", "coverage")))
        print(f"digits8 seed {seed}: {shown}, {seconds:.0f} s", flush=True)


def plain_step(trained: Any) -> Callable[[int], None]:
    """The same network and loss in the plainest loop: samples by index, torch's fused Adam, clipping, an EMA."""
    model = trained.model
    network, average = model.network, model.average
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, (0.9, 0.99), fused=True)
    x = model.to_model(model.form.stored(model.data.train))
    labels = model.form.labels(model.data.train) if model.classes else None
    newest, kept = list(network.parameters()), list(average.parameters())

    def step(_: int) -> None:
        chosen = torch.randint(len(x), (model.config.batch,))
        loss, _values = model.loss((x[chosen] + 1) / 2 if not model.form.points else x[chosen],
            None if labels is None else labels[chosen], 1)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(newest, 1.0)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(kept, newest, 0.01)

    return step


def step_cost() -> None:
    for data, preset, count in (("moons", "plane", 60), ("digits8", "digits", 12)):
        ours, other = (learner(data, 0, dict(VALUES[preset])) for _ in range(2))
        plain = plain_step(other)

        def own(step: int, ours: Any = ours) -> None:
            ours.training_step(ours.batch(step), step, 0.0)

        ratios = []
        for turn in range(5):
            took = []
            for does in (own, plain):
                began = time.process_time()
                for step in range(1, count + 1):
                    does(turn * count + step)
                took.append((time.process_time() - began) / count)
            ratios.append(took[0] / took[1])
        print(f"{data}: a step of {took[0] * 1000:.1f} ms, {np.median(ratios):.3f} times a plain loop", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("what", choices=["points", "digits", "step"])
    parser.add_argument("names", nargs="*", default=["moons", "gaussian-ring", "swiss-roll"])
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.what == "points":
        points(asked.names, asked.steps or 20_000, asked.seeds)
    elif asked.what == "digits":
        digits(asked.steps or 2000, asked.seeds)
    else:
        step_cost()
