"""Settings of the Word2Vec family, and what they cost. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import setting
from genstudio.data.split import SplitSettings
from genstudio.data.vocabulary import TokenSettings
from genstudio.errors import Problem
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.settings import Descent, restated


class Word2VecConfig(Descent):
    """Settings of word vectors and of their training."""

    architecture: Literal["skip-gram", "cbow"] = setting(
        "skip-gram", "skip-gram: each word predicts every word near it; cbow: the mean of the words near it predicts the word",
        group="Model", main=True, source="Mikolov et al. 2013a, 3",
    )
    objective: Literal["negative", "softmax"] = setting(
        "negative", "negative: tell a true neighbour from random words (negative sampling); softmax: name it among all words of "
        "the vocabulary, exact and slower the more words there are",
        group="Model", main=True, source="Mikolov et al. 2013b, 2.2",
    )
    dimension: int = setting(
        64, "Numbers in the vector of each word", low=2, high=1024, group="Model", main=True,
        source="Mikolov et al. 2013a, 4.2",
    )
    window: int = setting(
        5, "How many words to the left and to the right count as near. The distance is drawn for each word, from 1 to this",
        low=1, high=50, group="Model", main=True, source="Mikolov et al. 2013a, 3.2",
    )
    negatives: int = setting(
        5, "Random words that each true neighbour is told from", low=1, high=64, group="Model", when="objective=negative",
        source="Mikolov et al. 2013b, 2.2: 5 to 20 for small data",
    )
    noise_power: float = setting(
        0.75, "Random words are drawn with their frequency to this power; 0: all alike, 1: as frequent as in the text",
        low=0, high=1, group="Model", when="objective=negative", source="Mikolov et al. 2013b, 2.2",
    )
    subsampling: float = setting(
        1e-3, "A word more frequent than this share of the text is skipped with the probability 1 - sqrt(this / its share), "
        "differently in each pass. 1: none is skipped",
        low=1e-6, high=1, group="Data", logarithmic=True, main=True, source="Mikolov et al. 2013b, 2.3",
    )
    tokenizer: Literal["word", "char"] = setting(
        "word", "What has a vector: each word, or each character", group="Data", label="Tokens",
    )
    vocabulary: int = setting(
        10_000, "How many different words there may be: the most frequent ones. Others are skipped", low=8, high=65535,
        group="Data", logarithmic=True, when="tokenizer=word", label="Vocabulary size",
    )
    min_count: int = setting(
        5, "A word that occurs less often in the training part is skipped", low=1, high=1_000_000, group="Data",
        logarithmic=True, when="tokenizer=word", label="Minimum count",
    )
    lower_case: bool = setting(True, "Read 'The' as 'the'", group="Data", when="tokenizer=word", label="Lower case")
    signs: bool = setting(
        False, "Full stops, commas and other signs count as words too", group="Data", when="tokenizer=word",
    )
    within_lines: bool = setting(
        True, "A window ends at the end of its line; off: it reaches into the next line", group="Data", label="Stay in the line",
    )
    split: Literal["contiguous", "random"] = setting(
        "contiguous", "Validation part: the end of the text, or random paragraphs", group="Data",
    )
    validation_share: float = setting(
        0.1, "Share of the text held out to measure the validation loss", low=0.001, high=0.5,
        group="Data",
    )
    split_seed: int = setting(
        0, "A different seed selects different paragraphs", low=0, high=2**31 - 1, group="Data", when="split=random",
    )

    batch: int = setting(
        512, "Words whose windows are processed together in one update", low=1, high=16384, group="Training", main=True,
        label="Batch size",
    )
    learning_rate: float = restated(Descent, "learning_rate", 1e-2)
    clip: float = restated(Descent, "clip", 0.0)
    final_rate: float = restated(Descent, "final_rate", 0.02)
    evaluate_every: int = setting(
        200, "Steps between two estimates of the validation loss", low=1, high=1_000_000, group="Training",
    )

    def rules(self) -> Iterator[Problem]:
        if self.objective == "softmax" and self.tokenizer == "word" and self.vocabulary > LARGEST_SOFTMAX:
            yield Problem(
                "vocabulary", f"naming each word among {self.vocabulary:,} takes too long; take at most {LARGEST_SOFTMAX:,}, or "
                "negative sampling"
            )

    @property
    def tokens(self) -> TokenSettings:
        """What the tokens are."""
        return TokenSettings.of(self.model_dump())

    @property
    def part(self) -> SplitSettings:
        """Which part validates."""
        return SplitSettings(self.split, self.validation_share, self.split_seed)


LARGEST_SOFTMAX = 20_000
SHARED = 512
"""Random words that all predictions of a step are told from. Of 64, each pushes its word so hard that the loss stays above
that of word frequencies alone on a vocabulary of thousands; 512 cost 1.5 times the time."""


def drawing(config: Word2VecConfig, tokens: int) -> Drawing:
    """Two tables of vectors, and what is asked of them."""
    d, table = config.dimension, tokens * config.dimension
    read = "the words around a gap" if config.objective == "cbow" else "a word of the text"
    wanted = "the word in the gap" if config.objective == "cbow" else "the words near it"
    answer = "among all words" if config.objective == "softmax" else "against random words"
    return (Chain((
        Part("Read", read),
        Part("Word vectors", f"{tokens:,} words, {d} numbers each", table),
        Part("Context vectors", f"{tokens:,} words, {d} numbers each", table),
        Part("Predict", f"{wanted}, {answer}"),
    )),)  # fmt: skip


def cost(config: Word2VecConfig, tokens: int) -> Cost:
    """What a training costs: two tables of `tokens` vectors with Adam's moments; of a step, the scores of its true and random
    words with their gradients, and the update of all rows."""
    count = 2 * tokens * config.dimension
    near = config.window + 1  # the mean distance is half the window, on both sides
    others = tokens if config.objective == "softmax" else min(SHARED, tokens)
    scored = config.batch * (near + others)
    return Cost(count, 4 * (4 * count + 3 * scored), 6 * scored * config.dimension + 10 * count, config.batch)
