"""What a run of a CycleGAN shows."""

from __future__ import annotations

from dataclasses import replace

from genstudio.families.adversarial_charts import ACCURACY, GRADIENTS, OPINIONS
from genstudio.families.dashboard import (
    DOCTOR,
    LIVE,
    SAMPLE,
    TIMELINE,
    TRANSLATE,
    Chart,
    Dashboard,
    Line,
    Measure,
    Pane,
    smaller_pictures,
)
from genstudio.families.sample_charts import PICTURE_DISTANCES

DASHBOARD = Dashboard(
    charts=(
        Chart(
            "losses", "Losses", "",
            (Line("g_loss", "both G", "generator", True), Line("d_loss", "both D", "discriminator", True)), "Losses",
        ),
        Chart(
            "cycle", "Cycle and identity loss", "of training pictures",
            (Line("cycle_loss", "cycle", "training", True), Line("identity_loss", "identity", "variety", True)), "Losses",
        ),
        Chart(
            "errors", "Held-out errors", "mean difference, 0 to 1",
            (
                Line("partner_error", "to the true partner", "fake"), Line("cycle_error", "there and back", "validation"),
                Line("identity_error", "own set", "variety"),
            ), "Errors",
            floors={"partner_error_identity": "unchanged", "partner_error_mean": "mean picture",
                "pair_error": "another picture"},
        ),
        *(replace(chart, when="") for chart in PICTURE_DISTANCES), OPINIONS,  # of which of the two sets a picture is
        ACCURACY, *GRADIENTS,
    ),
    panes=(
        Pane(
            ("cycles", "cycle_errors"), "There and back", choices=("There and back", "Cycle error map"),
            choice_title="What is shown of held-out pictures",
            choice_help="Pictures of each set, what they become in the other, and what comes back; or where what comes back "
            "differs, twice as strong", note="held-out pictures", made="picture", score="difference",
            meaning="of its pixels from the original, 0 to 1",
        ),
        Pane(("scores",), "Judgement", "Accuracy"),
    ),
    tools=(LIVE, SAMPLE, DOCTOR, TIMELINE, TRANSLATE),
    result=(
        Measure("partner_error", "partner error", "lower"),
        Measure("frechet_distance", "Fréchet distance", "lower"),
        Measure("cycle_error", "cycle error", "lower"),
    ),
    summary=(Measure("g_loss", "G"), Measure("d_loss", "D"), Measure("cycle_loss", "cycle", "lower")),
    speed=Measure("steps_per_second", "speed", "higher", "iterations/s"),
    handles=("cycle", "cycle_back", "identity", "generator_weight", "g_rate", "d_rate", "loss", "r1"),
    key=(("real", "real"), ("made, generators", "generator"), ("discriminators", "discriminator")),
    smaller=smaller_pictures,
    welcome="Press Start: orange shapes learn to become blue ones and blue ones orange, without a single pair to learn from. "
    "Your own two folders work the same way: import each as a dataset, and choose the second one as 'Second dataset'.",
    race="cycle",
)  # fmt: skip
