"""How well points match their distribution: modes, divergences on a grid, widths. Numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating]
SAMPLES = 2500
"""Samples to be scored, the protocol of Lin et al. 2018, PacGAN, 4.1 (after Srivastava et al. 2017)."""
CEILING = 1 - float(np.exp(-4.5))
"""Share of a perfect generator's samples that lie within 3 sigma of a mode of a mixture in the plane: 98.89%."""
BINS = 40


def mixture_scores(points: Points, centres: Points, sigma: float) -> dict[str, float]:
    """Samples (n, 2) against a mixture of equal weights: centres (k, 2), one sigma.

    `modes`: centres with a sample of high quality, which is one within 3 sigma of its nearest centre; `high_quality`:
    their share; `reverse_kl`: KL(samples || even) over the nearest modes of those of high quality, in nats (log k + 1
    where there are none); `least_share`: the rarest mode's share over its fair share; `width_ratio`: the worst mode's
    standard deviation over sigma, where a mode has ten samples of high quality (the ratio furthest from 1).
    """
    distances = np.linalg.norm(points[:, None].astype(np.float64) - centres[None], axis=2)
    nearest = distances.argmin(1)
    good = distances[np.arange(len(points)), nearest] <= 3 * sigma
    counts = np.bincount(nearest[good], minlength=len(centres))
    shares = counts / max(counts.sum(), 1)
    seen = shares[shares > 0]
    widths = [
        float(np.sqrt(np.square(points[good & (nearest == mode)] - points[good & (nearest == mode)].mean(0)).mean()))
        for mode in np.flatnonzero(counts >= 10)
    ]
    ratios = np.array(widths) / (sigma * _TRUNCATED) if widths else np.zeros(1)
    return {
        "modes": float((counts > 0).sum()),
        "high_quality": float(good.mean()),
        "reverse_kl": float((seen * np.log(seen * len(centres))).sum()) if len(seen) else float(np.log(len(centres)) + 1),
        "least_share": float(shares.min() * len(centres)),
        "width_ratio": float(ratios[np.abs(np.log(np.maximum(ratios, 1e-9))).argmax()]),
    }


_TRUNCATED = float(np.sqrt((1 - np.exp(-4.5) * (1 + 4.5)) / (1 - np.exp(-4.5))))
"""Deviation along an axis of a standard normal in the plane that is cut off at 3 sigma."""


def divergences(real: Points, fake: Points, extent: tuple[float, float, float, float]) -> dict[str, float]:
    """Jensen-Shannon and Kullback-Leibler divergence (real || fake) in nats between histograms over `extent`.

    BINS x BINS cells and one for everything outside; each fake count is raised by 1/2 for the second, which would else
    be infinite where the fakes have an empty cell.
    """
    p, q = _cells(real, extent), _cells(fake, extent)
    return {"js_divergence": jensen_shannon(p / p.sum(), q / q.sum()), "kl_divergence": _kl(p / p.sum(), _raised(q, p))}


def jensen_shannon(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """JSD in nats of two distributions over the same cells: between 0 and log 2."""
    middle = (p + q) / 2
    return (_kl(p, middle) + _kl(q, middle)) / 2


def _raised(q: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = q + 0.5 * ((p > 0) | (q > 0))
    return raised / raised.sum()


def _kl(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    there = p > 0
    return float((p[there] * np.log(p[there] / q[there])).sum())


def _cells(points: Points, extent: tuple[float, float, float, float]) -> NDArray[np.float64]:
    x0, x1, y0, y1 = extent
    inside, _, _ = np.histogram2d(points[:, 0], points[:, 1], BINS, ((x0, x1), (y0, y1)))
    return np.append(inside.ravel(), len(points) - inside.sum())
