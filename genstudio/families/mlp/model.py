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
from genstudio.families.mlp.config import MLPConfig
from genstudio.nn.by_hand import HandNetwork, probabilities
from genstudio.nn.mlp import DenseNetwork, initialise
from genstudio.training.learner import Measured

Array = NDArray[Any]
ROWS = 2048
_SEED, _SAMPLE = 19_860_700, 4096


class MLPModel:
    """One output and a sigmoid for two classes; for more, an output per class and a softmax, or a sigmoid each where the loss is
    the squared error."""

    def __init__(self, config: MLPConfig, data: RowData, device: str, seed: int) -> None:
        self.config, self.device = config, torch.device(device)
        self.network = DenseNetwork(sizes(config, data), config.activation)
        initialise(self.network, config.initialisation, torch.Generator().manual_seed(seed))
        self.network.to(self.device)
        self.modules: Mapping[str, nn.Module] = {"network": self.network}
        self.data = data

    def on(self, data: RowData) -> Self:
        """The same modules with other data."""
        other = copy.copy(self)
        other.data = data
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

    def evaluate(self, exact: bool = False, share: float = 1.0) -> Iterator[Measured]:
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
