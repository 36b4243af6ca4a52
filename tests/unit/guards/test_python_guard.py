"""``opskit.guard``: calls of boto3 are looked at before they are sent, and nothing else is."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import boto3
import pytest
from IPython.core.interactiveshell import InteractiveShell

import opskit
from opskit.core.exceptions import UsageError
from opskit.guards.rules.call_refused import CallRefused
from tests.fakes.fake_aws import FakeAws
from tests.fakes.training_requests import TYPE, sent_trainings, training_request


def test_the_hours_behind_declared_instances_are_said(guarded_account: FakeAws) -> None:
    with pytest.raises(opskit.GuardRefused) as refused:
        opskit.guard(training={TYPE: 2}, max_usd="2.00")
    assert "it may cost 13.44 USD, more than 2; that is 24 hours (the argument hours), and hours=3.57 would fit" in str(
        refused.value
    )
    assert "as hours=" in refused.value.problem.hint
    opskit.guard(training={TYPE: 2}, max_usd="2.00", hours="3.57")
    with pytest.raises(opskit.GuardRefused, match="and none would fit"):
        opskit.guard(training={TYPE: 2}, max_usd=0)


def test_unguard_ends_it_and_a_second_guard_takes_the_place_of_the_first(guarded_account: FakeAws) -> None:
    client = boto3.client("sagemaker")
    opskit.guard(max_usd=0)
    opskit.guard(max_usd=100)
    client.create_training_job(**training_request())
    opskit.unguard()
    client.create_training_job(**training_request(50))
    assert sent_trainings(guarded_account) == 2


def test_a_block_ends_its_guard_and_adds_to_the_one_around_it(guarded_account: FakeAws) -> None:
    client = boto3.client("sagemaker")
    opskit.guard(max_usd=5)
    with opskit.guard(max_usd=100), pytest.raises(opskit.GuardRefused):
        client.create_training_job(**training_request(4, seconds=86400))
    with opskit.guard(max_usd=0), pytest.raises(opskit.GuardRefused):
        client.create_training_job(**training_request())
    client.create_training_job(**training_request())
    assert sent_trainings(guarded_account) == 1


def test_declared_instances_are_judged_before_the_block(guarded_account: FakeAws) -> None:
    with opskit.guard(training={TYPE: 4}):
        pass
    with pytest.raises(opskit.GuardRefused, match="Nothing was started"):
        opskit.guard(training={TYPE: 5})
    boto3.client("sagemaker").create_training_job(**training_request(50))  # what was refused has put no guard on


def test_a_decorated_function_is_guarded_while_it_runs(guarded_account: FakeAws) -> None:
    client = boto3.client("sagemaker")

    @opskit.guard(max_usd=0)
    def start() -> None:
        client.create_training_job(**training_request())

    @opskit.guard(max_usd=0)
    async def start_later() -> None:
        client.create_training_job(**training_request())

    client.create_training_job(**training_request())
    for run in (start, lambda: asyncio.run(start_later())):
        with pytest.raises(opskit.GuardRefused):
            run()
    client.create_training_job(**training_request())
    assert sent_trainings(guarded_account) == 2


def test_a_generator_is_not_decorated(guarded_account: FakeAws) -> None:
    def start() -> Iterator[int]:
        yield 1

    with pytest.raises(UsageError, match="generator"):
        opskit.guard()(start)


def test_one_session_is_guarded_and_no_other(guarded_account: FakeAws) -> None:
    ours, other = boto3.Session(), boto3.Session()
    made_before = ours.client("sagemaker")
    guarding = opskit.guard_session(ours, max_usd=0)
    for client in (made_before, ours.client("sagemaker")):
        with pytest.raises(opskit.GuardRefused):
            client.create_training_job(**training_request())
    other.client("sagemaker").create_training_job(**training_request())
    guarding.stop()
    made_before.create_training_job(**training_request())
    assert sent_trainings(guarded_account) == 2


def test_without_credentials_of_its_own_the_guard_is_on_all_the_same(
    guarded_account: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = boto3.client("sagemaker", aws_access_key_id="a", aws_secret_access_key="b")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.warns(opskit.GuardWarning, match="credentials of their own"):
        opskit.guard()
    with pytest.raises(opskit.GuardRefused, match="needed: 5"):
        client.create_training_job(**training_request(5))


def test_an_error_of_opskits_own_is_no_yes_and_no_crash(
    guarded_account: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    opskit.guard()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("opskit.guards.flows.call_guard.start_reading", fail)
    client = boto3.client("sagemaker")
    with pytest.raises(opskit.GuardRefused, match=r"opskit failed \(RuntimeError: a bug"):
        client.create_training_job(**training_request())
    client.list_training_jobs()


def test_a_refusal_goes_through_a_pickle_and_shows_in_jupyter(guarded_account: FakeAws) -> None:
    opskit.guard()
    with pytest.raises(opskit.GuardRefused) as refused:
        boto3.client("sagemaker").create_training_job(**training_request(5))
    error = refused.value
    assert f"{type(error).__module__}.{type(error).__qualname__}" == "opskit.GuardRefused"
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, CallRefused)
    assert str(again) == str(error)
    assert again.verdict.needs == error.verdict.needs
    assert error._render_traceback_()[0] == "GuardRefused: CreateTrainingJob was not sent: opskit's guard refused it."
    assert error._repr_markdown_().startswith("**CreateTrainingJob was not sent")


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_usd": "five"},
        {"hours": 0},
        {"on_unknown": "ignore"},
        {"training": {"m4": 1}},
        {"training": {TYPE: 0}},
    ],
)
def test_arguments_that_are_none(guarded_account: FakeAws, arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        opskit.guard(**arguments)
    boto3.client("sagemaker").create_training_job(**training_request(50))


def test_what_is_no_session_is_refused(guarded_account: FakeAws) -> None:
    with pytest.raises(UsageError, match="not a boto3 session"):
        opskit.guard_session(object())


def test_no_warning_where_all_can_be_read(guarded_account: FakeAws) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opskit.guard(max_usd=1)


def test_importing_opskit_loads_next_to_nothing() -> None:
    code = (
        "import opskit, sys; print(sorted(n for n in sys.modules if n.split('.')[0] in ('boto3', 'botocore', 'rich')))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_all_names_are_listed_before_they_are_loaded() -> None:
    code = "import opskit; print(set(opskit.__all__) <= set(dir(opskit)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "True"


def test_the_functions_stay_functions_after_every_module_was_imported() -> None:
    for module in walk_packages(opskit.__path__, "opskit."):
        if not module.name.startswith(("opskit.sandbox.", "opskit.__main__")):
            import_module(module.name)
    for name in ("check_room", "costs", "guard", "guard_session", "unguard"):
        assert callable(getattr(opskit, name))


def test_ipython_shows_the_reasons_instead_of_a_traceback(
    guarded_account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = InteractiveShell.instance()
    shell.user_ns["start"] = lambda: boto3.client("sagemaker").create_training_job(**training_request(5))
    opskit.guard()
    shell.run_cell("start()")  # type: ignore[no-untyped-call]
    shown = capsys.readouterr().out
    assert "GuardRefused: CreateTrainingJob was not sent" in shown
    assert "Traceback" not in shown
    assert "botocore" not in shown


def test_room_is_checked_without_a_guard(guarded_account: FakeAws) -> None:
    found = opskit.check_room(training={TYPE: 2}, max_usd=5, hours=1)
    assert (found["verdict"], found["account"], found["region"]) == ("fits", "123456789012", "us-east-1")
    assert found["estimate_usd"] == Decimal("0.56")
    assert found["problems"] == []
    assert opskit.check_room(training={TYPE: 5})["verdict"] == "short"
    assert opskit.check_room(training={TYPE: 2}, max_usd="0.1", hours=1)["verdict"] == "over-budget"
    with pytest.raises(UsageError):
        opskit.check_room()
    with pytest.raises(UsageError, match="duration"):
        opskit.check_room(training={TYPE: 2}, max_usd=1)
    boto3.client("sagemaker").create_training_job(**training_request(50))


def test_room_whose_price_is_not_known_is_in_no_budget(guarded_account: FakeAws) -> None:
    """A program that starts what fits would spend whatever it costs."""
    guarded_account.running["GetProducts"] = lambda _: {"FormatVersion": "aws_v1", "PriceList": []}
    kind = "ml.m4.2xlarge"  # opskit's own table has no price of it
    found = opskit.check_room(training={kind: 2}, max_usd=5, hours=1)
    assert (found["verdict"], found["estimate_usd"], len(found["problems"])) == ("unknown", None, 1)
    assert opskit.check_room(training={kind: 2}, hours=1)["verdict"] == "fits"
    assert opskit.check_room(training={kind: 5}, max_usd=5, hours=1)["verdict"] == "short"


def test_a_second_guard_of_a_session_takes_the_place_of_the_first(guarded_account: FakeAws) -> None:
    session = boto3.Session()
    opskit.guard_session(session, max_usd=0)
    guarding = opskit.guard_session(session, max_usd=100)
    session.client("sagemaker").create_training_job(**training_request())
    guarding.stop()


def test_clients_that_are_not_covered_are_said(guarded_account: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiobotocore", sys)
    with pytest.warns(opskit.GuardWarning, match="aiobotocore are not covered"):
        opskit.guard()
