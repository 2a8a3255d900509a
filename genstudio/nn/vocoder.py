"""From mel spectrograms to waves: the generator and the discriminators of HiFi-GAN (Kong et al. 2020)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genstudio.nn.spectrogram import istft, magnitudes_of, stft

_SLOPE = 0.1
_LOUDEST = 4.6
"""Logarithm of the largest magnitude that a head makes, so that no exponential runs away."""
NOISE = 8
"""Channels of noise that are read beside the mels."""
_SOFT = 0.3
"""Share of a magnitude below which a phase counts less: a step of Griffin-Lim that takes every phase whole has gradients without
bound where windows cancel each other."""
_CYCLE, _SEED, _FITTED, _MOMENTUM = 509, 20_201_012, 10, 0.99 / 1.99
"""Columns of noise before it repeats, what it is drawn from, steps to magnitudes of some mels, and Griffin-Lim's momentum as
in `nn.spectrogram`."""
Judged = tuple[list[Tensor], list[list[Tensor]]]
"""Of each discriminator its scores (B, n), and the features of its layers."""


class ResidualStack(nn.Module):
    """A residual block of one kernel: a convolution for each dilation, each added to what it read."""

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=(kernel - 1) // 2 * d) for d in dilations
        )

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, N) -> (B, C, N)"""
        for layer in self.layers:
            x = x + layer(F.leaky_relu(x, _SLOPE))
        return x


class MultiReceptiveField(nn.Module):
    """The mean of residual blocks of several kernels, which see stretches of several lengths (Kong et al. 2020, 2.2)."""

    def __init__(self, channels: int, kernels: Sequence[int], dilations: Sequence[int]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualStack(channels, kernel, dilations) for kernel in kernels)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, N) -> (B, C, N)"""
        found = self.blocks[0](x)
        for block in self.blocks[1:]:
            found = found + block(x)
        return found / len(self.blocks)


class VocoderGenerator(nn.Module):
    """Log-mels to a wave. Transposed convolutions make `rates[i]` columns of one and halve the channels, each followed by a
    multi-receptive field; a head makes the rest of a hop:

    - a last convolution, where the rates are the whole hop (Kong et al. 2020);
    - an inverse STFT of the magnitudes and phases that it says, windows of four hops (Kaneko et al. 2022), where some is left;
    - the same where all is left, and there are no rates: its magnitudes are then said relative to those that have these mels
      (Lv et al. 2024), its phases relative to a carrier, and `projections` steps of Griffin-Lim with the same magnitudes make the
      phases of neighbouring windows agree (Masuyama et al. 2019). It also reads noise, without which it would have to repeat
      itself every hop wherever the mels stay the same.
    """

    noise: Tensor
    filters: Tensor

    def __init__(
        self, filters: Tensor, hop: int, channels: int, rates: Sequence[int], kernels: Sequence[int], dilations: Sequence[int],
        projections: int = 0,
    ) -> None:  # fmt: skip
        """`filters` (bands, size // 2 + 1) are those of the mels, whose columns are `hop` samples apart."""
        super().__init__()
        bands, bins = filters.shape
        self.hop, self.left, self.projections = hop, hop // math.prod(rates), projections
        self.whole = not rates
        self.size = 2 * (bins - 1) if self.whole else 4 * self.left
        self.register_buffer("filters", filters.clone(), persistent=False)
        draw = torch.Generator().manual_seed(_SEED)
        self.register_buffer("noise", torch.randn(NOISE, _CYCLE, generator=draw), persistent=False)
        self.first = nn.Conv1d(bands + NOISE * self.whole, channels, 7, padding=3)
        self.field = MultiReceptiveField(channels, kernels, dilations)
        self.ups, self.fields = nn.ModuleList(), nn.ModuleList()
        for rate in rates:
            self.ups.append(nn.ConvTranspose1d(channels, channels // 2, 2 * rate, rate, padding=rate // 2))
            channels //= 2
            self.fields.append(MultiReceptiveField(channels, kernels, dilations))
        if self.whole:
            self.fields.append(MultiReceptiveField(channels, kernels, dilations))
        self.last = nn.Conv1d(channels, 1 if self.left == 1 else 2 * (self.size // 2 + 1), 7, padding=3)
        weight, bias = self.last.parameters()
        nn.init.normal_(weight, 0, 0.01)
        nn.init.zeros_(bias)

    def forward(self, mels: Tensor, start: int = 0, further: int = 0) -> Tensor:
        """mels (B, bands, N) -> wave (B, (N - 1) hop): the samples between the middles of the first and the last column. `start`
        is where in its noise it begins; `further` are projections beyond those that it was trained with."""
        many = mels.shape[-1]
        x = mels / 3 + 1.5
        if self.whole:
            places = (torch.arange(many, device=mels.device) + start) % _CYCLE
            x = torch.cat([x, self.noise[:, places].expand(len(mels), -1, -1)], 1)
        x = self.field(self.first(x))
        for up, field in zip(self.ups, self.fields, strict=False):
            x = field(up(F.leaky_relu(x, _SLOPE)))
        if self.whole:
            x = self.fields[0](x)
        x = self.last(F.leaky_relu(x, _SLOPE))
        if self.left == 1:
            made: Tensor = torch.tanh(x[:, 0])
            return made[:, : (many - 1) * self.hop]
        magnitude, phase = x.chunk(2, 1)
        if self.whole:
            magnitude = magnitudes_of(mels, self.filters, _FITTED) * magnitude.clamp(-_LOUDEST, _LOUDEST).exp()
            return self._agreed(magnitude, phase + self._carrier(many), self.projections + further)
        size = (many - 1) * self.hop // self.left + 1
        spectrum = torch.polar((magnitude - 2).clamp(max=_LOUDEST).exp(), phase)
        return istft(spectrum[..., :size], self.size, self.left, (many - 1) * self.hop)

    def _carrier(self, many: int) -> Tensor:
        """Phases (bins, N) of tones in the middle of each bin, which begin apart so that no moment is loud (Schroeder 1970)."""
        bins = self.size // 2 + 1
        places = torch.arange(bins, device=self.noise.device, dtype=torch.float32)[:, None]
        turns = places * self.hop / self.size * torch.arange(many, device=self.noise.device)
        return 2 * math.pi * (turns % 1) + math.pi * places.square() / bins

    def _agreed(self, magnitude: Tensor, phase: Tensor, steps: int) -> Tensor:
        """The wave of a spectrum (B, bins, N) after some steps of Griffin-Lim with momentum, softened."""
        length = (magnitude.shape[-1] - 1) * self.hop
        turn = torch.polar(torch.ones_like(magnitude), phase)
        before = torch.zeros_like(turn)
        for _ in range(steps):
            consistent = stft(istft(magnitude * turn, self.size, self.hop, length), self.size, self.hop)
            moved = consistent - _MOMENTUM * before
            before = consistent
            size = moved.real.square() + moved.imag.square()
            turn = moved / (size + (_SOFT * magnitude).square() + 1e-12).sqrt()
        return istft(magnitude * turn, self.size, self.hop, length)


class PeriodDiscriminator(nn.Module):
    """Judges samples that lie a period apart, folded into columns, by convolutions along each (Kong et al. 2020, 2.3)."""

    def __init__(self, period: int, channels: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, channels, 2 * channels, 4 * channels]
        self.layers = nn.ModuleList(
            nn.Conv2d(now, after, (5, 1), (3, 1), padding=(2, 0)) for now, after in itertools.pairwise(widths)
        )
        self.last = nn.Conv2d(4 * channels, 1, (3, 1), padding=(1, 0))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """wave (B, T) -> scores (B, n), and the features of each layer"""
        over = -wave.shape[-1] % self.period
        x = F.pad(wave[:, None], (0, over), mode="reflect").unflatten(-1, (-1, self.period))
        return _judged(x, self.layers, self.last)


class ScaleDiscriminator(nn.Module):
    """Judges a wave whose samples were averaged `halvings` times by twos, by strided convolutions (Kumar et al. 2019, 2.2)."""

    def __init__(self, halvings: int, channels: int) -> None:
        super().__init__()
        self.halvings = halvings
        widths = [channels, 2 * channels, 4 * channels]
        first: list[nn.Module] = [nn.Conv1d(1, channels, 15, padding=7)]
        self.layers = nn.ModuleList(first + [
            nn.Conv1d(now, after, 21, 4, padding=10, groups=math.gcd(4, now)) for now, after in itertools.pairwise(widths)
        ])  # fmt: skip
        self.last = nn.Conv1d(widths[-1], 1, 3, padding=1)

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """wave (B, T) -> scores (B, n), and the features of each layer"""
        x = wave[:, None]
        for _ in range(self.halvings):
            x = F.avg_pool1d(x, 4, 2, padding=2)
        return _judged(x, self.layers, self.last)


class WaveDiscriminators(nn.Module):
    """One for each period, and one for each scale: the wave itself, half and a quarter of its rate ..."""

    def __init__(self, periods: Sequence[int], scales: int, channels: int) -> None:
        super().__init__()
        self.periods = nn.ModuleList(PeriodDiscriminator(period, channels) for period in periods)
        self.scales = nn.ModuleList(ScaleDiscriminator(halvings, channels) for halvings in range(scales))

    def forward(self, wave: Tensor) -> Judged:
        """wave (B, T) -> scores and features of every discriminator"""
        found = [judge(wave) for judge in (*self.periods, *self.scales)]
        return [scores for scores, _ in found], [features for _, features in found]


def feature_distance(real: Sequence[Sequence[Tensor]], made: Sequence[Sequence[Tensor]]) -> Tensor:
    """The mean distance of the features of real and made waves in each layer, summed over layers and discriminators: a scalar
    (Kong et al. 2020, equation 6). Real ones are what made ones should have: no gradient goes through them."""
    distances = [
        F.l1_loss(theirs, ours.detach())
        for judged, judged_real in zip(made, real, strict=True) for theirs, ours in zip(judged, judged_real, strict=True)
    ]  # fmt: skip
    return torch.stack(distances).sum() if distances else torch.zeros(())


def _judged(x: Tensor, layers: nn.ModuleList, last: nn.Module) -> tuple[Tensor, list[Tensor]]:
    features = []
    for layer in layers:
        x = F.leaky_relu(layer(x), _SLOPE)
        features.append(x)
    x = last(x)
    return x.flatten(1), [*features, x]
