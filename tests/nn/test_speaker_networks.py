"""The networks that speak: no leaks, no padding that is seen, and step by step the same as all at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from genstudio.nn.positions import sinusoidal
from genstudio.nn.speaking import AttentionSpeaker, DurationSpeaker, Letters, placed, scores
from genstudio.nn.transformer import Architecture

BANDS, TOGETHER = 6, 3


def arch(vocabulary: int, context: int) -> Architecture:
    return Architecture(
        vocabulary=vocabulary, context=context, layers=2, heads=2, d_model=16, d_head=8, d_ff=32, activation="relu",
        norm="layernorm", bias=True, positions="none",
    )  # fmt: skip


@pytest.fixture(scope="module")
def attention() -> AttentionSpeaker:
    torch.manual_seed(0)
    network = AttentionSpeaker(
        arch(9, 30), arch(1, 20), BANDS, together=TOGETHER, voices=3, prenet=8, prenet_dropout=0.0, rate=1.5, alike=True
    )
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return network.eval()


@pytest.fixture(scope="module")
def durations() -> DurationSpeaker:
    torch.manual_seed(0)
    return DurationSpeaker(arch(9, 30), arch(1, 60), BANDS, voices=3).eval()


def texts() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    ids = torch.tensor([[1, 4, 2, 7, 8], [3, 5, 6, 0, 0]])
    return ids, torch.tensor([[False] * 5, [False] * 3 + [True] * 2]), torch.tensor([2, 0])


@contextmanager
def seeing_ahead(network: AttentionSpeaker) -> Iterator[None]:
    """The broken twin: a decoder without the look-ahead mask."""
    layers = [block.attention for block in network.stack.typed_blocks()]
    for layer in layers:
        layer.causal = False
    try:
        yield
    finally:
        for layer in layers:
            layer.causal = True


def by_steps(network: AttentionSpeaker, frames: torch.Tensor) -> torch.Tensor:
    """The frames (T, M) that are made after the ones that it would be given in training, through the cache."""
    ids, _, voices = texts()
    memory = network._memory(ids[0], voices[0])
    cache, made = network.new_cache(ids), []
    before = torch.zeros(1, 1, BANDS)
    for step in range(len(frames) // TOGETHER):
        made.append(network._step(before, memory, cache, None).frames)
        before = frames[None, (step + 1) * TOGETHER - 1 : (step + 1) * TOGETHER]
    return torch.cat(made)


def test_step_by_step_is_the_same_as_all_at_once_and_sees_nothing_that_comes_later(attention: AttentionSpeaker) -> None:
    ids, padding, voices = (part[:1] for part in texts())
    frames = torch.randn(1, 4 * TOGETHER, BANDS)
    with torch.no_grad():
        forced = attention(ids, padding, voices, frames).mel[0]
        assert torch.allclose(by_steps(attention, frames[0]), forced, atol=1e-5)
        later = frames.clone()
        later[:, 2 * TOGETHER :] += 1
        assert torch.allclose(attention(ids, padding, voices, later).mel[0, : 3 * TOGETHER], forced[: 3 * TOGETHER], atol=1e-6)
        with seeing_ahead(attention):
            leaking = attention(ids, padding, voices, frames).mel[0]
            assert not torch.allclose(by_steps(attention, frames[0]), leaking, atol=1e-3)
            moved = attention(ids, padding, voices, later).mel[0, : 2 * TOGETHER]
            assert not torch.allclose(moved, leaking[: 2 * TOGETHER], atol=1e-3)


def test_it_goes_on_with_the_last_frame_of_each_step_and_its_own_dropout_depends_on_the_seed_alone(
    attention: AttentionSpeaker,
) -> None:
    ids, _, voices = texts()
    grown = list(attention.grow(ids[0], voices[0], most=4))
    frames = torch.cat([one.frames for one in grown])
    assert frames.shape == (4 * TOGETHER, BANDS) and torch.allclose(by_steps(attention, frames), frames, atol=1e-5)
    assert all(abs(float(one.weights.sum()) - 4) < 1e-4 and 0 < one.over < 1 for one in grown)  # four heads in two layers
    attention.prenet.dropout = 0.5
    try:
        one, two, other = (
            torch.cat([g.frames for g in attention.grow(ids[0], voices[0], torch.Generator().manual_seed(seed), 4)])
            for seed in (1, 1, 2)
        )
    finally:
        attention.prenet.dropout = 0.0
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_frames_are_forgotten_in_training_alone(attention: AttentionSpeaker) -> None:
    ids, padding, voices = texts()
    frames = torch.randn(2, 4 * TOGETHER, BANDS)
    attention.frame_dropout = 1.0
    try:
        with torch.no_grad():
            used = attention(ids, padding, voices, frames).mel
            attention.train()
            blind, other = (attention(ids, padding, voices, given).mel for given in (frames, frames + 1))
    finally:
        attention.eval()
        attention.frame_dropout = 0.0
    with torch.no_grad():
        assert torch.equal(used, attention(ids, padding, voices, frames).mel)
    assert torch.equal(blind, other) and not torch.allclose(used, blind, atol=1e-3)


def test_a_padded_batch_is_each_sentence_alone(attention: AttentionSpeaker, durations: DurationSpeaker) -> None:
    ids, padding, voices = texts()
    frames = torch.randn(2, 4 * TOGETHER, BANDS)
    lasting = torch.tensor([[2, 1, 3, 1, 2], [1, 2, 1, 0, 0]])
    with torch.no_grad():
        together = attention(ids, padding, voices, frames)
        alone = attention(ids[1:, :3], padding[1:, :3], voices[1:], frames[1:])
        assert torch.allclose(together.refined[1], alone.refined[0], atol=1e-5)
        assert not together.weights[1, :, :, 3:].any(), "attention to letters that are not there"
        x, _ = durations.encode(ids, padding, voices)
        own, _ = durations.encode(ids[1:, :3], padding[1:, :3], voices[1:])
        assert torch.allclose(x[1, :3], own[0], atol=1e-5)
        mel, behind = durations.decode(x, lasting)
        assert mel.shape == (2, 9, BANDS) and behind[1].tolist() == [False] * 4 + [True] * 5
        assert torch.allclose(mel[1, :4], durations.decode(own, lasting[1:, :3])[0][0], atol=1e-5)
        assert torch.allclose(durations.lasting(x, padding)[1, :3], durations.lasting(own, padding[1:, :3])[0], atol=1e-5)


def test_voices_change_what_is_said(attention: AttentionSpeaker, durations: DurationSpeaker) -> None:
    ids, padding, _ = texts()
    for network in (attention, durations):
        one, other = (network.encoder(ids, padding, torch.tensor([voice, voice])) for voice in (0, 1))
        assert not torch.allclose(one, other)
    alone = Letters(arch(9, 30), 1, voices=1)
    assert alone.voices is None


def test_positions_at_another_rate_are_those_of_more_frames() -> None:
    waves = sinusoidal(40, 16)
    assert torch.equal(placed(40, 16, 1.0), waves) and torch.allclose(placed(10, 16, 4.0), waves[::4], atol=1e-5)
    halves = placed(10, 16, 1.5)
    assert torch.allclose(halves[::2], waves[:15:3], atol=1e-5) and not torch.allclose(halves[1], waves[1], atol=1e-3)


def test_scores_are_those_of_a_gaussian() -> None:
    means, frames = torch.randn(2, 3, BANDS), torch.randn(2, 5, BANDS)
    wanted = -0.5 * (means[:, :, None] - frames[:, None]).square().sum(-1)
    assert torch.allclose(scores(means, frames), wanted, atol=1e-5)
