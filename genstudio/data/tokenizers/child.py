"""Work of the library `tokenizers` in a process of its own, which can be killed: it tells of no progress while it merges,
cannot be stopped, and may die of what it is given."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import re
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from genstudio.data.tokenizers.bpe import BPETokenizer
from genstudio.data.tokenizers.tokenizer import BEGIN, END
from genstudio.data.work import Work
from genstudio.errors import DataError

Worker = Callable[..., None]

_WAIT = 0.01
_FED = 0.75
_RAREST = 2
_RUN = 1024
_LONG = re.compile(rf"[^\W\d_]{{{_RUN + 1},}}|\d{{{_RUN + 1},}}|[^\w\s]{{{_RUN + 1},}}|\s{{{_RUN + 1},}}")


def train_bpe(pieces: Sequence[Callable[[], str]], vocabulary: int, lines: bool) -> Work[BPETokenizer]:
    """A byte-level BPE of at most `vocabulary` ids, markers included where `lines`; the same text gives the same one.

    `pieces` are called one after the other for the text; no token crosses from one to the next, nor, with `lines`, from
    line to line. A pair that occurs once is not merged, so a short text gives fewer tokens. Yields the fraction done.
    Closing the generator kills the process and leaves nothing. Raises DataError where the process died.
    """
    with worker(_train, vocabulary - 2 * lines, lines) as talk:
        for count, piece in enumerate(pieces):
            talk.send(piece().encode("utf-8"))
            yield from waited(talk, _FED * count / len(pieces))
            talk.receive()
        talk.send(b"")
        yield from waited(talk, _FED)
        found = json.loads(talk.receive())
    tokens, special = tuple(found["tokens"]), ()
    if lines:
        size = len(tokens)
        return BPETokenizer(
            (*tokens, BEGIN, END), _pairs(found["merges"]), ((BEGIN, size), (END, size + 1)), BEGIN, END
        )
    return BPETokenizer(tokens, _pairs(found["merges"]), special)


def waited(talk: Talk, done: float, seconds: float | None = None) -> Work[None]:
    """Yields `done` until the process has said something, or is dead; at most for so many seconds."""
    turns = 0
    while not talk.said(_WAIT):
        turns += 1
        if seconds is not None and turns * _WAIT > seconds:
            return
        yield done


class Talk:
    """The two ends' talk: bytes there and back. Raises DataError once the process is dead."""

    def __init__(self, connection: Connection, process: SpawnProcess) -> None:
        self._connection, self._process = connection, process

    def send(self, data: bytes) -> None:
        with _translated():
            self._connection.send_bytes(data)

    def said(self, seconds: float) -> bool:
        """Whether there is an answer, or will never be one; waits for at most so many seconds."""
        with _translated():
            return self._connection.poll(seconds)

    def receive(self) -> bytes:
        with _translated():
            return self._connection.recv_bytes()


@contextlib.contextmanager
def worker(work: Worker, *arguments: Any) -> Iterator[Talk]:
    """A new process that runs `work(connection, *arguments)`; it is killed at the end of the block."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, *arguments), daemon=True)
    try:
        process.start()
        theirs.close()
        yield Talk(mine, process)
    finally:
        mine.close()
        theirs.close()
        if process.pid is not None:
            process.kill()
            process.join()
        process.close()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError):
        raise DataError(
            "The tokenizer process ended before it had finished.",
            "There may be too little memory: choose a smaller vocabulary or text.",
        ) from None


def shortened(text: str) -> list[str]:
    """The text in pieces without a run of more than 1,024 letters, digits, signs or spaces.

    The library merges in a word in a time that grows with the square of its length, so that a text without spaces, such
    as DNA, would take minutes. Only training needs the cuts: the merges it finds apply to words of any length.
    """
    pieces, start = list[str](), 0
    for run in _LONG.finditer(text):
        for cut in range(run.start() + _RUN, run.end(), _RUN):
            pieces.append(text[start:cut])
            start = cut
    return [*pieces, text[start:]]


def _pairs(merges: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first, second in merges)


def _train(connection: Connection, vocabulary: int, lines: bool) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    engine = Tokenizer(models.BPE())
    engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=_RAREST,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )

    def texts() -> Iterator[list[str]]:
        while data := connection.recv_bytes():
            text = data.decode("utf-8")
            yield [piece for line in (text.split("\n") if lines else [text]) for piece in shortened(line)]
            connection.send_bytes(b".")

    engine.train_from_iterator(texts(), trainer)
    model = json.loads(engine.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    connection.send_bytes(json.dumps({"tokens": tokens, "merges": model["merges"]}).encode())
