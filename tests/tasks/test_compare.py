"""Two models with one text: exact where they are the same, honest where their tokens are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudio.sampling.choose import SamplingOptions, entropy
from genstudio.snapshots.text import AnsweredBy, NextTokens, Writing
from genstudio.tasks.compare import AttentionTo, Both, divergence, first_difference, paired, tokens_before
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.prompt import Tokens
from genstudio.tasks.score import Score
from genstudio.tasks.train import Train
from genstudio.tasks.write import Generate, NextTokensOf
from helpers import TINY, answer, result, run_task, text_file, until_trained


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    place = tmp_path_factory.mktemp("compare")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place / "home"))
        data = str(text_file(place))

        def train(name: str, seed: int = 0, **settings: Any) -> str:
            task = Train("gpt", data, TINY | settings, steps=30, seed=seed, runs_folder=place / name)
            return str(answer(run_task(task), "run"))

        return {"one": train("one"), "two": train("two", 5), "bytes": train("bytes", tokenizer="byte")}


def sides(task: Any, models: Models | None = None) -> dict[str, Any]:
    """The last snapshot of each side, and who answered."""
    return {s.channel: s for f in run_task(task, models) for s in f.snapshots}


def next_of(folder: str, prompt: str = "the c") -> NextTokens:
    return result(NextTokensOf(ModelRef(folder), (prompt,)))


def test_each_side_is_what_it_is_alone_and_says_its_step(folders: dict[str, str]) -> None:
    task = Generate(ModelRef(folders["one"]), ("the ",), 30, SamplingOptions(), 7)
    both = sides(Both(task, ModelRef(folders["two"])))
    for side, name in (("a", "one"), ("b", "two")):
        alone = sides(Generate(ModelRef(folders[name]), ("the ",), 30, SamplingOptions(), 7))["writing:0"]
        found = both[f"{side}/writing:0"]
        assert isinstance(found, Writing)
        assert found.pieces == alone.pieces
        np.testing.assert_array_equal(found.probabilities, alone.probabilities)
        said = both[f"{side}/model"]
        assert isinstance(said, AnsweredBy)
        assert said.step == 30
    assert both["a/writing:0"].text != both["b/writing:0"].text


def test_a_model_does_not_differ_from_itself(folders: dict[str, str]) -> None:
    ref = ModelRef(folders["one"])
    said = paired(*result(Both(NextTokensOf(ref, ("the c",)), ref)))
    assert said.divergence == 0.0
    assert said.entropy_a == said.entropy_b
    assert (said.a == said.b).all()
    assert said.shared
    seen = result(Both(AttentionTo(ref, ("the cat",)), ref))
    assert (seen[0].weights == seen[1].weights).all()
    scored = result(Both(Score(ref, "the cat sat on"), ref))
    assert scored[0].nats == scored[1].nats
    wrote = sides(Both(Generate(ref, ("the ",), 20), ref))
    assert first_difference(wrote["a/writing:0"].pieces, wrote["b/writing:0"].pieces) is None


def test_the_bars_are_the_probabilities_of_both(folders: dict[str, str]) -> None:
    a, b = next_of(folders["one"]), next_of(folders["two"])
    said = paired(a, b, 5)
    p, q = (np.exp(x.logits.astype(float)) / np.exp(x.logits.astype(float)).sum() for x in (a, b))
    for piece, x, y in zip(said.pieces, said.a, said.b, strict=True):
        at = a.pieces.index(piece)
        assert (x, y) == (pytest.approx(p[at]), pytest.approx(q[at]))
    m = (p + q) / 2
    by_entropies = -(m * np.log2(m)).sum() + ((p * np.log2(p)).sum() + (q * np.log2(q)).sum()) / 2
    assert said.divergence == pytest.approx(by_entropies, abs=1e-9)
    assert said.divergence > 0
    assert said.entropy_a == pytest.approx(-(p * np.log2(p)).sum())
    left_out = set(range(len(p))) - {a.pieces.index(piece) for piece in said.pieces}
    assert max(np.maximum(p, q)[list(left_out)]) <= np.maximum(said.a, said.b).min()


def test_other_tokens_are_compared_by_their_text(folders: dict[str, str]) -> None:
    a, b = next_of(folders["one"]), next_of(folders["bytes"])
    said = paired(a, b, 300)
    assert not said.shared
    assert np.nansum(said.a) == pytest.approx(1, abs=1e-6)
    assert np.nansum(said.b) == pytest.approx(1, abs=1e-6)
    place = said.pieces.index("t")
    weights = np.exp(b.logits.astype(float))
    assert said.b[place] == pytest.approx(weights[ord("t")] / weights.sum())
    absent = [piece for piece, x in zip(said.pieces, said.a, strict=True) if np.isnan(x)]
    assert absent
    assert not set(absent) & set(a.pieces)
    assert 0 < said.divergence <= 1


def test_tokens_of_one_model_are_text_for_another(folders: dict[str, str]) -> None:
    """The broken way would hand the ids of one vocabulary to the other."""
    tokenizer = Models().get(ModelRef(folders["one"])).tokenizer
    written = Tokens(tuple(int(i) for i in tokenizer.encode("cat")), "cat")
    both = result(Both(NextTokensOf(ModelRef(folders["one"]), ("the ", written)), ModelRef(folders["bytes"])))
    np.testing.assert_array_equal(both[1].logits, next_of(folders["bytes"], "the cat").logits)
    wrong = result(NextTokensOf(ModelRef(folders["bytes"]), ("the ", written)))
    assert (wrong.logits != both[1].logits).any()


def test_a_live_model_can_be_either_side(folders: dict[str, str], tmp_path: Any) -> None:
    models = Models()
    job = Train("gpt", str(text_file(tmp_path)), TINY, steps=10_000, runs_folder=tmp_path / "runs").run(models)
    until_trained(job)
    live = ModelRef(next(iter(models.training)), "live")
    both = sides(Both(NextTokensOf(live, ("the",)), ModelRef(folders["one"])), models)
    assert (both["a/model"].step, both["b/model"].step) == (models.training[live.run].step, 30)
    assert "training" in both["a/model"].title
    job.close()


def test_closing_stops_both(folders: dict[str, str]) -> None:
    job = Both(Generate(ModelRef(folders["one"]), ("the ",), 100_000), ModelRef(folders["two"])).run(Models())
    for _ in range(6):
        next(job)
    job.close()
    with pytest.raises(StopIteration):
        next(job)


LOGITS = st.lists(st.floats(-30, 30), min_size=1, max_size=40)


@given(LOGITS, st.randoms(use_true_random=False))
def test_divergence_is_bounded_and_symmetric(logits: list[float], rng: Any) -> None:
    p = np.exp(logits) / np.exp(logits).sum()
    q = p.copy()
    rng.shuffle(q)
    assert divergence(p, p) == 0.0
    assert 0 <= divergence(p, q) <= 1
    assert divergence(p, q) == pytest.approx(divergence(q, p), abs=1e-12)
    assert 0 <= entropy(p) <= np.log2(len(p)) + 1e-9


def test_nothing_in_common_is_one_bit() -> None:
    assert divergence(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1.0


@pytest.mark.parametrize(
    ("a", "b", "at"),
    [
        (("ab", "c"), ("a", "bc"), None), (("ab", "c"), ("a", "bd"), 2), ((), ("x",), None), (("x",), ("y",), 0),
        (("ab",), ("ab", "c"), None),
    ],
)  # fmt: skip
def test_where_texts_differ(a: tuple[str, ...], b: tuple[str, ...], at: int | None) -> None:
    assert first_difference(a, b) == at
    if at is not None:
        assert "".join(a[: tokens_before(a, at) + 1])[at] == "".join(a)[at]
        assert len("".join(a[: tokens_before(a, at)])) <= at


def test_logits_that_are_not_finite_are_refused(folders: dict[str, str]) -> None:
    bad = NextTokens("next", 0, np.array([np.nan, 1.0]), ("a", "b"))
    with pytest.raises(ValueError, match="finite"):
        paired(bad, bad)
