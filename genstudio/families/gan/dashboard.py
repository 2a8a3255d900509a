"""What a run of a GAN shows."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace

from genstudio.data.info import DatasetInfo
from genstudio.families.adversarial_charts import (
    ACCURACY,
    GRADIENTS,
    LOSSES,
    OPINIONS,
)
from genstudio.families.dashboard import (
    DOCTOR,
    EXPLORE,
    LIVE,
    SAMPLE,
    SLOW_MOTION,
    TIMELINE,
    Dashboard,
    Measure,
    Pane,
    Reference,
    smaller_pictures,
)
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.stages import TITLES
from genstudio.families.sample_charts import HIGH_QUALITY, MODES, PICTURE_DISTANCES, PICTURES, POINTS, divergence

CHARTS = (
    LOSSES,
    OPINIONS,
    ACCURACY,
    divergence("fake"),
    replace(MODES, references=(Reference("modes", "all {:.0f}"),)),
    HIGH_QUALITY,
    *PICTURE_DISTANCES,
    *GRADIENTS,
)

_ENDS = ("fake 0", "1 real")
_NOISE = "same noise throughout"
_LAYERS = {
    "field": ("Discriminator", "The discriminator's output at every point: blue means real, orange means fake"),
    "mesh": (
        "Generator",
        "Where the generator maps an even grid of noise: cells of equal probability, darker where the density is high",
    ),
    "real": ("Real", "Points of the dataset"),
    "fake": ("Fake", "Points generated from fixed noise"),
    "arrows": ("Push", "The way each fake is pushed by the generator's loss; the longest arrow is the strongest push"),
}


def _references(_config: GANConfig, info: DatasetInfo) -> Generator[float, None, Mapping[str, float]]:
    """How many modes the data is known to have."""
    yield from ()
    details = info.details
    if not str(details.get("generator", "")).startswith("gaussian-"):
        return {}
    settings = details.get("settings", {})
    modes = settings.get("modes") or (settings["side"] ** 2 if "side" in settings else None)
    return {} if modes is None else {"modes": float(modes)}


DASHBOARD = Dashboard(
    charts=CHARTS,
    panes=(
        Pane(
            ("plane",), "Real and fake points", kinds=POINTS, staged="plane", layers=_LAYERS, made="fake", score="D",
            ends=_ENDS,
        ),
        Pane(
            ("fixed", "fixed_raw"), "Samples", kinds=PICTURES,
            choices=("Generator EMA", "Raw generator"), choice_title="Which generator's samples",
            choice_help="The exponential moving average of the generator's weights, or the weights being trained",
            beside="real", beside_title="Real", beside_note="from the dataset", staged="moment", note=_NOISE,
            made="fake", score="D", ends=_ENDS,
        ),
        Pane(("scores",), "Judgement", "Accuracy"),
    ),
    tools=(LIVE, SLOW_MOTION, SAMPLE, DOCTOR, TIMELINE, EXPLORE),
    result=(
        Measure("js_divergence", "JS divergence", "lower", "nats"),
        Measure("frechet_distance", "Fréchet distance", "lower"),
    ),
    summary=(Measure("d_loss", "D"), Measure("g_loss", "G")),
    speed=Measure("steps_per_second", "speed", "higher", "iterations/s"),
    handles=("g_rate", "d_rate", "g_updates", "d_updates", "loss", "r1", "noise", "smoothing", "ema"),
    key=(("real", "real"), ("fake, generator", "generator"), ("discriminator", "discriminator")),
    stages=TITLES,
    references=_references,
    smaller=smaller_pictures,
    welcome="Press Start: a generator learns to place its points on a ring of eight clusters while a discriminator "
    "tells it which of them look fake. It takes seconds. Your own pictures work the same way: drop a folder on the "
    "window.",
)  # fmt: skip
