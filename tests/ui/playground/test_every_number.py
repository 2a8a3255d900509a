"""No number is decorative: what the inside pages show is read back, word by word, and worked out by hand.

By hand means `by_hand.ByHand`: matrices from the checkpoint's file, in double precision, with none of our modules.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from by_hand import ByHand
from looked import page_of, settle
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot
from read_back import drawn, hovered, numbers, painted, placed, says

from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.tasks.models import ModelRef
from genstudio.tasks.train import Train
from genstudio.ui.engine import Engine
from genstudio.ui.views.view import token_text
from helpers import TINY, answer, run_task, text_file

TEXT = "the cat sat on a mat"
T = len(TEXT)


class Model:
    """A trained run, and the same by hand."""

    def __init__(self, folder: str) -> None:
        self.folder, self.hand = folder, ByHand(folder)
        self.alphabet = self.hand.letters["alphabet"]

    def ids(self, text: str = TEXT) -> Any:
        return np.array([self.alphabet.index(letter) for letter in text])

    def letter(self, token: int) -> str:
        return token_text(self.alphabet[int(token)])

    def weights(self, off: Ablation = NOTHING_ABLATED) -> Any:
        """(layers, heads, T, T)"""
        made = self.hand.forward(self.ids(), off)
        return np.stack([own["weights"].detach().numpy() for own in made["layers"]])

    def losses(self, text: str = TEXT, off: Ablation = NOTHING_ABLATED) -> Any:
        """Nats of each token after the first."""
        ids = self.ids(text)
        return -np.log(self.hand.chances(ids, off)[np.arange(len(ids) - 1), ids[1:]])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    place = tmp_path_factory.mktemp("every")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place))
        task = Train("gpt", str(text_file(place)), {**TINY, "context": 32}, steps=60, runs_folder=place / "runs")
        return Model(str(answer(run_task(task), "run")))


@pytest.fixture
def opened(engine: Engine, qtbot: QtBot, model: Model) -> Any:
    def show(title: str, text: str = TEXT, size: tuple[int, int] = (760, 900)) -> Any:
        return page_of(engine, qtbot, title, model.folder, text, size)

    return show


def middle(box: Any) -> QPointF:
    return QPointF(box.center())


def after(words: list[str], name: str) -> str:
    """What stands after a name in a bubble."""
    return words[words.index(name) + 1]


def entropies(weights: Any) -> Any:
    """Of rows (..., T) in nats."""
    return -np.where(weights > 0, weights * np.log(np.maximum(weights, 1e-300)), 0).sum(-1)


def test_the_hand_made_model_is_no_copy_of_ours(model: Model) -> None:
    names = Path(ByHand.forward.__code__.co_filename).read_text(encoding="utf-8")
    assert "genstudio.families" not in names and "genstudio.nn.attention" not in names and "F.softmax" not in names
    assert model.losses().mean() < 2.0, "it has learned something"


def test_attention_by_head(opened: Any, model: Model, qtbot: QtBot) -> None:
    page, theirs = opened("Attention"), model.weights()
    rows = np.arange(2, T)
    for layer, head in np.ndindex(*theirs.shape[:2]):
        said, own = hovered(page.heads, middle(page.heads.cell(layer, head))), theirs[layer, head]
        entropy = entropies(own)[2:]
        assert said[0].startswith(f"layer {layer + 1} head {head + 1}: ")
        for name, value in (
            ("on the previous token", own[rows, rows - 1]), ("on the first token", own[rows, 0]),
            ("on itself", own[rows, rows]),
        ):  # fmt: skip
            assert says(after(said, name), 100 * value.mean(), 1e-3)
        nats, share = numbers(after(said, "entropy of a row"))
        assert says(nats, entropy.mean(), 1e-3) and says(share, 100 * (entropy / np.log(rows + 1)).mean(), 1e-3)
        places = [own[rows, rows - 1].mean(), own[rows, 0].mean(), own[rows, rows].mean()]
        best, even = int(np.argmax(places)), (entropy / np.log(rows + 1)).mean()
        word = "few tokens" if even < 0.5 else "evenly" if even >= 0.9 else "mixed"
        if places[best] >= 0.25:
            often = "attends" if places[best] >= 0.5 else "often attends"
            word = f"{often} to {('the previous', 'the first', 'itself')[best]}"
        assert word in said[0]
    assert painted(page.heads)[:2] == ["Heads", f"rows are layers  ·  step {model.hand.step:,}"]
    page.look_at(ModelRef(model.folder), ("th",))
    settle(qtbot, page)
    assert hovered(page.heads, middle(page.heads.cell(0, 0))) == ["layer 1 head 1: too short to classify"]


def test_attention_of_one_head_its_means_rollout_mass_and_lines(opened: Any, model: Model, qtbot: QtBot) -> None:
    page, theirs = opened("Attention"), model.weights()
    rolled = np.eye(T)
    for layer in theirs:
        rolled = (layer.mean(0) + np.eye(T)) / 2 @ rolled
    page.heads.choose(1, 0)
    settle(qtbot, page)
    for index, (title, own) in enumerate((
        ("Layer 2, head 1", theirs[1, 0]), ("Layer 2, mean over heads", theirs[1].mean(0)),
        ("Mean over all layers and heads", theirs.mean((0, 1))), ("Rollout through all layers", rolled),
    )):  # fmt: skip
        page.what.setCurrentIndex(index)
        settle(qtbot, page)
        assert painted(page.map)[:2] == [title, f"step {model.hand.step}"]
        box = page.map.box()
        for query, key in ((T - 1, 3), (7, 7), (4, 0), (3, 9)):
            at = box.topLeft() + QPointF((key + 0.5) * box.width() / T, (query + 0.5) * box.height() / T)
            said = hovered(page.map, at)
            assert said[0].startswith(f"'{token_text(TEXT[query])}' attends to '{token_text(TEXT[key])}': ")
            number = said[0].rpartition(": ")[2]
            assert number == "masked, exactly 0" if key > query else says(number, own[query, key], 6e-4)
            assert f"query {query + 1}, key {key + 1}" in said
        told = hovered(page.lines, QPointF(300, page.lines._y(T - 1)))
        for name, value in zip(told[1:-1:2], told[2::2], strict=False):
            if name.startswith("'"):
                assert says(value, own[T - 1, int(name.rpartition(" ")[2]) - 1], 6e-4)
        assert sum(float(value) for value in told[2::2]) == pytest.approx(1, abs=6e-3)
    page.what.setCurrentIndex(0)
    page.mass.editor.set_value(0.6)
    page.mass.editor.changed.emit(0.6)
    settle(qtbot, page)
    assert painted(page.map)[1].endswith("tokens that hold 60% of each row")
    for row, shown in enumerate(page.map.snapshot.weights.astype(float)):
        kept = np.sort(theirs[1, 0, row])[::-1]
        kept = kept[: int((np.cumsum(kept) < 0.6).sum()) + 1]
        np.testing.assert_allclose(np.sort(shown[shown > 0])[::-1], kept, atol=6e-4)
    assert page.measured.text() == f"{T} tokens"
    checked = re.search(r"Each row sums to 1 within (\S+), masked weights are exactly 0\.", page.measured.toolTip())
    assert checked is not None and float(checked[1]) < 1e-5
    assert all(0 <= float(value) < 60 for value in numbers(page.measured.toolTip().partition("Read in")[2]))


OFF = (
    NOTHING_ABLATED, Ablation(heads=frozenset({(1, 0), (0, 1)})), Ablation(mlps=frozenset({0}), tokens=frozenset({4})),
    Ablation(layers=frozenset({1}), scaled=False), Ablation(causal=False),
)  # fmt: skip


def test_knocking_out(opened: Any, model: Model, qtbot: QtBot) -> None:
    page = opened("Knock out")
    plain, own = model.losses(), model.hand.chances(model.ids())[-1]
    for off in OFF:
        page.show_switches(off)
        settle(qtbot, page)
        now, chances = model.losses(off=off), model.hand.chances(model.ids(), off)[-1]
        said = numbers(page.loss.text())
        for text, value in zip(said, (T - 1, plain.mean(), now.mean(), (now - plain).mean()), strict=False):
            assert says(text, value), page.loss.text()
        assert page.loss.text().endswith(f"step {model.hand.step:,}")
        assert numbers(page.strip._words[5]) == [f"{plain[4]:.3f}", f"{now[4]:.3f}"] or np.isclose(plain[4], now[4], atol=2e-3)
        np.testing.assert_allclose(page.strip.values[1:], ((now - plain) / 4).clip(-1, 1), atol=1e-4)
        shown = painted(page.bars)
        order = np.argsort(-np.maximum(own, chances), kind="stable")
        for token, text in zip(order[:5], shown[3::2], strict=False):
            was, then = numbers(text)
            assert says(was, 100 * own[token], 1e-3) and says(then, 100 * chances[token], 1e-3), shown
        for text, switches in zip(page.texts, (NOTHING_ABLATED, off), strict=True):
            if not off.tokens:
                assert text.toPlainText()[:12] == greedy(model, 12, switches)
    cell = hovered(page.heads, middle(page.heads.cell(0, 1)))
    rows = np.arange(2, T)
    assert says(after(cell, "on itself"), 100 * model.weights()[0, 1][rows, rows].mean(), 1e-3)


def greedy(model: Model, length: int, off: Ablation) -> str:
    ids = model.ids().tolist()
    for _ in range(length):
        ids.append(int(model.hand.chances(ids[-32:], off)[-1].argmax()))
    return "".join(model.alphabet[i] for i in ids[T:])


def test_the_logit_lens(opened: Any, model: Model) -> None:
    page, ids = opened("Logit lens"), model.ids()
    stream = model.hand.forward(ids)["stream"]
    for depth, x in enumerate(stream):
        normed = x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt() * model.hand["last_norm.weight"]
        chances = (normed @ model.hand["head.weight"].T).softmax(-1).detach().numpy()
        for place in (T - 1, T - 4, T - 10):
            page.view.choose(depth, place)
            own, best = chances[place], np.argsort(-chances[place], kind="stable")
            bars = painted(page.top)
            assert bars[1] == f"{('embedding', 'layer 1', 'layer 2')[depth]}, after '{token_text(TEXT[place])}'"
            for token, word, number in zip(best, bars[2::2], bars[3::2], strict=False):
                assert says(number, 100 * own[token], 1e-3)
                assert word == model.letter(token) or np.isclose(own, own[token], atol=1e-6).sum() > 1
            said = hovered(page.view, middle(page.view.cell(depth, place)))
            assert says(said[2], 100 * own[best[0]], 1e-3)
            if place == T - 1:
                assert page.summary.text() == "This is the last token, so there is nothing to compare with."
                continue
            follows = ids[place + 1]
            rank, chance = int((own > own[follows]).sum()) + 1, 100 * own[follows]
            assert f"rank {rank} here" in page.summary.text() and f"what follows: rank {rank}" in said
            assert says(page.summary.text().partition("probability ")[2], chance, 1e-3)
            assert says(said[-1], chance, 1e-3)
            assert int(numbers(page.summary.text().partition("depths: ")[2])[depth]) == rank
        shown = painted(page.view)
        assert shown[:2] == ["Logit lens", f"{T} tokens  ·  step {model.hand.step}"]


def test_saliency(opened: Any, model: Model, qtbot: QtBot) -> None:
    page, ids = opened("Saliency"), model.ids()
    scores = page._shown.score
    with torch.no_grad():
        after = [model.hand.forward(some)["logits"][-1].log_softmax(-1)[page._shown.target].item() for some in (ids, ids[:-1])]
    assert page._shown.method == "leave one out" and scores[-1] == pytest.approx(after[0] - after[1], abs=1e-5)
    assert says(painted(page.strip)[1], np.abs(scores).max(), 1e-3)
    page.method.setCurrentIndex(1)
    settle(qtbot, page)
    assert page._shown.method == "gradient"

    def by_hand(count: int, target: int | None) -> tuple[Any, int, float]:
        made = model.hand.forward(ids[:count])
        logprobs = made["logits"][-1].log_softmax(-1)
        target = int(logprobs.argmax()) if target is None else target
        (gradient,) = torch.autograd.grad(logprobs[target], made["embedded"])
        return (gradient * made["embedded"]).sum(-1).detach().numpy(), target, logprobs[target].item()

    for count, wanted in ((T, None), (9, int(ids[9]))):
        if wanted is not None:
            page._explain(count)
            settle(qtbot, page)
        scores, target, logprob = by_hand(count, wanted)
        chance, total, step = numbers(page.summary.text().partition("probability ")[2].rstrip("."))
        assert int(step) == model.hand.step
        assert says(chance, 100 * math.exp(logprob), 1e-3) and says(total, scores.sum(), 1e-3)
        assert f"'{model.letter(target)}'" in page.summary.text()
        assert says(painted(page.strip)[1], np.abs(scores).max(), 1e-3)
        strongest = np.argsort(-np.abs(scores), kind="stable")
        shown = painted(page.strongest)
        for at, number in zip(strongest[:6], shown[3::2], strict=False):
            assert says(number, scores[at], 1e-3), shown
        for at in (0, 3, count - 1):
            said = hovered(page.strip, middle(page.strip.box(at)))
            assert says(said[1], scores[at], 1e-4) and f"token {at + 1} of {T}" in said[0]
        own = model.hand.chances(ids[:count])[-1]
        for place, token in enumerate(np.argsort(-own, kind="stable")[:3]):
            text = page.target.itemText(place)
            assert says(text.rpartition("'")[2], 100 * own[token], 1e-3) and f"'{model.letter(token)}'" in text


def test_induction(opened: Any, model: Model) -> None:
    page = opened("Induction")
    found = page.scores.snapshot
    size, period = len(model.alphabet), found.period
    assert period == min(16, size), "as many different tokens as fit the context twice"
    rng = np.random.default_rng(0)
    scores, losses = [], []
    for _ in range(found.texts):
        once = rng.choice(np.arange(size), period, replace=False)
        ids = np.concatenate([once, once])
        made = model.hand.forward(ids)
        queries = np.arange(period, 2 * period)
        scores.append([own["weights"].detach().numpy()[:, queries, queries - period + 1].mean(-1) for own in made["layers"]])
        logprobs = made["logits"].log_softmax(-1).detach().numpy()
        losses.append(-logprobs[np.arange(2 * period - 1), ids[1:]])
    score, loss = np.mean(scores, 0), np.mean(losses, 0)
    even = np.mean([1 / (query + 1) for query in range(period, 2 * period)])
    shown = painted(page.scores)
    assert says(shown[1].partition("; ")[2], even)
    cells = [word for word in shown if "." in word and len(word) == 4]
    assert len(cells) == score.size and all(says(word, value) for word, value in zip(cells, score.flat, strict=True))
    for layer, head in np.ndindex(*score.shape):
        said = hovered(page.scores, middle(page.scores.cell(layer, head)))
        assert said[0] == f"layer {layer + 1} head {head + 1}" and says(said[2], score[layer, head])
    np.testing.assert_allclose([row[1] for row in page.losses.table()[1]], loss, atol=1e-4)
    words = page.summary.text()
    first, second, change, step = numbers(words.partition(" tokens: ")[2])[:4]
    del step
    means = loss[: period - 1].mean(), loss[period:].mean()
    assert says(first, means[0]) and says(second, means[1]) and says(change, means[1] - means[0], 1e-4)
    assert ("no induction head" in words) == bool((score < 0.4).all())
    assert painted(page.losses)[1] == f"mean of {found.texts} texts, nats per token"


def test_the_anatomy(opened: Any, model: Model, qtbot: QtBot) -> None:
    page = opened("Anatomy", size=(1200, 900))
    kept = model.ids()[-16:]
    page.layer.setCurrentIndex(1)
    page.head.setCurrentIndex(1)
    switched = (
        (None, NOTHING_ABLATED, 1.0),
        (page.scaled, Ablation(scaled=False), 1.0),
        (page.causal, Ablation(causal=False), 0.5),
    )
    for box, off, tau in switched:
        if box is not None:
            box.click()
            page.temperature.set_value(tau)
            page.temperature.changed.emit(tau)
        settle(qtbot, page)
        made = model.hand.forward(kept, off)
        check_stages(page, model, kept, made, off, tau)
        if box is not None:
            box.click()
            settle(qtbot, page)
    assert page.status.text() == f"16 tokens, {T - 16} before them not shown · weights of step {model.hand.step:,}"


def check_stages(page: Any, model: Model, kept: Any, made: dict[str, Any], off: Ablation, tau: float) -> None:
    """Every stage of layer 2, head 2: its numbers, the shape under it, and those in its words."""
    hand, own, size = model.hand, made["layers"][1], len(model.alphabet)
    angles = hand.angles(16)
    chances = (made["logits"] / tau).softmax(-1)
    seen = torch.tril(torch.ones(16, 16)) if off.causal else torch.ones(16, 16)
    wanted = {
        "one_hot": torch.eye(size)[torch.as_tensor(kept)], "table": hand["tokens.weight"], "embedded": made["embedded"],
        "stream_1": made["stream"][1], "normed": own["normed"], "Q": own["Q"][1], "K": own["K"][1], "V": own["V"][1],
        "Q'": own["q"][1], "K'": own["k"][1], "angles": angles.cos(), "products": own["products"][1],
        "scores": own["scores"][1], "masked": torch.where(seen > 0, own["scores"][1], math.nan),
        "weights": own["weights"][1], "mixed": own["mixed"][1], "joined": own["joined"],
        "attention_out": own["attention_out"], "middle_sum": own["middle"], "normed2": own["normed2"],
        "hidden": own["hidden"], "mlp_out": own["mlp_out"], "stream_2": own["after"], "last_norm": made["last_norm"],
        "logits": made["logits"], "tempered": made["logits"] / tau, "probabilities": chances,
    }  # fmt: skip
    assert {stage.key for stage in page.diagram.stages} == set(wanted)
    sizes = [word for word in painted(page.diagram) if " × " in word and word[0].isdigit()]
    for index, stage in enumerate(page.diagram.stages):
        value = wanted[stage.key].detach().numpy().astype(np.float64)
        page.diagram.choose(index)
        drawn(page.matrix)
        np.testing.assert_allclose(page.matrix.matrix.values, value, atol=2e-4, rtol=2e-4, err_msg=stage.key)
        assert stage.shape.endswith(f" = ({', '.join(map(str, value.shape))})")
        assert " × ".join(map(str, value.shape)) in sizes
        row, column = len(value) - 1, value.shape[1] // 2
        if not np.isnan(value[row, column]):
            said = hovered(page.matrix, middle(page.matrix.cell(row, column)))
            assert says(said[-1], value[row, column], 1e-3), (stage.key, said)
    notes = {stage.key: stage.note for stage in page.diagram.stages}
    assert says(notes["products"], wanted["products"].std(correction=0).item(), 1e-3)
    assert says(notes["scores"], wanted["scores"].std(correction=0).item(), 1e-3)
    rows, plain = own["weights"][1].detach().numpy(), hand.forward(kept)["layers"][1]["weights"][1].detach().numpy()
    bits = [entropies(each).mean() / math.log(2) for each in (plain, rows)][1 if off == NOTHING_ABLATED else 0 :]
    assert all(says(text, value, 1e-3) for text, value in zip(numbers(notes["weights"]), bits, strict=False))
    if not off.causal:
        assert says(numbers(notes["weights"])[-1], 100 * np.triu(rows, 1).sum() / 16, 1e-3)
    zeros = (own["hidden"] == 0).double().mean().item()
    assert says(notes["hidden"], 100 * zeros)
    likely = np.argsort(-chances[-1].detach().numpy(), kind="stable")[:3]
    before = (hand.forward(kept)["logits"] / tau).softmax(-1)[-1]
    for token in likely:
        text = notes["probabilities"].partition(f"'{model.letter(token)}' ")[2]
        found = numbers(text)[:1] if off == NOTHING_ABLATED else numbers(text)[:2]
        values = [chances[-1, token].item()] if off == NOTHING_ABLATED else [before[token].item(), chances[-1, token].item()]
        assert all(says(word, 100 * value, 1e-3) for word, value in zip(found, values, strict=True))
    sentences = " ".join(stage.sentence + stage.formula for stage in page.diagram.stages)
    assert f"√d_k = {math.sqrt(8):.2f}" in sentences or f"the scores are {math.sqrt(8):.2f} times" in sentences
    assert "columns 9 to 16" in sentences and f"τ = {tau:g}" in sentences


def test_positions(opened: Any, model: Model) -> None:
    page, count = opened("Positions"), 32
    angles = model.hand.angles(count).numpy()
    for shown, values in ((0, np.cos(angles)), (1, np.cos(angles[:, None] - angles).mean(-1))):
        page.shown.setCurrentIndex(shown)
        drawn(page.picture)
        np.testing.assert_allclose(page.picture.matrix.values, values, atol=1e-5)
        said = hovered(page.picture, middle(page.picture.cell(20, values.shape[1] // 2)))
        assert says(said[-1], values[20, values.shape[1] // 2], 1e-4)
    note = numbers(painted(page.picture)[1])
    assert [float(word.replace(",", "")) for word in note] == [count, model.hand.config["position_base"], model.hand.step]
    page.shown.setCurrentIndex(0)
    assert numbers(painted(page.picture)[1])[:2] == ["32", "4"]
    assert "2π · 1,000" in page.words.text() and model.hand.config["position_base"] == 1000
    drawn(page.distance)
    plot = page.distance._plot(page.distance.rect().toRectF())
    for distance in (0, 1, 7, 31):
        said = hovered(page.distance, QPointF(plot.left() + distance / 31 * plot.width(), plot.center().y()))
        assert says(said[0], distance) and says(after(said, "mean"), np.cos(distance * angles[1]).mean(), 1e-4)
        assert all(says(w, np.cos(distance * angles[1]).mean(), 1e-3) for w in numbers(after(said, "5 to 95%")))
    for place, word in placed(page.distance)[2:-1]:
        if place.x() < plot.left():
            height = (plot.bottom() - place.y()) / plot.height()
            assert float(word) == pytest.approx(-0.5 + 1.5 * height, abs=0.02), "the axis begins at -0.5"
        else:
            assert float(word) == pytest.approx((place.x() - plot.left()) / plot.width() * 31, abs=0.1)


def test_the_embedding_map(opened: Any, model: Model, qtbot: QtBot) -> None:
    page = opened("Embedding map")
    ids = model.ids()
    spaces = [model.hand["tokens.weight"], model.hand["head.weight"], *model.hand.forward(ids)["stream"]]
    assert page.space.count() == len(spaces)
    again = False
    for index, space in enumerate(spaces):
        page.space.setCurrentIndex(index)
        settle(qtbot, page)
        rows = space.detach().numpy()
        centred = rows - rows.mean(0)
        left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
        shares = sizes**2 / (sizes**2).sum()
        words = [word for word in painted(page.view) if word.startswith("component ")]
        for number, word in enumerate(words):
            assert word.startswith(f"component {number + 1}: ") and word.endswith(" of the variance")
            assert says(word.partition(": ")[2], 100 * shares[number], 1e-3)
        points = left[:, :2] * sizes[:2]
        shown = page.view.snapshot.points
        for axis in (0, 1):
            sign = np.sign((points[:, axis] * shown[:, axis]).sum())
            np.testing.assert_allclose(shown[:, axis], sign * points[:, axis], atol=1e-3 * sizes[0])
        at = page.view.pixels(page.view.snapshot.points)[3]
        nearest = page.view.point_at(QPointF(*at))
        said = hovered(page.view, QPointF(*at))
        for word, value in zip(numbers(after(said, "x, y")), shown[nearest], strict=True):
            assert says(word, value, 1e-4)
        if not again or index == 2:
            assert not page.near.count(), "those of the vocabulary are no neighbours in the text"
            page.view.chosen_changed.emit(3)
            settle(qtbot, page)
        again = True
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        cosines = unit @ unit[3]
        names = [model.letter(i) for i in (range(len(rows)) if index < 2 else ids)]
        assert page.near_title.text() == f"Nearest to '{names[3]}', by cosine"
        best = np.sort(np.delete(cosines, 3))[::-1][:12]
        assert page.near.count() == len(best)
        for place, value in enumerate(best):
            number, _, name = page.near.item(place).text().partition("   ")
            assert says(number, value, 1e-4)
            assert any(names[i] == name and abs(cosines[i] - value) < 1e-4 for i in range(len(rows)))
        assert page.status.text() == f"all {len(rows):,} · weights of step {model.hand.step:,}"


def test_layers(opened: Any, model: Model) -> None:
    page, ids = opened("Layers"), model.ids()
    view, hand = page.panel.view, model.hand
    made = hand.forward(ids[:-1])
    logprobs = made["logits"].log_softmax(-1)
    loss = -logprobs[torch.arange(T - 1), torch.as_tensor(ids[1:])].mean()
    names = {"embedding": "tokens.weight"}
    for layer in (0, 1):
        for short, long in (("W_QKV", "attention.qkv"), ("W_O", "attention.out"), ("W_up", "feed_forward.up"),
                            ("W_down", "feed_forward.down")):  # fmt: skip
            names[f"{layer + 1} {short}"] = f"blocks.{layer}.{long}.weight"
    names["output"] = "head.weight"
    weights = {name: hand[long] for name, long in names.items()}
    gradients = dict(zip(names, torch.autograd.grad(loss, list(weights.values())), strict=True))
    passing = {"embedded": made["embedded"]}
    for number, own in enumerate(made["layers"], 1):
        passing |= {f"{number} attention": own["attention_out"], f"{number} hidden": own["hidden"],
                    f"{number} MLP": own["mlp_out"], f"{number} stream": own["after"]}  # fmt: skip
    passing["logits"] = made["logits"]
    dead = [(own["hidden"] == 0).all(0).double().mean().item() for own in made["layers"]]
    for index, (kind, values) in enumerate((("activations", passing), ("gradients", gradients), ("weights", weights))):
        page.panel.quantity.setCurrentIndex(index)
        shown, words = view.distributions(), painted(view)
        assert words[0] == kind.capitalize() and shown.names == tuple(values)
        step, tokens, told = numbers(words[1])
        assert (int(step), int(tokens)) == (hand.step, T - 1) and says(told, loss.item(), 1e-4)
        for row, (name, value) in enumerate(values.items()):
            flat = value.detach().numpy().ravel()
            rms = math.sqrt((flat**2).mean())
            assert says(words[words.index(name) + 1], rms, 1e-4), name
            scaled = np.log10(np.maximum(np.abs(flat), 1e-12)) if kind == "gradients" else flat / rms
            counts = np.histogram(np.clip(scaled, shown.edges[0], shown.edges[-1]), shown.edges)[0]
            assert np.abs(counts - shown.counts[row]).sum() <= 4, "values on an edge fall on either side"
            strip = view._strip(view.rect().toRectF())
            box = view._row(strip, row, len(values))
            said = hovered(view, QPointF(strip.center().x() + 3, box.center().y()))
            assert said[0] == name and says(after(said, "root mean square"), rms, 1e-4)
            assert says(after(said, "norm"), np.linalg.norm(flat), 1e-4) and says(after(said, "values"), len(flat))
            share = shown.counts[row][len(shown.counts[row]) // 2] / len(flat)
            assert says(said[-1], 100 * share, 1e-4)
            if name.endswith(" hidden"):
                assert says(words[words.index(name) + 2], 100 * dead[int(name[0]) - 1], 1e-4)
                assert says(after(said, "units that are 0 at every token"), 100 * dead[int(name[0]) - 1], 1e-4)
