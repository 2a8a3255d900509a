"""A family that is nothing but a folder, for tests of all that has to come of that."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from genstudio import families
from genstudio.families import Family

TOY = {
    "__init__.py": '''
"""A family of one number: points at a distance from the middle."""

from genstudio.config import Config, setting
from genstudio.data.learnable.samples import from_metadata, from_points, metadata
from genstudio.families.dashboard import TIMELINE, Chart, Dashboard, Line, Measure, Pane
from genstudio.families.family import Cost, Family, Preset


class ToyConfig(Config):
    """Settings."""

    rate: float = setting(0.1, "Step size", low=1e-4, high=1, group="Training", live=True)


def _prepare(config, dataset, kept=None):
    yield 0.5
    return from_points(dataset)


def _model(config, data, device, seed):
    from genstudio.families.toy.model import ToyModel

    return ToyModel(config, data, device, seed)


def _learner(model, seed):
    from genstudio.families.toy.model import ToyLearner

    return ToyLearner(model, seed)


FAMILY = Family(
    name="toy", title="Toy", room="basics", data_kinds=("points",), abilities=("Samples", "Evaluates"), config=ToyConfig,
    presets=(Preset("toy", "Toy", "Soon done.", steps=5, data="gaussian-ring"),), prepare=_prepare, model=_model,
    learner=_learner, metadata=metadata, from_metadata=lambda config, kept: from_metadata(kept),
    cost=lambda config, info, tokens: Cost(1, 4.0, 1.0, 1),
    dashboard=Dashboard(
        charts=(Chart("loss", "Loss", "", (Line("train_loss", "loss"),), "Loss"),), panes=(Pane(("plane",), "Points"),),
        tools=(TIMELINE,), result=(Measure("js_divergence", "JS divergence", "lower"),),
    ),
)
''',
    "model.py": '''
"""Its model and learner."""

import copy

import numpy as np
import torch

from genstudio.evaluation.samples import SEED, Reference
from genstudio.families.abilities import LatentSpec, Made
from genstudio.snapshots.samples import Plane
from genstudio.training.learner import Measured


class Radius(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.log = torch.nn.Parameter(torch.zeros(()))


class ToyModel:
    variants, classes, latent = ("model",), (), LatentSpec(2)

    def __init__(self, config, data, device, seed):
        self.config, self.device, self.radius = config, torch.device(device), Radius()
        self.modules = {"radius": self.radius}
        self._take(data)

    def _take(self, data):
        self.data, self.reference = data, Reference(data, self.device)

    def on(self, data):
        other = copy.copy(self)
        other._take(data)
        return other

    @property
    def fixed(self):
        return self.noise(50, 0), None

    def noise(self, count, seed):
        return np.random.default_rng(seed).standard_normal((count, 2)).astype(np.float32)

    def sample(self, latents, labels, variant):
        turned = latents / np.maximum(np.linalg.norm(latents, axis=1, keepdims=True), 1e-6)
        yield Made(self.data.outside(turned * float(self.radius.log.detach().exp())))

    def first_weight(self, variant):
        return None

    def evaluate(self, exact=False):
        if count := self.reference.count(exact):
            (made,) = self.sample(self.noise(count, SEED), None, "model")
            yield Measured(self.reference.points(made.samples))


class ToyLearner:
    tokens_per_step, evaluate_every, preview_every, criterion, threads = 0, 5, 0.0, "js_divergence", None

    def __init__(self, model, seed):
        self.model, self.seed = model, seed
        self.optimizers = {"sgd": torch.optim.SGD(model.radius.parameters(), lr=model.config.rate)}

    def batch(self, step):
        rng = np.random.default_rng([self.seed, step])
        return torch.from_numpy(self.model.data.real[rng.choice(self.model.data.train, 16)])

    def training_step(self, batch, step, progress):
        loss = (batch.norm(dim=1).log() - self.model.radius.log).square().mean()
        loss.backward()
        self.optimizers["sgd"].step()
        self.optimizers["sgd"].zero_grad()
        return {"train_loss": loss.detach()}

    def preview(self):
        data, (made,) = self.model.data, self.model.sample(*self.model.fixed, "model")
        field, arrows = np.full((4, 4), 0.5, np.float32), np.zeros((0, 2), np.float32)
        yield Plane("plane", 0, data.outside(data.real[:50]), made.samples, data.extent, field, True, arrows)
''',
}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Family[Any, Any]:
    """A family in a folder of its own, whose only trace elsewhere is one line in NAMES."""
    folder = tmp_path / "families" / "toy"
    folder.mkdir(parents=True)
    for name, code in TOY.items():
        (folder / name).write_text(code, "utf-8")
    monkeypatch.setattr(families, "__path__", [*families.__path__, str(folder.parent)])
    monkeypatch.setattr(families, "NAMES", {**families.NAMES, "toy": "basics"})
    for name in ("toy", "toy.model"):
        monkeypatch.delitem(sys.modules, f"genstudio.families.{name}", raising=False)
    return families.get("toy")
