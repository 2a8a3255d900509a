"""A run to write into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny

from genstudio.runs import Run


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with tiny.new_run(tmp_path) as run:
        yield run
