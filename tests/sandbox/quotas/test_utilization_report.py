"""The utilization report of Service Quotas."""

from __future__ import annotations

from typing import Any

import pytest

from opskit.sandbox.errors import ApiError
from opskit.sandbox.state import InstanceUsage, UsageResource
from tests.sandbox.quotas.quota_desk import Desk, error_code_and_text


def test_the_utilization_report_is_made_counted_and_forgotten(opened_desk: Desk) -> None:
    opened_desk.state.in_use = [InstanceUsage(UsageResource.ENDPOINT, "ml.m5.large", 2)]
    report = opened_desk.call("StartQuotaUtilizationReport", opened_desk.reports.start_utilization_report)["ReportId"]

    def look() -> dict[str, Any]:
        return opened_desk.call(
            "GetQuotaUtilizationReport", opened_desk.reports.get_utilization_report, ReportId=report
        )

    assert look() == {"ReportId": report, "Status": "IN_PROGRESS"}
    opened_desk.pass_seconds(2)
    done = look()
    assert (done["Status"], done["TotalCount"]) == ("COMPLETED", len(done["Quotas"]))
    found = {quota["QuotaName"]: quota for quota in done["Quotas"]}
    assert found["Number of instances across active endpoints"]["Utilization"] == 50.0
    assert found["ml.m5.large for endpoint usage"]["DefaultValue"] == 4.0
    opened_desk.pass_seconds(15 * 60)
    with pytest.raises(ApiError) as error:
        look()
    assert error_code_and_text(error)[0] == "NoSuchResourceException"
