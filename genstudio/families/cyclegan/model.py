"""A CycleGAN as it is used (Zhu et al. 2017): pictures of one set become such of another, and back."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.learnable.sides import A, B, SideData
from genstudio.evaluation.features import pictures, pixels_of
from genstudio.evaluation.samples import Reference
from genstudio.events import Array
from genstudio.families.cyclegan.config import CycleGANConfig
from genstudio.families.cyclegan.measuring import measure
from genstudio.nn.translator import PatchJudge, Translator
from genstudio.training import adversarial
from genstudio.training.learner import Measured

SHOWN = 8
"""Pictures of each set that are shown at every step."""
_ROWS = 100
_SEED = 20_170_330


class Pool(nn.Module):
    """Fakes of earlier steps (Shrivastava et al. 2017), which a checkpoint holds as well: `pictures` (2, size, C, H, W), those
    of A first, of which there are `count` by now."""

    pictures: Tensor
    count: Tensor

    def __init__(self, size: int, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("pictures", torch.zeros(2, size, channels, height, width))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def exchanged(self, fakes: tuple[Tensor, Tensor], random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Fakes (n, C, H, W) of A and of B, half of them exchanged for earlier ones of the pool, whose places they take; until
        it is full they are put there, and given as they are."""
        if not self.size:
            return fakes
        found = fakes[A].clone(), fakes[B].clone()
        for index in range(len(fakes[A])):
            filled = int(self.count)
            if filled < self.size:
                self.pictures[:, filled] = torch.stack([fakes[A][index], fakes[B][index]])
                self.count += 1
                continue
            kept, places = torch.rand(2, generator=random), torch.randint(self.size, (2,), generator=random)
            for side in (A, B):
                if kept[side] < 0.5:
                    place = int(places[side])
                    found[side][index] = self.pictures[side, place]
                    self.pictures[side, place] = fakes[side][index]
        return found


class CycleGAN:
    """Generators `to_a` and `to_b`, and the discriminators of both sets."""

    def __init__(self, config: CycleGANConfig, data: SideData, device: str, seed: int) -> None:
        self.config, self.device, shape = config, torch.device(device), data.shape
        size = shape.channels, config.channels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.to_b = Translator(*size, config.halvings, config.blocks, config.norm)
            self.to_a = Translator(*size, config.halvings, config.blocks, config.norm)
            self.judge_a, self.judge_b = (PatchJudge(*size, config.patch_layers) for _ in "AB")
        self.pool = Pool(config.pool, shape.channels, shape.height, shape.width)
        self.modules: Mapping[str, nn.Module] = {
            "to_b": self.to_b, "to_a": self.to_a, "judge_a": self.judge_a, "judge_b": self.judge_b, "pool": self.pool,
        }  # fmt: skip
        for module in self.modules.values():
            module.to(self.device)
        self._take(data)

    def on(self, data: SideData) -> CycleGAN:
        """The same networks with other data."""
        other = copy.copy(self)
        other._take(data)
        return other

    def _take(self, data: SideData) -> None:
        self.data = data
        self.reference = Reference(data, self.device)
        rng = np.random.default_rng(_SEED)
        self.fixed = tuple(rng.permutation(data.of(data.held, side))[:SHOWN] for side in (A, B))
        """Held-out pictures of each set that are shown at every step, by their indices."""

    @property
    def sides(self) -> tuple[str, str]:
        return self.data.sides

    @property
    def bounded(self) -> bool:
        return self.config.bounded

    def generator(self, side: int) -> Translator:
        """What makes pictures of a set."""
        return self.to_b if side == B else self.to_a

    def discriminator(self, side: int) -> PatchJudge:
        """What knows the pictures of a set."""
        return self.judge_b if side == B else self.judge_a

    @torch.no_grad()
    def translate_pictures(self, samples: Array, side: int) -> Array:
        """Pictures (n, h, w, c) uint8 of the other set -> the same as pictures of set `side`, A (0) or B (1)"""
        made = [self.turned(self.inside(samples[first : first + _ROWS]), side) for first in range(0, len(samples), _ROWS)]
        return self.outside(torch.cat(made)) if made else samples.copy()

    def turned(self, x: Tensor, side: int) -> Tensor:
        """Pictures (n, C, H, W) in [-1, 1] as such of a set."""
        made: Tensor = self.generator(side)(x)
        return made

    def judge(self, samples: Array, labels: Array | None) -> NDArray[np.float32]:
        """How much pictures (n, h, w, c) uint8 look like such of the sets `labels` (n,), the mean over their patches (n,)."""
        found = np.zeros(len(samples), np.float32)
        asked = np.full(len(samples), B) if labels is None else labels
        for side in (A, B):
            if len(mine := np.flatnonzero(asked == side)):
                found[mine] = self.scores(self.inside(samples[mine]), side)
        return found

    @torch.no_grad()
    def scores(self, x: Tensor, side: int) -> NDArray[np.float32]:
        """The mean over its patches of what the discriminator of a set says of each picture (n, C, H, W): (n,)"""
        logits = self.discriminator(side)(x)
        return adversarial.opinion(logits, self.bounded).mean(1).cpu().numpy()

    def inside(self, samples: Array) -> Tensor:
        """Pictures (n, h, w, c) uint8 as the networks see them: (n, c, h, w) in [-1, 1]"""
        return pictures(samples, self.device)

    def outside(self, made: Tensor) -> Array:
        """The same way back."""
        return pixels_of(made)

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """How well held-out pictures come back, and how much their translations look like the other set; see `measure`."""
        yield from measure(self, exact)
