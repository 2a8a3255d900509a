"""Where the numbers are crunched."""

from __future__ import annotations

import errno
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch

from genstudio.errors import DeviceError

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")


def available() -> tuple[str, ...]:
    """Devices of this computer, best first; `cpu` is always among them."""
    cuda = tuple(f"cuda:{index}" for index in range(torch.cuda.device_count())) if torch.cuda.is_available() else ()
    return (*cuda, *(("mps",) if torch.backends.mps.is_available() else ()), "cpu")


def choose(name: str = "auto") -> str:
    """The device meant by `auto`, `cpu`, `cuda`, `cuda:0`, `mps`.

    Raises DeviceError when it is not there; the message names those that are.
    """
    found = available()
    wanted = {"auto": found[0], "cuda": "cuda:0"}.get(name, name)
    if wanted in found:
        return wanted
    if not (wanted in ("cpu", "mps") or wanted.startswith("cuda:")):
        raise DeviceError(f"Unknown device '{name}'.", f"Choose auto or one of: {', '.join(found)}.")
    raise DeviceError(f"{_why_not(wanted)} Available here: {', '.join(found)}.", "Choose auto or cpu instead.")


def describe(device: str) -> str:
    """The device in words: its kind, its name and what it holds."""
    kind, _, number = device.partition(":")
    if kind == "cuda":
        properties = torch.cuda.get_device_properties(int(number or 0))
        return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    if kind == "mps":
        return "Apple GPU"
    threads = torch.get_num_threads()
    return f"CPU {platform.machine()}, {threads} thread{'s' if threads > 1 else ''}"


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Within, torch computes with `count` threads on the CPU (None: as it is set); it costs about a microsecond."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def free_bytes(device: str) -> int:
    """Memory that a model can still take on a device: of the GPU, or of this computer without swapping."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on whichever device and however torch words it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _OUT_OF_MEMORY)


def _why_not(wanted: str) -> str:
    if wanted == "mps":
        return "The device 'mps' needs an Apple GPU and a PyTorch built for it; this computer has neither."
    if torch.cuda.is_available():
        return f"There is no GPU number {wanted.partition(':')[2]}."
    if torch.version.cuda is None and torch.version.hip is None:
        return "This PyTorch is built without CUDA."
    return "PyTorch finds no usable NVIDIA GPU or driver."
