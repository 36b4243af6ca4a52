"""Looks through terminals of real Jupyters: what reaches the shell, hostile shells, and looks that are killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from opskit.core.instance_processes import InstanceReading
from opskit.core.model import Unknown
from opskit.notebooks.reads import jupyter_terminal
from opskit.notebooks.reads.instance_command import COMMAND
from opskit.notebooks.reads.jupyter_client import JupyterClient
from opskit.notebooks.reads.jupyter_websocket import JupyterWebSocket
from opskit.notebooks.rules import own_traces
from opskit.notebooks.rules.background import BackgroundState, judge_background
from opskit.notebooks.rules.evidence import InsideEvidence
from opskit.notebooks.store import InspectionLog, load_past_inspections
from opskit.sandbox.notebooks.jupyter.isolation import isolating_command
from tests.journeys.jupyter_lab import CLIENT, HOUR, TOKEN, Lab
from tests.slow import starts_server
from tests.waiting import wait_until

SERVER = str(Path(__file__).with_name("real_jupyter.py"))
StartLab = Callable[..., Lab]


@pytest.fixture
@starts_server
def start_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartLab]:
    """Starts a Jupyter in a folder of its own, whose terminals are the script that is given."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    started: list[subprocess.Popen[bytes]] = []

    def start(script: str = "#!/bin/sh\nexec sh\n", *more: str, **variables: str) -> Lab:
        folder = tmp_path / f"lab{len(started)}"
        (folder / "SageMaker").mkdir(parents=True)
        shell = folder / "shell"
        shell.write_text(script)
        shell.chmod(0o755)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")},
            "HOME": str(folder),
            "LAB_TOKEN": TOKEN,
            "JUPYTER_NO_CONFIG": "1",
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            **variables,
        }
        command = [*isolating_command(7200), sys.executable, SERVER]
        with (folder / "log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [*command, str(folder), str(shell), *more], cwd=folder, env=environment, stdout=log, stderr=log
                )
            )
        os.utime(folder / "SageMaker", (0, 0))
        wait_until(lambda: (folder / "port").exists() or started[-1].poll() is not None)
        assert started[-1].poll() is None, (folder / "log").read_text()
        return Lab(folder, int((folder / "port").read_text()))

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings that are a tenth of a second apart."""
    monkeypatch.setattr(jupyter_terminal, "COMMAND", COMMAND.replace("sleep 3;", "sleep 0.1;"))


def test_what_reaches_the_shell_is_the_command_byte_for_byte(
    start_lab: StartLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    length = len(COMMAND)
    lab = start_lab(
        f"#!/bin/sh\nstty raw -echo\ndd bs=1 count={length} of=$HOME/typed 2>/dev/null\ncat >> $HOME/more\n"
    )
    monkeypatch.setattr("opskit.notebooks.reads.inside.inspection_deadline", lambda: time.monotonic() + 4)
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.inspection_deadline", lambda: time.monotonic() + 4)
    assert isinstance(lab.look(), Unknown)
    assert (lab.folder / "typed").read_bytes() == COMMAND.encode()
    assert (lab.folder / "more").read_bytes() == b""


@pytest.mark.parametrize("shell", ["sh", "bash", "bash --login"])
def test_a_look_inside_sees_what_nohup_tmux_and_setsid_began_and_tells_no_argument(
    start_lab: StartLab, shell: str
) -> None:
    lab = start_lab(f"#!/bin/sh\nexec {shell}\n")
    assert judge(lab.look()).state is BackgroundState.NOTHING
    # A third of a processor, of which other tests have need.
    computing = "while :; do at=0; while [ $at -lt 100000 ]; do at=$((at + 1)); done; sleep 0.2; done"
    jobs = {
        f"setsid nohup sh -c 'touch $HOME/up; {computing}' hunter2 > /dev/null 2>&1 &": BackgroundState.BUSY,
        "setsid nohup sh -c 'touch $HOME/up; exec sleep 8642' > /dev/null 2>&1 &": BackgroundState.UNKNOWN,
        "tmux -S $HOME/tmux new-session -d 'touch $HOME/up; exec sleep 8643';": BackgroundState.UNKNOWN,
    }
    for job, state in jobs.items():
        # Not before the job has a session of its own: until then it would end with the terminal.
        in_terminal(lab, f"{job} until test -e $HOME/up; do sleep 0.01; done; rm $HOME/up")
        found = judge(lab.look())
        assert found.state is state, (job, found)
        assert "hunter2" not in found.reason
        in_terminal(lab, "tmux -S $HOME/tmux kill-server; pkill -f 'while :' ; pkill -x sleep")
    kept = "".join(file.read_text() for file in lab.folder.glob(".*history"))
    assert "opskit" not in kept, "its shell keeps a history of the look"
    assert "tmux" in kept or shell == "sh", "but of nothing that a person types"


def judge(found: InsideEvidence) -> Any:
    assert isinstance(found, InstanceReading), found
    return judge_background(found, [], HOUR)


def in_terminal(lab: Lab, command: str) -> None:
    """Type a command into a new terminal, as a person does, and shut it when the command is done."""
    with lab.visit() as jupyter:
        name = jupyter_terminal.create_terminal(jupyter, f"person{time.monotonic_ns()}")
        done = lab.folder / f"done-{name}"
        with jupyter.open_websocket(f"terminals/websocket/{name}") as line:
            line.send_text(json.dumps(["stdin", f"{command}\rtouch {done}\r"]))
            wait_until(done.exists)
        jupyter_terminal.delete_terminal(jupyter, name)
        done.unlink()


HOSTILE = {
    "a prompt full of escapes": (
        "#!/bin/bash\nexport PS1=$'\\e]0;title\\a\\e[2J\\e[H\\e[31mopskit-inside-1 $\\e[6n> '\nexec bash --norc\n"
    ),
    "a bashrc that talks at every prompt, and has its own ps, sh and unset": (
        "#!/bin/bash\ncat > $HOME/.rc << 'END'\n"
        "PROMPT_COMMAND='echo a opskit-inside-end 7; printf \"\\033[6n\"'\nPS1='\\w opskit-inside-1 $ '\n"
        "alias ps='echo gone' sh='echo no' unset='echo never'\nfortune() { seq 1 500; }; fortune\nset -x\nEND\n"
        "exec bash --rcfile $HOME/.rc -i\n"
    ),
    "a profile that talks": "#!/bin/sh\necho 'opskit-inside-end is what I say'; seq 1 2000\nexec sh\n",
}
SILENT = {
    "a shell that never answers": "#!/bin/sh\nexec sleep 1000\n",
    "a shell that ends at once": "#!/bin/sh\nexit 0\n",
    "a shell that answers for the command": (
        "#!/bin/sh\nprintf 'opskit-inside-1 5\\nh 100\\na 1.0\\nb 4.0\\nf 0 1 1\\nopskit-inside-end 5\\n'\nexec sh\n"
    ),
    "a shell without an end": "#!/bin/sh\nexec yes 'a very long line of nothing, again and again'\n",
}


@pytest.mark.parametrize("script", HOSTILE.values(), ids=HOSTILE)
def test_a_shell_that_only_talks_is_read_all_the_same(start_lab: StartLab, script: str) -> None:
    lab = start_lab(script)
    assert judge(lab.look()).state is BackgroundState.NOTHING
    wait_until(lambda: lab.says().terminals == ())  # Jupyter ends a terminal a moment after it has answered


@pytest.mark.parametrize("script", SILENT.values(), ids=SILENT)
def test_a_shell_that_does_not_answer_is_unknown_and_its_terminal_is_shut(
    start_lab: StartLab, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.inspection_deadline", lambda: time.monotonic() + 5)
    lab = start_lab(script)
    before = lab.says().last_activity
    assert isinstance(lab.look(), Unknown)
    wait_until(lambda: lab.says().terminals == ())  # Jupyter ends a terminal a moment after it has answered
    # A terminal that has ended tells no more of its traffic, and one that goes on writing does so after it was asked.
    is_told = script in (SILENT["a shell that never answers"], SILENT["a shell that answers for the command"])
    assert lab.means().last_activity in ([before] if is_told else [before, lab.says().last_activity])


def test_ten_megabytes_of_processes_are_unknown(start_lab: StartLab) -> None:
    lab = start_lab()
    (lab.folder / "bin").mkdir()
    (lab.folder / "bin" / "ps").write_text(
        "#!/bin/sh\nyes '    7     1 root                             python train.py' | head -c 10000000\n"
    )
    (lab.folder / "bin" / "ps").chmod(0o755)
    assert isinstance(lab.look(), Unknown)
    wait_until(lambda: lab.says().terminals == ())  # Jupyter ends a terminal a moment after it has answered


@pytest.mark.usefixtures("quick")
def test_looks_in_turn_see_the_same_last_activity(start_lab: StartLab) -> None:
    lab = start_lab()
    before = lab.says().last_activity
    for _ in range(3):
        assert isinstance(lab.look(), InstanceReading)
        assert lab.says().last_activity != before
        assert lab.means().last_activity == before
    in_terminal(lab, "true")
    assert lab.means().last_activity != before, "what somebody does afterwards counts"


def test_two_looks_at_once_do_not_take_each_other_for_a_job(start_lab: StartLab) -> None:
    lab = start_lab()
    before = lab.says().last_activity
    with ThreadPoolExecutor(3) as runs:
        found = list(runs.map(lambda _: lab.look(), range(3)))
    assert [judge(each).state for each in found] == [BackgroundState.NOTHING] * 3, [judge(each) for each in found]
    wait_until(lambda: lab.says().terminals == ())  # Jupyter ends a terminal a moment after it has answered
    # One that began while another was in its terminal may take that for somebody.
    assert lab.means().last_activity != lab.says().last_activity
    assert before is not None
    assert (lab.means().last_activity or before) >= before


@pytest.mark.parametrize("names", [(), ("--own-names",)], ids=["as asked for", "numbers"])
def test_a_look_that_is_killed_at_any_step_leaves_nothing_after_the_next(
    start_lab: StartLab, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal that has only a number stays where it may be somebody's by now, and says so; it ends by itself, unless
    nothing was typed into it. What nothing shows to be opskit's own use of the server is taken for somebody's.
    """
    # At once, and however many seconds an HTTP date is behind.
    monkeypatch.setattr(own_traces, "STALE_AFTER", timedelta(minutes=-1))
    quick = COMMAND.replace("sleep 3;", "sleep 0.1;").replace("sleep 2;", "sleep 0.5;")
    monkeypatch.setattr(jupyter_terminal, "COMMAND", quick)
    lab = start_lab("#!/bin/sh\nexec sh\n", *names)
    left = 0
    for step in count(1):
        before = lab.means().last_activity
        code = look_and_die_at(lab, step)
        state, meant = lab.says(), lab.means()
        left += len(state.terminals)
        assert all(each.may_be_left for each in meant.terminals), step
        assert not meant.terminals or names, step
        assert meant.last_activity in (before, state.last_activity), step
        assert isinstance(lab.look(), InstanceReading), step
        assert lab.means().last_activity in (before, state.last_activity, lab.says().last_activity), step
        with lab.visit() as jupyter:
            for each in lab.says().terminals:
                assert each.name in {one.name for one in meant.terminals}, step
                jupyter_terminal.delete_terminal(jupyter, each.name)
        if code == 0:
            break
    assert step > 12
    assert left >= 3, "no look was killed while its terminal was open"


@pytest.mark.usefixtures("quick")
def test_a_terminal_with_the_number_of_a_killed_look_s_is_not_shut(
    start_lab: StartLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_traces, "STALE_AFTER", timedelta(minutes=-1))
    lab = start_lab("#!/bin/sh\nexec sh\n", "--own-names")
    steps = count(1)
    while not (
        killed := [each for each in load_past_inspections(CLIENT, lab.notebook) if each.is_typed and not each.is_shut]
    ):
        look_and_die_at(lab, next(steps))
    with lab.visit() as jupyter:
        jupyter_terminal.delete_terminal(jupyter, str(killed[0].terminal))  # as it is once its command has ended
        assert jupyter_terminal.create_terminal(jupyter, "") == killed[0].terminal
    lab.look()
    assert (killed[0].terminal, True) in {(each.name, each.may_be_left) for each in lab.means().terminals}


def look_and_die_at(lab: Lab, step: int) -> int:
    """A look in a process of its own that is killed right before or after the so-manieth thing it sends or writes
    down. 0: it came to its end before that.
    """
    if (child := os.fork()) == 0:
        steps = count(1)

        def mortal(does: Callable[..., Any]) -> Callable[..., Any]:
            def done(*what: Any, **more: Any) -> Any:
                if next(steps) == step:
                    os._exit(9)
                result = does(*what, **more)
                if next(steps) == step:
                    os._exit(9)
                return result

            return done

        for where, name in (
            (JupyterClient, "send_json"),
            (JupyterClient, "get_json"),
            (JupyterWebSocket, "open_websocket"),
            (JupyterWebSocket, "send_text"),
            (JupyterWebSocket, "close_websocket"),
            (InspectionLog, "log_start"),
            (InspectionLog, "keep_terminal"),
            (InspectionLog, "mark_typed"),
            (InspectionLog, "mark_shut"),
            (InspectionLog, "log_end"),
        ):
            setattr(where, name, mortal(getattr(where, name)))
        lab.look()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
