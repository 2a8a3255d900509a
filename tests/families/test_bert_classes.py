"""Labelled texts, and a BERT that names their classes, from scratch or from a run that was trained before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genstudio.data import shelf
from genstudio.data.checks import check
from genstudio.data.datasets import LabelledDataset
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.sources import import_any
from genstudio.data.preview import preview
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError, RunError
from genstudio.families.bert import FAMILY, BertConfig
from genstudio.families.bert.batches import draw_labelled
from genstudio.runs import Run
from genstudio.snapshots.confusion import Confusion
from genstudio.tasks.classify import Classify, ScoreNext
from genstudio.tasks.evaluate import Evaluate
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.train import Train
from helpers import answer, result, run_task

TINY: dict[str, Any] = {
    "layers": 1, "heads": 2, "d_model": 16, "context": 16, "batch": 16, "tokenizer": "char", "evaluate_every": 20,
}  # fmt: skip
ROWS = [(f"{word} {n}", kind) for n in range(40) for word, kind in (("cat", "animal"), ("pear", "fruit"), ("dog", "animal"))]


def table(folder: Path, rows: list[tuple[str, str]], name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), "utf-8")
    return path


def imported(folder: Path, rows: list[tuple[str, str]], **options: Any) -> LabelledDataset:
    work = import_any([table(folder, rows)], ImportOptions(kind="labelled", **options))
    found = shelf.open_dataset(finished(work))
    assert isinstance(found, LabelledDataset)
    return found


def test_a_table_with_a_text_and_a_label_column_is_read_back(tmp_path: Path) -> None:
    found = imported(tmp_path, [*ROWS, ("nothing said", "")])
    assert found.classes == ("animal", "fruit") and found.info.count == len(ROWS) + 1
    assert found.texts[:2] == ("cat 0", "pear 0") and found.named[:2] == ("animal", "fruit") and found.labels[-1] == -1
    assert found.info.details["class_counts"] == [80, 40]
    look = finished(preview(found))
    assert look.per_class == (("animal", 80), ("fruit", 40))  # type: ignore[union-attr]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"id": 1, "sentence": t, "topic": c}) + "\n" for t, c in ROWS), "utf-8")
    read = shelf.open_dataset(finished(import_any([path], ImportOptions(kind="labelled"))))
    assert isinstance(read, LabelledDataset) and read.classes == found.classes


def test_a_folder_for_each_class_is_labelled_texts(tmp_path: Path) -> None:
    for number, (text, label) in enumerate(ROWS[:9]):
        (tmp_path / "all" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "all" / label / f"{number}.txt").write_text(text, "utf-8")
    (tmp_path / "all" / "readme.txt").write_text("no class", "utf-8")
    found = shelf.open_dataset(finished(import_any([tmp_path / "all"], ImportOptions(kind="labelled"))))
    assert isinstance(found, LabelledDataset) and sorted(found.texts) == sorted(t for t, _ in ROWS[:9])
    assert found.classes == ("animal", "fruit") and "1 text file outside" in " ".join(found.info.details["notes"])


def test_what_is_wrong_with_labelled_texts_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least two classes; here there is 'animal'"):
        imported(tmp_path, [(t, "animal") for t, _ in ROWS])
    for rows in ([(t, "") for t, _ in ROWS], [(" ", label) for _, label in ROWS]):  # no label at all; no text at all
        with pytest.raises(DataError, match="at least two classes; here there is none"):
            imported(tmp_path, rows)
    with pytest.raises(DataError, match="these are not classes"):
        imported(tmp_path, [(f"text {n}", f"label {n}") for n in range(1200)])
    found = imported(tmp_path, [*ROWS, *ROWS[:30], ("cat 0", "fruit"), ("?", ""), ("rare", "third")])
    words = " ".join(one.sentence for one in finished(check(found)))
    assert "1 of 153 texts have no label" in words and "occur before with the same label" in words
    assert "with another label" in words and "fewer than 5 texts" in words


def test_padding_and_cutting_of_texts(tmp_path: Path) -> None:
    config = BertConfig.parse({**TINY, "task": "classify", "context": 6, "examples": 10})
    data = finished(FAMILY.prepare(config, imported(tmp_path, ROWS)))
    texts, labels = draw_labelled(config, data, 0, 1)
    assert texts.shape == (1, 16, 6) and (texts[..., 0] == data.tokenizer.begin).all() and set(labels.ravel()) <= {0, 1}
    assert len(np.unique(texts[0], axis=0)) <= 10
    whole = data.labelled.padded(data.tokenizer, np.arange(3), 100)
    assert data.tokenizer.decode(whole[1][whole[1] != data.tokenizer.pad]) == "pear 0"
    assert (whole[0] == data.tokenizer.pad).sum() == 1


def test_what_a_classifier_is_tested_on_is_not_in_its_pre_training(tmp_path: Path) -> None:
    dataset = imported(tmp_path, [*ROWS, ("a text without a label", "")])
    before = finished(FAMILY.prepare(BertConfig.parse({**TINY, "context": 8}), dataset))
    after = finished(FAMILY.prepare(BertConfig.parse({**TINY, "task": "classify"}), dataset))
    labelled, known = after.labelled, [text for text, label in zip(dataset.texts, dataset.labels, strict=True) if label >= 0]
    lines = [set(before.tokenizer.decode(part).splitlines()) for part in (before.train, before.validation)]
    assert lines[1] == {known[i] for i in labelled.validation}
    assert lines[0] == {known[i] for i in labelled.train} | {"a text without a label"} and not lines[0] & lines[1]


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A pre-trained run."""
    dataset = imported(tmp_path, ROWS)
    frames = run_task(Train("bert", dataset.info.id, {**TINY, "d_model": 24}, steps=30, name="before"))
    return str(answer(frames, "run"))


def test_fine_tuning_starts_from_the_weights_size_and_tokens_of_a_run(begun: str) -> None:
    (info,) = [one for one in shelf.list_datasets() if one.origin == "imported"]
    models, first = Models(), dict[str, torch.Tensor]()
    values = {**TINY, "task": "classify", "start": "before", "trained": "head", "learning_rate": 0.02}
    folder = ""
    for frame in (task := Train("bert", info.id, values, steps=60)).run(models):
        for live in models.training.values():
            first = first or {n: t.clone() for n, t in live.model.modules["model"].state_dict().items()}
        folder = frame.run or folder
    run = Run.open(folder).info
    tuned = Models().get(ModelRef(str(run.folder)))
    before = Models().get(ModelRef(begun))
    assert run.config["d_model"] == 24 and task.config["d_model"] == 16
    theirs = before.model.modules["model"].state_dict()
    assert all(torch.equal(first[name], theirs[name]) for name in first)
    mine = tuned.model.modules["model"].state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)  # the head alone was trained
    scores = result(Evaluate(ModelRef(str(run.folder))))
    assert scores["baseline_accuracy"] > 0.4 and scores["accuracy"] >= scores["baseline_accuracy"] and scores["texts"] == 12
    asked = ("cat 3", "pear 9 and more than fits")
    found = result(Classify(ModelRef(str(run.folder)), asked))
    np.testing.assert_array_equal(found.probabilities, tuned.model.probabilities(asked))  # type: ignore[attr-defined]
    assert found.classes == ("animal", "fruit") and found.texts == asked
    with pytest.raises(DataError, match="None of '€' is in this model's vocabulary"):
        result(Classify(ModelRef(str(run.folder)), ("€",)))
    with pytest.raises(RunError, match="was not trained to name classes"):
        result(Classify(ModelRef(begun), asked))
    with pytest.raises(RunError, match="without next-sentence prediction"):
        result(ScoreNext(ModelRef(begun), *asked[:1], asked[1:]))


def test_started_weights_move_in_smaller_steps_than_the_new_layer(begun: str) -> None:
    (info,) = [one for one in shelf.list_datasets() if one.origin == "imported"]
    dataset = shelf.open_dataset(info)
    moved = {}
    for share in (1.0, 0.1):
        config = BertConfig.parse({**TINY, "d_model": 24, "task": "classify", "start": "before", "start_rate": share})
        one = FAMILY.learner(FAMILY.model(config, finished(FAMILY.prepare(config, dataset)), "cpu", 0), 0)
        before = {f"{part}.{n}": t.clone() for part, m in one.model.modules.items() for n, t in m.state_dict().items()}
        one.training_step(one.batch(1), 30, 0.0)
        after = {f"{part}.{n}": t for part, m in one.model.modules.items() for n, t in m.state_dict().items()}
        moved[share] = {name: float((after[name] - before[name]).abs().max()) for name in before}
        assert ("head" in one.optimizers) == (share < 1)
    for name in ("model.blocks.0.attention.qkv.weight", "model.tokens.weight"):
        assert moved[0.1][name] == pytest.approx(0.1 * moved[1.0][name], rel=0.02)
    assert moved[0.1]["classifier.output.weight"] == pytest.approx(moved[1.0]["classifier.output.weight"], rel=1e-3)


def test_a_run_that_cannot_be_started_from_is_refused_at_its_setting(tmp_path: Path) -> None:
    info = imported(tmp_path, ROWS).info
    with pytest.raises(ConfigError, match="start: There is no run 'nowhere'"):
        run_task(Train("bert", info.id, {**TINY, "task": "classify", "start": "nowhere"}, steps=2))
    with pytest.raises(DataError, match="is not a set of labelled texts"):
        run_task(Train("bert", "known-entropy", {**TINY, "task": "classify"}, steps=2))
    with pytest.raises(ConfigError, match="a head alone needs a run to start from"):
        BertConfig.parse({"task": "classify", "trained": "head"})


def test_a_classifier_shows_its_confusion_and_shuffled_labels_teach_nothing(tmp_path: Path) -> None:
    data = imported(tmp_path, ROWS)
    config = BertConfig.parse({**TINY, "task": "classify", "warmup": 2})
    accuracy = {}
    for shuffled in (False, True):
        labels = np.random.default_rng(0).permutation(data.labels) if shuffled else data.labels.copy()
        prepared = finished(FAMILY.prepare(config, LabelledDataset(data.info, data.texts, labels, data.classes)))
        one = FAMILY.learner(FAMILY.model(config, prepared, "cpu", 0), 0)
        for step in range(1, 81):
            one.training_step(one.batch(step), step, step / 80)
        *_, scored = one.model.evaluate(exact=True)  # type: ignore[attr-defined]
        accuracy[shuffled] = scored.result["accuracy"]
    shown = next(event for event in one.preview() if isinstance(event, Confusion))
    assert shown.counts.sum() == 12 and shown.classes == ("animal", "fruit")
    assert accuracy[False] == 1.0 > accuracy[True]
