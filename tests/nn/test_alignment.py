"""Alignments of letters and frames, against brute force and closed forms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from genstudio.nn.alignment import (
    diagonality,
    guide,
    guided_loss,
    monotonic_alignment,
    path_of,
    regulated,
    whole_frames,
)


def brute_force(scores: np.ndarray) -> tuple[float, tuple[int, ...]]:
    """Of all ways to give S letters T frames, one at least each, the highest sum and its durations."""
    letters, frames = scores.shape
    found = []
    for cuts in itertools.combinations(range(1, frames), letters - 1):
        ends = (0, *cuts, frames)
        parts = [scores[s, ends[s] : ends[s + 1]].sum() for s in range(letters)]
        found.append((float(sum(parts)), tuple(np.diff(ends).tolist())))
    return max(found)


def greedy(scores: np.ndarray) -> tuple[int, ...]:
    """The broken twin: each frame goes to the likelier of the letter before and the next one, without looking ahead."""
    letters, frames = scores.shape
    at, durations = 0, [0] * letters
    for frame in range(frames):
        must = letters - 1 - at >= frames - frame
        if frame and at + 1 < letters and (must or scores[at + 1, frame] > scores[at, frame]):
            at += 1
        durations[at] += 1
    return tuple(durations)


def sum_along(scores: np.ndarray, durations: tuple[int, ...]) -> float:
    return float((scores * path_of(np.array(durations)).T).sum())


def test_monotonic_alignment_search_finds_the_best_path_of_all_also_in_padded_batches() -> None:
    rng = np.random.default_rng(0)
    sizes = [(1, 1), (1, 5), (2, 2), (3, 7), (4, 9), (5, 5), (5, 8)]
    cases = [rng.normal(size=size) for size in sizes]
    padded = np.full((len(cases), 5, 9), 50.0)  # what lies behind the ends must not be looked at
    for row, case in enumerate(cases):
        padded[row, : case.shape[0], : case.shape[1]] = case
    found = monotonic_alignment(padded, np.array([s for s, _ in sizes]), np.array([t for _, t in sizes]))
    worse = 0
    for row, case in enumerate(cases):
        best, durations = brute_force(case)
        own = tuple(found[row, : len(case)].tolist())
        assert own == durations and not found[row, len(case) :].any()
        worse += sum_along(case, greedy(case)) < best - 1e-9
    assert worse >= 2, "a search that does not look ahead must fail somewhere"


def test_it_needs_a_frame_for_every_letter() -> None:
    with pytest.raises(ValueError, match="frame of its own"):
        monotonic_alignment(np.zeros((1, 4, 3)), np.array([4]), np.array([3]))
    with pytest.raises(ValueError, match="frame of its own"):
        monotonic_alignment(np.zeros((1, 4, 3)), np.array([0]), np.array([3]))


def test_the_length_regulator_repeats_each_vector_as_often_as_it_lasts() -> None:
    x = torch.tensor([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [9.0]]])
    found, padding = regulated(x, torch.tensor([[2, 0, 3], [1, 2, 0]]))
    assert found[..., 0].tolist() == [[1, 1, 3, 3, 3], [4, 5, 5, 0, 0]]
    assert padding.tolist() == [[False] * 5, [False, False, False, True, True]]
    for row, durations in enumerate(([2, 0, 3], [1, 2, 0])):
        wanted = torch.repeat_interleave(x[row], torch.tensor(durations), 0)
        assert torch.equal(found[row, : len(wanted)], wanted)


def test_gradients_reach_every_vector_that_lasts() -> None:
    x = torch.zeros(1, 3, 2, requires_grad=True)
    regulated(x, torch.tensor([[2, 0, 3]]))[0].sum().backward()
    assert x.grad is not None and x.grad[0, :, 0].tolist() == [2, 0, 3]


def test_whole_frames_do_not_drift() -> None:
    lasting = np.full(1000, 2.4)
    assert whole_frames(lasting).sum() == 2400 and set(whole_frames(lasting).tolist()) == {2, 3}
    assert np.round(lasting).sum() == 2000, "rounding each by itself would lose a sixth"
    assert whole_frames(lasting / 2).sum() == 1200
    assert whole_frames(np.array([0.1, 0.2])).tolist() == [0, 1]


def test_diagonality_at_its_closed_forms() -> None:
    for frames, letters in ((6, 6), (40, 8), (8, 40), (101, 13)):
        place = (np.arange(frames) + 0.5) / frames * letters
        perfect = np.eye(letters)[np.minimum(place.astype(int), letters - 1)]
        assert diagonality(perfect) == 1.0
        assert diagonality(perfect[::-1]) < 0.55
    even = np.full((400, 400), 1 / 400)
    for width in (0.1, 0.2, 0.5):
        assert abs(diagonality(even, width) - (2 * width - width * width)) < 0.01
    assert diagonality(np.eye(20)[np.zeros(100, int)]) < 0.25, "attention that stays at one letter"
    assert np.isnan(diagonality(np.zeros((3, 3))))


def test_guided_attention_is_zero_on_the_diagonal_and_grows_with_the_distance() -> None:
    letters, frames = torch.tensor([10, 5]), torch.tensor([20, 8])
    found = guide(letters, frames)
    assert found.shape == (2, 20, 10) and found[0, 0, 0] == 0 and found[0, 10, 5] == 0
    assert abs(float(found[0, 0, 8]) - (1 - np.exp(-(0.8**2) / (2 * 0.2**2)))) < 1e-6
    assert not found[1, 8:].any() and not found[1, :, 5:].any()
    diagonal, corner = torch.zeros(1, 1, 10, 10), torch.zeros(1, 1, 10, 10)
    diagonal[0, 0] = torch.eye(10)
    corner[0, 0, :, 9] = 1
    ten = torch.tensor([10])
    assert float(guided_loss(diagonal, ten, ten)) == 0
    assert float(guided_loss(corner, ten, ten)) > 0.5
