"""A model that translates: bound to a source it writes like any other, and where it looks is what it computed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from opened import opened
from translator import SOURCE, trained, translating

from genstudio.data.work import finished
from genstudio.errors import DataError, RunError
from genstudio.families.abilities import Traces, Writes
from genstudio.inspection.ablation import Ablation
from genstudio.inspection.statistics import named_weights
from genstudio.inspection.trace import STAGES, last_logits, trace
from genstudio.nn.encoder_decoder import Memory
from genstudio.runs import Run
from genstudio.sampling.choose import SamplingOptions
from genstudio.tasks.ablate import Ablate
from genstudio.tasks.anatomy import Dissect
from genstudio.tasks.beam import Beam
from genstudio.tasks.compare import Both
from genstudio.tasks.document import TextOf
from genstudio.tasks.inside import LookAtAttention, LookAtMap, Which
from genstudio.tasks.layers import LookAtLayers
from genstudio.tasks.lens import Explain, LookThroughLens
from genstudio.tasks.models import ModelRef, Models, Side
from genstudio.tasks.prompt import Tokens
from genstudio.tasks.replay import Replay, ReplayPoint
from genstudio.tasks.score import Judge, Score
from genstudio.tasks.translate import HeldOutPair, LookAtTranslation, ReadSource, reading
from genstudio.tasks.translate_lengths import FILE, KnownLengths, MeasureLengths, points, read_report
from genstudio.tasks.write import Generate, NextTokensOf

SIDES: tuple[Side, ...] = ("decoder", "encoder")
KINDS = ("transformer", "rnn-attention", "rnn")
GREEDY = SamplingOptions(greedy=True)


@pytest.mark.parametrize("architecture", KINDS)
def test_a_bound_model_writes_what_it_translates(tmp_path: Path, architecture: str) -> None:
    models, ref, model = translating(tmp_path, architecture=architecture)
    (writing,) = finished(Generate(ref, (), 8, GREEDY).run(models))
    ids, bound = [model.tokenizer.begin], model.bind(model.encode_source(SOURCE)[0])
    for _ in range(8):
        with torch.no_grad():
            ids.append(int(bound(torch.tensor([ids]))[0, -1].argmax()))
        if ids[-1] == model.tokenizer.end:
            break
    wanted = [token for token in ids[1:] if token != model.tokenizer.end]
    assert writing.chosen is not None and writing.chosen.ids.tolist() == wanted and wanted
    assert writing.text == model.tokenizer.decode(np.array(wanted))
    tree = finished(Beam(ref, (), 1, 8).run(models))
    assert tree.texts == (writing.text,)
    judged = finished(Judge(ref, (), tuple(wanted)).run(models))
    np.testing.assert_allclose(judged.tokens.logprobs, writing.chosen.logprobs, atol=1e-5)
    assert finished(TextOf(ModelRef("live", "live"), (wanted[0],)).run(models)) == writing.pieces[0]
    assert finished(Score(ref, "snur tac old").run(models)).scored == 3


def test_another_source_is_another_model(tmp_path: Path) -> None:
    models, ref, _ = translating(tmp_path)
    other = ModelRef(ref.run, ref.which, source="big sun runs")
    one, two = (finished(NextTokensOf(each, ()).run(models)).logits for each in (ref, other))
    assert np.abs(one - two).max() > 0.1
    np.testing.assert_array_equal(finished(NextTokensOf(ref, ()).run(models)).logits, one)


def test_a_training_does_not_change_what_was_bound(tmp_path: Path) -> None:
    models, ref, model = translating(tmp_path)
    writer = models.open(ref, Writes).model
    begin = torch.tensor([[model.tokenizer.begin]])
    with torch.no_grad():
        before = writer.language_model(begin).clone()
        for parameter in model.network.parameters():
            parameter.mul_(1.5)
        np.testing.assert_array_equal(writer.language_model(begin), before)
        assert (reading(model, SOURCE).language_model(begin) - before).abs().max() > 0.01
    opened_ = models.training[str(Path("live").resolve())]
    assert models.open(ref, Writes).model is writer
    opened_.step = 8
    assert models.open(ref, Writes).model is not writer


def test_a_source_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    models, ref, _ = translating(tmp_path, tokenizer="char", vocabulary=300)

    def read(text: str) -> Any:
        return finished(ReadSource(ref, text).run(models))

    good, strange = read("old cat"), read("old ж cat")
    assert len(good.pieces) == 7 and not good.problem and not good.unknown
    assert strange.unknown == (4,) and not strange.problem
    assert read("  ").pieces == () and not read("").problem
    assert "vocabulary" in read("жжж").problem
    assert "reads 23 at most" in read("a" * 24).problem and not read("a" * 23).problem
    for text, said in (("жжж", "vocabulary"), ("a" * 10_000, "10,000 tokens")):
        with pytest.raises(DataError, match=said):
            models.open(ModelRef("live", "live", source=text), Writes)


def test_a_source_of_unknown_words_alone_is_not_translated(tmp_path: Path) -> None:
    """A vocabulary of words has a token for them, and a translation of nothing else would be made up."""
    models, ref, _ = translating(tmp_path)
    assert "vocabulary" in finished(ReadSource(ref, "жжж жж").run(models)).problem
    assert not finished(ReadSource(ref, "red sun жжж").run(models)).problem


@pytest.mark.parametrize("place", ["pre", "post"])
def test_a_decoder_that_has_read_a_source_is_looked_into_like_any_other(tmp_path: Path, place: str) -> None:
    models, ref, model = translating(tmp_path, norm_place=place)
    source, target = model.encode_source(SOURCE)[0], np.array([5, 6, 7, 8])
    decoder = models.open(ref, Traces).model.transformer
    ids = np.concatenate([[model.tokenizer.begin], target])
    seen = finished(trace(decoder, ids, STAGES))
    with torch.no_grad():
        wanted = model.network(torch.from_numpy(source)[None].long(), None, torch.from_numpy(ids)[None])[0]
    np.testing.assert_allclose(seen["logits"], wanted.numpy(), atol=1e-4)
    looks = model.cross_attention(source, np.append(target, model.tokenizer.end))
    np.testing.assert_allclose(np.stack([own["cross_weights"] for own in seen.layers]), looks, atol=1e-5)
    other = models.open(replace(ref, source="big sun runs"), Traces).model.transformer
    twin = finished(trace(other, ids, ("logits",)))
    assert np.abs(twin["logits"] - seen["logits"]).max() > 0.1, "another source is another decoder"
    last, no_switches = torch.from_numpy(ids), Ablation()
    np.testing.assert_allclose(last_logits(decoder, last, no_switches).numpy(), wanted[-1].numpy(), atol=1e-4)

    text = (Tokens(tuple(target.tolist()), model.tokenizer.decode(target)),)
    lens = finished(LookThroughLens(ref, text).run(models))
    assert lens.top[-1, -1, 0] == int(wanted[-1].argmax())
    statistics = finished(LookAtLayers(ref, text).run(models))
    nats = -wanted[:-1].log_softmax(-1)[torch.arange(len(target)), torch.from_numpy(target)].mean()
    assert statistics.loss == pytest.approx(float(nats), abs=1e-4)
    assert "1 cross W_Q" in statistics.weights.names and statistics.gradients is not None
    assert np.isfinite(statistics.gradients.norms).all() and "2 cross-attention" in statistics.activations.names
    *_, heads = [one for frame in LookAtAttention(ref, text).run(models) for one in frame.snapshots]
    assert heads.tokens == model.tokenizer.pieces(ids) and heads.causal and heads.leak == 0
    stages = {stage.key: stage for stage in finished(Dissect(ref, text).run(models)).stages}
    assert stages["cross_weights"].columns == model.source_tokenizer.pieces(source)
    np.testing.assert_allclose(stages["cross_weights"].values, looks[0, 0], atol=1e-5)
    off = Ablation(heads=frozenset({(0, 0)}))
    result = finished(Ablate(ref, text, off, length=4).run(models))
    np.testing.assert_allclose(result.chances[0], wanted[-1].softmax(-1).numpy(), atol=1e-4)
    assert np.abs(result.chances[0] - result.chances[1]).max() > 1e-3


def test_two_translators_read_the_same_source_and_every_step_is_replayed(tmp_path: Path) -> None:
    ref, other = (ModelRef(trained(tmp_path, 6, name), source=SOURCE) for name in ("one", "two"))
    models = Models()
    a, b = finished(Both(NextTokensOf(ref, ()), replace(other, which=6)).run(models))
    np.testing.assert_allclose(a.logits, finished(NextTokensOf(ref, ()).run(models)).logits, atol=1e-6)
    np.testing.assert_allclose(b.logits, a.logits, atol=1e-6)  # the same seed, and both have read it
    shown = [one for frame in Replay(ref.run, ("old",), 4, GREEDY, source=SOURCE).run(models) for one in frame.snapshots]
    points = [one for one in shown if isinstance(one, ReplayPoint)]
    last = next(one for one in points if one.step == 6)
    np.testing.assert_allclose(last.next.logits, finished(NextTokensOf(ref, ("old",)).run(models)).logits, atol=1e-4)
    elsewhere = finished(NextTokensOf(replace(ref, source="big sun runs"), ("old",)).run(models))
    assert np.abs(last.next.logits - elsewhere.logits).max() > 1e-3 and np.isfinite(last.logprobs[1:]).all()


@pytest.mark.parametrize("architecture", KINDS)
def test_a_source_token_is_left_out_by_reading_the_others(tmp_path: Path, architecture: str) -> None:
    models, ref, model = translating(tmp_path, architecture=architecture)
    found = finished(Explain(replace(ref, side="encoder"), ()).run(models))
    source = model.encode_source(SOURCE)[0]
    begin = torch.tensor([[model.tokenizer.begin]])
    with torch.no_grad():
        logits = [model.bind(ids)(begin)[0, -1] for ids in (source, source[1:])]
    whole, without = (one.log_softmax(-1).numpy() for one in logits)
    assert found.target == int(whole.argmax()) and found.logprob == pytest.approx(whole.max(), abs=1e-5)
    assert found.score[0] == pytest.approx(whole[found.target] - without[found.target], abs=1e-5)
    assert found.tokens == model.source_tokenizer.pieces(source[:-1]) and np.abs(found.score).max() > 1e-3
    assert isinstance(models.open(ref, Writes).model, Traces) == (architecture == "transformer")


@pytest.mark.parametrize("architecture", KINDS)
def test_a_translation_is_explained_by_what_was_written_and_by_gradients(tmp_path: Path, architecture: str) -> None:
    """Leaving out a target token is writing without it, and a gradient is the slope of a finite difference."""
    models, ref, model = translating(tmp_path, architecture=architecture)
    source, target = model.encode_source(SOURCE)[0], np.array([5, 6, 7])
    ids = np.concatenate([[model.tokenizer.begin], target])
    text = (Tokens(tuple(target.tolist()), model.tokenizer.decode(target)),)

    def logprobs(row: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return model.bind(source)(torch.from_numpy(row)[None])[0, -1].log_softmax(-1).numpy()

    found = finished(Explain(ref, text).run(models))
    whole = logprobs(ids)
    assert found.tokens == model.tokenizer.pieces(ids) and found.target == int(whole.argmax()) and not found.of_source
    without = [whole[found.target] - logprobs(np.delete(ids, place))[found.target] for place in range(len(ids))]
    np.testing.assert_allclose(found.score, without, atol=1e-4)
    earlier = finished(Explain(ref, text, position=2).run(models))
    assert earlier.target == ids[2] and len(earlier.score) == 2

    sides = {side: finished(Explain(replace(ref, side=side), text, method="gradient").run(models)) for side in SIDES}
    network, step = model.network.double(), 1e-4
    rows = torch.from_numpy(source)[None].long(), torch.from_numpy(ids)[None]
    for side, embedding in zip(SIDES, network.embeddings[::-1], strict=True):
        for place, score in enumerate(sides[side].score[:2]):
            def scaled(_module: Any, _given: Any, vectors: Any, place: int = place) -> Any:
                return vectors * (1 + step * (torch.arange(vectors.shape[1]) == place)[None, :, None])

            with torch.no_grad():
                plain = network(rows[0], None, rows[1])[0, -1].log_softmax(-1)[found.target]
                hook = embedding.register_forward_hook(scaled)
                more = network(rows[0], None, rows[1])[0, -1].log_softmax(-1)[found.target]
                hook.remove()
            assert float(more - plain) / step == pytest.approx(float(score), abs=2e-3)
    assert np.abs(sides["encoder"].score).max() > 1e-2


@pytest.mark.parametrize("place", ["pre", "post"])
def test_the_encoder_is_looked_into_like_the_decoder(tmp_path: Path, place: str) -> None:
    models, ref, model = translating(tmp_path, norm_place=place)
    ref = replace(ref, side="encoder")
    source, target = model.encode_source(SOURCE)[0], np.array([5, 6, 7, 8])
    ids = np.concatenate([[model.tokenizer.begin], target])
    text = (Tokens(tuple(target.tolist()), model.tokenizer.decode(target)),)
    row = torch.from_numpy(source)[None].long()
    with torch.no_grad():
        memory = model.network.encode(row).states[0].numpy()
        wanted = model.network(row, None, torch.from_numpy(ids)[None])[0]
    pieces = model.source_tokenizer.pieces(source)

    *_, heads = [one for frame in LookAtAttention(ref, text).run(models) for one in frame.snapshots]
    assert heads.tokens == pieces and not heads.causal and heads.row_error < 1e-5
    shown = finished(LookAtMap(ref, text, Which(1, 0)).run(models))
    np.testing.assert_allclose(shown.weights, model.network.encoder.attention(row[0])[1, 0], atol=1e-3)
    stages = {stage.key: stage for stage in finished(Dissect(ref, text, layer=1).run(models)).stages}
    assert stages["weights"].rows == pieces and not {"masked", "logits", "cross_weights"} & stages.keys()
    last = stages["last_norm" if place == "pre" else "normed2"]
    np.testing.assert_allclose(last.values, memory, atol=1e-5)

    lens = finished(LookThroughLens(ref, text).run(models))
    assert lens.of_encoder and lens.top.shape[:2] == (3, len(ids)) and lens.tokens == model.tokenizer.pieces(ids)
    np.testing.assert_array_equal(lens.top[-1, :, 0], wanted.argmax(-1).numpy())
    chances = wanted.softmax(-1)[torch.arange(4), torch.from_numpy(target)]
    np.testing.assert_allclose(lens.chance[-1, :-1], chances.numpy(), atol=1e-5)
    assert np.abs(lens.chances[0] - lens.chances[-1]).max() > 0.01

    nothing = finished(Ablate(ref, text, length=3).run(models))
    assert nothing.source == pieces and nothing.written[0] == nothing.written[1]
    np.testing.assert_allclose(nothing.chances[0], wanted[-1].softmax(-1).numpy(), atol=1e-5)
    off = finished(Ablate(ref, text, Ablation(heads=frozenset({(0, 1)})), length=3).run(models))
    assert np.abs(off.chances[1] - off.chances[0]).max() > 1e-4
    hidden = finished(Ablate(ref, text, Ablation(tokens=frozenset({0})), length=3).run(models))
    layers = Ablation(layers=frozenset({0, 1}), tokens=frozenset({0}))
    alone = finished(Ablate(ref, text, layers, length=3).run(models))
    for result in (hidden, alone):
        assert np.abs(result.chances[1] - result.chances[0]).max() > 1e-4
    with torch.no_grad():  # without layers a hidden token is as if it were not there, but for the places of the others
        kept = model.network.encoder.last_norm(model.network.encoder.embed(row)[0])[:, 1:]
        decoded = model.network.decode(torch.from_numpy(ids)[None], Memory(kept))[0, -1].softmax(-1)
    np.testing.assert_allclose(alone.chances[1], decoded.numpy(), atol=1e-5)

    found = finished(LookAtLayers(ref, text).run(models))
    assert found.tokens == len(source) and found.activations.names[-1] == "encoder output" and found.gradients is not None
    assert found.activations.norms[-1] == pytest.approx(np.linalg.norm(memory), rel=1e-5)
    logits = model.network(row, None, torch.from_numpy(ids[:-1])[None])
    loss = torch.nn.functional.cross_entropy(logits[0], torch.from_numpy(target))
    loss.backward()
    assert found.loss == pytest.approx(float(loss.detach()), rel=1e-5)
    for (name, weight), norm in zip(named_weights(model.network.encoder), found.gradients.norms, strict=True):
        if name != "embedding":  # the decoder's gradient is in that of the embedding that both share
            assert weight.grad is not None and norm == pytest.approx(float(weight.grad.norm()), rel=1e-4), name
    assert finished(LookAtLayers(ref, ()).run(models)).gradients is None


def test_what_does_not_translate_says_so() -> None:
    models, _, _ = opened()
    with pytest.raises(RunError, match="'tiny' cannot translate"):
        models.open(ModelRef("live", "live", source="x"), Writes)


def test_held_out_pairs_come_in_turn(tmp_path: Path) -> None:
    models, ref = Models(), ModelRef(trained(tmp_path), source=SOURCE)
    first = finished(HeldOutPair(ref, 0).run(models))
    again = finished(HeldOutPair(ref, first.count + 1).run(models))
    assert first.number == 0 and again.number == 1 and first.source != again.source
    for found in (first, again):
        words = found.source.split()
        assert found.reference == f"{words[2][::-1]} {words[1][::-1]} {words[0]}"


@pytest.mark.parametrize("architecture", KINDS)
def test_where_it_looks_is_what_it_computed(tmp_path: Path, architecture: str) -> None:
    models, ref, model = translating(tmp_path, architecture=architecture)
    target = "snur tac old"
    found = finished(LookAtTranslation(ref, (target,)).run(models))
    source, ids = model.encode_source(SOURCE)[0], [*model.tokenizer.encode_lossy(target)[0], model.tokenizer.end]
    assert found.source == model.source_tokenizer.pieces(source) and found.target == model.tokenizer.pieces(ids)
    layers, heads = {"transformer": (2, 2), "rnn-attention": (1, 1), "rnn": (0, 0)}[architecture]
    assert found.weights.shape == (layers, heads, len(ids), len(source)) and found.row_error < 1e-5
    np.testing.assert_array_equal(found.weights, model.cross_attention(source, np.array(ids)))
    assert found.encoder.shape[0] == len(source) and found.decoder.shape[0] == len(ids)
    assert finished(LookAtTranslation(ref, ()).run(models)).target == model.tokenizer.pieces([model.tokenizer.end])


def test_lengths_are_measured_once_for_the_weights_of_a_step(tmp_path: Path) -> None:
    run = trained(tmp_path)
    assert finished(KnownLengths((run, str(tmp_path / "gone"))).run(Models())) == ()
    report = finished(MeasureLengths(run).run(Models()))
    assert report.step == 2 and report.rows and set(report.whole) >= {"exact_match", "token_accuracy", "chrf"}
    (known,) = finished(KnownLengths((run,)).run(Models()))
    assert known == report
    lengths, values = points(report.rows, "token_accuracy")
    assert lengths == sorted(lengths) and all(0 <= value <= 1 for value in values)
    place = Run.open(run).folder / FILE
    said = json.loads(place.read_bytes())
    place.write_text(json.dumps(said | {"step": 1}))
    assert finished(KnownLengths((run,)).run(Models())) == ()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said["rows"].clear(),
        lambda said: said["rows"][0].pop("bleu"),
        lambda said: said["rows"][0].update(chrf="much"),
        lambda said: said["rows"][0].update(low=-1),
        lambda said: said["rows"][0].update(count=0),
        lambda said: said["rows"][0].update(bleu=float("nan")),
        lambda said: said.update(rows=7),
        lambda said: said.update(whole=[]),
        lambda said: said.pop("step"),
    ],
)
def test_a_damaged_report_is_no_report(tmp_path: Path, spoil: Any) -> None:
    row = {"low": 1, "high": 2, "count": 3, "exact_match": 0.5, "token_accuracy": 0.5, "bleu": 1.0, "chrf": 1.0,
           "sentences_per_second": 9.0}  # fmt: skip
    said: dict[str, Any] = {"step": 2, "rows": [row], "whole": {"bleu": 1.0}}
    (tmp_path / FILE).write_text(json.dumps(said))
    assert read_report(str(tmp_path)) is not None
    spoil(said)
    (tmp_path / FILE).write_text(json.dumps(said))
    assert read_report(str(tmp_path)) is None
