"""Requests and plans as public examples have them get the verdicts that were found by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from opskit.core.model import Requirement, Workload
from opskit.quotas.reads.code_cache import bundled_codes
from opskit.quotas.rules.requirements import quota_name_for
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import Entry, FakeAws
from tests.fakes.public_plans import PLANS
from tests.fakes.public_requests import REQUESTS, Needs

LIMITS = {
    "Longest run time for a training job": 432000,
    "Longest run time for a processing job": 432000,
    "Total EBS volume size in GB across all notebook instances": 500,
}


@pytest.fixture
def guard_file(
    fake_aws: FakeAws, no_backoff: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., CliResult]]:
    """`opskit guard --from` in an account with room for four of everything, of newer types too."""
    names = dict(bundled_codes())
    newer = {name: f"L-{index:08d}" for index, name in enumerate(_newer_names()) if name not in names}
    fake_aws.quotas = [Entry(name, code, LIMITS.get(name, 4), 1) for name, code in {**names, **newer}.items()]

    def run(document: Any, *words: str) -> CliResult:
        file = tmp_path / "plan"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return run_opskit(capsys, "guard", "--from", str(file), *words, "-o", "json")

    yield run


def _newer_names() -> Iterator[str]:
    every = [needs for *_, needs in REQUESTS] + [needs for *_, needs in PLANS]
    for instance_type, workload, count in [need for needs in every for need in needs]:
        yield quota_name_for(Requirement(instance_type, Workload(workload), count))


def needed(ran: CliResult) -> Needs:
    return [(need["instance_type"], need["usage"], need["count"]) for need in ran.data["needs"]]


@pytest.mark.parametrize(
    ("operation", "request_", "code", "needs"), [row[1:] for row in REQUESTS], ids=[row[0] for row in REQUESTS]
)
def test_guard_file_reads_public_requests(
    guard_file: Callable[..., CliResult], operation: str | None, request_: Any, code: int, needs: Needs
) -> None:
    ran = guard_file(request_, *(("--operation", operation) if operation else ()))
    assert (ran.code, sorted(needed(ran))) == (code, sorted(needs)), ran.out


@pytest.mark.parametrize(("plan", "words", "code", "needs"), [row[1:] for row in PLANS], ids=[row[0] for row in PLANS])
def test_guard_file_reads_public_plans(
    guard_file: Callable[..., CliResult], plan: Any, words: tuple[str, ...], code: int, needs: Needs
) -> None:
    ran = guard_file(plan, *words)
    assert (ran.code, sorted(needed(ran))) == (code, sorted(needs)), ran.out


def test_there_are_as_many_as_were_promised() -> None:
    assert len(REQUESTS) >= 30
    assert len(PLANS) >= 10
