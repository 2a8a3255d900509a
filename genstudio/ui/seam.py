"""How the window remembers a training tab and hands it the datasets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtWidgets import QSplitter

from genstudio.data.info import DatasetInfo
from genstudio.ui.training_tab import TrainingTab


def set_datasets(tab: TrainingTab, infos: Iterable[DatasetInfo]) -> None:
    if hasattr(tab, "set_datasets"):
        tab.set_datasets(infos)
        return
    before = tab.setup.data.currentData() or getattr(tab, "wanted", "")
    tab.setup.set_datasets(info for info in infos if info.kind in tab.setup.family.data_kinds)
    if before:
        tab.setup.choose_data(before)


def state(tab: TrainingTab) -> dict[str, Any]:
    found = tab.setup.state()
    if tab.has_panel and hasattr(tab.panel, "prompt"):
        found |= {"prompt": tab.panel.prompt.text(), "probe": tab.panel.probe.text()}
    return found


def restore(tab: TrainingTab, state: dict[str, Any]) -> None:
    """The set-up at once, the panel's texts once that is built."""
    if hasattr(tab, "restore"):
        tab.restore(state)
    else:
        tab.setup.restore(state)
        tab.wanted = str(state.get("data") or "")  # type: ignore[attr-defined]


def restore_panel(tab: TrainingTab, state: dict[str, Any]) -> None:
    for name in ("prompt", "probe"):
        text = state.get(name)
        if isinstance(text, str) and text and hasattr(tab.panel, name):
            getattr(tab.panel, name).setText(text)


def splitters(key: str, tab: TrainingTab) -> dict[str, QSplitter]:
    """Those that are there."""
    found = {key: tab.splitter}
    if tab.has_panel:
        found["run" if key == "transformer" else f"{key}_run"] = tab.panel.splitter
        if hasattr(tab.panel, "upright"):
            found[f"{key}_upright"] = tab.panel.upright
    return found
