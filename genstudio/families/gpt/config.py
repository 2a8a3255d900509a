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
    counts: Literal["none", "mix", "gate"] = setting(
        "none", "Mix the predictions with those of an n-gram model, counted from the same training text in about a second. "
                "mix: one share for all tokens; gate: a share for each token, by how certain each of the two is. Both are "
                "fitted on the last part of the training text, up to a tenth, which the network then does not see",
        group="Model", main=True, label="Counts", source="Kneser & Ney 1995; Chen & Goodman 1998",
    )
    counts_length: int = setting(
        8, "Number of preceding tokens that the counts use at most; fewer where those predict the held-back part of the text "
        "better", low=1, high=8, group="Model", label="Context of the counts",
        when="counts=mix|gate", source="Chen & Goodman 1998",
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
    stop_early: float = setting(
        0.0, "Stop, and go back to the best checkpoint, once the validation loss has not fallen for this share of the training "
        "and is more than 1% higher. 0: train to the end", low=0, high=1, group="Training", label="Early stop",
        source="Prechelt 1998",
    )
    precision: Literal["float32", "bfloat16"] = setting(
        "float32", "Number format of the forward pass; bfloat16 (autocast) needs CUDA", group="Training",
        source="Micikevicius et al. 2018",
    )

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if self.tokenizer == "bpe" and self.vocabulary < 257 + 2 * (self.markers == "lines"):
            yield Problem("vocabulary", "byte pairs start from the 256 bytes (and two markers): choose at least 260")
        if self.counts != "none" and not self.mask:
            yield Problem("counts", "without the look-ahead mask there is no next token to predict; turn the counts off")
