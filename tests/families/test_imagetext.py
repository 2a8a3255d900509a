"""Two towers: what they learn, what keeps them from it, and that each number means what it says."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from genstudio.data import shelf
from genstudio.data.datasets import ImageDataset
from genstudio.data.learnable import captions
from genstudio.data.learnable.captions import CaptionData
from genstudio.data.split import SplitSettings
from genstudio.data.vocabulary import TokenSettings
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError
from genstudio.evaluation import retrieval
from genstudio.events import Series
from genstudio.families.imagetext import FAMILY, ImageTextConfig
from genstudio.families.imagetext.data import draw, texts
from genstudio.families.imagetext.doctor import fixed_temperature, lowest_loss
from genstudio.families.imagetext.learner import ImageTextLearner
from genstudio.families.imagetext.model import ImageText
from genstudio.nn.towers import Temperature, contrastive_loss
from genstudio.training.doctor import Window

SMALL: Mapping[str, Any] = {"channels": 8, "layers": 1, "d_model": 32, "heads": 2, "embedding": 32, "batch": 64, "warmup": 20}
_STEPS = 90


@functools.cache
def dataset(name: str = "captioned-shapes") -> ImageDataset:
    found = shelf.open_dataset(shelf.find_dataset(name))
    assert isinstance(found, ImageDataset)
    return found


@functools.cache
def data_of(**values: Any) -> CaptionData:
    return finished(FAMILY.prepare(ImageTextConfig.parse({**SMALL, **values}), dataset()))


@functools.cache
def trained(steps: int = _STEPS, **values: Any) -> tuple[ImageText, Mapping[str, float]]:
    """A model after some steps, and what a full evaluation says of it."""
    config = ImageTextConfig.parse({**SMALL, **values})
    model = ImageText(config, data_of(**values), "cpu", 0)
    learner = ImageTextLearner(model, 0)
    for step in range(1, steps + 1):
        torch.manual_seed(step)
        learner.training_step(learner.batch(step), step, step / steps)
    *_, last = model.evaluate(exact=True)
    return model, last.result


def test_texts_find_pictures_that_were_held_out_also_of_combinations_never_seen() -> None:
    """90 steps of small towers: far above chance, whatever the seed; what 600 reach is in the bench."""
    _, found = trained()
    assert found["candidates"] == 100 and found["chance"] == 0.01
    assert min(found["recall_at_1_text"], found["recall_at_1_image"]) > 0.3 and found["recall_at_10_text"] > 0.8
    assert found["unseen_recall_at_10_text"] > 0.6
    assert found["val_loss"] < 0.5 * found["simple_loss"] == 0.5 * math.log(64)


def test_shuffled_captions_fall_to_chance() -> None:
    """The broken twin: every picture has the caption of another one."""
    _, found = trained(shuffled=True)
    assert max(found["recall_at_1_text"], found["recall_at_1_image"]) < 0.05
    assert found["recall_at_10_text"] < 0.2 and found["val_loss"] > 0.9 * found["simple_loss"]


def test_a_temperature_is_learned_unless_it_is_fixed_and_that_is_told() -> None:
    learned, good = trained()
    fixed, bad = trained(learn_temperature=False, temperature=1.0)
    assert abs(learned.temperature - 0.07) > 0.003 and fixed.temperature == pytest.approx(1.0)
    assert bad["val_loss"] > lowest_loss(1.0, 64) - 0.05 > 2 * good["val_loss"]
    for model, said in ((learned, False), (fixed, True)):
        window = Window()
        window.settings = model.config.model_dump()
        window.add({"train_loss": Series(np.arange(1, 400), np.full(399, 2.0))})
        finding = fixed_temperature(window)
        assert (finding is not None) == said
        assert finding is None or finding.advice[0].values == {"learn_temperature": True, "temperature": 0.07}


def test_without_positions_the_order_of_words_is_lost_and_with_them_it_is_not() -> None:
    pair = "a small red circle at the top left", "left top the at circle red small a"
    for positions, same in (("none", True), ("learned", False)):
        model = ImageText(ImageTextConfig.parse({**SMALL, "positions": positions}), data_of(), "cpu", 0)
        if model.texts.body.positions is not None:
            torch.nn.init.normal_(model.texts.body.positions.weight)
        one, other = model.embed_texts(pair)
        assert (np.abs(one - other).max() < 1e-5) == same


def test_the_loss_is_that_of_the_paper_and_shares_what_has_one_caption() -> None:
    torch.manual_seed(0)
    logits = torch.randn(9, 9, dtype=torch.float64, requires_grad=True)
    labels = torch.arange(9)
    theirs = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    assert torch.allclose(contrastive_loss(logits, labels), theirs, atol=1e-12)
    alike = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, 0])
    rows = logits.log_softmax(1), logits.T.log_softmax(1)
    both = [-(log[0, 0] + log[0, 8] + log[8, 0] + log[8, 8]) / 2 - log.diagonal()[1:8].sum() for log in rows]
    assert torch.allclose(contrastive_loss(logits, alike), sum(both) / 18)
    assert torch.autograd.gradcheck(lambda x: contrastive_loss(x, alike), (logits,))


def test_the_temperature_is_kept_within_bounds() -> None:
    scale = Temperature(0.07, True)
    assert float(scale.now()) == pytest.approx(0.07) and torch.allclose(scale(torch.ones(2)), torch.full((2,), 1 / 0.07))
    with torch.no_grad():
        scale.log_scale.fill_(20.0)
    assert float(scale.now()) == pytest.approx(0.01) and torch.allclose(scale(torch.ones(1)), torch.tensor([100.0]))


def test_the_same_weights_give_the_loss_of_transformers_own_clip() -> None:
    theirs = pytest.importorskip("transformers.models.clip.modeling_clip").image_text_contrastive_loss
    torch.manual_seed(1)
    pictures, texts = (F.normalize(torch.randn(12, 5), dim=1) for _ in range(2))
    logits = Temperature(0.07, True)(pictures @ texts.T)
    assert torch.allclose(contrastive_loss(logits, torch.arange(12)), theirs(logits.T), atol=1e-6)


def test_an_untrained_model_knows_nothing() -> None:
    """The loss is that of chance: ln of the batch."""
    _, found = trained(0, temperature=1.0)
    assert found["val_loss"] == pytest.approx(math.log(64), rel=0.03) and found["recall_at_1_text"] < 0.06


def test_words_are_left_out_in_their_order_and_the_same_ones_whenever_a_step_is_asked_for() -> None:
    data, usual = data_of(), ImageTextConfig.parse(SMALL)
    config = ImageTextConfig.parse({**SMALL, "word_dropout": 0.3})
    _, said = draw(config, data, 0, 1)
    whole, some = data.padded(said), texts(config, data, said, 0, 1)
    for before, after in zip(whole.tolist(), some.tolist(), strict=True):
        left = iter(before)
        assert before[0] == after[0] and all(word in left for word in after if word != data.tokenizer.pad)
    size = data.tokenizer.base.size
    assert 0.75 < (some < size).sum() / (whole < size).sum() < 0.95
    assert 0.3 < (some == whole).all(1).mean() < 0.7
    assert np.array_equal(some, texts(config, data, said, 0, 1)) and not np.array_equal(some, texts(config, data, said, 0, 2))
    assert np.array_equal(whole, texts(usual, data, said, 0, 1))
    read = ImageTextLearner(ImageText(config, data, "cpu", 0), 0).batch(1)[1].numpy()
    assert np.array_equal(read, some)
    batch = FAMILY.batch(config, data, 0, 1)
    assert batch.captions == tuple(data.tokenizer.decode(ids).strip() for ids in some)


def test_padding_does_not_change_what_a_text_means() -> None:
    model, _ = trained()
    texts = "a red heart", "a small blue triangle at the bottom right"
    together = model.embed_texts(texts)
    assert np.abs(together - np.concatenate([model.embed_texts([text]) for text in texts])).max() < 1e-5
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_ranks_count_equals_against_a_model_that_finds_everything_alike() -> None:
    scores = np.array([[3.0, 1.0, 2.0], [5.0, 5.0, 0.0], [1.0, 1.0, 1.0]])
    assert retrieval.ranks(scores).tolist() == [1, 2, 3]
    data = data_of()
    (pool,) = retrieval.pools(data, data.held, 1)
    assert len(pool) == 100 == len({data.captions[at] for at in pool.tolist()})
    (wanted,) = retrieval.pools(data, data.unseen, 1)
    among = retrieval.with_others(data, wanted, data.held)
    assert len(among) == 100 == len({data.captions[at] for at in among.tolist()}) and (among[: len(wanted)] == wanted).all()


def test_nothing_that_is_tested_was_trained_on() -> None:
    data = data_of()
    parts = [set(part.tolist()) for part in (data.train, data.held, data.unseen)]
    assert sum(map(len, parts)) == 6000 == len(set.union(*parts))
    combinations = {tuple(data.captions[at].split()[2:4]) for at in data.unseen.tolist()}
    assert len(combinations) == 4 and not combinations & {tuple(data.captions[at].split()[2:4]) for at in data.train.tolist()}
    everything = data_of(hold_out=False)
    assert not len(everything.unseen) and len(everything.train) == 5400


@pytest.mark.parametrize(("change", "words"), [
    ({"captions": None}, "have no captions"), ({"captions": ("",) * 20}, "have no captions"),
    ({"captions": ("a",) * 20}, "20 pictures with a caption and 1 different captions"),
    ({"captions": ("a", "b", *("",) * 18)}, "2 pictures with a caption and 2 different"),
])  # fmt: skip
def test_captions_that_teach_nothing_are_refused_in_words(change: dict[str, Any], words: str) -> None:
    few = dataclasses.replace(dataset(), pixels=dataset().pixels[:20], labels=None, attributes={}, **change)
    with pytest.raises(DataError, match=words) as error:
        finished(FAMILY.prepare(ImageTextConfig(), few))
    assert error.value.hint


def test_long_and_missing_captions_are_counted() -> None:
    said = [f"number {n}" for n in range(40)]
    said[3], said[4] = "word " * 300, " "
    few = dataclasses.replace(dataset(), pixels=dataset().pixels[:40], labels=None, attributes={}, captions=tuple(said))
    data = finished(captions.prepare_captions(few, 32, TokenSettings("word", 100, 1), SplitSettings("random", 0.1)))
    assert (data.bare, data.long, len(data.real)) == (1, 1, 39) and data.padded(np.arange(39)).shape == (39, 32)


@pytest.mark.parametrize(("values", "size", "field"), [
    ({"pictures": "patches", "patch": 7}, 24, "patch"), ({"pictures": "patches", "patch": 24}, 24, "patch"), ({}, 23, "pictures"),
])
def test_pictures_that_no_tower_reads_are_refused_at_their_setting(values: dict[str, Any], size: int, field: str) -> None:
    cut = dataclasses.replace(dataset(), pixels=dataset().pixels[:50, :size, :size].copy(), labels=None, attributes={},
                              captions=(dataset().captions or ())[:50])  # fmt: skip
    with pytest.raises(ConfigError) as error:
        finished(FAMILY.prepare(ImageTextConfig.parse(values), cut))
    assert [problem.field for problem in error.value.problems] == [field]


@pytest.mark.thorough
def test_the_command_line_searches_both_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    from genstudio.cli import main

    sets = [f"{name}={value}" for name, value in SMALL.items()]
    assert main(["train", "imagetext", "--data", "captioned-shapes", "--steps", str(_STEPS), "--quiet", "--set", *sets]) == 0
    run = capsys.readouterr().out.strip()
    assert main(["search", run, "--text", "a large red heart at the top", "--count", "5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unknown"] == [] and len(found["found"]) == 5 and found["chance"] == 1 / found["searched"]
    assert sum("red" in one["caption"] for one in found["found"]) >= 3
    cosines = [one["cosine"] for one in found["found"]]
    assert cosines == sorted(cosines, reverse=True)
    assert main(["search", run, "--text", "a red zebra"]) == 0
    assert "Not in the vocabulary: zebra" in capsys.readouterr().out
    data = dataset()
    place = next(n for n, text in enumerate(data.captions or ()) if text == "a large blue square in the middle")
    Image.fromarray(data.pixels[place]).save(tmp_path / "mine.png")
    assert main(["search", run, "--picture", str(tmp_path / "mine.png"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert any("large blue" in one["caption"] for one in found["found"][:3])
    (tmp_path / "bad.png").write_bytes(b"\x89PNG and nothing")
    for wrong, words in (
        (["--text", "zebra"], "None of 'zebra' is in this model's vocabulary"), (["--text", "x " * 3000], "6,000 characters"),
        ([], "needs either a text or a picture"), (["--text", "a", "--picture", "b"], "needs either a text or a picture"),
        (["--picture", str(tmp_path / "bad.png")], "bad.png"), (["--text", "red", "--count", "0"], "0 is not a number of"),
    ):  # fmt: skip
        assert main(["search", run, *wrong]) == 2
        assert words in capsys.readouterr().err
