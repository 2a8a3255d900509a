"""Patches against a convolution and transformers' own ViT; what is hidden is not read; positions alone know the order."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from genstudio.nn.patches import PatchDecoder, PatchEmbedding, PatchEncoder, patchify, rollout, unpatchify
from genstudio.nn.transformer import Architecture


def encoder(positions: Any = "learned", class_token: bool = False, **more: Any) -> PatchEncoder:
    torch.manual_seed(0)
    arch = Architecture(
        vocabulary=1, context=16 + class_token, layers=2, heads=2, d_model=16, d_head=8, d_ff=32, positions=positions,
        causal=False, **more,
    )  # fmt: skip
    found = PatchEncoder(arch, 1, 2, class_token)
    for block in found.typed_blocks():  # an untrained stack hardly looks at anything
        nn.init.normal_(block.attention.qkv.weight, 0.0, 0.4)
    return found.double().eval()


def pictures(count: int = 3) -> Tensor:
    return torch.rand((count, 1, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_a_patch_embedding_is_a_convolution_and_cutting_loses_nothing() -> None:
    real = torch.randn(2, 3, 12, 8)
    assert torch.equal(unpatchify(patchify(real, 4), 4, 12, 8), real)
    assert torch.equal(patchify(real, 4)[0, 3], real[0, :, 4:8, 4:8].flatten())
    embedding = PatchEmbedding(3, 4, 10, False)
    conv = nn.Conv2d(3, 10, 4, 4)
    conv.weight.data, conv.bias.data = embedding.weight.data.view(10, 3, 4, 4), embedding.bias.data
    assert (embedding(real) - conv(real).flatten(2).transpose(1, 2)).abs().max() < 1e-6
    assert PatchEmbedding(3, 4, 10, True)(real).shape == (2, 7, 10)


@pytest.mark.parametrize("positions", ["none", "learned", "sinusoidal", "rotary"])
def test_without_positions_alone_the_order_of_patches_is_not_known(positions: str) -> None:
    model, order = encoder(positions), torch.randperm(16, generator=torch.Generator().manual_seed(2))
    if model.positions is not None:
        nn.init.normal_(model.positions.weight)
    shuffled = unpatchify(patchify(pictures(), 2)[:, order], 2, 8, 8)
    apart = (model.pooled(model(pictures())) - model.pooled(model(shuffled))).abs().max()
    assert apart < 1e-12 if positions == "none" else apart > 1e-4


@pytest.mark.parametrize("positions", ["none", "learned", "sinusoidal", "rotary"])
@pytest.mark.parametrize("class_token", [False, True])
def test_an_encoder_reads_the_kept_patches_and_no_others(positions: str, class_token: bool) -> None:
    model = encoder(positions, class_token, qk_norm=positions == "rotary")
    kept = torch.tensor([[0, 3, 9], [15, 2, 4], [7, 8, 1]])
    everything = torch.arange(16).expand(3, -1)
    assert (model(pictures()) - model(pictures(), everything)).abs().max() < 1e-12
    cut = patchify(pictures(), 2)
    hidden = torch.ones(3, 16, dtype=torch.bool).scatter(1, kept, False)
    other = unpatchify(torch.where(hidden[..., None], 1 - cut, cut), 2, 8, 8)
    assert torch.equal(model(pictures(), kept), model(other, kept))
    assert not torch.equal(model(pictures()), model(other))  # the broken twin: it reads everything
    alone = torch.cat([model(one[None], some[None]) for one, some in zip(pictures(), kept, strict=True)])
    assert (model(pictures(), kept) - alone).abs().max() < 1e-12


def test_a_decoder_gives_mask_tokens_to_what_was_not_seen() -> None:
    arch = Architecture(vocabulary=1, context=16, layers=1, heads=2, d_model=8, d_head=4, d_ff=16, causal=False)
    decoder = PatchDecoder(arch, 16, 4).double()
    seen, kept = torch.randn(2, 3, 16, dtype=torch.float64), torch.tensor([[1, 2, 5], [15, 0, 3]])
    made = decoder(seen, kept)
    assert made.shape == (2, 16, 4)
    order = torch.tensor([2, 0, 1])
    assert (decoder(seen[:, order], kept[:, order]) - made).abs().max() < 1e-12  # it knows where each belongs
    assert (decoder(seen, kept.flip(0)) - made).abs().max() > 1e-6


def test_rollout_of_attention_to_nothing_but_oneself_is_the_identity_and_its_rows_sum_to_one() -> None:
    eye = torch.eye(5).expand(3, 2, 5, 5)
    assert torch.equal(rollout(eye), torch.eye(5))
    weights = torch.rand(3, 2, 5, 5).softmax(-1)
    found = rollout(weights)
    assert (found.sum(-1) - 1).abs().max() < 1e-6 and (found >= 0).all()
    by_hand = torch.eye(5)
    for layer in weights:
        by_hand = (0.5 * layer.mean(0) + 0.5 * torch.eye(5)) @ by_hand
    assert torch.allclose(found, by_hand)
