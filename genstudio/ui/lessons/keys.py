"""Keys that step through a lesson, for its menu entries and the tooltips of its buttons."""

from __future__ import annotations

NEXT_KEYS, BACK_KEYS, SHOW_KEYS = "Ctrl+Shift+PgDown", "Ctrl+Shift+PgUp", "Alt+Home"
