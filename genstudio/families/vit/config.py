"""Settings of the ViT family, and what they cost. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import setting
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.samples import Shape
from genstudio.errors import Problem
from genstudio.families import start
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.settings import Batches, Split, restated
from genstudio.families.stack import Layers, StackTraining, block_of, norm_of

_MAE, _SIMCLR, _DINO, _VIT = "He et al. 2022", "Chen et al. 2020", "Caron et al. 2021", "Dosovitskiy et al. 2021"
FOLLOWS = (
    "patch", "pooling", "layers", "heads", "d_model", "d_head", "d_ff", "activation", "positions", "position_base", "norm",
    "norm_place", "qk_norm", "bias", "validation_share", "split_seed",
)  # fmt: skip
"""Settings that a run has from the run that it starts from: what its weights fit into, and which pictures are held out."""
PROJECTED, PROTOTYPES = 64, 128
"""Numbers of the vector in which two views are compared, and directions to which a student and its teacher compare it."""


class ViTConfig(Layers, StackTraining, Split):
    """Settings of a transformer encoder that reads pictures as patches, and of its training."""

    task: Literal["classify", "masked", "views"] = setting(
        "classify", "classify: name the class of a picture; masked: fill in hidden patches; views: recognise two variations of "
        "the same picture. The last two need no classes", group="Task", main=True,
        source=f"{_VIT}; masked: {_MAE}; views: {_SIMCLR}, {_DINO}",
    )
    target: str = setting(
        "", "The attribute whose values are the classes, such as hair or mouth of the pixel faces. Empty: the classes of the "
        "dataset", group="Task", main=True, label="Classes from attribute", part="attributes",
    )
    start: str = setting(
        "", "A ViT run whose weights and size are started from, by its id, name or folder; empty: from scratch",
        group="Task", main=True, label="Start from run", run="vit",
    )
    trained: Literal["all", "head"] = setting(
        "all", "all: fine-tune the whole model; head: a linear probe, only the layer that names the class is trained",
        group="Task", when="task=classify", label="Trained part",
    )
    start_rate: float = setting(
        1.0, "Learning rate of the weights that come from another run, relative to that of the new layer that names the class: "
        "smaller steps keep more of what they learned", low=0.001, high=1, group="Task", when="task=classify",
        label="Rate of started weights", source="Howard & Ruder 2018, 3.2",
    )
    label_smoothing: float = setting(
        0.0, "Share of the probability that the target spreads evenly over all classes", low=0.0, high=0.9, group="Task",
        when="task=classify", live=True, source="Szegedy et al. 2016, 7",
    )
    mask_share: float = setting(
        0.6, "Share of the patches that are hidden: the encoder does not read them at all", low=0.05, high=0.95, group="Task",
        main=True, when="task=masked", live=True, label="Share hidden", source=_MAE,
    )
    normalised: bool = setting(
        False, "Subtract its mean brightness from each patch and divide by its contrast, so that strokes and edges count, "
        "whatever the shade. What is shown has the brightness and contrast of what is hidden", group="Task", when="task=masked",
        label="Normalise each patch", source=f"{_MAE}, 4.1",
    )
    decoder_layers: int = setting(
        1, "Blocks of the decoder, which fills the hidden patches in and is not used afterwards", low=1, high=12, group="Task",
        when="task=masked", label="Decoder layers", source=f"{_MAE}, 3",
    )
    decoder_width: int = setting(
        64, "Size of each patch's vector in the decoder", low=8, high=1024, group="Task", when="task=masked",
        label="Decoder width", source=f"{_MAE}, 3",
    )
    objective: Literal["contrastive", "distilled"] = setting(
        "contrastive", "contrastive: of all pictures of a batch, find the other view of the same one; distilled: predict what a "
        "slowly moving copy of the model makes of the other view", group="Task", main=True, when="task=views",
        source=f"contrastive: {_SIMCLR}; distilled: {_DINO}",
    )
    temperature: float = setting(
        0.2, "Divides the similarities before the softmax: smaller values weigh the nearest pictures more", low=0.01, high=2.0,
        group="Task", when="task=views", live=True, logarithmic=True, source=_SIMCLR,
    )
    teacher_temperature: float = setting(
        0.05, "The same for the teacher; smaller than that of the student, so that its answers are sharp", low=0.01, high=2.0,
        group="Task", when="objective=distilled", live=True, logarithmic=True, source=f"{_DINO}, 3.1",
    )
    teacher_decay: float = setting(
        0.99, "Decay rate of the moving average of the weights that is the teacher", low=0.0, high=0.9999, group="Task",
        when="objective=distilled", live=True, source=_DINO,
    )
    balanced: bool = setting(
        True, "Scale the teacher's answers to a batch so that each direction is named equally often. Off: one answer for all "
        "pictures is the easiest solution, and the model collapses", group="Task", when="objective=distilled", live=True,
        source="Caron et al. 2020, 3.1; Oquab et al. 2024, 4",
    )
    shift: float = setting(
        0.05, "Training pictures are shifted by up to this share of their side, each way", low=0.0, high=0.5, group="Variation",
        live=True,
    )
    rotation: float = setting(
        5.0, "Training pictures are rotated by up to this many degrees, each way", low=0.0, high=180, group="Variation",
        live=True,
    )
    zoom: float = setting(
        0.05, "Training pictures are enlarged or shrunk by up to this share", low=0.0, high=0.8, group="Variation", live=True,
    )
    contrast: float = setting(
        0.0, "Contrast and brightness of training pictures vary by up to this share", low=0.0, high=0.9, group="Variation",
        live=True,
    )
    flip: bool = setting(
        False, "Mirror every other training picture. Not for digits and letters", group="Variation", live=True,
    )
    patch: int = setting(
        4, "Pixels of a side of a patch, which is what a token is here; both sides of the pictures must be a multiple",
        low=1, high=64, group="Model", main=True, label="Patch size", source=f"{_VIT}, 3.1",
    )
    pooling: Literal["mean", "class"] = setting(
        "mean", "What a picture is read from: the mean over all patches, or the vector of a token of its own",
        group="Model", main=True, source=f"class: {_VIT}, 3.1",
    )
    layers: int = restated(Layers, "layers", 3)
    d_model: int = restated(Layers, "d_model", 64, help="Size of each patch's vector")
    activation: Literal["relu", "gelu", "gelu_tanh", "swiglu", "relu2"] = restated(Layers, "activation", "gelu")
    positions: Literal["sinusoidal", "learned", "rotary", "none"] = restated(
        Layers, "positions", "learned",
        help="How the model knows where each patch is, counted row by row; with none, a picture is a bag of patches",
    )
    position_base: float = restated(Layers, "position_base", 100.0)
    norm: Literal["rmsnorm", "layernorm"] = restated(Layers, "norm", "layernorm")
    qk_norm: bool = restated(Layers, "qk_norm", False)
    bias: bool = restated(Layers, "bias", True)
    dropout: float = restated(Layers, "dropout", 0.1)
    batch: int = restated(StackTraining, "batch", 32, help="Pictures processed together in one step")
    learning_rate: float = restated(StackTraining, "learning_rate", 3e-3)
    weight_decay: float = restated(StackTraining, "weight_decay", 0.05)
    warmup: int = restated(StackTraining, "warmup", 20)
    examples: int = restated(
        Batches, "examples", 0, help="Train on only this many pictures, to see the effect of too few; 0: all"
    )
    validation_share: float = restated(Split, "validation_share", 0.2)

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if self.task == "masked" and self.decoder_width % 8:
            yield Problem("decoder_width", "the decoder's heads have 8 numbers each, so its width must be a multiple of 8")
        if self.task == "views" and self.objective == "contrastive" and self.batch < 2:
            yield Problem("batch", "a contrast needs at least 2 pictures")
        if self.trained == "head" and self.task == "classify" and not self.start:
            yield Problem("trained", "a head alone needs a run to start from: the vectors of an untrained model say little")

    @property
    def apart(self) -> float:
        """The share of the learning rate with which weights of another run move, where new ones beside them move at all of it."""
        return self.start_rate if self.task == "classify" and self.start and self.trained == "all" else 1.0

    @property
    def decoder_heads(self) -> int:
        return self.decoder_width // 8 if self.decoder_width % 16 else self.decoder_width // 16

    @property
    def decoder_ff(self) -> int:
        return -(-8 * self.decoder_width // 24) * 8 if self.activation == "swiglu" else 4 * self.decoder_width


def resolved(config: ViTConfig) -> ViTConfig:
    """The settings, where a run is started from with the size and the split of that run. Raises ConfigError."""
    if not config.start:
        return config
    theirs = start.find(config.start, ("vit",)).values
    values = {name: theirs[name] for name in FOLLOWS if name in theirs}
    return type(config).parse({**config.model_dump(), **values})


def patches_of(config: ViTConfig, shape: Shape) -> int:
    """Into how many patches a picture is cut."""
    return (shape.height // config.patch) * (shape.width // config.patch)


def patch_problem(config: ViTConfig, height: int, width: int) -> Problem | None:
    """Why pictures of this size cannot be cut into such patches."""
    if not height % config.patch and not width % config.patch:
        return None
    fits = [size for size in range(1, min(height, width) + 1) if not height % size and not width % size]
    listed = ", ".join(map(str, fits))
    only = "" if len(fits) > 1 else "; to have larger ones, import the pictures again in another size"
    return Problem("patch", f"patches of {config.patch} pixels do not fill {width} x {height}; these do: {listed}{only}")


def _encoder(config: ViTConfig, shape: Shape) -> tuple[Part, Part, Part]:
    d, patches = config.d_model, patches_of(config, shape)
    numbers, tokens = shape.channels * config.patch**2, patches + (config.pooling == "class")
    inside = block_of(config, d, config.heads * config.head_size, config.ff_width)
    block, last = sum(part.parameters for part in inside), norm_of(config, d) if config.norm_place == "pre" else 0
    embedding = numbers * d + d + (d if config.pooling == "class" else 0) + (tokens * d if config.positions == "learned" else 0)
    rows, columns = shape.height // config.patch, shape.width // config.patch
    return (
        Part("Patches", f"{columns} x {rows} of {config.patch} x {config.patch} pixels, {d} numbers each", embedding,
             module="encoder.tokens"),
        Part("Block", f"{d} numbers per patch", block, config.layers, inside, "encoder.blocks"),
        Part("Pooling", "mean over the patches" if config.pooling == "mean" else "the class token", last,
             module="encoder.last_norm" * (config.norm_place == "pre")),
    )  # fmt: skip


def _further(config: ViTConfig, shape: Shape) -> tuple[Part, ...]:
    """What a task adds behind the encoder."""
    d, classes = config.d_model, len(shape.classes)
    if config.task == "classify":
        return (Part("Classes", f"{classes} scores", classes * (d + 1), module="classifier"),)
    if config.task == "masked":
        width, patches, pixels = config.decoder_width, patches_of(config, shape), shape.channels * config.patch**2
        block = sum(part.parameters for part in block_of(config, width, width, config.decoder_ff))
        last = norm_of(config, width) if config.norm_place == "pre" else 0
        fixed = d * width + width + width + patches * width + width * pixels + pixels + last
        return (Part("Decoder", f"{config.decoder_layers} blocks, pixels of all patches",
                     fixed + config.decoder_layers * block),)  # fmt: skip
    projector = d * 2 * d + 2 * d + 2 * d * PROJECTED + PROJECTED
    projector += PROJECTED * PROTOTYPES if config.objective == "distilled" else 0
    return (Part("Projection", f"{PROJECTED} numbers, which two views share", projector),)


def drawing(config: ViTConfig, info: DatasetInfo, _tokens: int) -> Drawing:
    """The encoder, with what a task adds to it behind."""
    shape = _shape(config, info)
    picture = Part("Picture", f"{shape.width} x {shape.height}, {'grey' if shape.channels == 1 else 'colour'}")
    parts = (picture, *_encoder(config, shape), *_further(config, shape))
    if config.task == "views" and config.objective == "distilled":
        teacher = tuple(Part(part.title, part.detail, part.parameters, part.times) for part in parts[1:])
        return Chain(parts, "Student"), Chain((picture, *teacher), "Teacher: a moving average of the student")
    return (Chain(parts),)


def cost(config: ViTConfig, info: DatasetInfo, _tokens: int) -> Cost:
    """What a training costs on a dataset."""
    return cost_of(config, _shape(config, info))


def cost_of(config: ViTConfig, shape: Shape) -> Cost:
    """The same for pictures of this shape: operations as 6N + 12 L T d_attention per patch (Kaplan et al. 2020), of those that
    are read."""
    encoder, further = (sum(part.total for part in parts) for parts in (_encoder(config, shape), _further(config, shape)))
    patches = patches_of(config, shape) + (config.pooling == "class")
    views = 2 if config.task == "views" else 1
    seen = patches * (1 - config.mask_share) if config.task == "masked" else float(patches)
    inner = config.heads * config.head_size
    tokens = config.batch * seen * views
    flops = tokens * (6 * encoder + 12 * config.layers * seen * inner) + 6 * further * config.batch * (
        patches if config.task == "masked" else views
    )
    per_token = config.layers * (14 * config.d_model + 4 * inner + 3 * config.ff_width + 2 * config.heads * seen)
    count = encoder + further
    if config.task == "views" and config.objective == "distilled":
        count *= 2
        flops *= 4 / 3
    moments = 2 if config.optimizer == "adamw" else 1.2
    return Cost(count, 4 * count * (2 + moments) + 4 * tokens * per_token, flops * config.accumulation,
                config.batch * config.accumulation)  # fmt: skip


def _shape(config: ViTConfig, info: DatasetInfo) -> Shape:
    """What the shelf knows of the pictures, with the classes that an attribute gives."""
    shape = Shape.of(info)
    known = info.details.get("attributes")
    count = known.get(config.target) if isinstance(known, dict) and config.target else None
    return Shape("images", shape.height, shape.width, shape.channels, tuple(map(str, range(count)))) if count else shape
