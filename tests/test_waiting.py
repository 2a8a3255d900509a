"""How OpenMP threads wait at barriers is set before any way in can load torch, unless the person has set it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import usually

NAMES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")


def said(code: str, **values: str) -> subprocess.CompletedProcess[str]:
    """What a new Python prints, in an environment with only these of NAMES."""
    kept = {name: value for name, value in os.environ.items() if name not in NAMES}
    return subprocess.run(
        [sys.executable, "-c", code], env=kept | values, capture_output=True, text=True, check=True, timeout=120
    )


@usually("way_in", ["genstudio.__main__", "genstudio.cli", "genstudio.ui.app", "genstudio.training.loop"])
def test_every_way_in_sets_it_and_children_inherit_it(way_in: str) -> None:
    child = f"import os; print([os.environ.get(name) for name in {NAMES}])"
    code = f"import {way_in}, subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    assert said(code).stdout.strip() == "['5000', None, '1']"


@pytest.mark.parametrize("name", NAMES)
def test_what_a_person_has_set_stays_and_nothing_is_added(name: str) -> None:
    code = f"import genstudio, os; print({{n: os.environ[n] for n in {NAMES} if n in os.environ}})"
    assert said(code, **{name: "7"}).stdout.strip() == str({name: "7"})


def test_the_library_that_torch_brings_reads_it() -> None:
    torch = importlib.util.find_spec("torch")
    assert torch is not None and torch.submodule_search_locations
    found = sorted(Path(torch.submodule_search_locations[0]).glob("lib/libgomp*"))
    if not found:
        pytest.skip("this torch has another OpenMP library")
    load = f"import ctypes; ctypes.CDLL({str(found[0])!r})"
    assert "GOMP_SPINCOUNT = '5000'" in said(f"import genstudio; {load}", OMP_DISPLAY_ENV="verbose").stderr
    assert "GOMP_SPINCOUNT = '5000'" not in said(load, OMP_DISPLAY_ENV="verbose").stderr
