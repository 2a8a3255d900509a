"""Start genstudio from a checkout: `python3 packaging/run.py [ARGS]` makes .venv, installs what is missing, and starts.

Standard library only. ARGS are those of the program; without a command it opens the window.
"""

from __future__ import annotations

import os
import sys

from environment import Environment, SetupError, hand_over
from system import provide, wanted_for_window

NO_DISPLAY = (
    "genstudio: there is no display to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set): start it with "
    "--offscreen, under Xvfb with 'xvfb-run -a python3 packaging/run.py', or use the command line, such as "
    "'python3 packaging/run.py train gpt --data shakespeare'."
)


def opens_window(arguments: list[str]) -> bool:
    """Whether these arguments ask for the window: no command, which is the first word that is no option, and no text
    about the program. Which commands there are the program itself knows."""
    return not any(not word.startswith("-") or word in ("-h", "--help", "--version") for word in arguments)


def lacks_display(offscreen: bool, platform: str, environment: dict[str, str]) -> bool:
    """Whether a window has nowhere to appear."""
    if offscreen or not platform.startswith("linux"):
        return False
    return not any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def main(arguments: list[str]) -> int:
    window = opens_window(arguments)
    offscreen = "--offscreen" in arguments
    if window and lacks_display(offscreen, sys.platform, dict(os.environ)):
        print(NO_DISPLAY, file=sys.stderr)
        return 2
    if offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    try:
        python = Environment().ready()
    except SetupError as problem:
        print(f"genstudio: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("genstudio: interrupted; start again to continue.", file=sys.stderr)
        return 130
    if window and (request := provide(wanted_for_window(offscreen, dict(os.environ)))):
        print(f"genstudio: {request}", file=sys.stderr)
        return 2
    return hand_over([str(python), "-m", "genstudio", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
