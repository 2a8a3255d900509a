"""A text, spoken: its spectrogram with its alignment grows while it is made, and then it is heard."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QDoubleSpinBox, QLineEdit

from genstudio.errors import Failure
from genstudio.events import Frame
from genstudio.families.dashboard import Pane
from genstudio.snapshots.sound import Sound
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.speak import CHANNEL, FASTEST, SLOWEST, ReadSpeaker, Speak, Speaker, Spoken
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Flow, choice, hbox, named, single_shot, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.waves import choose_wave, save_wave
from genstudio.ui.views.tracks import TracksPage
from genstudio.ui.widgets import button, plain_label, tooltip

_TYPED_MS = 400
_JOB, _GRIFFIN_LIM = "speak", "Griffin-Lim"


class SpeakPage(Page):
    """A text with a voice and a speed, and what the model makes of it. `found` is what was said last."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_speak", "Speak")
        self.found: Spoken | None = None
        self.speaker: Speaker | None = None
        self._run, self._aloud = "", False
        self.text = named(QLineEdit(), "speak_text", "Text that is spoken")
        self.text.setPlaceholderText("What should be said")
        self.text.setClearButtonEnabled(True)
        self.voice = choice("speak_voice", "Whose voice")
        self.vocoder = choice("speak_vocoder", "What makes the sound", _GRIFFIN_LIM)
        self.vocoder.setToolTip(tooltip("Griffin-Lim guesses the phases; a vocoder that was trained on such spectrograms sounds "
            "better"))  # fmt: skip
        self.speed = named(QDoubleSpinBox(), "speak_speed", "Speed")
        self.speed.setRange(SLOWEST, FASTEST)
        self.speed.setSingleStep(0.1)
        self.speed.setValue(1.0)
        self.speed.setPrefix("Speed ")
        self.start = button("Speak", "speak_start", "play", "Say the text and play it", self.run)
        self.save = button("Save…", "speak_save", "save", "Save what was said as a WAV file", self._save)
        self.view = TracksPage(Pane((CHANNEL,), "Speech"))
        self.outcome = plain_label(wrap=True, name="speak_said")
        label = plain_label("Text", role="quiet")
        label.setBuddy(self.text)
        vbox(
            hbox(label, (self.text, 1)), Flow(self.voice, self.speed, self.vocoder, self.start, self.save), (self.view, 1),
            self.outcome, into=self, spacing=6,
        )  # fmt: skip
        self._typed = single_shot(self, _TYPED_MS)
        self._typed.timeout.connect(self._look)
        self.text.textChanged.connect(lambda _: self._typed.start())
        self.text.returnPressed.connect(self.run)
        self.speed.valueChanged.connect(lambda _: self._typed.start())
        for box in (self.voice, self.vocoder):
            box.currentIndexChanged.connect(lambda _: self._typed.start())
        for figure in (self.view.view, self.view.close_up):
            figure.failed.connect(self.failed)
        self._show_controls()

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        """Say the text without playing it; of another run, first ask who can speak and what."""
        if model.run != self._run:
            self._run, self.found, self.speaker = model.run, None, None
            self.view.clear()
            self._show_controls()
            self.ask("describe", ReadSpeaker(model), on_result=self._described)
            return
        if self.speaker is None:
            return
        self._typed.stop()
        if not self.text.text().strip():
            self.outcome.setText("Type a text.")
            return
        self.cancel(_JOB, "another text is spoken")
        self.ask(
            _JOB, Speak(model, self.text.text(), max(self.voice.currentIndex(), 0), self._pace(),
                         vocoder=self._made_by()), self._grows,
            on_result=self._show,
        )  # fmt: skip

    def look_at(self, model: ModelRef | None, prompt: Prompt) -> None:
        super().look_at(model, prompt)
        self._show_controls()

    def run(self) -> None:
        """Say the text and play it."""
        self._aloud = True
        self._look()

    def explained(self, kind: str, failure: Failure) -> bool:
        """A text that cannot be spoken is said here."""
        if failure.expected:
            self._aloud = False
            self.outcome.setText(f"{failure.message} {failure.hint}")
        return failure.expected

    def _described(self, found: Speaker) -> None:
        self.speaker = found
        with QSignalBlocker(self.voice), QSignalBlocker(self.text), QSignalBlocker(self.vocoder):
            self.vocoder.clear()
            self.vocoder.addItems([_GRIFFIN_LIM, *(name for name, _ in found.vocoders)])
            self.voice.clear()
            self.voice.addItems([f"Voice {number + 1}" for number in range(found.voices)])
            if not self.text.text().strip():
                self.text.setText(found.example)
        self._show_controls()
        self._look()

    def _grows(self, frame: Frame) -> None:
        for shown in frame.snapshots:
            if isinstance(shown, Sound):
                self.view.show_snapshot(shown)

    def _show(self, found: Spoken) -> None:
        self.found = found
        self.view.show_snapshot(found.shown)
        self.outcome.setText(said(found))
        self._show_controls()
        if self._aloud:
            self._aloud = False
            self.view.play(0)

    def _made_by(self) -> str:
        """The folder of the vocoder that is chosen."""
        at = self.vocoder.currentIndex() - 1
        return self.speaker.vocoders[at][1] if self.speaker is not None and 0 <= at < len(self.speaker.vocoders) else ""

    def _pace(self) -> float:
        return self.speed.value() if self.speaker is not None and self.speaker.paced else 1.0

    def _show_controls(self) -> None:
        able, speaker = self._model is not None, self.speaker
        self.start.setEnabled(able)
        self.save.setEnabled(self.found is not None)
        self.voice.setVisible(speaker is not None and speaker.voices > 1)
        self.vocoder.setVisible(speaker is not None and bool(speaker.vocoders))
        self.speed.setEnabled(speaker is not None and speaker.paced)
        own = "This model makes frame after frame at its own pace; models of durations can be told"
        self.speed.setToolTip(tooltip("How fast it speaks; 2: twice as fast" if speaker is None or speaker.paced else own))

    def _save(self) -> None:
        if path := choose_wave(self, "speech.wav"):
            self.save_as(path)

    def save_as(self, path: str) -> None:
        """Write what was said last to a file."""
        save_wave(self, self.outcome, (self.found.samples, self.found.shown.rate) if self.found else None, path)


def said(found: Spoken) -> str:
    """What was said, how long, and what was left out, in sentences."""
    seconds = len(found.samples) / found.shown.rate
    words = f"'{found.said}', {seconds:.2f} s, {found.weights}; sound by {found.made_by}."
    if not found.complete:
        words += " It did not reach an end and was cut off."
    if found.unknown:
        missing = " ".join(found.unknown[:10])
        words += f" Skipped: the training recordings do not contain {missing}."
    return words
