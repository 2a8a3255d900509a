"""What two towers cost and are made of, by closed formula and without torch."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.samples import Shape
from genstudio.families import stack, towers
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.imagetext.config import ImageTextConfig
from genstudio.nn.cost import Network

_TEMPERATURE = 1


def cost(config: ImageTextConfig, info: DatasetInfo, tokens: int) -> Cost:
    """What a training costs for a vocabulary of so many tokens; nothing where the towers cannot read such pictures."""
    shape = Shape.of(info)
    if not towers.readable(config, shape):
        return Cost(0, 0.0, 0.0, config.batch)
    if config.two_stream:
        parts = _streams(config, shape, tokens)
        both = parts[0] + parts[1] + parts[2] + parts[3]
        held = 4 * (4 * both.parameters + 3 * config.batch * (both.held + 3 * shape.numbers))
        return Cost(both.parameters, held, 6 * config.batch * both.work, config.batch)
    pictures, texts = towers.picture_tower(config, shape), towers.text_tower(config, tokens)
    both = pictures + texts
    count = both.parameters + _TEMPERATURE
    work = config.batch * (both.work + config.batch * config.embedding)
    held = 4 * (4 * count + 3 * config.batch * (both.held + 3 * shape.numbers + 2 * config.batch))
    return Cost(count, held, 6 * work, config.batch)


def _streams(config: ImageTextConfig, shape: Shape, tokens: int) -> tuple[Network, Network, Network, Network]:
    """What words cost by themselves, patches by themselves, both together, and what is read off."""
    d, length = config.d_model, max(config.context // 3, 2)
    texts, patches = config.of_texts(), config.of_patches(shape, 1)
    numbers = config.patch**2 * shape.channels
    alone = (towers.running(texts, length, towers.blocks(texts) + tokens * d),
             towers.running(patches, patches.context, towers.blocks(patches) + numbers * d + 2 * d))  # fmt: skip
    further = 4 * d * d + 4 * d + stack.norm_of(texts, d)
    joint = Network(0, 0, 0)
    for of, count, other in ((texts, length, patches.context), (patches, patches.context, length)):
        inside = sum(part.parameters for part in stack.block_of(of, d, d, of.ff_width)) + further
        each = Network(inside, count * (inside + 2 * (count + other) * d), count * (26 * d + 3 * of.ff_width))
        joint += Network(*(config.joint_layers * part for part in each)) + Network(stack.norm_of(of, d), 0, 0)
    masked = config.mask_share * length / 2
    heads = Network(tokens * (d + 1) + numbers * (d + 1) + (d + 1) + d, round(masked * tokens * d + 0.1 * numbers * d), tokens)
    return *alone, joint, heads


def _blocks(count: int) -> str:
    return f"{count} block{'s' * (count > 1)}"


def _two_streams(config: ImageTextConfig, shape: Shape, tokens: int) -> Drawing:
    words, patches, joint, _ = _streams(config, shape, tokens)
    columns, rows = shape.width // config.patch, shape.height // config.patch
    numbers = config.patch**2 * shape.channels
    read = (
        Part("Masked words", f"{tokens:,} probabilities", tokens * (config.d_model + 1), module="streams.word_head"),
        Part("Masked patches", f"{numbers} numbers each", numbers * (config.d_model + 1), module="streams.patch_head"),
        Part("Belong together?", "one score", config.d_model + 1, module="streams.match_head"),
    )  # fmt: skip
    return (
        Chain((
            Part("Picture", f"{columns} x {rows} patches"),
            Part("Patch encoder", _blocks(config.picture_layers), patches.parameters + config.d_model,  # and a masked patch
                 module="streams.pictures"),
        ), "Patches"),
        Chain((
            Part("Text with gaps", f"up to {config.context} tokens"),
            Part("Word encoder", _blocks(config.layers), words.parameters, module="streams.texts"),
        ), "Words"),
        Chain((
            Part("Co-attention", _blocks(config.joint_layers), joint.parameters,
                 module="streams.co_attention"), *read,
        ), "Together"),
    )  # fmt: skip


def drawing(config: ImageTextConfig, info: DatasetInfo, tokens: int) -> Drawing:
    """Both towers, and where they meet."""
    shape = Shape.of(info)
    size = f"{shape.width} x {shape.height} pixels"
    if not towers.readable(config, shape):
        return (Chain((Part("Picture", size), Part("No tower", "of this kind reads these"))),)
    if config.two_stream:
        return _two_streams(config, shape, tokens)
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
