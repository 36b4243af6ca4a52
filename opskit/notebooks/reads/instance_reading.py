"""Reads what the command inside an instance wrote, and lets nothing of a command line out but what it runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from opskit.core.instance_processes import GpuUse, InstanceProcess, InstanceReading
from opskit.notebooks.reads.instance_command import COMMAND_ARGUMENTS, FIRST_LINE, LAST_LINE

_LINE = re.compile(r"([hgapbcf]) ?(.*)")
# Linux's PF_KTHREAD.
_KERNEL_THREAD = 0x00200000

_LONGEST_NAME = 64
_INTERPRETER = re.compile(
    r"(?:python|pypy|perl|ruby|node|bash|sh|dash|zsh|ksh|fish|Rscript|julia|java)[\d.]*", re.IGNORECASE
)
_SHELL = re.compile(r"(?:bash|sh|dash|zsh|ksh|fish|csh|tcsh)")
_CODE_LETTERS = (
    (_SHELL, "c"),
    (re.compile(r"python|pypy", re.IGNORECASE), "c"),
    (re.compile(r"perl|ruby|node|julia|Rscript", re.IGNORECASE), "eEp"),
)
_FILE_NAME = re.compile(r"[\w.+@-]{1,64}")
_TAKES_A_VALUE = frozenset(
    {"-W", "-X", "-cp", "-classpath", "-r", "--require", "-o", "-O", "-I", "--rcfile", "--init-file"}
)
_KERNEL_FILE = re.compile(r"/kernel-([0-9A-Za-z-]+)\.json")


@dataclass(frozen=True)
class _Stat:
    """A line of /proc/PID/stat; times in the kernel's ticks."""

    pid: int
    state: str
    parent: int
    flags: int
    own: int
    waited_for: int
    begun: int
    threads: int


@dataclass(frozen=True)
class _Listed:
    """A line of ``ps``."""

    pid: int
    parent: int
    user: str
    arguments: str


def parse_reading(written: str) -> InstanceReading:
    """The readings in what a terminal wrote.

    Raises:
        ValueError: they are not there once and whole. Its text quotes nothing of them.
    """
    shell, parts = _split_parts(written)
    ticks = int(_only_line(parts["h"]))
    up_before, before = _parse_stats(parts["a"])
    up_after, after = _parse_stats(parts["b"])
    if ticks <= 0 or up_after <= up_before:
        raise ValueError("its clock does not advance")
    # A child that a loop begins anew again and again may be gone before the list is written.
    parents = {stat.parent for stat in (*before.values(), *after.values())}
    listed = [_parse_listed(line) for line in parts["p"]]
    # Reversed, so that of several lines of one process the first stays.
    units = dict(_parse_unit(line) for line in reversed(parts["c"]))
    processes = [
        _build_process(each, before.get(each.pid), after[each.pid], units.get(each.pid), ticks, up_after, parents)
        for each in listed
        if each.pid in after  # what has ended meanwhile is nothing any more
    ]
    # What ran all the time is in a whole list, whatever began and ended beside it.
    is_short = bool((before.keys() & after.keys()) - {each.pid for each in listed})
    if shell not in after or not processes or is_short:
        raise ValueError("its list of processes is incomplete")
    newest, whole = _parse_files(_only_line(parts["f"]))
    interval = timedelta(seconds=up_after - up_before)
    return InstanceReading(tuple(processes), shell, interval, _parse_gpus(parts["g"]), newest, whole)


def _split_parts(written: str) -> tuple[int, Mapping[str, Sequence[str]]]:
    """The shell's process number, and the lines between first and last by what they are about."""
    lines = [line.rstrip("\r") for line in written.split("\n")]
    first = [at for at, line in enumerate(lines) if re.fullmatch(rf"{FIRST_LINE} \d+", line)]
    last = [at for at, line in enumerate(lines) if re.fullmatch(rf"{LAST_LINE} \d+", line)]
    if len(first) != 1 or len(last) != 1 or first[0] > last[0]:
        raise ValueError("its output is incomplete")
    shell, again = (int(lines[at].rpartition(" ")[2]) for at in (first[0], last[0]))
    if shell != again:
        raise ValueError("its output is incomplete")
    parts: dict[str, list[str]] = {letter: [] for letter in "hgapbcf"}
    for line in lines[first[0] + 1 : last[0]]:
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError("its output could not be parsed")
        parts[found[1]].append(found[2])
    return shell, parts


def _only_line(lines: Sequence[str]) -> str:
    (line,) = [line for line in lines if line] or [""]
    return line


def _parse_stats(lines: Sequence[str]) -> tuple[float, dict[int, _Stat]]:
    """The seconds since the boot, and every process by its number."""
    if not lines:
        raise ValueError("its list of processes is incomplete")
    stats = [_parse_stat(line) for line in lines[1:]]
    # The first line is of /proc/uptime.
    return float(lines[0]), {stat.pid: stat for stat in stats}


def _parse_stat(line: str) -> _Stat:
    pid, state, parent, flags, user, system, child_user, child_system, threads, _, begun = line.split(" ")
    if not re.fullmatch("[A-Za-z]", state):
        raise ValueError("its list of processes could not be parsed")
    own, waited_for = int(user) + int(system), int(child_user) + int(child_system)
    return _Stat(int(pid), state, int(parent), int(flags), own, waited_for, int(begun), int(threads))


def _parse_listed(line: str) -> _Listed:
    pid, parent, user, *arguments = line.split(None, 3)
    return _Listed(int(pid), int(parent), _clean_name(user), arguments[0] if arguments else "")


def _parse_unit(line: str) -> tuple[int, str]:
    """A process number and the first service on the way to its control group."""
    found = re.fullmatch(r"/proc/(\d+)/cgroup:.*?/([^/]+[.]service)(?:/.*)?", line)
    if found is None:
        raise ValueError("its list of services could not be parsed")
    return int(found[1]), _clean_name(found[2])


def _build_process(
    listed: _Listed,
    before: _Stat | None,
    after: _Stat,
    unit: str | None,
    ticks: int,
    up: float,
    parents: Collection[int],
) -> InstanceProcess:
    if before is not None and before.begun != after.begun:
        before = None  # its number went to another process
    # The kernel counts in ticks since the boot.
    begun = after.begun / ticks
    program, script = name_program(listed.arguments)
    kernel = _KERNEL_FILE.search(listed.arguments)
    return InstanceProcess(
        pid=listed.pid,
        parent=after.parent,
        user=listed.user,
        program=program,
        script=script,
        states=(before.state if before else "", after.state),
        age=timedelta(seconds=max(up - begun, 0.0)),
        begun_after_boot=timedelta(seconds=begun),
        cpu=timedelta(seconds=after.own / ticks),
        cpu_grown=timedelta(seconds=(after.own - (before.own if before else 0)) / ticks),
        children_grown=timedelta(seconds=(after.waited_for - (before.waited_for if before else 0)) / ticks),
        is_kernel_thread=bool(after.flags & _KERNEL_THREAD),
        kernel_id=kernel[1] if kernel else None,
        unit=unit,
        had_child=listed.pid in parents,
        is_inspection=listed.arguments.startswith(COMMAND_ARGUMENTS),
        threads=after.threads,
        is_bare_shell=_SHELL.fullmatch(program) is not None and _is_bare(program, listed.arguments.split()[1:]),
    )


def name_program(arguments: str) -> tuple[str, str | None]:
    """The base names of the program that a command line runs and, where that is an interpreter, of its script. No other
    word of it, and nothing that stands after a ``=``, which may be a value.
    """
    words = arguments.split()
    program = _clean_name(_base_name(words[0].strip("[]").partition("=")[0]).lstrip("-")) if words else "?"
    return program, _find_script(program, words[1:]) if _INTERPRETER.fullmatch(program) else None


def _is_bare(shell: str, words: Sequence[str]) -> bool:
    """Whether a shell reads what somebody types, and runs neither a script nor what stands in its ``words``."""
    left = iter(words)
    for word in left:
        if not word.startswith("-") or _holds_code(shell, word):
            return False
        if word in _TAKES_A_VALUE:
            next(left, "")
    return True


def _find_script(program: str, words: Sequence[str]) -> str | None:
    left = iter(words)
    for word in left:
        if word in ("-m", "-jar"):
            return _name_or_none(next(left, ""))
        if not word.startswith("-"):
            return _name_or_none(word)
        if word in _TAKES_A_VALUE:
            next(left, "")
        elif _holds_code(program, word):
            return None
    return None


def _holds_code(program: str, option: str) -> bool:
    """Whether the next word is no file but what is to be run, as with ``-c``, or ``-lc`` of a shell."""
    if option in ("-c", "-e", "-E", "-p", "--eval", "--print", "-"):
        return True
    if option.startswith("--"):
        return False
    # Letters stand together, as in `python -uc` and `perl -ne`.
    return any(letter in option for family, letters in _CODE_LETTERS if family.match(program) for letter in letters)


def _name_or_none(word: str) -> str | None:
    name = _base_name(word)
    return name if "=" not in word and _FILE_NAME.fullmatch(name) else None


def _base_name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _clean_name(name: str) -> str:
    return re.sub(r"[^\w.+:@-]", "?", name)[:_LONGEST_NAME] or "?"


def _parse_files(line: str) -> tuple[timedelta | None, bool]:
    """How long ago a file was last changed (None: there is none), and whether all were looked at."""
    code, now, newest = (int(word) for word in line.split(" "))
    if code not in (0, 1, 124):  # 1: it may not enter a folder of root's; 124: the time was over
        raise ValueError("its files could not be listed")
    return (timedelta(seconds=now - newest) if newest else None), code != 124


def _parse_gpus(lines: Sequence[str]) -> GpuUse:
    """What two calls of nvidia-smi said."""
    codes = [int(line.removeprefix("exit ")) for line in lines if line.startswith("exit ")]
    numbers = [line.strip() for line in lines if line and not line.startswith(("exit ", "by ")) and line != "device"]
    has_device = "device" in lines
    # Where it fails on an instance without the device, there is no GPU.
    if not any(code == 0 for code in codes) and not has_device:
        return GpuUse()
    if not codes or any(codes) or not numbers or not all(re.fullmatch(r"\d{1,3}", each) for each in numbers):
        return GpuUse(error="its GPUs cannot be read")
    used = sorted(map(int, numbers), reverse=True)
    return GpuUse(tuple(used), any(re.fullmatch(r"by +\d+", line) for line in lines))
