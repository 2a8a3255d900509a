"""The Basics room in the real window: a network trained, looked at, computed by hand number by number, and its explorers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hand_torch import by_torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from genstudio.data import shelf
from genstudio.nn.activations import ACTIVATIONS
from genstudio.nn.by_hand import backward, forward
from genstudio.tasks.datasets import ImportClassPoints
from genstudio.ui.basics.by_hand import ByHandPage
from genstudio.ui.basics.curves_page import ActivationsPage, LossesPage
from genstudio.ui.basics.depth_page import DepthPage
from genstudio.ui.basics.network_page import NetworkPage
from genstudio.ui.basics.optimisers import OptimisersPage
from genstudio.ui.datasets.drawing import CLASSES, DrawPoints
from genstudio.ui.window import MainWindow
from helpers import LONG, result
from real_window import press


def column(page: ByHandPage, which: int) -> dict[str, float]:
    """Numbers of a column of the table, by the names of their rows."""
    cells = [[page.table.item(row, at).text() for at in (0, which)] for row in range(page.table.rowCount())]
    return {name: float(text) for name, text in cells if text}


def same(page: ByHandPage, slopes: dict[str, float], example: int) -> None:
    """The slopes of a table, six decimals, are those of autograd."""
    network = page.before or page.network
    assert network is not None
    some = slice(example, example + 1)
    _, weights, biases = by_torch(network, page.inputs[some], page.targets[some])
    layers = [np.concatenate([weight, bias[:, None]], 1).ravel() for weight, bias in zip(weights, biases, strict=True)]
    expected = np.concatenate(layers)
    assert list(slopes.values()) == pytest.approx(expected, abs=1e-6)


@pytest.fixture
def basics(window: MainWindow) -> Any:
    window.tabs.show_room("basics")
    tab = window.links.trainer("basics")
    tab.setup.choose_data("xor")
    return tab


def test_a_network_is_trained_and_every_number_of_it_is_autograds(
    window: MainWindow, basics: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = basics
    tab.setup.form.set_values({"width": 3, "standardise": False, "learning_rate": 1.0, "evaluate_every": 20})

    tab.explorers.choose("by_hand")
    page = tab.explorers.page
    assert isinstance(page, ByHandPage)
    qtbot.waitUntil(lambda: page.network is not None and page.network.sizes == (2, 3, 1), timeout=LONG)
    assert page.figure.ahead == 0 and not column(page, 2)  # nothing is computed yet
    page.number.setValue(3)
    for stage, title in enumerate(
        ("Forward, layer 1", "Forward, layer 2 (outputs)", "Loss", "Backward, layer 2", "Backward, layer 1", "Update"), 1
    ):
        qtbot.mouseClick(page.next, Qt.MouseButton.LeftButton)
        assert (page.stage, page.title.text()) == (stage, title)
        if title == "Backward, layer 1":
            same(page, column(page, 2), 2)
            assert page.chain.slope == pytest.approx(column(page, 2)["w₁₁  layer 2"], abs=1e-6)
    with monkeypatch.context() as broken:  # a derivative that is wrong is seen in the table
        tanh = ACTIVATIONS["tanh"]
        broken.setattr("genstudio.nn.by_hand.ACTIVATIONS", {**ACTIVATIONS, "tanh": replace(tanh, slope=tanh.value)})
        page.over.setCurrentIndex(1)
        page.over.setCurrentIndex(0)
        with pytest.raises(AssertionError):
            same(page, column(page, 2), 2)
    page.over.setCurrentIndex(1)
    page.over.setCurrentIndex(0)
    moved, was, slope = column(page, 3), column(page, 1), column(page, 2)
    assert all(moved[name] == pytest.approx(was[name] - 0.5 * slope[name], abs=2e-6) for name in moved)
    QTest.keyClick(page.next, Qt.Key.Key_Space)
    assert page.number.value() == 4 and page.stage == 0 and page.updates == 1

    page.go(page.last - 1)
    before = column(page, 2)
    row = next(row for row in range(page.table.rowCount()) if page.table.item(row, 0).text() == "w₁₁  layer 1")
    for at, typed in ((row, "2.5"), (0, "0,25"), (2, "1")):  # a weight, an input, the target
        page.table.item(at, 1).setText(typed)
        same(page, column(page, 2), 3)
    assert column(page, 2) != before and column(page, 1)["w₁₁  layer 1"] == 2.5
    page.table.item(row, 1).setText("much")
    assert "is not a number" in page.formula.text() and column(page, 1)["w₁₁  layer 1"] == 2.5

    tab.explorers.choose("")
    tab.setup.set_plan(1_000_000, None)
    press(qtbot, tab, "basics_start")
    pane = tab.panel.pane("network")
    qtbot.waitUntil(lambda: isinstance(pane.view, NetworkPage) and pane.view.state is not None and tab.step > 20, timeout=LONG)
    press(qtbot, tab, "basics_stop")
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)
    view = pane.view
    work = view.work()
    rows = [row for row in view.figure.table()[1] if row[0] == "weight"]
    back = backward(work.network, forward(work.network, work.inputs), work.targets)
    assert [row[6] for row in rows] == pytest.approx(np.concatenate([w.ravel() for w in back.weights]), abs=1e-9)
    _, weights, _ = by_torch(work.network, work.inputs, work.targets)
    assert [row[6] for row in rows] == pytest.approx(np.concatenate([w.ravel() for w in weights]), abs=1e-6)

    view.decision.setFocus()
    QTest.keyClick(view.decision, Qt.Key.Key_PageDown)
    QTest.keyClick(view.decision, Qt.Key.Key_PageDown)
    assert view.hovered == 1 and view.figure.worked.inputs.tolist() == [[0, 1]]  # its forward pass is shown
    QTest.keyClick(view.decision, Qt.Key.Key_Return)
    assert view.number.value() == 2
    QTest.keyClick(view.figure, Qt.Key.Key_Right)
    QTest.keyClick(view.figure, Qt.Key.Key_Return)
    assert view.figure.selected is not None and view.chain.factors

    tab.explorers.choose("by_hand")
    qtbot.waitUntil(lambda: page.state is not None and page.state.step == tab.step, timeout=LONG)


def test_explorers_need_no_run(window: MainWindow, basics: Any, qtbot: Any) -> None:
    tab = basics
    tab.explorers.choose("activations")
    page = tab.explorers.page
    assert isinstance(page, ActivationsPage)
    page.figure.setFocus()
    QTest.keyClick(page.figure, Qt.Key.Key_End)
    assert page.figure.values()["Sigmoid'"] == pytest.approx(0.002466509, abs=1e-6) and page.figure.bands
    assert "slope = 0.002467" in page.said.text() and page.at.value() == 6

    tab.explorers.choose("losses")
    page = tab.explorers.page
    assert isinstance(page, LossesPage)
    found = page.figure.values()
    assert abs(found["Cross-entropy, slope"]) > 20 * abs(found["Squared error, slope"])  # a surely wrong answer

    tab.explorers.choose("optimisers")
    page = tab.explorers.page
    assert isinstance(page, OptimisersPage)
    first = {kind: racer.losses[0] for kind, racer in page.racers.items()}
    page.advance(50)
    assert all(racer.losses[-1] < first[kind] for kind, racer in page.racers.items()) and len(page.racers) == 5
    page.rate.set_value(10.0)
    page.advance(50)
    assert "Diverged" in page.said.text()
    page.where.setCurrentIndex(page.where.count() - 1)
    qtbot.waitUntil(lambda: page.network is not None, timeout=LONG)
    page.rate.set_value(0.05)
    page.advance(40)
    assert min(racer.losses[-1] for racer in page.racers.values()) < page.racers["sgd"].losses[0]

    tab.explorers.choose("depth")
    page = tab.explorers.page
    assert isinstance(page, DepthPage)
    assert "vanish" in page.view.verdict()
    page.activation.setCurrentText("ReLU")
    page.kind.setCurrentText("He")
    assert "keep their size" in page.view.verdict()
    page.kind.setCurrentText("Too large")
    assert "explode" in page.view.verdict()
    tab.explorers.choose("")
    assert tab.stack.currentWidget() is tab.empty


def test_points_are_drawn_with_classes_and_become_rows(qtbot: Any) -> None:
    page = DrawPoints()
    qtbot.addWidget(page)
    for kind, place in (("class 1", (-1.0, 0.0)), ("class 3", (1.0, 0.0))):
        page.kind.setCurrentText(kind)
        page.canvas._brush = np.array(place)
        page.canvas.spray()
        page.canvas.lift()
        assert page.save.isEnabled() == (kind == "class 3")  # one class is nothing to tell apart
    with qtbot.waitSignal(page.classes_saved) as saved:
        page.save.click()
    name, points, labels = saved.args
    dataset = shelf.open_dataset(result(ImportClassPoints(points, labels, CLASSES[1:], name)))
    assert dataset.classes == ("class 1", "class 3") and np.array_equal(dataset.rows, points)
    assert dataset.named == ("class 1",) * 8 + ("class 3",) * 8
    page.canvas.undo()
    page.canvas.undo()
    page.kind.setCurrentText("none")
    page.canvas.spray()
    page.canvas.lift()
    with qtbot.waitSignal(page.saved):  # without classes they are points, as before
        page.save.click()
