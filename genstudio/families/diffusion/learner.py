"""Training of a diffusion model: a step of descent, then the moving average."""

from __future__ import annotations

from genstudio.families.denoiser import EmaLearner as DiffusionLearner

__all__ = ["DiffusionLearner"]
