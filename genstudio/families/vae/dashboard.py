"""What a run of a VAE shows."""

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
        losses("Negative ELBO", "nats per sample", "without the code"),
        Chart(
            "parts", "Its two terms", "nats per sample",
            (Line("reconstruction_loss", "reconstruction", "fake", True), Line("kl", "KL to the prior", "variety", True)),
            "Loss",
        ),
        Chart("active", "Active dimensions", "of the code", (Line("active_codes", "active", "variety"),), "Code"),
        Chart("deviation", "Decoder noise", "", (Line("deviation", "deviation", "norm"),), "Noise", log=True),
        Chart("beta", "KL weight", "", (Line("beta", "beta", "rate"),), "Noise"),
        *DISTANCES,
        *GRADIENTS,
    ),
    panes=(
        PLANE,
        samples_pane(),
        copies_pane(("reconstructions", "errors"), ("Reconstructions", "Error map")),
        Pane(("codes",), "Latent map"),
        Pane(("kl_by_number",), "KL per dimension", "Code"),
        Pane(("posterior",), "Codes and prior", "Code", score="code"),
    ),
    tools=(LIVE, SAMPLE, DOCTOR, TIMELINE, EXPLORE),
    result=(Measure("elbo_nats", "ELBO", "higher", "nats"),),
    summary=(Measure("train_loss", "-ELBO", "lower"), Measure("kl", "KL")),
    handles=("learning_rate", "beta", "kl_warmup", "clip"),
    key=KEY,
    welcome="Press Start: digits become points on a map, and every point of the map becomes a digit. Watch both terms "
    "of the bound, then drag on the map under Explore. Your own pictures work the same way.",
)  # fmt: skip
