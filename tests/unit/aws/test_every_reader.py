"""Every reader is given answers that lack something: it fails as a read, or says what is unknown, and never breaks.

What must not come out wrong is held where it is decided (``tests/unit/quotas/test_garbled_responses_cli.py``); here the
kind is held: nothing that AWS leaves out, or answers null for, is an exception of Python's.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import opskit
from opskit.aws.client import AwsClient
from opskit.aws.session import open_session
from opskit.core.exceptions import OpskitError
from tests.fakes.fake_aws import Entry, FakeAws
from tests.fakes.garbled_responses import WRONG, garbled_responses
from tests.fakes.reader_answers import CODE, NAME, REQUEST
from tests.unit.aws.known_readers import COVERED_ELSEWHERE, READERS
from tests.unit.quotas.test_garbled_responses_cli import running_resources

_ROWS = "of READERS in tests/unit/aws/known_readers.py"
pytestmark = pytest.mark.usefixtures("no_backoff")


@pytest.fixture
def told_account(fake_aws: FakeAws) -> FakeAws:
    fake_aws.quotas = [Entry(NAME, CODE, 4, 1), Entry("another", "L-00000001", 1, 1)]
    fake_aws.running = running_resources()
    return fake_aws


@pytest.mark.parametrize("reader", READERS)
def test_no_reader_breaks_on_what_an_answer_lacks(
    told_account: FakeAws, isolated_home: Path, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, read = READERS[reader]
    told_account.requests = [REQUEST]
    told_account.running |= {
        operation: told if callable(told) else lambda _, told=told: told  # type: ignore[misc]
        for operation, told in answers.items()
    }
    bodies: dict[str, list[str]] = {}

    def note_body(operation: str, body: str) -> tuple[int, str]:
        bodies.setdefault(operation, []).append(body)
        return 200, body

    told_account.garble = note_body
    client = open_session().client("us-east-1")
    monkeypatch.setattr(type(client.session), "rate_limiter", _no_rates(client))
    read(client)
    assert bodies
    nothing = sorted(operation for operation, told in bodies.items() if not any(map(_has_something, told)))
    assert nothing == [], f"the lists of these answers are empty: put something in them in the row '{reader}' {_ROWS}"
    broken = list(_broken_reads(told_account, bodies, lambda: read(client)))
    assert broken == []


def _has_something(body: str) -> bool:
    """Whether an answer has something in one of its lists, or has none."""
    lists = [value for value in json.loads(body).values() if isinstance(value, list)] if body.startswith("{") else []
    return not lists or any(lists)


def _no_rates(client: AwsClient) -> Callable[..., Any]:
    """One limiter for all, so that hundreds of reads do not wait for their rates."""
    from opskit.aws.pacing import RateLimiter

    limiter = RateLimiter()
    return lambda *_: limiter


def _broken_reads(aws: FakeAws, bodies: Mapping[str, list[str]], once: Callable[[], Any]) -> Iterator[str]:
    """Every garbled answer that a reader broke on, with the exception."""
    for operation, told in bodies.items():
        in_json = [body for body in told if body.startswith("{")]
        ways = garbled_responses(in_json, 99) if in_json else {}
        for how, garble in ((how, garble) for how, garble in ways.items() if _reaches_readers(how)):
            aws.garble = lambda called, body, on=operation, garble=garble: (  # type: ignore[misc]
                garble(body) if called == on else (200, body)
            )
            try:
                once()
            except OpskitError:
                continue
            except Exception as error:
                yield f"{operation} {how}: {type(error).__name__}: {error}"


def _reaches_readers(how: str) -> bool:
    """Of the values of another type only what AWS writes for no number reaches a reader: test_response_values.py holds
    that for every operation.
    """
    return not how.startswith(WRONG) or "'NaN'" in how


def test_every_reader_of_aws_is_among_them() -> None:
    readers = {name for module in _read_modules() for name, read in vars(module).items() if _is_reader(module, read)}
    missing = sorted(readers - {row.partition(" ")[0] for row in READERS} - COVERED_ELSEWHERE)
    assert missing == [], f"add what AWS answers to each, and how it is called, as a row {_ROWS} (or COVERED_ELSEWHERE)"


def _read_modules() -> Iterator[Any]:
    for each in pkgutil.walk_packages(opskit.__path__, "opskit."):
        feature, _, layer = each.name.removeprefix("opskit.").partition(".")
        if feature != "sandbox" and layer.partition(".")[0] == "reads":
            yield importlib.import_module(each.name)


def _is_reader(module: Any, read: object) -> bool:
    """Whether it is a public function of the module's own that takes a client first."""
    if not inspect.isfunction(read) or read.__module__ != module.__name__ or read.__name__.startswith("_"):
        return False
    return next(iter(inspect.signature(read).parameters), "") == "client"
