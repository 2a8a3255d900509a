"""What the stacks of `conv` and `dense` cost, by closed formula and without torch; tests hold it equal to what is built."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from genstudio.nn.sizes import doublings


class Network(NamedTuple):
    """Parameters; multiplications for one sample; numbers held for its backward pass."""

    parameters: int
    work: int
    held: int

    def __add__(self, other: object) -> Network:
        return Network(*(a + b for a, b in zip(self, other, strict=True))) if isinstance(other, Network) else NotImplemented


def linear(inputs: int, outputs: int) -> Network:
    """One linear layer with biases."""
    return Network(outputs * (inputs + 1), inputs * outputs, 0)


def hidden(inputs: int, width: int, layers: int, *, kind: str = "mlp", norm: str = "none") -> Network:
    """`dense.hidden_layers`."""
    if kind == "residual":
        inner = inputs * width + 2 * layers * width * width
        return Network(inner + width + 2 * layers * width, inner, width * (3 * layers + 2))
    inner = inputs * width + (layers - 1) * width * width
    return Network(inner + layers * width * (3 if norm == "batch" else 1), inner, 2 * layers * width)


def up(inputs: int, channels: int, size: int, outputs: int, *, kind: str, norm: str = "none") -> Network:
    """`conv.up`."""
    base, count = doublings(size)
    maps = [channels * 2 ** (count - 1 - index) for index in range(count)]
    normed = 2 if norm == "batch" else 0
    first = maps[0] * base * base
    total, work, held, side = first * (inputs + 1), first * inputs, 2 * first, base
    if kind == "residual":
        for now, after in zip(maps, [*maps[1:], maps[-1]], strict=True):
            side *= 2
            kernels = 9 * (now * after + after * after) + (now * after if now != after else 0)
            total, work = total + kernels + 2 * after + normed * (now + after), work + kernels * side * side
            held += side * side * (now + 4 * after)
        last = 9 * maps[-1] * outputs
        return Network(total + last + outputs + normed * maps[-1], work + last * side * side, held + outputs * side * side)
    total += normed * maps[0]
    for now, after in zip(maps, [*maps[1:], outputs], strict=True):
        kernels = 16 * now * after
        total, work = total + kernels + after, work + kernels * side * side
        side *= 2
        held += 2 * side * side * after
    return Network(total + normed * sum(maps[1:]), work, held)


def down(inputs: int, channels: int, size: int, *, kind: str) -> tuple[Network, int]:
    """`conv.down`, and its number of features."""
    base, count = doublings(size)
    maps = [channels * 2**index for index in range(count)]
    held = 0
    if kind == "residual":
        total, work = 9 * inputs * maps[0] + maps[0], 9 * inputs * maps[0] * size * size
        for now, after in zip([maps[0], *maps[:-1]], maps, strict=True):
            kernels = 9 * (now * after + after * after) + (now * after if now != after else 0)
            total, work, held = total + kernels + 2 * after, work + kernels * size * size, held + 5 * size * size * after
            size //= 2
        return Network(total, work, held), maps[-1]
    total = work = 0
    for now, after in zip([inputs, *maps[:-1]], maps, strict=True):
        size //= 2
        kernels = 16 * now * after
        total, work, held = total + kernels + after, work + kernels * size * size, held + 2 * size * size * after
    return Network(total, work, held), maps[-1] * base * base


def convolution(inputs: int, outputs: int, area: int, kernel: int = 9) -> Network:
    """A convolution with biases to maps of so many places; `kernel` is the number of its own."""
    return Network(outputs * (kernel * inputs + 1), kernel * inputs * outputs * area, outputs * area)


def translator(pixels: int, channels: int, halvings: int, blocks: int, area: int) -> Network:
    """`translator.Translator`, for pictures of so many places."""
    total = convolution(pixels, channels, area) + convolution(channels, pixels, area)
    for index in range(halvings):
        now, place = channels * 2**index, area // 4**index
        total += convolution(now, 2 * now, place // 4) + convolution(2 * now, now, place)
    wide, least = channels * 2**halvings, area // 4**halvings
    for _ in range(2 * blocks):
        total += convolution(wide, wide, least)
    return total


def patch_judge(pixels: int, channels: int, layers: int, area: int) -> Network:
    """`translator.PatchJudge`, for pictures of so many places."""
    total = Network(0, 0, 0)
    for index in range(layers):
        area //= 4
        total += convolution(pixels, channels * 2**index, area, 16)
        pixels = channels * 2**index
    return total + convolution(pixels, 1, area)


def modulated(numbers: int, width: int, layers: int, condition: int) -> Network:
    """`dense.ModulatedMLP`."""
    layer = 2 * width * width + condition * width
    work = 2 * numbers * width + layers * layer
    return Network(work + (2 * layers + 1) * width + numbers, work, width * (4 * layers + 3))


def unet(
    pixels: int, channels: int, halvings: int, condition: int, height: int, width: int, *, blocks: int = 1,
    attention: bool = True, patch: int = 1,
) -> Network:  # fmt: skip
    """`unet.UNet`, for pictures of height x width."""
    maps = [channels] + [2 * channels] * halvings
    unit, wide, pixels = patch * 2**halvings, maps[-1], pixels * patch**2
    area = (height + -height % unit) * (width + -width % unit) // patch**2
    places = [area // 4**index for index in range(halvings + 1)]

    conv = convolution

    def block(inputs: int, outputs: int, area: int) -> Network:
        norms = Network(2 * (inputs + outputs), 0, 2 * area * (inputs + 2 * outputs))
        whole = conv(inputs, outputs, area) + conv(outputs, outputs, area) + linear(condition, 2 * outputs) + norms
        return whole + conv(inputs, outputs, area, 1) if inputs != outputs else whole

    total, before = conv(pixels, channels, places[0]), channels
    for index, size in enumerate(maps):
        for number in range(blocks):
            total += block(size if number else before, size, places[index])
        if index < halvings:
            total += conv(size, size, places[index + 1])
        before = size
    total += block(wide, wide, places[-1]) + block(wide, wide, places[-1])
    if attention:
        area = places[-1]
        scores = Network(2 * wide, 2 * area * area * wide, area * (area + wide))
        total += conv(wide, 3 * wide, area, 1) + conv(wide, wide, area, 1) + scores
    for index, size in reversed(list(enumerate(maps))):
        for number in range(blocks):
            total += block(size if number else before + size, size, places[index])
        if index:
            total += conv(size, size, places[index - 1])
        before = size
    return total + Network(2 * channels, 0, 2 * channels * places[0]) + conv(channels, pixels, places[0])


def growing_generator(latent: int, maps: Sequence[int], pixels: int, classes: int = 0) -> Network:
    """`growing.GrowingGenerator` at its full size."""
    told = 16 if classes else 0
    total = linear(latent + told, 16 * maps[0]) + convolution(maps[0], maps[0], 16) + Network(told * classes, 0, 0)
    for stage, (before, now) in enumerate(itertools.pairwise(maps), 1):
        area = 16 * 4**stage
        total += convolution(before, now, area) + convolution(now, now, area)
    for stage, now in enumerate(maps):
        last = convolution(now, pixels, 16 * 4**stage, 1)
        total += last if stage == len(maps) - 1 else Network(last.parameters, 0, 0)
    return total


def growing_discriminator(maps: Sequence[int], pixels: int, deviation: bool, classes: int = 0) -> Network:
    """`growing.GrowingDiscriminator` at its full size."""
    total = convolution(maps[0] + int(deviation), maps[0], 16) + linear(16 * maps[0], maps[0]) + linear(maps[0], 1)
    total += Network(classes * maps[0], 0, 0)
    for stage, (before, now) in enumerate(itertools.pairwise(maps), 1):
        area = 16 * 4**stage
        total += convolution(now, now, area) + convolution(now, before, area)
    for stage, now in enumerate(maps):
        first = convolution(pixels, now, 16 * 4**stage, 1)
        total += first if stage == len(maps) - 1 else Network(first.parameters, 0, 0)
    return total


def vocoder_generator(
    bands: int, channels: int, rates: Sequence[int], outputs: int, kernels: Sequence[int], dilations: Sequence[int], columns: int
) -> Network:
    """`vocoder.VocoderGenerator` for a spectrogram of so many columns, which makes so many numbers of each at its end."""
    total = convolution(bands, channels, columns, 7)
    for rate in (1, *(rates or (1,))):
        if rate > 1:
            taps = 2 * rate * channels * (channels // 2)
            channels //= 2
            total += Network(taps + channels, taps * columns, 2 * channels * columns * rate)
            columns *= rate
        total += receptive_field(channels, kernels, dilations, columns)
    return total + convolution(channels, outputs, columns, 7)


def receptive_field(channels: int, kernels: Sequence[int], dilations: Sequence[int], columns: int) -> Network:
    """`vocoder.MultiReceptiveField`."""
    total = Network(0, 0, 0)
    for kernel in kernels:
        for _ in dilations:
            total += convolution(channels, channels, columns, kernel) + Network(0, 0, channels * columns)
    return total


def wave_discriminators(periods: Sequence[int], scales: int, channels: int, samples: int) -> Network:
    """`vocoder.WaveDiscriminators` for a wave of so many samples."""
    total = Network(0, 0, 0)
    for period in periods:
        rows, now = -(-samples // period), 1
        for after in (channels, 2 * channels, 4 * channels):
            rows = -(-rows // 3)
            total += convolution(now, after, rows * period, 5)
            now = after
        total += convolution(now, 1, rows * period, 3)
    for halvings in range(scales):
        columns = samples >> halvings
        total += convolution(1, channels, columns, 15)
        for now in (channels, 2 * channels):
            groups, columns = math.gcd(4, now), -(-columns // 4)
            total += convolution(now // groups, 2 * now, columns, 21)
        total += convolution(4 * channels, 1, columns, 3)
    return total
