"""A dataset that can be downloaded: what it is, how large, under which licence; nothing is fetched unasked."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFormLayout, QProgressBar, QWidget

from genstudio.data.catalogue import ELSEWHERE, Offer
from genstudio.events import Progress
from genstudio.ui.datasets.parts import KIND_WORDS
from genstudio.ui.layouts import hbox, named, vbox
from genstudio.ui.numbers import duration, size_text
from genstudio.ui.widgets import button, plain_label, primary_button


class DownloadPage(QWidget):
    """`wanted(name)` when the person asks for it, `cancelled(name)`; progress is remembered for each offer."""

    wanted = Signal(str)
    cancelled = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("download_page")
        self._offer: Offer | None = None
        self._running: dict[str, Progress] = {}
        self.title = plain_label(role="title", wrap=True, name="offer_title")
        self.about = plain_label(wrap=True, name="offer_about")
        self.facts = {
            name: plain_label(wrap=True, name=f"offer_{name.lower()}") for name in ("Kind", "Size", "Licence", "Page")
        }
        for label in self.facts.values():
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.download = primary_button("Download", "download_start", "download")
        self.cancel = button("Cancel", "download_cancel", "close", "Cancel this download")
        self.bar = named(QProgressBar(), "download_progress", "Download progress")
        self.bar.setRange(0, 1000)
        self.words = plain_label(role="quiet", wrap=True, name="download_words")
        form = QFormLayout()
        form.setSpacing(8)
        for name, label in self.facts.items():
            form.addRow(plain_label(name, role="quiet"), label)
        layout = vbox(
            self.title, self.about, form, hbox(self.download, self.cancel, None), self.bar, self.words, None,
            plain_label("Not offered here", role="group"), into=self, spacing=10,
        )  # fmt: skip
        listed = "; ".join(f"{other.title} ({other.why}): {other.page}" for other in ELSEWHERE)
        more = plain_label(
            f"Open the page, download the file, and drop it on the window. {listed}", role="quiet", wrap=True
        )
        more.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(more)
        self.download.clicked.connect(lambda: self._offer and self.wanted.emit(self._offer.name))
        self.cancel.clicked.connect(lambda: self._offer and self.cancelled.emit(self._offer.name))

    def show_offer(self, offer: Offer) -> None:
        self._offer = offer
        self.title.setText(offer.title)
        self.about.setText(offer.description)
        words = {
            "Kind": KIND_WORDS[offer.kind],
            "Size": f"{size_text(offer.bytes)} to download",
            "Licence": offer.licence,
            "Page": offer.page,
        }
        for name, text in words.items():
            self.facts[name].setText(text)
        self._show()

    def show_progress(self, name: str, progress: Progress) -> None:
        self._running[name] = progress
        self._show()

    def ended(self, name: str) -> None:
        self._running.pop(name, None)
        self._show()

    def _show(self) -> None:
        offer = self._offer
        progress = self._running.get(offer.name) if offer is not None else None
        self.download.setEnabled(offer is not None and progress is None)
        for widget in (self.cancel, self.bar):
            widget.setVisible(progress is not None)
        if progress is None:
            self.words.setText("Nothing is downloaded until you press Download. The file is checked against its known hash.")
            return
        self.bar.setRange(0, 0 if progress.done is None else 1000)
        self.bar.setValue(round(1000 * (progress.done or 0)))
        left = "" if progress.remaining is None else f", {duration(progress.remaining)} left"
        self.words.setText(f"{progress.text}" + ("" if progress.done is None else f" {progress.done:.0%}{left}"))
