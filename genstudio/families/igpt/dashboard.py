"""What a run of an iGPT shows."""

from __future__ import annotations

from genstudio.families.dashboard import (
    COMPLETE,
    DOCTOR,
    LIVE,
    SAMPLE,
    SIDE,
    TIMELINE,
    Chart,
    Dashboard,
    Line,
    Measure,
    Pane,
    smaller_pictures,
)

_BITS = "bits per pixel"

DASHBOARD = Dashboard(
    charts=(
        Chart(
            "loss", "Bits per pixel", _BITS,
            (Line("train_loss", "training", "training", True), Line("val_loss", "held out", "validation")), "Loss",
            floors={"histogram_bits_per_pixel": "histogram of each pixel", "zlib_bits_per_pixel": "zlib, as in a PNG"}, least=0.0,
            beaten={"histogram_bits_per_pixel": "Beats a histogram of each pixel", "zlib_bits_per_pixel": "Beats zlib"},
        ),
        Chart("rates", "Learning rate", "", (Line("learning_rate", "rate", "rate"),), "Loss"),
        Chart("gradients", "Gradient norm", "", (Line("gradient_norm", "norm", "norm", True),), "Gradients", log=True),
        Chart("speed", "Pixels per second", "", (Line("tokens_per_second", "pixels/s", "speed", True),), "Gradients"),
    ),
    panes=(
        Pane(
            ("samples",), "Samples", beside="real", beside_title="Real", beside_note="in the colours of the palette",
            note="same numbers throughout", score=_BITS,
        ),
        Pane(
            ("completions", "bits"), "Completions", choices=("Completed from the upper half", "Bits per pixel of the originals"),
            choice_title="What is shown beside the originals", choice_help="The lower half as the model continues it; or how "
            "surprising each pixel of the original is, brighter where it takes more bits", beside="originals",
            beside_title="Originals", beside_note="held out", paired=True, picks=False, score=_BITS,
        ),
        Pane(
            ("attention",), "Attention", SIDE, note="middle pixel of a held-out picture; a row per layer, a picture per head",
            picks=False,
        ),
    ),
    tools=(LIVE, SAMPLE, DOCTOR, TIMELINE, COMPLETE),
    result=(Measure("val_loss", "held out", "lower", _BITS),),
    summary=(Measure("train_loss", "bits/pixel", "lower"), Measure("val_loss", "held out", "lower")),
    speed=Measure("tokens_per_second", "speed", "higher", "pixels/s"),
    handles=("learning_rate", "muon_rate", "clip", "schedule", "final_rate"),
    smaller=smaller_pictures,
    race="positions",
    welcome="Press Start: a transformer reads pictures as it would read a text, pixel by pixel, and soon writes its own. Then "
    "give it half of a picture under Complete. Your own small pictures work the same way: drop a folder on the window.",
)  # fmt: skip
