"""How good word vectors are on the planted analogies, over seeds; how near SGNS scores come to shifted PMI; and the lesson.

    python tests/bench/bench_word2vec.py analogies|lesson|pmi|step [SEEDS] [SECONDS]

analogies: the presets on the planted analogies. lesson: a window of 1 word against one of 10. pmi: scores of word and context
vectors against shifted PMI. step: milliseconds of our training step and of a plain loop of the same model over the same batches,
in turns. Measured on one core of a busy machine, ours takes 0.93 (skip-gram), 0.95 (CBOW) and 0.89 (softmax) of the time of a
plain loop.

analogies, 8 s and about 1,200 steps of skip-gram each, 5 seeds: all 540 right in every one. pmi, 20 s each, 3 seeds: r 0.947,
worst 0.940, over 12,920 pairs; weighted by how often they are seen 0.979, worst 0.975.

Seconds are of the processor, so that another program beside it changes nothing.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import torch

from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.families.word2vec import FAMILY
from genstudio.families.word2vec.batches import noise
from genstudio.families.word2vec.config import Word2VecConfig
from genstudio.families.word2vec.data import WordData, prepare
from genstudio.families.word2vec.learner import Word2VecLearner
from genstudio.families.word2vec.model import Word2VecModel
from genstudio.training.optim import take_step

PRESETS = {preset.name: preset for preset in FAMILY.presets}
_SEEN = 5.0
"""Pairs that are near each other so often at least have a PMI that can be compared with."""


def trained(config: Word2VecConfig, data: WordData, seconds: float, seed: int = 0) -> Word2VecLearner:
    learner = Word2VecLearner(Word2VecModel(config, data, "cpu", seed), seed)
    began, step = time.process_time(), 0
    while (spent := time.process_time() - began) < seconds:
        step += 1
        learner.training_step(learner.batch(step), step, spent / seconds)
    learner.step = step
    return learner


def shifted_pmi(config: Word2VecConfig, data: WordData) -> tuple[np.ndarray, np.ndarray]:
    """What scores (V, V) converge to, log(P(w, c) / (k P(w) q(c))) (Levy & Goldberg 2014, with noise q), and how often each two
    words are near each other, with the weight of their distance."""
    ids, lines, size = data.train.ids.astype(np.int64), data.train.lines, data.tokenizer.size
    counts = np.zeros((size, size))
    for apart in range(1, config.window + 1):
        same = lines[apart:] == lines[:-apart]
        for one, other in ((ids[:-apart], ids[apart:]), (ids[apart:], ids[:-apart])):
            np.add.at(counts, (one[same], other[same]), (config.window - apart + 1) / config.window)
    pairs = counts / counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = config.negatives * pairs.sum(1, keepdims=True) * noise(data.counts, config.noise_power)
        return np.log(pairs / expected), counts


def scores(learner: Word2VecLearner) -> dict[str, float]:
    return dict(list(learner.model.evaluate(exact=True))[-1].result)


def right(name: str, values: dict[str, Any], seeds: int, seconds: float) -> None:
    dataset: Any = shelf.open_dataset(shelf.find_dataset("analogies"))
    config = Word2VecConfig.parse(values)
    data = finished(prepare(config, dataset))
    found = [trained(config, data, seconds, seed) for seed in range(seeds)]
    shares, last = [scores(learner)["analogy_accuracy"] for learner in found], scores(found[-1])
    print(
        f"{name:10} {seconds:g} s: right, mean {np.mean(shares):.4f}, worst {min(shares):.4f} of {seeds} seeds; "
        f"loss {last['loss_nats']:.3f}, baseline {last['baseline_nats']:.3f}, {found[-1].step} steps",
        flush=True,
    )


def analogies(seeds: int, seconds: float) -> None:
    for name in ("analogies", "cbow", "softmax"):
        right(name, PRESETS[name].values, seeds, seconds)


def lesson(seeds: int, seconds: float) -> None:
    narrow = PRESETS["narrow"]
    right("window 1", narrow.values, seeds, seconds)
    right("window 10", {**narrow.values, **narrow.cure}, seeds, seconds)


def pmi(seeds: int, seconds: float) -> None:
    dataset: Any = shelf.open_dataset(shelf.find_dataset("analogies"))
    config = Word2VecConfig.parse({"subsampling": 1.0, "batch": 2048})
    data = finished(prepare(config, dataset))
    wanted, counts = shifted_pmi(config, data)
    seen, plain, weighed = counts >= _SEEN, list[float](), list[float]()
    for seed in range(seeds):
        table = trained(config, data, seconds, seed).model.table
        made = (table.words @ table.near.T).detach().numpy()
        plain.append(float(np.corrcoef(made[seen], wanted[seen])[0, 1]))
        weighed.append(weighted(made[seen], wanted[seen], counts[seen]))
        print(f"   seed {seed}: r = {plain[-1]:.4f}, weighted {weighed[-1]:.4f}", flush=True)
    print(
        f"SGNS scores and shifted PMI, {seconds:g} s, {seeds} seeds: r mean {np.mean(plain):.4f}, worst {min(plain):.4f} over "
        f"{seen.sum():,} pairs; weighted by how often they are seen {np.mean(weighed):.4f}, worst {min(weighed):.4f}",
        flush=True,
    )


def step(rounds: int, _seconds: float) -> None:
    """The same table, Adam of torch, gradients of the same batches."""
    dataset: Any = shelf.open_dataset(shelf.find_dataset("analogies"))
    for name in ("analogies", "cbow", "softmax"):
        config = Word2VecConfig.parse(PRESETS[name].values)
        data = finished(prepare(config, dataset))
        ours, model = (Word2VecModel(config, data, "cpu", 0) for _ in range(2))
        learner = Word2VecLearner(ours, 0)
        optimizer = torch.optim.Adam(model.table.parameters(), lr=config.learning_rate)

        def plain(batch: tuple[torch.Tensor, ...], model: Word2VecModel = model, config: Word2VecConfig = config,
                  optimizer: torch.optim.Optimizer = optimizer) -> None:  # fmt: skip
            inputs, row, wanted, *negatives = batch
            vectors = model.vectors(inputs)
            if negatives:
                nats = model.table.negative_sampling(vectors, row, wanted, negatives[0], config.negatives)
            else:
                nats = model.predict(vectors, row, wanted).sum()
            (nats / len(row)).backward()
            take_step(optimizer)
            optimizer.zero_grad(set_to_none=True)

        batches = [learner.batch(number) for number in range(1, 41)]
        times: tuple[list[float], list[float]] = ([], [])
        for number in range(rounds * len(batches)):
            batch = batches[number % len(batches)]
            began = time.process_time()
            learner.training_step(batch, number + 1, 0.0)
            middle = time.process_time()
            plain(batch)
            times[0].append(middle - began)
            times[1].append(time.process_time() - middle)
        mine, theirs = (1000 * float(np.median(column[10:])) for column in times)
        print(f"{name:10} step {mine:.2f} ms, plain loop {theirs:.2f} ms: {mine / theirs:.3f} times", flush=True)


def weighted(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """The correlation of x and y with weights."""
    covariance = np.cov(x, y, aweights=weight)
    return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


if __name__ == "__main__":
    torch.set_num_threads(1)
    benches = {"analogies": (analogies, 5, 30.0), "lesson": (lesson, 5, 30.0), "pmi": (pmi, 5, 60.0), "step": (step, 8, 0.0)}
    bench, seeds, seconds = benches[sys.argv[1]]
    bench(int(sys.argv[2]) if len(sys.argv) > 2 else seeds, float(sys.argv[3]) if len(sys.argv) > 3 else seconds)
