"""What is said of runs: their names, what differs between them in the words of the form, and how good they are."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genstudio import families
from genstudio.config import Config, Setting, Values
from genstudio.errors import ConfigError
from genstudio.families import AnyFamily
from genstudio.families.dashboard import Standing, against
from genstudio.runs import RunInfo
from genstudio.ui.train.summary import plan_words
from genstudio.ui.views.chart import value_text

_NAMED = 2
"""Differences from a preset that are part of a run's name."""
NOTHING = "–"
"""Stands where a run has no such setting, or one without effect."""


def setting_words(setting: Setting, value: object) -> str:
    """A value as the form shows it."""
    return setting.words(value) or NOTHING


def title_of(info: RunInfo) -> str:
    """The dataset of a run, as it was called then."""
    return str(info.dataset.get("title", ""))


def family_title(info: RunInfo) -> str:
    """What the family of a run is called."""
    family = families.find(info.family)
    return info.family if family is None else family.title


def family_short(info: RunInfo) -> str:
    """The same, where there is little room."""
    family = families.find(info.family)
    return info.family if family is None else family.short


def differences(info: RunInfo) -> tuple[tuple[Setting, Any], ...]:
    """The settings, each with its value, that differ from those of the nearest preset: of equally near ones, one made for the
    dataset of the run. Those without effect are left out. Nothing of a run whose settings this version cannot read."""
    config = json.dumps(dict(info.config), sort_keys=True, default=str)
    return _differences(info.family, config, str(info.dataset.get("id", "")))


@functools.lru_cache(maxsize=4096)
def _differences(family_name: str, config: str, data: str) -> tuple[tuple[Setting, Any], ...]:
    family = families.find(family_name)
    values = _values(family, json.loads(config)) if family is not None else None
    if family is None or values is None:
        return ()
    settings = [one for one in family.config.settings() if one.applies(values)]
    best: tuple[tuple[int, bool], tuple[tuple[Setting, Any], ...]] | None = None
    for preset, whole in _presets(family_name):
        changed = tuple((one, values[one.name]) for one in settings if values[one.name] != whole[one.name])
        rank = len(changed), preset != data
        if best is None or rank < best[0]:
            best = rank, changed
    return best[1] if best is not None else ()


@functools.lru_cache(maxsize=64)
def _presets(family_name: str) -> tuple[tuple[str, Values], ...]:
    """The dataset and all settings of each preset, and those of no preset."""
    family = families.get(family_name)
    every = [(preset.data, values) for preset in family.presets for values in preset.every]
    return tuple((data, family.config.parse(values).model_dump()) for data, values in (*every, ("", {})))


def _values(family: AnyFamily, config: Values) -> Values | None:
    try:
        parsed: Config = family.config.parse(config)
    except ConfigError:
        return None
    return parsed.model_dump()


def changes(info: RunInfo) -> str:
    """What differs from the nearest preset, in the words of the form; of a run that something is wrong with, what."""
    if info.reason:
        return info.reason
    if families.find(info.family) is None:
        return f"Its family, '{info.family}', is unknown to this version."
    return ", ".join(f"{one.label} {setting_words(one, value)}" for one, value in differences(info))


def display_name(info: RunInfo) -> str:
    """The name that a person gave a run, else its dataset and what differs: "Shakespeare, Layers 6"."""
    if info.name != title_of(info) or info.reason:
        return info.name
    parts = [f"{one.label} {setting_words(one, value)}" for one, value in differences(info)[:_NAMED]]
    return ", ".join([info.name, *parts])


def names_of(infos: Sequence[RunInfo]) -> dict[str, str]:
    """What runs are called, by their ids: with the minute of their beginning where several are called the same, and by the id
    where that is the same too."""
    plain = {info.id: display_name(info) for info in infos}
    dated = {info.id: f"{plain[info.id]}, {info.created.replace('T', ' ')[:16]}" if info.created else info.id for info in infos}
    often, again = Counter(plain.values()), Counter(dated.values())
    return {
        name: words if often[words] == 1 else dated[name] if again[dated[name]] == 1 else name for name, words in plain.items()
    }


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table of differences: its word, what it means, and what each run has."""

    label: str
    help: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


def compare(infos: Sequence[RunInfo]) -> tuple[Row, ...]:
    """Every setting of these runs, in the order of the form of their families, with the value of each run; settings without
    effect beside the others of a run are NOTHING there."""
    rows = [
        Row("Model", "The family of the model", tuple(family_title(info) for info in infos)),
        Row("Dataset", "What the run was trained on", tuple(title_of(info) for info in infos)),
        Row("Train for", "The planned length", tuple(plan_words(info.plan) or NOTHING for info in infos)),
        Row("Seed", "The start value of the random numbers", tuple(str(info.seed) for info in infos)),
    ]
    settings: dict[tuple[str, str], Setting] = {}
    columns: list[dict[tuple[str, str], str]] = []
    for info in infos:
        family = families.find(info.family)
        values = _values(family, info.config) if family is not None else None
        column: dict[tuple[str, str], str] = {}
        if family is not None and values is not None:
            for one in family.config.settings():
                settings.setdefault((one.name, one.label), one)
                column[one.name, one.label] = setting_words(one, values[one.name]) if one.applies(values) else NOTHING
        columns.append(column)
    for key, one in settings.items():
        rows.append(Row(one.label, one.help, tuple(column.get(key, NOTHING) for column in columns)))
    return tuple(rows)


def capitalised(words: str) -> str:
    """Words as they begin a line; only the first letter changes: "JS divergence" stays as it is."""
    return f"{words[:1].upper()}{words[1:]}"


def measured(standing: Standing) -> str:
    """A result in words: "Validation 1.645"."""
    return f"{capitalised(standing.measure.words)} {value_text(standing.value)}"


def in_a_sentence(standing: Standing, info: RunInfo) -> str:
    """How good a run is, with its unit, on what that rests, and against all that it is compared with: "Reconstruction
    error 0.0364 (per pixel): better than PCA (0.0539)."."""
    name, better = standing.measure.name, standing.measure.better
    at = info.result_step(name)
    said = standing.unit, "" if at == info.step else f"step {at:,}", "estimated from a sample" if standing.estimated else ""
    rests = ", ".join(filter(None, said))
    words = measured(standing) + (f" ({rests})" if rests else "")
    beside = against(standing.value, standing.references, higher=better == "higher", write=value_text) if better else ""
    return words + (f": {beside}." if beside else ".")
