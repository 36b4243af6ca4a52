"""Shows a page whose address is a key in the user's browser.

A browser is started with what it is to show on its command line, which every user of the machine can read. So it gets
a file that only this user can read, which leads on to the address, as Jupyter does it; the file is gone as soon as the
browser has read it.
"""

from __future__ import annotations

import html
import os
import shutil
import sys
import tempfile
import time
import webbrowser
from pathlib import Path

_PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={url}"><title>opskit</title></head>
<body><a href="{url}">Open the notebook</a></body></html>
"""
READ_SECONDS = 15.0
"""A browser that has to be started first takes so long at most until it has read the page."""

_POLL_SECONDS = 0.1
# A browser may look at a file before it reads it.
_SETTLE_SECONDS = 1.0


def find_browser() -> webbrowser.BaseBrowser | None:
    """The browser of this desktop, or the one that $BROWSER names; None: there is neither."""
    has_screen = sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not (has_screen or os.environ.get("BROWSER")):
        return None  # else Python would take a browser in text, which no Jupyter works in
    try:
        return webbrowser.get()
    except webbrowser.Error:
        return None


def open_secret_url(browser: webbrowser.BaseBrowser, url: str) -> bool:
    """Let a browser show an address that nobody else may see. Returns whether it could be started."""
    folder = Path(tempfile.mkdtemp(prefix="opskit-open-", dir=_page_parent()))
    try:
        page = folder / "notebook.html"
        # Before the key is written: a file that is created readable and closed afterwards can be read in between.
        page.touch(mode=0o600)
        page.write_text(_PAGE.format(url=html.escape(url)), encoding="utf-8")
        os.utime(page, (0, page.stat().st_mtime))  # a first reading is then seen also where the disk notes few of them
        if not browser.open(page.as_uri()):
            return False
        _wait_until_read(page)
        return True
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _page_parent() -> Path | None:
    """Where the page may lie; None: wherever temporary files go."""
    home = Path.home()
    # In the home, in no hidden folder and not in /tmp: browsers in a sandbox of their own (snap, flatpak) cannot read
    # those.
    return home if os.access(home, os.W_OK) else None


def _wait_until_read(page: Path) -> None:
    until = time.monotonic() + READ_SECONDS
    while time.monotonic() < until:
        # The page was written with a time of access of 0: the first reader moves it.
        if page.stat().st_atime > 0:
            time.sleep(_SETTLE_SECONDS)
            return
        time.sleep(_POLL_SECONDS)
