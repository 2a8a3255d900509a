"""Runs of GANs that are built to be ill or well, recorded so that a doctor can be asked about them in a moment.

Labels come from how a run was built, checked by a measure that the rules do not have: of a mixture its known modes, of
other points the Jensen-Shannon divergence, of pictures their coverage by features. A run counts as collapsed where over its
last quarter it keeps at most half of its modes, and is free of that where it keeps three quarters. Points oscillate where
over that quarter SWUNG of all fakes would have to move from mode to mode (without known modes, between cells of a coarse
grid) to undo what 100 steps change, and do not where half of that would. Healthy runs must have learnt something: points
are nearer to the data than UNLEARNT nats, pictures cover UNCOVERED of what real ones cover; others count for nothing.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from genstudio.data import shelf
from genstudio.data.learnable.samples import SampleData
from genstudio.events import Diagnosis, Series, Snapshot
from genstudio.families.gan import FAMILY, batches, learner, measuring, model, networks, showing, units
from genstudio.families.gan.doctor import RULES, doctor
from genstudio.snapshots.samples import Pictures, Plane
from genstudio.training import adversarial
from genstudio.training.doctor import Doctor
from genstudio.training.frames import first_not_finite, read
from genstudio.training.learner import Metrics

ILLNESSES = tuple(rule.name for rule in RULES)
EVERY = 20
"""Steps between two looks at the fakes that are kept: a doctor may take fewer of them."""
UNLEARNT, UNCOVERED, SWUNG = 0.5, 0.15, 0.4
_CELLS = 6
SMALL: Mapping[str, Any] = {"width": 32, "layers": 2, "batch": 32, "evaluate_every": 250}
PICTURES: Mapping[str, Any] = {
    "network": "dcgan", "channels": 8, "latent": 16, "batch": 32, "evaluate_every": 300, "penalty_every": 8,
}  # fmt: skip
FEW: Mapping[str, Any] = {"channels": 6, "batch": 16, "evaluate_every": 600}
CLASSIC: Mapping[str, Any] = {"r1": 0.0, "ema": 0.0, "schedule": "constant"}
SURE = {**CLASSIC, "d_updates": 3, "pretrain_discriminator": 200, "g_rate": 1e-6}
Harm = Literal["", "weight", "dead_generator", "dead_discriminator"]


@dataclass(frozen=True)
class Case:
    """A run to be. `ill` has what it is built to be ill of; nothing else counts then."""

    name: str
    data: str
    values: Mapping[str, Any] = field(default_factory=dict)
    ill: tuple[str, ...] = ()
    steps: int = 900
    harm: Harm = ""


@dataclass(eq=False)
class Recording:
    """All numbers of a run, what it showed every EVERY steps (n, k, ...) beside real samples, and where it broke."""

    case: Case
    seed: int
    settings: Mapping[str, Any]
    series: Mapping[str, Series]
    looks: NDArray[np.int64]
    fakes: NDArray[Any]
    real: NDArray[Any]
    extent: tuple[float, float, float, float]
    centres: NDArray[np.float32] | None = None
    broke: int | None = None
    seconds: float = 0.0

    def save(self, path: Path) -> None:
        said = {"settings": dict(self.settings), "extent": self.extent, "broke": self.broke, "seconds": self.seconds}
        arrays = {"fakes": self.fakes, "real": self.real, "looks": self.looks, "said": np.array(json.dumps(said))}
        if self.centres is not None:
            arrays["centres"] = self.centres
        for name, values in self.series.items():
            arrays |= {f"at/{name}": values.steps, f"of/{name}": values.values}
        with path.with_suffix(".part").open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        path.with_suffix(".part").replace(path)

    @classmethod
    def load(cls, path: Path, case: Case, seed: int) -> Recording:
        with np.load(path, allow_pickle=False) as kept:
            said = json.loads(str(kept["said"]))
            names = [name[3:] for name in kept.files if name.startswith("at/")]
            series = {name: Series(kept[f"at/{name}"], kept[f"of/{name}"]) for name in names}
            centres = kept["centres"] if "centres" in kept.files else None
            return cls(
                case, seed, said["settings"], series, kept["looks"], kept["fakes"], kept["real"], tuple(said["extent"]), centres,
                said["broke"], said["seconds"],
            )  # fmt: skip

    @cached_property
    def parts(self) -> list[tuple[dict[str, Series], tuple[Snapshot, ...]]]:
        """Numbers and snapshots in the order in which a training tells them."""
        ends = [0, *self.looks.tolist(), self.case.steps if self.broke is None else self.broke - 1]
        shown = [*(self._shown(index, step) for index, step in enumerate(self.looks.tolist())), ()]
        return [(self._between(*span), seen) for span, seen in zip(pairwise(ends), shown, strict=True)]

    def _between(self, before: int, last: int) -> dict[str, Series]:
        found = {}
        for name, values in self.series.items():
            there = (values.steps > before) & (values.steps <= last)
            found[name] = Series(values.steps[there].copy(), values.values[there].copy())
        return found

    def _shown(self, index: int, step: int) -> tuple[Snapshot, ...]:
        fake = self.fakes[index]
        if fake.ndim == 2:
            empty = np.zeros((0, 2), np.float32)
            return (Plane("plane", step, self.real, fake, self.extent, np.zeros((1, 1), np.float32), True, empty),)
        real = (Pictures("real", step, self.real),) if index == 0 else ()
        return *real, Pictures("fixed_raw", step, fake)

    def last(self, name: str) -> float:
        """The newest value of a number, NaN where there is none."""
        return float(self.series[name].values[-1]) if name in self.series and len(self.series[name]) else float("nan")


def cases() -> tuple[Case, ...]:
    """Runs of some seconds each."""
    preset = {p.name: dict(p.values) for p in FAMILY.presets}
    return (*_healthy(preset), *_ill(preset))


def _healthy(preset: Mapping[str, Mapping[str, Any]]) -> Iterator[Case]:
    ring, moons = "gaussian-ring", "moons"
    yield Case("ring", ring, {**preset["ring"], **SMALL})
    yield Case("ring, MLP", ring, SMALL, steps=1300)
    yield Case("ring, live", ring, preset["ring-live"] | {"evaluate_every": 250})
    yield Case("ring, WGAN-GP", ring, {**SMALL, "loss": "wasserstein_gp", "r1": 0.0, "d_updates": 2})
    yield Case("ring, smoothing", ring, {**SMALL, "smoothing": 0.1}, steps=1300)
    yield Case("grid", "gaussian-grid", {**preset["grid"], **SMALL}, steps=1300)
    yield Case("grid, live", "gaussian-grid", {**preset["grid-live"], **SMALL}, steps=1300)
    yield Case("moons", moons, SMALL)
    yield Case("moons, hinge", moons, {**SMALL, "loss": "hinge"})
    yield Case("moons, least squares", moons, {**SMALL, "loss": "least_squares"})
    yield Case("moons, WGAN-GP", moons, {**SMALL, "loss": "wasserstein_gp", "r1": 0.0, "gradient_penalty": 1.0,
                                          "d_updates": 3, "d_rate": 3e-4, "g_rate": 3e-4})  # fmt: skip
    yield Case("moons, noise", moons, {**SMALL, "noise": 0.2})
    yield Case("moons, spectral norm", moons, {**SMALL, "spectral_norm": True, "loss": "hinge", "r1": 0.0})
    yield Case("moons, uniform noise", moons, {**SMALL, "latent_kind": "uniform"})
    yield Case("spirals", "spirals", SMALL)
    yield Case("rings, packed", "rings", {**SMALL, "pack": 2})
    yield Case("swiss roll", "swiss-roll", SMALL)
    yield Case("swiss roll, hinge", "swiss-roll", {**SMALL, "loss": "hinge"})
    yield Case("moons, minimax", moons, {**SMALL, "loss": "minimax"})
    yield Case("moons, no average", moons, {**SMALL, "ema": 0.0})
    yield Case("moons, some momentum", moons, {**SMALL, "beta1": 0.5})
    yield Case("spirals, residual", "spirals", {**SMALL, "network": "residual"})
    yield Case("rings", "rings", SMALL)
    digits = {**preset["digits"], **PICTURES}
    yield Case("digits", "digits8", digits, steps=900)
    yield Case("digits, no classes", "digits8", {**digits, "conditional": False}, steps=700)
    yield Case("digits, MLP", "digits8", {**SMALL, "width": 64, "latent": 16}, steps=700)
    yield Case("digits, hinge", "digits8", {**digits, "loss": "hinge"}, steps=700)
    yield Case("digits, least squares", "digits8", {**digits, "loss": "least_squares"}, steps=700)
    yield Case("mnist", "mnist10k", {**preset["mnist"], **PICTURES, **FEW}, steps=600)
    yield Case("faces", "pixel-faces", {**preset["faces"], **PICTURES, **FEW}, steps=600)


def _ill(preset: Mapping[str, Mapping[str, Any]]) -> Iterator[Case]:
    ring, grid, moons = "gaussian-ring", "gaussian-grid", "moons"
    digits = {**preset["digits"], **PICTURES}
    plain = {**digits, **CLASSIC, "conditional": False}
    greedy: dict[str, Any] = {**CLASSIC, "beta1": 0.5, "g_updates": 5, "g_rate": 5e-3, "d_rate": 2e-4}
    lost = ("collapse",)
    yield Case("ring, 5 G updates", ring, {**SMALL, **CLASSIC, "beta1": 0.5, "g_updates": 5}, lost)
    yield Case("ring, hasty G", ring, {**SMALL, **greedy, "g_updates": 1, "g_rate": 1e-2}, lost)
    yield Case("grid, 5 G updates", grid, {**SMALL, **greedy}, lost)
    yield Case("digits, 5 G updates", "digits8", {**plain, **greedy}, lost, 700)
    yield Case("digits, MLP, 5 G updates", "digits8", {**SMALL, "width": 64, "latent": 16, **greedy}, lost, 700)
    swings = ("oscillation",)
    wild: dict[str, Any] = {**CLASSIC, "beta1": 0.95, "d_rate": 5e-3, "g_rate": 5e-3}
    yield Case("ring, momentum", ring, {**SMALL, **wild}, swings)
    yield Case("ring, hasty", ring, {**SMALL, **wild, "beta1": 0.9, "d_rate": 1e-2, "g_rate": 1e-2}, swings)
    yield Case("grid, momentum", grid, {**SMALL, **wild}, swings)
    yield Case("digits, momentum", "digits8", {**digits, **wild, "d_rate": 2e-2, "g_rate": 2e-2}, swings)
    weak = ("discriminator_wins",)
    yield Case("ring, slow G", ring, {**SMALL, **CLASSIC, "g_rate": 1e-6}, weak)
    yield Case("moons, slow G", moons, {**SMALL, **CLASSIC, "g_rate": 1e-5, "d_updates": 3}, weak)
    yield Case("grid, slow G, hinge", grid, {**SMALL, **CLASSIC, "g_rate": 1e-6, "loss": "hinge"}, weak)
    yield Case("digits, slow G", "digits8", {**plain, "g_rate": 1e-6}, weak, 700)
    fooled = ("generator_wins",)
    yield Case("ring, slow D", ring, {**SMALL, "d_rate": 1e-6}, fooled)
    yield Case("moons, slow D", moons, {**SMALL, "d_rate": 1e-6, "g_updates": 3}, fooled)
    yield Case("grid, slow D, hinge", grid, {**SMALL, "d_rate": 1e-6, "loss": "hinge"}, fooled)
    yield Case("digits, slow D", "digits8", {**digits, "d_rate": 1e-7}, fooled, 700)
    yield Case("faces, slow D", "pixel-faces", {**preset["faces"], **PICTURES, **FEW, "d_rate": 1e-7}, fooled, 600)
    both = ("discriminator_wins", "vanishing_gradient")
    yield Case("ring, minimax", ring, {**SMALL, **SURE, "loss": "minimax"}, both)
    yield Case("grid, minimax", grid, {**SMALL, **SURE, "loss": "minimax"}, both)
    yield Case("moons, sure D, minimax", moons, {**SMALL, **SURE, "g_rate": 1e-5, "loss": "minimax"}, both)
    yield Case("digits, minimax", "digits8", {**digits, **SURE, "loss": "minimax"}, both, 850)
    yield Case("digits, MLP, minimax", "digits8",
               {**SMALL, "width": 64, "latent": 16, **SURE, "g_rate": 1e-4, "loss": "minimax"}, both, 850)  # fmt: skip
    bad = ("not_finite",)
    yield Case("ring, critic without bounds", ring,
               {**SMALL, **CLASSIC, "loss": "wasserstein", "clip": 10.0, "d_rate": 1.0, "g_rate": 1.0, "width": 256,
                "layers": 8}, bad, 400)  # fmt: skip
    yield Case("ring, spoilt weight", ring, SMALL, bad, 600, "weight")
    yield Case("grid, spoilt weight", grid, {**preset["grid"], **SMALL}, bad, 600, "weight")
    yield Case("digits, spoilt weight", "digits8", digits, bad, 600, "weight")
    copied = ("memorising",)
    heart: dict[str, Any] = {**SMALL, "width": 128, "latent": 16, "batch": 16, "r1": 0.01}
    yield Case("30 digits", "digits8", {**heart, "examples": 30}, copied, 1500)
    yield Case("60 digits", "digits8", {**heart, "examples": 60}, copied, 1500)
    yield Case("15 digits", "digits8", {**heart, "examples": 15}, copied, 1000)
    yield Case("25 MNIST digits", "mnist10k", {**heart, "examples": 25}, copied, 1000)
    dead = ("dead_channels",)
    yield Case("ring, dead G", ring, SMALL, dead, 600, "dead_generator")
    yield Case("moons, dead D", moons, SMALL, dead, 600, "dead_discriminator")
    yield Case("digits, dead G", "digits8", digits, dead, 600, "dead_generator")
    yield Case("digits, dead D", "digits8", digits, dead, 600, "dead_discriminator")


def lessons() -> tuple[Case, ...]:
    """Each preset that is built to fail, as long as it takes to show, and the same from the start with its cure."""
    found = []
    for preset in FAMILY.presets:
        if preset.cure:
            values = {**preset.values, "evaluate_every": 300}
            illness = "vanishing_gradient" if preset.name == "vanishing" else preset.name
            long = 1800 if preset.name == "memorising" else 1000
            found.append(Case(f"lesson {preset.name}", preset.data, values, (illness,), long))
            found.append(Case(f"lesson {preset.name}, cured", preset.data, {**values, **preset.cure}, (), long))
    return tuple(found)


@cache
def fingerprint() -> str:
    """Of the code that makes a recording: another one makes others."""
    made_by = [batches, learner, adversarial, measuring, model, networks, showing, units, record]
    return hashlib.sha256("".join(map(inspect.getsource, made_by)).encode()).hexdigest()  # type: ignore[arg-type]


def kept(case: Case, seed: int, folder: Path) -> Recording:
    """The recording of a case, from a folder or made and put there."""
    key = hashlib.sha256(json.dumps([asdict(case), seed, fingerprint()], sort_keys=True).encode()).hexdigest()
    path = folder / f"{case.name.replace(' ', '-').replace(',', '')}-{seed}-{key[:12]}.npz"
    if not path.is_file():
        record(case, seed, folder).save(path)
    return Recording.load(path, case, seed)


def recordings(chosen: tuple[Case, ...], seeds: tuple[int, ...], folder: Path, jobs: int = 1) -> list[Recording]:
    """Of every case and seed; with more jobs than one in processes of their own."""
    asked = [(case, seed, folder) for seed in seeds for case in chosen]
    if jobs == 1:
        return [kept(*one) for one in asked]
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(pool.map(kept, *zip(*asked, strict=True)))


@cache
def _opened(name: str) -> Any:
    return shelf.open_dataset(shelf.find_dataset(name))


def data_of(name: str, config: Any) -> SampleData:
    """A dataset as the family prepares it."""
    work = FAMILY.prepare(config, _opened(name))
    while True:
        try:
            next(work)
        except StopIteration as end:
            data: SampleData = end.value
            return data


def record(case: Case, seed: int, folder: Path) -> Recording:
    """Train, and keep what a doctor would be told; encoders of pictures are kept in `folder`."""
    config = FAMILY.config.parse({**case.values})
    data = data_of(case.data, config)
    gan = model.GANModel(config, data, "cpu", seed)
    one = learner.GANLearner(gan, seed)
    gan.reference.cache = folder / case.data
    gan.reference.cache.mkdir(parents=True, exist_ok=True)
    began, metrics, looks, fakes = time.process_time(), [], [], []
    broke: int | None = None
    for step in range(1, case.steps + 1):
        _harm(case.harm, one, step)
        torch.manual_seed((seed * 1_000_003 + step) % 2**32)
        metrics.append(Metrics(step, one.training_step(one.batch(step), step, step / case.steps)))
        if step % config.evaluate_every == 0 or (broke := first_not_finite(read(metrics[-1:]))) is not None:
            if broke is not None:
                break
            *_, measured = gan.evaluate()
            metrics.append(Metrics(step, measured.values))
        if step % EVERY == 0:
            made = gan.made(*gan.fixed, "generator")
            looks.append(step)
            fakes.append(gan.outside(made))
    series = read(metrics)
    real = data.outside(gan.real) if data.shape.kind == "points" else gan.real
    shown = np.stack(fakes) if fakes else np.zeros((0, *real.shape), real.dtype)
    return Recording(
        case, seed, config.model_dump(), series, np.array(looks, np.int64), shown, real, data.extent, data.centres,
        broke, time.process_time() - began,
    )  # fmt: skip


@torch.no_grad()
def _harm(kind: Harm, one: learner.GANLearner, step: int) -> None:
    """A weight that is not a number, as a fault of the memory would leave it; or biases so low that hardly a unit is ever
    active, as after a step that was much too large."""
    if kind == "weight" and step == 500:
        next(one.discriminator.parameters()).view(-1)[0] = float("nan")
    elif kind.startswith("dead_") and step == 300:
        for name, part in getattr(one, kind.removeprefix("dead_")).body.named_parameters():
            if name.endswith("bias") and part.ndim == 1 and len(part) > 4:
                part.fill_(-100.0)


@cache
def labels(run: Recording) -> tuple[frozenset[str], frozenset[str]]:
    """What a run is ill of, and what it is known to be free of; measured, and never by a number that a rule looks at."""
    ill = set(run.case.ill) | ({"not_finite"} if run.broke is not None else set())
    free = set() if ill else set(ILLNESSES)
    if run.broke is None and run.fakes.ndim == 3 and not ill - {"collapse", "oscillation"}:
        for name, yes, no in _measured(run):
            (ill.add if yes else ill.discard)(name)
            (free.add if no else free.discard)(name)
        if not ill and run.centres is None and not run.last("js_divergence") <= UNLEARNT:
            free = set()
    elif not ill and run.fakes.ndim > 3 and not run.last("coverage") >= UNCOVERED * run.last("coverage_floor"):
        free = set()
    return frozenset(ill), frozenset(free - ill)


def _measured(run: Recording) -> Iterator[tuple[str, bool, bool]]:
    """Of points: whether they oscillate, and whether they do not; of points of known modes the same of collapse."""
    late = run.fakes[3 * len(run.fakes) // 4 :]
    if run.centres is None:
        x0, x1, y0, y1 = run.extent
        shares = [np.histogram2d(*fake.T, _CELLS, ((x0, x1), (y0, y1)))[0].ravel() / len(fake) for fake in late]
    else:
        owners = [np.linalg.norm(fake[:, None] - run.centres[None], axis=2).argmin(1) for fake in late]
        shares = [np.bincount(owner, minlength=len(run.centres)) / len(owner) for owner in owners]
        held = float(np.mean([(share > 0.2 / len(share)).mean() for share in shares]))
        yield "collapse", held <= 0.5, held >= 0.75
    lag = 100 // EVERY
    moved = float(np.mean([np.abs(a - b).sum() / 2 for a, b in zip(shares, shares[lag:], strict=False)]))
    yield "oscillation", moved >= SWUNG, moved <= SWUNG / 2


def spoken(run: Recording, make: Any = doctor) -> list[Diagnosis]:
    """What a doctor tells of a run, and what is over."""
    one: Doctor = make()
    told: list[Diagnosis] = []
    for series, snapshots in run.parts:
        told += one.see(series, snapshots, run.settings)
    if run.broke is not None:
        told += one.not_finite(run.broke)
    return told
