"""A cleanup removes what the workflow's tag is on, the endpoint first and what it uses only when it is gone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from opskit.core.owners import caller_owner
from opskit.training.rules.workflow_resources import CleanupScope
from tests.fakes.account import Account, client_error, in_memory
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.stubbed_client import ACCOUNT, REGION

JOB, OLDER = "boston-61cfa3bc59-1", "boston-0123456789-3"
ME, COLLEAGUE = f"arn:aws:iam::{ACCOUNT}:user/me", f"arn:aws:iam::{ACCOUNT}:user/you"
UNOWNED = [{"Key": "opskit:workflow", "Value": "boston"}]
OURS = [*UNOWNED, {"Key": "opskit:owner", "Value": ME}]
THEIRS = [*UNOWNED, {"Key": "opskit:owner", "Value": COLLEAGUE}]
SCOPE = CleanupScope("boston", caller_owner(ME))
HOME = f"s3://sagemaker-{REGION}-{ACCOUNT}/opskit/boston"
FILES = {"train/train.csv": b"t", "output/model.tar.gz": b"m", "transform/x/test.csv.out": b"p"}
KINDS = {"Endpoint": "endpoints", "EndpointConfig": "endpoint_configs", "Model": "models"}


@pytest.fixture(autouse=True)
def other_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)


def account_with_endpoint(job: str = JOB, tags: list[dict[str, str]] = OURS, account: Account | None = None) -> Account:
    """An account with a run and its endpoint in it."""
    account = account or Account()
    variants = [{"VariantName": "AllTraffic", "ModelName": job, "InstanceType": "ml.m4.xlarge"}]
    account.put("TrainingJob", job, "Completed", OutputDataConfig={"S3OutputPath": f"{HOME}/{job}/output"}, Tags=tags)
    account.put("Model", job, Tags=tags)
    account.put("EndpointConfig", job, ProductionVariants=variants, Tags=tags)
    account.put("Endpoint", job, "InService", EndpointConfigName=job, Tags=tags)
    account.objects |= {f"{HOME}/{job}/{name}": content for name, content in FILES.items()}
    return account


def run_cleanup(account: Account, capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    with in_memory(account):
        return run_opskit(capsys, "cleanup", "boston", "-o", "json", *(words or ("--yes",)))


def existing_resources(account: Account) -> set[tuple[str, str]]:
    """What can be removed, is there and is not on its way."""
    things = (thing for thing in account.things.values() if thing.states[0] != "Deleting")
    return {(thing.kind, thing.name) for thing in things if thing.kind in KINDS}


def deny_operations(account: Account, *operations: str, code: str = "AccessDeniedException") -> None:
    def before(operation: str) -> None:
        if operation in operations:
            raise client_error(operation, code, "no")

    account.before = before


def kept_reasons(ended: CliResult) -> dict[tuple[str, str], str]:
    return {(each["kind"], each["name"]): each["because"] for each in ended.data["reasons"]}


def test_cleanup_all_of_a_workflow_goes_and_its_job_stays(capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint()
    ended = run_cleanup(account, capsys)
    assert (ended.code, existing_resources(account), account.objects) == (0, set(), {})
    removed = {"endpoints": [JOB], "endpoint_configs": [JOB], "models": [JOB], "objects": 3, "local": []}
    assert ended.data["removed"] == removed
    assert ended.data["left"]["training_jobs"] == [JOB]
    assert ended.data["reasons"] == []


def test_cleanup_what_the_endpoint_uses_goes_only_when_it_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    account, early = account_with_endpoint(), []

    def before(operation: str) -> None:
        if (
            operation in ("DeleteEndpointConfig", "DeleteModel", "DeleteObjects")
            and ("Endpoint", JOB) in account.things
        ):
            early.append(operation)

    account.before = before
    assert run_cleanup(account, capsys).code == 0
    assert early == []


def test_cleanup_an_endpoint_that_is_going_already_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint()
    account.things["Endpoint", JOB].states = ["Deleting", "Deleting", "gone"]
    planned = run_cleanup(account, capsys, "--dry-run")
    assert planned.data["would_remove"]["endpoint_configs"] == [JOB]
    test_cleanup_what_the_endpoint_uses_goes_only_when_it_is_gone(capsys)
    ended = run_cleanup(account, capsys)
    assert (ended.code, existing_resources(account), ended.data["removed"]["endpoints"]) == (0, set(), [])


@pytest.mark.parametrize(
    ("tags", "because"),
    [
        ([], "it does not carry the tag opskit:workflow=boston"),
        ([{"Key": "team", "Value": "blue"}], "it does not carry the tag opskit:workflow=boston"),
        ([{"Key": "opskit:workflow", "Value": "Boston"}], "its tag opskit:workflow is 'Boston'"),
        ([{"Key": "opskit:workflow", "Value": "boston-2"}], "its tag opskit:workflow is 'boston-2'"),
    ],
)
def test_cleanup_what_only_has_such_a_name_is_listed_and_left(
    tags: list[dict[str, str]], because: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account = account_with_endpoint(OLDER, tags, account_with_endpoint())
    account.objects[f"{HOME}/notes.txt"] = account.objects[f"{HOME}/mine/notes.txt"] = b"a colleague's"
    ended = run_cleanup(account, capsys)
    assert (ended.code, existing_resources(account)) == (0, {(instance_type, OLDER) for instance_type in KINDS})
    assert {uri.removeprefix(f"{HOME}/").split("/")[0] for uri in account.objects} == {OLDER, "notes.txt", "mine"}
    assert kept_reasons(ended) == {
        **{(kind, OLDER): because for kind in ("endpoint", "endpoint_config", "model")},
        ("objects", f"{HOME}/{OLDER}/"): f"of the training job {OLDER}: {because}",
        ("objects", f"{HOME}/mine/"): "no training job of 'boston' has such a folder",
        ("objects", f"{HOME}/notes.txt"): "no training job of 'boston' has such a folder",
    }
    assert ended.data["left"] | {"training_jobs": [], "running_jobs": []} == {
        **{kinds: [OLDER] for kinds in KINDS.values()},
        "objects": 5,
        "training_jobs": [],
        "running_jobs": [],
    }


@pytest.mark.parametrize(
    ("tags", "because"),
    [
        (THEIRS, f"it belongs to {COLLEAGUE} (tag opskit:owner)"),
        (UNOWNED, "it carries no tag opskit:owner, as of an older opskit or --no-owner: cleanup --no-owner removes it"),
    ],
)
def test_cleanup_what_others_made_with_the_workflow_is_listed_and_left(
    tags: list[dict[str, str]], because: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account = account_with_endpoint(OLDER, tags, account_with_endpoint())
    ended = run_cleanup(account, capsys)
    assert (ended.code, existing_resources(account)) == (0, {(kind, OLDER) for kind in KINDS})
    assert {uri.removeprefix(f"{HOME}/").split("/")[0] for uri in account.objects} == {OLDER}
    assert kept_reasons(ended) == {
        **{(kind, OLDER): because for kind in ("endpoint", "endpoint_config", "model")},
        ("objects", f"{HOME}/{OLDER}/"): f"of the training job {OLDER}: {because}",
    }
    assert ended.data["owner"] == {"name": ME, "from": "user", "tagged": True}


@pytest.mark.parametrize(
    ("flags", "left"),
    [
        (("--everyones",), set()),
        (("--owner", COLLEAGUE), {JOB, OLDER}),
        (("--no-owner",), {"boston-0000000000-1"}),
    ],
)
def test_cleanup_others_things_go_where_that_is_said(
    flags: tuple[str, ...], left: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    account = account_with_endpoint(OLDER, UNOWNED, account_with_endpoint())
    account_with_endpoint("boston-0000000000-1", THEIRS, account)
    ended = run_cleanup(account, capsys, *flags, "--yes")
    assert (ended.code, {name for _, name in existing_resources(account)}) == (0, left)


def test_cleanup_everyones_things_take_more_than_a_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint(OLDER, THEIRS)
    ended = run_cleanup(account, capsys, "--everyones")
    assert (ended.code, ended.envelope["errors"][0]["code"]) == (2, "consent-missing")
    assert len(existing_resources(account)) == 3
    assert run_cleanup(account, capsys, "--everyones", "--dry-run").data["would_remove"]["models"] == [OLDER]


def test_cleanup_an_owner_who_changes_right_before_the_delete_keeps_the_thing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = account_with_endpoint()

    def after(operation: str) -> None:
        if operation == "DeleteEndpoint":
            account.things["Model", JOB].params["Tags"] = THEIRS

    account.after = after
    ended = run_cleanup(account, capsys)
    assert (ended.code, existing_resources(account)) == (0, {("Model", JOB)})
    assert COLLEAGUE in kept_reasons(ended)["model", JOB]


def test_cleanup_tags_that_cannot_be_read_are_nobodys_leave_to_delete(capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint()
    before = (existing_resources(account), dict(account.objects))
    deny_operations(account, "ListTags")
    for words in ("--dry-run", "--yes"):
        ended = run_cleanup(account, capsys, words)
        assert (ended.code, existing_resources(account), account.objects) == (5, *before)
        assert [error["code"] for error in ended.envelope["errors"]] == ["denied"]
        assert "its tags could not be read" in kept_reasons(ended)["endpoint", JOB]


@pytest.mark.parametrize("kind", KINDS)
def test_cleanup_tags_are_read_again_right_before_each_delete(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody takes a thing over while the cleanup is at its first delete, or has already asked for it."""
    account = account_with_endpoint()
    first = "ListTransformJobs" if kind == "Endpoint" else "DeleteEndpoint"

    def after(operation: str) -> None:
        if operation == first:
            account.things[kind, JOB].params["Tags"] = []

    account.after = after
    ended = run_cleanup(account, capsys)
    assert ended.code == 0
    assert (kind, JOB) in existing_resources(account)
    assert any("does not carry the tag" in reason for reason in kept_reasons(ended).values())
    used_by_it = list(KINDS)[list(KINDS).index(kind) :]
    assert {one for one, _ in existing_resources(account)} == set(used_by_it)
    assert account.objects  # the model's, which stays whichever of them does


def test_cleanup_tags_that_can_no_longer_be_read_stop_just_that_delete(capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint()

    def after(operation: str) -> None:
        if operation == "DeleteEndpointConfig":
            deny_operations(account, "ListTags")

    account.after = after
    ended = run_cleanup(account, capsys)
    assert (ended.code, existing_resources(account)) == (5, {("Model", JOB)})
    assert ended.data["removed"]["endpoint_configs"] == [JOB]
    assert len(account.objects) == 3


def test_cleanup_an_endpoint_that_stays_keeps_what_it_uses(capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint()
    account.put("Model", OLDER, Tags=OURS)
    deny_operations(account, "DeleteEndpoint")
    ended = run_cleanup(account, capsys)
    assert (ended.code, existing_resources(account)) == (5, {(instance_type, JOB) for instance_type in KINDS})
    assert ended.data["removed"]["models"] == [OLDER]
    assert [error["code"] for error in ended.envelope["errors"]] == ["denied"]
    assert kept_reasons(ended)["endpoint", JOB] == "AWS did not delete it"
    assert kept_reasons(ended)["model", JOB] == f"the endpoint {JOB} stays and uses it"


def test_cleanup_where_nothing_could_be_deleted_it_is_awss_no(capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint()
    deny_operations(account, "DeleteEndpoint")
    assert run_cleanup(account, capsys).code == 4


@pytest.mark.parametrize("colleague", ["somebodys-endpoint", "boston-00000000ff-1"])
def test_cleanup_what_a_colleagues_configuration_of_such_a_name_uses_stays(
    colleague: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account = account_with_endpoint()
    config = "boston-00000000ff-1"
    account.put("EndpointConfig", config, ProductionVariants=[{"VariantName": "A", "ModelName": JOB}])
    account.put("Endpoint", colleague, "InService", EndpointConfigName=config)
    ended = run_cleanup(account, capsys)
    assert ended.code == 0
    assert existing_resources(account) >= {("Endpoint", colleague), ("EndpointConfig", config), ("Model", JOB)}
    assert ("Endpoint", JOB) not in existing_resources(account)
    assert kept_reasons(ended)["model", JOB].endswith("stays and uses it")
    assert len(account.objects) == 3


@pytest.mark.parametrize("where", ["PrimaryContainer", "Containers", "ModelDataSource"])
def test_cleanup_files_that_a_colleagues_model_is_made_of_stay(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    account, data = account_with_endpoint(), f"{HOME}/{JOB}/output/model.tar.gz"
    container: dict[str, Any] = {"Image": "i", "ModelDataUrl": data}
    if where == "ModelDataSource":
        container = {"Image": "i", where: {"S3DataSource": {"S3Uri": data}}}
    account.put("Model", OLDER, **{where: [container]} if where == "Containers" else {"PrimaryContainer": container})
    ended = run_cleanup(account, capsys)
    assert (ended.code, existing_resources(account), len(account.objects)) == (0, {("Model", OLDER)}, 3)
    assert kept_reasons(ended)["objects", f"{HOME}/{JOB}/"] == f"the model {OLDER} stays and uses it"


def test_cleanup_a_colleagues_endpoint_on_our_configuration_keeps_it(capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint()
    account.put("Endpoint", "boston-00000000ff-1", "InService", EndpointConfigName=JOB)
    ended = run_cleanup(account, capsys)
    assert ended.code == 0
    assert existing_resources(account) == {("Endpoint", "boston-00000000ff-1"), ("EndpointConfig", JOB), ("Model", JOB)}


@pytest.mark.parametrize("operation", ["DescribeEndpoint", "DescribeEndpointConfig", "DescribeModel"])
def test_cleanup_what_something_that_stays_uses_and_cannot_be_read_may_be_anything(
    operation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account = account_with_endpoint(OLDER, [], account_with_endpoint())
    del account.things["Endpoint", JOB]
    deny_operations(account, operation)
    ended = run_cleanup(account, capsys)
    assert (ended.code, ("Model", JOB) in existing_resources(account), len(account.objects)) == (5, True, 6)
    assert "could not be read" in kept_reasons(ended)["model", JOB]


@pytest.mark.parametrize(
    ("operation", "kept"),
    [
        ("ListEndpoints", {"Endpoint", "EndpointConfig", "Model"}),
        ("ListEndpointConfigs", {"EndpointConfig", "Model"}),
        ("ListTransformJobs", {"Model"}),
        ("ListTrainingJobs", {"Model"}),
        ("ListModels", {"Model"}),
    ],
)
def test_cleanup_what_may_be_used_by_what_cannot_be_seen_stays(
    operation: str, kept: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    account = account_with_endpoint()
    deny_operations(account, operation)
    ended = run_cleanup(account, capsys)
    assert (ended.code, {instance_type for instance_type, _ in existing_resources(account)}) == (5, kept)
    assert len(account.objects) == 3
    assert [error["code"] for error in ended.envelope["errors"]] == ["denied"]


def test_cleanup_a_job_that_cannot_be_described_may_have_files_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Which bucket it wrote to is not known then: what is found goes, and that there may be more is said."""
    account = account_with_endpoint()
    account_with_endpoint(OLDER, account=account)
    deny_operations(account, "DescribeTrainingJob")
    ended = run_cleanup(account, capsys)
    assert (ended.code, existing_resources(account), account.objects) == (5, set(), {})
    [error] = ended.envelope["errors"]
    assert error["code"] == "denied"
    assert error["message"].startswith("Which bucket 2 training jobs wrote to could not be read")
