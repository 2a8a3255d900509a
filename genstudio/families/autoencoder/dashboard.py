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
        losses("Reconstruction error", "mean square", "mean alone", ("pca_reconstruction_error", "PCA of this size")),
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
        copies_pane(("reconstructions", "errors", "pca"), ("Copies", "Error map", "Copies by PCA of this size")),
        Pane(("codes",), "Map of codes"),
        samples_pane(),
    ),
    tools=(LIVE, SAMPLE, DOCTOR, TIMELINE, EXPLORE),
    result=(Measure("val_loss", "Reconstruction error", "lower"),),
    summary=(Measure("train_loss", "error"), Measure("val_loss", "held out")),
    handles=("learning_rate", "noise", "l2", "clip"),
    key=KEY,
    welcome="Press Start: a network learns to copy digits through a few numbers, beside PCA with as many. Click a place of "
    "the map of codes under Explore, and see what it stands for. Pictures of your own work the same way.",
)  # fmt: skip
