"""The document as a file: opened, exported, and kept from one start to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QToolButton

from genstudio import paths
from genstudio.errors import Failure
from genstudio.sampling.tree import Tree
from genstudio.tasks.document import OpenDocument, SaveDocument
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import single_shot
from genstudio.ui.views.writing import DocumentView
from genstudio.ui.widgets import icon_button

_KEEP_MS = 3000
_FORMS: dict[str, Literal["json", "txt", "md"]] = {".json": "json", ".txt": "txt", ".md": "md"}
_KINDS = "Document with its branches (*.json);;What is shown, as text (*.txt);;What is shown, as Markdown (*.md)"


class DocumentFiles(QObject):
    """Saves the document a few seconds after every change, off the interface thread. `failed(Failure)`, `said(text)`."""

    failed = Signal(object)
    said = Signal(str)

    def __init__(self, engine: Engine, view: DocumentView) -> None:
        super().__init__(view)
        self._engine, self._view = engine, view
        self._path = str(paths.home() / "playground.json")
        self._kept: Tree | None = None
        self._saving = ""
        self._later = single_shot(self, _KEEP_MS)
        self._later.timeout.connect(self.keep)
        view.changed.connect(self._later.start)
        self.button = icon_button("menu", "document_menu", "Document: new, open, export")
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.button)
        self.button.setMenu(self.menu)
        for words, name, does in (
            ("New document", "document_new", lambda: view.set_text("")),
            ("Open…", "document_open", self.ask_open),
            ("Export…", "document_export", self.ask_export),
        ):
            action = self.menu.addAction(words)
            action.setObjectName(name)
            action.triggered.connect(lambda _=False, does=does: does())

    def restore(self) -> None:
        """Bring back the document of the last time, unless the person has begun another."""
        self._engine.start(OpenDocument(self._path, kept=True), None, self._restore_ended, on_result=self._restored)

    def keep(self) -> None:
        """Save what is not saved yet. At the end of the program the engine still does it."""
        tree = self._view.document.tree
        if self._kept is not None and tree is not self._kept and not self._saving:
            self._kept = tree
            self._saving = self._engine.start(SaveDocument(self._path, tree), None, self._saved)

    def open(self, path: str) -> None:
        """Show the document of a file; undo brings the one before back."""
        self._engine.start(OpenDocument(path), None, self._ended, on_result=self._opened)

    def export(self, path: str) -> None:
        """Write the document in the form that the file's name asks for; without one, everything as JSON."""
        place = Path(path)
        if place.suffix.lower() not in _FORMS:
            place = place.with_name(f"{place.name}.json")
        form = _FORMS[place.suffix.lower()]
        task = SaveDocument(str(place), self._view.document.tree, form)
        self._engine.start(task, None, self._ended, on_result=lambda path: self.said.emit(f"Exported to {path}"))

    def ask_open(self) -> None:
        kinds = "Documents and texts (*.json *.txt *.md);;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self._view, "Open document", "", kinds)
        if path:
            self.open(path)

    def ask_export(self) -> None:
        path, kind = QFileDialog.getSaveFileName(self._view, "Export document", "document.json", _KINDS)
        if path:
            suffix = next((end for end in _FORMS if end in kind), ".json")
            self.export(path if Path(path).suffix else f"{path}{suffix}")

    def _restored(self, tree: Tree | None) -> None:
        if tree is not None and not self._view.document.can_undo and not self._view.text():
            self._view.set_document(tree)
            self._kept = tree

    def _restore_ended(self, failure: Failure | None) -> None:
        if self._kept is None:
            self._kept = Tree.of()
        self._ended(failure)
        self._later.start()

    def _opened(self, tree: Tree | None) -> None:
        if tree is not None:
            self._view.edited.emit()
            self._view.document.reset(tree)
            self._view.show_document()

    def _saved(self, failure: Failure | None) -> None:
        self._saving = ""
        self._ended(failure)
        if self._view.document.tree is not self._kept:
            self._later.start()

    def _ended(self, failure: Failure | None) -> None:
        if failure is not None:
            self.failed.emit(failure)
