"""Figures of speed: what they are ratios of, how they are printed, and that nothing is left behind."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest

from genstudio import cli, families, paths
from genstudio.data.work import Work, finished
from genstudio.evaluation import timing
from genstudio.evaluation.figures import Figure
from genstudio.events import Frame
from genstudio.families.gpt import bench
from genstudio.families.gpt.plain import PlainGPT
from genstudio.tasks import bench as task
from genstudio.tasks.models import Models


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds, which passes only when it is changed."""
    now = [0.0]
    monkeypatch.setattr(timing, "clock", lambda: now[0])
    return now


def test_a_ratio_is_that_of_the_rounds_and_the_first_round_does_not_count(clock: list[float]) -> None:
    """A computer that becomes slower and slower changes neither; medians of the times alone would not say that."""
    slow, calls = [100.0], list[str]()

    def costing(name: str, seconds: float) -> Any:
        def work() -> None:
            calls.append(name)
            clock[0] += seconds * slow[0]
            slow[0] = 1.0 if len(calls) == 4 else slow[0] * 1.05

        return work

    times = finished(timing.in_turns({"ours": costing("ours", 1.0), "plain": costing("plain", 2.0)}, rounds=5, repeat=2))
    assert calls[:8] == ["ours", "ours", "plain", "plain"] * 2 and {len(taken) for taken in times.values()} == {5}
    assert timing.ratio(times, "ours", "plain") == pytest.approx(2.0 * 1.05**2)
    assert timing.typical(times, "ours") == times["ours"][2] < 10


def test_the_bound_counts_every_matrix_of_the_reference_model_once() -> None:
    model = PlainGPT()
    wanted = sum(p.numel() for name, p in model.named_parameters() if p.ndim == 2 and not name.startswith("wpe"))
    assert sum(inputs * outputs for _, inputs, outputs in bench.linears()) == wanted
    assert {rows for rows, _, _ in bench.linears()} == {64 * 12}


def test_a_loss_that_is_not_reached_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_AT_MOST", 0.0)
    figure = finished(bench.seconds_to_loss(0.0))
    assert figure.note and figure.value is None and figure.ratio is None


@pytest.fixture
def one_family(monkeypatch: pytest.MonkeyPatch) -> tuple[Figure, ...]:
    """Figures of the only family that has some; no pictures are imported."""
    figures = (Figure("Step", "tokens/s", 2000.0, "plain loop", 1000.0, 2.0, "products", 4000.0, 0.5), Figure("GPU", note="none"))

    def measured() -> Work[tuple[Figure, ...]]:
        yield from (0.0, 0.5, 1.0)
        return figures

    every = (dataclasses.replace(families.get("gan"), bench=None), dataclasses.replace(families.get("vae"), bench=measured))
    monkeypatch.setattr(families, "all_families", lambda: every)
    monkeypatch.setattr(task, "imported", lambda count: measured())
    return figures


def test_all_figures_come_with_progress(one_family: tuple[Figure, ...]) -> None:
    frames, work = list[Frame](), task.Bench().run(Models())
    while True:
        try:
            frames.append(next(work))
        except StopIteration as end:
            assert end.value == one_family * 2
            break
    done = [frame.progress.done for frame in frames if frame.progress is not None]
    assert done == sorted(done, key=float) and done[0] == 0.0 and done[-1] == 1.0  # type: ignore[arg-type]


def test_the_command_prints_a_table_or_json(one_family: tuple[Figure, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [dataclasses.asdict(one) for one in one_family * 2]
    assert cli.main(["bench"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5 and " ".join(lines[1].split()) == "Step 2,000 tokens/s plain loop 1,000 2.00x products 4,000 50%"
    assert lines[2].split() == ["GPU", "not", "measured:", "none"]


@pytest.mark.thorough
def test_the_import_leaves_nothing_and_home_as_it_was() -> None:
    def left() -> Iterator[str]:
        return (str(path) for path in sorted(paths.home().rglob("*")))

    home, before = paths.home(), [*left()]
    figure = finished(task.imported(20))[0]
    assert figure.ratio and figure.value and paths.home() == home and [*left()] == before
