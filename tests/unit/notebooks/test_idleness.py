"""Each rule of what is idle, as a table; and that nothing which works, or cannot be read, is ever called idle."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opskit.core.model import JupyterState, Kernel, Notebook, NotebookVerdict, Terminal, Unknown
from opskit.notebooks.rules.evidence import NotebookEvidence
from opskit.notebooks.rules.idleness import IdleAssessment, IdlePolicy, IdleRule, assess_notebook, is_conclusive
from opskit.notebooks.rules.inside_verdict import may_inspect_inside
from tests.fakes.notebook_evidence import jupyter_evidence

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAB = Notebook("us-east-1", "lab", "arn:lab", "ml.t2.medium", "InService", NOW - timedelta(days=3))
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
POLICY = IdlePolicy(after=HOUR)
PATIENT = replace(POLICY, max_age=timedelta(days=1))


def kernel(state: str, ago: timedelta, connections: int | None = 0) -> Kernel:
    return Kernel("0123456789", state, NOW - ago, connections)


def terminal(ago: timedelta | None) -> Terminal:
    return Terminal("1", None if ago is None else NOW - ago)


def view(
    *kernels: Kernel, terminals: tuple[Terminal, ...] = (), used: timedelta | None = 80 * HOUR, **more: Any
) -> Any:
    """What a Jupyter says, which was ``used`` by nobody for longer than everything else, unless it is said."""
    return JupyterState(kernels, terminals, None if used is None else NOW - used, **more)


def judged(inside: Any, policy: IdlePolicy = POLICY, lab: Notebook = LAB, **tags: str) -> IdleAssessment:
    named = {key.replace("_", ":", 1).replace("_", "-"): value for key, value in tags.items()}
    return assess_notebook(jupyter_evidence(lab, named, inside), policy, NOW)


IDLE, BUSY, UNKNOWN, STARTING = (
    NotebookVerdict.IDLE,
    NotebookVerdict.BUSY,
    NotebookVerdict.UNKNOWN,
    NotebookVerdict.STARTING,
)


@pytest.mark.parametrize(
    ("inside", "verdict", "idle"),
    [
        pytest.param(view(kernel("busy", 50 * HOUR)), BUSY, None, id="busy however old"),
        pytest.param(view(kernel("idle", 5 * HOUR), kernel("busy", 50 * HOUR)), BUSY, None, id="one of two is busy"),
        pytest.param(view(kernel("busy", HOUR), errors=("no terminals",)), BUSY, None, id="busy, and half an answer"),
        pytest.param(view(kernel("idle", 5 * HOUR)), IDLE, 5 * HOUR, id="idle for long"),
        pytest.param(view(kernel("idle", HOUR)), IDLE, HOUR, id="idle for just so long"),
        pytest.param(view(kernel("idle", 59 * MINUTE)), BUSY, 59 * MINUTE, id="idle for less"),
        pytest.param(view(kernel("idle", 9 * HOUR), kernel("idle", MINUTE)), BUSY, MINUTE, id="the youngest counts"),
        pytest.param(view(kernel("dead", 5 * HOUR)), IDLE, 5 * HOUR, id="a dead kernel rests"),
        pytest.param(view(kernel("starting", 5 * HOUR)), IDLE, 5 * HOUR, id="stuck in starting, alone"),
        pytest.param(view(kernel("starting", MINUTE)), BUSY, MINUTE, id="starting since a minute"),
        pytest.param(view(kernel("starting", 5 * HOUR, 1)), BUSY, None, id="starting with somebody there"),
        pytest.param(view(kernel("starting", 5 * HOUR, None)), UNKNOWN, None, id="starting, connections unsaid"),
        pytest.param(view(kernel("restarting", 5 * HOUR)), IDLE, 5 * HOUR, id="stuck in restarting, alone"),
        pytest.param(view(kernel("pondering", 5 * HOUR)), UNKNOWN, None, id="a state of tomorrow's Jupyter"),
        pytest.param(view(terminals=(terminal(5 * HOUR),)), UNKNOWN, 5 * HOUR, id="an open silent terminal"),
        pytest.param(view(terminals=(terminal(MINUTE),)), BUSY, MINUTE, id="a terminal with young traffic"),
        pytest.param(
            view(kernel("idle", 5 * HOUR), terminals=(terminal(9 * HOUR),)), UNKNOWN, 5 * HOUR, id="beside a kernel"
        ),
        pytest.param(view(used=5 * HOUR), IDLE, 5 * HOUR, id="nothing open, used long ago"),
        pytest.param(view(used=MINUTE), IDLE, 72 * HOUR, id="nothing open, and a tab since its start of long ago"),
        pytest.param(view(terminals=(terminal(None),)), UNKNOWN, 72 * HOUR, id="a terminal that tells no time"),
        pytest.param(view(terminals_gap="HTTP 500"), UNKNOWN, None, id="its terminals cannot be read"),
        pytest.param(view(kernel("idle", 2 * HOUR), used=MINUTE), BUSY, MINUTE, id="a save, two hours after a kernel"),
        pytest.param(view(kernel("idle", 2 * HOUR), used=61 * MINUTE), IDLE, 2 * HOUR, id="a save of long ago"),
        pytest.param(view(kernel("idle", 4 * HOUR), used=MINUTE), IDLE, 4 * HOUR, id="a tab for just so long"),
        pytest.param(view(kernel("idle", 5 * HOUR), used=None), UNKNOWN, None, id="no word when it was used"),
        pytest.param(view(used=99 * HOUR), IDLE, 72 * HOUR, id="nothing open, never used since its start"),
        pytest.param(view(used=None), UNKNOWN, None, id="nothing open, no word when it was used"),
        pytest.param(view(kernel("idle", 5 * HOUR), errors=("x",)), UNKNOWN, None, id="half an answer"),
        pytest.param(view(kernel("idle", -HOUR)), UNKNOWN, None, id="activity in the future"),
        pytest.param(view(used=-HOUR), UNKNOWN, None, id="use in the future"),
        pytest.param(view(kernel("idle", -MINUTE)), BUSY, timedelta(0), id="a little in the future"),
        pytest.param(Unknown("it is silent"), UNKNOWN, None, id="cannot be reached"),
        pytest.param(None, UNKNOWN, None, id="not looked at"),
    ],
)
def test_idle_verdict_by_the_answers_of_jupyter(inside: Any, verdict: NotebookVerdict, idle: timedelta | None) -> None:
    assessment = judged(inside)
    assert (assessment.verdict, assessment.idle) == (verdict, idle)
    assert (assessment.rule is not None) == (verdict is IDLE)
    assert assessment.rule in (
        None,
        IdleRule.TAB_AGE if "perhaps saves, or an open browser tab" in assessment.reason else IdleRule.IDLE,
    )


@pytest.mark.parametrize("ahead", [timedelta(0), 5 * MINUTE, -5 * MINUTE, timedelta(minutes=5, seconds=2)])
@pytest.mark.parametrize(("ago", "verdict"), [(61 * MINUTE, IDLE), (58 * MINUTE, BUSY)])
def test_a_clock_that_is_wrong_is_reckoned_with(ahead: timedelta, ago: timedelta, verdict: NotebookVerdict) -> None:
    inside = JupyterState((kernel("idle", ago - ahead),), (), NOW - ago + ahead, clock_skew=ahead)
    assert judged(inside).verdict is verdict
    lab = replace(LAB, status_changed_at=NOW - 3 * HOUR)
    assert judged(JupyterState(last_activity=NOW - ago + ahead, clock_skew=ahead), lab=lab).verdict is verdict


@pytest.mark.parametrize("ahead", [11 * MINUTE, -11 * MINUTE, timedelta(days=900000)])
def test_a_clock_that_is_quite_wrong_is_not_believed(ahead: timedelta) -> None:
    assessment = judged(JupyterState((kernel("idle", 5 * HOUR),), clock_skew=ahead))
    assert (assessment.verdict, assessment.readable) == (UNKNOWN, False)


@pytest.mark.parametrize("skew", [-5 * MINUTE, timedelta(0), 5 * MINUTE])
def test_a_notebook_just_started_has_its_grace(skew: timedelta) -> None:
    young = replace(LAB, status_changed_at=NOW - MINUTE + skew)
    assert judged(view(used=5 * HOUR), lab=young).verdict is STARTING
    assert judged(view(kernel("idle", 5 * HOUR)), lab=young).verdict is STARTING
    assert judged(Unknown("it is silent"), lab=young).verdict is STARTING
    assert judged(view(kernel("busy", MINUTE)), lab=young).verdict is BUSY
    assert judged(view(used=HOUR), lab=replace(LAB, status_changed_at=NOW + HOUR)).verdict is UNKNOWN


@pytest.mark.parametrize(
    ("inside", "verdict"),
    [
        pytest.param(view(terminals=(terminal(5 * HOUR),)), IDLE, id="a silent one"),
        pytest.param(view(terminals=(terminal(None),)), IDLE, id="one that tells no time"),
        pytest.param(view(kernel("idle", 2 * HOUR), terminals=(terminal(MINUTE),), used=MINUTE), IDLE, id="traffic"),
        pytest.param(
            view(kernel("idle", 2 * HOUR), terminals=(terminal(MINUTE),), used=MINUTE + timedelta(milliseconds=3)),
            IDLE,
            id="traffic, noted twice",
        ),
        pytest.param(
            view(kernel("idle", 2 * HOUR), terminals=(terminal(2 * MINUTE),), used=MINUTE), BUSY, id="a save besides"
        ),
        pytest.param(view(kernel("idle", 2 * HOUR), terminals_gap="HTTP 500"), IDLE, id="they cannot be read"),
        pytest.param(view(kernel("idle", MINUTE), terminals=(terminal(5 * HOUR),)), BUSY, id="work besides"),
    ],
)
def test_ignored_terminals_are_nobody(inside: Any, verdict: NotebookVerdict) -> None:
    assert judged(inside, replace(POLICY, ignore_terminals=True)).verdict is verdict


@pytest.mark.parametrize(
    ("tab_age", "verdict", "rule"),
    [
        (4 * HOUR, BUSY, None),
        (timedelta(hours=3, minutes=1), BUSY, None),
        (3 * HOUR, IDLE, IdleRule.TAB_AGE),
        (timedelta(0), IDLE, IdleRule.TAB_AGE),
    ],
)
def test_who_only_saves_is_at_work_for_so_long(
    tab_age: timedelta, verdict: NotebookVerdict, rule: IdleRule | None
) -> None:
    policy = replace(POLICY, tab_age=tab_age)
    for inside in (view(kernel("idle", 3 * HOUR), used=MINUTE), view(used=MINUTE)):
        assessment = judged(inside, policy, replace(LAB, status_changed_at=NOW - 3 * HOUR))
        assert (assessment.verdict, assessment.rule) == (verdict, rule)
        assert assessment.idle == (MINUTE if verdict is BUSY else 3 * HOUR)


@pytest.mark.parametrize(
    ("inside", "verdict"),
    [
        pytest.param(view(terminals=(terminal(25 * HOUR),)), IDLE, id="a terminal silent for longer"),
        pytest.param(view(terminals=(terminal(23 * HOUR),)), UNKNOWN, id="a terminal silent for less"),
        pytest.param(view(terminals=(terminal(None),)), IDLE, id="a terminal's traffic unsaid, and no use for longer"),
        pytest.param(view(terminals=(terminal(None),), used=MINUTE), UNKNOWN, id="the use may be that terminal's"),
        pytest.param(view(kernel("starting", 25 * HOUR, 1)), IDLE, id="starting, connected, for longer"),
        pytest.param(view(kernel("starting", 23 * HOUR, 1)), BUSY, id="starting, connected, for less"),
        pytest.param(view(kernel("busy", 70 * HOUR)), BUSY, id="busy stays busy"),
        pytest.param(view(kernel("idle", MINUTE), terminals=(terminal(70 * HOUR),)), BUSY, id="beside young work"),
        pytest.param(view(kernel("starting", 70 * HOUR, 1), errors=("x",)), UNKNOWN, id="half an answer"),
        pytest.param(Unknown("it is silent"), UNKNOWN, id="cannot be reached"),
    ],
)
def test_max_age_takes_only_what_something_stuck_keeps_on(inside: Any, verdict: NotebookVerdict) -> None:
    assessment = judged(inside, PATIENT)
    assert assessment.verdict is verdict
    assert (assessment.rule is IdleRule.MAX_AGE) == (verdict is IDLE)
    assert verdict is not IDLE or "--max-age" in assessment.reason
    assert judged(inside, PATIENT, opskit_keep="").verdict is NotebookVerdict.PROTECTED


def test_who_reads_a_notebook_says_of_each_evidence_what_was_read() -> None:
    """A field with a default would stay empty in silence at the last look before a stop."""
    assert [field.name for field in fields(NotebookEvidence) if field.default is not MISSING] == []


@pytest.mark.parametrize(("until", "verdict"), [(NOW + MINUTE, NotebookVerdict.PROTECTED), (NOW, IDLE)])
def test_what_is_kept_is_protected(until: datetime, verdict: NotebookVerdict) -> None:
    assert judged(view(kernel("idle", 5 * HOUR)), opskit_keep_until=until.isoformat()).verdict is verdict


def test_without_its_tags_nothing_is_idle() -> None:
    evidence = jupyter_evidence(LAB, Unknown("denied"), view(kernel("idle", 5 * HOUR)))
    assessment = assess_notebook(evidence, POLICY, NOW)
    assert (assessment.verdict, assessment.readable, assessment.unreadable_ok) == (UNKNOWN, False, False)


def test_a_tag_excuses_what_cannot_be_read() -> None:
    assessment = judged(Unknown("its VPC lets nobody in"), opskit_unreadable_ok="")
    assert (assessment.verdict, assessment.readable, assessment.unreadable_ok) == (UNKNOWN, False, True)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("Pending", STARTING),
        ("Stopping", NotebookVerdict.STOPPED),
        ("Stopped", NotebookVerdict.STOPPED),
        ("Failed", NotebookVerdict.STOPPED),
        ("Deleting", NotebookVerdict.STOPPED),
        ("Updating", NotebookVerdict.STOPPED),
        ("InMaintenance", UNKNOWN),
        ("PendingMaintenance", UNKNOWN),
        ("Tomorrow", UNKNOWN),
    ],
)
def test_what_is_not_in_service(status: str, verdict: NotebookVerdict) -> None:
    assert judged(None, lab=replace(LAB, status=status)).verdict is verdict


def test_what_is_in_maintenance_is_looked_into_and_may_bill() -> None:
    lab = replace(LAB, status="InMaintenance")
    for inside, verdict in ((view(kernel("busy", HOUR)), BUSY), (view(kernel("idle", 5 * HOUR)), IDLE)):
        assessment = judged(inside, lab=lab)
        assert assessment.verdict is verdict
        assert "AWS says InMaintenance, during which it may bill" in assessment.reason
    assert judged(Unknown("not in ([InService])"), lab=lab).readable is False
    assert judged(view(kernel("idle", 5 * HOUR)), lab=lab, opskit_keep="").verdict is NotebookVerdict.PROTECTED


SPANS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9))
KERNELS = st.builds(
    kernel,
    st.sampled_from(["idle", "busy", "starting", "restarting", "dead", "odd"]),
    SPANS,
    st.sampled_from([0, 1, None]),
)
VIEWS = st.builds(
    JupyterState,
    st.lists(KERNELS, max_size=3).map(tuple),
    st.lists(st.builds(terminal, st.none() | SPANS), max_size=2).map(tuple),
    st.none() | SPANS.map(lambda duration: NOW - duration),
    st.just(()) | st.just(("a gap",)),
    st.timedeltas(min_value=-9 * MINUTE, max_value=9 * MINUTE),
    st.none() | st.just("no terminals"),
)
POLICIES = st.builds(IdlePolicy, SPANS, st.booleans(), st.none() | SPANS, tab_age=SPANS)


@given(VIEWS, POLICIES)
@example(view(terminals=(terminal(HOUR),), errors=("a gap",)), IdlePolicy(timedelta(0), True, timedelta(0)))
@example(JupyterState(terminals=(terminal(None),)), IdlePolicy(HOUR, max_age=HOUR))
def test_what_works_or_has_a_gap_is_never_idle(inside: JupyterState, policy: IdlePolicy) -> None:
    assessment = judged(inside, policy)
    works = any(kernel.state == "busy" for kernel in inside.kernels)
    blind = inside.terminals_gap is not None and not policy.ignore_terminals
    if works or inside.errors or blind or inside.last_activity is None or not assessment.readable:
        assert assessment.verdict is not IDLE
    if inside.terminals and not policy.ignore_terminals and policy.max_age is None:
        assert assessment.verdict is not IDLE
    if assessment.verdict is IDLE:
        assert assessment.rule is not None
        assert assessment.idle is not None
        assert assessment.idle >= min(policy.after, policy.max_age or policy.after)


@given(VIEWS, POLICIES)
def test_who_saves_shortly_after_work_is_never_idle(inside: JupyterState, policy: IdlePolicy) -> None:
    used = None if inside.last_activity is None else NOW - (inside.last_activity - inside.clock_skew)
    if used is None or inside.terminals or policy.max_age is not None or used >= policy.after:
        return
    worked = [NOW - (kernel.last_activity - inside.clock_skew) for kernel in inside.kernels]
    if min([*worked, NOW - LAB.status_changed_at]) < policy.tab_age:
        assert judged(inside, policy).verdict is not IDLE


@given(VIEWS, VIEWS, POLICIES)
def test_what_is_settled_stays_settled(first: JupyterState, more: JupyterState, policy: IdlePolicy) -> None:
    """Whatever the questions left out would have brought, the notebook would have stayed on."""
    if is_conclusive(first, policy, NOW):
        everything = replace(
            first,
            kernels=first.kernels + more.kernels,
            terminals=first.terminals + more.terminals,
            errors=more.errors,
            terminals_gap=more.terminals_gap,
            last_activity=more.last_activity,
        )
        assert judged(first, policy).verdict is not IDLE
        assert judged(everything, policy).verdict is not IDLE


def test_questions_that_failed_alike_are_told_once() -> None:
    gaps = tuple(f"Jupyter cannot be reached (api/{what}: refused)" for what in ("kernels", "sessions", "status"))
    assessment = judged(replace(view(), errors=(*gaps, "Jupyter answered HTTP 500 (api/other)")))
    assert (
        assessment.reason == "Jupyter cannot be reached (api/kernels: refused); Jupyter answered HTTP 500 (api/other)"
    )


def test_tags_that_nobody_read_may_keep_it() -> None:
    rested = JupyterState((kernel("idle", 5 * HOUR),), (), NOW - 5 * HOUR)
    read = jupyter_evidence(LAB, {}, rested)
    assert assess_notebook(read, IdlePolicy(), NOW).is_idle
    assert assess_notebook(replace(read, tags=None), IdlePolicy(), NOW).verdict is NotebookVerdict.UNKNOWN
    assert not may_inspect_inside(None, IdlePolicy(inside=True))
