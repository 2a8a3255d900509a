"""Training of a model that speaks: clips, one update, and sentences to look at and to hear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from genstudio.data.audio.samples import to_int16, to_mu_law
from genstudio.evaluation.speaking import PER_NEPER
from genstudio.events import Array, Snapshot
from genstudio.families.abilities import Utterance
from genstudio.families.tts.config import TTSConfig
from genstudio.families.tts.data import MOST_LETTERS, ClipBatch, draw, padded
from genstudio.families.tts.model import TTSModel
from genstudio.nn.alignment import guided_loss, regulated
from genstudio.nn.speaking import AttentionSpeaker, DurationSpeaker
from genstudio.nn.spectrogram import mel_edges, wave_of
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.sound import Sound, Track
from genstudio.training.learner import EARLY, Tick, Values
from genstudio.training.optim import Adam, schedule
from genstudio.training.updates import Updates

_SHOWN = 3
_SEED = 2017
_PHASES = 12
"""Steps of Griffin-Lim for what is heard at every look."""
_BEYOND = 1.5


class TTSLearner:
    """Trains a model that speaks. Each preview speaks the same held-out sentences, and `sentence` before them where a person gave
    one."""

    def __init__(self, model: TTSModel, seed: int) -> None:
        config = model.config
        self.model, self.seed, self.step = model, seed, 0
        self.network = model.network.train()
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "adam": Adam(self.network.parameters(), config.learning_rate, (config.beta1, config.beta2))
        }
        self.updates = Updates([self.network], self.optimizers)
        self.evaluate_every, self.evaluate_early = config.evaluate_every, EARLY
        self.tokens_per_step, self.preview_every, self.criterion = 0, 2.0, "mel_error"
        self.threads: int | None = None
        held = model.data.held if len(model.data.held) else model.data.train
        self.shown = np.random.default_rng(_SEED).permutation(held)[:_SHOWN]
        self.sentence = ""

    @property
    def config(self) -> TTSConfig:
        return self.model.config

    def batch(self, step: int) -> tuple[Tensor, ...]:
        """The parts of a `ClipBatch`; depends on seed and step alone."""
        together = self.config.together if isinstance(self.network, AttentionSpeaker) else 1
        batch = padded(self.model.data, draw(self.config, self.model.data, self.seed, step), together)
        return tuple(torch.from_numpy(part).to(self.model.device, non_blocking=True) for part in batch)

    def training_step(self, batch: tuple[Tensor, ...], step: int, progress: float) -> Values:
        """One update. `train_loss` is the error of the frames in dB. A gradient that is not finite changes nothing but
        is reported."""
        self.step, config = step, self.config
        network = self.network
        found = self._attending(network, *batch) if isinstance(network, AttentionSpeaker) else self._lasting(network, *batch)
        found.pop("loss").backward()
        factor = schedule(
            config.schedule, progress, step, warmup=config.warmup, hold=config.hold, final=config.final_rate
        )
        self.updates.set_rates({"adam": config.learning_rate * factor})
        norm = self.updates.step(clip=config.clip)
        values = {name: value.detach() for name, value in found.items()}
        return {**values, "gradient_norm": norm, "learning_rate": config.learning_rate * factor}

    def change(self, values: Mapping[str, object]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})
        if isinstance(self.network, AttentionSpeaker):
            self.network.prenet.dropout, self.network.frame_dropout = self.config.prenet_dropout, self.config.frame_dropout

    def watch(self, values: Mapping[str, str]) -> None:
        """Speak another `sentence` from the next preview on."""
        self.sentence = values.get("sentence", self.sentence).strip()

    def opening(self, step: int) -> Iterator[Snapshot]:
        """The recordings of the sentences that will be spoken (channel `recorded`)."""
        data = self.model.data
        tracks = tuple(
            Track(self._title(row, index), "recorded", to_mu_law(data.sound.clip(index)),
                  _upright(data.logarithms(data.mels[index])), transcript=data.text_of(index))
            for row, index in enumerate(self.shown.tolist())
        )  # fmt: skip
        if tracks:
            yield self._sound("recorded", step, tracks)

    def preview(self) -> Iterator[Snapshot | Tick]:
        """The same held-out sentences as they are spoken now (channel `spoken`), and where all heads look in the first of all
        (`attention`), where there is attention."""
        tracks, first = list[Track](), None
        for title, letters, voice, most in self._sentences():
            text = self.model.tokenizer.decode(letters[1:-1])
            for said in self.model.spoken(letters, voice, 1.0, 0, most):
                newest = said
                yield Tick()
            first = first or newest
            yield Tick()
            tracks.append(self._track(title, text, newest))
        if first is None:
            return
        yield self._sound("spoken", self.step, tuple(tracks))
        if first.heads is not None:
            layers = self.config.layers
            weights = first.heads.reshape(layers, -1, *first.heads.shape[1:])
            seconds = self.config.together * self.config.hop / self.model.data.sound.rate
            times = tuple(f"{step * seconds:.2f} s" for step in range(weights.shape[2]))
            yield Attention("attention", self.step, first.letters, weights, times)

    def _sentences(self) -> Iterator[tuple[str, Array, int, int]]:
        """Title, letters, voice and the most frames of each: the person's, where it can be read, then the held-out ones."""
        data = self.model.data
        if self.sentence:
            letters, _ = self.model.read_text(self.sentence[: 4 * MOST_LETTERS])
            if 2 < len(letters) <= MOST_LETTERS:
                yield "Your sentence", letters, 0, max(10, round(3 * data.lasting * len(letters)))
        for row, index in enumerate(self.shown.tolist()):
            most = round(_BEYOND * len(data.mels[index]))
            yield self._title(row, index), data.letters(index), int(data.voices.of[index]), most

    def _title(self, row: int, index: int) -> str:
        return f"{row + 1}: {self.model.data.text_of(index)}"

    def _track(self, title: str, text: str, said: Utterance) -> Track:
        config, rate = self.config, self.model.data.sound.rate
        mels = _upright(said.mels)
        codes = to_mu_law(to_int16(wave_of(mels, rate, config.window, config.hop, _PHASES)))
        return Track(title, "spoken", codes, mels, alignment=said.alignment, symbols=said.letters, transcript=text)

    def _sound(self, channel: str, step: int, tracks: tuple[Track, ...]) -> Sound:
        rate = self.model.data.sound.rate
        return Sound(channel, step, tracks, rate, self.config.hop, mel_edges(rate, self.config.bands))

    def _attending(
        self, network: AttentionSpeaker, letters: Tensor, padding: Tensor, frames: Tensor, lengths: Tensor, voices: Tensor
    ) -> dict[str, Tensor]:
        """The loss of a decoder with attention, and its parts (Shen et al. 2018; Tachibana et al. 2018)."""
        config, said = self.config, network(letters, padding, voices, frames)
        real = torch.arange(frames.shape[1], device=frames.device) < lengths[:, None]
        before, after = (_error(mel, frames, real) for mel in (said.mel, said.refined))
        steps = (lengths + network.together - 1) // network.together
        at = torch.arange(said.stop.shape[1], device=frames.device)
        last, on = (at >= steps[:, None] - 1).float(), (at < steps[:, None]).float()
        weight = torch.tensor(config.stop_weight, device=frames.device)
        stop = (F.binary_cross_entropy_with_logits(said.stop, last, reduction="none", pos_weight=weight) * on).sum() / on.sum()
        away = guided_loss(said.weights, (~padding).sum(1), steps)
        loss = before + after + stop + config.guided * away
        return {"loss": loss, "train_loss": self._decibels(after), "stop_loss": stop, "guided_loss": away}

    def _lasting(
        self, network: DurationSpeaker, letters: Tensor, padding: Tensor, frames: Tensor, lengths: Tensor, voices: Tensor
    ) -> dict[str, Tensor]:
        """The loss of a decoder with durations, and its parts (Ren et al. 2019; Kim et al. 2020)."""
        config = self.config
        x, means = network.encode(letters, padding, voices)
        batch = ClipBatch(*(part.cpu().numpy() for part in (letters, padding, frames, lengths, voices)))
        durations = self.model.aligned(means, batch)
        mel, behind = network.decode(x, durations)
        expected, _ = regulated(means, durations)
        mels = _error(mel, frames, ~behind)
        prior = ((expected - frames).square().mean(-1) * ~behind).sum() / (~behind).sum()
        wanted, real = durations.clamp_min(1).float().log(), ~padding
        lasting = ((network.lasting(x, padding) - wanted).square() * real).sum() / real.sum()
        loss = mels + config.prior_weight * prior + config.duration_weight * lasting
        return {"loss": loss, "train_loss": self._decibels(mels), "alignment_loss": prior, "duration_loss": lasting}

    def _decibels(self, error: Tensor) -> Tensor:
        return error * (self.model.data.deviation * PER_NEPER)


def _error(made: Tensor, frames: Tensor, real: Tensor) -> Tensor:
    """Mean absolute difference (B, T, M) of the frames that are True in `real` (B, T)."""
    return ((made - frames).abs().mean(-1) * real).sum() / real.sum()


def _upright(mels: Array) -> Array:
    """(T, bands) -> (bands, T)"""
    return np.ascontiguousarray(mels.T)


