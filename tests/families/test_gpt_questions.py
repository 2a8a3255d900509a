"""A GPT on toy tasks: it learns answers only, is marked by exact match, and shows what it answers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genstudio.data.datasets import TaskDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.questions import QuestionData
from genstudio.data.work import finished
from genstudio.errors import ConfigError
from genstudio.families.gpt import FAMILY
from genstudio.families.gpt.batches import IGNORED, draw, shown
from genstudio.families.gpt.learner import GPTLearner
from genstudio.families.gpt.model import GPTModel
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.translation import Translations
from genstudio.training.learner import Tick

SMALL = {"layers": 2, "heads": 2, "d_model": 48, "context": 12, "batch": 32, "learning_rate": 1e-2, "warmup": 5}
TEXTS = [a + b + c for a in "abcd" for b in "abcd" for c in "abcd"]
SEED = 3


def dataset(answers: list[str]) -> TaskDataset:
    info = DatasetInfo("task", "Task", "tasks", "generated", Path(), 0, "0" * 64, count=len(TEXTS))
    return TaskDataset(info, tuple(TEXTS), tuple(answers))


def learner(answers: list[str] = TEXTS, **values: Any) -> GPTLearner:
    config = FAMILY.config.parse({**SMALL, "split": "random", "validation_share": 0.2, **values})
    data = finished(FAMILY.prepare(config, dataset(answers)))
    return FAMILY.learner(FAMILY.model(config, data, "cpu", SEED), SEED)


def train(trained: GPTLearner, steps: int) -> GPTLearner:
    for step in range(1, steps + 1):
        trained.training_step(trained.batch(step), step, step / steps)
    return trained


def exact(model: GPTModel) -> float:
    *_, found = model.evaluate(exact=True)
    assert found.result["questions"] == len(model.data.held)
    return float(found.values["exact_match"])


@pytest.fixture(scope="module")
def copying() -> GPTLearner:
    return train(learner(), 50)


def test_it_copies_strings_that_it_never_saw_and_its_twin_of_shuffled_answers_does_not(copying: GPTLearner) -> None:
    assert exact(copying.model) >= 0.9
    shuffled = [TEXTS[place] for place in np.random.default_rng(0).permutation(len(TEXTS))]
    assert exact(train(learner(shuffled), 50).model) <= 0.2


def test_exact_match_is_what_greedy_decoding_gets_right(copying: GPTLearner) -> None:
    """Half trained, so that some answers are wrong: one pass over the right answers must count as decoding does."""
    half = train(learner(), 12).model
    held = half.data.held
    shares = []
    for model in (half, copying.model):
        asked = [held.lines[row][: held.answers[row]] for row in range(len(held))]
        made = finished(model.answer(asked, 6))
        wanted = [held.lines[row][held.answers[row] : -1].tolist() for row in range(len(held))]
        shares.append(sum(one == other for one, other in zip(made, wanted, strict=True)) / len(held))
        assert exact(model) == pytest.approx(shares[-1])
    assert shares[0] < 0.8 < shares[1], "the two tell right from wrong"


def test_only_answers_are_learnt_unless_whole_lines_are_asked_for() -> None:
    one, other = learner(), learner(loss_on="lines")
    for trained, per_row in ((one, 4), (other, 8)):
        inputs, targets = trained.batch(5)
        counted = targets != IGNORED
        assert inputs.shape == targets.shape == (1, 32, 8) and set(counted.sum(-1).flatten().tolist()) == {per_row}
        assert torch.equal(targets[counted], torch.cat([inputs[..., 1:], targets[..., -1:]], -1)[counted])
    assert torch.equal(one.batch(5)[0], other.batch(5)[0]) and not torch.equal(one.batch(5)[0], one.batch(6)[0])
    batch = shown(one.config, one.model.data, SEED, 5)
    assert np.array_equal(batch.inputs, draw(one.config, one.model.data, SEED, 5).inputs)
    assert batch.chosen is not None and batch.chosen.sum() == 4 * 32
    assert all(batch.pieces[int(token)] for token in np.unique(batch.targets))


def test_previews_answer_the_same_held_out_questions_and_the_one_that_a_person_asks(copying: GPTLearner) -> None:
    held = {question for question, _ in copying.model.data.held.texts}
    copying.watch({"question": "abd", "probe": "no line"})
    before = {name: weight.clone() for name, weight in copying.transformer.state_dict().items()}
    answers, attention = (part for part in list(copying.preview())[:-1] if not isinstance(part, Tick))
    assert isinstance(answers, Translations) and isinstance(attention, Attention)
    own, *rest = answers.sentences
    assert "".join(own.source) == "abd=" and "".join(own.made) == "abd" and own.right.all()
    assert {"".join(one.source) for one in rest} <= held and len(rest) == 8
    assert sum(one.exact for one in rest) >= 6 and all(one.wanted == one.source[:-1] for one in rest)
    assert "=" in attention.tokens, "attention is shown for a question with its answer"
    assert all(torch.equal(weight, before[name]) for name, weight in copying.transformer.state_dict().items())


def test_settings_that_a_toy_task_cannot_have_are_said_at_their_fields() -> None:
    config = FAMILY.config.parse({**SMALL, "tokenizer": "file", "tokenizer_file": "x.json", "start_embeddings": "y"})
    with pytest.raises(ConfigError) as refused:
        finished(FAMILY.prepare(config, dataset(TEXTS)))
    assert {problem.field for problem in refused.value.problems} == {"tokenizer", "start_embeddings"}


def test_the_result_is_said_in_words(copying: GPTLearner) -> None:
    from genstudio.families.gpt.dashboard import said
    from genstudio.runs import RunInfo

    info = RunInfo("x", Path(), "x", losses={"val_loss": 0.1, "exact_match": 0.934})
    assert said(info, {"usual": 0.01}) == (
        "Exact match 93.4% of the held-out questions; always giving the most frequent answer: 1.0%."
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_copy_shows_an_induction_head_within_two_minutes(seed: int) -> None:
    """A fifth of the preset's time; the twin is the same model before its training."""
    from genstudio.data import shelf
    from genstudio.inspection.heads import prefix_matching
    from genstudio.inspection.trace import trace
    from genstudio.tasks.ablate import random_texts

    preset = next(preset for preset in FAMILY.presets if preset.name == "copy")
    config = FAMILY.config.parse(preset.values)
    data = finished(FAMILY.prepare(config, shelf.open_dataset(shelf.find_dataset("copy"))))
    trained = FAMILY.learner(FAMILY.model(config, data, "cpu", seed), seed)

    def best(model: GPTModel) -> float:
        texts, begin = random_texts(model.tokenizer, model.context)
        period = (texts.shape[1] - begin) // 2
        found = []
        for ids in texts:
            inside = finished(trace(model.transformer, ids, ("weights",)))
            found.append([prefix_matching(torch.from_numpy(o["weights"]), period, begin).numpy() for o in inside.layers])
        return float(np.mean(found, 0).max())

    assert best(trained.model) < 0.15
    train(trained, 200)
    assert best(trained.model) >= 0.4


def test_data_without_content_opens_as_any_text(copying: GPTLearner) -> None:
    empty = FAMILY.from_metadata(copying.config, FAMILY.metadata(copying.model.data))
    assert empty.tokenizer == copying.model.tokenizer
    assert not list(copying.model.on(empty).evaluate())
    assert isinstance(copying.model.on(dataclasses.replace(copying.model.data)).data, QuestionData)
