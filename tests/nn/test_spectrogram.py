"""Spectrograms against their definitions, written again in plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genstudio.nn import spectrogram
from genstudio.nn.spectrogram import griffin_lim, hertz, istft, log_mel, magnitudes_of, mel, mel_filters, stft

RATE, SIZE, HOP = 8_000, 256, 64


def noise(length: int = 4_000, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=length)).float() * 0.3


def by_definition(wave: np.ndarray, size: int, hop: int) -> np.ndarray:
    """X[k, n] = sum_t w[t] x[t + n hop - size / 2] exp(-2 pi i k t / size), with mirrored ends."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    padded = np.pad(wave, size // 2, mode="reflect")
    turns = np.exp(-2j * np.pi * np.outer(np.arange(size // 2 + 1), np.arange(size)) / size)
    frames = [padded[start : start + size] * window for start in range(0, len(padded) - size + 1, hop)]
    return turns @ np.array(frames).T


@pytest.mark.parametrize(("size", "hop"), [(256, 64), (128, 32), (64, 64)])
def test_the_transform_is_its_definition_and_torchs(size: int, hop: int) -> None:
    wave = noise().double()
    found = stft(wave, size, hop)
    assert found.shape == (size // 2 + 1, 1 + len(wave) // hop)
    assert np.abs(found.numpy() - by_definition(wave.numpy(), size, hop)).max() < 1e-9
    window = torch.hann_window(size, dtype=torch.float64)
    assert torch.allclose(found, torch.stft(wave, size, hop, window=window, return_complex=True), atol=1e-9)
    assert np.abs(found.numpy() - by_definition(np.roll(wave.numpy(), 1), size, hop)).max() > 1e-3, "a shift is seen"


def test_the_inverse_gives_the_wave_back_whatever_its_length() -> None:
    for length in (4_000, 4_001, 3_967, 300):
        wave = noise(length)
        back = istft(stft(wave, SIZE, HOP), SIZE, HOP, length)
        assert back.shape == wave.shape and (back - wave).abs().max() < 1e-5
    wrong = istft(stft(noise(), SIZE, HOP) * 1j, SIZE, HOP, 4_000)
    assert (wrong - noise()).abs().max() > 0.1


def test_a_wave_shorter_than_half_a_window_has_a_spectrum_too() -> None:
    assert stft(noise(100), SIZE, HOP).isfinite().all()
    assert stft(noise(6_000).view(2, 3, 1_000), SIZE, HOP).shape == (2, 3, SIZE // 2 + 1, 1 + 1_000 // HOP)


def test_mel_scales_are_as_published() -> None:
    hz = torch.tensor([0.0, 500.0, 1_000.0, 2_000.0, 6_400.0], dtype=torch.float64)
    assert torch.allclose(mel(hz, "htk"), 2595 * torch.log10(1 + hz / 700))
    assert abs(float(mel(torch.tensor(1_000.0), "htk")) - 1_000) < 0.1, "1000 Hz are 1000 mel by construction"
    assert torch.allclose(mel(hz)[:3], torch.tensor([0.0, 7.5, 15.0], dtype=torch.float64))
    assert abs(float(mel(hz)[4]) - 42) < 1e-9, "27 steps from 1 kHz to 6.4 kHz"
    for scale in ("htk", "slaney"):
        assert torch.allclose(hertz(mel(hz, scale), scale), hz, atol=1e-9)  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize("area", [True, False])
def test_filters_are_the_triangles_of_the_definition(scale: str, area: bool) -> None:
    found = mel_filters(RATE, SIZE, 20, 80.0, 3_800.0, scale, area).numpy()  # type: ignore[arg-type]
    ends = mel(torch.tensor([80.0, 3_800.0], dtype=torch.float64), scale)  # type: ignore[arg-type]
    edges = hertz(torch.linspace(float(ends[0]), float(ends[1]), 22, dtype=torch.float64), scale).tolist()  # type: ignore[arg-type]
    for band in range(20):
        low, middle, high = edges[band : band + 3]
        for place in range(SIZE // 2 + 1):
            hz = place * RATE / SIZE
            height = max(0.0, min((hz - low) / (middle - low), (high - hz) / (high - middle)))
            assert abs(found[band, place] - height * (2 / (high - low) if area else 1)) < 1e-6
    other = mel_filters(RATE, SIZE, 20, 80.0, 3_800.0, "slaney" if scale == "htk" else "htk", area).numpy()
    assert np.abs(found - other).max() > 1e-3


def test_log_mel_is_the_logarithm_of_filtered_magnitudes() -> None:
    wave, filters = noise(), mel_filters(RATE, SIZE, 40)
    expected = np.log(np.maximum(filters.numpy() @ np.abs(by_definition(wave.numpy(), SIZE, HOP)), 1e-5))
    assert np.abs(log_mel(wave, filters, SIZE, HOP).numpy() - expected).max() < 1e-3
    silent = log_mel(torch.zeros(1_000), filters, SIZE, HOP)
    assert silent.isfinite().all() and float(silent.max()) < -8
    wave.requires_grad_()
    log_mel(wave, filters, SIZE, HOP).sum().backward()
    assert wave.grad is not None and wave.grad.isfinite().all()


def tone() -> torch.Tensor:
    at = torch.arange(4_000) / RATE
    return (0.4 * torch.sin(2 * np.pi * (300 * at + 400 * at * at)) + 0.2 * torch.sin(2 * np.pi * 1_100 * at)).float()


def misfit(wave: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((stft(wave, SIZE, HOP).abs() - wanted).norm() / wanted.norm())


def test_griffin_lim_finds_a_wave_with_these_magnitudes(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = stft(tone(), SIZE, HOP).abs()
    first = misfit(griffin_lim(wanted, SIZE, HOP, 4_000, 0), wanted)
    found = misfit(griffin_lim(wanted, SIZE, HOP, 4_000, 60), wanted)
    assert found < 0.15 < 0.4 < first
    assert torch.equal(griffin_lim(wanted, SIZE, HOP, 4_000, 3), griffin_lim(wanted, SIZE, HOP, 4_000, 3))
    monkeypatch.setattr(spectrogram, "stft", lambda wave, size, hop: stft(wave.flip(-1), size, hop))
    broken = griffin_lim(wanted, SIZE, HOP, 4_000, 60)
    assert misfit(broken, wanted) > 0.3, "phases of another wave do not help"


def test_magnitudes_of_mels_have_these_mels() -> None:
    filters = mel_filters(RATE, SIZE, 40)
    wanted = log_mel(tone(), filters, SIZE, HOP)
    found = magnitudes_of(wanted, filters)
    assert float(found.min()) >= 0
    assert (((filters @ found).clamp_min(1e-5).log() - wanted).abs().mean()) < 0.15
