"""What a run of an autoencoder shows."""

from __future__ import annotations

from genstudio.families.dashboard import DOCTOR, EXPLORE, LIVE, SAMPLE, TIMELINE, Chart, Dashboard, Line, Measure, Pane
from genstudio.families.sample_charts import (
    DISTANCES,
    GRADIENTS,
    KEY,
    PLANE,
    copies_pane,
    losses,
    samples_pane,
)

DASHBOARD = Dashboard(
    charts=(
        losses("Reconstruction error", "mean square", "mean only",
            ("pca_reconstruction_error", "PCA of the same size")),
        Chart(
            "angle", "Angle to PCA", "degrees, if linear", (Line("principal_angle_degrees", "angle", "variety"),), "PCA",
            log=True,
        ),
        Chart("axes", "Worst axis", "cosine, if linear", (Line("axis_cosine", "cosine", "variety"),), "PCA"),
        *DISTANCES,
        *GRADIENTS,
    ),
    panes=(
        PLANE,
        copies_pane(("reconstructions", "errors", "pca"), ("Reconstructions", "Error map",
            "Reconstructions by PCA of the same size")),
        Pane(("codes",), "Latent map"),
        samples_pane(),
    ),
    tools=(LIVE, SAMPLE, DOCTOR, TIMELINE, EXPLORE),
    result=(Measure("val_loss", "reconstruction error", "lower"),),
    summary=(Measure("train_loss", "error"), Measure("val_loss", "held out")),
    handles=("learning_rate", "noise", "l2", "clip"),
    key=KEY,
    welcome="Press Start: a network learns to copy digits through a bottleneck of a few numbers, compared with PCA of "
    "the same size. Click a point of the latent map under Explore to see what it decodes to. Your own pictures work "
    "the same way.",
)  # fmt: skip
