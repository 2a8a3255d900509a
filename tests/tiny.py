"""A learner of a few hundred numbers, for tests of what happens around learning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genstudio import runs
from genstudio.events import Snapshot
from genstudio.training.learner import Scored, Tick


class TinyModel:
    """One module, which always scores the same."""

    config = data = None
    device = torch.device("cpu")

    def __init__(self, module: nn.Module) -> None:
        self.modules: Mapping[str, nn.Module] = {"model": module}

    def on(self, data: object) -> TinyModel:
        return self

    def evaluate(self, exact: bool = False) -> Iterator[Scored]:
        yield Scored(1.0, 1, 1)


class TinyLearner:
    """Tied linear layers with a buffer and AdamW; the batch of a step is a function of (seed, step)."""

    def __init__(self, seed: int = 0, width: int = 8, initial: int | None = None) -> None:
        generator = torch.Generator().manual_seed(seed if initial is None else initial)
        model = nn.Module()
        model.first = nn.Linear(width, width)
        model.second = nn.Linear(width, width, bias=False)
        model.drop = nn.Dropout(0.2)
        model.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
        model.second.weight = model.first.weight
        self.width = width
        self.model = TinyModel(model)
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"adamw": torch.optim.AdamW(model.parameters(), 0.01)}
        self.seed = seed

    def batch(self, step: int) -> Tensor:
        return torch.randn(4, self.width, generator=torch.Generator().manual_seed(self.seed * 1_000_003 + step))

    def training_step(self, batch: Tensor, step: int, progress: float) -> Mapping[str, Tensor | float]:
        model: Any = self.model.modules["model"]
        torch.manual_seed(self.seed * 7919 + step)
        optimizer = self.optimizers["adamw"]
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * (1 - progress)
        loss = (model.drop(model.second(torch.tanh(model.first(batch)))) - batch).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.seen += 1
        return {"train_loss": loss.detach()}

    def preview(self) -> Iterator[Snapshot | Tick]:
        yield Tick()

    def train(self, first: int, last: int) -> None:
        """Steps first to last of a plan of 100."""
        for step in range(first, last + 1):
            self.training_step(self.batch(step), step, step / 100)

    def everything(self) -> list[Tensor]:
        """Every number that training changes: weights, buffers, moments."""
        moments = [
            value
            for optimizer in self.optimizers.values()
            for state in optimizer.state_dict()["state"].values()
            for value in state.values()
            if isinstance(value, Tensor)
        ]
        return [t.clone() for module in self.model.modules.values() for t in module.state_dict().values()] + [
            moment.clone() for moment in moments
        ]


def equal(one: list[Tensor], other: list[Tensor]) -> bool:
    """Bitwise."""
    return len(one) == len(other) and all(
        a.dtype == b.dtype and a.shape == b.shape and a.numpy().tobytes() == b.numpy().tobytes()
        for a, b in zip(one, other, strict=True)
    )


def new_run(root: Path, **changes: Any) -> runs.Run:
    """A run folder with plausible contents."""
    said: dict[str, Any] = {
        "family": "gpt",
        "name": "tiny",
        "config": {"layers": 2, "learning_rate": 0.01},
        "dataset": {"id": "text", "title": "Text", "hash": "abc"},
        "seed": 0,
        "device": "cpu",
        "plan": {"steps": 100},
        "kept": {"tokenizer.json": {"characters": "abc"}},
        "measures": ["val_loss"],
    }
    return runs.create(root, **(said | changes))
