"""What ``quotas increase`` says of the quotas over all instance types, which may refuse as well."""

from __future__ import annotations

import pytest

from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import DENIED, Entry, FakeAws

TRAINING = Entry("ml.m4.xlarge for training job usage", "L-A373146E")
TOTAL = "Number of instances across all training jobs"
WORDS = (
    *("quotas", "increase", "ml.m4.xlarge", "--for", "training", "--to", "4"),
    *("--via", "console", "--region", "us-east-1"),
)


@pytest.mark.parametrize(
    ("total", "value", "because"),
    [
        ((), None, None),
        ((Entry(TOTAL, "L-00C91CB5", applied=20.0),), None, None),
        ((Entry(TOTAL, "L-00C91CB5", applied=2.0),), 2, None),
        ((Entry(TOTAL, "L-00C91CB5", reason="DEPENDENCY_ACCESS_DENIED_ERROR"),), None, "DEPENDENCY_ACCESS_DENIED"),
    ],
)
def test_a_total_that_is_short_or_not_known_is_told(
    total: tuple[Entry, ...],
    value: int | None,
    because: str | None,
    fake_aws: FakeAws,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake_aws.quotas = [TRAINING, *total]
    fake_aws.running["ListRequestedServiceQuotaChangeHistoryByQuota"] = lambda asked: {"RequestedQuotas": []}
    told = run_opskit(capsys, *WORDS, "-o", "json").data["blocking_totals"]
    shown = " ".join(run_opskit(capsys, *WORDS).out.split())
    if value is None and because is None:
        assert (told, TOTAL in shown) == ([], False)
        return
    [record] = told
    assert (record["quota_name"], record["value"], record["wanted"]) == (TOTAL, value, 4)
    assert (because or "") in (record["unknown_because"] or "")
    assert (f"Whether {TOTAL} in us-east-1 allows 4 could not be read: " in shown) is (because is not None)


@pytest.mark.usefixtures("no_backoff")
def test_totals_that_may_not_be_read_are_told_as_unknown(fake_aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    fake_aws.quotas = [TRAINING]
    fake_aws.fault = lambda operation, region: DENIED if "Quota" in operation else None
    told = run_opskit(capsys, *WORDS, "-o", "json").data["blocking_totals"]
    assert TOTAL in {each["quota_name"] for each in told}
    assert all(each["value"] is None and each["unknown_because"] for each in told)
