"""Does anything work in a notebook instance of which its Jupyter knows nothing? Two readings of its processes in, a
finding out.

Each process falls under one rule of the table. What does not look like work, but was begun by somebody and may wait for
something, is unknown, as an open terminal is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from opskit.core.instance_processes import GpuUse, InstanceProcess, InstanceReading
from opskit.core.text import format_duration

BUSY_SHARE = 0.05
"""Of the time between the readings: what uses more of a processor works. A daemon at rest stays far below."""

BOOT_SPAN = timedelta(minutes=10)
"""What was begun so soon after the boot belongs to the system (or to a lifecycle script, which has five minutes)."""

# On a processor or about to be; waiting for a disk.
_WORKING_STATES = frozenset({"R", "D"})

_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish", "csh", "tcsh"})
# System services that begin what somebody else has asked for.
_USER_PROCESS_SERVICES = frozenset(
    f"{name}.service" for name in ("cron", "crond", "atd", "ssh", "sshd", "amazon-ssm-agent")
)
# Their own processes, which are of the system.
_DAEMONS = frozenset({"cron", "crond", "atd", "sshd", "sshd:", "amazon-ssm-agent"})


class BackgroundState(StrEnum):
    """What goes on beside Jupyter."""

    NOTHING = "nothing"
    BUSY = "busy"
    UNKNOWN = "unknown"

    @property
    def is_work(self) -> bool:
        """Whether somebody's work certainly goes on."""
        match self:
            case BackgroundState.BUSY:
                return True
            case BackgroundState.NOTHING | BackgroundState.UNKNOWN:
                return False

    @property
    def may_be_work(self) -> bool:
        """Whether somebody's work may go on, so that nobody can say that nothing does."""
        match self:
            case BackgroundState.BUSY | BackgroundState.UNKNOWN:
                return True
            case BackgroundState.NOTHING:
                return False


@dataclass(frozen=True)
class BackgroundFinding:
    """What goes on beside Jupyter, and why that is said. ``readable`` False: it is unknown because a part of it could
    not be read.
    """

    state: BackgroundState
    reason: str
    readable: bool = True


@dataclass(frozen=True)
class _ProcessContext:
    """What a process is judged by besides itself. ``jupyter`` is Jupyter with all that it comes from; empty: it is not
    among the processes. ``jupyter_unit`` is the system service that it belongs to; None: to none.
    """

    jupyter: frozenset[int]
    ours: frozenset[int]
    jupyter_unit: str | None
    idle_kernels: frozenset[int]
    parents: frozenset[int]
    subshell_parents: frozenset[int]
    interval: timedelta


def judge_background(
    reading: InstanceReading, idle_kernels: Collection[str], after: timedelta, *, ignore_sleeping: bool = False
) -> BackgroundFinding:
    """What goes on beside Jupyter. ``idle_kernels`` are the ids of the kernels that Jupyter calls idle, ``after`` is
    the age from which a changed file is nobody's work any more; ``ignore_sleeping``: what waits is nobody's either.
    """
    around = _find_context(reading, idle_kernels)
    judged = [(_judge_process(process, around), process) for process in reading.processes]
    working = [process for state, process in judged if state.is_work]
    if working:
        return BackgroundFinding(BackgroundState.BUSY, f"{_describe_processes(working)} at work beside Jupyter")
    for finding in (_judge_gpus(reading.gpus), _judge_files(reading, after)):
        if finding is not None and finding.state.is_work:
            return finding
    if not around.jupyter:  # what waits in its service would be taken for the system's
        return BackgroundFinding(BackgroundState.UNKNOWN, "Jupyter's own process was not seen", readable=False)
    return _judge_waiting(reading, judged, after, ignore_sleeping=ignore_sleeping)


def _judge_waiting(
    reading: InstanceReading,
    judged: Sequence[tuple[BackgroundState, InstanceProcess]],
    after: timedelta,
    *,
    ignore_sleeping: bool,
) -> BackgroundFinding:
    """The finding where nothing works."""
    for finding in (_judge_gpus(reading.gpus), _judge_files(reading, after)):
        if finding is not None:
            return finding
    waiting = [process for state, process in judged if state.may_be_work]
    if not waiting:
        return BackgroundFinding(BackgroundState.NOTHING, "nothing runs beside Jupyter")
    said = f"{_describe_processes(waiting)} waiting beside Jupyter"
    if ignore_sleeping:
        return BackgroundFinding(BackgroundState.NOTHING, f"{said}, which --ignore-background disregards")
    return BackgroundFinding(BackgroundState.UNKNOWN, f"{said}, and for what cannot be seen")


def _find_context(reading: InstanceReading, idle_kernels: Collection[str]) -> _ProcessContext:
    by_pid = {process.pid: process for process in reading.processes}
    shell = by_pid.get(reading.shell)
    server = by_pid.get(shell.parent) if shell else None
    ancestors = _find_ancestors(server, by_pid) if server else frozenset()
    inspections = {reading.shell, *(process.pid for process in reading.processes if process.is_inspection)}
    own = {process.pid for process in reading.processes if inspections & _find_ancestors(process, by_pid)}
    return _ProcessContext(
        jupyter=ancestors,
        ours=frozenset(own),
        jupyter_unit=server.unit if server else None,
        idle_kernels=_find_kernels(reading, frozenset(idle_kernels), server, by_pid),
        parents=frozenset(process.parent for process in reading.processes if process.pid not in own),
        subshell_parents=_find_subshell_parents(reading, server),
        interval=reading.interval,
    )


def _find_kernels(
    reading: InstanceReading,
    ids: frozenset[str],
    server: InstanceProcess | None,
    by_pid: Mapping[int, InstanceProcess],
) -> frozenset[int]:
    """The processes that are the kernels of these ids."""
    found: dict[str, tuple[bool, timedelta, int]] = {}
    for process in reading.processes:
        if process.kernel_id is None or process.kernel_id not in ids:
            continue
        is_foreign = server is None or server.pid not in _find_ancestors(process, by_pid)
        # What a kernel has forked bears its command line too: so of all that do, the kernel is one that comes from the
        # server, and of these the oldest.
        rank = (is_foreign, process.begun_after_boot, process.pid)
        found[process.kernel_id] = min(found.get(process.kernel_id, rank), rank)
    return frozenset(pid for _, _, pid in found.values())


def _find_subshell_parents(reading: InstanceReading, server: InstanceProcess | None) -> frozenset[int]:
    """The processes of which a shell without a script may be a part that another shell has forked, such as a loop in
    the background: shells, and what takes over a process whose parent has ended.
    """
    shells = {process.pid for process in reading.processes if process.program in _SHELLS}
    reapers = {process.pid for process in reading.processes if process.pid == 1 or process.program == "systemd"}
    return frozenset(shells | reapers - {server.pid if server else None})


def _find_ancestors(process: InstanceProcess, by_pid: Mapping[int, InstanceProcess]) -> frozenset[int]:
    """The process and all that it comes from."""
    found: set[int] = set()
    at: InstanceProcess | None = process
    while at is not None and at.pid not in found:
        found.add(at.pid)
        at = by_pid.get(at.parent)
    return frozenset(found)


def _is_never_counted(process: InstanceProcess, around: _ProcessContext) -> bool:
    """Kernel threads, what has ended, Jupyter with all it comes from, our own shells, kernels that Jupyter calls idle,
    and shells that somebody types into and in which nothing runs.
    """
    if process.is_kernel_thread or process.has_ended:
        return True
    is_at_rest = process.is_bare_shell and not (process.had_child or process.pid in around.parents)
    if is_at_rest and process.parent not in around.subshell_parents:
        return True
    return process.pid in around.jupyter | around.ours | around.idle_kernels


def _is_of_the_system(process: InstanceProcess, around: _ProcessContext) -> bool:
    """As old as the boot, or below a system service other than Jupyter's own and those that let people in."""
    if process.begun_after_boot <= BOOT_SPAN:
        return True
    if process.unit in _USER_PROCESS_SERVICES:
        return process.program in _DAEMONS
    return process.unit is not None and process.unit != around.jupyter_unit


def _judge_process(process: InstanceProcess, around: _ProcessContext) -> BackgroundState:
    if _is_never_counted(process, around):
        return BackgroundState.NOTHING
    grown = process.cpu_grown
    if not _is_of_the_system(process, around):  # a daemon that ran a short command for itself did no work
        grown += process.children_grown
    if grown >= around.interval * BUSY_SHARE:
        return BackgroundState.BUSY
    if _is_of_the_system(process, around):
        return BackgroundState.NOTHING
    if _WORKING_STATES.issuperset(process.states):
        return BackgroundState.BUSY
    return BackgroundState.UNKNOWN


def _judge_gpus(gpus: GpuUse) -> BackgroundFinding | None:
    """What the GPUs say. Memory of a GPU is none of its time."""
    if gpus.error is not None:
        return BackgroundFinding(BackgroundState.UNKNOWN, gpus.error, readable=False)
    used = max(gpus.percent, default=0)
    if used == 0:
        return None
    if gpus.has_processes:
        return BackgroundFinding(BackgroundState.BUSY, f"a GPU is at {used} %")
    # Without a process that holds one, its use may be nvidia-smi's own, which wakes a GPU that rests.
    return BackgroundFinding(BackgroundState.UNKNOWN, f"a GPU is at {used} %, and nothing is said to use it")


def _judge_files(reading: InstanceReading, after: timedelta) -> BackgroundFinding | None:
    age = reading.newest_file
    if age is not None and age < after:
        said = f"a file on its volume was changed {format_duration(max(age, timedelta(0)))} ago"
        return BackgroundFinding(BackgroundState.BUSY, f"{said}, less than {format_duration(after)}")
    if not reading.all_files_seen:
        return BackgroundFinding(BackgroundState.UNKNOWN, "its volume has more files than can be looked at in time")
    if reading.is_changing:
        return BackgroundFinding(BackgroundState.BUSY, "a file on its volume was changed while opskit looked at it")
    return None


def _describe_processes(processes: Sequence[InstanceProcess]) -> str:
    """The busiest by name, and how many more there are."""
    # Of several by age, then by the lowest number: a loop is older than the command that it is at just now.
    first = max(processes, key=lambda process: (process.cpu_grown, process.cpu, process.age, -process.pid))
    more = len(processes) - 1
    others = f" and {more} more are" if more else " is"
    return f"{_describe_process(first)}{others}"


def _describe_process(process: InstanceProcess) -> str:
    what = process.program if process.script is None else f"{process.program} {process.script}"
    cpu = format_duration(process.cpu) if process.cpu >= timedelta(seconds=1) else "no"
    return f"{what} (of {process.user}, begun {format_duration(process.age)} ago, {cpu} CPU time)"
