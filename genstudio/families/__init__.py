"""Kinds of models. To add one: a module or folder here that ends in FAMILY, and its name in NAMES, with its room."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Family, Preset, preset_called

__all__ = ["NAMES", "AnyFamily", "Family", "Preset", "all_families", "find", "get", "in_room", "learning_from",
           "preset_called", "taking"]

AnyFamily = Family[Any, Any]

NAMES: Mapping[str, str] = {  # explicit: no import side effects, and safe when frozen
    "gpt": "transformer", "bert": "transformer", "seq2seq": "transformer", "word2vec": "transformer",
    "imagetext": "transformer", "gan": "gan", "cyclegan": "gan", "progressive": "gan", "simulator": "gan", "vocoder": "gan",
    "gaussian": "latent",
    "autoencoder": "latent", "vae": "latent", "diffusion": "latent", "unclip": "latent", "vit": "transformer",
    "igpt": "transformer", "tts": "transformer", "speech": "transformer", "mlp": "basics",
}  # fmt: skip
"""Each family with its room, so that a tab imports those of its own room only; of those that learn from the same kind of data,
the usual one first."""


def get(name: str) -> AnyFamily:
    """The family called `name`. Raises KeyError when there is none."""
    if name not in NAMES:
        raise KeyError(name)
    return cast("AnyFamily", importlib.import_module(f"genstudio.families.{name}").FAMILY)


def find(name: str) -> AnyFamily | None:
    """The family called `name`, or None where this version knows none."""
    return get(name) if name in NAMES else None


def all_families() -> tuple[AnyFamily, ...]:
    return tuple(get(name) for name in NAMES)


def in_room(room: str) -> tuple[AnyFamily, ...]:
    """The families that are trained in a room."""
    return tuple(get(name) for name, place in NAMES.items() if place == room)


def learning_from(kind: str) -> tuple[AnyFamily, ...]:
    """The families that learn from this kind of data, the usual one first."""
    return tuple(family for family in all_families() if kind in family.data_kinds)


def taking(info: DatasetInfo) -> tuple[AnyFamily, ...]:
    """The families that learn from what a dataset holds, the usual one first."""
    return tuple(family for family in all_families() if family.takes(info))
