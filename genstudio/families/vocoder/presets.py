"""Settings of the vocoder family that belong together: some to succeed with, one to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

_AGREED: dict[str, Any] = {"further": 24}
_QUICK: dict[str, Any] = {**_AGREED, "join": 100_000, "evaluate_every": 100}

PRESETS = (
    Preset(
        "voice",
        "Telephone voice",
        "A voice out of 40 mel bands, clear within a minute on one idle core; after 500 steps the discriminators join. After "
        "980, 160 seconds, the mel error on held-out clips was 0.113; that of Griffin-Lim is 0.133.",
        {**_AGREED, "join": 500},
        steps=1200,
        data="telephone-voice",
    ),
    Preset(
        "quick",
        "Telephone voice, mel loss alone",
        "Without discriminators each step takes half the time: after 300 steps, 30 seconds of one idle core, the mel error on "
        "held-out clips was 0.124; that of Griffin-Lim is 0.133.",
        _QUICK,
        steps=500,
        data="telephone-voice",
    ),
    Preset(
        "digits",
        "Spoken digits",
        "Digits of a synthetic voice, whose pitch and vowels you can follow in the spectrogram. After 600 steps, some 90 seconds "
        "of one idle core, the mel error on held-out clips was 0.081; that of Griffin-Lim is 0.095.",
        {**_AGREED, "join": 300},
        steps=600,
        data="spoken-digits",
    ),
    Preset(
        "vowels",
        "Vowels",
        "The simplest sound: five vowels at different pitches. After 300 steps, half a minute of one idle core, the mel error on "
        "held-out clips was 0.092; that of Griffin-Lim is 0.100.",
        _QUICK | {"channels": 64},
        steps=300,
        data="vowels",
    ),
    Preset(
        "any",
        "Any sound",
        "Recordings of your own at 8,000 samples per second: some minutes of one voice are enough to begin with. Choose another "
        "sample rate for music; it costs as many times more.",
        {**_AGREED, "join": 500},
        steps=3000,
    ),
    Preset(
        "convolutions",
        "HiFi-GAN, convolutions alone",
        "As published, transposed convolutions make every sample, and nothing is known of phases beforehand. After 18 seconds of "
        "one core the mel error was 1.0, where the others are at 0.15. For comparison.",
        {"window": 256, "hop": 64, "segment": 64, "upsampling": 64, "channels": 64},
        steps=3000,
        data="telephone-voice",
    ),
    Preset(
        "unmatched",
        "Lesson: without feature matching",
        "Only the discriminators' opinion leads the generator: nothing ties what it makes to the mels that it was given, and the "
        "words are lost, although each piece may look like sound to the discriminators.",
        {"feature": 0.0, "mel": 0.0, "projections": 0},
        steps=300,
        data="spoken-digits",
        cure={"feature": 2.0, "mel": 45.0},
        cure_text="With feature matching every layer of the discriminators tells how the real sound of these mels looks to it, "
        "and the mel loss compares the spectrograms themselves. After 300 steps the mel error was 4.2 without both and 0.90 with "
        "feature matching alone; with both it was 0.18 after 200.",
    ),
)


def preset_for(info: DatasetInfo, now: str = "") -> str:
    """Name of the preset to begin with on a dataset: one made for it, the one of `now` first; else any sound."""
    return made_for(PRESETS, info, now, "any")
