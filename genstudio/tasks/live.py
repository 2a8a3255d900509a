"""Settings that change while a model trains: recorded in the run, so that resuming and going back know of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio.config import Config
from genstudio.errors import ConfigError
from genstudio.events import Notice
from genstudio.runs import Run
from genstudio.runs.run import Change


def refused(learner: Any, values: Mapping[str, Any]) -> str:
    """Why these settings cannot change now; empty when they can."""
    if not hasattr(learner, "change"):
        return "This kind of model cannot be changed while it trains."
    config: Config = learner.config
    live = {setting.name for setting in config.settings() if setting.live}
    if fixed := [name for name in values if name not in live]:
        known = type(config).model_fields
        labels = [setting.label for setting in config.settings() if setting.name in fixed]
        labels += [name for name in fixed if name not in known]
        return f"{', '.join(labels)} cannot change while the model trains; start a new run for that."
    try:
        type(config).parse({**config.model_dump(), **values})
    except ConfigError as error:
        return error.message
    return ""


def said(config: Config, values: Mapping[str, Any]) -> str:
    """What changes, in words: label, old and new value of each."""
    new = type(config).parse({**config.model_dump(), **values})
    labels = {setting.name: setting.label for setting in config.settings()}
    changed = new.changes(config)
    return "; ".join(f"{labels[name]}: {_short(old)} → {_short(mine)}" for name, (mine, old) in changed.items())


def record(run: Run, learner: Any, step: int, values: Mapping[str, Any], *, saved: bool) -> Notice:
    """Change the settings after `step`, and say so. Raises StorageError; then nothing has changed."""
    parsed = type(learner.config).parse({**learner.config.model_dump(), **values}).model_dump()
    text = said(learner.config, values)
    run.set_changes([*run.changes(), Change(step, {name: parsed[name] for name in values}, saved)])
    learner.change(values)
    return Notice(step, "changed", text)


def restore(run: Run, learner: Any, step: int) -> None:
    """Give the learner the settings that held after `step` of its run. Raises RunError."""
    _, config = _settings(run)
    values = dict(config.model_dump())
    changes = [change for change in run.changes() if change.step <= step]
    for change in changes:
        values |= change.values
    if changes or (hasattr(learner, "change") and learner.config != config):
        learner.change(values)


def last_saved(run: Run) -> int | None:
    """The place in the record of the change that can be taken back, or None."""
    return next((index for index, change in reversed([*enumerate(run.changes())]) if change.saved), None)


def _settings(run: Run) -> tuple[Any, Config]:
    from genstudio.tasks.models import settings_of

    return settings_of(run)


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
