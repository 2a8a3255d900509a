"""Vocoder, units of sound, letters and speech by seed and CPU time: what the presets of these families say was measured by this.

python tests/bench/bench_sound.py vocoder [--preset voice] [--data telephone-voice] [--steps 3000] [--every 60]
python tests/bench/bench_sound.py units [--preset wave] [--data vowels] [--seconds 180] [--values strides=10,4,4 ...]
python tests/bench/bench_sound.py letters [--seconds 300] [--seeds 0 1 2]
python tests/bench/bench_sound.py few [--clips 5] [--listen 250] [--steps 200] [--seeds 0 1 2]
python tests/bench/bench_sound.py spoken [--seeds 0] [--steps 500] [--values architecture=attention]
python tests/bench/bench_sound.py preset tts telephone [--seeds 0]
python tests/bench/bench_sound.py window [--seconds 20]

CPU seconds are those of one thread (`time.thread_time`), without the evaluations between them. `few`: transcripts of so many
clips, from scratch and from a run that listened to all clips for `--listen` steps. `spoken`: how many words of held-out
sentences a recogniser understands that was trained on recordings alone, of the recordings, of speech, and of what an untrained
model says: exactly as it is written, and by the nearest of the words there are, of which it is known that there are ten.
`preset`: a preset to its end, as it ships. `window`: how late a timer of 5 ms comes in the real window while a
vocoder is trained, and while held-out clips are played as well, one after the other, into nothing.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from genstudio import families
from genstudio.data import shelf
from genstudio.data.audio.samples import to_wave
from genstudio.data.work import finished
from genstudio.evaluation.recognition import character_error_rate, edits, word_error_rate
from genstudio.families import start
from genstudio.families.family import Preset, preset_called
from genstudio.nn.spectrogram import wave_of

_STEP_SEED, _LOOKS = 1_000_003, 8


class Training:
    """A learner of a family with settings, for so many `steps`, or CPU `seconds` where there are some."""

    def __init__(
        self, family: str, data: str, seed: int, values: Mapping[str, Any], steps: int = 0, seconds: float = 0.0,
        weights: Mapping[str, torch.Tensor] | None = None,
    ) -> None:  # fmt: skip
        kind = families.get(family)
        config = kind.config.parse(dict(values))
        dataset = shelf.open_dataset(shelf.find_dataset(data, kind.data_kinds))
        self.model: Any = kind.model(config, finished(kind.prepare(config, dataset)), "cpu", seed)
        if weights is not None:
            start.take(weights, self.model.modules)
            self.model.config = config.model_copy(update={"start": "a run"})
        self.learner: Any = kind.learner(self.model, seed)
        self.seed, self.steps, self.seconds, self.step, self.spent = seed, steps, seconds, 0, 0.0

    @property
    def progress(self) -> float:
        return self.spent / self.seconds if self.seconds else self.step / self.steps

    def go(self, share: float = 1.0, spent: float = math.inf) -> None:
        """Train to such a share of the whole, or to so many CPU seconds."""
        while self.progress < share and self.spent < spent:
            now, self.step = self.progress, self.step + 1
            began = time.thread_time()
            torch.manual_seed((self.seed * _STEP_SEED + self.step) % 2**32)
            self.learner.training_step(self.learner.batch(self.step), self.step, now)
            self.spent += time.thread_time() - began

    def run(self, every: float) -> None:
        """All of it; what is measured on all held-out clips is printed `every` so many CPU seconds, and at the end."""
        print(f"seed {self.seed}, untrained: {said(self.measured())}", flush=True)
        while self.progress < 1:
            self.go(1.0, self.spent + every)
            print(f"seed {self.seed}, step {self.step}, {self.spent:.0f} CPU s: {said(self.measured())}", flush=True)

    def measured(self) -> dict[str, float]:
        *_, last = self.model.evaluate(exact=True)
        return {name: float(value) for name, value in last.result.items() if isinstance(value, int | float)}

    def weights(self) -> dict[str, torch.Tensor]:
        modules = self.model.modules.items()
        return {f"{part}.{name}": value for part, module in modules for name, value in module.state_dict().items()}


def said(found: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in found.items())


def of_preset(family: str, name: str) -> Preset:
    preset = preset_called(families.get(family).presets, name)
    assert preset is not None, name
    return preset


def vocoder(options: argparse.Namespace, seed: int) -> None:
    values = {**of_preset("vocoder", options.preset or "voice").values, **options.values}
    data, steps = options.data or "telephone-voice", options.steps or 3000
    Training("vocoder", data, seed, values, steps, options.seconds).run(options.every)


def units(options: argparse.Namespace, seed: int) -> None:
    values = {**of_preset("speech", options.preset or "wave").values, **options.values}
    Training("speech", options.data or "vowels", seed, values, seconds=options.seconds or 180.0).run(options.every)


def letters(options: argparse.Namespace, seed: int) -> None:
    values = {**of_preset("speech", "letters").values, **options.values}
    Training("speech", options.data or "spoken-digits", seed, values, seconds=options.seconds or 300.0).run(options.every)


def few(options: argparse.Namespace, seed: int) -> None:
    """Each at its best measure, which a person can go back to, and at its end."""
    data, steps = options.data or "spoken-digits", options.steps or 200
    listened = Training("speech", data, seed, {}, options.listen)
    listened.go()
    print(f"seed {seed}: listened for {listened.spent:.0f} CPU s", flush=True)
    for clips, start_values in itertools.product(options.clips, (None, options.values)):
        values = {"task": "transcribe", "examples": clips, **(start_values or {})}
        one = Training("speech", data, seed, values, steps, weights=None if start_values is None else listened.weights())
        best, at, found = math.inf, 0, dict[str, float]()
        for part in range(1, _LOOKS + 1):
            one.go(part / _LOOKS)
            found = one.measured()
            if found["cer"] < best:
                best, at = found["cer"], one.step
        name = "scratch" if start_values is None else "started"
        print(f"seed {seed}, {clips} clips, {name}: best cer {best:.3f} at step {at}, end cer {found['cer']:.3f}, loss "
              f"{found['loss_nats']:.3f}, {one.spent:.0f} CPU s", flush=True)  # fmt: skip


def spoken(options: argparse.Namespace, seed: int) -> None:
    """Words that are understood: 1 - the word error rate."""
    ears = Training("speech", "spoken-digits", seed, {"task": "transcribe"}, 400)
    ears.go()
    values = {**of_preset("tts", options.preset or "digits").values, **options.values}
    mouth = Training("tts", "spoken-digits", seed, values, options.steps or 500)
    nothing = Training("tts", "spoken-digits", seed, values, 1).model
    mouth.go()
    print(f"seed {seed}: recogniser {ears.spent:.0f} CPU s, speech {mouth.step} steps, {mouth.spent:.0f} CPU s", flush=True)
    data, config = mouth.model.data, mouth.model.config

    def sentence(model: Any, index: int) -> Any:
        *_, made = model.speak(data.letters(index), int(data.voices.of[index]))
        return wave_of(np.ascontiguousarray(made.mels.T), data.sound.rate, config.window, config.hop)

    said_by: dict[str, Callable[[int], Any]] = {
        "recordings": lambda index: to_wave(data.sound.clip(index)),
        "speech": lambda index: sentence(mouth.model, index), "untrained": lambda index: sentence(nothing, index),
    }  # fmt: skip
    for name, say in said_by.items():
        pairs = [(ears.model.transcribe(say(index)).text, data.text_of(index)) for index in data.held.tolist()]
        known = sorted({word for _, text in pairs for word in text.split()})
        nearest = [(" ".join(min(known, key=lambda word: edits(heard, word)) for heard in text.split()), wanted)
                   for text, wanted in pairs]  # fmt: skip
        print(f"  {name}: words {1 - word_error_rate(pairs):.3f}, letters {1 - character_error_rate(pairs):.3f} of "
              f"{sum(len(text.split()) for _, text in pairs)} words in {len(pairs)} sentences; the nearest of the "
              f"{len(known)} words there are: {1 - word_error_rate(nearest):.3f}", flush=True)  # fmt: skip


def preset(options: argparse.Namespace, seed: int) -> None:
    for name in options.names:
        one = of_preset(options.family, name)
        data = options.data or one.data or families.get(options.family).usual_data
        print(f"{options.family} {name} on {data}")
        Training(options.family, data, seed, {**one.values, **options.values}, one.steps or 0, one.seconds or 0.0).run(
            options.every
        )


def window(options: argparse.Namespace, _seed: int) -> None:
    from bench_gan_window import opened, say_lateness
    from PySide6.QtCore import QTimer

    from genstudio.ui.sound import SoundPlayer

    SoundPlayer.silent = True
    late: dict[str, list[float]] = {"training": [], "training and playing": []}
    state: dict[str, Any] = {"phase": "", "last": 0.0, "played": 0}
    seconds = options.seconds or 20.0

    def tick() -> None:
        now = time.perf_counter()
        if state["phase"] and state["last"]:
            late[state["phase"]].append(1000 * (now - state["last"]) - 5)
        state["last"] = now
        if state["phase"] == "training and playing" and not state["page"].player.playing:
            state["page"].play(state["played"] % 3)
            state["played"] += 1

    def begin(shown: Any) -> None:
        tab = shown.links.trainers()["gan"]
        shown.tabs.setCurrentWidget(tab)
        tab.choose_family("vocoder")
        tab.setup.choose_data("telephone-voice")
        tab.setup.set_plan(None, 7200.0)
        tab.start_training()

        def play() -> None:
            state.update(phase="training and playing", page=tab.panel.pane("vocoded").view)
            QTimer.singleShot(int(1000 * seconds), shown.close)

        def wait() -> None:
            view = tab.panel.pane("vocoded").view
            if view is None or view.shown is None or len(view.shown.tracks) < 3:
                QTimer.singleShot(200, wait)
                return
            state["phase"] = "training"
            QTimer.singleShot(int(1000 * seconds), play)

        wait()

    opened(begin, 5, tick)
    say_lateness(late)
    print(f"{state['played']} sounds played")


def main() -> None:
    does = {work.__name__: work for work in (vocoder, units, letters, few, spoken, preset, window)}
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=tuple(does))
    parser.add_argument("family", nargs="?", default="")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--preset")
    parser.add_argument("--data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--every", type=float, default=60.0)
    parser.add_argument("--clips", type=int, nargs="+", default=[5])
    parser.add_argument("--listen", type=int, default=250)
    parser.add_argument("--values", nargs="*", default=[])
    options = parser.parse_args()
    options.values = dict(each.split("=", 1) for each in options.values)
    torch.set_num_threads(1)
    for seed in options.seeds:
        does[options.what](options, seed)


if __name__ == "__main__":
    main()
