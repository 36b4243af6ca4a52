"""A notebook sees its own processes only, as on an instance of its own.

Where the kernel allows it, its Jupyter lives in a PID namespace (and a time namespace, so that the instance booted when
the notebook was started); elsewhere a ``ps`` that shows the notebook's own stands first in its PATH. So does an
``nvidia-smi``, everywhere: this machine's GPUs are not the notebook's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

_NAMESPACES = ("--pid", "--fork", "--kill-child", "--mount-proc")
_AS_USER = ("--user", "--map-current-user")
_BOOT_SECONDS = 30
"""An instance is up for so long before its Jupyter is started."""

_PS = """#!{python} -IS
import os, pwd, sys
sys.path[:] = {path!r}
import psutil

KNOWN = {{
    "pid": lambda each: each.pid, "ppid": lambda each: each.ppid(), "user": lambda each: each.username(),
    "stat": lambda each: each.status()[:1].upper(), "args": lambda each: " ".join(each.cmdline()) or each.name(),
}}
here = psutil.Process()
while here.parent() and "opskit.sandbox.processes" not in here.cmdline():
    here = here.parent()
asked = " ".join(word for word in sys.argv[1:] if "=" in word or "," in word) or "pid=,ppid=,user=,stat=,args="
columns = [word.partition("=")[0].partition(":")[0] for word in asked.replace(" ", ",").split(",") if word]
for each in here.children(recursive=True):
    try:
        print(*(KNOWN[column](each) for column in columns))
    except psutil.Error:
        continue
"""

_NVIDIA_SMI = """#!/bin/sh
# The GPUs of this notebook: each line of the file is the utilization of one in percent.
gpus={gpus}
[ -s "$gpus" ] || {{ echo "No devices were found"; exit 6; }}
case "$*" in
*--query-compute-apps=*) while read -r used; do [ "$used" -eq 0 ] || echo 4242; done < "$gpus" ;;
*--query-gpu=utilization.gpu*) cat "$gpus" ;;
*) echo "NVIDIA-SMI of the sandbox: it knows --query-gpu=utilization.gpu and --query-compute-apps=pid"; exit 2 ;;
esac
"""


def isolating_command(up_seconds: float) -> tuple[str, ...]:
    """What stands before a command that is to see only itself and what it starts, on an instance that has been up for
    so long; empty where the kernel does not allow it.
    """
    prefix = allowed_namespaces()
    if "--time" not in prefix:
        return prefix
    boot = int(up_seconds) + _BOOT_SECONDS - int(time.clock_gettime(time.CLOCK_BOOTTIME))
    return (*prefix, "--boottime", str(boot))


@cache
def allowed_namespaces() -> tuple[str, ...]:
    """The most that this machine allows."""
    unshare = shutil.which("unshare")
    if unshare is None or sys.platform != "linux":
        return ()
    for more in (("--time",), (*_AS_USER, "--time"), (), _AS_USER):
        command = (unshare, *more, *_NAMESPACES)
        tried = subprocess.run([*command, "true"], capture_output=True, check=False, stdin=subprocess.DEVNULL)
        if tried.returncode == 0:
            return command
    return ()


def install_programs(folder: Path, instance_type: str) -> None:
    """Put the programs that show a notebook what is its own into ``folder``, which is first in its PATH."""
    folder.mkdir()
    gpus = folder.parent / "gpus"
    gpus.write_text("0\n" if instance_type.startswith(("ml.p", "ml.g")) else "")
    _write_program(folder / "nvidia-smi", _NVIDIA_SMI.format(gpus=gpus))
    if not allowed_namespaces():
        _write_program(folder / "ps", _PS.format(python=sys.executable, path=[each for each in sys.path if each]))


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
