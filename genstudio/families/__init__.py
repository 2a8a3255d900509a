"""Kinds of models. To add one: a module or folder here that ends in FAMILY, and its name in NAMES."""

from __future__ import annotations

import importlib
from typing import Any, cast

from genstudio.families.family import Family, Preset

__all__ = ["NAMES", "Family", "Preset", "all_families", "find", "get", "learning_from"]

NAMES = ("gpt", "gan", "gaussian", "autoencoder", "vae")  # explicit: no import side effects, and safe when frozen


def get(name: str) -> Family[Any, Any]:
    """The family called `name`. Raises KeyError when there is none."""
    if name not in NAMES:
        raise KeyError(name)
    return cast("Family[Any, Any]", importlib.import_module(f"genstudio.families.{name}").FAMILY)


def find(name: str) -> Family[Any, Any] | None:
    """The family called `name`, or None where this version knows none."""
    return get(name) if name in NAMES else None


def all_families() -> tuple[Family[Any, Any], ...]:
    return tuple(get(name) for name in NAMES)


def learning_from(kind: str) -> tuple[Family[Any, Any], ...]:
    """The families that learn from this kind of data, the usual one first."""
    return tuple(family for family in all_families() if kind in family.data_kinds)
