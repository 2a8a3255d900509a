"""How much memory the program uses, said in the status bar."""

from __future__ import annotations

import sys
from pathlib import Path

_STATM = Path("/proc/self/statm")


def memory_bytes() -> int | None:
    """Resident memory now (Linux), its highest so far (macOS), or None where the system does not say without help."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * 4096
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None


def memory_text() -> str:
    used = memory_bytes()
    return "" if used is None else f"{used / 1e9:.2f} GB of memory"
