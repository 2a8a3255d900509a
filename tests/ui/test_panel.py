"""One panel and one tab for every family: what a dashboard declares is shown, whatever its channels are called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QTabWidget

from genstudio import families
from genstudio.data import shelf
from genstudio.events import Diagnosis, Frame, Series
from genstudio.families import Family
from genstudio.families.dashboard import DOCTOR, LIVE, SIDE, TIMELINE, Chart, Dashboard, Field, Line, Pane, Reference
from genstudio.snapshots.samples import Histograms, Pictures, Plane
from genstudio.snapshots.step_stage import StepStage
from genstudio.snapshots.text import Text
from genstudio.ui.engine import Engine
from genstudio.ui.train.panel import RunPanel
from genstudio.ui.train.panes import VIEWS
from genstudio.ui.train.tab import TrainingTab

POINTS = np.zeros((3, 2), np.float32)
BOARD = Dashboard(
    charts=(
        Chart("one", "One", "nats", (Line("a", "a"), Line("b", "b", smooth=True)), "First", ("points",),
              references=(Reference("at", "at {:.2f}", "{:.1f}"), Reference("fixed", "five", value=5.0, when="loss=hinge")),
              units={"loss=hinge": "bits"}, floors={"least": "floor of it"}, least=0.0),
        Chart("two", "Two", "", (Line("c", "c"),), "Second", ("images",)),
    ),
    panes=(
        Pane(("blobs",), "Blobs", kinds=("points",)),
        Pane(("made", "other"), "Made", kinds=("images",), choices=("First", "Second"), beside="given", beside_title="Given"),
        Pane(("said",), "Said", SIDE, field=Field("seed_text", "Begin", "It goes on after this", "Once")),
        Pane(("spread",), "Spread", "First"),
    ),
    tools=("prompt", LIVE, DOCTOR, TIMELINE),
)  # fmt: skip


def toy() -> Family[Any, Any]:
    return replace(families.get("gan"), name="toy", dashboard=BOARD)


@pytest.fixture
def engine(qtbot: Any, qapp: Any) -> Any:
    engine = Engine()
    yield engine
    engine.close()


@pytest.mark.parametrize("family", ["gan", "vae", "diffusion"])
def test_charts_beside_a_stage_can_be_read_on_a_small_screen(engine: Engine, qtbot: Any, family: str) -> None:
    """What a window of 1280 x 720 leaves to a run below the menu, the tabs and the strip."""
    panel = RunPanel(engine, families.get(family))
    qtbot.addWidget(panel)
    panel.resize(1256, 530)
    panel.show()
    for kind in families.get(family).data_kinds:
        panel.set_kind(kind)
        panel.charts.setCurrentIndex(0)
        qtbot.wait(50)
        shown = [view for view in panel.charts.views.values() if view.isVisible()]
        assert shown and all(view.box.area().height() >= 100 for view in shown)
        if LIVE in panel.tools:
            panel.side.setCurrentWidget(panel.live)
            qtbot.wait(50)
            rows = [row for row in panel.live.rows.values() if row.isVisible()]
            assert len({row.x() for row in rows}) == 2, "two columns, for the height"
            assert all(row.label.heightForWidth(row.label.width()) <= row.editor.height() for row in rows[:4])


@pytest.fixture
def panel(engine: Engine, qtbot: Any) -> RunPanel:
    panel = RunPanel(engine, toy(), "toy_")
    qtbot.addWidget(panel)
    panel.resize(1000, 600)
    panel.show()
    return panel


def titles(tabs: QTabWidget) -> list[str]:
    return [tabs.tabText(index) for index in range(tabs.count()) if tabs.isTabVisible(index)]


def test_new_channels_are_shown_by_the_kind_of_what_comes(panel: RunPanel) -> None:
    panel.set_kind("points")
    assert titles(panel.stage) == ["Blobs"] and not panel.stage.tabBar().isVisible()
    plane = Plane("blobs", 1, POINTS, POINTS, (-1, 1, -1, 1))
    text, bars = Text("said", 1, "Once", " more"), Histograms("spread", 1, np.linspace(0, 1, 3), {"x": np.array([1, 2])})
    panel.show_frame(Frame(snapshots=(plane, text, bars)))
    page = panel.pane("blobs").view
    assert page.view.snapshot is plane and not page.grab().isNull()
    seen = {name for name, box in page.layers.items() if box.isVisible()}
    assert seen == {"real", "fake"}, "nothing is said of a field, a grid or arrows that are not there"
    assert panel.pane("said").view.text.toPlainText() == "Once more" and panel.pane("spread").view.snapshot is bars
    assert titles(panel.side) == ["Said", "Live", "Doctor"] and not hasattr(panel, "slow")

    panel.set_kind("images")
    assert titles(panel.stage) == ["Made"] and titles(panel.charts) == ["Second"]
    shown = {name: Pictures(name, 2, np.full((4, 8, 8, 1), 9, np.uint8)) for name in ("made", "other", "given")}
    panel.show_frame(Frame(snapshots=tuple(shown.values())))
    page = panel.pane("made").view
    assert (page.samples.snapshot, page.beside.snapshot) == (shown["made"], shown["given"])
    page.which.setCurrentIndex(1)
    assert page.samples.snapshot is shown["other"] and panel.pane("made").channel == "other"
    panel.clear()
    assert all(pane.view is None for pane in panel.panes)


def test_charts_have_the_references_floors_and_units_that_hold(panel: RunPanel) -> None:
    charts = panel.charts
    charts.set_kind("points")
    view = charts.views["one"]
    charts.show_references({"at": 2.0})
    assert {name: found.label for name, found in view._references.items()} == {"at": "at 2.00"} and view.unit == "nats"
    charts.show_settings({"loss": "hinge"})
    assert view._references["fixed"].value == 5.0 and view.unit == "bits"
    steps = np.arange(1, 4)
    panel.show_frame(Frame(series={"a": Series(steps, steps * 1.0), "least": Series(steps, steps * -0.1)}))
    panel.flush()
    assert view.points("a")[0].tolist() == [1, 2, 3] and view._references["least"].label.startswith("0 floor of it")
    charts.show_settings({"loss": "minimax"})
    assert "fixed" not in view._references and view.unit == "nats"
    panel.clear()
    assert "at" not in view._references and not len(view.points("a")[0])


def test_a_chart_that_the_settings_leave_nothing_to_draw_for_is_hidden_with_its_page(engine: Engine, qtbot: Any) -> None:
    panel = RunPanel(engine, families.get("gan"))
    qtbot.addWidget(panel)
    charts = panel.charts
    panel.set_kind("images")
    for conditional in (True, False, True):
        panel.show_settings({"conditional": conditional})
        assert charts.views["agreement"].isHidden() is not conditional
        assert not charts.views["coverage"].isHidden()
        panel.set_kind("images")
        assert charts.views["agreement"].isHidden() is not conditional
    panel.set_kind("points")
    assert charts.views["agreement"].isHidden()


def test_texts_settings_and_diagnoses_reach_their_tools(panel: RunPanel, qtbot: Any) -> None:
    told: list[Any] = []
    panel.watched.connect(told.append)
    assert panel.texts() == {"seed_text": "Once"}
    panel.fields["seed_text"].setText("Twice")
    panel.fields["seed_text"].editingFinished.emit()
    assert told == [{"seed_text": "Twice"}]
    panel.set_texts({"seed_text": "Thrice", "other": "no"})
    assert panel.texts() == {"seed_text": "Thrice"}
    panel.set_run("", "running")
    panel.show_frame(Frame(diagnoses=(Diagnosis("wins", "It wins", 3, "So.", "Rule.", {"x": 1.0}),)))
    assert titles(panel.side)[-1] == "Doctor (1)" and panel.live.rows["d_rate"].isEnabled()


def test_a_text_that_nothing_follows_with_these_settings_is_hidden(engine: Engine, qtbot: Any) -> None:
    family = families.get("bert")
    panel = RunPanel(engine, family)
    qtbot.addWidget(panel)
    for task in ("pretrain", "classify", "pretrain"):
        panel.show_settings(family.config.parse({"task": task}).model_dump())
        assert panel.fields["text"].isVisibleTo(panel.fields["text"].window()) is (task == "pretrain")
        assert not panel.fields["probe"].parentWidget().isHidden()


def test_a_family_without_a_doctor_has_no_page_for_one(engine: Engine, qtbot: Any) -> None:
    panel = RunPanel(engine, replace(toy(), doctor=None))
    qtbot.addWidget(panel)
    assert titles(panel.side) == ["Said", "Live"]


@pytest.mark.parametrize("family", families.all_families(), ids=lambda family: family.name)
def test_every_family_declares_what_can_be_shown(family: Family[Any, Any], engine: Engine, qtbot: Any) -> None:
    board = family.dashboard
    names = [line.name for chart in board.charts for line in chart.lines]
    assert len(names) == len(set(names)) and board.result and board.welcome
    settings = {setting.name for setting in family.config.settings() if setting.live}
    assert set(board.handles) <= settings
    names = {part.partition("=")[0] for chart in board.charts if chart.when for part in chart.when.split("&")}
    assert names <= set(family.config.model_fields)
    pages = {pane.place for pane in board.panes} - {"stage", "side"}
    assert pages <= set(board.pages()) and len(VIEWS) >= 6
    panel = RunPanel(engine, family)
    qtbot.addWidget(panel)
    assert set(panel.texts()) == {pane.field.name for pane in board.panes if pane.field}  # what is typed reaches the learner
    for kind in family.data_kinds:
        panel.set_kind(kind)
        assert panel.looked_at() is not None and panel.minimumSizeHint().width() < 900


def test_a_room_of_several_families_has_a_box_for_the_model(engine: Engine, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = TrainingTab(engine, "latent")
    qtbot.addWidget(tab)
    tab.show()
    tab.set_datasets(shelf.list_datasets())
    names = [tab.setup.model.itemData(index) for index in range(tab.setup.model.count())]
    assert names == [family.name for family in families.all_families() if family.room == "latent"]
    assert tab.setup.model.isVisible() == (len(names) > 1)
    for name in reversed(names):
        tab.setup.family_chosen.emit(name)
        assert tab.family.name == name and tab.setup.form.config_type is families.get(name).config
        assert tab.setup.infos and all(set(info.kinds) & set(tab.family.data_kinds) for info in tab.setup.infos.values())
        assert tab.panel.family.name == name and tab.start.isEnabled() and not tab.setup.problems()
    rate = {"learning_rate": 0.01}
    tab.choose_family("vae")
    tab.setup.form.set_values(rate)
    tab.choose_family("gaussian")
    kept = tab.remembered()
    tab.choose_family("vae")
    assert tab.setup.values()["learning_rate"] == 0.01, "what was set up for a family stays"
    tab.restore(kept)
    assert tab.family.name == "gaussian"
    tab.choose_family("vae")
    tab.setup.choose_data("moons")
    assert (tab.remembered()["family"], tab.remembered()["data"]) == ("vae", "moons"), "not what was restored"
    assert set(tab.splitters()) >= {"latent", "latent_vae_watch", "latent_gaussian_watch"}
    text = TrainingTab(engine, "transformer")
    qtbot.addWidget(text)
    text.restore({"prompt": "Once", "probe": 3, "seed": 5})
    assert text.panel.texts()["prompt"] == "Once" and text.remembered()["prompt"] == "Once"
    with pytest.raises(ValueError, match="no family"):
        TrainingTab(engine, "kitchen")
    both = TrainingTab(engine, "gan")
    qtbot.addWidget(both)
    assert both.panel and {"gan_watch", "gan_beside"} <= set(both.splitters()), "as when it was alone in its room"
    monkeypatch.setattr(families, "in_room", lambda _room: (families.get("gan"),))
    single = TrainingTab(engine, "gan")
    qtbot.addWidget(single)
    single.show()
    assert not single.setup.model.isVisible()


def test_slow_motion_asks_again_where_what_came_is_no_stage(
    engine: Engine, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = TrainingTab(engine, "gan")
    qtbot.addWidget(tab)
    asked: list[str] = []
    monkeypatch.setattr(engine, "advance", asked.append)
    tab._job = "training"
    slow = tab.panel.slow
    tab.panel.set_run("", "paused")
    slow.turn_on.click()
    assert asked == ["training"] and slow.awaiting
    engine.advanced.emit("another")
    assert asked == ["training"]
    engine.advanced.emit("training")
    assert asked == ["training"] * 2
    stage = StepStage("stage", 3, 1, "Draw", "x", (), ())
    tab.panel.show_frame(Frame(snapshots=(stage,)))
    engine.advanced.emit("training")
    assert asked == ["training"] * 2 and not slow.awaiting and slow.step == 3
    tab._job = ""
