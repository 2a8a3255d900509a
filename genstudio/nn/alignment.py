"""Which letter sounds in which frame: monotonic alignment search, the length regulator, and what pulls attention to the
diagonal."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

GUIDE_WIDTH = 0.2
"""How far from the diagonal attention is let alone, as a share of the sentence (Tachibana et al. 2018, 3.2)."""


def monotonic_alignment(scores: NDArray[np.floating], letters: NDArray[np.int64], frames: NDArray[np.int64]) -> NDArray[np.int64]:
    """scores (B, S, T) of each letter for each frame, of which row b has `letters[b]` and `frames[b]` -> durations (B,
    S), how many
    frames each letter has on the path of the highest sum that begins with the first letter, ends with the last and goes on by
    one letter at most from frame to frame (Kim et al. 2020, Glow-TTS, algorithm 1).

    Raises ValueError where a row has more letters than frames, or none: there is no such path.
    """
    many, _, longest = scores.shape
    if many and ((letters > frames).any() or letters.min() < 1):
        raise ValueError("every letter needs a frame of its own")
    best = np.full(scores.shape[:2], -np.inf)
    moved = np.zeros((longest, *best.shape), bool)
    best[:, 0] = scores[:, 0, 0]
    before = np.empty_like(best)
    for frame in range(1, longest):
        before[:, 0], before[:, 1:] = -np.inf, best[:, :-1]
        np.greater(before, best, out=moved[frame])
        best = np.maximum(best, before) + scores[:, :, frame]
    durations = np.zeros(best.shape, np.int64)
    rows, at = np.arange(many), letters - 1
    for frame in range(longest - 1, -1, -1):
        inside = frame < frames
        durations[rows[inside], at[inside]] += 1
        at = at - (moved[frame, rows, at] & inside)
    return durations


def regulated(x: Tensor, durations: Tensor) -> tuple[Tensor, Tensor]:
    """x (B, S, C), durations (B, S) int64 -> each vector as often as it lasts (B, T, C), zeros behind the end, and the padding
    (B, T), True there: the length regulator of FastSpeech (Ren et al. 2019, 3.2)."""
    lengths = durations.sum(1)
    longest = max(int(lengths.max()), 1) if len(lengths) else 1
    padding = torch.arange(longest, device=x.device) >= lengths[:, None]
    ends = durations.cumsum(1)
    which = torch.searchsorted(ends, torch.arange(longest, device=x.device).expand(len(x), -1).contiguous(), right=True)
    which = which.clamp_max(x.shape[1] - 1)
    found = x.gather(1, which[..., None].expand(-1, -1, x.shape[2]))
    return found.masked_fill(padding[..., None], 0.0), padding


def whole_frames(durations: NDArray[np.floating]) -> NDArray[np.int64]:
    """Durations (S,) in frames, of any size >= 0 -> whole ones whose sums, from the first on, are the nearest to theirs: rounding
    each by itself would let a long sentence drift. At least one frame in all.

    >>> whole_frames(np.array([1.4, 1.4, 1.4])).tolist()
    [1, 2, 1]
    """
    ends = np.floor(np.cumsum(np.asarray(durations, np.float64)) + 0.5).astype(np.int64)
    found = np.diff(ends, prepend=0)
    if len(found) and not ends[-1]:
        found[-1] = 1
    return found


def path_of(durations: NDArray[np.int64]) -> NDArray[np.float32]:
    """Durations (S,) -> the alignment (T, S): 1 where a frame belongs to a letter."""
    return np.repeat(np.eye(len(durations), dtype=np.float32), durations, 0)


def guide(letters: Tensor, frames: Tensor, width: float = GUIDE_WIDTH) -> Tensor:
    """letters (B,), frames (B,) -> (B, T, S): 0 on the diagonal of each sentence, towards 1 away from it, 0 behind its ends:
    1 - exp(-(s/S - t/T)^2 / (2 width^2)) (Tachibana et al. 2018, equation 4)."""
    s, t = (torch.arange(int(many.max()), device=many.device) for many in (letters, frames))
    away = s / letters[:, None, None] - (t / frames[:, None])[..., None]  # (B, T, S)
    inside = (s < letters[:, None])[:, None] & (t < frames[:, None])[..., None]
    return (1 - torch.exp(away.square() / (-2 * width * width))) * inside


def guided_loss(weights: Tensor, letters: Tensor, frames: Tensor, width: float = GUIDE_WIDTH) -> Tensor:
    """weights (B, H, T, S) of attention from frames to letters -> how much of it lies away from the diagonal, the mean over
    frames and heads: 0 for a perfect diagonal."""
    away = (weights * guide(letters, frames, width)[:, None]).sum((1, 2, 3))
    return (away / (frames * weights.shape[1])).mean()


def diagonality(weights: NDArray[np.floating], width: float = 0.1) -> float:
    """Attention (T, S) from frames to letters -> the share of it that lies within `width` of the diagonal, measured in shares of
    the sentence: the attention diagonal ratio of Xu et al. 2020 (LRSpeech, 4.3). 1 for a perfect diagonal; where attention is
    even it is the share of the band, 2 width - width^2."""
    frames, letters = weights.shape
    t, s = (np.arange(frames) + 0.5) / frames, (np.arange(letters) + 0.5) / letters
    slack = 0.5 / letters + 0.5 / frames  # a frame and a letter are as wide as that
    near = np.abs(t[:, None] - s) <= width + slack
    total = float(weights.sum())
    return float((weights * near).sum()) / total if total > 0 else math.nan
