"""How good a BERT becomes in a time of one core, and whether its doctor tells a run that stands at the unigram line.

    python tests/bench/bench_bert.py chain|shakespeare|doctor|classes [--seeds 0 1 2] [--seconds S]

chain: nats above the forward-backward optimum of the known-entropy text. shakespeare: accuracy on hidden tokens over that of
the most frequent token. doctor: the lesson, with and without its cure, and healthy runs. classes: accuracy of fine-tuning
and of training from scratch in the same time, on the shipped labelled texts. Time is that of the processor, so that another
process beside it slows nothing down; pre-training is not counted.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.events import Diagnosis
from genstudio.families.bert import FAMILY
from genstudio.families.bert.batches import held_out, turns
from genstudio.families.bert.data import BertData
from genstudio.families.bert.learner import BertLearner
from genstudio.runs import Run
from genstudio.tasks.train import Train
from genstudio.training.frames import read
from genstudio.training.learner import Metrics, Tick

sys.path.insert(0, str(Path(__file__).parents[1]))
from masked_chain import optimum

PRESETS: Mapping[str, Mapping[str, Any]] = {preset.name: preset.values for preset in FAMILY.presets}
SMALL = {"layers": 2, "d_model": 64, "context": 32, "batch": 16, "evaluate_every": 50}
WELL: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("shakespeare", {**SMALL, "tokenizer": "char"}),
    ("shakespeare", {**SMALL, "tokenizer": "word", "vocabulary": 1024}),
    ("shakespeare", {**SMALL, "tokenizer": "bpe", "vocabulary": 512}),
    ("known-entropy", {**SMALL, "tokenizer": "char", "masked": 1.0, "random": 0.0}),
)
CLASSES = {"layers": 3, "d_model": 64, "context": 48, "batch": 32, "tokenizer": "char"}


def begun(data: str, values: Mapping[str, Any], seed: int) -> BertLearner:
    config = FAMILY.config.parse(values)
    config = config if FAMILY.resolve is None else FAMILY.resolve(config)
    prepared: BertData = finished(FAMILY.prepare(config, shelf.open_dataset(shelf.find_dataset(data, FAMILY.data_kinds))))
    return FAMILY.learner(FAMILY.model(config, prepared, "cpu", seed), seed)  # type: ignore[return-value]


def trained(one: BertLearner, *, seconds: float = math.inf, steps: int = sys.maxsize) -> Iterator[dict[str, float]]:
    """The numbers of every step, until so many seconds of the processor are over."""
    began = time.process_time()
    for step in range(1, steps + 1):
        progress = max((time.process_time() - began) / seconds, 0.0 if steps == sys.maxsize else (step - 1) / steps)
        if progress >= 1:
            return
        torch.manual_seed(step)
        yield {name: float(value) for name, value in one.training_step(one.batch(step), step, progress).items()}


def scores(one: BertLearner) -> Mapping[str, float]:
    *_, scored = one.model.evaluate(exact=True)
    return scored.result


def said(one: BertLearner, steps: int) -> list[Diagnosis]:
    """What the doctor tells of so many steps, measured as often as a run is."""
    assert FAMILY.doctor is not None
    doctor, told = FAMILY.doctor((), one.model.data), list[Diagnosis]()
    for step, values in enumerate(trained(one, steps=steps), 1):
        metrics = [Metrics(step, values)]
        shown: list[Any] = []
        if step % one.evaluate_every == 0:
            *_, scored = one.model.evaluate()
            metrics.append(Metrics(step, scored.values))
            shown = [event for event in one.layers() if not isinstance(event, Tick)]
        told += doctor.see(read(metrics), shown, one.config.model_dump())
    return told


def chain(seeds: list[int], seconds: float, changes: list[str]) -> None:
    for seed in seeds:
        one = begun("known-entropy", {**PRESETS["chain"], **dict(change.split("=") for change in changes)}, seed)
        steps = sum(1 for _ in trained(one, seconds=seconds))
        data, nats, best = one.model.data, list[np.ndarray](), list[np.ndarray]()
        body = one.config.context - 1
        windows = np.arange(0, len(data.validation) // body, 4)
        for turn in range(turns(one.config, len(data.validation))):
            drawn = held_out(data, one.config, windows, turn)
            nats.append(one.model._score(drawn)[0])
            best.append(optimum(drawn.targets[:, 1:], drawn.chosen[:, 1:]))
        more = np.concatenate(nats) - np.concatenate(best)
        error = more.std() / math.sqrt(len(more))
        print(f"chain, seed {seed}: {steps:,} steps, optimum {np.concatenate(best).mean():.4f}, model "
              f"{np.concatenate(nats).mean():.4f}: {more.mean():+.4f} +- {error:.4f} nats", flush=True)  # fmt: skip


def shakespeare(seeds: list[int], seconds: float) -> None:
    for name in ("letters", "words"):
        ratios = []
        for seed in seeds:
            one = begun("shakespeare", PRESETS[name], seed)
            steps = sum(1 for _ in trained(one, seconds=seconds))
            found = scores(one)
            ratios.append(found["masked_accuracy"] / found["unigram_accuracy"])
            print(f"{name}, seed {seed}: {steps:,} steps, accuracy {found['masked_accuracy']:.4f}, unigram "
                  f"{found['unigram_accuracy']:.4f}, loss {found['masked_loss_nats']:.3f} against "
                  f"{found['unigram_loss_nats']:.3f}: {ratios[-1]:.2f} times", flush=True)  # fmt: skip
        print(f"{name}: mean {statistics.mean(ratios):.2f} times, worst {min(ratios):.2f}")


def doctor(seeds: list[int], steps: int = 450) -> None:
    lesson = next(preset for preset in FAMILY.presets if preset.cure)
    small = {"layers": 4, "d_model": 96, "context": 32, "batch": 16, "evaluate_every": 50}
    for what, values in (("lesson", {}), ("cured", lesson.cure)):
        named = []
        for seed in seeds:
            one = begun("shakespeare", {**lesson.values, **small, **values}, seed)
            told = said(one, steps)
            named.append(any(t.name == "plateau" and t.until is None for t in told))
            names = ", ".join(f"{t.name} {t.step}" for t in told) or "nothing"
            print(f"{what}, seed {seed}: {names}; accuracy {scores_of(one)}", flush=True)
        print(f"{what}: plateau told in {sum(named)} of {len(named)}")
    false = 0
    for data, values in WELL:
        for seed in seeds:
            one = begun(data, values, seed)
            told = said(one, steps)
            false += any(t.name == "plateau" for t in told)
            print(f"well {data} {values['tokenizer']} {seed}: {', '.join(t.name for t in told) or 'nothing'}; accuracy "
                  f"{scores_of(one)}", flush=True)  # fmt: skip
    print(f"healthy runs: plateau told in {false} of {len(WELL) * len(seeds)}")


def scores_of(one: BertLearner) -> str:
    *_, scored = one.model.evaluate()
    return f"{scored.result['masked_accuracy']:.3f}, unigram {scored.result['unigram_accuracy']:.3f}"


def classes(seeds: list[int], seconds: float, before: int = 1500) -> None:
    for data, examples in (("emoji-languages", 400), ("name-initials", 0), ("emoji-categories", 0)):
        first = "emoji-languages" if data == "emoji-categories" else data
        *_, frame = (f for f in Train("bert", first, CLASSES, steps=before, name=f"before {data}").run(_models()) if f.run)
        found: dict[str, list[float]] = {"fine-tuned": [], "from scratch": []}
        for seed in seeds:
            for how, start in (("fine-tuned", Run.open(frame.run).id), ("from scratch", "")):
                one = begun(data, {**CLASSES, "task": "classify", "examples": examples, "start": start}, seed)
                steps = sum(1 for _ in trained(one, seconds=seconds))
                result = scores(one)
                found[how].append(result["accuracy"])
                print(f"{data}, {how}, seed {seed}: {steps} steps, accuracy {result['accuracy']:.4f}, baseline "
                      f"{result['baseline_accuracy']:.4f}", flush=True)  # fmt: skip
        for how, values in found.items():
            print(f"{data}, {how}: mean {statistics.mean(values):.4f}, worst {min(values):.4f}")


def _models() -> Any:
    from genstudio.tasks.models import Models

    return Models()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("chain", "shakespeare", "doctor", "classes"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--set", nargs="*", default=[], help="settings of the chain that differ from those of the preset")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as home:
        os.environ["GENSTUDIO_HOME"] = home
        if options.what == "doctor":
            doctor(options.seeds)
        elif options.what == "chain":
            chain(options.seeds, options.seconds, options.set)
        else:
            {"shakespeare": shakespeare, "classes": classes}[options.what](options.seeds, options.seconds)


if __name__ == "__main__":
    main()
