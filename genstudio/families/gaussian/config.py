"""Settings of the Gaussian family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from typing import Literal

from genstudio.config import setting
from genstudio.families.settings import Split

LARGEST_FULL = 1024
"""Numbers in a sample up to which a full covariance is fitted: it holds their square."""


class GaussianConfig(Split):
    """Settings of a Gaussian for each class."""

    covariance: Literal["diagonal", "full", "low_rank"] = setting(
        "full", "Form of the covariance: a variance for each value; a full matrix; or a few directions plus the same "
        "variance in all others (probabilistic PCA)", group="Model", main=True,
        source="low_rank: Tipping & Bishop 1999, 3.2",
    )
    rank: int = setting(
        16, "Number of directions with a variance of their own", low=1, high=1024, group="Model", main=True,
        when="covariance=low_rank",
    )
    ridge: float = setting(
        1e-3, "Added to every variance, so that directions without variation in the data keep some; relative to data "
        "of unit deviation, or pixels from 0 to 1", low=0, high=10, group="Model", main=True, logarithmic=True,
        live=True,
    )
    per_class: bool = setting(
        True, "One Gaussian per class if the data has classes, otherwise one for everything", group="Model", main=True,
    )
    examples: int = setting(
        0, "Fit only this many samples, to see the effect of too few; 0: all", low=0, high=1_000_000,
        group="Data", label="Samples used",
    )
