"""How long a run is trained in all: {"steps": n} or {"seconds": s}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio.errors import ConfigError, Problem

Plan = Mapping[str, float]

ENDLESS = 10**12
"""Steps of a training that goes on until it is stopped."""
_MOST = {"steps": ENDLESS, "seconds": 1e9}
_LEAST = {"steps": 1, "seconds": 0.001}


def problem(unit: str, value: Any) -> str:
    """Why nothing can be trained for this many `steps` or `seconds`; empty when it can."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return f"{value!r:.40} is not a number"
    if value < _LEAST[unit]:
        return f"{value} is too few; train for at least {_LEAST[unit]:g}"
    if value > _MOST[unit]:
        return f"this is too many; train for at most {_MOST[unit]:,.0f}"
    return f"{value} is not a whole number" if unit == "steps" and value % 1 else ""


def parse(steps: Any, seconds: Any) -> dict[str, float]:
    """The plan of the one that is not None; steps win, and without either there is none. Raises ConfigError."""
    unit, value = ("steps", steps) if steps is not None else ("seconds", seconds)
    if value is None:
        return {}
    if wrong := problem(unit, value):
        raise ConfigError([Problem(unit, wrong)])
    return {unit: int(value) if unit == "steps" else float(value)}


def read(said: Any) -> tuple[dict[str, float], str]:
    """The plan that a file holds, and what is wrong with it; empty where it cannot be used."""
    if not isinstance(said, Mapping):
        return {}, f"{said!r:.40} is not a plan"
    try:
        plan = parse(said.get("steps"), said.get("seconds"))
    except ConfigError as error:
        return {}, error.message.rstrip(".")
    return plan, "" if plan else "it names neither steps nor seconds"


def is_endless(plan: Plan) -> bool:
    """Whether a training of this plan goes on until it is stopped."""
    return plan.get("steps") == ENDLESS


def check_longer(plan: Plan, step: int, elapsed: float) -> None:
    """Raises ConfigError where there is no plan, or one that ends before what is done: `step` steps in `elapsed` seconds."""
    if not plan:
        raise ConfigError([Problem("steps", "give a number of steps or of seconds")])
    done = {"steps": step, "seconds": elapsed}
    for unit, value in plan.items():
        if value < done[unit]:
            reached = f"{done[unit]:,.10g} {unit} are already done"
            raise ConfigError([Problem(unit, f"{reached}, and {value:,.10g} in total would be fewer")])


def words(plan: Plan) -> str:
    """The plan as a person says it."""
    if is_endless(plan):
        return "until it is stopped"
    ((unit, value),) = plan.items()
    return f"{value:,.10g} {unit if value != 1 else unit[:-1]}"
