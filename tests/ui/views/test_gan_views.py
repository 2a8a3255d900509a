"""The plane, the pictures and the histograms of a GAN: what is drawn is what the snapshot says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF

from genstudio.families.dashboard import LAYERS
from genstudio.families.gan.dashboard import DASHBOARD
from genstudio.snapshots.samples import Histograms, Pictures, Plane
from genstudio.ui import theme
from genstudio.ui.train.charts import floor_words
from genstudio.ui.views.histograms import HistogramView
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.views.plane import PlaneView
from genstudio.ui.views.plane_parts import arrows, density, onward, opinions

EXTENT = (-2.0, 2.0, -1.0, 3.0)


def plane(step: int = 1, **changes: Any) -> Plane:
    line = np.linspace(-0.5, 0.5, 4)
    columns = np.linspace(0.1, 0.8, 8)
    said: dict[str, Any] = {
        "real": np.array([[-1.5, 2.5]], np.float32),
        "fake": np.array([[1.5, -0.5], [1.0, 1.0]], np.float32),
        "extent": EXTENT,
        "field": np.tile(columns, (8, 1)).astype(np.float32),
        "bounded": True,
        "arrows": np.array([[0.0, 0.5], [-0.25, 0.0]], np.float32),
        "mesh": np.stack(np.meshgrid(line, line + 1), -1).astype(np.float32),
        "scores": np.array([0.7, 0.2, 0.4], np.float32),
    }
    return Plane("plane", step, **(said | changes))


@pytest.fixture
def view(qtbot: Any, qapp: Any) -> PlaneView:
    theme.apply(qapp, "light")
    view = PlaneView(DASHBOARD.panes[0])
    qtbot.addWidget(view)
    view.resize(480, 440)
    view.show()
    view.show_snapshot(plane())
    return view


def color_at(view: PlaneView, x: float, y: float) -> QColor:
    at = view.pixels(np.array([[x, y]]))[0]
    return view.image().pixelColor(round(float(at[0])), round(float(at[1])))


def near(color: QColor, other: Any, by: int = 12) -> bool:
    wanted = other if not isinstance(other, QColor) else (other.red(), other.green(), other.blue())
    return all(abs(a - int(b)) <= by for a, b in zip((color.red(), color.green(), color.blue()), wanted, strict=True))


def test_every_place_has_the_colour_of_its_opinion(view: PlaneView) -> None:
    for name in LAYERS:
        view.set_layer(name, name == "field")
    for x in (-1.6, -0.7, 0.3, 1.7):
        wanted = opinions()[int(255 * view.opinion(x, 0.5))]
        assert near(color_at(view, x, 0.5), wanted)
    assert view.opinion(1.7, 0) > view.opinion(-1.6, 0)
    assert view.opinion(5.0, 0.0) is None


def test_an_opinion_is_that_of_the_middle_of_its_cell(view: PlaneView) -> None:
    found = plane().field
    x0, x1, y0, y1 = EXTENT
    for row, column in ((0, 0), (3, 5), (7, 7)):
        x, y = x0 + (x1 - x0) * (column + 0.5) / 8, y0 + (y1 - y0) * (row + 0.5) / 8
        assert view.opinion(x, y) == pytest.approx(float(found[row, column]), abs=1e-6)


def test_a_critics_colours_are_centred_at_zero(view: PlaneView) -> None:
    view.show_snapshot(plane(bounded=False, field=np.array([[-4.0, 0.0], [1.0, 2.0]], np.float32)))
    assert view.limits() == (-4.0, 4.0)
    assert np.array_equal(opinions()[127], opinions()[128]) or near(QColor(*opinions()[128].tolist()), opinions()[127])


@pytest.mark.parametrize(("layer", "at"), [("real", (-1.5, 2.5)), ("fake", (1.5, -0.5)), ("mesh", (0.1, 0.9))])
def test_a_layer_is_there_only_while_it_is_wanted(view: PlaneView, layer: str, at: tuple[float, float]) -> None:
    for name in LAYERS:
        view.set_layer(name, name == layer)
    shown = color_at(view, *at)
    view.set_layer(layer, False)
    assert not near(shown, color_at(view, *at), 4)


def test_points_have_their_colours_where_they_lie(view: PlaneView) -> None:
    assert near(color_at(view, -1.5, 2.5), QColor(theme.BLUE))
    assert near(color_at(view, 1.5, -0.5), QColor(theme.GREEN))


def test_an_arrow_points_the_way_of_the_push_and_y_goes_up() -> None:
    path = arrows(np.array([[10.0, 10.0]]), np.array([[0.0, -20.0]]))
    box = path.boundingRect()
    assert box.top() == pytest.approx(-10.0) and box.bottom() == pytest.approx(10.0)


def test_a_push_to_the_top_is_drawn_to_the_top(view: PlaneView) -> None:
    for name in LAYERS:
        view.set_layer(name, name == "arrows")
    x, y = (round(float(value)) for value in view.pixels(np.array([[1.5, -0.5]]))[0])
    image = view.image()

    def inked(rows: range) -> bool:
        return any(image.pixelColor(x + dx, y + dy).lightness() < 180 for dx in (-1, 0, 1) for dy in rows)

    assert inked(range(-20, -4)) and not inked(range(4, 20))


_HALVING = 254 / 7


def test_a_cell_of_twice_the_area_is_half_as_dense() -> None:
    edges = np.array([0.0, 4.0, 12.0, 28.0])
    levels = density(np.stack(np.meshgrid(edges, edges), -1), 40, 34).astype(float)
    crowded, long, wide = levels[6:10, 6:10].mean(), levels[6:10, 14:26].mean(), levels[14:26, 14:26].mean()
    assert levels.max() == levels[2, 2] == 255
    assert crowded - long == pytest.approx(_HALVING, rel=0.15)
    assert long - wide == pytest.approx(_HALVING, rel=0.15)
    assert not levels[30:].any() and not levels[:, 30:].any()


def test_cells_that_lie_on_each_other_add_up() -> None:
    once_then_twice = np.array([32.0, 24.0, 16.0, 8.0, 0.0, 8.0, 16.0, 16.1])
    levels = density(np.stack(np.meshgrid(once_then_twice, np.arange(0.0, 64.0, 8.0)), -1), 40, 56).astype(float)
    assert levels[8:24, 3:13].mean() - levels[8:24, 19:29].mean() == pytest.approx(_HALVING, rel=0.15)


def test_what_lies_outside_does_not_come_in_again_at_the_other_side() -> None:
    line = np.linspace(0.0, 10.0, 5)
    levels = density(np.stack(np.meshgrid(line - 6, line + 20), -1), 40, 40)
    assert levels[25, 1] and not levels[:, 10:].any()
    assert not density(np.stack(np.meshgrid(line - 90, line), -1), 40, 40).any()


def test_arrow_keys_go_from_fake_to_fake_and_enter_picks(view: PlaneView, qtbot: Any) -> None:
    view.setFocus()
    assert view.current == -1
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert view.current == 1, "the one next to the middle"
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert view.current == 1
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.current == 0 and "fake 1" in view.accessibleDescription()
    with qtbot.waitSignal(view.picked) as told:
        qtbot.keyClick(view, Qt.Key.Key_Return)
    assert told.args == [1]
    before = view._middle.copy()
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert view._middle[0] > before[0] and view.current == 0
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.current == -1


def test_the_next_point_is_the_nearest_in_that_direction() -> None:
    points = np.array([[0, 0], [1, 0.9], [3, 0], [0.2, 5], [-1, 0]], np.float32)
    assert [onward(points, 0, way, np.zeros(2)) for way in ((1, 0), (0, 1), (-1, 0), (0, -1))] == [1, 3, 4, 0]


def test_a_click_on_a_point_tells_which(view: PlaneView, qtbot: Any) -> None:
    at = view.pixels(plane().fake)[1]
    with qtbot.waitSignal(view.picked) as told:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPointF(*at).toPoint())
    assert told.args == [2]
    view.set_layer("fake", False)
    assert view.nearest(QPointF(*at)) == -1


def test_the_numbers_of_the_plane_can_be_saved(view: PlaneView, tmp_path: Path) -> None:
    view.save(tmp_path / "plane.csv")
    rows = (tmp_path / "plane.csv").read_text().splitlines()
    assert rows[0] == "kind,x,y,score,push x,push y"
    assert rows[1].startswith("real,-1.5,2.5,0.69") and rows[2].startswith("fake,1.5,-0.5,0.2") and len(rows) == 4
    for kind in ("svg", "png"):
        view.save(tmp_path / f"plane.{kind}")
        assert (tmp_path / f"plane.{kind}").stat().st_size > 500


def test_a_plane_of_any_size_is_drawn(view: PlaneView) -> None:
    angles = np.linspace(0, 6, 64).reshape(8, 8)
    view.show_snapshot(plane(mesh=np.stack([np.cos(angles), np.sin(angles)], -1).astype(np.float32)))
    view.setMinimumSize(0, 0)
    for size in [(width, height) for width in (1, 40, 59, 64, 300) for height in (1, 30, 53, 55, 58, 300)]:
        view.resize(*size)
        assert not view.grab().isNull()


def test_a_hidden_plane_draws_nothing(view: PlaneView, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    qtbot.waitUntil(lambda: not view._timer.isActive())
    drawn: list[int] = []
    monkeypatch.setattr(view, "paint_figure", lambda *_: drawn.append(1))
    view.hide()
    for step in range(5):
        view.show_snapshot(plane(step))
    assert not view._timer.isActive() and not drawn
    view.show()
    qtbot.waitUntil(lambda: bool(drawn))
    assert view.snapshot is not None and view.snapshot.step == 4


def pictures(count: int = 6, labels: Any = None, **changes: Any) -> Pictures:
    pixels = np.zeros((count, 4, 4, 1), np.uint8)
    pixels[:] = (np.arange(count) * 40)[:, None, None, None]
    told = None if labels is None else np.array(labels)
    return Pictures("fixed", 3, pixels, told, ("cat", "dog", "hen"), np.linspace(0, 1, count), **changes)


def test_each_picture_is_where_it_is_clicked(qtbot: Any, qapp: Any) -> None:
    theme.apply(qapp, "light")
    view = PicturesView("Samples", "samples")
    qtbot.addWidget(view)
    view.resize(300, 220)
    view.show()
    view.show_snapshot(pictures())
    image, grid = view.image(), view._grid(QRectF(view.rect()))
    for index in range(6):
        row, column = divmod(index, grid.columns)
        at = grid.origin + QPointF(column * (grid.cell + 2) + grid.cell / 2, row * (grid.cell + 2) + grid.cell / 2)
        assert image.pixelColor(at.toPoint()).red() == 40 * index
        with qtbot.waitSignal(view.picked) as told:
            qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at.toPoint())
        assert told.args == [index]
    assert view.index_at(QPointF(1, 1)) == -1


def test_names_of_rows_have_the_room_that_the_pictures_leave(qtbot: Any, qapp: Any) -> None:
    view = PicturesView("Samples", "samples")
    qtbot.addWidget(view)
    name = "a large green triangle at the bottom right"
    shown = Pictures("fixed", 3, np.zeros((6, 4, 4, 1), np.uint8), np.array([0, 0, 0, 1, 1, 1]), (name, "b"), None)
    wide = QFontMetricsF(theme.font(theme.SMALL)).horizontalAdvance(name)
    for width, whole in ((800, True), (300, False)):
        view.resize(width, 220)
        view.show_snapshot(shown)
        grid = view._grid(QRectF(view.rect()))
        assert (grid.origin.x() - 20 >= wide) is whole, "a name is cut only where the pictures need the room"
        assert grid.origin.x() + grid.columns * (grid.cell + 2) <= width - 10


def test_each_class_begins_a_row_where_there_are_more_of_some_than_of_others(qtbot: Any, qapp: Any) -> None:
    theme.apply(qapp, "light")
    shown = pictures(labels=[0, 0, 0, 0, 1, 2])
    plain, rows = PicturesView("Samples", "samples"), PicturesView("Samples", "samples", order="classes")
    for view in (plain, rows):
        qtbot.addWidget(view)
        view.resize(420, 320)
        view.show_snapshot(shown)
    area = QRectF(rows.rect())
    grid = rows._grid(area)
    begun = {grid.places[at] for at in (0, 4, 5)}
    assert grid.kind == "rows" and len({row for row, _ in begun}) == 3 and {column for _, column in begun} == {0}
    assert plain._grid(area).kind == "" and {plain._grid(area).places[at][1] for at in (0, 4, 5)} != {0}
    image = rows.image()
    for index, (row, column) in enumerate(grid.places):
        at = grid.origin + QPointF(column * (grid.cell + 2) + grid.cell / 2, row * (grid.cell + 2) + grid.cell / 2)
        assert image.pixelColor(at.toPoint()).red() == 40 * index and rows.index_at(at) == index
    rows.choose(0)
    lasts = [rows.current]
    for _ in range(grid.places[5][0] + 1):
        qtbot.keyClick(rows, Qt.Key.Key_Down)
        lasts.append(rows.current)
    assert lasts[-1] == lasts[-2] == 5 and grid.below(5, -1) == 4
    many = np.repeat(np.arange(100), 2)
    crowd = Pictures("fixed", 3, np.zeros((200, 4, 4, 1), np.uint8), many, tuple(map(str, range(100))), None)
    rows.show_snapshot(crowd)
    assert rows._grid(area).cell == plain_cell(plain, crowd, area), "rows too low to be seen are none"


def plain_cell(view: PicturesView, shown: Pictures, area: QRectF) -> int:
    view.show_snapshot(shown)
    return view._grid(area).cell


def test_pictures_between_two_stand_in_one_row_with_their_names(qtbot: Any, qapp: Any) -> None:
    names = ("first", "50%", "second")
    shown = Pictures("fixed", 3, np.zeros((3, 4, 4, 1), np.uint8), np.arange(3), names, None)
    for order, kind in (("row", "columns"), ("", "")):
        view = PicturesView("Between", "between", order=order)  # type: ignore[arg-type]
        qtbot.addWidget(view)
        view.resize(200, 400)
        view.show_snapshot(shown)
        grid = view._grid(QRectF(view.rect()))
        assert grid.kind == kind and (grid.columns == 3) is (order == "row")


def test_captions_have_no_columns(qtbot: Any, qapp: Any) -> None:
    view = PicturesView("Noisy", "noisy")
    qtbot.addWidget(view)
    view.resize(420, 340)
    cells = []
    for name in ("digit {}", "a large green triangle at the bottom, number {}"):
        names, labels = tuple(map(name.format, range(8))), np.tile(np.arange(8), 2)
        view.show_snapshot(Pictures("fixed", 3, np.zeros((16, 4, 4, 1), np.uint8), labels, names, None))
        grid = view._grid(QRectF(view.rect()))
        assert (grid.columns == 8) is (name == "digit {}")
        cells.append(grid.cell)
    assert cells[1] > 1.4 * cells[0], "without columns the pictures are as large as there is room"


def test_the_keyboard_chooses_and_opens(qtbot: Any) -> None:
    view = PicturesView("Samples", "samples")
    qtbot.addWidget(view)
    view.show()
    view.show_snapshot(pictures(labels=[0, 1, 2, 0, 1, 2]))
    view.choose(0)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down):
        qtbot.keyClick(view, key)
    with qtbot.waitSignal(view.picked) as told:
        qtbot.keyClick(view, Qt.Key.Key_Return)
    assert told.args == [4]
    assert view.accessibleDescription() == "sample 5, dog, D 0.8"
    view.show_snapshot(pictures(labels=[0, 1, 2, 0, 1, 2]))
    assert view.current == 4
    view.show_snapshot(pictures(2))
    assert view.current == -1


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ([0, 1, 2, 0, 1, 2], (3, "columns")),
        ([0, 0, 1, 1, 2, 2], (2, "rows")),
        ([0, 2, 1, 1, 0, 2], (0, "")),
        ([0, 0, 0, 0, 0, 0], (0, "")),
        (None, (0, "")),
    ],
)
def test_the_order_of_the_classes_is_seen(labels: Any, wanted: tuple[int, str]) -> None:
    assert pictures(labels=labels).arrangement == wanted


def test_histograms_show_the_counts_of_the_snapshot(qtbot: Any) -> None:
    view = HistogramView("Judgement", "judgement", "D")
    qtbot.addWidget(view)
    edges = np.linspace(0, 1, 5)
    view.show_snapshot(Histograms("scores", 7, edges, {"real": np.array([0, 1, 2, 3]), "fake": np.array([4, 0, 0, 0])}))
    assert list(view.table()[1])[:4] == [
        ("real", 0.0, 0.25, 0), ("real", 0.25, 0.5, 1), ("real", 0.5, 0.75, 2), ("real", 0.75, 1.0, 3),
    ]  # fmt: skip
    assert view.words_at(0.1)[1] == ("fake 0 to 0.25", "4")
    view.clear()
    assert not list(view.table()[1])


@pytest.mark.parametrize("value", [-0.0236, -1e-9, 0.0, 0.0123, 4.2])
def test_a_floor_is_never_a_negative_distance(value: float) -> None:
    whole, short = floor_words(value, "real against real", 0.0)
    assert not whole.startswith("-") and not short.startswith("-") and short.endswith(" real")
    assert (f"estimated {value:.3g}" in whole) == (value < 0) and float(short.split()[0]) == max(value, 0)
