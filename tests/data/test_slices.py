"""Work done aside: its result, its faults, and turns for others meanwhile."""

from __future__ import annotations

import threading

import pytest

from genstudio.data.work import finished, in_thread


def test_others_have_their_turns_while_work_is_done_aside() -> None:
    go = threading.Event()
    work = in_thread(lambda: (go.wait(), threading.current_thread() is threading.main_thread()))
    assert [next(work) for _ in range(3)] == [0.0, 0.0, 0.0]
    go.set()
    assert finished(work) == (True, False)


def test_a_fault_aside_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        finished(in_thread(lambda: 1 // 0))
