"""How much memory the program uses, said in the status bar."""

from __future__ import annotations


def memory_bytes() -> int:
    """Resident memory now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def memory_text() -> str:
    return f"{memory_bytes() / 1e9:.2f} GB of memory"
