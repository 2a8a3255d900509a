"""How well a language model answers questions that have one right answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genstudio.data.learnable.questions import QuestionData
from genstudio.evaluation.ngram import uniform, unigram


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """Sums over held-out questions: negative log-likelihood of the tokens of their answers in nats, those `tokens`, how many
    `questions` there were, and how many answers a greedy decoding gets right to the last token."""

    nats: float = 0.0
    tokens: int = 0
    questions: int = 0
    right: int = 0
    done: float = 1.0

    @property
    def values(self) -> Mapping[str, float]:
        """`val_loss` in nats per token of the answers, and the share `exact_match`."""
        if not self.tokens:
            return {}
        return {"val_loss": self.nats / self.tokens, "exact_match": self.right / self.questions}

    @property
    def result(self) -> Mapping[str, float]:
        """An evaluation's answer."""
        if not self.tokens:
            return {}
        values = self.values
        counts = {"questions": self.questions, "tokens": self.tokens}
        return {"loss_nats": values["val_loss"], "exact_match": values["exact_match"], **counts}


def baselines(data: QuestionData) -> dict[str, float]:
    """What needs no network. In nats per token of held-out answers: guessing blindly (`uniform`), and knowing how frequent each
    token of an answer is (`unigram`); as a share of the questions: always giving the most frequent answer (`usual`)."""
    train, held, size = data.asked.answer_ids, data.held.answer_ids, data.tokenizer.size
    if not len(train) or not len(held):
        return {}
    return {"uniform": uniform(size), "unigram": unigram(train, held, size), "usual": data.usual}
