"""The table of calls and the policies made of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest

import opskit
from opskit.access.render.iam import policy_result
from opskit.access.rules.call_sets import OTHER_ACCOUNTS
from opskit.access.rules.command_words import expand_cron_jobs, parse_commands, split_flags
from opskit.access.rules.diagnostics import cost_finding
from opskit.access.rules.grants import ACCESS, CHANGE, READ, required_grants
from opskit.access.rules.permissions import (
    API_CALLS,
    FLAG_CALLS,
    FLAGS,
    REGION_DISCOVERY_CALLS,
    STATE_CALLS,
    calls_of_command,
)
from opskit.access.rules.policy import LARGEST_INLINE, LARGEST_MANAGED, Scope, build_policy, policy_size
from opskit.aws.api_call import is_read, pascal_case
from opskit.cli.command import ACCOUNT_USES
from opskit.core.setting_values import parse_state_place
from opskit.schedule.rules.jobs import JOBS
from tools.command_help import all_commands

EVERY_CALL = sorted(set().union(REGION_DISCOVERY_CALLS, STATE_CALLS, *API_CALLS.values()))


def policy_statements(
    *commands: str, scope: Scope | None = None, flags: Collection[str] = ()
) -> dict[str, dict[str, Any]]:
    made = build_policy(commands, scope or Scope(), flags)
    assert made is not None
    assert made["Version"] == "2012-10-17"
    by_sid = {each["Sid"]: each for each in made["Statement"]}
    assert len(by_sid) == len(made["Statement"])
    return by_sid


def policy_actions(*commands: str) -> set[str]:
    return {action for each in policy_statements(*commands).values() for action in each["Action"]}


@pytest.mark.parametrize("call", EVERY_CALL)
def test_every_call_is_an_operation_of_aws(call: str) -> None:
    service, _, operation = call.partition(":")
    assert operation in botocore.session.get_session().get_service_model(service).operation_names


@pytest.mark.parametrize(
    "command", [command for command, calls in API_CALLS.items() if calls - {"sts:GetCallerIdentity"}]
)
def test_reads_and_changes_stand_apart(command: str) -> None:
    for sid, statement in policy_statements(command).items():
        instance_type = next(instance_type for instance_type in (READ, ACCESS, CHANGE) if sid.startswith(instance_type))
        verbs = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", each.partition(":")[2]).lower() for each in statement["Action"]}
        assert all(is_read(each) is (instance_type is not CHANGE) for each in verbs - {"assume_role"})
        assert re.fullmatch("[A-Za-z0-9]+", sid)
        assert statement["Resource"]


def test_names_are_those_of_iam() -> None:
    assert {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "iam:PassRole", "sagemaker:AddTags"} <= policy_actions(
        "train"
    )
    assert {"s3:DeleteObject", "s3:ListBucket"} <= policy_actions("cleanup")
    assert "sagemaker:InvokeEndpoint" in policy_actions("predict")
    assert "servicequotas:RequestServiceQuotaIncrease" in policy_actions("quotas increase")
    every = policy_actions(*API_CALLS)
    assert not any(each.startswith(("service-quotas:", "sagemaker-runtime:")) for each in every)
    assert {each for each in every if each.startswith("sts:")} == {"sts:AssumeRole"}


def test_a_look_changes_nothing() -> None:
    assert {sid for sid in policy_statements("quotas check") if not sid.startswith(READ)} == set()
    assert {sid for sid in policy_statements("notebook list") if not sid.startswith(READ)} == {"EnterSageMaker"}


def test_what_can_be_narrowed_is() -> None:
    stop = policy_statements("notebook stop")["ChangeSageMaker"]
    assert (stop["Action"], stop["Resource"]) == (
        ["sagemaker:StopNotebookInstance"],
        ["arn:aws:sagemaker:*:*:notebook-instance/*"],
    )
    passed = policy_statements("train")["ChangePassedRole"]
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    scope = Scope(("eu-west-1",), "ours", "arn:aws:iam::123456789012:role/sm")
    narrow = policy_statements("train", scope=scope)
    assert narrow["ChangeStorage"]["Resource"] == ["arn:aws:s3:::ours", "arn:aws:s3:::ours/opskit/*"]
    assert narrow["ChangeStorageObjectTags"]["Resource"] == ["arn:aws:s3:::ours/opskit/*"]
    assert narrow["ChangePassedRole"]["Resource"] == ["arn:aws:iam::123456789012:role/sm"]
    assert all(":eu-west-1:" in arn for arn in narrow["ChangeSageMakerWithOwner"]["Resource"])


@pytest.mark.parametrize("command", API_CALLS)
def test_an_action_on_one_resource_is_allowed_on_resources_of_its_kind(command: str) -> None:
    """AWS names the kind in the operation: DescribeSpace is about a space, and a grant on notebooks denies it."""
    for statement in (build_policy((command,), Scope(), FLAGS) or {"Statement": []})["Statement"]:
        arns = [arn for arn in statement["Resource"] if arn.startswith("arn:aws:sagemaker:")]
        kinds = {arn.split(":")[5].partition("/")[0].replace("-", "") for arn in arns}
        for action in statement["Action"] if kinds else ():
            name = action.removeprefix("sagemaker:").removesuffix("V2").lower()
            is_tagging = name in ("addtags", "deletetags", "listtags")
            assert is_tagging or any(name.endswith(kind) or kind in name for kind in kinds), (action, kinds)


def test_an_operation_on_a_kind_that_no_list_has_is_refused_by_name() -> None:
    with pytest.raises(LookupError, match=r"DescribeHub .*: add the kind to _OTHER_KINDS in opskit/access/rules/"):
        required_grants(["sagemaker:DescribeHub"])


def test_the_logs_of_notebooks_and_of_jobs_are_sagemakers() -> None:
    for command in ("notebook stop", "train"):
        logs = policy_statements(command, flags=["--evidence"])["ReadLogs"]
        assert logs["Resource"] == ["arn:aws:logs:*:*:log-group:/aws/sagemaker/*"]


def test_the_table_of_the_state_is_allowed_alone_and_only_where_there_is_one() -> None:
    assert not any(action.startswith("dynamodb:") for action in policy_actions("history", "quotas increase"))
    place = parse_state_place("dynamodb://ours?region=eu-central-1")
    policy = policy_statements("quotas increase", scope=Scope(("us-east-1",), state=place))
    table = ["arn:aws:dynamodb:eu-central-1:*:table/ours"]
    assert (policy["ReadState"]["Resource"], policy["ChangeState"]["Resource"]) == (table, table)
    assert policy["ReadState"]["Action"] == ["dynamodb:DescribeTable", "dynamodb:Query"]
    # IAM has no action for a transaction, only for what is in it.
    writes = ("BatchWriteItem", "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem")
    assert policy["ChangeState"]["Action"] == [f"dynamodb:{name}" for name in writes]
    assert build_policy(["workflow list"], Scope(state=place)) is None
    arn = "arn:aws:dynamodb:us-west-2:123456789012:table/theirs"
    elsewhere = policy_statements("history", scope=Scope(state=parse_state_place(f"dynamodb://{arn}")))
    assert elsewhere["ReadState"]["Resource"] == [arn]


def test_two_commands_allow_no_more_than_each() -> None:
    assert (
        "arn:aws:sagemaker:*:*:notebook-instance/*"
        not in policy_statements("train", "notebook start")["ChangeTagsOfNew"]["Resource"]
    )


def test_every_region_has_to_be_found_first() -> None:
    everywhere = policy_statements("quotas check", scope=Scope(("all",)))["ReadEverywhere"]["Action"]
    assert {"account:ListRegions", "ec2:DescribeRegions"} <= set(everywhere)
    assert policy_statements("notebook stop", scope=Scope(("cn-north-1",)))["ChangeSageMaker"]["Resource"] == [
        "arn:aws-cn:sagemaker:cn-north-1:*:notebook-instance/*"
    ]


def test_the_commands_of_a_group_fit_into_a_managed_policy_and_all_into_a_role() -> None:
    for flags in ((), FLAGS - {"--no-owner"}):
        for group in {command.partition(" ")[0] for command in API_CALLS}:
            policy = build_policy([each for each in API_CALLS if each.partition(" ")[0] == group], Scope(), flags)
            assert policy is None or policy_size(policy) < LARGEST_MANAGED
        whole = build_policy(tuple(API_CALLS), Scope(), flags)
        assert whole is not None
        assert policy_size(whole) < LARGEST_INLINE


def test_a_policy_that_iam_would_not_take_as_managed_says_so() -> None:
    statement = {"Sid": "Read", "Effect": "Allow", "Action": ["a" * 7000], "Resource": "*"}
    told = policy_result(["train"], {"Version": "2012-10-17", "Statement": [statement]}, [], Scope())
    assert [(each.code, "7" in each.message) for each in told.problems] == [("policy-large", True)]


def test_what_calls_nothing_needs_no_policy() -> None:
    assert build_policy(["settings", "cron show"], Scope()) is None


def test_tags_are_read_of_what_a_command_goes_by_and_of_nothing_else() -> None:
    kinds = ("endpoint", "endpoint-config", "model", "training-job", "transform-job")
    assert policy_statements("cleanup")["ReadTags"]["Resource"] == sorted(
        f"arn:aws:sagemaker:*:*:{instance_type}/*" for instance_type in kinds
    )
    assert policy_statements("notebook list")["ReadTags"]["Resource"] == ["arn:aws:sagemaker:*:*:notebook-instance/*"]


ROLE_BOUNDARY = "arn:aws:iam::123456789012:policy/limits"


def test_only_tags_that_a_command_writes_can_be_written_onto_notebooks() -> None:
    keys = {
        command: policy_statements(command)["ChangeTags"]["Condition"]["ForAllValues:StringEquals"]["aws:TagKeys"]
        for command in ("notebook keep", "notebook unkeep", "notebook stop", "cron run")
    }
    kept = ["opskit:keep", "opskit:keep-reason", "opskit:keep-until"]
    assert keys == {
        "notebook keep": kept,
        "notebook unkeep": kept,
        "notebook stop": ["opskit:idle-since"],
        "cron run": ["opskit:idle-since"],
    }


def test_only_what_carries_an_owner_is_made_and_only_what_a_workflow_made_is_deleted() -> None:
    train, cleanup = policy_statements("train"), policy_statements("cleanup")
    tagged = {"Null": {"aws:RequestTag/opskit:owner": "false"}}
    assert train["ChangeSageMakerWithOwner"]["Condition"] == tagged
    made = ("CreateEndpoint", "CreateEndpointConfig", "CreateModel", "CreateTrainingJob", "CreateTransformJob")
    assert train["ChangeSageMakerWithOwner"]["Action"] == [f"sagemaker:{each}" for each in made]
    assert train["ChangeTagsOfNew"]["Condition"] == {**tagged, "StringLike": {"sagemaker:TaggingAction": "Create*"}}
    assert train["ChangeStorageObjectTags"]["Condition"] == {
        "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["opskit:owner"]}
    }
    of_workflow = {"Null": {"aws:ResourceTag/opskit:workflow": "false"}}
    for statement, actions in (
        (train["ChangeSageMakerOfWorkflow"], ["StopTransformJob"]),
        (cleanup["ChangeSageMakerOfWorkflow"], ["DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel"]),
    ):
        assert statement["Condition"] == of_workflow
        assert statement["Action"] == [f"sagemaker:{each}" for each in actions]
    untagged = policy_statements("train", scope=Scope(untagged=True))
    assert "Condition" not in untagged["ChangeSageMakerWithOwner"]


def test_roles_are_passed_by_name_and_to_sagemaker_alone() -> None:
    assert policy_statements("train")["ChangePassedRole"]["Resource"] == [
        "arn:aws:iam::*:role/opskit-notebook",
        "arn:aws:iam::*:role/service-role/AmazonSageMaker-ExecutionRole-*",
    ]


def test_making_a_role_is_apart_and_within_a_boundary() -> None:
    makers = {"iam:CreateRole", "iam:PutRolePolicy", "iam:TagRole"}
    assert not makers & policy_actions(*API_CALLS)
    scope = Scope(boundary=ROLE_BOUNDARY)
    made = policy_statements("notebook create", scope=scope, flags=["--role-boundary"])
    assert made["ChangeRolesBoundary"]["Action"] == ["iam:CreateRole", "iam:PutRolePolicy"]
    assert made["ChangeRolesBoundary"]["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": ROLE_BOUNDARY}}
    assert made["ChangeRoles"]["Action"] == ["iam:TagRole"]


@pytest.mark.parametrize(
    ("command", "flag", "power"),
    [
        ("train", "--request-increase", "servicequotas:RequestServiceQuotaIncrease"),
        ("train", "--via", "support:CreateCase"),
        ("quotas increase", "--via", "support:CreateCase"),
        ("cron run", "--resume", "servicequotas:RequestServiceQuotaIncrease"),
        ("cron run", "--notify", "sns:Publish"),
        ("notebook stop", "--evidence", "logs:GetLogEvents"),
        ("notebook create", "--wait", "logs:GetLogEvents"),
    ],
)
def test_a_power_that_only_a_flag_needs_is_there_where_the_flag_is_named(command: str, flag: str, power: str) -> None:
    def actions(*flags: str) -> set[str]:
        return {action for each in policy_statements(command, flags=flags).values() for action in each["Action"]}

    assert power not in actions()
    assert power in actions(flag)


@pytest.mark.parametrize(
    ("words", "commands", "flags"),
    [
        (("cron", "run", "stop-idle-endpoints"), ("endpoint stop",), ()),
        (("cron run stop-idle --notify",), ("notebook stop",), ("--notify",)),
        (("cron run costs", "cron run resume"), ("costs", "quotas increase"), ()),
        (("cron", "run"), ("cron run",), ()),
    ],
)
def test_the_policy_of_a_job_is_that_of_its_command(
    words: tuple[str, ...], commands: tuple[str, ...], flags: tuple[str, ...]
) -> None:
    left, found = split_flags(expand_cron_jobs(words))
    assert (parse_commands(left), tuple(found)) == (commands, flags)


def test_a_run_of_cron_may_do_what_every_job_does() -> None:
    for job in JOBS:
        words = " ".join(job.arguments).partition(" -")[0]
        assert API_CALLS["cron run"] >= calls_of_command(words), job.name
    assert "sagemaker:DeleteEndpoint" not in calls_of_command("cron run")
    assert "sagemaker:DeleteEndpoint" in calls_of_command("cron run", ["stop-idle-endpoints"])


def test_what_tells_an_sns_topic_may_publish_where_that_is_asked_for() -> None:
    unattended = ("quotas check", "quotas increase", "notebook stop", "endpoint stop", "costs", "cron run")
    for command in unattended:
        assert "sns:Publish" in calls_of_command(command, ["--notify"])
        assert "sns:Publish" not in calls_of_command(command)


def test_what_costs_is_named_with_its_flag() -> None:
    told = cost_finding().detail
    for command, calls in API_CALLS.items():
        assert (f"`{command}" in told.partition(";")[0]) == ("cloudwatch:GetMetricData" in calls), command
    assert "`costs --metrics`" in told


def test_flags_belong_to_commands_that_know_them_and_to_calls_of_theirs() -> None:
    for command, flags in FLAG_CALLS.items():
        for flag, calls in flags.items():
            assert calls <= API_CALLS[command], (command, flag)


def test_commands_over_accounts_may_assume_roles_there() -> None:
    all_commands()
    assert ACCOUNT_USES
    assert {command for command in ACCOUNT_USES if not API_CALLS[command] >= OTHER_ACCOUNTS} == set()


def named_operations() -> Iterator[tuple[str, str]]:
    """Each operation that the source names as it calls it, and where: ``client.read("sts", "get_caller_identity")``."""
    root = Path(opskit.__file__).parent
    for path in root.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        # To parse all of opskit takes most of a second.
        for node in ast.walk(ast.parse(source)) if re.search(r"\.(call|call_once|read|paginate)\(", source) else ():
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="call" | "call_once" | "read" | "paginate"),
                    args=[ast.Constant(value=str(service)), ast.Constant(value=str(operation)), *_],
                ):
                    yield f"{service}:{pascal_case(operation)}", f"{path.relative_to(root)}:{node.lineno}"
                case _:
                    continue


def test_permissions_know_each_operation_that_the_source_names() -> None:
    known = {*REGION_DISCOVERY_CALLS, *STATE_CALLS}.union(*API_CALLS.values())
    found = list(named_operations())
    assert len(found) > 50
    unknown = [(call, where) for call, where in found if call not in known]
    assert unknown == [], "add them to the command's row in opskit/access/rules/permissions.py"
