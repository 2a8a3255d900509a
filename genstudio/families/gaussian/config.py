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
        "full", "Which spread it knows: of each number by itself; of all of them together; or of a few directions, and "
        "the same in all others (probabilistic PCA)", group="Model", main=True,
        source="low_rank: Tipping & Bishop 1999, 3.2",
    )
    rank: int = setting(
        16, "Directions whose spread is its own", low=1, high=1024, group="Model", main=True, when="covariance=low_rank",
    )
    ridge: float = setting(
        1e-3, "Added to every variance, so that what never varied in the data may; with values of deviation near 1, or "
        "pixels from 0 to 1", low=0, high=10, group="Model", main=True, logarithmic=True, live=True,
    )
    per_class: bool = setting(
        True, "One Gaussian for each class where the data has classes, else one for all", group="Model", main=True,
    )
    examples: int = setting(
        0, "Fit so many of the samples only, to see what few do; 0: all of them", low=0, high=1_000_000,
        group="Data", label="Samples used",
    )
