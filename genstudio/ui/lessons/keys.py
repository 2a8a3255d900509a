"""Keys that step through a lesson, for its menu entries and the tooltips of its buttons."""

from __future__ import annotations

NEXT_KEYS, BACK_KEYS, SHOW_KEYS = "Alt+PgDown", "Alt+PgUp", "Alt+Home"
