"""What a run of a vocoder shows."""

from __future__ import annotations

from genstudio.families.adversarial_charts import ACCURACY, GRADIENTS, LOSSES, OPINIONS
from genstudio.families.dashboard import DOCTOR, LIVE, TIMELINE, Chart, Dashboard, Line, Measure, Pane

DASHBOARD = Dashboard(
    charts=(
        Chart(
            "mels", "Distance of the mels", "natural log", (
                Line("mel_loss", "training pieces", "training", True), Line("mel_error", "held-out clips", "validation"),
            ), "Mels", floors={"griffin_lim_mel_error": "Griffin-Lim", "random_phase_mel_error": "random phases"},
            beaten={
                "griffin_lim_mel_error": "Nearer to the mels of real sound than Griffin-Lim.",
                "random_phase_mel_error": "Nearer to the mels of real sound than random phases.",
            },
        ),
        Chart(
            "spectra", "Distance of spectra", "natural log, at other windows",
            (Line("stft_error", "held-out clips", "validation"),), "Mels", floors={"griffin_lim_stft_error": "Griffin-Lim"},
            beaten={"griffin_lim_stft_error": "Nearer to real sound than Griffin-Lim at windows that nothing was fitted to."},
        ),
        LOSSES, Chart("features", "Feature matching", "", (Line("feature_loss", "distance", "training", True),), "Losses"),
        OPINIONS, ACCURACY, *GRADIENTS,
    ),
    panes=(Pane(("vocoded", "known"), "Sound", made="clip", picks=False),),
    tools=(LIVE, DOCTOR, TIMELINE),
    result=(Measure("mel_error", "mel error", "lower"),),
    summary=(Measure("mel_loss", "mel", "lower"), Measure("g_loss", "G"), Measure("d_loss", "D")),
    speed=Measure("steps_per_second", "speed", "higher", "iterations/s"),
    handles=("adversarial", "feature", "mel", "g_rate", "d_rate", "loss"),
    key=(("real", "real"), ("generator", "generator"), ("discriminators", "discriminator")),
    welcome="Press Start: a generator learns to turn spectrograms into sound. Hear held-out clips as they are, by Griffin-Lim "
    "and by the generator at every step. Your own recordings work the same way: drop a folder of them on the window.",
    race="feature",
)  # fmt: skip
