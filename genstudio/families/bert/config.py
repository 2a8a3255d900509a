"""Settings of the BERT family, and what they cost. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from genstudio.config import setting
from genstudio.data.info import DatasetInfo
from genstudio.errors import Problem
from genstudio.families import stack, start
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.settings import restated
from genstudio.families.stack import Stack, StackTraining, TextStack, Tokens

SPECIAL = 4
"""Ids behind those of the tokenizer: padding, [CLS], [SEP] and [MASK]."""
FOLLOWS = (
    *Stack.model_fields, "tokenizer", "tokenizer_file", "vocabulary", "min_count", "original", "nsp",
)  # fmt: skip
"""Settings that a run has from the run that it starts from."""


class BertConfig(TextStack):
    """Settings of a transformer encoder that fills in masked tokens, and of its training."""

    task: Literal["pretrain", "classify"] = setting(
        "pretrain", "pretrain: fill in hidden tokens; classify: name the class of a text, which needs labelled texts",
        group="Task", main=True, source="Devlin et al. 2019, 3",
    )
    start: str = setting(
        "", "A BERT run whose weights, tokens and size are started from, by its id, name or folder; empty: from scratch",
        group="Task", main=True, label="Start from run", run="bert",
    )
    trained: Literal["all", "head"] = setting(
        "all", "all: fine-tune the whole model; head: only the layer that names the class, on the vectors as they are",
        group="Task", when="task=classify", label="Trained part",
    )
    start_rate: float = setting(
        1.0, "Learning rate of the weights that come from another run, relative to that of the new layer that names the class: "
        "smaller steps keep more of what they learned", low=0.001, high=1, group="Task", when="task=classify",
        label="Rate of started weights", source="Howard & Ruder 2018, 3.2",
    )
    pooling: Literal["cls", "mean"] = setting(
        "mean", "What the class is read from: the vector at [CLS], or the mean over all tokens", group="Task",
        when="task=classify",
    )
    examples: int = setting(
        0, "Train on only this many of the labelled texts, to see the effect of too few; 0: all", low=0, high=1_000_000,
        group="Task", when="task=classify", label="Texts used",
    )
    mask_share: float = setting(
        0.15, "Share of the tokens that are chosen and must be predicted", low=0.01, high=0.9, group="Task", main=True,
        when="task=pretrain", label="Share predicted", source="Devlin et al. 2019, 3.1; larger shares: Wettig et al. 2023",
    )
    masked: float = setting(
        0.8, "Of the chosen tokens, the share that is replaced by [MASK]", low=0.0, high=1.0, group="Task",
        when="task=pretrain", label="Masked", source="Devlin et al. 2019, 3.1",
    )
    random: float = setting(
        0.1, "Of the chosen tokens, the share that is replaced by a random token; what is left is kept as it is",
        low=0.0, high=1.0, group="Task", when="task=pretrain", label="Replaced at random", source="Devlin et al. 2019, 3.1",
    )
    dynamic: bool = setting(
        True, "Draw new masks each time a piece of text is seen. Off: every piece keeps its masks",
        group="Task", when="task=pretrain", label="Dynamic masking", source="Liu et al. 2019, 4.1",
    )
    nsp: bool = setting(
        False, "Also learn to tell whether the second half of a piece follows the first in the text or comes from elsewhere",
        group="Task", when="task=pretrain", label="Next-sentence prediction",
        source="Devlin et al. 2019, 3.1; omitted: Liu et al. 2019",
    )
    original: bool = setting(
        False, "Parts of the original BERT that faster ones omit: a norm after the embeddings, a layer and a norm before "
        "the output, and an output bias", group="Model", label="Original head and norms", source="Devlin et al. 2019",
    )
    start_embeddings: str = setting(
        "", "A Word2Vec run whose vectors the tokens begin with, by its id, name or folder: for words or characters as "
        "tokens, and a d_model of the same size. Empty: random numbers",
        group="Model", label="Embeddings from run", run="word2vec",
    )
    batch: int = restated(StackTraining, "batch", 16)
    tokenizer: stack.TokenKind = restated(Tokens, "tokenizer", "word")
    vocabulary: int = restated(Tokens, "vocabulary", 4096)

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if self.tokenizer == "bpe" and self.vocabulary < 257:
            yield Problem("vocabulary", "byte pairs begin with the 256 bytes: choose at least 260")
        if self.trained == "head" and self.task == "classify" and not self.start:
            yield Problem("trained", "a head alone needs a run to start from: the vectors of an untrained model say little")
        if self.start and self.start_embeddings:
            yield Problem("start_embeddings", "the run that is started from has embeddings of its own: take one of the two")
        if self.masked + self.random > 1 + 1e-9:
            yield Problem("random", f"{self.masked:g} masked and {self.random:g} at random are more than all chosen tokens")
        if self.nsp and self.context < 8:
            yield Problem("context", "two sentences with their three special tokens need a context of 8")


    @property
    def apart(self) -> float:
        """The share of the learning rate with which weights of another run move, where new ones beside them move at all of it."""
        return self.start_rate if self.task == "classify" and self.start and self.trained == "all" else 1.0


def resolved(config: BertConfig) -> BertConfig:
    """The settings, where a run is started from with the size and the tokens of that run. Raises ConfigError."""
    if not config.start:
        return config
    theirs = start.find(config.start, ("bert",)).values
    values = {name: theirs[name] for name in FOLLOWS if name in theirs and name != "dropout"}
    return type(config).parse({**config.model_dump(), **values})


def misfits(config: BertConfig, info: DatasetInfo) -> Iterator[Problem]:
    """A classifier needs labelled texts of at least two classes."""
    if config.task == "pretrain":
        return
    if info.kind != "labelled":
        yield Problem("task", f"'{info.title}' has no labels to learn; choose labelled texts, or 'pretrain'")
    elif class_count(info) < 2:
        yield Problem("data", "all texts have the same class, so there is nothing to tell apart; choose labelled texts of at "
                              "least two classes, or the task 'pretrain'")  # fmt: skip


def class_count(info: DatasetInfo) -> int:
    """How many classes a dataset has, two where it does not say."""
    said = info.details.get("classes")
    return len(said) if isinstance(said, list) else int(said or 2)


def further_parameters(config: BertConfig, classes: int) -> int:
    """Parameters beside those of the stack; a test holds the sum equal to the built modules."""
    d = config.d_model
    norm = d * (1 + int(config.bias) * (config.norm == "layernorm"))
    segments = 2 * d if config.nsp or config.original else 0
    outputs = classes if config.task == "classify" else 2 if config.nsp else 0
    head = d * d + d + outputs * (d + 1) if outputs else 0
    return segments + (original_parameters(d, norm) if config.original else 0) + head


def original_parameters(d_model: int, norm: int) -> int:
    """Of the norm behind the embeddings, and of the layer with its norm before the output; the output bias is apart."""
    return norm + d_model * d_model + d_model + norm


def drawing(config: BertConfig, info: DatasetInfo, tokens: int) -> Drawing:
    """The stack, with what a task adds to it before and behind."""
    classes, d = class_count(info), config.d_model
    norm = d * (1 + int(config.bias) * (config.norm == "layernorm"))
    embedding, block, output = stack.parts(config, tokens)
    before = (2 * d if config.nsp or config.original else 0) + (norm if config.original else 0)
    behind = original_parameters(d, norm) - norm + tokens if config.original else 0
    embedding = replace(embedding, parameters=embedding.parameters + before)
    output = replace(output, parameters=output.parameters + behind)
    pooled = further_parameters(config, classes) - before - (original_parameters(d, norm) - norm if config.original else 0)
    text = Part("Text with gaps", f"up to {config.context} tokens")
    if config.task == "classify":
        return (Chain((replace(text, title="Text"), embedding, block, output, Part("Classes", f"{classes} scores", pooled))),)
    ends = (Part("Next sentence?", "one score", pooled),) if config.nsp else ()
    return (Chain((text, embedding, block, output, Part("Hidden tokens", f"{tokens:,} probabilities"), *ends)),)


def cost(config: BertConfig, info: DatasetInfo, tokens: int) -> Cost:
    """What a training costs for a vocabulary of so many tokens, special ones included. The output layer reads the chosen
    positions alone, which the count of operations leaves out of account."""
    return stack.cost(config, tokens, further_parameters(config, class_count(info)) + (tokens if config.original else 0))
