"""Training of a GPT: reproducible batches, honest evaluation, safe updates, previews without traces."""

import copy
import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from genstudio.data.learnable.tokens import TextData
from genstudio.data.shelf import find_dataset
from genstudio.data.tokenizers import WordTokenizer
from genstudio.errors import DataError, DeviceError
from genstudio.families import gpt
from genstudio.families.gpt import presets
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.learner import GPTLearner
from genstudio.families.gpt.model import GPTModel, windows
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.layers import LayerStatistics
from genstudio.snapshots.text import Text
from genstudio.training.learner import Scored, Tick

SMALL = {"layers": 2, "heads": 2, "d_model": 16, "context": 16, "batch": 4, "warmup": 2}


def learner(data: TextData, seed: int = 0, **values: Any) -> GPTLearner:
    return GPTLearner(GPTModel(GPTConfig.parse({**SMALL, **values}), data, "cpu", seed), seed)


def train(trained: GPTLearner, first: int, last: int) -> list[float]:
    results = (trained.training_step(trained.batch(s), s, s / 100) for s in range(first, last + 1))
    return [float(result["train_loss"]) for result in results]


def weights(of: GPTLearner) -> dict[str, torch.Tensor]:
    return copy.deepcopy(of.transformer.state_dict())


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def last(scored: Iterator[Scored]) -> Scored:
    *_, result = scored
    return result


def test_a_batch_depends_on_seed_and_step_alone(text_data: TextData) -> None:
    one, other = learner(text_data, accumulation=3), learner(text_data, accumulation=3)
    x, y = one.batch(7)
    train(other, 1, 2)
    torch.manual_seed(99)
    assert torch.equal(x, other.batch(7)[0]) and torch.equal(y, other.batch(7)[1])
    assert x.shape == y.shape == (3, 4, 16) and torch.equal(x[..., 1:], y[..., :-1])
    assert not torch.equal(x, one.batch(8)[0]) and not torch.equal(x, learner(text_data, 1, accumulation=3).batch(7)[0])
    text = bytes(text_data.train.astype(np.uint8))
    assert all(bytes(piece.to(torch.uint8).tolist()) in text for piece in x.flatten(0, 1))


def test_batches_reach_the_whole_training_text(text_data: TextData) -> None:
    short = replace(text_data, train=text_data.train[:20])
    small = learner(short, batch=64)
    starts = {tuple(piece.tolist()) for piece in small.batch(1)[0][0]}
    assert len(starts) == 4


def test_training_learns_and_repeats_itself_bitwise(text_data: TextData) -> None:
    for optimizer in ("muon", "adamw"):
        one, other = (learner(text_data, optimizer=optimizer, learning_rate=5e-3) for _ in range(2))
        losses = train(one, 1, 60)
        assert losses[0] == pytest.approx(math.log(text_data.tokenizer.size), rel=1e-5)
        assert np.mean(losses[-5:]) < 0.85 * losses[0]
        train(other, 1, 20)
        list(other.preview())
        list(other.model.evaluate())
        assert train(other, 21, 60) == losses[20:]
        assert same(weights(one), weights(other))


def test_seeds_differ_and_building_leaves_torchs_generator_alone(text_data: TextData) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one = learner(text_data, 1)
    assert torch.equal(torch.rand(3), expected)
    assert not same(weights(one), weights(learner(text_data, 2)))


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_accumulated_batches_are_one_large_batch(text_data: TextData, optimizer: str) -> None:
    split = learner(text_data, accumulation=3, batch=4, optimizer=optimizer)
    whole = learner(text_data, accumulation=1, batch=12, optimizer=optimizer)
    for trained in (split, whole):
        trained.transformer.double()
        torch.nn.init.normal_(trained.transformer.head.weight, generator=torch.Generator().manual_seed(0))
    for step in (1, 2, 3):
        x, y = split.batch(step)
        split.training_step((x, y), step, 0.0)
        whole.training_step((x.flatten(0, 1)[None], y.flatten(0, 1)[None]), step, 0.0)
    for a, b in zip(split.transformer.parameters(), whole.transformer.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-12, rtol=0)


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_changes_nothing(text_data: TextData, optimizer: str, bad: float) -> None:
    trained = learner(text_data, optimizer=optimizer, weight_decay=0.1)
    train(trained, 1, 3)
    before = weights(trained)
    moments = copy.deepcopy([o.state_dict()["state"] for o in trained.optimizers.values()])
    handle = trained.transformer.blocks[0].feed_forward.up.weight.register_hook(lambda g: g * bad)
    result = trained.training_step(trained.batch(4), 4, 0.03)
    handle.remove()
    assert not math.isfinite(result["gradient_norm"])
    assert same(before, weights(trained))
    for old, new in zip(moments, (o.state_dict()["state"] for o in trained.optimizers.values()), strict=True):
        for key, held in old.items():
            assert all(torch.equal(torch.as_tensor(v), torch.as_tensor(new[key][name])) for name, v in held.items())
    trained.training_step(trained.batch(5), 5, 0.04)
    assert not same(before, weights(trained)) and all(torch.isfinite(p).all() for p in trained.transformer.parameters())


def naive(of: GPTLearner) -> tuple[float, int]:
    """Every validation token but the first, one window and one token at a time."""
    ids = torch.from_numpy(of.model.data.validation.astype(np.int64))
    T, nats = of.model.context, 0.0
    half = max(1, T // 2)
    ends = [*range(T, len(ids) - 1, half), len(ids) - 1]
    reached = 0
    for end in ends:
        start = max(0, end - T)
        with torch.no_grad():
            logp = F.log_softmax(of.transformer(ids[None, start:end]).double(), -1)[0]
        for target in range(reached + 1, end + 1):
            nats -= logp[target - 1 - start, ids[target]].item()
        reached = end
    return nats, reached


@pytest.mark.parametrize("context", [2, 3, 16, 64, 1000])
def test_evaluation_scores_every_token_once(text_data: TextData, context: int) -> None:
    scoring = learner(text_data, context=context)
    train(scoring, 1, 3)
    result, (nats, tokens) = last(scoring.model.evaluate(exact=True)), naive(scoring)
    assert result.tokens == tokens == len(text_data.validation) - 1 == result.characters and result.done == 1
    assert result.nats == pytest.approx(nats, rel=1e-6)


def test_an_evaluation_that_skips_or_repeats_tokens_is_caught(text_data: TextData) -> None:
    scoring = learner(text_data)
    train(scoring, 1, 3)
    starts, skipped = windows(len(text_data.validation), 16)
    twin_nats, twin_tokens = scoring.model._score(starts, np.zeros_like(skipped))
    nats, tokens = naive(scoring)
    assert twin_tokens != tokens and twin_nats != pytest.approx(nats, rel=1e-3)


@pytest.mark.parametrize(
    ("tokens", "context"), list(itertools.product([2, 3, 9, 10, 11, 57, 58, 64], [2, 3, 8, 9, 60]))
)
def test_windows_cover_each_target_once_with_half_a_context_before_it(tokens: int, context: int) -> None:
    starts, skipped = windows(tokens, context)
    length = min(context, tokens - 1)
    targets = [s + 1 + i for s, skip in zip(starts, skipped, strict=True) for i in range(skip, length)]
    assert targets == list(range(1, tokens))
    before = [i + 1 for skip in skipped for i in range(skip, length)]
    assert all(seen >= min(target, context // 2) for seen, target in zip(before, targets, strict=True))
    assert starts[-1] + length == tokens - 1


def test_an_estimate_is_a_fixed_part_of_the_whole(text_data: TextData) -> None:
    scoring = learner(text_data, batch=1, context=8)
    train(scoring, 1, 3)
    estimates = [last(scoring.model.evaluate()) for _ in range(2)]
    assert estimates[0] == estimates[1]
    assert 40 <= estimates[0].tokens <= 120
    assert estimates[0].loss == pytest.approx(last(scoring.model.evaluate(exact=True)).loss, rel=0.1)


def test_evaluation_is_without_dropout_and_leaves_the_mode(text_data: TextData) -> None:
    scoring = learner(text_data, dropout=0.5)
    torch.nn.init.normal_(scoring.transformer.head.weight)
    assert scoring.transformer.training
    assert last(scoring.model.evaluate()) == last(scoring.model.evaluate())
    for _ in scoring.model.evaluate():
        assert scoring.transformer.training and torch.is_grad_enabled()
    for _ in scoring.preview():
        assert scoring.transformer.training and torch.is_grad_enabled()


def test_a_preview_shows_text_and_attention_and_leaves_no_trace(
    text_data: TextData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genstudio.families.gpt.learner._WRITE", 120)
    shown = learner(text_data, dropout=0.1)
    train(shown, 1, 2)
    shown.watch({"prompt": "abc ~", "probe": "déjà " + "abc" * 40})
    before, state = weights(shown), torch.get_rng_state()
    first, again = list(shown.preview()), list(shown.preview())
    assert same(before, weights(shown)) and torch.equal(state, torch.get_rng_state())
    text, attention, layers = (event for event in first if not isinstance(event, Tick))
    assert isinstance(text, Text) and isinstance(attention, Attention)
    assert text.channel == "sample" and text.prompt == "abc " and text.unknown == "~" and text.step == 2 and len(text.text) == 120
    assert set(text.text) <= set(text_data.tokenizer.alphabet)  # type: ignore[attr-defined]
    assert attention.weights.shape == (2, 2, 16, 16) and attention.weights.dtype == np.float32
    assert len(attention.tokens) == 16 and attention.tokens[:4] == ("d", "j", "␣", "a")
    assert isinstance(layers, LayerStatistics) and layers.step == 2
    assert [event.text for event in again if isinstance(event, Text)] == [text.text]


@pytest.mark.parametrize("values", [{"mask": False}, {"positions": "none"}, {"norm_place": "post", "tied": True}])
def test_previews_work_with_nothing_to_start_from(text_data: TextData, values: dict[str, Any]) -> None:
    shown = learner(text_data, **values)
    shown.watch({"prompt": "", "probe": "ÄÖÜ"})
    text, attention, *_ = (event for event in shown.preview() if not isinstance(event, Tick))
    assert isinstance(text, Text) and len(text.text) == 24
    assert isinstance(attention, Attention) and attention.weights.shape == (2, 2, 1, 1)


def test_what_cannot_work_says_so(text_data: TextData) -> None:
    with pytest.raises(DeviceError, match="bfloat16 needs a CUDA GPU"):
        learner(text_data, precision="bfloat16")
    empty = gpt.FAMILY.from_metadata(GPTConfig(), gpt.FAMILY.metadata(text_data))
    reopened = learner(empty)
    with pytest.raises(DataError, match="no text to train on"):
        reopened.batch(1)
    assert any(isinstance(event, Text) for event in reopened.preview())
    assert list(reopened.model.evaluate(exact=True)) == []


@pytest.mark.parametrize("preset", presets.PRESETS, ids=lambda preset: preset.name)
def test_presets_can_be_used_and_say_what_they_cost(preset: Any, text_data: TextData) -> None:
    config = GPTConfig.parse(preset.values)
    assert (preset.seconds is None) != (preset.steps is None) and len(preset.expect) > 60
    assert set(preset.values) == set(config.changes(GPTConfig())), "a preset repeats a default"
    started = GPTLearner(GPTModel(config, text_data, "cpu", 0), 0)
    assert math.isfinite(float(started.training_step(started.batch(1), 1, 0.0)["train_loss"]))


def test_the_first_preset_is_the_default_and_names_are_unique() -> None:
    assert presets.PRESETS[0].values == {} and presets.PRESETS[0].seconds == 120
    assert len({preset.name for preset in presets.PRESETS}) == len(presets.PRESETS)


def test_the_preset_follows_the_dataset_and_a_general_one_stays() -> None:
    """A list of names trained as running text never learns where a name ends; what a person chose for any text is kept."""
    names, play, chain = (find_dataset(name) for name in ("names", "shakespeare", "known-entropy"))
    assert presets.preset_for(names, "shakespeare") == presets.preset_for(names, "larger") == "names"
    assert presets.preset_for(play, "names") == presets.preset_for(play, "shakespeare") == "shakespeare"
    assert presets.preset_for(play, "larger") == presets.preset_for(chain, "larger") == "larger"
    assert presets.preset_for(chain, "names") == presets.preset_for(chain, "shakespeare") == "text"


@pytest.mark.parametrize("prompt", ["ROMEO:", "a ROMEO bed", "Äb\tc", "abc", ""])
def test_a_sample_shows_the_prompt_that_was_continued_and_what_was_left_out_of_it(text_data: TextData, prompt: str) -> None:
    one = learner(text_data)
    known = set(text_data.tokenizer.decode(np.arange(text_data.tokenizer.size)))
    one.watch({"prompt": prompt})
    shown = next(part for part in one.preview() if isinstance(part, Text))
    assert shown.prompt == "".join(character for character in prompt if character in known)
    assert shown.unknown == "".join(dict.fromkeys(character for character in prompt if character not in known))
    one.watch({"prompt": shown.prompt})
    assert next(part for part in one.preview() if isinstance(part, Text)).text == shown.text


def test_unknown_words_of_a_prompt_stay_where_a_token_stands_for_them(text_data: TextData) -> None:
    tokenizer = WordTokenizer(("a", " ", "b"))
    ids = tokenizer.encode("a b a b b a" * 20).astype(np.uint16)
    one = learner(TextData(tokenizer, ids, ids, len(ids), "words", ""))
    one.watch({"prompt": "a house b"})
    shown = next(part for part in one.preview() if isinstance(part, Text))
    assert shown.prompt == "a house b" and not shown.unknown
