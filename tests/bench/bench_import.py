"""How long imports take against the least that is possible, and how much memory; run with `-m bench -s`."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from genstudio.data.images import PictureSettings
from genstudio.data.importing import bare, pool
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.sources import import_any

PICTURES = 10_000
MEGABYTES = 1000


@pytest.mark.bench
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("side", [32, 128])
def test_ten_thousand_pictures(tmp_path: Path, side: int) -> None:
    """Within twice the time of a bare loop of Pillow in as many processes, which checks nothing and keeps nothing."""
    bare.pictures(tmp_path / "p", PICTURES, side)
    workers = pool.workers(PICTURES)
    began = time.perf_counter()
    made = bare.shared(sorted((tmp_path / "p").rglob("*.png")), workers)
    least = time.perf_counter() - began
    assert len(made) == PICTURES
    work, longest, began = (
        import_any([tmp_path / "p"], ImportOptions(pictures=PictureSettings(32))),
        0.0,
        time.perf_counter(),
    )
    last = began
    while True:
        try:
            next(work)
        except StopIteration as end:
            info = end.value
            break
        finally:
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
    ours = time.perf_counter() - began
    print(
        f"\n{PICTURES:,} PNG of {side} x {side} with {workers} processes: import {ours:.2f} s, bare Pillow loop {least:.2f} s, "
        f"ratio {ours / least:.2f}; longest slice {longest * 1000:.0f} ms"
    )
    assert info.count == PICTURES and ours <= 2 * least


MEASURED = """
import resource, sys, time
from pathlib import Path
from genstudio.data.importing.sources import import_any
from genstudio.data.work import finished
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.perf_counter()
info = finished(import_any([Path(sys.argv[1])]))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
seconds = time.perf_counter() - began
print(f"{info.bytes / 1e6:.0f} MB imported in {seconds:.1f} s; memory {before / 1e3:.0f} -> {after / 1e3:.0f} MB")
assert after - before < 200_000
"""


@pytest.mark.bench
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform == "win32", reason="the peak is read by getrusage")
@pytest.mark.parametrize("shape", ["lines", "one line"])
def test_a_gigabyte_of_text(tmp_path: Path, shape: str) -> None:
    piece = ("It was the best of times, it was the worst of times — and so on.\n" * 16_000).encode()
    if shape == "one line":
        piece = piece.replace(b"\n", b" ")
    path = tmp_path / "long.txt"
    with path.open("wb") as file:
        while file.tell() < MEGABYTES * 1_000_000:
            file.write(piece)
    done = subprocess.run([sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    print(f"\n{shape}: {done.stdout.strip()}")
