"""Snapshots as bytes and back: arrays in a zip, the rest in a JSON header. Bytes may come from other people.

What a kind of snapshot holds, and in which shape, is read from its fields (see `events.Held`): a new kind needs a line in KINDS.
"""

from __future__ import annotations

import functools
import io
import json
import math
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np

from genstudio.events import Array, Held, Snapshot
from genstudio.snapshots.activity import Activity
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.confusion import Confusion
from genstudio.snapshots.filled import Filled
from genstudio.snapshots.grounding import WordLooks
from genstudio.snapshots.layers import EmbeddingMap, LayerStatistics
from genstudio.snapshots.listening import Listening
from genstudio.snapshots.matching import Meeting, Similarity
from genstudio.snapshots.network import Depth, NetworkState
from genstudio.snapshots.patches import PatchAttention
from genstudio.snapshots.population import Population
from genstudio.snapshots.samples import Bars, Codes, Histograms, Pictures, Plane
from genstudio.snapshots.sound import Sound
from genstudio.snapshots.text import Text
from genstudio.snapshots.translation import Translations

KINDS: Mapping[str, type[Snapshot]] = {
    "text": Text,
    "attention": Attention,
    "plane": Plane,
    "pictures": Pictures,
    "histograms": Histograms,
    "bars": Bars,
    "codes": Codes,
    "layers": LayerStatistics,
    "map": EmbeddingMap,
    "translations": Translations,
    "filled": Filled,
    "confusion": Confusion,
    "network": NetworkState,
    "depth": Depth,
    "population": Population,
    "patches": PatchAttention,
    "activity": Activity,
    "similarity": Similarity,
    "meeting": Meeting,
    "words": WordLooks,
    "sound": Sound,
    "listening": Listening,
}
"""The kinds that a run keeps, by their names in files."""
LARGEST = 1 << 28
DAMAGE = (ValueError, TypeError, KeyError, RecursionError, zipfile.BadZipFile, NotImplementedError)
"""What `load` raises for bytes that are not a snapshot."""
_LARGEST_TEXT = 1 << 22
_MOST = 10_000
_HALF = 60_000.0
_TYPES = {np.dtype(kind) for kind in (np.bool_, np.uint8, np.float16, np.float32, np.float64, np.int64)}


def kind_of(snapshot: Snapshot) -> str:
    """The name of its kind; empty where it is none that is kept."""
    return next((name for name, kind in KINDS.items() if type(snapshot) is kind), "")


def dump(snapshot: Snapshot) -> bytes:
    """The snapshot without its channel and step: JSON where it has no arrays, else a zip."""
    arrays: dict[str, Array] = {}
    header = {"kind": kind_of(snapshot)} | _dumped(snapshot, arrays, "")
    data = json.dumps(header).encode()
    return write({"header": np.frombuffer(data, np.uint8), **arrays}) if arrays else data


def load(channel: str, step: int, data: bytes) -> Snapshot:
    """What `dump` was given. Raises one of DAMAGE for anything else."""
    if data[:1] == b"{":
        if len(data) > _LARGEST_TEXT:
            raise ValueError("too large")
        header: dict[str, Any] = {"kind": "text", **json.loads(data)}
        arrays: dict[str, Array] = {}
    else:
        header, arrays = _upgraded(read(data))
    kind = KINDS[header["kind"]]
    found = kind(channel=channel, step=step, **_loaded(kind, header, arrays, ""))
    _checked(found)
    if arrays:
        raise ValueError("more than a snapshot")
    return found


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
    if found.kind == "b" and (array.view(np.uint8) > 1).any():
        raise ValueError("neither true nor false")
    return array


def _upgraded(arrays: dict[str, Array]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Header and arrays, also of what versions before this one wrote."""
    if "header" not in arrays:
        return {"kind": "attention", "tokens": json.loads(arrays.pop("tokens").tobytes())}, arrays
    header = json.loads(arrays.pop("header").tobytes())
    if header["kind"] == "histograms" and "names" in header:
        header["counts"] = header["names"]
        arrays = {name.replace("count", "counts"): array for name, array in arrays.items()}
    return {**header, **header.get("parts", {})}, arrays


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a snapshot: its type without None, whether it may be None or left out, and how its array is stored."""

    name: str
    hint: Any
    optional: bool
    default: Any
    dtype: str
    axes: tuple[str, ...]

    @property
    def nested(self) -> bool:
        return is_dataclass(self.hint)

    @property
    def several(self) -> Any:
        """The kind of which it holds any number, in a tuple; None where it is no such tuple."""
        parts = get_args(self.hint)
        return parts[0] if parts and is_dataclass(parts[0]) else None


@functools.cache
def _fields(kind: Any) -> tuple[_Field, ...]:
    """All but channel and step."""
    hints = get_type_hints(kind, include_extras=True)
    found = []
    for each in fields(kind):
        if each.name not in ("channel", "step"):
            hint, held = hints[each.name], Held("", "")
            if get_origin(hint) is Annotated:
                hint, held = get_args(hint)
            optional = NoneType in get_args(hint)
            hint = get_args(hint)[0] if optional else hint
            found.append(_Field(each.name, hint, optional, each.default, held.dtype, tuple(held.axes.split())))
    return tuple(found)


def _dumped(value: Any, arrays: dict[str, Array], prefix: str) -> dict[str, Any]:
    """What of an object belongs in the header; its arrays are added to `arrays`."""
    header: dict[str, Any] = {}
    for each in _fields(value.__class__):
        part, dtype = getattr(value, each.name), each.dtype
        if part is None:
            continue
        if dtype == "json":
            header[each.name] = [_number(number) for number in part]
        elif isinstance(part, Mapping):
            header[each.name] = list(part)
            arrays |= {f"{prefix}{each.name}{i}": array.astype(dtype) for i, array in enumerate(part.values())}
        elif dtype == "float16":
            arrays[prefix + each.name] = np.clip(part, -_HALF, _HALF).astype(dtype)
        elif dtype:
            arrays[prefix + each.name] = part.astype(dtype)
        elif is_dataclass(part):
            header[each.name] = _dumped(part, arrays, f"{prefix}{each.name}_")
        elif each.several:
            header[each.name] = [_dumped(one, arrays, f"{prefix}{each.name}{i}_") for i, one in enumerate(part)]
        else:
            header[each.name] = _number(part) if isinstance(part, float) else part
    return header


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _loaded(kind: Any, header: Mapping[str, Any], arrays: dict[str, Array], prefix: str) -> dict[str, Any]:
    """The arguments of `kind`; takes its arrays out of `arrays`. Raises ValueError, TypeError or KeyError."""
    found: dict[str, Any] = {}
    sizes: dict[str, int] = {}
    for each in _fields(kind):
        name, dtype = each.name, each.dtype
        stored = header if not dtype or dtype == "json" or name in header else arrays
        key = name if stored is header else prefix + name
        if key not in stored:
            if each.default is MISSING and not each.optional:
                raise KeyError(key)
            found |= {name: None} if each.default is MISSING else {}
            continue
        if dtype == "json":
            found[name] = np.array([_float(number) for number in _some(header[name], list)])
        elif dtype and stored is header:
            found[name] = {
                _some(n, str): _typed(arrays.pop(f"{prefix}{name}{i}"), dtype) for i, n in enumerate(header[name])
            }
        elif dtype:
            found[name] = _typed(arrays.pop(key), dtype)
        elif each.nested:
            found[name] = each.hint(**_loaded(each.hint, header[name], arrays, f"{prefix}{name}_"))
        elif kind_of_each := each.several:
            rows = enumerate(_some(header[name], list))
            found[name] = tuple(kind_of_each(**_loaded(kind_of_each, row, arrays, f"{prefix}{name}{i}_")) for i, row in rows)
        else:
            found[name] = _scalar(header[name], each.hint)
        _fit(each, found[name], sizes)
    for each in _fields(kind):  # sums of sizes, once all are known
        _fit(each, found.get(each.name), sizes, last=True)
    return found


def _typed(array: Array, dtype: str) -> Array:
    """The array as it is used: what is stored in 16 bits becomes float32."""
    if array.dtype.kind != np.dtype(dtype).kind:
        raise ValueError("numbers of another kind")
    return array.astype(np.float32 if dtype == "float16" else dtype)


def _fit(each: _Field, value: Any, sizes: dict[str, int], last: bool = False) -> None:
    """Whether the axes have the sizes that they must have; learns those that are met first."""
    for array in value.values() if isinstance(value, Mapping) else (value,):
        if array is None or not each.axes:
            continue
        if isinstance(array, tuple):
            array = np.empty(len(array))
        if array.ndim != len(each.axes):
            raise ValueError("another number of axes")
        for axis, size in zip(each.axes, array.shape, strict=True):
            wanted = [sizes.get(part) if not part.isdigit() else int(part) for part in axis.split("+")]
            if len(wanted) == 1 and wanted[0] is None:
                sizes[axis] = size
            elif (None not in wanted and sum(part or 0 for part in wanted) != size) or (last and None in wanted):
                raise ValueError("sizes that do not fit")


def _scalar(value: Any, hint: Any) -> Any:
    parts = get_args(hint)
    if not parts:
        return _float(value) if hint is float else _some(value, hint)
    items = _some(value, list)
    one: Callable[[Any], Any] = _float if parts[0] is float else lambda item: _some(item, parts[0])
    if parts[-1] is not Ellipsis and len(items) != len(parts):
        raise ValueError("another number of values")
    return tuple(one(item) for item in items)


def _some(value: Any, kind: type[Any]) -> Any:
    if type(value) is not kind or (kind is list and len(value) > _MOST):
        raise TypeError(f"not of type {kind.__name__}")
    return value


def _float(value: Any) -> float:
    if value is None:
        return math.nan
    if type(value) not in (int, float):
        raise TypeError("not a number")
    return float(value)


def _checked(value: Any) -> None:
    """What shapes alone cannot say. Raises ValueError."""
    for each in _fields(value.__class__):
        part = getattr(value, each.name)
        for one in part if each.several else (part,) if is_dataclass(part) else ():
            _checked(one)
    if not value.sound():
        raise ValueError("values that cannot be")
