"""The GAN tab: set up on the left, watched in the middle, steered at the right while it learns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal

from genstudio import families
from genstudio.config import Config
from genstudio.data.learnable.samples import Shape
from genstudio.data.shelf import DatasetInfo
from genstudio.events import Frame, Progress
from genstudio.runs import RunInfo
from genstudio.tasks.train import Train
from genstudio.training.changes import GoBack, Pace, SetLive, ShowNow
from genstudio.ui.engine import Engine
from genstudio.ui.numbers import size_text
from genstudio.ui.training_tab import TrainingTab
from genstudio.ui.widgets import button, icon_button

_WELCOME = (
    "Press Start: a generator learns to place its points on a ring of eight spots while a discriminator tells it which "
    "of them look fake. It takes seconds. Pictures of your own work the same way: drop a folder on the window."
)

_SMALLEST = 8
"""Pixels of a side of the smallest pictures that a GAN makes."""


class GANTab(TrainingTab):
    """Trains a GAN on points or on pictures. `draw_wanted()` when the person wants to draw a distribution."""

    draw_wanted = Signal()

    def __init__(self, engine: Engine) -> None:
        self._infos: dict[str, DatasetInfo] = {}
        self._wanted = ""
        self._following = False
        self.cure = button("Apply the fix", "apply_cure", "check", does=self.apply_cure)
        super().__init__(engine, families.get("gan"), "gan", _WELCOME)
        for widget in (self.start, self.pause, self.stop, self.save, self.extend, self.cost, self.checks):
            widget.setObjectName(f"gan_{widget.objectName()}")
        self.draw = icon_button("pencil", "draw_distribution", "Draw a distribution of your own")
        self.draw.clicked.connect(self.draw_wanted)
        self.column.insertWidget(1, self.cure)
        self.setup.data_row.addWidget(self.draw)
        self.setTabOrder(self.setup.open_file, self.draw)
        self.setup.preset.currentIndexChanged.connect(lambda _: self._preset_chosen())
        self.setup.changed.connect(self._show_cure)
        self.setup.data.currentIndexChanged.connect(lambda _: self._data_chosen())
        self.setup.data.activated.connect(lambda _: self._follow_data())
        self._show_cure()

    def set_datasets(self, infos: Iterable[DatasetInfo]) -> None:
        """What there is to train on, and in which shape."""
        first, wanted = not self._infos, self._wanted
        known = {info.id: info for info in infos if info.kind in self.setup.family.data_kinds}
        self._infos = known
        self.setup.set_datasets(known.values())
        if wanted in known:
            self._wanted = ""
            self.setup.choose_data(wanted)
        elif first:
            self._preset_chosen()
        self.show_cost()

    def train_on(self, name: str) -> None:
        """Choose a dataset, and settings that fit it unless some were changed by hand."""
        super().train_on(name)
        self._follow_data()

    def restore(self, state: dict[str, Any]) -> None:
        """Bring back the setup of the last time; its dataset once that is listed."""
        self.setup.restore(state)
        self._wanted = str(state.get("data") or "")

    def kind(self) -> str:
        """The kind of the chosen dataset: points or images."""
        info = self._infos.get(str(self.setup.data.currentData()))
        return "points" if info is None else str(info.kind)

    def preset(self) -> families.Preset | None:
        """The preset that is chosen."""
        return self.setup.chosen()

    def apply_cure(self) -> None:
        """Change what the chosen lesson was built to do wrong, in the form or in the training that goes on."""
        preset = self.preset()
        if preset is None or not preset.cure:
            return
        if self.state in ("running", "paused"):
            live = {setting.name for setting in self.config_type.settings() if setting.live}
            self.change({name: value for name, value in preset.cure.items() if name in live})
        else:
            self.setup.form.set_values(preset.cure)

    def change(self, values: Mapping[str, Any]) -> None:
        """Change settings of the training from the next step on."""
        if values:
            self.adjust(SetLive(dict(values)))

    def take_advice(self, values: Mapping[str, Any]) -> None:
        """What the doctor says to try: from the next step on, or when the run goes on; else in the setup of a new run."""
        live = {setting.name for setting in self.config_type.settings() if setting.live}
        if self.busy and set(values) <= live:
            self.change(values)
            words = "Changed from the next step on. Live shows the change and can undo it."
        elif self.run_path and set(values) <= live and not self.finished:
            self.resume_run(self.run_path, values=values)
            words = "The training resumes with this change."
        elif self.busy:
            words = "This cannot change while a training runs: stop it first."
        else:
            self.setup.form.set_values(dict(values))
            words = f"Set up at the left for a new run: press {self.start.text()}."
            if self.finished and set(values) <= live:
                words = f"This run has reached the end of its plan. {words} Or press Extend to train this run further with it."
        self.panel.doctor.react(words)

    def go_back(self) -> None:
        """To before the last change."""
        self.adjust(GoBack())

    def make_panel(self) -> Any:
        from genstudio.ui.gan.panel import GANPanel

        panel = GANPanel(self._engine, self.config_type)
        panel.failed.connect(self.failed)
        panel.live.changed.connect(self.change)
        panel.live.back_wanted.connect(self.go_back)
        panel.doctor.advice_wanted.connect(self.take_advice)
        panel.slow.pace_wanted.connect(self._paced)
        panel.slow.stage_wanted.connect(lambda: self._engine.advance(self._job))
        panel.slow.left.connect(self._run_on)
        panel.stage.picked.connect(self._picked)
        panel.sample.again_wanted.connect(self._look_closer)
        panel.set_kind(self.kind())
        return panel

    def costs(self, config: Config) -> str:
        info = self._infos.get(str(self.setup.data.currentData()))
        if info is None:
            return ""
        cost = self.setup.family.cost(config, info, 0)
        return (
            f"{cost.parameters:,} parameters   ·   {size_text(cost.bytes)} in training   ·   "
            f"{cost.flops_per_step / 1e6:,.0f}\N{NO-BREAK SPACE}MFLOP\N{NO-BREAK SPACE}per\N{NO-BREAK SPACE}step"
        )

    def faster(self, config: Config) -> tuple[tuple[str, float], ...]:
        info = self._infos.get(str(self.setup.data.currentData()))
        shape = None if info is None else Shape.of(info)
        if info is None or shape is None or shape.kind != "images" or min(shape.height, shape.width) < 2 * _SMALLEST:
            return ()
        width, height = shape.width // 2, shape.height // 2
        half = replace(info, details={**info.details, "width": width, "height": height})
        now, then = (self.setup.family.cost(config, which, 0).flops_per_step for which in (info, half))
        return ((f"pictures of {width} x {height}", then / now),)

    def speed(self, frame: Frame) -> str:
        found = frame.series.get("steps_per_second")
        return f"{found.values[-1]:,.0f} iterations/s" if found is not None else ""

    def run_began(self, task: Train) -> None:
        self._show_run(dict(task.config))

    def run_opened(self, info: RunInfo) -> None:
        self._show_run(dict(info.config))

    def state_shown(self) -> None:
        if self.has_panel:
            live = self.state in ("running", "paused")
            self.panel.live.set_live(live)
            self.panel.slow.set_live(live)
            self.panel.doctor.set_state(self.state)
            self.panel.time.set_run(self.run_path, live)
            self.panel.explore.set_run(self.run_path, live)

    def toggle_pause(self) -> None:
        if self.has_panel and self.panel.slow.active:
            self.panel.slow.leave()
            return
        super().toggle_pause()
        if self.state == "paused":
            self.adjust(ShowNow())

    def position(self) -> Progress:
        if self.has_panel and self.panel.slow.stage is not None:
            return replace(super().position(), step=self.panel.slow.step)
        return super().position()

    def _show_run(self, values: dict[str, Any]) -> None:
        info = self._infos.get(str(self.setup.data.currentData()))
        self.panel.set_kind(self.kind())
        self.panel.live.set_values(values)
        modes = None
        if info is not None and str(info.details.get("generator", "")).startswith("gaussian-"):
            settings = info.details.get("settings", {})
            modes = settings.get("modes") or (settings["side"] ** 2 if "side" in settings else None)
        self.panel.charts.set_modes(modes)

    def _picked(self, kind: str, index: int) -> None:
        """Look closer at a sample; of points, those before the fakes are real."""
        page, plane = self.panel.sample, self.panel.stage.plane.view.snapshot
        self.panel.side.setCurrentWidget(page)
        if kind == "points" and plane is not None:
            index -= len(plane.real)
        if index < 0:
            page.explain("This is a real point, from the dataset. Click a fake to look at it closely.")
        else:
            self._look_closer(index)

    def _look_closer(self, index: int) -> None:
        """At a sample as it is shown, with the step and the score that belong to it."""
        shown = self.panel.stage.shown(index)
        if shown is not None and self.run_path:
            self.panel.sample.look(self.run_path, index, bool(self.live_path), shown)

    def _paced(self, pace: Pace) -> None:
        if pace.by == "stages" and self.state == "running":
            self._engine.pause(self._job)
            self._set_state("paused")
        self.adjust(pace)

    def _run_on(self) -> None:
        if self.state == "paused":
            self._engine.resume(self._job)
            self._set_state("running")

    def _preset_chosen(self) -> None:
        preset = self.preset()
        if preset is not None and preset.data in self._infos and not self._following:
            self.setup.choose_data(preset.data)
        self._show_cure()

    def _follow_data(self) -> None:
        """A lesson is kept on other data of its kind; whatever was edited is kept on any."""
        info, preset = self._infos.get(str(self.setup.data.currentData())), self.preset()
        if info is None or preset is None or self.setup.edited() or self.busy:
            return
        meant = self._infos.get(preset.data)
        if preset.cure and meant is not None and meant.kind == info.kind:
            return
        preset_for = self.setup.family.preset_for
        assert preset_for is not None
        self._following = True
        self.setup.preset.setCurrentIndex(self.setup.preset.findData(preset_for(info, preset.name)))
        self._following = False

    def _show_cure(self) -> None:
        preset = self.preset()
        self.cure.setVisible(preset is not None and bool(preset.cure))

    def _data_chosen(self) -> None:
        if self.has_panel and not self.run_path and not self.busy:
            self.panel.set_kind(self.kind())
