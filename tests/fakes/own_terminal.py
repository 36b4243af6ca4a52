"""Makes standard input the controlling terminal of its process, then is the script that its arguments begin with."""

from __future__ import annotations

import fcntl
import os
import runpy
import sys
import termios

if __name__ == "__main__":
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
