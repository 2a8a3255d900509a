"""The least that reading pictures costs: a loop of Pillow in as many processes, which checks nothing and keeps nothing."""

from __future__ import annotations

import io
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 32


def loop(paths: Sequence[Path]) -> np.ndarray:
    """Pictures (n, 32, 32, 3) uint8 of these files."""
    made = []
    for path in paths:
        with Image.open(io.BytesIO(path.read_bytes())) as picture:
            made.append(np.asarray(picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)))
    return np.stack(made)


def shared(paths: Sequence[Path], workers: int) -> np.ndarray:
    """The same by so many new processes."""
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as processes:
        return np.concatenate(list(processes.map(loop, [paths[start::workers] for start in range(workers)])))


def pictures(folder: Path, count: int, side: int) -> None:
    """Write so many different PNG files into ten folders."""
    ground = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    for number in range(10):
        (folder / str(number)).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture = Image.fromarray(np.roll(ground, number, axis=number % 2)).resize((side, side))
        picture.putpixel((number % side, number // side % side), (number % 256, 0, 0))
        picture.save(folder / str(number % 10) / f"{number}.png")
