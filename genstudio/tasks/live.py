"""Settings that change while a model trains: recorded in the run, so that resuming and going back know of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio import families
from genstudio.config import Config
from genstudio.errors import ConfigError, Problem, RunError
from genstudio.events import Notice
from genstudio.runs import Run
from genstudio.runs.run import Change
from genstudio.training.learner import Learner, Steers


def changed(config: Config, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that differ from the config, parsed.

    Raises ConfigError with a problem for each that is no value of its setting or cannot change while a model trains.
    """
    different = type(config).parse({**config.model_dump(), **values}).changes(config)
    fixed = [setting for setting in config.settings() if setting.name in different and not setting.live]
    if fixed:
        reason = "cannot change while the model trains; start a new run for that"
        raise ConfigError([Problem(setting.name, f"{setting.label} {reason}") for setting in fixed])
    return {name: mine for name, (mine, _) in different.items()}


def said(config: Config, values: Mapping[str, Any]) -> str:
    """What changes, in words: label, old and new value of each."""
    new = type(config).parse({**config.model_dump(), **values})
    labels = {setting.name: setting.label for setting in config.settings()}
    different = new.changes(config)
    return "; ".join(f"{labels[name]}: {_short(old)} → {_short(mine)}" for name, (mine, old) in different.items())


def record(run: Run, learner: Learner, step: int, values: Mapping[str, Any], *, saved: bool) -> Notice:
    """Make these changes, as `changed` gives them, after `step`, and say so. Raises StorageError; then nothing has
    changed."""
    assert isinstance(learner, Steers)
    text = said(learner.model.config, values)
    run.set_changes([*run.changes(), Change(step, values, saved)])
    learner.change(values)
    return Notice(step, "changed", text)


def settings_of(run: Run) -> tuple[families.Family[Any, Any], Any]:
    """The family and config of a run; its file may come from somebody else. Raises RunError."""
    try:
        family = families.get(run.info.family)
    except KeyError:
        raise RunError(
            f"This run is of the family '{run.info.family}', which this version does not know.",
            "Open it with the version that made it.",
            run.folder,
        ) from None
    try:
        return family, family.config.parse(run.info.config)
    except ConfigError as error:
        raise RunError(f"The settings of this run cannot be used: {error.message}", "", run.folder) from None


def settings(run: Run, step: int) -> Config:
    """The settings that held after `step` of a run: those it began with, and what was changed since. Raises RunError."""
    _, config = settings_of(run)
    values = config.model_dump()
    for change in run.changes():
        if change.step <= step:
            values |= change.values
    try:
        return type(config).parse(values)
    except ConfigError as error:
        raise RunError(
            f"changes.json holds settings that cannot be used: {error.message}",
            "Copy it from a backup.",
            run.folder / "changes.json",
        ) from None


def restore(run: Run, learner: Learner, step: int) -> None:
    """Give the learner the settings that held after `step` of its run. Raises RunError."""
    config = settings(run, step)
    if learner.model.config != config and isinstance(learner, Steers):
        learner.change(config.model_dump())


def last_saved(run: Run) -> int | None:
    """The place in the record of the change that can be taken back, or None."""
    return next((index for index, change in reversed([*enumerate(run.changes())]) if change.saved), None)


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
