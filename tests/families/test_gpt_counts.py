"""A GPT that is mixed with n-gram counts: what is counted, what is mixed, and what an evaluation says of the parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genstudio.data.learnable.tokens import TextData
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError
from genstudio.evaluation import count_tables
from genstudio.evaluation.ngram import KneserNey, fit_kneser_ney
from genstudio.families.gpt import FAMILY
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.counted import FILE, CountedText, counted, counts_metadata, reopened
from genstudio.families.gpt.exchange import exported
from genstudio.families.gpt.learner import GPTLearner
from genstudio.families.gpt.model import GPTModel
from genstudio.families.mixture import Gate, Mixture
from genstudio.nn.int8 import available, quantised
from genstudio.runs import Run
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.reader import Reader, parts_after
from genstudio.sampling.score import score
from genstudio.sampling.text import stream
from genstudio.tasks.train import Resume, Train
from genstudio.training import checkpoint
from genstudio.training.learner import Scored
from helpers import answer, curve, run_task, text_file

SMALL = {"layers": 1, "heads": 2, "d_model": 16, "context": 16, "batch": 4, "warmup": 2, "counts_length": 3}


def prepared(data: TextData, **values: Any) -> tuple[GPTConfig, CountedText]:
    config = GPTConfig.parse({**SMALL, "counts": "gate", **values})
    found = finished(counted(config, data, None))
    assert isinstance(found, CountedText)
    return config, found


def trained(data: TextData, steps: int = 12, **values: Any) -> GPTModel:
    config, found = prepared(data, **values)
    learner = GPTLearner(GPTModel(config, found, "cpu", 0), 0)
    for step in range(1, steps + 1):
        learner.training_step(learner.batch(step), step, 0.0)
    return learner.model


@pytest.fixture(scope="module")
def model(text_data: TextData) -> GPTModel:
    return trained(text_data, 20)


def mixture(of: GPTModel) -> Mixture:
    assert of.mixture is not None
    return of.mixture


def exact(of: GPTModel) -> Scored:
    *_, found = of.evaluate(exact=True)
    assert isinstance(found, Scored)
    return found


def grams(counts: KneserNey) -> list[tuple[int, ...]]:
    """The longest n-grams of a table, each as often as it was counted."""
    below: list[tuple[int, ...]] = [()]
    for order in counts.orders:
        below = [(*below[key // counts.vocabulary], int(key % counts.vocabulary)) for key in order.keys]
    return sorted(gram for gram, count in zip(below, counts.orders[-1].counts, strict=True) for _ in range(count))


def windows_of(ids: Any, length: int) -> list[tuple[int, ...]]:
    return sorted(tuple(ids[at : at + length].tolist()) for at in range(len(ids) - length + 1))


def test_the_counts_are_those_of_the_training_tokens_and_of_nothing_else(text_data: TextData) -> None:
    _, data = prepared(text_data)
    assert data.counts is not None and data.held is not None
    assert grams(data.counts) == windows_of(text_data.train, 4)
    assert grams(data.held.counts) == windows_of(data.train, 4)
    np.testing.assert_array_equal(np.concatenate([data.train, data.held.ids]), text_data.train)

    everything = np.concatenate([text_data.train, text_data.validation])
    peeking = finished(fit_kneser_ney(everything, text_data.tokenizer.size, 4))  # the broken twin
    assert grams(peeking) != windows_of(text_data.train, 4)
    honest, cheat = (exact(GPTModel(GPTConfig.parse(SMALL | {"counts": "mix"}), replace(data, counts=counts), "cpu", 0))
                     for counts in (data.counts, peeking))
    assert cheat.parts["counts"] < honest.parts["counts"]


def test_whole_and_parts_are_what_the_formula_says(model: GPTModel) -> None:
    mixed = mixture(model)
    ids = torch.from_numpy(model.data.validation[:60].astype(np.int64)).view(4, 15)
    found = mixed.parts(ids)
    sums = [part.exp().sum(-1) for part in (found.whole, found.network, found.counts)]
    for total in sums:
        assert (total - 1).abs().max() < 1e-5
    torch.testing.assert_close(found.network, model.transformer(ids).log_softmax(-1))
    for row, text in enumerate(ids.numpy()):
        chain = mixed.counts.probabilities(text)[1:]  # counted another way: token after token, no table of all tokens
        np.testing.assert_allclose(found.counts[row, :-1].exp().numpy()[np.arange(14), text[1:]], chain, rtol=1e-4)
    share = found.share[..., None]
    torch.testing.assert_close(found.whole.exp(), (1 - share) * found.network.exp() + share * found.counts.exp())
    assert found.share.std() > 0


def test_reading_on_from_the_cache_says_what_reading_all_says(model: GPTModel) -> None:
    mixed = mixture(model)
    text = model.data.validation[:16].astype(np.int64)
    whole = mixed(torch.from_numpy(text)[None])[0].numpy()
    reader = Reader(mixed)
    for at, token in enumerate(text):
        alone = reader.logits(text[:3]) if at == 2 else None if at < 3 else reader.add(int(token))
        if alone is not None:
            np.testing.assert_allclose(alone, whole[at], atol=1e-5)
    beams = reader.beams().add([0], [[*text[:15].tolist(), 0]]) if reader._keep(15) is None else None
    assert beams is not None
    np.testing.assert_allclose(beams[0], mixed(torch.tensor([[*text[:15].tolist(), 0]]))[0, -1], atol=1e-5)
    greedy = [c.id for c in stream(mixed, text[:3], SamplingOptions(greedy=True), 0, 8)]
    slow = list(text[:3])
    for _ in range(8):
        slow.append(int(mixed(torch.tensor([slow]))[0, -1].argmax()))
    assert greedy == slow[3:]


@pytest.mark.parametrize("how", ["mix", "gate"])
def test_it_is_never_worse_than_either_part(text_data: TextData, how: str) -> None:
    """But for what it costs to learn a share from a few hundred tokens."""
    found = exact(trained(text_data, 20, counts=how))
    assert found.nats <= min(found.parts["network"], found.parts["counts"]) + 0.003 * found.tokens
    half = (found.parts["network"] + found.parts["counts"]) / 2
    assert found.nats < half - 0.1 * found.tokens  # a share that nobody fitted would be far from it
    diary = replace(text_data, train=text_data.train[:700], validation=text_data.validation[:150])
    small = exact(trained(diary, 20, counts=how))
    assert small.nats <= min(small.parts["network"], small.parts["counts"]) + 0.01 * small.tokens


def test_the_share_goes_to_whoever_knows() -> None:
    rng = np.random.default_rng(0)
    good, bad = np.full(400, 0.5), np.full(400, 0.01)
    gate = Gate(0)
    gate.fit(np.empty((400, 0)), good, bad)
    assert gate.shares(np.empty((1, 0)))[0] < 0.02
    gate.fit(np.empty((400, 0)), bad, good)
    assert gate.shares(np.empty((1, 0)))[0] > 0.98
    signs = rng.choice([-1.0, 1.0], 400)
    columns = np.zeros((400, 8 + 2))
    columns[:, 3] = signs
    gate = Gate(2)
    gate.fit(columns, np.where(signs > 0, good, bad), np.where(signs > 0, bad, good))
    assert (gate.shares(columns)[signs > 0] < 0.2).all() and (gate.shares(columns)[signs < 0] > 0.8).all()


def test_a_run_is_opened_with_its_counts_and_says_the_same(model: GPTModel) -> None:
    kept = counts_metadata(model.data)
    data = reopened(model.config, FAMILY.from_metadata(GPTConfig.parse(SMALL), kept), kept)
    other = GPTModel(model.config, data, "cpu", 1)
    for name, module in other.modules.items():
        module.load_state_dict(model.modules[name].state_dict())
    ids = torch.arange(8)[None]
    assert torch.equal(other.language_model(ids), model.language_model(ids))
    with pytest.raises(DataError, match="counts"):
        reopened(model.config, FAMILY.from_metadata(GPTConfig.parse(SMALL), kept), {})


def test_files_of_counts_are_checked(model: GPTModel) -> None:
    counts = mixture(model).counts
    data, size = count_tables.dump(counts), counts.vocabulary
    again = count_tables.load(data, size)
    for mine, theirs in zip(counts.orders, again.orders, strict=True):
        for part in ("keys", "counts", "totals", "backoff", "discounts"):
            np.testing.assert_array_equal(getattr(mine, part), getattr(theirs, part))
    flipped = bytearray(data)
    flipped[-9] ^= 1
    for bad in (bytes(flipped), data[:-4], data[:50], b"", b"\xff" * 64):
        with pytest.raises(DataError, match="counts"):
            count_tables.load(bad, size)
    with pytest.raises(DataError, match="vocabulary"):
        count_tables.load(data, size + 1)
    order = counts.orders[1]
    wrong = replace(order, keys=order.keys[::-1].copy())
    with pytest.raises(DataError, match="order"):
        count_tables.load(count_tables.dump(replace(counts, orders=(counts.orders[0], wrong))), size)


@pytest.mark.parametrize("seed", range(6))
def test_counts_of_a_text_that_begins_like_no_other_part_of_it_are_read_again(seed: int) -> None:
    """What opens a text is preceded by nothing: its shorter n-grams are then counted zero times."""
    rng = np.random.default_rng(seed)
    opening, order = 8 + np.arange(seed + 1), int(rng.integers(2, 8))  # tokens that never come back
    counts = finished(fit_kneser_ney(np.concatenate([opening, rng.integers(0, 8, 300)]), 16, order))
    assert min(int(each.counts.min()) for each in counts.orders[:-1]) == 0 < counts.orders[-1].counts.min()
    again, text = count_tables.load(count_tables.dump(counts), 16), rng.integers(0, 16, 50)
    np.testing.assert_array_equal(again.probabilities(text), counts.probabilities(text))
    for number in (len(counts.orders) - 1, 0):  # one more of these never occurred
        zeros = counts.orders[number].counts.copy()
        zeros[np.flatnonzero(zeros)[:1]] = 0
        orders = [replace(each, counts=zeros) if at == number else each for at, each in enumerate(counts.orders)]
        with pytest.raises(DataError, match="never occurred"):
            count_tables.load(count_tables.dump(replace(counts, orders=tuple(orders))), 16)


def test_it_goes_into_8_bits_and_out_of_the_program(model: GPTModel) -> None:
    files = exported(model, "safetensors", 20)
    assert files[FILE] == count_tables.dump(mixture(model).counts)
    with pytest.raises(DataError, match="counts"):
        exported(model, "hf", 20)
    if available():
        small = model.with_transformer(quantised(model.transformer))
        ids = torch.arange(8)[None]
        assert (small.language_model(ids).exp() - model.language_model(ids).exp()).abs().max() < 0.05
        assert small.language_model is not model.language_model


def test_scoring_says_how_much_of_each_probability_the_counts_gave(model: GPTModel) -> None:
    ids = model.data.validation[:16]
    columns = finished(score(model.language_model, ids[:1], ids[1:], 3))
    found = mixture(model).parts(torch.from_numpy(ids[:-1].astype(np.int64))[None])
    rows, targets = np.arange(15), ids[1:].astype(np.int64)
    given = (found.share[0] * found.counts[0].exp()[rows, targets]).numpy()
    np.testing.assert_allclose(columns["counts"], given / found.whole[0].exp()[rows, targets].numpy(), rtol=1e-3)
    assert columns["counts"].min() > 0 and columns["counts"].max() < 1
    assert "counts" not in finished(score(model.transformer, ids[:1], ids[1:], 3))

    said = parts_after(mixture(model), ids)
    assert said is not None and parts_after(model.transformer, ids) is None
    network, counts, share = said
    whole = mixture(model)(torch.from_numpy(ids.astype(np.int64))[None])[0, -1].exp().numpy()
    np.testing.assert_allclose((1 - share) * network + share * counts, whole, atol=1e-6)


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ConfigError, match="mask"):
        GPTConfig.parse({"counts": "mix", "mask": False})
    assert GPTConfig.parse({}).counts == "none"


def test_a_run_keeps_the_length_of_its_counts(text_data: TextData) -> None:
    """One that was begun before held-back tokens chose it goes on with as many as it had."""
    config, data = prepared(text_data, counts_length=8)
    assert data.counts is not None and data.held is not None
    assert len(data.held.counts.orders) == len(data.counts.orders) < 9
    long = finished(fit_kneser_ney(text_data.train, text_data.tokenizer.size, 9))
    again = finished(counted(config, text_data, {FILE: count_tables.dump(long)}))
    assert isinstance(again, CountedText) and again.counts is not None and again.held is not None
    assert len(again.counts.orders) == len(again.held.counts.orders) == 9


@pytest.mark.parametrize("counts", ["gate", "mix"])
def test_resuming_is_bitwise_with_the_gate_as_if_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: str
) -> None:
    """The gate is fitted at steps 1, 5 and 10 from where it stands: one that does not come back ends elsewhere."""
    task = Train("gpt", str(text_file(tmp_path)), {**SMALL, "counts": counts, "evaluate_every": 4}, steps=14)

    def ended(frames: list[Any]) -> tuple[dict[str, torch.Tensor], list[float]]:
        run = Run.open(answer(frames, "run"))
        tensors, step = checkpoint.read_weights(run, "last")
        assert step == 14
        return tensors, curve(frames, "val_together")[1]

    whole, losses = ended(run_task(replace(task, runs_folder=tmp_path / "whole")))
    first = run_task(replace(task, runs_folder=tmp_path / "parted", stop_after=7))
    rest, later = ended(run_task(Resume(answer(first, "run"))))
    assert whole.keys() == rest.keys() and "gate.weights" in whole and whole["gate.weights"].abs().max() > 0
    assert all(torch.equal(whole[name], rest[name]) for name in whole)
    assert losses == curve(first, "val_together")[1] + later

    first = run_task(replace(task, runs_folder=tmp_path / "twin", stop_after=7))
    load = checkpoint.load

    def without_gate(run: Run, which: Any, learner: Any, **options: Any) -> dict[str, Any]:
        state = load(run, which, learner, **options)
        learner.model.mixture.gate.weights.zero_()
        return state

    monkeypatch.setattr(checkpoint, "load", without_gate)
    other, _ = ended(run_task(Resume(answer(first, "run"))))
    assert not torch.equal(whole["gate.weights"], other["gate.weights"])
