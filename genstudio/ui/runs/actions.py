"""What can be done with the selected runs: each with its keys, and why it cannot be done where that is so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from genstudio import families
from genstudio.runs import RunInfo

Runs = Sequence[RunInfo]
MOST_COMPARED = 2


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do with runs: its `name`, its words, icon, keys, what it does, and `problem(runs)` in words, or nothing."""

    name: str
    words: str
    icon: str
    says: str
    problem: Callable[[Runs], str]
    keys: str = ""


def one(runs: Runs) -> str:
    return "" if len(runs) == 1 else "Select one run." if runs else "Select a run."


def usable(runs: Runs) -> str:
    """One run whose family is known and whose files can be read."""
    if said := one(runs):
        return said
    if not runs[0].usable:
        return runs[0].reason
    return "" if families.find(runs[0].family) else f"The family '{runs[0].family}' is unknown to this version."


def _named(runs: Runs) -> str:
    return one(runs) or ("" if runs[0].usable else runs[0].reason)


def _resume(runs: Runs) -> str:
    if said := usable(runs):
        return said
    if runs[0].state in ("running", "running elsewhere"):
        return "It is in training."
    return "It is finished: open it and choose Extend to train it longer." if runs[0].state == "finished" else ""


def _play(runs: Runs) -> str:
    if not runs or len(runs) > MOST_COMPARED:
        return f"Select one run, or {MOST_COMPARED} to compare."
    return next((said for run in runs if (said := usable([run]) or _without_weights(run))), "")


def _without_weights(run: RunInfo) -> str:
    return "" if run.checkpoints else f"'{run.name}' has no checkpoint yet."


def _export(runs: Runs) -> str:
    if said := usable(runs):
        return said
    family = families.get(runs[0].family)
    return f"A {family.title} cannot be exported." if family.export is None else _without_weights(runs[0])


FORMS = {"hf": "Folder for transformers", "safetensors": "Weights and settings (safetensors)"}
"""Forms of files that a model can be written in, and their words."""


def form_problem(runs: Runs, form: str) -> str:
    """Why the model of a run cannot be written in this form, or nothing."""
    if said := _export(runs):
        return said
    family = families.get(runs[0].family)
    foreign = form != "safetensors" and family.import_ is None
    return f"transformers has no model like {family.title}: export it as safetensors." if foreign else ""


def _delete(runs: Runs) -> str:
    if not runs:
        return "Select a run."
    busy = next((run for run in runs if run.state in ("running", "running elsewhere")), None)
    return "" if busy is None else f"'{busy.name}' is in training: stop it first."


def _duplicate(runs: Runs) -> str:
    return usable(runs)


def _race(runs: Runs) -> str:
    if said := usable(runs):
        return said
    return "" if runs[0].race else "This run was not part of a race."


def _star(runs: Runs) -> str:
    if not runs:
        return "Select a run."
    return next((run.reason for run in runs if not run.usable), "")


ACTIONS = (
    Action("open_run", "Open", "open", "Open this run in the tab of its model", usable, "Return"),
    Action("resume_run", "Resume", "play", "Continue its training", _resume, "Ctrl+Shift+R"),
    Action("show_race", "Show race", "pairs", "Show all runs of its race side by side, and resume those that were stopped",
           _race, "Ctrl+Alt+R"),
    Action("duplicate_run", "Duplicate…", "copy", "Set up a new training with the settings of this run",
           _duplicate, "Ctrl+Alt+D"),
    Action("play_run", "In Playground", "write", "Use its model in the Playground, or compare two runs there", _play,
           "Ctrl+Shift+P"),
    Action("star_run", "Star", "star", "Add a star, or remove it", _star, "Ctrl+Shift+F"),
    Action("rename_run", "Rename", "pencil", "Give this run another name", _named, "F2"),
    Action("show_run_folder", "Show folder", "folder", "Show its folder in the file manager", one, "Ctrl+Shift+J"),
    Action("export_run", "Export", "download", "Export its model for other programs", _export),
    Action("delete_run", "Delete", "trash", "Move to the trash, from where it can be restored", _delete, "Del"),
)  # fmt: skip
"""In the order of buttons and menus."""
