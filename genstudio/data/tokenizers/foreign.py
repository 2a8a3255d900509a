"""Opening a tokenizer.json that somebody else made."""

from __future__ import annotations

import contextlib
import json
import os
from multiprocessing.connection import Connection
from pathlib import Path

from genstudio.data.slices import Slices
from genstudio.data.tokenizers.child import waited, worker
from genstudio.data.tokenizers.files import to_library, tokenizer_from_json
from genstudio.data.tokenizers.tokenizer import Tokenizer
from genstudio.errors import DataError

LARGEST = 32 << 20
"""Bytes of a file at most; the largest vocabularies in use take about 20 million."""

_SECONDS = 20.0
_CPU_SECONDS = 10
_MEMORY = 4 << 30
_PROBE = "The cat's 12 hats, naïve — 日本 🙂\r\n\t  end <s> \u3000\x00"


def open_tokenizer(path: Path) -> Slices[Tokenizer]:
    """The tokenizer in a file, tried out in a process with limits of time and memory before it is used here.

    Raises DataError for a file that is none, or that takes longer or more than any real one.
    """
    _looked_at(path)
    with worker(_try, str(path)) as talk:
        yield from waited(talk, 0.0, _SECONDS)
        if not talk.said(0):
            raise DataError("The tokenizer takes too long to open.", "Its file is damaged or hostile.", path)
        try:
            verdict = talk.receive()
        except DataError:
            raise DataError(
                "The tokenizer cannot be opened: trying it out failed.",
                "Its file is damaged or was made by another program.",
                path,
            ) from None
    yield 0.9
    if verdict[:1] == b"-":
        message, hint = json.loads(verdict[1:])
        raise DataError(message, hint, path)
    return tokenizer_from_json(json.loads(verdict[1:]))


def tokenizer_text(tokenizer: Tokenizer) -> bytes:
    """What a tokenizer.json for other programs holds."""
    return json.dumps(to_library(tokenizer), ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")


def _looked_at(path: Path) -> None:
    try:
        size = path.stat().st_size if path.is_file() else -1
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "Check its name and folder.", path) from None
    if size < 0:
        raise DataError(f"There is no file {path}.", "Check its name and folder.", path)
    if size > LARGEST:
        raise DataError("The file is too large for a tokenizer.", "Choose a tokenizer.json.", path)


def _try(connection: Connection, path: str) -> None:
    _limit()
    try:
        with Path(path).open("rb") as file:
            kept = json.loads(file.read(LARGEST + 1))
        tokenizer = tokenizer_from_json(kept)
        ids, _ = tokenizer.encode_lossy(_PROBE)
        tokenizer.decode(ids)
        tokenizer.pieces(ids)
        answer = b"+" + json.dumps(to_library(tokenizer)).encode()
    except DataError as error:
        answer = b"-" + json.dumps([error.message, error.hint]).encode()
    except (OSError, ValueError, RecursionError):
        answer = b"-" + json.dumps(["The file is not JSON.", "Choose a tokenizer.json."]).encode()
    connection.send_bytes(answer)


def _limit() -> None:
    """Limits of this process, where the system has them; elsewhere the limits of time and of the file's size hold."""
    if os.name != "posix":
        return
    import resource

    for kind, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _CPU_SECONDS)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))
