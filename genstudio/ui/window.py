"""The one window: tabs, menus, banners, the status bar, and what comes back at the next start."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QMainWindow,
    QMenu,
    QTabWidget,
    QWidget,
)

from genstudio import paths
from genstudio.data.info import DatasetInfo
from genstudio.errors import Failure
from genstudio.events import Frame
from genstudio.runs import RunInfo
from genstudio.tasks.runs import DescribeRun
from genstudio.tasks.task import WarmUp
from genstudio.ui import help_dialog, theme
from genstudio.ui.asking import Asking
from genstudio.ui.banners import Banners
from genstudio.ui.engine import Engine
from genstudio.ui.enter_key import EnterPresses
from genstudio.ui.memory import memory_text
from genstudio.ui.shortcuts import KeysDialog
from genstudio.ui.tabs.transformer import TransformerTab
from genstudio.ui.task_chips import TaskChips
from genstudio.ui.training_tab import TrainingTab
from genstudio.ui.widgets import Banner, named_tabs

if TYPE_CHECKING:
    from genstudio.ui.tabs.datasets import DatasetsTab
    from genstudio.ui.tabs.gan import GANTab
    from genstudio.ui.tabs.playground import PlaygroundTab
    from genstudio.ui.tabs.runs import RunsTab


_LATER = (
    "pyqtgraph",
    "genstudio.ui.panel",
    "genstudio.ui.tabs.playground",
    "genstudio.ui.tabs.gan",
    "genstudio.ui.gan.panel",
    "genstudio.tasks.check",
    "genstudio.ui.datasets.preview",
    "genstudio.ui.tabs.tokenizer_bench",
    "genstudio.ui.tabs.datasets",
)

_SAID_MS = 10_000


class MainWindow(QMainWindow):
    """Holds the engine and the tabs, and carries what one tab says to the others."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowTitle("genstudio")
        self.setAcceptDrops(True)
        self.settings = QSettings(str(paths.settings_file()), QSettings.Format.IniFormat)
        self.engine = Engine(self)
        self._asking = Asking(self.engine)
        self.transformer = TransformerTab(self.engine)
        self._datasets: DatasetsTab | None = None
        self._playground: PlaygroundTab | None = None
        self._gan: GANTab | None = None
        self._runs: RunsTab | None = None
        self.tabs = QTabWidget()
        self.tabs.setObjectName("tabs")
        named_tabs(self.tabs, "Parts of the program")
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(QWidget(), "Datasets")
        self.tabs.addTab(self.transformer, "Transformer")
        self.tabs.addTab(QWidget(), "Playground")
        self.tabs.addTab(QWidget(), "GAN")
        self.tabs.addTab(QWidget(), "Runs")
        self._summaries: dict[str, str] = {}
        self._known: tuple[DatasetInfo, ...] = ()
        self._words: dict[str, str] = {}
        self._drawing: set[str] | None = None
        self.banners = Banners(self.tabs)
        self.setCentralWidget(self.banners)
        self._build_status()
        self._build_menus()
        EnterPresses(self)
        self._connect()
        self._restore()

    @property
    def datasets(self) -> DatasetsTab:
        """The Datasets tab. This and the three below are built when first asked for: after the window has been painted."""
        if self._datasets is None:
            from genstudio.ui.tabs.datasets import DatasetsTab

            self._datasets = DatasetsTab(self.engine)
            self._put(0, self._datasets)
            self._connect_datasets(self._datasets)
            self._restore_splitter("datasets", self._datasets.splitter)
        return self._datasets

    @property
    def playground(self) -> PlaygroundTab:
        if self._playground is None:
            from genstudio.ui.tabs.playground import PlaygroundTab

            tab = self._playground = PlaygroundTab(self.engine)
            self._put(2, tab)
            tab.failed.connect(self.show_failure)
            self._restore_splitter("playground", tab.splitter)
            tab.restore(self._state("playground"))
        return self._playground

    @property
    def gan(self) -> GANTab:
        if self._gan is None:
            from genstudio.ui.tabs.gan import GANTab

            tab = self._gan = GANTab(self.engine)
            self._put(3, tab)
            self._connect_training(tab)
            tab.draw_wanted.connect(self._draw_points)
            self._restore_splitter("gan", tab.splitter)
            setup = self._state("gan")
            if setup:
                tab.restore(setup)
            tab.set_datasets(self._known)
        return self._gan

    @property
    def runs(self) -> RunsTab:
        if self._runs is None:
            from genstudio.ui.tabs.runs import RunsTab

            tab = self._runs = RunsTab(self.engine)
            self._put(4, tab)
            tab.failed.connect(self.show_failure)
            tab.listed.connect(self.playground.show_runs)
            tab.done.connect(self.show_banner)
            tab.open_wanted.connect(self._open_run)
            tab.resume_wanted.connect(self._resume_run)
        return self._runs

    def _put(self, index: int, tab: QWidget) -> None:
        """The tab in the place that was kept for it."""
        current, empty, title = self.tabs.currentIndex(), self.tabs.widget(index), self.tabs.tabText(index)
        self.tabs.insertTab(index, tab, title)
        self.tabs.removeTab(index + 1)
        if empty is not None:
            empty.deleteLater()
        self.tabs.setCurrentIndex(current)

    def begin(self) -> None:
        """What waits until the window has been painted, in steps between which the window answers."""
        self._rest_steps = self._rest()
        self._rest_timer = QTimer(self)
        self._rest_timer.timeout.connect(self._next_step)
        self._rest_timer.start(0)

    def _next_step(self) -> None:
        if next(self._rest_steps, self) is self:
            self._rest_timer.stop()

    def _rest(self) -> Iterator[None]:
        """The other tabs, lists, then the large libraries."""
        for module in _LATER:
            importlib.import_module(module)
            yield
        builders: list[Callable[[], object]] = [
            self._restore_panel,
            lambda: self._reopen(self.transformer),
            lambda: self.playground,
            lambda: self._reopen(self.gan),
            lambda: self.runs.refresh(),
            lambda: self.datasets,
            lambda: self.datasets.refresh(),
        ]
        for step in builders:
            step()
            yield
        self.tabs.setCurrentIndex(self._wanted_tab)
        yield
        self.engine.start(
            WarmUp(),
            self._on_warm,
            lambda _failure: self.engine.settle(),
            on_result=self.device.setText,
            name="warm-up",
        )

    def show_failure(self, failure: Failure) -> None:
        """A banner with what happened and what to do."""
        self.banners.add(Banner.of(failure), failure.message)

    def show_banner(self, what: str, kind: str = "info", next_step: str = "") -> None:
        self.banners.add(Banner(what, kind=kind, next_step=next_step), what)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the newest banner, unless what has the focus uses it."""
        if event.key() != Qt.Key.Key_Escape or not self.banners.dismiss_newest():
            super().keyPressEvent(event)

    def import_files(self, paths: list[str]) -> None:
        """Show what these files are, and offer to make a dataset of them."""
        self.tabs.setCurrentWidget(self.datasets)
        self.datasets.import_files(paths)

    def ask_for_file(self) -> None:
        self.tabs.setCurrentWidget(self.datasets)
        self.datasets.ask_for_files()

    def show_import(self) -> None:
        self.tabs.setCurrentWidget(self.datasets)
        self.datasets.show_import()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().urls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        files = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        if len(files) < len(event.mimeData().urls()):
            self.show_banner(
                "Only files on this computer can be dropped here, not links.",
                next_step="Download it first, then drop the file.",
            )
        runs = [file for file in files if (file / "run.json").is_file()]
        for file in runs:
            self._open_run(str(file))
        models = [file for file in files if file not in runs and (file / "config.json").is_file()]
        for file in models:
            self.tabs.setCurrentWidget(self.runs)
            self.runs.adopt_model(str(file))
        if data := [str(file) for file in files if file not in (*runs, *models)]:
            self.import_files(data)

    def closeEvent(self, event: QCloseEvent) -> None:
        try:
            self._remember()
        finally:  # whatever cannot be remembered, what trains is saved
            self.hide()
            self.engine.close()
        super().closeEvent(event)

    def _on_warm(self, frame: Frame) -> None:
        if frame.progress is not None:
            self.doing.setText(frame.progress.text)

    def _open_run(self, path: str) -> None:
        self._with_trainer(path, lambda tab: tab.open_run(path))

    def _resume_run(self, path: str) -> None:
        self._with_trainer(path, lambda tab: tab.resume_run(path))

    def _with_trainer(self, path: str, does: Callable[[TrainingTab], object]) -> None:
        """Show the tab that trains this run's family, and do something with it unless it is busy."""

        def found(info: RunInfo) -> None:
            tab = self.gan if info.family == "gan" else self.transformer
            if tab.busy:
                self.show_banner("A training is running.", "warning", "Stop it before opening another run.")
                return
            self.tabs.setCurrentWidget(tab)
            does(tab)

        self._asking.drop("family")
        known = [run for run in self.runs.model.runs if str(run.folder) == path]
        if known:
            found(known[0])
        else:
            self._asking.ask(
                "family",
                DescribeRun(path),
                on_end=lambda failure: self.show_failure(failure) if failure is not None else None,
                on_result=found,
            )

    def _train_on(self, name: str) -> None:
        kind = next((info.kind for info in self._known if info.id == name), "text")
        tab: TrainingTab = self.transformer if kind in self.transformer.setup.family.data_kinds else self.gan
        tab.train_on(name)
        self.tabs.setCurrentWidget(tab)

    def _draw_points(self) -> None:
        """Draw a distribution; once it is saved, it becomes what the GAN tab trains on."""
        self._drawing = {info.id for info in self._known}
        self.tabs.setCurrentWidget(self.datasets)
        self.datasets.importing.drawing_wanted.emit("points")

    def _reopen(self, tab: TrainingTab) -> None:
        """The run that the tab showed when the program was closed; the form stays as it was left."""
        path = str(self.settings.value(f"run/{tab.setup.family.name}") or "")
        if path and (Path(path) / "run.json").is_file() and not tab.busy and not tab.run_path:
            tab.open_run(path, fill_form=False)

    def _write_with(self, path: str) -> None:
        """Show the Playground with the model of a run."""
        self.tabs.setCurrentWidget(self.playground)
        self.playground.choose(path)

    def _run_changed(self, tab: TrainingTab) -> None:
        self.settings.setValue(f"run/{tab.setup.family.name}", tab.run_path)
        if tab is self.transformer:
            self.playground.set_live(tab.live_path)
        self.runs.refresh()

    def _checked(self, name: str, words: str) -> None:
        self._summaries[name] = words
        self._show_summary()

    def _show_summary(self) -> None:
        for tab in self._trainers():
            tab.show_checks(self._summaries.get(tab.setup.data.currentData() or "", ""))

    def _trainers(self) -> list[TrainingTab]:
        """The training tabs that are built."""
        return [self.transformer] if self._gan is None else [self.transformer, self._gan]

    def _in_training(self, does: Callable[[TrainingTab], object]) -> None:
        shown = self.tabs.currentWidget()
        if isinstance(shown, TrainingTab):
            does(shown)

    def _enable_training(self) -> None:
        """The menu acts on the training tab that is shown, as its buttons do; elsewhere it could start what nobody sees."""
        shown = self.tabs.currentWidget()
        for name, action in self._training_actions.items():
            action.setEnabled(isinstance(shown, TrainingTab) and getattr(shown, name).isEnabled())

    def _listed(self, infos: tuple[DatasetInfo, ...]) -> None:
        self._known = infos
        before = self.transformer.setup.data.currentData() or self._wanted_data
        kinds = self.transformer.setup.family.data_kinds
        self.transformer.setup.set_datasets(info for info in infos if info.kind in kinds)
        if before:
            self.transformer.setup.choose_data(before)
        if self._gan is None:
            return
        self._gan.set_datasets(infos)
        drawn = [info.id for info in infos if info.kind == "points" and info.id not in (self._drawing or {info.id})]
        if drawn:
            self._drawing = None
            self._gan.train_on(drawn[0])
            self.tabs.setCurrentWidget(self._gan)

    def _halted(self, _name: str, reason: str) -> None:
        self.show_banner(reason, "warning", "Press Resume to try again.")

    def _working(self, tab: TrainingTab, text: str) -> None:
        self._enable_training()
        title = tab.setup.family.name.upper()
        self._words[title] = text
        busy = [f"{name}: {words}" for name, words in self._words.items() if words != "Ready"]
        self.doing.setText("   ·   ".join(busy) if len(busy) > 1 else text)
        if tab is self.transformer and tab.live_path:
            self.playground.set_live(tab.live_path)

    def _connect_datasets(self, tab: DatasetsTab) -> None:
        setup = self.transformer.setup
        tab.failed.connect(self.show_failure)
        tab.listed.connect(self._listed)
        tab.train_wanted.connect(self._train_on)
        tab.checked.connect(self._checked)
        tab.settings_wanted.connect(setup.form.set_values)
        setup.changed.connect(tab.settings_changed)
        setup.data.currentIndexChanged.connect(lambda _: tab.choose(setup.data.currentData() or ""))
        tab.set_settings(setup.parsed)
        tab.set_settings(lambda: ({}, 0) if self._gan is None else self._gan.setup.parsed(), "gan")

    def _connect_training(self, tab: TrainingTab) -> None:
        tab.failed.connect(self.show_failure)
        tab.checks_wanted.connect(lambda: self.tabs.setCurrentWidget(self.datasets))
        tab.file_wanted.connect(self.ask_for_file)
        tab.write_wanted.connect(self._write_with)
        tab.run_changed.connect(lambda _path: self._run_changed(tab))
        tab.working.connect(lambda text: self._working(tab, text))
        tab.setup.data.currentIndexChanged.connect(lambda _: self._show_summary())

    def _connect(self) -> None:
        self._connect_training(self.transformer)
        self.engine.halted.connect(self._halted)
        self.chips.opened.connect(self._show_task)
        self.chips.cancelled.connect(self._cancel_task)
        self.chips.said.connect(lambda text: self.statusBar().showMessage(text, _SAID_MS))
        self.tabs.currentChanged.connect(lambda _: self._enable_training())
        self._clock = QTimer(self)
        self._clock.setInterval(2000)
        self._clock.timeout.connect(lambda: self.memory.setText(memory_text()))
        self._clock.start()

    def _show_task(self, name: str, tab: str) -> None:
        """The place where a running task is seen."""
        place = next((trainer for trainer in self._trainers() if trainer.runs(name)), None) or getattr(self, tab, None)
        if place is not None:
            self.tabs.setCurrentWidget(place)
            if hasattr(place, "show_task"):
                place.show_task(name)

    def _cancel_task(self, name: str) -> None:
        """As its own Stop or Cancel does it, where it has one."""
        owners = [tab for tab in (*self._trainers(), self._datasets) if tab is not None]
        if not any(tab.cancel_task(name) for tab in owners):
            self.engine.stop(name)

    def _build_status(self) -> None:
        self.doing, self.memory, self.device = (QLabel() for _ in range(3))
        self.chips = TaskChips(self.engine)
        for label, name, says in (
            (self.doing, "status_doing", "What the engine is doing"),
            (self.memory, "status_memory", "Memory the program uses"),
            (self.device, "status_device", "Device"),
        ):
            label.setObjectName(name)
            label.setAccessibleName(says)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setContentsMargins(8, 0, 8, 0)
        self.memory.setText(memory_text())
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().addWidget(self.doing, 1)
        for widget in (self.chips, self.memory, self.device):
            self.statusBar().addPermanentWidget(widget)

    def _build_menus(self) -> None:
        bar = self.menuBar()
        file = bar.addMenu("&File")
        self._action(file, "Import files…", self.ask_for_file, "Ctrl+O")
        self._action(file, "Import, paste or draw…", self.show_import, "Ctrl+I")
        file.addSeparator()
        self._action(file, "Quit", self.close, "Ctrl+Q")
        run = bar.addMenu("&Training")
        self._training_actions: dict[str, QAction] = {}
        for pressed, words, does, keys in (
            ("start", "Start", lambda tab: tab.start_training(), "Ctrl+Return"),
            ("pause", "Pause or resume", lambda tab: tab.toggle_pause(), "Ctrl+P"),
            ("stop", "Stop", lambda tab: tab.stop_training(), "Ctrl+."),
            ("save", "Save now", lambda tab: tab.save_now(), "Ctrl+S"),
            ("extend", "Train as long again", lambda tab: tab.extend_by(share=1.0), "Ctrl+T"),
        ):
            action = self._action(run, words, lambda does=does: self._in_training(does), keys)
            self._training_actions[pressed] = action
        play = bar.addMenu("&Playground")
        self._action(play, "Generate", self._generate, "Ctrl+G")
        self._action(play, "Stop writing", lambda: self.playground.stop_writing(), "Ctrl+Shift+G")
        for words, does, keys in (
            ("Generate from the cursor", lambda tab: tab.writer.write_here(), "Ctrl+Shift+Return"),
            ("Write again with the next seed", lambda tab: tab.writer.write_again(), "Ctrl+R"),
            ("Alternatives of the token", lambda tab: tab.document.open_here(), "Alt+Return"),
            ("Next branch", lambda tab: tab.document.walk(1), "Ctrl+B"),
            ("Previous branch", lambda tab: tab.document.walk(-1), "Ctrl+Shift+B"),
            ("To where the branch begins", lambda tab: tab.document.to_fork(), "Ctrl+J"),
            ("To the text", lambda tab: tab.go_to_text(), "Ctrl+L"),
            ("To the list of pages", lambda tab: tab.go_to_pages(), "Ctrl+Shift+L"),
            ("Hide or show the document", lambda tab: tab.wide.toggle(), "Ctrl+Shift+H"),
            ("New document", lambda tab: tab.document.set_text(""), "Ctrl+Shift+N"),
            ("Open document…", lambda tab: tab.writer.files.ask_open(), "Ctrl+Shift+O"),
            ("Export document…", lambda tab: tab.writer.files.ask_export(), "Ctrl+Shift+S"),
        ):
            self._action(play, words, lambda does=does: self._in_playground(does), keys)
        gan = bar.addMenu("&GAN")
        for words, does, keys in (
            ("A step back in time", lambda panel: panel.time.step_by(-1), "F6"),
            ("Play or pause the time machine", lambda panel: panel.time.play.click(), "F7"),
            ("A step on in time", lambda panel: panel.time.step_by(1), "F8"),
            ("First step that was kept", lambda panel: panel.time.to_first(), "Shift+F6"),
            ("Newest step", lambda panel: panel.time.follow(), "Shift+F8"),
            ("Slow motion", lambda panel: panel.slow.turn_on.click(), "Shift+F9"),
            ("Next stage", lambda panel: panel.slow.next.click(), "F9"),
            ("Go back before the last change", lambda panel: panel.live.back.click(), "F4"),
            ("Training or explorer", lambda panel: panel.turn_page(), "Ctrl+Shift+E"),
        ):
            self._action(gan, words, lambda does=does: self._in_gan(does), keys)
        view = bar.addMenu("&View")
        for index in range(self.tabs.count()):
            name = self.tabs.tabText(index)
            self._action(view, name, lambda _=False, i=index: self.tabs.setCurrentIndex(i), f"Ctrl+{index + 1}")
        view.addSeparator()
        self._themes = QActionGroup(self)
        for mode in ("system", "light", "dark"):
            action = self._action(view, f"{mode.capitalize()} colours", lambda _=False, m=mode: self._set_theme(m))
            action.setCheckable(True)
            action.setData(mode)
            self._themes.addAction(action)
        self._action(view, "Light or dark", self._toggle_theme, "Ctrl+Shift+D")
        about = bar.addMenu("&Help")
        self._action(about, "Keyboard shortcuts", self._show_keys, "F1")
        self._action(about, "Where everything is kept", lambda: help_dialog.where(self).show())
        self._action(about, "About genstudio", lambda: help_dialog.about(self).show())

    def _action(self, menu: QMenu, text: str, does: Any, shortcut: str = "") -> QAction:
        action = QAction(text, self)
        action.setObjectName("action_" + "_".join(text.lower().replace("…", "").split()))
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
        action.triggered.connect(lambda _=False: does())
        menu.addAction(action)
        return action

    def _generate(self) -> None:
        self.tabs.setCurrentWidget(self.playground)
        self.playground.start_writing()

    def _in_playground(self, does: Callable[[PlaygroundTab], object]) -> None:
        if self._playground is not None and self._playground.isVisible():
            does(self._playground)

    def _show_keys(self) -> None:
        dialog = KeysDialog(self, self.menuBar().actions())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def _in_gan(self, does: Callable[[Any], object]) -> None:
        if self._gan is not None and self._gan.isVisible() and self._gan.has_panel:
            does(self._gan.panel)

    def _set_theme(self, mode: Any) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply(app, mode)
        self.settings.setValue("theme", mode)
        for action in self._themes.actions():
            action.setChecked(action.data() == mode)

    def _toggle_theme(self) -> None:
        self._set_theme("light" if theme.current().dark else "dark")

    def _splitters(self) -> dict[str, Any]:
        """Those that are there."""
        found: dict[str, Any] = {"transformer": self.transformer.splitter}
        if self.transformer.has_panel:
            found["run"] = self.transformer.panel.splitter
        if self._gan is not None:
            found["gan"] = self._gan.splitter
            if self._gan.has_panel:
                found |= {"gan_run": self._gan.panel.splitter, "gan_upright": self._gan.panel.upright}
        for name, tab in (("datasets", self._datasets), ("playground", self._playground)):
            if tab is not None:
                found[name] = tab.splitter
        return found

    def _remember(self) -> None:
        self.settings.setValue("geometry", self.saveGeometry())
        self.settings.setValue("tab", self.tabs.currentIndex())
        for name, splitter in self._splitters().items():
            self.settings.setValue(f"splitter/{name}", splitter.saveState())
        for tab in self._trainers():
            self.settings.setValue(f"run/{tab.setup.family.name}", tab.run_path)
        state = {**self._state(""), "setup": self.transformer.setup.state()}
        if self._gan is not None:
            state["gan"] = self._gan.setup.state()
        if self._playground is not None:
            state["playground"] = self._playground.state()
        if self.transformer.has_panel:
            panel = self.transformer.panel
            state |= {"prompt": panel.prompt.text(), "probe": panel.probe.text()}
        self.settings.setValue("state", json.dumps(state))
        self.settings.sync()

    def _restore_splitter(self, name: str, splitter: Any) -> None:
        saved = self.settings.value(f"splitter/{name}")
        if isinstance(saved, QByteArray):
            splitter.restoreState(saved)

    def _restore(self) -> None:
        room = self.screen().availableGeometry().size()
        self.resize(min(1360, room.width()), min(860, room.height()))
        geometry = self.settings.value("geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        self._restore_splitter("transformer", self.transformer.splitter)
        self._set_theme(str(self.settings.value("theme", "system")))
        try:
            self._wanted_tab = int(str(self.settings.value("tab", 1)))
        except ValueError:
            self._wanted_tab = 1
        self.tabs.setCurrentIndex(1)
        setup = self._state("setup")
        self._wanted_data = str(setup.get("data") or "")
        if setup:
            self.transformer.setup.restore(setup)

    def _restore_panel(self) -> None:
        """What the person watched at the last time."""
        panel = self.transformer.panel
        panel.failed.connect(self.show_failure)
        self._restore_splitter("run", panel.splitter)
        for name in ("prompt", "probe"):
            text = self._state("").get(name)
            if isinstance(text, str) and text:
                getattr(panel, name).setText(text)

    def _state(self, part: str) -> dict[str, Any]:
        """What was remembered of a part of the window, or of all of it; empty where that is missing or damaged."""
        try:
            state = json.loads(str(self.settings.value("state", "{}")))
        except ValueError:
            return {}
        found = state.get(part) if part and isinstance(state, dict) else state
        return found if isinstance(found, dict) else {}
