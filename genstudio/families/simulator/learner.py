"""Training of a simulator against a discriminator by simulated annealing (Wang et al. 2021), in small steps.

A step either updates the discriminator a few times, or judges the proposals for one parameter. A round is one such step for
each parameter; then the best of all its proposals is accepted or not, and after a move the discriminator is trained again.
Judged by features, all regions in the pool say together where the best place is, see `surface`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.learnable.batches import draw_among
from genstudio.data.population.coalescent import Regions, Stream
from genstudio.data.population.pictures import pictured, windows
from genstudio.data.population.statistics import DISTANCES, SUMMARY, described, measured
from genstudio.events import Snapshot
from genstudio.families.simulator.config import POOLED, SimulatorConfig
from genstudio.families.simulator.model import PRETRAINING, PROPOSING, RETRAINING, SimulatorModel
from genstudio.families.simulator.surface import distances
from genstudio.snapshots.population import Measures, Population
from genstudio.snapshots.samples import Bars, Pictures
from genstudio.training.learner import Tick, Values
from genstudio.training.optim import Adam
from genstudio.training.updates import Updates

Array = NDArray[np.float64]
_FEWEST = 3
"""Steps of pre-training at least: the accuracy of one is a rough number."""
_FITTED = 2_000
"""Regions of the pool that a surface is fitted to."""
_RECENT = 0.4
"""Weight of the newest step in the running accuracy."""
_REACH, _COLD = 2.0, 0.02
"""How far a place is that can be moved to, in widths of a proposal; the least of the temperature that this shrinks with."""
_NOWHERE = 1e9
"""A distance from where nothing is known."""
_LATE = 0.35
"""The part of the first temperature below which places are averaged."""
_SHOWN, _MEASURED = 24, 100


class SimulatorLearner:
    """Adam for the discriminator, simulated annealing for the simulator. Everything random in step s is drawn from `seed`
    and s."""

    tokens_per_step, preview_every, criterion = 0, 2.0, "statistics_apart"
    threads: int | None = None

    def __init__(self, model: SimulatorModel, seed: int) -> None:
        self.model, self.seed, self.step = model, seed, 0
        self.discriminator, self.search = model.discriminator, model.search
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "discriminator": Adam(self.discriminator.parameters(), model.config.d_rate, (0.9, 0.99))
        }
        self.updates = Updates((self.discriminator,), self.optimizers)
        self.evaluate_every = model.config.evaluate_every
        self._marks: list[str] = []
        self._made: Regions | None = None
        self._proposed: tuple[list[str], list[float]] = ([], [])
        self._tried: list[Array] = []

    @property
    def config(self) -> SimulatorConfig:
        return self.model.config

    def batch(self, step: int) -> Tensor:
        """Real regions (updates * batch, 2, n, s) of a step. Raises DataError."""
        count = self.config.updates * self.config.batch
        return self.model.real(draw_among(self.model.data.train, (count,), self.seed, step))

    def training_step(self, batch: Tensor, step: int, progress: float) -> Values:
        """Updates of the discriminator, or the proposals for one parameter."""
        self.step = step
        stream, search = Stream(self.seed, 7, step), self.search
        if search.phase == PROPOSING and not self.config.hold:
            values = self._propose(stream, progress)
        else:
            values = self._train(batch, stream)
            self._next_phase(progress)
        found = self.model.values(search.place.numpy())
        values = {**values, **dict(zip(self.config.model.names, found.tolist(), strict=True))}
        inner = search.place.numpy()[list(self.config.searched)]
        return {**values, "edge": float(np.minimum(inner, 1 - inner).min()), "phase": float(search.phase)}

    def _train(self, real: Tensor, stream: Stream) -> dict[str, Tensor | float]:
        """Tell real regions from simulated ones: of the place, and of the pool.

        With those of the place alone, the discriminator soon knows no more than what is wrong there, and takes anything that
        is not. The accuracy is that of the place.
        """
        model, config, pool = self.model, self.config, self.model.pool
        earlier = config.batch // 2 if len(pool) >= POOLED * config.batch else 0
        here = config.batch - earlier
        places = np.tile(self.search.place.numpy(), (here * config.updates, 1))
        self._made = model.simulated(places, stream)
        seen = windows(self._made, config.snps)
        fake = model.inside(*seen)
        self.updates.set_rates({"discriminator": config.d_rate})
        self.discriminator.train()
        losses, right = [], []
        for mine, theirs in zip(real.chunk(config.updates), fake.chunk(config.updates), strict=True):
            others = [model.inside(*pool.drawn(earlier, stream))] if earlier else []
            logits = self.discriminator(_turned(torch.cat([mine, theirs, *others]), stream))
            wanted = torch.cat([torch.ones(len(mine)), torch.zeros(len(logits) - len(mine))]).to(logits)
            loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted)
            loss.backward()
            norm = self.updates.step("discriminator", clip=1.0)
            losses.append(loss.detach())
            said = logits.detach() > 0
            right.append(0.5 * (said[: len(mine)].float().mean() + (~said[len(mine) : len(mine) + here]).float().mean()))
        self.discriminator.eval()
        pool.put(*seen, places)
        accuracy, before = float(torch.stack(right).mean()), self.search.accuracy
        self.search.set_numbers(accuracy=accuracy if not before else before + _RECENT * (accuracy - before))
        return {"d_loss": torch.stack(losses).mean(), "train_accuracy": accuracy, "gradient_norm": norm}

    def _next_phase(self, progress: float) -> None:
        search, config = self.search, self.config
        done = search.at + 1
        search.set_state(at=done)
        if search.phase == RETRAINING and done >= config.retraining:
            search.set_state(phase=PROPOSING, at=0)
        elif search.phase == PRETRAINING:
            good = search.accuracy >= config.good_enough and done >= _FEWEST
            if good or (done >= config.pretraining and search.tried + 1 >= config.tries):
                said = "is good enough" if good else "is not good enough, but the search begins"
                self._marks.append(f"The discriminator {said}: {search.accuracy:.0%} right.")
                search.set_state(phase=PROPOSING, at=0)
                search.set_numbers(began=min(progress, 0.99))
            elif done >= config.pretraining:
                search.set_state(at=0, tried=search.tried + 1)
                search.set_numbers(accuracy=0.0)
                search.place.copy_(torch.from_numpy(self.model.start(self.seed, search.tried)))
                search.mean.copy_(search.place)
                self._marks.append("The discriminator could not tell the starting point from real genomes: another one is tried.")

    def _propose(self, stream: Stream, progress: float) -> dict[str, Tensor | float]:
        """Judge proposals for one parameter; after the last one, take the best of the round or stay."""
        search, config, model = self.search, self.config, self.model
        cool = max(0.0, 1 - (progress - search.began) / max(1 - search.began, 1e-9))
        heat = config.temperature * cool
        index, first = config.searched[min(search.at, len(config.searched) - 1)], search.at == 0
        width = config.width * max(cool, _COLD)
        place = search.place.numpy().copy()
        tried = np.tile(place, (config.proposals + first, 1))
        moved = place[index] + width * stream.normal(config.proposals)
        tried[first:, index] = 1 - np.abs(1 - np.abs(moved) % 2)  # reflected at the ends of the range
        places = np.repeat(tried, config.regions, 0)
        seen = windows(model.simulated(places, stream), config.snps)
        model.pool.put(*seen, places)
        logits = model.logits(model.inside(*seen)).astype(np.float64).reshape(len(tried), config.regions)
        losses = np.logaddexp(0, -logits).mean(1)  # cross-entropy of "real"
        if first:
            search.set_numbers(loss=float(losses[0]), best_loss=_NOWHERE)
            self._proposed, self._tried = ([], []), []
        parameter, mine = config.model.parameters[index], losses[first:]
        self._proposed[0].extend(f"{parameter.name} {parameter.words(float(v))}" for v in parameter.inside(tried[first:, index]))
        self._proposed[1].extend(mine.tolist())
        self._tried.extend(tried[first:])
        best = int(mine.argmin())
        if mine[best] < search.best_loss:
            search.set_numbers(best_loss=float(mine[best]))
            search.best.copy_(torch.from_numpy(tried[first + best]))
        values: dict[str, Tensor | float] = {"g_loss": search.loss, "proposal_loss": search.best_loss, "temperature": heat}
        search.set_state(at=search.at + 1)
        if search.at >= len(config.searched):
            lowest = self._fit(_REACH * width, stream) if config.judge == "features" else None
            if lowest is not None:
                values |= {"distance": search.loss, "best_distance": search.best_loss}
            values["accepted"] = float(self._decide(heat, stream))
            if cool < _LATE:
                count = search.averaged + 1
                search.set_state(averaged=count)
                search.mean.add_(((search.place if lowest is None else torch.from_numpy(lowest)) - search.mean) / count)
            else:
                search.set_state(averaged=0)
                search.mean.copy_(search.place)
            values["acceptance"] = search.accepted / search.rounds
        return values

    def _fit(self, reach: float, stream: Stream) -> Array:
        """Distance from real genomes of the place, and of the best other one that regions in the pool were simulated at, no
        farther away than `reach` in any parameter: where no parameters fit, the lowest point of the surface never rests.

        Returns the lowest of all (P,): unlike the places, those of two rounds hardly depend on each other, so that their mean is
        the better estimate.
        """
        search, model, pool = self.search, self.model, self.model.pool
        searched, here = list(self.config.searched), self.search.place.numpy()
        rows = np.argsort(stream.uniform(len(pool)))[:_FITTED]
        places = pool.places.numpy()[rows]
        real = model.data.train
        real = real[np.argsort(stream.uniform(len(real)))[: _FITTED // 2]]
        made = model.features(model.inside(pool.alleles[rows].numpy(), pool.distances[rows].numpy())).astype(np.float64)
        wanted = model.features(model.real(real)).astype(np.float64)
        asked = np.concatenate([here[None], np.unique(places, axis=0), self._tried])
        found = np.minimum(distances(made, places[:, searched], wanted, here[searched], asked[:, searched]), _NOWHERE)
        self._proposed[1][:] = found[-len(self._tried) :].tolist()  # to be shown only: a run that is resumed may know fewer
        asked, found = (rows[: -len(self._tried)] for rows in (asked, found))
        near = (asked != here).any(1) & (np.abs(asked - here) <= reach).all(1)
        best = int(np.where(near, found, np.inf).argmin())
        search.set_numbers(loss=float(found[0]), best_loss=float(found[best]))
        search.best.copy_(torch.from_numpy(asked[best]))
        return asked[int(found.argmin())]

    def _decide(self, heat: float, stream: Stream) -> bool:
        """Whether the best proposal of the round is accepted: where it is no worse, or by chance, the more often the hotter."""
        search = self.search
        better = search.best_loss <= search.loss
        accepted = better or float(stream.uniform(1)[0]) < heat * search.loss / max(search.best_loss, 1e-12)
        search.set_state(rounds=search.rounds + 1, accepted=search.accepted + accepted, at=0)
        if accepted:
            search.place.copy_(search.best)
        if accepted or self.config.judge == "features":
            search.set_state(phase=RETRAINING)
        return accepted

    def change(self, values: Mapping[str, object]) -> None:
        """Other settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def marks(self) -> tuple[str, ...]:
        """What happened in the last steps that the time axis should say, in sentences; each is told once."""
        marks, self._marks = tuple(self._marks), []
        return marks

    def opening(self, step: int) -> Iterator[Snapshot]:
        """The real alignments, and what is measured of the real genomes."""
        data = self.model.data
        shown = data.held[:_SHOWN] if len(data.held) >= _SHOWN else np.arange(min(_SHOWN, len(data.alleles)))
        if len(shown):
            yield Pictures("real", step, pictured(data.alleles[shown], data.distances[shown]))

    def preview(self) -> Iterator[Snapshot | Tick]:
        """`alignments` that were simulated, `statistics` of real genomes and of simulated ones, and the `proposals` of the
        round."""
        data, made = self.model.data, self._made
        if made is None:
            places = np.tile(self.search.place.numpy(), (_SHOWN, 1))
            made = self.model.simulated(places, Stream(self.seed, 3))
        yield Tick()
        few = made.of(np.arange(min(_SHOWN, len(made))))
        yield Pictures("alignments", self.step, pictured(*windows(few, self.config.snps)))
        if data.statistics is not None:
            some = measured(made.of(np.arange(min(_MEASURED, len(made)))))
            while True:
                try:
                    next(some)
                except StopIteration as end:
                    simulated = end.value
                    break
                yield Tick()
            yield Population(
                "statistics", self.step, SUMMARY, DISTANCES, Measures(**described(data.statistics)),
                Measures(**described(simulated)),
            )  # fmt: skip
        names, losses = self._proposed
        if names:
            best = int(np.argmin(losses))
            notes = tuple("the best of the round" if i == best else "" for i in range(len(names)))
            unit = "distance" if self.config.judge == "features" and self.search.at == 0 else "loss"
            yield Bars("proposals", self.step, np.array(losses, np.float32), tuple(names), notes, unit)


def _turned(x: Tensor, stream: Stream) -> Tensor:
    """The same regions x (B, 2, n, s), half of them read from the other strand: the discriminator must not depend on that."""
    other = torch.from_numpy(stream.uniform(len(x)) < 0.5).to(x.device)
    return torch.where(other[:, None, None, None], x.flip(3), x)
