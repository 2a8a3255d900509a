"""What is made from a seed: the same every time, and as known as it says it is."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data import generators, shelf
from genstudio.data.datasets import ImageDataset, PointDataset, TaskDataset, TextDataset
from genstudio.data.generators import GENERATORS, markov, shapes
from genstudio.data.generators.chance import Chance
from genstudio.data.info import DatasetInfo
from genstudio.data.population.coalescent import Regions
from genstudio.errors import ConfigError, DataError

SMALL = {"known-entropy": 20_000, "analogies": 20_000, "hidden-history": 10, "tones": 60, "vowels": 30, "spoken-digits": 30}


def made(name: str, **settings: Any) -> Any:
    generator = GENERATORS[name]
    settings = {"count": SMALL.get(name, 500), **settings}
    return generators.make(
        DatasetInfo(name, name, generator.kind, "generated", Path("x"), 0, "", details=generator.details(settings))
    )


def fingerprint(dataset: Any) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(vars(dataset).items()):
        if isinstance(value, np.ndarray):
            digest.update(value.tobytes())
        elif isinstance(value, Regions):
            digest.update(value.genotypes.tobytes() + np.floor(value.positions).tobytes())
        elif isinstance(value, dict):
            digest.update(b"".join(array.tobytes() for array in value.values()))
        elif name != "info":
            digest.update(repr(value).encode())
    return digest.hexdigest()


@pytest.mark.parametrize("name", GENERATORS)
def test_a_seed_always_makes_the_same_and_another_seed_another(name: str) -> None:
    assert fingerprint(made(name)) == fingerprint(made(name))
    assert fingerprint(made(name, seed=1)) != fingerprint(made(name))


GOLDEN = {
    "toy-en-es": "9a15d2f96e9d", "known-entropy": "02bd4b3b9878", "analogies": "0cde2e367e65", "shapes": "4b2cf62146d2",
    "coloured-shapes": "89f35b6724ff", "gaussian-ring": "720b0fa8bb43", "gaussian-grid": "a845e50f9e0e", "moons": "a5443f507295",
    "spirals": "16c2abbc2137", "swiss-roll": "9ca8286e5d93", "rings": "8111a6e0ee2c",
    "copy": "a4616247f2ce", "reverse": "8b07eda3ce2f", "sort": "bc511e9081ff",
    "addition": "748bbdaf7ba3", "dyck": "341fcb409858", "emoji-categories": "9d19acc1f2cc",
    "emoji-languages": "d2e9b651faf2", "name-initials": "948f64f343cf",
    "xor": "0b68ad5cd349", "class-moons": "74520ebe11d7", "class-rings": "c5ce32f31c82", "class-spirals": "f92e760946d3",
    "captioned-shapes": "2decf4eced70", "captioned-faces": "a0d898aa1857", "hidden-history": "b34cf0056658",
    "tones": "409509b17edb", "vowels": "4667a3676a29", "spoken-digits": "e5ad5d9e9a66",
}  # fmt: skip


@pytest.mark.parametrize("name", GENERATORS)
def test_every_system_makes_the_same(name: str) -> None:
    assert fingerprint(made(name))[:12] == GOLDEN[name]


@pytest.mark.parametrize("name", GENERATORS)
def test_the_shelf_lists_and_opens_it(name: str) -> None:
    info = shelf.find_dataset(name)
    assert (info.origin, info.kind, info.title) == ("generated", GENERATORS[name].kind, GENERATORS[name].title)
    assert info.description and info.count > 0
    dataset = shelf.open_dataset(info)
    sizes = {
        "text": "text", "pairs": "left", "labelled": "texts", "images": "pixels", "points": "points", "rows": "rows",
        "tasks": "questions", "regions": "regions", "audio": "lengths",
    }  # fmt: skip
    assert len(getattr(dataset, sizes[info.kind])) == info.count


@pytest.mark.parametrize("settings", [{"count": 0}, {"count": 10**9}, {"seed": -1}, {"seed": "x"}, {"size": 3}, 7, []])
@pytest.mark.parametrize("name", GENERATORS)
def test_settings_that_cannot_be_are_refused_in_words(name: str, settings: Any) -> None:
    info = replace(shelf.find_dataset(name), details={"generator": name, "settings": settings})
    with pytest.raises(DataError, match="cannot be used") as error:
        generators.make(info)
    assert error.value.hint


def test_a_generator_of_a_newer_program_or_of_another_kind_is_refused() -> None:
    info = shelf.find_dataset("moons")
    for details in ({}, {"generator": "fractal"}, {"generator": 5}, {"generator": "copy"}, {"generator": ["moons"]}):
        with pytest.raises(DataError, match="This version cannot generate"):
            generators.make(replace(info, details=details))
    with pytest.raises(ConfigError):
        GENERATORS["moons"].details({"count": 0})


def test_no_detail_is_no_fault() -> None:
    info = replace(shelf.find_dataset("rings"), details={"generator": "rings"})
    assert fingerprint(generators.make(info)) == fingerprint(shelf.open_dataset(shelf.find_dataset("rings")))


@pytest.mark.parametrize(("name", "modes", "sigma"), [("gaussian-ring", 8, 0.01), ("gaussian-grid", 25, 0.05)])
def test_mixtures_have_the_centres_and_the_spread_they_say(name: str, modes: int, sigma: float) -> None:
    """Of a two-dimensional Gaussian 1 - exp(-9/2) = 98.89 % lie within three sigma."""
    found = made(name, count=100_000)
    assert isinstance(found, PointDataset)
    assert found.points.shape == (100_000, 2) and found.points.dtype == np.float32
    assert found.centres is not None and found.centres.shape == (modes, 2) and found.sigma == sigma
    distances = np.linalg.norm(found.points[:, None] - found.centres[None], axis=2)
    nearest = distances.argmin(axis=1)
    within = (distances.min(axis=1) < 3 * sigma).mean()
    assert abs(within - 0.98889) < 0.0015
    assert np.bincount(nearest, minlength=modes).min() > 0.9 * 100_000 / modes
    for mode in range(modes):
        own = found.points[nearest == mode] - found.centres[mode]
        assert np.abs(own.mean(axis=0)).max() < 5 * sigma / np.sqrt(len(own))
        assert np.abs(own.std(axis=0) / sigma - 1).max() < 0.06


def test_the_ring_and_the_grid_are_those_of_the_literature() -> None:
    ring, grid = made("gaussian-ring").centres, made("gaussian-grid").centres
    assert np.allclose(np.linalg.norm(ring, axis=1), 1)
    assert sorted(set(grid.ravel().tolist())) == [-4, -2, 0, 2, 4]
    gaps = np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1)
    assert np.allclose(gaps, gaps[0])


def test_curves_lie_where_they_should() -> None:
    moons = made("moons", count=5000, noise=0.0).points + np.array([0.5, 0.25])
    upper = np.abs(np.hypot(*moons.T) - 1) < 1e-5
    lower = np.abs(np.hypot(moons[:, 0] - 1, moons[:, 1] - 0.5) - 1) < 1e-5
    assert (upper | lower).all() and 0.4 < upper.mean() < 0.6
    radii = np.hypot(*made("rings", count=5000, noise=0.0).points.T)
    assert sorted(set(np.round(radii * 3, 4).tolist())) == [1, 2, 3]
    roll = made("swiss-roll", count=5000, noise=0.0).points
    radius, angle = np.hypot(*roll.T) * 4.5 * np.pi, np.arctan2(roll[:, 1], roll[:, 0])
    turns = (radius - angle) / (2 * np.pi)
    assert np.abs(turns - np.round(turns)).max() < 1e-4
    spiral = made("spirals", count=5000, noise=0.0).points
    radius, angle = np.hypot(*spiral.T), np.arctan2(spiral[:, 1], spiral[:, 0])
    arms = (angle / (2 * np.pi) - 1.25 * radius) * 2
    assert np.abs(arms - np.round(arms)).max() < 1e-4
    assert 0.45 < (np.round(arms) % 2 == 0).mean() < 0.55


def closes(text: str) -> bool:
    """Whether a bracket expression is whole: by taking pairs away until nothing changes."""
    while text != (shorter := text.replace("()", "").replace("[]", "").replace("{}", "")):
        text = shorter
    return not text


def right(name: str, question: str, answer: str) -> bool:
    """Marks an answer without the generator's own code."""
    if name == "copy":
        return answer == question
    if name == "reverse":
        return len(answer) == len(question) and all(a == question[-1 - i] for i, a in enumerate(answer))
    if name == "sort":
        return Counter(answer) == Counter(question) and all(a <= b for a, b in itertools.pairwise(answer))
    if name == "addition":
        first, second = question.split("+")
        return int(answer) - int(first) == int(second) and str(int(answer)) == answer
    depth = sum(question.count(b) for b in "([{") - sum(question.count(b) for b in ")]}")
    return closes(question + answer) and len(answer) == depth > 0


@pytest.mark.parametrize("name", ["copy", "reverse", "sort", "addition", "dyck"])
def test_every_answer_is_right_and_every_question_new(name: str) -> None:
    found = made(name, count=10_000)
    assert isinstance(found, TaskDataset)
    assert len(set(found.questions)) == len(found.questions) == 10_000
    assert all(right(name, q, a) for q, a in zip(found.questions, found.answers, strict=True))
    rotated = (*found.answers[1:], found.answers[0])
    caught = sum(not right(name, q, a) for q, a in zip(found.questions, rotated, strict=True))
    assert caught > 5_000, "the marker accepts anything"


def test_toy_tasks_follow_their_settings() -> None:
    found = made("copy", symbols=4, shortest=5, longest=6)
    assert set("".join(found.questions)) == set("abcd")
    assert {len(question) for question in found.questions} == {5, 6}
    assert set("".join(made("dyck", kinds=1).questions)) == set("()")
    assert max(len(question) for question in made("dyck", longest=30).questions) == 30
    assert max(int(n) for q in made("addition", digits=5).questions for n in q.split("+")) > 9_999
    with pytest.raises(DataError, match="fewer than 500 distinct") as error:
        made("sort", symbols=2, shortest=1, longest=3)
    assert "Ask for 7 or fewer" in error.value.hint
    with pytest.raises(ConfigError, match="more than the length of the longest"):
        made("reverse", shortest=9, longest=3)


def test_shapes_are_drawn_as_their_factors_say() -> None:
    found = made("shapes", count=3000)
    assert isinstance(found, ImageDataset)
    assert found.pixels.shape == (3000, 32, 32, 1)
    assert found.classes == ("square", "ellipse", "heart")
    factors = np.stack([found.labels, *(found.attributes[name] for name in ("size", "turn", "x", "y"))], axis=1)
    assert len(np.unique(factors, axis=0)) == 3000
    light = found.pixels[..., 0].astype(float) / 255
    rows, columns = np.mgrid[:32, :32]
    area = light.sum(axis=(1, 2))
    symmetric = np.asarray(found.labels) < 2
    for name, place in (("x", columns), ("y", rows)):
        centre = (light * place).sum(axis=(1, 2)) / area
        away = np.abs(centre - found.attributes[name])
        assert away[symmetric].max() < 0.05
        assert away.max() < 1.3
    half = np.asarray(found.attributes["size"]) / 2
    assert np.allclose(area[found.labels == 0], (2 * 0.951 * half[found.labels == 0]) ** 2, rtol=0.12)
    assert np.allclose(area[found.labels == 1], np.pi * 1.371 * 0.783 * half[found.labels == 1] ** 2, rtol=0.05)
    edge = np.concatenate([light[:, 0], light[:, -1], light[:, :, 0], light[:, :, -1]], axis=1)
    assert edge.max() == 0, "a shape is cut off"


def test_a_turned_ellipse_points_where_it_says() -> None:
    found = made("shapes", count=3000)
    rows, columns = np.mgrid[:32, :32]
    checked = 0
    for i in np.flatnonzero((found.labels == 1) & (found.attributes["size"] > 9)):
        light = found.pixels[i, ..., 0] / 255.0
        x, y = columns - found.attributes["x"][i], rows - found.attributes["y"][i]
        xx, yy, xy = ((light * v).sum() for v in (x * x, y * y, x * y))
        angle = np.degrees(0.5 * np.arctan2(2 * xy, xx - yy))
        difference = (angle - found.attributes["turn"][i] + 90) % 180 - 90
        assert abs(difference) < 3
        checked += 1
    assert checked > 50


def test_there_are_as_many_shapes_as_it_says() -> None:
    assert shapes.POSSIBLE == 3 * 6 * 40 * 16 * 16


def test_the_entropy_of_the_chain_is_the_known_one() -> None:
    table = markov.transitions()
    assert table.shape == (64, 8) and np.allclose(table.sum(axis=1), 1)
    rows = -(table * np.log(np.where(table > 0, table, 1.0))).sum(axis=1)  # Cover and Thomas 2006, 4.2
    assert markov.stationary(table) @ rows == pytest.approx(1.281157, abs=1e-6) == markov.ENTROPY_RATE
    letters = markov.stationary(table).reshape(8, 8).sum(axis=0)
    assert -(letters * np.log(letters)).sum() == pytest.approx(2.044011, abs=1e-6) == markov.UNIGRAM_ENTROPY
    pairs = np.zeros((64, 64))
    for a, b, c in itertools.product(range(8), repeat=3):
        pairs[8 * a + b, 8 * b + c] = table[8 * a + b, c]
    values, vectors = np.linalg.eig(pairs.T)
    by_algebra = np.real(vectors[:, np.argmax(np.real(values))])
    assert np.allclose(markov.stationary(table), by_algebra / by_algebra.sum(), atol=1e-9)


def test_the_text_has_the_entropy_it_says() -> None:
    """The chain's own score of its text; a count table with other contexts must be worse or cheat."""
    text = shelf.open_dataset(shelf.find_dataset("known-entropy"))
    assert isinstance(text, TextDataset)
    assert set(text.text) == set("abcdefgh") and len(text.text) == 1_000_000
    ids = np.frombuffer(text.text.encode(), np.uint8).astype(np.int64) - ord("a")
    table = markov.transitions()
    contexts = 8 * ids[:-2] + ids[1:-1]
    scores = -np.log(table[contexts, ids[2:]])
    assert scores.mean() == pytest.approx(1.281157, abs=0.004)
    counts = np.bincount(ids) / len(ids)
    assert -(counts * np.log(counts)).sum() == pytest.approx(2.044011, abs=0.003)
    seen = np.bincount(8 * contexts + ids[2:], minlength=512).reshape(64, 8)
    often = seen.sum(axis=1) > 5000
    assert np.abs(seen[often] / seen[often].sum(axis=1, keepdims=True) - table[often]).max() < 0.03


def test_chance_is_fair() -> None:
    chance = Chance(3)
    uniform = chance.uniform(200_000)
    assert uniform.min() >= 0 and uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.003
    normal = chance.normal(200_001)
    assert len(normal) == 200_001
    assert abs(normal.mean()) < 0.01 and abs(normal.std() - 1) < 0.01
    assert abs((np.abs(normal) < 1).mean() - 0.6827) < 0.005
    numbers = np.bincount(chance.integers(7, 70_000), minlength=7)
    assert len(numbers) == 7 and np.abs(numbers / 10_000 - 1).max() < 0.05
    single = Counter(chance.below(5) for _ in range(20_000))
    assert sorted(single) == [0, 1, 2, 3, 4] and min(single.values()) > 3_700
    assert sorted(chance.order(1000).tolist()) == list(range(1000))
    assert {chance.pick("ab") for _ in range(50)} == {"a", "b"}


def test_planted_analogies_are_corners_of_rectangles_and_every_word_is_written() -> None:
    text = made("analogies", count=200_000)
    written = set(text.text.replace(".", " ").replace(",", " ").split())
    assert len(text.questions) == len(set(text.questions)) == 540
    assert all(len(set(one)) == 4 and set(one) <= written for one in text.questions)
    assert ("king", "man", "woman", "queen") in text.questions and ("paris", "france", "italy", "rome") in text.questions


def test_captions_say_what_is_seen_and_four_combinations_can_be_kept_from_training() -> None:
    dataset = made("captioned-shapes", count=6000)
    assert len({one.tobytes() for one in dataset.pixels}) == 6000 and len(set(dataset.captions)) == 432
    light = dataset.pixels.max((1, 2)).astype(int)  # the brightest value of each colour channel
    red, blue = (np.array([f" {name} " in text for text in dataset.captions]) for name in ("red", "blue"))
    assert (light[red, 0] > 2 * light[red, 2]).all() and (light[blue, 2] > 1.5 * light[blue, 0]).all()
    down = (dataset.pixels.sum((2, 3)) * np.arange(24)).sum(1) / dataset.pixels.sum((1, 2, 3))
    top, bottom = (np.array([f"at the {name}" in text for text in dataset.captions]) for name in ("top", "bottom"))
    assert down[top].max() < 9 and down[bottom].min() > 14
    large = np.array(["large" in text for text in dataset.captions])
    area = (dataset.pixels.max(3) > 60).sum((1, 2))
    assert area[large].min() > area[~large].max()
    unseen = dataset.attributes["unseen"]
    assert {text.split()[2] + " " + text.split()[3] for text, one in zip(dataset.captions, unseen, strict=True) if one} == {
        "red circle", "yellow square", "green triangle", "blue heart"}
    some = made("captioned-shapes", named="some")
    assert {len(text.split()) for text in some.captions} >= {3, 4} and some.info.kinds == ("images", "captioned")
