"""Runs as trainings leave them on the disk, made in milliseconds: curves, samples, notes, of several families."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genstudio import families, runs
from genstudio.events import Series, Snapshot
from genstudio.runs import Run
from genstudio.snapshots.samples import Pictures, Plane
from genstudio.snapshots.text import Text


def made_run(
    root: Path,
    family: str = "gpt",
    *,
    name: str = "",
    data: str = "shakespeare",
    title: str = "Shakespeare",
    kind: str = "",
    values: Mapping[str, Any] | None = None,
    curves: Mapping[str, tuple[Any, Any]] | None = None,
    seconds: float = 0.01,
    plan: Mapping[str, float] | None = None,
    shown: tuple[Snapshot, ...] = (),
    seed: int = 0,
) -> Run:
    """A run with these `curves` (steps, values) by name, each step of which took so many seconds; without a `kind` of data,
    as runs of older versions."""
    known = families.get(family)
    config = known.config.parse(values or {})
    run = runs.create(
        root, family=family, name=name or title, config=config.model_dump(), seed=seed, device="cpu", kept={},
        dataset={"id": data, "title": title, "hash": "0"} | ({"kind": kind} if kind else {}), plan=plan or {"steps": 100},
        measures=[measure.name for measure in known.dashboard.result],
    )  # fmt: skip
    with run:
        for curve, (steps, numbers) in (curves or {}).items():
            for at, value in zip(steps, numbers, strict=True):
                run.log({curve: Series(np.array([at]), np.array([float(value)]))}, at * seconds)
        for snapshot in shown:
            run.record(snapshot, always=True)
    return run


def falling(start: float, end: float, steps: int = 100, every: int = 5) -> tuple[Any, Any]:
    """A loss that falls from one value to another."""
    at = np.arange(every, steps + 1, every)
    return at, end + (start - end) * np.exp(-4 * at / steps)


def text(step: int, words: str) -> Text:
    return Text("sample", step, "ROMEO:", words)


def pictures(step: int, channel: str = "fixed", shade: int = 200) -> Pictures:
    """Sixteen pictures of 8 x 8 with a square of this shade."""
    pixels = np.zeros((16, 8, 8, 1), np.uint8)
    pixels[:, 2:6, 2:6] = shade
    return Pictures(channel, step, pixels)


def plane(step: int, shift: float = 0.0) -> Plane:
    """Real points on a ring, and made ones beside them."""
    angle = np.linspace(0, 2 * np.pi, 200, dtype=np.float32)
    real = np.column_stack([np.cos(angle), np.sin(angle)])
    return Plane("plane", step, real, real + np.float32(shift), (-2.0, 2.0, -2.0, 2.0))


def some_runs(root: Path) -> dict[str, Run]:
    """Seven runs of three families, by what is special about them."""
    loss = {"train_loss": falling(4.1, 1.5), "val_loss": falling(4.1, 1.7, every=20)}
    worse = {"train_loss": falling(4.1, 2.3), "val_loss": falling(4.1, 2.5, every=20)}
    ring = {"data": "gaussian-ring", "title": "Ring of Gaussians"}
    digits = {"data": "digits8", "title": "Digits 8x8"}
    return {
        "usual": made_run(root, curves=loss, shown=(text(100, " what light is this?"),)),
        "deep": made_run(root, values={"layers": 6}, curves=worse, shown=(text(100, " wh lt s"),), seconds=0.05),
        "stopped": made_run(root, name="a try", plan={"steps": 1000}, curves=worse, seed=7),
        "ring": made_run(root, "gan", **ring, curves={"js_divergence": falling(0.6, 0.05), "modes": falling(0, 8)},
                         shown=(plane(100, 0.1),)),
        "other ring": made_run(root, "gan", **ring, values={"g_rate": 0.01}, shown=(plane(100, 0.6),),
                               curves={"js_divergence": falling(0.6, 0.2), "modes": falling(0, 5)}),
        "digits": made_run(root, "gan", **digits, curves={"frechet_distance": falling(90, 12), "d_loss": falling(1, 0.6),
                           "frechet_distance_floor": ([100], [4.0])}, shown=(pictures(100),)),
        "vae": made_run(root, "vae", **digits, curves={"elbo_nats": falling(-60, -25), "train_loss": falling(60, 26)},
                        shown=(pictures(100, "samples", 120),)),
    }  # fmt: skip
