"""Settings of the simulator family that belong together: some to succeed with, one to fail with and to repair."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset
from genstudio.families.simulator.data import details_of

PRESETS = (
    Preset(
        "bottleneck",
        "Two parameters: a bottleneck",
        "The time and length of the bottleneck are known. The population's usual size and its size in the bottleneck are "
        "searched. On ten hidden histories, two minutes on one core each, half of all errors were below 4%; the size in a "
        "weak bottleneck is found less exactly.",
        {"history": "bottleneck", "known": "T_end=1000, duration=500"},
        steps=300,
        data="popgen-bottleneck",
    ),
    Preset(
        "size",
        "One parameter: the size",
        "A population of constant size: the estimate approaches the true size, and the discriminator's accuracy falls "
        "towards 50%.",
        {"history": "constant"},
        steps=250,
        data="hidden-history",
    ),
    Preset(
        "bottleneck-whole",
        "Four parameters: a bottleneck",
        "All four are searched. Depth and duration of a bottleneck can compensate for each other: its strength is found, "
        "each of the two alone less exactly.",
        {"history": "bottleneck"},
        steps=1000,
        data="popgen-bottleneck",
    ),
    Preset(
        "any",
        "Any genomes: three epochs",
        "For genomes of your own, such as a VCF file: three sizes, one after the other, fit most histories roughly. Compare "
        "the statistics that are not part of the loss before you trust the parameters.",
        {"history": "three_epochs"},
        steps=1000,
    ),
    Preset(
        "wrong-model",
        "Lesson: the wrong model",
        "A constant size, fitted to genomes that went through a bottleneck. A size is found, but linkage "
        "and Tajima's D of the simulated genomes differ from the real ones by many standard errors, and the doctor says so.",
        {"history": "constant"},
        steps=250,
        data="popgen-bottleneck",
        cure={"history": "bottleneck", "known": "T_end=1000, duration=500"},
        cure_text="With a model that has a bottleneck, the statistics that were never part of a loss agree as well.",
    ),
)
_BY_HISTORY = {"constant": "size", "bottleneck": "bottleneck-whole"}


def preset_for(info: DatasetInfo, now: str = "") -> str:
    """Name of the preset to begin with on a dataset: the one of its model of history, where that is said."""
    made = [preset.name for preset in PRESETS if preset.data == info.id and not preset.cure]
    if now in made or made:
        return now if now in made else made[0]
    return _BY_HISTORY.get(str(details_of(info).get("history")), "any")
