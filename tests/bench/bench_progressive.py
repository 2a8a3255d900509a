"""Growing from 4x4 against the same networks trained at full size from the start, at equal CPU time and over seeds; and the step
beside a plain loop.

python tests/bench/bench_progressive.py [--data pixel-faces] [--seeds 0 1 2] [--seconds 90] [--values channels=16 ...]
python tests/bench/bench_progressive.py --step

Both are measured at the full size, on the features of the program's own encoder, with what real pictures reach beside it. The
growth follows the CPU time that is spent, as it follows a plan in the window. `--step`: seconds of CPU of a step at the full
size, by the learner and by the same arithmetic written as a plain loop with torch's own Adam.

Measured on one core of a busy machine, Fréchet distance grown against one-shot (real: 0.7 and 0.8): digits8, 15 s, half of the
time for the full size, seeds 0 1 2: 16.2 14.1 20.8 against 18.3 11.7 14.2; 12 s, four fifths of it and a fade-in of 0.3:
19.6 15.5 15.3 against 20.4 12.2 15.7, as good as equal. pixel-faces, 60 s, half, seed 0: 77.4 against 31.7; 40 s, four fifths:
86.1 for the grown one. On pictures as small as these growing gains nothing. shapes, 32x32, 60 s, the usual settings, seeds 0
1: 10.1 30.5 after 296 and 259 steps against 27.3 25.2 after 151 (real: 0.13), coverages of 0.64 0.52 against 0.58 0.60 (0.98):
twice as many steps, and one seed is ahead and one behind. digits8
by class, 600 steps in 31 s, seed 0: 3.9, with an agreement of 0.994 (real: 0.989). A step: 1.08 times the plain loop.
"""

from __future__ import annotations

import argparse
import itertools
import time
from typing import Any

import torch
import torch.nn.functional as F

from genstudio import families
from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.families.progressive.learner import ProgressiveLearner
from genstudio.training import adversarial

NAMES = (
    "frechet_distance", "frechet_distance_floor", "kernel_distance", "density", "coverage", "coverage_floor", "nearest_ratio",
    "agreement", "agreement_real",
)  # fmt: skip
_ROUNDS, _STEPS = 7, 6


def learner(data: str, seed: int, values: dict[str, Any]) -> ProgressiveLearner:
    family = families.get("progressive")
    config = family.config.parse(values)
    prepared = finished(family.prepare(config, shelf.open_dataset(shelf.find_dataset(data))))
    made: ProgressiveLearner = family.learner(family.model(config, prepared, "cpu", seed), seed)  # type: ignore[assignment]
    return made


def step(one: ProgressiveLearner, number: int, progress: float) -> None:
    torch.manual_seed((one.seed * 1_000_003 + number) % 2**32)
    one.training_step(one.batch(number), number, progress)


def race(data: str, seeds: list[int], seconds: float, values: dict[str, Any]) -> None:
    """Both, seed by seed."""
    for seed, grows in itertools.product(seeds, (True, False)):
        one = learner(data, seed, {**values, "grow": grows})
        began, number = time.process_time(), 0
        while (spent := time.process_time() - began) < seconds:
            number += 1
            step(one, number, spent / seconds)
        *_, scored = one.model.evaluate()
        numbers = ", ".join(f"{name} {scored.values[name]:.3f}" for name in NAMES if name in scored.values)
        what = "grown" if grows else "one-shot"
        print(f"{data}, {what}, seed {seed}, {number} steps in {seconds:g} s of CPU: {numbers}", flush=True)


def plain(one: ProgressiveLearner) -> Any:
    """A loop with nothing around it: the same networks, losses, lazy penalty and average, torch's own Adam."""
    g, d, config = one.generator, one.discriminator, one.config
    average = [p.detach().clone() for p in g.parameters()]
    adams = [torch.optim.Adam(n.parameters(), lr=2e-3, betas=(0.0, 0.99), fused=True) for n in (g, d)]
    last, random = one.growth.last, torch.Generator().manual_seed(0)
    real = one.model.data.real

    def step(number: int) -> None:
        chosen = torch.randint(len(real), (config.batch,), generator=random)
        x = torch.from_numpy(real[chosen.numpy()]).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.no_grad():
            fake = g(torch.randn(config.batch, config.latent, generator=random), last)
        loss = F.softplus(-d(x, last)).mean() + F.softplus(d(fake, last)).mean()
        if number % config.penalty_every == 0:
            loss = loss + config.penalty_every * adversarial.zero_centred(lambda y: d(y, last), x, config.r1)
        adams[1].zero_grad()
        loss.backward()
        adams[1].step()
        d.requires_grad_(False)
        loss = F.softplus(-d(g(torch.randn(config.batch, config.latent, generator=random), last), last)).mean()
        adams[0].zero_grad()
        loss.backward()
        adams[0].step()
        d.requires_grad_(True)
        with torch.no_grad():
            torch._foreach_lerp_(average, list(g.parameters()), 0.005)

    return step


def compare(data: str, values: dict[str, Any]) -> None:
    """Medians of rounds that take turns."""
    mine, theirs = (learner(data, 0, {**values, "grow": False}) for _ in range(2))
    loop, numbers = plain(theirs), itertools.count(1)
    found: dict[str, list[float]] = {"learner": [], "plain loop": []}
    for _ in range(_ROUNDS + 1):
        first = next(numbers) * _STEPS
        for name in found:
            began = time.process_time()
            for number in range(first, first + _STEPS):
                step(mine, number, 0.0) if name == "learner" else loop(number)
            found[name].append((time.process_time() - began) / _STEPS)
    medians = {name: sorted(times[1:])[_ROUNDS // 2] for name, times in found.items()}
    mine_ms, loop_ms = (medians[name] * 1e3 for name in found)
    print(f"{data}: learner {mine_ms:.1f} ms, plain loop {loop_ms:.1f} ms of CPU: {mine_ms / loop_ms:.3f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="pixel-faces")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--values", nargs="*", default=[])
    parser.add_argument("--step", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    values: dict[str, Any] = dict(each.split("=", 1) for each in options.values)
    compare(options.data, values) if options.step else race(options.data, options.seeds, options.seconds, values)


if __name__ == "__main__":
    main()
