"""How the discriminator judges real and fake ones: two histograms over the same edges."""

from __future__ import annotations

from PySide6.QtCore import QRectF

from genstudio.data.preview import Histogram
from genstudio.snapshots.samples import Histograms
from genstudio.ui import theme
from genstudio.ui.views.bars import HistogramView


class HistogramsView(HistogramView):
    """Shows `Histograms`; `labels` are the words for the names of its quantities."""

    live_share = 0.01

    def __init__(self, title: str, name: str, unit: str, labels: dict[str, str]) -> None:
        super().__init__(title, name, unit, (theme.BLUE, theme.GREEN, theme.VERMILION))
        self.snapshot: Histograms | None = None
        self._labels = labels

    def show_snapshot(self, snapshot: Histograms) -> None:
        """Replace what is shown."""
        self.snapshot = snapshot
        self._shown = {
            self._labels.get(name, name): Histogram(snapshot.edges, counts) for name, counts in snapshot.counts.items()
        }
        self.note = f"step {snapshot.step:,}"
        self.setAccessibleDescription(f"{', '.join(self._shown)} of step {snapshot.step:,}")
        self.redraw(live=True)

    def clear(self) -> None:
        """Show nothing."""
        self.snapshot = None
        self.show_histograms({})

    def _plot(self, area: QRectF) -> QRectF:
        return super()._plot(area).adjusted(0, 16, 0, 0)
