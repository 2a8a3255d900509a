"""The machinery of the doctor: windows, rules that hold and are over, what is told once, what never was."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from genstudio.events import Diagnosis, Series
from genstudio.snapshots.text import Text
from genstudio.training.doctor import (
    ASK,
    EVERY,
    KEEP,
    Doctor,
    Finding,
    Rule,
    Window,
    autocorrelation,
    effective_number,
    median_distance,
    squared_distances,
)


def series(first: int, values: Iterable[float]) -> dict[str, Series]:
    found = np.array(list(values), float)
    return {"loss": Series(np.arange(first, first + len(found)), found)}


def high(window: Window) -> Finding | None:
    mean = window.mean("loss", ASK // 2)
    return Finding(f"The loss is {mean:g}.", {"loss": mean, "broken": float("nan")}) if mean > 1 else None


RULE = Rule("high", "Too high", "The mean of some steps is above 1.", high, lasting=ASK, calm=2 * ASK)


def told(doctor: Doctor, first: int, values: Iterable[float]) -> list[Diagnosis]:
    """What is told while the values come in twos."""
    found = list(values)
    return [
        one
        for start in range(0, len(found), 2)
        for one in doctor.see(series(first + start, found[start : start + 2]), (), {})
    ]


def test_what_is_measured_last_is_judged_although_no_step_follows() -> None:
    rule = Rule("poor", "Poor", "The last evaluation is above 1.", high_at_last)
    doctor = Doctor((rule,))
    assert not told(doctor, 1, np.zeros(2 * ASK))
    assert not doctor.see({"evaluated": series(2 * ASK, [5.0])["loss"]}, (), {})
    assert [one.name for one in doctor.see({}, (), {}, ended=True)] == ["poor"]
    assert not doctor.see({}, (), {}, ended=True)  # told once


def high_at_last(window: Window) -> Finding | None:
    return Finding("Poor.", {}) if window.last("evaluated") > 1 else None


def test_a_window_knows_the_last_steps_and_says_nothing_of_steps_it_never_saw() -> None:
    window = Window()
    assert np.isnan(window.mean("loss", 10)) and np.isnan(window.last("loss")) and not len(window.recent("loss", 5))
    window.add(series(1, range(1, 101)))
    assert window.step == 100 and window.last("loss") == 100
    assert window.recent("loss", 10).tolist() == list(range(91, 101)) and window.mean("loss", 100) == 50.5
    assert np.isnan(window.mean("loss", 1000))
    window.add(series(101, np.zeros(3 * KEEP)))
    assert len(window.all("loss")[0]) == KEEP and window.mean("loss", KEEP) == 0


def test_a_finding_is_told_once_it_lasts_and_again_only_after_it_was_over() -> None:
    doctor = Doctor([RULE])
    assert told(doctor, 1, [0.5] * 5 * ASK) == []
    assert told(doctor, 5 * ASK + 1, [2.0] * ASK) == []
    (first,) = told(doctor, 6 * ASK + 1, [2.0] * 4 * ASK)
    assert (first.name, first.step, first.until) == ("high", 7 * ASK, None)
    assert first.sentence == "The loss is 2." and first.evidence == {"loss": 2.0} and doctor.open == (first,)
    assert told(doctor, 10 * ASK + 1, [0.5] * ASK + [2.0] * ASK) == []
    (over,) = told(doctor, 12 * ASK + 1, [0.5] * 6 * ASK)
    assert (over.name, over.step, over.until) == ("high", first.step, 15 * ASK) and doctor.open == ()
    (second,) = told(doctor, 18 * ASK + 1, [2.0] * 4 * ASK)
    assert second.step > 15 * ASK and second.until is None


def test_a_rule_that_flickers_is_not_told() -> None:
    values = ([2.0] * ASK + [0.0] * ASK) * 10
    assert told(Doctor([RULE]), 1, values) == []
    eager = Rule("high", "Too high", "", high, lasting=0)
    assert told(Doctor([eager]), 1, values)


def test_rules_are_asked_once_in_some_steps_and_a_channel_is_observed_as_often() -> None:
    asked, looked = [], []

    def judge(window: Window) -> None:
        asked.append(window.step)

    def observe(snapshot: Text) -> dict[str, float]:
        looked.append(snapshot.step)
        return {"length": float(len(snapshot.text))}

    doctor = Doctor([Rule("never", "", "", judge)], observe)  # type: ignore[arg-type]
    for step in range(1, 4 * ASK + 1):
        doctor.see(series(step, [1.0]), [Text("sample", step, "", "four")], {})
    assert (len(asked), len(looked)) == (4, 4 * ASK // EVERY)
    assert np.diff(asked).tolist() == [ASK] * (len(asked) - 1)


def test_what_was_told_before_goes_on_and_going_back_undoes_it() -> None:
    (first,) = told(Doctor([RULE]), 1, [2.0] * 4 * ASK)
    again = Doctor([RULE], told=[first])
    assert again.open == (first,) and told(again, 4 * ASK + 1, [2.0] * 4 * ASK) == []
    again.back(first.step - 1)
    assert again.open == ()
    (second,) = told(again, first.step, [2.0] * 4 * ASK)
    assert second.step >= first.step
    kept = Doctor([RULE], told=[first])
    kept.back(first.step)
    assert kept.open == (first,)


@pytest.mark.parametrize(("groups", "many"), [(1, 1), (4, 4), (16, 16)])
def test_the_effective_number_counts_separate_groups(groups: int, many: int) -> None:
    centres = np.stack([np.arange(groups) * 100.0, np.zeros(groups)], 1)
    samples = np.repeat(centres, 64 // groups, 0)
    assert effective_number(squared_distances(samples, samples), 1.0) == pytest.approx(many, rel=1e-6)


def test_the_effective_number_of_an_even_line_grows_as_the_kernel_narrows() -> None:
    line = np.stack([np.linspace(0, 1, 100), np.zeros(100)], 1)
    squares = squared_distances(line, line)
    found = [effective_number(squares, width) for width in (1.0, 0.1, 0.001)]
    assert found[0] < 2 < found[1] < 20 and found[2] == pytest.approx(100, rel=1e-3)


def test_squared_distances_are_those_of_all_pairs_far_from_the_origin_too() -> None:
    rng = np.random.default_rng(0)
    one, other = (rng.standard_normal((count, 3)).astype(np.float32) + 1000 for count in (5, 7))
    expected = np.square(one[:, None] - other[None]).sum(2)
    assert np.allclose(squared_distances(one, other), expected, rtol=1e-3, atol=1e-4)


def test_the_median_distance_is_that_of_all_pairs() -> None:
    assert median_distance(np.array([[0.0], [1.0], [3.0]])) == 2.0
    assert median_distance(np.zeros((1, 2))) == 0.0


def test_autocorrelation_of_a_wave_and_of_a_straight_line() -> None:
    wave = np.sin(np.arange(200) * 2 * np.pi / 20)
    found = autocorrelation(wave)
    assert found[0] == pytest.approx(1) and found[10] < -0.85 and found[20] > 0.8
    assert np.abs(autocorrelation(np.linspace(0, 5, 50))).max() < 1e-6
