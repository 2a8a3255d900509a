"""A discriminator of genomes, and the search for the parameters of their history."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.population.coalescent import Regions, Stream, joined
from genstudio.data.population.history import values_of
from genstudio.data.population.pictures import windows
from genstudio.data.population.statistics import Statistics, apart, measured
from genstudio.data.work import Work, mapped, scaled
from genstudio.families.simulator.config import SimulatorConfig
from genstudio.families.simulator.data import GenomeData
from genstudio.families.simulator.doctor import SHAPE
from genstudio.families.simulator.engines import regions_of
from genstudio.training.learner import Measured

Array = NDArray[Any]
_JUDGED, _EXACT = 100, 300
"""Regions that are simulated for an evaluation, and for an exact one."""
_FIXED = 73_194
_TRIED, _MOVES = 40, ((-0.25, -0.1, 0.1, 0.25), (-0.12, -0.05, 0.05, 0.12))
"""Regions that are simulated to try other parameters, and how far each is moved: in the first sweep, and in the second."""
PRETRAINING, PROPOSING, RETRAINING = range(3)


class Discriminator(nn.Module):
    """Real or simulated? The same whatever the order of the haplotypes: convolutions along the sites of each, then their
    mean (Chan et al. 2018; Wang et al. 2021)."""

    def __init__(self, sites: int, channels: int, dense: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, channels, (1, 5), padding=(0, 2))
        self.second = nn.Conv2d(channels, 2 * channels, (1, 5), padding=(0, 2))
        self.dense = nn.Linear(2 * channels * (sites // 4), dense)
        self.deep = nn.Linear(dense, dense)
        self.out = nn.Linear(dense, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, 2, n, s): alleles and distances -> logits (B,), above 0: real"""
        out: Tensor = self.out(self.features(x))[:, 0]
        return out

    def features(self, x: Tensor) -> Tensor:
        """x (B, 2, n, s) -> what the last layer weighs (B, dense)"""
        x = x.contiguous(memory_format=torch.channels_last)  # one and a half times as fast for kernels of one row
        for conv in (self.first, self.second):
            x = nn.functional.max_pool2d(torch.relu(conv(x)), (1, 2))
        x = x.mean(2).flatten(1)  # over haplotypes: their order cannot matter
        for layer in (self.dense, self.deep):
            x = self.dropout(torch.relu(layer(x)))
        return x


class Pool(nn.Module):
    """The last `size` simulated regions, wherever the search stood, as the discriminator reads them (Shrivastava et al. 2017),
    and, of `parameters` above 0, the `places` that they were simulated at. `count` is how many there were; a checkpoint holds it
    all."""

    alleles: Tensor
    distances: Tensor
    places: Tensor
    count: Tensor

    def __init__(self, size: int, haplotypes: int, sites: int, parameters: int = 0) -> None:
        super().__init__()
        self.size = size
        if parameters:
            self.register_buffer("places", torch.zeros(size, parameters, dtype=torch.float64))
        self.register_buffer("alleles", torch.zeros(size, haplotypes, sites, dtype=torch.int8))
        self.register_buffer("distances", torch.zeros(size, sites))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def __len__(self) -> int:
        return min(int(self.count), self.size)

    def put(self, alleles: Array, distances: Array, places: Array) -> None:
        """Take regions (B, n, s) and (B, s) that were simulated at places (B, P); the oldest make room."""
        if not self.size:
            return
        alleles, distances, places = (rows[-self.size :] for rows in (alleles, distances, places))
        rows = (int(self.count) + torch.arange(len(alleles))) % self.size
        self.alleles[rows] = torch.from_numpy(np.asarray(alleles, np.int8))
        self.distances[rows] = torch.from_numpy(np.asarray(distances, np.float32))
        if "places" in self._buffers:
            self.places[rows] = torch.from_numpy(places)
        self.count += len(alleles)

    def drawn(self, count: int, stream: Stream) -> tuple[Array, Array]:
        """Any regions: (count, n, s) and (count, s)."""
        rows = torch.from_numpy((stream.uniform(count) * len(self)).astype(np.int64))
        return self.alleles[rows].numpy(), self.distances[rows].numpy()


class Search(nn.Module):
    """Where the search stands: `place` (P,) shares of the ranges; a round's best proposal, its loss and that of the place;
    and how far the phase is. All of it is in buffers, so that a checkpoint holds it."""

    place: Tensor
    best: Tensor
    mean: Tensor
    state: Tensor
    numbers: Tensor

    def __init__(self, parameters: int) -> None:
        super().__init__()
        for name in ("place", "best", "mean"):
            self.register_buffer(name, torch.full((parameters,), 0.5, dtype=torch.float64))
        self.register_buffer("state", torch.zeros(6, dtype=torch.int64))
        self.register_buffer("numbers", torch.zeros(6, dtype=torch.float64))

    @property
    def phase(self) -> int:
        """PRETRAINING, PROPOSING or RETRAINING."""
        return int(self.state[0])

    @property
    def at(self) -> int:
        """Steps of the phase that are done."""
        return int(self.state[1])

    @property
    def rounds(self) -> int:
        """Rounds of proposals that are done."""
        return int(self.state[2])

    @property
    def accepted(self) -> int:
        """Rounds whose best proposal was accepted."""
        return int(self.state[3])

    @property
    def tried(self) -> int:
        """Starting points given up in the pre-training."""
        return int(self.state[4])

    @property
    def averaged(self) -> int:
        """Places that `mean` is the mean of."""
        return int(self.state[5])

    def set_state(self, **values: int) -> None:
        """Change some of the counts."""
        names = ("phase", "at", "rounds", "accepted", "tried", "averaged")
        for name, value in values.items():
            self.state[names.index(name)] = value

    @property
    def loss(self) -> float:
        """The generator's loss at the place; judged by features, its distance from real genomes."""
        return float(self.numbers[0])

    @property
    def best_loss(self) -> float:
        """The lowest loss of the proposals of this round; judged by features, the lowest distance of any other place."""
        return float(self.numbers[1])

    @property
    def began(self) -> float:
        """The progress of the training at which the search began."""
        return float(self.numbers[2])

    @property
    def accuracy(self) -> float:
        """A running mean of the discriminator's accuracy in training."""
        return float(self.numbers[3])

    def set_numbers(self, **values: float) -> None:
        """Change some of the numbers."""
        names = ("loss", "best_loss", "began", "accuracy")
        for name, value in values.items():
            self.numbers[names.index(name)] = value


class SimulatorModel:
    """A history with parameters, and a discriminator of the genomes that it makes.

    The simulation runs in numpy on the CPU, whatever the device of the discriminator is.
    """

    def __init__(self, config: SimulatorConfig, data: GenomeData, device: str, seed: int) -> None:
        self.config, self.device = config, torch.device(device)
        torch.manual_seed(seed)
        self.discriminator = Discriminator(config.snps, config.channels, config.dense, config.dropout).to(self.device)
        self.discriminator.eval()
        self.search = Search(len(config.model.names))
        where = len(config.model.names) if config.judge == "features" else 0
        self.pool = Pool(config.pool, data.alleles.shape[1], config.snps, where)
        self.modules: Mapping[str, nn.Module] = {"discriminator": self.discriminator, "search": self.search}
        if config.pool:  # a run of the time before there was one has none in its checkpoints
            self.modules = {**self.modules, "pool": self.pool}
        self._take(data)
        self.search.place.copy_(torch.from_numpy(self.start(seed, 0)))
        self.search.mean.copy_(self.search.place)

    def _take(self, data: GenomeData) -> None:
        self.data = data

    def on(self, data: GenomeData) -> Self:
        """The same modules with other data."""
        other = copy.copy(self)
        other._take(data)
        return other

    def start(self, seed: int, tried: int) -> Array:
        """A starting point (P,) that depends on these numbers: shares of the ranges, the known ones where they are."""
        model = self.config.model
        place = 0.1 + 0.8 * Stream(seed, 11, tried).uniform(len(model.names))
        known = values_of(self.config.known)
        for index, parameter in enumerate(model.parameters):
            if parameter.name in known:
                place[index] = parameter.share(known[parameter.name])
        return place

    def values(self, places: Array) -> Array:
        """Shares of the ranges (..., P) -> parameters (..., P)."""
        columns = [p.inside(places[..., i]) for i, p in enumerate(self.config.model.parameters)]
        return np.stack(columns, -1)

    @property
    def estimate(self) -> Array:
        """The parameters that were found (P,): the mean of the places of the last part of the search."""
        return self.values(self.search.mean.numpy())

    def simulated(self, places: Array, stream: Stream) -> Regions:
        """A region for each row of shares (B, P)."""
        return regions_of(self.config.engine, self.config.model, self.values(places), self.data, stream)

    def inside(self, alleles: Array, distances: Array) -> Tensor:
        """(B, n, s) and (B, s) -> (B, 2, n, s), distances scaled so that their mean is about 1"""
        both = np.empty((len(alleles), 2, *alleles.shape[1:]), np.float32)
        both[:, 0] = alleles
        both[:, 1] = (distances * alleles.shape[2])[:, None]
        return torch.from_numpy(both).to(self.device)

    def seen(self, regions: Regions) -> Tensor:
        """Simulated regions as the discriminator reads them."""
        return self.inside(*windows(regions, self.config.snps))

    def real(self, chosen: Array) -> Tensor:
        """Stored regions (n,) by their places."""
        return self.inside(self.data.alleles[chosen], self.data.distances[chosen])

    def logits(self, x: Tensor) -> Array:
        """What the discriminator says (B,), without dropout."""
        return self._said(self.discriminator, x)

    def features(self, x: Tensor) -> Array:
        """What the discriminator's last layer weighs (B, dense), without dropout."""
        return self._said(self.discriminator.features, x)

    @torch.no_grad()
    def _said(self, reads: Callable[[Tensor], Tensor], x: Tensor) -> Array:
        was = self.discriminator.training
        self.discriminator.eval()
        found = torch.cat([reads(part) for part in x.split(200)])
        self.discriminator.train(was)
        return found.cpu().numpy()

    @property
    def knows_truth(self) -> bool:
        """Whether the true parameters are known, of this model, and may be shown."""
        truth = self.data.truth
        return truth is not None and truth.model == self.config.history and (not truth.hidden or self.config.reveal)

    def relative_errors(self) -> dict[str, float]:
        """By the name of each searched parameter: how far the estimate is from the truth, as a share of it."""
        truth = self.data.truth
        if truth is None or truth.model != self.config.history:
            return {}
        model = self.config.model
        pairs = {model.names[i]: (float(self.estimate[i]), truth.values[model.names[i]]) for i in self.config.searched}
        return {name: abs(found - true) / max(abs(true), 1e-12) for name, (found, true) in pairs.items()}

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """The discriminator's `accuracy` on real regions that are kept from it and simulated ones; `statistics_apart`, the
        root mean square of how many standard errors statistics of real and simulated genomes lie apart; `shape_apart`, the
        same of Tajima's D and linkage only; `nearby_apart`, where a search that has cooled leaves these far apart: the same
        with the best of other parameters that are tried then; and `relative_error`, the median over the parameters, where
        the truth may be shown. Yields nothing without data."""
        if self.data.statistics is None:
            return
        count = _EXACT if exact else _JUDGED
        place = np.tile(self.search.mean.numpy(), (count, 1))
        parts = []
        for first in range(0, count, 50):
            parts.append(self.simulated(place[first : first + 50], Stream(_FIXED, first, int(exact))))
            yield Measured(done=0.6 * first / count)
        made = joined(parts)
        right_real = float((self.logits(self.real(self.data.held)) > 0).mean())
        right_made = float((self.logits(self.seen(made)) < 0).mean())
        yield Measured(done=0.7)
        statistics = yield from mapped(measured(made), lambda done: Measured(done=0.7 + 0.2 * done))
        far = apart(self.data.statistics, statistics)
        values = {
            "accuracy": 0.5 * (right_real + right_made), "accuracy_real": right_real, "accuracy_fake": right_made,
            "statistics_apart": _root_mean_square(list(far.values())), "shape_apart": _shape(far),
        }  # fmt: skip
        for name in ("pi", "tajimas_d", "segregating_sites"):
            if name in far:
                values[f"apart_{name}"] = far[name]
        if self.search.averaged and values["shape_apart"] > SHAPE:
            search = scaled(self._nearby(self.data.statistics), 0.9, 1.0)
            values["nearby_apart"] = yield from mapped(search, lambda done: Measured(done=done))
        if self.knows_truth and (errors := self.relative_errors()):
            values["relative_error"] = float(np.median(list(errors.values())))
            values |= {f"true_{name}": self.data.truth.values[name] for name in errors if self.data.truth is not None}
        yield Measured(values, answer=self._answer(values, statistics, far))

    def _nearby(self, real: Statistics) -> Work[float]:
        """How far Tajima's D and linkage lie apart with other parameters of this model: one after the other is moved to where all
        statistics fit best, in two sweeps. Yields the share done."""
        place, lowest, shape = self.search.mean.numpy().copy(), float("inf"), float("inf")
        sweeps = [(index, moves) for moves in _MOVES for index in self.config.searched]
        for done, (index, moves) in enumerate(sweeps):
            tried = np.tile(place, (1 + len(moves), 1))
            tried[1:, index] = np.clip(place[index] + np.array(moves), 0, 1)
            for number, other in enumerate(tried):
                if number or not done:  # where the one before ended is known
                    made = self.simulated(np.tile(other, (_TRIED, 1)), Stream(_FIXED, 1))
                    begun = (done + number / len(tried)) / len(sweeps)
                    statistics = yield from scaled(measured(made), begun, begun)
                    far = apart(real, statistics)
                    if (now := _root_mean_square(list(far.values()))) < lowest:
                        place, lowest, shape = other, now, _shape(far)
        return shape

    def _answer(self, values: Mapping[str, float], made: Statistics, far: Mapping[str, float]) -> Mapping[str, Any]:
        """What an evaluation answers: it names the truth, for who asks wants to know."""
        model, truth = self.config.model, self.data.truth
        errors = self.relative_errors()
        real, simulated = self.data.statistics, made.means()
        assert real is not None
        means = real.means()
        return {
            **values, "model": model.name,
            "parameters": {name: float(value) for name, value in zip(model.names, self.estimate, strict=True)},
            "truth": None if truth is None else {"model": truth.model, **truth.values},
            "relative_error": {**errors, "median": float(np.median(list(errors.values())))} if errors else None,
            "discriminator_accuracy": values["accuracy"],
            "statistics": {
                name: {"real": means[name][0], "simulated": simulated[name][0], "standard_errors_apart": value}
                for name, value in far.items()
            },
        }  # fmt: skip


def _shape(far: Mapping[str, float]) -> float:
    """How many standard errors Tajima's D and linkage lie apart (root mean square)."""
    return _root_mean_square([value for name, value in far.items() if name == "tajimas_d" or name.startswith("ld_")])


def _root_mean_square(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if values else 0.0
