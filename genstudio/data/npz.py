"""Arrays in a file whose bytes depend on nothing but the arrays."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def packed(arrays: Arrays, *, compress: bool = True) -> bytes:
    """An NPZ file without time and system."""
    buffer, how = io.BytesIO(), zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", how, compresslevel=9) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            member.create_system, member.external_attr = 3, 0o644 << 16
            member.compress_type = how
            raw = io.BytesIO()
            np.lib.format.write_array(raw, np.ascontiguousarray(array), (1, 0), allow_pickle=False)
            archive.writestr(member, raw.getvalue(), compresslevel=9)
    return buffer.getvalue()


def digest(arrays: Arrays) -> tuple[int, str]:
    """Bytes of all arrays, and the SHA-256 of each one's name, type, shape and bytes, by name."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(array.tobytes())
    return sum(array.nbytes for array in arrays.values()), found.hexdigest()
