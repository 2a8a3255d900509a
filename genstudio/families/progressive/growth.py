"""How far a pair of networks has grown: which size it makes, how much of the newest layers is in it, and when it moves on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genstudio.families.progressive.config import ProgressiveConfig


class Growth(nn.Module):
    """The `stage`, its size being the first one doubled so often, and the `fade` in [0, 1] of its newest layers; a checkpoint
    holds both, so a training goes on in the middle of a fade-in.

    `rows` (sizes, n, h, w, c) uint8 are pictures of the same noise, as each size made them when it was left.
    """

    at: Tensor
    before: Tensor
    pushes: Tensor
    rows: Tensor

    def __init__(self, sizes: int, shown: tuple[int, int, int, int], grows: bool) -> None:
        super().__init__()
        self.last = sizes - 1
        begin = (0.0, 1.0, 0.0) if grows else (float(self.last), 1.0, 0.0)
        self.register_buffer("at", torch.tensor(begin, dtype=torch.float64))
        self.register_buffer("before", torch.zeros((), dtype=torch.float64))
        self.register_buffer("pushes", torch.zeros((), dtype=torch.int64))
        self.register_buffer("rows", torch.zeros((sizes, *shown), dtype=torch.uint8))

    @property
    def stage(self) -> int:
        return int(self.at[0])

    @property
    def fade(self) -> float:
        return float(self.at[1])

    @property
    def settled(self) -> float:
        """The share of the time after the fade-in of this size that is over."""
        return float(self.at[2])

    @torch.no_grad()
    def advance(self, config: ProgressiveConfig, progress: float, seconds: float) -> bool:
        """One step: `progress` in [0, 1] is the share of the training before it, `seconds` is how long the step before took.
        Whether another size begins with this step; its fade is 0 then."""
        passed = self._passed(config, progress, seconds)
        self.before.fill_(progress)
        stage, fade, settled = self.stage, self.fade, self.settled
        pushed = config.advance_size > int(self.pushes)
        self.pushes.fill_(config.advance_size)  # one that was taken back counts again
        if not config.grow or (config.hold_size and not pushed):
            return False
        begins = False
        if fade < 1:
            fade = 1.0 if pushed or config.fade <= 0 else _filled(fade + passed / config.fade)
        elif stage < self.last:
            share = 1 - config.fade if stage else 1.0  # the first size has nothing to fade in from
            settled = 1.0 if pushed or share <= 0 else _filled(settled + passed / share)
            if begins := settled >= 1:
                stage, fade, settled = stage + 1, 0.0, 0.0
        self.at.copy_(torch.tensor((stage, fade, settled), dtype=torch.float64))
        return begins

    def _passed(self, config: ProgressiveConfig, progress: float, seconds: float) -> float:
        """The share of the time at a size that went by with the step before."""
        if config.growth == "steps":
            return 1 / config.stage_steps
        if config.growth == "clock":
            return seconds / config.stage_seconds
        shares = self.last / (1 - config.full_share)  # sizes in the whole training, were all as short as the smaller ones
        return max(0.0, progress - float(self.before)) * shares  # a longer plan makes the progress smaller once


def _filled(share: float) -> float:
    """A share, 1 at most: ten tenths are one."""
    return share if share < 1 - 1e-9 else 1.0
