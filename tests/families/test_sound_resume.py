"""A training on sound that was stopped goes on bitwise: weights and moments are those of one that was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from family_cases import SMALL, data_for

from genstudio import families
from genstudio.runs import Run
from genstudio.tasks.train import Resume, Train
from helpers import answer, run_task

CASES = [(name, values) for name in ("speech", "tts", "vocoder") for values in SMALL[name]]
STEPS = 8


def files(run: str) -> dict[str, bytes]:
    folder = next(iter(sorted((Run.open(run).folder / "checkpoints").glob(f"*{STEPS}"))))
    return {name: (folder / name).read_bytes() for name in ("model.safetensors", "optimizer.safetensors")}


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "values"), CASES, ids=[f"{name}-{number}" for number, (name, _) in enumerate(CASES)])
def test_a_run_goes_on_bitwise(name: str, values: dict[str, Any], tmp_path: Path) -> None:
    data = data_for(families.get(name), tmp_path, values)

    def train(seed: int, stop: int | None = None) -> str:
        place = tmp_path / f"{seed}-{stop}"
        run = str(answer(run_task(Train(name, data, values, steps=STEPS, stop_after=stop, seed=seed, runs_folder=place)), "run"))
        if stop:
            run_task(Resume(run))
        return run

    whole = files(train(3))
    assert files(train(3, 3)) == whole and files(train(4))["model.safetensors"] != whole["model.safetensors"]
