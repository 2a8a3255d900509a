"""Whether what a step asks for has been done, read off the real window."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QComboBox, QLabel, QListWidget, QTabBar, QTabWidget, QWidget

from genstudio import families
from genstudio.config import number_text
from genstudio.ui.lessons import controls
from genstudio.ui.lessons.lesson import ControlHas, HasModel, Part, Pressed, RunIs, Seen

if TYPE_CHECKING:
    from genstudio.ui.train.tab import TrainingTab
    from genstudio.ui.window import MainWindow


@dataclass
class Since:
    """What a condition is compared with: the `runs` that were shown when the lesson began, and the buttons `pressed` and
    the values of controls `before` since the step began. `most`: plans were cut to this many steps."""

    room: str = ""
    runs: Collection[str] = ()
    pressed: set[str] = field(default_factory=set)
    before: dict[str, Any] = field(default_factory=dict)
    most: int | None = None


def holds(window: MainWindow, asked: Part, since: Since) -> bool:
    """Whether a condition is true now."""
    match asked:
        case ControlHas():
            widget = controls.find(window, since.room, asked.control)
            return widget is not None and _has(widget, asked, since)
        case RunIs():
            return _run_is(window, asked, since)
        case HasModel():
            return asked.model in (window.playground.choice.abilities() or ())
        case Pressed():
            return asked.pressed in since.pressed
        case Seen():
            widget = controls.find(window, since.room, asked.seen)
            return widget is not None and widget.isVisible()
    raise TypeError(f"no condition: {asked!r}")


def words(window: MainWindow, asked: Part, since: Since) -> str:
    """What a condition asks for, in a few words."""
    match asked:
        case ControlHas():
            widget = controls.find(window, since.room, asked.control)
            return _wish(widget, _name(window, since.room, asked.control), asked)
        case RunIs():
            return _wait(window, asked, since)
        case HasModel():
            return "Choose a model in the Playground"
        case Pressed():
            return f"Press {_name(window, since.room, asked.pressed)}"
        case Seen():
            return f"Wait for {_name(window, since.room, asked.seen)}"
    raise TypeError(f"no condition: {asked!r}")


def _name(window: MainWindow, room: str, name: str) -> str:
    widget = controls.find(window, room, name)
    return f"'{controls.called(widget)}'" if widget is not None else f"'{name}'"


def _has(widget: QWidget, asked: ControlHas, since: Since) -> bool:
    if asked.enabled is not None and widget.isEnabled() != asked.enabled:
        return False
    if asked.model_fields_set <= {"control", "enabled"}:
        return True
    found = controls.value(widget)
    number = float(found) if isinstance(found, int | float) else None
    return (
        (asked.equals is None or controls.equals(widget, asked.equals))
        and (asked.above is None or (number is not None and number > asked.above))
        and (asked.below is None or (number is not None and number < asked.below))
        and (asked.contains is None or asked.contains.lower() in str(found).lower())
        and (asked.longer is None or len(str(found)) > asked.longer)
        and (asked.changed is None or found != since.before.get(asked.control))
    )


def _wish(widget: QWidget | None, name: str, asked: ControlHas) -> str:
    if isinstance(widget, QComboBox | QListWidget | QTabWidget | QTabBar) and asked.equals is not None:
        return f"Choose '{_entry(widget, str(asked.equals))}' in {name}"
    if isinstance(widget, QLabel) and (asked.equals or asked.contains):
        return f"{'Continue' if asked.equals else 'Wait'} until it says '{asked.equals or asked.contains}'"
    if isinstance(asked.equals, str):
        return f"Type '{asked.equals}' into {name}"
    if asked.equals is True or asked.equals is False:
        return f"Turn {name} {'on' if asked.equals else 'off'}"
    if asked.equals is not None:
        return f"Set {name} to {number_text(asked.equals)}"
    if asked.above is not None and asked.below is not None:
        return f"Set {name} between {number_text(asked.above)} and {number_text(asked.below)}"
    if asked.above is not None:
        return f"Set {name} above {number_text(asked.above)}"
    if asked.below is not None:
        return f"Set {name} below {number_text(asked.below)}"
    if asked.contains is not None:
        return f"{name} contains '{asked.contains}'"
    if asked.longer is not None:
        return f"{name} is longer than {asked.longer} characters"
    return f"Wait until {name} can be used" if asked.enabled else f"Change {name}"


def _entry(widget: QWidget, wanted: str) -> str:
    """An entry of a list as it is written there."""
    if isinstance(widget, QListWidget) and (row := controls.row_of(widget, wanted)) >= 0:
        return widget.item(row).text()
    index = widget.findData(wanted) if isinstance(widget, QComboBox) else -1
    return widget.itemText(index) if isinstance(widget, QComboBox) and index >= 0 else wanted


def _tab(window: MainWindow, asked: RunIs) -> TrainingTab | None:
    family = families.find(asked.run)
    tab = window.links.trainers().get(family.room) if family is not None else None
    return tab if tab is not None and family is not None and tab.family.name == family.name else None


def _bound(asked: RunIs, since: Since) -> int:
    return min(asked.step or 1, since.most or asked.step or 1)


def _run_is(window: MainWindow, asked: RunIs, since: Since) -> bool:
    tab = _tab(window, asked)
    if tab is None or not tab.run_path or tab.run_path in since.runs:
        return False
    if asked.preset is not None and not tab.began_as(asked.preset):
        return False
    if asked.finished and (tab.state != "stopped" or tab.info is None):
        return False
    if tab.step < _bound(asked, since):
        return False
    if asked.measure is None:
        return True
    number = tab.panel.charts.values_at(tab.step).get(asked.measure)
    return (
        number is not None
        and (asked.below is None or number < asked.below)
        and (asked.above is None or number > asked.above)
    )


def _wait(window: MainWindow, asked: RunIs, since: Since) -> str:
    tab = _tab(window, asked)
    other = tab is not None and asked.preset is not None and not tab.began_as(asked.preset)
    if tab is None or not tab.run_path or tab.run_path in since.runs or other:
        return "Start the training"
    if asked.finished:
        return "Wait for the training to end"
    if tab.step < _bound(asked, since):
        return f"Wait for step {_bound(asked, since):,} (now {tab.step:,})"
    if asked.measure is None:
        return f"Step {_bound(asked, since):,} reached"
    name = asked.measure.replace("_", " ")
    number = tab.panel.charts.values_at(tab.step).get(asked.measure)
    now = "" if number is None else f" (now {number:.3g})"
    bound = f"below {number_text(asked.below)}" if asked.below is not None else f"above {number_text(asked.above or 0.0)}"
    return f"Wait until {name} is {bound}{now}"
