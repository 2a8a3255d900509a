"""What a run showed, by channel and step, so that time can be scrubbed later. Files may come from other people."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from genstudio import storage
from genstudio.errors import RunError
from genstudio.events import Snapshot
from genstudio.runs.thinning import is_due, superfluous

MAXIMUM = 200
_FILE = re.compile(r"(\d{1,15})\.(json|npz)")
_PLAIN = re.compile(r"[a-z0-9_-]")
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)")


class SnapshotStore:
    """The snapshots in a folder: at most 200 per channel, spread over the steps as `thinning` says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, list[int]] = {}

    def folders(self) -> list[Path]:
        """One for each channel."""
        return [path for path in storage.listed(self.folder) if path.is_dir()]

    def channels(self) -> list[str]:
        """Names of the channels that were ever shown."""
        return [_channel(path.name) for path in self.folders()]

    def steps(self, channel: str) -> list[int]:
        """Steps that can be loaded, ascending."""
        place = self.folder / _folder(channel)
        return sorted({int(found[1]) for path in storage.listed(place) if (found := _FILE.fullmatch(path.name))})

    def add(self, snapshot: Snapshot, *, always: bool = False) -> bool:
        """Stores a snapshot of a kind that can be stored, unless one so close before it is there already.

        `always` stores the last of a session. Returns whether it was stored. Raises StorageError.
        """
        from genstudio.snapshots import codec

        if not codec.kind_of(snapshot):
            return False
        steps = self._known.setdefault(snapshot.channel, self.steps(snapshot.channel))
        if not always and not is_due(steps, snapshot.step, MAXIMUM):
            return False
        place = self.folder / _folder(snapshot.channel)
        storage.make_folder(place)
        data = codec.dump(snapshot)
        kind = "json" if data[:1] == b"{" else "npz"
        storage.write_atomic(place / f"{snapshot.step}.{kind}", data, sync=False)
        if snapshot.step not in steps:
            steps.append(snapshot.step)
            steps.sort()
        if dropped := superfluous(steps, MAXIMUM):
            self._drop(place, dropped)
            steps[:] = [step for step in steps if step not in dropped]
        return True

    def load(self, channel: str, step: int) -> Snapshot:
        """The snapshot of a channel and step. Raises RunError where it is missing or damaged."""
        from genstudio.snapshots import codec  # with all kinds of snapshots, which a list of runs does without

        place = self.folder / _folder(channel)
        path = next((p for kind in ("json", "npz") if (p := place / f"{step}.{kind}").is_file()), None)
        if path is None:
            raise RunError(f"There is no picture of step {step}.", "Choose another step.", place)
        try:
            return codec.load(channel, step, _read(path, codec.LARGEST))
        except (OSError, *codec.DAMAGE) as error:
            raise RunError(f"The picture of step {step} is damaged.", "Choose another step.", path) from error

    def cut(self, step: int) -> None:
        """Removes everything after a step."""
        for channel in self.channels():
            self._drop(self.folder / _folder(channel), [at for at in self.steps(channel) if at > step])
        self._known.clear()

    def _drop(self, place: Path, steps: list[int]) -> None:
        with storage.translated(place):
            for step in steps:
                for kind in ("json", "npz"):
                    path = place / f"{step}.{kind}"
                    storage.again(functools.partial(path.unlink, missing_ok=True))


def _folder(channel: str) -> str:
    if _DEVICES.fullmatch(channel):
        return f"%{ord(channel[0]):02x}" + channel[1:].lower()
    name = "".join(c if _PLAIN.match(c) else "".join(f"%{b:02x}" for b in c.encode()) for c in channel)
    return name[:150] or "%00"


def _channel(name: str) -> str:
    return re.sub(rb"%([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), name.encode()).decode(errors="replace")


def _read(path: Path, largest: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise ValueError("too large")
    return data
