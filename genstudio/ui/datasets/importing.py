"""Import in the middle of the tab, beside everything else: what was found, what to make of it, how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QSizePolicy,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from genstudio.data.audio.settings import RATES, SoundSettings
from genstudio.data.images import AUTO, PictureSettings
from genstudio.data.importing import tables
from genstudio.data.importing.numbers import Decimal, is_number
from genstudio.data.importing.options import Attempt, Found, ImportOptions
from genstudio.data.importing.written import WHAT_PAIRS_TRAIN, class_columns, labelled_columns, number_columns
from genstudio.events import Progress
from genstudio.ui import theme
from genstudio.ui.layouts import Flow, choice, hbox, named, single_shot, vbox
from genstudio.ui.numbers import duration
from genstudio.ui.views.picture_grid import PictureGrid
from genstudio.ui.widgets import button, plain_label, primary_button

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "nothing": tables.ONE_COLUMN}
DECIMALS: dict[str, Decimal] = {"decimal point": ".", "decimal comma": ","}
SIZES = (0, 8, 12, 16, 24, 28, 32, 48, 64, 96, 128)
FITS = {"crop to a square": "crop", "letterbox": "pad", "stretch": "stretch"}
SCALES = {
    "automatic": AUTO, "0 to 1": "0..1", "-1 to 1": "-1..1", "0 to 16": "0..16", "0 to 255 (8 bits)": "0..255",
    "0 to 1023 (10 bits)": "0..1023", "0 to 4095 (12 bits)": "0..4095", "0 to 65535 (16 bits)": "0..65535",
}  # fmt: skip
CLIP_SECONDS = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
_TRY_MS = 300
_WIDEST = 240
"""Pixels of a column of a table with many columns."""
USES = {"one text": "text", "pairs": "pairs", "labelled texts": "labelled", "rows with classes": "rows",
        "points": "points"}


class PictureForm(QWidget):
    """How pictures are made: size, fit, grey, mirror images, and the scale of numbers. `changed()`."""

    changed = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.size_ = choice(f"{name}_size", "Size in pixels", *("automatic" if s == 0 else f"{s} x {s}" for s in SIZES))
        self.fit = choice(f"{name}_fit", "What to do with pictures that are not square", *FITS)
        self.grey = named(QCheckBox("Greyscale"), f"{name}_grey")
        self.flip = named(QCheckBox("Add mirrored copies"), f"{name}_flip")
        self.scale = choice(f"{name}_scale", "Values that stand for black and white", *SCALES)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(8)
        form.addRow("Size", self.size_)
        form.addRow("Fit", self.fit)
        form.addRow("", self.grey)
        form.addRow("", self.flip)
        form.addRow("Black to white", self.scale)
        self._form = form
        self.offer_scale(False)
        for signal in (
            self.size_.currentIndexChanged,
            self.fit.currentIndexChanged,
            self.grey.toggled,
            self.flip.toggled,
            self.scale.currentIndexChanged,
        ):
            signal.connect(lambda *_: self.changed.emit())

    def offer_scale(self, offered: bool) -> None:
        """Let the scale be chosen: of arrays, and of pictures of numbers."""
        self._form.setRowVisible(self.scale, offered)

    def settings(self) -> PictureSettings:
        fit: Any = FITS[self.fit.currentText()]
        return PictureSettings(
            SIZES[self.size_.currentIndex()], fit, grey=self.grey.isChecked(), flip=self.flip.isChecked(),
            scale=SCALES.get(self.scale.currentText(), self.scale.currentText()),
        )  # fmt: skip

    def show_settings(self, settings: PictureSettings) -> None:
        with QSignalBlocker(self):
            self.size_.setCurrentIndex(min(range(len(SIZES)), key=lambda i: abs(SIZES[i] - settings.size)))
            self.fit.setCurrentIndex(list(FITS.values()).index(settings.fit))
            self.grey.setChecked(settings.grey)
            self.flip.setChecked(settings.flip)
            scale = next((words for words, limits in SCALES.items() if limits == settings.scale), settings.scale)
            if self.scale.findText(scale) < 0:
                self.scale.addItem(scale)
            self.scale.setCurrentText(scale)


class SoundForm(QWidget):
    """How sound is made: rate, longest clip, silence at both ends, unreadable files; and what some of the files are."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.rate = choice(f"{name}_rate", "Samples per second", "automatic", *(f"{rate:,} Hz" for rate in RATES))
        self.longest = choice(f"{name}_longest", "Longest clip", *(f"{seconds:g} seconds" for seconds in CLIP_SECONDS))
        self.trim = named(QCheckBox("Trim silence at both ends"), f"{name}_trim")
        self.broken = named(QCheckBox("Skip unreadable files and list them afterwards"), "import_skip_sound")
        self.shown = plain_label(role="quiet", wrap=True, name=f"{name}_shown")
        self.files = _cells(f"{name}_files", "Some of the files")
        vbox(
            Flow(plain_label("Rate"), self.rate, plain_label("Longest clip"), self.longest, self.trim), self.broken,
            self.shown, (self.files, 1), into=self,
        )  # fmt: skip

    def settings(self) -> SoundSettings:
        rate = (0, *RATES)[self.rate.currentIndex()]
        return SoundSettings(rate, CLIP_SECONDS[self.longest.currentIndex()], self.trim.isChecked())

    def show_found(self, found: Found) -> None:
        """The settings that are suggested, and files with their length, format and transcript."""
        settings, usual = found.suggested.sound, found.details.get("rate")
        self.rate.setItemText(0, f"automatic ({usual:,} Hz)" if usual else "automatic")
        self.rate.setCurrentIndex((0, *RATES).index(settings.rate))
        near = min(range(len(CLIP_SECONDS)), key=lambda place: abs(CLIP_SECONDS[place] - settings.longest))
        self.longest.setCurrentIndex(near)
        self.trim.setChecked(settings.trim)
        few = len(found.rows) < found.files
        self.shown.setText(f"{len(found.rows):,} of {found.files:,} files, spread over all of them:" if few else "")
        self.shown.setVisible(few)
        _fill(self.files, found.columns, found.rows)
        header = self.files.horizontalHeader()
        for column in range(len(found.columns)):
            wide = column in (0, 3) or (column == 2 and len(found.columns) < 4)
            header.setSectionResizeMode(
                column, QHeaderView.ResizeMode.Stretch if wide else QHeaderView.ResizeMode.ResizeToContents
            )


class TableForm(QWidget):
    """Which columns of a table to take, with its first rows. `reread()` when it has to be read in another way."""

    reread = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("table_form")
        self.use = choice("table_use", "What to turn the table into")
        self.columns = (choice("table_column", "Column"), choice("table_second_column", "Second column"))
        for box in self.columns:
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            box.setMinimumContentsLength(8)
        self.delimiter = choice("table_delimiter", "Column separator")
        self.decimal = choice("table_decimal", "Decimal mark of the numbers", *DECIMALS)
        self.header = named(QCheckBox("First row contains column names"), "table_header")
        self.rows = _cells("table_rows", "First rows of the table")
        self.untrained = plain_label(WHAT_PAIRS_TRAIN, wrap=True, name="table_untrained")
        self._found: Found | None = None
        self._fixed: dict[str, Any] = {}
        self.from_ = plain_label("from", name="table_from")
        layout = vbox(hbox(plain_label("Make"), self.use, self.from_, *self.columns, None), into=self)
        self._how = QWidget()
        self._how.setLayout(hbox(plain_label("Separated by"), self.delimiter, self.header, self.decimal, None))
        layout.addWidget(self._how)
        layout.addWidget(self.untrained)
        layout.addWidget(self.rows, 1)
        self.use.currentIndexChanged.connect(lambda _: self._used())
        for box in self.columns:
            box.currentIndexChanged.connect(lambda _: self._tint())
        self.delimiter.activated.connect(lambda _: self._read_with("delimiter", self.delimiter.currentData()))
        self.header.clicked.connect(lambda on: self._read_with("header", on))
        self.decimal.activated.connect(lambda _: self._read_with("decimal", DECIMALS[self.decimal.currentText()]))

    def forget(self) -> None:
        """Another source comes: what was decided about the last one does not hold for it."""
        self._found, self._fixed = None, {}

    def show_found(self, found: Found) -> None:
        chosen = self.use.currentText() if self._found is not None else ""
        self._found = found
        numbers = number_columns(found.columns, found.rows, found.decimal)
        uses = [
            "one text",
            *(["pairs", "labelled texts"] if len(found.columns) > 1 else []),
            *(["rows with classes"] if len(found.columns) > 1 and numbers else []),
            *(["points"] if len(found.numeric) > 1 else []),
        ]
        boxes = (self.use, *self.columns, self.delimiter, self.header, self.decimal)
        for box in boxes:
            box.blockSignals(True)
        self.use.clear()
        self.use.addItems(uses)
        kind = found.suggested.kind or found.kind
        usual = next((name for name in uses if USES[name] == kind), uses[0])
        self.use.setCurrentText(chosen if chosen in uses else usual)
        self._show_columns(found.suggested.columns if self.use.currentText() == usual else ())
        self._how.setVisible(bool(found.delimiter))
        self.delimiter.clear()
        known = (
            DELIMITERS if found.delimiter in DELIMITERS.values() else {**DELIMITERS, found.delimiter: found.delimiter}
        )
        for name, value in known.items():
            self.delimiter.addItem(name, value)
        self.delimiter.setCurrentIndex(list(known.values()).index(found.delimiter))
        self.header.setChecked(found.header)
        self.decimal.setCurrentIndex(list(DECIMALS.values()).index(found.decimal))
        for box in boxes:
            box.blockSignals(False)
        _fill(self.rows, found.columns, found.rows)
        mode = QHeaderView.ResizeMode.Stretch if len(found.columns) <= 5 else QHeaderView.ResizeMode.Interactive
        self.rows.horizontalHeader().setSectionResizeMode(mode)
        if mode is QHeaderView.ResizeMode.Interactive:
            self.rows.resizeColumnsToContents()
            for x in range(len(found.columns)):
                self.rows.setColumnWidth(x, min(self.rows.columnWidth(x), _WIDEST))
        self._tint()

    def options(self, base: ImportOptions) -> ImportOptions:
        kind: Any = USES.get(self.use.currentText(), "text")
        wanted = self.columns[:1] if kind == "text" else self.columns
        if kind == "rows" and self._found is not None:
            label = self.columns[0].currentText()
            columns = class_columns(self._found.columns, self._found.rows, self._found.decimal, label)
            return replace(base, kind=kind, columns=columns, **self._reading())
        return replace(base, kind=kind, columns=tuple(box.currentText() for box in wanted), **self._reading())

    def reading(self, base: ImportOptions) -> ImportOptions:
        """Options that say only how the table is to be read, as far as the person decided it."""
        return replace(base, columns=(), kind=None, **self._fixed)

    def _reading(self) -> dict[str, Any]:
        if self._found is None or not self._found.delimiter:
            return {}
        decimal = DECIMALS[self.decimal.currentText()]
        return {"delimiter": self.delimiter.currentData(), "header": self.header.isChecked(), "decimal": decimal}

    def _read_with(self, name: str, value: Any) -> None:
        self._fixed[name] = value
        self.reread.emit()

    def _show_columns(self, wanted: Sequence[str] = ()) -> None:
        """The columns that can be chosen for this use, with those that are wanted, or the likely ones."""
        found = self._found
        if found is None:
            return
        use = self.use.currentText()
        names = found.numeric if use == "points" else found.columns
        if use == "labelled texts" and not wanted:
            wanted = labelled_columns(found.columns)
        if use == "rows with classes":
            wanted = (wanted or class_columns(found.columns, found.rows, found.decimal) or found.columns)[-1:]
        likely = wanted or (names if use == "points" else wordy(found, 1 if use == "one text" else 2))
        for place, box in enumerate(self.columns):
            with QSignalBlocker(box):
                box.clear()
                box.addItems(list(names))
                usual = names.index(likely[place]) if place < len(likely) else min(place, len(names) - 1)
                box.setCurrentIndex(usual)
        self.columns[1].setVisible(use not in ("one text", "rows with classes"))
        self.from_.setText("of all numbers, with the class in" if use == "rows with classes" else "from")
        self.untrained.setVisible(use == "pairs")
        self.decimal.setVisible("decimal" in self._fixed or any(is_number(cell) for cells in found.rows for cell in cells))

    def _used(self) -> None:
        self._show_columns()
        self._tint()

    def _tint(self) -> None:
        """Colour the columns that are taken."""
        taken = {box.currentText() for box in self.columns if box.isVisibleTo(self)}
        if self._found is not None and self.use.currentText() == "rows with classes":
            taken |= set(number_columns(self._found.columns, self._found.rows, self._found.decimal))
        names = self._found.columns if self._found is not None else ()
        for x, name in enumerate(names):
            for y in range(self.rows.rowCount()):
                if (item := self.rows.item(y, x)) is not None:
                    item.setBackground(theme.current().color("accent", 0.22 if name in taken else 0.0))


class ImportPanel(QWidget):
    """From a drop to a dataset. Asks for files, folder, a look (`inspect_wanted`), some of what would come of it
    (`try_wanted`) and the work (`import_wanted`)."""

    files_wanted = Signal()
    folder_wanted = Signal()
    drawing_wanted = Signal(str)
    pasted = Signal(str)
    inspect_wanted = Signal(object, object)
    import_wanted = Signal(object, object)
    try_wanted = Signal(object, object)
    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("import_panel")
        self.sources: tuple[str, ...] | str = ()
        self.found: Found | None = None
        self._base = ImportOptions()
        self.title = plain_label("Import your own data", role="title", wrap=True, name="import_title")
        self.sentence = plain_label(role="quiet", wrap=True, name="import_sentence")
        self.problems = plain_label(role="problem", wrap=True, name="import_problems")
        self.remarks = plain_label(wrap=True, name="import_remarks")
        self.name = named(QLineEdit(), "import_name", "Name of the dataset")
        self.name.setMaxLength(120)
        self.encoding = choice("import_encoding", "Encoding of the text")
        self.sample = named(QPlainTextEdit(), "import_sample", "Beginning of the text")
        self.sample.setReadOnly(True)
        self.sample.setFont(theme.mono())
        self.table = TableForm()
        self.pictures = PictureForm("import_picture")
        self.sound = SoundForm("import_sound")
        self.broken = named(QCheckBox("Skip unreadable pictures and list them afterwards"), "import_skip_broken")
        self.some_pictures = named(PictureGrid(), "import_some_pictures", "Some of the pictures, as they will be")
        self.some_pictures.setMinimumSize(120, 120)
        self.some_words = plain_label(role="quiet", wrap=True, name="import_some_words")
        self._tries = single_shot(self, _TRY_MS)
        self.bar = named(QProgressBar(), "import_progress", "Import progress")
        self.bar.setRange(0, 1000)
        self.progress = plain_label(role="quiet", name="import_progress_words")
        self.start = primary_button("Import", "import_start", "download")
        self.cancel = button("Cancel", "import_cancel", "close", does=self.cancelled.emit)
        self.paste = named(QPlainTextEdit(), "paste_text", "Text to paste")
        self.paste.setPlaceholderText("Paste or type a text here.")
        self._lay_out()
        self._connect()
        self.choose()

    @property
    def prepared(self) -> bool:
        """Whether an import is ready to begin: what was found is shown, with what the person chose about it."""
        return self.stack.currentWidget() is self._form

    def choose(self) -> None:
        """Offer the ways to bring data."""
        self.sources, self.found = (), None
        self.title.setText("Import your own data")
        self.sentence.setText(
            "Drop files or a folder anywhere on the window: text, CSV, TSV or JSONL, two parallel texts, pictures in "
            "folders, zip or tar, sound (WAV, FLAC, OGG, MP3), IDX, NPY, NPZ, Parquet. The originals are never changed."
        )
        self._show(self._choices, start=False)

    def look_at(self, sources: Sequence[str] | str) -> None:
        """Find out what these files are, or what a pasted text (a plain `str`) is."""
        self.sources = sources if isinstance(sources, str) else tuple(sources)
        self._base = ImportOptions()
        self.table.forget()
        if isinstance(sources, str):
            names = "Pasted text"
        else:
            names = ", ".join(Path(s).name for s in sources[:3]) + (" …" if len(sources) > 3 else "")
        self.title.setText(names)
        self.show_attempt(None)
        self.sentence.setText("Inspecting the files…")
        self._show(self._empty, start=False)
        self.inspect_wanted.emit(self.sources, self._base)

    def show_found(self, found: Found) -> None:
        """What the files are, and what can be chosen about them."""
        self.found = found
        self.sentence.setText(found.sentence)
        self.problems.setText(found.blocked)
        self.remarks.setText("\n".join(found.problems[:6]))
        if found.blocked:  # other files, or a text that is pasted, are at hand
            self._show(self._choices, start=True)
            return
        self.name.setText(found.suggested.name or found.title)
        with QSignalBlocker(self.encoding):
            self.encoding.clear()
            self.encoding.addItems(list(found.encodings or ((found.encoding,) if found.encoding else ())))
            self.encoding.setCurrentText(found.encoding)
        for widget in self._encoding_row:
            widget.setVisible(self.encoding.count() > 0)
        self.sample.setPlainText(found.sample)
        if found.form == "table":
            self.table.show_found(found)
        if found.kind == "images":
            self.pictures.show_settings(found.suggested.pictures)
            self.pictures.offer_scale(bool(found.details.get("numbers")))
        if found.kind == "audio":
            self.sound.show_found(found)
        self.sound.setVisible(found.kind == "audio")
        self.sample.setVisible(bool(found.sample) and found.form != "table")
        self.table.setVisible(found.form == "table")
        self._picture_part.setVisible(found.kind == "images")
        self._says.setText(_details(found))
        self._says.setVisible(bool(self._says.text()))
        self._show(self._form, start=True)
        self.start.setFocus()
        self._try()

    def show_attempt(self, found: Attempt | None) -> None:
        """Some of the pictures, as the import would make them."""
        if found is not None:
            _, high, wide, channels = found.pixels.shape
            colour = "grey" if channels == 1 else "in colour"
            self.some_words.setText(f"{len(found.pixels)} of them, as they will be: {wide} x {high}, {colour}.")
            self.some_pictures.set_cell(min(max(2 * wide, 56), 96))
            self.some_pictures.show_pictures(found.pixels, names=found.names)
        self._some.setVisible(found is not None)

    def _try(self) -> None:
        if self.prepared and self.found is not None and self.found.kind == "images":
            self.try_wanted.emit(self.sources, self.options())

    def failed(self) -> None:
        """The look or the work came to nothing: back to what can be chosen."""
        if self.found is not None:
            self._show(self._choices if self.found.blocked else self._form, start=True)
        else:
            self.choose()

    def show_progress(self, progress: Progress) -> None:
        """How far the import is, with the time left."""
        self.bar.setRange(0, 0 if progress.done is None else 1000)
        self.bar.setValue(round(1000 * (progress.done or 0)))
        left = "" if progress.remaining is None else f", {duration(progress.remaining)} left"
        done = "" if progress.done is None else f" {progress.done:.0%}"
        self.progress.setText(f"{progress.text}{done}{left}")

    def options(self) -> ImportOptions:
        """What the person chose."""
        options = replace(self._base, name=self.name.text().strip() or None)
        if self.encoding.count():
            options = replace(options, encoding=self.encoding.currentText())
        if self.found is not None and self.found.form == "table":
            options = self.table.options(options)
        elif self.found is not None:
            options = replace(options, kind=self.found.suggested.kind, columns=self.found.suggested.columns)
        if self.found is not None and self.found.kind == "images":
            options = replace(options, pictures=self.pictures.settings(), skip_broken=self.broken.isChecked())
        if self.found is not None and self.found.kind == "audio":
            options = replace(options, sound=self.sound.settings(), skip_broken=self.sound.broken.isChecked())
        return options

    def begin(self) -> None:
        """Start the import as chosen."""
        if self.found is not None and not self.found.blocked:
            self.import_wanted.emit(self.sources, self.options())
            self.working("Importing")

    def working(self, words: str) -> None:
        """Show progress instead of choices."""
        self.show_progress(Progress(words, 0.0))
        self._show(self._running, start=False)

    def _again(self) -> None:
        options = replace(self._base, encoding=self.encoding.currentText() or None)
        if self.found is not None and self.found.form == "table":
            options = self.table.reading(options)
        if self.found is not None and self.found.kind == "images":
            options = replace(options, name=self.name.text().strip() or None, pictures=self.pictures.settings())
        self.inspect_wanted.emit(self.sources, options)

    def _show(self, page: QWidget, *, start: bool) -> None:
        looked = start and self.found is not None
        self.problems.setVisible(looked and bool(self.problems.text()))
        self.remarks.setVisible(looked and bool(self.remarks.text()))
        self.stack.setCurrentWidget(page)
        self.start.setVisible(start)
        self.start.setEnabled(looked and not self.problems.text())

    def _paste(self) -> None:
        if text := self.paste.toPlainText():
            self.pasted.emit(text)
            self.paste.clear()

    def _connect(self) -> None:
        self.start.clicked.connect(self.begin)
        self.encoding.activated.connect(lambda _: self._again())
        self.table.reread.connect(self._again)
        self.pictures.scale.activated.connect(lambda _: self._again())
        self._tries.timeout.connect(self._try)
        self.pictures.changed.connect(self._tries.start)

    def _lay_out(self) -> None:
        self._choices, self._form, self._running, self._empty = QWidget(), QWidget(), QWidget(), QWidget()
        paste = button("Use this text", "paste_use", "paste", does=self._paste)
        ways = hbox(
            button("Files…", "import_files", "open", "Choose files to import", self.files_wanted.emit),
            button("Folder…", "import_folder", "folder", "Choose a folder to import", self.folder_wanted.emit),
            button("Draw points", "draw_points_open", "points", does=lambda: self.drawing_wanted.emit("points")),
            button("Draw digits", "draw_digits_open", "pencil", does=lambda: self.drawing_wanted.emit("digits")),
            None,
        )
        choices = vbox()
        choices.addLayout(ways)
        choices.addSpacing(8)
        choices.addWidget(plain_label("Or paste a text", role="heading"))
        choices.addWidget(self.paste, 1)
        choices.addLayout(hbox(paste, None))
        self._choices.setLayout(choices)
        form = QFormLayout()
        form.setSpacing(8)
        form.addRow("Name", self.name)
        words = plain_label("Encoding")
        form.addRow(words, self.encoding)
        self._encoding_row = (words, self.encoding)
        self._says = plain_label(role="quiet", wrap=True, name="import_details")
        self._picture_part = QWidget()
        self._some = QWidget()
        vbox(self.some_words, (self.some_pictures, 1), into=self._some, spacing=4)
        self._picture_part.setLayout(_beside(self.pictures, self.broken, self._some))
        for part in (self.sample, self.table, self._picture_part, self.sound):
            part.hide()  # one is shown once the files are looked at; all of them together would make the window high
        inside = vbox()
        inside.addLayout(form)
        inside.addWidget(self._says)
        inside.addWidget(self.sample, 1)
        inside.addWidget(self.table, 1)
        inside.addWidget(self._picture_part, 1)
        inside.addWidget(self.sound, 1)
        inside.addStretch(0)
        self._form.setLayout(inside)
        running = vbox(self.bar, self.progress)
        running.addStretch(1)
        self._running.setLayout(running)
        self.stack = QStackedWidget()
        for page in (self._choices, self._form, self._running, self._empty):
            self.stack.addWidget(page)
        below = hbox(None, self.cancel, self.start)
        vbox(self.title, self.sentence, self.problems, self.remarks, (self.stack, 1), below, into=self)
        self.encoding.setMinimumContentsLength(12)


def _cells(name: str, says: str) -> QTableWidget:
    """A table that is only read."""
    table = named(QTableWidget(), name, says)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setTabKeyNavigation(False)
    table.verticalHeader().setDefaultSectionSize(26)
    table.verticalHeader().hide()
    table.setWordWrap(False)
    table.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return table


def _fill(table: QTableWidget, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table.clear()
    table.setColumnCount(len(columns))
    table.setRowCount(len(rows))
    table.setHorizontalHeaderLabels(list(columns))
    for y, cells in enumerate(rows):
        for x, cell in enumerate(cells[: len(columns)]):
            table.setItem(y, x, QTableWidgetItem(" ".join(cell[:300].split())))


def _beside(form: QWidget, skips: QWidget, some: QWidget) -> QHBoxLayout:
    """The settings of an import; beside them is `some` of what it would make, once that is there."""
    column, holder = QWidget(), QWidget()
    vbox(form, skips, None, into=column)
    column.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
    vbox((some, 1), into=holder)
    return hbox(column, (holder, 1), spacing=16)


def _details(found: Found) -> str:
    """Classes and sizes of pictures, in a few words."""
    parts = []
    if found.classes:
        more = f" and {len(found.classes) - 8:,} more" if len(found.classes) > 8 else ""
        parts.append(f"{len(found.classes):,} classes: {', '.join(found.classes[:8])}{more}.")
    if found.sizes:
        more = f" and {len(found.sizes) - 4:,} other sizes" if len(found.sizes) > 4 else ""
        measured = sum(n for _, n in found.sizes)
        whole = measured >= found.files > 0
        which = "Sizes" if whole else f"Sizes of a sample of {measured:,} pictures"
        parts.append(f"{which}: " + ", ".join(f"{w} x {h} ({n:,})" for (w, h), n in found.sizes[:4]) + f"{more}.")
    return " ".join(parts)


def wordy(found: Found, most: int = 2) -> tuple[str, ...]:
    """The columns with the longest cells that are words, at most so many, in the order of the table."""
    longest = tables.wordy(found.columns, found.numeric, found.nested, found.rows)[:most]
    return tuple(name for name in found.columns if name in longest)
