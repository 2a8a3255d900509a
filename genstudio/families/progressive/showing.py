"""What networks that grow look like from outside: a row of pictures for each size, fixed grids, histograms of scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from genstudio.events import Array, Snapshot
from genstudio.families.samples import PICTURES, opinions
from genstudio.nn.growing import shrunk
from genstudio.snapshots.samples import Pictures

if TYPE_CHECKING:
    from genstudio.families.progressive.model import ProgressiveModel


class Viewer:
    """Makes snapshots of a model at bounded cost; the noise and the real pictures stay the same."""

    def __init__(self, model: ProgressiveModel) -> None:
        self.model = model
        self._told_real: tuple[int, float] | None = None

    def opening(self, step: int) -> Iterator[Snapshot]:
        """Real pictures as the discriminator will see them first, on channel `real`, not judged yet."""
        if len(self.model.data.real):
            yield self._real(step, judged=False)

    def preview(self, step: int) -> Iterator[Snapshot]:
        """`fixed` pictures of the generator's average, `fixed_raw` of itself; `sizes`: of the first of the same noise, a row for
        each size as it was left, one of the size that is trained, and one of real pictures at it; `real` ones, where the
        discriminator sees them otherwise than before; the histograms `scores`."""
        model, noise = self.model, self.model.fixed[0]
        average, raw = model.made(noise, "average"), model.made(noise, "generator")
        fixed, scores = model.outside(average), model.d_score(raw)
        yield Pictures("fixed", step, fixed, None, (), model.d_score(average))
        yield Pictures("fixed_raw", step, model.outside(raw), None, (), scores)
        real = self._real(step) if len(model.data.real) else None
        yield self._sizes(step, fixed, real)
        if real is None or real.scores is None:
            return
        now = model.growth.stage, model.growth.fade
        if now != self._told_real:
            self._told_real = now
            yield Pictures("real", step, real.pixels.copy(), None, (), real.scores.copy())
        yield opinions(step, real.scores, scores, model.bounded)

    def _real(self, step: int, judged: bool = True) -> Pictures:
        model = self.model
        chosen = model.shown.chosen if len(model.shown.chosen) >= model.growth.rows.shape[1] else model.data.train
        x = shrunk(model.inside(model.data.real[chosen[:PICTURES]]), *model.grown)
        return Pictures("real", step, model.outside(x), None, (), model.d_score(x) if judged else None)

    def _sizes(self, step: int, fixed: Array, real: Pictures | None) -> Pictures:
        growth, sizes = self.model.growth, self.model.sizes
        count = growth.rows.shape[1]
        left = range(growth.stage if self.model.config.grow else 0)
        rows = [(f"{sizes[stage]} x {sizes[stage]}", growth.rows[stage].cpu().numpy()) for stage in left]
        fading = f" at {growth.fade:.0%}" if growth.fade < 1 else ""
        rows.append((f"{self.model.size} x {self.model.size}{fading}", fixed[:count]))
        if real is not None and len(real.pixels) >= count:
            rows.append(("real", real.pixels[:count]))
        names, pixels = zip(*rows, strict=True)
        return Pictures("sizes", step, np.concatenate(pixels), np.repeat(np.arange(len(rows)), count), names)
