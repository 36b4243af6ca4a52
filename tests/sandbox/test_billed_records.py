"""What bills besides jobs and endpoints: made, listed, described, ended; and CloudTrail tells who made it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tests.sandbox.billed_steps import error_code, use_service_records, use_spaces_and_apps
from tests.waiting import wait_until


def test_spaces_and_apps(fresh_account: Any) -> None:
    use_spaces_and_apps(fresh_account.other())


def test_servers_apps_and_labeling_jobs(fresh_account: Any) -> None:
    use_service_records(fresh_account.other())


def test_cloudtrail_tells_who_called_what_and_what_was_refused(fresh_account: Any) -> None:
    client, trail = fresh_account.client("sagemaker"), fresh_account.client("cloudtrail")
    space = {"DomainId": "d-trail", "SpaceName": "trail"}
    client.create_space(**space, Tags=[{"Key": "team", "Value": "a"}])
    assert error_code(lambda: client.create_space(**space)) == "ResourceInUse"
    client.list_spaces()

    def told() -> list[dict[str, Any]]:
        attribute = {"AttributeKey": "EventName", "AttributeValue": "CreateSpace"}
        events = trail.lookup_events(LookupAttributes=[attribute], EndTime=datetime.now(UTC))["Events"]
        details = [json.loads(event["CloudTrailEvent"]) for event in events]
        return [each for each in details if each["requestParameters"]["domainId"] == "d-trail"]

    wait_until(lambda: len(told()) == 2)
    refused, made = told()
    assert (refused["errorCode"], made.get("errorCode")) == ("ResourceInUse", None)
    assert made["requestParameters"]["tags"] == [{"key": "team", "value": "a"}]
    assert made["userIdentity"]["arn"] == fresh_account.client("sts").get_caller_identity()["Arn"]
    others = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ListSpaces"}])
    assert others["Events"] == []
