"""Whatever is chosen in a form, what it costs can be said."""

from __future__ import annotations

import random
from typing import Literal, get_args, get_origin

import pytest

from genstudio import families
from genstudio.data import shelf
from genstudio.errors import ConfigError


@pytest.mark.parametrize("name", families.NAMES)
def test_any_settings_have_a_cost_on_any_dataset(name: str) -> None:
    family, rng = families.get(name), random.Random(0)
    choices = {
        field: get_args(info.annotation)
        for field, info in family.config.model_fields.items()
        if get_origin(info.annotation) is Literal or info.annotation is bool
    }
    tried = 0
    for info in shelf.list_datasets():
        for _ in range(12 if family.takes(info) else 0):
            values = {field: rng.choice(options or (False, True)) for field, options in choices.items()}
            try:
                config = family.config.parse(values)
            except ConfigError:
                continue
            cost = family.cost(config, info, 64)
            assert cost.parameters >= 0 and cost.bytes >= 0 and cost.flops_per_step >= 0
            tried += 1
    assert tried > 20
