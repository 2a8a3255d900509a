"""Checks of a dataset, in words, before anything is trained on it."""

from __future__ import annotations

from genstudio.data.checks.clips import check_clips
from genstudio.data.checks.finding import Example as Example
from genstudio.data.checks.finding import Finding as Finding
from genstudio.data.checks.finding import Level as Level
from genstudio.data.checks.labelled import check_labelled
from genstudio.data.checks.pairs import check_pairs, check_points
from genstudio.data.checks.pictures import check_images
from genstudio.data.checks.regions import check_regions
from genstudio.data.checks.rows import check_rows
from genstudio.data.checks.texts import check_text
from genstudio.data.datasets import (
    AudioDataset,
    ImageDataset,
    LabelledDataset,
    PairDataset,
    PointDataset,
    RegionDataset,
    RowDataset,
    TaskDataset,
    TextDataset,
)
from genstudio.data.split import SplitSettings
from genstudio.data.work import Work
from genstudio.errors import DataError

_ORDER = {"error": 0, "warning": 1, "info": 2}


def check(
    dataset: TextDataset | PairDataset | LabelledDataset | ImageDataset | PointDataset | TaskDataset | RegionDataset
    | RowDataset | AudioDataset,
    context: int | None = None,
    parameters: int | None = None,
    split: SplitSettings | None = None,
    lines: bool = False,
) -> Work[tuple[Finding, ...]]:
    """What is worth knowing of a dataset, the gravest first; yields the fraction done.

    `context` (tokens) and `parameters` are those of the model that is to learn it; `lines` where every line of a text
    is a sequence of its own. Raises nothing for what is in the dataset.
    """
    split = split or SplitSettings()
    if isinstance(dataset, TextDataset):
        found = yield from check_text(dataset, context, parameters, split, lines)
    elif isinstance(dataset, ImageDataset):
        found = yield from _guarded(dataset, parameters, split)
    elif isinstance(dataset, PairDataset):
        found = yield from check_pairs(dataset.left, dataset.right, dataset.names, split, context, True)
    elif isinstance(dataset, LabelledDataset):
        found = yield from check_labelled(dataset, split, context)
    elif isinstance(dataset, TaskDataset):
        names = ("question", "answer")
        found = yield from check_pairs(dataset.questions, dataset.answers, names, split, context, False)
    elif isinstance(dataset, RowDataset):
        found = yield from check_rows(dataset)
    elif isinstance(dataset, RegionDataset):
        found = yield from check_regions(dataset)
    elif isinstance(dataset, AudioDataset):
        found = yield from check_clips(dataset)
    else:
        found = yield from check_points(dataset)
    return tuple(sorted(found, key=lambda finding: _ORDER[finding.level]))


def _guarded(dataset: ImageDataset, parameters: int | None, split: SplitSettings) -> Work[tuple[Finding, ...]]:
    try:
        return (yield from check_images(dataset, parameters, split))
    except DataError as error:
        usual = yield from check_images(dataset, parameters, SplitSettings())
        return (Finding("split", "error", error.message, 1, (), error.hint), *usual)
