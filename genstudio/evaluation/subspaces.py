"""Principal directions, and the angles between two subspaces."""

from __future__ import annotations

import torch
from torch import Tensor

_EXACT = 1024
"""Numbers in a sample up to which the whole covariance is taken apart."""


def principal(centred: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The largest variances (rank,) of centred samples (n, D), and the directions (rank, D) along which they are; the largest
    number of each direction is positive.

    Exact up to _EXACT numbers, beyond by Halko et al. 2011 with the randomness of torch's generator.
    """
    count, numbers = centred.shape
    if numbers <= _EXACT:
        values, vectors = torch.linalg.eigh(centred.T @ centred / count)
        values, found = values.flip(0)[:rank], vectors.flip(1).T[:rank]
    else:
        _, strengths, vectors = torch.svd_lowrank(centred, min(rank + 8, count), niter=8)
        values, found = strengths[:rank].square() / count, vectors.T[:rank]
        if (missing := rank - len(values)) > 0:  # any directions at right angles to the others, without spread
            more = torch.randn(numbers, missing, dtype=centred.dtype)
            found = torch.linalg.qr(torch.cat([found.T, more], 1))[0].T
            values = torch.cat([values, values.new_zeros(missing)])
    signs = found.gather(1, found.abs().argmax(1, keepdim=True)).sign()
    return values.clamp_min(0), found * signs


def principal_angles(one: Tensor, other: Tensor) -> Tensor:
    """Between the spans of the rows of (k, D) and (k, D), in degrees, ascending (Bjorck & Golub 1973): (k,)."""
    first, second = (torch.linalg.qr(rows.double().T)[0] for rows in (one, other))
    cosines = torch.linalg.svdvals(first.T @ second).clamp(max=1)
    sines = torch.linalg.svdvals(second - first @ (first.T @ second)).clamp(max=1).flip(0)
    # near 0 the cosine has no digits left, near 90 degrees the sine
    return torch.rad2deg(torch.where(cosines > 0.7, sines.asin(), cosines.acos()))
