"""Settings of models that speak which belong together: some to succeed with, some to fail with and to cure."""

from __future__ import annotations

from typing import Any

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

_ATTENTION: dict[str, Any] = {"architecture": "attention"}

PRESETS = (
    Preset(
        "digits",
        "Digits in a minute, by durations",
        "Eight generated voices say digits. After half a minute the words can be understood, and each letter has found its place "
        "in the recordings, without anybody saying where it is. After 500 steps what it says is 3.5 dB from the recordings of "
        "held-out sentences; the nearest recording it learned from is 6.6 dB away.",
        {},
        steps=500,
        data="spoken-digits",
    ),
    Preset(
        "attention",
        "Digits by attention, frame after frame",
        "The decoder looks at the letters before each step, and decides when to stop. Watch the diagonal appear within half a "
        "minute; the voice takes longer to become clear. After 400 steps 94% of the attention is near the diagonal.",
        _ATTENTION,
        steps=1200,
        data="spoken-digits",
    ),
    Preset(
        "telephone",
        "A real voice from a telephone exchange",
        "120 sentences of one speaker, four minutes of sound. The melody and some words come through; a voice that says anything "
        "well takes hours of recordings. After 750 steps it is 7.2 dB from held-out recordings; the nearest recording it "
        "learned from is 8.4 dB away.",
        {"voices": 1, "longest": 8.0, "d_model": 128, "layers": 2, "dropout": 0.2},
        steps=1200,
        data="telephone-voice",
    ),
    Preset(
        "any",
        "Your own recordings and transcripts",
        "Clips of one voice, each with what is said in it. Sentences of a few seconds work best; the more of them, the "
        "clearer it speaks.",
        {"voices": 1, "d_model": 128, "layers": 2, "rate": "8000"},
        seconds=600,
    ),
    Preset(
        "skipping",
        "Attention that skips",
        "A lesson in why attention needs help. Nothing keeps it near the diagonal, and the decoder sees the whole frame before: "
        "it learns to continue by itself, and what it says has little to do with the text.",
        {**_ATTENTION, "guided": 0.0, "diagonal_start": False, "prenet_dropout": 0.0, "frame_dropout": 0.0,
         "prenet": 128},
        steps=400,
        data="spoken-digits",
        cure={"guided": 1.0, "prenet_dropout": 0.5, "frame_dropout": 0.5, "diagonal_start": True},
        cure_text="Guided attention, positions that begin on the diagonal and a prenet that forgets make the decoder look at the "
        "letters in their order.",
    ),
)  # fmt: skip


def for_dataset(info: DatasetInfo, now: str) -> str:
    """Name of the preset to begin with on a dataset: one made for it, that of `now` first; else the one for any recordings."""
    return made_for(PRESETS, info, now, "any")
