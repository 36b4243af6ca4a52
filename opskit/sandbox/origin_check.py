"""Which requests the sandbox accepts: those of programs on this machine, not those of web pages in a browser.

A page of any site can send requests to 127.0.0.1, and one whose name is rebound to 127.0.0.1 can read the answers too;
what it created here, such as a notebook, would run as the user. AWS's own endpoints do not have this problem.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from werkzeug.wrappers import Request

_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
# SDKs put an account or a bucket in front of the host; no site can have such a name.
_LOCAL_SUFFIXES = (".127.0.0.1", ".localhost")


def foreign_origin(request: Request) -> str | None:
    """The site that a request was sent to or from, where it is another machine's; None for accepted requests."""
    host, origin = request.headers.get("Host"), request.headers.get("Origin")
    for url in (f"http://{host}" if host else None, origin):
        if url is not None and not _is_local_origin(url):
            return url
    return None


def _is_local_origin(url: str) -> bool:
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return name in _LOCAL_HOSTS or name.endswith(_LOCAL_SUFFIXES)
