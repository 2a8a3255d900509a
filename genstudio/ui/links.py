"""What one room asks of another: to open a run where it is trained, to train on a dataset, to write with a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtWidgets import QWidget

from genstudio import families
from genstudio.config import Values
from genstudio.ui.asking import Asking
from genstudio.ui.rooms import FIRST
from genstudio.ui.train.tab import TrainingTab

if TYPE_CHECKING:
    from genstudio.data.info import DatasetInfo
    from genstudio.runs import RunInfo
    from genstudio.ui.tabs.datasets import DatasetsTab
    from genstudio.ui.tabs.playground import PlaygroundTab
    from genstudio.ui.tabs.runs import RunsTab
    from genstudio.ui.window import MainWindow

BUSY = "busy"
"""What messages speak of that ask to stop a training first."""


class Links:
    """Connects the pages of a window as they are built, and acts for the rooms."""

    def __init__(self, window: MainWindow) -> None:
        self._window, self._tabs, self._library = window, window.tabs, window.library
        self._asking = Asking(window.engine)
        self._summaries: dict[str, str] = {}
        self._awaited: tuple[str, frozenset[str]] | None = None
        """The room that waits for a dataset, or "" for whichever takes it, and those that there were."""
        self._tabs.built.connect(self._connect)
        self._tabs.currentChanged.connect(lambda _: self._turned())
        self._library.datasets_changed.connect(self._listed)

    @property
    def datasets(self) -> DatasetsTab | None:
        """The Datasets tab, if it is built."""
        return cast("DatasetsTab | None", self._tabs.pages.get("datasets"))

    @property
    def playground(self) -> PlaygroundTab:
        return cast("PlaygroundTab", self._tabs.page("playground"))

    def trainer(self, room: str) -> TrainingTab:
        """The tab that trains the families of a room. Raises KeyError."""
        return cast(TrainingTab, self._tabs.page(room))

    def trainers(self) -> dict[str, TrainingTab]:
        """The training tabs that are built, by their rooms."""
        return {key: page for key, page in self._tabs.pages.items() if isinstance(page, TrainingTab)}

    def open_run(self, path: str) -> None:
        """Show a run of the disk in the room of its family."""
        self._with_trainer(path, lambda tab: tab.open_run(path))

    def resume_run(self, path: str) -> None:
        """Continue a run in the room of its family."""
        self._with_trainer(path, lambda tab: tab.resume_run(path))

    def show_race(self, infos: Sequence[RunInfo]) -> None:
        """Show runs that raced side by side, in the room of their family."""
        self._with_trainer(str(infos[0].folder), lambda tab: tab.show_race(infos))

    def set_up_like(self, path: str) -> None:
        """Set up a new training with the settings, dataset, length and seed of a run, in the room of its family."""

        def set_up(tab: TrainingTab) -> None:
            info = self._library.run(path)
            if info is None:
                return
            tab.close_run()
            tab.choose_family(info.family)
            tab.train_on(str(info.dataset.get("id", "")))
            tab.setup.set_values(dict(info.config))
            if info.plan:
                tab.setup.set_plan(_whole(info.plan.get("steps")), info.plan.get("seconds"))
            tab.setup.seed.set_value(info.seed)
            tab.show_setup(True)

        self._with_trainer(path, set_up)

    def train_on(self, name: str, family: str = "") -> None:
        """Set up a training on a dataset, of this family or of the usual one of those that take it."""
        info = self._library.dataset(name)
        taking = families.taking(info) if info is not None else ()
        chosen = next((found for found in taking if found.name == family), next(iter(taking), None))
        if chosen is not None:
            tab = self.trainer(chosen.room)
            if tab.family not in taking or family:
                tab.choose_family(chosen.name)
            tab.train_on(name)
            self._tabs.show_room(chosen.room)

    def reopen(self, key: str, tab: TrainingTab) -> None:
        """The run that a room showed when the program was closed; the form stays as it was left."""
        path = self._window.memory.run(key)
        if path and (Path(path) / "run.json").is_file() and not tab.busy and not tab.run_path:
            tab.open_run(path, fill_form=False)

    def show_task(self, name: str, room: str) -> None:
        """The place where a running task is seen: that of its training, else this room."""
        room = next((key for key, tab in self.trainers().items() if tab.runs(name)), room)
        if room in self._tabs.rooms:
            self._tabs.show_room(room)
            page: Any = self._tabs.page(room)
            if hasattr(page, "show_task"):
                page.show_task(name)

    def cancel_task(self, name: str) -> None:
        """As its own Stop or Cancel does it, where it has one."""
        owners = [page for page in self._tabs.pages.values() if hasattr(page, "cancel_task")]
        if not any(page.cancel_task(name) for page in owners):
            self._window.engine.stop(name)

    def _with_trainer(self, path: str, does: Callable[[TrainingTab], object]) -> None:
        """Show the room of this run's family, and do something there unless it is busy."""
        window = self._window

        def found(info: RunInfo) -> None:
            family = families.find(info.family)
            if family is None:
                words = f"The run '{info.name}' is of the family '{info.family}', which is unknown to this version."
                window.show_banner(words, "warning", "Update genstudio to open it.")
            elif self.trainer(family.room).busy:
                window.show_banner("A training is running.", "warning", "Stop it before opening another run.", BUSY)
            else:
                self._tabs.show_room(family.room)
                does(self.trainer(family.room))

        self._asking.drop("family")
        known = self._library.run(path)
        if known is not None:
            found(known)
        else:
            from genstudio.tasks.runs import DescribeRun

            self._asking.ask(
                "family",
                DescribeRun(path),
                on_end=lambda failure: window.show_failure(failure) if failure is not None else None,
                on_result=found,
            )

    def _draw_points(self, room: str) -> None:
        """Draw a distribution; once it is saved, it becomes what this room trains on."""
        self._tabs.show_room("datasets")
        self._await(room)
        cast("DatasetsTab", self.datasets).importing.drawing_wanted.emit("points")

    def _open_file(self, key: str) -> None:
        """Bring one's own data; once they are imported, this room trains on them, or the one that they are for."""
        self._tabs.show_room("datasets")
        self._await(key if key in self.trainers() else "")
        self._window.ask_for_file()

    def _await(self, room: str) -> None:
        self._awaited = room, frozenset(info.id for info in self._library.datasets)

    def _turned(self) -> None:
        """Who goes elsewhere meanwhile is not fetched from there."""
        if self._tabs.currentWidget() is not self.datasets:
            self._awaited = None

    def _listed(self, infos: tuple[DatasetInfo, ...]) -> None:
        for tab in self.trainers().values():
            tab.set_datasets(infos)
        if self._awaited is None:
            return
        room, known = self._awaited
        kinds = self.trainer(room).family.data_kinds if room else ()
        made = [info.id for info in infos if info.id not in known and (not room or info.kind in kinds)]
        if made and room:
            self.trainer(room).train_on(made[0])
            self._tabs.show_room(room)
        elif made:
            self.train_on(made[0])

    def _write_with(self, path: str) -> None:
        """Show the Playground with the model of a run."""
        self._tabs.show_room("playground")
        self.playground.choose(path)

    def _play_with(self, paths: tuple[str, ...]) -> None:
        """Show the Playground with the model of a run, or with two of them side by side."""
        self._write_with(paths[0])
        if len(paths) > 1:
            self.playground.compare_with(paths[1])

    def _look_inside(self, path: str) -> None:
        """Show the Playground with the model of a run, on the first page that looks inside it."""
        abilities = next((tab.abilities for tab in self.trainers().values() if tab.run_path == path), ())
        self._write_with(path)
        self.playground.look_inside(abilities)

    def _compare(self, path: str) -> None:
        """Show a run among the others."""
        self._tabs.show_room("runs")
        cast("RunsTab", self._tabs.page("runs")).select(path)

    def _checked(self, name: str, words: str) -> None:
        self._summaries[name] = words
        for tab in self.trainers().values():
            self._show_summary(tab)

    def _show_summary(self, tab: TrainingTab) -> None:
        tab.show_checks(self._summaries.get(tab.setup.data.currentData() or "", ""))

    def _set_up(self, family: str) -> tuple[Values, int]:
        """Values and seed of a training of this family as it is set up now; none where no room shows it. Raises ConfigError."""
        tabs = (tab for tab in self.trainers().values() if tab.family.name == family)
        return next((tab.setup.parsed() for tab in tabs), ({}, 0))

    def _use(self, family: str, values: Values) -> None:
        """Settings that were chosen elsewhere, in the form of this family."""
        for tab in self.trainers().values():
            if tab.family.name == family:
                tab.setup.form.set_values(dict(values))

    def _follow(self, key: str, tab: TrainingTab) -> None:
        """Another dataset was chosen to train on: the Datasets tab shows it too."""
        self._show_summary(tab)
        if self.datasets is not None and (key == FIRST or tab is self._tabs.currentWidget()):
            self.datasets.choose(tab.setup.data.currentData() or "")

    def _settings_changed(self) -> None:
        if self.datasets is not None:
            self.datasets.settings_changed()

    def _run_changed(self, room: str, tab: TrainingTab) -> None:
        self._window.memory.set(f"run/{room}", tab.run_path)
        self._follow_live()
        self._library.refresh_runs()

    def _working(self, tab: TrainingTab, text: str) -> None:
        self._window.menus.enable()
        self._window.status.say(tab.room, tab.family.short, text, busy=tab.busy)
        self._follow_live()

    def _follow_live(self) -> None:
        self._library.set_live(path for tab in self.trainers().values() for path in tab.live_paths)

    def _connect(self, key: str, page: QWidget) -> None:
        for name, slot in (
            ("failed", self._window.show_failure),
            ("done", self._window.show_banner),
            ("open_wanted", self.open_run),
            ("resume_wanted", self.resume_run),
            ("duplicate_wanted", self.set_up_like),
            ("play_wanted", self._play_with),
            ("race_wanted", self.show_race),
            ("write_wanted", self._write_with),
            ("look_wanted", self._look_inside),
            ("compare_wanted", self._compare),
            ("train_wanted", self.train_on),
            ("lesson_wanted", self._window.play_lesson),
            ("settings_wanted", self._use),
            ("checked", self._checked),
            ("checks_wanted", lambda: self._tabs.show_room("datasets")),
            ("file_wanted", lambda: self._open_file(key)),
            ("draw_wanted", lambda: self._draw_points(key)),
        ):
            if hasattr(page, name):
                getattr(page, name).connect(slot)
        self._window.memory.restore(key, page)
        if isinstance(page, TrainingTab):
            page.set_datasets(self._library.datasets)
            page.setup.changed.connect(self._settings_changed)
            page.setup.data.currentIndexChanged.connect(lambda _: self._follow(key, page))
            page.run_changed.connect(lambda _: self._run_changed(key, page))
            page.working.connect(lambda text: self._working(page, text))
        elif self.datasets is page:
            self.datasets.set_settings(self._set_up)


def _whole(steps: float | None) -> int | None:
    return None if steps is None else int(steps)
