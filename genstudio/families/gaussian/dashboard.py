"""What a run of a Gaussian shows."""

from __future__ import annotations

from genstudio.families.dashboard import DOCTOR, EXPLORE, LIVE, SAMPLE, TIMELINE, Chart, Dashboard, Line, Measure, Pane
from genstudio.families.sample_charts import DISTANCES, KEY, PICTURES, PLANE, losses, samples_pane

DASHBOARD = Dashboard(
    charts=(
        losses("Minus log-likelihood", "nats per sample", "diagonal Gaussian"),
        Chart(
            "accuracy", "Accuracy of Bayes' rule", "share", (Line("accuracy", "held out", "validation"),), "Loss",
            PICTURES, floors={"accuracy_guess": "always the most frequent class"},
        ),
        *DISTANCES,
    ),
    panes=(
        PLANE,
        samples_pane(),
        Pane(("means",), "Mean of each class", kinds=PICTURES),
        Pane(("directions",), "Directions", kinds=PICTURES, note="each mean shifted by two deviations down and up"),
        Pane(("decisions",), "Decisions", kinds=PICTURES, note="the most probable class of held-out pictures"),
    ),
    tools=(LIVE, SAMPLE, DOCTOR, TIMELINE, EXPLORE),
    result=(Measure("log_likelihood_nats", "log-likelihood (nats)", "higher", "nats"),),
    summary=(Measure("train_loss", "-log p", "lower", "nats"),),
    handles=("ridge",),
    key=KEY,
    welcome="Press Start: the mean of every digit and how its pixels vary together, in one step, without a network. "
    "It is the baseline that the other models in this tab have to beat.",
)  # fmt: skip
