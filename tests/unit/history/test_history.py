"""What the stops in the journal saved, with AWS's word where the journal ends, and without it where it must be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from opskit.aws.client import AwsClient
from opskit.aws.session import AwsSession, CallerIdentity
from opskit.core.exceptions import AwsError, CredentialsError, ExitCode
from opskit.core.model import Notebook
from opskit.history.flows import History, read_history
from opskit.history.render import history_result
from opskit.notebooks.changes import notebooks as changes
from tests.fakes.created_notebooks import LAB, described
from tests.fakes.stubbed_client import ACCOUNT, StubbedCalls, stubbed_client

PRICE = Decimal("0.10")


def hours_from_now(hours: float) -> datetime:
    """The journal takes the machine's time, so what AWS says is told beside it."""
    return datetime.now(UTC) + timedelta(hours=hours)


@pytest.fixture
def stubbed_aws() -> Iterator[tuple[AwsClient, StubbedCalls]]:
    with stubbed_client() as both:
        yield both


def record_stop(
    client: AwsClient, script: StubbedCalls, name: str = "lab", usd: Decimal | None = PRICE, ran_for: float = 5
) -> None:
    script.add_answer("sagemaker", "stop_notebook_instance", {})
    since = hours_from_now(-ran_for)
    seen = Notebook("us-east-1", name, LAB, "ml.t2.medium", "InService", since)
    with changes.prepare_stop(client, seen, "idle", usd) as intent:
        intent.send_change()


def record_start(client: AwsClient, script: StubbedCalls, name: str = "lab") -> None:
    script.add_answer("sagemaker", "start_notebook_instance", {})
    with changes.prepare_start(client, name) as intent:
        intent.send_change()


def stub_notebook_list(script: StubbedCalls, *response: dict[str, Any]) -> None:
    script.add_answer("sagemaker", "list_notebook_instances", {"NotebookInstances": list(response)})


def read_month(client: AwsClient) -> History:
    return read_history(timedelta(days=30), hours_from_now(10), lambda: client.session)


def saved_amounts(told: History) -> list[Decimal | None]:
    return [saving.usd for saving in told.savings.values()]


def test_until_now_while_aws_says_that_it_is_off(stubbed_aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = stubbed_aws
    record_stop(client, script)
    stub_notebook_list(script, described("Stopped", LastModifiedTime=hours_from_now(0)))
    told = read_month(client)
    assert [round(usd or 0, 2) for usd in saved_amounts(told)] == [Decimal("1.00")]
    result = history_result(told)
    assert result.exit is ExitCode.OK
    assert result.data["savings"]["uncounted"] == 0
    [entry] = result.data["history"]
    assert entry["saved_usd"] == told.savings[entry["id"]].usd
    assert entry["usd_per_hour"] == PRICE


def test_until_the_start_that_aws_tells(stubbed_aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = stubbed_aws
    record_stop(client, script)
    stub_notebook_list(script, described("InService", LastModifiedTime=hours_from_now(2)))
    assert [round(usd or 0, 2) for usd in saved_amounts(read_month(client))] == [Decimal("0.20")]


def test_a_start_of_ours_needs_no_look(stubbed_aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = stubbed_aws
    record_stop(client, script)
    record_start(client, script)
    told = read_month(client)  # whose script has no list: a look would fail
    assert told.problems == ()
    assert [usd is not None and usd < Decimal("0.01") for usd in saved_amounts(told)] == [True]


def test_a_start_of_another_notebook_ends_nothing(stubbed_aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = stubbed_aws
    record_stop(client, script)
    record_start(client, script, "other")
    stub_notebook_list(script, described("Stopped", LastModifiedTime=hours_from_now(0)))
    assert [round(usd or 0, 2) for usd in saved_amounts(read_month(client))] == [Decimal("1.00")]


def test_what_has_no_price_is_not_counted_and_nothing_is_asked_for_it(
    stubbed_aws: tuple[AwsClient, StubbedCalls],
) -> None:
    client, script = stubbed_aws
    record_stop(client, script, usd=None)
    result = history_result(read_month(client))
    assert result.data["savings"] == {"stops": 1, "saved_usd": 0, "uncounted": 1, "unconfirmed": 0}
    assert any("1 stop not counted: its price is not known" in note for note in result.notes)


def test_without_aws_the_journal_still_tells_and_says_what_it_rests_on(
    stubbed_aws: tuple[AwsClient, StubbedCalls],
) -> None:
    client, script = stubbed_aws
    record_stop(client, script)

    def locked() -> AwsSession:
        raise CredentialsError("no-credentials", "AWS credentials: none found.")

    told = read_history(timedelta(days=30), hours_from_now(10), locked)
    result = history_result(told)
    assert [round(usd or 0, 2) for usd in saved_amounts(told)] == [Decimal("1.00")]
    assert result.exit is ExitCode.PARTIAL
    assert "as far as opskit's journal tells" in result.data["history"][0]["saved_because"]
    assert any("journal" in note for note in result.notes)


def test_a_list_that_is_denied_is_said(stubbed_aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = stubbed_aws
    record_stop(client, script)
    script.add_refusal("sagemaker", "list_notebook_instances", "AccessDeniedException", "no")
    told = read_month(client)
    assert [problem.code for problem in told.problems] == ["denied"]
    assert saved_amounts(told) != [None]
    result = history_result(told)
    assert result.data["savings"]["unconfirmed"] == 1
    assert any("1 stop saved at most" in note for note in result.notes)


def as_account(client: AwsClient, account: str, endpoint: str = "aws") -> AwsSession:
    """A connection that leads to another account, or to another endpoint."""
    other = dataclasses.replace(client.session)
    other._identity_read = Future()
    other._identity_read.set_result(CallerIdentity(account, f"arn:aws:iam::{account}:user/me"))
    other.endpoint_id = lambda: endpoint  # type: ignore[method-assign]
    return other


ELSEWHERE = [("999999999999", "aws"), (ACCOUNT, "http://127.0.0.1:4566"), ("999999999999", "http://127.0.0.1:4566")]


@pytest.mark.parametrize(("account", "endpoint"), ELSEWHERE)
def test_only_the_present_account_and_endpoint_are_summed(
    stubbed_aws: tuple[AwsClient, StubbedCalls], account: str, endpoint: str
) -> None:
    client, script = stubbed_aws
    for _ in range(2):  # a stop of each that the journal ends, so that both are worth something
        record_stop(client, script)
        record_start(client, script)
    there = as_account(client, account, endpoint)
    told = read_history(timedelta(days=30), hours_from_now(10), lambda: there)
    result = history_result(told)
    assert (result.data["account"], result.data["endpoint"]) == (account, endpoint)
    assert result.data["savings"] == {"stops": 0, "saved_usd": 0, "uncounted": 0, "unconfirmed": 0}
    assert result.data["history"] == []
    [other] = result.data["elsewhere"]
    assert (other["account"], other["endpoint"], other["changes"], other["stops"]) == (ACCOUNT, "aws", 4, 2)
    assert f"Account {ACCOUNT}: 4 changes, of another account or endpoint. --all shows them." in result.notes
    assert not any(note.startswith("2 stops saved") for note in result.notes)
    everything = history_result(told, everywhere=True)
    assert len(everything.data["history"]) == 4
    assert everything.data["savings"] == result.data["savings"]
    assert everything.tables[0].columns[0].header == "Account"
    assert {row[0].text for row in everything.tables[0].rows} == {ACCOUNT}


def test_here_and_elsewhere_are_two_sums(stubbed_aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = stubbed_aws
    record_stop(client, script)
    record_start(client, script)
    record_stop(
        AwsClient(as_account(client, "999999999999"), client.region), script
    )  # where it is still off, as far as we know
    result = history_result(read_month(client))
    assert [entry["account"] for entry in result.data["history"]] == [ACCOUNT, ACCOUNT]
    assert result.data["savings"]["stops"] == 1
    [other] = result.data["elsewhere"]
    assert (other["stops"], other["saved_usd"], other["uncounted"]) == (1, 0, 1)
    assert any("can only be told there" in note for note in result.notes)


def _deny_identity(session: AwsSession) -> CallerIdentity:
    raise AwsError("denied", "AWS does not say who we are.")


def test_whose_account_is_not_known_is_shown_and_not_summed(
    stubbed_aws: tuple[AwsClient, StubbedCalls], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, script = stubbed_aws
    with monkeypatch.context() as patched:
        patched.setattr(AwsSession, "identity", _deny_identity)
        record_stop(client, script)
        record_start(client, script)
        record_stop(client, script)
    result = history_result(read_month(client))
    assert [entry["account"] for entry in result.data["history"]] == [None, None, None]
    assert result.data["savings"]["stops"] == 0
    assert [(each["account"], each["stops"]) for each in result.data["elsewhere"]] == [(None, 2)]
    # that nobody knows whose it is does not make it another's
    assert "not known which account it is of" in result.data["history"][-1]["saved_because"]
    assert not any("--all" in note for note in result.notes)


def test_where_the_present_account_is_not_known_nothing_is_summed_over_several(
    stubbed_aws: tuple[AwsClient, StubbedCalls],
) -> None:
    client, script = stubbed_aws
    for aws_client in (client, AwsClient(as_account(client, "999999999999"), client.region)):
        record_stop(aws_client, script)
        record_start(aws_client, script)

    def locked() -> AwsSession:
        raise CredentialsError("no-credentials", "AWS credentials: none found.")

    result = history_result(read_history(timedelta(days=30), hours_from_now(10), locked))
    assert result.exit is ExitCode.PARTIAL
    assert len(result.data["history"]) == 4
    assert result.data["savings"] == {"stops": 2, "saved_usd": None, "uncounted": 2, "unconfirmed": 0}
    assert [each["stops"] for each in result.data["elsewhere"]] == [1, 1]
    assert (result.data["account"], result.data["account_unknown_because"]) == (None, "AWS credentials: none found.")


def test_without_entries_nobody_is_asked_for_the_account(stubbed_aws: tuple[AwsClient, StubbedCalls]) -> None:
    told = read_month(stubbed_aws[0])
    assert told.current is None
    data = history_result(told).data
    assert (data["account"], data["account_unknown_because"]) == (None, None)
    assert data["savings"] == {"stops": 0, "saved_usd": 0, "uncounted": 0, "unconfirmed": 0}


def test_a_refused_stop_is_no_stop(stubbed_aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = stubbed_aws
    script.add_refusal("sagemaker", "stop_notebook_instance", "ValidationException", "Status (Stopped) not in …")
    seen = Notebook("us-east-1", "lab", LAB, "ml.t2.medium", "InService", hours_from_now(-1))
    with pytest.raises(Exception, match="Status"), changes.prepare_stop(client, seen, "idle", PRICE) as intent:
        intent.send_change()
    with changes.prepare_stop(client, seen, "idle", PRICE) as intent:
        intent.error = "a last look spoke against it"
    told = read_month(client)
    assert told.savings == {}
    assert [entry.outcome for entry in told.entries] == ["refused", "dropped"]
    assert any("'dropped' was not sent" in note for note in history_result(told).notes)
    assert any("'refused' changed nothing: AWS refused it" in note for note in history_result(told).notes)
    assert history_result(told).data["savings"] == {"stops": 0, "saved_usd": 0, "uncounted": 0, "unconfirmed": 0}
    elsewhere = read_history(timedelta(days=30), hours_from_now(10), lambda: as_account(client, "999999999999"))
    assert not any("'dropped'" in note for note in history_result(elsewhere).notes)  # none of it is shown


def test_many_stops_are_no_trouble(stubbed_aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = stubbed_aws
    for _ in range(50):
        record_stop(client, script)
        record_start(client, script)
    assert len(saved_amounts(read_month(client))) == 50


def test_a_span_without_an_end_is_all(stubbed_aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = stubbed_aws
    record_stop(client, script, usd=None)
    assert len(read_history(timedelta(days=900_000), hours_from_now(10), lambda: client.session).entries) == 1
