"""A Gaussian for each class: closed forms of its fit, its density and its samples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from genstudio.data.learnable.samples import SampleData
from genstudio.evaluation.subspaces import principal
from genstudio.families.abilities import LatentSpec, Made
from genstudio.families.gaussian.config import GaussianConfig
from genstudio.families.samples import ROWS, Array, OnSamples, compared, noise_of
from genstudio.training.learner import Measured


class Gaussians(nn.Module):
    """K Gaussians over D numbers, in float64: `mean` (K, D), orthonormal `directions` (K, R, D) with the `variances` (K, R)
    along them, and the variance `rest` (K,) along all others; `prior` (K,) are log-probabilities of the classes.

    A diagonal one has the axes themselves for directions, and does not store them.
    """

    def __init__(self, classes: int, numbers: int, rank: int, diagonal: bool) -> None:
        super().__init__()
        self.diagonal = diagonal
        rank = numbers if diagonal else min(rank, numbers)
        self.mean = _fixed(torch.zeros(classes, numbers))
        if not diagonal:
            self.directions = _fixed(torch.eye(rank, numbers).repeat(classes, 1, 1))
        self.variances = _fixed(torch.ones(classes, rank))
        self.rest = _fixed(torch.ones(classes))
        self.prior = _fixed(torch.full((classes,), -math.log(classes)))

    def fit(self, samples: Tensor, labels: Tensor | None, ridge: float) -> None:
        """The most probable parameters for samples (n, D) of classes (n,), `ridge` added to every variance."""
        numbers, rank = self.mean.shape[1], self.variances.shape[1]
        for k in range(len(self.mean)):
            mine = samples if labels is None else samples[labels == k]
            if not len(mine):
                self.prior[k] = -1e9
                continue
            self.prior[k] = math.log(len(mine) / len(samples))
            self.mean[k] = mine.mean(0)
            spread = mine.var(0, correction=0)
            if self.diagonal:
                self.variances[k] = spread + ridge
                continue
            values, self.directions[k] = principal(mine - self.mean[k], rank)
            self.variances[k] = values + ridge
            # of probabilistic PCA: the mean of the variances that are left out (Tipping & Bishop 1999, eq. 8)
            left = float(spread.sum() - values.sum()) / (numbers - rank) if rank < numbers else 0.0
            self.rest[k] = max(left, 0.0) + ridge

    def log_density(self, samples: Tensor) -> Tensor:
        """samples (n, D) -> (n, K) in nats"""
        return torch.stack([self._log_density(samples - self.mean[k], k) for k in range(len(self.mean))], 1)

    def joint(self, samples: Tensor) -> Tensor:
        """log p(x, k): samples (n, D) -> (n, K) in nats"""
        return self.log_density(samples) + self.prior

    def sample(self, latents: Tensor, labels: Tensor, random: torch.Generator | None) -> Tensor:
        """latents (n, R), one for each direction, labels (n,) -> (n, D); with the rest of the spread where there is
        randomness for it."""
        moved = latents * self.variances[labels].sqrt()
        if self.diagonal:
            return self.mean[labels] + moved
        directions = self.directions[labels]
        made = self.mean[labels] + torch.einsum("nr,nrd->nd", moved, directions)
        if random is None or moved.shape[1] == made.shape[1]:
            return made
        free = torch.randn(made.shape, generator=random, dtype=made.dtype)
        free = free - torch.einsum("nr,nrd->nd", torch.einsum("nd,nrd->nr", free, directions), directions)
        return made + self.rest[labels].sqrt()[:, None] * free

    def _log_density(self, centred: Tensor, k: int) -> Tensor:
        turned = centred if self.diagonal else centred @ self.directions[k].T
        left = centred.shape[1] - turned.shape[1]
        squares, volume = (turned.square() / self.variances[k]).sum(1), self.variances[k].log().sum()
        if left:
            squares = squares + (centred.square().sum(1) - turned.square().sum(1)).clamp_min(0) / self.rest[k]
            volume = volume + left * self.rest[k].log()
        return -0.5 * (squares + volume + centred.shape[1] * math.log(2 * math.pi))


def _fixed(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values.double(), requires_grad=False)


class GaussianModel(OnSamples):
    """Gaussians over points or pictures. `judge` is a log-density, in the units of the dataset, pixels from 0 to 1.

    It is computed on the CPU in float64 wherever the rest runs.
    """

    bounded, dtype = False, torch.float64

    def __init__(self, config: GaussianConfig, data: SampleData, _device: str, _seed: int) -> None:
        self.config, self.device = config, torch.device("cpu")
        self.classes = data.shape.classes if config.per_class and data.labels is not None else ()
        rank = config.rank if config.covariance == "low_rank" else data.shape.numbers
        self.gaussians = Gaussians(max(len(self.classes), 1), data.shape.numbers, rank, config.covariance == "diagonal")
        self.modules: Mapping[str, nn.Module] = {"gaussians": self.gaussians}
        self.latent = LatentSpec(self.gaussians.variances.shape[1])
        low = config.covariance == "low_rank" and self.latent.size < data.shape.numbers
        self.variants = ("model", "mean") if low else ("model",)
        self._take(data)

    @torch.no_grad()
    def sample(self, latents: Array, labels: Array | None = None, variant: str = "model") -> Iterator[Made]:
        """Of a low rank, "mean" leaves out the spread along all other directions."""
        asked = torch.from_numpy(np.arange(len(latents)) % len(self.gaussians.mean) if labels is None else labels)
        random = noise_of(latents) if variant == "model" else None
        made = self.gaussians.sample(torch.from_numpy(latents).double(), asked, random)
        yield Made(self.form.outside(self.form.shaped(made)), None)

    def first_weight(self, variant: str) -> Array | None:
        """The directions of the first class, each as long as its deviation."""
        if self.gaussians.diagonal:
            return None
        return (self.gaussians.directions[0].T * self.gaussians.variances[0].sqrt()).numpy()

    def judge(self, samples: Array, labels: Array | None = None) -> Array:
        """log p(x), or log p(x | k) where classes are given, of samples (n, ...): (n,) in nats"""
        flat = self.form.inside(samples).flatten(1)
        if labels is None:
            found = self.gaussians.joint(flat).logsumexp(1)
        else:
            found = self.gaussians.log_density(flat).gather(1, torch.from_numpy(labels)[:, None])[:, 0]
        return (found - self.form.nats).numpy()

    def decide(self, chosen: Array) -> tuple[Array, Array]:
        """The rule of Bayes: the most probable class of stored samples (n,), and its probability."""
        best = self.gaussians.joint(self.form.stored(chosen).flatten(1)).softmax(1).max(1)
        return best.indices.numpy(), best.values.float().numpy()

    def _take(self, data: SampleData) -> None:
        super()._take(data)
        self._simplest: Gaussians | None = None

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """`val_loss`, minus the mean log-likelihood of samples that are kept from training, and with classes the `accuracy` of
        the rule of Bayes beside that of always naming the most frequent class; see also `Reference`. Yields nothing without
        data."""
        held = self.data.held if len(self.data.held) else self.data.train
        if not len(held):
            return
        nats, right = 0.0, 0
        for first in range(0, len(held), ROWS):
            part = held[first : first + ROWS]
            joint = self.gaussians.joint(self.form.stored(part).flatten(1))
            nats += float(joint.logsumexp(1).sum()) - self.form.nats * len(part)
            if self.classes and self.data.labels is not None:
                right += int((joint.argmax(1).numpy() == self.data.labels[part]).sum())
            yield Measured(done=0.5 * first / len(held))
        values = {"val_loss": -nats / len(held), "log_likelihood_nats": nats / len(held), "simple_loss": self._simple(held)}
        if self.classes and self.data.labels is not None:
            values["accuracy"] = right / len(held)
            values["accuracy_guess"] = float(np.bincount(self.data.labels[held]).max() / len(held))
        values |= yield from compared(self, exact)
        yield Measured(values)

    def _simple(self, held: Array) -> float:
        """What one diagonal Gaussian for all classes, of the same ridge, reaches on these samples: minus nats per sample."""
        if self._simplest is None:
            numbers = self.data.shape.numbers
            self._simplest = Gaussians(1, numbers, numbers, True)
            self._simplest.fit(self.form.stored(self.data.train).flatten(1), None, max(self.config.ridge, 1e-3))
        parts = [held[first : first + ROWS] for first in range(0, len(held), ROWS)]
        nats = sum(float(self._simplest.joint(self.form.stored(part).flatten(1)).sum()) for part in parts)
        return self.form.nats - nats / len(held)
