"""How long imports take against the least that is possible, and how much memory; run with `-m bench -s`."""

from __future__ import annotations

import io
import multiprocessing
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genstudio.data.images import PictureSettings
from genstudio.data.importing import pool
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.sources import import_any

PICTURES = 10_000
MEGABYTES = 1000


def plain_loop(paths: list[Path]) -> np.ndarray:
    """(n, 32, 32, 3): what Pillow needs at least."""
    made = []
    for path in paths:
        with Image.open(io.BytesIO(path.read_bytes())) as picture:
            made.append(np.asarray(picture.convert("RGB").resize((32, 32), Image.Resampling.BICUBIC)))
    return np.stack(made)


@pytest.mark.bench
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("side", [32, 128])
def test_ten_thousand_pictures(tmp_path: Path, side: int) -> None:
    """Within twice the time of a bare loop of Pillow in as many processes, which checks nothing and keeps nothing."""
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    for number in range(PICTURES):
        folder = tmp_path / "p" / str(number % 10)
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(np.roll(ground, number, axis=number % 2)).resize((side, side))
        picture.putpixel((number % side, number // side % side), (number % 256, 0, 0))
        picture.save(folder / f"{number}.png")
    workers = pool.workers(PICTURES)
    began = time.perf_counter()
    paths = sorted((tmp_path / "p").rglob("*.png"))
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as processes:
        made = np.concatenate(list(processes.map(plain_loop, [paths[start::workers] for start in range(workers)])))
    bare = time.perf_counter() - began
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
        f"\n{PICTURES:,} PNG of {side} x {side} with {workers} processes: import {ours:.2f} s, bare Pillow loop {bare:.2f} s, "
        f"ratio {ours / bare:.2f}; longest slice {longest * 1000:.0f} ms"
    )
    assert info.count == PICTURES and ours <= 2 * bare


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
