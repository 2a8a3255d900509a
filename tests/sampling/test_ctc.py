"""Decoding of CTC, against every path there is, and against torch's loss."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from genstudio.evaluation.recognition import character_error_rate, edits, error_rate, purity, word_error_rate
from genstudio.sampling import ctc

CASES = [(seed, frames, tokens) for seed in range(6) for frames, tokens in ((1, 2), (4, 3), (6, 3), (5, 4))]


def drawn(seed: int, frames: int, tokens: int, sharp: float = 2.0) -> np.ndarray:
    scores = sharp * np.random.default_rng(seed).standard_normal((frames, tokens))
    return scores - np.logaddexp.reduce(scores, 1, keepdims=True)


def every_text(frames: np.ndarray, blank: int) -> dict[tuple[int, ...], float]:
    """The probability of every text, path by path."""
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product(range(frames.shape[1]), repeat=len(frames)):
        found[ctc.collapse(path, blank)] += math.exp(sum(frames[at, token] for at, token in enumerate(path)))
    return found


@pytest.mark.parametrize(("seed", "length", "tokens"), CASES)
def test_what_is_found_is_what_all_paths_say(seed: int, length: int, tokens: int) -> None:
    blank = seed % tokens
    frames = drawn(seed, length, tokens)
    truth = every_text(frames, blank)
    best = max(truth, key=lambda ids: truth[ids])
    found = ctc.beam_search(frames, blank, 10_000, math.inf)
    assert sum(truth.values()) == pytest.approx(1) and len(found) == len(truth)
    assert found[0].ids == best and [hypothesis.logprob for hypothesis in found] == sorted(
        (hypothesis.logprob for hypothesis in found), reverse=True
    )
    for hypothesis in found:
        assert math.exp(hypothesis.logprob) == pytest.approx(truth[hypothesis.ids])
        assert math.exp(ctc.log_probability(frames, hypothesis.ids, blank)) == pytest.approx(truth[hypothesis.ids])
    path = max(itertools.product(range(tokens), repeat=length), key=lambda p: sum(frames[i, t] for i, t in enumerate(p)))
    ids, spans = ctc.greedy(frames, blank)
    assert ids == ctc.collapse(path, blank) and len(spans) == len(ids)
    for token, (first, behind) in zip(ids, spans.tolist(), strict=True):
        assert set(path[first:behind]) == {token}


def test_the_best_path_may_say_something_else_than_the_best_text() -> None:
    """Graves et al. 2006, 3.2: the blank wins at both frames, and yet the token is more probable than silence."""
    frames = np.log(np.array([[0.4, 0.6], [0.4, 0.6]]))
    assert ctc.greedy(frames, 1)[0] == () and ctc.beam_search(frames, 1, 4)[0].ids == (0,)
    assert math.exp(ctc.beam_search(frames, 1, 4)[0].logprob) == pytest.approx(0.64)


def test_a_narrow_beam_never_promises_more_than_there_is() -> None:
    for seed in range(5):
        frames = drawn(seed, 12, 5)
        for hypothesis in ctc.beam_search(frames, 4, 3):
            assert hypothesis.logprob <= ctc.log_probability(frames, hypothesis.ids, 4) + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_the_probability_of_a_text_is_that_of_torchs_loss(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = drawn(seed, 14, 6).astype(np.float32)
    ids = rng.integers(0, 5, 5).tolist()
    loss = F.ctc_loss(
        torch.from_numpy(frames)[:, None], torch.tensor([ids]), torch.tensor([14]), torch.tensor([5]), blank=5, reduction="sum"
    )
    assert -ctc.log_probability(frames, ids, 5) == pytest.approx(float(loss), rel=1e-5)
    doubled = [1, 1, 1, 2, 2]
    assert ctc.log_probability(frames[:7], doubled, 5) == -math.inf  # 5 tokens and 3 blanks need 8 frames
    assert ctc.log_probability(frames[:8], doubled, 5) > -math.inf


@pytest.mark.parametrize(("seed", "length", "tokens"), CASES)
def test_an_alignment_is_the_best_of_all_paths_that_say_the_text(seed: int, length: int, tokens: int) -> None:
    blank, frames = tokens - 1, drawn(seed, length, tokens)
    paths = defaultdict(list)
    for path in itertools.product(range(tokens), repeat=length):
        paths[ctc.collapse(path, blank)].append(path)
    for ids, them in list(paths.items())[:12]:
        best = max(sum(frames[i, t] for i, t in enumerate(path)) for path in them)
        spans = ctc.align(frames, ids, blank)
        said = np.full(length, blank)
        for token, (first, behind) in zip(ids, spans.tolist(), strict=True):
            said[first:behind] = token
        assert ctc.collapse(said.tolist(), blank) == ids
        assert frames[np.arange(length), said].sum() == pytest.approx(best)
    with pytest.raises(ValueError, match="too few"):
        ctc.align(frames, [0] * (length + 1), blank)


def test_nothing_is_said_in_no_time() -> None:
    nothing = np.zeros((0, 3))
    assert ctc.greedy(nothing, 2)[0] == () and ctc.beam_search(nothing, 2, 4) == (ctc.Hypothesis((), 0.0),)
    assert ctc.log_probability(nothing, (), 2) == 0 and ctc.align(nothing, (), 2).shape == (0, 2)


def test_error_rates_count_the_fewest_edits() -> None:
    def plainly(a: str, b: str) -> int:
        if not a or not b:
            return len(a) + len(b)
        return min(plainly(a[1:], b) + 1, plainly(a, b[1:]) + 1, plainly(a[1:], b[1:]) + (a[0] != b[0]))

    rng = np.random.default_rng(0)
    for _ in range(60):
        one, other = ("".join(rng.choice(list("ab "), rng.integers(0, 6))) for _ in range(2))
        assert edits(one, other) == plainly(one, other)
    pairs = [("nine", "nine one"), ("two four", "too four")]
    assert character_error_rate(pairs) == 5 / 16 and word_error_rate(pairs) == 2 / 4
    assert error_rate([("abc", "a")]) == 2 and math.isnan(error_rate([("a", "")]))


def test_purity_is_one_where_units_say_the_phone_and_chance_where_they_are_drawn() -> None:
    phones = np.repeat(np.arange(4), 50)
    assert purity(phones + 4 * (np.arange(200) % 3), phones) == 1
    assert purity(np.zeros(200, np.int64), phones) == 0.25
    drawn_units = np.random.default_rng(0).integers(0, 4, 200)
    assert 0.25 <= purity(drawn_units, phones) < 0.45
