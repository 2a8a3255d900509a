"""The settings of a run, which may change while it trains."""

from __future__ import annotations

from typing import Any

from genstudio import families
from genstudio.config import Config
from genstudio.errors import ConfigError, RunError
from genstudio.runs import Run
from genstudio.training import steering


def settings_of(run: Run) -> tuple[families.AnyFamily, Any]:
    """The family and config of a run; its file may come from somebody else. Raises RunError."""
    try:
        family = families.get(run.info.family)
    except KeyError:
        raise RunError(
            f"This run is of the family '{run.info.family}', which is unknown to this version.",
            "Open it with the version that made it.",
            run.folder,
        ) from None
    try:
        return family, family.config.parse(run.info.config)
    except ConfigError as error:
        raise RunError(f"The settings of this run are invalid: {error.message}", "", run.folder) from None


def settings(run: Run, step: int) -> Config:
    """The settings that held after `step` of a run: those it began with, and what was changed since. Raises RunError."""
    config: Config = settings_of(run)[1]
    return steering.settings(run, config, step)
