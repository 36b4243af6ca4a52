"""What the command inside an instance writes, read by a real shell and by hand; nothing of a command line gets out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.instance_processes import GpuUse, InstanceProcess
from opskit.notebooks.reads.instance_command import COMMAND
from opskit.notebooks.reads.instance_reading import name_program, parse_reading
from tests.waiting import wait_until

SECRET = "hunter2-is-a-secret"
WRITTEN = """\x1b]0;somebody@there\x07\x1b[01;32m$ unset HISTFILE; exec sh -c '...; echo "opskit-inside-1 $$"; ...'\r
\x1b[?2004l\r
opskit-inside-1 50\r
h 100\r
g 0\r
g exit 0\r
a 1000.00\r
a 1 S 0 4194560 200 50 900 90 1 0 2\r
a 10 S 1 4194560 100 10 0 0 1 0 9000\r
a 50 S 10 4194304 0 0 0 0 1 0 99900\r
a 77 S 1 4194304 500 100 0 0 1 0 20000\r
a 88 I 2 2129984 0 0 0 0 1 0 3\r
p     1     0 root                             /usr/lib/systemd/systemd --switched-root\r
p    10     1 ec2-user                         /home/ec2-user/anaconda3/bin/python /bin/jupyter-lab --port 8443\r
p    50    10 ec2-user                         sh -c LC_ALL=C; ...\r
p    77     1 ec2-user                         python train.py --password hunter2-is-a-secret\r
p    88     2 root                             [kworker/0:1-events]\r
p    99    50 ec2-user                         ps -eww\r
b 1003.00\r
b 1 S 0 4194560 200 50 900 90 1 0 2\r
b 10 S 1 4194560 101 10 0 0 1 0 9000\r
b 50 S 10 4194304 0 0 0 0 1 0 99900\r
b 77 R 1 4194304 560 100 7 3 1 0 20000\r
b 88 I 2 2129984 0 0 0 0 1 0 3\r
g 0\r
g exit 0\r
c /proc/10/cgroup:/system.slice/jupyter-server.service\r
c /proc/77/cgroup:/system.slice/system-getty.slice/getty@tty1.service\r
f 0 1772366400 1772366000\r
opskit-inside-end 50\r
"""


def test_an_instance_reading_is_read_line_by_line() -> None:
    seen = parse_reading(WRITTEN)
    assert (seen.shell, seen.interval, seen.gpus) == (50, timedelta(seconds=3), GpuUse((0, 0)))
    assert (seen.newest_file, seen.all_files_seen) == (timedelta(seconds=400), True)
    by_pid = {process.pid: process for process in seen.processes}
    assert set(by_pid) == {1, 10, 50, 77, 88}
    assert by_pid[77] == InstanceProcess(
        pid=77,
        parent=1,
        user="ec2-user",
        program="python",
        script="train.py",
        states=("S", "R"),
        age=timedelta(seconds=803),
        begun_after_boot=timedelta(seconds=200),
        cpu=timedelta(seconds=6.6),
        cpu_grown=timedelta(seconds=0.6),
        children_grown=timedelta(seconds=0.1),
        unit="getty@tty1.service",
    )
    assert by_pid[88].is_kernel_thread
    assert not by_pid[77].is_kernel_thread
    assert by_pid[10].unit == "jupyter-server.service"
    assert SECRET not in repr(seen)


LINES = WRITTEN.splitlines(keepends=True)
NEEDED = [at for at, line in enumerate(LINES) if re.match(r"opskit|h |[ab] \d+\.|f |b 50 ", line)]


@pytest.mark.parametrize("at", NEEDED, ids=[LINES[at].strip() for at in NEEDED])
def test_without_any_line_that_it_needs_it_is_no_reading(at: int) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_reading("".join(LINES[:at] + LINES[at + 1 :]))


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("h 100", "h 0"),
        ("b 1003.00", "b 1000.00"),
        ("b 77 R", "b 77 (a"),
        ("a 77 S 1 4194304 500", "a 77 S 1 4194304 x"),
        ("f 0 ", "f 2 "),
        ("opskit-inside-end 50", "opskit-inside-end 51"),
        ("opskit-inside-1 50\r\n", "opskit-inside-1 50\r\nopskit-inside-1 50\r\n"),
        ("h 100", "a motd that talks"),
        ("p    77     1 ec2-user", "p    77"),
    ],
)
def test_what_makes_no_sense_is_no_reading(here: str, there: str) -> None:
    assert here in WRITTEN
    with pytest.raises(ValueError, match=r".*"):
        parse_reading(WRITTEN.replace(here, there))


@given(st.integers(0, len(WRITTEN)), st.text(max_size=30), st.integers(0, 60))
def test_no_damage_raises_anything_else_or_lets_a_secret_out(at: int, put: str, cut: int) -> None:
    try:
        seen = parse_reading(WRITTEN[:at] + put + WRITTEN[at + cut :])
    except ValueError as error:
        assert SECRET not in str(error)
    else:
        assert SECRET not in repr(seen)


@pytest.mark.parametrize(
    ("lines", "gpus"),
    [
        ("", GpuUse()),
        ("g No devices were found\ng exit 6\n", GpuUse()),
        ("g NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\ng exit 9\n", GpuUse()),
        ("g exit 124\ng device\n", GpuUse(error="its GPUs cannot be read")),
        ("g device\n", GpuUse(error="its GPUs cannot be read")),
        ("g [N/A]\ng exit 0\n", GpuUse(error="its GPUs cannot be read")),
        ("g 0\ng 37\ng exit 0\ng by 4242\ng device\n", GpuUse((37, 0, 0), has_processes=True)),
    ],
)
def test_gpu_use_in_a_reading(lines: str, gpus: GpuUse) -> None:
    first = WRITTEN.replace("g 0\r\ng exit 0\r\n", lines, 1)
    again = "" if gpus.error or not gpus.percent else "g 0\r\ng exit 0\r\n"
    assert parse_reading(first.replace("g 0\r\ng exit 0\r\n", again)).gpus == gpus


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("python train.py --password hunter2", ("python", "train.py")),
        ("/usr/bin/python3.10 -u -W ignore /home/me/train.py", ("python3.10", "train.py")),
        ("python -c import\\ os;hunter2", ("python", None)),
        ("python -uc hunter2", ("python", None)),
        ("python3 -Bc hunter2 x", ("python3", None)),
        ("perl -ne hunter2", ("perl", None)),
        ("perl -i -pe hunter2", ("perl", None)),
        ("node --require hunter2 server.js", ("node", "server.js")),
        ("python -m http.server 8000", ("python", "http.server")),
        ("python", ("python", None)),
        ("-bash", ("bash", None)),
        ("bash -lc export KEY=hunter2", ("bash", None)),
        ("bash run.sh hunter2", ("bash", "run.sh")),
        ("perl -e hunter2", ("perl", None)),
        ("node --max-old-space-size=4096 server.js", ("node", "server.js")),
        ("java -Xmx4g -jar /opt/app.jar --token hunter2", ("java", "app.jar")),
        ("mysql -phunter2 things", ("mysql", None)),
        ("sshpass -p hunter2 ssh host", ("sshpass", None)),
        ("curl https://me:hunter2@host/", ("curl", None)),
        ("nginx: worker process", ("nginx:", None)),
        ("[kworker/0:1-events]", ("0:1-events", None)),
        ("python https://me:hunter2@host/?key=hunter2", ("python", None)),
        ("TOKEN=hunter2", ("TOKEN", None)),
        ("TOKEN=a/hunter2 more", ("TOKEN", None)),
        ("/opt/train=hunter2", ("train", None)),
        ("/opt/TOKEN=a/hunter2", ("TOKEN", None)),
        ("=hunter2", ("?", None)),
        ("python KEY=a/hunter2", ("python", None)),
        ("python https://host/?key=a/hunter2", ("python", None)),
        ("", ("?", None)),
    ],
)
def test_names_are_base_names_and_nothing_else(arguments: str, named: tuple[str, str | None]) -> None:
    assert name_program(arguments) == named


@pytest.mark.parametrize(
    ("arguments", "is_bare"),
    [
        ("-bash", True),
        ("bash", True),
        ("/bin/bash --login -i", True),
        ("bash --rcfile /home/me/.rc -i", True),
        ("zsh -l", True),
        ("-tcsh", True),
        ("sh -c while :; do :; done", False),
        ("bash -lc train", False),
        ("bash run.sh", False),
        ("sh -e job.sh", False),
        ("python", False),
        ("", False),
    ],
)
def test_a_bare_shell_is_one_without_a_script_or_a_command(arguments: str, is_bare: bool) -> None:
    seen = parse_reading(WRITTEN.replace("python train.py --password hunter2-is-a-secret", arguments))
    [shell] = [process for process in seen.processes if process.pid == 77]
    assert shell.is_bare_shell == is_bare


def test_a_child_that_is_gone_when_the_list_is_written_is_seen_all_the_same() -> None:
    for reading in ("a", "b"):
        line = f"{reading} 78 S 77 4194304 0 0 0 0 1 0 99999\r\n"
        seen = parse_reading(WRITTEN.replace(f"{reading} 88 I", f"{line}{reading} 88 I"))
        assert [process.pid for process in seen.processes if process.had_child] == [1, 10, 77]


@given(st.text(max_size=60), st.lists(st.text(max_size=10), max_size=4))
def test_an_argument_after_the_script_never_gets_out(program: str, more: list[str]) -> None:
    line = " ".join(["python train.py", *more, f"--key={SECRET}", SECRET])
    assert SECRET not in "".join(filter(None, name_program(line)))
    assert re.fullmatch(r"[\w.+:@?-]{1,64}", name_program(program)[0])


def test_the_command_is_one_line_that_every_terminal_takes() -> None:
    assert COMMAND.startswith("unset HISTFILE; exec ")
    assert (COMMAND.count("'"), COMMAND.count("\r"), COMMAND.isascii(), "\n" in COMMAND) == (2, 1, True, False)
    assert len(COMMAND) < 4096


@contextmanager
def running(*command: str) -> Iterator[int]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


SHELLS = {os.path.realpath(found): name for name in ("sh", "bash", "dash", "zsh") if (found := shutil.which(name))}
"""Those of this machine; ``sh`` is often one of the others."""


def make_volume(home: Path) -> None:
    """A volume with a file of two hours ago, one of tomorrow, and a checkpoint of just now."""
    volume = home / "SageMaker"
    (volume / ".ipynb_checkpoints").mkdir(parents=True)
    for name, ago in (("old.ipynb", 7200), (".ipynb_checkpoints/old.ipynb", 60), ("tomorrow", -86400), ("", 7200)):
        if name:
            (volume / name).touch()
        now = (volume / name).stat().st_mtime
        os.utime(volume / name, (now - ago, now - ago))


# Both compute for a few milliseconds at a time: far more than the hundredth of a second that is seen of three seconds.
_COMPUTES = "while :; do i=0; while [ $i -lt 5000 ]; do i=$((i + 1)); done; sleep 0.1; done"
_GOES_ON = """
import ctypes, threading, time
def compute():
    while True:
        sum(range(200000))
        time.sleep(0.1)
threading.Thread(target=compute).start()
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a main thread ends alone on Linux")
def test_a_zombie_whose_other_threads_compute_is_at_work(tmp_path: Path) -> None:
    make_volume(tmp_path)
    with running(sys.executable, "-c", _GOES_ON) as busy:
        wait_until(lambda: ") Z " in Path(f"/proc/{busy}/stat").read_text())
        seen = parse_reading(run_in_shell("sh", COMMAND.replace("sleep 2;", ""), tmp_path))
    [process] = [each for each in seen.processes if each.pid == busy]
    assert (process.states, process.threads, process.has_ended) == (("Z", "Z"), 2, False)
    assert process.cpu_grown > timedelta(0)


@pytest.mark.parametrize("shell", SHELLS.values())
def test_a_real_shell_runs_it(shell: str, tmp_path: Path) -> None:
    make_volume(tmp_path)
    with running("sh", "-c", _COMPUTES) as busy, running("sleep", "1000") as idle:
        written = run_in_shell(shell, COMMAND, tmp_path)
    seen = parse_reading(written)
    by_pid = {process.pid: process for process in seen.processes}
    assert (by_pid[busy].program, by_pid[busy].parent) == ("sh", os.getpid())
    assert by_pid[busy].cpu_grown > timedelta(0)
    assert (by_pid[idle].program, by_pid[idle].cpu_grown) == ("sleep", timedelta(0))
    assert by_pid[seen.shell].parent == os.getpid()
    assert seen.interval >= timedelta(seconds=3)
    assert seen.newest_file is not None
    assert seen.newest_file >= timedelta(hours=2)
    assert seen.newest_file < timedelta(hours=3)


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        ("true", False),
        ("touch $volume/new.ipynb", True),
        ("touch $volume/old.ipynb", True),
        ("rm $volume/old.ipynb", True),
        ("touch $volume/.ipynb_checkpoints/new.ipynb", False),
        ("timeout() { return 124; }", True),
    ],
)
def test_it_stays_where_a_file_was_changed_after_it_had_looked_at_them(
    change: str, stays: bool, tmp_path: Path
) -> None:
    make_volume(tmp_path)
    quick = (
        COMMAND.replace("sleep 3;", "sleep 0.1;").replace("sleep 2;", f"{change};").replace("sleep 20", "echo stays")
    )
    last = run_in_shell("sh", quick, tmp_path).splitlines()[-1]
    assert (last == "stays") == stays
    assert stays or last.startswith("opskit-inside-end")


def run_in_shell(shell: str, command: str, home: Path) -> str:
    """All that it writes until it comes to its end."""
    environment = {**os.environ, "HOME": str(home)}
    return subprocess.run(
        [shell, "-c", command.rstrip("\r")], capture_output=True, text=True, check=True, env=environment
    ).stdout
