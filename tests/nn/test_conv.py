"""The last doubling of a picture, against torch's transposed convolution."""

import random

import pytest
import torch
from torch import Tensor

from genstudio.nn import conv
from genstudio.nn.conv import LastDoubling


def both(seed: int) -> tuple[list[Tensor | None], list[Tensor | None]]:
    """What comes out, and the gradients by the input and by the weights: ours, and those of torch's own operation."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    layer = LastDoubling(draw.choice([1, 3, 8]), draw.choice([1, 3, 4])).double()
    for parameter in layer.parameters():
        parameter.requires_grad_(draw.random() < 0.8)
    shape = draw.choice([8, 9]), layer.in_channels, draw.choice([1, 4, 7]), draw.choice([1, 5])
    x = torch.randn(shape, dtype=torch.float64)
    if draw.random() < 0.5:
        layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        x = x.to(memory_format=torch.channels_last)
    found: list[list[Tensor | None]] = []
    for way in (layer.forward, super(LastDoubling, layer).forward):
        layer.zero_grad()
        own = x.detach().clone().requires_grad_()
        made = way(own)
        (made * torch.linspace(-1, 2, made.numel(), dtype=made.dtype).view(made.shape)).sum().backward()
        found.append([made.detach(), own.grad, *(parameter.grad for parameter in layer.parameters())])
    return found[0], found[1]


@pytest.mark.parametrize("seed", range(12))
def test_it_is_torchs_transposed_convolution(seed: int) -> None:
    for ours, theirs in zip(*both(seed), strict=True):
        if ours is None or theirs is None:
            assert ours is theirs
        else:
            torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=1e-10)


def test_a_kernel_laid_out_wrongly_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it would be if rows of even and odd places were taken for each other."""
    torch.manual_seed(0)
    layer, x = LastDoubling(3, 1), torch.randn(8, 3, 5, 5)
    expected = super(LastDoubling, layer).forward(x)
    torch.testing.assert_close(layer(x), expected)
    real = conv._Doubled.apply
    monkeypatch.setattr(conv._Doubled, "apply", lambda x, weight, bias: real(x, weight[:, :, [1, 0, 3, 2]], bias))
    assert (layer(x) - expected).abs().max() > 0.1


def test_few_pictures_and_many_channels_are_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conv._Doubled, "apply", lambda *_: pytest.fail("asked for"))
    few, many = conv._MANY - 1, conv._FEW + 1
    assert LastDoubling(3, 1)(torch.randn(few, 3, 4, 4)).shape == (few, 1, 8, 8)
    assert LastDoubling(3, many)(torch.randn(conv._MANY, 3, 4, 4)).shape == (conv._MANY, many, 8, 8)
