"""Training of a model of speech: hidden frames to be recognised or transcripts to be written, one update, and things to look
at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genstudio.data.audio.samples import to_int16, to_mu_law
from genstudio.evaluation.recognition import counted
from genstudio.events import Array, Snapshot
from genstudio.families.speech.config import SpeechConfig
from genstudio.families.speech.data import Drawn, draw
from genstudio.families.speech.model import SpeechModel
from genstudio.families.stack_training import Stepper
from genstudio.nn import speech
from genstudio.nn.modes import evaluating
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.confusion import Confusion
from genstudio.snapshots.listening import ClipUnits, Listening
from genstudio.training.learner import EARLY, Tick, Values

_LOOKS, _COUNTED, _MOST_UNITS, _ATTENDED = 3, 24, 48, 96
"""Clips that are shown, whose units are counted; units and frames of attention that are shown at most."""
_BINS = 64


class SpeechLearner:
    """Trains a model of speech by its task. Everything random in step s is drawn from `seed` and s."""

    tokens_per_step = 0

    def __init__(self, model: SpeechModel, seed: int) -> None:
        config = model.config
        self.model, self.seed, self.step = model, seed, 0
        frozen = config.trained if config.task == "transcribe" else "all"
        for module in model.modules.values():
            module.train(config.dropout > 0 and frozen != "head")
        model.encoder.requires_grad_(frozen != "head")
        model.encoder.tokens.requires_grad_(frozen == "all")
        further = [module for name, module in model.modules.items() if name != "model"]
        self.stepper = Stepper(config, model.encoder, further, config.apart)
        self.optimizers: Mapping[str, torch.optim.Optimizer] = self.stepper.optimizers
        self.criterion = "loss_above_guessing" if config.task == "pretrain" else "val_loss"  # few units: a low loss, and easy
        self.evaluate_every, self.evaluate_early = config.evaluate_every, EARLY
        self.preview_every = 1.0
        self.threads: int | None = None
        self._shown = model.data.held if len(model.data.held) else model.data.train

    @property
    def config(self) -> SpeechConfig:
        return self.model.config

    def batch(self, step: int) -> tuple[tuple[Any, ...], ...]:
        """What a step learns from; depends on seed and step alone. Raises DataError when there is nothing to train on."""
        return tuple(
            tuple(torch.from_numpy(np.ascontiguousarray(part)) for part in drawn)
            for drawn in draw(self.config, self.model.data, self.seed, step)
        )

    def training_step(self, batch: tuple[tuple[Any, ...], ...], step: int, progress: float) -> Values:
        """One update. A gradient that is not finite changes nothing but is reported."""
        self.step = step
        parts = [self._backward(Drawn(*(part.numpy() for part in one)), progress, 1 / len(batch)) for one in batch]
        values = {name: torch.stack([part[name] for part in parts]).sum() for name in parts[0]}
        return {**values, **self.stepper.step(self.config, step, progress)}

    def temperature(self, progress: float) -> float:
        """Of the Gumbel noise: falls by the same factor in each step, to its last value at half of the training."""
        first, last = self.config.gumbel_start, self.config.gumbel_end
        return first * (last / first) ** min(2 * progress, 1.0)

    def _backward(self, drawn: Drawn, progress: float, share: float) -> dict[str, Tensor]:
        """The numbers of one part of a step, after its gradients were added."""
        if self.config.task == "transcribe":
            nats = self.model.ctc_nats(self.model.letter_scores(drawn), drawn)
            assert self.model.data.texts is not None
            loss = nats.sum() / int(self.model.data.texts.lengths[drawn.clips].sum())
            (loss * share).backward()
            return {"train_loss": loss.detach() * share}
        found = self.model.listen(drawn, self.temperature(progress))
        contrastive, diversity = speech.contrastive_loss(found.scores), speech.diversity_loss(found.logits)
        ((contrastive + self.config.diversity * diversity) * share).backward()
        right = (found.scores.detach().argmax(1) == 0).float().mean()
        return {
            "train_loss": contrastive.detach() * share, "diversity_loss": diversity.detach() * share,
            "train_accuracy": right * share,
        }  # fmt: skip

    def change(self, values: Mapping[str, Any]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def preview(self) -> Iterator[Snapshot | Tick]:
        """Some clips with what the model makes of them (channel `listening`), which units stand for which phones (`phones`), and
        where the frames of the first clip look (`attention`)."""
        if not len(self._shown):
            return
        looks = []
        for clip in self._shown[:_LOOKS].tolist():
            looks.append(self._look(clip))
            yield Tick()
        yield Listening("listening", self.step, tuple(looks), self.model.rate, self.config.hop, self.model.data.phones)
        if self.config.task == "pretrain" and self.model.data.phones:
            yield from self._count()
        yield self._attention(int(self._shown[0]))

    @torch.no_grad()
    def _look(self, clip: int) -> ClipUnits:
        model, data = self.model, self.model.data
        drawn = model.clip_drawn(clip)
        samples = to_int16(drawn.waves[0, : drawn.lengths[0]])
        segments = data.segments_of(clip)
        segments = np.minimum(segments[segments[:, 0] < len(samples)], [len(samples), len(samples), len(data.phones)])
        units, spans, letters = np.zeros((0, 0), np.int64), np.zeros((0, 2), np.int64), tuple[str, ...]()
        with evaluating(model.encoder):
            if model.quantiser is not None:
                waves, _, _ = model.tensors(drawn)
                units = model.quantiser(model.encoder.tokens(waves))[1][0].cpu().numpy()
            else:
                heard = model.heard(model.letter_scores(drawn)[0].cpu().double().numpy())
                spans, letters = heard.spans, heard.letters
        written = data.written[clip] if data.written else ""
        return ClipUnits(clip, to_mu_law(samples), spectrum(model, samples), segments, units, spans, letters, written)

    def _count(self) -> Iterator[Snapshot | Tick]:
        """How often each unit and each phone meet, the units that are used most, in the order of their phones."""
        model, names = self.model, self.model.data.phones
        units, phones = list[Array](), list[Array]()
        for _, found in model.units(self._shown[:_COUNTED]):
            units.append(model.unit_numbers(found.units))
            phones.append(model.phones_of(found.clips, found.places))
            yield Tick()
        numbers, sounds = np.concatenate(units), np.concatenate(phones)
        known = sounds >= 0
        if not known.any():
            return
        counts = counted(numbers[known], sounds[known], len(names))
        used = np.argsort(-counts.sum(1), kind="stable")[: min(_MOST_UNITS, int((counts.sum(1) > 0).sum()))]
        used = used[np.lexsort((-counts[used].max(1), counts[used].argmax(1)))]
        yield Confusion("phones", self.step, counts[used].T, names, columns=tuple(self._name(unit) for unit in used.tolist()))

    def _name(self, unit: int) -> str:
        """A unit by its entry in each codebook, "3.7"."""
        parts = list[str]()
        for _ in range(self.config.groups):
            unit, entry = divmod(unit, self.config.entries)
            parts.append(str(entry + 1))
        return ".".join(reversed(parts))

    def _attention(self, clip: int) -> Attention:
        model = self.model
        drawn = model.clip_drawn(clip)
        most = min(int(drawn.frames[0]), _ATTENDED)
        waves, _, _ = model.tensors(drawn)
        with evaluating(model.encoder):
            weights = model.encoder.attention(waves[:, : (most - 1) * self.config.hop + self.config.field])
        places = np.arange(most)
        phones = model.phones_of(np.full(most, clip), places)
        names = model.data.phones
        seconds = (places * self.config.hop + self.config.field / 2) / model.rate
        tokens = tuple(
            f"{names[phone]} {second:.2f}" if phone >= 0 else f"{second:.2f}"
            for phone, second in zip(phones.tolist(), seconds.tolist(), strict=True)
        )
        return Attention("attention", self.step, tokens, weights.float().cpu().numpy())


def spectrum(model: SpeechModel, samples: Array) -> Array:
    """The spectrogram of samples (T,) int16 in dB below the loudest, a column for each frame: (F, N) uint8, 255 for the
    loudest, 0 for 80 dB below it."""
    from genstudio.nn.spectrogram import stft

    size, hop = 256, model.config.hop
    while size < model.rate * 0.032:
        size *= 2
    with torch.inference_mode():
        power = stft(torch.from_numpy(samples.astype(np.float32) / 32767), size, hop).abs().square().numpy()
    rows = power[: power.shape[0] // _BINS * _BINS].reshape(_BINS, -1, power.shape[1]).mean(1)
    level = 10 * np.log10(np.maximum(rows, 1e-10))
    return np.clip(255 + (level - level.max()) * (255 / 80), 0, 255).astype(np.uint8)
