"""A web server on 127.0.0.1 that misbehaves in the ways that are asked of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class File:
    """What is served under a path. `cuts` are after how many bytes each of the first answers breaks off."""

    content: bytes
    ranges: bool = True
    etag: str = '"v1"'
    cuts: list[int] = field(default_factory=list)
    status: int = 200
    length: int | None = None
    """Said instead of the real length; -1: nothing is said."""
    stall_after: int | None = None
    location: str = ""
    range_start: int | None = None
    """Where it says that a continued part begins, instead of where it does."""


@dataclass
class Asked:
    path: str
    range: str
    if_range: str
    agent: str


class Server:
    """Serves `files` by path; `asked` are the requests so far."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.asked: list[Asked] = []
        self.go_on = threading.Event()
        self.stalled = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        header = request.headers.get
        self.asked.append(Asked(request.path, header("Range", ""), header("If-Range", ""), header("User-Agent", "")))
        file = self.files.get(request.path)
        if file is None:
            request.send_error(404)
            return
        if file.location or file.status not in (200, 206):
            request.send_response(file.status)
            if file.location:
                request.send_header("Location", file.location)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        start = self._start(file, header("Range", ""), header("If-Range", ""))
        body = file.content[start:]
        request.send_response(206 if start else 200)
        if start:
            told = start if file.range_start is None else file.range_start
            request.send_header("Content-Range", f"bytes {told}-{len(file.content) - 1}/{len(file.content)}")
        if file.length != -1:
            request.send_header("Content-Length", str(len(body) if file.length is None else file.length))
        request.send_header("ETag", file.etag)
        request.end_headers()
        self._send(file, body, request.wfile.write)

    def _start(self, file: File, asked: str, validator: str) -> int:
        if not asked or not file.ranges or (validator and validator != file.etag):
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def _send(self, file: File, body: bytes, write: Callable[[bytes], Any]) -> None:
        if file.cuts:
            body = body[: file.cuts.pop(0)]
        if file.stall_after is None:
            write(body)
            return
        write(body[: file.stall_after])
        self.stalled.set()
        self.go_on.wait()
