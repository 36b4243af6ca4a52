"""SageMaker's lists cut the page before they filter it, in the order that AWS documents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opskit.sandbox.list_responses import ListedResource, list_response
from opskit.sandbox.state import ACCOUNT, AccountRegion, ApiCall

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = [
    ListedResource(f"job-{at:02}", BEGAN + timedelta(hours=at), BEGAN, "Completed" if at else "InProgress", {"at": at})
    for at in range(25)
]


def asked_page(**params: Any) -> tuple[list[int], str | None]:
    call = ApiCall(AccountRegion(ACCOUNT, "us-east-1"), "sagemaker", "ListTransformJobs", params, "")
    answer = list_response(call, ROWS, "Found")
    return [each["at"] for each in answer["Found"]], answer["NextToken"]


@pytest.mark.parametrize(
    "filters",
    [
        {"StatusEquals": "InProgress"},
        {"NameContains": "JOB-00"},
        {"CreationTimeBefore": (BEGAN + timedelta(minutes=1)).timestamp()},
    ],
)
def test_what_fits_is_on_the_page_that_it_was_cut_into(filters: dict[str, Any]) -> None:
    pages: list[list[int]] = []
    token = None
    while not pages or token:
        found, token = asked_page(**filters, **({"NextToken": token} if token else {}))
        pages.append(found)
    assert pages == [[], [], [0]], "the newest come first, and the pages of nothing stay"


def test_a_page_has_as_many_as_were_asked_for() -> None:
    assert asked_page(MaxResults=3)[0] == [24, 23, 22]
    assert asked_page(MaxResults=3, SortOrder="Ascending")[0] == [0, 1, 2]
    assert asked_page(SortBy="Name", SortOrder="Ascending", MaxResults=2)[0] == [0, 1]
