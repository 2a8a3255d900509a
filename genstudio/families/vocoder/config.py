"""Settings of the vocoder family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import setting
from genstudio.errors import Problem
from genstudio.families.settings import AdversarialDescent, Batches, Descent, SampleRate, Split, restated

_HIFI = "Kong et al. 2020"
_PERIODS, _KERNELS, _DILATIONS, _FASTEST = (2, 3, 5, 7, 11), (3, 7, 11), (1, 3, 5), 8


class VocoderConfig(AdversarialDescent, Batches, Split):
    """Settings of a generator of sound from mel spectrograms, of its discriminators and of its losses."""

    rate: SampleRate = setting(
        "8000", "Samples per second. A telephone has 8,000; twice as many take twice the time. data: as the clips are",
        group="Data", main=True, label="Sample rate",
    )
    window: int = setting(
        512, "Samples in each window of the spectrogram, as many as text to speech has", low=32, high=4096, group="Data",
        label="Window",
        source="Griffin & Lim 1984; a quarter of it as the hop: Kong et al. 2020",
    )
    hop: int = setting(
        128, "Samples between two columns of the spectrogram; a power of two", low=8, high=1024, group="Data", label="Hop",
    )
    bands: int = setting(
        40, "Mel bands of the spectrogram: all that the generator is told of a sound", low=8, high=256, group="Data", main=True,
        label="Mel bands", source="Davis & Mermelstein 1980",
    )
    channels: int = setting(
        96, "Channels of the generator, halved by each upsampling", low=4, high=1024, group="Generator", main=True,
        source=_HIFI,
    )
    upsampling: int = setting(
        1, "Columns that transposed convolutions make of one; an inverse STFT of learned magnitudes and phases does the rest. As "
        "large as the hop: convolutions do it all, as in HiFi-GAN, at many times the cost", low=1, high=1024, group="Generator",
        main=True, source=f"{_HIFI}; inverse STFT: Kaneko et al. 2022; alone: Siuzdak 2023, Lv et al. 2024",
    )
    projections: int = setting(
        8, "Steps of Griffin-Lim inside the generator, after its phases: they make neighbouring windows agree", low=0, high=32,
        group="Generator", main=True, when="upsampling=1", label="Projections", source="Masuyama et al. 2019",
    )
    further: int = setting(
        0, "More such steps whenever it makes sound, but not in training, where they would cost most of the time", low=0,
        high=128, group="Generator", when="upsampling=1", label="Further projections",
    )
    kernels: int = setting(
        2, "Residual blocks side by side, with kernels of 3, 7 and 11: how many stretches are seen at once", low=1, high=3,
        group="Generator", label="Receptive fields", source=f"{_HIFI}, 2.2",
    )
    dilations: int = setting(
        2, "Convolutions in each residual block, with dilations of 1, 3 and 5", low=1, high=3, group="Generator",
        source=f"{_HIFI}, 2.2",
    )
    periods: int = setting(
        3, "Discriminators that look at every 2nd, 3rd, 5th, 7th and 11th sample", low=1, high=5, group="Discriminators",
        main=True, label="Periods", source=f"{_HIFI}, 2.3",
    )
    scales: int = setting(
        2, "Discriminators that look at the wave, at half and at a quarter of its rate. 0: none", low=0, high=3,
        group="Discriminators", main=True, label="Scales", source="Kumar et al. 2019",
    )
    d_channels: int = setting(
        8, "Channels of the first layer of each discriminator, doubled by each further one", low=2, high=256,
        group="Discriminators", label="Channels",
    )
    loss: Literal["least_squares", "hinge"] = setting(
        "least_squares", "Objective of generator and discriminators", group="Loss", live=True,
        source="least_squares: Mao et al. 2017; hinge: Lim & Ye 2017",
    )
    adversarial: float = setting(
        1.0, "Weight of the discriminators' opinion in the generator's loss", low=0, high=100, group="Loss", live=True, main=True,
        label="Adversarial loss", source=_HIFI,
    )
    feature: float = setting(
        2.0, "Weight of feature matching: in every layer of the discriminators, the features of what is made should be those of "
        "the real sound", low=0, high=100, group="Loss", live=True, main=True, label="Feature matching",
        source=f"Kumar et al. 2019; {_HIFI}, equation 6",
    )
    mel: float = setting(
        45.0, "Weight of the mel loss: the mean distance between the log-mels of what is made and of the real sound", low=0,
        high=1000, group="Loss", live=True, main=True, label="Mel loss", source=f"{_HIFI}, equation 5",
    )
    join: int = setting(
        0, "Steps of the generator alone, by the mel loss, before the discriminators join", low=0, high=1_000_000, group="Loss",
        label="Discriminators join after", live=True,
    )
    segment: int = setting(
        32, "Columns of the spectrogram in each piece that is trained on", low=8, high=512, group="Training", label="Columns",
        source=_HIFI,
    )
    d_rate: float = restated(
        AdversarialDescent, "d_rate", 1e-3, help="Step size of the discriminators' Adam", label="Discriminators' rate"
    )
    g_rate: float = restated(AdversarialDescent, "g_rate", 2e-3)
    beta1: float = restated(AdversarialDescent, "beta1", 0.8)
    beta2: float = restated(AdversarialDescent, "beta2", 0.99)
    hold: float = restated(AdversarialDescent, "hold", 0.3)
    clip: float = restated(Descent, "clip", 100.0)
    batch: int = restated(Batches, "batch", 4, help="Pieces of sound in one update")
    examples: int = restated(Batches, "examples", 0, help="Train on only this many clips, to see the effect of too few; 0: all")
    evaluate_every: int = restated(Batches, "evaluate_every", 250)

    def rules(self) -> Iterator[Problem]:
        if self.hop & (self.hop - 1):
            yield Problem("hop", f"a hop of {self.hop} is not a power of two; choose {1 << (self.hop.bit_length() - 1)}")
        elif self.hop % self.upsampling or self.upsampling & (self.upsampling - 1):
            yield Problem("upsampling", f"a hop of {self.hop} has no part of {self.upsampling}; choose a power of two up to it")
        elif self.channels >> len(self.rates) < 1:
            yield Problem("channels", f"{self.channels} channels cannot be halved {len(self.rates)} times")
        if self.window < 2 * self.hop:
            yield Problem("window", f"windows of {self.window} samples leave gaps at a hop of {self.hop}; choose {2 * self.hop}")
        if self.window % 2:
            yield Problem("window", f"a window of {self.window} samples has no half; choose {self.window + 1}")
        if self.bands > self.window // 4:
            yield Problem("bands", f"a window of {self.window} samples has room for {self.window // 4} bands at most")

    @property
    def rates(self) -> tuple[int, ...]:
        """How many columns each transposed convolution makes of one."""
        found, left = [], self.upsampling
        while left > 1:
            found.append(min(left, _FASTEST))
            left //= found[-1]
        return tuple(found)

    @property
    def left(self) -> int:
        """Samples that the head makes of a column: 1 where convolutions did it all."""
        return self.hop // self.upsampling

    @property
    def outputs(self) -> int:
        """Numbers that the last convolution makes of a column: a sample, or magnitudes and phases."""
        return 1 if self.left == 1 else 2 * ((self.window if self.upsampling == 1 else 4 * self.left) // 2 + 1)

    @property
    def receptive(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Kernels and dilations of the residual blocks."""
        return _KERNELS[: self.kernels], _DILATIONS[: self.dilations]

    @property
    def chosen_periods(self) -> tuple[int, ...]:
        """How far the samples lie apart that each discriminator of periods looks at."""
        return _PERIODS[: self.periods]

    @property
    def samples(self) -> int:
        """Samples in each piece."""
        return self.segment * self.hop

    @property
    def bounded(self) -> bool:
        """The discriminators' opinions are no probabilities, whatever the loss."""
        return False
