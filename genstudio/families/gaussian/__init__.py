"""The Gaussian family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from genstudio.data.batches import PictureBatch, PointBatch
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable import batches
from genstudio.data.learnable.samples import Learnable, SampleData, Shape, from_metadata, metadata, prepared
from genstudio.data.work import Work
from genstudio.errors import Problem
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost, Family, deferred
from genstudio.families.gaussian.config import LARGEST_FULL, GaussianConfig
from genstudio.families.gaussian.dashboard import DASHBOARD
from genstudio.families.gaussian.doctor import doctor
from genstudio.families.gaussian.presets import PRESETS, preset_for
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "GaussianConfig"]


def _prepare(config: GaussianConfig, dataset: Learnable, _kept: Mapping[str, Any] | None = None) -> Work[SampleData]:
    return prepared(dataset, config.split, lambda data: _problems(config, data))


def _problems(config: GaussianConfig, data: SampleData) -> Iterator[Problem]:
    numbers = data.shape.numbers
    if config.covariance == "full" and numbers > LARGEST_FULL:
        yield Problem(
            "covariance", f"a full covariance of {numbers:,} values is too large; choose low rank (low_rank), or smaller pictures"
        )
    if config.covariance == "low_rank" and config.rank > numbers:
        yield Problem("rank", f"these samples have {numbers} values; choose at most as many directions")


def _cost(config: GaussianConfig, info: DatasetInfo, _tokens: int) -> Cost:
    shape, diagonal = Shape.of(info), config.covariance == "diagonal"
    numbers, count = shape.numbers, min(config.examples or info.count, info.count)
    classes = max(len(shape.classes), 1) if config.per_class else 1
    rank = min(config.rank, numbers) if config.covariance == "low_rank" else numbers
    parameters = classes * (numbers + rank + 2 + (0 if diagonal else rank * numbers))
    work = 4.0 * count * numbers * (1 if diagonal else numbers) + (0 if diagonal else 10.0 * classes * numbers**3)
    return Cost(parameters, 8.0 * (parameters + 3 * count * numbers), work, count)


def _drawing(config: GaussianConfig, info: DatasetInfo, _tokens: int) -> Drawing:
    """What is counted rather than trained, and what it gives."""
    shape, of_all = Shape.of(info), _cost(config, info, 0).parameters
    numbers, classes = shape.numbers, max(len(shape.classes), 1) if config.per_class else 1
    kind = {"diagonal": "each number alone", "full": "all pairs of numbers"}.get(
        config.covariance, f"{min(config.rank, numbers)} directions and noise"
    )
    means = classes * numbers
    return (Chain((
        Part("Samples", f"{numbers:,} numbers each"),
        Part("Mean" if classes == 1 else f"{classes} means", "one per class" if classes > 1 else "", means),
        Part("Covariance" if classes == 1 else f"{classes} covariances", kind, of_all - means),
        Part("Density", "and new samples"),
    )),)  # fmt: skip


def _batch(config: GaussianConfig, data: SampleData, _seed: int, _step: int) -> PictureBatch | PointBatch:
    return batches.shown(data, data.train[: config.examples or 64][:64], labelled=config.per_class, low=0.0)


FAMILY: Family[GaussianConfig, SampleData] = Family(
    name="gaussian",
    title="Gaussian",
    room="latent",
    data_kinds=("points", "images"),
    abilities=("Samples", "Judges", "Evaluates"),
    config=GaussianConfig,
    presets=PRESETS,
    prepare=_prepare,
    model=deferred(f"{__name__}.model", "GaussianModel"),
    learner=deferred(f"{__name__}.learner", "GaussianLearner"),
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=_cost,
    drawing=_drawing,
    dashboard=DASHBOARD,
    batch=_batch,
    export=exporter("gaussian"),
    doctor=doctor,
    preset_for=preset_for,
)
