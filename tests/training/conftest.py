"""A run to write into, and disks that need not be waited for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny

from genstudio.runs import Run


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls are still made and still fail; only a power cut could tell the difference."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with tiny.new_run(tmp_path) as run:
        yield run
