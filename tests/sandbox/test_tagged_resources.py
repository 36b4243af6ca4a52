"""The resource groups tagging API: the tags of many resources in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from opskit.sandbox import scenarios
from opskit.sandbox.scenarios import NotebookKind, NotebookSeed, Scenario
from opskit.sandbox.server import run_sandbox
from tests.sandbox.tidy import tidy_options
from tests.slow import starts_server
from tests.waiting import wait_until

NOTEBOOKS = "sagemaker:notebook-instance"


@pytest.fixture(scope="module")
@starts_server
def tagged(account_of: Callable[..., Any]) -> Iterator[Any]:
    """An account with twelve notebooks, ten of which have tags."""
    seeds = tuple(
        NotebookSeed(f"lab-{at:02}", kind=NotebookKind.STOPPED, tags=(("team", "ab"[at % 2]),) if at < 10 else ())
        for at in range(12)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scenarios.SCENARIOS, "fresh", Scenario("fresh", seeds=seeds))
        with run_sandbox(tidy_options()) as running:
            yield account_of(running).client("resourcegroupstaggingapi")


def names(client: Any, **asked: Any) -> list[str]:
    pages = client.get_paginator("get_resources").paginate(**asked)
    found = [each["ResourceARN"] for page in pages for each in page["ResourceTagMappingList"]]
    return [arn.rpartition("/")[2] for arn in found]


def test_resources_that_nobody_here_keeps_tags_of_have_them_all_the_same(
    classroom_sandbox: Any, account_of: Callable[..., Any]
) -> None:
    """Terraform asks for the tags of all that it makes, lifecycle configurations among them."""
    client = account_of(classroom_sandbox).client("sagemaker")
    made = client.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="tagged-later")
    arn = made["NotebookInstanceLifecycleConfigArn"]
    assert client.list_tags(ResourceArn=arn)["Tags"] == []
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "blue"}, {"Key": "who", "Value": "ada"}])
    client.delete_tags(ResourceArn=arn, TagKeys=["who"])
    wait_until(lambda: client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "blue"}])


def test_what_has_tags_is_found_page_by_page(tagged: Any) -> None:
    some = [f"lab-{at:02}" for at in range(10)]
    assert names(tagged, ResourceTypeFilters=[NOTEBOOKS], ResourcesPerPage=3) == some
    assert names(tagged, ResourceTypeFilters=["sagemaker"]) == some
    assert names(tagged, ResourceTypeFilters=["sagemaker:endpoint"]) == []


def test_tags_can_be_asked_for(tagged: Any) -> None:
    wanted = [{"Key": "team", "Values": ["b"]}]
    assert names(tagged, ResourceTypeFilters=[NOTEBOOKS], TagFilters=wanted) == [
        f"lab-{at:02}" for at in (1, 3, 5, 7, 9)
    ]
    assert names(tagged, ResourceTypeFilters=[NOTEBOOKS], TagFilters=[{"Key": "course"}]) == []


def test_resources_can_be_named(tagged: Any) -> None:
    arns = [f"arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/lab-{at:02}" for at in (11, 3, 99)]
    assert names(tagged, ResourceARNList=arns) == ["lab-03"]  # of the others one has no tags, and one is not there
