"""Spectrograms of sound and the way back: short-time Fourier transform, mel filters, Griffin-Lim."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

Scale = Literal["slaney", "htk"]

FLOOR = 1e-5
"""Magnitudes below this count as this much before the logarithm is taken, as in Tacotron 2 and HiFi-GAN."""
_LINEAR_HZ, _BREAK_HZ, _STEP = 200 / 3, 1000.0, math.log(6.4) / 27


def stft(wave: Tensor, size: int, hop: int) -> Tensor:
    """wave (..., T) -> complex (..., size // 2 + 1, 1 + T // hop): Hann windows of `size` samples, `hop` apart, the first
    centred on the first sample; the ends are mirrored, or zero where the wave is too short to be."""
    flat = wave.reshape(-1, wave.shape[-1])
    mode = "reflect" if wave.shape[-1] > size // 2 else "constant"
    padded = F.pad(flat[:, None], (size // 2, size // 2), mode=mode)[:, 0]
    window = torch.hann_window(size, dtype=wave.dtype, device=wave.device)
    found = torch.stft(padded, size, hop, window=window, center=False, return_complex=True)
    return found.reshape(*wave.shape[:-1], *found.shape[-2:])


def istft(spectrum: Tensor, size: int, hop: int, length: int) -> Tensor:
    """complex (..., size // 2 + 1, N) -> (..., length): the wave whose STFT is nearest to it in the least squares (Griffin &
    Lim 1984, equation 6)."""
    flat = spectrum.reshape(-1, *spectrum.shape[-2:])
    window = torch.hann_window(size, dtype=spectrum.real.dtype, device=spectrum.device)
    wave = torch.istft(flat, size, hop, window=window, center=True, length=length)
    return wave.reshape(*spectrum.shape[:-2], length)


def mel(hz: Tensor, scale: Scale = "slaney") -> Tensor:
    """Frequencies in mel: 2595 log10(1 + f / 700) of the Hidden Markov Model Toolkit, or Slaney's (Auditory Toolbox 1998),
    linear up to 1 kHz and logarithmic above."""
    if scale == "htk":
        return 2595 * torch.log10(1 + hz / 700)
    above = _BREAK_HZ / _LINEAR_HZ + torch.log(hz.clamp_min(1e-9) / _BREAK_HZ) / _STEP
    return torch.where(hz < _BREAK_HZ, hz / _LINEAR_HZ, above)


def hertz(mels: Tensor, scale: Scale = "slaney") -> Tensor:
    """The inverse of `mel`."""
    if scale == "htk":
        return 700 * (10 ** (mels / 2595) - 1)
    first = _BREAK_HZ / _LINEAR_HZ
    return torch.where(mels < first, mels * _LINEAR_HZ, _BREAK_HZ * torch.exp(_STEP * (mels - first)))


def mel_filters(
    rate: int, size: int, bands: int, low: float = 0.0, high: float = 0.0, scale: Scale = "slaney", area: bool = True
) -> Tensor:
    """(bands, size // 2 + 1): triangles on the mel scale from `low` to `high` Hz, the whole band where `high` is 0. `area`
    gives each an area of one in Hz (Slaney), otherwise a height of one (HTK)."""
    top = high or rate / 2
    ends = mel(torch.tensor([low, top], dtype=torch.float64), scale)
    edges = hertz(torch.linspace(float(ends[0]), float(ends[1]), bands + 2, dtype=torch.float64), scale)
    bins = torch.linspace(0, rate / 2, size // 2 + 1, dtype=torch.float64)
    width = edges.diff()
    slopes = edges[:, None] - bins
    rising, falling = -slopes[:-2] / width[:-1, None], slopes[2:] / width[1:, None]
    filters = torch.minimum(rising, falling).clamp_min(0)
    if area:
        filters = filters * (2 / (edges[2:] - edges[:-2]))[:, None]
    return filters.float()


def mel_edges(rate: int, bands: int) -> NDArray[np.float64]:
    """(bands + 1,) frequencies in Hz between which bands lie that are shown below each other, up to half the rate."""
    ends = mel(torch.tensor([0.0, rate / 2], dtype=torch.float64))
    edges: NDArray[np.float64] = hertz(torch.linspace(float(ends[0]), float(ends[1]), bands + 1, dtype=torch.float64)).numpy()
    return edges


def log_mel(wave: Tensor, filters: Tensor, size: int, hop: int) -> Tensor:
    """wave (..., T) -> (..., bands, 1 + T // hop): the natural logarithm of the filtered magnitudes, at least ln(1e-5)."""
    spectrum = torch.view_as_real(stft(wave, size, hop)).square().sum(-1)
    return (filters.to(wave) @ (spectrum + 1e-9).sqrt()).clamp_min(FLOOR).log()


def magnitudes_of(log_mels: Tensor, filters: Tensor, steps: int = 60) -> Tensor:
    """log-mel (..., bands, N) -> magnitudes (..., size // 2 + 1, N) that are not negative and have these mels, as nearly as
    `steps` of a multiplicative update get (Lee & Seung 2001)."""
    target = log_mels.exp()
    weights = filters.to(target)
    found = (torch.linalg.pinv(weights) @ target).clamp_min(1e-6)
    up, gram = weights.T @ target, weights.T @ weights
    for _ in range(steps):
        found = found * up / (gram @ found).clamp_min(1e-12)
    return found


def griffin_lim(
    magnitudes: Tensor, size: int, hop: int, length: int, steps: int = 32, momentum: float = 0.99, seed: int = 0
) -> Tensor:
    """magnitudes (..., size // 2 + 1, N) -> a wave (..., length) whose STFT has nearly these magnitudes: phases drawn at random,
    then made consistent (Griffin & Lim 1984; `momentum` by Perraudin et al. 2013)."""
    draw = torch.Generator().manual_seed(seed)
    angle = 2 * math.pi * torch.rand(magnitudes.shape, generator=draw).to(magnitudes)
    phase = torch.polar(torch.ones_like(magnitudes), angle)
    before = torch.zeros_like(phase)
    for _ in range(steps):
        consistent = stft(istft(magnitudes * phase, size, hop, length), size, hop)
        moved = consistent - momentum / (1 + momentum) * before
        before = consistent
        phase = moved / moved.abs().clamp_min(1e-12)
    return istft(magnitudes * phase, size, hop, length)


@torch.inference_mode()
def wave_of(log_mels: NDArray[np.float32], rate: int, size: int, hop: int, steps: int = 32) -> NDArray[np.float32]:
    """log-mel (bands, N) -> a wave ((N - 1) hop,) by `griffin_lim`, always the same; one frame is taken to be two."""
    mels = torch.from_numpy(log_mels if log_mels.shape[1] > 1 else log_mels.repeat(2, 1))
    magnitudes = magnitudes_of(mels, mel_filters(rate, size, len(log_mels)))
    wave: NDArray[np.float32] = griffin_lim(magnitudes, size, hop, (mels.shape[1] - 1) * hop, steps).numpy()
    return wave
