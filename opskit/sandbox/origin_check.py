"""Who may talk to the sandbox: programs on this machine, and not the web pages that their user has open.

A page of any site can send requests to 127.0.0.1, and one whose name is rebound to 127.0.0.1 can read the answers too;
what it made here, a notebook for one, would run as the user. AWS is called by name and never meets this.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from werkzeug.wrappers import Request

_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
# SDKs put an account or a bucket in front of the host; no site can have such a name.
_LOCAL_SUFFIXES = (".127.0.0.1", ".localhost")


def foreign_origin(request: Request) -> str | None:
    """The site that a request was sent to or from, where that is another machine's; None for those let in."""
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
