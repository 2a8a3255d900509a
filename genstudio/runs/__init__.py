"""A run is a folder: made, listed, recorded into, locked, read back. No database, no pickle, no torch."""

from genstudio.runs.included import is_included, list_included, list_models
from genstudio.runs.info import FORMAT, RunInfo, list_runs, read_info
from genstudio.runs.run import Run, create, find, rename, set_exact, set_notes, set_star, slug

__all__ = [
    "FORMAT",
    "Run",
    "RunInfo",
    "create",
    "find",
    "is_included",
    "list_included",
    "list_models",
    "list_runs",
    "read_info",
    "rename",
    "set_exact",
    "set_notes",
    "set_star",
    "slug",
]
