"""What a run of networks that grow shows."""

from __future__ import annotations

from genstudio.families.adversarial_charts import ACCURACY, GRADIENTS, LOSSES, OPINIONS
from genstudio.families.dashboard import (
    DOCTOR,
    EXPLORE,
    GROW,
    LIVE,
    SAMPLE,
    TIMELINE,
    Chart,
    Dashboard,
    Line,
    Measure,
    Pane,
    smaller_pictures,
)
from genstudio.families.sample_charts import PICTURE_DISTANCES

_ENDS = ("fake 0", "1 real")
_NOISE = "same noise throughout"

DASHBOARD = Dashboard(
    charts=(
        LOSSES, OPINIONS, ACCURACY,
        Chart("size", "Picture size", "pixels a side", (Line("size", "size", "generator"),), "Growth", log=True),
        Chart("fade", "Fade-in of the newest layers", "share", (Line("fade", "newest layers", "fake"),), "Growth"),
        *(chart for chart in PICTURE_DISTANCES if not chart.when),
        *GRADIENTS,
    ),
    panes=(
        Pane(
            ("fixed", "fixed_raw"), "Samples", choices=("Generator EMA", "Raw generator"),
            choice_title="Which generator's samples",
            choice_help="The exponential moving average of the generator's weights, or the weights being trained",
            beside="real", beside_title="Real", beside_note="as D sees them", note=_NOISE, made="fake", score="D",
            ends=_ENDS,
        ),
        Pane(("sizes",), "Sizes", note=_NOISE, made="picture", picks=False),
        Pane(("scores",), "Judgement", "Accuracy"),
    ),
    tools=(LIVE, SAMPLE, DOCTOR, TIMELINE, EXPLORE, GROW),
    result=(Measure("frechet_distance", "Fréchet distance", "lower"),),
    summary=(Measure("d_loss", "D"), Measure("g_loss", "G"), Measure("size", "size")),
    speed=Measure("steps_per_second", "speed", "higher", "iterations/s"),
    handles=("hold_size", "advance_size", "fade", "g_rate", "d_rate", "r1", "growth", "ema", "loss"),
    key=(("real", "real"), ("fake, generator", "generator"), ("discriminator", "discriminator")),
    smaller=smaller_pictures,
    welcome="Press Start: a generator and a discriminator begin with pictures of 4 x 4 pixels, and grow layer by layer until the "
    "pictures have their full size. Your own pictures work the same way: drop a folder on the window, and let it be imported "
    "in squares of 16, 32 or 64 pixels.",
    race="grow",
)  # fmt: skip
