"""What a ViT is built of beside its encoder, and how pictures vary. Only plain arguments and tensors."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.families.vit.config import PROJECTED, PROTOTYPES, ViTConfig
from genstudio.nn.patches import PatchDecoder, PatchEncoder
from genstudio.nn.transformer import Architecture


def architecture(config: ViTConfig, patches: int) -> Architecture:
    """What the encoder is built of for pictures of so many patches."""
    return Architecture(
        vocabulary=1, context=patches + (config.pooling == "class"), layers=config.layers, heads=config.heads,
        d_model=config.d_model, d_head=config.head_size, d_ff=config.ff_width, activation=config.activation,
        positions=config.positions, position_base=config.position_base, norm=config.norm, norm_place=config.norm_place,
        causal=False, qk_norm=config.qk_norm, bias=config.bias, dropout=config.dropout,
    )  # fmt: skip


def encoder(config: ViTConfig, channels: int, patches: int) -> PatchEncoder:
    return PatchEncoder(architecture(config, patches), channels, config.patch, config.pooling == "class")


def decoder(config: ViTConfig, channels: int, patches: int) -> PatchDecoder:
    """It always knows where a patch is: its mask tokens differ in nothing else."""
    width = config.decoder_width
    heads = config.decoder_heads
    arch = Architecture(
        vocabulary=1, context=patches, layers=config.decoder_layers, heads=heads, d_model=width, d_head=width // heads,
        d_ff=config.decoder_ff, activation=config.activation, positions="learned", norm=config.norm, norm_place=config.norm_place,
        causal=False, bias=config.bias,
    )  # fmt: skip
    return PatchDecoder(arch, config.d_model, channels * config.patch**2)


class Head(nn.Linear):
    """Scores of classes from the vector of a picture; zero at first, so that all classes are equally probable."""

    def __init__(self, d_model: int, classes: int) -> None:
        super().__init__(d_model, classes)
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


class Projector(nn.Module):
    """The vector in which two views of a picture are compared, of length 1 (Chen et al. 2020, 2.1); with `prototypes`, also what
    a student and its teacher say of it: its products with learned directions (Caron et al. 2021, 3.1)."""

    def __init__(self, d_model: int, prototypes: bool = False) -> None:
        super().__init__()
        self.wide, self.out = nn.Linear(d_model, 2 * d_model), nn.Linear(2 * d_model, PROJECTED)
        self.prototypes = nn.Linear(PROJECTED, PROTOTYPES, bias=False) if prototypes else None

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C) -> (B, PROJECTED)"""
        return F.normalize(self.out(F.gelu(self.wide(x))), dim=-1)

    def answers(self, vectors: Tensor) -> Tensor:
        """What `forward` gave (B, PROJECTED) -> cosines (B, PROTOTYPES)"""
        assert self.prototypes is not None
        return vectors @ F.normalize(self.prototypes.weight, dim=-1).T


def contrastive(one: Tensor, other: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """NT-Xent (Chen et al. 2020, 2.1): vectors of length 1 of two views of each picture, (B, D) each -> the mean loss in nats of
    finding a view's partner among all other views, and the share (scalar) in which it is the nearest."""
    both = torch.cat([one, other])
    scores = both @ both.T / temperature
    scores.fill_diagonal_(-torch.inf)
    count = len(one)
    partner = (torch.arange(2 * count, device=both.device) + count) % (2 * count)
    return F.cross_entropy(scores, partner), (scores.argmax(1) == partner).float().mean()


def distilled(student: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """The cross-entropy of what a student says of one view, scores (B, K), with what its teacher says of the other, shares (B, K)
    (Caron et al. 2021, 3.1); mean in nats."""
    return -(wanted * (student / temperature).log_softmax(-1)).sum(-1).mean()


@torch.no_grad()
def shares(scores: Tensor, sharp: float, balanced: bool, rounds: int = 3) -> Tensor:
    """What a teacher says of a batch, scores (B, K), as shares (B, K) whose rows sum to 1: a softmax; `balanced`, also scaled so
    that all K are named equally often, by turns of rows and columns (Cuturi 2013; Caron et al. 2020, 3.1)."""
    logs = scores / sharp
    for _ in range(rounds if balanced else 0):
        logs = logs - logs.logsumexp(0, keepdim=True)
        logs = logs - logs.logsumexp(1, keepdim=True)
    return logs.softmax(-1)


def random_kept(rng: np.random.Generator, count: int, patches: int, share: float) -> np.ndarray:
    """Which patches of each of `count` pictures stay when `share` of them is hidden: (count, n) ascending, at least one seen and
    one hidden."""
    seen = min(max(round(patches * (1 - share)), 1), max(patches - 1, 1))
    order = rng.random((count, patches)).argsort(1)[:, :seen]
    return np.sort(order, 1)


def others(kept: Tensor, patches: int) -> Tensor:
    """(B, N) boolean, True for the patches that are not `kept` (B, n)."""
    return torch.ones(len(kept), patches, dtype=torch.bool, device=kept.device).scatter(1, kept, False)


def varied(pictures: Tensor, config: ViTConfig, rng: np.random.Generator) -> Tensor:
    """Pictures (B, C, H, W) in [-1, 1], each shifted, rotated, zoomed, mirrored and changed in contrast by chance; what comes in
    from outside repeats the edge."""
    count = len(pictures)
    draws = rng.uniform(-1, 1, (6, count)).astype(np.float32)
    if config.shift or config.rotation or config.zoom or config.flip:
        angle, size = draws[2] * math.radians(config.rotation), 1 + draws[3] * config.zoom
        mirror = np.where(config.flip & (draws[5] < 0), -1.0, 1.0)
        ratio = pictures.shape[3] / pictures.shape[2]
        turn = np.zeros((count, 2, 3), np.float32)
        turn[:, 0, 0], turn[:, 0, 1] = np.cos(angle) * size * mirror, -np.sin(angle) * size / ratio
        turn[:, 1, 0], turn[:, 1, 1] = np.sin(angle) * size * mirror * ratio, np.cos(angle) * size
        turn[:, :, 2] = 2 * config.shift * draws[:2].T
        places = F.affine_grid(torch.from_numpy(turn).to(pictures.device), list(pictures.shape), align_corners=False)
        pictures = F.grid_sample(pictures, places, mode="bilinear", padding_mode="border", align_corners=False)
    if config.contrast:
        gain = torch.from_numpy(1 + config.contrast * draws[4]).to(pictures.device)[:, None, None, None]
        shade = torch.from_numpy(config.contrast * rng.uniform(-1, 1, count).astype(np.float32)).to(pictures.device)
        pictures = (pictures * gain + 0.5 * shade[:, None, None, None]).clamp(-1, 1)
    return pictures
