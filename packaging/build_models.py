"""Train the models that ship, into resources/models, from data that ships.

Run it with the program's own Python: `.venv/bin/python packaging/build_models.py [--runs FOLDER] [--only MODEL]`. A model
takes one to twenty minutes on one core. Settings, seed, number of steps and threads are fixed, so that the same computer with
the same PyTorch gives the same weights; another one gives others that are as good. Runs are kept in FOLDER, and a finished one
in it is taken as it is, if its settings, data and length are those of the model.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]
os.environ["OMP_NUM_THREADS"] = "1"

from genstudio import families, runs  # noqa: E402
from genstudio.data import shelf  # noqa: E402
from genstudio.runs import Run, RunInfo  # noqa: E402
from genstudio.tasks.evaluate import Evaluate, ReadReferences  # noqa: E402
from genstudio.tasks.models import ModelRef, Models  # noqa: E402
from genstudio.tasks.train import Train  # noqa: E402

MODELS = ROOT / "resources" / "models"
CREATED = "2026-11-29T00:00:00+00:00"
_METRICS = ("val_loss",)


@dataclass(frozen=True, eq=False)
class Recipe:
    """A model that ships: the name of its folder, what it is called, and how it is trained."""

    folder: str
    name: str
    data: str
    values: Mapping[str, Any]
    steps: int
    family: str = "gpt"
    seed: int = 0

    def train(self, place: Path) -> Path:
        """A finished run of it."""
        config = families.get(self.family).config.parse(self.values).model_dump()
        data = shelf.find_dataset(self.data)
        for info in runs.list_runs(place):
            theirs = {**config, **info.config}
            same = (info.name, info.seed, info.step, info.dataset["hash"]) == (self.name, self.seed, self.steps, data.sha256)
            if same and theirs == config:
                return info.folder
        task = Train(
            self.family, self.data, dict(self.values), steps=self.steps, seed=self.seed, device="cpu", runs_folder=place,
            name=self.name,
        )  # fmt: skip
        return Path(str(_result(task)))


RECIPES = (
    Recipe("shakespeare-characters", "Shakespeare, characters", "shakespeare", {"context": 128}, 3000),
    Recipe(
        "shakespeare-pairs", "Shakespeare, byte pairs", "shakespeare",
        {"tokenizer": "bpe", "vocabulary": 512, "context": 64, "batch": 16}, 1500,
    ),
    Recipe("shapes-clip", "Shapes and captions, CLIP", "captioned-shapes", {"word_dropout": 0.4}, 2500, "imagetext"),
)  # fmt: skip


def ship(recipe: Recipe, folder: Path) -> str:
    """Write a finished run as a model that ships: its newest weights without moments, and what says how it was trained.
    Returns the sentence about it."""
    run = Run.open(folder)
    info = run.info
    about = sentence(recipe, info, _result(Evaluate(ModelRef(str(folder)))))
    place = MODELS / recipe.folder
    if place.exists():
        shutil.rmtree(place)
    key = hashlib.sha256(f"{recipe.folder} {recipe.values} {recipe.steps} {recipe.seed}".encode()).hexdigest()[:16]
    said = json.loads((folder / "run.json").read_bytes())
    said |= {"key": key, "created": CREATED, "notes": about, "name": recipe.name}
    checkpoint = f"checkpoints/{info.step:08d}"
    (place / checkpoint).mkdir(parents=True)
    (place / "run.json").write_bytes(_json(said))
    for name in info.kept:
        shutil.copyfile(folder / name, place / name)
    (place / "metrics.jsonl").write_bytes(metrics(folder / "metrics.jsonl"))
    _write_checkpoint(folder / checkpoint, place / checkpoint, key)
    return about


def sentence(recipe: Recipe, info: RunInfo, measured: Mapping[str, Any]) -> str:
    """What a person reads of it."""
    what, quality = _OF[recipe.family]
    title = shelf.find_dataset(recipe.data).title
    return (
        f"Trained on the included {title} ({what}) for {info.step:,} steps with seed {info.seed}, by packaging/build_models.py. "
        f"{quality(recipe, info, measured)}"
    )


def _of_text(recipe: Recipe, info: RunInfo, measured: Mapping[str, Any]) -> str:
    known = _result(ReadReferences(recipe.family, recipe.data, dict(info.config)))
    kneser_ney = known["kneser_ney"] / math.log(2) / known["characters_per_token"]
    return (
        f"On the last tenth, which it never saw: {measured['loss_nats']:.3f} nats per token, {measured['bits_per_char']:.3f} "
        f"bits per character; counting (Kneser-Ney 6) reaches {kneser_ney:.3f}."
    )


def _of_pairs(_recipe: Recipe, _info: RunInfo, measured: Mapping[str, Any]) -> str:
    def both(between: str, prefix: str = "") -> str:
        return between.format(*(f"{measured[f'{prefix}recall_at_1_{what}']:.1%}" for what in ("text", "image")))

    return (
        f"Among {measured['candidates']:.0f} pictures that it never saw, "
        f"{both('{} of the captions find their picture and {} of the pictures their caption')}; of combinations of colour and "
        f"shape that it never saw, {both('{} and {}', 'unseen_')}; at random, {measured['chance']:.0%}."
    )


_OF = {"gpt": ("public domain", _of_text), "imagetext": ("drawn by genstudio", _of_pairs)}
"""What the data of a family are under, and what says how good its model is."""


def metrics(path: Path) -> bytes:
    """Every line with a validation loss, the last one, and every tenth of the others."""
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [
        line for number, line in enumerate(lines)
        if number % 10 == 0 or number == len(lines) - 1 or any(f'"{name}"'.encode() in line for name in _METRICS)
    ]  # fmt: skip
    return b"".join(kept)


def _write_checkpoint(source: Path, place: Path, key: str) -> None:
    from genstudio import storage
    from genstudio.training import tensors
    from genstudio.training.manifest import manifest

    state = json.loads((source / "state.json").read_bytes())
    files = {
        "model.safetensors": (source / "model.safetensors").read_bytes(),
        "optimizer.safetensors": bytes(tensors.dump({})),
        "optimizer.json": b"{}",
        "state.json": _json({**state, "run": key}),
    }
    written = []
    for name, data in files.items():
        (place / name).write_bytes(data)
        written.append(storage.Written(name, len(data), hashlib.sha256(data).hexdigest()))
    (place / "manifest.json").write_bytes(manifest(int(state["step"]), written))


def _result(task: Any) -> Any:
    frames = task.run(Models())
    while True:
        try:
            next(frames)
        except StopIteration as end:
            return end.value


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()


@contextlib.contextmanager
def _folder(chosen: str | None) -> Iterator[Path]:
    if chosen:
        yield Path(chosen).resolve()
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", metavar="FOLDER", help="keep the runs here")
    parser.add_argument("--only", choices=[recipe.folder for recipe in RECIPES], help="leave the others as they are")
    options = parser.parse_args()
    with _folder(options.runs) as folder:
        abouts = {
            recipe: ship(recipe, recipe.train(folder)) if options.only in (None, recipe.folder)
            else Run.open(MODELS / recipe.folder).info.notes
            for recipe in RECIPES
        }  # fmt: skip
    lines = ["# The trained models that ship", "", str(__doc__).partition("\n\n")[2].strip(), ""]
    for recipe, about in abouts.items():
        size = (MODELS / recipe.folder / f"checkpoints/{recipe.steps:08d}" / "model.safetensors").stat().st_size
        lines += [f"## {recipe.name} (`{recipe.folder}`)", "", f"{about} {size / 1e6:.1f} MB of float32 weights.", ""]
        print(f"{recipe.folder}: {about}")
    (MODELS / "README.md").write_text("\n".join(lines), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
