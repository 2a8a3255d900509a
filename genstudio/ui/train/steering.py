"""What steers a training beside its buttons: live handles, the doctor's advice, the fix of a lesson, and slow motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudio.config import Values
from genstudio.families.dashboard import DOCTOR, LIVE, SLOW_MOTION
from genstudio.training.changes import GoBack, Pace, SetLive, Watch
from genstudio.ui.widgets import button

if TYPE_CHECKING:
    from genstudio.ui.train.panel import RunPanel
    from genstudio.ui.train.tab import TrainingTab


class Steering:
    """Connects the tools of a tab's panels with its training; `cure` is the button of the fix of a lesson."""

    def __init__(self, tab: TrainingTab) -> None:
        self._tab = tab
        self._advancing = 0
        self.cure = button("Apply the fix", "apply_cure", "check", does=self.apply_cure)

    def connect_panel(self, panel: RunPanel) -> None:
        """What the tools of a new panel ask for."""
        tab = self._tab
        panel.watched.connect(lambda texts: tab.adjust(Watch(texts)))
        if LIVE in panel.tools:
            panel.live.changed.connect(self.change)
            panel.live.back_wanted.connect(lambda: tab.adjust(GoBack()))
        if DOCTOR in panel.tools:
            panel.doctor.advice_wanted.connect(self.take_advice)
        if SLOW_MOTION in panel.tools:
            panel.slow.pace_wanted.connect(self._paced)
            panel.slow.stage_wanted.connect(self._advance)
            panel.slow.left.connect(tab.run_on)

    def change(self, values: Values) -> None:
        """Change settings of the training from the next step on."""
        if values:
            self._tab.adjust(SetLive(dict(values)))

    def apply_cure(self) -> None:
        """Change what the chosen lesson was built to do wrong, in the form or in the training that runs."""
        tab, preset = self._tab, self._tab.preset()
        if preset is None or not preset.cure:
            return
        if tab.state in ("running", "paused"):
            self.change({name: value for name, value in preset.cure.items() if name in self._live_names()})
        else:
            tab.setup.form.set_values(preset.cure)

    def take_advice(self, values: Values) -> None:
        """What the doctor says to try: from the next step on, or when the run is resumed; else in the setup of a new run."""
        tab, can = self._tab, set(values) <= self._live_names()
        if tab.busy and can:
            self.change(values)
            words = "Changed from the next step on. Live shows the change and can undo it."
        elif tab.run_path and can and not tab.finished:
            tab.resume_run(tab.run_path, values=values)
            words = "The training resumes with this change."
        elif tab.busy:
            words = "This cannot change while a training runs: stop it first."
        else:
            tab.setup.form.set_values(dict(values))
            tab.show_setup(True)
            words = f"Set up for a new run: press {tab.start.text()}."
            if tab.finished and can:
                words = f"This run has reached the end of its plan. {words} Or press Extend to train this run further with it."
        tab.panel.doctor.react(words)

    def advanced(self, name: str) -> None:
        """What came may be no stage: numbers of the step before, or a part of an evaluation. While another is on its way,
        it is that one which may have to be asked for again."""
        tab = self._tab
        if not tab.runs(name):
            return
        self._advancing = max(self._advancing - 1, 0)
        if not self._advancing and tab.has_panel and tab.panel.slowed and tab.panel.slow.awaiting:
            self._advance()

    def _paced(self, pace: Pace) -> None:
        if pace.by == "stages":
            self._tab.hold()
        self._advancing = 0
        self._tab.adjust(pace)

    def _advance(self) -> None:
        self._advancing += 1
        self._tab.advance()

    def _live_names(self) -> set[str]:
        return {setting.name for setting in self._tab.config_type.settings() if setting.live}
