"""Charts: what is appended is drawn, read, saved; hidden ones cost nothing."""

from __future__ import annotations

import csv
import gc
import math
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QMouseEvent, QPainter, QWheelEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from genstudio.errors import StorageError
from genstudio.ui import theme
from genstudio.ui.views.chart import crossings, tick_text
from genstudio.ui.views.curve_items import MARK_HEIGHT, Reference, shortened
from genstudio.ui.views.curves import CurveGroup, CurvesView, Line
from genstudio.ui.views.view import bubble_box

LOSS = [Line("train_loss", "training", "training", True), Line("val_loss", "validation", "validation")]


def loss_chart() -> CurvesView:
    return CurvesView("Loss", "nats", LOSS)


@pytest.fixture
def chart(qtbot: QtBot, qapp: QApplication) -> CurvesView:
    theme.apply(qapp, "light")
    made = loss_chart()
    qtbot.addWidget(made)
    made.resize(640, 320)
    made.show()
    steps = np.arange(1, 2001)
    made.append("train_loss", steps, 1.5 + 2.7 * np.exp(-steps / 80))
    made.append("val_loss", steps[::100], 1.6 + 2.6 * np.exp(-steps[::100] / 80))
    return made


def pixels(image: QImage, color: str, near: int = 40) -> int:
    wanted = QColor(color)
    count = 0
    for x in range(image.width()):
        for y in range(image.height()):
            found = image.pixelColor(x, y)
            distance = (
                abs(found.red() - wanted.red())
                + abs(found.green() - wanted.green())
                + abs(found.blue() - wanted.blue())
            )
            count += distance < near
    return count


def seen(view: CurvesView) -> int:
    return len(view.points("train_loss")[0])


def left_right(chart: CurvesView) -> list[float]:
    return [float(edge) for edge in chart.box.viewRange()[0]]


def low_high(chart: CurvesView) -> list[float]:
    return [float(edge) for edge in chart.box.viewRange()[1]]


def move(chart: CurvesView, at: QPointF) -> None:
    none = Qt.MouseButton.NoButton
    pane = chart.view.viewport()
    event = QMouseEvent(QEvent.Type.MouseMove, at, pane.mapToGlobal(at), none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(pane, event)


def turn_wheel(chart: CurvesView, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
    pane, none = chart.view.viewport(), Qt.MouseButton.NoButton
    phase = Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(at, pane.mapToGlobal(at), QPoint(), QPoint(0, 120), none, modifiers, phase, False)
    QApplication.sendEvent(pane, event)


def test_both_lines_are_drawn_in_their_colours(chart: CurvesView) -> None:
    image = chart.image()
    assert pixels(image, theme.BLUE) > 300 and pixels(image, theme.ORANGE) > 300
    chart.clear()
    assert pixels(chart.image(), theme.ORANGE) < 60


def test_hidden_charts_draw_what_was_missed_when_shown(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    real = CurvesView.draw
    monkeypatch.setattr(CurvesView, "draw", lambda self, *a: (drawn.append(seen(self)), real(self, *a)))
    hidden = loss_chart()
    qtbot.addWidget(hidden)
    for step in range(50):
        hidden.append("train_loss", np.array([step]), np.array([1.0]))
    QApplication.processEvents()
    assert drawn == []
    hidden.show()
    qtbot.waitUntil(lambda: 50 in drawn)


def test_many_appends_cost_few_drawings(chart: CurvesView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    QApplication.processEvents()
    drawn: list[int] = []
    real = CurvesView.draw
    monkeypatch.setattr(CurvesView, "draw", lambda self, *a: (drawn.append(seen(self)), real(self, *a)))
    for step in range(2001, 2301):
        chart.append("train_loss", np.array([step]), np.array([1.5]))
        QApplication.processEvents()
    qtbot.waitUntil(lambda: drawn[-1:] == [2300])
    assert len(drawn) < 60


def test_a_reference_that_stays_costs_no_drawing(chart: CurvesView, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(CurvesView, "redraw", lambda _self, live=False: asked.append(live))
    for value in (0.5, 0.5, None, None, 0.5):
        chart.set_reference("half", value, "cannot tell")
    assert asked == [False] * 3


def test_the_reference_that_matters_is_in_the_picture(chart: CurvesView) -> None:
    chart.set_reference("kn", 1.2, "Kneser-Ney 1.200")
    chart.set_reference("far", 400.0, "far 400")
    chart.image()
    low, high = low_high(chart)
    assert low < 1.2 and high < 10
    chart.set_reference("kn", None)
    chart.image()
    assert low_high(chart)[0] > 1.2


def test_an_error_while_drawing_is_an_error_and_not_the_end(chart: CurvesView, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("drawn wrongly")

    monkeypatch.setattr(CurvesView, "draw", broken)
    with pytest.raises(ValueError, match="drawn wrongly"):
        chart.image()
    with pytest.raises(ValueError, match="drawn wrongly"):
        chart._redraw()
    monkeypatch.undo()
    assert pixels(chart.image(), theme.BLUE) > 300


def test_a_wild_beginning_does_not_squeeze_the_rest(chart: CurvesView) -> None:
    values = np.full(1000, 2.0) + np.linspace(0.5, 0, 1000)
    values[:3] = 5000.0
    chart.replace("train_loss", np.arange(1000), values)
    chart.replace("val_loss", np.empty(0, np.int64), np.empty(0))
    chart.image()
    assert low_high(chart)[1] < 4


def test_not_a_number_breaks_nothing(chart: CurvesView) -> None:
    chart.append("train_loss", np.array([2001, 2002]), np.array([math.nan, math.inf]))
    chart.set_log(True)
    chart.append("train_loss", np.array([2003]), np.array([-1.0]))
    assert chart.image().width() == 640


def test_the_crosshair_is_one_for_the_group(chart: CurvesView, qtbot: QtBot) -> None:
    other = CurvesView("Rate", "", [Line("learning_rate", "rate", "rate")])
    qtbot.addWidget(other)
    group = CurveGroup([chart, other])
    chart.image()
    move(chart, chart.box.area().center())
    pixel = 2000 / chart.box.area().width()
    assert other._at == chart._at == pytest.approx(sum(left_right(chart)) / 2, abs=pixel)
    assert chart.bubble.isVisible() and chart._cross.line.value() == chart._at
    QApplication.sendEvent(chart, QEvent(QEvent.Type.Leave))
    assert other._at is None
    chart.setFocus()
    qtbot.keyClick(chart, Qt.Key.Key_Plus)
    assert other._window == chart._window is not None
    qtbot.keyClick(chart, Qt.Key.Key_Home)
    assert other._window is None and chart._window is None
    group.mark(3, "saved", "checkpoint")
    assert len(other._marks) == 1


def test_a_value_of_an_older_step_says_which(qtbot: QtBot) -> None:
    chart = CurvesView("Loss", "nats", LOSS)
    qtbot.addWidget(chart)
    chart.resize(640, 360)
    chart.show()
    chart.append("train_loss", np.arange(1, 50), np.linspace(4, 3, 49))
    chart.append("val_loss", np.array([0, 40]), np.array([4.159, 3.2]))
    chart.image()
    said: list[list[tuple[str, str]]] = []
    chart.bubble.say = lambda _at, lines, title="": said.append([*((n, v) for _, n, v in lines), ("", title)])
    for at, older in ((49, 40), (40, None), (39, 0)):
        chart.set_crosshair(None)
        chart._said = True
        chart.set_crosshair(at)
        chart.image()
        values = dict(said[-1])
        assert values[""] == f"step {at}"
        assert values["validation"].endswith("" if older is None else f"(step {older})")
        assert "(step" not in values["training"] and ("(step" in values["validation"]) == (older is not None)


def test_a_click_says_the_step_and_a_drag_does_not(chart: CurvesView, qtbot: QtBot) -> None:
    chart.image()
    middle, pane = chart.box.area().center().toPoint(), chart.view.viewport()
    with qtbot.waitSignal(chart.step_chosen) as caught:
        qtbot.mouseClick(pane, Qt.MouseButton.LeftButton, pos=middle)
    assert caught.args == [round(chart.box.mapSceneToView(QPointF(middle)).x())]
    chart.set_window((500, 1000))
    chart.image()
    with qtbot.assertNotEmitted(chart.step_chosen):
        qtbot.mousePress(pane, Qt.MouseButton.LeftButton, pos=middle)
        for shift in range(10, 110, 10):
            held = QMouseEvent(
                QEvent.Type.MouseMove,
                QPointF(middle.x() + shift, middle.y()),
                pane.mapToGlobal(QPointF(middle.x() + shift, middle.y())),
                Qt.MouseButton.NoButton,
                Qt.MouseButton.LeftButton,
                Qt.KeyboardModifier.NoModifier,
            )
            QApplication.sendEvent(pane, held)
        qtbot.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=QPoint(middle.x() + 100, middle.y()))
    left, right = left_right(chart)
    assert left < 480 and right - left == pytest.approx(500)


def test_the_wheel_zooms_only_with_focus_or_control(chart: CurvesView, qtbot: QtBot) -> None:
    chart.image()
    chart.clearFocus()
    middle = chart.box.area().center()
    turn_wheel(chart, middle, Qt.KeyboardModifier.NoModifier)
    assert chart._window is None
    before = low_high(chart)
    turn_wheel(chart, middle, Qt.KeyboardModifier.ControlModifier)
    assert chart._window is not None
    assert low_high(chart) == before
    left, right = left_right(chart)
    assert (left + right) / 2 == pytest.approx(1000, abs=5) and right - left < 1900
    pane, left_button, keys = chart.view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    at = pane.mapToGlobal(middle)
    for kind in (QEvent.Type.MouseButtonDblClick, QEvent.Type.MouseButtonRelease):
        QApplication.sendEvent(pane, QMouseEvent(kind, middle, at, left_button, left_button, keys))
    assert chart._window is None


class Paintings(QObject):
    count = 0

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_a_redraw_is_painted_once(chart: CurvesView, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not chart._timer.isActive())
    QApplication.processEvents()
    painted = Paintings()
    chart.view.viewport().installEventFilter(painted)
    for redraw in range(1, 6):
        chart.append("train_loss", np.array([2000 + 300 * redraw]), np.array([1.5]))
        chart._timer.stop()
        chart._redraw()
        qtbot.waitUntil(lambda redraw=redraw: painted.count >= redraw)
        qtbot.wait(20)
        assert painted.count == redraw


@pytest.mark.thorough
def test_redraws_leave_nothing_behind(chart: CurvesView) -> None:
    chart.set_reference("kn", 1.2, "Kneser-Ney 1.200")
    chart.mark(100, "saved", "checkpoint")
    chart.set_crosshair(500)

    def objects() -> int:
        gc.collect()
        return len(gc.get_objects())

    counts = []
    for _ in range(3):
        for step in range(20):
            chart.append("train_loss", np.array([len(chart.points("train_loss")[0]) + 1 + step]), np.array([1.5]))
            chart._redraw()
            chart.view.viewport().repaint()
        counts.append((objects(), len(chart.scene.items())))
    assert counts[2][1] == counts[1][1]
    assert counts[2][0] - counts[1][0] < 20


def test_zoom_shows_a_part(chart: CurvesView) -> None:
    chart.set_window((1000, 1500))
    chart.image()
    assert left_right(chart) == [1000, 1500]
    assert low_high(chart)[1] < 2.0


def test_what_came_after_a_step_can_be_forgotten(chart: CurvesView) -> None:
    steps, values = chart.points("train_loss")
    chart.mark(2, "saved", "Saved at step 2")
    chart.mark(int(steps[-1]), "saved", "Saved at the end")
    chart.forget_after(2)
    left = chart.points("train_loss")
    assert left[0].tolist() == steps[steps <= 2].tolist() and left[1].tolist() == values[steps <= 2].tolist()
    assert [mark.step for mark in chart._marks if mark.kind == "saved"] == [2]


def test_values_at_a_step_are_the_last_ones_before_it(chart: CurvesView) -> None:
    curve = chart._curves["val_loss"]
    step, value = curve.at(250) or (0, 0.0)
    assert step == 201 and value == pytest.approx(1.6 + 2.6 * math.exp(-201 / 80))
    assert curve.at(0) is None


def test_csv_holds_every_value(chart: CurvesView, tmp_path: Path) -> None:
    file = tmp_path / "loss.csv"
    chart.save(file)
    rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["step", "train_loss", "val_loss"] and len(rows) == 2001
    _, values = chart.points("train_loss")
    assert [float(row[1]) for row in rows[1:]] == values.tolist()
    assert rows[2][2] == ""


def test_pictures_can_be_read_back(chart: CurvesView, tmp_path: Path) -> None:
    chart.save(tmp_path / "loss.png")
    assert pixels(QImage(str(tmp_path / "loss.png")), theme.ORANGE) > 300
    chart.save(tmp_path / "loss.svg")
    drawing = QSvgRenderer(str(tmp_path / "loss.svg"))
    assert drawing.isValid() and drawing.viewBoxF() == QRectF(0, 0, 640, 320)


def test_a_drawing_is_what_the_screen_shows(chart: CurvesView, tmp_path: Path) -> None:
    values = 2.0 + np.linspace(0.5, 0, 2000)
    values[[900, 1300]] = 5000.0
    chart.replace("train_loss", np.arange(2000), values)
    chart.set_smoothing(0)
    chart.set_window((700, 1510))
    chart.save(tmp_path / "loss.svg")
    drawn = QImage(640, 320, QImage.Format.Format_ARGB32)
    drawn.fill(QColor(theme.LIGHT.panel))
    with QPainter(drawn) as painter:
        QSvgRenderer(str(tmp_path / "loss.svg")).render(painter)
    seen, area = chart.image(), chart.box.area().translated(3, 3)
    for picture in (drawn, seen):
        above = picture.copy(0, 0, 640, round(area.top()) - 3)
        assert pixels(above.copy(0, 0, round(above.width() * 0.6), above.height()), theme.BLUE) == 0
        assert pixels(picture.copy(0, 0, round(area.left()) - 2, 320), theme.ORANGE) == 0
    words = drawn.copy(0, 0, round(area.left()) - 2, 320), seen.copy(0, 0, round(area.left()) - 2, 320)
    dark = [pixels(picture, theme.LIGHT.quiet, 200) for picture in words]
    assert dark[0] == pytest.approx(dark[1], rel=0.3) and dark[1] > 50
    assert pixels(drawn, theme.BLUE) == pytest.approx(pixels(seen, theme.BLUE), rel=0.5)


def test_the_legend_follows_the_theme(chart: CurvesView, qapp: QApplication) -> None:
    for look, name in ((theme.DARK, "dark"), (theme.LIGHT, "light")):
        theme.apply(qapp, name)  # type: ignore[arg-type]
        image, legend = chart.image(), chart.legend.geometry().translated(3, 3)
        assert pixels(image.copy(legend.toAlignedRect()), look.quiet, 60) > 20


@pytest.mark.parametrize("suffix", ["png", "svg", "csv"])
def test_a_place_that_cannot_be_written_is_said(chart: CurvesView, tmp_path: Path, suffix: str) -> None:
    with pytest.raises(StorageError) as caught:
        chart.save(tmp_path / "no such folder" / f"loss.{suffix}")
    assert caught.value.path is not None and caught.value.hint


def test_a_long_table_is_written_in_slices(
    chart: CurvesView, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = np.arange(1, 20_001)
    chart.replace("train_loss", steps, steps / 8)
    chart.replace("val_loss", np.array([5000, 25_000]), np.array([0.5, 0.25]))
    file = tmp_path / "long.csv"
    slices: list[bool] = []
    real = CurvesView._write_on
    monkeypatch.setattr(CurvesView, "_write_on", lambda self: (slices.append(file.exists()), real(self)))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    chart._writer.timeout.disconnect()
    chart._writer.timeout.connect(chart._write_on)
    chart._ask("Table (*.csv)", ".csv")
    qtbot.waitUntil(lambda: not chart._writer.isActive())
    assert len(slices) >= 5 and not any(slices)
    rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))
    assert [int(row[0]) for row in rows[1:]] == [*range(1, 20_001), 25_000]
    assert rows[5000] == ["5000", "625.0", "0.5"] and rows[-1] == ["25000", "", "0.25"]
    assert [path.name for path in tmp_path.iterdir()] == ["long.csv"]


def test_a_table_that_cannot_be_written_is_said(
    chart: CurvesView, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "nowhere" / "a.csv"), ""))
    with qtbot.waitSignal(chart.failed) as caught:
        chart._ask("Table (*.csv)", ".csv")
    assert "not saved" in caught.args[0].message
    assert not chart._writer.isActive()


def test_colours_follow_the_theme(chart: CurvesView, qapp: QApplication) -> None:
    theme.apply(qapp, "dark")
    assert pixels(chart.image(), theme.DARK.panel, 6) > 640 * 320 / 2
    theme.apply(qapp, "light")
    assert pixels(chart.image(), theme.LIGHT.panel, 6) > 640 * 320 / 2


def test_labels_of_references_never_overlap(chart: CurvesView, monkeypatch: pytest.MonkeyPatch) -> None:
    from genstudio.ui.views import chart as frame

    placed: list[QRectF] = []
    real = frame.place
    monkeypatch.setattr(frame, "place", lambda *a: (placed.append(real(*a)), placed[-1])[1])
    for index, value in enumerate((1.50, 1.51, 1.52, 1.53, 1.54)):
        chart.set_reference(str(index), value, f"a long reference label number {index}")
    chart.image()
    assert len(placed) == 5
    assert not any(a.intersects(b) for i, a in enumerate(placed) for b in placed[:i])


def test_words_of_milestones_lie_on_no_mark_and_on_no_other_label(chart: CurvesView) -> None:
    chart.set_reference("floor", 1.35, "1.350 Kneser-Ney 6")
    for step, kind, text in ((900, "milestone", "Beats letter frequencies."), (960, "saved", "Saved."), (1000, "best", "Best."),
                             (1100, "milestone", "First real word: the."), (1900, "milestone", "Beats Kneser-Ney.")):  # fmt: skip
        chart.mark(step, kind, text)
    chart.image()
    words = [label.sceneBoundingRect() for label in chart._notes.labels if label.isVisible()]
    assert len(words) == 3, "there is room for all of them"
    area = chart.box.area()
    spots = chart.box.pixels(np.array([900.0, 960.0, 1000.0, 1100.0, 1900.0]), np.zeros(5))[:, 0]
    marks = [QRectF(x - 4, area.bottom() - 9, 8, 9) for x in spots.tolist()]
    lines = [label.mapRectToScene(label.boundingRect()) for _, label in chart._lines._items.values() if label.isVisible()]
    assert lines and not any(word.intersects(other) for word in words for other in [*marks, *lines])
    assert not any(a.intersects(b) for i, a in enumerate(words) for b in words[:i])


@pytest.mark.parametrize("seed", range(6))
def test_names_of_lines_lie_on_no_mark(chart: CurvesView, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for step in rng.integers(0, 2000, 60).tolist():
        chart.mark(step, "saved", "Saved.")
    for index, value in enumerate(rng.uniform(1.1, 1.7, 2)):
        chart.set_reference(str(index), float(value), f"{value:.3f} line {index}")
    chart.image()
    labels = [label for _, label in chart._lines._items.values() if label.isVisible()]
    edge = chart.box.area().bottom() - MARK_HEIGHT
    assert labels and all(label.mapRectToScene(label.boundingRect()).bottom() <= edge + 1 for label in labels)


@pytest.mark.parametrize("seed", range(6))
def test_words_of_milestones_lie_on_no_curve(chart: CurvesView, seed: int) -> None:
    rng = np.random.default_rng(seed)
    chart.clear()
    chart.append("train_loss", np.arange(2000), 2.3 * np.exp(-np.arange(2000) / rng.uniform(20, 400)))
    for step in rng.integers(0, 2000, 4).tolist():
        chart.mark(step, "milestone", "Beats the nearest mean picture.")
    chart.image()
    words = [label.sceneBoundingRect() for label in chart._notes.labels if label.isVisible()]
    assert len(chart._drawn) > 100 and not any(crossings(word, chart._drawn) for word in words)


@pytest.mark.parametrize("seed", range(6))
def test_names_of_lines_stay_in_a_small_chart(qtbot: QtBot, seed: int) -> None:
    rng = np.random.default_rng(seed)
    small = CurvesView("Accuracy", "share of held-out pictures", LOSS)
    qtbot.addWidget(small)
    small.resize(330, int(rng.integers(170, 260)))
    small.show()
    small.append("train_loss", np.arange(100), rng.uniform(0.0, 1.0, 100))
    for index, value in enumerate(rng.uniform(0.8, 1.0, 4)):
        small.set_reference(str(index), float(value), f"a longer name of line {index} {value:.1%}")
    small.image()
    labels = [label for _, label in small._lines._items.values() if label.isVisible()]
    area = small.box.area().adjusted(-1, -3, 1, 3)
    assert all(area.contains(label.mapRectToScene(label.boundingRect())) for label in labels)


def test_own_colours_and_new_series(qtbot: QtBot) -> None:
    view = CurvesView("Two", "", [Line("a", "first", "#CC0000")])
    qtbot.addWidget(view)
    view.add_series(Line("b", "second"))
    view.append("b", np.array([1, 2]), np.array([1.0, 2.0]))
    with pytest.raises(KeyError):
        view.append("c", np.array([1]), np.array([1.0]))


def test_other_series_look_as_in_a_chart_of_their_own(qtbot: QtBot) -> None:
    """Fewer, more, and other ones than before, with what is left of the old ones hidden."""
    charts = [CurvesView("Loss", "nats", [Line(str(n), f"old {n}") for n in range(4)]), CurvesView("Loss", "nats")]
    for made in charts:
        qtbot.addWidget(made)
        made.resize(500, 300)
    for count, word in ((2, "two"), (6, "six"), (0, "none"), (3, "three")):
        lines = [Line(str(n), f"{word} {n}", smooth=n % 2 == 0) for n in range(count)]
        kept, fresh = charts[0], CurvesView("Loss", "nats", lines)
        kept.image()
        qtbot.addWidget(fresh)
        fresh.resize(500, 300)
        kept.set_series(lines)
        for made in (kept, fresh):
            for line in lines:
                made.append(line.name, np.arange(1, 30), np.linspace(1 + int(line.name), 0.5, 29))
        assert [label.text for _, label in kept.legend.items] == [line.label for line in lines]
        below = [made.image().copy(0, 34, 500, 266) for made in (kept, fresh, charts[1])]  # labels differ by part of a pixel
        assert below[0] == below[1] and (below[0] != below[2] or not count), f"{count} series"


def test_a_label_without_room_is_shorter(chart: CurvesView) -> None:
    metrics = QFontMetricsF(theme.font(theme.SMALL, tabular=True))
    reference = Reference(0.972, "0.972 real coverage", "0.972 real")
    whole, short = (metrics.horizontalAdvance(text) for text in reference[1:])
    assert reference.fitting(metrics, whole + 1) == reference.label
    assert reference.fitting(metrics, whole - 1) == reference.fitting(metrics, short + 1) == reference.short
    assert reference.fitting(metrics, short - 1).endswith("…")
    chart.set_reference("floor", *reference)
    for width, said in ((600, reference.label), (190, reference.short)):
        chart.resize(width, 200)
        chart.image()
        assert chart._lines._items["floor"][1].textItem.toPlainText().startswith(said)


def test_a_drag_on_the_legend_is_left_to_the_chart(chart: CurvesView) -> None:
    class Drag:
        ignored = False

        def ignore(self) -> None:
            self.ignored = True

    drag = Drag()
    chart.legend.mouseDragEvent(drag)
    assert drag.ignored


def test_of_many_lines_those_with_points_are_named(qtbot: QtBot, qapp: QApplication) -> None:
    many = CurvesView("Parameters", "", [Line(name, name) for name in ("a", "b", "c", "d", "e")])
    qtbot.addWidget(many)
    many.resize(500, 300)
    many.show()

    def named() -> list[str]:
        many.image()
        return [label.text for _, label in many.legend.items]

    assert named() == [] and not many.legend.isVisible(), "which of them there will be is not known yet"
    many.append("b", np.array([1, 2]), np.array([0.0, 1.0]))
    many.append("d", np.array([1, 2]), np.array([2.0, 1.0]))
    assert named() == ["b", "d"]
    many.clear()
    assert named() == []


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_the_card_of_a_step_lies_beside_the_curves(qtbot: QtBot, qapp: QApplication, level: float) -> None:
    flat = CurvesView("Flat", "", [Line("a", "a"), Line("b", "b")])
    qtbot.addWidget(flat)
    flat.resize(700, 320)
    flat.show()
    steps = np.arange(1, 200)
    flat.append("a", steps, np.full(199, level))
    flat.append("b", np.array([1, 2]), np.array([0.0, 1.0]))
    flat.image()
    flat.set_crosshair(100.0)
    assert flat.bubble.isVisible()
    assert covered(flat) == 0, "there is room without a curve"


def covered(view: CurvesView) -> int:
    """Points of curves that the card covers."""
    return crossings(bubble_box(*view.bubble._shown), view._drawn)


def test_names_in_the_legend_stay_in_a_chart_that_became_small(qtbot: QtBot, qapp: QApplication) -> None:
    lines = [Line("a", "held out"), Line("b", "with another picture"), Line("c", "text alone")]
    small = CurvesView("Masked words", "share", lines)
    qtbot.addWidget(small)
    small.resize(500, 180)
    small.show()
    for width in (500, 203):
        small.resize(width, 180)
        small.image()
        legend = small.legend
        assert legend.pos().x() + legend.width() <= width, "the widths are those of the names as they are cut"
        assert all(label.geometry().right() <= legend.width() + 1 for _, label in legend.items)


def test_names_that_begin_alike_are_cut_where_they_are_alike(qapp: QApplication) -> None:
    metrics = QFontMetricsF(theme.font(theme.SMALL))
    names = [f"Shakespeare in three minutes, Learning rate {rate}" for rate in ("0.001", "0.004", "0.02")]
    whole = max(metrics.horizontalAdvance(name) for name in names)
    for share in (0.8, 0.4, 0.2):
        shown = shortened(names, metrics, share * whole)
        assert [name.endswith(rate) for name, rate in zip(shown, ("0.001", "0.004", "0.02"), strict=True)] == [True] * 3
        assert all(name.startswith("…") and metrics.horizontalAdvance(name) <= share * whole for name in shown)
    assert shortened(names, metrics, whole) == names
    assert shortened(["validation", "training"], metrics, 40)[0].startswith("v"), "names that differ from their first letter on"


def test_marks_stand_below_the_curves(chart: CurvesView, qapp: QApplication) -> None:
    for name in ("train_loss", "val_loss"):
        chart.append(name, np.arange(50), np.zeros(50))

    def lowest() -> float:
        chart.image()
        return float(chart.box.area().bottom() - chart._drawn[:, 1].max())

    assert lowest() < MARK_HEIGHT
    chart.mark(20, "milestone", "First real word.")
    assert lowest() >= MARK_HEIGHT


def test_values_that_hardly_differ_have_ticks_that_do(chart: CurvesView, qapp: QApplication) -> None:
    chart.clear()
    chart.append("val_loss", np.array([0]), np.array([4.158884]))
    chart.set_reference("uniform", math.log(64), "uniform 4.159")
    chart.image()
    axis, area = chart._axes[0], chart.box.area()
    words = [tick_text(value) for value in axis.values(*low_high(chart), area.height())]
    assert len(words) > 1 and len(set(words)) == len(words)


@pytest.mark.parametrize("apart", [0.02, 0.05, 0.1])
def test_names_of_near_lines_stand_in_their_order(qtbot: QtBot, qapp: QApplication, apart: float) -> None:
    near = CurvesView("Loss", "nats", LOSS)
    qtbot.addWidget(near)
    near.resize(360, 240)
    near.show()
    steps = np.arange(0, 60)
    near.append("train_loss", steps, 3.3 - 2.2 * steps / 60)
    near.set_reference("uniform", 3.3, "uniform 3.300")
    near.set_reference("unigram", 3.3 - apart, "unigram")
    near.image()
    heights = [near._lines._items[name][1].pos().y() for name in ("uniform", "unigram")]
    assert heights[0] < heights[1], "the name of the higher value stands higher"
