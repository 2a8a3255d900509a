"""What needs no neural network on the same pictures and the same split: neighbours, logistic regression, class means."""

from __future__ import annotations

import json

import numpy as np

from genstudio.data import derived
from genstudio.data.learnable.samples import SampleData
from genstudio.data.work import Work, scaled
from genstudio.evaluation import classifiers
from genstudio.families.vit.config import ViTConfig

_KEPT, _MOST = "classifiers", 1 << 20


def class_frequencies(data: SampleData) -> dict[str, float]:
    """Of held-out pictures: the loss of knowing only how frequent each class is, `class_frequencies`, and of knowing nothing,
    `uniform`, in nats; and `most_frequent_accuracy`, the share of the most frequent class. Empty without data."""
    if data.labels is None or not len(data.train) or not len(data.held):
        return {}
    counts = np.bincount(data.labels[data.train], minlength=len(data.shape.classes)) + 1.0
    held = data.labels[data.held]
    return {
        "uniform": float(np.log(len(data.shape.classes))),
        "class_frequencies": float(-np.log(counts / counts.sum())[held].mean()),
        "most_frequent_accuracy": float((held == int(counts.argmax())).mean()),
    }


def baselines(config: ViTConfig, data: SampleData) -> Work[dict[str, float]]:
    """Accuracy on the held-out pictures of rules that read the pixels: `knn_accuracy`, `logistic_accuracy`,
    `mean_picture_accuracy` and `most_frequent_accuracy`. Kept for the next time; yields the fraction done."""
    simple = class_frequencies(data)
    if not simple or data.labels is None:
        return {}
    key = f"{config.split} {config.target} {config.examples} {classifiers.NEIGHBOURS}"
    if (stored := derived.read(_KEPT, data.source, key)) is not None:
        found: dict[str, float] = json.loads(stored)
        return found
    used, classes = data.train[: config.examples or None], len(data.shape.classes)
    train, held = (data.real[part].reshape(len(part), -1).astype(np.float32) / np.float32(255) for part in (used, data.held))
    labels, wanted = data.labels[used], data.labels[data.held]
    near = yield from scaled(classifiers.neighbours(train, labels, held, classes), 0.0, 0.2)
    rule = yield from scaled(classifiers.logistic(train, labels, classes), 0.2, 1.0)
    found = {
        "knn_accuracy": float((near == wanted).mean()),
        "logistic_accuracy": rule.accuracy(held, wanted),
        "mean_picture_accuracy": classifiers.nearest_mean(train, labels, classes).accuracy(held, wanted),
        "most_frequent_accuracy": simple["most_frequent_accuracy"],
    }
    derived.keep(_KEPT, data.source, key, json.dumps(found).encode(), _MOST)
    return found
