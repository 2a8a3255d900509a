"""Opening the tokenizer of a file or a model that somebody else made."""

from __future__ import annotations

import contextlib
import json
import os
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from genstudio.data.tokenizers.child import waited, worker
from genstudio.data.tokenizers.files import to_library, tokenizer_from_json
from genstudio.data.tokenizers.model_folder import LARGEST_FILE, fitted, read_json, tokenizer_of
from genstudio.data.tokenizers.tokenizer import Tokenizer
from genstudio.data.work import Work
from genstudio.errors import DataError

_SECONDS = 60.0
_CPU_SECONDS = 10
_MEMORY = 4 << 30
_PROBE = "The cat's 12 hats, naïve — 日本 🙂\r\n\t  end <s> \u3000\x00"


def open_tokenizer(path: Path) -> Work[Tokenizer]:
    """The tokenizer in a file, tried out in a process with limits of time and memory before it is used here.

    Raises DataError for a file that is none, or that takes longer or more than any real one.
    """
    _looked_at(path)
    tokenizer, _ = yield from _tried(path, None)
    return tokenizer


def open_model_tokenizer(folder: Path, rows: int) -> Work[tuple[Tokenizer, list[str]]]:
    """The tokenizer of a GPT-2 style folder whose model has `rows` tokens, and what was left out or added, in sentences.

    Tried out like that of a file. Raises DataError.
    """
    return _tried(folder, rows)


def _tried(path: Path, rows: int | None) -> Work[tuple[Tokenizer, list[str]]]:
    with worker(_try, str(path), rows) as talk:
        yield from waited(talk, 0.0, _SECONDS)
        if not talk.said(0):
            raise DataError(
                f"The tokenizer could not be opened within {_SECONDS:.0f} seconds.",
                "Try again when the computer is less busy. If it fails again, the file is damaged or malicious.",
                path,
            )
        try:
            verdict = talk.receive()
        except DataError:
            raise DataError(
                "The tokenizer cannot be opened: a test run of it failed.",
                "Its file is damaged or was made by another program.",
                path,
            ) from None
    yield 0.9
    said = json.loads(verdict[1:])
    if verdict[:1] == b"-":
        message, hint = said
        raise DataError(message, hint, path)
    kept, notes = said
    return tokenizer_from_json(kept), notes


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
    if size > LARGEST_FILE:
        raise DataError("The file is too large for a tokenizer.", "Choose a tokenizer.json.", path)


def _try(connection: Connection, path: str, rows: int | None) -> None:
    _limit()
    try:
        kept, notes = (read_json(Path(path)), []) if rows is None else _of_model(Path(path), rows)
        tokenizer = tokenizer_from_json(kept)
        ids, _ = tokenizer.encode_lossy(_PROBE)
        tokenizer.decode(ids)
        tokenizer.pieces(ids)
        answer = b"+" + json.dumps([to_library(tokenizer), notes]).encode()
    except DataError as error:
        answer = b"-" + json.dumps([error.message, error.hint]).encode()
    connection.send_bytes(answer)


def _of_model(folder: Path, rows: int) -> tuple[dict[str, Any], list[str]]:
    found, notes = tokenizer_of(folder)
    kept, more = fitted(found, rows)
    return kept, [*notes, *more]


def _limit() -> None:
    """Limits of this process, where the system has them; elsewhere the limits of time and of the file's size hold."""
    if os.name != "posix":
        return
    import resource

    for kind, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _CPU_SECONDS)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))
