"""A dense network that tells classes apart: its probabilities, its loss, and how often it is right."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.learnable.rows import RowData
from genstudio.errors import DataError
from genstudio.families.mlp.config import MLPConfig
from genstudio.nn.by_hand import HandNetwork, probabilities
from genstudio.nn.mlp import DenseNetwork, initialise
from genstudio.snapshots.network import NetworkState
from genstudio.training.learner import Measured

Array = NDArray[Any]
ROWS = 2048
MOST_WEIGHTS, MOST_PARTS = 60_000, 400_000
"""Parameters of the largest network that is shown with every number; and numbers in the rows that are shown with it."""
_SEED, _SAMPLE = 19_860_700, 4096
_FIELD, _SHOWN = 64, 300


class MLPModel:
    """One output and a sigmoid for two classes; for more, an output per class and a softmax, or a sigmoid each where the loss is
    the squared error."""

    def __init__(self, config: MLPConfig, data: RowData, device: str, seed: int) -> None:
        self.config, self.device = config, torch.device(device)
        self.network = DenseNetwork(sizes(config, data), config.activation)
        initialise(self.network, config.initialisation, torch.Generator().manual_seed(seed))
        self.network.to(self.device)
        self.modules: Mapping[str, nn.Module] = {"network": self.network}
        self._take(data)

    def _take(self, data: RowData) -> None:
        self.data, self.shown = data, self._chosen(data)

    def on(self, data: RowData) -> Self:
        """The same modules with other data."""
        other = copy.copy(self)
        other._take(data)
        return other

    @property
    def classes(self) -> tuple[str, ...]:
        return self.data.shape.classes

    def inputs(self, chosen: Array) -> Tensor:
        """Stored rows (n,) as the network reads them: (n, columns)."""
        return torch.from_numpy(self.data.inside(self.data.real[chosen])).to(self.device)

    def targets(self, chosen: Array) -> Tensor:
        """What each output should be for stored rows (n,): (n, outputs) of 0 and 1."""
        labels = torch.from_numpy(self.data.labels[chosen]).to(self.device)
        outputs = self.data.shape.outputs
        return labels[:, None].float() if outputs == 1 else F.one_hot(labels, outputs).float()

    def outputs(self, z: Tensor) -> Tensor:
        """Sums of the last layer (B, outputs), squashed."""
        return z.softmax(1) if self.config.loss == "cross_entropy" and z.shape[1] > 1 else z.sigmoid()

    def losses(self, z: Tensor, targets: Tensor) -> Tensor:
        """The loss of each example (B,) from sums (B, outputs) and targets (B, outputs)."""
        if self.config.loss == "squared_error":
            return (z.sigmoid() - targets).square().sum(1)
        if z.shape[1] > 1:
            return -(targets * z.log_softmax(1)).sum(1)
        return F.binary_cross_entropy_with_logits(z, targets, reduction="none").sum(1)

    @torch.no_grad()
    def probabilities(self, inputs: Any) -> Array:
        """Rows (n, columns) of the dataset -> probability of each class (n, classes) float32"""
        x = torch.from_numpy(self.data.inside(np.asarray(inputs).reshape(len(inputs), -1))).to(self.device)
        return probabilities(self.outputs(self.network(x)).cpu().numpy())

    def hand(self) -> HandNetwork:
        """The network as it is now, to be computed by hand: copies in float64."""
        linear = [layer for layer in self.network.layers if isinstance(layer, nn.Linear)]
        weights = tuple(layer.weight.detach().cpu().double().numpy().copy() for layer in linear)
        biases = tuple(layer.bias.detach().cpu().double().numpy().copy() for layer in linear)
        return HandNetwork(self.config.activation, self.config.loss, weights, biases)

    @property
    def small(self) -> bool:
        """Whether it can be shown with every number."""
        return sum(p.numel() for p in self.network.parameters()) <= MOST_WEIGHTS

    def network_state(self, step: int, rows: Array | None = None) -> NetworkState:
        """Every number; the slopes are those of the mean loss of these stored rows (n,), of the shown examples where none are
        said. Raises DataError for a network that is too large."""
        data, shape, shown = self.data, self.data.shape, self.shown
        if not self.small:
            raise DataError("This network is too large to be shown with every number.", "Train a smaller one.")
        weights, rows = list(self.network.parameters()), shown if rows is None else rows
        slopes = torch.autograd.grad(self.losses(self.network(self.inputs(rows)), self.targets(rows)).mean(), weights)
        return NetworkState(
            "network", step, sizes(self.config, data), self.config.activation, self.config.loss,
            _flat(weights[::2]), _flat(weights[1::2]), _flat(slopes[::2]), _flat(slopes[1::2]),
            data.inside(data.real[shown]), data.labels[shown], np.isin(shown, data.held), data.mean.copy(), data.scale.copy(),
            shape.columns, shape.classes, shape.size, data.extent, self._field(),
        )  # fmt: skip

    def _field(self) -> Array | None:
        """Probability of each class in the middles of cells that fill the extent: (classes, rows, cells)."""
        data = self.data
        if data.extent is None:
            return None
        x0, x1, y0, y1 = data.extent
        middles = (np.arange(_FIELD) + 0.5) / _FIELD
        x, y = np.meshgrid(x0 + (x1 - x0) * middles, y0 + (y1 - y0) * middles)
        places = np.tile(data.real[data.train].mean(0), (_FIELD * _FIELD, 1))
        places[:, 0], places[:, 1] = x.ravel(), y.ravel()
        return self.probabilities(places).T.reshape(-1, _FIELD, _FIELD).astype(np.float32)

    def _chosen(self, data: RowData) -> NDArray[np.int64]:
        """The rows that are shown at every step: training ones and held-out ones as they come, not too many."""
        some = min(_SHOWN, max(MOST_PARTS // len(data.shape.columns), 1))
        among, held = data.train[: self.config.examples or None], data.held[: some // 4]
        return np.concatenate([among[: some - len(held)], held])

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """The mean loss and the share of right answers, of rows that are kept from training, or of all where there are too few to
        keep any: then `split` is "training". `simple_loss` and `accuracy_guess` are those of a model that only knows how frequent
        each class is. Yields nothing without data."""
        data = self.data
        chosen = data.scored
        if not len(chosen):
            return
        if not exact and len(chosen) > _SAMPLE:
            chosen = np.random.default_rng(_SEED).permutation(chosen)[:_SAMPLE]
        nats, right, first = 0.0, 0, 0
        while first < len(chosen):
            part = chosen[first : first + ROWS]
            loss, hits = self._scored(part)
            nats, right, first = nats + loss, right + hits, first + len(part)
            if first < len(chosen):
                yield Measured(done=first / len(chosen))
        simple, guess = self._simple(chosen)
        loss, accuracy = nats / len(chosen), right / len(chosen)
        values = {"val_loss": loss, "accuracy": accuracy, "simple_loss": simple, "accuracy_guess": guess}
        split = "held out" if len(data.held) else "training"
        counts: dict[str, Any] = {"count": len(chosen), "split": split}
        answer = {"loss": loss, "accuracy": accuracy, "simple_loss": simple, "accuracy_guess": guess, **counts}
        yield Measured(values, answer=answer)

    @torch.no_grad()
    def _scored(self, chosen: Array) -> tuple[float, int]:
        """The sum of the losses of rows (n,), and how many are right."""
        z = self.network(self.inputs(chosen))
        best = probabilities(self.outputs(z).cpu().numpy()).argmax(1)
        return float(self.losses(z, self.targets(chosen)).sum()), int((best == self.data.labels[chosen]).sum())

    def _simple(self, chosen: Array) -> tuple[float, float]:
        """Loss and accuracy on rows (n,) of what always answers with the shares of the classes among the training rows."""
        classes, labels = len(self.classes), self.data.labels
        shares = np.bincount(labels[self.data.train], minlength=classes) / len(self.data.train)
        there = np.bincount(labels[chosen], minlength=classes) / len(chosen)
        if self.config.loss == "squared_error":
            each = np.array([np.square(shares - row).sum() for row in np.eye(classes)])
            loss = float((each * there).sum()) / (2 if classes == 2 else 1)  # one output stands for both
        else:
            loss = float(-(there * np.log(np.maximum(shares, 1e-12))).sum())
        return loss, float(there[int(shares.argmax())])


def sizes(config: MLPConfig, data: RowData) -> tuple[int, ...]:
    """Neurons of each layer, the inputs first."""
    return (len(data.shape.columns), *config.hidden, data.shape.outputs)


def _flat(tensors: Any) -> Array:
    """All numbers in a row, (n,) float32."""
    return np.concatenate([tensor.detach().cpu().numpy().ravel() for tensor in tensors])
