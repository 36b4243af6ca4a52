"""What runs inside a notebook instance beside what its Jupyter tells, as two readings a few seconds apart show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class InstanceProcess:
    """A process of the instance. Of its command line only what it runs is here: arguments hold secrets.

    ``program`` and ``script`` (None: it runs none) are base names. ``states`` are the kernel's letters at the two
    readings, the first one empty where the process was begun between them. ``begun_after_boot`` is how long after the
    boot it was begun, ``cpu_grown`` what of the processor's time it used between the readings, ``cpu`` in all;
    ``children_grown`` is what children of it that ended between the readings had used.
    ``kernel_id`` is the id of the Jupyter kernel that it says it is (so does what a kernel has forked); ``unit`` the
    system service it belongs to, None where it belongs to none. ``is_bare_shell`` says that it is a shell which was
    given neither a script nor a command to run, ``had_child`` that at either reading a process had been begun by it,
    ``is_inspection`` that it is an inspection by this run of opskit or another. ``threads`` is how many it has: one
    whose main thread has ended, which Linux calls a zombie, goes on with the others.
    """

    pid: int
    parent: int
    user: str
    program: str
    script: str | None
    states: tuple[str, str]
    age: timedelta
    begun_after_boot: timedelta
    cpu: timedelta
    cpu_grown: timedelta
    children_grown: timedelta = timedelta(0)
    is_kernel_thread: bool = False
    kernel_id: str | None = None
    unit: str | None = None
    is_bare_shell: bool = False
    had_child: bool = False
    is_inspection: bool = False
    threads: int = 1

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.states[1] in ("Z", "X") and self.threads <= 1


@dataclass(frozen=True)
class GpuUse:
    """How busy the instance's GPUs were, in percent, the busiest of each reading first; empty: it has none.
    ``has_processes`` says whether any process was seen to use one. ``error`` is why it is not known; None: it is.
    """

    percent: tuple[int, ...] = ()
    has_processes: bool = False
    error: str | None = None


@dataclass(frozen=True)
class InstanceReading:
    """All that two readings ``interval`` apart showed. ``shell`` is the process of our own shell.

    ``newest_file`` is how long ago a file below the volume was last changed; None: none was seen;
    ``all_files_seen`` whether the time sufficed to look at them all; ``is_changing``: one was changed meanwhile.
    """

    processes: tuple[InstanceProcess, ...]
    shell: int
    interval: timedelta
    gpus: GpuUse = GpuUse()
    newest_file: timedelta | None = None
    all_files_seen: bool = True
    is_changing: bool = False


@dataclass(frozen=True)
class NoTerminal:
    """There is no terminal to look through, and why."""

    reason: str
