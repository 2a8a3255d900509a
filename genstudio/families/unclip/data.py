"""The CLIP run that texts and pictures are read with, and what is learned from, checked before the first step. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio import runs
from genstudio.config import Config
from genstudio.data.batches import PictureBatch
from genstudio.data.datasets import ImageDataset
from genstudio.data.learnable import batches, captions, samples
from genstudio.data.learnable.captions import CaptionData, prepare_captions
from genstudio.data.learnable.samples import Shape
from genstudio.data.split import SplitSettings
from genstudio.data.tokenizers import tokenizer_from_json
from genstudio.data.vocabulary import TokenSettings
from genstudio.data.work import Work
from genstudio.errors import ConfigError, DataError, Problem
from genstudio.families import denoising
from genstudio.families.settings import Split
from genstudio.families.start import Start, find
from genstudio.families.towers import Towers
from genstudio.families.unclip.config import UnclipConfig

Integers = NDArray[np.int64]
FILE = "reader.json"
PROMPTS = 8
"""Captions that pictures are made of throughout a training."""
_SEED, _LONGEST, _NAMED = 20_220_413, 60, 0.99
_TRAIN_ONE = "train one: Transformer, model CLIP"


@dataclass(frozen=True)
class Factor:
    """Something that captions name: its `values`, and which of them each picture has (n,)."""

    name: str
    values: tuple[str, ...]
    labels: Integers


@dataclass(frozen=True, eq=False, kw_only=True)
class UnclipData(CaptionData):
    """Pictures with captions, and the settings of the `towers` that read both, of the run called `reader`. `start` is that run,
    for a new model; `held_out` says how it kept pictures from training. `prompts` are captions that pictures are made of, the
    classes of the model; `factors` what captions name, the class of a picture first."""

    towers: Towers
    reader: str
    held_out: Mapping[str, Any]
    prompts: tuple[str, ...]
    start: Start | None = None
    factors: tuple[Factor, ...] = ()


def find_reader(reference: str, dataset: str) -> Start:
    """The CLIP run of this id, name or folder; where it is empty the newest one of that dataset, or else the one that ships.
    Raises ConfigError."""
    if reference:
        return _checked(find(reference, ("imagetext",), "reader"))
    known = [info for info in runs.list_models() if info.family == "imagetext" and info.usable]
    same = [info for info in known if info.dataset.get("id") == dataset and _contrastive(info.config)]
    if same:
        return Start(runs.Run.open(same[0].folder))
    some = f", or choose one of the others, such as '{known[0].name}'" if known else ""
    raise ConfigError([Problem("reader", f"no CLIP run was trained on these pictures; {_TRAIN_ONE}, on this dataset{some}")])


def _checked(start: Start) -> Start:
    if not _contrastive(start.values):
        words = f"'{start.run.info.name}' reads a picture and a text together, so neither has a vector of its own; {_TRAIN_ONE}"
        raise ConfigError([Problem("reader", f"{words} with two towers")])
    return start


def _contrastive(values: Mapping[str, Any]) -> bool:
    return bool(values.get("architecture", "contrastive") == "contrastive")


def towers_of(values: Mapping[str, Any]) -> Towers:
    """The settings of towers among those of a CLIP run. Raises ConfigError."""
    return Towers.parse({name: values[name] for name in Towers.model_fields if name in values})


def prepare(config: UnclipConfig, dataset: ImageDataset, kept: Mapping[str, Any] | None = None) -> Work[UnclipData]:
    """Find the CLIP run, split as it does and encode in its tokens; what a run `kept` stands for that. Raises ConfigError for a
    setting, and DataError for data that cannot be learned from."""
    yield 0.0
    known: Mapping[str, Any]
    if kept is None:
        start: Start | None = find_reader(config.reader, dataset.info.id)
        assert start is not None
        known = {**start.run.kept(), FILE: {
            "settings": dict(start.values), "name": start.run.info.name, "prompts": [],
        }}  # fmt: skip
    else:
        start, known = None, kept
    held = _read(known)
    _, height, width, channels = dataset.pixels.shape
    theirs = samples.from_metadata(known).shape
    if (theirs.height, theirs.width, theirs.channels) != (height, width, channels):
        raise ConfigError([Problem("reader", f"the CLIP run reads pictures of {_size(theirs)}, and these have "
                                   f"{_size(Shape('images', height, width, channels))}; choose one that learned from such "
                                   "pictures")])  # fmt: skip
    split = SplitSettings("random", held["validation_share"], held["split_seed"])
    data = yield from prepare_captions(
        dataset, held["towers"].context, TokenSettings.of(held["towers"].model_dump()), split, hold_out=held["hold_out"],
        tokenizer=tokenizer_from_json(known.get("tokenizer.json")),
    )  # fmt: skip
    prompts = held["prompts"] or _prompts(data)
    shape = replace(data.shape, classes=prompts)
    if found := list(denoising.size_problems(config, shape)):
        raise ConfigError(found)
    values = {each.name: getattr(data, each.name) for each in fields(CaptionData)}
    return UnclipData(**{
        **values, "shape": shape, "labels": None, "towers": held["towers"], "reader": held["name"],
        "held_out": {name: held[name] for name in ("validation_share", "split_seed", "hold_out")}, "prompts": prompts,
        "start": start, "factors": _factors(data, dataset),
    })  # fmt: skip


def _size(shape: Shape) -> str:
    return f"{shape.width} x {shape.height} pixels in {'grey' if shape.channels == 1 else 'colour'}"


def _prompts(data: CaptionData) -> tuple[str, ...]:
    """Some captions of held-out pictures that differ, short ones where there are."""
    among = data.held if len(data.held) else data.train
    said = dict.fromkeys(data.captions[at] for at in np.random.default_rng(_SEED).permutation(among).tolist())
    return tuple(sorted(said, key=lambda text: len(text) > _LONGEST)[:PROMPTS])


def _factors(data: CaptionData, dataset: ImageDataset) -> tuple[Factor, ...]:
    """What nearly all captions name: the class of each picture, and attributes of words."""
    assert dataset.captions is not None
    known = np.array([place for place, text in enumerate(dataset.captions) if text.strip()], np.int64)
    said = [f" {captions.tidy(text)} " for text in data.captions]
    found = []
    if data.labels is not None:
        found.append(Factor("class", data.shape.classes, data.labels))
    for name, column in dataset.attributes.items():
        if column.dtype.kind == "U":
            values, labels = np.unique(column[known], return_inverse=True)
            found.append(Factor(name, tuple(map(str, values)), labels.astype(np.int64).reshape(-1)))
    return tuple(one for one in found if 1 < len(one.values) <= 50 and _is_named(one, said))


def _is_named(factor: Factor, said: list[str]) -> bool:
    pairs = zip(factor.labels.tolist(), said, strict=True)
    return float(np.mean([f" {captions.tidy(factor.values[at])} " in text for at, text in pairs])) > _NAMED


def _read(known: Mapping[str, Any]) -> dict[str, Any]:
    """What a run says of the run that it reads with. Raises DataError."""
    try:
        said = known[FILE]
        settings, split = said["settings"], Split.parse({
            name: said["settings"][name] for name in Split.model_fields if name in said["settings"]
        })  # fmt: skip
        return {
            "towers": towers_of(settings), "hold_out": bool(settings.get("hold_out", True)), "name": str(said["name"]),
            "validation_share": split.validation_share, "split_seed": split.split_seed,
            "prompts": tuple(map(str, said["prompts"])),
        }  # fmt: skip
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise DataError("reader.json of this run is damaged.", "Copy it from a backup.") from error


def metadata(data: UnclipData) -> dict[str, Any]:
    """What a run holds to be opened without its dataset, and without the run that it reads with."""
    settings = {**data.towers.model_dump(), **data.held_out}
    return {
        **captions.metadata(data), FILE: {"settings": settings, "name": data.reader, "prompts": list(data.prompts)},
    }  # fmt: skip


def from_metadata(_config: Config, kept: Mapping[str, Any]) -> UnclipData:
    """Data without content, enough to make pictures of texts. Raises DataError for anything but what `metadata` gave."""
    plain, held = captions.from_metadata(kept), _read(kept)
    return UnclipData(
        **{each.name: getattr(plain, each.name) for each in fields(CaptionData)}, towers=held["towers"], reader=held["name"],
        held_out={name: held[name] for name in ("validation_share", "split_seed", "hold_out")}, prompts=held["prompts"],
    )  # fmt: skip


def draw(config: UnclipConfig, data: UnclipData, seed: int, step: int) -> tuple[Integers, Integers]:
    """Indices of training pictures (batch,), and of the pictures whose captions they get (batch,): their own, unless captions are
    shuffled. Depends on settings, seed and step alone. Raises DataError."""
    chosen = batches.draw(data, (config.batch,), seed, step, config.examples)
    return chosen, captions.shuffled(data)[chosen] if config.shuffled else chosen


def shown(config: UnclipConfig, data: UnclipData, seed: int, step: int) -> PictureBatch:
    """The pictures of a step with the captions that they are given."""
    chosen, said = draw(config, data, seed, step)
    pixels = data.real[chosen].astype(np.float32) / np.float32(127.5) - np.float32(1)
    return PictureBatch(pixels, low=-1.0, captions=tuple(data.captions[place] for place in said.tolist()))
