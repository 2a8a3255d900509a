"""Logistic regression against its optimum, neighbours and class means against a plain count."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from genstudio.data.work import finished
from genstudio.evaluation import classifiers


def blobs(n: int = 300, d: int = 6, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    return rng.normal(size=(classes, d))[labels] + rng.normal(size=(n, d)), labels


def test_logistic_regression_reaches_the_optimum_of_its_loss() -> None:
    x, labels = blobs()
    found = finished(classifiers.logistic(x, labels, 4, 1.0, 1e-7))
    weights = torch.zeros(6, 4, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=500, tolerance_grad=1e-10, tolerance_change=1e-14)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        scores = torch.from_numpy(x) @ weights + bias
        value = F.cross_entropy(scores, torch.from_numpy(labels), reduction="sum") + 0.5 * weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    ours = found.scores(x)
    theirs = (torch.from_numpy(x) @ weights + bias).detach().numpy()
    centred = [scores - scores.mean(1, keepdims=True) for scores in (ours, theirs)]
    assert np.abs(centred[0] - centred[1]).max() < 1e-3
    assert found.accuracy(x, labels) == (theirs.argmax(1) == labels).mean()


def test_neighbours_and_means_are_those_of_a_plain_count() -> None:
    x, labels = blobs()
    wanted, _ = blobs(seed=1)
    found = finished(classifiers.neighbours(x, labels, wanted, 4, 1))
    apart = np.square(wanted[:, None] - x).sum(-1)
    assert (found == labels[apart.argmin(1)]).all()
    three = finished(classifiers.neighbours(x, labels, wanted, 4, 3))
    order = np.argsort(apart, 1)[:, :3]
    for said, row in zip(three.tolist(), labels[order].tolist(), strict=True):
        best = max(row.count(one) for one in row)
        assert said == next(one for one in row if row.count(one) == best)
    means = np.stack([x[labels == k].mean(0) for k in range(4)])
    nearest = np.square(wanted[:, None] - means).sum(-1).argmin(1)
    assert (classifiers.nearest_mean(x, labels, 4).scores(wanted).argmax(1) == nearest).all()
    assert not (classifiers.nearest_mean(x, labels, 6).scores(wanted).argmax(1) > 3).any()
