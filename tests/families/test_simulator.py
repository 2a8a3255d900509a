"""A simulator whose parameters are searched: what is invariant, what is remembered, what is found, and what the doctor says."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genstudio import families
from genstudio.data import generators
from genstudio.data.datasets import RegionDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.population.coalescent import Stream
from genstudio.data.population.history import MODELS, Model
from genstudio.data.population.statistics import measured
from genstudio.data.work import finished
from genstudio.errors import ConfigError
from genstudio.events import Series
from genstudio.families.simulator import FAMILY
from genstudio.families.simulator.config import SimulatorConfig
from genstudio.families.simulator.data import GenomeData
from genstudio.families.simulator.doctor import RULES, doctor, wrong_model
from genstudio.families.simulator.engines import regions_of, require_msprime
from genstudio.families.simulator.learner import SimulatorLearner
from genstudio.families.simulator.model import PRETRAINING, PROPOSING, Discriminator, Pool, SimulatorModel
from genstudio.runs import Run
from genstudio.snapshots.population import Population
from genstudio.snapshots.samples import Bars, Pictures
from genstudio.tasks.models import Models
from genstudio.tasks.train import Resume, Train
from genstudio.training import checkpoint
from genstudio.training.doctor import Window
from helpers import answer

TINY: dict[str, Any] = {
    "history": "constant", "haplotypes": 6, "snps": 12, "channels": 4, "dense": 8, "batch": 10, "updates": 2, "regions": 8,
    "proposals": 3, "good_enough": 0.5, "retraining": 1, "evaluate_every": 50, "pool": 200,
}  # fmt: skip


def regions(history: str = "constant", count: int = 40, parameters: str = "N=16000", **more: Any) -> RegionDataset:
    settings = {"history": history, "count": count, "haplotypes": 12, "parameters": parameters, "hidden": False, **more}
    details = {"generator": "hidden-history", "settings": settings}
    found = generators.make(DatasetInfo("x", "x", "regions", "generated", Path("x"), 0, "0" * 64, details=details))
    assert isinstance(found, RegionDataset)
    return found


def learner(dataset: RegionDataset, seed: int = 0, **values: Any) -> SimulatorLearner:
    config = FAMILY.config.parse({**TINY, **values})
    model = FAMILY.model(config, finished(FAMILY.prepare(config, dataset)), "cpu", seed)
    found = FAMILY.learner(model, seed)
    assert isinstance(found, SimulatorLearner)
    return found


def trained(one: SimulatorLearner, first: int, last: int, total: int) -> None:
    for step in range(first, last + 1):
        torch.manual_seed(one.seed * 1_000_003 + step)
        one.training_step(one.batch(step), step, (step - 1) / total)


@pytest.fixture(scope="module")
def data() -> RegionDataset:
    return regions()


def test_the_order_of_haplotypes_does_not_matter_to_the_discriminator_and_would_to_one_without_the_mean() -> None:
    torch.manual_seed(0)
    network = Discriminator(36, 8, 16, 0.0).eval()
    x = torch.randn(5, 2, 20, 36)
    other = x[:, :, torch.randperm(20)]
    with torch.no_grad():
        assert torch.allclose(network(x), network(other), atol=1e-5)
        broken = torch.nn.Conv2d(2, 1, (3, 5))  # sees neighbouring haplotypes
        assert not torch.allclose(broken(x).mean((1, 2, 3)), broken(other).mean((1, 2, 3)), atol=1e-5)
        assert not torch.allclose(network(x), network(x[..., torch.randperm(36)]), atol=1e-4)  # that of sites does


@pytest.mark.thorough
def test_an_annealing_goes_on_bitwise(data: RegionDataset) -> None:
    """From the weights, moments and buffers alone, in the middle of a round of proposals."""
    values = {"history": "bottleneck", "known": "T_end=1000"}
    one, two = learner(data, **values), learner(data, **values)
    trained(one, 1, 9, 40)
    assert one.search.phase == PROPOSING and 0 < one.search.at < 3
    for part, module in one.model.modules.items():
        two.model.modules[part].load_state_dict(module.state_dict())
    two.optimizers["discriminator"].load_state_dict(copy.deepcopy(one.optimizers["discriminator"].state_dict()))
    trained(one, 10, 24, 40)
    trained(two, 10, 24, 40)
    for part, module in one.model.modules.items():
        for name, tensor in module.state_dict().items():
            assert torch.equal(tensor, two.model.modules[part].state_dict()[name]), name
    assert one.search.rounds > 1


@pytest.mark.thorough
def test_a_resumed_run_is_the_uninterrupted_one(tmp_path: Path) -> None:
    task = Train("simulator", "popgen-bottleneck", TINY, steps=9, runs_folder=tmp_path / "runs", name="whole")
    whole = answer(list(task.run(Models())), "run")
    cut = answer(list(replace(task, name="cut", stop_after=6).run(Models())), "run")
    list(Resume(cut).run(Models()))
    one, two = (checkpoint.read_weights(Run.open(Path(run)), "last")[0] for run in (whole, cut))
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
    assert one["search.state"][2] > 0  # rounds of proposals


def test_a_run_of_an_older_version_is_searched_as_it_was_and_what_a_pool_cannot_do_is_said(data: RegionDataset) -> None:
    whole = FAMILY.config.parse(TINY).model_dump()
    assert (whole["judge"], whole["pool"]) == ("features", 200)
    before = {name: value for name, value in whole.items() if name not in ("judge", "pool")}
    assert FAMILY.config.parse(before).model_dump() == {**whole, "judge": "regions", "pool": 0}
    assert FAMILY.config.parse({"batch": 10}).judge == "features"  # a few settings of a person, and no run
    between = FAMILY.config.parse({**before, "pool": 2000})
    assert between.judge == "regions" and "places" not in learner(data, **between.model_dump()).model.pool.state_dict()
    assert learner(data, pool=0, judge="regions").model.modules.keys() == {"discriminator", "search"}
    for values, where in (({"pool": 39}, "pool"), ({"pool": 0}, "judge")):
        assert [problem.field for problem in FAMILY.config.problems({**TINY, **values})] == [where]


@pytest.mark.thorough
def test_a_search_by_features_finds_a_size_that_one_with_shuffled_features_does_not(
    data: RegionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = []
    for broken in (False, True):
        one = learner(data, haplotypes=12, snps=24, regions=20, batch=20, proposals=4, channels=8, dense=16, pool=600)
        if broken:
            reads = one.model.features
            monkeypatch.setattr(one.model, "features", lambda x, reads=reads: np.random.default_rng(0).permutation(reads(x)))
        trained(one, 1, 60, 60)
        errors.append(abs(math.log(float(one.model.estimate[0]) / 16_000)))
    assert errors[0] < math.log(1.3) < errors[1]


def test_the_pool_holds_the_newest_regions_of_all_places_and_an_update_sees_them(
    data: RegionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, rng = Pool(5, 3, 4, 2), np.random.default_rng(0)
    pool.put(np.zeros((3, 3, 4)), np.zeros((3, 4)), np.zeros((3, 2)))
    assert len(pool) == 3 and not pool.drawn(8, Stream(1))[0].any()
    alleles, distances = rng.integers(-1, 2, (7, 3, 4)), rng.random((7, 4), np.float32)
    places = rng.random((7, 2))
    pool.put(alleles[:3], distances[:3], places[:3])
    pool.put(alleles[3:], distances[3:], places[3:])
    order = [int(np.flatnonzero((pool.distances.numpy() == row).all(1))[0]) for row in distances[2:]]
    assert np.array_equal(pool.places.numpy()[order], places[2:])
    assert len(pool) == 5 and int(pool.count) == 10
    found = {(a.tobytes(), d.tobytes()) for a, d in zip(*pool.drawn(200, Stream(1)), strict=True)}
    assert found == {(a.astype(np.int8).tobytes(), d.tobytes()) for a, d in zip(alleles[2:], distances[2:], strict=True)}

    shares = {}
    for size in (0, 200):
        one = learner(data, pool=size, judge="regions", pretraining=1_000, good_enough=1.0)
        trained(one, 1, 2, 30)  # 20 regions in each: none from the pool before it holds 40
        assert len(one.model.pool) == min(40, size)
        made: list[int] = []
        seen: list[int] = []
        count_rows(monkeypatch, one.model, "simulated", made)
        count_rows(monkeypatch, one.discriminator, "forward", seen)
        trained(one, 3, 3, 30)
        shares[size] = made, seen
    assert shares == {0: ([20], [20, 20]), 200: ([10], [20, 20])}


def count_rows(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, counts: list[int]) -> None:
    does = getattr(owner, name)

    def counted(rows: Any, *more: Any) -> Any:
        counts.append(len(rows))
        return does(rows, *more)

    monkeypatch.setattr(owner, name, counted)


@pytest.mark.thorough
def test_the_discriminator_is_good_enough_first_then_the_parameter_walks_towards_the_truth(data: RegionDataset) -> None:
    one = learner(data, good_enough=0.7, haplotypes=12, snps=24, regions=20, batch=20, proposals=4)
    far = np.array([0.05])
    one.search.place.copy_(torch.from_numpy(far))
    assert one.search.phase == PRETRAINING
    trained(one, 1, 30, 30)
    assert one.search.rounds > 4 and "good enough" in " ".join(one._marks)
    assert one.model.estimate[0] > 2 * one.model.values(far)[0]  # from 1,200 towards 16,000
    shown = {type(snapshot): snapshot for snapshot in one.preview()}
    assert {Pictures, Population, Bars} <= shown.keys() and len(shown[Bars].values) == 4  # type: ignore[attr-defined]
    (*_, last) = one.model.evaluate()
    assert last.result["truth"] == {"model": "constant", "N": 16000.0} and set(last.result["parameters"]) == {"N"}
    assert last.result["relative_error"]["median"] == pytest.approx(abs(one.model.estimate[0] / 16000 - 1))
    assert {"pi", "tajimas_d", "haplotypes", "sfs_1", "ld_500", "mean_gap"} <= last.result["statistics"].keys()


@pytest.mark.thorough
def test_proposals_stay_in_the_range_and_known_parameters_where_they_are(data: RegionDataset) -> None:
    one = learner(data, history="bottleneck", known="N_bottleneck=700, duration=500", width=1.0)
    places = []
    for step in range(1, 25):
        trained(one, step, step, 30)
        places.append(one.search.place.numpy().copy())
    found = one.model.values(np.array(places))
    assert np.allclose(found[:, [1, 3]], [700, 500]) and len(np.unique(found[:, 0])) > 2
    assert (np.array(places) >= 0).all() and (np.array(places) <= 1).all()


def test_hidden_parameters_are_not_shown_until_they_are_revealed() -> None:
    one = learner(regions(hidden=True))
    names = set((*one.model.evaluate(),)[-1].values)
    assert not any("true" in name or "error" in name for name in names)
    one.change({"reveal": True})
    assert {"true_N", "relative_error"} <= (*one.model.evaluate(),)[-1].values.keys()


def test_two_populations_need_haplotypes_of_two_and_msprime_has_to_be_there(
    data: RegionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="come from one population"):
        learner(data, history="isolation")
    both = learner(regions("isolation", 8, ""), history="isolation", haplotypes=7)
    assert both.model.data.samples == (3, 4) and both.model.data.alleles.shape[1] == 7
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match="msprime is not installed"):
        require_msprime()
    for known in ("N=1", "size=3", "N", "N=nan"):
        assert FAMILY.config.problems({"history": "constant", "known": known})
    assert "every parameter is known" in FAMILY.config.problems({"history": "constant", "known": "N=5000"})[0].message


@pytest.mark.thorough
@pytest.mark.parametrize("name", MODELS)
def test_the_optional_simulator_is_told_the_same_history(name: str) -> None:
    """Means over 250 regions lie within 4 standard errors; those of the next model do not."""
    pytest.importorskip("msprime")
    names = [*MODELS, *MODELS]
    other = MODELS[names[names.index(name) + 1]]
    theirs, ours, wrong = (told(engine, model) for engine, model in (
        ("msprime", MODELS[name]), ("built-in", MODELS[name]), ("built-in", other),
    ))  # fmt: skip
    assert apart(theirs, ours) < 4 < apart(theirs, wrong)


def told(engine: str, model: Model) -> dict[str, Any]:
    samples = (20,) if model.demes == 1 else (10, 10)
    none = np.zeros((0, 20, 1))
    data = GenomeData(none, none, np.arange(0), np.arange(0), samples, 50_000, 1.25e-8, 1.25e-8, None, None)
    found = finished(measured(regions_of(engine, model, np.tile(model.usual(), (250, 1)), data, Stream(3))))
    return {"sites": found.sites, "pi": found.pi, "haplotypes": found.haplotypes, "ones": found.spectrum[:, 0]}


def apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    """The largest distance of means, in standard errors."""
    return max(
        abs(one[name].mean() - other[name].mean()) / np.hypot(one[name].std(), other[name].std()) * math.sqrt(250) for name in one
    )


def window(**numbers: Any) -> Iterator[Any]:
    watch = doctor()
    series = {name: Series(np.arange(1, len(v) + 1) * 10, np.array(v, float)) for name, v in numbers.items()}
    yield from watch.see(series, (), SimulatorConfig.parse({"history": "constant"}).model_dump())


KNOWN = {"T_end": 500.0, "duration": 300.0}
FITTED = (
    ("right, at the truth", "bottleneck", {"N": 6_000.0, "N_bottleneck": 200.0}, True),
    ("right, on its way", "bottleneck", {"N": 6_000.0, "N_bottleneck": 1_000.0}, False),
    ("right, but stuck elsewhere", "bottleneck", {"N": 8_000.0, "N_bottleneck": 600.0}, True),
    ("wrong, on its way", "constant", {"N": 3_000.0}, False),
    ("wrong, at its best", "constant", {"N": 3_000.0}, True),
)  # fmt: skip
"""Models fitted to a bottleneck of 200 individuals: parameters, and whether the search has cooled."""


@pytest.fixture(scope="module")
def fitted() -> dict[str, tuple[str, dict[str, Any]]]:
    """What was measured of each of FITTED: its model, and numbers over two evaluations."""
    known = ", ".join(f"{name}={value}" for name, value in KNOWN.items())
    bottleneck, found = regions("bottleneck", 100, f"N=6000, N_bottleneck=200, {known}", haplotypes=24), {}
    for says, history, values, cooled in FITTED:
        one = learner(bottleneck, history=history, known=known if history == "bottleneck" else "", haplotypes=24)
        search, model = one.search, one.config.model
        place = [p.share({**KNOWN, **values}[p.name]) for p in model.parameters]
        for stored in (search.place, search.mean):
            stored.copy_(torch.tensor(place))
        search.set_state(averaged=int(cooled))
        *_, last = one.model.evaluate()
        assert ("nearby_apart" in last.values) == (cooled and last.values["shape_apart"] > 4)
        numbers = {name: [value] * 2 for name, value in last.values.items()}
        numbers |= {"temperature": [1.0, 0.1 if cooled else 0.8], "accuracy": [0.9, 0.9]}
        found[says] = history, numbers | {name: [value] * 20 for name, value in values.items()}
    return found


def accused(fitted: dict[str, tuple[str, dict[str, Any]]], rule: Any) -> set[str]:
    """Those of FITTED that a rule speaks of."""
    found = set()
    for says, (history, numbers) in fitted.items():
        seen = Window()
        seen.settings = SimulatorConfig.parse({"history": history}).model_dump()
        evaluated = np.array([50, 100])
        for name, values in numbers.items():
            seen.add({name: Series(evaluated if len(values) == 2 else np.arange(81, 101), np.array(values, float))})
        if rule(seen) is not None:
            found.add(says)
    return found


def test_a_wrong_model_is_said_only_where_no_parameters_of_it_would_fit(fitted: dict[str, tuple[str, dict[str, Any]]]) -> None:
    assert accused(fitted, wrong_model) == {"wrong, at its best"}
    careless = accused(fitted, lambda seen: seen.last("shape_apart") > 4 or None)
    assert careless >= {"right, on its way", "right, but stuck elsewhere"}
    history, numbers = fitted["wrong, at its best"]
    walking = {"wrong": (history, {**numbers, "N": [3_000.0, 6_000.0] * 10})}
    assert not accused(walking, wrong_model)  # nor near chance, nor at rest
    assert accused({"wrong": (history, {**walking["wrong"][1], "accuracy": [0.55, 0.5]})}, wrong_model)
    assert accused({"wrong": (history, {**walking["wrong"][1], "edge": [0.0] * 20})}, wrong_model)


def test_the_doctor_says_what_is_wrong_and_nothing_where_nothing_is() -> None:
    cooled = {"temperature": [1, 0.6, 0.2], "shape_apart": [9, 8, 12.0], "apart_tajimas_d": [3, 4, 5.0],
    "accuracy": [0.9, 0.9, 0.9], "nearby_apart": [9, 8, 7.0], "N": [9_000.0] * 3}
    found = {one.name: one for one in window(**cooled)}
    assert set(found) == {"wrong_model",
    "recognised"} and {"history": "bottleneck"} in [a.values for a in found["wrong_model"].advice]
    good = {"temperature": [1, 0.6, 0.2], "shape_apart": [9, 2, 1.5], "accuracy": [0.9, 0.6, 0.5], "accepted": [1, 1, 0] * 10}
    assert not list(window(**good))
    warm = {**cooled, "temperature": [1, 0.9, 0.8]}
    assert not list(window(**warm))
    assert [one.name for one in window(temperature=[0.9] * 30, accepted=[0.0] * 30)] == ["stuck"]
    assert {rule.name for rule in RULES} >= {"wrong_model", "recognised", "at_the_edge", "blind", "stuck"}


def test_it_is_the_family_that_learns_from_regions() -> None:
    assert [family.name for family in families.learning_from("regions")] == ["simulator"]
    assert isinstance(learner(regions(count=6)).model, SimulatorModel)
