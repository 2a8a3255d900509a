"""How much memory this computer can still give, asked of the system; no package is needed for one number."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path


def available() -> int | None:
    """Bytes that programs can still take without swapping; None where the system does not say."""
    try:
        if sys.platform == "win32":
            return _of_windows()
        if sys.platform == "darwin":
            asked = subprocess.run(["/usr/bin/vm_stat"], capture_output=True, text=True, timeout=5, check=True)
            return of_vm_stat(asked.stdout)
        return of_meminfo(Path("/proc/meminfo").read_text("ascii"))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def of_meminfo(said: str) -> int | None:
    """From the text of /proc/meminfo: what Linux itself holds for available."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", said, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def of_vm_stat(said: str) -> int | None:
    """From what vm_stat of macOS prints: pages that are free, and those that it can take back at once."""
    size = re.search(r"page size of (\d+) bytes", said)
    pages = dict(re.findall(r"^Pages (free|inactive|speculative):\s+(\d+)\.$", said, re.MULTILINE))
    return int(size[1]) * sum(map(int, pages.values())) if size and "free" in pages else None


class MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of Windows."""

    _fields_ = [
        ("length", ctypes.c_uint32), ("load", ctypes.c_uint32), ("total", ctypes.c_uint64), ("free", ctypes.c_uint64),
        ("total_page", ctypes.c_uint64), ("free_page", ctypes.c_uint64), ("total_virtual", ctypes.c_uint64),
        ("free_virtual", ctypes.c_uint64), ("free_extended", ctypes.c_uint64),
    ]  # fmt: skip


def _of_windows() -> int | None:
    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - other systems' type checkers do not know it
    return int(status.free) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None
