"""What two towers cost and are made of, by closed formula and without torch."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.samples import Shape
from genstudio.families import towers
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.imagetext.config import ImageTextConfig

_TEMPERATURE = 1


def cost(config: ImageTextConfig, info: DatasetInfo, tokens: int) -> Cost:
    """What a training costs for a vocabulary of so many tokens; nothing where the towers cannot read such pictures."""
    shape = Shape.of(info)
    if not towers.readable(config, shape):
        return Cost(0, 0.0, 0.0, config.batch)
    pictures, texts = towers.picture_tower(config, shape), towers.text_tower(config, tokens)
    both = pictures + texts
    count = both.parameters + _TEMPERATURE
    work = config.batch * (both.work + config.batch * config.embedding)
    held = 4 * (4 * count + 3 * config.batch * (both.held + 3 * shape.numbers + 2 * config.batch))
    return Cost(count, held, 6 * work, config.batch)


def drawing(config: ImageTextConfig, info: DatasetInfo, tokens: int) -> Drawing:
    """Both towers, and where they meet."""
    shape = Shape.of(info)
    size = f"{shape.width} x {shape.height} pixels"
    if not towers.readable(config, shape):
        return (Chain((Part("Picture", size), Part("No tower", "of this kind reads these"))),)
    inside = "convolutions" if config.pictures == "conv" else f"{config.picture_layers} blocks over patches of {config.patch}"
    vector = f"{config.embedding} numbers, length 1"
    return (
        Chain((
            Part("Picture", size), Part("Picture tower", inside, towers.picture_tower(config, shape).parameters,
                 module="pictures"),
            Part("Vector", vector),
        ), "Pictures"),
        Chain((
            Part("Text", f"up to {config.context} tokens"),
            Part("Text tower", f"{config.layers} blocks", towers.text_tower(config, tokens).parameters, module="texts"),
            Part("Vector", vector),
        ), "Texts"),
        Chain((
            Part("Cosines", "of each picture with each text"),
            Part("Temperature", "learned" if config.learn_temperature else f"{config.temperature:g}", _TEMPERATURE,
                 module="match"),
            Part("Softmax", "over texts, and over pictures"),
        ), "Which belong together?"),
    )  # fmt: skip
