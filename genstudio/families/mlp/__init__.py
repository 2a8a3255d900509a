"""The dense network (MLP): its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from genstudio.data.batches import PictureBatch, PointBatch, RowBatch
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.batches import draw_among
from genstudio.data.learnable.rows import Learnable, RowData, RowShape, from_metadata, metadata, prepared
from genstudio.data.work import Work
from genstudio.errors import Problem
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost, Family, deferred, made_for
from genstudio.families.mlp.config import MLPConfig
from genstudio.families.mlp.dashboard import DASHBOARD
from genstudio.families.mlp.doctor import doctor
from genstudio.families.mlp.presets import PRESETS
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "MLPConfig"]

_LOOKED_AT = 64
_NAMES = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU", "leaky_relu": "leaky ReLU", "gelu": "GELU"}


def _prepare(config: MLPConfig, dataset: Learnable, _kept: Mapping[str, Any] | None = None) -> Work[RowData]:
    return prepared(dataset, config.split, config.standardise, lambda data: _problems(config, data))


def _problems(config: MLPConfig, data: RowData) -> Iterator[Problem]:
    if config.batch > len(data.train):
        yield Problem("batch", f"there are only {len(data.train):,} training samples; 0 takes all of them")


def _sizes(config: MLPConfig, info: DatasetInfo) -> tuple[int, ...]:
    shape = RowShape.of(info)
    return (len(shape.columns), *config.hidden, shape.outputs)


def _cost(config: MLPConfig, info: DatasetInfo, _tokens: int) -> Cost:
    sizes = _sizes(config, info)
    pairs = list(itertools.pairwise(sizes))
    weights, held = sum(a * b for a, b in pairs), sum(sizes)
    count = min(number for number in (config.batch or info.count, config.examples or info.count, info.count) if number)
    parameters = weights + sum(sizes[1:])
    states = {"sgd": 2, "momentum": 3, "muon": 3, "rmsprop": 4, "adam": 4}[config.optimizer]
    return Cost(parameters, 4.0 * (states * parameters + 2 * held * count), 6.0 * weights * count, count)


def _drawing(config: MLPConfig, info: DatasetInfo, _tokens: int) -> Drawing:
    sizes, shape = _sizes(config, info), RowShape.of(info)
    parts = [Part("Inputs", f"{sizes[0]:,} numbers")]
    for number, (before, neurons) in enumerate(itertools.pairwise(sizes[:-1]), 1):
        kind = f"{neurons:,} × {_NAMES[config.activation]}"
        parts.append(Part(f"Layer {number}", kind, neurons * (before + 1), module=f"network.layers.{number - 1}"))
    squash = "softmax" if sizes[-1] > 1 and config.loss == "cross_entropy" else "sigmoid"
    last = f"network.layers.{len(sizes) - 2}"
    parts.append(Part("Outputs", f"{sizes[-1]:,} × {squash}", sizes[-1] * (sizes[-2] + 1), module=last))
    parts.append(Part("Classes", f"{len(shape.classes):,}"))
    return (Chain(tuple(parts)),)


def _batch(config: MLPConfig, data: RowData, seed: int, step: int) -> PictureBatch | PointBatch | RowBatch:
    among = data.train[: config.examples or None]
    chosen = draw_among(among, (config.batch,), seed, step) if 0 < config.batch < len(among) else among
    chosen, shape = chosen[:_LOOKED_AT], data.shape
    rows, labels = data.inside(data.real[chosen]), data.labels[chosen]
    if shape.size is not None:
        return PictureBatch(rows.reshape(-1, *shape.size), labels, shape.classes, 0.0)
    return RowBatch(rows, labels, shape.columns, shape.classes)


FAMILY: Family[MLPConfig, RowData] = Family(
    name="mlp",
    title="Dense network (MLP)",
    room="basics",
    data_kinds=("rows", "images"),
    abilities=("Classifies", "ShowsNumbers", "Evaluates"),
    config=MLPConfig,
    presets=PRESETS,
    prepare=_prepare,
    model=deferred(f"{__name__}.model", "MLPModel"),
    learner=deferred(f"{__name__}.learner", "MLPLearner"),
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=_cost,
    drawing=_drawing,
    dashboard=DASHBOARD,
    batch=_batch,
    export=exporter("mlp", metadata),
    doctor=doctor,
    preset_for=lambda info, now: made_for(PRESETS, info, now, "points" if info.kind == "rows" else "pictures"),
    usual_data="xor",
)
