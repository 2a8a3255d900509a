"""Run the tests from a checkout: `python3 packaging/test.py [ARGS]` makes .venv, installs what is missing, runs pytest.

Standard library only. ARGS are pytest's. Without any, the tests are shared among the cores, one thread each; so they are
with --thorough, which adds more kinds, seeds and moments of the same.
"""

from __future__ import annotations

import os
import sys
import time

from environment import ROOT, Environment, SetupError, hand_over
from system import PROGRAMS, WIDGETS, X11, provide, tried_recently


def provide_libraries(environment: Environment) -> None:
    """What Qt needs to draw; and, for the one test with a real X server, what that needs, if it can be had."""
    if not sys.platform.startswith("linux"):
        return
    if request := provide(WIDGETS):
        print(f"genstudio: {request}", file=sys.stderr)
    note = environment.venv / "genstudio-no-xvfb"
    if tried_recently(note, time.time()):
        return
    if request := provide(X11, PROGRAMS):
        print(f"genstudio: tests under Xvfb are skipped. {request}", file=sys.stderr)
        note.touch()


def main(arguments: list[str]) -> int:
    environment = Environment()
    try:
        python = environment.ready("test")
    except SetupError as problem:
        print(f"genstudio: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("genstudio: interrupted; start again to continue.", file=sys.stderr)
        return 130
    provide_libraries(environment)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.chdir(ROOT)
    if not arguments or arguments == ["--thorough"]:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        more = ["-m", "not slow and not bench"] if arguments else []
        arguments = ["-n", str(min(os.cpu_count() or 1, 8)), "--dist", "worksteal", *more]
    return hand_over([str(python), "-m", "pytest", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
