"""Whether pictures show what their captions name, by a classifier that has seen real pictures only."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from genstudio.data.learnable.samples import SampleData
from genstudio.data.work import mapped
from genstudio.evaluation import features
from genstudio.evaluation.samples import PREPARING
from genstudio.events import Progress
from genstudio.training.learner import Measured

Integers = NDArray[np.int64]


class Named(Protocol):
    """Something that captions name: its values, and which of them each picture has (n,)."""

    @property
    def name(self) -> str: ...

    @property
    def values(self) -> tuple[str, ...]: ...

    @property
    def labels(self) -> Integers: ...


def agreement(
    data: SampleData, factors: Sequence[Named], chosen: Integers, made: NDArray[np.uint8], device: torch.device
) -> Generator[Measured, None, dict[str, float]]:  # fmt: skip
    """Of pictures `made` (n, h, w, c) of the captions of `chosen` ones (n,): `agreement`, the share in which the classifier sees
    the first two factors as they were asked for, `agreement_NAME` of each, `agreement_real`, how often it is right of real
    held-out pictures, and `agreement_chance`, of pictures of other captions drawn at random. Nothing where captions name nothing.

    The classifier learns from all real pictures that are not held out, also of combinations that the model never sees, some of
    them blurred or noisy.
    """
    factors = factors[:2]
    if not factors:
        return {}
    sizes = tuple(len(one.values) for one in factors)
    both = np.ravel_multi_index(tuple(one.labels for one in factors), sizes).astype(np.int64)
    apart = dataclasses.replace(
        SampleData(**{each.name: getattr(data, each.name) for each in dataclasses.fields(SampleData)}),
        labels=both, train=np.setdiff1d(np.arange(len(data.real)), data.held),
        shape=dataclasses.replace(data.shape, classes=tuple(map(str, range(int(np.prod(sizes)))))),
    )  # fmt: skip
    encoder = yield from mapped(
        features.trained(apart, device, None, varied=True), lambda done: Measured(done=0.6, preparing=Progress(PREPARING, done))
    )
    asked = both[chosen]
    seen = yield from _seen(encoder, made)
    values = {"agreement": float((seen == asked).mean())}
    wanted, found = (np.unravel_index(labels, sizes) for labels in (asked, seen))
    for one, right, answer in zip(factors, wanted, found, strict=True):
        values[f"agreement_{one.name}"] = float((right == answer).mean())
    shares = np.bincount(asked) / len(asked)
    values["agreement_chance"] = float(np.square(shares).sum())
    if len(data.held):
        real = yield from _seen(encoder, data.real[data.held])
        values["agreement_real"] = float((real == both[data.held]).mean())
    return values


def _seen(encoder: features.Encoder, pixels: NDArray[np.uint8]) -> Generator[Measured, None, Integers]:
    _, seen = yield from mapped(features.encode_all(encoder, pixels), lambda _: Measured(done=0.95))
    found: Integers = seen
    return found
