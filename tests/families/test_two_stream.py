"""Two streams: what is masked is not seen, what is filled in comes from the picture, and each number means what it says."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from genstudio.data import shelf
from genstudio.data.datasets import ImageDataset
from genstudio.data.learnable import captions
from genstudio.data.learnable.captions import CaptionData
from genstudio.data.work import finished
from genstudio.errors import ConfigError
from genstudio.events import Series
from genstudio.families.imagetext import FAMILY, ImageTextConfig, joint
from genstudio.families.imagetext.doctor import ignores_the_picture
from genstudio.families.imagetext.joint import TextOnly
from genstudio.families.imagetext.two_stream import TwoStream
from genstudio.families.imagetext.two_stream_learner import TwoStreamLearner
from genstudio.training.doctor import Window

SMALL: Mapping[str, Any] = {
    "architecture": "two_stream", "pictures": "patches", "patch": 8, "layers": 1, "picture_layers": 1, "joint_layers": 1,
    "d_model": 32, "heads": 2, "batch": 64, "warmup": 10, "learning_rate": 0.004, "context": 8,
}  # fmt: skip
COLOURS = ("red", "green", "blue", "white")
_STEPS = 150


@functools.cache
def dataset() -> ImageDataset:
    """600 pictures of 16 x 16 pixels: a colour, in the left or in the right half, said in three words."""
    found = shelf.open_dataset(shelf.find_dataset("captioned-shapes"))
    assert isinstance(found, ImageDataset)
    rng = np.random.default_rng(0)
    colour, side = rng.integers(0, 4, 600), rng.integers(0, 2, 600)
    rgb = np.array([[230, 40, 40], [40, 200, 60], [60, 80, 240], [240, 240, 240]])
    pixels = rng.integers(0, 30, (600, 16, 16, 3)).astype(np.uint8)
    for picture, c, s in zip(pixels, colour.tolist(), side.tolist(), strict=True):
        picture[4:12, 8 * s : 8 * s + 8] = rgb[c]
    said = tuple(f"a {COLOURS[c]} {('left', 'right')[s]}" for c, s in zip(colour.tolist(), side.tolist(), strict=True))
    return dataclasses.replace(found, pixels=pixels, labels=None, captions=said, attributes={})


@functools.cache
def data_of(**values: Any) -> CaptionData:
    return finished(FAMILY.prepare(ImageTextConfig.parse({**SMALL, **values}), dataset()))


def learner_of(**values: Any) -> TwoStreamLearner:
    model = FAMILY.model(ImageTextConfig.parse({**SMALL, **values}), data_of(**values), "cpu", 0)
    assert isinstance(model, TwoStream)
    return TwoStreamLearner(model, 0)


@functools.cache
def trained(**values: Any) -> tuple[TwoStream, Mapping[str, float]]:
    """A model after some steps, and what a full evaluation says of it."""
    learner = learner_of(**values)
    for step in range(1, _STEPS + 1):
        torch.manual_seed(step)
        learner.training_step(learner.batch(step), step, step / _STEPS)
    *_, last = learner.model.evaluate(exact=True)
    return learner.model, last.result


def colours_right(model: TwoStream) -> float:
    """The share of held-out pictures whose masked colour is filled in right."""
    held, tokenizer = model.data.held, model.data.tokenizer
    ids = model.data.padded(held)
    true = ids[:, 2].copy()
    ids[:, 2] = tokenizer.mask
    return float((model.guess(model.data.real[held], ids, np.full(len(ids), 2)) == true).mean())


@pytest.mark.thorough
def test_a_masked_colour_is_filled_in_from_the_picture_and_beside_shuffled_captions_it_is_not() -> None:
    """The broken twin has the captions of other pictures: it knows no more than the text tells. Whether both belong together is
    learned last: what that reaches is in the bench."""
    model, found = trained()
    assert colours_right(model) > 0.95 and found["word_accuracy"] > 0.8 and found["match_accuracy"] > 0.6
    assert found["text_only_accuracy"] < 0.75 and found["other_picture_accuracy"] < 0.75
    twin, lost = trained(shuffled=True)
    assert colours_right(twin) < 0.45 and abs(lost["word_accuracy"] - lost["other_picture_accuracy"]) < 0.1
    assert 0.35 < lost["match_accuracy"] < 0.6 and lost["match_chance"] == 0.5


@pytest.mark.thorough
def test_the_doctor_says_when_the_picture_is_ignored() -> None:
    for values, said in (({}, False), ({"shuffled": True}, True)):
        model, found = trained(**values)
        window = Window()
        window.settings = model.config.model_dump()
        numbers = {name: Series(np.array([600]), np.array([found[name]])) for name in found if "accuracy" in name}
        window.add(numbers)
        finding = ignores_the_picture(window)
        assert (finding is not None) == said
        assert finding is None or {"shuffled": False} in [one.values for one in finding.advice]


def test_masked_patches_and_words_are_not_seen() -> None:
    """What stands there changes nothing; the broken twin, which is given the patch, does see it."""
    learner = learner_of()
    model, streams = learner.model, learner.model.streams
    torch.manual_seed(1)
    with torch.no_grad():
        for head in (streams.word_head, streams.patch_head, streams.match_head):
            head.weight.normal_()
    batch = learner.batch(1)
    assert batch.hidden.any() and batch.masked.any() and (batch.ids[batch.masked] == model.data.tokenizer.mask).all()
    hidden = batch.hidden.reshape(-1, *model.grid).repeat_interleave(8, 1).repeat_interleave(8, 2)[:, None]
    other = torch.where(hidden, torch.rand_like(batch.pixels), batch.pixels)
    with torch.no_grad():
        one, two = (streams(pixels, batch.ids, batch.hidden) for pixels in (batch.pixels, other))
        leaking = streams(other, batch.ids)
        whole = streams(batch.pixels, batch.ids)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.allclose(leaking.words, whole.words)
    assert not batch.masked[batch.asked].any() and not batch.hidden[batch.asked].any()


def test_half_of_what_is_asked_has_another_caption_and_nothing_of_it_is_held_out() -> None:
    data = data_of()
    drawn = joint.draw(ImageTextConfig.parse(SMALL), data, 0, 3)
    assert drawn.asked.sum() == 32 and 14 <= drawn.together[drawn.asked].sum() <= 20
    assert (data.alike[drawn.pictures] == data.alike[drawn.captions]).tolist() == drawn.together.tolist()
    assert set(drawn.pictures.tolist()) | set(drawn.captions.tolist()) <= set(data.train.tolist())
    again = joint.draw(ImageTextConfig.parse(SMALL), data, 0, 3)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, again, strict=True))


def test_the_text_alone_is_what_stood_most_often_between_the_same_words() -> None:
    data = data_of()
    alone, tokenizer = TextOnly(data), data.tokenizer
    texts = ("[MASK] red left", "a [MASK] left")
    ids = captions.padded(tokenizer, [captions.encode(tokenizer, text, 8, gaps=True)[0] for text in texts])
    guess = alone.guess(ids, np.array([1, 2]))
    lefts = [text.split()[1] for text in (data.captions[at] for at in data.train.tolist()) if text.endswith("left")]
    most = max(COLOURS, key=lefts.count)
    assert [piece.strip("␣") for piece in tokenizer.pieces(guess)] == ["a", most]


def test_padding_changes_nothing_and_attention_sums_to_one_with_that_at_the_whole_picture() -> None:
    model, _ = trained()
    pixels = model.data.real[model.data.held[:2]]
    together = model.belongs(pixels, ["a red", "a [MASK] left"])
    apart = [model.belongs(pixels[n : n + 1], [text])[0] for n, text in enumerate(("a red", "a [MASK] left"))]
    assert np.allclose(together, apart, atol=1e-5)
    look = model.look_together(pixels[0], model.read_text("a [MASK] left")[0], np.array([True, False, False, False]))
    assert look.words[2] == "[MASK]" and look.weights.shape == (1, 2, 4, 4) and (look.weights.sum(-1) <= 1.001).all()
    assert len(look.gaps) == 1 and look.gaps[0].position == 2 and look.filled is not None and look.sound()
    assert (look.picture[:8, :8] == 128).all() and (look.picture[8:] == pixels[0][8:]).all()


def test_words_look_at_patches_through_cross_attention_alone() -> None:
    """Without its cross-attention a stream of words knows nothing of the picture: the broken twin of what is drawn."""
    model, _ = trained()
    data = model.data
    ids = torch.from_numpy(data.padded(data.held[:4]))
    pixels = model.inside(joint.pairs(model.config, data, data.held[:8], data.held, np.random.default_rng(0))).pixels
    with torch.no_grad():
        one, other = model.streams(pixels[:4], ids).words, model.streams(pixels[4:], ids).words
        assert not torch.allclose(one, other, atol=1e-3)
        blocks = model.streams.co_attention.words.typed_blocks()
        before = [block.cross for block in blocks]
        for block in blocks:
            block.cross = None
        one, other = model.streams(pixels[:4], ids).words, model.streams(pixels[4:], ids).words
        for block, cross in zip(blocks, before, strict=True):
            block.cross = cross
    assert torch.equal(one, other)


def test_two_streams_need_patches_and_say_what_they_can() -> None:
    with pytest.raises(ConfigError) as error:
        ImageTextConfig.parse({"architecture": "two_stream"})
    assert [problem.field for problem in error.value.problems] == ["pictures"]
    assert FAMILY.has({}) == FAMILY.abilities == ("Reads", "Matches", "Evaluates")
    assert FAMILY.has(SMALL) == ("Reads", "Grounds", "Evaluates")
