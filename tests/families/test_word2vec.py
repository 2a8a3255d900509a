"""Word vectors: what a window holds, what negatives are drawn from, gradients, what they converge to, and what they say."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from genstudio.data import shelf
from genstudio.data.datasets import TextDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.tokenizers import WordTokenizer
from genstudio.data.work import finished
from genstudio.errors import DataError
from genstudio.evaluation import analogies
from genstudio.events import Diagnosis, Series
from genstudio.families.word2vec import batches
from genstudio.families.word2vec.config import Word2VecConfig
from genstudio.families.word2vec.data import Stretch, WordData, from_metadata, metadata, prepare
from genstudio.families.word2vec.doctor import doctor
from genstudio.families.word2vec.learner import Word2VecLearner
from genstudio.families.word2vec.model import Word2VecModel, told_apart, unigram_negative_sampling
from genstudio.training.learner import Tick
from helpers import words


def text_dataset(tmp_path: Any, text: str) -> TextDataset:
    return TextDataset(DatasetInfo("mine", "Mine", "text", "imported", tmp_path, len(text), "0" * 64), text)


def prepared(text: str, tmp_path: Any, **values: Any) -> tuple[Word2VecConfig, WordData]:
    config = Word2VecConfig.parse({"min_count": 1, "subsampling": 1.0, **values})
    return config, finished(prepare(config, text_dataset(tmp_path, text)))


def learner_of(config: Word2VecConfig, data: WordData, seed: int = 0) -> Word2VecLearner:
    return Word2VecLearner(Word2VecModel(config, data, "cpu", seed), seed)


def train(learner: Word2VecLearner, steps: int) -> None:
    for step in range(1, steps + 1):
        learner.training_step(learner.batch(step), step, step / steps)


@pytest.fixture(scope="module")
def planted() -> TextDataset:
    found = shelf.open_dataset(shelf.find_dataset("analogies"))
    assert isinstance(found, TextDataset)
    return found


@pytest.fixture(scope="module")
def trained(planted: TextDataset) -> Word2VecLearner:
    config = Word2VecConfig()
    learner = learner_of(config, finished(prepare(config, planted)))
    train(learner, 300)
    return learner


TEXT = "The king sat.\nThe queen sat, too!\nA king and a queen.\n" * 40


def test_words_are_counted_whatever_stands_before_them_and_signs_and_line_ends_are_none(tmp_path: Any) -> None:
    _, data = prepared(TEXT, tmp_path, vocabulary=50)
    counted = {data.tokenizer.decode([n]): int(c) for n, c in enumerate(data.counts) if c}
    assert set(counted) == {"the", "king", "sat", "queen", "too", "a", "and"}
    assert counted["a"] == counted["king"] == counted["the"]  # 'A' and ' a' are one word, 'king' follows a space and 'The'
    _, signs = prepared(TEXT, tmp_path, vocabulary=50, signs=True, lower_case=False)
    assert {"The", ".", ",", "!"} <= {signs.tokenizer.decode([n]) for n in np.flatnonzero(signs.counts)}


def test_the_most_frequent_words_are_taken_and_others_skipped(tmp_path: Any) -> None:
    text = ("often " * 30 + "seldom " * 5 + "once\n") * 20
    _, few = prepared(text, tmp_path, vocabulary=8, min_count=50)
    assert {few.tokenizer.decode([n]) for n in np.flatnonzero(few.counts)} == {"often", "seldom"}


def test_a_run_keeps_its_words_counts_and_questions(planted: TextDataset) -> None:
    data = finished(prepare(Word2VecConfig(), planted))
    back = from_metadata(metadata(data))
    assert back.tokenizer == data.tokenizer and np.array_equal(back.counts, data.counts) and back.questions == data.questions
    for wrong in ({"counts": [1], "questions": []}, {"counts": data.counts.tolist(), "questions": [["a"]]}, None):
        with pytest.raises(DataError):
            from_metadata({**metadata(data), "words.json": wrong})


def test_a_window_reaches_as_far_as_it_says_and_stays_in_its_line() -> None:
    stretch = Stretch(np.arange(8), np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int32))
    found = batches.windows(stretch, np.array([0, 2, 4, 7]), np.array([2, 1, 3, 2]), 3)
    near = [sorted(row[row >= 0].tolist()) for row in found.near]
    assert near == [[1, 2], [1, 3], [5, 6, 7], [5, 6]] and found.centres.tolist() == [0, 2, 4, 7]
    row, word = found.pairs
    assert list(zip(found.centres[row].tolist(), word.tolist(), strict=True)) == [
        (0, 1), (0, 2), (2, 1), (2, 3), (4, 5), (4, 6), (4, 7), (7, 5), (7, 6),
    ]  # fmt: skip


def test_near_words_are_counted_the_more_often_the_nearer_they_are() -> None:
    """With a distance drawn from 1 to w, a word at distance d is in the window with probability (w - d + 1) / w."""
    config, data = Word2VecConfig(window=4, batch=16_384, subsampling=1.0), synthetic(401)
    data = dataclasses.replace(data, train=Stretch(np.arange(400), np.zeros(400, np.int32)))
    found = batches.draw(config, data, 3, 1)
    row, near = found.pairs
    apart = np.array([abs(c - w) for c, w in zip(found.centres[row], near, strict=True)])
    counts = np.bincount(apart, minlength=5)[1:]
    assert np.allclose(counts / counts[0], [1, 0.75, 0.5, 0.25], atol=0.03)


@pytest.mark.parametrize("threshold", [1.0, 0.01, 0.001])
def test_subsampling_keeps_each_word_as_often_as_the_formula_says(threshold: float) -> None:
    counts = np.array([100_000, 10_000, 1_000, 10])
    ids = np.repeat(np.arange(4), counts)
    keep = batches.keep_shares(counts, threshold)
    kept = batches.subsampled(Stretch(ids, np.zeros(len(ids), np.int32)), keep, np.random.default_rng(0))
    wanted = np.minimum(1, np.sqrt(threshold / (counts / counts.sum())))
    left = np.bincount(kept.ids, minlength=4)
    assert (np.abs(left - counts * wanted) <= 4 * np.sqrt(counts * wanted * (1 - wanted)) + 1e-9).all()


def departure(drawn: np.ndarray, counts: np.ndarray, power: float = 0.75) -> float:
    """Chi-squared of draws against unigram^power, as deviations from its mean: near standard normal for many words."""
    wanted = counts**power / (counts**power).sum() * drawn.size
    squared = ((np.bincount(drawn.ravel(), minlength=len(counts)) - wanted) ** 2 / wanted).sum()
    return float((squared - (len(counts) - 1)) / np.sqrt(2 * (len(counts) - 1)))


def test_negatives_are_drawn_from_the_unigram_to_the_power_of_three_quarters(planted: TextDataset) -> None:
    """Chi-squared over 400,000 draws; negatives drawn uniformly, or as frequent as in the text, are caught."""
    data = finished(prepare(Word2VecConfig(), planted))
    known = data.counts[data.counts > 0]

    def drawn(share: np.ndarray) -> np.ndarray:
        return batches.draw_noise(share, np.random.default_rng(1), (1000, 400))

    assert abs(departure(drawn(batches.noise(known, 0.75)), known)) < 4
    for wrong in (batches.noise(known, 0.0), batches.noise(known, 1.0)):
        assert departure(drawn(wrong), known) > 100
    assert batches.noise(data.counts, 0.0)[data.counts == 0].sum() == 0  # what does not occur is never drawn


def test_what_a_step_is_told_from_follows_the_noise_distribution(planted: TextDataset) -> None:
    """The draws that training uses, over many steps; and those of a model whose negatives are drawn uniformly."""
    config = Word2VecConfig(batch=8)
    learner = learner_of(config, finished(prepare(config, planted)))
    counts = learner.model.data.counts
    known = np.flatnonzero(counts)

    def from_the_formula() -> float:
        drawn = np.concatenate([learner.batch(step)[3].numpy() for step in range(1, 101)])
        return departure(np.searchsorted(known, drawn), counts[known])

    assert abs(from_the_formula()) < 4
    learner.model.noise = batches.noise(counts, 0.0)
    assert from_the_formula() > 50


def test_the_gradient_of_negative_sampling_is_that_of_finite_differences() -> None:
    torch.manual_seed(0)
    model = Word2VecModel(Word2VecConfig(dimension=5), synthetic(20), "cpu", 0)
    table = model.table.double()
    torch.nn.init.normal_(table.words)
    torch.nn.init.normal_(table.near)
    row, wanted = torch.tensor([0, 0, 1, 2]), torch.tensor([3, 7, 7, 1])
    negatives = torch.tensor([0, 3, 3, 9, 11])

    def skip_gram(words: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(Loss(table), {"table.words": words, "table.near": near}, (
            torch.tensor([2, 5, 2]), row, wanted, negatives))  # fmt: skip

    def cbow(words: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
        inputs = torch.tensor([[1, 2, -1], [4, -1, -1], [2, 2, 6]])
        return torch.func.functional_call(Loss(table), {"table.words": words, "table.near": near}, (
            inputs, torch.arange(3), wanted[:3], negatives))  # fmt: skip

    for loss in (skip_gram, cbow):
        assert torch.autograd.gradcheck(loss, (table.words, table.near), eps=1e-6, atol=1e-6)


class Loss(torch.nn.Module):
    def __init__(self, table: Any) -> None:
        super().__init__()
        self.table = table

    def forward(self, inputs: Any, row: Any, wanted: Any, negatives: Any) -> Any:
        vectors = self.table.words[inputs] if inputs.ndim == 1 else self.table.mean_near(inputs)
        return self.table.negative_sampling(vectors, row, wanted, negatives, 5)


def synthetic(size: int, counts: np.ndarray | None = None) -> WordData:
    """Data without content of so many words."""
    counts = np.ones(size, np.int64) if counts is None else counts
    nothing = Stretch(np.empty(0, np.int32), np.empty(0, np.int32))
    tokenizer = WordTokenizer(tuple(f"w{n}" for n in range(size - 1)))
    return WordData(tokenizer, counts, nothing, nothing, (), "", "")


def test_the_loss_is_the_formula_of_the_paper() -> None:
    """-log sigma(u.v) - k mean log sigma(-u.v'), written out; and softmax cross-entropy equals torch's."""
    model = Word2VecModel(Word2VecConfig(dimension=4, objective="softmax"), synthetic(10), "cpu", 0)
    torch.nn.init.normal_(model.table.near)
    v, wanted, negatives = torch.randn(3, 4), torch.tensor([1, 2, 3]), torch.tensor([4, 5])
    u, row = model.table.near.detach(), torch.arange(3)
    pushed = torch.stack([torch.sigmoid(-(v @ u[n])).log() for n in negatives.tolist()], 1).mean(1)
    by_hand = -torch.sigmoid((v * u[wanted]).sum(1)).log() - 5 * pushed
    assert torch.allclose(model.table.negative_sampling(v, row, wanted, negatives, 5), by_hand.sum(), rtol=1e-5)
    entropy = torch.nn.functional.cross_entropy(v @ u.T, wanted, reduction="none")
    assert torch.allclose(model.predict(v, row, wanted), entropy, rtol=1e-5)


def test_the_baseline_is_the_best_that_frequencies_alone_can_do() -> None:
    """Scores that depend on the answer alone, descended to their optimum, cost what the closed form says."""
    rng = np.random.default_rng(0)
    p, q = (torch.from_numpy(rng.dirichlet(np.ones(12))) for _ in range(2))
    scores = torch.zeros(12, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([scores], max_iter=200, tolerance_grad=1e-12)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = (p * torch.nn.functional.softplus(-scores)).sum() + 5 * (q * torch.nn.functional.softplus(scores)).sum()
        value.backward()
        return value

    optimizer.step(loss)
    assert float(loss().detach()) == pytest.approx(float((p * unigram_negative_sampling(p, q, 5)).sum()), abs=1e-7)


def test_the_expected_loss_is_the_mean_over_drawn_negatives(trained: Word2VecLearner) -> None:
    model = trained.model
    vectors, row = model.table.words.detach()[10:12], torch.tensor([0])
    share, rng = torch.from_numpy(model.noise).float(), np.random.default_rng(0)
    drawn = torch.from_numpy(batches.draw_noise(model.noise, rng, (200_000,)))
    wanted = torch.tensor([5])
    sampled = model.table.negative_sampling(vectors[:1], row, wanted, drawn, 5)
    exact = model.table.expected_negative_sampling(vectors[:1], share, 5)
    exact = exact + torch.nn.functional.softplus(-model.table.true_scores(vectors, row, wanted))
    assert float(sampled.detach()) == pytest.approx(float(exact.detach()), rel=0.01)


def right(learner: Word2VecLearner) -> float:
    return float(list(learner.model.evaluate())[-1].values["analogy_accuracy"])


def test_planted_analogies_come_out_right_and_the_loss_beats_word_frequencies(trained: Word2VecLearner) -> None:
    scores = list(trained.model.evaluate(exact=True))[-1].result
    assert scores["analogy_accuracy"] >= 0.99 and scores["questions"] == 540
    assert scores["loss_nats"] < scores["baseline_nats"] - 0.5
    assert scores["told_apart"] > scores["baseline_told_apart"] + 0.1


@pytest.mark.parametrize("broken", ["window of one", "shuffled text"])
def test_analogies_of_a_broken_twin_do_not_come_out(planted: TextDataset, broken: str) -> None:
    config = Word2VecConfig(window=1, subsampling=1.0) if broken == "window of one" else Word2VecConfig()
    data = finished(prepare(config, planted))
    if broken == "shuffled text":
        order = np.random.default_rng(0).permutation(len(data.train))
        data = dataclasses.replace(data, train=Stretch(data.train.ids[order], data.train.lines))
    learner = learner_of(config, data)
    train(learner, 150)
    assert right(learner) < 0.3


def test_the_answer_is_never_one_of_the_words_of_the_question() -> None:
    """Vectors for which king - man + woman is nearest to king itself: 3CosAdd leaves out all three."""
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [0.01, 1.0], [0.9, 0.4]])
    names = ("king", "man", "woman", "queen")
    assert analogies.accuracy(names, vectors, [("king", "man", "woman", "queen")]) == (1.0, 1)
    found, asked = analogies.accuracy(names, vectors, [("king", "man", "lady", "queen")])
    assert np.isnan(found) and asked == 0


def test_previews_show_the_map_and_the_neighbours_of_the_word_asked_for(trained: Word2VecLearner) -> None:
    trained.watch({"word": "Queen"})
    shown, near = (one for one in trained.preview() if not isinstance(one, Tick))
    assert len(shown.names) == len(shown.points) == 267 and shown.names[0] == "the"  # type: ignore[union-attr]
    assert near.unit == "cosine to 'queen'" and "king" in near.names  # type: ignore[union-attr]
    trained.watch({"word": "quen"})
    *_, near = (one for one in trained.preview() if not isinstance(one, Tick))
    assert near.names == () and "'quen' is not among the 267 words" in near.unit  # type: ignore[union-attr]


def test_texts_that_teach_nothing_are_refused_in_a_sentence(tmp_path: Any) -> None:
    for text in ("", "word " * 1000, words(4), "one\ntwo\n" * 500):
        with pytest.raises(DataError) as error:
            finished(prepare(Word2VecConfig(), text_dataset(tmp_path, text)))
        assert error.value.hint


def steps(learner: Word2VecLearner, count: int) -> Iterator[dict[str, float]]:
    for step in range(1, count + 1):
        yield {name: float(value) for name, value in learner.training_step(learner.batch(step), step, 0.0).items()}


def test_a_batch_without_any_neighbour_changes_nothing_and_is_finite(tmp_path: Any) -> None:
    config, data = prepared("one two\n" + "one\ntwo\n" * 200, tmp_path, batch=2)
    learner = learner_of(config, data)
    assert all(np.isfinite(list(found.values())).all() for found in steps(learner, 20))


FALLING = lambda at: 1.7 + 2.4 * np.exp(-at / 100)  # noqa: E731 - a curve
HEALTHY: dict[str, Any] = {"train_loss": FALLING, "val_loss": FALLING, "baseline_loss": 2.7, "analogy_accuracy": 0.95}
ILL: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("diverged", {"train_loss": lambda at: np.where(at < 700, FALLING(at), 4.0)}, {}),
    ("plateau", {"val_loss": 2.69}, {}),
    ("overfitting", {"val_loss": lambda at: np.where(at < 500, FALLING(at), FALLING(500) + (at - 500) / 800)}, {}),
    ("thinned", {}, {"subsampling": 1e-6}),
    ("too_narrow", {"analogy_accuracy": 0.1}, {"window": 1}),
]


def watched(numbers: dict[str, Any], settings: dict[str, Any], steps: int = 1200) -> list[Diagnosis]:
    """What is told of a run whose numbers are these at every step, or a function of it."""
    one, told = doctor((), synthetic(400, np.arange(400) * 10)), []
    for first in range(1, steps, 50):
        at, parts = np.arange(first, first + 50), {}
        for name, value in (HEALTHY | numbers).items():
            own = at if name == "train_loss" else at[-1:]
            parts[name] = Series(own.copy(), own * 0.0 + (value(own) if callable(value) else value))
        told += one.see(parts, (), Word2VecConfig().model_dump() | settings)
    return [found for found in told if found.until is None]


@pytest.mark.parametrize(("name", "numbers", "settings"), ILL)
def test_each_illness_is_told_in_words_with_something_to_try(
    name: str, numbers: dict[str, Any], settings: dict[str, Any]
) -> None:
    (one,) = watched(numbers, settings)
    assert one.name == name and one.sentence.endswith(".") and one.rule.endswith(".") and one.evidence and one.advice
    for advice in one.advice:
        Word2VecConfig.parse(Word2VecConfig().model_dump() | dict(advice.values))


def test_a_healthy_run_and_one_with_a_wide_window_are_told_nothing() -> None:
    assert watched({}, {}) == [] and watched({"analogy_accuracy": 0.1}, {"window": 5}) == []


def test_a_word_is_told_from_random_ones_as_often_as_it_scores_higher() -> None:
    scores = torch.tensor([[0.0, 1.0, 2.0], [0.0, 0.0, 0.0], [3.0, 1.0, 2.0]])
    found = told_apart(scores, torch.tensor([1, 2, 0]), torch.tensor([0.5, 0.3, 0.2]))
    assert found.tolist() == pytest.approx([0.5 + 0.15, 0.5, 0.5 + 0.25])
