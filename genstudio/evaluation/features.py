"""A small network trained here, on the same pictures, whose features and classes say how good other pictures are."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio import storage
from genstudio.data import derived
from genstudio.data.learnable.samples import Shape
from genstudio.errors import StorageError
from genstudio.training import tensors
from genstudio.training.optim import take_step

if TYPE_CHECKING:
    from genstudio.data.learnable.samples import SampleData

FEATURES = 64
FILE = "encoder.safetensors"
_STEPS, _BATCH, _RATE, _SEED = 600, 128, 4e-3, 12_345
_SIDE = 32
_ROWS = 512
_KEPT, _MOST = "encoders", 64 << 20


class Encoder(nn.Module):
    """Pictures (n, c, h, w) in [-1, 1] to features (n, 64), and from these to classes or back to small pictures.

    A classifier where all pictures have labels, else an autoencoder. Features are divided by `scale`, their deviation
    over the training pictures, so that distances have no unit.
    """

    scale: Tensor

    def __init__(self, shape: Shape, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.side = min(max(shape.height, shape.width), _SIDE)
        parts: list[nn.Module] = []
        inputs, side, maps = shape.channels, self.side, 32 if self.side <= 8 else 16
        while True:
            parts += [nn.Conv2d(inputs, maps, 3, padding=1), nn.BatchNorm2d(maps), nn.ReLU()]
            if self.side <= 8:
                parts += [nn.Conv2d(maps, maps, 3, padding=1), nn.BatchNorm2d(maps), nn.ReLU()]
            parts.append(nn.MaxPool2d(2))
            inputs, side, maps = maps, side // 2, min(2 * maps, 64 if self.side <= 8 else 32)
            if side <= 4:
                break
        self.body = nn.Sequential(*parts, nn.Flatten(), nn.Linear(inputs * side * side, FEATURES), nn.ReLU())
        self.register_buffer("scale", torch.ones(()))
        if classes:
            self.head: nn.Module = nn.Linear(FEATURES, classes)
        else:
            wide = nn.Linear(FEATURES, 256)
            self.head = nn.Sequential(wide, nn.ReLU(), nn.Linear(256, shape.channels * self.side**2), nn.Tanh())

    def features(self, pictures: Tensor) -> Tensor:
        """pictures (n, c, h, w) -> (n, 64)"""
        return self.body(self._small(pictures))

    def loss(self, pictures: Tensor, labels: Tensor | None) -> Tensor:
        """Cross-entropy of the labels (n,), or the mean squared error of the pictures made again; a scalar."""
        small = self._small(pictures)
        told = self.head(self.body(small))
        return F.mse_loss(told, small.flatten(1)) if labels is None else F.cross_entropy(told, labels)

    def _small(self, pictures: Tensor) -> Tensor:
        if pictures.shape[2:] == (self.side, self.side):
            return pictures
        return F.interpolate(pictures, (self.side, self.side), mode="bilinear", antialias=True)


def trained(
    data: SampleData, device: torch.device, folder: Path | None, *, varied: bool = False
) -> Generator[float, None, Encoder]:
    """The encoder of these pictures: that of the run in `folder`, that of another run on the same data, or trained from scratch.

    It is always alike, and kept in both places. Yields the fraction done. Of classifiers a tenth of the pictures is held
    back, to know how often they are right. One that is `varied` learns from half as many batches, of pictures that are blurred,
    lighter or darker and noisy to some degree, so that it sees what made pictures show although they are not as sharp as real
    ones.
    """
    classes = len(data.shape.classes) if data.labels is not None else 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        encoder = Encoder(data.shape, classes)
    key = _key(encoder, data) + "varied" * varied
    if not _adopted(encoder, _of_run(folder)):
        if not _adopted(encoder, derived.read(_KEPT, data.source, key)):
            encoder.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            yield from _train(encoder, data, device, varied)
            derived.keep(_KEPT, data.source, key, tensors.dump(encoder.state_dict()), _MOST)
        _write(encoder, folder)
    encoder.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return encoder.eval().requires_grad_(False)


@torch.enable_grad()
def _train(encoder: Encoder, data: SampleData, device: torch.device, varied: bool) -> Generator[float, None, None]:
    optimizer = torch.optim.Adam(encoder.parameters(), lr=_RATE, fused=True)
    rng, random = np.random.default_rng(_SEED), torch.Generator().manual_seed(_SEED)
    steps = -(-_STEPS // 2) if varied else _STEPS
    for step in range(steps):
        chosen = data.train[rng.integers(0, len(data.train), _BATCH)]
        labels = torch.from_numpy(data.labels[chosen]).to(device) if data.labels is not None and encoder.classes else None
        for group in optimizer.param_groups:
            group["lr"] = _RATE * (1 - step / steps)
        batch = pictures(data.real[chosen], device)
        if varied:
            batch = _varied(batch, random)
        elif labels is not None:
            batch = _shifted(batch, rng)
        loss = encoder.loss(batch, labels)
        loss.backward()
        take_step(optimizer)
        optimizer.zero_grad()
        yield step / steps
    encoder.eval()
    encoder.scale.fill_(_deviation(encoder, pictures(data.real[data.train[:_ROWS]], device)))


def _shifted(batch: Tensor, rng: np.random.Generator) -> Tensor:
    """The batch shifted by up to a twentieth of its size, so that a classifier of few pictures does not memorise them."""
    most = batch.shape[2] // 20
    down, right = rng.integers(0, 2 * most + 1, 2)
    padded = F.pad(batch, [most] * 4, mode="replicate")
    return padded[:, :, down : down + batch.shape[2], right : right + batch.shape[3]]


def _varied(batch: Tensor, random: torch.Generator) -> Tensor:
    """Pictures (n, c, h, w) in [-1, 1], each blurred, lighter or darker and noisy to some degree."""
    blurred = F.avg_pool2d(F.pad(batch, [1] * 4, mode="replicate"), 3, 1)
    blur, light, noise = torch.rand((3, len(batch), 1, 1, 1), generator=random).to(batch.device)
    mixed = (torch.lerp(batch, blurred, blur) + 1) * (0.8 + 0.4 * light) - 1
    return (mixed + 0.15 * noise * torch.randn(batch.shape, generator=random).to(batch.device)).clamp(-1, 1)


@torch.no_grad()
def _deviation(encoder: Encoder, batch: Tensor) -> Tensor:
    return encoder.features(batch).var(0).mean().sqrt().clamp_min(1e-6)


def pictures(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Stored pictures (n, h, w, c) as tensors (n, c, h, w) in [-1, 1]."""
    tensor = torch.from_numpy(np.require(pixels, requirements=["C", "W"])).to(device)
    return tensor.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def pixels_of(made: Tensor) -> NDArray[np.uint8]:
    """Pictures (n, c, h, w) in [-1, 1] as they are stored: (n, h, w, c)."""
    pixels = made.detach().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).cpu().numpy())


@torch.no_grad()
def encode(encoder: Encoder, batch: Tensor) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Features (n, 64) of pictures (n, c, h, w), and the class the encoder sees in each, -1 where it knows none."""
    features = encoder.features(batch)
    seen = encoder.head(features).argmax(1) if encoder.classes else torch.full((len(batch),), -1)
    return (features / encoder.scale).double().cpu().numpy(), seen.cpu().numpy().astype(np.int64)


def encode_all(encoder: Encoder, pixels: NDArray[np.uint8]) -> Generator[float, None, tuple[Any, Any]]:
    """The same of stored pictures, a few hundred at a time; yields the fraction done."""
    device = next(encoder.parameters()).device
    found = []
    for first in range(0, len(pixels), _ROWS):
        found.append(encode(encoder, pictures(pixels[first : first + _ROWS], device)))
        yield min(1.0, (first + _ROWS) / len(pixels))
    return np.concatenate([f for f, _ in found]), np.concatenate([s for _, s in found])


def _key(encoder: Encoder, data: SampleData) -> str:
    """All that the training depends on, but for the pictures after the first few hundred: the dataset's hash knows them."""
    said = f"{_STEPS} {_BATCH} {_RATE} {_SEED} {len(data.train)} {encoder}"
    digest = hashlib.sha256(said.encode())
    for array in (data.real[data.train[:_ROWS]], data.labels):
        digest.update(b"" if array is None else np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _of_run(folder: Path | None) -> bytes | None:
    try:
        return None if folder is None else (folder / FILE).read_bytes()
    except OSError:
        return None


def _adopted(encoder: Encoder, data: bytes | None) -> bool:
    """Whether these bytes hold an encoder of this shape, and are now this one."""
    try:
        found = {} if data is None else tensors.load(data)
    except tensors.DamagedError:
        return False
    mine = encoder.state_dict()
    if found.keys() != mine.keys() or any(found[n].shape != t.shape or found[n].dtype != t.dtype for n, t in mine.items()):
        return False
    if tensors.nonfinite(found):
        return False
    encoder.load_state_dict(found)
    return True


def _write(encoder: Encoder, folder: Path | None) -> None:
    if folder is None:
        return
    try:
        storage.write_atomic(folder / FILE, tensors.dump(encoder.state_dict()))
    except StorageError:
        return  # it can be trained again
