"""What goes wrong with models of two sequences, as rules about numbers of their training. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable

from genstudio.data.learnable.pairs import PairData
from genstudio.events import Diagnosis, Snapshot
from genstudio.families.rules import (
    NOT_FINITE,
    START,
    Tried,
    advice,
    diverged,
    memorising,
    not_finite,
    overfitting,
    plateau,
    slower,
)
from genstudio.families.seq2seq.dashboard import baselines
from genstudio.snapshots.translation import Translations
from genstudio.training.doctor import Doctor, Finding, Rule, Window

GAP, RECALLED, WORSE, ALIKE = 0.15, 0.5, 0.05, 0.75
_DROPOUT: Tried = ("Start again with dropout", {"dropout": 0.1})
_ATTEND: Tried = ("Start again with attention", {"architecture": "rnn-attention"})
_TRANSFORMER: Tried = ("Start again with a transformer", {"architecture": "transformer"})


def observe(snapshot: Snapshot) -> dict[str, float]:
    """Of the fixed sentences: `alike`, the share of them whose translation is the most frequent one of all."""
    if not isinstance(snapshot, Translations) or len(snapshot.sentences) < 4:
        return {}
    made = [sentence.made for sentence in snapshot.sentences]
    wanted = {sentence.wanted for sentence in snapshot.sentences}
    return {"alike": max(map(made.count, made)) / len(made)} if len(wanted) == len(made) else {}


def one_vector(window: Window) -> Finding | None:
    """A decoder without attention forgets long sentences."""
    short, long = window.last("short_accuracy"), window.last("long_accuracy")
    if window.measured("long_accuracy") < START or window.settings.get("architecture") != "rnn" or not short - long > GAP:
        return None
    return Finding(
        f"Long sentences do not fit into one context vector: {short:.0%} of the tokens of the shortest third are right, and "
        f"{long:.0%} of those of the longest.",
        {"right tokens, shortest third": short, "right tokens, longest third": long},
        advice(window, _ATTEND, _TRANSFORMER, ("Start again with a larger state", {"d_model": 256})),
    )


def one_answer(window: Window) -> Finding | None:
    """The decoder writes the same, whatever the source is."""
    share = window.last("alike")
    if window.step < START or not share > ALIKE:
        return None
    return Finding(
        f"{share:.0%} of the fixed sentences get the same translation: the decoder writes a frequent text and does not "
        "use the source.",
        {"share of equal translations": share},
        advice(window, _ATTEND if window.settings.get("architecture") == "rnn" else slower(window, 4)),
    )


def too_high(window: Window) -> Finding | None:
    """It has become worse than guessing."""
    now, guess = window.mean("train_loss", 50), window.last("uniform")
    if not now > guess + WORSE:
        return None
    return Finding(
        f"The learning rate is too high: the loss has risen to {now:.2f}, above the {guess:.2f} of guessing blindly.",
        {"training loss": now, "loss of guessing blindly": guess},
        advice(window, slower(window, 10), ("Shorten long gradients", {"clip": 1.0})),
    )


def left_out(window: Window) -> Finding | None:
    """Pairs are not learnt from, because they are too long."""
    share, longest = window.last("left_out"), window.last("longest")
    if not share > 0:
        return None
    return Finding(
        f"{share:.1%} of the pairs are ignored in training and in every measure: they are longer than "
        f"{window.settings.get('context')} tokens (the longest has {longest:,.0f}).",
        {"share of the pairs": share, "tokens of the longest": longest},
        advice(window, ("Start again with a longer limit for sentences, which takes more time",
                        {"context": min(8192, int(longest))})),
    )


RULES = (
    NOT_FINITE,
    diverged(("Shorten long gradients", {"clip": 1.0})),
    plateau("unigram", "knowing how frequent each token is", ("Use the settings of the first preset", {})),
    overfitting(("Stop here: the best checkpoint is kept, and can be chosen in the Playground", {}), _DROPOUT,
                ("Make the targets less certain", {"label_smoothing": 0.1})),
    memorising("train_loss", "val_loss", "the loss", f"The training loss is below {RECALLED:.0%} of the held-out loss, which is "
               "not small.", lambda mine, theirs, _: theirs > 0.5 and mine < RECALLED * theirs, _DROPOUT),
    Rule("rate_too_high", "Learning rate too high",
         f"The mean training loss of 50 steps is more than {WORSE:g} nats above that of guessing blindly (uniform).", too_high),
    Rule("one_vector", "Long sentences are forgotten",
         f"A decoder without attention has {GAP:.0%} fewer tokens right in the longest third of held-out sentences than in the "
         "shortest.", one_vector),
    Rule("one_answer", "One answer to everything",
         f"More than {ALIKE:.0%} of the fixed sentences, whose references differ, get the same translation.", one_answer),
    Rule("left_out", "Pairs too long", "Some pairs have a side with more tokens than the longest sentence may have.", left_out),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), data: PairData | None = None) -> Doctor:
    """What watches a model that learns from `data`; `told` are the diagnoses of its run so far."""
    known = {}
    if data is not None and len(data.train):
        long = data.left_out.long
        every = len(data.train) + len(data.held) + long
        known = baselines(data) | {"left_out": long / every, "longest": float(data.left_out.longest)}
    return Doctor(RULES, observe, told, broken=not_finite, known=known)
