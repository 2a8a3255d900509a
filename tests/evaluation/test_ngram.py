"""The reference lines, against the same formula written with dictionaries."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from genstudio import paths
from genstudio.data.datasets import TextDataset
from genstudio.data.learnable.tokens import TextData, prepare_text
from genstudio.data.shelf import DatasetInfo, find_dataset, open_dataset
from genstudio.data.work import finished
from genstudio.evaluation import ngram
from genstudio.evaluation.ngram import fit_kneser_ney, kneser_ney, reference_lines, uniform, unigram

Ids = NDArray[np.int64]


class Plain:
    """Interpolated modified Kneser-Ney with dictionaries; `continuation` off is the broken twin."""

    def __init__(self, train: list[int], vocabulary: int, order: int, continuation: bool = True) -> None:
        self.vocabulary, self.order = vocabulary, order
        self.levels = []
        for n in range(1, order + 1):
            grams: Counter[tuple[int, ...]] = Counter(tuple(train[i : i + n]) for i in range(len(train) - n + 1))
            if continuation and n < order:
                longer = {tuple(train[i : i + n + 1]) for i in range(len(train) - n)}
                followers = Counter(gram[1:] for gram in longer)
                grams = Counter({gram: followers[gram] for gram in grams})
            self.levels.append((grams, self.discounts(grams)))

    @staticmethod
    def discounts(grams: Counter[tuple[int, ...]]) -> list[float]:
        n = Counter(grams.values())
        y = n[1] / (n[1] + 2 * n[2]) if n[1] and n[2] else 0.5
        if not (n[1] and n[2] and n[3] and n[4]):
            return [0.0, y, y, y]
        estimates = [k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3)]
        return [0.0] + [estimate if estimate > 0 else y for estimate in estimates]

    def probability(self, context: tuple[int, ...], token: int) -> float:
        p = 1 / self.vocabulary
        for n in range(1, min(self.order, len(context) + 1) + 1):
            grams, discounts = self.levels[n - 1]
            history = context[len(context) - n + 1 :]
            behind = [count for gram, count in grams.items() if gram[:-1] == history]
            total = sum(behind)
            if total:
                count = grams[(*history, token)]
                given = sum(discounts[min(c, 3)] for c in behind)
                p = (count - discounts[min(count, 3)]) / total + given / total * p
        return p

    def nats(self, tokens: list[int]) -> float:
        contexts = [tuple(tokens[max(0, i - self.order + 1) : i]) for i in range(len(tokens))]
        pairs = zip(contexts, tokens, strict=True)
        return -sum(math.log(self.probability(context, token)) for context, token in pairs) / len(tokens)


def chain(seed: int, length: int, vocabulary: int) -> Ids:
    """A text with structure: the next token depends on the last one."""
    random = np.random.default_rng(seed)
    rows = random.dirichlet(np.full(vocabulary, 0.3), vocabulary)
    out = [0]
    for _ in range(length - 1):
        out.append(int(random.choice(vocabulary, p=rows[out[-1]])))
    return np.array(out)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("order", [1, 2, 4, 7])
def test_it_equals_the_plain_formula(seed: int, order: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ngram, "_BUCKET", 50)
    vocabulary = 3 + 2 * seed
    text = chain(seed, 400 if seed else 60, vocabulary)
    train, validation = text[:-40], text[-40:]
    wanted = Plain(train.tolist(), vocabulary, order).nats(validation.tolist())
    assert finished(kneser_ney(train, validation, vocabulary, order)) == pytest.approx(wanted, abs=1e-12)
    if order in (2, 4) and seed:
        twin = Plain(train.tolist(), vocabulary, order, continuation=False).nats(validation.tolist())
        assert abs(twin - wanted) > 1e-6, "the comparison does not see raw counts in place of continuation counts"


@pytest.mark.parametrize("seed", range(20))
def test_every_distribution_sums_to_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    vocabulary = 9
    train = chain(seed, int(random.integers(5, 2000)), vocabulary - 1)
    model = finished(fit_kneser_ney(train, vocabulary))
    start = int(random.integers(len(train)))
    for context in (train[start : start + 6], random.integers(0, vocabulary, 6), train[:0]):
        total = sum(model.probabilities(np.append(context, token))[-1] for token in range(vocabulary))
        assert total == pytest.approx(1, abs=1e-12)
        assert min(model.probabilities(np.append(context, token))[-1] for token in range(vocabulary)) > 0


def test_scoring_in_pieces_is_scoring_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = chain(1, 3000, 12)
    whole = finished(kneser_ney(text[:2000], text[2000:], 12))
    monkeypatch.setattr(ngram, "_BUCKET", 64)
    assert finished(kneser_ney(text[:2000], text[2000:], 12)) == pytest.approx(whole, abs=1e-12)


def test_a_vocabulary_too_large_for_packed_keys() -> None:
    random = np.random.default_rng(0)
    train = random.integers(0, 60_000, 3000).astype(np.uint16)
    validation = np.concatenate([train[100:140], random.integers(0, 60_000, 10).astype(np.uint16)])
    value = finished(kneser_ney(train, validation, 60_000))
    assert value == pytest.approx(Plain(train.tolist(), 60_000, 7).nats(validation.tolist()), abs=1e-9)


def test_uniform_and_unigram() -> None:
    assert uniform(65) == pytest.approx(4.1744, abs=1e-4)
    text = chain(2, 50_000, 8)
    frequencies = np.bincount(text, minlength=8) / len(text)
    entropy = -float(frequencies @ np.log(frequencies))
    assert unigram(text, text, 8) == pytest.approx(entropy, abs=1e-3)
    assert math.isfinite(unigram(text, np.array([8]), 9))


def test_no_model_beats_the_entropy_rate_of_a_known_source() -> None:
    """Order-2 Markov chain of figures.md 1.2: entropy rate 1.281157 nats."""
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.full(8, 0.3), (8, 8))
    edges = rows.cumsum(-1)
    draws = np.random.default_rng(1).random(200_000)
    out = [0, 0]
    for draw in draws.tolist():
        out.append(min(int(np.searchsorted(edges[out[-2], out[-1]], draw)), 7))
    text = np.array(out)
    train, validation = text[:-40_000], text[-40_000:]
    wanted = _entropy_rate(rows)
    assert wanted == pytest.approx(1.281157, abs=1e-6)
    assert finished(kneser_ney(train, validation, 8, order=3)) == pytest.approx(wanted, abs=0.02)
    assert finished(kneser_ney(train, validation, 8)) > wanted - 0.02
    assert finished(kneser_ney(text, validation, 8)) < wanted - 0.02, "training on the validation part should show"


def _entropy_rate(rows: NDArray[np.float64]) -> float:
    pairs = np.full((8, 8), 1 / 64)
    for _ in range(500):
        pairs = np.einsum("ab,abc->bc", pairs, rows)
    return float(-(pairs[..., None] * rows * np.log(np.maximum(rows, 1e-300))).sum())


@pytest.fixture
def shakespeare() -> TextData:
    return finished(prepare_text(open_dataset(find_dataset("shakespeare")), "none", 64))


def test_shakespeare_is_near_the_published_figure(shakespeare: TextData, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = finished(reference_lines(shakespeare))
    assert lines["kneser_ney"] == pytest.approx(1.5165, abs=0.02)
    assert lines["unigram"] == pytest.approx(3.3473, abs=0.02)
    assert lines["uniform"] == math.log(64)
    monkeypatch.delattr(ngram, "kneser_ney")
    assert finished(reference_lines(shakespeare)) == lines, "the second time comes from the cache"


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"uniform": 1.0, "unigram": 1.0, "kneser_ney": NaN}',
        b"\xff" * 100,
        b"[" * 9999,
    ],
)
def test_a_damaged_cache_is_computed_again(damage: bytes) -> None:
    data = finished(prepare_text(_text("ab cd\n" * 300), "none", 8))
    lines = finished(reference_lines(data))
    (place,) = (paths.cache() / "reference-lines").iterdir()
    assert json.loads(place.read_bytes()) == lines
    place.write_bytes(damage)
    assert finished(reference_lines(data)) == lines
    assert json.loads(place.read_bytes()) == lines
    assert len(list(place.parent.iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setattr(paths, "cache", lambda: blocked)
    data = finished(prepare_text(_text("ab cd\n" * 300), "none", 8))
    assert finished(reference_lines(data))["uniform"] == math.log(6)


def test_the_cache_tells_datasets_and_markers_apart() -> None:
    for text in ("ab cd\n" * 300, "ab ce\n" * 300):
        for markers in ("none", "lines"):
            finished(reference_lines(finished(prepare_text(_text(text), markers, 8))))  # type: ignore[arg-type]
    assert len(list((paths.cache() / "reference-lines").iterdir())) == 4


def _text(text: str) -> TextDataset:
    digest = format(hash(text) & (2**64 - 1), "064x")
    return TextDataset(DatasetInfo("d", "D", "text", "imported", Path("d"), len(text), digest, "", "", ""), text)


def test_what_follows_every_context_is_what_each_token_alone_is_given() -> None:
    rng = np.random.default_rng(3)
    train, texts = rng.integers(0, 5, 300) ** 2 % 5, rng.integers(0, 5, (3, 9))
    model, plain = finished(fit_kneser_ney(train, 5, 4)), Plain(train.tolist(), 5, 4)
    found = model.after(texts)
    np.testing.assert_allclose(found.probabilities.sum(-1), 1, atol=1e-6)
    wanted = [[plain.probability(tuple(row[: at + 1]), token) for token in range(5)] for row in texts.tolist() for at in range(9)]
    np.testing.assert_allclose(found.probabilities, wanted, atol=1e-6)
    np.testing.assert_array_equal(model.after(texts, last=True).probabilities, found.probabilities[8::9])
    broken = Plain(train.tolist(), 5, 4, continuation=False)
    assert abs(broken.probability(tuple(texts[0]), 1) - found.probabilities[8, 1]) > 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_held_tokens_say_how_long_n_grams_are(seed: int) -> None:
    """Of texts whose letters depend on none, one or two before them: what an exhaustive search finds."""
    rng = np.random.default_rng(seed)
    depends, size = seed % 3, 6
    table = rng.dirichlet([0.3] * size, (size, size))
    text = [0, 1]
    for _ in range(6000):
        before = [text[-2] if depends > 1 else 0, text[-1] if depends else 0]
        text.append(int(rng.choice(size, p=table[before[0], before[1]])))
    train, held = np.array(text[:5500]), np.array(text[5500:])
    models = [finished(fit_kneser_ney(train, size, order)) for order in range(1, 7)]
    nats = np.array([-np.log(each.probabilities(np.array(text))[5500:]).mean() for each in models])
    best = models[int(np.flatnonzero(nats <= nats.min() + 0.005)[-1])]
    found = finished(fit_kneser_ney(train, size, 6, held))
    assert len(found.orders) == len(best.orders) < 6
    np.testing.assert_array_equal(found.probabilities(held), best.probabilities(held))
    assert len(finished(fit_kneser_ney(train, size, 6)).orders) == 6
    assert nats.max() - nats.min() > 0.005  # the broken twin: another length is worse


def test_counting_ends_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    text = np.random.default_rng(0).integers(0, 50, 3000)
    text = np.concatenate([text, text[:500]])  # the longest n-grams know it all
    monkeypatch.setattr("genstudio.evaluation.ngram._MOST", 10**6)
    assert len(finished(fit_kneser_ney(text[:3000], 50, 8, text[3000:])).orders) == 8
    monkeypatch.setattr("genstudio.evaluation.ngram._MOST", 4000)
    assert len(finished(fit_kneser_ney(text[:3000], 50, 8, text[3000:])).orders) == 3
    assert len(finished(fit_kneser_ney(text[:3000], 50, 8)).orders) == 8  # a length that is given is kept
