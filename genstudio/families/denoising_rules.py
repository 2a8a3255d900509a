"""What goes wrong with whatever removes noise step by step, as rules about numbers of its training. Numpy only."""

from __future__ import annotations

from genstudio.families.rules import NOT_FINITE, diverged, memorising, overfitting, plateau

RULES = (
    NOT_FINITE,
    diverged(("Clip the gradient norm", {"clip": 1.0})),
    plateau("simple_loss", "always predicting the mean", ("Raise the learning rate", {"learning_rate": 2e-3})),
    overfitting(("Use more samples", {})),
    memorising("known_loss", "val_loss", "the denoising loss",
               "On held-out samples the model gains less than half of what it gains on training samples over always "
               "predicting the mean.",
               lambda mine, theirs, simple: simple - theirs < 0.5 * (simple - mine)),
)  # fmt: skip
"""Those that count whatever the model is told beside how noisy a sample is."""
