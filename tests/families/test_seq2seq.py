"""Sequence to sequence: batches, the loss, what is written and what is measured, against plain code; each with its twin."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from genstudio.cli import main
from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.errors import ConfigError
from genstudio.evaluation.translations import Record, TranslationScore
from genstudio.families.seq2seq import FAMILY
from genstudio.families.seq2seq.batches import IGNORED, draw
from genstudio.families.seq2seq.config import Seq2SeqConfig
from genstudio.families.seq2seq.doctor import doctor
from genstudio.families.seq2seq.learner import Seq2SeqLearner, smoothed_loss
from genstudio.families.seq2seq.model import Seq2SeqModel
from genstudio.sampling.beam import BeamSearch
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.pairs import GreedyBatch
from genstudio.sampling.reader import Reader
from genstudio.sampling.text import stream
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.translation import Translations
from genstudio.training.learner import Tick

SMALL = {"layers": 1, "heads": 2, "d_model": 16, "context": 16, "batch": 16}
ARCHITECTURES = pytest.mark.parametrize("architecture", ["transformer", "rnn-attention", "rnn"])


def learner(values: dict[str, Any] | None = None, data: str = "reverse", seed: int = 0) -> Seq2SeqLearner:
    config = Seq2SeqConfig.parse({**SMALL, **(values or {})})
    prepared = finished(FAMILY.prepare(config, shelf.open_dataset(shelf.find_dataset(data))))
    return Seq2SeqLearner(Seq2SeqModel(config, prepared, "cpu", seed), seed)


def shaken(model: Seq2SeqModel) -> Seq2SeqModel:
    """With other weights than it begins with: an untrained head gives every token the same probability."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def test_inputs_are_the_target_one_token_behind_and_padding_is_ignored() -> None:
    one = learner()
    data = one.model.data
    known = {tuple(data.train.targets[row].tolist()) for row in range(len(data.train))}
    (batch,) = draw(one.config, data, 0, 1)
    for inputs, targets in zip(batch.inputs, batch.targets, strict=True):
        real = targets != IGNORED
        assert inputs[0] == data.tokenizer.begin and targets[real][-1] == data.tokenizer.end
        assert (inputs[0], *targets[real].tolist()) in known
        assert np.array_equal(inputs[1:][real[1:]], targets[:-1][real[1:]])


def test_buckets_draw_every_pair_equally_often_and_pad_little() -> None:
    config = Seq2SeqConfig.parse(SMALL)
    data = learner().model.data
    plain = config.model_copy(update={"buckets": 1})
    lengths = data.train.sources.lengths

    def drawn(one: Seq2SeqConfig) -> tuple[np.ndarray, float]:
        batches = [draw(one, data, 0, step)[0] for step in range(1, 400)]
        every = np.concatenate([(~batch.padding).sum(1) for batch in batches])
        return np.bincount(every, minlength=12) / len(every), float(np.mean([batch.padding.mean() for batch in batches]))

    wanted = np.bincount(lengths, minlength=12) / len(lengths)
    (sorted_shares, little), (shares, much) = drawn(config), drawn(plain)
    assert np.abs(sorted_shares - wanted).max() < 0.03 and np.abs(shares - wanted).max() < 0.03
    assert little < 0.1 < much


def test_the_smoothed_loss_is_torchs_and_the_nats_are_without_it() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(3, 5, 7).double(), torch.randint(0, 7, (3, 5))
    targets[1, 3:] = IGNORED
    expected = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), label_smoothing=0.2)
    loss, nats = smoothed_loss(logits, targets, 0.2)
    assert float(loss) == pytest.approx(float(expected), abs=1e-6)
    assert float(nats) == pytest.approx(float(F.cross_entropy(logits.flatten(0, 1), targets.flatten())), abs=1e-6)
    assert float(smoothed_loss(logits, targets, 0.0)[0]) == pytest.approx(float(nats), abs=1e-6)


def overfitted(shift: int = 0) -> float:
    """The share of two pairs that come out right after some steps on them; the twin shifts the labels."""
    one = learner({"d_model": 32, "learning_rate": 1e-2})
    (batch,) = one.batch(1)
    source, padding, inputs, targets = (part[:2] for part in batch)
    wanted = targets.roll(shift, 1)
    for step in range(1, 41):
        one.training_step([(source, padding, inputs, wanted)], step, 0.0)
    greedy = GreedyBatch(one.network, source.numpy(), padding.numpy(), *markers(one.model), 16)
    while not greedy.done:
        greedy.step()
    right = [[t for t in row if t != IGNORED][:-1] for row in targets.tolist()]
    return sum(a == b for a, b in zip(greedy.targets, right, strict=True)) / 2


def markers(model: Seq2SeqModel) -> tuple[int, int]:
    assert model.tokenizer.begin is not None and model.tokenizer.end is not None
    return model.tokenizer.begin, model.tokenizer.end


def test_what_is_learnt_by_heart_is_written_and_shifted_labels_are_not() -> None:
    assert overfitted() == 1.0
    assert overfitted(1) == 0.0


@ARCHITECTURES
def test_greedy_batches_beams_of_one_and_the_writer_write_the_same(architecture: str) -> None:
    """And so does a full pass for each token, without a cache."""
    model = shaken(learner({"architecture": architecture}).model)
    begin, end = markers(model)
    rows = np.arange(20)
    source, padding = model.data.held.sources.padded(rows)
    greedy = GreedyBatch(model.network, source, padding, begin, end, 12)
    while not greedy.done:
        greedy.step()
    for row in rows.tolist():
        bound = model.bind(model.data.held.sources[row])
        written = [c.id for c in stream(bound, [begin], SamplingOptions(greedy=True), 0, 12, end)]
        search = BeamSearch(1, 0.0, end)
        list(search.run(Reader(bound), [begin], 12))
        assert [i for i in written if i != end] == greedy.targets[row] == [i for i in search.way(search.best()[0]) if i != end]
        ids = [begin]
        with torch.no_grad():
            for token in written:
                assert int(bound(torch.tensor([ids]))[0, -1].argmax()) == token
                ids.append(token)


def test_beam_search_is_brute_force_where_it_keeps_every_text() -> None:
    """Four tokens, up to five of them, with an end token; the alpha of Wu et al. chooses among lengths."""
    torch.manual_seed(0)
    table = torch.randn(4, 4, 4)

    class Tiny:
        context = 12

        def __call__(self, ids: Tensor, cache: Any = None, last: bool = False) -> Tensor:
            found = torch.stack([table[row[-2] if len(row) > 1 else 0, row[-1]] for row in ids])[:, None]
            return found if last else found.expand(-1, ids.shape[1], -1)

        def new_cache(self, batch: int = 1) -> None:
            return None

    model, end = Tiny(), 3
    found: dict[tuple[int, ...], float] = {}
    for length in range(1, 6):
        for text in itertools.product(range(4), repeat=length):
            if end in text[:-1] or (text[-1] != end and length < 5):
                continue
            total, ids = 0.0, [1]
            for token in text:
                total += float(model(torch.tensor([ids]))[0, -1].log_softmax(-1)[token])
                ids.append(token)
            found[text] = total / ((5 + length) / 6) ** 0.6
    search = BeamSearch(4**5, 0.6, end)
    list(search.run(Reader(model), [1], 5))
    ours = [tuple(search.way(node)) for node in search.best()[:20]]
    assert ours == sorted(found, key=lambda text: -found[text])[:20]


@ARCHITECTURES
def test_what_it_shows_is_what_it_writes(architecture: str) -> None:
    one = learner({"architecture": architecture})
    shaken(one.model)
    one.watch({"sentence": " abc "})
    snapshots = {shown.channel: shown for shown in one.preview() if not isinstance(shown, Tick)}
    shown = snapshots["translations"]
    assert isinstance(shown, Translations) and len(shown.sentences) == 9 and shown.sentences[0].source == ("a", "b", "c")
    for sentence in shown.sentences[1:]:
        assert sentence.wanted == sentence.source[::-1]
        same = [a == b for a, b in itertools.zip_longest(sentence.made, sentence.wanted)][: len(sentence.made)]
        assert sentence.right.tolist() == same
    assert ("attention" in snapshots) == (architecture != "rnn")
    if architecture != "rnn":
        attention = snapshots["attention"]
        assert isinstance(attention, Attention) and attention.tokens == ("a", "b", "c", "</s>")[:3] + attention.tokens[3:]
        assert np.allclose(attention.weights.sum(-1), 1, atol=1e-5) and attention.sound()


@ARCHITECTURES
def test_states_and_attention_are_those_of_each_predicted_token(architecture: str) -> None:
    model = shaken(learner({"architecture": architecture}).model)
    source, target = model.data.held.sources[0], model.data.held.targets[0][1:]
    encoder, decoder = model.hidden_states(source, target)
    assert encoder.shape[0] == len(source) and decoder.shape[0] == len(target)
    bound = model.bind(source)
    with torch.no_grad():
        logits = bound(torch.tensor([[markers(model)[0], *target[:-1].tolist()]]))[0]
        head = model.network.head if architecture != "transformer" else model.network.decoder.head
        torch.testing.assert_close(head(torch.from_numpy(decoder)), logits, atol=1e-5, rtol=1e-5)
    weights = model.cross_attention(source, target)
    assert weights.shape[2:] == (len(target), len(source)) and (weights.shape[0] > 0) == (architecture != "rnn")


def test_scores_are_counted_by_hand() -> None:
    records = (
        Record(2, 1.0, 3, 3, "a b c d", "a b c d", 0.1), Record(5, 3.0, 1, 4, "x", "a b c d", 0.1),
        Record(5, 2.0, 2, 3, "a b c d", "a b c d", 0.3),
    )  # fmt: skip
    score = TranslationScore(records)
    assert score.values["val_loss"] == pytest.approx(0.6) and score.values["token_accuracy"] == pytest.approx(0.6)
    assert score.values["exact_match"] == pytest.approx(2 / 3)
    assert score.values["short_accuracy"] == 1.0 and score.values["long_accuracy"] == pytest.approx(2 / 3)
    two, five = score.result["by_length"]
    assert (two["low"], two["high"], two["count"], two["exact_match"]) == (2, 2, 1, 1.0)
    assert (five["count"], five["exact_match"], five["token_accuracy"]) == (2, 0.5, 3 / 7)
    assert five["sentences_per_second"] == pytest.approx(5) and json.dumps(score.result)
    wide = TranslationScore(tuple(Record(n, 1.0, 1, 1, "a", "a", 0.1) for n in range(3, 90)))
    rows = wide.result["by_length"]
    assert len(rows) <= 9 and rows[0]["low"] == 3 and rows[-1]["high"] == 89 and sum(row["count"] for row in rows) == 87


def test_the_loss_of_an_evaluation_is_that_of_each_pair_alone() -> None:
    model = shaken(learner({"context": 11}).model)
    result = list(model.evaluate(exact=True))[-1].result
    nats, tokens = 0.0, 0
    with torch.no_grad():
        for row in range(len(model.data.held)):
            sides = (model.data.held.sources, model.data.held.targets)
            source, target = (torch.from_numpy(side[row].astype(np.int64)) for side in sides)
            logits = model.network(source[None], None, target[None, :-1])[0]
            nats += float(F.cross_entropy(logits, target[1:], reduction="sum"))
            tokens += len(target) - 1
    assert result["loss_nats"] == pytest.approx(nats / tokens, abs=1e-5)
    assert (result["tokens"], result["pairs"]) == (tokens, len(model.data.held))


def test_teacher_forcing_gives_the_right_tokens_or_its_own() -> None:
    one = learner({"teacher_forcing": 0.5})
    shaken(one.model)
    ((source, padding, inputs, _),) = one.batch(1)
    memory = one.model.pair.encode(source, padding)
    guesses = one.model.pair.decode(inputs, memory).argmax(-1)
    torch.manual_seed(0)
    mixed = one._guessed(inputs, memory)
    assert torch.equal(mixed[:, 0], inputs[:, 0])
    own = mixed[:, 1:] == guesses[:, :-1]
    assert (own | (mixed[:, 1:] == inputs[:, 1:])).all() and 0.3 < float((mixed[:, 1:] != inputs[:, 1:]).float().mean()) < 0.6
    one.change({"teacher_forcing": 0.0})
    assert torch.equal(one._guessed(inputs, memory)[:, 1:], guesses[:, :-1])


def test_rules_of_a_transformer_are_not_those_of_cells() -> None:
    with pytest.raises(ConfigError, match="heads"):
        Seq2SeqConfig.parse({"d_model": 30, "heads": 4})
    Seq2SeqConfig.parse({"d_model": 30, "heads": 4, "architecture": "rnn"})


def test_pairs_that_are_left_out_are_said_by_the_doctor_and_the_evaluation() -> None:
    one = learner({"context": 8})
    left = one.model.data.left_out.long
    assert left > 0 and list(one.model.evaluate())[-1].result["left_out"] == left
    watch = doctor((), one.model.data)
    assert watch is not None


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seq2seq")
    sets = [f"{name}={value}" for name, value in SMALL.items()]
    command = ["train", "seq2seq", "--data", "copy", "--runs", str(folder), "--steps", "3", "--quiet", "--set", *sets]
    assert main(command) == 0
    (made,) = folder.iterdir()
    return made


def test_an_evaluation_says_everything_that_is_promised(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"loss_nats", "token_accuracy", "exact_match", "bleu", "chrf", "by_length", "pairs", "left_out"} <= found.keys()
    assert found["pairs"] == 1000 and sum(row["count"] for row in found["by_length"]) == 1000
    assert main(["evaluate", str(run)]) == 0
    out = capsys.readouterr().out
    assert "exact match" in out and "by length" in out


def test_generate_translates_a_source(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(run), "--source", "abc1"]) == 0
    once = capsys.readouterr()
    assert "not in the vocabulary: '1'" in once.err and len(once.out.splitlines()) == 1
    assert main(["generate", str(run), "--source", "abc", "--beams", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["source"] == "abc" and len(found["best"]) == 3
    assert main(["generate", str(run), "--source", "abc", "--json", "--count", "2"]) == 0
    assert len(json.loads(capsys.readouterr().out)["continuations"]) == 2


def test_generate_refuses_in_words(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, words in (
        ([], "cannot write text; it can"), (["--source", " "], "The source is empty"), (["--source", "12"], "vocabulary"),
        (["--source", "a" * 10_000], "10,000 tokens"), (["--beams", "2"], "Give the text to translate with --source"),
    ):  # fmt: skip
        assert main(["generate", str(run), *options]) == 2
        assert words in capsys.readouterr().err


def test_a_bound_model_reads_its_source_once(run: Path) -> None:
    model = learner().model
    memory = model.bind(model.encode_source("abc")[0]).blocks[0].memory
    assert memory[0].shape[2] == 4
    assert model.encode_source("a1b")[1] == (1,)


@ARCHITECTURES
def test_what_translates_is_the_moving_average_of_the_weights_in_training(architecture: str) -> None:
    one, plain = (learner({"architecture": architecture, "ema": ema}) for ema in (0.5, 0.0))
    wanted = [p.detach().clone() for p in one.model.network.parameters()]
    for step in range(1, 5):
        for each in (one, plain):
            each.training_step(each.batch(step), step, 0.0)
        share = 1 - min(0.5, (1 + step) / (10 + step))
        wanted = [old + share * (new - old) for old, new in zip(wanted, one.network.parameters(), strict=True)]
    average, trained = (list(network.parameters()) for network in (one.model.network, one.network))
    for mean, expected, newest, without in zip(average, wanted, trained, plain.model.network.parameters(), strict=True):
        torch.testing.assert_close(mean, expected, rtol=1e-5, atol=1e-6)
        assert torch.equal(newest, without), "averaging changes no training"
    assert any(not torch.allclose(mean, newest, atol=1e-4) for mean, newest in zip(average, trained, strict=True))
    assert list(one.model.modules) == ["model", "trained"] and list(plain.model.modules) == ["model"]
    (score,) = [s.result["loss_nats"] for s in one.model.evaluate() if s.records]
    with torch.no_grad():
        for weight in trained:
            weight.zero_()
    assert [s.result["loss_nats"] for s in one.model.evaluate() if s.records] == [score], "the average is measured"
    with torch.no_grad():
        for weight in average:
            weight.mul_(1.5)
    assert [s.result["loss_nats"] for s in one.model.evaluate() if s.records] != [score]
