"""What a vocoder costs and is made of, by closed formula and without torch."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.vocoder.config import VocoderConfig
from genstudio.nn import cost as networks
from genstudio.nn.cost import Network

_NOISE = 8
"""Channels of noise that a generator without upsampling reads: `nn.vocoder.NOISE`."""


def generator(config: VocoderConfig, columns: int) -> Network:
    """The generator, for a spectrogram of so many columns."""
    bands = config.bands + (_NOISE if config.upsampling == 1 else 0)
    return networks.vocoder_generator(bands, config.channels, config.rates, config.outputs, *config.receptive, columns)


def discriminators(config: VocoderConfig, samples: int) -> Network:
    """All discriminators, for a wave of so many samples."""
    return networks.wave_discriminators(config.chosen_periods, config.scales, config.d_channels, samples)


def cost(config: VocoderConfig, _info: DatasetInfo | None = None, _tokens: int = 0) -> Cost:
    """What a training costs: parameters of all networks; bytes of weights, gradients, moments and activations; and the work of a
    step: real and made sound for the discriminators, then made sound for the generator, each there and back."""
    g, d = generator(config, config.segment + 1), discriminators(config, config.samples)
    forward = config.batch * (g.work + 4 * d.work)
    numbers = 4 * (g.parameters + d.parameters) + config.batch * (2 * g.held + 4 * d.held + 40 * config.samples)
    return Cost(g.parameters + d.parameters, 4.0 * numbers, 6.0 * forward, config.batch)


def drawing(config: VocoderConfig, _info: DatasetInfo, _tokens: int = 0) -> Drawing:
    """The generator from left to right, then the discriminators of a wave."""
    kernels, dilations = config.receptive
    field = f"kernels {', '.join(map(str, kernels))}"
    channels, parts = config.channels, [Part("Mel spectrogram", f"{config.bands} bands")]

    def inside(wide: int) -> int:
        return networks.receptive_field(wide, kernels, dilations, 1).parameters

    bands = config.bands + (_NOISE if config.upsampling == 1 else 0)
    parts.append(Part("Convolution", f"{channels} channels", channels * (7 * bands + 1), module="generator.first"))
    parts.append(Part("Receptive fields", field, inside(channels), module="generator.field"))
    for place, rate in enumerate(config.rates):
        taps = 2 * rate * channels * (channels // 2)
        channels //= 2
        parts.append(Part(f"Upsample {rate}x", f"{channels} channels", taps + channels, module=f"generator.ups.{place}"))
        parts.append(Part("Receptive fields", field, inside(channels), module=f"generator.fields.{place}"))
    if not config.rates:
        parts.append(Part("Receptive fields", field, inside(channels), module="generator.fields.0"))
    head = "tanh" if config.left == 1 else f"inverse STFT, hop {config.left}"
    parts.append(Part("Output", head, config.outputs * (7 * channels + 1), module="generator.last"))
    parts.append(Part("Wave", f"{config.hop} samples per column"))
    judges = [
        Part(f"Every {_nth(period)} sample", "convolutions along it", networks.wave_discriminators(
            (period,), 0, config.d_channels, config.samples).parameters, module=f"discriminators.periods.{place}")
        for place, period in enumerate(config.chosen_periods)
    ]  # fmt: skip
    judges += [
        Part("At its rate" if not scale else f"At 1/{2**scale} of its rate", "strided convolutions", networks.wave_discriminators(
            (), 1, config.d_channels, config.samples).parameters, module=f"discriminators.scales.{scale}")
        for scale in range(config.scales)
    ]  # fmt: skip
    return Chain(tuple(parts), "Generator"), Chain((Part("Real or made"), *judges, Part("Scores")), "Discriminators")


def _nth(period: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(period, f"{period}th")
