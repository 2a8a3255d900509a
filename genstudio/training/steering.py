"""Settings that change while a model trains: recorded in the run, so that resuming and going back know of them. No torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from genstudio.config import Config, Values
from genstudio.errors import ConfigError, Problem, RunError
from genstudio.runs import Run
from genstudio.runs.run import Change

C = TypeVar("C", bound=Config)


def changed(config: Config, values: Values) -> dict[str, Any]:
    """Those of the values that differ from the config, parsed.

    Raises ConfigError with a problem for each that is no value of its setting or cannot change while a model trains.
    """
    different = type(config).parse({**config.model_dump(), **values}).changes(config)
    fixed = [setting for setting in config.settings() if setting.name in different and not setting.live]
    if fixed:
        reason = "cannot change while the model trains; start a new run for that"
        raise ConfigError([Problem(setting.name, f"{setting.label} {reason}") for setting in fixed])
    return {name: mine for name, (mine, _) in different.items()}


def words(config: Config, values: Values) -> str:
    """What changes with these values: label, old and new value of each."""
    new = type(config).parse({**config.model_dump(), **values})
    settings = {setting.name: setting for setting in config.settings()}
    return "; ".join(
        f"{settings[name].label}: {settings[name].words(old)} → {settings[name].words(mine)}"
        for name, (mine, old) in new.changes(config).items()
    )


def after(config: C, changes: Iterable[Change]) -> C:
    """The settings `config` with these changes. Raises ConfigError."""
    values = config.model_dump()
    for change in changes:
        values |= change.values
    return type(config).parse(values)


def settings(run: Run, config: C, step: int) -> C:
    """The settings that held after `step` of a run that began with `config`. Raises RunError."""
    try:
        return after(config, (change for change in run.changes() if change.step <= step))
    except ConfigError as error:
        raise RunError(
            f"changes.json holds settings that cannot be used: {error.message}",
            "Copy it from a backup.",
            run.folder / "changes.json",
        ) from None


def last_saved(changes: tuple[Change, ...]) -> int | None:
    """The place of the last change that can be taken back, or None."""
    return next((index for index, change in reversed([*enumerate(changes)]) if change.saved), None)
