"""A model that translates, open in the engine as if it were in training, and a run of one, without any training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from family_cases import PAIRS

from genstudio import families
from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.train import Train

SMALL: dict[str, Any] = {"layers": 2, "heads": 2, "d_model": 16, "context": 24, "batch": 8, "tokenizer": "word", "min_count": 1}
SOURCE = "old cat sees"


def pairs_file(folder: Path) -> Path:
    path = folder / "pairs.tsv"
    path.write_text(PAIRS, "utf-8")
    return path


def translating(folder: Path, **changes: Any) -> tuple[Models, ModelRef, Any]:
    """Its weights are random, and of a size that makes every token differ from the others."""
    family = families.get("seq2seq")
    config = family.config.parse(SMALL | changes)
    dataset = shelf.open_dataset(shelf.find_dataset(str(pairs_file(folder)), family.data_kinds))
    model: Any = family.model(config, finished(family.prepare(config, dataset)), "cpu", 3)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.network.parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(drawn * 0.4 if parameter.ndim > 1 else 1 + 0.2 * drawn)
    models = Models()
    models.training[str(Path("live").resolve())] = Opened(model, 7, "tiny", "seq2seq", live=True)
    return models, ModelRef("live", "live", source=SOURCE), model


def trained(folder: Path, steps: int = 2, name: str = "tiny", **changes: Any) -> str:
    """The folder of a run after so many steps."""
    task = Train(
        "seq2seq", str(pairs_file(folder)), SMALL | {"layers": 1, "evaluate_every": 50} | changes, steps=steps, name=name
    )
    return finished(task.run(Models()))
