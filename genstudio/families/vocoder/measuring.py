"""How near resynthesised sound comes to the real one, beside what comes without learning."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from genstudio.families.vocoder.data import tested
from genstudio.nn.spectrogram import stft
from genstudio.training.learner import Measured

if TYPE_CHECKING:
    from genstudio.families.vocoder.model import VocoderModel

CLIPS = 8
"""Held-out clips of an evaluation that is not exact."""
_FLOOR = 1e-3
_PACED = 3


class Baselines:
    """What Griffin-Lim and random phases reach on each clip, worked out once."""

    def __init__(self, model: VocoderModel) -> None:
        self._model = model
        self._known: dict[int, dict[str, float]] = {}

    def of(self, index: int, wave: Tensor, mels: Tensor) -> dict[str, float]:
        """Errors of a clip."""
        if index not in self._known:
            model = self._model
            found = errors(model, wave, mels, model.griffin_lim(mels), "griffin_lim_")
            random = model.griffin_lim(mels, 0)
            self._known[index] = found | {"random_phase_mel_error": mel_error(model, mels, random)}
        return self._known[index]


def measure(model: VocoderModel, exact: bool) -> Iterator[Measured]:
    """`mel_error` is the mean distance of natural log-mels, `stft_error` that of log magnitudes of windows of half, twice and
    four times the length, which nothing was fitted to; the same of Griffin-Lim and of random phases. Means over held-out clips, a
    second of each counts the same. `real_time_factor` is computing time of one thread per second of sound."""
    chosen = tested(model.data, len(model.data.held) if exact else CLIPS).tolist()
    sums: dict[str, float] = {}
    seconds = 0.0
    for place, index in enumerate(chosen):
        wave = model.wave_of(index)
        mels = model.mels(wave)
        weight = len(wave) / model.data.rate
        found = errors(model, wave, mels, model.made(mels)) | model.baselines.of(index, wave, mels)
        for name, value in found.items():
            sums[name] = sums.get(name, 0.0) + weight * value
        seconds += weight
        if place + 1 < len(chosen):
            yield Measured(done=(place + 1) / len(chosen))
    if not chosen:
        return
    values = {name: value / seconds for name, value in sums.items()}
    more = {"real_time_factor": _pace(model, chosen[:_PACED]), "clips": float(len(chosen)), "seconds": seconds}
    yield Measured(values, answer=values | more)


def errors(model: VocoderModel, wave: Tensor, mels: Tensor, made: Tensor, prefix: str = "") -> dict[str, float]:
    """Of a made wave beside the real one (T,) and its log-mels."""
    window = model.config.window
    apart = [
        (_magnitudes(made, size) - _magnitudes(wave, size)).abs().mean() for size in (window // 2, 2 * window, 4 * window)
    ]
    return {f"{prefix}mel_error": mel_error(model, mels, made), f"{prefix}stft_error": float(torch.stack(apart).mean())}


def mel_error(model: VocoderModel, mels: Tensor, made: Tensor) -> float:
    """The mean distance of the natural log-mels of a made wave (T,) from those that it was made of."""
    return float((model.mels(made) - mels).abs().mean())


def _magnitudes(wave: Tensor, size: int) -> Tensor:
    return stft(wave, size, size // 4).abs().clamp_min(_FLOOR).log()


def _pace(model: VocoderModel, chosen: list[int]) -> float:
    """Found once for a model: it is one of the network and the computer, not of weights."""
    if model.pace is None:
        spent = seconds = 0.0
        for index in chosen:
            mels = model.mels(model.wave_of(index))
            began = time.thread_time()
            model.made(mels)
            spent += time.thread_time() - began
            seconds += (mels.shape[-1] - 1) * model.config.hop / model.data.rate
        model.pace = spent / seconds
    return model.pace
