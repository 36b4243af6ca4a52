"""What goes on beside Jupyter: each row of the table, and that nothing which works is ever called nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.instance_processes import GpuUse, InstanceProcess, InstanceReading, NoTerminal
from opskit.core.model import JupyterState, Kernel, Notebook, NotebookVerdict, Terminal, Unknown
from opskit.notebooks.rules.background import BackgroundState, judge_background
from opskit.notebooks.rules.idleness import IdlePolicy, IdleRule
from opskit.notebooks.rules.inside_verdict import assess_with_inside
from tests.fakes.notebook_evidence import jupyter_evidence

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTHING, BUSY, UNKNOWN = BackgroundState.NOTHING, BackgroundState.BUSY, BackgroundState.UNKNOWN
JUPYTER_UNIT = "jupyter-server.service"


def process(pid: int = 77, parent: int = 1, program: str = "train", grown: float = 0.0, **more: Any) -> InstanceProcess:
    usual: dict[str, Any] = {
        "user": "ec2-user",
        "script": None,
        "states": ("S", "S"),
        "age": 3 * HOUR,
        "begun_after_boot": 2 * HOUR,
        "cpu": timedelta(seconds=grown),
        "cpu_grown": timedelta(seconds=grown),
    }
    return InstanceProcess(pid=pid, parent=parent, program=program, **(usual | more))


def shell(pid: int = 77, parent: int = 1, grown: float = 0.0, **more: Any) -> InstanceProcess:
    """One without a script or a command."""
    return process(pid, parent, "bash", grown, is_bare_shell=True, **more)


def reading(*processes: InstanceProcess, **more: Any) -> InstanceReading:
    """What runs beside an init, a Jupyter, and opskit's own shell with a command."""
    own = (
        process(1, 0, "systemd", 2.0, begun_after_boot=SECOND),
        process(10, 1, "jupyter-lab", 1.0, unit=JUPYTER_UNIT, begun_after_boot=MINUTE),
        process(50, 10, "sh", unit=JUPYTER_UNIT, age=4 * SECOND, begun_after_boot=5 * HOUR),
        process(51, 50, "find", 2.0, states=("", "R"), unit=JUPYTER_UNIT, age=SECOND, begun_after_boot=5 * HOUR),
    )
    return InstanceReading((*own, *processes), 50, 3 * SECOND, **more)


def test_where_jupyter_is_not_among_the_processes_what_waits_is_unknown() -> None:
    """A job that was begun from Jupyter belongs to its service, which then looks like any other of the system's."""
    job = process(unit=JUPYTER_UNIT)
    assert judge_background(reading(job), (), HOUR).state is UNKNOWN
    whole = reading(job)
    without = replace(whole, processes=tuple(each for each in whole.processes if each.pid not in (1, 10)))
    found = judge_background(without, (), HOUR)
    assert (found.state, found.readable) == (UNKNOWN, False)
    assert (
        judge_background(replace(without, processes=(*without.processes, process(78, grown=1.0))), (), HOUR).state
        is BUSY
    )


@pytest.mark.parametrize(
    ("there", "state"),
    [
        pytest.param((), NOTHING, id="nothing"),
        pytest.param((process(grown=0.15),), BUSY, id="five percent"),
        pytest.param((process(grown=0.14),), UNKNOWN, id="less, and sleeping"),
        pytest.param((process(states=("R", "R")),), BUSY, id="twice on a processor"),
        pytest.param((process(states=("D", "R")),), BUSY, id="waits for a disk, then on a processor"),
        pytest.param((process(states=("D", "S")),), UNKNOWN, id="once only"),
        pytest.param((process(states=("", "R"), age=SECOND),), UNKNOWN, id="begun between the readings"),
        pytest.param((process(states=("Z", "Z")),), NOTHING, id="it has ended"),
        pytest.param((process(states=("S", "Z"), grown=1.0),), NOTHING, id="it has ended meanwhile"),
        pytest.param((process(states=("Z", "Z"), threads=2, grown=1.0),), BUSY, id="its other threads compute"),
        pytest.param((process(states=("Z", "Z"), threads=2),), UNKNOWN, id="its other threads wait"),
        pytest.param((process(is_kernel_thread=True, grown=1.0),), NOTHING, id="a kernel thread"),
        pytest.param((process(begun_after_boot=10 * MINUTE),), NOTHING, id="as old as the boot"),
        pytest.param((process(begun_after_boot=10 * MINUTE + SECOND),), UNKNOWN, id="a little younger"),
        pytest.param((process(begun_after_boot=MINUTE, grown=0.2),), BUSY, id="as old as the boot, and works"),
        pytest.param((process(begun_after_boot=MINUTE, states=("D", "D")),), NOTHING, id="the system waits for a disk"),
        pytest.param((process(unit="chronyd.service"),), NOTHING, id="of a system service"),
        pytest.param((process(unit="chronyd.service", grown=0.2),), BUSY, id="of a system service, and works"),
        pytest.param(
            (process(unit="chronyd.service", children_grown=SECOND),), NOTHING, id="a service's short command"
        ),
        pytest.param((process(children_grown=SECOND),), BUSY, id="a job's short command"),
        pytest.param((process(unit=JUPYTER_UNIT),), UNKNOWN, id="of Jupyter's own unit"),
        pytest.param((process(unit="crond.service"),), UNKNOWN, id="begun by cron"),
        pytest.param((process(unit="crond.service", program="crond"),), NOTHING, id="cron itself"),
        pytest.param((shell(parent=98),), NOTHING, id="a shell without a child"),
        pytest.param((shell(parent=98, had_child=True),), UNKNOWN, id="a shell whose child is gone just now"),
        pytest.param((shell(),), UNKNOWN, id="what a shell has left behind, and waits"),
        pytest.param((process(program="bash"), process(78, 77, "sleep")), UNKNOWN, id="a shell that waits for one"),
        pytest.param(
            (process(parent=10, program="sh", is_inspection=True), process(78, 77, "find", 2.0)),
            NOTHING,
            id="another look",
        ),
        pytest.param((shell(parent=10, grown=2.0),), NOTHING, id="a terminal's shell computes"),
        pytest.param((shell(parent=10, grown=2.0), process(78, 77, "sleep")), BUSY, id="with a child"),
        pytest.param((shell(parent=10), shell(78, 77, grown=2.0)), BUSY, id="a loop in the background of a shell"),
        pytest.param((shell(parent=10), shell(78, 77)), UNKNOWN, id="a shell that waits for another"),
        pytest.param((shell(grown=2.0),), BUSY, id="a loop that a shell has left behind"),
        pytest.param((process(program="bash"),), UNKNOWN, id="a script between two commands"),
        pytest.param((process(program="bash", grown=2.0),), BUSY, id="a script that loops"),
        pytest.param((process(program="python", kernel_id="k1"),), NOTHING, id="a kernel that Jupyter calls idle"),
        pytest.param((process(program="python", kernel_id="k2"),), UNKNOWN, id="a kernel that it does not know"),
        pytest.param((process(program="python", kernel_id="k1", grown=1.0),), NOTHING, id="an idle kernel computes"),
        pytest.param((process(program="python", kernel_id="k2", grown=1.0),), BUSY, id="a kernel that is not idle"),
        pytest.param(
            (process(parent=10, kernel_id="k1"), process(78, 77, kernel_id="k1", grown=1.0, begun_after_boot=3 * HOUR)),
            BUSY,
            id="what a kernel has forked",
        ),
        pytest.param(
            (process(78, 10, kernel_id="k1", begun_after_boot=3 * HOUR), process(kernel_id="k1", grown=1.0)),
            BUSY,
            id="what a kernel has forked and left, before it was started anew",
        ),
        pytest.param(
            (process(parent=10, kernel_id="k1"), process(78, 77, kernel_id="k1", begun_after_boot=3 * HOUR)),
            UNKNOWN,
            id="what a kernel has forked, and waits",
        ),
        pytest.param(
            (process(program="python", kernel_id="k1"), process(78, 77, "python", 2.0)), BUSY, id="a kernel's worker"
        ),
    ],
)
def test_background_verdict_of_each_row_of_the_table(
    there: tuple[InstanceProcess, ...], state: BackgroundState
) -> None:
    assert judge_background(reading(*there), ["k1"], HOUR).state is state


@pytest.mark.parametrize(
    ("more", "state", "said"),
    [
        ({"gpus": GpuUse((0,), has_processes=True)}, NOTHING, ""),
        ({"gpus": GpuUse((40, 0), has_processes=True)}, BUSY, "a GPU is at 40 %"),
        ({"gpus": GpuUse((99,))}, UNKNOWN, "nothing is said to use it"),
        ({"gpus": GpuUse(error="its GPUs cannot be read")}, UNKNOWN, "its GPUs cannot be read"),
        ({"newest_file": 59 * MINUTE}, BUSY, "changed 59m ago, less than 1h"),
        ({"newest_file": HOUR}, NOTHING, ""),
        ({"newest_file": 59 * MINUTE, "all_files_seen": False}, BUSY, "changed"),
        ({"newest_file": 2 * HOUR, "all_files_seen": False}, UNKNOWN, "more files than"),
        ({"newest_file": 2 * HOUR, "is_changing": True}, BUSY, "changed while opskit looked at it"),
        ({"newest_file": 2 * HOUR, "all_files_seen": False, "is_changing": True}, UNKNOWN, "more files than"),
    ],
)
def test_background_verdict_by_gpus_and_files(more: dict[str, Any], state: BackgroundState, said: str) -> None:
    found = judge_background(reading(**more), [], HOUR)
    assert (found.state, said in found.reason) == (state, True)


def test_what_waits_can_be_ignored_and_what_works_cannot() -> None:
    for there, state in ((process(), NOTHING), (process(grown=1.0), BUSY)):
        assert judge_background(reading(there), [], HOUR, ignore_sleeping=True).state is state


def test_a_process_is_named_by_program_script_user_age_and_cpu_time() -> None:
    job = process(program="python3", script="train.py", grown=2.0, cpu=90 * MINUTE)
    found = judge_background(reading(job, process(79)), [], HOUR)
    assert found.reason == "python3 train.py (of ec2-user, begun 3h ago, 1h30m CPU time) is at work beside Jupyter"
    two = judge_background(reading(job, process(79, grown=1.0)), [], HOUR)
    assert "1h30m CPU time) and 1 more are at work" in two.reason


SPANS = st.floats(0, 40000).map(lambda seconds: timedelta(seconds=seconds))
ANY_PROCESS = st.builds(
    process,
    pid=st.integers(60, 70),
    parent=st.integers(0, 70),
    program=st.sampled_from(["bash", "python", "train", "crond", "sleep"]),
    grown=st.sampled_from([0.0, 0.1, 0.15, 1.0]),
    states=st.tuples(st.sampled_from(["", "S", "R", "D", "I", "T"]), st.sampled_from(["S", "R", "D", "I", "T"])),
    begun_after_boot=SPANS,
    unit=st.sampled_from([None, JUPYTER_UNIT, "crond.service", "other.service"]),
    kernel_id=st.sampled_from([None, "k1", "k2"]),
    is_bare_shell=st.booleans(),
)
PROCESSES = st.lists(ANY_PROCESS, max_size=6, unique_by=lambda each: each.pid)


def ours_among(there: list[InstanceProcess]) -> set[int]:
    """Our own shell, with all that it began."""
    ours = {50, 51}
    while more := {each.pid for each in there if each.parent in ours and each.pid not in ours}:
        ours |= more
    return ours


@given(PROCESSES, st.booleans())
def test_whatever_computes_and_is_counted_is_busy(there: list[InstanceProcess], ignore: bool) -> None:
    found = judge_background(reading(*there), ["k1"], HOUR, ignore_sleeping=ignore)
    uncounted, parents = ours_among(there), {each.parent for each in there}
    counted = [each for each in there if each.pid not in uncounted and each.kernel_id != "k1"]
    works = [each for each in counted if each.cpu_grown >= 0.15 * SECOND]
    shells = {each.pid for each in there if each.program == "bash"} | {1}
    typed = [each.is_bare_shell and each.pid not in parents and each.parent not in shells for each in works]
    assert all(typed) or found.state is BUSY


NEVER_COUNTED = [
    ({"parent": 2, "program": "kworker", "is_kernel_thread": True}, "a kernel thread"),
    ({"parent": 10, "program": "python", "kernel_id": "k9", "unit": JUPYTER_UNIT}, "a kernel that Jupyter calls idle"),
    ({"parent": 50, "program": "find"}, "our own shell's"),
    ({"parent": 98, "program": "bash", "is_bare_shell": True}, "a shell without a child"),
    ({"parent": 10, "program": "bash", "is_bare_shell": True, "unit": JUPYTER_UNIT}, "a terminal's shell"),
]


@pytest.mark.parametrize("kind", [kind for kind, _ in NEVER_COUNTED], ids=[name for _, name in NEVER_COUNTED])
@given(
    there=PROCESSES,
    grown=st.sampled_from([0.0, 0.2, 3.0]),
    states=st.tuples(st.sampled_from("SRD"), st.sampled_from("SRD")),
    ignore=st.booleans(),
)
def test_what_is_never_counted_changes_nothing_however_much_it_computes(
    kind: dict[str, Any], there: list[InstanceProcess], grown: float, states: tuple[str, str], ignore: bool
) -> None:
    one = process(**{"pid": 99, "grown": grown, "states": states, **kind})
    without = judge_background(reading(*there), ["k1", "k9"], HOUR, ignore_sleeping=ignore)
    with_it = judge_background(reading(*there, one), ["k1", "k9"], HOUR, ignore_sleeping=ignore)
    assert with_it == without


@given(PROCESSES, ANY_PROCESS)
def test_one_more_process_never_makes_it_less_busy(there: list[InstanceProcess], one: InstanceProcess) -> None:
    order = [NOTHING, UNKNOWN, BUSY]
    without = judge_background(reading(*there), [], HOUR).state
    with_it = judge_background(reading(*there, replace(one, pid=99, parent=1)), [], HOUR).state
    assert order.index(with_it) >= order.index(without)


LAB = Notebook("us-east-1", "lab", "arn:lab", "ml.t2.medium", "InService", NOW - timedelta(days=3))
REST = JupyterState((Kernel("k1", "idle", NOW - 5 * HOUR, 0),), (), NOW - 5 * HOUR)
INSIDE = IdlePolicy(HOUR, inside=True)


def judged(inside: Any, policy: IdlePolicy = INSIDE, state: Any = REST, lab: Notebook = LAB, **tags: str) -> Any:
    named = {key.replace("_", ":", 1).replace("_", "-"): value for key, value in tags.items()}
    return assess_with_inside(jupyter_evidence(lab, named, state, inside), policy, NOW)


def test_only_what_all_else_calls_idle_is_judged_from_inside() -> None:
    at_work = JupyterState((Kernel("k1", "busy", NOW, 0),), (), NOW)
    assert "k1 is running" in judged(reading(process(grown=1.0)), state=at_work).reason
    kept = judged(reading(process(grown=1.0)), opskit_keep="mine")
    assert kept.verdict is NotebookVerdict.PROTECTED


def test_what_is_seen_inside_is_the_verdict() -> None:
    idle = judged(reading())
    assert (idle.verdict, idle.idle, idle.rule) == (NotebookVerdict.IDLE, 5 * HOUR, IdleRule.IDLE)
    assert "nothing runs beside Jupyter" in idle.reason
    assert judged(reading(process(grown=1.0))).verdict is NotebookVerdict.BUSY
    waits = judged(reading(process()))
    assert (waits.verdict, waits.readable, waits.idle) == (NotebookVerdict.UNKNOWN, True, 5 * HOUR)


def test_what_waits_ends_with_max_age_or_is_ignored_and_what_cannot_be_read_does_not() -> None:
    patient = replace(INSIDE, max_age=5 * HOUR)
    ended = judged(reading(process()), patient)
    assert (ended.verdict, ended.rule) == (NotebookVerdict.IDLE, IdleRule.MAX_AGE)
    assert judged(reading(process()), replace(patient, max_age=6 * HOUR)).verdict is NotebookVerdict.UNKNOWN
    assert judged(reading(process()), replace(INSIDE, ignore_background=True)).verdict is NotebookVerdict.IDLE
    assert judged(reading(process(grown=1.0)), replace(patient, ignore_background=True)).verdict is NotebookVerdict.BUSY
    silent = judged(Unknown("its shell is silent"), replace(patient, ignore_background=True))
    assert (silent.verdict, silent.readable) == (NotebookVerdict.UNKNOWN, False)


def test_a_gpu_that_cannot_be_read_is_ended_by_nothing() -> None:
    silent = reading(gpus=GpuUse(error="its GPUs cannot be read"))
    patient = replace(INSIDE, max_age=HOUR, ignore_background=True)
    for policy in (INSIDE, patient):
        found = judged(silent, policy)
        assert (found.verdict, found.readable, found.unreadable_ok) == (NotebookVerdict.UNKNOWN, False, False)
    assert judged(silent, opskit_unreadable_ok="").unreadable_ok
    many = reading(newest_file=9 * HOUR, all_files_seen=False)
    assert (judged(many).verdict, judged(many).readable) == (NotebookVerdict.UNKNOWN, True)
    assert judged(many, patient).rule is IdleRule.MAX_AGE


def test_where_nobody_looked_the_reason_says_so() -> None:
    assert "the instance was not inspected" in judged(None, IdlePolicy(HOUR, inside=False)).reason
    assert "tagged opskit:no-inside" in judged(None, opskit_no_inside="").reason
    assert "inside" not in judged(None, IdlePolicy(HOUR)).reason
    off = judged(NoTerminal("Jupyter's terminals are switched off"))
    assert (off.verdict, "the instance was not inspected: Jupyter's terminals" in off.reason) == (
        NotebookVerdict.IDLE,
        True,
    )


def test_a_lifecycle_configuration_without_a_sign_of_use_and_without_a_terminal_is_unknown() -> None:
    off, lab = NoTerminal("Jupyter's terminals are switched off"), replace(LAB, lifecycle_config="nightly")
    bare = JupyterState((), (), NOW - 5 * HOUR)
    found = judged(off, state=bare, lab=lab)
    assert (found.verdict, found.readable) == (NotebookVerdict.UNKNOWN, True)
    assert "nightly may have started something" in found.reason
    for trusted in (
        judged(off, replace(INSIDE, trust_jupyter=True), bare, lab),
        judged(off, INSIDE, bare, lab, opskit_jupyter_only=""),
        judged(off, INSIDE, bare, LAB),
        judged(off, INSIDE, REST, lab),
        judged(reading(), INSIDE, bare, lab),
    ):
        assert trusted.verdict is NotebookVerdict.IDLE


@given(PROCESSES, st.booleans(), st.sampled_from([None, HOUR, 9 * HOUR]), st.booleans())
def test_a_look_inside_never_makes_a_notebook_idle_that_was_not(
    there: list[InstanceProcess], ignore: bool, max_age: timedelta | None, typed: bool
) -> None:
    policy = IdlePolicy(HOUR, max_age=max_age, inside=True, ignore_background=ignore)
    state = JupyterState((), (Terminal("1", NOW - 2 * HOUR),) if typed else (), NOW - 2 * HOUR)
    before, after = judged(None, policy, state), judged(reading(*there), policy, state)
    assert before.verdict is NotebookVerdict.IDLE or after == before
