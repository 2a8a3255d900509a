"""No number is decorative: what the pages that choose, score and compare show is read back and worked out by hand."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import ByHand
from looked import page_of, settle
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot
from read_back import drawn, hovered, numbers, painted, says

from genstudio.sampling.choose import SamplingOptions
from genstudio.storage import size_text
from genstudio.tasks.train import Resume, Train
from genstudio.ui.engine import Engine
from genstudio.ui.playground.pages import PAGES
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.views.view import token_text
from helpers import TINY, answer, run_task, text_file

TEXT = "the cat sat on"
SAMPLING = Sampling(SamplingOptions(temperature=0.8, top_p=0.9), 10, 3)
INSIDE = {
    "Attention", "Knock out", "Logit lens", "Saliency", "Induction", "Anatomy", "Positions", "Embedding map", "Layers",
}  # fmt: skip
ELSEWHERE = {
    "Explore": "test_gan_time.py",
    "Fill the gap": "playground/test_gap_pages.py",
    "One word": "playground/test_gap_pages.py",
    "Translate": "playground/test_translate_page.py",
    "By length": "playground/test_translate_page.py",
    "Classify": "playground/test_gap_pages.py",
    "Next sentence": "playground/test_gap_pages.py",
    "Noise to samples": "../tasks/test_denoise.py",
    "Complete": "test_igpt_window.py",
    "Translate pictures": "test_cyclegan_window.py",
    "Patches": "test_vit_window.py",
    "Word map": "../tasks/test_word_vectors.py",
    "Word similarity": "../tasks/test_word_vectors.py",
    "Search": "test_imagetext_window.py",
    "Zero-shot classes": "test_imagetext_window.py",
    "Words and patches": "test_two_stream_window.py",
    "Speak": "test_tts_window.py",
    "Transcribe": "test_speech_window.py",
    "Resynthesise": "test_vocoder_window.py",
}
"""Pages whose numbers are read back beside the rest of their family."""
HERE = {"Next token", "Continuations", "Beam search", "Grid", "Score", "Compare two", "Replay"}


class Runs:
    """A run of two checkpoints, and the same by hand at both."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.hands = {step: ByHand(folder, step) for step in (20, 40)}
        self.alphabet = self.hands[40].letters["alphabet"]

    def ids(self, text: str) -> Any:
        return [self.alphabet.index(letter) for letter in text]

    def letter(self, token: int) -> str:
        return token_text(self.alphabet[int(token)])

    def chances(self, text: str, step: int = 40) -> Any:
        """Of what follows a text (V,)."""
        return self.hands[step].chances(self.ids(text)[-32:])[-1]

    def nats(self, text: str, more: str, step: int = 40) -> Any:
        """Of each letter of `more` after `text`, or after a part of `more` alone."""
        whole = text + more
        places = range(max(len(text), 1), len(whole))
        return np.array([-math.log(self.chances(whole[:at], step)[self.alphabet.index(whole[at])]) for at in places])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    place = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place))
        task = Train("gpt", str(text_file(place)), {**TINY, "context": 32}, steps=40, stop_after=20)
        folder = str(answer(run_task(task), "run"))
        run_task(Resume(folder, stop_after=20))
    return Runs(folder)


@pytest.fixture
def opened(engine: Engine, qtbot: QtBot, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("GENSTUDIO_HOME", str(Path(runs.folder).parents[1]))

    def show(title: str) -> Any:
        return page_of(engine, qtbot, title, runs.folder, TEXT, sampling=SAMPLING)

    return show


def run(qtbot: QtBot, page: Any) -> None:
    page.run()
    settle(qtbot, page)


def bits(chances: Any) -> float:
    return float(-(chances * np.log2(chances)).sum())


def sampled(chances: Any, temperature: float = 0.8, top_p: float = 0.9) -> Any:
    """After the sampler: the fewest most probable tokens that reach top-p, each with its share."""
    cold = chances ** (1 / temperature) / (chances ** (1 / temperature)).sum()
    order = np.argsort(-cold, kind="stable")
    kept = order[: int((np.cumsum(cold[order]) < top_p).sum()) + 1]
    left = np.zeros(len(cold))
    left[kept] = cold[kept] / cold[kept].sum()
    return left


def test_every_page_is_read_back_here_or_beside() -> None:
    classes = {entry.title: entry.name for entry in PAGES}
    assert classes.keys() == INSIDE | HERE | ELSEWHERE.keys(), "a new page needs a test that reads its numbers back"
    for title, place in ELSEWHERE.items():
        read = (Path(__file__).parents[1] / place).read_text(encoding="utf-8")
        assert title.lower() in read.lower() or classes[title] in read
    beside = Path(__file__).with_name("test_every_number.py").read_text(encoding="utf-8")
    assert all(f'opened("{title}"' in beside for title in INSIDE)


def test_next_token(opened: Any, runs: Runs) -> None:
    page, own = opened("Next token"), runs.chances(TEXT)
    page.view.resize(640, 160)
    left, shown = sampled(own), painted(page.view)
    possible, total, before, after = numbers(shown[1])
    assert (int(possible), int(total)) == (np.count_nonzero(left), len(own))
    assert says(before, bits(own), 1e-4) and says(after, bits(left[left > 0]), 1e-4)
    order = np.argsort(-own, kind="stable")
    count = len(page.view.shown())
    assert 0 < count < len(own)
    tails = numbers(shown[2])
    assert says(tails[0], 100 * own[order[count:]].sum(), 1e-4) and says(tails[1], 100 * left[order[count:]].sum(), 1e-4)
    for row, (token, word, said) in enumerate(zip(order, shown[3::2], shown[4::2], strict=False)):
        assert word == runs.letter(token)
        assert says(said, 100 * left[token], 1e-4) if left[token] else said == "cut"
        card = hovered(page.view, page.view.row(row).center())
        assert card[0] == f"'{runs.letter(token)}'  id {token}" and says(card[2], own[token], 1e-4)
        assert card[4] == "cut" if not left[token] else says(card[4], left[token], 1e-4)
        assert card[6] == str(row + 1)
    assert f"{len(TEXT)} tokens of context" in page.note.text() and "step 40" in page.note.text()


def test_continuations(opened: Any, runs: Runs, qtbot: QtBot) -> None:
    page = opened("Continuations")
    run(qtbot, page)
    for index, card in enumerate(page.cards[:4]):
        text = card.text.toPlainText()
        nats = runs.nats(TEXT, text)
        seed, length, mean = numbers(card.words.text())
        assert (int(seed), int(length)) == (3 + index, len(text)) and says(mean, nats.mean() / math.log(2), 1e-4)
        for token, value in enumerate(nats):
            chance, surprise = numbers(card.text.hint(token).partition("probability")[2])
            assert says(chance, math.exp(-value), 1e-4) and says(surprise, value / math.log(2), 1e-4)
            assert sampled(runs.chances(TEXT + text[:token]))[runs.alphabet.index(text[token])] > 0
    assert len({card.text.toPlainText() for card in page.cards[:4]}) > 1
    assert "weights of step 40" in page.note.text()


def test_beam_search(opened: Any, runs: Runs, qtbot: QtBot) -> None:
    page = opened("Beam search")
    page.length.setValue(4)
    run(qtbot, page)
    tree = page.found
    paths: dict[int, str] = {}
    for node, parent in enumerate(tree.parents.tolist()):
        before = paths.get(parent, "")
        paths[node] = before + runs.alphabet[tree.ids[node]]
        chance = runs.chances(TEXT + before)[tree.ids[node]]
        drawn(page.tree)
        said = hovered(page.tree, page.tree._box(node, page.tree.rect().toRectF()).center())
        if said and said[0] == f"'{runs.letter(tree.ids[node])}'  id {tree.ids[node]}":
            assert says(said[2], chance, 1e-4) and says(said[4], math.log(chance), 1e-4)
            assert says(said[6], -runs.nats(TEXT, paths[node]).sum(), 1e-4)
    lengths: dict[int, list[float]] = {}
    for text in paths.values():
        lengths.setdefault(len(text), []).append(-runs.nats(TEXT, text).sum())
    for row, node in enumerate(tree.best):
        nats = runs.nats(TEXT, paths[node])
        cells = [page.table.item(row, column).text() for column in range(3)]
        assert says(cells[0], -nats.sum(), 1e-4) and says(cells[1], nats.mean(), 1e-4)
        assert cells[2] == paths[node].replace("\n", "⏎")
    best = sorted((-runs.nats(TEXT, paths[node]).sum() for node in tree.best), reverse=True)
    assert best[0] == pytest.approx(max(lengths[4]), abs=1e-4)
    looked, gone = numbers(page.note.text().partition("step 40")[2])[:2]
    assert int(looked) == len(paths) and int(gone) == int(np.isin(tree.states, (1, 3)).sum()) < len(paths)


def test_grid(opened: Any, runs: Runs, qtbot: QtBot) -> None:
    page = opened("Grid")
    page.length.setValue(6)
    run(qtbot, page)
    for row, column in np.ndindex(page.table.rowCount(), page.table.columnCount()):
        temperature = float(page.table.verticalHeaderItem(row).text().removeprefix("T "))
        top_p = float(page.table.horizontalHeaderItem(column).text().removeprefix("top-p "))
        text = page.table.item(row, column).text()
        for at in range(len(text)):
            kept = sampled(runs.chances(TEXT + text[:at]), temperature, top_p)
            assert kept[runs.alphabet.index(text[at])] > 0, "drawn from what these settings leave"
    assert "weights of step 40  ·  seed 3  ·  20 of 20 cells" in page.note.text().replace(" · ", "  ·  ")
    texts = [page.table.item(0, column).text() for column in range(4)]
    assert len(texts[0]) == 6 and texts[0] == texts[1], "next to no heat: the most probable letters, whatever top-p is"


def test_score(opened: Any, runs: Runs, qtbot: QtBot) -> None:
    page, text = opened("Score"), "the mat ran on a Ω cat"
    page.text.setPlainText(text)
    run(qtbot, page)
    known = text.replace("Ω", "")
    nats = runs.nats("", known)
    perplexity, per_character = numbers(page.headline.text())
    assert says(perplexity, math.exp(nats.mean()), 1e-4) and says(per_character, nats.sum() / math.log(2) / len(nats), 1e-4)
    step, tokens, mean, unknown = numbers(page.note.text())[-4:]
    assert (int(step), int(tokens), int(unknown)) == (40, len(nats), 1) and says(mean, nats.mean(), 1e-4)
    own = nats / math.log(2)
    strip = painted(page.strip)
    most, middle = numbers(strip[1])
    assert says(most, own.max(), 1e-4) and says(middle, own.mean(), 1e-4)
    for row, token in enumerate(np.argsort(-nats, kind="stable")[:5] + 1):
        cells = [page.table.item(row, column).text() for column in range(4)]
        chances = runs.chances(known[:token])
        place = token + (token >= known.index("a  cat") + 2)
        assert cells[0] == f"'{token_text(known[token])}'  at {place}" and says(cells[1], own[token - 1], 1e-4)
        assert int(cells[2]) == 1 + (chances > chances[runs.alphabet.index(known[token])]).sum()
        for word in cells[3].split("   "):
            letter, _, share = word.rpartition(" ")
            token_id = next(i for i, piece in enumerate(runs.alphabet) if token_text(piece) == letter)
            assert says(share, 100 * chances[token_id], 1e-3)
        page.strip.choose(int(token))
        x = 12 + (token + 0.5) / len(known) * (page.strip.width() - 24)
        card = hovered(page.strip, QPointF(x, 60))
        assert says(card[2], own[token - 1], 1e-4) and card[4] == cells[2]


def test_compare_two(opened: Any, runs: Runs, qtbot: QtBot) -> None:
    page = opened("Compare two")
    assert page.other.choose(runs.folder)
    page.other.checkpoint.setCurrentIndex(page.other.checkpoint.findData(20))
    settle(qtbot, page)
    a, b = runs.chances(TEXT), runs.chances(TEXT, 20)
    page.tabs.setCurrentWidget(page.bars)
    settle(qtbot, page)
    middle = (a + b) / 2
    apart = (a * np.log2(a / middle) + b * np.log2(b / middle)).sum() / 2
    said = numbers(page.bars.summary())
    assert all(says(word, value, 1e-4) for word, value in zip(said, (bits(a), bits(b), apart), strict=False))
    order, shown = np.argsort(-np.maximum(a, b), kind="stable"), painted(page.bars)
    rows = shown[shown.index(page.bars.summary()) + 1 :]
    for index, token in enumerate(order[:5]):
        assert rows[3 * index] == runs.letter(token)
        assert says(rows[3 * index + 1], 100 * a[token], 1e-4) and says(rows[3 * index + 2], 100 * b[token], 1e-4)
        card = hovered(page.bars, page.bars.row(index).center())
        values = a[token], b[token], b[token] - a[token]
        assert all(says(card[2 + 2 * place], value, 1e-4) for place, value in enumerate(values))
    page.tabs.setCurrentWidget(page._attention_tab)
    settle(qtbot, page)
    page.attention.choose(1, 0)
    heads = {step: runs.hands[step].forward(runs.ids(TEXT))["layers"] for step in (40, 20)}
    weights = {step: np.stack([own["weights"].detach().numpy() for own in made]) for step, made in heads.items()}
    apart = weights[20] - weights[40]
    assert says(page.attention.note().rpartition(" ")[2], np.abs(apart[1, 0]).max(), 1e-4)
    drawn(page.attention)
    shown = painted(page.attention)
    assert says(shown[4].partition("±")[2], np.abs(apart[1, 0]).max(), 1e-4)
    by_head = np.abs(apart).sum((-2, -1)) / (len(TEXT) * (len(TEXT) + 1) / 2)
    assert says(shown[5].rpartition(" ")[2], by_head.max(), 1e-4)
    box = page.attention._boxes[2]
    size = box.width() / len(TEXT)
    card = hovered(page.attention, box.topLeft() + QPointF(2.5 * size, 9.5 * size))
    values = weights[40][1, 0, 9, 2], weights[20][1, 0, 9, 2], apart[1, 0, 9, 2]
    assert all(says(card[2 + 2 * place], value, 1e-4) for place, value in enumerate(values)), card
    square = page.attention._boxes[3]
    card = hovered(page.attention, square.topLeft() + QPointF(0.75 * square.width(), 0.25 * square.height()))
    assert card[0] == "layer 1, head 2" and says(card[2], by_head[0, 1], 1e-4)
    page.start()
    settle(qtbot, page)
    for side, step in (("a", 40), ("b", 20)):
        text = page.texts[side].toPlainText()
        assert np.exp(-runs.nats(TEXT, text, step)) == pytest.approx(page.texts[side].probabilities, abs=1e-5)
        assert page.names[side].text().endswith(f"step {step}")
    page.scored.setPlainText("a mat")
    page.start_score()
    settle(qtbot, page)
    sides = [runs.nats("", "a mat", step) for step in (40, 20)]
    for row, of in enumerate((np.mean, lambda n: math.exp(n.mean()), lambda n: n.mean() / math.log(2), len)):
        values = [of(nats) for nats in sides]
        for column, value in enumerate((*values, values[1] - values[0])):
            assert says(page.numbers.item(row, column).text(), value, 1e-4)


def test_replay(opened: Any, runs: Runs, qtbot: QtBot) -> None:
    page = opened("Replay")
    page.replay()
    settle(qtbot, page)
    folders = [*Path(runs.folder, "checkpoints").iterdir(), *Path(runs.folder, "trail").iterdir()]
    steps = page.steps()
    assert {20, 40} <= set(steps) and page.storage.text().startswith(f"{len(steps)} saved steps")
    kept = [path for path in folders if path.parent.name == "trail"]
    size = sum(file.stat().st_size for path in kept for file in ([path] if path.is_file() else path.rglob("*")))
    assert size_text(size) in page.storage.text()
    for step in (20, 40):
        page._go_to(step)
        own, place = runs.chances(TEXT, step), steps.index(step) + 1
        assert page.step.text() == f"step {step}  (saved, {place} of {len(steps)})"
        assert says(numbers(painted(page.next)[1])[2], bits(own), 1e-4)
        table = {row[0]: row[2:] for row in page.next.table()[1]}
        assert all(table[i] == pytest.approx((own[i], sampled(own)[i]), abs=1e-5) for i in range(len(own)))
        text = page.written.toPlainText()
        assert np.exp(-runs.nats(TEXT, text, step)) == pytest.approx(page.written.probabilities, abs=1e-5)
        read = page.text.toPlainText()
        assert np.exp(-runs.nats("", read, step)) == pytest.approx(page.text.probabilities[1:], abs=1e-5)
        made = runs.hands[step].forward(runs.ids(TEXT))["layers"]
        for layer, head in itertools.product(range(2), range(2)):
            ours = page.attention.snapshot.weights[layer, head]
            np.testing.assert_allclose(ours, made[layer]["weights"][head].detach().numpy(), atol=1e-5)
        page.text.choose(5)
        page._show_token(5)
        at = page.trajectory.point(step, 0.5)
        card = hovered(page.trajectory, at)
        assert card[0] == f"step {step}"
        chances = runs.chances(read[:5], step)
        for name, value in zip(card[1::2], card[2::2], strict=True):
            token = next(i for i, piece in enumerate(runs.alphabet) if f"'{token_text(piece)}'" == name)
            assert says(value, chances[token], 1e-4)
        ends = [word for word in painted(page.trajectory) if word == token_text(read[5])]
        assert ends and "token 6 of" in page.trajectory.note
    header, rows = page.loss.table()
    shown = {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows}
    logged = [json.loads(line) for line in Path(runs.folder, "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    for entry in logged:
        for name in {"train_loss", "val_loss"} & set(entry):
            for step, value in zip(entry["steps"], entry[name], strict=True):
                assert value is None or shown[step][name] == pytest.approx(value, abs=1e-5)
    assert len(shown) == 41
