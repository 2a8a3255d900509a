"""A sound of one's own: resynthesised by a vocoder beside Griffin-Lim, or transcribed letter by letter."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QFileDialog, QWidget

from genstudio.data.importing.clips import SUFFIXES
from genstudio.errors import Failure
from genstudio.families.dashboard import Pane
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.transcribe import ShownTranscript, ShowTranscript
from genstudio.tasks.vocode import ComparedSound, CompareSound
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Flow, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.waves import choose_wave, save_wave
from genstudio.ui.views.tracks import TracksPage
from genstudio.ui.widgets import button, plain_label

SOUND_FILES = f"Sound ({' '.join(f'*{ending}' for ending in SUFFIXES)})"
_JOB = "own sound"


class OwnSoundPage(Page):
    """A file that a person opens, or a held-out clip, the `clip`-th from 1 on, seen and heard with what the model makes of it."""

    def __init__(self, engine: Engine, name: str, title: str, channel: str, empty: str) -> None:
        super().__init__(engine, f"page_{name}", title)
        self.path, self.clip = "", 0
        self.file = button("Open a sound file…", f"{name}_open", "open", "WAV, FLAC, Ogg Vorbis or MP3", self._choose)
        self.held = button("A held-out clip", f"{name}_held", "chevron-right",
                           "Take the next clip of the data of this model that it was not trained on", self.show_held)  # fmt: skip
        self.view = TracksPage(Pane((channel,), "Sound"))
        self.view.view.empty = empty
        self.outcome = plain_label(wrap=True, name=f"{name}_said")
        vbox(Flow(self.file, self.held, *self.tools()), (self.view, 1), self.outcome, into=self, spacing=6)
        for figure in (self.view.view, self.view.close_up):
            figure.failed.connect(self.failed)

    def show_file(self, path: str) -> None:
        """Open this file."""
        self.path = path
        self._look()

    def show_held(self) -> None:
        """Take the next held-out clip."""
        self.path, self.clip = "", self.clip + 1
        self._look()

    @property
    def wanted(self) -> bool:
        """Whether a sound was chosen."""
        return bool(self.path) or self.clip > 0

    def explained(self, kind: str, failure: Failure) -> bool:
        """A file that cannot be heard is said here."""
        if failure.expected:
            self.view.clear()
            self.outcome.setText(f"{failure.message} {failure.hint}")
        return failure.expected

    def tools(self) -> Sequence[QWidget]:
        """What stands beside the button that opens a file."""
        return ()

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a sound file", "", SOUND_FILES)
        if path:
            self.show_file(path)


class ResynthesisePage(OwnSoundPage):
    """The file as it is, by Griffin-Lim and by the generator, from its mels alone. `found` is what came of it last."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(
            engine, "resynthesise", "Resynthesise", "resynthesised",
            "Open a sound file, or take a held-out clip: it becomes a mel spectrogram, and sound again by Griffin-Lim and "
            "by this vocoder",
        )
        self.found: ComparedSound | None = None

    def tools(self) -> Sequence[QWidget]:
        self.save = button("Save…", "resynthesise_save", "save", "Save what the model made as a WAV file", self._save)
        self.save.setEnabled(False)
        return (self.save,)

    def save_as(self, path: str) -> None:
        """Write what the model made to a file."""
        save_wave(self, self.outcome, (self.found.made, self.found.shown.rate) if self.found else None, path)

    def _save(self) -> None:
        if path := choose_wave(self, "resynthesised.wav"):
            self.save_as(path)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        if self.wanted:
            self.ask(_JOB, CompareSound(model, self.path, self.clip), on_result=self._show)

    def _show(self, found: ComparedSound) -> None:
        self.found = found
        self.view.show_snapshot(found.shown)
        theirs, ours = found.mel_errors
        cut = f" The first {found.shown.seconds(found.shown.tracks[0]):.0f} seconds of the file." if found.cut else ""
        self.outcome.setText(f"Mel error {ours:.3f}, Griffin-Lim {theirs:.3f}; {found.weights}.{cut}")
        self.save.setEnabled(True)


class TranscribePage(OwnSoundPage):
    """The file with each letter where it is said."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(
            engine, "transcribe", "Transcribe", "heard",
            "Open a sound file, or take a held-out clip: what is spoken is written above its spectrogram",
        )  # fmt: skip

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        if self.wanted:
            self.ask(_JOB, ShowTranscript(model, self.path, self.clip), on_result=self._show)

    def _show(self, found: ShownTranscript) -> None:
        self.view.show_snapshot(found.shown)
        said = f"'{found.text}'" if found.text else "Nothing was recognised"
        said += f"; spoken is '{found.spoken}'" if found.spoken else ""
        cut = " The model reads no more at once; the command transcribe reads the whole file." if found.cut else ""
        self.outcome.setText(f"{said}, {found.shown.seconds(found.shown.tracks[0]):.2f} s, {found.weights}.{cut}")
