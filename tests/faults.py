"""Lets the k-th system call of a piece of work fail: once, for ever, half done, or by the death of the process."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

CALLS = ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink", "ftruncate")
Mode = Literal["once", "ever", "short", "exit"]


@dataclass
class Shim:
    """What happened under `failing`: how many calls were made, and which one failed first."""

    calls: int = 0
    failed: str = ""
    names: list[str] = field(default_factory=list)


@contextlib.contextmanager
def failing(k: int, mode: Mode = "once", code: int = errno.EIO) -> Iterator[Shim]:
    """From the k-th call (from 1) on, calls of `os` fail with `code`; `short` first writes half of the bytes."""
    shim = Shim()
    real = {name: getattr(os, name) for name in CALLS}

    def wrap(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            shim.calls += 1
            shim.names.append(name)
            due = shim.calls == k or (mode in ("ever", "short") and shim.calls >= k)
            if not due:
                return real[name](*arguments, **options)
            shim.failed = shim.failed or name
            if mode == "exit":
                os._exit(137)
            if mode == "short" and name == "write" and shim.calls == k:
                return real["write"](arguments[0], arguments[1][: max(1, len(arguments[1]) // 2)])
            raise OSError(code, os.strerror(code), str(arguments[0]))

        return call

    for name in CALLS:
        setattr(os, name, wrap(name))
    try:
        yield shim
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def every_call(
    work: Callable[[], object], mode: Mode, code: int = errno.EIO
) -> Iterator[tuple[int, str, BaseException | None]]:
    """Does the work again and again, the k-th call failing, until none fails: (k, the call, what the work raised)."""
    k = 0
    while True:
        k += 1
        raised: BaseException | None = None
        with failing(k, mode, code) as shim:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever comes out is what the test looks at
                raised = error
        if not shim.failed:
            assert k > 1, "the work made no call"
            return
        yield k, shim.failed, raised
