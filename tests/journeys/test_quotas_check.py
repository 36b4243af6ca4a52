"""``quotas check`` as a process of its own, in accounts of a sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.conftest import run_sandbox

HOME = "us-east-1"


def by_name(data: dict[str, Any], region: str = HOME) -> dict[str, Any]:
    return {row["quota_name"]: row for row in data["quotas"] if row["region"] == region}


def test_a_fresh_account_is_short_and_says_what_to_ask_for(fresh_shell: Any) -> None:
    ended = fresh_shell.opskit("quotas", "check")
    rows = by_name(ended.data)
    assert ended.exit == 3
    assert rows["ml.m4.xlarge for training job usage"]["verdict"] == "short"
    assert rows["ml.p2.xlarge for training job usage"]["verdict"] == "not-offered"
    assert rows["Number of instances across all training jobs"]["verdict"] == "fits"
    again = fresh_shell.opskit("quotas", "check")
    verdicts = {name: row["verdict"] for name, row in rows.items()}
    assert {name: row["verdict"] for name, row in by_name(again.data).items()} == verdicts
    told = fresh_shell.opskit("quotas", "check", json_output=False)
    assert "opskit quotas increase ml.m4.xlarge --for training --for transform --for endpoint --to 1" in told.stdout


def test_regions_differ_and_each_is_told(fresh_shell: Any) -> None:
    words = [word for region in ("us-east-1", "us-west-2", "eu-west-1") for word in ("--region", region)]
    data = fresh_shell.opskit("quotas", "check", *words).data
    assert by_name(data, "us-west-2")["ml.p2.xlarge for training job usage"]["verdict"] == "short"
    europe = by_name(data, "eu-west-1")
    assert europe["Number of instances across active endpoints"]["applied"] == 200
    transform = europe["ml.m4.xlarge for transform job usage"]
    assert (transform["applied"], transform["default"], transform["verdict"]) == (None, 0, "short")


def test_a_full_account_counts_what_runs(fresh_shell: Any) -> None:
    with run_sandbox("full") as running:
        fresh_shell.environment.update(running.environment())
        rows = by_name(fresh_shell.opskit("quotas", "check").data)
        published = by_name(fresh_shell.opskit("quotas", "list", "--used").data)
    used = {name: (row["in_use"], row["free"], row["verdict"]) for name, row in rows.items()}
    assert used["ml.m4.xlarge for training job usage"] == (2, 0, "short")
    assert used["Number of instances across all training jobs"] == (4, 0, "short")
    assert used["ml.m4.xlarge for transform job usage"] == (1, 0, "short")
    assert used["ml.m4.xlarge for endpoint usage"] == (1, 0, "short")
    assert used["ml.t2.medium for notebook instance usage"] == (3, 0, "short")
    assert published["ml.m4.xlarge for training job usage"]["in_use"] == 2


@pytest.mark.parametrize(("words", "code"), [(("m4.xlarge",), 2), (("training",), 2), (("--need", "0"), 2)])
def test_a_slip_ends_with_2(fresh_shell: Any, words: tuple[str, ...], code: int) -> None:
    ended = fresh_shell.opskit("quotas", "check", *words)
    assert ended.exit == code
    assert ended.envelope["status"] == "error"
