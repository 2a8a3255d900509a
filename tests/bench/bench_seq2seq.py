"""How well encoder-decoders do in little time, over seeds: the toy tasks to length 12, toy-en-es and verses-en-es, and how much
a training step costs beside a plain loop.

Time is that of the process on one thread (time.process_time), for the machine may be shared; measuring does not count. Held-out
pairs are never trained on: they have other sources.

    python tests/bench/bench_seq2seq.py tasks|toy|numbers|verses|forgetting|step [SEEDS] [SECONDS] [key=value ...]

On a machine that is shared, so many `steps=N` may be asked for in place of seconds: those that a quiet machine makes in them.
`task=reverse` runs one of the toy tasks, `count=` says how many strings it learns from; other keys are settings of the model.

Measured with one thread of a shared machine, in seconds of the process, in November 2026; where no seed is named, with seed 0:
- the preset of the toy tasks, which keeps a moving average of the weights, has LayerNorm and no QK-norm, and lets the rate
  fall from the first step, of 50,000 strings: sort after 1,000 steps (53 to 58 s), 5 seeds: 0.9999 exact of 2,000, worst
  0.9995, for seed 2 has one wrong and the others none (0.0002 to 0.0003 nats per token); reverse after 1,000 steps (52 s)
  1.0000 (0.0002), and with seed 1 of the 10,000 strings that a dataset has at first 1.0000 as well; copy after 600 steps (30
  and 32 s) 1.0000 with seeds 0 and 1. Other seeds of these two are not measured. All this with a decay of 0.98.
- the same with a decay of 0.99, which the preset has now, of 50,000 strings: sort after 1,500 steps (73 to 87 s), 5 seeds: 1.0000
  exact of 2,000 in every one (0.0001 nats per token), where seed 2 had one wrong after 1,000; reverse after 1,000 steps (49 to
  58 s), 5 seeds: 1.0000 in every one (0.0002); copy after 1,000 steps (54 to 57 s), 5 seeds: 1.0000 in every one (0.00003 to
  0.00007).
- what that is due to, sort, 500 steps of 50,000 strings (30 s): 9 of 2,000 wrong with the weights of the last step (0.0020
  nats per token), 1 with their moving average (0.0010); with rotary positions of base 30 instead of sinusoidal ones 19 and 8.
  With RMSNorm and QK-norm, 400 steps: 4 and 2 (0.0031 and 0.0021), at 46 ms a step instead of 32.
Before that, with one seed:
- with four heads, learned positions and 16 buckets: copy 1.0000 exact of 2,000 (1,260 steps in 92 s), reverse 0.9985 (87 s),
  sort 0.9985 (89 s). With two heads: reverse 0.9995 (83 s), sort 0.9995 (1,100 steps in 91 s) and, without a constant part of
  the rate, 1.0000 (103 s): chance decides about the last string. What is wrong has repeated letters.
- after 400 steps of reverse, by settings: 17 wrong of 2,000 with learned positions and 16 buckets (0.0061 nats per token), 22
  without QK-norm (0.0070), 16 with sinusoidal positions (0.0044), 2 with these and 4 buckets (0.0015), which the preset has; 2
  with a cosine to zero besides (0.0021). 50,000 strings instead of 10,000 and a position base of 30: 2 (0.0016). After 1,000
  steps (89 s) of the preset 2 are wrong (0.0002 nats): more of the same does not make it exact.
- sort: 13 wrong after 400 steps of the preset, 3 after 1,000 (85 s); of 50,000 strings 8 after 400 (0.0023 nats), 18 with a
  position base of 30 (0.0049), 18 with heads of 64 and no constant part of the rate (0.0045). None of these takes the last
  strings in 400 steps, and 90 s are some 1,000 on one thread: of these, none reached 100.0 % of 2,000 strings for five seeds.
- 1,000 steps (68 s) of 50,000 strings without a constant part of the rate: reverse 1.0000 exact with seeds 0 and 1 (0.00015 nats
  per token), sort 6 wrong with seed 0 (0.0014).
- sort, 500 steps (36 s) of 50,000 strings without a constant part of the rate, seed 0: 7 wrong (0.0019 nats per token); with
  batches of 128 7 as well (0.0018, 67 s), without QK-norm 5 (0.0019), with a Muon rate of 0.04 9 (0.0027), with four heads of 32
  15 (0.0034), with feed-forward layers of 512 17 (0.0037): neither more strings per step nor a larger model helps.
- toy-en-es, 700 steps in 62 s, 800 pairs, by seeds: 0.9925, 0.9938 and 0.9012 exact with 16 buckets; 0.9962 each with 4,
  which the preset has (0.9994 of the tokens, BLEU 99.8, chrF 99.9).
- numbers in words, two heads, 1,500 steps in 91 to 126 s, 3 seeds: 0.9973 exact of 2,000, worst 0.9965.
- verses-en-es, 1,496 held-out pairs, after 201 steps in 181 s: BLEU 1.5, chrF 13.3, 4.03 nats per token, 0.236 of the tokens.
  Of 100 of these pairs, BLEU and chrF: greedy 0.87 and 13.55, 4 beams 2.02 and 13.83, 4 beams with alpha 1 2.00 and 13.90.
  After 720 steps in 600 s: BLEU 7.7, chrF 24.7, 3.03 nats, 0.388 of the tokens; of the 100 pairs greedy 8.47 and 25.23, 4 beams
  9.76 and 25.89, with alpha 1 10.19 and 26.87.
- forgetting, a GRU without attention: 0.5100 exact of 2,000 (1,800 steps in 48 s): 1.0000 at length 3, 0.8981 at 6, 0.1465 at 9
  and 0.0000 at 12; of the tokens, 0.9980 of the shortest third and 0.7249 of the longest.
- the same GRU with attention: 1.0000 exact at every length (1,500 steps in 51 s).
- step 71.6 ms, plain loop 74.7 ms: 0.958 times; with a moving average of the weights in both, LayerNorm and no QK-norm, 55.1 ms
  and 55.1 ms: 1.000 times.
"""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from genstudio.config import Values
from genstudio.data import shelf
from genstudio.data.datasets import PairDataset, TaskDataset
from genstudio.data.generators.puzzles import SequenceSettings, SortSettings, copy, reverse, sort
from genstudio.data.learnable.pairs import PairData
from genstudio.data.work import finished
from genstudio.families.seq2seq import FAMILY, Seq2SeqConfig
from genstudio.families.seq2seq.batches import IGNORED
from genstudio.families.seq2seq.learner import Seq2SeqLearner
from genstudio.sampling.beam import BeamSearch
from genstudio.sampling.reader import Reader
from genstudio.training.optim import take_step

TASKS = {"copy": (copy, SequenceSettings), "reverse": (reverse, SequenceSettings), "sort": (sort, SortSettings)}
UNSEEN = 2_000


def preset(name: str) -> Values:
    return next(one.values for one in FAMILY.presets if one.name == name)


def task(name: str, count: int = 10_000) -> TaskDataset:
    """Questions of 3 to 12 symbols: `count` to learn from and 2,000 that are held out."""
    make, settings = TASKS[name]
    info = shelf.find_dataset(name)
    values: Any = settings.parse({"count": count + UNSEEN, "shortest": 3, "longest": 12})
    return make(values, dataclasses.replace(info, count=values.count))


class Plan(NamedTuple):
    """A training by `seconds` of the process, or by `steps` where those are given."""

    seconds: float
    steps: int = 0

    def done(self, spent: float, step: int) -> float:
        """The share of the training that lies behind it."""
        return step / self.steps if self.steps else spent / self.seconds


def trained(data: PairData, config: Seq2SeqConfig, plan: Plan, seed: int) -> tuple[Seq2SeqLearner, int, float]:
    """A learner after its training, its steps, and the seconds of the process that they took."""
    learner = FAMILY.learner(FAMILY.model(config, data, "cpu", seed), seed)
    assert isinstance(learner, Seq2SeqLearner)
    spent, step = 0.0, 0
    while plan.done(spent, step) < 1:
        began, progress, step = time.process_time(), plan.done(spent, step), step + 1
        torch.manual_seed(seed * 1_000_003 + step)
        learner.training_step(learner.batch(step), step, progress)
        spent += time.process_time() - began
    return learner, step, spent


def scored(dataset: PairDataset | TaskDataset, values: Values, plan: Plan, seed: int) -> Mapping[str, Any]:
    config = Seq2SeqConfig.parse(values)
    data = finished(FAMILY.prepare(config, dataset))
    learner, steps, spent = trained(data, config, plan, seed)
    learner.network.eval()
    result = list(learner.model.evaluate(exact=True))[-1].result
    wrong = round((1 - result["exact_match"]) * result["pairs"])
    print(f"   seed {seed}: exact {result['exact_match']:.4f} ({wrong} wrong), {result['loss_nats']:.5f} nats, {steps} steps in "
          f"{spent:.0f} s", flush=True)  # fmt: skip
    return {**result, "steps": steps, "seconds": spent, "learner": learner}


def said(name: str, found: list[Mapping[str, Any]], *measures: str) -> None:
    """Mean and worst over seeds."""
    numbers = []
    for measure in measures:
        values = [one[measure] for one in found]
        numbers.append(f"{measure} {statistics.mean(values):.4f} (worst {min(values):.4f})")
    steps, seconds = (statistics.mean(one[key] for one in found) for key in ("steps", "seconds"))
    what = f"{len(found)} seeds, {found[0]['pairs']} held-out pairs, {steps:.0f} steps in {seconds:.0f} s"
    print(f"{name:22} {', '.join(numbers)}; {what}", flush=True)


def tasks(seeds: int, plan: Plan, more: Values) -> None:
    given = {**more}
    wanted, count = str(given.pop("task", "")), int(given.pop("count", 10_000))
    values: dict[str, Any] = {**preset("reverse"), "validation_share": UNSEEN / (count + UNSEEN), **given}
    for name in [wanted] if wanted else TASKS:
        found = [scored(task(name, count), values, plan, seed) for seed in range(seeds)]
        said(name, found, "exact_match", "token_accuracy")


def forgetting(seeds: int, plan: Plan, more: Values) -> None:
    """The exact matches of reversed strings of 3, 6, 9 and 12 symbols, per architecture, or of the one that is asked for."""
    every = ("rnn", "rnn-attention", "transformer")
    for architecture in [name for name in every if name == more.get("architecture", name)]:
        values = {**preset("forgetting"), "architecture": architecture, "validation_share": UNSEEN / (10_000 + UNSEEN), **more}
        if architecture == "transformer":
            values |= {"layers": 2}
        found = [scored(task("reverse"), values, plan, seed) for seed in range(seeds)]
        said(architecture, found, "exact_match", "short_accuracy", "long_accuracy")
        for length in (3, 6, 9, 12):
            rows = [row for one in found for row in one["by_length"] if row["low"] == length]
            exact, speed = (statistics.mean(row[key] for row in rows) for key in ("exact_match", "sentences_per_second"))
            print(f"   length {length:2}: exact {exact:.4f}, {speed:,.0f} sentences/s", flush=True)


def toy(seeds: int, plan: Plan, more: Values) -> None:
    dataset = shelf.open_dataset(shelf.find_dataset("toy-en-es"))
    found = [scored(dataset, {**preset("toy"), **more}, plan, seed) for seed in range(seeds)]
    said("toy-en-es", found, "exact_match", "token_accuracy", "bleu", "chrf")


def numbers(seeds: int, plan: Plan, more: Values) -> None:
    """The numbers from 0 to 9,999 in English words, to be written in Spanish ones; a fifth of them is held out."""
    from genstudio.data.generators.numerals import english, spanish

    def said_in(language: Any, zero: str, thousand: Any, number: int) -> str:
        thousands, rest = divmod(number, 1000)
        parts = ([thousand(thousands)] if thousands else []) + ([language(rest)] if rest else [])
        return " ".join(parts) or zero

    everything = range(10_000)
    sources = tuple(said_in(english, "zero", lambda n: f"{english(n)} thousand", n) for n in everything)
    targets = tuple(said_in(spanish, "cero", lambda n: "mil" if n == 1 else f"{spanish(n)} mil", n) for n in everything)
    info = dataclasses.replace(shelf.find_dataset("toy-en-es"), id="numbers", count=len(sources))
    values = {**preset("toy"), "validation_share": 0.2, **more}
    found = [
        scored(PairDataset(info, sources, targets, ("English", "Spanish")), values, plan, seed) for seed in range(seeds)
    ]
    said("numbers in words", found, "exact_match", "token_accuracy")


def verses(seeds: int, plan: Plan, more: Values) -> None:
    """Greedy on all held-out pairs, and on 100 of them beams of 4 beside greedy, by BLEU and chrF."""
    from genstudio.evaluation.overlap import bleu, chrf

    dataset = shelf.open_dataset(shelf.find_dataset("verses-en-es"))
    for seed in range(seeds):
        found = scored(dataset, {**preset("verses"), **more}, plan, seed)
        said("verses-en-es", [found], "bleu", "chrf", "loss_nats", "token_accuracy")
        model, held = found["learner"].model, found["learner"].model.data.held
        rows = np.linspace(0, len(held) - 1, 100).astype(int).tolist()
        wanted = [held.texts[row][1] for row in rows]
        for beams, alpha in ((1, 0.0), (4, 0.0), (4, 1.0)):
            made = []
            for row in rows:
                search = BeamSearch(beams, alpha, model.tokenizer.end)
                list(search.run(Reader(model.bind(held.sources[row])), [model.tokenizer.begin], model.context - 1))
                ids = search.way(search.best()[0])
                made.append(model.tokenizer.decode([i for i in ids if i != model.tokenizer.end]).strip())
            print(f"   {beams} beams, alpha {alpha}: BLEU {bleu(made, wanted):.2f}, chrF {chrf(made, wanted):.2f}", flush=True)


def step(seeds: int, plan: Plan, more: Values) -> None:
    """Milliseconds of our step and of a plain loop with the same model, optimisers and batches, in turns; with `ema=0.99` both
    keep a moving average of the weights."""
    values = {**preset("toy"), **more}
    config = Seq2SeqConfig.parse(values)
    data = finished(FAMILY.prepare(config, shelf.open_dataset(shelf.find_dataset("toy-en-es"))))
    ours, other = (FAMILY.learner(FAMILY.model(config, data, "cpu", 0), 0) for _ in range(2))
    network, optimizers = other.pair, other.optimizers.values()
    newest = list(network.parameters())
    average = [weight.detach().clone() for weight in newest]

    def plain(batch: Any) -> None:
        source, padding, inputs, targets = batch
        loss = F.cross_entropy(network(source, padding, inputs).flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip)
        for optimizer in optimizers:
            take_step(optimizer)
            optimizer.zero_grad(set_to_none=True)
        if config.ema:
            with torch.no_grad():
                torch._foreach_lerp_(average, newest, 1 - config.ema)

    batches = [ours.batch(number) for number in range(1, 41)]
    times: tuple[list[float], list[float]] = ([], [])
    for round_, batch in itertools.product(range(max(1, seeds)), batches):
        began = time.process_time()
        ours.training_step(batch, round_ + 1, 0.0)
        middle = time.process_time()
        plain(batch[0])
        times[0].append(middle - began)
        times[1].append(time.process_time() - middle)
    mine, theirs = (1000 * statistics.median(column[5:]) for column in times)
    print(f"step {mine:.1f} ms, plain loop {theirs:.1f} ms: {mine / theirs:.3f} times")


if __name__ == "__main__":
    torch.set_num_threads(1)
    benches = {
        "tasks": (tasks, 90.0), "toy": (toy, 60.0), "numbers": (numbers, 300.0), "verses": (verses, 180.0),
        "forgetting": (forgetting, 60.0), "step": (step, 0.0),
    }  # fmt: skip
    which, usual = benches[sys.argv[1]]
    given = [word for word in sys.argv[2:] if "=" not in word]
    overrides = dict(word.split("=", 1) for word in sys.argv[2:] if "=" in word)
    plan = Plan(float(given[1]) if len(given) > 1 else usual, int(overrides.pop("steps", 0)))
    which(int(given[0]) if given else 1, plan, overrides)
