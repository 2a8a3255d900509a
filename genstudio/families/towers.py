"""Settings of two towers, one for pictures and one for texts, and what they are built of: shared by the families that have them.

No torch here but in what builds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from genstudio.config import Config, setting
from genstudio.data.learnable.samples import Shape
from genstudio.errors import Problem
from genstudio.families import stack
from genstudio.families.settings import restated
from genstudio.families.stack import Stack, Tokens
from genstudio.nn import cost as networks
from genstudio.nn.cost import Network
from genstudio.nn.sizes import doublings

if TYPE_CHECKING:
    from genstudio.data.learnable.captions import CaptionData
    from genstudio.nn.towers import PictureTower, TextTower

SPECIAL = 4
"""Ids behind those of the tokenizer: padding, [CLS], [SEP] and [MASK]."""
_RADFORD = "Radford et al. 2021"


class Towers(Config):
    """A tower that reads pictures, one that reads texts, and the space where they meet."""

    pictures: Literal["conv", "patches"] = setting(
        "conv", "What reads pictures: convolutions that halve them; or a transformer over patches", group="Model", main=True,
        label="Picture tower", source=f"both: {_RADFORD}, 2.4; patches: Dosovitskiy et al. 2021",
    )
    channels: int = setting(
        16, "Feature maps at half the picture size; doubled at each further halving", low=2, high=256, group="Model", main=True,
        when="pictures=conv",
    )
    patch: int = setting(
        4, "Pixels of a side of each patch, which must divide the pictures", low=1, high=64, group="Model",
        when="pictures=patches", label="Patch size", source="Dosovitskiy et al. 2021, 3.1",
    )
    picture_layers: int = setting(
        2, "Transformer blocks over patches", low=1, high=24, group="Model", when="pictures=patches", label="Blocks over patches",
    )
    layers: int = restated(Stack, "layers", 2, help="Transformer blocks that read texts")
    heads: int = restated(Stack, "heads", 4)
    d_model: int = restated(Stack, "d_model", 64, help="Size of each token's vector, of words and of patches")
    context: int = restated(Stack, "context", 32, help="Tokens of a caption that are read, with the one at its beginning")
    positions: Literal["learned", "none"] = setting(
        "learned", "How the text tower knows the order of words; with none, 'dog bites man' and 'man bites dog' are the same",
        group="Model",
    )
    embedding: int = setting(
        64, "Numbers of the vector that a picture or a text becomes: the space where both meet", low=2, high=1024, group="Model",
        main=True, label="Embedding size", source=f"{_RADFORD}, 2.3",
    )
    tokenizer: Literal["char", "byte", "word", "bpe"] = setting(
        "word", "What a token of a caption is: a character; a byte; a word; or a piece of a word", group="Data", label="Tokens",
    )
    vocabulary: int = restated(Tokens, "vocabulary", 4096)
    min_count: int = restated(Tokens, "min_count", 2)

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if self.d_model % self.heads:
            yield Problem("heads", f"{self.heads} heads cannot share a d_model of {self.d_model}; change one")
        if self.tokenizer == "bpe" and self.vocabulary < 257:
            yield Problem("vocabulary", "byte pairs begin with the 256 bytes: choose at least 260")

    def of_texts(self) -> Stack:
        """The stack that reads texts."""
        return self._stack(self.layers, self.context, self.positions)

    def of_patches(self, shape: Shape, special: int = 0) -> Stack:
        """The stack that reads the patches of pictures, with so many tokens in front of them."""
        return self._stack(self.picture_layers, shape.height * shape.width // self.patch**2 + special, "learned")

    def _stack(self, layers: int, context: int, positions: str) -> Stack:
        return Stack(
            layers=layers, heads=self.heads, d_model=self.d_model, context=max(context, 2), positions=positions,  # type: ignore[arg-type]
            activation="gelu", norm="layernorm", qk_norm=False, bias=True, tied=True,
        )  # fmt: skip


def problems(config: Towers, shape: Shape) -> Iterator[Problem]:
    """Why a tower cannot read pictures of this size."""
    size = f"{shape.width} x {shape.height} pixels"
    if config.pictures == "patches":
        if shape.height % config.patch or shape.width % config.patch:
            fits = [n for n in range(2, 33) if not shape.height % n and not shape.width % n]
            some = f"; choose {', '.join(map(str, fits))}" if fits else ""
            yield Problem("patch", f"pictures of {size} cannot be cut into patches of {config.patch}{some}")
        elif shape.height * shape.width < 2 * config.patch**2:
            yield Problem("patch", f"pictures of {size} are one patch of {config.patch}; choose a smaller one")
    elif shape.height != shape.width or doublings(shape.height)[0] > 8:
        yield Problem("pictures", f"convolutions cannot halve pictures of {size} often enough; choose patches, or square "
            "pictures of 16, 24, 32, 48 or 64 pixels")  # fmt: skip


def readable(config: Towers, shape: Shape) -> bool:
    """Whether the towers can read pictures of this shape."""
    return not list(problems(config, shape))


def picture_tower(config: Towers, shape: Shape) -> Network:
    """The cost of the tower of pictures."""
    if config.pictures == "conv":
        body, features = networks.down(shape.channels, config.channels, shape.height, kind="strided")
    else:
        of, numbers = config.of_patches(shape), config.patch**2 * shape.channels
        parameters = blocks(of) + networks.linear(numbers, config.d_model).parameters
        body, features = running(of, of.context, parameters), config.d_model
    return body + Network(features * config.embedding, features * config.embedding, config.embedding)


def text_tower(config: Towers, vocabulary: int) -> Network:
    """The cost of the tower of texts, for a vocabulary of so many tokens with the special ones, of which a caption holds a third
    of the context."""
    of = config.of_texts()
    body = running(of, max(config.context // 3, 2), blocks(of) + vocabulary * config.d_model)
    return body + Network(config.d_model * config.embedding, config.d_model * config.embedding, config.embedding)


def blocks(of: Stack) -> int:
    """Parameters of a stack besides its embedding of tokens."""
    return stack.parameters(of, 0)


def running(of: Stack, tokens: int, parameters: int) -> Network:
    """The cost of a stack of so many parameters that reads so many tokens."""
    inner = sum(part.total for part in stack.parts(of, 0)[1:2])
    held = of.layers * (14 * of.d_model + 4 * of.d_model + 3 * of.ff_width + 2 * of.heads * tokens)
    return Network(parameters, tokens * (inner + 2 * of.layers * tokens * of.d_model), tokens * held)


def build(config: Towers, data: CaptionData) -> tuple[PictureTower, TextTower]:
    """Both towers, with weights drawn from torch's generator."""
    from genstudio.families.stack_training import architecture
    from genstudio.nn.towers import PictureTower, TextTower

    shape, tokenizer = data.shape, data.tokenizer
    arch = architecture(config.of_patches(shape), 0, causal=False) if config.pictures == "patches" else None
    pictures = PictureTower(
        config.pictures, shape.channels, shape.height, config.channels, config.embedding, patch=config.patch, arch=arch
    )
    return pictures, TextTower(architecture(config.of_texts(), tokenizer.size, causal=False), tokenizer.pad, config.embedding)


