"""What is said in VIEWS of a command's answer is so in the answer that the command gives."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.aws.session import open_session
from opskit.cli.account_options import parse_words
from opskit.cli.command import ACCOUNT_USES, CommandContext
from opskit.cli.command_tree import load_all
from opskit.core.exceptions import ExitCode
from opskit.core.setting_values import OutputFormat
from opskit.core.settings import read_given_settings
from opskit.fleet.render import fleet_result
from opskit.fleet.rules.accounts import FleetAccount
from opskit.fleet.rules.reports import AccountReport
from opskit.fleet.rules.views import VIEWS
from opskit.output.screen import Screen, printed_envelope
from opskit.state import journal
from tests.fakes.fake_aws import FakeAws
from tests.slow import serves
from tests.unit.output.test_hostile_names_cli import WALK, planted_machine

ALONE = {"fleet check": "quotas check", "fleet idle": "notebook list", "fleet costs": "costs"}
"""The command whose words each of ``fleet`` takes in one account."""


@pytest.fixture
@serves
def full_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """An account with something of every kind."""
    with planted_machine(tmp_path, monkeypatch) as aws:
        with journal.journal_action(open_session().client("us-east-1"), "stop", "notebook kept", reason="idle"):
            pass  # what is planted was done in another account
        yield aws


def test_each_command_that_runs_in_several_accounts_has_a_view_of_its_rows() -> None:
    load_all()
    assert ACCOUNT_USES.keys() == VIEWS.keys()


@pytest.mark.usefixtures("full_account")
@pytest.mark.parametrize("command", VIEWS)
def test_an_answer_has_what_its_view_says(command: str) -> None:
    view, where = VIEWS[command], f"the row of `opskit {command}` of VIEWS in opskit/fleet/rules/views.py"
    parsed = parse_words([*command.split(), *WALK[ALONE.get(command, command)][0]])
    settings = read_given_settings({}, os.environ, "the test")
    ctx = CommandContext(settings, Screen(OutputFormat.JSON, quiet=True))
    result = ctx.run_with_state(lambda ctx: parsed.body(ctx, **parsed.arguments))
    assert view.records == result.records, f"{where} names another list than the command's CommandResult"
    answered = printed_envelope(parsed.path, result)["data"]
    report = AccountReport(FleetAccount("111111111111"), ExitCode.OK, answered)
    rows = report.rows(view.records)
    assert {row["account"] for row in rows} == {report.account.account}, (
        f"`opskit {command}` finds nothing in the account of the test: add what it finds to planted_machine"
    )
    assert set(view.columns) <= rows[0].keys(), f"{where} shows columns that its rows lack"
    for row in rows:
        view.matters(row)
    told = fleet_result(replace(view, matters=lambda row: True), [report])  # all of them shown
    assert len(told.tables[1].rows) == len(rows)
