"""A training that only becomes worse ends, and leaves the model of its best step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from genstudio.runs import Run
from genstudio.tasks.train import Resume, Train
from genstudio.training import checkpoint
from genstudio.training.saver import Saver
from helpers import answer, curve, run_task, text_file

STEPS = 240
VALUES = {"layers": 1, "heads": 2, "d_model": 32, "context": 8, "batch": 8, "warmup": 2, "evaluate_every": 4}


def test_it_ends_at_its_best_where_the_validation_loss_rises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random letters can be learnt by heart and teach nothing of others."""
    monkeypatch.setattr(Saver, "due", lambda self: self._better)
    letters = "".join(np.random.default_rng(0).choice([*"abcdefghijklmnop"], 700))
    task = Train("gpt", str(text_file(tmp_path, letters)), {**VALUES, "stop_early": 0.2}, steps=STEPS)
    frames = run_task(replace(task, runs_folder=tmp_path / "early"))
    run = Run.open(answer(frames, "run"))
    steps, losses = curve(frames, "val_loss")
    best = answer(frames, "back")
    lowest = steps[int(np.argmin(losses))]
    told = next(frame for frame in frames if "val_loss" in frame.series and lowest in frame.series["val_loss"].steps)
    assert best == max(int(series.steps[-1]) for series in told.series.values()), "saved once it was known"
    said = [notice.text for frame in frames for notice in frame.notices if notice.kind == "done"]
    assert len(said) == 1 and said[0].startswith("Stopped early at step") and f"step {best:,}" in said[0]
    assert best == max(checkpoint.steps(run)) == run.info.step
    stopped = int(said[0].removeprefix("Stopped early at step ").split(":")[0])  # frames of a fast machine hold many steps
    assert lowest + 0.2 * STEPS <= stopped < STEPS and 0 <= stopped - steps[-1] <= VALUES["evaluate_every"]
    assert losses[-1] > 1.01 * min(losses)

    shorter = run_task(replace(task, runs_folder=tmp_path / "shorter", stop_after=best))
    parts = [checkpoint.read_weights(Run.open(path), "last")[0] for path in (run.folder, answer(shorter, "run"))]
    assert all(torch.equal(parts[0][name], parts[1][name]) for name in parts[1]), "the very model of that step"

    on = run_task(Resume(str(run.folder), stop_after=4))
    assert curve(on, "train_loss")[0] == list(range(best + 1, best + 5)), "it can be trained on from there"

    whole = run_task(replace(task, runs_folder=tmp_path / "whole", config={**VALUES, "stop_early": 0.0}))
    assert curve(whole, "val_loss")[0][-1] == STEPS, "unless that is asked for, it goes on to the end"
