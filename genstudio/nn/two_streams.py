"""Two streams, one of words and one of patches, that look at each other in co-attention blocks (Lu et al. 2019)."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import torch
from torch import Tensor, nn

from genstudio.nn.patches import PatchEncoder
from genstudio.nn.transformer import Architecture, Blocks, Encoder, watching


class Joint(NamedTuple):
    """What both streams end with: `words` (B, T, C), the first that of [CLS], and `patches` (B, 1 + N, C), the first that of the
    picture as a whole."""

    words: Tensor
    patches: Tensor


class JointBlocks(Blocks):
    """The co-attention blocks of one stream, whose places are known already."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__(dataclasses.replace(arch, positions="none", causal=False, cross=True))
        self._initialise(self.architecture)
        self.widen()


class CoAttention(nn.Module):
    """Blocks in pairs: in each, words attend to words and to patches, patches to patches and to words, each to the others as they
    were before the pair (Lu et al. 2019, 3.1 and figure 2; with the self-attention of Tan & Bansal 2019, 3.1)."""

    def __init__(self, words: Architecture, patches: Architecture) -> None:
        """Both architectures have the same number of layers and the same d_model."""
        super().__init__()
        self.words, self.patches = JointBlocks(words), JointBlocks(patches)

    def forward(self, words: Tensor, patches: Tensor, padding: Tensor | None = None) -> Joint:
        """words (B, T, C) with their padding (B, T), True where there is no token, and patches (B, 1 + N, C) -> the same"""
        for one, other in zip(self.words.typed_blocks(), self.patches.typed_blocks(), strict=True):
            words, patches = (
                one(words, padding=padding, memory=patches), other(patches, memory=words, memory_padding=padding)
            )  # fmt: skip
        return Joint(self.words.last_norm(words), self.patches.last_norm(patches))


class TwoStreams(nn.Module):
    """Words and patches, each through an encoder of its own and then through co-attention, and what is read off: the words that
    are masked, the pixels of patches that are masked, and whether text and picture belong together."""

    def __init__(self, texts: Architecture, patches: Architecture, layers: int, channels: int, patch: int, pad: int) -> None:
        """`texts` and `patches` are the encoders, whose d_model is the same; the context of `patches` holds one more for the
        picture as a whole. `layers` is the number of co-attention blocks, `pad` the id where there is no token."""
        super().__init__()
        d, self.pad = texts.d_model, pad
        self.texts = Encoder(texts)
        self.texts.widen()
        self.pictures = PatchEncoder(patches, channels, patch, class_token=True)
        self.co_attention = CoAttention(*(dataclasses.replace(arch, layers=layers) for arch in (texts, patches)))
        self.masked_patch = nn.Parameter(torch.zeros(d))
        self.word_head = nn.Linear(d, texts.vocabulary)
        self.patch_head = nn.Linear(d, channels * patch**2)
        self.match_head = nn.Linear(d, 1)
        nn.init.normal_(self.masked_patch, 0.0, 0.02)
        for head in (self.word_head, self.patch_head, self.match_head):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def forward(self, pictures: Tensor, ids: Tensor, hidden: Tensor | None = None) -> Joint:
        """pictures (B, C, H, W) in [-1, 1], of which the patches that are True in `hidden` (B, N) are not seen, and ids (B, T),
        padded -> what both streams end with"""
        padding = ids == self.pad
        absent = padding if bool(padding.any()) else None
        return self.co_attention(self.texts(ids, absent), self.pictures(pictures, None, hidden, self.masked_patch), absent)

    def matches(self, joint: Joint) -> Tensor:
        """The logit (B,) of text and picture belonging together, from the product of the vectors that stand for each (Lu et al.
        2019, 3.1)."""
        found: Tensor = self.match_head(joint.words[:, 0] * joint.patches[:, 0])
        return found[:, 0]

    def pixels(self, joint: Joint) -> Tensor:
        """The pixels of every patch (B, N, numbers), from what both streams end with."""
        found: Tensor = self.patch_head(joint.patches[:, 1:])
        return found

    @torch.no_grad()
    def attention(self, pictures: Tensor, ids: Tensor, hidden: Tensor | None = None) -> tuple[Joint, Tensor]:
        """The same as `forward`, and how much each word of one row looks at each patch: (layers, heads, T, 1 + N)."""
        crossing = [block.cross for block in self.co_attention.words.typed_blocks() if block.cross is not None]
        with watching(crossing) as watched:
            joint = self(pictures, ids, hidden)
        return joint, torch.cat(watched)
