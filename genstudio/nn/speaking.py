"""Letters to a mel spectrogram: with attention, frame after frame (Tacotron 2; Transformer-TTS), or by durations, all frames at
once (FastSpeech)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.nn.alignment import regulated
from genstudio.nn.attention import CrossAttention
from genstudio.nn.cache import Cache, KeyValues
from genstudio.nn.encoder_decoder import Memory
from genstudio.nn.modes import evaluating
from genstudio.nn.norm import LayerNorm
from genstudio.nn.positions import sinusoidal
from genstudio.nn.transformer import Architecture, Blocks, watching

_KERNEL = 5


class Convolutions(nn.Module):
    """Convolutions over time, each added to its input, normalised before (Tacotron 2 has such before its encoder and behind its
    decoder; with batch norm, which would let the rows of a batch see each other)."""

    def __init__(self, width: int, layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.norms = nn.ModuleList(LayerNorm(width) for _ in range(layers))
        self.layers = nn.ModuleList(nn.Conv1d(width, width, _KERNEL, padding=_KERNEL // 2) for _ in range(layers))

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """x (B, T, C), padding (B, T), True where there is nothing -> (B, T, C)"""
        for norm, layer in zip(self.norms, self.layers, strict=True):
            inner = norm(x)
            if padding is not None:
                inner = inner.masked_fill(padding[..., None], 0.0)
            inner = F.relu(layer(inner.transpose(1, 2)).transpose(1, 2))
            x = x + (F.dropout(inner, self.dropout) if self.training and self.dropout else inner)
        return x


class Placed(nn.Module):
    """Vectors and their sinusoidal positions, as strong as is learnt (Li et al. 2019, 3.3). Positions go on by `rate` from one
    vector to the next: where that of letters is the frames that a letter lasts, both sides are as far at the same time (Ping et
    al. 2018, Deep Voice 3, 3.6)."""

    waves: Tensor

    def __init__(self, width: int, most: int, rate: float = 1.0) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.ones(()))
        self.register_buffer("waves", placed(most, width, rate), persistent=False)

    def forward(self, x: Tensor, past: int = 0) -> Tensor:
        """x (B, T, C) behind `past` others -> (B, T, C)"""
        return x + self.strength * self.waves[past : past + x.shape[1]]


def placed(most: int, width: int, rate: float) -> Tensor:
    """Sinusoidal codes (most, width) of the positions 0, rate, 2 rate, ..."""
    if rate == 1.0:
        return sinusoidal(most, width)
    frequencies = 10_000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    turned = rate * torch.arange(most, dtype=torch.float64)[:, None] * frequencies
    return torch.stack((turned.sin(), turned.cos()), dim=-1).flatten(1).float()


class Prenet(nn.Module):
    """What the decoder sees of the frame before: a narrow passage with dropout that is never switched off, so that it cannot
    simply go on with that frame and has to look at the letters (Wang et al. 2017; Shen et al. 2018, 2.2)."""

    def __init__(self, bands: int, inner: int, width: int, dropout: float) -> None:
        super().__init__()
        self.first, self.second, self.out = nn.Linear(bands, inner), nn.Linear(inner, inner), nn.Linear(inner, width)
        self.dropout = dropout

    def forward(self, x: Tensor, draw: torch.Generator | None = None) -> Tensor:
        """x (B, T, M) -> (B, T, C); what is dropped is drawn from `draw`, from torch's own generator where none is given."""
        return self.out(self._drop(F.relu(self.second(self._drop(F.relu(self.first(x)), draw))), draw))

    def _drop(self, x: Tensor, draw: torch.Generator | None) -> Tensor:
        if not self.dropout:
            return x
        if draw is None:
            return F.dropout(x, self.dropout)
        kept = torch.rand(x.shape, generator=draw, device=draw.device).to(x.device) >= self.dropout
        return x * kept / (1 - self.dropout)


class Letters(nn.Module):
    """The encoder: letters to vectors that know their neighbours and whose voice is meant."""

    def __init__(self, arch: Architecture, convolutions: int, voices: int, rate: float = 1.0) -> None:
        super().__init__()
        inner = dataclasses.replace(arch, causal=False, cross=False, positions="none")
        self.tokens = nn.Embedding(arch.vocabulary, arch.d_model)
        self.voices = nn.Embedding(voices, arch.d_model) if voices > 1 else None
        self.convolutions = Convolutions(arch.d_model, convolutions, arch.dropout)
        self.placed = Placed(arch.d_model, arch.context, rate)
        self.stack = Blocks(inner)

    def forward(self, ids: Tensor, padding: Tensor, voice: Tensor) -> Tensor:
        """ids (B, S), padding (B, S), True where there is no letter, voice (B,) -> (B, S, C)"""
        x = self.convolutions(self.tokens(ids), padding)
        x = self.stack.through(self.placed(x), padding=padding)
        return x if self.voices is None else x + self.voices(voice)[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a pass over known frames gives: `mel` (B, T, M) and the same `refined`; logits (B, N) that it is over after
    each of the N steps; attention `weights` (B, H, N, S) of all layers' heads from steps to letters."""

    mel: Tensor
    refined: Tensor
    stop: Tensor
    weights: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """One step more of what is said: `frames` (r, M), how sure it is that this was the last, and its attention (H, S)."""

    frames: Tensor
    over: float
    weights: Tensor


class AttentionSpeaker(nn.Module):
    """An encoder of letters, and a decoder that makes `together` frames a step and looks at the letters (Wang et al.
    2017 with the stop of Shen et al. 2018 and the transformer of Li et al. 2019)."""

    def __init__(
        self, letters: Architecture, frames: Architecture, bands: int, *, together: int = 4, convolutions: int = 3,
        postnet: int = 3, voices: int = 1, prenet: int = 64, prenet_dropout: float = 0.5, frame_dropout: float = 0.0,
        rate: float = 1.0, alike: bool = False,
    ) -> None:  # fmt: skip
        """`letters` and `frames` are the two stacks, with a context each, `rate` how many steps a letter lasts on
        average. `alike`:
        queries and keys begin with the same weights, so that equal positions find each other (Ping et al. 2018, 3.6)."""
        super().__init__()
        width, self.bands, self.together, self.frame_dropout = frames.d_model, bands, together, frame_dropout
        self.encoder = Letters(letters, convolutions, voices, rate)
        self.prenet = Prenet(bands, prenet, width, prenet_dropout)
        self.placed = Placed(width, frames.context)
        self.stack = Blocks(dataclasses.replace(frames, causal=True, cross=True, positions="none"))
        self.mel, self.stop = nn.Linear(width, together * bands), nn.Linear(width, 1)
        self.widen = nn.Linear(bands, width) if postnet else None
        self.postnet = Convolutions(width, postnet, frames.dropout)
        self.narrow = nn.Linear(width, bands) if postnet else None
        with torch.no_grad():
            for layer in self._looking() if alike else ():
                layer.kv.weight[: layer.q.out_features] = layer.q.weight
            if self.narrow is not None:
                self.narrow.weight.zero_()
                self.narrow.bias.zero_()

    @property
    def most(self) -> int:
        """Steps that can be made."""
        return self.stack.context

    def encode(self, ids: Tensor, padding: Tensor, voice: Tensor) -> Memory:
        """The arguments of `Letters` -> what the decoder reads"""
        return Memory(self.encoder(ids, padding, voice), padding)

    def forward(self, ids: Tensor, padding: Tensor, voice: Tensor, frames: Tensor, draw: torch.Generator | None = None) -> Said:
        """The arguments of `Letters` and the frames (B, T, M) as they should be, T a multiple of `together`; each step is given
        the right frame before it."""
        memory = self.encode(ids, padding, voice)
        x = self.placed(self.prenet(self._forgotten(self._before(frames)), draw))
        with watching(self._looking()) as watched:
            x = self.stack.through(x, memory=memory.states, memory_padding=memory.padding)
        mel = self.mel(x).unflatten(-1, (self.together, self.bands)).flatten(1, 2)
        return Said(mel, self.refined(mel), self.stop(x)[..., 0], torch.cat(watched, 1))

    def refined(self, mel: Tensor, padding: Tensor | None = None) -> Tensor:
        """mel (B, T, M) -> the same with what the postnet adds, which sees what is before and behind each frame"""
        if self.widen is None or self.narrow is None:
            return mel
        return mel + self.narrow(self.postnet(self.widen(mel), padding))

    def grow(
        self, ids: Tensor, voice: Tensor, draw: torch.Generator | None = None, most: int = 0
    ) -> Iterator[Grown]:
        """One sentence ids (S,), voice () -> what is said, step by step, each with what was said before; `most` steps, as many as
        there is room for where it is 0. It does not end by itself: whoever listens stops it."""
        memory, frame = self._memory(ids, voice), torch.zeros(1, 1, self.bands, device=ids.device)
        cache = self.new_cache(ids)
        for _ in range(min(most or self.most, self.most)):
            made = self._step(frame, memory, cache, draw)
            frame = made.frames[None, -1:]
            yield made

    @torch.no_grad()
    def _memory(self, ids: Tensor, voice: Tensor) -> Memory:
        none = torch.zeros(1, len(ids), dtype=torch.bool, device=ids.device)
        with evaluating(self):
            memory = self.encode(ids[None], none, voice[None])
        return dataclasses.replace(memory, layers=tuple(layer.remember(memory.states) for layer in self._looking()))

    @torch.no_grad()
    def _step(self, frame: Tensor, memory: Memory, cache: Cache, draw: torch.Generator | None) -> Grown:
        x = self.placed(self.prenet(frame, draw), cache.length)
        with evaluating(self), watching(self._looking()) as watched:
            x = self.stack.through(x, cache=cache, memory=memory.layers)
        frames = self.mel(x).view(self.together, self.bands)
        return Grown(frames, float(self.stop(x).sigmoid()), torch.cat(watched, 1)[0, :, 0])

    def new_cache(self, like: Tensor) -> Cache:
        """Room for all steps of one sentence, on the device of `like`."""
        arch, weight = self.stack.architecture, self.mel.weight.to(like.device)
        return Cache([KeyValues(1, arch.heads, self.stack.context, arch.d_head, weight) for _ in range(arch.layers)])

    def _forgotten(self, before: Tensor) -> Tensor:
        """In training, a share of the frames (B, N, M) that steps are given is replaced by the mean frame, zero: otherwise the
        decoder relies on frames that it will not have when it speaks (Liu et al. 2019)."""
        if not self.training or not self.frame_dropout:
            return before
        return before * (torch.rand(*before.shape[:2], 1, device=before.device) >= self.frame_dropout)

    def _looking(self) -> list[CrossAttention]:
        return [block.cross for block in self.stack.typed_blocks() if block.cross is not None]

    def _before(self, frames: Tensor) -> Tensor:
        """frames (B, T, M) -> the last frame of the step before each step (B, T / r, M), zeros before the first"""
        last = frames[:, self.together - 1 :: self.together]
        return torch.cat([torch.zeros_like(last[:, :1]), last[:, :-1]], 1)


class DurationPredictor(nn.Module):
    """How long each letter lasts, as a logarithm of frames (Ren et al. 2019, 3.3)."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.body, self.norm, self.out = Convolutions(width, 2, dropout), LayerNorm(width), nn.Linear(width, 1)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        """x (B, S, C), padding (B, S) -> (B, S)"""
        return self.out(self.norm(self.body(x, padding)))[..., 0]


class DurationSpeaker(nn.Module):
    """An encoder of letters, each repeated as long as it lasts, and a decoder that makes all frames at once (Ren et al. 2019,
    FastSpeech). How long letters last in a recording is found by the most likely alignment of its frames with the `means` that
    the encoder expects of each letter (Kim et al. 2020; without a flow as in Popov et al. 2021)."""

    def __init__(
        self, letters: Architecture, frames: Architecture, bands: int, *, convolutions: int = 3, voices: int = 1,
        predictor_dropout: float = 0.1,
    ) -> None:  # fmt: skip
        """`letters` and `frames` are the two stacks, with a context each."""
        super().__init__()
        width, self.bands = frames.d_model, bands
        self.encoder = Letters(letters, convolutions, voices)
        self.means = nn.Linear(width, bands)
        self.durations = DurationPredictor(width, predictor_dropout)
        self.convolutions = Convolutions(width, convolutions, frames.dropout)
        self.placed = Placed(width, frames.context)
        self.stack = Blocks(dataclasses.replace(frames, causal=False, cross=False, positions="none"))
        self.mel = nn.Linear(width, bands)

    @property
    def most(self) -> int:
        """Frames that can be made."""
        return self.stack.context

    def encode(self, ids: Tensor, padding: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """The arguments of `Letters` -> vectors (B, S, C), and the frame that is expected of each letter (B, S, M)"""
        x = self.encoder(ids, padding, voice)
        return x, self.means(x)

    def decode(self, x: Tensor, durations: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors x (B, S, C) of letters that last for durations (B, S) frames -> mel (B, T, M), and its padding (B, T)"""
        frames, padding = regulated(x, durations)
        frames = self.convolutions(self.placed(frames), padding)
        return self.mel(self.stack.through(frames, padding=padding)), padding

    def lasting(self, x: Tensor, padding: Tensor) -> Tensor:
        """Vectors x (B, S, C) -> the logarithm of how many frames each lasts (B, S). The encoder does not learn from it."""
        return self.durations(x.detach(), padding)


def scores(means: Tensor, frames: Tensor) -> Tensor:
    """means (B, S, M), frames (B, T, M) -> the logarithm of how likely each frame is of each letter, up to a constant: a Gaussian
    with a variance of one (B, S, T)"""
    return torch.baddbmm(-0.5 * means.square().sum(-1, keepdim=True), means, frames.transpose(1, 2)) - 0.5 * frames.square().sum(
        -1
    )[:, None]


def steps_of(frames: int, together: int) -> int:
    """How many steps of `together` frames it takes to make so many."""
    return math.ceil(frames / together)
