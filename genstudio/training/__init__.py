"""Training: the loop, frames, checkpoints, optimisers and devices. Knows no family."""
