"""What a run of a ViT shows."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, cast

from genstudio.data import shelf
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.samples import Shape
from genstudio.data.work import scaled
from genstudio.families.dashboard import (
    DOCTOR,
    LIVE,
    SIDE,
    TIMELINE,
    Chart,
    Dashboard,
    Line,
    Measure,
    Pane,
    Reference,
    smaller_pictures,
)
from genstudio.families.sample_charts import GRADIENTS
from genstudio.families.vit.baselines import baselines, class_frequencies
from genstudio.families.vit.config import ViTConfig, patch_problem
from genstudio.families.vit.data import prepare

if TYPE_CHECKING:
    from genstudio.runs import RunInfo

_CLASSIFY, _MASKED, _VIEWS = "task=classify", "task=masked", "task=views"


def _references(config: ViTConfig, info: DatasetInfo) -> Generator[float, None, Mapping[str, float]]:
    """What needs no neural network on the same split: see `baselines`."""
    data = yield from prepare(config.model_copy(update={"start": ""}), cast("Any", shelf.open_dataset(info)))
    if config.task != "classify":
        return {}
    return class_frequencies(data) | (yield from scaled(baselines(config, data), 0.1, 1.0))


def _smaller(config: ViTConfig, info: DatasetInfo) -> tuple[str, Any, DatasetInfo] | None:
    """Patches of twice the size, where they fit; else half the layers; else smaller pictures."""
    shape, twice = Shape.of(info), config.model_copy(update={"patch": 2 * config.patch})
    if patch_problem(twice, shape.height, shape.width) is None and 2 * config.patch < min(shape.height, shape.width):
        return f"patches of {2 * config.patch} pixels", twice, info
    if half := config.layers // 2:
        return f"{half} layer{'s' * (half > 1)}", config.model_copy(update={"layers": half}), info
    return smaller_pictures(config, info)


def said(info: RunInfo, references: Mapping[str, float]) -> str:
    """How many held-out pictures it names right, beside what needs no neural network; or what a probe says."""
    losses = info.losses
    if "accuracy" in losses and math.isfinite(losses["accuracy"]):
        words = f"{losses['accuracy']:.1%} of held-out pictures are classified correctly"
        names = (("knn_accuracy", "k nearest neighbours"), ("logistic_accuracy", "logistic regression"),
                 ("mean_picture_accuracy", "the nearest mean picture"))  # fmt: skip
        beside = [f"{title} {references[name]:.1%}" for name, title in names if name in references]
        return words + (f"; without a network: {', '.join(beside)}." if beside else ".")
    if "probe_accuracy" in losses:
        return (f"A linear probe classifies {losses['probe_accuracy']:.1%} of held-out pictures correctly; on an untrained "
                f"model: {losses.get('untrained_probe_accuracy', math.nan):.1%}.")  # fmt: skip
    return ""


_LOSS = (Line("train_loss", "training", "training", True), Line("val_loss", "held out", "validation"))
_SAMPLES = "share of held-out pictures"
DASHBOARD = Dashboard(
    charts=(
        Chart(
            "loss", "Loss", "nats per picture", _LOSS, "Progress",
            units={_MASKED: "squared error of hidden pixels, from -1 to 1", _VIEWS: "nats per view"},
            references=(
                Reference("uniform", "uniform {:.3f}", when=_CLASSIFY),
                Reference("class_frequencies", "class frequencies {:.3f}", when=_CLASSIFY),
            ),
            floors={"mean_picture_loss": "mean picture"},
        ),
        Chart(
            "accuracy", "Accuracy", _SAMPLES,
            (Line("accuracy", "held out", "validation"), Line("train_accuracy", "training", "training", True)), "Progress",
            references=(
                Reference("knn_accuracy", "k nearest neighbours {:.1%}", "k-NN {:.1%}",
                          beaten="Beats k nearest neighbours", above=True),
                Reference("logistic_accuracy", "logistic regression {:.1%}", "logistic {:.1%}",
                          beaten="Beats logistic regression", above=True),
                Reference("mean_picture_accuracy", "nearest mean picture {:.1%}", "mean {:.1%}",
                          beaten="Beats the nearest mean picture", above=True),
                Reference("most_frequent_accuracy", "most frequent class {:.1%}", "most frequent"),
            ),
            when=_CLASSIFY,
        ),
        Chart(
            "probe", "Linear probe", _SAMPLES, (Line("probe_accuracy", "probe", "validation"),), "Progress",
            floors={"untrained_probe_accuracy": "untrained model"}, when="task=masked|views",
        ),
        Chart(
            "partner", "Partner found", "share of held-out views",
            (Line("partner_found", "nearest is the partner", "validation"),),
            "Views", when=_VIEWS,
        ),
        Chart(
            "spread", "Spread of the vectors", "1: everywhere, 0: all the same", (Line("spread", "spread", "variety", True),),
            "Views", when=_VIEWS, least=0.0,
        ),
        *GRADIENTS,
    ),
    panes=(
        Pane(
            ("named",), "Predictions", beside="real", beside_title="True classes", beside_note="held out", paired=True,
            made="picture", score="probability", note="with the class that was named", picks=False, when=_CLASSIFY,
        ),
        Pane(
            ("filled", "seen"), "Filled in", choices=("Filled in", "What the encoder sees"),
            choice_title="What is shown beside the originals",
            choice_help="The pictures with their hidden patches as the model fills them in, or what the encoder is given",
            beside="real", beside_title="Originals", beside_note="held out", paired=True, score="error", picks=False,
            when=_MASKED, note="the same patches hidden throughout",
        ),
        Pane(
            ("views",), "Views", beside="nearest", beside_title="Nearest other view", beside_note="of the same pictures",
            paired=True, score="cosine", picks=False, when=_VIEWS, note="a variation of each picture",
        ),
        Pane(("patches",), "Attention"),
        Pane(("confusion",), "Confusion", SIDE, when=_CLASSIFY),
    ),
    tools=(LIVE, DOCTOR, TIMELINE),
    result=(
        Measure("accuracy", "accuracy", "higher"),
        Measure("probe_accuracy", "probe accuracy", "higher"),
        Measure("val_loss", "held-out loss", "lower"),
        Measure("untrained_probe_accuracy", "probe accuracy of an untrained model"),
    ),
    summary=(
        Measure("train_loss", "loss"), Measure("val_loss", "held out"), Measure("accuracy", "accuracy"),
        Measure("probe_accuracy", "probe"),
    ),
    handles=(
        "learning_rate", "shift", "rotation", "zoom", "contrast", "flip", "mask_share", "temperature", "label_smoothing", "clip",
    ),
    race="positions",
    references=_references,
    smaller=_smaller,
    said=said,
    welcome="Press Start: pictures are cut into patches, and a transformer reads these as it reads words. Beside its accuracy "
    "stands what needs no network at all: k nearest neighbours, logistic regression and the nearest mean picture. Your own "
    "pictures work the same way: drop a folder that holds a folder for each class.",
)  # fmt: skip
