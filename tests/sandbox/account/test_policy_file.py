"""A policy is enforced as AWS enforces one: actions, resources, conditions, and a denial above all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from opskit.sandbox.account.policy_file import BadPolicy, PolicyFile

LAB = "arn:aws:sagemaker:us-east-1:1:notebook-instance/lab"


def policy_of(folder: Path, *statements: dict[str, Any]) -> PolicyFile:
    file = folder / "policy.json"
    whole = [{"Effect": "Allow", "Resource": "*", **each} for each in statements]
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": whole}))
    return PolicyFile(file)


def test_what_no_statement_allows_is_not_allowed_and_a_denial_wins(tmp_path: Path) -> None:
    policy = policy_of(
        tmp_path,
        {"Action": ["sagemaker:Describe*"], "Resource": ["arn:aws:sagemaker:*:*:notebook-instance/*"]},
        {"Action": "sagemaker:DescribeNotebookInstance", "Resource": f"{LAB}-2", "Effect": "Deny"},
    )
    assert policy.allows("sagemaker:describenotebookinstance", LAB, {})
    assert not policy.allows("sagemaker:DescribeNotebookInstance", f"{LAB}-2", {})
    assert not policy.allows("sagemaker:DescribeModel", LAB.replace("notebook-instance", "model"), {})
    assert not policy.allows("sagemaker:StopNotebookInstance", LAB, {})


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ({"StringEquals": {"iam:PassedToService": "a"}}, {"iam:PassedToService": ("a",)}, True),
        ({"StringEquals": {"iam:PassedToService": "a"}}, {"iam:PassedToService": ("b",)}, False),
        ({"StringEquals": {"iam:PassedToService": "a"}}, {}, False),
        ({"StringLike": {"k": "Create*"}}, {"k": ("CreateModel",)}, True),
        ({"StringLike": {"k": "Create*"}}, {"k": ("xCreate",)}, False),
        ({"Null": {"k": "false"}}, {"k": ("",)}, True),
        ({"Null": {"k": "false"}}, {}, False),
        ({"Null": {"k": "true"}}, {}, True),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ("a", "b")}, True),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ("a", "c")}, False),
        ({"ForAllValues:StringEquals": {"k": ["a"]}}, {}, True),  # as AWS warns
        ({"Null": {"k": "false"}, "StringEquals": {"l": "x"}}, {"k": ("1",)}, False),
    ],
)
def test_a_condition_is_met_by_what_the_request_says(
    tmp_path: Path, condition: dict[str, Any], context: dict[str, tuple[str, ...]], allowed: bool
) -> None:
    policy = policy_of(tmp_path, {"Action": "*", "Condition": condition})
    assert policy.allows("s3:GetObject", "arn:aws:s3:::b", context) is allowed


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"Version": "2012-10-17"}',
        '{"Statement": {"Effect": "Allow", "NotAction": "*", "Resource": "*"}}',
        '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"IpAddress": {"k": "x"}}}}',
    ],
)
def test_what_it_does_not_know_it_does_not_leave_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(BadPolicy):
        PolicyFile(tmp_path / "p.json").statements()


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, {"Action": "s3:GetObject"})
    assert policy.allows("s3:GetObject", "*", {})
    policy_of(tmp_path, {"Action": "s3:PutObject"})
    os.utime(policy.path, (1, 1))
    assert not policy.allows("s3:GetObject", "*", {})
