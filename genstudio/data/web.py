"""Asking for a page or a part of it: web addresses only, a few redirects, errors in words."""

from __future__ import annotations

import functools
import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

from genstudio import __version__

_REDIRECTS = 5


class WrongError(Exception):
    """This address does not give the file that was promised."""


class BrokenError(Exception):
    """The connection failed; what was received can be used."""


class CannotContinueError(BrokenError):
    """The server has no such part of the file: what was received is of no use."""


def get(url: str, have: int, validator: str | None, timeout: float) -> Any:
    """The answer to a request for what follows the first `have` bytes of a file, or for all of it.

    `validator` is the ETag or date of the file that the bytes came from. Raises WrongError, BrokenError.
    """
    headers = {"User-Agent": f"genstudio/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator is not None:
            headers["If-Range"] = validator
    _check_scheme(url)
    try:
        return _opener().open(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refusal(error.code) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise BrokenError(f"no answer for {timeout:g} s") from None
        raise BrokenError(f"not reached ({words(error.reason)})") from None
    except TimeoutError:
        raise BrokenError(f"no answer for {timeout:g} s") from None
    except (http.client.HTTPException, OSError) as error:
        raise BrokenError(f"the connection failed ({words(error)})") from None


def host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or url


def words(error: Any) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _refusal(code: int) -> WrongError | BrokenError:
    if code == 416:
        return CannotContinueError("it refused to resume the file")
    if code >= 500 or code in (408, 429):
        return BrokenError(f"the server has a problem ({code})")
    return WrongError("the file no longer exists (404)" if code == 404 else f"it refused ({code})")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """A few redirects, to other web pages only, and never from an encrypted page to one that is not."""

    max_redirections = _REDIRECTS
    max_repeats = 2

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise WrongError("it redirects from an encrypted page to an unencrypted one")
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        _check_scheme(urllib.parse.urljoin(req.full_url, headers.get("Location", "")))
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except urllib.error.HTTPError as error:
            error.close()
            raise WrongError("it redirects in a circle, or too often") from None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


@functools.cache
def _opener() -> urllib.request.OpenerDirector:
    """Web pages only: no files, no FTP, no data addresses."""
    opener = urllib.request.OpenerDirector()
    handlers: list[Callable[[], urllib.request.BaseHandler]] = [
        urllib.request.ProxyHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler, urllib.request.HTTPErrorProcessor, _Redirects,
    ]  # fmt: skip
    for handler in handlers:
        opener.add_handler(handler())
    return opener


def _check_scheme(url: str) -> None:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise WrongError("it redirects to something that is not a web page")
