"""Models that ship: read where they lie, never written, copied to be trained further."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio import families, paths, runs
from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.errors import RunError
from genstudio.runs import Run, list_included
from genstudio.runs.included import is_included
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.runs import CopyIncluded, RenameRun, TrashRuns
from genstudio.tasks.train import Resume
from genstudio.training import checkpoint

TEXTS = ("shakespeare-characters", "shakespeare-pairs")
PAIRS = "shapes-clip"
IDS = (*TEXTS, PAIRS)


def result(task: Any) -> Any:
    frames = task.run(Models())
    while True:
        try:
            next(frames)
        except StopIteration as end:
            return end.value


def content(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def included(real_models: None) -> dict[str, Path]:
    return {info.id: info.folder for info in list_included()}


def test_all_are_listed_whole_and_as_small_as_they_should_be(included: dict[str, Path]) -> None:
    assert tuple(included) == IDS
    for info in list_included():
        assert info.state == "finished" and info.usable and is_included(info.folder)
        what, most = ("find their picture", 1_500_000) if info.id == PAIRS else ("bits per character", 4_500_000)
        assert what in info.notes and "packaging/build_models.py" in info.notes and info.losses["val_loss"] < 3
        assert checkpoint.resolve(Run.open(info.folder), "last") == info.step
        assert sum(path.stat().st_size for path in info.folder.rglob("*") if path.is_file()) < most
    words = (paths.models() / "README.md").read_text("utf-8")
    assert all(name in words for name in IDS) and "public domain" in words


@pytest.mark.parametrize("name", TEXTS)
def test_it_predicts_better_than_counting_and_a_twin_of_other_weights_does_not(name: str, included: dict[str, Path]) -> None:
    import torch

    opened: Any = Models().get(ModelRef(str(runs.find(paths.runs(), name).folder)))
    text = "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n"
    ids = torch.from_numpy(opened.tokenizer.encode(text).astype("int64"))[None, :60]

    def bits() -> float:
        with torch.no_grad():
            nats = opened.model.transformer.loss(ids[:, :-1], ids[:, 1:])
        characters = len(opened.tokenizer.decode(ids[0, 1:].tolist()))
        return float(nats) * (ids.shape[1] - 1) / 0.693147 / characters

    assert bits() < 3
    with torch.no_grad():
        opened.model.transformer.tokens.weight.copy_(opened.model.transformer.tokens.weight.roll(1, 0))
    assert bits() > 4


def test_clip_finds_pictures_it_never_saw_and_a_twin_that_mixes_up_words_does_not(included: dict[str, Path]) -> None:
    import torch

    run = Run.open(included[PAIRS])
    family = families.get(run.info.family)
    config = family.config.parse(run.info.config)
    data = finished(family.prepare(config, shelf.open_dataset(shelf.find_again(run.info.dataset)), run.kept()))
    opened: Any = Models().get(ModelRef(str(run.folder)))
    model = opened.model.on(data)

    def recall() -> float:
        *_, last = model.evaluate()
        return float(min(last.values["recall_at_1_text"], last.values["recall_at_1_image"]))

    def short() -> float:
        """How many of the ten pictures nearest to 'a red heart' are such, for all colours and shapes; captions say more."""
        said = [data.captions[at].split() for at in data.held.tolist()]
        pairs = sorted({(words[2], words[3]) for words in said})
        cosines = model.embed_texts([f"a {' '.join(pair)}" for pair in pairs]) @ model.embed_pictures(data.real[data.held]).T
        best = (-cosines).argsort(1)[:, :10].tolist()
        return float(np.mean([[tuple(said[at][2:4]) == pair for at in row] for row, pair in zip(best, pairs, strict=True)]))

    assert recall() > 0.96 and short() > 0.7
    with torch.no_grad():
        model.texts.body.tokens.weight.copy_(model.texts.body.tokens.weight.roll(1, 0))
    assert recall() < 0.2 and short() < 0.3


def test_nobody_changes_it_even_where_that_could_be_done(included: dict[str, Path]) -> None:
    folder = included[IDS[0]]
    before = content(folder)
    for task in (RenameRun(str(folder), "mine"), TrashRuns((str(folder),)), Resume(str(folder))):
        with pytest.raises(RunError, match="is included with genstudio and cannot be changed"):
            result(task)
    with pytest.raises(RunError, match="cannot be changed"):
        Run.open(folder).acquire()
    assert content(folder) == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a folder that cannot be written")
def test_it_opens_from_a_folder_that_cannot_be_written(included: dict[str, Path]) -> None:
    folder = included[IDS[0]]
    folder.chmod(0o500)
    try:
        Models().get(ModelRef(str(folder)))
    finally:
        folder.chmod(0o700)


def test_a_damaged_one_is_refused_like_any_checkpoint(
    included: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "models" / IDS[0]
    shutil.copytree(included[IDS[0]], place)
    monkeypatch.setattr(paths, "models", lambda: tmp_path / "models")
    weights = next(place.rglob("model.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(Exception, match="differs from what was written"):
        Models().get(ModelRef(str(place)))


def test_a_copy_is_a_run_that_can_be_trained_further(included: dict[str, Path]) -> None:
    folder = Path(result(CopyIncluded(str(included[IDS[0]]))))
    info = Run.open(folder).info
    assert folder.parent == paths.runs() and info.step == 3000 and info.key != Run.open(included[IDS[0]]).info.key
    result(Resume(str(folder), steps=info.step + 2))
    after = Run.open(folder).info
    assert after.step == info.step + 2 and after.losses["train_loss"] < 2.2, "it goes on where the model was"
    result(TrashRuns((str(folder),)))
    assert not folder.exists()


def test_a_run_of_ones_own_with_the_same_name_is_meant_before_the_included_one(included: dict[str, Path]) -> None:
    folder = result(CopyIncluded(str(included[IDS[1]])))
    name = Run.open(folder).info.name
    assert str(runs.find(paths.runs(), name).folder) == folder
    assert runs.find(paths.runs(), IDS[1]).folder == included[IDS[1]]
