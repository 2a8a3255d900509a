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
        model, (noise, labels) = self.model, self.model.fixed
        average, raw = (model.made(noise, variant, labels) for variant in ("average", "generator"))
        fixed, scores = model.outside(average), model.d_score(raw, labels)
        yield self._pictures("fixed", step, fixed, labels, model.d_score(average, labels))
        yield self._pictures("fixed_raw", step, model.outside(raw), labels, scores)
        real = self._real(step) if len(model.data.real) else None
        yield self._sizes(step, fixed, real)
        if real is None or real.scores is None:
            return
        now = model.growth.stage, model.growth.fade
        if now != self._told_real:
            self._told_real = now
            yield self._pictures("real", step, real.pixels.copy(), real.labels, real.scores.copy())
        yield opinions(step, real.scores, scores, model.bounded)

    def _real(self, step: int, judged: bool = True) -> Pictures:
        model = self.model
        chosen = model.shown.chosen if len(model.shown.chosen) >= model.growth.rows.shape[1] else model.data.train
        chosen = chosen[:PICTURES]
        labels = model.data.labels[chosen] if model.classes and model.data.labels is not None else None
        x = shrunk(model.inside(model.data.real[chosen]), *model.grown)
        return self._pictures("real", step, model.outside(x), labels, model.d_score(x, labels) if judged else None)

    def _pictures(self, channel: str, step: int, pixels: Array, labels: Array | None, scores: Array | None) -> Pictures:
        """With the classes that were asked for, where the model knows some; a snapshot freezes what it holds."""
        return Pictures(channel, step, pixels, None if labels is None else labels.copy(), self.model.classes, scores)

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
