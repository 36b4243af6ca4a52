"""The commands do their work under exactly the policy that ``opskit iam policy`` prints for them, and say which action
they lack where one of it is missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.journeys.conftest import CompletedCommand, Shell, make_shell, run_sandbox
from tests.slow import starts_server
from tests.waiting import wait_until

BOUNDARY = "arn:aws:iam::123456789012:policy/limits"


@dataclass(frozen=True)
class PolicedShell:
    """A shell at an account in which the policy of a file holds."""

    shell: Shell
    file: Path

    def printed_policy(self, *words: str) -> dict[str, Any]:
        """The policy that opskit prints for commands and flags."""
        policy: dict[str, Any] = json.loads(self.shell.opskit("iam", "policy", *words, json_output=False).stdout)
        return policy

    def hold_to(self, policy: dict[str, Any]) -> None:
        """Let this policy hold from now on."""
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(policy))
        new.replace(self.file)

    def run_under(self, asked: str, *words: str) -> CompletedCommand:
        """Run a command under exactly the policy that is printed for ``asked``."""
        self.hold_to(self.printed_policy(*asked.split()))
        return self.shell.opskit(*words)


def everything() -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture(scope="module")
@starts_server
def policed_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicedShell]:
    home = tmp_path_factory.mktemp("policed")
    file = home / "policy.json"
    file.write_text(json.dumps(everything()))
    with run_sandbox("classroom", policy=file, approve_after="1s") as running:
        yield PolicedShell(make_shell(running, home), file)


WORKFLOW = (
    ("train", "train boston"),
    ("deploy", "deploy boston"),
    ("predict", "predict boston"),
    ("cleanup", "cleanup boston --yes"),
)
NOTEBOOKS = (
    ("notebook create --role-boundary " + BOUNDARY, f"notebook create lab --yes --role-boundary {BOUNDARY}"),
    ("notebook keep", "notebook keep course-idle --for 1h"),
    ("notebook unkeep", "notebook unkeep course-idle"),
    ("notebook open", "notebook open course-idle"),
    ("notebook list", "notebook list"),
    ("notebook stop", "notebook stop course-busy --yes"),
    ("notebook start", "notebook start course-stopped"),
)
QUOTAS = (
    ("quotas check", "quotas check ml.m4.xlarge --for training"),
    ("quotas list", "quotas list --match notebook"),
    ("quotas increase", "quotas increase ml.m5.xlarge --for training --to 9 --yes"),
    ("quotas requests", "quotas requests"),
    ("history", "history"),
)


@pytest.mark.parametrize("journey", [WORKFLOW, NOTEBOOKS, QUOTAS], ids=["workflow", "notebooks", "quotas"])
def test_a_journey_goes_well_under_exactly_the_printed_policy(
    policed_shell: PolicedShell, journey: Sequence[tuple[str, str]]
) -> None:
    for asked, words in journey:
        # What a notebook frees is counted until it is Stopped, and a read may tell for seconds what was before.
        ended = wait_until(lambda: policed_shell.run_under(asked, *words.split()), lambda ended: ended.exit != 3)  # noqa: B023
        assert ended.exit == 0, (words, ended.stdout, ended.stderr)


def test_the_policy_lets_nobody_touch_what_is_not_its_own(policed_shell: PolicedShell) -> None:
    """What the conditions are for: AWS's own API, called past opskit with the same keys."""
    policed_shell.hold_to(everything())
    shell = policed_shell.shell
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")
    key, secret, region, url = (shell.environment[name] for name in names)
    client = boto3.Session(key, secret, region_name=region).client("sagemaker", endpoint_url=url)
    [lab, *_] = client.list_notebook_instances()["NotebookInstances"]
    arn = lab["NotebookInstanceArn"]
    policed_shell.hold_to(policed_shell.printed_policy("notebook", "keep", "cleanup"))
    refused: list[Callable[[], Any]] = [
        lambda: client.add_tags(ResourceArn=arn, Tags=[{"Key": "opskit:owner", "Value": "me"}]),
        lambda: client.delete_tags(ResourceArn=arn, TagKeys=["team"]),
        lambda: client.delete_model(ModelName="a-colleagues"),
        lambda: client.create_model(ModelName="mine", ExecutionRoleArn="arn:aws:iam::123456789012:role/admin"),
    ]
    for call in refused:
        with pytest.raises(client.exceptions.ClientError, match="is not authorized to perform"):
            call()
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "opskit:keep-until", "Value": "2020-01-01T00:00:00+00:00"}])


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """A policy without one of its actions."""
    left = [
        {**each, "Action": [one for one in each["Action"] if one != action]}
        for each in policy["Statement"]
        if each["Action"] != [action]
    ]
    return {**policy, "Statement": left}
