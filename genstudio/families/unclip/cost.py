"""What text to picture costs and is made of, by closed formula and without torch."""

from __future__ import annotations

import functools

from genstudio.config import value_words
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.samples import Shape
from genstudio.data.tokenizers.special import SpecialTokenizer
from genstudio.errors import GenstudioError
from genstudio.families import denoising, towers
from genstudio.families.denoising import CONDITION, WORDS
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.towers import Towers
from genstudio.families.unclip.config import UnclipConfig
from genstudio.families.unclip.data import find_reader, towers_of
from genstudio.nn import cost as networks
from genstudio.nn.cost import Network


def cost(config: UnclipConfig, info: DatasetInfo, _tokens: int) -> Cost:
    """What a training costs: the decoder and its average, the prior and the towers that it stands on; the last are left out where
    there is no run to read with."""
    shape, batch = Shape.of(info), config.batch
    network = decoder(config, shape, _numbers(config, info))
    trained, frozen = network + _prior(config, _numbers(config, info)), _frozen(config, info)
    held = 4 * (4 * trained.parameters + network.parameters + frozen.parameters + 3 * batch * (trained.held + 3 * shape.numbers))
    work = batch * (6 * trained.work + 2 * frozen.work)
    return Cost(trained.parameters + network.parameters + frozen.parameters, held, work, batch)


def decoder(config: UnclipConfig, shape: Shape, numbers: int) -> Network:
    """The cost of the network that removes noise."""
    told = denoising.told_time() + networks.linear(numbers, CONDITION) + Network(CONDITION, 0, 0)
    return told + denoising.unet(config, shape)


def _prior(config: UnclipConfig, numbers: int) -> Network:
    if not config.has_prior:
        return Network(0, 0, 0)
    width = config.prior_width
    return networks.hidden(numbers, width, config.prior_layers, kind="residual") + networks.linear(width, numbers)


def _read(config: UnclipConfig, info: DatasetInfo) -> tuple[Towers, int] | None:
    try:
        start = find_reader(config.reader, info.id)
        return _towers(str(start.run.folder))
    except GenstudioError:
        return None


@functools.lru_cache(maxsize=16)
def _towers(folder: str) -> tuple[Towers, int] | None:
    """The towers of a run, which never change, and the tokens that they know."""
    from genstudio.families.start import Start
    from genstudio.runs import Run

    start = Start(Run.open(folder))
    tokenizer = start.tokenizer
    return None if tokenizer is None else (towers_of(start.values), SpecialTokenizer(tokenizer).size)


def _numbers(config: UnclipConfig, info: DatasetInfo) -> int:
    found = _read(config, info)
    return Towers().embedding if found is None else found[0].embedding


def _frozen(config: UnclipConfig, info: DatasetInfo) -> Network:
    found, shape = _read(config, info), Shape.of(info)
    if found is None or not towers.readable(found[0], shape):
        return Network(0, 0, 0)
    return towers.picture_tower(found[0], shape) + towers.text_tower(*found)


def drawing(config: UnclipConfig, info: DatasetInfo, _tokens: int) -> Drawing:
    """How a picture is learned from, and how one is made of a text."""
    shape, numbers = Shape.of(info), _numbers(config, info)
    size, vector = f"{shape.height} x {shape.width} pixels", f"{numbers} numbers, length 1"
    found = _read(config, info)
    theirs = (0, 0) if found is None or not towers.readable(found[0], shape) else (
        towers.picture_tower(found[0], shape).parameters, towers.text_tower(*found).parameters,
    )  # fmt: skip
    pictures = Part("Picture tower", "frozen", theirs[0], module="pictures")
    texts = Part("Text tower", "frozen", theirs[1], module="texts")
    decodes = Part("Decoder", f"U-Net, {config.channels} channels", decoder(config, shape, numbers).parameters, module="network")
    of_prior = f"{config.prior_layers} blocks of {config.prior_width}" if config.prior else "off: texts pass it by"
    prior = Part("Prior", of_prior, _prior(config, numbers).parameters, module="prior")
    learned = (Part("Picture", size), pictures) if config.has_prior else (Part("Caption", "tokens"), texts)
    again = texts if config.has_prior else Part("Text tower", "the same", module="texts")
    between = (prior,) if config.has_prior else ()
    return (
        Chain((*learned, Part("Vector", vector), decodes, Part("Prediction", WORDS[config.objective])), "Trained"),
        Chain(
            (Part("Text", "tokens"), again, *between, Part("Vector", vector),
             Part("EMA of the decoder", f"{value_words(config.sampler)}, {config.sampling_steps} steps",
                  decoder(config, shape, numbers).parameters, module="average"), Part("Picture", size)),
            "From text to picture",
        ),
    )  # fmt: skip
