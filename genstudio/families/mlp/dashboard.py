"""What a run of a dense network shows."""

from __future__ import annotations

from genstudio.families.dashboard import DOCTOR, LIVE, TIMELINE, Chart, Dashboard, Line, Measure, Pane

DASHBOARD = Dashboard(
    charts=(
        Chart(
            "loss", "Loss", "nats per sample",
            (Line("train_loss", "training", "training"), Line("val_loss", "held out", "validation")), "Loss",
            units={"loss=squared_error": "squared error"}, floors={"simple_loss": "class shares alone"},
        ),
        Chart(
            "accuracy", "Accuracy", "share of right answers",
            (Line("train_accuracy", "training", "training"), Line("accuracy", "held out", "validation")), "Loss",
            floors={"accuracy_guess": "most frequent class"},
        ),
        Chart("gradients", "Gradient norm", "", (Line("gradient_norm", "norm", "norm"),), "Gradients", log=True),
        Chart("rates", "Learning rate", "", (Line("learning_rate", "rate", "rate"),), "Gradients"),
        Chart("speed", "Steps per second", "", (Line("steps_per_second", "steps/s", "speed", True),), "Gradients"),
    ),
    panes=(
        Pane(("network",), "Network"),
        Pane(
            ("decisions",), "Decisions", kinds=("images",), score="probability", note="the same pictures throughout",
            picks=False,
        ),
        Pane(("confusion",), "Classes"),
        Pane(("depth",), "Layer by layer"),
    ),
    tools=(LIVE, DOCTOR, TIMELINE),
    result=(Measure("accuracy", "accuracy", "higher"), Measure("val_loss", "loss", "lower")),
    summary=(Measure("train_loss", "loss", "lower"), Measure("train_accuracy", "accuracy", "higher")),
    handles=("learning_rate", "momentum", "batch", "clip"),
    welcome="Press Start: a network of a few neurons learns to tell points apart, with every weight and every slope on the "
    "screen. Then compute a step of it by hand.",
    race="optimizer",
    explorers=("by_hand", "activations", "losses", "optimisers", "depth", "scaling"),
)  # fmt: skip
