"""What the playground asks for: every number against another way to it, and no request that ends in a bug."""

from __future__ import annotations

import math
import pickle
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch

from genstudio.data.token_starts import token_starts
from genstudio.errors import DataError, GenstudioError, RunError, TrainingError
from genstudio.sampling.choose import SamplingOptions, distribution
from genstudio.snapshots.text import BeamTree, ScoredText, Writing, WritingGrid
from genstudio.tasks.beam import Beam
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.prompt import Tokens
from genstudio.tasks.score import ComparePrecision, Score
from genstudio.tasks.train import Train
from genstudio.tasks.write import Generate, NextTokensOf, SamplingGrid
from helpers import TINY, answer, result, returned, run_task, text_file, until_trained, usually, words

KINDS = ("char", "byte", "word", "bpe")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    place = tmp_path_factory.mktemp("playground")
    text = words(2_000) + "é🙂ü " * 50 + "\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place / "home"))
        return {
            kind: str(
                answer(
                    run_task(
                        Train(
                            "gpt",
                            str(text_file(place, text)),
                            TINY | {"tokenizer": kind, "vocabulary": 300},
                            steps=40,
                            runs_folder=place / "runs",
                        )
                    ),
                    "run",
                )
            )
            for kind in KINDS
        }


@pytest.fixture(scope="module")
def models() -> Models:
    return Models(keep=9)


def softmax(logits: Any) -> Any:
    weights = np.exp(logits.astype(np.float64) - logits.max())
    return weights / weights.sum()


@pytest.mark.parametrize("kind", KINDS)
def test_each_token_was_drawn_with_what_is_shown(runs: dict[str, str], models: Models, kind: str) -> None:
    ref, options = ModelRef(runs[kind]), SamplingOptions(0.8, 12, 0.9, min_p=0.02, repetition_penalty=1.2)
    (writing,) = result(Generate(ref, ("the cat ",), 15, options, 3), models)
    chosen, written = writing.chosen, list[int]()
    for i in range(len(chosen)):
        shown = result(NextTokensOf(ref, ("the cat ", Tokens(tuple(written), ""))), models)
        before, after = softmax(shown.logits), distribution(shown.logits, options, shown.seen)
        token = int(chosen.ids[i])
        assert writing.probabilities[i] == chosen.probabilities[i] == pytest.approx(after[token], abs=1e-5)
        assert chosen.logprobs[i] == pytest.approx(math.log(before[token]), abs=1e-4)
        assert abs(int(chosen.ranks[i]) - 1 - int((before > before[token]).sum())) <= 1
        assert chosen.entropies[i] == pytest.approx(-(before * np.log(before)).sum(), abs=1e-4)
        assert chosen.before[i] == pytest.approx(before[chosen.alternatives[i]], abs=1e-5)
        assert chosen.after[i] == pytest.approx(after[chosen.alternatives[i]], abs=1e-5)
        assert chosen.before[i] == pytest.approx(np.sort(before)[::-1][: len(chosen.before[i])], abs=1e-5)
        assert chosen.pieces[i] == shown.pieces[token] == chosen.names[token]
        written.append(token)
    twin = softmax(shown.logits * 0.5)
    assert not np.allclose(chosen.before[-1], twin[chosen.alternatives[-1]], atol=1e-5)


@usually("kind", KINDS, 2)
def test_the_text_ends_before_a_stop_text_wherever_tokens_end(runs: dict[str, str], models: Models, kind: str) -> None:
    ref, rng = ModelRef(runs[kind]), random.Random(0)
    for seed in range(6):
        (free,) = result(Generate(ref, ("the ",), 60, SamplingOptions(1.0), seed), models)
        begin = rng.randrange(max(1, len(free.text) - 4))
        stop = free.text[begin : begin + rng.randrange(1, 4)]
        frames = run_task(Generate(ref, ("the ",), 60, SamplingOptions(1.0), seed, (stop, "\0never")), models)
        shown = [s for f in frames for s in f.snapshots if isinstance(s, Writing)]
        text = free.text[: free.text.index(stop)]
        assert shown[-1].text == text and shown[-1].reason == "a stop text"
        assert all(text.startswith(s.text) for s in shown)
        count = len(shown[-1].pieces)
        assert len(shown[-1].chosen) == len(shown[-1].probabilities) == count  # type: ignore[arg-type]
        whole = shown[-1].pieces[:-1] if shown[-1].cut else shown[-1].pieces
        assert whole == free.pieces[: len(whole)]
        assert not shown[-1].cut or free.pieces[count - 1].startswith(shown[-1].pieces[-1])


def test_continuations_side_by_side_are_what_each_is_alone(runs: dict[str, str], models: Models) -> None:
    ref = ModelRef(runs["char"])
    together = result(Generate(ref, ("the ",), 30, seed=7, count=4), models)
    assert [w.channel for w in together] == [f"writing:{i}" for i in range(4)]
    alone = [result(Generate(ref, ("the ",), 30, seed=7 + i), Models())[0] for i in range(4)]
    assert [w.text for w in together] == [w.text for w in alone]
    assert len({w.text for w in together}) == 4


def test_the_grid_is_one_seed_with_many_samplers(runs: dict[str, str], models: Models) -> None:
    ref = ModelRef(runs["char"])
    grid = result(SamplingGrid(ref, ("the ",), (0.3, 1.2), (0.4, 1.0), 12, 5), models)
    assert isinstance(grid, WritingGrid) and all(cell.finished for cell in grid.cells)
    for cell, (temperature, top_p) in zip(grid.cells, [(0.3, 0.4), (0.3, 1.0), (1.2, 0.4), (1.2, 1.0)], strict=True):
        (alone,) = result(Generate(ref, ("the ",), 12, SamplingOptions(temperature, top_p=top_p), 5), models)
        assert cell.text == alone.text


def test_beams_score_what_a_score_of_their_text_gives(runs: dict[str, str], models: Models) -> None:
    ref = ModelRef(runs["char"])
    tree = result(Beam(ref, ("the ",), 4, 4), models)
    assert isinstance(tree, BeamTree) and len(tree.best) == len(tree.texts) == 4
    for node, text in zip(tree.best, tree.texts, strict=True):
        scored = result(Score(ref, text, ("the ",)), models)
        assert -scored.nats == pytest.approx(tree.scores[node], abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_knows_where_its_tokens_are(runs: dict[str, str], models: Models, kind: str) -> None:
    text = "the cat Ω sat\nüon 🙂☃ a mat" + words(60)
    scored = result(Score(ModelRef(runs[kind]), text), models)
    assert isinstance(scored, ScoredText)
    starts = scored.starts
    assert (np.diff(starts) >= 0).all() and starts[-1] == len(text) and len(starts) == len(scored.tokens) + 1
    tokenizer = models.get(ModelRef(runs[kind])).tokenizer
    for i, token in enumerate(scored.tokens.ids.tolist()):
        piece = tokenizer.decode([token])
        if "\ufffd" not in piece and "<unk>" not in piece:
            assert text[starts[i] : starts[i] + len(piece)] == piece
    known = scored.tokens.logprobs[1:]
    assert np.isnan(scored.tokens.logprobs[0]) and scored.nats == pytest.approx(-known.sum())
    assert list(scored.worst) == (1 + np.argsort(known, kind="stable")[:20]).tolist()
    assert scored.scored == len(known)
    left_out = 0 if hasattr(tokenizer, "unknown") else len(scored.unknown)
    assert scored.bits_per_character == pytest.approx(scored.nats / math.log(2) / (len(text) - starts[1] - left_out))


def test_tokens_in_the_middle_of_a_character_begin_at_it() -> None:
    from genstudio.data.tokenizers import ByteTokenizer

    text = "aé🙂b"
    ids, unknown = ByteTokenizer().encode_lossy(text)
    assert token_starts(ByteTokenizer(), text, ids, unknown).tolist() == [0, 1, 1, 2, 2, 2, 2, 3]


@pytest.mark.thorough
def test_a_megabyte_is_scored_in_slices(runs: dict[str, str], models: Models) -> None:
    text = words(290_000)[:1_000_000]
    job = Score(ModelRef(runs["bpe"]), text, alternatives=2).run(models)
    slowest, scored = 0.0, None
    while scored is None:
        began = time.thread_time()
        try:
            next(job)
        except StopIteration as end:
            scored = end.value
        slowest = max(slowest, time.thread_time() - began)
    assert scored.starts[-1] == 1_000_000
    assert slowest < 2.0


def test_int8_is_another_model_and_says_so(runs: dict[str, str], models: Models) -> None:
    ref = ModelRef(runs["char"])
    cost = result(ComparePrecision(ref, words(100)), models)
    assert cost.nats["float32"] != cost.nats["int8"] == pytest.approx(cost.nats["float32"], abs=0.02)
    small = models.get(ModelRef(runs["char"], precision="int8"))
    assert small is models.get(ModelRef(runs["char"], precision="int8")) and "int8" in small.title
    model = models.get(ref).model.transformer
    assert all(isinstance(p, torch.nn.Parameter) and p.requires_grad for p in model.parameters())
    for exact, layer in zip(model.blocks, small.model.transformer.blocks, strict=True):
        weight = exact.attention.qkv.weight
        step = weight.abs().amax(1, keepdim=True) / 127
        assert ((layer.attention.qkv.weight - weight).abs() <= step * 0.51).all()


def test_a_live_model_writes_with_the_weights_of_the_step_it_names(tmp_path: Path) -> None:
    models = Models()
    job = Train("gpt", str(text_file(tmp_path)), TINY, steps=5_000, runs_folder=tmp_path / "runs").run(models)
    live = ModelRef(answer(until_trained(job), "run"), "live")
    opened = models.get(live)
    with opened.readers.lend([1, 2, 3]) as reader:
        reader.logits([1, 2, 3])
        step = opened.step
        while opened.step == step:
            until_trained(job)
        ours = reader.add(4)
        model = opened.model.transformer.eval()
        with torch.no_grad():
            fresh = model(torch.tensor([[1, 2, 3, 4]]))[0, -1].numpy()
        model.train()
    assert np.abs(ours - fresh).max() < 1e-5
    job.close()


def test_frames_are_small_and_can_cross(runs: dict[str, str], models: Models) -> None:
    ref = ModelRef(runs["char"])
    tasks = (Generate(ref, ("the",), 50), Beam(ref, ("the",), 3, 5), Score(ref, "the cat"), SamplingGrid(ref, ("t",)))
    for task in tasks:
        frames, found = returned(task.run(models))
        assert all(len(pickle.dumps(sent)) < 300 * 20 * 60 for sent in (*frames, found))
    one, other = (result(NextTokensOf(ref, (text,)), models) for text in ("the", "a"))
    assert one.pieces is other.pieces


def test_spoiled_weights_are_a_sentence(runs: dict[str, str]) -> None:
    models = Models()
    ref = ModelRef(runs["char"])
    with torch.no_grad():
        models.get(ref).model.transformer.head.weight.fill_(math.nan)
    for task in (Generate(ref, ("the",), 5), Beam(ref, ("the",), 2, 3), Score(ref, "the cat"), SamplingGrid(ref, ("t",))):
        with pytest.raises(TrainingError, match="not finite"):
            run_task(task, models)


HOSTILE: dict[str, tuple[Any, ...]] = {
    "prompt": (
        (), ("",), ("the ",), ("Ω",), ("the Ω cat",), ("\ud800",), ("🙂" * 50,), ("the cat " * 125_000,),
        (Tokens((), ""),), (Tokens((10**9,), "the"),), (Tokens((-1,), ""), "the"), ("the ", Tokens((1, 2), "he"), " cat"),
    ),
    "temperature": (0.0, 1e-6, 1e-300, 0.8, 100.0, 1e308, math.nan, math.inf, -1.0),
    "top_k": (0, 1, 7, 10**9, -1),
    "top_p": (1.0, 0.5, 1e-300, 0.0, 1.5, math.nan),
    "min_p": (0.0, 0.05, 1.0, -0.1, math.nan),
    "repetition_penalty": (1.0, 1.3, 0.5, 100.0, 0.0, math.nan, 1e300),
    "length": (0, 1, 20, -1, 10**12),
    "seed": (0, 2**63, -1),
    "stops": ((), ("t",), ("",), ("x" * 10_000,), ("🙂", "\n")),
    "count": (1, 3, 0, 10**6),
    "beams": (1, 3, 64, 0, 10**9),
    "alpha": (0.0, 0.6, -1.0, math.nan),
    "text": ("", "t", "the cat", "Ω", "\ud800the", "🙂é" * 30, "x" * 5_000_000),
}  # fmt: skip


def hostile(rng: random.Random, folder: str) -> Any:
    def any_of(name: str) -> Any:
        return rng.choice(HOSTILE[name]) if rng.random() < 0.35 else HOSTILE[name][min(2, len(HOSTILE[name]) - 1)]

    ref = ModelRef(rng.choice([folder] * 9 + [folder + "x"]), rng.choice(["last", "best", "live", 40, 40, 40, 41]))  # type: ignore[arg-type]
    options = SamplingOptions(
        any_of("temperature"), any_of("top_k"), any_of("top_p"), rng.random() < 0.2, any_of("min_p"),
        any_of("repetition_penalty"),
    )  # fmt: skip
    kind = rng.randrange(5)
    if kind == 0:
        return Generate(ref, any_of("prompt"), any_of("length"), options, any_of("seed"), any_of("stops"), any_of("count"))
    if kind == 1:
        return Beam(ref, any_of("prompt"), any_of("beams"), any_of("length"), any_of("alpha"), any_of("stops"))
    if kind == 2:
        return Score(ref, any_of("text"), any_of("prompt"), rng.choice([-1, 0, 5, 10**9]), rng.choice([-1, 1, 10**9]))
    if kind == 3:
        return NextTokensOf(ref, any_of("prompt"))
    grid = ((any_of("temperature"), 0.5), (any_of("top_p"),), any_of("length"), any_of("seed"))
    return SamplingGrid(ref, any_of("prompt"), *grid)


@usually("kind", KINDS, 2)
def test_hostile_requests_end_in_an_answer_or_a_sentence(runs: dict[str, str], models: Models, kind: str) -> None:
    rng, answered, refused = random.Random(KINDS.index(kind)), 0, 0
    for _ in range(250):
        task = hostile(rng, runs[kind])
        try:
            for index, _ in enumerate(job := task.run(models)):
                if index == rng.randrange(1, 40):
                    job.close()
                    break
            answered += 1
        except GenstudioError as error:
            assert error.message
            refused += 1
    assert answered > 50 and refused > 50


def test_a_model_that_writes_no_text_is_a_sentence(runs: dict[str, str]) -> None:
    models = Models()
    opened = models.get(ModelRef(runs["char"]))
    opened.model = tiny.TinyModel(torch.nn.Linear(1, 1))  # type: ignore[assignment]
    with pytest.raises(RunError, match="cannot write text; it can be evaluated"):
        run_task(Generate(ModelRef(runs["char"]), ("the",), 3), models)


def test_nothing_to_score_is_a_sentence(runs: dict[str, str], models: Models) -> None:
    for text in ("", "Ω☃"):
        with pytest.raises(DataError):
            run_task(Score(ModelRef(runs["char"]), text), models)
