"""Statistics of real genomes beside those of simulated ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from genstudio.events import Array, Frozen, Held, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Measures(Frozen):
    """Means over regions, each with its standard error, NaN where there is none: `means` (m,); `spectrum` (bins,) sites of a
    region whose rarer allele is in 1, 2, ... haplotypes, the last bin holds all above; `ld` (d,) mean r^2 of sites so far
    apart; `gaps` (g,) shares of the distances between neighbouring sites."""

    means: Annotated[Array, Held("json", "means")]
    means_error: Annotated[Array, Held("json", "means")]
    spectrum: Annotated[Array, Held("json", "bins")]
    spectrum_error: Annotated[Array, Held("json", "bins")]
    ld: Annotated[Array, Held("json", "distances")]
    ld_error: Annotated[Array, Held("json", "distances")]
    gaps: Annotated[Array, Held("json", "gaps")]
    gaps_error: Annotated[Array, Held("json", "gaps")]

    def sound(self) -> bool:
        return len(self.means) > 0 and len(self.ld) > 0 and len(self.gaps) > 0


@dataclass(frozen=True, slots=True, eq=False)
class Population(Snapshot):
    """What was measured of `real` genomes and, where there are any, of `simulated` ones; none of it is part of a loss.
    `names` are those of the means, `distances` base pairs of the LD."""

    names: tuple[str, ...]
    distances: tuple[float, ...]
    real: Measures
    simulated: Measures | None = None

    def sound(self) -> bool:
        both = [self.real] if self.simulated is None else [self.real, self.simulated]
        fits = all(len(one.means) == len(self.names) and len(one.ld) == len(self.distances) for one in both)
        return fits and len({len(one.spectrum) for one in both}) == 1

    def apart(self) -> Array:
        """How many standard errors of their difference the means of real and simulated genomes lie apart (m,), NaN where
        unknown."""
        if self.simulated is None:
            return np.full(len(self.names), np.nan)
        spread = np.hypot(self.real.means_error, self.simulated.means_error)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self.simulated.means - self.real.means) / spread)
