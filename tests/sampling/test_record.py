"""What is kept of each token, against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from genstudio.sampling.choose import SamplingOptions, distribution
from genstudio.sampling.record import Record, ranks
from genstudio.sampling.text import Choice


def choices(size: int, count: int, seed: int = 0) -> list[Choice]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        logits = np.round(rng.normal(size=size) * 3, 1).astype(np.float32)
        probabilities = distribution(logits, SamplingOptions(0.8, top_k=max(1, size // 2)))
        made.append(Choice(int(rng.choice(size, p=probabilities)), probabilities, logits))
    return made


@pytest.mark.parametrize("size", [1, 5, 300, 3000])
def test_every_column_by_definition(size: int) -> None:
    made = choices(size, 130)
    record = Record(lambda ids: tuple(f"<{i}>" for i in ids))
    for at in range(0, 130, 13):
        record.add(made[at : at + 13])
        early = record.chosen(at // 2)
    chosen = record.chosen()
    assert len(chosen) == len(record) == 130
    for i, choice in enumerate(made):
        values = choice.logits.astype(np.float64)
        before = np.exp(values - values.max())
        before /= before.sum()
        order = np.argsort(-values, kind="stable")
        assert chosen.ids[i] == choice.id and chosen.pieces[i] == f"<{choice.id}>"
        assert chosen.probabilities[i] == choice.probabilities[choice.id]
        assert chosen.logprobs[i] == pytest.approx(np.log(before[choice.id]))
        assert chosen.ranks[i] == 1 + order.tolist().index(choice.id)
        assert chosen.entropies[i] == pytest.approx(-(before * np.log(before)).sum(), abs=1e-12)
        assert chosen.alternatives[i].tolist() == order[:8].tolist()
        assert chosen.before[i] == pytest.approx(before[order[:8]])
        assert chosen.after[i].tolist() == choice.probabilities[order[:8]].tolist()
        assert all(chosen.names[k] == f"<{k}>" for k in order[:8].tolist())
    assert (early.ids == chosen.ids[: len(early)]).all() and not early.ids.flags.writeable


def test_impossible_tokens_count_for_nothing() -> None:
    logits = np.array([0.0, -np.inf, 1.0], np.float32)
    record = Record(lambda ids: tuple(map(str, ids)))
    record.add([Choice(2, distribution(logits, SamplingOptions()), logits)])
    chosen = record.chosen()
    assert np.isfinite(chosen.entropies[0]) and chosen.before[0].tolist()[-1] == 0.0


def test_nothing_written_is_an_empty_record() -> None:
    assert len(Record(lambda ids: ()).chosen()) == 0


def test_ranks_settle_ties_by_the_lower_id() -> None:
    logits = np.array([[1.0, 2.0, 2.0, 0.0]])
    assert [int(ranks(logits, np.array([i]))[0]) for i in range(4)] == [3, 1, 2, 4]
