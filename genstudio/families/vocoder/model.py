"""A vocoder as it is used (Kong et al. 2020): mel spectrograms become sound."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.audio.samples import to_int16, to_wave
from genstudio.data.learnable.audio import AudioData
from genstudio.events import Array
from genstudio.families.abilities import MelForm
from genstudio.families.vocoder.config import VocoderConfig
from genstudio.families.vocoder.measuring import Baselines, measure
from genstudio.nn import spectrogram
from genstudio.nn.vocoder import VocoderGenerator, WaveDiscriminators
from genstudio.training.learner import Measured

_STEPS = 32
"""Of Griffin-Lim, as is usual."""


class VocoderModel:
    """A generator of sound and its discriminators."""

    def __init__(self, config: VocoderConfig, data: AudioData, device: str, seed: int) -> None:
        self.config, self.device = config, torch.device(device)
        self.filters = spectrogram.mel_filters(data.rate, config.window, config.bands).to(self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator = VocoderGenerator(
                self.filters, config.hop, config.channels, config.rates, *config.receptive, config.projections
            )
            self.discriminators = WaveDiscriminators(config.chosen_periods, config.scales, config.d_channels)
        self.modules: Mapping[str, nn.Module] = {"generator": self.generator, "discriminators": self.discriminators}
        for module in self.modules.values():
            module.to(self.device)
        self.pace: float | None = None
        self._take(data)

    def on(self, data: AudioData) -> VocoderModel:
        """The same networks with other data."""
        other = copy.copy(self)
        other._take(data)
        return other

    def _take(self, data: AudioData) -> None:
        self.data = data
        self.baselines = Baselines(self)

    @property
    def mel_form(self) -> MelForm:
        config = self.config
        return MelForm(self.data.rate, config.window, config.hop, config.bands)

    def mels(self, waves: Tensor) -> Tensor:
        """waves (..., T) -> log-mels (..., bands, 1 + T // hop)"""
        return spectrogram.log_mel(waves, self.filters, self.config.window, self.config.hop)

    @torch.no_grad()
    def made(self, mels: Tensor) -> Tensor:
        """log-mels (bands, N) -> wave ((N - 1) hop,)"""
        wave: Tensor = self.generator(mels[None], further=self.config.further)[0]
        return wave

    @torch.no_grad()
    def griffin_lim(self, mels: Tensor, steps: int = _STEPS) -> Tensor:
        """The same without anything learnt: magnitudes that have these mels, and phases that fit them; random ones where `steps`
        is 0."""
        config = self.config
        length = (mels.shape[-1] - 1) * config.hop
        return spectrogram.griffin_lim(
            spectrogram.magnitudes_of(mels, self.filters), config.window, config.hop, length, steps
        )

    def mels_of(self, samples: Array) -> NDArray[np.float32]:
        """Samples (T,) int16 -> log-mels (bands, 1 + T // hop)"""
        return self.mels(torch.from_numpy(to_wave(samples)).to(self.device)).cpu().numpy()

    def vocode(self, mels: Array, *, learnt: bool = True) -> NDArray[np.int16]:
        """Log-mels (bands, N) -> samples ((N - 1) hop,) int16, by the generator or by Griffin-Lim."""
        given = torch.from_numpy(np.require(mels, np.float32, ["C", "W"])).to(self.device)
        return to_int16((self.made(given) if learnt else self.griffin_lim(given)).cpu().numpy())

    def wave_of(self, index: int) -> Tensor:
        """A clip of the data as whole columns (T // hop * hop,), in [-1, 1]."""
        clip = self.data.clip(index)
        return torch.from_numpy(to_wave(clip[: max(len(clip) // self.config.hop, 1) * self.config.hop])).to(self.device)

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """How near the sound that is made of the mels of held-out clips comes to them, beside Griffin-Lim; see `measure`."""
        yield from measure(self, exact)
