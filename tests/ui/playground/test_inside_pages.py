"""The inside pages on a trained model: what they show is what the model computes, read back from the widgets."""

from __future__ import annotations

import itertools
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from by_hand import ByHand
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from genstudio.inspection.ablation import Ablation
from genstudio.runs import list_runs
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.text import stream
from genstudio.tasks.inside import Which
from genstudio.tasks.lens import LookThroughLens
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.train import Train
from genstudio.ui.engine import Engine
from genstudio.ui.library import Library
from genstudio.ui.playground.ablation_page import AblationPage, describe
from genstudio.ui.playground.attention_page import AttentionPage
from genstudio.ui.playground.induction_page import InductionPage
from genstudio.ui.playground.lens_page import LensPage
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.pages import PAGES
from genstudio.ui.playground.saliency_page import SaliencyPage
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.tabs.playground import PlaygroundTab
from helpers import LONG, TINY, answer, run_task, text_file

TEXT = "the cat sat on a mat"
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    tmp_path = tmp_path_factory.mktemp("inside")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(tmp_path / "home"))
        task = Train("gpt", str(text_file(tmp_path)), {**TINY, "context": 32}, steps=60, runs_folder=tmp_path / "runs")
        return str(answer(run_task(task), "run"))


@pytest.fixture(scope="module")
def opened(folder: str) -> Any:
    return evaluated(folder)


def evaluated(folder: str) -> Any:
    """The model without dropout."""
    opened = Models().get(ModelRef(folder))
    opened.model.transformer.eval()
    return opened


def look(qtbot: QtBot, page: Page, folder: str, text: str = TEXT, size: tuple[int, int] = (560, 640)) -> list[Any]:
    """Show the page on this text, and wait until it has nothing to do; what failed is returned."""
    failures: list[Any] = []
    page.failed.connect(failures.append)
    qtbot.addWidget(page)
    page.resize(*size)
    page.show()
    page.look_at(ModelRef(folder), (text,) if text else ())
    settle(qtbot, page)
    return failures


def settle(qtbot: QtBot, page: Page) -> None:
    qtbot.waitUntil(lambda: not page._jobs and not page._waiting, timeout=LONG)


def ids_of(opened: Any, text: str = TEXT) -> Any:
    return torch.from_numpy(opened.model.tokenizer.encode(text).astype(np.int64))[-opened.model.transformer.context :]


def test_pages_are_listed_and_can_be_built(engine: Engine, qtbot: QtBot) -> None:
    built = {entry.name: entry for entry in PAGES}
    for name in ("AttentionPage", "AblationPage", "LensPage", "SaliencyPage", "InductionPage"):
        page = built[name].build(engine)
        qtbot.addWidget(page)
        assert page.accessibleName() and page.objectName()


def test_attention_shown_is_attention_computed(engine: Engine, qtbot: QtBot, folder: str, opened: Any) -> None:
    page = AttentionPage(engine)
    assert not look(qtbot, page, folder)
    theirs = opened.model.transformer.attention(ids_of(opened)).numpy()
    np.testing.assert_allclose(page.heads.snapshot.small, theirs, atol=5e-4)
    for layer, head in ((1, 1), (0, 1)):
        page.heads.choose(layer, head)
        settle(qtbot, page)
        assert page.map.snapshot.title == f"Layer {layer + 1}, head {head + 1}"
        for row, column in ((19, 3), (5, 5), (2, 10)):
            said = page.map.describe(row, column)
            expected = "masked, exactly 0" if column > row else f"{np.float16(theirs[layer, head, row, column]):.3f}"
            assert said.endswith(expected), said
        weights = dict(page.lines.weights(19))
        assert weights[3] == pytest.approx(theirs[layer, head, 19, 3], abs=5e-4)
        assert sum(weights.values()) == pytest.approx(1, abs=5e-3)
    words = page.measured.toolTip()
    assert "masked weights are exactly 0" in words and "row sums to 1 within" in words and page.measured.text() == "20 tokens"
    rows = list(page.heads.table()[1])
    w = theirs[1, 0]
    assert rows[2][3] == pytest.approx(np.mean([w[i, i - 1] for i in range(2, 20)]), abs=1e-4)


def test_means_rollout_and_mass(engine: Engine, qtbot: QtBot, folder: str, opened: Any) -> None:
    page = AttentionPage(engine)
    assert not look(qtbot, page, folder)
    theirs = opened.model.transformer.attention(ids_of(opened)).numpy()
    rolled = np.eye(20)
    for layer in theirs:
        rolled = (layer.mean(0) / 2 + np.eye(20) / 2) @ rolled
    for index, expected in ((1, theirs[0].mean(0)), (2, theirs.mean((0, 1))), (3, rolled)):
        page.what.setCurrentIndex(index)
        settle(qtbot, page)
        np.testing.assert_allclose(page.map.snapshot.weights, expected, atol=1e-3)
    page.heads.choose(1, 0)
    settle(qtbot, page)
    assert page.what.currentIndex() == 0 and page.which() == Which(1, 0)
    page.mass.editor.set_value(0.5)
    page.mass.editor.changed.emit(0.5)
    settle(qtbot, page)
    row = page.map.snapshot.weights[19].astype(float)
    order = np.sort(theirs[1, 0, 19])[::-1]
    needed = int((np.cumsum(order) < 0.5).sum()) + 1
    assert np.count_nonzero(row) == needed and row.sum() == pytest.approx(order[:needed].sum(), abs=2e-3)


def test_the_map_is_moved_frozen_and_read_with_mouse_and_keys(engine: Engine, qtbot: QtBot, folder: str) -> None:
    page = AttentionPage(engine)
    look(qtbot, page, folder)
    view = page.map
    view.repaint()
    cell = view.box().width() / 20
    at = QPoint(round(view.box().left() + 4.5 * cell), round(view.box().top() + 9.5 * cell))
    qtbot.mouseMove(view, at)
    assert "attends to" in view.accessibleDescription()
    with qtbot.waitSignal(view.frozen_at) as caught:
        qtbot.mouseClick(view, LEFT, pos=at)
    assert caught.args == [9, 4] == list(view.frozen)
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.frozen is None
    wheel = QWheelEvent(
        QPointF(at), QPointF(view.mapToGlobal(at)), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    before = view._cell_at(QPointF(at))
    QApplication.sendEvent(view, wheel)
    assert view._view.width() < 20 and view._cell_at(QPointF(at)) == before
    left = view._view.left()
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view._view.left() > left
    for key in (Qt.Key.Key_Minus, Qt.Key.Key_Plus, Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Down):
        qtbot.keyClick(view, key)
    view.reset_zoom()
    assert view._view.width() == 20
    page.how.setCurrentIndex(1)
    page.lines.repaint()
    qtbot.mouseClick(page.lines, LEFT, pos=QPoint(60, 52 + 18 * 2 + 9))
    assert page.lines.frozen is not None and "attends to" in page.lines.describe(page.lines.frozen)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Escape):
        qtbot.keyClick(page.lines, key)
    assert page.lines.frozen is None


def test_knocking_out_is_recomputed(engine: Engine, qtbot: QtBot, folder: str) -> None:
    page = AblationPage(engine)
    assert not look(qtbot, page, folder, size=(560, 700))
    opened = evaluated(folder)
    model = opened.model.transformer
    cell = page.heads.cell(1, 0).center().toPoint()
    qtbot.mouseClick(page.heads, LEFT, pos=cell)
    settle(qtbot, page)
    assert page.switches == Ablation(heads=frozenset({(1, 0)})) and describe(page.switches) == "off: head 2.1"
    tokens = len(page.strip.tokens)
    ids = ids_of(opened)[-tokens:]
    losses, chances = [], []
    for _ in range(2):
        with torch.no_grad():
            logprobs = model(ids[None])[0].log_softmax(-1)
            model.blocks[1].attention.out.weight[:, :8] = 0
        losses.append(float(-logprobs[torch.arange(tokens - 1), ids[1:]].mean()))
        chances.append(logprobs[-1].exp().numpy())
    assert f"{losses[0]:.3f} → {losses[1]:.3f} nats" in page.loss.text()
    np.testing.assert_allclose(page.bars.before, chances[0], atol=1e-5)
    np.testing.assert_allclose(page.bars.after, chances[1], atol=1e-5)
    assert np.abs(chances[0] - chances[1]).max() > 1e-4
    rows = list(page.bars.table()[1])
    assert rows[0][0] == int(np.argmax(np.maximum(*chances)))
    page.restore.click()
    settle(qtbot, page)
    assert not page.switches and page.texts[0].toPlainText() == page.texts[1].toPlainText() != ""
    greedy = page.texts[0].toPlainText()
    page.show_sampling(Sampling(SamplingOptions(temperature=2.0), seed=5))
    settle(qtbot, page)
    ids = ids_of(evaluated(folder))[-tokens:]
    drawn = stream(evaluated(folder).model.transformer, ids, SamplingOptions(temperature=2.0), seed=5, length=60)
    wanted = opened.model.tokenizer.decode([choice.id for choice in itertools.islice(drawn, 32)])
    assert page.texts[0].toPlainText() == wanted != greedy


def test_knocking_out_by_key_token_and_box(engine: Engine, qtbot: QtBot, folder: str) -> None:
    page = AblationPage(engine)
    assert not look(qtbot, page, folder, size=(560, 700))
    for _ in range(3):
        qtbot.keyClick(page.heads, Qt.Key.Key_Right)
    qtbot.keyClick(page.heads, Qt.Key.Key_K)
    assert page.switches.layers == {0} and "off" in page.heads.accessibleDescription()
    qtbot.keyClick(page.heads, Qt.Key.Key_Left)
    qtbot.keyClick(page.heads, Qt.Key.Key_Space)
    assert page.switches.mlps == {0}
    page.strip.repaint()
    qtbot.mouseClick(page.strip, LEFT, pos=page.strip.box(2).center().toPoint())
    assert page.switches.tokens == {2} == page.strip.struck
    page.scaled.click()
    page.causal.click()
    settle(qtbot, page)
    assert not page.switches.scaled and not page.switches.causal
    assert describe(page.switches) == "off: MLP 1, layer 1, token 3, no scaling, no mask"
    assert describe(page.switches) in page.loss.text()
    page.look_at(ModelRef(folder), ("on a mat the",))
    settle(qtbot, page)
    assert not page.switches.tokens and page.switches.layers == {0}


def test_what_is_knocked_out_is_off_in_the_attention_too(
    engine: Engine, qtbot: QtBot, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENSTUDIO_HOME", str(Path(folder).parents[1]))  # where the library lists
    library = Library(engine)
    tab, hand = PlaygroundTab(engine, library), ByHand(folder)
    qtbot.addWidget(tab)
    tab.resize(1280, 680)
    tab.show()
    library.set_runs(tuple(list_runs(Path(folder).parent)))
    tab.document.set_text(TEXT)

    def ready(title: str) -> Any:
        page = tab.page(title)
        qtbot.waitUntil(lambda: page._looked_at is not None and page._looked_at[1] == (TEXT,), timeout=LONG)
        settle(qtbot, page)
        return page

    def shown(off: Ablation) -> None:
        made = hand.forward(ids_of(evaluated(folder)), off)["layers"][1]["weights"][0].detach().numpy()
        np.testing.assert_allclose(page.map.snapshot.weights, made, atol=6e-4)

    tab.inspectors.open("Attention")
    page = ready("Attention")
    page.heads.choose(0, 1)
    assert not page.off.isVisible() and not page.restore.isVisible()
    qtbot.mouseClick(page.knock_out, LEFT)
    other = ready("Knock out")
    off = Ablation(heads=frozenset({(0, 1)}))
    assert tab.inspectors.current is other and other.switches == off and "off: head 1.2" in other.loss.text()
    tab.inspectors.open("Attention")
    page.heads.choose(1, 0)
    settle(qtbot, page)
    assert page.off.isVisible() and page.off.text() == "Shown with parts off: head 1.2" and page.heads.off(0, 1)
    shown(off)
    qtbot.mouseClick(page.restore, LEFT)
    settle(qtbot, page)
    assert not page.off.isVisible() and not other.switches
    shown(Ablation())


def test_the_lens_is_the_models_at_the_top(engine: Engine, qtbot: QtBot, folder: str, opened: Any) -> None:
    page = LensPage(engine)
    assert not look(qtbot, page, folder)
    ids = ids_of(opened)
    with torch.no_grad():
        chances = opened.model.transformer(ids[None])[0].softmax(-1).numpy()
    page.view.repaint()
    for place in (19, 12):
        page.view.choose(2, place)
        best = np.sort(chances[place])[::-1][:10]
        np.testing.assert_allclose([value for _, value in page.top.values], best, atol=1e-5)
    follows = int(ids[13])
    rank = int((chances[12] > chances[12, follows]).sum()) + 1
    assert f"rank {rank} here" in page.summary.text()
    with qtbot.waitSignal(page.view.cell_chosen) as caught:
        qtbot.mouseClick(page.view, LEFT, pos=page.view.cell(0, 12).center().toPoint())
    assert caught.args == [0, 12] and "embedding" in page.view.accessibleDescription()
    qtbot.keyClick(page.view, Qt.Key.Key_Up)
    assert (page.view.level, page.view.place) == (1, 12)


def test_the_lens_reaches_every_token_part_by_part(
    engine: Engine, qtbot: QtBot, folder: str, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[Any] = []

    def asked(*given: Any, **more: Any) -> LookThroughLens:
        parts.append(LookThroughLens(*given, positions=6, **more))
        return parts[-1]

    monkeypatch.setattr("genstudio.ui.playground.lens_page.LookThroughLens", asked)
    page, text = LensPage(engine), "the cat sat on a mat and ran on a"[:32]
    assert not look(qtbot, page, folder, text, size=(320, 560))
    ids = ids_of(opened, text)
    assert page.bar.isVisible() and page.bar.value() == page.bar.maximum() == len(ids) - page.view.fitting()
    assert f"to {len(ids)} of {len(ids)}" in page.view.note()
    number = page.view.snapshot.looked
    for first in (page.bar.maximum() - 8, 0, 9, 0):
        page.bar.setValue(first)
        settle(qtbot, page)
    assert page.view.first == 0 and {part.looked for part in parts[1:]} == {number} and len(parts) < 9
    page.view.choose(2, 4)
    with torch.no_grad():
        chances = opened.model.transformer(ids[None])[0].softmax(-1).numpy()
    for place in range(page.view.fitting()):
        cell = page.view.at(2, place)
        assert [chance for _, chance in cell.likely] == pytest.approx(np.sort(chances[place])[::-1][:10], abs=1e-5)
        assert cell.chance == pytest.approx(chances[place, ids[place + 1]], abs=1e-5)
    assert f"rank {int((chances[4] > chances[4, ids[5]]).sum()) + 1} here" in page.summary.text()
    page.look_at(ModelRef(folder), (text,))
    settle(qtbot, page)
    assert (page.view.first, page.view.level, page.view.place) == (0, 2, 4) and page.view.snapshot.looked != number
    assert all(page.view.at(0, place) is not None for place in range(page.view.fitting()))
    qtbot.keyClick(page.view, Qt.Key.Key_End)
    settle(qtbot, page)
    assert page.view.place == len(ids) - 1 and page.bar.value() == page.bar.maximum()


def test_saliency_shows_gradient_times_input(engine: Engine, qtbot: QtBot, folder: str, opened: Any) -> None:
    page = SaliencyPage(engine)
    page.method.setCurrentText("Gradient × input")
    assert not look(qtbot, page, folder)
    model = opened.model.transformer

    def by_autograd(ids: Any, target: int | None = None) -> tuple[Any, int, float]:
        kept: list[Any] = []
        hook = model.tokens.register_forward_hook(lambda _m, _g, out: kept.append(out.detach().requires_grad_()) or kept[0])
        logprobs = model(ids[None])[0, -1].log_softmax(-1)
        hook.remove()
        target = int(logprobs.argmax()) if target is None else target
        (gradient,) = torch.autograd.grad(logprobs[target], kept[0])
        return (gradient * kept[0]).sum(-1)[0].detach().numpy(), target, logprobs[target].item()

    scores, target, logprob = by_autograd(ids_of(opened))
    np.testing.assert_allclose(page.strip.values, scores / np.abs(scores).max(), atol=1e-3)
    assert f"{100 * math.exp(logprob):.1f}%" in page.summary.text() and page.target.currentData() == target
    assert [value for _, value in page.strongest.values] == pytest.approx(sorted(scores, key=abs, reverse=True)[:30], abs=1e-4)
    page.strip.repaint()
    qtbot.mouseClick(page.strip, LEFT, pos=page.strip.box(8).center().toPoint())
    settle(qtbot, page)
    ids = ids_of(opened)
    scores, _, logprob = by_autograd(ids[:8], int(ids[8]))
    np.testing.assert_allclose(page.strip.values[:8], scores / np.abs(scores).max(), atol=1e-3)
    assert not page.strip.values[8:].any() and "as token 9" in page.summary.text()
    page.target.setCurrentIndex(3)
    page.target.activated.emit(3)
    settle(qtbot, page)
    assert "as the next token" in page.summary.text()


def test_induction_shows_scores_and_losses(engine: Engine, qtbot: QtBot, folder: str) -> None:
    page = InductionPage(engine)
    assert not look(qtbot, page, folder)
    found = page.scores.snapshot
    rows = list(page.scores.table()[1])
    assert rows[1] == (1, 2, pytest.approx(float(found.scores[0, 1])))
    first, again = found.losses[: found.period - 1].mean(), found.losses[found.period :].mean()
    assert f"{first:.2f} nats per token the first time, {again:.2f} the second" in page.summary.text()
    assert page.start.isEnabled()
    page.seed.editor.changed.emit(5)
    settle(qtbot, page)
    assert page.scores.snapshot is not found and not np.array_equal(page.scores.snapshot.scores, found.scores)


@pytest.mark.parametrize("page_type", [AttentionPage, AblationPage, LensPage, SaliencyPage, InductionPage])
def test_hostile_texts_and_a_model_that_goes_away(
    page_type: Any, engine: Engine, qtbot: QtBot, folder: str, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    shutil.copytree(folder, gone)
    page = page_type(engine)
    assert not look(qtbot, page, str(gone), "")
    for text in ("a", TEXT * 50_000, "日", TEXT):
        page.look_at(ModelRef(str(gone)), (text,))
        settle(qtbot, page)
        page.grab()
    failures: list[Any] = []
    page.failed.connect(failures.append)
    shutil.rmtree(gone)
    page.look_at(ModelRef(str(tmp_path / "never")), (TEXT,))
    settle(qtbot, page)
    assert failures and all(failure.message and not failure.details for failure in failures)
    page.grab()


@pytest.mark.parametrize("size", [(240, 240), (480, 520), (1400, 900)])
def test_every_size_can_be_painted_and_exported(engine: Engine, qtbot: QtBot, folder: str, size: Any, tmp_path: Path) -> None:
    for page_type in (AttentionPage, AblationPage, LensPage, SaliencyPage, InductionPage):
        page: Any = page_type(engine)
        look(qtbot, page, folder, size=size)
        page.grab()
        from genstudio.ui.views.view import Figure

        for index, figure in enumerate(page.findChildren(Figure)):
            for suffix in ("png", "svg", "csv"):
                path = tmp_path / f"{page_type.__name__}_{index}.{suffix}"
                figure.save(path)
                assert path.stat().st_size
