"""Sound as a sequence of frames: an encoder of the wave, discrete units, and the losses of wav2vec 2.0 (Baevski et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.nn.sizes import field_of, hop_of
from genstudio.nn.spectrogram import FLOOR, mel_filters
from genstudio.nn.transformer import Architecture, Blocks, watching

_LEAST_ENERGY = 1e-3
QUIETEST = 0.01
"""A wave is scaled to a root mean square of 1, as if it had at least this one: silence stays quiet."""


class Strided(nn.Module):
    """A convolution over time whose kernel is twice its stride, as one product of matrices: some four times as fast as
    `nn.Conv1d` on a core, and the frames lie in memory as LayerNorm wants them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride, self.outputs = stride, outputs
        self.weight = nn.Parameter(torch.randn(2 * outputs, stride * inputs) / math.sqrt(2 * stride * inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, inputs) -> (B, T // stride - 1, outputs)"""
        whole = x.shape[1] // self.stride
        y = F.linear(x[:, : whole * self.stride].reshape(len(x), whole, -1), self.weight)
        return y[:, :-1, : self.outputs] + y[:, 1:, self.outputs :] + self.bias


class WaveEncoder(nn.Module):
    """Frames of a wave: convolutions over time, each with a layer norm and GELU (Baevski et al. 2020, 2); or, of the first, the
    logarithm of its `energy` (Zeghidour et al. 2018). A frame sees `field` samples, and the next one begins `hop` later, so what
    is padded behind a wave changes no frame of it."""

    def __init__(self, channels: int, strides: Sequence[int], energy: bool = False) -> None:
        super().__init__()
        self.energy = energy
        self.hop, self.field = hop_of(strides), field_of(strides)
        self.layers = nn.ModuleList(
            Strided(channels if number else 1, channels, stride) for number, stride in enumerate(strides)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in strides)

    @property
    def weight(self) -> Tensor:
        """The filters that meet the wave, as what looks at a stack asks for its embedding."""
        return cast("Strided", self.layers[0]).weight

    def forward(self, waves: Tensor) -> Tensor:
        """waves (B, T) -> frames (B, N, channels), N as in `frames_of`"""
        x = waves[..., None]
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            x = layer(x)
            x = norm((x.square() + _LEAST_ENERGY).log()) if self.energy and not number else F.gelu(norm(x))
        return x


class MelEncoder(nn.Module):
    """Frames of a wave by its log-mel spectrogram, each through two layers with a layer norm and GELU: what the convolutions of a
    `WaveEncoder` would have to learn first is given. A frame sees `field` samples, and the next one begins `hop` later."""

    filters: Tensor

    def __init__(self, channels: int, rate: int, hop: int, field: int, bands: int) -> None:
        super().__init__()
        self.hop, self.field = hop, field
        self.layers = nn.ModuleList([nn.Linear(bands, channels), nn.Linear(channels, channels)])
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2))
        self.register_buffer("filters", mel_filters(rate, field, bands), persistent=False)

    @property
    def weight(self) -> Tensor:
        """Of the layer that meets the spectrogram, as what looks at a stack asks for its embedding."""
        return cast("nn.Linear", self.layers[0]).weight

    def forward(self, waves: Tensor) -> Tensor:
        """waves (B, T) -> frames (B, N, channels), N = (T - field) // hop + 1"""
        pieces = waves.unfold(1, self.field, self.hop) * torch.hann_window(self.field, device=waves.device)
        power = torch.view_as_real(torch.fft.rfft(pieces)).square().sum(-1)
        x = ((power + 1e-9).sqrt() @ self.filters.T).clamp_min(FLOOR).log() / 2
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = F.gelu(norm(layer(x)))
        return x


def levelled(waves: Tensor, lengths: Tensor) -> Tensor:
    """Waves (B, T), of which `lengths` (B,) samples are no padding, at a root mean square of 1."""
    power = waves.square().sum(1) / lengths.clamp(min=1)
    return waves / power.sqrt().clamp(min=QUIETEST)[:, None]


def shifted(waves: Tensor, shifts: Tensor) -> Tensor:
    """Waves (B, T) from `shifts` (B,) samples on, with silence behind their end: (B, T)"""
    places = torch.arange(waves.shape[1], device=waves.device) + shifts[:, None]
    found = waves.gather(1, places.clamp(max=waves.shape[1] - 1))
    return found.masked_fill(places >= waves.shape[1], 0.0)


class SpeechEncoder(Blocks):
    """A transformer over the frames of a wave. Where frames are hidden, it sees a learned vector instead of them."""

    tokens: WaveEncoder | MelEncoder

    def __init__(self, arch: Architecture, channels: int, tokens: WaveEncoder | MelEncoder) -> None:
        """`arch` is without a look-ahead mask; its context is the most frames that are read at once; `tokens` makes frames of so
        many channels."""
        super().__init__(arch, tokens)
        self.project = nn.Linear(channels, arch.d_model)
        self.mask = nn.Parameter(torch.zeros(arch.d_model))
        self._initialise(arch)
        self.widen(self.project, *(layer for layer in tokens.modules() if isinstance(layer, nn.Linear)))
        nn.init.uniform_(self.mask, -1.0, 1.0)

    def forward(self, waves: Tensor, hidden: Tensor | None = None, padding: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """waves (B, T), frames that are hidden (B, N) and those that are no sound (B, N), both boolean -> frames (B, N,
        channels), as the wave encoder alone makes them, and what the transformer makes of those that it sees (B, N, C)"""
        frames = self.tokens(waves)
        return frames, self.contextual(frames, hidden, padding)

    def contextual(self, frames: Tensor, hidden: Tensor | None = None, padding: Tensor | None = None) -> Tensor:
        """frames (B, N, channels) -> (B, N, C)"""
        x = self.project(frames)
        if hidden is not None:
            x = torch.where(hidden[..., None], self.mask, x)
        x, turn = self.place(x)
        return self.through(x, turn, padding=padding)

    @torch.no_grad()
    def attention(self, waves: Tensor) -> Tensor:
        """waves (1, T) -> where each frame looks: (layers, heads, N, N), row = query"""
        with watching([block.attention for block in self.typed_blocks()]) as watched:
            self(waves)
        return torch.cat(watched)


class Quantiser(nn.Module):
    """Each frame as one entry of each of several codebooks (product quantisation; Baevski et al. 2020, 2): chosen with Gumbel
    noise at a temperature while it trains (Jang et al. 2017), the likeliest one otherwise."""

    def __init__(self, channels: int, groups: int, entries: int, size: int, width: int) -> None:
        """Entries have `size` numbers; what all groups say together is projected to `width`."""
        super().__init__()
        self.groups, self.entries = groups, entries
        self.logits = nn.Linear(channels, groups * entries)
        self.codebook = nn.Parameter(torch.rand(groups, entries, size))
        self.out = nn.Linear(groups * size, width)
        nn.init.normal_(self.logits.weight)
        nn.init.zeros_(self.logits.bias)

    def scores(self, frames: Tensor) -> Tensor:
        """frames (..., channels) -> logits of the entries (..., groups, entries)"""
        return self.logits(frames).unflatten(-1, (self.groups, self.entries))

    def forward(self, frames: Tensor, temperature: float | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """frames (..., channels), the temperature of the noise or None for none -> vectors (..., width), the unit of each frame
        (..., groups) and logits (..., groups, entries). The choice is hard; its gradient is that of the soft one."""
        scores = self.scores(frames)
        if temperature is None:
            units = scores.argmax(-1)
            chosen = F.one_hot(units, self.entries).to(scores.dtype)
        else:
            chosen = F.gumbel_softmax(scores.float(), temperature, hard=True).to(scores.dtype)
            units = chosen.argmax(-1)
        vectors = torch.einsum("...gv,gvd->...gd", chosen, self.codebook).flatten(-2)
        return self.out(vectors), units, scores


def perplexity(probabilities: Tensor) -> Tensor:
    """How many entries are used evenly: (..., entries) -> (...,), from 1 to all; the exponential of the entropy."""
    return torch.exp(-(probabilities * (probabilities + 1e-9).log()).sum(-1))


def diversity_loss(scores: Tensor) -> Tensor:
    """Logits (n, groups, entries) -> 0 where a batch uses all entries evenly, 1 - 1 / entries where it uses one: the share of the
    entries that is missing, as the authors' program has it; the paper's is the negative entropy."""
    mean = scores.float().softmax(-1).mean(0)
    return 1 - perplexity(mean).sum() / mean.numel()


def contrastive_scores(context: Tensor, targets: Tensor, units: Tensor, distractors: Tensor, temperature: float) -> Tensor:
    """What is made of hidden frames (n, d), the vectors of their units (n, d), these units (n, groups), and which K of the others
    are offered besides (n, K) -> cosine over temperature of the right one and the others: (n, 1 + K). Distractors of the same
    unit are none: -inf."""
    candidates = torch.cat([targets[:, None], targets[distractors]], 1)
    scores = F.cosine_similarity(context[:, None].float(), candidates.float(), dim=-1) / temperature
    same = (units[distractors] == units[:, None]).all(-1)
    return torch.cat([scores[:, :1], scores[:, 1:].masked_fill(same, -torch.inf)], 1)


def contrastive_loss(scores: Tensor) -> Tensor:
    """Scores (n, 1 + K), the first that of the right one -> nats of choosing it (Baevski et al. 2020, equation 3): log(K + 1)
    where all are alike."""
    return (scores.logsumexp(-1) - scores[:, 0]).mean()
