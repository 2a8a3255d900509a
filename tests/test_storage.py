"""Files are whole or not there, whatever the system refuses."""

from __future__ import annotations

import errno
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import faults
import pytest

from genstudio import storage
from genstudio.errors import StorageError


def strays(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_a_file_is_replaced_and_nothing_else_remains(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    storage.write_atomic(path, b"one")
    storage.write_atomic(path, b"two" * 1000)
    assert path.read_bytes() == b"two" * 1000
    assert strays(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="no umask")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_the_mode_follows_the_umask(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        storage.write_atomic(tmp_path / "a", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


def damaging(write: Callable[[Path, bytes], None], path: Path, mode: faults.Mode, code: int) -> list[str]:
    """The calls whose failure leaves the file neither old nor new, or gone while the write said it succeeded."""
    found = []
    for k, call, raised in faults.every_call(lambda: (path.write_bytes(b"old"), write(path, b"new" * 99)), mode, code):
        content = path.read_bytes()
        if content not in (b"old", b"new" * 99) or (raised is None and content == b"old"):
            found.append(f"{call} {k}")
    return found


def in_place(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
    try:
        storage.write_all(descriptor, data)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("mode", ["once", "ever", "short"])
def test_the_old_file_survives_every_failing_call(tmp_path: Path, mode: faults.Mode, code: int) -> None:
    assert damaging(storage.write_atomic, tmp_path / "a", mode, code) == []
    assert damaging(in_place, tmp_path / "b", mode, code) != [], "the broken twin must be caught"


def test_one_passing_fault_is_absorbed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    outcomes = [raised for _, _, raised in faults.every_call(lambda: storage.write_atomic(path, b"x"), "once")]
    assert len(outcomes) >= 4
    assert outcomes == [None] * len(outcomes)
    assert strays(tmp_path) == []


def test_a_lasting_fault_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for k, call, raised in faults.every_call(lambda: storage.write_atomic(path, b"x"), "ever", errno.ENOSPC):
        assert isinstance(raised, StorageError), (k, call)
        assert str(tmp_path) in raised.message
        assert "intact" in raised.message
        assert raised.hint
    storage.sweep(tmp_path, alone=True)
    assert strays(tmp_path) == []


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (errno.ENOSPC, "full"), (errno.EDQUOT, "full"), (errno.EROFS, "read-only"), (errno.EACCES, "write-protected"),
        (errno.EFBIG, "larger"), (errno.ENOENT, "gone"), (errno.EIO, "error"), (errno.ENAMETOOLONG, "long"),
        (errno.EBADF, "could not be written"),
    ],
)  # fmt: skip
def test_each_refusal_has_its_sentence(tmp_path: Path, code: int, word: str) -> None:
    error = storage.storage_error(OSError(code, os.strerror(code)), tmp_path / "model.safetensors", 12_000_000)
    assert word in error.message
    assert str(tmp_path) in error.message
    assert error.hint.endswith(".")
    if word in ("full", "larger"):
        assert "12 MB" in error.message


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "00000001"
    with storage.StagedFolder(place) as stage:
        stage.write("a", b"1")
        assert not place.exists()
    assert list(tmp_path.iterdir()) == []
    with storage.StagedFolder(place) as stage:
        written = stage.write("a", b"12")
        assert stage.commit()
    assert (written.size, written.sha256[:8]) == (2, "6b51d431")
    with storage.StagedFolder(place) as stage:
        stage.write("b", b"3")
        assert not stage.commit(replace=False)
    assert [path.name for path in place.iterdir()] == ["a"]


def test_a_folder_is_replaced_or_stays_at_every_failing_call(tmp_path: Path) -> None:
    place = tmp_path / "00000001"

    def replace() -> None:
        with storage.StagedFolder(place) as stage:
            stage.write("new", b"new")
            stage.commit()

    for mode in ("once", "ever"):
        place.mkdir(exist_ok=True)
        for k, call, raised in faults.every_call(replace, mode, errno.ENOSPC):  # type: ignore[arg-type]
            storage.sweep(tmp_path, alone=True)
            names = [path.name for path in place.iterdir()]
            assert names in ([], ["new"]), (k, call)
            assert raised is not None or names == ["new"]
            assert strays(tmp_path) == []
            for path in place.iterdir():
                path.unlink()


def test_sweep_takes_only_what_dead_writers_left(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    alive = os.getppid()
    (tmp_path / f".new-{storage._HOST}-{dead.pid}-0-x").mkdir()
    (tmp_path / f".new-{storage._HOST}-{alive}-0-x").mkdir()
    (tmp_path / f".new-{'0' * 8}-1-0-x").write_bytes(b"")
    old = tmp_path / f".old-{storage._HOST}-{dead.pid}-1-00000007"
    old.mkdir()
    (tmp_path / ".hidden").mkdir()
    assert storage.sweep(tmp_path) == 2
    assert strays(tmp_path) == [".hidden", f".new-{'0' * 8}-1-0-x", f".new-{storage._HOST}-{alive}-0-x"]
    assert (tmp_path / "00000007").is_dir()
    assert storage.sweep(tmp_path, alone=True) == 2
    assert strays(tmp_path) == [".hidden"]


def test_a_folder_that_cannot_be_written_is_found_at_once(tmp_path: Path) -> None:
    storage.check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with faults.failing(1, "ever", errno.EACCES), pytest.raises(StorageError, match="is write-protected"):
        storage.check_writable(tmp_path)
    with pytest.raises(StorageError, match="gone"):
        storage.check_writable(tmp_path / "nowhere")


def order_of_calls(work: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(call, name of the file or folder) as they happen."""
    names: dict[int, str] = {}
    calls: list[tuple[str, str]] = []
    real = {name: getattr(os, name) for name in ("open", "write", "fsync", "rename", "replace")}

    def opened(path: Path, *arguments: int, **options: int) -> int:
        descriptor = real["open"](path, *arguments, **options)
        names[descriptor] = Path(path).name
        return descriptor

    def named(call: str, given: int | Path, *arguments: object) -> object:
        calls.append((call, names[given] if isinstance(given, int) else Path(given).name))
        return real[call](given, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", opened)
        for call in ("write", "fsync", "rename", "replace"):
            patch.setattr(os, call, functools.partial(named, call))
        work()
    return calls


def survives_a_power_cut(calls: list[tuple[str, str]]) -> bool:
    """Whether all that was written was synced before it got its name, and the name after."""
    renamed = next(i for i, (call, _) in enumerate(calls) if call in ("rename", "replace"))
    before, after = calls[:renamed], calls[renamed + 1 :]
    written = {name for call, name in before if call == "write"}
    synced = {
        name for index, (call, name) in enumerate(before) if call == "fsync" and ("write", name) not in before[index:]
    }
    return written <= synced and any(call == "fsync" for call, _ in after)


@pytest.mark.skipif(sys.platform != "linux", reason="folders are synced otherwise elsewhere")
def test_what_has_its_name_survives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def staged(sync: bool) -> None:
        with storage.StagedFolder(tmp_path / "00000001") as stage:
            stage.write("a", b"1")
            stage.write("b", b"2", sync=sync)
            stage.commit()
        shutil.rmtree(tmp_path / "00000001")

    assert survives_a_power_cut(order_of_calls(lambda: staged(True), monkeypatch))
    assert survives_a_power_cut(order_of_calls(lambda: storage.write_atomic(tmp_path / "c", b"3"), monkeypatch))
    assert not survives_a_power_cut(order_of_calls(lambda: staged(False), monkeypatch)), (
        "the broken twin must be caught"
    )
