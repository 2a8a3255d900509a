"""Downloads against a server of our own: cuts, lies, loops, and what is left behind."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from webserver import File, Server

from genstudio.data import download, web
from genstudio.data.catalogue import Part
from genstudio.data.download import Patience, fetch
from genstudio.data.work import finished
from genstudio.errors import DataError, StorageError
from helpers import LONG

CONTENT = random.Random(0).randbytes(300_000)
QUICK = Patience(timeout=LONG / 1000, pause=0.0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    web._opener.cache_clear()
    server = Server()
    server.files["/file"] = File(CONTENT)
    yield server
    server.close()


def part(*urls: str, content: bytes = CONTENT) -> Part:
    return Part("file.bin", urls, len(content), hashlib.sha256(content).hexdigest())


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_file_comes_whole_and_is_not_fetched_twice(server: Server, tmp_path: Path) -> None:
    wanted = part(server.url("/file"))
    work = fetch(wanted, tmp_path / "new", QUICK)
    done = []
    while True:
        try:
            done.append(next(work))
        except StopIteration as end:
            place = end.value
            break
    assert place.read_bytes() == CONTENT
    assert done == sorted(done) and all(0 <= value <= 1 for value in done)
    assert left(tmp_path / "new") == ["file.bin"]
    assert server.asked[0].agent.startswith("genstudio/")
    assert finished(fetch(wanted, tmp_path / "new", QUICK)) == place
    assert len(server.asked) == 1


def test_a_damaged_file_that_is_there_already_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(b"x" * len(CONTENT))
    assert finished(fetch(part(server.url("/file")), tmp_path, QUICK)).read_bytes() == CONTENT


def test_a_cut_connection_is_continued_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.files["/file"].cuts = [100_000, 50_000]
    assert finished(fetch(part(server.url("/file")), tmp_path, QUICK)).read_bytes() == CONTENT
    assert [asked.range for asked in server.asked] == ["", "bytes=100000-", "bytes=150000-"]
    assert server.asked[1].if_range == '"v1"'
    assert left(tmp_path) == ["file.bin"]


def test_what_was_received_is_kept_for_another_day(server: Server, tmp_path: Path) -> None:
    server.files["/file"].cuts = [1000] * download._TRIES
    with pytest.raises(DataError, match="connection ended after 4 kB") as error:
        finished(fetch(part(server.url("/file")), tmp_path, QUICK))
    assert "4 kB of 300 kB are kept" in error.value.hint
    assert left(tmp_path) == ["file.bin.part", "file.bin.part.json"]
    server.asked.clear()
    assert finished(fetch(part(server.url("/file")), tmp_path, QUICK)).read_bytes() == CONTENT
    assert [asked.range for asked in server.asked] == ["bytes=4000-"]


def test_a_server_that_cannot_continue_begins_anew(server: Server, tmp_path: Path) -> None:
    server.files["/file"].ranges = False
    server.files["/file"].cuts = [100_000]
    assert finished(fetch(part(server.url("/file")), tmp_path, QUICK)).read_bytes() == CONTENT


def test_another_version_is_not_appended(server: Server, tmp_path: Path) -> None:
    server.files["/file"].cuts = [100_000]
    work = fetch(part(server.url("/file")), tmp_path, QUICK)
    server.files["/file"].cuts = [1000] * download._TRIES
    with pytest.raises(DataError):
        finished(work)
    (tmp_path / "file.bin.part").write_bytes(b"old" * 1000)
    server.files["/file"].etag = '"v2"'
    assert finished(fetch(part(server.url("/file")), tmp_path, QUICK)).read_bytes() == CONTENT


def test_a_beginning_that_was_wrong_is_noticed_and_forgotten(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1000)
    with pytest.raises(DataError, match="SHA-256"):
        finished(fetch(part(server.url("/file")), tmp_path, QUICK))
    assert left(tmp_path) == []
    assert finished(fetch(part(server.url("/file")), tmp_path, QUICK)).read_bytes() == CONTENT


@pytest.mark.parametrize("size", [0, len(CONTENT), len(CONTENT) + 5])
def test_a_beginning_of_an_impossible_size_is_not_used(server: Server, tmp_path: Path, size: int) -> None:
    (tmp_path / "file.bin.part").write_bytes(b"x" * size)
    assert finished(fetch(part(server.url("/file")), tmp_path, QUICK)).read_bytes() == CONTENT
    assert server.asked[0].range == ""


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (File(CONTENT[:-1] + b"x"), "SHA-256"),
        (File(CONTENT + b"more"), "300,004 bytes instead of the expected 300,000"),
        (File(CONTENT[:-1]), "299,999 bytes instead of the expected 300,000"),
        (File(CONTENT + b"more", length=-1), "more than the expected 300,000 bytes"),
        (File(CONTENT, status=404), "no longer exists"),
        (File(CONTENT, status=403), "refused"),
        (File(CONTENT, status=503), "has a problem"),
        (File(CONTENT, status=204), "answered with status 204"),
        (File(CONTENT, status=302, location="/file"), "circle"),
        (File(CONTENT, status=302, location="file:///etc/passwd"), "not a web page"),
        (File(CONTENT, status=301, location="ftp://127.0.0.1/x"), "not a web page"),
        (File(CONTENT, status=302), "302"),
    ],
)
def test_a_wrong_answer_is_said_and_leaves_nothing(server: Server, tmp_path: Path, file: File, message: str) -> None:
    server.files["/file"] = file
    with pytest.raises(DataError, match=message) as error:
        finished(fetch(part(server.url("/file")), tmp_path, QUICK))
    assert "127.0.0.1" in error.value.message and error.value.hint
    assert left(tmp_path) == []
    assert len(server.asked) < 30


def test_an_endless_row_of_redirects_ends(server: Server, tmp_path: Path) -> None:
    for i in range(50):
        server.files[f"/{i}"] = File(b"", status=302, location=f"/{i + 1}")
    with pytest.raises(DataError, match="circle, or too often"):
        finished(fetch(part(server.url("/0")), tmp_path, QUICK))
    assert len(server.asked) < 10


def test_one_redirect_is_followed(server: Server, tmp_path: Path) -> None:
    server.files["/old"] = File(b"", status=307, location="/file")
    assert finished(fetch(part(server.url("/old")), tmp_path, QUICK)).read_bytes() == CONTENT


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,hello", "/etc/passwd"])
def test_only_web_pages_are_asked(tmp_path: Path, url: str) -> None:
    with pytest.raises(DataError, match="not a web page"):
        finished(fetch(part(url), tmp_path, QUICK))
    assert left(tmp_path) == []


def test_a_mirror_helps_out(server: Server, tmp_path: Path) -> None:
    server.files["/wrong"] = File(b"y" * len(CONTENT))
    wanted = part(server.url("/absent"), server.url("/wrong"), server.url("/file"))
    assert finished(fetch(wanted, tmp_path, QUICK)).read_bytes() == CONTENT


def test_a_mirror_continues_what_another_began(server: Server, tmp_path: Path) -> None:
    server.files["/first"] = File(CONTENT, cuts=[10_000] + [0] * 9, etag='"other"')
    wanted = part(server.url("/first"), server.url("/file"))
    assert finished(fetch(wanted, tmp_path, QUICK)).read_bytes() == CONTENT
    assert server.asked[-1].range == "bytes=10000-"
    assert server.asked[-1].if_range == "", "a mark of one server was shown to another"


def test_a_server_that_continues_at_another_place_is_not_believed(server: Server, tmp_path: Path) -> None:
    server.files["/file"].cuts = [100_000]
    server.files["/file"].range_start = 99_999
    assert finished(fetch(part(server.url("/file")), tmp_path, QUICK)).read_bytes() == CONTENT
    assert [asked.range for asked in server.asked] == ["", "bytes=100000-", ""]


def test_nobody_there(tmp_path: Path, server: Server) -> None:
    closed = Server()
    url = closed.url("/file")
    closed.close()
    with pytest.raises(DataError, match="not reached") as error:
        finished(fetch(part(url), tmp_path, QUICK))
    assert "connection" in error.value.hint
    assert left(tmp_path) == []


def test_a_server_that_falls_silent_is_given_up_and_continued(server: Server, tmp_path: Path) -> None:
    server.files["/file"].stall_after = 1000
    with pytest.raises(DataError, match=r"no data arrived for 1 s") as error:
        finished(fetch(part(server.url("/file")), tmp_path, Patience(timeout=1.0, pause=0.0)))
    assert "are kept" in error.value.hint
    server.files["/file"].stall_after = None
    assert finished(fetch(part(server.url("/file")), tmp_path, QUICK)).read_bytes() == CONTENT


def test_waiting_never_blocks_and_cancelling_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.files["/file"].stall_after = 1000
    work = fetch(part(server.url("/file")), tmp_path, Patience(timeout=10**6))
    while (fraction := next(work)) == 0:
        pass
    assert fraction == pytest.approx(1000 / 300_000)
    assert next(work) == fraction
    work.close()  # while the server is silent for ever: what waited for it would never come back
    assert left(tmp_path) == []


def test_a_full_disk_is_noticed_before_anything_is_asked(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=download.SPARE + len(CONTENT) - 1))
    with pytest.raises(StorageError, match="disk is full"):
        finished(fetch(part(server.url("/file")), tmp_path, QUICK))
    assert server.asked == []
    assert left(tmp_path) == []


def test_a_disk_that_fills_up_meanwhile(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_SPACE_EVERY", 1)
    usage, free = shutil.disk_usage(tmp_path), [1 << 40, 0]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free.pop(0) if len(free) > 1 else free[0]))
    with pytest.raises(StorageError, match="disk is full"):
        finished(fetch(part(server.url("/file")), tmp_path, QUICK))
    assert len(server.asked) == 1
    assert left(tmp_path) == []


def test_two_programs_do_not_write_one_file(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.lock").write_text(str(os.getppid()))
    with pytest.raises(DataError, match="another genstudio"):
        finished(fetch(part(server.url("/file")), tmp_path, QUICK))
    for owner in ("2147483646", "", "nonsense"):
        (tmp_path / "file.bin.lock").write_text(owner)
        assert finished(fetch(part(server.url("/file")), tmp_path, QUICK)).read_bytes() == CONTENT
        assert left(tmp_path) == ["file.bin"]


@pytest.mark.parametrize("note", ["", "[]", "{", json.dumps({"url": 5, "validator": ["x"]}), "9" * 5000])
def test_a_strange_note_does_no_harm(server: Server, tmp_path: Path, note: str) -> None:
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:5000])
    (tmp_path / "file.bin.part.json").write_text(note)
    assert finished(fetch(part(server.url("/file")), tmp_path, QUICK)).read_bytes() == CONTENT
    assert server.asked[0].range == "bytes=5000-"


def test_an_encrypted_page_may_not_lead_to_an_open_one() -> None:
    import urllib.request

    asked = urllib.request.Request("https://127.0.0.1/x")
    redirects: Any = web._Redirects()
    with pytest.raises(web.WrongError, match="encrypted"):
        redirects.redirect_request(asked, None, 302, "", {}, "http://127.0.0.1/x")
    assert redirects.redirect_request(asked, None, 302, "", {}, "https://127.0.0.1/y") is not None
