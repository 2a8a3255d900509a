"""A model that speaks: its network, what it says of a text, and how near that is to recordings."""

from __future__ import annotations

import copy
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.tokenizers import Tokenizer
from genstudio.evaluation.speaking import PER_NEPER, covered, going_back, nearest_text, warped_error
from genstudio.events import Array
from genstudio.families.abilities import Utterance
from genstudio.families.tts.config import TTSConfig, mel_settings
from genstudio.families.tts.data import MOST_LETTERS, MOST_SECONDS, ClipBatch, SpokenData, mean_error, on_other, padded
from genstudio.nn.alignment import diagonality, monotonic_alignment, path_of, whole_frames
from genstudio.nn.modes import evaluating
from genstudio.nn.speaking import AttentionSpeaker, DurationSpeaker, scores, steps_of
from genstudio.nn.transformer import Architecture
from genstudio.training.learner import Measured

_SAMPLED = 8
"""Held-out clips that are measured while it trains."""
_ROWS = 16
_SURE = 0.5
"""How sure it must be that it is over."""
_BEYOND = 2.0
"""While it is measured, speech that has not stopped is cut off at so many times the length of the recording."""
_SLICE = 0.02


@dataclass(eq=False)
class _Sums:
    """What was measured of clips so far."""

    values: dict[str, list[float]] = field(default_factory=dict)
    heads: list[Array] = field(default_factory=list)

    def add(self, **values: float) -> None:
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def means(self) -> dict[str, float]:
        return {name: float(np.mean(found)) for name, found in self.values.items()}


class TTSModel:
    """A network with its letters and what scales its spectrograms."""

    def __init__(self, config: TTSConfig, data: SpokenData, device: str, seed: int) -> None:
        self.config, self.data, self.device = config, data, torch.device(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network: AttentionSpeaker | DurationSpeaker = build(config, data)
        self.network.to(self.device).eval()
        self.modules: Mapping[str, nn.Module] = {"model": self.network}

    @property
    def tokenizer(self) -> Tokenizer:
        return self.data.tokenizer

    def on(self, data: SpokenData) -> TTSModel:
        """The same modules with other clips, in its own letters."""
        other = copy.copy(self)
        other.data = on_other(data, self.data)
        return other

    @property
    def voices(self) -> int:
        """How many voices it was taught."""
        return self.data.voices.count

    @property
    def paced(self) -> bool:
        """Whether it can be told to speak faster or slower."""
        return isinstance(self.network, DurationSpeaker)

    @property
    def longest_text(self) -> int:
        """Characters that can be spoken at once."""
        return MOST_LETTERS - 2

    @property
    def example(self) -> str:
        """A transcript of its data."""
        return self.data.example

    @property
    def mel(self) -> Mapping[str, int]:
        return mel_settings(self.config, self.data.sound.rate)

    def read_text(self, text: str) -> tuple[Array, tuple[str, ...]]:
        """The letters of a text as they are spoken (S,), between two markers, and the characters that were never heard."""
        from genstudio.data.learnable.audio import plain

        said = plain(text)
        ids, unknown = self.tokenizer.encode_lossy(said)
        return self.data.marked(ids), tuple(dict.fromkeys(said[place] for place in unknown))

    def speak(self, letters: Array, voice: int = 0, speed: float = 1.0, seed: int = 0) -> Iterator[Utterance]:
        """What is said of letters (S,), as it grows; the last is the whole. See `Speaks`."""
        yield from self.spoken(letters, voice, speed, seed, self._room(len(letters)))

    def spoken(self, letters: Array, voice: int, speed: float, seed: int, most: int) -> Iterator[Utterance]:
        """The same, with `most` frames at most."""
        pieces = self.data.pieces(letters)
        ids, who = self._tensor(letters), torch.tensor(min(voice, self.config.voices - 1), device=self.device)
        if isinstance(self.network, DurationSpeaker):
            mels, durations, complete = self._parallel(self.network, ids, who, speed, most)
            yield Utterance(self.data.logarithms(mels), path_of(durations).T, pieces, complete)
            return
        network, draw = self.network, torch.Generator().manual_seed(seed)
        frames, weights, over, began = list[Tensor](), list[Tensor](), False, time.monotonic()
        for step in network.grow(ids, who, draw, steps_of(most, network.together)):
            frames.append(step.frames)
            weights.append(step.weights)
            over = step.over > _SURE
            if over:
                break
            if time.monotonic() - began > _SLICE:
                yield self._said(network, frames, weights, pieces, False, len(frames) / steps_of(most, network.together))
                began = time.monotonic()
        yield self._said(network, frames, weights, pieces, over, 1.0)

    @torch.no_grad()
    def _parallel(
        self, network: DurationSpeaker, ids: Tensor, who: Tensor, speed: float, most: int
    ) -> tuple[Array, NDArray[np.int64], bool]:
        """Frames of letters, how many each has, and whether there was room for all."""
        with evaluating(network):
            none = torch.zeros(1, len(ids), dtype=torch.bool, device=ids.device)
            x, _ = network.encode(ids[None], none, who[None])
            lasting = network.lasting(x, none)[0].double().clamp(-10, 10).exp().cpu().numpy() / speed
            durations = whole_frames(lasting)
            complete = int(durations.sum()) <= most
            if not complete:
                durations = np.diff(np.minimum(np.cumsum(durations), most), prepend=0)
            mel, _ = network.decode(x, torch.from_numpy(durations).to(ids.device)[None])
        return mel[0].float().cpu().numpy(), durations, complete

    @torch.no_grad()
    def _said(
        self, network: AttentionSpeaker, frames: list[Tensor], weights: list[Tensor], pieces: tuple[str, ...], over: bool,
        done: float,
    ) -> Utterance:  # fmt: skip
        """What there is so far: the postnet has seen all of it. Of the heads, the one that goes most along the diagonal."""
        with evaluating(network):
            mel = network.refined(torch.cat(frames)[None])[0].float().cpu().numpy()
        heads = torch.stack(weights, 1).float().cpu().numpy()  # (H, N, S)
        best = max(range(len(heads)), key=lambda head: diagonality(heads[head]))
        return Utterance(self.data.logarithms(mel), heads[best].T, pieces, over, done, heads)

    def _room(self, letters: int) -> int:
        """Frames that a text may take: ten times as many as letters have on average, as far as the network goes."""
        most = self.network.most * (self.config.together if isinstance(self.network, AttentionSpeaker) else 1)
        return max(1, min(most, round(10 * self.data.lasting * letters)))

    def aligned(self, means: Tensor, batch: ClipBatch) -> Tensor:
        """Expected frames (B, S, bands) of a batch's letters -> how many frames each letter has (B, S) int64"""
        frames = torch.from_numpy(batch.frames).to(means.device)
        likely = scores(means.detach().float(), frames).cpu().numpy()
        found = monotonic_alignment(likely, (~batch.padding).sum(1), batch.lengths)
        return torch.from_numpy(found).to(means.device)

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """Held-out clips: all of them when `exact`, else a few. `val_loss` is the error of each frame with the right one before
        it, or with the durations of the recording; what is spoken without is compared with the recording whatever its pace
        (`mel_error`, dB). The last is the result; yields nothing where there are no clips."""
        held = self.data.held
        if not exact:
            held = held[:_SAMPLED]
        if not len(held):
            return
        sums = _Sums()
        for first in range(0, len(held), _ROWS):
            self._forced(held[first : first + _ROWS], sums)
            yield Measured({}, 0.2 * first / len(held))
        for done, index in enumerate(held.tolist()):
            for _ in self._compared(index, sums):
                yield Measured({}, 0.2 + 0.7 * done / len(held))
        values = sums.means()
        if sums.heads:
            values["diagonality"] = float(np.mean(sums.heads, 0).max())
        if not exact:
            yield Measured(values)
            return
        known = yield from simple_errors(self.data, held)
        yield Measured(values, answer={**values, **known, "clips": len(held), "unit": "dB", "split": "held-out"})

    @torch.no_grad()
    def _forced(self, clips: NDArray[np.int64], sums: _Sums) -> None:
        """With the right frames before each, or the right durations."""
        network = self.network
        together = network.together if isinstance(network, AttentionSpeaker) else 1
        batch = padded(self.data, clips, together)
        ids, padding, voices, frames = self.tensors(batch)
        with evaluating(network):
            if isinstance(network, AttentionSpeaker):
                said = network(ids, padding, voices, frames, torch.Generator().manual_seed(0))
                made, weights = said.refined, said.weights.float().cpu().numpy()
                for row, letters in enumerate((~batch.padding).sum(1).tolist()):
                    own = weights[row, :, : steps_of(int(batch.lengths[row]), together), :letters]
                    sums.heads.append(np.array([diagonality(head) for head in own]))
            else:
                x, means = network.encode(ids, padding, voices)
                durations = self.aligned(means, batch)
                made, _ = network.decode(x, durations)
                lasting = network.lasting(x, padding)
                for row, letters in enumerate((~batch.padding).sum(1).tolist()):
                    own = durations[row, :letters].cpu().numpy()
                    sums.heads.append(np.array([diagonality(path_of(own))]))
                    off = lasting[row, :letters].exp().cpu().numpy() - own
                    sums.add(duration_error=float(np.abs(off).mean()) * 1000 * self.config.hop / self.data.sound.rate)
        for row, length in enumerate(batch.lengths.tolist()):
            off = (made[row, :length] - frames[row, :length]).abs().mean()
            sums.add(val_loss=float(off) * self.data.deviation * PER_NEPER)

    def _compared(self, index: int, sums: _Sums) -> Iterator[Utterance]:
        """Spoken without any help."""
        real = self.data.mels[index]
        said = None
        for said in self.spoken(self.data.letters(index), int(self.data.voices.of[index]), 1.0, 0, round(_BEYOND * len(real))):
            yield said
        assert said is not None
        made = (said.mels - self.data.mean) / self.data.deviation
        sums.add(
            mel_error=warped_error(made, real) * self.data.deviation * PER_NEPER,
            length_error=abs(len(made) - len(real)) / len(real),
        )
        if not self.paced:
            sums.add(stopped=float(said.complete), coverage=covered(said.alignment.T), going_back=going_back(said.alignment.T))

    def tensors(self, batch: ClipBatch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """letters, padding, voices, frames"""
        letters, padding, voices, frames = (
            torch.from_numpy(part).to(self.device, non_blocking=True)
            for part in (batch.letters, batch.padding, batch.voices, batch.frames)
        )
        return letters, padding, voices, frames

    def _tensor(self, letters: Array) -> Tensor:
        return torch.from_numpy(np.asarray(letters, np.int64)).to(self.device)


def simple_errors(data: SpokenData, held: NDArray[np.int64]) -> Generator[Measured, None, dict[str, float]]:
    """What needs no network, on held-out clips, in dB: the mean spectrum at all times (`mean_mel_error`), and the training clip
    whose text is the nearest (`nearest_clip_mel_error`), of the same voice where there is one."""
    nearest = list[float]()
    letters = {index: data.letters(index).tolist() for index in data.train.tolist()}
    for done, index in enumerate(held.tolist()):
        real = data.mels[index]
        voice = data.voices.of[index]
        same = [each for each in data.train.tolist() if data.voices.of[each] == voice] or data.train.tolist()
        found = same[nearest_text(data.letters(index).tolist(), [letters[each] for each in same])]
        nearest.append(warped_error(data.mels[found], real))
        yield Measured({}, 0.9 + 0.1 * done / len(held))
    return {"mean_mel_error": mean_error(data), "nearest_clip_mel_error": float(np.mean(nearest)) * data.deviation * PER_NEPER}


def build(config: TTSConfig, data: SpokenData) -> AttentionSpeaker | DurationSpeaker:
    """The network of these settings for the letters of the data."""
    frames = round(min(config.longest * 2, MOST_SECONDS) * data.sound.rate / config.hop) + 1
    letters = _architecture(config, data.vocabulary, MOST_LETTERS)
    if config.architecture == "durations":
        decoder = _architecture(config, 1, frames)
        return DurationSpeaker(letters, decoder, config.bands, convolutions=config.convolutions, voices=config.voices)
    decoder = _architecture(config, 1, steps_of(frames, config.together))
    return AttentionSpeaker(
        letters, decoder, config.bands, together=config.together, convolutions=config.convolutions, postnet=config.postnet,
        voices=config.voices, prenet=config.prenet, prenet_dropout=config.prenet_dropout,
        frame_dropout=config.frame_dropout,
        rate=data.lasting / config.together if config.diagonal_start else 1.0, alike=config.diagonal_start,
    )  # fmt: skip


def _architecture(config: TTSConfig, vocabulary: int, context: int) -> Architecture:
    return Architecture(
        vocabulary=vocabulary, context=context, layers=config.layers, heads=config.heads, d_model=config.d_model,
        d_head=config.d_model // config.heads, d_ff=config.ff_width, activation="relu", positions="none", norm="layernorm",
        bias=True, dropout=config.dropout,
    )  # fmt: skip
