"""The wave encoder, the quantiser and the losses of wav2vec 2.0, against definitions and at their limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from genstudio.nn import speech
from genstudio.nn.sizes import field_of, frames_of, hop_of
from genstudio.nn.transformer import Architecture

STRIDES = (5, 4, 2)
ARCH = Architecture(
    vocabulary=1, context=64, layers=1, heads=2, d_model=16, d_head=8, d_ff=32, positions="rotary", norm="rmsnorm", causal=False
)


@pytest.fixture
def encoder() -> speech.SpeechEncoder:
    torch.manual_seed(0)
    return speech.SpeechEncoder(ARCH, 8, speech.WaveEncoder(8, STRIDES)).eval()


def test_a_strided_product_is_a_convolution() -> None:
    torch.manual_seed(0)
    layer = speech.Strided(3, 5, 4)
    x = torch.randn(2, 41, 3)
    kernel = torch.cat([part.view(5, 4, 3) for part in layer.weight.chunk(2)], 1).transpose(1, 2)  # (out, in, 2 stride)
    wanted = F.conv1d(x.transpose(1, 2), kernel, layer.bias, stride=4).transpose(1, 2)
    assert torch.allclose(layer(x), wanted, atol=1e-5)


def test_a_frame_sees_its_field_and_nothing_else(encoder: speech.SpeechEncoder) -> None:
    hop, field = hop_of(STRIDES), field_of(STRIDES)
    for samples in (field - 1, field, field + hop - 1, field + hop, 1000):
        assert encoder.tokens(torch.zeros(1, samples)).shape[1] == frames_of(samples, STRIDES)
    wave = torch.randn(1, 20 * hop + field)
    before = encoder.tokens(wave)
    for place in (0, 7):
        for at, changes in ((place * hop, True), (place * hop + field - 1, True), (place * hop + field, False)):
            other = wave.clone()
            other[0, at] += 3
            assert (not torch.equal(encoder.tokens(other)[0, place], before[0, place])) == changes


def test_padding_changes_nothing(encoder: speech.SpeechEncoder) -> None:
    short = torch.randn(1, 12 * hop_of(STRIDES) + field_of(STRIDES))
    frames = frames_of(short.shape[1], STRIDES)
    long = F.pad(short, (0, 500))
    padding = torch.arange(frames_of(long.shape[1], STRIDES))[None] >= frames
    lengths = torch.tensor([short.shape[1]])
    _, alone = encoder(speech.levelled(short, lengths))
    _, padded = encoder(speech.levelled(long, lengths), padding=padding)
    assert torch.allclose(alone[0], padded[0, :frames], atol=1e-5)
    _, unmasked = encoder(speech.levelled(long, lengths))
    assert not torch.allclose(alone[0], unmasked[0, :frames], atol=1e-5)  # the broken twin attends to silence


def test_hidden_frames_do_not_leak(encoder: speech.SpeechEncoder) -> None:
    torch.manual_seed(1)
    frames, hidden = torch.randn(2, 30, 8), torch.zeros(2, 30, dtype=torch.bool)
    hidden[:, 5:9] = hidden[0, 20] = True
    other = torch.where(hidden[..., None], torch.randn(2, 30, 8) * 10, frames)
    assert torch.equal(encoder.contextual(frames, hidden), encoder.contextual(other, hidden))
    assert not torch.allclose(encoder.contextual(frames), encoder.contextual(other), atol=0.01)  # the broken twin hides nothing


def test_the_quantiser_draws_as_often_as_its_probabilities_say_and_is_hard() -> None:
    torch.manual_seed(0)
    quantiser = speech.Quantiser(6, 2, 5, 4, 7)
    frame = torch.randn(6)
    shares = quantiser.scores(frame).softmax(-1)
    _, units, _ = quantiser(frame.expand(20_000, 6), 0.7)
    for group in range(2):
        drawn = torch.bincount(units[:, group], minlength=5) / len(units)
        assert (drawn - shares[group]).abs().max() < 0.015
    vectors, units, scores = quantiser(torch.randn(9, 6))
    assert torch.equal(units, scores.argmax(-1))
    wanted = quantiser.out(torch.cat([quantiser.codebook[g, units[:, g]] for g in range(2)], 1))
    assert torch.allclose(vectors, wanted, atol=1e-6)


def test_the_gradient_of_a_choice_is_that_of_the_soft_one_at_the_limits_of_the_temperature() -> None:
    """Hot, the choice is as good as even and its gradient vanishes; cold, a clear choice has none either."""
    torch.manual_seed(0)
    sizes = []
    for temperature in (1e4, 1.0, 1e-3):
        scores = torch.tensor([[4.0, 0.0, -1.0]], requires_grad=True)
        chosen = torch.stack([F.gumbel_softmax(scores, temperature, hard=True) for _ in range(200)])
        (chosen * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
        assert scores.grad is not None
        sizes.append(float(scores.grad.abs().max()))
    assert sizes[0] < 0.01 * sizes[1] and sizes[2] < sizes[1]


def test_the_diversity_loss_is_nothing_for_even_use_and_large_for_one_entry() -> None:
    even = torch.eye(4).repeat(3, 1)[:, None].expand(12, 2, 4) * 50
    assert float(speech.diversity_loss(even)) == pytest.approx(0, abs=1e-5)
    one = torch.zeros(12, 2, 4)
    one[..., 1] = 50
    assert float(speech.diversity_loss(one)) == pytest.approx(1 - 1 / 4, abs=1e-5)
    assert speech.perplexity(torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])).tolist() == pytest.approx([2, 1], rel=1e-4)


def test_contrast_at_chance_is_the_logarithm_of_the_candidates() -> None:
    torch.manual_seed(0)
    n, K = 12, 7
    distractors = torch.from_numpy(np.random.default_rng(0).integers(0, n, (n, K)))
    units = torch.arange(n)[:, None]
    distractors = torch.where(distractors == units, (distractors + 1) % n, distractors)
    alike = torch.ones(n, 5)
    scores = speech.contrastive_scores(alike, alike, units, distractors, 0.1)
    assert float(speech.contrastive_loss(scores)) == pytest.approx(math.log(K + 1), rel=1e-6)
    vectors = F.one_hot(torch.arange(n)).float()
    found = speech.contrastive_scores(vectors, vectors, units, distractors, 0.05)
    assert float(speech.contrastive_loss(found)) < 1e-6 and (found.argmax(1) == 0).all()
    plain = torch.tensor([[1.0, 0.2, -0.4]])
    assert float(speech.contrastive_loss(plain)) == pytest.approx(float(F.cross_entropy(plain, torch.tensor([0]))))


def test_a_distractor_of_the_same_unit_is_none() -> None:
    units = torch.tensor([[1, 0], [1, 0], [2, 0]])
    scores = speech.contrastive_scores(torch.randn(3, 4), torch.randn(3, 4), units, torch.tensor([[1, 2], [0, 2], [0, 1]]), 0.1)
    assert torch.isinf(scores).tolist() == [[False, True, False], [False, True, False], [False, False, False]]
    same = torch.zeros(3, 2, dtype=torch.long)
    collapsed = speech.contrastive_scores(torch.randn(3, 4), torch.randn(3, 4), same, torch.tensor([[1, 2], [0, 2], [0, 1]]), 0.1)
    assert float(speech.contrastive_loss(collapsed)) == 0  # one unit for all sounds is the easiest solution


def test_a_wave_is_read_from_later_on() -> None:
    waves = torch.arange(12.0).view(2, 6)
    found = speech.shifted(waves, torch.tensor([0, 2]))
    assert found.tolist() == [[0, 1, 2, 3, 4, 5], [8, 9, 10, 11, 0, 0]]


def test_the_energy_of_the_first_layer_does_not_know_a_wave_from_its_negative() -> None:
    """Of half a period later a tone is its negative: what tells both apart knows moments of a period."""
    torch.manual_seed(0)
    waves = torch.randn(2, 400)
    for energy, alike in ((True, True), (False, False)):
        encoder = speech.WaveEncoder(8, STRIDES, energy)
        assert torch.allclose(encoder(waves), encoder(-waves), atol=1e-6) == alike
    louder = speech.WaveEncoder(8, STRIDES, True)
    assert louder(waves).shape == speech.WaveEncoder(8, STRIDES)(waves).shape and louder(3 * waves).isfinite().all()
