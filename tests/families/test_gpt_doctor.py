"""Each rule of the GPT's doctor on numbers made for it, beside a healthy twin; and real runs, ill and well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data.learnable.tokens import TextData
from genstudio.data.tokenizers.characters import CharTokenizer
from genstudio.events import Diagnosis, Series
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.doctor import RULES, doctor
from genstudio.families.text_rules import observe
from genstudio.runs import Run
from genstudio.snapshots.layers import Distributions, LayerStatistics
from genstudio.tasks.train import Train
from genstudio.training.doctor import Doctor
from helpers import TINY, run_task, text_file, words

STEPS, UNIGRAM = 1200, 3.0
FALLING = lambda at: 1.5 + 2.5 * np.exp(-at / 150)  # noqa: E731 - a curve
HEALTHY: dict[str, Any] = {"train_loss": FALLING, "val_loss": FALLING, "update": 1e-2, "dead": 0.1}
ILL: list[tuple[str, dict[str, Any]]] = [
    ("diverged", {"train_loss": lambda at: np.where(at < 700, FALLING(at), 3.5)}),
    ("plateau", {"train_loss": 2.99, "val_loss": 2.99}),
    ("overfitting", {"val_loss": lambda at: np.where(at < 500, FALLING(at), FALLING(500) + (at - 500) / 1000)}),
    ("memorising", {"train_loss": lambda at: 0.4 + 3.6 * np.exp(-at / 150), "val_loss": 1.9}),
    ("rate_too_low", {"train_loss": lambda at: 2.5 + 0 * at, "val_loss": 2.5, "update": 1e-5}),
    ("rate_too_high", {"train_loss": lambda at: np.where(at < 150, 7.0, FALLING(at))}),
    ("dead_units", {"dead": 0.97}),
]


def watched(numbers: dict[str, Any], steps: int = STEPS, **settings: Any) -> list[Diagnosis]:
    """What is told of a run whose numbers are these at every step, or a function of it."""
    one = Doctor(RULES, observe, known={"unigram": UNIGRAM, "uniform": 4.2})
    config, told = GPTConfig().model_dump() | settings, []
    for first in range(1, steps, 50):
        at = np.arange(first, first + 50)
        parts = {}
        for name, value in ({"learning_rate": 4e-3} | numbers).items():
            own = at if name in ("train_loss", "learning_rate") else at[-1:]
            parts[name] = Series(own.copy(), own * 0.0 + (value(own) if callable(value) else value))
        told += one.see(parts, (), config)
    return [found for found in told if found.until is None]


@pytest.mark.parametrize(("name", "numbers"), ILL)
def test_each_illness_is_told_in_words_with_numbers_and_something_to_try(name: str, numbers: dict[str, Any]) -> None:
    told = watched(HEALTHY | numbers)
    assert [one.name for one in told] == [name]
    (one,) = told
    assert one.sentence.endswith(".") and one.rule.endswith(".") and one.evidence and one.advice
    for advice in one.advice:
        GPTConfig.parse(GPTConfig().model_dump() | dict(advice.values))


def test_every_rule_has_its_illness_and_a_healthy_run_none() -> None:
    assert {name for name, _ in ILL} | {"not_finite"} == {rule.name for rule in RULES}
    assert watched(HEALTHY) == []


def test_the_end_of_a_schedule_is_no_low_rate() -> None:
    """The rate falls to a fiftieth, and so do the updates."""
    ending = {"learning_rate": lambda at: 4e-3 * np.where(at < 600, 1, 0.02), "train_loss": 1.5, "val_loss": 1.5}
    falling = {"update": lambda at: np.where(at < 600, 8e-3, 1.6e-4)}
    assert watched(HEALTHY | ending | falling) == []
    assert [one.name for one in watched(HEALTHY | {"train_loss": 1.5, "val_loss": 1.5} | falling)] == ["rate_too_low"]


def test_a_training_loss_that_fell_since_the_last_evaluation_is_no_memorisation() -> None:
    """Both losses are the same wherever both are measured, every 200 steps."""
    def falling(at: Any) -> Any:
        return 3.0 * np.exp(-at / 100)

    one = Doctor(RULES, observe, known={"unigram": UNIGRAM, "uniform": 4.2})
    told = []
    for first in range(1, 500, 50):
        at = np.arange(first, first + 50)
        parts = {"train_loss": Series(at, falling(at))}
        if not at[-1] % 200:
            parts["val_loss"] = Series(at[-1:], falling(at[-1:]))
        told += one.see(parts, (), GPTConfig().model_dump())
    assert [found.name for found in told if found.name == "memorising"] == []


def test_a_held_out_loss_of_the_first_steps_is_no_plateau() -> None:
    """It was measured before anything was learnt; measured again, it is one."""
    one = Doctor(RULES, observe, known={"unigram": UNIGRAM, "uniform": 4.2})
    told = []
    for first in range(1, 1000, 50):
        at = np.arange(first, first + 50)
        parts = {"train_loss": Series(at, 2.5 - at / 2000)}
        if first in (1, 801):
            parts["val_loss"] = Series(at[:1], at[:1] * 0.0 + UNIGRAM)
        told += [(first, found.name) for found in one.see(parts, (), GPTConfig().model_dump())]
    assert [name for _, name in told] == ["plateau"] and told[0][0] > 800


def test_advice_changes_every_rate_of_the_optimiser() -> None:
    for optimizer, names in (("muon", {"learning_rate", "muon_rate"}), ("adamw", {"learning_rate"})):
        (one,) = watched(HEALTHY | {"dead": 0.97}, optimizer=optimizer)
        assert set(one.advice[1].values) == names


def test_numbers_of_the_layers() -> None:
    part = Distributions(("a", "b"), np.array([0.0, 1.0]), np.ones((2, 1), np.int64), np.ones(2), np.ones(2, np.int64))
    shown = LayerStatistics("layers", 3, part, part, None, np.array([0.2, 0.9]), np.array([1e-3, np.inf]), 5, 2.0)
    assert observe(shown) == pytest.approx({"update": 1e-3, "dead": 0.9})
    unknown = LayerStatistics("layers", 3, part, part, None, np.array([np.nan, np.nan]), np.array([np.inf, np.nan]), 5, 2.0)
    assert observe(unknown) == {}


def named(folder: Path, text: str, **values: Any) -> set[str]:
    """What is told of a real run."""
    config = TINY | {"dropout": 0.0, "evaluate_every": 50} | values
    run_task(Train("gpt", str(text_file(folder, text)), config, steps=420, runs_folder=folder))
    run = Run.open(next(path for path in folder.iterdir() if (path / "run.json").is_file()))
    return {one.name for one in run.diagnoses()}


@pytest.mark.thorough
def test_a_real_run_that_learns_is_left_alone(tmp_path: Path) -> None:
    assert named(tmp_path, words(4000)) == set()


@pytest.mark.thorough
def test_a_real_run_that_stands_still_is_told(tmp_path: Path) -> None:
    found = named(tmp_path, words(4000), learning_rate=1e-6, muon_rate=1e-6)
    assert "plateau" in found and found <= {"plateau", "rate_too_low"}


@pytest.mark.thorough
def test_a_real_run_with_too_high_a_rate_is_told(tmp_path: Path) -> None:
    fragile = {"norm": "layernorm", "norm_place": "post", "qk_norm": False, "positions": "learned", "schedule": "constant"}
    found = named(tmp_path, words(4000), optimizer="adamw", learning_rate=1.0, clip=0.0, **fragile)
    assert found & {"rate_too_high", "not_finite"}


@pytest.mark.thorough
def test_a_real_run_that_memorises_is_told(tmp_path: Path) -> None:
    text = "".join(np.random.default_rng(0).choice(list("abcdefgh "), 400))
    assert "memorising" in named(tmp_path, text, d_model=32, context=16, batch=16)


def test_the_loss_of_the_frequencies_is_that_of_the_data() -> None:
    ids = np.array([0, 0, 0, 1], np.uint16)
    data = TextData(CharTokenizer.of("ab"), ids, ids, 4, "", "")
    one = doctor((), data)
    now = np.array([400])
    one.see({"train_loss": Series(now, np.array([1.0])), "val_loss": Series(now.copy(), np.array([0.9]))}, (), {})
    frequencies = np.array([4, 2]) / 6  # each count is one more, so that none is impossible
    expected = float(-np.log(frequencies[ids]).mean())
    (found,) = one.open
    assert found.name == "plateau" and expected in [pytest.approx(value) for value in found.evidence.values()]
