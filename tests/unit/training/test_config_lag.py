"""CreateEndpoint may not see a configuration that was just made: it is sent again, but not for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.account import Account, client_error, in_memory
from tests.fakes.cli_runner import CliResult, run_opskit

UNSEEN = 'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/x".'
NO_MODEL = 'Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/x".'


pytestmark = pytest.mark.usefixtures("quick_runs")


def refuse(times: int, message: str, sent: list[str]) -> Callable[[str], None]:
    """Refuses the first so many CreateEndpoint with this message."""

    def before(operation: str) -> None:
        if operation == "CreateEndpoint":
            sent.append(operation)
            if len(sent) <= times:
                raise client_error(operation, "ValidationException", message)

    return before


def deploy(account: Account, capsys: pytest.CaptureFixture[str]) -> CliResult:
    with in_memory(account):
        return run_opskit(capsys, "train", "boston", "--no-guard", "--deploy", "-o", "json")


def test_a_configuration_that_is_seen_late_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    account, sent = Account(), list[str]()
    account.before = refuse(3, UNSEEN, sent)
    ended = deploy(account, capsys)
    assert (ended.code, len(sent)) == (0, 4), ended.out
    assert [kind for kind, _ in account.things].count("Endpoint") == 1


def test_one_that_is_never_seen_is_an_error_of_aws(capsys: pytest.CaptureFixture[str]) -> None:
    account, sent = Account(), list[str]()
    account.before = refuse(99, UNSEEN, sent)
    ended = deploy(account, capsys)
    assert ended.code == 4
    assert "Could not find endpoint configuration" in ended.envelope["errors"][0]["message"]
    assert 3 < len(sent) < 10


def test_any_other_refusal_is_final(capsys: pytest.CaptureFixture[str]) -> None:
    account, sent = Account(), list[str]()
    account.before = refuse(99, NO_MODEL, sent)
    assert deploy(account, capsys).code != 0
    assert len(sent) == 1
