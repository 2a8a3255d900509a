"""Settings of models that turn one sequence into another, and what they cost. No torch here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from genstudio.config import setting
from genstudio.data.info import DatasetInfo
from genstudio.data.split import SplitSettings
from genstudio.errors import Problem
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.settings import restated
from genstudio.families.stack import Stack, StackTraining, Tokens, parameters, parts

_TRANSFORMER = "architecture=transformer"
_RECURRENT = "architecture=rnn|rnn-attention"
_SLOW_STEPS = 3
"""How much longer a recurrent network takes than its operations say: it computes one token after the other."""


class Seq2SeqConfig(Stack, Tokens, StackTraining):
    """Settings of an encoder-decoder and of its training."""

    architecture: Literal["transformer", "rnn-attention", "rnn"] = setting(
        "transformer", "An encoder and a decoder of attention blocks, joined by cross-attention; recurrent cells whose "
        "decoder looks back at every source token; or recurrent cells that pass on one context vector alone",
        group="Model", main=True,
        source="transformer: Vaswani et al. 2017; rnn-attention: Bahdanau et al. 2015; rnn: Sutskever et al. 2014",
    )
    cell: Literal["gru", "lstm"] = setting(
        "gru", "What carries the state from token to token", group="Model", when=_RECURRENT,
        source="gru: Cho et al. 2014; lstm: Hochreiter & Schmidhuber 1997",
    )
    score: Literal["additive", "dot"] = setting(
        "additive", "How the decoder compares its state with the source: a small network, or a scaled product",
        group="Model", when="architecture=rnn-attention", label="Attention score",
        source="additive: Bahdanau et al. 2015; dot: Luong et al. 2015",
    )
    bidirectional: bool = setting(
        True, "The encoder reads the source from both ends", group="Model", when=_RECURRENT, label="Both directions",
        source="Schuster & Paliwal 1997",
    )
    layers: int = restated(Stack, "layers", 2, help="Layers of the encoder, and as many of the decoder")
    heads: int = restated(Stack, "heads", 4, when=_TRANSFORMER)
    d_model: int = restated(Stack, "d_model", 128, help="Size of each token's vector, and of the state of recurrent cells")
    d_head: int = restated(Stack, "d_head", 0, when=_TRANSFORMER)
    context: int = restated(
        Stack, "context", 64, label="Longest sentence",
        help="Maximum number of tokens in a source or a target, with its end marker; longer pairs are not used for training",
    )
    d_ff: int = restated(Stack, "d_ff", 0, when=_TRANSFORMER)
    activation: Literal["relu", "gelu", "gelu_tanh", "swiglu", "relu2"] = restated(
        Stack, "activation", "relu2", when=_TRANSFORMER
    )
    positions: Literal["sinusoidal", "learned", "rotary", "none"] = restated(
        Stack, "positions", "learned", when=_TRANSFORMER
    )
    position_base: float = restated(Stack, "position_base", 10_000.0)
    norm: Literal["rmsnorm", "layernorm"] = restated(Stack, "norm", "rmsnorm", when=_TRANSFORMER)
    norm_place: Literal["pre", "post"] = restated(Stack, "norm_place", "pre", when=_TRANSFORMER)
    qk_norm: bool = restated(Stack, "qk_norm", True, when=_TRANSFORMER)
    bias: bool = restated(Stack, "bias", False, when=_TRANSFORMER)
    tokenizer: Literal["char", "byte", "word", "bpe", "file"] = restated(Tokens, "tokenizer", "char")
    vocabularies: Literal["shared", "two"] = setting(
        "shared", "One vocabulary and one token embedding for both sides, or one for each", group="Data", label="Vocabularies",
        source="shared: Vaswani et al. 2017, 5.1",
    )
    split: Literal["random", "contiguous"] = setting(
        "random", "Held-out pairs: drawn at random, or the last ones. Pairs with the same source stay on one side", group="Data",
    )
    validation_share: float = restated(
        Tokens, "validation_share", 0.1, help="Share of the sources held out from training, for evaluation"
    )
    split_seed: int = restated(Tokens, "split_seed", 0, help="A different seed selects different pairs", when="split=random")
    batch: int = restated(StackTraining, "batch", 64, help="Pairs processed together in one step")
    buckets: int = setting(
        16, "Pairs for this many batches are drawn at once and sorted by length, so that a batch holds sentences of "
        "similar length "
        "and little padding; with many, one batch differs more from the next. 1: batches as they are drawn",
        low=1, high=256, group="Training", label="Length buckets",
    )
    label_smoothing: float = setting(
        0.0, "Share of the target probability that is spread over all tokens, which keeps the model from becoming "
        "overconfident", low=0, high=0.5,
        group="Training", live=True, source="Szegedy et al. 2016",
    )
    teacher_forcing: float = setting(
        1.0, "Share of target tokens that the decoder is given as they should be in training; the others are its own guesses",
        low=0, high=1, group="Training", live=True,
        source="Williams & Zipser 1989; guesses of a first pass: Mihaylova & Martins 2019",
    )
    optimizer: Literal["muon", "adamw"] = restated(StackTraining, "optimizer", "muon", when=_TRANSFORMER)
    ema: float = setting(
        0.0, "Decay rate of the exponential moving average (EMA) of the weights, which is what translates and is saved; 0: off. "
        "An average over the last steps errs less than the weights of any one of them",
        low=0, high=0.99999, group="Training", label="EMA", source="Polyak & Juditsky 1992",
    )
    evaluate_every: int = restated(StackTraining, "evaluate_every", 200, help="Steps between two measurements on held-out pairs")

    def rules(self) -> Iterator[Problem]:
        if self.architecture == "transformer":
            yield from super().rules()
        elif self.tokenizer == "file" and not self.tokenizer_file.strip():
            yield Problem("tokenizer_file", "choose the tokenizer.json to use, or other tokens")
        if self.tokenizer == "bpe" and self.vocabulary < 259:
            yield Problem("vocabulary", "byte pairs begin with the 256 bytes and two markers: choose at least 260")

    @property
    def pair_split(self) -> SplitSettings:
        return SplitSettings(self.split, self.validation_share, self.split_seed)

    @property
    def both_ways(self) -> int:
        """Directions in which recurrent cells read the source."""
        return 2 if self.bidirectional else 1


def network_parameters(config: Seq2SeqConfig, vocabulary: int) -> int:
    """Trainable numbers, by closed formula; a test holds it equal to the built modules. Two vocabularies are taken to be
    equally large."""
    embeddings = vocabulary * config.d_model * (1 if config.vocabularies == "shared" else 2)
    if config.architecture == "transformer":
        return _transformer(config, vocabulary) - 2 * vocabulary * config.d_model + embeddings
    return embeddings + _recurrent(config) + (0 if config.tied else vocabulary * config.d_model)


def drawing(config: Seq2SeqConfig, _info: DatasetInfo, vocabulary: int) -> Drawing:
    """The encoder, and the decoder that looks back at what it read. A shared table is drawn, and counted, at the encoder."""
    d, table = config.d_model, vocabulary * config.d_model
    own = 0 if config.vocabularies == "shared" else table
    words = f"{vocabulary:,} tokens, {d} numbers each"
    source, target = Part("Source", f"up to {config.context} tokens"), Part("Target so far", f"up to {config.context} tokens")
    following = Part("Next token", f"{vocabulary:,} probabilities")
    averaged = (Chain((Part("Weights in training", "the model is their EMA", network_parameters(config, vocabulary)),)),)
    ema = averaged if config.ema else ()
    if config.architecture == "transformer":
        embedding, block, output = parts(config, vocabulary)
        places = embedding.parameters - table
        cross = (_transformer(config, vocabulary) - 2 * parameters(config, vocabulary)
                 + (0 if config.tied else table)) // config.layers
        looking = replace(
            block, parameters=block.parameters + cross, inside=(*block.inside, Part("look at the source", "", cross)),
            module="model.decoder.blocks",
        )
        output, block = replace(output, module="model.decoder.head"), replace(block, module="model.encoder.blocks")
        last_norm = output.parameters - (0 if config.tied else table)
        return (
            Chain((source, Part("Embedding", words, table + places, module="model.encoder.tokens"), block,
                   Part("Memory", f"{d} numbers per token", last_norm,
                        module="model.encoder.last_norm" * (config.norm_place == "pre"))), "Encoder"),
            Chain((target, Part("Embedding", words, own + places, module="model.decoder.tokens"), looking, output, following),
                  "Decoder"),
            *ema,
        )
    gates, ways = 3 if config.cell == "gru" else 4, config.both_ways
    cells = sum(ways * gates * d * ((d if not layer else ways * d) + d + 2) for layer in range(config.layers))
    decoder = config.layers * gates * d * (2 * d + 2)
    rest = _recurrent(config) - cells - decoder
    layers = f"{config.layers} layer{'s' * (config.layers > 1)} of {d}" + ", both ways" * (ways > 1)
    bridge = "attention" if config.architecture != "rnn" else "one vector"
    head = 0 if config.tied else table
    return (
        Chain((source, Part("Embedding", words, table, module="model.encoder.tokens"),
               Part(config.cell.upper(), layers, cells, module="model.encoder.cells"),
               Part("Memory", bridge, rest)), "Encoder"),
        Chain((target, Part("Embedding", words, own),
               Part(config.cell.upper(), f"{config.layers} layers of {d}", decoder, module="model.cells"),
               Part("Output", f"{vocabulary:,} logits", head, module="model.head"), following), "Decoder"),
        *ema,
    )  # fmt: skip


def cost(config: Seq2SeqConfig, info: DatasetInfo, vocabulary: int) -> Cost:
    """What a training costs: operations as in `stack.cost`, over source and target; bytes of float32 weights, gradients,
    moments and activations. A batch is taken to be as long as its longest sentences may be. An average of the
    weights counts as well."""
    count = network_parameters(config, vocabulary)
    lengths = info.details.get("longest")
    longest = max(lengths) if isinstance(lengths, list) and lengths and config.tokenizer in ("char", "byte") else config.context
    length = min(config.context, int(longest) + 1)
    tokens, d = config.batch * length, config.d_model
    recurrent = config.architecture != "transformer"
    if recurrent:
        additive = length * (config.architecture == "rnn-attention" and config.score == "additive")
        per_token = config.layers * 12 * d * (1 + config.both_ways) + 2 * additive * d
        per_pair = 6 * count * _SLOW_STEPS
    else:
        inner = config.heads * config.head_size
        per_token = config.layers * (36 * d + 12 * inner + 6 * config.ff_width + 6 * config.heads * length)
        per_pair = 6 * count + 36 * config.layers * length * inner
    moments = 1.2 if config.optimizer == "muon" and not recurrent else 2
    activations = 4 * tokens * (per_token + 3 * vocabulary)
    items = tokens * config.accumulation
    kept = 2 if config.ema else 1
    return Cost(kept * count, 4 * count * (1 + kept + moments) + activations, items * per_pair, items, "token")


def _transformer(config: Seq2SeqConfig, vocabulary: int) -> int:
    """With an embedding for each side."""
    d, inner, bias = config.d_model, config.heads * config.head_size, int(config.bias)
    norm = d * (1 + bias * (config.norm == "layernorm"))
    cross = 4 * d * inner + bias * (3 * inner + d) + norm
    decoder = parameters(config, vocabulary)
    head = 0 if config.tied else vocabulary * d
    return 2 * decoder - head + config.layers * cross


def _recurrent(config: Seq2SeqConfig) -> int:
    """Everything between embeddings and output layer."""
    d, ways, gates = config.d_model, config.both_ways, 3 if config.cell == "gru" else 4
    encoder = sum(ways * gates * d * ((d if not layer else ways * d) + d + 2) for layer in range(config.layers))
    decoder = config.layers * gates * d * (2 * d + 2)
    bridges = (1 if config.cell == "gru" else 2) * d * (ways * d + 1)
    if config.architecture == "rnn":
        return encoder + decoder + bridges
    scores = ways * d * d + (d * d + d if config.score == "additive" else 0)
    return encoder + decoder + bridges + scores + d * (ways * d + d + 1)
