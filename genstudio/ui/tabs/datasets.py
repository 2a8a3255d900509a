"""The Datasets tab: the shelf on the left, what is in a dataset in the middle, checks and split on the right."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QInputDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from genstudio import families
from genstudio.config import Values
from genstudio.data.catalogue import CATALOGUE
from genstudio.data.checks import Example, Finding
from genstudio.data.images import PictureSettings
from genstudio.data.importing import report
from genstudio.data.preview import TextLook
from genstudio.data.shelf import DatasetInfo
from genstudio.data.split import SplitSettings
from genstudio.data.vocabulary import TokenSettings
from genstudio.errors import ConfigError, DataError, Failure
from genstudio.events import Array, Frame
from genstudio.tasks.check import CheckDataset, ShowSplit
from genstudio.tasks.clip import LookAtClip
from genstudio.tasks.datasets import (
    DuplicateDataset,
    Import,
    ImportClassPoints,
    ImportDrawings,
    ImportPoints,
    Inspect,
    Listed,
    RemoveDataset,
    RenameDataset,
    TryImport,
    UsedBy,
)
from genstudio.tasks.download import Download
from genstudio.tasks.first_batch import FirstBatch
from genstudio.tasks.preview import Find, Look, Looked, ReadText, TryGenerated, TryPictures
from genstudio.tasks.task import Task
from genstudio.ui import theme
from genstudio.ui.asking import Asking
from genstudio.ui.datasets.checks import ChecksPanel, summary
from genstudio.ui.datasets.downloads import DownloadPage
from genstudio.ui.datasets.drawing import CLASSES, DrawDigits, DrawPoints
from genstudio.ui.datasets.importing import ImportPanel
from genstudio.ui.datasets.preview import PreviewPages
from genstudio.ui.datasets.shelf import ShelfList, catalogue_entry, entry_of
from genstudio.ui.datasets.split import SplitPanel
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Stack, hbox, named, single_shot, vbox
from genstudio.ui.library import Library
from genstudio.ui.tabs.tokenizer_bench import TokenizerBench
from genstudio.ui.widgets import button, icon_button, plain_label, primary_button

_MIDDLE = 480
"""Pixels of the usual text size that a dataset needs between the columns at the sides."""
_SAID = 7
"""Lines about an import at most, so that they leave room for the data below."""

_ABOUT = ("look", "read", "find", "batch", "try", "made", "check", "split", "used", "clip")
"""Questions about the dataset that is chosen."""

R = TypeVar("R")
Settings = Callable[[str], tuple[Values, int]]


class DatasetsTab(QWidget):
    """`looked(info, preview)`, `train_wanted(id, family)`, `failed(Failure)`.

    `checked(id, words)` sums up what the checks found, empty while they run.
    `settings_wanted(family, {name: value})` where the person chose something here that is a setting of a training.
    """

    looked = Signal(object, object)
    train_wanted = Signal(str, str)
    settings_wanted = Signal(str, object)
    checked = Signal(str, str)
    failed = Signal(object)

    def __init__(self, engine: Engine, library: Library) -> None:
        super().__init__()
        self.setObjectName("datasets_tab")
        self._engine, self._library = engine, library
        self._infos: dict[str, DatasetInfo] = {}
        self._asking = Asking(engine)
        self._looked_at: str | None = None
        self._example: Example | None = None
        self._seed = 0
        self._wanted: str | None = None
        self._settings: Settings | None = None
        self._sound: dict[str, tuple[Values, int]] = {}
        self._characters: dict[str, int] = {}
        self.shelf = ShelfList()
        self.title = plain_label(role="title", name="dataset_title", wrap=True)
        self.about = plain_label(role="quiet", wrap=True, name="dataset_about")
        self.rename = icon_button("pencil", "rename_dataset", "Rename this dataset")
        self.duplicate = icon_button("copy", "duplicate_dataset", "Duplicate with other settings")
        self.delete = icon_button("trash", "delete_dataset", "Delete this dataset")
        self.bench = TokenizerBench(engine)
        self.preview = PreviewPages({"text": [("Tokens", self.bench)]})
        self.split = SplitPanel()
        self.checks = ChecksPanel()
        self.downloads = DownloadPage()
        self._findings: dict[CheckDataset, tuple[Finding, ...]] = {}
        self.importing = ImportPanel()
        self.draw_points, self.draw_digits = DrawPoints(), DrawDigits()
        self.open_file = button("Import…", "import_data", "plus", "Import your own data", self.show_import)
        self.train = primary_button("Train on this", "train_on_this", "play")
        self.other = icon_button("chevron-down", "train_other", "Choose the model that is trained on this")
        self.families = named(QMenu(self.other), "train_with")
        self.untrained = plain_label(role="quiet", wrap=True, name="untrained")
        self.untrained.hide()
        self._recheck = single_shot(self, 400)
        self._lay_out()
        self._connect()
        if library.datasets:
            self._fill(library.datasets)

    @property
    def current(self) -> str | None:
        """Id of the dataset that is chosen."""
        key = self.shelf.current
        return key if key in self._infos else None

    @property
    def figures(self) -> dict[str, QLabel]:
        return self.preview.text_figures.figures

    def splitters(self) -> dict[str, QSplitter]:
        return {"datasets": self.splitter}

    def set_settings(self, settings: Settings) -> None:
        """`settings(family)` gives (values, seed) of a training of this family as it is set up now.

        It raises ConfigError while they cannot be used; then those count that could be used last.
        """
        self._settings = settings
        self.settings_changed()

    def settings_changed(self) -> None:
        """The settings of a training are others now."""
        self._asking.drop("check", "split")
        if family := _usual("text"):
            values, _ = self._last_sound(family.name)
            self.split.show_values(values)
            self.bench.set_model(values)
        self._recheck.start()

    def check(self) -> None:
        """Check the chosen dataset for the training as it is set up now; what was asked before is remembered."""
        info = self._infos.get(self.current or "")
        if info is None:
            return
        task = self._question(info)
        if task in self._findings:
            self._show_findings(task, self._findings[task])
        else:
            self.checks.show_working("Checking…")
            self.checked.emit(info.id, "")
            self._start("check", task, lambda findings: self._show_findings(task, findings))

    def _set_up(self, info: DatasetInfo) -> tuple[Values, int]:
        """Values and seed of the training that would usually learn this dataset; none where it was never set up."""
        family = _usual(info.kind)
        return self._last_sound(family.name) if family is not None else ({}, 0)

    def _last_sound(self, family: str) -> tuple[Values, int]:
        """Values and seed that the training of this family was set up with when they could be used last."""
        if self._settings is not None:
            with contextlib.suppress(ConfigError):
                self._sound[family] = self._settings(family)
        return self._sound.get(family, ({}, 0))

    def _parameters(self, info: DatasetInfo, values: Values) -> int | None:
        """Of the model that is set up for a text, once its characters are counted."""
        family, characters = _usual(info.kind), self._characters.get(info.id)
        if info.kind != "text" or family is None or characters is None or family.config.problems(values):
            return None
        return family.cost(family.config.parse(values), info, TokenSettings.of(values).size(characters)).parameters

    def _question(self, info: DatasetInfo) -> CheckDataset:
        values, _ = self._set_up(info)
        if info.kind != "text":
            return CheckDataset(info.id)
        context = values.get("context")
        with contextlib.suppress(DataError):
            split = SplitSettings.of(values)
            lines = values.get("markers") == "lines"
            room = context if isinstance(context, int) else None
            return CheckDataset(info.id, room, split, lines, self._parameters(info, values))
        return CheckDataset(info.id)

    def _draw_split(self) -> None:
        """Work out what a split by chance gives; where nothing is drawn, the panel knows it itself."""
        info = self._infos.get(self.current or "")
        task = self._question(info) if info is not None and info.kind == "text" else None
        if task is not None and task.split is not None and task.split.how != "contiguous":
            asked = ShowSplit(task.data, task.split, task.lines, task.context or 0)
            self._start("split", asked, lambda f: self.split.show_true(f.shares, f.train, f.validation))

    def _show_findings(self, task: CheckDataset, findings: tuple[Finding, ...]) -> None:
        self._findings[task] = findings
        self.checks.show_findings(findings)
        self.checked.emit(task.data, summary(findings))

    def _show_example(self, example: Example) -> None:
        """Show an example of a finding where it stands."""
        self._example = example
        if self._ready is not None and example.place is not None:
            self.preview.go_to(example.place, example.length)
            self._example = None

    def refresh(self) -> None:
        """Read the list of datasets again."""
        self._library.refresh_datasets()

    def choose(self, name: str) -> None:
        """Show this dataset; once it is listed, if it is not yet."""
        if not self.shelf.choose(name):
            self._wanted = name

    def show_import(self) -> None:
        """Offer the ways to bring data; where an import is prepared, show that again."""
        if not self.importing.prepared:
            self.importing.choose()
        self.stack.setCurrentWidget(self.importing)

    @property
    def _ready(self) -> str | None:
        """Id of the dataset whose pages are filled: only these can be asked of."""
        return self.current if self.current == self._looked_at else None

    def _start(self, slot: str, task: Task[R], on_result: Callable[[R], object] | None = None) -> None:
        """Run a task; a newer one in the same slot takes the place of the older."""
        awaited = slot in ("inspect", "import") or slot.startswith("download ")
        self._asking.ask(
            slot,
            task,
            lambda frame: self._on_frame(frame, slot),
            lambda failure: self._on_end(slot, failure),
            on_result=on_result,
            because="another one was started" if awaited else "",
        )

    def _change(self, task: Task[Listed]) -> None:
        """Change what is on the shelf; a change never gives way to the next one."""
        self._engine.start(
            task, None, lambda failure: self._on_end("change", failure), on_result=self._library.set_datasets
        )

    def cancel_task(self, name: str) -> bool:
        """Stop this task of the engine, if it is one of this tab."""
        slot = self._asking.kind(name)
        if slot in ("inspect", "import"):
            self._cancel()
        elif slot:
            self._engine.stop(name)
        return bool(slot)

    def show_task(self, name: str) -> None:
        """The page on which a task of this tab is seen."""
        if self._asking.kind(name) in ("inspect", "import"):
            self.stack.setCurrentWidget(self.importing)

    def _on_frame(self, frame: Frame, slot: str) -> None:
        if slot == "import" and frame.progress is not None:
            self.importing.show_progress(frame.progress)
        if slot == "check" and frame.progress is not None and frame.progress.done is not None:
            self.checks.said.setText(f"Checking… {frame.progress.done:.0%}")
        if slot.startswith("download ") and frame.progress is not None:
            self.downloads.show_progress(slot.removeprefix("download "), frame.progress)

    def _imported(self, info: DatasetInfo) -> None:
        busy = self.stack.currentWidget() is self.importing or self.current is None
        self._wanted = info.id if busy else None
        self.refresh()

    def _on_end(self, slot: str, failure: Failure | None) -> None:
        if failure is not None and slot == "batch":
            self.preview.batch.clear(f"{failure.message} {failure.hint}")
        elif failure is not None and slot == "split":
            self.split.show_problem(failure.message)
        elif failure is not None and slot == "made":
            self.preview.make.show_problem(failure.message)
        elif failure is not None:
            self.failed.emit(failure)
        if slot.startswith("download "):
            self.downloads.ended(slot.removeprefix("download "))
        if failure is not None and slot in ("check", "look"):
            self.checks.show_working(failure.message)
        if failure is not None and slot in ("inspect", "import"):
            self.importing.failed()

    def _fill(self, infos: Listed) -> None:
        self._infos = {info.id: info for info in infos}
        wanted, self._wanted = self._wanted, None
        offers = [catalogue_entry(name, offer) for name, offer in CATALOGUE.items()]
        self.shelf.show_entries([*map(entry_of, infos), *offers], wanted)

    def _show(self, key: str) -> None:
        self._asking.drop(*_ABOUT)
        self._looked_at = self._example = None
        info = self._infos.get(key)
        if info is None:
            self.downloads.show_offer(CATALOGUE[key.removeprefix("catalogue:")])
            self.stack.setCurrentWidget(self.downloads)
            return
        self.stack.setCurrentWidget(self._pages)
        for widget in (self.rename, self.delete):
            widget.setEnabled(info.mine)
        self.title.setText(info.title)
        self.about.setText(about(info))
        text = info.kind == "text"
        self._offer_training(info)
        self._split_part.setVisible(text)
        self.split.show_dataset(info)
        self.bench.set_dataset(info if text else None)
        self.preview.show_kind(info)
        self._start("look", Look(info.id), lambda looked: self._show_look(info, looked))
        if not text:
            self.check()
            return
        self.checks.show_working("Reading…")
        self.checked.emit(info.id, "")

    def _offer_training(self, info: DatasetInfo) -> None:
        """The button trains the usual family of those that take this data; a menu beside it offers each of several."""
        taking = families.taking(info)
        self.train.setEnabled(bool(taking))
        self.untrained.setText("" if taking else "No model is trained on this kind of data yet.")
        self.untrained.setVisible(not taking)
        self.families.clear()
        for family in taking:
            action = self.families.addAction(family.title)
            action.setObjectName(f"train_{family.name}")
            action.triggered.connect(lambda _=False, name=family.name: self.train_wanted.emit(self.current or "", name))
        self.other.setVisible(len(taking) > 1)

    def _show_look(self, info: DatasetInfo, looked: Looked) -> None:
        look, self._looked_at = looked.preview, info.id
        if isinstance(look, TextLook):
            self._characters[info.id] = look.statistics.vocabulary
            self.check()
            self._draw_split()
        self.preview.show_look(info, look)
        if self._example is not None:
            self._show_example(self._example)
        self.looked.emit(info, look)
        if isinstance(look, TextLook):
            self.preview.text.show_reading(0, looked.beginning)

    def _read(self, position: int | None) -> None:
        if self._ready:
            self._seed += 1
            seed = self._seed if position is None else None
            task = ReadText(self._ready, position or 0, seed)
            self._start("read", task, lambda stretch: self.preview.text.show_reading(*stretch))

    def _find(self, needle: str, match_case: bool) -> None:
        if self._ready:
            self._start("find", Find(self._ready, needle, match_case), self.preview.show_matches)

    def _batch(self) -> None:
        if self._ready:
            info = self._infos[self._ready]
            family = _usual(info.kind)
            if family is None:
                self.preview.batch.clear(self.untrained.text())
                return
            try:
                values, seed = self._settings(family.name) if self._settings is not None else ({}, 0)
            except ConfigError as error:
                self.preview.batch.clear(f"The training cannot start with these settings. {error.message}")
                return
            self.preview.batch.clear("Building the first batch…")
            self._start("batch", FirstBatch(info.id, values, family.name, seed), self.preview.batch.show_batch)

    def _clip(self, index: int) -> None:
        if self.current:
            self._start("clip", LookAtClip(self.current, index), self.preview.clips.show_clip)

    def _try(self, settings: PictureSettings) -> None:
        if self._ready and self._infos[self._ready].kind == "images":
            task, prepare = TryPictures(self._ready, settings), self.preview.prepare
            self._start("try", task, lambda pairs: prepare.show_pairs(settings, pairs))

    def _try_made(self, values: Values) -> None:
        if self._ready:
            task, make = TryGenerated(self._ready, values), self.preview.make
            self._start("made", task, lambda made: make.show_made(values, made))

    def _rename(self) -> None:
        info = self._infos.get(self.current or "")
        if info is None:
            return
        title, agreed = QInputDialog.getText(self, "Rename dataset", "Name", QLineEdit.EchoMode.Normal, info.title)
        if agreed and title.strip() and title != info.title:
            self._change(RenameDataset(info.id, title))

    def _delete(self) -> None:
        if self.current:
            key = self.current

            def ask(used_by: tuple[str, ...]) -> None:  # once this task is over: the question has an event loop of its own
                QTimer.singleShot(0, self, lambda: self._ask_to_delete(key, used_by))

            self._start("used", UsedBy(key), ask)

    def _ask_to_delete(self, key: str, used_by: tuple[str, ...]) -> None:
        info = self._infos.get(key)
        if info is None:
            return
        question = named(QMessageBox(
            QMessageBox.Icon.Warning, "Delete dataset", f"Delete '{info.title}'?", parent=self
        ), "delete_question")
        question.setTextFormat(Qt.TextFormat.PlainText)
        question.setInformativeText("The original files are kept. " + _uses(used_by))
        question.setStandardButtons(QMessageBox.StandardButton.Cancel)
        yes = question.addButton("Delete", QMessageBox.ButtonRole.DestructiveRole)
        question.exec()
        if question.clickedButton() is yes:
            self._change(RemoveDataset(info.id))

    def ask_for_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Import files", "", "All files (*)")
        if paths:
            self.import_files(paths)

    def ask_for_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Import a folder")
        if path:
            self.import_files([path])

    def import_files(self, sources: Sequence[str]) -> None:
        """Find out what these are, and ask what to make of them."""
        self._prepare(tuple(sources))

    def import_text(self, text: str) -> None:
        """Make a dataset of a pasted text."""
        self._prepare(text)

    def _prepare(self, sources: Sequence[str] | str) -> None:
        self.stack.setCurrentWidget(self.importing)
        if not self.importing.prepared or self._may_discard():
            self.importing.look_at(sources)

    def _may_discard(self) -> bool:
        """Whether the import that is prepared may give way to another."""
        name = self.importing.name.text().strip() or self.importing.title.text()
        question = named(QMessageBox(
            QMessageBox.Icon.Question, "Discard the import?", f"'{name}' is not imported yet.", parent=self
        ), "discard_question")
        question.setTextFormat(Qt.TextFormat.PlainText)
        question.setInformativeText("To keep it, press Cancel here and then Import. The original files are not "
            "changed.")
        question.setStandardButtons(QMessageBox.StandardButton.Cancel)
        discard = question.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
        question.exec()
        return question.clickedButton() is discard

    def _import(self, sources: Any, options: Any) -> None:
        self._asking.drop("try import")
        self._start("import", Import(sources, options), self._imported)

    def _duplicate(self) -> None:
        info = self._infos.get(self.current or "")
        if info is None:
            return
        if self.preview.tabs.indexOf(self.preview.make) >= 0:
            self.preview.tabs.setCurrentWidget(self.preview.make)
            self.preview.make.name.setFocus()
        elif info.kind == "images":
            self.preview.tabs.setCurrentWidget(self.preview.prepare)
            self.preview.prepare.name.setFocus()
        else:
            self._work("Copying", DuplicateDataset(info.id))

    def _duplicate_pictures(self, name: str, settings: PictureSettings) -> None:
        if self._ready:
            self._work("Copying", DuplicateDataset(self._ready, name.strip() or None, settings))

    def _duplicate_made(self, name: str, values: Values) -> None:
        if self._ready:
            self._work("Making", DuplicateDataset(self._ready, name.strip() or None, made_with=values))

    def _train(self) -> None:
        self.train_wanted.emit(self.current or "", "")

    def _train_with(self, values: Values) -> None:
        """Settings of the training that the person chose here, and the way to where they are used."""
        self._wish(values)
        self.train_wanted.emit(self.current or "", "")

    def _wish(self, values: Values) -> None:
        """A setting of the training that would usually learn from a text was chosen here."""
        if family := _usual("text"):
            self.settings_wanted.emit(family.name, values)

    def _work(self, words: str, task: Task[DatasetInfo]) -> None:
        """Something that takes a while and ends in a new dataset."""
        self.stack.setCurrentWidget(self.importing)
        self.importing.sentence.setText("")
        self.importing.title.setText(f"{words}…")
        self.importing.working(words)
        self._start("import", task, self._imported)

    def _save_points(self, name: str, points: Array) -> None:
        self._work("Saving", ImportPoints(points, name.strip() or "Drawn points"))

    def _save_classes(self, name: str, points: Array, labels: Array) -> None:
        self._work("Saving", ImportClassPoints(points, labels, CLASSES[1:], name.strip() or "Drawn points"))

    def _save_digits(self, name: str, pixels: Array, labels: Array) -> None:
        self._work("Saving", ImportDrawings(pixels, labels, tuple("0123456789"), name.strip() or "Drawn digits"))

    def _cancel(self) -> None:
        self._asking.drop("inspect", "import", "try import")
        self.importing.choose()
        self._back()

    def _cancel_download(self, name: str) -> None:
        self._asking.drop(f"download {name}")
        self.downloads.ended(name)

    def _draw(self, what: str) -> None:
        self.stack.setCurrentWidget(self.draw_points if what == "points" else self.draw_digits)

    def _back(self) -> None:
        self.stack.setCurrentWidget(self._pages)

    def _connect(self) -> None:
        self.shelf.chosen.connect(self._show)
        self.train.clicked.connect(self._train)
        self.other.clicked.connect(lambda: self.families.popup(self.other.mapToGlobal(self.other.rect().bottomLeft())))
        self._library.datasets_changed.connect(self._fill)
        self.rename.clicked.connect(self._rename)
        self.delete.clicked.connect(self._delete)
        self.preview.find_wanted.connect(self._find)
        self.preview.read_wanted.connect(self._read)
        self.preview.random_wanted.connect(lambda: self._read(None))
        self.preview.batch_wanted.connect(self._batch)
        self.preview.clip_wanted.connect(self._clip)
        self.importing.files_wanted.connect(self.ask_for_files)
        self.importing.folder_wanted.connect(self.ask_for_folder)
        self.importing.drawing_wanted.connect(self._draw)
        self.importing.cancelled.connect(self._cancel)
        self.importing.pasted.connect(self.import_text)
        self.importing.inspect_wanted.connect(
            lambda sources, options: self._start("inspect", Inspect(sources, options), self.importing.show_found)
        )
        self.importing.import_wanted.connect(self._import)
        self.importing.try_wanted.connect(
            lambda sources, options: self._start("try import", TryImport(sources, options), self.importing.show_attempt)
        )
        self.draw_points.saved.connect(self._save_points)
        self.draw_points.classes_saved.connect(self._save_classes)
        self.draw_digits.saved.connect(self._save_digits)
        self.duplicate.clicked.connect(self._duplicate)
        self.preview.prepare.try_wanted.connect(self._try)
        self.preview.prepare.duplicate_wanted.connect(self._duplicate_pictures)
        self.preview.make.try_wanted.connect(self._try_made)
        self.preview.make.duplicate_wanted.connect(self._duplicate_made)
        self.split.changed.connect(self._wish)
        self.bench.failed.connect(self.failed)
        self.bench.settings_wanted.connect(self._train_with)
        self.checks.example_chosen.connect(self._show_example)
        self._recheck.timeout.connect(self.check)
        self._recheck.timeout.connect(self._draw_split)
        self.downloads.wanted.connect(lambda name: self._start(f"download {name}", Download(name), self._imported))
        self.downloads.cancelled.connect(self._cancel_download)
        self.stack.currentChanged.connect(self._show_right)
        for drawing in (self.draw_points, self.draw_digits):
            drawing.cancelled.connect(self._back)

    def _show_right(self) -> None:
        """Checks and split beside a dataset alone; when they come back, they are as wide as they were."""
        beside = self.stack.currentWidget() is self._pages
        if beside == self._right.isVisibleTo(self):
            return
        if not beside:
            self._sizes = list(self.splitter.sizes())
            self._right.hide()
        else:
            self._right.show()
            self.splitter.setSizes(self._sizes)

    def _lay_out(self) -> None:
        left = _column(self.shelf, self.open_file)
        left.setMinimumWidth(216)
        self._pages = QWidget()
        head = hbox(self.title, self.rename, self.duplicate, self.delete, spacing=4)
        head.setStretch(0, 1)
        vbox(head, self.about, (self.preview, 1), into=self._pages, spacing=4)
        self.stack = Stack()
        for page in (self._pages, self.downloads, self.importing, self.draw_points, self.draw_digits):
            self.stack.addWidget(page)
        self._split_part = _column(plain_label("Split", role="heading"), self.split)
        self._split_part.layout().setContentsMargins(0, 0, 0, 0)  # type: ignore[union-attr]
        found = QWidget()
        vbox(self._split_part, plain_label("Checks", role="heading"), (self.checks, 1), into=found, spacing=8)
        # where large text leaves little height, this part scrolls instead of pressing its rows together
        scroll = named(_Downwards(), "split_scroll", "Split and checks")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(found)
        self._right = right = QWidget()
        train = hbox((self.train, 1), self.other, spacing=4)
        vbox((scroll, 1), self.untrained, train, into=right, margins=(6, 0, 6, 0), spacing=8)
        right.setMinimumWidth(244)
        self.splitter = named(QSplitter(Qt.Orientation.Horizontal), "datasets_splitter")
        self.splitter.setChildrenCollapsible(False)
        for widget in (left, _column(self.stack), right):
            self.splitter.addWidget(widget)
        self.splitter.setStretchFactor(1, 1)
        self._sizes, self._zoom = [264, 712, 280], theme.zoom()
        self.splitter.setSizes(self._sizes)
        hbox(self.splitter, into=self, margins=(12, 12, 12, 12), spacing=None)
        theme.changed.connect(self._follow_text)

    def _follow_text(self, _theme: object) -> None:
        """The columns at the sides go with the size of the text, where the one between keeps enough."""
        before, self._zoom = self._zoom, theme.zoom()
        sizes = self.splitter.sizes()
        left, right = (round(size * self._zoom / before) for size in (sizes[0], sizes[2]))
        if before != self._zoom and sum(sizes) - left - right >= theme.scaled(_MIDDLE):
            self.splitter.setSizes([left, sum(sizes) - left - right, right])


def _usual(kind: str) -> families.AnyFamily | None:
    """The family that usually learns from this kind of data."""
    return next(iter(families.learning_from(kind)), None)


def about(info: DatasetInfo) -> str:
    """Where a dataset comes from, and what its import made of the files."""
    where = "  ·  ".join(part for part in (info.description, info.licence, info.source) if part)
    said = report.lines(info) if info.origin == "imported" else ()
    more = (f"{len(said) - _SAID:,} more, listed by 'genstudio datasets --json'.",) if len(said) > _SAID else ()
    return "\n".join((where, *said[:_SAID], *more))


def _uses(names: tuple[str, ...]) -> str:
    if not names:
        return "No run was trained on it."
    shown = ", ".join(f"'{name}'" for name in names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")
    many = "run was" if len(names) == 1 else "runs were"
    return f"{len(names):,} {many} trained on it ({shown}): they can still generate, but not be trained further."


class _Downwards(QScrollArea):
    """Scrolls up and down only, and is as wide as what is in it needs."""

    def minimumSizeHint(self) -> QSize:
        inside = self.widget()
        wide = inside.minimumSizeHint().width() if inside is not None else 0
        return QSize(wide + self.verticalScrollBar().sizeHint().width(), super().minimumSizeHint().height())


def _column(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(6, 0, 6, 0)
    layout.setSpacing(8)
    for widget in widgets:
        layout.addWidget(widget, 1 if isinstance(widget, (ShelfList, Stack)) else 0)
    return holder
