"""Settings of the speech family that belong together."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

PRESETS = (
    Preset(
        "units",
        "Units of sound",
        "Finds units in any clips of sound: two fifths of each are hidden, and the hidden sounds are to be recognised among "
        "others. Where the phones are known, the matrix shows what each unit stands for. Such a run can be started from to "
        "transcribe.",
        seconds=120,
    ),
    Preset(
        "vowels",
        "Vowels in half a minute",
        "Five vowels by eight voices, and nobody names them. After 50 steps the unit alone says which vowel sounds in "
        "nine frames "
        "of ten, after 200 steps in 95%; the same units shuffled say 22%. Two thirds of the hidden frames are recognised; "
        "guessing gets one in ten.",
        seconds=30,
        data="vowels",
    ),
    Preset(
        "letters",
        "Transcribe spoken digits",
        "Writes what is spoken, letter by letter: CTC says nothing that makes sense at first, and words all at once. After "
        "400 steps, 50 seconds of one idle core, one letter in 500 of held-out clips was wrong. With 20 clips under 'Clips "
        "used', a start from a run that listened to all clips helps in each of three seeds: after 200 steps 17%, 25% and 19% "
        "of the letters are wrong, from scratch 28%, 31% and 22%. With 5 clips it helps only sometimes. 'Race…' shows both on "
        "one chart.",
        {"task": "transcribe"},
        seconds=90,
        data="spoken-digits",
    ),
    Preset(
        "wave",
        "Convolutions over the wave",
        "No spectrogram is given: convolutions find such features in the samples. The energy of the first ones is what follows, "
        "as of a bank of filters that is learned: with three seeds the units say which vowel sounds in 82%, 85% and 74% of the "
        "frames after a minute of one idle core. With GELU instead, as in the paper, under 'First layer', units stand for "
        "moments of a period of the voice as much as for sounds: 45% to 49%.",
        {"features": "wave", "first": "energy"},
        seconds=120,
    ),
    Preset(
        "collapse",
        "Lesson: one unit for all sounds",
        "One unit stands for all sounds: without the diversity loss that is the easiest solution. Nothing is left to tell "
        "a hidden "
        "frame from, so the loss is 0, and nothing has been learned. The entries in use fall to one, and the Doctor says so.",
        {"diversity": 0.0, "groups": 1, "learning_rate": 0.006},
        seconds=30,
        data="vowels",
        cure={"diversity": 1.0},
        cure_text="The diversity loss asks that a batch uses all entries of a codebook evenly, so that units stay "
        "different and the "
        "contrast has something to tell apart (Baevski et al. 2020, 3.2).",
    ),
)


def preset_for(info: DatasetInfo, now: str) -> str:
    """The one made for the dataset; else the one that is chosen, unless it is made for another dataset: then units."""
    general = any(preset.name == now and not preset.data for preset in PRESETS)
    return made_for(PRESETS, info, now, now if general else "units")
