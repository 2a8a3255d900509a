"""What a page made, saved as a WAV file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QLabel

from genstudio import storage
from genstudio.data.audio.written import wav_of
from genstudio.errors import Failure, StorageError
from genstudio.events import Array
from genstudio.ui.playground.page import Page


def choose_wave(page: Page, name: str) -> str:
    """Where a person wants it; empty where nowhere."""
    path, _ = QFileDialog.getSaveFileName(page, "Save the sound", name, "Sound (*.wav)")
    return path


def save_wave(page: Page, outcome: QLabel, made: tuple[Array, int] | None, path: str) -> None:
    """Write samples (T,) int16, so many of which make a second, to a file; `outcome` says so."""
    if made is None:
        return
    try:
        storage.write_atomic(Path(path), wav_of(*made))
        outcome.setText(f"Saved as {path}.")
    except StorageError as error:
        page.failed.emit(Failure.of(error))
