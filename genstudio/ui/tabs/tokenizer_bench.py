"""The tokenizer bench: choose or learn a tokenizer of a text, and see what it does to the dataset and to anything typed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from genstudio import families
from genstudio.config import Values
from genstudio.data.merges import Merges
from genstudio.data.shelf import DatasetInfo
from genstudio.data.split import SplitSettings
from genstudio.data.token_text import TokenText
from genstudio.data.tokenizers import Tokenizer
from genstudio.data.vocabulary import TokenSettings
from genstudio.errors import DataError, Failure
from genstudio.events import Frame
from genstudio.tasks.task import Task
from genstudio.tasks.tokenize import (
    CompareSizes,
    MakeTokenizer,
    OpenTokenizer,
    SaveTokenizer,
    SizeRow,
    SizeRows,
    SplitDataset,
    SplitText,
    StepMerges,
)
from genstudio.ui import theme
from genstudio.ui.asking import Asking
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Choice, Flow, Scrolling, hbox, single_shot, vbox
from genstudio.ui.numbers import FloatEdit
from genstudio.ui.views.merges import MergesView
from genstudio.ui.views.sizes import NAMES, SizesView
from genstudio.ui.views.tokens import TokensView
from genstudio.ui.widgets import ElidedLabel, plain_label

R = TypeVar("R")
EXAMPLE = "aaabdaaabac"
KINDS = (("Characters", "char"), ("Bytes", "byte"), ("Words", "word"), ("Byte pairs", "bpe"))
LEARNT = ("word", "bpe")
LOW, HIGH = {"word": 8, "bpe": 260}, 65_535


class TokenizerBench(QWidget):
    """The page Tokens of a dataset. `set_dataset(info)`, `set_model(values)`; `failed(Failure)`.

    `settings_wanted({name: value})` when the person wants to train with the tokenizer that is shown.
    """

    failed = Signal(object)
    settings_wanted = Signal(object)

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.setObjectName("tokenizer_bench")
        self._engine = engine
        self._info: DatasetInfo | None = None
        self._family = families.learning_from("text")[0]
        self._values: Values = {}
        self._jobs = Asking(engine)
        self._began = 0.0
        self._stale = False
        self._file = ""
        self._rows: tuple[SizeRow, ...] = ()
        self.tokenizer: Tokenizer | None = None
        self.kind = Choice()
        for words, name in KINDS:
            self.kind.addItem(words, name)
        self.vocabulary = FloatEdit(low=8, high=HIGH, logarithmic=True, whole=True)
        self.least = FloatEdit(low=1, high=1_000_000, logarithmic=True, whole=True)
        self.make = QPushButton("Learn")
        self.cancel = QPushButton("Cancel")
        self.save = QPushButton("Save…")
        self.open = QPushButton("Open…")
        self.use = QPushButton("Train with this")
        self.progress = QProgressBar()
        self.status = ElidedLabel()
        self.problem = plain_label(role="problem", wrap=True, name="bench_problem")
        self.typed = QPlainTextEdit("Type some text to see how it is tokenised.")
        self.facts = plain_label(role="quiet", wrap=True, name="token_facts")
        self.tokens = TokensView("typed_tokens", "Your text in tokens")
        self.ids = QCheckBox("Ids under the tokens")
        self.dataset_facts = plain_label(role="quiet", wrap=True, name="dataset_token_facts")
        self.dataset_tokens = TokensView("dataset_tokens", "The beginning of the dataset in tokens")
        self.compare = QPushButton("Compare sizes")
        self.chart = SizesView()
        self.table = QTableWidget(0, 4)
        self.merge_text = QLineEdit(EXAMPLE)
        self.example = QPushButton("Example")
        self.from_data = QPushButton("From the dataset")
        self.apart = QCheckBox("Never merge across words")
        self.merges = MergesView()
        self.pages = QTabWidget()
        self._typing = single_shot(self, 150)
        self._merging = single_shot(self, 200)
        self._name_things()
        self._lay_out()
        self._connect()
        self._kind_changed()

    def set_dataset(self, info: DatasetInfo | None) -> None:
        """Work on this dataset, if it is a text; what was learnt from another one is dropped."""
        if info is not None and info.kind != "text":
            info = None
        if info == self._info:
            return
        self._info = info
        self._jobs.drop()
        self._set_tokenizer(None)
        self._show_rows(())
        self.status.setText("" if info is not None else "Choose a text to build a tokenizer from.")
        self._refresh()

    def set_model(self, values: Values) -> None:
        """The settings of the model that is set up: whose parameters are compared, and how the text is split."""
        before, self._values = self._values, dict(values)
        self._show_rows(self._rows)
        if any(before.get(name) != values.get(name) for name in ("split", "validation_share", "split_seed")):
            self._stop("compare")
            self._show_rows(())
            if self.kind.currentData() in LEARNT and not self._file:
                self._set_tokenizer(None)
                self.status.setText("Learned from the training part of the dataset.")

    def settings(self) -> TokenSettings:
        """What is chosen now. A number that cannot be read counts as its default."""
        plain = TokenSettings()
        size, least = self.vocabulary.value(), self.least.value()
        return TokenSettings(
            self.kind.currentData(),
            size if isinstance(size, int) else plain.vocabulary,
            least if isinstance(least, int) else plain.min_count,
        )

    def _parts(self) -> SplitSettings:
        """How the text is split; in the usual way where the settings say nothing that is possible."""
        with contextlib.suppress(DataError, ValueError):
            return SplitSettings.of(self._values)
        return SplitSettings()

    def train_with_it(self) -> None:
        """Ask for the settings that train with the tokenizer that is shown."""
        if self.tokenizer is None:
            return
        wanted: dict[str, Any] = {"tokenizer": self.kind.currentData()}
        if self._file:
            wanted = {"tokenizer": "file", "tokenizer_file": self._file}
        elif wanted["tokenizer"] in LEARNT:
            wanted |= {"vocabulary": self.settings().vocabulary}
            wanted |= {"min_count": self.settings().min_count} if wanted["tokenizer"] == "word" else {}
        self.settings_wanted.emit(wanted)

    def learn(self) -> None:
        """Make the chosen tokenizer from the dataset's training part."""
        if self._info is None or self._problem():
            return
        self._began = time.monotonic()
        context = self._values.get("context")
        task = MakeTokenizer(self._info.id, self.settings(), self._parts(), context if isinstance(context, int) else 0)
        self._start("make", task, self._made)

    def cancel_all(self) -> None:
        """Stop what runs; nothing of it stays."""
        for kind in ("make", "compare"):
            self._stop(kind)
        self.status.setText("Cancelled." if self.tokenizer is None else self._about())

    def compare_sizes(self) -> None:
        if self._info is not None:
            self._show_rows(())
            self._start("compare", CompareSizes(self._info.id, self._family.name, self._values), self._show_rows)

    def save_to(self, path: str) -> None:
        if self.tokenizer is not None:
            task = SaveTokenizer(self.tokenizer, path)
            self._start("file", task, lambda saved: self.status.setText(f"Saved as {saved}"))

    def open_from(self, path: str) -> None:
        """Use a tokenizer.json; it is tried out in a process of its own first."""
        self._start("make", OpenTokenizer(path), lambda tokenizer: self._opened(path, tokenizer))

    def _refresh(self) -> None:
        """Do what is cheap without being asked, once the page is looked at."""
        if not self.isVisible():
            self._stale = True
            return
        self._stale = False
        if self.tokenizer is None and self._info is not None and self.kind.currentData() not in LEARNT:
            self.learn()
        if self.merges.merges is None:
            self._step()
        self._enable()

    def _kind_changed(self) -> None:
        kind = self.kind.currentData()
        for widget in (self.vocabulary, self.vocabulary_label):
            widget.setVisible(kind in LEARNT)
        for widget in (self.least, self.least_label):
            widget.setVisible(kind == "word")
        self.make.setVisible(kind in LEARNT)
        self._stop("make")
        self._set_tokenizer(None)
        self._problem()
        if kind in LEARNT:
            self.status.setText("Learned from the training part of the dataset.")
        self._refresh()

    def _problem(self) -> str:
        """What is wrong with the numbers, shown beside them; empty when they can be used."""
        kind, size, least = self.kind.currentData(), self.vocabulary.value(), self.least.value()
        words = ""
        if kind in LEARNT and not (isinstance(size, int) and LOW[kind] <= size <= HIGH):
            words = f"A vocabulary has {LOW[kind]:,} to {HIGH:,} tokens" + (
                ": byte pairs begin with the 256 bytes." if kind == "bpe" else "."
            )
        elif kind == "word" and not (isinstance(least, int) and least >= 1):
            words = "The minimum count is a whole number from 1."
        self.problem.setText(words)
        self.problem.setVisible(bool(words))
        self._enable()
        return words

    def _set_tokenizer(self, tokenizer: Tokenizer | None) -> None:
        self.tokenizer = tokenizer
        self._file = self._file if tokenizer is not None else ""
        for view, facts in ((self.tokens, self.facts), (self.dataset_tokens, self.dataset_facts)):
            if tokenizer is None:
                view.show_tokens(None)
                facts.setText("")
        if tokenizer is not None:
            self.status.setText(self._about())
            self._split()
            self._page_changed()
        self._enable()

    def _about(self) -> str:
        assert self.tokenizer is not None
        return f"{self.tokenizer.name}, {self.tokenizer.size:,} distinct tokens"

    def _split(self) -> None:
        if self.tokenizer is not None:
            task = SplitText(self.tokenizer, self.typed.toPlainText())
            self._start("split", task, lambda found: _show_tokens(found, self.tokens, self.facts))

    def _step(self) -> None:
        self._start("merges", StepMerges(self._merge_text(), self.apart.isChecked()), self._show_merges)

    def _merge_text(self) -> str:
        return self.merge_text.text().replace("⏎", "\n")

    def _page_changed(self) -> None:
        wanted = self.pages.currentWidget() is self.dataset_page and self.dataset_tokens.shown is None
        if wanted and self.tokenizer is not None and self._info is not None and "dataset" not in self._jobs:
            task, view, words = SplitDataset(self.tokenizer, self._info.id), self.dataset_tokens, self.dataset_facts
            self._start("dataset", task, lambda found: _show_tokens(found, view, words))

    def _start(self, kind: str, task: Task[R], on_result: Callable[[R], object]) -> None:
        """One job of a kind; a newer one takes the place of an older."""
        on_frame, on_end = lambda frame: self._on_frame(kind, frame), lambda failure: self._on_end(kind, failure)
        self._jobs.ask(kind, task, on_frame, on_end, on_result=on_result)
        self._enable()

    def _stop(self, kind: str) -> None:
        self._jobs.drop(kind)
        self._enable()

    def _on_frame(self, kind: str, frame: Frame) -> None:
        if frame.progress is not None and kind in ("make", "compare"):
            done = frame.progress.done
            self.progress.setRange(0, 0 if done is None else 1000)
            self.progress.setValue(int(1000 * (done or 0)))
            left = f", {done:.0%}" if done else ""
            self.status.setText(f"{frame.progress.text}{left}")
        for snapshot in frame.snapshots:
            if isinstance(snapshot, SizeRows):
                self._show_rows(snapshot.rows)

    def _made(self, tokenizer: Tokenizer) -> None:
        took = time.monotonic() - self._began
        self._file = ""
        self._set_tokenizer(tokenizer)
        learnt = self.kind.currentData() in LEARNT and took >= 0.1
        self.status.setText(self._about() + (f", in {took:.1f} s" if learnt else ""))

    def _opened(self, path: str, tokenizer: Tokenizer) -> None:
        self._file = path
        self._set_tokenizer(tokenizer)
        self.status.setText(f"{self._about()}, from a file")

    def _show_merges(self, merges: Merges) -> None:
        self.merges.show_merges(merges)
        with QSignalBlocker(self.merge_text):
            if self._merge_text() != merges.text:
                self.merge_text.setText(merges.text.replace("\n", "⏎"))
                self.merge_text.setCursorPosition(0)

    def _on_end(self, kind: str, failure: Failure | None) -> None:
        if failure is not None:
            self.failed.emit(failure)
            self.status.setText(failure.message)
        elif kind == "compare":
            self.status.setText("" if self.tokenizer is None else self._about())
        self._enable()

    def _show_rows(self, rows: tuple[SizeRow, ...]) -> None:
        """Rows as they were counted, with the parameters of the model as it is set up now."""
        family = self._family
        if rows and self._info is not None and not family.config.problems(self._values):
            config = family.config.parse(self._values)
            rows = tuple(replace(row, parameters=family.cost(config, self._info, row.size).parameters) for row in rows)
        self._rows = rows
        self.chart.show_rows(rows)
        self.table.setRowCount(len(rows))
        for y, row in enumerate(rows):
            unknown = f"  ({row.unknown:.0%} <unk>)" if row.unknown else ""
            cells = (
                NAMES[row.kind],
                f"{row.size:,}",
                f"{row.tokens_per_character:.3f}{unknown}",
                f"{row.parameters:,}",
            )
            for x, text in enumerate(cells):
                self.table.setItem(y, x, QTableWidgetItem(text))

    def _enable(self) -> None:
        working = "make" in self._jobs or "compare" in self._jobs
        here = self._info is not None
        self.make.setEnabled(here and not working and self.problem.isHidden())
        self.compare.setEnabled(here and not working)
        self.cancel.setVisible(working)
        self.progress.setVisible(working)
        self.save.setEnabled(self.tokenizer is not None)
        self.use.setEnabled(self.tokenizer is not None)
        self.from_data.setEnabled(here)
        empty = "Learn a tokenizer first" if self.kind.currentData() in LEARNT else "Choose a text first"
        for view in (self.tokens, self.dataset_tokens):
            view.empty = "Tokenising the text…" if self.tokenizer is not None else empty
            view.viewport().update()

    def _take_from_data(self) -> None:
        if self._info is not None:
            self._start("merges", StepMerges("", self.apart.isChecked(), data=self._info.id), self._show_merges)

    def _ask_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the tokenizer", "tokenizer.json", "Tokenizer (*.json)")
        if path:
            self.save_to(path)

    def _ask_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a tokenizer", "", "Tokenizer (*.json)")
        if path:
            self.open_from(path)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale or self.merges.merges is None:
            self._refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._typing.stop()

    def _connect(self) -> None:
        self.kind.currentIndexChanged.connect(lambda _: self._kind_changed())
        for edit in (self.vocabulary, self.least):
            edit.changed.connect(lambda _: self._problem())
        self.make.clicked.connect(self.learn)
        self.cancel.clicked.connect(self.cancel_all)
        self.save.clicked.connect(self._ask_save)
        self.open.clicked.connect(self._ask_open)
        self.use.clicked.connect(self.train_with_it)
        self.typed.textChanged.connect(self._typing.start)
        self._typing.timeout.connect(self._split)
        self.ids.toggled.connect(self.tokens.show_ids)
        self.ids.toggled.connect(self.dataset_tokens.show_ids)
        self.compare.clicked.connect(self.compare_sizes)
        self.pages.currentChanged.connect(lambda _: self._page_changed())
        self.merge_text.textChanged.connect(lambda _: self._merging.start())
        self._merging.timeout.connect(self._step)
        self.apart.toggled.connect(lambda _: self._step())
        self.example.clicked.connect(lambda: self.merge_text.setText(EXAMPLE))
        self.from_data.clicked.connect(self._take_from_data)
        self.chart.failed.connect(self.failed)

    def _name_things(self) -> None:
        for widget, name, label in (
            (self.kind, "bench_kind", "Tokens"),
            (self.vocabulary, "bench_size", "Vocabulary size"),
            (self.least, "bench_min_count", "Minimum count of a word"),
            (self.make, "bench_learn", "Learn the tokenizer"),
            (self.cancel, "bench_cancel", "Cancel"),
            (self.save, "bench_save", "Save as tokenizer.json"),
            (self.open, "bench_open", "Open a tokenizer.json"),
            (self.use, "bench_use", "Train with this tokenizer"),
            (self.progress, "bench_progress", "Progress"),
            (self.status, "bench_status", "Status"),
            (self.typed, "bench_text", "Any text"),
            (self.ids, "bench_ids", "Ids under the tokens"),
            (self.compare, "bench_compare", "Compare vocabulary sizes"),
            (self.table, "bench_sizes", "Vocabulary sizes"),
            (self.merge_text, "merge_text", "Text to merge"),
            (self.example, "merge_example", "The example aaabdaaabac"),
            (self.from_data, "merge_from_data", "The beginning of the dataset"),
            (self.apart, "merge_apart", "Never merge across words"),
            (self.pages, "bench_pages", "Views of the tokenizer"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(label)
        for button, icon in ((self.make, "play"), (self.cancel, "stop"), (self.save, "save"), (self.open, "open")):
            theme.set_icon(button, icon)
        self.vocabulary.set_value(TokenSettings().vocabulary)
        self.least.set_value(TokenSettings().min_count)
        self.typed.setFont(theme.mono())
        self.typed.setTabChangesFocus(True)
        self.merge_text.setFont(theme.mono())
        self.merge_text.setMaxLength(20_000)
        self.table.setHorizontalHeaderLabels(["Tokens", "Vocabulary", "Tokens per character", "Parameters"])
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)

    def _lay_out(self) -> None:
        self.vocabulary_label, self.least_label = (
            _label("Vocabulary", self.vocabulary),
            _label("Minimum count", self.least),
        )
        row = Flow(
            _label("Tokens", self.kind),
            self.kind,
            self.vocabulary_label,
            self.vocabulary,
            self.least_label,
            self.least,
            self.make,
        )
        told = hbox(self.progress, self.cancel, (self.status, 1), Flow(self.open, self.save, self.use))
        self.progress.setFixedWidth(120)
        for edit in (self.vocabulary, self.least):
            edit.setFixedWidth(96)
        self.progress.setTextVisible(False)
        self.typed.setMaximumHeight(96)
        self.pages.setDocumentMode(True)
        head = _row(self.facts)
        head.setStretchFactor(self.facts, 1)
        head.addWidget(self.ids)
        self.pages.addTab(_page(self.typed, head, self.tokens), "Any text")
        self.dataset_page = _page(self.dataset_facts, self.dataset_tokens)
        self.pages.addTab(self.dataset_page, "Dataset")
        words = plain_label(
            "Tokens per character of the validation part, and parameters of the model that is set up.",
            role="quiet", wrap=True,
        )  # fmt: skip
        top = _row(words)
        top.setStretchFactor(words, 1)
        top.addWidget(self.compare)
        self.pages.addTab(_page(top, self.chart, self.table), "Sizes")
        self.pages.addTab(_page(_row(self.merge_text, self.example, self.from_data), self.apart, self.merges), "Merges")
        inside = QWidget()
        vbox(row, self.problem, told, (self.pages, 1), into=inside)
        vbox(Scrolling(inside, "bench_scroll"), into=self)


def facts(shown: TokenText) -> str:
    """What a person wants to know of a text in tokens, in one sentence."""
    count = len(shown.ids)
    if not count:
        return "Nothing to tokenise."
    lacks = shown.unknown[shown.index]
    unknown, marked = int(lacks.sum()), int((lacks & (shown.ids >= 0)).sum())
    back = "decoding restores the text exactly" if shown.returns else "decoding does not restore the text"
    parts = [
        f"{count:,} tokens for {shown.characters:,} characters",
        f"{count / max(shown.characters, 1):.2f} per character",
    ]
    if unknown:
        parts.append(f"{unknown:,} not in the vocabulary{' (<unk>)' if marked else ''}")
    return "  ·  ".join([*parts, back])


def _show_tokens(found: TokenText, view: TokensView, words: QLabel) -> None:
    view.show_tokens(found)
    words.setText(facts(found))


def _label(text: str, buddy: QWidget) -> QLabel:
    label = plain_label(text, role="quiet")
    label.setBuddy(buddy)
    return label


def _row(*widgets: QWidget) -> QHBoxLayout:
    return hbox(*widgets)


def _page(*parts: QWidget | QHBoxLayout) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 8, 0, 0)
    layout.setSpacing(8)
    for part in parts:
        if isinstance(part, QWidget):
            layout.addWidget(part, int(isinstance(part, TokensView | MergesView | SizesView | QTableWidget)))
        else:
            layout.addLayout(part)
    return page
