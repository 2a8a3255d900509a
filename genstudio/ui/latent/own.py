"""A picture of one's own beside its copy, and the place in the latent space that it is at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from genstudio.events import Array, Frame
from genstudio.snapshots.samples import Pictures
from genstudio.tasks.encode import Encoded, EncodePicture
from genstudio.tasks.models import ModelRef
from genstudio.tasks.task import Task
from genstudio.ui.layouts import hbox, vbox
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.widgets import button, plain_label

PICTURE_FILES = "Pictures (*.png *.jpg *.jpeg *.gif *.bmp *.webp *.tif *.tiff)"
_EMPTY = "Open a picture to see its reconstruction, then explore around its point in the latent space."


class Explorer(Protocol):
    """What this needs of the page."""

    def reference(self) -> ModelRef:
        """The weights that are looked at."""

    def begin(self, base: Array) -> None:
        """Look around this latent."""

    def ask(
        self,
        kind: str,
        task: Task[Encoded],
        on_frame: Callable[[Frame], None] | None = None,
        *,
        on_result: Callable[[Encoded], None] | None = None,
    ) -> None:
        """Start a task."""


class OwnPicture(QWidget):
    """The picture of a file and its copy. `failed(Failure)` if a figure cannot be written."""

    failed = Signal(object)

    def __init__(self, page: Explorer) -> None:
        super().__init__()
        self.setObjectName("explore_own")
        self._page = page
        self.found: Encoded | None = None
        self.open = button("Open a picture…", "own_open", "open", does=self._choose)
        self.begin = button("Explore around it", "own_begin", "zoom-reset", "Start at this picture's point in the "
            "latent space", self._begin)
        self.words = plain_label(_EMPTY, role="quiet", wrap=True, name="own_words")
        self.view = PicturesView("Original, copy", "own_pictures", dated=False)
        self.view.empty = "The original and its copy appear here"
        self.view.setMinimumHeight(96)
        self.view.failed.connect(self.failed)
        vbox(hbox(self.open, self.begin, None), self.words, (self.view, 1), into=self, margins=(0, 8, 0, 0), spacing=4)
        self.clear()

    def clear(self) -> None:
        """Forget the picture."""
        self.found = None
        self.begin.setEnabled(False)
        self.words.setText(_EMPTY)
        self.view.clear()

    def show_file(self, path: str) -> None:
        """Encode the picture in this file and make it again."""
        self._page.ask("own", EncodePicture(self._page.reference(), path), on_result=self._show)

    def _show(self, found: Encoded) -> None:
        self.found = found
        self.begin.setEnabled(True)
        length = float(np.linalg.norm(found.latent))
        self.words.setText(
            f"Root mean square difference {value_text(found.error)} grey levels of 255, by the weights of step "
            f"{found.step:,}. Length of the code {value_text(length)}."
        )
        self.view.show_snapshot(Pictures("own", found.step, np.stack([found.sample, found.copy])))

    def _begin(self) -> None:
        if self.found is not None:
            self._page.begin(self.found.latent)

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a picture", "", PICTURE_FILES)
        if path:
            self.show_file(path)
