"""Regions of genomes: their alignments, what is measured of them, and the history that made them."""

from __future__ import annotations

import statistics

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from genstudio.data.population.history import Truth, model_of
from genstudio.data.preview import RegionLook
from genstudio.data.shelf import DatasetInfo
from genstudio.snapshots.population import Measures, Population
from genstudio.ui import theme
from genstudio.ui.layouts import hbox, named, vbox
from genstudio.ui.views.picture_grid import PictureGrid
from genstudio.ui.views.population import PopulationView
from genstudio.ui.widgets import button, plain_label


def population_of(look: RegionLook) -> Population:
    """What was measured, as the view shows it."""
    return Population("population", 0, look.names, look.distances, Measures(**look.measures))


class RegionsPage(QWidget):
    """The first regions as alignments."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("regions_page")
        self.grid = PictureGrid()
        self.grid.setObjectName("regions_grid")
        self.grid.setAccessibleName("Alignments")
        self.said = plain_label(role="quiet", wrap=True, name="regions_said")
        self.said.setFont(theme.font(theme.SMALL, tabular=True))
        vbox(self.said, (self.grid, 1), into=self, margins=(0, 10, 0, 0), spacing=8)

    def show_look(self, _info: DatasetInfo, look: RegionLook) -> None:
        self.grid.show_pictures(look.pixels, None, ())
        self.said.setText(
            f"{look.regions:,} regions of {look.length / 1000:,.4g} kb, {look.haplotypes:,} haplotypes each, "
            f"{look.measures['means'][0]:,.1f} sites that vary per region. Shown are the middle {look.pixels.shape[2]} sites of "
            f"{len(look.pixels):,} regions: a row for each haplotype, similar ones together, blue where it has the rarer allele; "
            "the strip below is the darker, the farther a site is from the one before."
        )

    def go_to(self, index: int) -> None:
        """Show a region."""


class RegionFigures(QWidget):
    """Statistics of the regions."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("region_figures")
        self.view = PopulationView("Statistics", "region_statistics")
        vbox(self.view, into=self, margins=(0, 10, 0, 0))

    def show_look(self, _info: DatasetInfo, look: RegionLook) -> None:
        self.view.note = f"means over {look.regions:,} regions"
        self.view.show_snapshot(population_of(look))


class HistoryPage(QWidget):
    """The history that made the regions: a field for each parameter to guess in, and what is true beside it once that is
    revealed."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("history_page")
        self.said = plain_label(wrap=True, name="history_said")
        self.reveal = button("Reveal", "history_reveal", "zoom-reset", "Show the true parameters beside your guess")
        self.fields: dict[str, QDoubleSpinBox] = {}
        self.answers: dict[str, QLabel] = {}
        self.result = plain_label(wrap=True, name="history_result")
        self._truth: Truth | None = None
        self._about = ""
        self._rows = QWidget()
        self._grid = QGridLayout(self._rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(18)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 12, 12, 0)
        layout.setSpacing(12)
        for widget in (self.said, self._rows):
            layout.addWidget(widget)
        layout.addLayout(hbox(self.reveal, None))
        layout.addWidget(self.result)
        layout.addStretch(1)
        scroll = named(QScrollArea(), "history_scroll", "History")
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inside)
        vbox(scroll, into=self, spacing=None)
        self.reveal.clicked.connect(self._reveal)

    def show_look(self, info: DatasetInfo, look: RegionLook) -> None:
        about = f"{info.id} {info.sha256}"
        if about == self._about:
            return
        self._about, self._truth = about, look.truth
        self._clear()
        self.reveal.setVisible(look.truth is not None and look.truth.hidden)
        if look.truth is None:
            self.said.setText(
                "The history of these genomes is unknown. Train the simulator GAN on them: it searches for parameters whose "
                "simulated genomes cannot be told apart from these. Then compare the statistics that it never saw."
            )
            return
        model = model_of(look.truth.model)
        if not look.truth.hidden:
            self.said.setText(f"{model.title}: {model.says[0].lower()}{model.says[1:]} These parameters made the regions:")
        else:
            self.said.setText(
                f"{model.title}: {model.says[0].lower()}{model.says[1:]} The parameters are hidden. Look at the figures, guess "
                "each of them, train the simulator GAN on these regions, then reveal."
            )
        for row, parameter in enumerate(model.parameters):
            name = plain_label(parameter.name)
            says = plain_label(f"{parameter.says}; {parameter.low:g} to {parameter.high:g}", role="quiet", wrap=True)
            field = named(QDoubleSpinBox(), f"guess_{parameter.name}", f"Your guess of {parameter.name}")
            field.setDecimals(0 if parameter.unit in ("individuals", "generations") else 6)
            field.setRange(parameter.low, parameter.high)
            field.setValue(parameter.usual)
            field.setToolTip(parameter.says)
            field.setVisible(look.truth.hidden)
            answer = plain_label("", name=f"truth_{parameter.name}")
            answer.setFont(theme.font(theme.NORMAL, bold=True))
            self.fields[parameter.name], self.answers[parameter.name] = field, answer
            for column, widget in enumerate((name, field, answer, says)):
                self._grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignVCenter)
            if not look.truth.hidden:
                answer.setText(parameter.words(look.truth.values[parameter.name]))
        self._grid.setColumnStretch(3, 1)

    def _reveal(self) -> None:
        truth = self._truth
        if truth is None:
            return
        errors = []
        for parameter in model_of(truth.model).parameters:
            true, guess = truth.values[parameter.name], self.fields[parameter.name].value()
            error = abs(guess - true) / max(abs(true), 1e-12)
            errors.append(error)
            self.answers[parameter.name].setText(f"{parameter.words(true)}   ({error:.0%} off)")
        self.result.setText(
            f"The median error of your guesses is {statistics.median(errors):.0%}. Compare them with what the simulator GAN "
            "found: its run shows the truth when you switch on 'Show the truth' among its live settings."
        )

    def _clear(self) -> None:
        while self._grid.count():
            item = self._grid.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.deleteLater()
        self.fields, self.answers = {}, {}
        self.result.setText("")
