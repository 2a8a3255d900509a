"""Pictures as sequences of patches: cut, embedded, read by an encoder, and put together again."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.nn.transformer import Architecture, Blocks, watching


def patchify(pictures: Tensor, patch: int) -> Tensor:
    """Pictures (B, C, H, W), whose sides `patch` divides -> their patches, row by row (B, N, C patch patch)."""
    B, C, H, W = pictures.shape
    cut = pictures.view(B, C, H // patch, patch, W // patch, patch)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(B, -1, C * patch * patch)


def unpatchify(patches: Tensor, patch: int, height: int, width: int) -> Tensor:
    """The inverse of `patchify`: patches (B, N, C patch patch) -> pictures (B, C, height, width)."""
    rows, columns = height // patch, width // patch
    laid = patches.reshape(len(patches), rows, columns, -1, patch, patch)
    return laid.permute(0, 3, 1, 4, 2, 5).reshape(len(patches), -1, height, width)


class PatchEmbedding(nn.Linear):
    """A vector for each patch of a picture, behind the learned class token where there is one (Dosovitskiy et al. 2021, 3.1):
    a convolution whose kernel and stride are the patch."""

    def __init__(self, channels: int, patch: int, d_model: int, class_token: bool) -> None:
        super().__init__(channels * patch * patch, d_model)
        self.patch = patch
        self.first = nn.Parameter(torch.zeros(1, 1, d_model)) if class_token else None

    def forward(self, pictures: Tensor) -> Tensor:
        """pictures (B, C, H, W) -> (B, N, d_model), or (B, 1 + N, d_model) with the class token in front"""
        x = F.linear(patchify(pictures, self.patch), self.weight, self.bias)
        return x if self.first is None else torch.cat([self.first.expand(len(x), -1, -1), x], 1)


class PatchEncoder(Blocks):
    """A transformer encoder that reads a picture as a sequence of patches (Dosovitskiy et al. 2021)."""

    tokens: PatchEmbedding

    def __init__(self, arch: Architecture, channels: int, patch: int, class_token: bool) -> None:
        """`arch` is without a look-ahead mask; its context is the number of patches, and one for the class token."""
        super().__init__(arch, PatchEmbedding(channels, patch, arch.d_model, class_token))
        self._initialise(arch)
        self._widen()

    @torch.no_grad()
    def _widen(self) -> None:
        """See `Blocks.widen`; positions vanish beside patches otherwise."""
        self.widen(self.tokens)
        if self.positions is not None:
            self.positions.weight.normal_(0.0, 0.5)

    @property
    def special(self) -> int:
        """Tokens in front of the patches: 1 with a class token, else 0."""
        return 0 if self.tokens.first is None else 1

    def forward(
        self, pictures: Tensor, kept: Tensor | None = None, masked: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """pictures (B, C, H, W) -> (B, special + N, C); of the patches that are `kept` (B, n) alone, by their numbers from 0 in
        the order of rows: (B, special + n, C). The others are not read at all (He et al. 2022, 3). In place of patches that are
        True in `masked` (B, N) stands the vector `mask` (C,)."""
        x = self.tokens(pictures)
        if masked is not None and mask is not None:
            x = torch.where(F.pad(masked, (self.special, 0))[..., None], mask, x)
        x, turn = self.place(x)
        if kept is not None:
            rows = kept + self.special
            if self.special:
                rows = torch.cat([torch.zeros_like(rows[:, :1]), rows], 1)
            x = x.gather(1, rows[..., None].expand(-1, -1, x.shape[-1]))
            turn = turn if turn is None else turn[rows]
        return self.through(x, turn)

    def pooled(self, hidden: Tensor) -> Tensor:
        """What a picture is read from: hidden (B, special + n, C) -> the vector of the class token, or the mean over all patches
        where there is none: (B, C)"""
        return hidden[:, 0] if self.special else hidden.mean(1)

    @torch.no_grad()
    def attention(self, pictures: Tensor, kept: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The vectors of `forward`, and the attention weights of every layer: (layers, B, heads, T, T), row = query."""
        with watching([block.attention for block in self.typed_blocks()]) as watched:
            hidden = self(pictures, kept)
        return hidden, torch.stack(watched)


class PatchDecoder(Blocks):
    """Pixels of all patches from the vectors of some (He et al. 2022, 3): the others are mask tokens."""

    tokens: nn.Linear

    def __init__(self, arch: Architecture, width: int, pixels: int) -> None:
        """`arch`: context is the number of patches; `width` is that of an encoder's vectors, `pixels` the numbers of a patch."""
        super().__init__(arch, nn.Linear(width, arch.d_model))
        self.mask = nn.Parameter(torch.zeros(arch.d_model))
        self.pixels = nn.Linear(arch.d_model, pixels)
        self._initialise(arch)
        nn.init.normal_(self.mask, 0.0, 0.02)

    def forward(self, seen: Tensor, kept: Tensor) -> Tensor:
        """The vectors of seen patches (B, n, width), and which of them these are (B, n) -> pixels of all (B, N, pixels)"""
        known = cast("Tensor", self.tokens(seen))
        x = self.mask.expand(len(known), self.context, -1)
        x = x.scatter(1, kept[..., None].expand(-1, -1, known.shape[-1]), known)
        return cast("Tensor", self.pixels(self.through(*self.place(x))))


def rollout(weights: Tensor) -> Tensor:
    """How much of each token's input reaches each token of the last layer (Abnar & Zuidema 2020, 3): attention weights
    (layers, heads, T, T) -> (T, T), rows sum to 1. Half of each layer is the residual connection."""
    mean = weights.mean(1)
    steps = (mean + torch.eye(mean.shape[-1], dtype=mean.dtype, device=mean.device)) / 2
    found = steps[0]
    for step in steps[1:]:
        found = step @ found
    return found
