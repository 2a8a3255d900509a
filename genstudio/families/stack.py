"""Settings of a transformer stack that reads text, of its tokens and of its training: shared by the families that have one.

No torch here; `stack_training` is what trains with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import Config, setting
from genstudio.errors import Problem
from genstudio.families.drawing import Part
from genstudio.families.family import Cost
from genstudio.families.settings import Descent, restated

TokenKind = Literal["char", "byte", "word", "bpe", "file"]


class Layers(Config):
    """Blocks of attention and feed-forward."""

    layers: int = setting(
        4, "Transformer blocks stacked on each other", low=1, high=48, group="Model", main=True,
        source="Vaswani et al. 2017, 3.1",
    )
    heads: int = setting(
        4, "Attention heads side by side in each block", low=1, high=64, group="Model", main=True,
        source="Vaswani et al. 2017, 3.2.2",
    )
    d_model: int = setting(
        128, "Size of each token's vector", low=8, high=4096, group="Model", main=True, label="d_model",
        source="Vaswani et al. 2017, 3.1",
    )
    d_head: int = setting(
        0, "Size of each head's queries, keys and values; W_O projects all heads back to d_model. 0: d_model / heads",
        low=0, high=1024, group="Model", label="d_head", source="Vaswani et al. 2017, 3.2.2",
    )
    d_ff: int = setting(
        0, "Width of the feed-forward layer. 0: 4 x d_model (8/3 x d_model, rounded up to a multiple of 8, for SwiGLU)",
        low=0, high=16384, group="Model", label="Feed-forward width", source="Vaswani et al. 2017, 3.3",
    )
    activation: Literal["relu", "gelu", "gelu_tanh", "swiglu", "relu2"] = setting(
        "relu2", "Non-linearity of the feed-forward layer; gelu_tanh: GPT-2's approximation of GELU",
        group="Model",
        source="gelu: Hendrycks & Gimpel 2016; swiglu: Shazeer 2020; relu2: So et al. 2021",
    )
    positions: Literal["sinusoidal", "learned", "rotary", "none"] = setting(
        "rotary", "How the model knows the order of tokens; with none, only the mask hints at it", group="Model",
        source="sinusoidal: Vaswani et al. 2017, 3.5; rotary: Su et al. 2021",
    )
    position_base: float = setting(
        1000.0, "Longest wavelength of sinusoidal or rotary positions, over 2 pi (10,000 in the papers)",
        low=2, high=1e7, group="Model", logarithmic=True, when="positions=sinusoidal|rotary",
        source="Vaswani et al. 2017, 3.5",
    )
    norm: Literal["rmsnorm", "layernorm"] = setting(
        "rmsnorm", "Normalisation of each token's vector", group="Model",
        source="layernorm: Ba et al. 2016; rmsnorm: Zhang & Sennrich 2019",
    )
    norm_place: Literal["pre", "post"] = setting(
        "pre", "Normalise before each sub-layer (easier to train) or after the residual sum (the original)",
        group="Model",
        label="Norm placement", source="Xiong et al. 2020",
    )
    qk_norm: bool = setting(
        True, "Normalise queries and keys, so that attention scores cannot grow without bound", group="Model",
        label="QK-norm", source="Henry et al. 2020",
    )
    bias: bool = setting(False, "Bias terms in linear layers and in LayerNorm", group="Model", label="Biases")
    dropout: float = setting(
        0.0, "Share of activations set to zero during training, to reduce overfitting", low=0, high=0.9, group="Model",
        source="Srivastava et al. 2014",
    )

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if not self.d_head and self.d_model % self.heads:
            yield Problem("heads", f"{self.heads} heads cannot share a d_model of {self.d_model}; set d_head or change one")
        elif self.positions == "rotary" and self.head_size % 2:
            yield Problem("d_head", f"rotary positions rotate pairs of values, and a head size of {self.head_size} is odd")
        if self.positions == "sinusoidal" and self.d_model % 2:
            yield Problem("d_model", "sinusoidal positions need an even d_model")

    @property
    def head_size(self) -> int:
        return self.d_head or self.d_model // self.heads

    @property
    def ff_width(self) -> int:
        if self.d_ff:
            return self.d_ff
        return -(-8 * self.d_model // 24) * 8 if self.activation == "swiglu" else 4 * self.d_model


class Blocks(Layers):
    """Blocks, and what is before and behind them, for as many tokens as the data say."""

    tied: bool = setting(
        False, "The output layer shares its weights with the token embedding", group="Model", label="Tied embeddings",
        source="Press & Wolf 2017",
    )


class Stack(Blocks):
    """The same, with a context of any length."""

    layers: int = restated(Blocks, "layers", 4)
    heads: int = restated(Blocks, "heads", 4)
    d_model: int = restated(Blocks, "d_model", 128)
    d_head: int = restated(Blocks, "d_head", 0)
    context: int = setting(
        64, "How many tokens the model sees at once (n_ctx)", low=2, high=8192, group="Model", main=True,
        label="Context length", source="Radford et al. 2019",
    )


class Tokens(Config):
    """What a token is, and which part of a text is kept from training."""

    tokenizer: TokenKind = setting(
        "char", "What a token is: a character; a byte of UTF-8; a word with the space before it, or punctuation; a "
        "piece of a word, learned from the training part by merging the most frequent pairs (byte-pair encoding); or "
        "whatever a tokenizer.json defines",
        group="Data", label="Tokens", source="bpe: Sennrich et al. 2016; of bytes: Radford et al. 2019",
    )
    tokenizer_file: str = setting(
        "", "A tokenizer.json: one saved here, or a byte-level one such as GPT-2's. The run keeps a copy of it",
        group="Data", when="tokenizer=file", file="Tokenizer (*.json)",
    )
    vocabulary: int = setting(
        1024, "Maximum number of distinct tokens, including markers; a short text gives fewer",
        low=8, high=65535, group="Data", logarithmic=True, when="tokenizer=word|bpe", label="Vocabulary size",
    )
    min_count: int = setting(
        2, "Words that occur less often than this in the training part become <unk>", low=1, high=1_000_000,
        group="Data",
        logarithmic=True, when="tokenizer=word", label="Minimum count",
    )
    split: Literal["contiguous", "random", "file"] = setting(
        "contiguous", "What is held out for validation: the end of the text; random paragraphs (or lines, with "
        "markers); or random whole files", group="Data",
    )
    validation_share: float = setting(
        0.1, "Share of the text held out to measure the validation loss", low=0.001, high=0.5,
        group="Data",
    )
    split_seed: int = setting(
        0, "A different seed selects different paragraphs or files", low=0, high=2**31 - 1, group="Data",
        when="split=random|file",
    )

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if self.tokenizer == "file" and not self.tokenizer_file.strip():
            yield Problem("tokenizer_file", "choose the tokenizer.json to use, or other tokens")


class StackTraining(Descent):
    """Batches of text, and the two optimisers of a stack."""

    batch: int = setting(
        12, "Pieces of text processed together in one step", low=1, high=4096, group="Training", main=True,
        label="Batch size",
    )
    accumulation: int = setting(
        1, "Batches whose gradients are accumulated before one update: a larger effective batch in the same memory",
        low=1, high=256,
        group="Training", label="Gradient accumulation",
    )
    optimizer: Literal["muon", "adamw"] = setting(
        "muon", "muon: orthogonalised momentum for the blocks' matrices and AdamW for the rest; adamw: AdamW for all",
        group="Training", source="muon: Jordan et al. 2024; adamw: Loshchilov & Hutter 2019",
    )
    learning_rate: float = restated(Descent, "learning_rate", 4e-3)
    muon_rate: float = setting(
        0.02, "Step size of Muon", low=1e-6, high=1.0, group="Training", live=True, logarithmic=True,
        when="optimizer=muon", label="Muon rate", source="Jordan et al. 2024",
    )
    weight_decay: float = setting(
        0.0, "Weight decay of the matrices: pulls them towards zero", low=0, high=10, group="Training",
        source="Loshchilov & Hutter 2019",
    )
    beta2: float = restated(Descent, "beta2", 0.98)
    warmup: int = restated(Descent, "warmup", 20)
    final_rate: float = restated(Descent, "final_rate", 0.02)
    evaluate_every: int = setting(
        100, "Steps between estimates of the validation loss", low=1, high=1_000_000, group="Training",
    )


def parameters(config: Stack, vocabulary: int) -> int:
    """Trainable numbers of a stack with its embeddings and its head; a test holds it equal to the built modules."""
    return sum(part.total for part in parts(config, vocabulary))


def parts(config: Stack, vocabulary: int) -> tuple[Part, ...]:
    """A stack from its embeddings to its head, with the trainable numbers of each part."""
    return parts_for(config, vocabulary, config.context)


def block_of(config: Layers, width: int, inner: int, wide: int, heads: int = 0) -> tuple[Part, ...]:
    """What a block for vectors of this width is made of, with the trainable numbers of each part: attention of `inner` numbers
    for its heads, which are counted where `heads` says how many; a feed-forward layer of `wide` neurons."""
    bias, gates = int(config.bias), 2 if config.activation == "swiglu" else 1
    counted = f", {heads} head{'s' * (heads > 1)}" if heads else ""
    return (
        Part(f"attention{counted}", "", 4 * width * inner + bias * (3 * inner + width)),
        Part("feed-forward", "", (gates + 1) * width * wide + bias * (gates * wide + width)),
        Part("norms", "", 2 * norm_of(config, width)),
    )


def norm_of(config: Layers, width: int) -> int:
    """Trainable numbers of a norm of vectors of this width."""
    return width * (1 + int(config.bias) * (config.norm == "layernorm"))


def parts_for(config: Blocks, vocabulary: int, context: int) -> tuple[Part, ...]:
    """The same for so many tokens at once."""
    d = config.d_model
    embeddings = vocabulary * d + (context * d if config.positions == "learned" else 0)
    head = 0 if config.tied else vocabulary * d
    last_norm = norm_of(config, d) if config.norm_place == "pre" else 0
    inside = block_of(config, d, config.heads * config.head_size, config.ff_width, config.heads)
    return (
        Part("Embedding", f"{vocabulary:,} tokens, {d} numbers each", embeddings, module="model.tokens"),
        Part(
            "Block", f"{d} numbers per token", sum(part.parameters for part in inside), config.layers, inside, "model.blocks"
        ),
        Part(
            "Output", "weights of the embedding" if config.tied else f"{vocabulary:,} logits", last_norm + head,
            module="model.head",
        ),
    )


class TextStack(Stack, Tokens, StackTraining):
    """A stack that learns from text."""


def cost(config: TextStack, vocabulary: int, further: int = 0) -> Cost:
    """What a training costs, with `further` parameters that are not those of `parameters`: see `cost_for`."""
    return cost_for(config, config, vocabulary, config.context, further)


def cost_for(config: Blocks, training: StackTraining, vocabulary: int, context: int, further: int = 0) -> Cost:
    """What a training with so many tokens at once costs: operations as 6N + 12 L T d_attention per token (Kaplan et al. 2020,
    with attention as in Chowdhery et al. 2022); bytes of float32 weights, gradients, moments and activations."""
    count = sum(part.total for part in parts_for(config, vocabulary, context)) + further
    inner = config.heads * config.head_size
    moments = 2 if training.optimizer == "adamw" else 1.2
    tokens = training.batch * context
    per_token = config.layers * (14 * config.d_model + 4 * inner + 3 * config.ff_width + 2 * config.heads * context)
    activations = 4 * tokens * (per_token + 3 * vocabulary)
    items = tokens * training.accumulation
    flops = items * (6 * count + 12 * config.layers * context * inner)
    return Cost(count, 4 * count * (2 + moments) + activations, flops, items, "token")
