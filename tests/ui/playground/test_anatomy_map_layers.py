"""The anatomy, the map, the positions and the layers of a trained model, on the screen: by mouse, by keys, by hostile hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QComboBox, QWidget
from read_back import drawn

from genstudio import families
from genstudio.errors import Failure
from genstudio.snapshots.layers import LayerStatistics
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.train import Train
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.playground.anatomy_page import AnatomyPage
from genstudio.ui.playground.layers_page import LayersPage
from genstudio.ui.playground.map_page import MapPage
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.positions_page import PositionsPage
from genstudio.ui.train.panel import RunPanel
from helpers import LONG, TINY, answer, run_task, text_file, words

PAGES = (AnatomyPage, PositionsPage, MapPage, LayersPage)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    home = tmp_path_factory.mktemp("inside")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(home / "home"))
        settings = TINY | {"context": 16}
        task = Train("gpt", str(text_file(home)), settings, steps=20, runs_folder=home / "runs")
        return str(answer(run_task(task), "run"))


@pytest.fixture
def shown(qtbot: Any, qapp: Any, folder: str) -> Iterator[Callable[..., Any]]:
    theme.apply(qapp, "light")
    engine = Engine()

    def make(kind: type[Page], text: str = "the cat sat", run: str = "", width: int = 560, wait: bool = True) -> Any:
        page = kind(engine)  # type: ignore[call-arg]
        page.failures = []
        page.failed.connect(page.failures.append)
        qtbot.addWidget(page)
        page.resize(width, 560)
        page.show()
        page.look_at(ModelRef(run or folder), (text,))
        if wait:
            rest(qtbot, page)
        return page

    yield make
    engine.close()


def rest(qtbot: Any, page: Page) -> None:
    qtbot.waitUntil(lambda: not page._engine.running and not page._jobs, timeout=LONG)


def test_the_stages_are_walked_through_by_keys_and_buttons(shown: Any, qtbot: Any) -> None:
    page = shown(AnatomyPage)
    stages = page.diagram.stages
    assert len(stages) > 20
    page.diagram.setFocus()
    seen = []
    for index in range(len(stages)):
        assert page.diagram.chosen == index
        assert page.heading.text() == f"{index + 1} of {len(stages)}   {stages[index].title}"
        assert page.formula.text() == stages[index].formula
        assert page.matrix.matrix is not None
        np.testing.assert_array_equal(page.matrix.matrix.values, stages[index].values)
        seen.append(stages[index].key)
        qtbot.keyClick(page.diagram, Qt.Key.Key_Right)
    assert page.diagram.chosen == len(stages) - 1
    assert len(set(seen)) == len(stages)
    assert not page.next.isEnabled()
    qtbot.mouseClick(page.previous, Qt.MouseButton.LeftButton)
    assert page.diagram.chosen == len(stages) - 2
    qtbot.keyClick(page.diagram, Qt.Key.Key_Home)
    assert page.diagram.chosen == 0
    assert not page.previous.isEnabled()
    qtbot.keyClick(page, Qt.Key.Key_PageDown)
    assert page.diagram.chosen == 1


def test_a_click_enlarges_a_stage_and_hovering_tells_its_numbers(shown: Any, qtbot: Any) -> None:
    page = shown(AnatomyPage, width=1200)
    keys = [stage.key for stage in page.diagram.stages]
    tile = page.diagram.tile(keys.index("weights")).center().toPoint()
    qtbot.mouseClick(page.diagram, Qt.MouseButton.LeftButton, pos=tile)
    assert page.diagram.stages[page.diagram.chosen].key == "weights"
    drawn(page.matrix)
    weights = page.diagram.stages[page.diagram.chosen].values
    for row, column in ((0, 0), (5, 2), (10, 10)):
        at = page.matrix.cell(row, column).center()
        assert page.matrix.cell_at(at) == (row, column)
        qtbot.mouseMove(page.matrix, at.toPoint())
        assert float(page.matrix.describe(row, column)) == pytest.approx(
            float(weights[row, column]), rel=1e-2, abs=1e-9
        )
    page.diagram.choose(keys.index("masked"))
    assert page.matrix.describe(0, 1) == "masked"
    assert page.matrix.matrix.row(0) == "t"
    header, rows = page.matrix.table()
    assert len(list(rows)) == 11
    assert len(header) == 12


def test_every_tile_is_seen_and_none_covers_another(shown: Any) -> None:
    for width in (420, 560, 900, 1300):
        page = shown(AnatomyPage, width=width)
        boxes = [page.diagram.tile(index) for index in range(len(page.diagram.stages))]
        assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])
        inside = page.diagram.rect()
        assert all(inside.contains(box.toAlignedRect()) for box in boxes), width


def test_the_switches_change_the_numbers_and_say_how(shown: Any, qtbot: Any) -> None:
    page = shown(AnatomyPage)
    keys = [stage.key for stage in page.diagram.stages]
    page.diagram.choose(keys.index("weights"))
    plain = page.matrix.matrix.values.copy()
    page.causal.click()
    rest(qtbot, page)
    assert page.diagram.stages[page.diagram.chosen].key == "weights"
    leaked = page.matrix.matrix.values
    upper = np.triu_indices(len(leaked), 1)
    assert (plain[upper] == 0).all()
    assert (leaked[upper] > 0).all()
    assert "future" in page.note.text()
    page.causal.click()
    page.scaled.click()
    rest(qtbot, page)
    assert "→" in page.note.text()
    page.scaled.click()
    page.temperature.set_value(0.5)
    page.temperature.changed.emit(0.5)
    rest(qtbot, page)
    found = {stage.key: stage.values for stage in page.diagram.stages}
    np.testing.assert_allclose(found["tempered"], found["logits"] * 2, rtol=1e-5)


def test_layer_and_head_are_chosen_and_kept(shown: Any, qtbot: Any) -> None:
    page = shown(AnatomyPage)
    assert (page.layer.count(), page.head.count()) == (2, 2)
    page.layer.setCurrentIndex(1)
    page.head.setCurrentIndex(1)
    rest(qtbot, page)
    assert (page.diagram.snapshot.layer, page.diagram.snapshot.head) == (1, 1)
    assert (page.layer.currentIndex(), page.head.currentIndex()) == (1, 1)


def test_the_picture_of_positions_follows_its_choice(shown: Any) -> None:
    page = shown(PositionsPage)
    assert "rotates" in page.words.text() and "1,000" in page.words.text()
    code = page.distance.snapshot
    np.testing.assert_array_equal(page.picture.matrix.values, code.table)
    page.shown.setCurrentIndex(1)
    np.testing.assert_array_equal(page.picture.matrix.values, code.similarity)
    header, rows = page.distance.table()
    assert [row[1] for row in rows] == code.near.tolist()
    assert header[0] == "distance"
    drawn(page.distance)
    assert page.distance.at(page.distance._plot(page.distance.rect().toRectF()).left()) == 0


def test_a_token_is_found_clicked_and_its_neighbours_are_listed(shown: Any, qtbot: Any) -> None:
    page = shown(MapPage)
    names = page.view.snapshot.names
    qtbot.keyClicks(page.search, "t")
    assert [names[i] for i in page.view.found] == ["t"]
    qtbot.keyClick(page.search, Qt.Key.Key_Return)
    rest(qtbot, page)
    assert names[page.view.chosen] == "t"
    assert page.near.count() == 12
    cosines = [float(page.near.item(i).text().split()[0]) for i in range(12)]
    assert cosines == sorted(cosines, reverse=True)
    weight = Models().get(page._model).model.transformer.tokens.weight.detach().numpy().astype(np.float64)
    unit = weight / np.linalg.norm(weight, axis=1, keepdims=True)
    at = int(page.view.snapshot.ids[page.view.chosen])
    expected = np.sort(np.delete(unit @ unit[at], at))[::-1][:12]
    np.testing.assert_allclose(cosines, expected, atol=6e-4)
    index = names.index("a")
    place = page.view.pixels(page.view.snapshot.points)[index]
    assert page.view.point_at(QPointF(*place)) >= 0
    qtbot.mouseClick(page.view, Qt.MouseButton.LeftButton, pos=QPoint(*(int(v) for v in place)))
    rest(qtbot, page)
    assert page.view.chosen >= 0 and "Nearest to" in page.near_title.text()
    page.view.setFocus()
    before = page.view.chosen
    page.search.clear()
    qtbot.keyClick(page.view, Qt.Key.Key_N)
    rest(qtbot, page)
    assert page.view.chosen != before


def test_the_names_on_the_map_never_hide_each_other(shown: Any, qtbot: Any) -> None:
    from genstudio.ui.views.embedding import names_with_room

    rng = np.random.default_rng(0)
    at = rng.random((500, 2)) * (400, 300)
    sizes = np.stack([rng.random(500) * 60 + 8, np.full(500, 14.0)], 1)
    from PySide6.QtCore import QRectF

    area = QRectF(0, 0, 400, 300)
    placed = names_with_room(at, sizes, range(500), area)
    boxes = list(placed.values())
    assert 0 in placed and len(boxes) > 50
    assert all(area.contains(box) for box in boxes)
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_hidden_states_and_t_sne_can_be_mapped_and_cancelled(shown: Any, qtbot: Any) -> None:
    page = shown(MapPage)
    assert [page.space.itemText(i) for i in range(2, page.space.count())] == [
        "Text, before layer 1", "Text, after layer 1", "Text, after layer 2",
    ]  # fmt: skip
    page.space.setCurrentIndex(4)
    rest(qtbot, page)
    assert "".join(page.view.snapshot.names) == "the␣cat␣sat"
    page.space.setCurrentIndex(0)
    page.method.setCurrentIndex(1)
    qtbot.waitUntil(lambda: page.stop.isVisible(), timeout=LONG)
    qtbot.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    rest(qtbot, page)
    assert page.again.isVisible() and not page.stop.isVisible()
    assert page.failures == []


def test_layers_are_shown_as_ridges_and_colours_with_their_numbers(shown: Any) -> None:
    page = shown(LayersPage)
    view = page.panel.view
    statistics = view.snapshot
    assert isinstance(statistics, LayerStatistics)
    for quantity in range(3):
        for style in range(2):
            page.panel.quantity.setCurrentIndex(quantity)
            page.panel.style_choice.setCurrentIndex(style)
            assert not page.grab().isNull()
            kind = page.panel.quantity.currentData()
            distributions = getattr(statistics, kind)
            header, rows = view.table()
            table = list(rows)
            assert [row[0] for row in table] == list(distributions.names)
            np.testing.assert_array_equal([row[5:] for row in table], distributions.counts)
            assert len(header) == len(table[0])
            strip = view._strip(view.rect().toRectF())
            row = view.row_at(view._row(strip, 2, len(table)).center().y())
            assert row == 2
            said = {name: value for _, name, value in view.card((row, 3))[1]}
            assert float(said["norm"].replace(",", "")) == pytest.approx(float(distributions.norms[2]), rel=2e-3)


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("text", ["", "t", "the cat sat on a mat and ran " * 300, "@@@ the \x00"])
def test_odd_texts_are_no_fault(shown: Any, kind: type[Page], text: str) -> None:
    page = shown(kind, text)
    assert not any(not failure.expected for failure in page.failures)
    assert page.failures == []
    assert not page.grab().isNull()


@pytest.mark.parametrize("kind", PAGES)
def test_a_model_that_is_deleted_meanwhile_is_a_message(
    shown: Any, kind: type[Page], folder: str, tmp_path: Path, qtbot: Any
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    page = shown(kind, run=str(copy))
    shutil.rmtree(copy)
    page.look_at(ModelRef(str(copy), 999), ("the",))
    rest(qtbot, page)
    assert [failure.expected for failure in page.failures] == [True]
    assert isinstance(page.failures[0], Failure)


@pytest.mark.parametrize("kind", PAGES)
def test_everything_usable_has_a_name_and_both_themes_draw(shown: Any, kind: type[Page], qapp: Any) -> None:
    page = shown(kind)
    for widget in page.findChildren(QWidget):
        reached = isinstance(widget, QComboBox) or (widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible())
        if reached and not widget.objectName().startswith("qt_"):
            assert widget.accessibleName(), (type(widget).__name__, widget.objectName())
    light = page.grab().toImage()
    theme.apply(qapp, "dark")
    assert page.grab().toImage() != light
    theme.apply(qapp, "light")


def test_the_layers_come_live_in_the_panel_of_a_run(engine: Engine, qtbot: Any, tmp_path: Path) -> None:
    panel = RunPanel(engine, families.get("gpt"))
    qtbot.addWidget(panel)
    panel.show()
    pane = panel.pane("layers")
    panel.side.setCurrentWidget(pane)
    for frame in run_task(
        Train("gpt", str(text_file(tmp_path, words(800))), TINY, steps=3, runs_folder=tmp_path / "runs")
    ):
        panel.show_frame(frame)
    assert pane.view.view.snapshot.gradients is not None
    assert not panel.grab().isNull()
    panel.clear()
    assert pane.view is None
