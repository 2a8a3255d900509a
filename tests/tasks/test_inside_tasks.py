"""Tasks that look inside: every number against the model by another path."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genstudio.data.learnable.tokens import TextData
from genstudio.data.tokenizers import CharTokenizer
from genstudio.data.work import finished
from genstudio.errors import DataError, GenstudioError
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPTModel
from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.inspection.trace import trace
from genstudio.nn.attention import SelfAttention
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.text import stream
from genstudio.snapshots.attention import AblationResult, HeadMap, Heads, Induction, Lens, Saliency
from genstudio.tasks.ablate import Ablate, ProbeInduction, random_texts
from genstudio.tasks.anatomy import Dissect
from genstudio.tasks.embedding import FindNear, MapVectors
from genstudio.tasks.inside import LookAtAttention, LookAtMap, Which
from genstudio.tasks.lens import Explain, LookThroughLens
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.prompt import Prompt, Tokens
from helpers import returned, run_task

LETTERS = "\n abcdefghijklm"
REF = ModelRef("somewhere", "live")
TEXT: Prompt = ("abc de", Tokens((7, 8), "fg"), "hij abc")


def models_with(live: bool = False, double: bool = True, **values: Any) -> Models:
    """An open model with large random weights."""
    settings = {"layers": 3, "heads": 2, "d_model": 16, "context": 16, **values}
    none = np.empty(0, np.uint16)
    data = TextData(CharTokenizer.of(LETTERS), none, none, 0, "", "")
    gpt = GPTModel(GPTConfig.parse(settings), data, "cpu", 0)
    torch.manual_seed(1)
    with torch.no_grad():
        for p in gpt.transformer.parameters():
            p.add_(torch.randn_like(p) * 0.3)
    if double:
        gpt.transformer.double()
    models = Models()
    models.training[str(Path(REF.run).resolve())] = Opened(gpt, 7, "model", "gpt", live)
    return models


def model_of(models: Models) -> Any:
    return next(iter(models.training.values())).model.transformer


def shown(task: Any, models: Models) -> Any:
    return seen(task.run(models))


def seen(job: Any) -> Any:
    """What running work returns, or showed last."""
    frames, found = returned(job)
    return frames[-1].snapshots[-1] if found is None else found


def ids_of(models: Models, text: str = "abc defghij abc") -> Any:
    tokenizer = next(iter(models.training.values())).model.tokenizer
    return torch.from_numpy(tokenizer.encode(text).astype(np.int64))[-model_of(models).context :]


@pytest.mark.parametrize("mask", [True, False])
def test_thumbnails_and_maps_are_the_models_attention(mask: bool) -> None:
    models = models_with(mask=mask)
    theirs = model_of(models).attention(ids_of(models)).numpy()
    heads = shown(LookAtAttention(REF, TEXT), models)
    assert isinstance(heads, Heads) and heads.step == 7 and heads.skipped == 0 and heads.patch == 1
    assert heads.tokens == ("a", "b", "c", "␣", *"defghij", "␣", "a", "b", "c")
    np.testing.assert_allclose(heads.small, theirs, atol=5e-4)
    assert heads.causal == mask and heads.leak == 0 and heads.row_error < 1e-12
    for layer in range(3):
        for head in range(2):
            found = shown(LookAtMap(REF, TEXT, Which(layer, head), heads.looked), models)
            np.testing.assert_allclose(found.weights, theirs[layer, head], atol=5e-4)
            assert found.weights.dtype == np.float16 and found.row_error < 1e-12 and found.leak == 0
            if mask:
                assert not np.triu(found.weights, 1).any()
        mean = shown(LookAtMap(REF, TEXT, Which(layer), heads.looked), models)
        np.testing.assert_allclose(mean.weights, theirs[layer].mean(0), atol=5e-4)
    mean = shown(LookAtMap(REF, TEXT, Which(), heads.looked), models)
    np.testing.assert_allclose(mean.weights, theirs.mean((0, 1)), atol=5e-4)


def rollout_by_hand(weights: Any) -> Any:
    result = np.eye(weights.shape[-1])
    for layer in weights:
        result = (0.5 * layer.mean(0) + 0.5 * np.eye(len(result))) @ result
    return result


def test_rollout_is_the_product_of_the_layers() -> None:
    models = models_with()
    theirs = model_of(models).attention(ids_of(models)).numpy()
    found = shown(LookAtMap(REF, TEXT, Which(rollout=True)), models)
    np.testing.assert_allclose(found.weights, rollout_by_hand(theirs), atol=5e-4)
    assert np.abs(found.weights - rollout_by_hand(theirs[::-1])).max() > 0.01
    assert found.row_error < 1e-6 and found.leak == 0


def test_parts_of_a_map_are_those_of_the_whole() -> None:
    models = models_with(context=64)
    text = (("abc defghij klm " * 4),)
    whole = shown(LookAtMap(REF, text, Which(1, 1)), models).weights
    part = shown(LookAtMap(REF, text, Which(1, 1), rows=(10, 40), columns=(5, 25)), models)
    assert (part.row, part.column, part.patch) == (10, 5, 1)
    assert np.array_equal(part.weights, whole[10:40, 5:25])
    small = shown(LookAtMap(REF, text, Which(1, 1), rows=(10, 41), columns=(5, 25), side=8), models)
    assert small.patch == 4 and small.weights.shape == (8, 5)
    for r in range(8):
        for c in range(5):
            block = whole[10 + 4 * r : min(14 + 4 * r, 41), 5 + 4 * c : min(9 + 4 * c, 25)]
            assert small.weights[r, c] == block.max()
    odd = shown(LookAtMap(REF, text, Which(1, 1), rows=(900, -5), columns=(-3, 2)), models)
    assert odd.weights.size
    massed = shown(LookAtMap(REF, text, Which(1, 1), mass=0.5), models).weights
    assert (massed > 0).sum() < (whole > 0).sum() / 2 and set(massed[massed > 0]) <= set(whole[massed > 0])


def test_what_was_looked_at_stays_until_it_is_replaced() -> None:
    models = models_with(live=True)
    heads = shown(LookAtAttention(REF, TEXT), models)
    with torch.no_grad():
        model_of(models).blocks[0].attention.qkv.weight[:16].neg_()
    kept = shown(LookAtMap(REF, TEXT, Which(0, 0), heads.looked), models)
    np.testing.assert_array_equal(kept.weights, heads.small[0, 0])
    new = shown(LookAtMap(REF, TEXT, Which(0, 0)), models)
    assert new.looked != heads.looked and np.abs(new.weights - kept.weights).max() > 0.01
    models.forget(REF.run)
    assert not models.attention


def mixes_weights(task: Any) -> bool:
    """Whether an update between two slices of a task on a live model is seen in its result."""
    expected = shown(task, models_with(live=True))
    models = models_with(live=True)
    job = task.run(models)
    next(job), next(job)
    with torch.no_grad():
        model_of(models).head.weight.mul_(0.5)
        model_of(models).blocks[2].attention.qkv.weight[:16].neg_()
    found = seen(job)
    names = ("small", "score", "chances", "top")
    return not all(np.array_equal(getattr(found, name, 0), getattr(expected, name, 0)) for name in names)


@pytest.mark.usefixtures("tiny_slices")
def test_layers_are_shown_as_they_are_read() -> None:
    models = models_with()
    theirs = model_of(models).attention(ids_of(models)).numpy()
    switches = Ablation(layers=frozenset({1}))
    stages = [f.snapshots[0] for f in run_task(LookAtAttention(REF, TEXT, switches), models) if f.snapshots]
    assert [found.read for found in stages] == [1, 2, 3] and len({found.looked for found in stages}) == 1
    whole = stages[-1]
    for found in stages:
        assert np.array_equal(found.small[: found.read], whole.small[: found.read])
        assert not found.small[found.read :].any() and np.isnan(found.descriptors[found.read :]).all()
        assert found.labels == (*whole.labels[: found.read], *[("", "")] * (3 - found.read))
    np.testing.assert_allclose(stages[0].small[0], theirs[0], atol=5e-4)
    assert whole.labels[1] == ("switched off",) * 2 and not whole.small[1].any()
    every = [f.snapshots[0] for f in run_task(LookAtAttention(REF, TEXT), models) if f.snapshots]
    np.testing.assert_allclose(every[-1].small, theirs, atol=5e-4)


@pytest.mark.usefixtures("tiny_slices")
def test_a_map_is_there_before_the_last_layer_is() -> None:
    models = models_with()
    theirs = model_of(models).attention(ids_of(models)).numpy()
    job = LookAtAttention(REF, TEXT).run(models)
    first = next(frame.snapshots[0] for frame in job if frame.snapshots)
    early = shown(LookAtMap(REF, TEXT, Which(0, 1), first.looked), models)
    assert early.looked == first.looked
    np.testing.assert_allclose(early.weights, theirs[0, 1], atol=5e-4)
    assert shown(LookAtMap(REF, TEXT, Which(2, 1), first.looked), models).looked != first.looked
    np.testing.assert_allclose(list(job)[-1].snapshots[0].small, theirs, atol=5e-4)


def test_a_saved_model_is_asked_for_a_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    models, asked = models_with(), list[int]()
    project = SelfAttention.project
    monkeypatch.setattr(SelfAttention, "project", lambda *given: asked.append(1) or project(*given))
    first = shown(LookAtAttention(REF, TEXT), models)
    assert len(asked) == 3
    again = shown(LookAtAttention(REF, TEXT), models)
    assert len(asked) == 3 and again.looked == first.looked and np.array_equal(again.small, first.small)
    shown(LookAtAttention(REF, TEXT, Ablation(causal=False)), models)
    assert len(asked) == 6
    models.get(REF).step = 8
    assert shown(LookAtAttention(REF, TEXT), models).step == 8 and len(asked) == 9
    models.get(REF).live = True
    shown(LookAtAttention(REF, TEXT), models)
    assert len(asked) == 12


LOOKS = (LookAtAttention, Ablate, Explain, LookThroughLens)


@pytest.fixture
def tiny_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every slice of work becomes a frame."""
    monkeypatch.setattr("time.monotonic", iter(range(10**9)).__next__)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.usefixtures("tiny_slices")
def test_a_training_between_two_slices_does_not_mix_weights(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    task = look(REF, TEXT)
    assert not mixes_weights(task)
    for name in ("frozen", "frozen_stack"):
        monkeypatch.setattr(Opened, name, lambda opened: opened.model.transformer)
    assert mixes_weights(task)


@pytest.mark.parametrize("look", [*LOOKS, Dissect, MapVectors, FindNear])
@pytest.mark.usefixtures("tiny_slices")
def test_what_is_shown_is_said_to_be_of_the_step_whose_weights_were_read(look: Any) -> None:
    models = models_with(live=True)
    more = {FindNear: {"index": 3, "space": "hidden"}, MapVectors: {"method": "tsne"}}.get(look, {})
    job = look(REF, TEXT, **more).run(models)
    frame = next(job)
    while frame.progress is None or frame.progress.text == "Opening the model":
        frame = next(job)
    models.get(REF).step = 99
    assert seen(job).step == 7


def test_the_lens_reads_every_depth() -> None:
    models = models_with()
    model, ids = model_of(models), ids_of(models)
    found = shown(LookThroughLens(REF, TEXT, positions=6), models)
    assert isinstance(found, Lens) and found.top.shape == (4, 6, 10) and found.first == 9
    streams = []
    hooks = [block.register_forward_pre_hook(lambda _m, given: streams.append(given[0])) for block in model.blocks]
    with torch.no_grad():
        logits = model(ids[None])[0]
        [hook.remove() for hook in hooks]
        depths = [model.head(model.last_norm(x[0])) for x in streams] + [logits]
    for depth, values in enumerate(depths):
        chances = values.softmax(-1).numpy()
        for place, position in enumerate(range(9, 15)):
            order = np.argsort(-chances[position], kind="stable")
            assert found.top[depth, place].tolist() == order[:10].tolist()
            np.testing.assert_allclose(found.chances[depth, place], chances[position][order[:10]], atol=1e-6)
            if position < 14:
                follows = int(ids[position + 1])
                assert found.rank[depth, place] == order.tolist().index(follows) + 1
                assert found.chance[depth, place] == pytest.approx(chances[position, follows], abs=1e-6)
    assert (found.rank[:, -1] == 0).all() and np.isnan(found.chance[:, -1]).all()
    tokenizer = next(iter(models.training.values())).model.tokenizer
    assert all(tokenizer.pieces([i])[0] == piece for i, piece in found.names.items())


@pytest.mark.parametrize("values", [{}, {"positions": "sinusoidal", "norm_place": "post"}, {"mask": False}])
def test_saliency_is_a_finite_difference(values: dict[str, Any]) -> None:
    models = models_with(**values)
    model, ids = model_of(models), ids_of(models)
    found = shown(Explain(REF, TEXT, method="gradient"), models)
    assert isinstance(found, Saliency) and found.position == 15
    scale = math.sqrt(16) if values.get("positions") == "sinusoidal" else 1.0

    def logprob(factor: Any) -> float:
        hook = model.tokens.register_forward_hook(lambda _m, _g, out: out * factor[None, :, None])
        try:
            with torch.no_grad():
                return float(model(ids[None])[0, -1].log_softmax(-1)[found.target])
        finally:
            hook.remove()

    one = torch.ones(15, dtype=torch.float64)
    assert found.logprob == pytest.approx(logprob(one), abs=1e-9) and found.target == found.choices[0][0]
    for t in range(15):
        more, less = one.clone(), one.clone()
        more[t], less[t] = 1 + 1e-5, 1 - 1e-5
        assert found.score[t] == pytest.approx((logprob(more) - logprob(less)) / 2e-5, abs=1e-5), (t, scale)
    other = shown(Explain(REF, TEXT, target=3, method="gradient"), models)
    assert other.target == 3 and np.abs(other.score - found.score).max() > 1e-3
    inner = shown(Explain(REF, TEXT, position=5, method="gradient"), models)
    assert inner.position == 5 and inner.score.shape == (5,) and inner.target == int(ids[5])
    assert len(inner.tokens) == 15 and all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("positions", ["rotary", "learned", "none"])
def test_leaving_a_token_out_is_reading_the_text_without_it(positions: str) -> None:
    models = models_with(positions=positions)
    model, ids = model_of(models), ids_of(models)
    for task, count, target in (
        (Explain(REF, TEXT), 15, None),
        (Explain(REF, TEXT, target=3), 15, 3),
        (Explain(REF, TEXT, position=5), 5, int(ids[5])),
        (Explain(REF, TEXT, position=1), 1, int(ids[1])),
    ):
        found = shown(task, models)
        assert isinstance(found, Saliency) and found.position == count and found.method == "leave one out"
        with torch.no_grad():
            whole = model(ids[None, :count])[0, -1].log_softmax(-1)
            assert found.target == (int(whole.argmax()) if target is None else target)
            assert found.logprob == pytest.approx(float(whole[found.target]), abs=1e-9)
            for at in range(count if count > 1 else 0):
                without = torch.cat([ids[:at], ids[at + 1 : count]])
                logprob = model(without[None])[0, -1].log_softmax(-1)[found.target]
                assert found.score[at] == pytest.approx(float(whole[found.target] - logprob), abs=1e-9)
        assert found.score.shape == (count,) and (np.abs(found.score).max() > 1e-3 or count == 1)
    assert all(p.grad is None for p in model.parameters())


def test_saliency_of_a_model_in_8_bits_is_that_of_its_trained_weights() -> None:
    models = models_with(double=False)
    plain = shown(Explain(REF, TEXT, method="gradient"), models)
    small = shown(Explain(replace(REF, precision="int8"), TEXT, method="gradient"), models)
    np.testing.assert_array_equal(small.score, plain.score)
    assert np.abs(plain.score).max() > 0


def test_knock_out_is_a_model_without_the_columns() -> None:
    models = models_with(context=32)
    model, ids = model_of(models), ids_of(models)
    off = Ablation(heads=frozenset({(1, 1)}))
    found = shown(Ablate(REF, TEXT, off, length=8), models)
    assert isinstance(found, AblationResult) and len(found.tokens) == 15
    for which in (0, 1):
        with torch.no_grad():
            logprobs = model(ids[None])[0].log_softmax(-1)
        expected = -logprobs[torch.arange(14), ids[1:]].numpy()
        np.testing.assert_allclose(found.losses[which], expected, atol=1e-9)
        np.testing.assert_allclose(found.chances[which], logprobs[-1].exp().numpy(), atol=1e-9)
        text = ids.tolist()
        with torch.no_grad():
            for _ in range(8):
                text.append(int(model(torch.tensor([text]))[0, -1].argmax()))
            assert found.written[which] == models.get(REF).model.tokenizer.decode(text[15:])
            model.blocks[1].attention.out.weight[:, 8:] = 0
    assert np.abs(found.losses[0] - found.losses[1]).max() > 1e-3


def test_knock_out_of_nothing_changes_nothing_and_draws_with_the_seed() -> None:
    models = models_with(context=32)
    same = shown(Ablate(REF, TEXT, NOTHING_ABLATED, 10, SamplingOptions(temperature=1.0), 3), models)
    assert same.written[0] == same.written[1] and np.array_equal(same.losses[0], same.losses[1])
    other = shown(Ablate(REF, TEXT, NOTHING_ABLATED, 10, SamplingOptions(temperature=1.0), 4), models)
    assert other.written[0] != same.written[0]
    for switches in (Ablation(causal=False), Ablation(scaled=False), Ablation(layers=frozenset({0, 1, 2}))):
        assert shown(Ablate(REF, TEXT, switches, 4), models).written[0]


def test_a_text_as_long_as_the_context_is_read_whole_and_continued() -> None:
    models = models_with(context=8)
    ids = ids_of(models)[-8:]
    whole = shown(Ablate(REF, TEXT, length=6), models)
    assert len(whole.tokens) == 8
    wanted = list(stream(model_of(models), ids, SamplingOptions(greedy=True), seed=0, length=6))
    assert whole.written[0] == models.get(REF).model.tokenizer.decode([choice.id for choice in wanted])
    hidden = shown(Ablate(REF, TEXT, Ablation(tokens=frozenset({6})), length=4), models)
    text = ids.tolist()[-4:]
    with torch.no_grad():
        for _ in range(4):
            inside = finished(trace(model_of(models), np.array(text), ("logits",), Ablation(tokens=frozenset({2}))))
            text.append(int(inside["logits"][-1].argmax()))
    assert hidden.written[1] == models.get(REF).model.tokenizer.decode(text[4:])
    assert hidden.written[1] != hidden.written[0] or hidden.losses[0].max() != hidden.losses[1].max()


def test_induction_scores_are_the_weights_of_the_repetition() -> None:
    models = models_with(context=20)
    model = model_of(models)
    found = shown(ProbeInduction(REF, texts=3, seed=5), models)
    tokenizer = models.get(REF).model.tokenizer
    drawn, begin = random_texts(tokenizer, 20, 0, 3, 5)
    n = found.period
    assert isinstance(found, Induction) and begin == 0 and n == 10 and drawn.shape == (3, 20)
    assert all(len(set(row[:n])) == n and np.array_equal(row[:n], row[n:]) for row in drawn)
    weights = np.stack([model.attention(torch.from_numpy(row.astype(np.int64))).numpy() for row in drawn]).mean(0)
    expected = np.mean([weights[:, :, i, i - n + 1] for i in range(n, 2 * n)], 0)
    np.testing.assert_allclose(found.scores, expected, atol=1e-9)
    with torch.no_grad():
        ids = torch.from_numpy(drawn.astype(np.int64))
        nats = torch.nn.functional.cross_entropy(model(ids)[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    np.testing.assert_allclose(found.losses, nats.mean(0).numpy(), atol=1e-9)
    assert found.even == pytest.approx(np.mean([1 / (i + 1) for i in range(n, 2 * n)]))


TASKS = [
    LookAtAttention(REF, ()), LookAtMap(REF, (), Which(rollout=True)), LookAtMap(REF, (), Which(99, 99)),
    LookThroughLens(REF, ()), Explain(REF, ()), Explain(REF, (), position=10**9), Explain(REF, (), target=10**9),
    Ablate(REF, ()), Ablate(REF, (), Ablation(layers=frozenset(range(99)), tokens=frozenset({-1, 0, 10**9}))),
    Ablate(REF, (), length=10**9), Ablate(REF, (), length=-4), Ablate(REF, (), options=SamplingOptions(float("nan"))),
    ProbeInduction(REF), ProbeInduction(REF, period=10**9), LookAtAttention(REF, (), side=1),
]  # fmt: skip
PROMPTS: list[Prompt] = [(), ("",), ("a",), ("abc " * 262_144,), ("日本",), (Tokens((10**6,), "ab"), "é"), ("a\x00b",)]


@pytest.mark.parametrize("context", [2, 16])
@pytest.mark.parametrize("prompt", PROMPTS, ids=range(len(PROMPTS)))
def test_hostile_calls_end_in_a_picture_or_a_message(context: int, prompt: Prompt) -> None:
    models = models_with(context=context, double=False)
    for task in TASKS:
        asked = task if isinstance(task, ProbeInduction) else replace(task, prompt=prompt)  # type: ignore[type-var]
        try:
            assert shown(asked, models) is not None
        except GenstudioError as error:
            assert error.message and "\n" not in error.message
    assert all(p.grad is None for p in model_of(models).parameters())


def test_a_model_that_is_gone_is_a_message() -> None:
    for task in TASKS:
        with pytest.raises(GenstudioError):
            run_task(task, Models())


def test_a_long_context_comes_in_slices_and_patches() -> None:
    models = models_with(context=3000, layers=1, double=False)
    text = ("abc defghij klm " * 200,)
    frames = run_task(LookAtAttention(REF, text), models)
    heads = frames[-1].snapshots[-1]
    assert len(heads.tokens) == 3000 and heads.small.shape == (1, 2, 64, 64) and heads.skipped == 200
    whole = shown(LookAtMap(REF, text, Which(0, 1), heads.looked), models)
    assert isinstance(whole, HeadMap) and whole.patch == 3 and whole.weights.shape == (1000, 1000)
    part = shown(LookAtMap(REF, text, Which(0, 1), heads.looked, (1500, 1800), (1200, 1500)), models)
    assert part.patch == 1
    np.testing.assert_array_equal(part.weights.reshape(100, 3, 100, 3).max((1, 3)), whole.weights[500:600, 400:500])


def test_too_small_for_the_probe_is_said() -> None:
    with pytest.raises(DataError, match="too small"):
        run_task(ProbeInduction(REF), models_with(context=3))
