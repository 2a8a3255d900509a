"""What a run of a diffusion model shows."""

from __future__ import annotations

from genstudio.families.dashboard import (
    DENOISE,
    DOCTOR,
    EXPLORE,
    LAYERS,
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
from genstudio.families.sample_charts import (
    DISTANCES,
    GRADIENTS,
    KEY,
    PICTURE_DISTANCES,
    PICTURES,
    POINTS,
    losses,
)

_LAYERS = {
    **LAYERS,
    "mesh": ("Grid", "Where the sampler maps an even grid of noise: cells of equal probability, darker where the density "
        "is high"),
    "fake": ("Generated", "Points that the model generates from fixed noise"),
}  # fmt: skip
_PATHS = {
    **LAYERS,
    "paths": ("Paths", "The stages through which these points came from noise, which begins anywhere"),
    "fake": ("Generated", "Where the paths end"),
}  # fmt: skip
_SCORE = {
    **LAYERS,
    "fake": ("Places", "An even grid of noisy points"),
    "arrows": ("Score", "From each noisy point towards where it came from, as the network expects: the learned score times "
        "the variance of the noise"),
}  # fmt: skip
DASHBOARD = Dashboard(
    charts=(
        losses("Denoising loss", "mean squared error", "always the mean"),
        Chart(
            "energy", "Energy distance", "to real points", (Line("energy_distance", "generated", "fake"),), "Quality",
            POINTS, log=True, floors={"energy_distance_real": "real against real"},
        ),
        *DISTANCES,
        *PICTURE_DISTANCES,
        *GRADIENTS,
    ),
    panes=(
        Pane(("plane",), "Points", kinds=POINTS, made="generated point", layers=_LAYERS),
        Pane(("paths",), "Paths from noise", kinds=POINTS, made="generated point", layers=_PATHS),
        Pane(
            ("score_80", "score_50", "score_20"), "Score", kinds=POINTS,
            choices=("Much noise", "Half-way", "Little noise"), choice_title="At which noise level",
            choice_help="How far from clean points to pure noise: 80%, 50% or 20% of the way", made="noisy point",
            layers=_SCORE, picks=False, push="arrow",
        ),
        Pane(
            ("samples", "expected"), "Samples", kinds=PICTURES, choices=("Samples", "Expected half-way"),
            choice_title="What is shown", choice_help="The finished samples, or the clean picture that the network expects "
            "when half of the noise is left: blurred, because many pictures are still possible", beside="real",
            beside_title="Real", beside_note="from the dataset", note="same noise throughout",
        ),
        Pane(("loss_by_level",), "Loss by noise level", SIDE),
    ),
    tools=(LIVE, SAMPLE, DOCTOR, TIMELINE, EXPLORE, DENOISE),
    result=(
        Measure("energy_distance", "energy distance", "lower"),
        Measure("frechet_distance", "Fréchet distance", "lower"),
        Measure("val_loss", "held-out loss", "lower"),
    ),
    summary=(Measure("train_loss", "loss", "lower"),),
    handles=("learning_rate", "ema", "sampler", "sampling_steps", "guidance", "clip"),
    key=KEY,
    smaller=smaller_pictures,
    welcome="Press Start: a network learns to remove noise from points, and noise turns into two moons. It takes seconds. "
    "Digits and pixel-art faces are among the presets, and your own pictures work the same way.",
    race="objective",
)  # fmt: skip
