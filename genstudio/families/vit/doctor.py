"""What goes wrong with models that read pictures as patches, as rules about numbers of their training. Numpy only."""

from __future__ import annotations

import math
from collections.abc import Iterable

from genstudio.data.learnable.samples import SampleData
from genstudio.events import Diagnosis
from genstudio.families.rules import (
    NOT_FINITE,
    NOTHING,
    START,
    advice,
    diverged,
    memorising,
    not_finite,
    overfitting,
    slower,
)
from genstudio.families.text_rules import DROPOUT
from genstudio.families.vit.baselines import class_frequencies
from genstudio.training.doctor import Doctor, Finding, Rule, Window

RECALLED, COLLAPSED, UNEQUAL = 0.25, 0.05, 0.1
_VARY = ("Vary the training pictures more", {"shift": 0.15, "rotation": 15.0, "zoom": 0.2})


def stuck(window: Window) -> Finding | None:
    """No better than naming the most frequent class, or filling in the mean picture."""
    task, loss = window.settings.get("task"), window.last("val_loss")
    simple = window.last({"classify": "class_frequencies", "masked": "mean_picture_loss"}.get(str(task), ""))
    if window.measured("val_loss") < START or math.isnan(simple) or not loss > simple - NOTHING * abs(simple):
        return None
    what = "knowing only how frequent each class is" if task == "classify" else "filling in the mean picture"
    return Finding(
        f"After {window.step:,} steps the model is no better than {what}: {loss:.3g} against {simple:.3g} on held-out pictures.",
        {"held-out loss": loss, what: simple},
        advice(
            window, slower(window, 5), ("Start a new run with smaller patches: more of them, each with less in it", {}),
            ("Start a new run with a longer warm-up", {"warmup": 300}),
            ("Start a new run that trains the whole model", {"trained": "all"}),
        ),
    )  # fmt: skip


def collapsed(window: Window) -> Finding | None:
    """All pictures have nearly the same vector: two views agree, and say nothing."""
    spread = window.last("spread")
    if window.settings.get("task") != "views" or window.step < START or not spread < COLLAPSED:
        return None
    return Finding(
        f"The vectors of all pictures are nearly the same (spread {spread:.2g}, where 1 is everywhere): two views of one picture "
        "agree because everything does.",
        {"spread of the vectors": spread},
        advice(
            window, ("Balance the teacher's answers", {"balanced": True}),
            ("Let the teacher move more slowly", {"teacher_decay": 0.996}),
            ("Start a new run with the contrastive objective, which pushes pictures apart", {"objective": "contrastive"}),
            slower(window, 5),
        ),
    )  # fmt: skip


def bag(window: Window) -> Finding | None:
    """Without positions a picture is a bag of patches."""
    loss, train = window.last("val_loss"), window.mean("train_loss", 100)
    if window.settings.get("positions") != "none" or window.step < 2 * START or window.settings.get("task") != "classify":
        return None
    if math.isnan(train) or not train > UNEQUAL:
        return None
    return Finding(
        f"The model does not know where a patch is: with positions none, a picture is a bag of patches. The training loss stays "
        f"at {train:.2g}.",
        {"training loss": train, "held-out loss": loss},
        advice(window, ("Start a new run with learned positions", {"positions": "learned"})),
    )


RULES = (
    NOT_FINITE,
    diverged(("Clip the gradient norm", {"clip": 1.0})),
    Rule("plateau", "Stuck at a trivial solution",
         f"After {START} steps the held-out loss is not {NOTHING:.0%} below that of the class frequencies, or of the mean "
         "picture.",
         stuck),
    Rule("collapsed", "Collapse: all vectors are the same",
         f"After {START} steps the vectors of different pictures have less than {COLLAPSED:.0%} of the spread that is possible.",
         collapsed, 100),
    Rule("bag", "A bag of patches",
         f"After {2 * START} steps without positions the training loss is still above {UNEQUAL:g} nats.", bag, 100),
    overfitting(("Stop here: the best checkpoint is kept, and can be chosen in the Playground", {}), _VARY, DROPOUT),
    memorising("train_loss", "val_loss", "the loss", f"The training loss is below {RECALLED:.0%} of the held-out loss, which is "
               "above 0.3 nats.", lambda mine, theirs, _: theirs > 0.3 and mine < RECALLED * theirs, _VARY, DROPOUT),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), data: SampleData | None = None) -> Doctor:
    """What watches a ViT that learns from `data`; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, None, told, broken=not_finite, known={} if data is None else class_frequencies(data))
