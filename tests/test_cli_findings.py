"""What a person without a window sees of the doctor: while training, and of a run that is there."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from genstudio import cli
from genstudio.cli import findings
from genstudio.events import Advice, Diagnosis
from genstudio.runs import Run

LOST = Diagnosis(
    "collapse", "Mode collapse", 700, "The fakes are alike.", "Fewer than 60%.", {"share of reached": 0.2},
    (Advice("Punish slopes", {"r1": 0.3, "beta1": 0.0}), Advice("Add data")),
)  # fmt: skip


def test_a_finding_says_what_is_wrong_how_it_was_seen_and_what_to_try() -> None:
    assert findings.lines(LOST) == [
        "Step 700: Mode collapse. The fakes are alike.",
        "  Evidence: share of reached 0.2.",
        "  Try: Punish slopes.  --set r1=0.3 beta1=0.0",
        "  Try: Add data.",
    ]


def test_what_the_doctor_tells_is_printed_as_it_comes_and_listed_by_evaluate(
    capsys: pytest.CaptureFixture[str],
) -> None:
    values = ["width=32", "layers=2", "batch=32", "g_rate=1e-6", "r1=0", "ema=0", "evaluate_every=5000"]
    assert cli.main(["train", "gan", "--data", "gaussian-ring", "--set", *values, "--steps", "750"]) == 0
    out, said = capsys.readouterr()
    folder = out.splitlines()[-1]
    (told,) = [one for one in Run.open(folder).diagnoses() if one.name == "discriminator_wins"]
    printed = [line.split("\r\x1b[K")[-1] for line in said.splitlines()]
    assert all(printed.count(line) == 1 for line in findings.lines(told))
    assert sum(told.sentence in line for line in printed) == 1

    assert cli.main(["evaluate", folder]) == 0
    assert f"The discriminator wins: step {told.step:,}" in capsys.readouterr().out
    assert cli.main(["evaluate", folder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["findings"]
    assert "discriminator_wins" in {one["name"] for one in found} and found[0]["evidence"]


def test_what_is_over_is_over_only_at_checkpoints_after_that() -> None:
    over = Diagnosis(**{name: getattr(LOST, name) for name in LOST.__slots__} | {"until": 900})
    assert findings.lines(over) == ["Step 900: resolved: Mode collapse, detected at step 700."]
    run: Any = SimpleNamespace(diagnoses=lambda: [over])
    assert [findings.record(findings.of_run(run, step)) for step in (699, 800, 900)] == [
        [], ["Mode collapse: step 700"], ["Mode collapse: step 700 to 900"],
    ]  # fmt: skip
