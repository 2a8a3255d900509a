"""BERT: what is hidden, what is predicted, and that it is never better than the best possible."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from masked_chain import brute_force

from genstudio.data import shelf
from genstudio.data.generators.markov import transitions
from genstudio.data.learnable.tokens import TextData
from genstudio.data.tokenizers import CharTokenizer
from genstudio.data.tokenizers.special import SpecialTokenizer
from genstudio.data.tokenizers.words import WordTokenizer
from genstudio.data.work import finished
from genstudio.errors import DataError
from genstudio.evaluation.hidden_letters import best_nats
from genstudio.families.bert import FAMILY, BertConfig
from genstudio.families.bert.batches import Drawn, draw, held_out, held_out_pairs, turns
from genstudio.families.bert.data import BertData, sentence_starts
from genstudio.families.bert.exchange import ORIGINAL, exported
from genstudio.families.bert.learner import BertLearner
from genstudio.families.bert.model import BertModel
from genstudio.snapshots.filled import Filled

SMALL: dict[str, Any] = {"layers": 2, "heads": 2, "d_model": 32, "context": 24, "batch": 16, "tokenizer": "char", "warmup": 2}


@pytest.fixture(scope="module")
def data(text_data: TextData) -> BertData:
    return BertData(SpecialTokenizer(text_data.tokenizer), text_data.train, text_data.validation)


def learner(data: BertData, seed: int = 0, **values: Any) -> BertLearner:
    return BertLearner(BertModel(BertConfig.parse({**SMALL, **values}), data, "cpu", seed), seed)


def train(one: BertLearner, steps: int) -> list[float]:
    return [float(one.training_step(one.batch(s), s, s / steps)["train_loss"]) for s in range(1, steps + 1)]


def test_shares_of_masked_random_and_kept_tokens(data: BertData) -> None:
    config = BertConfig.parse({**SMALL, "batch": 400, "mask_share": 0.3})
    inputs, targets, chosen, _ = draw(config, data, 0, 1)
    assert (chosen.sum(-1) == round(0.3 * 23)).all() and not chosen[..., 0].any()
    assert (inputs[~chosen] == targets[~chosen]).all() and (targets[..., 0] == data.tokenizer.begin).all()
    masked = (inputs[chosen] == data.tokenizer.mask).mean()
    kept = (inputs[chosen] == targets[chosen]).mean()
    assert masked == pytest.approx(0.8, abs=0.02) and kept == pytest.approx(0.1 + 0.1 / data.tokenizer.base.size, abs=0.02)
    places = chosen.reshape(-1, 24).mean(0)[1:]
    assert places.min() > 0.2 and places.max() < 0.4


def test_masks_are_drawn_anew_only_where_they_are_dynamic(data: BertData) -> None:
    for dynamic in (True, False):
        config = BertConfig.parse({**SMALL, "dynamic": dynamic, "batch": 64})
        seen: dict[bytes, set[bytes]] = {}
        for step in range(1, 13):
            drawn = draw(config, data, 0, step)
            for piece, chosen in zip(drawn.targets[0], drawn.chosen[0], strict=True):
                seen.setdefault(piece.tobytes(), set()).add(chosen.tobytes())
        repeated = [len(masks) for masks in seen.values()]
        assert (max(repeated) > 1) == dynamic or (dynamic and len(seen) > 700)
        assert dynamic or len(seen) <= math.ceil(len(data.train) / 23)


def test_second_sentences_follow_the_first_in_half_of_the_pairs(data: BertData) -> None:
    config = BertConfig.parse({**SMALL, "nsp": True, "batch": 200})
    _, targets, chosen, follows = draw(config, data, 0, 1)
    assert follows is not None and 0.3 < follows.mean() < 0.7
    tokenizer, text = data.tokenizer, data.train.astype(np.int64)
    known = {bytes(text[at : at + 21].astype(np.uint8)) for at in range(len(text) - 20)}
    for piece, follow in zip(targets[0], follows[0], strict=True):
        (middle, last) = np.flatnonzero(piece == tokenizer.separator)
        assert last == 23 and piece[0] == tokenizer.begin
        joined = np.concatenate([piece[1:middle], piece[middle + 1 : -1]])
        assert (bytes(joined.astype(np.uint8)) in known) == bool(follow) or not follow
    assert not chosen[targets >= tokenizer.base.size].any()
    starts = sentence_starts(tokenizer, data.train)
    assert (text[starts[1:] - 1] == tokenizer.base.encode("\n")[0]).all()


def test_an_evaluation_hides_every_token_once(data: BertData) -> None:
    config = BertConfig.parse({**SMALL, "mask_share": 0.17})
    windows = np.arange(3)
    every = [held_out(data, config, windows, turn) for turn in range(turns(config, len(data.validation)))]
    counts = np.sum([one.chosen for one in every], 0)
    assert (counts[:, 1:] == 1).all() and not counts[:, 0].any()
    assert all((one.inputs[one.chosen] == data.tokenizer.mask).all() for one in every)
    assert np.array_equal(held_out(data, config, windows, 0).chosen, every[0].chosen)


def test_unknown_words_are_never_asked_for() -> None:
    tokenizer = SpecialTokenizer(WordTokenizer(("the", " cat")))
    ids = np.array([1, 2, 0, 0] * 40, np.uint16)
    drawn = draw(BertConfig.parse({**SMALL, "context": 9}), BertData(tokenizer, ids, ids), 0, 1)
    assert drawn.chosen.any() and not (drawn.targets[drawn.chosen] == 0).any()


def test_gaps_stand_for_the_space_before_a_word() -> None:
    tokenizer = SpecialTokenizer(WordTokenizer(("to", " be", " or", ",")))
    ids = tokenizer.encode("to [MASK] or")
    assert tokenizer.pieces(ids) == ("to", "[MASK]", "␣or") and tokenizer.decode(ids) == "to [MASK] or"
    assert tokenizer.encode("to[MASK],").tolist() == [1, tokenizer.mask, 4]
    assert tokenizer.encode_lossy("to ?[MASK]")[1] == (2, 3) or tokenizer.unknown == 0


def test_forward_backward_is_the_sum_over_all_fillings() -> None:
    letters = np.frombuffer(shelf.open_text(shelf.find_dataset("known-entropy")).text[:70].encode(), np.uint8) - ord("a")
    rng = np.random.default_rng(0)
    rows = letters.reshape(7, 10).astype(np.int64)
    hidden = rng.random(rows.shape) < 0.35
    hidden[:, 4] = True
    expected = np.concatenate([brute_force(row, gaps) for row, gaps in zip(rows, hidden, strict=True)])
    np.testing.assert_allclose(best_nats(transitions(), rows, hidden), expected, atol=1e-12)


@pytest.fixture(scope="module")
def chain() -> BertData:
    config = BertConfig.parse({**SMALL, "tokenizer": "char"})
    return finished(FAMILY.prepare(config, shelf.open_dataset(shelf.find_dataset("known-entropy"))))  # type: ignore[no-any-return]


def above(one: BertLearner, chain: BertData, leak: bool = False) -> tuple[float, float]:
    """By how many nats a model lies above the optimum on hidden letters, and the standard error of that."""
    windows = np.arange(0, len(chain.validation) // 23, 40)
    drawn = held_out(chain, one.config, windows, 0)
    given = Drawn(drawn.targets, drawn.targets, drawn.chosen) if leak else drawn
    nats, _ = one.model._score(given)
    more = nats - best_nats(transitions(), drawn.targets[:, 1:], drawn.chosen[:, 1:])
    return float(more.mean()), float(more.std() / math.sqrt(len(more)))


def test_hidden_letters_are_never_known_better_than_possible_and_a_leak_is_caught(chain: BertData) -> None:
    honest = learner(chain, masked=1.0, random=0.0)
    losses = train(honest, 40)
    excess, error = above(honest, chain)
    assert excess > 3 * error and losses[-1] < losses[0] - 0.1
    leaking = learner(chain, masked=0.0, random=0.0)  # the twin: what must be named stands in the input
    train(leaking, 40)
    excess, error = above(leaking, chain, leak=True)
    assert excess < -3 * error


@pytest.mark.parametrize("shift", [0, 1], ids=["right", "shifted"])
def test_a_gap_is_filled_with_what_stood_there_and_not_with_what_follows(shift: int) -> None:
    ids = np.tile(np.arange(8, dtype=np.uint16), 200)
    one = learner(BertData(SpecialTokenizer(CharTokenizer("abcdefgh")), ids, ids[:240]))
    for step in range(1, 61):
        inputs, targets, chosen, follows = one.batch(step)
        one.training_step((inputs, targets.roll(-shift, -1), chosen, follows), step, step / 60)
    *_, scored = one.model.evaluate(exact=True)
    assert (scored.result["masked_accuracy"] > 0.9) == (not shift)


def test_it_is_the_bert_of_transformers_with_the_same_weights(
    data: BertData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transformers = pytest.importorskip("transformers")
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)  # a progress bar would leave a thread behind
    one = learner(data, **ORIGINAL, heads=4, optimizer="adamw", learning_rate=1e-3)
    train(one, 3)
    for name, content in exported(one.model, "hf", 3).items():
        (tmp_path / name).write_bytes(content)
    theirs = transformers.BertForMaskedLM.from_pretrained(tmp_path).eval()
    ids = one.batch(9)[0][0]
    with torch.no_grad():
        one.model.transformer.eval()
        torch.testing.assert_close(one.model.transformer(ids), theirs(ids).logits, atol=1e-4, rtol=1e-4)
        exact = one.model.transformer.double()(ids)
        torch.testing.assert_close(exact, theirs.double()(ids).logits, atol=1e-9, rtol=1e-9)
    read = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert read("abc[MASK]d")["input_ids"] == [data.tokenizer.begin, *data.tokenizer.encode("abc[MASK]d").tolist()]


def test_the_hf_layout_is_refused_for_another_architecture(data: BertData) -> None:
    with pytest.raises(DataError, match=r"norm_place .*'original'"):
        exported(learner(data).model, "hf", 0)
    files = exported(learner(data).model, "safetensors", 0)
    assert json.loads(files["config.json"])["family"] == "bert"


def test_padding_is_not_attended_to(data: BertData) -> None:
    stack = learner(data, nsp=True).model.transformer.eval()
    ids = torch.randint(0, 10, (1, 9))
    padded = torch.cat([ids, torch.full((1, 5), data.tokenizer.pad)], 1)
    with torch.no_grad():
        torch.testing.assert_close(stack.read(padded)[:, :9], stack.read(ids), atol=1e-5, rtol=1e-5)
        unmasked = stack.hidden(padded)[:, :9]
    assert (unmasked - stack.read(ids)).abs().max() > 1e-3


def test_layers_are_looked_at_for_the_end_of_a_text_that_is_too_long(data: BertData) -> None:
    model = learner(data).model
    most = model.transformer.context
    ids = np.arange(most + 1) % 10
    found, end = (finished(model.layers(some)) for some in (ids, ids[1:]))
    assert len(ids) > most and (found.activations.counts == end.activations.counts).all()


@pytest.mark.parametrize("norm_place", ["pre", "post"])
def test_what_is_computed_of_chosen_positions_alone_is_the_same(data: BertData, norm_place: str) -> None:
    stack = learner(data, norm_place=norm_place).model.transformer.eval()
    ids, chosen = torch.randint(0, 10, (3, 9)), torch.rand(3, 9) < 0.3
    ids[0, 6:] = data.tokenizer.pad
    with torch.no_grad():
        torch.testing.assert_close(stack.read(ids, chosen), stack.read(ids)[chosen], atol=1e-6, rtol=1e-6)


def test_a_preview_fills_the_gaps_of_a_text(data: BertData) -> None:
    one = learner(data)
    train(one, 2)
    one.watch({"text": "abc[MASK]de[MASK]"})
    shown = next(iter(one.preview()))
    assert isinstance(shown, Filled) and shown.tokens == ("[CLS]", "a", "b", "c", "[MASK]", "d", "e", "[MASK]")
    assert [gap.position for gap in shown.gaps] == [4, 7] and all(len(gap.ids) == 10 for gap in shown.gaps)
    assert all(gap.probabilities.sum() <= 1 + 1e-5 and (np.diff(gap.probabilities) <= 0).all() for gap in shown.gaps)
    assert shown.best[4] == shown.gaps[0].pieces[0]


def test_next_sentences_are_measured_on_pairs_that_stay_the_same(data: BertData) -> None:
    one = learner(data, nsp=True)
    first = held_out_pairs(data, one.config, 40)
    assert np.array_equal(first.targets, held_out_pairs(data, one.config, 40).targets)
    *_, scored = one.model.evaluate()
    assert 0 <= scored.result["next_sentence_accuracy"] <= 1
    assert scored.result["unigram_accuracy"] > 0 and scored.result["masked_loss_nats"] == scored.values["val_loss"]
