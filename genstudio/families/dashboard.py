"""What a run of a family shows: charts, panes, tools and the numbers that say how good it is. No torch, no Qt."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from genstudio.config import applies
from genstudio.snapshots.activity import CHANNEL as ACTIVITY

if TYPE_CHECKING:
    from genstudio.data.info import DatasetInfo
    from genstudio.runs import RunInfo

LIVE, DOCTOR, TIMELINE, SLOW_MOTION, EXPLORE, SAMPLE, DENOISE, TRANSLATE, GROW, COMPLETE = TOOLS = (
    "live", "doctor", "timeline", "slow motion", "explore", "sample", "denoise", "translate", "grow", "complete",
)  # fmt: skip
"""LIVE: settings that change while it trains, with going back; DOCTOR: diagnoses;
TIMELINE: a slider over the past; SLOW_MOTION: a step in stages; EXPLORE: the latent space; SAMPLE: one sample closely;
DENOISE: how noise becomes samples; TRANSLATE: a picture of one's own there and back; GROW: the sizes
that a model grew through, fading into each other; COMPLETE: pictures of which a part is given."""
STAGE, SIDE = "stage", "side"
_SMALLEST = 8
"""Pixels of a side of the smallest pictures that anything is made of."""
LAYERS: Mapping[str, tuple[str, str]] = {
    "field": ("Density", "The model's density at every point"),
    "mesh": ("Grid", "Where the model maps an even grid of latents: cells of equal probability, darker where the "
        "density is high"),
    "real": ("Real", "Points of the dataset"),
    "fake": ("Generated", "Points that the model generates from fixed noise"),
    "paths": ("Paths", "The stages through which points came from noise"),
    "arrows": ("Push", "The direction in which each point is pushed"),
}
"""Layers of a plane: (title, help) by name, the lowest first."""


@dataclass(frozen=True, slots=True)
class Line:
    """One number over steps: its name in the metrics, its word on a chart, and its `role`, which has a colour of its own on
    every chart: see `ui.theme.ROLES`. `smooth`: it is noisy, its running mean is drawn over it."""

    name: str
    label: str
    role: str = ""
    smooth: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A dashed line with its `words`, in which `{}` stands for the value, and `short` ones where there is little room.

    `value` is None where it is known only of the data: `Dashboard.references` gives it by `name`. `when` says for which
    setting it holds, in the form of `config.setting`. `beaten` is said where the validation line falls below it, or rises
    `above` it.
    """

    name: str
    words: str
    short: str = ""
    value: float | None = None
    when: str = ""
    beaten: str = ""
    above: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines on common axes. Charts of a `page` stand side by side; a `large` one has a row of its own over the others.

    `kinds` are the kinds of data that it is for; empty: all. `units` are other units by the setting that they hold for, in the
    form of `config.setting`. `floors` name numbers that are drawn as dashed lines, with their words: what real data would
    reach; the first word stands alone where there is little room. No floor is below `least`, whatever is estimated; `beaten` has
    what is said where the validation line falls below one. `when` says for which setting there is anything to draw, in the
    same form.
    """

    name: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    page: str
    kinds: tuple[str, ...] = ()
    log: bool = False
    large: bool = False
    references: tuple[Reference, ...] = ()
    least: float | None = None
    nats: bool = False
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)
    floors: Mapping[str, str] = dataclasses.field(default_factory=dict)
    beaten: Mapping[str, str] = dataclasses.field(default_factory=dict)
    when: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A text that a person has watched, by its `name` for the learner: its `label`, `help`, and the `text` to begin with. `when`
    says for which setting it is followed, in the form of `config.setting`."""

    name: str
    label: str
    help: str
    text: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Pane:
    """A view of the newest snapshot of one of the `channels`, which are chosen among by their words in `choices`.

    `place` is STAGE (large, in the middle), SIDE (a tab beside it), or the page of charts that it stands on. The snapshot
    of the channel `beside` is shown next to it under `beside_title`; where `paired`, one to each, in the same places. `staged`
    is the channel whose snapshots replace it while a step is walked through. `note` says what stays the same from step to
    step. `field` is the text that it follows.

    Of points: `layers` are (title, help) by the names of the layers of a plane, `made` is what a point of the model is called.
    `score` is what the number of a place or a sample is called, `ends` what the lowest and the highest mean where it is a
    probability. `rows` are what is read, what would be right and what the model wrote, where it is judged token for token. A
    `tall` one needs more height than the charts below it.
    `picks`: a click on a sample inspects it. `push` is what an arrow is called. `meaning` says of the score what it is, where it
    does not say how real a sample is. `when` says for which setting there is anything to show, in the form of
    `config.setting`.
    """

    channels: tuple[str, ...]
    title: str
    place: str = STAGE
    kinds: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    choice_title: str = ""
    choice_help: str = ""
    beside: str = ""
    beside_title: str = ""
    beside_note: str = ""
    paired: bool = False
    staged: str = ""
    note: str = ""
    field: Field | None = None
    layers: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=lambda: LAYERS)
    made: str = "sample"
    score: str = "score"
    rows: tuple[str, str, str] = ("source", "reference", "model")
    tall: bool = False
    ends: tuple[str, str] = ("0", "1")
    picks: bool = True
    push: str = "push"
    meaning: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number by its name in the metrics, and what it is called. `better` is "lower", "higher", or empty."""

    name: str
    words: str
    better: str = ""
    unit: str = ""

    def rate(self, value: float) -> str:
        """A speed with its unit.

        >>> [Measure("s", "speed", unit="steps/s").rate(value) for value in (12345.6, 7.25, 0.152)]
        ['12,346 steps/s', '7.2 steps/s', '0.15 steps/s']
        """
        return f"{value:,.0f} {self.unit}" if value >= 10 else f"{value:.2g} {self.unit}"


P = TypeVar("P", Chart, Pane)
References = Callable[[Any, Any], Generator[float, None, Mapping[str, float]]]


@dataclass(frozen=True)
class Dashboard:
    """What the window, the command line and the list of runs show of a family.

    `result`: the first of these that a run has says how good its model is; `said(info, references)` says it in a sentence
    where that takes more. `summary` stands in the line of the command line while it trains, `speed` in the headline.
    `handles` are the live settings that are shown first. `key` explains colours: (word, role). `stages` are the titles of
    the stages of a step, for SLOW_MOTION. `references(config, info)` gives, in slices, the values of references that
    follow from the data, and whatever else `said` needs. `smaller(config, info)` is what would train faster: in words, with its
    config and dataset. `welcome` is what to do first. `race` is the setting in which trainings that race usually differ.
    `explorers` name the pages beside the training that need no run: see `ui.explorers`.
    """

    charts: tuple[Chart, ...] = ()
    panes: tuple[Pane, ...] = ()
    tools: tuple[str, ...] = ()
    result: tuple[Measure, ...] = ()
    summary: tuple[Measure, ...] = ()
    speed: Measure = dataclasses.field(default_factory=lambda: Measure("steps_per_second", "speed", unit="steps/s"))
    handles: tuple[str, ...] = ()
    key: tuple[tuple[str, str], ...] = ()
    stages: tuple[str, ...] = ()
    references: References | None = None
    smaller: Callable[[Any, Any], tuple[str, Any, Any] | None] | None = None
    said: Callable[[RunInfo, Mapping[str, float]], str] | None = None
    welcome: str = "Press Start."
    race: str = "learning_rate"
    explorers: tuple[str, ...] = ()

    def main_lines(self) -> tuple[str, ...]:
        """Names of the lines of its charts, first those that say how good a model is, in their order."""
        drawn = dict.fromkeys(line.name for chart in self.charts for line in chart.lines)
        return tuple(dict.fromkeys((*(one.name for one in self.result if one.name in drawn), *drawn)))

    def chart_of(self, name: str) -> Chart | None:
        """The first chart that draws this number."""
        return next((chart for chart in self.charts if any(line.name == name for line in chart.lines)), None)

    def unit_of(self, chart: Chart, info: RunInfo) -> str:
        """What a chart counts in, with the settings of a run."""
        return next((unit for when, unit in chart.units.items() if applies(when, info.config)), chart.unit)

    def pages(self) -> tuple[str, ...]:
        """Titles of the pages of charts, in order."""
        return tuple(dict.fromkeys(chart.page for chart in self.charts))

    def channels(self) -> tuple[str, ...]:
        """Channels that change with time."""
        return tuple(dict.fromkeys((*(channel for pane in self.panes for channel in pane.channels), ACTIVITY)))

    def looks(self) -> tuple[str, ...]:
        """Those that are looked at by themselves, not among the charts."""
        panes = (pane for pane in self.panes if pane.place in (STAGE, SIDE))
        return tuple(dict.fromkeys(channel for pane in panes for channel in pane.channels))


def optimizer_charts(page: str, counted: str = "steps", speed_page: str = "") -> tuple[Chart, Chart, Chart]:
    """Learning rate, gradient norm and speed of a training, whose speed is `counted` in steps, tokens or words."""
    metric = "steps_per_second" if counted == "steps" else "tokens_per_second"
    speed = Line(metric, f"{counted}/s", "speed", True)
    return (
        Chart("learning_rate", "Learning rate", "", (Line("learning_rate", "rate", "rate"),), page),
        Chart("gradient_norm", "Gradient norm", "", (Line("gradient_norm", "norm", "norm", True),), page),
        Chart(metric, f"{counted.capitalize()} per second", "", (speed,), speed_page or page),
    )


def fitting(parts: Iterable[P], kind: str = "") -> tuple[P, ...]:
    """Charts or panes that are for a kind of data; all of them where none is named."""
    return tuple(part for part in parts if not kind or not part.kinds or kind in part.kinds)


def result(measures: Iterable[Measure], info: RunInfo) -> tuple[str, float] | None:
    """What was measured last, by the first of the measures that the run has: in words, and the number. None before that.

    The words name the step where the run went further since.
    """
    for measure in measures:
        if measure.name in info.losses:
            value, step = info.results[measure.name], info.result_step(measure.name)
            when = "" if step == info.step else f" (step {step:,})"
            return f"{measure.words} {value:.4f}{when}", value
    return None


@dataclass(frozen=True, slots=True)
class Standing:
    """A result beside what it is compared with: the `measure`, its `value`, the `unit` that it is counted in, and references
    (short words, value), the nearest to beating it last. `estimated`: on a sample, while the references are exact."""

    measure: Measure
    value: float
    unit: str
    references: tuple[tuple[str, float], ...] = ()
    estimated: bool = False

    @property
    def good(self) -> float:
        """The value so that more is better."""
        return self.value if self.measure.better == "higher" else -self.value

    @property
    def nearest(self) -> tuple[str, float] | None:
        """The reference that is hardest to beat."""
        return self.references[-1] if self.references else None


def standing(board: Dashboard, info: RunInfo, known: Mapping[str, float], floors: Mapping[str, float]) -> Standing | None:
    """How a run stands by the first of its family's measures that it has: see `result`. `known` are the values of references
    of the data, by name, `floors` the last values of numbers that are floors of a chart."""
    measure = next((one for one in board.result if one.name in info.losses), None)
    if measure is None:
        return None
    chart, found = board.chart_of(measure.name), dict[str, float]()
    unit = measure.unit
    if chart is not None:
        unit = board.unit_of(chart, info) or unit
        for line in chart.references:
            value = known.get(line.name) if line.value is None else line.value
            if value is not None and applies(line.when, info.config):
                found[line.words.split(" {")[0].split("{")[0].strip() or line.name] = value
        for name, words in chart.floors.items():
            if name in floors:
                found[words] = floors[name] if chart.least is None else max(floors[name], chart.least)
    weakest_first = sorted(found.items(), key=lambda pair: pair[1], reverse=measure.better != "higher")
    return Standing(
        measure, info.results[measure.name], unit, tuple(weakest_first), is_estimated(board, info, measure.name)
    )


def parted(
    value: float, references: Iterable[tuple[str, float]], *, higher: bool
) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """The references that a value beats, and those that it does not, each in their order."""
    known, sign = tuple(references), 1 if higher else -1
    return [one for one in known if sign * (value - one[1]) > 0], [one for one in known if sign * (value - one[1]) <= 0]


def against(
    value: float, references: Iterable[tuple[str, float]], *, higher: bool = False,
    write: Callable[[float], str] = "{:.3f}".format,
) -> str:
    """Which references a value beats, and by how much it misses the others.

    >>> against(2.0, [("uniform", 4.1589), ("unigram", 3.345), ("Kneser-Ney 6", 1.518)])
    'better than uniform (4.159) and unigram (3.345); Kneser-Ney 6 (1.518) is 0.482 ahead'
    >>> against(0.75, [("guessing", 0.5)], higher=True, write="{:.0%}".format)
    'better than guessing (50%)'
    >>> against(1.0, [("a", 2.0), ("b", 3.0), ("c", 4.0)], write="{:g}".format)
    'better than a (2), b (3) and c (4)'
    """
    behind, before = parted(value, references, higher=higher)
    beaten = [f"{words} ({write(one)})" for words, one in behind]
    ahead = [f"{words} ({write(one)}) is {write(abs(value - one))} ahead" for words, one in before]
    better = " and ".join([", ".join(beaten[:-1]), beaten[-1]] if len(beaten) > 1 else beaten)
    return "; ".join([f"better than {better}"] * bool(beaten) + ahead)


def is_estimated(board: Dashboard, info: RunInfo, name: str) -> bool:
    """Whether this number of a run rests on a sample of the held-out data, while what it is compared with is exact."""
    return board.references is not None and "val_loss" in info.losses and name in info.losses and name not in info.exact


def smaller_pictures(config: Any, info: DatasetInfo) -> tuple[str, Any, DatasetInfo] | None:
    """Pictures of half the size train faster, where there are pictures that are not too small for that."""
    height, width = (info.details.get(name) for name in ("height", "width"))
    if info.kind != "images" or type(height) is not int or type(width) is not int or min(height, width) < 2 * _SMALLEST:
        return None
    details = {**info.details, "height": height // 2, "width": width // 2}
    return f"pictures of {width // 2} x {height // 2}", config, dataclasses.replace(info, details=details)
