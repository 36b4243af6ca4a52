"""Jupyters that answer, and Jupyters that do not: none costs more than its time, none gets a cookie of another, and
the key to none is told to anybody.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opskit.core.model import JupyterState, Unknown
from opskit.notebooks.reads.jupyter import inspect_jupyter, open_jupyter
from tests.fakes.fake_aws import Fault
from tests.fakes.fake_jupyter import DRIPS, ENDLESS, HANGS, FakeJupyterHandler
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks
from tests.fakes.fake_server import FakeServer, HighWaterGauge

HOUR = timedelta(hours=1)
KEY = "lab.a-secret-key"

pytestmark = [pytest.mark.served, pytest.mark.usefixtures("patient_jupyter")]


def never(state: JupyterState) -> bool:
    return False


@contextmanager
def served(rooms: FakeNotebooks, context: ssl.SSLContext | None = None) -> Iterator[FakeServer]:
    server = FakeServer(FakeJupyterHandler, HighWaterGauge())
    server.rooms = rooms  # type: ignore[attr-defined]
    rooms.url = server.url
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        rooms.url = server.url.replace("http:", "https:")
    with server.serving():
        yield server


def look(rooms: FakeNotebooks, is_conclusive: Callable[[JupyterState], bool] = never) -> JupyterState | Unknown:
    return inspect_jupyter(lambda: f"{rooms.url}?authToken={KEY}", is_conclusive)


def sight(lab: FakeNotebook) -> JupyterState | Unknown:
    with served(rooms := FakeNotebooks.of(lab)):
        return look(rooms)


def test_jupyter_everything_is_asked_and_nothing_leaves_a_trace() -> None:
    used = datetime(2026, 1, 1, tzinfo=UTC)
    lab = FakeNotebook("lab", used=used).kernel("idle", 5 * HOUR, 1).terminal(2 * HOUR)
    with served(rooms := FakeNotebooks.of(lab)):
        seen = look(rooms)
    assert isinstance(seen, JupyterState)
    assert [(kernel.state, kernel.connections, kernel.path) for kernel in seen.kernels] == [("idle", 1, "lab.ipynb")]
    assert [terminal.name for terminal in seen.terminals] == ["1"]
    assert (seen.last_activity, seen.errors) == (datetime.fromisoformat(lab.last_activity()), ())
    assert rooms.counted == ["enter", "kernels", "terminals", "sessions", "status"]
    assert lab.used == used, "the look was taken for somebody's work"


def looked_at_once(rooms: FakeNotebooks, meanwhile: Callable[[], None] = lambda: None) -> JupyterState | Unknown:
    with open_jupyter(lambda: f"{rooms.url}?authToken={KEY}") as way:
        if isinstance(way, Unknown):
            return way
        meanwhile()
        way.open_connections()
        return way.read_all()


def test_jupyter_a_last_look_asks_everything_at_once_and_leaves_no_trace() -> None:
    used = datetime(2026, 1, 1, tzinfo=UTC)
    lab = FakeNotebook("lab", used=used).kernel("idle", 5 * HOUR, 1).terminal(2 * HOUR)
    at_once = threading.Barrier(4)
    with served(rooms := FakeNotebooks.of(lab)):

        def wait_for_all(what: str) -> None:
            """No answer comes before all four are asked."""
            at_once.wait()

        seen = looked_at_once(rooms, lambda: setattr(lab, "fault", wait_for_all))
    assert isinstance(seen, JupyterState)
    assert [(kernel.state, kernel.connections, kernel.path) for kernel in seen.kernels] == [("idle", 1, "lab.ipynb")]
    assert [terminal.name for terminal in seen.terminals] == ["1"]
    assert (seen.last_activity, seen.errors) == (datetime.fromisoformat(lab.last_activity()), ())
    assert lab.used == used, "the look was taken for somebody's work"


@pytest.mark.parametrize("where", ["kernels", "sessions"])
def test_jupyter_a_kernel_that_is_busy_in_one_of_two_answers_is_busy(where: str) -> None:
    lab = FakeNotebook("lab").kernel("idle", HOUR)
    says = lab.answer_to

    def said(what: str) -> Any:
        answer = json.loads(json.dumps(says(what)))
        for each in answer if what == where else ():
            each.get("kernel", each).update(execution_state="busy", last_activity=lab.ago(timedelta(0)))
        return answer

    lab.answer_to = said  # type: ignore[method-assign]
    with served(rooms := FakeNotebooks.of(lab)):
        seen = looked_at_once(rooms)
    assert isinstance(seen, JupyterState)
    assert [(kernel.state, kernel.path) for kernel in seen.kernels] == [("busy", "lab.ipynb")]


@pytest.mark.parametrize("what", ["kernels", "terminals", "sessions"])
@pytest.mark.parametrize(
    "fault", [Fault(500), Fault(0), Fault(200, "", "[{"), HANGS], ids=["500", "0", "half", "hangs"]
)
@pytest.mark.usefixtures("hasty_jupyter")
def test_jupyter_half_an_answer_to_a_last_look_is_a_gap(what: str, fault: Fault) -> None:
    lab = FakeNotebook("lab", fault=lambda asked: fault if asked == what else None).kernel("idle", HOUR)
    with served(rooms := FakeNotebooks.of(lab)):
        seen = looked_at_once(rooms)
    assert isinstance(seen, JupyterState)
    assert f"api/{what}" in gaps(seen)


def test_jupyter_a_last_look_that_is_not_let_in_says_so_and_tells_no_key() -> None:
    left = [Fault(200, "", "<html>a proxy's bad moment</html>")]
    lab = FakeNotebook("lab", fault=lambda asked: left.pop() if left and asked == "enter" else None)
    with served(rooms := FakeNotebooks.of(lab)):
        assert isinstance(looked_at_once(rooms), JupyterState), "a new key opens it"
    lab.fault = lambda asked: Fault(403)
    with served(rooms):
        seen = looked_at_once(rooms)
    assert isinstance(seen, Unknown)
    assert "denied access" in seen.reason
    assert "secret" not in repr(seen)


@pytest.mark.parametrize(
    "lab", [FakeNotebook("lab"), FakeNotebook("lab").kernel("idle", 20 * HOUR)], ids=["nothing open", "a kernel"]
)
def test_jupyter_is_always_asked_when_it_was_used(lab: FakeNotebook) -> None:
    lab.used = datetime.now(UTC) - HOUR
    seen = sight(lab)
    assert isinstance(seen, JupyterState)
    assert seen.last_activity == lab.used


@pytest.mark.parametrize("last", [False, True], ids=["a look", "a last look"])
def test_jupyter_a_jupyter_whose_terminals_are_off_has_none_and_an_old_one_tells_no_time(last: bool) -> None:
    looks = looked_at_once if last else look
    with served(rooms := FakeNotebooks.of(lab := FakeNotebook("lab").terminal(None))):
        seen = looks(rooms)
        assert isinstance(seen, JupyterState)
        assert [terminal.last_activity for terminal in seen.terminals] == [None]
        lab.fault = lambda asked: Fault(404) if asked == "terminals" else None
        seen = looks(rooms)
    assert isinstance(seen, JupyterState)
    assert (seen.terminals, seen.errors, seen.terminals_gap) == ((), (), None)


def test_jupyter_what_settles_the_question_ends_the_visit() -> None:
    with served(rooms := FakeNotebooks.of(FakeNotebook("lab").kernel("busy", HOUR))):
        look(rooms, lambda state: any(kernel.state == "busy" for kernel in state.kernels))
    assert rooms.counted == ["enter", "kernels"]


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(minutes=-5)])
def test_jupyter_a_clock_that_is_wrong_is_told(ahead: timedelta) -> None:
    seen = sight(FakeNotebook("lab", ahead=ahead).kernel("idle", HOUR))
    assert isinstance(seen, JupyterState)
    assert abs(seen.clock_skew - ahead) < timedelta(minutes=2)


def test_jupyter_a_clock_that_nobody_knows_is_a_gap() -> None:
    """Its times may be hours old or new: they are not taken for this machine's."""
    seen = sight(FakeNotebook("lab", has_clock=False).kernel("idle", HOUR))
    assert isinstance(seen, JupyterState)
    assert ["do not tell its time" in gap for gap in seen.errors] == [True]


@pytest.mark.parametrize("what", ["kernels", "terminals", "sessions", "status"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(500, "", "{}"),
        Fault(404, "", "[]"),
        Fault(403, "", "[]"),
        Fault(0),
        Fault(200, "", "<html>"),
        Fault(200, "", "[{"),
        Fault(200, "", ""),
        Fault(200, "", "{}"),
        Fault(200, "", "[1]"),
        Fault(200, "", "[{}]"),
        Fault(200, "", "null"),
        Fault(200, "", "[" * 100_000),
        Fault(200, "", '[{"id":"1","name":"1","execution_state":"idle","last_activity":"yesterday","kernel":{}}]'),
    ],
    ids=lambda fault: f"{fault.status} {fault.message[:8]}",
)
def test_jupyter_half_an_answer_is_a_gap(what: str, fault: Fault) -> None:
    seen = sight(FakeNotebook("lab", fault=lambda asked: fault if asked == what else None))
    assert isinstance(seen, JupyterState)
    if (what, fault.status) == ("terminals", 404):
        assert gaps(seen) == "", "they are switched off"
    else:
        assert f"api/{what}" in gaps(seen)


def gaps(seen: JupyterState) -> str:
    return " ".join([*seen.errors, seen.terminals_gap or ""])


def test_jupyter_a_passing_trouble_is_asked_again() -> None:
    left = [Fault(500), Fault(0), Fault(500), Fault(0)]
    lab = FakeNotebook("lab", fault=lambda asked: left.pop() if left and asked != "enter" else None).kernel(
        "idle", HOUR
    )
    seen = sight(lab)
    assert isinstance(seen, JupyterState)
    assert (len(seen.kernels), seen.errors) == (1, ())


def test_jupyter_a_front_page_without_a_cookie_is_tried_again_with_a_new_key() -> None:
    left = [Fault(200, "", "<html>a proxy's bad moment</html>")]
    lab = FakeNotebook("lab", fault=lambda asked: left.pop() if left and asked == "enter" else None).kernel(
        "idle", HOUR
    )
    seen = sight(lab)
    assert isinstance(seen, JupyterState)
    assert (len(seen.kernels), seen.errors) == (1, ())


@pytest.mark.parametrize("what", ["enter", "kernels", "sessions"])
@pytest.mark.parametrize("fault", [HANGS, DRIPS], ids=["hangs", "drips"])
@pytest.mark.usefixtures("hasty_jupyter")
def test_jupyter_a_jupyter_that_takes_its_time_is_cut_off(what: str, fault: Fault) -> None:
    lab = FakeNotebook("lab", fault=lambda asked: fault if asked == what else None).kernel("idle", HOUR)
    with served(rooms := FakeNotebooks.of(lab)):
        seen = look(rooms)
    assert rooms.counted.count(what) <= 1, "what hangs once had all the time there is"
    assert "did not answer within" in (seen.reason if isinstance(seen, Unknown) else " ".join(seen.errors))


def test_jupyter_an_endless_answer_is_not_read() -> None:
    seen = sight(FakeNotebook("lab", fault=lambda asked: ENDLESS if asked == "kernels" else None))
    assert isinstance(seen, JupyterState)
    assert "api/kernels" in seen.errors[0]
