"""Settings of the GPT family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import setting
from genstudio.errors import Problem
from genstudio.families.stack import TextStack


class GPTConfig(TextStack):
    """Settings of a decoder-only transformer and of its training."""

    mask: bool = setting(
        True, "Look-ahead mask. Off: every token sees the future, the loss falls towards 0, and the model cannot write",
        group="Model", label="Look-ahead mask", source="Vaswani et al. 2017, 3.2.3",
    )
    start_embeddings: str = setting(
        "", "A Word2Vec run whose vectors the tokens begin with, by its id, name or folder: for words or characters as "
        "tokens, and a d_model of the same size. Empty: random numbers",
        group="Model", label="Embeddings from run", run="word2vec",
    )
    markers: Literal["none", "lines"] = setting(
        "none", "Put a beginning- and an end-of-sequence token around every line (for lists such as names)",
        group="Data", label="Sequence markers",
    )
    answers: Literal["forwards", "backwards"] = setting(
        "forwards", "Toy tasks: write answers as they are, or from their end. Backwards, the digits of a sum come in the order "
        "in which they are carried: 48+75=321",
        group="Data", label="Answers", source="backwards: Lee et al. 2023",
    )
    loss_on: Literal["answers", "lines"] = setting(
        "answers", "Toy tasks: train on the answers alone, or on whole lines, questions included, although those are random",
        group="Training", label="Loss on",
    )
    precision: Literal["float32", "bfloat16"] = setting(
        "float32", "Number format of the forward pass; bfloat16 (autocast) needs CUDA", group="Training",
        source="Micikevicius et al. 2018",
    )

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if self.tokenizer == "bpe" and self.vocabulary < 257 + 2 * (self.markers == "lines"):
            yield Problem("vocabulary", "byte pairs start from the 256 bytes (and two markers): choose at least 260")
