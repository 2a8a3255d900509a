"""Snapshots as bytes and back: arrays in a zip, and a header in JSON. Bytes may come from other people."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from genstudio.events import Array, Snapshot
from genstudio.runs import packed_layers
from genstudio.snapshots.layers import LayerStatistics
from genstudio.snapshots.samples import Histograms, Pictures, Plane

LARGEST = 1 << 28
_HALF = 60_000.0
_TYPES = {np.dtype(kind) for kind in (np.uint8, np.float16, np.float32, np.float64, np.int64)}
_SHARP = {"real": np.float32, "fake": np.float32, "edges": np.float64, "pixels": np.uint8, "labels": np.int64}
"""What is stored exactly enough to be read off; the rest, numbers that become colours and lengths, in 16 bits."""
_PLANE = ("real", "fake", "field", "arrows", "mesh", "scores")


def dump(snapshot: Plane | Pictures | Histograms | LayerStatistics) -> bytes:
    """The snapshot without its channel and step."""
    header: dict[str, Any]
    if isinstance(snapshot, LayerStatistics):
        header, parts = packed_layers.dump(snapshot)
        return write({"header": np.frombuffer(json.dumps(header).encode(), np.uint8), **parts})
    if isinstance(snapshot, Plane):
        header = {"kind": "plane", "extent": snapshot.extent, "bounded": snapshot.bounded}
        arrays = {name: getattr(snapshot, name) for name in _PLANE}
    elif isinstance(snapshot, Pictures):
        header = {"kind": "pictures", "classes": snapshot.classes}
        arrays = {name: getattr(snapshot, name) for name in ("pixels", "labels", "scores")}
    else:
        header = {"kind": "histograms", "names": list(snapshot.counts)}
        arrays = {"edges": snapshot.edges} | {f"count{i}": np.int64(c) for i, c in enumerate(snapshot.counts.values())}
    stored = {name: _stored(name, array) for name, array in arrays.items() if array is not None}
    return write({"header": np.frombuffer(json.dumps(header).encode(), np.uint8), **stored})


def load(channel: str, step: int, data: bytes) -> Snapshot:
    """What `dump` was given. Raises ValueError, TypeError, KeyError or BadZipFile for anything else."""
    arrays = read(data)
    header = json.loads(arrays.pop("header").tobytes())
    kind = header["kind"]
    if kind == "plane":
        return _plane(channel, step, header, arrays)
    if kind == "pictures":
        return _pictures(channel, step, header, arrays)
    if kind == "layers":
        return packed_layers.load(channel, step, header, arrays)
    if kind != "histograms":
        raise ValueError("an unknown kind")
    edges, names = arrays["edges"], header["names"]
    counts = {str(name): arrays[f"count{index}"] for index, name in enumerate(names)}
    if edges.ndim != 1 or len(edges) < 2 or any(c.shape != (len(edges) - 1,) or (c < 0).any() for c in counts.values()):
        raise ValueError("not a histogram")
    return Histograms(channel, step, edges, counts)


def write(arrays: Mapping[str, Array]) -> bytes:
    """Named arrays as a zip of .npy files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def read(data: bytes) -> dict[str, Array]:
    """What `write` was given: sizes are checked before anything is unpacked, shapes before anything is made.

    Raises ValueError, KeyError or BadZipFile.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        if len(infos) > 64 or sum(info.file_size for info in infos) > LARGEST:
            raise ValueError("too large")
        return {info.filename.removesuffix(".npy"): _array(archive.read(info)) for info in infos}


def _array(data: bytes) -> Array:
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an unknown array format")
    shape, fortran, found = np.lib.format.read_array_header_1_0(stream, max_header_size=1000)
    if fortran or found not in _TYPES or len(shape) > 4 or math.prod(shape) * found.itemsize != len(data) - stream.tell():
        raise ValueError("an unexpected array")
    array = np.frombuffer(data, found, offset=stream.tell()).reshape(shape)
    if found.kind == "f" and not np.isfinite(array).all():
        raise ValueError("not finite")
    return array


def _stored(name: str, array: Array) -> Array:
    if name in _SHARP or name.startswith("count"):
        return array.astype(_SHARP.get(name, np.int64))
    return np.clip(array, -_HALF, _HALF).astype(np.float16)


def _plane(channel: str, step: int, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> Plane:
    found = {name: array.astype(np.float32) for name, array in arrays.items() if name in _PLANE}
    x0, x1, y0, y1 = (float(number) for number in header["extent"])
    real, fake, field, arrows = (found[name] for name in ("real", "fake", "field", "arrows"))
    mesh, scores = found.get("mesh"), found.get("scores")
    fits = all(points.ndim == 2 and points.shape[1] == 2 for points in (real, fake, arrows)) and field.ndim == 2
    fits = fits and (mesh is None or (mesh.ndim == 3 and mesh.shape[0] == mesh.shape[1] and mesh.shape[2] == 2))
    fits = fits and (scores is None or scores.shape == (len(real) + len(fake),)) and len(arrows) <= len(fake)
    if not fits or not (x0 < x1 and y0 < y1) or not all(map(math.isfinite, (x0, x1, y0, y1))):
        raise ValueError("not a plane")
    return Plane(channel, step, real, fake, (x0, x1, y0, y1), field, bool(header["bounded"]), arrows, mesh, scores)


def _pictures(channel: str, step: int, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> Pictures:
    pixels, labels, scores = arrays["pixels"], arrays.get("labels"), arrays.get("scores")
    classes = tuple(header["classes"])
    if pixels.ndim != 4 or pixels.dtype != np.uint8 or pixels.shape[3] not in (1, 3):
        raise ValueError("not pictures")
    if any(part is not None and part.shape != (len(pixels),) for part in (labels, scores)):
        raise ValueError("not one for each picture")
    if labels is not None and (labels.dtype != np.int64 or (labels >= len(classes)).any() or (labels < -1).any()):
        raise ValueError("classes without a name")
    if not all(isinstance(name, str) for name in classes):
        raise TypeError("not names")
    return Pictures(channel, step, pixels, labels, classes, None if scores is None else scores.astype(np.float32))
